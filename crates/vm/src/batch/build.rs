//! The built side of a hash join: rows by the numbers of their keys.
//!
//! ```text
//!   integers, others   key -> its number
//!   starts             [ by key number: where its rows begin in `rows` ]      once all rows have come
//!   rows               [ row numbers, those of a key together, in the order in which they join ]
//!   columns            [ one vector per column that is read: a value for each row number ]
//! ```
//! Rows with NULL in their key join nothing and are not kept.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::batch::BatchBuild;
use turso_value::{Affinity, TextEncoding, Value, ValueRef, compare_in};

use super::hash::IntegerTable;
use super::vector::{INTEGER, NULL, TEXT, Vector};
use crate::keyset::{KeySet, whole};

/// See the module's header.
pub(crate) struct Build {
    plan: Arc<BatchBuild>,
    integers: IntegerTable,
    others: KeySet,
    /// For each key of `others` its number among all keys.
    numbers: Vec<u32>,
    keys: u32,
    /// The number of the key of each row.
    key_of_rows: Vec<u32>,
    starts: Vec<u32>,
    rows: Vec<u32>,
    columns: Vec<Vector>,
    /// No key has two rows.
    pub unique: bool,
    kept: Vec<u32>,
}

/// What is looked up: the number of a key plus one, 0 where there is none.
pub(crate) type Found = u32;

impl Build {
    /// No rows yet.
    pub fn new(plan: &Arc<BatchBuild>) -> Self {
        Self {
            integers: IntegerTable::default(),
            others: KeySet::new(plan.key.clone(), None),
            numbers: Vec::new(),
            keys: 0,
            key_of_rows: Vec::new(),
            starts: Vec::new(),
            rows: Vec::new(),
            columns: vec![Vector::default(); plan.columns.len()],
            unique: true,
            kept: Vec::new(),
            plan: plan.clone(),
        }
    }

    /// Takes in the rows of a batch.
    pub fn add(&mut self, slots: &[Vector], rows: usize) -> Result<()> {
        let plan = self.plan.clone();
        self.kept.clear();
        for row in 0..rows {
            if let Some(number) = self.number(&plan, slots, row)? {
                self.kept.push(row as u32);
                self.key_of_rows.push(number);
            }
        }
        if self.key_of_rows.len() >= u32::MAX as usize {
            return Err(Error::from_code(ResultCode::NOMEM));
        }
        for (column, slot) in self.columns.iter_mut().zip(&plan.columns) {
            column.gather(&slots[slot.index()], &self.kept)?;
        }
        Ok(())
    }

    /// The number of the row's key, a new one where it has not come before; `None` with NULL in it.
    #[inline]
    fn number(&mut self, plan: &BatchBuild, slots: &[Vector], row: usize) -> Result<Option<u32>> {
        if let [slot] = &*plan.keys {
            let integer = match slots[slot.index()].get(row) {
                ValueRef::Null => return Ok(None),
                ValueRef::Integer(i) => Some(i),
                ValueRef::Real(r) => whole(r),
                _ => None,
            };
            if let Some(i) = integer {
                let (number, new) = self.integers.number(i, self.keys);
                self.keys += u32::from(new);
                return Ok(Some(number));
            }
        }
        let key = || plan.keys.iter().map(|slot| slots[slot.index()].get(row));
        if key().any(ValueRef::is_null) {
            return Ok(None);
        }
        let (index, new) = self.others.number_of(key())?;
        if new {
            self.numbers.push(self.keys);
            self.keys += 1;
        }
        Ok(self.numbers.get(index).copied())
    }

