//! Taking one batch through the steps of a pipeline.

use turso_error::{Error, Result, ResultCode};
use turso_functions::Environment;
use turso_program::batch::{BatchOp, BatchStep, Slot};
use turso_value::TextEncoding;

use super::build::{Build, NO_ROW};
use super::call::Calls;
use super::compare::{self, How};
use super::measure::Operands;
use super::scan::{BATCH_ROWS, Scan};
use super::sink::Sink;
use super::vector::Vector;
use super::{arithmetic, logic};

/// Rows that one batch may become by joins; a pipeline whose joins are more productive gives up, since nobody can interrupt it.
const MOST_JOINED: usize = 16 << 20;

/// What steps see of the connection.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub environment: &'a dyn Environment,
    pub encoding: TextEncoding,
    /// The longest text or blob.
    pub length: usize,
}

/// What takes the rows in.
pub(super) enum Into<'a> {
    Build(usize),
    Sink(&'a mut Sink),
}

/// The vectors of a pipeline and what it has built.
pub(super) struct Work {
    pub slots: Vec<Vector>,
    pub builds: Vec<Build>,
    /// The rows that a filter keeps.
    pub kept: Vec<u32>,
    pub calls: Calls,
    /// What vectors are measured against.
    pub operands: Operands,
    /// Rows that the batch in hand has become.
    pub joined: usize,
}

impl Work {
    /// Takes `rows` rows through the steps. Columns are decoded from `scan`, until a join has made other rows of them.
    pub fn run(
        &mut self,
        steps: &[BatchStep],
        mut rows: usize,
        scan: &mut Scan,
        around: Surroundings<'_>,
        into: &mut Into<'_>,
    ) -> Result<()> {
        for (i, step) in steps.iter().enumerate() {
            match step {
                BatchStep::Load(columns) => scan.load(columns, around.encoding, &mut self.slots)?,
                BatchStep::Compute { op, dest } => {
                    let mut out = std::mem::take(&mut self.slots[dest.index()]);
                    let result = self.compute(op, rows, around, &mut out);
                    self.slots[dest.index()] = out;
                    result?;
                }
                BatchStep::Measure(step) => {
                    let slot = step.column.dest.index();
                    let operand = self.operands.of(step, &self.slots, &mut self.calls, around)?;
                    scan.measure(step, operand, around.encoding, &mut self.slots[slot])?;
                }
                BatchStep::Filter { condition, keep, rows: decodes } => {
                    self.slots[condition.index()].true_rows(rows, &mut self.kept);
                    rows = self.keep(keep, decodes.then_some(&mut *scan), rows);
                    if rows == 0 {
                        return Ok(());
                    }
                }
                BatchStep::Contend { keep, rows: decodes, .. } => {
                    let Into::Sink(sink) = &*into else { continue };
                    sink.contenders(&self.slots, rows, &mut self.kept);
                    rows = self.keep(keep, decodes.then_some(&mut *scan), rows);
                    if rows == 0 {
                        return Ok(());
                    }
                }
                BatchStep::Expand { .. } => {
                    return self.expand(step, steps.get(i + 1..).unwrap_or(&[]), rows, scan, around, into);
                }
            }
        }
        match into {
            Into::Build(build) => match self.builds.get_mut(*build) {
                Some(build) => build.add(&self.slots, rows),
                None => Ok(()),
            },
            Into::Sink(sink) => sink.add(&self.slots, rows, around.environment),
        }
    }

    /// Goes on with the rows that have been noted, of so many, in these slots and perhaps in the scan; how many they are.
    fn keep(&mut self, slots: &[Slot], scan: Option<&mut Scan>, rows: usize) -> usize {
        if self.kept.len() < rows && !self.kept.is_empty() {
            slots.iter().for_each(|slot| self.slots[slot.index()].keep(&self.kept));
            if let Some(scan) = scan {
                scan.keep(&self.kept);
            }
        }
        self.kept.len()
    }

