//! From a core and its join plan to scans and steps over slots.
//!
//! Expressions are compiled stage by stage: each condition is a stage, what the sink reads is the last one. A stage decodes the
//! columns that no stage before has decoded, in one pass over the rows that are left. The outermost loop is the scan whose rows go
//! through the pipeline; each loop inside it becomes a side that is built before and looked up (`join`), so that rows come in the
//! order of the nested loops.

use std::sync::Arc;

use turso_program::batch::{
    BatchBound, BatchBuild, BatchColumn, BatchField, BatchPlan, BatchScan, BatchSink, BatchStep, FEWEST_ROWS, Slot,
};
use turso_program::cursor::TreeKind;
use turso_program::{DbIndex, Reg, Root, SmallTree};
use turso_schema::{Index, Table};
use turso_value::Affinity;

use super::super::Emitter;
use super::super::column::{default_value, index_position, stored_position};
use super::super::loops::is_primary_tree;
use super::expr::measured;
use crate::context::Tier;
use crate::plan::{
    Access, Bound, ColumnIndex, Core, EqualTerm, Expr, JoinKind, JoinPlan, Relation, Source, SourceId, Visit, walk_expr,
};

/// Slots of a pipeline, most of which are used between two joins only.
const MOST_SLOTS: u16 = 1000;

/// The rows of one source, as they are scanned.
pub(super) struct Rows {
    source: SourceId,
    table: Arc<Table>,
    /// The rows are those of a covering index.
    index: Option<Arc<Index>>,
}

/// A scan whose bounds have no registers yet.
pub(super) struct Scanned<'c> {
    scan: BatchScan,
    low: Option<&'c Bound>,
    high: Option<&'c Bound>,
}

/// A pipeline under construction.
pub(super) struct Pipeline<'c> {
    pub(super) core: &'c Core,
    /// What columns are decoded from; `None` once a join has made other rows of them.
    pub(super) rows: Option<Rows>,
    scan: Scanned<'c>,
    forced: bool,
    slots: u16,
    pub(super) steps: Vec<BatchStep>,
    /// Columns that are at hand.
    pub(super) columns: Vec<(SourceId, ColumnIndex, Slot)>,
    /// Expressions that have been computed.
    pub(super) known: Vec<(Expr, Slot)>,
    /// Expressions that have one value for the whole run.
    pub(super) constants: Vec<(Expr, Slot)>,
    /// Conditions that read no row.
    pub(super) constant_filters: &'c [Expr],
    pub(super) builds: Vec<BatchBuild>,
    /// What the sink and the loops inside read.
    pub(super) reads: Vec<&'c Expr>,
    /// What the last look-up has found.
    pub(super) found: Option<Slot>,
    /// Nesting of the expression in hand.
    pub(super) depth: u32,
}

impl<'c> Pipeline<'c> {
    /// A pipeline over the rows of the core's loops, of which the sink will read `reads`; `None` where there is none.
    pub(super) fn new(e: &Emitter<'_>, core: &'c Core, plan: &'c JoinPlan, reads: Vec<&'c Expr>) -> Option<Self> {
        let tier = e.context.options.tier;
        let first = plan.levels.first()?;
        let source = core.sources.get(first.position)?;
        let plain = matches!(first.join, JoinKind::Inner | JoinKind::Cross) && !source.exists;
        let subqueries = plan.constant_filters.iter().any(Expr::has_subquery);
        if tier == Tier::Row || !plain || plan.min_max || plan.single_row || subqueries {
            return None;
        }
        // Where pipelines join they want more pages than one.
        let most = if plan.levels.len() > 1 { SmallTree::ONE_PAGE } else { FEWEST_ROWS - 1 };
        if left_to_rows(e, source, most) {
            return None;
        }
        let (rows, scan) = scanned(e, source, &first.access)?;
        let mut pipeline = Self {
            core,
            rows: Some(rows),
            scan,
            forced: tier == Tier::Batch,
            slots: 0,
            steps: Vec::new(),
            columns: Vec::new(),
            known: Vec::new(),
            constants: Vec::new(),
            constant_filters: &plan.constant_filters,
            builds: Vec::new(),
            reads,
            found: None,
            depth: 0,
        };
        let bounds = [pipeline.scan.low, pipeline.scan.high];
        if !bounds.into_iter().flatten().all(|bound| pipeline.is_plain_bound(bound)) {
            return None;
        }
        for level in &plan.levels {
            pipeline.reads.extend(level.filters.iter().chain(&level.after_outer));
            pipeline.reads.extend(looked_up(&level.access));
        }
        pipeline.filters(&first.filters)?;
        pipeline.filters(&first.after_outer)?;
        for level in plan.levels.iter().skip(1) {
            pipeline.join(e, level, &first.filters)?;
        }
        Some(pipeline)
    }

