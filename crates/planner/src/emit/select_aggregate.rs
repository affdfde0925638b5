//! Aggregates: their state, feeding them rows, and the columns beside them. Here also the query without GROUP BY.

use std::sync::Arc;

use turso_error::Result;
use turso_functions::FunctionFlags;
use turso_program::control::{Goto, If, IfNot, IsNull, NotNull};
use turso_program::cursor::{Column, Count};
use turso_program::data::{Copy, GetSubtype, Integer, Null, SetSubtype};
use turso_program::expression::{AggFinal, AggStep, CompareOp, Nulls};
use turso_program::sorter::{SorterAdd, SorterNext, SorterOpen, SorterSort};
use turso_program::{CallId, CursorId, Reg, Regs};
use turso_value::{Affinity, Collation, KeyInfo};

use super::emitter::Place;
use super::seen::Seen;
use super::select::Limits;
use super::select_sort::{Sink, Wanted};
use super::{Destination, Emitter};
use crate::bind::{Calls, ordering_collation};
use crate::plan::{
    Access, Aggregate, ColumnIndex, CompareHow, Core, Expr, JoinPlan, OrderTerm, Relation, SourceId, Visit, Wish,
    same_expr, walk_expr,
};

/// One aggregate while its rows come.
struct Running {
    state: Reg,
    call: CallId,
    args: Regs,
    /// DISTINCT: the values seen in this group.
    distinct: Option<Seen>,
    /// ORDER BY inside the call: the rows of this group.
    sorter: Option<OrderedRows>,
    /// `min()` or `max()` kept by comparing, since columns beside it follow its row; true for max.
    extreme: Option<bool>,
}

struct OrderedRows {
    cursor: CursorId,
    /// The terms of ORDER BY, the arguments, the subtypes of some.
    record: Regs,
    /// Arguments whose subtypes are kept.
    typed: Vec<usize>,
    key: Arc<KeyInfo>,
}

/// All aggregates of a core.
pub(super) struct Aggregates<'a> {
    core: &'a Core,
    running: Vec<Running>,
    /// Columns read beside the aggregates, and the registers that keep them.
    pub bare: Vec<(SourceId, ColumnIndex, Reg)>,
    /// Set when a new extreme was met.
    hit: Option<Reg>,
    /// The states, then what keeps the columns.
    content: Regs,
    /// Groups fed in turns share the sets of DISTINCT: there the key of the group stands before the value.
    turns: Option<Turns>,
}

/// The key of the group in hand, and room for it with a value behind.
struct Turns {
    key: Regs,
    with_value: Regs,
}

/// True when no value of its columns makes the expression an error.
pub(super) fn cannot_fail(e: &Expr) -> bool {
    const TOTAL: [&str; 25] = [
        "strftime",
        "date",
        "time",
        "datetime",
        "julianday",
        "unixepoch",
        "substr",
        "substring",
        "length",
        "lower",
        "upper",
        "trim",
        "ltrim",
        "rtrim",
        "instr",
        "round",
        "typeof",
        "unicode",
        "coalesce",
        "ifnull",
        "nullif",
        "iif",
        "if",
        "min",
        "max",
    ];
    !e.has_subquery()
        && !e.any(|e| match e {
            Expr::Function { function, .. } => {
                function.flags.has(FunctionFlags::USER) || !TOTAL.contains(&&*function.name)
            }
            Expr::Raise { .. } => true,
            _ => false,
        })
}

/// A minimum or maximum that a query's other columns follow.
pub(super) fn is_extreme(aggregate: &Aggregate) -> bool {
    aggregate.function.flags.has(FunctionFlags::MIN_MAX) && aggregate.args.len() == 1
}

/// The group keys whose values stand for those of all rows of their group. Columns that may be equal without being the same ('a'
/// and 'A', 1 and 1.0) do not beside a minimum or maximum: then they are those of its row, as the columns that are no keys.
pub(super) fn shared_keys(core: &Core) -> impl Iterator<Item = (usize, &Expr)> {
    let follows = core.aggregates.iter().any(is_extreme);
    let is_exact = |key: &Expr| match key.without_collate() {
        Expr::Column { source, affinity, .. } => {
            !matches!(affinity, Affinity::Blob | Affinity::None)
                && ordering_collation(key) == Collation::Binary
                && core.sources.iter().any(|s| s.id == *source && matches!(s.relation, Relation::Table { .. }))
        }
        // Other expressions are computed from the columns of that row: see `whole_key`.
        _ => false,
    };
    let calls = Calls::of(core);
    let typed = core.output.iter().chain(&core.having).any(reads_subtypes);
    let is_typed = move |key: &Expr| typed && calls.may_have_subtype(key);
    core.group_by.iter().enumerate().filter(move |(_, key)| (!follows || is_exact(key)) && !is_typed(key))
}

