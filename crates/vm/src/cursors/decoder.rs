//! Decoding columns of one record, left to right.
//!
//! The decoder remembers one place: a column, where its serial type stands in the header and where its value stands in the
//! body. Columns asked for in ascending order are each found from the one before; a column further left starts over. That
//! is cheaper than a list of all columns, which would have to be kept for every row.
//!
//! ```text
//!   header_len | t0 | t1 | t2 | ...   v0 | v1 | v2 | ...
//!                     ^ header_at          ^ body_at        (column 1)
//! ```
//! Whoever comes to the end of the header knows where the values end, and they must end where the record does; before that, as
//! in SQLite, nobody looks.

use turso_error::{Error, Result};
use turso_value::record::assign_stored;
use turso_value::{SerialType, TextEncoding, Value, varint};

/// See the module's header. All zero: no record yet.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Decoder {
    column: u32,
    header_at: u32,
    /// 0: the header has not been opened.
    header_end: u32,
    body_at: u32,
}

/// In the place of where the values begin: there is not even a header.
const NO_HEADER: u32 = u32::MAX;

/// Body bytes of the serial types that take one byte of the header.
pub(crate) const LEN: [u8; 128] = {
    let mut len = [0; 128];
    let small = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];
    let mut i = 0;
    while i < 128 {
        len[i] = if i < 12 { small[i] } else { ((i - 12) / 2) as u8 };
        i += 1;
    }
    len
};

#[cold]
#[track_caller]
fn malformed(what: &'static str) -> Error {
    Error::malformed_record(what)
}

#[cold]
#[track_caller]
fn other_size() -> Error {
    malformed("values do not end where the record ends")
}

impl Decoder {
    /// Forget the record.
    #[inline(always)]
    pub fn reset(&mut self) {
        self.header_end = 0;
    }

    /// Reads a column into `dest`, in its buffer where it has one; false when the record has no such column (`dest` is
    /// untouched). `record` is the whole record.
    #[inline(always)]
    pub fn read(&mut self, record: &[u8], column: usize, encoding: TextEncoding, dest: &mut Value) -> Result<bool> {
        let Some((serial, at)) = self.locate(record, record.len(), column)? else {
            return Ok(false);
        };
        match serial {
            1..=6 => {
                let end = at + usize::from(LEN[serial as usize]);
                // The eight bytes that begin with the value, or those that end with it, and shifts serve every width.
                let unused = 64 - 8 * u32::from(LEN[serial as usize]);
                let wide = |from: usize| record.get(from..)?.first_chunk().map(|bytes| i64::from_be_bytes(*bytes));
                if let Some(word) = wide(at) {
                    dest.set_integer(word >> unused);
                } else if let Some(word) = end.checked_sub(8).filter(|_| end <= record.len()).and_then(wide) {
                    dest.set_integer((word << unused) >> unused);
                } else {
                    dest.set_integer(short_integer(record, at, end)?);
                }
            }
            7 => match record.get(at..at + 8).and_then(|bytes| bytes.first_chunk()) {
                Some(bits) => dest.set_real(f64::from_be_bytes(*bits)),
                None => return Err(malformed("value past the end of the record")),
            },
            0 => dest.set_null(),
            8 => dest.set_integer(0),
            9 => dest.set_integer(1),
            13.. if serial & 1 == 1 && encoding == TextEncoding::Utf8 => {
                let Some(text) = record.get(at..at + ((serial - 13) / 2) as usize) else {
                    return Err(malformed("value past the end of the record"));
                };
                dest.set_text(text);
            }
            _ => return read_any(record, serial, at, encoding, dest),
        }
        Ok(true)
    }

