//! Lines from a pipe or a file, joined to statements.

use std::io::BufRead;

use crate::complete::{ends_in_comment, is_complete};
use crate::shell::{Flow, Shell};

/// Collects lines until a statement is complete.
#[derive(Default)]
pub struct Pending {
    pub text: Vec<u8>,
    first_line: usize,
    /// The text has a word of a statement.
    begun: bool,
    /// The text has a semicolon somewhere.
    may_be_complete: bool,
}

impl Pending {
    /// Nothing has been begun.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Take a line; run what is complete.
    pub fn take(&mut self, shell: &mut Shell, line: &[u8]) -> Flow {
        let number = shell.line_number;
        if let Some(mut lines) = shell.text_of_database.take() {
            match lines.take(&String::from_utf8_lossy(line)) {
                true => crate::commands::take_text(shell, lines, number),
                false => shell.text_of_database = Some(lines),
            }
            return Flow::Continue;
        }
        if self.text.is_empty() {
            if line.trim_ascii().is_empty() {
                if shell.settings.echo {
                    shell.line(line);
                }
                return Flow::Continue;
            }
            if let Some(first @ (b'.' | b'#')) = line.first() {
                if shell.settings.echo {
                    shell.line(line);
                }
                return if *first == b'#' { Flow::Continue } else { shell.run_dot(&String::from_utf8_lossy(line)) };
            }
            self.first_line = number;
        }
        // A line that holds only `/` or `go` ends a statement too, as in other shells.
        let word = line.trim_ascii();
        let ends =
            (word == b"/" || word.eq_ignore_ascii_case(b"go")) && is_complete(&[self.text.as_slice(), b";"].concat());
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(if ends { b";" } else { line });
        self.may_be_complete |= ends || line.contains(&b';');
        if !self.begun && is_blank(&self.text) {
            // Comments alone make no statement.
            let text = std::mem::take(self).text;
            if shell.settings.echo {
                shell.line(&text);
            }
            return Flow::Continue;
        }
        self.begun = true;
        // In a script a comment at the end of the line puts the decision off to the next line, as by `sqlite3`.
        if !self.may_be_complete || !is_complete(&self.text) || (!shell.interactive && ends_in_comment(&self.text)) {
            return Flow::Continue;
        }
        self.run(shell)
    }

    /// Run what has been collected.
    pub fn run(&mut self, shell: &mut Shell) -> Flow {
        let Pending { text, first_line, .. } = std::mem::take(self);
        if shell.settings.echo {
            shell.line(&text);
        }
        shell.run_sql(&text, (!shell.interactive).then_some(first_line))
    }
}

/// Blanks and closed comments only.
fn is_blank(text: &[u8]) -> bool {
    turso_core::parser::is_blank(text, 0)
}

/// Run everything that a reader delivers; answers the exit code. An `.exit` inside of it ends the session.
pub fn stream(shell: &mut Shell, mut reader: impl BufRead) -> Flow {
    let mut pending = Pending::default();
    let outer_line = std::mem::replace(&mut shell.line_number, 0);
    let before = shell.errors;
    let mut bytes = Vec::new();
    let flow = loop {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => break Flow::Continue,
            Ok(_) => {}
            Err(error) => {
                shell.complain(format!("Error: {error}"));
                break Flow::Continue;
            }
        }
        shell.line_number += 1;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let flow = pending.take(shell, line);
        if flow != Flow::Continue {
            break flow;
        }
        if shell.settings.bail && shell.errors > before {
            break Flow::Exit(1);
        }
    };
    // A database as text ends with its input, too.
    if let Some(lines) = shell.text_of_database.take() {
        let line = shell.line_number + usize::from(lines.is_empty());
        crate::commands::take_text(shell, lines, line);
    }
    let flow = match flow {
        Flow::Continue if !pending.text.trim_ascii().is_empty() => pending.run(shell),
        other => other,
    };
    shell.line_number = outer_line;
    flow
}
