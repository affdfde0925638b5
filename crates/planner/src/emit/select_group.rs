//! GROUP BY: rows sorted by the keys (by a sorter, or as the loops deliver them), folded group by group; or groups found by
//! their keys, each row folded into its own, and sorted at the end (`select_group_hashed`).
//!
//! ```text
//!   for each row in key order:
//!     keys -> new
//!     no group yet -> start;  new = group -> same
//!     Gosub flush
//!   start: group = new; empty states; columns beside the aggregates
//!   same:  step
//!   Gosub flush; goto end
//!   flush: values; HAVING -> sink; Return
//!   end:   the sink's own sort
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use turso_error::Result;
use turso_program::control::{Gosub, Goto, IfPos, Jump, Return};
use turso_program::cursor::Column;
use turso_program::data::{Copy, Integer};
use turso_program::expression::Compare;
use turso_program::sorter::{SorterAdd, SorterNext, SorterOpen, SorterSort};
use turso_program::{CursorId, Label, Reg, Regs};
use turso_value::{Collation, KeyColumn, KeyInfo};

use super::emitter::Place;
use super::select::Limits;
use super::select_aggregate::{Aggregates, bare_columns, shared_keys, whole_key};
use super::select_sort::{Distinct, Sink, Wanted};
use super::{Destination, Emitter};
use crate::bind::{affinity_of, ordering_collation};
use crate::plan::{ColumnIndex, Core, Expr, OrderTerm, SourceId, Visit, Wish, same_expr, walk_expr};

/// Registers of the group in hand.
pub(super) struct Group {
    /// The keys of the group.
    pub(super) keys: Regs,
    /// The keys of the row in hand.
    pub(super) new: Regs,
    /// 1 once there is a group.
    pub(super) started: Reg,
    pub(super) return_to: Reg,
    pub(super) flush: Label,
    /// The part of `flush` behind computing the aggregates' values.
    give_out: Label,
    how: Arc<KeyInfo>,
}

/// All columns of the core's sources that an expression reads.
struct ReadColumns<'a> {
    core: &'a Core,
    found: Vec<(SourceId, ColumnIndex)>,
}

impl Visit for ReadColumns<'_> {
    fn expr(&mut self, e: &Expr) {
        if let Expr::Column { source, column, .. } = e {
            if self.core.sources.iter().any(|s| s.id == *source) && !self.found.contains(&(*source, *column)) {
                self.found.push((*source, *column));
            }
            return;
        }
        walk_expr(self, e);
    }
}

/// The keys in the order in which they are sorted: as ORDER BY has them if that is about the keys alone, and whether it is.
fn sort_terms(core: &Core, order_by: &[OrderTerm]) -> (Vec<OrderTerm>, bool) {
    let plain = |key: &Expr| OrderTerm {
        expr: key.clone(),
        output: None,
        collation: ordering_collation(key),
        descending: false,
        nulls_reversed: false,
    };
    let key_of = |term: &OrderTerm| {
        core.group_by.iter().position(|k| {
            same_expr(k.without_collate(), term.expr.without_collate()) && ordering_collation(k) == term.collation
        })
    };
    let mut terms: Vec<OrderTerm> = Vec::with_capacity(core.group_by.len());
    let mut used = vec![false; core.group_by.len()];
    let ordered: Option<Vec<usize>> = order_by.iter().map(key_of).collect();
    let Some(ordered) = ordered else {
        // As many terms in both: SQLite lets the groups run in the directions of ORDER BY, which shows among equal rows.
        let same_count = order_by.len() == core.group_by.len();
        let directed = |(i, key): (usize, &Expr)| OrderTerm {
            descending: same_count && order_by.get(i).is_some_and(|t| t.descending),
            ..plain(key)
        };
        return (core.group_by.iter().enumerate().map(directed).collect(), false);
    };
    for (at, term) in ordered.into_iter().zip(order_by) {
        if let Some(slot) = used.get_mut(at).filter(|u| !**u) {
            *slot = true;
            terms.push(term.clone());
        }
    }
    for (key, used) in core.group_by.iter().zip(used) {
        if !used {
            terms.push(plain(key));
        }
    }
    (terms, true)
}

/// Where each group key stands among the sort terms. Those that no term of ORDER BY can be the same as (subqueries) come in their own
/// order, behind those that are.
pub(super) fn places_of(terms: &[OrderTerm], group_by: &[Expr]) -> Vec<usize> {
    let mut taken = vec![false; terms.len()];
    let mut take = |fits: &dyn Fn(&OrderTerm) -> bool| {
        let at = terms.iter().enumerate().position(|(at, term)| !taken[at] && fits(term))?;
        taken[at] = true;
        Some(at)
    };
    let mut same = |key: &Expr| {
        let key = key.without_collate();
        take(&|term| same_expr(term.expr.without_collate(), key))
    };
    let places: Vec<Option<usize>> = group_by.iter().map(&mut same).collect();
    places.into_iter().map(|place| place.or_else(|| take(&|_| true)).unwrap_or(0)).collect()
}