    /// Serial type and offset of a column; `None` when the record has no such column. `record` may be cut off behind its
    /// header; it has `size` bytes.
    #[inline(always)]
    pub fn locate(&mut self, record: &[u8], size: usize, column: usize) -> Result<Option<(u64, usize)>> {
        let mut from = *self;
        if from.header_end == 0 || (column as u32) < from.column {
            match record.first() {
                Some(&len) if len < 0x80 && len > 0 => {
                    from = Self { column: 0, header_at: 1, header_end: u32::from(len), body_at: u32::from(len) };
                }
                _ => from = Self::open_slowly(record)?,
            }
        }
        let Some(header) = record.get(..from.header_end as usize) else {
            return Err(malformed("record header past the end of the record"));
        };
        let mut left = column as u32 - from.column;
        let (mut at, mut body) = (from.header_at as usize, from.body_at as usize);
        let serial = loop {
            let Some(&serial) = header.get(at) else {
                return if body == size || from.body_at == NO_HEADER { Ok(None) } else { Err(other_size()) };
            };
            if serial >= 0x80 {
                let (header_at, body_at) = (at as u32, body as u32);
                *self = Self { column: column as u32 - left, header_at, header_end: from.header_end, body_at };
                return self.locate_slowly(header, size, column);
            }
            if left == 0 {
                break serial;
            }
            left -= 1;
            at += 1;
            body += usize::from(LEN[usize::from(serial)]);
        };
        if at + 1 == header.len() && body + usize::from(LEN[usize::from(serial)]) != size {
            return Err(other_size());
        }
        let (header_at, body_at) = (at as u32, body as u32);
        *self = Self { column: column as u32, header_at, header_end: from.header_end, body_at };
        Ok(Some((u64::from(serial), body)))
    }

    #[inline(never)]
    fn open_slowly(record: &[u8]) -> Result<Self> {
        match varint::read(record) {
            // A header that ends before it begins is, as SQLite reads it, one without fields, behind which nobody looks.
            Some((len, used)) if len < used as u64 => {
                Ok(Self { column: 0, header_at: used as u32, header_end: used as u32, body_at: NO_HEADER })
            }
            // A record that long is none: no payload is.
            Some((len, used)) if len <= i32::MAX as u64 => {
                Ok(Self { column: 0, header_at: used as u32, header_end: len as u32, body_at: len as u32 })
            }
            // An empty record, as SQLite reads it, has no columns.
            None if record.is_empty() => Ok(Self::default()),
            _ => Err(malformed("record header past the end of the record")),
        }
    }

    /// From the decoder's place on, with serial types of any length.
    #[inline(never)]
    fn locate_slowly(&mut self, header: &[u8], size: usize, column: usize) -> Result<Option<(u64, usize)>> {
        loop {
            let rest = header.get(self.header_at as usize..).unwrap_or(&[]);
            if rest.is_empty() {
                return if self.body_at as usize == size { Ok(None) } else { Err(other_size()) };
            }
            let Some((serial, used)) = varint::read(rest) else {
                return Err(malformed("serial type past the end of the record header"));
            };
            let body = u64::from(self.body_at).saturating_add(SerialType(serial).len());
            // (The end of a value that is not the last is checked where it is read.)
            if self.column as usize == column {
                let is_last = used == rest.len();
                return if is_last && body != size as u64 {
                    Err(other_size())
                } else {
                    Ok(Some((serial, self.body_at as usize)))
                };
            }
            if body > i32::MAX as u64 {
                return Err(malformed("value past the end of the record"));
            }
            self.column += 1;
            self.header_at += used as u32;
            self.body_at = body as u32;
        }
    }
}

/// An integer of a record that has no eight bytes from it on, nor up to its end.
#[inline(never)]
fn short_integer(record: &[u8], at: usize, end: usize) -> Result<i64> {
    let Some((&first, rest)) = record.get(at..end).and_then(|body| body.split_first()) else {
        return Err(malformed("value past the end of the record"));
    };
    Ok(rest.iter().fold(i64::from(first as i8), |value, &byte| value << 8 | i64::from(byte)))
}

