//! `.session`: what changes, recorded into changesets.

use std::sync::{Arc, Mutex, PoisonError};

use turso_core::functions::pattern::glob;

use super::Outcome;
use crate::shell::{Flow, Shell};
use crate::words::{boolean, integer_only};

/// Sessions that a connection can have at once.
const MOST: usize = 4;

/// A session under its name.
pub struct Tracked {
    name: String,
    session: turso_session::Session,
    /// Tables that match one of these are left out.
    rejected: Arc<Mutex<Vec<String>>>,
}

/// `.session`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let sessions = shell.tracked();
    // The first word may name a session; else the first one is meant.
    let named = arguments
        .first()
        .filter(|word| **word != "open")
        .and_then(|word| sessions.iter().position(|tracked| tracked.name == **word));
    let command = if named.is_some() { &arguments[1..] } else { arguments };
    let at = named.unwrap_or(0);
    let there = at < sessions.len();
    match command {
        ["attach", table] if !table.is_empty() => {
            let Some(tracked) = sessions.get(at) else { return Ok(none_open(shell)) };
            tracked.session.attach((*table != "*").then_some(*table));
            if *table == "*" {
                tracked.filter();
            }
        }
        [kind @ ("changeset" | "patchset"), file] => {
            let Some(tracked) = sessions.get(at) else { return Ok(none_open(shell)) };
            let changes = match *kind {
                "changeset" => tracked.session.changeset(),
                _ => tracked.session.patchset(),
            };
            let changes = changes.map_err(super::text)?;
            if std::fs::write(file, changes).is_err() {
                shell.warn(format!("ERROR: Failed to write entire {}-byte output", 0));
            }
        }
        ["close"] => {
            if there {
                // The last one takes its place.
                sessions.swap_remove(at);
            }
        }
        ["enable", rest @ ..] if rest.len() <= 1 => switch(shell, at, "enable", rest.first().copied()),
        ["indirect", rest @ ..] if rest.len() <= 1 => switch(shell, at, "indirect", rest.first().copied()),
        ["filter", globs @ ..] if !globs.is_empty() => {
            if let Some(tracked) = sessions.get(at) {
                let globs = globs.iter().map(|glob| (*glob).to_owned()).collect();
                *tracked.rejected.lock().unwrap_or_else(PoisonError::into_inner) = globs;
            }
        }
        ["isempty"] => {
            if let Some(tracked) = sessions.get(at) {
                let (name, empty) = (tracked.name.clone(), i32::from(tracked.session.is_empty()));
                shell.line(format!("session {name} isempty flag = {empty}"));
            }
        }
        ["list"] => {
            let lines: Vec<String> = sessions.iter().enumerate().map(|(i, t)| format!("{i} {}", t.name)).collect();
            lines.iter().for_each(|line| shell.line(line));
        }
        ["open", database, name] if !name.is_empty() => return open(shell, database, name),
        _ => super::help::show(shell, "session"),
    }
    Ok(Flow::Continue)
}

fn none_open(shell: &mut Shell) -> Flow {
    shell.warn("ERROR: No sessions are open");
    Flow::Continue
}

fn open(shell: &mut Shell, database: &str, name: &str) -> Outcome {
    let connection = shell.connection();
    let sessions = shell.tracked();
    if sessions.iter().any(|tracked| tracked.name == name) {
        shell.warn(format!("Session \"{name}\" already exists"));
    } else if sessions.len() >= MOST {
        shell.warn(format!("Maximum of {MOST} sessions"));
    } else {
        let session = turso_session::Session::new(&connection, database);
        let tracked = Tracked { name: name.to_owned(), session, rejected: Arc::default() };
        tracked.filter();
        sessions.push(tracked);
    }
    Ok(Flow::Continue)
}

/// Set one of the two switches of a session, and show it.
fn switch(shell: &mut Shell, at: usize, name: &str, word: Option<&str>) {
    let wanted = word.map(|word| integer_only(word).unwrap_or_else(|| i64::from(boolean(word))));
    let Some(tracked) = shell.tracked().get(at) else { return };
    let session = &tracked.session;
    if let Some(wanted) = wanted {
        match name {
            "enable" => session.set_enabled(wanted != 0),
            _ => session.set_indirect(wanted != 0),
        }
    }
    let on = if name == "enable" { session.is_enabled() } else { session.is_indirect() };
    let shown = wanted.unwrap_or_else(|| i64::from(on));
    let line = format!("session {} {name} flag = {shown}", tracked.name);
    shell.line(line);
}

impl Tracked {
    /// Tables are recorded unless a pattern rejects them.
    fn filter(&self) {
        let rejected = self.rejected.clone();
        self.session.set_table_filter(Some(Arc::new(move |table: &str| {
            let rejected = rejected.lock().unwrap_or_else(PoisonError::into_inner);
            !rejected.iter().any(|pattern| glob(pattern.as_bytes(), table.as_bytes()))
        })));
    }
}
