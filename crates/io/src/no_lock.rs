//! A back end whose files take no locks (`nolock=1`): for file systems that have none, where the application itself sees to
//! it that nobody else uses the file.
//!
//! There is no shared memory either, so a log can be used only where the database is locked exclusively.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use turso_error::{Error, Result, ResultCode};

use crate::{Completion, File, FileId, Io, LockLevel, Op, OpenFlags, ShmLockKind, ShmRegion, SyncKind};

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
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.inner.read_at(buf, offset)
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.inner.write_at(buf, offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        self.inner.write_vectored_at(bufs, offset)
    }
    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.inner.sync(kind)
    }
    fn truncate(&self, size: u64) -> Result<()> {
        self.inner.truncate(size)
    }
    fn size(&self) -> Result<u64> {
        self.inner.size()
    }
    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }
    fn id(&self) -> Option<FileId> {
        self.inner.id()
    }
    fn sector_size(&self) -> u32 {
        self.inner.sector_size()
    }
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
