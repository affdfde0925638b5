//! Syncs that failed.
//!
//! After one, what the system was to write may be lost although it is still read from its cache, and the next sync says nothing
//! about it. So the next sync of a log counts only after all its commits were checked against their checksums and written once more,
//! those included that nobody sees yet; and what was copied into the database is copied again, from the first frame of the log.
//!
//! Compatibility: the same bytes in the same places, so readers and writers of other processes may go on meanwhile.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use turso_error::{Error, Result, ResultCode};
use turso_io::SyncKind;

use super::index::HeaderState;
use super::{Tip, Wal};
use crate::file::guard;
use crate::file::versions::CommitNo;
use crate::format::wal::{DecodedWalHeader, FrameHeader, WalHeader, frame_offset};
use crate::format::wal_index::{IndexHeader, at};

/// What failed syncs of this process have left in doubt.
#[derive(Default)]
pub(super) struct Doubt {
    /// How often syncs of the log have failed, and how many of these failures have been made good.
    failed: AtomicU64,
    mended: AtomicU64,
    /// Copies in the database file may be lost.
    copies: AtomicBool,
}

/// What had failed when a sync of the log, or the writing of a commit, began; see [`Wal::before_sync`] and [`Wal::before_write`].
#[derive(Clone, Copy)]
pub(super) struct SyncTicket {
    failed: u64,
}

/// The commits that failed syncs have taken with them.
#[derive(Debug, Default)]
pub(super) struct Losses {
    any: AtomicBool,
    /// Those after the first number, up to the second.
    ranges: Mutex<Vec<(CommitNo, CommitNo)>>,
}

impl Losses {
    /// The tip is locked, and the commits are still what writers begin on: nothing has been written over them.
    pub fn add(&self, after: CommitNo, last: CommitNo) {
        guard(&self.ranges).push((after, last));
        self.any.store(true, Ordering::SeqCst);
    }

    /// True where this commit is among them.
    pub fn has(&self, number: CommitNo) -> bool {
        let among = |(after, last): &(CommitNo, CommitNo)| number > *after && number <= *last;
        self.any.load(Ordering::SeqCst) && guard(&self.ranges).iter().any(among)
    }
}

impl Wal {
    /// Syncs the log for a checkpoint, which holds its lock and that of read mark 0, so that no generation begins meanwhile.
    pub(super) fn sync_log(&self) -> Result<()> {
        let sync = || {
            let ticket = self.before_sync(&guard(&self.tip))?;
            self.after_sync(ticket, self.file.sync(SyncKind::Data))
        };
        // Made good at once where that is possible: another process cannot know of it. The failure is reported all the same.
        sync().inspect_err(|_| drop(sync()))
    }

    /// Has to come before each sync of the log on which somebody relies.
    pub(super) fn before_sync(&self, tip: &Tip) -> Result<SyncTicket> {
        let ticket = self.before_write();
        if ticket.failed > self.doubt.mended.load(Ordering::Acquire) {
            // While the tip is locked, what is written cannot be given up and wiped.
            let newest = match (tip.pipe.newest(), self.index.read_header()?) {
                (Some(written), _) => written,
                (None, HeaderState::Good(visible)) => visible,
                _ => return Err(Error::from_code(ResultCode::IOERR_FSYNC)),
            };
            self.write_log_again(&newest)?;
        }
        Ok(ticket)
    }

    /// Has to be told what came of it; a sync during which another one failed has failed too.
    pub(super) fn after_sync(&self, ticket: SyncTicket, outcome: Result<()>) -> Result<()> {
        let failed = self.doubt.failed.load(Ordering::Acquire);
        match outcome {
            Ok(()) if failed == ticket.failed => {
                self.doubt.mended.fetch_max(failed, Ordering::AcqRel);
                Ok(())
            }
            Ok(()) => Err(Error::from_code(ResultCode::IOERR_FSYNC)),
            Err(e) => {
                self.sync_failed();
                Err(e)
            }
        }
    }

    /// A sync of the log has failed.
    pub(super) fn sync_failed(&self) {
        self.doubt.failed.fetch_add(1, Ordering::AcqRel);
    }

    /// Has to come before the first frame of a commit is written.
    pub(super) fn before_write(&self) -> SyncTicket {
        SyncTicket { failed: self.doubt.failed.load(Ordering::Acquire) }
    }

    /// Has to come once the frames count as a commit, before the tip is unlocked. A sync that failed while they were written may
    /// have lost some, and whoever made that good did not know of them: it is as if it had failed once more.
    pub(super) fn after_write(&self, ticket: SyncTicket) {
        if self.doubt.failed.load(Ordering::Acquire) != ticket.failed {
            self.sync_failed();
        }
    }

    /// A sync of the database file has failed: none of the copies counts, and the next checkpoint begins with the first frame.
    /// The caller holds the lock of read mark 0: nobody relies on the copies alone.
    pub(super) fn forget_copies(&self) -> Result<()> {
        self.index.set_word(at::BACKFILLED, 0)
    }

    /// The same for a caller without that lock: the next checkpoint sees to it.
    pub(super) fn doubt_copies(&self) {
        self.doubt.copies.store(true, Ordering::Release);
    }

    /// See [`Wal::doubt_copies`]; the caller holds the lock of read mark 0.
    pub(super) fn forget_doubtful_copies(&self) -> Result<()> {
        if self.doubt.copies.load(Ordering::Acquire) {
            self.forget_copies()?;
            self.doubt.copies.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn write_log_again(&self, newest: &IndexHeader) -> Result<()> {
        let lost = || Error::from_code(ResultCode::IOERR_FSYNC);
        if newest.max_frame == 0 {
            return Ok(());
        }
        let mut bytes = [0; WalHeader::SIZE];
        if self.file.read_at(&mut bytes, 0)? < bytes.len() {
            return Err(lost());
        }
        let DecodedWalHeader::Valid(log, mut checksum) = WalHeader::decode(&bytes) else { return Err(lost()) };
        if log.salt != newest.salt || log.page_size != newest.page_size {
            return Err(lost());
        }
        self.file.write_at(&bytes, 0)?;
        let frame_size = log.page_size as usize + FrameHeader::SIZE;
        let per_write = ((1 << 18) / frame_size).max(1);
        let mut buf = vec![0; per_write * frame_size];
        let mut next = 1;
        while next <= newest.max_frame {
            let count = per_write.min((newest.max_frame - next) as usize + 1);
            let frames = &mut buf[..count * frame_size];
            let offset = frame_offset(next, log.page_size);
            if self.file.read_at(frames, offset)? < frames.len() {
                return Err(lost());
            }
            for frame in frames.chunks_exact(frame_size) {
                let header = FrameHeader::decode(frame);
                if !header.is_valid(frame, log.salt, checksum, log.big_endian_checksums) {
                    return Err(lost());
                }
                checksum = header.checksum;
            }
            self.file.write_at(frames, offset)?;
            next = next.saturating_add(count as u32);
        }
        Ok(())
    }
}
