//! Changesets made in another database: conflicts, what answers do, what waits for what.

use turso_core::hooks::{AuthAction, AuthRequest, Authorization};
use turso_core::{Connection, Database, OpenOptions, ResultCode, StepResult, Value};
use turso_session::{
    ApplyOptions, Change, Conflict, ConflictKind, Handler, Input, Operation, Resolution, Session, apply,
};

fn connect(sql: &str) -> Connection {
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

fn record(setup: &str, sql: &str) -> Vec<u8> {
    let connection = connect(setup);
    let session = Session::new(&connection, "main");
    session.attach(None);
    connection.execute_batch(sql).unwrap();
    session.changeset().unwrap()
}

fn rows(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    let mut out = Vec::new();
    while statement.step().unwrap() == StepResult::Row {
        let values = statement.row().iter().map(|value| match value {
            Value::Null => "NULL".into(),
            Value::Integer(i) => i.to_string(),
            other => String::from_utf8_lossy(other.bytes().unwrap_or_default()).into_owned(),
        });
        out.push(values.collect::<Vec<_>>().join(","));
    }
    out.join(" ")
}

/// Notes what it is asked, and always answers the same where that can be answered.
struct Answers {
    answer: Option<Resolution>,
    asked: Vec<String>,
    warnings: Vec<String>,
    table: fn(&[u8]) -> bool,
    change: fn(&Change) -> bool,
}

impl Handler for Answers {
    fn wants_table(&mut self, name: &[u8]) -> bool {
        (self.table)(name)
    }

    fn wants_change(&mut self, change: &Change) -> bool {
        (self.change)(change)
    }

    fn resolve(&mut self, conflict: &Conflict<'_>) -> Option<Resolution> {
        let operation = conflict.change.map_or_else(String::new, |change| format!(" {:?}", change.operation));
        let row = conflict.row.map_or_else(String::new, |row| format!(" in the way: {row:?}"));
        self.asked.push(format!("{:?}{operation}{row}", conflict.kind));
        match (self.answer, conflict.kind) {
            (Some(Resolution::Replace), ConflictKind::Data | ConflictKind::Conflict) => Some(Resolution::Replace),
            (Some(Resolution::Replace), _) => Some(Resolution::Omit),
            (answer, _) => answer,
        }
    }

    fn table_does_not_fit(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

fn answering(answer: Option<Resolution>) -> Answers {
    Answers { answer, asked: Vec::new(), warnings: Vec::new(), table: |_| true, change: |_| true }
}

fn run(
    target: &Connection,
    changeset: &[u8],
    options: ApplyOptions,
    answers: &mut Answers,
) -> Result<Vec<u8>, ResultCode> {
    apply(target, Input::whole(changeset), options, answers).map_err(|error| error.code())
}

const BASE: &str = "CREATE TABLE t(a PRIMARY KEY, b, c); INSERT INTO t VALUES(1, 1, 1), (2, 2, 2), (3, 3, 3);";

fn changes() -> Vec<u8> {
    record(
        BASE,
        "UPDATE t SET b = 10 WHERE a = 1; DELETE FROM t WHERE a = 2; INSERT INTO t VALUES(4, 'x', NULL); UPDATE t SET c = 9, b = 8 WHERE a = 3",
    )
}

const CONFLICTING: &str = "CREATE TABLE t(a PRIMARY KEY, b, c); INSERT INTO t VALUES(1, 5, 1), (2, 2, 5), (4, 4, 4)";

#[test]
fn without_conflicts_the_changes_are_made() {
    let target = connect(BASE);
    let mut answers = answering(Some(Resolution::Abort));
    assert_eq!(run(&target, &changes(), ApplyOptions::default(), &mut answers), Ok(Vec::new()));
    assert_eq!(rows(&target, "SELECT * FROM t"), "1,10,1 3,8,9 4,x,NULL");
    let invert = ApplyOptions { invert: true, ..Default::default() };
    assert_eq!(run(&target, &changes(), invert, &mut answers), Ok(Vec::new()));
    assert_eq!(rows(&target, "SELECT * FROM t ORDER BY a"), "1,1,1 2,2,2 3,3,3");
}

#[test]
fn conflicts_are_asked_about_and_answers_followed() {
    let asked = [
        "Data Update in the way: [1, 5, 1]",
        "Data Delete in the way: [2, 2, 5]",
        "NotFound Update",
        "Conflict Insert in the way: [4, 4, 4]",
    ];
    for (answer, expected, after) in [
        (Some(Resolution::Omit), None, "1,5,1 2,2,5 4,4,4"),
        (Some(Resolution::Replace), None, "1,10,1 4,x,NULL"),
        (Some(Resolution::Abort), Some(ResultCode::ABORT), "1,5,1 2,2,5 4,4,4"),
        (None, Some(ResultCode::MISUSE), "1,5,1 2,2,5 4,4,4"),
    ] {
        let target = connect(CONFLICTING);
        let mut answers = answering(answer);
        let outcome = run(&target, &changes(), ApplyOptions::default(), &mut answers);
        assert_eq!(outcome.as_ref().err(), expected.as_ref());
        assert_eq!(rows(&target, "SELECT * FROM t ORDER BY a"), after);
        let known = if expected.is_some() { &asked[..1] } else { &asked[..] };
        assert_eq!(answers.asked, known);
        assert!(target.is_autocommit());
    }
}

#[test]
fn the_rebase_blob_tells_how_conflicts_were_resolved() {
    let target = connect(CONFLICTING);
    let blob = run(&target, &changes(), ApplyOptions::default(), &mut answering(Some(Resolution::Replace))).unwrap();
    let number = |i: u8| [1, 0, 0, 0, 0, 0, 0, 0, i];
    let expected: [&[u8]; 17] = [
        b"T\x03\x01\0\0t\0",
        &[18, 1],
        &number(1),
        &number(10),
        &[0],
        &[9, 1],
        &number(2),
        &number(2),
        &number(2),
        &[18, 0],
        &number(3),
        &number(8),
        &number(9),
        &[18, 1],
        &number(4),
        b"\x03\x01x",
        &[5],
    ];
    assert_eq!(blob, expected.concat());
}

#[test]
fn tables_that_do_not_fit_are_left_out_with_a_warning() {
    for (sql, warning) in [
        ("CREATE TABLE x(a)", "no such table: t"),
        ("CREATE TABLE t(a PRIMARY KEY, b)", "table t has 2 columns, expected 3 or more"),
        ("CREATE TABLE t(a, b PRIMARY KEY, c)", "primary key mismatch for table t"),
        ("CREATE VIEW t AS SELECT 1 AS a", "table t has 2 columns, expected 3 or more"),
    ] {
        let mut answers = answering(Some(Resolution::Abort));
        assert_eq!(run(&connect(sql), &changes(), ApplyOptions::default(), &mut answers), Ok(Vec::new()));
        assert_eq!(answers.warnings, [format!("sqlite3changeset_apply(): {warning}")]);
    }
    let wider = connect("CREATE TABLE t(a PRIMARY KEY, b, c, d DEFAULT 7)");
    run(&wider, &changes(), ApplyOptions::default(), &mut answering(Some(Resolution::Omit))).unwrap();
    assert_eq!(rows(&wider, "SELECT * FROM t"), "4,x,NULL,7");
}

#[test]
fn filters_leave_tables_and_changes_out() {
    let target = connect(BASE);
    let mut answers = Answers { table: |name| name != b"t", ..answering(Some(Resolution::Abort)) };
    run(&target, &changes(), ApplyOptions::default(), &mut answers).unwrap();
    assert_eq!(rows(&target, "SELECT * FROM t"), "1,1,1 2,2,2 3,3,3");
    let mut answers =
        Answers { change: |change| change.operation == Operation::Delete, ..answering(Some(Resolution::Abort)) };
    run(&target, &changes(), ApplyOptions::default(), &mut answers).unwrap();
    assert_eq!(rows(&target, "SELECT * FROM t"), "1,1,1 3,3,3");
}

#[test]
fn what_a_constraint_stops_is_tried_again() {
    let unique =
        "CREATE TABLE t(a PRIMARY KEY, b UNIQUE NOT NULL); INSERT INTO t VALUES(1, 1), (2, 2), (3, 3), (4, 4);";
    for sql in [
        // A chain, and a ring that only somebody who steps aside can open.
        "DELETE FROM t WHERE a = 4; UPDATE t SET b = 4 WHERE a = 3; UPDATE t SET b = 3 WHERE a = 2",
        "UPDATE t SET b = -b; UPDATE t SET b = a % 4 + 1",
    ] {
        let (source, target) = (connect(&format!("{unique}{sql}")), connect(unique));
        let mut answers = answering(Some(Resolution::Abort));
        assert_eq!(run(&target, &record(unique, sql), ApplyOptions::default(), &mut answers), Ok(Vec::new()));
        assert_eq!(rows(&target, "SELECT * FROM t ORDER BY a"), rows(&source, "SELECT * FROM t ORDER BY a"));
    }
    let ring = record(unique, "UPDATE t SET b = -b; UPDATE t SET b = a % 4 + 1");
    let (target, mut answers) = (connect(unique), answering(Some(Resolution::Omit)));
    run(&target, &ring, ApplyOptions { no_update_loops: true, ..Default::default() }, &mut answers).unwrap();
    assert_eq!(answers.asked, ["Constraint Update"; 4]);
    assert_eq!(rows(&target, "SELECT * FROM t"), "1,1 2,2 3,3 4,4");
}

#[test]
fn a_row_stays_when_what_should_replace_it_cannot_be_inserted() {
    let sql = "CREATE TABLE t(a PRIMARY KEY, b UNIQUE);";
    let changeset = record(sql, "INSERT INTO t VALUES(1, 'taken')");
    let target = connect(&format!("{sql} INSERT INTO t VALUES(1, 'here'), (2, 'taken')"));
    let mut answers = answering(Some(Resolution::Replace));
    run(&target, &changeset, ApplyOptions::default(), &mut answers).unwrap();
    assert_eq!(answers.asked.len(), 2);
    assert_eq!(answers.asked[1], "Constraint Insert");
    assert_eq!(rows(&target, "SELECT * FROM t ORDER BY a"), "1,here 2,taken");
}

#[test]
fn broken_foreign_keys_are_asked_about_at_the_end() {
    let sql = "PRAGMA foreign_keys = 1; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x PRIMARY KEY, y REFERENCES p ON DELETE CASCADE);";
    let full = format!("{sql} INSERT INTO p VALUES(1), (2); INSERT INTO c VALUES(1, 1), (2, 2)");
    let orphan = record(&format!("{sql} INSERT INTO p VALUES(1)"), "INSERT INTO c VALUES(7, 1)");
    for (answer, outcome, after) in
        [(Resolution::Omit, Ok(Vec::new()), "7,1"), (Resolution::Abort, Err(ResultCode::CONSTRAINT), "")]
    {
        let target = connect(sql);
        let mut answers = answering(Some(answer));
        assert_eq!(run(&target, &orphan, ApplyOptions::default(), &mut answers), outcome);
        assert_eq!(answers.asked, ["ForeignKey"]);
        assert_eq!(rows(&target, "SELECT * FROM c"), after);
        assert!(target.is_autocommit());
    }
    // The cascade of the target removes the child before its own DELETE comes, unless actions are left out.
    let deleted = record(&full, "DELETE FROM p WHERE a = 1");
    for (no_foreign_key_actions, asked) in [(false, vec!["NotFound Delete"]), (true, vec![])] {
        let (target, mut answers) = (connect(&full), answering(Some(Resolution::Omit)));
        run(&target, &deleted, ApplyOptions { no_foreign_key_actions, ..Default::default() }, &mut answers).unwrap();
        assert_eq!(
            (answers.asked, rows(&target, "SELECT * FROM c")),
            (asked.iter().map(|s| s.to_string()).collect(), "2,2".into())
        );
        target.execute_batch("DELETE FROM p").unwrap();
        assert_eq!(rows(&target, "SELECT * FROM c"), "");
    }
}

#[test]
fn changes_that_are_there_already_are_no_conflicts_if_so_asked() {
    let target = connect(BASE);
    run(&target, &changes(), ApplyOptions::default(), &mut answering(None)).unwrap();
    let mut answers = answering(Some(Resolution::Omit));
    run(&target, &changes(), ApplyOptions { ignore_no_ops: true, ..Default::default() }, &mut answers).unwrap();
    assert_eq!(answers.asked, Vec::<String>::new());
    run(&target, &changes(), ApplyOptions::default(), &mut answers).unwrap();
    assert_eq!(answers.asked.len(), 4);
}

#[test]
fn a_failure_undoes_everything_unless_told_otherwise() {
    for (no_savepoint, after) in [(false, "1,1,1 2,2,2 3,3,3"), (true, "1,10,1 2,2,2 3,3,3")] {
        let target = connect(BASE);
        target
            .execute_batch("BEGIN; CREATE TRIGGER r BEFORE DELETE ON t BEGIN SELECT zeroblob(5000000000); END")
            .unwrap();
        let options = ApplyOptions { no_savepoint, ..Default::default() };
        let outcome = run(&target, &changes(), options, &mut answering(Some(Resolution::Omit)));
        assert_eq!(outcome, Err(ResultCode::TOOBIG));
        assert_eq!(rows(&target, "SELECT * FROM t"), after);
        assert!(!target.is_autocommit());
    }
}

#[test]
fn an_update_without_a_key_is_damaged() {
    // Two UPDATEs of `t(a, b)`: `b` becomes 5 where `a` is 1, and 9 where nothing is said of `a`.
    let mut changes = b"T\x02\x01\0t\0".to_vec();
    let integer = |changes: &mut Vec<u8>, value: i64| {
        changes.push(1);
        changes.extend(value.to_be_bytes());
    };
    changes.extend([23, 0]);
    integer(&mut changes, 1);
    changes.extend([0, 0]);
    integer(&mut changes, 5);
    changes.extend([23, 0, 0, 0, 0]);
    integer(&mut changes, 9);
    let connection = connect("CREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES (1, 0)");
    let mut answers = answering(Some(Resolution::Omit));
    let options = ApplyOptions { no_savepoint: true, ..ApplyOptions::default() };
    let failure = apply(&connection, Input::whole(&changes), options, &mut answers).unwrap_err();
    assert_eq!(failure.code(), ResultCode::CORRUPT);
    assert_eq!(rows(&connection, "SELECT * FROM t"), "1,5");
}

#[test]
fn a_failure_before_the_first_change_leaves_no_savepoint() {
    let connection = connect("CREATE TABLE t(a PRIMARY KEY, b, c)");
    connection.set_authorizer(Some(std::sync::Arc::new(|request: &AuthRequest<'_>| match request.action {
        AuthAction::Pragma => Authorization::Deny,
        _ => Authorization::Allow,
    })));
    let mut answers = answering(Some(Resolution::Omit));
    let failure = apply(&connection, Input::whole(&changes()), ApplyOptions::default(), &mut answers).unwrap_err();
    assert_eq!(failure.code(), ResultCode::AUTH);
    assert!(connection.is_autocommit());
}
