//! Files in memory, with the locks of real ones: shared memory databases and tests.
//!
//! Each handle is a holder of locks of its own, as a descriptor is. A file lives while it has a name or a handle.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use turso_error::{Error, Result, ResultCode};

use crate::{
    File, FileId, Io, LockLevel, OpenFlags, SHM_LOCKS, ShmLockKind, ShmRegion, SyncKind, UNIX_EPOCH_JULIAN_MS,
};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A file system in memory.
pub struct MemoryIo {
    device: u64,
    files: Mutex<HashMap<PathBuf, Arc<Inode>>>,
    random: Mutex<u64>,
}

impl Default for MemoryIo {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryIo {
    /// An empty one.
    pub fn new() -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
        Self::seeded(nanos)
    }

    /// An empty one whose randomness is a sequence that `seed` decides.
    pub fn seeded(seed: u64) -> Self {
        Self { device: next_id(), files: Mutex::new(HashMap::new()), random: Mutex::new(seed | 1) }
    }

    /// The bytes of a file, for tests.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        guard(&self.files).get(path).map(|inode| inode.read().clone())
    }

    /// Creates or replaces a file, for tests.
    pub fn set_contents(&self, path: &Path, bytes: Vec<u8>) {
        let inode = Arc::new(Inode::new());
        *inode.data.write().unwrap_or_else(|p| p.into_inner()) = bytes;
        guard(&self.files).insert(path.to_path_buf(), inode);
    }

    /// The names of all files, for tests.
    pub fn names(&self) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> = guard(&self.files).keys().cloned().collect();
        names.sort();
        names
    }
}

struct Inode {
    id: u64,
    data: RwLock<Vec<u8>>,
    locks: Mutex<HashMap<u64, LockLevel>>,
    shm: Mutex<Shm>,
}

#[derive(Default)]
struct Shm {
    regions: Vec<ShmRegion>,
    users: Vec<u64>,
    shared: [Vec<u64>; SHM_LOCKS as usize],
    exclusive: [Option<u64>; SHM_LOCKS as usize],
}

