//! A UNION ALL in FROM becomes a UNION ALL of the query around it (`optoverview.html`, section 11, on compound subqueries).
//!
//! ```text
//!   SELECT e FROM (A UNION ALL B) AS u, t WHERE p    =>    SELECT e FROM A, t WHERE p  UNION ALL  SELECT e FROM B, t WHERE p
//! ```
//! So each arm finds its rows by its own indexes, and joins in an order of its own.
//!
//! Precondition: every arm can become part of the query around it as a subquery by itself could (see `flatten`), and all arms
//! give each column the same affinity. The outer query neither folds rows nor drops equal ones, and is ordered, if at all, by
//! result columns. The outer query is small: it is copied for each arm, with the copies that were made inside of it.
//!
//! `SELECT count(*)` over one adds up what its arms count.

use turso_value::Value;

use super::flatten;
use crate::bind::affinity_of;
use crate::plan::{
    BinaryOp, Body, CompoundOp, Core, Expr, JoinKind, Query, Relation, Source, Visit, walk_core, walk_query,
};

/// More arms than this stay together: the outer query is copied for each.
const MOST_ARMS: usize = 32;

/// All copies of the outer query together hold no more cores and queries than this. Without a bound, queries nested beside a
/// UNION ALL each would double at every level.
const MOST_COPIED: usize = 128;

/// Counts cores and queries.
#[derive(Default)]
struct Size(usize);

impl Visit for Size {
    fn query(&mut self, query: &Query) {
        self.0 += 1;
        walk_query(self, query);
    }

    fn core(&mut self, core: &Core) {
        self.0 += 1;
        walk_core(self, core);
    }
}

/// The size of a core without that of a query in its FROM.
fn size_beside(core: &Core, sub: &Query) -> usize {
    let (mut whole, mut part) = (Size::default(), Size::default());
    whole.core(core);
    part.query(sub);
    whole.0.saturating_sub(part.0)
}

/// The arms of a UNION ALL of plain cores.
fn arms(sub: &Query) -> Option<Vec<&Core>> {
    let plain = sub.order_by.is_empty() && sub.limit.is_none() && sub.offset.is_none() && sub.ctes.is_empty();
    if !plain || !matches!(sub.body, Body::Compound { .. }) {
        return None;
    }
    let mut arms = Vec::new();
    let mut rest = &sub.body;
    loop {
        let (left, last) = match rest {
            Body::Compound { op: CompoundOp::UnionAll, left, right, .. } => (Some(left), &**right),
            other => (None, other),
        };
        let Body::Core(core) = last else { return None };
        arms.push(&**core);
        match left {
            Some(left) if arms.len() < MOST_ARMS => rest = left,
            Some(_) => return None,
            None => break,
        }
    }
    arms.reverse();
    Some(arms)
}

/// One arm as a subquery by itself.
fn alone(arm: &Core, sub: &Query) -> Query {
    Query {
        body: Body::Core(Box::new(arm.clone())),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        columns: sub.columns.clone(),
        outer: sub.outer.clone(),
        ctes: Vec::new(),
        number: 0,
    }
}

fn union_of(source: &Source) -> Option<(&Query, Vec<&Core>)> {
    let Relation::Query { query: sub, materialize, .. } = &source.relation else { return None };
    if *materialize == Some(true) || source.join != JoinKind::Inner || source.exists {
        return None;
    }
    Some((sub, arms(sub)?))
}

/// Turn the query into a UNION ALL over the arms of one in its FROM; false when there is none that allows it.
pub(super) fn flatten(query: &mut Query) -> bool {
    let Body::Core(core) = &query.body else { return false };
    if core.is_aggregate() || core.distinct || core.having.is_some() || !core.windows.is_empty() {
        return false;
    }
    if query.order_by.iter().any(|term| term.output.is_none()) {
        return false;
    }
    let mut copies = Vec::new();
    for (at, source) in core.sources.iter().enumerate() {
        let Some((sub, arms)) = union_of(source) else { continue };
        if size_beside(core, sub).saturating_mul(arms.len()) > MOST_COPIED {
            continue;
        }
        let same = |e: &Expr, other: &Expr| affinity_of(e) == affinity_of(other);
        let Some((first, others)) = arms.split_first() else { continue };
        if !others.iter().all(|arm| arm.output.iter().zip(&first.output).all(|(e, other)| same(e, other))) {
            continue;
        }
        copies = arms.iter().map(|arm| with_arm(core, at, alone(arm, sub))).collect();
        if copies.iter().all(|copy| flatten::can_flatten(copy, at, &[], None)) {
            break;
        }
        copies.clear();
    }
    let mut copies = copies.into_iter().map(|core| Box::new(Body::Core(Box::new(core))));
    let Some(mut body) = copies.next() else { return false };
    let collations: Vec<_> = query.columns.iter().map(|c| c.collation.clone()).collect();
    for right in copies {
        let op = CompoundOp::UnionAll;
        body = Box::new(Body::Compound { op, left: body, right, collations: collations.clone() });
    }
    crate::reached::note(crate::reached::Rule::UnionAll);
    query.body = *body;
    // The terms of a compound's ORDER BY are result columns and nothing else.
    query.order_by.iter_mut().for_each(|term| term.expr = Expr::Literal(Value::Null));
    true
}

/// The core with the source at this position replaced.
fn with_arm(core: &Core, at: usize, arm: Query) -> Core {
    let mut copy = core.clone();
    if let Some(source) = copy.sources.get_mut(at) {
        source.relation = Relation::Query { query: Box::new(arm), materialize: None, view: None };
    }
    copy
}

/// `SELECT count(*)` over a UNION ALL becomes a sum.
pub(super) fn count(query: &mut Query) {
    let Body::Core(core) = &mut query.body else { return };
    let ([source], [aggregate], [Expr::Aggregate { core: id, index: 0 }]) =
        (&*core.sources, &*core.aggregates, &*core.output)
    else {
        return;
    };
    let counts = aggregate.function.flags.has(turso_functions::FunctionFlags::COUNT)
        && aggregate.args.is_empty()
        && aggregate.filter.is_none()
        && *id == core.id;
    let bare = core.filter.is_empty() && core.group_by.is_empty() && core.having.is_none() && core.windows.is_empty();
    if !counts || !bare || core.distinct || !query.order_by.is_empty() {
        return;
    }
    let Some((sub, arms)) = union_of(source) else { return };
    if arms.iter().any(|arm| arm.is_aggregate() || arm.distinct || !arm.windows.is_empty()) {
        return;
    }
    let counted = |arm: &&Core| {
        let mut counting = alone(arm, sub);
        counting.columns = query.columns.clone();
        let mut core = (*arm).clone();
        core.output = vec![Expr::Aggregate { core: core.id, index: 0 }];
        core.aggregates = vec![aggregate.clone()];
        counting.body = Body::Core(Box::new(core));
        Expr::Subquery(Box::new(counting))
    };
    let add = |left, right| Expr::Binary { op: BinaryOp::Add, left: Box::new(left), right: Box::new(right) };
    let Some(sum) = arms.iter().map(counted).reduce(add) else { return };
    crate::reached::note(crate::reached::Rule::UnionCount);
    core.sources.clear();
    core.aggregates.clear();
    core.output = vec![sum];
}
