//! The pager: one per connection and database; hands out pages of a snapshot and collects private changes.
//!
//! ```text
//!            begin_read            begin_write             commit / rollback
//!   Idle ------------------> Read ------------------> Write ------------------> Read ---- end_read ----> Idle
//! ```
//! Reading: [`Pager::page`] answers from the connection's own table; a miss is read, or starts a read and answers
//! `Err(Pending)`. Pages stay in the table until [`Pager::unpin`], which the vm calls between instructions, so what
//! an instruction fetched is there when it is run again.
//!
//! Writing (`apply` phase: can neither wait nor fail): [`Pager::edit`], [`Pager::append_page`], [`Pager::truncate`],
//! [`Pager::edit_header`]. A page is copied on its first write after the newest mark (start of the transaction or of
//! a savepoint) unless nobody else holds it. Savepoints are lists of the older images; nothing is copied back.
//!
//! A concurrent transaction is a write transaction without the lock, which keeps a log of its rows: `concurrent.rs`.

mod commit;
mod concurrent;
mod earlier;
mod file;
mod memory;
mod modes;
mod raw;
mod read_set;
mod reads;
mod savepoint;
pub(crate) mod spill;
mod table;
mod temp;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};

use crate::format::DatabaseHeader;
use crate::format::header::is_page_size;
use crate::format::layout::{lock_byte_page, ptrmap};
use crate::page::{Page, PageNo, PageRef, SparePages};
use concurrent::Tap;
pub use earlier::SnapshotId;
use file::FileBacking;
pub use modes::{JournalMode, Synchronous};
pub(crate) use read_set::{End, Range, Span, SpanId};
use savepoint::{Before, Savepoint};
use spill::Spill;
use table::{PageTable, Slot};
use temp::TempBacking;
pub use temp::{DEFAULT_TEMP_BYTES, TempSpace};

/// Largest page number SQLite allows by default (`max_page_count`).
pub const DEFAULT_MAX_PAGE_COUNT: u32 = 4_294_967_294;

/// How a write transaction locks the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// `BEGIN IMMEDIATE`, or the first write of a deferred transaction: readers go on.
    Reserved,
    /// `BEGIN EXCLUSIVE`: in rollback modes, readers are locked out from the start.
    Exclusive,
    /// As `Reserved`; where nothing has been read yet, and nothing will be shown before the commit or [`Pager::await_base`], so
    /// that it may begin on commits of this process that are not durable yet.
    Eager,
}

/// Where the pages come from.
enum Backing {
    /// Private memory (`:memory:`): transactions keep older images of all they change.
    Memory,
    /// Ephemeral trees: always in a write transaction that never ends.
    Temp(Box<TempBacking>),
    /// A database file, with its journal or log.
    File(Box<FileBacking>),
}

impl Backing {
    /// True where a page that leaves the table is lost.
    #[inline]
    fn is_memory(&self) -> bool {
        !matches!(self, Backing::File(_))
    }
}

/// Where the pager is in the life of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Idle,
    /// A snapshot is held, page 1 of it is on its way.
    Opening,
    Read,
    Write,
}

/// What the cache of a pager holds and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheCounts {
    /// Bytes of its pages.
    pub resident_bytes: u64,
    /// Pages that were there when they were asked for.
    pub hits: u64,
    /// Pages that were not.
    pub misses: u64,
    /// Pages that commits have written.
    pub writes: u64,
    /// Pages written before the commit, for want of room.
    pub spills: u64,
}

/// See the module's documentation.
pub struct Pager {
    backing: Backing,
    state: State,
    table: PageTable,
    header: DatabaseHeader,
    page_count: u32,
    max_page_count: u32,
    change_epoch: u64,
    data_version: u32,
    /// Counts transactions and savepoints; a page whose slot carries a number at or above `transaction_mark` is dirty.
    mark: u64,
    transaction_mark: u64,
    next_mark: u64,
    /// Pages that became dirty in this transaction, perhaps more than once, perhaps clean again by now.
    dirty: Vec<PageNo>,
    savepoints: Vec<Savepoint>,
    /// What a rollback goes back to.
    transaction_header: DatabaseHeader,
    transaction_page_count: u32,
    /// More resident pages than this let `unpin` drop the clean ones.
    trim_above: usize,
    /// Images to be written over by the next copies.
    spare: SparePages,
    /// Where a database in memory keeps to a budget.
    within: Option<Box<memory::Within>>,
    /// Dirty pages that are not in memory; of a database in memory, all such pages.
    spill: Option<Box<Spill>>,
    /// More dirty pages than this are spilled.
    spill_above: usize,
    secure_delete: u8,
    /// `PRAGMA synchronous` of what has no file: remembered, no more.
    unused_synchronous: Synchronous,
    /// Bytes that a journal or log may keep after its transaction; below 0: any number.
    journal_size_limit: i64,
    /// The snapshot was taken by a `begin_write` that has not succeeded yet.
    own_snapshot: bool,
    /// Who wants to know of each row that changes.
    tap: Tap,
    /// The pages that were read, where somebody wants to know.
    read_set: Option<Box<read_set::ReadSet>>,
    /// Without the resident bytes, which the table knows.
    counts: CacheCounts,
}

