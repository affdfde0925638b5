//! Checkpoints: copy frames into the database file, as far as no reader needs the older pages there.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use turso_error::{Error, Result, ResultCode};
use turso_io::SyncKind;

use super::Wal;
use super::index::HeaderState;
use crate::file::DatabaseFile;
use crate::format::wal_index::{IndexHeader, READ_MARK_UNUSED, READ_MARKS, at, lock};
use crate::pager::Synchronous;
use crate::planted::{self, Planted};

/// How far a checkpoint goes (`PRAGMA wal_checkpoint`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckpointMode {
    /// Nothing: it tells how much there is in the log, and how much of it in the database file.
    Noop,
    /// As much as possible without waiting for anybody.
    Passive,
    /// Everything, or busy.
    Full,
    /// Everything, and the next writer begins the log anew.
    Restart,
    /// That, and the log file is cut off to zero bytes.
    Truncate,
}

/// What a checkpoint does where readers or writers keep it from being complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As much as it can without them.
    Possible,
    /// It stops at them, before it copies anything where they need the older pages, so that it can be tried again when they
    /// have gone.
    Complete,
}

/// What a checkpoint achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointResult {
    /// True where a reader or writer kept it from doing all that its mode asks for.
    pub busy: bool,
    /// Frames in the log; -1 where there is no log.
    pub log: i64,
    /// Frames of them that are in the database file; -1 where there is no log.
    pub checkpointed: i64,
}

/// What is known of a log (`PRAGMA wal_status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalStatus {
    /// Frames in it.
    pub frames: u32,
    /// Frames of them that are in the database file.
    pub checkpointed: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// The last frame that the oldest reader sees, where somebody reads: what comes after it cannot be copied.
    pub oldest_reader: Option<u32>,
    /// For how long it may have read, in milliseconds; not known of other processes.
    pub oldest_reader_ms: Option<i64>,
}

/// Pages written by one call.
const RUN: usize = 64;

fn or_busy(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(e) if e.is(ResultCode::BUSY) => Ok(false),
        Err(e) => Err(e),
    }
}

/// A log that is never without readers can be copied, but not begin anew. So when it has grown long, new snapshots wait for
/// a moment: those that are under way end, the rest is copied, and the next commit begins the log anew.
///
/// ```text
///   long -> round -> round -> ... -> pause -> not long any more, or tried again when it has grown by as much
/// ```
/// A commit that finds the log long does one step of that and no more, because its caller waits meanwhile. While somebody copies,
/// other writers wait for a moment after each commit once as much again has come: where syncs are rare they
/// write faster than anybody can copy, and each copy would take longer than the one before.
#[derive(Default)]
pub(super) struct Emptying {
    pausing: AtomicBool,
    /// Somebody copies after a commit, in a step of this or because of the automatic checkpoint's limit.
    copying: AtomicBool,
    /// Rounds that have been done.
    rounds: AtomicU32,
    /// Frames in the log at which it is tried next; 0: at the first limit.
    next_at: AtomicU32,
}

/// A log this many times as long as the automatic checkpoint's limit is emptied.
const LONG: u32 = 4;
/// How often as much as possible is copied before that, and how many frames are worth another time.
const ROUNDS: u32 = 2;
const MUCH: u32 = 100;
/// How many times the frames of an automatic checkpoint may wait while somebody copies, and for how long writers wait for it at most.
const CROWD: u32 = 2;
const LONGEST_CROWD: Duration = Duration::from_millis(20);
/// How often those under way are looked for, while new snapshots wait, and how long in between: 30 ms in all.
const PAUSE_STEPS: u32 = 150;
const PAUSE_STEP: Duration = Duration::from_micros(200);

impl Wal {
    /// True while new snapshots have to wait.
    #[inline]
    pub fn is_pausing(&self) -> bool {
        self.emptying.pausing.load(Ordering::Acquire)
    }

