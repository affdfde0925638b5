//! VFS objects: the register, and the bridges in both directions.
//!
//! ```text
//! engine --(io::Io)--> handed.rs --> system calls                     a database under our own VFS
//! engine --(io::Io)--> foreign.rs --> the application's VFS           a database under one of the application
//!                                        \--> own.rs --(io::Io)--> system calls     which may call ours in turn
//! ```

mod foreign;
mod handed;
mod methods;
mod own;

use std::ffi::c_int;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use turso_core::io::Io;
use turso_core::{Error, Result};

use crate::boundary::{Text, entry};
use crate::codes::{MISUSE, OK};
use crate::filename::FileName;
pub use foreign::ForeignIo;
pub use handed::{HandedIo, HandedObject};
pub use methods::{sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

/// The registered ones, the default first.
struct List(Vec<*mut sqlite3_vfs>);

// SAFETY: the objects live until they are taken out, by the interface's contract, and the list has a lock.
unsafe impl Send for List {}

/// The application has registered one.
static HAS_FOREIGN: AtomicBool = AtomicBool::new(false);

static REGISTERED: Mutex<Option<List>> = Mutex::new(None);

fn with_list<T>(work: impl FnOnce(&mut Vec<*mut sqlite3_vfs>) -> T) -> T {
    let mut list = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let list = list.get_or_insert_with(|| {
        let own = own::objects();
        link(&own);
        List(own)
    });
    work(&mut list.0)
}

/// Joins the objects in the order of the list.
fn link(list: &[*mut sqlite3_vfs]) {
    for (i, &vfs) in list.iter().enumerate() {
        // SAFETY: registered objects are live.
        unsafe { (*vfs).next = list.get(i + 1).copied().unwrap_or(null_mut()) }
    }
}

fn name_of<'a>(vfs: *mut sqlite3_vfs) -> &'a [u8] {
    // SAFETY: registered objects and their names are live.
    Text::new(unsafe { (*vfs).name }).bytes().unwrap_or_default()
}

fn find(name: Option<&[u8]>) -> *mut sqlite3_vfs {
    with_list(|list| {
        let found = match name {
            None => list.first().copied(),
            Some(name) => list.iter().copied().find(|&vfs| name_of(vfs) == name),
        };
        found.unwrap_or(null_mut())
    })
}

/// The VFS that a database is to be opened through: `None` for our own, which the engine's back end stands for.
pub fn chosen(name: Option<&[u8]>) -> Result<Option<*mut sqlite3_vfs>> {
    let vfs = find(name);
    if vfs.is_null() {
        let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        return Err(Error::sql(format!("no such vfs: {name}")));
    }
    Ok((!own::is_own(vfs)).then_some(vfs))
}

/// The engine's input and output through a VFS of the application.
pub fn io_through(vfs: *mut sqlite3_vfs, name: FileName) -> Arc<ForeignIo> {
    Arc::new(ForeignIo::new(vfs, name))
}

/// The back end of an attached database whose URI has these parameters: that of the VFS they name, else that of the main database
/// (`main`; `None` for our own). `None` where that serves as it is.
fn back_end_for_uri(
    io: &dyn Io,
    main: Option<*mut sqlite3_vfs>,
    path: &Path,
    parameters: &[(String, String)],
) -> Result<Option<Arc<dyn Io>>> {
    let named = parameters.iter().find(|(key, value)| key == "vfs" && !value.is_empty());
    let vfs = match named {
        Some((_, name)) => chosen(Some(name.as_bytes()))?,
        None => main,
    };
    match vfs {
        None if main.is_none() => Ok(None),
        None => Ok(Some(HandedIo::shared())),
        Some(_) if parameters.is_empty() => Ok(None),
        Some(vfs) => {
            let parameters: Vec<_> =
                parameters.iter().map(|(key, value)| (key.clone().into_bytes(), value.clone().into_bytes())).collect();
            let full = match main {
                Some(main) if main == vfs => io.full_path(path)?,
                _ => io_through(vfs, FileName::new(b"", &[])).full_path(path)?,
            };
            Ok(Some(io_through(vfs, FileName::new(full.as_os_str().as_bytes(), &parameters))))
        }
    }
}

/// The default VFS, where that is one of the application.
pub fn foreign_default() -> Option<*mut sqlite3_vfs> {
    // Asked for with each random number: without such a VFS it costs nothing.
    if !HAS_FOREIGN.load(Ordering::Acquire) {
        return None;
    }
    with_list(|list| list.first().copied()).filter(|&vfs| !own::is_own(vfs))
}

/// Our own VFS object.
pub fn own_default() -> *mut sqlite3_vfs {
    with_list(|list| list.iter().copied().find(|&vfs| own::is_own(vfs)).unwrap_or(null_mut()))
}

entry! {
    /// A VFS by name; the default without one.
    fn sqlite3_vfs_find(name: Text) -> *mut sqlite3_vfs | null_mut(); { find(name.bytes()) }

    /// Adds a VFS.
    fn sqlite3_vfs_register(vfs: *mut sqlite3_vfs, make_default: i32) -> c_int | MISUSE; {
        if vfs.is_null() {
            return MISUSE;
        }
        HAS_FOREIGN.store(true, Ordering::Release);
        turso_functions::set_random_source(crate::randomness::from_application);
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