/// The group key that is a whole column of the result. Beside a minimum or maximum that is the value of the group's first row, where
/// the same expression within another one, or set apart by a COLLATE, is computed anew.
pub(super) fn whole_key(core: &Core, output: &Expr) -> Option<usize> {
    if !core.aggregates.iter().any(is_extreme) || matches!(output, Expr::Column { .. } | Expr::Collate { .. }) {
        return None;
    }
    let at = core.group_by.iter().position(|key| same_expr(key, output))?;
    let typed = core.output.iter().chain(&core.having).any(reads_subtypes);
    (!typed || !Calls::of(core).may_have_subtype(output)).then_some(at)
}

/// A call in it asks for subtypes, which the keys of groups and the rows of ephemeral tables have lost.
pub(super) fn reads_subtypes(e: &Expr) -> bool {
    e.any(|e| matches!(e, Expr::Function { function, .. } if function.flags.has(FunctionFlags::SUBTYPE)))
}

/// Columns of the core's own sources that are read outside of aggregates and of group keys.
struct BareColumns<'a> {
    core: &'a Core,
    keys: Vec<&'a Expr>,
    found: Vec<(SourceId, ColumnIndex)>,
}

impl Visit for BareColumns<'_> {
    fn expr(&mut self, e: &Expr) {
        if self.keys.iter().any(|key| same_expr(key.without_collate(), e)) {
            return;
        }
        if let Expr::Column { source, column, .. } = e {
            if self.core.sources.iter().any(|s| s.id == *source) && !self.found.contains(&(*source, *column)) {
                self.found.push((*source, *column));
            }
            return;
        }
        walk_expr(self, e);
    }
}

/// The columns that the outputs, HAVING and ORDER BY of an aggregate core read outside of its aggregates and group keys.
pub(super) fn bare_columns(core: &Core, order_by: &[OrderTerm]) -> Vec<(SourceId, ColumnIndex)> {
    let keys = shared_keys(core).map(|(_, key)| key).collect();
    let mut bare = BareColumns { core, keys, found: Vec::new() };
    let computed = core.output.iter().filter(|output| whole_key(core, output).is_none());
    computed.chain(&core.having).for_each(|e| bare.expr(e));
    order_by.iter().for_each(|t| bare.expr(&t.expr));
    bare.found
}

impl<'a> Aggregates<'a> {
    /// Allocate registers and cursors.
    pub(super) fn prepare(e: &mut Emitter<'_>, core: &'a Core, bare: &[(SourceId, ColumnIndex)]) -> Self {
        let has_bare = !bare.is_empty();
        let content = e.builder.registers(core.aggregates.len() + bare.len());
        let states = Regs::new(content.first, core.aggregates.len());
        let mut extremes = 0;
        let running: Vec<Running> = core
            .aggregates
            .iter()
            .enumerate()
            .map(|(i, aggregate)| {
                let is_extreme = is_extreme(aggregate);
                let extreme = (is_extreme && has_bare).then(|| &*aggregate.function.name == "max");
                extremes += usize::from(extreme.is_some());
                let collation = e.builder.collation(&aggregate.collation);
                let call = e.builder.call(aggregate.function.clone(), aggregate.args.len(), collation);
                e.mark_parameters(call, aggregate.function.flags, &aggregate.args);
                let args = e.builder.registers(aggregate.args.len().max(1));
                // To min and max DISTINCT means nothing but that the columns beside them follow rows whose value has been there, too.
                let distinct = (aggregate.distinct && (!is_extreme || extreme.is_some()))
                    .then(|| Seen::new(e, std::slice::from_ref(&aggregate.collation)));
                let sorter = (!aggregate.order_by.is_empty()).then(|| {
                    let typed = Calls::of(core).typed_arguments(&aggregate.function, &aggregate.args);
                    let width = aggregate.order_by.len() + aggregate.args.len() + typed.len();
                    OrderedRows {
                        cursor: e.builder.cursor(),
                        record: e.builder.registers(width),
                        typed,
                        key: Arc::new(e.order_key(&aggregate.order_by)),
                    }
                });
                Running { state: states.at(i), call, args, distinct, sorter, extreme }
            })
            .collect();
        let kept = (core.aggregates.len()..).map(|i| content.at(i));
        let bare = bare.iter().zip(kept).map(|((s, c), reg)| (*s, *c, reg)).collect();
        let hit = (extremes > 0).then(|| e.builder.register());
        Self { core, running, bare, hit, content, turns: None }
    }

