//! Online backup; databases as bytes.

use std::time::Duration;

use rusqlite::backup::StepResult as Theirs;
use turso_core::{Backup, BackupStep, Connection, Database, OpenOptions};

use crate::support::run_ours;
use crate::{Pair, statements};

/// What both engines say at each step: (done, remaining, pages), and what the targets hold in the end.
#[track_caller]
fn same_steps(pages: i32, between: &[&str], page_size: u32) {
    let place = tempfile::tempdir().unwrap();
    let mut target = Pair::new();
    target.same(&format!("PRAGMA page_size = {page_size}"));
    let source = on_files(place.path(), &format!(
        "PRAGMA page_size = {page_size}; CREATE TABLE t(a, b); CREATE INDEX i ON t(b);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, printf('%0100d', i) FROM n",
    ));
    target.same("CREATE TABLE old(x); INSERT INTO old VALUES (1)");
    let mut ours = Backup::new(&source.ours, "main", &target.ours, "main").unwrap();
    let mut mine = Vec::new();
    let mut changes = between.iter();
    loop {
        let step = ours.step(Some(pages as u32)).unwrap();
        mine.push((step == BackupStep::Done, ours.remaining(), ours.page_count()));
        if step == BackupStep::Done {
            break;
        }
        if let Some(change) = changes.next() {
            for one in statements(change) {
                assert_eq!(run_ours(&source.ours, one)[0].1, None);
            }
        }
    }
    let mut his = Vec::new();
    let mut changes = between.iter();
    {
        let theirs = rusqlite::backup::Backup::new(&source.theirs, &mut target.theirs).unwrap();
        loop {
            let step = theirs.step(pages).unwrap();
            let progress = theirs.progress();
            his.push((step == Theirs::Done, progress.remaining as u32, progress.pagecount as u32));
            if step == Theirs::Done {
                break;
            }
            if let Some(change) = changes.next() {
                source.theirs.execute_batch(change).unwrap();
            }
        }
    }
    assert_eq!(mine, his);
    target.same("SELECT name FROM sqlite_schema; SELECT count(*), sum(a), max(b) FROM t; PRAGMA integrity_check; PRAGMA page_size; SELECT * FROM old");
}

/// Both engines on a file of their own, both made by SQLite's running of the script.
fn on_files(place: &std::path::Path, script: &str) -> Pair {
    let (ours, theirs) = (place.join("ours.db"), place.join("theirs.db"));
    let connection = rusqlite::Connection::open(&theirs).unwrap();
    connection.execute_batch(script).unwrap();
    std::fs::copy(&theirs, &ours).unwrap();
    Pair { ours: open(&ours), theirs: connection }
}

#[test]
fn the_page_size_of_a_database_in_memory_stays() {
    let (source, mut target) = (Pair::new(), Pair::new());
    source.same("PRAGMA page_size = 1024; CREATE TABLE t(a)");
    target.same("CREATE TABLE u(a)");
    let mut ours = Backup::new(&source.ours, "main", &target.ours, "main").unwrap();
    assert_eq!(ours.step(None).unwrap_err().code().0, 8);
    let theirs = rusqlite::backup::Backup::new(&source.theirs, &mut target.theirs).unwrap();
    assert!(theirs.step(-1).unwrap_err().to_string().contains("readonly"));
}

#[test]
fn pages_are_copied_step_by_step() {
    same_steps(7, &[], 4096);
    same_steps(1000, &[], 4096);
    same_steps(3, &[], 1024);
    same_steps(5, &[], 8192);
}

#[test]
fn changes_of_the_sources_own_connection_are_taken_along() {
    same_steps(5, &["UPDATE t SET a = -a WHERE a < 10", "UPDATE t SET a = -a WHERE a > 200"], 4096);
}

#[test]
fn a_change_by_another_connection_begins_the_copy_anew() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("s.db");
    let database = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let (source, other) = (database.connect().unwrap(), database.connect().unwrap());
    source.execute_batch("CREATE TABLE t(a)").unwrap();
    let fill =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i FROM n";
    source.execute_batch(fill).unwrap();
    let target = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    let mut backup = Backup::new(&source, "main", &target, "main").unwrap();
    assert_eq!(backup.step(Some(4)).unwrap(), BackupStep::More);
    let before = backup.remaining();
    other.execute_batch("INSERT INTO t VALUES (0)").unwrap();
    assert_eq!(backup.step(Some(1)).unwrap(), BackupStep::More);
    assert!(backup.remaining() > before, "{} and {before}", backup.remaining());
    assert_eq!(backup.step(None).unwrap(), BackupStep::Done);
    assert_eq!(run_ours(&target, "SELECT count(*) FROM t; PRAGMA integrity_check")[0].0, ["3001"]);
}

