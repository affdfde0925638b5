//! Blocking system calls.
//!
//! Locks are open-file-description locks: they belong to the handle, so closing one handle never drops the locks of
//! another, and they meet the POSIX locks of other SQLite libraries on the same bytes.

pub mod calls;
mod lock;
mod shm;

use std::ffi::OsString;
use std::fs;
use std::io::{Error as OsError, ErrorKind, IoSlice};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use turso_error::{Error, Result, ResultCode};

use crate::{Birth, File, FileId, Io, LockLevel, OpenFlags, ShmLockKind, ShmRegion, SyncKind, UNIX_EPOCH_JULIAN_MS};
use lock::FileLocks;
use shm::ShmFile;

/// Links from one name to the next that are followed.
const MOST_LINKS: usize = 100;

/// See the module's documentation.
#[derive(Default)]
pub struct SyscallIo {
    _private: (),
}

impl SyscallIo {
    /// The back end has no state of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// [`Io::open`], the descriptor within reach.
    pub(crate) fn open_file(path: &Path, flags: OpenFlags) -> Result<Arc<SyscallFile>> {
        let owner = if flags.create { owner_of_database(path) } else { None };
        let mode = owner.as_ref().map_or(0o644, |database| database.mode);
        let create = if flags.create { libc::O_CREAT } else { 0 };
        let exclusive = if flags.create && flags.exclusive { libc::O_EXCL } else { 0 };
        let how = if flags.read_only { libc::O_RDONLY } else { libc::O_RDWR | create | exclusive };
        let refusal = |e: &OsError| match owner {
            // A journal or log that cannot be made beside its database.
            Some(_) if is_permission(e) && calls::facts_of_link(path).is_err() => {
                Error::io(ResultCode::READONLY_DIRECTORY, e)
            }
            _ => cannot_open(path, e),
        };
        let (file, read_only) = match calls::open_file(path, how, mode) {
            Ok(file) => (file, flags.read_only),
            Err(e) if !flags.read_only && !flags.exclusive && is_permission(&e) => {
                (calls::open_file(path, libc::O_RDONLY, 0).map_err(|_| refusal(&e))?, true)
            }
            Err(e) => return Err(refusal(&e)),
        };
        let facts = calls::facts(file.as_raw_fd()).map_err(|e| Error::io(ResultCode::IOERR_FSTAT, &e))?;
        if facts.st_mode & libc::S_IFMT == libc::S_IFDIR {
            return Err(Error::from_code(ResultCode::CANTOPEN_ISDIR));
        }
        if let Some(database) = owner.filter(|_| facts.st_size == 0) {
            database.pass_on(&file, &Owner::of(&facts));
        }
        if flags.delete_on_close {
            let _ = calls::remove(path);
        }
        Ok(Arc::new(SyscallFile {
            id: FileId { device: facts.st_dev, inode: facts.st_ino },
            file: Some(file),
            path: path.to_path_buf(),
            read_only,
            read_only_shm: flags.read_only_shm,
            locks: Mutex::new(FileLocks::new()),
            shm: Mutex::new(None),
            birth: Birth::here(),
        }))
    }
}

