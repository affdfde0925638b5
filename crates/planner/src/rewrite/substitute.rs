//! Replacing the columns of a source by expressions.

use turso_value::Value;

use crate::plan::{
    ColumnIndex, Core, Expr, OrderTerm, Query, SourceId, UnaryOp, Visit, VisitMut, walk_expr, walk_expr_mut,
    walk_query, walk_query_mut,
};

/// Replaces every column of `source` by the expression at its position in `by`, in subqueries too.
pub(super) struct Substitute<'s> {
    pub source: SourceId,
    pub by: &'s [Expr],
    /// Sources that the expressions read: enclosed queries that read `source` read these instead.
    pub reads: &'s [SourceId],
    /// The place is an operand of an operator that has its own collation.
    inside: bool,
}

impl<'s> Substitute<'s> {
    pub fn new(source: SourceId, by: &'s [Expr], reads: &'s [SourceId]) -> Self {
        Self { source, by, reads, inside: false }
    }
}

/// COLLATE operators go: what they decide has been noted where it is needed.
struct Uncollate;

impl VisitMut for Uncollate {
    fn expr(&mut self, e: &mut Expr) {
        while let Expr::Collate { expr, .. } = e {
            *e = std::mem::replace(&mut **expr, Expr::Literal(Value::Null));
        }
        walk_expr_mut(self, e);
    }

    fn query(&mut self, _: &mut Query) {}
}

impl VisitMut for Substitute<'_> {
    fn expr(&mut self, e: &mut Expr) {
        if let Expr::Column { source, column: ColumnIndex::Column(i), .. } = e {
            if *source == self.source
                && let Some(by) = self.by.get(usize::from(*i))
            {
                *e = by.clone();
                // A column's collation is not that of the call that it is an argument of; that of a COLLATE operator is.
                if self.inside {
                    Uncollate.expr(e);
                }
            }
            return;
        }
        let outside = self.inside;
        self.inside |= !matches!(
            e,
            Expr::Collate { .. } | Expr::Cast { .. } | Expr::Unary { op: UnaryOp::Plus | UnaryOp::Plain, .. }
        );
        walk_expr_mut(self, e);
        self.inside = outside;
    }

    fn query(&mut self, q: &mut Query) {
        let outside = std::mem::replace(&mut self.inside, false);
        if q.outer.contains(&self.source) {
            q.outer.retain(|id| *id != self.source);
            for id in self.reads {
                if !q.outer.contains(id) {
                    q.outer.push(*id);
                }
            }
        }
        walk_query_mut(self, q);
        self.inside = outside;
    }
}

/// The sources of which an expression reads columns.
pub(super) fn sources_read(list: &[Expr]) -> Vec<SourceId> {
    let mut ids = Vec::new();
    for e in list {
        e.for_each_column(|id, _| {
            if !ids.contains(&id) {
                ids.push(id);
            }
        });
    }
    ids
}

/// What stands for columns may hold so many expressions altogether, in each place beyond the first. Without a bound, subqueries
/// within each other that read a column twice each would double it with every level.
const MOST_COPIED: usize = 10_000;

/// What `by` holds is too much to stand wherever its columns are read: as often as `counts` says, of which `free` cost nothing.
pub(super) fn is_too_much(by: &[Expr], counts: &[u32], free: u32) -> bool {
    let mut sum = 0_usize;
    by.iter().zip(counts).filter(|(_, count)| **count > free).any(|(e, count)| {
        sum = sum.saturating_add(nodes(e).saturating_mul((count - free) as usize));
        sum > MOST_COPIED
    })
}

/// The number of expressions in an expression, its subqueries included.
fn nodes(e: &Expr) -> usize {
    struct Nodes(usize);
    impl Visit for Nodes {
        fn expr(&mut self, e: &Expr) {
            self.0 += 1;
            walk_expr(self, e);
        }
    }
    let mut nodes = Nodes(0);
    nodes.expr(e);
    nodes.0
}

/// How often each column of a source is read, and whether something reads it that cannot be replaced.
pub(super) struct Count {
    source: SourceId,
    pub columns: Vec<u32>,
    /// The rowid is read, or a common table expression reads the source.
    pub blocked: bool,
}

impl Count {
    fn new(source: SourceId, width: usize) -> Self {
        Self { source, columns: vec![0; width], blocked: false }
    }

    /// What one expression reads.
    pub fn in_expr(source: SourceId, width: usize, e: &Expr) -> Self {
        let mut count = Self::new(source, width);
        count.expr(e);
        count
    }

    pub fn of(source: SourceId, width: usize, core: &Core, order_by: &[OrderTerm]) -> Self {
        let mut count = Self::new(source, width);
        count.core(core);
        for term in order_by {
            count.expr(&term.expr);
        }
        count
    }
}

impl Visit for Count {
    fn expr(&mut self, e: &Expr) {
        if let Expr::Column { source, column, .. } = e {
            if *source == self.source {
                match column {
                    ColumnIndex::Column(i) => match self.columns.get_mut(usize::from(*i)) {
                        Some(n) => *n += 1,
                        None => self.blocked = true,
                    },
                    ColumnIndex::Rowid => self.blocked = true,
                }
            }
            return;
        }
        walk_expr(self, e);
    }

    fn query(&mut self, q: &Query) {
        // Common table expressions are shared and cannot be changed.
        let reads = |e: &Expr| e.any(|e| matches!(e, Expr::Column { source, .. } if *source == self.source));
        let mut blocked = false;
        for cte in &q.ctes {
            cte.query.for_each_column(|id, _| blocked |= id == self.source);
            for arm in cte.recursive.iter().flat_map(|r| &r.arms) {
                arm.for_each_column(|id, _| blocked |= id == self.source);
            }
            blocked |= cte.recursive.iter().flat_map(|r| r.limit.iter().chain(&r.offset)).any(reads);
        }
        self.blocked |= blocked;
        walk_query(self, q);
    }
}
