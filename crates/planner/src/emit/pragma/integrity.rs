//! `PRAGMA integrity_check` and `quick_check`: the pages by one instruction, rows against types, constraints and indexes by a
//! compiled program, since storage knows no columns. Damage that the program meets ends it with a row that says so.
//!
//! For each row: its record is as long as its header says, it comes after the one before (WITHOUT ROWID), its values are of
//! types that its columns can have, its constraints hold, and each index has its entry, once where it is unique.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_program::control::{Goto, IfPos, IsNull, IsOf, NotNull, OnDamage, ResultRow, class};
use turso_program::cursor::{Close, ColumnIsOf, Found, IdxGt, IdxRowid, Next, OpenRead, Rewind, TreeKind};
use turso_program::data::{ApplyAffinity, Copy, Integer, Null};
use turso_program::expression::{AddImm, Concat, Eq};
use turso_program::schema::IntegrityCheck;
use turso_program::virtual_table::VCheck;
use turso_program::{CursorId, DbIndex, Label, Reg, Regs, Root};
use turso_schema::{Column, Index, IndexKey, StrictType, Table};
use turso_value::Affinity;

use super::{Call, integer_of, is_small_number, set_columns};
use crate::emit::column::{default_value, strict_classes};
use crate::emit::ddl::{EXACT, text_into};
use crate::emit::row::{bind_table_expr, column_value, index_entry, is_primary, key_info, table_tree};
use crate::emit::{Emitter, SourceBinding};
use crate::plan::SourceId;

pub(super) fn integrity_check(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    check(e, call, "integrity_check", true)
}

pub(super) fn quick_check(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    check(e, call, "quick_check", false)
}

/// Registers that all parts share.
struct Report {
    /// How many problems may be reported beyond the next.
    more: Reg,
    /// The row.
    line: Reg,
    /// Where to go when enough is known.
    enough: Label,
}

impl Report {
    /// Hand out the text in `line`.
    fn give(&self, e: &mut Emitter<'_>) {
        e.builder.emit(ResultRow { values: Regs::new(self.line, 1) });
        let next = e.builder.label();
        e.builder.emit(IfPos { reg: self.more, target: next, decrement: 1 });
        e.builder.emit(Goto { target: self.enough });
        e.builder.bind(next);
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
    let (more, line) = (e.builder.register(), e.builder.register());
    let report = Report { more, line, enough: e.builder.label() };
    let (all, nothing, damaged) = (e.builder.register(), e.builder.label(), e.builder.label());
    e.builder.emit(OnDamage { target: damaged });
    e.builder.emit(Integer { value: limit - 1, dest: more });
    e.builder.emit(Integer { value: limit - 1, dest: all });
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
            None => schema.tables_in_order().into_iter().cloned().collect(),
        };
        check_pages(e, db, &tables, only.is_none(), &report)?;
        for table in &tables {
            if table.root > 0 && !table.is_view() && !table.is_virtual() && table.broken.is_none() {
                check_rows(e, db, table, indexes, &report)?;
            }
            if table.is_virtual() {
                check_virtual(e, db, table, !indexes, &report)?;
            }
        }
    }
    e.builder.emit(Eq { left: more, right: all, target: nothing, how: EXACT });
    e.builder.emit(Goto { target: report.enough });
    e.builder.bind(nothing);
    text_into(e, "ok", line);
    let last = e.builder.label();
    e.builder.emit(Goto { target: last });
    e.builder.bind(damaged);
    text_into(e, "database disk image is malformed", line);
    e.builder.bind(last);
    e.builder.emit(ResultRow { values: Regs::new(line, 1) });
    e.builder.bind(report.enough);
    Ok(())
}

