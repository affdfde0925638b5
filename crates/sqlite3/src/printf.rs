//! Formatted text for C: `sqlite3_mprintf` and its kin, and strings under construction (`sqlite3_str`).
//!
//! The conversions are those of the SQL function `printf()`; what C adds is read here: sizes of integers, `%c` from a number,
//! `%z`, which frees its argument, and `%n`, which takes one and does nothing.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use turso_value::Value;

use crate::boundary::{Text, catch, entry};
use crate::codes::{NOMEM, OK, TOOBIG};
use crate::handle::{Bare, Db};
use crate::memory;
use crate::variadic::{Arguments, RawArguments};

/// A text is never longer.
const MAX_TEXT: usize = 1_000_000_000;

/// How wide an integer argument is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Int,
    Long,
    LongLong,
}

/// Formats. `None` when the text gets too long.
fn format(template: &[u8], arguments: &mut Arguments) -> Option<Vec<u8>> {
    let mut sql_format = Vec::with_capacity(template.len());
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(&byte) = template.get(at) {
        sql_format.push(byte);
        at += 1;
        if byte != b'%' {
            continue;
        }
        while let Some(&flag) = template.get(at) {
            match flag {
                b'*' => values.push(Value::Integer(i64::from(arguments.int()))),
                b'-' | b'+' | b' ' | b'#' | b'!' | b'0'..=b'9' | b',' | b'.' => {}
                _ => break,
            }
            sql_format.push(flag);
            at += 1;
        }
        let mut size = Size::Int;
        while template.get(at) == Some(&b'l') {
            size = if size == Size::Int { Size::Long } else { Size::LongLong };
            at += 1;
        }
        let Some(&kind) = template.get(at) else { break };
        at += 1;
        let plain = plain_type(kind);
        sql_format.push(plain);
        match kind {
            b'd' | b'i' | b'r' => values.push(Value::Integer(match size {
                Size::Int => i64::from(arguments.int()),
                Size::Long => arguments.long(),
                Size::LongLong => arguments.int64(),
            })),
            b'u' | b'x' | b'X' | b'o' => values.push(Value::Integer(match size {
                Size::Int => i64::from(arguments.int() as u32),
                Size::Long => arguments.long(),
                Size::LongLong => arguments.int64(),
            })),
            b'p' => values.push(Value::Integer(arguments.pointer::<c_void>() as i64)),
            b'e' | b'E' | b'f' | b'g' | b'G' => values.push(real(arguments.double())),
            b'c' => {
                let mut text = Vec::new();
                turso_value::encoding::write_char(arguments.int() as u32, &mut text);
                values.push(Value::Text(text));
            }
            b's' | b'q' | b'Q' | b'w' => values.push(text_of(arguments.string())),
            b'z' => {
                let text = arguments.string();
                values.push(text_of(text));
                memory::free(text.cast());
            }
            b'n' | b'T' | b'S' => {
                arguments.pointer::<c_void>();
                sql_format.truncate(sql_format.len() - 1);
                sql_format.extend_from_slice(b"s");
                values.push(Value::Null);
            }
            b'%' => {}
            // An unknown conversion ends the text.
            _ => break,
        }
    }
    let mut out = Vec::new();
    turso_functions::printf::write_format(&sql_format, &values, MAX_TEXT, &mut out).ok().map(|()| out)
}

/// The conversion of the SQL function that does what C's does.
fn plain_type(kind: u8) -> u8 {
    match kind {
        b'z' => b's',
        other => other,
    }
}

/// NaN is a value of C, but none of SQL, where it prints as NULL.
fn real(number: f64) -> Value {
    if number.is_nan() { Value::Null } else { Value::Real(number) }
}

fn text_of(text: *const c_char) -> Value {
    Text::new(text).bytes().map_or(Value::Null, Value::text)
}

/// The shim's `sqlite3_mprintf` and `sqlite3_vmprintf`.
///
/// # Safety
/// As these functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_mprintf(template: *const c_char, arguments: *mut RawArguments) -> *mut c_char {
    catch(null_mut(), || {
        let Some(template) = Text::new(template).bytes() else { return null_mut() };
        // SAFETY: the shim's call has not returned.
        let text = format(template, &mut unsafe { Arguments::new(arguments) });
        text.map_or(null_mut(), |text| memory::copy_of(&text))
    })
}

/// The shim's `sqlite3_snprintf` and `sqlite3_vsnprintf`.
///
/// # Safety
/// As these functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_snprintf(
    size: c_int,
    buffer: *mut c_char,
    template: *const c_char,
    arguments: *mut RawArguments,
) -> *mut c_char {
    catch(buffer, || {
        let (Some(room), false) = (usize::try_from(size).ok().and_then(|n| n.checked_sub(1)), buffer.is_null()) else {
            return buffer;
        };
        let template = Text::new(template).bytes().unwrap_or_default();
        // SAFETY: the shim's call has not returned.
        let text = format(template, &mut unsafe { Arguments::new(arguments) }).unwrap_or_default();
        let length = text.len().min(room);
        // SAFETY: the caller's buffer has `size` bytes.
        unsafe {
            buffer.cast::<u8>().copy_from(text.as_ptr(), length);
            buffer.add(length).write(0);
        }
        buffer
    })
}

