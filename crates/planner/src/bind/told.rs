//! Which of several errors in one expression is told.
//!
//! SQLite goes on after a call that cannot be one (an unknown function, a wrong number of arguments), so that the last such call is
//! named; outside of arguments it stops at a column that is not there, at a subquery that is wrong and at a comparison of rows of
//! different widths, which it looks at before the operands. An expression that could not be bound is bound once more with that in mind.

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_value::Value;

use super::Binder;
use crate::plan::Expr;

/// So often an expression of one statement is bound again: expressions within the subqueries of others would multiply.
const MOST: u32 = 8;

/// How far the search for the error to tell has come.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Calls and the like do not stop the binding.
    searching: bool,
    /// The last call that could not be one.
    last: Option<Error>,
    /// Searches of this binder.
    count: u32,
}

impl<'a> Binder<'a> {
    /// Bind an expression that stands for itself: a result column, a condition, a term.
    pub fn bind_item(&mut self, expr: &'a ast::Expr) -> Result<Expr> {
        self.bind_expr(expr).map_err(|error| self.error_told(error, &mut |binder| binder.bind_expr(expr).map(|_| ())))
    }

    /// `again` could not be bound for this error: the one that is told.
    #[cold]
    pub(super) fn error_told(&mut self, error: Error, again: &mut dyn FnMut(&mut Self) -> Result<()>) -> Error {
        if error.is_pending() || self.context.asks() || self.told.searching || self.told.count >= MOST {
            return error;
        }
        self.told.count += 1;
        self.told.searching = true;
        let stopped = again(self).err();
        self.told.searching = false;
        let last = self.told.last.take();
        stopped.or(last).unwrap_or(error)
    }

    /// What is inside a subquery stops the binding in any case. (The last call of the queries around it goes before what would be
    /// found late inside.)
    pub(super) fn without_search<T>(&mut self, bind: impl FnOnce(&mut Self) -> T) -> T {
        let searching = std::mem::replace(&mut self.told.searching, false);
        let result = bind(self);
        self.told.searching = searching;
        result
    }

    /// A call cannot be one, or its arguments are wrong. While the error to tell is searched for, NULL stands for it.
    #[cold]
    pub(super) fn call_refused(&mut self, error: Error) -> Result<Expr> {
        if !self.told.searching || error.is_pending() {
            return Err(error);
        }
        self.told.last = Some(error);
        Ok(Expr::Literal(Value::Null))
    }

    /// What SQLite finds only when it makes the program: it is told if there is nothing else.
    #[cold]
    pub(super) fn found_late(&mut self, error: Error) -> Result<Expr> {
        if !self.told.searching {
            return Err(error);
        }
        self.told.last.get_or_insert(error);
        Ok(Expr::Literal(Value::Null))
    }

    /// While the error to tell is searched for: rows of different widths that are compared are that before their terms are looked at.
    pub(super) fn check_widths(&mut self, left: &'a ast::Expr, right: &'a ast::Expr) -> Result<()> {
        let differ = || matches!((width(left), width(right)), (Some(left), Some(right)) if left != right);
        if !self.told.searching || !differ() {
            return Ok(());
        }
        let error = super::expr::row_misused();
        Err(match leading_offset(left) {
            Some(offset) => error.with_sql_offset(offset),
            None => error,
        })
    }
}

/// Where the first name of an operand stands.
fn leading_offset(expr: &ast::Expr) -> Option<u32> {
    match expr {
        ast::Expr::Column(reference) => Some(reference.offset()),
        ast::Expr::Function(call) => Some(call.name.offset),
        ast::Expr::Binary { left, .. } => leading_offset(left),
        ast::Expr::Unary { expr, .. } | ast::Expr::Collate { expr, .. } | ast::Expr::IsNull { expr, .. } => {
            leading_offset(expr)
        }
        _ => None,
    }
}

/// The columns of an operand of a comparison; `None` where its text does not say: a subquery with a star may have any number.
fn width(expr: &ast::Expr) -> Option<usize> {
    match expr {
        ast::Expr::Row(list) => Some(list.len()),
        ast::Expr::Subquery(select) => match &select.body.first {
            ast::SelectCore::Query(query) => {
                let written = query.columns.iter().all(|column| matches!(column, ast::ResultColumn::Expr { .. }));
                written.then_some(query.columns.len())
            }
            ast::SelectCore::Values(rows) => rows.first().map(Vec::len),
        },
        _ => Some(1),
    }
}
