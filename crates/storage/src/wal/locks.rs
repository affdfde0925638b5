//! The eight locks on the wal-index, among the connections of this process and towards others.
//!
//! The descriptor is one holder. A lock that several connections share is taken when the first of them wants it and
//! given back when the last has done.

use std::sync::{Arc, Mutex, MutexGuard};

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, SHM_LOCKS, ShmLockKind};

pub(super) struct WalLocks {
    file: Arc<dyn File>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shared: [u32; SHM_LOCKS as usize],
    exclusive: [bool; SHM_LOCKS as usize],
    closed: bool,
}

fn busy<T>() -> Result<T> {
    Err(Error::from_code(ResultCode::BUSY))
}

impl WalLocks {
    pub fn new(file: Arc<dyn File>) -> Self {
        Self { file, state: Mutex::default() }
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
        state.closed = true;
        true
    }

    /// Undoes `close`.
    pub fn reopen(&self) {
        self.state().closed = false;
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
            self.file.shm_lock(lock, 1, ShmLockKind::Shared)?;
        }
        state.shared[at] += 1;
        Ok(())
    }

    pub fn release_shared(&self, lock: u32) {
        let mut state = self.state();
        let at = lock as usize;
        debug_assert!(state.shared[at] > 0);
        state.shared[at] = state.shared[at].saturating_sub(1);
        if state.shared[at] == 0 {
            let _ = self.file.shm_unlock(lock, 1);
        }
    }

    pub fn exclusive(&self, first: u32, count: u32) -> Result<()> {
        let mut state = self.state();
        let range = first as usize..(first + count) as usize;
        if range.clone().any(|at| state.exclusive[at] || state.shared[at] > 0) {
            return busy();
        }
        self.file.shm_lock(first, count, ShmLockKind::Exclusive)?;
        state.exclusive[range].fill(true);
        Ok(())
    }

    pub fn release_exclusive(&self, first: u32, count: u32) {
        let mut state = self.state();
        state.exclusive[first as usize..(first + count) as usize].fill(false);
        let _ = self.file.shm_unlock(first, count);
    }
}
