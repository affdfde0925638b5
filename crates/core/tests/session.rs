//! Sessions: programs kept by text, schema changes from elsewhere, statistics, statements open across changes.

use turso_core::{Connection, Database, OpenOptions, StepResult, Value};

fn rows(connection: &Connection, sql: &str) -> Result<Vec<Vec<Value>>, String> {
    let text = |e: turso_core::Error| e.message().to_owned();
    let mut statement = connection.prepare(sql).map_err(text)?.statement.ok_or("no statement")?;
    let mut rows = Vec::new();
    while statement.step().map_err(text)? == StepResult::Row {
        rows.push(statement.row().to_vec());
    }
    Ok(rows)
}

fn integers(connection: &Connection, sql: &str) -> Vec<i64> {
    rows(connection, sql)
        .unwrap()
        .into_iter()
        .map(|row| match row.as_slice() {
            [Value::Integer(i), ..] => *i,
            other => panic!("not an integer: {other:?}"),
        })
        .collect()
}

fn memory() -> Connection {
    Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap()
}

#[test]
fn the_same_text_is_planned_anew_after_a_schema_change() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(rows(&c, "SELECT * FROM t").unwrap(), [[Value::Integer(1)]]);
    c.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 7").unwrap();
    assert_eq!(rows(&c, "SELECT * FROM t").unwrap(), [[Value::Integer(1), Value::Integer(7)]]);
    c.execute_batch("DROP TABLE t").unwrap();
    assert_eq!(rows(&c, "SELECT * FROM t").unwrap_err(), "no such table: t");
}

#[test]
fn a_temporary_table_shadows_the_one_that_a_kept_program_reads() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(integers(&c, "SELECT a FROM t"), [1]);
    c.execute_batch("CREATE TEMP TABLE t(a); INSERT INTO temp.t VALUES (2)").unwrap();
    assert_eq!(integers(&c, "SELECT a FROM t"), [2]);
}

#[test]
fn a_rolled_back_schema_change_is_forgotten() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a); BEGIN; ALTER TABLE t ADD COLUMN b; CREATE TABLE u(x)").unwrap();
    assert_eq!(rows(&c, "SELECT a, b FROM t").unwrap(), Vec::<Vec<Value>>::new());
    c.execute_batch("ROLLBACK").unwrap();
    assert_eq!(rows(&c, "SELECT a, b FROM t").unwrap_err(), "no such column: b");
    assert_eq!(rows(&c, "SELECT * FROM u").unwrap_err(), "no such table: u");
}

#[test]
fn another_connections_schema_change_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).unwrap();
    let (a, b) = (database.connect().unwrap(), database.connect().unwrap());
    a.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(integers(&b, "SELECT count(*) FROM t"), [1]);
    let mut kept = b.prepare("SELECT * FROM t").unwrap().statement.unwrap();
    a.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 5").unwrap();
    assert_eq!(kept.step().unwrap(), StepResult::Row);
    assert_eq!(kept.row(), [Value::Integer(1), Value::Integer(5)]);
    assert_eq!(rows(&b, "SELECT b FROM t").unwrap(), [[Value::Integer(5)]]);
}

#[test]
fn analyze_changes_the_plan_and_the_next_connection_knows_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).unwrap();
    let a = database.connect().unwrap();
    a.execute_batch(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, few, many, pad);
         CREATE INDEX t_few ON t(few); CREATE INDEX t_many ON t(many);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO t SELECT i, i % 2, i, 'x' FROM n;
         ANALYZE",
    )
    .unwrap();
    let plan = "EXPLAIN QUERY PLAN SELECT pad FROM t WHERE few = 1 AND many = 5";
    let wanted = Value::Text(b"SEARCH t USING INDEX t_many (many=?)".to_vec());
    assert_eq!(rows(&a, plan).unwrap()[0][3], wanted);
    let other = Database::open(&path.to_string_lossy(), OpenOptions::default()).unwrap().connect().unwrap();
    assert_eq!(rows(&other, plan).unwrap()[0][3], wanted);
}

