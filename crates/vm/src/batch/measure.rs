//! Distances between a column of vectors and a constant, which is decoded once, measured where they lie.
//!
//! Memory is what a search waits for: vectors are long, and each is read once. The rows of the batch say where the next ones
//! lie, so those are fetched while one is measured.

use turso_error::{Error, Result, ResultCode};
use turso_functions::FunctionKind;
use turso_functions::vector::{Distance, Operand, Walked};
use turso_program::batch::{BatchField, BatchMeasure, Slot};
use turso_storage::btree::PageRow;
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

impl Scan {
    /// Measures the vectors of all rows of the batch.
    pub fn measure(
        &mut self,
        step: &BatchMeasure,
        operand: &Operand,
        encoding: TextEncoding,
        out: &mut Vector,
    ) -> Result<()> {
        let (FunctionKind::Distance(distance), BatchField::Field(field)) = (&step.function.kind, step.column.field)
        else {
            return Err(left());
        };
        out.clear();
        self.walked.clear();
        self.walked.reserve(self.rows.len());
        let mut ahead = Ahead::new(&self.rows);
        for row in &self.rows {
            let fetched = ahead.next().map(|row| record(self.bytes_of(row), row));
            let record = record(self.bytes_of(row), row);
            let default = step.column.default.as_deref();
            self.walked.push(walk_field(*distance, record, usize::from(field), operand, fetched, encoding, default)?);
        }
        distance.finish_all(&self.walked, operand, |distance| out.push_real(distance));
        Ok(())
    }

    #[inline(always)]
    fn bytes_of(&self, row: &PageRow) -> &[u8] {
        self.pages.get(usize::from(row.page)).map_or(&self.copied[..], |page| &page[..])
    }
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

/// Walks one field.
#[inline(always)]
fn walk_field(
    distance: Distance,
    record: &[u8],
    field: usize,
    operand: &Operand,
    ahead: Option<&[u8]>,
    encoding: TextEncoding,
    default: Option<&Value>,
) -> Result<Walked> {
    if let Some(blob) = short_blob(record, field) {
        return distance.walk_blob(blob, operand, ahead);
    }
    walk_other(distance, record, field, operand, encoding, default)
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

#[inline(never)]
fn walk_other(
    distance: Distance,
    record: &[u8],
    field: usize,
    operand: &Operand,
    encoding: TextEncoding,
    default: Option<&Value>,
) -> Result<Walked> {
    let Some((serial, at)) = Decoder::default().locate(record, record.len(), field)? else {
        return distance.walk_value(default.map_or(ValueRef::Null, Value::as_ref), operand);
    };
    let len = usize::try_from(SerialType(serial).len()).map_err(|_| left())?;
    let body = at.checked_add(len).and_then(|end| record.get(at..end)).ok_or_else(left)?;
    match serial {
        12.. if serial & 1 == 0 => distance.walk_blob(body, operand, None),
        13.. if encoding == TextEncoding::Utf8 => distance.walk_value(ValueRef::Text(body), operand),
        _ => Err(left()),
    }
}
