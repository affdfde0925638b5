//! VFS objects. Our own is shown under SQLite's name; others can be registered and found.
//!
//! A database is opened through the engine's own input and output; opening one through a VFS of the application is an error
//! that says so.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use turso_core::{Error, Result};

use crate::boundary::{Text, entry};
use crate::codes::{CANTOPEN, MISUSE, NOTFOUND, OK};

/// `sqlite3_vfs`.
#[repr(C)]
#[allow(missing_docs, reason = "the names are those of the interface")]
pub struct sqlite3_vfs {
    pub version: c_int,
    pub file_size: c_int,
    pub max_pathname: c_int,
    pub next: *mut sqlite3_vfs,
    pub name: *const c_char,
    pub app_data: *mut c_void,
    pub open: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, *mut c_void, c_int, *mut c_int) -> c_int>,
    pub delete: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int) -> c_int>,
    pub access: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int, *mut c_int) -> c_int>,
    pub full_pathname: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int, *mut c_char) -> c_int>,
    pub dl_open: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char) -> *mut c_void>,
    pub dl_error: Option<unsafe extern "C" fn(*mut sqlite3_vfs, c_int, *mut c_char)>,
    pub dl_sym: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut c_void, *const c_char) -> *mut c_void>,
    pub dl_close: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut c_void)>,
    pub randomness: Option<unsafe extern "C" fn(*mut sqlite3_vfs, c_int, *mut c_char) -> c_int>,
    pub sleep: Option<unsafe extern "C" fn(*mut sqlite3_vfs, c_int) -> c_int>,
    pub current_time: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut f64) -> c_int>,
    pub get_last_error: Option<unsafe extern "C" fn(*mut sqlite3_vfs, c_int, *mut c_char) -> c_int>,
    pub current_time_int64: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut i64) -> c_int>,
    pub set_system_call: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, *mut c_void) -> c_int>,
    pub get_system_call: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char) -> *mut c_void>,
    pub next_system_call: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char) -> *const c_char>,
}

/// The registered ones, the default first.
struct List(Vec<*mut sqlite3_vfs>);

// SAFETY: the objects live until they are taken out, by the interface's contract, and the list has a lock.
unsafe impl Send for List {}

static REGISTERED: Mutex<Option<List>> = Mutex::new(None);

fn with_list<T>(work: impl FnOnce(&mut Vec<*mut sqlite3_vfs>) -> T) -> T {
    let mut list = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    work(&mut list.get_or_insert_with(|| List(own())).0)
}

/// Joins the objects in the order of the list.
fn link(list: &[*mut sqlite3_vfs]) {
    for (i, &vfs) in list.iter().enumerate() {
        // SAFETY: registered objects are live.
        unsafe { (*vfs).next = list.get(i + 1).copied().unwrap_or(null_mut()) }
    }
}

/// Our own, under the names that SQLite's have on these systems. All of them are the engine's input and output.
fn own() -> Vec<*mut sqlite3_vfs> {
    let list: Vec<_> = [c"unix", c"unix-none", c"unix-dotfile", c"unix-excl", c"memdb"]
        .iter()
        .map(|name| {
            Box::into_raw(Box::new(sqlite3_vfs {
                version: 3,
                file_size: 128,
                max_pathname: 4096,
                next: null_mut(),
                name: name.as_ptr(),
                app_data: null_mut(),
                open: Some(own_open),
                delete: Some(own_delete),
                access: Some(own_access),
                full_pathname: Some(own_full_pathname),
                dl_open: Some(own_dl_open),
                dl_error: Some(own_dl_error),
                dl_sym: Some(own_dl_sym),
                dl_close: Some(own_dl_close),
                randomness: Some(own_randomness),
                sleep: Some(own_sleep),
                current_time: Some(own_current_time),
                get_last_error: Some(own_last_error),
                current_time_int64: Some(own_current_time_int64),
                set_system_call: Some(own_set_system_call),
                get_system_call: Some(own_get_system_call),
                next_system_call: Some(own_next_system_call),
            }))
        })
        .collect();
    link(&list);
    list
}

const OWN_NAMES: [&[u8]; 5] = [b"unix", b"unix-none", b"unix-dotfile", b"unix-excl", b"memdb"];

/// Fails where a database is to be opened through a VFS that does not exist or is not ours.
pub fn require(name: Option<&[u8]>) -> Result<()> {
    let found = find(name);
    let Some(name) = name.or(default_name()) else { return Ok(()) };
    let shown = String::from_utf8_lossy(name);
    if found.is_null() {
        return Err(Error::sql(format!("no such vfs: {shown}")));
    }
    if OWN_NAMES.contains(&name) {
        Ok(())
    } else {
        Err(Error::sql(format!("VFS {shown} of the application cannot be used yet")))
    }
}

fn default_name() -> Option<&'static [u8]> {
    // SAFETY: registered objects and their names are live.
    with_list(|list| list.first().and_then(|&vfs| unsafe { Text::new((*vfs).name) }.bytes()))
}

fn find(name: Option<&[u8]>) -> *mut sqlite3_vfs {
    with_list(|list| {
        // SAFETY: registered objects and their names are live.
        let called = |vfs: &&mut sqlite3_vfs, name: &[u8]| Text::new(vfs.name).bytes() == Some(name);
        let found = match name {
            None => list.first().copied(),
            // SAFETY: as above.
            Some(name) => list.iter().copied().find(|&vfs| called(&unsafe { &mut *vfs }, name)),
        };
        found.unwrap_or(null_mut())
    })
}

