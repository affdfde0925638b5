//! From the rows of `sqlite_schema` to a [`Schema`].

use turso_error::{Error, Result};

use crate::schema::Schema;

/// One row of `sqlite_schema`.
#[derive(Debug, Clone)]
pub struct SchemaRow {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// The element's name.
    pub name: String,
    /// The table it belongs to.
    pub table: String,
    /// Root page, 0 for views and triggers.
    pub root: u32,
    /// The CREATE statement; `None` for automatic indexes.
    pub sql: Option<String>,
}

/// Put the rows into `schema`, which holds none of them yet. A row that contradicts itself (unparsable text, impossible
/// root page) is `SQLITE_CORRUPT`: `malformed database schema (name) - reason`.
pub fn build_schema(schema: &mut Schema, rows: &[SchemaRow]) -> Result<()> {
    let _ = (schema, rows);
    Err(Error::sql("schema loading is not built yet"))
}
