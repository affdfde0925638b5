//! Lines from a terminal, a pipe or a file, joined to statements.

use std::io::BufRead;
use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Editor};

use crate::complete::is_complete;
use crate::shell::{Flow, Shell};

/// Collects lines until a statement is complete.
#[derive(Default)]
struct Pending {
    text: String,
    first_line: usize,
}

/// Run everything that a reader delivers; answers the exit code.
pub fn stream(shell: &mut Shell, reader: impl BufRead) -> u8 {
    let mut pending = Pending::default();
    let mut failed = false;
    for (number, line) in reader.split(b'\n').enumerate() {
        let line = match line {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                eprintln!("Error: {error}");
                return 1;
            }
        };
        let line = line.strip_suffix('\r').unwrap_or(&line);
        let before = shell.errors;
        if let Flow::Exit(code) = take_line(shell, &mut pending, line, Some(number + 1)) {
            return code;
        }
        failed |= shell.errors > before;
        if failed && shell.settings.bail {
            return 1;
        }
    }
    let before = shell.errors;
    if !pending.text.trim().is_empty()
        && let Flow::Exit(code) = shell.run_sql(&pending.text, Some(pending.first_line))
    {
        return code;
    }
    u8::from(failed || shell.errors > before)
}

fn take_line(shell: &mut Shell, pending: &mut Pending, line: &str, number: Option<usize>) -> Flow {
    if pending.text.is_empty() {
        if line.trim().is_empty() {
            return Flow::Continue;
        }
        if line.starts_with('.') || line.starts_with('#') {
            if shell.settings.echo {
                println!("{line}");
            }
            return if line.starts_with('#') { Flow::Continue } else { shell.run_dot(line) };
        }
        pending.first_line = number.unwrap_or(0);
    }
    // A line that holds only `/` or `go` ends a statement too, as in other shells.
    let ends = !pending.text.is_empty() && matches!(line.trim().to_ascii_lowercase().as_str(), "/" | "go");
    if ends {
        pending.text.push(';');
    } else {
        if !pending.text.is_empty() {
            pending.text.push('\n');
        }
        pending.text.push_str(line);
    }
    if !is_complete(&pending.text) {
        return Flow::Continue;
    }
    let text = std::mem::take(&mut pending.text);
    shell.run_sql(&text, number.map(|_| pending.first_line))
}

fn history_file() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".limbo_history"))
}

/// A session on a terminal; answers the exit code.
pub fn interactive(shell: &mut Shell) -> u8 {
    let config = Config::builder().auto_add_history(true).build();
    let mut editor: Editor<(), DefaultHistory> = match Editor::with_config(config) {
        Ok(editor) => editor,
        Err(error) => {
            eprintln!("Error: {error}");
            return 1;
        }
    };
    let history = history_file();
    if let Some(path) = &history {
        // There is none the first time.
        let _ = editor.load_history(path);
    }
    let mut pending = Pending::default();
    let mut interrupted = false;
    let code = loop {
        let prompt = if pending.text.is_empty() { "turso> ".to_owned() } else { continuation(&pending.text) };
        match editor.readline(&prompt) {
            Ok(line) => {
                interrupted = false;
                if let Flow::Exit(code) = take_line(shell, &mut pending, &line, None) {
                    break code;
                }
            }
            Err(ReadlineError::Interrupted) if interrupted => {
                println!("Interrupted. Exiting...");
                break 0;
            }
            Err(ReadlineError::Interrupted) => {
                interrupted = true;
                pending.text.clear();
                println!("Use .quit to exit or press Ctrl-C again to force quit.");
            }
            Err(ReadlineError::Eof) => break 0,
            Err(error) => {
                eprintln!("Error: {error}");
                break 1;
            }
        }
    };
    if let Some(path) = &history {
        // A read-only home is no reason to complain at the end of a session.
        let _ = editor.save_history(path);
    }
    code
}

/// The prompt of a continued statement counts open parentheses.
fn continuation(text: &str) -> String {
    let mut depth = 0i32;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), _) if q == c => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    match depth {
        0 => "   ...> ".into(),
        1..=9 => format!("(x{depth}...> "),
        10.. => "(.....> ".into(),
        _ => ")x!...> ".into(),
    }
}
