//! `sqlite_dbpage`: pages as they are, read and replaced.
//!
//! The bundled SQLite is built without this table: the answers asserted are those that the newest SQLite gives with it.

mod support;

use std::path::Path;

use support::run_ours;
use turso_core::{Backend, Connection, Database, OpenOptions, Switch};

fn open(path: &Path, backend: Backend) -> Connection {
    let options = OpenOptions { backend, ..OpenOptions::default() };
    Database::open(&path.display().to_string(), options).unwrap().connect().unwrap()
}

fn memory() -> Connection {
    open(Path::new(":memory:"), Backend::Default)
}

/// What the last statement of a script answers, in one line.
fn last(connection: &Connection, sql: &str) -> String {
    let (rows, error) = run_ours(connection, sql).pop().unwrap();
    error.unwrap_or_else(|| rows.join(" "))
}

const TABLES: &str = "PRAGMA page_size = 1024; CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2); CREATE TABLE u(a);";

#[test]
fn every_page_is_a_row() {
    let c = memory();
    assert_eq!(last(&c, "SELECT count(*) FROM sqlite_dbpage"), "0");
    last(&c, TABLES);
    assert_eq!(
        last(&c, "SELECT pgno, rowid, length(data), schema FROM sqlite_dbpage"),
        "1|1|1024|'main' 2|2|1024|'main' 3|3|1024|'main'"
    );
    assert_eq!(
        last(&c, "SELECT CAST(substr(data, 1, 15) AS TEXT) FROM sqlite_dbpage WHERE pgno = 1"),
        "'SQLite format 3'"
    );
    assert_eq!(last(&c, "SELECT hex(substr(data, 1020)) FROM sqlite_dbpage WHERE rowid = 2"), "'0103090102'");
    for (condition, pages) in [
        ("pgno > 1", "2 3"),
        ("pgno = '2'", "2"),
        ("pgno = 2.5", ""),
        ("pgno IN (3, 1, 2)", "1 2 3"),
        ("pgno IN (0, -1, 4, 99999999999)", ""),
        ("schema = 'MAIN' AND pgno = 3", "3"),
        ("schema = 'nope'", ""),
        ("schema IS NULL", ""),
    ] {
        assert_eq!(last(&c, &format!("SELECT pgno FROM sqlite_dbpage WHERE {condition}")), pages, "{condition}");
    }
    assert_eq!(last(&c, "SELECT pgno FROM sqlite_dbpage ORDER BY pgno DESC"), "3 2 1");
    last(&c, "ATTACH ':memory:' AS other; CREATE TABLE other.v(x)");
    assert_eq!(last(&c, "SELECT pgno, schema FROM sqlite_dbpage('other')"), "1|'other' 2|'other'");
    last(&c, "CREATE VIRTUAL TABLE pages USING sqlite_dbpage");
    assert_eq!(last(&c, "SELECT pgno FROM pages"), "1 2 3");
    last(&c, "CREATE VIEW pages_view AS SELECT * FROM sqlite_dbpage");
    assert_eq!(last(&c, "SELECT pgno FROM pages_view"), "1 unsafe use of virtual table \"sqlite_dbpage\"");
}

