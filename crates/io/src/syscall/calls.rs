//! The system calls of this back end by SQLite's names for them, and functions that stand in their places.
//!
//! SQLite's VFS lets an application replace its system calls (`xSetSystemCall`), mostly to see what happens when they fail. The
//! names and signatures are SQLite's, so functions written for it fit. Calls that this back end does not make can be set and
//! asked for, and are then never used.

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io::{Error as OsError, ErrorKind, Result as OsResult};
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for a path of the system.
const LONGEST_PATH: usize = libc::PATH_MAX as usize + 1;

macro_rules! calls {
    ($($name:ident: $type:ty = $own:expr;)*) => {
        #[derive(Clone, Copy)]
        #[allow(non_camel_case_types, reason = "the names are SQLite's")]
        enum Call { $($name),* }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
        /// Functions of the application; 0: the system's.
        static REPLACED: [AtomicUsize; NAMES.len()] = [const { AtomicUsize::new(0) }; NAMES.len()];

        fn of_the_system(at: usize) -> usize {
            let own = [$({ let own: $type = $own; own as usize }),*];
            own.get(at).copied().unwrap_or(0)
        }

        $(
            #[allow(non_snake_case, dead_code, reason = "the names are SQLite's; not all are called")]
            fn $name() -> $type {
                match REPLACED[Call::$name as usize].load(Ordering::Relaxed) {
                    0 => $own,
                    // SAFETY: the contract of `set`: a function of this call's type.
                    address => unsafe { std::mem::transmute::<usize, $type>(address) },
                }
            }
        )*
    };
}

calls! {
    open: unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int = open_with_mode;
    close: unsafe extern "C" fn(c_int) -> c_int = libc::close;
    access: unsafe extern "C" fn(*const c_char, c_int) -> c_int = libc::access;
    getcwd: unsafe extern "C" fn(*mut c_char, usize) -> *mut c_char = libc::getcwd;
    stat: unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int = libc::stat;
    fstat: unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int = libc::fstat;
    ftruncate: unsafe extern "C" fn(c_int, libc::off_t) -> c_int = libc::ftruncate;
    fcntl: unsafe extern "C" fn(c_int, c_int, ...) -> c_int = libc::fcntl;
    read: unsafe extern "C" fn(c_int, *mut c_void, usize) -> isize = libc::read;
    pread: unsafe extern "C" fn(c_int, *mut c_void, usize, libc::off_t) -> isize = libc::pread;
    write: unsafe extern "C" fn(c_int, *const c_void, usize) -> isize = libc::write;
    pwrite: unsafe extern "C" fn(c_int, *const c_void, usize, libc::off_t) -> isize = libc::pwrite;
    fchmod: unsafe extern "C" fn(c_int, libc::mode_t) -> c_int = libc::fchmod;
    unlink: unsafe extern "C" fn(*const c_char) -> c_int = libc::unlink;
    openDirectory: unsafe extern "C" fn(*const c_char, *mut c_int) -> c_int = open_directory_of;
    mkdir: unsafe extern "C" fn(*const c_char, libc::mode_t) -> c_int = libc::mkdir;
    rmdir: unsafe extern "C" fn(*const c_char) -> c_int = libc::rmdir;
    fchown: unsafe extern "C" fn(c_int, libc::uid_t, libc::gid_t) -> c_int = libc::fchown;
    geteuid: unsafe extern "C" fn() -> libc::uid_t = libc::geteuid;
    mmap: unsafe extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, libc::off_t) -> *mut c_void = libc::mmap;
    munmap: unsafe extern "C" fn(*mut c_void, usize) -> c_int = libc::munmap;
    mremap: unsafe extern "C" fn(*mut c_void, usize, usize, c_int, ...) -> *mut c_void = libc::mremap;
    getpagesize: unsafe extern "C" fn() -> c_int = page_size;
    readlink: unsafe extern "C" fn(*const c_char, *mut c_char, usize) -> isize = libc::readlink;
    lstat: unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int = libc::lstat;
}

unsafe extern "C" fn open_with_mode(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: a C string, by the contract of the caller.
    unsafe { libc::open(path, flags, mode as c_uint) }
}

/// Opens the directory that a file is in; answers 0, or a result code of SQLite.
unsafe extern "C" fn open_directory_of(path: *const c_char, out: *mut c_int) -> c_int {
    const CANTOPEN: c_int = 14;
    // SAFETY: a C string, by the contract of the caller.
    let path = Path::new(std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()));
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let fd = c_path(directory).map_or(-1, |path| {
        // SAFETY: a C string.
        unsafe { open()(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC, 0) }
    });
    // SAFETY: room for a descriptor, by the contract of the caller.
    unsafe { *out = fd };
    if fd < 0 { CANTOPEN } else { 0 }
}

