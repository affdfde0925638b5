//! Loops inside the outermost one, as sides that are built before and looked up.
//!
//! The rows of a side that join one row come in the order in which the loop would find them: those of an automatic index by their
//! other values, those of an index by its other columns and the rowid, which is the order of the scan.

use std::sync::Arc;

use turso_functions::FunctionFlags;
use turso_program::batch::{BatchBuild, BatchOp, BatchStep, Slot};
use turso_program::expression::CompareOp;
use turso_schema::{IndexKey, Table};
use turso_value::{Affinity, Collation, KeyColumn, KeyInfo};

use super::super::Emitter;
use super::pipeline::{Pipeline, columns_of, whole};
use crate::plan::{Access, ColumnIndex, EqualTerm, Expr, IndexAccess, JoinKind, Level, Relation, Source, SourceId};

/// How the rows of a side are found.
struct Keyed<'c> {
    /// Its columns, what they are compared with, how.
    key: Vec<(ColumnIndex, &'c Expr, Affinity, Collation)>,
    /// Columns whose order is that of the rows with one key, before that of the scan.
    order: Vec<ColumnIndex>,
    /// Conditions on the side alone.
    conditions: &'c [Expr],
    /// An index finds rows one by one.
    indexed: bool,
}

impl<'c> Pipeline<'c> {
    /// Join the rows in hand with those of a loop inside. `first`: the conditions of the outermost loop.
    pub(super) fn join(&mut self, e: &Emitter<'_>, level: &'c Level, first: &[Expr]) -> Option<()> {
        let core = self.core;
        let source = core.sources.get(level.position)?;
        let Relation::Table { db, table } = &source.relation else { return None };
        let outer = match level.join {
            JoinKind::Inner | JoinKind::Cross => false,
            // Conditions of the ON clause decide whether a row joins at all: they would have to be known before.
            JoinKind::Left if level.filters.is_empty() => true,
            _ => return None,
        };
        let keyed = keyed(table, &level.access)?;
        if keyed.key.iter().any(|(.., collation)| matches!(collation, Collation::Custom(_))) {
            return None;
        }
        // What the side must keep: what is read later, and what orders its rows.
        let mut kept = columns_of(source.id, &self.reads);
        kept.extend(keyed.order.iter().filter(|column| !kept.contains(column)).copied().collect::<Vec<_>>());
        let (rows, scan) = whole(e, source.id, *db, table, None)?;
        let outside = Outside {
            rows: self.rows.replace(rows),
            steps: std::mem::take(&mut self.steps),
            columns: std::mem::take(&mut self.columns),
            known: std::mem::take(&mut self.known),
        };
        // What a row of the side decides alone is asked before it is kept.
        let (alone, together): (Vec<&Expr>, Vec<&Expr>) = level.filters.iter().partition(|filter| {
            let mut own = !outer;
            filter.for_each_column(|id, _| own &= id == source.id);
            own
        });
        self.filters(keyed.conditions.iter().chain(alone))?;
        let keys: Vec<ColumnIndex> = keyed.key.iter().map(|(column, ..)| *column).collect();
        self.load_columns(source.id, &[keys.clone(), kept.clone()].concat())?;
        let slots = |p: &Self, columns: &[ColumnIndex]| -> Option<Vec<Slot>> {
            columns.iter().map(|column| p.column(source.id, *column)).collect()
        };
        let info = KeyInfo {
            columns: keyed
                .key
                .iter()
                .map(|(.., c)| KeyColumn { collation: c.clone(), ..KeyColumn::default() })
                .collect(),
            ..e.key_info(Vec::new())
        };
        let place = |column: &ColumnIndex| kept.iter().position(|k| k == column).map(|at| at as u16);
        let order: Option<Vec<u16>> = keyed.order.iter().map(place).collect();
        let build = BatchBuild {
            scan,
            keys: slots(self, &keys)?,
            columns: slots(self, &kept)?,
            steps: std::mem::take(&mut self.steps),
            key: Arc::new(info),
            order: order?,
            asked: keyed.indexed.then(|| share_that_passes(first) * work_of_look_up(level)),
        };
        let number = u16::try_from(self.builds.len()).ok()?;
        self.builds.push(build);
        outside.resume(self);
        self.look_up(number, source, &keyed, outer)?;
        if source.exists {
            // One row is enough; what more is asked of it would have to be asked of each.
            return (together.is_empty() && level.after_outer.is_empty()).then_some(());
        }
        let found = self.found?;
        self.expand(number, found, outer, source.id, &kept)?;
        self.filters(together)?;
        self.filters(&level.after_outer)
    }

    /// Look up the rows in hand in a side.
    fn look_up(&mut self, build: u16, source: &Source, keyed: &Keyed<'c>, outer: bool) -> Option<()> {
        let mut keys = Vec::with_capacity(keyed.key.len());
        for (_, value, affinity, _) in &keyed.key {
            if columns_of(source.id, &[value]).is_empty() {
                self.load(&[value])?;
                keys.push((self.compile(value)?, *affinity));
            } else {
                return None;
            }
        }
        let found = self.slot()?;
        self.push(BatchStep::Compute { op: BatchOp::LookUp { build, keys }, dest: found });
        if !outer {
            self.push(BatchStep::Filter { condition: found, keep: Vec::new(), rows: false });
        }
        self.found = Some(found);
        Some(())
    }

