//! Bugs of concurrent transactions, put back on purpose, are found: by a fixed scenario each, which holds without the bug.

use std::path::Path;
use std::sync::{Arc, Mutex};

use turso_core::{Backend, Connection, Database, OpenOptions, Result, ResultCode, StepResult, Value};
use turso_io::{Completion, File, Io, MemoryIo, Op, OpenFlags, SyncKind, delegate_file, delegate_io};
use turso_storage::planted::{Planted, plant};

/// A process of its own on files in memory; it calls somebody else before each sync.
#[derive(Clone)]
struct Process {
    inner: Arc<MemoryIo>,
    before_sync: Arc<Mutex<Option<Box<dyn FnMut() + Send>>>>,
}

impl Process {
    fn new(files: &Arc<MemoryIo>) -> Self {
        Self { inner: files.clone(), before_sync: Arc::default() }
    }

    fn open(&self) -> Database {
        let options = OpenOptions { backend: Backend::Custom(Arc::new(self.clone())), ..OpenOptions::default() };
        Database::open("/shared.db", options).expect("a database")
    }
}

impl Io for Process {
    delegate_io!();
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        Ok(Arc::new(ProcessFile { inner: self.inner.open(path, flags)?, process: self.clone() }))
    }
}

struct ProcessFile {
    inner: Arc<dyn File>,
    process: Process,
}

impl File for ProcessFile {
    delegate_file!();
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.inner.read_at(buf, offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        self.inner.write_vectored_at(bufs, offset)
    }
    fn truncate(&self, size: u64) -> Result<()> {
        self.inner.truncate(size)
    }
    fn sync(&self, kind: SyncKind) -> Result<()> {
        let hook = self.process.before_sync.lock().expect("the hook").take();
        if let Some(mut hook) = hook {
            hook();
            self.process.before_sync.lock().expect("the hook").get_or_insert(hook);
        }
        self.inner.sync(kind)
    }
    fn submit(&self, op: Op) -> Completion {
        Completion::ready(op.run(self))
    }
}

fn ok(c: &Connection, sql: &str) {
    c.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

fn integer(c: &Connection, sql: &str) -> i64 {
    let mut statement = c.prepare(sql).expect("a statement").statement.expect("a statement");
    match statement.step().expect("a row") {
        StepResult::Row => match statement.row() {
            [Value::Integer(i), ..] => *i,
            other => panic!("{other:?}"),
        },
        StepResult::Done => panic!("no row"),
    }
}

fn text(c: &Connection, sql: &str) -> String {
    let mut statement = c.prepare(sql).expect("a statement").statement.expect("a statement");
    assert_eq!(statement.step().expect("a row"), StepResult::Row);
    match statement.row() {
        [Value::Text(text), ..] => String::from_utf8_lossy(text).into_owned(),
        other => panic!("{other:?}"),
    }
}

const TABLE: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b UNIQUE); INSERT INTO t VALUES(1, 0, 'x'), (2, 0, 'y')";

/// Two connections of one process, each with one statement in a concurrent transaction; how their commits end.
fn pair(one: &str, two: &str) -> (Connection, [Option<ResultCode>; 2]) {
    let database = Process::new(&Arc::new(MemoryIo::new())).open();
    let (a, b) = (database.connect().expect("a connection"), database.connect().expect("a connection"));
    ok(&a, TABLE);
    ok(&a, "BEGIN CONCURRENT");
    ok(&b, "BEGIN CONCURRENT");
    ok(&a, one);
    ok(&b, two);
    let ends = [&a, &b].map(|c| c.execute_batch("COMMIT").err().map(|error| error.code()));
    (database.connect().expect("a connection"), ends)
}

/// Whether the engine does right where the bug would show.
fn holds(bug: Planted) -> bool {
    match bug {
        Planted::NoBeforeImageCheck => {
            let (c, ends) = pair("UPDATE t SET a = a + 1 WHERE id = 1", "UPDATE t SET a = a + 10 WHERE id = 1");
            ends == [None, Some(ResultCode::BUSY_SNAPSHOT)] && integer(&c, "SELECT a FROM t WHERE id = 1") == 1
        }
        Planted::NoUniqueCheck => {
            let (c, ends) = pair("UPDATE t SET b = 'z' WHERE id = 1", "UPDATE t SET b = 'z' WHERE id = 2");
            let said = text(&c, "PRAGMA integrity_check");
            ends == [None, Some(ResultCode::BUSY_SNAPSHOT)] && said == "ok"
        }
        Planted::OwnRowids => {
            let (c, ends) = pair("INSERT INTO t(b) VALUES('p')", "INSERT INTO t(b) VALUES('q')");
            ends == [None, None] && integer(&c, "SELECT count(*) FROM t") == 4
        }
        Planted::PublishBeforeSync => {
            let files = Arc::new(MemoryIo::new());
            let writer = Process::new(&files);
            let (ours, theirs) = (writer.open(), Process::new(&files).open());
            let (a, b) = (ours.connect().expect("a connection"), theirs.connect().expect("a connection"));
            ok(&a, TABLE);
            ok(&a, "PRAGMA synchronous = full");
            let seen: Arc<Mutex<Vec<i64>>> = Arc::default();
            let log = seen.clone();
            *writer.before_sync.lock().expect("the hook") = Some(Box::new(move || {
                log.lock().expect("the list").push(integer(&b, "SELECT a FROM t WHERE id = 1"));
            }));
            ok(&a, "UPDATE t SET a = 5 WHERE id = 1");
            writer.before_sync.lock().expect("the hook").take();
            let seen = seen.lock().expect("the list").clone();
            seen == [0] && integer(&a, "SELECT a FROM t WHERE id = 1") == 5
        }
        Planted::StaleAfterRestart => {
            let files = Arc::new(MemoryIo::new());
            let (ours, theirs) = (Process::new(&files).open(), Process::new(&files).open());
            let (a, b) = (ours.connect().expect("a connection"), theirs.connect().expect("a connection"));
            ok(&a, TABLE);
            let before = integer(&a, "SELECT a FROM t WHERE id = 1");
            ok(&b, "PRAGMA wal_checkpoint(restart); UPDATE t SET a = 7 WHERE id = 1");
            before == 0 && integer(&a, "SELECT a FROM t WHERE id = 1") == 7
        }
        other => panic!("{other:?} is not of concurrent transactions"),
    }
}

/// One test: the bug is in the whole process.
#[test]
fn every_planted_bug_of_concurrent_transactions_is_found() {
    for bug in Planted::OF_CONCURRENCY {
        assert!(holds(bug), "without {bug:?}");
        plant(Some(bug));
        let held = holds(bug);
        plant(None);
        assert!(!held, "{bug:?} was not found");
    }
}
