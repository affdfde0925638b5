//! Incremental blob I/O: reading and writing the bytes of one value in place.
//!
//! A handle counts as a running statement: it keeps its snapshot, a writable one the write transaction, which its closing commits
//! in autocommit mode. It expires when its row changes, except by handles like itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use turso_error::{Error, Result, ResultCode};
use turso_program::DbIndex;
use turso_program::schema::Transaction;
use turso_program::write::{Cause, RowChange};
use turso_schema::{IndexKey, Table};
use turso_storage::btree::{BTreeCursor, CursorKind, SeekResult};
use turso_storage::{PageNo, Pager};
use turso_value::varint;
use turso_vm::Interest;

use crate::connection::{Connection, State};
use crate::hooks::RowAction;

/// How often opening is tried anew because the schema keeps changing.
const MAX_SCHEMA_RETRIES: u32 = 50;
/// A record header that is longer than this is damaged.
const MAX_HEADER: u32 = 1 << 20;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A handle on the bytes of one value.
pub struct Blob {
    connection: Connection,
    id: u64,
    table: Arc<Table>,
    db: usize,
    column: usize,
    rowid: i64,
    /// Where the value begins in the record.
    at: u32,
    len: u32,
    writable: bool,
    /// The connection's rollbacks when it was opened.
    rollbacks: u64,
    /// A `reopen` has failed: the handle is of no use any more.
    lost: bool,
    /// What the last reading or writing has come to; closing tells it again.
    failure: Option<Error>,
    closed: bool,
}

/// What the connection knows of an open handle.
pub(crate) struct OpenBlob {
    id: u64,
    db: usize,
    table: Arc<str>,
    rowid: i64,
    expired: bool,
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blob").field("table", &self.table.name).field("rowid", &self.rowid).finish_non_exhaustive()
    }
}

impl Connection {
    /// Open the value of a column in the row with this rowid.
    pub fn open_blob(&self, database: &str, table: &str, column: &str, rowid: i64, writable: bool) -> Result<Blob> {
        let mut held = self.lock();
        let mut blob = held.with_stack(|state| {
            state.usable()?;
            for _ in 0..MAX_SCHEMA_RETRIES {
                match state.open_blob(self, (database, table, column), writable) {
                    Err(error) if error.is(ResultCode::SCHEMA) => {}
                    other => return other,
                }
            }
            Err(Error::from_code(ResultCode::SCHEMA))
        })?;
        let outcome = held.with_stack(|state| {
            state.blobs.push(OpenBlob {
                id: blob.id,
                db: blob.db,
                table: blob.table.name.clone(),
                rowid,
                expired: false,
            });
            state.watch_rows();
            blob.point_to(state, rowid)
        });
        if let Err(error) = outcome {
            // Closing has nothing to commit: the first failure is the one to tell.
            let _ = held.with_stack(|state| blob.close_in(state));
            return Err(error);
        }
        drop(held);
        Ok(blob)
    }
}

impl Blob {
    /// Bytes of the value; 0 once it has been found out that the handle has expired.
    pub fn len(&self) -> usize {
        if self.lost { 0 } else { self.len as usize }
    }

