use std::cmp::Ordering;
use std::sync::Arc;

use super::Sorter;
use turso_error::{Error, Result};
use turso_io::{Io, MemoryIo, PendingIo};
use turso_storage::TempSpace;
use turso_value::{Collation, KeyColumn, KeyInfo, TextEncoding, Value, encode_record};

/// A small generator, so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn value(&mut self) -> Value {
        match self.next(8) {
            0 => Value::Null,
            1 => Value::Integer(self.next(5) as i64 - 2),
            2 => Value::Integer(i64::MAX - self.next(3) as i64),
            3 => Value::Integer(i64::MIN + self.next(3) as i64),
            4 => Value::Real(
                [0.0, -0.0, 1.5, -2.5, 9.3e18, -9.3e18, f64::INFINITY, 4503599627370497.5][self.next(8) as usize],
            ),
            5 => Value::text(
                ["", "a", "A", "a ", "ab", "Ab  ", "a\0b", "a\0", "abcdefgh", "abcdefghi", "ABCDEFGHJ"]
                    [self.next(11) as usize],
            ),
            6 => Value::blob([&b""[..], b"\0", b"a", b"abcdefghi"][self.next(4) as usize]),
            _ => Value::Integer((1 << 60) + self.next(4) as i64),
        }
    }
}

fn check(key: KeyInfo, rows: usize, keep: usize, seed: u64) {
    check_with(key.clone(), rows, keep, seed, None);
    if seed.is_multiple_of(4) {
        // The same in runs of some records, read back at once and after waiting.
        let memory: Arc<dyn Io> = Arc::new(MemoryIo::new());
        check_with(key.clone(), rows, keep, seed, Some(memory.clone()));
        check_with(key, rows, keep, seed, Some(Arc::new(PendingIo::new(memory))));
    }
}

/// Runs again what is pending.
fn waiting<T>(space: Option<&TempSpace>, mut f: impl FnMut() -> Result<T>) -> T {
    loop {
        match (f(), space) {
            (Err(Error::Pending), Some(space)) => space.wait_blocking().unwrap(),
            (done, _) => return done.unwrap(),
        }
    }
}