/// What the fast path leaves: reals, blobs, converted text, the last bytes of a record.
#[inline(never)]
fn read_any(record: &[u8], serial: u64, at: usize, encoding: TextEncoding, dest: &mut Value) -> Result<bool> {
    let serial = SerialType(serial);
    let end = (at as u64).saturating_add(serial.len());
    let Some(body) = usize::try_from(end).ok().and_then(|end| record.get(at..end)) else {
        return Err(malformed("value past the end of the record"));
    };
    assign_stored(dest, serial.read(body)?, encoding);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use turso_value::encode_record;

    #[test]
    fn columns_are_found_in_any_order() {
        let values: Vec<Value> = vec![
            Value::Integer(-1),
            Value::Null,
            Value::text("x".repeat(100)),
            Value::Integer(0),
            Value::Integer(1),
            Value::Real(2.5),
            Value::Integer(-300),
            Value::Integer(70_000),
            Value::Integer(-(1 << 30)),
            Value::Integer(1 << 40),
            Value::Integer(i64::MIN),
            Value::blob(*b"blob"),
            Value::text(""),
            Value::Integer(5),
        ];
        for encoding in [TextEncoding::Utf8, TextEncoding::Utf16Le] {
            let mut record = Vec::new();
            encode_record(&values, encoding, &mut record);
            let mut decoder = Decoder::default();
            let mut value = Value::Null;
            for i in 0..values.len() {
                for j in [i, i, 0, values.len() - 1, i] {
                    assert!(decoder.read(&record, j, encoding, &mut value).unwrap());
                    assert_eq!(value, values[j], "column {j} after {i}");
                }
                assert!(!decoder.read(&record, values.len() + i, encoding, &mut value).unwrap());
            }
        }
    }

    #[test]
    fn wide_records_with_long_headers() {
        let values: Vec<Value> = (0..500).map(|i| Value::text("y".repeat(i))).collect();
        let mut record = Vec::new();
        encode_record(&values, TextEncoding::Utf8, &mut record);
        let mut decoder = Decoder::default();
        let mut value = Value::Null;
        for i in [499, 0, 57, 58, 56, 250, 250, 499] {
            assert!(decoder.read(&record, i, TextEncoding::Utf8, &mut value).unwrap());
            assert_eq!(value, values[i]);
        }
    }

    #[test]
    fn damage_is_an_error_or_a_missing_column_and_no_panic() {
        let mut value = Value::Null;
        for record in [
            &[][..],
            &[0],
            &[1],
            &[5, 1],
            &[0x80],
            &[2, 10],
            &[2, 11],
            &[2, 6, 1],
            &[2, 0x81],
            &[3, 0xff, 0xff],
            &[10, 255, 255, 255, 255, 255, 255, 255, 255, 255],
            &[2, 0x41, 1],
        ] {
            for column in [0, 1, 5] {
                let mut decoder = Decoder::default();
                let _ = decoder.read(record, column, TextEncoding::Utf8, &mut value);
                let _ = decoder.read(record, 0, TextEncoding::Utf8, &mut value);
            }
        }
        assert!(Decoder::default().read(&[2, 6, 1], 0, TextEncoding::Utf8, &mut value).is_err());
        // Values that end before the record does, or behind it: noticed with the last column, and behind it.
        for record in [&[3, 1, 1, 5, 6, 7][..], &[3, 1, 2, 5, 6], &[4, 1, 0x80, 1, 5, 6, 7]] {
            let mut decoder = Decoder::default();
            assert!(decoder.read(record, 0, TextEncoding::Utf8, &mut value).unwrap());
            assert_eq!(value, Value::Integer(5));
            assert!(decoder.read(record, 1, TextEncoding::Utf8, &mut value).is_err());
            assert!(decoder.read(record, 2, TextEncoding::Utf8, &mut value).is_err());
        }
        // What no file should have is NULL.
        assert!(Decoder::default().read(&[2, 10], 0, TextEncoding::Utf8, &mut value).unwrap());
        assert_eq!(value, Value::Null);
        assert!(!Decoder::default().read(&[], 0, TextEncoding::Utf8, &mut value).unwrap());
    }
}
