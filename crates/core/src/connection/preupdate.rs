//! The values of a row that changes, for the preupdate hook.

use turso_program::write::{Cause, RowChange};
use turso_schema::Table;
use turso_value::{Affinity, RecordReader, TextEncoding, Value};

use super::State;
use crate::hooks::{Preupdate, RowAction};

impl State {
    /// Tell the preupdate hook of a change. An UPDATE that moves a row comes in two halves.
    pub fn tell_before(
        &mut self,
        change: &RowChange,
        rowid: Option<i64>,
        (old, new): (Option<&[u8]>, Option<&[u8]>),
        depth: usize,
    ) {
        if change.cause == Cause::Update && new.is_none() {
            self.hooks.moved_row = Some((rowid, old.unwrap_or_default().to_vec()));
            return;
        }
        let action = match change.cause {
            Cause::Insert => RowAction::Insert,
            Cause::Update => RowAction::Update,
            Cause::Delete | Cause::Replace | Cause::Truncate | Cause::Define => RowAction::Delete,
        };
        let moved = self.hooks.moved_row.take().filter(|_| action == RowAction::Update);
        let (old_rowid, old) = match &moved {
            Some((rowid, record)) => (*rowid, Some(record.as_slice())),
            None => (rowid, old),
        };
        let old = old.filter(|_| action != RowAction::Insert);
        self.call_preupdate(change, action, (old_rowid, old), (rowid, new), depth, None);
    }

    /// Decode the records and call the hook.
    pub fn call_preupdate(
        &mut self,
        change: &RowChange,
        action: RowAction,
        (old_rowid, old): (Option<i64>, Option<&[u8]>),
        (new_rowid, new): (Option<i64>, Option<&[u8]>),
        depth: usize,
        blob_column: Option<usize>,
    ) {
        if !self.hooks.watches_values {
            return;
        }
        let encoding = self.environment.encoding;
        let Some(entry) = self.databases.get(change.db.index()) else { return };
        let Some(table) = entry.schema.as_ref().and_then(|s| s.table(&change.table)).cloned() else { return };
        let database = entry.name.clone();
        let values = |record: Option<&[u8]>, rowid: Option<i64>| {
            record.map(|record| row_values(&table, record, rowid, encoding)).unwrap_or_default()
        };
        let (old, new) = (values(old, old_rowid), values(new, new_rowid));
        let event = Preupdate {
            action,
            database: &database,
            table: &change.table,
            old_rowid: old_rowid.unwrap_or(0),
            new_rowid: new_rowid.unwrap_or(0),
            depth,
            blob_column,
            without_rowid: !table.has_rowid(),
            old: &old,
            new: &new,
        };
        // One that is removed meanwhile is told for the last time.
        let observers = self.hooks.observers.iter().map(|(_, observer)| observer);
        let told: Vec<_> = self.hooks.preupdate.iter().chain(observers).cloned().collect();
        for hook in told {
            self.lend(|| hook(&event));
        }
    }
}

/// The values of a stored row in the order of the table's columns. Virtual generated columns are NULL; columns that were added
/// after the row was written have their default.
pub(crate) fn row_values(table: &Table, record: &[u8], rowid: Option<i64>, encoding: TextEncoding) -> Vec<Value> {
    let mut stored = Vec::new();
    if let Ok(reader) = RecordReader::new(record) {
        // What cannot be decoded reads as NULL.
        let _ = reader.decode_all(encoding, &mut stored);
    }
    let mut values = vec![Value::Null; table.columns.len()];
    let mut fields = stored.into_iter();
    for column in table.stored_columns() {
        let Some(slot) = values.get_mut(column) else { continue };
        *slot = match fields.next() {
            Some(Value::Integer(i)) if table.columns[column].affinity == Affinity::Real => Value::Real(i as f64),
            Some(value) => value,
            None => turso_planner::emit::default_value(table, column).map_or(Value::Null, |v| (*v).clone()),
        };
    }
    if let (Some(alias), Some(rowid)) = (table.rowid_alias, rowid)
        && let Some(slot) = values.get_mut(alias)
    {
        *slot = Value::Integer(rowid);
    }
    values
}
