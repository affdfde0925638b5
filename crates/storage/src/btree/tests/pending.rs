//! The same operations on a back end where every first touch of a page waits, under a tiny cache, and on a blocking
//! one: the same answers and the same file, byte for byte.

use super::harness::{Db, Random, record};
use crate::btree::{
    BTreeCursor, CursorKind, InsertHint, IntegrityCheck, SeekResult, TreeEraser, auto_vacuum_commit, create_tree,
    drop_tree,
};
use crate::file::{DatabaseFile, OpenOptions};
use crate::page::PageNo;
use crate::pager::{Pager, WriteMode};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use turso_error::Result;
use turso_io::{Io, MemoryIo, PendingIo, ThreadPoolIo};
use turso_value::{KeyInfo, Value};

/// A pager, and how often something had to wait.
struct Runner {
    pager: Pager,
    waited: u64,
}

impl Runner {
    /// Runs one instruction to its end; between instructions pages may go.
    fn run<T>(&mut self, mut f: impl FnMut(&mut Pager) -> Result<T>) -> T {
        let mut tries = 0;
        let waited = &mut self.waited;
        let done = self.pager.block_on(|pager| {
            tries += 1;
            assert!(tries < 10_000, "an instruction that never ends");
            let result = f(pager);
            *waited += u64::from(result.as_ref().is_err_and(|e| e.is_pending()));
            result
        });
        self.pager.unpin();
        self.pager.maybe_spill().unwrap();
        done.unwrap()
    }
}

/// The transcript of a fixed series of operations, and the file after it.
fn transcript(io: Arc<dyn Io>, memory: &MemoryIo, start: &[u8], db: &Db, seed: u64) -> (Vec<String>, Vec<u8>, u64) {
    let path = Path::new("/pending.db");
    memory.set_contents(path, start.to_vec());
    let mut log = Vec::new();
    let mut random = Random(seed);
    let mut waited = 0;
    for round in 0..6 {
        // A new handle has nothing cached.
        let file = DatabaseFile::open(io.clone(), path, OpenOptions::default()).unwrap();
        let mut r = Runner { pager: Pager::open(file), waited: 0 };
        r.pager.set_cache_pages(16);
        // In every other round each dirty page leaves memory behind each instruction.
        r.pager.set_spill_pages(if round % 2 == 0 { 1 } else { 1000 });
        let mut t = BTreeCursor::new(db.table, CursorKind::Table);
        let mut w = BTreeCursor::new(db.index, CursorKind::Index(Arc::new(KeyInfo::binary(1))));
        r.run(|p| p.begin_write(WriteMode::Reserved));
        for _ in 0..60 {
            let n = random.below(400) as i64;
            let len = if random.below(8) == 0 { random.below(6000) } else { random.below(150) } as usize;
            match random.below(6) {
                0 | 1 => {
                    let row = record(&[Value::Null, Value::blob(vec![n as u8; len])]);
                    r.run(|p| t.insert_row(p, n, row[..].into(), InsertHint::Seek));
                    log.push(format!("insert {n} at {}", t.rowid()));
                }
                2 => {
                    let row = record(&[Value::Integer(n), Value::blob(vec![n as u8; len])]);
                    let key = [Value::Integer(n)];
                    r.run(|p| w.insert_record(p, row[..].into(), Some(&key), InsertHint::Seek));
                }
                3 => {
                    if r.run(|p| t.seek_rowid(p, n)) == SeekResult::Found {
                        let mut out = Vec::new();
                        let (at, len) = (t.payload_size() / 2, t.payload_size() / 3);
                        r.run(|p| t.read_payload(p, at, len, &mut out));
                        log.push(format!("part {out:?}"));
                        r.run(|p| t.delete(p));
                        let more = r.run(|p| t.next(p));
                        log.push(format!("deleted {n}, next {more} {}", if more { t.rowid() } else { 0 }));
                    }
                }
                4 => {
                    let key = [Value::Integer(n)];
                    let found = r.run(|p| w.seek_record(p, &key, Ordering::Equal));
                    if found.is_eq() && w.is_valid() {
                        r.run(|p| w.delete(p));
                        let more = r.run(|p| w.prev(p));
                        log.push(format!("deleted key {n}, prev {more}"));
                    }
                }
                _ => {
                    let mut more = r.run(|p| t.seek_table(p, n, crate::btree::SeekOp::Ge));
                    for _ in 0..20 {
                        if !more {
                            break;
                        }
                        let payload = r.run(|p| t.full_payload(p).map(<[u8]>::len));
                        log.push(format!("row {} {payload}", t.rowid()));
                        more = r.run(|p| t.next(p));
                    }
                }
            }
        }
        let extra = r.run(|p| create_tree(p, true));
        let mut x = BTreeCursor::new(extra, CursorKind::Table);
        for i in 0..100 {
            r.run(|p| x.insert_row(p, i, [7u8; 300][..].into(), InsertHint::Append));
        }
        log.push(format!("tree {extra} of {} rows", r.run(|p| x.count(p))));
        r.run(|p| p.commit());
        r.pager.end_read();
        r.run(|p| p.begin_write(WriteMode::Reserved));
        let mut eraser = TreeEraser::new(extra, true);
        let erased = r.run(|p| eraser.run(p));
        let dropped = r.run(|p| drop_tree(p, extra));
        log.push(format!("erased {erased}, {dropped:?}"));
        let mut pages = u32::MAX;
        r.run(|p| auto_vacuum_commit(p, &mut pages));
        let mut check = IntegrityCheck::new(vec![PageNo(1), db.table, db.index], 100);
        r.run(|p| check.run(p));
        log.push(format!("round {round} {:?} {:?}", check.entries(), check.messages()));
        log.push(format!("{} {}", r.run(|p| t.count(p)), r.run(|p| w.count(p))));
        r.run(|p| p.commit());
        r.pager.end_read();
        waited += r.waited;
    }
    (log, memory.contents(path).unwrap(), waited)
}

