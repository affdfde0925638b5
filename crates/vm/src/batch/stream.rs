//! Rows given out as they are found.
//!
//! The values of a row go from the vectors straight to registers. Batches start small, so that somebody who takes a few rows does
//! not pay for a thousand.
//!
//! Between two rows the statement's connection may write to the table that is scanned. Rows that were decoded before are given out
//! only while the pages that they lie on are as they were; otherwise the row tier goes on behind the last row given out, as it
//! does where a batch fails.

use turso_error::{Error, Result};
use turso_program::batch::{BatchRow, BatchSink};
use turso_program::{Addr, Program};
use turso_storage::Pager;

use super::Batch;
use super::scan::{BATCH_ROWS, Scan};
use super::sink::Sink;
use crate::cursors::Cursor;
use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

/// Rows of the first batch; each further one has some times as many.
const FIRST_ROWS: usize = 128;
const GROWTH: usize = 2;

/// How far a stream has got.
#[derive(Default)]
pub(super) struct Given {
    /// Rows of the batch in hand that have been given out.
    rows: usize,
    /// The rowid of the last row of the batch before, all of whose rows have been dealt with.
    before: Option<i64>,
    /// That of the batch in hand.
    behind: Option<i64>,
    /// What the pager's change epoch was when the pages of the batch were last known to be current, or before the first was taken.
    epoch: u64,
    begun: bool,
    counted: bool,
}

impl Scan {
    /// No page of the batch in hand has been changed.
    fn is_current(&self, pager: &Pager) -> bool {
        self.pages.iter().all(|page| pager.is_current(page))
    }
}

impl Batch {
    /// Puts the next row in hand into registers; false when there is none. `None`: what was decoded is not current any more.
    #[inline]
    fn give(&mut self, pager: &mut Pager, dest: &mut [turso_value::Value]) -> Option<bool> {
        let (Some(flow), Some(scan), BatchSink::Stream(columns)) =
            (&mut self.flow, self.scans.get(self.current), &self.plan.sink)
        else {
            return Some(false);
        };
        let Sink::Stream(found) = flow.sink else { return Some(false) };
        let row = self.given.rows;
        if row >= found || self.collecting {
            return Some(false);
        }
        if pager.change_epoch() != self.given.epoch {
            if !scan.is_current(pager) {
                return None;
            }
            self.given.epoch = pager.change_epoch();
        }
        for (dest, slot) in dest.iter_mut().zip(columns) {
            if let Some(vector) = flow.work.slots.get(slot.index()) {
                dest.assign(vector.get(row));
            }
        }
        self.given.rows = row + 1;
        Some(true)
    }

    /// The rowid of the last row that has been dealt with.
    fn dealt_with(&self) -> Option<i64> {
        let scan = self.scans.get(self.current);
        match (self.given.rows.checked_sub(1), scan) {
            (Some(last), Some(scan)) => scan.rowids.get(last).copied().or(self.given.before),
            _ => self.given.before,
        }
    }

    /// All rows in hand have been given out: prepares for the next ones. While a batch waits for a page, somebody may write to
    /// those that it has already: so the `epoch` counts in which it begins.
    fn next_batch(&mut self, epoch: u64) {
        if self.collecting {
            return;
        }
        self.given.epoch = epoch;
        self.given.before = self.given.behind;
        self.given.rows = 0;
        if let Some(flow) = &mut self.flow {
            flow.sink = Sink::Stream(0);
        }
        if let Some(scan) = self.scans.get_mut(self.current) {
            scan.most = if self.given.begun { (scan.most * GROWTH).min(BATCH_ROWS) } else { FIRST_ROWS };
        }
        self.given.begun = true;
    }
}

impl Exec for BatchRow {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let index = self.cursor.index();
        let Cursor::Batch(batch) = &mut vm.frame.cursors[index] else { return Ok(Flow::jump(self.row_tier)) };
        let pager = host.pager(batch.plan.scan.db);
        match batch.give(pager, vm.frame.registers.block_mut(self.dest)) {
            Some(true) => Ok(Flow::NEXT),
            Some(false) => vm.stream_batch(self, host),
            None => Ok(vm.give_up_stream(self)),
        }
    }
}

impl Vm {
    /// Takes the next batch through the pipeline, then comes again for its rows.
    #[inline(never)]
    fn stream_batch<H: Host>(&mut self, row: &BatchRow, host: &mut H) -> Result<Flow> {
        let (vm, index) = (self, row.cursor.index());
        let mut cursor = std::mem::take(&mut vm.frame.cursors[index]);
        let Cursor::Batch(batch) = &mut cursor else { return Ok(Flow::jump(row.row_tier)) };
        batch.next_batch(host.pager(batch.plan.scan.db).change_epoch());
        let outcome = batch.begin_batch(vm, host).map(|()| vm.run_batch(batch, host));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(interrupted) => {
                vm.frame.cursors[index] = cursor;
                return Err(interrupted);
            }
        };
        if let Ok(Some(_)) = outcome
            && !std::mem::replace(&mut batch.given.counted, true)
        {
            vm.run.counters.pipelines += 1;
        }
        match outcome {
            Ok(Some(true)) => {
                batch.given.behind = batch.scans.get(batch.current).and_then(|scan| scan.last_rowid);
                vm.frame.cursors[index] = cursor;
                Ok(Flow::jump(Addr(vm.frame.pc as u32)))
            }
            // (The slot stays closed.)
            Ok(Some(false)) => Ok(Flow::jump(row.end)),
            Err(Error::Pending) => {
                vm.frame.cursors[index] = cursor;
                Err(Error::Pending)
            }
            Ok(None) | Err(_) => {
                vm.frame.cursors[index] = cursor;
                Ok(vm.give_up_stream(row))
            }
        }
    }

    /// Tells where the row tier goes on.
    #[cold]
    fn give_up_stream(&mut self, row: &BatchRow) -> Flow {
        let cursor = std::mem::take(&mut self.frame.cursors[row.cursor.index()]);
        let dealt_with = match cursor {
            Cursor::Batch(batch) => batch.dealt_with(),
            _ => None,
        };
        let resume = self.frame.registers.get_mut(row.resume);
        match dealt_with {
            Some(rowid) => resume.set_integer(rowid),
            None => resume.set_null(),
        }
        self.run.counters.pipelines_given_up += 1;
        Flow::jump(row.row_tier)
    }
}
