//! What went wrong last on a connection, and how it is told.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::null;

use turso_core::{Error, ResultCode};

use crate::boundary::{Text, entry};
use crate::codes::{MISUSE, NOMEM, OK};
use crate::handle::{Bare, Db, Entered, Handle};
use crate::utf16;

/// The last result of a connection.
#[derive(Default)]
pub struct LastError {
    code: c_int,
    /// The text, where it is not the standard one of the code.
    message: Option<CString>,
    /// The text as UTF-16, made when asked for.
    wide: Vec<u16>,
    offset: Option<u32>,
    os_error: i32,
}

impl LastError {
    /// A success.
    pub fn clear(&mut self) {
        self.code = OK;
        self.message = None;
        self.offset = None;
    }

    /// A failure.
    pub fn set(&mut self, error: &Error) {
        self.code = error.code().0;
        let message = error.message();
        self.message = (message != ResultCode(self.code).text()).then(|| c_string(message.as_bytes()));
        (self.offset, self.os_error) = match error {
            Error::Failed(failure) => (failure.sql_offset, failure.os_error.unwrap_or(self.os_error)),
            Error::Pending => (None, self.os_error),
        };
    }

    /// A code without a text.
    pub fn set_code(&mut self, code: c_int) {
        self.clear();
        self.code = code;
    }

    /// The extended code.
    pub fn code(&self) -> c_int {
        self.code
    }

    /// The text, which lives until the next result is noted.
    pub fn message(&self) -> *const c_char {
        self.message.as_ref().map_or_else(|| standard_text(self.code), |text| text.as_ptr())
    }

    /// The text as bytes.
    pub fn text(&self) -> &[u8] {
        self.message.as_ref().map_or_else(|| ResultCode(self.code).text().as_bytes(), |text| text.as_bytes())
    }
}

/// A C string of everything before the first NUL.
pub fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    CString::new(bytes.get(..end).unwrap_or(bytes)).unwrap_or_default()
}

/// The standard text of a code, for ever.
pub fn standard_text(code: c_int) -> *const c_char {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};
    static TEXTS: Mutex<Option<HashMap<&'static str, &'static CString>>> = Mutex::new(None);
    let text = ResultCode(code).text();
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = texts.get_or_insert_with(HashMap::new);
    known.entry(text).or_insert_with(|| Box::leak(Box::new(c_string(text.as_bytes())))).as_ptr()
}

entry! {
    /// The primary code of the last result, or the extended one where these are on.
    fn sqlite3_errcode(db: Bare<Db>) -> c_int | NOMEM; {
        match db.known() {
            Some(db) => db.shown(db.error.borrow().code()),
            None if db.is_null() => NOMEM,
            None => MISUSE,
        }
    }

    /// The extended code of the last result.
    fn sqlite3_extended_errcode(db: Bare<Db>) -> c_int | NOMEM; {
        match db.known() {
            Some(db) => db.error.borrow().code(),
            None if db.is_null() => NOMEM,
            None => MISUSE,
        }
    }

    /// The text of the last result.
    fn sqlite3_errmsg(db: Bare<Db>) -> *const c_char | null(); {
        match db.known() {
            Some(db) => {
                let _entered = Entered::new(db);
                db.error.borrow().message()
            }
            None if db.is_null() => standard_text(NOMEM),
            None => standard_text(MISUSE),
        }
    }

    /// The text of the last result as UTF-16.
    fn sqlite3_errmsg16(db: Bare<Db>) -> *const c_void | null(); {
        static NO_MEMORY: std::sync::LazyLock<Vec<u16>> = std::sync::LazyLock::new(|| utf16::encode(b"out of memory"));
        match db.known() {
            Some(db) => {
                let _entered = Entered::new(db);
                let mut error = db.error.borrow_mut();
                error.wide = utf16::encode(error.text());
                error.wide.as_ptr().cast()
            }
            None => NO_MEMORY.as_ptr().cast(),
        }
    }

    /// The standard text of a code.
    fn sqlite3_errstr(code: i32) -> *const c_char | null(); { standard_text(code) }

    /// Byte offset into the text that the last failure points at; -1 for none.
    fn sqlite3_error_offset(db: Handle<Db>) -> c_int | -1; {
        let offset = db.get().and_then(|db| db.error.borrow().offset);
        offset.and_then(|offset| c_int::try_from(offset).ok()).unwrap_or(-1)
    }

    /// The operating system's error number of the last failure that had one.
    fn sqlite3_system_errno(db: Bare<Db>) -> c_int | 0; {
        db.known().map_or(0, |db| db.error.borrow().os_error)
    }

    /// Extended codes are returned from now on, or not.
    fn sqlite3_extended_result_codes(db: Handle<Db>, on: i32) -> c_int | MISUSE; {
        let Some(db) = db.get() else { return MISUSE };
        db.extended.set(on != 0);
        OK
    }

    /// Sets what the functions above answer.
    fn sqlite3_set_errmsg(db: Handle<Db>, code: i32, message: Text) -> c_int | MISUSE; {
        let Some(db) = db.get() else { return MISUSE };
        match message.string() {
            Some(message) => db.fail_with(code, message),
            None => db.fail_code(code),
        };
        OK
    }
}
