//! The checks that a new row must pass, and storing it.
//!
//! Order, as SQLite's: NOT NULL, CHECK, the rowid, unique indexes (the newest first, those that REPLACE last); a rowid whose own
//! clause is REPLACE comes after them all, since REPLACE deletes rows and the others may still refuse.

use std::sync::Arc;

use turso_error::{Result, ResultCode};
use turso_functions::SchemaPlace;
use turso_parser::ast::ConflictResolution;
use turso_program::control::{HaltIfNull, IfNot, IsNull, NotNull, OnError, Raise, RaiseError};
use turso_program::cursor::{Column, IdxRowid, NoConflict, NotExists, NotFound};
use turso_program::data::{ApplyAffinity, Integer, Null, StrictType, StrictTypes, TypeCheck};
use turso_program::expression::{Comparison, Eq, Ne, Nulls};
use turso_program::write::{Cause, IdxInsert, Insert, MakeRecord, Position, RowChange};
use turso_program::{Label, Reg, Regs};
use turso_schema::{Check, IndexKey, Table};
use turso_value::Affinity;

use super::Emitter;
use super::check::generation_order;
use super::ddl::{EXACT, unique_message};
use super::delete::{Doomed, delete_row};
use super::row::{
    RowRegs, Target, bind_table_expr, entry_affinities, entry_into, entry_len, is_primary, make_row_record,
};
use super::trigger::{Event, triggers_for};
use super::upsert::Upserts;
use crate::plan::{ColumnIndex, Expr, SourceId};

/// SQL's conflict clause as what it does.
pub(crate) fn on_error(clause: ConflictResolution) -> OnError {
    match clause {
        ConflictResolution::Rollback => OnError::Rollback,
        ConflictResolution::Abort => OnError::Abort,
        ConflictResolution::Fail => OnError::Fail,
        ConflictResolution::Ignore => OnError::Ignore,
        ConflictResolution::Replace => OnError::Replace,
    }
}

/// The key that the row had before an UPDATE.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OldKey {
    /// INSERT: there is none.
    None,
    /// Its rowid.
    Rowid(Reg),
    /// Its primary key, in the order of the key.
    Primary(Regs),
}

/// A row about to be stored.
pub(crate) struct NewRow<'r> {
    /// Where.
    pub target: &'r Target,
    /// Its values: affinities not yet applied, generated columns not yet computed.
    pub row: RowRegs,
    /// The source that is bound to them.
    pub source: SourceId,
    /// OR clause of the statement.
    pub or: Option<OnError>,
    /// The row before, for UPDATE.
    pub old: OldKey,
    /// The rowid was chosen by the statement and may be taken.
    pub check_rowid: bool,
    /// The columns that may differ from the row before; all for INSERT.
    pub changed: &'r dyn Fn(usize) -> bool,
    /// The key may differ from the row before.
    pub key_changed: bool,
    /// Where to go on when the row is left out.
    pub skip: Label,
    /// RETURNING of the statement, for the row that ON CONFLICT DO UPDATE changes.
    pub returning: Option<&'r super::returning::Returning>,
}

/// What the checks leave for [`store`].
pub(crate) struct Checked {
    /// For each index of the target, the register with its new entry and those with its key, when it has to be written.
    records: Vec<Option<(Reg, Regs)>>,
    /// Some check may have moved the cursors (REPLACE).
    pub cursors_moved: bool,
    /// Becomes 1 once triggers have run for a row that REPLACE has found in an index: the row in hand must not be gone then.
    pub holds_row: Option<Reg>,
}

/// What the checks have done to other rows.
struct Moved {
    /// Cursors may be elsewhere.
    cursors: bool,
    /// Becomes 1 once triggers or actions have run for a row that REPLACE has deleted.
    fired: Option<Reg>,
    /// They may have.
    fires: bool,
    /// Becomes 1 once triggers have, for a row that was found in an index.
    holds_row: Option<Reg>,
}

impl Moved {
    fn begin(e: &mut Emitter<'_>, new: &NewRow<'_>, rowid_clause: OnError) -> Self {
        let options = &e.context.options;
        let replaces = rowid_clause == OnError::Replace
            || new.or == Some(OnError::Replace)
            || new.target.indexes.iter().any(|open| open.index.conflict == Some(ConflictResolution::Replace));
        let mut flag = |there: bool| {
            there.then(|| {
                let flag = e.builder.register();
                e.builder.emit(Integer { value: 0, dest: flag });
                flag
            })
        };
        let fired = flag(replaces && (options.recursive_triggers || options.foreign_keys));
        let holds_row = flag(replaces && options.recursive_triggers && !matches!(new.old, OldKey::None));
        Self { cursors: false, fired, fires: false, holds_row }
    }

