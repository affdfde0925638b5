//! Rows collected: each once (DISTINCT), in an order (ORDER BY), or only the first ones in an order (LIMIT).
//!
//! ```text
//!   columns   one vector per column of the result, a value for each row that is kept
//!   keys      likewise, for the terms of the order
//! ```
//! With a limit, rows are collected to some multiple of it, then cut back to the first ones; from then on rows that sort behind
//! the last of these are not taken in at all.

use std::cmp::Ordering;

use turso_error::{Error, Result, ResultCode};
use turso_program::batch::BatchRows;
use turso_value::{KeyInfo, TextEncoding, Value, ValueRef};

use super::hash::IntegerTable;
use super::vector::{Class, INTEGER, NULL, NUMBER, REAL, TEXT, Vector};
use crate::keyset::{KeySet, whole};

/// With a limit, at least so many rows are collected before they are cut back.
const FEWEST_KEPT: usize = 4096;

/// See the module's header.
pub(crate) struct Rows {
    plan: BatchRows,
    columns: Vec<Vector>,
    keys: Vec<Vector>,
    count: usize,
    /// Rows seen: single values that are integers (or equal to one), and all others.
    integers: IntegerTable,
    seen: KeySet,
    /// Only so many first rows are wanted.
    keep: Option<usize>,
    /// The rows are the first ones of those seen so far, and the last of them in order is this one.
    last: Option<u32>,
    picked: Vec<u32>,
    order: Vec<u32>,
    at: usize,
}

impl Rows {
    /// No rows yet. `keep`: how many first rows are wanted.
    pub fn new(plan: &BatchRows, keep: Option<usize>) -> Self {
        Self {
            columns: vec![Vector::default(); plan.columns.len()],
            keys: vec![Vector::default(); plan.keys.len()],
            count: 0,
            integers: IntegerTable::default(),
            seen: KeySet::new(plan.equality.clone(), None),
            keep,
            last: None,
            picked: Vec::new(),
            order: Vec::new(),
            at: 0,
            plan: plan.clone(),
        }
    }

