//! Transactions that move to a newer commit because nothing that they read by key has changed: what they read may lie on other
//! pages there, and is watched there from then on.

mod support;

use std::path::Path;
use std::sync::Arc;

use support::*;
use turso_io::{Io, MemoryIo};
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, SeekOp, SeekResult, create_tree};
use turso_storage::*;

const OPTIONS: OpenOptions =
    OpenOptions { read_only: false, create: true, wal: true, page_size: 512, immutable: false };
/// Rows 10, 20, ... of some 40 bytes: a tree with several leaves.
const ROWS: i64 = 60;

/// One transaction that puts rows, with this byte in them.
fn put(pager: &mut Pager, root: PageNo, rowids: impl Iterator<Item = i64>, content: u8) {
    begin(pager);
    let mut cursor = BTreeCursor::new(root, CursorKind::Table);
    for rowid in rowids {
        let mut record = [content; 40];
        record[..2].copy_from_slice(&[2, 12 + 2 * 38]);
        cursor.insert_row(pager, rowid, record[..].into(), InsertHint::Seek).unwrap();
    }
    commit(pager);
    pager.end_read();
}

/// A transaction reads something near the row `key`; others fill the leaf around it, so that it splits, and it moves to that
/// commit. True where it moves to the next one too, which gives the row `changed` another content.
fn moves_twice(key: i64, read: impl Fn(&mut BTreeCursor, &mut Pager), changed: i64) -> bool {
    let io: Arc<dyn Io> = Arc::new(MemoryIo::seeded(1));
    let db = DatabaseFile::open(io, Path::new("/db"), OPTIONS).unwrap();
    let (mut reader, mut writer) = (Pager::open(db.clone()), Pager::open(db));
    begin(&mut writer);
    let root = create_tree(&mut writer, true).unwrap();
    commit(&mut writer);
    writer.end_read();
    put(&mut writer, root, (1..=ROWS).map(|i| 10 * i), 1);
    reader.begin_read().unwrap();
    reader.track_reads();
    let mut cursor = BTreeCursor::new(root, CursorKind::Table);
    read(&mut cursor, &mut reader);
    put(&mut writer, root, (key - 9..key).chain(key + 1..key + 5).chain(key + 11..key + 15), 1);
    assert!(reader.advance_snapshot().unwrap(), "nothing that it read has changed: {key}");
    put(&mut writer, root, [changed].into_iter(), 2);
    let moves = reader.advance_snapshot().unwrap();
    reader.end_read();
    moves
}

#[test]
fn a_row_that_has_come_to_another_leaf_is_watched_there() {
    let read = |key| {
        move |cursor: &mut BTreeCursor, pager: &mut Pager| {
            assert_eq!(cursor.seek_rowid(pager, key).unwrap(), SeekResult::Found);
        }
    };
    let missed: Vec<i64> = (1..ROWS).map(|i| 10 * i).filter(|key| moves_twice(*key, read(*key), *key)).collect();
    assert_eq!(missed, [0; 0]);
}

#[test]
fn a_gap_that_has_come_to_another_leaf_is_watched_there() {
    let read = |key| {
        move |cursor: &mut BTreeCursor, pager: &mut Pager| {
            assert!(cursor.seek_table(pager, key + 5, SeekOp::Ge).unwrap());
            assert_eq!(cursor.rowid(), key + 10);
        }
    };
    let missed = |changed: fn(i64) -> i64| -> Vec<i64> {
        (1..ROWS).map(|i| 10 * i).filter(|key| moves_twice(*key, read(*key), changed(*key))).collect()
    };
    assert_eq!(missed(|key| key + 5), [0; 0]);
    assert_eq!(missed(|key| key + 10), [0; 0]);
}
