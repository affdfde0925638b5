//! Cores whose rows are folded: into one row, or into groups.

use std::sync::Arc;

use turso_error::Result;
use turso_functions::FunctionFlags;
use turso_program::Regs;
use turso_program::batch::{BatchAggregate, BatchGroups, BatchNext, BatchSink, Slot};
use turso_program::control::{Gosub, Goto};
use turso_program::data::Copy;
use turso_schema::{IndexColumn, IndexKey};
use turso_value::Collation;

use super::super::Emitter;
use super::super::select_aggregate::{Aggregates, is_extreme};
use super::OpenBatch;
use super::pipeline::Pipeline;
use crate::plan::{Access, ColumnIndex, Core, Expr, JoinPlan, OrderTerm, Relation};

impl Emitter<'_> {
    /// Emit a pipeline for a core that folds its rows, if there is one. The rows of its result are the keys in the order of
    /// `terms`, then what the registers of `aggregates` hold of a finished group; groups are sorted, or come as their first rows do.
    pub(in crate::emit) fn batch_groups(
        &mut self,
        core: &Core,
        plan: &JoinPlan,
        (terms, sorted): (&[OrderTerm], bool),
        aggregates: &Aggregates<'_>,
    ) -> Result<Option<OpenBatch>> {
        let bare = aggregates.bare_expressions();
        let mut read: Vec<&Expr> = terms.iter().map(|term| &term.expr).chain(&bare).collect();
        for aggregate in &core.aggregates {
            read.extend(aggregate.args.iter().chain(&aggregate.filter));
        }
        let Some(mut pipeline) = Pipeline::new(self, core, plan, read.clone()) else { return Ok(None) };
        let groups = pipeline.load(&read).and_then(|()| self.groups_of(&mut pipeline, core, terms, aggregates, &bare));
        match groups {
            Some(groups) => {
                let groups = BatchGroups { sorted, ..groups };
                self.open_batch(pipeline, BatchSink::Groups(groups)).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Emit a pipeline for a core whose groups are the rows of an index that does not cover: a scan of the table, whose rows come in
    /// the same order within each group, and the groups sorted as the index has them.
    pub(in crate::emit) fn batch_groups_of_index(
        &mut self,
        core: &Core,
        plan: &JoinPlan,
        terms: &[OrderTerm],
        aggregates: &Aggregates<'_>,
    ) -> Result<Option<(OpenBatch, Vec<OrderTerm>)>> {
        let ([source], [level]) = (&*core.sources, &*plan.levels) else { return Ok(None) };
        let (Access::IndexScan { index, covering: false, reverse: false }, Relation::Table { table, .. }) =
            (&level.access, &source.relation)
        else {
            return Ok(None);
        };
        let term_of = |column: &IndexColumn| -> Option<OrderTerm> {
            let IndexKey::Column(at) = column.key else { return None };
            let is_column = |t: &&OrderTerm| {
                matches!(t.expr.without_collate(), Expr::Column { source: s, column: ColumnIndex::Column(c), .. }
                    if *s == source.id && usize::from(*c) == at)
            };
            let term = terms.iter().find(is_column).filter(|term| term.collation == column.collation)?;
            Some(OrderTerm { descending: column.descending, nulls_reversed: false, ..term.clone() })
        };
        let ordered: Option<Vec<OrderTerm>> = index.columns.iter().map(term_of).collect();
        let Some(ordered) = ordered.filter(|ordered| ordered.len() == terms.len()) else { return Ok(None) };
        if index.partial.is_some() || !table.has_rowid() {
            return Ok(None);
        }
        let mut scan = plan.clone();
        scan.levels.iter_mut().for_each(|level| level.access = Access::Scan { reverse: false });
        let open = self.batch_groups(core, &scan, (&ordered, true), aggregates)?;
        Ok(open.map(|open| (open, ordered)))
    }

    fn groups_of(
        &self,
        pipeline: &mut Pipeline<'_>,
        core: &Core,
        terms: &[OrderTerm],
        aggregates: &Aggregates<'_>,
        bare: &[Expr],
    ) -> Option<BatchGroups> {
        // Columns that follow the row of a minimum or maximum are left to the row tier.
        if aggregates.follows_extreme() || terms.iter().any(|term| matches!(term.collation, Collation::Custom(_))) {
            return None;
        }
        let keys: Option<Vec<Slot>> = terms.iter().map(|term| pipeline.compile(&term.expr)).collect();
        let mut list = Vec::with_capacity(core.aggregates.len());
        for aggregate in &core.aggregates {
            let flags = aggregate.function.flags;
            let custom = matches!(aggregate.collation, Collation::Custom(_));
            if flags.has(FunctionFlags::USER)
                || flags.has(FunctionFlags::SUBTYPE)
                || flags.has(FunctionFlags::RESULT_SUBTYPE)
                || custom
                || !aggregate.order_by.is_empty()
            {
                return None;
            }
            let args: Option<Vec<Slot>> = aggregate.args.iter().map(|arg| pipeline.compile(arg)).collect();
            let filter = match &aggregate.filter {
                Some(filter) => Some(pipeline.compile(filter)?),
                None => None,
            };
            list.push(BatchAggregate {
                function: aggregate.function.clone(),
                args: args?,
                collation: aggregate.collation.clone(),
                filter,
                // DISTINCT means nothing to min and max.
                distinct: aggregate.distinct && !is_extreme(aggregate),
            });
        }
        let first: Option<Vec<Slot>> = bare.iter().map(|e| pipeline.compile(e)).collect();
        let order = Arc::new(self.order_key(terms));
        Some(BatchGroups { keys: keys?, order, sorted: true, aggregates: list, first: first? })
    }

    /// Emit the only row of a pipeline without keys, and where the code of the row tier starts; that code ends where `after` is
    /// bound.
    pub(in crate::emit) fn batch_only_row(&mut self, open: OpenBatch, content: Regs, after: turso_program::Label) {
        self.builder.emit(BatchNext { cursor: open.cursor, dest: open.row, end: after });
        self.builder.emit(Copy { from: open.row.first, to: content.first, count: content.count });
        self.builder.emit(Goto { target: after });
        self.builder.bind(open.row_tier);
    }

    /// Emit the loop over the groups of a pipeline. `keys` says which of the row's values each key of a group is; `flush` is the
    /// subroutine for a finished group, `end` follows the last one.
    pub(in crate::emit) fn batch_group_rows(
        &mut self,
        open: OpenBatch,
        (keys, places): (Regs, &[usize]),
        content: Regs,
        (return_to, flush): (turso_program::Reg, turso_program::Label),
        end: turso_program::Label,
    ) {
        let top = self.builder.label_here();
        self.builder.emit(BatchNext { cursor: open.cursor, dest: open.row, end });
        for (i, &place) in places.iter().enumerate() {
            self.builder.emit(Copy { from: open.row.at(place), to: keys.at(i), count: 1 });
        }
        if content.count > 0 {
            let from = open.row.at((open.row.count - content.count) as usize);
            self.builder.emit(Copy { from, to: content.first, count: content.count });
        }
        self.builder.emit(Gosub { return_to, target: flush });
        self.builder.emit(Goto { target: top });
        self.builder.bind(open.row_tier);
    }
}
