//! Changes of views: INSTEAD OF triggers.
//!
//! The rows that UPDATE and DELETE choose are collected before the first of them is handed to the triggers.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, AssignmentTarget, TriggerTime};
use turso_program::control::OnError;
use turso_program::cursor::{Column, Next, OpenEphemeral, Rewind};
use turso_program::data::{ApplyAffinity, Copy};
use turso_program::{DbIndex, Label, Regs};
use turso_schema::{Column as TableColumn, Relation as TableKind, Table};
use turso_value::Affinity;

use super::returning::Returning;
use super::row::{RowRegs, table_source};
use super::set::Assignments;
use super::trigger::{Event, Params, Triggers, all_triggers_of, fire, statement_binder, statement_text, triggers_for};
use super::{Destination, Emitter};
use crate::bind::{Binder, column_expr};
use crate::plan::{Body, ColumnIndex, Expr, OutputColumn, Query, Relation, Source, SourceId};

/// `cannot modify v because it is a view`: no INSTEAD OF trigger fires. With RETURNING any trigger of the view makes do.
pub(crate) fn check_view(
    e: &Emitter<'_>,
    db: DbIndex,
    view: &Table,
    triggers: &Triggers,
    returning: &[ast::ResultColumn],
) -> Result<()> {
    let has_any = || !returning.is_empty() && !all_triggers_of(e, db, &view.name).is_empty();
    if triggers.any(TriggerTime::InsteadOf) || has_any() {
        return Ok(());
    }
    view_query(e, db, view)?;
    Err(Error::sql(format!("cannot modify {} because it is a view", view.name)))
}

/// A view with its columns filled in from its query, as a target of INSTEAD OF triggers.
pub(crate) fn expand_view(e: &Emitter<'_>, db: DbIndex, view: &Arc<Table>) -> Result<Arc<Table>> {
    let TableKind::View { .. } = &view.relation else { return Ok(view.clone()) };
    let query = view_query(e, db, view)?;
    // The view's own query knows the types that its first term declares.
    let own = match &query.body {
        Body::Core(core) => match core.sources.first().map(|s| &s.relation) {
            Some(Relation::Query { query, .. }) => query.columns.as_slice(),
            _ => &[],
        },
        _ => &[],
    };
    let mut table = (**view).clone();
    table.columns = query
        .columns
        .iter()
        .enumerate()
        .map(|(i, c)| TableColumn {
            collation: c.collation.clone(),
            ..TableColumn::plain(c.name.clone(), shown_type(own.get(i).unwrap_or(c)), c.affinity)
        })
        .collect();
    Ok(Arc::new(table))
}

/// The type that a view's column shows: the declared one as long as it stands for the column's affinity.
fn shown_type(column: &OutputColumn) -> Option<Arc<str>> {
    let declared = column.declared_type.clone();
    if declared.as_ref().is_some_and(|d| Affinity::of_declared_type(d.as_bytes()) == column.affinity) {
        return declared;
    }
    match column.affinity {
        Affinity::None => None,
        Affinity::Blob => Some("BLOB".into()),
        Affinity::Text => Some("TEXT".into()),
        Affinity::Integer => Some("INT".into()),
        Affinity::Real => Some("REAL".into()),
        _ => Some("NUM".into()),
    }
}

/// `SELECT * FROM db.view`.
fn view_query(e: &Emitter<'_>, db: DbIndex, view: &Table) -> Result<Query> {
    let database = e.context.catalogue.database_name(db).to_string();
    let from = ast::TableRef {
        name: ast::QualifiedName { schema: Some(ast::Name::new(database)), name: ast::Name::new(&*view.name) },
        args: None,
        alias: None,
        indexed: None,
    };
    let query = ast::Query {
        distinct: None,
        columns: vec![ast::ResultColumn::Star],
        from: Some(ast::FromClause { first: ast::TableSource::Table(from), joins: Vec::new() }),
        where_clause: None,
        group_by: Vec::new(),
        group_spans: Vec::new(),
        having: None,
        windows: Vec::new(),
    };
    let select = ast::Select {
        with: None,
        body: ast::SelectBody { first: ast::SelectCore::Query(Box::new(query)), rest: Vec::new() },
        order_by: Vec::new(),
        limit: None,
        span: ast::Span::default(),
        number: 0,
    };
    Ok(*Binder::new(e.context).bind_select(&select)?)
}

/// A view as the first source of a change, and its columns.
fn view_source(e: &Emitter<'_>, db: DbIndex, view: &Arc<Table>, name: &ast::Name) -> Result<(Source, Vec<Expr>)> {
    let query = view_query(e, db, view)?;
    let mut source = table_source(e.context.new_source(), &name.text, false, db, view);
    source.relation = Relation::Query { query: Box::new(query), materialize: None, view: Some(view.name.clone()) };
    let columns = (0..view.columns.len()).map(|c| column_expr(&source, ColumnIndex::Column(c as u16))).collect();
    Ok((source, columns))
}

/// Collect the rows of a query, then run `body` with each of them in `row`.
pub(super) fn each_row(
    e: &mut Emitter<'_>,
    mut query: Query,
    row: Regs,
    body: &mut dyn FnMut(&mut Emitter<'_>, Label) -> Result<()>,
) -> Result<()> {
    crate::rewrite::rewrite(&mut query, e.context);
    let cursor = e.builder.cursor();
    e.builder.emit(OpenEphemeral { cursor, columns: row.count, key: None });
    e.query(&query, &mut Destination::EphemeralTable { cursor })?;
    let (done, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: done });
    let top = e.builder.label_here();
    for c in 0..row.count as usize {
        e.builder.emit(Column { cursor, column: c as u16, dest: row.at(c), default: None });
    }
    e.loop_depth += 1;
    body(e, next)?;
    e.loop_depth -= 1;
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(done);
    Ok(())
}

