//! Row triggers: which fire, their bodies as programs, and calling them.
//!
//! The caller keeps OLD and NEW in one block of registers, `old.rowid, old.columns…, new.rowid, new.columns…`, and the body
//! copies what it reads with `Param`. A body is built once per statement, also when it fires itself.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, TriggerEvent, TriggerStep, TriggerTime};
use turso_program::control::{Halt, OnError, Param, RunTrigger, TellStep, TriggerCall};
use turso_program::data::Copy;
use turso_program::write::ResetCount;
use turso_program::{DbIndex, Label, Regs};
use turso_schema::{Table, Trigger};
use turso_value::Affinity;

use super::ddl::TEMP;
use super::row::{RowRegs, table_source};
use super::state::{BodyKey, TriggerScope};
use super::{Destination, Emitter};
use crate::bind::Binder;

/// How deep bodies may be nested while they are built.
const MAX_BODY_DEPTH: u32 = 100;

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

/// The triggers of a table for one event, in firing order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Triggers {
    list: Vec<(DbIndex, Arc<Trigger>)>,
}

impl Triggers {
    /// Names of triggers that the planner makes up begin so; they may fire themselves.
    pub const MADE_UP: &'static str = "\0";

    /// Triggers that stand in no schema.
    pub fn made_up(list: Vec<(DbIndex, Arc<Trigger>)>) -> Self {
        Triggers { list }
    }

    /// No trigger at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The columns that triggers of this time name as `qualifier.column`.
    pub fn named_columns(&self, time: TriggerTime, table: &Table, qualifier: &str) -> Vec<bool> {
        let mut named = vec![false; table.columns.len()];
        for (_, trigger) in self.list.iter().filter(|(_, t)| time_of(t) == time) {
            for (slot, one) in named.iter_mut().zip(named_columns(&trigger.statement, table, qualifier)) {
                *slot |= one;
            }
        }
        named
    }

    /// One fires at this time.
    pub fn any(&self, time: TriggerTime) -> bool {
        self.list.iter().any(|(_, t)| time_of(t) == time)
    }
}

fn time_of(trigger: &Trigger) -> TriggerTime {
    trigger.statement.time.unwrap_or(TriggerTime::Before)
}

/// All triggers on a table in firing order: temporary ones first, those from the oldest to the newest; the table's own ones
/// from the newest to the oldest.
pub(crate) fn all_triggers_of(e: &Emitter<'_>, db: DbIndex, table: &str) -> Vec<(DbIndex, Arc<Trigger>)> {
    let catalogue = e.context.catalogue;
    let mut list = Vec::new();
    if !e.context.options.triggers {
        return list;
    }
    if db != TEMP && catalogue.database_count() > TEMP.index() {
        for trigger in catalogue.schema(TEMP).triggers_of(table) {
            if watched_database(e, trigger) == Some(db) {
                list.push((TEMP, trigger.clone()));
            }
        }
        list.reverse();
    }
    for trigger in catalogue.schema(db).triggers_of(table) {
        if db != TEMP || watched_database(e, trigger) == Some(TEMP) {
            list.push((db, trigger.clone()));
        }
    }
    list
}

/// The database of the table that a temporary trigger watches: the one that it names, or the one that the bare name meant when
/// the trigger was made.
fn watched_database(e: &Emitter<'_>, trigger: &Trigger) -> Option<DbIndex> {
    let catalogue = e.context.catalogue;
    match &trigger.table_schema {
        Some(schema) => catalogue.find_database(schema),
        None if trigger.on_own_table => Some(TEMP),
        None => (0..catalogue.database_count())
            .map(|i| DbIndex(i as u16))
            .find(|&db| db != TEMP && catalogue.schema(db).table(&trigger.table).is_some()),
    }
}

/// The table or view that a trigger of database `db` watches.
pub(crate) fn watched_table(e: &Emitter<'_>, db: DbIndex, trigger: &Trigger) -> Option<(DbIndex, Arc<Table>)> {
    let db = if db == TEMP { watched_database(e, trigger)? } else { db };
    Some((db, e.context.catalogue.schema(db).table(&trigger.table)?.clone()))
}

