//! A database in memory that has a budget: the temporary tables of a connection.
//!
//! Its pages claim memory from the connection's temporary space, half of it at most. Once nothing is left, all but the first
//! go to a file without a name, and come back as they are needed. A page that has come back and has not been changed keeps its
//! slot there, so it is let go without being written again; a savepoint that wants such an image back remembers the slot. Slots
//! are used again by later transactions only.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::Completion;

use super::spill::{Spill, SpillSlot};
use super::temp::{SHARE, TempSpace};
use super::{Backing, Pager};
use crate::page::{Page, PageNo, PageRef};

/// See the module's header.
pub(super) struct Within {
    space: Arc<TempSpace>,
    /// Bytes claimed for resident pages.
    claimed: usize,
    reading: Vec<(PageNo, Option<Completion>)>,
}

impl Within {
    pub fn waiting_on(&self) -> Option<Completion> {
        let mut under_way = self.reading.iter().filter_map(|(_, completion)| completion.as_ref());
        under_way.find(|completion| !completion.is_ready()).cloned()
    }

    pub fn wait_blocking(&self) -> Result<()> {
        self.space.wait_blocking()
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        self.space.give_back(self.claimed);
    }
}

impl Pager {
    /// A database in memory keeps within this space from now on.
    pub fn keep_within(&mut self, space: &Arc<TempSpace>) {
        if matches!(self.backing, Backing::Memory) && self.within.is_none() {
            self.within = Some(Box::new(Within { space: space.clone(), claimed: 0, reading: Vec::new() }));
            self.trim_above = space.free_pages(self.header.page_size as usize);
        }
    }

    /// More pages are resident than there is memory for: claims more, or lets them go.
    pub(super) fn trim_memory(&mut self) {
        let page_size = self.header.page_size as usize;
        let Some(within) = &mut self.within else {
            self.trim_above = usize::MAX;
            return;
        };
        if within.space.claim_to_stay(SHARE) {
            within.claimed += SHARE;
        } else if self.let_pages_go().is_err() {
            // A full disk is no reason to fail what memory can still serve.
            self.trim_above = self.table.resident() + SHARE / page_size;
            return;
        }
        if let Some(within) = &self.within {
            self.trim_above = (within.claimed / page_size).max(within.space.free_pages(page_size));
        }
    }

    /// Writes what the file does not have, and forgets all pages but the first.
    fn let_pages_go(&mut self) -> Result<()> {
        let page_size = self.header.page_size;
        let Some(within) = &self.within else { return Ok(()) };
        let spill = match &mut self.spill {
            // Pages have another size once a rollback has left none: nobody wants anything from the old file.
            Some(spill) if spill.page_size() == page_size => spill,
            slot => slot.insert(Box::new(Spill::new(within.space.open_file()?, page_size))),
        };
        let (mut all, mut changed) = (Vec::new(), Vec::new());
        self.table.for_each_above(PageNo::ONE.0, |no, slot| {
            all.push(no);
            if let Some(page) = slot.page.as_ref().filter(|_| spill.slot_of(no).is_none()) {
                changed.push(page.clone());
            }
        });
        spill.write(&changed)?;
        within.space.note_spilled(changed.len() * page_size as usize);
        for no in all {
            self.table.take(no);
        }
        Ok(())
    }

