//! Who writes next, and the group commit: one sync for all commits that were written while the last one ran.
//!
//! ```text
//!  lock_writer -> [rebase] -> frames written -> hand_over -----> await_durable ------------------> success
//!                                                  |  the next writer starts on     |  one of those that wait syncs for all that
//!                                                  |  the state that was handed     |  was written when it began, publishes the
//!                                                  |  over, which nobody else sees  |  header and wakes the others
//! ```
//! The write lock that other processes see belongs to this process from the first writer until everything that was handed over
//! is durable. It is given back in between, however many writers wait, so that those of other processes get their turn.
//! Whoever is to sync waits for those that are bringing a commit in at that moment, and for about half as many as shared the last
//! sync, but never for longer than half the time that a sync takes: many writers then fall into two halves, one of which works
//! while the sync of the other runs.
//!
//! A sync that fails takes with it everything that was not durable: the first frame of that is wiped, so that no recovery finds
//! it, and a writer that had begun on it fails at its own hand-over.

use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, Op, SyncKind};

use super::doubt::SyncTicket;
use super::index::HeaderState;
use super::read::{Use, WalSnapshot};
use super::{Tip, Wal, WalCommit};
use crate::file::locks::PagerId;
use crate::file::versions::CommitNo;
use crate::file::{DatabaseFile, guard};
use crate::format::wal_index::{IndexHeader, lock};
use crate::planted::{self, Planted};

/// While other processes use the database, the write lock is given back after this time, as soon as nobody is in the middle
/// of writing.
const LONGEST_HOLD_MS: i64 = 6;
/// The same for a process that is alone with it: its own checkpoints may want the lock.
const LONGEST_HOLD_ALONE_MS: i64 = 50;
/// While other processes use the database, it stays free for this time then.
const PAUSE_MS: i64 = 3;

/// A commit that takes longer is waited for as any lock is.
const BRIEF_MS: i64 = 2000;

/// Nobody waits longer for others to share a sync with, and a sync is shared by so many at most before it begins.
const LONGEST_GATHER: Duration = Duration::from_micros(500);
const MOST_GATHERED: u32 = 64;

/// The connection that writes, and those that wait to bring a commit in.
#[derive(Default)]
pub(super) struct Writer {
    holder: Option<PagerId>,
    /// The holder is only bringing a commit in, since then: it will not be long.
    brief: Option<i64>,
    /// The process has the write lock since then.
    locked: Option<i64>,
    /// More than one connection has used it since then.
    joined: bool,
    /// The write lock was given back then, and stays free for a moment.
    pause: Option<i64>,
    queue: VecDeque<(PagerId, Completion)>,
    /// Where syncs run inline: commits that the next one will make durable, and those that shared the last one.
    unsynced: u32,
    shared: u32,
    /// How long the last sync took.
    sync_time: Duration,
    /// Somebody who is to sync waits for others.
    gathers: bool,
}

/// A commit that is written and not visible yet.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    header: IndexHeader,
    commit: CommitNo,
}

/// A sync under way.
pub(super) struct Running {
    upto: Written,
    ticket: Option<SyncTicket>,
    completion: Completion,
    /// The one who started it runs it, and will complete it; otherwise whoever sees that it is done deals with the result.
    inline: bool,
}

/// What the tip knows of commits that are not visible yet.
#[derive(Default)]
pub(super) struct Pipe {
    written: Option<Written>,
    running: Option<Running>,
    /// Who waits for which commit, where syncs run inline.
    waiting: Vec<(CommitNo, Completion)>,
}

/// What a writer that wants the lock has come to.
pub(crate) enum Turn {
    Granted,
    /// Somebody else is bringing a commit in.
    Queued(Completion),
}

impl Wal {
    fn now(&self) -> i64 {
        self.io.now_julian_ms()
    }

    /// True where that time has passed; also where the clock was put back.
    fn is_over(&self, since: i64, ms: i64) -> bool {
        !(0..ms).contains(&self.now().saturating_sub(since))
    }

    // ---- Turns ------------------------------------------------------------------------------------------------------------