impl Pager {
    fn new(backing: Backing, page_size: u32) -> Self {
        debug_assert!(is_page_size(page_size));
        Self {
            backing,
            state: State::Idle,
            table: PageTable::default(),
            header: DatabaseHeader::new(page_size),
            page_count: 0,
            max_page_count: DEFAULT_MAX_PAGE_COUNT,
            change_epoch: 1,
            data_version: 1,
            mark: 0,
            transaction_mark: u64::MAX,
            next_mark: 1,
            dirty: Vec::new(),
            savepoints: Vec::new(),
            transaction_header: DatabaseHeader::new(page_size),
            transaction_page_count: 0,
            trim_above: usize::MAX,
            own_snapshot: false,
            secure_delete: 0,
            unused_synchronous: Synchronous::Full,
            journal_size_limit: -1,
            spare: SparePages::default(),
            within: None,
            spill: None,
            spill_above: usize::MAX,
            tap: Tap::None,
            read_set: None,
            counts: CacheCounts::default(),
        }
    }

    /// A private database in memory. Page 1 appears with the first write transaction.
    pub fn in_memory(page_size: u32) -> Self {
        Self::new(Backing::Memory, page_size)
    }

    /// Pages for ephemeral trees: in memory, always writable, no transaction to begin or end.
    /// Page 1 exists (its header holds the freelist); trees are built on pages that follow.
    pub fn temp(page_size: u32) -> Self {
        Self::temp_database(None, DatabaseHeader::new(page_size))
    }

    // ---- Geometry -------------------------------------------------------------------------------------------------

    /// Bytes of a page.
    #[inline]
    pub fn page_size(&self) -> u32 {
        self.header.page_size
    }

    /// Bytes of a page that the engine may use: without the reserved bytes at its end.
    #[inline]
    pub fn usable_size(&self) -> u32 {
        self.header.usable_size()
    }

    /// Pages of the database, in this snapshot or transaction.
    #[inline]
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// The limit of `PRAGMA max_page_count`.
    pub fn max_page_count(&self) -> u32 {
        self.max_page_count
    }

    /// Sets the limit, never below the current size; answers the limit that holds.
    pub fn set_max_page_count(&mut self, limit: u32) -> u32 {
        if limit > 0 {
            self.max_page_count = limit.clamp(self.page_count, DEFAULT_MAX_PAGE_COUNT);
        }
        self.max_page_count
    }

    /// True where the database has pointer-map pages.
    pub fn auto_vacuum(&self) -> bool {
        self.header.auto_vacuum()
    }

    /// Commits give free pages back to the file system.
    pub fn gives_pages_back(&self) -> bool {
        self.auto_vacuum() && self.header.incremental_vacuum == 0
    }

    /// The page that holds the lock bytes and is never used.
    pub fn lock_byte_page(&self) -> PageNo {
        lock_byte_page(self.page_size())
    }

    /// The pointer-map page with the entry of `page` (itself, if it is one); `None` for page 1.
    pub fn ptrmap_page_for(&self, page: PageNo) -> Option<PageNo> {
        ptrmap::page_for(page, self.page_size(), self.usable_size())
    }

    /// The decoded header of the snapshot or transaction.
    #[inline]
    pub fn header(&self) -> &DatabaseHeader {
        &self.header
    }

    /// Changes with every edit, and when a rollback brings older pages back: cursors compare it.
    #[inline]
    pub fn change_epoch(&self) -> u64 {
        self.change_epoch
    }

    /// Changes when another connection has committed (`PRAGMA data_version`).
    pub fn data_version(&self) -> u32 {
        self.data_version
    }

    /// True while a write transaction is open.
    #[inline]
    pub fn in_write(&self) -> bool {
        self.state == State::Write
    }

