//! The record format: a header of serial types, then the values (fileformat2.html, section 2.1).
//!
//! ```text
//!  header size | serial type 0 | serial type 1 | ...    value 0 | value 1 | ...
//!  \_____________ varints, header size bytes ______/    \__ big-endian, no padding __/
//! ```
//! A record may have fewer columns than its table (columns added later): a missing column reads as `None`.
//! Malformed records (header past the end, value past the end, serial types 10 and 11) are `SQLITE_CORRUPT`, never a panic.
//! [`RecordCursor`] remembers what it has decoded of one record's header, so that a scan decodes nothing twice; its buffer
//! is reused from record to record.

use crate::{TextEncoding, Value, ValueRef, varint};
use turso_error::{Error, Result};

/// What a column holds and how many bytes it takes, as stored in a record header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SerialType(pub u64);

impl SerialType {
    /// NULL
    pub const NULL: Self = Self(0);
    /// The integer 0, without bytes
    pub const ZERO: Self = Self(8);
    /// The integer 1, without bytes
    pub const ONE: Self = Self(9);
    /// IEEE double
    pub const REAL: Self = Self(7);

    /// The serial type of a value. Text must be given in its stored encoding or as UTF-8. `constants` allows types 8
    /// and 9 (schema format 4).
    #[inline]
    pub fn of(value: ValueRef<'_>, constants: bool) -> Self {
        match value {
            ValueRef::Null => Self::NULL,
            ValueRef::Integer(i) => Self::of_integer(i, constants),
            ValueRef::Real(_) => Self::REAL,
            ValueRef::Text(t) => Self::of_text(t.len()),
            ValueRef::Blob(b) => Self::of_blob(b.len()),
        }
    }

    /// The smallest type that holds an integer.
    #[inline]
    pub fn of_integer(i: i64, constants: bool) -> Self {
        // Ones' complement maps -1..=-2^n to 0..2^n, so one set of limits serves both signs.
        let magnitude = (if i < 0 { !i } else { i }) as u64;
        Self(if magnitude <= 0x7f {
            if constants && i & 1 == i { 8 + i as u64 } else { 1 }
        } else if magnitude <= 0x7fff {
            2
        } else if magnitude <= 0x7f_ffff {
            3
        } else if magnitude <= 0x7fff_ffff {
            4
        } else if magnitude <= 0x7fff_ffff_ffff {
            5
        } else {
            6
        })
    }

    /// Text of this many stored bytes.
    #[inline]
    pub fn of_text(len: usize) -> Self {
        Self(len as u64 * 2 + 13)
    }

    /// A blob of this many bytes.
    #[inline]
    pub fn of_blob(len: usize) -> Self {
        Self(len as u64 * 2 + 12)
    }

    /// The number of bytes the value takes in the body. (Types 10 and 11, which no file should have, take none and are read as NULL.)
    #[inline]
    pub fn len(self) -> u64 {
        const SMALL: [u8; 12] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];
        if self.0 >= 12 { (self.0 - 12) / 2 } else { u64::from(SMALL[self.0 as usize]) }
    }

    /// True where the value takes no bytes.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// True for text.
    #[inline]
    pub fn is_text(self) -> bool {
        self.0 >= 13 && self.0 & 1 == 1
    }

    /// True for a blob.
    #[inline]
    pub fn is_blob(self) -> bool {
        self.0 >= 12 && self.0 & 1 == 0
    }

    /// The value in `body`, which must be exactly [`SerialType::len`] bytes. Text is in its stored encoding.
    #[inline]
    pub fn read(self, body: &[u8]) -> Result<ValueRef<'_>> {
        Ok(match self.0 {
            0 | 10 | 11 => ValueRef::Null,
            8 => ValueRef::Integer(0),
            9 => ValueRef::Integer(1),
            1..=6 => ValueRef::Integer(read_integer(body)),
            7 => {
                let Ok(bytes) = <[u8; 8]>::try_from(body) else {
                    return Err(malformed("real is not eight bytes"));
                };
                let real = f64::from_be_bytes(bytes);
                if real.is_nan() { ValueRef::Null } else { ValueRef::Real(real) }
            }
            n if n & 1 == 1 => ValueRef::Text(body),
            _ => ValueRef::Blob(body),
        })
    }
}