    /// The registers that hold all of a group.
    pub(super) fn content(&self) -> Regs {
        self.content
    }

    /// Columns beside the aggregates are those of the row of a minimum or maximum.
    pub(super) fn follows_extreme(&self) -> bool {
        self.hit.is_some()
    }

    /// The columns beside the aggregates.
    pub(super) fn bare_expressions(&self) -> Vec<Expr> {
        let column = |(source, column, _): &(SourceId, ColumnIndex, Reg)| Expr::Column {
            source: *source,
            column: *column,
            affinity: Affinity::None,
            collation: Collation::Binary,
        };
        self.bare.iter().map(column).collect()
    }

    /// Groups may be fed in turns, each row to its own: nothing of a group is outside of its registers, and feeding a row
    /// cannot fail (the rows of all groups before would be missing in the answer).
    pub(super) fn may_take_turns(&self) -> bool {
        let unsorted = self.running.iter().all(|r| r.sorter.is_none());
        let hashed = |a: &Aggregate| !a.distinct || !matches!(a.collation, Collation::Custom(_));
        unsorted
            && self.core.aggregates.iter().all(hashed)
            && self.core.aggregates.iter().all(|a| a.args.iter().chain(&a.filter).all(cannot_fail))
    }

    /// Feed groups in turns, whose keys are in `key` and compare so. Opens the sets of DISTINCT.
    pub(super) fn take_turns(&mut self, e: &mut Emitter<'_>, key: Regs, collations: &[Collation]) {
        for (running, aggregate) in self.running.iter_mut().zip(&self.core.aggregates) {
            if running.distinct.is_some() {
                let with_value: Vec<Collation> = collations.iter().chain([&aggregate.collation]).cloned().collect();
                let seen = Seen::new(e, &with_value);
                seen.open(e);
                running.distinct = Some(seen);
            }
        }
        let with_value = e.builder.registers(key.count as usize + 1);
        self.turns = Some(Turns { key, with_value });
    }

    /// Columns beside the aggregates are those of a group's first row, unless the row of an extreme takes its place. (Without
    /// FILTER the first row is itself such a row.)
    pub(super) fn keeps_first_row(&self) -> bool {
        self.hit.is_none() || self.core.aggregates.iter().any(|a| is_extreme(a) && a.filter.is_some())
    }

    /// Say what the aggregates keep rows in.
    pub(super) fn explain(&self, e: &mut Emitter<'_>) {
        for (running, aggregate) in self.running.iter().zip(&self.core.aggregates) {
            let name = &aggregate.function.name;
            if running.sorter.is_some() {
                e.builder.plan_node_with(|| format!("USE TEMP B-TREE FOR {name}(ORDER BY)"));
            } else if running.distinct.as_ref().is_some_and(Seen::keeps_rows) {
                e.builder.plan_node_with(|| format!("USE TEMP B-TREE FOR {name}(DISTINCT)"));
            }
        }
    }

    /// Rows come so that equal values of the only DISTINCT are neighbours.
    fn expect_neighbours(&mut self, e: &mut Emitter<'_>) {
        for (running, aggregate) in self.running.iter_mut().zip(&self.core.aggregates) {
            if running.distinct.is_some() {
                running.distinct = Some(Seen::adjacent(e, std::slice::from_ref(&aggregate.collation)));
            }
        }
    }

