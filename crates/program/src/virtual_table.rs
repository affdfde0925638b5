//! Scanning and changing virtual tables.

use std::fmt;
use std::sync::Arc;

use turso_vtab::{OnConflict, VirtualTable};

use crate::listing::ListingRow;
use crate::operand::{Addr, CursorId, DbIndex, Operand, Reg, Regs};
use crate::register::instructions;

/// A virtual table that the program uses.
#[derive(Clone)]
pub struct UsedTable {
    /// Its name, for listings and messages.
    pub name: Arc<str>,
    /// The table as it was connected when the program was made.
    pub table: Arc<dyn VirtualTable>,
}

impl fmt::Debug for UsedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vtab:{}", self.name)
    }
}

impl PartialEq for UsedTable {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.table, &other.table)
    }
}

/// What a scan is told beside its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPlan {
    /// The number that the table has chosen.
    pub number: i32,
    /// The text that the table has chosen.
    pub text: Option<Arc<str>>,
    /// Arguments that are whole sets: their position, and the ephemeral index with their values.
    pub sets: Vec<(usize, CursorId)>,
}

impl Operand for Arc<ScanPlan> {
    fn list(&self, row: &mut ListingRow) {
        row.detail(format!("{}:{}", self.number, self.text.as_deref().unwrap_or("")));
    }
    fn visit_cursors(&self, f: &mut dyn FnMut(CursorId)) {
        self.sets.iter().for_each(|(_, cursor)| f(*cursor));
    }
}

/// How a change of a virtual table is to be counted, and what is to be done where it fails.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeOf {
    /// The table.
    pub table: UsedTable,
    /// What the statement says about conflicts.
    pub on_conflict: OnConflict,
    /// A change that breaks a constraint has changed nothing, so IGNORE and FAIL can be obeyed.
    pub keeps_constraints: bool,
    /// Sets `last_insert_rowid()`.
    pub sets_last_rowid: bool,
    /// Adds to `changes()`.
    pub counts: bool,
    /// The columns that an update leaves as they are.
    pub unchanged: Vec<bool>,
}

crate::detail_operand!(Arc<UsedTable>, Arc<ChangeOf>);

instructions! {
    /// Open a cursor on a virtual table, on no row.
    VOpen { cursor: CursorId, table: Arc<UsedTable> }
    /// Begin a scan with these arguments and go to its first row; jump when there is none.
    VFilter { cursor: CursorId, empty: Addr, args: Regs, scan: Arc<ScanPlan> }
    /// Go to the next row and jump to `target`; fall through at the end.
    VNext { cursor: CursorId, target: Addr }
    /// A column of the current row (NULL after [`crate::cursor::NullRow`]). One that is `unchanged` by an update is read for
    /// [`VUpdate`] only: the table may leave it NULL.
    VColumn { cursor: CursorId, column: u16, dest: Reg, unchanged: bool }
    /// Change the table. One argument: delete the row with this key. More: old key (NULL for a new row), new key, columns.
    /// `dest` gets the rowid of a new row.
    VUpdate { args: Regs, dest: Reg, change: Arc<ChangeOf> }
    /// The table takes part in the transaction from now on.
    VBegin { table: Arc<UsedTable> }
    /// Make the virtual table of this name, whose row is in the catalogue.
    VCreate { db: DbIndex, name: Arc<str> }
    /// The module removes what it keeps of this table.
    VDestroy { db: DbIndex, name: Arc<str> }
    /// The module renames what it keeps of the table, which the catalogue has under its new name already.
    VRename { db: DbIndex, table: Arc<UsedTable>, name: Arc<str> }
    /// `dest` becomes NULL, or the text of what the module finds wrong with the table.
    VCheck { table: Arc<UsedTable>, quick: bool, dest: Reg }
}