    /// True where another connection of this process is writing.
    pub fn has_other_writer(&self, id: PagerId) -> bool {
        guard(&self.writer).holder.is_some_and(|holder| holder != id)
    }

    /// Takes the write lock for a plain transaction; `SQLITE_BUSY_SNAPSHOT` where somebody has committed since the snapshot.
    ///
    /// An `eager` writer starts on commits that are not durable yet: its snapshot moves there, and it answers true.
    pub fn begin_write(&self, db: &DatabaseFile, id: PagerId, snapshot: &mut WalSnapshot, eager: bool) -> Result<bool> {
        let mut writer = guard(&self.writer);
        if writer.holder == Some(id) {
            return Ok(false);
        }
        if writer.holder.is_some() {
            return Err(Error::from_code(ResultCode::BUSY));
        }
        self.take_lock(&mut writer)?;
        let written = guard(&self.tip).pipe.written;
        let outcome = match written {
            None => self.index.header_is(&snapshot.header).map(|newest| (newest, false)),
            Some(written) if snapshot.header == written.header => Ok((true, false)),
            Some(_) if !eager => return Err(Error::from_code(ResultCode::BUSY)),
            Some(_) => self.move_to_newest(db, snapshot).map(|()| (true, true)),
        };
        match outcome {
            Ok((true, moved)) if snapshot.keep() => {
                writer.holder = Some(id);
                writer.brief = None;
                Ok(moved)
            }
            other => {
                self.free_lock(&mut writer);
                other?;
                Err(Error::from_code(ResultCode::BUSY_SNAPSHOT))
            }
        }
    }

    /// Takes the write lock for the commit of a concurrent transaction, whatever has been committed since its snapshot. Who has
    /// to wait for another commit of this process stands in a queue.
    pub fn lock_writer(&self, id: PagerId) -> Result<Turn> {
        let mut writer = guard(&self.writer);
        if writer.holder == Some(id) {
            return Ok(Turn::Granted);
        }
        let place = writer.queue.iter().position(|(waiting, _)| *waiting == id);
        if writer.holder.is_some() || writer.must_drain(self) {
            if writer.holder.is_some() && !writer.is_brief(self) {
                writer.leave(id);
                return Err(Error::from_code(ResultCode::BUSY));
            }
            let completion = match place {
                Some(at) => writer.queue[at].1.clone(),
                None => {
                    let completion = Completion::new();
                    writer.queue.push_back((id, completion.clone()));
                    completion
                }
            };
            if completion.is_ready() {
                // Woken, and somebody was faster: the place in the queue stays.
                let again = Completion::new();
                writer.queue.retain(|(waiting, _)| *waiting != id);
                writer.queue.push_front((id, again.clone()));
                return Ok(Turn::Queued(again));
            }
            return Ok(Turn::Queued(completion));
        }
        if let Err(refused) = self.take_lock(&mut writer) {
            // Another process has it: who waits for that does so on its own, and nobody waits behind it.
            writer.leave(id);
            return Err(refused);
        }
        writer.queue.retain(|(waiting, _)| *waiting != id);
        writer.holder = Some(id);
        writer.brief = Some(self.now());
        Ok(Turn::Granted)
    }

    /// The connection does not want the lock any more.
    pub fn leave_queue(&self, id: PagerId) {
        guard(&self.writer).leave(id);
    }

    /// The write lock that other processes see.
    fn take_lock(&self, writer: &mut Writer) -> Result<()> {
        if writer.locked.is_some() {
            // Nobody joins any more when it has been held for long.
            if writer.must_drain(self) {
                return Err(Error::from_code(ResultCode::BUSY));
            }
            writer.joined = true;
            return Ok(());
        }
        if writer.pause.is_some_and(|since| !self.is_over(since, PAUSE_MS)) {
            return Err(Error::from_code(ResultCode::BUSY));
        }
        writer.pause = None;
        self.locks.exclusive(lock::WRITE, 1)?;
        writer.locked = Some(self.now());
        writer.joined = false;
        Ok(())
    }