    /// Another process holds a read mark.
    pub fn is_read_elsewhere(&self) -> bool {
        (0..READ_MARKS).any(|slot| self.shm.shm_locked_elsewhere(lock::read(slot)))
    }

    /// What is known of the log.
    pub fn status(&self) -> Result<WalStatus> {
        let Some(header) = self.current_header(true)? else { return Err(Error::from_code(ResultCode::BUSY)) };
        let checkpointed = self.index.backfilled()?.min(header.max_frame);
        let mut oldest: Option<(u32, Option<i64>)> = None;
        for slot in 0..READ_MARKS {
            let own = self.locks.any_shared(lock::read(slot)..lock::read(slot) + 1);
            if !own && !self.shm.shm_locked_elsewhere(lock::read(slot)) {
                continue;
            }
            let mark = if slot == 0 { checkpointed } else { self.index.read_mark(slot)?.min(header.max_frame) };
            let since = self.marked[slot as usize].load(Ordering::Relaxed);
            let ms = (own && slot > 0 && since > 0).then(|| self.io.now_julian_ms().saturating_sub(since).max(0));
            if oldest.is_none_or(|(known, _)| mark < known) {
                oldest = Some((mark, ms));
            }
        }
        Ok(WalStatus {
            frames: header.max_frame,
            checkpointed,
            bytes: self.file.size()?,
            oldest_reader: oldest.map(|(mark, _)| mark),
            oldest_reader_ms: oldest.and_then(|(_, ms)| ms),
        })
    }

    /// The automatic checkpoint, run by a connection without a snapshot; of a log that has grown long, a step of its emptying.
    pub fn checkpoint_after_commit(&self, db: &DatabaseFile, limit: u32, synchronous: Synchronous) {
        if self.emptying.copying.swap(true, Ordering::AcqRel) {
            return;
        }
        self.copy_after_commit(db, limit, synchronous);
        self.emptying.copying.store(false, Ordering::Release);
        db.lock_released();
    }

    fn copy_after_commit(&self, db: &DatabaseFile, limit: u32, synchronous: Synchronous) {
        let long = limit.saturating_mul(LONG);
        if limit == 0 || self.frames_if_long(long).is_none() {
            self.emptying.rounds.store(0, Ordering::Relaxed);
            // Its failure is not the failure of the transaction that happened to come by.
            let _ = self.checkpoint(db, CheckpointMode::Passive, Effort::Possible, synchronous);
            if limit == 0 || self.frames_if_long(long).is_none() {
                return;
            }
        }
        if let Some(frames) = self.frames_if_long(long)
            && self.empty(db, synchronous)
        {
            self.emptying.next_at.store(frames.saturating_add(long), Ordering::Relaxed);
        }
    }

    /// Run by a connection without a snapshot after its commit: waits while others have the log in hand and it grows too fast for
    /// them.
    pub fn let_step_end(&self, db: &DatabaseFile, limit: u32) {
        let deadline = Instant::now() + LONGEST_CROWD;
        loop {
            let epoch = db.lock_epoch();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.is_crowded(limit) {
                return;
            }
            db.wait_for_unlock(epoch, left);
        }
    }

    fn is_crowded(&self, limit: u32) -> bool {
        self.emptying.copying.load(Ordering::Relaxed)
            && matches!(self.index.read_header(), Ok(HeaderState::Good(newest))
                if self.frames_to_copy(newest.max_frame) > limit.saturating_mul(CROWD))
    }

    /// The log is being emptied, and the next step is for whoever comes by.
    pub fn is_emptying(&self) -> bool {
        self.emptying.rounds.load(Ordering::Relaxed) > 0 && !self.emptying.copying.load(Ordering::Relaxed)
    }

    /// The frames of a log that is to be emptied.
    fn frames_if_long(&self, long: u32) -> Option<u32> {
        let Ok(HeaderState::Good(header)) = self.index.read_header() else { return None };
        let next_at = self.emptying.next_at.load(Ordering::Relaxed);
        // A log that has begun anew is measured from its beginning.
        let at = if header.max_frame < next_at.saturating_sub(long) { long } else { next_at.max(long) };
        (header.max_frame >= at).then_some(header.max_frame)
    }

