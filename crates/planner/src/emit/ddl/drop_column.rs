//! ALTER TABLE DROP COLUMN: the text without the column, and every row without its value.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{CreateTableBody, Name, Statement};
use turso_program::DbIndex;
use turso_program::cursor::{Next, Rewind};
use turso_program::data::Copy;
use turso_program::write::{IdxInsert, Insert, MakeRecord, Position};
use turso_program::{Reg, Regs};
use turso_schema::{IndexKey, Table, define_index, define_table, parse_stored};

use super::alter::{Rewrite, apply, corrupt, end_of_columns};
use super::references::{Refusal, error_in};
use super::rename::{quote_strings, verify, verify_names};
use crate::emit::Emitter;
use crate::emit::check::{check_expressions, check_index};
use crate::emit::row::{Target, column_value};

const AFTER: &str = "after drop column";

/// Emit ALTER TABLE DROP COLUMN.
pub(super) fn drop_column(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, name: &Name) -> Result<(), Refusal> {
    if table.is_view() {
        return Err(Error::sql(format!("cannot drop column from view \"{}\"", table.name)).into());
    }
    let Some(position) = table.column_index(&name.text) else {
        let written = name.written(e.context.sql);
        return Err(Error::sql(format!("no such column: \"{written}\"")).with_sql_offset(name.offset).into());
    };
    let in_unique = |i: &turso_schema::Index| {
        i.sql.is_none() && i.columns.len() == 1 && matches!(i.columns[0].key, IndexKey::Column(c) if c == position)
    };
    if table.columns.get(position).is_some_and(|c| c.primary_key_position > 0) {
        return Err(Error::sql(format!("cannot drop PRIMARY KEY column: \"{}\"", name.text)).into());
    }
    if table.indexes.iter().any(|i| in_unique(i)) {
        return Err(Error::sql(format!("cannot drop UNIQUE column: \"{}\"", name.text)).into());
    }
    if table.columns.len() == 1 {
        return Err(Error::sql(format!("cannot drop column \"{}\": no other columns exist", name.text)).into());
    }
    let elements = verify(e.context, db, &[], "")?;
    let Statement::CreateTable(create) = parse_stored(table.sql.as_bytes())? else { return Err(corrupt(table).into()) };
    let CreateTableBody::Columns { columns, .. } = &create.body else { return Err(corrupt(table).into()) };
    let Some(dropped) = columns.get(position) else { return Err(corrupt(table).into()) };
    let (from, to) = match columns.get(position + 1) {
        Some(next) => (dropped.span.start as usize, next.span.start as usize),
        None => {
            let before = columns.get(position.wrapping_sub(1)).map_or(0, |c| c.span.end as usize);
            let gap = table.sql.as_bytes().get(before..dropped.span.start as usize).unwrap_or(&[]);
            let comma = gap.iter().rposition(|&b| b == b',').unwrap_or(0);
            (before + comma, end_of_columns(table, &create).ok_or_else(|| corrupt(table))?)
        }
    };
    let (Some(head), Some(tail)) = (table.sql.get(..from), table.sql.get(to..)) else {
        return Err(corrupt(table).into());
    };
    let sql = format!("{head}{tail}");
    let in_table = |error: Error| error_in("table", &table.name, AFTER, &error);
    let Statement::CreateTable(changed) = parse_stored(sql.as_bytes()).map_err(in_table)? else {
        return Err(corrupt(table).into());
    };
    let new = define_table(&changed, sql.as_bytes(), &sql).map_err(in_table)?;
    check_expressions(e.context, db, &new).map_err(in_table)?;
    let new = Arc::new(new);
    for index in &table.indexes {
        let Some(text) = &index.sql else { continue };
        let in_index = |error: Error| error_in("index", &index.name, AFTER, &error);
        if let Statement::CreateIndex(statement) = parse_stored(text.as_bytes())? {
            let redefined = define_index(&statement, &new, text).map_err(in_index)?;
            check_index(e.context, db, &new, &redefined).map_err(in_index)?;
        }
    }
    let mut rewrites = quote_strings(&elements);
    rewrites.retain(|r| !(r.db == db && r.kind == "table" && r.name == table.name));
    rewrites.push(Rewrite::of_table(db, table, sql));
    verify_names(e.context, db, &rewrites, AFTER)?;
    if !table.is_computed(position) {
        rewrite_rows(e, db, table, &new, position)?;
    }
    apply(e, &rewrites);
    Ok(())
}

/// Write every row anew without one of its columns.
fn rewrite_rows(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, new: &Arc<Table>, dropped: usize) -> Result<()> {
    let target = Target::open(e, db, table, |_| false)?;
    let source = e.context.new_source();
    e.bind_source(source, target.binding());
    // The fields in the order of the new table's records, as columns of the old one.
    let stored: Vec<usize> = new.stored_columns().into_iter().map(|c| if c >= dropped { c + 1 } else { c }).collect();
    let values = e.builder.registers(stored.len());
    let (record, rowid): (Reg, Reg) = (e.builder.register(), e.builder.register());
    let end = e.builder.label();
    e.builder.emit(Rewind { cursor: target.cursor, empty: end });
    let top = e.builder.label_here();
    for (i, &c) in stored.iter().enumerate() {
        if table.rowid_alias == Some(c) {
            e.load(&turso_value::Value::Null, values.at(i), false);
        } else {
            column_value(e, table, source, c, values.at(i))?;
        }
    }
    let real = |c: &usize| table.columns.get(*c).is_some_and(|c| c.affinity == turso_value::Affinity::Real);
    let affinities = Emitter::affinities(
        stored.iter().map(|c| if real(c) { turso_value::Affinity::Real } else { turso_value::Affinity::Blob }),
    );
    if table.has_rowid() {
        e.builder.emit(turso_program::cursor::Rowid { cursor: target.cursor, dest: rowid });
        e.builder.emit(MakeRecord { values, dest: record, affinities });
        e.builder.emit(Insert { cursor: target.cursor, record, rowid, position: Position::Unknown, change: None });
    } else {
        let key = e.builder.registers(table.primary_key.len());
        e.builder.emit(Copy { from: values.first, to: key.first, count: table.primary_key.len() as u32 });
        e.builder.emit(MakeRecord { values, dest: record, affinities });
        let key: Regs = key;
        e.builder.emit(IdxInsert { cursor: target.cursor, record, key, position: Position::Unknown, change: None });
    }
    e.builder.emit(Next { cursor: target.cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor: target.cursor });
    Ok(())
}
