//! Writing notes as rows of the capture table.

use turso_error::{Error, Result, ResultCode};
use turso_functions::Environment;
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, Payload, SeekResult};
use turso_storage::{PageNo, Pager};
use turso_value::{RecordReader, TextEncoding, Value, encode_record};

use super::setup::quoted;
use super::{Kind, Note, REGISTRY};
use crate::connection::State;

/// Milliseconds from the Julian epoch to that of Unix.
const UNIX_EPOCH_MS: i64 = 210_866_760_000_000;

/// Rows on their way into the capture table: a position in a loop of small steps, each of which may wait.
pub(crate) struct Writing {
    rows: BTreeCursor,
    /// The table's row in `sqlite_sequence`.
    sequence: BTreeCursor,
    sequence_row: Option<i64>,
    /// The number of the next row; `None` until it has been found.
    next: Option<i64>,
    /// Notes that are written.
    done: usize,
}

impl State {
    /// A statement has succeeded: write what it has noted. Restartable.
    pub fn write_changes(&mut self) -> Result<()> {
        if self.capture.own_work {
            return Ok(());
        }
        while let Some(table) = self.capture.dropped.pop() {
            self.run_own(&format!("DELETE FROM {REGISTRY} WHERE table_name = ?1"), &[Value::from(&*table)])?;
        }
        // Rows of a concurrent transaction get their numbers when its turn to commit has come.
        let concurrent = self.databases.first().is_some_and(|main| main.pager.is_concurrent());
        self.capture.deferred |= concurrent && !self.capture.notes.is_empty();
        if self.capture.notes.is_empty() || concurrent || self.capture.deferred {
            return Ok(());
        }
        self.write_notes()
    }

    /// The transaction is about to be committed: write what is still noted, and the row that ends it. Restartable.
    pub fn write_commit_row(&mut self) -> Result<()> {
        if !self.capture.is_on() || self.capture.own_work || !self.databases.first().is_some_and(|d| d.pager.in_write())
        {
            return Ok(());
        }
        if self.capture.writing.is_none() || self.capture.notes.iter().all(|note| note.kind != Kind::Commit) {
            self.write_changes()?;
            let concurrent = self.databases.first().is_some_and(|main| main.pager.is_concurrent());
            if !self.capture.notes.is_empty() && !concurrent {
                self.write_notes()?;
            }
            let nothing = self.capture.transaction.is_none() && !(self.autocommit && self.capture.counting_statement);
            if nothing || !self.capture.version_2 || self.capture.commit_row.is_some() {
                return Ok(());
            }
            let (table, id) = (Value::Null, Value::Null);
            let note = Note { kind: Kind::Commit, table, id, before: None, after: None, updates: None };
            self.capture.notes.push(note);
        }
        self.write_notes()
    }

    fn write_notes(&mut self) -> Result<()> {
        let mut writing = match self.capture.writing.take() {
            Some(writing) => writing,
            None => match self.begin_writing()? {
                Some(writing) => Box::new(writing),
                None => return self.write_by_statement(),
            },
        };
        match self.go_on_writing(&mut writing) {
            Err(Error::Pending) => {
                self.capture.writing = Some(writing);
                self.pending_on(0, Err(Error::Pending))
            }
            outcome => outcome,
        }
    }

    /// Cursors for a table without indexes and triggers; `None` where there are some.
    fn begin_writing(&mut self) -> Result<Option<Writing>> {
        let schema = self.databases.first().and_then(|db| db.schema.clone());
        let table = schema.as_ref().and_then(|schema| schema.table(&self.capture.table)).cloned();
        let sequence = schema.as_ref().and_then(|schema| schema.table("sqlite_sequence")).map(|table| table.root);
        let Some(table) = table else { return Err(Error::sql(format!("no such table: {}", self.capture.table))) };
        let triggers = schema.as_ref().is_some_and(|schema| schema.triggers_of(&table.name).next().is_some());
        let columns = if self.capture.version_2 { 9 } else { 8 };
        let (true, Some(sequence)) =
            (table.indexes.is_empty() && !triggers && table.columns.len() == columns, sequence)
        else {
            return Ok(None);
        };
        Ok(Some(Writing {
            rows: BTreeCursor::new(PageNo(table.root), CursorKind::Table),
            sequence: BTreeCursor::new(PageNo(sequence), CursorKind::Table),
            sequence_row: None,
            next: None,
            done: 0,
        }))
    }

