//! Binding: syntax trees become plans in which every name is resolved.
//!
//! A [`Binder`] keeps a stack of scopes: the sources whose columns can be named, innermost last. Statements that change rows
//! push scopes of their own (the target table, NEW and OLD, `excluded`) and bind expressions in them.
//!
//! | file | subject |
//! |---|---|
//! | `scope` | what a name means |
//! | `expr`, `function`, `window` | expressions, calls, aggregates, window functions |
//! | `types` | affinity and collation |
//! | `select`, `order` | one core, compounds, ORDER BY |
//! | `from`, `joins` | FROM: tables, views, subqueries; how they join |
//! | `virtual_table` | virtual tables and table-valued functions |
//! | `with` | common table expressions |
//! | `missing`, `told` | which of several errors is answered: of a query, of an expression |

mod expr;
mod from;
mod function;
mod joins;
mod missing;
mod order;
mod permission;
mod read_blob;
mod scope;
mod select;
mod share;
mod subtype;
mod told;
pub(crate) mod types;
mod virtual_table;
mod window;
mod with;

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_parser::ast;

use crate::context::PlanContext;
use crate::plan::{Body, Core, Expr, Query, RowValue, Source, SourceId};
use scope::{AggregateUse, Scope, SourceInfo};
use with::WithScope;

pub(crate) use order::ordinal;
pub use scope::column_expr;
pub(crate) use subtype::Calls;
pub use types::{affinity_of, collation_of, compare_collation, compare_how, ordering_collation};

/// Queries nested deeper than this are refused: their binding is recursive.
const MAX_NESTING: u32 = 100;

