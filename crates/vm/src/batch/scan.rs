//! The scan under a pipeline: rows of whole pages, of which columns are decoded as they are wanted.
//!
//! ```text
//!   Start ──first──> OnEntry ──take_page──> Taken ──overflowing rows are read──> Taken ──next──> OnEntry ...
//!                                                                                  └─> Ended
//! ```
//! Each arrow may have to wait for a page and is gone anew then; what has been collected stays. The pages of the batch in hand are
//! held, so that nothing is copied before it is decoded.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::batch::{BatchColumn, BatchField, BatchScan};
use turso_program::cursor::TreeKind;
use turso_storage::btree::{BTreeCursor, CursorKind, PageRow, SeekOp};
use turso_storage::{PageNo, PageRef, Pager};
use turso_value::key::index_rowid;
use turso_value::{SerialType, TextEncoding, Value, ValueRef};

use super::vector::{BLOB, Class, INTEGER, NULL, REAL, TEXT, Vector};
use crate::cursors::{Decoder, LEN, RowidBound, rowid_bound};
use crate::registers::Registers;

/// Rows of a batch, at most.
pub(crate) const BATCH_ROWS: usize = 1024;
/// Records that go on elsewhere are copied together; a batch has no more bytes of them than this and one record.
const MOST_COPIED: usize = 4 << 20;
/// Where a longer record goes on elsewhere, only its row is read, by the row tier.
const LONGEST_COPIED: u32 = 1 << 20;
/// About so many rows are taken to be on a leaf.
const ROWS_OF_A_LEAF: i128 = 50;
/// The page of a record that has been copied.
const COPIED: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Start,
    OnEntry,
    /// The rows from `next` on may have to be copied.
    Taken {
        next: usize,
    },
    /// A batch has been given; its last row is where the cursor stands.
    Between,
    Ended,
}

/// See the module's header.
pub(crate) struct Scan {
    cursor: BTreeCursor,
    position: Position,
    pages: Vec<PageRef>,
    /// Where the records are: on a page of the batch, or copied.
    rows: Vec<PageRow>,
    copied: Vec<u8>,
    low: Option<(i64, SeekOp)>,
    high: Option<i64>,
    /// A row past the end has been met.
    over: bool,
    /// How many rows have been taken in all.
    pub seen: u64,
}

impl Scan {
    /// A scan that has not begun. Its bounds are read now.
    pub fn new(scan: &BatchScan, registers: &Registers) -> Self {
        let low = scan.low.map(|low| {
            let op = if low.inclusive { SeekOp::Ge } else { SeekOp::Gt };
            rowid_bound(registers.get(low.value), op)
        });
        let high = scan.high.map(|high| {
            let op = if high.inclusive { SeekOp::Le } else { SeekOp::Lt };
            rowid_bound(registers.get(high.value), op)
        });
        // Nothing is above all rowids, nor does anything compare with NULL.
        let mut empty = matches!(low, Some(RowidBound::AboveAll | RowidBound::Nothing));
        let low = match low {
            Some(RowidBound::At(rowid, op)) => Some((rowid, op)),
            _ => None,
        };
        let high = match high {
            Some(RowidBound::At(rowid, SeekOp::Lt)) => {
                empty |= rowid == i64::MIN;
                Some(rowid.saturating_sub(1))
            }
            Some(RowidBound::At(rowid, _)) => Some(rowid),
            Some(RowidBound::Nothing) => {
                empty = true;
                None
            }
            Some(RowidBound::AboveAll) | None => None,
        };
        let kind = match &scan.kind {
            TreeKind::Table => CursorKind::Table,
            TreeKind::Index(key) => CursorKind::Index(key.clone()),
        };
        Self {
            cursor: BTreeCursor::new(PageNo(scan.root.0), kind),
            position: if empty { Position::Ended } else { Position::Start },
            low,
            high,
            over: false,
            pages: Vec::new(),
            rows: Vec::new(),
            copied: Vec::new(),
            seen: 0,
        }
    }

    /// How many rows the batch in hand has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Goes to the first entry, if the scan has not begun, and answers a lower bound of the number of pages that it will see.
    pub fn begin(&mut self, pager: &mut Pager) -> Result<usize> {
        if self.position == Position::Start {
            let found = match self.low {
                Some((rowid, op)) => self.cursor.seek_table(pager, rowid, op)?,
                None => self.cursor.first(pager)?,
            };
            self.position = if found { Position::OnEntry } else { Position::Ended };
        }
        let leaves = self.cursor.leaves_at_least();
        // A range with both ends has no more rows than there are numbers in it.
        Ok(match (self.low, self.high) {
            (Some((low, _)), Some(high)) => {
                let most = i128::from(high) - i128::from(low) + 1;
                leaves.min(usize::try_from(most / ROWS_OF_A_LEAF).unwrap_or(usize::MAX))
            }
            _ => leaves,
        })
    }

