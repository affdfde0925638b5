//! `both [FILE] < script`: runs a script on our engine (on FILE, else in memory) and on bundled SQLite (in memory), statement
//! by statement, and prints each answer, or both where they differ. Statements end with a semicolon at the end of a line.
#![forbid(unsafe_code)]

use std::io::Read;
use std::path::Path;

use integration::compare::{Order, contents, difference, first_difference};
use integration::{Engine, Ours, Stock};

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let mut ours = match std::env::args().nth(1) {
        Some(path) => Ours::open(Path::new(&path)),
        None => Ours::memory(),
    };
    let mut stock = Stock::memory();
    for sql in text.split(";\n").map(str::trim).filter(|s| !s.is_empty()) {
        let (a, b) = (ours.run(sql), stock.run(sql));
        println!("> {sql}");
        let show = |answer: &integration::Answer| {
            answer
                .lines()
                .into_iter()
                .chain(answer.error.iter().map(|(t, c)| format!("error {c}: {t}")))
                .collect::<Vec<_>>()
                .join("\n")
        };
        match difference(&a, &b, Order::Kept) {
            None if a.error.is_none() && a.rows.is_empty() => {}
            None => println!("{}", show(&a)),
            Some(d) => println!("DIFFERENT {d}\nOURS\n{}\nSQLITE\n{}", show(&a), show(&b)),
        }
        if let Some(d) = first_difference(&contents(&mut ours), &contents(&mut stock)) {
            println!("CONTENTS DIFFER {d}");
        }
    }
    Ok(())
}
