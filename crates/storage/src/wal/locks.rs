//! The eight locks on the wal-index, among the connections of this process and towards others.
//!
//! The descriptor is one holder. A lock that several connections share is taken when the first of them wants it and
//! given back when the last has done.
//!
//! Quick successive reads would spend most of their time taking and giving back one read lock. So where they follow
//! each other closely the lock lingers, and a janitor thread gives it back when nobody has used it for two
//! milliseconds. What others can notice is bounded by that: a reader in a loop takes its read mark anew as soon as
//! somebody commits, and the file alone as soon as the log has been copied, exactly as without. A checkpoint of another
//! process may wait for the very mark that a loop has raised since, and polls for it: while somebody else holds the
//! checkpoint lock, locks do not linger, so that it meets the gaps between reads.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, Once, Weak};
use std::time::{Duration, Instant};

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, SHM_LOCKS, ShmLockKind};

use crate::format::wal_index::lock;

const LOCKS: usize = SHM_LOCKS as usize;
/// Reads that follow each other within this time are quick.
const QUICK: Duration = Duration::from_millis(1);
/// How long locks do not linger once a checkpoint of another process has been met.
const BACK_OFF: Duration = Duration::from_millis(20);

pub(crate) struct WalLocks {
    file: Arc<dyn File>,
    linger: Option<Duration>,
    state: Mutex<State>,
}

struct State {
    shared: [u32; LOCKS],
    exclusive: [bool; LOCKS],
    /// Held by the descriptor with nobody using it.
    lingering: [bool; LOCKS],
    /// Used since the janitor came by.
    used: bool,
    /// The janitor will come by.
    watched: bool,
    last_release: Option<Instant>,
    /// Somebody else is at a checkpoint: no lock lingers before.
    plain_until: Option<Instant>,
    closed: bool,
    /// Nobody else has the database: these locks need not be told to the file.
    alone: bool,
}

fn busy<T>() -> Result<T> {
    Err(Error::from_code(ResultCode::BUSY))
}

