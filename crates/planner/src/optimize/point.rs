//! The shortest way to a plan: one table and one condition, which gives its rowid a known value.
//!
//! There is nothing to choose: the general search finds the same plan (`path::by_rowid`), after it has made terms of the
//! condition. Statements by key are planned so often that this shows.

use turso_program::expression::CompareOp;

use super::{source, terms};
use crate::plan::{Access, ColumnIndex, Core, Expr, JoinPlan, Level, Wish};

/// The estimated cost of a look-up.
const COST: super::cost::LogEst = super::path::ONE_ROW_COST;

/// The plan of `rowid = value`; `None` where it takes more to find one.
pub(super) fn by_rowid(core: &Core, wish: &Wish) -> Option<JoinPlan> {
    let [Expr::Compare { op: CompareOp::Eq, left, right, how, null_equal: false }] = core.filter.as_slice() else {
        return None;
    };
    let source = core.sources.first()?;
    if !wish.order.is_empty() || !source::may_be_one_row(core) || !source.on.is_empty() || source.exists {
        return None;
    }
    let is_key = |e: &Expr| match e {
        Expr::Column { source: of, column: ColumnIndex::Rowid, affinity, .. } => {
            *of == source.id && terms::serves(*affinity, how)
        }
        _ => false,
    };
    let is_known = |e: &Expr| matches!(e, Expr::Literal(_) | Expr::Parameter(_));
    let key = match (left.as_ref(), right.as_ref()) {
        (key, value) | (value, key) if is_key(key) && is_known(value) => value,
        _ => return None,
    };
    let level = Level {
        position: 0,
        source: source.id,
        join: source.join,
        access: Access::Rowid { key: key.clone() },
        filters: Vec::new(),
        after_outer: Vec::new(),
        one_row: true,
        rows: 1.0,
        cost: super::cost::number(COST),
    };
    Some(JoinPlan { levels: vec![level], single_row: true, min_max: wish.min_max, rows: 1.0, ..JoinPlan::default() })
}
