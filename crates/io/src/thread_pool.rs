//! A back end that runs submitted operations on a few threads: the asynchronous face without io_uring.
//!
//! Blocking calls go through on the caller's thread.

use std::path::Path;
use std::sync::Arc;

use turso_error::Result;

use crate::pool::{Job, Pool};
use crate::{Completion, File, Io, Op, OpenFlags};

/// See the module's documentation.
pub struct ThreadPoolIo {
    inner: Arc<dyn Io>,
    pool: Arc<Pool>,
    /// Jobs that block wait for operations of `pool`, so they have threads of their own.
    helpers: Pool,
}

impl ThreadPoolIo {
    /// Runs the submitted operations of `inner` on `threads` threads.
    pub fn new(inner: Arc<dyn Io>, threads: usize) -> Self {
        Self { inner, pool: Arc::new(Pool::new(threads)), helpers: Pool::new(threads) }
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
    delegate_io!();
    fn run_elsewhere(&self, job: Job) -> std::result::Result<(), Job> {
        self.helpers.run(job)
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
    delegate_file_data!();
    delegate_file!();
}
