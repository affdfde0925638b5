//! Connections of one process that write at once: nobody is refused, nothing is lost, whatever the journal mode.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use turso_core::{Database, OpenOptions, StepResult};

fn check(new_uses_wal: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
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
}

#[test]
fn writers_take_turns_in_wal_mode() {
    check(true);
}

#[test]
fn writers_take_turns_with_a_rollback_journal() {
    check(false);
}

/// The busy handler of the checkpoint ends the writer, then the reader.
#[test]
fn a_checkpoint_waits_for_readers_and_writers_before_it_copies() {
    for (mode, counts) in [("full", "0|3|3"), ("restart", "0|3|3"), ("truncate", "0|0|0")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let options = OpenOptions { new_uses_wal: true, ..OpenOptions::default() };
        let database = Database::open(path.to_str().unwrap(), options).unwrap();
        let [a, reader, writer] = [(); 3].map(|()| database.connect().unwrap());
        a.execute_batch("CREATE TABLE t(x); PRAGMA wal_checkpoint(truncate); INSERT INTO t VALUES(1)").unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        writer.execute_batch("INSERT INTO t VALUES(2); BEGIN; INSERT INTO t VALUES(3)").unwrap();
        let before = std::fs::read(&path).unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (seen, file) = (calls.clone(), path.clone());
        a.set_busy_handler(Some(Arc::new(move |attempt| {
            seen.lock().unwrap().push((attempt, std::fs::read(&file).unwrap() == before));
            match attempt {
                1 => writer.execute_batch("COMMIT").is_ok(),
                3 => reader.execute_batch("COMMIT").is_ok(),
                _ => attempt < 9,
            }
        })));
        let mut statement = a.prepare(format!("PRAGMA wal_checkpoint({mode})")).unwrap().statement.unwrap();
        assert_eq!(statement.step().unwrap(), StepResult::Row);
        let row: Vec<_> = statement.row().iter().map(|v| v.to_integer().to_string()).collect();
        drop(statement);
        assert_eq!((mode, row.join("|").as_str()), (mode, counts));
        assert_eq!(*calls.lock().unwrap(), [(0, true), (1, true), (2, true), (3, true)], "{mode}");
        drop((a, database));
    }
}
