//! The tools as clients meet them: texts, structured results, limits, allow lists.

use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};
use turso_mcp::{Limits, Options, Outcome, Session, call};

fn options(path: &str) -> Options {
    Options { path: path.into(), read_only: false, tables: Vec::new(), limits: Limits::default() }
}

fn memory() -> Session {
    Session::open(options(":memory:")).unwrap()
}

fn arguments(value: Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap()
}

fn run(session: &mut Session, tool: &str, value: Json) -> Outcome {
    call(session, tool, &arguments(value)).unwrap()
}

/// A call that has to succeed; its text.
fn text(session: &mut Session, tool: &str, value: Json) -> String {
    let outcome = run(session, tool, value);
    assert!(!outcome.is_error, "{tool}: {}", outcome.text);
    outcome.text
}

/// A call that has to fail; its text.
fn error(session: &mut Session, tool: &str, value: Json) -> String {
    let outcome = run(session, tool, value);
    assert!(outcome.is_error, "{tool}: {}", outcome.text);
    outcome.text
}

fn filled() -> Session {
    let mut session = memory();
    text(
        &mut session,
        "schema_change",
        json!({"query": "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x', age REAL, twice AS (age * 2))"}),
    );
    text(
        &mut session,
        "insert_data",
        json!({"query": "INSERT INTO users(name, age) VALUES ('alice', 1.5), ('bob', NULL)"}),
    );
    session
}

#[test]
fn every_tool_has_its_texts() {
    let mut s = memory();
    assert_eq!(text(&mut s, "current_database", json!({})), "Current database: :memory: (default)");
    assert_eq!(text(&mut s, "list_tables", json!({})), "No tables found in the database");
    assert_eq!(text(&mut s, "schema_change", json!({"query": "CREATE TABLE b(x)"})), "Schema change successful.");
    assert_eq!(text(&mut s, "schema_change", json!({"query": "CREATE TABLE a(x)"})), "Schema change successful.");
    assert_eq!(text(&mut s, "list_tables", json!({})), "a, b");
    assert_eq!(text(&mut s, "insert_data", json!({"query": "INSERT INTO a VALUES (1), (2)"})), "INSERT successful.");
    assert_eq!(text(&mut s, "update_data", json!({"query": "UPDATE a SET x = 3 WHERE x = 1"})), "UPDATE successful.");
    assert_eq!(text(&mut s, "delete_data", json!({"query": "DELETE FROM a WHERE x = 2"})), "DELETE successful.");
    assert_eq!(text(&mut s, "execute_query", json!({"query": "SELECT x, 'y' AS z FROM a"})), "x | z\n-----\n3 | y\n");
    assert_eq!(
        text(&mut s, "execute_query", json!({"query": "SELECT 1 WHERE 0"})),
        "No results returned from the query"
    );
    assert!(call(&mut s, "nope", &Map::new()).is_none());
}

#[test]
fn tables_are_described() {
    let mut s = filled();
    assert_eq!(
        text(&mut s, "describe_table", json!({"table_name": "users"})),
        "Table 'users' columns:\nid INTEGER NULL PRIMARY KEY\nname TEXT NOT NULL DEFAULT 'x'\nage REAL NULL\ntwice  NULL VIRTUAL GENERATED\n"
    );
    assert_eq!(error(&mut s, "describe_table", json!({"table_name": "nope"})), "Table 'nope' not found");
    // The name is a name, whatever is in it.
    assert_eq!(
        error(&mut s, "describe_table", json!({"table_name": "users); DROP TABLE users; --"})),
        "Table 'users); DROP TABLE users; --' not found"
    );
    assert_eq!(error(&mut s, "describe_table", json!({})), "Missing table_name parameter");
    assert_eq!(error(&mut s, "describe_table", json!({"table_name": 5})), "Missing or invalid table_name parameter");
}

