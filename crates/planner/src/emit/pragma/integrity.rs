//! `PRAGMA integrity_check` and `quick_check`: the pages by one instruction, rows against constraints and indexes by a compiled
//! program, since storage knows no columns.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_program::control::{DecrJumpZero, Goto, IsNull, NotNull, ResultRow};
use turso_program::cursor::{Close, Count, Found, Next, OpenRead, Rewind, TreeKind};
use turso_program::data::{Integer, Null};
use turso_program::expression::{AddImm, Concat, Eq};
use turso_program::schema::IntegrityCheck;
use turso_program::virtual_table::VCheck;
use turso_program::{CursorId, DbIndex, Label, Reg, Regs, Root};
use turso_schema::{Index, Table};

use super::{Call, integer_of, is_small_number, set_columns};
use crate::emit::ddl::{EXACT, text_into};
use crate::emit::row::{bind_table_expr, column_value, index_entry, is_primary, key_info, table_tree};
use crate::emit::{Emitter, SourceBinding};
use crate::plan::ColumnIndex;

pub(super) fn integrity_check(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    check(e, call, "integrity_check", true)
}

pub(super) fn quick_check(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    check(e, call, "quick_check", false)
}

/// Registers that all parts share.
struct Report {
    /// How many problems may still be reported.
    left: Reg,
    /// The row.
    line: Reg,
    /// Where to go when enough is known.
    enough: Label,
}

impl Report {
    /// Hand out the text in `line`.
    fn give(&self, e: &mut Emitter<'_>) {
        e.builder.emit(ResultRow { values: Regs::new(self.line, 1) });
        e.builder.emit(DecrJumpZero { reg: self.left, target: self.enough });
    }

    fn text(&self, e: &mut Emitter<'_>, text: &str) {
        text_into(e, text, self.line);
        self.give(e);
    }
}

fn check(e: &mut Emitter<'_>, call: &Call<'_>, name: &'static str, indexes: bool) -> Result<()> {
    set_columns(e, &[name]);
    let mut limit = 100;
    let mut only: Option<(DbIndex, Arc<Table>)> = None;
    match call.value {
        // A number is a limit, and no table.
        Some(text) if is_small_number(text) => {
            let wanted = integer_of(text);
            limit = if wanted > 0 { wanted } else { 100 };
        }
        Some(text) => {
            let found = match call.schema {
                Some(db) => e.context.catalogue.schema(db).qualified_table(text).map(|t| (db, t.clone())),
                None => crate::resolve::find_unqualified(e.context, text),
            };
            only = Some(found.ok_or_else(|| Error::sql(format!("no such table: {text}")))?);
        }
        None => {}
    }
    let (left, line) = (e.builder.register(), e.builder.register());
    let report = Report { left, line, enough: e.builder.label() };
    let (limit_reg, nothing) = (e.builder.register(), e.builder.label());
    e.builder.emit(Integer { value: limit, dest: left });
    e.builder.emit(Integer { value: limit, dest: limit_reg });
    for db in (0..e.context.catalogue.database_count()).map(|i| DbIndex(i as u16)) {
        let skipped = call.schema.is_some_and(|s| s != db) || only.as_ref().is_some_and(|(o, _)| *o != db);
        let schema = e.context.catalogue.schema(db).clone();
        // `temp` has no pages until something is in it.
        if skipped || (schema.temporary && schema.tables.len() < 2) {
            continue;
        }
        e.uses_database(db, false);
        let tables: Vec<Arc<Table>> = match &only {
            Some((_, table)) => vec![table.clone()],
            None => schema.tables.values().cloned().collect(),
        };
        check_pages(e, db, &tables, only.is_none(), &report)?;
        for table in &tables {
            if table.root > 1 && !table.is_view() && !table.is_virtual() && table.broken.is_none() {
                check_rows(e, db, table, indexes, &report)?;
            }
            if table.is_virtual() {
                check_virtual(e, db, table, !indexes, &report)?;
            }
        }
    }
    e.builder.emit(Eq { left, right: limit_reg, target: nothing, how: EXACT });
    e.builder.emit(Goto { target: report.enough });
    e.builder.bind(nothing);
    text_into(e, "ok", line);
    e.builder.emit(ResultRow { values: Regs::new(line, 1) });
    e.builder.bind(report.enough);
    Ok(())
}

/// Trees, free pages and pointer maps; where these are sound, how many entries indexes have.
fn check_pages(e: &mut Emitter<'_>, db: DbIndex, tables: &[Arc<Table>], whole: bool, report: &Report) -> Result<()> {
    let mut roots: Vec<u32> = if whole { vec![1] } else { Vec::new() };
    for table in tables {
        roots.extend([table.root].into_iter().chain(table.indexes.iter().map(|i| i.root)).filter(|&r| r > 1));
    }
    roots.sort_unstable();
    roots.dedup();
    if roots.is_empty() {
        return Ok(());
    }
    let block = e.builder.registers(roots.len());
    for (i, root) in roots.iter().enumerate() {
        e.builder.emit(Integer { value: i64::from(*root), dest: block.at(i) });
    }
    let (found, fine, done) = (e.builder.register(), e.builder.label(), e.builder.label());
    e.builder.emit(IntegrityCheck { db, roots: block, max_errors: report.left, dest: found });
    e.builder.emit(IsNull { reg: found, target: fine });
    // The host has put `*** in database main ***` in front.
    e.builder.emit(turso_program::data::Copy { from: found, to: report.line, count: 1 });
    report.give(e);
    e.builder.emit(Goto { target: done });
    e.builder.bind(fine);
    for table in tables {
        if table.root > 1 && !table.is_view() && !table.is_virtual() && table.broken.is_none() {
            check_counts(e, db, table, report)?;
        }
    }
    e.builder.bind(done);
    Ok(())
}

