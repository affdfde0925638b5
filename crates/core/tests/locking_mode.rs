//! `PRAGMA locking_mode`: which locks stay after a transaction, in rollback modes and with a log, towards connections of this
//! process and towards SQLite in another.

use std::path::Path;
use std::process::Command;

use turso_core::{Connection, Database, OpenOptions};

fn connect(path: &Path) -> Connection {
    let options = OpenOptions { new_uses_wal: false, ..OpenOptions::default() };
    let connection = Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap();
    connection.set_busy_timeout(std::time::Duration::ZERO);
    connection
}

fn sqlite3(path: &Path, sql: &str) -> String {
    let out = Command::new("sqlite3").arg("-batch").arg(path).arg(sql).output().unwrap();
    let text = [out.stdout, out.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if text.contains("database is locked") { "locked".into() } else { text }
}

/// What a statement answers: its rows, or its error.
fn ask(connection: &Connection, sql: &str) -> String {
    let mut rows = Vec::new();
    let prepared = connection.prepare(sql).map_err(|e| e.message().to_string());
    let mut statement = match prepared {
        Ok(prepared) => prepared.statement.unwrap(),
        Err(e) => return e,
    };
    loop {
        match statement.step() {
            Ok(turso_core::StepResult::Row) => {
                rows.push(statement.row().iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join("|"))
            }
            Ok(turso_core::StepResult::Done) => return rows.join(","),
            Err(e) => return e.message().to_string(),
        }
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const COUNT: &str = "SELECT count(*) FROM t";
const LOCKED: &str = "database is locked";

#[test]
fn with_a_rollback_journal_locks_stay_until_normal_mode() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("a.db");
    let (a, b) = (connect(path), connect(path));
    a.execute_batch("CREATE TABLE t(x)").unwrap();
    assert_eq!(ask(&a, "PRAGMA locking_mode"), "'normal'");
    a.execute_batch("PRAGMA locking_mode = exclusive").unwrap();
    // Nothing is held before the next transaction, and a reader keeps SHARED only.
    assert_eq!(sqlite3(path, "INSERT INTO t VALUES(0)"), "");
    assert_eq!(ask(&a, COUNT), "1");
    assert_eq!((ask(&b, COUNT), sqlite3(path, COUNT)), ("1".into(), "1".into()));
    assert_eq!(
        (ask(&b, "INSERT INTO t VALUES(0)"), sqlite3(path, "INSERT INTO t VALUES(0)")),
        (LOCKED.into(), "locked".into())
    );
    a.execute_batch("INSERT INTO t VALUES(1)").unwrap();
    assert_eq!((ask(&b, COUNT), sqlite3(path, COUNT)), (LOCKED.into(), "locked".into()));
    a.execute_batch("BEGIN; INSERT INTO t VALUES(2); ROLLBACK; INSERT INTO t VALUES(3)").unwrap();
    assert_eq!((ask(&a, COUNT), ask(&b, COUNT)), ("3".into(), LOCKED.into()));
    assert_eq!(names(directory.path()), ["a.db", "a.db-journal"]);
    a.execute_batch("PRAGMA locking_mode = normal").unwrap();
    assert_eq!((ask(&a, COUNT), ask(&b, COUNT), sqlite3(path, COUNT)), ("3".into(), "3".into(), "3".into()));
    assert_eq!(names(directory.path()), ["a.db"]);
    b.execute_batch("PRAGMA locking_mode = exclusive; INSERT INTO t VALUES(4)").unwrap();
    assert_eq!(ask(&a, COUNT), LOCKED);
    drop(b);
    assert_eq!((ask(&a, COUNT), sqlite3(path, "PRAGMA integrity_check")), ("4".into(), "ok".into()));
}

#[test]
fn a_log_opened_in_exclusive_mode_has_no_shared_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("a.db");
    let a = connect(path);
    a.execute_batch(
        "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal; CREATE TABLE t(x); INSERT INTO t VALUES(1)",
    )
    .unwrap();
    assert_eq!(names(directory.path()), ["a.db", "a.db-wal"]);
    let b = connect(path);
    assert_eq!((ask(&b, COUNT), sqlite3(path, COUNT)), (LOCKED.into(), "locked".into()));
    // There is no way back while the log is in use.
    assert_eq!(ask(&a, "PRAGMA locking_mode = normal"), ask(&a, "PRAGMA locking_mode"));
    assert_eq!((ask(&a, COUNT), ask(&b, COUNT)), ("1".into(), LOCKED.into()));
    a.execute_batch("INSERT INTO t VALUES(2); PRAGMA wal_checkpoint; INSERT INTO t VALUES(3); PRAGMA journal_mode = delete; PRAGMA locking_mode = normal").unwrap();
    assert_eq!((ask(&a, COUNT), ask(&b, COUNT), sqlite3(path, COUNT)), ("3".into(), "3".into(), "3".into()));
    drop(b);
    a.execute_batch("PRAGMA journal_mode = wal; PRAGMA locking_mode = exclusive; INSERT INTO t VALUES(4)").unwrap();
    drop(a);
    assert_eq!(names(directory.path()), ["a.db"]);
    assert_eq!(sqlite3(path, "SELECT count(*) FROM t; PRAGMA integrity_check"), "4\nok");
}

#[test]
fn a_log_with_shared_memory_is_taken_and_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("a.db");
    let (a, b) = (connect(path), connect(path));
    a.execute_batch(
        "PRAGMA journal_mode = wal; CREATE TABLE t(x); PRAGMA locking_mode = exclusive; INSERT INTO t VALUES(1)",
    )
    .unwrap();
    assert_eq!((ask(&a, COUNT), ask(&b, COUNT), sqlite3(path, COUNT)), ("1".into(), LOCKED.into(), "locked".into()));
    a.execute_batch("PRAGMA locking_mode = normal").unwrap();
    assert_eq!((ask(&a, COUNT), ask(&b, COUNT), sqlite3(path, COUNT)), ("1".into(), "1".into(), "1".into()));
    b.execute_batch("INSERT INTO t VALUES(2)").unwrap();
    a.execute_batch("PRAGMA locking_mode = exclusive").unwrap();
    assert_eq!(ask(&a, COUNT), "2");
    drop(a);
    assert_eq!(ask(&b, COUNT), "2");
}

/// Whether anybody holds one of the read marks of the wal-index (bytes 123 to 127, as SQLite's WAL-mode documentation has them).
#[cfg(target_os = "linux")]
fn read_marks_are_held(index: &std::fs::File) -> bool {
    use std::os::fd::AsRawFd;
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 123,
        l_len: 5,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open, and the structure is one that the call may write.
    assert_eq!(unsafe { libc::fcntl(index.as_raw_fd(), libc::F_OFD_GETLK, &mut lock) }, 0);
    lock.l_type != libc::F_UNLCK as libc::c_short
}

/// What follows the look at the catalogue is the connection's first read: its lock does not wait for a second one.
#[cfg(target_os = "linux")]
#[test]
fn a_look_at_the_catalogue_keeps_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("looked.db");
    let first = connect(&path);
    first.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    let index = std::fs::File::options().read(true).write(true).open(folder.path().join("looked.db-shm")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!read_marks_are_held(&index));
    let second = connect(&path);
    second.execute_batch("BEGIN; SELECT * FROM t").unwrap();
    assert!(read_marks_are_held(&index));
    second.execute_batch("COMMIT").unwrap();
    assert!(!read_marks_are_held(&index));
}
