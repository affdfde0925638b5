//! What CREATE TABLE and CREATE INDEX refuse in the expressions they store.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::Lookup;
use turso_functions::SchemaPlace;
use turso_parser::ast;
use turso_program::DbIndex;
use turso_schema::{Index, IndexKey, Table};
use turso_value::Collation;

use super::row::{bind_table_expr, missing_collation};
use crate::context::PlanContext;

/// Check the CHECK constraints, generated columns and collations of a new table.
pub(crate) fn check_table(context: &PlanContext<'_>, db: DbIndex, table: &Table) -> Result<()> {
    check_collations(context, table)?;
    check_expressions(context, db, table)
}

/// The collations of a new table are known.
fn check_collations(context: &PlanContext<'_>, table: &Table) -> Result<()> {
    let keys = table.indexes.iter().flat_map(|index| &index.columns).map(|column| &column.collation);
    let columns = table.columns.iter().map(|column| &column.collation);
    columns.chain(keys).try_for_each(|collation| check_collation(context, collation))
}

/// The CHECK constraints and generated columns of a new table are allowed.
///
/// SQLite looks at every generated column whatever the CHECKs and other columns have been found to be, and tells the last error,
/// but for plain names that are not there: they are told where nothing else has been.
pub(crate) fn check_expressions(context: &PlanContext<'_>, db: DbIndex, table: &Table) -> Result<()> {
    let table = Arc::new(table.clone());
    let check = |expr, place, may_vary| check_expr(context, db, &table, expr, place, may_vary);
    let mut found = table.checks.iter().try_for_each(|constraint| check(&constraint.expr, "CHECK constraints", true));
    for generated in table.columns.iter().filter_map(|column| column.generated.as_ref()) {
        match check(&generated.expr, "generated columns", false) {
            Err(error) if error.is_pending() => return Err(error),
            // Behind an error SQLite does not look into the expression any more.
            Err(error) if found.is_ok() || (tells_itself(&generated.expr) && !names_plain_column(&error)) => {
                found = Err(error);
            }
            _ => {}
        }
    }
    found?;
    generation_order(&table).map(|_| ())
}

/// The error is about a column that was named without its table.
fn names_plain_column(error: &Error) -> bool {
    error.message().strip_prefix("no such column: ").is_some_and(|name| !name.contains('.'))
}

/// No key of the index is a text: in single quotes that is meant to be a column, which there is not.
pub(crate) fn check_keys_are_no_texts(index: &Index) -> Result<()> {
    for column in &index.columns {
        if let IndexKey::Expr(expr) = &column.key
            && let Some(name) = expr.string_literal()
        {
            return Err(Error::sql(format!("no such column: {}", String::from_utf8_lossy(name))));
        }
    }
    Ok(())
}

/// Check the expressions, the condition and the collations of a new index.
pub(crate) fn check_index(context: &PlanContext<'_>, db: DbIndex, table: &Arc<Table>, index: &Index) -> Result<()> {
    // SQLite looks at the condition first. Behind an error there it still looks at the first column, but not into it.
    if let Some(condition) = &index.partial
        && let Err(error) = check_expr(context, db, table, condition, "partial index WHERE clauses", false)
    {
        if let Some(IndexKey::Expr(expr)) = index.columns.first().map(|column| &column.key)
            && tells_itself(expr)
        {
            check_expr(context, db, table, expr, "index expressions", false)?;
        }
        return Err(error);
    }
    for column in &index.columns {
        if let IndexKey::Expr(expr) = &column.key {
            check_expr(context, db, table, expr, "index expressions", false)?;
        }
        check_collation(context, &column.collation)?;
    }
    Ok(())
}

