//! Change data capture: every change of a row of `main` becomes a row of the capture table, in the same transaction.
//!
//! The change stream leaves notes here, which touch no page. When the statement has succeeded they are written as rows;
//! a statement that fails takes its notes with it, and what savepoints undo includes the rows. A concurrent transaction
//! keeps its notes until its commit holds the write lock: so its rows come in the order of commits, and capture makes no two
//! transactions meet.
//!
//! ```text
//!   Insert, Delete, IdxInsert, DDL --note_change--> notes --write_changes--> rows --commit_all--> COMMIT row
//!                                                     |  (end of statement, or commit of a concurrent transaction)
//!                                    failure, ROLLBACK TO: cut back
//! ```
//!
//! | mode     | `before`        | `after`         | `updates` |
//! |----------|-----------------|-----------------|-----------|
//! | `id`     |                 |                 |           |
//! | `before` | UPDATE, DELETE  |                 |           |
//! | `after`  |                 | INSERT, UPDATE  |           |
//! | `full`   | UPDATE, DELETE  | INSERT, UPDATE  | UPDATE    |
//!
//! The capture table is written as a table that it is: where it has indexes or triggers of its own, by an INSERT statement.

mod image;
mod setup;
mod write;

use std::sync::Arc;

use turso_program::DbIndex;
use turso_program::write::{Cause, RowChange};
use turso_schema::Table;
use turso_value::Value;
use turso_vm::Interest;

use super::State;
pub use image::captured_columns;
pub(crate) use write::Writing;

/// The table that names the capture tables of a database with their versions.
const REGISTRY: &str = "turso_cdc_version";
/// The capture table, if no other is named.
const DEFAULT_TABLE: &str = "turso_cdc";
/// The catalogue's table, which DDL changes.
const SCHEMA_TABLE: &str = "sqlite_schema";
/// Its column `sql`.
const SQL_COLUMN: usize = 4;
/// The table of the counters of AUTOINCREMENT, which the engine writes at the end of a statement.
const SEQUENCE_TABLE: &str = "sqlite_sequence";

/// What of a changed row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Off,
    Id,
    Before,
    After,
    Full,
}

impl Mode {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "off" => Mode::Off,
            "id" => Mode::Id,
            "before" => Mode::Before,
            "after" => Mode::After,
            "full" => Mode::Full,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Id => "id",
            Mode::Before => "before",
            Mode::After => "after",
            Mode::Full => "full",
        }
    }

    fn keeps_before(self) -> bool {
        matches!(self, Mode::Before | Mode::Full)
    }

    fn keeps_after(self) -> bool {
        matches!(self, Mode::After | Mode::Full)
    }
}

/// The column `change_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delete = -1,
    Update = 0,
    Insert = 1,
    Commit = 2,
}

/// A row of the capture table that is to be written.
struct Note {
    kind: Kind,
    table: Value,
    id: Value,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    updates: Option<Vec<u8>>,
}

/// What a connection captures, and what it has not written yet.
#[derive(Default)]
pub(crate) struct Capture {
    mode: Mode,
    /// The capture table.
    table: Arc<str>,
    /// It has the column `change_txn_id`, and transactions end with a row of their own.
    version_2: bool,
    notes: Vec<Note>,
    /// How many of them are of statements before the one in hand.
    noted_before: usize,
    /// The notes stay until the commit: the transaction began as a concurrent one. (That it may have stopped being one since does not
    /// matter: rows written inside of a savepoint would go with it, those of changes before it too.)
    deferred: bool,
    /// The first half of an UPDATE that moves a row has been noted.
    moved: bool,
    /// The number of the transaction's first row.
    transaction: Option<i64>,
    /// The row of the commit in hand, which may have to be tried again.
    commit_row: Option<i64>,
    /// Rows that are being written.
    writing: Option<Box<Writing>>,
    /// Changes are made by capture itself.
    own_work: bool,
    /// The statement that ends inserts, updates or deletes.
    counting_statement: bool,
    /// The statement in hand has changed rows of the capture table or the registry.
    own_rows: bool,
    /// Tables that the statement in hand has dropped.
    dropped: Vec<Arc<str>>,
}

