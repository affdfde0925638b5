//! What an index on expressions holds becomes a column of its table, behind those that are declared.
//!
//! ```text
//!   CREATE INDEX i ON t(lower(b), c)        SELECT lower(b), c FROM t WHERE lower(b) > 'k'
//!                                       =>  SELECT t.<4>,   c FROM t WHERE t.<4>   > 'k'      (t has the columns 0 to 3)
//! ```
//! So an index can cover a query that reads its expressions only, and where another access is chosen the column is computed, as
//! a generated one is. Precondition: no outer join can make a row of NULLs of the table (of which `coalesce(b, 0)` is 0, whatever
//! the index has). A value that may have a subtype stays as it is where somebody asks for it: indexes keep none.

use std::sync::Arc;

use turso_functions::FunctionFlags;
use turso_schema::{IndexKey, Table};

use crate::bind::{Calls, affinity_of, ordering_collation};
use crate::context::PlanContext;
use crate::optimize::bind_index_expr;
use crate::plan::{
    Body, ColumnIndex, Core, Expr, IndexedExpr, JoinKind, Query, Relation, Source, SourceId, VisitMut, same_expr,
    walk_core_mut, walk_expr_mut, walk_query_mut,
};

/// The table has an index on an expression.
pub(super) fn has_indexed_expressions(core: &Core) -> bool {
    core.sources.iter().any(|source| match &source.relation {
        Relation::Table { table, .. } => is_indexed(table),
        _ => false,
    })
}

fn is_indexed(table: &Table) -> bool {
    table.indexes.iter().any(|index| index.columns.iter().any(|column| matches!(column.key, IndexKey::Expr(_))))
}

/// Put columns in the place of expressions in a query and all queries inside of it.
pub(super) fn put_columns(query: &mut Query, context: &PlanContext<'_>) {
    Columns { context, active: Vec::new(), typed: false }.query(query);
}

/// An expression that stands for a column.
struct Indexed {
    source: SourceId,
    column: u16,
    stands_for: Arc<IndexedExpr>,
    may_have_subtype: bool,
}

struct Columns<'r, 'a> {
    context: &'r PlanContext<'a>,
    /// The expressions of the sources around the place.
    active: Vec<Indexed>,
    /// Whoever uses the value asks for its subtype.
    typed: bool,
}

impl Columns<'_, '_> {
    fn enter(&mut self, body: &mut Body) {
        match body {
            Body::Core(core) => self.enter_core(core),
            Body::Values(_) => {}
            Body::Compound { left, right, .. } => {
                self.enter(left);
                self.enter(right);
            }
        }
    }

    fn enter_core(&mut self, core: &mut Core) {
        if core.sources.iter().any(|s| matches!(s.join, JoinKind::Right | JoinKind::Full)) {
            return;
        }
        for source in core.sources.iter_mut().filter(|s| matches!(s.join, JoinKind::Inner | JoinKind::Cross)) {
            let Relation::Table { table, .. } = &source.relation else { continue };
            if !is_indexed(table) {
                continue;
            }
            let declared = table.columns.len();
            if source.indexed.is_empty() {
                source.indexed = expressions(source, &table.clone(), self.context);
            }
            self.active.extend(source.indexed.iter().enumerate().map(|(i, indexed)| Indexed {
                source: source.id,
                column: (declared + i) as u16,
                stands_for: indexed.clone(),
                may_have_subtype: Calls::NONE.may_have_subtype(&indexed.expr),
            }));
        }
    }
}

/// The expressions of a table's indexes, each once.
fn expressions(source: &Source, table: &Table, context: &PlanContext<'_>) -> Vec<Arc<IndexedExpr>> {
    let mut found: Vec<IndexedExpr> = Vec::new();
    for index in table.indexes_newest_first().into_iter().filter(|index| index.broken.is_none()) {
        for (position, column) in index.columns.iter().enumerate() {
            let IndexKey::Expr(expr) = &column.key else { continue };
            let Some(bound) = bind_index_expr(source, index, expr, context) else { continue };
            let mut reads = false;
            bound.for_each_column(|_, _| reads = true);
            let fits = table.columns.len() + found.len() < usize::from(ColumnIndex::UNCHANGED) - 1;
            let place = (index.name.clone(), position);
            if let Some(known) = found.iter_mut().find(|known| same_expr(&known.expr, &bound)) {
                known.at.push(place);
            } else if reads && fits && !matches!(bound, Expr::Column { .. }) {
                found.push(IndexedExpr { expr: bound, at: vec![place] });
            }
        }
    }
    found.into_iter().map(Arc::new).collect()
}

impl VisitMut for Columns<'_, '_> {
    fn query(&mut self, q: &mut Query) {
        let outside = self.active.len();
        self.enter(&mut q.body);
        walk_query_mut(self, q);
        self.active.truncate(outside);
    }

    fn core(&mut self, c: &mut Core) {
        let asks = |flags: FunctionFlags| flags.has(FunctionFlags::SUBTYPE);
        let typed =
            c.aggregates.iter().any(|a| asks(a.function.flags)) || c.windows.iter().any(|w| asks(w.function.flags));
        let outside = std::mem::replace(&mut self.typed, typed);
        walk_core_mut(self, c);
        self.typed = outside;
    }

    fn expr(&mut self, e: &mut Expr) {
        let fits = |i: &&Indexed| !(self.typed && i.may_have_subtype) && same_expr(&i.stands_for.expr, e);
        if let Some(indexed) = self.active.iter().rev().find(fits) {
            crate::reached::note(crate::reached::Rule::Indexed);
            *e = Expr::Column {
                source: indexed.source,
                column: ColumnIndex::Column(indexed.column),
                affinity: affinity_of(&indexed.stands_for.expr),
                collation: ordering_collation(&indexed.stands_for.expr),
            };
            return;
        }
        let outside = self.typed;
        self.typed |= matches!(e, Expr::Function { function, .. } if function.flags.has(FunctionFlags::SUBTYPE));
        walk_expr_mut(self, e);
        self.typed = outside;
    }
}
