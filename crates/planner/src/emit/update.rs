//! UPDATE, and changing one row: also for ON CONFLICT DO UPDATE.
//!
//! `set` has the new values, `update_from` what comes from a join.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{self, TriggerTime};
use turso_program::control::{IfNot, MustBeInt, OnError, Raise, RaiseError};
use turso_program::cursor::Rowid;
use turso_program::data::{Copy, Null};
use turso_program::write::{Cause, Delete, Position, RowChange};
use turso_program::{DbIndex, Label, Program, Regs};
use turso_schema::{IndexKey, Table};

use super::Emitter;
use super::constraints::{NewRow, OldKey, apply_affinities, check_row, compute_generated, on_error, store};
use super::delete::{add_primary_key, complete, delete_entries, index_hint, is_concerned, primary_key_of, seek_row};
use super::foreign_key::ForeignKeys;
use super::returning::Returning;
use super::row::{RowRegs, Target, read_row, table_source};
use super::set::Assignments;
use super::target::{choose_visit, find_target, limited_rows, visit_rows};
use super::trigger::{Event, Params, Triggers, fire, statement_binder, statement_text, triggers_for};
use super::update_from::update_from;
use super::upsert::Upserts;
use super::view::update_view;
use super::virtual_change::update_virtual;
use crate::bind::Binder;
use crate::context::PlanContext;
use crate::optimize::UsedColumns;
use crate::plan::{ColumnIndex, SourceId};

/// The program of an UPDATE statement.
pub(crate) fn plan_update(context: &PlanContext<'_>, statement: &ast::Update) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    complete(&mut e, "rows updated", |e| emit_update(e, statement))?;
    Ok(e.finish())
}

/// The change of single rows.
pub(crate) struct RowUpdate<'t> {
    target: &'t Target,
    /// Reads the row under the target's cursor.
    source: SourceId,
    sets: Assignments,
    /// For each column: its value may change, be it because a generated column reads one that is set.
    changed: Vec<bool>,
    key_changed: bool,
    triggers: Triggers,
    keys: ForeignKeys,
    /// OR clause.
    pub conflict: Option<OnError>,
}

/// Which columns change when those of `is_set` do.
fn changed_columns(table: &Table, is_set: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let mut changed: Vec<bool> = (0..table.columns.len()).map(is_set).collect();
    // Generated columns may read one another: repeat until nothing is added.
    loop {
        let before = changed.clone();
        for (c, column) in table.columns.iter().enumerate() {
            if let Some(generated) = &column.generated
                && super::check::reads_columns(table, &generated.expr, |r| before.get(r).copied().unwrap_or(false))
                && let Some(slot) = changed.get_mut(c)
            {
                *slot = true;
            }
        }
        if changed == before {
            return changed;
        }
    }
}

