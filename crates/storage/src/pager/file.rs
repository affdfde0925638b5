//! The part of the pager that works on a database file: snapshots, reading pages, keeping the table current.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, File};

use super::commit::Committing;
use super::reads::Reads;
use super::spill::DEFAULT_SPILL_BYTES;
use super::{Backing, JournalMode, Pager, State, Synchronous, WriteMode};
use crate::concurrent::LiveSnapshot;
use crate::file::locks::PagerId;
use crate::file::versions::{Changes, CommitNo};
use crate::file::{DatabaseFile, FileTip, Opened};
use crate::format::DatabaseHeader;
use crate::journal::companion;
use crate::page::PageNo;
use crate::wal::{LogAtEnd, Wal, WalSnapshot, Written};

/// Bytes of clean pages that a connection keeps for itself unless told otherwise.
const DEFAULT_CACHE_BYTES: usize = 32 << 20;

/// Where the pages of the snapshot lie.
pub(super) enum Source {
    None,
    /// The file alone, under a SHARED lock.
    Rollback(FileTip),
    /// The log as far as the snapshot reaches, then the file.
    Wal(WalSnapshot),
}

impl Source {
    /// Fails where the snapshot was too old and has been let go; see `wal/age.rs`.
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self {
            Source::Wal(snapshot) => snapshot.check(),
            _ => Ok(()),
        }
    }
}

/// What a pager of a database file has beyond one in memory.
pub(super) struct FileBacking {
    pub db: Arc<DatabaseFile>,
    pub id: PagerId,
    pub source: Source,
    pub wal: Option<Arc<Wal>>,
    /// The clean pages in the table are those of this commit; 0: the table is empty.
    pub commit: CommitNo,
    /// The header and the page count are those of this commit.
    pub header_commit: CommitNo,
    pub reads: Reads,
    /// False where the caller's thread must not wait for the disk; see [`FileBacking::needs_to_block`].
    pub may_block: bool,
    /// An operation was pending because it has to block.
    pub wants_thread: bool,
    pub rollback_mode: JournalMode,
    pub synchronous: Synchronous,
    pub wal_autocheckpoint: u32,
    pub cache_pages: usize,
    /// A commit has made the log long: checkpoint once the snapshot is gone, which would hold it back.
    pub checkpoint_wanted: bool,
    /// The journal mode is being changed: the log has been removed, the header still names it.
    pub leaving_wal: bool,
    pub committing: Committing,
    /// A database that this connection creates begins with a log.
    pub starts_with_wal: bool,
    /// `locking_mode = exclusive`: locks are kept when transactions end.
    pub exclusive: bool,
    /// What becomes of the log if this is the last connection.
    pub log_at_end: LogAtEnd,
    /// The SHARED lock (or more) of a transaction that has ended is still held.
    pub kept: bool,
    /// This connection no longer reads or writes the file ([`Pager::sever`]).
    pub severed: bool,
    /// A database whose first page is damaged is opened all the same.
    pub overlooks_damage: bool,
    /// The header that the first write to an empty database creates.
    pub initial_header: DatabaseHeader,
    /// The snapshot is that of a concurrent transaction.
    pub live: Option<LiveSnapshot>,
    /// What had been written beyond that snapshot when it was taken, and was not visible: the transaction may begin on it.
    pub ahead: Option<Written>,
    /// The concurrent transaction began, or would have, on commits that are not visible, since its first statement writes.
    pub begins_ahead: bool,
    /// The write transaction began on this commit, which was not durable then.
    pub base: Option<CommitNo>,
    /// The turn to write, or the commit below this one, that is waited for.
    pub turn: Option<Completion>,
}

impl FileBacking {
    /// True where another connection of this process writes: then there is no point in taking a snapshot first, which
    /// might be the one that its commit waits for.
    pub(super) fn another_writes(&self) -> bool {
        match &self.wal {
            Some(wal) => wal.has_other_writer(self.id),
            None => self.db.locks().has_other_writer(self.id),
        }
    }
}