impl Capture {
    /// Something is captured.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.mode != Mode::Off
    }

    /// A statement begins.
    #[inline]
    pub fn statement_starts(&mut self) {
        self.own_rows &= self.own_work;
        if !self.own_work {
            self.noted_before = self.notes.len();
        }
    }

    /// What the statement in hand has noted.
    fn noted_now(&self) -> &[Note] {
        self.notes.get(self.noted_before..).unwrap_or(&[])
    }

    /// A statement ends; `counts`: it is an INSERT, UPDATE or DELETE. May be told again when it could not end yet.
    #[inline]
    pub fn statement_ends(&mut self, counts: bool) {
        if !self.own_work {
            self.counting_statement = counts && !self.own_rows;
        }
    }

    /// The transaction has rows in the capture table.
    pub fn has_written(&self) -> bool {
        self.transaction.is_some() || self.commit_row.is_some()
    }

    /// How many notes have been taken.
    #[inline]
    pub fn mark(&self) -> usize {
        self.notes.len()
    }

    /// What was noted after the mark has been undone.
    pub fn cut_back(&mut self, mark: usize) {
        self.notes.truncate(mark);
        self.moved = false;
        self.writing = None;
        self.dropped.clear();
    }

    /// The transaction is over.
    pub fn end_transaction(&mut self) {
        self.notes.clear();
        self.deferred = false;
        self.moved = false;
        self.transaction = None;
        self.commit_row = None;
        self.writing = None;
        self.dropped.clear();
    }

    /// True for the capture table and the registry, whose own changes are nobody's news.
    fn is_own(&self, table: &str) -> bool {
        table.eq_ignore_ascii_case(&self.table) || table.eq_ignore_ascii_case(REGISTRY)
    }
}

impl State {
    /// What capture wants to see of a change.
    pub fn wanted_by_capture(&self, change: &RowChange) -> Interest {
        if !self.capture.is_on() || change.db != DbIndex(0) || self.capture.own_work {
            return Interest::None;
        }
        // A DELETE of a row without rowid is told by its key, which is in the old record.
        let names_old = change.cause != Cause::Insert && self.captured_table(change).is_some_and(|t| !t.has_rowid());
        if self.capture.mode.keeps_before() || change.cause == Cause::Define || names_old {
            Interest::OldAndNew
        } else {
            Interest::New
        }
    }

    fn captured_table(&self, change: &RowChange) -> Option<&Arc<Table>> {
        self.databases.first()?.schema.as_ref()?.table(&change.table)
    }

    /// A row has changed: take a note.
    pub fn note_change(&mut self, change: &RowChange, rowid: Option<i64>, (old, new): (Option<&[u8]>, Option<&[u8]>)) {
        if change.db != DbIndex(0) || self.capture.own_work {
            return;
        }
        if self.capture.is_own(&change.table) {
            // Trimming is nobody's news.
            self.capture.own_rows = true;
            return;
        }
        if change.cause == Cause::Define {
            match &*change.table {
                SCHEMA_TABLE => self.note_ddl(rowid, old, new),
                SEQUENCE_TABLE => self.note_counter(change, rowid, old, new),
                table => self.note_filled(table, rowid, new),
            }
            return;
        }
        let moving = change.cause == Cause::Update && new.is_none();
        let arrived = std::mem::take(&mut self.capture.moved) && change.cause == Cause::Update;
        self.capture.moved = moving;
        let kind = match (change.cause, new) {
            (_, None) => Kind::Delete,
            (Cause::Update, Some(_)) if !arrived => Kind::Update,
            _ => Kind::Insert,
        };
        let Some(table) = self.captured_table(change).cloned() else { return };
        if kind == Kind::Insert && change.cause == Cause::Insert && old.is_some() {
            // The new row has taken the place of another one with its key.
            self.note_row(&table, Kind::Delete, rowid, old, None);
        }
        self.note_row(&table, kind, rowid, old.filter(|_| kind != Kind::Insert), new);
    }

    fn note_row(&mut self, table: &Table, kind: Kind, rowid: Option<i64>, old: Option<&[u8]>, new: Option<&[u8]>) {
        let encoding = self.environment.encoding;
        let mode = self.capture.mode;
        let image = |record: Option<&[u8]>| record.map(|record| image::of_row(table, record, rowid, encoding));
        let id = match rowid {
            Some(rowid) => Value::Integer(rowid),
            None => new.or(old).map_or(Value::Null, |record| Value::Blob(image::key_of(table, record, encoding))),
        };
        let (before, after) = (
            image(old.filter(|_| mode.keeps_before() && kind != Kind::Insert)),
            image(new.filter(|_| mode.keeps_after() && kind != Kind::Delete)),
        );
        let updates = match (&before, &after) {
            (Some(before), Some(after)) if mode == Mode::Full => Some(image::updates(before, after, None, encoding)),
            _ => None,
        };
        let table = Value::Text(table.name.as_bytes().to_vec());
        self.capture.notes.push(Note { kind, table, id, before, after, updates });
    }

