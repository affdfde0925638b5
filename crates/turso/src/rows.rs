//! Rows and columns of a result.

use turso_core::StepResult;

use crate::error::{Error, Result};
use crate::statement::Run;
use crate::value::{FromValue, Value};

/// A result column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    declared_type: Option<String>,
}

impl Column {
    pub(crate) fn new(name: &str, declared_type: Option<&str>) -> Self {
        Self { name: name.to_owned(), declared_type: declared_type.map(str::to_owned) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The declared type of the table column that it is.
    pub fn decl_type(&self) -> Option<&str> {
        self.declared_type.as_deref()
    }
}

/// The rows of a query, computed as they are read.
#[derive(Debug)]
pub struct Rows {
    run: Run,
}

impl Rows {
    pub(crate) fn new(run: Run) -> Self {
        Self { run }
    }

    /// The next row; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Row>> {
        match self.run.step().await? {
            StepResult::Row => Ok(Some(Row { values: self.run.row() })),
            StepResult::Done => Ok(None),
        }
    }

    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.run.statement.column_count()
    }

    /// Name of a column.
    pub fn column_name(&self, index: usize) -> Result<String> {
        self.run.statement.column_name(index)
    }

    /// Names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.run.statement.column_names()
    }

    /// Position of the column with this name, in any letter case.
    pub fn column_index(&self, name: &str) -> Result<usize> {
        self.run.statement.column_index(name)
    }

    /// The columns.
    pub fn columns(&self) -> Vec<Column> {
        self.run.statement.columns()
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    values: Vec<Value>,
}

impl Row {
    /// A value by position.
    pub fn get_value(&self, index: usize) -> Result<Value> {
        self.values.get(index).cloned().ok_or_else(|| Error::Misuse(format!("column index {index} is out of bounds")))
    }

    /// A value by position, as a Rust type.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T> {
        T::from_value(self.get_value(index)?)
    }

    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.values.len()
    }
}
