//! The comparison bench: the same workloads on this engine and on bundled SQLite, round by round in turn, in one run.
//!
//! ```text
//! cargo run --release -p compare                     # the whole table
//! cargo run --release -p compare -- --only insert    # workloads whose name contains a word
//! cargo run --release -p compare -- --capture        # what each mode of change data capture costs on workloads that write
//! ```
//! A round of one engine is followed by the same round of the other, so a machine that changes its speed changes it for
//! both. The ratio is the median of the rounds' ratios, our time over SQLite's.
#![forbid(unsafe_code)]

/// The allocator that our faces ship with (SQLite, in C, keeps the system's).
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

mod engine;
mod workloads;

use std::path::Path;
use std::time::Instant;

use clap::Parser;

use engine::{Engine, Sqlite, Turso};
use workloads::{Place, WORKLOADS, Workload};

#[derive(Parser)]
#[command(about = "Compare with SQLite")]
struct Arguments {
    /// Only workloads whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Rows of the tables. Must not be a multiple of 7368787.
    #[arg(long, default_value_t = 100_000)]
    rows: i64,
    /// Measured rounds.
    #[arg(long, default_value_t = 7)]
    rounds: i64,
    /// Compare this engine, capturing changes in each mode, with itself, capturing none.
    #[arg(long)]
    capture: bool,
    /// Run only this engine (for profilers): `turso` or `sqlite`.
    #[arg(long)]
    engine: Option<String>,
}

fn main() {
    let arguments = Arguments::parse();
    if arguments.capture {
        return capture(&arguments);
    }
    println!("{:<42} {:>12} {:>12} {:>7}", "workload", "turso ns/op", "sqlite ns/op", "ratio");
    let mut logs = Vec::new();
    for workload in WORKLOADS {
        if arguments.only.as_ref().is_some_and(|only| !workload.name.contains(only.as_str())) {
            continue;
        }
        if let Some(engine) = &arguments.engine {
            profile(workload, engine, &arguments);
            continue;
        }
        let (ours, theirs, ratio) = compare(workload, &arguments, ["turso", "sqlite"]);
        println!("{:<42} {ours:>12.0} {theirs:>12.0} {ratio:>7.2}", workload.name);
        logs.push(ratio.ln());
    }
    if !logs.is_empty() {
        println!(
            "geometric mean of {} ratios: {:.3}",
            logs.len(),
            (logs.iter().sum::<f64>() / logs.len() as f64).exp()
        );
    }
}

/// Words in the names of workloads that write rows.
const WRITES: [&str; 3] = ["insert", "update", "delete"];

fn capture(arguments: &Arguments) {
    println!("{:<42} {:>7} {:>7} {:>7} {:>7}", "time with capture / without", "id", "before", "after", "full");
    for workload in WORKLOADS.iter().filter(|workload| WRITES.iter().any(|word| workload.name.contains(word))) {
        if arguments.only.as_ref().is_some_and(|only| !workload.name.contains(only.as_str())) {
            continue;
        }
        let ratio = |name| compare(workload, arguments, [name, "turso"]).2;
        let ratios = ["turso id", "turso before", "turso after", "turso full"].map(ratio);
        println!("{:<42} {:>7.2} {:>7.2} {:>7.2} {:>7.2}", workload.name, ratios[0], ratios[1], ratios[2], ratios[3]);
    }
}

fn prepare_place(engine: &mut dyn Engine, place: Place) {
    match place {
        Place::Memory => {}
        Place::File => engine.batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"),
        Place::Durable => engine.batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"),
    }
}

fn open(name: &str, place: Place, directory: &Path) -> Box<dyn Engine> {
    let file = directory.join(format!("{name}.db"));
    let path = (place != Place::Memory).then_some(file.as_path());
    let mut engine: Box<dyn Engine> =
        if name == "sqlite" { Box::new(Sqlite::open(path)) } else { Box::new(Turso::open(path)) };
    prepare_place(engine.as_mut(), place);
    engine
}

/// Medians of time per operation for both engines, and of the ratio. A second word in a name is a mode of capture.
fn compare(workload: &Workload, arguments: &Arguments, names: [&str; 2]) -> (f64, f64, f64) {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let mut engines = names.map(|name| open(name, workload.place, directory.path()));
    for (engine, name) in engines.iter_mut().zip(names) {
        if let Some((_, mode)) = name.split_once(' ') {
            engine.batch(&format!("PRAGMA capture_data_changes_conn('{mode}')"));
        }
        (workload.setup)(engine.as_mut(), arguments.rows);
    }
    let mut times = [Vec::new(), Vec::new()];
    // The first round warms caches up and is not counted.
    for round in 0..=arguments.rounds {
        let mut sums = [0; 2];
        // Who goes first alternates.
        for k in 0..2 {
            let i = (k + round as usize) % 2;
            let start = Instant::now();
            let (operations, sum) = (workload.round)(engines[i].as_mut(), arguments.rows, round);
            let time = start.elapsed().as_nanos() as f64 / operations as f64;
            sums[i] = sum;
            if round > 0 {
                times[i].push(time);
            }
        }
        assert_eq!(sums[0], sums[1], "{}: the engines' results differ", workload.name);
    }
    let mut ratios: Vec<f64> = times[0].iter().zip(&times[1]).map(|(a, b)| a / b).collect();
    (median(&mut times[0]), median(&mut times[1]), median(&mut ratios))
}

fn profile(workload: &Workload, engine: &str, arguments: &Arguments) {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let mut engine = open(engine, workload.place, directory.path());
    (workload.setup)(engine.as_mut(), arguments.rows);
    let start = Instant::now();
    for round in 0..arguments.rounds {
        (workload.round)(engine.as_mut(), arguments.rows, round);
    }
    println!("{:<42} {:.3} s", workload.name, start.elapsed().as_secs_f64());
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
