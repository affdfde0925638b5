//! Finding keys: from the current leaf where the key lies on it, else from the root.
//!
//! A search ends on the entry with the key, or on a neighbour of the place where it would be; the result says on which
//! side of the key the cursor's entry lies. In an empty tree the cursor is on no entry and the result is `Less`.

use super::cursor::{BTreeCursor, CursorKind, State};
use super::layout::MAX_DEPTH;
use super::probe::{Guesses, IntegerKey, Outcome, compare_short, lower_bound};
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

/// A search of an index.
struct Search<'a> {
    key: Key<'a>,
    info: &'a KeyInfo,
    /// How an entry that is equal as far as the key goes counts; the search ends on it where that is `Equal`.
    on_equal: Ordering,
    /// The key, where it is one that can be guessed by.
    integer: Option<IntegerKey<'a>>,
    guesses: Guesses,
}

impl<'a> Search<'a> {
    fn new(key: Key<'a>, on_equal: Ordering, info: &'a KeyInfo) -> Self {
        let integer = match key {
            Key::Values(values) => IntegerKey::new(values, info),
            Key::Record(..) => None,
        };
        Search { key, info, on_equal, integer, guesses: Guesses::default() }
    }
}

impl BTreeCursor {
    /// Searches a table for a rowid.
    pub fn seek_rowid(&mut self, pager: &mut Pager, rowid: i64) -> Result<SeekResult> {
        if pager.tracks_reads() {
            return self.seek_rowid_noted(pager, rowid);
        }
        self.scan_floor = None;
        self.locate_rowid(pager, rowid)
    }

    /// The search itself, also for a cursor that goes on with its scan afterwards.
    #[inline]
    pub(crate) fn locate_rowid(&mut self, pager: &mut Pager, rowid: i64) -> Result<SeekResult> {
        debug_assert!(self.table);
        match self.level_for(pager, rowid)? {
            Some(at) => {
                self.state = State::Unset;
                self.depth = at;
            }
            None => self.load_root(pager)?,
        }
        loop {
            let level = &self.path[self.depth];
            if level.kind.is_leaf() {
                return if level.count == 0 { Ok(SeekResult::Less) } else { self.search_leaf(rowid) };
            }
            // The first divider not below the rowid: its left child holds rowids up to it.
            let node = level.node(self.geometry.usable)?;
            let mut bounds = (level.above, level.up_to);
            let (index, found) = lower_bound(&node, rowid, &mut bounds)?;
            if found && index > 0 {
                bounds.0 = node.rowid(index - 1)?;
            }
            let child = node.child(index)?;
            self.step_down(pager, child, index)?;
            let below = &mut self.path[self.depth];
            (below.above, below.up_to) = bounds;
        }
    }

    /// The lowest level of the path under which the rowid belongs; `None` where there is no path of the current tree.
    #[inline]
    fn level_for(&mut self, pager: &mut Pager, rowid: i64) -> Result<Option<usize>> {
        if !self.has_path(pager)? || !self.path_holds(pager)? {
            return Ok(None);
        }
        let leaf = &self.path[self.depth];
        if leaf.covers(rowid) {
            return Ok(Some(self.depth));
        }
        if leaf.up_to < leaf.above && leaf.kind.is_leaf() && leaf.count > 0 {
            // The cursor came here by walking: what the leaf holds tells as much as the dividers would.
            let node = leaf.node(self.geometry.usable)?;
            let first = node.rowid(0)?;
            if rowid >= first {
                let rightmost = self.on_rightmost_leaf();
                if rightmost || rowid <= node.rowid(node.count - 1)? {
                    let up_to = if rightmost { i64::MAX } else { node.rowid(node.count - 1)? };
                    let leaf = &mut self.path[self.depth];
                    (leaf.above, leaf.up_to) = (first.saturating_sub(1), up_to);
                    return Ok(Some(self.depth));
                }
            }
        }
        Ok(self.path[..self.depth].iter().rposition(|level| level.covers(rowid)))
    }

    /// Goes to a row by the given rule; false, and on no row, where there is none.
    pub fn seek_table(&mut self, pager: &mut Pager, rowid: i64, op: SeekOp) -> Result<bool> {
        if pager.tracks_reads() {
            return self.seek_table_noted(pager, rowid, op);
        }
        let found = self.seek_rowid(pager, rowid)?;
        self.move_by(pager, found.ordering(), op)
    }

    /// Searches an index: the order of the cursor's entry relative to the key.
    ///
    /// Entries equal to the key, as far as the key goes, count as `on_equal`: with `Greater` the search ends before the
    /// first of them, with `Less` behind the last, with `Equal` on any one.
    pub fn seek_record(&mut self, pager: &mut Pager, key: &[Value], on_equal: Ordering) -> Result<Ordering> {
        if pager.tracks_reads() {
            return self.seek_record_noted(pager, key, on_equal);
        }
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
        if pager.tracks_reads() {
            return self.seek_index_noted(pager, key, on_equal, op);
        }
        let found = self.seek_record(pager, key, on_equal)?;
        self.move_by(pager, found, op)
    }

    pub(super) fn move_by(&mut self, pager: &mut Pager, found: Ordering, op: SeekOp) -> Result<bool> {
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
        self.path_holds(pager)
    }

