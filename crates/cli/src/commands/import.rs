//! `.import`: rows of a text file into a table.

mod reader;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::process::{Child, Stdio};

use turso_core::{Connection, Statement, StepResult, Value};

use super::{Outcome, double_quote, help};
use crate::output::shell_command;
use crate::render::Mode;
use crate::shell::{Flow, Shell};
use crate::terminal::progress::FileProgress;
use crate::words::integer;
use reader::{Reader, Style};

/// Where a running import stands is looked at after so many rows.
const ROWS_PER_LOOK: u64 = 1000;

struct Request<'a> {
    file: &'a str,
    table: &'a str,
    schema: Option<&'a str>,
    skip: u64,
    verbose: bool,
    style: Style,
}

fn request<'a>(shell: &Shell, arguments: &[&'a str]) -> Result<Request<'a>, String> {
    let usage = || help::lines("import").join("\n");
    let (mut file, mut table, mut schema, mut skip, mut verbose, mut style) = (None, None, None, 0, false, None);
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        let option = if word.starts_with("--") { &word[1..] } else { word };
        match option {
            _ if !word.starts_with('-') => match (file, table) {
                (None, _) => file = Some(word),
                (_, None) => table = Some(word),
                _ => return Err(format!("ERROR: extra argument: \"{word}\".  Usage:\n{}", usage())),
            },
            "-v" => verbose = true,
            "-schema" => schema = words.next(),
            "-skip" => skip = words.next().map_or(0, |n| u64::try_from(integer(n)).unwrap_or(0)),
            "-csv" => style = Some(Style::csv()),
            "-ascii" => style = Some(Style::ascii()),
            _ => return Err(format!("ERROR: unknown option: \"{option}\".  Usage:\n{}", usage())),
        }
    }
    let (Some(file), Some(table)) = (file, table) else {
        let what = if file.is_none() { "FILE" } else { "TABLE" };
        return Err(format!("ERROR: missing {what} argument. Usage:\n{}", usage()));
    };
    let style = match style {
        Some(style) => style,
        None => style_of_mode(shell)?,
    };
    Ok(Request { file, table, schema, skip, verbose, style })
}

/// Without `--csv` or `--ascii` the separators of the output mode count.
fn style_of_mode(shell: &Shell) -> Result<Style, String> {
    let settings = &shell.settings;
    let (column, mut row) = (settings.column_separator.as_bytes(), settings.row_separator.as_bytes());
    if column.is_empty() {
        return Err("Error: non-null column separator required for import".into());
    }
    if column.len() > 1 {
        return Err("Error: multi-character column separators not allowed for import".into());
    }
    if row.is_empty() {
        return Err("Error: non-null row separator required for import".into());
    }
    if settings.mode == Mode::Csv && row == b"\r\n" {
        row = b"\n";
    }
    if row.len() > 1 {
        return Err("Error: multi-character row separators not allowed for import".into());
    }
    Ok(Style { column: column[0], row: row[0], quotes: settings.mode != Mode::Ascii })
}

/// The file or the output of a program.
struct Source {
    name: String,
    bytes: Box<dyn Read>,
    /// Length of the file, where there is one.
    length: Option<u64>,
    child: Option<Child>,
}

fn source(shell: &mut Shell, file: &str) -> Result<Source, String> {
    let fail = || format!("Error: cannot open \"{file}\"");
    if let Some(command) = file.strip_prefix('|') {
        shell.flush();
        let mut child = shell_command(command).stdout(Stdio::piped()).spawn().map_err(|_| fail())?;
        let pipe = child.stdout.take().ok_or_else(fail)?;
        return Ok(Source { name: "<pipe>".into(), bytes: Box::new(pipe), length: None, child: Some(child) });
    }
    let opened = File::open(file).map_err(|_| fail())?;
    let length = opened.metadata().ok().map(|m| m.len());
    Ok(Source { name: file.to_owned(), bytes: Box::new(opened), length, child: None })
}

/// `.import`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let request = match request(shell, arguments) {
        Ok(request) => request,
        Err(message) if message.starts_with("ERROR") => {
            shell.misused(message);
            return Ok(Flow::Continue);
        }
        Err(message) => return Err(message),
    };
    if shell.settings.mode == Mode::Csv && shell.settings.row_separator == "\r\n" {
        shell.settings.row_separator = "\n".into();
    }
    let mut source = source(shell, request.file)?;
    let progress = FileProgress::new(shell.interactive, &source.name, source.length);
    let bytes = std::mem::replace(&mut source.bytes, Box::new(std::io::empty()));
    let mut reader = Reader::new(BufReader::with_capacity(1 << 16, bytes), request.style, source.name.clone());
    let result = import(shell, &request, &mut reader, &progress);
    progress.end();
    if let Some(mut child) = source.child {
        // What it still wants to write, nobody reads.
        drop(reader);
        let _ = child.wait();
    }
    result.map(|()| Flow::Continue)
}

