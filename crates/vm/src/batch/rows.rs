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
use turso_program::batch::{BatchRows, Slot};
use turso_value::{Value, ValueRef};

use super::numbering::KeyNumbers;
use super::order::{NumberKind, Numbers, sorted};
use super::vector::Vector;

/// With a limit, at least so many rows are collected before they are cut back.
const FEWEST_KEPT: usize = 1024;

/// See the module's header.
pub(crate) struct Rows {
    plan: BatchRows,
    columns: Vec<Vector>,
    keys: Vec<Vector>,
    count: usize,
    /// DISTINCT: the rows seen.
    seen: Option<KeyNumbers>,
    of_rows: Vec<u32>,
    /// Only so many first rows are wanted.
    keep: Option<usize>,
    /// The rows are the first ones of those seen so far, and the last of them in order is this one.
    last: Option<u32>,
    /// What its first key is as a number.
    last_number: Option<(NumberKind, u64)>,
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
            seen: plan.distinct.then(|| KeyNumbers::new(&plan.equality, plan.columns.len())),
            of_rows: Vec::new(),
            keep,
            last: None,
            last_number: None,
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
        match &mut self.seen {
            Some(seen) => {
                let columns: Vec<&Vector> = self.plan.columns.iter().map(|slot| &slots[slot.index()]).collect();
                pick_new(seen, &columns, rows, &mut self.of_rows, &mut picked)?;
            }
            None => picked.extend(0..rows as u32),
        }
        self.pick_contenders(slots, rows, &mut picked);
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

    /// Of the rows picked those stay that may still be among the first ones.
    pub fn pick_contenders(&self, slots: &[Vector], rows: usize, picked: &mut Vec<u32>) {
        if let Some(last) = self.last {
            self.pick_earlier(last, slots, rows, picked);
        }
    }

    /// The first key of the last row that is kept, where it comes from this slot, is a real number, and rows are in its order.
    pub fn last_real(&self, slot: Slot) -> Option<f64> {
        let ascends = self.plan.order.columns.first().is_some_and(|column| !column.descending);
        match self.keys.first()?.get(self.last? as usize) {
            ValueRef::Real(last) if ascends && self.plan.keys.first() == Some(&slot) => Some(last),
            _ => None,
        }
    }

    /// Of the rows picked those stay that sort before the last one that is kept.
    fn pick_earlier(&self, last: u32, slots: &[Vector], rows: usize, picked: &mut Vec<u32>) {
        let (info, from) = (&*self.plan.order, last as usize);
        let key = |i: usize| self.plan.keys.get(i).map(|slot| &slots[slot.index()]);
        let earlier = |row: u32| {
            let keys = self.keys.iter().zip(&self.plan.keys).enumerate();
            let mut orders = keys
                .map(|(i, (last, slot))| info.compare_values(i, slots[slot.index()].get(row as usize), last.get(from)));
            orders.find(|order| order.is_ne()) == Some(Ordering::Less)
        };
        let Some((numbers, (kind, limit))) =
            key(0).and_then(|key| Numbers::of(key, info, rows)).zip(self.last_number).filter(|(n, l)| n.kind == l.0)
        else {
            picked.retain(|&row| earlier(row));
            return;
        };
        // Nearly all rows are later, and their numbers say so.
        let only = self.plan.keys.len() == 1 && kind.is_exact();
        picked.retain(|&row| match numbers.list[row as usize].cmp(&limit) {
            Ordering::Less => true,
            Ordering::Equal => !only && earlier(row),
            Ordering::Greater => false,
        });
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
        let numbers = self.keys.first().and_then(|key| Numbers::of(key, &self.plan.order, self.count));
        self.last_number = numbers.zip(self.last).and_then(|(n, last)| Some((n.kind, *n.list.get(last as usize)?)));
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
        vectors + self.count * 24 + self.seen.as_ref().map_or(0, KeyNumbers::memory)
    }
}

/// The rows whose values have not come before.
fn pick_new(
    seen: &mut KeyNumbers,
    columns: &[&Vector],
    rows: usize,
    of_rows: &mut Vec<u32>,
    picked: &mut Vec<u32>,
) -> Result<()> {
    let mut next = seen.count();
    seen.number(columns, rows, of_rows)?;
    if next < seen.count() {
        for (row, &number) in of_rows.iter().enumerate() {
            if number == next {
                next += 1;
                picked.push(row as u32);
            }
        }
    }
    Ok(())
}
