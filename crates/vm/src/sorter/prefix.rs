//! The beginning of a key as a number that orders as the key does.
//!
//! ```text
//!   bits 61..=63  class: 0 NULL, 1 number, 2 text, 3 blob, 4 NULL that sorts last
//!   bits  0..=60  number: the double nearest to it, as ordered bits, cut; text and blob: the first bytes, cut
//! ```
//! All bits are inverted for a descending column. Prefixes that differ order their keys. Equal ones say nothing, unless both
//! are exact: nothing of the value has been cut.

use turso_error::Result;
use turso_value::collation::without_trailing_spaces;
use turso_value::{Collation, KeyColumn, KeyInfo, RecordReader, SerialType, TextEncoding, ValueRef};

const CLASS_SHIFT: u32 = 61;

/// Integers of so many bits survive in a double that lost its lowest bits to the class.
const EXACT_BITS: u32 = 53 - (64 - CLASS_SHIFT);

/// See the module's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Prefix {
    pub bits: u64,
    /// The prefix says all about the column.
    pub exact: bool,
}

/// The prefix of a record's key.
#[inline]
pub(super) fn of(record: &[u8], key: &KeyInfo) -> Result<Prefix> {
    let Some(column) = key.columns.first() else { return Ok(Prefix { bits: 0, exact: true }) };
    // The usual shape: header length and first serial type in a byte each.
    if let [header_len @ 2..=0x7f, serial @ 0..=0x7f, ..] = *record {
        let serial = SerialType(u64::from(serial));
        let at = usize::from(header_len);
        if let Some(body) = record.get(at..at + serial.len() as usize) {
            return Ok(of_value(serial.read(body)?, column, key.encoding));
        }
    }
    let value = RecordReader::new(record)?.next_value()?;
    Ok(of_value(value.unwrap_or_default(), column, key.encoding))
}

/// The prefix of a value as it is stored.
#[inline]
pub(super) fn of_value(value: ValueRef<'_>, column: &KeyColumn, encoding: TextEncoding) -> Prefix {
    let (ascending, exact) = match value {
        ValueRef::Null if column.nulls_big => (4 << CLASS_SHIFT, true),
        ValueRef::Null => (0, true),
        // Rounding to the nearest double keeps the order, if not the difference.
        ValueRef::Integer(i) => (with_class(1, ordered(i as f64)), i.unsigned_abs() < 1 << EXACT_BITS),
        ValueRef::Real(r) => (with_class(1, ordered(r)), false),
        ValueRef::Text(text) => (with_class(2, of_text(text, &column.collation, encoding)), false),
        ValueRef::Blob(bytes) => (with_class(3, first_bytes(bytes)), false),
    };
    Prefix { bits: if column.descending { !ascending } else { ascending }, exact }
}

#[inline]
fn with_class(class: u64, rest: u64) -> u64 {
    class << CLASS_SHIFT | rest >> (64 - CLASS_SHIFT)
}

/// A double's bits, so that they order as the doubles do.
#[inline]
fn ordered(r: f64) -> u64 {
    // The two zeros are equal.
    let bits = (r + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

#[inline]
fn first_bytes(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(padded)
        }
    }
}

#[inline]
fn of_text(text: &[u8], collation: &Collation, encoding: TextEncoding) -> u64 {
    match collation {
        // The order of UTF-16 databases is that of the stored bytes.
        Collation::Binary => first_bytes(text),
        _ if encoding != TextEncoding::Utf8 => 0,
        Collation::NoCase => {
            let mut folded = [0; 8];
            // What follows a NUL counts only by its length.
            for (to, from) in folded.iter_mut().zip(text.iter().take_while(|&&byte| byte != 0)) {
                *to = from.to_ascii_lowercase();
            }
            u64::from_be_bytes(folded)
        }
        Collation::RTrim => first_bytes(without_trailing_spaces(text)),
        Collation::Custom(_) => 0,
    }
}
