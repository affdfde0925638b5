//! CREATE TABLE, CREATE TABLE AS.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{CreateTable, CreateTableBody, Select};
use turso_program::cursor::{Close, OpenWrite, TreeKind};
use turso_program::data::Const;
use turso_program::schema::CreateBtree;
use turso_program::write::{Insert, MakeRecord, NewRowid, Position};
use turso_program::{Affinities, DbIndex, Reg, Root};
use turso_schema::{Relation, Table, define_table};
use turso_value::{Affinity, Value};

use super::{
    SchemaRecord, append_schema_row, change_cookie, ensure_file_format, open_schema_table, parse_schema,
    place_for_create, quoted_identifier, schema_of, schema_record, table_condition,
};
use crate::bind::Binder;
use crate::emit::{Destination, Emitter};
use crate::plan::Query;

/// Emit CREATE TABLE.
pub(crate) fn create_table(e: &mut Emitter<'_>, statement: &CreateTable) -> Result<()> {
    let Some(db) = place_for_create(e, &statement.name, statement.temporary, statement.if_not_exists)? else {
        return Ok(());
    };
    let name = &statement.name.name;
    match &statement.body {
        CreateTableBody::Columns { .. } => {
            let sql = format!("CREATE TABLE {}", String::from_utf8_lossy(statement.definition.of(e.context.sql)));
            let table = define_table(statement, e.context.sql, &sql)?;
            if table.columns.len() > e.context.options.limit_columns {
                return Err(Error::sql(format!("too many columns on {}", table.name)));
            }
            crate::emit::check::check_table(e.context, db, &table)?;
            crate::authorize::ask_to_store_table(e.context, db, &table)?;
            emit_create(e, db, &table, None)
        }
        CreateTableBody::AsSelect(select) => create_as(e, db, &name.text, select),
    }
}

/// The program: tree and place in `sqlite_schema` first, automatic indexes next, then the row itself.
fn emit_create(e: &mut Emitter<'_>, db: DbIndex, table: &Table, fill: Option<&Query>) -> Result<()> {
    ensure_file_format(e, db);
    let (rowid, root, empty) = (e.builder.register(), e.builder.register(), e.builder.register());
    let without_rowid = matches!(table.relation, Relation::WithoutRowid);
    e.builder.emit(CreateBtree { db, dest: root, index: without_rowid });
    let cursor = open_schema_table(e, db);
    e.builder.emit(NewRowid { cursor, dest: rowid, at_least: None });
    // A record of five NULLs keeps the place until the row is complete.
    let constant = e.builder.constant(Value::Blob(vec![6, 0, 0, 0, 0, 0]));
    e.builder.emit(Const { constant, dest: empty });
    e.builder.emit(Insert { cursor, record: empty, rowid, position: Position::Append, change: None });
    let mut indexes = table.indexes_newest_first();
    indexes.reverse();
    // Constraints with REPLACE are checked last, but their indexes are made in the order of the text.
    indexes.sort_by_key(|i| i.name.rsplit('_').next().and_then(|n| n.parse::<usize>().ok()));
    for index in indexes {
        if without_rowid && index.origin == turso_schema::IndexOrigin::PrimaryKey {
            continue;
        }
        let index_root = e.builder.register();
        e.builder.emit(CreateBtree { db, dest: index_root, index: true });
        let row =
            SchemaRecord { kind: "index", name: &index.name, table: &table.name, root: Some(index_root), sql: None };
        append_schema_row(e, db, cursor, &row);
    }
    if let Some(query) = fill {
        fill_from(e, db, table, root, query)?;
    }
    let row =
        SchemaRecord { kind: "table", name: &table.name, table: &table.name, root: Some(root), sql: Some(&table.sql) };
    let record = schema_record(e, &row);
    let change = super::definition(db, super::SCHEMA_TABLE);
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change });
    if table.autoincrement && schema_of(e, db).table(super::SEQUENCE_TABLE).is_none() {
        let sequence_root = e.builder.register();
        e.builder.emit(CreateBtree { db, dest: sequence_root, index: false });
        let sequence = super::SEQUENCE_TABLE;
        let sql = "CREATE TABLE sqlite_sequence(name,seq)";
        let row =
            SchemaRecord { kind: "table", name: sequence, table: sequence, root: Some(sequence_root), sql: Some(sql) };
        append_schema_row(e, db, cursor, &row);
    }
    e.builder.emit(Close { cursor });
    change_cookie(e, db);
    if table.autoincrement && schema_of(e, db).table(super::SEQUENCE_TABLE).is_none() {
        parse_schema(e, db, Some(table_condition(super::SEQUENCE_TABLE)));
    }
    parse_schema(e, db, Some(table_condition(&table.name)));
    Ok(())
}

