//! Commands that read and write files: `.open`, `.read`, `.output` and its relatives, `.backup`, `.restore`, `.clone`.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use turso_core::{Connection, StepResult};

use super::{HexadecimalLines, Outcome, help, quote};
use crate::input;
use crate::output::shell_command;
use crate::render::{Mode, identifier};
use crate::shell::{Access, Flow, Kind, Once, Shell, connect};
use crate::words::is_option;

/// `.read` inside `.read` inside …
const MAX_DEPTH: usize = 25;

/// `.open`
pub fn open(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let mut access = shell.access.clone();
    let (mut path, mut anew, mut maximum, mut from_text) = (None, false, false, false);
    for word in arguments {
        if is_option(word, "new") {
            anew = true;
        } else if is_option(word, "readonly") {
            access.read_only = true;
        } else if is_option(word, "nofollow") {
            access.no_follow = true;
        } else if is_option(word, "deserialize") {
            access.kind = Some(Kind::InMemory);
        } else if is_option(word, "maxsize") {
            maximum = true;
            continue;
        } else if is_option(word, "hexdb") {
            from_text = true;
        } else if is_option(word, "append") {
            access.kind = Some(Kind::Appended);
        } else if is_option(word, "zip") {
            access.kind = Some(Kind::Zip);
        } else if std::mem::take(&mut maximum) {
            access.max_size = u64::try_from(crate::words::integer(word)).unwrap_or(0);
        } else if word.starts_with('-') {
            return Err(format!("unknown option: {word}"));
        } else if path.is_none() {
            path = Some(*word);
        } else {
            return Err(format!("extra argument: \"{word}\""));
        }
    }
    if from_text {
        return open_text(shell, path, &access);
    }
    let path = path.unwrap_or(":memory:");
    if anew {
        for name in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm"), format!("{path}-journal")] {
            // What is not there need not go.
            let _ = std::fs::remove_file(name);
        }
    }
    if shell.safe && !shell.nonce_given && path != ":memory:" {
        shell.end("cannot open disk-based database files in safe mode");
    }
    if let Err(message) = shell.open_with(path, &access) {
        shell.warn(message);
    }
    Ok(Flow::Continue)
}

/// `.open --hexdb`: a database in memory, from a file or from the lines that follow.
fn open_text(shell: &mut Shell, path: Option<&str>, access: &Access) -> Outcome {
    if shell.safe && !shell.nonce_given && path.is_some() {
        shell.end("cannot open disk-based database files in safe mode");
    }
    if let Err(message) = shell.open_with(":memory:", &Access { kind: Some(Kind::Plain), ..access.clone() }) {
        shell.warn(message);
        return Ok(Flow::Continue);
    }
    let mut lines = HexadecimalLines::default();
    let Some(path) = path else {
        shell.text_of_database = Some(lines);
        return Ok(Flow::Continue);
    };
    match std::fs::read(path) {
        Ok(text) => {
            let text = String::from_utf8_lossy(&text);
            let _ = text.lines().any(|line| lines.take(line));
            take_text(shell, lines, 1);
        }
        Err(_) => shell.warn(format!("cannot open \"{path}\" for reading")),
    }
    Ok(Flow::Continue)
}

/// All lines of a database as text are there; `line` is the one that an error names.
pub fn take_text(shell: &mut Shell, lines: HexadecimalLines, line: usize) {
    let connection = shell.connection();
    let content = lines.content().ok_or_else(|| format!("Error on line {line} of --hexdb input"));
    let taken = content.and_then(|content| {
        connection.deserialize("main", &content, false).map_err(|error| format!("Error: {}", error.message()))
    });
    if let Err(message) = taken {
        shell.warn(message);
    }
}

/// `.read`
pub fn read(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [name] = arguments else { return Err("Usage: .read FILE".into()) };
    if shell.depth >= MAX_DEPTH {
        return Err(format!(
            "Input nesting limit ({MAX_DEPTH}) reached at line {}. Check recursion.",
            shell.line_number
        ));
    }
    let interactive = std::mem::replace(&mut shell.interactive, false);
    shell.depth += 1;
    let flow = match name.strip_prefix('|') {
        Some(command) => read_command(shell, command),
        None => match File::open(name) {
            Ok(file) if Path::new(name).is_file() => Ok(input::stream(shell, BufReader::new(file))),
            _ => Err(format!("Error: cannot open \"{name}\"")),
        },
    };
    shell.depth -= 1;
    shell.interactive = interactive;
    flow
}

fn read_command(shell: &mut Shell, command: &str) -> Outcome {
    shell.flush();
    let fail = |_| format!("Error: cannot open \"{command}\"");
    let mut child = shell_command(command).stdout(Stdio::piped()).spawn().map_err(fail)?;
    let flow = match child.stdout.take() {
        Some(pipe) => input::stream(shell, BufReader::new(pipe)),
        None => Flow::Continue,
    };
    let _ = child.wait();
    Ok(flow)
}