    /// The rows are those of a table with rowids, in their order, and no joins.
    pub(super) fn scans_rowids(&self) -> bool {
        self.scan.scan.kind == TreeKind::Table && self.scans_alone()
    }

    /// There are no joins.
    pub(super) fn scans_alone(&self) -> bool {
        self.builds.is_empty()
    }

    fn is_plain_bound(&self, bound: &Bound) -> bool {
        matches!(&*bound.values, [value] if self.is_constant(value))
    }

    /// Go on with the rows that pass all of these.
    pub(super) fn filters<'f>(&mut self, filters: impl IntoIterator<Item = &'f Expr>) -> Option<()> {
        for filter in filters {
            self.load(&[filter])?;
            let condition = self.compile(filter)?;
            self.steps.push(BatchStep::Filter { condition, keep: Vec::new(), rows: false });
        }
        Some(())
    }

    /// A slot that nothing writes to yet.
    pub(super) fn slot(&mut self) -> Option<Slot> {
        if self.slots >= MOST_SLOTS {
            return None;
        }
        self.slots += 1;
        Some(Slot(self.slots - 1))
    }

    pub(super) fn push(&mut self, step: BatchStep) {
        self.steps.push(step);
    }

    /// The column is one of the rows that go through.
    pub(super) fn is_own(&self, source: SourceId) -> bool {
        self.core.sources.iter().any(|s| s.id == source)
    }

    /// The slot of a column that is at hand.
    pub(super) fn column(&self, source: SourceId, column: ColumnIndex) -> Option<Slot> {
        self.columns.iter().find(|(s, c, _)| *s == source && *c == column).map(|(_, _, slot)| *slot)
    }

    /// Decode the columns that the expressions read of the rows in hand and nobody has read before.
    pub(super) fn load(&mut self, expressions: &[&Expr]) -> Option<()> {
        let Some(rows) = &self.rows else { return Some(()) };
        let source = rows.source;
        let found = columns_of(source, expressions);
        self.load_columns(source, &found)
    }

    pub(super) fn load_columns(&mut self, source: SourceId, wanted: &[ColumnIndex]) -> Option<()> {
        let mut columns = Vec::new();
        for &column in wanted {
            if self.column(source, column).is_none() {
                let dest = self.slot()?;
                columns.push(self.rows.as_ref()?.stored(column, dest)?);
                self.columns.push((source, column, dest));
            }
        }
        if !columns.is_empty() {
            columns.sort_by_key(|column| column.field);
            self.steps.push(BatchStep::Load(columns));
        }
        Some(())
    }

    /// The slot of an expression with one value for the whole run.
    pub(super) fn constant(&mut self, e: &Expr) -> Option<Slot> {
        let same = |known: &Expr| match (known, e) {
            (Expr::Literal(a), Expr::Literal(b)) => a.is_identical(b),
            (known, e) => crate::plan::same_expr(known, e),
        };
        if let Some((_, slot)) = self.constants.iter().find(|(known, _)| same(known)) {
            return Some(*slot);
        }
        let slot = self.slot()?;
        self.constants.push((e.clone(), slot));
        Some(slot)
    }

    /// The expressions whose values the scan starts and ends at.
    pub(super) fn bounds(&self) -> [Option<(&'c Expr, bool)>; 2] {
        let of = |bound: Option<&'c Bound>| bound.and_then(|b| Some((b.values.first()?, b.inclusive)));
        [of(self.scan.low), of(self.scan.high)]
    }

    /// The plan, once registers have been found for the constants and the ends of the scan.
    pub(super) fn finish(
        mut self,
        sink: BatchSink,
        constants: Vec<(Slot, Reg)>,
        ends: [Option<BatchBound>; 2],
    ) -> BatchPlan {
        let is_constant = |slot: Slot| constants.iter().any(|(constant, _)| *constant == slot);
        let mut wanted = vec![false; usize::from(self.slots)];
        sink.visit_slots(&mut |slot| wanted[slot.index()] = true);
        // Of a row that is given out the rowid may be asked for.
        let streams = matches!(sink, BatchSink::Stream(_));
        prune(&mut self.steps, wanted, streams, &is_constant);
        for build in &mut self.builds {
            let mut wanted = vec![false; usize::from(self.slots)];
            build.keys.iter().chain(&build.columns).for_each(|slot| wanted[slot.index()] = true);
            prune(&mut build.steps, wanted, false, &is_constant);
        }
        let [low, high] = ends;
        BatchPlan {
            slots: self.slots,
            builds: self.builds.into_iter().map(Arc::new).collect(),
            scan: BatchScan { low, high, ..self.scan.scan },
            steps: self.steps,
            sink,
            forced: self.forced,
            constants,
        }
    }
}

