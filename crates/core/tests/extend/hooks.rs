//! Hooks: their order, their arguments, what they decide.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::hooks::Action;
use turso_core::Value;
use turso_core::hooks::{Preupdate, RowAction};

use crate::Pair;

type Log = Arc<Mutex<Vec<String>>>;

/// Both engines with every hook writing to a log.
struct Hooked {
    pair: Pair,
    ours: Log,
    theirs: Log,
    veto: Arc<AtomicBool>,
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(t) => format!("'{}'", String::from_utf8_lossy(t)),
        Value::Blob(b) => format!("x{b:?}"),
    }
}

fn name(action: RowAction) -> &'static str {
    match action {
        RowAction::Insert => "insert",
        RowAction::Update => "update",
        RowAction::Delete => "delete",
    }
}

fn their_name(action: Action) -> &'static str {
    match action {
        Action::SQLITE_INSERT => "insert",
        Action::SQLITE_UPDATE => "update",
        Action::SQLITE_DELETE => "delete",
        _ => "?",
    }
}

impl Hooked {
    fn new(preupdate: bool) -> Self {
        let mut pair = Pair::new();
        let (ours, theirs) = (Log::default(), Log::default());
        let veto = Arc::new(AtomicBool::new(false));
        let push = |log: &Log| {
            let log = log.clone();
            move |line: String| log.lock().unwrap().push(line)
        };
        let (mine, his) = (push(&ours), push(&theirs));
        pair.ours.set_update_hook(Some(Arc::new(move |action, db, table, rowid| {
            mine(format!("{} {db}.{table} {rowid}", name(action)));
        })));
        pair.theirs
            .update_hook(Some(move |action: Action, db: &str, table: &str, rowid: i64| {
                his(format!("{} {db}.{table} {rowid}", their_name(action)));
            }))
            .unwrap();
        let (mine, his) = (push(&ours), push(&theirs));
        let (refuse, refuse_theirs) = (veto.clone(), veto.clone());
        pair.ours.set_commit_hook(Some(Arc::new(move || {
            mine("commit".into());
            refuse.load(Ordering::Relaxed)
        })));
        pair.theirs
            .commit_hook(Some(move || {
                his("commit".into());
                refuse_theirs.load(Ordering::Relaxed)
            }))
            .unwrap();
        let (mine, his) = (push(&ours), push(&theirs));
        pair.ours.set_rollback_hook(Some(Arc::new(move || mine("rollback".into()))));
        pair.theirs.rollback_hook(Some(move || his("rollback".into()))).unwrap();
        if preupdate {
            let mine = push(&ours);
            pair.ours.set_preupdate_hook(Some(Arc::new(move |row: &Preupdate<'_>| {
                let list = |values: &[Value]| values.iter().map(show).collect::<Vec<_>>().join(",");
                mine(format!(
                    "pre {} {}.{} {} {} depth {} [{}] [{}]",
                    name(row.action),
                    row.database,
                    row.table,
                    row.old_rowid,
                    row.new_rowid,
                    row.depth,
                    list(row.old),
                    list(row.new)
                ));
            })));
        }
        Hooked { pair, ours, theirs, veto }
    }

    /// Both run the script with the same rows, errors and calls of hooks, statement by statement.
    #[track_caller]
    fn same(&self, script: &str) {
        for one in crate::statements(script) {
            self.pair.same(one);
            let ours = std::mem::take(&mut *self.ours.lock().unwrap());
            let theirs = std::mem::take(&mut *self.theirs.lock().unwrap());
            assert_eq!(ours, theirs, "ours, theirs of: {one}");
        }
    }
}

