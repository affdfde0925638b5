//! Window functions.
//!
//! The rows of the core without its windows are collected with everything that windows and outputs read. Windows with the same
//! PARTITION BY and ORDER BY make one stage, which takes the rows in that order, goes through them partition by partition and adds
//! the values. The stage that runs first has the core deliver its order, which an index may serve; the others sort. The first
//! window's stage is the last one, so rows come out in its order.
//!
//! ```text
//!   core ORDER BY … -> stage n: partition -> values -> … -> stage 1: sorter -> partition -> values -> sink
//! ```
//! A row is: the fields, the values of all window functions. In a sorter the keys of its stage stand before it.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::Lookup;
use turso_program::control::{Gosub, Goto, IfPos, Jump, Return};
use turso_program::cursor::{Column, Next, OpenDup, OpenEphemeral, Rewind};
use turso_program::data::{Copy, Integer, Null};
use turso_program::expression::{AddImm, Compare};
use turso_program::sorter::{SorterAdd, SorterNext, SorterOpen, SorterSort};
use turso_program::write::{Insert, MakeRecord, Position};
use turso_program::{CursorId, Label, Reg, Regs};
use turso_value::{Collation, KeyColumn, KeyInfo, Value};

use super::emitter::Place;
use super::select::Limits;
use super::select_sort::{Distinct, Sink, Wanted};
use super::window_frame::{FunctionRun, PartitionState};
use super::{Destination, Emitter};
use crate::bind::{Calls, ordering_collation};
use crate::plan::{Core, Expr, OrderTerm, Visit, Window, same_expr, walk_expr};

/// The expressions that rows carry.
pub(super) struct Fields {
    exprs: Vec<Expr>,
}

impl Fields {
    /// The field of an expression, which is added if it is new.
    fn add(&mut self, e: &Expr) -> usize {
        if let Some(at) = self.exprs.iter().position(|f| same_expr(f, e)) {
            return at;
        }
        self.exprs.push(e.clone());
        self.exprs.len() - 1
    }
}

/// Finds what outputs read of a row: columns, aggregates, group keys.
struct Leaves<'c, 'f> {
    core: &'c Core,
    fields: &'f mut Fields,
}

impl Visit for Leaves<'_, '_> {
    fn expr(&mut self, e: &Expr) {
        if matches!(e, Expr::Window { .. }) {
            return;
        }
        let is_leaf = match e {
            Expr::Column { source, .. } => self.core.sources.iter().any(|s| s.id == *source),
            Expr::Aggregate { core, .. } => *core == self.core.id,
            _ => false,
        };
        if is_leaf || self.core.group_by.iter().any(|key| same_expr(key.without_collate(), e)) {
            self.fields.add(e);
            return;
        }
        walk_expr(self, e);
    }
}

/// Where the parts of one window function stand among the fields.
pub(super) struct WindowFields {
    pub args: Vec<usize>,
    /// Arguments whose subtypes are kept, and the fields that do so.
    pub subtypes: Vec<(usize, usize)>,
    pub filter: Option<usize>,
}

/// `subtype(e)`.
fn subtype_of(e: &Expr) -> Expr {
    match turso_functions::lookup(b"subtype", 1) {
        Lookup::Found(function) => Expr::Function { function, args: vec![e.clone()], collation: Collation::Binary },
        Lookup::WrongArity | Lookup::Unknown => Expr::Literal(Value::Null),
    }
}

/// The order in which a window wants its rows, by the fields that hold its terms.
fn order_of(window: &Window, partition: &[usize], order: &[usize]) -> Vec<OrderTerm> {
    let parts = window.partition_by.iter().zip(partition).map(|(e, &at)| OrderTerm {
        expr: e.clone(),
        output: Some(at),
        collation: ordering_collation(e),
        descending: false,
        nulls_reversed: false,
    });
    let terms = window.order_by.iter().zip(order).map(|(t, &at)| OrderTerm { output: Some(at), ..t.clone() });
    parts.chain(terms).collect()
}

/// Windows that share a partition and an order.
struct Stage {
    windows: Vec<usize>,
    partition: Vec<usize>,
    order: Vec<usize>,
    /// What the rows of the stage before are sorted in; `None` where they come in order.
    sorter: Option<Sorter>,
    /// How partitions compare, and the values of the one in hand and of the row that comes.
    partition_key: Arc<KeyInfo>,
    old: Regs,
    new: Regs,
    order_key: Arc<KeyInfo>,
    /// The partition in hand, a table numbered from 1.
    rows: CursorId,
    /// Number of rows in it.
    count: Reg,
    /// The subroutine that goes through the partition in hand.
    process: Label,
    return_to: Reg,
}