/// Backwards: what is read behind a step and was there before it goes through it. `decodes`: so do the rows themselves.
fn prune(steps: &mut [BatchStep], mut wanted: Vec<bool>, mut decodes: bool, is_constant: &dyn Fn(Slot) -> bool) {
    let kept = |wanted: &[bool]| -> Vec<Slot> {
        let slots = (0u16..).zip(wanted).filter(|(_, wanted)| **wanted).map(|(slot, _)| Slot(slot));
        slots.filter(|slot| !is_constant(*slot)).collect()
    };
    for step in steps.iter_mut().rev() {
        match step {
            BatchStep::Load(columns) => {
                decodes = true;
                columns.iter().for_each(|column| wanted[column.dest.index()] = false);
            }
            BatchStep::Compute { op, dest } => {
                wanted[dest.index()] = false;
                op.visit_slots(&mut |slot| wanted[slot.index()] = true);
            }
            BatchStep::Filter { condition, keep, rows } => {
                *keep = kept(&wanted);
                *rows = decodes;
                wanted[condition.index()] = true;
            }
            BatchStep::Measure(measure) => {
                decodes = true;
                wanted[measure.column.dest.index()] = false;
            }
            BatchStep::Contend { keys, keep, rows } => {
                keys.iter().for_each(|slot| wanted[slot.index()] = true);
                *keep = kept(&wanted);
                *rows = decodes;
            }
            BatchStep::Expand { found, carry, take, .. } => {
                carry.retain(|(_, to)| wanted[to.index()]);
                take.retain(|(_, to)| wanted[to.index()]);
                carry.iter().for_each(|(_, to)| wanted[to.index()] = false);
                take.iter().for_each(|(_, to)| wanted[to.index()] = false);
                carry.iter().for_each(|(from, _)| wanted[from.index()] = true);
                wanted[found.index()] = true;
            }
        }
    }
}

/// What a path looks rows up by.
fn looked_up(access: &Access) -> Vec<&Expr> {
    match access {
        Access::AutoIndex(auto) => auto.key.iter().map(|key| &key.value).collect(),
        Access::Rowid { key } => vec![key],
        Access::Index(search) => search.equal.iter().filter_map(EqualTerm::value).collect(),
        _ => Vec::new(),
    }
}

/// The columns of a source that the expressions read, each once, but for those that are only [measured].
pub(super) fn columns_of(source: SourceId, expressions: &[&Expr]) -> Vec<ColumnIndex> {
    struct Columns {
        source: SourceId,
        found: Vec<ColumnIndex>,
    }
    impl Visit for Columns {
        fn expr(&mut self, e: &Expr) {
            if measured(e).is_some() {
                // It is measured where it lies; what it is measured against reads no row.
                return;
            }
            match e {
                Expr::Column { source, column, .. } if *source == self.source => {
                    if !self.found.contains(column) {
                        self.found.push(*column);
                    }
                }
                _ => walk_expr(self, e),
            }
        }
    }
    let mut read = Columns { source, found: Vec::new() };
    expressions.iter().for_each(|e| read.expr(e));
    read.found
}

