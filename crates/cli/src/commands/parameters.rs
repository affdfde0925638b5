//! `.parameter`: values for the parameters of statements, in a temporary table.

use turso_core::{StepResult, Value};

use super::{Outcome, help, quote};
use crate::render::text_of;
use crate::shell::{Flow, Shell};

/// `.parameter`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    match arguments {
        ["clear"] => {
            // There is no table before the first `set`.
            let _ = with_writable_schema(shell, "DROP TABLE IF EXISTS temp.sqlite_parameters");
        }
        ["init"] => init(shell)?,
        ["list"] => list(shell),
        ["set", name, value] => set(shell, name, value)?,
        ["unset", name] => {
            let _ = shell.rows(&format!("DELETE FROM temp.sqlite_parameters WHERE key = {}", quote(name)));
        }
        _ => help::show(shell, "parameter"),
    }
    Ok(Flow::Continue)
}

fn init(shell: &mut Shell) -> Result<(), String> {
    let there = shell.rows("SELECT 1 FROM temp.sqlite_parameters LIMIT 0").is_ok();
    if there {
        return Ok(());
    }
    with_writable_schema(
        shell,
        "CREATE TABLE temp.sqlite_parameters(\n  key TEXT PRIMARY KEY,\n  value\n) WITHOUT ROWID",
    )
}

/// The table has a name that is reserved for the system.
fn with_writable_schema(shell: &mut Shell, sql: &str) -> Result<(), String> {
    let before = shell.column("PRAGMA writable_schema").map_err(super::text)?.concat();
    shell.rows("PRAGMA writable_schema = ON").map_err(super::text)?;
    let done = shell.rows(sql);
    shell.rows(&format!("PRAGMA writable_schema = {before}")).map_err(super::text)?;
    done.map(|_| ()).map_err(super::text)
}

fn list(shell: &mut Shell) {
    let Ok(rows) = shell.rows("SELECT key, quote(value) FROM temp.sqlite_parameters") else { return };
    let key = |row: &Vec<Value>| {
        let text = row.first().and_then(text_of).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    };
    let width = rows.iter().map(|row| key(row).len()).max().unwrap_or(0);
    for row in &rows {
        let mut line = format!("{:<width$} ", key(row)).into_bytes();
        line.extend_from_slice(&row.get(1).and_then(text_of).unwrap_or_default());
        shell.line(line);
    }
}

/// The value is an SQL expression, or else a text.
fn set(shell: &mut Shell, name: &str, value: &str) -> Result<(), String> {
    init(shell)?;
    let insert =
        |value: &str| format!("REPLACE INTO temp.sqlite_parameters(key, value) VALUES({}, {value})", quote(name));
    let connection = shell.connection();
    let prepared = connection.prepare(insert(value)).or_else(|_| connection.prepare(insert(&quote(value))));
    let prepared = prepared.map_err(super::text)?;
    if let Some(mut statement) = prepared.statement {
        while statement.step().map_err(super::text)? == StepResult::Row {}
    }
    Ok(())
}
