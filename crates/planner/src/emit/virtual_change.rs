//! INSERT, UPDATE and DELETE on virtual tables.
//!
//! What a table does when it is changed under a scan of its own nobody knows. So the rows that a statement changes are
//! collected first, with their keys and new values, and then handed to the table one by one.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::control::OnError;
use turso_program::data::Null;
use turso_program::virtual_table::{ChangeOf, VBegin, VUpdate};
use turso_program::{DbIndex, Regs};
use turso_schema::{IndexKey, Table};
use turso_vtab::OnConflict;

use super::Emitter;
use super::constraints::{apply_affinities, on_error};
use super::insert::{Mapping, bind_rows, check_width, each_row};
use super::returning::Returning;
use super::row::RowRegs;
use super::set::Assignments;
use super::trigger::{statement_binder, statement_text};
use super::view::each_row as each_collected_row;
use crate::authorize::AuthAction;
use crate::bind::column_expr;
use crate::context::ConnectedTable;
use crate::plan::{ColumnIndex, Expr, IndexHint, JoinKind, Relation, Source};

/// A virtual table that a statement changes.
struct Target {
    db: DbIndex,
    connected: Arc<ConnectedTable>,
    change: Arc<ChangeOf>,
}

impl Target {
    fn begin(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, or: Option<OnError>) -> Result<Self> {
        let created = e.context.catalogue.schema(db).table(&table.name).is_some();
        let own = if created { None } else { e.context.catalogue.eponymous_table(&table.name)? };
        let connected = match own {
            Some(own) => own,
            None => e.context.catalogue.virtual_table(db, table)?,
        };
        e.uses_virtual(Some(db), &connected, true);
        e.statement.multi_write.set(true);
        e.statement.may_abort.set(true);
        e.builder.emit(VBegin { table: connected.used.clone() });
        let on_conflict = match or {
            None | Some(OnError::Abort) => OnConflict::Abort,
            Some(OnError::Rollback) => OnConflict::Rollback,
            Some(OnError::Fail) => OnConflict::Fail,
            Some(OnError::Ignore) => OnConflict::Ignore,
            Some(OnError::Replace) => OnConflict::Replace,
        };
        let change = ChangeOf {
            table: (*connected.used).clone(),
            on_conflict,
            keeps_constraints: connected.keeps_constraints,
            sets_last_rowid: true,
            counts: true,
            unchanged: Vec::new(),
        };
        Ok(Self { db, connected, change: Arc::new(change) })
    }

    /// An update leaves these columns as they are.
    fn keeps(&mut self, unchanged: Vec<bool>) {
        self.change = Arc::new(ChangeOf { unchanged, ..(*self.change).clone() });
    }

    fn source(&self, e: &Emitter<'_>, item: &ast::TableRef) -> Source {
        let name = item.alias.as_ref().unwrap_or(&item.name.name);
        Source {
            id: e.context.new_source(),
            name: (&*name.text).into(),
            aliased: item.alias.is_some(),
            relation: Relation::Virtual { db: Some(self.db), connected: self.connected.clone(), args: Vec::new() },
            join: JoinKind::Inner,
            on: Vec::new(),
            hint: IndexHint::Free,
            exists: false,
            indexed: Vec::new(),
        }
    }

    /// The column that identifies a row: the rowid, or the PRIMARY KEY.
    fn key(&self) -> Result<ColumnIndex> {
        let table = &self.connected.table;
        if table.has_rowid() {
            return Ok(ColumnIndex::Rowid);
        }
        match table.primary_key.first().map(|k| &k.key) {
            Some(IndexKey::Column(c)) => Ok(ColumnIndex::Column(*c as u16)),
            _ => Err(Error::sql(format!("table {} has no key", table.name))),
        }
    }

    fn emit(&self, e: &mut Emitter<'_>, args: Regs) {
        // The result of other changes than insertions is not read.
        let dest = if args.count > 1 { args.at(1) } else { args.first };
        e.builder.emit(VUpdate { args, dest, change: self.change.clone() });
    }
}

