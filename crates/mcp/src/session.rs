//! The open database and running statements within limits.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use turso_core::{Connection, Database, Error, OpenOptions, ResultCode, StepResult, Value};

use crate::gate::{Gate, Purpose};
use crate::json;

/// How the server was started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database.
    pub path: String,
    /// Nothing may be changed.
    pub read_only: bool,
    /// Only these tables and views; empty: all.
    pub tables: Vec<String>,
    /// What one call may take.
    pub limits: Limits,
}

/// What one call may take; a call may ask for less, never for more.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows of a result.
    pub rows: usize,
    /// Bytes of the text of a result.
    pub bytes: usize,
    /// Time until the statement is interrupted.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 1000, bytes: 1 << 20, time: Duration::from_secs(30) }
    }
}

/// Instructions between two looks at the clock.
const STEPS_PER_LOOK: u32 = 1000;

/// The open database.
pub struct Session {
    pub(crate) options: Options,
    /// The path as clients are told it.
    pub(crate) shown_path: String,
    connection: Connection,
    gate: Gate,
    /// The statement under way has taken longer than it may.
    late: Arc<AtomicBool>,
}

/// The rows of a query, cut off where a limit was met.
pub(crate) struct Answer {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// The limit that has ended it early.
    pub cut: Option<String>,
}

impl Answer {
    /// The result as a table of text, with a mark where it was cut off.
    pub fn text(&self) -> String {
        if self.rows.is_empty() && self.cut.is_none() {
            return "No results returned from the query".into();
        }
        let header = self.columns.join(" | ");
        let mut text = format!("{header}\n{}\n", "-".repeat(header.chars().count()));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(json::text_of).collect();
            text.push_str(&cells.join(" | "));
            text.push('\n');
        }
        if let Some(cut) = &self.cut {
            text.push_str(&format!("[cut off: {cut}; {} rows shown, there may be more]\n", self.rows.len()));
        }
        text
    }

    /// The same for programs.
    pub fn structured(&self) -> Json {
        let rows: Vec<Vec<Json>> = self.rows.iter().map(|row| row.iter().map(json::to_json).collect()).collect();
        json!({
            "columns": self.columns,
            "rows": rows,
            "row_count": self.rows.len(),
            "truncated": self.cut.is_some(),
            "truncated_by": self.cut,
        })
    }
}

impl Session {
    /// Open the database that the server was started on.
    pub fn open(options: Options) -> Result<Self, String> {
        let path = options.path.clone();
        let (connection, gate) = connect(&options, &path)?;
        let shown_path = if is_memory(&path) { ":memory: (default)".into() } else { path };
        let session = Self { options, shown_path, connection, gate, late: Arc::default() };
        session.note_triggers();
        Ok(session)
    }