    /// Go on with the pairs: everything that is at hand gets a slot anew.
    fn expand(&mut self, build: u16, found: Slot, outer: bool, source: SourceId, kept: &[ColumnIndex]) -> Option<()> {
        if let Some(rows) = &self.rows {
            // The rows themselves end here: whatever is read of them later is decoded now.
            let outermost = rows.source();
            let wanted = columns_of(outermost, &self.reads);
            self.load_columns(outermost, &wanted)?;
        }
        self.rows = None;
        let mut carry = Vec::new();
        let mut columns = std::mem::take(&mut self.columns);
        for (_, _, slot) in &mut columns {
            let to = self.slot()?;
            carry.push((*slot, to));
            *slot = to;
        }
        let mut known = std::mem::take(&mut self.known);
        for (_, slot) in &mut known {
            let to = self.slot()?;
            carry.push((*slot, to));
            *slot = to;
        }
        let mut take = Vec::with_capacity(kept.len());
        for (at, column) in kept.iter().enumerate() {
            let slot = self.slot()?;
            take.push((at as u16, slot));
            columns.push((source, *column, slot));
        }
        (self.columns, self.known) = (columns, known);
        self.push(BatchStep::Expand { build, found, outer, carry, take });
        Some(())
    }
}

/// The state of a pipeline while a side is built.
struct Outside {
    rows: Option<super::pipeline::Rows>,
    steps: Vec<BatchStep>,
    columns: Vec<(SourceId, ColumnIndex, Slot)>,
    known: Vec<(Expr, Slot)>,
}

impl Outside {
    fn resume(self, pipeline: &mut Pipeline<'_>) {
        pipeline.rows = self.rows;
        pipeline.steps = self.steps;
        pipeline.columns = self.columns;
        pipeline.known = self.known;
    }
}

/// What share of the rows is taken to pass these conditions.
fn share_that_passes(conditions: &[Expr]) -> f32 {
    let share = |e: &Expr| match e {
        Expr::Compare { op: CompareOp::Eq, .. } | Expr::IsNull { negated: false, .. } => 0.1,
        Expr::Function { function, .. } if function.flags.has(FunctionFlags::LIKE) => crate::optimize::share(e),
        _ => 0.3,
    };
    conditions.iter().map(share).product()
}

/// What one look-up in an index costs: where it may find several rows, reading them costs as much again.
fn work_of_look_up(level: &Level) -> f32 {
    if level.one_row { 1.0 } else { 2.0 }
}

/// How a path finds rows by equality.
fn keyed<'c>(table: &Arc<Table>, access: &'c Access) -> Option<Keyed<'c>> {
    match access {
        // Joins of the batch tier look up by `=`.
        Access::AutoIndex(auto) if auto.key.iter().all(|k| !k.nulls) => Some(Keyed {
            key: auto.key.iter().map(|k| (k.column, &k.value, k.affinity, k.collation.clone())).collect(),
            order: auto.extra.iter().map(|&column| ColumnIndex::Column(column)).collect(),
            conditions: &auto.partial,
            indexed: false,
        }),
        Access::Rowid { key } if table.has_rowid() => Some(Keyed {
            key: vec![(ColumnIndex::Rowid, key, Affinity::Numeric, Collation::Binary)],
            order: Vec::new(),
            conditions: &[],
            indexed: true,
        }),
        Access::Index(search) => indexed(table, search),
        _ => None,
    }
}

/// A search in an index by equality on its leading columns.
fn indexed<'c>(table: &Arc<Table>, search: &'c IndexAccess) -> Option<Keyed<'c>> {
    let plain = search.skip == 0 && search.low.is_none() && search.high.is_none() && !search.pattern && !search.reverse;
    if !plain || search.index.partial.is_some() || search.index.broken.is_some() || !table.has_rowid() {
        return None;
    }
    let mut key = Vec::with_capacity(search.equal.len());
    let mut order = Vec::new();
    for (i, column) in search.index.columns.iter().enumerate() {
        let IndexKey::Column(c) = column.key else { return None };
        let index = match table.rowid_alias == Some(c) {
            true => ColumnIndex::Rowid,
            false => ColumnIndex::Column(c as u16),
        };
        match search.equal.get(i) {
            Some(EqualTerm::Equal(value, affinity)) => key.push((index, value, *affinity, column.collation.clone())),
            Some(_) => return None,
            // Rows of one key are ordered as values are: ascending, text by its bytes.
            None if column.descending || !column.collation.is_binary() => return None,
            None => order.push(index),
        }
    }
    // Behind the columns of an index stands the rowid.
    match search.equal.get(search.index.columns.len()..) {
        None | Some([]) => {}
        Some([EqualTerm::Equal(value, affinity)]) => {
            key.push((ColumnIndex::Rowid, value, *affinity, Collation::Binary));
        }
        Some(_) => return None,
    }
    Some(Keyed { key, order, conditions: &[], indexed: true })
}