    /// Delete the row in the way, under the target's cursor. It was found in an index, or by its rowid. True when all that there is of
    /// it will be written over.
    fn replace(&mut self, e: &mut Emitter<'_>, new: &NewRow<'_>, by_index: bool) -> Result<bool> {
        self.cursors = true;
        let target = new.target;
        if let Some(flag) = self.holds_row.filter(|_| by_index)
            && !triggers_for(e, target.db, &target.table, Event::Delete, &|_| true).is_empty()
        {
            e.builder.emit(Integer { value: 1, dest: flag });
        }
        let deleted = delete_row(e, new.target, Doomed::replaced(!by_index && matches!(new.old, OldKey::None)))?;
        if deleted.fires
            && let Some(fired) = self.fired
        {
            self.fires = true;
            e.builder.emit(Integer { value: 1, dest: fired });
        }
        Ok(deleted.overwritten)
    }
}

/// What has run for rows that REPLACE has deleted may have put others in the way, which are refused: also for a rowid that the
/// statement has chosen, and by entries that were free.
fn check_again(
    e: &mut Emitter<'_>,
    new: &NewRow<'_>,
    records: &[Option<(Reg, Regs)>],
    moved: &mut Moved,
) -> Result<()> {
    let Some(fired) = moved.fired.filter(|_| moved.fires) else { return Ok(()) };
    let free = e.builder.label();
    e.builder.emit(IfNot { reg: fired, target: free, jump_if_null: false });
    let again = NewRow { or: Some(OnError::Abort), ..*new };
    let table = &new.target.table;
    if table.has_rowid() {
        check_rowid(e, &again, OnError::Abort, &mut Upserts::none(), moved)?;
    }
    for (position, (open, record)) in new.target.indexes.iter().zip(records).enumerate() {
        let Some((record, entry)) = *record else { continue };
        let primary = is_primary(table, &open.index);
        let same_primary_key = primary && !matches!(new.old, OldKey::None) && !new.key_changed;
        if !open.index.unique || same_primary_key {
            continue;
        }
        let done = e.builder.label();
        if open.index.partial.is_some() {
            e.builder.emit(IsNull { reg: record, target: done });
        }
        let key = Regs::new(entry.first, open.index.columns.len());
        e.builder.emit(NoConflict { cursor: open.cursor, key, target: done });
        conflict(e, &again, position, primary, done, &mut Upserts::none(), moved)?;
        e.builder.bind(done);
    }
    e.builder.bind(free);
    Ok(())
}

/// Apply the columns' affinities (in a STRICT table, check their types).
pub(crate) fn apply_affinities(e: &mut Emitter<'_>, table: &Table, row: RowRegs) {
    if table.columns.is_empty() {
        return;
    }
    if table.strict {
        let columns = table.columns.iter().map(|c| {
            let required = match c.strict_type {
                turso_schema::StrictType::Any => StrictType::Any,
                turso_schema::StrictType::Blob => StrictType::Blob,
                turso_schema::StrictType::Int => StrictType::Int,
                turso_schema::StrictType::Integer => StrictType::Integer,
                turso_schema::StrictType::Real => StrictType::Real,
                turso_schema::StrictType::Text => StrictType::Text,
            };
            (c.name.clone(), required)
        });
        let types = StrictTypes { table: table.name.clone(), columns: columns.collect() };
        e.builder.emit(TypeCheck { values: row.columns, types: Arc::new(types) });
        e.statement.may_abort.set(true);
    } else if let Some(affinities) = Emitter::affinities(table.columns.iter().map(|c| c.affinity)) {
        e.builder.emit(ApplyAffinity { regs: row.columns.first, affinities });
    }
}

