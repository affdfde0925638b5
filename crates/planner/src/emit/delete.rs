//! DELETE, and removing one row with its index entries.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_parser::ast::{self, TriggerTime};
use turso_program::control::{Halt, OnError, ResultRow};
use turso_program::cursor::{NotExists, NotFound};
use turso_program::write::{Cause, ChangeCount, Clear, Delete, IdxDelete, RowChange};
use turso_program::{DbIndex, Label, Program, Regs, ResultColumn, Root};
use turso_schema::{IndexKey, Table};

use super::constraints::index_changes;
use super::foreign_key::ForeignKeys;
use super::returning::Returning;
use super::row::{RowRegs, Target, bind_table_expr, index_entry, is_primary, read_row, table_source};
use super::target::{choose_visit, find_target, limited_rows, registers_binding, visit_rows};
use super::trigger::{Event, Params, Triggers, attach_bodies, fire, statement_binder, statement_text, triggers_for};
use super::view::{check_view, delete_from_view};
use super::virtual_change::delete_from_virtual;
use super::{Emitter, autoincrement};
use crate::authorize::AuthAction;
use crate::context::PlanContext;
use crate::optimize::UsedColumns;

/// The program of a DELETE statement.
pub(crate) fn plan_delete(context: &PlanContext<'_>, statement: &ast::Delete) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    complete(&mut e, "rows deleted", |e| emit_delete(e, statement))?;
    Ok(e.finish())
}