#[test]
fn plans_are_those_of_sqlite() {
    let c = memory();
    last(&c, TABLES);
    let plan = |sql: &str| last(&c, &format!("EXPLAIN QUERY PLAN SELECT * FROM sqlite_dbpage {sql}"));
    assert!(plan("ORDER BY pgno, schema").ends_with("'SCAN sqlite_dbpage VIRTUAL TABLE INDEX 0:'"));
    assert!(plan("WHERE pgno = 1").ends_with("'SCAN sqlite_dbpage VIRTUAL TABLE INDEX 1:'"));
    assert!(plan("('main')").ends_with("'SCAN sqlite_dbpage VIRTUAL TABLE INDEX 2:'"));
    assert!(plan("('main') WHERE rowid = 1").ends_with("'SCAN sqlite_dbpage VIRTUAL TABLE INDEX 3:'"));
    assert!(plan("ORDER BY pgno DESC").ends_with("'USE TEMP B-TREE FOR ORDER BY'"));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let c = memory();
    last(&c, TABLES);
    for (sql, error) in [
        ("DELETE FROM sqlite_dbpage WHERE pgno = 3", "1 cannot delete"),
        ("DELETE FROM sqlite_dbpage WHERE pgno = 300", ""),
        ("INSERT INTO sqlite_dbpage(pgno, data) VALUES (NULL, zeroblob(1024))", "1 bad page number"),
        ("INSERT INTO sqlite_dbpage(pgno, data) VALUES (-1, zeroblob(1024))", "1 bad page number"),
        ("INSERT INTO sqlite_dbpage(pgno, data) VALUES (4294967296, zeroblob(1024))", "1 bad page number"),
        ("INSERT INTO sqlite_dbpage(pgno, data) VALUES (2, zeroblob(1023))", "1 bad page value"),
        ("INSERT INTO sqlite_dbpage(pgno, data) VALUES (2, 'abc')", "1 bad page value"),
        ("INSERT INTO sqlite_dbpage(pgno, data) VALUES (1, NULL)", "1 bad page value"),
        ("INSERT INTO sqlite_dbpage(pgno, data, schema) VALUES (2, zeroblob(1024), 'x')", "1 no such schema"),
        (
            "INSERT INTO sqlite_dbpage VALUES (2, zeroblob(1024), 'main')",
            "1 table sqlite_dbpage has 2 columns but 3 values were supplied",
        ),
        ("UPDATE sqlite_dbpage SET data = NULL WHERE pgno = 2", "1 bad page value"),
        ("UPDATE sqlite_dbpage SET data = zeroblob(10) WHERE pgno = 2", "1 bad page value"),
        ("UPDATE sqlite_dbpage SET rowid = 3 WHERE pgno = 2", "1 cannot insert"),
        ("UPDATE sqlite_dbpage SET schema = 'x' WHERE pgno = 2", "1 no such schema"),
    ] {
        assert_eq!(last(&c, sql), error, "{sql}");
    }
    assert_eq!(last(&c, "PRAGMA integrity_check"), "'ok'");
    last(&c, "PRAGMA query_only = 1");
    let same = "UPDATE sqlite_dbpage SET data = data WHERE pgno = 2";
    assert_eq!(last(&c, same), "8 attempt to write a readonly database");
    last(&c, "PRAGMA query_only = 0");
    c.turn(Switch::Defensive, true);
    assert_eq!(last(&c, same), "1 read-only");
}

#[test]
fn pages_are_replaced_within_transactions() {
    for backend in [Backend::Default, Backend::Asynchronous] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let c = open(&path, backend);
        last(&c, TABLES);
        last(&c, "CREATE TEMP TABLE saved AS SELECT data FROM sqlite_dbpage WHERE pgno = 2");
        last(&c, "UPDATE sqlite_dbpage SET data = zeroblob(1024) WHERE pgno = 2");
        assert_eq!(last(&c, "SELECT count(*) FROM t"), "11 database disk image is malformed");
        last(&c, "UPDATE sqlite_dbpage SET data = (SELECT data FROM saved) WHERE pgno = 2");
        assert_eq!(last(&c, "SELECT * FROM t; PRAGMA integrity_check"), "'ok'");
        // What a transaction, a savepoint or a failed statement undoes is undone.
        last(&c, "BEGIN; UPDATE sqlite_dbpage SET data = zeroblob(1024) WHERE pgno > 1; ROLLBACK");
        last(
            &c,
            "BEGIN; INSERT INTO u VALUES (1); SAVEPOINT s; UPDATE sqlite_dbpage SET data = zeroblob(1024); ROLLBACK TO s; COMMIT",
        );
        last(&c, "UPDATE sqlite_dbpage SET data = CASE pgno WHEN 3 THEN NULL ELSE zeroblob(1024) END WHERE pgno > 1");
        assert_eq!(last(&c, "SELECT * FROM t, u"), "1|2|1");
        assert_eq!(last(&c, "PRAGMA integrity_check"), "'ok'");
        // The database grows and shrinks.
        last(&c, "BEGIN; INSERT INTO sqlite_dbpage(pgno, data) VALUES (6, zeroblob(1024))");
        assert_eq!(last(&c, "SELECT max(pgno) FROM sqlite_dbpage"), "6");
        last(&c, "INSERT INTO sqlite_dbpage(pgno, data) VALUES (4, NULL); COMMIT");
        assert_eq!(last(&c, "PRAGMA page_count"), "3");
        assert_eq!(last(&c, "PRAGMA integrity_check"), "'ok'");
    }
}