    /// Gives the write lock back where nothing is on its way.
    fn free_lock(&self, writer: &mut Writer) {
        if writer.holder.is_some() || guard(&self.tip).pipe.written.is_some() {
            return;
        }
        let Some(since) = writer.locked.take() else { return };
        self.locks.release_exclusive(lock::WRITE, 1);
        // One writer alone leaves gaps enough.
        if writer.joined && self.is_over(since, LONGEST_HOLD_MS) && self.shm.shm_shared_with_others().unwrap_or(false) {
            writer.pause = Some(self.now());
        }
    }

    /// The connection goes on as a plain writer: its turn is as long as its transaction.
    pub fn stay(&self, id: PagerId) {
        let mut writer = guard(&self.writer);
        if writer.holder == Some(id) {
            writer.brief = None;
            // Those in the queue have to learn that this will take its time.
            writer.queue.iter().for_each(|(_, completion)| {
                if !completion.is_ready() {
                    completion.complete(Ok(turso_io::Output::Done));
                }
            });
        }
    }

    /// Ends the turn of a connection, where it is its turn.
    pub fn end_write(&self, id: PagerId) {
        let mut writer = guard(&self.writer);
        if writer.holder == Some(id) {
            writer.holder = None;
            self.free_lock(&mut writer);
            self.pass_on(writer);
        }
    }

    /// Nobody writes: the next one's turn. It is woken once the lock of `writer` is free, which it takes first of all.
    fn pass_on(&self, mut writer: MutexGuard<'_, Writer>) {
        let next = writer.next_asleep();
        let gathered = writer.gathers && writer.has_gathered();
        if gathered {
            // Told once, however many come before it wakes.
            writer.gathers = false;
        }
        drop(writer);
        if let Some(next) = next {
            next.complete(Ok(turso_io::Output::Done));
        }
        if gathered {
            self.gathered.notify_one();
        }
    }

    // ---- The newest state, as writers see it --------------------------------------------------------------------------------

    /// The number of the newest commit, for the holder of the write lock; `None` where the snapshot is of it.
    pub fn newer_than(&self, db: &DatabaseFile, snapshot: &WalSnapshot) -> Result<Option<CommitNo>> {
        if let Some(written) = guard(&self.tip).pipe.written {
            return Ok((written.header != snapshot.header).then_some(written.commit));
        }
        if self.index.header_is(&snapshot.header)? {
            return Ok(None);
        }
        match self.current_header(true)? {
            Some(header) => Ok(self.number(db, &header)?),
            None => Err(Error::from_code(ResultCode::BUSY)),
        }
    }

    /// Moves the snapshot of a writer to the newest commit, visible or not. The write lock is held by the process.
    pub fn move_to_newest(&self, db: &DatabaseFile, snapshot: &mut WalSnapshot) -> Result<()> {
        if self.moves_in_place(db, snapshot)? {
            return Ok(());
        }
        for _ in 0..100 {
            if let Some(mut moved) = self.try_snapshot(Use::Log, true)? {
                let written = match self.written_above(snapshot) {
                    Ok(written) => written,
                    Err(e) => {
                        self.end_read(moved);
                        return Err(e);
                    }
                };
                let newest = match written {
                    Some(written) => Some(written),
                    None => match self.number(db, &moved.header) {
                        Ok(number) => number.map(|commit| Written { header: moved.header, commit }),
                        Err(e) => {
                            self.end_read(moved);
                            return Err(e);
                        }
                    },
                };
                if let Some(newest) = newest {
                    (moved.header, moved.commit) = (newest.header, newest.commit);
                    self.end_read(std::mem::replace(snapshot, moved));
                    return Ok(());
                }
                // It became visible meanwhile.
                self.end_read(moved);
                continue;
            }
            db.io().sleep(Duration::from_micros(100));
        }
        Err(Error::from_code(ResultCode::BUSY))
    }

