//! Transactions, savepoints, trees, the catalogue, maintenance.

use std::sync::Arc;

use crate::operand::{Addr, DbIndex, Reg, Regs};
use crate::register::instructions;

/// `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SavepointOp {
    Begin,
    Release,
    RollbackTo,
}

/// What [`AutoCommit`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TransactionControl {
    BeginDeferred,
    BeginImmediate,
    BeginExclusive,
    BeginConcurrent,
    Commit,
    Rollback,
}

/// A field of the database header that pragmas and DDL read and write (`fileformat2.html`, the database header).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cookie {
    SchemaVersion,
    FileFormat,
    DefaultCacheSize,
    LargestRoot,
    TextEncoding,
    UserVersion,
    IncrementalVacuum,
    ApplicationId,
    FreelistCount,
}

/// Work that only the connection can do (pragmas with effects, ATTACH, …): the interpreter calls the host's
/// `connection_call` with the name and the argument registers; rows it makes go into an ephemeral result list that the
/// program then reads. See the `Host` trait of the interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCall {
    /// Which call.
    pub name: Arc<str>,
    /// The database it is about.
    pub db: DbIndex,
    /// The statement has named the database: some settings are for all of them otherwise.
    pub named: bool,
}

crate::detail_operand!(SavepointOp, TransactionControl, Cookie, Arc<HostCall>);

instructions! {
    /// Make sure that a read (or write) transaction is open on `db` and that the schema is the one the program was made
    /// for: otherwise `SQLITE_SCHEMA`, and the statement is prepared anew. Opens the statement's savepoint where needed.
    Transaction { db: DbIndex, write: bool, schema_cookie: u32, schema_generation: u32 }
    /// BEGIN, COMMIT, ROLLBACK.
    AutoCommit { control: TransactionControl }
    /// Savepoint commands.
    Savepoint { op: SavepointOp, name: Arc<str> }
    /// Read a header field.
    ReadCookie { db: DbIndex, dest: Reg, cookie: Cookie }
    /// Write a header field from an integer register.
    SetCookie { db: DbIndex, value: Reg, cookie: Cookie }
    /// Create an empty tree (`index`: for index entries); its root page number goes to `dest`.
    CreateBtree { db: DbIndex, dest: Reg, index: bool }
    /// Free all pages of the tree whose root is the integer in `root`. `moved_from` gets the root page that was moved into the
    /// freed root's place (auto-vacuum), else 0.
    Destroy { db: DbIndex, root: Reg, moved_from: Reg }
    /// Read the rows of `sqlite_schema` that satisfy the SQL condition (`None`: all) and put them into the catalogue.
    ParseSchema { db: DbIndex, condition: Option<Arc<str>> }
    /// Remove a table (or view) and its indexes and triggers from the catalogue.
    DropTable { db: DbIndex, name: Arc<str> }
    /// Remove an index from the catalogue.
    DropIndex { db: DbIndex, name: Arc<str> }
    /// Remove a trigger from the catalogue.
    DropTrigger { db: DbIndex, name: Arc<str> }
    /// Check the pages of the trees whose root page numbers are in `roots`: `dest` becomes NULL, or the text of its
    /// problems; `more` says how many are wanted beyond the first, and is taken down by those told. `roots` become the numbers of
    /// entries that were met in the trees.
    IntegrityCheck { db: DbIndex, roots: Regs, more: Reg, dest: Reg }
    /// `PRAGMA journal_mode`: `mode` NULL queries; `dest` gets the mode in force.
    JournalMode { db: DbIndex, mode: Reg, dest: Reg }
    /// `PRAGMA wal_checkpoint`: three registers from `dest` get busy, log, checkpointed. `mode` 0..=3 passive, full, restart, truncate.
    Checkpoint { db: DbIndex, mode: u8, dest: Reg }
    /// VACUUM, or with `into` (a register with a file name) VACUUM INTO.
    Vacuum { db: DbIndex, into: Option<Reg> }
    /// One step of incremental vacuum; jump when nothing is left.
    IncrVacuum { db: DbIndex, done: Addr }
    /// The size of the database in pages.
    PageCount { db: DbIndex, dest: Reg }
    /// `PRAGMA max_page_count`.
    MaxPageCount { db: DbIndex, limit: Reg, dest: Reg }
    /// Statements prepared so far must be prepared anew.
    Expire { }
    /// Call the connection with `args`; `dest` (a block) receives the answer.
    ConnectionCall { args: Regs, dest: Regs, call: Arc<HostCall> }
}
