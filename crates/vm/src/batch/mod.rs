//! The batch tier: pipelines of `turso_program::batch` over vectors of about a thousand values.
//!
//! | file | subject |
//! |---|---|
//! | `vector` | a column of values |
//! | `scan` | rows of whole pages |
//! | `load` | decoding their columns |
//! | `arithmetic`, `compare`, `logic`, `call` | computing a vector from others |
//! | `measure` | distances of vectors, where they lie |
//! | `run` | the steps of a pipeline, one batch through all of them |
//! | `build` | the built side of a hash join |
//! | `rows`, `order` | rows collected, sorted, each once |
//! | `groups`, `aggregate` | rows folded into groups |
//! | `numbering`, `hash` | telling rows apart |
//! | `stream` | rows given out as they are found |
//!
//! One `BatchRun` takes one batch through all steps. Whatever fails on the way (but for a page that has not come yet, and an
//! interrupt) ends the pipeline, and the row tier does all of its work instead: nothing has been given out before the last row
//! was taken in (or, by a stream, nothing of the batch in which it failed), so nobody can tell, and errors are those of the row
//! tier.

mod aggregate;
mod arithmetic;
mod build;
mod call;
mod compare;
mod groups;
mod hash;
mod load;
mod logic;
mod measure;
mod numbering;
mod order;
mod rows;
mod run;
mod scan;
mod sink;
mod stream;
mod vector;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::batch::{BatchNext, BatchOpen, BatchPlan, BatchRun, BatchSink, BatchStep, FEWEST_ROWS};
use turso_program::{Addr, Program};
use turso_storage::TempSpace;

use crate::cursors::Cursor;
use crate::dispatch::{Exec, Flow};
use crate::registers::Registers;
use crate::run::internal;
use crate::{Host, Vm};

use build::Build;
use call::Calls;
use measure::Measuring;
use run::{Into, Surroundings, Work};
use scan::{BATCH_ROWS, Extent, Scan};
use sink::Sink;
use vector::Vector;

/// Where a tree has fewer leaves, too few that sides of joins are built for them, or rows are given out by batches of which the
/// caller may want only a few.
const FEWEST_LEAVES: usize = 8;
/// To build so many rows takes as long as to find one row by an index.
const BUILT_PER_LOOK_UP: f32 = 4.0;
/// Bytes that every pipeline may have in memory.
const FREE: usize = 1 << 20;
/// Bytes claimed at a time beyond that.
const SHARE: usize = 4 << 20;

/// A pipeline in execution.
pub(crate) struct Batch {
    plan: Arc<BatchPlan>,
    /// The scans of the built sides in their order, then that of the pipeline.
    scans: Vec<Scan>,
    /// Which of them is running.
    current: usize,
    /// What the rows go through; made once it is known that they are enough.
    flow: Option<Box<Flowing>>,
    /// The rows of the next batch are being collected.
    collecting: bool,
    /// How far a stream has got.
    given: stream::Given,
}

/// What the rows of a pipeline go through.
struct Flowing {
    work: Work,
    sink: Sink,
    memory: Memory,
}

/// What is claimed of the connection's temporary space.
struct Memory {
    space: Option<Arc<TempSpace>>,
    claimed: usize,
}

impl Memory {
    /// Makes sure that so many bytes in all are claimed.
    fn need(&mut self, bytes: usize) -> Result<()> {
        while let Some(space) = self.space.as_ref().filter(|_| bytes > FREE + self.claimed) {
            if !space.claim(SHARE) {
                return Err(Error::from_code(ResultCode::NOMEM));
            }
            self.claimed += SHARE;
        }
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(space) = &self.space {
            space.give_back(self.claimed);
        }
    }
}

impl Batch {
    fn new(plan: &Arc<BatchPlan>, registers: &Registers) -> Self {
        let streams = matches!(plan.sink, BatchSink::Stream(_));
        let built = plan.builds.iter().map(|build| (&build.scan, &build.steps, false));
        let scans = built.chain([(&plan.scan, &plan.steps, streams)]);
        Self {
            scans: scans.map(|(scan, steps, rowids)| Scan::new(scan, steps, rowids, registers)).collect(),
            current: 0,
            flow: None,
            collecting: false,
            given: stream::Given::default(),
            plan: plan.clone(),
        }
    }

