//! The two engines: connections that run a transaction given as statements with one parameter each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use turso_core::{Connection, Database, OpenOptions, ResultCode, Statement, StepResult, Value};

use crate::Call;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Turso,
    Sqlite,
}

/// What has become of a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    Again,
}

/// A connection.
pub trait Session: Send {
    fn transaction(&mut self, statements: &[Call]) -> Outcome;
}

/// The database that every measurement begins with: `rows` rows with two indexes, and an empty table for insertions.
pub fn create(path: &Path, rows: u64) {
    let connection = rusqlite::Connection::open(path).expect("a database");
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = off;
             CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
             WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO t SELECT i, i * 7919 % 1000003, 'row ' || i FROM n;
             CREATE INDEX t_a ON t(a); CREATE INDEX t_b ON t(b);
             CREATE TABLE l(id INTEGER PRIMARY KEY, a, b); CREATE INDEX l_a ON l(a)"
        ))
        .expect("its content");
}

/// An open database.
pub enum Opened {
    Turso(Database),
    Sqlite(PathBuf),
}

pub fn open(engine: Engine, path: &Path) -> Opened {
    match engine {
        Engine::Turso => {
            let name = path.to_str().expect("a name");
            Opened::Turso(Database::open(name, OpenOptions::default()).expect("a database"))
        }
        Engine::Sqlite => Opened::Sqlite(path.to_owned()),
    }
}

impl Opened {
    /// A connection; one that is to prepare each statement anew does.
    pub fn connect(&self, setup: &str, prepare: bool) -> Box<dyn Session> {
        match self {
            Opened::Turso(database) => {
                let connection = database.connect().expect("a connection");
                connection.set_busy_timeout(Duration::from_secs(60));
                connection.execute_batch(setup).expect("a pragma");
                Box::new(Turso { connection, prepared: HashMap::new(), prepare })
            }
            Opened::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).expect("a connection");
                connection.busy_timeout(Duration::from_secs(60)).expect("a timeout");
                connection.execute_batch(setup).expect("a pragma");
                Box::new(Sqlite { connection, prepare })
            }
        }
    }
}

/// Bytes that one transaction writes to the log, on average.
pub fn bytes_per_commit(path: &Path, transactions: &[Vec<Call>]) -> usize {
    let database = Database::open(path.to_str().expect("a name"), OpenOptions::default()).expect("a database");
    let connection = database.connect().expect("a connection");
    connection.execute_batch("PRAGMA synchronous = off; PRAGMA wal_autocheckpoint = 0").expect("the pragmas");
    let mut session = Turso { connection, prepared: HashMap::new(), prepare: false };
    for statements in transactions {
        session.run(statements).expect("a transaction");
    }
    let status = session.statement("PRAGMA wal_status");
    assert!(matches!(status.step(), Ok(StepResult::Row)));
    let Some(Value::Integer(frames)) = status.row().first() else { panic!("no count of frames") };
    *frames as usize * (4096 + 24) / transactions.len()
}

struct Turso {
    connection: Connection,
    prepared: HashMap<&'static str, Statement>,
    prepare: bool,
}

impl Turso {
    fn statement(&mut self, sql: &'static str) -> &mut Statement {
        let connection = &self.connection;
        self.prepared
            .entry(sql)
            .or_insert_with(|| connection.prepare(sql).expect("a statement").statement.expect("a statement"))
    }

    fn control(&mut self, sql: &'static str) -> turso_core::Result<()> {
        let statement = self.statement(sql);
        let outcome = statement.step().map(drop);
        statement.reset();
        outcome
    }

    fn run(&mut self, statements: &[Call]) -> turso_core::Result<()> {
        self.control("BEGIN CONCURRENT")?;
        for (sql, parameter) in statements {
            if self.prepare {
                self.prepared.remove(sql);
            }
            let statement = self.statement(sql);
            statement.bind(1, Value::Integer(*parameter))?;
            let outcome = loop {
                match statement.step() {
                    Ok(StepResult::Row) => {}
                    other => break other.map(drop),
                }
            };
            statement.reset();
            outcome?;
        }
        self.control("COMMIT")
    }
}

impl Session for Turso {
    fn transaction(&mut self, statements: &[Call]) -> Outcome {
        match self.run(statements) {
            Ok(()) => Outcome::Committed,
            Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT => {
                let _ = self.control("ROLLBACK");
                Outcome::Again
            }
            Err(error) => panic!("{error}"),
        }
    }
}

struct Sqlite {
    connection: rusqlite::Connection,
    prepare: bool,
}

impl Session for Sqlite {
    fn transaction(&mut self, statements: &[Call]) -> Outcome {
        let run = |connection: &rusqlite::Connection| -> rusqlite::Result<()> {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            for (sql, parameter) in statements {
                let step = |statement: &mut rusqlite::Statement<'_>| -> rusqlite::Result<()> {
                    let mut rows = statement.query([parameter])?;
                    while rows.next()?.is_some() {}
                    Ok(())
                };
                match self.prepare {
                    true => step(&mut connection.prepare(sql)?)?,
                    false => step(&mut *connection.prepare_cached(sql)?)?,
                }
            }
            connection.prepare_cached("COMMIT")?.execute([]).map(drop)
        };
        match run(&self.connection) {
            Ok(()) => Outcome::Committed,
            Err(error) => {
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                match error.sqlite_error_code() {
                    Some(rusqlite::ErrorCode::DatabaseBusy) => Outcome::Again,
                    _ => panic!("{error}"),
                }
            }
        }
    }
}
