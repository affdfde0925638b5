//! The statements by which the changes of one table are made in a database.

use std::collections::HashMap;

use turso_core::{Connection, Error, Result, ResultCode, Statement, StepResult, Value};

use crate::format::{Change, Kind, TableHeader};
use crate::shape::{Shape, quoted};

/// Statements of UPDATEs that are kept: one for each set of changed columns.
const MOST_UPDATES: usize = 64;

/// The statements for a table, prepared when first needed.
pub struct Statements<'c> {
    connection: &'c Connection,
    table: String,
    shape: Shape,
    columns: usize,
    insert: Option<Statement>,
    select: Option<Statement>,
    deletes: [Option<Statement>; 2],
    updates: HashMap<Vec<u8>, Statement>,
}

/// How a statement ended.
pub enum Outcome {
    /// It changed so many rows.
    Changed(i64),
    /// A constraint stood in the way.
    Constraint,
}

impl<'c> Statements<'c> {
    /// For the changes of one table of `main`.
    pub fn new(connection: &'c Connection, header: &TableHeader, shape: Shape) -> Self {
        Self {
            connection,
            table: format!("main.{}", quoted(&String::from_utf8_lossy(&header.name))),
            columns: header.column_count(),
            shape,
            insert: None,
            select: None,
            deletes: [None, None],
            updates: HashMap::new(),
        }
    }

    fn key_terms(&self, parameter: impl Fn(usize) -> usize) -> Vec<String> {
        let keys = (0..self.columns).filter(|&column| self.shape.is_key(column));
        keys.map(|column| format!("{} {} ?{}", self.shape.column(column), self.shape.equals(), parameter(column)))
            .collect()
    }

    /// Add the row of an INSERT.
    pub fn insert(&mut self, change: &Change) -> Result<Outcome> {
        if self.insert.is_none() {
            let places = vec!["?"; self.columns].join(", ");
            let columns = self.shape.column_list(self.columns);
            self.insert = prepare(self.connection, &format!("INSERT INTO {}({columns}) VALUES({places})", self.table))?;
        }
        let statement = self.insert.as_mut().ok_or_else(internal)?;
        for column in 0..self.columns {
            let value = change.new_field(column).ok_or_else(crate::format::corrupt)?;
            statement.bind(column + 1, self.shape.stored(column, value))?;
        }
        run(self.connection, statement)
    }

    /// Remove the row of a DELETE; without `whatever_it_holds` only if it holds the old values.
    pub fn delete(&mut self, change: &Change, whatever_it_holds: bool) -> Result<Outcome> {
        let compares = !whatever_it_holds && change.table.kind == Kind::Changeset;
        if self.deletes[usize::from(compares)].is_none() {
            let mut terms = self.key_terms(|column| column + 1);
            for column in (0..self.columns).filter(|&column| compares && !self.shape.is_key(column)) {
                terms.push(format!("{} IS ?{}", self.shape.column(column), column + 1));
            }
            let sql = format!("DELETE FROM {} WHERE {}", self.table, terms.join(" AND "));
            self.deletes[usize::from(compares)] = prepare(self.connection, &sql)?;
        }
        let statement = self.deletes[usize::from(compares)].as_mut().ok_or_else(internal)?;
        for column in (0..self.columns).filter(|&column| compares || self.shape.is_key(column)) {
            // The row of an INSERT is removed by its key.
            let value = change.key_record().get(column).and_then(Option::as_ref).ok_or_else(crate::format::corrupt)?;
            statement.bind(column + 1, self.shape.stored(column, value))?;
        }
        run(self.connection, statement)
    }

    /// Change the row of an UPDATE; without `whatever_it_holds` only if it holds the old values.
    pub fn update(&mut self, change: &Change, whatever_it_holds: bool) -> Result<Outcome> {
        let compares = !whatever_it_holds && change.table.kind == Kind::Changeset;
        let mask: Vec<u8> = (0..self.columns)
            .map(|column| {
                let compared = compares && !self.shape.is_key(column) && change.old_field(column).is_some();
                u8::from(self.sets(change, column)) | u8::from(compared) << 1
            })
            .collect();
        if mask.iter().all(|bits| bits & 1 == 0) {
            return Ok(Outcome::Changed(1));
        }
        if self.updates.len() >= MOST_UPDATES && !self.updates.contains_key(&mask) {
            self.updates.clear();
        }
        if !self.updates.contains_key(&mask) {
            let of = |bit: u8, offset: usize, operator: &str| -> Vec<String> {
                let columns = mask.iter().enumerate().filter(|(_, bits)| **bits & bit != 0);
                columns
                    .map(|(column, _)| format!("{} {operator} ?{}", self.shape.column(column), column * 2 + offset))
                    .collect()
            };
            let mut terms = self.key_terms(|column| column * 2 + 1);
            terms.extend(of(2, 1, "IS"));
            let sets = of(1, 2, "=").join(", ");
            let sql = format!("UPDATE {} SET {sets} WHERE {}", self.table, terms.join(" AND "));
            let statement = prepare(self.connection, &sql)?.ok_or_else(internal)?;
            self.updates.insert(mask.clone(), statement);
        }
        let statement = self.updates.get_mut(&mask).ok_or_else(internal)?;
        for (column, bits) in mask.iter().enumerate() {
            if bits & 2 != 0 || self.shape.is_key(column) {
                // A key that is not told would be that of the UPDATE before.
                let value = change.old_field(column).ok_or_else(crate::format::corrupt)?;
                statement.bind(column * 2 + 1, self.shape.stored(column, value))?;
            }
            if let Some(value) = change.new_field(column).filter(|_| bits & 1 != 0) {
                statement.bind(column * 2 + 2, self.shape.stored(column, value))?;
            }
        }
        run(self.connection, statement)
    }

    fn sets(&self, change: &Change, column: usize) -> bool {
        !self.shape.is_key(column) && change.new_field(column).is_some()
    }

    /// The row of the table that has the change's key, as far as the changeset's columns go.
    pub fn row(&mut self, change: &Change) -> Result<Option<Vec<Value>>> {
        if self.select.is_none() {
            let terms = self.key_terms(|column| column + 1).join(" AND ");
            let columns = self.shape.column_list(self.columns);
            self.select = prepare(self.connection, &format!("SELECT {columns} FROM {} WHERE {terms}", self.table))?;
        }
        let statement = self.select.as_mut().ok_or_else(internal)?;
        for column in (0..self.columns).filter(|&column| self.shape.is_key(column)) {
            let value = change.key_record().get(column).and_then(Option::as_ref).ok_or_else(crate::format::corrupt)?;
            statement.bind(column + 1, self.shape.stored(column, value))?;
        }
        let found = match statement.step()? {
            StepResult::Row => {
                let values = statement.row().iter().cloned().enumerate();
                Some(values.map(|(column, value)| self.shape.recorded(column, value)).collect())
            }
            _ => None,
        };
        statement.reset();
        Ok(found)
    }
}

fn prepare(connection: &Connection, sql: &str) -> Result<Option<Statement>> {
    Ok(connection.prepare(sql)?.statement)
}

fn run(connection: &Connection, statement: &mut Statement) -> Result<Outcome> {
    let outcome = loop {
        match statement.step() {
            Ok(StepResult::Row) => {}
            Ok(_) => break Ok(Outcome::Changed(connection.changes())),
            Err(error) if error.is(ResultCode::CONSTRAINT) => break Ok(Outcome::Constraint),
            Err(error) => break Err(error),
        }
    };
    statement.reset();
    outcome
}

fn internal() -> Error {
    Error::from_code(ResultCode::INTERNAL)
}
