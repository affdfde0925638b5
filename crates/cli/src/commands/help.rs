//! `.help`

use super::Outcome;
use crate::shell::{Flow, Shell};
use crate::words::is_option;

/// A line that begins with a dot begins an entry; what follows it are its details.
const TEXT: &str = include_str!("help.txt");

fn entries() -> Vec<Vec<&'static str>> {
    let mut entries: Vec<Vec<&str>> = Vec::new();
    for line in TEXT.lines() {
        match entries.last_mut() {
            Some(entry) if !line.starts_with('.') => entry.push(line),
            _ => entries.push(vec![line]),
        }
    }
    entries
}

fn name(entry: &[&'static str]) -> &'static str {
    entry.first().and_then(|line| line.strip_prefix('.')?.split(' ').next()).unwrap_or("")
}

/// The lines of a command's entry.
pub fn lines(command: &str) -> Vec<&'static str> {
    entries().into_iter().find(|entry| name(entry) == command).unwrap_or_default()
}

/// Print a command's entry.
pub fn show(shell: &mut Shell, command: &str) {
    lines(command).into_iter().for_each(|line| shell.line(line));
}

/// `.help`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let pattern = arguments.first().copied().unwrap_or("");
    let all = is_option(pattern, "all") || is_option(pattern, "a");
    if pattern.is_empty() || all {
        for entry in entries() {
            let shown = if all { entry.len() } else { 1 };
            entry.into_iter().take(shown).for_each(|line| shell.line(line));
        }
        return Ok(Flow::Continue);
    }
    let begins: Vec<Vec<&str>> = entries()
        .into_iter()
        .filter(|e| e.first().and_then(|line| line.strip_prefix('.')).is_some_and(|line| begins_with(line, pattern)))
        .collect();
    if let [entry] = begins.as_slice() {
        entry.iter().for_each(|line| shell.line(line));
    } else if begins.is_empty() {
        let holds = |line: &&str| contains(line, pattern);
        let found: Vec<Vec<&str>> = entries().into_iter().filter(|e| e.iter().any(holds)).collect();
        if found.is_empty() {
            shell.line(format!("Nothing matches '{pattern}'"));
        }
        found.into_iter().flatten().for_each(|line| shell.line(line));
    } else {
        begins.iter().filter_map(|entry| entry.first()).for_each(|line| shell.line(line));
    }
    Ok(Flow::Continue)
}

/// The pattern may hold `*` and `?`.
fn begins_with(line: &str, pattern: &str) -> bool {
    turso_core::functions::pattern::glob(format!("{pattern}*").as_bytes(), line.as_bytes())
}

/// The pattern may hold `%` and `_`.
fn contains(line: &str, pattern: &str) -> bool {
    use turso_core::functions::pattern::{LikeOptions, like};
    like(format!("%{pattern}%").as_bytes(), line.as_bytes(), LikeOptions::default())
}
