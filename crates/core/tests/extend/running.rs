//! Progress, interrupts, deadlines, traces, busy handlers, logs.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use turso_core::hooks::{TraceEvent, trace_mask};
use turso_core::{Connection, Database, OpenOptions, StepResult, Value};

use crate::Pair;
use crate::support::run_ours;

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn error(connection: &Connection, sql: &str) -> Option<String> {
    run_ours(connection, sql).pop().and_then(|(_, error)| error)
}

#[test]
fn the_progress_handler_interrupts() {
    let pair = Pair::new();
    let calls = Arc::new(AtomicU32::new(0));
    let count = calls.clone();
    pair.ours.set_progress_handler(100, Some(Arc::new(move || count.fetch_add(1, Ordering::Relaxed) == 50)));
    assert_eq!(error(&pair.ours, ENDLESS).as_deref(), Some("9 interrupted"));
    assert_eq!(calls.load(Ordering::Relaxed), 51);
    pair.ours.set_progress_handler(0, None);
    assert_eq!(error(&pair.ours, "SELECT 1"), None);
}

#[test]
fn the_progress_handler_is_asked_by_the_instructions_of_each_statement() {
    let pair = Pair::new();
    let calls = Arc::new(AtomicU32::new(0));
    let count = calls.clone();
    let asked = || calls.swap(0, Ordering::Relaxed);
    pair.ours.set_progress_handler(50, Some(Arc::new(move || count.fetch_add(1, Ordering::Relaxed) == u32::MAX)));
    for _ in 0..100 {
        assert_eq!(error(&pair.ours, "SELECT 1"), None);
    }
    assert_eq!(asked(), 0);
    let mut statement = pair.ours.prepare("SELECT 1").unwrap().statement.unwrap();
    for _ in 0..100 {
        statement.step().unwrap();
        statement.step().unwrap();
        statement.reset();
    }
    let steps = statement.status().vm_steps;
    assert!(u64::from(asked()).abs_diff(steps / 50) <= 1, "{steps}");
}

#[test]
fn statements_that_run_in_turns_count_for_themselves() {
    let pair = Pair::new();
    let calls = Arc::new(AtomicU32::new(0));
    let count = calls.clone();
    pair.ours.set_progress_handler(2500, Some(Arc::new(move || count.fetch_add(1, Ordering::Relaxed) == u32::MAX)));
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT i FROM n";
    let mut outer = pair.ours.prepare(sql).unwrap().statement.unwrap();
    while outer.step().unwrap() == StepResult::Row {
        assert_eq!(error(&pair.ours, "SELECT 1"), None);
    }
    let steps = outer.status().vm_steps;
    assert!(steps > 10_000, "{steps}");
    assert_eq!(u64::from(calls.load(Ordering::Relaxed)), (steps - 1) / 2500, "{steps}");
}

#[test]
fn an_interrupt_from_another_thread_ends_the_statement() {
    let pair = Pair::new();
    let (begun, runs) = std::sync::mpsc::channel();
    pair.ours.set_progress_handler(1000, Some(Arc::new(move || begun.send(()).is_err())));
    let connection = pair.ours.clone();
    let thread = std::thread::spawn(move || {
        // An interrupt before the statement runs would not reach it.
        runs.recv().unwrap();
        connection.interrupt();
        assert!(connection.is_interrupted());
        runs
    });
    assert_eq!(error(&pair.ours, ENDLESS).as_deref(), Some("9 interrupted"));
    drop(thread.join().unwrap());
    pair.ours.set_progress_handler(0, None);
    assert_eq!(error(&pair.ours, "SELECT 1"), None);
    assert!(!pair.ours.is_interrupted());
}

#[test]
fn a_deadline_ends_a_run_but_not_the_statement() {
    let pair = Pair::new();
    let mut statement = pair.ours.prepare(ENDLESS).unwrap().statement.unwrap();
    statement.set_deadline(Some(Instant::now() + Duration::from_millis(20)));
    let began = Instant::now();
    assert_eq!(statement.step().unwrap_err().code().0, 9);
    assert!(began.elapsed() < Duration::from_secs(5));
    statement.reset();
    let mut other = pair.ours.prepare("SELECT 1").unwrap().statement.unwrap();
    other.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
    assert_eq!(other.step().unwrap(), StepResult::Row);
    assert!(statement.status().vm_steps > 1000);
    assert_eq!((other.status().runs, other.status().reprepares), (1, 0));
}

