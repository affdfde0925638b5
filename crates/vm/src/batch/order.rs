//! Sorting rows: the first key of each becomes a number, numbers are sorted, and rows with the same number are sorted by the rest.
//!
//! | key | number | same numbers are |
//! |---|---|---|
//! | integers | the integer, its sign turned round | same keys |
//! | reals | the bits, turned so that they ascend | same keys |
//! | text by its bytes | sixteen bytes; where no text has more than fifteen, the last says how many | same keys in the second case |

use std::cmp::Ordering;

use turso_value::{KeyInfo, TextEncoding};

use super::vector::{INTEGER, NULL, REAL, TEXT, Vector, first_bytes};

const SIGN: u64 = 1 << 63;

/// What the numbers of a key stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberKind {
    Integer,
    Real,
    /// The first eight bytes, and 0 for NULL.
    Text,
}

impl NumberKind {
    /// Equal numbers are equal keys.
    pub fn is_exact(self) -> bool {
        self != NumberKind::Text
    }

    /// What the first key of rows can be turned into; `None` where values are too different for that.
    fn of(key: &Vector, info: &KeyInfo) -> Option<Self> {
        let column = info.columns.first()?;
        let plain_text = column.collation.is_binary() && info.encoding == TextEncoding::Utf8;
        if key.is_only(INTEGER) {
            Some(NumberKind::Integer)
        } else if key.is_only(REAL) {
            Some(NumberKind::Real)
        } else if plain_text && (key.is_only(TEXT) || key.is_only(TEXT | NULL) && !column.nulls_big) {
            Some(NumberKind::Text)
        } else {
            None
        }
    }
}

/// A number for the first key of each row, whose order is that of the keys as far as it goes.
pub(crate) struct Numbers {
    pub kind: NumberKind,
    pub list: Vec<u64>,
}

impl Numbers {
    /// The numbers of `count` rows.
    pub fn of(key: &Vector, info: &KeyInfo, count: usize) -> Option<Self> {
        let kind = NumberKind::of(key, info)?;
        let words = key.words.get(..count)?;
        let mut list: Vec<u64> = match kind {
            NumberKind::Integer => words.iter().map(|&word| word ^ SIGN).collect(),
            NumberKind::Real => words.iter().map(|&word| ascending(word)).collect(),
            NumberKind::Text => {
                let tags = key.tags.iter().take(count);
                tags.zip(words).map(|(&tag, &word)| if tag == NULL { 0 } else { first_bytes(key.span(word)) }).collect()
            }
        };
        if info.columns.first().is_some_and(|column| column.descending) {
            list.iter_mut().for_each(|number| *number = !*number);
        }
        Some(Self { kind, list })
    }
}

/// Bits of a real as a number that ascends with it. Both zeros are equal; NaN does not occur.
#[inline(always)]
fn ascending(bits: u64) -> u64 {
    let bits = if bits == SIGN { 0 } else { bits };
    if bits & SIGN != 0 { !bits } else { bits | SIGN }
}

/// Up to sixteen bytes of each text, and whether equal numbers are equal texts.
fn long_numbers(key: &Vector, descending: bool, count: usize) -> (Vec<(u128, u32)>, bool) {
    let rows = || key.tags.iter().zip(&key.words).take(count);
    let exact = rows().all(|(&tag, &word)| tag == NULL || word as u32 <= 15);
    let number = |(&tag, &word): (&u8, &u64)| -> u128 {
        if tag == NULL {
            return 0;
        }
        let text = key.span(word);
        let high = u128::from(first_bytes(text)) << 64;
        let low = u128::from(first_bytes(text.get(8..).unwrap_or(&[])));
        // (An empty text is more than NULL.)
        if exact { high | low | (text.len() as u128 + 1) } else { high | low }
    };
    let number = |row| if descending { !number(row) } else { number(row) };
    (rows().map(number).zip(0..).collect(), exact)
}