impl WalLocks {
    pub fn new(file: Arc<dyn File>) -> Arc<Self> {
        let state = State {
            shared: [0; LOCKS],
            exclusive: [false; LOCKS],
            lingering: [false; LOCKS],
            used: false,
            watched: false,
            last_release: None,
            plain_until: None,
            closed: false,
            alone: false,
        };
        Arc::new(Self { linger: file.shm_lock_linger(), file, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// No lock is given out any more, and none may be held: false where one is.
    pub fn close(&self) -> bool {
        let mut state = self.state();
        if state.shared.iter().any(|n| *n > 0) || state.exclusive.contains(&true) {
            return false;
        }
        self.drop_lingering(&mut state);
        state.closed = true;
        true
    }

    /// Undoes `close`, for who holds EXCLUSIVE on the database: the locks count within this process only.
    pub fn reopen_alone(&self) {
        let mut state = self.state();
        state.closed = false;
        state.alone = true;
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub fn shared(&self, lock: u32) -> Result<()> {
        let mut state = self.state();
        let at = lock as usize;
        if state.exclusive[at] || state.closed {
            return busy();
        }
        if state.shared[at] == 0 {
            if state.lingering[at] {
                state.lingering[at] = false;
                state.used = true;
            } else {
                // The reader has moved on: the slot of its last read must not hold anybody up.
                self.drop_lingering(&mut state);
                self.tell(&state, lock, 1, ShmLockKind::Shared)?;
            }
        }
        state.shared[at] += 1;
        Ok(())
    }

    pub fn release_shared(self: &Arc<Self>, lock: u32) {
        let mut state = self.state();
        let at = lock as usize;
        debug_assert!(state.shared[at] > 0);
        state.shared[at] = state.shared[at].saturating_sub(1);
        if state.shared[at] > 0 {
            return;
        }
        if let Some(time) = self.linger {
            let now = Instant::now();
            let quick = state.last_release.replace(now).is_some_and(|last| now - last < QUICK);
            let plain = state.plain_until.is_some_and(|until| now < until);
            if quick && !plain && !state.closed && (state.watched || watch(self, time)) {
                state.watched = true;
                state.used = true;
                state.lingering[at] = true;
                return;
            }
        }
        self.tell_unlock(&state, lock, 1);
    }

    /// The same without lingering.
    pub fn release_shared_at_once(&self, lock: u32) {
        let mut state = self.state();
        let at = lock as usize;
        debug_assert!(state.shared[at] > 0);
        state.shared[at] = state.shared[at].saturating_sub(1);
        if state.shared[at] == 0 {
            self.tell_unlock(&state, lock, 1);
        }
    }

    fn tell(&self, state: &State, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        if state.alone { Ok(()) } else { self.file.shm_lock(first, count, kind) }
    }

    fn tell_unlock(&self, state: &State, first: u32, count: u32) {
        if !state.alone {
            let _ = self.file.shm_unlock(first, count);
        }
    }

    /// True where a connection of this process holds one of these locks shared.
    pub fn any_shared(&self, mut locks: std::ops::Range<u32>) -> bool {
        let state = self.state();
        locks.any(|lock| state.shared[lock as usize] > 0)
    }

    pub fn exclusive(&self, first: u32, count: u32) -> Result<()> {
        let mut state = self.state();
        let range = first as usize..(first + count) as usize;
        if range.clone().any(|at| state.exclusive[at] || state.shared[at] > 0) {
            return busy();
        }
        // The descriptor's own lingering locks are no obstacle: they become exclusive.
        self.tell(&state, first, count, ShmLockKind::Exclusive)?;
        state.exclusive[range.clone()].fill(true);
        state.lingering[range].fill(false);
        Ok(())
    }

    pub fn release_exclusive(&self, first: u32, count: u32) {
        let mut state = self.state();
        state.exclusive[first as usize..(first + count) as usize].fill(false);
        self.tell_unlock(&state, first, count);
    }

    /// Exclusive -> shared without a gap.
    pub fn exclusive_to_shared(&self, lock: u32) -> Result<()> {
        let mut state = self.state();
        let at = lock as usize;
        debug_assert!(state.exclusive[at]);
        state.exclusive[at] = false;
        match self.tell(&state, lock, 1, ShmLockKind::Shared) {
            Ok(()) => {
                state.shared[at] = 1;
                self.drop_lingering(&mut state);
                Ok(())
            }
            Err(e) => {
                let _ = self.file.shm_unlock(lock, 1);
                Err(e)
            }
        }
    }

    fn drop_lingering(&self, state: &mut State) {
        for at in 0..LOCKS {
            if std::mem::take(&mut state.lingering[at]) {
                let _ = self.file.shm_unlock(at as u32, 1);
            }
        }
    }

    /// The janitor's visit: gives back what nobody has used since the last one; false when it need not come again.
    fn sweep(&self) -> bool {
        let mut state = self.state();
        if state.closed {
            // Looking at the locks of others would make the shared memory anew.
            state.watched = false;
            return false;
        }
        let checkpoint =
            !state.exclusive[lock::CHECKPOINT as usize] && self.file.shm_locked_elsewhere(lock::CHECKPOINT);
        if checkpoint {
            state.plain_until = Some(Instant::now() + BACK_OFF);
        }
        if !std::mem::take(&mut state.used) || checkpoint {
            self.drop_lingering(&mut state);
            state.watched = false;
        }
        state.watched
    }
}

/// Lock tables with lingering locks, and the thread that visits them.
struct Janitor {
    watched: Mutex<Vec<Weak<WalLocks>>>,
    more: Condvar,
    start: Once,
    /// The thread waits for `more`, which costs a system call to signal.
    idle: AtomicBool,
}

static JANITOR: LazyLock<Janitor> = LazyLock::new(|| Janitor {
    watched: Mutex::default(),
    more: Condvar::new(),
    start: Once::new(),
    idle: AtomicBool::new(false),
});

impl Janitor {
    fn watched(&self) -> MutexGuard<'_, Vec<Weak<WalLocks>>> {
        self.watched.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn work(&self, interval: Duration) {
        loop {
            let mut watched = self.watched();
            while watched.is_empty() {
                self.idle.store(true, Ordering::Relaxed);
                watched = self.more.wait(watched).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
            drop(watched);
            std::thread::sleep(interval);
            let visit = std::mem::take(&mut *self.watched());
            // Not under the list's lock: a table calls `watch` under its own.
            let again: Vec<_> =
                visit.into_iter().filter(|weak| weak.upgrade().is_some_and(|locks| locks.sweep())).collect();
            self.watched().extend(again);
        }
    }
}

/// Asks the janitor to come by; false where there is none.
fn watch(locks: &Arc<WalLocks>, interval: Duration) -> bool {
    let janitor: &'static Janitor = &JANITOR;
    janitor.start.call_once(|| {
        // Without the thread nothing would be given back, and a list that nobody empties says so below.
        let _ = std::thread::Builder::new().name("turso-locks".into()).spawn(move || {
            JANITOR_PROCESS.store(std::process::id(), Ordering::Release);
            janitor.work(interval);
        });
    });
    if JANITOR_PROCESS.load(Ordering::Acquire) != std::process::id() {
        return false;
    }
    let mut watched = janitor.watched();
    watched.push(Arc::downgrade(locks));
    // Set and cleared under the lock of the list.
    let wake = janitor.idle.swap(false, Ordering::Relaxed);
    drop(watched);
    if wake {
        janitor.more.notify_one();
    }
    true
}

/// The process that has the thread: a forked child has not.
static JANITOR_PROCESS: AtomicU32 = AtomicU32::new(0);
