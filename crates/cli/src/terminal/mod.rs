//! A person at a terminal: line editing, history, completion, colours, Ctrl-C, progress.

mod colours;
mod completion;
pub mod progress;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventContext, EventHandler, KeyCode, KeyEvent,
    Modifiers, Movement, RepeatCount,
};

use turso_core::WeakConnection;

use crate::input::Pending;
use crate::shell::{Flow, Shell};
use completion::Assistant;
pub use completion::keywords;

/// Entries that the history keeps.
const HISTORY_LENGTH: usize = 2000;

fn history_file() -> Option<PathBuf> {
    if let Some(file) = std::env::var_os("SQLITE_HISTORY") {
        return Some(file.into());
    }
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".limbo_history"))
}

/// The lines of the unfinished statement, and whether they have been fetched back into the editor.
#[derive(Default)]
struct Unfinished {
    text: Mutex<String>,
    fetched: AtomicBool,
}

/// The Up key on a continued line brings back the statement's earlier lines, to be edited as one text.
struct FetchBack(Arc<Unfinished>);

impl ConditionalEventHandler for FetchBack {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let text = self.0.text.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() || self.0.fetched.load(Ordering::Relaxed) {
            return None;
        }
        self.0.fetched.store(true, Ordering::Relaxed);
        let whole = format!("{}\n{}", *text, context.line());
        Some(Cmd::Replace(Movement::WholeBuffer, Some(whole.trim_end_matches('\n').to_owned())))
    }
}

/// Ctrl-C while a statement runs: it ends with "interrupted", the session goes on. In a pipe the third ends the program.
pub fn handle_interrupts(shell: &Shell) {
    let running = shell.running.clone();
    let interactive = shell.interactive;
    let mut count = 0;
    let installed = ctrlc::set_handler(move || {
        count += 1;
        if !interactive && count > 2 {
            std::process::exit(1);
        }
        if let Some(connection) =
            running.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(WeakConnection::upgrade)
        {
            connection.interrupt();
        }
    });
    if installed.is_err() {
        eprintln!("Warning: Ctrl-C will end the program");
    }
}

/// A session on a terminal; answers the exit code.
pub fn session(shell: &mut Shell) -> u8 {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_LENGTH)
        .map(rustyline::config::Builder::build);
    let editor = config.and_then(Editor::<Assistant, DefaultHistory>::with_config);
    let mut editor = match editor {
        Ok(editor) => editor,
        Err(error) => {
            eprintln!("Error: {error}");
            return 1;
        }
    };
    // The editor has a handler of its own, which would keep the signal to itself: ours takes its place. While a line is edited,
    // Ctrl-C is a key and no signal.
    handle_interrupts(shell);
    editor.set_helper(Some(Assistant::new(shell.running.clone())));
    let unfinished = Arc::new(Unfinished::default());
    for key in [KeyEvent(KeyCode::Up, Modifiers::NONE), KeyEvent::ctrl('P')] {
        editor.bind_sequence(key, EventHandler::Conditional(Box::new(FetchBack(unfinished.clone()))));
    }
    let history = history_file();
    if let Some(path) = &history {
        // There is none the first time.
        let _ = editor.load_history(path);
    }
    let code = read_lines(shell, &mut editor, &unfinished);
    if let Some(path) = &history {
        // A read-only home is no reason to complain at the end of a session.
        let _ = editor.save_history(path);
    }
    code
}

fn read_lines(shell: &mut Shell, editor: &mut Editor<Assistant, DefaultHistory>, unfinished: &Unfinished) -> u8 {
    let mut pending = Pending::default();
    let mut interrupted = false;
    loop {
        let text = String::from_utf8_lossy(&pending.text).into_owned();
        let prompt = prompt(shell, &text);
        *unfinished.text.lock().unwrap_or_else(PoisonError::into_inner) = text.clone();
        unfinished.fetched.store(false, Ordering::Relaxed);
        // Completion asks the connection in use.
        let connection = shell.connection();
        *shell.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.downgrade());
        shell.flush();
        match editor.readline(&prompt) {
            Ok(line) => {
                interrupted = false;
                let mut entry = if unfinished.fetched.load(Ordering::Relaxed) { String::new() } else { text };
                if !entry.is_empty() {
                    entry.push('\n');
                }
                entry.push_str(&line);
                pending = Pending::default();
                let mut flow = Flow::Continue;
                for line in entry.lines() {
                    shell.line_number += 1;
                    flow = pending.take(shell, line.as_bytes());
                    if flow != Flow::Continue {
                        break;
                    }
                }
                if pending.is_empty() && !entry.trim().is_empty() {
                    // A history that takes no more entries still serves.
                    let _ = editor.add_history_entry(entry.trim_end());
                }
                match flow {
                    Flow::Continue => {}
                    Flow::Exit(code) => return code,
                    Flow::Quit => return 0,
                }
            }
            Err(ReadlineError::Interrupted) if interrupted => {
                println!("Interrupted. Exiting...");
                return 0;
            }
            Err(ReadlineError::Interrupted) => {
                interrupted = true;
                pending = Pending::default();
                println!("Use .quit to exit or press Ctrl-C again to force quit.");
            }
            Err(ReadlineError::Eof) => return 0,
            Err(error) => {
                eprintln!("Error: {error}");
                return 1;
            }
        }
    }
}

fn prompt(shell: &Shell, pending: &str) -> String {
    if pending.is_empty() {
        return shell.settings.main_prompt.clone();
    }
    shell.settings.continue_prompt.clone().unwrap_or_else(|| continuation(pending))
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
