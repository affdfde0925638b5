//! AUTOINCREMENT: the counters in `sqlite_sequence`.
//!
//! A program that may insert into such a table reads its counter at the start and writes it at the end, both in the outermost
//! program, whichever trigger inserts. Which tables that are is known only when all bodies are built, so the start is emitted
//! last and the program jumps to it first.

use turso_error::{Error, Result, ResultCode};
use turso_program::control::{Goto, IsNull, NotNull};
use turso_program::cursor::{Close, Column, Next, OpenWrite, Rewind, Rowid, TreeKind};
use turso_program::data::{Copy, Integer, Null};
use turso_program::expression::{Comparison, Le, Ne, Nulls};
use turso_program::write::{Insert, MakeRecord, NewRowid, Position};
use turso_program::{DbIndex, Label, Reg, Regs, Root};
use turso_schema::Table;

use super::Emitter;
use super::ddl::{EXACT, SEQUENCE_TABLE, definition, text_into};
use super::state::AutoincrementTable;

/// How many tables with AUTOINCREMENT one statement and its triggers may fill: registers for them are set aside at the start.
const MAX_TABLES: usize = 20;

/// The jump to the code that loads the counters.
pub(crate) struct Counters {
    registers: Regs,
    load: Label,
    start: Label,
}

/// Begin a program that may insert into tables with AUTOINCREMENT, itself or in triggers: only if a database has such a table.
pub(crate) fn begin(e: &mut Emitter<'_>) -> Option<Counters> {
    let count = e.context.catalogue.database_count();
    let any = (0..count).any(|i| e.context.catalogue.schema(DbIndex(i as u16)).table(SEQUENCE_TABLE).is_some());
    if !any {
        return None;
    }
    let registers = e.builder.registers(MAX_TABLES * 3);
    e.statement.next_outer_register.set(registers.first.0);
    let (load, start) = (e.builder.label(), e.builder.label());
    e.builder.emit(Goto { target: load });
    e.builder.bind(start);
    Some(Counters { registers, load, start })
}

/// The register of the outermost program that holds the counter of a table.
pub(crate) fn counter(e: &mut Emitter<'_>, db: DbIndex, table: &Table) -> Result<Reg> {
    let state = e.statement.clone();
    let mut tables = state.autoincrement.borrow_mut();
    if let Some(known) = tables.iter().find(|t| t.db == db && t.table == table.name) {
        return Ok(known.first);
    }
    if tables.len() >= MAX_TABLES || state.next_outer_register.get() == 0 {
        return Err(Error::sql("too many AUTOINCREMENT tables in one statement"));
    }
    let schema = e.context.catalogue.schema(db);
    match schema.table(SEQUENCE_TABLE) {
        Some(sequence) if sequence.has_rowid() && sequence.columns.len() == 2 => {}
        _ => return Err(Error::from_code(ResultCode::CORRUPT_SEQUENCE)),
    }
    let first = Reg(state.next_outer_register.get());
    state.next_outer_register.set(first.0 + 3);
    tables.push(AutoincrementTable { db, table: table.name.clone(), first });
    Ok(first)
}

/// Write back the counters that grew, and those that are not there yet. Comes before the end of the program.
pub(crate) fn write_back(e: &mut Emitter<'_>) {
    let tables = e.statement.autoincrement.borrow().clone();
    for table in tables {
        let (maximum, before, row) = (table.first, Reg(table.first.0 + 1), Reg(table.first.0 + 2));
        let done = e.builder.label();
        // A table without a counter gets one, even if nothing was inserted.
        let changed = e.builder.label();
        e.builder.emit(IsNull { reg: row, target: changed });
        e.builder.emit(Le { left: maximum, right: before, target: done, how: EXACT });
        e.builder.bind(changed);
        let cursor = open_sequence(e, table.db);
        let known = e.builder.label();
        e.builder.emit(NotNull { reg: row, target: known });
        e.builder.emit(NewRowid { cursor, dest: row, at_least: None });
        e.builder.bind(known);
        let values = e.builder.registers(2);
        let record = e.builder.register();
        text_into(e, &table.table, values.at(0));
        e.builder.emit(Copy { from: maximum, to: values.at(1), count: 1 });
        e.builder.emit(MakeRecord { values, dest: record, affinities: None });
        let change = definition(table.db, SEQUENCE_TABLE);
        e.builder.emit(Insert { cursor, record, rowid: row, position: Position::Unknown, change });
        e.builder.emit(Close { cursor });
        e.builder.bind(done);
    }
}

/// After the last instruction: the code that loads the counters, and the jump back to the start.
pub(crate) fn finish(e: &mut Emitter<'_>, counters: Option<Counters>) {
    let Some(counters) = counters else { return };
    debug_assert!(counters.registers.count > 0, "registers are set aside");
    e.builder.bind(counters.load);
    let tables = e.statement.autoincrement.borrow().clone();
    for table in tables {
        load(e, &table);
    }
    e.builder.emit(Goto { target: counters.start });
}

fn open_sequence(e: &mut Emitter<'_>, db: DbIndex) -> turso_program::CursorId {
    let cursor = e.builder.cursor();
    let root = e.context.catalogue.schema(db).table(SEQUENCE_TABLE).map_or(0, |t| t.root);
    e.builder.emit(OpenWrite { cursor, root: Root(root), db, root_in_register: false, kind: TreeKind::Table });
    cursor
}

fn load(e: &mut Emitter<'_>, table: &AutoincrementTable) {
    let (maximum, before, row) = (table.first, Reg(table.first.0 + 1), Reg(table.first.0 + 2));
    let (name, field) = (e.builder.register(), e.builder.register());
    e.builder.emit(Integer { value: 0, dest: maximum });
    e.builder.emit(Null { dest: Regs::new(row, 1) });
    text_into(e, &table.table, name);
    let cursor = open_sequence(e, table.db);
    let (end, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(Column { cursor, column: 0, dest: field, default: None });
    e.builder.emit(Ne { left: field, right: name, target: next, how: Comparison { nulls: Nulls::Jump, ..EXACT } });
    e.builder.emit(Rowid { cursor, dest: row });
    e.builder.emit(Column { cursor, column: 1, dest: maximum, default: None });
    // Whatever was stored counts as an integer.
    e.builder.emit(turso_program::expression::AddImm { reg: maximum, amount: 0 });
    e.builder.emit(Goto { target: end });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(Close { cursor });
    e.builder.emit(Copy { from: maximum, to: before, count: 1 });
}
