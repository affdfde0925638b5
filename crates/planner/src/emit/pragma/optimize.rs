//! `PRAGMA optimize`: ANALYZE of the tables that may gain from it.
//!
//! | bit of the argument | meaning |
//! |---|---|
//! | 0x01 | only list what would be done |
//! | 0x02 | ANALYZE |
//! | 0x10 | of each index no more than 2000 entries |
//! | 0x10000 | look at all tables, not only at those whose statistics this connection has planned with |
//!
//! A table is analyzed when it has a row, and an index without statistics; one without an index (that is left) and without statistics
//! even when it is empty; and any that has ten times as many rows as ANALYZE has found, or a tenth of them. How
//! many there are is guessed from the first pages of its tree.

use std::sync::Arc;

use turso_error::Result;
use turso_program::control::{Goto, If, ResultRow};
use turso_program::cursor::{Close, CountRoughly, Rewind};
use turso_program::data::Integer;
use turso_program::expression::{Ge, Le};
use turso_program::{CursorId, DbIndex, Reg, Regs};
use turso_schema::{Schema, Table};

use super::special::databases;
use super::{Call, integer_of, set_columns};
use crate::emit::Emitter;
use crate::emit::analyze::{analyze_some, may_be_analyzed};
use crate::emit::ddl::{EXACT, TEMP, text_into};

const LIST: i64 = 0x01;
const ANALYZE: i64 = 0x02;
const BOUNDED: i64 = 0x10;
const ALL_TABLES: i64 = 0x10000;
/// What is done without an argument.
const DEFAULT: i64 = 0xfffe;
/// Entries of an index that are looked at with [`BOUNDED`].
const BOUND: u32 = 2000;
/// How much larger or smaller a table must have become.
const CHANGE: u64 = 10;

/// Emit `PRAGMA optimize`.
pub(super) fn optimize(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    set_columns(e, &["optimize"]);
    let mask = call.value.map_or(DEFAULT, integer_of);
    if mask & ANALYZE == 0 {
        return Ok(());
    }
    let limit = match e.context.options.analysis_limit {
        0 if mask & BOUNDED != 0 => BOUND,
        limit if mask & BOUNDED != 0 => limit.min(BOUND),
        limit => limit,
    };
    for db in databases(e, call).into_iter().filter(|db| *db != TEMP) {
        let schema = e.context.catalogue.schema(db).clone();
        let tables = candidates(e, db, &schema, mask);
        if tables.is_empty() {
            continue;
        }
        e.uses_database(db, false);
        let any = e.builder.register();
        e.builder.emit(Integer { value: 0, dest: any });
        let mut found = Vec::with_capacity(tables.len());
        for (table, reason) in tables {
            let wanted = look_at(e, db, &table, &reason, any);
            found.push((table, wanted));
        }
        if mask & LIST != 0 {
            list(e, db, &found);
        } else {
            analyze_some(e, db, &found, any, limit)?;
        }
    }
    Ok(())
}

/// When a table is to be analyzed.
enum Reason {
    Always,
    /// It has a row.
    HasRows,
    /// Its size has changed; it had so many rows.
    Changed(u64),
}

fn candidates(e: &Emitter<'_>, db: DbIndex, schema: &Schema, mask: i64) -> Vec<(Arc<Table>, Reason)> {
    let reason = |table: &Table| {
        let all = mask & ALL_TABLES != 0;
        let known = schema.statistics_of(&table.name);
        let unknown =
            |index: &Arc<turso_schema::Index>| index.broken.is_none() && schema.statistics_of(&index.name).is_none();
        if table.indexes.iter().any(unknown) {
            return Some(Reason::HasRows);
        }
        if !all && !e.context.catalogue.statistics_used(db, &table.name) {
            return None;
        }
        match known {
            None if table.indexes.is_empty() => Some(Reason::Always),
            Some(known) => Some(Reason::Changed(known.rows)),
            None => None,
        }
    };
    let tables = schema.tables_in_order().into_iter().filter(|table| may_be_analyzed(table));
    tables.filter_map(|table| Some((table.clone(), reason(table)?))).collect()
}

/// A register that is true when the table is to be analyzed; `any` becomes true then.
fn look_at(e: &mut Emitter<'_>, db: DbIndex, table: &Table, reason: &Reason, any: Reg) -> Reg {
    let (wanted, done) = (e.builder.register(), e.builder.label());
    e.builder.emit(Integer { value: 0, dest: wanted });
    let cursor = match reason {
        Reason::Always => None,
        Reason::HasRows => {
            let cursor = e.open_table(db, table);
            e.builder.emit(Rewind { cursor, empty: done });
            Some(cursor)
        }
        Reason::Changed(rows) => {
            let cursor = e.open_table(db, table);
            skip_unless_changed(e, cursor, *rows, done);
            Some(cursor)
        }
    };
    e.builder.emit(Integer { value: 1, dest: wanted });
    e.builder.emit(Integer { value: 1, dest: any });
    e.builder.bind(done);
    if let Some(cursor) = cursor {
        e.builder.emit(Close { cursor });
    }
    wanted
}

/// Jump when the table is about as large as it was. One of a handful of rows does not shrink.
fn skip_unless_changed(e: &mut Emitter<'_>, cursor: CursorId, rows: u64, skip: turso_program::Label) {
    let (count, bound, changed) = (e.builder.register(), e.builder.register(), e.builder.label());
    e.builder.emit(CountRoughly { cursor, dest: count });
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    e.builder.emit(Integer { value: number(rows.max(1).saturating_mul(CHANGE).saturating_add(1)), dest: bound });
    e.builder.emit(Ge { left: count, right: bound, target: changed, how: EXACT });
    if rows >= CHANGE {
        e.builder.emit(Integer { value: number((rows - 1) / CHANGE), dest: bound });
        e.builder.emit(Le { left: count, right: bound, target: changed, how: EXACT });
    }
    e.builder.emit(Goto { target: skip });
    e.builder.bind(changed);
}

fn list(e: &mut Emitter<'_>, db: DbIndex, found: &[(Arc<Table>, Reg)]) {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let database = quoted(e.context.catalogue.database_name(db));
    let row = e.builder.register();
    for (table, wanted) in found {
        let (show, skip) = (e.builder.label(), e.builder.label());
        e.builder.emit(If { reg: *wanted, target: show, jump_if_null: false });
        e.goto(skip);
        e.builder.bind(show);
        text_into(e, &format!("ANALYZE {database}.{}", quoted(&table.name)), row);
        e.builder.emit(ResultRow { values: Regs::new(row, 1) });
        e.builder.bind(skip);
    }
}
