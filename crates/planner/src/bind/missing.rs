//! Which missing table is named: SQLite looks for the tables of a whole query, those of its subqueries included, before it
//! looks at any other name, and from the last term of a compound to the first.

use std::sync::Arc;

use turso_error::Error;
use turso_parser::ast::visit::{self, Visit};
use turso_parser::ast::{self, QualifiedName};
use turso_program::DbIndex;
use turso_schema::{Relation, Table};

use super::Binder;

impl Binder<'_> {
    /// A query could not be bound: the error that SQLite meets first.
    #[cold]
    pub(super) fn first_error(&self, select: &ast::Select, error: Error) -> Error {
        if error.is_pending() {
            return error;
        }
        let own: Vec<Declared> = self.declared_ctes().map(|name| Declared { name: name.into(), query: None }).collect();
        let mut search = Search { binder: self, declared: own, views: Vec::new(), found: None };
        search.select(select);
        search.found.unwrap_or(error)
    }
}

/// A common table expression. `query` is taken when a FROM names it first.
struct Declared {
    name: String,
    query: Option<ast::Select>,
}

struct Search<'b, 'a> {
    binder: &'b Binder<'a>,
    declared: Vec<Declared>,
    /// Views that were looked at.
    views: Vec<(DbIndex, Arc<str>)>,
    found: Option<Error>,
}

impl Search<'_, '_> {
    fn core(&mut self, core: &ast::SelectCore) {
        match core {
            ast::SelectCore::Query(query) => {
                if let Some(from) = &query.from {
                    self.from(from);
                }
                for column in &query.columns {
                    if let ast::ResultColumn::Expr { expr, .. } = column {
                        self.expr(expr);
                    }
                }
                query.where_clause.iter().for_each(|expr| self.expr(expr));
                // ON clauses are part of WHERE.
                for join in query.from.iter().flat_map(|from| &from.joins) {
                    if let Some(ast::JoinConstraint::On(condition)) = &join.constraint {
                        self.expr(condition);
                    }
                }
                query.group_by.iter().chain(&query.having).for_each(|expr| self.expr(expr));
            }
            // Each row is a term.
            ast::SelectCore::Values(rows) => rows.iter().rev().flatten().for_each(|expr| self.expr(expr)),
        }
    }

    fn from(&mut self, from: &ast::FromClause) {
        self.source(&from.first);
        from.joins.iter().for_each(|join| self.source(&join.right));
    }

    fn source(&mut self, source: &ast::TableSource) {
        match source {
            ast::TableSource::Table(table) => {
                self.table(&table.name);
                table.args.iter().flatten().for_each(|expr| self.expr(expr));
            }
            ast::TableSource::Subquery { select, .. } => self.select(select),
            ast::TableSource::Join { from, .. } => self.from(from),
        }
    }

    fn table(&mut self, name: &QualifiedName) {
        if self.found.is_some() {
            return;
        }
        if name.schema.is_none()
            && let Some(at) = self.declared.iter().rposition(|d| name.name.is(&d.name))
        {
            // It sees what was declared before it and with it; what is declared further inside is hidden for this while.
            if let Some(query) = self.declared[at].query.take() {
                self.select(&query);
            }
            return;
        }
        match self.binder.find_table(name) {
            None => self.found = self.binder.eponymous(name).err(),
            Some((db, table)) => self.view(db, table),
        }
    }
}

impl Search<'_, '_> {
    /// What a view reads, once for each view.
    fn view(&mut self, db: DbIndex, table: &Table) {
        let Relation::View { select, .. } = &table.relation else { return };
        if self.views.iter().any(|(d, name)| *d == db && **name == *table.name) {
            return;
        }
        self.views.push((db, table.name.clone()));
        let declared = std::mem::take(&mut self.declared);
        let context = self.binder.context;
        context.inside(db, || self.select(select));
        self.declared = declared;
    }
}

impl Visit for Search<'_, '_> {
    fn expr(&mut self, expr: &ast::Expr) {
        if self.found.is_some() {
            return;
        }
        visit::walk_expr(self, expr);
        if let ast::Expr::In(in_) = expr
            && let ast::InSet::Table { name, .. } = &in_.set
        {
            self.table(name);
        }
    }

    fn select(&mut self, select: &ast::Select) {
        if self.found.is_some() {
            return;
        }
        let mark = self.declared.len();
        for cte in select.with.iter().flat_map(|with| &with.ctes) {
            let query = Some((*cte.select).clone());
            self.declared.push(Declared { name: cte.name.text.to_string(), query });
        }
        let mut cores: Vec<&ast::SelectCore> = select.body.cores().collect();
        if let Some(last) = cores.pop() {
            self.core(last);
        }
        select.order_by.iter().for_each(|term| self.expr(&term.expr));
        if let Some(limit) = &select.limit {
            self.expr(&limit.limit);
            limit.offset.iter().for_each(|offset| self.expr(offset));
        }
        cores.into_iter().rev().for_each(|core| self.core(core));
        self.declared.truncate(mark);
    }
}
