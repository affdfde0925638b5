//! From the rows of `sqlite_schema` to a [`Schema`].

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{
    ColumnConstraintKind, CreateTable, CreateTableBody, CreateView, CreateVirtualTable, Statement,
};

use crate::define::define_table;
use crate::define_index::define_index;
use crate::names::FoldedName;
use crate::schema::Schema;
use crate::table::{Relation, Table};
use crate::trigger::define_trigger;

/// One row of `sqlite_schema`.
#[derive(Debug, Clone)]
pub struct SchemaRow {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// The element's name.
    pub name: String,
    /// The table it belongs to.
    pub table: String,
    /// Root page, 0 for views and triggers.
    pub root: u32,
    /// The CREATE statement; `None` for automatic indexes.
    pub sql: Option<String>,
}

/// Put the rows, in the order of `sqlite_schema`, into `schema`, which holds none of them yet but may hold others (a CREATE
/// statement adds its own rows so). A row that contradicts itself (unparsable text, impossible root page) is `SQLITE_CORRUPT`:
/// `malformed database schema (name) - reason`.
pub fn build_schema(schema: &mut Schema, rows: &[SchemaRow]) -> Result<()> {
    // Tables first: VACUUM and ALTER TABLE may leave an index before its table.
    for pass in [Pass::Tables, Pass::Indexes, Pass::Triggers] {
        for (at, row) in rows.iter().enumerate() {
            add_row(schema, row, pass).map_err(|e| malformed(row, &e))?;
            if pass == Pass::Triggers && row.kind == "trigger" {
                note_table(schema, row, rows.get(at + 1..).unwrap_or(&[]));
            }
        }
    }
    Ok(())
}

