//! Decoding columns of the rows of a batch, one column after the other.
//!
//! ```text
//!   header_len | t0 | t1 | t2 | ...   v0 | v1 | v2 | ...
//!                          ^ next          ^ mark            (columns 0 and 1 have been passed)
//! ```
//! Nearly all headers have one byte for their length and for each serial type: then a field's serial type is at its own place, and
//! its value lies behind the sum of the lengths before it. For each row the place is kept where the field after the last one
//! decoded starts, so that the next column, also of a later step, is found from there. All rows have come equally far, so a loop
//! over the rows skips the same number of fields in each. Whatever is of another shape (longer numbers, records too short to have
//! the field, damage) is read by the decoder of the row tier. All places are offsets on the page.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::batch::{BatchColumn, BatchField};
use turso_storage::btree::PageRow;
use turso_value::key::index_rowid;
use turso_value::{SerialType, TextEncoding, Value};

use super::scan::{COPIED, Scan};
use super::vector::{BLOB, Class, INTEGER, NULL, REAL, TEXT, Vector};
use crate::cursors::{Decoder, LEN};

/// How far the rows of a batch have been decoded: the marks of the rows say where this field starts.
#[derive(Default)]
pub(super) struct Loaded {
    next: usize,
}

/// The mark of a row that the loops here do not understand. (No value starts at the first byte of a page.)
const OTHER: u32 = 0;

/// How the serial types of numbers and NULL are read from eight bytes that start where the value starts.
#[derive(Clone, Copy)]
struct Shape {
    /// Bytes of the value.
    len: u8,
    /// By how many bits the bytes behind the value are shifted out, and the sign in.
    unused: u8,
    class: Class,
    /// What is kept of the bytes; where there are none, nothing.
    keep: u64,
    /// What the value is then.
    then: u64,
}

const SHAPES: [Shape; 16] = {
    const fn integer(len: u8) -> Shape {
        Shape { len, unused: 64 - 8 * len, class: INTEGER, keep: u64::MAX, then: 0 }
    }
    const fn constant(class: Class, then: u64) -> Shape {
        Shape { len: 0, unused: 0, class, keep: 0, then }
    }
    let mut shapes = [constant(NULL, 0); 16];
    shapes[1] = integer(1);
    shapes[2] = integer(2);
    shapes[3] = integer(3);
    shapes[4] = integer(4);
    shapes[5] = integer(6);
    shapes[6] = integer(8);
    shapes[7] = Shape { class: REAL, ..integer(8) };
    shapes[8] = constant(INTEGER, 0);
    shapes[9] = constant(INTEGER, 1);
    shapes
};

impl Scan {
    /// Decodes columns of all rows of the batch into the vectors that they name.
    pub fn load(&mut self, columns: &[BatchColumn], encoding: TextEncoding, slots: &mut [Vector]) -> Result<()> {
        for column in columns {
            let Some(slot) = slots.get_mut(column.dest.index()) else { continue };
            let mut vector = std::mem::take(slot);
            let result = self.load_column(column, encoding, &mut vector);
            slots[column.dest.index()] = vector;
            result?;
        }
        Ok(())
    }

    fn load_column(&mut self, column: &BatchColumn, encoding: TextEncoding, vector: &mut Vector) -> Result<()> {
        let field = match column.field {
            BatchField::Field(field) => usize::from(field),
            BatchField::Rowid => {
                vector.clear();
                vector.words.extend(self.rowids.iter().map(|&rowid| rowid as u64));
                vector.tags.resize(self.rowids.len(), INTEGER);
                vector.classes = if self.rowids.is_empty() { 0 } else { INTEGER };
                return Ok(());
            }
            BatchField::IndexRowid => return self.load_index_rowids(vector),
        };
        vector.clear();
        vector.tags.resize(self.rows.len(), NULL);
        vector.words.resize(self.rows.len(), 0);
        let next = self.loaded.next;
        // (Whatever comes of it: the marks have moved.)
        self.loaded.next = field + 1;
        if next == 0 || field < next {
            self.load_field::<true>(column, 0, field, encoding, vector)
        } else {
            self.load_field::<false>(column, next, field, encoding, vector)
        }
    }

