//! The comparison bench: the same workloads on this engine and on bundled SQLite, round by round in turn, in one run.
//!
//! ```text
//! cargo run --release -p compare                     # the whole table
//! cargo run --release -p compare -- --only insert    # workloads whose name contains a word
//! cargo run --release -p compare -- --capture        # what each mode of change data capture costs on workloads that write
//! cargo run --release -p compare -- --count --only prepare   # instructions instead of time, by callgrind
//! cargo run --release -p compare -- --count --check  # fail where counts.tsv has fewer instructions (--record writes it)
//! ```
//! A round of one engine is followed by the same round of the other, so a machine that changes its speed changes it for
//! both. The ratio is the median of the rounds' ratios, our time over SQLite's.
#![forbid(unsafe_code)]

/// The allocator that our faces ship with (SQLite, in C, keeps the system's).
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

mod counts;
mod engine;
mod workloads;

use std::path::Path;
use std::process::ExitCode;
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
    /// Do one in so many operations of the rounds that repeat one.
    #[arg(long, default_value_t = 1)]
    divide: i64,
    /// Count instructions with callgrind instead of taking times.
    #[arg(long)]
    count: bool,
    /// With `--count`: the workloads of `counts.tsv`, and fail where one takes more instructions than are written there.
    #[arg(long, requires = "count")]
    check: bool,
    /// With `--count`: the workloads of `counts.tsv`, which is written anew as a whole.
    #[arg(long, requires = "count", conflicts_with_all = ["check", "only"])]
    record: bool,
    /// With `--count`: keep the profiles in this folder.
    #[arg(long, requires = "count")]
    profiles: Option<std::path::PathBuf>,
}

impl Arguments {
    /// The workloads asked for. A whole name means that workload alone.
    fn workloads(&self) -> Vec<&'static Workload> {
        let Some(only) = &self.only else { return WORKLOADS.iter().collect() };
        match WORKLOADS.iter().find(|workload| workload.name == only) {
            Some(workload) => vec![workload],
            None => WORKLOADS.iter().filter(|workload| workload.name.contains(only.as_str())).collect(),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    workloads::divide_rounds(arguments.divide);
    if arguments.count {
        return if counts::count(&arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if arguments.capture {
        capture(&arguments);
        return ExitCode::SUCCESS;
    }
    if let Some(engine) = &arguments.engine {
        arguments.workloads().iter().for_each(|workload| profile(workload, engine, &arguments));
        return ExitCode::SUCCESS;
    }
    println!("{:<42} {:>12} {:>12} {:>7}", "workload", "turso ns/op", "sqlite ns/op", "ratio");
    let mut logs = Vec::new();
    for workload in arguments.workloads() {
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
    ExitCode::SUCCESS
}

/// Words in the names of workloads that write rows.
const WRITES: [&str; 3] = ["insert", "update", "delete"];

fn capture(arguments: &Arguments) {
    println!("{:<42} {:>7} {:>7} {:>7} {:>7}", "time with capture / without", "id", "before", "after", "full");
    let writes = |workload: &&Workload| WRITES.iter().any(|word| workload.name.contains(word));
    for workload in arguments.workloads().into_iter().filter(writes) {
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

/// One engine alone: a round that warms caches up, then those to be looked at.
fn profile(workload: &Workload, engine: &str, arguments: &Arguments) {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let mut engine = open(engine, workload.place, directory.path());
    (workload.setup)(engine.as_mut(), arguments.rows);
    (workload.round)(engine.as_mut(), arguments.rows, 0);
    let start = Instant::now();
    let mut operations = 0;
    for round in 1..=arguments.rounds {
        operations += measured_round(workload, engine.as_mut(), arguments.rows, round);
    }
    println!("{:<42} {:.3} s for {operations} operations", workload.name, start.elapsed().as_secs_f64());
}

/// What callgrind counts: it knows this function by its name.
#[inline(never)]
fn measured_round(workload: &Workload, engine: &mut dyn Engine, rows: i64, round: i64) -> u64 {
    (workload.round)(engine, rows, round).0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
