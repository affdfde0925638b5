//! A back end over files in memory that calls somebody else at a chosen moment: what another process does in between.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use turso_error::Result;
use turso_io::*;

/// Where the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is about to lock this lock of the wal-index.
    ShmLock(u32, ShmLockKind),
    /// It orders its accesses to the wal-index.
    Barrier,
    /// It is about to open a file.
    Open,
    /// It is about to ask whether a file exists.
    Exists,
}

type Hook = Arc<Mutex<Option<Box<dyn FnMut(Moment) + Send>>>>;

/// One process; clones are the same one, several of them share `memory`.
#[derive(Clone)]
pub struct HookIo {
    memory: Arc<MemoryIo>,
    hook: Hook,
}

impl HookIo {
    pub fn new(memory: &Arc<MemoryIo>) -> Self {
        Self { memory: memory.clone(), hook: Hook::default() }
    }

    /// Calls `hook` at each moment that is not within a call of it.
    pub fn set(&self, hook: impl FnMut(Moment) + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }
}

fn at(hook: &Hook, moment: Moment) {
    let taken = hook.lock().unwrap().take();
    if let Some(mut f) = taken {
        f(moment);
        hook.lock().unwrap().get_or_insert(f);
    }
}

impl Io for HookIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        at(&self.hook, Moment::Open);
        Ok(Arc::new(HookFile { inner: self.memory.open(path, flags)?, hook: self.hook.clone() }))
    }
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        self.memory.delete(path, sync_dir)
    }
    fn exists(&self, path: &Path) -> Result<bool> {
        at(&self.hook, Moment::Exists);
        self.memory.exists(path)
    }
    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        self.memory.sync_directory_of(path)
    }
    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.memory.full_path(path)
    }
    fn temp_path(&self) -> Result<PathBuf> {
        self.memory.temp_path()
    }
    fn now_julian_ms(&self) -> i64 {
        self.memory.now_julian_ms()
    }
    fn randomness(&self, buf: &mut [u8]) {
        self.memory.randomness(buf);
    }
    fn sleep(&self, duration: Duration) {
        self.memory.sleep(duration);
    }
}

struct HookFile {
    inner: Arc<dyn File>,
    hook: Hook,
}

impl File for HookFile {
    turso_io::delegate_file_data!();
    turso_io::delegate_file_facts!();
    fn lock(&self, level: LockLevel) -> Result<()> {
        self.inner.lock(level)
    }
    fn unlock(&self, level: LockLevel) -> Result<()> {
        self.inner.unlock(level)
    }
    fn lock_level(&self) -> LockLevel {
        self.inner.lock_level()
    }
    fn check_reserved(&self) -> Result<bool> {
        self.inner.check_reserved()
    }
    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        self.inner.shm_map(region, extend)
    }
    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        at(&self.hook, Moment::ShmLock(first, kind));
        self.inner.shm_lock(first, count, kind)
    }
    fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
        self.inner.shm_unlock(first, count)
    }
    fn shm_barrier(&self) {
        at(&self.hook, Moment::Barrier);
        self.inner.shm_barrier();
    }
    fn shm_shared_with_others(&self) -> Result<bool> {
        self.inner.shm_shared_with_others()
    }
    fn shm_unmap(&self, delete: bool) -> Result<()> {
        self.inner.shm_unmap(delete)
    }
}
