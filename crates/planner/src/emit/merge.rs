//! Compound queries whose terms come in order: they run side by side as coroutines, and the lesser row goes first.
//!
//! ```text
//!            left < right              left = right               left > right             left ends    right ends
//!   UNION ALL   left, next left           left, next left            right, next right        rest right   rest left
//!   UNION       left, next left           next left                  right, next right        rest right   rest left
//!   EXCEPT      left, next left           next left                  next right               end          rest left
//!   INTERSECT   next left                 left, next left            next right               end          end
//! ```
//! The terms are sorted by ORDER BY, and but for UNION ALL by all other columns behind it, so that equal rows are neighbours
//! and one is left out behind the other. No row is read before it is needed: a LIMIT ends both terms.

use turso_error::{Error, Result};
use turso_program::Regs;
use turso_program::control::{EndCoroutine, Gosub, InitCoroutine, Jump, Return, Yield};
use turso_program::data::Copy;
use turso_program::expression::Compare;
use turso_program::{Addr, Label, Reg};
use turso_value::Collation;

use super::seen::Seen;
use super::select::Limits;
use super::{Destination, Emitter};
use crate::plan::{Body, CompoundOp, Core, Expr, OrderTerm};

/// More terms than this are not merged: each row is compared once for every level of nesting.
const MOST_TERMS: usize = 8;

/// One of the two terms while it runs.
struct Side {
    state: Reg,
    row: Regs,
}

/// Where a merge goes on.
struct Exits {
    compare: Label,
    done: Label,
}

/// How many terms a compound has, in all that it nests.
fn terms_of(body: &Body) -> usize {
    let mut count = 1;
    let mut rest = body;
    while let Body::Compound { left, .. } = rest {
        count += 1;
        rest = left;
    }
    count
}

/// The terms of ORDER BY, and behind them the columns that they leave out where equal rows must be neighbours.
pub(super) fn merge_order(op: CompoundOp, collations: &[Collation], order_by: &[OrderTerm]) -> Vec<OrderTerm> {
    let mut order = order_by.to_vec();
    if op == CompoundOp::UnionAll {
        return order;
    }
    for (i, collation) in collations.iter().enumerate() {
        // Ordered by another collation, equal rows need not be neighbours yet.
        if !order.iter().any(|term| term.output == Some(i) && term.collation == *collation) {
            order.push(OrderTerm {
                expr: Expr::Literal(turso_value::Value::Null),
                output: Some(i),
                collation: collation.clone(),
                descending: false,
                nulls_reversed: false,
            });
        }
    }
    order
}

/// The order of a compound as that of one of its terms.
fn order_of_term(core: &Core, order: &[OrderTerm]) -> Vec<OrderTerm> {
    let expr = |term: &OrderTerm| term.output.and_then(|at| core.output.get(at)).cloned();
    order.iter().filter_map(|term| Some(OrderTerm { expr: expr(term)?, ..term.clone() })).collect()
}

