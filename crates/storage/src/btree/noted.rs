//! Searches and steps under a transaction whose reads are noted: by key, as far as that goes, not by page.
//!
//! A search begins a span of keys and each step extends it; meanwhile the pages of the path go unnoted. Whatever else is done with
//! a cursor that holds such pages begins by noting them ([`BTreeCursor::tell_pages`]): from there on its reads are noted by page.
//! What is written is no read: conflicts of rows are found when the changes are replayed.

use std::cmp::Ordering;

use super::cursor::{BTreeCursor, State};
use super::seek::{SeekOp, SeekResult};
use crate::page::PageNo;
use crate::pager::Pager;
use crate::pager::{End, Range, SpanId};
use turso_error::Result;
use turso_value::Value;

impl BTreeCursor {
    /// Runs something whose pages go unnoted.
    #[cold]
    pub(crate) fn quietly<T>(
        &mut self,
        pager: &mut Pager,
        run: impl FnOnce(&mut Self, &mut Pager) -> Result<T>,
    ) -> Result<T> {
        pager.read_quietly(true);
        self.unnoted = false;
        let outcome = run(self, pager);
        self.unnoted = true;
        pager.read_quietly(false);
        outcome
    }

    /// From now on what this cursor reads is noted by page, and so is what it holds.
    #[cold]
    pub(crate) fn tell_pages(&mut self, pager: &mut Pager) {
        for level in self.path[..=self.deepest].iter().filter(|level| level.page.is_some()) {
            pager.note_read(level.no);
        }
        self.unnoted = false;
        self.span = SpanId::default();
    }

    /// Goes to the last entry of a table, for who wants a rowid behind it. A concurrent transaction is given one that nobody else
    /// has, so that what others append is no concern of it.
    pub fn last_for_rowid(&mut self, pager: &mut Pager) -> Result<bool> {
        if !pager.is_concurrent() || !pager.tracks_reads() {
            return self.last(pager);
        }
        self.span = SpanId::default();
        self.quietly(pager, Self::last)
    }

    #[cold]
    pub(super) fn seek_rowid_noted(&mut self, pager: &mut Pager, rowid: i64) -> Result<SeekResult> {
        self.search_noted(pager, Range::Rows { low: rowid, high: rowid }, |cursor, pager| {
            cursor.seek_rowid(pager, rowid)
        })
    }

    #[cold]
    pub(super) fn seek_table_noted(&mut self, pager: &mut Pager, rowid: i64, op: SeekOp) -> Result<bool> {
        let found = self.seek_rowid_noted(pager, rowid)?;
        self.go_on_noted(pager, op, |cursor, pager| cursor.move_by(pager, found.ordering(), op))
    }

    #[cold]
    pub(super) fn seek_record_noted(
        &mut self,
        pager: &mut Pager,
        key: &[Value],
        on_equal: Ordering,
    ) -> Result<Ordering> {
        let range = Range::Entries { key: key.into(), back: None, end: End::Key };
        self.search_noted(pager, range, |cursor, pager| cursor.seek_record(pager, key, on_equal))
    }

    #[cold]
    pub(super) fn seek_index_noted(
        &mut self,
        pager: &mut Pager,
        key: &[Value],
        on_equal: Ordering,
        op: SeekOp,
    ) -> Result<bool> {
        let found = self.seek_record_noted(pager, key, on_equal)?;
        self.go_on_noted(pager, op, |cursor, pager| cursor.move_by(pager, found, op))
    }

    fn search_noted<T>(
        &mut self,
        pager: &mut Pager,
        range: Range,
        search: impl FnOnce(&mut Self, &mut Pager) -> Result<T>,
    ) -> Result<T> {
        self.span = SpanId::default();
        let found = self.quietly(pager, search)?;
        match pager.begin_span(self.root, &self.kind, range) {
            Some(span) => {
                self.span = span;
                self.note_path(pager);
            }
            None => self.tell_pages(pager),
        }
        Ok(found)
    }

    /// From where a search has ended to the entry that it was for.
    fn go_on_noted(
        &mut self,
        pager: &mut Pager,
        op: SeekOp,
        go: impl FnOnce(&mut Self, &mut Pager) -> Result<bool>,
    ) -> Result<bool> {
        if !self.unnoted {
            return go(self, pager);
        }
        let left = self.path[self.depth].no;
        let there = self.quietly(pager, go)?;
        self.note_step(pager, there, matches!(op, SeekOp::Le | SeekOp::Lt), left);
        Ok(there)
    }

    /// [`next`](Self::next) or [`prev`](Self::prev) of a cursor that holds unnoted pages.
    #[cold]
    pub(super) fn step_noted(&mut self, pager: &mut Pager, back: bool) -> Result<bool> {
        let step = |cursor: &mut Self, pager: &mut Pager| if back { cursor.prev(pager) } else { cursor.next(pager) };
        if !pager.may_extend(self.span, back) {
            self.tell_pages(pager);
            return step(self, pager);
        }
        let left = self.path[self.depth].no;
        let there = self.quietly(pager, step)?;
        self.note_step(pager, there, back, left);
        Ok(there)
    }

    /// The cursor has gone on to the entry where it stands, or past the end, from the page `left`.
    fn note_step(&mut self, pager: &mut Pager, there: bool, back: bool, left: PageNo) {
        debug_assert!(!there || self.state == State::Valid);
        self.note_path(pager);
        if self.table {
            pager.extend_rows(self.span, there.then_some(self.cell.rowid), back);
        } else if !there || !self.cell.overflows() {
            pager.extend_entries(self.span, there.then(|| self.local_payload()), back);
        } else {
            // Its key is long: what lies between is on these pages.
            pager.note_read(left);
            self.tell_pages(pager);
        }
    }

    fn note_path(&self, pager: &mut Pager) {
        pager.note_path(self.span, self.path[..=self.depth].iter().map(|level| level.no));
    }

    /// Goes to the first entry of a span that is read again, and adds the pages by which this goes to `way`: the entry may lie on
    /// another leaf than the one where its key was looked for.
    pub(crate) fn go_to_range(&mut self, pager: &mut Pager, range: &Range, way: &mut Vec<PageNo>) -> Result<bool> {
        let (found, op) = match range {
            Range::Rows { low, .. } => (self.seek_rowid(pager, *low)?.ordering(), SeekOp::Ge),
            Range::Entries { key, back: Some(true), .. } => (self.seek_record(pager, key, Ordering::Less)?, SeekOp::Le),
            Range::Entries { key, .. } => (self.seek_record(pager, key, Ordering::Greater)?, SeekOp::Ge),
        };
        self.add_path(way);
        let there = self.move_by(pager, found, op)?;
        self.add_path(way);
        Ok(there)
    }

    /// Adds the pages of the path, if they are not those that were added last.
    pub(crate) fn add_path(&self, way: &mut Vec<PageNo>) {
        if way.last() != Some(&self.path[self.depth].no) {
            way.extend(self.path[..=self.depth].iter().map(|level| level.no));
        }
    }
}
