//! Records, and changes of rows and index entries.
//!
//! Every change of a row goes through [`Insert`], [`Delete`] (rowid tables) or [`IdxInsert`]/[`IdxDelete`] with a
//! [`RowChange`] (WITHOUT ROWID tables): the change stream taps these and nothing else.

use std::sync::Arc;

use crate::operand::{Addr, Affinities, CursorId, DbIndex, Reg, Regs, Root};
use crate::register::instructions;

/// Which row change an instruction makes, for the change stream and the counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The database of the table.
    pub db: DbIndex,
    /// The table's name.
    pub table: Arc<str>,
    /// Why the row changes.
    pub cause: Cause,
    /// Adds to `changes()`.
    pub counts: bool,
    /// Sets `last_insert_rowid()`.
    pub sets_last_rowid: bool,
}

/// Why a row changes; taps have rules by it (no update hook for rows that REPLACE removed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cause {
    Insert,
    Update,
    Delete,
    Replace,
    Truncate,
    /// The engine's own: a row of `sqlite_schema`, a counter in `sqlite_sequence`, or a row that CREATE TABLE AS fills a new table
    /// with. No hook is told.
    Define,
}

/// What the writer knows about the position of the new entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Nothing: seek.
    Unknown,
    /// The key is larger than all present ones.
    Append,
    /// The preceding instruction left the cursor where the entry belongs ([`crate::cursor::NotExists`], `NoConflict`, …).
    AtCursor,
}

crate::detail_operand!(Option<Arc<RowChange>>, Arc<RowChange>, Position);

instructions! {
    /// Encode registers as a record into `dest` (a blob), applying affinities first.
    MakeRecord { values: Regs, dest: Reg, affinities: Option<Affinities> }
    /// A rowid that is not in use: one more than the largest, or random once that is the largest integer. With
    /// `at_least` (AUTOINCREMENT; a register of the outermost program, also in triggers) it is also larger than that register,
    /// which is updated; `SQLITE_FULL` when none is left.
    NewRowid { cursor: CursorId, dest: Reg, at_least: Option<Reg> }
    /// Store `record` under `rowid`, replacing an equal key.
    Insert { cursor: CursorId, record: Reg, rowid: Reg, position: Position, change: Option<Arc<RowChange>> }
    /// Delete the current entry. With `keep_position` the next `Next`/`Prev` goes to its neighbour. With `overwritten` an [`Insert`]
    /// under its rowid follows, and nothing between the two: where nobody is told of the deletion the row stays until then.
    Delete { cursor: CursorId, keep_position: bool, overwritten: bool, change: Option<Arc<RowChange>> }
    /// Insert `record` (made of `key`, if `key.count > 0`) into an index tree; an equal key is replaced.
    IdxInsert { cursor: CursorId, record: Reg, key: Regs, position: Position, change: Option<Arc<RowChange>> }
    /// Delete the index entry with this key. When there is none: with `must_exist` `SQLITE_CORRUPT_INDEX`, else nothing.
    IdxDelete { cursor: CursorId, key: Regs, must_exist: bool }
    /// Remove every entry of the tree at `root`; with `change` their number counts as changes. `root_in_register` as in OpenWrite.
    Clear { root: Root, db: DbIndex, root_in_register: bool, change: Option<Arc<RowChange>> }
    /// The change counter.
    ChangeCount { dest: Reg }
    /// Publish the change counter as `changes()` and set it to zero.
    ResetCount { }
    /// Add to the counter of foreign-key violations (`deferred`: the transaction's, else the statement's).
    FkCounter { deferred: bool, amount: i32 }
    /// Jump when that counter is zero.
    FkIfZero { deferred: bool, target: Addr }
}
