//! A VFS of the application as the engine's input and output.
//!
//! Every opening is a file object of its own, so connections meet in its locks, as in SQLite.

use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use turso_core::io::{File, FileId, Io, LockLevel, OpenFlags, SHM_REGION_SIZE, ShmLockKind, ShmRegion, SyncKind};
use turso_core::{Error, Result, ResultCode};

use super::methods::*;
use crate::codes::{BUSY, CANTOPEN, OK, READONLY};
use crate::filename::FileName;

/// `SQLITE_IOCAP_POWERSAFE_OVERWRITE`
const POWERSAFE_OVERWRITE: c_int = 0x1000;

/// Paths of a VFS may have this many bytes where it does not say more.
const MIN_PATHNAME: c_int = 512;

/// The engine's input and output through a VFS.
pub struct ForeignIo {
    vfs: *mut sqlite3_vfs,
    /// The main database's name with its URI parameters.
    name: FileName,
    /// Names of other files, which live as long as somebody may look at them.
    others: Mutex<Vec<(PathBuf, FileName)>>,
    /// The object of the main database's file, once it is open.
    main_file: AtomicPtr<sqlite3_file>,
}

// SAFETY: the interface's contract: a VFS may be used from several threads.
unsafe impl Send for ForeignIo {}
// SAFETY: as above.
unsafe impl Sync for ForeignIo {}

#[track_caller]
fn check(code: c_int) -> Result<()> {
    if code == OK { Ok(()) } else { Err(Error::from_code(ResultCode(code))) }
}

#[cold]
#[track_caller]
fn lacking() -> Error {
    Error::from_code(ResultCode(IOERR))
}

fn c_path(path: &Path) -> CString {
    crate::error::c_string(path.as_os_str().as_bytes())
}

impl ForeignIo {
    /// Through `vfs`, for the database of this name.
    pub fn new(vfs: *mut sqlite3_vfs, name: FileName) -> Self {
        Self { vfs, name, others: Mutex::default(), main_file: AtomicPtr::default() }
    }

    /// The VFS.
    pub fn vfs_pointer(&self) -> *mut sqlite3_vfs {
        self.vfs
    }

    /// The object of the main database's file; NULL before it is open. It lives as long as the connection.
    pub fn main_file(&self) -> *mut sqlite3_file {
        self.main_file.load(Ordering::Acquire)
    }

    fn vfs(&self) -> &sqlite3_vfs {
        // SAFETY: the interface's contract: a VFS stays while connections use it.
        unsafe { &*self.vfs }
    }

    /// The pointer by which a file is opened, and what kind of file it is: journals and logs are known by their names.
    fn name_and_kind(&self, path: &Path) -> (*const c_char, c_int) {
        let bytes = path.as_os_str().as_bytes();
        if bytes == self.name.name() {
            return (self.name.as_ptr(), OPEN_MAIN_DB);
        }
        let ends = [(&b"-journal"[..], OPEN_MAIN_JOURNAL), (b"-wal", OPEN_WAL)];
        for (end, kind) in ends {
            if let Some(database) = bytes.strip_suffix(end) {
                let name = if database == self.name.name() {
                    self.name.as_ptr()
                } else {
                    self.other(Path::new(std::ffi::OsStr::from_bytes(database)))
                };
                // SAFETY: a name in a block, as the functions ask for.
                let pointer = unsafe {
                    if kind == OPEN_WAL {
                        crate::filename::sqlite3_filename_wal(name)
                    } else {
                        crate::filename::sqlite3_filename_journal(name)
                    }
                };
                return (pointer, kind);
            }
        }
        let is_super = path
            .file_name()
            .is_some_and(|name| name.as_bytes().windows(4).any(|part| part == b"-mj0" || part == b"-mjF"));
        (self.other(path), if is_super { OPEN_SUPER_JOURNAL } else { OPEN_MAIN_DB })
    }

    fn other(&self, path: &Path) -> *const c_char {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, name)) = others.iter().find(|(known, _)| known == path) {
            return name.as_ptr();
        }
        let name = FileName::new(path.as_os_str().as_bytes(), &[]);
        let pointer = name.as_ptr();
        others.push((path.to_owned(), name));
        pointer
    }
}

