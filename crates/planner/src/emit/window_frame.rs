//! The value of one window function for one row of a partition: peers, frames, aggregates over moving frames.
//!
//! Rows are numbered from 0 (their rowid is one more). A frame is `start..end` before EXCLUDE. An aggregate keeps the rows
//! `first..behind` in its state and moves both ends forward with the frame; where it cannot give rows back, or EXCLUDE leaves
//! holes, it is computed anew for each row.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::{FunctionFlags, FunctionKind};
use turso_parser::ast::{FrameBound, FrameExclude, FrameUnits};
use turso_program::control::{Goto, IfNot, IsNull, Jump, MustBeInt, OnError, Raise, RaiseError};
use turso_program::cursor::{Column, Next, NotExists, OpenEphemeral, Rewind};
use turso_program::data::{Copy, Integer, Null, SetSubtype};
use turso_program::expression::{
    Add, AddImm, AggFinal, AggInverse, AggStep, AggValue, Compare, Comparison, Eq, Ge, Gt, Le, Lt, Nulls, Subtract,
    WindowLocate,
};
use turso_program::write::{Insert, MakeRecord, NewRowid, Position};
use turso_program::{CallId, CollationId, CursorId, Label, Reg, Regs};
use turso_value::{Affinity, KeyInfo, Value};

use super::Emitter;
use super::window::WindowFields;
use crate::plan::Window;

/// The partition in hand.
pub(super) struct PartitionState {
    /// Reads any row.
    pub look: CursorId,
    /// Row, number of rows, start and end of the peers, number of the peer group.
    pub position: Regs,
    /// The fields of ORDER BY.
    pub order: Vec<usize>,
    pub order_key: Arc<KeyInfo>,
    /// ORDER BY values of the row in hand.
    pub keys: Regs,
    /// ORDER BY values of another row.
    pub other: Regs,
    /// The first row of each peer group.
    pub groups: Option<CursorId>,
}

impl PartitionState {
    pub fn row(&self) -> Reg {
        self.position.at(0)
    }
    pub fn rows(&self) -> Reg {
        self.position.at(1)
    }
    fn peers_start(&self) -> Reg {
        self.position.at(2)
    }
    fn peers_end(&self) -> Reg {
        self.position.at(3)
    }
    fn group(&self) -> Reg {
        self.position.at(4)
    }
}

/// One window function while a stage runs.
pub(super) struct FunctionRun<'w> {
    window: &'w Window,
    call: CallId,
    args: Regs,
    arg_fields: Vec<usize>,
    subtypes: Vec<(usize, usize)>,
    filter: Option<usize>,
    /// Where its value goes.
    pub value: Reg,
    state: Reg,
    /// Frame of the row in hand.
    start: Reg,
    end: Reg,
    /// Rows that the state holds.
    first: Reg,
    behind: Reg,
    /// RANGE with offsets: how far the ends have been searched.
    start_offset: Option<Reg>,
    end_offset: Option<Reg>,
}

impl FunctionRun<'_> {
    /// GROUPS with offsets needs the starts of all groups.
    pub fn needs_groups(&self) -> bool {
        self.window.frame.units == FrameUnits::Groups && (self.start_offset.is_some() || self.end_offset.is_some())
    }
    fn is_aggregate(&self) -> bool {
        self.window.function.is_aggregate()
    }
    fn uses_frame(&self) -> bool {
        match &self.window.function.kind {
            FunctionKind::Window(function) => function.uses_frame(),
            _ => true,
        }
    }
    fn exclude(&self) -> Option<FrameExclude> {
        self.window.frame.exclude.filter(|e| *e != FrameExclude::NoOthers)
    }
    /// The state can follow the frame. (As in SQLite, even `EXCLUDE NO OTHERS` means that each frame is computed anew: the type
    /// of a sum may show it.)
    fn moves(&self) -> bool {
        self.window.frame.exclude.is_none()
            && (matches!(self.window.frame.start, FrameBound::UnboundedPreceding)
                || self.window.function.flags.has(FunctionFlags::WINDOW))
    }
}

const PLAIN: Comparison = Comparison { affinity: Affinity::Blob, collation: CollationId(0), nulls: Nulls::Fall };

