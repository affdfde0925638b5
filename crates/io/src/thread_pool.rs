//! A back end that runs submitted operations on a few threads: the asynchronous face without io_uring.
//!
//! Blocking calls go through on the caller's thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use turso_error::Result;

use crate::pool::{Job, Pool};
use crate::{Completion, File, FileId, Io, LockLevel, Op, OpenFlags, ShmLockKind, ShmRegion, SyncKind};

/// See the module's documentation.
pub struct ThreadPoolIo {
    inner: Arc<dyn Io>,
    pool: Arc<Pool>,
}

impl ThreadPoolIo {
    /// Runs the submitted operations of `inner` on `threads` threads.
    pub fn new(inner: Arc<dyn Io>, threads: usize) -> Self {
        Self { inner, pool: Arc::new(Pool::new(threads)) }
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
    fn run_elsewhere(&self, job: Job) -> std::result::Result<(), Job> {
        self.pool.run(job)
    }
}

struct PooledFile {
    inner: Arc<dyn File>,
    pool: Arc<Pool>,
}

impl File for PooledFile {
    fn submit(&self, op: Op) -> Completion {
        let completion = Completion::new();
        let (file, done) = (self.inner.clone(), completion.clone());
        if let Err(job) = self.pool.run(Box::new(move || done.complete(op.run(&*file)))) {
            job();
        }
        completion
    }
    fn completes_inline(&self) -> bool {
        false
    }
    delegate_file!();
}
