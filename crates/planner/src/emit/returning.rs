//! RETURNING: rows are kept in an ephemeral table and handed out when all changes are made.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::control::ResultRow;
use turso_program::cursor::{Column, Next, OpenEphemeral, Rewind};
use turso_program::write::{Insert, MakeRecord, NewRowid, Position};
use turso_program::{CursorId, DbIndex};
use turso_schema::Table;

use super::row::table_source;
use super::select_aggregate::reads_subtypes;
use super::{Emitter, SourceBinding};
use crate::bind::Binder;
use crate::plan::{Expr, OutputColumn, SourceId};

/// The RETURNING clause of one statement.
pub(crate) struct Returning {
    cursor: CursorId,
    output: Vec<Expr>,
    source: SourceId,
    columns: Vec<OutputColumn>,
}

impl Returning {
    /// A call in it asks for subtypes.
    pub fn reads_subtypes(&self) -> bool {
        self.output.iter().any(reads_subtypes)
    }

    /// Bind the clause and open the ephemeral table. `None` without a clause. An alias of the table is not known in it.
    pub fn prepare(
        e: &mut Emitter<'_>,
        db: DbIndex,
        table: &Arc<Table>,
        items: &[ast::ResultColumn],
    ) -> Result<Option<Self>> {
        if items.is_empty() {
            return Ok(None);
        }
        if e.trigger.is_some() {
            return Err(Error::sql("cannot use RETURNING in a trigger"));
        }
        if items.iter().any(|i| matches!(i, ast::ResultColumn::TableStar(_))) {
            return Err(Error::sql("RETURNING may not use \"TABLE.*\" wildcards"));
        }
        let source = e.context.new_source();
        let mut binder = Binder::new(e.context);
        binder.push_returned_row(table_source(source, &table.name, false, db, table));
        let (output, columns) = binder.bind_result_columns(items)?;
        let cursor = e.builder.cursor();
        e.builder.emit(OpenEphemeral { cursor, columns: output.len() as u32, key: None });
        Ok(Some(Self { cursor, output, source, columns }))
    }

    /// Keep the result for one row, which `binding` reads.
    pub fn add(&self, e: &mut Emitter<'_>, binding: SourceBinding) -> Result<()> {
        e.bind_source(self.source, binding);
        let values = e.builder.registers(self.output.len());
        let (record, rowid) = (e.builder.register(), e.builder.register());
        for (i, expr) in self.output.iter().enumerate() {
            e.expr_into(expr, values.at(i))?;
        }
        e.builder.emit(MakeRecord { values, dest: record, affinities: None });
        e.builder.emit(NewRowid { cursor: self.cursor, dest: rowid, at_least: None });
        e.builder.emit(Insert { cursor: self.cursor, record, rowid, position: Position::Append, change: None });
        Ok(())
    }

    /// Hand out the rows; also fills in the program's result columns.
    pub fn finish(self, e: &mut Emitter<'_>) {
        let cursor = self.cursor;
        let end = e.builder.label();
        let values = e.builder.registers(self.output.len());
        e.builder.emit(Rewind { cursor, empty: end });
        let top = e.builder.label_here();
        for i in 0..self.output.len() {
            e.builder.emit(Column { cursor, column: i as u16, dest: values.at(i), default: None });
        }
        e.builder.emit(ResultRow { values });
        e.builder.emit(Next { cursor, target: top });
        e.builder.bind(end);
        e.builder.program_mut().columns = self
            .columns
            .into_iter()
            .map(|c| turso_program::ResultColumn { name: c.name, declared_type: c.declared_type, origin: c.origin })
            .collect();
    }
}