fn check_with(key: KeyInfo, rows: usize, keep: usize, seed: u64, io: Option<Arc<dyn Io>>) {
    let space = io.map(|io| TempSpace::new(Some(io), 0));
    let mut random = Random(seed);
    let columns = key.columns.len();
    let key = Arc::new(key);
    let mut expected: Vec<Vec<Value>> = Vec::new();
    let mut sorter = Sorter::new(key.clone(), keep, space.clone());
    if space.is_some() {
        sorter.share.set_room(700);
    }
    for i in 0..rows {
        let mut row: Vec<Value> = (0..columns).map(|_| random.value()).collect();
        row.push(Value::Integer(i as i64));
        let mut record = Vec::new();
        encode_record(&row, TextEncoding::Utf8, &mut record);
        let misses = sorter.misses(&row).unwrap();
        let (count, end) = (sorter.entries.len(), sorter.arena.len());
        if i % 2 == 0 {
            sorter.insert(&record).unwrap();
        } else {
            sorter.insert_values(&row, TextEncoding::Utf8, 1000, &mut Vec::new()).unwrap();
        }
        assert!(
            space.is_some() || misses == ((sorter.entries.len(), sorter.arena.len()) == (count, end)),
            "row {i}: {row:?}"
        );
        expected.push(row);
    }
    expected.sort_by(|a, b| {
        (0..columns)
            .map(|i| key.compare_values(i, a[i].as_ref(), b[i].as_ref()))
            .find(|o| *o != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    if keep > 0 {
        expected.truncate(keep);
    }
    let mut found = Vec::new();
    assert!(keep > 0 || sorter.external.is_some() == space.is_some());
    let space = space.as_deref();
    // The first row is looked at twice.
    waiting(space, || sorter.sort());
    if seed.is_multiple_of(8) && rows > 1 && keep != 1 {
        waiting(space, || sorter.next());
    }
    let mut more = waiting(space, || sorter.sort());
    while more {
        let mut row = vec![Value::Null; columns + 1];
        for (i, slot) in row.iter_mut().enumerate() {
            assert!(sorter.column(i, TextEncoding::Utf8, slot).unwrap());
        }
        found.push(row);
        more = waiting(space, || sorter.next());
    }
    assert_eq!(found, expected, "seed {seed} keep {keep} key {key:?}");
}

fn key(columns: &[(Collation, bool, bool)]) -> KeyInfo {
    let columns = columns
        .iter()
        .map(|(collation, descending, nulls_big)| KeyColumn {
            collation: collation.clone(),
            descending: *descending,
            nulls_big: *nulls_big,
        })
        .collect();
    KeyInfo { columns, encoding: TextEncoding::Utf8 }
}

#[test]
fn sorts_like_a_stable_sort_by_the_key() {
    for seed in 1..40 {
        for collation in [Collation::Binary, Collation::NoCase, Collation::RTrim] {
            for descending in [false, true] {
                for nulls_big in [false, true] {
                    let one = (collation.clone(), descending, nulls_big);
                    check(key(std::slice::from_ref(&one)), 200, 0, seed);
                    check(key(&[one.clone(), (Collation::Binary, !descending, false)]), 100, 0, seed);
                    check(key(&[one]), 200, 1 + (seed as usize * 7) % 50, seed);
                }
            }
        }
    }
}

#[test]
fn many_rows_are_sorted_by_digits() {
    for seed in 1..6 {
        for descending in [false, true] {
            for nulls_big in [false, true] {
                let one = (Collation::NoCase, descending, nulls_big);
                check(key(std::slice::from_ref(&one)), 1500, 0, seed);
                check(key(&[one, (Collation::Binary, !descending, false)]), 1500, 0, seed);
            }
        }
    }
}

#[test]
fn integers_alone_are_sorted_by_prefix() {
    let mut random = Random(77);
    for range in [1, 3, 100, 1 << 20, 1 << 49] {
        let mut sorter = Sorter::new(Arc::new(KeyInfo::binary(1)), 0, None);
        let mut expected = Vec::new();
        for i in 0..3000 {
            let value = random.next(range) as i64 - range as i64 / 2;
            sorter
                .insert_values(&[Value::Integer(value), Value::Integer(i)], TextEncoding::Utf8, 100, &mut Vec::new())
                .unwrap();
            expected.push((value, i));
        }
        assert!(sorter.exact);
        expected.sort();
        assert!(sorter.sort().unwrap());
        for row in expected {
            let (mut key, mut number) = (Value::Null, Value::Null);
            sorter.column(0, TextEncoding::Utf8, &mut key).unwrap();
            sorter.column(1, TextEncoding::Utf8, &mut number).unwrap();
            assert_eq!((key, number), (Value::Integer(row.0), Value::Integer(row.1)));
            sorter.next().unwrap();
        }
    }
}

#[test]
fn a_bound_keeps_the_arena_small() {
    let mut sorter = Sorter::new(Arc::new(KeyInfo::binary(1)), 10, None);
    for i in (0..100_000).rev() {
        let mut record = Vec::new();
        encode_record(
            &[Value::Integer(i), Value::text("some text to make it longer")],
            TextEncoding::Utf8,
            &mut record,
        );
        sorter.insert(&record).unwrap();
    }
    assert!(sorter.arena.len() < 100_000, "{}", sorter.arena.len());
    assert!(sorter.sort().unwrap());
    let mut value = Value::Null;
    for i in 0..10 {
        sorter.column(0, TextEncoding::Utf8, &mut value).unwrap();
        assert_eq!(value, Value::Integer(i));
        assert_eq!(sorter.next().unwrap(), i < 9);
    }
}

#[test]
fn an_empty_sorter_has_no_first_record() {
    let mut sorter = Sorter::new(Arc::new(KeyInfo::binary(1)), 0, None);
    assert!(!sorter.sort().unwrap());
    assert!(sorter.record().is_err());
}

#[test]
fn more_runs_than_can_be_merged_at_once_become_longer_ones() {
    let space = TempSpace::new(Some(Arc::new(PendingIo::new(Arc::new(MemoryIo::new())))), 0);
    let mut sorter = Sorter::new(Arc::new(KeyInfo::binary(1)), 0, Some(space.clone()));
    sorter.share.set_room(100);
    let long = "x".repeat(100_000);
    let mut random = Random(5);
    let mut expected = Vec::new();
    for i in 0..1200 {
        let (value, tail) = (random.next(300) as i64, if i % 97 == 0 { long.as_str() } else { "" });
        let row = [Value::Integer(value), Value::Integer(i), Value::text(tail)];
        sorter.insert_values(&row, TextEncoding::Utf8, 1 << 20, &mut Vec::new()).unwrap();
        expected.push((value, i, tail.len()));
    }
    expected.sort();
    let mut more = waiting(Some(&space), || sorter.sort());
    for row in expected {
        let mut values = [Value::Null, Value::Null, Value::Null];
        for (i, value) in values.iter_mut().enumerate() {
            sorter.column(i, TextEncoding::Utf8, value).unwrap();
        }
        let [Value::Integer(key), Value::Integer(number), Value::Text(tail)] = values else { panic!("{values:?}") };
        assert!(more);
        assert_eq!((key, number, tail.len()), row);
        more = waiting(Some(&space), || sorter.next());
    }
    assert!(!more);
}
