//! The table or view that INSERT, UPDATE or DELETE names: what may be changed at all, and which rows a WHERE chooses.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::cursor::{Column, Next, NotExists, NotFound, OpenEphemeral, Rewind};
use turso_program::data::Null;
use turso_program::sorter::{RowSetAdd, RowSetRead};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{CursorId, DbIndex, Label, Reg, Regs};
use turso_schema::{IndexKey, Table};

use super::row::{Target, key_info};
use super::{Emitter, SourceBinding};
use crate::bind::{Binder, column_expr, compare_how};
use crate::optimize::{UsedColumns, plan_core};
use crate::plan::{Access, ColumnIndex, Core, Expr, InSet, IndexHint, JoinPlan, Relation, Source, SourceId, Wish};
use crate::resolve::find_table;

/// Find the target of a change. In a trigger that is not temporary, tables are those of its own database.
pub(crate) fn find_target(e: &Emitter<'_>, name: &ast::QualifiedName) -> Result<(DbIndex, Arc<Table>)> {
    let (db, table) = match &e.trigger {
        Some(scope) if scope.db != super::ddl::TEMP && name.schema.is_none() => {
            let found = e.context.catalogue.schema(scope.db).table(&name.name.text).cloned();
            if found.is_none()
                && let Some(own) = e.context.catalogue.eponymous_table(&name.name.text)?
                && own.risk == turso_vtab::Risk::DirectOnly
            {
                return Err(Error::sql(format!("unsafe use of virtual table \"{}\"", own.table.name)));
            }
            let database = e.context.catalogue.database_name(scope.db);
            let table = found.ok_or_else(|| Error::sql(format!("no such table: {database}.{}", name.name.text)))?;
            (scope.db, table)
        }
        _ => match find_table(e.context, name) {
            Ok(found) => found,
            Err(error) => match e.context.catalogue.eponymous_table(&name.name.text)? {
                Some(own) if own.used.table.is_writable() => return Ok((super::ddl::MAIN, changeable(&own.table))),
                Some(own) => return Err(may_not_be_modified(&own.table.name)),
                None => return Err(error),
            },
        },
    };
    if let Some(error) = &table.broken {
        return Err(error.clone());
    }
    if table.is_virtual() {
        let connected = e.context.catalogue.virtual_table(db, &table)?;
        if !connected.used.table.is_writable() {
            return Err(may_not_be_modified(&table.name));
        }
    }
    crate::shadow::protect(e.context, db, &table.name, "modified")?;
    if table.root == 1 && !e.context.options.writable_schema {
        let temporary = table.name.eq_ignore_ascii_case("sqlite_temp_schema");
        let shown = if temporary { "sqlite_temp_master" } else { "sqlite_master" };
        return Err(may_not_be_modified(shown));
    }
    Ok((db, table))
}

/// A module's own table as one that CREATE VIRTUAL TABLE could have made.
fn changeable(own: &Table) -> Arc<Table> {
    let mut table = own.clone();
    table.relation = turso_schema::Relation::Virtual { module: own.name.clone(), arguments: Vec::new() };
    Arc::new(table)
}

/// WHERE, ORDER BY and LIMIT of a change as one condition on the rows of `item`: a subquery over the same table chooses their
/// rowids or primary keys. INDEXED BY goes to the subquery.
pub(crate) fn limited_rows<'b>(
    binder: &mut Binder<'b>,
    item: &mut Source,
    condition: Option<&'b ast::Expr>,
    order_by: &'b [ast::OrderingTerm],
    limit: &'b ast::Limit,
) -> Result<Expr> {
    let mut chooser = item.clone();
    chooser.id = binder.context.new_source();
    item.hint = IndexHint::Free;
    let (left, output) = (row_key(item), row_key(&chooser));
    let how = left.iter().map(|e| compare_how(e, e)).collect();
    binder.push_scope(vec![chooser]);
    let filter = match condition {
        Some(condition) => binder.bind_conjuncts(condition)?,
        None => Vec::new(),
    };
    let query = binder.finish_query(filter, Vec::new(), output, order_by, Some(limit))?;
    Ok(Expr::In { left, set: InSet::Query(Box::new(query)), how, negated: false })
}

#[cold]
fn may_not_be_modified(name: &str) -> Error {
    Error::sql(format!("table {name} may not be modified"))
}