impl Drop for FileBacking {
    fn drop(&mut self) {
        self.exclusive = false;
        self.release();
        self.release_kept();
        self.db.remove_pager(self.id, self.synchronous, self.log_at_end);
    }
}

impl FileBacking {
    /// Run by what blocks and has changed nothing yet: pending where the caller's thread must not.
    pub(super) fn needs_to_block(&mut self) -> Result<()> {
        if self.may_block {
            return Ok(());
        }
        self.wants_thread = true;
        Err(Error::Pending)
    }

    /// The same for what has found out on its way.
    fn unless_blocked<T>(&mut self, result: Result<T>) -> Result<T> {
        self.wants_thread |= matches!(result, Err(Error::Pending));
        result
    }

    /// Lets go of the snapshot and, where one is held, of the write lock.
    fn release(&mut self) {
        self.base = None;
        if let (Some(_), Some(wal)) = (self.turn.take(), &self.wal) {
            wal.leave_queue(self.id);
        }
        self.reads.clear();
        self.committing.abandon(&self.db, self.wal.as_deref());
        match std::mem::replace(&mut self.source, Source::None) {
            Source::None => {}
            Source::Rollback(_) if self.exclusive => self.kept = true,
            Source::Rollback(_) => {
                if !self.db.options().immutable {
                    let mut locks = self.db.locks();
                    let _ = locks.downgrade(self.id, &**self.db.file());
                    locks.unlock_shared(&**self.db.file());
                }
            }
            Source::Wal(snapshot) => {
                if let Some(wal) = &self.wal {
                    wal.end_write(self.id);
                    wal.end_read(snapshot);
                }
            }
        }
        self.db.lock_released();
    }

    /// The snapshot in hand is let go at once when it ends, and no lock of it lingers.
    pub(super) fn be_brief(&mut self) {
        if let Source::Wal(snapshot) = &mut self.source {
            snapshot.brief = true;
        }
    }

    /// Lets go of what was kept between transactions, and of the journal that was kept with it.
    pub(super) fn release_kept(&mut self) {
        if std::mem::take(&mut self.kept) {
            let deletes = self.rollback_mode == JournalMode::Delete && !self.db.is_inherited();
            if deletes && self.db.locks().is_exclusive(self.id) {
                let _ = self.db.io().delete(&companion(self.db.path(), "-journal"), false);
            }
            let mut locks = self.db.locks();
            let _ = locks.downgrade(self.id, &**self.db.file());
            locks.unlock_shared(&**self.db.file());
            drop(locks);
            self.db.lock_released();
        }
    }
}

impl Pager {
    /// A pager of a database file: one per connection.
    pub fn open(db: Arc<DatabaseFile>) -> Self {
        let page_size = db.options().page_size;
        let id = db.add_pager();
        let backing = FileBacking {
            id,
            source: Source::None,
            wal: None,
            commit: 0,
            header_commit: 0,
            reads: Reads::default(),
            may_block: true,
            wants_thread: false,
            rollback_mode: JournalMode::Delete,
            synchronous: Synchronous::Full,
            wal_autocheckpoint: 1000,
            cache_pages: DEFAULT_CACHE_BYTES / page_size as usize,
            checkpoint_wanted: false,
            leaving_wal: false,
            committing: Committing::No,
            starts_with_wal: db.options().wal,
            exclusive: false,
            log_at_end: LogAtEnd::default(),
            kept: false,
            severed: false,
            overlooks_damage: false,
            initial_header: DatabaseHeader::new(page_size),
            live: None,
            ahead: None,
            begins_ahead: false,
            base: None,
            turn: None,
            db,
        };
        let trim_above = backing.cache_pages;
        let mut pager = Self::new(Backing::File(Box::new(backing)), page_size);
        pager.trim_above = trim_above;
        pager.spill_above = DEFAULT_SPILL_BYTES / page_size as usize;
        pager
    }

    /// The database file, for pagers that have one.
    pub fn database_file(&self) -> Option<&Arc<DatabaseFile>> {
        self.file().map(|file| &file.db)
    }

