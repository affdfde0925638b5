//! Runs a script on this engine and on SQLite, statement by statement, and compares rows and errors; then SQLite reads both files.
#![allow(dead_code, reason = "each test program uses a part of it")]

use rusqlite::fallible_iterator::FallibleIterator;
use turso_core::{Database, OpenOptions, StepResult, Value};

/// What a statement did: its rows, then its error.
pub type Outcome = (Vec<String>, Option<String>);

fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_string(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(t) => format!("'{}'", String::from_utf8_lossy(t)),
        Value::Blob(b) => format!("x{b:?}"),
    }
}

fn show_theirs(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "NULL".to_string(),
        ValueRef::Integer(i) => i.to_string(),
        ValueRef::Real(r) => format!("{r:?}"),
        ValueRef::Text(t) => format!("'{}'", String::from_utf8_lossy(t)),
        ValueRef::Blob(b) => format!("x{b:?}"),
    }
}

/// Run a script on this engine, every statement in turn.
pub fn run_ours(connection: &turso_core::Connection, sql: &str) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut rest = sql;
    while !rest.trim().is_empty() {
        let mut rows = Vec::new();
        let mut error = None;
        let tail;
        match connection.prepare(rest) {
            Ok(prepared) => {
                tail = prepared.tail;
                if let Some(mut statement) = prepared.statement {
                    loop {
                        match statement.step() {
                            Ok(StepResult::Row) => {
                                rows.push(statement.row().iter().map(show_value).collect::<Vec<_>>().join("|"))
                            }
                            Ok(StepResult::Done) => break,
                            Err(e) => {
                                error = Some(format!("{} {}", e.code().0, e.message()));
                                break;
                            }
                        }
                    }
                }
            }
            Err(e) => {
                error = Some(format!("{} {}", e.code().0, e.message()));
                tail = match turso_core::parser::parse(rest.as_bytes()) {
                    Ok(parsed) => parsed.tail,
                    Err(_) => rest.len(),
                };
            }
        }
        outcomes.push((rows, error));
        rest = &rest[tail..];
    }
    outcomes
}

fn their_error(e: &rusqlite::Error) -> String {
    match e {
        rusqlite::Error::SqliteFailure(f, m) => format!("{} {}", f.extended_code, m.as_deref().unwrap_or("")),
        rusqlite::Error::SqlInputError { error, msg, .. } => format!("{} {msg}", error.extended_code),
        e => e.to_string(),
    }
}

/// Run a script on SQLite.
pub fn run_theirs(connection: &rusqlite::Connection, sql: &str) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut rest = sql;
    while !rest.trim().is_empty() {
        let tail = match turso_core::parser::parse(rest.as_bytes()) {
            Ok(parsed) => parsed.tail,
            Err(_) => rest.len(),
        };
        let (one, after) = rest.split_at(tail);
        rest = after;
        let mut rows = Vec::new();
        let mut error = None;
        match connection.prepare(one) {
            Err(e) => error = Some(their_error(&e)),
            Ok(mut statement) => {
                let columns = statement.column_count();
                let mut cursor = statement.raw_query();
                loop {
                    match cursor.next() {
                        Ok(None) => break,
                        Ok(Some(row)) => {
                            rows.push(
                                (0..columns)
                                    .map(|i| show_theirs(row.get_ref(i).unwrap()))
                                    .collect::<Vec<_>>()
                                    .join("|"),
                            );
                        }
                        Err(e) => {
                            error = Some(their_error(&e));
                            break;
                        }
                    }
                }
            }
        }
        outcomes.push((rows, error));
    }
    outcomes
}

/// The whole content of a file, as SQLite reads it.
pub fn dump(path: &std::path::Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut lines = Vec::new();
    for (rows, error) in run_theirs(&connection, "PRAGMA integrity_check; SELECT * FROM sqlite_schema;") {
        lines.extend(rows);
        lines.extend(error);
    }
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query([])
        .unwrap()
        .map(|row| row.get(0))
        .collect()
        .unwrap();
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let with_rowid = connection.prepare(&format!("SELECT rowid FROM \"{quoted}\"")).is_ok();
        let columns = if with_rowid { "rowid, *" } else { "*" };
        lines.push(format!("-- {name}"));
        for (rows, error) in run_theirs(&connection, &format!("SELECT {columns} FROM \"{quoted}\"")) {
            lines.extend(rows);
            lines.extend(error);
        }
    }
    lines
}

/// Both engines run the script and leave the same file content.
#[track_caller]
pub fn check(script: &str) {
    check_with("", script);
}

/// As [`check`], after settings that only this engine has.
#[track_caller]
pub fn check_with(settings: &str, script: &str) {
    let place = tempfile::tempdir().unwrap();
    let (ours, theirs) = (place.path().join("ours.db"), place.path().join("theirs.db"));
    let mut differences = Vec::new();
    {
        let database = Database::open(ours.to_str().unwrap(), OpenOptions::default()).unwrap();
        let connection = database.connect().unwrap();
        connection.execute_batch(settings).unwrap();
        let sqlite = rusqlite::Connection::open(&theirs).unwrap();
        // The crate builds SQLite with foreign keys on; SQLite's own default is off.
        sqlite.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let mut rest = script;
        while !rest.trim().is_empty() {
            let tail = match turso_core::parser::parse(rest.as_bytes()) {
                Ok(parsed) => parsed.tail,
                Err(_) => rest.find(';').map_or(rest.len(), |i| i + 1),
            };
            let (one, after) = rest.split_at(tail);
            rest = after;
            let (mine, his) = (run_ours(&connection, one), run_theirs(&sqlite, one));
            if mine != his {
                differences.push(format!("{}\n   ours: {mine:?}\n sqlite: {his:?}", one.trim()));
            }
        }
    }
    let (mine, his) = (dump(&ours), dump(&theirs));
    if mine != his {
        let first = mine.iter().zip(&his).position(|(a, b)| a != b).unwrap_or(mine.len().min(his.len()));
        differences.push(format!(
            "files differ at line {first}\n   ours: {:?}\n sqlite: {:?}",
            mine.get(first..(first + 6).min(mine.len())),
            his.get(first..(first + 6).min(his.len()))
        ));
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}