unsafe extern "C" fn page_size() -> c_int {
    // SAFETY: a query without preconditions.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as c_int }
}

fn position(name: &[u8]) -> Option<usize> {
    NAMES.iter().position(|known| known.as_bytes() == name)
}

/// The address of the function that makes a call.
pub fn get(name: &[u8]) -> Option<usize> {
    let at = position(name)?;
    let replaced = REPLACED[at].load(Ordering::Relaxed);
    Some(if replaced == 0 { of_the_system(at) } else { replaced })
}

/// Puts a function in a call's place; 0 for the system's own. False for a call without a name here.
///
/// # Safety
/// `address` is 0 or that of a function with the signature that SQLite's VFS has under this name, which stays.
pub unsafe fn set(name: &[u8], address: usize) -> bool {
    let Some(at) = position(name) else { return false };
    REPLACED[at].store(address, Ordering::Relaxed);
    true
}

/// Puts the system's own functions back everywhere.
pub fn reset() {
    for call in &REPLACED {
        call.store(0, Ordering::Relaxed);
    }
}

/// The name after this one; the first without one.
pub fn next(name: Option<&[u8]>) -> Option<&'static str> {
    let at = match name {
        Some(name) => position(name)? + 1,
        None => 0,
    };
    NAMES.get(at).copied()
}

fn c_path(path: &Path) -> OsResult<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| OsError::from_raw_os_error(libc::EINVAL))
}

