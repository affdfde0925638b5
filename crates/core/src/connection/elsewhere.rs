//! Operations for callers that must not block, and the threads that block for them.
//!
//! ```text
//!  caller: attempt -- Pending, a read or a lock --> waker registered
//!             |  ^
//!             |  +-- nothing lasting has been done -------------------------------+
//!             +-- must block (recovery, checkpoint, commit with a rollback journal) -> MustBlock
//!  caller: run_elsewhere(the same attempt, where blocking is allowed) --> other tasks of the connection wait for the job
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use turso_error::{Error, Result};

use super::Connection;
use super::gate::Held;
use crate::wait::{Attempt, Wait};

/// The jobs that run for a connection on other threads, which hold its lock while they block.
#[derive(Default)]
pub(super) struct Elsewhere {
    jobs: AtomicUsize,
    /// Whom to wake when a job is done.
    wakers: Mutex<Vec<Waker>>,
}

impl Elsewhere {
    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True where a job is under way; `waker` is then woken at its end.
    fn is_busy(&self, waker: &Waker) -> bool {
        if self.jobs.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut wakers = self.wakers();
        // A job that ends from here on finds the waker.
        let busy = self.jobs.load(Ordering::Acquire) > 0;
        if busy && !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        busy
    }
}

/// A job under way; it ends when this is dropped, also by a panic.
struct Job(Connection);

impl Drop for Job {
    fn drop(&mut self) {
        let elsewhere = &self.0.shared.elsewhere;
        let wakers = {
            let mut wakers = elsewhere.wakers();
            elsewhere.jobs.fetch_sub(1, Ordering::AcqRel);
            std::mem::take(&mut *wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Connection {
    /// Runs `work` on a thread that may block; where the back end has none, because its callers may, in place. Until it is
    /// done, other tasks that poll the connection wait.
    pub fn run_elsewhere(&self, work: impl FnOnce() + Send + 'static) {
        self.shared.elsewhere.jobs.fetch_add(1, Ordering::AcqRel);
        let job = Job(self.clone());
        let work: turso_io::Job = Box::new(move || {
            let _job = job;
            work();
        });
        match &self.shared.io {
            Some(io) => _ = io.run_elsewhere(work).map_err(|work| work()),
            None => work(),
        }
    }

    /// Drops this handle on a thread that may block, as the last one of a connection does, and calls `done` afterwards.
    pub fn close_elsewhere(self, done: impl FnOnce() + Send + 'static) {
        let io = self.shared.io.clone();
        let work: turso_io::Job = Box::new(move || {
            drop(self);
            done();
        });
        match io {
            Some(io) => _ = io.run_elsewhere(work).map_err(|work| work()),
            None => work(),
        }
    }

    /// True where a job of [`run_elsewhere`](Self::run_elsewhere) is under way; `waker` is then woken at its end.
    pub fn is_busy_elsewhere(&self, waker: &Waker) -> bool {
        self.shared.elsewhere.is_busy(waker)
    }

    /// Attempts until there is a result, something to be waited for, or no way but to block.
    pub(crate) fn poll_without_blocking<T>(
        &self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&mut Held<'_>) -> Result<T>,
    ) -> Poll<Attempt<T>> {
        loop {
            if self.is_busy_elsewhere(context.waker()) {
                return Poll::Pending;
            }
            let mut held = self.lock();
            held.set_may_block(false);
            let result = attempt(&mut held);
            held.set_may_block(true);
            match result {
                Err(Error::Pending) if matches!(held.waiting, Some(Wait::Thread)) => {
                    held.waiting = None;
                    return Poll::Ready(Attempt::MustBlock);
                }
                Err(Error::Pending) => {
                    if held.register(context.waker()) {
                        return Poll::Pending;
                    }
                }
                other => return Poll::Ready(Attempt::Over(other)),
            }
        }
    }
}