#[test]
fn what_cannot_be_backed_up() {
    let a = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    let b = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    let text = |result: turso_core::Result<Backup>| result.unwrap_err().message().to_owned();
    assert_eq!(text(Backup::new(&a, "main", &a, "main")), "source and destination must be distinct");
    assert_eq!(text(Backup::new(&a, "nope", &b, "main")), "unknown database nope");
    b.execute_batch("CREATE TABLE t(a); BEGIN; SELECT * FROM t").unwrap();
    assert_eq!(text(Backup::new(&a, "main", &b, "main")), "destination database is in use");
    b.execute_batch("COMMIT").unwrap();
    a.execute_batch("BEGIN; CREATE TABLE u(a)").unwrap();
    let mut backup = Backup::new(&a, "main", &b, "main").unwrap();
    assert_eq!(backup.step(None).unwrap_err().code().0, 6);
    a.execute_batch("COMMIT").unwrap();
    assert_eq!(backup.step(None).unwrap(), BackupStep::Done);
}

fn open(path: &std::path::Path) -> Connection {
    let options = OpenOptions { busy_timeout: Duration::ZERO, ..OpenOptions::default() };
    Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap()
}

#[test]
fn bytes_and_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.db");
    let c = open(&path);
    c.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), ('two'), (x'03'); CREATE INDEX i ON t(a)").unwrap();
    let bytes = c.serialize("main").unwrap();
    assert_eq!(bytes.len() % 4096, 0);
    // SQLite reads them as a file.
    let copy = place.path().join("copy.db");
    let mut file = bytes.clone();
    (file[18], file[19]) = (1, 1);
    std::fs::write(&copy, &file).unwrap();
    let theirs = rusqlite::Connection::open(&copy).unwrap();
    assert_eq!(theirs.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0)).unwrap(), 3);
    assert_eq!(theirs.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");

    let d = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    d.execute_batch("CREATE TABLE gone(x)").unwrap();
    d.deserialize("main", &bytes, false).unwrap();
    assert_eq!(run_ours(&d, "SELECT count(*) FROM t")[0].0, ["3"]);
    d.execute_batch("INSERT INTO t VALUES (4)").unwrap();
    assert_eq!(run_ours(&d, "PRAGMA integrity_check")[0].0, ["'ok'"]);
    assert_eq!(run_ours(&d, "SELECT * FROM gone")[0].1.as_deref(), Some("1 no such table: gone"));
    d.deserialize("main", &bytes, true).unwrap();
    let refused = run_ours(&d, "INSERT INTO t VALUES (4)");
    assert_eq!(refused[0].1.as_deref(), Some("8 attempt to write a readonly database"));
    assert_eq!(d.deserialize("main", b"no database", false).unwrap_err().code().0, 26);
    assert_eq!(d.deserialize("main", &[7; 5000], false).unwrap_err().code().0, 26);
    d.execute_batch("BEGIN").unwrap();
    assert_eq!(d.deserialize("main", &bytes, false).unwrap_err().code().0, 5);
    let mut broken = bytes.clone();
    for at in (100..broken.len()).step_by(97) {
        broken[at] ^= 0x5a;
    }
    d.execute_batch("COMMIT").unwrap();
    d.deserialize("main", &broken, false).unwrap();
    run_ours(&d, "SELECT * FROM t; PRAGMA integrity_check");
}

/// From its first step to its end a backup writes to its target, and is turned away while somebody else does.
#[test]
fn a_backup_holds_its_target() {
    let place = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let path = place.path().join(name);
        Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap().connect().unwrap()
    };
    let run = |connection: &Connection, sql: &str| run_ours(connection, sql).pop().unwrap();
    let (source, target, other) = (open("source.db"), open("target.db"), open("target.db"));
    for sql in ["CREATE TABLE t(a)", "INSERT INTO t VALUES (zeroblob(9000))"] {
        assert_eq!(run(&source, sql).1, None);
    }
    for sql in ["CREATE TABLE old(x)", "BEGIN EXCLUSIVE"] {
        assert_eq!(run(&other, sql).1, None);
    }
    target.set_busy_timeout(Duration::from_millis(20));
    other.set_busy_timeout(Duration::ZERO);
    let busy = Some("5 database is locked".to_string());
    let mut backup = Backup::new(&source, "main", &target, "main").unwrap();
    for pages in [Some(1), None] {
        assert_eq!(backup.step(pages).unwrap_err().code().0, 5);
    }
    assert_eq!(run(&other, "COMMIT").1, None);
    assert_eq!(backup.step(Some(1)).unwrap(), BackupStep::More);
    assert_eq!(run(&other, "INSERT INTO old VALUES (1)").1, busy);
    drop(backup);
    // Given up, it leaves the target as it was.
    assert_eq!(run(&other, "INSERT INTO old VALUES (1)").1, None);
    let mut backup = Backup::new(&source, "main", &target, "main").unwrap();
    assert_eq!(backup.step(Some(1)).unwrap(), BackupStep::More);
    assert_eq!(backup.step(None).unwrap(), BackupStep::Done);
    drop(backup);
    assert_eq!(run(&other, "SELECT name FROM sqlite_schema").0, ["'t'"]);
    assert_eq!(run(&other, "INSERT INTO t VALUES (1)").1, None);
}

