//! Pipelines of the batch tier, where a core has a form that they can run.
//!
//! ```text
//!   BatchOpen; BatchRun, giving up -> row tier          (a stream has BatchRow in place of both BatchRun and BatchNext)
//!   rows of the result by BatchNext, as the code of the row tier would have them
//!   goto after
//!   row tier: the code that there would be without pipelines
//!   after:
//! ```
//! | file | subject |
//! |---|---|
//! | `pipeline` | from a core's loops to scans and steps over slots |
//! | `join` | loops inside the outermost one |
//! | `expr` | one expression |
//! | `aggregate` | cores that fold their rows |
//! | `rows` | cores that sort their rows, give out each once, or give them out as they come |

mod aggregate;
mod expr;
mod join;
mod pipeline;
mod rows;

use turso_program::batch::{BatchBound, BatchOpen, BatchRun, BatchSink};
use turso_program::{CursorId, Label, Regs};

use super::Emitter;
use pipeline::Pipeline;
use turso_error::Result;

/// A pipeline whose code has been emitted as far as its result.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenBatch {
    /// Gives out the rows of the result.
    pub cursor: CursorId,
    /// Where a row goes.
    pub row: Regs,
    /// Where the code of the row tier starts; to be bound.
    pub row_tier: Label,
}

impl Emitter<'_> {
    /// Emit the code that runs a pipeline up to its result.
    fn open_batch(&mut self, pipeline: Pipeline<'_>, sink: BatchSink) -> Result<OpenBatch> {
        let open = self.begin_batch(pipeline, sink)?;
        self.builder.emit(BatchRun { cursor: open.cursor, row_tier: open.row_tier });
        Ok(open)
    }

    /// Emit the code that makes a pipeline ready.
    fn begin_batch(&mut self, pipeline: Pipeline<'_>, sink: BatchSink) -> Result<OpenBatch> {
        let row_tier = self.builder.label();
        for filter in pipeline.constant_filters {
            self.jump_if_false(filter, row_tier, true)?;
        }
        let mut constants = Vec::with_capacity(pipeline.constants.len());
        for (e, slot) in &pipeline.constants {
            constants.push((*slot, self.expr(e)?));
        }
        let mut ends = [None, None];
        for (end, bound) in ends.iter_mut().zip(pipeline.bounds()) {
            if let Some((e, inclusive)) = bound {
                *end = Some(BatchBound { value: self.expr(e)?, inclusive });
            }
        }
        let width = sink.width();
        let plan = pipeline.finish(sink, constants, ends);
        for db in plan.builds.iter().map(|build| build.scan.db).chain([plan.scan.db]) {
            self.uses_database(db, false);
        }
        let open = OpenBatch { cursor: self.builder.cursor(), row: self.builder.registers(width), row_tier };
        self.builder.emit(BatchOpen { cursor: open.cursor, plan: plan.into() });
        Ok(open)
    }
}
