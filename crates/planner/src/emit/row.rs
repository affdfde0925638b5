//! Rows under change: the target table's cursors, the registers of a row, records and index entries.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_parser::ast;
use turso_program::cursor::{OpenWrite, TreeKind};
use turso_program::data::Copy;
use turso_program::write::MakeRecord;
use turso_program::{Affinities, CursorId, DbIndex, Reg, Regs, Root};
use turso_schema::{Index, IndexKey, Table};
use turso_value::{Affinity, KeyInfo};

use super::{Emitter, SourceBinding};
use crate::bind::Binder;
use crate::context::PlanContext;
use crate::plan::{ColumnIndex, Expr, IndexHint, JoinKind, Relation, Source, SourceId};

/// A table as a source of columns.
pub(crate) fn table_source(id: SourceId, name: &str, aliased: bool, db: DbIndex, table: &Arc<Table>) -> Source {
    Source {
        id,
        name: name.into(),
        aliased,
        relation: Relation::Table { db, table: table.clone() },
        join: JoinKind::Inner,
        on: Vec::new(),
        hint: IndexHint::Free,
        exists: false,
        indexed: Vec::new(),
    }
}

/// Bind an expression that the schema holds (CHECK, generated column, index) over the columns of its table.
pub(crate) fn bind_table_expr(
    context: &PlanContext<'_>,
    place: SchemaPlace,
    db: DbIndex,
    table: &Arc<Table>,
    source: SourceId,
    expr: &ast::Expr,
) -> Result<Expr> {
    let mut binder = Binder::for_text(context, table.sql.as_bytes());
    binder.double_quoted_strings = context.options.strings_in_ddl();
    binder.place = Some(place);
    binder.any_schema = place != SchemaPlace::GeneratedColumn;
    binder.push_scope(vec![table_source(source, &table.name, false, db, table)]);
    context.aside(|| context.stored(db, || binder.bind_item(expr)))
}

/// The registers of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRegs {
    /// The rowid; unused for a WITHOUT ROWID table.
    pub rowid: Reg,
    /// Every column in declaration order, virtual ones included; that of the rowid alias stays NULL.
    pub columns: Regs,
}

impl RowRegs {
    /// Registers for a row of the table: the rowid, then the columns.
    pub fn new(e: &mut Emitter<'_>, table: &Table) -> Self {
        let block = e.builder.registers(table.columns.len() + 1);
        RowRegs { rowid: block.at(0), columns: Regs::new(block.at(1), table.columns.len()) }
    }

    /// Reading a source from these registers.
    pub fn binding(self, table: &Table) -> SourceBinding {
        SourceBinding::Registers { first: self.columns.first, rowid: table.has_rowid().then_some(self.rowid) }
    }
}

/// An open index of the target.
#[derive(Debug, Clone)]
pub(crate) struct TargetIndex {
    /// The index.
    pub index: Arc<Index>,
    /// Its write cursor. For the primary key of a WITHOUT ROWID table that of the table.
    pub cursor: CursorId,
}

/// The table that a statement changes, with open write cursors.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Its database.
    pub db: DbIndex,
    /// The table.
    pub table: Arc<Table>,
    /// The cursor on its own tree.
    pub cursor: CursorId,
    /// Its indexes, in the order of constraint checks.
    pub indexes: Vec<TargetIndex>,
}

impl Target {
    /// Open the table and those of its indexes that `wanted` accepts.
    pub fn open(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, wanted: impl Fn(&Index) -> bool) -> Result<Self> {
        e.uses_database(db, true);
        let cursor = e.builder.cursor();
        let (root, kind) = table_tree(e, table, db)?;
        e.builder.emit(OpenWrite { cursor, root, db, root_in_register: false, kind });
        let mut indexes = Vec::new();
        for index in table.indexes_newest_first() {
            if let Some(error) = &index.broken {
                return Err(error.clone());
            }
            if is_primary(table, index) {
                indexes.push(TargetIndex { index: index.clone(), cursor });
                continue;
            }
            if !wanted(index) {
                continue;
            }
            let index_cursor = e.builder.cursor();
            let key = key_info(e, table, index, db)?;
            let kind = TreeKind::Index(key);
            e.builder.emit(OpenWrite {
                cursor: index_cursor,
                root: Root(index.root),
                db,
                root_in_register: false,
                kind,
            });
            indexes.push(TargetIndex { index: index.clone(), cursor: index_cursor });
        }
        Ok(Target { db, table: table.clone(), cursor, indexes })
    }

    /// Reading a source from the row under the table's cursor.
    pub fn binding(&self) -> SourceBinding {
        SourceBinding::Cursor { cursor: self.cursor, table: self.table.clone(), covering: None }
    }
}

/// The index is the tree of a WITHOUT ROWID table.
pub(crate) fn is_primary(table: &Table, index: &Index) -> bool {
    table.primary_key_index().is_some_and(|p| p.name == index.name)
}

/// The tree of the table's rows, ready for writing: its whole key is compared.
pub(crate) fn table_tree(e: &Emitter<'_>, table: &Table, db: DbIndex) -> Result<(Root, TreeKind)> {
    let kind = match table.primary_key_index() {
        Some(primary) => TreeKind::Index(key_info(e, table, primary, db)?),
        None => TreeKind::Table,
    };
    Ok((Root(table.root), kind))
}

