//! A few threads for work that blocks.
//!
//! They start with the first job and end with the pool, the queue emptied.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Work for another thread.
pub type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Pool {
    queue: Arc<JobQueue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    size: usize,
}

#[derive(Default)]
struct JobQueue {
    state: Mutex<Jobs>,
    more: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl JobQueue {
    fn state(&self) -> MutexGuard<'_, Jobs> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut state = self.state();
            let job = loop {
                if let Some(job) = state.waiting.pop_front() {
                    break job;
                }
                if state.closed {
                    return;
                }
                state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            job();
        }
    }
}

impl Pool {
    pub fn new(size: usize) -> Self {
        Self { queue: Arc::default(), threads: Mutex::default(), size: size.max(1) }
    }

    /// Hands a job over; it comes back where no thread can be started.
    pub fn run(&self, job: Job) -> Result<(), Job> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.len() < self.size {
            let queue = self.queue.clone();
            match std::thread::Builder::new().name("turso-io".into()).spawn(move || queue.work()) {
                Ok(handle) => threads.push(handle),
                Err(_) => break,
            }
        }
        if threads.is_empty() {
            return Err(job);
        }
        drop(threads);
        self.queue.state().waiting.push_back(job);
        self.queue.more.notify_one();
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.state().closed = true;
        self.queue.more.notify_all();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        let this = std::thread::current().id();
        for handle in threads.drain(..) {
            // A waker may drop the last handle on a pool thread, which cannot wait for itself.
            if handle.thread().id() != this {
                let _ = handle.join();
            }
        }
    }
}
