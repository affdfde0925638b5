//! Both engines behind one trait: as little as possible between a workload and the engine.

use std::path::Path;

use turso_core::{Database, OpenOptions, StepResult, Value};

/// What workloads need of an engine.
pub trait Engine {
    /// Run all statements of a text.
    fn batch(&mut self, sql: &str);
    /// Prepare a statement for [`run`](Self::run); answers its handle.
    fn prepare(&mut self, sql: &str) -> usize;
    /// Prepare a statement and drop it.
    fn prepare_only(&mut self, sql: &str);
    /// Bind integers from parameter 1 on, run to the end, and answer a checksum of all rows' values.
    fn run(&mut self, handle: usize, params: &[i64]) -> i64;
    /// Drop the prepared statements.
    fn forget(&mut self);
}

/// Bundled SQLite.
pub struct Sqlite {
    /// Statements borrow the connection, which lives as long as the process.
    connection: &'static rusqlite::Connection,
    statements: Vec<rusqlite::Statement<'static>>,
}

impl Sqlite {
    /// Open a file, or memory for `None`.
    pub fn open(path: Option<&Path>) -> Self {
        let connection = match path {
            Some(path) => rusqlite::Connection::open(path),
            None => rusqlite::Connection::open_in_memory(),
        };
        let connection: &'static rusqlite::Connection = Box::leak(Box::new(connection.expect("SQLite opens")));
        Self { connection, statements: Vec::new() }
    }
}

impl Engine for Sqlite {
    fn batch(&mut self, sql: &str) {
        self.connection.execute_batch(sql).expect("SQLite runs the batch");
    }

    fn prepare(&mut self, sql: &str) -> usize {
        self.statements.push(self.connection.prepare(sql).expect("SQLite prepares"));
        self.statements.len() - 1
    }

    fn prepare_only(&mut self, sql: &str) {
        drop(self.connection.prepare(sql).expect("SQLite prepares"));
    }

    fn run(&mut self, handle: usize, params: &[i64]) -> i64 {
        let statement = &mut self.statements[handle];
        for (i, value) in params.iter().enumerate() {
            statement.raw_bind_parameter(i + 1, value).expect("SQLite binds");
        }
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut sum = 0i64;
        while let Some(row) = rows.next().expect("SQLite steps") {
            for i in 0..columns {
                sum = sum.wrapping_add(match row.get_ref(i).expect("column") {
                    rusqlite::types::ValueRef::Integer(n) => n,
                    rusqlite::types::ValueRef::Real(r) => r as i64,
                    rusqlite::types::ValueRef::Text(b) | rusqlite::types::ValueRef::Blob(b) => b.len() as i64,
                    rusqlite::types::ValueRef::Null => 1,
                });
            }
        }
        sum
    }

    fn forget(&mut self) {
        self.statements.clear();
    }
}

/// This engine.
pub struct Turso {
    connection: turso_core::Connection,
    statements: Vec<turso_core::Statement>,
}

impl Turso {
    /// Open a file, or memory for `None`.
    pub fn open(path: Option<&Path>) -> Self {
        let path = path.map_or(":memory:".into(), |p| p.to_string_lossy().into_owned());
        let database = Database::open(&path, OpenOptions::default()).expect("we open");
        Self { connection: database.connect().expect("we connect"), statements: Vec::new() }
    }
}

impl Engine for Turso {
    fn batch(&mut self, sql: &str) {
        if let Err(error) = self.connection.execute_batch(sql) {
            panic!("{error} in {sql}");
        }
    }

    fn prepare(&mut self, sql: &str) -> usize {
        match self.connection.prepare(sql) {
            Ok(prepared) => self.statements.extend(prepared.statement),
            Err(error) => panic!("{error} in {sql}"),
        }
        self.statements.len() - 1
    }

    fn prepare_only(&mut self, sql: &str) {
        if let Err(error) = self.connection.prepare(sql) {
            panic!("{error} in {sql}");
        }
    }

    fn run(&mut self, handle: usize, params: &[i64]) -> i64 {
        let statement = &mut self.statements[handle];
        statement.reset();
        for (i, value) in params.iter().enumerate() {
            statement.bind(i + 1, Value::Integer(*value)).expect("we bind");
        }
        let mut sum = 0i64;
        loop {
            match statement.step() {
                Ok(StepResult::Row) => {
                    for value in statement.row() {
                        sum = sum.wrapping_add(match value {
                            Value::Integer(n) => *n,
                            Value::Real(r) => *r as i64,
                            Value::Text(b) | Value::Blob(b) => b.len() as i64,
                            Value::Null => 1,
                        });
                    }
                }
                Ok(StepResult::Done) => return sum,
                Err(error) => panic!("{error} in {}", statement.sql().escape_ascii()),
            }
        }
    }

    fn forget(&mut self) {
        self.statements.clear();
    }
}
