//! Spilling: dirty pages of a large transaction wait for the commit in a temporary file.
//!
//! Slots of the file are written once and never reused while the transaction lives, so a savepoint can name the image
//! that it wants back by its slot. The database file and the log stay untouched until the commit.

use std::collections::HashSet;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, OpenFlags};

use super::{Backing, Pager, State};
use crate::page::{Page, PageNo, PageRef};
use crate::planted::{self, Planted};

/// Bytes of dirty pages that a transaction keeps in memory unless told otherwise. With what the allocator adds to each page, these
/// are a quarter more.
pub(super) const DEFAULT_SPILL_BYTES: usize = 192 << 20;
/// Pages written by one call.
const BATCH: usize = 64;

/// Where an image lies in the temporary file.
pub(crate) type SpillSlot = u64;

/// Slots by page number: four bytes for each page, since a transaction may spill many millions of them.
#[derive(Default)]
struct SlotTable {
    /// The slot and one; 0: none.
    chunks: Vec<Option<Box<[u32; SLOT_CHUNK]>>>,
    len: usize,
}

/// Pages to a chunk.
const SLOT_CHUNK: usize = 64;

impl SlotTable {
    fn get(&self, no: u32) -> Option<SpillSlot> {
        let chunk = self.chunks.get(no as usize / SLOT_CHUNK)?.as_ref()?;
        chunk[no as usize % SLOT_CHUNK].checked_sub(1).map(SpillSlot::from)
    }

    /// False where there are more slots than a number can tell.
    #[must_use]
    fn insert(&mut self, no: u32, slot: SpillSlot) -> bool {
        let Ok(entry) = u32::try_from(slot + 1) else { return false };
        let index = no as usize / SLOT_CHUNK;
        if self.chunks.len() <= index {
            self.chunks.resize_with(index + 1, || None);
        }
        let place = &mut self.chunks[index].get_or_insert_with(|| Box::new([0; SLOT_CHUNK]))[no as usize % SLOT_CHUNK];
        self.len += usize::from(*place == 0);
        *place = entry;
        true
    }

    fn remove(&mut self, no: u32) -> Option<SpillSlot> {
        let chunk = self.chunks.get_mut(no as usize / SLOT_CHUNK)?.as_mut()?;
        let slot = std::mem::take(&mut chunk[no as usize % SLOT_CHUNK]).checked_sub(1)?;
        self.len -= 1;
        Some(SpillSlot::from(slot))
    }

    /// Page numbers, ascending, with their slots.
    fn iter(&self) -> impl Iterator<Item = (u32, SpillSlot)> + '_ {
        self.chunks.iter().enumerate().filter_map(|(index, chunk)| Some((index, chunk.as_ref()?))).flat_map(
            |(index, chunk)| {
                chunk.iter().enumerate().filter_map(move |(offset, slot)| {
                    Some(((index * SLOT_CHUNK + offset) as u32, SpillSlot::from(slot.checked_sub(1)?)))
                })
            },
        )
    }
}

pub(crate) struct Spill {
    file: Arc<dyn File>,
    page_size: u32,
    next: SpillSlot,
    /// Pages whose newest image lies in the file.
    pages: SlotTable,
    /// Slots that serve again, the lowest last.
    free: Vec<SpillSlot>,
    /// The memory of pages that have been written, for those that come: to give it back and ask for it anew would have the system
    /// clear it each time.
    emptied: Vec<PageRef>,
}

/// A changed page at commit.
pub(crate) enum DirtyPage {
    Resident(PageRef),
    Spilled(PageNo, SpillSlot),
}

impl DirtyPage {
    pub fn no(&self) -> PageNo {
        match self {
            DirtyPage::Resident(page) => page.no(),
            DirtyPage::Spilled(no, _) => *no,
        }
    }

