//! Pieces of SQL text that a schema keeps.

use turso_parser::ast::{Span, Statement};

/// The text of a CHECK condition as error messages show it.
pub fn constraint_text(span: Span, source: &[u8]) -> String {
    String::from_utf8_lossy(span.of(source)).trim_matches(|c: char| c.is_ascii_whitespace()).to_owned()
}

/// What `sqlite_schema.sql` holds for a CREATE statement: TEMP, IF NOT EXISTS and the schema's name are dropped, the rest from
/// the object's name on is the source text. `None` for other statements.
pub fn stored_text(statement: &Statement, source: &[u8]) -> Option<String> {
    let (head, definition) = match statement {
        Statement::CreateTable(s) => ("CREATE TABLE ", s.definition),
        Statement::CreateIndex(s) => (if s.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " }, s.definition),
        Statement::CreateView(s) => ("CREATE VIEW ", s.definition),
        Statement::CreateTrigger(s) => ("CREATE TRIGGER ", s.definition),
        Statement::CreateVirtualTable(s) => ("CREATE VIRTUAL TABLE ", s.definition),
        _ => return None,
    };
    Some(format!("{head}{}", String::from_utf8_lossy(definition.of(source))))
}