    /// Go on with another database. Options stay as they were at the start.
    pub(crate) fn reopen(&mut self, path: &str) -> Result<(), String> {
        let parent = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty() && !p.exists());
        if let Some(parent) = parent.filter(|_| !self.options.read_only && !is_memory(path)) {
            std::fs::create_dir_all(parent).map_err(|error| format!("Failed to create parent directories: {error}"))?;
        }
        let (connection, gate) = connect(&self.options, path)?;
        self.connection = connection;
        self.gate = gate;
        self.shown_path = path.to_owned();
        self.note_triggers();
        Ok(())
    }

    /// The connection, for interrupting it.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn note_triggers(&self) {
        let sql = "SELECT lower(name) FROM sqlite_schema WHERE type = 'trigger' \
                   EXCEPT SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view')";
        // A schema that cannot be read has no triggers that could act.
        let names = self.own(sql, &[]).unwrap_or_default();
        let names: HashSet<String> = names.iter().filter_map(|row| row.first()).map(json::text_of).collect();
        self.gate.set_triggers(names);
    }

    /// May clients see the table?
    pub(crate) fn shows(&self, table: &str) -> bool {
        self.options.tables.is_empty() || self.options.tables.iter().any(|t| t.eq_ignore_ascii_case(table))
    }

    /// All rows of a question of the server's own.
    pub(crate) fn own(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, String> {
        self.gate.set(Purpose::Own);
        let text = |error: Error| error.message().to_owned();
        let Some(mut statement) = self.connection.prepare(sql).map_err(text)?.statement else { return Ok(Vec::new()) };
        for (i, value) in parameters.iter().enumerate() {
            statement.bind(i + 1, value.clone()).map_err(text)?;
        }
        let mut rows = Vec::new();
        while statement.step().map_err(text)? == StepResult::Row {
            rows.push(statement.row().to_vec());
        }
        Ok(rows)
    }

    /// Run one statement of a client within the limits.
    pub(crate) fn run(&self, sql: &str, parameters: &Json, purpose: Purpose, limits: Limits) -> Result<Answer, String> {
        let started = Instant::now();
        let (late, deadline) = (self.late.clone(), started + limits.time);
        late.store(false, Ordering::Relaxed);
        self.connection.set_progress_handler(
            STEPS_PER_LOOK,
            Some(Arc::new(move || {
                let over = Instant::now() > deadline;
                if over {
                    late.store(true, Ordering::Relaxed);
                }
                over
            })),
        );
        let result = self.run_watched(sql, parameters, purpose, limits);
        self.connection.set_progress_handler(0, None);
        self.gate.set(Purpose::Own);
        if purpose == Purpose::Schema && result.is_ok() {
            self.note_triggers();
        }
        result
    }

    fn run_watched(&self, sql: &str, parameters: &Json, purpose: Purpose, limits: Limits) -> Result<Answer, String> {
        self.gate.set(purpose);
        let text = |error: Error| error.message().to_owned();
        let prepared = self.connection.prepare(sql).map_err(text)?;
        let mut statement = prepared.statement.ok_or("No SQL statement provided")?;
        if !self.options.tables.is_empty() {
            let parsed = turso_core::parser::parse(sql.as_bytes()).map_err(|error| error.message.to_string())?;
            if parsed.statement.is_some_and(|statement| self.gate.is_borrowed_name(&statement)) {
                return Err("not authorized: a query must not be called like a table".into());
            }
        }
        // The gate has been asked already; what has become of the statement is the second lock.
        let may_write = matches!(purpose, Purpose::Change | Purpose::Schema) && !self.options.read_only;
        if !may_write && statement.explain_mode() == 0 && !statement.is_readonly() {
            return Err("attempt to write a readonly database".into());
        }
        json::bind(&mut statement, parameters)?;
        let columns: Vec<String> =
            (0..statement.column_count()).map(|i| statement.column_name(i).unwrap_or("").to_owned()).collect();
        let mut answer = Answer { columns, rows: Vec::new(), cut: None };
        let mut bytes = 0;
        loop {
            match statement.step() {
                Ok(StepResult::Done) => break,
                Ok(StepResult::Row) => {}
                Err(error) if error.is(ResultCode::INTERRUPT) && self.late.load(Ordering::Relaxed) => {
                    let limit = format!("time limit of {:?}", limits.time);
                    if answer.rows.is_empty() || may_write {
                        return Err(format!("interrupted: {limit}"));
                    }
                    answer.cut = Some(limit);
                    break;
                }
                Err(error) => return Err(text(error)),
            }
            if answer.cut.is_some() {
                // Changes run to their end, whatever is shown of them.
                continue;
            }
            let size: usize = statement.row().iter().map(size_of_value).sum();
            if answer.rows.len() >= limits.rows {
                answer.cut = Some(format!("row limit of {}", limits.rows));
            } else if bytes + size > limits.bytes {
                answer.cut = Some(format!("size limit of {} bytes", limits.bytes));
            } else {
                bytes += size;
                answer.rows.push(statement.row().to_vec());
            }
            if answer.cut.is_some() && !may_write {
                break;
            }
        }
        Ok(answer)
    }
}

/// Bytes that a value takes in the text of a result, at most.
fn size_of_value(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + 3,
        Value::Blob(bytes) => bytes.len() * 2 + 6,
        _ => 24,
    }
}

fn is_memory(path: &str) -> bool {
    path.is_empty() || path == ":memory:"
}

fn connect(options: &Options, path: &str) -> Result<(Connection, Gate), String> {
    let read_only = options.read_only && !is_memory(path);
    let open = OpenOptions { read_only, create: !read_only, ..OpenOptions::default() };
    let database =
        Database::open(path, open).map_err(|e| format!("Failed to open database '{path}': {}", e.message()))?;
    let connection =
        database.connect().map_err(|e| format!("Failed to connect to database '{path}': {}", e.message()))?;
    connection
        .create_function(turso_core::functions::extension::regexp::OPERATOR)
        .map_err(|e| e.message().to_owned())?;
    if options.read_only {
        // A lock behind the lock: a database in memory, too, refuses every write.
        let set = connection.execute_batch("PRAGMA query_only = ON");
        set.map_err(|e| format!("Failed to connect to database '{path}': {}", e.message()))?;
    }
    // The file is looked at now, so that what is no database is refused here.
    let looked = connection.prepare("SELECT 1 FROM sqlite_schema");
    looked.map_err(|e| format!("Failed to open database '{path}': {}", e.message()))?;
    let gate = Gate::install(&connection, options.read_only, &options.tables);
    Ok((connection, gate))
}
