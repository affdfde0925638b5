//! Distances between a column of vectors and a constant, which is decoded once, measured where they lie.
//!
//! Memory is what a search waits for: vectors are long, and each is read once. The rows of the batch say where the next ones
//! lie, so those are fetched while one is measured.

use turso_error::{Error, Result, ResultCode};
use turso_functions::FunctionKind;
use turso_functions::vector::{Distance, Operand, Waiting, Walked};
use turso_program::batch::{BatchField, BatchMeasure, Slot};
use turso_storage::PageRef;
use turso_storage::btree::{PageRow, Soon};
use turso_value::{SerialType, TextEncoding, Value, ValueRef};

use super::call::Calls;
use super::run::Surroundings;
use super::scan::Scan;
use super::vector::Vector;
use crate::cursors::{Decoder, LEN};

/// Bytes of vectors that are fetched beforehand. (With a quarter of that a search took a fifth longer.)
const AHEAD_BYTES: usize = 32 << 10;

/// What vectors are measured against, by the slots of their distances.
#[derive(Default)]
pub(crate) struct Operands(Vec<(Slot, Operand)>);

impl Operands {
    /// That of this slot, if any vector has been measured against it.
    pub fn known(&self, slot: Slot) -> Option<&Operand> {
        self.0.iter().find(|(known, _)| *known == slot).map(|(_, operand)| operand)
    }

    /// The operand of this step, made of what its slot has in every row.
    pub fn of(
        &mut self,
        step: &BatchMeasure,
        slots: &[Vector],
        calls: &mut Calls,
        around: Surroundings<'_>,
    ) -> Result<&Operand> {
        let slot = step.column.dest;
        let at = match self.0.iter().position(|(known, _)| *known == slot) {
            Some(at) => at,
            None => {
                let constant = &slots[step.operand.index()];
                let mut made = Vector::default();
                let value = match &step.made_by {
                    Some(function) => {
                        let how = (function, &turso_value::Collation::Binary);
                        calls.call(how, &[constant], around.environment, 1, &mut made)?;
                        made.get(0)
                    }
                    None => constant.get(0),
                };
                self.0.push((slot, Operand::of_value(value)?));
                self.0.len() - 1
            }
        };
        self.0.get(at).map(|(_, operand)| operand).ok_or_else(left)
    }
}

/// Left to the row tier, which has an error for it, or does it in another way.
#[cold]
fn left() -> Error {
    Error::from_code(ResultCode::MISMATCH)
}

/// How the vectors of a column are measured.
#[derive(Clone, Copy)]
pub(super) struct Measuring<'a> {
    distance: Distance,
    field: usize,
    operand: &'a Operand,
    encoding: TextEncoding,
    default: Option<&'a Value>,
    /// Rows at a greater distance are not wanted.
    limit: Option<f64>,
}

impl<'a> Measuring<'a> {
    /// `None` where the column is no field.
    pub fn new(
        step: &'a BatchMeasure,
        operand: &'a Operand,
        encoding: TextEncoding,
        limit: Option<f64>,
    ) -> Option<Self> {
        let (FunctionKind::Distance(distance), BatchField::Field(field)) = (&step.function.kind, step.column.field)
        else {
            return None;
        };
        let default = step.column.default.as_deref();
        Some(Self { distance: *distance, field: usize::from(field), operand, encoding, default, limit })
    }

    /// Measures the rows of a leaf while those of another one are fetched from memory. Where one of them cannot be measured, some of
    /// those before it have been.
    #[inline(always)]
    pub fn leaf(&self, page: &[u8], rows: &[PageRow], soon: Soon<'_>, out: &mut Vec<Walked>) -> Result<()> {
        self.records(rows.iter().enumerate().map(|(i, row)| (record(page, row), soon.entry(i))), out)
    }

    /// One of these rows may be wanted.
    #[inline(always)]
    pub fn is_wanted(&self, walked: &[Walked]) -> bool {
        // (What has no distance is NULL and comes first.)
        let is_further = |walked: &Walked, limit| self.distance.finish(*walked, self.operand) > limit;
        self.limit.is_none_or(|limit| !walked.iter().all(|walked| is_further(walked, limit)))
    }

