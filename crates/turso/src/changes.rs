//! Captured changes as a stream.
//!
//! The stream reads the capture table with a connection of its own: it sees what is committed, in the order of commits. The
//! position is the consumer's to keep: a stream from the position of the last change that has been dealt with gives every later
//! change at least once. It waits without reading: a commit of captured changes in this process wakes it. Commits of other
//! processes give no sign and are noticed within [`FOREIGN_COMMITS`].

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use turso_core::RecordReader;

use crate::connection::Connection;
use crate::error::Result;
use crate::value::Value;

/// How soon a commit of another process is noticed.
const FOREIGN_COMMITS: Duration = Duration::from_millis(500);

/// Changes that are read ahead, unless another number is asked for.
const BUFFER: usize = 256;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Insert,
    /// It has other values.
    Update,
    /// It is gone.
    Delete,
    /// Nothing: the transaction of the changes before is complete.
    Commit,
}

/// A captured change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its number: the position behind it.
    pub id: i64,
    /// When it was made, in seconds since 1970.
    pub time: i64,
    /// The number of the first change of its transaction; `None` in tables of version 1.
    pub transaction: Option<i64>,
    /// What happened.
    pub kind: ChangeKind,
    /// The table; `sqlite_schema` for DDL, `None` for [`ChangeKind::Commit`].
    pub table: Option<String>,
    /// The rowid; the key as a record for tables WITHOUT ROWID.
    pub row: Value,
    /// The names of the columns that the table had then; empty where they are not known.
    pub columns: Arc<[String]>,
    /// The values before, if they were captured.
    pub before: Option<Vec<Value>>,
    /// The values after, if they were captured.
    pub after: Option<Vec<Value>>,
    /// For each column whether it changed, then its new value where it did; for DDL the text of an ALTER statement stands where
    /// `sql` has its new value.
    pub updates: Option<Vec<Value>>,
}

/// A stream of committed changes. See the module's documentation.
#[derive(Debug)]
pub struct ChangeStream {
    connection: Connection,
    /// The capture table, quoted.
    table: String,
    /// The last change that was handed out.
    position: i64,
    /// The last change that was read.
    read: i64,
    buffer: VecDeque<Change>,
    capacity: usize,
    /// The columns of tables as of the last change that was read.
    columns: HashMap<String, Arc<[String]>>,
}

/// The text of a value that may be some.
fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_text).map(String::as_str)
}

impl ChangeStream {
    pub(crate) fn new(connection: Connection, table: &str, position: i64) -> Self {
        let table = format!("main.\"{}\"", table.replace('"', "\"\""));
        let (buffer, columns) = (VecDeque::new(), HashMap::new());
        Self { connection, table, position, read: position, buffer, capacity: BUFFER, columns }
    }

    /// Read this many changes ahead at most.
    #[must_use]
    pub fn with_buffer(mut self, changes: usize) -> Self {
        self.capacity = changes.max(1);
        self
    }

