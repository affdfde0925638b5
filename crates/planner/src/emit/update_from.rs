//! UPDATE ... FROM: a join gives for each target row the values of SET, of which the last counts.
//!
//! The join runs to its end first; what it gives waits in an ephemeral table, by rowid or primary key of the target row.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::control::OnError;
use turso_program::cursor::{Column, Next, NotExists, NotFound, OpenEphemeral, Rewind};
use turso_program::write::{IdxInsert, Insert, MakeRecord, Position};
use turso_program::{DbIndex, Regs};
use turso_schema::Table;

use super::returning::Returning;
use super::row::key_info;
use super::set::Assignments;
use super::target::row_key;
use super::update::{Changes, RowUpdate};
use super::{Destination, Emitter};
use crate::bind::Binder;
use crate::plan::Source;

/// The target has its own name in the join.
fn check_sources(target: &Source, from: &ast::FromClause) -> Result<()> {
    for source in std::iter::once(&from.first).chain(from.joins.iter().map(|join| &join.right)) {
        if let ast::TableSource::Table(table) = source {
            let name = table.alias.as_ref().unwrap_or(&table.name.name);
            if name.is(&target.name) {
                let text = format!("target object/alias may not appear in FROM clause: {}", target.name);
                return Err(Error::sql(text));
            }
        }
    }
    Ok(())
}

/// Emit the statement. `binder` has its WITH clause, `item` is the target as a source.
pub(super) fn update_from<'b>(
    e: &mut Emitter<'_>,
    (db, table): (DbIndex, &Arc<Table>),
    item: Source,
    statement: &'b ast::Update,
    mut binder: Binder<'b>,
    conflict: Option<OnError>,
) -> Result<Option<Returning>> {
    if let Some(from) = &statement.from {
        check_sources(&item, from)?;
    }
    let key = row_key(&item);
    binder.push_scope(vec![item]);
    let mut filter = match &statement.from {
        Some(from) => binder.bind_from(from)?,
        None => Vec::new(),
    };
    let sets = Assignments::bind(e, &mut binder, (db, table), &statement.sets)?;
    if let Some(condition) = &statement.where_clause {
        filter.extend(binder.bind_conjuncts(condition)?);
    }
    let mut output = key.clone();
    output.extend(sets.expressions(e.context)?);
    // LIMIT counts target rows.
    let groups = if statement.limit.is_some() { key.clone() } else { Vec::new() };
    let mut query = binder.finish_query(filter, groups, output, &statement.order_by, statement.limit.as_ref())?;
    drop(binder);
    crate::rewrite::rewrite(&mut query, e.context);
    let returning = Returning::prepare(e, db, table, &statement.returning)?;
    let target = Changes::of(table, &sets, conflict).open_target(e, db, table)?;
    e.statement.multi_write.set(true);

    let cursor = e.builder.cursor();
    let info = match table.primary_key_index() {
        Some(primary) => Some(key_info(e, table, primary, db)?),
        None => None,
    };
    let width = query.columns.len();
    e.builder.emit(OpenEphemeral { cursor, columns: width as u32, key: info });
    let record = e.builder.register();
    e.query(
        &query,
        &mut Destination::Each(&mut |e, row| {
            e.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
            if table.has_rowid() {
                let position = Position::Unknown;
                e.builder.emit(Insert { cursor, record, rowid: row.first, position, change: None });
            } else {
                let key = Regs::new(row.first, key.len());
                e.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
            }
            Ok(())
        }),
    )?;

    // In the second pass the values come from the list.
    let row = e.builder.registers(width);
    let sets = sets.from_registers(Regs::new(row.at(key.len()), width - key.len()));
    let source = e.context.new_source();
    let mut update = RowUpdate::new(e, &target, source, sets)?;
    update.conflict = conflict;
    let (done, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: done });
    let top = e.builder.label_here();
    for i in 0..width {
        e.builder.emit(Column { cursor, column: i as u16, dest: row.at(i), default: None });
    }
    if table.has_rowid() {
        e.builder.emit(NotExists { cursor: target.cursor, rowid: row.first, miss: next });
    } else {
        e.builder.emit(NotFound { cursor: target.cursor, key: Regs::new(row.first, key.len()), target: next });
    }
    update.emit(e, next, returning.as_ref())?;
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(done);
    Ok(returning)
}
