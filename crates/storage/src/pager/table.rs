//! The connection's own table page number -> page: one load per level, no hash, no lock.
//!
//! Two levels, so that a huge file with a few pages in use costs a few small chunks, and an ephemeral table one.

use crate::page::{PageNo, PageRef};

const CHUNK: usize = 64;

/// What the table knows about one page.
#[derive(Default, Clone)]
pub(crate) struct Slot {
    /// The page as this connection sees it now, if it is resident.
    pub page: Option<PageRef>,
    /// The mark at which the page was last written by this connection; 0 = clean. See `Pager::mark`.
    pub mark: u64,
}

type Chunk = [Slot; CHUNK];

/// The table.
#[derive(Default)]
pub(crate) struct PageTable {
    chunks: Vec<Option<Box<Chunk>>>,
    resident: usize,
}

impl PageTable {
    /// How many pages are resident.
    pub fn resident(&self) -> usize {
        self.resident
    }

    #[inline]
    pub fn get(&self, no: PageNo) -> Option<&PageRef> {
        match self.chunks.get(no.0 as usize / CHUNK) {
            Some(Some(chunk)) => chunk[no.0 as usize % CHUNK].page.as_ref(),
            _ => None,
        }
    }

    #[inline]
    pub fn slot_mut(&mut self, no: PageNo) -> Option<&mut Slot> {
        match self.chunks.get_mut(no.0 as usize / CHUNK) {
            Some(Some(chunk)) => Some(&mut chunk[no.0 as usize % CHUNK]),
            _ => None,
        }
    }

    /// Puts a page in place of what was there.
    pub fn put(&mut self, no: PageNo, page: PageRef, mark: u64) {
        let index = no.0 as usize / CHUNK;
        if self.chunks.len() <= index {
            self.chunks.resize_with(index + 1, || None);
        }
        let chunk = self.chunks[index].get_or_insert_with(|| Box::new(std::array::from_fn(|_| Slot::default())));
        let slot = &mut chunk[no.0 as usize % CHUNK];
        self.resident += usize::from(slot.page.is_none());
        slot.page = Some(page);
        slot.mark = mark;
    }

    /// Empties a slot and returns what it held.
    pub fn take(&mut self, no: PageNo) -> Slot {
        match self.slot_mut(no) {
            Some(slot) => {
                let taken = std::mem::take(slot);
                self.resident -= usize::from(taken.page.is_some());
                taken
            }
            None => Slot::default(),
        }
    }

    /// Calls `f` for every resident page above `from` (0: all).
    pub fn for_each_above(&self, from: u32, mut f: impl FnMut(PageNo, &Slot)) {
        let first = (from as usize + 1) / CHUNK;
        for (index, chunk) in self.chunks.iter().enumerate().skip(first) {
            let Some(chunk) = chunk else { continue };
            for (offset, slot) in chunk.iter().enumerate() {
                let no = (index * CHUNK + offset) as u32;
                if no > from && slot.page.is_some() {
                    f(PageNo(no), slot);
                }
            }
        }
    }

    /// Gives back the memory of chunks without a page.
    pub fn drop_empty_chunks(&mut self) {
        for entry in &mut self.chunks {
            if entry.as_ref().is_some_and(|chunk| chunk.iter().all(|slot| slot.page.is_none())) {
                *entry = None;
            }
        }
    }

    /// Drops every page for which `keep` is false, and chunks that became empty.
    pub fn retain(&mut self, mut keep: impl FnMut(PageNo, &Slot) -> bool) {
        let mut resident = 0;
        for (index, entry) in self.chunks.iter_mut().enumerate() {
            let Some(chunk) = entry else { continue };
            let mut used = false;
            for (offset, slot) in chunk.iter_mut().enumerate() {
                if slot.page.is_none() {
                    continue;
                }
                if keep(PageNo((index * CHUNK + offset) as u32), slot) {
                    used = true;
                    resident += 1;
                } else {
                    *slot = Slot::default();
                }
            }
            if !used {
                *entry = None;
            }
        }
        while matches!(self.chunks.last(), Some(None)) {
            self.chunks.pop();
        }
        self.resident = resident;
    }
}
