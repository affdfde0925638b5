//! The scan bench: queries that read all of a large table, on this engine and on bundled SQLite, in turn in one run.
//!
//! ```text
//! cargo run --release -p scan                              # 1,000,000 rows
//! cargo run --release -p scan -- --rows 100000 --only group
//! cargo run --release -p scan -- --rows-too                # the row tier as a third column
//! ```
//! Both databases are in memory. Each query runs once unmeasured, then `--rounds` times on each engine in turn; the times are
//! medians, the ratio is ours over SQLite's. The answers must be the same, rows and order.
#![forbid(unsafe_code)]

/// The allocator that our faces ship with (SQLite, in C, keeps the system's).
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

mod queries;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use turso_core::{Connection, Database, OpenOptions, StepResult, ValueRef};

use queries::{QUERIES, SETUP};

#[derive(Parser)]
#[command(about = "Scans of large tables, against SQLite")]
struct Arguments {
    /// Rows of the large table.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Measured rounds.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only queries whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Measure our row tier as well.
    #[arg(long)]
    rows_too: bool,
    /// Run only this one, with this tier of ours, so many times (for profilers).
    #[arg(long)]
    tier: Option<String>,
}

/// A hash of all rows in their order, types included.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Answer(u64);

fn add(hash: &mut DefaultHasher, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => 0u8.hash(hash),
        ValueRef::Integer(i) => (1u8, i).hash(hash),
        ValueRef::Real(r) => (2u8, r.to_bits()).hash(hash),
        ValueRef::Text(bytes) => (3u8, bytes).hash(hash),
        ValueRef::Blob(bytes) => (4u8, bytes).hash(hash),
    }
}

fn run_ours(connection: &Connection, sql: &str) -> (Duration, Answer) {
    let start = Instant::now();
    let mut statement = connection.prepare(sql).expect("a query").statement.expect("a statement");
    let mut hash = DefaultHasher::new();
    while statement.step().expect("a row") == StepResult::Row {
        statement.row().iter().for_each(|value| add(&mut hash, value.as_ref()));
    }
    (start.elapsed(), Answer(hash.finish()))
}

fn run_theirs(connection: &rusqlite::Connection, sql: &str) -> (Duration, Answer) {
    let start = Instant::now();
    let mut statement = connection.prepare(sql).expect("a query");
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut hash = DefaultHasher::new();
    while let Some(row) = rows.next().expect("a row") {
        for i in 0..columns {
            let value = match row.get_ref(i).expect("a value") {
                rusqlite::types::ValueRef::Null => ValueRef::Null,
                rusqlite::types::ValueRef::Integer(i) => ValueRef::Integer(i),
                rusqlite::types::ValueRef::Real(r) => ValueRef::Real(r),
                rusqlite::types::ValueRef::Text(bytes) => ValueRef::Text(bytes),
                rusqlite::types::ValueRef::Blob(bytes) => ValueRef::Blob(bytes),
            };
            add(&mut hash, value);
        }
    }
    (start.elapsed(), Answer(hash.finish()))
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let setup = SETUP.replace("ROWS", &arguments.rows.to_string());
    let ours = Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("a database");
    ours.execute_batch(&setup).expect("tables");
    let wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    if let Some(tier) = &arguments.tier {
        ours.execute_batch(format!("PRAGMA execution_tier = {tier}")).expect("a tier");
        for (name, sql) in QUERIES.iter().filter(|(name, _)| wanted(name)) {
            let mut times: Vec<Duration> = (0..arguments.rounds).map(|_| run_ours(&ours, sql).0).collect();
            println!("{name:<34} {:>9.2} ms", median(&mut times) * 1e3);
        }
        return ExitCode::SUCCESS;
    }
    let theirs = rusqlite::Connection::open_in_memory().expect("a database");
    theirs.execute_batch(&setup).expect("tables");
    println!("{:<34} {:>9} {:>9} {:>9} {:>7}", "query", "ours ms", "rows ms", "sqlite ms", "ratio");
    let (mut logs, mut wrong) = (Vec::new(), 0);
    for (name, sql) in QUERIES.iter().filter(|(name, _)| wanted(name)) {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..=arguments.rounds {
            let mine = run_ours(&ours, sql);
            let by_rows = arguments.rows_too.then(|| {
                ours.execute_batch("PRAGMA execution_tier = row").expect("a tier");
                let outcome = run_ours(&ours, sql);
                ours.execute_batch("PRAGMA execution_tier = auto").expect("a tier");
                outcome
            });
            let his = run_theirs(&theirs, sql);
            if mine.1 != his.1 || by_rows.is_some_and(|rows| rows.1 != his.1) {
                println!("{name}: the answers differ");
                wrong += 1;
                break;
            }
            if round > 0 {
                times[0].push(mine.0);
                times[1].extend(by_rows.map(|rows| rows.0));
                times[2].push(his.0);
            }
        }
        let [mine, by_rows, his] = times.each_mut().map(|times| median(times));
        let ratio = mine / his;
        println!("{name:<34} {:>9.2} {:>9.2} {:>9.2} {ratio:>7.3}", mine * 1e3, by_rows * 1e3, his * 1e3);
        if ratio.is_finite() {
            logs.push(ratio.ln());
        }
    }
    let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    println!("geometric mean of {} ratios: {:.3}", logs.len(), mean.exp());
    if wrong > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
