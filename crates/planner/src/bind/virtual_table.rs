//! Virtual tables in FROM, and the arguments of table-valued functions.
//!
//! `FROM f(a, b)` means: scan the virtual table `f` with its first hidden column equal to `a` and its second to `b`. The
//! conditions stay with the source: they belong to it whatever joins it, and the optimizer offers them to the table.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::DbIndex;
use turso_program::expression::CompareOp;
use turso_vtab::Risk;

use super::Binder;
use super::from::{no_such_table, query_of_visible};
use super::scope::{Scope, SourceInfo, column_expr};
use super::types::compare_how;
use crate::context::ConnectedTable;
use crate::plan::{ColumnIndex, Expr, IndexHint, JoinKind, Relation, Source, SourceId, UnaryOp};

impl<'a> Binder<'a> {
    /// The module's own table of this name, or `no such table: name`.
    pub(super) fn eponymous(&self, name: &ast::QualifiedName) -> Result<Arc<ConnectedTable>> {
        let found = self.context.catalogue.eponymous_table(name.name.as_str())?;
        let connected = found.ok_or_else(|| no_such_table(self.context, name))?;
        self.check_risk(&connected)?;
        Ok(connected)
    }

    /// Stored texts may not use every virtual table.
    pub(super) fn check_risk(&self, connected: &ConnectedTable) -> Result<()> {
        let stored = !self.views.is_empty() || self.in_trigger;
        let forbidden = match connected.risk {
            Risk::Innocuous => false,
            Risk::Normal => stored && !self.context.options.trusted_schema,
            Risk::DirectOnly => stored,
        };
        if forbidden {
            return Err(Error::sql(format!("unsafe use of virtual table \"{}\"", connected.table.name)));
        }
        Ok(())
    }

    pub(super) fn virtual_source(
        &self,
        db: Option<DbIndex>,
        connected: Arc<ConnectedTable>,
        alias: Option<&ast::Name>,
    ) -> Source {
        Source {
            id: self.context.new_source(),
            name: alias.map_or_else(|| connected.table.name.clone(), |a| Arc::from(a.as_str())),
            aliased: alias.is_some(),
            relation: Relation::Virtual { db, connected, args: Vec::new() },
            join: JoinKind::Inner,
            on: Vec::new(),
            hint: IndexHint::Free,
            exists: false,
            indexed: Vec::new(),
        }
    }

    /// Bind the arguments of table-valued functions in the innermost scope: each is a condition on a hidden column. They may
    /// name any source of the scope.
    fn bind_arguments(&mut self, functions: Vec<(SourceId, &'a [ast::Expr])>) -> Result<()> {
        for (id, given) in functions {
            let values = self.bind_list(given)?;
            let Some(scope) = self.scopes.last_mut() else { continue };
            let Some(source) = scope.sources.iter_mut().find(|s| s.id == id) else { continue };
            let Relation::Virtual { connected, .. } = &source.relation else { continue };
            let hidden: Vec<usize> =
                (0..connected.table.columns.len()).filter(|&i| connected.table.columns[i].hidden).collect();
            if values.len() > hidden.len() {
                let name = &connected.table.name;
                return Err(Error::sql(format!("too many arguments on {name}() - max {}", hidden.len())));
            }
            let mut conditions = Vec::with_capacity(values.len());
            for (column, value) in hidden.into_iter().zip(values) {
                let column = column_expr(source, ColumnIndex::Column(column as u16));
                // The sign takes away the argument's affinity.
                let value = Expr::Unary { op: UnaryOp::Plus, expr: Box::new(value) };
                let how = compare_how(&column, &value);
                conditions.push(Expr::Compare {
                    op: CompareOp::Eq,
                    left: Box::new(column),
                    right: Box::new(value),
                    how,
                    null_equal: false,
                });
            }
            if let Relation::Virtual { args, .. } = &mut source.relation {
                *args = conditions;
            }
        }
        Ok(())
    }

    /// Bind the arguments of functions whose source is in the innermost scope; those of outer scopes wait for theirs.
    pub(super) fn bind_pending_arguments(&mut self) -> Result<()> {
        if self.functions.is_empty() {
            return Ok(());
        }
        let own = |b: &Self, id| b.scopes.last().is_some_and(|s| s.sources.iter().any(|source| source.id == id));
        let (mine, others) = std::mem::take(&mut self.functions).into_iter().partition(|(id, _)| own(self, *id));
        self.functions = others;
        self.bind_arguments(mine)
    }

    /// The right side of a RIGHT or FULL JOIN is looked through twice, the second time without the conditions of the join: its
    /// rows are kept, as those of a subquery.
    pub(super) fn kept_virtual(&mut self, source: Source, args: &'a [ast::Expr]) -> Result<Source> {
        let (name, aliased) = (source.name.clone(), source.aliased);
        let query = self.outside_scope(|b| {
            b.scopes.push(Scope::new(b.context.new_core()));
            let added = b.add_function_source(source, Some(args));
            let scope = b.scopes.pop().ok_or_else(|| Error::sql("no tables specified"))?;
            added?;
            Ok(query_of_visible(scope))
        })?;
        Ok(self.query_source(query, Some(name), aliased, JoinKind::Inner, None))
    }

    /// Add a virtual table with its arguments to the innermost scope.
    pub(super) fn add_function_source(&mut self, source: Source, args: Option<&'a [ast::Expr]>) -> Result<()> {
        let id = source.id;
        self.add_source(source, SourceInfo::default());
        self.bind_arguments(vec![(id, args.unwrap_or(&[]))])
    }
}