    /// Moves a snapshot that reads the log and keeps its read mark: while that is held the log cannot begin anew, and a mark may
    /// lie below what is read. False where there is no such snapshot or the newest state is not known.
    fn moves_in_place(&self, db: &DatabaseFile, snapshot: &mut WalSnapshot) -> Result<bool> {
        if snapshot.slot == 0 || !snapshot.keep() {
            return Ok(false);
        }
        let newest = match self.written_above(snapshot)? {
            Some(written) => written,
            None => {
                let Some(header) = self.current_header(true)? else { return Ok(false) };
                let Some(commit) = self.number(db, &header)? else { return Ok(false) };
                Written { header, commit }
            }
        };
        if newest.header.salt != snapshot.header.salt || newest.header.max_frame < snapshot.header.max_frame {
            return Ok(false);
        }
        (snapshot.header, snapshot.commit) = (newest.header, newest.commit);
        Ok(true)
    }

    /// The newest commit that is not visible yet, for a snapshot that stands: where it is of a commit that a failed sync has taken,
    /// what was done under it must not become part of another state.
    fn written_above(&self, snapshot: &WalSnapshot) -> Result<Option<Written>> {
        let tip = guard(&self.tip);
        snapshot.stands()?;
        Ok(tip.pipe.written)
    }

    /// The newest commit that is not visible yet.
    pub fn newest_unseen(&self) -> Option<Written> {
        guard(&self.tip).pipe.written
    }

    /// Moves a snapshot that nothing has been read under to a commit that was not visible when it was taken, without the write
    /// lock: should that commit be lost, the snapshot says so. False where it cannot be moved.
    pub fn move_ahead(&self, snapshot: &mut WalSnapshot, ahead: Written) -> bool {
        let same_log = ahead.header.salt == snapshot.header.salt && ahead.header.max_frame >= snapshot.header.max_frame;
        // (While a read mark of the log is held, it does not begin anew.)
        if snapshot.slot == 0 || snapshot.hold.is_some() || !same_log || self.losses.has(ahead.commit) {
            return false;
        }
        (snapshot.header, snapshot.commit) = (ahead.header, ahead.commit);
        snapshot.losses = Some(self.losses.clone());
        true
    }

    /// True where the write lock is taken, or kept free, for a short time only: who waits for it need not count that.
    pub fn is_brief(&self) -> bool {
        if self.is_pausing() {
            return true;
        }
        let writer = guard(&self.writer);
        match writer.holder {
            Some(_) => writer.is_brief(self),
            None => writer.locked.is_some() || writer.pause.is_some_and(|since| !self.is_over(since, PAUSE_MS)),
        }
    }

    // ---- Handing over -------------------------------------------------------------------------------------------------------

    /// The frames are written: the commit gets its number, and the next writer its turn. Without a need for a sync it is
    /// visible at once.
    pub fn hand_over(
        &self,
        id: PagerId,
        commit: &mut WalCommit,
        snapshot: &mut WalSnapshot,
        number: impl FnOnce() -> CommitNo,
    ) -> Result<()> {
        // Readers of this process who see the new header wait here for its number.
        let mut tip = guard(&self.tip);
        let stands = match tip.pipe.written {
            Some(written) => written.header == snapshot.header,
            None => self.index.header_is(&snapshot.header)?,
        };
        if !stands {
            // What it was built on is lost.
            drop(tip);
            return Err(Error::from_code(ResultCode::IOERR_FSYNC));
        }
        let header = commit.new_header();
        if !commit.wants_sync() && tip.pipe.written.is_none() {
            if let Err(e) = self.index.write_header(&header) {
                drop(tip);
                self.disown(commit);
                return Err(e);
            }
            tip.commit = number();
            tip.header = Some(header);
            self.after_write(commit.ticket());
            snapshot.header = header;
            snapshot.commit = tip.commit;
            commit.set_number(tip.commit);
            drop(tip);
            self.end_write(id);
            return Ok(());
        }
        if planted::has(Planted::PublishBeforeSync) {
            self.index.write_header(&header)?;
        }
        let number = number();
        tip.pipe.written = Some(Written { header, commit: number });
        self.after_write(commit.ticket());
        snapshot.header = header;
        snapshot.commit = number;
        commit.set_number(number);
        drop(tip);
        let mut writer = guard(&self.writer);
        writer.holder = None;
        if self.file.completes_inline() {
            writer.unsynced += 1;
        }
        self.pass_on(writer);
        Ok(())
    }

