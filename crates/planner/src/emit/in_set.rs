//! The sets that IN searches: hashed values where it only matters what is equal, an ephemeral index where only a function of the
//! application knows that or each row is looked at, or a tree of the database.

use std::sync::Arc;

use turso_program::control::{Goto, IfNot, IsNull, NotNull};
use turso_program::cursor::{Column, Found, NotFound, OpenEphemeral, Rewind};
use turso_program::data::{ApplyAffinity, Copy, Integer};
use turso_program::sorter::{SetAdd, SetHas, SetOpen};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{Affinities, CursorId, Label, Reg, Regs};
use turso_value::{Collation, KeyColumn, KeyInfo, Value};

use super::expr_in::may_be_null;
use super::{Destination, Emitter};
use crate::plan::{CompareHow, Expr};

/// A set that is searched.
pub(super) enum InValues {
    /// Hashed values, NULL among them. `any` is 1 once there is a row.
    Hashed { cursor: CursorId, key: Arc<KeyInfo>, any: Reg },
    /// An ephemeral index.
    Index { cursor: CursorId, key: Arc<KeyInfo> },
    /// A tree of the database.
    Tree(CursorId),
}

impl InValues {
    /// Where the rows of a subquery become members.
    pub(super) fn destination(&self, affinities: Option<Affinities>) -> Destination<'static> {
        match self {
            InValues::Hashed { cursor, any, .. } => {
                Destination::Members { cursor: *cursor, affinities, any: Some(*any) }
            }
            InValues::Index { cursor, .. } | InValues::Tree(cursor) => Destination::Set { cursor: *cursor, affinities },
        }
    }
}

impl Emitter<'_> {
    /// A set for rows that compare so. `by_row`: its rows are read one by one too.
    pub(super) fn in_set(&mut self, how: &[CompareHow], by_row: bool) -> InValues {
        let cursor = self.builder.cursor();
        let column = |h: &CompareHow| KeyColumn { collation: h.collation.clone(), descending: false, nulls_big: false };
        let key = Arc::new(self.key_info(how.iter().map(column).collect()));
        if by_row || how.iter().any(|h| matches!(h.collation, Collation::Custom(_))) {
            return InValues::Index { cursor, key };
        }
        InValues::Hashed { cursor, key, any: self.builder.register() }
    }

    /// Make the set empty.
    pub(super) fn open_in_set(&mut self, set: &InValues) {
        match set {
            InValues::Hashed { cursor, key, any } => {
                self.builder.emit(SetOpen { cursor: *cursor, key: key.clone() });
                self.builder.emit(Integer { value: 0, dest: *any });
            }
            InValues::Index { cursor, key } => {
                let columns = key.columns.len() as u32;
                self.builder.emit(OpenEphemeral { cursor: *cursor, columns, key: Some(key.clone()) });
            }
            InValues::Tree(_) => {}
        }
    }

    /// Put a row into a set.
    pub(super) fn add_to_in_set(&mut self, set: &InValues, row: Regs, affinities: Option<Affinities>) {
        match set {
            InValues::Hashed { cursor, .. } => self.deliver_member(*cursor, row, affinities, None),
            InValues::Index { cursor, .. } | InValues::Tree(cursor) => {
                let (cursor, record) = (*cursor, self.builder.temporary());
                self.builder.emit(MakeRecord { values: row, dest: record, affinities });
                let key = Regs::new(row.first, 0);
                self.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
                self.builder.release(record);
            }
        }
    }

    /// Put a row into a hashed set.
    pub(super) fn deliver_member(
        &mut self,
        cursor: CursorId,
        row: Regs,
        affinities: Option<Affinities>,
        any: Option<Reg>,
    ) {
        if let Some(dest) = any {
            self.builder.emit(Integer { value: 1, dest });
        }
        let mut key = row;
        if let Some(affinities) = affinities {
            // Who gave the row may look at it again.
            key = self.builder.registers(row.count as usize);
            self.builder.emit(Copy { from: row.first, to: key.first, count: row.count });
            self.builder.emit(ApplyAffinity { regs: key.first, affinities });
        }
        let member = self.builder.label();
        self.builder.emit(SetAdd { cursor, key, member });
        self.builder.bind(member);
    }

    /// Search the set for a value that is not NULL (or a row without one). `nullable`: a NULL in the set leaves it open.
    pub(super) fn in_search(&mut self, set: &InValues, key: Regs, nullable: bool, absent: Label, open: Label) {
        let found = self.builder.label();
        match set {
            InValues::Hashed { cursor, .. } => {
                let cursor = *cursor;
                if !nullable {
                    self.builder.emit(SetHas { cursor, key, absent });
                    return;
                }
                let null = self.constant(&Value::Null);
                let miss = self.builder.label();
                self.builder.emit(SetHas { cursor, key, absent: miss });
                self.builder.emit(Goto { target: found });
                self.builder.bind(miss);
                self.builder.emit(SetHas { cursor, key: Regs::new(null, 1), absent });
                self.builder.emit(Goto { target: open });
            }
            InValues::Index { cursor, .. } | InValues::Tree(cursor) => {
                let cursor = *cursor;
                if !nullable {
                    self.builder.emit(NotFound { cursor, key, target: absent });
                    return;
                }
                self.builder.emit(Found { cursor, key, target: found });
                // NULL sorts first: the first entry tells whether there is one.
                let first = self.builder.temporary();
                self.builder.emit(Rewind { cursor, empty: absent });
                self.builder.emit(Column { cursor, column: 0, dest: first, default: None });
                self.builder.emit(IsNull { reg: first, target: open });
                self.builder.release(first);
                self.builder.emit(Goto { target: absent });
            }
        }
        self.builder.bind(found);
    }

    /// NULL is in nothing, and nothing at all is not in an empty set.
    pub(super) fn in_null(&mut self, left: &Expr, value: Reg, set: &InValues, absent: Label, open: Label) {
        if !may_be_null(left) {
            return;
        }
        if absent == open {
            self.builder.emit(IsNull { reg: value, target: absent });
            return;
        }
        let known = self.builder.label();
        self.builder.emit(NotNull { reg: value, target: known });
        match set {
            InValues::Hashed { any, .. } => {
                self.builder.emit(IfNot { reg: *any, target: absent, jump_if_null: true });
            }
            InValues::Index { cursor, .. } | InValues::Tree(cursor) => {
                self.builder.emit(Rewind { cursor: *cursor, empty: absent });
            }
        }
        self.builder.emit(Goto { target: open });
        self.builder.bind(known);
    }
}