/// The numbers of the rows in the order of their keys; equal ones as they came.
pub(crate) fn sorted(keys: &[Vector], info: &KeyInfo, count: usize) -> Vec<u32> {
    let compare_from = |from: usize, a: u32, b: u32| {
        let mut orders = keys
            .iter()
            .enumerate()
            .skip(from)
            .map(|(i, key)| info.compare_values(i, key.get(a as usize), key.get(b as usize)));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    let first = keys.first();
    match first.and_then(|key| NumberKind::of(key, info)) {
        None => {
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_by(|&a, &b| compare_from(0, a, b));
            order
        }
        Some(NumberKind::Text) => {
            let descending = info.columns.first().is_some_and(|column| column.descending);
            let (mut pairs, exact) = first.map_or((Vec::new(), true), |key| long_numbers(key, descending, count));
            pairs.sort_unstable();
            finish(pairs, exact, keys.len(), compare_from)
        }
        Some(_) => {
            let numbers = first.and_then(|key| Numbers::of(key, info, count));
            let mut pairs = numbers.map_or(Vec::new(), |numbers| numbers.list.into_iter().zip(0..).collect());
            sort_pairs(&mut pairs);
            finish(pairs, true, keys.len(), compare_from)
        }
    }
}

/// Sorts the rows with the same number by what the number leaves open.
fn finish<N: Copy + Eq>(
    mut pairs: Vec<(N, u32)>,
    exact: bool,
    keys: usize,
    compare_from: impl Fn(usize, u32, u32) -> Ordering,
) -> Vec<u32> {
    if !exact || keys > 1 {
        let from = usize::from(exact);
        for same in pairs.chunk_by_mut(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            same.sort_unstable_by(|a, b| compare_from(from, a.1, b.1).then_with(|| a.1.cmp(&b.1)));
        }
    }
    pairs.into_iter().map(|(_, row)| row).collect()
}

/// Fewer pairs are sorted by comparing them.
const FEWEST_COUNTED: usize = 4096;
/// Bits that one pass over the pairs sorts by.
const DIGIT: u32 = 11;
/// More passes take longer than comparing.
const MOST_PASSES: u32 = 4;

/// Sorts pairs whose second parts ascend: by counting, digit by digit, where numbers are close enough together.
fn sort_pairs(pairs: &mut Vec<(u64, u32)>) {
    let numbers = || pairs.iter().map(|pair| pair.0);
    let (Some(least), Some(most)) = (numbers().min(), numbers().max()) else { return };
    let passes = (64 - (most - least).leading_zeros()).div_ceil(DIGIT);
    if pairs.len() < FEWEST_COUNTED || passes > MOST_PASSES {
        pairs.sort_unstable();
        return;
    }
    let mut sorted = vec![(0, 0); pairs.len()];
    for pass in 0..passes {
        let digit = |number: u64| ((number - least) >> (pass * DIGIT)) as usize & ((1 << DIGIT) - 1);
        let mut places = [0u32; 1 << DIGIT];
        pairs.iter().for_each(|pair| places[digit(pair.0)] += 1);
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for &pair in &*pairs {
            let place = &mut places[digit(pair.0)];
            sorted[*place as usize] = pair;
            *place += 1;
        }
        std::mem::swap(pairs, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turso_value::{Collation, KeyColumn, Value};

    /// Rows of two keys, sorted here and by comparing values.
    fn check(first: &[Value], second: impl Fn(usize) -> i64, column: KeyColumn) {
        let info = KeyInfo { columns: vec![column, KeyColumn::default()], encoding: TextEncoding::Utf8 };
        let mut keys = [Vector::default(), Vector::default()];
        for (i, value) in first.iter().enumerate() {
            keys[0].push(value.as_ref()).unwrap();
            keys[1].push(Value::Integer(second(i)).as_ref()).unwrap();
        }
        for width in [1, 2] {
            let mut expected: Vec<u32> = (0..first.len() as u32).collect();
            expected.sort_by(|&a, &b| {
                let compare = |i: usize| info.compare_values(i, keys[i].get(a as usize), keys[i].get(b as usize));
                (0..width).map(compare).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
            assert_eq!(sorted(&keys[..width], &info, first.len()), expected, "{width} keys");
        }
    }

    #[test]
    fn rows_are_sorted_as_values_compare() {
        let mixed = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let short = ["", "a", "a\0", "b", "ab", "word7", "word77", "fifteen letters"];
        let long = ["a text of more than fifteen", "a text of more than sixteen", "a text of more t", "a"];
        let sets: Vec<Vec<Value>> = vec![
            (0..6000).map(|i| Value::Integer((mixed(i) >> 45) as i64 - 70_000)).collect(),
            (0..6000).map(|i| Value::Integer(mixed(i) as i64)).collect(),
            (0..100).map(|i| Value::Integer((mixed(i) % 7) as i64)).collect(),
            (0..5000).map(|i| Value::Real((mixed(i) % 999) as f64 - 500.5)).collect(),
            [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0].map(Value::Real).to_vec(),
            (0..200).map(|i| Value::from(short[mixed(i) as usize % short.len()])).collect(),
            (0..200).map(|i| Value::from(long[mixed(i) as usize % long.len()])).collect(),
            (0..50).map(|i| if i % 3 == 0 { Value::Null } else { Value::from(short[i % short.len()]) }).collect(),
            (0..50).map(|i| if i % 3 == 0 { Value::Null } else { Value::Integer(i % 4) }).collect(),
            vec![Value::Integer(3), Value::from("x"), Value::Null, Value::Real(2.5), Value::blob(*b"x")],
            Vec::new(),
        ];
        for set in &sets {
            for descending in [false, true] {
                for nulls_big in [false, true] {
                    for collation in [Collation::Binary, Collation::NoCase] {
                        let column = KeyColumn { collation, descending, nulls_big };
                        check(set, |i| -(mixed(i as u64) as i64 % 5), column);
                    }
                }
            }
        }
    }
}
