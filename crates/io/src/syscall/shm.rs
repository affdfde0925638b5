//! The `-shm` file: mapped regions and the eight lock bytes (`walformat.html`, 2.1.3), and the byte behind them that
//! everybody who has the file open keeps read-locked. Who finds nobody there starts the file afresh.

use std::any::Any;
use std::fs;
use std::io::Error as OsError;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};

use super::lock::{Mode, conflict, posix_locks_of_this_process, release_all, set};
use super::{Owner, calls};
use crate::shm::{SHM_LOCKS, SHM_REGION_SIZE, ShmRegion};
use crate::{Birth, ShmLockKind};

const FIRST_LOCK: i64 = 120;
const PRESENCE: i64 = FIRST_LOCK + SHM_LOCKS as i64;

pub(super) struct ShmFile {
    file: Option<fs::File>,
    path: PathBuf,
    read_only: bool,
    /// The presence byte is locked. Where this file may not be written, somebody else has to be there before.
    joined: bool,
    regions: Vec<ShmRegion>,
    birth: Birth,
}

impl ShmFile {
    pub(super) fn open(path: PathBuf, database: &Owner, read_only: bool) -> Result<Self> {
        let cannot = |e: OsError| Error::io(ResultCode::CANTOPEN, &e);
        let opened = fs::OpenOptions::new()
            .read(true)
            .write(!read_only)
            .create(!read_only)
            .truncate(false)
            .mode(database.mode)
            .open(&path);
        let (file, read_only) = match opened {
            Ok(file) if read_only => (file, true),
            Ok(file) => {
                if let Some(facts) = calls::facts(file.as_raw_fd()).ok().filter(|facts| facts.st_size == 0) {
                    database.pass_on(&file, &Owner::of(&facts));
                }
                (file, false)
            }
            Err(e) => match fs::OpenOptions::new().read(true).open(&path) {
                Ok(file) => (file, true),
                Err(_) => return Err(cannot(e)),
            },
        };
        let mut shm =
            Self { file: Some(file), path, read_only, joined: false, regions: Vec::new(), birth: Birth::here() };
        shm.join()?;
        Ok(shm)
    }

    /// Read-locks the presence byte; who comes first empties the file. Who may not do that stays outside.
    fn join(&mut self) -> Result<()> {
        let error = |e: OsError| Error::io(ResultCode::IOERR_SHMLOCK, &e);
        let fd = self.file().as_raw_fd();
        let others = conflict(fd, Mode::Write, PRESENCE, 1).map_err(error)?;
        match others {
            None if self.read_only => return Ok(()),
            None => {
                if !set(fd, Mode::Write, PRESENCE, 1).map_err(error)? {
                    return Err(Error::from_code(ResultCode::BUSY));
                }
                self.file().set_len(3).map_err(|e| Error::io(ResultCode::IOERR_SHMOPEN, &e))?;
            }
            // Somebody is just starting the file.
            Some(lock) if i32::from(lock.l_type) == libc::F_WRLCK => {
                return Err(Error::from_code(ResultCode::BUSY));
            }
            Some(_) => {}
        }
        self.joined = set(fd, Mode::Read, PRESENCE, 1).map_err(error)?;
        if self.joined { Ok(()) } else { Err(Error::from_code(ResultCode::BUSY)) }
    }

    fn file(&self) -> &fs::File {
        match &self.file {
            Some(file) => file,
            None => unreachable!("the file is there until drop"),
        }
    }

    pub(super) fn map(&mut self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        if !self.joined {
            self.join()?;
        }
        if !self.joined {
            return Err(Error::from_code(ResultCode::READONLY_CANTINIT));
        }
        let index = region as usize;
        while self.regions.len() <= index {
            let next = self.regions.len();
            let end = ((next + 1) * SHM_REGION_SIZE) as u64;
            let size = self.file().metadata().map_err(|e| Error::io(ResultCode::IOERR_SHMSIZE, &e))?.len();
            if size < end {
                if !extend {
                    return Ok(None);
                }
                if self.read_only {
                    return Err(Error::from_code(ResultCode::READONLY));
                }
                self.allocate(size, end)?;
            }
            let mapped = self.map_at((next * SHM_REGION_SIZE) as u64)?;
            self.regions.push(mapped);
        }
        Ok(Some(self.regions[index].clone()))
    }