    pub(super) fn file(&self) -> Option<&FileBacking> {
        match &self.backing {
            Backing::File(file) => Some(file),
            Backing::Memory | Backing::Temp(_) => None,
        }
    }

    /// For code that only runs on pagers of files.
    pub(super) fn file_mut(&mut self) -> &mut FileBacking {
        match &mut self.backing {
            Backing::File(file) => file,
            Backing::Memory | Backing::Temp(_) => unreachable!("a pager of a file"),
        }
    }

    // ---- Snapshots ------------------------------------------------------------------------------------------------

    pub(super) fn begin_read_file(&mut self) -> Result<()> {
        if self.state == State::Idle {
            self.acquire_snapshot()?;
            self.state = State::Opening;
        }
        match self.load_header() {
            Ok(()) => {
                self.state = State::Read;
                Ok(())
            }
            Err(Error::Pending) => Err(Error::Pending),
            Err(e) => {
                self.state = State::Idle;
                self.release_snapshot();
                // Page 1 may have been dropped or never read: look at everything afresh next time.
                self.forget_everything();
                Err(e)
            }
        }
    }

    fn acquire_snapshot(&mut self) -> Result<()> {
        let file = self.file_mut();
        if file.severed {
            return Err(Error::from_code(ResultCode::IOERR_LOCK));
        }
        if file.db.is_owned_by_other(file.id) {
            return Err(Error::from_code(ResultCode::BUSY));
        }
        if file.commit == 0 {
            // The first one opens, looks for a journal, and may have to recover.
            file.needs_to_block()?;
        }
        let commit = loop {
            if file.kept {
                let tip = file.db.tip_under_kept_lock()?;
                if !tip.wal || file.leaving_wal {
                    file.kept = false;
                    file.source = Source::Rollback(tip);
                    break tip.commit;
                }
                file.release_kept();
            }
            if let Some(wal) = &file.wal {
                if file.exclusive && !wal.is_private() {
                    file.db.own(file.id)?;
                }
                let snapshot = wal.begin_read(&file.db, file.may_block);
                match file.unless_blocked(snapshot)? {
                    Some(snapshot) => {
                        let commit = snapshot.commit();
                        file.source = Source::Wal(snapshot);
                        break commit;
                    }
                    // Closed since: the journal mode has changed.
                    None => file.wal = None,
                }
            }
            let opened = file.db.begin_shared(file.leaving_wal, file.exclusive.then_some(file.id), file.may_block);
            match file.unless_blocked(opened)? {
                // Another connection of this process is about to leave it, and may have to be asked again before it has done.
                Opened::Wal(wal) if wal.is_closed() => return Err(Error::from_code(ResultCode::BUSY)),
                Opened::Wal(wal) => file.wal = Some(wal),
                Opened::Rollback(tip) => {
                    file.source = Source::Rollback(tip);
                    break tip.commit;
                }
            }
        };
        self.move_to_commit(commit);
        Ok(())
    }

    /// Drops from the table what changed between the last snapshot and this one.
    pub(super) fn move_to_commit(&mut self, commit: CommitNo) {
        let file = self.file_mut();
        let from = file.commit;
        if from == commit {
            return;
        }
        let (changes, foreign) = file.db.versions().changes(from, commit, file.id);
        file.commit = commit;
        match changes {
            Changes::All => self.table.retain(|_, _| false),
            Changes::Pages(lists) => {
                for no in lists.iter().flat_map(|pages| pages.iter()) {
                    if let Some(page) = self.table.take(PageNo(*no)).page {
                        self.spare.keep(page);
                    }
                }
            }
        }
        self.change_epoch += 1;
        if foreign && from != 0 {
            self.data_version = self.data_version.wrapping_add(1);
        }
    }

    pub(super) fn forget_everything(&mut self) {
        self.table.retain(|_, _| false);
        self.change_epoch += 1;
        let file = self.file_mut();
        file.commit = 0;
        file.header_commit = 0;
    }