    /// A step; true where it was the last one.
    fn empty(&self, db: &DatabaseFile, synchronous: Synchronous) -> bool {
        // What can be copied is, and is made durable, while nobody waits: the copy and the sync within the pause have little
        // left to do. A sync takes its time, and commits go on: so again, while much has come.
        let rounds = self.emptying.rounds.load(Ordering::Relaxed);
        if rounds < ROUNDS {
            let before = self.index.backfilled().unwrap_or(0);
            let _ = self.checkpoint(db, CheckpointMode::Passive, Effort::Possible, synchronous);
            let mut durable = true;
            if synchronous != Synchronous::Off && self.database.sync(SyncKind::Data).is_err() {
                self.doubt_copies();
                durable = false;
            }
            if durable && self.index.backfilled().unwrap_or(0) >= before.saturating_add(MUCH) {
                self.emptying.rounds.store(rounds + 1, Ordering::Relaxed);
                return false;
            }
        }
        self.emptying.rounds.store(0, Ordering::Relaxed);
        if let Ok(HeaderState::Good(newest)) = self.index.read_header() {
            self.let_old_go(db, &newest);
        }
        self.emptying.pausing.store(true, Ordering::Release);
        for _ in 0..PAUSE_STEPS {
            if !self.locks.any_shared(lock::read(1)..lock::read(READ_MARKS)) {
                break;
            }
            db.io().sleep(PAUSE_STEP);
        }
        // Where somebody reads on, this copies what it can.
        let _ = self.checkpoint(db, CheckpointMode::Passive, Effort::Possible, synchronous);
        self.emptying.pausing.store(false, Ordering::Release);
        db.lock_released();
        true
    }

    /// Runs a checkpoint. The caller holds no snapshot. With `Effort::Complete`, a busy result says that it has stopped.
    pub fn checkpoint(
        &self,
        db: &DatabaseFile,
        mode: CheckpointMode,
        effort: Effort,
        synchronous: Synchronous,
    ) -> Result<CheckpointResult> {
        if mode == CheckpointMode::Noop {
            let Some(newest) = self.current_header(true)? else { return Err(Error::from_code(ResultCode::BUSY)) };
            let checkpointed = self.index.backfilled()?.min(newest.max_frame);
            return Ok(CheckpointResult {
                busy: false,
                log: newest.max_frame.into(),
                checkpointed: checkpointed.into(),
            });
        }
        if db.is_read_only() {
            // There may be nothing to write.
            let newest = self.current_header(true)?.map_or(0, |newest| newest.max_frame);
            if self.index.backfilled()? >= newest {
                return Ok(CheckpointResult { busy: false, log: newest.into(), checkpointed: newest.into() });
            }
            return Err(Error::from_code(ResultCode::READONLY));
        }
        // A wal-index that nobody has built yet is built before the lock: recovery takes it too.
        if let Some(newest) = self.current_header(true)? {
            self.let_old_go(db, &newest);
        }
        self.locks.exclusive(lock::CHECKPOINT, 1)?;
        let result = self.checkpoint_locked(db, mode, effort, synchronous);
        self.locks.release_exclusive(lock::CHECKPOINT, 1);
        result
    }

    fn checkpoint_locked(
        &self,
        db: &DatabaseFile,
        mode: CheckpointMode,
        effort: Effort,
        synchronous: Synchronous,
    ) -> Result<CheckpointResult> {
        let mut writes = false;
        let mut busy = false;
        let mut mode = mode;
        if mode != CheckpointMode::Passive {
            writes = or_busy(self.locks.exclusive(lock::WRITE, 1))?;
            if !writes {
                if effort == Effort::Complete {
                    return Ok(CheckpointResult { busy: true, log: 0, checkpointed: 0 });
                }
                busy = true;
                mode = CheckpointMode::Passive;
            }
        }
        let result = self.checkpoint_with(db, mode, effort, synchronous);
        if writes {
            self.locks.release_exclusive(lock::WRITE, 1);
        }
        result.map(|r| CheckpointResult { busy: r.busy || busy, ..r })
    }