/// Compute the generated columns, stored and virtual, in an order in which each finds what it reads.
pub(crate) fn compute_generated(e: &mut Emitter<'_>, target: &Target, row: RowRegs, source: SourceId) -> Result<()> {
    let table = &target.table;
    let order = generation_order(table)?;
    if order.is_empty() {
        return Ok(());
    }
    for c in order {
        let Some(column) = table.columns.get(c) else { continue };
        let Some(generated) = &column.generated else { continue };
        let expr = bind_table_expr(e.context, SchemaPlace::GeneratedColumn, target.db, table, source, &generated.expr)?;
        e.expr_into(&expr, row.columns.at(c))?;
        if !table.strict
            && let Some(affinities) = Emitter::affinities([column.affinity])
        {
            e.builder.emit(ApplyAffinity { regs: row.columns.at(c), affinities });
        }
    }
    if table.strict {
        apply_affinities(e, table, row);
    }
    Ok(())
}

fn raise(e: &Emitter<'_>, code: ResultCode, on_error: OnError, message: String) -> Arc<Raise> {
    if on_error == OnError::Abort {
        e.statement.may_abort.set(true);
    }
    Arc::new(Raise { code, on_error, message: Some(message.into()) })
}

/// Emit all checks. Falls through when the row may be stored.
pub(crate) fn check_row(e: &mut Emitter<'_>, new: &NewRow<'_>, upserts: &mut Upserts<'_>) -> Result<Checked> {
    // Generated columns come before all checks, and again after a check that has put a default in the place of a NULL.
    let generates = new.target.table.columns.iter().any(|c| c.generated.is_some());
    if generates {
        apply_affinities(e, &new.target.table, new.row);
        compute_generated(e, new.target, new.row, new.source)?;
    }
    let replaces = check_not_null(e, new, false)?;
    // Where nothing looks at the values earlier, `excluded` shows them as they were supplied if it is the rowid that is taken.
    let conditions = conditions_to_check(e, new)?;
    let early = !conditions.is_empty() || generates;
    if early && !generates {
        apply_affinities(e, &new.target.table, new.row);
    }
    if generates && replaces {
        compute_generated(e, new.target, new.row, new.source)?;
    }
    check_not_null(e, new, true)?;
    check_conditions(e, new, &conditions)?;

    let table = &new.target.table;
    let rowid_clause = match new.or {
        Some(or) => or,
        None => table.primary_key_conflict.map_or(OnError::Abort, on_error),
    };
    let late = rowid_clause == OnError::Replace
        && new.or.is_none()
        && !new.target.indexes.is_empty()
        && !upserts.handles_rowid();
    let mut moved = Moved::begin(e, new, rowid_clause);
    if upserts.has_target() {
        let mut pending = !early;
        let mut records = vec![None; new.target.indexes.len()];
        let mut order = upserts.check_order(records.len());
        if late {
            // Another row is removed once nothing else stands against the insertion.
            order.retain(Option::is_some);
            order.push(None);
        }
        for item in order {
            match item {
                Some(position) => {
                    if std::mem::take(&mut pending) {
                        apply_affinities(e, table, new.row);
                    }
                    let record = check_index(e, new, position, upserts, &mut moved)?;
                    if let Some(slot) = records.get_mut(position) {
                        *slot = record;
                    }
                }
                None if new.check_rowid && table.has_rowid() => check_rowid(e, new, rowid_clause, upserts, &mut moved)?,
                None => {}
            }
        }
        if pending {
            apply_affinities(e, table, new.row);
        }
        check_again(e, new, &records, &mut moved)?;
        return Ok(Checked { records, cursors_moved: moved.cursors, holds_row: moved.holds_row });
    }
    if new.check_rowid && table.has_rowid() && !late {
        check_rowid(e, new, rowid_clause, upserts, &mut moved)?;
    }
    if !early {
        apply_affinities(e, table, new.row);
    }
    let mut records = Vec::with_capacity(new.target.indexes.len());
    for position in 0..new.target.indexes.len() {
        let record = check_index(e, new, position, upserts, &mut moved)?;
        records.push(record);
    }
    if new.check_rowid && table.has_rowid() && late {
        check_rowid(e, new, rowid_clause, upserts, &mut moved)?;
    }
    check_again(e, new, &records, &mut moved)?;
    Ok(Checked { records, cursors_moved: moved.cursors, holds_row: moved.holds_row })
}

