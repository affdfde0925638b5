//! Queries: from a bound query to the rows at its destination.
//!
//! ```text
//!   query ─┬─ core ──┬─ rows of the loops ───────────┐
//!          │         ├─ aggregates without GROUP BY ─┼─> Sink: DISTINCT, sorter, OFFSET, destination, LIMIT
//!          │         └─ groups ──────────────────────┘
//!          ├─ VALUES
//!          └─ compound (compound.rs)
//! ```

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::control::{DecrJumpZero, Goto, Halt, IfNot, IfPos, MustBeInt, OffsetLimit, ResultRow, Yield};
use turso_program::cursor::Found;
use turso_program::data::{Copy, Integer};
use turso_program::write::{IdxDelete, IdxInsert, Insert, MakeRecord, NewRowid, Position};
use turso_program::{Label, Program, Reg, Regs, ResultColumn};
use turso_schema::Table;
use turso_value::{Affinity, Collation, Value};

use super::cte::Queue;
use super::select_sort::{Distinct, Sink, Wanted};
use super::{Destination, Emitter};
use crate::bind::Binder;
use crate::context::PlanContext;
use crate::optimize::plan_core;
use crate::plan::{
    Body, ColumnIndex, Core, Expr, IndexedExpr, JoinPlan, OrderTerm, OutputColumn, Query, Relation, Source, SourceId,
    Wish,
};
use crate::plan::{Visit, walk_core, walk_expr};

/// Queries nested deeper than this are refused: their emission is recursive.
const MAX_DEPTH: u32 = 200;

/// The program of a SELECT statement.
pub fn plan_select(context: &PlanContext<'_>, select: &ast::Select) -> Result<Box<Program>> {
    let ignored = context.ask_for_own_query()?;
    let mut query = Binder::new(context).bind_select(select)?;
    crate::rewrite::rewrite(&mut query, context);
    context.ask_deferred()?;
    let mut emitter = Emitter::new(context);
    emitter.reads_only = true;
    if !ignored {
        emitter.query(&query, &mut Destination::Rows)?;
    }
    emitter.builder.emit(Halt {});
    emitter.builder.program_mut().columns = result_columns(query.columns);
    Ok(emitter.finish())
}

/// Output columns as the caller of a statement sees them.
pub fn result_columns(columns: Vec<OutputColumn>) -> Vec<ResultColumn> {
    let column = |c: OutputColumn| ResultColumn { name: c.name, declared_type: c.declared_type, origin: c.origin };
    columns.into_iter().map(column).collect()
}

/// LIMIT and OFFSET of a query while it is emitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Counts down the rows that may still come.
    pub limit: Option<Reg>,
    /// Counts down the rows to be left out.
    pub offset: Option<Reg>,
    /// LIMIT plus OFFSET, where both are known.
    pub known: Option<u64>,
    /// Leaves the query.
    pub done: Label,
}

impl Limits {
    /// No limit.
    pub(super) fn none(done: Label) -> Self {
        Self { limit: None, offset: None, known: None, done }
    }
}

fn known_limit(limit: Option<&Expr>, offset: Option<&Expr>) -> Option<u64> {
    let known = |e: &Expr| match e {
        Expr::Literal(Value::Integer(n)) => u64::try_from(*n).ok(),
        _ => None,
    };
    let limit = limit.and_then(known)?;
    match offset {
        None => Some(limit),
        Some(offset) => known(offset)?.checked_add(limit),
    }
}

/// The LIMIT that a query's only source may know: each of its rows that passes is a row of the result.
fn row_limit(core: &Core, limits: &Limits, to: &Destination<'_>) -> Option<Expr> {
    let reg = limits.limit.filter(|_| limits.offset.is_none())?;
    let each_counts = !matches!(
        to,
        Destination::Set { .. } | Destination::Members { .. } | Destination::Unset { .. } | Destination::Exists(_)
    );
    if core.distinct || core.sources.len() != 1 || !each_counts {
        return None;
    }
    Some(match limits.known.and_then(|limit| i64::try_from(limit).ok()) {
        Some(limit) => Expr::Literal(Value::Integer(limit)),
        None => Expr::Register { reg, affinity: Affinity::Integer, collation: Collation::Binary },
    })
}

/// The order, whichever way round, in which equal rows of a core come one after the other.
fn output_order(core: &Core) -> Vec<OrderTerm> {
    let term = |(i, e): (usize, &Expr)| OrderTerm {
        expr: e.clone(),
        output: Some(i),
        collation: crate::bind::ordering_collation(e),
        descending: false,
        nulls_reversed: false,
    };
    core.output.iter().enumerate().map(term).collect()
}