/// INSERT INTO a virtual table.
pub(super) fn insert_into_virtual(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    statement: &ast::Insert,
) -> Result<Option<Returning>> {
    if !statement.upserts.is_empty() {
        return Err(Error::sql(format!("UPSERT not implemented for virtual table \"{}\"", table.name)));
    }
    if e.context.ask_to_change(AuthAction::Insert, db, table)? {
        return Ok(None);
    }
    let overriding = e.trigger.as_ref().and_then(|t| t.conflict);
    let target = Target::begin(e, db, table, overriding.or(statement.or.map(on_error)))?;
    let table = target.connected.table.clone();
    let mapping = Mapping::new(&table, &statement.columns)?;
    let rows = bind_rows(e, statement)?;
    check_width(&table, &rows, &mapping, statement)?;
    let returning = Returning::prepare(e, db, &table, &statement.returning)?;
    let args = e.builder.registers(table.columns.len() + 2);
    let row = RowRegs { rowid: args.at(1), columns: Regs::new(args.at(2), table.columns.len()) };
    each_row(e, &rows, &mapping, (db, &table), true, &mut |e, values, _| {
        e.builder.emit(Null { dest: args });
        if let Some(at) = mapping.rowid {
            values.value_into(e, at, row.rowid)?;
        }
        for (c, at) in mapping.columns.iter().enumerate() {
            if let Some(at) = at {
                values.value_into(e, *at, row.columns.at(c))?;
            }
        }
        target.emit(e, args);
        if let Some(returning) = &returning {
            apply_affinities(e, &table, row);
            returning.add(e, row.binding(&table))?;
        }
        Ok(())
    })?;
    Ok(returning)
}

/// DELETE FROM a virtual table.
pub(super) fn delete_from_virtual(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    statement: &ast::Delete,
) -> Result<Option<Returning>> {
    if !statement.returning.is_empty() {
        return Err(Error::sql("DELETE RETURNING is not available on virtual tables"));
    }
    // One that is to be ignored deletes as any other: it never was quicker than row by row.
    e.context.ask_to_change(AuthAction::Delete, db, table)?;
    let target = Target::begin(e, db, table, None)?;
    let source = target.source(e, &statement.table);
    let output = vec![column_expr(&source, target.key()?)];
    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    binder.push_scope(vec![source]);
    let filter = match &statement.where_clause {
        Some(condition) => binder.bind_conjuncts(condition)?,
        None => Vec::new(),
    };
    let query = binder.finish_query(filter, Vec::new(), output, &statement.order_by, statement.limit.as_ref())?;
    drop(binder);
    let key = e.builder.registers(1);
    each_collected_row(e, query, key, &mut |e, _| {
        target.emit(e, key);
        Ok(())
    })?;
    Ok(None)
}

/// UPDATE of a virtual table.
pub(super) fn update_virtual(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    statement: &ast::Update,
    conflict: Option<OnError>,
) -> Result<Option<Returning>> {
    if !statement.returning.is_empty() {
        return Err(Error::sql("UPDATE RETURNING is not available on virtual tables"));
    }
    let mut target = Target::begin(e, db, table, conflict)?;
    let table = target.connected.table.clone();
    let source = target.source(e, &statement.table);
    let key = target.key()?;
    // Among several tables a row may be kept aside, where no column has two readings.
    let alone = statement.from.is_none();
    let unchanged = |c: usize| match alone && table.rowid_alias != Some(c) {
        true => ColumnIndex::Column(c as u16 | ColumnIndex::UNCHANGED),
        false => ColumnIndex::Column(c as u16),
    };
    let old: Vec<Expr> = (0..table.columns.len()).map(|c| column_expr(&source, unchanged(c))).collect();
    let old_key = column_expr(&source, key);
    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    binder.push_scope(vec![source]);
    let mut filter = match &statement.from {
        Some(from) => binder.bind_from(from)?,
        None => Vec::new(),
    };
    let sets = Assignments::bind(e, &mut binder, (db, &table), &statement.sets)?;
    if let Some(condition) = &statement.where_clause {
        filter.extend(binder.bind_conjuncts(condition)?);
    }
    target.keeps((0..table.columns.len()).map(|c| alone && !sets.is_set(c)).collect());
    let mut new = sets.expressions(e.context)?.into_iter();
    let columns: Vec<Expr> = old
        .into_iter()
        .enumerate()
        .map(|(c, old)| if sets.is_set(c) { new.next().unwrap_or(old) } else { old })
        .collect();
    let new_key = match key {
        ColumnIndex::Column(c) => columns.get(usize::from(c)).cloned(),
        ColumnIndex::Rowid => new.next(),
    };
    let mut output = vec![old_key.clone(), new_key.unwrap_or(old_key)];
    output.extend(columns);
    let args = e.builder.registers(output.len());
    let query = binder.finish_query(filter, Vec::new(), output, &statement.order_by, statement.limit.as_ref())?;
    drop(binder);
    each_collected_row(e, query, args, &mut |e, _| {
        target.emit(e, args);
        Ok(())
    })?;
    Ok(None)
}
