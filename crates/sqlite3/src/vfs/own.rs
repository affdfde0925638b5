//! Our own VFS as the application sees it: the engine's system calls behind the methods of the interface.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::{Arc, LazyLock};

use turso_core::Result;
use turso_core::io::{File, Io, LockLevel, OpenFlags, ShmLockKind, ShmRegion, SyncKind, system_calls};

use super::methods::*;
use crate::boundary::{Out, Text, bytes_at, catch};
use crate::codes::{CANTOPEN, NOTFOUND, OK};
use crate::memory;

/// The objects that SQLite has on these systems, in its order: name, version, longest name of a file. All of them are the
/// engine's input and output.
const OBJECTS: [(&std::ffi::CStr, c_int, c_int); 5] =
    [(c"unix", 3, 512), (c"memdb", 2, 1024), (c"unix-excl", 3, 512), (c"unix-dotfile", 3, 512), (c"unix-none", 3, 512)];

fn io() -> &'static Arc<dyn Io> {
    static IO: LazyLock<Arc<dyn Io>> = LazyLock::new(turso_core::io::default_io);
    &IO
}

fn code_of<T>(outcome: Result<T>) -> c_int {
    outcome.map_or_else(|error| error.code().0, |_| OK)
}

/// It does what ours do: one of them, or a copy of one in which nothing has been replaced.
pub fn is_own(vfs: *mut sqlite3_vfs) -> bool {
    // SAFETY: registered objects are live.
    let (vfs, own) = (unsafe { &*vfs }, methods(c"", 0, 0));
    macro_rules! same {
        ($($method:ident)*) => {
            $(vfs.$method.map(|method| method as usize) == own.$method.map(|method| method as usize))&&*
        };
    }
    same!(open delete access full_pathname dl_open dl_sym dl_close randomness sleep current_time current_time_int64)
}

/// Bytes that whoever opens a file sets aside for its object: as many as SQLite asks for, which is enough.
const FILE_SIZE: c_int = 120;
const _: () = assert!(size_of::<OwnFile>() <= FILE_SIZE as usize);

/// The objects, made once.
pub fn objects() -> Vec<*mut sqlite3_vfs> {
    let object = |&(name, version, max_pathname): &(&'static std::ffi::CStr, c_int, c_int)| {
        Box::into_raw(Box::new(methods(name, version, max_pathname)))
    };
    OBJECTS.iter().map(object).collect()
}

fn methods(name: &'static std::ffi::CStr, version: c_int, max_pathname: c_int) -> sqlite3_vfs {
    sqlite3_vfs {
        version,
        file_size: FILE_SIZE,
        max_pathname,
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
    }
}

/// A file as [`own_open`] leaves it in the caller's memory.
#[repr(C)]
pub struct OwnFile {
    base: sqlite3_file,
    state: *mut State,
}

impl OwnFile {
    /// An object over an open file of the engine.
    pub fn new(file: Arc<dyn File>) -> Self {
        let state = Box::into_raw(Box::new(State { file, regions: Vec::new(), chunk: 0 }));
        Self { base: sqlite3_file { methods: &METHODS }, state }
    }

    /// What stands for the file of a database that has none: it has no methods.
    pub fn none() -> Self {
        Self { base: sqlite3_file { methods: std::ptr::null() }, state: null_mut() }
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if !self.state.is_null() {
            // SAFETY: made by `Box::into_raw`, and freed by `close` at most where that set it to NULL.
            drop(unsafe { Box::from_raw(self.state) });
        }
    }
}

struct State {
    file: Arc<dyn File>,
    /// The regions handed out, which stay mapped until they are given up.
    regions: Vec<Option<ShmRegion>>,
    /// `SQLITE_FCNTL_CHUNK_SIZE`; 0: the file grows as it is written.
    chunk: u64,
}