#[test]
fn each_tool_takes_its_own_class_of_statement() {
    let mut s = filled();
    for (tool, query, message) in [
        ("execute_query", "DELETE FROM users", "Only SELECT queries are allowed"),
        ("execute_query", "PRAGMA user_version = 5", "Only SELECT queries are allowed"),
        ("execute_query", "SELECT 1; SELECT 2", "Only a single SELECT query is allowed"),
        ("execute_query", "", "No SQL statement provided"),
        ("execute_query", "-- nothing", "No SQL statement provided"),
        ("insert_data", "UPDATE users SET age = 1", "Only INSERT statements are allowed"),
        ("insert_data", "INSERT INTO users(age) VALUES (1); SELECT 1", "Only a single INSERT statement is allowed"),
        ("update_data", "SELECT 1", "Only UPDATE statements are allowed"),
        ("delete_data", "SELECT 1", "Only DELETE statements are allowed"),
        ("schema_change", "VACUUM", "Only CREATE, ALTER, and DROP statements are allowed"),
        (
            "schema_change",
            "CREATE TABLE x(a); CREATE TABLE y(a)",
            "Only a single schema modification statement is allowed",
        ),
        ("execute_query", "SELECT * FROM nope", "Error executing query: no such table: nope"),
        ("insert_data", "INSERT INTO nope VALUES (1)", "Error executing INSERT: no such table: nope"),
        ("schema_change", "CREATE TABLE users(a)", "Error executing schema change: table users already exists"),
    ] {
        assert_eq!(error(&mut s, tool, json!({ "query": query })), message, "{query}");
    }
    assert!(error(&mut s, "execute_query", json!({"query": "SELEC"})).starts_with("Failed to parse SQL: "));
    assert_eq!(error(&mut s, "execute_query", json!({})), "Missing query parameter");
    assert_eq!(error(&mut s, "execute_query", json!({"query": 1})), "Missing or invalid query parameter");
}

#[test]
fn results_are_structured() {
    let mut s = filled();
    let outcome =
        run(&mut s, "execute_query", json!({"query": "SELECT id, name, age, x'00ff' AS b FROM users ORDER BY id"}));
    assert_eq!(
        outcome.structured.unwrap(),
        json!({
            "columns": ["id", "name", "age", "b"],
            "rows": [[1, "alice", 1.5, {"hex": "00ff"}], [2, "bob", null, {"hex": "00ff"}]],
            "row_count": 2,
            "truncated": false,
            "truncated_by": null,
        })
    );
    let outcome = run(&mut s, "insert_data", json!({"query": "INSERT INTO users(name) VALUES ('c') RETURNING id"}));
    assert_eq!(outcome.text, "INSERT successful.\nid\n--\n3\n");
    let structured = outcome.structured.unwrap();
    assert_eq!((structured["rows_affected"].as_i64(), structured["last_insert_rowid"].as_i64()), (Some(1), Some(3)));
    let plan = text(&mut s, "explain_query", json!({"query": "SELECT * FROM users WHERE id = 1"}));
    assert_eq!(plan, "QUERY PLAN\n- SEARCH users USING INTEGER PRIMARY KEY (rowid=?)\n");
    text(&mut s, "explain_query", json!({"query": "DELETE FROM users"}));
    assert_eq!(text(&mut s, "execute_query", json!({"query": "SELECT count(*) AS n FROM users"})), "n\n-\n3\n");
}

