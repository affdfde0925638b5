//! The cases of the Hermitage suite (which anomalies an isolation level lets through), for both levels of concurrent transactions.
//!
//! A script is a list of steps: which transaction, what it runs, and what comes of it (rows, `ok`, or `conflict`).

use turso_core::{Connection, Database, OpenOptions, ResultCode, StepResult, Value};

const BEGIN: &str = "BEGIN CONCURRENT";

fn run(c: &Connection, sql: &str) -> String {
    let mut rows = Vec::new();
    let outcome = (|| {
        let mut statement = c.prepare(sql)?.statement.expect("a statement");
        while statement.step()? == StepResult::Row {
            let show = |value: &Value| match value {
                Value::Integer(i) => i.to_string(),
                other => format!("{other:?}"),
            };
            rows.push(statement.row().iter().map(show).collect::<Vec<_>>().join("="));
        }
        Ok::<_, turso_core::Error>(())
    })();
    match outcome {
        Ok(()) if rows.is_empty() => "ok".into(),
        Ok(()) => rows.join(" "),
        Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT => "conflict".into(),
        Err(error) => error.message().to_owned(),
    }
}

fn check(name: &str, isolation: &str, steps: &[(usize, &str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let database = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let connections: Vec<Connection> = (0..3).map(|_| database.connect().unwrap()).collect();
    connections[0]
        .execute_batch("CREATE TABLE test(id INTEGER PRIMARY KEY, value); INSERT INTO test VALUES(1, 10), (2, 20)")
        .unwrap();
    for c in &connections {
        c.execute_batch(format!("PRAGMA synchronous = OFF; PRAGMA concurrent_isolation = {isolation}")).unwrap();
    }
    for (at, (who, sql, wanted)) in steps.iter().enumerate() {
        assert_eq!(run(&connections[*who], sql), *wanted, "{name}, {isolation}, step {at}: {sql}");
    }
    drop(connections);
    drop(database);
}

const ALL: &str = "SELECT id, value FROM test";

#[test]
fn dirty_writes_and_dirty_reads_do_not_happen() {
    for isolation in ["snapshot", "serializable"] {
        check(
            "g0",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (0, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
                (1, "UPDATE test SET value = 12 WHERE id = 1", "ok"),
                (0, "UPDATE test SET value = 21 WHERE id = 2", "ok"),
                (0, "COMMIT", "ok"),
                (2, ALL, "1=11 2=21"),
                (1, "UPDATE test SET value = 22 WHERE id = 2", "ok"),
                (1, "COMMIT", "conflict"),
                (2, ALL, "1=11 2=21"),
            ],
        );
        check(
            "g1a",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (0, "UPDATE test SET value = 101 WHERE id = 1", "ok"),
                (1, ALL, "1=10 2=20"),
                (0, "ROLLBACK", "ok"),
                (1, ALL, "1=10 2=20"),
                (1, "COMMIT", "ok"),
            ],
        );
        check(
            "g1b",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (0, "UPDATE test SET value = 101 WHERE id = 1", "ok"),
                (1, ALL, "1=10 2=20"),
                (0, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
                (0, "COMMIT", "ok"),
                (1, ALL, "1=10 2=20"),
                (1, "COMMIT", "ok"),
            ],
        );
    }
}

#[test]
fn circular_flow_shows_nothing_uncommitted() {
    let steps = |last: &'static str| {
        [
            (0, BEGIN, "ok"),
            (1, BEGIN, "ok"),
            (0, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
            (1, "UPDATE test SET value = 22 WHERE id = 2", "ok"),
            (0, "SELECT value FROM test WHERE id = 2", "20"),
            (1, "SELECT value FROM test WHERE id = 1", "10"),
            (0, "COMMIT", "ok"),
            (1, "COMMIT", last),
        ]
    };
    // Under snapshot isolation each reads what was there before both: write skew, which only the other level excludes.
    check("g1c", "snapshot", &steps("ok"));
    check("g1c", "serializable", &steps("conflict"));
}

#[test]
fn an_observed_transaction_does_not_vanish_and_predicates_see_one_state() {
    for isolation in ["snapshot", "serializable"] {
        check(
            "otv",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (2, BEGIN, "ok"),
                (0, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
                (0, "UPDATE test SET value = 19 WHERE id = 2", "ok"),
                (1, "UPDATE test SET value = 12 WHERE id = 1", "ok"),
                (0, "COMMIT", "ok"),
                (2, ALL, "1=10 2=20"),
                (1, "COMMIT", "conflict"),
                (2, ALL, "1=10 2=20"),
                (2, "COMMIT", "ok"),
                (2, ALL, "1=11 2=19"),
            ],
        );
        check(
            "pmp",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (0, "SELECT id FROM test WHERE value = 30", "ok"),
                (1, "INSERT INTO test VALUES(3, 30)", "ok"),
                (1, "COMMIT", "ok"),
                (0, "SELECT id FROM test WHERE value % 3 = 0", "ok"),
                (0, "COMMIT", "ok"),
            ],
        );
    }
}

#[test]
fn updates_are_not_lost() {
    for isolation in ["snapshot", "serializable"] {
        check(
            "p4",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (0, "SELECT value FROM test WHERE id = 1", "10"),
                (1, "SELECT value FROM test WHERE id = 1", "10"),
                (0, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
                (1, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
                (0, "COMMIT", "ok"),
                (1, "COMMIT", "conflict"),
                (1, "ROLLBACK", "ok"),
                (1, ALL, "1=11 2=20"),
            ],
        );
    }
}

#[test]
fn reads_are_not_skewed() {
    for isolation in ["snapshot", "serializable"] {
        check(
            "g_single",
            isolation,
            &[
                (0, BEGIN, "ok"),
                (1, BEGIN, "ok"),
                (0, "SELECT value FROM test WHERE id = 1", "10"),
                (1, "UPDATE test SET value = 12 WHERE id = 1", "ok"),
                (1, "UPDATE test SET value = 18 WHERE id = 2", "ok"),
                (1, "COMMIT", "ok"),
                (0, "SELECT value FROM test WHERE id = 2", "20"),
                (0, "DELETE FROM test WHERE value = 20", "ok"),
                (0, "COMMIT", "conflict"),
            ],
        );
    }
}

#[test]
fn write_skew_is_excluded_by_the_serializable_level_alone() {
    let items = |last: &'static str| {
        [
            (0, BEGIN, "ok"),
            (1, BEGIN, "ok"),
            (0, ALL, "1=10 2=20"),
            (1, ALL, "1=10 2=20"),
            (0, "UPDATE test SET value = 11 WHERE id = 1", "ok"),
            (1, "UPDATE test SET value = 21 WHERE id = 2", "ok"),
            (0, "COMMIT", "ok"),
            (1, "COMMIT", last),
        ]
    };
    check("g2_item", "snapshot", &items("ok"));
    check("g2_item", "serializable", &items("conflict"));
    let predicates = |last: &'static str| {
        [
            (0, BEGIN, "ok"),
            (1, BEGIN, "ok"),
            (0, "SELECT id FROM test WHERE value % 3 = 0", "ok"),
            (1, "SELECT id FROM test WHERE value % 3 = 0", "ok"),
            (0, "INSERT INTO test VALUES(3, 30)", "ok"),
            (1, "INSERT INTO test VALUES(4, 42)", "ok"),
            (0, "COMMIT", "ok"),
            (1, "COMMIT", last),
        ]
    };
    check("g2", "snapshot", &predicates("ok"));
    check("g2", "serializable", &predicates("conflict"));
}
