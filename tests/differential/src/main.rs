//! `differential`: generated scripts on this engine and on SQLite until a number of statements is reached.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::{Parser, ValueEnum};
use differential::compare::{Kind, Verdict, compare};
use differential::generate::{Abilities, Order, Step};
use differential::logic::{self, Checked, Rewriting};
use differential::reach::Reach;
use differential::run::{Difference, Place, again, script};
use differential::shrink::shrink;
use integration::{Engine, Ours, Stock};
use turso_core::Value;

#[derive(Clone, Copy, ValueEnum)]
enum Back {
    /// In memory, with and without a file.
    Ready,
    /// In real files of which every first touch of a page is pending, under a tiny cache.
    Pending,
    /// Each script in both places.
    Both,
    /// In memory, with the batch tier forced.
    Batch,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Scripts on this engine and on SQLite.
    Compare,
    /// Queries on this engine, each beside the sum of its parts where a condition is true, false and NULL.
    Tlp,
    /// Queries on this engine, each beside a form in which no index and no rewrite can serve its condition.
    Norec,
}

#[derive(Parser)]
#[command(about = "Generated scripts on this engine and on SQLite: same answers, same files")]
struct Arguments {
    /// The first script's seed; the default is the time.
    #[arg(long)]
    seed: Option<u64>,
    /// What is compared with what.
    #[arg(long, value_enum, default_value = "compare")]
    mode: Mode,
    /// Statements to run.
    #[arg(long, default_value_t = 100_000)]
    statements: u64,
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Where our engine keeps its databases.
    #[arg(long, value_enum, default_value = "ready")]
    backend: Back,
    /// Statements of a script after its schema.
    #[arg(long, default_value_t = 60)]
    length: usize,
    /// Different differences to show before giving up.
    #[arg(long, default_value_t = 10)]
    show: usize,
    /// Run the script with exactly this seed and print it.
    #[arg(long)]
    script: Option<u64>,
    /// Run the statements of a file, each ending with `;` at the end of a line, and show where the answers differ.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Seconds to spend on shrinking each.
    #[arg(long, default_value_t = 20)]
    shrink: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stock = abilities();
    let mut reach = Reach::of_shared(functions());
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(path) = &arguments.file {
        return file(path);
    }
    if let Some(seed) = arguments.script {
        let found = one(seed, &arguments, stock, &mut reach);
        if let Some(found) = &found {
            print(&shrink(found, Duration::from_secs(arguments.shrink)));
        }
        return if found.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let seed = arguments
        .seed
        .unwrap_or_else(|| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |d| d.as_secs()));
    println!("seed {seed}");
    match arguments.mode {
        Mode::Compare => {}
        Mode::Tlp => return check_logic(seed, Rewriting::Partitioned, &arguments),
        Mode::Norec => return check_logic(seed, Rewriting::Plain, &arguments),
    }
    let start = Instant::now();
    let mut shown: BTreeMap<String, u64> = BTreeMap::new();
    let mut differences = 0;
    let mut number = 0;
    while reach.statements < arguments.statements && arguments.seconds.is_none_or(|s| start.elapsed().as_secs() < s) {
        let script_seed = seed.wrapping_mul(1_000_003).wrapping_add(number);
        number += 1;
        let Some(found) = one(script_seed, &arguments, stock, &mut reach) else { continue };
        differences += 1;
        let small = shrink(&found, Duration::from_secs(arguments.shrink));
        let count = shown.entry(signature(&small)).or_default();
        *count += 1;
        if *count <= 1 {
            print(&small);
            if shown.len() >= arguments.show {
                break;
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{}", reach.report());
    println!("{:.0} statements a second; {differences} differences", reach.statements as f64 / seconds);
    for (signature, count) in &shown {
        println!("{count} x {signature}");
    }
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Statements that somebody has written: every difference, and on.
fn file(path: &Path) -> ExitCode {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let (mut ours, mut stock) = (Ours::memory(), Stock::memory());
    let mut same = true;
    for sql in text.split(";\n").map(str::trim).filter(|sql| !sql.is_empty()) {
        let step = Step::query(sql.to_owned());
        let (a, b) = (ours.run(sql), stock.run(sql));
        let step = Step { order: Order::Kept, ..step };
        if let Verdict::Different(kind, text) = compare(&a, &b, &step) {
            println!("{sql};\n{kind:?}\n{text}");
            same = false;
        }
    }
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The script of a seed where the back end wants it.
fn one(seed: u64, arguments: &Arguments, stock: Abilities, reach: &mut Reach) -> Option<Difference> {
    let place = match arguments.backend {
        Back::Ready | Back::Both => Place::draw(seed),
        Back::Pending => Place::Pending,
        Back::Batch => Place::Batches,
    };
    match script(seed, arguments.length, place, stock, reach) {
        Ok(steps) if matches!(arguments.backend, Back::Both) => again(seed, &steps, Place::Pending),
        Ok(_) => None,
        // A machine that does other things may take its time once.
        Err(difference) if difference.kind == Kind::Slow => again(seed, &difference.steps, place),
        Err(difference) => Some(*difference),
    }
}

/// Conditions of one schema.
const CONDITIONS: usize = 100;

fn check_logic(seed: u64, rewriting: Rewriting, arguments: &Arguments) -> ExitCode {
    let start = Instant::now();
    let mut checked = Checked::default();
    let mut differences = 0;
    for number in 0.. {
        let late = arguments.seconds.is_some_and(|s| start.elapsed().as_secs() >= s);
        if late || checked.queries >= arguments.statements || differences >= arguments.show {
            break;
        }
        let script_seed = seed.wrapping_mul(1_000_003).wrapping_add(number);
        if let Some(found) = logic::script(script_seed, CONDITIONS, rewriting, &mut checked) {
            differences += 1;
            print(&found);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} queries, {} pairs compared ({} not empty), {} failed, {:.0} queries a second; {differences} differences",
        checked.queries,
        checked.compared,
        checked.with_rows,
        checked.failed,
        checked.queries as f64 / seconds
    );
    // A run that compares nothing proves nothing.
    if differences == 0 && checked.compared > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn abilities() -> Abilities {
    let works = |sql: &str| {
        let answer =
            rusqlite::Connection::open_in_memory().and_then(|c| c.query_row(sql, [], |row| row.get::<_, f64>(0)));
        answer.is_ok()
    };
    Abilities { math: works("SELECT sqrt(4)"), percentile: works("SELECT median(1)") }
}

/// The functions of the SQLite at hand.
fn functions() -> Vec<String> {
    let answer = Stock::memory().run("SELECT DISTINCT name FROM pragma_function_list");
    let text = |row: &Vec<Value>| match row.first() {
        Some(Value::Text(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    answer.rows.iter().filter_map(text).collect()
}

/// Small scripts that look alike show the same difference.
fn signature(found: &Difference) -> String {
    if matches!(found.kind, Kind::Error(..)) {
        return format!("{:?}", found.kind);
    }
    let last = match found.kind {
        Kind::Content | Kind::Exchange | Kind::Integrity => found.text.as_str(),
        _ => found.steps.last().map_or("", |s| s.sql.as_str()),
    };
    let words: String = last.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).take(60).collect();
    format!("{:?} {words}", found.kind)
}

fn print(found: &Difference) {
    println!("==== {:?}: script {} ({:?})", found.kind, found.seed, found.place);
    for step in &found.steps {
        println!("{};", step.sql);
    }
    println!("{}", found.text);
}
