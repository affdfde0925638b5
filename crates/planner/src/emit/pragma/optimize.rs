//! `PRAGMA optimize`: ANALYZE of the tables that may gain from it.
//!
//! | bit of the argument | meaning |
//! |---|---|
//! | 0x01 | only list what would be done |
//! | 0x02 | ANALYZE |
//! | 0x10000 | tables without an index too |
//!
//! A table is analyzed when it has a row, and an index without statistics; one without an index even when it is empty. (SQLite also looks at tables that have grown or shrunk
//! since; here they wait for ANALYZE.)

use std::sync::Arc;

use turso_error::Result;
use turso_program::control::{If, ResultRow};
use turso_program::cursor::{Close, Rewind};
use turso_program::data::Integer;
use turso_program::{DbIndex, Reg, Regs};
use turso_schema::{Schema, Table};

use super::special::databases;
use super::{Call, integer_of, set_columns};
use crate::emit::Emitter;
use crate::emit::analyze::{analyze_some, is_analyzed, may_be_analyzed};
use crate::emit::ddl::{TEMP, text_into};

const LIST: i64 = 0x01;
const ANALYZE: i64 = 0x02;
const ALL_TABLES: i64 = 0x10000;
/// What is done without an argument.
const DEFAULT: i64 = 0xfffe;

/// Emit `PRAGMA optimize`.
pub(super) fn optimize(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    set_columns(e, &["optimize"]);
    let mask = call.value.map_or(DEFAULT, integer_of);
    if mask & ANALYZE == 0 {
        return Ok(());
    }
    for db in databases(e, call).into_iter().filter(|db| *db != TEMP) {
        let schema = e.context.catalogue.schema(db).clone();
        let tables: Vec<Arc<Table>> = candidates(&schema, mask);
        if tables.is_empty() {
            continue;
        }
        e.uses_database(db, false);
        let any = e.builder.register();
        e.builder.emit(Integer { value: 0, dest: any });
        let mut found = Vec::with_capacity(tables.len());
        for table in tables {
            let has_rows = look_for_row(e, db, &table, any);
            found.push((table, has_rows));
        }
        if mask & LIST != 0 {
            list(e, db, &found);
        } else {
            analyze_some(e, db, &found, any)?;
        }
    }
    Ok(())
}

fn candidates(schema: &Schema, mask: i64) -> Vec<Arc<Table>> {
    let wanted = |table: &Table| {
        let known = |name: &str| is_analyzed(schema, name);
        let unknown = table.indexes.iter().any(|index| index.broken.is_none() && !known(&index.name));
        unknown || mask & ALL_TABLES != 0 && table.indexes.is_empty() && !known(&table.name)
    };
    schema.tables.values().filter(|table| may_be_analyzed(table) && wanted(table)).cloned().collect()
}

/// A register that is true when the table is to be analyzed: when it has a row, or no index. `any` becomes true then.
fn look_for_row(e: &mut Emitter<'_>, db: DbIndex, table: &Table, any: Reg) -> Reg {
    let (has_rows, empty) = (e.builder.register(), e.builder.label());
    if table.indexes.is_empty() {
        e.builder.emit(Integer { value: 1, dest: has_rows });
        e.builder.emit(Integer { value: 1, dest: any });
        return has_rows;
    }
    e.builder.emit(Integer { value: 0, dest: has_rows });
    let cursor = e.open_table(db, table);
    e.builder.emit(Rewind { cursor, empty });
    e.builder.emit(Integer { value: 1, dest: has_rows });
    e.builder.emit(Integer { value: 1, dest: any });
    e.builder.bind(empty);
    e.builder.emit(Close { cursor });
    has_rows
}

fn list(e: &mut Emitter<'_>, db: DbIndex, found: &[(Arc<Table>, Reg)]) {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let database = quoted(e.context.catalogue.database_name(db));
    let row = e.builder.register();
    for (table, has_rows) in found {
        let (show, skip) = (e.builder.label(), e.builder.label());
        e.builder.emit(If { reg: *has_rows, target: show, jump_if_null: false });
        e.goto(skip);
        e.builder.bind(show);
        text_into(e, &format!("ANALYZE {database}.{}", quoted(&table.name)), row);
        e.builder.emit(ResultRow { values: Regs::new(row, 1) });
        e.builder.bind(skip);
    }
}