/// What identifies a row of a table: the rowid or the primary key.
pub(crate) fn row_key(source: &Source) -> Vec<Expr> {
    match &source.relation {
        Relation::Table { table, .. } if !table.has_rowid() => {
            let columns = table.primary_key.iter().filter_map(|k| match k.key {
                IndexKey::Column(c) => Some(column_expr(source, ColumnIndex::Column(c as u16))),
                _ => None,
            });
            columns.collect()
        }
        _ => vec![column_expr(source, ColumnIndex::Rowid)],
    }
}

/// How the rows to be changed are visited.
pub(crate) enum Visit {
    /// One row at most: by rowid, through the target's own cursor.
    OneRow {
        /// The rowid.
        key: Expr,
        /// Further conditions.
        filters: Vec<Expr>,
        /// For EXPLAIN QUERY PLAN.
        detail: String,
    },
    /// All rows through the target's own cursor; the changes must not disturb the scan.
    Scan {
        /// Conditions.
        filters: Vec<Expr>,
        /// For EXPLAIN QUERY PLAN.
        detail: String,
    },
    /// The keys are collected first.
    TwoPass {
        /// What the loops run over.
        core: Box<Core>,
        /// The loops.
        plan: Box<JoinPlan>,
    },
}

impl Visit {
    /// More than one row may come.
    pub fn is_multiple(&self) -> bool {
        match self {
            Visit::OneRow { .. } => false,
            Visit::Scan { .. } => true,
            Visit::TwoPass { plan, .. } => !plan.single_row,
        }
    }
}

/// Choose the way. `may_scan`: changing a row leaves a scan of the table itself alone.
pub(crate) fn choose_visit(
    e: &Emitter<'_>,
    sources: Vec<Source>,
    filter: Vec<Expr>,
    used: &UsedColumns,
    may_scan: bool,
) -> Result<Visit> {
    let single = sources.len() == 1;
    let core = Core { sources, filter, ..Core::new(e.context.new_core()) };
    let wish = Wish { for_write: true, ..Wish::default() };
    let plan = plan_core(&core, used, &wish, e.context)?;
    let subqueries = core.filter.iter().any(Expr::has_subquery);
    let detail = || match e.builder.explains() {
        true => super::explain::describe_loops(&core, &plan).into_iter().next().unwrap_or_default(),
        false => String::new(),
    };
    if single
        && plan.constant_filters.is_empty()
        && !subqueries
        && let [level] = plan.levels.as_slice()
    {
        match &level.access {
            Access::Rowid { key, .. } if level.after_outer.is_empty() => {
                return Ok(Visit::OneRow { key: key.clone(), filters: level.filters.clone(), detail: detail() });
            }
            Access::Scan { reverse: false } if may_scan && level.after_outer.is_empty() => {
                return Ok(Visit::Scan { filters: level.filters.clone(), detail: detail() });
            }
            _ => {}
        }
    }
    Ok(Visit::TwoPass { core: Box::new(core), plan: Box::new(plan) })
}