// ---- Where output goes --------------------------------------------------------------------------------------------------

struct Target {
    file: Option<String>,
    byte_order_mark: bool,
    edit: bool,
    spreadsheet: bool,
}

fn target(command: &str, arguments: &[&str]) -> Result<Target, String> {
    let usage = || help::lines(command).join("\n");
    let mut target = Target { file: None, byte_order_mark: false, edit: false, spreadsheet: false };
    for (at, word) in arguments.iter().enumerate() {
        if word.starts_with('-') {
            if is_option(word, "bom") {
                target.byte_order_mark = true;
            } else if is_option(word, "e") && command != "excel" {
                target.edit = true;
            } else if is_option(word, "x") && command != "excel" {
                target.spreadsheet = true;
            } else {
                return Err(format!("ERROR: unknown option: \"{word}\".  Usage:\n{}", usage()));
            }
        } else if target.file.is_none() && command != "excel" {
            target.file = Some((*word).to_owned());
            if word.starts_with('|') {
                // The rest is the command's.
                target.file = Some(arguments[at..].join(" "));
                break;
            }
        } else {
            return Err(format!("ERROR: extra parameter: \"{word}\".  Usage:\n{}", usage()));
        }
    }
    Ok(target)
}

fn send(shell: &mut Shell, command: &str, arguments: &[&str], once: bool) -> Outcome {
    let target = match target(command, arguments) {
        Ok(target) => target,
        Err(message) => {
            shell.misused(message);
            return Ok(Flow::Continue);
        }
    };
    // What an earlier command has redirected ends here.
    shell.end_once();
    if target.edit || target.spreadsheet || command == "excel" {
        let settings = Box::new(shell.settings.clone());
        let suffix = if target.edit { "txt" } else { "csv" };
        if !target.edit {
            shell.settings.set_mode(Mode::Csv);
            shell.settings.row_separator = "\r\n".into();
            shell.settings.headers = true;
        }
        return show_with(shell, settings, suffix, target.byte_order_mark);
    }
    let name = target.file.as_deref().unwrap_or("stdout");
    shell.redirect(name).map_err(|message| match name.strip_prefix('|') {
        Some(_) => message,
        None => format!("{message}\nError: cannot write to \"{name}\""),
    })?;
    if target.byte_order_mark {
        shell.write("\u{feff}".as_bytes());
    }
    if once {
        shell.once = Some(Once { settings: None, show: None });
    }
    Ok(Flow::Continue)
}

/// `.output`
pub fn output(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    send(shell, "output", arguments, false)
}

/// `.once`
pub fn once(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    send(shell, "once", arguments, true)
}

/// `.excel`
pub fn excel(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    send(shell, "excel", arguments, true)
}

/// `.www`: the next result in a browser.
pub fn www(shell: &mut Shell, _: &[&str]) -> Outcome {
    shell.end_once();
    let settings = Box::new(shell.settings.clone());
    shell.settings.set_mode(Mode::Html);
    shell.settings.headers = true;
    show_with(shell, settings, "html", false)
}

/// The next result goes to a temporary file, which another program shows.
fn show_with(shell: &mut Shell, settings: Box<crate::settings::Settings>, suffix: &str, mark: bool) -> Outcome {
    let number = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    let file = std::env::temp_dir().join(format!("temp{number:016x}.{suffix}")).to_string_lossy().into_owned();
    shell.redirect(&file)?;
    if mark {
        shell.write("\u{feff}".as_bytes());
    }
    if suffix == "html" {
        shell.line("<!DOCTYPE html>\n<HTML><BODY><TABLE border='1' cellspacing='0' cellpadding='2'>");
    }
    shell.once = Some(Once { settings: Some(settings), show: Some(file) });
    Ok(Flow::Continue)
}

/// Show a file that `.excel`, `.www` or `.once -e` has made.
pub fn show_file(shell: &mut Shell, file: &str) {
    let editor = || std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".into());
    let command = match file.rsplit('.').next() {
        Some("txt") => format!("{} {file}", editor()),
        Some("html") => {
            let close = std::fs::OpenOptions::new().append(true).open(file);
            // Browsers show a table that is not closed, too.
            let _ = close.and_then(|mut f| f.write_all(b"</TABLE></BODY></HTML>\n"));
            format!("xdg-open {file}")
        }
        _ => format!("xdg-open {file}"),
    };
    match shell_command(&command).status() {
        Ok(status) if status.success() => {}
        _ => shell.warn(format!("Failed: [{command}]")),
    }
}