    /// True when the path, which is that of some state of the tree, is that of the current one.
    #[inline(always)]
    pub(super) fn path_holds(&mut self, pager: &mut Pager) -> Result<bool> {
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
    fn search_leaf(&mut self, rowid: i64) -> Result<SeekResult> {
        let level = &self.path[self.depth];
        let node = level.node(self.geometry.usable)?;
        let (index, found) = lower_bound(&node, rowid, &mut (level.above, level.up_to))?;
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
        let at = self.depth + 1;
        if at < MAX_DEPTH && self.holds(pager, at, child) && self.path[at].count > 0 {
            // An earlier search came by here.
            self.depth = at;
            return Ok(());
        }
        match self.load_child(pager, child, at) {
            Ok(level) => {
                self.depth = at;
                self.put_level(at, level);
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
        if let Key::Values(values) = key
            && let Some(order) = compare_short(&node, i, values, info, &self.geometry)
        {
            return Ok(order);
        }
        self.compare_any(pager, i, key, info)
    }

    /// As [`Self::compare_entry`], whatever the entry looks like.
    #[inline(never)]
    fn compare_any(&mut self, pager: &mut Pager, i: usize, key: Key<'_>, info: &KeyInfo) -> Result<Ordering> {
        let level = &self.path[self.depth];
        let node = level.node(self.geometry.usable)?;
        let cell = node.cell_to_read(i, &self.geometry)?;
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
        let mut search = Search::new(key, on_equal, &info);
        // Searches that lie close together stay on the leaf; where they do not, only every eighth one is tried there.
        if (self.strayed < 4 || self.strayed.is_multiple_of(8))
            && self.usable_leaf(pager)?
            && let Some((low, high)) = self.around_here(pager, &search)?
        {
            self.strayed = 0;
            return self.search_entries(pager, &mut search, low, high);
        }
        self.strayed = self.strayed.wrapping_add(1);
        self.load_root(pager)?;
        loop {
            let level = &self.path[self.depth];
            let count = usize::from(level.count);
            if level.kind.is_leaf() {
                return if count == 0 { Ok(Ordering::Less) } else { self.search_entries(pager, &mut search, 0, count) };
            }
            let (index, found) = self.lower_entry(pager, &mut search, 0, count)?;
            if found {
                return self.rest_on(index as u16, SeekResult::Found).map(SeekResult::ordering);
            }
            let child = self.path[self.depth].node(self.geometry.usable)?.child(index)?;
            self.step_down(pager, child, index)?;
        }
    }

    /// Whether the search for a key ends on the leaf where the cursor is: the entries among which it goes on, where what
    /// follows them is not less than the key.
    ///
    /// Looks at the cursor's entry and its neighbour first, since searches in the order of the index end there.
    fn around_here(&mut self, pager: &mut Pager, search: &Search<'_>) -> Result<Option<(usize, usize)>> {
        let Search { key, info, on_equal, .. } = *search;
        let last = usize::from(self.path[self.depth].count) - 1;
        let here = usize::from(self.path[self.depth].cell).min(last);
        // What compares as equal, where that ends the search, is in the answer and is found again.
        if self.compare_entry(pager, here, key, info)?.then(on_equal).is_lt() {
            if here == last {
                return Ok(self.on_rightmost_leaf().then_some((last + 1, last + 1)));
            }
            if !self.compare_entry(pager, here + 1, key, info)?.then(on_equal).is_lt() {
                return Ok(Some((here + 1, here + 2)));
            }
            if self.compare_entry(pager, last, key, info)?.then(on_equal).is_lt() {
                return Ok(self.on_rightmost_leaf().then_some((last + 1, last + 1)));
            }
            Ok(Some((here + 2, last + 1)))
        } else {
            if here == 0 {
                return Ok(None);
            }
            if self.compare_entry(pager, here - 1, key, info)?.then(on_equal).is_lt() {
                return Ok(Some((here, here + 1)));
            }
            if !self.compare_entry(pager, 0, key, info)?.then(on_equal).is_lt() {
                return Ok(None);
            }
            Ok(Some((1, here)))
        }
    }

    /// Search on the last page of the path, among entries `low..high`, for the first that is not less than the key; and
    /// whether it is one that the search ends on.
    #[inline]
    fn lower_entry(
        &mut self,
        pager: &mut Pager,
        search: &mut Search<'_>,
        mut low: usize,
        mut high: usize,
    ) -> Result<(usize, bool)> {
        let Search { key, info, on_equal, integer, guesses } = search;
        if let Some(integer) = integer {
            guesses.begin_page(integer, high - low);
        }
        while low < high {
            let mut probe = (low + high) / 2;
            let mut short = None;
            if let Key::Values(values) = *key {
                let node = self.path[self.depth].node(self.geometry.usable)?;
                match integer {
                    Some(integer) => {
                        match integer.search(&node, &self.geometry, *on_equal, guesses, &mut low, &mut high) {
                            Outcome::Before => return Ok((low, false)),
                            Outcome::On(at) => return Ok((at, true)),
                            Outcome::Odd(at) => probe = at,
                        }
                    }
                    None => short = compare_short(&node, probe, values, info, &self.geometry),
                }
            }
            let order = match short {
                Some(known) => known,
                None => self.compare_any(pager, probe, *key, info)?,
            };
            match order.then(*on_equal) {
                Ordering::Less => low = probe + 1,
                Ordering::Greater => high = probe,
                Ordering::Equal => return Ok((probe, true)),
            }
        }
        Ok((low, false))
    }

    /// Searches the leaf at the end of the path, among entries `low..high`; what follows is greater.
    fn search_entries(
        &mut self,
        pager: &mut Pager,
        search: &mut Search<'_>,
        low: usize,
        high: usize,
    ) -> Result<Ordering> {
        let (index, found) = self.lower_entry(pager, search, low, high)?;
        let result = if found {
            self.rest_on(index as u16, SeekResult::Found)
        } else if index == usize::from(self.path[self.depth].count) {
            self.rest_on(index as u16 - 1, SeekResult::Less)
        } else {
            self.rest_on(index as u16, SeekResult::Greater)
        };
        result.map(SeekResult::ordering)
    }
}