    /// The image; a spilled one is read.
    pub fn load(&self, spill: Option<&Spill>) -> Result<PageRef> {
        match (self, spill) {
            (DirtyPage::Resident(page), _) => Ok(page.clone()),
            (DirtyPage::Spilled(no, slot), Some(spill)) => spill.read(*no, *slot),
            (DirtyPage::Spilled(..), None) => Err(Error::from_code(ResultCode::INTERNAL)),
        }
    }
}

impl Spill {
    /// An empty file.
    pub fn new(file: Arc<dyn File>, page_size: u32) -> Self {
        Spill { file, page_size, next: 0, pages: SlotTable::default(), free: Vec::new(), emptied: Vec::new() }
    }

    /// Writes pages, whose newest images lie there from now on.
    pub fn write(&mut self, pages: &[PageRef]) -> Result<()> {
        let mut rest = pages;
        while !rest.is_empty() {
            // A run of free slots, or the end of the file.
            let first = self.free.last().copied().unwrap_or(self.next);
            let free = self.free.iter().rev().zip(first..).take_while(|(slot, next)| **slot == *next).count();
            let most = if free == 0 { BATCH } else { free.min(BATCH) };
            let (run, behind) = rest.split_at(most.min(rest.len()));
            let bufs: Vec<&[u8]> = run.iter().map(|page| &page[..]).collect();
            self.file.write_vectored_at(&bufs, first * u64::from(self.page_size))?;
            for (page, slot) in run.iter().zip(first..) {
                if !self.pages.insert(page.no().0, slot) {
                    return Err(Error::from_code(ResultCode::FULL));
                }
            }
            match free {
                0 => self.next += run.len() as u64,
                _ => self.free.truncate(self.free.len() - run.len()),
            }
            rest = behind;
        }
        Ok(())
    }

    /// No savepoint wants an image back any more: what is not the newest image of a page may be overwritten. Done where it
    /// pays.
    pub fn reclaim(&mut self) {
        let used = self.pages.len as u64;
        if self.next.saturating_sub(used + self.free.len() as u64) > used.max(BATCH as u64) {
            let used: HashSet<SpillSlot> = self.pages.iter().map(|(_, slot)| slot).collect();
            self.free = (0..self.next).rev().filter(|slot| !used.contains(slot)).collect();
        }
    }

    /// The size of the pages, and so of the slots.
    pub fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Slots of the file.
    #[cfg(test)]
    pub fn slots(&self) -> u64 {
        self.next
    }

    /// Takes out the pages above `n`.
    pub fn take_above(&mut self, n: u32) -> Vec<(PageNo, SpillSlot)> {
        let taken: Vec<_> = self.pages.iter().filter(|(no, _)| *no > n).map(|(no, slot)| (PageNo(no), slot)).collect();
        for (no, _) in &taken {
            self.pages.remove(no.0);
        }
        taken
    }

    /// A file that holds an image of the first `count` pages, and the pages of it that are wanted.
    pub fn of_image(file: Arc<dyn File>, page_size: u32, count: u32, wanted: impl Iterator<Item = PageNo>) -> Self {
        let mut pages = SlotTable::default();
        for no in wanted {
            let placed = pages.insert(no.0, SpillSlot::from(no.0 - 1));
            debug_assert!(placed, "a page number is less than the most slots");
        }
        Spill { file, page_size, next: SpillSlot::from(count), pages, free: Vec::new(), emptied: Vec::new() }
    }

    pub fn slot_of(&self, no: PageNo) -> Option<SpillSlot> {
        self.pages.get(no.0)
    }

    pub fn place(&self, slot: SpillSlot) -> (&dyn File, u64) {
        (&*self.file, slot * u64::from(self.page_size))
    }

    /// The newest image of a page.
    pub fn load(&self, no: PageNo) -> Result<PageRef> {
        match self.slot_of(no) {
            Some(slot) => self.read(no, slot),
            None => Err(Error::from_code(ResultCode::INTERNAL)),
        }
    }

    fn read(&self, no: PageNo, slot: SpillSlot) -> Result<PageRef> {
        let mut page = Page::zeroed(no, self.page_size);
        let (file, offset) = self.place(slot);
        if file.read_at(Page::unique(&mut page), offset)? < page.len() {
            return Err(Error::from_code(ResultCode::IOERR_SHORT_READ));
        }
        Ok(page)
    }
}

