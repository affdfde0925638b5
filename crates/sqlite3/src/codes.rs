//! Result codes as the C functions return them, and the constants of the interface that more than one file uses.

use std::ffi::{c_int, c_void};

use turso_core::ResultCode as R;

macro_rules! codes {
    ($($name:ident)*) => {$(
        #[allow(missing_docs, reason = "the names are those of the interface")]
        pub const $name: c_int = R::$name.0;
    )*};
}
codes! { OK ERROR INTERNAL ABORT BUSY LOCKED NOMEM READONLY NOTFOUND CANTOPEN EMPTY TOOBIG CONSTRAINT MISMATCH MISUSE RANGE NOTICE ROW DONE SCHEMA }

/// Text encodings of functions, collations and texts.
pub const UTF8: c_int = 1;
/// Least significant byte first.
pub const UTF16LE: c_int = 2;
/// Most significant byte first.
pub const UTF16BE: c_int = 3;
/// In the machine's byte order.
pub const UTF16: c_int = 4;
/// In the machine's byte order, at an even address.
pub const UTF16_ALIGNED: c_int = 8;

/// A destructor given with a value; see [`is_transient`].
pub type Destructor = Option<unsafe extern "C" fn(*mut c_void)>;

/// `SQLITE_TRANSIENT`: the bytes are copied before the function returns. (`SQLITE_STATIC` is `None`.)
pub fn is_transient(destructor: Destructor) -> bool {
    destructor.is_some_and(|f| f as usize as isize == -1)
}

/// Hands a value back to whoever gave it.
pub fn destroy(destructor: Destructor, value: *mut c_void) {
    if let Some(destroy) = destructor.filter(|_| !is_transient(destructor)) {
        // SAFETY: the interface's contract: the destructor takes the pointer that came with it, once.
        unsafe { destroy(value) }
    }
}