    /// The number of the open write transaction, which no other one of this pager has.
    #[inline]
    pub(crate) fn write_transaction(&self) -> u64 {
        self.transaction_mark
    }

    /// True while a snapshot is held.
    pub fn in_read(&self) -> bool {
        self.state >= State::Read
    }

    /// True where the database can be written at all.
    pub fn is_writable(&self) -> bool {
        match &self.backing {
            Backing::File(file) => !file.db.is_read_only() && self.header.write_version <= 2,
            Backing::Memory | Backing::Temp(_) => true,
        }
    }

    // ---- Reading --------------------------------------------------------------------------------------------------

    /// A page of the snapshot or transaction; `Err(Pending)` once a read of it has been started.
    #[inline]
    pub fn page(&mut self, no: PageNo) -> Result<PageRef> {
        if self.tracks_reads() {
            self.note_read(no);
        }
        match self.table.get(no) {
            Some(page) => {
                self.counts.hits += 1;
                Ok(page.clone())
            }
            None => self.page_slow(no),
        }
    }

    /// What the cache holds and has done.
    pub fn cache_counts(&self) -> CacheCounts {
        let resident_bytes = self.table.resident() as u64 * u64::from(self.header.page_size);
        CacheCounts { resident_bytes, ..self.counts }
    }

    /// Changes the counters.
    pub fn reset_cache_counts(&mut self, reset: impl FnOnce(&mut CacheCounts)) {
        reset(&mut self.counts);
    }

    /// The bytes of a page that this connection has at hand.
    #[inline]
    pub(crate) fn resident(&self, no: PageNo) -> Option<&[u8]> {
        self.table.get(no).map(|page| &page[..])
    }

    /// A page of the snapshot or transaction that this connection has at hand.
    #[inline]
    pub(crate) fn resident_page(&self, no: PageNo) -> Option<&PageRef> {
        self.table.get(no)
    }

    /// So many pages have been found at hand.
    pub(crate) fn count_hits(&mut self, pages: u64) {
        self.counts.hits += pages;
    }

    /// True when this image is that of the page in this snapshot or transaction, and resident.
    #[inline(always)]
    pub(crate) fn has_now(&self, no: PageNo, image: &PageRef) -> bool {
        self.table.get(no).is_some_and(|page| Arc::ptr_eq(page, image))
    }

    /// True when the page is as this snapshot or transaction has it now; false also where it is not resident any more.
    #[inline]
    pub fn is_current(&self, page: &PageRef) -> bool {
        self.has_now(page.no(), page)
    }

    #[cold]
    fn page_slow(&mut self, no: PageNo) -> Result<PageRef> {
        if self.state == State::Idle {
            // The snapshot was lost with a commit that failed.
            return Err(Error::from_code(ResultCode::ABORT_ROLLBACK));
        }
        if no == PageNo::ONE && self.page_count == 0 {
            // Nobody has written yet: what a reader sees is the page that the first writer will create.
            let mut page = Page::zeroed(no, self.page_size());
            self.header.encode_first_page(Page::unique(&mut page));
            return Ok(page);
        }
        if no.0 == 0 || no.0 > self.page_count {
            return Err(Error::corrupt(no.0, "page number past the end of the database"));
        }
        if matches!(self.backing, Backing::Memory)
            && let Some(slot) = self.spilled(no)
        {
            return self.read_let_go(no, slot);
        }
        match &self.backing {
            Backing::File(file) if file.severed => Err(Error::from_code(ResultCode::IOERR_READ)),
            Backing::File(_) => {
                let page = self.read_page(no);
                self.counts.misses += u64::from(page.is_ok());
                page
            }
            Backing::Temp(temp) if !temp.is_in_memory() && no != self.lock_byte_page() => self.read_temp(no),
            // All others are resident except the lock-byte page.
            Backing::Memory | Backing::Temp(_) => Err(Error::corrupt(no.0, "reference to the lock-byte page")),
        }
    }

    /// Called between instructions: pages fetched so far may be let go.
    #[inline]
    pub fn unpin(&mut self) {
        if self.table.resident() > self.trim_above {
            self.trim();
        }
    }

    // ---- Writing: the apply phase -----------------------------------------------------------------------------------

