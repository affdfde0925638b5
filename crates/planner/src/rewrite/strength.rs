//! An outer join becomes a weaker one.
//!
//! Precondition: some condition of WHERE (or, where there is no RIGHT or FULL JOIN, of an inner join's ON) cannot be true while
//! all columns of a source are NULL. Then no row survives in which a LEFT JOIN has found nothing for it, nor one of a RIGHT JOIN
//! further right that has found nothing on its left.
//!
//! ```text
//!   the source is the right side:          LEFT -> inner, FULL -> RIGHT
//!   the source is on the left of a join:   RIGHT -> inner, FULL -> LEFT
//! ```
//! The conditions of a join that has become inner filter like any other once no RIGHT or FULL JOIN is left, and the loops may be
//! reordered. One join reduced can make the condition that reduces the next.

use turso_functions::FunctionFlags;

use crate::plan::{BinaryOp, Core, Expr, InSet, JoinKind, SourceId, UnaryOp};

/// Reduce what can be reduced.
pub(super) fn reduce(core: &mut Core) {
    let inner = |join: JoinKind| matches!(join, JoinKind::Inner | JoinKind::Cross);
    if core.sources.iter().all(|s| inner(s.join)) {
        return;
    }
    while weaken_one(core) {
        if core.sources.iter().any(|s| matches!(s.join, JoinKind::Right | JoinKind::Full)) {
            continue;
        }
        for source in core.sources.iter_mut().filter(|s| inner(s.join)) {
            core.filter.append(&mut source.on);
        }
    }
}

fn weaken_one(core: &mut Core) -> bool {
    for at in 0..core.sources.len() {
        let outer = core.sources.iter().skip(at).any(|s| !matches!(s.join, JoinKind::Inner | JoinKind::Cross));
        let id = core.sources[at].id;
        if !outer || !core.filter.iter().any(|e| never_true(e, id)) {
            continue;
        }
        let mut changed = false;
        for (i, source) in core.sources.iter_mut().enumerate().skip(at) {
            let weaker = match source.join {
                JoinKind::Left if i == at => JoinKind::Inner,
                JoinKind::Full if i == at => JoinKind::Right,
                JoinKind::Right if i > at => JoinKind::Inner,
                JoinKind::Full if i > at => JoinKind::Left,
                same => same,
            };
            changed |= weaker != source.join;
            source.join = weaker;
        }
        if changed {
            crate::reached::note(crate::reached::Rule::Strength);
            return true;
        }
    }
    false
}

/// True when the condition is false or NULL whenever all columns of the source are NULL.
fn never_true(e: &Expr, source: SourceId) -> bool {
    match e {
        Expr::And(left, right) => never_true(left, source) || never_true(right, source),
        Expr::Or(left, right) => never_true(left, source) && never_true(right, source),
        Expr::IsNull { expr, negated: true } => is_null(expr, source),
        Expr::Between { expr, negated: false, low, high, .. } => {
            is_null(expr, source) || (is_null(low, source) || is_null(high, source))
        }
        Expr::Between { expr, negated: true, .. } => is_null(expr, source),
        Expr::In { left, negated: false, .. } => left.iter().all(|e| is_null(e, source)) && !left.is_empty(),
        Expr::In { left, set: InSet::List(list), negated: true, .. } => {
            matches!(left.as_slice(), [one] if is_null(one, source)) && !list.is_empty()
        }
        Expr::IsTrue { expr, if_null: false, negate: false } => never_true(expr, source),
        _ => is_null(e, source),
    }
}

/// True when the expression is NULL whenever all columns of the source are.
fn is_null(e: &Expr, source: SourceId) -> bool {
    match e {
        Expr::Column { source: s, .. } => *s == source,
        Expr::FirstOf { values, .. } => values.iter().all(|e| is_null(e, source)),
        Expr::Unary { op: UnaryOp::Negate | UnaryOp::BitNot | UnaryOp::Plus | UnaryOp::Plain | UnaryOp::Not, expr }
        | Expr::Cast { expr, .. }
        | Expr::Collate { expr, .. } => is_null(expr, source),
        Expr::Binary { op, left, right } => {
            let _: &BinaryOp = op;
            is_null(left, source) || is_null(right, source)
        }
        Expr::Compare { left, right, null_equal: false, .. } => is_null(left, source) || is_null(right, source),
        Expr::Function { function, args, .. } if function.flags.has(FunctionFlags::LIKE) => {
            args.iter().any(|a| is_null(a, source))
        }
        _ => false,
    }
}