/// The methods of all our file objects.
pub fn own_methods() -> *const sqlite3_io_methods {
    &METHODS
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    version: 3,
    close: Some(close),
    read: Some(read),
    write: Some(write),
    truncate: Some(truncate),
    sync: Some(sync),
    size: Some(size),
    lock: Some(lock),
    unlock: Some(unlock),
    check_reserved: Some(check_reserved),
    control: Some(control),
    sector_size: Some(sector_size),
    characteristics: Some(characteristics),
    shm_map: Some(shm_map),
    shm_lock: Some(shm_lock),
    shm_barrier: Some(shm_barrier),
    shm_unmap: Some(shm_unmap),
    fetch: Some(fetch),
    unfetch: Some(unfetch),
};

unsafe extern "C" fn own_open(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    got: *mut c_int,
) -> c_int {
    catch(CANTOPEN, || {
        let wanted = OpenFlags {
            read_only: flags & OPEN_READONLY != 0,
            create: flags & OPEN_CREATE != 0,
            exclusive: flags & OPEN_EXCLUSIVE != 0,
            delete_on_close: flags & OPEN_DELETEONCLOSE != 0,
            read_only_shm: flags & OPEN_URI != 0
                && crate::filename::parameter(path, Text::new(c"readonly_shm".as_ptr()))
                    .and_then(|value| crate::filename::truth(Text::new(value).bytes()?))
                    .unwrap_or(false),
        };
        let opened = match path_of(path) {
            Some(file) => {
                if flags & OPEN_URI != 0
                    && wanted.create
                    && let Some(model) = crate::filename::parameter(path, Text::new(c"modeof".as_ptr()))
                    && let Some(model) = path_of(model)
                {
                    io().create_like(file, model);
                }
                io().open(file, wanted)
            }
            None => io().temp_path().and_then(|path| io().open(&path, OpenFlags { delete_on_close: true, ..wanted })),
        };
        let file = file.cast::<OwnFile>();
        match opened {
            Ok(opened) => {
                let read_only = opened.is_read_only();
                let flags = if read_only { flags & !OPEN_READWRITE | OPEN_READONLY } else { flags };
                Out::new(got).set(flags);
                // SAFETY: the interface's contract: room for a file object of the size we told.
                unsafe { file.write(OwnFile::new(opened)) }
                OK
            }
            Err(error) => {
                // SAFETY: as above. Without methods there is nothing to close.
                unsafe { file.write(OwnFile { base: sqlite3_file { methods: null() }, state: null_mut() }) }
                error.code().0
            }
        }
    })
}

/// Something done with an open file; a panic or a closed file is an error.
fn with(file: *mut sqlite3_file, work: impl FnOnce(&mut State) -> Result<()>) -> c_int {
    catch(IOERR, || {
        // SAFETY: the interface's contract: an open file of ours, used by one thread at a time.
        match unsafe { (*file.cast::<OwnFile>()).state.as_mut() } {
            Some(state) => code_of(work(state)),
            None => IOERR,
        }
    })
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let file = file.cast::<OwnFile>();
    catch(OK, || {
        // SAFETY: an open file of ours, which nobody uses any more.
        unsafe {
            if !(*file).state.is_null() {
                drop(Box::from_raw((*file).state));
            }
            (*file).state = null_mut();
            (*file).base.methods = null();
        }
        OK
    })
}

unsafe extern "C" fn read(file: *mut sqlite3_file, buffer: *mut c_void, length: c_int, offset: i64) -> c_int {
    let mut short = false;
    let code = with(file, |state| {
        // SAFETY: the interface's contract: a buffer of that size.
        let buffer =
            unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), usize::try_from(length).unwrap_or(0)) };
        let count = state.file.read_at(buffer, u64::try_from(offset).unwrap_or(0))?;
        if let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
            short = true;
            rest.fill(0);
        }
        Ok(())
    });
    if code == OK && short { IOERR_SHORT_READ } else { code }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, buffer: *const c_void, length: c_int, offset: i64) -> c_int {
    with(file, |state| {
        let bytes = bytes_at(buffer, usize::try_from(length).unwrap_or(0));
        state.file.write_at(bytes, u64::try_from(offset).unwrap_or(0))
    })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    with(file, |state| state.file.truncate(u64::try_from(size).unwrap_or(0)))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let kind = if flags & 0x0f == SYNC_FULL { SyncKind::Full } else { SyncKind::Data };
    with(file, |state| state.file.sync(kind))
}

