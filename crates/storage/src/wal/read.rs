//! Snapshots: which header, held by which read mark.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use turso_error::{Error, Result, ResultCode};

use super::Wal;
use super::age::Hold;
use super::doubt::Losses;
use super::index::{HeaderState, WalIndex};
use crate::file::DatabaseFile;
use crate::file::guard;
use crate::file::versions::CommitNo;
use crate::format::wal_index::{IndexHeader, READ_MARKS, lock};
use crate::planted::{self, Planted};

/// Attempts before `SQLITE_PROTOCOL`.
const ATTEMPTS: u32 = 100;

/// What a reader sees.
#[derive(Debug)]
pub(crate) struct WalSnapshot {
    pub(super) header: IndexHeader,
    /// The read mark whose lock is held; 0: the database file has it all.
    pub(super) slot: u32,
    /// Earlier frames are in the database file.
    pub(super) min_frame: u32,
    pub(super) commit: CommitNo,
    page_size: u32,
    /// Where snapshots are limited in age.
    pub(super) hold: Option<Arc<Hold>>,
    /// Where it is of a commit that was not durable then.
    pub(super) losses: Option<Arc<Losses>>,
    /// Where the log is found by an index of this process's own.
    pub(super) index: Option<Arc<WalIndex>>,
    /// The lock is given back at once when it ends, and is not counted among the reads that follow each other.
    pub(crate) brief: bool,
}

impl WalSnapshot {
    /// The same, of a log that another index than the shared one describes.
    pub(super) fn with_index(self, index: Arc<WalIndex>, commit: CommitNo) -> Self {
        Self { index: Some(index), commit, ..self }
    }

    pub fn commit(&self) -> CommitNo {
        self.commit
    }

    /// See [`Wal::set_page_size`].
    pub fn set_page_size(&mut self, page_size: u32) {
        self.page_size = page_size;
    }

    /// Of a log without commits the file alone says it, whatever stands in the log's header.
    pub fn page_size(&self) -> u32 {
        if self.header.page_count == 0 { self.page_size } else { self.header.page_size }
    }

    /// Pages of the database; 0: as many as the file has.
    pub fn page_count(&self) -> u32 {
        self.header.page_count
    }

    /// What can be asked for again.
    pub fn header(&self) -> &IndexHeader {
        &self.header
    }

    pub fn max_frame(&self) -> u32 {
        self.header.max_frame
    }
}

/// Where a reader may find its pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The file alone, where it has everything.
    FileIfComplete,
    /// The log, because this connection is about to append to it.
    Log,
}

impl Wal {
    /// Takes a snapshot of the newest commit; `None` where this log has been closed for good. Pending where that takes a
    /// recovery, or patience, and the caller must not block.
    pub fn begin_read(&self, db: &DatabaseFile, may_block: bool) -> Result<Option<WalSnapshot>> {
        if self.is_pausing() {
            return Err(Error::from_code(ResultCode::BUSY));
        }
        for attempt in 0..ATTEMPTS {
            if self.locks.is_closed() {
                return Ok(None);
            }
            if attempt > 5 && !may_block {
                return Err(Error::Pending);
            }
            if attempt > 5 {
                // Somebody is in between; the times grow to a tenth of a second, ten seconds in all, as in SQLite.
                let delay = if attempt < 10 { 1 } else { u64::from((attempt - 9) * (attempt - 9) * 39) };
                db.io().sleep(Duration::from_micros(delay.min(100_000)));
            }
            let snapshot = match self.try_snapshot(Use::FileIfComplete, may_block) {
                Err(e) if e.is(ResultCode::READONLY_CANTINIT) => match self.begin_unshared(db)? {
                    Some(snapshot) => return Ok(Some(snapshot)),
                    None => continue,
                },
                other => other?,
            };
            if let Some(mut snapshot) = snapshot {
                let number = self.number(db, &snapshot.header);
                if let Ok(Some(commit)) = number {
                    snapshot.commit = commit;
                    self.watch_age(db, &mut snapshot);
                    return Ok(Some(snapshot));
                }
                self.end_read(snapshot);
                number?;
            }
        }
        Err(Error::from_code(ResultCode::PROTOCOL))
    }

