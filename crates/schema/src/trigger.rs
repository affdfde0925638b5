//! Triggers.

use std::sync::Arc;

use turso_parser::ast;

/// A trigger; its statement is kept as parsed.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The name.
    pub name: Arc<str>,
    /// The table or view it watches.
    pub table: Arc<str>,
    /// For a trigger in `temp`: the database of the table if the trigger names or resolves one (`None`: its own schema).
    pub table_schema: Option<Arc<str>>,
    /// The trigger's own schema had the table when the trigger was made: a later temporary table does not draw the temporary
    /// triggers of another schema's table of its name.
    pub on_own_table: bool,
    /// The parsed CREATE TRIGGER.
    pub statement: Arc<ast::CreateTrigger>,
    /// The text stored in `sqlite_schema`.
    pub sql: Arc<str>,
    /// Orders the triggers of a schema by creation; the newest fires first.
    pub sequence: u32,
}

/// The trigger that a CREATE TRIGGER statement describes.
pub fn define_trigger(statement: ast::CreateTrigger, sql: &str, sequence: u32) -> Trigger {
    Trigger {
        name: (&*statement.name.name.text).into(),
        table: (&*statement.table.name.text).into(),
        table_schema: statement.table.schema.as_ref().map(|s| (&*s.text).into()),
        on_own_table: true,
        statement: Arc::new(statement),
        sql: sql.into(),
        sequence,
    }
}
