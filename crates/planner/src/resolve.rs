//! Finding the table or view that a name means: `temp` hides `main`, which hides attached databases in their order.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{Name, QualifiedName};
use turso_program::DbIndex;
use turso_schema::Table;

use crate::context::PlanContext;

/// The databases in the order of name resolution.
pub(crate) fn resolution_order(context: &PlanContext<'_>) -> impl Iterator<Item = DbIndex> + use<> {
    let count = context.catalogue.database_count();
    [1usize, 0].into_iter().chain(2..count.max(2)).filter(move |&i| i < count).map(|i| DbIndex(i as u16))
}

/// The database, or `unknown database x`.
pub(crate) fn find_database(context: &PlanContext<'_>, name: &Name) -> Result<DbIndex> {
    let unknown = || Error::sql(format!("unknown database {}", name.as_written())).with_sql_offset(name.offset);
    context.catalogue.find_database(&name.text).ok_or_else(unknown)
}

/// The table or view, or `no such table: x`.
pub(crate) fn find_table(context: &PlanContext<'_>, name: &QualifiedName) -> Result<(DbIndex, Arc<Table>)> {
    let wanted = &name.name.text;
    match &name.schema {
        Some(schema) => {
            let db = context.catalogue.find_database(&schema.text);
            let found = db.and_then(|db| Some((db, context.catalogue.schema(db).qualified_table(wanted)?.clone())));
            found.ok_or_else(|| Error::sql(format!("no such table: {}.{wanted}", schema.text)))
        }
        None => find_unqualified(context, wanted).ok_or_else(|| Error::sql(format!("no such table: {wanted}"))),
    }
}

/// The first table or view of this name.
pub(crate) fn find_unqualified(context: &PlanContext<'_>, name: &str) -> Option<(DbIndex, Arc<Table>)> {
    resolution_order(context).find_map(|db| Some((db, context.catalogue.schema(db).table(name)?.clone())))
}
