//! Switches of a connection, what statements count, and files without locks.

use turso_core::{Connection, Database, OpenOptions, StepResult, Switch, Value};

fn memory() -> Connection {
    Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap()
}

fn error(connection: &Connection, sql: &str) -> String {
    connection.execute_batch(sql).map_or_else(|e| e.message().to_owned(), |()| "no error".to_owned())
}

fn one(connection: &Connection, sql: &str) -> Value {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    assert_eq!(statement.step().unwrap(), StepResult::Row, "{sql}");
    statement.row()[0].clone()
}

#[test]
fn double_quoted_strings_can_be_forbidden() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a CHECK (a <> \"x\"))").unwrap();
    assert_eq!(one(&c, "SELECT \"nope\""), Value::from("nope"));
    c.turn(Switch::DoubleQuotedStringsInQueries, false);
    assert_eq!(
        error(&c, "SELECT \"nope\""),
        "no such column: \"nope\" - should this be a string literal in single-quotes?"
    );
    assert_eq!(error(&c, "INSERT INTO t VALUES (1)"), "no error");
    c.turn(Switch::DoubleQuotedStringsInSchema, false);
    assert_eq!(
        error(&c, "CREATE INDEX i ON t(\"nope\")"),
        "no such column: \"nope\" - should this be a string literal in single-quotes?"
    );
    c.turn(Switch::DoubleQuotedStringsInQueries, true);
    assert_eq!(one(&c, "SELECT \"nope\""), Value::from("nope"));
}

#[test]
fn triggers_and_views_can_be_switched_off() {
    let c = memory();
    c.execute_batch(
        "CREATE TABLE t(a); CREATE TABLE log(a); CREATE VIEW v AS SELECT a FROM t; CREATE TEMP VIEW w AS SELECT 5;
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END;",
    )
    .unwrap();
    let mut insert = c.prepare("INSERT INTO t VALUES (1)").unwrap().statement.unwrap();
    insert.step().unwrap();
    insert.reset();
    c.turn(Switch::Triggers, false);
    insert.step().unwrap();
    insert.reset();
    assert_eq!(one(&c, "SELECT count(*) FROM log"), Value::Integer(1));
    c.turn(Switch::Views, false);
    assert!(!c.is_on(Switch::Views));
    assert_eq!(error(&c, "SELECT * FROM v"), "access to view \"v\" prohibited");
    assert_eq!(error(&c, "SELECT * FROM w"), "no error");
    c.turn(Switch::Views, true);
    assert_eq!(error(&c, "SELECT * FROM v"), "no error");
}

#[test]
fn a_defended_schema_cannot_be_written() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a); PRAGMA writable_schema = on").unwrap();
    c.turn(Switch::Defensive, true);
    assert_eq!(error(&c, "DELETE FROM sqlite_schema"), "table sqlite_master may not be modified");
    c.turn(Switch::ForeignKeys, true);
    assert_eq!(one(&c, "PRAGMA foreign_keys"), Value::Integer(1));
    for switch in Switch::ALL {
        assert_eq!(Switch::from_number(switch as i32), Some(switch));
    }
    assert_eq!(Switch::from_number(1), None);
}

#[test]
fn attach_makes_and_writes_files_only_where_it_may() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let attach = format!("ATTACH '{}' AS x", path.display());
    let c = memory();
    c.turn(Switch::AttachCreates, false);
    assert_eq!(error(&c, &attach), format!("unable to open database: {}", path.display()));
    c.turn(Switch::AttachCreates, true);
    c.execute_batch(format!("{attach}; CREATE TABLE x.t(a); DETACH x")).unwrap();
    c.turn(Switch::AttachWrites, false);
    c.execute_batch(&attach).unwrap();
    assert_eq!(error(&c, "INSERT INTO x.t VALUES (1)"), "attempt to write a readonly database");
}

#[test]
fn statements_count_what_is_costly() {
    let c = memory();
    c.execute_batch(
        "CREATE TABLE t(a, b); CREATE TABLE u(a, b);
         INSERT INTO t SELECT value, value FROM generate_series(1, 100);
         INSERT INTO u SELECT value, value FROM generate_series(1, 50);",
    )
    .unwrap();
    let status = |sql: &str| {
        let mut statement = c.prepare(sql).unwrap().statement.unwrap();
        for _ in 0..2 {
            while statement.step().unwrap() == StepResult::Row {}
            statement.reset();
        }
        let status = statement.status();
        assert_eq!(status.runs, 2, "{sql}");
        assert!(status.memory_used > 100, "{sql}");
        status.counters
    };
    // SQLite counts the steps, not the first row of a scan.
    assert_eq!(status("SELECT count(a) FROM t").fullscan_steps, 2 * 99);
    assert_eq!(status("SELECT * FROM t WHERE rowid = 5").fullscan_steps, 0);
    assert_eq!(status("SELECT a FROM t ORDER BY b").sorts, 2);
    let joined = status("SELECT * FROM t, u WHERE t.a = u.a");
    assert!(joined.auto_index_rows >= 2 * 50, "{joined:?}");
}

#[test]
fn nolock_takes_no_locks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let plain = rusqlite::Connection::open(&path).unwrap();
    plain.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN EXCLUSIVE").unwrap();
    let open = |uri: String| {
        let options = OpenOptions { busy_timeout: std::time::Duration::ZERO, ..OpenOptions::default() };
        Database::open(&uri, options).unwrap().connect().unwrap()
    };
    let locked = open(format!("file:{}", path.display()));
    assert_eq!(error(&locked, "SELECT * FROM t"), "database is locked");
    let unlocked = open(format!("file:{}?nolock=1", path.display()));
    assert_eq!(one(&unlocked, "SELECT a FROM t"), Value::Integer(1));
    unlocked.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    plain.execute_batch("COMMIT").unwrap();
    assert_eq!(plain.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn auto_vacuum_changes_between_full_and_incremental() {
    let directory = tempfile::tempdir().unwrap();
    for (first, then) in [("full", 2), ("incremental", 1), ("none", 1)] {
        let path = directory.path().join(format!("{first}.db"));
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs
            .execute_batch(&format!("PRAGMA auto_vacuum = {first}; CREATE TABLE t(a); PRAGMA user_version = 7"))
            .unwrap();
        let ours = Database::open(&path.display().to_string(), OpenOptions::default()).unwrap().connect().unwrap();
        ours.execute_batch(format!("PRAGMA auto_vacuum = {then}")).unwrap();
        let expected = if first == "none" { 0 } else { then };
        assert_eq!(one(&ours, "PRAGMA auto_vacuum"), Value::Integer(expected), "{first}");
        drop((ours, theirs));
        // SQLite looks at the mode when it opens the file.
        let theirs = rusqlite::Connection::open(&path).unwrap();
        let number = |sql: &str| theirs.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!((number("PRAGMA auto_vacuum"), number("PRAGMA user_version")), (expected, 7), "{first}");
        let check: String = theirs.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}
