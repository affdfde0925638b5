//! CREATE, DROP, REINDEX and ALTER: programs that change `sqlite_schema`, make and destroy trees, and then tell the catalogue.
//!
//! The rows of `sqlite_schema`, their order, and the order in which root pages are allocated are SQLite's, so that files agree.

mod add_column;
mod alter;
mod constraint;
mod create_index;
mod create_table;
mod create_trigger;
mod create_view;
mod drop;
mod drop_column;
mod keywords;
mod references;
mod reindex;
mod rename;
mod virtual_table;

pub(crate) use alter::alter_table;
pub(crate) use create_index::{create_index, unique_message};
pub(crate) use create_table::create_table;
pub(crate) use create_trigger::create_trigger;
pub(crate) use create_view::create_view;
pub(crate) use drop::drop_object;
pub(crate) use keywords::quoted_identifier;
pub(crate) use reindex::reindex;
pub(crate) use virtual_table::{create_virtual_table, drop_virtual_table, rename_virtual_table};

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::control::If;
use turso_program::cursor::{Close, Column, Next, OpenWrite, Rewind, Rowid, TreeKind};
use turso_program::data::{Const, Copy, Integer, Null};
use turso_program::expression::{Comparison, Eq, Ne, Nulls};
use turso_program::schema::{Cookie, ParseSchema, ReadCookie, SetCookie};
use turso_program::write::{Cause, Delete, Insert, MakeRecord, NewRowid, Position, RowChange};
use turso_program::{Affinities, CollationId, CursorId, DbIndex, Reg, Regs, Root};
use turso_schema::Schema;
use turso_value::{Affinity, Value};

use super::Emitter;
use crate::resolve::find_database;

/// `main`.
pub(crate) const MAIN: DbIndex = DbIndex(0);
/// `temp`.
pub(crate) const TEMP: DbIndex = DbIndex(1);

/// The five columns of a row of `sqlite_schema`.
pub(crate) struct SchemaRecord<'a> {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: &'a str,
    /// The element.
    pub name: &'a str,
    /// The table it belongs to.
    pub table: &'a str,
    /// The register with its root page; `None`: 0.
    pub root: Option<Reg>,
    /// Its text; `None` for automatic indexes.
    pub sql: Option<&'a str>,
}

/// The database that a CREATE statement's name and TEMP choose.
pub(crate) fn database_for_create(
    e: &Emitter<'_>,
    name: &ast::QualifiedName,
    temporary: bool,
    what: &str,
) -> Result<DbIndex> {
    match &name.schema {
        None if temporary => Ok(TEMP),
        None => Ok(MAIN),
        Some(schema) => {
            let db = find_database(e.context, schema)?;
            if temporary && db != TEMP {
                return Err(Error::sql(format!("temporary {what} name must be unqualified")));
            }
            Ok(db)
        }
    }
}

/// The database in which a table, view or virtual table is to be made, and no other has its name; `None` where one of that
/// name is there and IF NOT EXISTS asks to leave it.
pub(crate) fn place_for_create(
    e: &mut Emitter<'_>,
    qualified: &ast::QualifiedName,
    temporary: bool,
    if_not_exists: bool,
) -> Result<Option<DbIndex>> {
    let db = database_for_create(e, qualified, temporary, "table")?;
    let name = &qualified.name;
    // Nothing is written where it is there already.
    e.uses_database(db, false);
    check_object_name(e, &name.text)?;
    let schema = schema_of(e, db);
    if let Some(existing) = schema.qualified_table(&name.text) {
        if if_not_exists {
            e.counts_as_writing();
            return Ok(None);
        }
        let kind = if existing.is_view() { "view" } else { "table" };
        return Err(
            Error::sql(format!("{kind} {} already exists", name.written(e.context.sql))).with_sql_offset(name.offset)
        );
    }
    if schema.index(&name.text).is_some() {
        return Err(Error::sql(format!("there is already an index named {}", name.text)));
    }
    e.uses_database(db, true);
    Ok(Some(db))
}

/// Store the definition of what has no tree, and put it into the catalogue.
pub(crate) fn store_definition(e: &mut Emitter<'_>, db: DbIndex, kind: &'static str, name: &str, sql: &str) {
    ensure_file_format(e, db);
    let cursor = open_schema_table(e, db);
    append_schema_row(e, db, cursor, &SchemaRecord { kind, name, table: name, root: None, sql: Some(sql) });
    e.builder.emit(Close { cursor });
    change_cookie(e, db);
    parse_schema(e, db, Some(table_condition(name)));
}

/// Refuse names that begin with `sqlite_`.
pub(crate) fn check_object_name(e: &Emitter<'_>, name: &str) -> Result<()> {
    let reserved = name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_"));
    let databases = (0..e.context.catalogue.database_count()).map(|i| DbIndex(i as u16));
    let shadow = || databases.clone().any(|db| crate::shadow::is_shadow(e.context, db, name));
    if reserved && !e.context.options.writable_schema || e.context.options.defensive && shadow() {
        return Err(Error::sql(format!("object name reserved for internal use: {name}")));
    }
    Ok(())
}

