//! Comparing two records of a sorter by its key, columns side by side.
//!
//! Records of one sorter look alike: short headers, the same types in the same places. Those are compared without readers;
//! whatever is different (a long serial type, a number against a text, a collation) is left to `turso_value`.

use std::cmp::Ordering;

use turso_error::Result;
use turso_value::KeyInfo;
use turso_value::key::compare_records;

/// The order of two records by the columns of the key.
#[inline]
pub(super) fn compare(a: &[u8], b: &[u8], key: &KeyInfo) -> Result<Ordering> {
    match compare_alike(a, b, key) {
        Some(order) => Ok(order),
        None => compare_records(a, b, key, key.columns.len()),
    }
}

/// What a serial type of one byte stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Integer,
    Text,
    Blob,
    Other,
}

/// Body bytes and kind of the serial types of one byte.
const SHAPES: [(u8, Kind); 128] = {
    let mut shapes = [(0, Kind::Other); 128];
    let small = [0, 1, 2, 3, 4, 6, 8];
    let mut i = 0;
    while i < 128 {
        shapes[i] = match i {
            0 => (0, Kind::Null),
            1..=6 => (small[i], Kind::Integer),
            8 | 9 => (0, Kind::Integer),
            7 | 10 | 11 => (0, Kind::Other),
            _ if i % 2 == 1 => (((i - 13) / 2) as u8, Kind::Text),
            _ => (((i - 12) / 2) as u8, Kind::Blob),
        };
        i += 1;
    }
    shapes
};

/// The integer of `len` bytes at an offset that has been checked.
#[inline(always)]
fn integer(serial: u8, record: &[u8], at: usize, len: usize) -> i64 {
    if len == 0 {
        return i64::from(serial == 9);
    }
    // Eight bytes that end with the value: it is often the last of its record, seldom among the first.
    let (end, unused) = (at + len, 64 - 8 * len as u32);
    match end.checked_sub(8).and_then(|from| record.get(from..end)).and_then(|bytes| bytes.first_chunk::<8>()) {
        Some(wide) => (i64::from_be_bytes(*wide) << unused) >> unused,
        None => {
            let body = record.get(at..end).unwrap_or(&[]);
            let first = body.first().map_or(0, |&byte| i64::from(byte as i8));
            body.iter().skip(1).fold(first, |value, &byte| value << 8 | i64::from(byte))
        }
    }
}

/// As [`compare`], where both records have the same kinds of values in short headers; `None` elsewhere.
#[inline]
fn compare_alike(a: &[u8], b: &[u8], key: &KeyInfo) -> Option<Ordering> {
    let (&end_a, &end_b) = (a.first()?, b.first()?);
    if end_a >= 0x80 || end_b >= 0x80 {
        return None;
    }
    let (mut at_a, mut at_b) = (usize::from(end_a), usize::from(end_b));
    let (headers_a, headers_b) = (a.get(1..at_a)?, b.get(1..at_b)?);
    for (i, column) in key.columns.iter().enumerate() {
        let (&serial_a, &serial_b) = (headers_a.get(i)?, headers_b.get(i)?);
        if serial_a >= 0x80 || serial_b >= 0x80 {
            return None;
        }
        let ((len_a, kind_a), (len_b, kind_b)) = (SHAPES[usize::from(serial_a)], SHAPES[usize::from(serial_b)]);
        if kind_a != kind_b {
            return None;
        }
        let (len_a, len_b) = (usize::from(len_a), usize::from(len_b));
        let (body_a, body_b) = (a.get(at_a..at_a + len_a)?, b.get(at_b..at_b + len_b)?);
        let order = match kind_a {
            Kind::Null => Ordering::Equal,
            Kind::Integer => integer(serial_a, a, at_a, len_a).cmp(&integer(serial_b, b, at_b, len_b)),
            // Stored text of a database orders as its bytes do, in any encoding.
            Kind::Text if column.collation.is_binary() => body_a.cmp(body_b),
            Kind::Blob => body_a.cmp(body_b),
            _ => return None,
        };
        if order != Ordering::Equal {
            // Values of one kind: NULL against something else, where NULLS LAST matters, is none of these.
            return Some(if column.descending { order.reverse() } else { order });
        }
        at_a += len_a;
        at_b += len_b;
    }
    Some(Ordering::Equal)
}