    /// The page, to be changed. It was fetched by [`Pager::page`] in this instruction or made by this transaction.
    #[inline]
    pub fn edit(&mut self, no: PageNo) -> &mut Page {
        assert!(self.state == State::Write, "edit outside a write transaction");
        self.change_epoch += 1;
        if self.table.slot_mut(no).is_none_or(|slot| slot.mark < self.mark) {
            self.save_before_write(no);
        }
        match self.table.slot_mut(no) {
            Some(Slot { page: Some(page), .. }) => {
                if Arc::strong_count(page) != 1
                    && let Some(copy) = self.spare.copy_of(page)
                {
                    *page = copy;
                }
                Page::unique(page)
            }
            _ => panic!("edit of a page that is not resident"),
        }
    }

    /// On the first write after the newest mark: notes the page as dirty, and for the savepoint what it was.
    #[cold]
    fn save_before_write(&mut self, no: PageNo) {
        let mark = self.mark;
        // An image that a file has need not be kept in memory as well.
        let in_file = if self.within.is_some() { self.forget_spilled(no) } else { None };
        let Some(Slot { page: Some(page), mark: written }) = self.table.slot_mut(no) else {
            panic!("edit of a page that is not resident");
        };
        if *written < mark {
            let was_dirty = *written >= self.transaction_mark;
            if let Some(savepoint) = self.savepoints.last_mut() {
                // Page 1 stays resident in every write transaction.
                let keep = was_dirty || self.backing.is_memory() || no == PageNo::ONE;
                let before = match in_file {
                    Some(slot) => Before::Spilled(slot),
                    None if keep => Before::Page(page.clone()),
                    None => Before::Gone,
                };
                savepoint.save_written(no, before, was_dirty, *written);
            }
            if !was_dirty && !matches!(self.backing, Backing::Temp(_)) {
                self.dirty.push(no);
            }
            *written = mark;
        }
    }

    /// Grows the database by one zeroed page, dirty from the start; skips the lock-byte page.
    ///
    /// Whether the database may grow is asked before, in the gather phase: [`Pager::check_growth`].
    pub fn append_page(&mut self) -> PageNo {
        assert!(self.state == State::Write, "append outside a write transaction");
        let mut next = self.page_count + 1;
        if PageNo(next) == self.lock_byte_page() {
            next += 1;
        }
        let no = PageNo(next);
        self.change_epoch += 1;
        if let Some(savepoint) = self.savepoints.last_mut() {
            // Undone by the page count, but a page that was cut off earlier in this transaction may have stood here.
            savepoint.save(no, Before::Gone, false);
        }
        let page = self.fresh_page(no);
        self.table.put(no, page, self.mark);
        if !matches!(self.backing, Backing::Temp(_)) {
            self.dirty.push(no);
        }
        self.page_count = next;
        no
    }

    /// An existing page, to be written anew: zeroed, whatever it held. It need not be resident and is not read.
    ///
    /// For pages taken from the freelist: a copy would be thrown away.
    pub fn overwrite(&mut self, no: PageNo) -> &mut Page {
        let zeroed = self.discard_content(no);
        let page = self.edit(no);
        if !zeroed {
            page.fill(0);
        }
        page
    }

    /// An existing page becomes one with these bytes, as [`overwrite`](Self::overwrite) would do it: for pages that rebalancing
    /// rebuilds.
    pub(crate) fn overwrite_with(&mut self, no: PageNo, bytes: &[u8]) {
        self.discard_content(no);
        self.edit(no).copy_from_slice(bytes);
    }

    /// Makes a page that this connection alone has of one whose content is not needed any more, except by savepoints. True when
    /// its bytes are zeros; otherwise they are anything.
    fn discard_content(&mut self, no: PageNo) -> bool {
        assert!(self.state == State::Write, "overwrite outside a write transaction");
        assert!(no.0 >= 1 && no.0 <= self.page_count, "overwrite of a page past the end");
        if self.table.get(no).is_none() {
            self.change_epoch += 1;
            let spilled = self.forget_spilled(no);
            if let Some(savepoint) = self.savepoints.last_mut() {
                savepoint.save(no, spilled.map_or(Before::Gone, Before::Spilled), spilled.is_some());
            }
            // (One that was spilled is in the list.)
            if spilled.is_none() && !matches!(self.backing, Backing::Temp(_)) {
                self.dirty.push(no);
            }
            self.table.put(no, Page::zeroed(no, self.header.page_size), self.mark);
            return true;
        }
        let (mark, page_size) = (self.mark, self.header.page_size);
        let alone = self.table.slot_mut(no).is_some_and(|slot| {
            slot.mark >= mark && slot.page.as_mut().is_some_and(|page| Arc::get_mut(page).is_some())
        });
        if !alone {
            // Keep the old image where a savepoint wants it, then put an empty page in its place.
            self.save_before_write(no);
            self.table.put(no, Page::zeroed(no, page_size), mark);
        }
        !alone
    }