/// Trees, free pages and pointer maps, and how many entries indexes have.
fn check_pages(e: &mut Emitter<'_>, db: DbIndex, tables: &[Arc<Table>], whole: bool, report: &Report) -> Result<()> {
    let mut roots: Vec<u32> = Vec::new();
    for table in tables {
        roots.extend(trees(table, whole).map(|(root, _)| root));
    }
    if roots.is_empty() {
        return Ok(());
    }
    let block = e.builder.registers(roots.len());
    for (i, root) in roots.iter().enumerate() {
        e.builder.emit(Integer { value: i64::from(*root), dest: block.at(i) });
    }
    let (found, fine) = (e.builder.register(), e.builder.label());
    e.builder.emit(IntegrityCheck { db, roots: block, more: report.more, dest: found });
    e.builder.emit(IsNull { reg: found, target: fine });
    // The host has put `*** in database main ***` in front.
    e.builder.emit(Copy { from: found, to: report.line, count: 1 });
    report.give(e);
    e.builder.bind(fine);
    let mut counts = (0..roots.len()).map(|i| block.at(i));
    for table in tables {
        check_counts(e, table, whole, &mut counts, report);
    }
    Ok(())
}

/// The trees of a table that are checked, in SQLite's order; `None`: that of its rows. An imposter has none of its own.
fn trees(table: &Table, whole: bool) -> impl Iterator<Item = (u32, Option<&Arc<Index>>)> {
    let own = (table.has_rowid() && !table.imposter).then_some((table.root, None));
    let indexes =
        table.indexes_newest_first().into_iter().filter(|_| !table.imposter).map(|index| (index.root, Some(index)));
    own.into_iter().chain(indexes).filter(move |(root, _)| *root > 1 || (whole && *root == 1))
}

/// An index that is not partial has an entry for each row.
fn check_counts(
    e: &mut Emitter<'_>,
    table: &Table,
    whole: bool,
    counts: &mut dyn Iterator<Item = Reg>,
    report: &Report,
) {
    let all: Vec<(Option<&Arc<Index>>, Reg)> = trees(table, whole).map(|(_, index)| index).zip(counts).collect();
    let rows = all.iter().find(|(index, _)| index.is_none_or(|index| is_primary(table, index)));
    let Some((_, rows)) = rows else { return };
    for (index, entries) in &all {
        let Some(index) = index.filter(|index| index.partial.is_none()) else { continue };
        let fine = e.builder.label();
        e.builder.emit(Eq { left: *entries, right: *rows, target: fine, how: EXACT });
        report.text(e, &format!("wrong # of entries in index {}", index.name));
        e.builder.bind(fine);
    }
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

/// A table under check, its cursor on a row.
struct Rows<'t> {
    db: DbIndex,
    table: &'t Arc<Table>,
    source: SourceId,
    cursor: CursorId,
    /// How many rows have been seen: what reports call a row by.
    number: Reg,
}

fn check_rows(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, with_indexes: bool, report: &Report) -> Result<()> {
    let (root, kind) = table_tree(e, table, db)?;
    let cursor = e.builder.cursor();
    e.builder.emit(OpenRead { cursor, root, db, kind });
    let source = e.context.new_source();
    e.bind_source(source, SourceBinding::Cursor { cursor, table: table.clone(), covering: None });
    let mut checked = Vec::new();
    let mut before = None;
    if with_indexes {
        for index in table.indexes_newest_first() {
            if is_primary(table, index) {
                before = Some(e.builder.registers(index.columns.len()));
            }
            if is_primary(table, index) || index.broken.is_some() {
                continue;
            }
            let key = TreeKind::Index(key_info(e, table, index, db)?);
            let cursor = e.builder.cursor();
            e.builder.emit(OpenRead { cursor, root: Root(index.root), db, kind: key });
            checked.push(Checked { index: index.clone(), cursor });
        }
    }
    let rows = Rows { db, table, source, cursor, number: e.builder.register() };
    e.builder.emit(Integer { value: 0, dest: rows.number });
    if let Some(before) = before {
        e.builder.emit(Null { dest: before });
    }
    let end = e.builder.label();
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(AddImm { reg: rows.number, amount: 1 });
    check_record(e, &rows);
    if let Some(before) = before {
        check_order(e, &rows, before, report)?;
    }
    for column in 0..table.columns.len() {
        check_column(e, &rows, column, report)?;
    }
    check_constraints(e, &rows, report)?;
    for item in &checked {
        check_entry(e, &rows, item, report)?;
    }
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    for item in &checked {
        e.builder.emit(Close { cursor: item.cursor });
    }
    e.builder.emit(Close { cursor });
    Ok(())
}