    /// A row with which CREATE TABLE AS fills its table: no catalogue has that yet, and its records are their own images.
    fn note_filled(&mut self, table: &str, rowid: Option<i64>, new: Option<&[u8]>) {
        let after = new.filter(|_| self.capture.mode.keeps_after()).map(<[u8]>::to_vec);
        let (table, id) = (Value::from(table), rowid.map_or(Value::Null, Value::Integer));
        self.capture.notes.push(Note { kind: Kind::Insert, table, id, before: None, after, updates: None });
    }

    /// The engine has written the counter of a table.
    fn note_counter(&mut self, change: &RowChange, rowid: Option<i64>, old: Option<&[u8]>, new: Option<&[u8]>) {
        let encoding = self.environment.encoding;
        let counts_own = |record: &[u8]| match image::decoded(record, encoding).first().and_then(Value::bytes) {
            Some(name) => self.capture.is_own(&String::from_utf8_lossy(name)),
            None => false,
        };
        if [old, new].into_iter().flatten().any(counts_own) {
            return;
        }
        let kind = match (old, new) {
            (_, None) => Kind::Delete,
            (Some(_), Some(_)) => Kind::Update,
            (None, Some(_)) => Kind::Insert,
        };
        let Some(table) = self.captured_table(change).cloned() else { return };
        self.note_row(&table, kind, rowid, old, new);
    }

    /// A row of `sqlite_schema` has changed.
    fn note_ddl(&mut self, rowid: Option<i64>, old: Option<&[u8]>, new: Option<&[u8]>) {
        let (encoding, mode) = (self.environment.encoding, self.capture.mode);
        let decoded = |record: Option<&[u8]>| record.map_or_else(Vec::new, |record| image::decoded(record, encoding));
        // A row of five NULLs keeps the place of one that is to come.
        let old = old.filter(|old| decoded(Some(old)).iter().any(|value| !value.is_null()));
        let kind = match (old, new) {
            (Some(_), Some(_)) => Kind::Update,
            (_, None) => Kind::Delete,
            (None, Some(_)) => Kind::Insert,
        };
        let values = decoded(new.or(old));
        let field =
            |index: usize| values.get(index).and_then(Value::bytes).map(String::from_utf8_lossy).unwrap_or_default();
        if self.capture.is_own(&field(1)) || self.capture.is_own(&field(2)) {
            return;
        }
        let id = rowid.map_or(Value::Null, Value::Integer);
        // The text of an ALTER statement stands where the row of its table, the first that it changes, has its new text.
        let is_first = self
            .capture
            .noted_now()
            .iter()
            .all(|note| note.kind != Kind::Update || note.table != Value::from(SCHEMA_TABLE));
        let statement = self.running_sql.as_deref().filter(|_| is_first && kind == Kind::Update).map(|sql| {
            let sql = sql.trim_ascii();
            sql.strip_suffix(b";").unwrap_or(sql).trim_ascii()
        });
        let updates = match (old, new) {
            (Some(old), Some(new)) if mode == Mode::Full => {
                Some(image::updates(old, new, statement.map(|sql| (SQL_COLUMN, sql)), encoding))
            }
            _ => None,
        };
        let before = old.filter(|_| mode.keeps_before()).map(<[u8]>::to_vec);
        let after = new.filter(|_| mode.keeps_after()).map(<[u8]>::to_vec);
        // The rows of CREATE TABLE AS come before that of their table in the file, and behind it here.
        let name = Value::from(&*field(1));
        let filled = self.capture.noted_now().iter().position(|note| kind == Kind::Insert && note.table == name);
        let at = filled.map_or(self.capture.notes.len(), |filled| self.capture.noted_before + filled);
        self.capture.notes.insert(at, Note { kind, table: Value::from(SCHEMA_TABLE), id, before, after, updates });
    }

    /// DROP TABLE: a capture table leaves the registry with it.
    pub fn note_dropped_table(&mut self, name: &str) {
        let registered =
            |db: &super::state::AttachedDb| db.schema.as_ref().is_some_and(|s| s.table(REGISTRY).is_some());
        if !name.eq_ignore_ascii_case(REGISTRY) && self.databases.first().is_some_and(registered) {
            self.capture.dropped.push(name.into());
        }
    }
}
