//! `WHERE EXISTS (SELECT … FROM t WHERE …)` becomes a join with `t` of which one row is enough.
//!
//! Precondition: the outer query has no LIMIT, with which SQLite leaves it alone; the subquery reads one table and is no aggregate, compound or window query and has no LIMIT. Its result and
//! ORDER BY do not matter. The table then has its place among the loops: behind all sources that its conditions read, so that
//! they all are checked there, and after the first row that passes the loop is left.

use crate::plan::{Body, Core, Expr, JoinKind, Query, Relation, Source};

/// Sources of one core, as many as the optimizer takes.
const MOST_SOURCES: usize = 64;

/// Join what the conditions of the cores ask for.
pub(super) fn join_in(body: &mut Body) {
    match body {
        Body::Core(core) => join(core),
        Body::Values(_) => {}
        Body::Compound { left, right, .. } => {
            join_in(left);
            join_in(right);
        }
    }
}

/// What comes out of a subquery is not looked at again.
fn join(core: &mut Core) {
    if !core.filter.iter().any(|e| matches!(e, Expr::Exists { .. })) {
        return;
    }
    for condition in std::mem::take(&mut core.filter) {
        match condition {
            Expr::Exists { query, negated: false } if core.sources.len() < MOST_SOURCES => match table_of(*query) {
                Ok((source, filter)) => {
                    crate::reached::note(crate::reached::Rule::ExistsJoin);
                    core.sources.push(source);
                    core.filter.extend(filter);
                }
                Err(query) => core.filter.push(Expr::Exists { query, negated: false }),
            },
            other => core.filter.push(other),
        }
    }
}

/// The table of the subquery and its conditions; the query as it was where it is another one.
fn table_of(query: Query) -> Result<(Source, Vec<Expr>), Box<Query>> {
    let plain = query.limit.is_none() && query.offset.is_none() && query.ctes.is_empty();
    match query.body {
        Body::Core(mut core) if plain && reads_one_table(&core) => match core.sources.pop() {
            Some(source) => Ok((Source { exists: true, ..source }, core.filter)),
            None => Err(Box::new(Query { body: Body::Core(core), ..query })),
        },
        body => Err(Box::new(Query { body, ..query })),
    }
}

fn reads_one_table(core: &Core) -> bool {
    let plain = |s: &Source| {
        matches!(s.relation, Relation::Table { .. }) && s.join == JoinKind::Inner && s.on.is_empty() && !s.exists
    };
    matches!(core.sources.as_slice(), [source] if plain(source))
        && !core.is_aggregate()
        && core.having.is_none()
        && core.windows.is_empty()
}
