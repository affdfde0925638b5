//! `PRAGMA foreign_key_check`: child rows without a parent.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::control::{IsNull, ResultRow};
use turso_program::cursor::{Close, Next, Rewind, Rowid};
use turso_program::data::Integer;
use turso_program::{CursorId, DbIndex};
use turso_schema::{ForeignKey, Table};

use super::{Call, set_columns};
use crate::emit::Emitter;
use crate::emit::ddl::text_into;
use crate::emit::foreign_key::{child_values, find_parent};

pub(super) fn foreign_key_check(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    set_columns(e, &["table", "rowid", "parent", "fkid"]);
    let catalogue = e.context.catalogue;
    let databases: Vec<DbIndex> = match call.schema {
        Some(db) => vec![db],
        None if call.value.is_none() => vec![super::MAIN],
        None => (0..catalogue.database_count()).map(|i| DbIndex(i as u16)).collect(),
    };
    let mut found = call.value.is_none();
    for db in databases {
        let tables: Vec<Arc<Table>> = catalogue.schema(db).tables_in_order().into_iter().cloned().collect();
        for table in tables {
            if call.value.is_some_and(|name| !table.name.eq_ignore_ascii_case(name)) {
                continue;
            }
            found = true;
            check_rows(e, db, &table)?;
        }
    }
    if !found {
        return Err(Error::sql(format!("no such table: {}", call.value.unwrap_or(""))));
    }
    Ok(())
}

fn check_rows(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<()> {
    if table.foreign_keys.is_empty() {
        return Ok(());
    }
    let cursor = e.open_table(db, table);
    let end = e.builder.label();
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    // SQLite lists the newest key of a table first.
    for (id, key) in table.foreign_keys.iter().rev().enumerate() {
        check_key(e, db, table, cursor, key, id)?;
    }
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(Close { cursor });
    Ok(())
}

/// Show the row under `cursor` if its parent is missing.
fn check_key(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    cursor: CursorId,
    key: &ForeignKey,
    id: usize,
) -> Result<()> {
    let fine = e.builder.label();
    let values = child_values(e, table, cursor, key)?;
    if e.context.catalogue.schema(db).table(&key.parent).is_some() {
        find_parent(e, db, table, key, &values, None, fine)?;
    } else {
        for reg in values {
            e.builder.emit(IsNull { reg, target: fine });
        }
    }
    let row = e.builder.registers(4);
    text_into(e, &table.name, row.at(0));
    if table.has_rowid() {
        e.builder.emit(Rowid { cursor, dest: row.at(1) });
    } else {
        e.load(&turso_value::Value::Null, row.at(1), false);
    }
    text_into(e, &key.parent, row.at(2));
    e.builder.emit(Integer { value: id as i64, dest: row.at(3) });
    e.builder.emit(ResultRow { values: row });
    e.builder.bind(fine);
    Ok(())
}