/// Visit the rows: `body` runs with the target's cursor on each in turn and jumps to its label to go to the next.
pub(crate) fn visit_rows(
    e: &mut Emitter<'_>,
    target: &Target,
    source: SourceId,
    visit: &Visit,
    body: &mut dyn FnMut(&mut Emitter<'_>, Label) -> Result<()>,
) -> Result<()> {
    match visit {
        Visit::OneRow { key, filters, detail } => {
            e.builder.plan_node(detail.as_str());
            let done = e.builder.label();
            let rowid = e.builder.register();
            e.expr_into(key, rowid)?;
            e.builder.emit(turso_program::cursor::SeekRowid { cursor: target.cursor, rowid, miss: done });
            e.bind_source(source, target.binding());
            for filter in filters {
                e.jump_if_false(filter, done, true)?;
            }
            body(e, done)?;
            e.builder.bind(done);
            Ok(())
        }
        Visit::Scan { filters, detail } => {
            e.builder.plan_node(detail.as_str());
            let (done, next) = (e.builder.label(), e.builder.label());
            e.builder.emit(Rewind { cursor: target.cursor, empty: done });
            let top = e.builder.label_here();
            e.loop_depth += 1;
            e.bind_source(source, target.binding());
            for filter in filters {
                e.jump_if_false(filter, next, true)?;
            }
            body(e, next)?;
            e.loop_depth -= 1;
            e.builder.bind(next);
            e.builder.emit(Next { cursor: target.cursor, target: top });
            e.builder.bind(done);
            Ok(())
        }
        Visit::TwoPass { core, plan } => two_pass(e, target, source, core, plan, body),
    }
}

fn two_pass(
    e: &mut Emitter<'_>,
    target: &Target,
    source: SourceId,
    core: &Core,
    plan: &JoinPlan,
    body: &mut dyn FnMut(&mut Emitter<'_>, Label) -> Result<()>,
) -> Result<()> {
    if target.table.has_rowid() {
        let (set, rowid) = (e.builder.register(), e.builder.register());
        e.builder.emit(Null { dest: Regs::new(set, 1) });
        e.loops(core, plan, &mut |e, _| {
            e.column_into(source, ColumnIndex::Rowid, rowid)?;
            e.builder.emit(RowSetAdd { set, rowid });
            Ok(())
        })?;
        let (done, next) = (e.builder.label(), e.builder.label());
        e.builder.bind(next);
        e.builder.emit(RowSetRead { set, empty: done, dest: rowid });
        e.builder.emit(NotExists { cursor: target.cursor, rowid, miss: next });
        e.bind_source(source, target.binding());
        e.loop_depth += 1;
        let after = e.builder.label();
        body(e, after)?;
        e.loop_depth -= 1;
        e.builder.bind(after);
        e.goto(next);
        e.builder.bind(done);
        return Ok(());
    }
    let keys = KeyList::open(e, target)?;
    e.loops(core, plan, &mut |e, _| keys.add(e, &target.table, source))?;
    keys.each(e, target, &mut |e, next| {
        e.bind_source(source, target.binding());
        body(e, next)
    })
}

/// Primary keys of rows of a WITHOUT ROWID table, collected in an ephemeral index.
pub(crate) struct KeyList {
    cursor: CursorId,
    key: Regs,
    record: Reg,
}

impl KeyList {
    /// An empty list.
    pub fn open(e: &mut Emitter<'_>, target: &Target) -> Result<Self> {
        let cursor = e.builder.cursor();
        let length = target.table.primary_key.len();
        let key = match target.table.primary_key_index() {
            Some(primary) => key_info(e, &target.table, primary, target.db)?,
            None => return Err(Error::sql("table has no key")),
        };
        e.builder.emit(OpenEphemeral { cursor, columns: length as u32, key: Some(key) });
        let (key, record) = (e.builder.registers(length), e.builder.register());
        Ok(Self { cursor, key, record })
    }

    /// Add the key of the row that `source` reads.
    pub fn add(&self, e: &mut Emitter<'_>, table: &Table, source: SourceId) -> Result<()> {
        for (i, column) in table.primary_key.iter().enumerate() {
            if let IndexKey::Column(c) = column.key {
                e.column_into(source, ColumnIndex::Column(c as u16), self.key.at(i))?;
            }
        }
        e.builder.emit(MakeRecord { values: self.key, dest: self.record, affinities: None });
        let key = Regs { first: self.record, count: 0 };
        e.builder.emit(IdxInsert {
            cursor: self.cursor,
            record: self.record,
            key,
            position: Position::Unknown,
            change: None,
        });
        Ok(())
    }

    /// Visit the rows that still exist.
    pub fn each(
        &self,
        e: &mut Emitter<'_>,
        target: &Target,
        body: &mut dyn FnMut(&mut Emitter<'_>, Label) -> Result<()>,
    ) -> Result<()> {
        let (done, next) = (e.builder.label(), e.builder.label());
        e.builder.emit(Rewind { cursor: self.cursor, empty: done });
        let top = e.builder.label_here();
        for i in 0..self.key.count as usize {
            e.builder.emit(Column { cursor: self.cursor, column: i as u16, dest: self.key.at(i), default: None });
        }
        e.builder.emit(NotFound { cursor: target.cursor, key: self.key, target: next });
        e.loop_depth += 1;
        body(e, next)?;
        e.loop_depth -= 1;
        e.builder.bind(next);
        e.builder.emit(Next { cursor: self.cursor, target: top });
        e.builder.bind(done);
        Ok(())
    }
}

/// The row in registers as a source's binding, for a row that triggers or RETURNING read.
pub(crate) fn registers_binding(table: &Table, row: super::row::RowRegs) -> SourceBinding {
    row.binding(table)
}