fn import<R: std::io::BufRead>(
    shell: &mut Shell,
    request: &Request<'_>,
    reader: &mut Reader<R>,
    progress: &FileProgress,
) -> Result<(), String> {
    let mut row = Vec::new();
    for _ in 0..request.skip {
        if !reader.row(&mut row) {
            break;
        }
    }
    let connection = shell.connection();
    let table = match request.schema {
        Some(schema) => format!("{}.{}", double_quote(schema), double_quote(request.table)),
        None => double_quote(request.table),
    };
    let columns = match column_count(&connection, &table) {
        Some(columns) => columns,
        None => create(shell, request, reader, &table)?,
    };
    if columns == 0 {
        return Ok(());
    }
    let marks = vec!["?"; columns].join(",");
    let insert = format!("INSERT INTO {table} VALUES({marks})");
    let prepared = connection.prepare(&insert).map_err(super::text)?;
    let Some(mut statement) = prepared.statement else { return Ok(()) };
    let opened = connection.is_autocommit();
    if opened {
        connection.execute_batch("BEGIN").map_err(super::text)?;
    }
    let (mut added, mut failed) = (0u64, 0u64);
    while reader.row(&mut row) {
        for message in reader.messages.drain(..) {
            shell.warn(message);
        }
        let (name, line) = (&reader.name, reader.row_line);
        if row.len() < columns && !reader.cut {
            let found = row.len();
            shell.warn(format!(
                "{name}:{line}: expected {columns} columns but found {found} - filling the rest with NULL"
            ));
        } else if row.len() > columns {
            let found = row.len();
            shell.warn(format!("{name}:{line}: expected {columns} columns but found {found} - extras ignored"));
        }
        match insert_row(&mut statement, &mut row, columns) {
            Ok(()) => added += 1,
            Err(error) => {
                failed += 1;
                shell.complain(format!("{name}:{line}: INSERT failed: {}", error.message()));
            }
        }
        if (added + failed) % ROWS_PER_LOOK == 0 {
            progress.at(reader.bytes_read);
        }
    }
    for message in reader.messages.drain(..) {
        shell.warn(message);
    }
    drop(statement);
    if opened {
        connection.execute_batch("COMMIT").map_err(super::text)?;
    }
    if request.verbose {
        let lines = reader.lines();
        shell.line(format!("Added {added} rows with {failed} errors using {lines} lines of input"));
    }
    Ok(())
}

fn insert_row(statement: &mut Statement, row: &mut [Vec<u8>], columns: usize) -> turso_core::Result<()> {
    statement.reset();
    for i in 0..columns {
        let value = row.get_mut(i).map_or(Value::Null, |text| Value::text(std::mem::take(text)));
        statement.bind(i + 1, value)?;
    }
    while statement.step()? == StepResult::Row {}
    Ok(())
}

fn column_count(connection: &Connection, table: &str) -> Option<usize> {
    let prepared = connection.prepare(format!("SELECT * FROM {table} LIMIT 0")).ok()?;
    prepared.statement.map(|statement| statement.column_count())
}

/// Make the table; the first row has the names of its columns.
fn create<R: std::io::BufRead>(
    shell: &mut Shell,
    request: &Request<'_>,
    reader: &mut Reader<R>,
    table: &str,
) -> Result<usize, String> {
    let mut names = Vec::new();
    if !reader.row(&mut names) || reader.is_empty {
        return Err(format!("{}: empty file", reader.name));
    }
    let names: Vec<String> = names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
    let (columns, renamed) = distinct_names(&names);
    if !renamed.is_empty() {
        let list: Vec<String> =
            renamed.iter().map(|(old, new)| format!("{} to {}", double_quote(old), double_quote(new))).collect();
        let name = &reader.name;
        let text = format!("Columns renamed during .import {name} due to duplicates:\n{}", list.join(",\n"));
        if shell.interactive {
            shell.line(text);
        } else {
            shell.warn(text);
        }
    }
    let list: Vec<String> = columns.iter().map(|c| format!("{} TEXT", double_quote(c))).collect();
    // Four columns go on a line.
    let body: Vec<String> = list.chunks(4).map(|four| four.join(", ")).collect();
    let create = format!("CREATE TABLE {table}(\n{})", body.join(",\n "));
    if request.verbose {
        shell.line(format!("{create}\n"));
    }
    shell.connection().execute_batch(&create).map_err(|error| format!("{create}\n failed:\n{}", error.message()))?;
    Ok(columns.len())
}

/// Names without duplicates: those that come more than once get their place as a suffix.
fn distinct_names(names: &[String]) -> (Vec<String>, Vec<(String, String)>) {
    let names: Vec<String> = names.iter().map(|n| if n.is_empty() { "?".to_owned() } else { n.clone() }).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in &names {
        *counts.entry(name.to_lowercase()).or_default() += 1;
    }
    let mut renamed = Vec::new();
    let columns = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            if counts.get(&name.to_lowercase()).is_some_and(|c| *c > 1) {
                let mut new = format!("{name}_{}", i + 1);
                while counts.contains_key(&new.to_lowercase()) {
                    new.push('_');
                }
                renamed.push((name.clone(), new.clone()));
                new
            } else {
                name.clone()
            }
        })
        .collect();
    (columns, renamed)
}