/// True when a default may have taken the place of a NULL. A default that is NULL itself is told after the NULLs that nothing
/// stands in for.
fn check_not_null(e: &mut Emitter<'_>, new: &NewRow<'_>, generated: bool) -> Result<bool> {
    let table = &new.target.table;
    let failed = |e: &Emitter<'_>, column: &str, on_error| {
        let message = format!("NOT NULL constraint failed: {}.{column}", table.name);
        raise(e, ResultCode::CONSTRAINT_NOTNULL, on_error, message)
    };
    let mut replaced = Vec::new();
    for (c, column) in table.columns.iter().enumerate() {
        let Some(clause) = column.not_null else { continue };
        if table.rowid_alias == Some(c) || column.generated.is_some() != generated || !(new.changed)(c) {
            continue;
        }
        let mut action = new.or.or(clause.map(on_error)).unwrap_or(OnError::Abort);
        let reg = new.row.columns.at(c);
        if action == OnError::Replace && (column.default.is_none() || generated) {
            action = OnError::Abort;
        }
        match action {
            OnError::Ignore => {
                e.builder.emit(IsNull { reg, target: new.skip });
            }
            OnError::Replace => {
                let ok = e.builder.label();
                e.builder.emit(NotNull { reg, target: ok });
                default_into(e, new.target, c, reg)?;
                e.builder.bind(ok);
                replaced.push((reg, failed(e, &column.name, OnError::Abort)));
            }
            other => {
                let raise = failed(e, &column.name, other);
                e.builder.emit(HaltIfNull { reg, raise });
            }
        }
    }
    let replaces = !replaced.is_empty();
    for (reg, raise) in replaced {
        e.builder.emit(HaltIfNull { reg, raise });
    }
    Ok(replaces)
}

/// The default of a column, with its affinity, into `dest`.
pub(crate) fn default_into(e: &mut Emitter<'_>, target: &Target, column: usize, dest: Reg) -> Result<()> {
    let table = &target.table;
    let Some(definition) = table.columns.get(column) else { return Ok(()) };
    match &definition.default {
        None => {
            e.builder.emit(Null { dest: Regs::new(dest, 1) });
        }
        Some(default) => {
            let mut binder = crate::bind::Binder::for_text(e.context, table.sql.as_bytes());
            binder.push_scope(Vec::new());
            let bound = e.context.stored(target.db, || binder.bind_expr(default))?;
            e.expr_into(&bound, dest)?;
            if !table.strict
                && let Some(affinities) = Emitter::affinities([definition.affinity])
            {
                e.builder.emit(ApplyAffinity { regs: dest, affinities });
            }
        }
    }
    Ok(())
}

/// The CHECKs that are evaluated: of an UPDATE those that read what it changes.
fn conditions_to_check<'n>(e: &Emitter<'_>, new: &NewRow<'n>) -> Result<Vec<(&'n Check, Expr)>> {
    if e.context.options.ignore_check_constraints {
        return Ok(Vec::new());
    }
    let table = &new.target.table;
    let is_update = !matches!(new.old, OldKey::None);
    let alias = table.rowid_alias;
    let touched = |c: usize| (new.changed)(c) || (alias == Some(c) && new.key_changed);
    let mut found = Vec::with_capacity(table.checks.len());
    for check in &table.checks {
        // The rowid may have another name there, which only binding finds.
        if is_update && !new.key_changed && !super::check::reads_columns(table, &check.expr, touched) {
            continue;
        }
        let bound = bind_table_expr(e.context, SchemaPlace::Check, new.target.db, table, new.source, &check.expr)?;
        let mut reads = !is_update;
        bound.for_each_column(|_, column| {
            reads |= match column {
                ColumnIndex::Rowid => new.key_changed,
                ColumnIndex::Column(c) => touched(usize::from(c)),
            }
        });
        if reads {
            found.push((check, bound));
        }
    }
    Ok(found)
}

fn check_conditions(e: &mut Emitter<'_>, new: &NewRow<'_>, conditions: &[(&Check, Expr)]) -> Result<()> {
    for (check, condition) in conditions {
        let ok = e.builder.label();
        e.jump_if_true(condition, ok, true)?;
        match new.or.unwrap_or(OnError::Abort) {
            OnError::Ignore => e.goto(new.skip),
            action => {
                let action = if action == OnError::Replace { OnError::Abort } else { action };
                let what = check.name.as_ref().unwrap_or(&check.text);
                let raise = raise(e, ResultCode::CONSTRAINT_CHECK, action, format!("CHECK constraint failed: {what}"));
                e.builder.emit(RaiseError { message: None, raise });
            }
        }
        e.builder.bind(ok);
    }
    Ok(())
}