/// A big-endian two's complement integer of 1 to 8 bytes.
#[inline]
fn read_integer(body: &[u8]) -> i64 {
    match *body {
        [a] => i64::from(a as i8),
        [a, b] => i64::from(i16::from_be_bytes([a, b])),
        [a, b, c] => i64::from(i32::from_be_bytes([a, b, c, 0]) >> 8),
        [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
        [a, b, c, d, e, f] => i64::from_be_bytes([a, b, c, d, e, f, 0, 0]) >> 16,
        [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

#[cold]
#[track_caller]
pub(crate) fn malformed(what: &'static str) -> Error {
    Error::corrupt(0, what)
}

/// The parts of a record header: header length, and the offset of the first serial type.
#[inline]
fn header_bounds(record: &[u8]) -> Result<(usize, usize)> {
    match varint::read(record) {
        Some((header_len, used)) if header_len <= record.len() as u64 && header_len >= used as u64 => {
            Ok((header_len as usize, used))
        }
        // An empty record, as SQLite reads it, has no columns.
        None if record.is_empty() => Ok((0, 0)),
        _ => Err(malformed("record header past the end of the record")),
    }
}

/// Walks over the columns of one record, in order.
#[derive(Debug, Clone)]
pub struct RecordReader<'a> {
    record: &'a [u8],
    header_at: usize,
    header_end: usize,
    body_at: usize,
}

impl<'a> RecordReader<'a> {
    /// Starts at the first column.
    #[inline]
    pub fn new(record: &'a [u8]) -> Result<Self> {
        let (header_end, header_at) = header_bounds(record)?;
        Ok(Self { record, header_at, header_end, body_at: header_end })
    }

    /// The next column's serial type and stored bytes; `None` after the last.
    #[inline]
    pub fn next_raw(&mut self) -> Result<Option<(SerialType, &'a [u8])>> {
        if self.header_at >= self.header_end {
            return Ok(None);
        }
        let first = self.record[self.header_at];
        let serial = if first < 0x80 {
            self.header_at += 1;
            SerialType(u64::from(first))
        } else {
            let Some((code, used)) = varint::read(&self.record[self.header_at..self.header_end]) else {
                return Err(malformed("serial type past the end of the record header"));
            };
            self.header_at += used;
            SerialType(code)
        };
        let start = self.body_at;
        let end = start as u64 + serial.len();
        if end > self.record.len() as u64 {
            return Err(malformed("value past the end of the record"));
        }
        self.body_at = end as usize;
        Ok(Some((serial, &self.record[start..self.body_at])))
    }

    /// The next column; text is in its stored encoding. `None` after the last.
    #[inline]
    pub fn next_value(&mut self) -> Result<Option<ValueRef<'a>>> {
        match self.next_raw()? {
            Some((serial, body)) => serial.read(body).map(Some),
            None => Ok(None),
        }
    }

    /// Column `index`, counted from where the reader stands. `None` when the record has no such column.
    pub fn column(&self, index: usize) -> Result<Option<ValueRef<'a>>> {
        let mut reader = self.clone();
        for _ in 0..index {
            if reader.next_raw()?.is_none() {
                return Ok(None);
            }
        }
        reader.next_value()
    }

    /// Every remaining column appended to `out`, text converted from `encoding`. Slots in `out` are not reused.
    pub fn decode_all(mut self, encoding: TextEncoding, out: &mut Vec<Value>) -> Result<()> {
        while let Some(stored) = self.next_value()? {
            let mut value = Value::Null;
            assign_stored(&mut value, stored, encoding);
            out.push(value);
        }
        Ok(())
    }
}

/// Every column of a record into `slots`, reusing their buffers; the number of columns found (the rest of `slots` is
/// untouched, columns beyond `slots` are not decoded).
pub fn decode_into(record: &[u8], encoding: TextEncoding, slots: &mut [Value]) -> Result<usize> {
    let mut reader = RecordReader::new(record)?;
    for (i, slot) in slots.iter_mut().enumerate() {
        match reader.next_value()? {
            Some(stored) => assign_stored(slot, stored, encoding),
            None => return Ok(i),
        }
    }
    Ok(slots.len())
}

/// Assigns a value as read from a record, converting text from its stored encoding.
#[inline]
pub fn assign_stored(target: &mut Value, stored: ValueRef<'_>, encoding: TextEncoding) {
    match stored {
        ValueRef::Text(t) if encoding != TextEncoding::Utf8 => encoding.decode(t, target.text_buffer()),
        other => target.assign(other),
    }
}

/// How far one record's header has been parsed: serial type and body offset of each column seen so far.
///
/// The caller passes the record's bytes with each call; they may be a prefix of the record as long as they cover the
/// header and the columns asked for (the rest lies on overflow pages). Call [`RecordCursor::reset`] for the next record.
#[derive(Debug, Clone, Default)]
pub struct RecordCursor {
    /// Serial type and body offset of the columns parsed so far.
    parsed: Vec<(u64, u32)>,
    /// Offset of the next serial type; 0: header not opened yet.
    header_at: u32,
    header_end: u32,
    /// Offset of the next column's value.
    body_at: u32,
}

impl RecordCursor {
    /// A cursor with no record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the record, keeps the buffer.
    #[inline]
    pub fn reset(&mut self) {
        self.parsed.clear();
        self.header_at = 0;
        self.header_end = 0;
    }

    /// Serial type and offset of a column; `None` when the record has no such column. `total_len` is the length of the
    /// whole record, of which `bytes` is a prefix that holds at least the header.
    #[inline]
    pub fn locate(&mut self, bytes: &[u8], total_len: usize, index: usize) -> Result<Option<(SerialType, usize)>> {
        if let Some(&(serial, offset)) = self.parsed.get(index) {
            return Ok(Some((SerialType(serial), offset as usize)));
        }
        self.parse_to(bytes, total_len, index)
    }

    fn parse_to(&mut self, bytes: &[u8], total_len: usize, index: usize) -> Result<Option<(SerialType, usize)>> {
        if self.header_at == 0 {
            let (header_end, header_at) = header_bounds(bytes)?;
            if header_end > u32::MAX as usize || total_len > u32::MAX as usize {
                return Err(malformed("record longer than 4 GiB"));
            }
            self.header_at = header_at as u32;
            self.header_end = header_end as u32;
            self.body_at = header_end as u32;
        }
        let header = bytes.get(..self.header_end as usize).unwrap_or(bytes);
        let mut at = self.header_at as usize;
        let mut body = u64::from(self.body_at);
        while self.parsed.len() <= index {
            let code = match header.get(at) {
                None => {
                    self.header_at = at as u32;
                    self.body_at = body as u32;
                    return Ok(None);
                }
                Some(&small) if small < 0x80 => {
                    at += 1;
                    u64::from(small)
                }
                Some(_) => {
                    let Some((code, used)) = varint::read(&header[at..]) else {
                        return Err(malformed("serial type past the end of the record header"));
                    };
                    at += used;
                    code
                }
            };
            let offset = body;
            body += SerialType(code).len();
            if body > total_len as u64 {
                return Err(malformed("value past the end of the record"));
            }
            self.parsed.push((code, offset as u32));
        }
        self.header_at = at as u32;
        self.body_at = body as u32;
        let (serial, offset) = self.parsed[index];
        Ok(Some((SerialType(serial), offset as usize)))
    }

    /// A column of a record whose bytes are all there; text in its stored encoding, `None` when there is no such column.
    #[inline]
    pub fn column<'a>(&mut self, record: &'a [u8], index: usize) -> Result<Option<ValueRef<'a>>> {
        match self.locate(record, record.len(), index)? {
            None => Ok(None),
            Some((serial, offset)) => match record.get(offset..offset + serial.len() as usize) {
                Some(body) => serial.read(body).map(Some),
                None => Err(malformed("value past the end of the record")),
            },
        }
    }

    /// A column into a register, reusing its buffer and converting text; false when the record has no such column
    /// (the register is untouched: the caller supplies the column's default).
    #[inline]
    pub fn decode_into(
        &mut self,
        record: &[u8],
        index: usize,
        encoding: TextEncoding,
        target: &mut Value,
    ) -> Result<bool> {
        match self.column(record, index)? {
            None => Ok(false),
            Some(stored) => {
                assign_stored(target, stored, encoding);
                Ok(true)
            }
        }
    }

    /// The number of columns. Parses the whole header.
    pub fn column_count(&mut self, record: &[u8]) -> Result<usize> {
        self.locate(record, record.len(), usize::MAX - 1)?;
        Ok(self.parsed.len())
    }
}