fn check_pending(page_size: u32, auto_vacuum: u8, seed: u64) {
    let mut db = Db::new(page_size, auto_vacuum);
    let start = db.file();
    let blocking = Arc::new(MemoryIo::seeded(1));
    let (expected, expected_file, none) = transcript(blocking.clone(), &blocking, &start, &db, seed);
    let inner = Arc::new(MemoryIo::seeded(1));
    let pending: Arc<dyn Io> = Arc::new(PendingIo::new(inner.clone()));
    let (log, file, waited) = transcript(pending, &inner, &start, &db, seed);
    assert_eq!(none, 0);
    assert!(waited > 100, "{waited}");
    assert_eq!(log, expected);
    assert!(file == expected_file, "the files differ");
    assert!(log.iter().filter(|line| line.starts_with("round")).all(|line| line.ends_with("[]")), "{log:#?}");
}

#[test]
fn pending_pages_change_nothing() {
    for seed in 1..4 {
        check_pending(512, 0, seed * 31);
        check_pending(512, 1, seed * 37);
    }
    check_pending(4096, 0, 3);
}

/// What a scan has asked for ahead is a number of children, which its parent may have lost when the cursor comes again.
#[test]
fn a_cursor_scans_again_after_its_parents_have_lost_children() {
    let mut db = Db::new(512, 0);
    let mut t = db.table_cursor();
    for i in 0..60 {
        let row = record(&[Value::Null, Value::blob(vec![7u8; 90])]);
        t.insert_row(&mut db.pager, i, row[..].into(), InsertHint::Append).unwrap();
    }
    let path = Path::new("/pending.db");
    let memory = Arc::new(MemoryIo::seeded(1));
    memory.set_contents(path, db.file());
    // (Where every page is to be pending by itself, nothing is asked for ahead.)
    let io: Arc<dyn Io> = Arc::new(ThreadPoolIo::new(memory.clone(), 1));
    let file = DatabaseFile::open(io, path, OpenOptions::default()).unwrap();
    let mut r = Runner { pager: Pager::open(file), waited: 0 };
    r.run(|p| p.begin_write(WriteMode::Reserved));
    let (mut scan, mut t) = (db.table_cursor(), db.table_cursor());
    for kept in [1, 5, 20] {
        for i in (0..60).filter(|i| i % kept != 0) {
            if r.run(|p| t.seek_rowid(p, i)) == SeekResult::Found {
                r.run(|p| t.delete(p));
            }
        }
        let mut seen = Vec::new();
        let mut more = r.run(|p| scan.first(p));
        while more {
            seen.push(scan.rowid());
            more = r.run(|p| scan.next(p));
        }
        assert_eq!(seen, (0..60).step_by(kept as usize).collect::<Vec<i64>>());
    }
}
