//! What the application may be asked and told while statements run.
//!
//! A callback may use the connection: the session is lent to it (`connection::gate`), except where this is said. It runs on the
//! thread that steps the statement; on the asynchronous face that is the thread which polls the future, and statements that
//! the callback runs block it. Callbacks are called through `&self`: one that runs statements may be called again by them.

use std::sync::Arc;
use std::time::Duration;

use turso_error::Result;
use turso_value::Value;

use crate::statement::StatementStatus;

pub use turso_planner::{AuthAction, AuthRequest, Authorization};

/// What happened to a row; the numbers are SQLite's action codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowAction {
    /// `SQLITE_DELETE`.
    Delete = 9,
    /// `SQLITE_INSERT`.
    Insert = 18,
    /// `SQLITE_UPDATE`.
    Update = 23,
}

/// Told of each changed row of a rowid table: action, database, table, rowid (the new one).
///
/// Not of rows that REPLACE removes, of tables WITHOUT ROWID, of `sqlite_` tables, and of a DELETE without WHERE that empties
/// the whole table at once.
pub type UpdateHook = Arc<dyn Fn(RowAction, &str, &str, i64) + Send + Sync>;

/// Told of each row that changes, with its values before and after. Knows tables WITHOUT ROWID and rows that REPLACE removes
/// as well. The change has been made already when it is called, and cannot be seen by others yet.
pub type PreupdateHook = Arc<dyn Fn(&Preupdate<'_>) + Send + Sync>;

/// Asked before a transaction that has written is committed; `true` turns the commit into a rollback.
pub type CommitHook = Arc<dyn Fn() -> bool + Send + Sync>;

/// Told that a transaction has been rolled back.
pub type RollbackHook = Arc<dyn Fn() + Send + Sync>;

/// Told after a commit to a database in WAL mode: its name, and the number of frames in its log. An error becomes the error of
/// the statement that has committed; the commit stays.
pub type WalHook = Arc<dyn Fn(&str, u32) -> Result<()> + Send + Sync>;

/// Asked before a commit to a database that gives free pages back (`PRAGMA auto_vacuum=FULL`): its name, its pages, how many of
/// them are free, and their size. Answers how many pages to give back.
pub type AutoVacuumHook = Arc<dyn Fn(&str, u32, u32, u32) -> u32 + Send + Sync>;

/// Asked now and then while a statement runs; `true` interrupts it.
pub type ProgressHandler = Arc<dyn Fn() -> bool + Send + Sync>;

/// Asked when a lock is taken, with the number of times it has been asked for this lock before; `true`: try again.
pub type BusyHandler = Arc<dyn Fn(u32) -> bool + Send + Sync>;

/// Asked what a statement may do, while it is prepared. It cannot use the connection.
pub type Authorizer = Arc<dyn Fn(&AuthRequest<'_>) -> Authorization + Send + Sync>;

/// Asked for a collation that is not known; it may register it on the connection.
pub type CollationNeeded = Arc<dyn Fn(&str) + Send + Sync>;

/// Told what statements do.
pub type Tracer = Arc<dyn Fn(&TraceEvent<'_>) + Send + Sync>;

/// Which events a [`Tracer`] wants; the bits of `sqlite3_trace_v2`.
pub mod trace_mask {
    /// A statement begins, or one of its triggers does.
    pub const STATEMENT: u32 = 1;
    /// A statement has ended.
    pub const PROFILE: u32 = 2;
    /// A statement has a row.
    pub const ROW: u32 = 4;
    /// The connection closes.
    pub const CLOSE: u32 = 8;
}

/// A statement as a [`Tracer`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct TracedStatement<'a> {
    /// [`crate::Statement::id`].
    pub id: u64,
    /// The text it was prepared from.
    pub sql: &'a [u8],
    /// The bound parameters by number - 1.
    pub parameters: &'a [Value],
    /// The current row, in [`TraceEvent::Row`].
    pub row: &'a [Value],
    /// [`crate::Statement::status`]; all zero in [`TraceEvent::Trigger`].
    pub status: StatementStatus,
}

impl TracedStatement<'_> {
    /// The text with the bound values in place of the parameters.
    pub fn expanded_sql(&self) -> Vec<u8> {
        crate::expand::expand_sql(self.sql, self.parameters)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum TraceEvent<'a> {
    /// A statement begins to run.
    Statement(TracedStatement<'a>),
    /// A statement begins within another one: a function or a module runs it. One that a module of the engine runs bears the number
    /// of the statement outside.
    Nested(TracedStatement<'a>),
    /// One of its triggers begins, or a step of one: the text is a comment, the name (`-- TRIGGER t`) or the step.
    Trigger(TracedStatement<'a>, &'a str),
    /// It has ended; how long the run has taken.
    Profile(TracedStatement<'a>, Duration),
    /// It has a row.
    Row(TracedStatement<'a>),
    /// The connection closes.
    Close,
}

/// A row that changes.
#[derive(Debug)]
pub struct Preupdate<'a> {
    /// What happens to it.
    pub action: RowAction,
    /// The database.
    pub database: &'a str,
    /// The table.
    pub table: &'a str,
    /// The rowid before (for an insert: after); 0 for a table WITHOUT ROWID.
    pub old_rowid: i64,
    /// The rowid after (for a delete: before); 0 for a table WITHOUT ROWID.
    pub new_rowid: i64,
    /// 0: by the statement itself, 1: by a trigger of it, and so on.
    pub depth: usize,
    /// The column that incremental blob I/O writes to.
    pub blob_column: Option<usize>,
    /// The table is WITHOUT ROWID.
    pub without_rowid: bool,
    /// The values before; empty for an insert.
    pub old: &'a [Value],
    /// The values after; empty for a delete.
    pub new: &'a [Value],
}

impl Preupdate<'_> {
    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.old.len().max(self.new.len())
    }
}