impl Io for ForeignIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let open = self.vfs().open.ok_or_else(lacking)?;
        let (name, kind) =
            if flags.delete_on_close { (std::ptr::null(), OPEN_TEMP_DB) } else { self.name_and_kind(path) };
        let mut wanted = kind;
        wanted |= if flags.read_only { OPEN_READONLY } else { OPEN_READWRITE };
        wanted |= if flags.create || flags.delete_on_close { OPEN_CREATE } else { 0 };
        wanted |= if flags.exclusive || flags.delete_on_close { OPEN_EXCLUSIVE } else { 0 };
        wanted |= if flags.delete_on_close { OPEN_DELETEONCLOSE } else { 0 };
        wanted |= if name == self.name.as_ptr() && self.name.has_parameters() { OPEN_URI } else { 0 };
        let words = usize::try_from(self.vfs().file_size).unwrap_or(0).max(size_of::<sqlite3_file>()).div_ceil(8);
        let attempt = |flags: c_int| {
            let mut object = vec![0u64; words].into_boxed_slice();
            let file = object.as_mut_ptr().cast::<sqlite3_file>();
            let mut got = flags;
            // SAFETY: the interface's contract: room for the VFS's file object, zeroed and aligned.
            let code = unsafe { open(self.vfs, name, file, flags, &mut got) };
            let file = ForeignFile {
                object,
                read_only: got & OPEN_READONLY != 0,
                level: AtomicU8::new(0),
                exclusive_shm: AtomicU8::new(0),
            };
            // An object with methods is to be closed even where opening failed, which dropping it does.
            check(code).map(|()| file)
        };
        let file = match attempt(wanted) {
            // What cannot be written is opened for reading.
            Err(error) if !flags.read_only && kind == OPEN_MAIN_DB && error.code().0 & 0xff == CANTOPEN => {
                attempt(wanted & !(OPEN_READWRITE | OPEN_CREATE) | OPEN_READONLY).map_err(|_| error)?
            }
            other => other?,
        };
        if kind == OPEN_MAIN_DB && name == self.name.as_ptr() {
            self.main_file.store(file.as_ptr(), Ordering::Release);
        }
        Ok(Arc::new(file))
    }

    fn for_uri(&self, path: &Path, parameters: &[(String, String)]) -> Result<Option<Arc<dyn Io>>> {
        super::back_end_for_uri(self, Some(self.vfs), path, parameters)
    }

    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        let delete = self.vfs().delete.ok_or_else(lacking)?;
        // SAFETY: the interface's contract.
        check(unsafe { delete(self.vfs, self.name_and_kind(path).0, sync_dir.into()) })
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        let access = self.vfs().access.ok_or_else(lacking)?;
        let mut found = 0;
        // By the pointer a VFS knows whose journal or log it is.
        let (name, _) = self.name_and_kind(path);
        // SAFETY: the interface's contract.
        check(unsafe { access(self.vfs, name, 0, &mut found) })?;
        Ok(found != 0)
    }

    fn sync_directory_of(&self, _path: &Path) -> Result<()> {
        // A VFS does that itself when it syncs a new file or deletes one.
        Ok(())
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        let full = self.vfs().full_pathname.ok_or_else(lacking)?;
        let size = self.vfs().max_pathname.max(MIN_PATHNAME);
        let mut out = vec![0u8; size as usize + 1];
        // SAFETY: the interface's contract: a buffer of that size.
        let code = unsafe { full(self.vfs, c_path(path).as_ptr(), size, out.as_mut_ptr().cast()) };
        // A symbolic link was followed: that is no failure.
        if code & 0xff != OK {
            check(code)?;
        }
        out.truncate(out.iter().position(|&b| b == 0).unwrap_or(0));
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(&out)))
    }

    fn temp_path(&self) -> Result<PathBuf> {
        turso_core::io::default_io().temp_path()
    }

    fn now_julian_ms(&self) -> i64 {
        let vfs = self.vfs();
        let mut now = 0;
        match (vfs.current_time_int64.filter(|_| vfs.version >= 2), vfs.current_time) {
            // SAFETY: the interface's contract.
            (Some(time), _) if unsafe { time(self.vfs, &mut now) } == OK => now,
            (_, Some(time)) => {
                let mut days = 0.0;
                // SAFETY: as above.
                unsafe { time(self.vfs, &mut days) };
                (days * 86_400_000.0) as i64
            }
            _ => turso_core::io::default_io().now_julian_ms(),
        }
    }

    fn randomness(&self, buf: &mut [u8]) {
        crate::randomness::fill(buf);
    }

    fn sleep(&self, duration: Duration) {
        if let Some(sleep) = self.vfs().sleep {
            // SAFETY: the interface's contract.
            unsafe { sleep(self.vfs, c_int::try_from(duration.as_micros()).unwrap_or(c_int::MAX)) };
        }
    }
}

