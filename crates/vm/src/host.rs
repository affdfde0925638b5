//! What a running program needs from its connection.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::Environment;
use turso_functions::HostFunction;
use turso_program::DbIndex;
use turso_program::schema::{Cookie, HostCall, SavepointOp, Transaction, TransactionControl};
use turso_program::virtual_table::UsedTable;
use turso_program::write::RowChange;
use turso_storage::{Pager, TempSpace};
use turso_value::{TextEncoding, Value};
use turso_vtab::Session;

/// The connection, as the interpreter sees it.
///
/// Every method that can wait answers `Error::Pending` with nothing changed, and is called again with the same arguments.
/// The hot ones ([`Host::pager`], [`Host::counters`]) are called by instructions that run once per row: keep them cheap.
pub trait Host {
    // ---- Pages ------------------------------------------------------------------------------------------------------

    /// The pager of a database. A program names only databases that its schema generation had.
    fn pager(&mut self, db: DbIndex) -> &mut Pager;

    /// Memory and files for sorters, sets and ephemeral trees; `None`: everything stays in memory.
    fn temporary_space(&mut self) -> Option<Arc<TempSpace>> {
        None
    }

    /// A pager for the ephemeral trees of one run.
    fn temporary_pager(&mut self) -> Result<Pager> {
        Ok(match self.temporary_space() {
            Some(space) => Pager::temp_in(space, 4096),
            None => Pager::temp(4096),
        })
    }

    /// The encoding of text in every database of the connection.
    fn encoding(&self) -> TextEncoding;

    // ---- Transactions -----------------------------------------------------------------------------------------------

    /// See [`Transaction`]: begin what is missing, check the schema (`SQLITE_SCHEMA`). With `statement_savepoint` open one for
    /// the statement, once, if other changes of the transaction could be lost without.
    fn transaction(&mut self, wanted: &Transaction, statement_savepoint: bool) -> Result<()>;

    /// BEGIN, COMMIT, ROLLBACK.
    fn transaction_control(&mut self, control: TransactionControl) -> Result<()>;

    /// SAVEPOINT, RELEASE, ROLLBACK TO.
    fn savepoint(&mut self, op: SavepointOp, name: &str) -> Result<()>;

    /// The transaction's counter of deferred foreign-key violations.
    fn deferred_violations(&mut self) -> &mut i64;

    /// `PRAGMA defer_foreign_keys`: all violations count as deferred.
    fn defers_foreign_keys(&self) -> bool {
        false
    }

    // ---- Catalogue --------------------------------------------------------------------------------------------------

    /// See [`turso_program::schema::ParseSchema`].
    fn parse_schema(&mut self, db: DbIndex, condition: Option<&str>) -> Result<()>;

    /// Remove an object from the catalogue.
    fn drop_entry(&mut self, db: DbIndex, entry: CatalogueEntry, name: &str) -> Result<()>;

    /// Fails with `SQLITE_LOCKED` while other statements of the connection read the database: their cursors would be left
    /// without a tree.
    fn may_drop_tree(&mut self, db: DbIndex) -> Result<()> {
        let _ = db;
        Ok(())
    }

    /// Auto-vacuum moved a tree's root page.
    fn root_moved(&mut self, db: DbIndex, from: u32, to: u32) -> Result<()>;

    /// A header field has been written (the pager's header has it already).
    fn cookie_written(&mut self, db: DbIndex, cookie: Cookie, value: u32) -> Result<()>;

    /// Statements prepared so far must be prepared anew.
    fn expire_statements(&mut self);

    // ---- Maintenance and pragmas ------------------------------------------------------------------------------------

    /// `PRAGMA journal_mode`: NULL queries; the mode in force goes to `dest`.
    fn journal_mode(&mut self, db: DbIndex, mode: &Value, dest: &mut Value) -> Result<()>;

    /// `PRAGMA wal_checkpoint`: busy, log, checkpointed.
    fn checkpoint(&mut self, db: DbIndex, mode: u8) -> Result<[i64; 3]>;

    /// VACUUM, or INTO the file named.
    fn vacuum(&mut self, db: DbIndex, into: Option<&Value>) -> Result<()>;

    /// Check the trees with these root pages; the text of at most `max_errors` problems, and how many there were. Each root
    /// becomes the number of entries that its tree has.
    fn integrity_check(&mut self, db: DbIndex, roots: &mut [u64], max_errors: i64) -> Result<Option<(String, i64)>>;

    /// One step of incremental vacuum; false when nothing is left to do.
    fn incremental_vacuum(&mut self, db: DbIndex) -> Result<bool>;

    /// Anything else that only the connection can do, by name.
    fn call(&mut self, call: &HostCall, args: &[Value], dest: &mut [Value]) -> Result<()>;

    // ---- Virtual tables ---------------------------------------------------------------------------------------------

    /// The connection, as virtual tables see it.
    fn session(&mut self) -> &mut dyn Session;

