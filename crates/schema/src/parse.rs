//! The stored text of an element, parsed.

use turso_error::{Error, Result};
use turso_parser::ast::Statement;

/// The one statement that a stored text holds.
pub fn parse_stored(sql: &[u8]) -> Result<Statement> {
    match turso_parser::parse(sql) {
        Ok(parsed) => parsed.statement.ok_or_else(|| Error::sql("")),
        Err(error) => Err(Error::sql(error.message)),
    }
}
