//! A join condition that stands in every arm of an OR stands beside the OR: `(a = b AND x) OR (a = b AND y)` becomes
//! `a = b AND (x OR y)`.
//!
//! Precondition: the condition is an equality between columns of two sources. Others are left where they are, since arms that
//! are searched one by one (`MULTI-INDEX OR`) show rows in an order of their own.

use turso_program::expression::CompareOp;

use crate::bind::split_conjuncts;
use crate::plan::{Core, Expr, same_expr};

/// Longer disjunctions stay as they are: looking for what is common costs more than it brings.
const MOST_ARMS: usize = 32;

/// Take out what is common to the arms of each OR among the conditions.
pub(super) fn factor(core: &mut Core) {
    if core.sources.len() < 2 || !core.filter.iter().any(|e| matches!(e, Expr::Or(..))) {
        return;
    }
    let mut factored = Vec::with_capacity(core.filter.len());
    for condition in std::mem::take(&mut core.filter) {
        factor_one(condition, &mut factored);
    }
    core.filter = factored;
}

fn factor_one(condition: Expr, list: &mut Vec<Expr>) {
    let mut arms = Vec::new();
    arms_of(&condition, &mut arms);
    if arms.len() < 2 || arms.len() > MOST_ARMS {
        list.push(condition);
        return;
    }
    let mut conjuncts: Vec<Vec<Expr>> = arms
        .into_iter()
        .map(|arm| {
            let mut list = Vec::new();
            split_conjuncts(arm.clone(), &mut list);
            list
        })
        .collect();
    let common: Vec<Expr> = match conjuncts.split_first() {
        Some((first, others)) => {
            let everywhere = |e: &&Expr| joins(e) && others.iter().all(|arm| arm.iter().any(|x| same_condition(x, e)));
            first.iter().filter(everywhere).cloned().collect()
        }
        None => Vec::new(),
    };
    if common.is_empty() {
        list.push(condition);
        return;
    }
    crate::reached::note(crate::reached::Rule::FactorOr);
    for arm in &mut conjuncts {
        arm.retain(|e| !common.iter().any(|c| same_condition(c, e)));
    }
    list.extend(common);
    // An arm that says nothing else is true where the common part is.
    if conjuncts.iter().any(Vec::is_empty) {
        return;
    }
    let arms =
        conjuncts.into_iter().filter_map(|arm| arm.into_iter().reduce(|a, b| Expr::And(Box::new(a), Box::new(b))));
    list.extend(arms.reduce(|a, b| Expr::Or(Box::new(a), Box::new(b))));
}

fn arms_of<'e>(e: &'e Expr, arms: &mut Vec<&'e Expr>) {
    match e {
        Expr::Or(left, right) => {
            arms_of(left, arms);
            arms_of(right, arms);
        }
        other => arms.push(other),
    }
}

/// An equality between columns of two sources.
fn joins(e: &Expr) -> bool {
    let Expr::Compare { op: CompareOp::Eq, left, right, null_equal: false, .. } = e else { return false };
    match (left.without_collate(), right.without_collate()) {
        (Expr::Column { source: a, .. }, Expr::Column { source: b, .. }) => a != b,
        _ => false,
    }
}

/// The same equality, either way round.
fn same_condition(a: &Expr, b: &Expr) -> bool {
    if same_expr(a, b) {
        return true;
    }
    match (a, b) {
        (
            Expr::Compare { op: CompareOp::Eq, left: l, right: r, how: h, null_equal: n },
            Expr::Compare { op: CompareOp::Eq, left: m, right: s, how: i, null_equal: o },
        ) => n == o && h == i && same_expr(l, s) && same_expr(r, m),
        _ => false,
    }
}