entry! {
    /// A VFS by name; the default without one.
    fn sqlite3_vfs_find(name: Text) -> *mut sqlite3_vfs | null_mut(); { find(name.bytes()) }

    /// Adds a VFS.
    fn sqlite3_vfs_register(vfs: *mut sqlite3_vfs, make_default: i32) -> c_int | MISUSE; {
        if vfs.is_null() {
            return MISUSE;
        }
        with_list(|list| {
            list.retain(|&known| known != vfs);
            let at = if make_default != 0 || list.is_empty() { 0 } else { 1 };
            list.insert(at, vfs);
            link(list);
        });
        OK
    }

    /// Takes a VFS out.
    fn sqlite3_vfs_unregister(vfs: *mut sqlite3_vfs) -> c_int | MISUSE; {
        with_list(|list| {
            list.retain(|&known| known != vfs);
            link(list);
        });
        OK
    }
}

unsafe extern "C" fn own_open(
    _: *mut sqlite3_vfs,
    _: *const c_char,
    file: *mut c_void,
    _: c_int,
    _: *mut c_int,
) -> c_int {
    if !file.is_null() {
        // SAFETY: the interface's contract: room for a file object, whose first field is its methods: none.
        unsafe { file.cast::<*const c_void>().write(std::ptr::null()) }
    }
    CANTOPEN
}

fn path_of<'a>(path: *const c_char) -> Option<&'a std::path::Path> {
    use std::os::unix::ffi::OsStrExt;
    Text::new(path).bytes().map(|bytes| std::path::Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

unsafe extern "C" fn own_delete(_: *mut sqlite3_vfs, path: *const c_char, _: c_int) -> c_int {
    /// `SQLITE_IOERR_DELETE` and `SQLITE_IOERR_DELETE_NOENT`
    const FAILED: [c_int; 2] = [10 | 10 << 8, 10 | 23 << 8];
    match path_of(path).map(std::fs::remove_file) {
        Some(Ok(())) => OK,
        Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => FAILED[1],
        _ => FAILED[0],
    }
}

unsafe extern "C" fn own_access(_: *mut sqlite3_vfs, path: *const c_char, flags: c_int, answer: *mut c_int) -> c_int {
    let found = path_of(path).and_then(|path| std::fs::metadata(path).ok());
    let can = match flags {
        0 => found.is_some_and(|facts| !facts.is_file() || facts.len() > 0),
        _ => found.is_some_and(|facts| !facts.permissions().readonly()),
    };
    crate::boundary::Out::new(answer).set(can.into());
    OK
}

unsafe extern "C" fn own_full_pathname(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    use std::os::unix::ffi::OsStrExt;
    let Some(Ok(path)) = path_of(path).map(std::path::absolute) else { return CANTOPEN };
    let bytes = path.as_os_str().as_bytes();
    if usize::try_from(size).is_ok_and(|size| bytes.len() < size) {
        // SAFETY: the buffer has `size` bytes.
        unsafe {
            out.cast::<u8>().copy_from(bytes.as_ptr(), bytes.len());
            out.add(bytes.len()).write(0);
        }
        OK
    } else {
        CANTOPEN
    }
}

unsafe extern "C" fn own_dl_open(_: *mut sqlite3_vfs, path: *const c_char) -> *mut c_void {
    // SAFETY: a C string, by the interface's contract.
    unsafe { libc::dlopen(path, libc::RTLD_NOW | libc::RTLD_GLOBAL) }
}

unsafe extern "C" fn own_dl_error(_: *mut sqlite3_vfs, size: c_int, out: *mut c_char) {
    // SAFETY: `dlerror` answers NULL or a C string; the buffer has `size` bytes.
    unsafe {
        let text = Text::new(libc::dlerror()).bytes().unwrap_or_default();
        if let Some(room) = usize::try_from(size).ok().and_then(|size| size.checked_sub(1)) {
            let length = text.len().min(room);
            out.cast::<u8>().copy_from(text.as_ptr(), length);
            out.add(length).write(0);
        }
    }
}

unsafe extern "C" fn own_dl_sym(_: *mut sqlite3_vfs, library: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: what `own_dl_open` answered, and a C string.
    unsafe { libc::dlsym(library, name) }
}

unsafe extern "C" fn own_dl_close(_: *mut sqlite3_vfs, library: *mut c_void) {
    // SAFETY: what `own_dl_open` answered.
    unsafe { libc::dlclose(library) };
}

unsafe extern "C" fn own_randomness(_: *mut sqlite3_vfs, size: c_int, out: *mut c_char) -> c_int {
    // SAFETY: a buffer of that size.
    unsafe { crate::connection::sqlite3_randomness(size, out.cast()) };
    size
}

unsafe extern "C" fn own_sleep(_: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    std::thread::sleep(std::time::Duration::from_micros(u64::try_from(microseconds).unwrap_or(0)));
    microseconds
}

/// Milliseconds since noon of November 24, 4714 BC.
fn julian_ms() -> i64 {
    use turso_functions::Environment;
    turso_functions::DefaultEnvironment.now_julian_ms()
}

unsafe extern "C" fn own_current_time(_: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    crate::boundary::Out::new(out).set(julian_ms() as f64 / 86_400_000.0);
    OK
}

unsafe extern "C" fn own_current_time_int64(_: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    crate::boundary::Out::new(out).set(julian_ms());
    OK
}

unsafe extern "C" fn own_last_error(_: *mut sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

unsafe extern "C" fn own_set_system_call(_: *mut sqlite3_vfs, _: *const c_char, _: *mut c_void) -> c_int {
    NOTFOUND
}

unsafe extern "C" fn own_get_system_call(_: *mut sqlite3_vfs, _: *const c_char) -> *mut c_void {
    null_mut()
}

unsafe extern "C" fn own_next_system_call(_: *mut sqlite3_vfs, _: *const c_char) -> *const c_char {
    std::ptr::null()
}