/// How the entries of an index sort, to the last column, with this connection's collations.
pub(crate) fn key_info(e: &Emitter<'_>, table: &Table, index: &Index, db: DbIndex) -> Result<Arc<KeyInfo>> {
    let mut key = table.shared_key_info(index, e.context.catalogue.schema(db).encoding);
    if !key.columns.iter().any(|column| matches!(column.collation, turso_value::Collation::Custom(_))) {
        return Ok(key);
    }
    for column in &mut Arc::make_mut(&mut key).columns {
        if matches!(column.collation, turso_value::Collation::Custom(_)) {
            let name = column.collation.name().to_string();
            column.collation = e.context.catalogue.collation(&name).ok_or_else(|| missing_collation(&name))?;
        }
    }
    Ok(key)
}

/// `no such collation sequence: x`.
#[cold]
pub(crate) fn missing_collation(name: &str) -> Error {
    Error::new(turso_error::ResultCode::ERROR_MISSING_COLLSEQ, format!("no such collation sequence: {name}"))
}

/// Put the whole entry of an index (key, then rowid or the rest of the primary key) for the row that `source` is bound to into
/// `entry`, whose length is [`entry_len`].
pub(crate) fn entry_into(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    index: &Index,
    source: SourceId,
    entry: Regs,
) -> Result<()> {
    let mut at = 0;
    for column in &index.columns {
        let dest = entry.at(at);
        match &column.key {
            IndexKey::Column(c) => column_value(e, table, source, *c, dest)?,
            IndexKey::Rowid => e.column_into(source, ColumnIndex::Rowid, dest)?,
            IndexKey::Expr(expr) => {
                let bound = bind_table_expr(e.context, SchemaPlace::Index, db, table, source, expr)?;
                e.expr_into(&bound, dest)?;
            }
        }
        at += 1;
    }
    if table.has_rowid() {
        e.column_into(source, ColumnIndex::Rowid, entry.at(at))?;
    } else {
        for &c in &index.trailing {
            column_value(e, table, source, c, entry.at(at))?;
            at += 1;
        }
    }
    Ok(())
}

/// Number of fields of an entry.
pub(crate) fn entry_len(table: &Table, index: &Index) -> usize {
    index.columns.len() + if table.has_rowid() { 1 } else { index.trailing.len() }
}

/// [`entry_into`] fresh registers.
pub(crate) fn index_entry(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    index: &Index,
    source: SourceId,
) -> Result<Regs> {
    let entry = e.builder.registers(entry_len(table, index));
    entry_into(e, db, table, index, source, entry)?;
    Ok(entry)
}

/// A column by position; the rowid alias is the rowid.
pub(crate) fn column_value(
    e: &mut Emitter<'_>,
    table: &Table,
    source: SourceId,
    column: usize,
    dest: Reg,
) -> Result<()> {
    let column =
        if table.rowid_alias == Some(column) { ColumnIndex::Rowid } else { ColumnIndex::Column(column as u16) };
    e.column_into(source, column, dest)
}

/// What [`MakeRecord`] applies to an index entry. Its values come from columns and have their affinities; those of REAL columns
/// are stored as NUMERIC, so whole reals as integers.
pub(crate) fn entry_affinities(table: &Table, index: &Index) -> Option<Affinities> {
    let clamp = |a: Affinity| if a == Affinity::Real { Affinity::Numeric } else { Affinity::Blob };
    let of = |c: usize| table.columns.get(c).map_or(Affinity::Blob, |c| clamp(c.affinity));
    let key = index.columns.iter().map(|c| match c.key {
        IndexKey::Column(c) => of(c),
        IndexKey::Rowid | IndexKey::Expr(_) => Affinity::Blob,
    });
    if table.has_rowid() {
        return Emitter::affinities(key.chain([Affinity::Blob]));
    }
    Emitter::affinities(key.chain(index.trailing.iter().map(|&c| of(c))))
}

/// Encode the row for the tree of its table into `dest`.
pub(crate) fn make_row_record(e: &mut Emitter<'_>, table: &Table, row: RowRegs, dest: Reg) {
    let stored = table.stored_columns();
    // The values have their affinities; only whole numbers in REAL columns still change, for storing.
    let real_only = |a: Affinity| if a == Affinity::Real { a } else { Affinity::Blob };
    let affinities = Emitter::affinities(
        stored.iter().map(|&c| table.columns.get(c).map_or(Affinity::Blob, |c| real_only(c.affinity))),
    );
    let in_order = stored.len() == table.columns.len() && stored.iter().enumerate().all(|(i, &c)| i == c);
    let values = if in_order {
        row.columns
    } else {
        let values = e.builder.registers(stored.len());
        for (i, &c) in stored.iter().enumerate() {
            e.builder.emit(Copy { from: row.columns.at(c), to: values.at(i), count: 1 });
        }
        values
    };
    e.builder.emit(MakeRecord { values, dest, affinities });
}

/// Read the whole row under the cursor that `source` is bound to into registers.
pub(crate) fn read_row(
    e: &mut Emitter<'_>,
    table: &Table,
    source: SourceId,
    row: RowRegs,
    wanted: impl Fn(usize) -> bool,
) -> Result<()> {
    if table.has_rowid() {
        e.column_into(source, ColumnIndex::Rowid, row.rowid)?;
    }
    for c in 0..table.columns.len() {
        if table.rowid_alias == Some(c) {
            let dest = Regs::new(row.columns.at(c), 1);
            e.builder.emit(turso_program::data::Null { dest });
        } else if wanted(c) {
            e.column_into(source, ColumnIndex::Column(c as u16), row.columns.at(c))?;
        }
    }
    Ok(())
}
