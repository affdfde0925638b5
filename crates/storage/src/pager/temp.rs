//! Temporary storage: what ephemeral trees and sorters keep beyond their share of memory, in files without a name.
//!
//! A [`TempSpace`] belongs to a connection. Whoever collects data claims memory from it share by share; once nothing is
//! left, the data goes to a file. A temporary pager writes all of its pages out then and reads back what it needs:
//! the file is an image of its pages, page `n` at `(n - 1) * page_size`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, File, Io, Op, OpenFlags, Output};

use super::{Backing, Pager, State};
use crate::file::guard;
use crate::format::DatabaseHeader;
use crate::page::{Page, PageNo, PageRef};

/// Memory that the temporary structures of a connection use before they spill.
pub const DEFAULT_TEMP_BYTES: usize = 64 << 20;
/// What is claimed at a time.
pub(super) const SHARE: usize = 1 << 20;
/// Pages that a temporary pager may always hold: enough for every path of a tree and its siblings.
pub(super) const FEWEST_PAGES: usize = 64;
/// Pages written by one call.
const BATCH: usize = 64;

/// See the module's documentation.
pub struct TempSpace {
    /// `None`: everything stays in memory (`temp_store = memory`).
    io: Option<Arc<dyn Io>>,
    budget: AtomicUsize,
    used: AtomicUsize,
    files: AtomicUsize,
    /// Bytes written to the files.
    spilled: AtomicU64,
    /// What the last read of a temporary file that was pending waits for.
    waiting: Mutex<Option<Completion>>,
}

impl TempSpace {
    /// Files of `io` for what goes beyond `budget` bytes.
    pub fn new(io: Option<Arc<dyn Io>>, budget: usize) -> Arc<Self> {
        Arc::new(Self {
            io,
            budget: AtomicUsize::new(budget),
            used: AtomicUsize::new(0),
            files: AtomicUsize::new(0),
            spilled: AtomicU64::new(0),
            waiting: Mutex::new(None),
        })
    }