    /// Start a group: empty states.
    pub(super) fn reset(&self, e: &mut Emitter<'_>) {
        if let Some(first) = self.running.first() {
            e.builder.emit(Null { dest: Regs::new(first.state, self.running.len()) });
        }
        for running in &self.running {
            if let Some(seen) = &running.distinct {
                seen.open(e);
            }
            if let Some(OrderedRows { cursor, record, key, .. }) = &running.sorter {
                e.builder.emit(SorterOpen { cursor: *cursor, columns: record.count, keep: None, key: key.clone() });
            }
        }
    }

    /// Feed the row in hand to all aggregates.
    pub(super) fn step(&self, e: &mut Emitter<'_>) -> Result<()> {
        // An extreme of all rows clears it by itself. Where it is DISTINCT, a value that has been there leaves it as the row before did.
        let filtered = self.core.aggregates.iter().any(|a| is_extreme(a) && a.filter.is_some());
        if let Some(hit) = self.hit.filter(|_| filtered) {
            e.builder.emit(Integer { value: 0, dest: hit });
        }
        for (running, aggregate) in self.running.iter().zip(&self.core.aggregates) {
            self.step_one(e, running, aggregate)?;
        }
        if let Some(hit) = self.hit {
            let skip = e.builder.label();
            e.builder.emit(IfNot { reg: hit, target: skip, jump_if_null: true });
            self.load_bare(e)?;
            e.builder.bind(skip);
        }
        Ok(())
    }

    /// Keep the columns of the row in hand.
    pub(super) fn load_bare(&self, e: &mut Emitter<'_>) -> Result<()> {
        for (source, column, reg) in &self.bare {
            e.column_into(*source, *column, *reg)?;
        }
        Ok(())
    }

    fn step_one(&self, e: &mut Emitter<'_>, running: &Running, aggregate: &Aggregate) -> Result<()> {
        let skip = e.builder.label();
        if let Some(filter) = &aggregate.filter {
            e.jump_if_false(filter, skip, true)?;
        }
        // A single argument that is in a register already is used where it is.
        let args = match &*aggregate.args {
            [] => Regs::new(running.state, 0),
            [arg] => Regs::new(e.expr_or(arg, running.args.first)?, 1),
            args => {
                for (i, arg) in args.iter().enumerate() {
                    e.expr_into_kept(arg, running.args.at(i))?;
                }
                Regs::new(running.args.first, args.len())
            }
        };
        if let Some(seen) = &running.distinct {
            match &self.turns {
                Some(Turns { key, with_value }) => {
                    let value = with_value.at(key.count as usize);
                    e.builder.emit(Copy { from: key.first, to: with_value.first, count: key.count });
                    e.builder.emit(Copy { from: args.first, to: value, count: 1 });
                    seen.pass(e, *with_value, skip);
                }
                None => seen.pass(e, args, skip),
            }
        }
        if let Some(OrderedRows { cursor, record, typed, .. }) = &running.sorter {
            for (i, term) in aggregate.order_by.iter().enumerate() {
                e.expr_into(&term.expr, record.at(i))?;
            }
            let to = record.at(aggregate.order_by.len());
            if args.count > 0 {
                e.builder.emit(Copy { from: args.first, to, count: args.count });
            }
            let subtypes = aggregate.order_by.len() + aggregate.args.len();
            for (i, &arg) in typed.iter().enumerate() {
                e.builder.emit(GetSubtype { reg: args.at(arg), dest: record.at(subtypes + i) });
            }
            e.builder.emit(SorterAdd { cursor: *cursor, values: *record });
        } else if let (Some(is_max), Some(hit)) = (running.extreme, self.hit) {
            // Of several extremes the last one decides.
            e.builder.emit(Integer { value: 0, dest: hit });
            self.step_extreme(e, running.state, args.first, is_max, hit, &aggregate.collation);
        } else {
            e.builder.emit(AggStep { call: running.call, args: args.first, state: running.state });
        }
        e.builder.bind(skip);
        Ok(())
    }

