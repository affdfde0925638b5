//! The tools: one register, one function each.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use turso_core::Value;
use turso_core::parser::ast::Statement;

use crate::gate::Purpose;
use crate::json::text_of;
use crate::session::{Limits, Session};

/// The arguments of a call.
pub(crate) type Arguments = Map<String, Json>;

/// What a call has come to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// For people and models.
    pub text: String,
    /// For programs.
    pub structured: Option<Json>,
    /// The call has failed.
    pub is_error: bool,
}

impl Outcome {
    fn done(text: impl Into<String>, structured: Json) -> Self {
        Self { text: text.into(), structured: Some(structured), is_error: false }
    }

    fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), structured: None, is_error: true }
    }
}

/// A tool.
pub(crate) struct Tool {
    pub name: &'static str,
    pub description: &'static str,
    /// Arguments: name, type, description, required.
    pub arguments: &'static [(&'static str, &'static str, &'static str, bool)],
    pub hints: Hints,
    run: fn(&mut Session, &Arguments) -> Result<Outcome, String>,
}

/// What clients may rely on.
#[derive(Clone, Copy)]
pub(crate) struct Hints {
    pub read_only: bool,
    pub destructive: bool,
    pub idempotent: bool,
}

const READS: Hints = Hints { read_only: true, destructive: false, idempotent: true };
const ADDS: Hints = Hints { read_only: false, destructive: false, idempotent: false };
const CHANGES: Hints = Hints { read_only: false, destructive: true, idempotent: false };

const QUERY: (&str, &str, &str, bool) = ("query", "string", "The SQL statement: exactly one", true);
const PARAMS: (&str, &str, &str, bool) =
    ("params", "any", "Values of the statement's parameters: an array by number, or an object by name", false);
const MAX_ROWS: (&str, &str, &str, bool) = ("max_rows", "integer", "Return no more rows than this", false);
const TIMEOUT: (&str, &str, &str, bool) = ("timeout_ms", "integer", "Give up after so many milliseconds", false);

/// The register.
#[rustfmt::skip]
pub(crate) const TOOLS: &[Tool] = &[
    Tool { name: "open_database", description: "Open or create a database file", arguments: &[("path", "string", "Path of the database file", true)], hints: Hints { read_only: false, destructive: false, idempotent: true }, run: open_database },
    Tool { name: "current_database", description: "Tell which database is open", arguments: &[], hints: READS, run: current_database },
    Tool { name: "list_tables", description: "List the tables of the database", arguments: &[], hints: READS, run: list_tables },
    Tool { name: "describe_table", description: "Describe the columns of a table", arguments: &[("table_name", "string", "Name of the table", true)], hints: READS, run: describe_table },
    Tool { name: "execute_query", description: "Run a SELECT query", arguments: &[QUERY, PARAMS, MAX_ROWS, TIMEOUT], hints: READS, run: execute_query },
    Tool { name: "explain_query", description: "Show how a statement would be run, without running it", arguments: &[QUERY], hints: READS, run: explain_query },
    Tool { name: "insert_data", description: "Run an INSERT statement", arguments: &[QUERY, PARAMS, TIMEOUT], hints: ADDS, run: |s, a| change(s, a, "INSERT") },
    Tool { name: "update_data", description: "Run an UPDATE statement", arguments: &[QUERY, PARAMS, TIMEOUT], hints: CHANGES, run: |s, a| change(s, a, "UPDATE") },
    Tool { name: "delete_data", description: "Run a DELETE statement", arguments: &[QUERY, PARAMS, TIMEOUT], hints: CHANGES, run: |s, a| change(s, a, "DELETE") },
    Tool { name: "schema_change", description: "Run a CREATE, ALTER or DROP statement", arguments: &[QUERY, TIMEOUT], hints: CHANGES, run: schema_change },
];

/// The tools of a session: one that may not write has none that do.
pub(crate) fn offered(session: &Session) -> impl Iterator<Item = &'static Tool> {
    let read_only = session.options.read_only;
    TOOLS.iter().filter(move |tool| !read_only || tool.hints.read_only || tool.name == "open_database")
}

/// Call a tool; `None` where there is none of this name.
pub fn call(session: &mut Session, name: &str, arguments: &Map<String, Json>) -> Option<Outcome> {
    let tool = TOOLS.iter().find(|tool| tool.name == name)?;
    Some((tool.run)(session, arguments).unwrap_or_else(Outcome::failed))
}