fn check_rowid(
    e: &mut Emitter<'_>,
    new: &NewRow<'_>,
    clause: OnError,
    upserts: &mut Upserts<'_>,
    moved: &mut Moved,
) -> Result<()> {
    let table = &new.target.table;
    let free = e.builder.label();
    if let OldKey::Rowid(old) = new.old {
        e.builder.emit(Eq { left: new.row.rowid, right: old, target: free, how: EXACT });
    }
    e.builder.emit(NotExists { cursor: new.target.cursor, rowid: new.row.rowid, miss: free });
    if upserts.on_rowid(e, new)? {
        e.builder.bind(free);
        moved.cursors = true;
        return Ok(());
    }
    match clause {
        OnError::Ignore => e.goto(new.skip),
        OnError::Replace => {
            if !moved.replace(e, new, false)? {
                e.statement.multi_write.set(true);
            }
        }
        action => {
            let (code, column) = match table.rowid_alias.and_then(|c| table.columns.get(c)) {
                Some(column) => (ResultCode::CONSTRAINT_PRIMARYKEY, &*column.name),
                None => (ResultCode::CONSTRAINT_ROWID, "rowid"),
            };
            let raise = raise(e, code, action, ["UNIQUE constraint failed: ", &table.name, ".", column].concat());
            e.builder.emit(RaiseError { message: None, raise });
        }
    }
    e.builder.bind(free);
    Ok(())
}

/// Does this change concern the index?
pub(crate) fn index_changes(
    table: &Table,
    index: &turso_schema::Index,
    changed: &dyn Fn(usize) -> bool,
    key_changed: bool,
) -> bool {
    if key_changed {
        return true;
    }
    let by_expr = |expr: &turso_parser::ast::Expr| super::check::reads_columns(table, expr, changed);
    index.columns.iter().any(|c| match &c.key {
        IndexKey::Column(c) => changed(*c),
        IndexKey::Rowid => false,
        IndexKey::Expr(expr) => by_expr(expr),
    }) || index.trailing.iter().any(|&c| changed(c))
        || index.partial.as_ref().is_some_and(|p| by_expr(p))
}

/// Make the new entry of an index and check that it is unique.
fn check_index(
    e: &mut Emitter<'_>,
    new: &NewRow<'_>,
    position: usize,
    upserts: &mut Upserts<'_>,
    moved: &mut Moved,
) -> Result<Option<(Reg, Regs)>> {
    let Some(open) = new.target.indexes.get(position) else { return Ok(None) };
    let (table, index) = (&new.target.table, &open.index);
    let primary = is_primary(table, index);
    if !primary && !index_changes(table, index, new.changed, new.key_changed) {
        return Ok(None);
    }
    let record = e.builder.register();
    let done = e.builder.label();
    if let Some(condition) = &index.partial {
        e.builder.emit(Null { dest: Regs::new(record, 1) });
        let bound = bind_table_expr(e.context, SchemaPlace::Index, new.target.db, table, new.source, condition)?;
        e.jump_if_false(&bound, done, true)?;
    }
    let entry = if primary {
        let entry = e.builder.registers(index.columns.len());
        for (i, column) in index.columns.iter().enumerate() {
            if let IndexKey::Column(c) = column.key {
                e.builder.emit(turso_program::data::Copy { from: new.row.columns.at(c), to: entry.at(i), count: 1 });
            }
        }
        make_row_record(e, table, new.row, record);
        entry
    } else {
        let entry = e.builder.registers(entry_len(table, index));
        entry_into(e, new.target.db, table, index, new.source, entry)?;
        e.builder.emit(MakeRecord { values: entry, dest: record, affinities: entry_affinities(table, index) });
        entry
    };
    let same_primary_key = primary && !matches!(new.old, OldKey::None) && !new.key_changed;
    if index.unique && !same_primary_key {
        let key = Regs::new(entry.first, index.columns.len());
        e.builder.emit(NoConflict { cursor: open.cursor, key, target: done });
        conflict(e, new, position, primary, done, upserts, moved)?;
    }
    e.builder.bind(done);
    Ok(Some((record, entry)))
}

