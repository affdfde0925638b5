//! The authorizer's part in binding: what is read, and what is not.

use turso_error::Result;
use turso_program::DbIndex;
use turso_value::Value;

use super::Binder;
use super::scope::column_name;
use crate::plan::{ColumnIndex, Expr, Relation, SourceId};

impl Binder<'_> {
    /// Ask to read the columns that an expression (a column, or several merged ones) consists of. What is not to be read is NULL.
    pub(super) fn ask_about(&self, expr: Expr) -> Result<Expr> {
        let mut columns = Vec::new();
        expr.for_each_column(|source, column| columns.push((source, column)));
        for (source, column) in columns {
            if self.ask_about_column(source, column)? {
                return Ok(Expr::Literal(Value::Null));
            }
        }
        Ok(expr)
    }

    /// [`ask_about`](Self::ask_about) each of these.
    pub(super) fn ask_about_all(&self, exprs: Option<&mut [Expr]>) -> Result<()> {
        if self.context.asks() {
            for expr in exprs.into_iter().flatten() {
                *expr = self.ask_about(std::mem::replace(expr, Expr::Literal(Value::Null)))?;
            }
        }
        Ok(())
    }

    fn ask_about_column(&self, id: SourceId, column: ColumnIndex) -> Result<bool> {
        let found = self.scopes.iter().rev().find_map(|scope| {
            let at = scope.sources.iter().position(|s| s.id == id)?;
            Some((scope.sources.get(at)?, scope.info.get(at)?))
        });
        let Some((source, info)) = found else { return Ok(false) };
        if info.qualified_only && &*source.name == "excluded" {
            return Ok(false);
        }
        match &source.relation {
            Relation::Table { db, table } => {
                let is_rowid = match column {
                    ColumnIndex::Rowid => true,
                    ColumnIndex::Column(c) => table.rowid_alias == Some(usize::from(c)),
                };
                if !is_rowid {
                    info.read.set(true);
                }
                self.context.ask_to_read(*db, table, column)
            }
            Relation::Virtual { db, connected, .. } => {
                if column != ColumnIndex::Rowid {
                    info.read.set(true);
                }
                // Tables that are there by their module's name alone belong to the main database.
                self.context.ask_to_read(db.unwrap_or(DbIndex(0)), &connected.table, column)
            }
            Relation::Query { view: Some(view), .. } if info.schema.is_some() => {
                let ColumnIndex::Column(c) = column else { return Ok(false) };
                let name = column_name(source, usize::from(c));
                self.context.ask_to_read_named(info.schema.as_deref().unwrap_or_default(), view, &name)
            }
            _ => Ok(false),
        }
    }

    /// The core is bound: tables of which nothing is read are to be asked for, too. `at`: their place among the questions.
    pub(super) fn note_unread(&self, mut at: usize) {
        let Some(scope) = self.scopes.last() else { return };
        for (source, info) in scope.sources.iter().zip(&scope.info) {
            let table = match &source.relation {
                Relation::Table { table, .. } => table,
                Relation::Virtual { connected, .. } => &connected.table,
                Relation::Query { .. } | Relation::Cte(_) | Relation::Recursive { .. } => continue,
            };
            if !info.read.get() && !info.qualified_only {
                self.context.unread(at, &table.name, info.written_schema.clone());
                at += 1;
            }
        }
    }
}
