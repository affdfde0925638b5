//! `PRAGMA integrity_check` and `quick_check` on files in which indexes do not fit their tables: SQLite's words, in its order.

mod support;

use std::path::Path;

use support::{run_ours, run_theirs};
use turso_core::{Database, OpenOptions};

/// A file in which rows came in while an index was not in the schema.
fn make(path: &Path, hidden: &[&str]) {
    let names = hidden.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let run = |sql: &str| rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    run("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX tb ON t(b); CREATE INDEX tp ON t(b) WHERE b > 'm';
         CREATE TABLE u(a PRIMARY KEY, b NOT NULL) WITHOUT ROWID; CREATE INDEX ub ON u(b);
         INSERT INTO t VALUES (1, 'x'), (2, 'y'); INSERT INTO u VALUES (1, 2);");
    run(&format!(
        "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name IN ({names});
         PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name IN ({names});"
    ));
    run("INSERT INTO t VALUES (3, 'z'), (4, 'a')");
    run("PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept");
    run("DROP TABLE kept");
}

#[test]
fn indexes_that_lack_rows_are_named() {
    let directory = tempfile::tempdir().unwrap();
    for (i, hidden) in [&["tb"][..], &["tp"], &["tb", "tp"], &["ub"]].iter().enumerate() {
        let path = directory.path().join(format!("{i}.db"));
        make(&path, hidden);
        let check = "PRAGMA quick_check; PRAGMA integrity_check; PRAGMA integrity_check(1); PRAGMA quick_check(t); PRAGMA integrity_check(t)";
        let theirs = run_theirs(&rusqlite::Connection::open(&path).unwrap(), check);
        let options = OpenOptions { new_uses_wal: false, ..OpenOptions::default() };
        let ours = Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap();
        assert_eq!(run_ours(&ours, check), theirs, "{hidden:?}");
    }
}
