//! Foreign keys: what is not built yet is refused where it would have to be enforced.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::DbIndex;
use turso_schema::Table;

use super::Emitter;

/// True when changes of the table's rows have to be checked: it is a child, or the parent of some table of its database.
pub(crate) fn is_involved(e: &Emitter<'_>, db: DbIndex, table: &Table) -> bool {
    if !e.context.options.foreign_keys {
        return false;
    }
    !table.foreign_keys.is_empty() || is_parent(e, db, table)
}

fn is_parent(e: &Emitter<'_>, db: DbIndex, table: &Table) -> bool {
    let schema = e.context.catalogue.schema(db);
    schema.tables.values().any(|t| t.foreign_keys.iter().any(|k| k.parent.eq_ignore_ascii_case(&table.name)))
}

/// Refuse a change of rows that foreign keys would have to follow.
pub(crate) fn require_none(e: &Emitter<'_>, db: DbIndex, table: &Table) -> Result<()> {
    if is_involved(e, db, table) {
        return Err(Error::sql(format!("foreign key enforcement is not supported yet (table {})", table.name)));
    }
    Ok(())
}

/// DROP TABLE deletes the rows first when other tables refer to them.
pub(crate) fn drop_table(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<()> {
    if e.context.options.foreign_keys && is_parent(e, db, table) {
        return require_none(e, db, table);
    }
    Ok(())
}