    /// One loop over the rows; `FIRST`: from the starts of the records, otherwise from their marks, which are at field `next`.
    fn load_field<const FIRST: bool>(
        &mut self,
        column: &BatchColumn,
        next: usize,
        field: usize,
        encoding: TextEncoding,
        vector: &mut Vector,
    ) -> Result<()> {
        let plain_text = encoding == TextEncoding::Utf8;
        let Vector { classes, tags, words, bytes: text } = vector;
        let mut seen = 0;
        let (mut bytes, mut page) = (&self.copied[..], COPIED);
        for ((row, tag), word) in self.rows.iter_mut().zip(tags).zip(words) {
            if row.page != page {
                page = row.page;
                bytes = self.pages.get(usize::from(page)).map_or(&self.copied[..], |page| &page[..]);
            }
            if let Some((serial, at, last)) = find::<FIRST>(bytes, row, next, field) {
                if serial < 10 {
                    let shape = &SHAPES[usize::from(serial)];
                    let end = at + usize::from(shape.len);
                    if let Some(wide) = bytes.get(at..).and_then(|bytes| bytes.first_chunk())
                        && may_end(end, row, last)
                    {
                        row.mark = end as u32;
                        let value = i64::from_be_bytes(*wide) >> shape.unused;
                        (*tag, *word) = (shape.class, value as u64 & shape.keep | shape.then);
                        seen |= shape.class;
                        continue;
                    }
                } else if serial >= 12 && (plain_text || serial & 1 == 0) {
                    let len = usize::from((serial - 12) >> 1);
                    let end = at + len;
                    if may_end(end, row, last) {
                        row.mark = end as u32;
                        *tag = if serial & 1 == 1 { TEXT } else { BLOB };
                        *word = place(text, bytes, at, len)?;
                        seen |= *tag;
                        continue;
                    }
                }
            }
            row.mark = OTHER;
            (*tag, *word) = load_other(bytes, row, field, column, encoding, text)?;
            seen |= *tag;
        }
        *classes = seen;
        if column.real && seen & INTEGER != 0 {
            make_real(vector);
        }
        if seen & REAL != 0 && vector.words.iter().any(|&word| f64::from_bits(word).is_nan()) {
            make_null(vector);
        }
        Ok(())
    }

    fn load_index_rowids(&self, vector: &mut Vector) -> Result<()> {
        vector.clear();
        for row in &self.rows {
            let page = self.pages.get(usize::from(row.page)).map_or(&self.copied[..], |page| &page[..]);
            vector.push_word(INTEGER, index_rowid(record(page, row))? as u64);
        }
        Ok(())
    }
}

/// Integers become reals.
#[cold]
fn make_real(vector: &mut Vector) {
    for (tag, word) in vector.tags.iter_mut().zip(&mut vector.words) {
        if *tag == INTEGER {
            (*tag, *word) = (REAL, (*word as i64 as f64).to_bits());
        }
    }
    vector.classes = vector.classes & !INTEGER | REAL;
}

/// What is stored as NaN is NULL.
#[cold]
fn make_null(vector: &mut Vector) {
    for (tag, word) in vector.tags.iter_mut().zip(&mut vector.words) {
        if *tag == REAL && f64::from_bits(*word).is_nan() {
            (*tag, *word) = (NULL, 0);
            vector.classes |= NULL;
        }
    }
}

/// Bytes of a header that are looked at together.
const HEAD: usize = 32;

/// Whether a value may end there: within its record, and the last one exactly at its end.
#[inline(always)]
fn may_end(end: usize, row: &PageRow, last: bool) -> bool {
    let rest = (row.end as usize).wrapping_sub(end);
    if last { rest == 0 } else { rest as isize >= 0 }
}

/// The serial type of a field, where its value starts, and whether it is the last. `None`: the record may have another shape.
#[inline(always)]
fn find<const FIRST: bool>(bytes: &[u8], row: &PageRow, next: usize, field: usize) -> Option<(u8, usize, bool)> {
    let start = row.start as usize;
    // With one check that all are there, and no more.
    let Some(head) = bytes.get(start..)?.first_chunk::<HEAD>().filter(|_| field + 1 < HEAD) else {
        return find_anywhere::<FIRST>(bytes, row, next, field);
    };
    let (header_len, serial) = (head[0], head[(field + 1) % HEAD]);
    let mut at = if FIRST { start + usize::from(header_len) } else { row.mark as usize };
    let known = if FIRST { header_len < 0x80 } else { row.mark != OTHER };
    if !known || field + 1 >= usize::from(header_len) {
        return None;
    }
    let mut long = serial;
    for i in next..field {
        let serial = head[(i + 1) % HEAD];
        long |= serial;
        at += usize::from(LEN[usize::from(serial & 0x7f)]);
    }
    (long < 0x80).then_some((serial, at, field + 2 == usize::from(header_len)))
}