/// Makes a call again for as long as a signal interrupts it.
fn uninterrupted<T: PartialOrd + From<i8>>(mut call: impl FnMut() -> T) -> OsResult<T> {
    loop {
        let outcome = call();
        if outcome >= T::from(0) {
            return Ok(outcome);
        }
        let error = OsError::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Opens a file; the descriptor does not outlive an `exec`.
pub(super) fn open_file(path: &Path, flags: c_int, mode: u32) -> OsResult<File> {
    let path = c_path(path)?;
    // SAFETY: a C string.
    let fd = uninterrupted(|| unsafe { open()(path.as_ptr(), flags | libc::O_CLOEXEC, mode as c_int) })?;
    // SAFETY: just opened, and nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Gives a descriptor back.
pub(super) fn close_file(fd: RawFd) {
    // SAFETY: the caller hands over a descriptor of its own. Whatever the answer, the descriptor is gone.
    unsafe { close()(fd) };
}

/// What the system knows of an open file.
pub(super) fn facts(fd: RawFd) -> OsResult<libc::stat> {
    // SAFETY: plain data; all zeros is a value of it.
    let mut facts: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open while the file that owns it is borrowed; room for the answer.
    if unsafe { fstat()(fd, &mut facts) } == 0 { Ok(facts) } else { Err(OsError::last_os_error()) }
}

/// What the system knows of a file by its name.
pub(super) fn facts_of(path: &Path) -> OsResult<libc::stat> {
    let path = c_path(path)?;
    // SAFETY: plain data; all zeros is a value of it.
    let mut facts: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a C string, and room for the answer.
    if unsafe { stat()(path.as_ptr(), &mut facts) } == 0 { Ok(facts) } else { Err(OsError::last_os_error()) }
}

/// The same of the link, where the name is one of a symbolic link.
pub(super) fn facts_of_link(path: &Path) -> OsResult<libc::stat> {
    let path = c_path(path)?;
    // SAFETY: plain data; all zeros is a value of it.
    let mut facts: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a C string, and room for the answer.
    if unsafe { lstat()(path.as_ptr(), &mut facts) } == 0 { Ok(facts) } else { Err(OsError::last_os_error()) }
}

/// Where a symbolic link leads.
pub(super) fn read_link(path: &Path) -> OsResult<PathBuf> {
    let path = c_path(path)?;
    let mut target = vec![0u8; LONGEST_PATH];
    // SAFETY: a C string, and a buffer of the length given.
    let length = unsafe { readlink()(path.as_ptr(), target.as_mut_ptr().cast(), target.len()) };
    let length = usize::try_from(length).map_err(|_| OsError::last_os_error())?;
    if length >= target.len() {
        return Err(OsError::from_raw_os_error(libc::ENAMETOOLONG));
    }
    target.truncate(length);
    Ok(PathBuf::from(OsString::from_vec(target)))
}

/// The directory in which relative names begin.
pub(super) fn working_directory() -> OsResult<PathBuf> {
    let mut name = vec![0u8; LONGEST_PATH];
    // SAFETY: a buffer of the length given.
    if unsafe { getcwd()(name.as_mut_ptr().cast(), name.len()) }.is_null() {
        return Err(OsError::last_os_error());
    }
    let name = CStr::from_bytes_until_nul(&name).map_err(|_| OsError::from_raw_os_error(libc::ERANGE))?;
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(name.to_bytes())))
}

/// The process may use the file so (`R_OK`, `W_OK`).
pub fn may_access(path: &Path, how: c_int) -> bool {
    // SAFETY: a C string.
    c_path(path).is_ok_and(|path| unsafe { access()(path.as_ptr(), how) } == 0)
}

/// There is something else than an empty file under this name: what SQLite's VFS calls existing.
pub fn has_content(path: &Path) -> bool {
    facts_of(path).is_ok_and(|facts| facts.st_mode & libc::S_IFMT != libc::S_IFREG || facts.st_size > 0)
}

/// Gives a file the permissions.
pub(super) fn change_mode(fd: RawFd, mode: u32) {
    // SAFETY: the descriptor is open while the file that owns it is borrowed.
    unsafe { fchmod()(fd, mode as libc::mode_t) };
}

/// Gives a file away, which only root can.
pub(super) fn change_owner(fd: RawFd, uid: u32, gid: u32) {
    // SAFETY: a query without preconditions, then as above.
    unsafe {
        if geteuid()() == 0 {
            fchown()(fd, uid, gid);
        }
    }
}

/// Reads at an offset; fewer bytes than asked for at the end of the file.
pub(super) fn read_at(fd: RawFd, buf: &mut [u8], offset: u64) -> OsResult<usize> {
    // SAFETY: the pointer and length describe `buf`.
    uninterrupted(|| unsafe { pread()(fd, buf.as_mut_ptr().cast(), buf.len(), offset as libc::off_t) })
        .map(|count| count as usize)
}

/// Writes all of `buf`.
pub(super) fn write_all_at(fd: RawFd, buf: &[u8], offset: u64) -> OsResult<()> {
    let mut done = 0;
    while let Some(rest) = buf.get(done..).filter(|rest| !rest.is_empty()) {
        let at = (offset + done as u64) as libc::off_t;
        // SAFETY: the pointer and length describe `rest`.
        match uninterrupted(|| unsafe { pwrite()(fd, rest.as_ptr().cast(), rest.len(), at) })? {
            0 => return Err(ErrorKind::WriteZero.into()),
            count => done += count as usize,
        }
    }
    Ok(())
}

/// True where writes go through a function of the application, which knows no vectors.
pub(super) fn writes_one_by_one() -> bool {
    REPLACED[Call::pwrite as usize].load(Ordering::Relaxed) != 0
}

/// Sets a file's size.
pub(super) fn set_len(fd: RawFd, size: u64) -> OsResult<()> {
    // SAFETY: no memory is involved.
    uninterrupted(|| unsafe { ftruncate()(fd, size as libc::off_t) }).map(|_| ())
}

/// Sets or asks for a lock on bytes of a file.
pub(super) fn lock(fd: RawFd, command: c_int, lock: &mut libc::flock) -> OsResult<()> {
    // SAFETY: the descriptor is open while the file that owns it is borrowed; a flock that the kernel may write into.
    uninterrupted(|| unsafe { fcntl()(fd, command, std::ptr::from_mut(lock)) }).map(|_| ())
}

/// Removes a name.
pub(super) fn remove(path: &Path) -> OsResult<()> {
    let path = c_path(path)?;
    // SAFETY: a C string.
    if unsafe { unlink()(path.as_ptr()) } == 0 { Ok(()) } else { Err(OsError::last_os_error()) }
}

/// Opens the directory that a file is in.
pub(super) fn open_directory(path: &Path) -> Option<File> {
    let path = c_path(path).ok()?;
    let mut fd = -1;
    // SAFETY: a C string and room for a descriptor.
    let code = unsafe { openDirectory()(path.as_ptr(), &mut fd) };
    // SAFETY: just opened, and nobody else's.
    (code == 0 && fd >= 0).then(|| unsafe { File::from_raw_fd(fd) })
}

/// Maps part of a file that is shared with other processes.
///
/// # Safety
/// As for `mmap(2)`.
pub(super) unsafe fn map(len: usize, protection: c_int, fd: RawFd, start: u64) -> OsResult<*mut c_void> {
    // SAFETY: the caller's contract.
    let address = unsafe { mmap()(std::ptr::null_mut(), len, protection, libc::MAP_SHARED, fd, start as libc::off_t) };
    if address == libc::MAP_FAILED { Err(OsError::last_os_error()) } else { Ok(address) }
}

/// Gives a mapping back.
///
/// # Safety
/// The range was mapped by `map`, and nobody uses it any more.
pub(super) unsafe fn unmap(address: *mut c_void, len: usize) {
    // SAFETY: the caller's contract.
    unsafe { munmap()(address, len) };
}