impl Io for SyscallIo {
    fn name(&self) -> &'static str {
        "syscall"
    }

    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        Ok(Self::open_file(path, flags)?)
    }

    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        match calls::remove(path) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(Error::io(ResultCode::IOERR_DELETE_NOENT, &e));
            }
            Err(e) => return Err(Error::io(ResultCode::IOERR_DELETE, &e)),
        }
        if sync_dir { self.sync_directory_of(path) } else { Ok(()) }
    }

    fn create_like(&self, path: &Path, model: &Path) {
        use std::os::unix::fs::OpenOptionsExt;
        let Ok(facts) = calls::facts_of(model) else { return };
        // The file is about to be opened for writing, which its owner must be allowed to do.
        let wanted = Owner { mode: facts.st_mode & 0o777 | 0o200, ..Owner::of(&facts) };
        if let Ok(file) = fs::OpenOptions::new().write(true).create_new(true).mode(wanted.mode).open(path)
            && let Ok(made) = calls::facts(file.as_raw_fd())
        {
            wanted.pass_on(&file, &Owner::of(&made));
        }
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        match calls::facts_of(path) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(e) => Err(Error::io(ResultCode::IOERR_ACCESS, &e)),
        }
    }

    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        // Some file systems cannot sync a directory; SQLite too carries on where it cannot be opened.
        let Some(directory) = calls::open_directory(path) else { return Ok(()) };
        match directory.sync_all() {
            Ok(()) => Ok(()),
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok(()),
            Err(e) => Err(Error::io(ResultCode::IOERR_DIR_FSYNC, &e)),
        }
    }

    /// Every symbolic link on the way is followed, also one that leads to what does not exist yet: that is where it will be.
    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        let cannot = |_| Error::from_code(ResultCode::CANTOPEN_FULLPATH);
        let mut full = if path.is_absolute() { PathBuf::new() } else { calls::working_directory().map_err(cannot)? };
        // What is left to walk, the next step last.
        let mut steps: Vec<OsString> = steps_of(path);
        let mut links = 0;
        while let Some(step) = steps.pop() {
            if step == ".." {
                full.pop();
                continue;
            }
            full.push(step);
            let is_link = match calls::facts_of_link(&full) {
                Ok(facts) => facts.st_mode & libc::S_IFMT == libc::S_IFLNK,
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => false,
                // What may not be looked at is told when it is opened.
                Err(e) if is_permission(&e) => false,
                Err(e) => return Err(cannot(e)),
            };
            if is_link {
                links += 1;
                if links > MOST_LINKS {
                    return Err(cannot(OsError::from_raw_os_error(libc::ELOOP)));
                }
                let target = calls::read_link(&full).map_err(cannot)?;
                full.pop();
                if target.is_absolute() {
                    full = PathBuf::from("/");
                }
                steps.extend(steps_of(&target));
            }
        }
        Ok(full)
    }

    fn temp_path(&self) -> Result<PathBuf> {
        let mut random = [0; 8];
        self.randomness(&mut random);
        let directory = crate::temp_directory().unwrap_or_else(std::env::temp_dir);
        Ok(directory.join(format!("turso_{:016x}", u64::from_ne_bytes(random))))
    }

    fn now_julian_ms(&self) -> i64 {
        let unix_ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        };
        unix_ms + UNIX_EPOCH_JULIAN_MS
    }

    fn randomness(&self, buf: &mut [u8]) {
        let mut filled = 0;
        while filled < buf.len() {
            let rest = &mut buf[filled..];
            // SAFETY: the pointer and length describe `rest`, which is writable.
            let n = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
            if n > 0 {
                filled += n as usize;
            } else if OsError::last_os_error().kind() != ErrorKind::Interrupted {
                // Kernels without the call: the hasher's keys are seeded by the system as well.
                use std::hash::{BuildHasher, RandomState};
                for (i, byte) in rest.iter_mut().enumerate() {
                    *byte = RandomState::new().hash_one(i) as u8;
                }
                return;
            }
        }
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn shared_identity(&self) -> Option<usize> {
        // No heap object lies at this address.
        Some(1)
    }
}

/// The names that a path is made of, the first one last; the root is one of them.
fn steps_of(path: &Path) -> Vec<OsString> {
    let steps = path.components().rev().filter(|step| !matches!(step, Component::CurDir));
    steps.map(|step| step.as_os_str().to_owned()).collect()
}

/// A journal or log is as private as its database: what a name like `x-wal` belongs to.
fn owner_of_database(path: &Path) -> Option<Owner> {
    use std::os::unix::ffi::OsStrExt;
    let name = path.as_os_str().as_bytes();
    let database = [&b"-wal"[..], b"-journal"].iter().find_map(|suffix| name.strip_suffix(*suffix))?;
    let facts = calls::facts_of(Path::new(std::ffi::OsStr::from_bytes(database))).ok()?;
    Some(Owner::of(&facts))
}