#[test]
fn a_statement_that_is_reset_early_keeps_the_connection_usable() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)").unwrap();
    let mut open = c.prepare("SELECT a FROM t").unwrap().statement.unwrap();
    assert_eq!(open.step().unwrap(), StepResult::Row);
    c.execute_batch("INSERT INTO t VALUES (4)").unwrap();
    open.reset();
    c.execute_batch("BEGIN; DELETE FROM t; COMMIT").unwrap();
    assert_eq!(integers(&c, "SELECT count(*) FROM t"), [0]);
}

#[test]
fn the_encoding_chosen_for_an_empty_file_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let c = Database::open(&path.to_string_lossy(), OpenOptions::default()).unwrap().connect().unwrap();
    assert_eq!(integers(&c, "SELECT count(*) FROM sqlite_schema"), [0]);
    c.execute_batch(
        "PRAGMA encoding = 'UTF-16le'; PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES ('äb')",
    )
    .unwrap();
    assert_eq!(rows(&c, "PRAGMA encoding").unwrap(), [[Value::Text(b"UTF-16le".to_vec())]]);
    assert_eq!(rows(&c, "SELECT a, length(a) FROM t").unwrap(), [[Value::Text("äb".into()), Value::Integer(2)]]);
}

#[test]
fn a_stored_text_names_the_tables_of_its_own_database() {
    let c = memory();
    c.execute_batch(
        "CREATE TABLE t(a); INSERT INTO t VALUES ('main');
         ATTACH ':memory:' AS other;
         CREATE TABLE other.t(a); INSERT INTO other.t VALUES ('other');
         CREATE VIEW other.v AS SELECT a FROM t;
         CREATE TEMP TABLE t(a); INSERT INTO temp.t VALUES ('temp');
         CREATE VIEW main.w AS SELECT a FROM t;
         CREATE TEMP VIEW x AS SELECT a FROM t;
         CREATE VIEW main.broken AS SELECT * FROM nowhere",
    )
    .unwrap();
    let text = |s: &str| [[Value::Text(s.into())]];
    assert_eq!(rows(&c, "SELECT * FROM v").unwrap(), text("other"));
    assert_eq!(rows(&c, "SELECT * FROM w").unwrap(), text("main"));
    assert_eq!(rows(&c, "SELECT * FROM x").unwrap(), text("temp"));
    assert_eq!(rows(&c, "SELECT * FROM broken").unwrap_err(), "no such table: main.nowhere");
}

#[test]
fn an_expanded_text_holds_the_values_of_its_parameters() {
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    let mut statement =
        connection.prepare(b"SELECT ?, :a, ?1, '?', x.y \xff FROM (SELECT 1 y) x -- ?").unwrap().statement.unwrap();
    statement.bind(1, Value::from("it's")).unwrap();
    statement.bind(2, Value::blob([0xAB])).unwrap();
    assert_eq!(statement.expanded_sql(), b"SELECT 'it''s', x'ab', 'it''s', '?', x.y \xff FROM (SELECT 1 y) x -- ?");
}

#[test]
fn what_another_connection_has_made_is_known_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let open = || Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap().connect().unwrap();
    let (one, two) = (open(), open());
    one.execute_batch("CREATE TABLE old(a)").unwrap();
    assert_eq!(integers(&two, "SELECT count(*) FROM sqlite_schema"), [1]);
    one.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(7)").unwrap();
    assert_eq!(integers(&two, "SELECT a FROM t"), [7]);
    one.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 8").unwrap();
    assert_eq!(integers(&two, "SELECT b FROM t"), [8]);
    assert!(two.is_autocommit());
    assert_eq!(rows(&two, "SELECT c FROM t"), Err("no such column: c".into()));
}

#[test]
fn trees_that_auto_vacuum_moves_are_found_again() {
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    let checked = || rows(&connection, "PRAGMA integrity_check").unwrap();
    let ok = vec![vec![Value::from("ok")]];
    assert_eq!(checked(), ok, "a database without a page");
    let tables = ["one", "two", "three"];
    connection.execute_batch("PRAGMA auto_vacuum = full").unwrap();
    for table in tables {
        connection
            .execute_batch(format!("CREATE TABLE {table}(a INT PRIMARY KEY, b); INSERT INTO {table} VALUES(1, 2)"))
            .unwrap();
    }
    for (i, table) in tables.iter().enumerate() {
        connection.execute_batch(format!("DROP TABLE {table}")).unwrap();
        assert_eq!(checked(), ok, "without {table}");
        for left in &tables[i + 1..] {
            assert_eq!(integers(&connection, &format!("SELECT b FROM {left} WHERE a = 1")), [2]);
        }
    }
    assert_eq!(integers(&connection, "PRAGMA page_count"), [1]);
}