/// Adds the columns that are read. A generated column stands for all columns of its table: it may be computed from any.
struct Generated<'u> {
    used: &'u mut crate::optimize::UsedColumns,
    /// Tables that have such columns.
    tables: Vec<(SourceId, Arc<Table>)>,
    /// Expressions of indexes that are columns.
    indexed: &'u mut Vec<(SourceId, Vec<Arc<IndexedExpr>>)>,
}

impl Visit for Generated<'_> {
    fn core(&mut self, core: &Core) {
        for Source { id, relation, indexed, .. } in &core.sources {
            if !indexed.is_empty() {
                self.indexed.push((*id, indexed.clone()));
            }
            if let Relation::Table { table, .. } = relation
                && table.columns.iter().any(|c| c.generated.is_some())
            {
                self.tables.push((*id, table.clone()));
            }
        }
        walk_core(self, core);
    }

    fn expr(&mut self, e: &Expr) {
        let Expr::Column { source, column, .. } = e else { return walk_expr(self, e) };
        self.used.add(*source, *column);
        let table = self.tables.iter().find(|(id, _)| id == source).map(|(_, table)| table);
        if let (Some(table), ColumnIndex::Column(i)) = (table, column)
            && table.columns.get(usize::from(i & !ColumnIndex::UNCHANGED)).is_some_and(|c| c.generated.is_some())
        {
            self.used.add_all(*source);
        }
    }
}