    /// Keep the smaller or larger value, and note when it changed. While only NULLs have come every row counts.
    fn step_extreme(&self, e: &mut Emitter<'_>, state: Reg, value: Reg, is_max: bool, hit: Reg, collation: &Collation) {
        let (null, take, noted, skip) = (e.builder.label(), e.builder.label(), e.builder.label(), e.builder.label());
        e.builder.emit(IsNull { reg: value, target: null });
        e.builder.emit(IsNull { reg: state, target: take });
        let how = CompareHow { affinity: Affinity::Blob, collation: collation.clone() };
        let op = if is_max { CompareOp::Le } else { CompareOp::Ge };
        let no_better = e.compare_instruction(op, value, state, &how, Nulls::Fall, skip);
        e.builder.emit(no_better);
        e.builder.bind(take);
        e.builder.emit(Copy { from: value, to: state, count: 1 });
        e.builder.emit(Goto { target: noted });
        e.builder.bind(null);
        e.builder.emit(NotNull { reg: state, target: skip });
        e.builder.bind(noted);
        e.builder.emit(Integer { value: 1, dest: hit });
        e.builder.bind(skip);
    }

    /// The group is complete: replace states by values.
    pub(super) fn finish(&self, e: &mut Emitter<'_>) {
        for (running, aggregate) in self.running.iter().zip(&self.core.aggregates) {
            if let Some(OrderedRows { cursor, record, typed, .. }) = &running.sorter {
                let end = e.builder.label();
                e.builder.emit(SorterSort { cursor: *cursor, empty: end });
                let top = e.builder.label_here();
                for i in 0..aggregate.args.len() {
                    let column = (aggregate.order_by.len() + i) as u16;
                    e.builder.emit(Column { cursor: *cursor, column, dest: running.args.at(i), default: None });
                }
                for (i, &arg) in typed.iter().enumerate() {
                    let at = aggregate.order_by.len() + aggregate.args.len() + i;
                    let from = record.at(at);
                    e.builder.emit(Column { cursor: *cursor, column: at as u16, dest: from, default: None });
                    e.builder.emit(SetSubtype { from, reg: running.args.at(arg) });
                }
                e.builder.emit(AggStep { call: running.call, args: running.args.first, state: running.state });
                e.builder.emit(SorterNext { cursor: *cursor, target: top });
                e.builder.bind(end);
            }
            if running.extreme.is_none() {
                e.builder.emit(AggFinal { call: running.call, state: running.state });
            }
        }
    }

    /// From here on expressions find the values of the aggregates and of the columns beside them in registers. The result
    /// undoes it.
    pub(super) fn publish(&self, e: &mut Emitter<'_>) -> usize {
        let mark = e.moved.len();
        e.aggregates.push((self.core.id, self.running.iter().map(|r| r.state).collect()));
        e.moved.extend(self.bare.iter().map(|(s, c, reg)| (*s, *c, Place::Register(*reg))));
        mark
    }

    /// Undo [`publish`](Self::publish).
    pub(super) fn withdraw(&self, e: &mut Emitter<'_>, mark: usize) {
        e.aggregates.pop();
        e.moved.truncate(mark);
    }
}

