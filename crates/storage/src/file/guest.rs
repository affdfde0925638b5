//! The file of a database for code outside the engine: a holder of locks beside the connections of this process.
//!
//! They share one descriptor, and its locks would not keep two of them apart. So a guest asks the same tables as they do.

use std::sync::{Arc, Mutex};

use turso_error::Result;
use turso_io::{File, FileId, LockLevel, SHM_LOCKS, ShmLockKind, ShmRegion, SyncKind};

use super::locks::PagerId;
use super::{DatabaseFile, guard};
use crate::wal::Wal;

/// See the module's documentation. Its locks end with it.
pub struct GuestFile {
    db: Arc<DatabaseFile>,
    id: PagerId,
    held: Mutex<Held>,
}

struct Held {
    level: LockLevel,
    /// What is held of the wal-index, lock by lock.
    shm: [Option<ShmLockKind>; SHM_LOCKS as usize],
    /// Whose locks these are: a log that is closed meanwhile takes them along.
    wal: Option<Arc<Wal>>,
}

impl GuestFile {
    /// A guest at a database.
    pub fn new(db: Arc<DatabaseFile>) -> Self {
        let held = Held { level: LockLevel::None, shm: [None; SHM_LOCKS as usize], wal: None };
        Self { id: db.guest_id(), db, held: Mutex::new(held) }
    }

    fn file(&self) -> &Arc<dyn File> {
        self.db.file()
    }
}

impl Held {
    fn unlock_shm(&mut self, first: u32, count: u32, file: &dyn File) -> Result<()> {
        for lock in first..(first.saturating_add(count)).min(SHM_LOCKS) {
            let Some(kind) = self.shm[lock as usize].take() else { continue };
            match (&self.wal, kind) {
                (Some(wal), ShmLockKind::Shared) => wal.locks().release_shared(lock),
                (Some(wal), ShmLockKind::Exclusive) => wal.locks().release_exclusive(lock, 1),
                (None, _) => file.shm_unlock(lock, 1)?,
            }
        }
        Ok(())
    }
}

impl Drop for GuestFile {
    fn drop(&mut self) {
        let _ = self.shm_unlock(0, SHM_LOCKS);
        let _ = self.unlock(LockLevel::None);
    }
}

impl File for GuestFile {
    fn lock(&self, level: LockLevel) -> Result<()> {
        let mut held = guard(&self.held);
        let mut locks = self.db.locks();
        if held.level == LockLevel::None && level > LockLevel::None {
            locks.lock_shared(&**self.file())?;
            held.level = LockLevel::Shared;
        }
        if held.level < level {
            match level {
                LockLevel::None | LockLevel::Shared => {}
                LockLevel::Reserved => locks.lock_reserved(self.id, &**self.file())?,
                LockLevel::Pending | LockLevel::Exclusive => locks.lock_exclusive(self.id, &**self.file())?,
            }
            held.level = level;
        }
        Ok(())
    }

    fn unlock(&self, level: LockLevel) -> Result<()> {
        let mut held = guard(&self.held);
        if held.level <= level {
            return Ok(());
        }
        let mut locks = self.db.locks();
        let lowered = locks.downgrade(self.id, &**self.file());
        if level == LockLevel::None {
            locks.unlock_shared(&**self.file());
        }
        held.level = level;
        drop(locks);
        self.db.lock_released();
        lowered
    }

    fn lock_level(&self) -> LockLevel {
        guard(&self.held).level
    }

    fn check_reserved(&self) -> Result<bool> {
        Ok(self.db.locks().has_other_writer(self.id) || self.file().check_reserved()?)
    }

    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        let mut held = guard(&self.held);
        let range = first as usize..(first.saturating_add(count)).min(SHM_LOCKS) as usize;
        // Held already, or to be given back first: a lock does not change its kind.
        if held.shm.get(range.clone()).is_none_or(|locks| locks.iter().all(Option::is_some)) {
            return Ok(());
        }
        match self.db.open_log() {
            Some(wal) => {
                match kind {
                    ShmLockKind::Shared => wal.locks().shared(first)?,
                    ShmLockKind::Exclusive => wal.locks().exclusive(first, count)?,
                }
                held.wal = Some(wal);
            }
            None => self.file().shm_lock(first, count, kind)?,
        }
        if let Some(locks) = held.shm.get_mut(range) {
            locks.fill(Some(kind));
        }
        Ok(())
    }

    fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
        let unlocked = guard(&self.held).unlock_shm(first, count, &**self.file());
        self.db.lock_released();
        unlocked
    }

    /// The connections keep the shared memory; the guest's share of it is its locks.
    fn shm_unmap(&self, _delete: bool) -> Result<()> {
        self.shm_unlock(0, SHM_LOCKS)
    }

    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        self.file().shm_map(region, extend)
    }
    fn shm_locked_elsewhere(&self, lock: u32) -> bool {
        self.file().shm_locked_elsewhere(lock)
    }
    fn shm_barrier(&self) {
        self.file().shm_barrier();
    }
    fn shm_shared_with_others(&self) -> Result<bool> {
        self.file().shm_shared_with_others()
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.file().read_at(buf, offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        self.file().write_vectored_at(bufs, offset)
    }
    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.file().sync(kind)
    }
    fn truncate(&self, size: u64) -> Result<()> {
        self.file().truncate(size)
    }
    fn size(&self) -> Result<u64> {
        self.file().size()
    }
    fn is_read_only(&self) -> bool {
        self.file().is_read_only()
    }
    fn id(&self) -> Option<FileId> {
        self.file().id()
    }
    fn sector_size(&self) -> u32 {
        self.file().sector_size()
    }
    fn is_powersafe(&self) -> bool {
        self.file().is_powersafe()
    }
}
