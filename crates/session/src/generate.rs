//! A changeset from what a session has recorded and what the tables hold now.

use std::sync::Arc;

use turso_core::{Connection, Result, Statement, StepResult, Value};

use crate::format::{Change, Field, Kind, Operation, TableHeader, read_values};
use crate::output::Output;
use crate::recorder::{Recorder, Shared, Tracked};
use crate::shape::{Shape, quoted};

/// Write all changes. The tables are read in one transaction.
pub fn write(connection: &Connection, shared: &Shared, kind: Kind, output: &mut Output<'_>) -> Result<()> {
    if let Some(failure) = &shared.lock().failure {
        return Err(failure.clone());
    }
    connection.execute_batch("SAVEPOINT changeset")?;
    let outcome = write_tables(connection, shared, kind, output);
    let released = connection.execute_batch("RELEASE changeset");
    outcome.and(released)
}

fn write_tables(connection: &Connection, shared: &Shared, kind: Kind, output: &mut Output<'_>) -> Result<()> {
    let names: Vec<String> = {
        let recorder = shared.lock();
        recorder.tables.iter().filter(|table| !table.rows.is_empty()).map(|table| table.name.clone()).collect()
    };
    for name in names {
        shared.ensure_shape(connection, &name, None)?;
        // Sinks are code of the application: the lock is not held for them.
        let taken = {
            let mut recorder = shared.lock();
            recorder.position(&name).and_then(|at| recorder.tables.get_mut(at)).map(|table| Tracked {
                name: table.name.clone(),
                shape: table.shape.clone(),
                rows: std::mem::take(&mut table.rows),
            })
        };
        let Some(table) = taken else { continue };
        let database = shared.lock().database.clone();
        let outcome = write_table(connection, &database, &table, kind, output);
        put_back(&mut shared.lock(), table);
        outcome?;
    }
    Ok(())
}

fn put_back(recorder: &mut Recorder, table: Tracked) {
    if let Some(known) = recorder.position(&table.name).and_then(|at| recorder.tables.get_mut(at)) {
        known.rows = table.rows;
    }
}

fn write_table(
    connection: &Connection,
    database: &str,
    table: &Tracked,
    kind: Kind,
    output: &mut Output<'_>,
) -> Result<()> {
    let Some(shape) = &table.shape else { return Ok(()) };
    let header = Arc::new(TableHeader { kind, name: table.name.clone().into_bytes(), key: shape.key.clone() });
    let mut rows = CurrentRows::prepare(connection, database, &table.name, shape)?;
    let mut begun = false;
    for (key, recorded) in table.rows.iter() {
        let current = rows.find(shape, &read_values(key)?)?;
        let (operation, old, new) = match (recorded.operation, current) {
            (Operation::Insert, None) => continue,
            (Operation::Insert, Some(row)) => (Operation::Insert, Vec::new(), row.into_iter().map(Some).collect()),
            (_, current) => {
                let old = shape.completed(connection, read_values(&recorded.old)?)?;
                match current {
                    None => (Operation::Delete, old.into_iter().map(Some).collect(), Vec::new()),
                    Some(row) => match difference(shape, old, row) {
                        Some((old, new)) => (Operation::Update, old, new),
                        None => continue,
                    },
                }
            }
        };
        if !begun {
            header.write(output);
            begun = true;
        }
        let change = Change { table: header.clone(), operation, indirect: recorded.indirect, old, new };
        change.write(output);
        output.pause()?;
    }
    Ok(())
}

/// The records of an UPDATE; `None` if the row is as it was.
fn difference(shape: &Shape, old: Vec<Value>, new: Vec<Value>) -> Option<(Vec<Field>, Vec<Field>)> {
    let mut differs = false;
    let mut records = (Vec::with_capacity(old.len()), Vec::with_capacity(old.len()));
    for (column, (old, new)) in old.into_iter().zip(new).enumerate() {
        let changed = !old.is_identical(&new);
        differs |= changed;
        let told = changed && !shape.is_key(column);
        records.0.push((told || shape.is_key(column)).then_some(old));
        records.1.push(told.then_some(new));
    }
    differs.then_some(records)
}

/// Finds rows by key.
struct CurrentRows(Option<Statement>);

impl CurrentRows {
    fn prepare(connection: &Connection, database: &str, table: &str, shape: &Shape) -> Result<Self> {
        let keys = (0..shape.len()).filter(|&column| shape.is_key(column));
        let wanted: Vec<_> = keys.map(|column| format!("{} {} ?", shape.column(column), shape.equals())).collect();
        let (columns, database, table) = (shape.column_list(shape.len()), quoted(database), quoted(table));
        let sql = format!("SELECT {columns} FROM {database}.{table} WHERE {}", wanted.join(" AND "));
        Ok(Self(connection.prepare(sql)?.statement))
    }

    fn find(&mut self, shape: &Shape, key: &[Value]) -> Result<Option<Vec<Value>>> {
        let Some(statement) = &mut self.0 else { return Ok(None) };
        let columns = (0..shape.len()).filter(|&column| shape.is_key(column));
        for (number, (column, value)) in columns.zip(key).enumerate() {
            statement.bind(number + 1, shape.stored(column, value))?;
        }
        let row = match statement.step()? {
            StepResult::Row => {
                let values = statement.row().iter().cloned().enumerate();
                Some(values.map(|(column, value)| shape.recorded(column, value)).collect())
            }
            _ => None,
        };
        statement.reset();
        Ok(row)
    }
}