#[test]
fn parameters_are_bound_by_number_and_name() {
    let mut s = filled();
    let query = "SELECT ?1 AS a, ?2 AS b, typeof(?3) AS c";
    assert_eq!(
        text(&mut s, "execute_query", json!({"query": query, "params": [1, "it's", {"hex": "0aff"}]})),
        "a | b | c\n---------\n1 | it's | blob\n"
    );
    assert_eq!(
        text(
            &mut s,
            "execute_query",
            json!({"query": "SELECT :a AS a, @b AS b, $c AS c", "params": {"a": 1.5, "@b": null, "c": true}})
        ),
        "a | b | c\n---------\n1.5 | NULL | 1\n"
    );
    text(
        &mut s,
        "insert_data",
        json!({"query": "INSERT INTO users(name) VALUES (?)", "params": ["x'); DROP TABLE users; --"]}),
    );
    for (params, message) in [
        (json!([1, 2]), "Error executing query: Invalid params: 2 values for 1 parameters"),
        (json!({"nope": 1}), "Error executing query: named parameter nope not found"),
        (json!([[1]]), "Error executing query: Invalid parameter: arrays and objects cannot be bound"),
        (json!("x"), "Error executing query: Invalid params: parameters must be an array or an object"),
    ] {
        assert_eq!(error(&mut s, "execute_query", json!({"query": "SELECT ?", "params": params})), message);
    }
}

#[test]
fn results_are_cut_off_at_their_limits() {
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
    let mut s = memory();
    let outcome = run(&mut s, "execute_query", json!({"query": many, "max_rows": 3}));
    assert_eq!(outcome.text, "x\n-\n1\n2\n3\n[cut off: row limit of 3; 3 rows shown, there may be more]\n");
    assert_eq!(outcome.structured.unwrap()["truncated"], json!(true));
    // Nobody gets more than the server allows.
    let outcome = run(&mut s, "execute_query", json!({"query": many, "max_rows": 1_000_000}));
    assert_eq!(outcome.structured.unwrap()["row_count"], json!(1000));
    let large = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT hex(zeroblob(50000)) FROM c";
    let outcome = run(&mut s, "execute_query", json!({ "query": large }));
    assert!(outcome.text.len() < 1_200_000, "{}", outcome.text.len());
    assert!(
        outcome.text.contains("[cut off: size limit of 1048576 bytes; 10 rows shown"),
        "{}",
        &outcome.text[outcome.text.len() - 100..]
    );
}

#[test]
fn a_query_that_would_run_for_hours_ends_at_its_limit() {
    let mut s = memory();
    let begun = Instant::now();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    let message = error(&mut s, "execute_query", json!({"query": endless, "timeout_ms": 200}));
    assert_eq!(message, "Error executing query: interrupted: time limit of 200ms");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(text(&mut s, "execute_query", json!({"query": "SELECT 1 AS a"})), "a\n-\n1\n");
}

