//! Page cache methods of the application: kept and told, never called, since the engine's cache is its own.

use std::ffi::c_void;
use std::sync::Mutex;

/// The table of the interface: version, argument and eleven functions.
type Table = [usize; 13];

static METHODS: Mutex<Table> = Mutex::new([0; 13]);

/// Keeps a copy of the table.
pub fn set(table: *const c_void) {
    if !table.is_null() {
        // SAFETY: the interface's contract: the caller passes a whole table.
        *METHODS.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            unsafe { table.cast::<Table>().read_unaligned() };
    }
}

/// Writes the table.
pub fn get(table: *mut c_void) {
    if !table.is_null() {
        let methods = *METHODS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // SAFETY: the interface's contract: the caller passes room for a whole table.
        unsafe { table.cast::<Table>().write_unaligned(methods) }
    }
}