    /// The value has no bytes, or the handle has been found to have expired.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fill `buffer` with the bytes from `offset` on. A range that is not wholly within the value is an error.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: usize) -> Result<()> {
        let connection = self.connection.clone();
        let mut held = connection.lock();
        held.with_stack(|state| {
            let (from, count) = self.range(state, buffer.len(), offset)?;
            let mut bytes = Vec::with_capacity(buffer.len());
            let mut cursor = self.cursor();
            state.on_pages(self.db, |pager| {
                self.seek(&mut cursor, pager)?;
                cursor.read_payload(pager, from, count, &mut bytes)
            })?;
            self.failure = None;
            if bytes.len() == buffer.len() {
                buffer.copy_from_slice(&bytes);
            }
            Ok(())
        })
    }

    /// Overwrite the bytes from `offset` on. The length of the value stays.
    pub fn write_at(&mut self, bytes: &[u8], offset: usize) -> Result<()> {
        let connection = self.connection.clone();
        let mut held = connection.lock();
        held.with_stack(|state| {
            let (from, _) = self.range(state, bytes.len(), offset)?;
            let outcome = self.overwrite(state, bytes, from);
            self.failure = outcome.as_ref().err().cloned();
            outcome
        })
    }

    fn overwrite(&self, state: &mut State, bytes: &[u8], from: u32) -> Result<()> {
        if !self.writable {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        if state.hooks.watches_values {
            self.tell_preupdate(state)?;
        }
        let change = self.change(Cause::Update);
        if state.wanted_by_capture(&change) == Interest::None {
            return self.put(state, bytes, from);
        }
        let old = self.record(state)?;
        let at = from as usize..from as usize + bytes.len();
        let mut new = old.clone();
        new.get_mut(at.clone()).ok_or_else(damaged)?.copy_from_slice(bytes);
        self.put(state, bytes, from)?;
        let mark = state.capture.mark();
        state.note_change(&change, Some(self.rowid), (Some(&old), Some(&new)));
        let captured = state.blocking(State::write_changes);
        if captured.is_err() {
            // What cannot be captured has not happened.
            state.capture.cut_back(mark);
            self.put(state, old.get(at).unwrap_or(&[]), from)?;
        }
        captured
    }

    /// Overwrites bytes of the record.
    fn put(&self, state: &mut State, bytes: &[u8], from: u32) -> Result<()> {
        let mut cursor = self.cursor();
        state.on_pages(self.db, |pager| {
            self.seek(&mut cursor, pager)?;
            cursor.overwrite_payload(pager, from, bytes)
        })
    }

    /// The whole record of the row.
    fn record(&self, state: &mut State) -> Result<Vec<u8>> {
        let mut cursor = self.cursor();
        let mut record = Vec::new();
        state.on_pages(self.db, |pager| {
            self.seek(&mut cursor, pager)?;
            record = cursor.full_payload(pager)?.to_vec();
            Ok(())
        })?;
        Ok(record)
    }

    fn change(&self, cause: Cause) -> RowChange {
        RowChange {
            db: DbIndex(self.db as u16),
            table: self.table.name.clone(),
            cause,
            counts: false,
            sets_last_rowid: false,
        }
    }

    /// Move to the same column of another row. After a failure the handle is of no use any more.
    pub fn reopen(&mut self, rowid: i64) -> Result<()> {
        let connection = self.connection.clone();
        let mut held = connection.lock();
        held.with_stack(|state| {
            self.check(state)?;
            self.point_to(state, rowid).inspect_err(|_| self.lost = true)
        })
    }

    /// End the use of the value; in autocommit mode this commits what was written.
    pub fn close(mut self) -> Result<()> {
        let connection = self.connection.clone();
        let mut held = connection.lock();
        held.with_stack(|state| self.close_in(state))
    }

    fn close_in(&mut self, state: &mut State) -> Result<()> {
        if std::mem::replace(&mut self.closed, true) || state.inert {
            return Ok(());
        }
        state.blobs.retain(|blob| blob.id != self.id);
        state.watch_rows();
        let undone = self.writable && state.rollbacks != self.rollbacks;
        let mut outcome = Ok(());
        if self.writable && !undone {
            outcome = state.blocking(|state| state.commit_if_autocommit(true));
            if outcome.is_err() {
                state.rollback_all();
            }
        }
        state.statement_stops(self.writable);
        state.end_reads_if_idle();
        if undone {
            return Err(Error::from_code(ResultCode::ABORT_ROLLBACK));
        }
        outcome?;
        state.tell_commits()?;
        self.failure.take().map_or(Ok(()), Err)
    }

    fn cursor(&self) -> BTreeCursor {
        BTreeCursor::new(PageNo(self.table.root), CursorKind::Table)
    }

    /// The handle can be used.
    fn check(&self, state: &State) -> Result<()> {
        state.usable()?;
        if self.lost || state.blobs.iter().any(|blob| blob.id == self.id && blob.expired) {
            return Err(Error::from_code(ResultCode::ABORT));
        }
        if self.writable && state.rollbacks != self.rollbacks {
            return Err(Error::from_code(ResultCode::ABORT_ROLLBACK));
        }
        Ok(())
    }

    /// Where a range of the value lies in the record.
    fn range(&mut self, state: &State, count: usize, offset: usize) -> Result<(u32, u32)> {
        let end = offset.checked_add(count).and_then(|end| u32::try_from(end).ok()).filter(|end| *end <= self.len);
        if self.lost || end.is_some() {
            let checked = self.check(state);
            self.lost |= checked.as_ref().is_err_and(|error| error.code() == ResultCode::ABORT);
            checked?;
        }
        match (u32::try_from(offset), u32::try_from(count), end) {
            (Ok(offset), Ok(count), Some(_)) => Ok((self.at + offset, count)),
            _ => Err(Error::from_code(ResultCode::ERROR)),
        }
    }

    fn seek(&self, cursor: &mut BTreeCursor, pager: &mut Pager) -> Result<()> {
        match cursor.seek_rowid(pager, self.rowid)? {
            SeekResult::Found => Ok(()),
            _ => Err(Error::from_code(ResultCode::ABORT)),
        }
    }

    /// Find the value in the row with this rowid.
    fn point_to(&mut self, state: &mut State, rowid: i64) -> Result<()> {
        let mut cursor = self.cursor();
        let (mut start, mut header) = (Vec::new(), Vec::new());
        let field = self.table.field_of(self.column);
        let found = state.on_pages(self.db, |pager| {
            if cursor.seek_rowid(pager, rowid)? != SeekResult::Found {
                return Ok(None);
            }
            let size = cursor.payload_size();
            cursor.read_payload(pager, 0, size.min(varint::MAX_LEN as u32), &mut start)?;
            let (length, _) = varint::read(&start).ok_or_else(damaged)?;
            let length = u32::try_from(length).ok().filter(|l| *l <= size.min(MAX_HEADER)).ok_or_else(damaged)?;
            cursor.read_payload(pager, 0, length, &mut header)?;
            locate(&header, size, field).map(Some)
        })?;
        let Some(found) = found else { return Err(Error::sql(format!("no such rowid: {rowid}"))) };
        let (at, len) = match found {
            Field::Bytes { at, len } => (at, len),
            Field::Other(kind) => return Err(Error::sql(format!("cannot open value of type {kind}"))),
        };
        (self.rowid, self.at, self.len) = (rowid, at, len);
        if let Some(open) = state.blobs.iter_mut().find(|blob| blob.id == self.id) {
            open.rowid = rowid;
        }
        Ok(())
    }

    fn tell_preupdate(&self, state: &mut State) -> Result<()> {
        let record = self.record(state)?;
        let change = self.change(Cause::Delete);
        let rowid = Some(self.rowid);
        state.call_preupdate(&change, RowAction::Delete, (rowid, Some(&record)), (rowid, None), 0, Some(self.column));
        Ok(())
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if !self.closed {
            let connection = self.connection.clone();
            let mut held = connection.lock();
            // Nobody is left to be told.
            let _ = held.with_stack(|state| self.close_in(state));
        }
    }
}

