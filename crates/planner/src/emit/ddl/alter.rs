//! ALTER TABLE: the stored texts are rewritten when the statement is planned; the program writes them and reads the schema anew.
//!
//! | file | subject |
//! |---|---|
//! | `alter` | the statement, writing rewritten rows |
//! | `rename` | RENAME TO, RENAME COLUMN |
//! | `references` | what the names in views, triggers, tables and indexes mean, and the errors in them |
//! | `add_column`, `drop_column` | ADD COLUMN, DROP COLUMN |
//! | `constraint` | ADD CHECK, DROP CONSTRAINT, SET and DROP NOT NULL |

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{self, AlterAction, AlterTable, CreateTableBody};
use turso_program::DbIndex;
use turso_program::control::Goto;
use turso_program::cursor::{Column, Next, Rewind, Rowid};
use turso_program::data::Copy;
use turso_program::expression::{Comparison, Ne, Nulls};
use turso_program::write::{Insert, MakeRecord, Position};
use turso_schema::Table;

use super::add_column::{add_column, raise};
use super::drop_column::drop_column;
use super::references::Refusal;
use super::rename::{rename_column, rename_table};
use super::{EXACT, change_cookie, constraint, open_schema_table, parse_schema, schema_affinities, text_into};
use crate::emit::Emitter;
use crate::resolve::find_table;

/// Emit ALTER TABLE.
pub(crate) fn alter_table(e: &mut Emitter<'_>, statement: &AlterTable) -> Result<()> {
    match alter(e, statement) {
        Err(Refusal::Prepared(error)) => Err(error),
        Err(Refusal::Run(error)) => {
            raise(e, ResultCode::ERROR, error.message());
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn alter(e: &mut Emitter<'_>, statement: &AlterTable) -> Result<(), Refusal> {
    let (db, table) = match find_table(e.context, &statement.table) {
        Ok(found) => found,
        Err(error) => match e.context.catalogue.eponymous_table(&statement.table.name.text)? {
            Some(_) if matches!(statement.action, AlterAction::AddColumn(_)) => {
                return Err(Error::sql("virtual tables may not be altered").into());
            }
            Some(own) => return Err(Error::sql(format!("table {} may not be altered", own.table.name)).into()),
            None => return Err(error.into()),
        },
    };
    e.uses_database(db, true);
    if table.root == 1 || table.name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_")) {
        let shown = if table.root == 1 { "sqlite_master" } else { &table.name };
        return Err(Error::sql(format!("table {shown} may not be altered")).into());
    }
    crate::shadow::protect(e.context, db, &table.name, "altered")?;
    if table.is_virtual() {
        return match &statement.action {
            AlterAction::RenameTo(name) => rename_table(e, db, &table, name),
            AlterAction::RenameColumn { .. } => {
                Err(Error::sql(format!("cannot rename columns of virtual table \"{}\"", table.name)).into())
            }
            AlterAction::DropColumn(_) => {
                Err(Error::sql(format!("cannot drop column from virtual table \"{}\"", table.name)).into())
            }
            _ => Err(Error::sql("virtual tables may not be altered").into()),
        };
    }
    match &statement.action {
        AlterAction::AddColumn(column) => add_column(e, db, &table, column),
        AlterAction::RenameTo(name) => rename_table(e, db, &table, name),
        AlterAction::RenameColumn { from, to } => rename_column(e, db, &table, from, to),
        AlterAction::DropColumn(name) => drop_column(e, db, &table, name),
        AlterAction::AddConstraint(constraint) => Ok(constraint::add_check(e, db, &table, constraint)?),
        AlterAction::DropConstraint(name) => Ok(constraint::drop_constraint(e, db, &table, name)?),
        AlterAction::SetNotNull { column, text, .. } => Ok(constraint::set_not_null(e, db, &table, column, *text)?),
        AlterAction::DropNotNull { column } => Ok(constraint::drop_not_null(e, db, &table, column)?),
    }
}

/// New contents of one row of `sqlite_schema`.
#[derive(Debug, Clone)]
pub(super) struct Rewrite {
    pub db: DbIndex,
    pub kind: &'static str,
    /// The row's present name.
    pub name: Arc<str>,
    pub new_name: String,
    pub new_table: String,
    /// `None`: it has none (automatic indexes).
    pub sql: Option<String>,
}

impl Rewrite {
    /// A new text for a table.
    pub fn of_table(db: DbIndex, table: &Table, sql: String) -> Self {
        let name = table.name.to_string();
        let kind = if table.is_view() { "view" } else { "table" };
        Rewrite { db, kind, name: table.name.clone(), new_name: name.clone(), new_table: name, sql: Some(sql) }
    }
}

/// Write the rows and have the schema read anew.
pub(super) fn apply(e: &mut Emitter<'_>, rewrites: &[Rewrite]) {
    let mut databases: Vec<DbIndex> = Vec::new();
    for rewrite in rewrites {
        write_row(e, rewrite);
        if !databases.contains(&rewrite.db) {
            databases.push(rewrite.db);
        }
    }
    for db in databases {
        e.uses_database(db, true);
        change_cookie(e, db);
        parse_schema(e, db, None);
    }
}

fn write_row(e: &mut Emitter<'_>, rewrite: &Rewrite) {
    let (kind, name, field) = (e.builder.register(), e.builder.register(), e.builder.register());
    text_into(e, rewrite.kind, kind);
    text_into(e, &rewrite.name, name);
    let cursor = open_schema_table(e, rewrite.db);
    let (end, next) = (e.builder.label(), e.builder.label());
    let how = Comparison { nulls: Nulls::Jump, ..EXACT };
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(Column { cursor, column: 0, dest: field, default: None });
    e.builder.emit(Ne { left: field, right: kind, target: next, how });
    e.builder.emit(Column { cursor, column: 1, dest: field, default: None });
    e.builder.emit(Ne { left: field, right: name, target: next, how });
    let values = e.builder.registers(5);
    let (rowid, record) = (e.builder.register(), e.builder.register());
    e.builder.emit(Rowid { cursor, dest: rowid });
    e.builder.emit(Copy { from: kind, to: values.at(0), count: 1 });
    text_into(e, &rewrite.new_name, values.at(1));
    text_into(e, &rewrite.new_table, values.at(2));
    e.builder.emit(Column { cursor, column: 3, dest: values.at(3), default: None });
    match &rewrite.sql {
        Some(sql) => text_into(e, sql, values.at(4)),
        None => e.load(&turso_value::Value::Null, values.at(4), false),
    }
    e.builder.emit(MakeRecord { values, dest: record, affinities: Some(schema_affinities()) });
    let change = super::definition(rewrite.db, super::SCHEMA_TABLE);
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change });
    e.builder.emit(Goto { target: end });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
}

/// Where the columns end in the stored text: at the comma before the table constraints, or at the closing parenthesis.
pub(super) fn end_of_columns(table: &Table, create: &ast::CreateTable) -> Option<usize> {
    let CreateTableBody::Columns { columns, constraints, end_of_columns, .. } = &create.body else { return None };
    let last = columns.last()?;
    if constraints.is_empty() {
        return Some(end_of_columns.start as usize);
    }
    let rest = table.sql.as_bytes().get(last.span.end as usize..)?;
    Some(last.span.end as usize + rest.iter().position(|&b| b == b',').unwrap_or(0))
}

pub(super) fn corrupt(table: &Table) -> Error {
    Error::new(ResultCode::CORRUPT, format!("malformed database schema ({})", table.name))
}
