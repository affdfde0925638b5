//! Appending a commit: one vectored write of all its frames.
//!
//! ```text
//!   prepare_commit        restart the log if it may be, compute frames, enter them into the wal-index (not visible)
//!   run_commit            [log header -> sync ->] frames       restartable, may be pending
//!   hand_over             pipe.rs: the next writer's turn; a sync that others share; then visible to all
//! ```
//! A write or sync that fails must not come back to life in a later recovery: the first frame's header is wiped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use turso_error::{Error, Result, ResultCode};
use turso_io::{Buffer, Completion, Op, SyncKind};

use super::Wal;
use super::doubt::SyncTicket;
use super::read::{Use, WalSnapshot};
use crate::file::DatabaseFile;
use crate::file::guard;
use crate::file::versions::CommitNo;
use crate::format::wal::{DecodedWalHeader, FrameHeader, WalHeader, frame_offset};
use crate::format::wal_index::{IndexHeader, READ_MARK_UNUSED, READ_MARKS, at, lock};
use crate::page::{PageNo, PageRef};
use crate::pager::Synchronous;
use crate::pager::spill::Spill;
use crate::planted::{self, Planted};

/// What a log grows by at once, at most.
static ZEROS: [u8; 1 << 18] = [0; 1 << 18];

/// A commit on its way.
pub(crate) struct WalCommit {
    pages: Vec<PageRef>,
    /// Pages that were spilled: their frames are written already.
    spilled: Vec<PageNo>,
    frame_headers: Vec<[u8; FrameHeader::SIZE]>,
    /// Written first where the log begins anew.
    log_header: Option<[u8; WalHeader::SIZE]>,
    first_frame: u32,
    /// The first frame that `run_commit` writes.
    write_from: u32,
    new_header: IndexHeader,
    /// Zeros that are written behind the frames, so that the syncs of the commits to come change no size.
    padding: u32,
    /// The log begins anew with this commit: what it had before may be cut off.
    begins_anew: bool,
    sync_log_header: bool,
    sync_frames: bool,
    phase: Phase,
    completion: Option<Completion>,
    /// From before its first frame was written.
    ticket: SyncTicket,
    /// Once it has been handed over.
    number: Option<CommitNo>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    LogHeader,
    Frames,
    Written,
}

impl WalCommit {
    pub fn pages(&self) -> &[PageRef] {
        &self.pages
    }

    /// Its number, once it has been handed over.
    pub fn number(&self) -> Option<CommitNo> {
        self.number
    }

    pub(super) fn set_number(&mut self, number: CommitNo) {
        self.number = Some(number);
    }

    /// Where what it waits for is kept.
    pub fn waiting(&mut self) -> &mut Option<Completion> {
        &mut self.completion
    }

    /// The state that it leads to.
    pub(super) fn new_header(&self) -> IndexHeader {
        self.new_header
    }

    /// For [`Wal::after_write`].
    pub(super) fn ticket(&self) -> SyncTicket {
        self.ticket
    }

    /// It has to be durable before it is reported.
    pub(super) fn wants_sync(&self) -> bool {
        self.sync_frames
    }

    /// The numbers of all pages that the commit changes.
    pub fn changed(&self) -> impl Iterator<Item = u32> + '_ {
        self.pages.iter().map(|p| p.no().0).chain(self.spilled.iter().map(|no| no.0))
    }

    pub fn waiting_on(&self) -> Option<&Completion> {
        self.completion.as_ref()
    }
}

