//! Loadable and automatic extensions, also for connections of Rust programs ([`Loader`]).

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{NonNull, null, null_mut};
use std::sync::{Mutex, PoisonError};

use turso_core::{Connection, WeakConnection};

use crate::boundary::{Out, Text, entry};
use crate::codes::{ERROR, MISUSE, OK};
use crate::config::Switches;
use crate::handle::{Db, Entered, Handle};
use crate::memory;

/// What an extension calls itself when it is loaded.
type EntryPoint = unsafe extern "C" fn(*mut Db, *mut *mut c_char, *const c_void) -> c_int;

/// As automatic extensions are registered.
type PlainEntryPoint = Option<unsafe extern "C" fn()>;

static AUTOMATIC: Mutex<Vec<unsafe extern "C" fn()>> = Mutex::new(Vec::new());

fn automatic() -> std::sync::MutexGuard<'static, Vec<unsafe extern "C" fn()>> {
    AUTOMATIC.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the automatic extensions on a new connection, until one fails.
pub fn run_automatic(db: &Db) -> c_int {
    let mut at = 0;
    loop {
        let Some(entry) = automatic().get(at).copied() else { return OK };
        at += 1;
        let mut message: *mut c_char = null_mut();
        // SAFETY: the interface's contract: what is registered as an automatic extension is such a function.
        let code = unsafe {
            let entry = std::mem::transmute::<unsafe extern "C" fn(), EntryPoint>(entry);
            entry(db.as_ptr(), &mut message, crate::routines::table())
        };
        if code != OK {
            let text = Text::new(message).string().unwrap_or_default();
            memory::free(message.cast());
            return db.fail_with(code, format!("automatic extension loading failed: {text}"));
        }
        memory::free(message.cast());
    }
}

/// The entry points that a file's name suggests: `lib` and what follows a dot dropped, in lower case; letters only, or digits too.
fn suggested_entries(file: &str) -> [String; 2] {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = if name.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("lib")) { &name[3..] } else { name };
    [char::is_ascii_alphabetic, char::is_ascii_alphanumeric].map(|belongs: fn(&char) -> bool| {
        let kept = name.chars().take_while(|&c| c != '.').filter(belongs);
        format!("sqlite3_{}_init", kept.map(|c| c.to_ascii_lowercase()).collect::<String>())
    })
}

/// Loads a library and calls its entry point.
fn load(db: &Db, file: &str, entry: Option<&str>) -> Result<c_int, String> {
    let vfs = crate::vfs::sqlite3_vfs_find;
    // SAFETY: the default VFS is live, and its functions are called as the interface says.
    unsafe {
        let vfs = vfs(null());
        let Some(open) = vfs.as_ref().and_then(|v| v.dl_open) else { return Err("no such vfs".into()) };
        if file.is_empty() {
            return Err("unable to open shared library []".into());
        }
        let attempt = |name: &str| open(vfs, crate::error::c_string(name.as_bytes()).as_ptr());
        let mut library = attempt(file);
        if library.is_null() {
            library = attempt(&format!("{file}.so"));
        }
        // What the system says about the last attempt.
        let told = || {
            let mut text = vec![0u8; 1024];
            if let Some(tell) = (*vfs).dl_error {
                tell(vfs, text.len() as c_int - 1, text.as_mut_ptr().cast());
            }
            Text::new(text.as_ptr().cast()).string().filter(|text| !text.is_empty())
        };
        if library.is_null() {
            return Err(told().unwrap_or_else(|| format!("unable to open shared library [{file}]")));
        }
        let find = |name: &str| {
            (*vfs)
                .dl_sym
                .map_or(null_mut(), |find| find(vfs, library, crate::error::c_string(name.as_bytes()).as_ptr()))
        };
        let mut name = entry.unwrap_or("sqlite3_extension_init").to_owned();
        let mut found = find(&name);
        if entry.is_none() {
            for suggested in suggested_entries(file) {
                if found.is_null() {
                    name = suggested;
                    found = find(&name);
                }
            }
        }
        if found.is_null() {
            let text = told().unwrap_or_else(|| format!("no entry point [{name}] in shared library [{file}]"));
            if let Some(close) = (*vfs).dl_close {
                close(vfs, library);
            }
            return Err(text);
        }
        let init = std::mem::transmute::<*mut c_void, EntryPoint>(found);
        let mut message: *mut c_char = null_mut();
        let code = init(db.as_ptr(), &mut message, crate::routines::table());
        let text = Text::new(message).string().unwrap_or_default();
        memory::free(message.cast());
        /// `SQLITE_OK_LOAD_PERMANENTLY`
        const PERMANENT: c_int = 1 << 8;
        match code {
            // The library stays loaded: functions of it are registered.
            OK | PERMANENT => Ok(OK),
            _ => Err(format!("error during initialization: {text}")),
        }
    }
}

