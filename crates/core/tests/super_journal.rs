//! Transactions over several databases with rollback journals: a power loss at any operation, also during the recovery,
//! leaves all of them changed or none; and so SQLite finds them.

mod support;

#[path = "../../storage/tests/support/crash.rs"]
mod crash;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crash::{CrashIo, Fault, Random};
use support::run_ours;
use turso_core::io::Io;
use turso_core::{Backend, Connection, Database, OpenOptions, Result};

type Files = HashMap<PathBuf, Vec<u8>>;

const NAMES: [&str; 3] = ["main", "second", "third"];
const TRANSACTIONS: usize = 2;
const FULL: &str = "PRAGMA main.synchronous = FULL; PRAGMA second.synchronous = FULL; PRAGMA third.synchronous = FULL;";

fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.db"))
}

/// A connection to the three databases.
fn connect(io: &CrashIo, directory: &Path) -> Result<Connection> {
    let io: Arc<dyn Io> = Arc::new(io.clone());
    let options = OpenOptions { new_uses_wal: false, backend: Backend::Custom(io), ..OpenOptions::default() };
    let connection = Database::open(path(directory, "main").to_str().unwrap(), options)?.connect()?;
    connection.set_busy_timeout(std::time::Duration::ZERO);
    for name in &NAMES[1..] {
        connection.execute_batch(format!("ATTACH '{}' AS {name}", path(directory, name).display()))?;
    }
    Ok(connection)
}

fn start(directory: &Path) -> Files {
    let io = CrashIo::new(&Files::new(), Fault::None);
    let connection = connect(&io, directory).unwrap();
    for name in NAMES {
        connection.execute_batch(format!("CREATE TABLE {name}.t(n INTEGER PRIMARY KEY, filler)")).unwrap();
    }
    drop(connection);
    io.files()
}

/// Commits numbered rows to all three; answers how many commits were reported.
fn run(io: &CrashIo, directory: &Path, mode: &str) -> usize {
    let Ok(connection) = connect(io, directory) else { return 0 };
    let modes = NAMES.map(|name| format!("PRAGMA {name}.journal_mode = {mode}")).join("; ");
    if connection.execute_batch(format!("{modes}; {FULL}")).is_err() {
        return 0;
    }
    for n in 1..=TRANSACTIONS {
        // The first transaction leaves a longer journal than the others: in PERSIST mode its end stays behind theirs.
        let rows = if n == 1 { 25 } else { 2 };
        let inserts = NAMES.map(|name| {
            format!(
                "INSERT INTO {name}.t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {rows})
                 SELECT {n} * 100 + i, printf('%.500c', 'x') FROM c; DELETE FROM {name}.t WHERE n < {n} * 100"
            )
        });
        if connection.execute_batch(format!("BEGIN; {}; COMMIT", inserts.join("; "))).is_err() {
            return n - 1;
        }
    }
    TRANSACTIONS
}

/// What each database holds: the number of its last transaction.
fn contents(files: &Files, directory: &Path) -> Vec<String> {
    let io = CrashIo::new(files, Fault::None);
    let connection = connect(&io, directory).unwrap();
    let found = NAMES.iter().map(|name| {
        let sql = format!("PRAGMA {name}.integrity_check; SELECT ifnull(max(n) / 100, 0) FROM {name}.t");
        format!("{:?}", run_ours(&connection, &sql))
    });
    let found = found.collect();
    drop(connection);
    let left: Vec<_> = io.files().into_keys().filter(|p| p.to_string_lossy().contains("-mj")).collect();
    assert!(left.len() <= 1, "{left:?}");
    found
}

fn stock_contents(files: &Files, directory: &Path) -> Vec<String> {
    for entry in std::fs::read_dir(directory).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    files.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let found = NAMES.map(|name| {
        let connection = rusqlite::Connection::open(path(directory, name)).unwrap();
        let sql = "PRAGMA integrity_check; SELECT ifnull(max(n) / 100, 0) FROM t";
        format!("{:?}", support::run_theirs(&connection, sql))
    });
    found.into()
}

fn state(n: usize) -> Vec<String> {
    vec![format!("{:?}", vec![(vec!["'ok'".to_owned()], None::<String>), (vec![n.to_string()], None)]); 3]
}

fn check(files: &Files, directory: &Path, reported: usize, stock: bool, what: &str) {
    let found = contents(files, directory);
    assert!((reported..=reported + 1).any(|n| found == state(n)), "{what}: {reported} reported, found {found:?}");
    if stock {
        assert_eq!(stock_contents(files, directory), found, "{what}: SQLite");
    }
}

