//! The simulated back end: one machine with one disk and several processes, whose every call is counted, recorded, and may fail.
//!
//! It lives here and not in `turso_io` because it is no back end that anybody ships: all that it needs is the trait. Content, the
//! locks of SQLite and shared memory come from [`MemoryIo`], whose handles are holders of locks as descriptors are; this module
//! adds processes that die, time, chance, faults, and the record of what reached the disk ([`Event`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use turso_error::{Error, Result, ResultCode};
use turso_io::{
    Completion, File, FileId, Io, LockLevel, MemoryIo, Op, OpenFlags, ShmLockKind, ShmRegion, SyncKind,
    UNIX_EPOCH_JULIAN_MS,
};

use crate::platter::{Event, FileNo, Files, Platter};
use crate::random::Random;

/// A simulated process.
pub type ProcessNo = usize;

/// The kinds of calls that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // The names say it.
pub enum Call {
    Open,
    Delete,
    Read,
    Write,
    Sync,
    SyncDirectory,
    Truncate,
    Lock,
    ShmLock,
    Barrier,
    Sleep,
}

/// What may go wrong, in ten thousandths of the calls of a kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// A read fails.
    pub read: u32,
    /// A write fails, after a part of it.
    pub write: u32,
    /// A sync fails: what was not durable is there or lost for good. All who have the file open are told, each once.
    pub sync: u32,
    /// The disk is full: a write that would make a file longer fails.
    pub full: u32,
    /// A sync says that it is done and has done nothing.
    pub lying_sync: u32,
    /// Opening, deleting, or syncing the directory fails.
    pub names: u32,
    /// No fault after this many.
    pub at_most: u32,
}

/// What happened, by kind.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Calls.
    pub calls: BTreeMap<Call, u64>,
    /// Faults.
    pub faults: BTreeMap<&'static str, u64>,
    /// Locks granted, by name.
    pub locks: BTreeMap<&'static str, u64>,
}

/// Called before each call with the process that makes it: the moment for others to run.
pub type Between = Arc<dyn Fn(ProcessNo, Call) + Send + Sync>;

/// A machine. See the module's documentation.
pub struct Machine {
    memory: MemoryIo,
    state: Mutex<State>,
    between: Option<Between>,
    pending: bool,
}

struct State {
    names: BTreeMap<PathBuf, FileNo>,
    next_file: FileNo,
    events: Option<Vec<Event>>,
    platter: Option<Platter>,
    random: Random,
    clock_us: i64,
    faults: Faults,
    faults_left: u32,
    dead: BTreeSet<ProcessNo>,
    /// After this many calls the power goes.
    power_until: u64,
    /// The next process to die, and after how many calls.
    dies: Option<(ProcessNo, u64)>,
    calls: u64,
    power_lost: bool,
    /// The call in whose middle the power went.
    last_call: u64,
    counts: Counts,
    queue: Vec<(ProcessNo, SimFile, Op, Completion)>,
    /// How many syncs of each file have failed.
    failed_syncs: BTreeMap<FileNo, u64>,
    /// Was told of a failed sync of a file and has not synced it since: it does not die before it has dealt with that, for nobody
    /// who opens the file later is told.
    told: BTreeSet<(ProcessNo, FileNo)>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// How a machine is made.
#[derive(Clone, Default)]
pub struct Settings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Keep the list of events.
    pub record: bool,
    /// Keep a disk beside, with sectors of this size.
    pub sector: Option<u32>,
    /// Reads and the writes of commits are submitted and wait for [`Io::step`].
    pub pending: bool,
    /// See [`Between`].
    pub between: Option<Between>,
}

impl Machine {
    /// A machine whose disk holds these files, durably.
    pub fn new(files: &Files, settings: Settings) -> Arc<Self> {
        let memory = MemoryIo::seeded(settings.seed);
        let mut names = BTreeMap::new();
        for (no, (name, bytes)) in files.iter().enumerate() {
            memory.set_contents(name, bytes.clone());
            names.insert(name.clone(), no as FileNo);
        }
        let state = State {
            next_file: files.len() as FileNo,
            names,
            events: settings.record.then(Vec::new),
            platter: settings.sector.map(|sector| Platter::holding(sector, files)),
            random: Random::part(settings.seed, 1),
            clock_us: 1_700_000_000_000_000,
            faults: Faults::default(),
            faults_left: 0,
            dead: BTreeSet::new(),
            power_until: u64::MAX,
            dies: None,
            calls: 0,
            power_lost: false,
            last_call: 0,
            counts: Counts::default(),
            queue: Vec::new(),
            failed_syncs: BTreeMap::new(),
            told: BTreeSet::new(),
        };
        Arc::new(Self { memory, state: Mutex::new(state), between: settings.between, pending: settings.pending })
    }