/// A text among the arguments, with the texts that clients know for its absence.
fn text_argument<'a>(arguments: &'a Arguments, name: &str) -> Result<&'a str, String> {
    match arguments.get(name) {
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(format!("Missing or invalid {name} parameter")),
        None => Err(format!("Missing {name} parameter")),
    }
}

/// The limits of a call: what it asks for, within what the server allows.
fn limits(session: &Session, arguments: &Arguments) -> Limits {
    let asked = |name: &str| arguments.get(name).and_then(Json::as_u64);
    let mut limits = session.options.limits;
    if let Some(rows) = asked("max_rows").and_then(|n| usize::try_from(n).ok()) {
        limits.rows = limits.rows.min(rows);
    }
    if let Some(ms) = asked("timeout_ms") {
        limits.time = limits.time.min(Duration::from_millis(ms));
    }
    limits
}

/// The one statement of a text.
fn single(sql: &str, several: &str) -> Result<Statement, String> {
    let statements = turso_core::parser::parse_all(sql.as_bytes());
    let mut statements = statements.map_err(|error| format!("Failed to parse SQL: {}", error.message))?.into_iter();
    let first = statements.next().ok_or("No SQL statement provided")?;
    if statements.next().is_some() {
        return Err(several.to_owned());
    }
    Ok(first)
}

// ---- About the database -------------------------------------------------------------------------------------------------

fn open_database(session: &mut Session, arguments: &Arguments) -> Result<Outcome, String> {
    let path = text_argument(arguments, "path")?.to_owned();
    session.reopen(&path)?;
    Ok(Outcome::done(format!("Successfully opened database: {path}"), json!({ "path": path })))
}

fn current_database(session: &mut Session, _: &Arguments) -> Result<Outcome, String> {
    let path = &session.shown_path;
    let read_only = session.options.read_only;
    Ok(Outcome::done(format!("Current database: {path}"), json!({ "path": path, "read_only": read_only })))
}

/// Names of the tables that clients may see.
pub(crate) fn table_names(session: &Session) -> Result<Vec<String>, String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND name NOT LIKE '\\_\\_turso\\_internal\\_%' ESCAPE '\\' ORDER BY 1";
    let rows = session.own(sql, &[])?;
    Ok(rows.iter().filter_map(|row| row.first()).map(text_of).filter(|name| session.shows(name)).collect())
}

fn list_tables(session: &mut Session, _: &Arguments) -> Result<Outcome, String> {
    let names = table_names(session).map_err(|error| format!("Error querying database: {error}"))?;
    let text = if names.is_empty() { "No tables found in the database".to_owned() } else { names.join(", ") };
    Ok(Outcome::done(text, json!({ "tables": names })))
}

/// The columns of a table or view, as `PRAGMA table_xinfo` tells them.
pub(crate) fn columns_of(session: &Session, table: &str) -> Result<Vec<Vec<Value>>, String> {
    if !session.shows(table) {
        return Ok(Vec::new());
    }
    session.own(&format!("PRAGMA table_xinfo(\"{}\")", table.replace('"', "\"\"")), &[])
}

fn describe_table(session: &mut Session, arguments: &Arguments) -> Result<Outcome, String> {
    let table = text_argument(arguments, "table_name")?;
    let columns = columns_of(session, table).map_err(|error| format!("Error querying database: {error}"))?;
    if columns.is_empty() {
        return Err(format!("Table '{table}' not found"));
    }
    let mut text = format!("Table '{table}' columns:\n");
    let mut list = Vec::new();
    for column in &columns {
        let [_, name, kind, not_null, default, key, hidden] = column.as_slice() else { continue };
        let is_set = |value: &Value| !matches!(value, Value::Integer(0) | Value::Null);
        let mut line =
            format!("{} {} {}", text_of(name), text_of(kind), if is_set(not_null) { "NOT NULL" } else { "NULL" });
        if !matches!(default, Value::Null) {
            line.push_str(&format!(" DEFAULT {}", text_of(default)));
        }
        if is_set(key) {
            line.push_str(" PRIMARY KEY");
        }
        match hidden {
            Value::Integer(2) => line.push_str(" VIRTUAL GENERATED"),
            Value::Integer(3) => line.push_str(" STORED GENERATED"),
            _ => {}
        }
        text.push_str(&line);
        text.push('\n');
        list.push(json!({
            "name": text_of(name),
            "type": text_of(kind),
            "not_null": is_set(not_null),
            "default": crate::json::to_json(default),
            "primary_key": is_set(key),
            "generated": matches!(hidden, Value::Integer(2 | 3)),
        }));
    }
    Ok(Outcome::done(text, json!({ "table": table, "columns": list })))
}

