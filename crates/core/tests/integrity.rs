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

/// What each check says of a file on both engines.
fn check_both(path: &Path, what: &str) {
    let check = "PRAGMA quick_check; PRAGMA integrity_check; PRAGMA integrity_check(2); PRAGMA quick_check(1); PRAGMA integrity_check(t)";
    let theirs = run_theirs(&rusqlite::Connection::open(path).unwrap(), check);
    let options = OpenOptions { new_uses_wal: false, ..OpenOptions::default() };
    let ours = Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap();
    assert_eq!(run_ours(&ours, check), theirs, "{what}");
}

/// Tables whose definition has been changed behind the back of their rows.
#[test]
fn values_that_columns_cannot_have_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let rows = "INSERT INTO t VALUES ('12', 5, '1.5', 'x'), ('x', 5.5, '1', x'00'), (NULL, NULL, NULL, NULL), (2, x'00', 2, 1.5), (1, 'a', 1.0, 7)";
    let definitions = [
        ("a int, b text, c real, d numeric", ""),
        ("a int, b text, c real, d any", " STRICT"),
        ("a integer, b blob, c text, d int", " STRICT"),
        ("a real, b real, c real, d real", " STRICT"),
        ("a int NOT NULL, b text NOT NULL, c real NOT NULL, d NOT NULL", ""),
        (
            "a NOT NULL, b NOT NULL, c, d, e int NOT NULL DEFAULT 7, f text NOT NULL DEFAULT 8, g NOT NULL DEFAULT 1.5, h int DEFAULT ''9''",
            "",
        ),
        (
            "a integer primary key, b text, d int as (b) stored, c as (b) not null, e int as (b), f text as (a), g real as (d) not null",
            "",
        ),
        ("a CHECK (a > 1), b CHECK (b > 1), c CHECK (length(c) > 2), d", ""),
        ("a, b, c, d integer primary key", ""),
    ];
    for (i, (columns, options)) in definitions.iter().enumerate() {
        let path = directory.path().join(format!("{i}.db"));
        let connection = rusqlite::Connection::open(&path).unwrap();
        let schema = format!("UPDATE sqlite_schema SET sql = 'CREATE TABLE t({columns}){options}'");
        connection
            .execute_batch(&format!("CREATE TABLE t(a, b, c, d); {rows}; PRAGMA writable_schema = ON; {schema}"))
            .unwrap();
        drop(connection);
        check_both(&path, columns);
    }
}

#[test]
fn entries_of_indexes_that_do_not_fit_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let cases = [
        // Unique only afterwards; NULLs are never the same.
        (
            "CREATE TABLE t(a, b, c NOT NULL); CREATE INDEX i ON t(a, b); CREATE INDEX j ON t(c);
          INSERT INTO t VALUES (1, 2, 3), (1, 2, 4), (1, NULL, 3), (1, NULL, 5), (NULL, 1, 3)",
            "CREATE INDEX",
            "CREATE UNIQUE INDEX",
        ),
        // The entries are of another column.
        (
            "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t(rowid, a, b) VALUES (10, 1, 1), (20, 2, 2), (30, 3, 4), (40, 5, 5)",
            "ON t(a)",
            "ON t(b)",
        ),
        (
            "CREATE TABLE t(a PRIMARY KEY, b UNIQUE, c) WITHOUT ROWID; CREATE INDEX i ON t(c); INSERT INTO t VALUES (1, 2, 3), (2, 3, 3), (3, 4, 4)",
            "ON t(c)",
            "ON t(b)",
        ),
        // Another order of the primary key.
        (
            "CREATE TABLE t(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID; INSERT INTO t VALUES (1, 2), (1, 3), ('a', 1), ('B', 1)",
            "PRIMARY KEY(a, b)",
            "PRIMARY KEY(a COLLATE NOCASE, b DESC)",
        ),
        (
            "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b) WHERE b > 1; INSERT INTO t VALUES (1, 2), (3, 0), (5, 6)",
            "b > 1",
            "b < 3",
        ),
        (
            "CREATE TABLE t(a, b); CREATE INDEX i ON t(a + b); INSERT INTO t VALUES (1, 2), (3, 0), (5, 6)",
            "a + b",
            "a - b",
        ),
    ];
    for (i, (script, old, new)) in cases.iter().enumerate() {
        let path = directory.path().join(format!("{i}.db"));
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(script).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}')"
            ))
            .unwrap();
        drop(connection);
        check_both(&path, script);
    }
}

#[test]
fn the_schema_is_a_table_like_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT 1; PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = '0' WHERE name = 'v'; UPDATE sqlite_schema SET tbl_name = x'61' WHERE name = 'v'",
        )
        .unwrap();
    drop(connection);
    check_both(&path, "a view");
}
