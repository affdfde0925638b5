//! Both engines as the simulator uses them: statements in, everything that a database holds out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use turso_core::{Backend, Connection, Database, OpenOptions, StepResult, Value};
use turso_io::Io;

use crate::random::Digest;

/// Rows as text in which values of different types differ.
pub type Rows = Vec<Vec<String>>;

/// Everything that the databases hold: schema and rows of each, one line each.
pub fn dump(databases: &[String], query: &mut dyn FnMut(&str) -> Result<Rows, String>) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for db in databases {
        let version = query(&format!("PRAGMA {db}.user_version"))?;
        lines.push(format!("{db} {version:?}"));
        let schema = query(&format!("SELECT type, name, tbl_name, sql FROM {db}.sqlite_schema ORDER BY type, name"))?;
        for entry in &schema {
            lines.push(entry.join("|"));
        }
        for entry in schema.iter().filter(|entry| entry[0] == "'table'") {
            let name = entry[1].trim_matches('\'');
            let mut rows: Vec<String> =
                query(&format!("SELECT * FROM {db}.\"{name}\""))?.into_iter().map(|row| row.join("|")).collect();
            rows.sort_unstable();
            lines.extend(rows);
        }
    }
    Ok(lines)
}

/// One number for a dump.
pub fn digest(lines: &[String]) -> u64 {
    let mut digest = Digest::default();
    for line in lines {
        digest.add_bytes(line.as_bytes());
    }
    digest.value()
}

/// What `integrity_check` says about each database, where it is not `ok`.
pub fn integrity(databases: &[String], query: &mut dyn FnMut(&str) -> Result<Rows, String>) -> Result<(), String> {
    for db in databases {
        let said = query(&format!("PRAGMA {db}.integrity_check"))?;
        if said != [["'ok'"]] {
            return Err(format!("integrity_check of {db}: {said:?}"));
        }
    }
    Ok(())
}

/// The names of a connection's databases: main, and what is attached.
pub fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| if i == 0 { "main".to_owned() } else { format!("aux{i}") }).collect()
}

// ---- This engine --------------------------------------------------------------------------------------------------------

/// Opens a database on a back end; nothing waits for locks.
pub fn open(io: &Arc<dyn Io>, path: &Path, cache_pages: Option<usize>, wal: bool) -> Result<Database, String> {
    let options = OpenOptions {
        backend: Backend::Custom(io.clone()),
        busy_timeout: Duration::ZERO,
        new_uses_wal: wal,
        cache_pages,
        ..OpenOptions::default()
    };
    Database::open(&path.to_string_lossy(), options).map_err(|e| format!("{e:?}"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(text) => format!("'{}'", text.escape_ascii()),
        Value::Blob(bytes) => format!("x{}", bytes.escape_ascii()),
    }
}

/// Runs one statement to its end.
pub fn run(connection: &Connection, sql: &str) -> Result<Rows, String> {
    let failed = |e: turso_core::Error| format!("{sql}: {e} ({:?})", e.code());
    let mut rows = Vec::new();
    if let Some(mut statement) = connection.prepare(sql).map_err(failed)?.statement {
        while statement.step().map_err(failed)? == StepResult::Row {
            rows.push(statement.row().iter().map(shown).collect());
        }
    }
    Ok(rows)
}

/// A connection to the first database with the others attached.
pub fn connect(io: &Arc<dyn Io>, databases: &[PathBuf]) -> Result<Connection, String> {
    let db = open(io, &databases[0], None, false)?;
    let connection = db.connect().map_err(|e| format!("{e:?}"))?;
    for (i, path) in databases.iter().enumerate().skip(1) {
        run(&connection, &format!("ATTACH '{}' AS aux{i}", path.display()))?;
    }
    Ok(connection)
}

// ---- SQLite ---------------------------------------------------------------------------------------------------------------

/// Runs one statement to its end in SQLite.
pub fn run_stock(connection: &rusqlite::Connection, sql: &str) -> Result<Rows, String> {
    let failed = |e: rusqlite::Error| format!("{sql}: {e}");
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let columns = statement.column_count();
    let mut rows = statement.query([]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let mut values = Vec::with_capacity(columns);
        for i in 0..columns {
            use rusqlite::types::ValueRef;
            values.push(match row.get_ref(i).map_err(failed)? {
                ValueRef::Null => "NULL".into(),
                ValueRef::Integer(i) => i.to_string(),
                ValueRef::Real(r) => format!("{r:?}"),
                ValueRef::Text(text) => format!("'{}'", text.escape_ascii()),
                ValueRef::Blob(bytes) => format!("x{}", bytes.escape_ascii()),
            });
        }
        all.push(values);
    }
    Ok(all)
}
