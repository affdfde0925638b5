//! ALTER TABLE ADD COLUMN: the text with the column; rows that are there get its default when they are read.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::SchemaPlace;
use turso_parser::ast::{self, ColumnConstraintKind, ColumnDef, Statement};
use turso_program::control::{IsOf, NotNull, OnError, Raise, RaiseError};
use turso_program::cursor::{Next, Rewind};
use turso_program::{DbIndex, ResultColumn};
use turso_schema::{Table, define_table, parse_stored};

use super::alter::{Rewrite, apply, corrupt, end_of_columns};
use super::references::{Refusal, error_in};
use crate::emit::check::{check_collation, check_expressions};
use crate::emit::column::{default_value, strict_classes};
use crate::emit::row::bind_table_expr;
use crate::emit::{Emitter, SourceBinding};

/// Emit ALTER TABLE ADD COLUMN.
pub(super) fn add_column(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    column: &ColumnDef,
) -> Result<(), Refusal> {
    if table.is_view() {
        return Err(Error::sql("Cannot add a column to a view").into());
    }
    let Statement::CreateTable(create) = parse_stored(table.sql.as_bytes())? else { return Err(corrupt(table).into()) };
    let text = String::from_utf8_lossy(column.span.of(e.context.sql)).into_owned();
    let at = end_of_columns(table, &create).ok_or_else(|| corrupt(table))?;
    let (Some(head), Some(tail)) = (table.sql.get(..at), table.sql.get(at..)) else {
        return Err(corrupt(table).into());
    };
    let sql = format!("{head}, {text}{tail}");

    let only_empty = refuse_column(e, column)?;
    let parsed = parse_stored(sql.as_bytes())?;
    let Statement::CreateTable(changed) = &parsed else { return Err(corrupt(table).into()) };
    let afterwards = |error: Error| error_in("table", &table.name, "after add column", &error);
    // What is wrong with the column is told at once; only what a STRICT table says of its type is found in the new text.
    let mut lax = changed.clone();
    if let ast::CreateTableBody::Columns { options, .. } = &mut lax.body {
        options.strict = false;
    }
    define_table(&lax, sql.as_bytes(), &sql)?;
    let mut new = define_table(changed, sql.as_bytes(), &sql).map_err(afterwards)?;
    if let Some(column) = new.columns.last() {
        check_collation(e.context, &column.collation)?;
    }
    check_expressions(e.context, db, &new).map_err(afterwards)?;
    new.root = table.root;
    let new = Arc::new(new);
    if let Some(message) = only_empty {
        require_empty(e, db, table, message);
        // In SQLite it is a query of its own that fails so, whose column its caller sees.
        let name = format!("raise(ABORT,'{message}')").into();
        e.builder.program_mut().columns = vec![ResultColumn { name, declared_type: None, origin: None }];
    }
    check_default(e, db, table, &new);
    check_present_rows(e, db, table, &new)?;
    apply(e, &[Rewrite::of_table(db, table, sql)]);
    Ok(())
}

/// What cannot be added at all is an error; what cannot be added to a table with rows is a message.
fn refuse_column(e: &Emitter<'_>, column: &ColumnDef) -> Result<Option<&'static str>> {
    let mut only_empty = None;
    let (mut not_null, mut references, mut default) = (false, false, None);
    for constraint in &column.constraints {
        match &constraint.kind {
            ColumnConstraintKind::PrimaryKey { .. } => return Err(Error::sql("Cannot add a PRIMARY KEY column")),
            ColumnConstraintKind::Unique { .. } => return Err(Error::sql("Cannot add a UNIQUE column")),
            ColumnConstraintKind::NotNull { .. } => not_null = true,
            ColumnConstraintKind::References(_) => references = true,
            ColumnConstraintKind::Default { expr, .. } => default = Some(expr),
            ColumnConstraintKind::Generated { storage, .. } => {
                if *storage == Some(ast::GeneratedStorage::Stored) {
                    return Ok(Some("cannot add a STORED column"));
                }
                return Ok(None);
            }
            _ => {}
        }
    }
    let is_null = default.is_none_or(|d| matches!(d, ast::Expr::Literal(ast::Literal::Null)));
    if references && !is_null && e.context.options.foreign_keys {
        only_empty = Some("Cannot add a REFERENCES column with non-NULL default value");
    }
    if not_null && is_null {
        only_empty = Some("Cannot add a NOT NULL column with default value NULL");
    }
    if let Some(expr) = default
        && !is_plain_constant(expr)
    {
        only_empty = Some("Cannot add a column with non-constant default");
    }
    Ok(only_empty)
}

/// A literal, perhaps with a sign: what short records can be completed with.
fn is_plain_constant(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Literal(literal) => {
            !matches!(literal, ast::Literal::CurrentDate | ast::Literal::CurrentTime | ast::Literal::CurrentTimestamp)
        }
        ast::Expr::Unary { op: ast::UnaryOp::Minus | ast::UnaryOp::Plus, expr } => is_plain_constant(expr),
        ast::Expr::Column(reference) => reference.column.may_be_string() || expr.as_bool_keyword().is_some(),
        _ => false,
    }
}

