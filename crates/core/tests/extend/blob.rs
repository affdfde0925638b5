//! Incremental blob I/O, against the same calls of SQLite's interface.

use rusqlite::ffi;
use turso_core::{Blob, Result};

use crate::Pair;

/// A handle on both engines.
struct Both<'p> {
    pair: &'p Pair,
    ours: Option<Blob>,
    theirs: *mut ffi::sqlite3_blob,
}

fn outcome<T>(result: &Result<T>) -> i32 {
    result.as_ref().map_or_else(|e| e.code().0, |_| 0)
}

impl<'p> Both<'p> {
    #[track_caller]
    fn open(pair: &'p Pair, database: &str, table: &str, column: &str, rowid: i64, writable: bool) -> Self {
        let ours = pair.ours.open_blob(database, table, column, rowid, writable);
        let mut theirs = std::ptr::null_mut();
        let c = |text: &str| std::ffi::CString::new(text).unwrap();
        // SAFETY: the texts live during the call, and the connection outlives the handle.
        let (code, message) = unsafe {
            let db = pair.theirs.handle();
            let (a, b, d) = (c(database), c(table), c(column));
            let code =
                ffi::sqlite3_blob_open(db, a.as_ptr(), b.as_ptr(), d.as_ptr(), rowid, writable.into(), &mut theirs);
            (code, std::ffi::CStr::from_ptr(ffi::sqlite3_errmsg(db)).to_string_lossy().into_owned())
        };
        let mine = match &ours {
            Ok(_) => (0, "not an error".to_string()),
            Err(e) => (e.code().0, e.message().to_string()),
        };
        assert_eq!(mine, (code, message), "{database}.{table}.{column} {rowid}");
        Both { pair, ours: ours.ok(), theirs }
    }

    #[track_caller]
    fn read(&mut self, count: usize, offset: usize) -> Vec<u8> {
        let Some(ours) = &mut self.ours else { return Vec::new() };
        let (mut mine, mut his) = (vec![0; count], vec![0u8; count]);
        let result = ours.read_at(&mut mine, offset);
        // SAFETY: the buffer has room for `count` bytes.
        let code = unsafe { ffi::sqlite3_blob_read(self.theirs, his.as_mut_ptr().cast(), count as i32, offset as i32) };
        assert_eq!((outcome(&result), &mine), (code, &his));
        // SAFETY: the handle is open.
        assert_eq!(ours.len() as i32, unsafe { ffi::sqlite3_blob_bytes(self.theirs) });
        mine
    }

    #[track_caller]
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let Some(ours) = &mut self.ours else { return };
        let result = ours.write_at(bytes, offset);
        // SAFETY: as many bytes are read as there are.
        let code =
            unsafe { ffi::sqlite3_blob_write(self.theirs, bytes.as_ptr().cast(), bytes.len() as i32, offset as i32) };
        assert_eq!(outcome(&result), code);
    }

    #[track_caller]
    fn reopen(&mut self, rowid: i64) {
        let Some(ours) = &mut self.ours else { return };
        let result = ours.reopen(rowid);
        // SAFETY: the handle is open.
        assert_eq!(outcome(&result), unsafe { ffi::sqlite3_blob_reopen(self.theirs, rowid) });
    }

    #[track_caller]
    fn close(mut self) {
        let result = self.ours.take().map_or(Ok(()), Blob::close);
        // SAFETY: the handle is open, and not used again.
        let code = unsafe { ffi::sqlite3_blob_close(std::mem::replace(&mut self.theirs, std::ptr::null_mut())) };
        assert_eq!(outcome(&result), code);
    }
}

impl Drop for Both<'_> {
    fn drop(&mut self) {
        let _ = self.pair;
        // SAFETY: closing nothing does nothing.
        unsafe { ffi::sqlite3_blob_close(self.theirs) };
    }
}

fn with_tables() -> Pair {
    let pair = Pair::new();
    pair.same(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d); INSERT INTO t VALUES (1, 'hello', x'0102030405', 5), (2, NULL, 2.5, 'w');
         INSERT INTO t VALUES (3, zeroblob(100000), 'c', 'd');
         CREATE TABLE g(a, b AS (a + 1)); INSERT INTO g(a) VALUES (1); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
         CREATE VIEW v AS SELECT 1 AS x; CREATE INDEX i ON t(c); CREATE TABLE p(x PRIMARY KEY);
         CREATE TABLE ch(x REFERENCES p, y); INSERT INTO ch VALUES (NULL, 'yy'); CREATE TEMP TABLE tt(a); INSERT INTO tt VALUES ('temporary');",
    );
    pair
}