/// A string under construction.
#[derive(Default)]
pub struct Builder {
    text: Vec<u8>,
    error: c_int,
    /// The text with its NUL, as last shown.
    shown: Vec<u8>,
}

impl Builder {
    fn append(&mut self, bytes: &[u8]) {
        if self.error != OK {
            return;
        }
        if self.text.len() + bytes.len() > MAX_TEXT {
            self.error = TOOBIG;
            self.text.clear();
            return;
        }
        self.text.extend_from_slice(bytes);
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The error so far.
    pub fn error(&self) -> c_int {
        self.error
    }
}

/// What C holds: changed through the pointer, by one thread at a time.
type BuilderPointer = *mut Builder;

fn with<T>(builder: BuilderPointer, absent: T, work: impl FnOnce(&mut Builder) -> T) -> T {
    // SAFETY: the interface's contract: NULL or a live object that nobody else uses now.
    unsafe { builder.as_mut() }.map_or(absent, work)
}

/// The shim's `sqlite3_str_appendf` and `sqlite3_str_vappendf`.
///
/// # Safety
/// As these functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_str_appendf(
    builder: BuilderPointer,
    template: *const c_char,
    arguments: *mut RawArguments,
) {
    catch((), || {
        let template = Text::new(template).bytes().unwrap_or_default();
        // SAFETY: the shim's call has not returned.
        let text = format(template, &mut unsafe { Arguments::new(arguments) });
        with(builder, (), |builder| match text {
            Some(text) => builder.append(&text),
            None => builder.error = TOOBIG,
        });
    });
}

/// The shim's `sqlite3_log`.
///
/// # Safety
/// As that function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_log(code: c_int, template: *const c_char, arguments: *mut RawArguments) {
    catch((), || {
        let template = Text::new(template).bytes().unwrap_or_default();
        // SAFETY: the shim's call has not returned.
        let text = format(template, &mut unsafe { Arguments::new(arguments) }).unwrap_or_default();
        crate::config::log(code, &text);
    });
}

entry! {
    /// A string under construction.
    fn sqlite3_str_new(db: Bare<Db>) -> *mut Builder | null_mut(); {
        let _ = db;
        Box::into_raw(Box::default())
    }

    /// Ends the construction: the text, to be freed.
    fn sqlite3_str_finish(builder: *mut Builder) -> *mut c_char | null_mut(); {
        if builder.is_null() {
            return null_mut();
        }
        // SAFETY: the caller gives the object back.
        let builder = unsafe { Box::from_raw(builder) };
        if builder.text.is_empty() || builder.error != OK { null_mut() } else { memory::copy_of(&builder.text) }
    }

    /// Ends the construction and drops the text.
    fn sqlite3_str_free(builder: *mut Builder) | (); {
        if !builder.is_null() {
            // SAFETY: the caller gives the object back.
            drop(unsafe { Box::from_raw(builder) });
        }
    }

    /// Adds bytes; up to the NUL for a negative length.
    fn sqlite3_str_append(builder: *mut Builder, text: *const c_char, length: i32) | (); {
        let bytes = match usize::try_from(length) {
            Ok(length) => crate::boundary::bytes_at(text.cast(), length),
            Err(_) => Text::new(text).bytes().unwrap_or_default(),
        };
        with(builder, (), |builder| builder.append(bytes));
    }

    /// Adds a text.
    fn sqlite3_str_appendall(builder: *mut Builder, text: Text) | (); {
        with(builder, (), |builder| builder.append(text.bytes().unwrap_or_default()));
    }

    /// Adds a byte several times.
    fn sqlite3_str_appendchar(builder: *mut Builder, count: i32, byte: i8) | (); {
        let count = usize::try_from(count).unwrap_or(0);
        with(builder, (), |builder| {
            if builder.text.len() + count > MAX_TEXT {
                builder.error = TOOBIG;
            } else {
                builder.append(&vec![byte as u8; count]);
            }
        });
    }

    /// Begins anew.
    fn sqlite3_str_reset(builder: *mut Builder) | (); {
        with(builder, (), |builder| *builder = Builder::default());
    }

    /// Cuts the text.
    fn sqlite3_str_truncate(builder: *mut Builder, length: i32) | (); {
        with(builder, (), |builder| {
            if let Ok(length) = usize::try_from(length) {
                builder.text.truncate(length);
            }
        });
    }

    /// What went wrong so far.
    fn sqlite3_str_errcode(builder: *mut Builder) -> c_int | NOMEM; { with(builder, NOMEM, |builder| builder.error) }

    /// Length so far.
    fn sqlite3_str_length(builder: *mut Builder) -> c_int | 0; { with(builder, 0, |builder| builder.text.len() as c_int) }

    /// The text so far, until something is added.
    fn sqlite3_str_value(builder: *mut Builder) -> *mut c_char | null_mut(); {
        with(builder, null_mut(), |builder| {
            if builder.text.is_empty() {
                return null_mut();
            }
            builder.shown.clear();
            builder.shown.extend_from_slice(&builder.text);
            builder.shown.push(0);
            builder.shown.as_mut_ptr().cast()
        })
    }
}