    /// Whether the pipeline is worth while, judged by the sizes of its trees.
    fn is_worth_while<H: Host>(&mut self, host: &mut H) -> Result<bool> {
        let Some((main, built)) = self.scans.split_last_mut() else { return Ok(false) };
        let Extent { leaves, rows } = main.begin(host.pager(self.plan.scan.db))?;
        if self.plan.forced {
            return Ok(true);
        }
        if built.is_empty() && !matches!(self.plan.sink, BatchSink::Stream(_)) {
            return Ok(rows >= FEWEST_ROWS);
        }
        if leaves < FEWEST_LEAVES {
            return Ok(false);
        }
        for (scan, build) in built.iter_mut().zip(&self.plan.builds) {
            let size = scan.begin(host.pager(build.scan.db))?.leaves;
            if build.asked.is_some_and(|share| size as f32 > leaves as f32 * share * BUILT_PER_LOOK_UP) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Flowing {
    fn new(plan: &BatchPlan, registers: &Registers, space: Option<Arc<TempSpace>>) -> Result<Self> {
        let mut slots: Vec<Vector> = std::iter::repeat_with(Vector::default).take(usize::from(plan.slots)).collect();
        for (slot, reg) in &plan.constants {
            slots[slot.index()].fill(registers.get(*reg), BATCH_ROWS)?;
        }
        let builds = plan.builds.iter().map(Build::new).collect();
        Ok(Self {
            work: Work {
                slots,
                builds,
                kept: Vec::new(),
                calls: Calls::default(),
                operands: Default::default(),
                joined: 0,
            },
            sink: Sink::new(&plan.sink, registers)?,
            memory: Memory { space, claimed: 0 },
        })
    }
}

impl Exec for BatchOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let batch = Batch::new(&self.plan, &vm.frame.registers);
        vm.frame.cursors[self.cursor.index()] = Cursor::Batch(Box::new(batch));
        Ok(Flow::NEXT)
    }
}

impl Vm {
    /// Takes a batch through the pipeline; false when all rows have been taken in. `None`: there are too few rows for it.
    fn run_batch<H: Host>(&mut self, batch: &mut Batch, host: &mut H) -> Result<Option<bool>> {
        if batch.flow.is_none() && !batch.is_worth_while(host)? {
            return Ok(None);
        }
        let plan = &*batch.plan;
        let flow = match &mut batch.flow {
            Some(flow) => flow,
            none => {
                let space = host.temporary_space();
                none.insert(Box::new(Flowing::new(plan, &self.frame.registers, space)?))
            }
        };
        let build = plan.builds.get(batch.current);
        let (db, steps) = build.map_or((plan.scan.db, &plan.steps), |build| (build.scan.db, &build.steps));
        let Some(scan) = batch.scans.get_mut(batch.current) else { return Ok(Some(false)) };
        let Flowing { work, sink, memory } = &mut **flow;
        let measuring = match steps.as_slice() {
            [BatchStep::Measure(step), rest @ ..] => {
                let contends = matches!(rest, [BatchStep::Contend { .. }, ..]);
                let limit = if contends { sink.last_real(step.column.dest) } else { None };
                let operand = work.operands.known(step.column.dest);
                operand.and_then(|operand| Measuring::new(step, operand, self.run.encoding, limit))
            }
            _ => None,
        };
        let more = scan.collect(host.pager(db), measuring)?;
        batch.collecting = false;
        let around =
            Surroundings { environment: host.environment(), encoding: self.run.encoding, length: host.limits().length };
        if more {
            let mut into = match build {
                Some(_) => Into::Build(batch.current),
                None => Into::Sink(sink),
            };
            work.joined = 0;
            if scan.len() > 0 {
                work.run(steps, scan.len(), scan, around, &mut into)?;
            }
            memory.need(work.memory() + sink.memory())?;
            if build.is_some() || !sink.is_full() {
                return Ok(Some(true));
            }
        }
        self.run.counters.fullscan_steps += scan.seen.saturating_sub(1);
        scan.clear();
        if !more && let Some(build) = work.builds.get_mut(batch.current) {
            self.run.counters.auto_index_rows += build.finish(around.encoding);
            batch.current += 1;
            return Ok(Some(true));
        }
        sink.finish(around.environment)?;
        self.run.counters.sorts += u64::from(sink.sorts());
        self.run.counters.pipelines += u64::from(!matches!(sink, Sink::Stream(_)));
        Ok(Some(false))
    }
}

impl Batch {
    /// Called before each attempt to run a batch: once for all attempts at the same one, lets the last one go.
    fn begin_batch<H: Host>(&mut self, vm: &mut Vm, host: &mut H) -> Result<()> {
        if !self.collecting {
            // A batch takes as long as many instructions. No page is waited for at this moment.
            host.poll()?;
            vm.run.unpin();
            self.scans.iter_mut().skip(self.current).take(1).for_each(Scan::clear);
            self.collecting = true;
        }
        Ok(())
    }
}

impl Exec for BatchRun {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let index = self.cursor.index();
        let mut cursor = std::mem::take(&mut vm.frame.cursors[index]);
        let Cursor::Batch(batch) = &mut cursor else { return Ok(Flow::jump(self.row_tier)) };
        if let Err(error) = batch.begin_batch(vm, host) {
            vm.frame.cursors[index] = cursor;
            return Err(error);
        }
        let outcome = vm.run_batch(batch, host);
        match outcome {
            Ok(Some(more)) => {
                vm.frame.cursors[index] = cursor;
                let here = Addr(vm.frame.pc as u32);
                Flow::jump_if(more, here)
            }
            Err(Error::Pending) => {
                vm.frame.cursors[index] = cursor;
                Err(Error::Pending)
            }
            // (The slot stays closed: what the pipeline held is given back.)
            Ok(None) | Err(_) => {
                vm.run.counters.pipelines_given_up += 1;
                Ok(Flow::jump(self.row_tier))
            }
        }
    }
}

impl Exec for BatchNext {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let Cursor::Batch(batch) = &mut vm.frame.cursors[self.cursor.index()] else {
            return Err(internal("cursor is not a pipeline"));
        };
        let Some(flow) = &mut batch.flow else { return Err(internal("pipeline has not run")) };
        let found = flow.sink.next(vm.frame.registers.block_mut(self.dest))?;
        if !found {
            // What it has collected is given back now, not when the statement ends.
            vm.frame.cursors[self.cursor.index()] = Cursor::Closed;
        }
        Flow::jump_if(!found, self.end)
    }
}
