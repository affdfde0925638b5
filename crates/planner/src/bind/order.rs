//! ORDER BY and GROUP BY terms: aliases, positions, expressions.

use turso_error::{Error, Result};
use turso_parser::ast::{self, NullsOrder, SortOrder};
use turso_value::Collation;
use turso_value::number::{Number, parse_literal};

use super::Binder;
use super::types::{explicit_collation, ordering_collation};
use crate::plan::{Expr, OrderTerm, same_expr};

/// A bound term with the directions that were written.
pub(super) fn order_term(expr: Expr, output: Option<usize>, term: &ast::OrderingTerm) -> OrderTerm {
    let descending = term.order == Some(SortOrder::Desc);
    let nulls_reversed = match term.nulls {
        None => false,
        Some(NullsOrder::First) => descending,
        Some(NullsOrder::Last) => !descending,
    };
    let collation = ordering_collation(&expr);
    OrderTerm { expr, output, collation, descending, nulls_reversed }
}

/// The expression below COLLATE operators.
fn skip_collate(mut e: &ast::Expr) -> &ast::Expr {
    while let ast::Expr::Collate { expr, .. } = e {
        e = expr;
    }
    e
}

/// The position that a term means: an integer of 32 bits, as literal or with signs in front, or what is 0 or 1 by its form.
fn position(e: &ast::Expr) -> Option<i64> {
    fn number(e: &ast::Expr) -> Option<i64> {
        match e {
            ast::Expr::Literal(ast::Literal::Integer(text) | ast::Literal::HexInteger(text)) => {
                match parse_literal(text.as_bytes()) {
                    Some(Number::Integer(i)) => i32::try_from(i).ok().map(i64::from),
                    _ => None,
                }
            }
            ast::Expr::Unary { op: ast::UnaryOp::Minus, expr } => number(expr).map(|i| -i),
            ast::Expr::Unary { op: ast::UnaryOp::Plus, expr } => number(expr),
            _ => None,
        }
    }
    match skip_collate(e) {
        e @ (ast::Expr::IsNull { .. } | ast::Expr::Binary { .. }) if e.is_false_by_form() => Some(0),
        e if e.is_true_by_form() => Some(1),
        e => number(e),
    }
}

pub(crate) fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (1, teen) if teen != 11 => "st",
        (2, teen) if teen != 12 => "nd",
        (3, teen) if teen != 13 => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

fn out_of_range(term: usize, clause: &str, columns: usize) -> Error {
    Error::sql(format!("{} {clause} BY term out of range - should be between 1 and {columns}", ordinal(term + 1)))
}

/// The output column that a term means by position, checked.
fn by_position(term: usize, e: &ast::Expr, clause: &str, columns: usize) -> Result<Option<usize>> {
    match position(e) {
        None => Ok(None),
        Some(p) if p >= 1 && p as u64 <= columns as u64 => Ok(Some(p as usize - 1)),
        Some(_) => Err(out_of_range(term, clause, columns)),
    }
}

/// A position that is a number of a column somewhere: that there are fewer columns is said once all other terms are in order.
fn may_be_beyond(e: &ast::Expr) -> bool {
    position(e).is_some_and(|p| (1..=0xffff).contains(&p))
}

/// The output column that has the bare name `e` as its alias.
fn by_alias(e: &ast::Expr, aliases: &[Option<&ast::Name>]) -> Option<usize> {
    match skip_collate(e) {
        ast::Expr::Column(r) if r.qualifier.is_none() => {
            aliases.iter().position(|alias| alias.is_some_and(|alias| alias.same_as(&r.column)))
        }
        _ => None,
    }
}

impl<'a> Binder<'a> {
    /// The output's expression under the COLLATE operators of the term.
    fn with_collate(&self, term: &ast::Expr, output: Expr) -> Result<Expr> {
        match term {
            ast::Expr::Collate { expr, collation } => {
                let inner = self.with_collate(expr, output)?;
                Ok(Expr::collate(inner, self.collation(collation)?))
            }
            _ => Ok(output),
        }
    }

    /// The error with the place of the number, if one is written, of the term that begins here.
    fn out_of_range_at(&self, error: Error, term: &ast::Expr, offset: u32) -> Error {
        match skip_collate(term) {
            ast::Expr::IsNull { .. } | ast::Expr::Binary { .. } => error,
            _ => error.with_sql_offset(self.number_at(offset)),
        }
    }

    /// Where the number stands that a term consists of, which begins here.
    fn number_at(&self, offset: u32) -> u32 {
        let text = self.sql.get(offset as usize..).unwrap_or_default();
        offset + text.iter().take_while(|b| b"+-( \t\r\n".contains(b)).count() as u32
    }

