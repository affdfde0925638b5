//! Completion of dot commands, files, keywords, functions, tables and columns.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use turso_core::{Connection, StepResult, WeakConnection};

use super::colours;
use crate::commands;
use crate::render::text_of;

/// The words of the language, as completion offers them.
const KEYWORDS: &str = "ABORT ACTION ADD AFTER ALL ALTER ALWAYS ANALYZE AND AS ASC ATTACH AUTOINCREMENT BEFORE BEGIN BETWEEN BY \
    CASCADE CASE CAST CHECK COLLATE COLUMN COMMIT CONCURRENT CONFLICT CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME \
    CURRENT_TIMESTAMP DATABASE DEFAULT DEFERRABLE DEFERRED DELETE DESC DETACH DISTINCT DO DROP EACH ELSE END ESCAPE EXCEPT EXCLUDE \
    EXCLUSIVE EXISTS EXPLAIN FAIL FILTER FIRST FOLLOWING FOR FOREIGN FROM FULL GENERATED GLOB GROUP GROUPS HAVING IF IGNORE \
    IMMEDIATE IN INDEX INDEXED INITIALLY INNER INSERT INSTEAD INTERSECT INTO IS ISNULL JOIN KEY LAST LEFT LIKE LIMIT MATCH \
    MATERIALIZED NATURAL NO NOT NOTHING NOTNULL NULL NULLS OF OFFSET ON OR ORDER OTHERS OUTER OVER PARTITION PLAN PRAGMA PRECEDING \
    PRIMARY QUERY RAISE RANGE RECURSIVE REFERENCES REGEXP REINDEX RELEASE RENAME REPLACE RESTRICT RETURNING RIGHT ROLLBACK ROW ROWS \
    SAVEPOINT SELECT SET STRICT TABLE TEMP TEMPORARY THEN TIES TO TRANSACTION TRIGGER UNBOUNDED UNION UNIQUE UPDATE USING VACUUM \
    VALUES VIEW VIRTUAL WHEN WHERE WINDOW WITH WITHOUT";

/// The words of the language, in their order.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    KEYWORDS.split_ascii_whitespace()
}

/// Is the word one of the language?
pub fn is_keyword(word: &str) -> bool {
    word.is_ascii() && keywords().any(|k| k.eq_ignore_ascii_case(word))
}

/// Commands whose arguments are files.
const FILE_COMMANDS: [&str; 12] =
    ["backup", "cd", "clone", "import", "log", "once", "open", "output", "read", "restore", "save", "trace"];

/// What helps while a line is typed.
pub struct Assistant {
    connection: Arc<Mutex<Option<WeakConnection>>>,
    files: FilenameCompleter,
    colours: bool,
}

impl Assistant {
    /// An assistant that asks this connection.
    pub fn new(connection: Arc<Mutex<Option<WeakConnection>>>) -> Self {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self { connection, files: FilenameCompleter::new(), colours }
    }

    fn connected(&self) -> Option<Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade()
    }

    fn column(&self, sql: &str) -> Vec<String> {
        let statement = self.connected().and_then(|connection| connection.prepare(sql).ok()?.statement);
        let mut names = Vec::new();
        if let Some(mut statement) = statement {
            // What cannot be read is not offered.
            while statement.step().is_ok_and(|step| step == StepResult::Row) {
                if let Some(text) = statement.row().first().and_then(text_of) {
                    names.push(String::from_utf8_lossy(&text).into_owned());
                }
            }
        }
        names
    }

    /// Names of tables, views and indexes, and of the columns of tables and views.
    fn names(&self) -> Vec<String> {
        let tables = self.column("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
        let mut names = self.column("SELECT name FROM sqlite_schema UNION SELECT name FROM sqlite_temp_schema");
        for table in tables {
            let sql = format!("SELECT * FROM \"{}\" LIMIT 0", table.replace('"', "\"\""));
            let statement = self.connected().and_then(|connection| connection.prepare(&sql).ok()?.statement);
            if let Some(statement) = statement {
                names.extend((0..statement.column_count()).filter_map(|i| statement.column_name(i).map(str::to_owned)));
            }
        }
        names
    }
}

/// Candidates that begin like the word; keywords come in the case that has been typed.
fn matching(word: &str, names: impl Iterator<Item = String>, keywords: bool) -> Vec<Pair> {
    let begins = |name: &str| name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let mut found: Vec<String> = names.filter(|name| begins(name)).collect();
    if keywords && !word.is_empty() {
        let lower = word.chars().next_back().is_some_and(char::is_lowercase);
        let cased = |k: &str| if lower { k.to_ascii_lowercase() } else { k.to_owned() };
        found.extend(KEYWORDS.split_ascii_whitespace().filter(|k| begins(k)).map(cased));
        found.extend(
            turso_core::functions::built_ins()
                .map(|f| f.name.to_string())
                .filter(|name| begins(name) && name.starts_with(char::is_alphabetic)),
        );
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|name| Pair { display: name.clone(), replacement: name }).collect()
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, context: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..position).unwrap_or(line);
        if let Some(command) = before.strip_prefix('.') {
            let Some((name, _)) = command.split_once(' ') else {
                return Ok((1, matching(command, commands::names().map(str::to_owned), false)));
            };
            if FILE_COMMANDS.contains(&name) {
                return self.files.complete(line, position, context);
            }
        }
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |i| i + before[i..].chars().next().map_or(0, char::len_utf8));
        let word = &before[start..];
        Ok((start, matching(word, self.names().into_iter(), !before.starts_with('.'))))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.colours { Cow::Owned(colours::coloured(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.colours
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Validator for Assistant {}

impl Helper for Assistant {}