    /// Lets the rows of the last batch go and the pages that they lie on. Not to be called while the next ones are being collected.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.pages.clear();
        self.copied.clear();
    }

    /// Collects a batch; false when there are no more rows. May be pending, and goes on where it stopped.
    pub fn collect(&mut self, pager: &mut Pager) -> Result<bool> {
        loop {
            match self.position {
                Position::Start => {
                    self.begin(pager)?;
                }
                Position::OnEntry => {
                    let (first, number) = (self.rows.len(), self.pages.len() as u32);
                    let (page, whole) = self.cursor.take_page(pager, BATCH_ROWS - first, number, &mut self.rows)?;
                    self.pages.push(page);
                    let high = self.high.unwrap_or(i64::MAX);
                    if self.high.is_some() && self.rows.last().is_some_and(|row| row.rowid > high) {
                        let rows = self.rows.iter().skip(first);
                        let end = first + rows.take_while(|row| row.rowid <= high).count();
                        self.rows.truncate(end);
                        self.over = true;
                    }
                    self.position = Position::Taken { next: if whole { self.rows.len() } else { first } };
                }
                Position::Taken { next } => {
                    if next < self.rows.len() {
                        self.copy_rows(pager, next)?;
                    }
                    if self.over {
                        self.position = Position::Ended;
                        continue;
                    }
                    if self.rows.len() >= BATCH_ROWS || self.copied.len() >= MOST_COPIED {
                        self.seen += self.rows.len() as u64;
                        self.position = Position::Between;
                        return Ok(true);
                    }
                    self.position = if self.cursor.next(pager)? { Position::OnEntry } else { Position::Ended };
                }
                Position::Between => {
                    self.position = if self.cursor.next(pager)? { Position::OnEntry } else { Position::Ended };
                }
                Position::Ended => {
                    let some = !self.rows.is_empty();
                    self.seen += self.rows.len() as u64;
                    return Ok(some);
                }
            }
        }
    }

    /// Records of the page in hand that go on elsewhere, of the rows from `next` on, are copied as wholes.
    #[cold]
    fn copy_rows(&mut self, pager: &mut Pager, next: usize) -> Result<()> {
        for i in next..self.rows.len() {
            let row = self.rows[i];
            if row.whole {
                continue;
            }
            self.position = Position::Taken { next: i };
            self.cursor.go_to_entry(row.entry)?;
            if self.cursor.payload_size() > LONGEST_COPIED {
                return Err(Error::from_code(ResultCode::TOOBIG));
            }
            let payload = self.cursor.full_payload(pager)?;
            let (at, len) = (self.copied.len() as u32, payload.len() as u32);
            self.copied.extend_from_slice(payload);
            self.rows[i] = PageRow { page: COPIED, at, len, whole: true, ..row };
        }
        if let Some(last) = self.rows.last() {
            self.cursor.go_to_entry(last.entry)?;
        }
        self.position = Position::Taken { next: self.rows.len() };
        Ok(())
    }

    /// Keeps the rows of an ascending list.
    pub fn keep(&mut self, rows: &[u32]) {
        for (to, &from) in rows.iter().enumerate() {
            self.rows[to] = self.rows[from as usize];
        }
        self.rows.truncate(rows.len());
    }

    /// Decodes columns of all rows of the batch into the vectors that they name.
    pub fn load(&self, columns: &[BatchColumn], encoding: TextEncoding, slots: &mut [Vector]) -> Result<()> {
        let mut targets: Vec<(&BatchColumn, Vector)> = Vec::with_capacity(columns.len());
        for column in columns {
            let mut vector = std::mem::take(&mut slots[column.dest.index()]);
            vector.clear();
            vector.tags.reserve(self.rows.len());
            vector.words.reserve(self.rows.len());
            targets.push((column, vector));
        }
        let result = self.load_rows(encoding, &mut targets);
        for (column, vector) in targets {
            slots[column.dest.index()] = vector;
        }
        result
    }
}

impl Scan {
    fn load_rows(&self, encoding: TextEncoding, targets: &mut [(&BatchColumn, Vector)]) -> Result<()> {
        let (mut bytes, mut page) = (&self.copied[..], COPIED);
        for row in &self.rows {
            if row.page != page {
                page = row.page;
                bytes = self.pages.get(page as usize).map_or(&self.copied[..], |page| &page[..]);
            }
            load_row(bytes, row, encoding, targets)?;
        }
        Ok(())
    }
}