/// A temporary trigger watches a temporary table only if that was there first.
fn note_table(schema: &mut Schema, row: &SchemaRow, later: &[SchemaRow]) {
    if !schema.temporary {
        return;
    }
    let is_later = later.iter().any(|r| r.kind != "trigger" && r.name.eq_ignore_ascii_case(&row.table));
    let there = schema.table(&row.table).is_some() && !is_later;
    if let Some(trigger) = schema.triggers.get_mut(row.name.to_ascii_lowercase().as_str()) {
        Arc::make_mut(trigger).on_own_table = there;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Pass {
    Tables,
    Indexes,
    Triggers,
}

#[cold]
fn malformed(row: &SchemaRow, error: &Error) -> Error {
    if error.is_pending() {
        return error.clone();
    }
    let reason = error.message();
    let name = if row.name.is_empty() { "?" } else { row.name.as_str() };
    if reason.is_empty() {
        Error::new(ResultCode::CORRUPT, format!("malformed database schema ({name})"))
    } else {
        Error::new(ResultCode::CORRUPT, format!("malformed database schema ({name}) - {reason}"))
    }
}

impl Schema {
    /// This catalogue with a table on a tree that belongs to another table or index. That may be an index of which columns are
    /// NULL: no column is NOT NULL unless the statement says so.
    pub fn with_imposter(&self, row: &SchemaRow, statement: &CreateTable) -> Result<Self> {
        let mut schema = self.clone();
        add_row(&mut schema, row, Pass::Tables)?;
        let table = schema.tables.get_mut(row.name.to_ascii_lowercase().as_str());
        if let (Some(table), CreateTableBody::Columns { columns, .. }) = (table, &statement.body) {
            let says_so = |kind: &ColumnConstraintKind| matches!(kind, ColumnConstraintKind::NotNull { .. });
            let table = Arc::make_mut(table);
            table.imposter = true;
            for (column, written) in table.columns.iter_mut().zip(columns) {
                if !written.constraints.iter().any(|constraint| says_so(&constraint.kind)) {
                    column.not_null = None;
                }
            }
        }
        Ok(schema)
    }
}

fn add_row(schema: &mut Schema, row: &SchemaRow, pass: Pass) -> Result<()> {
    match &row.sql {
        None => match (pass, row.kind.as_str()) {
            (Pass::Indexes, "index") => set_automatic_root(schema, row),
            (Pass::Tables, kind) if kind != "index" => Err(Error::sql("")),
            _ => Ok(()),
        },
        Some(sql) => {
            let wanted = match row.kind.as_str() {
                "index" => Pass::Indexes,
                "trigger" => Pass::Triggers,
                _ => Pass::Tables,
            };
            if wanted != pass {
                return Ok(());
            }
            add_statement(schema, row, sql)
        }
    }
}

fn add_statement(schema: &mut Schema, row: &SchemaRow, sql: &str) -> Result<()> {
    let source = sql.as_bytes();
    match crate::parse::parse_stored(source)? {
        Statement::CreateTable(statement) => {
            if !matches!(statement.body, CreateTableBody::Columns { .. }) {
                return Err(Error::sql(""));
            }
            check_row(row, "table", &statement.name.name.text, &statement.name.name.text)?;
            let mut table = define_table(&statement, source, sql)?;
            if schema.ignores_descending() {
                table.ascend();
            }
            check_root(row)?;
            table.root = row.root;
            if let Some(primary) =
                table.indexes.first_mut().filter(|_| matches!(table.relation, Relation::WithoutRowid))
            {
                Arc::make_mut(primary).root = row.root;
            }
            add_table(schema, table);
        }
        Statement::CreateView(statement) => {
            check_row(row, "view", &statement.name.name.text, &statement.name.name.text)?;
            add_table(schema, define_view(&statement, sql));
        }
        Statement::CreateVirtualTable(statement) => {
            check_row(row, "table", &statement.name.name.text, &statement.name.name.text)?;
            add_table(schema, define_virtual_table(&statement, sql));
        }
        Statement::CreateIndex(statement) => {
            check_row(row, "index", &statement.name.name.text, &statement.table.text)?;
            if schema.index(&row.name).is_some() {
                return Err(Error::sql(format!("index {} already exists", row.name)));
            }
            check_root(row)?;
            let key = statement.table.folded();
            let ascend = schema.ignores_descending();
            let Some(table) = schema.tables.get_mut(key.as_str()) else {
                return Err(Error::sql(format!("no such table: {}", statement.table.text)));
            };
            let mut index = define_index(&statement, table, sql)?;
            index.root = row.root;
            if ascend {
                index.ascend();
            }
            let index = Arc::new(index);
            Arc::make_mut(table).indexes.push(index.clone());
            schema.indexes.insert(FoldedName::new(&index.name), index);
        }
        Statement::CreateTrigger(statement) => {
            check_row(row, "trigger", &statement.name.name.text, &statement.table.name.text)?;
            let trigger = define_trigger(*statement, sql, schema.last_trigger_sequence() + 1);
            schema.triggers.insert(FoldedName::new(&trigger.name), Arc::new(trigger));
        }
        _ => return Err(Error::sql("")),
    }
    Ok(())
}

/// What a row says of an element is what the element's text says.
fn check_row(row: &SchemaRow, kind: &str, name: &str, table: &str) -> Result<()> {
    let agrees = row.kind == kind && row.name.eq_ignore_ascii_case(name) && row.table.eq_ignore_ascii_case(table);
    if agrees { Ok(()) } else { Err(Error::sql("")) }
}

/// Page 1 is the schema table's own.
fn check_root(row: &SchemaRow) -> Result<()> {
    if row.root < 2 { Err(Error::sql("invalid rootpage")) } else { Ok(()) }
}

fn add_table(schema: &mut Schema, mut table: Table) {
    schema.added += 1;
    table.sequence = schema.added;
    for index in &table.indexes {
        schema.indexes.insert(FoldedName::new(&index.name), index.clone());
    }
    schema.tables.insert(FoldedName::new(&table.name), Arc::new(table));
}

fn set_automatic_root(schema: &mut Schema, row: &SchemaRow) -> Result<()> {
    check_root(row)?;
    let orphan = || Error::sql("orphan index");
    let slot = schema.indexes.get_mut(row.name.to_ascii_lowercase().as_str()).ok_or_else(orphan)?;
    let owner = slot.table.to_ascii_lowercase();
    let mut index = (**slot).clone();
    index.root = row.root;
    *slot = Arc::new(index);
    let slot = slot.clone();
    let table = schema.tables.get_mut(owner.as_str()).ok_or_else(orphan)?;
    for index in &mut Arc::make_mut(table).indexes {
        if index.name.eq_ignore_ascii_case(&row.name) {
            *index = slot.clone();
        }
    }
    Ok(())
}

/// The view that a CREATE VIEW statement describes.
pub fn define_view(statement: &CreateView, sql: &str) -> Table {
    let columns = if statement.columns.is_empty() {
        None
    } else {
        Some(statement.columns.iter().map(|c| Arc::from(&*c.text)).collect())
    };
    Table::bare(
        &*statement.name.name.text,
        Relation::View { columns, select: Arc::new((*statement.select).clone()) },
        sql,
    )
}

/// The virtual table that a CREATE VIRTUAL TABLE statement describes; its columns come from its module.
pub fn define_virtual_table(statement: &CreateVirtualTable, sql: &str) -> Table {
    let arguments = statement.args.iter().map(|a| Arc::from(&**a)).collect();
    Table::bare(
        &*statement.name.name.text,
        Relation::Virtual { module: (&*statement.module.text).into(), arguments },
        sql,
    )
}