    /// Measures records, of which each comes with bytes that will be wanted next.
    #[inline(always)]
    fn records<'b>(
        &self,
        records: impl Iterator<Item = (&'b [u8], Option<&'b [u8]>)>,
        out: &mut Vec<Walked>,
    ) -> Result<()> {
        let mut waiting = Waiting::default();
        for (record, ahead) in records {
            match short_blob(record, self.field) {
                Some(blob) => self.distance.walk_blob((blob, ahead), self.operand, &mut waiting, out)?,
                None => {
                    self.distance.settle(self.operand, &mut waiting, out);
                    out.push(self.other(record)?);
                }
            }
        }
        self.distance.settle(self.operand, &mut waiting, out);
        Ok(())
    }

    #[inline(never)]
    fn other(&self, record: &[u8]) -> Result<Walked> {
        let (distance, operand) = (self.distance, self.operand);
        let Some((serial, at)) = Decoder::default().locate(record, record.len(), self.field)? else {
            return distance.walk_value(self.default.map_or(ValueRef::Null, Value::as_ref), operand);
        };
        let len = usize::try_from(SerialType(serial).len()).map_err(|_| left())?;
        let body = at.checked_add(len).and_then(|end| record.get(at..end)).ok_or_else(left)?;
        match serial {
            12.. if serial & 1 == 0 => distance.walk_value(ValueRef::Blob(body), operand),
            13.. if self.encoding == TextEncoding::Utf8 => distance.walk_value(ValueRef::Text(body), operand),
            _ => Err(left()),
        }
    }
}

impl Scan {
    /// Measures the rows of the batch that have not been measured.
    pub fn measure_rest(&mut self, measuring: &Measuring<'_>) -> Result<()> {
        let rows = self.rows.get(self.walked.len()..).unwrap_or(&[]);
        let of = |row: &PageRow| record(bytes_of(&self.pages, &self.copied, row), row);
        let mut ahead = Ahead::new(rows);
        let records = rows.iter().map(|row| (of(row), ahead.next().map(of)));
        measuring.records(records, &mut self.walked)
    }

    /// Measures the vectors of all rows of the batch, but for those that were measured while the rows were collected.
    pub fn measure(
        &mut self,
        step: &BatchMeasure,
        operand: &Operand,
        encoding: TextEncoding,
        out: &mut Vector,
    ) -> Result<()> {
        let measuring = Measuring::new(step, operand, encoding, None).ok_or_else(left)?;
        out.clear();
        if self.measured {
            self.walked.clear();
        }
        self.measure_rest(&measuring)?;
        self.measured = true;
        measuring.distance.finish_all(&self.walked, operand, |distance| out.push_real(distance));
        Ok(())
    }
}

#[inline(always)]
fn bytes_of<'p>(pages: &'p [PageRef], copied: &'p [u8], row: &PageRow) -> &'p [u8] {
    pages.get(usize::from(row.page)).map_or(copied, |page| &page[..])
}

#[inline(always)]
fn record<'p>(bytes: &'p [u8], row: &PageRow) -> &'p [u8] {
    bytes.get(row.start as usize..row.end as usize).unwrap_or(&[])
}

/// The rows that are so far ahead that they are to be fetched.
struct Ahead<'r>(std::slice::Iter<'r, PageRow>);

impl<'r> Ahead<'r> {
    fn new(rows: &'r [PageRow]) -> Self {
        let len = rows.first().map_or(0, |row| row.end.saturating_sub(row.start) as usize);
        let distance = (AHEAD_BYTES / len.max(1)).clamp(1, 64);
        Self(rows.get(distance..).unwrap_or(&[]).iter())
    }
}

impl<'r> Iterator for Ahead<'r> {
    type Item = &'r PageRow;
    #[inline(always)]
    fn next(&mut self) -> Option<&'r PageRow> {
        self.0.next()
    }
}

/// The field, where it is a blob, for headers of up to 127 bytes whose serial types take no more than two each.
#[inline(always)]
fn short_blob(record: &[u8], field: usize) -> Option<&[u8]> {
    let header = usize::from(*record.first()?);
    let (mut next, mut at) = (1, header);
    let mut serial = || {
        let first = usize::from(*record.get(next)?);
        next += 1;
        if first < 0x80 {
            return Some((first, usize::from(LEN[first]), next));
        }
        let second = usize::from(*record.get(next)?);
        next += 1;
        let serial = (first & 0x7f) << 7 | second;
        (second < 0x80 && serial >= 12).then_some((serial, (serial - 12) / 2, next))
    };
    for _ in 0..field {
        at += serial()?.1;
    }
    let (serial, len, behind) = serial()?;
    let end = at + len;
    // The last value must end where the record does.
    let fits = header < 0x80 && if behind == header { end == record.len() } else { behind < header };
    if fits && serial >= 12 && serial & 1 == 0 { record.get(at..end) } else { None }
}
