//! Settings of the library and of connections, and what the library says about itself.

use std::ffi::{c_char, c_int, c_void};
use std::ops::RangeInclusive;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

use turso_core::Switch;
use turso_functions::{SQLITE_SOURCE_ID, SQLITE_VERSION, SQLITE_VERSION_NUMBER};

use crate::boundary::{FromC, Out, Text, catch, entry};
use crate::codes::{ERROR, INTERNAL, MISUSE, OK};
use crate::handle::{Db, Handle};
use crate::initialize;
use crate::memory::{self, MemoryMethods};
use crate::mutex::{self, MutexMethods};
use crate::variadic::{Arguments, RawArguments};

/// Threading modes by the numbers of their settings.
const SINGLE_THREAD: c_int = 1;
const SERIALIZED: c_int = 3;

static THREADING: AtomicI32 = AtomicI32::new(SERIALIZED);
static URI: AtomicBool = AtomicBool::new(true);
static SHARED_CACHE: AtomicBool = AtomicBool::new(false);
static LOG: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static LOG_ARGUMENT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

type LogCallback = unsafe extern "C" fn(*mut c_void, c_int, *const c_char);

/// `file:` names are URIs also without the flag. As in Debian's build, they are unless somebody says otherwise.
pub fn uri_enabled() -> bool {
    URI.load(Ordering::Relaxed)
}

/// `sqlite3_enable_shared_cache`.
pub fn shared_cache() -> bool {
    SHARED_CACHE.load(Ordering::Relaxed)
}

/// A connection gets a mutex of its own.
pub fn threading(no_mutex: bool, full_mutex: bool) -> bool {
    match THREADING.load(Ordering::Relaxed) {
        SINGLE_THREAD => false,
        _ if no_mutex => false,
        SERIALIZED => true,
        _ => full_mutex,
    }
}

/// Nothing is locked (`SQLITE_CONFIG_SINGLETHREAD`).
pub fn is_single_thread() -> bool {
    THREADING.load(Ordering::Relaxed) == SINGLE_THREAD
}

/// A line for the application's log, if it keeps one.
pub fn log(code: c_int, text: &[u8]) {
    let callback = LOG.load(Ordering::Acquire);
    if callback.is_null() {
        return;
    }
    let text = crate::error::c_string(text);
    // SAFETY: only `SQLITE_CONFIG_LOG` stores there, a function of this type.
    unsafe {
        let callback: LogCallback = std::mem::transmute::<*mut c_void, LogCallback>(callback);
        callback(LOG_ARGUMENT.load(Ordering::Acquire), code, text.as_ptr());
    }
}

/// # Safety
/// The pointer is NULL or leads to a `T`.
unsafe fn table<T: Copy>(pointer: *mut T) -> Option<T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.copied()
}

/// The shim's `sqlite3_config`.
///
/// # Safety
/// As that function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_config(op: c_int, arguments: *mut RawArguments) -> c_int {
    catch(MISUSE, || {
        // SAFETY: the shim's call has not returned.
        let mut arguments = unsafe { Arguments::new(arguments) };
        // Settings of the log, of the page cache's header and of memory databases may come at any time.
        if initialize::is_ready() && !matches!(op, 16 | 24) {
            return MISUSE;
        }
        match op {
            1..=3 => THREADING.store(op, Ordering::Relaxed),
            // SAFETY: the interface's contract: a table of methods.
            4 => match unsafe { table(arguments.pointer::<MemoryMethods>()) } {
                Some(methods) => memory::install(&methods),
                None => return MISUSE,
            },
            5 => Out::new(arguments.pointer::<MemoryMethods>()).set(memory::methods()),
            // SAFETY: the interface's contract: a table of methods.
            10 => match unsafe { table(arguments.pointer::<MutexMethods>()) } {
                Some(methods) => mutex::install(&methods),
                None => return MISUSE,
            },
            11 => Out::new(arguments.pointer::<MutexMethods>()).set(mutex::methods()),
            16 => {
                let callback = arguments.pointer::<c_void>();
                LOG_ARGUMENT.store(arguments.pointer(), Ordering::Release);
                LOG.store(callback, Ordering::Release);
                turso_core::set_log_sink(|code, text| log(code.0, text.as_bytes()));
            }
            17 => URI.store(arguments.int() != 0, Ordering::Relaxed),
            // The page cache is the engine's own: its methods cannot be replaced, and this table is never called.
            18 => crate::pcache::set(arguments.pointer()),
            19 => crate::pcache::get(arguments.pointer()),
            24 => Out::new(arguments.pointer::<c_int>()).set(0),
            30 => Out::new(arguments.pointer::<c_int>()).set(0),
            // Scratch and page memory, heaps, lookaside, statistics, covering scans, sizes of maps and sorters: the engine manages
            // its memory itself.
            6..=9 | 12..=15 | 20..=22 | 25..=29 => {}
            _ => return ERROR,
        }
        OK
    })
}

