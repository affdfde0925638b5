//! The edge between C and Rust: what pointers become, and where panics end.
//!
//! An entry point is declared with [`entry!`]. Its arguments come in as C passes them ([`FromC::Raw`]), become checked
//! handles, texts and places, and the body is safe code that may not unwind into C: a panic answers the value after `|`.

use std::ffi::{CStr, c_char, c_void};

/// An argument as C passes it, and as the body of an entry point works with it.
pub trait FromC: Sized {
    /// What C passes.
    type Raw;
    /// # Safety
    /// `raw` is what the interface's documentation asks for: a live object of the type, or NULL where it may be.
    unsafe fn from_c(raw: Self::Raw) -> Self;
}

macro_rules! as_it_is {
    ($($t:ty),*) => {$(
        impl FromC for $t {
            type Raw = $t;
            // SAFETY: the caller keeps the contract of `FromC::from_c`.
            unsafe fn from_c(raw: $t) -> $t {
                raw
            }
        }
    )*};
}
as_it_is!(i32, u32, i64, u64, f64, u8, i8);

impl<T> FromC for *mut T {
    type Raw = *mut T;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: *mut T) -> Self {
        raw
    }
}

impl<T> FromC for *const T {
    type Raw = *const T;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: *const T) -> Self {
        raw
    }
}

/// Callbacks: NULL is `None`.
impl<F> FromC for Option<F> {
    type Raw = Option<F>;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: Option<F>) -> Self {
        raw
    }
}

/// A C string, or NULL.
#[derive(Clone, Copy)]
pub struct Text(*const c_char);

impl FromC for Text {
    type Raw = *const c_char;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: *const c_char) -> Self {
        Self(raw)
    }
}

impl Text {
    /// A pointer that the caller vouches for, as [`FromC::from_c`].
    pub const fn new(raw: *const c_char) -> Self {
        Self(raw)
    }

    /// The bytes before the NUL; `None` for NULL. They live as long as the entry point runs.
    pub fn bytes<'a>(self) -> Option<&'a [u8]> {
        // SAFETY: by the promise of `from_c`, not NULL means a string that ends with NUL.
        (!self.0.is_null()).then(|| unsafe { CStr::from_ptr(self.0) }.to_bytes())
    }

    /// The bytes as text; `None` for NULL.
    pub fn string(self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// With a length: negative means up to the NUL, otherwise that many bytes or fewer if a NUL comes first.
    pub fn up_to<'a>(self, length: i32) -> Option<&'a [u8]> {
        let Ok(length) = usize::try_from(length) else { return self.bytes() };
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the caller says that this many bytes, or those before a NUL, can be read; `strnlen` looks no further.
        let length = unsafe { libc::strnlen(self.0, length) };
        Some(bytes_at(self.0.cast(), length))
    }

    /// The pointer.
    pub fn as_ptr(self) -> *const c_char {
        self.0
    }
}

/// So many bytes from a pointer that C vouches for; empty for NULL.
pub fn bytes_at<'a>(pointer: *const c_void, length: usize) -> &'a [u8] {
    if pointer.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the interface's contract: the caller passes that many readable bytes.
    unsafe { std::slice::from_raw_parts(pointer.cast(), length) }
}

/// A place for a result, or NULL.
pub struct Out<T>(*mut T);

impl<T> FromC for Out<T> {
    type Raw = *mut T;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: *mut T) -> Self {
        Self(raw)
    }
}

impl<T> Out<T> {
    /// A pointer that the caller vouches for, as [`FromC::from_c`].
    pub const fn new(raw: *mut T) -> Self {
        Self(raw)
    }

    /// Write the result; nothing happens for NULL.
    pub fn set(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: by the promise of `from_c` the place can be written; what was there needs no drop (plain C data).
            unsafe { self.0.write(value) }
        }
    }

    /// True for NULL.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// What lies there; `None` for NULL.
    pub fn get(self) -> Option<T>
    where
        T: Copy,
    {
        // SAFETY: by the promise of `from_c`, and somebody has written it before.
        (!self.0.is_null()).then(|| unsafe { self.0.read() })
    }
}

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

/// Runs a body; a panic ends here.
pub fn catch<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(on_panic)
}

/// Declares entry points: `fn name(argument: Type, ...) -> Type | VALUE; { safe body }`.
macro_rules! entry {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? | $on_panic:expr; $body:block
    )*) => {$(
        $(#[$meta])*
        #[unsafe(no_mangle)]
        #[allow(clippy::missing_safety_doc, reason = "the contract of each function is that of the interface")]
        pub unsafe extern "C" fn $name($($arg: <$ty as $crate::boundary::FromC>::Raw),*) $(-> $ret)? {
            // SAFETY: the caller keeps to the interface's contract, which is what `from_c` asks for.
            $(let $arg = unsafe { <$ty as $crate::boundary::FromC>::from_c($arg) };)*
            $crate::boundary::catch($on_panic, move || $body)
        }
    )*};
}
pub(crate) use entry;
