//! The authorizer: what it is asked, in which order, and what its answers do.

use std::sync::{Arc, Mutex};

use turso_core::hooks::{AuthAction, AuthRequest, Authorization};

use crate::Pair;
use crate::support::run_ours;

/// One question as a line: action, then SQLite's four arguments.
fn show(request: &AuthRequest<'_>) -> String {
    let mut action = String::new();
    for c in format!("{:?}", request.action).chars() {
        if c.is_ascii_uppercase() && !action.is_empty() {
            action.push('_');
        }
        action.push(c.to_ascii_uppercase());
    }
    let part = |part: Option<&str>| part.unwrap_or("-").to_string();
    [action, part(request.first), part(request.second), part(request.database), part(request.object)].join(" ")
}

/// `authorizer.txt` was written by SQLite 3.54.1 for the statements of `authorizer.sql`. SQLite implements ALTER TABLE by SQL of its
/// own, which it asks for, too; we ask for the ALTER TABLE alone. Columns of ON come before those of the result here, and parts of a
/// compound from left to right.
#[test]
fn questions_come_in_sqlites_order() {
    let pair = Pair::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = log.clone();
    pair.ours.set_authorizer(Some(Arc::new(move |request: &AuthRequest<'_>| {
        told.lock().unwrap().push(show(request));
        Authorization::Allow
    })));
    let mut ours = String::new();
    for one in crate::statements(include_str!("authorizer.sql")) {
        for (_, error) in run_ours(&pair.ours, one) {
            assert_eq!(error, None, "{one}");
        }
        ours += &format!("-- {}\n", one.trim());
        for line in std::mem::take(&mut *log.lock().unwrap()) {
            ours += &format!("{line}\n");
        }
    }
    let theirs = include_str!("authorizer.txt");
    let mut differences = String::new();
    for (a, b) in ours.split("-- ").zip(theirs.split("-- ")) {
        if a != b {
            differences += &format!("ours: {a}theirs: {b}\n");
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

/// What the table does with its own tables is its own affair.
#[test]
fn virtual_tables_are_asked_about_as_others_are() {
    let pair = Pair::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = log.clone();
    pair.ours.set_authorizer(Some(Arc::new(move |request: &AuthRequest<'_>| {
        if matches!(request.first, Some("r" | "json_each")) {
            told.lock().unwrap().push(show(request));
        }
        Authorization::Allow
    })));
    let script = "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 2, 3); SELECT * FROM r WHERE x0 > 0;
        SELECT 1 FROM r; SELECT rowid FROM r; UPDATE r SET x0 = x1; DELETE FROM r WHERE id = 1; SELECT key FROM json_each('[]');
        CREATE TABLE t(a); SELECT a FROM t, json_each(a); DROP TABLE r; CREATE VIRTUAL TABLE temp.r USING rtree(id, x0, x1)";
    for one in crate::statements(script) {
        for (_, error) in run_ours(&pair.ours, one) {
            assert_eq!(error, None, "{one}");
        }
    }
    let asked = log.lock().unwrap().join("\n");
    let theirs = "CREATE_VTABLE r rtree main -\nINSERT r - main -\nREAD r id main -\nREAD r x0 main -\nREAD r x1 main -\n\
        READ r x0 main -\nREAD r  - -\nREAD r ROWID main -\nREAD r  - -\nREAD r x1 main -\nUPDATE r x0 main -\n\
        DELETE r - main -\nREAD r id main -\nREAD json_each key main -\nREAD json_each  - -\n\
        DROP_VTABLE r rtree main -\nDELETE r - main -\nCREATE_VTABLE r rtree temp -";
    assert_eq!(asked, theirs);
}

#[test]
fn a_virtual_table_is_neither_read_nor_changed_without_permission() {
    for action in [AuthAction::Read, AuthAction::Insert, AuthAction::Update, AuthAction::Delete, AuthAction::DropVtable]
    {
        let pair = Pair::new();
        run_ours(&pair.ours, "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)");
        pair.ours.set_authorizer(Some(Arc::new(move |request: &AuthRequest<'_>| {
            let refused = request.action == action && request.first == Some("r");
            if refused { Authorization::Deny } else { Authorization::Allow }
        })));
        let statement = match action {
            AuthAction::Read => "SELECT x0 FROM r",
            AuthAction::Insert => "INSERT INTO r VALUES (1, 2, 3)",
            AuthAction::Update => "UPDATE r SET x0 = 1",
            AuthAction::Delete => "DELETE FROM r",
            _ => "DROP TABLE r",
        };
        let text = match action {
            AuthAction::Read => "access to r.x0 is prohibited",
            _ => "not authorized",
        };
        let answers = run_ours(&pair.ours, statement);
        let error = answers.last().and_then(|(_, error)| error.as_deref());
        assert!(error.is_some_and(|error| error.ends_with(text)), "{statement}: {error:?}");
    }
}