impl State {
    /// Check what is to be opened, and begin what it needs.
    fn open_blob(
        &mut self,
        connection: &Connection,
        (database, table, column): (&str, &str, &str),
        writable: bool,
    ) -> Result<Blob> {
        self.blocking(Self::ensure_schemas)?;
        let no_table = || Error::sql(format!("no such table: {database}.{table}"));
        let db = self.databases.iter().position(|d| d.name.eq_ignore_ascii_case(database)).ok_or_else(no_table)?;
        let schema = self.databases[db].schema.clone().ok_or_else(no_table)?;
        let table = schema.qualified_table(table).cloned().ok_or_else(no_table)?;
        let column = self.check_blob(&table, column, writable)?;
        self.prepare_environment();
        self.statement_starts(writable);
        let wanted = Transaction {
            db: DbIndex(db as u16),
            write: writable,
            schema_cookie: schema.cookie,
            schema_generation: schema.generation,
        };
        if let Err(error) = self.blocking(|state| state.begin_for(&wanted)) {
            self.statement_stops(writable);
            self.end_reads_if_idle();
            return Err(error);
        }
        self.databases[db].snapshot_used = true;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let rollbacks = self.rollbacks;
        let connection = connection.clone();
        let lost = false;
        let blob = Blob {
            connection,
            id,
            table,
            db,
            column,
            rowid: 0,
            at: 0,
            len: 0,
            writable,
            rollbacks,
            lost,
            failure: None,
            closed: false,
        };
        Ok(blob)
    }

