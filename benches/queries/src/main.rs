//! Generated queries over tables of 100,000 rows on this engine and on bundled SQLite, in one run, on one file that SQLite has
//! made. Rows must be equal; what takes us more than three times SQLite's time is listed.
//!
//! ```text
//! cargo xtask queries                          # 300 queries of seed 1
//! cargo xtask queries -- --seed 7 --count 50
//! cargo xtask queries -- --seed 1 --only 17    # one of them, with its text and its plans
//! ```
//! What counts is processor time: the machine may do other things too. A query that takes an engine longer than `--cutoff` seconds is cut off and counts with that time.
#![forbid(unsafe_code)]

/// The allocator that our faces ship with (SQLite, in C, keeps the system's).
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

mod generate;
#[path = "../../tpch/src/processor.rs"]
mod processor;
#[path = "../../tpch/src/watch.rs"]
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use rusqlite::types::ValueRef;
use turso_core::{Connection, Database, OpenOptions, ResultCode, StepResult, Value};

use watch::Watch;

#[derive(Parser)]
#[command(about = "Generated queries beside SQLite")]
struct Arguments {
    /// Which queries.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many of them.
    #[arg(long, default_value_t = 300)]
    count: usize,
    /// Only the query of this number.
    #[arg(long)]
    only: Option<usize>,
    /// Rows of each of the four tables.
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// Seconds after which a query is cut off.
    #[arg(long, default_value_t = 10)]
    cutoff: u64,
    /// Differences below this many milliseconds count for nothing.
    #[arg(long, default_value_t = 2.0)]
    noise: f64,
    /// List queries whose ratio is above this.
    #[arg(long, default_value_t = 3.0)]
    above: f64,
    /// Keep the database in this file, and use it if it is there.
    #[arg(long)]
    database: Option<PathBuf>,
}

fn main() {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let path = arguments.database.clone().unwrap_or_else(|| temporary.path().join("queries.db"));
    let sqlite = rusqlite::Connection::open(&path).expect("SQLite opens");
    if sqlite.prepare("SELECT * FROM t3").is_err() {
        sqlite.execute_batch(&generate::schema(arguments.rows)).expect("SQLite fills the tables");
    }
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).expect("we open");
    let turso = database.connect().expect("we connect");
    // Both engines may keep the whole file in memory.
    sqlite.execute_batch("PRAGMA cache_size = -1000000").expect("SQLite sets its cache");
    turso.execute_batch("PRAGMA cache_size = -1000000").expect("we set our cache");

    let mut random = generate::Random::new(arguments.seed);
    let cutoff = Duration::from_secs(arguments.cutoff);
    let (mut logs, mut slow, mut different) = (Vec::new(), 0, 0);
    for number in 1..=arguments.count {
        let sql = generate::query(&mut random);
        if arguments.only.is_some_and(|only| only != number) {
            continue;
        }
        let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
        let mut equal = true;
        // A single slow run may be the machine's: what looks slow is measured again.
        for _ in 0..3 {
            let (our_rows, time) = timed(|| run_turso(&turso, &sql, cutoff));
            ours = ours.min(time);
            let (their_rows, time) = timed(|| run_sqlite(&sqlite, &sql, cutoff));
            theirs = theirs.min(time);
            if let (Some(ours), Some(theirs)) = (our_rows, their_rows) {
                equal &= ours == theirs;
            }
            if ours < 1.5 * theirs || ours - theirs < arguments.noise / 1e3 {
                break;
            }
        }
        let ratio = ours / theirs;
        let beyond = ratio > arguments.above && ours - theirs > arguments.noise / 1e3;
        slow += usize::from(beyond);
        different += usize::from(!equal);
        if beyond || !equal || arguments.only.is_some() {
            let verdict = if equal { "" } else { "  ROWS DIFFER" };
            println!(
                "#{number}: {:.1} ms, SQLite {:.1} ms, ratio {ratio:.2}{verdict}\n    {sql}",
                ours * 1e3,
                theirs * 1e3
            );
        }
        if arguments.only.is_some() {
            let explained = format!("EXPLAIN QUERY PLAN {sql}");
            // The last column of each node is its text.
            let text = |row: &String| row.rsplit('|').next().unwrap_or_default().to_string();
            let plans = [rows_of_turso(&turso, &explained, cutoff), rows_of_sqlite(&sqlite, &explained, cutoff)];
            for (name, plan) in ["turso", "SQLite"].iter().zip(plans) {
                println!("    {name}: {}", plan.iter().flatten().map(text).collect::<Vec<_>>().join("; "));
            }
        }
        logs.push(ratio.ln());
    }
    let mean = (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp();
    println!(
        "{} queries: geometric mean {mean:.3}, above {}: {slow}, rows differ: {different}",
        logs.len(),
        arguments.above
    );
}

fn timed<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let start = processor::seconds();
    let result = f();
    (result, processor::seconds() - start)
}

/// The rows, sorted (ties and joins may come in any order), or `None` when the query has been cut off.
fn run_turso(connection: &Connection, sql: &str, cutoff: Duration) -> Option<Vec<String>> {
    rows_of_turso(connection, sql, cutoff).map(sorted)
}

/// As [`run_turso`].
fn run_sqlite(connection: &rusqlite::Connection, sql: &str, cutoff: Duration) -> Option<Vec<String>> {
    rows_of_sqlite(connection, sql, cutoff).map(sorted)
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}

fn rows_of_turso(connection: &Connection, sql: &str, cutoff: Duration) -> Option<Vec<String>> {
    let mut statement = match connection.prepare(sql) {
        Ok(prepared) => prepared.statement.expect("a query is a statement"),
        Err(error) => panic!("{error} in {sql}"),
    };
    let handle = connection.clone();
    let _watch = Watch::start(cutoff, move || handle.interrupt());
    let mut rows = Vec::new();
    loop {
        match statement.step() {
            Ok(StepResult::Row) => rows.push(statement.row().iter().map(our_text).collect::<Vec<_>>().join("|")),
            Ok(StepResult::Done) => break,
            Err(error) if error.code() == ResultCode::INTERRUPT => return None,
            Err(error) => panic!("{error} in {sql}"),
        }
    }
    Some(rows)
}

fn rows_of_sqlite(connection: &rusqlite::Connection, sql: &str, cutoff: Duration) -> Option<Vec<String>> {
    let handle = connection.get_interrupt_handle();
    let _watch = Watch::start(cutoff, move || handle.interrupt());
    let mut statement = connection.prepare(sql).expect("SQLite prepares");
    let columns = statement.column_count();
    let mut cursor = statement.query([]).expect("SQLite runs");
    let mut rows = Vec::new();
    loop {
        match cursor.next() {
            Ok(Some(row)) => {
                let texts = (0..columns).map(|i| their_text(row.get_ref(i).expect("a column")));
                rows.push(texts.collect::<Vec<_>>().join("|"));
            }
            Ok(None) => break,
            Err(rusqlite::Error::SqliteFailure(e, _)) if e.code == rusqlite::ErrorCode::OperationInterrupted => {
                return None;
            }
            Err(error) => panic!("{error} in {sql}"),
        }
    }
    Some(rows)
}

/// Ten digits of a real say enough: sums come in the order of the join.
fn real(r: f64) -> String {
    format!("{r:.9e}")
}

fn our_text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(n) => n.to_string(),
        Value::Real(r) => real(*r),
        Value::Text(bytes) | Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn their_text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(r) => real(r),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