impl Emitter<'_> {
    /// Take note of the columns that a query reads, before any of its loops is planned.
    pub(super) fn note_used(&mut self, query: &Query) {
        Generated { used: &mut self.used, tables: Vec::new(), indexed: &mut self.indexed }.query(query);
    }

    /// Emit the query; its rows go to `to`.
    pub fn query(&mut self, query: &Query, to: &mut Destination<'_>) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::sql("parser stack overflow"));
        }
        if self.depth == 0 {
            self.note_used(query);
        }
        self.depth += 1;
        let result = self.query_inside(query, to);
        self.depth -= 1;
        result
    }

    fn query_inside(&mut self, query: &Query, to: &mut Destination<'_>) -> Result<()> {
        self.materialize_ctes(&query.ctes)?;
        let done = self.builder.label();
        let limits = self.limits(query.limit.as_ref(), query.offset.as_ref(), done)?;
        if let Destination::Each(_) = to
            && !matches!(query.body, Body::Core(_))
        {
            // The closure's code is emitted once: several producers go through a coroutine.
            self.each_through_coroutine(query, limits, to)?;
        } else {
            match &query.body {
                Body::Core(core) => self.core_query(core, &query.order_by, &limits, to)?,
                body => self.compound_query(body, &query.columns, &query.order_by, &limits, to)?,
            }
        }
        self.builder.bind(done);
        Ok(())
    }

    /// Registers for LIMIT and OFFSET, set at the start of the query; LIMIT 0 leaves it at once.
    pub(super) fn limits(&mut self, limit: Option<&Expr>, offset: Option<&Expr>, done: Label) -> Result<Limits> {
        let mut limits = Limits { known: known_limit(limit, offset), ..Limits::none(done) };
        match limit {
            None => {}
            Some(Expr::Literal(Value::Integer(n))) => {
                if *n == 0 {
                    self.builder.emit(Goto { target: done });
                }
                if *n >= 0 {
                    let reg = self.builder.register();
                    self.builder.emit(Integer { value: *n, dest: reg });
                    limits.limit = Some(reg);
                }
            }
            Some(e) => {
                let reg = self.builder.register();
                self.expr_into(e, reg)?;
                self.builder.emit(MustBeInt { reg, otherwise: None });
                self.builder.emit(IfNot { reg, target: done, jump_if_null: false });
                limits.limit = Some(reg);
            }
        }
        match offset {
            None | Some(Expr::Literal(Value::Integer(i64::MIN..=0))) => {}
            Some(e) => {
                let reg = self.builder.register();
                self.expr_into(e, reg)?;
                self.builder.emit(MustBeInt { reg, otherwise: None });
                limits.offset = Some(reg);
            }
        }
        Ok(limits)
    }

    /// A register with the number of rows that a sorter has to keep.
    pub(super) fn rows_to_keep(&mut self, limits: &Limits, to: &Destination<'_>) -> Option<Reg> {
        match (limits.limit, limits.offset) {
            (Some(limit), Some(offset)) => {
                let dest = self.builder.register();
                self.builder.emit(OffsetLimit { limit, dest, offset });
                Some(dest)
            }
            (Some(limit), None) => Some(limit),
            (None, None) if matches!(to, Destination::Registers(_)) => Some(self.constant(&Value::Integer(1))),
            _ => None,
        }
    }

    /// The registers that rows for this destination are built in, and whether nothing else writes to them.
    pub(super) fn row_registers_for(&mut self, to: &Destination<'_>, width: usize, late_skip: bool) -> (Regs, bool) {
        match to {
            Destination::Registers(regs) if !late_skip && regs.count as usize == width => (*regs, false),
            Destination::Coroutine { row, .. } if row.count as usize == width => (*row, false),
            _ => (self.builder.registers(width), true),
        }
    }

    /// Leave out this row if OFFSET says so.
    pub(super) fn skip_offset(&mut self, limits: &Limits, next: Label) {
        if let Some(reg) = limits.offset {
            self.builder.emit(IfPos { reg, target: next, decrement: 1 });
        }
    }

    /// Hand a finished row to the destination and count it.
    pub(super) fn deliver(&mut self, to: &mut Destination<'_>, row: Regs, limits: &Limits) -> Result<()> {
        match to {
            Destination::Rows => {
                self.builder.emit(ResultRow { values: row });
            }
            Destination::Registers(dest) => {
                if dest.first != row.first {
                    self.builder.emit(Copy { from: row.first, to: dest.first, count: dest.count.min(row.count) });
                }
                self.builder.emit(Goto { target: limits.done });
                return Ok(());
            }
            Destination::Exists(reg) => {
                self.builder.emit(Integer { value: 1, dest: *reg });
                self.builder.emit(Goto { target: limits.done });
                return Ok(());
            }
            Destination::Set { cursor, affinities } => {
                let record = self.builder.temporary();
                self.builder.emit(MakeRecord { values: row, dest: record, affinities: affinities.clone() });
                let key = Regs::new(row.first, 0);
                self.builder.emit(IdxInsert {
                    cursor: *cursor,
                    record,
                    key,
                    position: Position::Unknown,
                    change: None,
                });
                self.builder.release(record);
            }
            Destination::Members { cursor, affinities, any } => {
                let (cursor, affinities, any) = (*cursor, affinities.clone(), *any);
                self.deliver_member(cursor, row, affinities, any);
            }
            Destination::FirstOf { cursor } => {
                let cursor = *cursor;
                let (record, known) = (self.builder.temporary(), self.builder.label());
                self.builder.emit(Found { cursor, key: row, target: known });
                self.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
                let key = Regs::new(row.first, 0);
                self.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
                self.builder.bind(known);
                self.builder.release(record);
            }
            Destination::Unset { cursor } => {
                self.builder.emit(IdxDelete { cursor: *cursor, key: row, must_exist: false });
            }
            Destination::EphemeralTable { cursor } => {
                let (record, rowid) = (self.builder.temporary(), self.builder.temporary());
                self.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
                self.builder.emit(NewRowid { cursor: *cursor, dest: rowid, at_least: None });
                self.builder.emit(Insert { cursor: *cursor, record, rowid, position: Position::Append, change: None });
                self.builder.release(rowid);
                self.builder.release(record);
            }
            Destination::Coroutine { state, row: dest } => {
                if dest.first != row.first {
                    self.builder.emit(Copy { from: row.first, to: dest.first, count: dest.count.min(row.count) });
                }
                self.builder.emit(Yield { state: *state, on_end: None });
            }
            Destination::Queue(queue) => {
                let queue: Queue = (**queue).clone();
                self.enqueue(&queue, row);
            }
            Destination::Each(f) => f(self, row)?,
        }
        if let Some(reg) = limits.limit {
            self.builder.emit(DecrJumpZero { reg, target: limits.done });
        }
        Ok(())
    }

    /// The order of rows makes a difference at this destination.
    pub(super) fn order_matters(to: &Destination<'_>, limits: &Limits) -> bool {
        match to {
            Destination::Exists(_) => false,
            Destination::Set { .. } | Destination::Members { .. } | Destination::Unset { .. } => {
                limits.limit.is_some() || limits.offset.is_some()
            }
            _ => true,
        }
    }

    /// One core with the ORDER BY and LIMIT over it.
    pub(super) fn core_query(
        &mut self,
        core: &Core,
        order_by: &[OrderTerm],
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        if !core.windows.is_empty() {
            return self.windowed(core, order_by, limits, to);
        }
        let order_by = if Self::order_matters(to, limits) { order_by } else { &[] };
        if !core.group_by.is_empty() {
            return self.grouped(core, order_by, limits, to);
        }
        if core.is_aggregate() {
            return self.aggregated(core, limits, to);
        }
        let first_only = matches!(to, Destination::Exists(_) | Destination::Registers(_));
        // Equal rows that come one after the other need no set.
        let by_output = core.distinct && order_by.is_empty();
        let orders_all = order_by.len() == core.output.len()
            && (0..core.output.len()).all(|i| order_by.iter().any(|t| t.output == Some(i)));
        let wish = Wish {
            order: if by_output { output_order(core) } else { order_by.to_vec() },
            order_is_free: by_output,
            distinct: by_output,
            different: core.distinct && (by_output || orders_all),
            few_rows: limits.limit.is_some() || first_only,
            limit: limits.known,
            row_limit: row_limit(core, limits, to),
            columns: core.output.len(),
            ..Wish::default()
        };
        let plan = self.plan_loops_for(core, wish)?;
        let sorted = !plan.single_row && plan.order_satisfied < order_by.len();
        let grouped = match by_output {
            true => plan.order_satisfied >= core.output.len(),
            false => {
                !sorted && core.output.iter().enumerate().all(|(i, _)| order_by.iter().any(|t| t.output == Some(i)))
            }
        };
        let distinct = match core.distinct && !plan.single_row && !matches!(to, Destination::Exists(_)) {
            false => Distinct::No,
            true if grouped => Distinct::Adjacent,
            true => Distinct::Anywhere,
        };
        let (order_by, in_order) = if sorted { (order_by, plan.order_satisfied) } else { (&[][..], 0) };
        let wanted = Wanted { output: &core.output, order_by, in_order, distinct };
        let after = self.builder.label();
        self.batch_rows(core, &plan, &wanted, limits, to, after)?;
        let mut sink = Sink::open(self, wanted, limits, to)?;
        self.loops(core, &plan, &mut |e, exits| sink.row(e, exits.next))?;
        sink.close(self)?;
        self.builder.bind(after);
        Ok(())
    }

    /// Ask the optimizer.
    pub(super) fn plan_loops(&mut self, core: &Core, wish: &Wish) -> Result<JoinPlan> {
        self.plan_loops_for(core, wish.clone())
    }

    /// As [`plan_loops`](Self::plan_loops), with a wish of its own.
    pub(super) fn plan_loops_for(&mut self, core: &Core, mut wish: Wish) -> Result<JoinPlan> {
        let used = std::mem::take(&mut self.used);
        wish.runs = self.runs;
        let plan = plan_core(core, &used, &wish, self.context);
        self.used = used;
        self.keep_columns = true;
        plan
    }

    /// Run `query` as a coroutine and emit the closure's code once, in a loop over its rows.
    fn each_through_coroutine(&mut self, query: &Query, limits: Limits, to: &mut Destination<'_>) -> Result<()> {
        let state = self.builder.register();
        let row = self.builder.registers(query.columns.len());
        let (skip, ended) = (self.builder.label(), self.builder.label());
        let start = self.builder.label();
        self.builder.emit(turso_program::control::InitCoroutine { state, skip, start });
        self.builder.bind(start);
        let inner = Limits { done: ended, ..limits };
        self.compound_query(
            &query.body,
            &query.columns,
            &query.order_by,
            &inner,
            &mut Destination::Coroutine { state, row },
        )?;
        self.builder.bind(ended);
        self.builder.emit(turso_program::control::EndCoroutine { state });
        self.builder.bind(skip);
        let top = self.builder.label_here();
        self.builder.emit(Yield { state, on_end: Some(limits.done) });
        let plain = Limits::none(limits.done);
        self.loop_depth += 1;
        let result = self.deliver(to, row, &plain);
        self.loop_depth -= 1;
        result?;
        self.builder.emit(Goto { target: top });
        Ok(())
    }

    /// How the rows of a set of output columns sort and compare.
    pub(super) fn set_key(&self, columns: &[turso_value::Collation]) -> Arc<turso_value::KeyInfo> {
        let column = |c: &turso_value::Collation| turso_value::KeyColumn {
            collation: c.clone(),
            descending: false,
            nulls_big: false,
        };
        Arc::new(self.key_info(columns.iter().map(column).collect()))
    }
}