impl Emitter<'_> {
    /// Registers of a window function, before its stage runs.
    pub(super) fn prepare_window<'w>(
        &mut self,
        window: &'w Window,
        fields: &WindowFields,
        value: Reg,
    ) -> FunctionRun<'w> {
        let collation = window.args.iter().find_map(crate::bind::collation_of).unwrap_or_default();
        let collation = self.builder.collation(&collation);
        let call = self.builder.call(window.function.clone(), window.args.len(), collation);
        let start_offset = window.start_offset.as_ref().map(|_| self.builder.register());
        let end_offset = window.end_offset.as_ref().map(|_| self.builder.register());
        let block = self.builder.registers(5);
        let run = FunctionRun {
            window,
            call,
            args: self.builder.registers(window.args.len().max(1)),
            arg_fields: fields.args.clone(),
            subtypes: fields.subtypes.clone(),
            filter: fields.filter,
            value,
            state: block.at(0),
            start: block.at(1),
            end: block.at(2),
            first: block.at(3),
            behind: block.at(4),
            start_offset,
            end_offset,
        };
        if run.is_aggregate() && run.moves() && !matches!(window.frame.start, FrameBound::UnboundedPreceding) {
            self.builder.set_moving(call);
        }
        run
    }

    fn frame_offset(&mut self, e: &crate::plan::Expr, which: &str, numeric: bool, reg: Reg) -> Result<()> {
        self.expr_into(e, reg)?;
        let (bad, good) = (self.builder.label(), self.builder.label());
        let zero = self.constant(&Value::Integer(0));
        if numeric {
            // Text and blobs are greater than every number.
            let text = self.constant(&Value::text(Vec::new()));
            self.apply_affinity(reg, Affinity::Numeric);
            self.builder.emit(IsNull { reg, target: bad });
            self.builder.emit(Ge { left: reg, right: text, target: bad, how: PLAIN });
        } else {
            self.builder.emit(MustBeInt { reg, otherwise: Some(bad) });
        }
        self.builder.emit(Ge { left: reg, right: zero, target: good, how: PLAIN });
        self.builder.bind(bad);
        let kind = if numeric { "number" } else { "integer" };
        let message = format!("frame {which} offset must be a non-negative {kind}");
        let raise = Raise { code: ResultCode::ERROR, on_error: OnError::Abort, message: Some(message.into()) };
        self.builder.emit(RaiseError { message: None, raise: Arc::new(raise) });
        self.builder.bind(good);
        Ok(())
    }

    fn integer(&mut self, value: i64, dest: Reg) {
        self.builder.emit(Integer { value, dest });
    }

    fn move_register(&mut self, from: Reg, to: Reg) {
        self.builder.emit(Copy { from, to, count: 1 });
    }

    /// Position `look` on row `row`; jump when there is none.
    fn look_at(&mut self, look: CursorId, row: Reg, miss: Label) {
        let rowid = self.builder.temporary();
        self.move_register(row, rowid);
        self.builder.emit(AddImm { reg: rowid, amount: 1 });
        self.builder.emit(NotExists { cursor: look, rowid, miss });
        self.builder.release(rowid);
    }

    fn order_values(&mut self, partition: &PartitionState, cursor: CursorId, dest: Regs) {
        for (i, &field) in partition.order.iter().enumerate() {
            self.builder.emit(Column { cursor, column: field as u16, dest: dest.at(i), default: None });
        }
    }

    /// Start a partition; with `groups` find where the peer groups start.
    pub(super) fn begin_partition(&mut self, partition: &PartitionState, current: CursorId) -> Result<()> {
        self.integer(0, partition.row());
        self.integer(0, partition.peers_start());
        self.integer(0, partition.peers_end());
        self.integer(-1, partition.group());
        let Some(groups) = partition.groups else { return Ok(()) };
        self.builder.emit(OpenEphemeral { cursor: groups, columns: 1, key: None });
        let row = self.builder.register();
        let (rowid, record) = (self.builder.register(), self.builder.register());
        let (ended, add, skip, compare) =
            (self.builder.label(), self.builder.label(), self.builder.label(), self.builder.label());
        let insert = |e: &mut Self| {
            e.builder.emit(MakeRecord { values: Regs::new(row, 1), dest: record, affinities: None });
            e.builder.emit(NewRowid { cursor: groups, dest: rowid, at_least: None });
            e.builder.emit(Insert { cursor: groups, record, rowid, position: Position::Append, change: None });
        };
        self.integer(0, row);
        self.builder.emit(Rewind { cursor: current, empty: ended });
        let top = self.builder.label_here();
        self.order_values(partition, current, partition.other);
        self.builder.emit(turso_program::control::IfPos { reg: row, target: compare, decrement: 0 });
        self.builder.emit(Goto { target: add });
        self.builder.bind(compare);
        if partition.order.is_empty() {
            self.builder.emit(Goto { target: skip });
        } else {
            let key = partition.order_key.clone();
            self.builder.emit(Compare { left: partition.keys.first, right: partition.other.first, key });
            self.builder.emit(Jump { less: add, equal: skip, greater: add });
        }
        self.builder.bind(add);
        self.builder.emit(Copy { from: partition.other.first, to: partition.keys.first, count: partition.keys.count });
        insert(self);
        self.builder.bind(skip);
        self.builder.emit(AddImm { reg: row, amount: 1 });
        self.builder.emit(Next { cursor: current, target: top });
        self.builder.bind(ended);
        insert(self);
        Ok(())
    }

    /// Start a window function on a new partition, which has a row.
    pub(super) fn begin_run(&mut self, run: &FunctionRun<'_>) -> Result<()> {
        let numeric = run.window.frame.units == FrameUnits::Range;
        if let (Some(e), Some(reg)) = (&run.window.start_offset, run.start_offset) {
            self.frame_offset(e, "starting", numeric, reg)?;
        }
        if let (Some(e), Some(reg)) = (&run.window.end_offset, run.end_offset) {
            self.frame_offset(e, "ending", numeric, reg)?;
        }
        self.builder.emit(Null { dest: Regs::new(run.state, 1) });
        for reg in [run.start, run.end, run.first, run.behind] {
            self.integer(0, reg);
        }
        Ok(())
    }

    /// Where the peers of the row in hand start and end.
    pub(super) fn find_peers(&mut self, partition: &PartitionState, current: CursorId) {
        let same = self.builder.label();
        let (row, end) = (partition.row(), partition.peers_end());
        self.builder.emit(Lt { left: row, right: end, target: same, how: PLAIN });
        self.move_register(row, partition.peers_start());
        self.builder.emit(AddImm { reg: partition.group(), amount: 1 });
        if partition.order.is_empty() {
            self.move_register(partition.rows(), end);
        } else {
            self.order_values(partition, current, partition.keys);
            self.move_register(row, end);
            let (top, more) = (self.builder.label(), self.builder.label());
            self.builder.bind(top);
            self.builder.emit(AddImm { reg: end, amount: 1 });
            self.look_at(partition.look, end, same);
            self.order_values(partition, partition.look, partition.other);
            let key = partition.order_key.clone();
            self.builder.emit(Compare { left: partition.keys.first, right: partition.other.first, key });
            self.builder.emit(Jump { less: same, equal: more, greater: same });
            self.builder.bind(more);
            self.builder.emit(Goto { target: top });
        }
        self.builder.bind(same);
    }

    /// Compute the value of a window function for the row in hand.
    pub(super) fn window_value(
        &mut self,
        run: &FunctionRun<'_>,
        partition: &PartitionState,
        current: CursorId,
    ) -> Result<()> {
        if run.uses_frame() {
            self.frame(run, partition)?;
        }
        if run.is_aggregate() {
            if run.moves() {
                self.moving_aggregate(run, partition);
            } else {
                self.recomputed_aggregate(run, partition);
            }
            return Ok(());
        }
        self.located_value(run, partition, current);
        Ok(())
    }

    // ---- Frames ---------------------------------------------------------------------------------------------------------

    fn frame(&mut self, run: &FunctionRun<'_>, partition: &PartitionState) -> Result<()> {
        let frame = &run.window.frame;
        let current_row = FrameBound::CurrentRow;
        let end = frame.end.as_ref().unwrap_or(&current_row);
        match (&frame.start, frame.units) {
            (FrameBound::UnboundedPreceding, _) => {}
            (FrameBound::UnboundedFollowing, _) => return Err(Error::sql("unsupported frame specification")),
            (FrameBound::CurrentRow, FrameUnits::Rows) => self.move_register(partition.row(), run.start),
            (FrameBound::CurrentRow, _) => self.move_register(partition.peers_start(), run.start),
            (bound, units) => {
                let offset = run.start_offset.ok_or_else(|| Error::sql("unsupported frame specification"))?;
                let preceding = matches!(bound, FrameBound::Preceding(_));
                self.offset_bound(run, partition, units, offset, preceding, false);
            }
        }
        match (end, frame.units) {
            (FrameBound::UnboundedFollowing, _) => self.move_register(partition.rows(), run.end),
            (FrameBound::UnboundedPreceding, _) => return Err(Error::sql("unsupported frame specification")),
            (FrameBound::CurrentRow, FrameUnits::Rows) => {
                self.move_register(partition.row(), run.end);
                self.builder.emit(AddImm { reg: run.end, amount: 1 });
            }
            (FrameBound::CurrentRow, _) => self.move_register(partition.peers_end(), run.end),
            (bound, units) => {
                let offset = run.end_offset.ok_or_else(|| Error::sql("unsupported frame specification"))?;
                let preceding = matches!(bound, FrameBound::Preceding(_));
                self.offset_bound(run, partition, units, offset, preceding, true);
            }
        }
        Ok(())
    }

    fn offset_bound(
        &mut self,
        run: &FunctionRun<'_>,
        partition: &PartitionState,
        units: FrameUnits,
        offset: Reg,
        preceding: bool,
        is_end: bool,
    ) {
        let dest = if is_end { run.end } else { run.start };
        match units {
            FrameUnits::Rows => {
                self.shifted(partition.row(), offset, preceding, dest);
                if is_end {
                    self.builder.emit(AddImm { reg: dest, amount: 1 });
                }
                self.clamp(partition, dest);
            }
            FrameUnits::Groups => {
                let group = self.builder.temporary();
                self.shifted(partition.group(), offset, preceding, group);
                // A frame ends where the next group starts.
                self.builder.emit(AddImm { reg: group, amount: if is_end { 2 } else { 1 } });
                self.group_start(partition, group, dest);
                self.builder.release(group);
            }
            FrameUnits::Range => self.range_bound(run, partition, offset, preceding, is_end, dest),
        }
    }

    fn shifted(&mut self, from: Reg, offset: Reg, down: bool, dest: Reg) {
        if down {
            self.builder.emit(Subtract { left: from, right: offset, dest });
        } else {
            self.builder.emit(Add { left: from, right: offset, dest });
        }
    }

    fn clamp(&mut self, partition: &PartitionState, reg: Reg) {
        let zero = self.constant(&Value::Integer(0));
        let (positive, small) = (self.builder.label(), self.builder.label());
        self.builder.emit(Ge { left: reg, right: zero, target: positive, how: PLAIN });
        self.integer(0, reg);
        self.builder.bind(positive);
        self.builder.emit(Le { left: reg, right: partition.rows(), target: small, how: PLAIN });
        self.move_register(partition.rows(), reg);
        self.builder.bind(small);
    }

    /// The first row of the group with this rowid in the list of groups.
    fn group_start(&mut self, partition: &PartitionState, group: Reg, dest: Reg) {
        let Some(cursor) = partition.groups else { return };
        let zero = self.constant(&Value::Integer(0));
        let (inside, beyond, end) = (self.builder.label(), self.builder.label(), self.builder.label());
        self.builder.emit(Gt { left: group, right: zero, target: inside, how: PLAIN });
        self.integer(0, dest);
        self.builder.emit(Goto { target: end });
        self.builder.bind(inside);
        // An offset near the largest integer gives a real: no group has it.
        self.builder.emit(MustBeInt { reg: group, otherwise: Some(beyond) });
        self.builder.emit(NotExists { cursor, rowid: group, miss: beyond });
        self.builder.emit(Column { cursor, column: 0, dest, default: None });
        self.builder.emit(Goto { target: end });
        self.builder.bind(beyond);
        self.move_register(partition.rows(), dest);
        self.builder.bind(end);
    }

    /// Move an end of the frame forward to the first row that lies within (start) or beyond (end) the value.
    fn range_bound(
        &mut self,
        run: &FunctionRun<'_>,
        partition: &PartitionState,
        offset: Reg,
        preceding: bool,
        is_end: bool,
        dest: Reg,
    ) {
        let Some(term) = run.window.order_by.first() else { return };
        let key = partition.keys.first;
        let (peers, end, top) = (self.builder.label(), self.builder.label(), self.builder.label());
        let advance = self.builder.label();
        let text = self.constant(&Value::text(Vec::new()));
        // What is no number has only its peers.
        self.builder.emit(IsNull { reg: key, target: peers });
        self.builder.emit(Ge { left: key, right: text, target: peers, how: PLAIN });
        // As in SQLite the offset is added to the earlier of two keys: where the sum is rounded, it shows.
        let (limit, shifted) = (self.builder.temporary(), self.builder.temporary());
        if preceding {
            self.move_register(key, limit);
        } else {
            self.shifted(key, offset, term.descending, limit);
        }
        let nulls_first = term.descending == term.nulls_reversed;
        let how = Comparison { nulls: if nulls_first { Nulls::Jump } else { Nulls::Fall }, ..PLAIN };
        let own = if is_end { partition.peers_end() } else { partition.peers_start() };
        self.builder.bind(top);
        if preceding {
            // The row's own peers lie within, also where a sum is rounded below an integer beyond 2^53.
            self.builder.emit(Ge { left: dest, right: own, target: end, how: PLAIN });
        }
        self.look_at(partition.look, dest, end);
        self.order_values(partition, partition.look, partition.other);
        let mut left = partition.other.first;
        if preceding {
            let is = self.builder.label();
            self.move_register(left, shifted);
            self.builder.emit(IsNull { reg: left, target: is });
            self.builder.emit(Ge { left, right: text, target: is, how: PLAIN });
            self.shifted(left, offset, term.descending, shifted);
            self.builder.bind(is);
            left = shifted;
        }
        let (right, target) = (limit, advance);
        match (term.descending, is_end) {
            (false, false) => self.builder.emit(Lt { left, right, target, how }),
            (false, true) => self.builder.emit(Le { left, right, target, how }),
            (true, false) => self.builder.emit(Gt { left, right, target, how }),
            (true, true) => self.builder.emit(Ge { left, right, target, how }),
        };
        self.builder.emit(Goto { target: end });
        self.builder.bind(advance);
        self.builder.emit(AddImm { reg: dest, amount: 1 });
        self.builder.emit(Goto { target: top });
        self.builder.bind(peers);
        self.move_register(own, dest);
        self.builder.bind(end);
        if !preceding && is_end {
            let beyond = self.builder.label();
            self.builder.emit(Ge { left: dest, right: own, target: beyond, how: PLAIN });
            self.move_register(own, dest);
            self.builder.bind(beyond);
        }
        self.builder.release(limit);
        self.builder.release(shifted);
    }

    // ---- Aggregates ---------------------------------------------------------------------------------------------------

    /// Feed the row under `look` to the state, or take it out.
    fn step_row(&mut self, run: &FunctionRun<'_>, look: CursorId, inverse: bool) {
        let skip = self.builder.label();
        if let Some(filter) = run.filter {
            let reg = self.builder.temporary();
            self.builder.emit(Column { cursor: look, column: filter as u16, dest: reg, default: None });
            self.builder.emit(IfNot { reg, target: skip, jump_if_null: true });
            self.builder.release(reg);
        }
        for (i, &field) in run.arg_fields.iter().enumerate() {
            self.builder.emit(Column { cursor: look, column: field as u16, dest: run.args.at(i), default: None });
        }
        for &(arg, field) in &run.subtypes {
            let from = self.builder.temporary();
            self.builder.emit(Column { cursor: look, column: field as u16, dest: from, default: None });
            self.builder.emit(SetSubtype { from, reg: run.args.at(arg) });
            self.builder.release(from);
        }
        let (call, args, state) = (run.call, run.args.first, run.state);
        if inverse {
            self.builder.emit(AggInverse { call, args, state });
        } else {
            self.builder.emit(AggStep { call, args, state });
        }
        self.builder.bind(skip);
    }

    /// Rows leave before others come, as in SQLite: a sum that once was a real stays one. (Not where the frame is a range that ends
    /// before its row.) Where a frame starts behind its row, all
    /// rows before it come in, too, and leave again: the later ones first where the frame has as many rows as it ever gets.
    fn moving_aggregate(&mut self, run: &FunctionRun<'_>, partition: &PartitionState) {
        let frame = &run.window.frame;
        let starts_behind = matches!(frame.start, FrameBound::Following(_));
        let ends_behind = matches!(frame.end, Some(FrameBound::Following(_)));
        let by_turns = starts_behind && ends_behind && frame.units != FrameUnits::Range;
        let lies_before =
            matches!((&frame.start, &frame.end), (FrameBound::Preceding(_), Some(FrameBound::Preceding(_))));
        let fills_first = starts_behind || (lies_before && frame.units == FrameUnits::Range);
        if !fills_first && !matches!(frame.start, FrameBound::UnboundedPreceding) {
            self.drop_rows_before_frame(run, partition);
        }
        let (top, moved) = (self.builder.label(), self.builder.label());
        self.builder.bind(top);
        self.builder.emit(Ge { left: run.behind, right: run.end, target: moved, how: PLAIN });
        if by_turns {
            self.drop_row_of_full_frame(run, partition);
        }
        self.look_at(partition.look, run.behind, moved);
        self.step_row(run, partition.look, false);
        self.builder.emit(AddImm { reg: run.behind, amount: 1 });
        self.builder.emit(Goto { target: top });
        self.builder.bind(moved);
        if fills_first {
            self.drop_rows_before_frame(run, partition);
        }
        self.builder.emit(AggValue { call: run.call, state: run.state, dest: run.value });
    }

    /// Take out what lies before the frame.
    fn drop_rows_before_frame(&mut self, run: &FunctionRun<'_>, partition: &PartitionState) {
        let (top, moved, skip) = (self.builder.label(), self.builder.label(), self.builder.label());
        self.builder.bind(top);
        self.builder.emit(Ge { left: run.first, right: run.start, target: moved, how: PLAIN });
        // A row that never came in does not go out.
        self.builder.emit(Ge { left: run.first, right: run.behind, target: skip, how: PLAIN });
        self.look_at(partition.look, run.first, skip);
        self.step_row(run, partition.look, true);
        self.builder.bind(skip);
        self.builder.emit(AddImm { reg: run.first, amount: 1 });
        self.builder.emit(Goto { target: top });
        self.builder.bind(moved);
        let ahead = self.builder.label();
        self.builder.emit(Ge { left: run.behind, right: run.first, target: ahead, how: PLAIN });
        self.move_register(run.first, run.behind);
        self.builder.bind(ahead);
    }

    /// Take out the first row, if it lies before the frame and the state holds as many rows as the frame has.
    fn drop_row_of_full_frame(&mut self, run: &FunctionRun<'_>, partition: &PartitionState) {
        let keep = self.builder.label();
        let (held, wide) = (self.builder.temporary(), self.builder.temporary());
        self.builder.emit(Subtract { left: run.behind, right: run.first, dest: held });
        self.builder.emit(Subtract { left: run.end, right: run.start, dest: wide });
        self.builder.emit(Lt { left: held, right: wide, target: keep, how: PLAIN });
        self.builder.emit(Ge { left: run.first, right: run.start, target: keep, how: PLAIN });
        self.builder.emit(Ge { left: run.first, right: run.behind, target: keep, how: PLAIN });
        self.look_at(partition.look, run.first, keep);
        self.step_row(run, partition.look, true);
        self.builder.emit(AddImm { reg: run.first, amount: 1 });
        self.builder.bind(keep);
        self.builder.release(held);
        self.builder.release(wide);
    }

    fn recomputed_aggregate(&mut self, run: &FunctionRun<'_>, partition: &PartitionState) {
        let at = run.behind;
        let (top, next, done) = (self.builder.label(), self.builder.label(), self.builder.label());
        self.builder.emit(Null { dest: Regs::new(run.state, 1) });
        self.move_register(run.start, at);
        self.builder.bind(top);
        self.builder.emit(Ge { left: at, right: run.end, target: done, how: PLAIN });
        self.skip_excluded(run, partition, at, next);
        self.look_at(partition.look, at, done);
        self.step_row(run, partition.look, false);
        self.builder.bind(next);
        self.builder.emit(AddImm { reg: at, amount: 1 });
        self.builder.emit(Goto { target: top });
        self.builder.bind(done);
        self.builder.emit(AggFinal { call: run.call, state: run.state });
        self.move_register(run.state, run.value);
    }

    /// Jump when EXCLUDE leaves out row `at`.
    fn skip_excluded(&mut self, run: &FunctionRun<'_>, partition: &PartitionState, at: Reg, skip: Label) {
        let row = partition.row();
        match run.exclude() {
            None | Some(FrameExclude::NoOthers) => {}
            Some(FrameExclude::CurrentRow) => {
                self.builder.emit(Eq { left: at, right: row, target: skip, how: PLAIN });
            }
            Some(kind) => {
                let keep = self.builder.label();
                if kind == FrameExclude::Ties {
                    self.builder.emit(Eq { left: at, right: row, target: keep, how: PLAIN });
                }
                self.builder.emit(Lt { left: at, right: partition.peers_start(), target: keep, how: PLAIN });
                self.builder.emit(Lt { left: at, right: partition.peers_end(), target: skip, how: PLAIN });
                self.builder.bind(keep);
            }
        }
    }

    // ---- Window functions proper ----------------------------------------------------------------------------------------

    fn located_value(&mut self, run: &FunctionRun<'_>, partition: &PartitionState, current: CursorId) {
        for (i, &field) in run.arg_fields.iter().enumerate() {
            self.builder.emit(Column { cursor: current, column: field as u16, dest: run.args.at(i), default: None });
        }
        let answer = self.builder.registers(2);
        let (call, args, position, dest) = (run.call, run.args.first, partition.position.first, answer.first);
        self.builder.emit(WindowLocate { call, args, position, dest });
        let (kind, at) = (answer.at(0), answer.at(1));
        let (of_row, in_frame, null, end) =
            (self.builder.label(), self.builder.label(), self.builder.label(), self.builder.label());
        let (frame_end, default) = (self.builder.label(), self.builder.label());
        for (number, target) in [(1, of_row), (2, in_frame), (3, frame_end), (4, default)] {
            let right = self.constant(&Value::Integer(number));
            self.builder.emit(Eq { left: kind, right, target, how: PLAIN });
        }
        self.move_register(at, run.value);
        self.builder.emit(Goto { target: end });
        self.builder.bind(default);
        if run.arg_fields.len() > 2 {
            self.move_register(run.args.at(2), run.value);
            self.builder.emit(Goto { target: end });
        } else {
            self.builder.emit(Goto { target: null });
        }
        self.builder.bind(in_frame);
        if run.uses_frame() {
            self.frame_row(run, partition, at, null);
            self.builder.emit(Goto { target: of_row });
        } else {
            self.builder.emit(Goto { target: null });
        }
        self.builder.bind(frame_end);
        if run.uses_frame() {
            self.last_frame_row(run, partition, at, null);
        } else {
            self.builder.emit(Goto { target: null });
        }
        self.builder.bind(of_row);
        self.look_at(partition.look, at, null);
        match run.arg_fields.first() {
            Some(&field) => {
                self.builder.emit(Column {
                    cursor: partition.look,
                    column: field as u16,
                    dest: run.value,
                    default: None,
                });
            }
            None => {
                self.builder.emit(Null { dest: Regs::new(run.value, 1) });
            }
        }
        self.builder.emit(Goto { target: end });
        self.builder.bind(null);
        self.builder.emit(Null { dest: Regs::new(run.value, 1) });
        self.builder.bind(end);
    }

    /// `at`: from the n-th row of the frame (from 0) to its number in the partition.
    fn frame_row(&mut self, run: &FunctionRun<'_>, partition: &PartitionState, at: Reg, null: Label) {
        if run.exclude().is_none() {
            self.builder.emit(Add { left: run.start, right: at, dest: at });
            self.builder.emit(Ge { left: at, right: run.end, target: null, how: PLAIN });
            return;
        }
        let row = run.behind;
        let (top, next, found) = (self.builder.label(), self.builder.label(), self.builder.label());
        let zero = self.constant(&Value::Integer(0));
        self.move_register(run.start, row);
        self.builder.bind(top);
        self.builder.emit(Ge { left: row, right: run.end, target: null, how: PLAIN });
        self.skip_excluded(run, partition, row, next);
        self.builder.emit(Eq { left: at, right: zero, target: found, how: PLAIN });
        self.builder.emit(AddImm { reg: at, amount: -1 });
        self.builder.bind(next);
        self.builder.emit(AddImm { reg: row, amount: 1 });
        self.builder.emit(Goto { target: top });
        self.builder.bind(found);
        self.move_register(row, at);
    }

    /// `at`: the frame's last row.
    fn last_frame_row(&mut self, run: &FunctionRun<'_>, partition: &PartitionState, at: Reg, null: Label) {
        self.move_register(run.end, at);
        let (top, found) = (self.builder.label(), self.builder.label());
        self.builder.bind(top);
        self.builder.emit(AddImm { reg: at, amount: -1 });
        self.builder.emit(Lt { left: at, right: run.start, target: null, how: PLAIN });
        if run.exclude().is_some() {
            self.skip_excluded(run, partition, at, top);
        }
        self.builder.bind(found);
    }
}