    /// Makes the file at least `end` bytes long with real blocks: touching a hole on a full disk would be a signal.
    fn allocate(&self, size: u64, end: u64) -> Result<()> {
        let mut block = size / 4096;
        while block * 4096 < end {
            let last = block * 4096 + 4095;
            if last >= size {
                self.file().write_at(&[0], last).map_err(|e| Error::io(ResultCode::IOERR_SHMSIZE, &e))?;
            }
            block += 1;
        }
        Ok(())
    }

    fn map_at(&self, offset: u64) -> Result<ShmRegion> {
        // SAFETY: a query without preconditions.
        let granule = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as u64;
        let start = offset / granule * granule;
        let lead = (offset - start) as usize;
        let len = lead + SHM_REGION_SIZE;
        let protection = if self.read_only { libc::PROT_READ } else { libc::PROT_READ | libc::PROT_WRITE };
        // SAFETY: a new shared mapping at an address of the kernel's choice, of an open descriptor.
        let address = unsafe { calls::map(len, protection, self.file().as_raw_fd(), start) }
            .map_err(|e| Error::io(ResultCode::IOERR_SHMMAP, &e))?;
        let owner: Arc<dyn Any + Send + Sync> = Arc::new(Mapping { address: address as usize, len });
        // SAFETY: the mapping is aligned to a page, covers lead + region, and lives as long as its owner. Files that
        // shrink under the mapping would fault: nobody truncates a -shm whose presence byte is locked.
        Ok(unsafe { ShmRegion::new(address.cast::<u8>().add(lead).cast(), !self.read_only, owner) })
    }

    pub(super) fn lock(&mut self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        debug_assert!(first + count <= SHM_LOCKS);
        self.birth.check()?;
        let mode = match kind {
            ShmLockKind::Shared => Mode::Read,
            ShmLockKind::Exclusive => Mode::Write,
        };
        if mode == Mode::Write && self.read_only {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        match set(self.file().as_raw_fd(), mode, FIRST_LOCK + i64::from(first), i64::from(count)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::from_code(ResultCode::BUSY)),
            Err(e) => Err(Error::io(ResultCode::IOERR_SHMLOCK, &e)),
        }
    }

    pub(super) fn unlock(&mut self, first: u32, count: u32) -> Result<()> {
        if !self.birth.is_here() {
            // The lock is the parent's.
            return Ok(());
        }
        match set(self.file().as_raw_fd(), Mode::Unlock, FIRST_LOCK + i64::from(first), i64::from(count)) {
            Ok(_) => Ok(()),
            Err(e) => Err(Error::io(ResultCode::IOERR_SHMLOCK, &e)),
        }
    }

    /// True where somebody else holds the lock.
    pub(super) fn locked_elsewhere(&self, lock: u32) -> bool {
        conflict(self.file().as_raw_fd(), Mode::Write, FIRST_LOCK + i64::from(lock), 1).is_ok_and(|c| c.is_some())
    }

    pub(super) fn shared_with_others(&self) -> Result<bool> {
        conflict(self.file().as_raw_fd(), Mode::Write, PRESENCE, 1)
            .map(|c| c.is_some())
            .map_err(|e| Error::io(ResultCode::IOERR_SHMLOCK, &e))
    }

    /// Removes the name, if it still is the name of this file.
    pub(super) fn delete(self) {
        let same = match (self.file().metadata(), fs::metadata(&self.path)) {
            (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
            _ => false,
        };
        if same && self.birth.is_here() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for ShmFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // A mapping that somebody still holds keeps the open file alive, and with it the locks.
        if self.birth.is_here() {
            let _ = release_all(file.as_raw_fd());
        }
        // As in `SyscallFile::drop`.
        if posix_locks_of_this_process(file.as_raw_fd()) {
            std::mem::forget(OwnedFd::from(file));
        }
    }
}

struct Mapping {
    address: usize,
    len: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `map_at` and nobody refers to it any more: this was the last owner.
        unsafe { calls::unmap(self.address as *mut libc::c_void, self.len) };
    }
}
