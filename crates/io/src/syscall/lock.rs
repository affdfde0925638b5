//! SQLite's file locks as open-file-description locks on the bytes that `lockingv3.html` gives.
//!
//! | bytes                 | lock                                                                |
//! |-----------------------|---------------------------------------------------------------------|
//! | 0x40000000            | PENDING: read-locked for an instant by who takes SHARED, write-locked by who waits |
//! | 0x40000001            | RESERVED                                                            |
//! | 0x40000002, 510 bytes | SHARED (read lock) and EXCLUSIVE (write lock)                       |

use std::io::Error as OsError;
use std::os::fd::RawFd;

use turso_error::{Error, Result, ResultCode};

use super::calls;
use crate::{Birth, LockLevel};

const PENDING: i64 = 0x4000_0000;
const RESERVED: i64 = PENDING + 1;
const SHARED_FIRST: i64 = PENDING + 2;
const SHARED_SIZE: i64 = 510;

/// What a byte range is locked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Unlock,
    Read,
    Write,
}

fn flock(mode: Mode, start: i64, len: i64) -> libc::flock {
    // SAFETY: flock is plain data; all zeros is a value of it, and l_pid must be 0 for these locks.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = match mode {
        Mode::Unlock => libc::F_UNLCK,
        Mode::Read => libc::F_RDLCK,
        Mode::Write => libc::F_WRLCK,
    } as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = start as libc::off_t;
    lock.l_len = len as libc::off_t;
    lock
}

/// Sets a lock without waiting: `Ok(false)` where somebody else is in the way.
pub(super) fn set(fd: RawFd, mode: Mode, start: i64, len: i64) -> Result<bool, OsError> {
    match calls::lock(fd, libc::F_OFD_SETLK, &mut flock(mode, start, len)) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// The lock of somebody else that setting this one would meet.
pub(super) fn conflict(fd: RawFd, mode: Mode, start: i64, len: i64) -> Result<Option<libc::flock>, OsError> {
    let mut lock = flock(mode, start, len);
    calls::lock(fd, libc::F_OFD_GETLK, &mut lock)?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock))
}

/// True where this process holds POSIX locks on the file by another descriptor.
pub(super) fn posix_locks_of_this_process(fd: RawFd) -> bool {
    match conflict(fd, Mode::Write, 0, 0) {
        // Open-file-description locks report the process number -1.
        Ok(Some(lock)) => u32::try_from(lock.l_pid) == Ok(std::process::id()),
        _ => false,
    }
}

pub(super) fn release_all(fd: RawFd) -> Result<bool, OsError> {
    set(fd, Mode::Unlock, 0, 0)
}

/// The lock level of one handle.
pub(super) struct FileLocks {
    level: LockLevel,
    birth: Birth,
}

fn busy() -> Error {
    Error::from_code(ResultCode::BUSY)
}

impl FileLocks {
    pub(super) fn new() -> Self {
        Self { level: LockLevel::None, birth: Birth::here() }
    }

    pub(super) fn level(&self) -> LockLevel {
        self.level
    }

    pub(super) fn raise(&mut self, fd: RawFd, level: LockLevel) -> Result<()> {
        // First: what was locked before the fork is the parent's.
        self.birth.check()?;
        if level <= self.level {
            return Ok(());
        }
        let lock_error = |e: OsError| Error::io(ResultCode::IOERR_LOCK, &e);
        if self.level == LockLevel::None {
            // PENDING is read-locked first, so that a writer who waits keeps new readers out.
            let read_error = |e: OsError| Error::io(ResultCode::IOERR_RDLOCK, &e);
            if !set(fd, Mode::Read, PENDING, 1).map_err(read_error)? {
                return Err(busy());
            }
            let shared = set(fd, Mode::Read, SHARED_FIRST, SHARED_SIZE);
            set(fd, Mode::Unlock, PENDING, 1).map_err(|e| Error::io(ResultCode::IOERR_UNLOCK, &e))?;
            if !shared.map_err(read_error)? {
                return Err(busy());
            }
            self.level = LockLevel::Shared;
        }
        if level == LockLevel::Reserved {
            if !set(fd, Mode::Write, RESERVED, 1).map_err(lock_error)? {
                return Err(busy());
            }
            self.level = LockLevel::Reserved;
        }
        if level >= LockLevel::Pending && self.level < LockLevel::Pending {
            if !set(fd, Mode::Write, PENDING, 1).map_err(lock_error)? {
                return Err(busy());
            }
            self.level = LockLevel::Pending;
        }
        if level == LockLevel::Exclusive {
            if !set(fd, Mode::Write, SHARED_FIRST, SHARED_SIZE).map_err(lock_error)? {
                return Err(busy());
            }
            self.level = LockLevel::Exclusive;
        }
        Ok(())
    }

    pub(super) fn lower(&mut self, fd: RawFd, level: LockLevel) -> Result<()> {
        debug_assert!(level <= LockLevel::Shared);
        if level >= self.level {
            return Ok(());
        }
        if !self.birth.is_here() {
            // The lock is the parent's.
            self.level = level;
            return Ok(());
        }
        let unlock_error = |e: OsError| Error::io(ResultCode::IOERR_UNLOCK, &e);
        if level == LockLevel::Shared {
            if self.level == LockLevel::Exclusive
                && !set(fd, Mode::Read, SHARED_FIRST, SHARED_SIZE)
                    .map_err(|e| Error::io(ResultCode::IOERR_RDLOCK, &e))?
            {
                return Err(Error::from_code(ResultCode::IOERR_RDLOCK));
            }
            set(fd, Mode::Unlock, PENDING, 2).map_err(unlock_error)?;
        } else {
            set(fd, Mode::Unlock, PENDING, 2 + SHARED_SIZE).map_err(unlock_error)?;
        }
        self.level = level;
        Ok(())
    }

    pub(super) fn reserved_elsewhere(&self, fd: RawFd) -> Result<bool> {
        conflict(fd, Mode::Write, RESERVED, 1)
            .map(|c| c.is_some())
            .map_err(|e| Error::io(ResultCode::IOERR_CHECKRESERVEDLOCK, &e))
    }
}