/// CREATE TABLE AS: the columns are the query's, with types that stand for their affinities.
fn create_as(e: &mut Emitter<'_>, db: DbIndex, name: &str, select: &Select) -> Result<()> {
    let mut query = Binder::new(e.context).bind_select(select)?;
    crate::rewrite::rewrite(&mut query, e.context);
    e.context.ask_deferred()?;
    let columns = unique_column_names(query.columns.iter().map(|c| c.nested_name.as_deref().unwrap_or(&c.name)));
    let identifiers: Vec<String> = columns.iter().map(|c| quoted_identifier(c)).collect();
    let length = |text: &str| text.len() + text.matches('"').count() + 2;
    let total: usize = columns.iter().map(|c| length(c) + 5).sum::<usize>() + length(name);
    let (first, between, end) = if total < 50 { ("", ",", ")") } else { ("\n  ", ",\n  ", "\n)") };
    let mut sql = format!("CREATE TABLE {}(", quoted_identifier(name));
    for (i, (identifier, column)) in identifiers.iter().zip(&query.columns).enumerate() {
        sql.push_str(if i == 0 { first } else { between });
        sql.push_str(identifier);
        sql.push_str(match column.affinity {
            Affinity::Text => " TEXT",
            Affinity::Integer => " INT",
            Affinity::Real => " REAL",
            a if a.is_numeric() => " NUM",
            _ => "",
        });
    }
    sql.push_str(end);
    let parsed = turso_schema::parse_stored(sql.as_bytes())?;
    let turso_parser::ast::Statement::CreateTable(statement) = parsed else {
        return Err(Error::sql("near \"AS\": syntax error"));
    };
    let table = define_table(&statement, sql.as_bytes(), &sql)?;
    crate::authorize::ask_to_store_table(e.context, db, &table)?;
    emit_create(e, db, &table, Some(&query))
}

/// Column names that differ: a repeated one gets `:1`, `:2`, … behind it.
fn unique_column_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let mut candidate = name.to_string();
        let mut number = 0;
        while seen.iter().any(|s| s.eq_ignore_ascii_case(&candidate)) {
            number += 1;
            candidate = format!("{name}:{number}");
        }
        seen.push(candidate);
    }
    seen
}

/// Run the query and append its rows to the new tree.
fn fill_from(e: &mut Emitter<'_>, db: DbIndex, table: &Table, root: Reg, query: &Query) -> Result<()> {
    let cursor = e.builder.cursor();
    e.builder.emit(OpenWrite { cursor, root: Root(root.0), db, root_in_register: true, kind: TreeKind::Table });
    let affinities = Affinities(table.columns.iter().map(|c| c.affinity).collect::<Arc<[_]>>());
    let (record, rowid) = (e.builder.register(), e.builder.register());
    let change = super::definition(db, &table.name);
    e.query(
        query,
        &mut Destination::Each(&mut |e, values| {
            e.builder.emit(MakeRecord { values, dest: record, affinities: Some(affinities.clone()) });
            e.builder.emit(NewRowid { cursor, dest: rowid, at_least: None });
            let change = change.clone();
            e.builder.emit(Insert { cursor, record, rowid, position: Position::Append, change });
            Ok(())
        }),
    )?;
    e.builder.emit(Close { cursor });
    Ok(())
}
