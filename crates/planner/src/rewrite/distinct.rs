//! DISTINCT that has nothing to do goes.
//!
//! Precondition: one table, no aggregate, and the result holds its rowid or all columns of a unique index that are NOT NULL, so
//! no two rows are equal.

use turso_schema::IndexKey;

use crate::plan::{ColumnIndex, Core, Expr, Relation};

/// Drop DISTINCT where it is redundant.
pub(super) fn drop_redundant(core: &mut Core) {
    if !core.distinct || core.is_aggregate() || !core.windows.is_empty() {
        return;
    }
    let [source] = core.sources.as_slice() else { return };
    let Relation::Table { table, .. } = &source.relation else { return };
    let shown = |column: ColumnIndex, key_collation: Option<&turso_value::Collation>| {
        core.output.iter().any(|e| match e {
            Expr::Column { source: s, column: c, collation, .. } => {
                *s == source.id && *c == column && key_collation.is_none_or(|k| k == collation)
            }
            _ => false,
        })
    };
    let by_rowid = table.has_rowid() && shown(ColumnIndex::Rowid, None);
    let by_key = table.indexes.iter().any(|index| {
        index.unique
            && index.partial.is_none()
            && index.columns.iter().all(|c| match c.key {
                IndexKey::Column(i) => {
                    table.columns.get(i).is_some_and(|column| column.not_null.is_some())
                        && shown(ColumnIndex::Column(i as u16), Some(&c.collation))
                }
                _ => false,
            })
    });
    if by_rowid || by_key {
        crate::reached::note(crate::reached::Rule::Distinct);
        core.distinct = false;
    }
}