/// DELETE on a view.
pub(super) fn delete_from_view(
    e: &mut Emitter<'_>,
    db: DbIndex,
    view: &Arc<Table>,
    statement: &ast::Delete,
    triggers: &Triggers,
) -> Result<Option<Returning>> {
    let view = expand_view(e, db, view)?;
    let name = statement.table.alias.as_ref().unwrap_or(&statement.table.name.name);
    let (source, output) = view_source(e, db, &view, name)?;
    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    binder.push_view(db, source);
    let filter = match &statement.where_clause {
        Some(condition) => binder.bind_conjuncts(condition)?,
        None => Vec::new(),
    };
    let query = binder.finish_query(filter, Vec::new(), output, &statement.order_by, statement.limit.as_ref())?;
    drop(binder);
    let returning = Returning::prepare(e, db, &view, &statement.returning)?;
    let params = Params::new(e, &view);
    let old = RowRegs::new(e, &view);
    each_row(e, query, old.columns, &mut |e, next| {
        params.set_old(e, old, &view);
        fire(e, triggers, TriggerTime::InsteadOf, db, &view, params, None, next)?;
        match &returning {
            Some(returning) => returning.add(e, old.binding(&view)),
            None => Ok(()),
        }
    })?;
    Ok(returning)
}

/// The SET clause names the column.
pub(super) fn names_column(sets: &[ast::Assignment], column: &str) -> bool {
    sets.iter().any(|set| match &set.target {
        AssignmentTarget::Column(name) => name.is(column),
        AssignmentTarget::Row(names) => names.iter().any(|n| n.is(column)),
    })
}

/// UPDATE on a view. With FROM every row of the join is an update of its own.
pub(super) fn update_view(
    e: &mut Emitter<'_>,
    db: DbIndex,
    view: &Arc<Table>,
    statement: &ast::Update,
    conflict: Option<OnError>,
) -> Result<Option<Returning>> {
    let view = &expand_view(e, db, view)?;
    let triggers = triggers_for(e, db, view, Event::Update, &|name| names_column(&statement.sets, name));
    check_view(e, db, view, &triggers, &statement.returning)?;
    let name = statement.table.alias.as_ref().unwrap_or(&statement.table.name.name);
    let (source, mut output) = view_source(e, db, view, name)?;
    let id = source.id;
    let text = statement_text(e);
    let mut binder = statement_binder(e, &text, statement.with.as_ref())?;
    binder.push_view(db, source);
    let mut filter = match &statement.from {
        Some(from) => binder.bind_from(from)?,
        None => Vec::new(),
    };
    let mut sets = Assignments::bind(e, &mut binder, (db, view), &statement.sets)?;
    if let Some(condition) = &statement.where_clause {
        filter.extend(binder.bind_conjuncts(condition)?);
    }
    if statement.from.is_some() {
        output.extend(sets.expressions(e.context)?);
    }
    let row = e.builder.registers(output.len());
    let query = binder.finish_query(filter, Vec::new(), output, &statement.order_by, statement.limit.as_ref())?;
    drop(binder);
    let width = view.columns.len();
    if statement.from.is_some() {
        sets = sets.from_registers(Regs::new(row.at(width), row.count as usize - width));
    }
    let returning = Returning::prepare(e, db, view, &statement.returning)?;
    let old = RowRegs { rowid: e.builder.register(), columns: Regs::new(row.first, width) };
    let change = ViewUpdate { db, view, source: id, sets, old, triggers, conflict };
    each_row(e, query, row, &mut |e, next| change.emit(e, next, returning.as_ref()))?;
    Ok(returning)
}

/// The update of one row of a view.
struct ViewUpdate<'v> {
    db: DbIndex,
    view: &'v Arc<Table>,
    /// What SET reads the row through.
    source: SourceId,
    sets: Assignments,
    old: RowRegs,
    triggers: Triggers,
    conflict: Option<OnError>,
}

impl ViewUpdate<'_> {
    fn emit(&self, e: &mut Emitter<'_>, next: Label, returning: Option<&Returning>) -> Result<()> {
        let (view, old) = (self.view, self.old);
        let (params, new) = (Params::new(e, view), RowRegs::new(e, view));
        e.bind_source(self.source, old.binding(view));
        self.sets.run_queries(e)?;
        for (c, value) in self.sets.columns.iter().enumerate() {
            match value {
                Some(value) => self.sets.value_into(e, value, new.columns.at(c))?,
                None => {
                    e.builder.emit(Copy { from: old.columns.at(c), to: new.columns.at(c), count: 1 });
                }
            }
        }
        if let Some(affinities) = Emitter::affinities(view.columns.iter().map(|c| c.affinity)) {
            e.builder.emit(ApplyAffinity { regs: new.columns.first, affinities });
        }
        params.set_old(e, old, view);
        params.set_new(e, new, view);
        fire(e, &self.triggers, TriggerTime::InsteadOf, self.db, view, params, self.conflict, next)?;
        match returning {
            Some(returning) => returning.add(e, new.binding(view)),
            None => Ok(()),
        }
    }
}