/// Length of a header with `types_len` bytes of serial types: it counts its own length varint.
#[inline]
fn header_len(types_len: usize) -> usize {
    if types_len < 127 {
        return types_len + 1;
    }
    let guess = types_len + varint::len(types_len as u64);
    if varint::len(guess as u64) > guess - types_len { guess + 1 } else { guess }
}

/// The length of the value as stored text where it must be converted, else as it is.
#[inline]
fn serial_type(value: ValueRef<'_>, encoding: TextEncoding, constants: bool) -> SerialType {
    match value {
        ValueRef::Text(t) if encoding != TextEncoding::Utf8 => SerialType::of_text(encoding.encoded_len(t)),
        other => SerialType::of(other, constants),
    }
}

/// The length in bytes of the record of these values (schema format 4).
pub fn record_len<'a>(values: impl IntoIterator<Item = ValueRef<'a>>, encoding: TextEncoding) -> usize {
    let (mut types, mut body) = (0usize, 0usize);
    for value in values {
        let serial = serial_type(value, encoding, true);
        types += varint::len(serial.0);
        body += serial.len() as usize;
    }
    header_len(types) + body
}

/// Appends the record of these values. Schema format 4; see [`encode_record_with`] for older ones.
#[inline]
pub fn encode_record(values: &[Value], encoding: TextEncoding, out: &mut Vec<u8>) {
    encode_record_with(values.iter().map(Value::as_ref), encoding, true, out);
}

/// Appends the record of these values. `constants`: serial types 8 and 9 may be used (schema format 4).
pub fn encode_record_with<'a, I>(values: I, encoding: TextEncoding, constants: bool, out: &mut Vec<u8>)
where
    I: IntoIterator<Item = ValueRef<'a>>,
    I::IntoIter: Clone,
{
    let values = values.into_iter();
    let (mut types, mut body) = (0usize, 0usize);
    for value in values.clone() {
        let serial = serial_type(value, encoding, constants);
        types += varint::len(serial.0);
        body += serial.len() as usize;
    }
    let header = header_len(types);
    out.reserve(header + body);
    varint::write(header as u64, out);
    for value in values.clone() {
        varint::write(serial_type(value, encoding, constants).0, out);
    }
    for value in values {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(i) => {
                let n = SerialType::of_integer(i, constants).len() as usize;
                out.extend_from_slice(&i.to_be_bytes()[8 - n..]);
            }
            ValueRef::Real(r) => out.extend_from_slice(&r.to_be_bytes()),
            ValueRef::Text(t) => encoding.encode(t, out),
            ValueRef::Blob(b) => out.extend_from_slice(b),
        }
    }
}

#[cfg(test)]
mod tests;
