//! `sqlite3_unlock_notify`: being told when the connection that stands in the way of a shared cache's lock is done.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::boundary::entry;
use crate::codes::{INTERNAL, LOCKED, MISUSE, OK};
use crate::handle::{Db, Handle};

type Callback = unsafe extern "C" fn(*mut *mut c_void, c_int);

/// A connection that waits for another one, both by their numbers.
struct Waiting {
    who: u64,
    blocker: u64,
    callback: Callback,
    argument: *mut c_void,
}

// SAFETY: the argument is handed back to the application from whatever thread ends the blocking transaction, as the interface says.
unsafe impl Send for Waiting {}

static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());
/// Somebody waits: what every statement looks at when it ends.
static ANY: AtomicBool = AtomicBool::new(false);

fn waiting() -> MutexGuard<'static, Vec<Waiting>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A statement of this connection has ended: where that ended its transaction, those who wait for it are told.
pub fn statement_ended(db: &Db) {
    if ANY.load(Ordering::SeqCst) && !db.connection.holds_table_locks() {
        tell(db.connection.number());
    }
}

/// This connection goes away.
pub fn connection_ended(db: &Db) {
    if ANY.load(Ordering::SeqCst) {
        let number = db.connection.number();
        waiting().retain(|waiting| waiting.who != number);
        tell(number);
    }
}

/// Calls back all that wait for a connection, those with the same callback together.
#[cold]
fn tell(number: u64) {
    let mut told: Vec<(Callback, Vec<*mut c_void>)> = Vec::new();
    {
        let mut all = waiting();
        let (done, rest) = std::mem::take(&mut *all).into_iter().partition(|waiting| waiting.blocker == number);
        *all = rest;
        ANY.store(!all.is_empty(), Ordering::SeqCst);
        let done: Vec<Waiting> = done;
        for waiting in done {
            match told.iter_mut().find(|(callback, _)| *callback as usize == waiting.callback as usize) {
                Some((_, arguments)) => arguments.push(waiting.argument),
                None => told.push((waiting.callback, vec![waiting.argument])),
            }
        }
    }
    for (callback, mut arguments) in told {
        // SAFETY: the interface's contract: a function that takes this many arguments of its registrations.
        unsafe { callback(arguments.as_mut_ptr(), arguments.len() as c_int) }
    }
}

/// `who` would wait for itself.
fn is_deadlock(all: &[Waiting], who: u64, mut blocker: u64) -> bool {
    for _ in 0..=all.len() {
        match all.iter().find(|waiting| waiting.who == blocker) {
            Some(waiting) if waiting.blocker == who => return true,
            Some(waiting) => blocker = waiting.blocker,
            None => return false,
        }
    }
    true
}

entry! {
    /// Has the application told when the connection that stood in the way of this one's last lock has ended its transaction:
    /// at once where none does. Without a callback nobody is told any more.
    fn sqlite3_unlock_notify(db: Handle<Db>, callback: Option<Callback>, argument: *mut c_void) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let who = db.connection.number();
        {
            let mut all = waiting();
            all.retain(|waiting| waiting.who != who);
            let Some(callback) = callback else {
                ANY.store(!all.is_empty(), Ordering::SeqCst);
                return db.ok();
            };
            // Before the question whether the other one still has what was wanted: from here on its end is noticed.
            ANY.store(true, Ordering::SeqCst);
            if let Some(blocker) = db.connection.blocked_by() {
                if is_deadlock(&all, who, blocker) {
                    return db.fail_with(LOCKED, "database is deadlocked");
                }
                all.push(Waiting { who, blocker, callback, argument });
                return db.ok();
            }
            ANY.store(!all.is_empty(), Ordering::SeqCst);
        }
        if let Some(callback) = callback {
            let mut arguments = [argument];
            // SAFETY: the interface's contract.
            unsafe { callback(arguments.as_mut_ptr(), 1) }
        }
        OK
    }
}
