//! Rewrites of logical queries: each rule is one file with its precondition.
//!
//! | file | rule |
//! |---|---|
//! | `fold` | an expression of constants becomes its value |
//! | `strength` | a LEFT JOIN whose NULL rows cannot pass WHERE becomes an inner join |
//! | `flatten` | a subquery in FROM becomes part of the query around it |
//! | `union_all` | a UNION ALL in FROM becomes a UNION ALL of the query around it |
//! | `exists_join` | WHERE EXISTS over one table becomes a join with it |
//! | `factor_or` | a join condition in every arm of an OR stands beside the OR |
//! | `carry` | a constant that a column equals is carried to the columns of subqueries that equal it |
//! | `push_down` | a condition on a subquery's columns moves into it |
//! | `omit_join` | a LEFT JOIN that neither adds nor multiplies rows, and is not read, goes |
//! | `distinct` | DISTINCT over rows that a key tells apart goes |
//! | `indexed` | an expression that an index holds becomes a column |
//!
//! Inner queries come first, so a rule sees its subqueries in their final form. No rule changes the result, nor the order of
//! rows that SQLite would show.

mod carry;
mod distinct;
mod exists_join;
mod factor_or;
mod flatten;
mod fold;
mod indexed;
mod omit_join;
mod push_down;
mod strength;
mod substitute;
mod union_all;

use crate::context::PlanContext;
use crate::plan::{Body, Core, Expr, JoinKind, OrderTerm, Query, Relation, Source, VisitMut, walk_query_mut};

/// Queries nested deeper than this stay as they are.
const MOST_DEPTH: u32 = 64;

/// The query becomes what it is after all rewrites.
pub fn rewrite(query: &mut Query, context: &PlanContext<'_>) {
    let mut rewriter = Rewriter { context, depth: 0, exists: false, indexed: false };
    rewriter.query(query);
    if rewriter.exists {
        ExistsJoiner.query(query);
    }
    if rewriter.indexed {
        indexed::put_columns(query, context);
    }
}

/// Rewrite an expression by itself, as it would be within a query: what an index holds must look like what queries ask.
pub fn rewrite_expr(expr: &mut Expr, context: &PlanContext<'_>) {
    Rewriter { context, depth: 0, exists: false, indexed: false }.expr(expr);
}

struct Rewriter<'r, 'a> {
    context: &'r PlanContext<'a>,
    depth: u32,
    /// An EXISTS has been met.
    exists: bool,
    /// A table with an index on an expression has been met.
    indexed: bool,
}

/// Joins the tables of EXISTS; outer queries come first, so that what is inside of one that was joined stays.
struct ExistsJoiner;

impl VisitMut for ExistsJoiner {
    fn query(&mut self, q: &mut Query) {
        if q.limit.is_none() {
            exists_join::join_in(&mut q.body);
        }
        walk_query_mut(self, q);
    }
}

impl VisitMut for Rewriter<'_, '_> {
    fn query(&mut self, q: &mut Query) {
        if self.depth >= MOST_DEPTH {
            return;
        }
        self.depth += 1;
        walk_query_mut(self, q);
        self.depth -= 1;
        rewrite_query(q, self.context, 0);
    }

    fn core(&mut self, c: &mut Core) {
        self.indexed |= indexed::has_indexed_expressions(c);
        crate::plan::walk_core_mut(self, c);
    }

    fn expr(&mut self, e: &mut Expr) {
        self.exists |= matches!(e, Expr::Exists { negated: false, .. });
        crate::plan::walk_expr_mut(self, e);
        fold::fold(e);
    }
}

/// Apply the rules to one query whose inner queries are done.
fn rewrite_query(query: &mut Query, context: &PlanContext<'_>, depth: u32) {
    if !matches!(query.body, Body::Core(_)) {
        // The arms of a compound have no ORDER BY or LIMIT of their own.
        rewrite_arms(&mut query.body, context, depth);
        return;
    }
    if let Body::Core(core) = &mut query.body {
        if is_plain(core) {
            factor_or::factor(core);
            return;
        }
        strength::reduce(core);
    }
    while flatten::flatten_one(query) {}
    union_all::count(query);
    if union_all::flatten(query) {
        rewrite_arms(&mut query.body, context, depth);
        return;
    }
    if let Body::Core(core) = &mut query.body {
        after_flattening(core, &query.order_by, context, depth);
    }
}

/// Tables and inner joins without DISTINCT: no rule has anything to do.
fn is_plain(core: &Core) -> bool {
    let plain = |s: &Source| {
        matches!(s.relation, Relation::Table { .. }) && matches!(s.join, JoinKind::Inner | JoinKind::Cross)
    };
    !core.distinct && core.sources.iter().all(plain)
}

fn rewrite_arms(body: &mut Body, context: &PlanContext<'_>, depth: u32) {
    match body {
        Body::Core(core) => {
            strength::reduce(core);
            while flatten::flatten_arm(core) {}
            after_flattening(core, &[], context, depth);
        }
        Body::Values(_) => {}
        Body::Compound { left, right, .. } => {
            rewrite_arms(left, context, depth);
            rewrite_arms(right, context, depth);
        }
    }
}

fn after_flattening(core: &mut Core, order_by: &[OrderTerm], context: &PlanContext<'_>, depth: u32) {
    strength::reduce(core);
    carry::carry(core);
    push_down(core, context, depth);
    // What is left of an OR is not moved into subqueries: there it would compare otherwise than SQLite has it.
    factor_or::factor(core);
    strength::reduce(core);
    omit_join::omit_unread(core, order_by);
    distinct::drop_redundant(core);
}

/// Move conditions into the subqueries that stay; what they let inside may be moved further.
fn push_down(core: &mut Core, context: &PlanContext<'_>, depth: u32) {
    if depth >= MOST_DEPTH {
        return;
    }
    for position in 0..core.sources.len() {
        if push_down::push_into(core, position)
            && let Some(source) = core.sources.get_mut(position)
            && let crate::plan::Relation::Query { query, .. } = &mut source.relation
        {
            rewrite_query(query, context, depth + 1);
        }
    }
}
