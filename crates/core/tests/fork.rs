//! A forked child inherits open connections, with the descriptors and locks of its parent. There it gets an error and takes
//! nothing from the parent: neither locks nor companions; what it opens itself works.
#![cfg(unix)]

use std::time::Duration;

use turso_core::{Connection, Database, OpenOptions, Value};

fn open(path: &str) -> Connection {
    let options = OpenOptions { busy_timeout: Duration::ZERO, ..OpenOptions::default() };
    Database::open(path, options).unwrap().connect().unwrap()
}

fn run(connection: &Connection, sql: &str) -> Result<Vec<Value>, String> {
    let step = || {
        let mut statement = connection.prepare(sql)?.statement.expect("a statement");
        let mut first = Vec::new();
        while statement.step()? == turso_core::StepResult::Row {
            first.extend(statement.row().iter().cloned());
        }
        Ok::<_, turso_core::Error>(first)
    };
    step().map_err(|error| format!("{}: {error}", error.code().primary().0))
}

/// Runs this in a child; true where it came to its end without a panic.
fn in_child(f: impl FnOnce()) -> bool {
    // SAFETY: the child runs `f` on its only thread and leaves without unwinding into the test's frames. The parent has no
    // other thread in a call into the allocator or the engine: the test is alone in its process, or its threads are idle.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork");
    if child == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_ok();
        // SAFETY: ends the process; nothing is run or flushed.
        unsafe { libc::_exit(i32::from(!done)) };
    }
    let mut status = 0;
    // SAFETY: the child is ours and `status` is writable.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

const FORKED: &str =
    "21: the database connection was opened before fork() and belongs to the parent process: open one in this process";

#[test]
fn a_child_gets_an_error_and_takes_no_lock_away() {
    for mode in ["wal", "delete"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fork.db");
        let path = path.to_str().unwrap();
        let parent = open(path);
        run(&parent, &format!("PRAGMA journal_mode = {mode}")).unwrap();
        parent.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)").unwrap();
        let mut inherited = Some(parent);
        // Whatever the child does with what it inherited, and when it lets go of it.
        assert!(in_child(|| {
            let inherited = inherited.take().unwrap();
            for sql in
                ["SELECT count(*) FROM t", "INSERT INTO t VALUES (3)", "COMMIT", "ROLLBACK", "PRAGMA wal_checkpoint"]
            {
                assert_eq!(run(&inherited, sql), Err(FORKED.into()), "{mode}: {sql}");
            }
            drop(inherited);
            let own = open(path);
            assert_eq!(run(&own, "SELECT count(*) FROM t"), Ok(vec![Value::Integer(1)]), "{mode}");
        }));
        // The parent still has its transaction and its locks: another process cannot write.
        let child_with_its_own = |expected: i64, writes: bool| {
            in_child(|| {
                let own = open(path);
                assert_eq!(run(&own, "SELECT count(*) FROM t"), Ok(vec![Value::Integer(expected)]), "{mode}");
                let written = run(&own, "INSERT INTO t VALUES (4)");
                assert_eq!(written.is_ok(), writes, "{mode}: {written:?}");
            })
        };
        assert!(child_with_its_own(1, false));
        let parent = inherited.unwrap();
        run(&parent, "COMMIT").unwrap();
        assert!(child_with_its_own(2, true));
        assert_eq!(run(&parent, "SELECT count(*) FROM t"), Ok(vec![Value::Integer(3)]), "{mode}");
        assert_eq!(run(&parent, "PRAGMA integrity_check"), Ok(vec![Value::text("ok")]), "{mode}");
    }
}

#[test]
fn a_child_leaves_the_companions_of_an_exclusive_parent_alone() {
    for (mode, companion) in [("wal", "-wal"), ("delete", "-journal")] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fork.db");
        let path = path.to_str().unwrap();
        let parent = open(path);
        run(&parent, "PRAGMA locking_mode = exclusive").unwrap();
        run(&parent, &format!("PRAGMA journal_mode = {mode}")).unwrap();
        parent.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1); PRAGMA wal_checkpoint").unwrap();
        let companion = format!("{path}{companion}");
        assert!(std::path::Path::new(&companion).exists(), "{mode}");
        let mut inherited = Some(parent);
        assert!(in_child(|| drop(inherited.take())));
        assert!(std::path::Path::new(&companion).exists(), "{mode}");
        let parent = inherited.unwrap();
        run(&parent, "INSERT INTO t VALUES (2)").unwrap();
        drop(parent);
        assert_eq!(run(&open(path), "SELECT count(*) FROM t"), Ok(vec![Value::Integer(2)]), "{mode}");
    }
}

#[test]
fn a_database_in_memory_goes_with_the_child() {
    let connection = open(":memory:");
    connection.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    assert!(in_child(|| {
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(run(&connection, "SELECT count(*) FROM t"), Ok(vec![Value::Integer(2)]));
    }));
    assert_eq!(run(&connection, "SELECT count(*) FROM t"), Ok(vec![Value::Integer(1)]));
}
