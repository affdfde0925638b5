//! Connections of one process that write at once: nobody is refused, nothing is lost, whatever the journal mode.

use std::process::Command;
use std::time::Instant;

use turso_core::{Database, OpenOptions};

fn check(new_uses_wal: bool) {
    let path = std::env::temp_dir().join(format!("turso_core_threads_{}_{new_uses_wal}.db", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let name = path.to_str().unwrap();
    let options = OpenOptions { new_uses_wal, ..OpenOptions::default() };
    let database = Database::open(name, options).unwrap();
    let first = database.connect().unwrap();
    first.execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY, who, n); CREATE INDEX t_who ON t(who, n)").unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let database = &database;
            scope.spawn(move || {
                let connection = database.connect().unwrap();
                connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
                for n in 0..50 {
                    let sql = match n % 3 {
                        0 => format!("INSERT INTO t(who, n) VALUES({thread}, {n})"),
                        1 => format!("BEGIN IMMEDIATE; INSERT INTO t(who, n) VALUES({thread}, {n}); COMMIT"),
                        _ => format!(
                            "BEGIN; INSERT INTO t(who, n) VALUES({thread}, {n}); COMMIT; SELECT count(*) FROM t"
                        ),
                    };
                    connection.execute_batch(&sql).unwrap_or_else(|e| panic!("thread {thread}, {sql}: {e}"));
                }
            });
        }
    });
    println!("{new_uses_wal}: {:?}", start.elapsed());
    drop(first);
    drop(database);
    let out = Command::new("sqlite3")
        .arg(&path)
        .arg("PRAGMA integrity_check; SELECT count(*), count(DISTINCT who || '-' || n) FROM t")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "ok\n200|200");
    let _ = std::fs::remove_file(&path);
}

#[test]
fn writers_take_turns_in_wal_mode() {
    check(true);
}

#[test]
fn writers_take_turns_with_a_rollback_journal() {
    check(false);
}
