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

/// `.progress`
pub fn progress(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (mut steps, mut limit, mut quiet, mut once, mut reset) = (0, 0, false, false, false);
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        if is_option(word, "quiet") || is_option(word, "q") {
            quiet = true;
        } else if is_option(word, "reset") {
            reset = true;
        } else if is_option(word, "once") {
            once = true;
        } else if is_option(word, "limit") {
            let Some(number) = words.next() else { return Err("Error: missing argument on --limit".into()) };
            limit = u64::try_from(integer(number)).unwrap_or(0);
        } else if word.starts_with('-') {
            return Err(format!("Error: unknown option: \"{word}\""));
        } else {
            steps = u32::try_from(integer(word)).unwrap_or(0);
        }
    }
    // Counters always begin anew with the command.
    let _ = reset;
    let connection = shell.connection();
    if steps == 0 {
        connection.set_progress_handler(0, None);
        return Ok(Flow::Continue);
    }
    let (lines, count) = (shell.callback_lines.clone(), AtomicU64::new(0));
    connection.set_progress_handler(
        steps,
        Some(Arc::new(move || {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            if limit > 0 && number >= limit {
                push(&lines, format!("Progress limit reached ({number})"));
                count.store(0, Ordering::Relaxed);
                return true;
            }
            if !quiet && !(once && number > 1) {
                push(&lines, format!("Progress {number}"));
            }
            false
        })),
    );
    Ok(Flow::Continue)
}
