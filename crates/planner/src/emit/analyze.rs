//! ANALYZE: fill `sqlite_stat1` (`fileformat2.html`, section 2.6.4) by one scan of each index.
//!
//! For an index of n columns the row holds the number of entries and, for each prefix of its columns, the average number of
//! entries per distinct value, rounded up. A table without a full index gets its number of rows.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::QualifiedName;
use turso_program::control::{Goto, If, IfNot, IsNull};
use turso_program::cursor::{Close, Column, Count, Next, OpenRead, OpenWrite, Rewind, TreeKind};
use turso_program::data::{Copy, Integer, Null};
use turso_program::expression::{Add, AddImm, Comparison, Concat, Divide, Gt, Multiply, Ne, Nulls};
use turso_program::schema::Expire;
use turso_program::write::{Cause, Insert, MakeRecord, NewRowid, Position};
use turso_program::{CursorId, DbIndex, Reg, Regs, Root};
use turso_schema::{FoldedName, Index, Schema, Table};
use turso_value::Affinity;

use super::Emitter;
use super::ddl::{
    EXACT, SchemaRecord, append_schema_row, change_cookie, delete_rows_named, ensure_file_format, open_schema_table,
    parse_schema, statistics_change, table_condition, text_into,
};
use super::row::{is_primary, key_info, table_tree};
use crate::resolve::{find_database, find_table};

/// Emit ANALYZE of everything, a database, a table, or an index.
pub(crate) fn analyze(e: &mut Emitter<'_>, name: Option<&QualifiedName>) -> Result<()> {
    let databases: Vec<DbIndex> = (0..e.context.catalogue.database_count())
        .map(|i| DbIndex(i as u16))
        .filter(|db| *db != super::ddl::TEMP)
        .collect();
    let Some(name) = name else {
        for db in databases {
            analyze_tables(e, db, &|_| true, &|_| true, None)?;
        }
        return Ok(());
    };
    if name.schema.is_none()
        && let Some(db) = e.context.catalogue.find_database(&name.name.text)
    {
        return analyze_tables(e, db, &|_| true, &|_| true, None);
    }
    let wanted = &name.name.text;
    let named = name.schema.as_ref().map(|s| find_database(e.context, s)).transpose()?;
    for db in crate::resolve::resolution_order(e.context).filter(|db| named.is_none_or(|n| n == *db)) {
        let index = e.context.catalogue.schema(db).index(wanted).cloned();
        if let Some(index) = index {
            let (table, only) = (index.table.clone(), index.name.clone());
            return analyze_tables(
                e,
                db,
                &|t| t.name.eq_ignore_ascii_case(&table),
                &|i| i.name == only,
                Some((1, &only)),
            );
        }
    }
    let (db, table) = find_table(e.context, name)?;
    analyze_tables(e, db, &|t| t.name == table.name, &|_| true, Some((0, &table.name)))
}

/// Analyze some tables of a database. `stale`: column and value of the old rows to be replaced; `None`: all rows.
fn analyze_tables(
    e: &mut Emitter<'_>,
    db: DbIndex,
    wanted: &dyn Fn(&Table) -> bool,
    wanted_index: &dyn Fn(&Index) -> bool,
    stale: Option<(u16, &str)>,
) -> Result<()> {
    let schema = e.context.catalogue.schema(db).clone();
    e.uses_database(db, true);
    let cursor = e.builder.cursor();
    match schema.table("sqlite_stat1") {
        Some(stat) if stat.columns.len() >= 3 && stat.has_rowid() => {
            match stale {
                None if !e.context.options.no_truncate => {
                    let root = Root(stat.root);
                    e.builder.emit(turso_program::write::Clear { root, db, root_in_register: false, change: None });
                }
                named => delete_rows_named(e, db, stat.root, named, statistics_change(db, Cause::Delete)),
            }
            let root = Root(stat.root);
            e.builder.emit(OpenWrite { cursor, root, db, root_in_register: false, kind: TreeKind::Table });
        }
        Some(_) => return Err(Error::sql("sqlite_stat1 is not a table of statistics")),
        None => create_statistics(e, db, cursor),
    }
    // SQLite takes them as they lie in its catalogue: the newest first as long as there are few, then as they are hashed.
    let mut tables: Vec<_> = schema.tables.values().collect();
    if tables.iter().filter(|table| may_be_analyzed(table) || table.is_view()).count() < 4 {
        tables.sort_by_key(|table| std::cmp::Reverse(table.root));
    }
    for table in tables {
        if !may_be_analyzed(table) || !wanted(table) {
            continue;
        }
        // A single index says nothing about its table.
        let count = stale.is_none_or(|(column, _)| column == 0);
        analyze_table(e, db, table, wanted_index, cursor, count)?;
    }
    e.builder.emit(Close { cursor });
    e.builder.emit(Expire {});
    Ok(())
}