    /// The table takes part in the transaction from now on.
    fn begin_virtual(&mut self, table: &UsedTable) -> Result<()> {
        let _ = table;
        Ok(())
    }

    /// CREATE VIRTUAL TABLE: the module makes the table, whose row the catalogue has.
    fn create_virtual(&mut self, db: DbIndex, name: &str) -> Result<()>;

    /// DROP TABLE: the module removes what it keeps of the table.
    fn destroy_virtual(&mut self, db: DbIndex, name: &str) -> Result<()>;

    /// ALTER TABLE RENAME: the module renames what it keeps of the table, which the catalogue has under its new name.
    fn rename_virtual(&mut self, db: DbIndex, table: &UsedTable, name: &str) -> Result<()>;

    // ---- Changes ----------------------------------------------------------------------------------------------------

    /// `changes()`, `total_changes()`, `last_insert_rowid()`.
    fn counters(&mut self) -> &mut Counters;

    /// Which records [`Host::on_change`] wants to see for changes of this kind. Asked once per instruction.
    fn interest(&self, change: &RowChange) -> Interest {
        let _ = change;
        Interest::None
    }

    /// The change stream: one row has changed. Takes notes, touches no page, and cannot fail.
    fn on_change(&mut self, change: &RowChange, row: ChangedRow<'_>) {
        let _ = (change, row);
    }

    /// All rows of a tree have been removed at once.
    fn on_truncate(&mut self, change: &RowChange, rows: i64) {
        let _ = (change, rows);
    }

    /// Call a function that is the connection's own. What it waits for it waits for in place.
    fn call_own(&mut self, function: HostFunction, arguments: &[Value]) -> Result<Value> {
        let _ = arguments;
        Err(Error::new(ResultCode::ERROR, format!("{function:?} needs a connection")))
    }

    // ---- Code of the application ------------------------------------------------------------------------------------

    /// Call code of the application, which may run statements on the connection meanwhile. Fails with
    /// `SQLITE_ABORT_ROLLBACK` when those have ended the transaction that the running statement writes in.
    fn foreign<R>(&mut self, call: impl FnOnce() -> Result<R>) -> Result<R>
    where
        Self: Sized,
    {
        call()
    }

    /// The body of a trigger begins to run.
    #[inline]
    fn trigger_begins(&mut self, name: &str) {
        let _ = name;
    }

    /// A step of that body begins: its text.
    #[inline]
    fn trigger_step_begins(&mut self, text: &str) {
        let _ = text;
    }

    // ---- The world --------------------------------------------------------------------------------------------------

    /// What functions may ask.
    fn environment(&self) -> &dyn Environment;

    /// A random number (rowids once the largest is in use).
    fn random(&mut self) -> u64;

    /// The connection's limits.
    fn limits(&self) -> &Limits;

    /// How many instructions run between two calls of [`Host::poll`].
    fn poll_interval(&self) -> u32 {
        1000
    }

    /// Called every so many instructions: `SQLITE_INTERRUPT` when the program has to stop (interrupt flag, progress handler).
    /// This is also the moment to let go of pages ([`Pager::unpin`]) and to spill ([`Pager::maybe_spill`]); it may be pending.
    fn poll(&mut self) -> Result<()>;
}

/// A row that has changed. Records are in the file format, in the database's text encoding.
#[derive(Debug, Clone, Copy)]
pub struct ChangedRow<'a> {
    /// `None` for WITHOUT ROWID tables.
    pub rowid: Option<i64>,
    /// The record before, if it was wanted and there was one.
    pub old: Option<&'a [u8]>,
    /// The record after; `None` when the row is gone.
    pub new: Option<&'a [u8]>,
    /// How many trigger bodies deep the change was made.
    pub depth: usize,
}

/// What of a row the change stream wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// Nobody listens.
    None,
    /// That it changed, and the new record, which is at hand anyway.
    New,
    /// The old record too, which must be read.
    OldAndNew,
}

/// An object of the catalogue that DDL removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueEntry {
    /// A table or view with all that belongs to it.
    Table,
    /// An index.
    Index,
    /// A trigger.
    Trigger,
}

/// The counters of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Rows changed by the last completed statement.
    pub changes: i64,
    /// Rows changed since the connection was opened.
    pub total_changes: i64,
    /// The rowid of the last insert.
    pub last_insert_rowid: i64,
}

impl Counters {
    /// Publish the number of rows that a statement changed.
    pub fn publish(&mut self, changes: i64) {
        self.changes = changes;
        self.total_changes += changes;
    }

    /// The statement that published last could not be committed: it changed nothing.
    pub fn retract(&mut self) {
        self.total_changes -= self.changes;
        self.changes = 0;
    }
}

/// Limits of a connection (`sqlite3_limit`), as far as running programs meet them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a text, blob or record.
    pub length: usize,
    /// Nested trigger programs.
    pub trigger_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { length: 1_000_000_000, trigger_depth: 1000 }
    }
}