/// Fail, with the error of a statement that cannot be run on these rows.
pub(super) fn raise(e: &mut Emitter<'_>, code: ResultCode, message: &str) {
    let raise = Raise { code, on_error: OnError::Abort, message: Some(message.into()) };
    e.builder.emit(RaiseError { message: None, raise: Arc::new(raise) });
}

fn require_empty(e: &mut Emitter<'_>, db: DbIndex, table: &Table, message: &str) {
    let cursor = e.open_table(db, table);
    let empty = e.builder.label();
    e.builder.emit(Rewind { cursor, empty });
    raise(e, ResultCode::ERROR, message);
    e.builder.bind(empty);
}

/// The rows there are can have the default of a STRICT table's new column.
fn check_default(e: &mut Emitter<'_>, db: DbIndex, old: &Table, new: &Table) {
    let Some(last) = new.columns.len().checked_sub(1).filter(|_| new.strict) else { return };
    let (Some(column), Some(value)) = (new.columns.get(last), default_value(new, last)) else { return };
    let (reg, fine) = (e.constant(&value), e.builder.label());
    e.builder.emit(IsOf { reg, classes: strict_classes(column.strict_type), target: fine });
    require_empty(e, db, old, "type mismatch on DEFAULT");
    e.builder.bind(fine);
}

/// A new CHECK, and NOT NULL and the type of a generated column, hold for the rows there are.
fn check_present_rows(e: &mut Emitter<'_>, db: DbIndex, old: &Table, new: &Arc<Table>) -> Result<()> {
    let generated = new.columns.last().filter(|c| c.generated.is_some() && (c.not_null.is_some() || new.strict));
    if new.checks.len() == old.checks.len() && generated.is_none() {
        return Ok(());
    }
    let cursor = e.open_table(db, old);
    let source = e.context.new_source();
    e.bind_source(source, SourceBinding::Cursor { cursor, table: new.clone(), covering: None });
    let end = e.builder.label();
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    if let (Some(column), Some(last)) = (generated, new.columns.len().checked_sub(1)) {
        let value = e.builder.register();
        crate::emit::row::column_value(e, new, source, last, value)?;
        if column.not_null.is_some() {
            let fine = e.builder.label();
            e.builder.emit(NotNull { reg: value, target: fine });
            raise(e, ResultCode::ERROR, "NOT NULL constraint failed");
            e.builder.bind(fine);
        }
        if new.strict {
            let fine = e.builder.label();
            e.builder.emit(IsOf { reg: value, classes: strict_classes(column.strict_type), target: fine });
            raise(e, ResultCode::CONSTRAINT_DATATYPE, "constraint failed");
            e.builder.bind(fine);
        }
    }
    for check in &new.checks {
        let fine = e.builder.label();
        let bound = bind_table_expr(e.context, SchemaPlace::Check, db, new, source, &check.expr)?;
        e.jump_if_true(&bound, fine, true)?;
        raise(e, ResultCode::ERROR, "CHECK constraint failed");
        e.builder.bind(fine);
    }
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    Ok(())
}