// ---- Whole databases ----------------------------------------------------------------------------------------------------

/// `.backup`, `.save`
pub fn backup(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let words: Vec<&str> = arguments.iter().copied().filter(|w| !w.starts_with('-')).collect();
    let mut kind = Some(Kind::Plain);
    for option in arguments.iter().filter(|w| w.starts_with('-')) {
        if is_option(option, "append") {
            kind = Some(Kind::Appended);
        } else if !is_option(option, "async") {
            // With `--async` the copy is one transaction all the same.
            return Err(format!("unknown option: {option}"));
        }
    }
    let (db, file) = match words.as_slice() {
        [] => return Err("missing FILENAME argument on .backup".into()),
        [file] => ("main", *file),
        [db, file] => (*db, *file),
        _ => return Err("Usage: .backup ?DB? ?OPTIONS? FILENAME".into()),
    };
    let source = shell.connection();
    let target = connect(file, &Access { vfs: shell.access.vfs.clone(), kind, ..Access::default() })
        .map_err(|_| format!("Error: cannot open \"{file}\""))?;
    copy(&source, db, &target, "main")?;
    Ok(Flow::Continue)
}

/// `.restore`
pub fn restore(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (db, file) = match arguments {
        [file] => ("main", *file),
        [db, file] => (*db, *file),
        _ => return Err("Usage: .restore ?DB? FILE".into()),
    };
    let target = shell.connection();
    let source = connect(file, &Access { vfs: shell.access.vfs.clone(), ..Access::default() })
        .map_err(|_| format!("Error: cannot open \"{file}\""))?;
    copy(&source, "main", &target, db)?;
    Ok(Flow::Continue)
}

fn copy(source: &Connection, from: &str, target: &Connection, to: &str) -> Result<(), String> {
    source.copy_database(from, target, to).map_err(super::text)
}

/// `.clone`: object by object, so that what can be read of a damaged database is kept.
pub fn clone(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [file] = arguments else { return Err("Usage: .clone FILENAME".into()) };
    if Path::new(file).exists() {
        shell.warn(format!("File \"{file}\" already exists."));
        return Ok(Flow::Continue);
    }
    let access = Access { vfs: shell.access.vfs.clone(), ..Access::default() };
    let target =
        connect(file, &access).map_err(|error| format!("Cannot create output database: {}", error.message()))?;
    target.execute_batch("PRAGMA writable_schema = ON; BEGIN EXCLUSIVE").map_err(super::text)?;
    clone_objects(shell, &target, "type = 'table'", true);
    clone_objects(shell, &target, "type != 'table'", false);
    target.execute_batch("COMMIT; PRAGMA writable_schema = OFF").map_err(super::text)?;
    Ok(Flow::Continue)
}

fn clone_objects(shell: &mut Shell, target: &Connection, condition: &str, with_rows: bool) {
    let sql = format!("SELECT name, sql FROM sqlite_schema WHERE {condition} AND sql NOT NULL ORDER BY rowid");
    let objects = match shell.texts(&sql) {
        Ok(objects) => objects,
        Err(error) => return shell.warn(format!("Error: ({}) {} on [{sql}]", error.code().0, error.message())),
    };
    for object in objects {
        let [Some(name), Some(sql)] = object.as_slice() else { continue };
        shell.write(format!("{name}... ").as_bytes());
        shell.flush();
        if let Err(error) = target.execute_batch(sql) {
            shell.warn(format!("Error: {}\nSQL: [{sql}]", error.message()));
        }
        if with_rows && let Err(error) = clone_rows(shell, target, name) {
            shell.warn(format!("Error: {}", error.message()));
        }
        shell.line("done");
    }
}

fn clone_rows(shell: &mut Shell, target: &Connection, name: &str) -> turso_core::Result<()> {
    let columns: Vec<String> = shell
        .texts(&format!("PRAGMA table_info({})", quote(name)))?
        .into_iter()
        .filter_map(|row| row.into_iter().nth(1).flatten())
        .map(|column| identifier(&column))
        .collect();
    if columns.is_empty() {
        return Ok(());
    }
    let list = columns.join(",");
    let marks = vec!["?"; columns.len()].join(",");
    let select = format!("SELECT {list} FROM {}", identifier(name));
    let insert = format!("INSERT OR IGNORE INTO {}({list}) VALUES({marks})", identifier(name));
    let (Some(mut select), Some(mut insert)) =
        (shell.connection().prepare(&select)?.statement, target.prepare(&insert)?.statement)
    else {
        return Ok(());
    };
    while select.step()? == StepResult::Row {
        insert.reset();
        for (i, value) in select.row().iter().enumerate() {
            insert.bind(i + 1, value.clone())?;
        }
        while insert.step()? == StepResult::Row {}
    }
    Ok(())
}