/// Wrap the code of a change into a program: counters of AUTOINCREMENT around it, trigger bodies behind it. `counted` names the
/// count that `PRAGMA count_changes` asks for.
pub(crate) fn complete(
    e: &mut Emitter<'_>,
    counted: &'static str,
    emit: impl FnOnce(&mut Emitter<'_>) -> Result<Option<Returning>>,
) -> Result<()> {
    let counters = autoincrement::begin(e);
    let returning = emit(e)?;
    autoincrement::write_back(e);
    if let Some(returning) = returning {
        // No row comes out of a statement that leaves broken keys behind.
        if e.context.options.foreign_keys {
            super::foreign_key::raise_if_broken(e);
        }
        returning.finish(e);
    } else if e.context.options.count_changes {
        let count = e.builder.registers(1);
        e.builder.emit(ChangeCount { dest: count.first });
        e.builder.emit(ResultRow { values: count });
        let column = ResultColumn { name: counted.into(), declared_type: None, origin: None };
        e.builder.program_mut().columns = vec![column];
    }
    e.builder.emit(Halt {});
    autoincrement::finish(e, counters);
    attach_bodies(e)
}

/// Emit a DELETE, in a statement of its own or in a trigger.
pub(crate) fn emit_delete(e: &mut Emitter<'_>, statement: &ast::Delete) -> Result<Option<Returning>> {
    if statement.limit.is_none() && !statement.order_by.is_empty() {
        return Err(Error::sql("ORDER BY without LIMIT on DELETE"));
    }
    if statement.where_clause.is_none() && e.context.options.require_where && e.trigger.is_none() {
        return Err(Error::sql("DELETE without a WHERE clause is not allowed"));
    }
    let (db, table) = find_target(e, &statement.table.name)?;
    if table.is_virtual() {
        return delete_from_virtual(e, db, &table, statement);
    }
    let triggers = triggers_for(e, db, &table, Event::Delete, &|_| true);
    // One that is to be ignored deletes row by row.
    let row_by_row = e.context.asks() && e.context.ask_to_change(AuthAction::Delete, db, &table)?;
    if table.is_view() {
        check_view(e, db, &table, &triggers, &statement.returning)?;
        return delete_from_view(e, db, &table, statement, &triggers);
    }
    let hint = index_hint(&table, statement.table.indexed.as_ref())?;
    let keys = ForeignKeys::of(e, db, &table);
    keys.note(e);
    e.uses_database(db, true);
    if statement.where_clause.is_none()
        && statement.limit.is_none()
        && triggers.is_empty()
        && keys.is_empty()
        && statement.returning.is_empty()
        && statement.with.is_none()
        && !e.context.options.no_truncate
        && !row_by_row
    {
        truncate(e, db, &table);
        return Ok(None);
    }
    let source = e.context.new_source();
    let alias = statement.table.alias.as_ref();
    let name = alias.unwrap_or(&statement.table.name.name);
    let mut item = table_source(source, &name.text, alias.is_some(), db, &table);
    item.hint = hint;
    let (sources, filter) = bind_where(e, item, statement)?;
    let returning = Returning::prepare(e, db, &table, &statement.returning)?;
    let mut used = UsedColumns::default();
    filter.iter().for_each(|f| used.add_expr(f));
    used.add(source, crate::plan::ColumnIndex::Rowid);
    add_primary_key(&mut used, source, &table);
    let may_scan = triggers.is_empty() && keys.is_empty() && returning.is_none();
    let visit = choose_visit(e, sources, filter, &used, may_scan)?;
    e.statement.multi_write.set(e.statement.multi_write.get() || visit.is_multiple());
    let target = Target::open(e, db, &table, |_| true)?;
    visit_rows(e, &target, source, &visit, &mut |e, next| {
        let doomed = Doomed {
            cause: Cause::Delete,
            counts: true,
            triggers: triggers.clone(),
            conflict: None,
            skip: Some(next),
            lenient: false,
            overwritten: false,
        };
        delete_with(e, &target, &doomed, returning.as_ref()).map(|_| ())
    })?;
    Ok(returning)
}

/// Bind WHERE, or what ORDER BY and LIMIT make of it.
fn bind_where(
    e: &Emitter<'_>,
    mut item: crate::plan::Source,
    statement: &ast::Delete,
) -> Result<(Vec<crate::plan::Source>, Vec<crate::plan::Expr>)> {
    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    let condition = statement.where_clause.as_ref();
    if let Some(limit) = &statement.limit {
        let chosen = limited_rows(&mut binder, &mut item, condition, &statement.order_by, limit)?;
        return Ok((vec![item], vec![chosen]));
    }
    binder.push_scope(vec![item]);
    let filter = match condition {
        Some(condition) => binder.bind_conjuncts(condition)?,
        None => Vec::new(),
    };
    Ok((binder.pop_scope(), filter))
}

/// INDEXED BY as a hint for the optimizer; the table must have the index.
pub(crate) fn index_hint(table: &Table, indexed: Option<&ast::Indexed>) -> Result<crate::plan::IndexHint> {
    Ok(match indexed {
        None => crate::plan::IndexHint::Free,
        Some(ast::Indexed::Not) => crate::plan::IndexHint::NotIndexed,
        Some(ast::Indexed::By(name)) => match table.indexes.iter().find(|i| name.is(&i.name)) {
            Some(index) => crate::plan::IndexHint::Named(index.name.clone()),
            None => return Err(Error::sql(format!("no such index: {}", name.text))),
        },
    })
}

/// The key columns of a WITHOUT ROWID table are read of every row.
pub(crate) fn add_primary_key(used: &mut UsedColumns, source: crate::plan::SourceId, table: &Table) {
    if !table.has_rowid() {
        for column in &table.primary_key {
            if let IndexKey::Column(c) = column.key {
                used.add(source, crate::plan::ColumnIndex::Column(c as u16));
            }
        }
    }
}

/// Delete every row as DELETE does, but without triggers (DROP TABLE).
pub(crate) fn delete_all(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<()> {
    let source = e.context.new_source();
    let sources = vec![table_source(source, &table.name, false, db, table)];
    let mut used = UsedColumns::default();
    used.add(source, crate::plan::ColumnIndex::Rowid);
    add_primary_key(&mut used, source, table);
    let visit = choose_visit(e, sources, Vec::new(), &used, false)?;
    let target = Target::open(e, db, table, |_| true)?;
    visit_rows(e, &target, source, &visit, &mut |e, next| {
        let triggers = Triggers::default();
        let doomed = Doomed {
            cause: Cause::Delete,
            counts: true,
            triggers,
            conflict: None,
            skip: Some(next),
            lenient: true,
            overwritten: false,
        };
        delete_with(e, &target, &doomed, None).map(|_| ())
    })
}

/// All rows of a table without triggers: its trees are emptied.
fn truncate(e: &mut Emitter<'_>, db: DbIndex, table: &Table) {
    let change =
        RowChange { db, table: table.name.clone(), cause: Cause::Truncate, counts: true, sets_last_rowid: false };
    let change = Some(Arc::new(change));
    e.builder.emit(Clear { root: Root(table.root), db, root_in_register: false, change });
    for index in table.indexes_newest_first() {
        if !is_primary(table, index) {
            e.builder.emit(Clear { root: Root(index.root), db, root_in_register: false, change: None });
        }
    }
}

/// How one row goes.
pub(crate) struct Doomed {
    /// Why.
    pub cause: Cause,
    /// Adds to `changes()`.
    pub counts: bool,
    /// DELETE triggers that fire.
    pub triggers: Triggers,
    /// OR clause that overrides those in the triggers.
    pub conflict: Option<OnError>,
    /// Where to go on when a trigger has removed the row or said RAISE(IGNORE); `None`: behind the deletion.
    pub skip: Option<Label>,
    /// DROP TABLE: foreign keys that cannot be followed are left out.
    pub lenient: bool,
    /// A row with the same rowid follows.
    pub overwritten: bool,
}

/// What the deletion of one row entails.
pub(crate) struct Deleted {
    /// Triggers or actions of foreign keys run.
    pub fires: bool,
    /// Nothing but the row itself goes, and the row that follows can be written over it.
    pub overwritten: bool,
}

impl Doomed {
    /// A row that REPLACE removes, whether the statement says so or the constraint: its triggers replace too. They are looked up
    /// by [`delete_row`].
    pub fn replaced(overwritten: bool) -> Self {
        Doomed {
            overwritten,
            cause: Cause::Replace,
            counts: false,
            triggers: Triggers::default(),
            conflict: Some(OnError::Replace),
            skip: None,
            lenient: false,
        }
    }
}

/// Delete the row under the target's cursor for REPLACE: its delete triggers fire only with `PRAGMA recursive_triggers`.
pub(crate) fn delete_row(e: &mut Emitter<'_>, target: &Target, mut doomed: Doomed) -> Result<Deleted> {
    if e.context.options.recursive_triggers {
        doomed.triggers = triggers_for(e, target.db, &target.table, Event::Delete, &|_| true);
    }
    delete_with(e, target, &doomed, None)
}

fn delete_with(
    e: &mut Emitter<'_>,
    target: &Target,
    doomed: &Doomed,
    returning: Option<&Returning>,
) -> Result<Deleted> {
    let table = &target.table;
    let source = e.context.new_source();
    e.bind_source(source, target.binding());
    let gone = e.builder.label();
    let skip = doomed.skip.unwrap_or(gone);
    let mut keys = ForeignKeys::of(e, target.db, table);
    if doomed.lenient {
        keys = keys.usable(e, target.db, table);
    }
    keys.note(e);
    let mut old = None;
    if !doomed.triggers.is_empty() || !keys.is_empty() || returning.is_some() {
        let row = RowRegs::new(e, table);
        read_row(e, table, source, row, |_| true)?;
        old = Some(row);
    }
    let mut fires = !doomed.triggers.is_empty();
    let mut params = None;
    if let Some(row) = old.filter(|_| !doomed.triggers.is_empty() || !keys.is_empty()) {
        let block = Params::new(e, table);
        block.set_old(e, row, table);
        params = Some(block);
        if doomed.triggers.any(TriggerTime::Before) {
            fire(e, &doomed.triggers, TriggerTime::Before, target.db, table, block, doomed.conflict, skip)?;
            // The triggers may have moved or deleted the row.
            seek_row(e, target, row, skip);
        }
    }
    if let Some(row) = old {
        keys.check_removed(e, target.db, table, row)?;
    }
    delete_entries(e, target, source, |_| true)?;
    let change = RowChange {
        db: target.db,
        table: table.name.clone(),
        cause: doomed.cause,
        counts: doomed.counts,
        sets_last_rowid: false,
    };
    let overwritten = doomed.overwritten && old.is_none() && table.has_rowid() && table.indexes.is_empty();
    let change = Some(Arc::new(change));
    e.builder.emit(Delete { cursor: target.cursor, keep_position: true, overwritten, change });
    if let Some(row) = old {
        if let Some(returning) = returning {
            returning.add(e, registers_binding(table, row))?;
        }
        if let Some(params) = params {
            let actions = keys.actions(e, target.db, table, Event::Delete);
            fires |= !actions.is_empty();
            fire(e, &actions, TriggerTime::After, target.db, table, params, doomed.conflict, skip)?;
            fire(e, &doomed.triggers, TriggerTime::After, target.db, table, params, doomed.conflict, skip)?;
        }
    }
    e.builder.bind(gone);
    Ok(Deleted { fires, overwritten })
}

/// Put the target's cursor on the row with the key in `row` again.
pub(crate) fn seek_row(e: &mut Emitter<'_>, target: &Target, row: RowRegs, miss: Label) {
    let table = &target.table;
    if table.has_rowid() {
        e.builder.emit(NotExists { cursor: target.cursor, rowid: row.rowid, miss });
        return;
    }
    let key = primary_key_of(e, table, row);
    e.builder.emit(NotFound { cursor: target.cursor, key, target: miss });
}

/// Copies of the primary key columns of a row, in key order.
pub(crate) fn primary_key_of(e: &mut Emitter<'_>, table: &Table, row: RowRegs) -> Regs {
    let key = e.builder.registers(table.primary_key.len());
    for (i, column) in table.primary_key.iter().enumerate() {
        if let IndexKey::Column(c) = column.key {
            e.builder.emit(turso_program::data::Copy { from: row.columns.at(c), to: key.at(i), count: 1 });
        }
    }
    key
}

/// Delete the index entries of the row under the target's cursor, of those indexes that `changed` columns concern.
pub(crate) fn delete_entries(
    e: &mut Emitter<'_>,
    target: &Target,
    source: crate::plan::SourceId,
    concerned: impl Fn(&turso_schema::Index) -> bool,
) -> Result<()> {
    let table = &target.table;
    for open in &target.indexes {
        if is_primary(table, &open.index) || !concerned(&open.index) {
            continue;
        }
        let skip = e.builder.label();
        if let Some(condition) = &open.index.partial {
            let bound = bind_table_expr(e.context, SchemaPlace::Index, target.db, table, source, condition)?;
            e.jump_if_false(&bound, skip, true)?;
        }
        let key = index_entry(e, target.db, table, &open.index, source)?;
        e.builder.emit(IdxDelete { cursor: open.cursor, key, must_exist: true });
        e.builder.bind(skip);
    }
    Ok(())
}

/// Is the index concerned by a change of these columns?
pub(crate) fn is_concerned(
    table: &Table,
    index: &turso_schema::Index,
    changed: &dyn Fn(usize) -> bool,
    key_changed: bool,
) -> bool {
    index_changes(table, index, changed, key_changed)
}