impl Pager {
    /// Called between instructions of a large transaction: writes dirty pages to a temporary file where there are
    /// more than fit. Where that fails they stay in memory.
    pub fn maybe_spill(&mut self) -> Result<()> {
        if self.table.resident() > self.spill_above && self.state == State::Write {
            // A full disk is no reason to fail a statement that memory can still serve.
            let _ = self.spill_dirty();
        }
        Ok(())
    }

    /// How many pages of a transaction stay in memory (`PRAGMA cache_spill`).
    pub fn set_spill_pages(&mut self, pages: usize) {
        self.spill_above = pages.max(1);
    }

    /// Whether large transactions leave memory at all before they commit.
    pub fn set_spills(&mut self, spills: bool) {
        let default = DEFAULT_SPILL_BYTES / self.page_size() as usize;
        match spills {
            false => self.spill_above = usize::MAX,
            true if self.spill_above == usize::MAX => self.spill_above = default,
            true => {}
        }
    }

    fn spill_dirty(&mut self) -> Result<()> {
        let Backing::File(file) = &self.backing else { return Ok(()) };
        if !file.committing.is_idle() {
            return Ok(());
        }
        let page_size = self.header.page_size;
        if self.spill.is_none() {
            let io = file.db.io();
            let flags = OpenFlags { create: true, exclusive: true, delete_on_close: true, ..OpenFlags::default() };
            let file = io.open(&io.temp_path()?, flags)?;
            self.spill = Some(Box::new(Spill::new(file, page_size)));
        }
        let Some(spill) = &mut self.spill else { return Ok(()) };
        let mark = self.transaction_mark;
        let mut pages: Vec<PageRef> = Vec::new();
        self.table.for_each_above(PageNo::ONE.0, |_, slot| {
            if slot.mark >= mark
                && let Some(page) = &slot.page
            {
                pages.push(page.clone());
            }
        });
        self.counts.spills += pages.len() as u64;
        for batch in pages.chunks(BATCH) {
            spill.write(batch)?;
            if planted::has(Planted::LostSpilledPage) {
                spill.pages.remove(batch[batch.len() / 2].no().0);
            }
            for page in batch {
                self.table.take(page.no());
            }
        }
        spill.emptied = pages;
        self.table.drop_empty_chunks();
        Ok(())
    }

    /// A page of zeros that this transaction adds, in memory that it has had before where there is some.
    pub(super) fn fresh_page(&mut self, no: PageNo) -> PageRef {
        let emptied = self.spill.as_mut().and_then(|spill| spill.emptied.pop());
        let again = emptied.and_then(|page| Page::zeroed_again(page, no));
        again.unwrap_or_else(|| Page::zeroed(no, self.header.page_size))
    }

    /// The slot of a page whose newest image is spilled.
    pub(super) fn spilled(&self, no: PageNo) -> Option<SpillSlot> {
        self.spill.as_ref().and_then(|spill| spill.slot_of(no))
    }

    /// The page is resident again, or gone: the spilled image is not its newest any more.
    pub(super) fn forget_spilled(&mut self, no: PageNo) -> Option<SpillSlot> {
        self.spill.as_mut().and_then(|spill| spill.pages.remove(no.0))
    }

    /// The newest image of the page lies in this slot again.
    pub(super) fn restore_spilled(&mut self, no: PageNo, slot: SpillSlot) {
        if let Some(spill) = &mut self.spill {
            let placed = spill.pages.insert(no.0, slot);
            debug_assert!(placed, "the slot has been in use");
        }
    }

    /// Spilled pages above `n`, which are about to be cut off.
    pub(super) fn take_spilled_above(&mut self, n: u32) -> Vec<(PageNo, SpillSlot)> {
        self.spill.as_mut().map_or_else(Vec::new, |spill| spill.take_above(n))
    }
}