    /// The back end as one process has it.
    pub fn process(self: &Arc<Self>, no: ProcessNo) -> Arc<dyn Io> {
        Arc::new(SimIo { machine: self.clone(), process: no })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        guard(&self.state)
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        state.faults = faults;
        state.faults_left = faults.at_most;
    }

    /// See [`Platter::keep_journals_in_order`].
    pub fn keep_journals_in_order(&self) {
        if let Some(platter) = &mut self.state().platter {
            platter.keep_journals_in_order();
        }
    }

    /// The power goes after this many more calls.
    pub fn lose_power_after(&self, calls: u64) {
        let mut state = self.state();
        state.power_until = state.calls.saturating_add(calls);
    }

    /// The process dies after this many more calls.
    pub fn kill_after(&self, process: ProcessNo, calls: u64) {
        let mut state = self.state();
        state.dies = Some((process, state.calls.saturating_add(calls)));
    }

    /// The process dies now: no call of it has an effect any more, but its locks stay until its files are dropped.
    pub fn kill(&self, process: ProcessNo) {
        self.state().dead.insert(process);
    }

    /// True where the process has died or the power has gone.
    pub fn is_dead(&self, process: ProcessNo) -> bool {
        let state = self.state();
        state.power_lost || state.dead.contains(&process)
    }

    /// True once the power has gone.
    pub fn has_lost_power(&self) -> bool {
        self.state().power_lost
    }

    /// Notes how far the workload has come.
    pub fn mark(&self, mark: u32) {
        self.state().note(Event::Mark(mark));
    }

    /// The events so far.
    pub fn take_events(&self) -> Vec<Event> {
        self.state().events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What happened.
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// What the disk holds after the power has gone, left to chance; for machines with a disk beside.
    pub fn after_power_loss(&self) -> Files {
        let mut state = self.state();
        let State { platter, random, .. } = &mut *state;
        platter.as_ref().map(|platter| platter.random_state(random)).unwrap_or_default()
    }

    /// What the files hold for those who run now.
    pub fn files(&self) -> Files {
        let names: Vec<PathBuf> = self.state().names.keys().cloned().collect();
        names.into_iter().filter_map(|name| self.memory.contents(&name).map(|bytes| (name, bytes))).collect()
    }

    /// Counts a call, and fails it where it has to.
    fn enter(&self, process: ProcessNo, call: Call) -> Result<()> {
        if let Some(between) = &self.between
            && !self.is_dead(process)
        {
            between(process, call);
        }
        let mut state = self.state();
        *state.counts.calls.entry(call).or_default() += 1;
        state.calls += 1;
        state.clock_us += 3;
        if state.calls > state.power_until && !state.power_lost {
            state.power_lost = true;
            state.last_call = state.calls;
            state.count_fault("power loss");
        }
        if let Some((process, at)) = state.dies
            && state.calls > at
            && !state.told.iter().any(|(told, _)| *told == process)
        {
            state.dies = None;
            state.dead.insert(process);
            state.count_fault("process killed");
        }
        if state.power_lost || state.dead.contains(&process) {
            return Err(Error::from_code(call.error()));
        }
        Ok(())
    }
}

impl Call {
    fn error(self) -> ResultCode {
        match self {
            Call::Open => ResultCode::CANTOPEN,
            Call::Delete => ResultCode::IOERR_DELETE,
            Call::Read => ResultCode::IOERR_READ,
            Call::Write => ResultCode::IOERR_WRITE,
            Call::Sync => ResultCode::IOERR_FSYNC,
            Call::SyncDirectory => ResultCode::IOERR_DIR_FSYNC,
            Call::Truncate => ResultCode::IOERR_TRUNCATE,
            Call::Lock | Call::Sleep => ResultCode::IOERR_LOCK,
            Call::ShmLock | Call::Barrier => ResultCode::IOERR_SHMLOCK,
        }
    }
}

impl State {
    fn note(&mut self, event: Event) {
        if let Some(platter) = &mut self.platter {
            platter.apply(&event);
        }
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }

    fn failed_syncs(&self, file: FileNo) -> u64 {
        self.failed_syncs.get(&file).copied().unwrap_or(0)
    }

    fn count_fault(&mut self, name: &'static str) {
        *self.counts.faults.entry(name).or_default() += 1;
    }