    /// A row for each row of the built side that joins, a batch at a time, through the rest of the steps.
    fn expand(
        &mut self,
        step: &BatchStep,
        rest: &[BatchStep],
        rows: usize,
        scan: &mut Scan,
        around: Surroundings<'_>,
        into: &mut Into<'_>,
    ) -> Result<()> {
        let BatchStep::Expand { build, found, outer, carry, take } = step else { return Ok(()) };
        let index = usize::from(*build);
        let found = std::mem::take(&mut self.slots[found.index()].words);
        let Some(build) = self.builds.get(index) else { return Ok(()) };
        let (mut left, mut right) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        if build.unique && (*outer || found[..rows].iter().all(|&found| found != 0)) {
            right.extend(
                found[..rows].iter().map(|&found| build.rows_of(found as u32).first().copied().unwrap_or(NO_ROW)),
            );
            // Row for row: nothing reads the old numbers again.
            for (from, to) in carry {
                self.slots.swap(from.index(), to.index());
            }
            self.take(index, take, &right)?;
            return self.run(rest, rows, scan, around, into);
        }
        for (row, &found) in found[..rows].iter().enumerate() {
            let mut joining = self.builds.get(index).map_or(&[][..], |build| build.rows_of(found as u32));
            if joining.is_empty() && *outer {
                joining = &[NO_ROW];
            }
            let count = joining.len();
            let mut at = 0;
            while at < count {
                let joining = self.builds.get(index).map_or(&[][..], |build| build.rows_of(found as u32));
                let part = (count - at).min(BATCH_ROWS - left.len());
                match joining.get(at..at + part) {
                    Some(part) => right.extend_from_slice(part),
                    None => right.push(NO_ROW),
                }
                left.resize(right.len(), row as u32);
                at += part;
                if left.len() >= BATCH_ROWS {
                    self.joined_rows(step, rest, (&left, &right), scan, around, into)?;
                    left.clear();
                    right.clear();
                }
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        self.joined_rows(step, rest, (&left, &right), scan, around, into)
    }

    /// Pairs of a row in hand and a row of the built side go on.
    fn joined_rows(
        &mut self,
        step: &BatchStep,
        rest: &[BatchStep],
        (left, right): (&[u32], &[u32]),
        scan: &mut Scan,
        around: Surroundings<'_>,
        into: &mut Into<'_>,
    ) -> Result<()> {
        let BatchStep::Expand { build, carry, take, .. } = step else { return Ok(()) };
        self.joined += left.len();
        if self.joined > MOST_JOINED {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        for (from, to) in carry {
            let mut out = std::mem::take(&mut self.slots[to.index()]);
            out.clear();
            let result = out.gather(&self.slots[from.index()], left);
            self.slots[to.index()] = out;
            result?;
        }
        self.take(usize::from(*build), take, right)?;
        self.run(rest, left.len(), scan, around, into)
    }

    fn take(&mut self, build: usize, take: &[(u16, Slot)], rows: &[u32]) -> Result<()> {
        let Some(build) = self.builds.get(build) else { return Ok(()) };
        take.iter().try_for_each(|(column, slot)| build.take(*column, rows, &mut self.slots[slot.index()]))
    }

    fn compute(&mut self, op: &BatchOp, rows: usize, around: Surroundings<'_>, out: &mut Vector) -> Result<()> {
        let slots = &self.slots;
        let slot = |slot: &Slot| &slots[slot.index()];
        match op {
            BatchOp::Arithmetic { op, left, right } => {
                return arithmetic::arithmetic(*op, slot(left), slot(right), rows, out);
            }
            BatchOp::Bitwise { op, left, right } => {
                return arithmetic::bitwise(*op, slot(left), slot(right), rows, out);
            }
            BatchOp::BitNot(value) => return arithmetic::bit_not(slot(value), rows, out),
            BatchOp::Concat { left, right } => {
                return self.calls.concat(slot(left), slot(right), (around.encoding, around.length), rows, out);
            }
            BatchOp::Compare { op, left, right, how, null_equal } => {
                let how = How::new(how, around.encoding, *null_equal);
                compare::compare(*op, slot(left), slot(right), how, rows, out);
            }
            BatchOp::And(left, right) => logic::logic(false, slot(left), slot(right), rows, out),
            BatchOp::Or(left, right) => logic::logic(true, slot(left), slot(right), rows, out),
            BatchOp::Not(value) => logic::not(slot(value), rows, out),
            BatchOp::IsTrue { value, if_null, negate } => logic::is_true(slot(value), *if_null, *negate, rows, out),
            BatchOp::IsNull { value, negated } => logic::is_null(slot(value), *negated, rows, out),
            BatchOp::In { value, list, how, negated } => {
                let members: Vec<&Vector> = list.iter().map(slot).collect();
                let how = How::new(how, around.encoding, false);
                return compare::is_in(slot(value), &members, how, *negated, rows, out);
            }
            BatchOp::Select { condition, then, otherwise } => {
                return logic::select(slot(condition), slot(then), slot(otherwise), rows, out);
            }
            BatchOp::Cast { value, affinity } => {
                return self.calls.cast(slot(value), *affinity, around.encoding, rows, out);
            }
            BatchOp::LookUp { build, keys } => {
                let keys: Vec<_> = keys.iter().map(|(key, affinity)| (slot(key), *affinity)).collect();
                if let Some(build) = self.builds.get_mut(usize::from(*build)) {
                    return build.look_up(&keys, rows, out);
                }
            }
            BatchOp::Call { function, args, collation } => {
                let args: Vec<&Vector> = args.iter().map(slot).collect();
                return self.calls.call((function, collation), &args, around.environment, rows, out);
            }
        }
        Ok(())
    }

    /// About how many bytes of memory the built sides take.
    pub fn memory(&self) -> usize {
        self.builds.iter().map(Build::memory).sum()
    }
}