/// An index that is not partial has an entry for each row.
fn check_counts(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, report: &Report) -> Result<()> {
    let counted = |index: &&Arc<Index>| !is_primary(table, index) && index.broken.is_none() && index.partial.is_none();
    let indexes: Vec<Arc<Index>> = table.indexes_newest_first().into_iter().filter(counted).cloned().collect();
    if indexes.is_empty() {
        return Ok(());
    }
    let (root, kind) = table_tree(e, table, db)?;
    let (cursor, rows) = (e.builder.cursor(), e.builder.register());
    e.builder.emit(OpenRead { cursor, root, db, kind });
    e.builder.emit(Count { cursor, dest: rows });
    e.builder.emit(Close { cursor });
    for index in indexes {
        let kind = TreeKind::Index(key_info(e, table, &index, db)?);
        let (cursor, entries, fine) = (e.builder.cursor(), e.builder.register(), e.builder.label());
        e.builder.emit(OpenRead { cursor, root: Root(index.root), db, kind });
        e.builder.emit(Count { cursor, dest: entries });
        e.builder.emit(Close { cursor });
        e.builder.emit(Eq { left: entries, right: rows, target: fine, how: EXACT });
        report.text(e, &format!("wrong # of entries in index {}", index.name));
        e.builder.bind(fine);
    }
    Ok(())
}

/// What the module of a virtual table finds. A module that is not known finds nothing.
fn check_virtual(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, quick: bool, report: &Report) -> Result<()> {
    let connected = match e.context.catalogue.virtual_table(db, table) {
        Ok(connected) => connected,
        // It is known, and will be connected.
        Err(error) if error.is(turso_error::ResultCode::SCHEMA) => return Err(error),
        Err(_) => return Ok(()),
    };
    let fine = e.builder.label();
    e.builder.emit(VCheck { table: connected.used.clone(), quick, dest: report.line });
    e.builder.emit(IsNull { reg: report.line, target: fine });
    report.give(e);
    e.builder.bind(fine);
    Ok(())
}

/// An index under check.
struct Checked {
    index: Arc<Index>,
    cursor: CursorId,
}

fn check_rows(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, with_indexes: bool, report: &Report) -> Result<()> {
    let (root, kind) = table_tree(e, table, db)?;
    let cursor = e.builder.cursor();
    e.builder.emit(OpenRead { cursor, root, db, kind });
    let source = e.context.new_source();
    e.bind_source(source, SourceBinding::Cursor { cursor, table: table.clone(), covering: None });
    let mut checked = Vec::new();
    if with_indexes {
        for index in table.indexes_newest_first() {
            if is_primary(table, index) || index.broken.is_some() {
                continue;
            }
            let key = TreeKind::Index(key_info(e, table, index, db)?);
            let cursor = e.builder.cursor();
            e.builder.emit(OpenRead { cursor, root: Root(index.root), db, kind: key });
            checked.push(Checked { index: index.clone(), cursor });
        }
    }
    let row_number = e.builder.register();
    e.builder.emit(Integer { value: 0, dest: row_number });
    let (end, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(AddImm { reg: row_number, amount: 1 });
    check_columns(e, db, table, source, report)?;
    for item in &checked {
        let skip = e.builder.label();
        if let Some(condition) = &item.index.partial {
            let bound = bind_table_expr(e.context, SchemaPlace::Index, db, table, source, condition)?;
            e.jump_if_false(&bound, skip, true)?;
        }
        let key = index_entry(e, db, table, &item.index, source)?;
        e.builder.emit(Found { cursor: item.cursor, key, target: skip });
        // `row 12 missing from index i`
        let (a, b) = (e.builder.register(), e.builder.register());
        text_into(e, "row ", a);
        if table.has_rowid() {
            e.column_into(source, ColumnIndex::Rowid, b)?;
        } else {
            e.builder.emit(turso_program::data::Copy { from: row_number, to: b, count: 1 });
        }
        e.builder.emit(Concat { left: a, right: b, dest: report.line });
        text_into(e, &format!(" missing from index {}", item.index.name), a);
        e.builder.emit(Concat { left: report.line, right: a, dest: report.line });
        report.give(e);
        e.builder.bind(skip);
    }
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    for item in &checked {
        e.builder.emit(Close { cursor: item.cursor });
    }
    e.builder.emit(Close { cursor });
    Ok(())
}

/// NOT NULL and CHECK.
fn check_columns(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    source: crate::plan::SourceId,
    report: &Report,
) -> Result<()> {
    let value = e.builder.register();
    for (c, column) in table.columns.iter().enumerate() {
        if column.not_null.is_none() || table.rowid_alias == Some(c) {
            continue;
        }
        let fine = e.builder.label();
        e.builder.emit(Null { dest: Regs::new(value, 1) });
        column_value(e, table, source, c, value)?;
        e.builder.emit(NotNull { reg: value, target: fine });
        report.text(e, &format!("NULL value in {}.{}", table.name, column.name));
        e.builder.bind(fine);
    }
    if e.context.options.ignore_check_constraints {
        return Ok(());
    }
    if table.checks.is_empty() {
        return Ok(());
    }
    // A row is told of once, however many it violates.
    let (violated, fine) = (e.builder.label(), e.builder.label());
    for constraint in &table.checks {
        let bound = bind_table_expr(e.context, SchemaPlace::Check, db, table, source, &constraint.expr)?;
        e.jump_if_false(&bound, violated, false)?;
    }
    e.builder.emit(Goto { target: fine });
    e.builder.bind(violated);
    report.text(e, &format!("CHECK constraint failed in {}", table.name));
    e.builder.bind(fine);
    Ok(())
}
