//! Loadable and automatic extensions.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::{Mutex, PoisonError};

use crate::boundary::{Out, Text, entry};
use crate::codes::{ERROR, MISUSE, OK};
use crate::config::Switches;
use crate::handle::{Db, Handle};
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

/// The entry point that a file's name suggests: `lib` and what follows a dot dropped, letters only, in lower case.
fn suggested_entry(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = if name.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("lib")) { &name[3..] } else { name };
    let letters = name.chars().take_while(|&c| c != '.').filter(char::is_ascii_alphabetic);
    format!("sqlite3_{}_init", letters.map(|c| c.to_ascii_lowercase()).collect::<String>())
}

/// Loads a library and calls its entry point.
fn load(db: &Db, file: &str, entry: Option<&str>) -> Result<c_int, String> {
    let vfs = crate::vfs::sqlite3_vfs_find;
    // SAFETY: the default VFS is live, and its functions are called as the interface says.
    unsafe {
        let vfs = vfs(null());
        let Some(open) = vfs.as_ref().and_then(|v| v.dl_open) else { return Err("no such vfs".into()) };
        let attempt = |name: &str| open(vfs, crate::error::c_string(name.as_bytes()).as_ptr());
        let mut library = attempt(file);
        if library.is_null() {
            library = attempt(&format!("{file}.so"));
        }
        if library.is_null() {
            let mut text = vec![0u8; 1024];
            attempt(file);
            if let Some(tell) = (*vfs).dl_error {
                tell(vfs, text.len() as c_int - 1, text.as_mut_ptr().cast());
            }
            let text = Text::new(text.as_ptr().cast()).string().unwrap_or_default();
            return Err(if text.is_empty() { format!("unable to open shared library [{file}]") } else { text });
        }
        let find = |name: &str| {
            (*vfs)
                .dl_sym
                .map_or(null_mut(), |find| find(vfs, library, crate::error::c_string(name.as_bytes()).as_ptr()))
        };
        let mut name = entry.unwrap_or("sqlite3_extension_init").to_owned();
        let mut found = find(&name);
        if found.is_null() && entry.is_none() {
            name = suggested_entry(file);
            found = find(&name);
        }
        if found.is_null() {
            if let Some(close) = (*vfs).dl_close {
                close(vfs, library);
            }
            return Err(format!("no entry point [{name}] in shared library [{file}]"));
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
    use super::suggested_entry;

    #[test]
    fn entry_points_after_files() {
        assert_eq!(suggested_entry("/usr/lib/libSpell-fix1.so.3"), "sqlite3_spellfix_init");
        assert_eq!(suggested_entry("csv"), "sqlite3_csv_init");
    }
}
