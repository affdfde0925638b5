//! Attempts to get around `--readonly`: generated statements through every tool leave the file, its directory and every path they
//! name unchanged; the same statements do change a database that is served for writing.
//!
//! `MCP_ATTEMPTS=N` makes more attempts than the ordinary run.

#[path = "support/attempts.rs"]
mod attempts;

use std::path::Path;
use std::time::Duration;

use attempts::{BATCH, Random, snapshot};
use serde_json::json;
use turso_mcp::{Limits, Options, Session, call};

/// Attempts in the ordinary run.
const ATTEMPTS: u64 = 4000;
fn session(path: &Path, read_only: bool) -> Session {
    let limits = Limits { rows: 20, bytes: 10_000, time: Duration::from_millis(500) };
    Session::open(Options { path: path.to_string_lossy().into_owned(), read_only, tables: Vec::new(), limits }).unwrap()
}

fn attempt(random: &mut Random, session: &mut Session, directory: &Path) -> String {
    let (tool, arguments) = attempts::attempt(random, directory);
    let outcome = call(session, tool, arguments.as_object().unwrap()).unwrap();
    format!("{tool} {arguments}: {}", outcome.text)
}

fn make(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("x.db");
    let mut writer = session(&path, false);
    for (tool, query) in [
        ("schema_change", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)"),
        ("schema_change", "CREATE INDEX i ON t(b)"),
        ("schema_change", "CREATE VIEW v AS SELECT a FROM t"),
        ("insert_data", "INSERT INTO t VALUES (1, 'one'), (2, 'two')"),
    ] {
        let outcome = call(&mut writer, tool, json!({ "query": query }).as_object().unwrap()).unwrap();
        assert!(!outcome.is_error, "{}", outcome.text);
    }
    path
}

#[test]
fn no_attempt_gets_around_read_only() {
    let attempts = std::env::var("MCP_ATTEMPTS").ok().and_then(|n| n.parse().ok()).unwrap_or(ATTEMPTS);
    let directory = tempfile::tempdir().unwrap();
    let path = make(directory.path());
    let mut reader = session(&path, true);
    let before = snapshot(directory.path());
    let mut random = Random(1);
    let mut last = Vec::new();
    for number in 1..=attempts {
        last.push(attempt(&mut random, &mut reader, directory.path()));
        if number % BATCH == 0 || number == attempts {
            let now = snapshot(directory.path());
            let same = now.keys().eq(before.keys()) && now["x.db"] == before["x.db"];
            assert!(same, "files: {:?}, before: {:?}\nafter one of:\n{}", now.keys(), before.keys(), last.join("\n"));
            last.clear();
        }
    }
    let text = "SELECT group_concat(b) AS b FROM t";
    let mut reader = session(&path, true);
    let outcome = call(&mut reader, "execute_query", json!({ "query": text }).as_object().unwrap()).unwrap();
    assert_eq!(outcome.text, "b\n-\none,two\n");
}

#[test]
fn the_same_attempts_change_what_is_served_for_writing() {
    let directory = tempfile::tempdir().unwrap();
    let path = make(directory.path());
    let mut writer = session(&path, false);
    let mut random = Random(1);
    let mut changed = 0;
    for _ in 0..ATTEMPTS {
        let answer = attempt(&mut random, &mut writer, directory.path());
        changed += u64::from(answer.contains("successful."));
        // Never, in no mode: other databases beside the one that is served.
        assert!(!answer.to_uppercase().contains("ATTACH") || !answer.ends_with("successful."), "{answer}");
    }
    assert!(changed > 30, "{changed}");
}