/// Whose a file is, and who may use it.
#[derive(PartialEq, Eq)]
struct Owner {
    mode: u32,
    uid: u32,
    gid: u32,
}

impl Owner {
    fn of(facts: &libc::stat) -> Self {
        Self { mode: facts.st_mode & 0o777, uid: facts.st_uid, gid: facts.st_gid }
    }

    /// Makes a new file beside the database like it, where it is not: whoever may use the database must be able to use what
    /// another user leaves there, whatever the mask of that user's process.
    fn pass_on(&self, file: &fs::File, present: &Self) {
        if present.mode != self.mode {
            calls::change_mode(file.as_raw_fd(), self.mode);
        }
        if (present.uid, present.gid) != (self.uid, self.gid) {
            // Only root succeeds, and only root can make a companion that the owner could not open.
            calls::change_owner(file.as_raw_fd(), self.uid, self.gid);
        }
    }
}

fn is_permission(e: &OsError) -> bool {
    e.kind() == ErrorKind::PermissionDenied || e.raw_os_error() == Some(libc::EROFS)
}

fn cannot_open(path: &Path, cause: &OsError) -> Error {
    if path.is_dir() {
        return Error::io(ResultCode::CANTOPEN_ISDIR, cause);
    }
    Error::io(ResultCode::CANTOPEN, cause)
}

/// An open file and the locks of its handle.
pub(crate) struct SyscallFile {
    /// `None` only while dropping.
    file: Option<fs::File>,
    path: PathBuf,
    id: FileId,
    read_only: bool,
    read_only_shm: bool,
    locks: Mutex<FileLocks>,
    shm: Mutex<Option<ShmFile>>,
    /// A child of the process that opened it neither writes nor locks.
    birth: Birth,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl SyscallFile {
    fn file(&self) -> &fs::File {
        match &self.file {
            Some(file) => file,
            None => unreachable!("the file is there until drop"),
        }
    }

    /// The descriptor, open as long as this file is.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.file().as_raw_fd()
    }

    fn with_shm<T>(&self, f: impl FnOnce(&mut ShmFile) -> Result<T>) -> Result<T> {
        let mut shm = guard(&self.shm);
        if shm.is_none() {
            let mut path = self.path.clone().into_os_string();
            path.push("-shm");
            let database = calls::facts(self.file().as_raw_fd()).map_err(|e| Error::io(ResultCode::IOERR_FSTAT, &e))?;
            *shm = Some(ShmFile::open(PathBuf::from(path), &Owner::of(&database), self.read_only_shm)?);
        }
        match shm.as_mut() {
            Some(shm) => f(shm),
            None => unreachable!("just opened"),
        }
    }
}