unsafe extern "C" fn size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    with(file, |state| {
        Out::new(out).set(state.file.size()? as i64);
        Ok(())
    })
}

fn level(number: c_int) -> LockLevel {
    match number {
        ..=0 => LockLevel::None,
        1 => LockLevel::Shared,
        2 => LockLevel::Reserved,
        3 => LockLevel::Pending,
        _ => LockLevel::Exclusive,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, wanted: c_int) -> c_int {
    with(file, |state| {
        let wanted = level(wanted);
        if wanted <= state.file.lock_level() { Ok(()) } else { state.file.lock(wanted) }
    })
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, wanted: c_int) -> c_int {
    with(file, |state| {
        let wanted = level(wanted);
        if wanted >= state.file.lock_level() { Ok(()) } else { state.file.unlock(wanted) }
    })
}

unsafe extern "C" fn check_reserved(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    with(file, |state| {
        let held = state.file.lock_level() >= LockLevel::Reserved || state.file.check_reserved()?;
        Out::new(out).set(held.into());
        Ok(())
    })
}

unsafe extern "C" fn control(file: *mut sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    let mut known = OK;
    let code = with(file, |state| {
        match op {
            // The lock that is held.
            1 => Out::new(argument.cast::<c_int>()).set(state.file.lock_level() as c_int),
            // The file is going to be this large: it grows at once where it grows in chunks, whose size comes next.
            5 => {
                let wanted = u64::try_from(Out::new(argument.cast::<i64>()).get().unwrap_or(0)).unwrap_or(0);
                if let Some(grown) = wanted.checked_next_multiple_of(state.chunk).filter(|_| state.chunk > 0)
                    && state.file.size()? < grown
                {
                    state.file.truncate(grown)?;
                }
            }
            6 => {
                state.chunk = u64::try_from(Out::new(argument.cast::<c_int>()).get().unwrap_or(0)).unwrap_or(0);
            }
            // The last error number is told with the error. Whether the log stays, and whether sectors are written whole: not followed.
            4 => Out::new(argument.cast::<c_int>()).set(0),
            10 | 13 => {}
            // The VFS's name and the name of a new temporary file, to be freed; how much of the file is mapped.
            12 => Out::new(argument.cast()).set(memory::copy_of(b"unix")),
            16 => {
                let path = turso_core::io::default_io().temp_path().unwrap_or_default();
                Out::new(argument.cast()).set(memory::copy_of(path.to_string_lossy().as_bytes()));
            }
            18 => Out::new(argument.cast::<i64>()).set(0),
            // Whether the file lies elsewhere now.
            20 => Out::new(argument.cast::<c_int>()).set(0),
            _ => known = NOTFOUND,
        }
        Ok(())
    });
    if code == OK { known } else { code }
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    let mut size = 4096;
    with(file, |state| {
        size = state.file.sector_size() as c_int;
        Ok(())
    });
    size
}

/// A power loss during a write damages nothing but what was to be written.
const POWERSAFE_OVERWRITE: c_int = 0x1000;

unsafe extern "C" fn characteristics(_: *mut sqlite3_file) -> c_int {
    POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    _size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    Out::new(out).set(null_mut());
    let mut writable = true;
    let code = with(file, |state| {
        let index = usize::try_from(region).unwrap_or(0);
        if state.regions.len() <= index {
            state.regions.resize_with(index + 1, || None);
        }
        let Some(slot) = state.regions.get_mut(index) else { return Ok(()) };
        if slot.is_none() {
            *slot = state.file.shm_map(index as u32, extend != 0)?;
        }
        if let Some(region) = slot {
            writable = region.is_writable();
            Out::new(out).set(region.words().as_ptr().cast_mut().cast());
        }
        Ok(())
    });
    if code == OK && !writable { crate::codes::READONLY } else { code }
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    with(file, |state| {
        let (first, count) = (first as u32, count as u32);
        if flags & SHM_UNLOCK != 0 {
            return state.file.shm_unlock(first, count);
        }
        let kind = if flags & SHM_EXCLUSIVE != 0 { ShmLockKind::Exclusive } else { ShmLockKind::Shared };
        state.file.shm_lock(first, count, kind)
    })
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    with(file, |state| {
        state.file.shm_barrier();
        Ok(())
    });
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    with(file, |state| {
        state.regions.clear();
        state.file.shm_unmap(delete != 0)
    })
}

unsafe extern "C" fn fetch(_: *mut sqlite3_file, _: i64, _: c_int, out: *mut *mut c_void) -> c_int {
    Out::new(out).set(null_mut());
    OK
}

unsafe extern "C" fn unfetch(_: *mut sqlite3_file, _: i64, _: *mut c_void) -> c_int {
    OK
}

fn path_of<'a>(path: *const c_char) -> Option<&'a std::path::Path> {
    use std::os::unix::ffi::OsStrExt;
    Text::new(path).bytes().map(|bytes| std::path::Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

unsafe extern "C" fn own_delete(_: *mut sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    catch(IOERR_DELETE, || match path_of(path) {
        Some(path) => code_of(io().delete(path, sync != 0)),
        None => IOERR_DELETE,
    })
}

unsafe extern "C" fn own_access(_: *mut sqlite3_vfs, path: *const c_char, flags: c_int, answer: *mut c_int) -> c_int {
    const READ_AND_WRITE: c_int = 6;
    let can = path_of(path).is_some_and(|path| match flags {
        0 => system_calls::has_content(path),
        _ => system_calls::may_access(path, READ_AND_WRITE),
    });
    Out::new(answer).set(can.into());
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
    crate::randomness::of_system(unsafe {
        std::slice::from_raw_parts_mut(out.cast(), usize::try_from(size).unwrap_or(0))
    });
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
    Out::new(out).set(julian_ms() as f64 / 86_400_000.0);
    OK
}

unsafe extern "C" fn own_current_time_int64(_: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    Out::new(out).set(julian_ms());
    OK
}

unsafe extern "C" fn own_last_error(_: *mut sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Puts a function in a system call's place; NULL puts the system's back, without a name everywhere.
unsafe extern "C" fn own_set_system_call(_: *mut sqlite3_vfs, name: *const c_char, function: *mut c_void) -> c_int {
    match Text::new(name).bytes() {
        None => {
            system_calls::reset();
            OK
        }
        // SAFETY: the interface's contract: NULL or a function with this call's signature.
        Some(name) if unsafe { system_calls::set(name, function as usize) } => OK,
        Some(_) => NOTFOUND,
    }
}

unsafe extern "C" fn own_get_system_call(_: *mut sqlite3_vfs, name: *const c_char) -> *mut c_void {
    Text::new(name).bytes().and_then(system_calls::get).unwrap_or(0) as *mut c_void
}

/// The name after this one, or the first.
unsafe extern "C" fn own_next_system_call(_: *mut sqlite3_vfs, name: *const c_char) -> *const c_char {
    /// C strings of all names, made once.
    static NAMES: LazyLock<Vec<CString>> = LazyLock::new(|| {
        let names = std::iter::successors(system_calls::next(None), |name| system_calls::next(Some(name.as_bytes())));
        names.map(|name| crate::error::c_string(name.as_bytes())).collect()
    });
    let next = system_calls::next(Text::new(name).bytes());
    let found = next.and_then(|next| NAMES.iter().find(|known| known.as_bytes() == next.as_bytes()));
    found.map_or(null(), |name| name.as_ptr())
}