    /// A page that was let go.
    pub(super) fn read_let_go(&mut self, no: PageNo, slot: SpillSlot) -> Result<PageRef> {
        let page_size = self.header.page_size as usize;
        let (Some(within), Some(spill)) = (&mut self.within, &self.spill) else {
            return Err(Error::from_code(ResultCode::INTERNAL));
        };
        let at = match within.reading.iter().position(|(reading, _)| *reading == no) {
            Some(at) => at,
            None => {
                within.reading.push((no, None));
                within.reading.len() - 1
            }
        };
        let (file, offset) = spill.place(slot);
        let read = within.space.read(file, &mut within.reading[at].1, offset, page_size);
        if !matches!(read, Err(Error::Pending)) {
            within.reading.swap_remove(at);
        }
        let page = Page::from_bytes(no, &read?);
        self.table.put(no, page.clone(), 0);
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pager::WriteMode;
    use turso_io::{Io, MemoryIo, PendingIo};

    fn byte(p: &mut Pager, n: u32) -> u8 {
        let page = p.block_on(|p| p.page(PageNo(n))).unwrap();
        p.unpin();
        page[9]
    }

    fn set(p: &mut Pager, pages: std::ops::RangeInclusive<u32>, to: u8) {
        for n in pages {
            p.block_on(|p| p.page(PageNo(n))).unwrap();
            p.edit(PageNo(n))[9] = to;
            p.unpin();
        }
    }

    #[test]
    fn pages_that_were_let_go_keep_to_transactions_and_savepoints() {
        let memory: Arc<dyn Io> = Arc::new(MemoryIo::new());
        for io in [memory.clone(), Arc::new(PendingIo::new(memory))] {
            let space = TempSpace::new(Some(io), 0);
            let mut p = Pager::in_memory(512);
            p.keep_within(&space);
            p.begin_write(WriteMode::Reserved).unwrap();
            for _ in 2..=1000 {
                let no = p.append_page();
                p.edit(no)[9] = 1;
                p.unpin();
            }
            p.commit().unwrap();
            assert!(p.table.resident() <= space.free_pages(512) + 1 && space.files_made() == 1);
            for round in 0..3_u8 {
                p.begin_write(WriteMode::Reserved).unwrap();
                set(&mut p, 2..=1000, 2);
                let first = p.open_savepoint();
                set(&mut p, 2..=500, 3);
                let second = p.open_savepoint();
                set(&mut p, 400..=600, 4);
                p.truncate(900);
                p.rollback_to_savepoint(second);
                p.release_savepoint(second);
                let of = |n: u32| if n <= 500 { 3 } else { 2 };
                assert!((2..=1000).all(|n| byte(&mut p, n) == of(n)));
                set(&mut p, 300..=1000, 5);
                p.truncate(950);
                p.append_page();
                p.rollback_to_savepoint(first);
                assert!((2..=1000).all(|n| byte(&mut p, n) == 2));
                set(&mut p, 2..=1000, 6 + round);
                match round {
                    0 => p.rollback(),
                    _ => p.commit().unwrap(),
                }
                let now = if round == 0 { 1 } else { 6 + round };
                assert!((2..=1000).all(|n| byte(&mut p, n) == now), "{round}");
                assert_eq!(p.page_count(), 1000);
            }
            // The slots of images that nobody wants any more serve again.
            let slots = p.spill.as_ref().unwrap().slots();
            for round in 0..20 {
                p.begin_write(WriteMode::Reserved).unwrap();
                set(&mut p, 2..=1000, 20 + round);
                p.commit().unwrap();
            }
            assert!(p.spill.as_ref().unwrap().slots() <= slots.max(3000), "{slots}");
            assert!((2..=1000).all(|n| byte(&mut p, n) == 39));
        }
    }

    #[test]
    fn pages_may_have_another_size_after_the_first_transaction_was_rolled_back() {
        let space = TempSpace::new(Some(Arc::new(MemoryIo::new())), 0);
        let mut p = Pager::in_memory(4096);
        p.keep_within(&space);
        for page_size in [4096, 512, 4096] {
            p.set_page_size(page_size);
            p.begin_write(WriteMode::Reserved).unwrap();
            assert_eq!(p.page_size(), page_size);
            for n in 2..=1000 {
                let no = p.append_page();
                p.edit(no)[9] = n as u8;
                p.unpin();
            }
            assert!((2..=1000).all(|n| byte(&mut p, n) == n as u8), "{page_size}");
            p.rollback();
            assert_eq!(p.page_count(), 0);
        }
    }

    #[test]
    fn within_the_budget_nothing_is_written() {
        let space = TempSpace::new(Some(Arc::new(MemoryIo::new())), 4 * SHARE);
        let mut p = Pager::in_memory(512);
        p.keep_within(&space);
        p.begin_write(WriteMode::Reserved).unwrap();
        for _ in 0..3000 {
            p.append_page();
            p.unpin();
        }
        assert_eq!((space.files_made(), space.used()), (0, 2 * SHARE));
        drop(p);
        assert_eq!(space.used(), 0);
    }
}
