//! Compound queries and VALUES with several rows.
//!
//! Where rows come in order, terms are merged (`merge`). Otherwise UNION, INTERSECT and EXCEPT collect their rows in an
//! ephemeral index over all columns, so they come out in its order, as SQLite's do; an ORDER BY over the compound sorts what
//! comes out, which keeps that order among equal rows.

use turso_error::{Error, Result};
use turso_program::cursor::{Column, Next, NotFound, OpenEphemeral, Rewind};
use turso_program::{CursorId, Regs};
use turso_value::{Affinity, Collation};

use super::merge::merge_order;
use super::select::Limits;
use super::select_sort::{Sink, Wanted};
use super::{Destination, Emitter};
use crate::plan::{Body, CompoundOp, Expr, OrderTerm, OutputColumn};

/// A term of the compound tells rows apart by another collation than ORDER BY sorts by: in that order rows that are equal need
/// not be neighbours, unless only those are equal that are the same. As in SQLite the rows are then found as without ORDER BY,
/// and sorted.
fn orders_otherwise(body: &Body, order_by: &[OrderTerm]) -> bool {
    let coarser = |collations: &[Collation]| {
        order_by.iter().any(|term| {
            let own = term.output.and_then(|at| collations.get(at));
            own.is_some_and(|own| *own != Collation::Binary && *own != term.collation)
        })
    };
    let mut rest = body;
    while let Body::Compound { op, left, collations, .. } = rest {
        if *op != CompoundOp::UnionAll && coarser(collations) {
            return true;
        }
        rest = left;
    }
    false
}

