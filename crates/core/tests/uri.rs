//! URI file names: modes, memory under a name, files that do not change.

use turso_core::{Connection, Database, OpenOptions, ResultCode, StepResult, Value};

fn connect(name: &str) -> turso_core::Result<Connection> {
    Database::open(name, OpenOptions::default())?.connect()
}

fn one(connection: &Connection, sql: &str) -> Value {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    assert_eq!(statement.step().unwrap(), StepResult::Row);
    statement.row()[0].clone()
}

#[test]
fn modes_say_what_may_be_done() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a b.db");
    let uri = format!("file://{}", path.display()).replace(' ', "%20");
    assert!(connect(&format!("{uri}?mode=rw")).is_err_and(|e| e.is(ResultCode::CANTOPEN)));
    assert!(connect(&format!("{uri}?mode=ro")).is_err_and(|e| e.is(ResultCode::CANTOPEN)));
    let writer = connect(&format!("{uri}?mode=rwc")).unwrap();
    writer.execute_batch("PRAGMA journal_mode = delete; CREATE TABLE t(a); INSERT INTO t VALUES(1)").unwrap();
    assert!(path.exists());
    for name in [format!("{uri}?mode=ro"), format!("{uri}?immutable=1")] {
        let reader = connect(&name).unwrap();
        assert_eq!(one(&reader, "SELECT a FROM t"), Value::Integer(1));
        let error = reader.execute_batch("INSERT INTO t VALUES(2)").unwrap_err();
        assert_eq!(error.message(), "attempt to write a readonly database", "{name}");
    }
    let attacher = connect(":memory:").unwrap();
    attacher.execute_batch(format!("ATTACH '{uri}?mode=ro' AS o")).unwrap();
    assert_eq!(one(&attacher, "SELECT a FROM o.t"), Value::Integer(1));
    assert!(attacher.execute_batch("DELETE FROM o.t").is_err_and(|e| e.is(ResultCode::READONLY)));
}

#[test]
fn a_vfs_that_there_is_not_is_an_error() {
    let error = connect("file:x?mode=memory&vfs=no").map(|_| ()).unwrap_err();
    assert_eq!(error.message(), "no such vfs: no");
    let connection = connect("file::memory:?vfs=unix").unwrap();
    let error = connection.execute_batch("ATTACH 'file:y?vfs=nothing' AS y").unwrap_err();
    assert_eq!(error.message(), "no such vfs: nothing");
}

#[test]
fn memory_under_a_name_is_shared_while_it_is_used() {
    let a = connect("file:shared_by_test?mode=memory&cache=shared").unwrap();
    a.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(7)").unwrap();
    let b = connect("file:shared_by_test?mode=memory&cache=shared").unwrap();
    assert_eq!(one(&b, "SELECT a FROM t"), Value::Integer(7));
    b.execute_batch(
        "ATTACH 'file:shared_by_test?mode=memory&cache=shared' AS again; ATTACH 'file:other?mode=memory' AS other",
    )
    .unwrap();
    assert_eq!(one(&b, "SELECT count(*) FROM other.sqlite_schema"), Value::Integer(0));
    drop((a, b));
    let c = connect("file:shared_by_test?mode=memory&cache=shared").unwrap();
    assert_eq!(one(&c, "SELECT count(*) FROM sqlite_schema"), Value::Integer(0));
}

#[test]
fn a_log_is_read_whose_index_may_not_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("t.db"), directory.path().join("copy.db"));
    let beside = |path: &std::path::Path, end: &str| format!("{}{end}", path.display());
    let name = |path: &std::path::Path| format!("file://{}?readonly_shm=1", path.display());
    let options = OpenOptions { new_uses_wal: true, ..OpenOptions::default() };
    let writer = Database::open(path.to_str().unwrap(), options.clone()).unwrap().connect().unwrap();
    writer.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)").unwrap();
    let count = |reader: &Connection| one(reader, "SELECT count(*) FROM t");

    // Beside somebody who keeps the index.
    let reader = connect(&name(&path)).unwrap();
    assert_eq!(count(&reader), Value::Integer(2));
    writer.execute_batch("INSERT INTO t VALUES(3)").unwrap();
    assert_eq!(count(&reader), Value::Integer(3));
    for sql in ["INSERT INTO t VALUES(4)", "PRAGMA wal_checkpoint"] {
        let error = reader.execute_batch(sql).unwrap_err();
        assert_eq!(error.message(), "attempt to write a readonly database", "{sql}");
    }

    // Nobody does; without a file for it nothing can be read.
    for end in ["", "-wal"] {
        std::fs::copy(beside(&path, end), beside(&copy, end)).unwrap();
    }
    let reader = connect(&name(&copy)).unwrap();
    assert!(reader.execute_batch("SELECT * FROM t").is_err_and(|e| e.is(ResultCode::CANTOPEN)));
    std::fs::write(beside(&copy, "-shm"), b"").unwrap();
    assert_eq!(count(&reader), Value::Integer(3));
    assert_eq!(count(&reader), Value::Integer(3));
    assert_eq!(std::fs::metadata(beside(&copy, "-shm")).unwrap().len(), 0);

    // Somebody comes while a snapshot is held: it stays, and nothing that it needs is checkpointed.
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(&reader), Value::Integer(3));
    let newcomer = Database::open(copy.to_str().unwrap(), options.clone()).unwrap().connect().unwrap();
    newcomer.execute_batch("PRAGMA busy_timeout = 0; DELETE FROM t WHERE a = 1").unwrap();
    assert_eq!(one(&newcomer, "PRAGMA wal_checkpoint(truncate)"), Value::Integer(1));
    assert_eq!(count(&reader), Value::Integer(3));
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(&reader), Value::Integer(2));
    assert_eq!(one(&newcomer, "PRAGMA wal_checkpoint(truncate)"), Value::Integer(0));
    newcomer.execute_batch("INSERT INTO t VALUES(5); INSERT INTO t VALUES(6)").unwrap();
    assert_eq!(count(&reader), Value::Integer(4));
    drop((reader, newcomer));

    // The database changes while the log looks the same: empty.
    for end in ["-wal", "-shm"] {
        std::fs::write(beside(&copy, end), b"").unwrap();
    }
    let reader = connect(&name(&copy)).unwrap();
    assert_eq!(count(&reader), Value::Integer(4));
    let newcomer = Database::open(copy.to_str().unwrap(), options).unwrap().connect().unwrap();
    newcomer.execute_batch("DELETE FROM t; PRAGMA wal_checkpoint(truncate)").unwrap();
    drop(newcomer);
    assert_eq!(count(&reader), Value::Integer(0));
}