/// Loads C extensions into a connection of a Rust program, as `sqlite3_load_extension` does.
pub struct Loader {
    connection: WeakConnection,
    /// The connection as extensions see it, once there is one.
    db: Mutex<Option<NonNull<Db>>>,
}

// SAFETY: the lock guards only the pointer. Loads enter the mutex of the handle; functions of extensions use it as they run, one at
// a time as the connection's statements do, and not beside a load from another thread: that is what the caller of `new` promises.
unsafe impl Send for Loader {}
// SAFETY: as above.
unsafe impl Sync for Loader {}

impl Loader {
    /// For `connection`, which this does not keep open before something is loaded. It is to be dropped after all else that
    /// keeps the connection open; what outlives it keeps what the extensions need, for good.
    ///
    /// # Safety
    /// Every library that [`Loader::load`] is asked for is one that the program may run: an extension can do whatever the process
    /// can. And no two threads use the connection and this at a time: C has mutexes against that, connections of Rust do not enter
    /// them.
    pub unsafe fn new(connection: &Connection) -> Self {
        Self { connection: connection.downgrade(), db: Mutex::new(None) }
    }

    /// Load the library `file` and call `entry`, or the entry point that the file's name suggests.
    pub fn load(&self, file: &str, entry: Option<&str>) -> Result<(), String> {
        let Some(connection) = self.connection.upgrade() else { return Err("not authorized".into()) };
        let db = *self
            .db
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| crate::open::adopt(connection));
        // SAFETY: it lives until `drop`.
        let db = unsafe { db.as_ref() };
        let _entered = Entered::new(db);
        load(db, file, entry).map(|_| ())
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        if let Some(db) = self.db.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            crate::open::disown(db);
        }
    }
}

entry! {
    /// Loads an extension, where that is allowed.
    fn sqlite3_load_extension(db: Handle<Db>, file: Text, entry: Text, message: Out<*mut c_char>) -> c_int | ERROR; {
        message.set(null_mut());
        let Some(db) = db.get() else { return MISUSE };
        let outcome = if db.switches.borrow().is_on(Switches::LOAD_EXTENSION) {
            load(db, &file.string().unwrap_or_default(), entry.string().as_deref())
        } else {
            Err("not authorized".into())
        };
        match outcome {
            Ok(_) => db.ok(),
            Err(text) => {
                message.set(memory::copy_of(text.as_bytes()));
                db.fail_with(ERROR, text)
            }
        }
    }

    /// Allows extensions to be loaded, also by SQL.
    fn sqlite3_enable_load_extension(db: Handle<Db>, on: i32) -> c_int | ERROR; {
        let Some(db) = db.get() else { return MISUSE };
        db.switches.borrow_mut().turn(Switches::LOAD_EXTENSION, on != 0);
        OK
    }

    /// Every connection that is opened from now on gets this extension.
    fn sqlite3_auto_extension(entry: PlainEntryPoint) -> c_int | ERROR; {
        let Some(entry) = entry else { return MISUSE };
        let mut all = automatic();
        if !all.iter().any(|&known| known as usize == entry as usize) {
            all.push(entry);
        }
        OK
    }

    /// Takes an automatic extension back: 1 if there was one.
    fn sqlite3_cancel_auto_extension(entry: PlainEntryPoint) -> c_int | 0; {
        let Some(entry) = entry else { return 0 };
        let mut all = automatic();
        let before = all.len();
        all.retain(|&known| known as usize != entry as usize);
        (all.len() < before).into()
    }

    /// Takes all automatic extensions back.
    fn sqlite3_reset_auto_extension() | (); { automatic().clear(); }
}

#[cfg(test)]
mod tests {
    use super::suggested_entries;

    #[test]
    fn entry_points_after_files() {
        assert_eq!(
            suggested_entries("/usr/lib/libSpell-fix1.so.3"),
            ["sqlite3_spellfix_init", "sqlite3_spellfix1_init"]
        );
        assert_eq!(suggested_entries("csv"), ["sqlite3_csv_init"; 2]);
    }
}
