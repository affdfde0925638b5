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
    /// The parsed CREATE TRIGGER.
    pub statement: Arc<ast::CreateTrigger>,
    /// The text stored in `sqlite_schema`.
    pub sql: Arc<str>,
}
