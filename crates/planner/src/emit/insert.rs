//! INSERT: where the rows come from, the row itself, triggers around it.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, InsertSource, SelectCore, TriggerTime};
use turso_program::control::{EndCoroutine, Goto, InitCoroutine, IsNull, MustBeInt, OnError, Yield};
use turso_program::cursor::{Column, Next, OpenEphemeral, Rewind};
use turso_program::data::{ClrSubtype, Copy, Integer, Null};
use turso_program::expression::MemMax;
use turso_program::write::{Cause, NewRowid, Position};
use turso_program::{DbIndex, Label, Program, Reg, Regs};
use turso_schema::Table;

use super::constraints::{
    NewRow, OldKey, apply_affinities, check_row, compute_generated, default_into, on_error, store,
};
use super::delete::complete;
use super::foreign_key::ForeignKeys;
use super::returning::Returning;
use super::row::{RowRegs, Target};
use super::target::find_target;
use super::trigger::{Event, Params, Triggers, fire, statement_binder, statement_text, triggers_for};
use super::upsert::{Upserts, is_rowid_name};
use super::view::{check_view, expand_view};
use super::virtual_change::insert_into_virtual;
use super::{Destination, Emitter, autoincrement};
use crate::authorize::AuthAction;
use crate::context::PlanContext;
use crate::plan::{Expr, Query, Relation};

/// The program of an INSERT statement.
pub(crate) fn plan_insert(context: &PlanContext<'_>, statement: &ast::Insert) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    complete(&mut e, "rows inserted", |e| emit_insert(e, statement))?;
    Ok(e.finish())
}

/// Where each part of the new row comes from.
pub(super) struct Mapping {
    /// For each column, the position among the supplied values.
    pub columns: Vec<Option<usize>>,
    /// The position of the rowid among the supplied values.
    pub rowid: Option<usize>,
    /// How many values a row must supply.
    width: usize,
}

impl Mapping {
    pub fn new(table: &Table, names: &[ast::Name]) -> Result<Self> {
        let mut this = Mapping { columns: vec![None; table.columns.len()], rowid: None, width: names.len() };
        if names.is_empty() {
            let mut at = 0;
            for (c, column) in table.columns.iter().enumerate() {
                if column.generated.is_some() || column.hidden {
                    continue;
                }
                this.set(table, c, at);
                at += 1;
            }
            this.width = at;
            return Ok(this);
        }
        for (at, name) in names.iter().enumerate() {
            match table.column_index(&name.text) {
                Some(c) if table.columns.get(c).is_some_and(|c| c.generated.is_some()) => {
                    return Err(Error::sql(format!("cannot INSERT into generated column \"{}\"", name.text)));
                }
                Some(c) => this.set(table, c, at),
                None if is_rowid_name(table, &name.text) => this.rowid = Some(at),
                None => {
                    return Err(Error::sql(format!("table {} has no column named {}", table.name, name.text)));
                }
            }
        }
        Ok(this)
    }

    /// Of a column that is named twice the first value counts, of the rowid the last.
    fn set(&mut self, table: &Table, column: usize, at: usize) {
        if table.rowid_alias == Some(column) {
            self.rowid = Some(at);
        } else if let Some(slot) = self.columns.get_mut(column) {
            slot.get_or_insert(at);
        }
    }
}

/// The rows of the statement.
pub(super) enum Rows {
    /// DEFAULT VALUES.
    Defaults,
    /// One row of VALUES.
    One(Vec<Expr>),
    /// Anything else.
    Query(Box<Query>),
}