    /// Takes in a batch.
    pub fn add(&mut self, slots: &[Vector], rows: usize) -> Result<()> {
        let mut picked = std::mem::take(&mut self.picked);
        picked.clear();
        if self.plan.distinct {
            self.pick_new(slots, rows, &mut picked)?;
        } else {
            picked.extend(0..rows as u32);
        }
        if let Some(last) = self.last {
            let info = &*self.plan.order;
            let last: Vec<ValueRef<'_>> = self.keys.iter().map(|key| key.get(last as usize)).collect();
            picked.retain(|&row| {
                let mut orders = last
                    .iter()
                    .zip(&self.plan.keys)
                    .enumerate()
                    .map(|(i, (last, slot))| info.compare_values(i, slots[slot.index()].get(row as usize), *last));
                orders.find(|order| order.is_ne()) == Some(Ordering::Less)
            });
        }
        let result = self.take(slots, &picked);
        self.picked = picked;
        result?;
        match self.keep {
            Some(keep) if !self.plan.keys.is_empty() && self.count >= FEWEST_KEPT.max(keep.saturating_mul(2)) => {
                self.cut_back(keep)
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, slots: &[Vector], picked: &[u32]) -> Result<()> {
        if self.count + picked.len() >= u32::MAX as usize {
            return Err(Error::from_code(ResultCode::NOMEM));
        }
        let columns = self.columns.iter_mut().zip(&self.plan.columns);
        for (to, slot) in columns.chain(self.keys.iter_mut().zip(&self.plan.keys)) {
            to.gather(&slots[slot.index()], picked)?;
        }
        self.count += picked.len();
        Ok(())
    }

    /// The rows whose values have not come before.
    fn pick_new(&mut self, slots: &[Vector], rows: usize, picked: &mut Vec<u32>) -> Result<()> {
        let single = match &*self.plan.columns {
            [slot] => Some(&slots[slot.index()]),
            _ => None,
        };
        for row in 0..rows {
            let integer = match single.map(|vector| vector.get(row)) {
                Some(ValueRef::Integer(i)) => Some(i),
                Some(ValueRef::Real(r)) => whole(r),
                _ => None,
            };
            let new = match integer {
                Some(i) => self.integers.number(i, 0).1,
                None => self.seen.number_of(self.plan.columns.iter().map(|slot| slots[slot.index()].get(row)))?.1,
            };
            if new {
                picked.push(row as u32);
            }
        }
        Ok(())
    }

    /// Only the first rows stay, still in the order in which they came.
    fn cut_back(&mut self, keep: usize) -> Result<()> {
        if keep == 0 {
            self.columns.iter_mut().chain(&mut self.keys).for_each(Vector::clear);
            self.count = 0;
            return Ok(());
        }
        let mut order = sorted(&self.keys, &self.plan.order, self.count);
        order.truncate(keep);
        let Some(&last) = order.last() else { return Ok(()) };
        order.sort_unstable();
        self.last = order.iter().position(|&row| row == last).map(|at| at as u32);
        for vector in self.columns.iter_mut().chain(&mut self.keys) {
            let mut kept = Vector::default();
            kept.gather(vector, &order)?;
            *vector = kept;
        }
        self.count = order.len();
        Ok(())
    }

    /// The rows have an order of their own.
    pub fn sorts(&self) -> bool {
        !self.plan.keys.is_empty()
    }

    /// No further row is wanted.
    pub fn is_full(&self) -> bool {
        self.plan.keys.is_empty() && self.keep.is_some_and(|keep| self.count >= keep)
    }

    /// All rows have come.
    pub fn finish(&mut self) {
        self.at = 0;
        self.order = match self.plan.keys.is_empty() {
            true => (0..self.count as u32).collect(),
            false => sorted(&self.keys, &self.plan.order, self.count),
        };
        if let Some(keep) = self.keep {
            self.order.truncate(keep);
        }
    }

    /// The next row; false when there is none.
    pub fn next(&mut self, dest: &mut [Value]) -> bool {
        let Some(&row) = self.order.get(self.at) else { return false };
        self.at += 1;
        for (dest, column) in dest.iter_mut().zip(&self.columns) {
            dest.assign(column.get(row as usize));
        }
        true
    }

    /// About how many bytes of memory the rows take; sorting them takes as much again for their keys.
    pub fn memory(&self) -> usize {
        let vectors: usize = self.columns.iter().chain(&self.keys).map(Vector::memory).sum();
        vectors + self.count * 24 + self.integers.memory() + self.seen.memory()
    }
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
    let Some((prefixes, exact)) = prefixes(keys, info, count) else {
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.sort_by(|&a, &b| compare_from(0, a, b));
        return order;
    };
    // Where the prefix of the first key is all of it, only the others are left to compare.
    let from = usize::from(exact);
    let mut pairs: Vec<(u64, u32)> = prefixes.into_iter().zip(0..).collect();
    if exact && keys.len() == 1 {
        pairs.sort_unstable();
    } else {
        pairs.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| compare_from(from, a.1, b.1)).then_with(|| a.1.cmp(&b.1))
        });
    }
    pairs.into_iter().map(|(_, row)| row).collect()
}

/// A number for the first key of each row whose order is that of the keys, as far as it goes, and whether equal numbers are equal
/// keys. `None` where values are too different for that.
fn prefixes(keys: &[Vector], info: &KeyInfo, count: usize) -> Option<(Vec<u64>, bool)> {
    const SIGN: u64 = 1 << 63;
    let (key, column) = (keys.first()?, info.columns.first()?);
    if key.classes & NULL != 0 && key.classes & NUMBER != 0 {
        return None;
    }
    let words = key.words.get(..count)?;
    let (mut prefixes, exact): (Vec<u64>, bool) = if key.is_only(INTEGER) {
        (words.iter().map(|&word| word ^ SIGN).collect(), true)
    } else if key.is_only(REAL) {
        // (Both zeros are equal; NaN does not occur.)
        let ordered = |bits: u64| if bits & SIGN != 0 { !bits } else { bits | SIGN };
        (words.iter().map(|&word| ordered(if word == SIGN { 0 } else { word })).collect(), true)
    } else if key.is_only(TEXT | NULL) && column.collation.is_binary() && info.encoding == TextEncoding::Utf8 {
        let nulls_big = column.nulls_big;
        let null = |tag: Class| tag == NULL;
        if nulls_big && key.classes & NULL != 0 {
            return None;
        }
        let prefix = |(&tag, &word): (&Class, &u64)| {
            if null(tag) {
                return 0;
            }
            let text = key.span(word);
            let mut bytes = [0; 8];
            let len = text.len().min(8);
            bytes[..len].copy_from_slice(&text[..len]);
            u64::from_be_bytes(bytes)
        };
        (key.tags.iter().take(count).zip(words).map(prefix).collect(), false)
    } else {
        return None;
    };
    if column.descending {
        prefixes.iter_mut().for_each(|prefix| *prefix = !*prefix);
    }
    Some((prefixes, exact))
}
