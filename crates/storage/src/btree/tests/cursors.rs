//! Several cursors on one tree: positions after changes by others, with SQLite's rules for rows that went away.

use super::harness::{Db, Random, record};
use crate::btree::{BTreeCursor, InsertHint, SeekResult};
use crate::pager::Pager;
use std::collections::BTreeSet;
use turso_value::Value;

fn row(len: usize) -> Vec<u8> {
    record(&[Value::Null, Value::blob(vec![1; len])])
}

fn entry(key: i64, len: usize) -> Vec<u8> {
    record(&[Value::Integer(key), Value::blob(vec![1; len])])
}

fn key_of(cursor: &mut BTreeCursor, pager: &mut Pager) -> i64 {
    let payload = cursor.full_payload(pager).unwrap().to_vec();
    let mut values = Vec::new();
    turso_value::RecordReader::new(&payload).unwrap().decode_all(turso_value::TextEncoding::Utf8, &mut values).unwrap();
    match values[0] {
        Value::Integer(key) => key,
        _ => panic!("key of another type"),
    }
}

/// A scan while another cursor inserts and deletes around it sees every row that was there all the time exactly once,
/// and no row twice.
fn check_scan(seed: u64, forward: bool, table: bool) {
    let mut random = Random(seed);
    let mut db = Db::new(512, 0);
    let mut writer = if table { db.table_cursor() } else { db.index_cursor() };
    let mut reader = if table { db.table_cursor() } else { db.index_cursor() };
    let pager = &mut db.pager;
    let put = |writer: &mut BTreeCursor, pager: &mut Pager, key: i64, len: usize| {
        if table {
            writer.insert_row(pager, key, row(len)[..].into(), InsertHint::Seek).unwrap();
        } else {
            writer
                .insert_record(pager, entry(key, len)[..].into(), Some(&[Value::Integer(key)]), InsertHint::Seek)
                .unwrap();
        }
    };
    for key in 0..400 {
        put(&mut writer, pager, key, random.below(120) as usize);
    }
    let mut steady: BTreeSet<i64> = (0..400).collect();
    let mut seen = Vec::new();
    let mut more = if forward { reader.first(pager) } else { reader.last(pager) }.unwrap();
    while more {
        let at = if table { reader.rowid() } else { key_of(&mut reader, pager) };
        seen.push(at);
        for _ in 0..random.below(4) {
            let key = at - 6 + random.below(13) as i64;
            reader.save_position(pager).unwrap();
            if random.below(2) == 0 {
                // Also replaces, with another length.
                put(&mut writer, pager, key, random.below(400) as usize);
            } else {
                let found = if table {
                    writer.seek_rowid(pager, key).unwrap() == SeekResult::Found
                } else {
                    writer.seek_record(pager, &[Value::Integer(key)], std::cmp::Ordering::Equal).unwrap().is_eq()
                        && writer.is_valid()
                };
                if found {
                    writer.delete(pager).unwrap();
                    steady.remove(&key);
                }
            }
        }
        more = if forward { reader.next(pager) } else { reader.prev(pager) }.unwrap();
    }
    if !forward {
        seen.reverse();
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {seen:?}");
    let seen: BTreeSet<i64> = seen.into_iter().collect();
    let missed: Vec<_> = steady.difference(&seen).collect();
    assert!(missed.is_empty(), "seed {seed}: missed {missed:?}");
    db.ask_sqlite("scan with a writer");
}

#[test]
fn a_scan_keeps_its_place_while_another_cursor_writes() {
    for seed in 1..12 {
        for forward in [true, false] {
            check_scan(seed * 13, forward, true);
            check_scan(seed * 17, forward, false);
        }
    }
}

#[test]
fn deleting_while_scanning_with_one_cursor_removes_everything() {
    for forward in [true, false] {
        let mut db = Db::new(512, 0);
        let (mut t, mut w) = (db.table_cursor(), db.index_cursor());
        let pager = &mut db.pager;
        for i in 0..500 {
            t.insert_row(pager, i, row(i as usize % 700)[..].into(), InsertHint::Seek).unwrap();
            w.insert_record(pager, entry(i, i as usize % 300)[..].into(), None, InsertHint::Seek).unwrap();
        }
        for cursor in [&mut t, &mut w] {
            let mut deleted = 0;
            let mut more = if forward { cursor.first(pager) } else { cursor.last(pager) }.unwrap();
            while more {
                cursor.delete(pager).unwrap();
                assert!(!cursor.refresh(pager).unwrap());
                deleted += 1;
                more = if forward { cursor.next(pager) } else { cursor.prev(pager) }.unwrap();
            }
            assert_eq!(deleted, 500);
        }
        assert_eq!(db.ask_sqlite("after deleting all"), (0, 0));
    }
}

#[test]
fn updating_every_row_in_place_visits_each_once() {
    let mut db = Db::new(512, 0);
    let mut w = db.index_cursor();
    let pager = &mut db.pager;
    for i in 0..300 {
        w.insert_record(pager, entry(i, 10)[..].into(), None, InsertHint::Seek).unwrap();
    }
    let mut visited = 0;
    let mut more = w.first(pager).unwrap();
    while more {
        let key = key_of(&mut w, pager);
        assert_eq!(key, visited);
        let longer = entry(key, 10 + (key as usize * 7) % 600);
        w.insert_record(pager, longer[..].into(), Some(&[Value::Integer(key)]), InsertHint::Seek).unwrap();
        visited += 1;
        more = w.next(pager).unwrap();
    }
    assert_eq!(visited, 300);
    assert_eq!(db.ask_sqlite("after updates"), (0, 300));
}

#[test]
fn a_rollback_leaves_cursors_usable() {
    let mut db = Db::new(512, 0);
    let (mut reader, mut writer) = (db.table_cursor(), db.table_cursor());
    let pager = &mut db.pager;
    for i in 0..200 {
        writer.insert_row(pager, i, row(50)[..].into(), InsertHint::Append).unwrap();
    }
    assert_eq!(reader.seek_rowid(pager, 100).unwrap(), SeekResult::Found);
    let depth = pager.open_savepoint();
    for i in 50..150 {
        if writer.seek_rowid(pager, i).unwrap() == SeekResult::Found {
            writer.delete(pager).unwrap();
        }
    }
    assert!(!reader.refresh(pager).unwrap());
    pager.rollback_to_savepoint(depth);
    // Its row is back, and so is the cursor.
    assert!(reader.refresh(pager).unwrap());
    assert_eq!(reader.rowid(), 100);
    assert_eq!(writer.count(pager).unwrap(), 200);
}

#[test]
fn payloads_can_be_overwritten_in_place() {
    let mut random = Random(5);
    let mut db = Db::new(512, 0);
    let mut t = db.table_cursor();
    let mut expected = row(5000);
    t.insert_row(&mut db.pager, 1, expected[..].into(), InsertHint::Seek).unwrap();
    for _ in 0..200 {
        // The record's header stays as it is.
        let at = 10 + random.below(4800) as usize;
        let len = (random.below(1500) as usize).min(expected.len() - at);
        let bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        t.overwrite_payload(&mut db.pager, at as u32, &bytes).unwrap();
        expected[at..at + len].copy_from_slice(&bytes);
        assert_eq!(t.full_payload(&mut db.pager).unwrap(), expected);
    }
    let past = expected.len() as u32;
    assert!(t.overwrite_payload(&mut db.pager, past, &[1]).is_err());
    assert_eq!(db.ask_sqlite("after overwriting"), (1, 0));
}

#[test]
fn a_row_that_shrinks_stays_in_its_place_and_leaves_what_sqlite_counts_as_free() {
    for step in 1..=9 {
        let mut db = Db::new(1024, 0);
        let mut cursor = db.table_cursor();
        for i in 0..400 {
            cursor.insert_row(&mut db.pager, i, row(60)[..].into(), InsertHint::Append).unwrap();
        }
        // Each time less, then more again: fragments and freeblocks come and go.
        for len in (20..60).rev().step_by(step).chain([61, 40, 63]) {
            for i in 0..400 {
                assert_eq!(cursor.seek_rowid(&mut db.pager, i).unwrap(), SeekResult::Found);
                cursor.insert_row(&mut db.pager, i, row(len)[..].into(), InsertHint::AtSeek).unwrap();
                assert_eq!((cursor.rowid(), cursor.local_payload()), (i, &row(len)[..]));
            }
        }
        assert_eq!(db.ask_sqlite(&format!("shrinking by {step}")), (400, 0));
    }
}

#[test]
fn a_cursor_that_was_reset_goes_on_where_it_was_unless_somebody_has_written() {
    let mut db = Db::new(512, 0);
    let (mut cursor, mut other) = (db.table_cursor(), db.table_cursor());
    let root = cursor.root();
    for i in 0..2000 {
        cursor.insert_row(&mut db.pager, 2 * i, row(30)[..].into(), InsertHint::Seek).unwrap();
        cursor.reset();
        cursor.set_root(root);
        match i % 7 {
            0 => drop(other.insert_row(&mut db.pager, 2 * i - 1, row(30)[..].into(), InsertHint::Seek)),
            1 => {
                assert_eq!(other.seek_rowid(&mut db.pager, i / 2 * 2).unwrap(), SeekResult::Found);
                other.insert_row(&mut db.pager, i / 2 * 2, row(200)[..].into(), InsertHint::Seek).unwrap();
            }
            2 => {
                assert!(cursor.last(&mut db.pager).unwrap());
                assert_eq!(cursor.rowid(), 2 * i);
                cursor.reset();
            }
            // A search in the middle, from the leaf that was written.
            3 => assert_eq!(cursor.seek_rowid(&mut db.pager, i / 2 * 2).unwrap(), SeekResult::Found),
            4 => {
                db.pager.commit().unwrap();
                db.pager.begin_write(crate::pager::WriteMode::Reserved).unwrap();
            }
            _ => {}
        }
    }
    assert_eq!(db.ask_sqlite("reset between rows"), (2000 + 286, 0));
}