/// The schema of a database.
pub(crate) fn schema_of(e: &Emitter<'_>, db: DbIndex) -> Arc<Schema> {
    e.context.catalogue.schema(db).clone()
}

/// Load a text constant.
pub(crate) fn text_into(e: &mut Emitter<'_>, text: &str, dest: Reg) {
    let constant = e.builder.constant(Value::from(text));
    e.builder.emit(Const { constant, dest });
}

/// A comparison of texts byte by byte that is false for NULL.
pub(crate) const EXACT: Comparison =
    Comparison { affinity: Affinity::Blob, collation: CollationId(0), nulls: Nulls::Fall };

/// A new file gets its format number and its encoding with its first element.
pub(crate) fn ensure_file_format(e: &mut Emitter<'_>, db: DbIndex) {
    let format = e.builder.register();
    let ready = e.builder.label();
    e.builder.emit(ReadCookie { db, dest: format, cookie: Cookie::FileFormat });
    e.builder.emit(If { reg: format, target: ready, jump_if_null: false });
    e.builder.emit(Integer { value: 4, dest: format });
    e.builder.emit(SetCookie { db, value: format, cookie: Cookie::FileFormat });
    let encoding = match schema_of(e, db).encoding {
        turso_value::TextEncoding::Utf8 => 1,
        turso_value::TextEncoding::Utf16Le => 2,
        turso_value::TextEncoding::Utf16Be => 3,
    };
    e.builder.emit(Integer { value: encoding, dest: format });
    e.builder.emit(SetCookie { db, value: format, cookie: Cookie::TextEncoding });
    e.builder.bind(ready);
}

/// Open `sqlite_schema` for writing.
pub(crate) fn open_schema_table(e: &mut Emitter<'_>, db: DbIndex) -> CursorId {
    let cursor = e.builder.cursor();
    e.builder.emit(OpenWrite { cursor, root: Root(1), db, root_in_register: false, kind: TreeKind::Table });
    cursor
}

/// Put the record of a schema row into a new register.
pub(crate) fn schema_record(e: &mut Emitter<'_>, row: &SchemaRecord<'_>) -> Reg {
    let values = e.builder.registers(5);
    text_into(e, row.kind, values.at(0));
    text_into(e, row.name, values.at(1));
    text_into(e, row.table, values.at(2));
    match row.root {
        Some(root) => e.builder.emit(Copy { from: root, to: values.at(3), count: 1 }),
        None => e.builder.emit(Integer { value: 0, dest: values.at(3) }),
    };
    match row.sql {
        Some(sql) => text_into(e, sql, values.at(4)),
        None => {
            e.builder.emit(Null { dest: Regs::new(values.at(4), 1) });
        }
    }
    let record = e.builder.register();
    e.builder.emit(MakeRecord { values, dest: record, affinities: Some(schema_affinities()) });
    record
}

/// The affinities of the columns of `sqlite_schema`.
pub(crate) fn schema_affinities() -> Affinities {
    Affinities(Arc::from(
        [Affinity::Text, Affinity::Text, Affinity::Text, Affinity::Integer, Affinity::Text].as_slice(),
    ))
}

/// What the change stream is told of a change that the engine makes of itself, mostly in `sqlite_schema`.
pub(crate) fn definition(db: DbIndex, table: &str) -> Option<Arc<RowChange>> {
    let (table, cause) = (Arc::from(table), Cause::Define);
    Some(Arc::new(RowChange { db, table, cause, counts: false, sets_last_rowid: false }))
}

/// The name that the change stream gives to the catalogue's table.
pub(crate) const SCHEMA_TABLE: &str = "sqlite_schema";

/// The table of the counters of AUTOINCREMENT.
pub(crate) const SEQUENCE_TABLE: &str = "sqlite_sequence";

/// Append a row to `sqlite_schema` through an open cursor.
pub(crate) fn append_schema_row(e: &mut Emitter<'_>, db: DbIndex, cursor: CursorId, row: &SchemaRecord<'_>) {
    let rowid = e.builder.register();
    e.builder.emit(NewRowid { cursor, dest: rowid, at_least: None });
    let record = schema_record(e, row);
    let change = definition(db, SCHEMA_TABLE);
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Append, change });
}

/// Which rows [`delete_schema_rows`] deletes.
pub(crate) enum SchemaRows<'a> {
    /// `name = x AND type = y`.
    Element { name: &'a str, kind: &'a str },
    /// `tbl_name = x AND type != 'trigger'`.
    OfTable(&'a str),
}

