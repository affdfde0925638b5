//! ANALYZE: fill `sqlite_stat1` and `sqlite_stat4` (`fileformat2.html`, sections 2.6.4 and 2.6.7) by one scan of each index.
//!
//! For an index of n columns the first holds a row with the number of entries and, for each prefix of its columns, the average
//! number of entries per distinct value, rounded up; the second holds a few entries as samples. A table without a full index
//! gets its number of rows. The scan hands the entries to a survey (`program::survey`). With `PRAGMA analysis_limit` it stops
//! early, and there are no samples.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::QualifiedName;
use turso_program::control::{Goto, IfNot};
use turso_program::cursor::{Close, Count, Next, OpenRead, OpenWrite, Rewind, SeekGt, TreeKind};
use turso_program::data::{Copy, Null};
use turso_program::schema::Expire;
use turso_program::survey::{SurveyAdd, SurveyOpen, SurveySample, SurveySkip, SurveyText, Surveyed};
use turso_program::write::{Cause, Insert, MakeRecord, NewRowid, Position, RowChange};
use turso_program::{Affinities, CursorId, DbIndex, Reg, Regs, Root};
use turso_schema::{Index, IndexKey, Table};
use turso_value::Affinity;

use super::Emitter;
use super::ddl::{
    SchemaRecord, append_schema_row, change_cookie, delete_rows_named, ensure_file_format, open_schema_table,
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

/// The tables of statistics, with their columns as SQLite creates them.
const TABLES: [(&str, &str); 2] = [("sqlite_stat1", "tbl,idx,stat"), ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample")];
/// The most samples of an index.
const SAMPLES: u32 = 24;

/// Cursors that write to the tables of statistics of a database.
struct Statistics {
    db: DbIndex,
    plain: CursorId,
    samples: CursorId,
    /// Entries of an index that are looked at; 0: all.
    limit: u32,
}

impl Statistics {
    /// Make the tables that are missing and open both. `forget` takes a table that is there, and its name.
    fn open(e: &mut Emitter<'_>, db: DbIndex, limit: u32, forget: &dyn Fn(&mut Emitter<'_>, &Table)) -> Result<Self> {
        let schema = e.context.catalogue.schema(db).clone();
        let mut cursors = [e.builder.cursor(), e.builder.cursor()];
        for ((name, columns), cursor) in TABLES.iter().zip(&mut cursors) {
            match schema.table(name) {
                Some(stat) if stat.columns.len() >= columns.split(',').count() && stat.has_rowid() => {
                    forget(e, stat);
                    let root = Root(stat.root);
                    let kind = TreeKind::Table;
                    e.builder.emit(OpenWrite { cursor: *cursor, root, db, root_in_register: false, kind });
                }
                Some(_) => return Err(Error::sql(format!("{name} is not a table of statistics"))),
                None => create_statistics(e, db, *cursor, name, columns),
            }
        }
        let [plain, samples] = cursors;
        Ok(Self { db, plain, samples, limit })
    }

    fn close(self, e: &mut Emitter<'_>) {
        e.builder.emit(Close { cursor: self.plain });
        e.builder.emit(Close { cursor: self.samples });
        e.builder.emit(Expire {});
    }

    /// Append a row of `sqlite_stat1`.
    fn add_plain(&self, e: &mut Emitter<'_>, table: &str, index: Option<&str>, stat: Reg) {
        let values = e.builder.registers(3);
        named(e, values, table, index);
        e.builder.emit(Copy { from: stat, to: values.at(2), count: 1 });
        let text = Affinities(Arc::from([Affinity::Text; 3].as_slice()));
        append(e, self.plain, values, Some(text), statistics_change(self.db, Cause::Insert));
    }

    /// Append what a survey has chosen to `sqlite_stat4`.
    fn add_samples(&self, e: &mut Emitter<'_>, table: &str, index: &str, survey: CursorId) {
        let values = e.builder.registers(6);
        named(e, values, table, Some(index));
        let none = e.builder.label();
        let top = e.builder.label_here();
        e.builder.emit(SurveySample { survey, dest: Regs::new(values.at(2), 4), none });
        append(e, self.samples, values, None, None);
        e.builder.emit(Goto { target: top });
        e.builder.bind(none);
    }
}

fn named(e: &mut Emitter<'_>, values: Regs, table: &str, index: Option<&str>) {
    text_into(e, table, values.at(0));
    match index {
        Some(name) => text_into(e, name, values.at(1)),
        None => {
            e.builder.emit(Null { dest: Regs::new(values.at(1), 1) });
        }
    }
}

fn append(
    e: &mut Emitter<'_>,
    cursor: CursorId,
    values: Regs,
    affinities: Option<Affinities>,
    change: Option<Arc<RowChange>>,
) {
    let (record, rowid) = (e.builder.register(), e.builder.register());
    e.builder.emit(MakeRecord { values, dest: record, affinities });
    e.builder.emit(NewRowid { cursor, dest: rowid, at_least: None });
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Append, change });
}

