//! What change data capture costs: inserts and updates in each mode, beside the same work without.
//!
//! ```text
//! cargo run --release -p capture
//! ```
//! The modes take turns, each round on a file of its own; shown are medians, and their ratios to mode `off`.
#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

use std::path::Path;
use std::time::Instant;

use clap::Parser;
use turso_core::{Connection, Database, OpenOptions, StepResult, Value};

#[derive(Parser)]
#[command(about = "What change data capture costs")]
struct Arguments {
    /// Rows.
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// Statements that are transactions of their own.
    #[arg(long, default_value_t = 2000)]
    single: usize,
    /// Measured rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

const MODES: [&str; 5] = ["off", "id", "before", "after", "full"];

/// What is measured.
struct Work {
    name: &'static str,
    sql: &'static str,
    /// One transaction, not one for each statement.
    together: bool,
}

const WORKS: [Work; 6] = [
    Work { name: "INSERT, one transaction", sql: "INSERT INTO t VALUES (?1, ?2, ?3, ?4)", together: true },
    Work { name: "INSERT, each its own", sql: "INSERT INTO t VALUES (?1 + 10000000, ?2, ?3, ?4)", together: false },
    Work { name: "UPDATE by key, one transaction", sql: "UPDATE t SET c = ?3 || 'x' WHERE a = ?1", together: true },
    Work { name: "UPDATE by key, each its own", sql: "UPDATE t SET b = b + 1 WHERE a = ?1", together: false },
    Work { name: "UPDATE of all rows", sql: "UPDATE t SET d = d * 2, b = b + 1", together: true },
    Work { name: "DELETE by key, one transaction", sql: "DELETE FROM t WHERE a = ?1", together: true },
];

fn main() {
    let arguments = Arguments::parse();
    let mut times = vec![[const { Vec::new() }; MODES.len()]; WORKS.len()];
    for round in 0..=arguments.rounds {
        for (mode, name) in MODES.iter().enumerate() {
            let directory = tempfile::tempdir().expect("a temporary folder");
            let connection = made(&directory.path().join("capture.db"), name);
            for (work, times) in WORKS.iter().zip(&mut times) {
                let took = measured(&connection, work, &arguments);
                // (The first round warms up.)
                if round > 0 {
                    times[mode].push(took);
                }
            }
        }
    }
    println!("{} rows, {} single statements, medians of {} rounds", arguments.rows, arguments.single, arguments.rounds);
    println!("{:<32} {:>10}   times as long: id, before, after, full", "", "off");
    for (work, times) in WORKS.iter().zip(&mut times) {
        let medians = times.each_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        let ratios: Vec<String> = medians.iter().skip(1).map(|median| format!("{:5.2}", median / medians[0])).collect();
        println!("{:<32} {:>7.1} ms   {}", work.name, medians[0], ratios.join(" "));
    }
}

fn made(path: &Path, mode: &str) -> Connection {
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).expect("the database opens");
    let connection = database.connect().expect("a connection");
    let sql = format!(
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b INT, c TEXT, d REAL); CREATE INDEX i ON t(b);
         PRAGMA synchronous = NORMAL; PRAGMA capture_data_changes_conn('{mode}')"
    );
    connection.execute_batch(sql).expect("the table is made");
    connection
}

/// Milliseconds.
fn measured(connection: &Connection, work: &Work, arguments: &Arguments) -> f64 {
    let parameters = work.sql.contains("?1");
    let count = if !parameters {
        1
    } else if work.together {
        arguments.rows
    } else {
        arguments.single
    };
    let prepared = connection.prepare(work.sql).expect("prepared");
    let mut statement = prepared.statement.expect("a statement");
    let start = Instant::now();
    if work.together {
        connection.execute_batch("BEGIN").expect("begun");
    }
    for i in 0..count as i64 {
        if parameters {
            let values = [
                Value::Integer(i),
                Value::Integer(i * 7919 % 100_003),
                Value::from("a text of usual length"),
                Value::Real(i as f64),
            ];
            for (at, value) in values.into_iter().take(statement.parameter_count()).enumerate() {
                statement.bind(at + 1, value).expect("bound");
            }
        }
        while statement.step().expect("a step") == StepResult::Row {}
        statement.reset();
    }
    if work.together {
        connection.execute_batch("COMMIT").expect("committed");
    }
    start.elapsed().as_secs_f64() * 1e3
}