/// The values of the record end where it ends: whoever looks at its last column learns it.
fn check_record(e: &mut Emitter<'_>, rows: &Rows<'_>) {
    let stored = rows.table.stored_columns();
    // The field of a rowid alias holds nothing.
    let fields = stored.len() - usize::from(stored.last().is_some_and(|last| rows.table.rowid_alias == Some(*last)));
    if let Some(last) = fields.checked_sub(1) {
        let next = e.builder.label();
        e.builder.emit(ColumnIsOf {
            cursor: rows.cursor,
            column: last as u16,
            classes: 0,
            target: next,
            default: None,
        });
        e.builder.bind(next);
    }
}

/// The primary key of a table WITHOUT ROWID comes after the one before, which is kept in `before`.
fn check_order(e: &mut Emitter<'_>, rows: &Rows<'_>, before: Regs, report: &Report) -> Result<()> {
    let fine = e.builder.label();
    e.builder.emit(IdxGt { cursor: rows.cursor, key: before, target: fine });
    e.builder.emit(IsNull { reg: before.first, target: fine });
    report.text(e, &format!("row not in PRIMARY KEY order for {}", rows.table.name));
    e.builder.bind(fine);
    for (i, &column) in rows.table.stored_columns().iter().take(before.count as usize).enumerate() {
        column_value(e, rows.table, rows.source, column, before.at(i))?;
    }
    Ok(())
}

/// What a column's values may be stored as, and what is said of others.
fn column_classes(table: &Table, column: &Column) -> Option<(u32, String)> {
    use class::{BLOB, INTEGER, NULL, REAL, TEXT};
    let name = format!("{}.{}", table.name, column.name);
    if table.strict {
        let what = match column.strict_type {
            StrictType::Any => return None,
            StrictType::Int => "INT",
            StrictType::Integer => "INTEGER",
            StrictType::Real => "REAL",
            StrictType::Text => "TEXT",
            StrictType::Blob => "BLOB",
        };
        return Some((strict_classes(column.strict_type), format!("non-{what} value in {name}")));
    }
    match column.affinity {
        Affinity::None | Affinity::Blob => None,
        Affinity::Text => Some((TEXT | BLOB | NULL, format!("NUMERIC value in {name}"))),
        _ => Some((INTEGER | REAL | BLOB | NULL, format!("TEXT value in {name}"))),
    }
}

/// NOT NULL, and a type that the column can have.
fn check_column(e: &mut Emitter<'_>, rows: &Rows<'_>, number: usize, report: &Report) -> Result<()> {
    let table = rows.table;
    let Some(column) = table.columns.get(number).filter(|_| table.rowid_alias != Some(number)) else { return Ok(()) };
    let classes = column_classes(table, column);
    if column.not_null.is_none() && classes.is_none() {
        return Ok(());
    }
    let (value, fine) = (e.builder.temporary(), e.builder.label());
    // A column that is computed has no field whose type could be looked at.
    let field = table.field_of(number);
    let jump_if_of = |e: &mut Emitter<'_>, classes: u32, target: Label| match field {
        Some(field) => {
            let default = default_value(table, number);
            let (cursor, column) = (rows.cursor, field as u16);
            e.builder.emit(ColumnIsOf { cursor, column, classes, target, default });
        }
        None => {
            e.builder.emit(IsOf { reg: value, classes, target });
        }
    };
    let read = |e: &mut Emitter<'_>| column_value(e, table, rows.source, number, value);
    if field.is_none() {
        read(e)?;
    }
    if column.not_null.is_some() {
        let there = e.builder.label();
        // A real is looked at: NaN is read as NULL.
        jump_if_of(e, class::INTEGER | class::TEXT | class::BLOB, there);
        if field.is_some() {
            read(e)?;
        }
        e.builder.emit(NotNull { reg: value, target: there });
        report.text(e, &format!("NULL value in {}.{}", table.name, column.name));
        e.builder.emit(Goto { target: fine });
        e.builder.bind(there);
    }
    if let Some((classes, text)) = classes {
        jump_if_of(e, classes, fine);
        if !table.strict && classes & class::TEXT == 0 {
            // Text is right where it does not look like a number.
            if field.is_some() {
                read(e)?;
            }
            if let Some(affinities) = Emitter::affinities([Affinity::Numeric]) {
                e.builder.emit(ApplyAffinity { regs: value, affinities });
            }
            e.builder.emit(IsOf { reg: value, classes: class::TEXT | class::BLOB | class::NULL, target: fine });
        }
        report.text(e, &text);
    }
    e.builder.bind(fine);
    e.builder.release(value);
    Ok(())
}

