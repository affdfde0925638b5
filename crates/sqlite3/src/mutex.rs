//! Mutexes: those of the interface, and the recursive one of each connection.
//!
//! Our own are POSIX mutexes that know their owner; the application may install others (`SQLITE_CONFIG_MUTEX`).

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use crate::boundary::entry;
use crate::codes::{BUSY, OK};

/// `SQLITE_MUTEX_FAST`
const FAST: c_int = 0;
/// `SQLITE_MUTEX_RECURSIVE`
pub const RECURSIVE: c_int = 1;
/// Mutexes numbered from 2 to here exist once.
const LAST_STATIC: c_int = 13;

/// Methods of the application's mutexes.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are those of the interface")]
pub struct MutexMethods {
    pub init: Option<unsafe extern "C" fn() -> c_int>,
    pub end: Option<unsafe extern "C" fn() -> c_int>,
    pub alloc: Option<unsafe extern "C" fn(c_int) -> *mut sqlite3_mutex>,
    pub free: Option<unsafe extern "C" fn(*mut sqlite3_mutex)>,
    pub enter: Option<unsafe extern "C" fn(*mut sqlite3_mutex)>,
    pub try_enter: Option<unsafe extern "C" fn(*mut sqlite3_mutex) -> c_int>,
    pub leave: Option<unsafe extern "C" fn(*mut sqlite3_mutex)>,
    pub held: Option<unsafe extern "C" fn(*mut sqlite3_mutex) -> c_int>,
    pub not_held: Option<unsafe extern "C" fn(*mut sqlite3_mutex) -> c_int>,
}

/// A mutex as programs see it: opaque. Ours are [`Own`].
#[allow(non_camel_case_types, reason = "the name of the interface")]
#[repr(C)]
pub struct sqlite3_mutex {
    _opaque: [u8; 0],
}

struct Own {
    raw: UnsafeCell<libc::pthread_mutex_t>,
    owner: AtomicUsize,
    depth: AtomicU32,
    is_static: bool,
}

// SAFETY: a POSIX mutex is made to be used from several threads; it does not move, since it lives in a box.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

impl Own {
    fn new(kind: c_int) -> Box<Self> {
        let own = Box::new(Self {
            raw: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
            owner: AtomicUsize::new(0),
            depth: AtomicU32::new(0),
            is_static: kind > RECURSIVE,
        });
        if kind == RECURSIVE {
            let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
            // SAFETY: the attributes are initialized before use and destroyed after; nobody else has the mutex yet.
            unsafe {
                libc::pthread_mutexattr_init(attributes.as_mut_ptr());
                libc::pthread_mutexattr_settype(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_RECURSIVE);
                libc::pthread_mutex_init(own.raw.get(), attributes.as_ptr());
                libc::pthread_mutexattr_destroy(attributes.as_mut_ptr());
            }
        }
        own
    }

    fn entered(&self) {
        self.owner.store(this_thread(), Ordering::Relaxed);
        self.depth.fetch_add(1, Ordering::Relaxed);
    }

    fn leaving(&self) {
        if self.depth.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.owner.store(0, Ordering::Relaxed);
        }
    }

    fn held(&self) -> bool {
        self.owner.load(Ordering::Relaxed) == this_thread()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        unsafe {
            libc::pthread_mutex_destroy(self.raw.get());
        }
    }
}

/// A number that differs between threads and is never 0: the address of a thread's own variable.
pub fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}

#[allow(clippy::vec_box, reason = "a POSIX mutex does not move")]
static STATIC: LazyLock<Vec<Box<Own>>> = LazyLock::new(|| (2..=LAST_STATIC).map(Own::new).collect());

/// The application's methods; NULL: our own. Never freed once installed.
static METHODS: AtomicPtr<MutexMethods> = AtomicPtr::new(null_mut());

fn installed() -> Option<&'static MutexMethods> {
    let methods = METHODS.load(Ordering::Acquire);
    // SAFETY: what was installed lives for ever.
    (!methods.is_null()).then(|| unsafe { &*methods })
}

/// Install the application's mutexes (`SQLITE_CONFIG_MUTEX`); our own table puts ours back.
pub fn install(methods: &MutexMethods) {
    let ours = methods.alloc.is_none_or(|f| f as usize == own_alloc as *const () as usize);
    let installed = if ours { null_mut() } else { Box::into_raw(Box::new(*methods)) };
    METHODS.store(installed, Ordering::Release);
}

/// Tells the mutexes that the library gets ready.
pub fn start() -> c_int {
    // SAFETY: a function of the table, by the contract of `SQLITE_CONFIG_MUTEX`.
    methods().init.map_or(OK, |init| unsafe { init() })
}

/// Tells the mutexes that the library goes to rest.
pub fn end() {
    if let Some(end) = methods().end {
        // SAFETY: as above.
        unsafe { end() };
    }
}

/// The methods in force (`SQLITE_CONFIG_GETMUTEX`).
pub fn methods() -> MutexMethods {
    installed().copied().unwrap_or(MutexMethods {
        init: Some(own_ok),
        end: Some(own_ok),
        alloc: Some(own_alloc),
        free: Some(own_free),
        enter: Some(own_enter),
        try_enter: Some(own_try),
        leave: Some(own_leave),
        held: Some(own_held),
        not_held: Some(own_not_held),
    })
}

/// What stands for every mutex where nothing is locked (`SQLITE_CONFIG_SINGLETHREAD`). Programs know SQLite's by this address.
const NO_MUTEX: *mut sqlite3_mutex = std::ptr::without_provenance_mut(8);

unsafe extern "C" fn own_ok() -> c_int {
    OK
}

