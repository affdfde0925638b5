//! Finding keys: from the current leaf where the key lies on it, else from the root.
//!
//! A search ends on the entry with the key, or on a neighbour of the place where it would be; the result says on which
//! side of the key the cursor's entry lies. In an empty tree the cursor is on no entry and the result is `Less`.

use super::cursor::{BTreeCursor, CursorKind, State};
use super::layout::Node;
use crate::pager::Pager;
use std::cmp::Ordering;
use turso_error::{Error, Result};
use turso_value::key::{compare_record, compare_records};
use turso_value::{KeyInfo, Value};

/// Where a search for a rowid has ended: how the cursor's entry compares with the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeekResult {
    /// On the row.
    Found,
    /// On a smaller row, or on none because the table is empty.
    Less,
    /// On a greater row.
    Greater,
}

impl SeekResult {
    /// The same as an ordering of the entry relative to the key.
    pub fn ordering(self) -> Ordering {
        match self {
            SeekResult::Found => Ordering::Equal,
            SeekResult::Less => Ordering::Less,
            SeekResult::Greater => Ordering::Greater,
        }
    }
}

/// The first entry in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeekOp {
    /// The first entry at or after the key.
    Ge,
    /// The first entry after the key; with a prefix key, after all that begin with it.
    Gt,
    /// The last entry at or before the key.
    Le,
    /// The last entry before the key; with a prefix key, before all that begin with it.
    Lt,
}

/// A key to search an index for.
#[derive(Clone, Copy)]
enum Key<'a> {
    Values(&'a [Value]),
    /// A record, of which that many columns count.
    Record(&'a [u8], usize),
}

impl Key<'_> {
    /// How a record compares with the key.
    #[inline]
    fn compare(&self, record: &[u8], info: &KeyInfo) -> Result<Ordering> {
        match self {
            Key::Values(values) => compare_record(record, values, info),
            Key::Record(key, columns) => compare_records(record, key, info, *columns),
        }
    }
}

/// The first cell of a table page whose rowid is not below `rowid`, and whether it is that rowid.
///
/// `bounds` are rowids known to lie around the page's; they become those around the cell found. Rowids are mostly spread
/// evenly, so the first probes go where the rowid should be: each probe of a page that is not in the processor's cache
/// costs two misses. After a few such probes the search halves, whatever the rowids are.
#[inline]
fn lower_bound(node: &Node<'_>, rowid: i64, bounds: &mut (i64, i64)) -> Result<(usize, bool)> {
    const GUESSES: u32 = 4;
    let (mut low, mut high) = (0, node.count);
    let (mut below, mut above) = *bounds;
    let mut probes = 0;
    while low < high {
        let mut probe = (low + high) / 2;
        if probes < GUESSES {
            if probes == 0 && above == i64::MAX {
                probe = high - 1;
            } else if probes <= 1 && below == i64::MIN {
                probe = low;
            } else {
                let span = above.wrapping_sub(below) as u64 as f64;
                let share = rowid.wrapping_sub(below) as u64 as f64 / span;
                probe = (low + (share * (high - low) as f64) as usize).min(high - 1);
            }
            probes += 1;
        }
        let found = node.rowid(probe)?;
        match found.cmp(&rowid) {
            Ordering::Less => {
                low = probe + 1;
                below = found;
            }
            Ordering::Greater => {
                high = probe;
                above = found;
            }
            Ordering::Equal => {
                *bounds = (below, found);
                return Ok((probe, true));
            }
        }
    }
    *bounds = (below, above);
    Ok((low, false))
}

impl BTreeCursor {
    /// Searches a table for a rowid.
    pub fn seek_rowid(&mut self, pager: &mut Pager, rowid: i64) -> Result<SeekResult> {
        debug_assert!(self.table);
        if self.usable_leaf(pager)? {
            let level = &self.path[self.depth];
            let node = level.node(self.geometry.usable)?;
            let last = node.rowid(node.count - 1)?;
            if rowid > last {
                if self.on_rightmost_leaf() {
                    return self.rest_on(node.count as u16 - 1, SeekResult::Less);
                }
            } else {
                let first = node.rowid(0)?;
                if rowid >= first {
                    return self.search_leaf(rowid, (first, last));
                }
            }
        }
        self.load_root(pager)?;
        let mut bounds = (i64::MIN, i64::MAX);
        loop {
            let level = &self.path[self.depth];
            if level.kind.is_leaf() {
                return if level.count == 0 { Ok(SeekResult::Less) } else { self.search_leaf(rowid, bounds) };
            }
            // The first divider not below the rowid: its left child holds rowids up to it.
            let node = level.node(self.geometry.usable)?;
            let (index, _) = lower_bound(&node, rowid, &mut bounds)?;
            let child = node.child(index)?;
            self.step_down(pager, child, index)?;
        }
    }

