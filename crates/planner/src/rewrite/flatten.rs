//! A subquery (or view) in FROM becomes part of the query around it (`optoverview.html`, section 11).
//!
//! Precondition: the subquery is one core with FROM, neither DISTINCT nor aggregate, without windows, and
//! - its LIMIT, if any, becomes that of the outer query: which then has one source and nothing that sees rows before the LIMIT;
//! - its ORDER BY, if any, becomes that of the outer query when that has none and one source; it is dropped where the outer
//!   query orders or joins; an aggregate or an arm of a compound needs it where it is;
//! - as right side of a LEFT JOIN it is one table and only plain columns of it are read, since a NULL row makes columns NULL but not
//!   other expressions; its conditions go to the ON clause;
//! - with a RIGHT or FULL JOIN inside it comes first in FROM; the outer query has none; nothing random is read, and no expression with a subquery is read twice.

use super::substitute::{Count, Substitute, is_too_much, sources_read};
use crate::plan::{Body, Core, Expr, JoinKind, OrderTerm, Query, Relation, VisitMut};

/// Sources of one core, as many as the optimizer takes.
const MOST_SOURCES: usize = 64;

/// Flatten one subquery of the query; false when none can be.
pub(super) fn flatten_one(query: &mut Query) -> bool {
    let limited = query.limit.is_some() || query.offset.is_some();
    let Body::Core(core) = &mut query.body else { return false };
    let Some(at) = (0..core.sources.len()).find(|&at| can_flatten(core, at, &query.order_by, Some(limited))) else {
        return false;
    };
    let Some(mut inner) = flatten_at(core, at, &mut query.order_by) else { return false };
    crate::reached::note(crate::reached::Rule::Flatten);
    if inner.limit.is_some() {
        query.limit = inner.limit.take();
        query.offset = inner.offset.take();
    }
    if query.order_by.is_empty() && core.sources.len() == inner.sources && !core.is_aggregate() && !core.distinct {
        query.order_by = inner.order_by;
        for term in &mut query.order_by {
            term.output = core.output.iter().position(|e| crate::plan::same_expr(e, &term.expr));
        }
    }
    true
}

/// As [`flatten_one`], for an arm of a compound.
pub(super) fn flatten_arm(core: &mut Core) -> bool {
    let Some(at) = (0..core.sources.len()).find(|&at| can_flatten(core, at, &[], None)) else { return false };
    flatten_at(core, at, &mut Vec::new()).is_some()
}

/// `limited`: the outer query has a LIMIT; `None`: it is an arm of a compound.
pub(super) fn can_flatten(core: &Core, at: usize, order_by: &[OrderTerm], limited: Option<bool>) -> bool {
    let Some(source) = core.sources.get(at) else { return false };
    let Relation::Query { query: sub, materialize, .. } = &source.relation else { return false };
    let Body::Core(inner) = &sub.body else { return false };
    let right = |s: &crate::plan::Source| matches!(s.join, JoinKind::Right | JoinKind::Full);
    if *materialize == Some(true)
        || !sub.ctes.is_empty()
        || !inner.only_joins()
        || (inner.sources.iter().any(right) && (at > 0 || source.join != JoinKind::Inner))
        || core.sources.iter().any(right)
        || core.sources.iter().any(|s| matches!(s.relation, Relation::Recursive { .. }))
        || core.sources.len() + inner.sources.len() > MOST_SOURCES + 1
    {
        return false;
    }
    let alone = core.sources.len() == 1;
    if sub.limit.is_some() || sub.offset.is_some() {
        let plain = core.output.iter().all(|e| matches!(e, Expr::Column { .. }));
        let free =
            limited == Some(false) && core.filter.is_empty() && order_by.is_empty() && plain && core.windows.is_empty();
        if !alone || !free || core.is_aggregate() || core.distinct {
            return false;
        }
    } else if !sub.order_by.is_empty() {
        let keeps = limited.is_some() && alone && order_by.is_empty() && !core.distinct;
        let drops = !order_by.is_empty() || !alone;
        // What an aggregate like group_concat sees comes in this order; so do the rows of a compound's arm.
        if core.is_aggregate() || !core.windows.is_empty() || limited.is_none() || !(keeps || drops) {
            return false;
        }
    }
    let count = Count::of(source.id, inner.output.len(), core, order_by);
    if count.blocked || is_too_much(&inner.output, &count.columns, 1) {
        return false;
    }
    let mut read = inner.output.iter().zip(&count.columns).filter(|(_, n)| **n > 0);
    if source.join == JoinKind::Left {
        let [only] = inner.sources.as_slice() else { return false };
        let is_column = |e: &Expr| matches!(e, Expr::Column { source, .. } if *source == only.id);
        return matches!(only.relation, Relation::Table { .. })
            && !core.is_aggregate()
            && read.all(|(e, _)| is_column(e));
    }
    // Functions may be dear too: their results are not computed twice.
    read.all(|(e, n)| *n < 2 || !e.has_subquery())
}

/// What the outer query takes over besides sources and conditions.
struct Inner {
    order_by: Vec<OrderTerm>,
    limit: Option<Expr>,
    offset: Option<Expr>,
    sources: usize,
}

fn flatten_at(core: &mut Core, at: usize, order_by: &mut [OrderTerm]) -> Option<Inner> {
    let outer = core.sources.remove(at);
    let Relation::Query { query: sub, .. } = outer.relation else { return None };
    let sub = *sub;
    let Body::Core(inner) = sub.body else { return None };
    let mut inner = *inner;
    let reads = sources_read(&inner.output);
    let mut substitute = Substitute::new(outer.id, &inner.output, &reads);
    let mut on = outer.on;
    for e in &mut on {
        substitute.expr(e);
    }
    substitute.core(core);
    for term in order_by.iter_mut() {
        substitute.expr(&mut term.expr);
    }
    let taken = inner.sources.len();
    if let Some(first) = inner.sources.first_mut() {
        first.join = outer.join;
        if outer.join == JoinKind::Left {
            on.append(&mut inner.filter);
            first.on = on;
        }
    }
    core.sources.splice(at..at, inner.sources);
    let outer_filter = std::mem::take(&mut core.filter);
    core.filter = inner.filter;
    core.filter.extend(outer_filter);
    Some(Inner { order_by: sub.order_by, limit: sub.limit, offset: sub.offset, sources: taken })
}