impl Wal {
    pub fn prepare_commit(
        &self,
        db: &DatabaseFile,
        snapshot: &mut WalSnapshot,
        pages: Vec<PageRef>,
        spilled: Vec<PageNo>,
        spill: Option<&Spill>,
        page_count: u32,
        page_size: u32,
        synchronous: Synchronous,
    ) -> Result<WalCommit> {
        if snapshot.slot == 0 {
            self.restart_if_complete(db, snapshot)?;
        }
        let old = snapshot.header;
        let mut new = IndexHeader {
            change: old.change.wrapping_add(1),
            is_init: true,
            page_size,
            page_count,
            max_frame: old.max_frame,
            ..old
        };
        let ticket = self.before_write();
        let mut log_header = None;
        if old.max_frame == 0 {
            new.big_endian = cfg!(target_endian = "big");
            if new.salt == [0; 8] {
                db.io().randomness(&mut new.salt);
            }
            let checkpoint_seq = self.next_checkpoint_seq()?;
            if checkpoint_seq == 0 && synchronous >= Synchronous::Normal {
                // A log that a loss of power takes away with its name would take its commits along. See `names_log`.
                db.io().sync_directory_of(&self.path)?;
            }
            let header = WalHeader { big_endian_checksums: new.big_endian, page_size, checkpoint_seq, salt: new.salt };
            let (bytes, checksum) = header.encode();
            log_header = Some(bytes);
            new.frame_checksum = checksum;
        } else if old.page_size != page_size {
            return Err(Error::corrupt(1, "page size of the log differs"));
        }
        let first_frame = old.max_frame + 1;
        if !spilled.is_empty() {
            if let Some(bytes) = log_header.take() {
                self.file.write_at(&bytes, 0)?;
                if synchronous >= Synchronous::Normal {
                    self.file.sync(SyncKind::Data)?;
                }
            }
            self.write_spilled(&spilled, spill, &mut new, old.max_frame)
                .inspect_err(|_| self.disown_from(first_frame, page_size))?;
        }
        let write_from = new.max_frame + 1;
        let mut frame_headers = Vec::with_capacity(pages.len());
        for (i, page) in pages.iter().enumerate() {
            let commit_size = if i + 1 == pages.len() { page_count } else { 0 };
            let (frame, bytes) =
                FrameHeader::make(page.no().0, commit_size, new.salt, page, new.frame_checksum, new.big_endian);
            new.frame_checksum = frame.checksum;
            new.max_frame = new.max_frame.checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL))?;
            self.index.append(new.max_frame, page.no().0, old.max_frame)?;
            frame_headers.push(bytes);
        }
        Ok(WalCommit {
            pages,
            frame_headers,
            begins_anew: old.max_frame == 0,
            phase: if log_header.is_some() { Phase::LogHeader } else { Phase::Frames },
            log_header,
            first_frame,
            write_from,
            spilled,
            padding: 0,
            new_header: new,
            sync_log_header: synchronous >= Synchronous::Normal,
            sync_frames: synchronous >= Synchronous::Full && !planted::has(Planted::SkippedSync),
            completion: None,
            ticket,
            number: None,
        })
    }

    /// Frames of the spilled pages, from file to file; none of them commits.
    fn write_spilled(
        &self,
        spilled: &[PageNo],
        spill: Option<&Spill>,
        new: &mut IndexHeader,
        committed: u32,
    ) -> Result<()> {
        for batch in spilled.chunks(64) {
            let at = frame_offset(new.max_frame + 1, new.page_size);
            let mut frames = Vec::with_capacity(batch.len());
            for no in batch {
                let page =
                    spill.map_or_else(|| Err(Error::from_code(ResultCode::INTERNAL)), |spill| spill.load(*no))?;
                let (frame, bytes) = FrameHeader::make(no.0, 0, new.salt, &page, new.frame_checksum, new.big_endian);
                new.frame_checksum = frame.checksum;
                new.max_frame = new.max_frame.checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL))?;
                self.index.append(new.max_frame, no.0, committed)?;
                frames.push((bytes, page));
            }
            let bufs: Vec<&[u8]> = frames.iter().flat_map(|(header, page)| [&header[..], &page[..]]).collect();
            self.file.write_vectored_at(&bufs, at)?;
        }
        Ok(())
    }

    /// One more than the number in the header that is overwritten.
    fn next_checkpoint_seq(&self) -> Result<u32> {
        let mut bytes = [0; WalHeader::SIZE];
        if self.file.read_at(&mut bytes, 0)? < bytes.len() {
            return Ok(0);
        }
        Ok(match WalHeader::decode(&bytes) {
            DecodedWalHeader::Valid(header, _) => header.checkpoint_seq.wrapping_add(1),
            _ => 0,
        })
    }

    /// The snapshot reads the file alone, so the log may begin anew where nobody else reads it; in any case
    /// the snapshot moves to the log, to which it is about to append.
    fn restart_if_complete(&self, db: &DatabaseFile, snapshot: &mut WalSnapshot) -> Result<()> {
        if self.index.backfilled()? > 0 {
            match self.locks.exclusive(lock::read(1), READ_MARKS - 1) {
                Ok(()) => {
                    let restarted = self.restart(db, &mut snapshot.header);
                    self.locks.release_exclusive(lock::read(1), READ_MARKS - 1);
                    restarted?;
                }
                Err(e) if e.is(ResultCode::BUSY) => {}
                Err(e) => return Err(e),
            }
        }
        // Nobody else writes, so the header stays; only the marks can be in motion.
        for _ in 0..100 {
            if let Some(moved) = self.try_snapshot(Use::Log, true)? {
                debug_assert_eq!(moved.header, snapshot.header);
                let commit = snapshot.commit;
                self.end_read(std::mem::replace(snapshot, moved));
                snapshot.commit = commit;
                return Ok(());
            }
            db.io().sleep(std::time::Duration::from_micros(100));
        }
        Err(Error::from_code(ResultCode::BUSY))
    }

    /// Begins a new generation of the log: everything in it is in the file, and nobody reads it.
    pub(super) fn restart(&self, db: &DatabaseFile, header: &mut IndexHeader) -> Result<()> {
        let mut tip = guard(&self.tip);
        let known = tip.header == Some(*header);
        let salt1 = u32::from_be_bytes([header.salt[0], header.salt[1], header.salt[2], header.salt[3]]);
        header.salt[..4].copy_from_slice(&salt1.wrapping_add(1).to_be_bytes());
        db.io().randomness(&mut header.salt[4..]);
        header.max_frame = 0;
        self.index.write_header(header)?;
        self.index.set_word(at::BACKFILLED, 0)?;
        self.index.set_word(at::BACKFILL_ATTEMPTED, 0)?;
        self.index.set_read_mark(1, 0)?;
        for slot in 2..READ_MARKS {
            self.index.set_read_mark(slot, READ_MARK_UNUSED)?;
        }
        if known {
            // The same state in a new place.
            tip.header = Some(*header);
        }
        Ok(())
    }

    /// True where the commit under this snapshot is the first of the log's file, and makes its name durable: that blocks.
    pub fn names_log(&self, snapshot: &WalSnapshot, synchronous: Synchronous) -> Result<bool> {
        let first = snapshot.header.max_frame == 0 && synchronous >= Synchronous::Normal;
        Ok(first && self.next_checkpoint_seq()? == 0)
    }

    /// Lets the log grow by a step where the commit would make it longer: a file whose size changes is synced slowly.
    ///
    /// What follows the last frame of a log means nothing to anybody: old frames mostly, here zeros.
    pub fn grow_in_steps(&self, commit: &mut WalCommit, limit: i64) {
        let step = self.file.growth_step();
        if step == 0 || !commit.sync_frames {
            return;
        }
        if commit.begins_anew {
            // Somebody may have cut it off.
            self.size.store(0, Ordering::Relaxed);
        }
        let end = commit.end();
        if end <= self.size.load(Ordering::Relaxed) {
            return;
        }
        let Ok(size) = self.file.size() else { return };
        self.size.store(size, Ordering::Relaxed);
        if end > size && u64::try_from(limit).is_ok_and(|limit| end + u64::from(step) > limit) {
            return;
        }
        if end > size {
            commit.padding = step.min(ZEROS.len() as u32);
        }
    }

    /// Writes the frames; may be pending and run again.
    pub fn run_commit(&self, commit: &mut WalCommit) -> Result<()> {
        loop {
            let result = match commit.phase {
                Phase::LogHeader => self.drive(commit, |c| {
                    let bytes = c.log_header.map_or_else(Box::default, |b| Box::from(&b[..]));
                    let bufs = vec![Buffer::Owned(bytes)];
                    match c.sync_log_header {
                        true => Op::WriteThenSync { bufs, offset: 0, kind: SyncKind::Data },
                        false => Op::Write { bufs, offset: 0 },
                    }
                }),
                Phase::Frames if self.file.completes_inline() => self.write_frames(commit),
                Phase::Frames => self.drive(commit, WalCommit::frames_op),
                Phase::Written => return Ok(()),
            };
            match result {
                Ok(()) => {}
                Err(Error::Pending) => return Err(Error::Pending),
                // The frames may fit where the zeros do not.
                Err(_) if commit.phase == Phase::Frames && std::mem::take(&mut commit.padding) > 0 => continue,
                Err(e) => {
                    self.disown(commit);
                    return Err(e);
                }
            }
            commit.phase = match commit.phase {
                Phase::LogHeader => Phase::Frames,
                Phase::Frames | Phase::Written => {
                    self.size.fetch_max(commit.end() + u64::from(commit.padding), Ordering::Relaxed);
                    Phase::Written
                }
            };
        }
    }

    /// Runs one operation, inline or by submission.
    fn drive(&self, commit: &mut WalCommit, op: impl FnOnce(&WalCommit) -> Op) -> Result<()> {
        if commit.completion.is_none() {
            let op = op(commit);
            if self.file.completes_inline() {
                return op.run(&*self.file).map(|_| ());
            }
            commit.completion = Some(self.file.submit(op));
        }
        match commit.completion.as_ref().and_then(Completion::take) {
            Some(result) => {
                commit.completion = None;
                result.map(|_| ())
            }
            None => Err(Error::Pending),
        }
    }

    fn write_frames(&self, commit: &WalCommit) -> Result<()> {
        let mut bufs: Vec<&[u8]> = Vec::with_capacity(commit.pages.len() * 2);
        for (header, page) in commit.frame_headers.iter().zip(&commit.pages) {
            bufs.push(header);
            bufs.push(page);
        }
        if let Some(zeros) = ZEROS.get(..commit.padding as usize).filter(|zeros| !zeros.is_empty()) {
            bufs.push(zeros);
        }
        self.file.write_vectored_at(&bufs, frame_offset(commit.write_from, commit.new_header.page_size))
    }

    /// Gives up a commit that has not been published: waits for what is on its way, then wipes it.
    pub fn abandon_commit(&self, db: &DatabaseFile, commit: &WalCommit) {
        if let Some(completion) = &commit.completion {
            while !completion.is_ready() {
                if !db.io().step().unwrap_or(false) {
                    completion.wait();
                }
            }
        }
        self.disown(commit);
    }

    /// The frames of a commit that failed must not be found by a recovery.
    pub(super) fn disown(&self, commit: &WalCommit) {
        self.disown_from(commit.first_frame, commit.new_header.page_size);
    }

    pub(super) fn disown_from(&self, first_frame: u32, page_size: u32) {
        let at = frame_offset(first_frame, page_size);
        if self.file.size().is_ok_and(|size| size > at) {
            let _ = self.file.write_at(&[0; FrameHeader::SIZE], at);
            if self.file.sync(SyncKind::Data).is_err() {
                // It may have been to make others durable too.
                self.sync_failed();
            }
        }
    }

    /// After a commit that began the log anew: cuts the file off above `limit` bytes, as far as the commit allows.
    pub fn limit_size(&self, commit: &WalCommit, limit: i64) {
        let Ok(limit) = u64::try_from(limit) else { return };
        let used = commit.end();
        if commit.begins_anew && self.file.size().is_ok_and(|size| size > limit.max(used)) {
            // A log that stays long does no harm.
            let _ = self.file.truncate(limit.max(used));
        }
    }
}

impl WalCommit {
    /// Where its last frame ends.
    fn end(&self) -> u64 {
        frame_offset(self.new_header.max_frame.saturating_add(1), self.new_header.page_size)
    }

    fn frames_op(&self) -> Op {
        let mut bufs = Vec::with_capacity(self.pages.len() * 2);
        for (header, page) in self.frame_headers.iter().zip(&self.pages) {
            bufs.push(Buffer::Owned(Box::from(&header[..])));
            bufs.push(Buffer::Shared(Arc::new(Shared(Arc::clone(page)))));
        }
        if self.padding > 0 {
            bufs.push(Buffer::Shared(Arc::new(&ZEROS[..self.padding as usize])));
        }
        Op::Write { bufs, offset: frame_offset(self.write_from, self.new_header.page_size) }
    }
}

/// A page as a buffer of an operation under way.
struct Shared(PageRef);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
