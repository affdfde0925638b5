//! One long concurrent transaction that is overtaken: how long its commit takes, and the memory that all of it needs.

use std::path::Path;
use std::time::Instant;

use turso_core::{Database, OpenOptions};

/// Inserts so many rows in one transaction, with a commit by another connection in between.
pub fn measure(path: &Path, rows: u64) {
    let database = Database::open(path.to_str().expect("a name"), OpenOptions::default()).expect("a database");
    let (long, other) = (database.connect().expect("a connection"), database.connect().expect("a connection"));
    let run = |connection: &turso_core::Connection, sql: &str| connection.execute_batch(sql).expect(sql);
    run(&long, "CREATE TABLE long(id INTEGER PRIMARY KEY, a, b); BEGIN CONCURRENT");
    let start = Instant::now();
    let numbers = format!("WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})");
    run(&long, &format!("{numbers} INSERT INTO long SELECT i, i * 7919 % 1000003, 'row ' || i FROM n"));
    let (inserted, memory) = (start.elapsed(), most_memory());
    run(&other, "INSERT INTO l(a, b) VALUES(1, 'in between')");
    let start = Instant::now();
    run(&long, "COMMIT");
    let committed = start.elapsed();
    println!(
        "{rows} rows: inserted in {inserted:.1?} within {memory}, committed in {committed:.1?} within {}",
        most_memory()
    );
}

/// The most memory that the process has held so far, as Linux tells it.
fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or_else(|| "an unknown number of MB".into(), |kilobytes| format!("{} MB", kilobytes / 1000))
}