/// CHECK; however many of them do not hold, a row is reported once.
fn check_constraints(e: &mut Emitter<'_>, rows: &Rows<'_>, report: &Report) -> Result<()> {
    if e.context.options.ignore_check_constraints || rows.table.checks.is_empty() {
        return Ok(());
    }
    let (fine, violated) = (e.builder.label(), e.builder.label());
    for constraint in &rows.table.checks {
        let bound = bind_table_expr(e.context, SchemaPlace::Check, rows.db, rows.table, rows.source, &constraint.expr)?;
        e.jump_if_false(&bound, violated, false)?;
    }
    e.builder.emit(Goto { target: fine });
    e.builder.bind(violated);
    report.text(e, &format!("CHECK constraint failed in {}", rows.table.name));
    e.builder.bind(fine);
    Ok(())
}

/// An index has the row's entry, with its rowid at the end, and where it is unique no other of the same key.
fn check_entry(e: &mut Emitter<'_>, rows: &Rows<'_>, item: &Checked, report: &Report) -> Result<()> {
    let (index, table, cursor) = (&item.index, rows.table, item.cursor);
    let (found, done) = (e.builder.label(), e.builder.label());
    if let Some(condition) = &index.partial {
        let bound = bind_table_expr(e.context, SchemaPlace::Index, rows.db, table, rows.source, condition)?;
        e.jump_if_false(&bound, done, true)?;
    }
    let key = index_entry(e, rows.db, table, index, rows.source)?;
    e.builder.emit(Found { cursor, key, target: found });
    report_row(e, rows, "row ", &format!(" missing from index {}", index.name), report);
    e.builder.emit(Goto { target: done });
    e.builder.bind(found);
    if table.has_rowid() {
        let (rowid, right) = (e.builder.register(), e.builder.label());
        e.builder.emit(IdxRowid { cursor, dest: rowid });
        e.builder.emit(Eq { left: rowid, right: key.at(key.count as usize - 1), target: right, how: EXACT });
        let rest = format!(" of index {}", index.name);
        report_row(e, rows, "rowid not at end-of-record for row ", &rest, report);
        e.builder.emit(Goto { target: done });
        e.builder.bind(right);
    }
    if index.unique {
        for (i, part) in index.columns.iter().enumerate() {
            let never_null = match part.key {
                IndexKey::Rowid => true,
                IndexKey::Column(c) => {
                    table.rowid_alias == Some(c) || table.columns.get(c).is_some_and(|c| c.not_null.is_some())
                }
                IndexKey::Expr(_) => false,
            };
            if !never_null {
                e.builder.emit(IsNull { reg: key.at(i), target: done });
            }
        }
        let more = e.builder.label();
        e.builder.emit(Next { cursor, target: more });
        e.builder.emit(Goto { target: done });
        e.builder.bind(more);
        let key = Regs::new(key.first, index.columns.len());
        e.builder.emit(IdxGt { cursor, key, target: done });
        report.text(e, &format!("non-unique entry in index {}", index.name));
    }
    e.builder.bind(done);
    Ok(())
}

/// A report that names a row.
fn report_row(e: &mut Emitter<'_>, rows: &Rows<'_>, before: &str, after: &str, report: &Report) {
    let (number, text) = (e.builder.temporary(), e.builder.temporary());
    text_into(e, before, text);
    e.builder.emit(Copy { from: rows.number, to: number, count: 1 });
    e.builder.emit(Concat { left: text, right: number, dest: report.line });
    text_into(e, after, text);
    e.builder.emit(Concat { left: report.line, right: text, dest: report.line });
    report.give(e);
    e.builder.release(number);
    e.builder.release(text);
}
