//! `.auth` and `.progress`: what the engine asks while statements are prepared and run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use turso_core::hooks::{AuthRequest, Authorization};

use super::Outcome;
use crate::shell::{Flow, Shell};
use crate::words::{boolean, c_string, integer, is_option};

/// Lines that callbacks have printed, in order; they go out with the statement's own output.
pub type Lines = Arc<Mutex<Vec<String>>>;

fn push(lines: &Lines, line: String) {
    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

/// `.auth`
pub fn authorizer(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [word] = arguments else { return Err("Usage: .auth ON|OFF".into()) };
    let connection = shell.connection();
    if !boolean(word) {
        connection.set_authorizer(None);
        return Ok(Flow::Continue);
    }
    let lines = shell.callback_lines.clone();
    connection.set_authorizer(Some(Arc::new(move |request: &AuthRequest<'_>| {
        let texts = [request.first, request.second, request.database, request.object];
        let texts = texts.map(|text| text.map_or("NULL".to_owned(), c_string));
        push(&lines, format!("authorizer: {} {}", action_name(request), texts.join(" ")));
        Authorization::Allow
    })));
    Ok(Flow::Continue)
}

/// `CreateTempTable` is `CREATE_TEMP_TABLE`.
fn action_name(request: &AuthRequest<'_>) -> String {
    let mut name = String::new();
    for c in format!("{:?}", request.action).chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

/// What `.progress` has set, and how often the engine has asked.
#[derive(Default)]
pub struct Progress {
    count: AtomicU64,
    /// Interrupt at this count; 0: never.
    limit: AtomicU64,
    quiet: bool,
    once: bool,
    reset: bool,
}

impl Progress {
    /// Another input begins.
    pub fn begin_input(&self) {
        if self.reset {
            self.count.store(0, Ordering::Relaxed);
        }
    }

    /// The engine asks; true: interrupt.
    fn ask(&self, lines: &Lines) -> bool {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let limit = self.limit.load(Ordering::Relaxed);
        if limit > 0 && number >= limit {
            push(lines, format!("Progress limit reached ({number})"));
            if self.reset {
                self.count.store(0, Ordering::Relaxed);
            }
            if self.once {
                self.limit.store(0, Ordering::Relaxed);
            }
            return true;
        }
        if !self.quiet {
            push(lines, format!("Progress {number}"));
        }
        false
    }
}

/// `.progress`
pub fn progress(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (mut steps, mut told) = (0, Progress::default());
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        if is_option(word, "quiet") || is_option(word, "q") {
            told.quiet = true;
        } else if is_option(word, "reset") {
            told.reset = true;
        } else if is_option(word, "once") {
            told.once = true;
        } else if is_option(word, "limit") {
            let Some(number) = words.next() else { return Err("Error: missing argument on --limit".into()) };
            told.limit = u64::try_from(integer(number)).unwrap_or(0).into();
        } else if word.starts_with('-') {
            return Err(format!("Error: unknown option: \"{word}\""));
        } else {
            steps = u32::try_from(integer(word)).unwrap_or(0);
        }
    }
    shell.progress = Arc::new(told);
    let (progress, lines) = (shell.progress.clone(), shell.callback_lines.clone());
    let handler = (steps > 0).then(|| Arc::new(move || progress.ask(&lines)) as _);
    shell.connection().set_progress_handler(steps, handler);
    Ok(Flow::Continue)
}
