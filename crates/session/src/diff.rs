//! The differences between two tables of one name, recorded as if the one had been turned into the other.

use turso_core::{Connection, Error, Result, ResultCode, StepResult, Value};

use crate::format::Operation;
use crate::recorder::Shared;
use crate::shape::{Shape, quoted};

/// Record what turns `from_database.table` into the table that the session records.
pub fn record(connection: &Connection, shared: &Shared, from_database: &str, table: &str) -> Result<()> {
    if let Some(failure) = &shared.lock().failure {
        return Err(failure.clone());
    }
    if !shared.attach_for_comparison(table) {
        return Ok(());
    }
    let known = shared.ensure_shape(connection, table, None)?;
    let (database, rowids, shape) = {
        let recorder = shared.lock();
        let shape = recorder.position(table).and_then(|at| recorder.tables.get(at)).and_then(|t| t.shape.clone());
        (recorder.database.clone(), recorder.records_rowids, shape)
    };
    let Some(shape) = shape else { return Ok(()) };
    if from_database.eq_ignore_ascii_case(&database) {
        return Err(Error::from_code(ResultCode::ERROR));
    }
    let mismatch = || Error::new(ResultCode::SCHEMA, "table schemas do not match");
    let missing = || Error::new(ResultCode::SCHEMA, format!("no such table: {from_database}.{table}"));
    if !connection.databases().iter().any(|(name, _)| name.eq_ignore_ascii_case(from_database)) {
        return Err(missing());
    }
    let from = Shape::load(connection, from_database, table, rowids)?.ok_or_else(missing)?;
    let same_names = from.columns.iter().zip(&shape.columns).all(|(a, b)| a.0.eq_ignore_ascii_case(&b.0));
    if from.len() != shape.len() || from.key != shape.key || !same_names {
        return Err(mismatch());
    }
    if !known {
        return Ok(());
    }
    let sides = Sides { connection, shared, shape: &shape, table };
    let (to, from) = (qualified(&database, table), qualified(from_database, table));
    sides.record_missing(&to, &from, Operation::Insert)?;
    sides.record_missing(&from, &to, Operation::Delete)?;
    sides.record_changed(&to, &from)
}

fn qualified(database: &str, table: &str) -> String {
    format!("{}.{}", quoted(database), quoted(table))
}

struct Sides<'s> {
    connection: &'s Connection,
    shared: &'s Shared,
    shape: &'s Shape,
    table: &'s str,
}

impl Sides<'_> {
    /// Both rows have the same key.
    fn same_key(&self, a: &str, b: &str) -> String {
        let equals = self.shape.equals();
        let keys = (0..self.shape.len()).filter(|&column| self.shape.is_key(column));
        let terms = keys.map(|column| {
            let name = self.shape.column(column);
            format!("{a}.{name} {equals} {b}.{name}")
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }

    /// Rows of one table whose key the other does not have.
    fn record_missing(&self, present: &str, absent: &str, operation: Operation) -> Result<()> {
        let columns = self.shape.column_list(self.shape.len());
        let same = self.same_key("a", "b");
        self.record_rows(
            &format!(
                "SELECT {columns} FROM {present} AS a WHERE NOT EXISTS (SELECT 1 FROM {absent} AS b WHERE {same})"
            ),
            operation,
        )
    }

    /// Rows that both have, with different values.
    fn record_changed(&self, to: &str, from: &str) -> Result<()> {
        let others = (0..self.shape.len()).filter(|&column| !self.shape.is_key(column));
        let terms = others.map(|column| {
            let name = self.shape.column(column);
            format!("a.{name} IS NOT b.{name}")
        });
        let differs = terms.collect::<Vec<_>>().join(" OR ");
        if differs.is_empty() {
            return Ok(());
        }
        let columns: Vec<_> = (0..self.shape.len()).map(|column| format!("b.{}", self.shape.column(column))).collect();
        let same = self.same_key("a", "b");
        let columns = columns.join(", ");
        self.record_rows(
            &format!("SELECT {columns} FROM {to} AS a, {from} AS b WHERE {same} AND ({differs})"),
            Operation::Update,
        )
    }

    fn record_rows(&self, sql: &str, operation: Operation) -> Result<()> {
        let Some(mut statement) = self.connection.prepare(sql)?.statement else { return Ok(()) };
        while statement.step()? == StepResult::Row {
            let values = statement.row().iter().cloned().enumerate();
            let row: Vec<Value> = values.map(|(column, value)| self.shape.recorded(column, value)).collect();
            let Some(key) = self.shape.key_of(&row) else { continue };
            let mut recorder = self.shared.lock();
            let Some(at) = recorder.position(self.table) else { return Ok(()) };
            let indirect = recorder.indirect;
            let old: &[Value] = if operation == Operation::Insert { &[] } else { &row };
            recorder.remember(at, key, operation, indirect, old);
        }
        Ok(())
    }
}
