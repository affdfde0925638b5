//! CREATE VIRTUAL TABLE, and the part that a module has in DROP and in ALTER TABLE RENAME.
//!
//! What a module does may be SQL that changes the schema once more. So it is called last, when the catalogue and the schema
//! cookie show what the statement itself has changed.

use std::sync::Arc;

use turso_error::Result;
use turso_parser::ast::CreateVirtualTable;
use turso_program::DbIndex;
use turso_program::schema::DropTable;
use turso_program::virtual_table::{VCreate, VDestroy, VRename};
use turso_schema::Table;

use super::{SchemaRows, change_cookie, delete_schema_rows, place_for_create, store_definition};
use crate::emit::Emitter;

/// Emit CREATE VIRTUAL TABLE.
pub(crate) fn create_virtual_table(e: &mut Emitter<'_>, statement: &CreateVirtualTable) -> Result<()> {
    let Some(db) = place_for_create(e, &statement.name, false, statement.if_not_exists)? else {
        return Ok(());
    };
    let name = &statement.name.name;
    let sql = format!("CREATE VIRTUAL TABLE {}", String::from_utf8_lossy(statement.definition.of(e.context.sql)));
    store_definition(e, db, "table", &name.text, &sql);
    e.builder.emit(VCreate { db, name: (&*name.text).into() });
    Ok(())
}

/// Emit the end of DROP TABLE for a virtual table.
pub(crate) fn drop_virtual_table(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<()> {
    // A statement that could not destroy the table must fail before it has changed anything.
    e.context.catalogue.virtual_table(db, table)?;
    delete_schema_rows(e, db, SchemaRows::OfTable(&table.name));
    change_cookie(e, db);
    e.builder.emit(VDestroy { db, name: table.name.clone() });
    e.builder.emit(DropTable { db, name: table.name.clone() });
    Ok(())
}

/// Emit the end of ALTER TABLE RENAME for a virtual table.
pub(crate) fn rename_virtual_table(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, to: &str) -> Result<()> {
    let connected = e.context.catalogue.virtual_table(db, table)?;
    e.builder.emit(VRename { db, table: connected.used.clone(), name: to.into() });
    Ok(())
}