/// An open file of a VFS.
struct ForeignFile {
    object: Box<[u64]>,
    read_only: bool,
    level: AtomicU8,
    /// A bit for each lock on the shared memory that is held exclusively: a VFS wants to hear it again when it is let go.
    exclusive_shm: AtomicU8,
}

// SAFETY: the engine uses a file from one thread at a time, under its own locks; the interface asks for no more.
unsafe impl Send for ForeignFile {}
// SAFETY: as above.
unsafe impl Sync for ForeignFile {}

impl ForeignFile {
    fn as_ptr(&self) -> *mut sqlite3_file {
        self.object.as_ptr().cast_mut().cast()
    }

    /// The methods as they are now: whoever got the object (`SQLITE_FCNTL_FILE_POINTER`) may put others in their place.
    fn methods(&self) -> Result<&sqlite3_io_methods> {
        // SAFETY: the object's first field: NULL or the methods of a file that is open until it is dropped.
        unsafe { (*self.as_ptr()).methods.as_ref() }.ok_or_else(lacking)
    }

    /// The methods for shared memory, where the file has them.
    fn shared_memory(&self) -> Result<&sqlite3_io_methods> {
        self.methods().and_then(|methods| if methods.version >= 2 { Ok(methods) } else { Err(lacking()) })
    }

    fn set_level(&self, level: LockLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }
}

/// A bit for each of some locks on shared memory.
fn bits(first: u32, count: u32) -> u8 {
    (((1u32 << count) - 1) << first) as u8
}

impl Drop for ForeignFile {
    fn drop(&mut self) {
        if let Some(close) = self.methods().ok().and_then(|methods| methods.close) {
            // SAFETY: open, and nobody uses it any more.
            unsafe { close(self.as_ptr()) };
        }
    }
}

