//! The 22 TPC-H queries on this engine and on bundled SQLite, in one run, on one database file that SQLite has made.
//!
//! ```text
//! cargo xtask tpch                      # scale 0.1, without indexes, then with indexes on the keys
//! cargo xtask tpch -- --query 9 --indexes yes --rounds 5
//! ```
//! Both engines' rows must be equal; sums of reals may differ in their last digits, since a join order of its own adds them up
//! in an order of its own. What counts is processor time: the machine may do other things too. A query that takes longer than `--cutoff` seconds is cut off and counts with that time.
#![forbid(unsafe_code)]

/// The allocator that our faces ship with (SQLite, in C, keeps the system's).
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

mod data;
mod processor;
mod queries;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use rusqlite::types::Value as SqliteValue;
use turso_core::{Database, OpenOptions, StepResult, Value};

use queries::QUERIES;
use watch::Watch;

#[derive(Parser)]
#[command(about = "The TPC-H queries beside SQLite")]
struct Arguments {
    /// Scale of the data.
    #[arg(long, default_value_t = 0.1)]
    scale: f64,
    /// With indexes on the keys: `yes`, `no`, or `both` one after the other.
    #[arg(long, default_value = "both")]
    indexes: String,
    /// Only these queries.
    #[arg(long)]
    query: Vec<usize>,
    /// Measured rounds of each query; the least time counts.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Seconds after which a query is cut off.
    #[arg(long, default_value_t = 60)]
    cutoff: u64,
    /// Keep the databases in this folder, and use those that are there.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Run only this engine (for profilers): `turso` or `sqlite`.
    #[arg(long)]
    engine: Option<String>,
}

fn main() {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let directory = arguments.directory.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(directory).expect("a folder for the databases");
    for indexes in [false, true] {
        if arguments.indexes == if indexes { "no" } else { "yes" } {
            continue;
        }
        println!("scale {}, {} indexes", arguments.scale, if indexes { "with" } else { "without" });
        let path = database(directory, arguments.scale, indexes);
        run(&path, &arguments);
    }
}

/// The file of this scale, made if it is not there.
fn database(directory: &Path, scale: f64, indexes: bool) -> PathBuf {
    let path = directory.join(format!("tpch-{scale}-{}.db", if indexes { "indexed" } else { "plain" }));
    if !path.exists() {
        let unfinished = path.with_extension("unfinished");
        let connection = rusqlite::Connection::open(&unfinished).expect("SQLite opens");
        data::fill(&connection, scale, indexes).expect("SQLite fills the tables");
        drop(connection);
        std::fs::rename(&unfinished, &path).expect("the file takes its name");
    }
    path
}

fn run(path: &Path, arguments: &Arguments) {
    let sqlite = rusqlite::Connection::open(path).expect("SQLite opens");
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).expect("we open");
    let turso = database.connect().expect("we connect");
    // Both engines may keep the whole file in memory.
    sqlite.execute_batch("PRAGMA cache_size = -1000000").expect("SQLite sets its cache");
    turso.execute_batch("PRAGMA cache_size = -1000000").expect("we set our cache");
    println!("{:<6} {:>10} {:>10} {:>7}", "query", "turso ms", "sqlite ms", "ratio");
    let cutoff = Duration::from_secs(arguments.cutoff);
    let mut logs = Vec::new();
    for (number, sql) in (1..).zip(QUERIES) {
        if !arguments.query.is_empty() && !arguments.query.contains(&number) {
            continue;
        }
        let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
        let mut verdict = "";
        for _ in 0..arguments.rounds {
            let mut our_rows = None;
            if arguments.engine.as_deref() != Some("sqlite") {
                let start = processor::seconds();
                our_rows = run_turso(&turso, sql, cutoff);
                ours = ours.min(processor::seconds() - start);
            }
            if arguments.engine.as_deref() != Some("turso") {
                let start = processor::seconds();
                let rows = run_sqlite(&sqlite, sql, cutoff);
                theirs = theirs.min(processor::seconds() - start);
                verdict = match (our_rows, rows) {
                    (None, _) if arguments.engine.is_none() => "  (cut off)",
                    (_, None) => "  (SQLite cut off)",
                    (Some(ours), Some(theirs)) if !equal(&ours, &theirs) => "  ROWS DIFFER",
                    _ => verdict,
                };
            }
        }
        println!("Q{number:<5} {:>10.1} {:>10.1} {:>7.2}{verdict}", ours * 1e3, theirs * 1e3, ours / theirs);
        logs.push((ours / theirs).ln());
    }
    println!("geometric mean: {:.3}", (logs.iter().sum::<f64>() / logs.len() as f64).exp());
}

/// The rows, or `None` when the query has been cut off.
fn run_turso(connection: &turso_core::Connection, sql: &str, cutoff: Duration) -> Option<Vec<Vec<Value>>> {
    let mut statement = match connection.prepare(sql) {
        Ok(prepared) => prepared.statement.expect("a query is a statement"),
        Err(error) => panic!("{error} in {sql}"),
    };
    let handle = connection.clone();
    let _watch = Watch::start(cutoff, move || handle.interrupt());
    let mut rows = Vec::new();
    loop {
        match statement.step() {
            Ok(StepResult::Row) => rows.push(statement.row().to_vec()),
            Ok(StepResult::Done) => return Some(rows),
            Err(error) if error.code() == turso_core::ResultCode::INTERRUPT => return None,
            Err(error) => panic!("{error} in {sql}"),
        }
    }
}

/// The rows, or `None` when the query has been cut off.
fn run_sqlite(connection: &rusqlite::Connection, sql: &str, cutoff: Duration) -> Option<Vec<Vec<SqliteValue>>> {
    let handle = connection.get_interrupt_handle();
    let _watch = Watch::start(cutoff, move || handle.interrupt());
    let mut statement = connection.prepare(sql).expect("SQLite prepares");
    let columns = statement.column_count();
    let rows: rusqlite::Result<Vec<Vec<SqliteValue>>> =
        statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect()).expect("SQLite runs").collect();
    match rows {
        Ok(rows) => Some(rows),
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::OperationInterrupted => {
            None
        }
        Err(error) => panic!("{error} in {sql}"),
    }
}

/// Equal rows, in any order (ties under ORDER BY may come in either).
fn equal(ours: &[Vec<Value>], theirs: &[Vec<SqliteValue>]) -> bool {
    let ours = ours.iter().map(|row| row.iter().map(our_text).collect());
    let theirs = theirs.iter().map(|row| row.iter().map(their_text).collect());
    let (mut ours, mut theirs): (Vec<Vec<String>>, Vec<Vec<String>>) = (ours.collect(), theirs.collect());
    ours.sort();
    theirs.sort();
    ours == theirs
}

/// Ten digits of a real say enough.
fn real(r: &f64) -> String {
    format!("{r:.9e}")
}

fn our_text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(n) => n.to_string(),
        Value::Real(r) => real(r),
        Value::Text(bytes) | Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn their_text(value: &SqliteValue) -> String {
    match value {
        SqliteValue::Null => "NULL".into(),
        SqliteValue::Integer(n) => n.to_string(),
        SqliteValue::Real(r) => real(r),
        SqliteValue::Text(text) => text.clone(),
        SqliteValue::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