/// A table with rows of its own that SQL has made.
pub(crate) fn may_be_analyzed(table: &Table) -> bool {
    let system = table.name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_"));
    !system && table.root >= 2 && table.broken.is_none()
}

/// There are statistics of this index, or table.
pub(crate) fn is_analyzed(schema: &Schema, name: &str) -> bool {
    schema.statistics.contains_key(&FoldedName::new(name))
}

/// Analyze those of the tables whose register is true; `any`: some of them is. Nobody is kept from writing where none is.
pub(crate) fn analyze_some(e: &mut Emitter<'_>, db: DbIndex, tables: &[(Arc<Table>, Reg)], any: Reg) -> Result<()> {
    let schema = e.context.catalogue.schema(db).clone();
    let (cursor, over) = (e.builder.cursor(), e.builder.label());
    e.builder.emit(IfNot { reg: any, target: over, jump_if_null: true });
    e.writes_from_here(db);
    let stat = schema.table("sqlite_stat1");
    match stat {
        Some(stat) if stat.columns.len() >= 3 && stat.has_rowid() => {
            let root = Root(stat.root);
            e.builder.emit(OpenWrite { cursor, root, db, root_in_register: false, kind: TreeKind::Table });
        }
        Some(_) => return Err(Error::sql("sqlite_stat1 is not a table of statistics")),
        None => create_statistics(e, db, cursor),
    }
    for (table, wanted) in tables {
        let skip = e.builder.label();
        e.builder.emit(IfNot { reg: *wanted, target: skip, jump_if_null: true });
        if let Some(stat) = stat {
            delete_rows_named(e, db, stat.root, Some((0, &table.name)), statistics_change(db, Cause::Delete));
        }
        analyze_table(e, db, table, &|_| true, cursor, true)?;
        e.builder.bind(skip);
    }
    e.builder.emit(Close { cursor });
    e.builder.emit(Expire {});
    e.builder.bind(over);
    Ok(())
}

fn create_statistics(e: &mut Emitter<'_>, db: DbIndex, cursor: CursorId) {
    ensure_file_format(e, db);
    let root = e.builder.register();
    e.builder.emit(turso_program::schema::CreateBtree { db, dest: root, index: false });
    let schema_cursor = open_schema_table(e, db);
    let name = "sqlite_stat1";
    let sql = "CREATE TABLE sqlite_stat1(tbl,idx,stat)";
    append_schema_row(
        e,
        db,
        schema_cursor,
        &SchemaRecord { kind: "table", name, table: name, root: Some(root), sql: Some(sql) },
    );
    e.builder.emit(Close { cursor: schema_cursor });
    // Who watches rows is told of those of the new table.
    change_cookie(e, db);
    parse_schema(e, db, Some(table_condition(name)));
    e.builder.emit(OpenWrite { cursor, root: Root(root.0), db, root_in_register: true, kind: TreeKind::Table });
}

fn analyze_table(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    wanted: &dyn Fn(&Index) -> bool,
    statistics: CursorId,
    count: bool,
) -> Result<()> {
    let mut needs_count = count;
    for index in table.indexes_newest_first() {
        if index.partial.is_none() {
            needs_count = false;
        }
        if wanted(index) && index.broken.is_none() {
            analyze_index(e, db, table, index, statistics)?;
        }
    }
    if needs_count {
        let (source, rows, none) = (e.builder.cursor(), e.builder.register(), e.builder.label());
        let (root, kind) = table_tree(e, table, db)?;
        e.builder.emit(OpenRead { cursor: source, root, db, kind });
        e.builder.emit(Count { cursor: source, dest: rows });
        e.builder.emit(IfNot { reg: rows, target: none, jump_if_null: true });
        write_row(e, db, statistics, &table.name, None, rows);
        e.builder.bind(none);
        e.builder.emit(Close { cursor: source });
    }
    Ok(())
}

