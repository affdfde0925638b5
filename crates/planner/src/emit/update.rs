//! UPDATE, and changing one row: also for ON CONFLICT DO UPDATE.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, AssignmentTarget, TriggerTime};
use turso_program::control::{MustBeInt, OnError};
use turso_program::cursor::{Column, Next, NotExists, NotFound, OpenEphemeral, Rewind, Rowid};
use turso_program::data::{Copy, Null};
use turso_program::write::{Cause, Delete, IdxInsert, Insert, MakeRecord, Position, RowChange};
use turso_program::{DbIndex, Label, Program, Reg, Regs};
use turso_schema::{IndexKey, Table};

use super::constraints::{NewRow, OldKey, apply_affinities, check_row, compute_generated, on_error, store};
use super::delete::{
    add_primary_key, complete, delete_entries, each_view_row, index_hint, is_concerned, primary_key_of, seek_row,
};
use super::foreign_key::ForeignKeys;
use super::returning::Returning;
use super::row::{RowRegs, Target, key_info, read_row, table_source};
use super::target::{choose_visit, expand_view, find_target, is_a_view, visit_rows};
use super::trigger::{Event, Params, Triggers, enter_scope, fire, triggers_for};
use super::upsert::{Upserts, is_rowid_name};
use super::{Destination, Emitter};
use crate::bind::Binder;
use crate::context::PlanContext;
use crate::optimize::UsedColumns;
use crate::plan::{ColumnIndex, Expr, Query, RowValue, SourceId};

/// The program of an UPDATE statement.
pub(crate) fn plan_update(context: &PlanContext<'_>, statement: &ast::Update) -> Result<Program> {
    let mut e = Emitter::new(context);
    complete(&mut e, |e| emit_update(e, statement))?;
    Ok(e.finish())
}

/// The new value of a column.
#[derive(Debug, Clone)]
enum SetValue {
    /// Computed for each row.
    Expr(Expr),
    /// In this register when the row's turn comes.
    Register(Reg),
}

/// The assignments of SET, by column.
pub(crate) struct Assignments {
    columns: Vec<Option<SetValue>>,
    rowid: Option<SetValue>,
    /// Row subqueries and where their first row goes.
    queries: Vec<(Query, Regs)>,
}

impl Assignments {
    fn is_set(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(Option::is_some)
    }

    /// All expressions, for what they read.
    fn add_used(&self, used: &mut UsedColumns) {
        for value in self.columns.iter().chain([&self.rowid]).flatten() {
            if let SetValue::Expr(expr) = value {
                used.add_expr(expr);
            }
        }
        for (query, _) in &self.queries {
            used.add_query(query);
        }
    }

    fn has_subquery(&self) -> bool {
        let in_expr = |v: &SetValue| matches!(v, SetValue::Expr(e) if e.has_subquery());
        !self.queries.is_empty() || self.columns.iter().chain([&self.rowid]).flatten().any(in_expr)
    }