/// The outermost operator itself may be what an index prohibits, or names nothing.
fn tells_itself(expr: &ast::Expr) -> bool {
    match expr {
        // The sides of a comparison are counted before anybody looks at them.
        ast::Expr::Binary { left, right, .. } => [left, right].iter().any(|side| matches!(***side, ast::Expr::Row(_))),
        ast::Expr::In(in_) => !matches!(in_.set, ast::InSet::List(_)) || in_.is_over_rows(),
        ast::Expr::Column(_)
        | ast::Expr::Function(_)
        | ast::Expr::Variable(_)
        | ast::Expr::Subquery(_)
        | ast::Expr::Exists { .. } => true,
        _ => false,
    }
}

/// The collation is known.
pub(crate) fn check_collation(context: &PlanContext<'_>, collation: &Collation) -> Result<()> {
    match collation {
        Collation::Custom(f) if context.catalogue.collation(f.name()).is_none() => Err(missing_collation(f.name())),
        _ => Ok(()),
    }
}

/// Names resolve, and nothing is in it that `place` prohibits.
fn check_expr(
    context: &PlanContext<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    expr: &ast::Expr,
    place: &str,
    may_vary: bool,
) -> Result<()> {
    let bind = |expr: &ast::Expr| {
        bind_table_expr(context, SchemaPlace::Check, db, table, context.new_source(), expr).map(|_| ())
    };
    let plain_names = matches!(place, "index expressions" | "generated columns");
    let mut finder = Prohibited { context, place, may_vary, plain_names, bind: None, found: None, last: None };
    ast::visit::Visit::expr(&mut finder, expr);
    if finder.found.is_none() && finder.last.is_none() {
        return bind(expr);
    }
    // A name that is not there comes before what is prohibited behind it.
    finder = Prohibited { bind: Some(&bind), found: None, last: None, ..finder };
    ast::visit::Visit::expr(&mut finder, expr);
    finder.found.or(finder.last).map_or(Ok(()), Err)
}

struct Prohibited<'p, 'c> {
    context: &'p PlanContext<'c>,
    place: &'p str,
    may_vary: bool,
    /// Columns have no table's name before them.
    plain_names: bool,
    /// Binds a part of the expression, to see whether its names are there.
    bind: Option<&'p dyn Fn(&ast::Expr) -> Result<()>>,
    /// What ends the search.
    found: Option<Error>,
    /// The last call that may not be.
    last: Option<Error>,
}

impl Prohibited<'_, '_> {
    fn is_aggregate(&self, call: &ast::FunctionCall) -> bool {
        match self.context.catalogue.function(&call.name.text, call.args.as_slice().len()) {
            Lookup::Found(function) => function.is_aggregate() && !function.is_scalar(),
            _ => false,
        }
    }
}

impl ast::visit::Visit for Prohibited<'_, '_> {
    fn expr(&mut self, expr: &ast::Expr) {
        if self.found.is_some() {
            return;
        }
        if let Some(bind) = self.bind {
            match expr {
                ast::Expr::Column(_) => self.found = bind(expr).err(),
                ast::Expr::Function(call) => self.last = unknown_call(self.context, call).or(self.last.take()),
                _ => {}
            }
            if self.found.is_some() {
                return;
            }
        }
        match expr {
            ast::Expr::Variable(_) => self.found = Some(Error::sql(format!("parameters prohibited in {}", self.place))),
            ast::Expr::Column(reference) if reference.qualifier.is_some() && self.plain_names => {
                let error = Error::sql(format!("the \".\" operator prohibited in {}", self.place));
                self.found = Some(error.with_sql_offset(reference.offset()));
            }
            ast::Expr::Function(call) if call.over.is_some() => {
                let error = Error::sql(format!("misuse of window function {}()", call.name.text));
                self.found = Some(error.with_sql_offset(call.name.offset));
            }
            ast::Expr::Function(call) if self.is_aggregate(call) => {
                let error = Error::sql(format!("misuse of aggregate function {}()", call.name.text));
                self.found = Some(error.with_sql_offset(call.name.offset));
            }
            ast::Expr::Function(call) if !self.may_vary => {
                let varies = match self.context.catalogue.function(&call.name.text, call.args.as_slice().len()) {
                    Lookup::Found(function) => !function.flags.has(turso_functions::FunctionFlags::DETERMINISTIC),
                    _ => false,
                };
                if varies && !is_fixed_date(call) {
                    let error = Error::sql(format!("non-deterministic functions prohibited in {}", self.place));
                    self.last = Some(error.with_sql_offset(call.name.offset));
                }
                ast::visit::walk_expr(self, expr);
            }
            ast::Expr::In(in_) if in_.is_over_nothing() => {}
            _ if expr.is_false_by_form() => {}
            ast::Expr::In(in_) if in_.is_over_rows() || matches!(in_.set, ast::InSet::Select(_)) => {
                self.found = Some(Error::sql(format!("subqueries prohibited in {}", self.place)));
            }
            ast::Expr::Literal(
                ast::Literal::CurrentDate | ast::Literal::CurrentTime | ast::Literal::CurrentTimestamp,
            ) if !self.may_vary => {
                self.found = Some(Error::sql(format!("non-deterministic functions prohibited in {}", self.place)));
            }
            _ => ast::visit::walk_expr(self, expr),
        }
    }