/// How a change of a table of statistics is told: of the samples nobody is.
fn told(db: DbIndex, table: &Table, cause: Cause) -> Option<Arc<RowChange>> {
    statistics_change(db, cause).filter(|_| table.name.eq_ignore_ascii_case("sqlite_stat1"))
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
    let limit = e.context.options.analysis_limit;
    let statistics = Statistics::open(e, db, limit, &|e, stat| match stale {
        None if !e.context.options.no_truncate => {
            let root = Root(stat.root);
            e.builder.emit(turso_program::write::Clear { root, db, root_in_register: false, change: None });
        }
        named => delete_rows_named(e, db, stat.root, named, told(db, stat, Cause::Delete)),
    })?;
    for table in schema.tables_in_order() {
        if !may_be_analyzed(table) || !wanted(table) {
            continue;
        }
        // A single index says nothing about its table.
        let count = stale.is_none_or(|(column, _)| column == 0);
        analyze_table(e, table, wanted_index, &statistics, count)?;
    }
    statistics.close(e);
    Ok(())
}

/// A table with rows of its own that SQL has made.
pub(crate) fn may_be_analyzed(table: &Table) -> bool {
    let system = table.name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_"));
    !system && table.root >= 2 && table.broken.is_none()
}

/// Analyze those of the tables whose register is true, `limit` entries of each index (0: all); `any`: some of them is. Nobody is
/// kept from writing where none is.
pub(crate) fn analyze_some(
    e: &mut Emitter<'_>,
    db: DbIndex,
    tables: &[(Arc<Table>, Reg)],
    any: Reg,
    limit: u32,
) -> Result<()> {
    let over = e.builder.label();
    e.builder.emit(IfNot { reg: any, target: over, jump_if_null: true });
    e.writes_from_here(db);
    let known = e.context.catalogue.schema(db).clone();
    let statistics = Statistics::open(e, db, limit, &|_, _| {})?;
    for (table, wanted) in tables {
        let skip = e.builder.label();
        e.builder.emit(IfNot { reg: *wanted, target: skip, jump_if_null: true });
        for stat in TABLES.iter().filter_map(|(name, _)| known.table(name)) {
            delete_rows_named(e, db, stat.root, Some((0, &table.name)), told(db, stat, Cause::Delete));
        }
        analyze_table(e, table, &|_| true, &statistics, true)?;
        e.builder.bind(skip);
    }
    statistics.close(e);
    e.builder.bind(over);
    Ok(())
}

fn create_statistics(e: &mut Emitter<'_>, db: DbIndex, cursor: CursorId, name: &str, columns: &str) {
    ensure_file_format(e, db);
    let root = e.builder.register();
    e.builder.emit(turso_program::schema::CreateBtree { db, dest: root, index: false });
    let schema_cursor = open_schema_table(e, db);
    let sql = format!("CREATE TABLE {name}({columns})");
    append_schema_row(
        e,
        db,
        schema_cursor,
        &SchemaRecord { kind: "table", name, table: name, root: Some(root), sql: Some(&sql) },
    );
    e.builder.emit(Close { cursor: schema_cursor });
    // Who watches rows is told of those of the new table.
    change_cookie(e, db);
    parse_schema(e, db, Some(table_condition(name)));
    e.builder.emit(OpenWrite { cursor, root: Root(root.0), db, root_in_register: true, kind: TreeKind::Table });
}

