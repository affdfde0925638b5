//! A database with one table and one WITHOUT ROWID table, in memory, that can be shown to SQLite.

use crate::btree::{BTreeCursor, CursorKind, InsertHint, create_tree};
use crate::page::PageNo;
use crate::pager::{Pager, WriteMode};
use std::sync::Arc;
use turso_value::{KeyInfo, TextEncoding, Value, encode_record};

/// A small fast generator with a printable seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

pub struct Db {
    pub pager: Pager,
    pub table: PageNo,
    pub index: PageNo,
}

pub fn record(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_record(values, TextEncoding::Utf8, &mut out);
    out
}

impl Db {
    /// `auto_vacuum`: 0 none, 1 full, 2 incremental.
    pub fn new(page_size: u32, auto_vacuum: u8) -> Self {
        let mut pager = Pager::in_memory(page_size);
        pager.set_initial_header(|h| {
            h.schema_format = 4;
            h.text_encoding = 1;
            h.largest_root = u32::from(auto_vacuum > 0);
            h.incremental_vacuum = u32::from(auto_vacuum == 2);
        });
        pager.begin_write(WriteMode::Reserved).unwrap();
        let mut db = Db { pager, table: PageNo(0), index: PageNo(0) };
        db.table = db.create("table", "t", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)", true);
        db.index = db.create("table", "w", "CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID", false);
        db
    }

    /// Creates a tree and its row in the schema table.
    pub fn create(&mut self, kind: &str, name: &str, sql: &str, table: bool) -> PageNo {
        let root = create_tree(&mut self.pager, table).unwrap();
        let row = record(&[
            Value::text(kind),
            Value::text(name),
            Value::text(name),
            Value::Integer(i64::from(root.0)),
            Value::text(sql),
        ]);
        let mut schema = BTreeCursor::new(PageNo::ONE, CursorKind::Table);
        let rowid = if schema.last(&mut self.pager).unwrap() { schema.rowid() + 1 } else { 1 };
        schema.insert_row(&mut self.pager, rowid, row[..].into(), InsertHint::Append).unwrap();
        root
    }

    pub fn table_cursor(&self) -> BTreeCursor {
        BTreeCursor::new(self.table, CursorKind::Table)
    }

    pub fn index_cursor(&self) -> BTreeCursor {
        BTreeCursor::new(self.index, CursorKind::Index(Arc::new(KeyInfo::binary(1))))
    }

    /// The database file as it would be on disk.
    pub fn file(&mut self) -> Vec<u8> {
        self.pager.commit().unwrap();
        let mut bytes = Vec::new();
        for no in 1..=self.pager.page_count() {
            bytes.extend_from_slice(&self.pager.page(PageNo(no)).unwrap());
        }
        self.pager.begin_write(WriteMode::Reserved).unwrap();
        bytes
    }

    /// Asks SQLite whether the database is sound, and for the number of rows in both tables.
    pub fn ask_sqlite(&mut self, note: &str) -> (i64, i64) {
        static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("turso-btree-{}-{id}.db", std::process::id()));
        std::fs::write(&path, self.file()).unwrap();
        let sqlite = rusqlite::Connection::open(&path).unwrap();
        let mut statement = sqlite.prepare("PRAGMA integrity_check").unwrap();
        let lines: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        if lines != ["ok"] {
            let kept = std::env::temp_dir().join("turso-btree-failed.db");
            let _ = std::fs::rename(&path, &kept);
            panic!("{note}: {}: {}", kept.display(), lines.join("\n"));
        }
        let counts = (
            sqlite.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap(),
            sqlite.query_row("SELECT count(*) FROM w", [], |row| row.get(0)).unwrap(),
        );
        let _ = std::fs::remove_file(&path);
        counts
    }
}

/// A pager over the bytes of a database file, sound or not.
pub fn pager_over(file: &[u8], page_size: u32) -> Pager {
    let mut pager = Pager::in_memory(page_size);
    pager.begin_write(WriteMode::Reserved).unwrap();
    for (i, bytes) in file.chunks_exact(page_size as usize).enumerate() {
        if i > 0 {
            pager.append_page();
        }
        pager.edit(PageNo(i as u32 + 1)).copy_from_slice(bytes);
    }
    let header = crate::format::DatabaseHeader::decode(file).unwrap();
    pager.edit_header(|h| *h = header);
    pager
}