impl Emitter<'_> {
    /// Aggregates over all rows: one result row.
    pub(super) fn aggregated(&mut self, core: &Core, limits: &Limits, to: &mut Destination<'_>) -> Result<()> {
        let bare = bare_columns(core, &[]);
        let mut aggregates = Aggregates::prepare(self, core, &bare);
        let extreme = single_extreme(core);
        let wish = match &extreme {
            Some(term) => Wish {
                order: vec![term.clone()],
                order_is_free: false,
                few_rows: true,
                min_max: true,
                ..Wish::default()
            },
            None => Wish { order: single_distinct(core).into_iter().collect(), order_is_free: true, ..Wish::default() },
        };
        let plan = self.plan_loops(core, &wish)?;
        if extreme.is_none() && !wish.order.is_empty() && (plan.order_satisfied == 1 || plan.single_row) {
            aggregates.expect_neighbours(self);
        }
        let after = self.builder.label();
        let countable = self.countable(core, &plan);
        let ordered = extreme.is_some() && plan.order_satisfied == 1;
        if countable.is_none()
            && !ordered
            && let Some(open) = self.batch_groups(core, &plan, (&[], false), &aggregates)?
        {
            self.batch_only_row(open, aggregates.content(), after);
        }
        aggregates.reset(self);
        for (_, _, reg) in &aggregates.bare {
            self.builder.emit(Null { dest: Regs::new(*reg, 1) });
        }
        aggregates.explain(self);
        if let Some(cursor) = countable {
            // count(*) of a whole table: the tree knows.
            if let Some(running) = aggregates.running.first() {
                self.builder.emit(Count { cursor, dest: running.state });
            }
        } else {
            let first_seen = (!aggregates.bare.is_empty() && aggregates.keeps_first_row()).then(|| {
                let seen = self.builder.register();
                self.builder.emit(Integer { value: 0, dest: seen });
                seen
            });
            self.loops(core, &plan, &mut |e, exits| {
                if let Some(seen) = first_seen {
                    let skip = e.builder.label();
                    e.builder.emit(If { reg: seen, target: skip, jump_if_null: false });
                    aggregates.load_bare(e)?;
                    e.builder.emit(Integer { value: 1, dest: seen });
                    e.builder.bind(skip);
                }
                aggregates.step(e)?;
                if ordered && let Some(term) = &extreme {
                    // The first value that is not NULL is the extreme.
                    if term.descending {
                        e.builder.emit(Goto { target: exits.done });
                    } else {
                        let reg = e.expr(&term.expr)?;
                        e.builder.emit(NotNull { reg, target: exits.done });
                    }
                }
                Ok(())
            })?;
            aggregates.finish(self);
        }
        self.builder.bind(after);
        let mark = aggregates.publish(self);
        let result = self.aggregate_row(core, limits, to);
        aggregates.withdraw(self, mark);
        result
    }

    fn aggregate_row(&mut self, core: &Core, limits: &Limits, to: &mut Destination<'_>) -> Result<()> {
        let end = self.builder.label();
        if let Some(having) = &core.having {
            self.jump_if_false(having, end, true)?;
        }
        let mut sink = Sink::open(self, Wanted::sorted(&core.output, &[]), limits, to)?;
        sink.row(self, end)?;
        sink.close(self)?;
        self.builder.bind(end);
        Ok(())
    }

    /// For `SELECT count(*) FROM t` a cursor on the tree whose entries are counted.
    fn countable(&mut self, core: &Core, plan: &JoinPlan) -> Option<CursorId> {
        let ([aggregate], [source], [level]) = (&*core.aggregates, &*core.sources, &*plan.levels) else { return None };
        let counts = aggregate.function.flags.has(FunctionFlags::COUNT)
            && aggregate.args.is_empty()
            && aggregate.filter.is_none();
        let unfiltered = core.filter.is_empty() && level.filters.is_empty() && plan.constant_filters.is_empty();
        let Relation::Table { db, table } = &source.relation else { return None };
        if !counts || !unfiltered || source.exists || table.broken.is_some() || !bare_columns(core, &[]).is_empty() {
            return None;
        }
        let cursor = match &level.access {
            Access::Scan { .. } => self.open_table(*db, table),
            Access::IndexScan { index, covering: true, .. } if index.partial.is_none() && index.broken.is_none() => {
                self.open_index(*db, index)
            }
            _ => return None,
        };
        self.explain_level(source, level, false);
        Some(cursor)
    }
}

/// The order in which equal values of the only aggregate, which is DISTINCT, come one after the other.
fn single_distinct(core: &Core) -> Option<OrderTerm> {
    let ([aggregate], [arg]) = (&*core.aggregates, &*core.aggregates.first()?.args) else { return None };
    let flags = aggregate.function.flags;
    let plain = aggregate.distinct && !flags.has(FunctionFlags::MIN_MAX) && aggregate.order_by.is_empty();
    (plain && !arg.is_loop_constant()).then(|| OrderTerm {
        expr: arg.clone(),
        output: None,
        collation: aggregate.collation.clone(),
        descending: false,
        nulls_reversed: false,
    })
}

/// The order in which the first row answers a query whose only aggregate is a min or max.
fn single_extreme(core: &Core) -> Option<OrderTerm> {
    let [aggregate] = &*core.aggregates else { return None };
    let [arg] = &*aggregate.args else { return None };
    if !aggregate.function.flags.has(FunctionFlags::MIN_MAX) || aggregate.filter.is_some() || arg.is_loop_constant() {
        return None;
    }
    Some(OrderTerm {
        expr: arg.clone(),
        output: None,
        collation: aggregate.collation.clone(),
        descending: &*aggregate.function.name == "max",
        nulls_reversed: false,
    })
}
