//! A database as SQL text that makes it anew (`.dump`).

use turso_core::{Error, StepResult};

use crate::render::{identifier, literal};
use crate::shell::Shell;

/// Print the database, or the objects whose name is LIKE one of the patterns.
pub fn dump(shell: &mut Shell, patterns: &[&str]) -> Result<(), Error> {
    let wanted = if patterns.is_empty() {
        "1".to_owned()
    } else {
        let terms: Vec<String> =
            patterns.iter().map(|p| format!("tbl_name LIKE '{}'", p.replace('\'', "''"))).collect();
        format!("({})", terms.join(" OR "))
    };
    shell.line("PRAGMA foreign_keys=OFF;");
    shell.line("BEGIN TRANSACTION;");
    let tables = shell.texts(&format!(
        "SELECT name, sql FROM sqlite_schema WHERE {wanted} AND type = 'table' AND sql NOT NULL ORDER BY tbl_name = 'sqlite_sequence', rowid"
    ))?;
    for row in &tables {
        let (Some(Some(name)), Some(Some(sql))) = (row.first(), row.get(1)) else { continue };
        table(shell, name, sql)?;
    }
    let rest = shell.texts(&format!(
        "SELECT sql FROM sqlite_schema WHERE {wanted} AND sql NOT NULL AND type IN ('index', 'trigger', 'view') ORDER BY type COLLATE NOCASE DESC"
    ))?;
    for row in rest {
        if let Some(Some(sql)) = row.first() {
            shell.line(format!("{sql};"));
        }
    }
    shell.line("COMMIT;");
    Ok(())
}

fn table(shell: &mut Shell, name: &str, sql: &str) -> Result<(), Error> {
    if name == "sqlite_sequence" {
        shell.line("DELETE FROM sqlite_sequence;");
    } else if name.starts_with("sqlite_stat") {
        shell.line("ANALYZE sqlite_schema;");
    } else if name.starts_with("sqlite_") {
        return Ok(());
    } else if let Some(rest) = sql.strip_prefix("CREATE TABLE '").or_else(|| sql.strip_prefix("CREATE TABLE \"")) {
        shell.line(format!("CREATE TABLE IF NOT EXISTS {}{rest};", &sql[13..14]));
    } else {
        shell.line(format!("{sql};"));
    }
    // Generated columns are computed, not inserted.
    let columns: Vec<String> = shell
        .texts(&format!("SELECT name FROM pragma_table_info('{}')", name.replace('\'', "''")))
        .or_else(|_| shell.texts(&format!("PRAGMA table_info({})", identifier(name))).map(second_column))?
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect();
    let list = columns.iter().map(|c| identifier(c)).collect::<Vec<_>>().join(",");
    let select = format!("SELECT {list} FROM {}", identifier(name));
    let Some(mut statement) = shell.connection.prepare(&select)?.statement else { return Ok(()) };
    let target = identifier(name);
    while statement.step()? == StepResult::Row {
        let values: Vec<String> = statement.row().iter().map(literal).collect();
        shell.line(format!("INSERT INTO {target} VALUES({});", values.join(",")));
    }
    Ok(())
}

fn second_column(rows: Vec<Vec<Option<String>>>) -> Vec<Vec<Option<String>>> {
    rows.into_iter().map(|row| row.into_iter().skip(1).take(1).collect()).collect()
}