    fn draw(&mut self, name: &'static str, in_ten_thousand: u32) -> bool {
        let hit = self.faults_left > 0 && self.random.chance(in_ten_thousand);
        if hit {
            self.faults_left -= 1;
            self.count_fault(name);
        }
        hit
    }
}

struct SimIo {
    machine: Arc<Machine>,
    process: ProcessNo,
}

impl SimIo {
    fn name_fault(&self, call: Call, name: &'static str) -> Result<()> {
        self.machine.enter(self.process, call)?;
        let mut state = self.machine.state();
        let names = state.faults.names;
        if state.draw(name, names) { Err(Error::from_code(call.error())) } else { Ok(()) }
    }
}

impl Io for SimIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        self.name_fault(Call::Open, "open failed")?;
        let inner = self.machine.memory.open(path, flags)?;
        let mut state = self.machine.state();
        let known = state.names.get(path).copied().filter(|_| !flags.delete_on_close);
        let file = match known {
            Some(file) => file,
            None => {
                let file = state.next_file;
                state.next_file += 1;
                if !flags.delete_on_close {
                    state.names.insert(path.to_path_buf(), file);
                    state.note(Event::Link(path.to_path_buf(), file));
                } else {
                    *state.counts.locks.entry("temporary file opened").or_default() += 1;
                }
                file
            }
        };
        let failed_syncs = state.failed_syncs(file).into();
        drop(state);
        let handle = Handle { inner, file, failed_syncs, machine: self.machine.clone(), process: self.process };
        Ok(Arc::new(SimFile(Arc::new(handle))))
    }

    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        self.name_fault(Call::Delete, "delete failed")?;
        self.machine.memory.delete(path, sync_dir)?;
        let mut state = self.machine.state();
        state.names.remove(path);
        state.note(Event::Unlink(path.to_path_buf()));
        drop(state);
        if sync_dir { self.sync_directory_of(path) } else { Ok(()) }
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.machine.enter(self.process, Call::Open)?;
        self.machine.memory.exists(path)
    }

    fn sync_directory_of(&self, _path: &Path) -> Result<()> {
        self.name_fault(Call::SyncDirectory, "directory sync failed")?;
        self.machine.state().note(Event::SyncDirectory);
        Ok(())
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        Ok(path.to_path_buf())
    }

    fn temp_path(&self) -> Result<PathBuf> {
        self.machine.memory.temp_path()
    }

    fn now_julian_ms(&self) -> i64 {
        UNIX_EPOCH_JULIAN_MS + self.machine.state().clock_us / 1000
    }

    fn randomness(&self, buf: &mut [u8]) {
        let mut state = self.machine.state();
        buf.fill_with(|| state.random.bits() as u8);
    }

    fn sleep(&self, duration: Duration) {
        let _ = self.machine.enter(self.process, Call::Sleep);
        self.machine.state().clock_us += duration.as_micros() as i64;
    }

    fn step(&self) -> Result<bool> {
        let mut state = self.machine.state();
        let mine: Vec<usize> = (0..state.queue.len()).filter(|i| state.queue[*i].0 == self.process).collect();
        if mine.is_empty() {
            return Ok(false);
        }
        // Any of them may be the first to be done: latency.
        let at = mine[state.random.below(mine.len())];
        let (_, file, op, completion) = state.queue.remove(at);
        drop(state);
        completion.complete(op.run(&file));
        Ok(true)
    }
}

struct Handle {
    inner: Arc<dyn File>,
    file: FileNo,
    /// So many failed syncs of the file it has been told of.
    failed_syncs: AtomicU64,
    machine: Arc<Machine>,
    process: ProcessNo,
}

#[derive(Clone)]
struct SimFile(Arc<Handle>);

impl SimFile {
    fn enter(&self, call: Call) -> Result<()> {
        self.0.machine.enter(self.0.process, call)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.machine.state()
    }

