//! Files in which one field holds what nobody would write: an answer or an error, at once.

mod support;

use std::path::Path;

use support::{run_ours, run_theirs};
use turso_core::{Backend, Connection, Database, OpenOptions, StepResult, Value};

fn open(path: &Path, backend: Backend) -> Connection {
    let options = OpenOptions { new_uses_wal: false, backend, ..OpenOptions::default() };
    Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap()
}

fn integer(connection: &Connection, sql: &str) -> i64 {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    assert_eq!(statement.step().unwrap(), StepResult::Row);
    match statement.row()[0] {
        Value::Integer(i) => i,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_count_of_free_pages_at_its_greatest_wraps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let stock = rusqlite::Connection::open(&path).unwrap();
    stock
        .execute_batch(
            "PRAGMA page_size = 512; CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO t VALUES (zeroblob(5000));
             INSERT INTO u VALUES (zeroblob(5000)); DROP TABLE u",
        )
        .unwrap();
    drop(stock);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[36..40].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let connection = open(&path, Backend::Default);
    connection.execute_batch("DELETE FROM t").unwrap();
    assert_eq!(integer(&connection, "SELECT count(*) FROM t"), 0);
    // SQLite adds as blindly.
    assert_eq!(integer(&connection, "PRAGMA freelist_count"), 8);
}

#[test]
fn a_log_without_commits_does_not_say_how_large_pages_are() {
    let directory = tempfile::tempdir().unwrap();
    for backend in [Backend::Default, Backend::AlwaysPending] {
        let path = directory.path().join("a.db");
        let log = directory.path().join("a.db-wal");
        let stock = rusqlite::Connection::open(&path).unwrap();
        stock
            .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)")
            .unwrap();
        let written = std::fs::read(&log).unwrap();
        drop(stock);
        // Its header alone, of pages of another size; the checksum is right.
        let mut header = written[..32].to_vec();
        header[8..12].copy_from_slice(&512u32.to_be_bytes());
        let big = header[3] & 1 == 1;
        let (mut a, mut b) = (0u32, 0u32);
        for pair in header[..24].chunks_exact(8) {
            let word = |c: &[u8]| {
                let bytes = [c[0], c[1], c[2], c[3]];
                if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
            };
            a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
            b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
        }
        header[24..28].copy_from_slice(&a.to_be_bytes());
        header[28..32].copy_from_slice(&b.to_be_bytes());
        std::fs::write(&log, header).unwrap();
        let connection = open(&path, backend);
        let before = integer(&connection, "SELECT count(*) FROM t");
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(integer(&connection, "SELECT count(*) FROM t"), before + 1);
    }
}

#[test]
fn of_later_headers_of_a_journal_nobody_reads_the_sizes() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("a.db"), directory.path().join("b.db"));
    let stock = rusqlite::Connection::open(&path).unwrap();
    stock
        .execute_batch(
            "PRAGMA page_size = 512; CREATE TABLE t(a, b);
             WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30) INSERT INTO t SELECT i, zeroblob(200) FROM n;
             PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN; UPDATE t SET b = zeroblob(201); UPDATE t SET a = 0",
        )
        .unwrap();
    std::fs::copy(&path, &copy).unwrap();
    let mut journal = std::fs::read(directory.path().join("a.db-journal")).unwrap();
    let headers: Vec<usize> =
        (512..journal.len()).step_by(512).filter(|at| journal[*at..].starts_with(&journal[..8])).collect();
    assert!(headers.len() > 2, "{headers:?}");
    for at in headers {
        journal[at + 20..at + 28].fill(0xee);
    }
    std::fs::write(directory.path().join("b.db-journal"), journal).unwrap();
    let connection = open(&copy, Backend::Default);
    assert_eq!(integer(&connection, "SELECT sum(a) + sum(length(b)) FROM t"), 465 + 6000);
}

#[test]
fn a_transaction_begins_whatever_the_file_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    std::fs::write(&path, vec![b'x'; 4096]).unwrap();
    let script = "BEGIN; SELECT * FROM sqlite_schema; COMMIT; SAVEPOINT s; RELEASE s; BEGIN; SAVEPOINT s; ROLLBACK TO s; ROLLBACK;
        BEGIN IMMEDIATE; COMMIT; BEGIN; CREATE TABLE t(a); ROLLBACK";
    let theirs = run_theirs(&rusqlite::Connection::open(&path).unwrap(), script);
    assert_eq!(run_ours(&open(&path, Backend::Default), script), theirs);

    // Nor does one wait for a lock that somebody else has.
    let path = directory.path().join("b.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t(a); BEGIN EXCLUSIVE").unwrap();
    let connection = open(&path, Backend::Default);
    connection.execute_batch("BEGIN").unwrap();
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(integer(&connection, "SELECT count(*) FROM t"), 0);
    connection.execute_batch("COMMIT").unwrap();
}
