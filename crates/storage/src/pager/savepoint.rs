//! Savepoints: lists of the page images that stood before, no undo log.
//!
//! A page enters the newest savepoint's list once, on its first write after the mark. Undoing walks the lists from
//! the newest entry to the oldest, so that the oldest image wins. Memory only; nothing here waits or fails.

use super::spill::SpillSlot;
use super::{Backing, Pager};
use crate::concurrent::LogMark;
use crate::format::DatabaseHeader;
use crate::page::{PageNo, PageRef};

/// One open savepoint.
pub(super) struct Savepoint {
    mark: u64,
    page_count: u32,
    header: DatabaseHeader,
    log: LogMark,
    saved: Vec<Saved>,
}

/// A page as it was at the mark.
struct Saved {
    no: PageNo,
    before: Before,
    was_dirty: bool,
}

/// Where the image of before is.
pub(super) enum Before {
    /// It was clean and can be read again, or the page was not there.
    Gone,
    Page(PageRef),
    /// In the temporary file.
    Spilled(SpillSlot),
}

impl Savepoint {
    pub(super) fn save(&mut self, no: PageNo, before: Before, was_dirty: bool) {
        self.saved.push(Saved { no, before, was_dirty });
    }
}

impl Pager {
    /// Savepoints the pager keeps for itself below those of the callers: the transaction, in memory.
    fn hidden(&self) -> usize {
        usize::from(matches!(self.backing, Backing::Memory))
    }

    pub(super) fn push_savepoint(&mut self) {
        let mark = self.next_mark;
        self.next_mark += 1;
        self.mark = mark;
        let (page_count, header, log) = (self.page_count, self.header, self.log_mark());
        self.savepoints.push(Savepoint { mark, page_count, header, log, saved: Vec::new() });
    }

    /// Opens a savepoint and answers its depth: 0 for the first of the transaction.
    pub fn open_savepoint(&mut self) -> usize {
        assert!(self.in_write(), "savepoint outside a write transaction");
        self.push_savepoint();
        self.savepoints.len() - 1 - self.hidden()
    }

    /// How many savepoints are open.
    pub fn savepoint_depth(&self) -> usize {
        self.savepoints.len().saturating_sub(self.hidden())
    }

    /// Closes the savepoint at `depth` and those above it; what was done since stays done.
    pub fn release_savepoint(&mut self, depth: usize) {
        let at = depth + self.hidden();
        if at >= self.savepoints.len() {
            return;
        }
        let released = self.savepoints.split_off(at);
        if let Some(outer) = self.savepoints.last_mut() {
            for savepoint in released {
                outer.saved.extend(savepoint.saved);
            }
        }
        // Slots keep marks above the outer savepoint's, which rightly says: saved already.
        self.mark = self.savepoints.last().map_or(self.transaction_mark, |s| s.mark);
    }

    /// Undoes everything since the savepoint at `depth` was opened; it stays open, those above it are closed.
    pub fn rollback_to_savepoint(&mut self, depth: usize) {
        let at = depth + self.hidden();
        if at >= self.savepoints.len() {
            return;
        }
        self.undo_to(at);
        self.savepoints.truncate(at + 1);
        self.mark = self.savepoints[at].mark;
        self.change_epoch += 1;
    }

    /// Restores what the savepoints from index `at` up hold, and empties them.
    pub(super) fn undo_to(&mut self, at: usize) {
        let page_count = self.savepoints[at].page_count;
        let mut beyond = Vec::new();
        self.table.for_each_above(page_count, |no, _| beyond.push(no));
        for no in beyond {
            self.table.take(no);
        }
        self.take_spilled_above(page_count);
        for at in (at..self.savepoints.len()).rev() {
            for saved in std::mem::take(&mut self.savepoints[at].saved).into_iter().rev() {
                self.forget_spilled(saved.no);
                match saved.before {
                    // Dirty before the mark, whichever savepoint was open then: the next write saves it again.
                    Before::Page(page) => {
                        self.table.put(saved.no, page, if saved.was_dirty { self.transaction_mark } else { 0 });
                    }
                    Before::Gone => {
                        self.table.take(saved.no);
                    }
                    Before::Spilled(slot) => {
                        self.table.take(saved.no);
                        self.restore_spilled(saved.no, slot);
                    }
                }
            }
        }
        self.page_count = page_count;
        self.header = self.savepoints[at].header;
        self.cut_log_back(self.savepoints[at].log);
    }
}
