//! When two bound expressions are certain to have the same value on the same row.

use turso_functions::FunctionDef;

use super::{CaseArm, CompareHow, Expr, InSet, RowValue};

/// True when both expressions are built alike from the same columns, constants and functions. Subqueries are never the
/// same: telling would cost more than it saves. The caller decides about functions that are not deterministic.
pub fn same_expr(a: &Expr, b: &Expr) -> bool {
    use Expr::*;
    match (a, b) {
        (Literal(x), Literal(y)) => x == y && x.value_type() == y.value_type(),
        (Column { source: s, column: c, .. }, Column { source: t, column: d, .. }) => s == t && c == d,
        (Parameter(x), Parameter(y)) => x == y,
        (Unary { op: o, expr: x }, Unary { op: p, expr: y }) => o == p && same_expr(x, y),
        (Binary { op: o, left: l, right: r }, Binary { op: p, left: m, right: s }) => {
            o == p && same_expr(l, m) && same_expr(r, s)
        }
        (And(l, r), And(m, s)) | (Or(l, r), Or(m, s)) => same_expr(l, m) && same_expr(r, s),
        (
            Compare { op: o, left: l, right: r, how: h, null_equal: n },
            Compare { op: p, left: m, right: s, how: i, null_equal: q },
        ) => o == p && n == q && h == i && same_expr(l, m) && same_expr(r, s),
        (
            CompareRows { op: o, left: l, right: r, how: h, null_equal: n },
            CompareRows { op: p, left: m, right: s, how: i, null_equal: q },
        ) => o == p && n == q && h == i && same_row(l, m) && same_row(r, s),
        (
            Between { expr: e, low: l, high: h, low_how: lh, high_how: hh, negated: n },
            Between { expr: f, low: m, high: i, low_how: mh, high_how: ih, negated: o },
        ) => n == o && lh == mh && hh == ih && same_expr(e, f) && same_expr(l, m) && same_expr(h, i),
        (
            In { left: l, set: InSet::List(x), how: h, negated: n },
            In { left: m, set: InSet::List(y), how: i, negated: o },
        ) => n == o && h == i && same_list(l, m) && same_list(x, y),
        (Case { base: b, arms: x, otherwise: o, call: i }, Case { base: c, arms: y, otherwise: p, call: j }) => {
            i == j
                && same_option(b.as_deref(), c.as_deref())
                && same_option(o.as_deref(), p.as_deref())
                && x.len() == y.len()
                && x.iter().zip(y).all(|(x, y)| same_arm(x, y))
        }
        (Cast { expr: x, affinity: a }, Cast { expr: y, affinity: b }) => a == b && same_expr(x, y),
        (Collate { expr: x, collation: c, .. }, Collate { expr: y, collation: d, .. }) => c == d && same_expr(x, y),
        (Function { function: f, args: x, collation: c }, Function { function: g, args: y, collation: d }) => {
            std::ptr::eq::<FunctionDef>(&**f, &**g) && c == d && same_list(x, y)
        }
        (FirstOf { values: x, .. }, FirstOf { values: y, .. }) => same_list(x, y),
        (Aggregate { core: c, index: i }, Aggregate { core: d, index: j }) => c == d && i == j,
        (Window { core: c, index: i }, Window { core: d, index: j }) => c == d && i == j,
        (IsNull { expr: x, negated: n }, IsNull { expr: y, negated: o }) => n == o && same_expr(x, y),
        (IsTrue { expr: x, if_null: i, negate: n }, IsTrue { expr: y, if_null: j, negate: o }) => {
            i == j && n == o && same_expr(x, y)
        }
        (Shared(x), Shared(y)) => std::sync::Arc::ptr_eq(x, y),
        (Register { reg: x, .. }, Register { reg: y, .. }) => x == y,
        _ => false,
    }
}

fn same_list(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_expr(a, b))
}

fn same_option(a: Option<&Expr>, b: Option<&Expr>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same_expr(a, b),
        _ => false,
    }
}

fn same_row(a: &RowValue, b: &RowValue) -> bool {
    matches!((a, b), (RowValue::List(a), RowValue::List(b)) if same_list(a, b))
}

fn same_arm(a: &CaseArm, b: &CaseArm) -> bool {
    let how: (&Option<CompareHow>, &Option<CompareHow>) = (&a.how, &b.how);
    how.0 == how.1 && same_expr(&a.when, &b.when) && same_expr(&a.then, &b.then)
}
