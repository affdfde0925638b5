//! UTF-16 texts of the interface, in the machine's byte order unless said otherwise.

use std::ffi::c_void;

use turso_value::TextEncoding;

use crate::codes::{UTF8, UTF16BE, UTF16LE};

/// The machine's byte order.
pub const NATIVE: TextEncoding =
    if cfg!(target_endian = "big") { TextEncoding::Utf16Be } else { TextEncoding::Utf16Le };

/// The encoding of a constant of the interface; `None` for one that is none.
pub fn encoding(code: std::ffi::c_int) -> Option<TextEncoding> {
    match code {
        UTF8 => Some(TextEncoding::Utf8),
        UTF16LE => Some(TextEncoding::Utf16Le),
        UTF16BE => Some(TextEncoding::Utf16Be),
        crate::codes::UTF16 | crate::codes::UTF16_ALIGNED => Some(NATIVE),
        _ => None,
    }
}

/// The text as units in the machine's order, with a NUL behind.
pub fn encode(text: &[u8]) -> Vec<u16> {
    let mut bytes = Vec::with_capacity(text.len() * 2);
    NATIVE.encode(text, &mut bytes);
    let mut units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect();
    units.push(0);
    units
}

/// Text from bytes in an encoding. UTF-16 with a byte order mark is in the order that the mark tells.
pub fn decode(bytes: &[u8], encoding: TextEncoding) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    match (encoding, bytes) {
        (TextEncoding::Utf8, _) => text.extend_from_slice(bytes),
        (_, [0xff, 0xfe, rest @ ..]) => TextEncoding::Utf16Le.decode(rest, &mut text),
        (_, [0xfe, 0xff, rest @ ..]) => TextEncoding::Utf16Be.decode(rest, &mut text),
        _ => encoding.decode(bytes, &mut text),
    }
    text
}

/// The bytes of a UTF-16 text: `length` of them (an even number), or up to the NUL when it is negative.
///
/// The NUL is looked for in at most `length` bytes too where `stop_at_nul` is set.
pub fn bytes<'a>(pointer: *const c_void, length: i64, stop_at_nul: bool) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    let limit = usize::try_from(length).map_or(usize::MAX, |length| length & !1);
    let mut end = 0;
    if length < 0 || stop_at_nul {
        let start = pointer.cast::<u8>();
        // SAFETY: the caller says that `length` bytes, or those up to a NUL unit, can be read.
        while end < limit && unsafe { (start.add(end).read(), start.add(end + 1).read()) } != (0, 0) {
            end += 2;
        }
    } else {
        end = limit;
    }
    Some(crate::boundary::bytes_at(pointer, end))
}
