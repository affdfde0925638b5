//! `EXPLAIN QUERY PLAN` beside the newest SQLite: the texts of the nodes, their nesting and their order.
//!
//! The numbers of nodes are addresses in SQLite's programs and say nothing about ours: trees are compared.
//!
//! Where a query of the list is followed by a tree, that is our plan, and another one than SQLite's: the comment before it says
//! why. `PLANS=print cargo test -p turso_core --test query_plans` prints the plans that are not as the list has them.

mod support;

use std::collections::HashMap;

use turso_core::{Database, OpenOptions, StepResult, Value};

const SCHEMA: &str = include_str!("query_plans/schema.sql");
const QUERIES: &str = include_str!("query_plans/queries.sql");

/// The nodes as lines, indented by their depth.
fn tree(nodes: &[(i64, i64, String)]) -> Vec<String> {
    let mut depths = HashMap::new();
    let mut lines = Vec::new();
    for (id, parent, detail) in nodes {
        let depth = depths.get(parent).map_or(0, |d: &usize| d + 1);
        depths.insert(*id, depth);
        lines.push(format!("{}{detail}", "  ".repeat(depth)));
    }
    lines
}

fn ours(connection: &turso_core::Connection, sql: &str) -> Vec<String> {
    let explained = format!("EXPLAIN QUERY PLAN {sql}");
    let mut statement = match connection.prepare(&explained) {
        Ok(prepared) => prepared.statement.expect("a statement"),
        Err(e) => return vec![format!("error: {}", e.message())],
    };
    let mut nodes = Vec::new();
    while let StepResult::Row = statement.step().expect("a plan") {
        let [Value::Integer(id), Value::Integer(parent), _, Value::Text(detail)] = statement.row() else {
            panic!("not a plan: {sql}");
        };
        nodes.push((*id, *parent, String::from_utf8_lossy(detail).into_owned()));
    }
    tree(&nodes)
}

fn theirs(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = match connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) {
        Ok(statement) => statement,
        Err(rusqlite::Error::SqliteFailure(_, Some(m))) => return vec![format!("error: {m}")],
        Err(rusqlite::Error::SqlInputError { msg, .. }) => return vec![format!("error: {msg}")],
        Err(e) => return vec![format!("error: {e}")],
    };
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(3)?))).expect("a plan");
    tree(&rows.map(|r| r.expect("a node")).collect::<Vec<_>>())
}

/// A query, and our plan of it where that is another one than SQLite's.
struct Case<'a> {
    sql: &'a str,
    own: Vec<&'a str>,
}

fn cases() -> Vec<Case<'static>> {
    let mut cases: Vec<Case<'static>> = Vec::new();
    for line in QUERIES.lines().filter(|l| !l.is_empty() && !l.starts_with("--")) {
        match (line.strip_prefix("    "), cases.last_mut()) {
            (Some(node), Some(case)) => case.own.push(node),
            _ => cases.push(Case { sql: line, own: Vec::new() }),
        }
    }
    cases
}

/// Rows of all tables: NULLs, equal values, mixed types.
const ROWS: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
    INSERT INTO t SELECT i, nullif(i % 7, 6), char(97 + i % 5, 97 + i % 3), nullif(i * 3, 30), (i * 37 % 11) / 2.0 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO s SELECT nullif(i % 6, 5), i % 4, char(65 + i % 3 + i % 2 * 32) FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    INSERT INTO w SELECT char(97 + i % 5, 97 + i % 3), i, i % 4 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
    INSERT INTO bare SELECT nullif(i % 9, 4), iif(i % 5, i % 4, 'x'), i FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    INSERT INTO wide SELECT i, i % 8, i % 20, i % 3 FROM n;
    INSERT INTO child SELECT a, a / 2, c FROM t WHERE a < 20;
";

/// The rows, sorted unless the query orders them all.
fn rows_of(outcomes: Vec<support::Outcome>, sql: &str) -> Vec<String> {
    let mut rows: Vec<String> = outcomes.into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error)).collect();
    if !sql.contains(", a LIMIT") {
        rows.sort();
    }
    rows
}

#[test]
fn rows_are_sqlites() {
    let sqlite = rusqlite::Connection::open_in_memory().expect("SQLite opens");
    let turso = Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("we open");
    for script in [SCHEMA, ROWS] {
        assert_eq!(support::run_ours(&turso, script), support::run_theirs(&sqlite, script));
    }
    let reads = |sql: &str| ["SELECT", "WITH", "VALUES"].iter().any(|word| sql.starts_with(word));
    let mut wrong = String::new();
    for sql in cases().iter().map(|case| case.sql).filter(|sql| reads(sql)) {
        let (ours, theirs) =
            (rows_of(support::run_ours(&turso, sql), sql), rows_of(support::run_theirs(&sqlite, sql), sql));
        // Of rows that tie, or have no order, a LIMIT may take any.
        let any = sql.contains("LIMIT") && !sql.contains(", a LIMIT") || sql.contains("random");
        if if any { ours.len() != theirs.len() } else { ours != theirs } {
            wrong += &format!("{sql}\n  ours   {ours:?}\n  SQLite {theirs:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn plans_are_sqlites_or_listed_as_our_own() {
    let sqlite = rusqlite::Connection::open_in_memory().expect("SQLite opens");
    sqlite.execute_batch(SCHEMA).expect("SQLite makes the tables");
    let turso = Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("we open");
    turso.execute_batch(SCHEMA).expect("we make the tables");
    let cases = cases();
    let mut wrong = String::new();
    let mut unequal = 0;
    for Case { sql, own } in &cases {
        let (found, theirs) = (ours(&turso, sql), theirs(&sqlite, sql));
        let as_listed = if own.is_empty() { found == theirs } else { found == *own && found != theirs };
        if !as_listed {
            unequal += 1;
            let (found, theirs) = (found.join("\n    "), theirs.join("\n    "));
            wrong += &format!("{sql}\n    {found}\n  SQLite:\n    {theirs}\n");
        }
    }
    if std::env::var("PLANS").is_ok_and(|v| v == "print") {
        println!("{wrong}");
    }
    assert!(cases.len() > 300);
    assert!(wrong.is_empty(), "{unequal} of {} plans are not as listed:\n{wrong}", cases.len());
}
