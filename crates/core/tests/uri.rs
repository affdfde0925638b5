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
