//! A back end whose files take no locks (`nolock=1`): for file systems that have none, where the application itself sees to
//! it that nobody else uses the file.
//!
//! There is no shared memory either, so a log can be used only where the database is locked exclusively.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use turso_error::{Error, Result, ResultCode};

use crate::{Completion, File, Io, Job, LockLevel, Op, OpenFlags, ShmLockKind, ShmRegion};

/// See the module's documentation.
pub struct NoLockIo {
    inner: Arc<dyn Io>,
}

impl NoLockIo {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Io>) -> Self {
        Self { inner }
    }
}

impl Io for NoLockIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = self.inner.open(path, flags)?;
        Ok(Arc::new(NoLockFile { inner, level: Mutex::new(LockLevel::None) }))
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

struct NoLockFile {
    inner: Arc<dyn File>,
    /// What the holder believes to have.
    level: Mutex<LockLevel>,
}

impl NoLockFile {
    fn level(&self) -> MutexGuard<'_, LockLevel> {
        self.level.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn no_shared_memory<T>() -> Result<T> {
    Err(Error::from_code(ResultCode::CANTOPEN))
}

impl File for NoLockFile {
    fn submit(&self, op: Op) -> Completion {
        self.inner.submit(op)
    }
    fn completes_inline(&self) -> bool {
        self.inner.completes_inline()
    }
    fn submit_all(&self, ops: Vec<Op>) -> Vec<Completion> {
        self.inner.submit_all(ops)
    }
    fn reads_ahead(&self) -> bool {
        self.inner.reads_ahead()
    }
    delegate_file_data!();
    delegate_file_facts!();
    fn lock(&self, level: LockLevel) -> Result<()> {
        let mut held = self.level();
        *held = (*held).max(level);
        Ok(())
    }
    fn unlock(&self, level: LockLevel) -> Result<()> {
        let mut held = self.level();
        *held = (*held).min(level);
        Ok(())
    }
    fn lock_level(&self) -> LockLevel {
        *self.level()
    }
    fn check_reserved(&self) -> Result<bool> {
        Ok(false)
    }
    fn shm_map(&self, _: u32, _: bool) -> Result<Option<ShmRegion>> {
        no_shared_memory()
    }
    fn shm_lock(&self, _: u32, _: u32, _: ShmLockKind) -> Result<()> {
        no_shared_memory()
    }
    fn shm_unlock(&self, _: u32, _: u32) -> Result<()> {
        Ok(())
    }
    fn shm_shared_with_others(&self) -> Result<bool> {
        Ok(false)
    }
    fn shm_unmap(&self, _: bool) -> Result<()> {
        Ok(())
    }
}