/// Resolves names.
pub struct Binder<'a> {
    pub(crate) context: &'a PlanContext<'a>,
    /// The text that spans refer to.
    sql: &'a [u8],
    scopes: Vec<Scope>,
    withs: Vec<WithScope<'a>>,
    /// The WINDOW clause of the core whose scope has this depth.
    window_clauses: Vec<(usize, &'a [ast::WindowDef])>,
    /// Views being expanded.
    views: Vec<&'a str>,
    /// Table-valued functions whose arguments wait until the sources beside them are known.
    functions: Vec<(SourceId, &'a [ast::Expr])>,
    /// The result columns of the cores whose FROM is being bound, with the depth of their scope.
    aliases_to_come: Vec<(usize, &'a [ast::ResultColumn])>,
    depth: u32,
    /// Added to the numbers of SELECTs: those of a view go on behind those of the statement that uses it.
    first_number: u32,
    /// The innermost scope that was read since this was cleared.
    deepest: Option<usize>,
    /// A double-quoted name that is no column is a string.
    pub double_quoted_strings: bool,
    /// Where in the schema the expression stands, for functions whose values must not change there.
    pub place: Option<SchemaPlace>,
    /// A schema's name before a column's means nothing: in CHECK and in the conditions of partial indexes.
    pub any_schema: bool,
    /// What is wrong with an ON clause of the FROM that was bound last.
    on_error: Option<Error>,
    /// What is told unless anything else is wrong.
    late_error: Option<Error>,
    /// Which error is told.
    told: told::Told,
    /// Within a query.
    in_select: bool,
    /// RAISE may be used.
    pub in_trigger: bool,
    /// The terms of a recursive table are being bound a second time: one inside of them is not.
    binds_again: bool,
}

impl<'a> Binder<'a> {
    /// A binder for expressions of the statement's own text.
    pub fn new(context: &'a PlanContext<'a>) -> Self {
        Self::for_text(context, context.sql)
    }

    /// A binder for expressions of another text (a view's or trigger's stored statement).
    pub fn for_text(context: &'a PlanContext<'a>, sql: &'a [u8]) -> Self {
        Self {
            context,
            sql,
            scopes: Vec::new(),
            withs: Vec::new(),
            binds_again: false,
            window_clauses: Vec::new(),
            views: Vec::new(),
            functions: Vec::new(),
            aliases_to_come: Vec::new(),
            depth: 0,
            on_error: None,
            late_error: None,
            told: told::Told::default(),
            in_select: false,
            first_number: 0,
            deepest: None,
            double_quoted_strings: context.options.dqs_dml,
            place: None,
            any_schema: false,
            in_trigger: false,
        }
    }

    /// Enter a scope in which the columns of `sources` can be named.
    pub fn push_scope(&mut self, sources: Vec<Source>) {
        let mut scope = Scope::new(self.context.new_core());
        for source in &sources {
            let schema = self.schema_name(source);
            scope.info.push(SourceInfo { schema, ..SourceInfo::default() });
        }
        scope.sources = sources;
        self.scopes.push(scope);
    }

    /// Enter a scope over the rows of a view that is changed: a query stands for it, and its columns are known with the
    /// schema's name before them all the same.
    pub fn push_view(&mut self, db: turso_program::DbIndex, source: Source) {
        let schema = Some(self.context.catalogue.database_name(db).into());
        self.push_scope(Vec::new());
        self.add_source(source, SourceInfo { schema, ..SourceInfo::default() });
    }

    /// Enter a scope over the row that RETURNING reads: its columns are not known with a schema's name before them.
    pub fn push_returned_row(&mut self, source: Source) {
        self.push_scope(Vec::new());
        self.add_source(source, SourceInfo { of_no_query: true, ..SourceInfo::default() });
        if let Some(scope) = self.scopes.last_mut() {
            scope.aggregate_use = AggregateUse::Returned;
        }
    }

    /// Add a source to the innermost scope whose columns are only named with its name before them (NEW, OLD, excluded).
    pub fn push_qualified(&mut self, source: Source) {
        if self.scopes.is_empty() {
            self.push_scope(Vec::new());
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push(source);
            scope.info.push(SourceInfo { qualified_only: true, of_no_query: true, ..SourceInfo::default() });
        }
    }

    /// Leave the innermost scope; its sources come back.
    pub fn pop_scope(&mut self) -> Vec<Source> {
        self.scopes.pop().map(|s| s.sources).unwrap_or_default()
    }

    /// Enter the scope of a WITH clause (of INSERT, UPDATE, DELETE); it stays until the binder is dropped.
    pub fn push_with(&mut self, with: &'a ast::With) -> Result<()> {
        self.enter_with(with, None)
    }

    /// Bind the items of a FROM clause in the innermost scope: they are added to it. The result holds the conjuncts of inner
    /// ON and USING clauses.
    pub fn bind_from(&mut self, from: &'a ast::FromClause) -> Result<Vec<Expr>> {
        if self.scopes.is_empty() {
            self.push_scope(Vec::new());
        }
        self.bind_all_joins(&from.first, &from.joins)
    }

    /// Bind a condition and split it at its ANDs.
    pub fn bind_conjuncts(&mut self, expr: &'a ast::Expr) -> Result<Vec<Expr>> {
        let mut list = Vec::new();
        self.conjuncts_into(expr, &mut list)?;
        Ok(list)
    }

    pub(super) fn conjuncts_into(&mut self, expr: &'a ast::Expr, list: &mut Vec<Expr>) -> Result<()> {
        self.split_into(expr, list)
            .map_err(|error| self.error_told(error, &mut |binder| binder.split_into(expr, &mut Vec::new())))
    }

    fn split_into(&mut self, expr: &'a ast::Expr, list: &mut Vec<Expr>) -> Result<()> {
        if !matches!(expr, ast::Expr::Binary { op: ast::BinaryOp::And, .. }) {
            list.push(self.bind_expr(expr)?);
            return Ok(());
        }
        if expr.is_false_by_form() && !self.context.takes_notes() {
            list.push(Expr::Literal(turso_value::Value::Integer(0)));
            return Ok(());
        }
        // The chain leans to the left: walk it without recursion.
        let mut chain = vec![expr];
        while let Some(ast::Expr::Binary { op: ast::BinaryOp::And, left, right }) = chain.last() {
            chain.pop();
            chain.push(right);
            chain.push(left);
        }
        while let Some(e) = chain.pop() {
            match e {
                ast::Expr::Binary { op: ast::BinaryOp::And, .. } => self.split_into(e, list)?,
                _ => list.push(self.bind_expr(e)?),
            }
        }
        Ok(())
    }

    /// Bind a row value (`(a, b) = (…)` in SET), or a subquery that gives one; a scalar is a row of one.
    pub fn bind_row(&mut self, expr: &'a ast::Expr) -> Result<RowValue> {
        match expr {
            ast::Expr::Row(list) => Ok(RowValue::List(self.bind_list(list)?)),
            ast::Expr::Subquery(select) => Ok(RowValue::Subquery(self.bind_select(select)?)),
            other => Ok(RowValue::List(vec![self.bind_item(other)?])),
        }
    }

    /// Leave the innermost scope as a query over its sources, with ORDER BY and LIMIT as a change of rows has them.
    pub fn finish_query(
        &mut self,
        filter: Vec<Expr>,
        group_by: Vec<Expr>,
        output: Vec<Expr>,
        order_by: &'a [ast::OrderingTerm],
        limit: Option<&'a ast::Limit>,
    ) -> Result<Query> {
        let (limit, offset) = self.bind_limit(limit)?;
        let order_by = self.bind_order_by(order_by, &output, &[])?;
        let Some(scope) = self.scopes.pop() else { return Err(Error::sql("no tables specified")) };
        let columns =
            output.iter().map(|e| select::output_column(std::slice::from_ref(&scope), "".into(), e)).collect();
        let outer = scope.outer;
        let core = Core { sources: scope.sources, filter, group_by, output, ..Core::new(scope.core) };
        let body = Body::Core(Box::new(core));
        Ok(Query { body, order_by, limit, offset, columns, outer, ctes: Vec::new(), number: 0 })
    }

    /// Bind a query. It may read the scopes on the stack.
    pub fn bind_select(&mut self, select: &'a ast::Select) -> Result<Box<Query>> {
        if self.depth >= MAX_NESTING {
            return Err(Error::sql("parser stack overflow"));
        }
        self.depth += 1;
        self.context.count_subqueries(self.first_number + select.number);
        let inside = std::mem::replace(&mut self.in_select, true);
        let result = self.without_search(|binder| binder.bind_query(select));
        self.in_select = inside;
        self.depth -= 1;
        result.map_err(|error| if inside { error } else { self.first_error(select, error) })
    }
}

/// Split bound conditions at their ANDs.
pub fn split_conjuncts(expr: Expr, list: &mut Vec<Expr>) {
    match expr {
        Expr::And(left, right) => {
            split_conjuncts(*left, list);
            split_conjuncts(*right, list);
        }
        other => list.push(other),
    }
}
