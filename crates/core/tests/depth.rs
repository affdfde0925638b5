//! The deepest texts that the parser accepts are planned and run on a thread with a small stack.

use turso_core::{Database, OpenOptions, StepResult, Value};

/// Prepare and run; answers the error text, if any. What counts is that the process survives.
fn outcome(sql: String) -> Option<String> {
    let worker = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
        connection.execute_batch("CREATE TABLE t(a, b)").unwrap();
        let prepared = match connection.prepare(&sql) {
            Ok(prepared) => prepared,
            Err(error) => return Some(error.message().to_owned()),
        };
        let mut statement = prepared.statement.unwrap();
        loop {
            match statement.step() {
                Ok(StepResult::Row) => {}
                Ok(StepResult::Done) => return None,
                Err(error) => return Some(error.message().to_owned()),
            }
        }
    });
    worker.unwrap().join().unwrap()
}

#[test]
fn deep_expressions_need_no_deep_stack() {
    for unit in ["- ", "~", "NOT ", "+ "] {
        assert_eq!(outcome(format!("SELECT {}1", unit.repeat(990))), None, "{unit}");
    }
    assert_eq!(outcome(format!("SELECT {}1{}", "(".repeat(900), ")".repeat(900))), None);
    assert_eq!(outcome(format!("SELECT 1{}", " + 1".repeat(990))), None);
    assert_eq!(outcome(format!("SELECT 1 WHERE 1{}", " AND 1".repeat(990))), None);
    assert_eq!(outcome(format!("SELECT {}1{}", "abs(".repeat(490), ")".repeat(490))), None);
    assert_eq!(outcome(format!("SELECT {}1{}", "CASE WHEN 1 THEN ".repeat(300), " END".repeat(300))), None);
}

#[test]
fn what_is_too_deep_is_an_error() {
    for sql in [
        format!("SELECT {}1", "- ".repeat(100_000)),
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(50_000), ")".repeat(50_000)),
    ] {
        assert!(outcome(sql).is_some());
    }
}

#[test]
fn nested_queries_need_no_deep_stack() {
    let nested = |unit: &str, n: usize| format!("SELECT {}1{}", unit.repeat(n), ")".repeat(n));
    assert_eq!(outcome(nested("(SELECT ", 40)), None);
    let from = format!("{}SELECT 1{}", "SELECT * FROM (".repeat(40), ")".repeat(40));
    assert_eq!(outcome(from), None);
}

#[test]
fn aliases_of_subqueries_that_are_used_again_at_each_level_are_computed_once() {
    let nested =
        |n: usize, unit: &dyn Fn(String, usize) -> String| format!("SELECT {}", (0..n).fold("1".to_string(), unit));
    let twice = |inner: String, i: usize| format!("(SELECT {inner} AS a{i} WHERE a{i} OR a{i})");
    assert_eq!(outcome(nested(8, &twice)), None);
    assert_eq!(outcome(nested(40, &twice)), None);
    let sorted = |inner: String, i: usize| format!("(SELECT {inner} AS a{i} FROM t GROUP BY 1 ORDER BY a{i} DESC)");
    assert_eq!(outcome(nested(6, &sorted)), None);
    assert_eq!(outcome(nested(40, &sorted)), None);
    // What reads something around it has another value in each place.
    let outer =
        |inner: String, i: usize| format!("(SELECT {inner} + x{i}.a AS a{i} FROM t AS x{i} WHERE a{i} OR a{i})");
    assert_eq!(outcome(nested(6, &outer)), None);

    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    connection.execute_batch("CREATE TABLE t(a, b); INSERT INTO t VALUES (3, 5), (4, 6)").unwrap();
    let value = |sql: &str| {
        let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
        assert_eq!(statement.step().unwrap(), StepResult::Row);
        statement.row()[0].clone()
    };
    let larger = |inner: String, i: usize| {
        format!(
            "(SELECT {inner} AS a{i} FROM t WHERE a{i} > 0 AND a{i} + b > 1 AND t.a IN (3, a{i} - 4) ORDER BY a{i}, t.a DESC)"
        )
    };
    let sql = (0..30).fold("(SELECT sum(a) FROM t)".to_string(), larger);
    assert_eq!(value(&format!("SELECT {sql} + {sql}")), Value::Integer(14));
}

#[test]
fn queries_beside_a_union_all_at_each_level_are_not_copied_again_and_again() {
    let nested = (0..13).fold("SELECT a FROM t".to_string(), |inner, _| {
        format!("SELECT x.a FROM (SELECT a FROM t UNION ALL SELECT b FROM t) AS x, ({inner}) AS y")
    });
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    connection.execute_batch("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)").unwrap();
    let rows = |sql: &str| {
        let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
        std::iter::from_fn(|| (statement.step().unwrap() == StepResult::Row).then_some(())).count()
    };
    assert_eq!(rows(&nested), 1 << 13);
    let instructions = rows(&format!("EXPLAIN {nested}"));
    assert!(instructions < 10_000, "{instructions}");
}

#[test]
fn columns_that_are_read_twice_do_not_double_at_each_level() {
    let nested = |level: &dyn Fn(&str) -> String| {
        let query = (0..40).fold("SELECT a AS c FROM t".to_owned(), |inner, _| level(&inner));
        outcome(format!("SELECT count(*) FROM ({query}) WHERE c > 5"))
    };
    assert_eq!(nested(&|q| format!("SELECT c + c AS c FROM ({q})")), None);
    assert_eq!(nested(&|q| format!("SELECT c + c AS c FROM ({q}) WHERE c > 7")), None);
    assert_eq!(nested(&|q| format!("SELECT DISTINCT c + c AS c FROM ({q})")), None);
    assert_eq!(nested(&|q| format!("SELECT c + c AS c FROM ({q}) GROUP BY 1")), None);
    assert_eq!(nested(&|q| format!("SELECT c + c AS c FROM ({q}) UNION SELECT a FROM t")), None);
    assert_eq!(nested(&|q| format!("SELECT c + c AS c FROM ({q}) UNION ALL SELECT a FROM t")), None);
}

#[test]
fn views_that_use_others_twice_are_refused_in_time() {
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    connection.execute_batch("CREATE TABLE t(c); CREATE VIEW v0 AS SELECT c FROM t").unwrap();
    for i in 0..40 {
        let sql = format!("CREATE VIEW v{} AS SELECT a.c FROM v{i} a JOIN v{i} b ON a.c = b.c", i + 1);
        connection.execute_batch(&sql).unwrap();
    }
    let error = connection.prepare("SELECT count(*) FROM v40").map(|_| ()).unwrap_err();
    assert_eq!(error.message(), "views expand to too long a statement");
    connection.execute_batch("SELECT count(*) FROM v5").unwrap();
}