    /// The number of the last change that was handed out: where another stream goes on.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The next change; waits until there is one.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            // Counted before looking: a commit in between ends the wait at once.
            let seen = self.connection.inner().captured_commits();
            if let Some(change) = self.try_next().await? {
                return Ok(change);
            }
            let mut waited = false;
            poll_fn(|context| {
                if waited {
                    return Poll::Ready(());
                }
                waited = true;
                self.connection.inner().wake_on_captured_commit(seen, FOREIGN_COMMITS, context.waker());
                Poll::Pending
            })
            .await;
        }
    }

    /// The next change, if it is there.
    pub async fn try_next(&mut self) -> Result<Option<Change>> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        let change = self.buffer.pop_front();
        if let Some(change) = &change {
            self.position = change.id;
        }
        Ok(change)
    }

    /// Delete all changes up to and with this number. Answers how many there were.
    pub async fn trim(&self, through: i64) -> Result<u64> {
        self.connection.execute(format!("DELETE FROM {} WHERE change_id <= ?1", self.table), [through]).await
    }

    /// Read some changes.
    async fn fill(&mut self) -> Result<()> {
        let sql = format!("SELECT * FROM {} WHERE change_id > ?1 ORDER BY change_id LIMIT ?2", self.table);
        let mut rows = self.connection.query(sql, (self.read, self.capacity as i64)).await?;
        let places: Vec<Option<usize>> = [
            "change_id",
            "change_time",
            "change_txn_id",
            "change_type",
            "table_name",
            "id",
            "before",
            "after",
            "updates",
        ]
        .iter()
        .map(|name| rows.column_index(name).ok())
        .collect();
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let value = |place: usize| match places.get(place) {
                Some(Some(index)) => row.get_value(*index),
                _ => Ok(Value::Null),
            };
            let mut values = Vec::with_capacity(places.len());
            for place in 0..places.len() {
                values.push(value(place)?);
            }
            found.push(values);
        }
        drop(rows);
        for values in found {
            let change = self.change(values).await?;
            self.read = change.id;
            self.buffer.push_back(change);
        }
        Ok(())
    }

    async fn change(&mut self, values: Vec<Value>) -> Result<Change> {
        let mut values = values.into_iter();
        let mut next = || values.next().unwrap_or(Value::Null);
        let integer = |value: Value| value.as_integer().copied();
        let (id, time, transaction, kind) = (integer(next()), integer(next()), integer(next()), integer(next()));
        let table = next().as_text().cloned();
        let row = next();
        let mut images = Vec::new();
        for _ in 0..3 {
            images.push(self.decoded(&next())?);
        }
        let mut images = images.into_iter();
        let mut image = || images.next().flatten();
        let (before, after, updates) = (image(), image(), image());
        let kind = match kind {
            Some(1) => ChangeKind::Insert,
            Some(0) => ChangeKind::Update,
            Some(-1) => ChangeKind::Delete,
            _ => ChangeKind::Commit,
        };
        let mut change = Change {
            id: id.unwrap_or(0),
            time: time.unwrap_or(0),
            transaction,
            kind,
            table,
            row,
            columns: Arc::from([]),
            before,
            after,
            updates,
        };
        change.columns = self.columns_for(&change).await?;
        Ok(change)
    }

    fn decoded(&self, image: &Value) -> Result<Option<Vec<Value>>> {
        let Value::Blob(image) = image else { return Ok(None) };
        let mut values = Vec::new();
        RecordReader::new(image)?.decode_all(self.connection.inner().encoding(), &mut values)?;
        Ok(Some(values.iter().map(Value::from_engine).collect()))
    }

    /// The names of the columns in the images of a change; DDL on the way changes them.
    async fn columns_for(&mut self, change: &Change) -> Result<Arc<[String]>> {
        let Some(table) = &change.table else { return Ok(Arc::from([])) };
        if table == "sqlite_schema" {
            for image in [&change.before, &change.after].into_iter().flatten() {
                if let Some(name) = text(image.get(1)) {
                    self.columns.remove(name);
                }
            }
            if let Some(after) = &change.after
                && text(after.first()) == Some("table")
                && let (Some(name), Some(sql)) = (text(after.get(1)), text(after.get(4)))
            {
                self.columns.insert(name.to_owned(), columns_of(sql));
            }
            return Ok(["type", "name", "tbl_name", "rootpage", "sql"].map(String::from).into());
        }
        if let Some(known) = self.columns.get(table) {
            return Ok(known.clone());
        }
        let columns = self.columns_at(table, change.id).await?;
        self.columns.insert(table.clone(), columns.clone());
        Ok(columns)
    }

    /// The columns of a table at the time of a change: by the definition before it, else by the state before the next one, else
    /// today's.
    async fn columns_at(&self, table: &str, at: i64) -> Result<Arc<[String]>> {
        for (image, side) in [("after", "< ?1 ORDER BY change_id DESC"), ("before", "> ?1 ORDER BY change_id")] {
            let sql = format!(
                "SELECT {image} FROM {} WHERE table_name = 'sqlite_schema' AND {image} IS NOT NULL AND change_id {side}",
                self.table
            );
            let mut rows = self.connection.query(sql, [at]).await?;
            while let Some(row) = rows.next().await? {
                let Some(row) = self.decoded(&row.get_value(0)?)? else { continue };
                if text(row.first()) == Some("table")
                    && text(row.get(1)) == Some(table)
                    && let Some(sql) = text(row.get(4))
                {
                    return Ok(columns_of(sql));
                }
            }
        }
        let sql = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 2";
        let mut rows = self.connection.query(sql, [table]).await?;
        let mut names = Vec::new();
        while let Some(row) = rows.next().await? {
            names.extend(row.get_value(0)?.as_text().cloned());
        }
        Ok(names.into())
    }
}

/// The columns in the images of a table with this definition; one that makes no sense gives no names.
fn columns_of(sql: &str) -> Arc<[String]> {
    turso_core::captured_columns(sql).unwrap_or_default().into()
}