impl File for ForeignFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let read = self.methods()?.read.ok_or_else(lacking)?;
        // SAFETY: the interface's contract: a buffer of that size.
        match unsafe { read(self.as_ptr(), buf.as_mut_ptr().cast(), buf.len() as c_int, offset as i64) } {
            OK => Ok(buf.len()),
            IOERR_SHORT_READ => Ok(usize::try_from(self.size()?.saturating_sub(offset)).unwrap_or(0).min(buf.len())),
            code => Err(Error::from_code(ResultCode(code))),
        }
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        let write = self.methods()?.write.ok_or_else(lacking)?;
        let mut at = offset;
        for buf in bufs {
            // SAFETY: the interface's contract: a buffer of that size.
            check(unsafe { write(self.as_ptr(), buf.as_ptr().cast(), buf.len() as c_int, at as i64) })?;
            at += buf.len() as u64;
        }
        Ok(())
    }

    fn sync(&self, _kind: SyncKind) -> Result<()> {
        let sync = self.methods()?.sync.ok_or_else(lacking)?;
        // SAFETY: the interface's contract.
        check(unsafe { sync(self.as_ptr(), SYNC_NORMAL) })
    }

    fn truncate(&self, size: u64) -> Result<()> {
        let truncate = self.methods()?.truncate.ok_or_else(lacking)?;
        // SAFETY: the interface's contract.
        check(unsafe { truncate(self.as_ptr(), size as i64) })
    }

    fn size(&self) -> Result<u64> {
        let size_of = self.methods()?.size.ok_or_else(lacking)?;
        let mut size = 0;
        // SAFETY: the interface's contract.
        check(unsafe { size_of(self.as_ptr(), &mut size) })?;
        Ok(u64::try_from(size).unwrap_or(0))
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn id(&self) -> Option<FileId> {
        None
    }

    fn sector_size(&self) -> u32 {
        // SAFETY: the interface's contract.
        let size = self.methods().ok().and_then(|m| m.sector_size).map_or(4096, |ask| unsafe { ask(self.as_ptr()) });
        u32::try_from(size).unwrap_or(4096).clamp(512, 65536)
    }

    fn takes_runs(&self) -> bool {
        false
    }

    fn is_powersafe(&self) -> bool {
        let ask = self.methods().ok().and_then(|methods| methods.characteristics);
        // SAFETY: the interface's contract.
        ask.map_or(0, |ask| unsafe { ask(self.as_ptr()) }) & POWERSAFE_OVERWRITE != 0
    }

    fn lock(&self, level: LockLevel) -> Result<()> {
        let lock = self.methods()?.lock.ok_or_else(lacking)?;
        if level <= self.lock_level() {
            return Ok(());
        }
        // SAFETY: the interface's contract.
        match unsafe { lock(self.as_ptr(), level as c_int) } {
            OK => {
                self.set_level(level);
                Ok(())
            }
            code => {
                if code & 0xff == BUSY && level == LockLevel::Exclusive && self.lock_level() >= LockLevel::Reserved {
                    self.set_level(LockLevel::Pending);
                }
                Err(Error::from_code(ResultCode(code)))
            }
        }
    }

    fn unlock(&self, level: LockLevel) -> Result<()> {
        if level >= self.lock_level() {
            return Ok(());
        }
        let unlock = self.methods()?.unlock.ok_or_else(lacking)?;
        // SAFETY: the interface's contract.
        let outcome = check(unsafe { unlock(self.as_ptr(), level as c_int) });
        self.set_level(level);
        outcome
    }

    fn lock_level(&self) -> LockLevel {
        match self.level.load(Ordering::Relaxed) {
            0 => LockLevel::None,
            1 => LockLevel::Shared,
            2 => LockLevel::Reserved,
            3 => LockLevel::Pending,
            _ => LockLevel::Exclusive,
        }
    }

    fn check_reserved(&self) -> Result<bool> {
        let ask = self.methods()?.check_reserved.ok_or_else(lacking)?;
        let mut held = 0;
        // SAFETY: the interface's contract.
        check(unsafe { ask(self.as_ptr(), &mut held) })?;
        Ok(held != 0)
    }

    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
        let map = self.shared_memory()?.shm_map.ok_or_else(lacking)?;
        let mut memory = std::ptr::null_mut();
        // SAFETY: the interface's contract.
        let code = unsafe { map(self.as_ptr(), region as c_int, SHM_REGION_SIZE as c_int, extend.into(), &mut memory) };
        // Mapped for reading only is no failure of the mapping.
        if code != OK && (code & 0xff != READONLY || memory.is_null()) {
            check(code)?;
        }
        if memory.is_null() {
            return Ok(None);
        }
        // SAFETY: the interface's contract: the region stays mapped until `xShmUnmap`, which the engine calls when it has let
        // its regions go.
        Ok(Some(unsafe { ShmRegion::from_foreign(memory.cast(), code == OK) }))
    }

    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
        let lock = self.shared_memory()?.shm_lock.ok_or_else(lacking)?;
        let kind = match kind {
            ShmLockKind::Shared => SHM_SHARED,
            ShmLockKind::Exclusive => SHM_EXCLUSIVE,
        };
        // A VFS knows no step from exclusive to shared: what is held exclusively is let go first.
        if kind == SHM_SHARED && self.exclusive_shm.load(Ordering::Relaxed) & bits(first, count) != 0 {
            self.shm_unlock(first, count)?;
        }
        // SAFETY: the interface's contract.
        check(unsafe { lock(self.as_ptr(), first as c_int, count as c_int, SHM_LOCK | kind) })?;
        if kind == SHM_EXCLUSIVE {
            self.exclusive_shm.fetch_or(bits(first, count), Ordering::Relaxed);
        }
        Ok(())
    }

    fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
        let lock = self.shared_memory()?.shm_lock.ok_or_else(lacking)?;
        let held = self.exclusive_shm.fetch_and(!bits(first, count), Ordering::Relaxed);
        let kind = if held & bits(first, count) != 0 { SHM_EXCLUSIVE } else { SHM_SHARED };
        // SAFETY: the interface's contract.
        check(unsafe { lock(self.as_ptr(), first as c_int, count as c_int, SHM_UNLOCK | kind) })
    }

    fn shm_barrier(&self) {
        if let Some(barrier) = self.shared_memory().ok().and_then(|methods| methods.shm_barrier) {
            // SAFETY: the interface's contract.
            unsafe { barrier(self.as_ptr()) }
        }
    }

    fn shm_shared_with_others(&self) -> Result<bool> {
        // A VFS cannot tell: others must be reckoned with.
        Ok(true)
    }

    fn shm_unmap(&self, delete: bool) -> Result<()> {
        let Some(unmap) = self.shared_memory().ok().and_then(|methods| methods.shm_unmap) else { return Ok(()) };
        // SAFETY: the interface's contract.
        check(unsafe { unmap(self.as_ptr(), delete.into()) })
    }
}
