//! CREATE TRIGGER.

use turso_error::{Error, Result};
use turso_parser::ast::{self, CreateTrigger, TriggerTime};
use turso_program::DbIndex;
use turso_program::cursor::Close;

use super::create_view::{Variables, check_databases};
use super::{
    SchemaRecord, TEMP, append_schema_row, change_cookie, check_object_name, database_for_create, ensure_file_format,
    open_schema_table, parse_schema, schema_of,
};
use crate::emit::Emitter;

/// Emit CREATE TRIGGER.
pub(crate) fn create_trigger(e: &mut Emitter<'_>, statement: &CreateTrigger) -> Result<()> {
    let name = &statement.name.name;
    if statement.temporary && statement.name.schema.is_some() {
        return Err(Error::sql("temporary trigger may not have qualified name"));
    }
    let mut db = database_for_create(e, &statement.name, statement.temporary, "trigger")?;
    // A trigger without a schema on a temporary table is temporary.
    if statement.name.schema.is_none()
        && statement.table.schema.is_none()
        && schema_of(e, TEMP).table(&statement.table.name.text).is_some()
    {
        db = TEMP;
    }
    e.uses_database(db, false);
    if has_variables(statement) {
        return Err(Error::sql("trigger cannot use variables"));
    }
    let Some(table) = find_subject(e, db, statement)? else {
        let table = &statement.table.name.text;
        let database = match &statement.table.schema {
            Some(schema) => schema.text.to_string(),
            None if db == TEMP => return Err(Error::sql(format!("no such table: {table}"))),
            None => e.context.catalogue.database_name(db).to_string(),
        };
        return Err(Error::sql(format!("no such table: {database}.{table}")));
    };
    if table.is_virtual() {
        return Err(Error::sql("cannot create triggers on virtual tables"));
    }
    check_object_name(e, &name.text)?;
    if schema_of(e, db).trigger(&name.text).is_some() {
        if statement.if_not_exists {
            return Ok(());
        }
        let written = name.written(e.context.sql);
        return Err(Error::sql(format!("trigger {written} already exists")).with_sql_offset(name.offset));
    }
    e.uses_database(db, true);
    if e.context.options.defensive && crate::shadow::is_shadow(e.context, db, &table.name) {
        return Err(Error::sql("cannot create triggers on shadow tables"));
    }
    if table.name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_")) {
        return Err(Error::sql("cannot create trigger on system table"));
    }
    let shown = &statement.table.name.text;
    match (table.is_view(), statement.time) {
        (true, Some(TriggerTime::InsteadOf)) | (false, None | Some(TriggerTime::Before | TriggerTime::After)) => {}
        (true, time) => {
            let word = if time == Some(TriggerTime::After) { "AFTER" } else { "BEFORE" };
            return Err(Error::sql(format!("cannot create {word} trigger on view: {shown}")));
        }
        (false, Some(TriggerTime::InsteadOf)) => {
            return Err(Error::sql(format!("cannot create INSTEAD OF trigger on table: {shown}")));
        }
    }
    // A temporary trigger may change tables of any database.
    if db != TEMP && statement.body.iter().any(ast::TriggerStep::is_qualified) {
        return Err(Error::sql(
            "qualified table names are not allowed on INSERT, UPDATE, and DELETE statements within triggers",
        ));
    }
    check_databases(e, db, ("trigger", &name.text), |finder| {
        ast::visit::walk_statement(finder, &ast::Statement::CreateTrigger(Box::new(statement.clone())));
    })?;
    let sql = format!("CREATE TRIGGER {}", String::from_utf8_lossy(statement.definition.of(e.context.sql)));
    ensure_file_format(e, db);
    let cursor = open_schema_table(e, db);
    let row = SchemaRecord { kind: "trigger", name: &name.text, table: &table.name, root: None, sql: Some(&sql) };
    append_schema_row(e, db, cursor, &row);
    e.builder.emit(Close { cursor });
    change_cookie(e, db);
    parse_schema(e, db, Some(format!("type='trigger' AND name='{}'", name.text.replace('\'', "''"))));
    Ok(())
}

/// The table or view that the trigger watches. Only temporary triggers may watch another database.
fn find_subject(
    e: &Emitter<'_>,
    db: DbIndex,
    statement: &CreateTrigger,
) -> Result<Option<std::sync::Arc<turso_schema::Table>>> {
    let name = &statement.table.name.text;
    if let Some(schema) = &statement.table.schema {
        let Some(other) = e.context.catalogue.find_database(&schema.text) else { return Ok(None) };
        if other != db && db != TEMP {
            let trigger = &statement.name.name.text;
            return Err(Error::sql(format!("trigger {trigger} cannot reference objects in database {}", schema.text)));
        }
        return Ok(schema_of(e, other).qualified_table(name).cloned());
    }
    if db != TEMP {
        return Ok(schema_of(e, db).table(name).cloned());
    }
    let order = std::iter::once(TEMP).chain((0..e.context.catalogue.database_count()).map(|i| DbIndex(i as u16)));
    for db in order {
        if let Some(table) = schema_of(e, db).table(name) {
            return Ok(Some(table.clone()));
        }
    }
    Ok(None)
}

fn has_variables(statement: &CreateTrigger) -> bool {
    let mut finder = Variables(false);
    let as_statement = ast::Statement::CreateTrigger(Box::new(statement.clone()));
    ast::visit::walk_statement(&mut finder, &as_statement);
    finder.0
}
