//! CREATE VIRTUAL TABLE, and the part that a module has in DROP and in ALTER TABLE RENAME.
//!
//! What a module does may be SQL that changes the schema once more. So it is called last, when the catalogue and the schema
//! cookie show what the statement itself has changed.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::CreateVirtualTable;
use turso_program::DbIndex;
use turso_program::cursor::Close;
use turso_program::schema::DropTable;
use turso_program::virtual_table::{VCreate, VDestroy, VRename};
use turso_schema::Table;

use super::{
    SchemaRecord, SchemaRows, append_schema_row, change_cookie, check_object_name, database_for_create,
    delete_schema_rows, ensure_file_format, open_schema_table, parse_schema, schema_of, table_condition,
};
use crate::emit::Emitter;

/// Emit CREATE VIRTUAL TABLE.
pub(crate) fn create_virtual_table(e: &mut Emitter<'_>, statement: &CreateVirtualTable) -> Result<()> {
    let db = database_for_create(e, &statement.name, false, "table")?;
    let name = &statement.name.name;
    e.uses_database(db, true);
    check_object_name(e, &name.text)?;
    let schema = schema_of(e, db);
    if let Some(existing) = schema.qualified_table(&name.text) {
        if statement.if_not_exists {
            return Ok(());
        }
        let kind = if existing.is_view() { "view" } else { "table" };
        return Err(Error::sql(format!("{kind} {} already exists", name.text)).with_sql_offset(name.offset));
    }
    if schema.index(&name.text).is_some() {
        return Err(Error::sql(format!("there is already an index named {}", name.text)));
    }
    let sql = format!("CREATE VIRTUAL TABLE {}", String::from_utf8_lossy(statement.definition.of(e.context.sql)));
    ensure_file_format(e, db);
    let cursor = open_schema_table(e, db);
    let row = SchemaRecord { kind: "table", name: &name.text, table: &name.text, root: None, sql: Some(&sql) };
    append_schema_row(e, db, cursor, &row);
    e.builder.emit(Close { cursor });
    change_cookie(e, db);
    parse_schema(e, db, Some(table_condition(&name.text)));
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