    /// Takes a snapshot of an earlier state; `SQLITE_ERROR_SNAPSHOT` where the log and the file no longer have it.
    pub fn begin_read_at(&self, db: &DatabaseFile, header: &IndexHeader) -> Result<WalSnapshot> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                db.io().sleep(Duration::from_millis(1));
            }
            // As long as this is held no checkpoint copies what is newer into the file.
            match self.locks.exclusive(lock::CHECKPOINT, 1) {
                Err(e) if e.is(ResultCode::BUSY) => continue,
                other => other?,
            }
            let snapshot = self.try_read_at(header);
            self.locks.release_exclusive(lock::CHECKPOINT, 1);
            if let Some(mut snapshot) = snapshot? {
                self.watch_age(db, &mut snapshot);
                return Ok(snapshot);
            }
        }
        Err(Error::from_code(ResultCode::BUSY))
    }

    fn try_read_at(&self, header: &IndexHeader) -> Result<Option<WalSnapshot>> {
        let Some(newest) = self.current_header(true)? else { return Ok(None) };
        let still_there = |attempted: u32| attempted <= header.max_frame;
        let known = newest.salt == header.salt && newest.max_frame >= header.max_frame;
        if !known || !still_there(self.index.backfill_attempted()?) {
            return Err(Error::from_code(ResultCode::ERROR_SNAPSHOT));
        }
        let Some((slot, mark)) = self.lock_mark(header)? else { return Ok(None) };
        let min_frame = self.index.backfilled()? + 1;
        self.index.barrier();
        if self.index.read_mark(slot)? != mark || !self.index.has_salt(header.salt)? {
            self.locks.release_shared(lock::read(slot));
            return Ok(None);
        }
        // Number 0 comes before all that are known: nothing read under it is offered to others.
        Ok(Some(self.snapshot_of(*header, slot, min_frame)))
    }

    pub(super) fn snapshot_of(&self, header: IndexHeader, slot: u32, min_frame: u32) -> WalSnapshot {
        let page_size = self.page_size.load(Ordering::Acquire);
        WalSnapshot {
            header,
            slot,
            min_frame,
            commit: 0,
            page_size,
            hold: None,
            losses: None,
            index: None,
            brief: false,
        }
    }

    /// The log has been closed for good: its database has another journal mode, or nobody has it open.
    pub fn is_closed(&self) -> bool {
        self.locks.is_closed()
    }

    /// Lets a snapshot go.
    pub fn end_read(&self, snapshot: WalSnapshot) {
        if snapshot.index.is_some() {
            // Nothing could be checkpointed meanwhile.
            self.locks.release_shared_at_once(lock::read(snapshot.slot));
            return;
        }
        if snapshot.hold.is_none_or(|hold| hold.end()) {
            match snapshot.brief {
                true => self.locks.release_shared_at_once(lock::read(snapshot.slot)),
                false => self.locks.release_shared(lock::read(snapshot.slot)),
            }
        }
    }

    /// One attempt; `None`: try again.
    pub(super) fn try_snapshot(&self, what: Use, may_block: bool) -> Result<Option<WalSnapshot>> {
        let Some(header) = self.current_header(may_block)? else { return Ok(None) };
        if what == Use::FileIfComplete && self.index.backfilled()? == header.max_frame {
            match self.locks.shared(lock::read(0)) {
                Ok(()) => {
                    self.index.barrier();
                    // Only now no checkpoint can write the file; it must not have been restarted before.
                    let stands = self.index.header_is(&header);
                    if matches!(stands, Ok(true)) {
                        return Ok(Some(self.snapshot_of(header, 0, u32::MAX)));
                    }
                    self.locks.release_shared(lock::read(0));
                    return stands.map(|_| None);
                }
                Err(e) if e.is(ResultCode::BUSY) => {}
                Err(e) => return Err(e),
            }
        }
        let Some((slot, mark)) = self.lock_mark(&header)? else { return Ok(None) };
        // Frames that were copied before the lock was ours need not be looked for: the file has them or newer ones
        // that this snapshot sees too.
        let min_frame = self.index.backfilled()? + 1;
        self.index.barrier();
        if self.index.read_mark(slot)? != mark || !self.index.header_is(&header)? {
            self.locks.release_shared(lock::read(slot));
            return Ok(None);
        }
        Ok(Some(self.snapshot_of(header, slot, min_frame)))
    }

    /// Locks the highest read mark that does not lie above the snapshot, raised to it where nobody uses it.
    fn lock_mark(&self, header: &IndexHeader) -> Result<Option<(u32, u32)>> {
        let mut best: Option<(u32, u32)> = None;
        for slot in 1..READ_MARKS {
            let mark = self.index.read_mark(slot)?;
            if mark <= header.max_frame && best.is_none_or(|(_, b)| b <= mark) {
                best = Some((slot, mark));
            }
        }
        if best.is_none_or(|(_, mark)| mark != header.max_frame) {
            if self.index.is_writable()? {
                if let Some(raised) = self.raise_mark(header.max_frame)? {
                    return Ok(Some(raised));
                }
            } else if best.is_none() {
                return Err(Error::from_code(ResultCode::READONLY_CANTLOCK));
            }
        }
        let Some((slot, mark)) = best else { return Ok(None) };
        match self.locks.shared(lock::read(slot)) {
            Ok(()) => Ok(Some((slot, mark))),
            Err(e) if e.is(ResultCode::BUSY) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Sets a mark that nobody uses to `frame`, and holds it.
    fn raise_mark(&self, frame: u32) -> Result<Option<(u32, u32)>> {
        for slot in 1..READ_MARKS {
            match self.locks.exclusive(lock::read(slot), 1) {
                Ok(()) => {
                    if let Err(e) = self.index.set_read_mark(slot, frame) {
                        self.locks.release_exclusive(lock::read(slot), 1);
                        return Err(e);
                    }
                    self.locks.exclusive_to_shared(lock::read(slot))?;
                    self.marked[slot as usize].store(self.io.now_julian_ms(), Ordering::Relaxed);
                    return Ok(Some((slot, frame)));
                }
                Err(e) if e.is(ResultCode::BUSY) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// The header, after recovery where that is needed; `None`: somebody else is at it. Pending where a recovery is needed
    /// and the caller must not block.
    pub(super) fn current_header(&self, may_block: bool) -> Result<Option<IndexHeader>> {
        if let HeaderState::Good(header) = self.index.read_header()? {
            return Ok(Some(header));
        }
        match self.locks.exclusive(lock::WRITE, 1) {
            Ok(()) => {}
            Err(e) if e.is(ResultCode::BUSY) => return self.wait_for_recovery(),
            Err(e) if e.is(ResultCode::READONLY) => return Err(Error::from_code(ResultCode::READONLY_RECOVERY)),
            Err(e) => return Err(e),
        }
        let result = match self.index.read_header() {
            Ok(HeaderState::Good(header)) => Ok(Some(header)),
            Ok(HeaderState::NeedsRecovery) if !may_block => Err(Error::Pending),
            Ok(HeaderState::NeedsRecovery) => self.recover().map(Some),
            Err(e) => Err(e),
        };
        self.locks.release_exclusive(lock::WRITE, 1);
        match result {
            Err(e) if e.is(ResultCode::BUSY) => self.wait_for_recovery(),
            other => other,
        }
    }

    /// Somebody else is at the header: a writer in the middle of it is quick (`None`), a recovery is not.
    fn wait_for_recovery(&self) -> Result<Option<IndexHeader>> {
        match self.locks.shared(lock::RECOVER) {
            Ok(()) => {
                self.locks.release_shared(lock::RECOVER);
                Ok(None)
            }
            Err(e) if e.is(ResultCode::BUSY) => Err(Error::from_code(ResultCode::BUSY_RECOVERY)),
            Err(e) => Err(e),
        }
    }

    /// The number of the state that a header describes; `None` where it is older than one that is known already.
    pub(super) fn number(&self, db: &DatabaseFile, header: &IndexHeader) -> Result<Option<CommitNo>> {
        let mut tip = guard(&self.tip);
        match &tip.header {
            Some(known) if known == header => return Ok(Some(tip.commit)),
            Some(known) if known.salt == header.salt && known.max_frame < header.max_frame => {
                let pages = self.index.pages_of(known.max_frame + 1, header.max_frame)?;
                tip.commit = db.versions().record(None, pages);
            }
            Some(known) if known.salt == header.salt && known.max_frame > header.max_frame => {
                if !self.index.header_is(header)? {
                    return Ok(None);
                }
                // Recovery found less than was there.
                tip.commit = db.versions().record_unknown();
            }
            // Seen before the log began anew.
            Some(_) if !self.index.header_is(header)? => return Ok(None),
            Some(_) if planted::has(Planted::StaleAfterRestart) => {}
            _ => tip.commit = db.versions().record_unknown(),
        }
        tip.header = Some(*header);
        Ok(Some(tip.commit))
    }
}
