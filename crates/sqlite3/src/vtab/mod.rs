//! Virtual table modules of the application behind the engine's traits (`turso_vtab`).
//!
//! The protocol is the same on both sides; what is translated here are pointers, codes and who owns what. While C runs, the
//! session is lent to it, so that it can use its connection; for `xBestIndex` the engine does that.

mod cursor;
pub mod module;
pub mod objects;
mod plan;
mod table;

pub use module::{Build, Registered};
pub use objects::{sqlite3_index_info, sqlite3_module, sqlite3_vtab, sqlite3_vtab_cursor};

use std::ffi::c_int;

use turso_core::{Error, Result, ResultCode};
use turso_vtab::Session;

use crate::boundary::Text;
use crate::codes::OK;
use crate::memory;

/// Runs C code with the session lent to it.
pub fn lent<T: Default>(session: &mut dyn Session, mut call: impl FnMut() -> T) -> Result<T> {
    let mut answer = T::default();
    session.lend(&mut || answer = call())?;
    Ok(answer)
}

/// The outcome of a method: its code, with the text that the table has left.
fn outcome(table: *mut sqlite3_vtab, code: c_int) -> Result<()> {
    // SAFETY: NULL or a live table.
    let text = unsafe { table.as_mut() }.map(|table| std::mem::replace(&mut table.message, std::ptr::null_mut()));
    let text = text.unwrap_or(std::ptr::null_mut());
    let message = Text::new(text).string();
    memory::free(text.cast());
    match (code, message) {
        (OK, _) => Ok(()),
        (code, Some(message)) => Err(Error::new(ResultCode(code), message)),
        (code, None) => Err(Error::from_code(ResultCode(code))),
    }
}