/// The triggers that an event fires. For UPDATE, `written` tells which names SET has.
pub(crate) fn triggers_for(
    e: &Emitter<'_>,
    db: DbIndex,
    table: &Table,
    event: Event,
    written: &dyn Fn(&str) -> bool,
) -> Triggers {
    let mut list = all_triggers_of(e, db, &table.name);
    list.retain(|(_, trigger)| match (&trigger.statement.event, event) {
        (TriggerEvent::Insert, Event::Insert) | (TriggerEvent::Delete, Event::Delete) => true,
        (TriggerEvent::Update(columns), Event::Update) => {
            columns.is_empty() || columns.iter().any(|c| written(&c.text))
        }
        _ => false,
    });
    Triggers { list }
}

/// The block of registers through which bodies read OLD and NEW.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Params {
    block: Regs,
    columns: usize,
}

impl Params {
    /// Registers for the rows of a table.
    pub fn new(e: &mut Emitter<'_>, table: &Table) -> Self {
        let columns = table.columns.len();
        Params { block: e.builder.registers(2 * (columns + 1)), columns }
    }

    /// Fill in OLD.
    pub fn set_old(self, e: &mut Emitter<'_>, row: RowRegs, table: &Table) {
        self.set(e, 0, row, table);
    }

    /// Fill in NEW.
    pub fn set_new(self, e: &mut Emitter<'_>, row: RowRegs, table: &Table) {
        self.set(e, self.columns + 1, row, table);
    }

    fn set(self, e: &mut Emitter<'_>, at: usize, row: RowRegs, table: &Table) {
        if table.has_rowid() {
            e.builder.emit(Copy { from: row.rowid, to: self.block.at(at), count: 1 });
        }
        if self.columns > 0 {
            e.builder.emit(Copy { from: row.columns.first, to: self.block.at(at + 1), count: self.columns as u32 });
        }
        // The column of the rowid alias reads as any other in a body.
        if let Some(alias) = table.rowid_alias {
            e.builder.emit(Copy { from: row.rowid, to: self.block.at(at + 1 + alias), count: 1 });
        }
    }
}

/// Run the triggers that fire at `time`. RAISE(IGNORE) continues at `ignore`.
pub(crate) fn fire(
    e: &mut Emitter<'_>,
    triggers: &Triggers,
    time: TriggerTime,
    db: DbIndex,
    table: &Arc<Table>,
    params: Params,
    conflict: Option<OnError>,
    ignore: Label,
) -> Result<()> {
    for (trigger_db, trigger) in &triggers.list {
        if time_of(trigger) != time {
            continue;
        }
        let made_up = trigger.name.starts_with(Triggers::MADE_UP);
        // No conflict clause, of the statement or of the schema, makes a foreign-key action do something else.
        let conflict = if made_up { Some(OnError::Abort) } else { conflict };
        let subprogram = body_of(e, *trigger_db, trigger, db, table, conflict)?;
        let recursive = e.context.options.recursive_triggers || made_up;
        let call = TriggerCall { subprogram, name: trigger.name.clone(), recursive };
        e.builder.emit(RunTrigger { first_param: params.block.first, ignore, call: Arc::new(call) });
    }
    Ok(())
}

/// The number of the trigger's body; it is built when this is its first use in the statement.
fn body_of(
    e: &mut Emitter<'_>,
    trigger_db: DbIndex,
    trigger: &Arc<Trigger>,
    db: DbIndex,
    table: &Arc<Table>,
    conflict: Option<OnError>,
) -> Result<u32> {
    let state = e.statement.clone();
    let key = BodyKey { db: trigger_db, name: trigger.name.clone(), conflict };
    if let Some(known) = state.body_keys.borrow().iter().position(|k| *k == key) {
        return Ok(known as u32);
    }
    if state.body_depth.get() >= MAX_BODY_DEPTH {
        return Err(Error::sql("triggers nested too deep"));
    }
    let number = state.body_keys.borrow().len();
    state.body_keys.borrow_mut().push(key);
    state.bodies.borrow_mut().push(None);
    state.body_depth.set(state.body_depth.get() + 1);
    // A body changes more than the statement does, and may fail after it.
    state.multi_write.set(true);
    state.may_abort.set(true);
    let built = build_body(e, trigger_db, trigger, db, table, conflict);
    state.body_depth.set(state.body_depth.get() - 1);
    let program = built?;
    if let Some(slot) = state.bodies.borrow_mut().get_mut(number) {
        *slot = Some(Arc::new(program));
    }
    Ok(number as u32)
}