    /// Whether a database whose first page is damaged can be opened all the same, to be written over: see
    /// [`Pager::begin_write`]. What its header says is then what it last said.
    pub fn overlook_damaged_header(&mut self, overlooked: bool) {
        if let Backing::File(file) = &mut self.backing {
            file.overlooks_damage = overlooked;
            if !overlooked {
                file.header_commit = 0;
            }
        }
    }

    /// Reads page 1 and decides the geometry.
    pub(super) fn load_header(&mut self) -> Result<()> {
        let file = self.file_mut();
        if file.header_commit == file.commit {
            return Ok(());
        }
        let overlooks_damage = file.overlooks_damage;
        let known = self.header;
        match self.read_header() {
            Err(e) if overlooks_damage && (e.is(ResultCode::NOTADB) || e.is(ResultCode::CORRUPT)) => {
                self.go_by_known_header(known)
            }
            Err(e) if !e.is_pending() => {
                self.header = known;
                Err(e)
            }
            outcome => outcome,
        }
    }

    /// Page 1 is damaged, and that does not matter.
    fn go_by_known_header(&mut self, known: DatabaseHeader) -> Result<()> {
        let file = self.file_mut();
        let size = file.db.file().size()?;
        let (page_size, pages, wal) = match &file.source {
            Source::Wal(snapshot) => (snapshot.page_size(), snapshot.page_count(), true),
            Source::Rollback(tip) if known.database_size == 0 => (tip.page_size, 0, false),
            _ => (known.page_size, 0, false),
        };
        file.header_commit = file.commit;
        self.table.retain(|_, _| false);
        self.page_count = match pages {
            0 => u32::try_from(size.div_ceil(u64::from(page_size))).unwrap_or(u32::MAX),
            pages => pages,
        };
        let version = if wal { 2 } else { 1 };
        self.header = DatabaseHeader { page_size, write_version: version, read_version: version, ..known };
        Ok(())
    }

    fn read_header(&mut self) -> Result<()> {
        let file = self.file_mut();
        let (mut page_size, wal_pages, size) = match &file.source {
            Source::Rollback(tip) => (tip.page_size, 0, tip.size),
            // The file's size is of no interest where the log knows the number of pages.
            Source::Wal(snapshot) if snapshot.page_count() > 0 => (snapshot.page_size(), snapshot.page_count(), 0),
            Source::Wal(snapshot) => (snapshot.page_size(), 0, file.db.file().size()?),
            Source::None => return Err(Error::from_code(ResultCode::INTERNAL)),
        };
        if wal_pages == 0 && size == 0 {
            self.header = self.file_mut().initial_header;
            self.page_count = 0;
            let file = self.file_mut();
            file.header_commit = file.commit;
            return Ok(());
        }
        let mut again = false;
        let (pages, header) = loop {
            let pages = match wal_pages {
                0 => u32::try_from(size.div_ceil(u64::from(page_size))).unwrap_or(u32::MAX),
                pages => pages,
            };
            if page_size != self.header.page_size {
                self.table.retain(|_, _| false);
                self.header.page_size = page_size;
            }
            self.page_count = pages;
            let first = self.page(PageNo::ONE)?;
            let header = DatabaseHeader::decode(&first)?;
            // While the log is empty the file alone says how large its pages are.
            match self.file_mut() {
                FileBacking { source: Source::Wal(snapshot), wal: Some(wal), .. }
                    if wal_pages == 0 && header.page_size != page_size && !again =>
                {
                    again = true;
                    page_size = header.page_size;
                    snapshot.set_page_size(page_size);
                    wal.set_page_size(page_size);
                }
                _ => break (pages, header),
            }
        };
        if header.page_size != page_size {
            return Err(Error::corrupt(1, "page size of the header differs from that of the log"));
        }
        self.page_count = if header.size_is_valid() { header.database_size } else { pages };
        if self.page_count > pages {
            return Err(Error::corrupt(1, "the file is shorter than its header says"));
        }
        self.header = header;
        let file = self.file_mut();
        file.header_commit = file.commit;
        Ok(())
    }