const CHANGES: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, r REAL DEFAULT 1.5, g AS (a || 'g'), s AS (a || 's') STORED);
    INSERT INTO t(a) VALUES ('x'), ('y'), ('z');
    INSERT INTO t(id, a, r) VALUES (10, 'q', 3);
    UPDATE t SET r = r + 1 WHERE a >= 'y';
    UPDATE t SET id = id + 100 WHERE a = 'x';
    UPDATE t SET id = id WHERE a = 'x';
    UPDATE t SET a = a;
    REPLACE INTO t(id, a) VALUES (2, 'z');
    INSERT OR REPLACE INTO t(a) VALUES ('q');
    INSERT OR IGNORE INTO t(a) VALUES ('q');
    INSERT INTO t(a) VALUES ('q') ON CONFLICT(a) DO UPDATE SET r = 99;
    INSERT INTO t(a) VALUES ('q') ON CONFLICT DO NOTHING;
    INSERT INTO t(a) VALUES ('n1'), ('q');
    DELETE FROM t WHERE a = 'q';
    CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    INSERT INTO w VALUES ('a', 1), ('b', 2);
    UPDATE w SET v = 5 WHERE k = 'a';
    UPDATE w SET k = 'c' WHERE k = 'a';
    REPLACE INTO w VALUES ('c', 9);
    DELETE FROM w WHERE k = 'b';
    CREATE TABLE log(x);
    CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); UPDATE w SET v = new.id; END;
    CREATE TRIGGER tr2 AFTER INSERT ON log BEGIN DELETE FROM log WHERE x = 'old'; INSERT INTO w VALUES (new.x, 1); END;
    INSERT INTO t(a) VALUES ('t1'), ('old');
    CREATE TABLE parent(p PRIMARY KEY); CREATE TABLE child(c REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL);
    PRAGMA foreign_keys = ON;
    INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1), (1), (2);
    DELETE FROM parent WHERE p = 1; UPDATE parent SET p = 3;
    CREATE TABLE auto(i INTEGER PRIMARY KEY AUTOINCREMENT, x);
    INSERT INTO auto(x) VALUES (1), (2);
    DELETE FROM auto;
    DELETE FROM log;
    DELETE FROM w;
    CREATE TABLE copy AS SELECT id, a FROM t ORDER BY id;
    ALTER TABLE copy ADD COLUMN late DEFAULT 'd';
    UPDATE copy SET a = 'new' WHERE id = 2;
    CREATE INDEX ci ON copy(a);
    UPDATE copy SET a = 'newer' WHERE id = 2;
    INSERT INTO copy SELECT id + 1000, a, 1 FROM copy;
    DELETE FROM copy WHERE id > 1000;
    CREATE TEMP TABLE tmp(a); INSERT INTO tmp VALUES (1); UPDATE tmp SET a = 2;
    BEGIN; INSERT INTO copy VALUES (1, 2, 3); ROLLBACK;
    BEGIN; ROLLBACK; BEGIN; COMMIT; BEGIN; SELECT 1; COMMIT;
    BEGIN; INSERT INTO copy VALUES (1, 2, 3); SAVEPOINT s; INSERT INTO copy VALUES (2, 2, 3); ROLLBACK TO s; RELEASE s; COMMIT;
    SAVEPOINT o; INSERT INTO copy VALUES (5, 5, 5); RELEASE o;
    SAVEPOINT o; INSERT INTO copy VALUES (6, 5, 5); ROLLBACK TO o; RELEASE o;
    INSERT OR ROLLBACK INTO t(a) VALUES ('n2'), ('n2');
    BEGIN; INSERT OR ROLLBACK INTO t(a) VALUES ('n2'), ('n2');
    BEGIN; INSERT OR FAIL INTO t(a) VALUES ('n3'), ('n3'); COMMIT;
    DROP TABLE copy;
    PRAGMA user_version = 5;
";

#[test]
fn row_hooks_are_called_as_in_sqlite() {
    Hooked::new(false).same(CHANGES);
}

#[test]
fn preupdate_sees_the_values_before_and_after() {
    let hooked = Hooked::new(true);
    let mut told = String::new();
    for one in crate::statements(CHANGES) {
        crate::support::run_ours(&hooked.pair.ours, one);
        told += &format!("-- {}\n", one.trim());
        for line in std::mem::take(&mut *hooked.ours.lock().unwrap()) {
            told += &format!("{line}\n");
        }
    }
    assert_eq!(told, include_str!("preupdate.txt"));
}

#[test]
fn a_commit_can_be_refused() {
    let hooked = Hooked::new(false);
    hooked.same("CREATE TABLE t(a)");
    hooked.veto.store(true, Ordering::Relaxed);
    hooked.same(
        "INSERT INTO t VALUES (1); SELECT * FROM t; BEGIN; INSERT INTO t VALUES (2); COMMIT; SELECT * FROM t;
         BEGIN; SELECT * FROM t; COMMIT; SAVEPOINT s; INSERT INTO t VALUES (3); RELEASE s; SELECT * FROM t;
         CREATE TABLE u(a); SELECT name FROM sqlite_schema; SELECT changes(), total_changes();",
    );
    hooked.veto.store(false, Ordering::Relaxed);
    hooked.same(
        "INSERT INTO t VALUES (4); SELECT * FROM t; SELECT changes(), total_changes(); RELEASE s; SELECT * FROM t;",
    );
}