impl Emitter<'_> {
    /// A compound or VALUES with the ORDER BY and LIMIT over it.
    pub(super) fn compound_query(
        &mut self,
        body: &Body,
        columns: &[OutputColumn],
        order_by: &[OrderTerm],
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        if order_by.is_empty() || !Self::order_matters(to, limits) {
            return self.body(body, columns.len(), limits, to);
        }
        if let Some(n) = order_by.iter().position(|term| term.output.is_none_or(|at| at >= columns.len())) {
            let nth = n + 1;
            return Err(Error::sql(format!("{nth} ORDER BY term does not match any column in the result set")));
        }
        if let Body::Compound { op, collations, .. } = body
            && Self::is_merged(body, order_by)
            && !orders_otherwise(body, order_by)
        {
            return self.merged(body, &merge_order(*op, collations, order_by), limits, to);
        }
        self.sorted_body(body, columns.len(), order_by, limits, to)
    }

    /// The rows of a body, collected and sorted by output columns.
    pub(super) fn sorted_body(
        &mut self,
        body: &Body,
        width: usize,
        order_by: &[OrderTerm],
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        // To the sink the columns are registers.
        let row = self.builder.registers(width);
        let register = |i| Expr::Register { reg: row.at(i), affinity: Affinity::None, collation: Collation::Binary };
        let registers: Vec<Expr> = (0..width).map(register).collect();
        let term = |t: &OrderTerm| Some(OrderTerm { expr: registers.get(t.output?)?.clone(), ..t.clone() });
        let terms: Vec<OrderTerm> = order_by.iter().filter_map(term).collect();
        let mut sink = Sink::open(self, Wanted::sorted(&registers, &terms), limits, to)?;
        let all = Limits::none(self.builder.label());
        self.body(
            body,
            width,
            &all,
            &mut Destination::Each(&mut |e, regs| {
                if regs.first != row.first {
                    e.builder.emit(turso_program::data::Copy { from: regs.first, to: row.first, count: regs.count });
                }
                e.loop_depth += 1;
                let next = e.builder.label();
                let result = sink.row(e, next);
                e.builder.bind(next);
                e.loop_depth -= 1;
                result
            }),
        )?;
        self.builder.bind(all.done);
        sink.close(self)
    }

    /// The rows of a body, without ORDER BY.
    pub(super) fn body(&mut self, body: &Body, width: usize, limits: &Limits, to: &mut Destination<'_>) -> Result<()> {
        match body {
            Body::Core(core) => self.core_query(core, &[], limits, to),
            Body::Values(rows) => self.values(rows, width, limits, to),
            Body::Compound { op: CompoundOp::UnionAll, .. } => {
                // A long chain leans to the left: no recursion along it.
                let mut arms = Vec::new();
                let mut rest = body;
                while let Body::Compound { op: CompoundOp::UnionAll, left, right, .. } = rest {
                    arms.push(&**right);
                    rest = left;
                }
                self.builder.open_plan_node("COMPOUND QUERY");
                self.builder.open_plan_node("LEFT-MOST SUBQUERY");
                self.body(rest, width, limits, to)?;
                self.builder.close_plan_node();
                for arm in arms.into_iter().rev() {
                    self.builder.open_plan_node("UNION ALL");
                    self.body(arm, width, limits, to)?;
                    self.builder.close_plan_node();
                }
                self.builder.close_plan_node();
                Ok(())
            }
            Body::Compound { op, collations, .. } if Self::is_merged(body, &[]) => {
                self.merged(body, &merge_order(*op, collations, &[]), limits, to)
            }
            Body::Compound { op, left, right, collations } => {
                self.set_operation(*op, left, right, collations, width, limits, to)
            }
        }
    }

    fn values(&mut self, rows: &[Vec<Expr>], width: usize, limits: &Limits, to: &mut Destination<'_>) -> Result<()> {
        self.builder.plan_node_with(|| format!("SCAN {}-ROW VALUES CLAUSE", rows.len()));
        let late_skip = limits.offset.is_some();
        let (row, _) = self.row_registers_for(to, width, late_skip);
        for values in rows {
            let next = self.builder.label();
            self.skip_offset(limits, next);
            for (i, value) in values.iter().enumerate() {
                self.expr_into(value, row.at(i))?;
            }
            self.deliver(to, row, limits)?;
            self.builder.bind(next);
        }
        Ok(())
    }

    fn open_set(&mut self, collations: &[Collation]) -> CursorId {
        let cursor = self.builder.cursor();
        let key = Some(self.set_key(collations));
        self.builder.emit(OpenEphemeral { cursor, columns: collations.len() as u32, key });
        cursor
    }

    #[allow(clippy::too_many_arguments)]
    fn set_operation(
        &mut self,
        op: CompoundOp,
        left: &Body,
        right: &Body,
        collations: &[Collation],
        width: usize,
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        let set = self.open_set(collations);
        let other = (op == CompoundOp::Intersect).then(|| self.open_set(collations));
        let (left_code, right_code, scan) = (self.builder.label(), self.builder.label(), self.builder.label());
        let name = match op {
            CompoundOp::Union | CompoundOp::UnionAll => "MERGE (UNION)",
            CompoundOp::Intersect => "MERGE (INTERSECT)",
            CompoundOp::Except => "MERGE (EXCEPT)",
        };
        self.builder.open_plan_node(name);
        // Of equal rows SQLite's UNION gives the right side's: it goes first into the set.
        let right_first = op == CompoundOp::Union;
        if right_first {
            self.goto(right_code);
        }
        self.builder.bind(left_code);
        self.builder.open_plan_node("LEFT");
        self.into_set(left, collations, width, set)?;
        self.builder.close_plan_node();
        let over = self.builder.label();
        if right_first {
            self.goto(scan);
        } else {
            // Nothing on the left: SQLite does not even look at the right side.
            self.builder.emit(Rewind { cursor: set, empty: over });
        }
        self.builder.bind(right_code);
        self.builder.open_plan_node("RIGHT");
        match (op, other) {
            (CompoundOp::Except, _) => {
                let all = Limits::none(self.builder.label());
                self.body(right, width, &all, &mut Destination::Unset { cursor: set })?;
                self.builder.bind(all.done);
            }
            (_, other) => self.into_set(right, collations, width, other.unwrap_or(set))?,
        }
        self.builder.close_plan_node();
        self.builder.close_plan_node();
        if right_first {
            self.goto(left_code);
        }
        self.builder.bind(scan);
        self.set_rows(set, other, width, limits, to)?;
        self.builder.bind(over);
        Ok(())
    }

    /// Put the rows of a body into a set; what makes a set of its own in between is put there at once.
    fn into_set(&mut self, body: &Body, collations: &[Collation], width: usize, set: CursorId) -> Result<()> {
        if let Body::Compound { op: CompoundOp::Union | CompoundOp::UnionAll, left, right, collations: own } = body
            && own == collations
        {
            if matches!(body, Body::Compound { op: CompoundOp::Union, .. }) {
                self.into_set(right, collations, width, set)?;
                return self.into_set(left, collations, width, set);
            }
            self.into_set(left, collations, width, set)?;
            return self.into_set(right, collations, width, set);
        }
        let all = Limits::none(self.builder.label());
        self.body(body, width, &all, &mut Destination::FirstOf { cursor: set })?;
        self.builder.bind(all.done);
        Ok(())
    }

    /// Deliver the rows of a set (those that are in `other` too).
    fn set_rows(
        &mut self,
        set: CursorId,
        other: Option<CursorId>,
        width: usize,
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        let (row, _) = self.row_registers_for(to, width, limits.offset.is_some());
        let (end, next) = (self.builder.label(), self.builder.label());
        self.builder.emit(Rewind { cursor: set, empty: end });
        let top = self.builder.label_here();
        if other.is_none() {
            self.skip_offset(limits, next);
        }
        for i in 0..width {
            self.builder.emit(Column { cursor: set, column: i as u16, dest: row.at(i), default: None });
        }
        if let Some(cursor) = other {
            let key = Regs::new(row.first, width);
            self.builder.emit(NotFound { cursor, key, target: next });
            self.skip_offset(limits, next);
        }
        self.loop_depth += 1;
        let result = self.deliver(to, row, limits);
        self.loop_depth -= 1;
        result?;
        self.builder.bind(next);
        self.builder.emit(Next { cursor: set, target: top });
        self.builder.bind(end);
        Ok(())
    }
}