    pub(super) fn release_snapshot(&mut self) {
        if let Backing::File(file) = &mut self.backing {
            file.release();
            if std::mem::take(&mut file.checkpoint_wanted)
                && let Some(wal) = &file.wal
            {
                let (wal, db, synchronous) = (wal.clone(), file.db.clone(), file.synchronous);
                let limit = file.wal_autocheckpoint;
                let waits = file.may_block;
                let checkpoint = move || {
                    wal.checkpoint_after_commit(&db, limit, synchronous);
                    if waits {
                        wal.let_step_end(&db, limit);
                    }
                };
                if waits {
                    checkpoint();
                } else {
                    let db = file.db.clone();
                    let job = Box::new(move || db.while_open(checkpoint));
                    let _ = file.db.io().run_elsewhere(job).map_err(|job| job());
                }
            }
        }
    }

    /// Drops clean pages when there are too many. Cursors keep those they stand on.
    #[cold]
    pub(super) fn trim(&mut self) {
        if let Backing::Temp(_) = self.backing {
            return self.trim_temp();
        }
        if let Backing::Memory = self.backing {
            return self.trim_memory();
        }
        let transaction_mark = self.transaction_mark;
        self.table.retain(|no, slot| no == PageNo::ONE || slot.mark >= transaction_mark);
        let limit = self.file().map_or(usize::MAX, |file| file.cache_pages);
        let _ = self.maybe_spill();
        self.trim_above = self.table.resident().saturating_add(limit);
    }

    /// Lets go of pages that can be read again, those that all connections share too. No cursor may be in the middle of anything.
    pub fn release_memory(&mut self) {
        let mark = self.transaction_mark;
        let Backing::File(file) = &self.backing else { return };
        file.db.versions().forget_pages();
        self.table.retain(|no, slot| no == PageNo::ONE || slot.mark >= mark);
    }

    /// `PRAGMA cache_size` in pages: how many clean pages this connection keeps.
    pub fn set_cache_pages(&mut self, pages: usize) {
        if let Backing::File(file) = &mut self.backing {
            file.cache_pages = pages.max(16);
            self.trim_above = file.cache_pages;
        }
    }

    /// Whether operations may wait for the disk on the caller's thread. Where they must not, and have to, they are pending,
    /// and [`Self::take_wants_thread`] says so; they are to be run again on a thread that may.
    pub fn set_may_block(&mut self, may: bool) {
        if let Backing::File(file) = &mut self.backing {
            file.may_block = may || file.db.file().completes_inline();
        }
    }

    /// True, once, after an operation was pending because it has to block.
    pub fn take_wants_thread(&mut self) -> bool {
        match &mut self.backing {
            Backing::File(file) => std::mem::take(&mut file.wants_thread),
            Backing::Memory | Backing::Temp(_) => false,
        }
    }

    // ---- Waiting ----------------------------------------------------------------------------------------------------

    /// What the last `Err(Pending)` waits for; `None` where running again is all it takes.
    pub fn waiting_on(&self) -> Option<Completion> {
        if let Backing::Temp(temp) = &self.backing {
            return temp.waiting_on();
        }
        if let Some(within) = &self.within {
            return within.waiting_on();
        }
        let file = self.file()?;
        if let Some(completion) = file.committing.waiting_on() {
            return Some(completion.clone());
        }
        if let Some(turn) = file.turn.as_ref().filter(|turn| !turn.is_ready()) {
            return Some(turn.clone());
        }
        file.reads.waiting_on()
    }

    /// Blocks until what this pager waits for is there.
    pub fn wait_blocking(&self) -> Result<()> {
        if let Backing::Temp(temp) = &self.backing {
            return temp.wait_blocking();
        }
        if let Some(within) = &self.within {
            return within.wait_blocking();
        }
        let Some(file) = self.file() else { return Ok(()) };
        if let Some(completion) = self.waiting_on() {
            while !completion.is_ready() {
                if !file.db.io().step()? {
                    completion.wait();
                }
            }
        }
        Ok(())
    }