/// A header that came in with page 1 counts, but for what says how the file is read.
#[test]
fn the_first_page_brings_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let c = open(&a, Backend::Default);
    last(&c, TABLES);
    drop(rusqlite::Connection::open(&b).map(|b| {
        b.execute_batch(
            "PRAGMA page_size = 1024; PRAGMA user_version = 7; CREATE TABLE other(x); INSERT INTO other VALUES ('y')",
        )
    }));
    last(&c, &format!("ATTACH '{}' AS b", b.display()));
    last(&c, "BEGIN; INSERT INTO sqlite_dbpage(pgno, data) SELECT pgno, data FROM sqlite_dbpage('b')");
    last(&c, "INSERT INTO sqlite_dbpage(pgno, data) VALUES (3, NULL); COMMIT");
    assert_eq!(last(&c, "SELECT * FROM main.other"), "'y'");
    assert_eq!(last(&c, "PRAGMA main.user_version"), "7");
    last(&c, "UPDATE sqlite_dbpage SET data = zeroblob(100) || substr(data, 101) WHERE pgno = 1");
    drop(c);
    let theirs = rusqlite::Connection::open(&a).unwrap();
    let check: String = theirs.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

/// Pages are no rows that could be brought onto newer pages: the transaction takes the lock at once.
#[test]
fn a_concurrent_transaction_becomes_a_plain_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (one, two) = (open(&path, Backend::Default), open(&path, Backend::Default));
    last(&one, TABLES);
    last(&one, "PRAGMA journal_mode = wal");
    last(&two, "PRAGMA busy_timeout = 0");
    last(&one, "BEGIN CONCURRENT; INSERT INTO t VALUES (5, 6)");
    assert_eq!(last(&one, "UPDATE sqlite_dbpage SET data = data WHERE pgno = 3"), "");
    assert_eq!(last(&two, "INSERT INTO t VALUES (7, 8)"), "5 database is locked");
    assert_eq!(last(&one, "COMMIT"), "");
    assert_eq!(last(&two, "SELECT a FROM t"), "1 5");
    last(&one, "BEGIN CONCURRENT; INSERT INTO t VALUES (5, 6)");
    last(&two, "INSERT INTO u VALUES (7)");
    assert!(last(&one, "UPDATE sqlite_dbpage SET data = data WHERE pgno = 3").starts_with("517 "));
}

/// `PRAGMA writable_schema` opens a database whose catalogue is damaged, for whoever wants to look at it and mend it.
#[test]
fn a_damaged_catalogue_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t(a); CREATE TABLE u(b); INSERT INTO u VALUES (5)")
        .unwrap();
    let sound = std::fs::read(&path).unwrap();
    let malformed = "11 database disk image is malformed";
    // Not a page of a tree; then a row that makes no sense.
    for (place, byte) in [(100, 0x33), (sound.windows(7).position(|w| w == b"TABLE t").unwrap(), b'x')] {
        let mut damaged = sound.clone();
        damaged[place] = byte;
        std::fs::write(&path, &damaged).unwrap();
        let c = open(&path, Backend::Default);
        let refused = last(&c, "SELECT count(*) FROM sqlite_dbpage");
        assert!(refused == malformed || refused.starts_with("11 malformed database schema (t)"), "{refused}");
        assert_eq!(last(&c, "PRAGMA writable_schema = ON"), "");
        assert_eq!(last(&c, "SELECT count(*) FROM sqlite_dbpage"), "3");
        if place != 100 {
            assert_eq!(last(&c, "SELECT b FROM u"), "5");
            assert_eq!(last(&c, "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a)' WHERE name = 't'"), "");
            assert_eq!(last(&c, "PRAGMA writable_schema = RESET"), "");
            assert_eq!(last(&c, "SELECT count(*) FROM t"), "0");
        }
        let theirs = rusqlite::Connection::open(&path).unwrap();
        let check = theirs.query_row("SELECT count(*) FROM u", [], |row| row.get::<_, i64>(0));
        assert_eq!(check.is_ok(), place != 100);
    }
}