    /// Run by whoever is to sync: waits for others that are about to share it.
    fn gather(&self) {
        let mut writer = guard(&self.writer);
        if !writer.has_gathered() {
            let deadline = Instant::now() + LONGEST_GATHER.min(writer.sync_time / 2);
            while !writer.has_gathered() {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                writer.gathers = true;
                writer = self.gathered.wait_timeout(writer, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
            }
            writer.gathers = false;
        }
        writer.shared = std::mem::take(&mut writer.unsynced);
    }

    /// The sync that makes durable what has been handed over until it begins. What is written is `running` until it ends.
    fn sync_shared(&self, db: &DatabaseFile) {
        self.gather();
        let mut tip = guard(&self.tip);
        if let (Some(written), Some(running)) = (tip.pipe.written, &mut tip.pipe.running) {
            running.upto = written;
        }
        drop(tip);
        let began = Instant::now();
        let outcome = self.file.sync(SyncKind::Data);
        guard(&self.writer).sync_time = began.elapsed();
        self.finish_sync(db, guard(&self.tip), outcome);
    }

    /// Frames up to this one that a checkpoint has not copied.
    pub fn frames_to_copy(&self, max_frame: u32) -> u32 {
        max_frame.saturating_sub(self.index.backfilled().unwrap_or(0))
    }

    /// What has become of a commit that was handed over, once that is decided.
    fn outcome_of(&self, tip: &Tip, number: CommitNo) -> Option<Result<()>> {
        if self.losses.has(number) {
            return Some(Err(Error::from_code(ResultCode::IOERR_FSYNC)));
        }
        (tip.commit >= number).then_some(Ok(()))
    }

    /// Waits until a commit that was handed over is durable and visible; runs the sync where nobody does. `Err(Pending)` leaves
    /// in `waiting` what to wait for.
    pub fn await_durable(&self, db: &DatabaseFile, number: CommitNo, waiting: &mut Option<Completion>) -> Result<()> {
        loop {
            let mut tip = guard(&self.tip);
            if let Some(settled) = self.outcome_of(&tip, number) {
                *waiting = None;
                return settled;
            }
            if let Some(running) = &tip.pipe.running {
                if running.inline {
                    tip.pipe.wait_for(number, waiting);
                    return Err(Error::Pending);
                }
                if !running.completion.is_ready() {
                    *waiting = Some(running.completion.clone());
                    return Err(Error::Pending);
                }
                let outcome = running.completion.take().unwrap_or(Err(Error::from_code(ResultCode::IOERR_FSYNC)));
                self.finish_sync(db, tip, outcome.map(|_| ()));
                continue;
            }
            let Some(upto) = tip.pipe.written else {
                return Err(Error::from_code(ResultCode::INTERNAL));
            };
            let ticket = match self.before_sync(&tip) {
                Ok(ticket) => ticket,
                Err(e) => {
                    tip.pipe.running =
                        Some(Running { upto, ticket: None, completion: Completion::new(), inline: true });
                    self.finish_sync(db, tip, Err(e));
                    continue;
                }
            };
            let (ticket, inline) = (Some(ticket), self.file.completes_inline());
            if inline {
                tip.pipe.running = Some(Running { upto, ticket, completion: Completion::new(), inline });
                drop(tip);
                self.sync_shared(db);
            } else {
                let completion = self.file.submit(Op::Sync(SyncKind::Data));
                tip.pipe.running = Some(Running { upto, ticket, completion, inline });
            }
        }
    }

    /// Publishes what a sync has made durable, or gives up everything that is not.
    fn finish_sync(&self, db: &DatabaseFile, mut tip: std::sync::MutexGuard<'_, Tip>, outcome: Result<()>) {
        let Some(running) = tip.pipe.running.take() else { return };
        let outcome = match running.ticket {
            Some(ticket) => self.after_sync(ticket, outcome),
            None => outcome,
        };
        let published = outcome.and_then(|()| self.index.write_header(&running.upto.header));
        match published {
            Ok(()) => {
                tip.header = Some(running.upto.header);
                tip.commit = running.upto.commit;
                if tip.pipe.written.is_some_and(|written| written.commit == running.upto.commit) {
                    tip.pipe.written = None;
                }
            }
            Err(_) => {
                let last = tip.pipe.written.take().map_or(running.upto.commit, |written| written.commit);
                self.losses.add(tip.commit, last);
                // The write lock is ours, so the header that everybody sees says where what is lost begins.
                if let Ok(HeaderState::Good(visible)) = self.index.read_header() {
                    self.disown_from(visible.max_frame.saturating_add(1), running.upto.header.page_size);
                }
                tip.commit = db.versions().record_unknown();
            }
        }
        let woken = tip.pipe.settled(running.upto.commit);
        drop(tip);
        woken.iter().for_each(|completion| completion.complete(Ok(turso_io::Output::Done)));
        let mut writer = guard(&self.writer);
        self.free_lock(&mut writer);
        if writer.holder.is_none() {
            self.pass_on(writer);
        }
        db.lock_released();
    }
}

impl Written {
    pub fn commit(&self) -> CommitNo {
        self.commit
    }
}

impl Pipe {
    /// The state that the commits which are not visible yet lead to, where there are any.
    pub(super) fn newest(&self) -> Option<IndexHeader> {
        self.written.map(|written| written.header)
    }

