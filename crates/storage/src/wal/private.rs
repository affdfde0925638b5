//! A wal-index that nobody else can see: in `locking_mode = exclusive` the log needs no shared memory and no locks.

use std::sync::Mutex;

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, FileId, LockLevel, ShmLockKind, ShmRegion, SyncKind};

use crate::file::guard;

/// Stands where the database file is asked for shared memory; it is no file otherwise.
#[derive(Default)]
pub(super) struct PrivateIndex {
    regions: Mutex<Vec<ShmRegion>>,
}

fn no_file<T>() -> Result<T> {
    Err(Error::from_code(ResultCode::INTERNAL))
}

impl File for PrivateIndex {
    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        let mut regions = guard(&self.regions);
        while extend && regions.len() <= region as usize {
            regions.push(ShmRegion::in_memory());
        }
        Ok(regions.get(region as usize).cloned())
    }
    fn shm_lock(&self, _first: u32, _count: u32, _kind: ShmLockKind) -> Result<()> {
        Ok(())
    }
    fn shm_unlock(&self, _first: u32, _count: u32) -> Result<()> {
        Ok(())
    }
    fn shm_shared_with_others(&self) -> Result<bool> {
        Ok(false)
    }
    fn shm_unmap(&self, _delete: bool) -> Result<()> {
        Ok(())
    }

    fn read_at(&self, _buf: &mut [u8], _offset: u64) -> Result<usize> {
        no_file()
    }
    fn write_vectored_at(&self, _bufs: &[&[u8]], _offset: u64) -> Result<()> {
        no_file()
    }
    fn sync(&self, _kind: SyncKind) -> Result<()> {
        no_file()
    }
    fn truncate(&self, _size: u64) -> Result<()> {
        no_file()
    }
    fn size(&self) -> Result<u64> {
        no_file()
    }
    fn is_read_only(&self) -> bool {
        false
    }
    fn id(&self) -> Option<FileId> {
        None
    }
    fn lock(&self, _level: LockLevel) -> Result<()> {
        no_file()
    }
    fn unlock(&self, _level: LockLevel) -> Result<()> {
        no_file()
    }
    fn lock_level(&self) -> LockLevel {
        LockLevel::None
    }
    fn check_reserved(&self) -> Result<bool> {
        no_file()
    }
}
