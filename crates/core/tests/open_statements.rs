//! Several statements open at once on one connection, step by step beside SQLite.
//!
//! A script has one action per line: `name: SQL` prepares a statement, `name` steps it once, `-name` ends it, anything else runs
//! to its end. Rows and errors of each action must agree.

mod support;

use std::collections::HashMap;

use support::{run_ours, run_theirs};
use turso_core::{Database, OpenOptions, StepResult};

fn ours(script: &[&str]) -> Vec<String> {
    let database = Database::open(":memory:", OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    let mut open = HashMap::new();
    let mut log = Vec::new();
    for line in script {
        let outcome = if let Some((name, sql)) = line.split_once(": ") {
            match connection.prepare(sql) {
                Ok(prepared) => {
                    open.insert(name.to_string(), prepared.statement.unwrap());
                    "prepared".to_string()
                }
                Err(e) => e.message().to_string(),
            }
        } else if let Some(name) = line.strip_prefix('-') {
            open.remove(name);
            "ended".to_string()
        } else if let Some(statement) = open.get_mut(*line) {
            match statement.step() {
                Ok(StepResult::Row) => format!("{:?}", statement.row().iter().map(show).collect::<Vec<_>>()),
                Ok(StepResult::Done) => "done".to_string(),
                Err(e) => format!("{} {}", e.code().0, e.message()),
            }
        } else {
            format!("{:?}", run_ours(&connection, line))
        };
        log.push(format!("{line}  ->  {outcome}"));
    }
    log
}

fn show(value: &turso_core::Value) -> String {
    match value {
        turso_core::Value::Integer(i) => i.to_string(),
        turso_core::Value::Null => "NULL".to_string(),
        turso_core::Value::Text(t) => String::from_utf8_lossy(t).into_owned(),
        other => format!("{other:?}"),
    }
}

fn theirs(script: &[&str]) -> Vec<String> {
    // Statements and their rows borrow from one another; a test may leak them.
    let connection: &'static rusqlite::Connection =
        Box::leak(Box::new(rusqlite::Connection::open_in_memory().unwrap()));
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let mut open: HashMap<String, (rusqlite::Rows<'static>, usize)> = HashMap::new();
    let mut log = Vec::new();
    for line in script {
        let outcome = if let Some((name, sql)) = line.split_once(": ") {
            match connection.prepare(sql) {
                Ok(statement) => {
                    let columns = statement.column_count();
                    let statement: &'static mut rusqlite::Statement<'static> = Box::leak(Box::new(statement));
                    open.insert(name.to_string(), (statement.raw_query(), columns));
                    "prepared".to_string()
                }
                Err(e) => e.to_string(),
            }
        } else if let Some(name) = line.strip_prefix('-') {
            open.remove(name);
            "ended".to_string()
        } else if let Some((rows, columns)) = open.get_mut(*line) {
            match rows.next() {
                Ok(Some(row)) => {
                    let value = |i| match row.get_ref(i).unwrap() {
                        rusqlite::types::ValueRef::Integer(i) => i.to_string(),
                        rusqlite::types::ValueRef::Null => "NULL".to_string(),
                        rusqlite::types::ValueRef::Text(t) => String::from_utf8_lossy(t).into_owned(),
                        other => format!("{other:?}"),
                    };
                    format!("{:?}", (0..*columns).map(value).collect::<Vec<_>>())
                }
                Ok(None) => "done".to_string(),
                Err(rusqlite::Error::SqliteFailure(f, m)) => format!("{} {}", f.extended_code, m.unwrap_or_default()),
                Err(e) => e.to_string(),
            }
        } else {
            format!("{:?}", run_theirs(connection, line))
        };
        log.push(format!("{line}  ->  {outcome}"));
    }
    log
}

#[track_caller]
fn check(script: &str) {
    let lines: Vec<&str> = script.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let (ours, theirs) = (ours(&lines), theirs(&lines));
    let differences: Vec<String> =
        ours.iter().zip(&theirs).filter(|(a, b)| a != b).map(|(a, b)| format!("   ours: {a}\n sqlite: {b}")).collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

const SETUP: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c); INSERT INTO t VALUES(1, 10, 'x'), (2, 20, 'y'), (3, 30, 'z'), (4, 40, 'w');
    CREATE TABLE u(x); INSERT INTO u VALUES(1), (2), (3);";

#[test]
fn reads_see_writes_of_their_connection() {
    check(&format!(
        "{SETUP}
         r: SELECT a, b FROM t
         r
         DELETE FROM t WHERE a = 2
         r
         INSERT INTO t VALUES(5, 50, 'v')
         UPDATE t SET b = b + 1 WHERE a > 3
         r
         r
         r
         r"
    ));
}

#[test]
fn commit_with_a_read_pending() {
    check(&format!(
        "{SETUP}
         BEGIN
         INSERT INTO u VALUES(9)
         r: SELECT a FROM t
         r
         COMMIT
         r
         BEGIN
         r
         ROLLBACK
         r
         r
         r
         SELECT * FROM u"
    ));
}

#[test]
fn rollback_with_a_read_pending() {
    check(&format!(
        "{SETUP}
         BEGIN
         INSERT INTO t VALUES(6, 60, 'q')
         r: SELECT a FROM t
         r
         r
         ROLLBACK
         r
         r
         r
         SELECT a FROM t"
    ));
}

#[test]
fn writes_pending_at_commit_and_rollback() {
    check(&format!(
        "{SETUP}
         w: UPDATE t SET c = 'new' RETURNING a
         w
         BEGIN
         COMMIT
         w
         SELECT c FROM t
         -w
         w2: INSERT INTO u VALUES(7), (8) RETURNING x
         BEGIN
         w2
         COMMIT
         ROLLBACK
         w2
         w2
         COMMIT
         SELECT * FROM u"
    ));
}

#[test]
fn several_writes_open() {
    check(&format!(
        "{SETUP}
         w1: UPDATE t SET c = 'one' RETURNING a
         w2: DELETE FROM t WHERE a > 2 RETURNING a, c
         w1
         w2
         w1
         INSERT INTO t VALUES(1, 5, 5)
         INSERT INTO t VALUES(9, 90, 9)
         w2
         w2
         w1
         w1
         w1
         SELECT * FROM t
         SELECT changes(), total_changes()"
    ));
}

#[test]
fn schema_changes_while_reads_are_open() {
    check(&format!(
        "{SETUP}
         r: SELECT a, b FROM t
         r
         CREATE TABLE n(z)
         r
         CREATE INDEX tc ON t(c)
         r
         DROP TABLE t
         DROP TABLE n
         DROP INDEX tc
         ALTER TABLE t ADD COLUMN d
         r
         r
         DROP TABLE t
         SELECT name FROM sqlite_schema"
    ));
}

#[test]
fn savepoints_with_reads_open() {
    check(&format!(
        "{SETUP}
         SAVEPOINT s
         r: SELECT a FROM t
         r
         INSERT INTO u VALUES(4)
         SAVEPOINT s2
         DELETE FROM t WHERE a = 3
         r
         ROLLBACK TO s2
         r
         RELEASE s
         r
         r
         SELECT count(*) FROM t"
    ));
}

#[test]
fn what_stays_after_a_failure() {
    check(&format!(
        "{SETUP}
         UPDATE OR FAIL t SET b = 30 WHERE a IN (2, 4)
         INSERT OR FAIL INTO t VALUES(10, 100, 0), (11, 10, 0), (12, 120, 0)
         INSERT OR ABORT INTO t VALUES(13, 130, 0), (11, 10, 0)
         INSERT OR IGNORE INTO t VALUES(14, 140, 0), (11, 10, 0), (15, 150, 0)
         SELECT changes()
         BEGIN
         INSERT INTO t VALUES(16, 160, 0)
         INSERT OR FAIL INTO t VALUES(17, 170, 0), (18, 10, 0)
         SELECT a FROM t WHERE a > 15
         INSERT OR ROLLBACK INTO t VALUES(19, 190, 0), (18, 10, 0)
         COMMIT
         SELECT a FROM t WHERE a > 9
         r: SELECT a FROM t
         r
         BEGIN
         INSERT OR ROLLBACK INTO t VALUES(19, 190, 0), (18, 10, 0)
         r
         r
         UPDATE OR REPLACE t SET b = 10 WHERE a = 3
         UPDATE OR IGNORE t SET b = 10
         SELECT a, b FROM t
         SELECT total_changes()"
    ));
}