impl Emitter<'_> {
    /// A core with GROUP BY.
    pub(super) fn grouped(
        &mut self,
        core: &Core,
        order_by: &[OrderTerm],
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        let (terms, mut ordered) = sort_terms(core, order_by);
        let order_is_free = order_by.is_empty() || !ordered;
        let wish = Wish { order: terms.clone(), order_is_free, ..Wish::default() };
        let plan = self.plan_loops(core, &wish)?;
        let delivered = plan.single_row || plan.order_satisfied >= terms.len();
        if delivered && order_is_free && !order_by.is_empty() {
            ordered = false;
        }
        let sort_output = !order_by.is_empty() && !ordered && !plan.single_row;
        let bare = bare_columns(core, order_by);
        let mut aggregates = Aggregates::prepare(self, core, &bare);
        let width = core.group_by.len();
        let key = |e: &Expr| KeyColumn { collation: ordering_collation(e), ..KeyColumn::default() };
        let how = Arc::new(self.key_info(core.group_by.iter().map(key).collect()));
        let group = Group {
            keys: self.builder.registers(width),
            new: self.builder.registers(width),
            started: self.builder.register(),
            return_to: self.builder.register(),
            flush: self.builder.label(),
            give_out: self.builder.label(),
            how,
        };
        self.builder.emit(Integer { value: 0, dest: group.started });
        let output_order = if sort_output { order_by } else { &[] };
        let mut output = Cow::Borrowed(&core.output);
        for (at, whole) in core.output.iter().enumerate() {
            if let Some(i) = whole_key(core, whole) {
                let (affinity, collation) = (affinity_of(whole), ordering_collation(whole));
                output.to_mut()[at] = Expr::Register { reg: group.keys.at(i), affinity, collation };
            }
        }
        let wanted = Wanted { distinct: Distinct::of(core), ..Wanted::sorted(&output, output_order) };
        let mut sink = Sink::open(self, wanted, limits, to)?;
        let end = self.builder.label();
        let batch = match delivered {
            true => self.batch_groups_of_index(core, &plan, &terms, &aggregates)?,
            false => None,
        };
        let batch = match batch {
            Some(batch) => Some(batch),
            None => {
                let open = self.batch_groups(core, &plan, (&terms, !delivered), &aggregates)?;
                open.map(|open| (open, terms.clone()))
            }
        };
        if let Some((open, terms)) = batch {
            let places = places_of(&terms, &core.group_by);
            let flush = (group.return_to, group.give_out);
            self.batch_group_rows(open, (group.keys, &places), aggregates.content(), flush, end);
        }
        if delivered {
            self.loops(core, &plan, &mut |e, _| {
                for (i, key) in core.group_by.iter().enumerate() {
                    e.expr_into(key, group.new.at(i))?;
                }
                e.group_row(&group, &aggregates, &mut |_| {})
            })?;
        } else if aggregates.may_take_turns() && terms.iter().all(|t| !matches!(t.collation, Collation::Custom(_))) {
            self.hashed_groups(core, &plan, &terms, &group, &mut aggregates)?;
        } else {
            self.sorted_groups(core, &plan, &terms, &group, &aggregates)?;
        }
        aggregates.explain(self);
        let finished = self.builder.label();
        self.builder.emit(IfPos { reg: group.started, target: finished, decrement: 0 });
        self.builder.emit(Goto { target: end });
        self.builder.bind(finished);
        self.builder.emit(Gosub { return_to: group.return_to, target: group.flush });
        self.builder.emit(Goto { target: end });
        // The subroutine that gives out one group.
        self.builder.bind(group.flush);
        let leave = self.builder.label();
        aggregates.finish(self);
        self.builder.bind(group.give_out);
        let mark = aggregates.publish(self);
        let known_mark = self.known.len();
        for (i, key) in shared_keys(core) {
            let reg = group.keys.at(i);
            if let Expr::Column { source, column, .. } = key.without_collate() {
                self.moved.push((*source, *column, Place::Register(reg)));
            }
            self.known.push((key.without_collate().clone(), Place::Register(reg)));
        }
        self.loop_depth += 1;
        let result = self.group_output(core, &mut sink, leave);
        self.loop_depth -= 1;
        self.known.truncate(known_mark);
        aggregates.withdraw(self, mark);
        result?;
        self.builder.bind(leave);
        self.builder.emit(Return { return_to: group.return_to, or_fall_through: false });
        self.builder.bind(end);
        sink.close(self)
    }

    fn group_output(&mut self, core: &Core, sink: &mut Sink<'_, '_, '_>, leave: Label) -> Result<()> {
        if let Some(having) = &core.having {
            self.jump_if_false(having, leave, true)?;
        }
        sink.row(self, leave)
    }

    /// The row in hand, whose keys are in `group.new`. Where they begin a group, `begins` comes first.
    pub(super) fn group_row(
        &mut self,
        group: &Group,
        aggregates: &Aggregates<'_>,
        begins: &mut dyn FnMut(&mut Self),
    ) -> Result<()> {
        let (compare, start, changed, same) =
            (self.builder.label(), self.builder.label(), self.builder.label(), self.builder.label());
        self.builder.emit(IfPos { reg: group.started, target: compare, decrement: 0 });
        self.builder.emit(Integer { value: 1, dest: group.started });
        self.builder.emit(Goto { target: start });
        self.builder.bind(compare);
        self.builder.emit(Compare { left: group.keys.first, right: group.new.first, key: group.how.clone() });
        self.builder.emit(Jump { less: changed, equal: same, greater: changed });
        self.builder.bind(changed);
        self.builder.emit(Gosub { return_to: group.return_to, target: group.flush });
        self.builder.bind(start);
        begins(self);
        self.builder.emit(Copy { from: group.new.first, to: group.keys.first, count: group.keys.count });
        aggregates.reset(self);
        if aggregates.keeps_first_row() {
            aggregates.load_bare(self)?;
        }
        self.builder.bind(same);
        aggregates.step(self)
    }

    /// Rows through a sorter by key.
    fn sorted_groups(
        &mut self,
        core: &Core,
        plan: &crate::plan::JoinPlan,
        terms: &[OrderTerm],
        group: &Group,
        aggregates: &Aggregates<'_>,
    ) -> Result<()> {
        let rows = SortedRows::open(self, core, terms, aggregates);
        self.loops(core, plan, &mut |e, _| {
            for (i, term) in terms.iter().enumerate() {
                e.expr_into(&term.expr, rows.record.at(i))?;
            }
            rows.add(e)
        })?;
        self.builder.plan_node("USE TEMP B-TREE FOR GROUP BY");
        let places = places_of(terms, &core.group_by);
        rows.each(self, &mut |e, cursor| {
            for (i, &field) in places.iter().enumerate() {
                e.builder.emit(Column { cursor, column: field as u16, dest: group.new.at(i), default: None });
            }
            e.group_row(group, aggregates, &mut |_| {})
        })
    }
}

