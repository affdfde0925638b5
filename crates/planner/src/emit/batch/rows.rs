//! Cores whose rows are sorted, or of which each comes once: nothing is given out before all rows have been seen.

use std::sync::Arc;

use turso_error::Result;
use turso_program::Label;
use turso_program::batch::{BatchNext, BatchRows, BatchSink, Slot};
use turso_program::control::Goto;
use turso_value::Collation;

use super::super::select::Limits;
use super::super::select_sort::{Distinct, Wanted};
use super::super::{Destination, Emitter};
use super::pipeline::Pipeline;
use crate::bind::ordering_collation;
use crate::plan::{Core, Expr, JoinPlan};

impl Emitter<'_> {
    /// Emit a pipeline for a core whose rows have to be collected, if there is one, up to where the code of the row tier starts; that
    /// code ends where `after` is bound.
    pub(in crate::emit) fn batch_rows(
        &mut self,
        core: &Core,
        plan: &JoinPlan,
        wanted: &Wanted<'_>,
        limits: &Limits,
        to: &mut Destination<'_>,
        after: Label,
    ) -> Result<()> {
        // (Code of a closure is emitted once, and who wants one row does not wait for the others.)
        let takes_rows = !matches!(
            to,
            Destination::Each(_) | Destination::Exists(_) | Destination::Registers(_) | Destination::Queue(_)
        );
        let collects = !wanted.order_by.is_empty() || wanted.distinct == Distinct::Anywhere;
        if !takes_rows || !collects || wanted.in_order > 0 || wanted.distinct == Distinct::Adjacent {
            return Ok(());
        }
        let reads: Vec<&Expr> = wanted.output.iter().chain(wanted.order_by.iter().map(|term| &term.expr)).collect();
        let Some(mut pipeline) = Pipeline::new(self, core, plan, reads.clone()) else { return Ok(()) };
        let Some(rows) = pipeline.load(&reads).and_then(|()| self.rows_of(&mut pipeline, wanted)) else {
            return Ok(());
        };
        let keep = self.rows_to_keep(limits, to);
        let open = self.open_batch(pipeline, BatchSink::Rows(BatchRows { keep, ..rows }))?;
        let (top, next) = (self.builder.label_here(), self.builder.label());
        self.builder.emit(BatchNext { cursor: open.cursor, dest: open.row, end: after });
        self.skip_offset(limits, next);
        self.loop_depth += 1;
        let result = self.deliver(to, open.row, limits);
        self.loop_depth -= 1;
        result?;
        self.builder.bind(next);
        self.builder.emit(Goto { target: top });
        self.builder.bind(open.row_tier);
        Ok(())
    }

    fn rows_of(&self, pipeline: &mut Pipeline<'_>, wanted: &Wanted<'_>) -> Option<BatchRows> {
        let collations: Vec<Collation> = wanted.output.iter().map(ordering_collation).collect();
        let distinct = wanted.distinct == Distinct::Anywhere;
        let custom = |collation: &Collation| matches!(collation, Collation::Custom(_));
        if wanted.order_by.iter().any(|term| custom(&term.collation)) || (distinct && collations.iter().any(custom)) {
            return None;
        }
        let columns: Option<Vec<Slot>> = wanted.output.iter().map(|e| pipeline.compile(e)).collect();
        let keys: Option<Vec<Slot>> = wanted.order_by.iter().map(|term| pipeline.compile(&term.expr)).collect();
        Some(BatchRows {
            columns: columns?,
            keys: keys?,
            order: Arc::new(self.order_key(wanted.order_by)),
            distinct,
            equality: self.set_key(&collations),
            keep: None,
        })
    }
}