#[test]
fn an_allow_list_is_kept_by_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let file = path.to_str().unwrap();
    let mut s = Session::open(options(file)).unwrap();
    for query in [
        "CREATE TABLE open_data(a)",
        "CREATE TABLE secret(b)",
        "CREATE VIEW shown AS SELECT b FROM secret",
        "CREATE VIEW hidden AS SELECT b FROM secret",
        "CREATE TABLE log(c)",
        "CREATE TRIGGER t AFTER INSERT ON open_data BEGIN INSERT INTO log VALUES (new.a); END",
    ] {
        text(&mut s, "schema_change", json!({ "query": query }));
    }
    text(&mut s, "insert_data", json!({"query": "INSERT INTO secret VALUES ('s3cret')"}));
    drop(s);
    let tables = vec!["open_data".to_owned(), "Shown".to_owned()];
    let mut s = Session::open(Options { tables, ..options(file) }).unwrap();
    assert_eq!(text(&mut s, "list_tables", json!({})), "open_data");
    assert_eq!(text(&mut s, "execute_query", json!({"query": "SELECT * FROM shown"})), "b\n-\ns3cret\n");
    text(&mut s, "insert_data", json!({"query": "INSERT INTO open_data VALUES (1)"}));
    for query in [
        "SELECT * FROM secret",
        "SELECT * FROM hidden",
        "SELECT b FROM main.secret",
        "SELECT (SELECT b FROM secret)",
        "WITH open_data AS (SELECT * FROM secret) SELECT * FROM open_data",
        "WITH shown AS (SELECT b FROM secret) SELECT b FROM shown",
        "SELECT b FROM (SELECT b FROM secret) AS shown",
        "SELECT b FROM (SELECT b FROM secret) shown",
        "SELECT b FROM (WITH shown AS (SELECT b FROM secret) SELECT b FROM shown)",
        "SELECT (WITH t AS (SELECT b FROM secret) SELECT b FROM t)",
        "SELECT b FROM hidden AS shown",
        "SELECT * FROM open_data, secret",
        "SELECT * FROM open_data WHERE a IN (SELECT b FROM secret)",
        "SELECT sql FROM sqlite_schema",
        "SELECT name FROM sqlite_master",
        "SELECT count(*) FROM log",
    ] {
        let message = error(&mut s, "execute_query", json!({ "query": query }));
        assert!(message.contains("not authorized") || message.contains("prohibited"), "{query}: {message}");
        assert!(!message.contains("s3cret"));
    }
    for (tool, query) in [
        ("insert_data", "INSERT INTO secret VALUES (1)"),
        ("insert_data", "INSERT INTO open_data SELECT b FROM secret"),
        ("update_data", "UPDATE open_data SET a = (SELECT b FROM secret)"),
        ("insert_data", "WITH shown AS (SELECT b FROM secret) INSERT INTO open_data SELECT b FROM shown"),
        ("update_data", "WITH shown AS (SELECT b FROM secret) UPDATE open_data SET a = (SELECT b FROM shown)"),
        ("delete_data", "DELETE FROM open_data WHERE a = 1 RETURNING (SELECT b FROM secret)"),
        ("delete_data", "DELETE FROM secret"),
        ("delete_data", "DELETE FROM sqlite_schema"),
        ("schema_change", "CREATE VIEW open_view AS SELECT * FROM secret"),
        ("schema_change", "DROP TABLE open_data"),
    ] {
        error(&mut s, tool, json!({ "query": query }));
    }
    assert_eq!(error(&mut s, "describe_table", json!({"table_name": "secret"})), "Table 'secret' not found");
}

#[test]
fn databases_are_opened_by_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/x.db");
    let file = path.to_str().unwrap().to_owned();
    let mut s = memory();
    assert_eq!(text(&mut s, "open_database", json!({ "path": file })), format!("Successfully opened database: {file}"));
    assert_eq!(text(&mut s, "current_database", json!({})), format!("Current database: {file}"));
    text(&mut s, "schema_change", json!({"query": "CREATE TABLE t(a)"}));
    assert_eq!(error(&mut s, "open_database", json!({})), "Missing path parameter");
    assert_eq!(error(&mut s, "open_database", json!({"path": 1})), "Missing or invalid path parameter");
    let other = directory.path().join("not.db");
    std::fs::write(&other, vec![b'x'; 5000]).unwrap();
    let message = error(&mut s, "open_database", json!({"path": other.to_str().unwrap()}));
    assert!(
        message.starts_with("Failed to open database '") && message.ends_with("file is not a database"),
        "{message}"
    );
    // The one that was open stays open.
    assert_eq!(text(&mut s, "list_tables", json!({})), "t");
    drop(s);
    let s = Session::open(options(&file)).unwrap();
    let mut s = s;
    assert_eq!(text(&mut s, "current_database", json!({})), format!("Current database: {file}"));
}

#[test]
fn a_large_schema_describes_itself_quickly() {
    let mut s = memory();
    for i in 0..1000 {
        text(&mut s, "schema_change", json!({"query": format!("CREATE TABLE t{i}(a INTEGER PRIMARY KEY, b TEXT, c)")}));
    }
    let begun = Instant::now();
    assert_eq!(text(&mut s, "list_tables", json!({})).split(", ").count(), 1000);
    // Generous for debug builds on busy machines; an optimized one needs a few milliseconds.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