    /// Bind SET in the binder's scope.
    fn bind<'b>(
        e: &mut Emitter<'_>,
        binder: &mut Binder<'b>,
        table: &Table,
        sets: &'b [ast::Assignment],
    ) -> Result<Self> {
        let mut this = Assignments { columns: vec![None; table.columns.len()], rowid: None, queries: Vec::new() };
        for set in sets {
            match &set.target {
                AssignmentTarget::Column(name) => {
                    let value = SetValue::Expr(binder.bind_expr(&set.value)?);
                    this.assign(table, name, value)?;
                }
                AssignmentTarget::Row(names) => {
                    if names.len() == 1 && !matches!(set.value, ast::Expr::Row(_)) {
                        let value = SetValue::Expr(binder.bind_expr(&set.value)?);
                        if let Some(name) = names.first() {
                            this.assign(table, name, value)?;
                        }
                        continue;
                    }
                    let width_error = |n: usize| Error::sql(format!("{} columns assigned {n} values", names.len()));
                    if !matches!(set.value, ast::Expr::Row(_) | ast::Expr::Subquery(_)) {
                        return Err(width_error(1));
                    }
                    match binder.bind_row(&set.value)? {
                        RowValue::List(values) => {
                            if values.len() != names.len() {
                                return Err(width_error(values.len()));
                            }
                            for (name, value) in names.iter().zip(values) {
                                this.assign(table, name, SetValue::Expr(value))?;
                            }
                        }
                        RowValue::Subquery(query) => {
                            if query.columns.len() != names.len() {
                                return Err(width_error(query.columns.len()));
                            }
                            let values = e.builder.registers(names.len());
                            this.queries.push((super::row::rewritten(e.context, *query), values));
                            for (i, name) in names.iter().enumerate() {
                                this.assign(table, name, SetValue::Register(values.at(i)))?;
                            }
                        }
                    }
                }
            }
        }
        Ok(this)
    }

    /// A column that is set twice keeps the last value.
    fn assign(&mut self, table: &Table, name: &ast::Name, value: SetValue) -> Result<()> {
        if table.has_rowid() && is_rowid_name(table, &name.text) {
            self.rowid = Some(value);
            return Ok(());
        }
        let Some(c) = table.column_index(&name.text) else {
            return Err(Error::sql(format!("no such column: {}", name.text)).with_sql_offset(name.offset));
        };
        if table.columns.get(c).is_some_and(|c| c.generated.is_some()) {
            return Err(Error::sql(format!("cannot UPDATE generated column \"{}\"", name.text)));
        }
        if let Some(slot) = self.columns.get_mut(c) {
            *slot = Some(value);
        }
        Ok(())
    }
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
        let sets = Assignments::bind(e, binder, &target.table, sets)?;
        Ok(Self::new(e, target, source, sets))
    }

    fn new(e: &Emitter<'_>, target: &'t Target, source: SourceId, sets: Assignments) -> Self {
        let table = &target.table;
        let changed = changed_of(table, &sets);
        let key_changed = key_is_changed(table, &sets);
        let triggers = update_triggers(e, target.db, table, &sets);
        let keys = update_keys(e, target.db, table, &changed);
        keys.note(e);
        RowUpdate { target, source, sets, changed, key_changed, triggers, keys, conflict: None }
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
        if checked.cursors_moved || self.key_changed {
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
            e.builder.emit(Delete { cursor: target.cursor, keep_position: true, change: Some(Arc::new(change)) });
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
        for (query, values) in &self.sets.queries {
            e.builder.emit(Null { dest: *values });
            e.query(query, &mut Destination::Registers(*values))?;
        }
        if table.has_rowid() {
            match &self.sets.rowid {
                Some(value) => {
                    set_into(e, value, new.rowid)?;
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
                Some(value) => set_into(e, value, dest)?,
                None if table.rowid_alias == Some(c) => {
                    e.builder.emit(Null { dest: Regs::new(dest, 1) });
                }
                None if table.columns.get(c).is_some_and(|c| c.generated.is_some()) => {}
                None => e.column_into(self.source, ColumnIndex::Column(c as u16), dest)?,
            }
        }
        Ok(())
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

fn set_into(e: &mut Emitter<'_>, value: &SetValue, dest: Reg) -> Result<()> {
    match value {
        SetValue::Expr(expr) => e.expr_into(expr, dest),
        SetValue::Register(reg) => {
            e.builder.emit(Copy { from: *reg, to: dest, count: 1 });
            Ok(())
        }
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

fn update_keys(e: &Emitter<'_>, db: DbIndex, table: &Table, changed: &[bool]) -> ForeignKeys {
    ForeignKeys::of(e, db, table).for_update(table, &|c| changed.get(c).copied().unwrap_or(true))
}

fn update_triggers(e: &Emitter<'_>, db: DbIndex, table: &Table, sets: &Assignments) -> Triggers {
    let alias = table.rowid_alias;
    triggers_for(e, db, table, Event::Update, &|c| sets.is_set(c) || (alias == Some(c) && sets.rowid.is_some()))
}

/// Emit an UPDATE, in a statement of its own or in a trigger.
pub(crate) fn emit_update(e: &mut Emitter<'_>, statement: &ast::Update) -> Result<Option<Returning>> {
    if !statement.order_by.is_empty() || statement.limit.is_some() {
        return Err(Error::sql("ORDER BY and LIMIT on UPDATE are not supported yet"));
    }
    let (db, found) = find_target(e, &statement.table.name)?;
    let table = expand_view(e, db, &found)?;
    let alias = statement.table.alias.as_ref();
    let source = e.context.new_source();
    let name = alias.unwrap_or(&statement.table.name.name);
    let mut item = table_source(source, &name.text, alias.is_some(), db, &table);
    item.hint = index_hint(statement.table.indexed.as_ref());
    let overriding = e.trigger.as_ref().and_then(|t| t.conflict);
    let conflict = overriding.or(statement.or.map(on_error));

    let sql = e.trigger.as_ref().map(|t| t.sql.clone());
    let mut binder = match &sql {
        Some(sql) => Binder::for_text(e.context, sql.as_bytes()),
        None => Binder::new(e.context),
    };
    enter_scope(e, &mut binder);
    if let Some(with) = &statement.with {
        binder.push_with(with)?;
    }
    binder.push_scope(vec![item]);
    let mut filter = match &statement.from {
        Some(from) => binder.bind_from(from)?,
        None => Vec::new(),
    };
    let sets = Assignments::bind(e, &mut binder, &table, &statement.sets)?;
    if table.is_view() {
        if statement.from.is_some() || !statement.returning.is_empty() {
            return Err(Error::sql("UPDATE FROM and RETURNING on views are not supported yet"));
        }
        return update_view(e, db, &table, statement, source, &sets, conflict).map(|()| None);
    }
    e.uses_database(db, true);
    if let Some(condition) = &statement.where_clause {
        filter.extend(binder.bind_conjuncts(condition)?);
    }
    let sources = binder.pop_scope();
    drop(binder);
    let returning = Returning::prepare(e, db, &table, alias, &statement.returning)?;

    let mut used = UsedColumns::default();
    filter.iter().for_each(|f| used.add_expr(f));
    used.add(source, ColumnIndex::Rowid);
    add_primary_key(&mut used, source, &table);
    let key_changed = key_is_changed(&table, &sets);
    let changed = changed_of(&table, &sets);
    let is_changed = |c: usize| changed.get(c).copied().unwrap_or(true);
    let replaces = conflict == Some(OnError::Replace) || may_replace(&table);
    let wanted = |index: &turso_schema::Index| replaces || is_concerned(&table, index, &is_changed, key_changed);

    if statement.from.is_some() {
        sets.add_used(&mut used);
        let target = Target::open(e, db, &table, wanted)?;
        e.statement.multi_write.set(true);
        update_from(e, &target, source, sources, filter, &used, sets, conflict, returning.as_ref())?;
        return Ok(returning);
    }
    let quiet = update_triggers(e, db, &table, &sets).is_empty()
        && update_keys(e, db, &table, &changed).is_empty()
        && !replaces
        && !sets.has_subquery();
    let visit = choose_visit(e, sources, filter, &used, quiet && !key_changed)?;
    e.statement.multi_write.set(e.statement.multi_write.get() || visit.is_multiple());
    let target = Target::open(e, db, &table, wanted)?;
    let mut update = RowUpdate::new(e, &target, source, sets);
    update.conflict = conflict;
    if visit.is_multiple() && update.key_changed {
        // Rows that take one another's place abort in the middle.
        e.statement.may_abort.set(true);
    }
    visit_rows(e, &target, source, &visit, &mut |e, next| update.emit(e, next, returning.as_ref()))?;
    Ok(returning)
}

/// Some constraint of the table is declared ON CONFLICT REPLACE.
fn may_replace(table: &Table) -> bool {
    let replace = Some(ast::ConflictResolution::Replace);
    table.primary_key_conflict == replace || table.indexes.iter().any(|i| i.conflict == replace)
}

/// UPDATE … FROM: the join gives for each target row the values of SET, of which the last counts.
#[allow(clippy::too_many_arguments)] // One call; they are the parts of the statement.
fn update_from(
    e: &mut Emitter<'_>,
    target: &Target,
    source: SourceId,
    sources: Vec<crate::plan::Source>,
    filter: Vec<Expr>,
    used: &UsedColumns,
    sets: Assignments,
    conflict: Option<OnError>,
    returning: Option<&Returning>,
) -> Result<()> {
    if !sets.queries.is_empty() {
        return Err(Error::sql("row subqueries in SET of UPDATE FROM are not supported yet"));
    }
    let table = &target.table;
    let exprs: Vec<Expr> = sets
        .columns
        .iter()
        .chain([&sets.rowid])
        .flatten()
        .filter_map(|v| match v {
            SetValue::Expr(expr) => Some(expr.clone()),
            SetValue::Register(_) => None,
        })
        .collect();
    let key_len = if table.has_rowid() { 0 } else { table.primary_key.len() };
    let cursor = e.builder.cursor();
    let key = match table.primary_key_index() {
        Some(primary) => Some(Arc::new(key_info(e, table, primary, target.db)?)),
        None => None,
    };
    e.builder.emit(OpenEphemeral { cursor, columns: (key_len + exprs.len()) as u32, key });
    let values = e.builder.registers(key_len + exprs.len());
    let (record, rowid) = (e.builder.register(), e.builder.register());
    let core = crate::plan::Core {
        id: e.context.new_core(),
        sources,
        filter,
        distinct: false,
        group_by: Vec::new(),
        having: None,
        aggregates: Vec::new(),
        windows: Vec::new(),
        output: Vec::new(),
    };
    let plan = crate::optimize::plan_core(&core, used, &crate::plan::Wish::default(), e.context)?;
    e.loops(&core, &plan, &mut |e, _| {
        for (i, column) in table.primary_key.iter().enumerate().take(key_len) {
            if let IndexKey::Column(c) = column.key {
                e.column_into(source, ColumnIndex::Column(c as u16), values.at(i))?;
            }
        }
        for (i, expr) in exprs.iter().enumerate() {
            e.expr_into(expr, values.at(key_len + i))?;
        }
        e.builder.emit(MakeRecord { values, dest: record, affinities: None });
        if table.has_rowid() {
            e.column_into(source, ColumnIndex::Rowid, rowid)?;
            e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: None });
        } else {
            let key = Regs::new(values.first, key_len);
            e.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
        }
        Ok(())
    })?;
    // In the second pass the values come from the list.
    let mut at = key_len;
    let mut from_list = |value: &Option<SetValue>| {
        value.as_ref().map(|_| {
            at += 1;
            SetValue::Register(values.at(at - 1))
        })
    };
    let columns = sets.columns.iter().map(&mut from_list).collect();
    let rowid_value = from_list(&sets.rowid);
    let sets = Assignments { columns, rowid: rowid_value, queries: Vec::new() };
    let row_source = e.context.new_source();
    let mut update = RowUpdate::new(e, target, row_source, sets);
    update.conflict = conflict;
    let (done, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: done });
    let top = e.builder.label_here();
    for i in 0..values.count as usize {
        e.builder.emit(Column { cursor, column: i as u16, dest: values.at(i), default: None });
    }
    if table.has_rowid() {
        e.builder.emit(Rowid { cursor, dest: rowid });
        e.builder.emit(NotExists { cursor: target.cursor, rowid, miss: next });
    } else {
        e.builder.emit(NotFound { cursor: target.cursor, key: Regs::new(values.first, key_len), target: next });
    }
    update.emit(e, next, returning)?;
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(done);
    Ok(())
}

/// INSTEAD OF UPDATE triggers on a view.
fn update_view(
    e: &mut Emitter<'_>,
    db: DbIndex,
    view: &Arc<Table>,
    statement: &ast::Update,
    source: SourceId,
    sets: &Assignments,
    conflict: Option<OnError>,
) -> Result<()> {
    let triggers = update_triggers(e, db, view, sets);
    if !triggers.any(TriggerTime::InsteadOf) {
        return Err(is_a_view(view));
    }
    let params = Params::new(e, view);
    let (old, new) = (RowRegs::new(e, view), RowRegs::new(e, view));
    let alias = statement.table.alias.as_ref();
    each_view_row(e, db, view, alias, statement.where_clause.as_ref(), old, &mut |e, next| {
        e.bind_source(source, old.binding(view));
        for (query, values) in &sets.queries {
            e.builder.emit(Null { dest: *values });
            e.query(query, &mut Destination::Registers(*values))?;
        }
        for (c, value) in sets.columns.iter().enumerate() {
            match value {
                Some(value) => set_into(e, value, new.columns.at(c))?,
                None => {
                    e.builder.emit(Copy { from: old.columns.at(c), to: new.columns.at(c), count: 1 });
                }
            }
        }
        params.set_old(e, old, view);
        params.set_new(e, new, view);
        fire(e, &triggers, TriggerTime::InsteadOf, db, view, params, conflict, next)
    })
}
