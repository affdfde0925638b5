//! Commands that show the schema.

use turso_core::parser::is_plain_identifier;

use super::{Outcome, double_quote, indent, quote};
use crate::render::{Mode, identifier};
use crate::shell::{Flow, Shell};
use crate::words::is_option;

/// Names in columns, filled downwards, for a width of 80.
fn print_names(shell: &mut Shell, names: &[String]) {
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let per_row = (80 / (width + 2)).max(1);
    let rows = names.len().div_ceil(per_row);
    for row in 0..rows {
        let line: Vec<String> = names.iter().skip(row).step_by(rows).map(|name| format!("{name:<width$}")).collect();
        shell.line(line.join("  "));
    }
}

/// The databases of the connection that hold something: `temp` only when it does.
fn databases_in_use(shell: &mut Shell) -> Result<Vec<String>, String> {
    let rows = shell.texts("PRAGMA database_list").map_err(super::text)?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().nth(1).flatten()).collect())
}

/// `.databases`
pub fn databases(shell: &mut Shell, _: &[&str]) -> Outcome {
    let rows = shell.texts("PRAGMA database_list").map_err(super::text)?;
    for row in rows {
        let [Some(number), Some(name), file] = row.as_slice() else { continue };
        let file = file.as_deref().filter(|f| !f.is_empty()).unwrap_or("\"\"");
        let read_only = shell.connection().is_read_only(number.parse().unwrap_or(usize::MAX));
        let state = if read_only == Some(true) { "r/o" } else { "r/w" };
        shell.line(format!("{name}: {file} {state}"));
    }
    Ok(Flow::Continue)
}

/// `.tables`
pub fn tables(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let names =
        object_names(shell, "type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", "name", arguments)?;
    print_names(shell, &names);
    Ok(Flow::Continue)
}

/// `.indexes`
pub fn indexes(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    if arguments.len() > 1 {
        return Err("Usage: .indexes ?LIKE-PATTERN?".into());
    }
    let names = object_names(shell, "type = 'index'", "tbl_name", arguments)?;
    print_names(shell, &names);
    Ok(Flow::Continue)
}

fn object_names(shell: &mut Shell, condition: &str, matched: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
    let pattern = arguments.first().map_or(String::new(), |p| format!(" AND {matched} LIKE {}", quote(p)));
    let parts: Vec<String> = databases_in_use(shell)?
        .iter()
        .map(|db| {
            let shown = if db == "main" { "name".to_owned() } else { format!("{} || '.' || name", quote(db)) };
            format!("SELECT {shown} FROM {}.sqlite_schema WHERE {condition}{pattern}", double_quote(db))
        })
        .collect();
    shell.column(&format!("{} ORDER BY 1", parts.join(" UNION ALL "))).map_err(super::text)
}

const SCHEMA_TABLE: &str = " (\n  type text,\n  name text,\n  tbl_name text,\n  rootpage integer,\n  sql text\n);";

