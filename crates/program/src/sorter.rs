//! Sorters, sets, hashed rows and groups: temporary structures of one run of a program.

use std::sync::Arc;

use turso_value::KeyInfo;

use crate::operand::{Addr, CursorId, Reg, Regs};
use crate::register::instructions;

instructions! {
    /// Open (or empty) a sorter: records ordered by their first `key.columns.len()` fields, equal ones in order of insertion.
    /// `keep` > 0: only that many first records are ever needed (the register holds LIMIT+OFFSET, 0 or negative: all).
    SorterOpen { cursor: CursorId, columns: u32, keep: Option<Reg>, key: Arc<KeyInfo> }
    /// Add the record.
    SorterInsert { cursor: CursorId, record: Reg }
    /// Add a record of these values.
    SorterAdd { cursor: CursorId, values: Regs }
    /// A sorter with a bound (`keep`): jump when a record with this key, added now, would not be among the first ones. The key
    /// is that of the sorter, in registers.
    SorterMisses { cursor: CursorId, key: Regs, target: Addr }
    /// Sort and go to the first record; jump when there is none.
    SorterSort { cursor: CursorId, empty: Addr }
    /// Go to the next record and jump; fall through at the end.
    SorterNext { cursor: CursorId, target: Addr }
    /// Copy the current record to `dest`; columns can be read from the sorter cursor itself too.
    SorterData { cursor: CursorId, dest: Reg }
    /// Jump when the record in `record` differs from the current one in the first `key_columns` fields.
    SorterCompare { cursor: CursorId, record: Reg, key_columns: u32, differs: Addr }
    /// Open (or empty) a set of keys, for [`SetAdd`]. What is equal under the collations of `key` is one member; they are
    /// built-in ones.
    SetOpen { cursor: CursorId, key: Arc<KeyInfo> }
    /// Jump when the key is a member of the set; otherwise it becomes one.
    SetAdd { cursor: CursorId, key: Regs, member: Addr }
    /// Jump when the key is not a member of the set.
    SetHas { cursor: CursorId, key: Regs, absent: Addr }
    /// Open (or empty) a store of rows that are looked up by their first `key.columns.len()` values, whose collations are
    /// built-in ones. Columns of the row in hand are read from the cursor; `Next` goes to the next row with the same key.
    HashOpen { cursor: CursorId, key: Arc<KeyInfo> }
    /// Add a row. One with NULL in its key is kept with `nulls` only: where `=` looks it is never found, where `IS` looks NULL is a key.
    HashAdd { cursor: CursorId, values: Regs, nulls: bool }
    /// Go to the first row with this key; jump when there is none. Rows with the same key come in the order of their other
    /// values.
    HashFind { cursor: CursorId, key: Regs, miss: Addr }
    /// Open (or empty) a store of groups, each with a key (of built-in collations) and a content for the registers `states`,
    /// where one group at a time is loaded: aggregates and values.
    GroupOpen { cursor: CursorId, states: Regs, key: Arc<KeyInfo> }
    /// Load the group with this key and jump to `known`. Without one, a new group is loaded, whose registers are NULL, and
    /// execution falls through; where there is no memory for another group, jump to `full`.
    GroupFind { cursor: CursorId, key: Regs, known: Addr, full: Addr }
    /// Sort the groups by their keys and go before the first.
    GroupSort { cursor: CursorId }
    /// Load the next group, put its key into `dest`, and jump. Past the last one, or (with `before`, unless it has no
    /// registers) where its key does not sort before that one, no group is loaded, and execution falls through.
    GroupNext { cursor: CursorId, dest: Regs, before: Regs, target: Addr }
    /// Add an integer to the set in register `set`.
    RowSetAdd { set: Reg, rowid: Reg }
    /// Take the smallest integer out of the set into `dest`; jump when it is empty.
    RowSetRead { set: Reg, empty: Addr, dest: Reg }
    /// Jump when the integer is in the set already; otherwise add it (`batch` as in SQLite's OP_RowSetTest is not needed).
    RowSetTest { set: Reg, target: Addr, rowid: Reg }
}