/// Both engines give these answers: `answer(action, first, second)`.
fn answering(answer: fn(i32, Option<&str>, Option<&str>) -> Authorization) -> Pair {
    let mut pair = Pair::new();
    pair.same(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES (1, 2, 3), (4, 5, 6); CREATE TABLE u(x, y);
         CREATE VIEW v AS SELECT a, b FROM t; CREATE TRIGGER tr AFTER DELETE ON t BEGIN INSERT INTO u VALUES (old.a, old.b); END;
         INSERT INTO u VALUES ('x', 'y');",
    );
    pair.ours.set_authorizer(Some(Arc::new(move |r: &AuthRequest<'_>| answer(r.action as i32, r.first, r.second))));
    pair.theirs
        .authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
            use rusqlite::hooks::AuthAction as A;
            let (action, first, second): (AuthAction, Option<&str>, Option<&str>) = match context.action {
                A::Read { table_name, column_name } => (AuthAction::Read, Some(table_name), Some(column_name)),
                A::Select => (AuthAction::Select, None, None),
                A::Function { function_name } => (AuthAction::Function, None, Some(function_name)),
                A::Insert { table_name } => (AuthAction::Insert, Some(table_name), None),
                A::Update { table_name, column_name } => (AuthAction::Update, Some(table_name), Some(column_name)),
                A::Delete { table_name } => (AuthAction::Delete, Some(table_name), None),
                A::CreateTable { table_name } => (AuthAction::CreateTable, Some(table_name), None),
                A::DropTable { table_name } => (AuthAction::DropTable, Some(table_name), None),
                A::Pragma { pragma_name, pragma_value } => (AuthAction::Pragma, Some(pragma_name), pragma_value),
                A::Attach { filename } => (AuthAction::Attach, Some(filename), None),
                A::Transaction { .. } => (AuthAction::Transaction, None, None),
                _ => return rusqlite::hooks::Authorization::Allow,
            };
            match answer(action as i32, first, second) {
                Authorization::Deny => rusqlite::hooks::Authorization::Deny,
                Authorization::Ignore => rusqlite::hooks::Authorization::Ignore,
                _ => rusqlite::hooks::Authorization::Allow,
            }
        }))
        .unwrap();
    pair
}

const USES: &str = "
    SELECT a, b, c FROM t; SELECT b + 1 FROM t WHERE b > 1; SELECT count(*) FROM t; SELECT * FROM t; SELECT x.b FROM t AS x;
    SELECT * FROM v; SELECT upper('a'), abs(-1); SELECT 1; INSERT INTO t VALUES (7, 8, 9); UPDATE t SET b = 0, c = 0 WHERE a = 1;
    SELECT a, c FROM t; DELETE FROM t WHERE a = 4; DELETE FROM u; SELECT a FROM t; SELECT x FROM u; CREATE TABLE n(a); SELECT name FROM sqlite_schema; DROP TABLE u;
    SELECT (SELECT b FROM t LIMIT 1), 5; PRAGMA user_version; BEGIN; COMMIT; ATTACH ':memory:' AS other;
    UPDATE t SET c = b; SELECT max(b) FROM t;";

#[test]
fn reading_a_column_is_refused() {
    answering(|action, _, second| match (action, second) {
        (20, Some("b")) => Authorization::Deny,
        _ => Authorization::Allow,
    })
    .same(USES);
}

#[test]
fn a_column_reads_null() {
    answering(|action, _, second| match (action, second) {
        (20, Some("b")) => Authorization::Ignore,
        _ => Authorization::Allow,
    })
    .same(USES);
}

#[test]
fn functions_are_refused_or_null() {
    answering(|action, _, second| match (action, second) {
        (31, Some("upper")) => Authorization::Deny,
        (31, Some("abs")) => Authorization::Ignore,
        _ => Authorization::Allow,
    })
    .same("SELECT upper('a'); SELECT abs(-1), 2; SELECT lower('A'); SELECT upper(abs(1)); SELECT a FROM t WHERE abs(a) = 1;");
}

#[test]
fn changes_are_refused() {
    for action in [9, 18, 23, 21, 2, 11, 19, 22, 24] {
        static ACTION: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);
        ACTION.store(action, std::sync::atomic::Ordering::SeqCst);
        answering(|action, _, _| match action == ACTION.load(std::sync::atomic::Ordering::SeqCst) {
            true => Authorization::Deny,
            false => Authorization::Allow,
        })
        .same(USES);
    }
}

#[test]
fn what_is_ignored_does_nothing() {
    // DROP TABLE of what may not be deleted, and a query that may not be asked.
    answering(|action, first, _| match (action, first) {
        (9, Some("t" | "v")) | (11, Some("u")) => Authorization::Ignore,
        _ => Authorization::Allow,
    })
    .same("DROP TABLE t; DROP VIEW v; DROP TABLE u; SELECT name FROM sqlite_schema; SELECT * FROM v;");
    answering(|action, _, _| if action == 21 { Authorization::Ignore } else { Authorization::Allow })
        .same("SELECT * FROM t; SELECT count(*) FROM t; DELETE FROM t; INSERT INTO u VALUES (1, 2);");
}
