//! Rows seen before: DISTINCT, and the UNION of a recursion.

use std::sync::Arc;

use turso_program::cursor::{Found, OpenEphemeral};
use turso_program::sorter::{SetAdd, SetOpen};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{CursorId, Label, Regs};
use turso_value::{Collation, KeyInfo};

use super::Emitter;

/// A set of rows; hashed, unless only a function of the application knows what is equal.
#[derive(Debug, Clone)]
pub struct Seen {
    cursor: CursorId,
    key: Arc<KeyInfo>,
    hashed: bool,
}

impl Seen {
    /// A set for rows whose columns compare so. Nothing is opened yet.
    pub(super) fn new(e: &mut Emitter<'_>, collations: &[Collation]) -> Self {
        let hashed = !collations.iter().any(|collation| matches!(collation, Collation::Custom(_)));
        Self { cursor: e.builder.cursor(), key: Emitter::set_key(collations), hashed }
    }

    /// Make the set empty.
    pub(super) fn open(&self, e: &mut Emitter<'_>) {
        let (cursor, key) = (self.cursor, self.key.clone());
        if self.hashed {
            e.builder.emit(SetOpen { cursor, key });
        } else {
            e.builder.emit(OpenEphemeral { cursor, columns: key.columns.len() as u32, key: Some(key) });
        }
    }

    /// Jump when the row is in the set; otherwise put it there.
    pub(super) fn pass(&self, e: &mut Emitter<'_>, row: Regs, again: Label) {
        let cursor = self.cursor;
        if self.hashed {
            e.builder.emit(SetAdd { cursor, key: row, member: again });
            return;
        }
        let record = e.builder.temporary();
        e.builder.emit(Found { cursor, key: row, target: again });
        e.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
        let key = Regs::new(row.first, 0);
        e.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
        e.builder.release(record);
    }
}
