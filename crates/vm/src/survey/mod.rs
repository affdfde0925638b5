//! Surveys of indexes for ANALYZE: how many entries share each prefix of the columns, and samples of the entries
//! (`fileformat2.html`, sections 2.6.4 and 2.6.7).

mod samples;

use std::sync::Arc;

use turso_error::Result;
use turso_program::survey::*;
use turso_program::{CursorId, Program};
use turso_value::record::assign_stored;
use turso_value::{RecordReader, SerialType, Value, ValueRef, varint};

use self::samples::{Open, Place, Sample, Samples};
use crate::cursors::{Cursor, tree_and_pager};
use crate::dispatch::{Exec, Flow};
use crate::run::internal;
use crate::{Host, Vm};

/// What is known so far.
pub(crate) struct Survey {
    of: Arc<Surveyed>,
    /// Columns that an entry is told apart by.
    width: usize,
    /// Entries of the index.
    rows: u64,
    /// Entries seen.
    seen: u64,
    /// Entries after which to stop; 0: never.
    limit: u64,
    skipped: bool,
    open: Open,
    previous: Vec<u8>,
    /// Of a single unique column, a value that is not NULL has been seen.
    past_nulls: bool,
    samples: Option<Samples>,
    /// What has been chosen, in the order of the index, and how much of it has been given out.
    chosen: Option<std::vec::IntoIter<Sample>>,
}

impl Survey {
    fn new(open: &SurveyOpen, rows: u64) -> Self {
        let width = open.of.key.columns.len();
        Self {
            of: open.of.clone(),
            width,
            rows,
            seen: 0,
            limit: u64::from(open.limit),
            skipped: false,
            open: Open { starts: vec![0; width], distinct: vec![0; width] },
            previous: Vec::new(),
            past_nulls: false,
            samples: (open.samples > 0 && width > 0).then(|| Samples::new(width, open.samples as usize, rows)),
            chosen: None,
        }
    }

    /// Take in an entry; true when enough have been seen.
    fn add(&mut self, record: &[u8]) -> Result<bool> {
        let same = if self.seen == 0 { 0 } else { self.columns_shared(record)? };
        if let Some(samples) = self.samples.as_mut().filter(|_| self.seen > 0) {
            samples.close(same, &self.open, self.seen, &self.previous);
        }
        for level in same..self.width {
            self.open.starts[level] = self.seen;
            self.open.distinct[level] += 1;
        }
        if let Some(samples) = &mut self.samples {
            samples.arrive(&self.open, self.seen, record);
        }
        self.seen += 1;
        self.previous.clear();
        self.previous.extend_from_slice(record);
        let stop = if self.skipped { 2 * self.limit + 1 } else { self.limit + 1 };
        Ok(self.limit > 0 && self.seen >= stop)
    }

    /// How many leading columns are the same as in the entry before.
    fn columns_shared(&mut self, record: &[u8]) -> Result<usize> {
        // Of such a column every entry behind a value that is not NULL counts as a new one, also NULLs that are sorted last,
        // as SQLite counts them.
        if self.of.single && !self.past_nulls {
            let first = RecordReader::new(&self.previous)?.next_raw()?;
            self.past_nulls = !matches!(first, Some((SerialType(0), _)));
        }
        if self.past_nulls {
            return Ok(0);
        }
        let (mut before, mut now) = (RecordReader::new(&self.previous)?, RecordReader::new(record)?);
        for column in 0..self.width {
            let (a, b) = (before.next_raw()?, now.next_raw()?);
            if a != b && !self.same_value(column, a, b)? {
                return Ok(column);
            }
        }
        Ok(self.width)
    }

    fn same_value(
        &self,
        column: usize,
        a: Option<(SerialType, &[u8])>,
        b: Option<(SerialType, &[u8])>,
    ) -> Result<bool> {
        let encoding = self.of.key.encoding;
        let (mut x, mut y) = (Value::Null, Value::Null);
        for (target, raw) in [(&mut x, a), (&mut y, b)] {
            if let Some((serial, body)) = raw {
                assign_stored(target, serial.read(body)?, encoding);
            }
        }
        Ok(self.of.key.compare_values(column, x.as_ref(), y.as_ref()).is_eq())
    }

    /// `rows average average …`: for each prefix the average number of entries with the same values, rounded up.
    fn text(&self) -> String {
        let mut text = if self.limit > 0 { self.rows.max(self.seen) } else { self.seen }.to_string();
        for &distinct in self.open.distinct.iter().take(self.of.columns) {
            let average = match distinct {
                0 => 0,
                // Barely more than one row per value counts as one.
                d if self.seen.div_ceil(d) == 2 && self.seen.saturating_mul(10) <= d.saturating_mul(11) => 1,
                d => self.seen.div_ceil(d),
            };
            text.push(' ');
            text += &average.to_string();
        }
        text
    }