    /// Changes the budget; what is claimed stays.
    pub fn set_budget(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    /// True where `bytes` more may be kept in memory; they are given back with [`TempSpace::give_back`].
    pub fn claim(&self, bytes: usize) -> bool {
        self.claim_below(bytes, self.budget.load(Ordering::Relaxed))
    }

    /// The same for what stays: it leaves one half of the memory to statements.
    pub(super) fn claim_to_stay(&self, bytes: usize) -> bool {
        self.claim_below(bytes, self.budget.load(Ordering::Relaxed) / 2)
    }

    /// Pages that a temporary pager may always hold: a small part of the budget, so that searches all over a tree find its
    /// inner pages there. With the fewest each search read all of its path.
    pub(super) fn free_pages(&self, page_size: usize) -> usize {
        (self.budget.load(Ordering::Relaxed) / 32 / page_size).max(FEWEST_PAGES)
    }

    fn claim_below(&self, bytes: usize, budget: usize) -> bool {
        let budget = if self.io.is_some() { budget } else { usize::MAX };
        let grown = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= budget);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    /// Gives claimed bytes back.
    pub fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes claimed now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How many files have been made, for tests and statistics.
    pub fn files_made(&self) -> usize {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes have been written to a file.
    pub fn note_spilled(&self, bytes: usize) {
        self.spilled.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes written to files so far, or since they were counted anew: that is done now with `reset`.
    pub fn spilled(&self, reset: bool) -> u64 {
        if reset { self.spilled.swap(0, Ordering::Relaxed) } else { self.spilled.load(Ordering::Relaxed) }
    }

    /// A new file without a name.
    pub fn open_file(&self) -> Result<Arc<dyn File>> {
        let Some(io) = &self.io else { return Err(Error::from_code(ResultCode::FULL)) };
        let flags = OpenFlags { create: true, exclusive: true, delete_on_close: true, ..OpenFlags::default() };
        let file = io.open(&io.temp_path()?, flags)?;
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(file)
    }

    /// Reads a range that was written before; pending where the back end does not answer at once. `reading` keeps the
    /// read between the attempts.
    pub fn read(
        &self,
        file: &dyn File,
        reading: &mut Option<Completion>,
        offset: u64,
        len: usize,
    ) -> Result<Box<[u8]>> {
        if reading.is_none() {
            let mut buf = vec![0; len].into_boxed_slice();
            if file.completes_inline() {
                let n = file.read_at(&mut buf, offset)?;
                return whole(buf, n);
            }
            *reading = Some(file.submit(Op::Read { buf, offset }));
        }
        let Some(completion) = reading else { return Err(Error::from_code(ResultCode::INTERNAL)) };
        match completion.take() {
            Some(done) => {
                *reading = None;
                match done? {
                    Output::Read(buf, n) => whole(buf, n),
                    Output::Done => Err(Error::from_code(ResultCode::INTERNAL)),
                }
            }
            None => {
                *guard(&self.waiting) = Some(completion.clone());
                Err(Error::Pending)
            }
        }
    }

    /// What a pending read of a temporary file waits for, if there is one that is not ready.
    pub fn waiting_on(&self) -> Option<Completion> {
        guard(&self.waiting).clone().filter(|completion| !completion.is_ready())
    }

    /// Blocks until that is there.
    pub fn wait_blocking(&self) -> Result<()> {
        if let (Some(completion), Some(io)) = (self.waiting_on(), &self.io) {
            while !completion.is_ready() {
                if !io.step()? {
                    completion.wait();
                }
            }
        }
        Ok(())
    }
}

fn whole(buf: Box<[u8]>, read: usize) -> Result<Box<[u8]>> {
    if read < buf.len() { Err(Error::from_code(ResultCode::IOERR_SHORT_READ)) } else { Ok(buf) }
}

/// What a temporary pager has beyond its table.
pub(super) struct TempBacking {
    space: Option<Arc<TempSpace>>,
    /// Holds every page of the pager that is not resident.
    file: Option<Arc<dyn File>>,
    /// Bytes claimed for resident pages.
    claimed: usize,
    reading: Vec<(PageNo, Option<Completion>)>,
}

impl TempBacking {
    pub(super) fn new(space: Option<Arc<TempSpace>>) -> Self {
        Self { space, file: None, claimed: 0, reading: Vec::new() }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }

    pub(super) fn waiting_on(&self) -> Option<Completion> {
        let mut under_way = self.reading.iter().filter_map(|(_, completion)| completion.as_ref());
        under_way.find(|completion| !completion.is_ready()).cloned()
    }

    pub(super) fn wait_blocking(&self) -> Result<()> {
        self.space.as_ref().map_or(Ok(()), |space| space.wait_blocking())
    }
}

impl Drop for TempBacking {
    fn drop(&mut self) {
        if let Some(space) = &self.space {
            space.give_back(self.claimed);
        }
    }
}

impl Pager {
    /// Pages for ephemeral trees as [`Pager::temp`] makes them, which go to a file when the space has no memory left.
    pub fn temp_in(space: Arc<TempSpace>, page_size: u32) -> Self {
        Self::temp_database(Some(space), DatabaseHeader::new(page_size))
    }

    /// The same with a header of its own: a database in the making, to be handed over by [`Pager::take_over`].
    pub fn temp_database(space: Option<Arc<TempSpace>>, header: DatabaseHeader) -> Self {
        let free = space.as_ref().map(|space| space.free_pages(header.page_size as usize));
        let mut pager = Self::new(Backing::Temp(Box::new(TempBacking::new(space))), header.page_size);
        pager.header = header;
        pager.state = State::Write;
        pager.transaction_mark = 1;
        pager.mark = 1;
        pager.next_mark = 2;
        pager.create_first_page();
        if let Some(free) = free {
            pager.trim_above = free;
        }
        pager
    }

    /// More pages are resident than there is memory for: claims more, or writes all of them out.
    pub(super) fn trim_temp(&mut self) {
        let page_size = self.header.page_size as usize;
        let Backing::Temp(temp) = &mut self.backing else { return };
        let Some(space) = &temp.space else {
            self.trim_above = usize::MAX;
            return;
        };
        if space.claim(SHARE) {
            temp.claimed += SHARE;
        } else if self.write_out().is_ok() {
            self.table.retain(|no, _| no == PageNo::ONE);
        } else {
            // A full disk is no reason to fail what memory can still serve.
            self.trim_above = self.table.resident() + SHARE / page_size;
            return;
        }
        let Backing::Temp(temp) = &self.backing else { return };
        let free = temp.space.as_ref().map_or(FEWEST_PAGES, |space| space.free_pages(page_size));
        self.trim_above = (temp.claimed / page_size).max(free);
    }

    /// Brings the file up to date with the pages in memory. They stay there, clean.
    fn write_out(&mut self) -> Result<Arc<dyn File>> {
        let page_size = u64::from(self.header.page_size);
        let Backing::Temp(temp) = &mut self.backing else { return Err(Error::from_code(ResultCode::INTERNAL)) };
        let file = match (&temp.file, &temp.space) {
            (Some(file), _) => file.clone(),
            (None, Some(space)) => space.open_file()?,
            (None, None) => return Err(Error::from_code(ResultCode::INTERNAL)),
        };
        let mut pages = Vec::new();
        self.table.for_each_above(0, |_, slot| {
            if slot.mark > 0
                && let Some(page) = &slot.page
            {
                pages.push(page.clone());
            }
        });
        let mut rest = &pages[..];
        while let Some(first) = rest.first() {
            let start = first.no().0;
            let run = rest.iter().take(BATCH).enumerate().take_while(|(i, p)| p.no().0 == start + *i as u32).count();
            let bufs: Vec<&[u8]> = rest[..run].iter().map(|page| &page[..]).collect();
            file.write_vectored_at(&bufs, u64::from(start - 1) * page_size)?;
            rest = &rest[run..];
        }
        if let Some(space) = &temp.space {
            space.note_spilled(pages.len() * page_size as usize);
        }
        for page in &pages {
            if let Some(slot) = self.table.slot_mut(page.no()) {
                slot.mark = 0;
            }
        }
        temp.file = Some(file.clone());
        Ok(file)
    }

    /// A page that was written out.
    pub(super) fn read_temp(&mut self, no: PageNo) -> Result<PageRef> {
        let page_size = self.header.page_size;
        let Backing::Temp(temp) = &mut self.backing else { return Err(Error::from_code(ResultCode::INTERNAL)) };
        let (Some(file), Some(space)) = (&temp.file, &temp.space) else {
            return Err(Error::corrupt(no.0, "page that was never made"));
        };
        let at = match temp.reading.iter().position(|(reading, _)| *reading == no) {
            Some(at) => at,
            None => {
                temp.reading.push((no, None));
                temp.reading.len() - 1
            }
        };
        let offset = u64::from(no.0 - 1) * u64::from(page_size);
        let read = space.read(&**file, &mut temp.reading[at].1, offset, page_size as usize);
        if !matches!(read, Err(Error::Pending)) {
            temp.reading.swap_remove(at);
        }
        let page = Page::from_bytes(no, &read?);
        self.table.put(no, page.clone(), 0);
        Ok(page)
    }

    /// Puts the pages of a temporary pager in place of all pages of the database, inside a write transaction without
    /// savepoints (VACUUM). Page size, reserved bytes and every header field but those that belong to the file (format
    /// versions, change counter) are those of `built`. On a failure nothing has changed.
    pub fn take_over(&mut self, mut built: Pager) -> Result<()> {
        assert!(self.state == State::Write, "take-over outside a write transaction");
        let wal = self.journal_mode() == super::JournalMode::Wal;
        if self.savepoint_depth() > 0 || (wal && self.header.page_size != built.header.page_size) {
            return Err(Error::from_code(ResultCode::MISUSE));
        }
        let (count, lock_page) = (built.page_count, built.lock_byte_page());
        if count > self.max_page_count {
            return Err(Error::from_code(ResultCode::FULL));
        }
        let in_file = matches!(&built.backing, Backing::Temp(temp) if !temp.is_in_memory());
        let spilled = match in_file {
            true => Some(built.write_out()?),
            false => None,
        };
        // A database in memory has nowhere else to keep its pages.
        let mut resident = Vec::new();
        for no in (1..=count).map(PageNo).filter(|no| *no != lock_page) {
            if !in_file || self.backing.is_memory() || no == PageNo::ONE {
                resident.push(built.block_on(|built| built.page(no))?);
            }
        }
        self.drop_all_pages();
        let (versions, counter) = ((self.header.write_version, self.header.read_version), self.header.change_counter);
        self.header = built.header;
        (self.header.write_version, self.header.read_version) = versions;
        self.header.change_counter = counter;
        self.page_count = count;
        self.dirty.extend((1..=count).map(PageNo).filter(|no| *no != lock_page));
        drop(built);
        for page in resident {
            self.table.put(page.no(), page, self.mark);
        }
        if let (Some(file), false) = (spilled, self.backing.is_memory()) {
            let dirty = self.dirty.iter().copied().filter(|no| *no != PageNo::ONE);
            self.spill = Some(Box::new(super::spill::Spill::of_image(file, self.header.page_size, count, dirty)));
        }
        let header = self.header;
        header.encode(&mut self.edit(PageNo::ONE)[..DatabaseHeader::SIZE]);
        self.change_epoch += 1;
        Ok(())
    }

    /// Forgets all pages of a write transaction, keeping for a rollback what cannot be read again.
    fn drop_all_pages(&mut self) {
        let mut pages = Vec::new();
        self.table.for_each_above(0, |no, _| pages.push(no));
        let memory = self.backing.is_memory();
        for no in pages {
            let slot = self.table.take(no);
            if let Some(savepoint) = self.savepoints.last_mut()
                && slot.mark < self.mark
            {
                let kept = slot.page.filter(|_| memory);
                savepoint.save(no, kept.map_or(super::Before::Gone, super::Before::Page), false);
            }
        }
        if let Some(savepoint) = self.savepoints.last_mut()
            && self.within.is_some()
        {
            let gone = self.spill.as_mut().map_or(Vec::new(), |spill| spill.take_above(0));
            gone.into_iter().for_each(|(no, slot)| savepoint.save(no, super::Before::Spilled(slot), false));
        } else {
            self.spill = None;
        }
        self.dirty.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turso_io::{MemoryIo, PendingIo};

    fn fill_and_check(space: Arc<TempSpace>, pages: u32) -> Pager {
        let mut p = Pager::temp_in(space, 512);
        for n in 0..pages {
            let no = p.append_page();
            p.edit(no)[7] = n as u8;
            p.unpin();
        }
        // Every second one is changed once more.
        for n in (0..pages).step_by(2) {
            let no = PageNo(n + 2);
            p.block_on(|p| p.page(no)).unwrap();
            p.edit(no)[8] = 9;
            p.unpin();
        }
        for n in 0..pages {
            let page = p.block_on(|p| p.page(PageNo(n + 2))).unwrap();
            assert_eq!((page[7], page[8]), (n as u8, if n % 2 == 0 { 9 } else { 0 }));
            p.unpin();
        }
        p
    }

    #[test]
    fn pages_beyond_the_budget_go_to_a_file_and_come_back() {
        let memory: Arc<dyn Io> = Arc::new(MemoryIo::new());
        for io in [memory.clone(), Arc::new(PendingIo::new(memory))] {
            let space = TempSpace::new(Some(io), SHARE);
            let p = fill_and_check(space.clone(), 10_000);
            assert!(p.table.resident() <= SHARE / 512 + 1, "{}", p.table.resident());
            assert_eq!((space.files_made(), space.used()), (1, SHARE));
            drop(p);
            assert_eq!(space.used(), 0);
        }
    }

    #[test]
    fn without_files_or_below_the_budget_everything_stays_in_memory() {
        for (io, budget) in [(None, 0), (Some(Arc::new(MemoryIo::new()) as Arc<dyn Io>), 64 << 20)] {
            let space = TempSpace::new(io, budget);
            fill_and_check(space.clone(), 10_000);
            assert_eq!(space.files_made(), 0);
        }
    }
}