/// Decodes the columns of one record, which are in ascending order of their fields.
///
/// Nearly all headers have one byte for their length and for each serial type: then a field's serial type is at its own place, and
/// what lies before its value is the sum of the lengths before it. Where a byte says that it is part of a longer number, the
/// decoder of the row tier reads the rest of the record. All offsets are those of the page.
#[inline(always)]
fn load_row(bytes: &[u8], row: &PageRow, encoding: TextEncoding, targets: &mut [(&BatchColumn, Vector)]) -> Result<()> {
    let (start, end) = (row.at as usize, (row.at + row.len) as usize);
    let header_len = bytes.get(start).copied().unwrap_or(0);
    let header_end = start + usize::from(header_len);
    if header_len >= 0x80 || header_end > end || end > bytes.len() {
        return load_rest(bytes, row, encoding, targets);
    }
    let (mut at, mut body) = (start + 1, header_end);
    for i in 0..targets.len() {
        let (column, vector) = &mut targets[i];
        match column.field {
            BatchField::Field(field) => {
                let place = start + 1 + usize::from(field);
                if place >= header_end {
                    return load_rest(bytes, row, encoding, &mut targets[i..]);
                }
                let serial = bytes[place];
                let mut long = serial;
                for &serial in &bytes[at..place] {
                    long |= serial;
                    body += usize::from(LEN[usize::from(serial & 0x7f)]);
                }
                if long >= 0x80 {
                    return load_rest(bytes, row, encoding, &mut targets[i..]);
                }
                at = place;
                if let 1..=6 = serial {
                    let width = usize::from(LEN[usize::from(serial)]);
                    // Eight bytes that end with the value, and a shift, serve every width.
                    let to = body + width;
                    let wide = to.checked_sub(8).and_then(|from| bytes.get(from..to)).and_then(|b| b.first_chunk());
                    if let Some(wide) = wide.filter(|_| to <= end) {
                        let unused = 64 - 8 * width as u32;
                        push_integer((i64::from_be_bytes(*wide) << unused) >> unused, column.real, vector);
                        continue;
                    }
                }
                load_value(&bytes[..end], u64::from(serial), body, encoding, column.real, vector)?;
            }
            BatchField::Rowid => vector.push_word(INTEGER, row.rowid as u64),
            BatchField::IndexRowid => return load_rest(bytes, row, encoding, &mut targets[i..]),
        }
    }
    Ok(())
}

/// [`load_row`] for headers of any shape.
#[inline(never)]
fn load_rest(
    bytes: &[u8],
    row: &PageRow,
    encoding: TextEncoding,
    targets: &mut [(&BatchColumn, Vector)],
) -> Result<()> {
    let record = bytes.get(row.at as usize..(row.at + row.len) as usize).unwrap_or(&[]);
    let mut decoder = Decoder::default();
    for (column, vector) in targets {
        match column.field {
            BatchField::Field(field) => match decoder.locate(record, usize::from(field))? {
                Some((serial, at)) => load_value(record, serial, at, encoding, column.real, vector)?,
                None => load_default(column.default.as_ref(), vector)?,
            },
            BatchField::Rowid => vector.push_word(INTEGER, row.rowid as u64),
            BatchField::IndexRowid => vector.push_word(INTEGER, index_rowid(record)? as u64),
        }
    }
    Ok(())
}

/// What a column is that the record does not have.
#[cold]
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
#[inline(always)]
fn load_value(
    record: &[u8],
    serial: u64,
    at: usize,
    encoding: TextEncoding,
    real: bool,
    vector: &mut Vector,
) -> Result<()> {
    const WIDTHS: [usize; 7] = [0, 1, 2, 3, 4, 6, 8];
    match serial {
        1..=6 => {
            let width = WIDTHS[serial as usize];
            let end = at + width;
            // Eight bytes that end with the value, and a shift, serve every width.
            let wide = end.checked_sub(8).and_then(|from| record.get(from..end)).and_then(|bytes| bytes.first_chunk());
            let integer = match wide {
                Some(wide) => {
                    let unused = 64 - 8 * width as u32;
                    (i64::from_be_bytes(*wide) << unused) >> unused
                }
                None => match SerialType(serial).read(body(record, at, width)?)? {
                    ValueRef::Integer(i) => i,
                    _ => 0,
                },
            };
            push_integer(integer, real, vector);
        }
        7 => match record.get(at..at + 8).and_then(|bytes| bytes.first_chunk()) {
            Some(bits) => vector.push_real(f64::from_be_bytes(*bits)),
            None => return Err(malformed()),
        },
        0 => vector.push_word(NULL, 0),
        8 => push_integer(0, real, vector),
        9 => push_integer(1, real, vector),
        10 | 11 => return Err(malformed()),
        _ => {
            let len = usize::try_from((serial - 12) / 2).map_err(|_| malformed())?;
            let bytes = body(record, at, len)?;
            let tag: Class = if serial & 1 == 1 { TEXT } else { BLOB };
            if tag == TEXT && encoding != TextEncoding::Utf8 {
                let mut text = Vec::new();
                encoding.decode(bytes, &mut text);
                vector.push_bytes(TEXT, &text)?;
            } else {
                vector.push_bytes(tag, bytes)?;
            }
        }
    }
    Ok(())
}

#[inline(always)]
fn push_integer(i: i64, real: bool, vector: &mut Vector) {
    if real { vector.push_word(REAL, (i as f64).to_bits()) } else { vector.push_word(INTEGER, i as u64) }
}

#[inline]
fn body(record: &[u8], at: usize, len: usize) -> Result<&[u8]> {
    at.checked_add(len).and_then(|end| record.get(at..end)).ok_or_else(malformed)
}

#[cold]
fn malformed() -> Error {
    Error::corrupt(0, "value past the end of the record")
}