// ---- Statements of clients ----------------------------------------------------------------------------------------------

fn null() -> Json {
    Json::Null
}

fn execute_query(session: &mut Session, arguments: &Arguments) -> Result<Outcome, String> {
    let query = text_argument(arguments, "query")?;
    if !matches!(single(query, "Only a single SELECT query is allowed")?, Statement::Select(_)) {
        return Err("Only SELECT queries are allowed".into());
    }
    let limits = limits(session, arguments);
    let parameters = arguments.get("params").cloned().unwrap_or_else(null);
    let answer = session
        .run(query, &parameters, Purpose::Read, limits)
        .map_err(|error| format!("Error executing query: {error}"))?;
    Ok(Outcome::done(answer.text(), answer.structured()))
}

fn explain_query(session: &mut Session, arguments: &Arguments) -> Result<Outcome, String> {
    let query = text_argument(arguments, "query")?;
    let statement = single(query, "Only a single statement is allowed")?;
    let purpose = match statement {
        Statement::Select(_) => Purpose::Read,
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => Purpose::Change,
        _ => return Err("Only SELECT, INSERT, UPDATE and DELETE statements can be explained".into()),
    };
    let answer = session
        .run(&format!("EXPLAIN QUERY PLAN {query}"), &null(), purpose, session.options.limits)
        .map_err(|error| format!("Error executing query: {error}"))?;
    let mut text = String::from("QUERY PLAN\n");
    let mut depths: Vec<(i64, usize)> = vec![(0, 0)];
    let mut steps = Vec::new();
    for row in &answer.rows {
        let number = |i: usize| match row.get(i) {
            Some(Value::Integer(n)) => *n,
            _ => 0,
        };
        let (id, parent) = (number(0), number(1));
        let depth = depths.iter().rev().find(|(node, _)| *node == parent).map_or(0, |(_, depth)| *depth);
        depths.push((id, depth + 1));
        let detail = row.get(3).map(text_of).unwrap_or_default();
        text.push_str(&format!("{}- {detail}\n", "  ".repeat(depth)));
        steps.push(json!({ "id": id, "parent": parent, "detail": detail }));
    }
    Ok(Outcome::done(text, json!({ "plan": steps })))
}

fn change(session: &mut Session, arguments: &Arguments, class: &str) -> Result<Outcome, String> {
    let query = text_argument(arguments, "query")?;
    let statement = single(query, &format!("Only a single {class} statement is allowed"))?;
    let fits = match statement {
        Statement::Insert(_) => class == "INSERT",
        Statement::Update(_) => class == "UPDATE",
        Statement::Delete(_) => class == "DELETE",
        _ => false,
    };
    if !fits {
        return Err(format!("Only {class} statements are allowed"));
    }
    let limits = limits(session, arguments);
    let parameters = arguments.get("params").cloned().unwrap_or_else(null);
    let answer = session
        .run(query, &parameters, Purpose::Change, limits)
        .map_err(|error| format!("Error executing {class}: {error}"))?;
    let connection = session.connection();
    let mut structured = json!({ "rows_affected": connection.changes() });
    if class == "INSERT" {
        structured["last_insert_rowid"] = json!(connection.last_insert_rowid());
    }
    let mut text = format!("{class} successful.");
    if !answer.columns.is_empty() {
        // RETURNING.
        structured["returned"] = answer.structured();
        text = format!("{text}\n{}", answer.text());
    }
    Ok(Outcome::done(text, structured))
}

fn schema_change(session: &mut Session, arguments: &Arguments) -> Result<Outcome, String> {
    let query = text_argument(arguments, "query")?;
    let statement = single(query, "Only a single schema modification statement is allowed")?;
    let fits = matches!(
        statement,
        Statement::CreateTable(_)
            | Statement::CreateIndex(_)
            | Statement::CreateView(_)
            | Statement::CreateTrigger(_)
            | Statement::CreateVirtualTable(_)
            | Statement::Drop(_)
            | Statement::AlterTable(_)
    );
    if !fits {
        return Err("Only CREATE, ALTER, and DROP statements are allowed".into());
    }
    let limits = limits(session, arguments);
    session
        .run(query, &null(), Purpose::Schema, limits)
        .map_err(|error| format!("Error executing schema change: {error}"))?;
    Ok(Outcome::done("Schema change successful.", json!({})))
}