fn build_body(
    outer: &mut Emitter<'_>,
    trigger_db: DbIndex,
    trigger: &Arc<Trigger>,
    db: DbIndex,
    table: &Arc<Table>,
    conflict: Option<OnError>,
) -> Result<turso_program::Program> {
    let context = outer.context;
    let mut e = Emitter::new(context);
    e.statement = outer.statement.clone();
    let mut sources = Vec::new();
    let bare = without_affinities(table);
    let has_old = !matches!(trigger.statement.event, TriggerEvent::Insert);
    let has_new = !matches!(trigger.statement.event, TriggerEvent::Delete);
    let width = table.columns.len() as u32 + 1;
    for (present, name, base) in [(has_old, "old", 0), (has_new, "new", width)] {
        if !present {
            continue;
        }
        let id = context.new_source();
        let row = RowRegs::new(&mut e, table);
        let used = used_columns(&trigger.statement, table, name);
        if table.has_rowid() || table.is_view() {
            e.builder.emit(Param { index: base, dest: row.rowid });
        }
        for c in (0..table.columns.len()).filter(|c| used.get(*c).copied().unwrap_or(true)) {
            e.builder.emit(Param { index: base + 1 + c as u32, dest: row.columns.at(c) });
        }
        e.bind_source(id, row.binding(table));
        sources.push(table_source(id, name, true, db, &bare));
    }
    e.trigger = Some(TriggerScope { sources, conflict, db: trigger_db, sql: trigger.sql.clone() });
    let end = e.builder.label();
    let made_up = trigger.name.starts_with(Triggers::MADE_UP);
    context.inside(trigger_db, || match made_up {
        true => context.unasked(|| emit_statements(&mut e, trigger, end)),
        false => context.in_name_of_trigger(&trigger.name, || emit_statements(&mut e, trigger, end)),
    })?;
    e.builder.bind(end);
    e.builder.emit(Halt {});
    for &(db, write) in e.databases() {
        outer.uses_database(db, write);
    }
    e.builder.program_mut().writes = true;
    Ok(e.builder.finish())
}

/// WHEN, and the statements of the body.
fn emit_statements(e: &mut Emitter<'_>, trigger: &Trigger, end: Label) -> Result<()> {
    let statement = trigger.statement.clone();
    if let Some(when) = &statement.when {
        let sql = trigger.sql.clone();
        let mut binder = Binder::for_text(e.context, sql.as_bytes());
        enter_scope(e, &mut binder);
        let condition = binder.bind_item(when)?;
        e.jump_if_false(&condition, end, true)?;
    }
    for (at, step) in statement.body.iter().enumerate() {
        let span = statement.steps.get(at);
        if let Some(text) = span.and_then(|span| trigger.sql.get(span.start as usize..span.end as usize)) {
            e.builder.emit(TellStep { text: text.into() });
        }
        emit_step(e, step)?;
    }
    Ok(())
}

/// The table as NEW and OLD show it: SQLite gives their columns a collation, but no affinity (the rowid's alias is an integer all
/// the same), and knows no alias of the rowid.
fn without_affinities(table: &Arc<Table>) -> Arc<Table> {
    let mut bare = (**table).clone();
    for (c, column) in bare.columns.iter_mut().enumerate() {
        column.affinity = if table.rowid_alias == Some(c) { Affinity::Integer } else { Affinity::None };
    }
    bare.rowid_alias = None;
    Arc::new(bare)
}