    /// `SQLITE_FULL` where `pages` more pages do not fit under `max_page_count`.
    pub fn check_growth(&self, pages: u32) -> Result<()> {
        if self.max_page_count - self.page_count.min(self.max_page_count) < pages {
            return Err(Error::from_code(ResultCode::FULL));
        }
        Ok(())
    }

    /// Cuts the database off behind page `n`.
    pub fn truncate(&mut self, n: u32) {
        assert!(self.state == State::Write, "truncate outside a write transaction");
        assert!(n >= 1 && n <= self.page_count);
        self.change_epoch += 1;
        let mut dropped = Vec::new();
        self.table.for_each_above(n, |no, _| dropped.push(no));
        for no in dropped {
            let slot = self.table.take(no);
            if let Some(savepoint) = self.savepoints.last_mut() {
                let was_dirty = slot.mark >= self.transaction_mark;
                // What was written since the mark has been saved already.
                if slot.mark < self.mark {
                    let keep = was_dirty || self.backing.is_memory();
                    let before = slot.page.filter(|_| keep).map_or(Before::Gone, Before::Page);
                    savepoint.save_written(no, before, was_dirty, slot.mark);
                }
            }
        }
        for (no, slot) in self.take_spilled_above(n) {
            if let Some(savepoint) = self.savepoints.last_mut() {
                savepoint.save(no, Before::Spilled(slot), true);
            }
        }
        self.page_count = n;
    }

    /// Changes header fields; page 1 is resident in every write transaction.
    pub fn edit_header(&mut self, f: impl FnOnce(&mut DatabaseHeader)) {
        let mut header = self.header;
        f(&mut header);
        if header != self.header {
            self.header = header;
            header.encode(&mut self.edit(PageNo::ONE)[..DatabaseHeader::SIZE]);
        }
    }

    // ---- Transactions -----------------------------------------------------------------------------------------------

    /// Takes a snapshot of the newest committed state; where one is held, keeps it.
    pub fn begin_read(&mut self) -> Result<()> {
        if self.state >= State::Read {
            return Ok(());
        }
        match self.backing {
            Backing::Memory | Backing::Temp(_) => {
                self.state = State::Read;
                Ok(())
            }
            Backing::File(_) => self.begin_read_file(),
        }
    }

    /// Lets the snapshot go.
    pub fn end_read(&mut self) {
        if matches!(self.backing, Backing::Temp(_)) || self.state == State::Idle {
            return;
        }
        assert!(self.state != State::Write, "end of a snapshot inside a write transaction");
        self.state = State::Idle;
        self.own_snapshot = false;
        self.read_set = None;
        self.forget_concurrent_snapshot();
        self.release_snapshot();
    }

    /// As [`end_read`](Self::end_read), for a look at the catalogue before a statement reads: others find the file free in between.
    pub fn end_look(&mut self) {
        if let Backing::File(file) = &mut self.backing {
            file.be_brief();
        }
        self.end_read();
    }

    /// Turns the snapshot (taken now, if there is none) into a write transaction.
    ///
    /// `SQLITE_BUSY_SNAPSHOT` where the snapshot was taken before and somebody has committed since. A snapshot that
    /// this call took itself is let go when the call fails.
    pub fn begin_write(&mut self, mode: WriteMode) -> Result<()> {
        if self.state == State::Write {
            return self.strengthen_write(mode);
        }
        if self.state == State::Idle {
            if matches!(&self.backing, Backing::File(file) if file.another_writes()) {
                return Err(Error::from_code(ResultCode::BUSY));
            }
            self.own_snapshot = true;
        }
        match self.begin_write_once(mode) {
            Err(e) if self.own_snapshot && !e.is_pending() => {
                self.end_read();
                if e.code() != ResultCode::BUSY_SNAPSHOT {
                    return Err(e);
                }
                // Somebody committed between the snapshot and the lock: no conflict, only bad luck.
                self.own_snapshot = true;
                self.begin_write_once(mode).map_err(|e| {
                    if e.is_pending() {
                        return e;
                    }
                    self.end_read();
                    if e.is(ResultCode::BUSY) { Error::from_code(ResultCode::BUSY) } else { e }
                })
            }
            other => other,
        }
    }

