//! A constant that a column equals is carried to the columns that equal it: `t.a = 5 AND q.b = t.a` becomes
//! `t.a = 5 AND q.b = 5` (`optoverview.html`, on constant propagation).
//!
//! Precondition: `q` is a subquery in FROM, into which the condition may then move; among tables the optimizer follows
//! equalities by itself. All joins are inner ones. Both columns have the same affinity and both equalities compare in the same
//! way, by BINARY, so that values equal to the constant cannot be told apart.

use turso_program::expression::CompareOp;
use turso_value::Value;

use crate::bind::types::compare_how;
use crate::plan::{ColumnIndex, CompareHow, Core, Expr, JoinKind, Relation, SourceId};

/// `column = constant`.
struct Known {
    source: SourceId,
    column: ColumnIndex,
    value: Value,
    how: CompareHow,
}

/// Carry constants to the columns of subqueries.
pub(super) fn carry(core: &mut Core) {
    let is_query = |relation: &Relation| matches!(relation, Relation::Query { .. });
    let inner = |join: JoinKind| matches!(join, JoinKind::Inner | JoinKind::Cross);
    if core.sources.len() < 2
        || !core.sources.iter().any(|s| is_query(&s.relation))
        || !core.sources.iter().all(|s| inner(s.join))
    {
        return;
    }
    let queries: Vec<SourceId> = core.sources.iter().filter(|s| is_query(&s.relation)).map(|s| s.id).collect();
    let local: Vec<SourceId> = core.sources.iter().map(|s| s.id).collect();
    let mut known: Vec<Known> = core.filter.iter().filter_map(|e| constant_of(e, &local)).collect();
    let mut at = 0;
    // What has been carried may be carried on.
    while at < known.len() {
        for condition in &mut core.filter {
            if let Some(carried) = carried_to(condition, &known[at], &queries) {
                known.extend(constant_of(&carried, &local));
                *condition = carried;
            }
        }
        at += 1;
    }
}

fn equality(e: &Expr) -> Option<(&Expr, &Expr, &CompareHow)> {
    match e {
        Expr::Compare { op: CompareOp::Eq, left, right, how, null_equal: false } if how.collation.is_binary() => {
            Some((left, right, how))
        }
        _ => None,
    }
}

fn constant_of(e: &Expr, local: &[SourceId]) -> Option<Known> {
    let (left, right, how) = equality(e)?;
    match (left, right) {
        (Expr::Column { source, column, .. }, Expr::Literal(value))
        | (Expr::Literal(value), Expr::Column { source, column, .. })
            if local.contains(source) && !matches!(value, Value::Null) =>
        {
            Some(Known { source: *source, column: *column, value: value.clone(), how: how.clone() })
        }
        _ => None,
    }
}

/// The condition between the known column and one of a subquery, as one between that and the constant.
fn carried_to(condition: &Expr, known: &Known, queries: &[SourceId]) -> Option<Expr> {
    let (left, right, _) = equality(condition)?;
    let is_known = |e: &Expr| matches!(e, Expr::Column { source, column, .. } if *source == known.source && *column == known.column);
    let (from, to) = if is_known(left) { (left, right) } else { (right, left) };
    let (Expr::Column { affinity, collation, .. }, Expr::Column { source, affinity: other, collation: theirs, .. }) =
        (from, to)
    else {
        return None;
    };
    if !is_known(from)
        || *source == known.source
        || !queries.contains(source)
        || affinity != other
        || !collation.is_binary()
        || !theirs.is_binary()
    {
        return None;
    }
    let value = Expr::Literal(known.value.clone());
    let how = compare_how(to, &value);
    (how == known.how).then(|| Expr::Compare {
        op: CompareOp::Eq,
        left: Box::new(to.clone()),
        right: Box::new(value),
        how,
        null_equal: false,
    })
}