impl<'t> RowUpdate<'t> {
    /// Bind SET for the rows of `target`.
    pub fn prepare<'b>(
        e: &mut Emitter<'_>,
        binder: &mut Binder<'b>,
        target: &'t Target,
        source: SourceId,
        sets: &'b [ast::Assignment],
    ) -> Result<Self> {
        let sets = Assignments::bind(e, binder, (target.db, &target.table), sets)?;
        Self::new(e, target, source, sets)
    }

    pub(super) fn new(e: &Emitter<'_>, target: &'t Target, source: SourceId, sets: Assignments) -> Result<Self> {
        let table = &target.table;
        let changed = changed_of(table, &sets);
        let key_changed = key_is_changed(table, &sets);
        let triggers = update_triggers(e, target.db, table, &sets);
        let keys = update_keys(e, target.db, table, &changed)?;
        keys.note(e);
        Ok(RowUpdate { target, source, sets, changed, key_changed, triggers, keys, conflict: None })
    }

    /// Emit the change of the row under the target's cursor. Rows left out go on at `skip`.
    pub fn emit(&self, e: &mut Emitter<'_>, skip: Label, returning: Option<&Returning>) -> Result<()> {
        let target = self.target;
        let table = &target.table;
        let old = RowRegs::new(e, table);
        let new = RowRegs::new(e, table);
        let new_source = e.context.new_source();
        e.bind_source(self.source, target.binding());
        e.bind_source(new_source, new.binding(table));
        let whole_old = !self.triggers.is_empty() || !self.keys.is_empty();
        if table.has_rowid() {
            e.builder.emit(Rowid { cursor: target.cursor, dest: old.rowid });
        }
        if whole_old {
            read_row(e, table, self.source, old, |_| true)?;
        } else if !table.has_rowid() {
            let key = |c: usize| table.primary_key.iter().any(|k| matches!(k.key, IndexKey::Column(i) if i == c));
            read_row(e, table, self.source, old, key)?;
        }
        self.compute_new(e, old, new)?;
        let mut params = None;
        if whole_old {
            let block = Params::new(e, table);
            params = Some(block);
            if self.triggers.any(TriggerTime::Before) {
                self.before_triggers(e, old, new, new_source, block, skip)?;
            }
        }
        let old_key =
            if table.has_rowid() { OldKey::Rowid(old.rowid) } else { OldKey::Primary(primary_key_of(e, table, old)) };
        let changed = |c: usize| self.changed.get(c).copied().unwrap_or(true);
        let row = NewRow {
            target,
            row: new,
            source: new_source,
            or: self.conflict,
            old: old_key,
            check_rowid: self.key_changed,
            changed: &changed,
            key_changed: self.key_changed,
            skip,
            returning: None,
        };
        let checked = check_row(e, &row, &mut Upserts::none())?;
        // Looking for the new key has moved the cursor, too.
        if let Some(held) = checked.holds_row.filter(|_| checked.cursors_moved) {
            // What has run for a row that REPLACE has deleted may have deleted this one, too. Where it was an action of a foreign
            // key, this row is left out.
            let (gone, found) = (e.builder.label(), e.builder.label());
            seek_row(e, target, old, gone);
            e.goto(found);
            e.builder.bind(gone);
            e.builder.emit(IfNot { reg: held, target: skip, jump_if_null: false });
            let message = Some("constraint failed".into());
            let raise = Raise { code: ResultCode::CONSTRAINT_PINNED, on_error: OnError::Abort, message };
            e.builder.emit(RaiseError { message: None, raise: Arc::new(raise) });
            e.statement.may_abort.set(true);
            e.builder.bind(found);
        } else if checked.cursors_moved || self.key_changed {
            seek_row(e, target, old, skip);
        }
        self.keys.check_removed(e, target.db, table, old)?;
        let source = e.context.new_source();
        e.bind_source(source, target.binding());
        delete_entries(e, target, source, |index| is_concerned(table, index, &changed, self.key_changed))?;
        if self.key_changed {
            let change = RowChange {
                db: target.db,
                table: table.name.clone(),
                cause: Cause::Update,
                counts: false,
                sets_last_rowid: false,
            };
            e.builder.emit(Delete {
                cursor: target.cursor,
                keep_position: true,
                overwritten: false,
                change: Some(Arc::new(change)),
            });
        }
        self.keys.check_added(e, target.db, table, new)?;
        store(e, &row, &checked, Cause::Update, Position::Unknown)?;
        if let Some(returning) = returning {
            returning.add(e, new.binding(table))?;
        }
        let actions = self.keys.actions(e, target.db, table, Event::Update);
        if let Some(params) = params.filter(|_| !actions.is_empty() || self.triggers.any(TriggerTime::After)) {
            params.set_old(e, old, table);
            params.set_new(e, new, table);
            fire(e, &actions, TriggerTime::After, target.db, table, params, self.conflict, skip)?;
            fire(e, &self.triggers, TriggerTime::After, target.db, table, params, self.conflict, skip)?;
        }
        Ok(())
    }

    /// NEW from SET and, for the rest, from the row as it is.
    fn compute_new(&self, e: &mut Emitter<'_>, old: RowRegs, new: RowRegs) -> Result<()> {
        let table = &self.target.table;
        self.sets.run_queries(e)?;
        if table.has_rowid() {
            match &self.sets.rowid {
                Some(value) => {
                    self.sets.value_into(e, value, new.rowid)?;
                    e.builder.emit(MustBeInt { reg: new.rowid, otherwise: None });
                    e.statement.may_abort.set(true);
                }
                None => {
                    e.builder.emit(Copy { from: old.rowid, to: new.rowid, count: 1 });
                }
            }
        }
        for (c, value) in self.sets.columns.iter().enumerate() {
            let dest = new.columns.at(c);
            match value {
                Some(value) => self.sets.value_into(e, value, dest)?,
                None if table.rowid_alias == Some(c) => {
                    e.builder.emit(Null { dest: Regs::new(dest, 1) });
                }
                None if table.columns.get(c).is_some_and(|c| c.generated.is_some()) => {}
                None => e.column_into(self.source, ColumnIndex::Column(c as u16), dest)?,
            }
        }
        Ok(())
    }

    /// Before BEFORE triggers SQLite loads into NEW what SET computes and what the triggers name; generated columns that
    /// read anything else see NULL. (Columns beyond the 32nd are always loaded.)
    fn forget_unread(&self, e: &mut Emitter<'_>, new: RowRegs) {
        let table = &self.target.table;
        if table.columns.iter().all(|c| c.generated.is_none()) {
            return;
        }
        let named = self.triggers.named_columns(TriggerTime::Before, table, "new");
        for (c, value) in self.sets.columns.iter().enumerate().take(32) {
            if value.is_none() && !named.get(c).copied().unwrap_or(true) {
                e.builder.emit(Null { dest: Regs::new(new.columns.at(c), 1) });
            }
        }
    }

    fn before_triggers(
        &self,
        e: &mut Emitter<'_>,
        old: RowRegs,
        new: RowRegs,
        new_source: SourceId,
        params: Params,
        skip: Label,
    ) -> Result<()> {
        let target = self.target;
        let table = &target.table;
        apply_affinities(e, table, new);
        self.forget_unread(e, new);
        compute_generated(e, target, new, new_source)?;
        params.set_old(e, old, table);
        params.set_new(e, new, table);
        fire(e, &self.triggers, TriggerTime::Before, target.db, table, params, self.conflict, skip)?;
        // The triggers may have deleted the row, or changed columns that this statement does not set.
        seek_row(e, target, old, skip);
        e.bind_source(self.source, target.binding());
        for (c, value) in self.sets.columns.iter().enumerate() {
            let plain = table.columns.get(c).is_some_and(|c| c.generated.is_none());
            if value.is_none() && plain && table.rowid_alias != Some(c) {
                e.column_into(self.source, ColumnIndex::Column(c as u16), new.columns.at(c))?;
            }
        }
        Ok(())
    }
}

