//! A sample of the crash enumeration, with SQLite looking at some of the states.

use std::path::Path;

use turso_sim::crash::stock::Stock;
use turso_sim::crash::{Plan, Totals, run, workload};

#[test]
fn what_a_crash_leaves_is_what_was_promised() {
    let directory = tempfile_directory();
    let mut stock = Stock::start(Path::new(env!("CARGO_BIN_EXE_sim")), &directory).unwrap();
    let plan = Plan { seed: 1, per_moment: 24, random: 8, again_every: 100, stock_every: 60 };
    let mut totals = Totals::default();
    let mut failures = Vec::new();
    for workload in workload::all().iter().step_by(9) {
        match run(workload, plan, &directory, Some(&mut stock)) {
            Ok(done) => totals.add(&done),
            Err(error) => failures.push(error),
        }
    }
    drop(stock);
    let _ = std::fs::remove_dir_all(&directory);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(totals.states > 3_000 && totals.stock > 10 && totals.again > 50, "{totals:?}");
}

fn tempfile_directory() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("turso-sim-crashes-{}", std::process::id()))
}

#[test]
fn there_are_enough_workloads_and_each_has_a_name_of_its_own() {
    let mut names: Vec<String> = workload::all().into_iter().map(|w| w.name).collect();
    assert!(names.len() >= 200, "{}", names.len());
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
