//! ALTER TABLE ADD CHECK, DROP CONSTRAINT, ALTER COLUMN SET and DROP NOT NULL.
//!
//! A constraint goes with the blanks that part it from the next one; the last one of a column with those before it.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::SchemaPlace;
use turso_parser::ast::{
    self, ColumnConstraint, ColumnConstraintKind, ColumnDef, CreateTableBody, Name, Span, Statement, TableConstraint,
    TableConstraintKind,
};
use turso_program::DbIndex;
use turso_program::control::NotNull;
use turso_program::cursor::{Next, Rewind};
use turso_schema::{Table, define_table, parse_stored};

use super::add_column::raise;
use super::alter::{Rewrite, apply, corrupt};
use crate::emit::check::check_table;
use crate::emit::row::{bind_table_expr, column_value};
use crate::emit::{Emitter, SourceBinding};

/// The stored statement of a table, in parts.
struct Stored {
    columns: Vec<ColumnDef>,
    constraints: Vec<TableConstraint>,
    /// Where the closing parenthesis is.
    end: usize,
}

fn stored(table: &Table) -> Result<Stored> {
    if table.is_view() {
        return Err(Error::sql(format!("cannot edit constraints of view \"{}\"", table.name)));
    }
    let Statement::CreateTable(create) = parse_stored(table.sql.as_bytes())? else { return Err(corrupt(table)) };
    let CreateTableBody::Columns { columns, constraints, end_of_columns, .. } = create.body else {
        return Err(corrupt(table));
    };
    Ok(Stored { columns, constraints, end: end_of_columns.start as usize })
}

/// The table's text with the bytes `from..to` replaced.
fn replaced(table: &Table, from: usize, to: usize, by: &str) -> Result<String> {
    match (table.sql.get(..from), table.sql.get(to..)) {
        (Some(head), Some(tail)) => Ok(format!("{head}{by}{tail}")),
        _ => Err(corrupt(table)),
    }
}

/// The text of a new constraint as it was written.
fn written(e: &Emitter<'_>, span: Span) -> String {
    String::from_utf8_lossy(span.of(e.context.sql)).trim().to_string()
}

/// The table as a text defines it.
fn redefined(e: &Emitter<'_>, db: DbIndex, table: &Table, sql: &str) -> Result<Arc<Table>> {
    let Statement::CreateTable(create) = parse_stored(sql.as_bytes())? else { return Err(corrupt(table)) };
    let mut new = define_table(&create, sql.as_bytes(), sql)?;
    check_table(e.context, db, &new)?;
    new.root = table.root;
    Ok(Arc::new(new))
}