    fn begin_write_once(&mut self, mode: WriteMode) -> Result<()> {
        self.begin_read()?;
        if matches!(self.backing, Backing::File(_)) {
            self.lock_for_write(mode)?;
            // Nobody else commits until this transaction has: it need not remember what it reads.
            self.read_set = None;
            self.tap = self.plain_tap();
        }
        self.own_snapshot = false;
        self.start_write();
        if self.page_count == 0 {
            self.create_first_page();
        }
        Ok(())
    }

    /// The changes of a transaction are collected from here on.
    fn start_write(&mut self) {
        self.state = State::Write;
        self.transaction_mark = self.next_mark;
        self.mark = self.next_mark;
        self.next_mark += 1;
        self.dirty.clear();
        self.savepoints.clear();
        self.transaction_header = self.header;
        self.transaction_page_count = self.page_count;
        if matches!(self.backing, Backing::Memory) {
            // The transaction itself is a savepoint: there is no file to read the older pages from.
            self.push_savepoint();
        }
    }

    fn create_first_page(&mut self) {
        let no = self.append_page();
        debug_assert_eq!(no, PageNo::ONE);
        let mut header = self.header;
        if matches!(&self.backing, Backing::File(file) if file.starts_with_wal) {
            (header.write_version, header.read_version) = (2, 2);
        }
        header.encode_first_page(self.edit(no));
        self.header = header;
    }

    /// Makes the transaction durable and visible; the snapshot stays, now of the new state.
    ///
    /// `SQLITE_BUSY` leaves the transaction open, to be committed again; any other failure has rolled it back.
    pub fn commit(&mut self) -> Result<()> {
        if self.state != State::Write {
            return Ok(());
        }
        match self.backing {
            Backing::Temp(_) => Ok(()),
            Backing::Memory => {
                // No other process could see what is stamped into a file's header.
                if !self.dirty.is_empty() {
                    let page_count = self.page_count;
                    self.edit_header(|h| h.database_size = page_count);
                }
                self.finish_write();
                Ok(())
            }
            Backing::File(_) => self.commit_file(),
        }
    }

    /// What SQLite writes into page 1 with a commit. Running it twice changes nothing more.
    fn stamp_header(&mut self) {
        let page_count = self.page_count;
        let counter = self.transaction_header.change_counter.wrapping_add(1);
        self.edit_header(|h| {
            h.change_counter = counter;
            h.version_valid_for = counter;
            h.sqlite_version = DatabaseHeader::SQLITE_VERSION;
            h.database_size = page_count;
        });
    }

    fn finish_write(&mut self) {
        self.savepoints.clear();
        self.dirty.clear();
        match &mut self.spill {
            Some(spill) if self.within.is_some() => spill.reclaim(),
            _ => self.spill = None,
        }
        self.transaction_mark = u64::MAX;
        self.state = State::Read;
        self.read_set = None;
        self.end_tap();
    }

    /// Drops all changes of the transaction; the snapshot stays.
    pub fn rollback(&mut self) {
        if self.state != State::Write {
            return;
        }
        if self.undo_written() {
            return;
        }
        match self.backing {
            Backing::Temp(_) => return,
            Backing::Memory => self.undo_to(0),
            Backing::File(_) => {
                for no in std::mem::take(&mut self.dirty) {
                    self.table.take(no);
                }
                if self.header.page_size != self.transaction_header.page_size {
                    self.table.retain(|_, _| false);
                }
                self.unlock_write();
            }
        }
        self.header = self.transaction_header;
        self.page_count = self.transaction_page_count;
        self.finish_write();
        self.change_epoch += 1;
    }

    // ---- Choices before the first write -------------------------------------------------------------------------------

    /// Sets the page size of a database that has no page yet; ignored afterwards.
    pub fn set_page_size(&mut self, page_size: u32) {
        if is_page_size(page_size) {
            self.set_initial_header(|h| h.page_size = page_size);
        }
    }

    /// Changes the header that the first write will create (encoding, auto-vacuum, page size); ignored afterwards.
    pub fn set_initial_header(&mut self, f: impl FnOnce(&mut DatabaseHeader)) {
        if self.page_count > 0 || self.state == State::Write {
            return;
        }
        match &mut self.backing {
            Backing::Memory | Backing::Temp(_) => f(&mut self.header),
            Backing::File(file) => {
                f(&mut file.initial_header);
                self.header = file.initial_header;
            }
        }
    }
}