    fn next_sample(&mut self) -> Option<Sample> {
        if self.chosen.is_none() {
            let samples = self.samples.as_mut()?;
            if self.seen > 0 {
                samples.close(0, &self.open, self.seen, &self.previous);
            }
            self.chosen = Some(samples.take().into_iter());
        }
        self.chosen.as_mut()?.next()
    }
}

/// The columns of a record that tell it apart, as a record.
fn prefix(record: &[u8], of: &Surveyed) -> Result<Vec<u8>> {
    let mut reader = RecordReader::new(record)?;
    let (mut types, mut body) = (Vec::new(), Vec::new());
    for column in 0..of.key.columns.len() {
        let Some((serial, bytes)) = reader.next_raw()? else { break };
        if let ValueRef::Integer(i) = serial.read(bytes)?
            && of.reals.contains(&column)
        {
            types.push(SerialType::REAL.0 as u8);
            body.extend_from_slice(&(i as f64).to_be_bytes());
            continue;
        }
        varint::write(serial.0, &mut types);
        body.extend_from_slice(bytes);
    }
    // The header's length counts itself.
    let mut out = Vec::with_capacity(types.len() + body.len() + 3);
    let mut size = 0;
    while out.len() != size || size == 0 {
        size = out.len().max(1);
        out.clear();
        varint::write((types.len() + size) as u64, &mut out);
    }
    out.extend_from_slice(&types);
    out.extend_from_slice(&body);
    Ok(out)
}

/// One number for each prefix.
fn list(places: &[Place], number: fn(&Place) -> u64) -> String {
    places.iter().map(|p| number(p).to_string()).collect::<Vec<_>>().join(" ")
}

fn survey(cursors: &mut [Cursor], id: CursorId) -> Result<&mut Survey> {
    match &mut cursors[id.index()] {
        Cursor::Survey(survey) => Ok(survey),
        _ => Err(internal("cursor is not a survey")),
    }
}

impl Exec for SurveyOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let rows = vm.frame.registers.integer(self.rows);
        let survey = Survey::new(self, u64::try_from(rows).unwrap_or(0));
        vm.frame.cursors[self.survey.index()] = Cursor::Survey(Box::new(survey));
        Ok(Flow::NEXT)
    }
}

impl Exec for SurveyAdd {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        // The survey is taken out of its slot while the cursor in another slot is used.
        let Cursor::Survey(mut survey) = std::mem::take(&mut vm.frame.cursors[self.survey.index()]) else {
            return Err(internal("cursor is not a survey"));
        };
        let enough = take_entry(vm, host, self.source, &mut survey);
        vm.frame.cursors[self.survey.index()] = Cursor::Survey(survey);
        Flow::jump_if(enough?, self.enough)
    }
}

fn take_entry<H: Host>(vm: &mut Vm, host: &mut H, source: CursorId, survey: &mut Survey) -> Result<bool> {
    let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, source)?;
    if !tree.settle(pager)? {
        return Err(internal("a survey of no entry"));
    }
    survey.add(tree.btree.full_payload(pager)?)
}

impl Exec for SurveySkip {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let survey = survey(&mut vm.frame.cursors, self.survey)?;
        if survey.skipped || survey.open.distinct.first().is_none_or(|d| *d > 1) {
            return Ok(Flow::jump(self.done));
        }
        survey.skipped = true;
        let dest = vm.frame.registers.get_mut(self.dest);
        match RecordReader::new(&survey.previous)?.next_value()? {
            Some(value) => assign_stored(dest, value, survey.of.key.encoding),
            None => dest.set_null(),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for SurveyText {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let text = survey(&mut vm.frame.cursors, self.survey)?.text();
        *vm.frame.registers.get_mut(self.dest) = Value::text(text);
        Ok(Flow::NEXT)
    }
}

impl Exec for SurveySample {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let survey = survey(&mut vm.frame.cursors, self.survey)?;
        let of = survey.of.clone();
        let Some(sample) = survey.next_sample() else { return Ok(Flow::jump(self.none)) };
        let record = prefix(&sample.record, &of)?;
        if let [equal, before, distinct, entry] = vm.frame.registers.block_mut(self.dest) {
            *equal = Value::text(list(&sample.places, |p| p.equal));
            *before = Value::text(list(&sample.places, |p| p.before));
            *distinct = Value::text(list(&sample.places, |p| p.distinct_before));
            *entry = Value::blob(record);
        }
        Ok(Flow::NEXT)
    }
}