    /// Stands in the list of those that wait for a commit. One that has been woken before its time stands there anew.
    fn wait_for(&mut self, number: CommitNo, waiting: &mut Option<Completion>) {
        let stands = |own: &Completion| self.waiting.iter().any(|(_, completion)| completion.is_same(own));
        if !waiting.as_ref().is_some_and(|own| !own.is_ready() && stands(own)) {
            let completion = Completion::new();
            self.waiting.push((number, completion.clone()));
            *waiting = Some(completion);
        }
    }

    /// Whom to wake when the commits up to this one are settled: first whoever is to run the next sync, if one is needed, then
    /// those whose commits they are. Of those that go on waiting one thread is enough for that sync; a task may not be
    /// polled for long, so that tasks are woken all.
    fn settled(&mut self, upto: CommitNo) -> Vec<Completion> {
        let failed = self.written.is_none();
        let mut next = None;
        let (mut woken, mut left) = (Vec::new(), Vec::new());
        for (number, completion) in self.waiting.drain(..) {
            let waits_on = number > upto && !failed && completion.blocks_a_thread();
            match next {
                _ if !waits_on => woken.push(completion),
                None => next = Some(completion),
                Some(_) => left.push((number, completion)),
            }
        }
        self.waiting = left;
        next.into_iter().chain(woken).collect()
    }
}

impl Writer {
    fn is_brief(&self, wal: &Wal) -> bool {
        self.brief.is_some_and(|since| !wal.is_over(since, BRIEF_MS))
    }

    /// The next in the queue that sleeps: to be woken. It stays in its place until it has the lock.
    fn next_asleep(&self) -> Option<Completion> {
        self.queue.iter().find(|(_, completion)| !completion.is_ready()).map(|(_, completion)| completion.clone())
    }

    /// Gives a place in the queue up; it may have been this connection's turn.
    fn leave(&mut self, id: PagerId) {
        let before = self.queue.len();
        self.queue.retain(|(waiting, _)| *waiting != id);
        if self.queue.len() < before
            && let Some(next) = self.next_asleep()
        {
            next.complete(Ok(turso_io::Output::Done));
        }
    }

    /// There is nobody whom a sync had better wait for.
    fn has_gathered(&self) -> bool {
        let comes = self.holder.is_some() && self.brief.is_some() || !self.queue.is_empty();
        self.unsynced >= MOST_GATHERED || !comes && self.unsynced >= self.shared / 2
    }

    /// The lock has been held for so long that it has to be free for a moment before anybody joins.
    fn must_drain(&self, wal: &Wal) -> bool {
        self.locked.is_some_and(|since| wal.is_over(since, LONGEST_HOLD_MS))
            && guard(&wal.tip).pipe.written.is_some()
            && (self.locked.is_some_and(|since| wal.is_over(since, LONGEST_HOLD_ALONE_MS))
                || wal.shm.shm_shared_with_others().unwrap_or(false))
    }
}