/// Leaves a table of one page, with no more entries than `most`, to the row tier, which is done with it before a pipeline has started.
/// The statement notes that, and looks again when it runs: it is planned anew once the table has twice as many.
pub(super) fn left_to_rows(e: &Emitter<'_>, source: &Source, most: usize) -> bool {
    let Relation::Table { db, table } = &source.relation else { return false };
    if e.context.options.tier != Tier::Auto {
        return false;
    }
    let is_small = e.context.catalogue.entries_at_hand(*db, table.root).is_some_and(|entries| entries <= most);
    if is_small {
        let most = most.saturating_mul(2).min(SmallTree::ONE_PAGE);
        e.statement.small_trees.borrow_mut().push(SmallTree { db: *db, root: table.root, most });
    }
    is_small
}

/// A scan of all rows of a source, or of a range of rowids.
fn scanned<'c>(e: &Emitter<'_>, source: &Source, access: &'c Access) -> Option<(Rows, Scanned<'c>)> {
    let Relation::Table { db, table } = &source.relation else { return None };
    let (mut low, mut high) = (&None, &None);
    let (index, reverse) = match access {
        Access::Scan { reverse } => (None, *reverse),
        Access::RowidRange { low: from, high: to, reverse } => {
            (low, high) = (from, to);
            (None, *reverse)
        }
        Access::IndexScan { index, reverse, .. } if is_primary_tree(table, index) => (None, *reverse),
        Access::IndexScan { index, covering: true, reverse } if index.broken.is_none() => {
            (Some(index.clone()), *reverse)
        }
        _ => return None,
    };
    let (rows, scan) = whole(e, source.id, *db, table, index)?;
    Some((rows, Scanned { scan: BatchScan { reverse, ..scan }, low: low.as_ref(), high: high.as_ref() }))
}

/// A scan of all rows of a table, or of an index that has all columns that are read.
pub(super) fn whole(
    e: &Emitter<'_>,
    source: SourceId,
    db: DbIndex,
    table: &Arc<Table>,
    index: Option<Arc<Index>>,
) -> Option<(Rows, BatchScan)> {
    if table.broken.is_some() {
        return None;
    }
    let (root, kind) = match &index {
        Some(index) => (index.root, TreeKind::Index(e.index_key(db, index))),
        None => (table.root, e.table_kind(db, table)),
    };
    let scan = BatchScan { db, root: Root(root), kind, reverse: false, low: None, high: None };
    Some((Rows { source, table: table.clone(), index }, scan))
}

impl Rows {
    /// The source whose rows these are.
    pub(super) fn source(&self) -> SourceId {
        self.source
    }

    /// Where a column is found in the rows; `None` for one that has to be computed.
    pub(super) fn stored(&self, column: ColumnIndex, dest: Slot) -> Option<BatchColumn> {
        let plain = |field| BatchColumn { field, dest, default: None, real: false };
        let i = match column {
            ColumnIndex::Column(i) if self.table.rowid_alias != Some(usize::from(i)) => usize::from(i),
            _ if !self.table.has_rowid() => return None,
            _ if self.index.is_some() => return Some(plain(BatchField::IndexRowid)),
            _ => return Some(plain(BatchField::Rowid)),
        };
        let definition = self.table.columns.get(i)?;
        if definition.generated.as_ref().is_some_and(|g| !g.stored) {
            return None;
        }
        let real = definition.affinity == Affinity::Real;
        if let Some(index) = &self.index {
            return Some(BatchColumn { real, ..plain(BatchField::Field(index_position(index, i)?)) });
        }
        let field = match self.table.has_rowid() {
            true => stored_position(&self.table, i),
            false => index_position(self.table.indexes.first()?, i)?,
        };
        Some(BatchColumn { real, default: default_value(&self.table, i), ..plain(BatchField::Field(field)) })
    }
}