/// `SQLITE_DBCONFIG_ENABLE_FKEY` and `SQLITE_DBCONFIG_ENABLE_COMMENTS`.
const SWITCHES: RangeInclusive<c_int> = 1002..=1022;
/// `SQLITE_DBCONFIG_FP_DIGITS`
const FP_DIGITS: c_int = 1023;
/// Digits of a real that becomes text, until a connection wants others.
pub const DIGITS: u8 = 17;
/// Some connection has had a number of its own.
static DIGITS_MATTER: AtomicBool = AtomicBool::new(false);

/// Some connection may have another number of digits than [`DIGITS`].
pub fn digits_matter() -> bool {
    DIGITS_MATTER.load(Ordering::Relaxed)
}

/// Sets the digits, as far as the number is one that SQLite takes, and answers them.
fn digits(db: &Db, wanted: c_int) -> c_int {
    if wanted > 3 {
        DIGITS_MATTER.store(true, Ordering::Relaxed);
        db.digits.set(wanted.min(23) as u8);
        db.connection.forget_programs();
    }
    db.digits.get().into()
}

/// The switches of `sqlite3_db_config` that are not the engine's (see [`Switch`]): they are kept and answered, a bit for each.
pub struct Switches(u32);

impl Default for Switches {
    fn default() -> Self {
        let mut switches = Self(0);
        switches.turn(Self::COMMENTS, true);
        switches
    }
}

impl Switches {
    /// `SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION`
    pub const LOAD_EXTENSION: c_int = 1005;
    /// `SQLITE_DBCONFIG_ENABLE_COMMENTS`
    pub const COMMENTS: c_int = *SWITCHES.end();

    fn bit(switch: c_int) -> u32 {
        1 << (switch - SWITCHES.start())
    }

    /// Is it on?
    pub fn is_on(&self, switch: c_int) -> bool {
        self.0 & Self::bit(switch) != 0
    }

    /// Turn it.
    pub fn turn(&mut self, switch: c_int, on: bool) {
        if on { self.0 |= Self::bit(switch) } else { self.0 &= !Self::bit(switch) }
    }
}

/// Turns a switch unless a negative number only asks for it, and answers how it stands.
fn switch(db: &Db, number: c_int, wanted: c_int) -> bool {
    match Switch::from_number(number) {
        Some(switch) => {
            if wanted >= 0 {
                db.connection.turn(switch, wanted != 0);
            }
            db.connection.is_on(switch)
        }
        None => {
            let mut switches = db.switches.borrow_mut();
            if wanted >= 0 {
                switches.turn(number, wanted != 0);
            }
            switches.is_on(number)
        }
    }
}

/// The shim's `sqlite3_db_config`.
///
/// # Safety
/// As that function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_db_config(db: *mut Db, op: c_int, arguments: *mut RawArguments) -> c_int {
    catch(INTERNAL, || {
        // SAFETY: as for every entry point.
        let handle = unsafe { <Handle<Db> as crate::boundary::FromC>::from_c(db) };
        // SAFETY: the shim's call has not returned.
        let mut arguments = unsafe { Arguments::new(arguments) };
        let Some(db) = handle.get() else { return MISUSE };
        match op {
            1000 => {
                let name = Text::new(arguments.string()).string();
                db.outcome(db.connection.name_main_database(name.as_deref().unwrap_or("main")))
            }
            1001 => OK,
            _ if SWITCHES.contains(&op) || op == FP_DIGITS => {
                let (wanted, answer) = (arguments.int(), Out::new(arguments.pointer::<c_int>()));
                answer.set(if op == FP_DIGITS { digits(db, wanted) } else { switch(db, op, wanted).into() });
                OK
            }
            _ => ERROR,
        }
    })
}

