//! Both engines as "statement in, answer out".

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef as StockValue;
use turso_core::{Backend, Connection, Database, OpenOptions, Statement, StepResult, Value};

/// What a statement answers: names and declared types of its columns, its rows, and the error that ended it.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Column names.
    pub names: Vec<String>,
    /// Declared types.
    pub types: Vec<Option<String>>,
    /// Rows up to the end or the error.
    pub rows: Vec<Vec<Value>>,
    /// Text and extended code of the error.
    pub error: Option<(String, i32)>,
}

impl Answer {
    /// The rows, or a panic with the error.
    pub fn rows(self) -> Vec<Vec<Value>> {
        match self.error {
            None => self.rows,
            Some((text, code)) => panic!("{text} ({code})"),
        }
    }

    /// The answer of a statement of ours that could not be prepared.
    pub fn failed(error: &turso_core::Error) -> Self {
        Self { error: Some((error.message().to_owned(), error.code().0)), ..Self::default() }
    }

    /// Each row as one line of SQL literals.
    pub fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| line(row)).collect()
    }
}

/// A row as SQL literals.
pub fn line(row: &[Value]) -> String {
    row.iter().map(literal).collect::<Vec<_>>().join("|")
}

/// A value as an SQL literal that is different for different values, type and last bit included.
pub fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("'{}'", text.replace('\'', "''")),
            Err(_) => format!("text x'{}'", hex(bytes)),
        },
        Value::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// An engine with one connection open.
pub trait Engine {
    /// What it is called in reports.
    fn name(&self) -> &'static str;

    /// Run the first statement of a text.
    fn run(&mut self, sql: &str) -> Answer;

    /// Run statements of which none may fail.
    fn must(&mut self, sql: &str) {
        let answer = self.run(sql);
        if let Some((text, code)) = answer.error {
            panic!("{}: {text} ({code}) in {sql}", self.name());
        }
    }

    /// The single value of a query, as text.
    fn text(&mut self, sql: &str) -> String {
        let rows = self.run(sql).rows();
        match rows.first().and_then(|r| r.first()) {
            Some(Value::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(other) => literal(other),
            None => String::new(),
        }
    }

    /// All rows of `PRAGMA integrity_check`, joined.
    fn integrity(&mut self) -> String {
        let answer = self.run("PRAGMA integrity_check");
        match &answer.error {
            Some((text, _)) => format!("error: {text}"),
            None => answer.lines().join("; ").replace('\'', ""),
        }
    }
}

/// Our engine.
pub struct Ours {
    /// The connection, for what the trait does not offer.
    pub connection: Connection,
}

impl Ours {
    /// Open with these options.
    pub fn open_with(path: &str, options: OpenOptions) -> turso_core::Result<Self> {
        Ok(Self { connection: Database::open(path, options)?.connect()? })
    }

    /// Open a file as a stock application would: a new file uses a rollback journal.
    pub fn open(path: &Path) -> Self {
        let options = OpenOptions { new_uses_wal: false, ..OpenOptions::default() };
        Self::open_with(&path.to_string_lossy(), options)
            .unwrap_or_else(|e| panic!("{}: {}", path.display(), e.message()))
    }

    /// Open a file on the back end of which every first touch of a page is pending, with a tiny cache.
    pub fn open_pending(path: &Path) -> Self {
        let options = OpenOptions {
            new_uses_wal: false,
            backend: Backend::AlwaysPending,
            cache_pages: Some(10),
            ..OpenOptions::default()
        };
        Self::open_with(&path.to_string_lossy(), options)
            .unwrap_or_else(|e| panic!("{}: {}", path.display(), e.message()))
    }

    /// A private database in memory.
    pub fn memory() -> Self {
        Self::open_with(":memory:", OpenOptions::default()).unwrap_or_else(|e| panic!("{}", e.message()))
    }
}

/// Run a statement of ours to its end.
pub fn finish(statement: &mut Statement) -> Answer {
    let mut answer = Answer::default();
    loop {
        match statement.step() {
            Ok(StepResult::Row) => answer.rows.push(statement.row().to_vec()),
            Ok(StepResult::Done) => break,
            Err(error) => {
                answer.error = Some((error.message().to_owned(), error.code().0));
                break;
            }
        }
    }
    // Columns are read after the run: a schema change by another connection is noticed at the first step.
    for i in 0..statement.column_count() {
        answer.names.push(statement.column_name(i).unwrap_or("").to_owned());
        answer.types.push(statement.column_declared_type(i).map(str::to_owned));
    }
    answer
}

impl Engine for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn run(&mut self, sql: &str) -> Answer {
        match self.connection.prepare(sql) {
            Ok(prepared) => prepared.statement.map_or_else(Answer::default, |mut statement| finish(&mut statement)),
            Err(error) => Answer::failed(&error),
        }
    }
}

/// SQLite, bundled with `rusqlite`.
pub struct Stock {
    /// The connection, for what the trait does not offer.
    pub connection: rusqlite::Connection,
}

impl Stock {
    /// Open a file.
    pub fn open(path: &Path) -> Self {
        let connection = rusqlite::Connection::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // What an application links, not what the binding turns on.
        for option in
            [rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL]
        {
            let _ = connection.set_db_config(option, true);
        }
        let _ = connection.busy_timeout(Duration::from_secs(5));
        let _ = connection.pragma_update(None, "foreign_keys", false);
        Self { connection }
    }

    /// A private database in memory.
    pub fn memory() -> Self {
        Self::open(Path::new(":memory:"))
    }
}

fn stock_error(error: rusqlite::Error) -> (String, i32) {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(text)) => (text, code.extended_code),
        rusqlite::Error::SqlInputError { error, msg, .. } => (msg, error.extended_code),
        rusqlite::Error::SqliteFailure(code, None) => (code.to_string(), code.extended_code),
        other => (other.to_string(), -1),
    }
}

fn stock_value(value: StockValue<'_>) -> Value {
    match value {
        StockValue::Null => Value::Null,
        StockValue::Integer(i) => Value::Integer(i),
        StockValue::Real(r) => Value::Real(r),
        StockValue::Text(bytes) => Value::Text(bytes.to_vec()),
        StockValue::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

impl Engine for Stock {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn run(&mut self, sql: &str) -> Answer {
        let mut answer = Answer::default();
        let mut statement = match self.connection.prepare(sql) {
            Ok(statement) => statement,
            Err(error) => {
                answer.error = Some(stock_error(error));
                return answer;
            }
        };
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    answer.rows.push((0..columns).map(|i| row.get_ref(i).map_or(Value::Null, stock_value)).collect());
                }
                Ok(None) => break,
                Err(error) => {
                    answer.error = Some(stock_error(error));
                    break;
                }
            }
        }
        drop(rows);
        for column in statement.columns() {
            answer.names.push(column.name().to_owned());
            answer.types.push(column.decl_type().map(str::to_owned));
        }
        answer
    }
}

/// Open a file with SQLite and check it; the text is `ok` for a sound file.
pub fn stock_integrity(path: &Path) -> String {
    Stock::open(path).integrity()
}