/// Emit an INSERT, in a statement of its own or in a trigger.
pub(crate) fn emit_insert(e: &mut Emitter<'_>, statement: &ast::Insert) -> Result<Option<Returning>> {
    let (db, found) = find_target(e, &statement.table)?;
    if found.is_virtual() {
        return insert_into_virtual(e, db, &found, statement);
    }
    let triggers = triggers_for(e, db, &found, Event::Insert, &|_| true);
    if found.is_view() {
        check_view(e, db, &found, &triggers, &statement.returning)?;
    }
    if e.context.asks() && e.context.ask_to_change(AuthAction::Insert, db, &found)? {
        return Ok(None);
    }
    // SQLite does not look at the query of a view that is inserted into.
    let table = e.context.unasked(|| expand_view(e, db, &found))?;
    let mapping = Mapping::new(&table, &statement.columns)?;
    let rows = bind_rows(e, statement)?;
    check_width(&table, &rows, &mapping, statement)?;
    let overriding = e.trigger.as_ref().and_then(|t| t.conflict);
    let conflict = overriding.or(statement.or.map(on_error));
    if table.is_view() {
        if !statement.upserts.is_empty() {
            return Err(Error::sql("cannot UPSERT a view"));
        }
        let returning = Returning::prepare(e, db, &table, &statement.returning)?;
        insert_into_view(e, (db, &table), &rows, &mapping, &triggers, conflict, returning.as_ref())?;
        return Ok(returning);
    }
    let keys = ForeignKeys::of(e, db, &table);
    e.uses_database(db, true);
    let target = Target::open(e, db, &table, |_| true)?;
    let mut upserts = Upserts::prepare(e, &target, statement)?;
    // A parent that cannot be one is told before what DO UPDATE and RETURNING say.
    keys.require_parents(e, db, &table)?;
    let returning = Returning::prepare(e, db, &table, &statement.returning)?;
    let counter = if table.autoincrement { Some(autoincrement::counter(e, db, &table)?) } else { None };
    if matches!(rows, Rows::Query(_)) {
        e.statement.multi_write.set(true);
    }
    let single = matches!(rows, Rows::One(_) | Rows::Defaults)
        && e.trigger.is_none()
        && triggers.is_empty()
        && returning.is_none();
    if !single {
        keys.note(e);
    }
    let insertion = Insertion {
        single,
        target: &target,
        mapping: &mapping,
        triggers: &triggers,
        keys: &keys,
        conflict,
        counter,
        returning: returning.as_ref(),
    };
    let buffered = !triggers.is_empty();
    // SQLite computes all rows before it stores the first one if there is a RETURNING clause: subtypes do not live through that.
    let plain = returning.as_ref().is_some_and(Returning::reads_subtypes);
    each_row(e, &rows, &mapping, (db, &table), buffered, &mut |e, values, next| {
        if let Supplied::Registers(values) = values
            && plain
        {
            for i in 0..mapping.width {
                e.builder.emit(ClrSubtype { reg: values.at(i) });
            }
        }
        insertion.emit(e, values, next, &mut upserts)
    })?;
    Ok(returning)
}

/// Bind the source of the rows.
pub(super) fn bind_rows(e: &Emitter<'_>, statement: &ast::Insert) -> Result<Rows> {
    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    let InsertSource::Select(select) = &statement.source else { return Ok(Rows::Defaults) };
    let plain =
        select.with.is_none() && select.order_by.is_empty() && select.limit.is_none() && select.body.rest.is_empty();
    if plain
        && let SelectCore::Values(rows) = &select.body.first
        && let [row] = rows.as_slice()
    {
        binder.push_scope(Vec::new());
        let mut values = Vec::with_capacity(row.len());
        for expr in row {
            values.push(binder.bind_item(expr)?);
        }
        return Ok(Rows::One(values));
    }
    if matches!(&select.body.first, SelectCore::Query(_)) {
        e.context.ask_for_own_query()?;
    }
    let mut query = binder.bind_select(select)?;
    e.context.ask_deferred()?;
    crate::rewrite::rewrite(&mut query, e.context);
    Ok(Rows::Query(query))
}