    /// All rows have come: brings those of each key together. How many there are.
    pub fn finish(&mut self, encoding: TextEncoding) -> u64 {
        let mut starts = vec![0u32; self.keys as usize + 1];
        for &key in &self.key_of_rows {
            starts[key as usize + 1] += 1;
        }
        self.unique = starts.iter().all(|&count| count <= 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        self.rows = vec![0; self.key_of_rows.len()];
        for (row, &key) in self.key_of_rows.iter().enumerate() {
            let place = &mut next[key as usize];
            self.rows[*place as usize] = row as u32;
            *place += 1;
        }
        self.starts = starts;
        self.key_of_rows = Vec::new();
        let count = self.rows.len() as u64;
        if self.unique || self.plan.order.is_empty() {
            return count;
        }
        let columns = &self.columns;
        let order_of = |a: u32, b: u32| {
            let mut orders = self.plan.order.iter().map(|&column| {
                let vector = &columns[usize::from(column)];
                let (a, b) = (vector.get(a as usize), vector.get(b as usize));
                compare_in(a, b, &turso_value::Collation::Binary, encoding)
            });
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        for key in 0..self.keys as usize {
            let (from, to) = (self.starts[key] as usize, self.starts[key + 1] as usize);
            if to - from > 1 {
                self.rows[from..to].sort_by(|&a, &b| order_of(a, b));
            }
        }
        count
    }

    /// For each row the number of its key plus one as an integer, 0 where no row of the built side has the key.
    pub fn look_up(&mut self, keys: &[(&Vector, Affinity)], rows: usize, out: &mut Vector) -> Result<()> {
        out.clear();
        let mut converted: Vec<Option<Vector>> = Vec::with_capacity(keys.len());
        for (vector, affinity) in keys {
            converted.push(convert(vector, *affinity, rows)?);
        }
        let keys: Vec<&Vector> =
            keys.iter().zip(&converted).map(|((key, _), copy)| copy.as_ref().unwrap_or(key)).collect();
        out.classes = INTEGER;
        out.tags.resize(rows, INTEGER);
        out.words.reserve(rows);
        if let [key] = &*keys
            && key.is_only(INTEGER)
        {
            let table = &self.integers;
            out.words
                .extend(key.words[..rows].iter().map(|&word| table.find(word as i64).map_or(0, |n| u64::from(n) + 1)));
            return Ok(());
        }
        for row in 0..rows {
            let found = self.find(&keys, row);
            out.words.push(found.map_or(0, |number| u64::from(number) + 1));
        }
        Ok(())
    }

    #[inline]
    fn find(&mut self, keys: &[&Vector], row: usize) -> Option<u32> {
        if let [key] = keys {
            let integer = match key.get(row) {
                ValueRef::Null => return None,
                ValueRef::Integer(i) => Some(i),
                ValueRef::Real(r) => whole(r),
                _ => None,
            };
            if let Some(i) = integer {
                return self.integers.find(i);
            }
        }
        let values = || keys.iter().map(|key| key.get(row));
        if values().any(ValueRef::is_null) {
            return None;
        }
        let index = self.others.find_of(values())?;
        self.numbers.get(index).copied()
    }

    /// The rows that join a key that was found, in their order.
    #[inline]
    pub fn rows_of(&self, found: Found) -> &[u32] {
        let key = found as usize;
        match (key.checked_sub(1).and_then(|key| self.starts.get(key)), self.starts.get(key)) {
            (Some(&from), Some(&to)) => self.rows.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// A column's values in these rows; NULL for [`NO_ROW`].
    pub fn take(&self, column: u16, rows: &[u32], out: &mut Vector) -> Result<()> {
        out.clear();
        let Some(from) = self.columns.get(usize::from(column)) else { return Ok(()) };
        if !rows.contains(&NO_ROW) {
            return out.gather(from, rows);
        }
        for &row in rows {
            // (Past the end of the column, where this row is, everything is NULL.)
            out.push(from.get(row as usize))?;
        }
        Ok(())
    }

    /// About how many bytes of memory the rows take.
    pub fn memory(&self) -> usize {
        let columns: usize = self.columns.iter().map(Vector::memory).sum();
        let lists = self.numbers.capacity() + self.key_of_rows.capacity() * 3 + self.rows.capacity() * 2;
        columns + lists * 4 + self.integers.memory() + self.others.memory()
    }
}

/// A row of an outer join that joins nothing.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// The key with its affinity applied, where that may change anything.
fn convert(key: &Vector, affinity: Affinity, rows: usize) -> Result<Option<Vector>> {
    let same = match affinity {
        Affinity::None | Affinity::Blob => true,
        Affinity::Text => key.is_only(TEXT | NULL),
        Affinity::Numeric | Affinity::Integer | Affinity::FlexNum => key.is_only(INTEGER | NULL),
        // (An integer and the real that is equal to it are one key, but not every integer has one.)
        Affinity::Real => false,
    };
    if same {
        return Ok(None);
    }
    let (mut copy, mut value) = (Vector::default(), Value::Null);
    for row in 0..rows {
        value.assign(key.get(row));
        affinity.apply(&mut value);
        copy.push(value.as_ref())?;
    }
    Ok(Some(copy))
}