/// Two connections to a file with the table `t(a)` and the index `i`.
fn two_of(folder: &tempfile::TempDir) -> (Connection, Connection) {
    let database = Database::open(folder.path().join("x.db").to_str().unwrap(), OpenOptions::default()).unwrap();
    let (a, b) = (database.connect().unwrap(), database.connect().unwrap());
    a.execute_batch("CREATE TABLE t(a); CREATE INDEX i ON t(a);").unwrap();
    (a, b)
}

fn run(statement: &mut turso_core::Statement) -> Result<usize, String> {
    let mut count = 0;
    while statement.step().map_err(|e| e.message().to_owned())? == StepResult::Row {
        count += 1;
    }
    Ok(count)
}

#[test]
fn a_statement_that_runs_again_knows_what_another_connection_has_made_since() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = two_of(&folder);
    let mut drop_index = b.prepare("DROP INDEX i").unwrap().statement.unwrap();
    run(&mut drop_index).unwrap();
    a.execute_batch("CREATE INDEX i ON t(a)").unwrap();
    drop_index.reset();
    run(&mut drop_index).unwrap();
    drop_index.reset();
    assert_eq!(run(&mut drop_index).unwrap_err(), "no such index: i");
}

#[test]
fn pragmas_list_what_the_schema_says_when_they_run() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = two_of(&folder);
    let mut listed: Vec<_> = ["PRAGMA table_info(t)", "PRAGMA index_list(t)", "SELECT * FROM pragma_table_info('t')"]
        .map(|sql| a.prepare(sql).unwrap().statement.unwrap())
        .into();
    for statement in &mut listed {
        assert_eq!(run(statement), Ok(1));
        statement.reset();
    }
    b.execute_batch("DROP INDEX i; ALTER TABLE t ADD COLUMN b").unwrap();
    for (statement, count) in listed.iter_mut().zip([2, 0, 2]) {
        assert_eq!(run(statement), Ok(count), "{statement:?}");
    }
}

#[test]
fn a_kept_program_ends_with_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = two_of(&folder);
    let mut kept = a.prepare("SELECT * FROM t").unwrap().statement.unwrap();
    kept.keep_program();
    assert_eq!(run(&mut kept), Ok(0));
    kept.reset();
    // It does not mind what comes in addition.
    a.execute_batch("ATTACH ':memory:' AS more").unwrap();
    assert_eq!(run(&mut kept), Ok(0));
    kept.reset();
    b.execute_batch("CREATE TABLE u(a)").unwrap();
    assert_eq!(run(&mut kept).unwrap_err(), "database schema has changed");

    let mut kept = a.prepare("SELECT * FROM t").unwrap().statement.unwrap();
    kept.keep_program();
    a.execute_batch("DETACH more").unwrap();
    assert_eq!(run(&mut kept).unwrap_err(), "database schema has changed");
}

#[test]
fn a_statement_is_turned_into_its_explanation_and_back() {
    let c = memory();
    c.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)").unwrap();
    let mut statement = c.prepare("SELECT a FROM t WHERE a > ?1").unwrap().statement.unwrap();
    statement.bind(1, Value::Integer(1)).unwrap();
    statement.set_explain_mode(2).unwrap();
    assert_eq!((statement.explain_mode(), statement.column_count()), (2, 4));
    assert_eq!(statement.step().unwrap(), StepResult::Row);
    assert_eq!(statement.row()[3], Value::from("SCAN t"));
    assert_eq!(statement.set_explain_mode(0).unwrap_err().message(), "database is locked");
    statement.reset();
    statement.set_explain_mode(1).unwrap();
    assert!(run(&mut statement).unwrap() > 3);
    statement.reset();
    statement.set_explain_mode(0).unwrap();
    assert_eq!(statement.step().unwrap(), StepResult::Row);
    assert_eq!(statement.row(), [Value::Integer(2)]);
}
