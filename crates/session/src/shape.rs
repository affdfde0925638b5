//! Columns and key of a table in a database, as changesets see it.

use turso_core::hooks::Preupdate;
use turso_core::{Connection, Result, StepResult, Value};

use crate::format::put_field;

/// The statistics of the query planner are recorded although their table has no key.
const STAT1: &str = "sqlite_stat1";

/// A table: the columns that changesets have, which are those that are stored and not computed.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Names, and the text of the default of each.
    pub columns: Vec<(String, Option<String>)>,
    /// For each column its position in the primary key, from 1, or 0.
    pub key: Vec<u8>,
    /// The rowid is the first column, for want of a primary key.
    pub rowid_is_key: bool,
    /// `sqlite_stat1`: a NULL in `idx` is written as an empty blob.
    pub is_stat1: bool,
    /// Where each column lies in the table.
    places: Vec<usize>,
    /// All columns of the table.
    table_columns: usize,
}

impl Shape {
    /// The table as it is now; `None`: there is none. With `rowid_as_key`, a table without a primary key has its rowid.
    pub fn load(connection: &Connection, database: &str, table: &str, rowid_as_key: bool) -> Result<Option<Self>> {
        let sql = format!("PRAGMA {}.table_xinfo({})", quoted(database), quoted(table));
        let mut shape = Self {
            columns: Vec::new(),
            key: Vec::new(),
            rowid_is_key: false,
            is_stat1: table.eq_ignore_ascii_case(STAT1),
            places: Vec::new(),
            table_columns: 0,
        };
        for_each_row(connection, &sql, |row| {
            let place = shape.table_columns;
            shape.table_columns += 1;
            if !matches!(row.get(6), Some(Value::Integer(0)) | None) {
                return;
            }
            let position = match row.get(5) {
                Some(Value::Integer(position)) => u8::try_from(*position).unwrap_or(u8::MAX),
                _ => 0,
            };
            shape.columns.push((text(row.get(1)).unwrap_or_default(), text(row.get(4))));
            shape.key.push(position);
            shape.places.push(place);
        })?;
        if shape.table_columns == 0 {
            return Ok(None);
        }
        if shape.is_stat1 {
            shape.key = (0..shape.columns.len()).map(|column| [1, 2, 0].get(column).copied().unwrap_or(0)).collect();
        } else if rowid_as_key && !shape.has_key() {
            shape.columns.insert(0, ("_rowid_".into(), None));
            shape.key.insert(0, 1);
            shape.rowid_is_key = true;
        }
        Ok(Some(shape))
    }

    /// Rows can be told apart.
    pub fn has_key(&self) -> bool {
        self.key.iter().any(|&position| position != 0)
    }

    /// The column belongs to the key.
    pub fn is_key(&self, column: usize) -> bool {
        self.key.get(column).is_some_and(|&position| position != 0)
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// A changing row has as many columns as the table had when this was loaded.
    pub fn fits(&self, event: &Preupdate<'_>) -> bool {
        event.column_count() == self.table_columns
    }

    /// The row before or after a change, as its values are recorded.
    pub fn values(&self, event: &Preupdate<'_>, after: bool) -> Vec<Value> {
        let (row, rowid) = if after { (event.new, event.new_rowid) } else { (event.old, event.old_rowid) };
        let rowid = self.rowid_is_key.then_some(Value::Integer(rowid));
        let stored = self.places.iter().map(|&place| row.get(place).cloned().unwrap_or(Value::Null));
        rowid.into_iter().chain(stored).enumerate().map(|(column, value)| self.recorded(column, value)).collect()
    }

    /// The encoded key of a row; `None` if it has a NULL.
    pub fn key_of(&self, row: &[Value]) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        for (_, value) in row.iter().enumerate().filter(|(column, _)| self.is_key(*column)) {
            if value.is_null() {
                return None;
            }
            put_field(&mut key, Some(value));
        }
        Some(key)
    }

    /// A value of the table as changesets have it.
    pub fn recorded(&self, column: usize, value: Value) -> Value {
        if self.is_stat1 && column == 1 && value.is_null() { Value::blob(Vec::new()) } else { value }
    }

    /// A value of a changeset as the table has it.
    pub fn stored(&self, column: usize, value: &Value) -> Value {
        match value {
            Value::Blob(bytes) if self.is_stat1 && column == 1 && bytes.is_empty() => Value::Null,
            value => value.clone(),
        }
    }

    /// How a column is compared with a parameter: keys are not NULL, but for that one table.
    pub fn equals(&self) -> &'static str {
        if self.is_stat1 { "IS" } else { "=" }
    }

    /// The name of a column, quoted.
    pub fn column(&self, column: usize) -> String {
        match self.columns.get(column) {
            Some(_) if self.rowid_is_key && column == 0 => "_rowid_".into(),
            Some((name, _)) => quoted(name),
            None => String::new(),
        }
    }

    /// The names of the first columns, quoted, with commas between.
    pub fn column_list(&self, count: usize) -> String {
        (0..count.min(self.len())).map(|column| self.column(column)).collect::<Vec<_>>().join(", ")
    }

    /// Values of a row that was recorded when the table had fewer columns: the new ones have their defaults.
    pub fn completed(&self, connection: &Connection, mut row: Vec<Value>) -> Result<Vec<Value>> {
        for column in row.len()..self.len() {
            row.push(self.default_value(connection, column)?);
        }
        Ok(row)
    }

    /// The default of a column.
    pub fn default_value(&self, connection: &Connection, column: usize) -> Result<Value> {
        let Some((_, Some(default))) = self.columns.get(column) else { return Ok(Value::Null) };
        let mut value = Value::Null;
        for_each_row(connection, &format!("SELECT {default}"), |row| value = row.first().cloned().unwrap_or_default())?;
        Ok(value)
    }
}

/// A name as SQL writes it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Run a query.
pub fn for_each_row(connection: &Connection, sql: &str, mut each: impl FnMut(&[Value])) -> Result<()> {
    let Some(mut statement) = connection.prepare(sql)?.statement else { return Ok(()) };
    while statement.step()? == StepResult::Row {
        each(statement.row());
    }
    Ok(())
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::bytes).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}