    /// Bind ORDER BY over a single core, in its scope.
    pub(super) fn bind_order_by(
        &mut self,
        terms: &'a [ast::OrderingTerm],
        output: &[Expr],
        aliases: &[Option<&'a ast::Name>],
    ) -> Result<Vec<OrderTerm>> {
        let mut bound = Vec::with_capacity(terms.len());
        let mut beyond = None;
        for (i, term) in terms.iter().enumerate() {
            let at = match by_alias(&term.expr, aliases) {
                Some(at) => Some(at),
                None => match by_position(i, &term.expr, "ORDER", output.len()) {
                    Err(error) if may_be_beyond(&term.expr) => {
                        beyond.get_or_insert(error);
                        continue;
                    }
                    at => at.map_err(|error| self.out_of_range_at(error, &term.expr, term.offset))?,
                },
            };
            if let Some((at, expr)) = at.and_then(|at| Some((at, output.get(at)?))) {
                let expr = self.with_collate(&term.expr, self.copied(expr)?)?;
                bound.push(order_term(expr, Some(at), term));
                continue;
            }
            let expr = self.bind_item(&term.expr)?;
            let at = output.iter().position(|o| same_expr(o.without_collate(), expr.without_collate()));
            bound.push(order_term(expr, at, term));
        }
        beyond.map_or(Ok(bound), Err)
    }

    /// Bind GROUP BY in the core's scope.
    pub(super) fn bind_group_by(&mut self, query: &'a ast::Query, output: &[Expr]) -> Result<Vec<Expr>> {
        let terms = &query.group_by;
        let mut bound = Vec::with_capacity(terms.len());
        let mut beyond = None;
        for (i, term) in terms.iter().enumerate() {
            let at = match by_position(i, term, "GROUP", output.len()) {
                Err(error) if may_be_beyond(term) => {
                    beyond.get_or_insert(error);
                    continue;
                }
                at => at.map_err(|error| match query.group_spans.get(i) {
                    Some(span) => self.out_of_range_at(error, term, span.start),
                    None => error,
                })?,
            };
            let expr = match at.and_then(|at| output.get(at)) {
                Some(expr) => self.with_collate(term, self.copied(expr)?)?,
                None => self.bind_item(term)?,
            };
            if let Some(scope) = self.scopes.last() {
                if expr.any(|e| matches!(e, Expr::Aggregate { core, .. } if *core == scope.core)) {
                    return Err(Error::sql("aggregate functions are not allowed in the GROUP BY clause"));
                }
                let mut window = None;
                expr.any(|e| match e {
                    Expr::Window { core, index } if *core == scope.core => {
                        window = scope.windows.get(*index).map(|w| w.function.name.to_string());
                        true
                    }
                    _ => false,
                });
                if let Some(name) = window {
                    return Err(Error::sql(format!("misuse of window function {name}()")));
                }
            }
            bound.push(expr);
        }
        beyond.map_or(Ok(bound), Err)
    }

    /// Try to find the ORDER BY terms of a compound among the outputs of one of its cores, in that core's scope.
    pub(super) fn match_order_by(
        &mut self,
        terms: &'a [ast::OrderingTerm],
        output: &[Expr],
        aliases: &[Option<&'a ast::Name>],
        found: &mut [Option<usize>],
    ) -> Result<()> {
        for (i, (term, found)) in terms.iter().zip(found).enumerate() {
            if found.is_some() {
                continue;
            }
            // A position that is none is told once all terms of the compound have been looked at.
            let Ok(position) = by_position(i, &term.expr, "ORDER", output.len()) else { continue };
            *found = position.or_else(|| by_alias(&term.expr, aliases));
            if found.is_none() {
                // A name that this core does not know may be known to the next one.
                if let Ok(expr) = self.bind_expr(skip_collate(&term.expr)) {
                    *found = output.iter().position(|o| same_expr(o.without_collate(), &expr));
                }
            }
        }
        Ok(())
    }

    /// The terms of a compound's ORDER BY, all of which must be output columns.
    pub(super) fn compound_order_by(
        &mut self,
        terms: &'a [ast::OrderingTerm],
        found: &[Option<usize>],
        collations: &[Option<Collation>],
    ) -> Result<Vec<OrderTerm>> {
        let mut bound = Vec::with_capacity(terms.len());
        for (i, (term, found)) in terms.iter().zip(found).enumerate() {
            let Some(at) = *found else {
                by_position(i, &term.expr, "ORDER", collations.len())
                    .map_err(|error| self.out_of_range_at(error, &term.expr, term.offset))?;
                let n = ordinal(i + 1);
                return Err(Error::sql(format!("{n} ORDER BY term does not match any column in the result set")));
            };
            let placeholder = Expr::Literal(turso_value::Value::Null);
            let mut bound_term = order_term(self.with_collate(&term.expr, placeholder)?, Some(at), term);
            if explicit_collation(&bound_term.expr).is_none() {
                bound_term.collation = collations.get(at).cloned().flatten().unwrap_or_default();
            }
            bound.push(bound_term);
        }
        Ok(bound)
    }
}
