//! Opening, moving and reading cursors.
//!
//! A cursor runs over a table tree (keys are rowids, entries are records), an index tree (entries are records; `key` orders
//! them), an ephemeral tree, a sorter, or a pseudo table (one record in a register).

use std::sync::Arc;

use turso_value::{KeyInfo, Value};

use crate::operand::{Addr, CursorId, DbIndex, Reg, Regs, Root};
use crate::register::instructions;

/// What a tree holds.
#[derive(Debug, Clone, PartialEq)]
pub enum TreeKind {
    /// A rowid table.
    Table,
    /// An index, or a WITHOUT ROWID table.
    Index(Arc<KeyInfo>),
}

crate::detail_operand!(TreeKind, Option<Arc<Value>>);

instructions! {
    /// Open a read cursor on the tree at `root`.
    OpenRead { cursor: CursorId, root: Root, db: DbIndex, kind: TreeKind }
    /// Open a cursor that may write. With `root_in_register` the root page number is the integer in register `root` (a tree
    /// that this program has just created).
    OpenWrite { cursor: CursorId, root: Root, db: DbIndex, root_in_register: bool, kind: TreeKind }
    /// Open (or, when it is open, empty) an ephemeral tree, gone with the statement: a table, or with `key` an index.
    OpenEphemeral { cursor: CursorId, columns: u32, key: Option<Arc<KeyInfo>> }
    /// A second cursor over the ephemeral tree of `original`.
    OpenDup { cursor: CursorId, original: CursorId }
    /// Close the cursor (closing one that is not open is nothing).
    Close { cursor: CursorId }
    /// Go to the first entry; jump when there is none.
    Rewind { cursor: CursorId, empty: Addr }
    /// Go to the last entry; jump when there is none.
    Last { cursor: CursorId, empty: Addr }
    /// Go to the next entry and jump to `target`; fall through at the end.
    Next { cursor: CursorId, target: Addr }
    /// Go to the previous entry and jump to `target`; fall through at the beginning.
    Prev { cursor: CursorId, target: Addr }
    /// Table cursor: go to the row whose rowid is in `rowid`; jump when there is none. The register is first converted to an
    /// integer if that loses nothing; otherwise no row has it.
    SeekRowid { cursor: CursorId, rowid: Reg, miss: Addr }
    /// As [`SeekRowid`], for a register that is known to hold an integer.
    NotExists { cursor: CursorId, rowid: Reg, miss: Addr }
    /// Go to the first entry >= key. A table cursor takes one register (any number or text: converted with SQLite's rules for
    /// rowid ranges, a real rounds the right way), an index cursor a prefix of its columns. Afterwards the cursor runs forward.
    SeekGe { cursor: CursorId, key: Regs, miss: Addr }
    /// Go to the first entry > key.
    SeekGt { cursor: CursorId, key: Regs, miss: Addr }
    /// Go to the last entry <= key. Afterwards the cursor runs backward.
    SeekLe { cursor: CursorId, key: Regs, miss: Addr }
    /// Go to the last entry < key.
    SeekLt { cursor: CursorId, key: Regs, miss: Addr }
    /// Jump when the current index entry is >= key (prefix compare; an equal prefix is equal).
    IdxGe { cursor: CursorId, key: Regs, target: Addr }
    /// Jump when the current index entry is > key.
    IdxGt { cursor: CursorId, key: Regs, target: Addr }
    /// Jump when the current index entry is <= key.
    IdxLe { cursor: CursorId, key: Regs, target: Addr }
    /// Jump when the current index entry is < key.
    IdxLt { cursor: CursorId, key: Regs, target: Addr }
    /// Index cursor: jump when an entry with this prefix exists (and stay on it). `key.count == 0`: `key.first` holds a record.
    Found { cursor: CursorId, key: Regs, target: Addr }
    /// Index cursor: jump when no entry with this prefix exists; otherwise stay on it. `key.count == 0`: a record.
    NotFound { cursor: CursorId, key: Regs, target: Addr }
    /// As [`NotFound`], but a NULL in the key is never a conflict: jump (UNIQUE constraints).
    NoConflict { cursor: CursorId, key: Regs, target: Addr }
    /// The table row that belongs to the current index entry will be needed at most later: remember, do not move yet.
    /// The next [`Column`] or [`Rowid`] on `table` moves it. The rowid is the last field of the index entry.
    DeferredSeek { index: CursorId, table: CursorId }
    /// The rowid at the end of the current index entry.
    IdxRowid { cursor: CursorId, dest: Reg }
    /// The rowid of the current table row (NULL after [`NullRow`]).
    Rowid { cursor: CursorId, dest: Reg }
    /// The `column`-th field of the current record; `default` when the record is shorter (`None`: NULL).
    Column { cursor: CursorId, column: u16, dest: Reg, default: Option<Arc<Value>> }
    /// Jump when a column of the current row is stored as one of these storage classes ([`crate::control::class`]); its value is not
    /// read. The last column also tells whether the record is as long as its header says.
    ColumnIsOf { cursor: CursorId, column: u16, classes: u32, target: Addr, default: Option<Arc<Value>> }
    /// From now on every column and the rowid read NULL, until the cursor moves (LEFT JOIN).
    NullRow { cursor: CursorId }
    /// When the cursor is on a [`NullRow`]: set `dest` to NULL and jump.
    IfNullRow { cursor: CursorId, target: Addr, dest: Reg }
    /// The number of entries of the tree.
    Count { cursor: CursorId, dest: Reg }
    /// Roughly the number of entries of the tree, which is not walked through.
    CountRoughly { cursor: CursorId, dest: Reg }
    /// The cursor's own counter, then add one (sort order among equals).
    Sequence { cursor: CursorId, dest: Reg }
}
