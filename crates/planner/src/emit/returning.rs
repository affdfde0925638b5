//! RETURNING: rows are kept in an ephemeral table and handed out when all changes are made.

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::control::ResultRow;
use turso_program::cursor::{Column, Next, OpenEphemeral, Rewind};
use turso_program::write::{Insert, MakeRecord, NewRowid, Position};
use turso_program::{CursorId, DbIndex};
use turso_schema::Table;

use super::{Emitter, SourceBinding};
use crate::bind::Binder;
use crate::plan::{Body, Expr, OutputColumn, SourceId};

/// The RETURNING clause of one statement.
pub(crate) struct Returning {
    cursor: CursorId,
    output: Vec<Expr>,
    source: SourceId,
    columns: Vec<OutputColumn>,
}

impl Returning {
    /// Bind the clause and open the ephemeral table. `None` without a clause.
    pub fn prepare(
        e: &mut Emitter<'_>,
        db: DbIndex,
        table: &Table,
        alias: Option<&ast::Name>,
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
        // The clause reads as the result columns of a query over the table; that query's source then stands for the changed row.
        let database = e.context.catalogue.database_name(db).to_string();
        let from = ast::TableRef {
            name: ast::QualifiedName { schema: Some(ast::Name::new(database)), name: ast::Name::new(&*table.name) },
            args: None,
            alias: alias.cloned(),
            indexed: None,
        };
        let query = ast::Query {
            distinct: None,
            columns: items.to_vec(),
            from: Some(ast::FromClause { first: ast::TableSource::Table(from), joins: Vec::new() }),
            where_clause: None,
            group_by: Vec::new(),
            having: None,
            windows: Vec::new(),
        };
        let select = ast::Select {
            with: None,
            body: ast::SelectBody { first: ast::SelectCore::Query(Box::new(query)), rest: Vec::new() },
            order_by: Vec::new(),
            limit: None,
            span: ast::Span::default(),
        };
        let bound = Binder::new(e.context).bind_select(&select)?;
        let Body::Core(core) = bound.body else { return Err(Error::sql("RETURNING is not supported here")) };
        if !core.aggregates.is_empty() || !core.windows.is_empty() {
            let name = core.aggregates.first().map_or("", |a| &a.function.name);
            return Err(Error::sql(format!("misuse of aggregate: {name}()")));
        }
        let Some(source) = core.sources.first() else { return Err(Error::sql("RETURNING is not supported here")) };
        let cursor = e.builder.cursor();
        e.builder.emit(OpenEphemeral { cursor, columns: core.output.len() as u32, key: None });
        Ok(Some(Self { cursor, output: core.output.clone(), source: source.id, columns: bound.columns }))
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
