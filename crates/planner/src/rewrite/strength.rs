//! A LEFT JOIN becomes an inner join.
//!
//! Precondition: some condition of WHERE (or of an inner join's ON) cannot be true while all columns of the right side are NULL.
//! The join's own conditions then filter like any other, and the loops may be reordered. One join reduced can make the
//! condition that reduces the next.

use turso_functions::FunctionFlags;

use crate::plan::{BinaryOp, Core, Expr, InSet, JoinKind, SourceId, UnaryOp};

/// Reduce what can be reduced.
pub(super) fn reduce(core: &mut Core) {
    // With a RIGHT JOIN around, WHERE is not the next thing that sees the rows.
    if core.sources.iter().any(|s| matches!(s.join, JoinKind::Right | JoinKind::Full)) {
        return;
    }
    loop {
        let reducible = core
            .sources
            .iter()
            .position(|s| s.join == JoinKind::Left && core.filter.iter().any(|e| never_true(e, s.id)));
        let Some(at) = reducible else { return };
        let source = &mut core.sources[at];
        source.join = JoinKind::Inner;
        core.filter.append(&mut source.on);
    }
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
        Expr::Unary { op: UnaryOp::Negate | UnaryOp::BitNot | UnaryOp::Plus | UnaryOp::Not, expr }
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
