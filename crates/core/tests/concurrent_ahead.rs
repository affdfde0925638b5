//! Concurrent transactions beside a commit that is not durable yet: who begins on it, and who waits for it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use turso_core::{Attempt, Backend, Connection, Database, OpenOptions, ResultCode, Statement, StepResult, Value};
use turso_io::{Io, MemoryIo, PendingIo};

/// One connection has changed row 1 from 10 to 11, and its COMMIT waits for the disk.
struct Scene {
    database: Database,
    first: Connection,
    commit: Statement,
}

fn poll(statement: &mut Statement) -> Option<turso_core::Result<StepResult>> {
    match statement.poll_step(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Attempt::Over(outcome)) => Some(outcome),
        Poll::Ready(Attempt::MustBlock) => panic!("it must not block"),
        Poll::Pending => None,
    }
}

impl Scene {
    fn new() -> Self {
        let io = Arc::new(PendingIo::delaying_writes(Arc::new(MemoryIo::seeded(1))));
        let options = OpenOptions { backend: Backend::Custom(io.clone()), ..OpenOptions::default() };
        let database = Database::open("/ahead.db", options).unwrap();
        let first = database.connect().unwrap();
        let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1, 10), (2, 20)";
        first.execute_batch(sql).unwrap();
        first.execute_batch("BEGIN CONCURRENT; UPDATE t SET a = a + 1 WHERE id = 1").unwrap();
        let mut commit = first.prepare("COMMIT").unwrap().statement.unwrap();
        assert!(poll(&mut commit).is_none());
        assert!(io.step().unwrap(), "the frames");
        assert!(poll(&mut commit).is_none());
        Self { database, first, commit }
    }

    fn connect(&self) -> Connection {
        self.database.connect().unwrap()
    }

    /// The first COMMIT succeeds.
    fn finish(mut self) {
        assert_eq!(self.commit.step().unwrap(), StepResult::Done);
        drop(self.commit);
        assert_eq!(integer(&self.first, "SELECT count(*) FROM t"), 2);
    }
}

fn integer(c: &Connection, sql: &str) -> i64 {
    let mut statement = c.prepare(sql).unwrap().statement.unwrap();
    assert_eq!(statement.step().unwrap(), StepResult::Row);
    let Value::Integer(value) = statement.row()[0] else { panic!("{sql}") };
    value
}

fn conflict(c: &Connection, sql: &str) {
    assert_eq!(c.execute_batch(sql).unwrap_err().code(), ResultCode::BUSY_SNAPSHOT);
}

#[test]
fn a_transaction_that_begins_with_a_write_begins_on_it() {
    let scene = Scene::new();
    let c = scene.connect();
    c.execute_batch("BEGIN CONCURRENT; UPDATE t SET a = a + 100 WHERE id = 1; COMMIT").unwrap();
    assert_eq!(integer(&c, "SELECT a FROM t WHERE id = 1"), 111);
    scene.finish();
}

#[test]
fn its_rows_are_shown_once_that_is_durable() {
    let scene = Scene::new();
    let c = scene.connect();
    c.execute_batch("BEGIN CONCURRENT; UPDATE t SET a = a + 100 WHERE id = 1").unwrap();
    let mut select = c.prepare("SELECT a FROM t WHERE id = 1").unwrap().statement.unwrap();
    let row = poll(&mut select).unwrap_or_else(|| select.step());
    assert_eq!(row.unwrap(), StepResult::Row);
    assert_eq!(select.row(), [Value::Integer(111)]);
    assert_eq!(integer(&scene.connect(), "SELECT a FROM t WHERE id = 1"), 11, "others see what it rests on");
    drop(select);
    c.execute_batch("COMMIT").unwrap();
    scene.finish();
}

#[test]
fn a_transaction_that_begins_with_rows_does_not_begin_on_it() {
    for begin in ["SELECT a FROM t WHERE id = 1", "UPDATE t SET a = a + 100 WHERE id = 1 RETURNING a - 100"] {
        let scene = Scene::new();
        let c = scene.connect();
        c.execute_batch("BEGIN CONCURRENT").unwrap();
        assert_eq!(integer(&c, begin), 10, "{begin}");
        c.execute_batch("UPDATE t SET a = a + 1000 WHERE id = 1").unwrap();
        conflict(&c, "COMMIT");
        // Whoever is told of the conflict finds what it was with.
        c.execute_batch("ROLLBACK; BEGIN CONCURRENT").unwrap();
        assert_eq!(integer(&c, "SELECT a FROM t WHERE id = 1"), 11);
        c.execute_batch("UPDATE t SET a = a + 1000 WHERE id = 1; COMMIT").unwrap();
        assert_eq!(integer(&c, "SELECT a FROM t WHERE id = 1"), 1011);
        scene.finish();
    }
}

#[test]
fn a_plain_transaction_that_begins_with_rows_waits_for_it() {
    let scene = Scene::new();
    let c = scene.connect();
    c.execute_batch("BEGIN").unwrap();
    let sql = "UPDATE t SET a = a + 100 WHERE id = 1 RETURNING a";
    let mut update = c.prepare(sql).unwrap().statement.unwrap();
    assert!(poll(&mut update).is_none());
    drop(update);
    c.execute_batch("ROLLBACK").unwrap();
    scene.finish();
}
