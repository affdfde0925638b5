//! Loops around a search: over the values of an IN (an equality that is tried for each value, in order), and over the distinct
//! values of leading columns without condition (skip-scan).

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::control::IsNull;
use turso_program::cursor::{Column, Last, Next, OpenEphemeral, Prev, Rewind, SeekGt, SeekLt};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{CursorId, Label, Reg, Regs};
use turso_value::KeyColumn;

use super::loops_access::may_be_null;
use super::loops_index::of_comparison;
use super::{Destination, Emitter};
use crate::plan::{CompareHow, Expr, InSet};

/// A loop around a search, over values of its leading columns.
#[derive(Debug)]
pub(super) struct ValueLoop {
    cursor: CursorId,
    top: Label,
    /// Goes on to the next value.
    pub next: Label,
    reverse: bool,
    /// Skip-scan: the value in hand, and where the loop ends. `None` for a loop over the set of an IN.
    skip: Option<(Regs, Label)>,
}

impl ValueLoop {
    /// The set of an IN.
    pub fn set(&self) -> Option<CursorId> {
        self.skip.is_none().then_some(self.cursor)
    }
}

impl Emitter<'_> {
    /// Emit the head of a loop that puts the values of the set into `dest`, ascending unless `reverse`, each once, without NULL.
    pub(super) fn begin_in(&mut self, term: &Expr, dest: Reg, reverse: bool, ended: Label) -> Result<ValueLoop> {
        let Expr::In { set, how, .. } = term else {
            return Err(Error::sql("the plan loops over something that is not a set"));
        };
        let how = how.first().ok_or_else(|| Error::sql("the plan loops over an IN without comparison"))?;
        let cursor = self.set_of(set, how)?;
        if reverse {
            self.builder.emit(Last { cursor, empty: ended });
        } else {
            self.builder.emit(Rewind { cursor, empty: ended });
        }
        let top = self.builder.label_here();
        let next = self.builder.label();
        self.builder.emit(Column { cursor, column: 0, dest, default: None });
        let nullable = match set {
            InSet::List(list) => list.iter().any(may_be_null),
            InSet::Query(_) => true,
        };
        if nullable {
            self.builder.emit(IsNull { reg: dest, target: next });
        }
        Ok(ValueLoop { cursor, top, next, reverse, skip: None })
    }

    /// An ephemeral index with the values of the set of an IN, each once.
    pub(super) fn set_of(&mut self, set: &InSet, how: &CompareHow) -> Result<CursorId> {
        let column = KeyColumn { collation: how.collation.clone(), descending: false, nulls_big: false };
        let key = Arc::new(self.key_info(vec![column]));
        let affinities = Self::affinities([of_comparison(how.affinity)]);
        let cursor = self.builder.cursor();
        let fixed = match set {
            InSet::List(list) => list.iter().all(Expr::is_loop_constant),
            InSet::Query(query) => query.outer.is_empty(),
        };
        let build = |e: &mut Self| {
            e.builder.emit(OpenEphemeral { cursor, columns: 1, key: Some(key) });
            match set {
                InSet::Query(query) => {
                    e.explain_list_subquery(query)?;
                    e.query(query, &mut Destination::Set { cursor, affinities })?;
                    e.builder.close_plan_node();
                }
                InSet::List(list) => {
                    let (value, record) = (e.builder.temporary(), e.builder.temporary());
                    for item in list {
                        e.expr_into(item, value)?;
                        let values = Regs::new(value, 1);
                        e.builder.emit(MakeRecord { values, dest: record, affinities: affinities.clone() });
                        let key = Regs::new(value, 0);
                        e.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
                    }
                    e.builder.release(record);
                    e.builder.release(value);
                }
            }
            Ok(())
        };
        if fixed && self.loop_depth > 0 {
            self.once(build)?
        } else {
            build(self)?
        }
        Ok(cursor)
    }

    /// Emit the head of a loop over the distinct values of the leading columns of an index, which go into `dest`.
    pub(super) fn begin_skip(&mut self, cursor: CursorId, dest: Regs, reverse: bool, ended: Label) -> ValueLoop {
        if reverse {
            self.builder.emit(Last { cursor, empty: ended });
        } else {
            self.builder.emit(Rewind { cursor, empty: ended });
        }
        let top = self.builder.label_here();
        for j in 0..dest.count as usize {
            self.builder.emit(Column { cursor, column: j as u16, dest: dest.at(j), default: None });
        }
        let next = self.builder.label();
        ValueLoop { cursor, top, next, reverse, skip: Some((dest, ended)) }
    }

    /// Emit the tail of the loop.
    pub(super) fn end_values(&mut self, values: ValueLoop) {
        let ValueLoop { cursor, top, next, reverse, skip } = values;
        self.builder.bind(next);
        match (skip, reverse) {
            (None, false) => {
                self.builder.emit(Next { cursor, target: top });
            }
            (None, true) => {
                self.builder.emit(Prev { cursor, target: top });
            }
            (Some((key, miss)), false) => {
                self.builder.emit(SeekGt { cursor, key, miss });
                self.goto(top);
            }
            (Some((key, miss)), true) => {
                self.builder.emit(SeekLt { cursor, key, miss });
                self.goto(top);
            }
        }
    }
}