/// The index cursor is on an entry with the new key. Falls through when the row may be stored nevertheless.
fn conflict(
    e: &mut Emitter<'_>,
    new: &NewRow<'_>,
    position: usize,
    primary: bool,
    done: Label,
    upserts: &mut Upserts<'_>,
    moved: &mut Moved,
) -> Result<()> {
    let Some(open) = new.target.indexes.get(position) else { return Ok(()) };
    let (table, index) = (&new.target.table, &open.index);
    // The key of the row in the way; it may be the row under UPDATE itself.
    let rowid = e.builder.register();
    let mut key = None;
    if table.has_rowid() {
        e.builder.emit(IdxRowid { cursor: open.cursor, dest: rowid });
        if let OldKey::Rowid(old) = new.old {
            e.builder.emit(Eq { left: rowid, right: old, target: done, how: EXACT });
        }
    } else {
        let regs = e.builder.registers(table.primary_key.len());
        for (i, column) in table.primary_key.iter().enumerate() {
            let IndexKey::Column(c) = column.key else { continue };
            let field = if primary { i } else { field_in_entry(index, c) };
            e.builder.emit(Column { cursor: open.cursor, column: field as u16, dest: regs.at(i), default: None });
        }
        if let OldKey::Primary(old) = new.old {
            let other = e.builder.label();
            for (i, column) in table.primary_key.iter().enumerate() {
                let how = Comparison {
                    affinity: Affinity::Blob,
                    collation: e.builder.collation(&column.collation),
                    nulls: Nulls::Equal,
                };
                e.builder.emit(Ne { left: regs.at(i), right: old.at(i), target: other, how });
            }
            e.goto(done);
            e.builder.bind(other);
        }
        key = Some(regs);
    }
    if upserts.on_index(e, new, position, rowid, key)? {
        moved.cursors = true;
        return Ok(());
    }
    let clause = new.or.or(index.conflict.map(on_error)).unwrap_or(OnError::Abort);
    match clause {
        OnError::Ignore => e.goto(new.skip),
        OnError::Replace => {
            e.statement.multi_write.set(true);
            match key {
                None => e.builder.emit(NotExists { cursor: new.target.cursor, rowid, miss: done }),
                Some(key) => e.builder.emit(NotFound { cursor: new.target.cursor, key, target: done }),
            };
            moved.replace(e, new, true)?;
        }
        action => {
            let code = if index.origin == turso_schema::IndexOrigin::PrimaryKey {
                ResultCode::CONSTRAINT_PRIMARYKEY
            } else {
                ResultCode::CONSTRAINT_UNIQUE
            };
            let raise = raise(e, code, action, unique_message(table, index));
            e.builder.emit(RaiseError { message: None, raise });
        }
    }
    Ok(())
}

/// Position of a primary key column among the fields of a secondary index's entry.
pub(crate) fn field_in_entry(index: &turso_schema::Index, column: usize) -> usize {
    match index.trailing.iter().position(|&t| t == column) {
        Some(i) => index.columns.len() + i,
        None => index.columns.iter().position(|c| matches!(c.key, IndexKey::Column(i) if i == column)).unwrap_or(0),
    }
}

/// Write the index entries and the row.
pub(crate) fn store(
    e: &mut Emitter<'_>,
    new: &NewRow<'_>,
    checked: &Checked,
    cause: Cause,
    position: Position,
) -> Result<()> {
    let target = new.target;
    let table = &target.table;
    let change = Arc::new(RowChange {
        db: target.db,
        table: table.name.clone(),
        cause,
        counts: true,
        sets_last_rowid: cause == Cause::Insert && table.has_rowid(),
    });
    let mut row_record = None;
    if table.has_rowid() {
        let record = e.builder.register();
        make_row_record(e, table, new.row, record);
        row_record = Some(record);
    }
    for (open, record) in target.indexes.iter().zip(&checked.records) {
        let Some((record, key)) = *record else { continue };
        let skip = e.builder.label();
        if open.index.partial.is_some() {
            e.builder.emit(IsNull { reg: record, target: skip });
        }
        let primary = is_primary(table, &open.index);
        e.builder.emit(IdxInsert {
            cursor: open.cursor,
            record,
            key,
            position: Position::Unknown,
            change: primary.then(|| change.clone()),
        });
        e.builder.bind(skip);
    }
    if let Some(record) = row_record {
        e.builder.emit(Insert { cursor: target.cursor, record, rowid: new.row.rowid, position, change: Some(change) });
    }
    Ok(())
}