/// `.schema`
pub fn schema(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (mut pretty, mut without_system, mut pattern) = (false, false, None);
    for word in arguments {
        if is_option(word, "indent") {
            pretty = true;
        } else if is_option(word, "nosys") {
            without_system = true;
        } else if word.starts_with('-') {
            return Err(format!("Unknown option: \"{word}\""));
        } else if pattern.is_none() {
            pattern = Some(*word);
        } else {
            return Err("Usage: .schema ?--indent? ?--nosys? ?LIKE-PATTERN?".into());
        }
    }
    if let Some(name) = pattern {
        let lower = name.to_ascii_lowercase();
        let table = match lower.as_str() {
            "sqlite_master" | "sqlite_schema" => Some(lower),
            "sqlite_temp_master" | "sqlite_temp_schema" => Some(lower),
            _ => None,
        };
        if let Some(table) = table {
            shell.line(format!("CREATE TABLE {table}{SCHEMA_TABLE}"));
        }
    }
    for db in databases_in_use(shell)? {
        let mut condition = "sql NOT NULL".to_owned();
        if let Some(pattern) = pattern {
            let matched = if pattern.contains('.') {
                format!("lower({} || '.' || tbl_name)", quote(&db))
            } else {
                "lower(tbl_name)".to_owned()
            };
            let operator = if pattern.contains(['*', '?', '[']) { "GLOB" } else { "LIKE" };
            condition.push_str(&format!(" AND {matched} {operator} {}", quote(&pattern.to_ascii_lowercase())));
        }
        if without_system {
            condition.push_str(" AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
        }
        let rows = shell
            .texts(&format!(
                "SELECT type, name, sql FROM {}.sqlite_schema WHERE {condition} ORDER BY rowid",
                double_quote(&db)
            ))
            .map_err(super::text)?;
        for row in rows {
            let [Some(kind), Some(name), Some(sql)] = row.as_slice() else { continue };
            let mut sql = in_database(sql, &db);
            if kind == "view" || sql.starts_with("CREATE VIRTUAL") {
                sql.push_str(&column_comment(shell, &db, name));
            }
            print_statement(shell, &sql, pretty);
        }
    }
    Ok(Flow::Continue)
}

/// The statement, naming its database where that is not `main`.
fn in_database(sql: &str, db: &str) -> String {
    if db == "main" {
        return sql.to_owned();
    }
    const HEADS: [&str; 6] = ["TABLE ", "INDEX ", "UNIQUE INDEX ", "VIEW ", "TRIGGER ", "VIRTUAL TABLE "];
    let rest = sql.strip_prefix("CREATE ").unwrap_or("");
    match HEADS.iter().find(|head| rest.starts_with(**head)) {
        Some(head) => format!("CREATE {head}{}.{}", database_name(db), &rest[head.len()..]),
        None => sql.to_owned(),
    }
}

/// `temp` is a word of the language and needs no quotes here.
fn database_name(db: &str) -> String {
    if db == "temp" { db.to_owned() } else { identifier(db) }
}

/// What the columns of a view or a virtual table are called.
fn column_comment(shell: &mut Shell, db: &str, name: &str) -> String {
    let pragma = format!("PRAGMA {}.table_info({})", double_quote(db), quote(name));
    let columns: Vec<String> = shell
        .texts(&pragma)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|row| row.into_iter().nth(1).flatten())
        .map(|column| identifier(&column))
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    let prefix = if db == "main" { String::new() } else { format!("{}.", database_name(db)) };
    format!("\n/* {prefix}{}({}) */", identifier(name), columns.join(","))
}

/// Print a CREATE statement; a table whose name is quoted gets IF NOT EXISTS, as `sqlite3` does it.
pub fn print_statement(shell: &mut Shell, sql: &str, pretty: bool) {
    let quoted = ["'", "\"", "[", "`"].iter().find_map(|q| {
        sql.strip_prefix("CREATE TABLE ").filter(|rest| rest.starts_with(*q) && matches!(*q, "'" | "\""))
    });
    let text = match quoted {
        Some(rest) => format!("CREATE TABLE IF NOT EXISTS {rest}"),
        None => sql.to_owned(),
    };
    let text = if pretty { indent::indented(&text) } else { text };
    let close = turso_core::parser::comment_end(text.as_bytes());
    shell.line(format!("{text}{close};"));
}

/// `.fullschema`
pub fn full_schema(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let pretty = match arguments {
        [] => false,
        [word] if is_option(word, "indent") => true,
        _ => return Err("Usage: .fullschema ?--indent?".into()),
    };
    let sql = "SELECT sql FROM (SELECT sql, name, type, rowid AS x FROM sqlite_schema \
               UNION ALL SELECT sql, name, type, rowid FROM sqlite_temp_schema) \
               WHERE type != 'meta' AND sql NOTNULL AND name NOT LIKE 'sqlite_%' ORDER BY x";
    for sql in shell.column(sql).map_err(super::text)? {
        print_statement(shell, &sql, pretty);
    }
    let statistics = shell
        .column("SELECT name FROM sqlite_schema WHERE name GLOB 'sqlite_stat[134]' ORDER BY name")
        .map_err(super::text)?;
    if statistics.is_empty() {
        shell.line("/* No STAT tables available */");
        return Ok(Flow::Continue);
    }
    shell.line("ANALYZE sqlite_schema;");
    for table in ["sqlite_stat1", "sqlite_stat4"] {
        if statistics.iter().any(|s| s == table) {
            insert_statements(shell, table)?;
        }
    }
    shell.line("ANALYZE sqlite_schema;");
    Ok(Flow::Continue)
}

/// The rows of a table as INSERT statements.
fn insert_statements(shell: &mut Shell, table: &str) -> Result<(), String> {
    let before = shell.settings.clone();
    shell.settings.insert_table = table.to_owned();
    shell.settings.headers = false;
    let prepared = shell.connection().prepare(format!("SELECT * FROM {table}"));
    let shown = prepared.and_then(|p| match p.statement {
        Some(mut statement) => shell.show_in(&mut statement, Mode::Insert),
        None => Ok(()),
    });
    shell.settings = before;
    shown.map_err(super::text)
}

/// A name between double quotes unless it is plain.
pub fn quoted_name(name: &str) -> String {
    if is_plain_identifier(name) { name.to_owned() } else { double_quote(name) }
}