pub(super) fn check_width(table: &Table, rows: &Rows, mapping: &Mapping, statement: &ast::Insert) -> Result<()> {
    let supplied = match rows {
        Rows::Defaults => return Ok(()),
        Rows::One(values) => values.len(),
        Rows::Query(query) => query.columns.len(),
    };
    if supplied == mapping.width {
        return Ok(());
    }
    if statement.columns.is_empty() {
        let message = format!("table {} has {} columns but {supplied} values were supplied", table.name, mapping.width);
        return Err(Error::sql(message));
    }
    Err(Error::sql(format!("{supplied} values for {} columns", mapping.width)))
}

/// What the body of the row loop is given.
pub(super) type RowBody<'b> = &'b mut dyn FnMut(&mut Emitter<'_>, &Supplied<'_>, Label) -> Result<()>;

/// The values supplied for a row.
pub(super) enum Supplied<'v> {
    /// None: defaults everywhere.
    Nothing,
    /// Not computed yet.
    Exprs(&'v [Expr]),
    /// In registers.
    Registers(Regs),
}

impl Supplied<'_> {
    pub fn value_into(&self, e: &mut Emitter<'_>, at: usize, dest: Reg) -> Result<()> {
        match self {
            Supplied::Nothing => Ok(()),
            Supplied::Exprs(exprs) => match exprs.get(at) {
                Some(expr) => e.expr_into(expr, dest),
                None => Ok(()),
            },
            Supplied::Registers(regs) => {
                e.builder.emit(Copy { from: regs.at(at), to: dest, count: 1 });
                Ok(())
            }
        }
    }
}

/// Run `body` for every row. `buffered`: all rows are computed before the first is stored.
pub(super) fn each_row(
    e: &mut Emitter<'_>,
    rows: &Rows,
    mapping: &Mapping,
    target: (DbIndex, &Table),
    buffered: bool,
    body: RowBody<'_>,
) -> Result<()> {
    let query = match rows {
        Rows::Defaults | Rows::One(_) => {
            let done = e.builder.label();
            match rows {
                Rows::One(values) => body(e, &Supplied::Exprs(values), done)?,
                _ => body(e, &Supplied::Nothing, done)?,
            }
            e.builder.bind(done);
            return Ok(());
        }
        Rows::Query(query) => query,
    };
    let values = e.builder.registers(mapping.width);
    let (next, done) = (e.builder.label(), e.builder.label());
    if buffered || reads_table(query, target) {
        let cursor = e.builder.cursor();
        e.builder.emit(OpenEphemeral { cursor, columns: mapping.width as u32, key: None });
        e.query(query, &mut Destination::EphemeralTable { cursor })?;
        e.builder.emit(Rewind { cursor, empty: done });
        let top = e.builder.label_here();
        for i in 0..mapping.width {
            e.builder.emit(Column { cursor, column: i as u16, dest: values.at(i), default: None });
        }
        e.loop_depth += 1;
        body(e, &Supplied::Registers(values), next)?;
        e.loop_depth -= 1;
        e.builder.bind(next);
        e.builder.emit(Next { cursor, target: top });
        e.builder.bind(done);
        return Ok(());
    }
    let state = e.builder.register();
    let (start, run) = (e.builder.label(), e.builder.label());
    e.builder.emit(InitCoroutine { state, skip: run, start });
    e.builder.bind(start);
    e.query(query, &mut Destination::Coroutine { state, row: values })?;
    e.builder.emit(EndCoroutine { state });
    e.builder.bind(run);
    e.builder.bind(next);
    e.builder.emit(Yield { state, on_end: Some(done) });
    e.loop_depth += 1;
    body(e, &Supplied::Registers(values), next)?;
    e.loop_depth -= 1;
    e.builder.emit(Goto { target: next });
    e.builder.bind(done);
    Ok(())
}

