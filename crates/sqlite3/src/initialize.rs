//! The library gets ready and goes to rest: methods that the application has put in place are told so, each once.
//!
//! The order is SQLite's: mutexes, memory, page cache, and backwards at the end. Where one of them cannot, those before it stay
//! started, and the next attempt goes on with it.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::codes::OK;
use crate::mutex::{self, this_thread};
use crate::{memory, pcache};

/// What has methods that are told, in the order of starting.
const PARTS: [(fn() -> c_int, fn()); 3] =
    [(mutex::start, mutex::end), (memory::start, memory::end), (pcache::start, pcache::end)];

static READY: AtomicBool = AtomicBool::new(false);
/// How many of the parts have been started.
static STARTED: AtomicU8 = AtomicU8::new(0);
static TURN: Mutex<()> = Mutex::new(());
/// The thread that starts them: their methods may use the library.
static STARTING: AtomicUsize = AtomicUsize::new(0);

/// The library is in use: settings are fixed until it goes to rest.
pub fn is_ready() -> bool {
    READY.load(Ordering::Acquire)
}

/// Gets ready. Every opening does so.
pub fn initialize() -> c_int {
    if is_ready() || STARTING.load(Ordering::Relaxed) == this_thread() {
        return OK;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    STARTING.store(this_thread(), Ordering::Relaxed);
    let code = start();
    STARTING.store(0, Ordering::Relaxed);
    READY.store(code == OK, Ordering::Release);
    code
}

fn start() -> c_int {
    for (start, _) in PARTS.iter().skip(STARTED.load(Ordering::Relaxed).into()) {
        let code = start();
        if code != OK {
            return code;
        }
        STARTED.fetch_add(1, Ordering::Relaxed);
    }
    OK
}

/// Goes to rest: settings may be made again.
pub fn shut_down() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    READY.store(false, Ordering::Release);
    let started = STARTED.swap(0, Ordering::Relaxed);
    PARTS.iter().take(started.into()).rev().for_each(|(_, end)| end());
}
