//! Numbers for the different values of columns, from 0 in the order of their first rows: what groups and DISTINCT tell rows apart by.
//!
//! ```text
//!   one column    integers, and reals that are whole -> IntegerTable     texts -> TextTable     others -> KeySet
//!   two columns   the numbers in each of them, as one integer -> IntegerTable
//!   more          KeySet
//! ```

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_value::{KeyInfo, ValueRef};

use super::hash::{IntegerTable, TextTable};
use super::vector::{INTEGER, TEXT, Vector};
use crate::keyset::{KeySet, whole};

/// The numbers of the values of one column.
pub(crate) struct ColumnNumbers {
    integers: IntegerTable,
    texts: TextTable,
    /// Texts are told apart by their bytes.
    plain_texts: bool,
    others: KeySet,
    /// For each key of `others` its number.
    of_others: Vec<u32>,
    count: u32,
}

impl ColumnNumbers {
    /// No values yet; they compare as column `column` of a key does.
    pub fn new(key: &KeyInfo, column: usize) -> Self {
        let columns: Vec<_> = key.columns.get(column).cloned().into_iter().collect();
        Self {
            integers: IntegerTable::default(),
            texts: TextTable::default(),
            plain_texts: columns.first().is_none_or(|column| column.collation.is_binary()),
            others: KeySet::new(Arc::new(KeyInfo { columns, encoding: key.encoding }), None),
            of_others: Vec::new(),
            count: 0,
        }
    }

    /// How many values there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The number of the value of each row.
    pub fn number(&mut self, vector: &Vector, rows: usize, numbers: &mut Vec<u32>) -> Result<()> {
        numbers.clear();
        if vector.is_only(INTEGER) {
            numbers.extend(vector.words[..rows].iter().map(|&word| {
                let (number, new) = self.integers.number(word as i64, self.count);
                self.count += u32::from(new);
                number
            }));
        } else if self.plain_texts && vector.is_only(TEXT) {
            for &word in &vector.words[..rows] {
                let (number, new) = self.texts.number(vector.span(word), self.count).ok_or_else(too_many)?;
                self.count += u32::from(new);
                numbers.push(number);
            }
        } else {
            for row in 0..rows {
                let number = self.number_any(vector.get(row))?;
                numbers.push(number);
            }
        }
        // Numbers are never so many that adding the next batch could go round.
        if self.count >= u32::MAX / 2 { Err(too_many()) } else { Ok(()) }
    }

    fn number_any(&mut self, value: ValueRef<'_>) -> Result<u32> {
        let integer = match value {
            ValueRef::Integer(i) => Some(i),
            ValueRef::Real(r) => whole(r),
            _ => None,
        };
        let (number, new) = match (integer, value) {
            (Some(i), _) => self.integers.number(i, self.count),
            (None, ValueRef::Text(text)) if self.plain_texts => {
                self.texts.number(text, self.count).ok_or_else(too_many)?
            }
            _ => {
                let (index, new) = self.others.number_of(std::iter::once(value))?;
                if new {
                    self.of_others.push(self.count);
                }
                (self.of_others.get(index).copied().unwrap_or(0), new)
            }
        };
        self.count += u32::from(new);
        Ok(number)
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.integers.memory() + self.texts.memory() + self.others.memory() + self.of_others.capacity() * 4
    }
}

/// The numbers of keys of any number of columns.
pub(crate) struct KeyNumbers {
    kind: Kind,
}

enum Kind {
    One(ColumnNumbers),
    Two { columns: Box<[ColumnNumbers; 2]>, pairs: PairNumbers, of_columns: [Vec<u32>; 2] },
    More { keys: KeySet, count: u32 },
}

impl KeyNumbers {
    /// No keys yet; they have `width` columns, which compare as `key` says.
    pub fn new(key: &Arc<KeyInfo>, width: usize) -> Self {
        let column = |at| ColumnNumbers::new(key, at);
        let kind = match width {
            1 => Kind::One(column(0)),
            2 => Kind::Two {
                columns: Box::new([column(0), column(1)]),
                pairs: PairNumbers::default(),
                of_columns: [Vec::new(), Vec::new()],
            },
            _ => Kind::More { keys: KeySet::new(key.clone(), None), count: 0 },
        };
        Self { kind }
    }

    /// How many keys there are.
    pub fn count(&self) -> u32 {
        match &self.kind {
            Kind::One(column) => column.count(),
            Kind::Two { pairs, .. } => pairs.count,
            Kind::More { count, .. } => *count,
        }
    }

    /// The number of the key of each row.
    pub fn number(&mut self, key: &[&Vector], rows: usize, numbers: &mut Vec<u32>) -> Result<()> {
        match (&mut self.kind, key) {
            (Kind::One(column), [vector]) => column.number(vector, rows, numbers),
            (Kind::Two { columns, pairs, of_columns: [of_a, of_b] }, [x, y]) => {
                let [a, b] = &mut **columns;
                a.number(x, rows, of_a)?;
                b.number(y, rows, of_b)?;
                numbers.clear();
                numbers.extend(of_a.iter().zip(&*of_b).map(|(&a, &b)| pairs.number(a, b)));
                Ok(())
            }
            (Kind::More { keys, count }, key) => {
                numbers.clear();
                for row in 0..rows {
                    let (number, new) = keys.number_of(key.iter().map(|vector| vector.get(row)))?;
                    *count += u32::from(new);
                    numbers.push(number as u32);
                }
                if *count >= u32::MAX / 2 { Err(too_many()) } else { Ok(()) }
            }
            _ => Err(Error::from_code(ResultCode::INTERNAL)),
        }
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        match &self.kind {
            Kind::One(column) => column.memory(),
            Kind::Two { columns, pairs, .. } => {
                columns.iter().map(ColumnNumbers::memory).sum::<usize>() + pairs.memory()
            }
            Kind::More { keys, .. } => keys.memory(),
        }
    }
}

/// The numbers of pairs of numbers.
#[derive(Default)]
pub(crate) struct PairNumbers {
    table: IntegerTable,
    count: u32,
}

impl PairNumbers {
    /// How many pairs there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The number of a pair.
    #[inline]
    pub fn number(&mut self, a: u32, b: u32) -> u32 {
        let (number, new) = self.table.number((u64::from(a) << 32 | u64::from(b)) as i64, self.count);
        self.count += u32::from(new);
        number
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.table.memory()
    }
}

#[cold]
fn too_many() -> Error {
    Error::from_code(ResultCode::NOMEM)
}