/// Delete rows of `sqlite_schema`.
pub(crate) fn delete_schema_rows(e: &mut Emitter<'_>, db: DbIndex, rows: SchemaRows<'_>) {
    let (column, text, kind) = match rows {
        SchemaRows::Element { name, kind } => (1, name, kind),
        SchemaRows::OfTable(table) => (2, table, "trigger"),
    };
    let (wanted, wanted_kind, field) = (e.builder.register(), e.builder.register(), e.builder.register());
    text_into(e, text, wanted);
    text_into(e, kind, wanted_kind);
    let cursor = open_schema_table(e, db);
    let (end, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(Column { cursor, column, dest: field, default: None });
    // A NULL name is no match.
    e.builder.emit(Ne { left: field, right: wanted, target: next, how: Comparison { nulls: Nulls::Jump, ..EXACT } });
    e.builder.emit(Column { cursor, column: 0, dest: field, default: None });
    match rows {
        SchemaRows::Element { .. } => e.builder.emit(Ne {
            left: field,
            right: wanted_kind,
            target: next,
            how: Comparison { nulls: Nulls::Jump, ..EXACT },
        }),
        SchemaRows::OfTable(_) => e.builder.emit(Eq { left: field, right: wanted_kind, target: next, how: EXACT }),
    };
    e.builder.emit(Delete { cursor, keep_position: true, overwritten: false, change: definition(db, SCHEMA_TABLE) });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
}

/// Delete the rows of a table of the engine's own whose text column equals a text (rows of `sqlite_sequence`, `sqlite_stat1`), or
/// all of its rows. `change`: who watches rows is told.
pub(crate) fn delete_rows_named(
    e: &mut Emitter<'_>,
    db: DbIndex,
    root: u32,
    named: Option<(u16, &str)>,
    change: Option<Arc<RowChange>>,
) {
    let (wanted, field) = (e.builder.register(), e.builder.register());
    if let Some((_, text)) = named {
        text_into(e, text, wanted);
    }
    let cursor = e.builder.cursor();
    e.builder.emit(OpenWrite { cursor, root: Root(root), db, root_in_register: false, kind: TreeKind::Table });
    let (end, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    if let Some((column, _)) = named {
        e.builder.emit(Column { cursor, column, dest: field, default: None });
        e.builder.emit(Ne {
            left: field,
            right: wanted,
            target: next,
            how: Comparison { nulls: Nulls::Jump, ..EXACT },
        });
    }
    e.builder.emit(Delete { cursor, keep_position: true, overwritten: false, change });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
}

/// How a change of the statistics is told: sessions record them.
pub(crate) fn statistics_change(db: DbIndex, cause: Cause) -> Option<Arc<RowChange>> {
    let table = Arc::from("sqlite_stat1");
    Some(Arc::new(RowChange { db, table, cause, counts: false, sets_last_rowid: false }))
}

/// After the root page `moved` has taken the place of `root` (auto-vacuum), correct the row that names it.
pub(crate) fn follow_moved_root(e: &mut Emitter<'_>, db: DbIndex, root: Reg, moved: Reg) {
    let done = e.builder.label();
    e.builder.emit(turso_program::control::IfNot { reg: moved, target: done, jump_if_null: true });
    let cursor = open_schema_table(e, db);
    let (end, next) = (e.builder.label(), e.builder.label());
    let values = e.builder.registers(5);
    let (rowid, record) = (e.builder.register(), e.builder.register());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(Column { cursor, column: 3, dest: values.at(3), default: None });
    e.builder.emit(Ne {
        left: values.at(3),
        right: moved,
        target: next,
        how: Comparison { nulls: Nulls::Jump, ..EXACT },
    });
    e.builder.emit(Rowid { cursor, dest: rowid });
    for column in [0, 1, 2, 4u16] {
        e.builder.emit(Column { cursor, column, dest: values.at(usize::from(column)), default: None });
    }
    e.builder.emit(Copy { from: root, to: values.at(3), count: 1 });
    e.builder.emit(MakeRecord { values, dest: record, affinities: Some(schema_affinities()) });
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: None });
    // Each root page is named once.
    e.builder.emit(turso_program::control::Goto { target: end });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
    e.builder.bind(done);
}

/// Add one to the schema cookie, so that everybody reads the schema anew.
pub(crate) fn change_cookie(e: &mut Emitter<'_>, db: DbIndex) {
    let value = e.builder.register();
    let next = schema_of(e, db).cookie.wrapping_add(1);
    e.builder.emit(Integer { value: i64::from(next), dest: value });
    e.builder.emit(SetCookie { db, value, cookie: Cookie::SchemaVersion });
}

/// Put new rows of `sqlite_schema` into the catalogue.
pub(crate) fn parse_schema(e: &mut Emitter<'_>, db: DbIndex, condition: Option<String>) {
    e.builder.emit(ParseSchema { db, condition: condition.map(Arc::from) });
}

/// The condition for the rows of a table and its indexes.
pub(crate) fn table_condition(name: &str) -> String {
    format!("tbl_name='{}' AND type!='trigger'", name.replace('\'', "''"))
}