/// `SQLITE_TESTCTRL_IMPOSTER`: CREATE TABLE makes imposters (`on`), no longer, or those that there are go (a page with `off`).
fn imposter(db: *mut Db, database: &Text, on: c_int, root: c_int) -> c_int {
    // SAFETY: as for every entry point.
    let handle = unsafe { <Handle<Db> as FromC>::from_c(db) };
    let (Some(db), Some(database)) = (handle.get(), database.string()) else { return MISUSE };
    let root = u32::try_from(root).ok().filter(|root| *root > 0);
    let set = db.connection.set_imposter(&database, root.filter(|_| on != 0));
    let outcome = match (on, root) {
        (0, Some(_)) => set.and_then(|()| db.connection.forget_schemas()),
        _ => set,
    };
    db.outcome(outcome)
}

/// The shim's `sqlite3_test_control`. Most of it is about SQLite's own insides and does nothing here.
///
/// # Safety
/// As that function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_test_control(op: c_int, arguments: *mut RawArguments) -> c_int {
    catch(0, || {
        // SAFETY: the shim's call has not returned.
        let mut arguments = unsafe { Arguments::new(arguments) };
        match op {
            // The byte where locks lie; it cannot be moved.
            11 => 0x4000_0000,
            12 | 13 => arguments.int(),
            // Byte order: that of the bytes 1 2 3 4, and 0 for which.
            22 => {
                if cfg!(target_endian = "little") {
                    123_410
                } else {
                    432_101
                }
            }
            23 => {
                if initialize::is_ready() {
                    0
                } else {
                    1
                }
            }
            25 => {
                let (db, database) = (arguments.pointer::<Db>(), Text::new(arguments.string()));
                imposter(db, &database, arguments.int(), arguments.int())
            }
            _ => 0,
        }
    })
}

/// The release whose interface this is.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name of the interface")]
pub static sqlite3_version: [u8; SQLITE_VERSION.len() + 1] = {
    let mut text = [0; SQLITE_VERSION.len() + 1];
    let mut i = 0;
    while i < SQLITE_VERSION.len() {
        text[i] = SQLITE_VERSION.as_bytes()[i];
        i += 1;
    }
    text
};

/// Where temporary files go, if the application says so.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name of the interface")]
pub static mut sqlite3_temp_directory: *mut c_char = null_mut();

/// Where relative names start, on Windows.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name of the interface")]
pub static mut sqlite3_data_directory: *mut c_char = null_mut();

entry! {
    /// The release as text.
    fn sqlite3_libversion() -> *const c_char | null(); { (&raw const sqlite3_version).cast() }

    /// The release as a number.
    fn sqlite3_libversion_number() -> c_int | 0; { SQLITE_VERSION_NUMBER }

    /// The release's source.
    fn sqlite3_sourceid() -> *const c_char | null(); {
        static ID: std::sync::LazyLock<std::ffi::CString> =
            std::sync::LazyLock::new(|| crate::error::c_string(SQLITE_SOURCE_ID.as_bytes()));
        ID.as_ptr()
    }

    /// Mutexes are compiled in.
    fn sqlite3_threadsafe() -> c_int | 1; { 1 }

    /// The library was built with this option.
    fn sqlite3_compileoption_used(name: Text) -> c_int | 0; {
        let Some(name) = name.bytes() else { return 0 };
        turso_functions::is_compiled_with(name).into()
    }

    /// An option by number.
    fn sqlite3_compileoption_get(index: i32) -> *const c_char | null(); {
        static TEXTS: std::sync::LazyLock<Vec<std::ffi::CString>> = std::sync::LazyLock::new(|| {
            turso_functions::COMPILE_OPTIONS.iter().map(|option| crate::error::c_string(option.as_bytes())).collect()
        });
        usize::try_from(index).ok().and_then(|index| TEXTS.get(index)).map_or(null(), |option| option.as_ptr())
    }

    /// The library gets ready; every opening does the same.
    fn sqlite3_initialize() -> c_int | OK; {
        initialize::initialize()
    }

    /// The library goes to rest: settings may be made again.
    fn sqlite3_shutdown() -> c_int | OK; {
        initialize::shut_down();
        OK
    }

    /// Nothing of the operating system needs to be got ready.
    fn sqlite3_os_init() -> c_int | OK; { OK }

    /// As `sqlite3_os_init`.
    fn sqlite3_os_end() -> c_int | OK; { OK }

    /// Memory databases that are opened from now on under a name are shared, or not.
    fn sqlite3_enable_shared_cache(on: i32) -> c_int | OK; {
        SHARED_CACHE.store(on != 0, Ordering::Relaxed);
        OK
    }

    /// Obsolete, does nothing.
    fn sqlite3_global_recover() -> c_int | OK; { OK }
}