/// [`find`] near the end of a page, and for fields far behind.
#[inline(never)]
fn find_anywhere<const FIRST: bool>(
    bytes: &[u8],
    row: &PageRow,
    next: usize,
    field: usize,
) -> Option<(u8, usize, bool)> {
    let start = row.start as usize;
    let header_len = *bytes.get(start)?;
    let mut at = if FIRST { start + usize::from(header_len) } else { row.mark as usize };
    let known = if FIRST { header_len < 0x80 } else { row.mark != OTHER };
    if !known || field + 1 >= usize::from(header_len) {
        return None;
    }
    let (&serial, passed) = bytes.get(start + 1 + next..start + 2 + field)?.split_last()?;
    let mut long = serial;
    for &serial in passed {
        long |= serial;
        at += usize::from(LEN[usize::from(serial & 0x7f)]);
    }
    (long < 0x80).then_some((serial, at, field + 2 == usize::from(header_len)))
}

/// Keeps the `len` bytes at `at`, fewer than 64, behind what a vector has of text; the word that stands for them.
#[inline(always)]
fn place(text: &mut Vec<u8>, bytes: &[u8], at: usize, len: usize) -> Result<u64> {
    const SHORT: usize = 16;
    let from = text.len();
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk::<SHORT>()) {
        // A copy whose length is known beforehand, and what was too much goes again.
        Some(short) if len <= SHORT => {
            text.extend_from_slice(short);
            text.truncate(from + len);
        }
        _ => text.extend_from_slice(bytes.get(at..at + len).ok_or_else(malformed)?),
    }
    // (A batch of them fits into 32 bits.)
    Ok((from as u64) << 32 | len as u64)
}

fn record<'p>(bytes: &'p [u8], row: &PageRow) -> &'p [u8] {
    bytes.get(row.start as usize..row.end as usize).unwrap_or(&[])
}

/// A field of a record of any shape: class and word.
#[inline(never)]
fn load_other(
    bytes: &[u8],
    row: &PageRow,
    field: usize,
    column: &BatchColumn,
    encoding: TextEncoding,
    text: &mut Vec<u8>,
) -> Result<(Class, u64)> {
    let record = record(bytes, row);
    let mut value = Vector { bytes: std::mem::take(text), ..Vector::default() };
    let result = match Decoder::default().locate(record, record.len(), field) {
        Ok(Some((serial, at))) => load_value(record, serial, at, encoding, &mut value),
        Ok(None) => load_default(column.default.as_ref(), &mut value),
        Err(error) => Err(error),
    };
    let (class, word) = (value.classes, value.words.first().copied().unwrap_or(0));
    *text = value.bytes;
    result?;
    // (A default is as the column has it.)
    if column.real && class == INTEGER { Ok((REAL, (word as i64 as f64).to_bits())) } else { Ok((class, word)) }
}

/// What a column is that the record does not have.
fn load_default(default: Option<&Arc<Value>>, vector: &mut Vector) -> Result<()> {
    match default {
        Some(value) => vector.push(value.as_ref().as_ref()),
        None => {
            vector.push_word(NULL, 0);
            Ok(())
        }
    }
}

/// Decodes the value of this serial type at `at`.
fn load_value(record: &[u8], serial: u64, at: usize, encoding: TextEncoding, vector: &mut Vector) -> Result<()> {
    let len = usize::try_from(SerialType(serial).len()).map_err(|_| malformed())?;
    let body = at.checked_add(len).and_then(|end| record.get(at..end)).ok_or_else(malformed)?;
    if encoding != TextEncoding::Utf8 && serial >= 13 && serial & 1 == 1 {
        let mut text = Vec::new();
        encoding.decode(body, &mut text);
        return vector.push_bytes(TEXT, &text);
    }
    vector.push(SerialType(serial).read(body)?)
}

#[cold]
fn malformed() -> Error {
    Error::corrupt(0, "value past the end of the record")
}