    /// What cannot be opened at all; the position of the column otherwise.
    fn check_blob(&self, table: &Table, column: &str, writable: bool) -> Result<usize> {
        if table.is_view() {
            return Err(Error::sql(format!("cannot open view: {}", table.name)));
        }
        if table.is_virtual() {
            return Err(Error::sql(format!("cannot open virtual table: {}", table.name)));
        }
        if !table.has_rowid() {
            return Err(Error::sql(format!("cannot open table without rowid: {}", table.name)));
        }
        if table.columns.iter().any(|c| c.generated.is_some()) {
            return Err(Error::sql(format!("cannot open table with generated columns: {}", table.name)));
        }
        let Some(position) = table.column_index(column) else {
            return Err(Error::sql(format!("no such column: \"{column}\"")));
        };
        if writable {
            let in_key = table.foreign_keys.iter().any(|key| key.columns.contains(&position));
            if self.settings.foreign_keys && in_key {
                return Err(Error::sql("cannot open foreign key column for writing"));
            }
            // An expression may read any column.
            let is_read = |key: &IndexKey| match key {
                IndexKey::Column(c) => *c == position,
                IndexKey::Expr(_) => true,
                IndexKey::Rowid => false,
            };
            if table.indexes.iter().any(|index| index.columns.iter().any(|c| is_read(&c.key))) {
                return Err(Error::sql("cannot open indexed column for writing"));
            }
        }
        Ok(position)
    }

    /// Run an operation on the pages of a database to its end, waiting in place.
    fn on_pages<T>(&mut self, db: usize, mut operation: impl FnMut(&mut Pager) -> Result<T>) -> Result<T> {
        let outcome = self.blocking(|state| {
            let Some(entry) = state.databases.get_mut(db) else { return Err(Error::from_code(ResultCode::ABORT)) };
            let outcome = operation(&mut entry.pager);
            state.pending_on(db, outcome)
        });
        if let Some(entry) = self.databases.get_mut(db) {
            entry.pager.unpin();
        }
        outcome
    }

    /// A row has changed: handles on it expire. `None`: all rows of the table.
    pub(crate) fn expire_blobs(&mut self, change: &RowChange, rowid: Option<i64>) {
        for blob in &mut self.blobs {
            let same = blob.db == change.db.index() && blob.table.eq_ignore_ascii_case(&change.table);
            blob.expired |= same && rowid.is_none_or(|rowid| rowid == blob.rowid);
        }
    }
}

/// What a field of a record is.
enum Field {
    Bytes { at: u32, len: u32 },
    Other(&'static str),
}

/// Find a field by the header of a record of `size` bytes.
fn locate(header: &[u8], size: u32, field: Option<usize>) -> Result<Field> {
    let (header_len, mut at) = varint::read(header).ok_or_else(damaged)?;
    let mut offset = header_len;
    let mut index = 0;
    while at < header.len() {
        let (kind, bytes) = header.get(at..).and_then(varint::read).ok_or_else(damaged)?;
        at += bytes;
        let len = match kind {
            0 | 8..=11 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => (kind - 12) / 2,
        };
        if Some(index) == field {
            return Ok(match kind {
                0 | 10 | 11 => Field::Other("null"),
                7 => Field::Other("real"),
                1..=9 => Field::Other("integer"),
                _ => {
                    let end = offset.checked_add(len).filter(|end| *end <= u64::from(size)).ok_or_else(damaged)?;
                    Field::Bytes { at: u32::try_from(offset).map_err(|_| damaged())?, len: (end - offset) as u32 }
                }
            });
        }
        offset = offset.checked_add(len).ok_or_else(damaged)?;
        index += 1;
    }
    // Written before the column was added.
    Ok(Field::Other("null"))
}

#[cold]
fn damaged() -> Error {
    Error::from_code(ResultCode::CORRUPT)
}
