//! A back end that runs submitted operations on a few threads: the asynchronous face without io_uring.
//!
//! Threads start with the first submission and end with the back end. Blocking calls go through on the caller's thread.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use turso_error::Result;

use crate::{Completion, File, FileId, Io, LockLevel, Op, OpenFlags, ShmLockKind, ShmRegion, SyncKind};

/// See the module's documentation.
pub struct ThreadPoolIo {
    inner: Arc<dyn Io>,
    pool: Arc<Pool>,
}

impl ThreadPoolIo {
    /// Runs the submitted operations of `inner` on `threads` threads.
    pub fn new(inner: Arc<dyn Io>, threads: usize) -> Self {
        let pool = Pool {
            queue: Arc::new(JobQueue { state: Mutex::new(Jobs::default()), more: Condvar::new() }),
            threads: Mutex::new(Vec::new()),
            size: threads.max(1),
        };
        Self { inner, pool: Arc::new(pool) }
    }
}

struct Pool {
    queue: Arc<JobQueue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    size: usize,
}

struct JobQueue {
    state: Mutex<Jobs>,
    more: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<(Arc<dyn File>, Op, Completion)>,
    closed: bool,
}

impl JobQueue {
    fn state(&self) -> MutexGuard<'_, Jobs> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
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
                state = self.more.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
            };
            drop(state);
            let (file, op, completion) = job;
            completion.complete(op.run(&*file));
        }
    }
}

impl Pool {
    fn submit(&self, file: Arc<dyn File>, op: Op, completion: Completion) {
        let mut threads = self.threads.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while threads.len() < self.size {
            let queue = self.queue.clone();
            match std::thread::Builder::new().name("turso-io".into()).spawn(move || queue.work()) {
                Ok(handle) => threads.push(handle),
                Err(_) => break,
            }
        }
        if threads.is_empty() {
            drop(threads);
            completion.complete(op.run(&*file));
            return;
        }
        drop(threads);
        self.queue.state().waiting.push_back((file, op, completion));
        self.queue.more.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.state().closed = true;
        self.queue.more.notify_all();
        let threads = self.threads.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        let this = std::thread::current().id();
        for handle in threads.drain(..) {
            // A waker may drop the last handle on a pool thread, which cannot wait for itself.
            if handle.thread().id() != this {
                let _ = handle.join();
            }
        }
    }
}

impl Io for ThreadPoolIo {
    fn name(&self) -> &'static str {
        "threads"
    }
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = self.inner.open(path, flags)?;
        Ok(Arc::new(PooledFile { inner, pool: self.pool.clone() }))
    }
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        self.inner.delete(path, sync_dir)
    }
    fn exists(&self, path: &Path) -> Result<bool> {
        self.inner.exists(path)
    }
    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        self.inner.sync_directory_of(path)
    }
    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.inner.full_path(path)
    }
    fn temp_path(&self) -> Result<PathBuf> {
        self.inner.temp_path()
    }
    fn now_julian_ms(&self) -> i64 {
        self.inner.now_julian_ms()
    }
    fn randomness(&self, buf: &mut [u8]) {
        self.inner.randomness(buf);
    }
    fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration);
    }
}

struct PooledFile {
    inner: Arc<dyn File>,
    pool: Arc<Pool>,
}

impl File for PooledFile {
    fn submit(&self, op: Op) -> Completion {
        let completion = Completion::new();
        self.pool.submit(self.inner.clone(), op, completion.clone());
        completion
    }
    fn completes_inline(&self) -> bool {
        false
    }
    delegate_file!();
}