    fn checkpoint_with(
        &self,
        db: &DatabaseFile,
        mode: CheckpointMode,
        effort: Effort,
        synchronous: Synchronous,
    ) -> Result<CheckpointResult> {
        let HeaderState::Good(mut header) = self.index.read_header()? else {
            return Err(Error::from_code(ResultCode::BUSY));
        };
        // What follows is read after the header: a generation that begins in between is noticed below.
        self.index.barrier();
        let mut busy = false;
        if header.max_frame > 0 {
            busy = !self.backfill(&header, effort, synchronous)? && mode != CheckpointMode::Passive;
        }
        let same = self.index.has_salt(header.salt)?;
        let checkpointed = if same { self.index.backfilled()?.min(header.max_frame) } else { header.max_frame };
        let result = CheckpointResult { busy, log: header.max_frame.into(), checkpointed: checkpointed.into() };
        if mode == CheckpointMode::Passive {
            return Ok(result);
        }
        if checkpointed < header.max_frame {
            return Ok(CheckpointResult { busy: true, ..result });
        }
        if mode >= CheckpointMode::Restart {
            // Nobody may read the log when the next writer comes.
            if !or_busy(self.locks.exclusive(lock::read(1), READ_MARKS - 1))? {
                return Ok(CheckpointResult { busy: true, ..result });
            }
            let mut done = Ok(());
            if mode == CheckpointMode::Truncate {
                done = self.restart(db, &mut header).and_then(|()| self.file.truncate(0));
            }
            self.locks.release_exclusive(lock::read(1), READ_MARKS - 1);
            done?;
            if mode == CheckpointMode::Truncate {
                return Ok(CheckpointResult { busy: false, log: 0, checkpointed: 0 });
            }
        }
        Ok(result)
    }

    /// Copies what may be copied; false where a reader on the file itself was in the way, or any reader of a copy that is
    /// to be complete.
    fn backfill(&self, header: &IndexHeader, effort: Effort, synchronous: Synchronous) -> Result<bool> {
        let mut safe = header.max_frame;
        for slot in 1..READ_MARKS {
            let mark = self.index.read_mark(slot)?;
            if mark >= safe {
                continue;
            }
            if or_busy(self.locks.exclusive(lock::read(slot), 1))? {
                let unused = if slot == 1 { safe } else { READ_MARK_UNUSED };
                let set = self.index.set_read_mark(slot, unused);
                self.locks.release_exclusive(lock::read(slot), 1);
                set?;
            } else if effort == Effort::Complete {
                return Ok(false);
            } else if !planted::has(Planted::CheckpointPastReaders) {
                safe = mark;
            }
        }
        if self.index.backfilled()? >= safe {
            return Ok(true);
        }
        // Readers who take everything from the file must not see it change.
        if !or_busy(self.locks.exclusive(lock::read(0), 1))? {
            return Ok(false);
        }
        let copied = self.copy_under_lock(header, safe, synchronous);
        self.locks.release_exclusive(lock::read(0), 1);
        copied.map(|()| true)
    }

    /// The writer that begins the log anew holds the lock of read mark 0 shared while it does: from here on nobody can. One
    /// may have done so since the header was read, without the checkpoint lock; then all that the header speaks of is in the
    /// file, and the frames and counters are those of another generation.
    fn copy_under_lock(&self, header: &IndexHeader, safe: u32, synchronous: Synchronous) -> Result<()> {
        if !planted::has(Planted::CheckpointOfOldGeneration) && !self.index.has_salt(header.salt)? {
            return Ok(());
        }
        self.forget_doubtful_copies()?;
        let done = self.index.backfilled()?;
        if done >= safe { Ok(()) } else { self.copy_frames(header, done, safe, synchronous) }
    }