impl File for SyscallFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match calls::read_at(self.descriptor(), &mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) => return Err(read_error(&e)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.birth.check()?;
        calls::write_all_at(self.descriptor(), buf, offset).map_err(|e| write_error(&e))
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        self.birth.check()?;
        let mut offset = offset;
        if calls::writes_one_by_one() {
            for buf in bufs {
                self.write_at(buf, offset)?;
                offset += buf.len() as u64;
            }
            return Ok(());
        }
        // The kernel takes at most 1024 pieces per call.
        for batch in bufs.chunks(1024) {
            let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|b| IoSlice::new(b)).collect();
            let mut rest = &mut slices[..];
            while !rest.is_empty() {
                // SAFETY: IoSlice has the layout of iovec; the slices outlive the call.
                let n = unsafe {
                    libc::pwritev(
                        self.file().as_raw_fd(),
                        rest.as_ptr().cast(),
                        rest.len() as libc::c_int,
                        offset as libc::off_t,
                    )
                };
                if n < 0 {
                    let e = OsError::last_os_error();
                    if e.kind() == ErrorKind::Interrupted {
                        continue;
                    }
                    return Err(write_error(&e));
                }
                if n == 0 && rest.iter().any(|s| !s.is_empty()) {
                    return Err(Error::from_code(ResultCode::FULL));
                }
                offset += n as u64;
                IoSlice::advance_slices(&mut rest, n as usize);
                while rest.first().is_some_and(|s| s.is_empty()) {
                    rest = &mut rest[1..];
                }
            }
        }
        Ok(())
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        let synced = match kind {
            SyncKind::Data => self.file().sync_data(),
            SyncKind::Full => self.file().sync_all(),
        };
        synced.map_err(|e| sync_error(&e))
    }

    fn truncate(&self, size: u64) -> Result<()> {
        self.birth.check()?;
        calls::set_len(self.descriptor(), size).map_err(|e| truncate_error(&e))
    }

    fn size(&self) -> Result<u64> {
        calls::facts(self.descriptor())
            .map(|facts| facts.st_size as u64)
            .map_err(|e| Error::io(ResultCode::IOERR_FSTAT, &e))
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn id(&self) -> Option<FileId> {
        Some(self.id)
    }

    fn lock(&self, level: LockLevel) -> Result<()> {
        guard(&self.locks).raise(self.file().as_raw_fd(), level)
    }

    fn unlock(&self, level: LockLevel) -> Result<()> {
        guard(&self.locks).lower(self.file().as_raw_fd(), level)
    }

    fn lock_level(&self) -> LockLevel {
        guard(&self.locks).level()
    }

    fn check_reserved(&self) -> Result<bool> {
        guard(&self.locks).reserved_elsewhere(self.file().as_raw_fd())
    }

    fn growth_step(&self) -> u32 {
        // On ext4, syncs into zeros that are there already are five times as fast as syncs of a file that grows.
        1 << 18
    }

    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        self.with_shm(|shm| shm.map(region, extend))
    }

    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        self.with_shm(|shm| shm.lock(first, count, kind))
    }

    fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
        self.with_shm(|shm| shm.unlock(first, count))
    }

    fn shm_lock_linger(&self) -> Option<Duration> {
        Some(Duration::from_millis(2))
    }

    fn shm_locked_elsewhere(&self, lock: u32) -> bool {
        self.with_shm(|shm| Ok(shm.locked_elsewhere(lock))).unwrap_or(false)
    }

    fn shm_shared_with_others(&self) -> Result<bool> {
        self.with_shm(|shm| shm.shared_with_others())
    }

    fn shm_unmap(&self, delete: bool) -> Result<()> {
        if let Some(shm) = guard(&self.shm).take()
            && delete
        {
            shm.delete();
        }
        Ok(())
    }
}

impl Drop for SyscallFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // Closing any descriptor of a file drops the POSIX locks that this process holds on it, and another SQLite
        // library in the process may hold some: then the descriptor stays open for good, without our own locks.
        if lock::posix_locks_of_this_process(file.as_raw_fd()) {
            if self.birth.is_here() {
                let _ = lock::release_all(file.as_raw_fd());
            }
            std::mem::forget(OwnedFd::from(file));
        } else {
            calls::close_file(file.into_raw_fd());
        }
    }
}

pub(crate) fn read_error(e: &OsError) -> Error {
    let code = match e.raw_os_error() {
        Some(libc::ERANGE | libc::EIO | libc::ENXIO) => ResultCode::IOERR_CORRUPTFS,
        _ => ResultCode::IOERR_READ,
    };
    Error::io(code, e)
}

pub(crate) fn sync_error(e: &OsError) -> Error {
    Error::io(ResultCode::IOERR_FSYNC, e)
}

pub(crate) fn truncate_error(e: &OsError) -> Error {
    Error::io(ResultCode::IOERR_TRUNCATE, e)
}

pub(crate) fn write_error(e: &OsError) -> Error {
    match e.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => Error::io(ResultCode::FULL, e),
        _ if e.kind() == ErrorKind::WriteZero => Error::from_code(ResultCode::FULL),
        _ => Error::io(ResultCode::IOERR_WRITE, e),
    }
}