    fn put(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.0.inner.write_at(bytes, offset)?;
        let mut state = self.state();
        if state.events.is_some() || state.platter.is_some() {
            state.note(Event::Write { file: self.0.file, offset, bytes: bytes.into() });
        }
        Ok(())
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.enter(Call::Read)?;
        let mut state = self.state();
        let read = state.faults.read;
        if state.draw("read failed", read) {
            return Err(Error::from_code(ResultCode::IOERR_READ));
        }
        drop(state);
        self.0.inner.read_at(buf, offset)
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        let bytes = bufs.concat();
        let entered = self.enter(Call::Write);
        let grows = offset + bytes.len() as u64 > self.0.inner.size()?;
        let mut state = self.state();
        if entered.is_err() && state.last_call != state.calls {
            return entered;
        }
        let Faults { write, full, .. } = state.faults;
        let is_full = grows && state.draw("disk full", full);
        let fails = entered.is_err() || is_full || state.draw("write failed", write);
        if !fails {
            drop(state);
            return self.put(&bytes, offset);
        }
        // A write that fails, or is cut short by the loss of power, may have written a part.
        let part = state.random.below(bytes.len() + 1);
        drop(state);
        if part > 0 {
            self.put(&bytes[..part], offset)?;
        }
        Err(Error::from_code(if is_full { ResultCode::FULL } else { ResultCode::IOERR_WRITE }))
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.enter(Call::Sync)?;
        let mut state = self.state();
        let Faults { sync, lying_sync, .. } = state.faults;
        let fails = state.draw("sync failed", sync);
        if fails {
            let seed = state.random.bits();
            state.note(Event::FailedSync(self.0.file, seed));
            *state.failed_syncs.entry(self.0.file).or_default() += 1;
        }
        let failed = state.failed_syncs(self.0.file);
        if self.0.failed_syncs.swap(failed, Ordering::Relaxed) != failed {
            state.told.insert((self.0.process, self.0.file));
            return Err(Error::from_code(ResultCode::IOERR_FSYNC));
        }
        state.told.remove(&(self.0.process, self.0.file));
        if !state.draw("sync lied", lying_sync) {
            state.note(Event::Sync(self.0.file));
        }
        drop(state);
        self.0.inner.sync(kind)
    }

    fn truncate(&self, size: u64) -> Result<()> {
        self.enter(Call::Truncate)?;
        self.state().note(Event::Truncate { file: self.0.file, size });
        self.0.inner.truncate(size)
    }

    fn size(&self) -> Result<u64> {
        self.0.inner.size()
    }

    fn growth_step(&self) -> u32 {
        1 << 13
    }

    fn submit(&self, op: Op) -> Completion {
        if !self.0.machine.pending {
            return Completion::ready(op.run(self));
        }
        let completion = Completion::new();
        self.state().queue.push((self.0.process, self.clone(), op, completion.clone()));
        completion
    }

    fn completes_inline(&self) -> bool {
        !self.0.machine.pending
    }

    fn is_read_only(&self) -> bool {
        self.0.inner.is_read_only()
    }

    fn id(&self) -> Option<FileId> {
        self.0.inner.id()
    }

    fn lock(&self, level: LockLevel) -> Result<()> {
        self.enter(Call::Lock)?;
        self.0.inner.lock(level)?;
        let name = match level {
            LockLevel::None | LockLevel::Shared => "shared",
            LockLevel::Reserved => "reserved",
            LockLevel::Pending => "pending",
            LockLevel::Exclusive => "exclusive",
        };
        *self.state().counts.locks.entry(name).or_default() += 1;
        Ok(())
    }

    fn unlock(&self, level: LockLevel) -> Result<()> {
        self.0.inner.unlock(level)
    }

    fn lock_level(&self) -> LockLevel {
        self.0.inner.lock_level()
    }

    fn check_reserved(&self) -> Result<bool> {
        self.enter(Call::Lock)?;
        self.0.inner.check_reserved()
    }

    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        self.enter(Call::ShmLock)?;
        self.0.inner.shm_map(region, extend)
    }

    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        self.enter(Call::ShmLock)?;
        self.0.inner.shm_lock(first, count, kind)?;
        let name = match (first, count, kind) {
            (0, _, _) => "wal: write",
            (1, _, _) => "wal: checkpoint",
            (2, _, _) => "wal: recover",
            (3, 1, ShmLockKind::Shared) => "wal: read of the file",
            (_, 1, ShmLockKind::Shared) => "wal: read of the log",
            (_, 4, ShmLockKind::Exclusive) => "wal: all readers out",
            _ => "wal: read mark moved",
        };
        *self.state().counts.locks.entry(name).or_default() += 1;
        Ok(())
    }

    fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
        self.0.inner.shm_unlock(first, count)
    }

    fn shm_barrier(&self) {
        let _ = self.enter(Call::Barrier);
        self.0.inner.shm_barrier();
    }

    fn shm_shared_with_others(&self) -> Result<bool> {
        self.0.inner.shm_shared_with_others()
    }

    fn shm_unmap(&self, delete: bool) -> Result<()> {
        // The dead do not clean up.
        self.0.inner.shm_unmap(delete && !self.0.machine.is_dead(self.0.process))
    }
}