    fn go_on_writing(&mut self, writing: &mut Writing) -> Result<()> {
        let encoding = self.environment.encoding;
        let time = (self.environment.now_julian_ms() - UNIX_EPOCH_MS).div_euclid(1000);
        let Some(main) = self.databases.first_mut() else { return Ok(()) };
        let (pager, capture) = (&mut main.pager, &mut self.capture);
        let mut next = match writing.next {
            Some(next) => next,
            None => {
                let mut next = writing.find(pager, &capture.table, encoding)?;
                if capture.commit_row.take_if(|row| row.checked_add(1) == Some(next)).is_some() {
                    // The commit that this row told of was refused, and the transaction has gone on.
                    next -= 1;
                }
                next
            }
        };
        // ROLLBACK TO has undone every row of the transaction.
        let empty = |note: &Note| note.kind == Kind::Commit && capture.transaction == Some(next);
        if capture.notes.first().is_some_and(empty) {
            capture.notes.clear();
            return Ok(());
        }
        writing.next = Some(next);
        while let Some(note) = capture.notes.get(writing.done) {
            let values = note.values(capture.version_2, time, capture.transaction, next);
            let mut record = Vec::new();
            encode_record(&values, encoding, &mut record);
            writing.rows.insert_row(pager, next, Payload::from(&record[..]), InsertHint::Append)?;
            match note.kind {
                Kind::Commit => capture.commit_row = Some(next),
                _ => capture.transaction = capture.transaction.or(Some(next)),
            }
            writing.done += 1;
            next = next.checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL))?;
            writing.next = Some(next);
            pager.unpin();
        }
        writing.keep_sequence(pager, &capture.table, next - 1, encoding)?;
        capture.notes.clear();
        Ok(())
    }

    /// By INSERT, for a capture table with indexes or triggers.
    fn write_by_statement(&mut self) -> Result<()> {
        let time = (self.environment.now_julian_ms() - UNIX_EPOCH_MS).div_euclid(1000);
        let table = quoted(&self.capture.table);
        let sequence = format!(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0), coalesce(max(change_id), 0) FROM main.{table}"
        );
        let found = self.run_own(&sequence, &[Value::from(&*self.capture.table)])?;
        let greatest = found.iter().flatten().map(Value::to_integer).max().unwrap_or(0);
        let mut next = greatest.checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL))?;
        if self.capture.commit_row.take_if(|row| row.checked_add(1) == Some(next)).is_some() {
            next -= 1;
        }
        let (columns, marks) = match self.capture.version_2 {
            true => (
                "change_id, change_time, change_txn_id, change_type, table_name, id, before, after, updates",
                "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9",
            ),
            false => (
                "change_id, change_time, change_type, table_name, id, before, after, updates",
                "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8",
            ),
        };
        let insert = format!("INSERT OR REPLACE INTO main.{table} ({columns}) VALUES ({marks})");
        for note in std::mem::take(&mut self.capture.notes) {
            if note.kind == Kind::Commit && self.capture.transaction == Some(next) {
                break;
            }
            let mut values = note.values(self.capture.version_2, time, self.capture.transaction, next);
            values[0] = Value::Integer(next);
            self.run_own(&insert, &values)?;
            match note.kind {
                Kind::Commit => self.capture.commit_row = Some(next),
                _ => self.capture.transaction = self.capture.transaction.or(Some(next)),
            }
            next = next.checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL))?;
        }
        Ok(())
    }
}

impl Note {
    /// The row's values. The first, the row's own number, is in the rowid.
    fn values(&self, version_2: bool, time: i64, transaction: Option<i64>, number: i64) -> Vec<Value> {
        // The statement that nothing came of is told of, too.
        let transaction = transaction.unwrap_or(if self.kind == Kind::Commit { -1 } else { number });
        let blob = |bytes: &Option<Vec<u8>>| bytes.clone().map_or(Value::Null, Value::Blob);
        let mut values = vec![Value::Null, Value::Integer(time)];
        if version_2 {
            values.push(Value::Integer(transaction));
        }
        values.extend([Value::Integer(self.kind as i64), self.table.clone(), self.id.clone()]);
        values.extend([blob(&self.before), blob(&self.after), blob(&self.updates)]);
        values
    }
}

impl Writing {
    /// The number of the next row: greater than every one that there has been.
    fn find(&mut self, pager: &mut Pager, table: &str, encoding: TextEncoding) -> Result<i64> {
        let mut greatest = if self.rows.last(pager)? { self.rows.rowid() } else { 0 };
        self.sequence_row = None;
        let mut there = self.sequence.first(pager)?;
        while there {
            let mut values = Vec::new();
            RecordReader::new(self.sequence.full_payload(pager)?)?.decode_all(encoding, &mut values)?;
            if values.first().is_some_and(|name| name.bytes() == Some(table.as_bytes())) {
                self.sequence_row = Some(self.sequence.rowid());
                greatest = greatest.max(values.get(1).map_or(0, Value::to_integer));
                break;
            }
            there = self.sequence.next(pager)?;
        }
        greatest.max(0).checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL))
    }

    /// Numbers are never given out twice, also where rows have been trimmed.
    fn keep_sequence(&mut self, pager: &mut Pager, table: &str, last: i64, encoding: TextEncoding) -> Result<()> {
        let row = match self.sequence_row {
            Some(row) => row,
            None if self.sequence.last(pager)? => self.sequence.rowid().saturating_add(1),
            None => 1,
        };
        let mut record = Vec::new();
        encode_record(&[Value::from(table), Value::Integer(last)], encoding, &mut record);
        if self.sequence.seek_rowid(pager, row)? != SeekResult::Found && self.sequence_row.is_some() {
            return Err(Error::from_code(ResultCode::CORRUPT));
        }
        self.sequence.insert_row(pager, row, Payload::from(&record[..]), InsertHint::Seek)
    }
}