    fn copy_frames(&self, header: &IndexHeader, done: u32, safe: u32, synchronous: Synchronous) -> Result<()> {
        self.index.set_word(at::BACKFILL_ATTEMPTED, safe)?;
        let sync = synchronous != Synchronous::Off;
        if sync {
            self.sync_log()?;
        }
        let mut frames: Vec<(u32, u32)> = self
            .index
            .pages_of(done + 1, safe)?
            .into_iter()
            .zip(done + 1..=safe)
            .filter(|(page, _)| *page != 0 && *page <= header.page_count)
            .collect();
        frames.sort_unstable();
        // The newest frame of each page.
        frames.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = next.1;
            }
            same
        });
        let size = header.page_size as usize;
        let longest = if self.database.takes_runs() { RUN } else { 1 };
        let mut buf = vec![0; size * longest.min(frames.len())];
        let mut rest = &frames[..];
        while let Some(first) = rest.first() {
            let start = first.0;
            let run = rest.iter().take(longest).enumerate().take_while(|(i, (p, _))| *p == start + *i as u32).count();
            for (chunk, (page, frame)) in buf.chunks_exact_mut(size).zip(&rest[..run]) {
                let read = self.file.read_at(chunk, self.page_offset(*frame, header.page_size))?;
                if read < size {
                    return Err(Error::corrupt(*page, "the log is shorter than its index says"));
                }
            }
            self.database.write_at(&buf[..run * size], u64::from(start - 1) * size as u64)?;
            rest = &rest[run..];
        }
        if safe == header.max_frame && self.index.header_is(header)? {
            let bytes = u64::from(header.page_count) * size as u64;
            if self.database.size()? > bytes {
                self.database.truncate(bytes)?;
            }
        }
        // The log keeps what it has until all of it is in the file: pages of an unfinished copy may be lost till then.
        if sync && safe == header.max_frame {
            self.database.sync(SyncKind::Data).or_else(|e| self.forget_copies().and(Err(e)))?;
        }
        self.index.set_word(at::BACKFILLED, safe)
    }

    /// A checkpoint that was interrupted has left word of what it meant to copy: what the file has not got is taken back.
    pub fn recover_attempted(&self) -> Result<()> {
        self.locks.exclusive(lock::CHECKPOINT, 1)?;
        let result = self.recover_attempted_locked();
        self.locks.release_exclusive(lock::CHECKPOINT, 1);
        result
    }

    fn recover_attempted_locked(&self) -> Result<()> {
        let HeaderState::Good(header) = self.index.read_header()? else {
            return Err(Error::from_code(ResultCode::BUSY));
        };
        let size = header.page_size as usize;
        let (mut logged, mut copied) = (vec![0; size], vec![0; size]);
        let attempted = self.index.backfill_attempted()?.min(header.max_frame);
        for frame in (self.index.backfilled()? + 1..=attempted).rev() {
            let Some(&page) = self.index.pages_of(frame, frame)?.first() else { break };
            let offset = u64::from(page.saturating_sub(1)) * size as u64;
            let read = self.database.read_at(&mut copied, offset)?;
            copied[read..].fill(0);
            self.file.read_at(&mut logged, self.page_offset(frame, header.page_size))?;
            if logged == copied {
                break;
            }
            self.index.set_word(at::BACKFILL_ATTEMPTED, frame - 1)?;
        }
        Ok(())
    }

    /// Everything into the file; the caller holds EXCLUSIVE. False where a reader kept it from being complete.
    pub(super) fn empty_into_database(&self, db: &DatabaseFile, synchronous: Synchronous) -> Result<bool> {
        let result = self.checkpoint(db, CheckpointMode::Passive, Effort::Possible, synchronous)?;
        Ok(result.checkpointed == result.log)
    }
}
