//! CREATE VIEW.

use turso_error::{Error, Result};
use turso_parser::ast::{self, CreateView};
use turso_program::DbIndex;

use super::{TEMP, place_for_create, store_definition};
use crate::emit::Emitter;

/// Emit CREATE VIEW.
pub(crate) fn create_view(e: &mut Emitter<'_>, statement: &CreateView) -> Result<()> {
    if statement.materialized {
        return Err(Error::sql("materialized views are not supported yet"));
    }
    if has_variables(&statement.select) {
        return Err(Error::sql("parameters are not allowed in views"));
    }
    let Some(db) = place_for_create(e, &statement.name, statement.temporary, statement.if_not_exists)? else {
        return Ok(());
    };
    let name = &statement.name.name;
    check_databases(e, db, ("view", &name.text), |finder| ast::visit::Visit::select(finder, &statement.select))?;
    let sql = format!("CREATE VIEW {}", String::from_utf8_lossy(statement.definition.of(e.context.sql)));
    store_definition(e, db, "view", &name.text, &sql);
    Ok(())
}

/// What is in `db` names no table of another database; what is temporary may.
pub(crate) fn check_databases(
    e: &Emitter<'_>,
    db: DbIndex,
    (kind, name): (&str, &str),
    visit: impl FnOnce(&mut OtherDatabases<'_>),
) -> Result<()> {
    if db == TEMP {
        return Ok(());
    }
    let mut finder = OtherDatabases { own: e.context.catalogue.database_name(db), found: None };
    visit(&mut finder);
    match finder.found {
        Some(other) => Err(Error::sql(format!("{kind} {name} cannot reference objects in database {other}"))),
        None => Ok(()),
    }
}

/// Finds tables that are named with another database than their own.
pub(crate) struct OtherDatabases<'n> {
    own: &'n str,
    found: Option<String>,
}

impl ast::visit::Visit for OtherDatabases<'_> {
    fn table_source(&mut self, source: &ast::TableSource) {
        if let ast::TableSource::Table(table) = source
            && let Some(schema) = &table.name.schema
            && !schema.is(self.own)
        {
            self.found.get_or_insert_with(|| schema.text.to_string());
        }
        ast::visit::walk_table_source(self, source);
    }
}

/// A bound parameter somewhere in the query.
pub(crate) fn has_variables(select: &ast::Select) -> bool {
    let mut finder = Variables(false);
    ast::visit::Visit::select(&mut finder, select);
    finder.0
}

/// Finds parameters.
pub(crate) struct Variables(pub bool);

impl ast::visit::Visit for Variables {
    fn expr(&mut self, expr: &ast::Expr) {
        if matches!(expr, ast::Expr::Variable(_)) {
            self.0 = true;
        }
        ast::visit::walk_expr(self, expr);
    }
}