#[test]
fn traces_tell_texts_rows_and_ends() {
    let pair = Pair::new();
    pair.ours.execute_batch("CREATE TABLE t(a, b); CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END").unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = log.clone();
    pair.ours.set_tracer(
        trace_mask::STATEMENT | trace_mask::ROW | trace_mask::PROFILE,
        Some(Arc::new(move |event: &TraceEvent<'_>| {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            told.lock().unwrap().push(match event {
                TraceEvent::Statement(s) => format!("begin {}", text(s.expanded_sql())),
                TraceEvent::Nested(s) => format!("within it {}", text(s.sql.to_vec())),
                TraceEvent::Row(s) => format!("row {:?}", s.row),
                TraceEvent::Profile(s, _) => format!("end {}", text(s.sql.to_vec())),
                TraceEvent::Trigger(_, name) => (*name).to_string(),
                TraceEvent::Close => "?".into(),
            });
        })),
    );
    let mut insert = pair.ours.prepare("INSERT INTO t VALUES (?1, :name)").unwrap().statement.unwrap();
    insert.bind(1, Value::from("it's")).unwrap();
    insert.bind(2, Value::Blob(vec![1, 0xab])).unwrap();
    insert.step().unwrap();
    pair.ours.execute_batch("SELECT a FROM t").unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [
            "begin INSERT INTO t VALUES ('it''s', x'01ab')",
            "-- TRIGGER tr",
            "-- SELECT 1",
            "end INSERT INTO t VALUES (?1, :name)",
            "begin SELECT a FROM t",
            "row ['it's']",
            "end SELECT a FROM t",
        ]
        .map(|line| line.replace("row ['it's']", &format!("row {:?}", [Value::from("it's")])))
    );
}

fn two(options: OpenOptions) -> (tempfile::TempDir, Connection, Connection) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.db");
    let database = Database::open(path.to_str().unwrap(), options).unwrap();
    let (a, b) = (database.connect().unwrap(), database.connect().unwrap());
    a.execute_batch("CREATE TABLE t(a)").unwrap();
    (place, a, b)
}

#[test]
fn the_busy_handler_decides_how_often_to_try() {
    let (_place, a, b) = two(OpenOptions::default());
    a.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let told = calls.clone();
    b.set_busy_handler(Some(Arc::new(move |n| {
        told.lock().unwrap().push(n);
        n < 3
    })));
    assert_eq!(error(&b, "INSERT INTO t VALUES (1)").as_deref(), Some("5 database is locked"));
    assert_eq!(*calls.lock().unwrap(), [0, 1, 2, 3]);
    // It may end what it waits for.
    let holder = a.clone();
    b.set_busy_handler(Some(Arc::new(move |_| holder.execute_batch("COMMIT").is_ok())));
    assert_eq!(error(&b, "INSERT INTO t VALUES (1)"), None);
    b.set_busy_timeout(Duration::ZERO);
    a.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(error(&b, "INSERT INTO t VALUES (1)").as_deref(), Some("5 database is locked"));
}

#[test]
fn the_log_hook_is_told_of_commits_and_takes_the_checkpoints_place() {
    let (_place, a, _b) = two(OpenOptions::default());
    let log = Arc::new(Mutex::new(Vec::new()));
    let (told, fails) = (log.clone(), Arc::new(AtomicBool::new(false)));
    let fail = fails.clone();
    a.set_wal_hook(Some(Arc::new(move |database: &str, frames| {
        told.lock().unwrap().push((database.to_owned(), frames));
        match fail.load(Ordering::Relaxed) {
            true => Err(turso_core::Error::sql("from the hook")),
            false => Ok(()),
        }
    })));
    assert_eq!(run_ours(&a, "PRAGMA wal_autocheckpoint")[0].0, ["0"]);
    a.execute_batch(
        "INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); COMMIT; SELECT 1",
    )
    .unwrap();
    let frames: Vec<u32> = log.lock().unwrap().iter().map(|(_, frames)| *frames).collect();
    assert_eq!(frames.len(), 2);
    assert!(frames[0] < frames[1], "{frames:?}");
    assert_eq!(log.lock().unwrap()[0].0, "main");
    fails.store(true, Ordering::Relaxed);
    assert_eq!(error(&a, "INSERT INTO t VALUES (4)").as_deref(), Some("1 from the hook"));
    assert_eq!(run_ours(&a, "SELECT count(*) FROM t")[0].0, ["4"], "the commit stays");
    a.set_wal_autocheckpoint(7);
    assert_eq!(run_ours(&a, "PRAGMA wal_autocheckpoint")[0].0, ["7"]);
    assert_eq!(error(&a, "INSERT INTO t VALUES (5)"), None);
}

#[test]
fn a_hook_that_may_not_use_the_connection_gets_an_error() {
    struct Nosy(Connection, Mutex<Vec<i32>>);
    impl turso_core::CollationFunction for Nosy {
        fn name(&self) -> &str {
            "nosy"
        }
        fn compare(&self, a: &[u8], b: &[u8]) -> std::cmp::Ordering {
            let code = self.0.execute_batch("SELECT 1").map_err(|e| e.code().0).err();
            self.1.lock().unwrap().extend(code);
            a.cmp(b)
        }
    }
    let pair = Pair::new();
    let nosy = Arc::new(Nosy(pair.ours.clone(), Mutex::default()));
    pair.ours.create_collation(nosy.clone()).unwrap();
    pair.ours
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES ('b'), ('a'); SELECT a FROM t ORDER BY a COLLATE nosy")
        .unwrap();
    assert_eq!(nosy.1.lock().unwrap().first(), Some(&21));
    assert_eq!(error(&pair.ours, "SELECT 1"), None);
    pair.ours.remove_collation("nosy").unwrap();
}