fn changed_of(table: &Table, sets: &Assignments) -> Vec<bool> {
    let alias = table.rowid_alias;
    changed_columns(table, &|c| sets.is_set(c) || (alias == Some(c) && sets.rowid.is_some()))
}

fn key_is_changed(table: &Table, sets: &Assignments) -> bool {
    if table.has_rowid() {
        return sets.rowid.is_some();
    }
    table.primary_key.iter().any(|k| matches!(k.key, IndexKey::Column(c) if sets.is_set(c)))
}

fn update_keys(e: &Emitter<'_>, db: DbIndex, table: &Table, changed: &[bool]) -> Result<ForeignKeys> {
    ForeignKeys::of(e, db, table).for_update(table, &|c| changed.get(c).copied().unwrap_or(true))
}

fn update_triggers(e: &Emitter<'_>, db: DbIndex, table: &Table, sets: &Assignments) -> Triggers {
    triggers_for(e, db, table, Event::Update, &|name| sets.writes(name))
}

/// Emit an UPDATE, in a statement of its own or in a trigger.
pub(crate) fn emit_update(e: &mut Emitter<'_>, statement: &ast::Update) -> Result<Option<Returning>> {
    if statement.limit.is_none() && !statement.order_by.is_empty() {
        return Err(Error::sql("ORDER BY without LIMIT on UPDATE"));
    }
    if statement.where_clause.is_none() && e.context.options.require_where && e.trigger.is_none() {
        return Err(Error::sql("UPDATE without a WHERE clause is not allowed"));
    }
    let (db, table) = find_target(e, &statement.table.name)?;
    let overriding = e.trigger.as_ref().and_then(|t| t.conflict);
    let conflict = overriding.or(statement.or.map(on_error));
    if table.is_virtual() {
        return update_virtual(e, db, &table, statement, conflict);
    }
    if table.is_view() {
        return update_view(e, db, &table, statement, conflict);
    }
    let alias = statement.table.alias.as_ref();
    let source = e.context.new_source();
    let name = alias.unwrap_or(&statement.table.name.name);
    let mut item = table_source(source, &name.text, alias.is_some(), db, &table);
    item.hint = index_hint(&table, statement.table.indexed.as_ref())?;

    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    if statement.from.is_some() {
        e.uses_database(db, true);
        return update_from(e, (db, &table), item, statement, binder, conflict);
    }
    let condition = statement.where_clause.as_ref();
    let mut filter = Vec::new();
    if let Some(limit) = &statement.limit {
        filter.push(limited_rows(&mut binder, &mut item, condition, &statement.order_by, limit)?);
    }
    binder.push_scope(vec![item]);
    let sets = Assignments::bind(e, &mut binder, (db, &table), &statement.sets)?;
    e.uses_database(db, true);
    if let Some(condition) = condition.filter(|_| statement.limit.is_none()) {
        filter.extend(binder.bind_conjuncts(condition)?);
    }
    let sources = binder.pop_scope();
    drop(binder);
    let returning = Returning::prepare(e, db, &table, &statement.returning)?;

    let mut used = UsedColumns::default();
    filter.iter().for_each(|f| used.add_expr(f));
    used.add(source, ColumnIndex::Rowid);
    add_primary_key(&mut used, source, &table);
    let changes = Changes::of(&table, &sets, conflict);
    let quiet = update_triggers(e, db, &table, &sets).is_empty()
        && update_keys(e, db, &table, &changes.columns)?.is_empty()
        && !changes.replaces
        && !sets.has_subquery();
    let visit = choose_visit(e, sources, filter, &used, quiet && !changes.key)?;
    e.statement.multi_write.set(e.statement.multi_write.get() || visit.is_multiple());
    let target = changes.open_target(e, db, &table)?;
    let mut update = RowUpdate::new(e, &target, source, sets)?;
    update.conflict = conflict;
    if visit.is_multiple() && update.key_changed {
        // Rows that take one another's place abort in the middle.
        e.statement.may_abort.set(true);
    }
    visit_rows(e, &target, source, &visit, &mut |e, next| update.emit(e, next, returning.as_ref()))?;
    Ok(returning)
}

/// What an UPDATE changes, for the choice of the indexes to open.
pub(super) struct Changes {
    /// By column.
    columns: Vec<bool>,
    /// The rowid or primary key.
    key: bool,
    /// Rows in the way may be removed.
    replaces: bool,
}

impl Changes {
    pub(super) fn of(table: &Table, sets: &Assignments, conflict: Option<OnError>) -> Self {
        Changes {
            columns: changed_of(table, sets),
            key: key_is_changed(table, sets),
            replaces: conflict == Some(OnError::Replace) || may_replace(table),
        }
    }

    /// Open the table and the indexes that are concerned.
    pub(super) fn open_target(&self, e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<Target> {
        let is_changed = |c: usize| self.columns.get(c).copied().unwrap_or(true);
        let wanted = |index: &turso_schema::Index| self.replaces || is_concerned(table, index, &is_changed, self.key);
        Target::open(e, db, table, wanted)
    }
}

/// Some constraint of the table is declared ON CONFLICT REPLACE.
fn may_replace(table: &Table) -> bool {
    let replace = Some(ast::ConflictResolution::Replace);
    table.primary_key_conflict == replace || table.indexes.iter().any(|i| i.conflict == replace)
}
