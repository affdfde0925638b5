//! Cores whose rows are sorted, or of which each comes once: nothing is given out before all rows have been seen; and cores whose
//! rows only have to pass conditions: they are given out as they are found.

use std::sync::Arc;

use turso_error::Result;
use turso_program::batch::{BatchNext, BatchRow, BatchRows, BatchSink, BatchStep, Slot};
use turso_program::control::Goto;
use turso_program::data::Null;
use turso_program::{Label, Regs, SmallTree};
use turso_value::Collation;

use super::super::select::Limits;
use super::super::select_sort::{Distinct, Wanted};
use super::super::{Destination, Emitter};
use super::pipeline::{Pipeline, left_to_rows};
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
        if !takes_rows || wanted.in_order > 0 || wanted.distinct == Distinct::Adjacent {
            return Ok(());
        }
        if wanted.order_by.is_empty() && wanted.distinct == Distinct::No {
            return self.batch_stream(core, plan, wanted.output, limits, to, after);
        }
        let reads: Vec<&Expr> = wanted.output.iter().chain(wanted.order_by.iter().map(|term| &term.expr)).collect();
        let Some(mut pipeline) = Pipeline::new(self, core, plan, reads.clone()) else { return Ok(()) };
        // What is not sorted by is read of rows only that may be among the first ones.
        let first_only = limits.limit.is_some() && wanted.distinct == Distinct::No && pipeline.scans_alone();
        let Some(rows) = self.rows_of(&mut pipeline, wanted, &reads, first_only) else { return Ok(()) };
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

    /// As [`batch_rows`](Self::batch_rows), for rows that are given out as they are found. The loop of the row tier can go on behind
    /// one of them.
    fn batch_stream(
        &mut self,
        core: &Core,
        plan: &JoinPlan,
        output: &[Expr],
        limits: &Limits,
        to: &mut Destination<'_>,
        after: Label,
    ) -> Result<()> {
        // Where all rows are wanted there is nothing to gain: most of the work is giving them out.
        let [level] = &*plan.levels else { return Ok(()) };
        let source = core.sources.get(level.position);
        if level.filters.is_empty() || source.is_none_or(|source| left_to_rows(self, source, SmallTree::ONE_PAGE)) {
            return Ok(());
        }
        let reads: Vec<&Expr> = output.iter().collect();
        let Some(mut pipeline) = Pipeline::new(self, core, plan, reads.clone()) else { return Ok(()) };
        if !pipeline.scans_rowids() || pipeline.load(&reads).is_none() {
            return Ok(());
        }
        let columns: Option<Vec<Slot>> = output.iter().map(|e| pipeline.compile(e)).collect();
        let Some(columns) = columns else { return Ok(()) };
        let resume = self.builder.register();
        self.builder.emit(Null { dest: Regs::new(resume, 1) });
        let open = self.begin_batch(pipeline, BatchSink::Stream(columns))?;
        let (top, next) = (self.builder.label_here(), self.builder.label());
        let (cursor, dest, row_tier) = (open.cursor, open.row, open.row_tier);
        self.builder.emit(BatchRow { cursor, dest, resume, row_tier, end: after });
        self.skip_offset(limits, next);
        self.loop_depth += 1;
        let result = self.deliver(to, dest, limits);
        self.loop_depth -= 1;
        result?;
        self.builder.bind(next);
        self.builder.emit(Goto { target: top });
        self.builder.bind(row_tier);
        self.resume_behind = Some(resume);
        Ok(())
    }

    /// `first_only`: only the first rows are given out.
    fn rows_of(
        &self,
        pipeline: &mut Pipeline<'_>,
        wanted: &Wanted<'_>,
        reads: &[&Expr],
        first_only: bool,
    ) -> Option<BatchRows> {
        let collations: Vec<Collation> = wanted.output.iter().map(ordering_collation).collect();
        let distinct = wanted.distinct == Distinct::Anywhere;
        let custom = |collation: &Collation| matches!(collation, Collation::Custom(_));
        if wanted.order_by.iter().any(|term| custom(&term.collation)) || (distinct && collations.iter().any(custom)) {
            return None;
        }
        if first_only {
            let sorted_by: Vec<&Expr> = wanted.order_by.iter().map(|term| &term.expr).collect();
            pipeline.load(&sorted_by)?;
        } else {
            pipeline.load(reads)?;
        }
        let keys: Option<Vec<Slot>> = wanted.order_by.iter().map(|term| pipeline.compile(&term.expr)).collect();
        let keys = keys?;
        if first_only {
            pipeline.push(BatchStep::Contend { keys: keys.clone(), keep: Vec::new(), rows: false });
            pipeline.load(reads)?;
        }
        let columns: Option<Vec<Slot>> = wanted.output.iter().map(|e| pipeline.compile(e)).collect();
        Some(BatchRows {
            columns: columns?,
            keys,
            order: Arc::new(self.order_key(wanted.order_by)),
            distinct,
            equality: self.set_key(&collations),
            keep: None,
        })
    }
}