unsafe extern "C" fn own_alloc(kind: c_int) -> *mut sqlite3_mutex {
    match kind {
        FAST | RECURSIVE => Box::into_raw(Own::new(kind)).cast(),
        2..=LAST_STATIC => {
            STATIC.get(kind as usize - 2).map_or(null_mut(), |own| std::ptr::from_ref(&**own).cast_mut().cast())
        }
        _ => null_mut(),
    }
}

/// # Safety
/// The pointer is NULL or a mutex of [`own_alloc`] that has not been freed.
unsafe fn own<'a>(mutex: *mut sqlite3_mutex) -> Option<&'a Own> {
    if mutex == NO_MUTEX {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { mutex.cast::<Own>().as_ref() }
}

unsafe extern "C" fn own_free(mutex: *mut sqlite3_mutex) {
    // SAFETY: the caller passes a mutex of `own_alloc`, the last time.
    unsafe {
        if own(mutex).is_some_and(|own| !own.is_static) {
            drop(Box::from_raw(mutex.cast::<Own>()));
        }
    }
}

unsafe extern "C" fn own_enter(mutex: *mut sqlite3_mutex) {
    // SAFETY: the caller passes a live mutex.
    unsafe {
        if let Some(own) = own(mutex) {
            libc::pthread_mutex_lock(own.raw.get());
            own.entered();
        }
    }
}

unsafe extern "C" fn own_try(mutex: *mut sqlite3_mutex) -> c_int {
    // SAFETY: the caller passes a live mutex.
    unsafe {
        match own(mutex) {
            Some(own) if libc::pthread_mutex_trylock(own.raw.get()) == 0 => {
                own.entered();
                OK
            }
            Some(_) => BUSY,
            None => OK,
        }
    }
}

unsafe extern "C" fn own_leave(mutex: *mut sqlite3_mutex) {
    // SAFETY: the caller passes a live mutex that it holds.
    unsafe {
        if let Some(own) = own(mutex) {
            own.leaving();
            libc::pthread_mutex_unlock(own.raw.get());
        }
    }
}

unsafe extern "C" fn own_held(mutex: *mut sqlite3_mutex) -> c_int {
    // SAFETY: the caller passes a live mutex or NULL, which counts as held.
    unsafe { own(mutex).is_none_or(Own::held).into() }
}

unsafe extern "C" fn own_not_held(mutex: *mut sqlite3_mutex) -> c_int {
    // SAFETY: the caller passes a live mutex or NULL, which counts as not held.
    unsafe { own(mutex).is_none_or(|own| !own.held()).into() }
}

/// A new mutex; NULL for a kind that there is not.
pub fn allocate(kind: c_int) -> *mut sqlite3_mutex {
    // SAFETY: whole tables of methods are installed, by the contract of `SQLITE_CONFIG_MUTEX`.
    unsafe { methods().alloc.map_or(null_mut(), |alloc| alloc(kind)) }
}

/// Enters; NULL is no mutex.
#[inline]
pub fn enter(mutex: *mut sqlite3_mutex) {
    if mutex.is_null() {
        return;
    }
    // SAFETY: a live mutex of the methods in force, by the caller.
    unsafe {
        match installed() {
            None => own_enter(mutex),
            Some(methods) => methods.enter.into_iter().for_each(|enter| enter(mutex)),
        }
    }
}

/// Leaves; NULL is no mutex.
#[inline]
pub fn leave(mutex: *mut sqlite3_mutex) {
    if mutex.is_null() {
        return;
    }
    // SAFETY: as for `enter`.
    unsafe {
        match installed() {
            None => own_leave(mutex),
            Some(methods) => methods.leave.into_iter().for_each(|leave| leave(mutex)),
        }
    }
}

/// Frees a mutex of [`allocate`].
pub fn free(mutex: *mut sqlite3_mutex) {
    if let (false, Some(free)) = (mutex.is_null(), methods().free) {
        // SAFETY: as for `enter`, and nobody uses it any more.
        unsafe { free(mutex) }
    }
}

entry! {
    /// A new mutex, or one of the static ones.
    fn sqlite3_mutex_alloc(kind: i32) -> *mut sqlite3_mutex | null_mut(); {
        if crate::config::is_single_thread() && installed().is_none() { NO_MUTEX } else { allocate(kind) }
    }

    /// Frees a mutex that is not static.
    fn sqlite3_mutex_free(mutex: *mut sqlite3_mutex) | (); { free(mutex) }

    /// Enters, waiting for it.
    fn sqlite3_mutex_enter(mutex: *mut sqlite3_mutex) | (); { enter(mutex) }

    /// Enters without waiting: OK or BUSY.
    fn sqlite3_mutex_try(mutex: *mut sqlite3_mutex) -> c_int | BUSY; {
        match methods().try_enter.filter(|_| !mutex.is_null()) {
            // SAFETY: the caller passes a live mutex.
            Some(try_enter) => unsafe { try_enter(mutex) },
            None => OK,
        }
    }

    /// Leaves.
    fn sqlite3_mutex_leave(mutex: *mut sqlite3_mutex) | (); { leave(mutex) }

    /// This thread is in it.
    fn sqlite3_mutex_held(mutex: *mut sqlite3_mutex) -> c_int | 1; {
        match methods().held.filter(|_| !mutex.is_null()) {
            // SAFETY: the caller passes a live mutex.
            Some(held) => unsafe { held(mutex) },
            None => 1,
        }
    }

    /// This thread is not in it.
    fn sqlite3_mutex_notheld(mutex: *mut sqlite3_mutex) -> c_int | 1; {
        match methods().not_held.filter(|_| !mutex.is_null()) {
            // SAFETY: the caller passes a live mutex.
            Some(not_held) => unsafe { not_held(mutex) },
            None => 1,
        }
    }

    /// Obsolete, does nothing.
    fn sqlite3_thread_cleanup() | (); {}
}
