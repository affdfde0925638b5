//! From a CREATE INDEX statement to an [`Index`].

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, CreateIndex, Expr, Literal, SortOrder};
use turso_value::Collation;

use crate::collation::written_collation;
use crate::define::{strip_collate, trailing_key};
use crate::index::{Index, IndexColumn, IndexKey, IndexOrigin, KnownKey};
use crate::table::Table;

/// The index that a CREATE INDEX statement describes; its root page is 0. A bare name is a column, and if there is none of this
/// name an expression, which the planner then refuses when it runs CREATE INDEX (`no such column: x`).
pub fn define_index(statement: &CreateIndex, table: &Table, sql: &str) -> Result<Index> {
    let mut columns = Vec::with_capacity(statement.columns.len());
    for term in &statement.columns {
        if let Some(nulls) = term.nulls {
            let which = if nulls == ast::NullsOrder::First { "FIRST" } else { "LAST" };
            return Err(Error::sql(format!("unsupported use of NULLS {which}")));
        }
        let (expr, collation) = strip_collate(&term.expr);
        let position = match expr {
            Expr::Column(reference) if reference.qualifier.is_none() => table.column_index(&reference.column.text),
            // Where a column name is wanted, 'x' is one.
            Expr::Literal(Literal::String(text)) => table.column_index(&String::from_utf8_lossy(text)),
            _ => None,
        };
        let declared = position.and_then(|p| table.columns.get(p));
        let (collation, collation_written) = match (collation, declared) {
            (Some(name), _) => written_collation(name),
            (None, Some(column)) => (column.collation.clone(), column.collation_written.clone()),
            // Whatever an expression compares by elsewhere, a COLLATE inside of it or a column behind `+`: SQLite orders it so.
            (None, None) => (Collation::Binary, None),
        };
        columns.push(IndexColumn {
            key: position.map_or_else(|| IndexKey::Expr(Arc::new(expr.clone())), IndexKey::Column),
            collation,
            collation_written,
            descending: term.order == Some(SortOrder::Desc),
        });
    }
    let trailing = if table.has_rowid() { Vec::new() } else { trailing_key(&columns, &table.primary_key) };
    Ok(Index {
        name: (&*statement.name.name.text).into(),
        table: table.name.clone(),
        root: 0,
        columns,
        trailing,
        unique: statement.unique,
        conflict: None,
        checked_last: false,
        origin: IndexOrigin::Created,
        partial: statement.where_clause.clone().map(Arc::new),
        sql: Some(sql.into()),
        broken: None,
        key: KnownKey::default(),
    })
}