impl Emitter<'_> {
    /// The terms of the compound are merged: they have to be in order, and are not too many.
    pub(super) fn is_merged(body: &Body, order_by: &[OrderTerm]) -> bool {
        match body {
            Body::Compound { op, .. } => {
                (*op != CompoundOp::UnionAll || !order_by.is_empty()) && terms_of(body) <= MOST_TERMS
            }
            Body::Core(_) | Body::Values(_) => false,
        }
    }

    /// Emit the compound with its rows in `order` (see [`merge_order`]).
    pub(super) fn merged(
        &mut self,
        body: &Body,
        order: &[OrderTerm],
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        let Body::Compound { op, left, right, collations } = body else {
            return Err(Error::sql("one term is not merged"));
        };
        let name = match op {
            CompoundOp::Union => "MERGE (UNION)",
            CompoundOp::UnionAll => "MERGE (UNION ALL)",
            CompoundOp::Intersect => "MERGE (INTERSECT)",
            CompoundOp::Except => "MERGE (EXCEPT)",
        };
        self.builder.open_plan_node(name);
        // Rows behind the limit are not sorted, where each row of a term may be one of the result.
        let bound = (*op == CompoundOp::UnionAll).then_some(limits);
        let width = collations.len();
        let left = self.side("LEFT", left, order, width, bound)?;
        let right = self.side("RIGHT", right, order, width, bound)?;
        self.builder.close_plan_node();
        self.merge_sides(*op, &left, &right, (order, collations), limits, to)
    }

    /// A term as a coroutine that gives its rows in order.
    fn side(
        &mut self,
        title: &'static str,
        body: &Body,
        order: &[OrderTerm],
        width: usize,
        bound: Option<&Limits>,
    ) -> Result<Side> {
        let (state, row) = (self.builder.register(), self.builder.registers(width));
        let (skip, start, ended) = (self.builder.label(), self.builder.label(), self.builder.label());
        self.builder.emit(InitCoroutine { state, skip, start });
        self.builder.bind(start);
        self.builder.open_plan_node(title);
        let mut limits = Limits::none(ended);
        if let Some(bound) = bound
            && let Some(keep) = self.rows_to_keep(bound, &Destination::Rows)
        {
            // Each term counts down a copy.
            let reg = self.builder.register();
            self.builder.emit(Copy { from: keep, to: reg, count: 1 });
            limits = Limits { limit: Some(reg), known: bound.known, ..limits };
        }
        let to = &mut Destination::Coroutine { state, row };
        match body {
            Body::Core(core) => self.core_query(core, &order_of_term(core, order), &limits, to)?,
            Body::Values(_) => self.sorted_body(body, width, order, &limits, to)?,
            Body::Compound { op, collations, .. } => {
                self.merged(body, &merge_order(*op, collations, order), &limits, to)?
            }
        }
        self.builder.close_plan_node();
        self.builder.bind(ended);
        self.builder.emit(EndCoroutine { state });
        self.builder.bind(skip);
        Ok(Side { state, row })
    }

    fn merge_sides(
        &mut self,
        op: CompoundOp,
        left: &Side,
        right: &Side,
        (order, collations): (&[OrderTerm], &[Collation]),
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        let seen = (op != CompoundOp::UnionAll).then(|| Seen::adjacent(self, collations));
        if let Some(seen) = &seen {
            seen.open(self);
        }
        let out = self.builder.registers(collations.len());
        let (return_to, give_out) = (self.builder.register(), self.builder.label());
        let exits = Exits { compare: self.builder.label(), done: self.builder.label() };
        let (no_left, no_right) = (self.builder.label(), self.builder.label());
        let rest_of_right = matches!(op, CompoundOp::UnionAll | CompoundOp::Union);
        let rest_of_left = op != CompoundOp::Intersect;
        let left_ends = if rest_of_right { self.builder.label() } else { exits.done };
        let right_ends = if rest_of_left { no_right } else { exits.done };

        self.builder.emit(Yield { state: left.state, on_end: Some(if rest_of_right { no_left } else { exits.done }) });
        self.builder.emit(Yield { state: right.state, on_end: Some(right_ends) });

        self.builder.bind(exits.compare);
        let (less, equal, greater) = (self.builder.label(), self.builder.label(), self.builder.label());
        self.compare_sides(order, left.row, right.row, (less, equal, greater));
        let give = |e: &mut Self, side: &Side| {
            e.builder.emit(Copy { from: side.row.first, to: out.first, count: out.count });
            e.builder.emit(Gosub { return_to, target: give_out });
        };
        let next = |e: &mut Self, side: &Side, on_end: Label| {
            e.builder.emit(Yield { state: side.state, on_end: Some(on_end) });
            e.goto(exits.compare);
        };
        self.builder.bind(less);
        if op == CompoundOp::UnionAll {
            self.builder.bind(equal);
        }
        if op != CompoundOp::Intersect {
            give(self, left);
        }
        next(self, left, left_ends);
        if op != CompoundOp::UnionAll {
            self.builder.bind(equal);
            if op == CompoundOp::Intersect {
                give(self, left);
            }
            next(self, left, left_ends);
        }
        self.builder.bind(greater);
        if rest_of_right {
            give(self, right);
        }
        next(self, right, right_ends);

        if rest_of_right {
            self.builder.bind(left_ends);
            give(self, right);
            self.builder.bind(no_left);
            self.builder.emit(Yield { state: right.state, on_end: Some(exits.done) });
            self.goto(left_ends);
        } else {
            self.builder.bind(no_left);
        }
        self.builder.bind(no_right);
        if rest_of_left {
            give(self, left);
            self.builder.emit(Yield { state: left.state, on_end: Some(exits.done) });
            self.goto(no_right);
        }

        self.builder.bind(give_out);
        let again = self.builder.label();
        if let Some(seen) = &seen {
            seen.pass(self, out, again);
        }
        self.skip_offset(limits, again);
        self.loop_depth += 1;
        let result = self.deliver(to, out, limits);
        self.loop_depth -= 1;
        result?;
        self.builder.bind(again);
        self.builder.emit(Return { return_to, or_fall_through: false });
        self.builder.bind(exits.done);
        Ok(())
    }

    /// Compare two rows by the terms of an order, one after the other where they are not the columns as they stand.
    fn compare_sides(&mut self, order: &[OrderTerm], left: Regs, right: Regs, exits: (Addr, Addr, Addr)) {
        let (less, equal, greater) = exits;
        if order.iter().enumerate().all(|(i, term)| term.output == Some(i)) {
            let key = std::sync::Arc::new(self.order_key(order));
            self.builder.emit(Compare { left: left.first, right: right.first, key });
            self.builder.emit(Jump { less, equal, greater });
            return;
        }
        for (i, term) in order.iter().enumerate() {
            let at = term.output.unwrap_or(0);
            let next = if i + 1 == order.len() { equal } else { self.builder.label() };
            let key = std::sync::Arc::new(self.order_key(std::slice::from_ref(term)));
            self.builder.emit(Compare { left: left.at(at), right: right.at(at), key });
            self.builder.emit(Jump { less, equal: next, greater });
            if i + 1 < order.len() {
                self.builder.bind(next);
            }
        }
    }
}