fn analyze_index(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    index: &Arc<Index>,
    statistics: CursorId,
) -> Result<()> {
    let width = index.columns.len();
    let source = e.builder.cursor();
    let key = key_info(e, table, index, db)?;
    let collations: Vec<_> = key.columns.iter().take(width).map(|c| c.collation.clone()).collect();
    e.builder.emit(OpenRead { cursor: source, root: Root(index.root), db, kind: TreeKind::Index(key) });
    let (rows, field) = (e.builder.register(), e.builder.register());
    let (previous, distinct) = (e.builder.registers(width), e.builder.registers(width));
    e.builder.emit(Integer { value: 0, dest: rows });
    e.builder.emit(Null { dest: previous });
    for i in 0..width {
        e.builder.emit(Integer { value: 0, dest: distinct.at(i) });
    }
    let (empty, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor: source, empty });
    let top = e.builder.label_here();
    let changed: Vec<_> = (0..width).map(|_| e.builder.label()).collect();
    // The first entry begins a new value of every prefix, also where it holds NULL.
    let known = e.builder.label();
    e.builder.emit(If { reg: rows, target: known, jump_if_null: false });
    if let Some(&first) = changed.first() {
        e.builder.emit(Goto { target: first });
    }
    e.builder.bind(known);
    if width == 1 && index.unique {
        // After the first value that is not NULL every entry counts as a new one, NULLs too, as SQLite counts them.
        let compare = e.builder.label();
        e.builder.emit(IsNull { reg: previous.at(0), target: compare });
        e.builder.emit(AddImm { reg: distinct.at(0), amount: 1 });
        e.builder.emit(Goto { target: next });
        e.builder.bind(compare);
    }
    for (i, (&target, collation)) in changed.iter().zip(&collations).enumerate() {
        e.builder.emit(Column { cursor: source, column: i as u16, dest: field, default: None });
        let how =
            Comparison { affinity: Affinity::Blob, collation: e.builder.collation(collation), nulls: Nulls::Equal };
        e.builder.emit(Ne { left: field, right: previous.at(i), target, how });
    }
    e.builder.emit(Goto { target: next });
    for (i, &label) in changed.iter().enumerate() {
        e.builder.bind(label);
        e.builder.emit(AddImm { reg: distinct.at(i), amount: 1 });
        e.builder.emit(Column { cursor: source, column: i as u16, dest: previous.at(i), default: None });
    }
    e.builder.bind(next);
    e.builder.emit(AddImm { reg: rows, amount: 1 });
    e.builder.emit(Next { cursor: source, target: top });
    let stat = statistics_text(e, rows, distinct);
    let name = if is_primary(table, index) { &table.name } else { &index.name };
    write_row(e, db, statistics, &table.name, Some(name), stat);
    if index.partial.is_some() {
        // An empty partial index is noted, an empty table is not.
        let done = e.builder.label();
        e.builder.emit(Goto { target: done });
        e.builder.bind(empty);
        text_into(e, &vec!["0"; width + 1].join(" "), stat);
        write_row(e, db, statistics, &table.name, Some(name), stat);
        e.builder.bind(done);
    } else {
        e.builder.bind(empty);
    }
    e.builder.emit(Close { cursor: source });
    Ok(())
}

/// `rows average average …`.
fn statistics_text(e: &mut Emitter<'_>, rows: Reg, distinct: Regs) -> Reg {
    let (text, blank, average) = (e.builder.register(), e.builder.register(), e.builder.register());
    let (scaled, limit, two) = (e.builder.register(), e.builder.register(), e.builder.register());
    let empty = e.builder.register();
    text_into(e, " ", blank);
    text_into(e, "", empty);
    e.builder.emit(Integer { value: 2, dest: two });
    e.builder.emit(Concat { left: rows, right: empty, dest: text });
    for i in 0..distinct.count as usize {
        let different = distinct.at(i);
        e.builder.emit(Add { left: rows, right: different, dest: average });
        e.builder.emit(AddImm { reg: average, amount: -1 });
        e.builder.emit(Divide { left: average, right: different, dest: average });
        // Barely more than one row per value counts as one.
        let keep = e.builder.label();
        e.builder.emit(Ne { left: average, right: two, target: keep, how: EXACT });
        e.builder.emit(Integer { value: 10, dest: limit });
        e.builder.emit(Multiply { left: rows, right: limit, dest: scaled });
        e.builder.emit(Integer { value: 11, dest: limit });
        e.builder.emit(Multiply { left: different, right: limit, dest: limit });
        e.builder.emit(Gt { left: scaled, right: limit, target: keep, how: EXACT });
        e.builder.emit(Integer { value: 1, dest: average });
        e.builder.bind(keep);
        e.builder.emit(Concat { left: text, right: blank, dest: text });
        e.builder.emit(Concat { left: text, right: average, dest: text });
    }
    text
}

fn write_row(e: &mut Emitter<'_>, db: DbIndex, cursor: CursorId, table: &str, index: Option<&str>, stat: Reg) {
    let values = e.builder.registers(3);
    let (record, rowid) = (e.builder.register(), e.builder.register());
    text_into(e, table, values.at(0));
    match index {
        Some(name) => text_into(e, name, values.at(1)),
        None => {
            e.builder.emit(Null { dest: Regs::new(values.at(1), 1) });
        }
    }
    e.builder.emit(Copy { from: stat, to: values.at(2), count: 1 });
    let text = turso_program::Affinities(Arc::from([Affinity::Text, Affinity::Text, Affinity::Text].as_slice()));
    e.builder.emit(MakeRecord { values, dest: record, affinities: Some(text) });
    e.builder.emit(NewRowid { cursor, dest: rowid, at_least: None });
    let change = statistics_change(db, Cause::Insert);
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Append, change });
}