/// A backup whose last step fails copies its pages again when it is tried again.
#[test]
fn a_last_step_that_failed_can_be_tried_again() {
    let place = tempfile::tempdir().unwrap();
    let (source, target) = (open(&place.path().join("source.db")), open(&place.path().join("target.db")));
    source.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))").unwrap();
    target.execute_batch("CREATE TABLE old(x); PRAGMA max_page_count = 3").unwrap();
    let mut backup = Backup::new(&source, "main", &target, "main").unwrap();
    assert_eq!(backup.step(Some(1)).unwrap(), BackupStep::More);
    assert_eq!(backup.step(None).unwrap_err().code().0, 13);
    target.execute_batch("SELECT * FROM old; PRAGMA max_page_count = 100").unwrap();
    assert_eq!(backup.step(None).unwrap(), BackupStep::Done);
    assert_eq!(
        run_ours(&target, "SELECT length(a) FROM t; PRAGMA integrity_check"),
        run_ours(&source, "SELECT length(a) FROM t; PRAGMA integrity_check")
    );
}

/// A backup that is given up or fails is no rollback to the hooks of its target.
#[test]
fn a_backup_tells_no_hook() {
    let told = |connection: &Connection| {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = count.clone();
        connection.set_rollback_hook(Some(std::sync::Arc::new(move || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        })));
        count
    };
    let place = tempfile::tempdir().unwrap();
    let (source, mut target) = (Pair::new(), on_files(place.path(), "CREATE TABLE old(x)"));
    source.same("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))");
    target.same("PRAGMA max_page_count = 3");
    let ours = told(&target.ours);
    let theirs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = theirs.clone();
    target
        .theirs
        .rollback_hook(Some(move || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }))
        .unwrap();
    for pages in [1, -1] {
        let mut backup = Backup::new(&source.ours, "main", &target.ours, "main").unwrap();
        assert_eq!(backup.step(u32::try_from(pages).ok()).is_ok(), pages > 0);
        drop(backup);
        let backup = rusqlite::backup::Backup::new(&source.theirs, &mut target.theirs).unwrap();
        let _ = backup.step(pages);
        drop(backup);
    }
    assert_eq!(
        (ours.load(std::sync::atomic::Ordering::Relaxed), theirs.load(std::sync::atomic::Ordering::Relaxed)),
        (0, 0)
    );
    target.same("INSERT INTO old VALUES (1); SELECT * FROM old");
}

/// What a backup has locked among connections that share a cache is free when it is over.
#[test]
fn a_backup_gives_back_its_locks_of_a_shared_cache() {
    let open = |name: &str| Database::open(name, OpenOptions::default()).unwrap().connect().unwrap();
    let source = open(":memory:");
    source.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))").unwrap();
    let name = "file:a_backup_gives_back?mode=memory&cache=shared";
    let (target, other) = (open(name), open(name));
    target.execute_batch("CREATE TABLE t(a)").unwrap();
    for pages in [Some(1), None] {
        let mut backup = Backup::new(&source, "main", &target, "main").unwrap();
        backup.step(pages).unwrap();
        drop(backup);
        assert_eq!(run_ours(&other, "INSERT INTO t VALUES (1)"), [(vec![], None)]);
    }
}

/// A backup that is given up while a statement reads its target holds it no longer, and the statement goes on.
#[test]
fn a_backup_is_given_up_while_its_target_is_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("target.db");
    let (source, target, other) = (open(&place.path().join("source.db")), open(&path), open(&path));
    source.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))").unwrap();
    target.execute_batch("CREATE TABLE old(x); INSERT INTO old VALUES (1), (2)").unwrap();
    let mut backup = Backup::new(&source, "main", &target, "main").unwrap();
    assert_eq!(backup.step(Some(1)).unwrap(), BackupStep::More);
    let mut statement = target.prepare("SELECT x FROM old").unwrap().statement.unwrap();
    assert_eq!(statement.step().unwrap(), turso_core::StepResult::Row);
    drop(backup);
    assert_eq!(run_ours(&other, "INSERT INTO old VALUES (3)"), [(vec![], None)]);
    assert_eq!(statement.step().unwrap(), turso_core::StepResult::Row);
    assert_eq!(statement.step().unwrap(), turso_core::StepResult::Done);
    assert_eq!(run_ours(&target, "SELECT count(*) FROM old")[0].0, ["3"]);
}
