//! The functions with variable arguments: trampolines to `shim/variadic.c`, and what it hands back.
//!
//! ```text
//! program -> sqlite3_mprintf (here: a jump) -> turso_v_mprintf (C: starts the list) -> turso_mprintf (`printf.rs`)
//!                                                   ^ turso_next_int, ... <- `Arguments::int`, ...
//! ```

use std::ffi::{c_char, c_int, c_long, c_void};

/// A `va_list` under way; lives in the C function's frame.
#[repr(C)]
pub struct RawArguments {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn turso_next_int(arguments: *mut RawArguments) -> c_int;
    fn turso_next_long(arguments: *mut RawArguments) -> c_long;
    fn turso_next_int64(arguments: *mut RawArguments) -> i64;
    fn turso_next_double(arguments: *mut RawArguments) -> f64;
    fn turso_next_pointer(arguments: *mut RawArguments) -> *mut c_void;
}

/// The arguments of one call, read in order. Whoever asks for a type that the caller did not pass gets garbage, as in C.
pub struct Arguments(*mut RawArguments);

impl Arguments {
    /// # Safety
    /// The pointer comes from the shim and its call has not returned.
    pub unsafe fn new(raw: *mut RawArguments) -> Self {
        Self(raw)
    }

    /// The next argument, an `int`.
    pub fn int(&mut self) -> c_int {
        // SAFETY: the list lives, by the promise of `new`.
        unsafe { turso_next_int(self.0) }
    }

    /// The next argument, a `long`.
    pub fn long(&mut self) -> c_long {
        // SAFETY: as above.
        unsafe { turso_next_long(self.0) }
    }

    /// The next argument, a 64-bit integer.
    pub fn int64(&mut self) -> i64 {
        // SAFETY: as above.
        unsafe { turso_next_int64(self.0) }
    }

    /// The next argument, a `double`.
    pub fn double(&mut self) -> f64 {
        // SAFETY: as above.
        unsafe { turso_next_double(self.0) }
    }

    /// The next argument, a pointer.
    pub fn pointer<T>(&mut self) -> *mut T {
        // SAFETY: as above.
        unsafe { turso_next_pointer(self.0) }.cast()
    }

    /// The next argument, a C string that may be NULL.
    pub fn string(&mut self) -> *mut c_char {
        self.pointer()
    }
}

/// An exported name that jumps to a function of the shim with all arguments where they are.
macro_rules! trampolines {
    ($($(#[$doc:meta])* $name:ident => $target:ident;)*) => {$(
        unsafe extern "C" { fn $target(); }

        $(#[$doc])*
        #[unsafe(naked)]
        #[allow(clippy::missing_safety_doc, reason = "the contract of each function is that of the interface")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
            core::arch::naked_asm!("jmp {}", sym $target);
            #[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
            core::arch::naked_asm!("b {}", sym $target);
            #[cfg(target_arch = "riscv64")]
            core::arch::naked_asm!("tail {}", sym $target);
        }
    )*};
}

trampolines! {
    /// Formatted text in memory of `sqlite3_malloc`.
    sqlite3_mprintf => turso_v_mprintf;
    /// The same from a list.
    sqlite3_vmprintf => turso_v_vmprintf;
    /// Formatted text in a buffer.
    sqlite3_snprintf => turso_v_snprintf;
    /// The same from a list.
    sqlite3_vsnprintf => turso_v_vsnprintf;
    /// Formatted text at the end of a string under construction.
    sqlite3_str_appendf => turso_v_str_appendf;
    /// The same from a list.
    sqlite3_str_vappendf => turso_v_str_vappendf;
    /// A line for the error log.
    sqlite3_log => turso_v_log;
    /// Settings of the library.
    sqlite3_config => turso_v_config;
    /// Settings of a connection.
    sqlite3_db_config => turso_v_db_config;
    /// Settings of a virtual table, from within its constructor.
    sqlite3_vtab_config => turso_v_vtab_config;
    /// Controls for tests.
    sqlite3_test_control => turso_v_test_control;
}