struct Sorter {
    cursor: CursorId,
    /// The record that is put into it: partition, order, and the row.
    record: Regs,
}

fn same_terms(a: &[OrderTerm], b: &[OrderTerm]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            same_expr(&a.expr, &b.expr)
                && a.collation == b.collation
                && a.descending == b.descending
                && a.nulls_reversed == b.nulls_reversed
        })
}

fn same_window(a: &Window, b: &Window) -> bool {
    same_terms(&a.order_by, &b.order_by)
        && a.partition_by.len() == b.partition_by.len()
        && a.partition_by.iter().zip(&b.partition_by).all(|(a, b)| same_expr(a, b))
}

impl Emitter<'_> {
    /// A core with window functions.
    pub(super) fn windowed(
        &mut self,
        core: &Core,
        order_by: &[OrderTerm],
        limits: &Limits,
        to: &mut Destination<'_>,
    ) -> Result<()> {
        let order_by = if Self::order_matters(to, limits) { order_by } else { &[] };
        let mut fields = Fields { exprs: Vec::new() };
        let mut leaves = Leaves { core, fields: &mut fields };
        core.output.iter().for_each(|e| leaves.expr(e));
        order_by.iter().for_each(|t| leaves.expr(&t.expr));
        let leaf_count = fields.exprs.len();
        let mut window_fields = Vec::with_capacity(core.windows.len());
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (i, window) in core.windows.iter().enumerate() {
            let args = window.args.iter().map(|e| fields.add(e)).collect();
            let typed = Calls::of(core).typed_arguments(&window.function, &window.args);
            let subtypes = typed.into_iter().map(|i| (i, fields.add(&subtype_of(&window.args[i])))).collect();
            let filter = window.filter.as_ref().map(|e| fields.add(e));
            window_fields.push(WindowFields { args, subtypes, filter });
            let same = |g: &&mut Vec<usize>| {
                g.first().and_then(|&w| core.windows.get(w)).is_some_and(|w| same_window(w, window))
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(i),
                None => groups.push(vec![i]),
            }
        }
        let mut parts = Vec::with_capacity(groups.len());
        for group in &groups {
            let Some(window) = group.first().and_then(|&w| core.windows.get(w)) else { continue };
            let partition: Vec<usize> = window.partition_by.iter().map(|e| fields.add(e)).collect();
            let order: Vec<usize> = window.order_by.iter().map(|t| fields.add(&t.expr)).collect();
            parts.push((partition, order, window));
        }
        let width = fields.exprs.len() + core.windows.len();
        let row = self.builder.registers(width);
        self.builder.emit(Null { dest: row });
        let mut stages = Vec::with_capacity(groups.len());
        let (last, mut terms) = (groups.len().saturating_sub(1), Vec::new());
        for (i, (windows, (partition, order, window))) in groups.into_iter().zip(parts).enumerate() {
            // The last group comes first, and asks the rows without windows for its order, which an index may serve.
            if i == last {
                terms = order_of(window, &partition, &order);
            }
            stages.push(self.open_stage(windows, partition, order, window, width, i != last));
        }
        let wanted = Wanted { distinct: Distinct::of(core), ..Wanted::sorted(&core.output, order_by) };
        let mut sink = Sink::open(self, wanted, limits, to)?;
        // To SQLite the rows without a window are a subquery.
        let numbers: Vec<u32> = stages.iter().map(|_| self.context.next_subquery_number()).collect();
        for number in &numbers {
            self.builder.open_plan_node_with(|| format!("CO-ROUTINE (subquery-{number})"));
        }
        stages.reverse();
        let Some(first) = stages.first() else { return Err(Error::sql("misuse of window function")) };
        // The rows without windows.
        let base = Core { windows: Vec::new(), distinct: false, output: fields.exprs.clone(), ..core.clone() };
        let none = Limits::none(self.builder.label());
        self.core_query(
            &base,
            &terms,
            &none,
            &mut Destination::Each(&mut |e, values| {
                for (i, &at) in first.partition.iter().enumerate() {
                    e.builder.emit(Copy { from: values.at(at), to: first.new.at(i), count: 1 });
                }
                e.begin_row(first, width);
                if values.count > 0 {
                    e.builder.emit(Copy { from: values.first, to: row.first, count: values.count });
                }
                e.append(first, row);
                Ok(())
            }),
        )?;
        self.builder.bind(none.done);
        for (stage, number) in stages.iter().zip(numbers.iter().rev()) {
            if stage.sorter.is_some() {
                self.builder.plan_node("USE TEMP B-TREE FOR ORDER BY");
            }
            self.builder.close_plan_node();
            self.builder.plan_node_with(|| format!("SCAN (subquery-{number})"));
        }
        for (n, stage) in stages.iter().enumerate() {
            let next = stages.get(n + 1);
            let leaves = fields.exprs.get(..leaf_count).unwrap_or(&[]);
            self.run_stage(core, stage, next, &window_fields, leaves, fields.exprs.len(), row, &mut sink)?;
        }
        sink.close(self)
    }

    fn open_stage(
        &mut self,
        windows: Vec<usize>,
        partition: Vec<usize>,
        order: Vec<usize>,
        window: &Window,
        width: usize,
        sorts: bool,
    ) -> Stage {
        let keys = partition.len() + order.len();
        let order_key = self.order_key(&window.order_by);
        let parts = window.partition_by.iter();
        let parts = parts.map(|e| KeyColumn { collation: ordering_collation(e), ..KeyColumn::default() });
        let partition_key = self.key_info(parts.collect());
        let sorter = (sorts && keys > 0).then(|| {
            let columns = partition_key.columns.iter().chain(&order_key.columns).cloned().collect();
            let (cursor, key) = (self.builder.cursor(), Arc::new(self.key_info(columns)));
            self.builder.emit(SorterOpen { cursor, columns: (keys + width) as u32, keep: None, key });
            Sorter { cursor, record: self.builder.registers(keys + width) }
        });
        let (rows, count) = (self.builder.cursor(), self.builder.register());
        self.builder.emit(Integer { value: 0, dest: count });
        self.builder.emit(OpenEphemeral { cursor: rows, columns: width as u32, key: None });
        // Peers are equal whatever the direction is.
        let peers =
            order_key.columns.iter().map(|c| KeyColumn { collation: c.collation.clone(), ..KeyColumn::default() });
        let order_key = Arc::new(self.key_info(peers.collect()));
        let (old, new) = (self.builder.registers(partition.len()), self.builder.registers(partition.len()));
        let (process, return_to) = (self.builder.label(), self.builder.register());
        let partition_key = Arc::new(partition_key);
        Stage { windows, partition, order, sorter, partition_key, old, new, order_key, rows, count, process, return_to }
    }

    /// Hand a row to a stage that is not the first.
    fn feed(&mut self, stage: &Stage, row: Regs) {
        let Some(sorter) = &stage.sorter else { return self.append(stage, row) };
        for (i, &at) in stage.partition.iter().chain(&stage.order).enumerate() {
            self.builder.emit(Copy { from: row.at(at), to: sorter.record.at(i), count: 1 });
        }
        let keys = stage.partition.len() + stage.order.len();
        self.builder.emit(Copy { from: row.first, to: sorter.record.at(keys), count: row.count });
        self.builder.emit(SorterAdd { cursor: sorter.cursor, values: sorter.record });
    }

    /// A row of the partition `stage.new` comes, in order: if it is another one than that in hand, that one is done.
    fn begin_row(&mut self, stage: &Stage, width: usize) {
        if stage.partition.is_empty() {
            return;
        }
        let (compare, fresh, changed, same) =
            (self.builder.label(), self.builder.label(), self.builder.label(), self.builder.label());
        self.builder.emit(IfPos { reg: stage.count, target: compare, decrement: 0 });
        self.builder.emit(Goto { target: fresh });
        self.builder.bind(compare);
        self.builder.emit(Compare { left: stage.old.first, right: stage.new.first, key: stage.partition_key.clone() });
        self.builder.emit(Jump { less: changed, equal: same, greater: changed });
        self.builder.bind(changed);
        self.builder.emit(Gosub { return_to: stage.return_to, target: stage.process });
        self.builder.emit(OpenEphemeral { cursor: stage.rows, columns: width as u32, key: None });
        self.builder.emit(Integer { value: 0, dest: stage.count });
        self.builder.bind(fresh);
        self.builder.emit(Copy { from: stage.new.first, to: stage.old.first, count: stage.new.count });
        self.builder.bind(same);
    }

    /// Append a row to the partition in hand.
    fn append(&mut self, stage: &Stage, row: Regs) {
        let record = self.builder.temporary();
        self.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
        self.builder.emit(AddImm { reg: stage.count, amount: 1 });
        let insert =
            Insert { cursor: stage.rows, record, rowid: stage.count, position: Position::Append, change: None };
        self.builder.emit(insert);
        self.builder.release(record);
    }

    #[allow(clippy::too_many_arguments)]
    fn run_stage(
        &mut self,
        core: &Core,
        stage: &Stage,
        next: Option<&Stage>,
        window_fields: &[WindowFields],
        leaves: &[Expr],
        field_count: usize,
        row: Regs,
        sink: &mut Sink<'_, '_, '_>,
    ) -> Result<()> {
        let mut runs = Vec::with_capacity(stage.windows.len());
        for &w in &stage.windows {
            let (Some(window), Some(fields)) = (core.windows.get(w), window_fields.get(w)) else { continue };
            runs.push(self.prepare_window(window, fields, row.at(field_count + w)));
        }
        let end = self.builder.label();
        let width = row.count as usize;
        if let Some(sorter) = &stage.sorter {
            let keys = stage.partition.len() + stage.order.len();
            self.builder.emit(SorterSort { cursor: sorter.cursor, empty: end });
            let top = self.builder.label_here();
            for i in 0..stage.partition.len() {
                self.builder.emit(Column {
                    cursor: sorter.cursor,
                    column: i as u16,
                    dest: stage.new.at(i),
                    default: None,
                });
            }
            self.begin_row(stage, width);
            for i in 0..width {
                let column = (keys + i) as u16;
                self.builder.emit(Column { cursor: sorter.cursor, column, dest: row.at(i), default: None });
            }
            self.append(stage, row);
            self.builder.emit(SorterNext { cursor: sorter.cursor, target: top });
        }
        self.builder.emit(Gosub { return_to: stage.return_to, target: stage.process });
        self.builder.emit(Goto { target: end });
        self.builder.bind(stage.process);
        let free = self.builder.begin_subroutine();
        self.loop_depth += 1;
        let result = self.process_partition(core, stage, next, &runs, leaves, field_count, row, sink);
        self.loop_depth -= 1;
        self.builder.end_subroutine(free);
        result?;
        self.builder.emit(Return { return_to: stage.return_to, or_fall_through: false });
        self.builder.bind(end);
        Ok(())
    }

    /// Go through the rows of the partition in hand.
    #[allow(clippy::too_many_arguments)]
    fn process_partition(
        &mut self,
        core: &Core,
        stage: &Stage,
        next_stage: Option<&Stage>,
        runs: &[FunctionRun<'_>],
        leaves: &[Expr],
        field_count: usize,
        row: Regs,
        sink: &mut Sink<'_, '_, '_>,
    ) -> Result<()> {
        let (current, look) = (self.builder.cursor(), self.builder.cursor());
        self.builder.emit(OpenDup { cursor: current, original: stage.rows });
        self.builder.emit(OpenDup { cursor: look, original: stage.rows });
        let partition = PartitionState {
            look,
            position: self.builder.registers(5),
            order: stage.order.clone(),
            order_key: stage.order_key.clone(),
            keys: self.builder.registers(stage.order.len().max(1)),
            other: self.builder.registers(stage.order.len().max(1)),
            groups: runs.iter().any(FunctionRun::needs_groups).then(|| self.builder.cursor()),
        };
        self.builder.emit(Copy { from: stage.count, to: partition.rows(), count: 1 });
        self.begin_partition(&partition, current)?;
        let (ended, next) = (self.builder.label(), self.builder.label());
        self.builder.emit(Rewind { cursor: current, empty: ended });
        for run in runs {
            self.begin_run(run)?;
        }
        let top = self.builder.label_here();
        self.find_peers(&partition, current);
        for run in runs {
            self.window_value(run, &partition, current)?;
        }
        match next_stage {
            Some(stage) => {
                // What this stage did not compute stays as it is in the row.
                let mine = |at: usize| runs.iter().any(|r| r.value == row.at(at));
                for i in (0..row.count as usize).filter(|i| !mine(*i)) {
                    self.builder.emit(Column { cursor: current, column: i as u16, dest: row.at(i), default: None });
                }
                self.feed(stage, row);
            }
            None => {
                let known_mark = self.known.len();
                for (i, leaf) in leaves.iter().enumerate() {
                    self.known.push((leaf.clone(), Place::Field(current, i as u16)));
                }
                let place = |w: usize| {
                    let at = field_count + w;
                    if runs.iter().any(|r| r.value == row.at(at)) {
                        Place::Register(row.at(at))
                    } else {
                        Place::Field(current, at as u16)
                    }
                };
                self.windows.push((core.id, (0..core.windows.len()).map(place).collect()));
                let result = sink.row(self, next);
                self.windows.pop();
                self.known.truncate(known_mark);
                result?;
            }
        }
        self.builder.bind(next);
        self.builder.emit(AddImm { reg: partition.row(), amount: 1 });
        self.builder.emit(Next { cursor: current, target: top });
        self.builder.bind(ended);
        Ok(())
    }
}