    /// Goes to a row by the given rule; false, and on no row, where there is none.
    pub fn seek_table(&mut self, pager: &mut Pager, rowid: i64, op: SeekOp) -> Result<bool> {
        let found = self.seek_rowid(pager, rowid)?;
        self.move_by(pager, found.ordering(), op)
    }

    /// Searches an index: the order of the cursor's entry relative to the key.
    ///
    /// Entries equal to the key, as far as the key goes, count as `on_equal`: with `Greater` the search ends before the
    /// first of them, with `Less` behind the last, with `Equal` on any one.
    pub fn seek_record(&mut self, pager: &mut Pager, key: &[Value], on_equal: Ordering) -> Result<Ordering> {
        self.seek_key(pager, Key::Values(key), on_equal)
    }

    /// As [`Self::seek_record`], for a key given as a record.
    pub(crate) fn seek_packed(&mut self, pager: &mut Pager, record: &[u8]) -> Result<Ordering> {
        self.seek_key(pager, Key::Record(record, usize::MAX), Ordering::Equal)
    }

    /// Searches for the entry that a record was, by the columns that make it unique: its other columns may have changed.
    pub(crate) fn seek_same_entry(&mut self, pager: &mut Pager, record: &[u8]) -> Result<Ordering> {
        let columns = match &self.kind {
            CursorKind::Index(info) if !info.columns.is_empty() => info.columns.len(),
            _ => usize::MAX,
        };
        self.seek_key(pager, Key::Record(record, columns), Ordering::Equal)
    }

    /// Goes to an index entry by the given rule; false, and on no entry, where there is none.
    pub fn seek_index(&mut self, pager: &mut Pager, key: &[Value], op: SeekOp) -> Result<bool> {
        let on_equal = match op {
            SeekOp::Ge | SeekOp::Lt => Ordering::Greater,
            SeekOp::Gt | SeekOp::Le => Ordering::Less,
        };
        let found = self.seek_record(pager, key, on_equal)?;
        self.move_by(pager, found, op)
    }

    fn move_by(&mut self, pager: &mut Pager, found: Ordering, op: SeekOp) -> Result<bool> {
        if self.state == State::Unset {
            return Ok(false);
        }
        match (op, found) {
            (SeekOp::Ge, Ordering::Less) | (SeekOp::Gt, Ordering::Less | Ordering::Equal) => self.next(pager),
            (SeekOp::Le, Ordering::Greater) | (SeekOp::Lt, Ordering::Greater | Ordering::Equal) => self.prev(pager),
            _ => Ok(true),
        }
    }

    /// True when the path ends in a leaf with entries that is part of the current tree.
    #[inline]
    fn usable_leaf(&mut self, pager: &mut Pager) -> Result<bool> {
        if !self.path_ok || !self.path[self.depth].kind.is_leaf() || self.path[self.depth].count == 0 {
            return Ok(false);
        }
        if self.epoch != pager.change_epoch() {
            self.adopt_geometry(pager);
            if !self.path_is_current(pager)? {
                self.path_ok = false;
                return Ok(false);
            }
            self.epoch = pager.change_epoch();
        }
        Ok(true)
    }

    #[inline]
    fn rest_on(&mut self, cell: u16, result: SeekResult) -> Result<SeekResult> {
        self.path[self.depth].cell = cell;
        self.arrive()?;
        self.seek_order = result.ordering();
        Ok(result)
    }

