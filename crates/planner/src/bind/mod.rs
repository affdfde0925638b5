//! Binding: syntax trees become plans in which every name is resolved.
//!
//! A [`Binder`] keeps a stack of scopes: the sources whose columns can be named, innermost last. Statements that change rows
//! push scopes of their own (the target table, NEW and OLD, `excluded`) and bind expressions in them.

use turso_error::{Error, Result};
use turso_parser::ast;

use crate::context::PlanContext;
use crate::plan::{Expr, Query, Source};

/// Resolves names.
pub struct Binder<'a> {
    context: &'a PlanContext<'a>,
    sql: &'a [u8],
}

impl<'a> Binder<'a> {
    /// A binder for expressions of the statement's own text.
    pub fn new(context: &'a PlanContext<'a>) -> Self {
        Self { context, sql: context.sql }
    }

    /// A binder for expressions of another text (a view's or trigger's stored statement).
    pub fn for_text(context: &'a PlanContext<'a>, sql: &'a [u8]) -> Self {
        Self { context, sql }
    }

    /// Enter a scope in which the columns of `sources` can be named.
    pub fn push_scope(&mut self, sources: Vec<Source>) {
        let _ = (sources, self.sql, self.context);
    }

    /// Add a source to the innermost scope whose columns are only named with its name before them (NEW, OLD, excluded).
    pub fn push_qualified(&mut self, source: Source) {
        let _ = source;
    }

    /// Leave the innermost scope; its sources come back.
    pub fn pop_scope(&mut self) -> Vec<Source> {
        Vec::new()
    }

    /// Enter the scope of a WITH clause (of INSERT, UPDATE, DELETE); it stays until the binder is dropped.
    pub fn push_with(&mut self, with: &'a ast::With) -> Result<()> {
        let _ = with;
        Err(Error::sql("WITH is not supported yet"))
    }

    /// Bind the items of a FROM clause in the innermost scope: they are added to it. The result holds the conjuncts of inner
    /// ON and USING clauses.
    pub fn bind_from(&mut self, from: &'a ast::FromClause) -> Result<Vec<Expr>> {
        let _ = from;
        Err(Error::sql("FROM is not supported yet"))
    }

    /// Bind a scalar expression.
    pub fn bind_expr(&mut self, expr: &'a ast::Expr) -> Result<Expr> {
        let _ = expr;
        Err(Error::sql("expressions are not supported yet"))
    }

    /// Bind a condition and split it at its ANDs.
    pub fn bind_conjuncts(&mut self, expr: &'a ast::Expr) -> Result<Vec<Expr>> {
        let _ = expr;
        Err(Error::sql("expressions are not supported yet"))
    }

    /// Bind a row value of `count` elements (`(a, b) = (…)` in SET), or a subquery that gives one.
    pub fn bind_row(&mut self, expr: &'a ast::Expr) -> Result<crate::plan::RowValue> {
        let _ = expr;
        Err(Error::sql("row values are not supported yet"))
    }

    /// Bind a query. It may read the scopes on the stack.
    pub fn bind_select(&mut self, select: &'a ast::Select) -> Result<Query> {
        let _ = select;
        Err(Error::sql("SELECT is not supported yet"))
    }
}
