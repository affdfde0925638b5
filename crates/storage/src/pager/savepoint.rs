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
    /// The mark of the page's slot before, or 0: at or above an outer savepoint's mark, that one has what it needs.
    mark: u64,
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
        self.save_written(no, before, was_dirty, 0);
    }

    /// As [`save`](Self::save), of a page that was last written under this mark.
    pub(super) fn save_written(&mut self, no: PageNo, before: Before, was_dirty: bool, mark: u64) {
        self.saved.push(Saved { no, before, was_dirty, mark });
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
        // A transaction of many statements must not collect an image of each page for each of them.
        while self.savepoints.len() > at {
            let released = self.savepoints.remove(at);
            let mut outer = at.checked_sub(1).and_then(|outer| self.savepoints.get_mut(outer));
            for saved in released.saved {
                match &mut outer {
                    Some(outer) if saved.mark < outer.mark || matches!(saved.before, Before::Spilled(_)) => {
                        outer.saved.push(saved);
                    }
                    _ => {
                        if let Before::Page(page) = saved.before {
                            self.spare.keep(page);
                        }
                    }
                }
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

#[cfg(test)]
mod tests {
    use crate::page::PageNo;
    use crate::pager::{Pager, WriteMode};

    fn images(pager: &Pager) -> usize {
        pager.savepoints.iter().map(|savepoint| savepoint.saved.len()).sum()
    }

    #[test]
    fn a_transaction_keeps_one_image_of_a_page_however_many_statements_change_it() {
        let mut p = Pager::in_memory(512);
        p.begin_write(WriteMode::Reserved).unwrap();
        let no = p.append_page();
        p.edit(no)[300] = 1;
        p.commit().unwrap();
        p.begin_write(WriteMode::Reserved).unwrap();
        let outer = p.open_savepoint();
        for round in 0..100 {
            let statement = p.open_savepoint();
            p.page(no).unwrap();
            p.edit(no)[300] = round;
            if round % 10 == 3 {
                p.rollback_to_savepoint(statement);
            }
            p.release_savepoint(statement);
        }
        // One before the first statement, and one for each that was undone.
        assert_eq!(images(&p), 11);
        assert_eq!(p.page(no).unwrap()[300], 99);
        p.rollback_to_savepoint(outer);
        assert_eq!(p.page(PageNo(no.0)).unwrap()[300], 1);
        p.rollback();
        assert_eq!(p.page(no).unwrap()[300], 1);
    }
}