    /// Searches the leaf at the end of the path, which is not empty.
    #[inline]
    fn search_leaf(&mut self, rowid: i64, mut bounds: (i64, i64)) -> Result<SeekResult> {
        let node = self.path[self.depth].node(self.geometry.usable)?;
        let (index, found) = lower_bound(&node, rowid, &mut bounds)?;
        if found {
            self.rest_on(index as u16, SeekResult::Found)
        } else if index == node.count {
            self.rest_on(index as u16 - 1, SeekResult::Less)
        } else {
            self.rest_on(index as u16, SeekResult::Greater)
        }
    }

    /// Goes down to child `index` of the page at the end of the path.
    #[inline]
    fn step_down(&mut self, pager: &mut Pager, child: crate::page::PageNo, index: usize) -> Result<()> {
        self.path[self.depth].cell = index as u16;
        let next = self.load_child(pager, child, self.depth + 1);
        match next {
            Ok(level) => {
                self.depth += 1;
                self.path[self.depth] = level;
                Ok(())
            }
            Err(error) => {
                self.path_ok = false;
                Err(error)
            }
        }
    }

    /// The order of entry `i` of the last page of the path relative to the key.
    fn compare_entry(&mut self, pager: &mut Pager, i: usize, key: Key<'_>, info: &KeyInfo) -> Result<Ordering> {
        let level = &self.path[self.depth];
        let node = level.node(self.geometry.usable)?;
        let cell = node.cell(i, &self.geometry)?;
        if !cell.overflows() {
            return key.compare(cell.local(node.bytes), info);
        }
        let mut record = std::mem::take(&mut self.scratch);
        record.clear();
        let read = super::payload::read_whole(pager, node.bytes, &cell, &self.geometry, &mut record);
        let order = read.and_then(|()| key.compare(&record, info));
        self.scratch = record;
        order
    }

    fn seek_key(&mut self, pager: &mut Pager, key: Key<'_>, on_equal: Ordering) -> Result<Ordering> {
        let CursorKind::Index(info) = &self.kind else {
            return Err(Error::corrupt(self.root.0, "record search in a table"));
        };
        let info = info.clone();
        if self.usable_leaf(pager)? {
            let last = usize::from(self.path[self.depth].count) - 1;
            let order = self.compare_entry(pager, last, key, &info)?;
            match order.then(on_equal) {
                Ordering::Less if self.on_rightmost_leaf() => {
                    return self.rest_on(last as u16, SeekResult::Less).map(SeekResult::ordering);
                }
                Ordering::Greater if last > 0 => {
                    let first = self.compare_entry(pager, 0, key, &info)?;
                    if first.then(on_equal) == Ordering::Less {
                        return self.search_entries(pager, key, on_equal, &info, 1, last);
                    }
                }
                _ => {}
            }
        }
        self.load_root(pager)?;
        loop {
            let level = &self.path[self.depth];
            let count = usize::from(level.count);
            if level.kind.is_leaf() {
                return if count == 0 {
                    Ok(Ordering::Less)
                } else {
                    self.search_entries(pager, key, on_equal, &info, 0, count)
                };
            }
            let (mut low, mut high) = (0, count);
            while low < high {
                let middle = (low + high) / 2;
                match self.compare_entry(pager, middle, key, &info)?.then(on_equal) {
                    Ordering::Less => low = middle + 1,
                    Ordering::Greater => high = middle,
                    Ordering::Equal => {
                        return self.rest_on(middle as u16, SeekResult::Found).map(SeekResult::ordering);
                    }
                }
            }
            let child = self.path[self.depth].node(self.geometry.usable)?.child(low)?;
            self.step_down(pager, child, low)?;
        }
    }

    /// Binary search on the leaf at the end of the path, among entries `low..high`; what follows is greater.
    fn search_entries(
        &mut self,
        pager: &mut Pager,
        key: Key<'_>,
        on_equal: Ordering,
        info: &KeyInfo,
        mut low: usize,
        mut high: usize,
    ) -> Result<Ordering> {
        while low < high {
            let middle = (low + high) / 2;
            match self.compare_entry(pager, middle, key, info)?.then(on_equal) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return self.rest_on(middle as u16, SeekResult::Found).map(SeekResult::ordering),
            }
        }
        let result = if low == usize::from(self.path[self.depth].count) {
            self.rest_on(low as u16 - 1, SeekResult::Less)
        } else {
            self.rest_on(low as u16, SeekResult::Greater)
        };
        result.map(SeekResult::ordering)
    }
}
