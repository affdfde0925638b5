//! Rows seen before: DISTINCT, and the UNION of a recursion.

use std::sync::Arc;

use turso_program::control::{IfNot, Jump};
use turso_program::cursor::{Found, OpenEphemeral};
use turso_program::data::{Copy, Integer};
use turso_program::expression::Compare;
use turso_program::sorter::{SetAdd, SetOpen};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{CursorId, Label, Reg, Regs};
use turso_value::{Collation, KeyInfo};

use super::Emitter;

/// A set of rows.
#[derive(Debug, Clone)]
pub struct Seen {
    key: Arc<KeyInfo>,
    how: How,
}

/// How rows are found again.
#[derive(Debug, Clone)]
enum How {
    /// By a hash.
    Hashed(CursorId),
    /// In an ephemeral index: only a function of the application knows what is equal.
    Indexed(CursorId),
    /// Equal rows come one after the other: the last one is remembered, once there is one.
    Adjacent { last: Regs, any: Reg },
}

impl Seen {
    /// A set for rows whose columns compare so. Nothing is opened yet.
    pub(super) fn new(e: &mut Emitter<'_>, collations: &[Collation]) -> Self {
        let cursor = e.builder.cursor();
        let custom = collations.iter().any(|collation| matches!(collation, Collation::Custom(_)));
        let how = if custom { How::Indexed(cursor) } else { How::Hashed(cursor) };
        Self { key: e.set_key(collations), how }
    }

    /// As [`new`](Self::new), for rows of which equal ones are neighbours.
    pub(super) fn adjacent(e: &mut Emitter<'_>, collations: &[Collation]) -> Self {
        let how = How::Adjacent { last: e.builder.registers(collations.len()), any: e.builder.register() };
        Self { key: e.set_key(collations), how }
    }

    /// Rows are kept, not only the last one.
    pub(super) fn keeps_rows(&self) -> bool {
        !matches!(self.how, How::Adjacent { .. })
    }

    /// Make the set empty.
    pub(super) fn open(&self, e: &mut Emitter<'_>) {
        let key = self.key.clone();
        match self.how {
            How::Hashed(cursor) => e.builder.emit(SetOpen { cursor, key }),
            How::Indexed(cursor) => {
                e.builder.emit(OpenEphemeral { cursor, columns: key.columns.len() as u32, key: Some(key) })
            }
            How::Adjacent { any, .. } => e.builder.emit(Integer { value: 0, dest: any }),
        };
    }

    /// Jump when the row is in the set; otherwise put it there.
    pub(super) fn pass(&self, e: &mut Emitter<'_>, row: Regs, again: Label) {
        let cursor = match self.how {
            How::Hashed(cursor) => {
                e.builder.emit(SetAdd { cursor, key: row, member: again });
                return;
            }
            How::Adjacent { last, any } => {
                let first = e.builder.label();
                e.builder.emit(IfNot { reg: any, target: first, jump_if_null: true });
                e.builder.emit(Compare { left: last.first, right: row.first, key: self.key.clone() });
                e.builder.emit(Jump { less: first, equal: again, greater: first });
                e.builder.bind(first);
                e.builder.emit(Copy { from: row.first, to: last.first, count: last.count });
                e.builder.emit(Integer { value: 1, dest: any });
                return;
            }
            How::Indexed(cursor) => cursor,
        };
        let record = e.builder.temporary();
        e.builder.emit(Found { cursor, key: row, target: again });
        e.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
        let key = Regs::new(row.first, 0);
        e.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
        e.builder.release(record);
    }
}
