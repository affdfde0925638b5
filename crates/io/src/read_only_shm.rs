//! A back end that opens the wal-index of its databases for reading only (`readonly_shm=1`), also where it could be written.
//!
//! Nothing else differs: the files are those of the back end within.

use std::path::Path;
use std::sync::Arc;

use turso_error::Result;

use crate::{File, Io, Job, OpenFlags};

/// See the module's documentation.
pub struct ReadOnlyShmIo {
    inner: Arc<dyn Io>,
}

impl ReadOnlyShmIo {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Io>) -> Self {
        Self { inner }
    }
}

impl Io for ReadOnlyShmIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        self.inner.open(path, OpenFlags { read_only_shm: true, ..flags })
    }
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn run_elsewhere(&self, job: Job) -> std::result::Result<(), Job> {
        self.inner.run_elsewhere(job)
    }
    delegate_io!();
    fn step(&self) -> Result<bool> {
        self.inner.step()
    }
}