/// The query reads the table itself, in FROM or in a subquery.
fn reads_table(query: &Query, (db, table): (DbIndex, &Table)) -> bool {
    struct Finder<'t> {
        db: DbIndex,
        table: &'t Table,
        found: bool,
    }
    impl crate::plan::Visit for Finder<'_> {
        fn core(&mut self, core: &crate::plan::Core) {
            self.found |= core.sources.iter().any(|source| match &source.relation {
                Relation::Table { db, table } => *db == self.db && table.name == self.table.name,
                _ => false,
            });
            crate::plan::walk_core(self, core);
        }
    }
    let mut finder = Finder { db, table, found: false };
    crate::plan::Visit::query(&mut finder, query);
    finder.found
}

/// The insertion of single rows.
struct Insertion<'i> {
    /// The statement changes one row and runs nothing else, unless a conflict removes others.
    single: bool,
    target: &'i Target,
    mapping: &'i Mapping,
    triggers: &'i Triggers,
    keys: &'i ForeignKeys,
    conflict: Option<OnError>,
    /// Register of the AUTOINCREMENT counter, in the outermost program.
    counter: Option<Reg>,
    returning: Option<&'i Returning>,
}

impl Insertion<'_> {
    fn emit(&self, e: &mut Emitter<'_>, values: &Supplied<'_>, skip: Label, upserts: &mut Upserts<'_>) -> Result<()> {
        let target = self.target;
        let table = &target.table;
        let row = RowRegs::new(e, table);
        let source = e.context.new_source();
        e.bind_source(source, row.binding(table));
        // A NULL as written is checked by SQLite like any rowid: REPLACE might then remove another row, or an upsert change it.
        let null = match (self.mapping.rowid, values) {
            (Some(at), Supplied::Exprs(exprs)) => {
                matches!(exprs.get(at), Some(Expr::Literal(turso_value::Value::Null)))
            }
            _ => false,
        };
        let replaces = self.conflict.or(table.primary_key_conflict.map(on_error)) == Some(OnError::Replace);
        let single = self.single && !(null && replaces && upserts.is_empty());
        let given = match (self.mapping.rowid, values) {
            (None, _) | (_, Supplied::Nothing) => false,
            (Some(_), Supplied::Exprs(_)) => !null || upserts.updates_at_rowid(),
            (Some(_), Supplied::Registers(_)) => true,
        };
        if given && let Some(at) = self.mapping.rowid {
            values.value_into(e, at, row.rowid)?;
        }
        self.compute_columns(e, values, row)?;
        let before = self.triggers.any(TriggerTime::Before);
        let params = if self.triggers.is_empty() { None } else { Some(Params::new(e, table)) };
        if before && let Some(params) = params {
            let shown = RowRegs { rowid: e.builder.register(), columns: row.columns };
            // A rowid that is none is found before a value that does not fit its column.
            self.rowid_before(e, row, shown, given);
            apply_affinities(e, table, row);
            // Generated columns read the rowid as the triggers do.
            e.bind_source(source, shown.binding(table));
            compute_generated(e, target, shown, source)?;
            e.bind_source(source, row.binding(table));
            params.set_new(e, shown, table);
            fire(e, self.triggers, TriggerTime::Before, target.db, table, params, self.conflict, skip)?;
        }
        if table.has_rowid() {
            self.choose_rowid(e, row, given);
        }
        let new = NewRow {
            target,
            row,
            source,
            or: self.conflict,
            old: OldKey::None,
            check_rowid: given,
            changed: &|_| true,
            key_changed: true,
            skip,
            returning: self.returning,
        };
        let checked = check_row(e, &new, upserts)?;
        if single && !e.statement.multi_write.get() {
            self.keys.check_only_row(e, target.db, table, row)?;
        } else {
            self.keys.note(e);
            self.keys.check_added(e, target.db, table, row)?;
        }
        let position = match given {
            _ if !table.has_rowid() || !self.triggers.is_empty() => Position::Unknown,
            // Looking whether the rowid is free has left the cursor where the row belongs.
            true => Position::AtCursor,
            false => Position::Append,
        };
        store(e, &new, &checked, Cause::Insert, position)?;
        if let Some(returning) = self.returning {
            returning.add(e, row.binding(table))?;
        }
        if let Some(params) = params.filter(|_| self.triggers.any(TriggerTime::After)) {
            params.set_new(e, row, table);
            fire(e, self.triggers, TriggerTime::After, target.db, table, params, self.conflict, skip)?;
        }
        Ok(())
    }

    fn compute_columns(&self, e: &mut Emitter<'_>, values: &Supplied<'_>, row: RowRegs) -> Result<()> {
        let table = &self.target.table;
        for (c, from) in self.mapping.columns.iter().enumerate() {
            let dest = row.columns.at(c);
            let Some(column) = table.columns.get(c) else { continue };
            if column.generated.is_some() {
                continue;
            }
            match (from, values) {
                (Some(at), Supplied::Exprs(_) | Supplied::Registers(_)) => values.value_into(e, *at, dest)?,
                _ if table.rowid_alias == Some(c) => {
                    e.builder.emit(Null { dest: Regs::new(dest, 1) });
                }
                _ => default_into(e, self.target, c, dest)?,
            }
        }
        Ok(())
    }

    /// What BEFORE triggers see as the rowid: -1 until it is chosen.
    fn rowid_before(&self, e: &mut Emitter<'_>, row: RowRegs, shown: RowRegs, given: bool) {
        if !given {
            e.builder.emit(Integer { value: -1, dest: shown.rowid });
            return;
        }
        let (known, unknown) = (e.builder.label(), e.builder.label());
        e.builder.emit(IsNull { reg: row.rowid, target: unknown });
        e.builder.emit(Copy { from: row.rowid, to: shown.rowid, count: 1 });
        e.builder.emit(MustBeInt { reg: shown.rowid, otherwise: None });
        e.statement.may_abort.set(true);
        e.goto(known);
        e.builder.bind(unknown);
        e.builder.emit(Integer { value: -1, dest: shown.rowid });
        e.builder.bind(known);
    }

    fn choose_rowid(&self, e: &mut Emitter<'_>, row: RowRegs, given: bool) {
        let cursor = self.target.cursor;
        let fresh = NewRowid { cursor, dest: row.rowid, at_least: self.counter };
        if !given {
            e.builder.emit(fresh);
            return;
        }
        let (absent, chosen) = (e.builder.label(), e.builder.label());
        e.builder.emit(IsNull { reg: row.rowid, target: absent });
        e.builder.emit(MustBeInt { reg: row.rowid, otherwise: None });
        e.statement.may_abort.set(true);
        if let Some(counter) = self.counter {
            e.builder.emit(MemMax { counter, reg: row.rowid, in_root_frame: true });
        }
        e.goto(chosen);
        e.builder.bind(absent);
        e.builder.emit(fresh);
        e.builder.bind(chosen);
    }
}

/// INSTEAD OF INSERT triggers on a view.
fn insert_into_view(
    e: &mut Emitter<'_>,
    (db, view): (DbIndex, &Arc<Table>),
    rows: &Rows,
    mapping: &Mapping,
    triggers: &Triggers,
    conflict: Option<OnError>,
    returning: Option<&Returning>,
) -> Result<()> {
    let params = Params::new(e, view);
    let new = RowRegs::new(e, view);
    each_row(e, rows, mapping, (db, view), true, &mut |e, values, next| {
        for (c, from) in mapping.columns.iter().enumerate() {
            let dest = new.columns.at(c);
            match from {
                Some(at) if !matches!(values, Supplied::Nothing) => values.value_into(e, *at, dest)?,
                _ => {
                    e.builder.emit(Null { dest: Regs::new(dest, 1) });
                }
            }
        }
        e.read_integers_as_reals(view, new.columns);
        params.set_new(e, new, view);
        fire(e, triggers, TriggerTime::InsteadOf, db, view, params, conflict, next)?;
        match returning {
            Some(returning) => returning.add(e, new.binding(view)),
            None => Ok(()),
        }
    })
}