impl Inode {
    fn new() -> Self {
        Self {
            id: next_id(),
            data: RwLock::new(Vec::new()),
            locks: Mutex::new(HashMap::new()),
            shm: Mutex::new(Shm::default()),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<u8>> {
        self.data.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Vec<u8>> {
        self.data.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Io for MemoryIo {
    fn name(&self) -> &'static str {
        "memory"
    }
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let mut files = guard(&self.files);
        let inode = match files.get(path) {
            Some(_) if flags.exclusive => return Err(Error::from_code(ResultCode::CANTOPEN)),
            Some(inode) => inode.clone(),
            None if flags.create && !flags.read_only => {
                let inode = Arc::new(Inode::new());
                if !flags.delete_on_close {
                    files.insert(path.to_path_buf(), inode.clone());
                }
                inode
            }
            None => return Err(Error::from_code(ResultCode::CANTOPEN)),
        };
        Ok(Arc::new(MemoryFile { device: self.device, inode, holder: next_id(), read_only: flags.read_only }))
    }

    fn delete(&self, path: &Path, _sync_dir: bool) -> Result<()> {
        match guard(&self.files).remove(path) {
            Some(_) => Ok(()),
            None => Err(Error::from_code(ResultCode::IOERR_DELETE_NOENT)),
        }
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        Ok(guard(&self.files).contains_key(path))
    }

    fn sync_directory_of(&self, _path: &Path) -> Result<()> {
        Ok(())
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        Ok(path.to_path_buf())
    }

    fn temp_path(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(format!("temp-{}", next_id())))
    }

    fn now_julian_ms(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64) + UNIX_EPOCH_JULIAN_MS
    }

    fn randomness(&self, buf: &mut [u8]) {
        let mut state = guard(&self.random);
        for byte in buf {
            // SplitMix64.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z >> 56) as u8;
        }
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

struct MemoryFile {
    device: u64,
    inode: Arc<Inode>,
    holder: u64,
    read_only: bool,
}

fn busy() -> Error {
    Error::from_code(ResultCode::BUSY)
}

impl File for MemoryFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let data = self.inode.read();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
        let n = buf.len().min(data.len() - start);
        buf[..n].copy_from_slice(&data[start..start + n]);
        Ok(n)
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        if self.read_only {
            return Err(Error::from_code(ResultCode::IOERR_WRITE));
        }
        let total: usize = bufs.iter().map(|b| b.len()).sum();
        let mut at = usize::try_from(offset).map_err(|_| Error::from_code(ResultCode::FULL))?;
        let end = at.checked_add(total).ok_or_else(|| Error::from_code(ResultCode::FULL))?;
        let mut data = self.inode.write();
        if data.len() < end {
            let more = end - data.len();
            data.try_reserve(more).map_err(|_| Error::from_code(ResultCode::FULL))?;
            data.resize(end, 0);
        }
        for buf in bufs {
            data[at..at + buf.len()].copy_from_slice(buf);
            at += buf.len();
        }
        Ok(())
    }

    fn sync(&self, _kind: SyncKind) -> Result<()> {
        Ok(())
    }

    fn truncate(&self, size: u64) -> Result<()> {
        let size = usize::try_from(size).map_err(|_| Error::from_code(ResultCode::FULL))?;
        self.inode.write().resize(size, 0);
        Ok(())
    }

    fn size(&self) -> Result<u64> {
        Ok(self.inode.read().len() as u64)
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn id(&self) -> Option<FileId> {
        Some(FileId { device: self.device | 1 << 63, inode: self.inode.id })
    }

    fn lock(&self, level: LockLevel) -> Result<()> {
        let mut locks = guard(&self.inode.locks);
        let mine = locks.get(&self.holder).copied().unwrap_or(LockLevel::None);
        if level <= mine {
            return Ok(());
        }
        let highest_other = locks.iter().filter(|(h, _)| **h != self.holder).map(|(_, l)| *l).max();
        let highest_other = highest_other.unwrap_or(LockLevel::None);
        match level {
            LockLevel::Shared if highest_other >= LockLevel::Pending => return Err(busy()),
            LockLevel::Reserved if highest_other >= LockLevel::Reserved => return Err(busy()),
            LockLevel::Pending | LockLevel::Exclusive => {
                if mine < LockLevel::Pending && highest_other >= LockLevel::Pending {
                    return Err(busy());
                }
                if level == LockLevel::Exclusive && highest_other >= LockLevel::Shared {
                    locks.insert(self.holder, LockLevel::Pending);
                    return Err(busy());
                }
            }
            _ => {}
        }
        locks.insert(self.holder, level);
        Ok(())
    }

    fn unlock(&self, level: LockLevel) -> Result<()> {
        let mut locks = guard(&self.inode.locks);
        if level == LockLevel::None {
            locks.remove(&self.holder);
        } else if locks.get(&self.holder).is_some_and(|mine| *mine > level) {
            locks.insert(self.holder, level);
        }
        Ok(())
    }

    fn lock_level(&self) -> LockLevel {
        guard(&self.inode.locks).get(&self.holder).copied().unwrap_or(LockLevel::None)
    }

    fn check_reserved(&self) -> Result<bool> {
        Ok(guard(&self.inode.locks).iter().any(|(h, l)| *h != self.holder && *l >= LockLevel::Reserved))
    }

    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        let mut shm = guard(&self.inode.shm);
        shm.join(self.holder);
        while shm.regions.len() <= region as usize {
            if !extend {
                return Ok(None);
            }
            shm.regions.push(ShmRegion::in_memory());
        }
        Ok(Some(shm.regions[region as usize].clone()))
    }

    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        let mut shm = guard(&self.inode.shm);
        shm.join(self.holder);
        let range = first as usize..(first + count) as usize;
        for i in range.clone() {
            let exclusive_elsewhere = shm.exclusive[i].is_some_and(|h| h != self.holder);
            let shared_elsewhere = shm.shared[i].iter().any(|h| *h != self.holder);
            if exclusive_elsewhere || (kind == ShmLockKind::Exclusive && shared_elsewhere) {
                return Err(busy());
            }
        }
        for i in range {
            // As with descriptors, a handle has one lock per byte: the newest kind.
            shm.shared[i].retain(|h| *h != self.holder);
            if shm.exclusive[i] == Some(self.holder) {
                shm.exclusive[i] = None;
            }
            match kind {
                ShmLockKind::Shared => shm.shared[i].push(self.holder),
                ShmLockKind::Exclusive => shm.exclusive[i] = Some(self.holder),
            }
        }
        Ok(())
    }

    fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
        guard(&self.inode.shm).unlock(self.holder, first, count);
        Ok(())
    }

    fn shm_shared_with_others(&self) -> Result<bool> {
        Ok(guard(&self.inode.shm).users.iter().any(|h| *h != self.holder))
    }

    fn shm_unmap(&self, delete: bool) -> Result<()> {
        let mut shm = guard(&self.inode.shm);
        shm.leave(self.holder);
        if delete || shm.users.is_empty() {
            shm.regions.clear();
        }
        Ok(())
    }
}

impl Shm {
    fn join(&mut self, holder: u64) {
        if !self.users.contains(&holder) {
            self.users.push(holder);
        }
    }

    fn leave(&mut self, holder: u64) {
        self.unlock(holder, 0, SHM_LOCKS);
        self.users.retain(|h| *h != holder);
        if self.users.is_empty() {
            self.regions.clear();
        }
    }

    fn unlock(&mut self, holder: u64, first: u32, count: u32) {
        for i in first as usize..(first + count) as usize {
            self.shared[i].retain(|h| *h != holder);
            if self.exclusive[i] == Some(holder) {
                self.exclusive[i] = None;
            }
        }
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        guard(&self.inode.locks).remove(&self.holder);
        guard(&self.inode.shm).leave(self.holder);
    }
}