    /// Runs `f` again and again while it is pending, blocking in between.
    pub fn block_on<T>(&mut self, mut f: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        loop {
            match f(self) {
                Err(Error::Pending) => self.wait_blocking()?,
                done => return done,
            }
        }
    }

    // ---- Write locks ------------------------------------------------------------------------------------------------

    pub(super) fn lock_for_write(&mut self, mode: WriteMode) -> Result<()> {
        if !self.is_writable() {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        if matches!(&self.file_mut().source, Source::Rollback(tip) if tip.wal) && !self.file_mut().leaving_wal {
            // This connection has just turned the log on: its next transaction goes there.
            self.end_read();
            self.begin_read()?;
        }
        // Page 1 has to be resident for the header to be edited without waiting.
        if self.page_count > 0 {
            self.page(PageNo::ONE)?;
        }
        let file = self.file_mut();
        match &mut file.source {
            Source::Rollback(_) => {
                let mut locks = file.db.locks();
                locks.lock_reserved(file.id, &**file.db.file())?;
                if mode == WriteMode::Exclusive
                    && let Err(e) = locks.lock_exclusive(file.id, &**file.db.file())
                {
                    let _ = locks.downgrade(file.id, &**file.db.file());
                    return Err(e);
                }
                Ok(())
            }
            Source::Wal(snapshot) => {
                let Some(wal) = &file.wal else { return Err(Error::from_code(ResultCode::INTERNAL)) };
                let eager = mode == WriteMode::Eager;
                if wal.begin_write(&file.db, file.id, snapshot, eager)? {
                    let commit = snapshot.commit();
                    file.base = Some(commit);
                    file.reads.clear();
                    self.move_to_commit(commit);
                }
                self.load_header()?;
                if self.page_count > 0 {
                    self.page(PageNo::ONE)?;
                }
                Ok(())
            }
            Source::None => Err(Error::from_code(ResultCode::INTERNAL)),
        }
    }

    /// `BEGIN EXCLUSIVE` semantics for a transaction that writes already.
    pub(super) fn strengthen_write(&mut self, mode: WriteMode) -> Result<()> {
        if mode == WriteMode::Exclusive
            && let Backing::File(file) = &mut self.backing
            && let Source::Rollback(_) = file.source
        {
            file.db.locks().lock_exclusive(file.id, &**file.db.file())?;
        }
        Ok(())
    }

    /// Back to the locks of a reader.
    pub(super) fn unlock_write(&mut self) {
        let file = self.file_mut();
        file.committing.abandon(&file.db, file.wal.as_deref());
        match &file.source {
            Source::Rollback(_) if file.exclusive => {}
            Source::Rollback(_) => {
                let _ = file.db.locks().downgrade(file.id, &**file.db.file());
            }
            Source::Wal(_) => {
                if let Some(wal) = &file.wal {
                    wal.end_write(file.id);
                }
            }
            Source::None => {}
        }
        file.db.lock_released();
    }
}

impl FileBacking {
    /// [`locate`](Self::locate), where a snapshot that was let go is what is told rather than what came of it.
    pub(super) fn located(&self, no: PageNo, page_size: u32) -> Result<(&dyn File, u64, bool)> {
        let place = self.locate(no, page_size);
        self.source.check()?;
        place
    }

    /// The file and the offset that hold a page in this snapshot; true where that is the log.
    pub(super) fn locate(&self, no: PageNo, page_size: u32) -> Result<(&dyn File, u64, bool)> {
        if let (Source::Wal(snapshot), Some(wal)) = (&self.source, &self.wal)
            && let Some(frame) = wal.find(no, snapshot)?
        {
            return Ok((wal.file(), wal.page_offset(frame, page_size), true));
        }
        Ok((&**self.db.file(), u64::from(no.0 - 1) * u64::from(page_size), false))
    }
}
