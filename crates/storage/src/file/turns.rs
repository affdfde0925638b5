//! Who waits for a lock of this process, and the wake-up when one is given back.
//!
//! A busy error is answered at once; whoever wants to wait remembers the epoch before the attempt and waits for
//! another one. Locks of other processes give no sign: a waiter comes back after a bounded time by itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::task::Waker;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct Turns {
    epoch: AtomicU64,
    waiters: AtomicUsize,
    wakers: Mutex<Vec<Waker>>,
    released: Condvar,
}

impl Turns {
    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// A lock was given back.
    pub fn notify(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            let wakers = std::mem::take(&mut *self.wakers());
            self.waiters.fetch_sub(wakers.len(), Ordering::SeqCst);
            self.released.notify_all();
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Blocks until a lock is given back after `seen`, or the time is over.
    pub fn wait(&self, seen: u64, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let mut guard = self.wakers();
        while self.epoch() == seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            guard = self.released.wait_timeout(guard, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        drop(guard);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// Wakes once a lock is given back after `seen`; at once where that has happened.
    pub fn register(&self, seen: u64, waker: &Waker) {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let mut wakers = self.wakers();
        if self.epoch() == seen && !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
            return;
        }
        let missed = self.epoch() != seen;
        drop(wakers);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        if missed {
            waker.wake_by_ref();
        }
    }
}