#[test]
fn what_cannot_be_opened() {
    let pair = with_tables();
    for (database, table, column, rowid, writable) in [
        ("main", "t", "nope", 1, false),
        ("main", "nope", "b", 1, false),
        ("nodb", "t", "b", 1, false),
        ("temp", "t", "b", 1, false),
        ("main", "g", "a", 1, false),
        ("main", "w", "v", 1, false),
        ("main", "v", "x", 1, false),
        ("main", "t", "b", 2, false),
        ("main", "t", "c", 2, false),
        ("main", "t", "d", 1, false),
        ("main", "t", "a", 1, false),
        ("main", "t", "b", 9, false),
        ("main", "t", "c", 1, true),
        ("main", "ch", "x", 1, true),
    ] {
        Both::open(&pair, database, table, column, rowid, writable);
    }
    pair.same("PRAGMA foreign_keys = ON");
    Both::open(&pair, "main", "ch", "x", 1, true);
    pair.same("INSERT INTO t VALUES (4, 1, 2, 3); BEGIN; COMMIT; SELECT count(*) FROM t");
}

#[test]
fn reading_and_writing() {
    let pair = with_tables();
    let mut b = Both::open(&pair, "main", "t", "b", 1, true);
    assert_eq!(b.read(5, 0), b"hello");
    b.read(6, 0);
    b.read(1, 5);
    b.read(0, 5);
    b.write(b"HE", 0);
    b.write(b"too long", 0);
    pair.same("SELECT b, typeof(b) FROM t WHERE a < 3; SELECT a FROM t WHERE b = 'HEllo'");
    b.reopen(3);
    b.write(b"far inside", 70_000);
    b.write(&[7; 20_000], 1000);
    assert_eq!(b.read(12, 69_999), b"\0far inside\0");
    b.close();
    pair.same("SELECT hex(substr(b, 990, 30)), hex(substr(b, 20990, 30)), length(b), substr(b, 70001, 10) FROM t WHERE a = 3; PRAGMA integrity_check");
    let mut b = Both::open(&pair, "temp", "tt", "a", 1, false);
    assert_eq!(b.read(9, 0), b"temporary");
    b.write(b"x", 0);
    b.close();
}

#[test]
fn a_failed_reopen_ends_the_handle() {
    let pair = with_tables();
    let mut b = Both::open(&pair, "main", "t", "b", 1, false);
    b.reopen(2);
    b.read(1, 0);
    b.reopen(1);
    b.close();
}

#[test]
fn a_handle_expires_with_its_row() {
    let pair = with_tables();
    for change in [
        "UPDATE t SET d = 9 WHERE a = 1",
        "UPDATE t SET d = 9 WHERE a = 2",
        "DELETE FROM t WHERE a = 1",
        "DELETE FROM p",
        "REPLACE INTO t VALUES (1, 'other', x'99', 1)",
        "INSERT INTO t(b) VALUES ('more')",
        "DELETE FROM t",
    ] {
        let pair2 = with_tables();
        let mut b = Both::open(&pair2, "main", "t", "b", 1, false);
        pair2.same(change);
        b.read(1, 0);
        b.read(5, 0);
        b.close();
        pair2.same("SELECT count(*) FROM t");
    }
    pair.same("SELECT count(*) FROM t");
}

#[test]
fn transactions_and_handles() {
    let pair = with_tables();
    let mut b = Both::open(&pair, "main", "t", "b", 1, true);
    b.write(b"12345", 0);
    pair.same("BEGIN; INSERT INTO p VALUES (1); COMMIT; ROLLBACK; SELECT b FROM t WHERE a = 1; SELECT * FROM p;");
    b.read(1, 0);
    b.close();
    pair.same("BEGIN; INSERT INTO p VALUES (8);");
    let mut b = Both::open(&pair, "main", "t", "b", 1, false);
    pair.same("ROLLBACK;");
    b.read(1, 0);
    b.close();
    pair.same("BEGIN");
    let mut b = Both::open(&pair, "main", "t", "b", 1, true);
    b.write(b"inner", 0);
    b.close();
    pair.same("SELECT b FROM t WHERE a = 1; ROLLBACK; SELECT b FROM t WHERE a = 1; DROP TABLE t;");
}
