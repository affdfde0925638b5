//! Searches of an index whose keys are pairs of integers: wherever the probes go, the entry is the one that the order says.

use super::harness::{Db, Random, record};
use crate::btree::{BTreeCursor, CursorKind, InsertHint, SeekOp};
use crate::pager::Pager;
use std::cmp::Ordering;
use std::sync::Arc;
use turso_value::{KeyColumn, KeyInfo, Value};

/// How the first and second columns are spread.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// Few first columns, each with many second ones.
    Crowded,
    /// As many as there are entries.
    Unique,
    /// Powers of two of either sign, up to the ends of the range.
    Skewed,
    /// Some entries have no integer in one of the columns.
    Mixed,
}

fn value(spread: Spread, random: &mut Random, column: usize) -> Value {
    let skewed = |random: &mut Random| {
        let large = i64::MAX >> random.below(63);
        Value::Integer(if random.below(2) == 0 { large } else { -large - 1 })
    };
    match (spread, column) {
        (Spread::Crowded, 0) => Value::Integer(random.below(7) as i64),
        (Spread::Crowded | Spread::Unique, _) => Value::Integer(random.below(100_000) as i64),
        (Spread::Skewed, _) => skewed(random),
        (Spread::Mixed, _) => match random.below(8) {
            0 => Value::Null,
            1 => Value::Real(0.5 + random.below(5) as f64),
            2 => Value::from("text"),
            _ => Value::Integer(random.below(9) as i64),
        },
    }
}

/// SQLite's order of the values that occur here.
fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Integer(_) | Value::Real(_) => 1,
        _ => 2,
    };
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Integer(a), Value::Real(b)) => (*a as f64).total_cmp(b),
        (Value::Real(a), Value::Integer(b)) => a.total_cmp(&(*b as f64)),
        (Value::Real(a), Value::Real(b)) => a.total_cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_keys(a: &[Value], b: &[Value], descending: [bool; 2]) -> Ordering {
    for ((a, b), descending) in a.iter().zip(b).zip(descending) {
        let order = compare(a, b);
        if order != Ordering::Equal {
            return if descending { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

fn current(cursor: &mut BTreeCursor, pager: &mut Pager) -> Vec<Value> {
    let payload = cursor.full_payload(pager).unwrap().to_vec();
    let mut values = Vec::new();
    turso_value::RecordReader::new(&payload).unwrap().decode_all(turso_value::TextEncoding::Utf8, &mut values).unwrap();
    values
}

fn check(spread: Spread, descending: [bool; 2], seed: u64) {
    let mut random = Random(seed);
    let mut db = Db::new(1024, 0);
    let columns = descending.map(|descending| KeyColumn { descending, ..KeyColumn::default() });
    let info = Arc::new(KeyInfo { columns: columns.to_vec(), ..KeyInfo::binary(2) });
    let mut cursor = BTreeCursor::new(db.index, CursorKind::Index(info));
    let pager = &mut db.pager;
    let mut entries: Vec<Vec<Value>> = Vec::new();
    for _ in 0..700 {
        let entry = vec![value(spread, &mut random, 0), value(spread, &mut random, 1)];
        if entries.iter().any(|known| compare_keys(known, &entry, descending) == Ordering::Equal) {
            continue;
        }
        cursor.insert_record(pager, record(&entry)[..].into(), Some(&entry), InsertHint::Seek).unwrap();
        entries.push(entry);
    }
    entries.sort_by(|a, b| compare_keys(a, b, descending));
    for _ in 0..300 {
        let mut key = match random.below(2) {
            0 => entries[random.below(entries.len() as u64) as usize].clone(),
            _ => vec![value(spread, &mut random, 0), value(spread, &mut random, 1)],
        };
        key.truncate(1 + random.below(2) as usize);
        for op in [SeekOp::Ge, SeekOp::Gt, SeekOp::Le, SeekOp::Lt] {
            let order = |entry: &&Vec<Value>| compare_keys(entry, &key, descending);
            let expected = match op {
                SeekOp::Ge => entries.iter().find(|entry| order(entry).is_ge()),
                SeekOp::Gt => entries.iter().find(|entry| order(entry).is_gt()),
                SeekOp::Le => entries.iter().rev().find(|entry| order(entry).is_le()),
                SeekOp::Lt => entries.iter().rev().find(|entry| order(entry).is_lt()),
            };
            let found = cursor.seek_index(pager, &key, op).unwrap().then(|| current(&mut cursor, pager));
            assert_eq!(found.as_ref(), expected, "{spread:?} {descending:?}, seed {seed}: {op:?} {key:?}");
        }
    }
}

#[test]
fn searches_for_integers_end_where_the_order_says() {
    for spread in [Spread::Crowded, Spread::Unique, Spread::Skewed, Spread::Mixed] {
        for descending in [[false, false], [true, false], [false, true]] {
            check(spread, descending, 7);
        }
    }
}
