//! A few generated scripts with fixed seeds, in the ordinary suite; `cargo xtask differential` runs as many as one likes.

use differential::generate::Abilities;
use differential::reach::Reach;
use differential::run::{Difference, Place, again, script};

/// Statements of a script after its schema.
const LENGTH: usize = 60;
/// The seed of the first script.
const FIRST: u64 = 1_000_003;

fn show(found: &Difference) -> String {
    let steps: Vec<&str> = found.steps.iter().map(|step| step.sql.as_str()).collect();
    format!("{:?}: script {} ({:?})\n{};\n{}", found.kind, found.seed, found.place, steps.join(";\n"), found.text)
}

#[test]
fn generated_scripts_do_the_same() {
    let mut reach = Reach::default();
    for seed in FIRST..FIRST + 60 {
        let outcome = script(seed, LENGTH, Place::draw(seed), Abilities::default(), &mut reach);
        assert!(outcome.is_ok(), "{}", outcome.err().map_or(String::new(), |found| show(&found)));
    }
    assert!(reach.statements > 2_000, "{}", reach.report());
}

#[test]
fn generated_scripts_do_the_same_when_every_page_is_pending() {
    let mut reach = Reach::default();
    for seed in FIRST + 1000..FIRST + 1012 {
        let difference = match script(seed, LENGTH, Place::Memory, Abilities::default(), &mut reach) {
            Ok(steps) => again(seed, &steps, Place::Pending),
            Err(found) => Some(*found),
        };
        assert!(difference.is_none(), "{}", difference.map_or(String::new(), |found| show(&found)));
    }
    assert!(reach.statements > 400, "{}", reach.report());
}
