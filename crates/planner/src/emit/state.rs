//! What the programs of one statement, trigger bodies included, share while they are built.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use turso_program::control::OnError;
use turso_program::{DbIndex, Program, Reg, SmallTree};

use crate::plan::Source;

/// Shared by the emitters of a statement.
#[derive(Default)]
pub(crate) struct StatementState {
    /// Trigger bodies by number; `None` while one is under construction.
    pub bodies: RefCell<Vec<Option<Arc<Program>>>>,
    /// Which trigger, under which overriding conflict clause, each body is.
    pub body_keys: RefCell<Vec<BodyKey>>,
    /// Tables with AUTOINCREMENT that rows are inserted into, with their registers in the outermost program.
    pub autoincrement: RefCell<Vec<AutoincrementTable>>,
    /// Numbers given to registers of the outermost program that bodies need: counted down from the top (see `autoincrement`).
    pub next_outer_register: Cell<u32>,
    /// A constraint may end the statement in the middle.
    pub may_abort: Cell<bool>,
    /// More than one row or table may change.
    pub multi_write: Cell<bool>,
    /// Trees that no pipeline was made for, because they are small.
    pub small_trees: RefCell<Vec<SmallTree>>,
    /// Triggers under construction, one inside the other.
    pub body_depth: Cell<u32>,
}

/// Identifies a trigger body.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BodyKey {
    /// Database of the trigger.
    pub db: DbIndex,
    /// Its name.
    pub name: Arc<str>,
    /// OR clause of the statement that fires it, which overrides those inside.
    pub conflict: Option<OnError>,
}

/// The counter of one AUTOINCREMENT table.
#[derive(Clone)]
pub(crate) struct AutoincrementTable {
    /// Database of the table.
    pub db: DbIndex,
    /// Name of the table.
    pub table: Arc<str>,
    /// Three registers of the outermost program: the largest rowid given out, its value at the start, rowid of the row in
    /// `sqlite_sequence`.
    pub first: Reg,
}

/// NEW and OLD of the trigger whose body is being emitted.
#[derive(Clone)]
pub(crate) struct TriggerScope {
    /// NEW and OLD, as far as the event has them.
    pub sources: Vec<Source>,
    /// The overriding conflict clause.
    pub conflict: Option<OnError>,
    /// Database of the trigger: its body's tables are looked for there (everywhere for `temp`).
    pub db: DbIndex,
    /// Text of the trigger.
    pub sql: Arc<str>,
}
