//! A LEFT JOIN that is not read goes (`optoverview.html`, section 17).
//!
//! Precondition: the query is no aggregate; nothing but the join's own ON reads the right side; and ON fixes the rowid or all
//! columns of a unique index, so that each row on the left comes out exactly once (or the query is DISTINCT).

use turso_program::expression::CompareOp;
use turso_schema::IndexKey;

use super::substitute::Count;
use crate::plan::{ColumnIndex, CompareHow, Core, Expr, JoinKind, OrderTerm, Relation, Source, SourceId};

/// Remove what can go.
pub(super) fn omit_unread(core: &mut Core, order_by: &[OrderTerm]) {
    if core.is_aggregate() || !core.windows.is_empty() || core.sources.len() < 2 {
        return;
    }
    let mut at = core.sources.len();
    while at > 1 {
        at -= 1;
        let source = &core.sources[at];
        if source.join != JoinKind::Left || !(core.distinct || at_most_one(source)) {
            continue;
        }
        let removed = core.sources.remove(at);
        if is_read(core, removed.id, order_by) {
            core.sources.insert(at, removed);
        } else {
            crate::reached::note(crate::reached::Rule::OmitJoin);
        }
    }
}

fn is_read(core: &Core, id: SourceId, order_by: &[OrderTerm]) -> bool {
    let count = Count::of(id, 0, core, order_by);
    // With no columns to count, whatever is read blocks.
    count.blocked
}

/// ON finds at most one row of the table.
fn at_most_one(source: &Source) -> bool {
    let Relation::Table { table, .. } = &source.relation else { return false };
    let fixed = |column: ColumnIndex, collation: Option<&turso_value::Collation>| {
        source.on.iter().any(|e| {
            let Expr::Compare { op: CompareOp::Eq, left, right, how, null_equal: false } = e else { return false };
            let side = |column_side: &Expr, value: &Expr| {
                is_column(column_side, source.id, column, how) && !reads(value, source.id)
            };
            (side(left, right) || side(right, left)) && collation.is_none_or(|c| *c == how.collation)
        })
    };
    if table.has_rowid() && fixed(ColumnIndex::Rowid, None) {
        return true;
    }
    table.indexes.iter().any(|index| {
        index.unique
            && index.partial.is_none()
            && index.columns.iter().all(|c| match c.key {
                IndexKey::Column(i) if table.has_rowid() && table.rowid_alias == Some(i) => {
                    fixed(ColumnIndex::Rowid, None)
                }
                IndexKey::Column(i) => fixed(ColumnIndex::Column(i as u16), Some(&c.collation)),
                _ => false,
            })
    })
}

fn is_column(e: &Expr, id: SourceId, column: ColumnIndex, how: &CompareHow) -> bool {
    match e.without_collate() {
        Expr::Column { source, column: c, affinity, .. } => {
            *source == id && *c == column && crate::optimize::index_serves(*affinity, how)
        }
        _ => false,
    }
}

fn reads(e: &Expr, id: SourceId) -> bool {
    let mut found = false;
    e.for_each_column(|s, _| found |= s == id);
    found
}