#[test]
fn all_databases_change_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let directory = &std::fs::canonicalize(directory.path()).unwrap();
    let files = start(directory);
    for mode in ["delete", "truncate", "persist"] {
        let whole = CrashIo::new(&files, Fault::None);
        assert_eq!(run(&whole, directory, mode), TRANSACTIONS);
        for at in 1..=whole.operations() + 1 {
            let io = CrashIo::new(&files, Fault::CrashAt(at));
            let reported = run(&io, directory, mode);
            let left = io.after_crash(&mut Random(at));
            check(&left, directory, reported, at % 5 == 0, &format!("{mode}, crash at {at}"));
        }
    }
}

#[test]
fn a_recovery_that_is_interrupted_is_taken_up_again() {
    let directory = tempfile::tempdir().unwrap();
    let directory = &std::fs::canonicalize(directory.path()).unwrap();
    let files = start(directory);
    let whole = CrashIo::new(&files, Fault::None);
    run(&whole, directory, "delete");
    for at in (1..=whole.operations()).step_by(4) {
        let io = CrashIo::new(&files, Fault::CrashAt(at));
        let reported = run(&io, directory, "delete");
        let left = io.after_crash(&mut Random(at));
        for again in 1..20 {
            let io = CrashIo::new(&left, Fault::CrashAt(again));
            let through = connect(&io, directory).is_ok();
            let twice = io.after_crash(&mut Random(at * 100 + again));
            check(&twice, directory, reported, false, &format!("crash at {at}, then at {again}"));
            if through {
                break;
            }
        }
    }
}

#[test]
fn an_operation_that_fails_changes_none() {
    let directory = Path::new("/");
    let files = start(directory);
    for mode in ["delete", "truncate", "persist"] {
        let whole = CrashIo::new(&files, Fault::None);
        run(&whole, directory, mode);
        for at in (1..=whole.operations()).step_by(2) {
            let io = CrashIo::new(&files, Fault::FailAt(at));
            let reported = run(&io, directory, mode);
            check(&io.files(), directory, reported, false, &format!("{mode}, failure at {at}"));
        }
    }
}

#[test]
fn without_journals_or_syncs_there_is_no_super_journal() {
    for (settings, used) in [
        ("", true),
        ("PRAGMA third.synchronous = OFF", true),
        ("PRAGMA third.synchronous = OFF; PRAGMA second.synchronous = OFF", false),
        ("PRAGMA main.journal_mode = MEMORY; PRAGMA second.journal_mode = OFF", false),
        ("PRAGMA main.journal_mode = WAL", true),
        ("PRAGMA main.journal_mode = WAL; PRAGMA third.journal_mode = WAL", false),
    ] {
        let io = CrashIo::new(&start(Path::new("/")), Fault::None);
        let connection = connect(&io, Path::new("/")).unwrap();
        connection.execute_batch(format!("{FULL} {settings}")).unwrap();
        let inserts = NAMES.map(|name| format!("INSERT INTO {name}.t VALUES(1, 2)")).join("; ");
        connection.execute_batch(format!("BEGIN; {inserts}; COMMIT")).unwrap();
        assert_eq!(io.deleted().iter().any(|p| p.to_string_lossy().contains("/main.db-mj")), used, "{settings}");
        drop(connection);
        assert_eq!(io.files().len(), 3, "{settings}: {:?}", io.files().keys());
    }
}

#[test]
fn a_journal_that_stays_does_not_name_an_old_super_journal() {
    let directory = Path::new("/");
    let start = {
        let io = CrashIo::new(&start(directory), Fault::None);
        assert_eq!(run(&io, directory, "persist"), TRANSACTIONS);
        io.files()
    };
    let single = |io: &CrashIo| {
        let connection = connect(io, directory)?;
        connection
            .execute_batch(format!("PRAGMA journal_mode = persist; {FULL} UPDATE main.t SET n = 900 WHERE n = 201"))
    };
    let whole = CrashIo::new(&start, Fault::None);
    single(&whole).unwrap();
    for at in 1..=whole.operations() {
        let io = CrashIo::new(&start, Fault::CrashAt(at));
        let reported = single(&io).is_ok();
        for luck in 0..6 {
            let left = CrashIo::new(&io.after_crash(&mut Random(at * 10 + luck)), Fault::None);
            let connection = connect(&left, directory).unwrap();
            let found = run_ours(&connection, "PRAGMA main.integrity_check; SELECT max(n) FROM main.t");
            let (sound, newest) = (&found[0].0, &found[1].0);
            assert_eq!(sound, &["'ok'"], "crash at {at}, luck {luck}");
            assert!(newest == &["900"] || (!reported && newest == &["202"]), "crash at {at}, luck {luck}: {newest:?}");
        }
    }
}
