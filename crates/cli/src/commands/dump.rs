//! `.dump`: a database as SQL text that makes it anew.

use turso_core::{Error, StepResult};

use super::{Outcome, double_quote, quote, schema};
use crate::render::{identifier, insert_literal};
use crate::shell::{Flow, Shell};
use crate::words::is_option;

#[derive(Default, Clone, Copy)]
struct Options {
    data_only: bool,
    newlines: bool,
    without_system: bool,
    rowids: bool,
}

/// `.dump`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let mut options = Options::default();
    let mut terms = Vec::new();
    for word in arguments {
        if is_option(word, "data-only") {
            options.data_only = true;
        } else if is_option(word, "newlines") {
            options.newlines = true;
        } else if is_option(word, "nosys") {
            options.without_system = true;
        } else if is_option(word, "preserve-rowids") {
            options.rowids = true;
        } else if word.starts_with('-') {
            return Err(format!("Unknown option \"{word}\" on \".dump\""));
        } else {
            terms.push(format!("name LIKE {} ESCAPE '\\'", quote(word)));
        }
    }
    let wanted = if terms.is_empty() { "1".to_owned() } else { format!("({})", terms.join(" OR ")) };
    if !options.data_only {
        shell.line("PRAGMA foreign_keys=OFF;");
        shell.line("BEGIN TRANSACTION;");
    }
    // One transaction, so that all tables are of the same time.
    let opened = shell.connection().is_autocommit() && shell.rows("BEGIN").is_ok();
    let result = objects(shell, &wanted, options);
    if opened {
        // It has only read.
        let _ = shell.rows("COMMIT");
    }
    match result {
        Ok(()) => {
            if !options.data_only {
                shell.line("COMMIT;");
            }
            Ok(Flow::Continue)
        }
        Err(error) => {
            shell.line(format!("/**** ERROR: ({}) {} *****/", error.code().0, error.message()));
            if !options.data_only {
                shell.line("ROLLBACK; -- due to errors");
            }
            Err(super::text(error))
        }
    }
}

fn objects(shell: &mut Shell, wanted: &str, options: Options) -> Result<(), Error> {
    let tables = shell.texts(&format!(
        "SELECT name, sql FROM sqlite_schema WHERE {wanted} AND type = 'table' AND sql NOT NULL \
         ORDER BY tbl_name = 'sqlite_sequence', rowid"
    ))?;
    for row in &tables {
        let [Some(name), Some(sql)] = row.as_slice() else { continue };
        table(shell, name, sql, options)?;
    }
    if options.data_only {
        return Ok(());
    }
    let rest = shell.column(&format!(
        "SELECT sql FROM sqlite_schema WHERE {wanted} AND sql NOT NULL AND type IN ('index', 'trigger', 'view') ORDER BY rowid"
    ))?;
    for sql in rest {
        schema::print_statement(shell, &sql, false);
    }
    Ok(())
}

fn table(shell: &mut Shell, name: &str, sql: &str, options: Options) -> Result<(), Error> {
    if options.without_system && name.starts_with("sqlite_") {
        return Ok(());
    }
    if name == "sqlite_sequence" {
        if !options.data_only {
            shell.line("DELETE FROM sqlite_sequence;");
        }
    } else if name.len() == "sqlite_stat1".len() && name.starts_with("sqlite_stat") {
        if !options.data_only {
            shell.line("ANALYZE sqlite_schema;");
        }
    } else if name.starts_with("sqlite_") {
        return Ok(());
    } else if !options.data_only {
        if sql.get(..20).is_some_and(|head| head.eq_ignore_ascii_case("CREATE VIRTUAL TABLE")) {
            return virtual_table(shell, name, sql);
        }
        schema::print_statement(shell, sql, false);
    }
    rows(shell, name, options)
}

/// Its module may be absent where the text is read: only the entry of the schema is made.
fn virtual_table(shell: &mut Shell, name: &str, sql: &str) -> Result<(), Error> {
    shell.line("PRAGMA writable_schema=ON;");
    shell.line(format!(
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{0},{0},0,{1});",
        quote(name),
        quote(sql)
    ));
    shell.line("PRAGMA writable_schema=OFF;");
    Ok(())
}

fn rows(shell: &mut Shell, name: &str, options: Options) -> Result<(), Error> {
    let info = shell.texts(&format!("PRAGMA table_info({})", quote(name)))?;
    let column = |row: &Vec<Option<String>>, i: usize| row.get(i).cloned().flatten().unwrap_or_default();
    // Generated columns are computed, not inserted; the pragma does not list them.
    let mut columns: Vec<String> = info.iter().map(|row| column(row, 1)).collect();
    let mut target = format!("INSERT INTO {}", schema::quoted_name(name));
    if options.rowids
        && let Some(alias) = rowid_name(shell, name, &info)?
    {
        let list: Vec<String> = columns.iter().map(|c| identifier(c)).collect();
        target.push_str(&format!("({alias},{})", list.join(",")));
        columns.insert(0, alias.to_owned());
    }
    let list: Vec<String> = columns.iter().map(|c| double_quote(c)).collect();
    let select = format!("SELECT {} FROM {}", list.join(","), double_quote(name));
    let Some(mut statement) = shell.connection().prepare(&select)?.statement else { return Ok(()) };
    let mut line = Vec::new();
    while statement.step()? == StepResult::Row {
        line.clear();
        line.extend_from_slice(target.as_bytes());
        line.extend_from_slice(b" VALUES(");
        for (i, value) in statement.row().iter().enumerate() {
            if i > 0 {
                line.push(b',');
            }
            insert_literal(value, options.newlines, &mut line);
        }
        line.extend_from_slice(b");\n");
        shell.write(&line);
    }
    Ok(())
}

/// The name by which the rowid can be asked for, unless a column is the rowid or there is none.
fn rowid_name(shell: &mut Shell, name: &str, info: &[Vec<Option<String>>]) -> Result<Option<&'static str>, Error> {
    let text = |row: &Vec<Option<String>>, i: usize| row.get(i).cloned().flatten().unwrap_or_default();
    let keys: Vec<&Vec<Option<String>>> = info.iter().filter(|row| text(row, 5) != "0").collect();
    if let [key] = keys.as_slice()
        && text(key, 2).eq_ignore_ascii_case("INTEGER")
    {
        // Such a column is the rowid unless an index says otherwise.
        let indexes = shell.texts(&format!("PRAGMA index_list({})", quote(name)))?;
        if !indexes.iter().any(|row| text(row, 3) == "pk") {
            return Ok(None);
        }
    }
    for alias in ["rowid", "_rowid_", "oid"] {
        if info.iter().any(|row| text(row, 1).eq_ignore_ascii_case(alias)) {
            continue;
        }
        let there = shell.rows(&format!("SELECT {alias} FROM {} LIMIT 0", double_quote(name))).is_ok();
        return Ok(there.then_some(alias));
    }
    Ok(None)
}
