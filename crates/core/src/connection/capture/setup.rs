//! `PRAGMA capture_data_changes_conn`: choosing mode and table, and making the table.

use turso_error::{Error, Result};
use turso_value::Value;

use super::{Capture, DEFAULT_TABLE, Mode, REGISTRY};
use crate::connection::State;
use crate::statement::{InnerStatement, StepResult};

const BAD_VALUE: &str = "unexpected pragma value: expected '<mode>' or '<mode>,<cdc-table-name>' parameter where mode is one of off|id|before|after|full";

/// A name as SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns of version 2, in their order.
const COLUMNS: [&str; 9] =
    ["change_id", "change_time", "change_txn_id", "change_type", "table_name", "id", "before", "after", "updates"];

impl State {
    /// Tell, or answer mode, table and version.
    pub fn capture_call(&mut self, told: Option<&Value>, dest: &mut [Value]) -> Result<()> {
        if let Some(told) = told {
            let text = match told {
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            };
            let (mode, table) = match text.split_once(',') {
                Some((mode, table)) => (mode, table.trim()),
                None => (text.as_str(), DEFAULT_TABLE),
            };
            let mode = Mode::from_name(mode.trim()).filter(|_| !table.is_empty());
            self.set_capture(mode.ok_or_else(|| Error::sql(BAD_VALUE))?, table)?;
        }
        let capture = &self.capture;
        let answer = match capture.mode {
            Mode::Off => [Value::from("off"), Value::Null, Value::Null],
            mode => [
                Value::from(mode.name()),
                Value::from(&*capture.table),
                Value::from(if capture.version_2 { "v2" } else { "v1" }),
            ],
        };
        for (slot, value) in dest.iter_mut().zip(answer) {
            *slot = value;
        }
        Ok(())
    }

    /// Capture in another way from the next statement on.
    pub fn set_capture(&mut self, mode: Mode, table: &str) -> Result<()> {
        let version_2 = match mode {
            Mode::Off => self.capture.version_2,
            _ => self.ensure_capture_table(table)?,
        };
        let Capture { mode: present, table: name, version_2: version, .. } = &mut self.capture;
        (*present, *version) = (mode, version_2);
        if mode != Mode::Off {
            *name = table.into();
        }
        // Whether a whole table may be emptied at once is fixed when a statement is planned.
        self.generation = self.generation.wrapping_add(1);
        self.watch_rows();
        Ok(())
    }

    /// Make what is missing. A capture table that nobody has registered is of version 1, for ever; answers whether this one is of
    /// version 2.
    fn ensure_capture_table(&mut self, table: &str) -> Result<bool> {
        self.ensure_schemas()?;
        let schema = self.databases.first().and_then(|db| db.schema.clone());
        let present = schema.as_ref().and_then(|schema| schema.table(table)).cloned();
        let registry = schema.as_ref().is_some_and(|schema| schema.table(REGISTRY).is_some());
        if let Some(present) = &present {
            let version_1 = COLUMNS.iter().filter(|name| **name != "change_txn_id");
            let names: Vec<&str> = present.columns.iter().map(|c| &*c.name).collect();
            let fits = |mut columns: Vec<&str>| {
                let mut names = names.clone();
                names.sort_unstable();
                columns.sort_unstable();
                names == columns && present.rowid_alias.is_some_and(|i| &*present.columns[i].name == "change_id")
            };
            if !fits(COLUMNS.to_vec()) && !fits(version_1.copied().collect()) {
                return Err(Error::sql(format!("table {table} is not a table for captured changes")));
            }
        }
        if present.is_some() {
            let version = match registry {
                true => {
                    self.run_own(&format!("SELECT version FROM {REGISTRY} WHERE table_name = ?1"), &[table.into()])?
                }
                false => Vec::new(),
            };
            return Ok(version.first().is_some_and(|row| row.first() == Some(&Value::from("v2"))));
        }
        // The table comes last: wherever the power goes in between, there is none that is not registered.
        let columns = "table_name TEXT PRIMARY KEY, version TEXT NOT NULL";
        self.run_own(&format!("CREATE TABLE IF NOT EXISTS {REGISTRY} ({columns})"), &[])?;
        self.run_own(&format!("INSERT OR REPLACE INTO {REGISTRY} VALUES (?1, 'v2')"), &[table.into()])?;
        let columns = "change_id INTEGER PRIMARY KEY AUTOINCREMENT, change_time INTEGER, change_txn_id INTEGER, \
             change_type INTEGER, table_name TEXT, id, before BLOB, after BLOB, updates BLOB";
        self.run_own(&format!("CREATE TABLE {} ({columns})", quoted(table)), &[])?;
        Ok(true)
    }

    /// Run a statement of capture's own, waiting in place; its rows.
    pub(super) fn run_own(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>> {
        let before = std::mem::replace(&mut self.capture.own_work, true);
        let outcome = self.run_own_to_end(sql, parameters);
        self.capture.own_work = before;
        outcome
    }

    fn run_own_to_end(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>> {
        let mut statement = loop {
            match InnerStatement::prepare(self, sql) {
                Err(Error::Pending) => self.wait_in_place()?,
                prepared => break prepared?,
            }
        };
        for (i, value) in parameters.iter().enumerate() {
            statement.bind(i + 1, value.clone());
        }
        let mut rows = Vec::new();
        loop {
            match statement.step(self) {
                Ok(StepResult::Row) => rows.push(statement.row().to_vec()),
                Ok(StepResult::Done) => return Ok(rows),
                Err(Error::Pending) => self.wait_in_place()?,
                Err(error) => return Err(error),
            }
        }
    }
}
