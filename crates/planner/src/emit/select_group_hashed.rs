//! GROUP BY without sorting the rows: each is folded into the group with its key, and the groups are sorted at the end.
//!
//! ```text
//!   for each row:  keys -> key;  its group, or a new one: step      no memory for a new one: the row goes to a sorter
//!   sort the groups, sort the rows
//!   for each row in key order:
//!     a group begins -> first the groups before it: Gosub flush     then as `select_group` has it
//!   Gosub flush for the last one;  the groups that are left: Gosub flush
//! ```

use std::sync::Arc;

use turso_error::Result;
use turso_program::control::{Gosub, Goto, IfPos};
use turso_program::cursor::Column;
use turso_program::data::{Copy, Integer};
use turso_program::sorter::{GroupFind, GroupNext, GroupOpen, GroupSort};
use turso_program::{CursorId, Regs};
use turso_value::Collation;

use super::Emitter;
use super::select_aggregate::Aggregates;
use super::select_group::{Group, SortedRows, places_of};
use crate::plan::{Core, JoinPlan, OrderTerm};

impl Emitter<'_> {
    /// See the module's header.
    pub(super) fn hashed_groups(
        &mut self,
        core: &Core,
        plan: &JoinPlan,
        terms: &[OrderTerm],
        group: &Group,
        aggregates: &mut Aggregates<'_>,
    ) -> Result<()> {
        let cursor = self.builder.cursor();
        let key = self.builder.registers(terms.len());
        let collations: Vec<Collation> = terms.iter().map(|t| t.collation.clone()).collect();
        aggregates.take_turns(self, key, &collations);
        let aggregates = &*aggregates;
        let how = Arc::new(self.order_key(terms));
        self.builder.emit(GroupOpen { cursor, states: aggregates.content(), key: how });
        let rest = SortedRows::open(self, core, terms, aggregates);
        self.loops(core, plan, &mut |e, _| {
            for (i, term) in terms.iter().enumerate() {
                e.expr_into(&term.expr, key.at(i))?;
            }
            let (known, full, next) = (e.builder.label(), e.builder.label(), e.builder.label());
            e.builder.emit(GroupFind { cursor, key, known, full });
            if aggregates.keeps_first_row() {
                aggregates.load_bare(e)?;
            }
            e.builder.emit(Goto { target: known });
            e.builder.bind(full);
            e.builder.emit(Copy { from: key.first, to: rest.record.first, count: key.count });
            rest.add(e)?;
            e.builder.emit(Goto { target: next });
            // Most rows come here, and fall through to the end.
            e.builder.bind(known);
            aggregates.step(e)?;
            e.builder.bind(next);
            Ok(())
        })?;
        self.builder.plan_node("USE TEMP B-TREE FOR GROUP BY");
        self.builder.emit(GroupSort { cursor });
        let found = self.builder.registers(terms.len());
        rest.each(self, &mut |e, row| {
            for i in 0..terms.len() {
                e.builder.emit(Column { cursor: row, column: i as u16, dest: key.at(i), default: None });
            }
            e.keys_of_group(core, terms, key, group.new);
            e.group_row(group, aggregates, &mut |e| e.flush_groups(core, terms, (cursor, found), key, group))
        })?;
        let (last, none) = (self.builder.label(), self.builder.label());
        self.builder.emit(IfPos { reg: group.started, target: last, decrement: 0 });
        self.builder.emit(Goto { target: none });
        self.builder.bind(last);
        self.builder.emit(Gosub { return_to: group.return_to, target: group.flush });
        self.builder.emit(Integer { value: 0, dest: group.started });
        self.builder.bind(none);
        self.flush_groups(core, terms, (cursor, found), Regs::new(key.first, 0), group);
        Ok(())
    }

    /// Copy keys in the order of the sort to their order in the query.
    fn keys_of_group(&mut self, core: &Core, terms: &[OrderTerm], from: Regs, to: Regs) {
        for (i, &at) in places_of(terms, &core.group_by).iter().enumerate() {
            self.builder.emit(Copy { from: from.at(at), to: to.at(i), count: 1 });
        }
    }

    /// Give out the next groups: all, or those whose keys sort before `before`.
    fn flush_groups(
        &mut self,
        core: &Core,
        terms: &[OrderTerm],
        (cursor, found): (CursorId, Regs),
        before: Regs,
        group: &Group,
    ) {
        let next = self.builder.label();
        self.builder.emit(Goto { target: next });
        let top = self.builder.label_here();
        self.keys_of_group(core, terms, found, group.keys);
        self.builder.emit(Gosub { return_to: group.return_to, target: group.flush });
        self.builder.bind(next);
        self.builder.emit(GroupNext { cursor, dest: found, before, target: top });
    }
}