fn analyze_table(
    e: &mut Emitter<'_>,
    table: &Arc<Table>,
    wanted: &dyn Fn(&Index) -> bool,
    statistics: &Statistics,
    count: bool,
) -> Result<()> {
    let db = statistics.db;
    let mut needs_count = count;
    for index in table.indexes_newest_first() {
        if index.partial.is_none() {
            needs_count = false;
        }
        if wanted(index) && index.broken.is_none() {
            analyze_index(e, table, index, statistics)?;
        }
    }
    if needs_count {
        let (source, rows, none) = (e.builder.cursor(), e.builder.register(), e.builder.label());
        let (root, kind) = table_tree(e, table, db)?;
        e.builder.emit(OpenRead { cursor: source, root, db, kind });
        e.builder.emit(Count { cursor: source, dest: rows });
        e.builder.emit(IfNot { reg: rows, target: none, jump_if_null: true });
        statistics.add_plain(e, &table.name, None, rows);
        e.builder.bind(none);
        e.builder.emit(Close { cursor: source });
    }
    Ok(())
}

fn analyze_index(e: &mut Emitter<'_>, table: &Arc<Table>, index: &Arc<Index>, statistics: &Statistics) -> Result<()> {
    let db = statistics.db;
    let width = index.columns.len();
    let limit = statistics.limit;
    let (source, survey) = (e.builder.cursor(), e.builder.cursor());
    let key = key_info(e, table, index, db)?;
    let kind = TreeKind::Index(key.clone());
    e.builder.emit(OpenRead { cursor: source, root: Root(index.root), db, kind });
    let (rows, stat) = (e.builder.register(), e.builder.register());
    e.builder.emit(Count { cursor: source, dest: rows });
    let (empty, seen, enough) = (e.builder.label(), e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor: source, empty });
    let samples = if limit == 0 { SAMPLES } else { 0 };
    let single = index.unique && width == 1 && key.columns.len() == 2;
    let of = Surveyed { key, columns: width, single, reals: real_columns(table, index) };
    e.builder.emit(SurveyOpen { survey, rows, samples, limit, of: Arc::new(of) });
    let top = e.builder.label_here();
    e.builder.emit(SurveyAdd { survey, source, enough });
    let next = e.builder.label_here();
    e.builder.emit(Next { cursor: source, target: top });
    if limit > 0 {
        e.builder.emit(Goto { target: seen });
        e.builder.bind(enough);
        let first = e.builder.registers(1);
        e.builder.emit(SurveySkip { survey, dest: first.first, done: seen });
        // The entry that is found is passed over, as SQLite does it.
        e.builder.emit(SeekGt { cursor: source, key: first, miss: seen });
        e.builder.emit(Goto { target: next });
    } else {
        e.builder.bind(enough);
    }
    e.builder.bind(seen);
    e.builder.emit(SurveyText { survey, dest: stat });
    let name = if is_primary(table, index) { &table.name } else { &index.name };
    statistics.add_plain(e, &table.name, Some(name), stat);
    if limit == 0 {
        statistics.add_samples(e, &table.name, name, survey);
    }
    if index.partial.is_some() {
        // An empty partial index is noted, an empty table is not.
        let done = e.builder.label();
        e.builder.emit(Goto { target: done });
        e.builder.bind(empty);
        text_into(e, &vec!["0"; width + 1].join(" "), stat);
        statistics.add_plain(e, &table.name, Some(name), stat);
        e.builder.bind(done);
    } else {
        e.builder.bind(empty);
    }
    e.builder.emit(Close { cursor: survey });
    e.builder.emit(Close { cursor: source });
    Ok(())
}

/// The columns of an index's entries that have the affinity REAL.
fn real_columns(table: &Table, index: &Index) -> Vec<usize> {
    let declared = index.columns.iter().map(|column| match column.key {
        IndexKey::Column(c) => Some(c),
        IndexKey::Rowid | IndexKey::Expr(_) => None,
    });
    let all = declared.chain(index.trailing.iter().map(|c| Some(*c))).enumerate();
    let is_real = |c: usize| table.columns.get(c).is_some_and(|c| c.affinity == Affinity::Real);
    all.filter(|(_, c)| c.is_some_and(is_real)).map(|(at, _)| at).collect()
}