    fn select(&mut self, _: &ast::Select) {
        self.found.get_or_insert_with(|| Error::sql(format!("subqueries prohibited in {}", self.place)));
    }
}

/// There is no such function, or none with so many arguments.
fn unknown_call(context: &PlanContext<'_>, call: &ast::FunctionCall) -> Option<Error> {
    let name = &call.name.text;
    let error = match context.catalogue.function(name, call.args.as_slice().len()) {
        Lookup::Found(_) => return None,
        Lookup::WrongArity => Error::sql(format!("wrong number of arguments to function {name}()")),
        Lookup::Unknown => Error::sql(format!("no such function: {name}")),
    };
    Some(error.with_sql_offset(call.name.offset))
}

/// Date functions vary only with `now`; that is found out when they run.
fn is_fixed_date(call: &ast::FunctionCall) -> bool {
    const NAMES: [&str; 7] = ["date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"];
    NAMES.iter().any(|n| call.name.is(n)) && !call.args.as_slice().is_empty()
}

/// The generated columns in an order in which each comes after those it reads; `generated column loop on "c"` if there is none.
pub(crate) fn generation_order(table: &Table) -> Result<Vec<usize>> {
    let generated: Vec<usize> = (0..table.columns.len()).filter(|&c| table.columns[c].generated.is_some()).collect();
    let mut order: Vec<usize> = Vec::with_capacity(generated.len());
    let mut left = generated;
    while !left.is_empty() {
        let ready: Vec<usize> = left.iter().copied().filter(|&c| !reads_any(table, c, &left)).collect();
        if ready.is_empty() {
            let name = left.last().and_then(|&c| table.columns.get(c)).map_or("", |c| &c.name);
            return Err(Error::sql(format!("generated column loop on \"{name}\"")));
        }
        left.retain(|c| !ready.contains(c));
        order.extend(ready);
    }
    Ok(order)
}

fn reads_any(table: &Table, column: usize, others: &[usize]) -> bool {
    let Some(generated) = table.columns.get(column).and_then(|c| c.generated.as_ref()) else { return false };
    reads_columns(table, &generated.expr, |c| others.contains(&c))
}

/// The expression names a column of the table for which `f` holds.
pub(crate) fn reads_columns(table: &Table, expr: &ast::Expr, f: impl FnMut(usize) -> bool) -> bool {
    struct Finder<'t, F> {
        table: &'t Table,
        f: F,
        found: bool,
    }
    impl<F: FnMut(usize) -> bool> ast::visit::Visit for Finder<'_, F> {
        fn expr(&mut self, expr: &ast::Expr) {
            if let ast::Expr::Column(reference) = expr
                && let Some(c) = self.table.column_index(&reference.column.text)
                && (self.f)(c)
            {
                self.found = true;
            }
            ast::visit::walk_expr(self, expr);
        }
    }
    let mut finder = Finder { table, f, found: false };
    ast::visit::Visit::expr(&mut finder, expr);
    finder.found
}