/// Rows sorted by their group keys, with all columns that aggregates and outputs read.
pub(super) struct SortedRows {
    cursor: CursorId,
    /// The keys, then the columns behind them.
    pub record: Regs,
    keys: usize,
    extra: Vec<(SourceId, ColumnIndex)>,
    places: Vec<(SourceId, ColumnIndex, Place)>,
}

impl SortedRows {
    /// Open the sorter.
    pub fn open(e: &mut Emitter<'_>, core: &Core, terms: &[OrderTerm], aggregates: &Aggregates<'_>) -> Self {
        let mut read = ReadColumns { core, found: Vec::new() };
        for aggregate in &core.aggregates {
            aggregate.args.iter().chain(&aggregate.filter).for_each(|e| read.expr(e));
            aggregate.order_by.iter().for_each(|t| read.expr(&t.expr));
        }
        for (source, column, _) in &aggregates.bare {
            if !read.found.contains(&(*source, *column)) {
                read.found.push((*source, *column));
            }
        }
        let is_key = |source: SourceId, column: ColumnIndex| {
            terms.iter().position(
                |t| matches!(t.expr.without_collate(), Expr::Column { source: s, column: c, .. } if *s == source && *c == column),
            )
        };
        let mut places = Vec::with_capacity(read.found.len());
        let mut extra = Vec::new();
        let cursor = e.builder.cursor();
        for (source, column) in read.found {
            let field = match is_key(source, column) {
                Some(at) => at,
                None => {
                    extra.push((source, column));
                    terms.len() + extra.len() - 1
                }
            };
            places.push((source, column, Place::Field(cursor, field as u16)));
        }
        let width = terms.len() + extra.len();
        let record = e.builder.registers(width);
        let key = Arc::new(e.order_key(terms));
        e.builder.emit(SorterOpen { cursor, columns: width as u32, keep: None, key });
        Self { cursor, record, keys: terms.len(), extra, places }
    }

    /// Add the row in hand, whose keys are in the record.
    pub fn add(&self, e: &mut Emitter<'_>) -> Result<()> {
        for (i, (source, column)) in self.extra.iter().enumerate() {
            e.column_into(*source, *column, self.record.at(self.keys + i))?;
        }
        e.builder.emit(SorterAdd { cursor: self.cursor, values: self.record });
        Ok(())
    }

    /// Sort, and do that for each row: it reads the row's keys as the first columns of the cursor, and all other columns as in
    /// the loops.
    pub fn each(
        self,
        e: &mut Emitter<'_>,
        row: &mut dyn FnMut(&mut Emitter<'_>, CursorId) -> Result<()>,
    ) -> Result<()> {
        let (cursor, end) = (self.cursor, e.builder.label());
        e.builder.emit(SorterSort { cursor, empty: end });
        let top = e.builder.label_here();
        let mark = e.moved.len();
        e.moved.extend(self.places);
        e.loop_depth += 1;
        let result = row(e, cursor);
        e.loop_depth -= 1;
        e.moved.truncate(mark);
        result?;
        e.builder.emit(SorterNext { cursor, target: top });
        e.builder.bind(end);
        Ok(())
    }
}