/// Run `check` on every row; it jumps to its label when the row is fine.
fn each_row(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    check: impl FnOnce(&mut Emitter<'_>, crate::plan::SourceId, turso_program::Label) -> Result<()>,
) -> Result<()> {
    let cursor = e.open_table(db, table);
    let source = e.context.new_source();
    e.bind_source(source, SourceBinding::Cursor { cursor, table: table.clone(), covering: None });
    let (end, fine) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    check(e, source, fine)?;
    raise(e, ResultCode::CONSTRAINT, "constraint failed");
    e.builder.bind(fine);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    Ok(())
}

/// Emit ALTER TABLE ADD [CONSTRAINT name] CHECK (...).
pub(super) fn add_check(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    constraint: &TableConstraint,
) -> Result<()> {
    let parts = stored(table)?;
    if let Some(name) = &constraint.name {
        let of_columns = parts.columns.iter().flat_map(|c| &c.constraints).map(|c| &c.name);
        let mut names = of_columns.chain(parts.constraints.iter().map(|c| &c.name)).flatten();
        if names.any(|n| n.same_as(name)) {
            return Err(Error::sql(format!("constraint {} already exists", name.text)));
        }
    }
    let text = format!(", {}", written(e, constraint.span));
    let sql = replaced(table, parts.end, parts.end, &text)?;
    let new = redefined(e, db, table, &sql)?;
    if let Some(check) = new.checks.last() {
        let check = check.expr.clone();
        each_row(e, db, &new, |e, source, fine| {
            let bound = bind_table_expr(e.context, SchemaPlace::Check, db, &new, source, &check)?;
            e.jump_if_true(&bound, fine, true)
        })?;
    }
    apply(e, &[Rewrite::of_table(db, table, sql)]);
    Ok(())
}

/// Emit ALTER TABLE DROP CONSTRAINT.
pub(super) fn drop_constraint(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, name: &Name) -> Result<()> {
    let parts = stored(table)?;
    let named = |n: &Option<Name>| n.as_ref().is_some_and(|n| n.same_as(name));
    let fixed = || Err(Error::sql(format!("constraint may not be dropped: {}", name.text)));
    for column in &parts.columns {
        if let Some(at) = column.constraints.iter().position(|c| named(&c.name)) {
            let sql = match column.constraints[at].kind {
                ColumnConstraintKind::PrimaryKey { .. } | ColumnConstraintKind::Unique { .. } => return fixed(),
                ColumnConstraintKind::NotNull { .. }
                | ColumnConstraintKind::Check { .. }
                | ColumnConstraintKind::References(_) => without_constraint(table, column, at)?,
                _ => without_name(table, &column.constraints[at])?,
            };
            apply(e, &[Rewrite::of_table(db, table, sql)]);
            return Ok(());
        }
    }
    let Some(constraint) = parts.constraints.iter().find(|c| named(&c.name)) else {
        return Err(Error::sql(format!("no such constraint: {}", name.text)));
    };
    if matches!(constraint.kind, TableConstraintKind::PrimaryKey { .. } | TableConstraintKind::Unique { .. }) {
        return fixed();
    }
    let (start, end) = (constraint.span.start as usize, constraint.span.end as usize);
    let before = table.sql.get(..start).ok_or_else(|| corrupt(table))?.trim_end();
    let from = before.strip_suffix(',').unwrap_or(before).len();
    let sql = replaced(table, from, end, "")?;
    apply(e, &[Rewrite::of_table(db, table, sql)]);
    Ok(())
}

/// The text without one constraint of a column.
fn without_constraint(table: &Table, column: &ColumnDef, at: usize) -> Result<String> {
    let Some(span) = column.constraints.get(at).map(|c| c.span) else { return Err(corrupt(table)) };
    let (start, end) = (span.start as usize, span.end as usize);
    if let Some(next) = column.constraints.get(at + 1) {
        return replaced(table, start, next.span.start as usize, "");
    }
    let before = table.sql.get(..start).ok_or_else(|| corrupt(table))?.trim_end();
    replaced(table, before.len(), end, "")
}

/// The text without `CONSTRAINT name`: what follows it is no constraint that can go.
fn without_name(table: &Table, constraint: &ColumnConstraint) -> Result<String> {
    let Some(name) = &constraint.name else { return Err(corrupt(table)) };
    let end = turso_parser::token_end(table.sql.as_bytes(), name.offset) as usize;
    let rest = table.sql.get(end..).ok_or_else(|| corrupt(table))?;
    let blanks = rest.len() - rest.trim_start().len();
    replaced(table, constraint.span.start as usize, end + blanks, "")
}

fn find_column(table: &Table, parts: &Stored, name: &Name) -> Result<usize> {
    if table.column_index(&name.text).is_none() || parts.columns.len() != table.columns.len() {
        return Err(Error::sql(format!("no such column: {}", name.text)).with_sql_offset(name.offset));
    }
    Ok(table.column_index(&name.text).unwrap_or(0))
}

/// Position of the column's NOT NULL.
fn not_null_of(column: &ColumnDef) -> Option<usize> {
    column.constraints.iter().position(|c| matches!(c.kind, ColumnConstraintKind::NotNull { .. }))
}

/// Emit ALTER TABLE ALTER COLUMN SET NOT NULL. A NOT NULL that is there already is replaced.
pub(super) fn set_not_null(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    name: &Name,
    text: ast::Span,
) -> Result<()> {
    let mut parts = stored(table)?;
    let position = find_column(table, &parts, name)?;
    let mut changed = (**table).clone();
    if let Some(at) = parts.columns.get(position).and_then(not_null_of) {
        changed.sql = without_constraint(table, &parts.columns[position], at)?.into();
        parts = stored(&changed)?;
    }
    let Some(column) = parts.columns.get(position) else { return Err(corrupt(table)) };
    // The comma or parenthesis behind the column: comments before it stay with the column.
    let end = turso_parser::token_start(changed.sql.as_bytes(), column.span.end) as usize;
    let sql = replaced(&changed, end, end, &format!(" {}", written(e, text)))?;
    let new = redefined(e, db, table, &sql)?;
    each_row(e, db, &new, |e, source, fine| {
        let value = e.builder.register();
        column_value(e, &new, source, position, value)?;
        e.builder.emit(NotNull { reg: value, target: fine });
        Ok(())
    })?;
    apply(e, &[Rewrite::of_table(db, table, sql)]);
    Ok(())
}

/// Emit ALTER TABLE ALTER COLUMN DROP NOT NULL.
pub(super) fn drop_not_null(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, name: &Name) -> Result<()> {
    let parts = stored(table)?;
    let position = find_column(table, &parts, name)?;
    let Some(column) = parts.columns.get(position) else { return Err(corrupt(table)) };
    if let Some(at) = not_null_of(column) {
        let sql = without_constraint(table, column, at)?;
        apply(e, &[Rewrite::of_table(db, table, sql)]);
    }
    Ok(())
}