/// Give NEW and OLD of the trigger in hand to a binder, if there is one.
pub(crate) fn enter_scope(e: &Emitter<'_>, binder: &mut Binder<'_>) {
    if let Some(scope) = &e.trigger {
        binder.in_trigger = true;
        binder.push_scope(Vec::new());
        for source in &scope.sources {
            binder.push_qualified(source.clone());
        }
    }
}

/// The text that the statement in hand was written in: that of the trigger whose step it is; `None` for the text being prepared.
pub(crate) fn statement_text(e: &Emitter<'_>) -> Option<Arc<str>> {
    e.trigger.as_ref().map(|t| t.sql.clone())
}

/// A binder for the statement in hand, which was written in `text`: NEW and OLD are in scope, and the tables of WITH.
pub(crate) fn statement_binder<'b, 'e: 'b>(
    e: &Emitter<'e>,
    text: &'b Option<Arc<str>>,
    with: Option<&'b ast::With>,
) -> Result<Binder<'b>> {
    let mut binder = match text {
        Some(text) => Binder::for_text(e.context, text.as_bytes()),
        None => Binder::new(e.context),
    };
    enter_scope(e, &mut binder);
    if let Some(with) = with {
        binder.push_with(with)?;
    }
    Ok(binder)
}

fn emit_step(e: &mut Emitter<'_>, step: &TriggerStep) -> Result<()> {
    match step {
        TriggerStep::Select(select) => {
            let text = statement_text(e);
            let mut binder = statement_binder(e, &text, None)?;
            e.context.ask_for_own_query()?;
            let mut query = binder.bind_select(select)?;
            crate::rewrite::rewrite(&mut query, e.context);
            e.context.ask_deferred()?;
            e.query(&query, &mut Destination::Each(&mut |_, _| Ok(())))
        }
        TriggerStep::Insert(insert) => {
            super::insert::emit_insert(e, insert)?;
            e.builder.emit(ResetCount {});
            Ok(())
        }
        TriggerStep::Update(update) => {
            super::update::emit_update(e, update)?;
            e.builder.emit(ResetCount {});
            Ok(())
        }
        TriggerStep::Delete(delete) => {
            super::delete::emit_delete(e, delete)?;
            e.builder.emit(ResetCount {});
            Ok(())
        }
    }
}

/// Which columns the trigger reads through `old.` or `new.`.
fn used_columns(statement: &ast::CreateTrigger, table: &Table, qualifier: &str) -> Vec<bool> {
    // Virtual columns are computed from others by whoever binds them.
    if table.columns.iter().any(|c| c.generated.is_some()) {
        return vec![true; table.columns.len()];
    }
    named_columns(statement, table, qualifier)
}

fn named_columns(statement: &ast::CreateTrigger, table: &Table, qualifier: &str) -> Vec<bool> {
    struct Uses<'u> {
        table: &'u Table,
        qualifier: &'u str,
        used: Vec<bool>,
    }
    impl ast::visit::Visit for Uses<'_> {
        fn expr(&mut self, expr: &ast::Expr) {
            if let ast::Expr::Column(reference) = expr
                && reference.table().is_some_and(|t| t.is(self.qualifier))
                && let Some(c) = self.table.column_index(&reference.column.text)
                && let Some(slot) = self.used.get_mut(c)
            {
                *slot = true;
            }
            ast::visit::walk_expr(self, expr);
        }
    }
    let mut uses = Uses { table, qualifier, used: vec![false; table.columns.len()] };
    ast::visit::walk_statement(&mut uses, &ast::Statement::CreateTrigger(Box::new(statement.clone())));
    uses.used
}

/// Move the finished bodies into the outermost program.
pub(crate) fn attach_bodies(e: &mut Emitter<'_>) -> Result<()> {
    let bodies: Option<Vec<_>> = e.statement.bodies.borrow().iter().cloned().collect();
    let bodies = bodies.ok_or_else(|| Error::sql("unfinished trigger program"))?;
    let program = e.builder.program_mut();
    program.subprograms = bodies;
    program.needs_statement_savepoint = e.statement.multi_write.get() && e.statement.may_abort.get();
    program.counts_changes = true;
    Ok(())
}
