//! Random operations on a table and an index, compared with ordered maps.

use super::harness::{Db, Random, record};
use crate::btree::{BTreeCursor, InsertHint, SeekOp, SeekResult};
use crate::pager::Pager;
use std::collections::BTreeMap;
use turso_value::Value;

/// Payload sizes: mostly small, sometimes around a page, rarely several pages.
fn size(random: &mut Random, page_size: u32) -> usize {
    let n = match random.below(20) {
        0 => random.below(u64::from(page_size) * 4),
        1..=3 => random.below(u64::from(page_size)),
        4..=10 => random.below(100),
        _ => random.below(12),
    };
    n as usize
}

fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    let start = random.next();
    (0..len).map(|i| (start as usize + i) as u8).collect()
}

fn index_key(n: u64, long: usize) -> Value {
    // The key's length depends on the key, so that a key always looks the same.
    let len = if n.is_multiple_of(17) { long } else { (n % 13) as usize };
    let mut key = n.to_be_bytes()[4..].to_vec();
    key.extend(std::iter::repeat_n(n as u8, len));
    Value::blob(key)
}

fn rows(cursor: &mut BTreeCursor, pager: &mut Pager) -> Vec<(i64, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut more = cursor.first(pager).unwrap();
    while more {
        let payload = cursor.full_payload(pager).unwrap().to_vec();
        rows.push((cursor.rowid(), payload));
        more = cursor.next(pager).unwrap();
    }
    rows
}

fn rows_backwards(cursor: &mut BTreeCursor, pager: &mut Pager) -> Vec<(i64, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut more = cursor.last(pager).unwrap();
    while more {
        let payload = cursor.full_payload(pager).unwrap().to_vec();
        rows.push((cursor.rowid(), payload));
        more = cursor.prev(pager).unwrap();
    }
    rows.reverse();
    rows
}

/// `operations` random changes, `batches` times, each batch followed by all comparisons.
fn check_model(page_size: u32, auto_vacuum: u8, seed: u64, batches: usize, operations: usize) {
    let mut random = Random(seed);
    let mut db = Db::new(page_size, auto_vacuum);
    let mut table: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    let mut index: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let (mut t, mut w) = (db.table_cursor(), db.index_cursor());
    let long = page_size as usize;
    for batch in 0..batches {
        let note = format!("page size {page_size} auto_vacuum {auto_vacuum} seed {seed} batch {batch}");
        let growing = batch % 3 != 2;
        let range = 1 + random.below(2000);
        for _ in 0..operations {
            let inserts = random.below(10) < if growing { 7 } else { 2 };
            let pager = &mut db.pager;
            if random.below(2) == 0 {
                let rowid = if inserts && random.below(3) == 0 {
                    table.keys().last().map_or(1, |k| k + 1)
                } else {
                    random.below(range) as i64 - 20
                };
                if inserts {
                    let payload = record(&[
                        Value::Null,
                        Value::blob({
                            let n = size(&mut random, page_size);
                            bytes(&mut random, n)
                        }),
                    ]);
                    t.insert_row(pager, rowid, payload[..].into(), InsertHint::Seek).expect(&note);
                    assert!(t.refresh(pager).unwrap() && t.rowid() == rowid, "{note}");
                    table.insert(rowid, payload);
                } else {
                    let found = t.seek_rowid(pager, rowid).expect(&note) == SeekResult::Found;
                    assert_eq!(found, table.contains_key(&rowid), "{note} rowid {rowid}");
                    if found {
                        t.delete(pager).expect(&note);
                        table.remove(&rowid);
                        assert!(!t.refresh(pager).unwrap(), "{note}");
                        let forward = random.below(2) == 0;
                        let moved = if forward { t.next(pager) } else { t.prev(pager) }.expect(&note);
                        let expected =
                            if forward { table.range(rowid..).next() } else { table.range(..rowid).next_back() };
                        assert_eq!(moved.then(|| t.rowid()), expected.map(|e| *e.0), "{note} after {rowid}");
                    }
                }
            } else {
                let n = random.below(range);
                let key = index_key(n, long);
                let packed = n.to_be_bytes()[4..].to_vec();
                if inserts {
                    let n = size(&mut random, page_size);
                    let payload = record(&[key.clone(), Value::blob(bytes(&mut random, n))]);
                    w.insert_record(pager, payload[..].into(), Some(&[key]), InsertHint::Seek).expect(&note);
                    assert!(w.refresh(pager).expect(&note), "{note}");
                    index.insert(packed, payload);
                } else {
                    let found =
                        w.seek_record(pager, &[key], std::cmp::Ordering::Equal).expect(&note).is_eq() && w.is_valid();
                    assert_eq!(found, index.contains_key(&packed), "{note} key {n}");
                    if found {
                        w.delete(pager).expect(&note);
                        index.remove(&packed);
                        let forward = random.below(2) == 0;
                        let moved = if forward { w.next(pager) } else { w.prev(pager) }.expect(&note);
                        let expected =
                            if forward { index.range(packed..).next() } else { index.range(..packed).next_back() };
                        let got = if moved { Some(w.full_payload(pager).unwrap().to_vec()) } else { None };
                        assert_eq!(got.as_ref(), expected.map(|e| e.1), "{note} after key {n}");
                    }
                }
            }
        }
        let expected: Vec<_> = table.iter().map(|(k, v)| (*k, v.clone())).collect();
        assert!(rows(&mut db.table_cursor(), &mut db.pager) == expected, "{note}");
        assert!(rows_backwards(&mut t, &mut db.pager) == expected, "{note}");
        let expected: Vec<_> = index.values().map(|v| (0, v.clone())).collect();
        assert!(rows(&mut db.index_cursor(), &mut db.pager) == expected, "{note}");
        assert!(rows_backwards(&mut w, &mut db.pager) == expected, "{note}");
        for op in [SeekOp::Ge, SeekOp::Gt, SeekOp::Le, SeekOp::Lt] {
            let probe = random.below(range) as i64;
            let found = t.seek_table(&mut db.pager, probe, op).unwrap().then(|| t.rowid());
            let expected = match op {
                SeekOp::Ge => table.range(probe..).next(),
                SeekOp::Gt => table.range(probe + 1..).next(),
                SeekOp::Le => table.range(..=probe).next_back(),
                SeekOp::Lt => table.range(..probe).next_back(),
            };
            assert_eq!(found, expected.map(|e| *e.0), "{note} {op:?} {probe}");
        }
        assert_eq!(t.count(&mut db.pager).unwrap(), table.len() as u64, "{note}");
        assert_eq!(w.count(&mut db.pager).unwrap(), index.len() as u64, "{note}");
        assert_eq!(db.ask_sqlite(&note), (table.len() as i64, index.len() as i64), "{note}");
    }
}

#[test]
fn random_operations_on_small_pages() {
    for seed in 1..=6 {
        check_model(512, 0, seed * 7919, 6, 400);
    }
}

#[test]
fn random_operations_on_all_page_sizes() {
    for (i, page_size) in [1024, 2048, 4096, 8192, 16384, 32768, 65536].into_iter().enumerate() {
        check_model(page_size, 0, 77 + i as u64, 3, 1000);
    }
}

#[test]
fn random_operations_with_pointer_maps() {
    for seed in 1..=4 {
        check_model(512, 2, seed * 104729, 6, 400);
    }
    check_model(4096, 1, 5, 3, 1000);
}
