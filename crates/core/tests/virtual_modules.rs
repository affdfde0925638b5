//! A module of the application: everything that the engine asks of it, and when.

mod support;

use std::sync::{Arc, Mutex};

use support::run_ours;
use turso_core::functions::{Arity, Context, Function, FunctionDef, FunctionFlags, ScalarFunction};
use turso_core::vtab::{
    Answer, Argument, Arguments, Change, Connected, ConstraintOp, Cursor, Module, ModuleKind, OnConflict, Output,
    Overload, Question, Session, VirtualTable,
};
use turso_core::{Connection, Database, Error, OpenOptions, Result, ResultCode, Value};

type Log = Arc<Mutex<Vec<String>>>;
type Rows = Arc<Mutex<Vec<(i64, Vec<Value>)>>>;

/// `keep(columns…)`: a table in memory that writes down what it is asked.
struct Keep {
    log: Log,
    /// Where its tables look something up while they are asked how they would scan.
    asks: Option<Connection>,
}

#[derive(Clone)]
struct KeepTable {
    log: Log,
    asks: Option<Connection>,
    rows: Rows,
    saved: Arc<Mutex<Vec<Vec<(i64, Vec<Value>)>>>>,
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => r.to_string(),
        Value::Text(t) => format!("'{}'", String::from_utf8_lossy(t)),
        Value::Blob(b) => format!("{b:?}"),
    }
}

impl KeepTable {
    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }
}

impl Module for Keep {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Created
    }

    fn connect(&self, _: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        let Arguments { module, database, table, arguments, .. } = arguments;
        self.log.lock().unwrap().push(format!("connect {module} {database}.{table} {arguments:?}"));
        let rows = Rows::default();
        let table = KeepTable { log: self.log.clone(), asks: self.asks.clone(), rows, saved: Arc::default() };
        let mut connected =
            Connected::new(Arc::new(table), format!("CREATE TABLE x({}, secret HIDDEN)", arguments.join(",")));
        connected.keeps_constraints = true;
        Ok(connected)
    }
}

struct Shout;

impl ScalarFunction for Shout {
    fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        ctx.text(format!("{}!", show(&args[0])).as_bytes())
    }
}

impl VirtualTable for KeepTable {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        if let Some(connection) = &self.asks {
            self.note(format!("asks {:?}", run_ours(connection, "SELECT count(*) FROM t")));
        }
        let constraints: Vec<String> = question
            .constraints
            .iter()
            .map(|c| {
                let column = c.column.map_or("rowid".into(), |c| c.to_string());
                let value = c.value.as_ref().map_or("?".into(), show);
                let (usable, is_in) = (if c.usable { "" } else { "-" }, if c.is_in { " in" } else { "" });
                format!("{usable}{column} {:?}{is_in} {value}", c.op)
            })
            .collect();
        let order: Vec<String> = question.order_by.iter().map(|o| format!("{:?}{}", o.column, o.descending)).collect();
        self.note(format!(
            "ask [{}] order [{}] used {:b}",
            constraints.join(", "),
            order.join(","),
            question.columns_used
        ));
        for (i, constraint) in question.constraints.iter().enumerate() {
            if constraint.usable && constraint.column == Some(0) && constraint.op == ConstraintOp::Equal {
                answer.usage[i].argument = 1;
                answer.usage[i].omit = true;
                answer.usage[i].all_at_once = constraint.is_in;
                answer.number = 7;
                answer.text = Some("a".into());
                answer.cost = 10.0;
                break;
            }
        }
        if let (7, Some(i)) = (answer.number, question.constraints.iter().position(|c| c.op == ConstraintOp::Limit)) {
            answer.usage[i].argument = 2;
        }
        Ok(Some(answer))
    }

    fn plans_with_connection(&self) -> bool {
        self.asks.is_some()
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(KeepCursor { table: self.clone(), rows: Vec::new(), at: 0 }))
    }

    fn destroy(&self, _: &mut dyn Session) -> Result<()> {
        self.note("destroy".into());
        Ok(())
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn update(&self, _: &mut dyn Session, change: &Change<'_>, on_conflict: OnConflict) -> Result<i64> {
        let list = |values: &[Value]| values.iter().map(show).collect::<Vec<_>>().join(",");
        let mut rows = self.rows.lock().unwrap();
        match change {
            Change::Delete { key } => {
                self.note(format!("delete {}", show(key)));
                rows.retain(|(id, _)| Value::Integer(*id) != **key);
                Ok(0)
            }
            Change::Insert { rowid, columns } => {
                self.note(format!("insert {} [{}] {on_conflict:?}", show(rowid), list(columns)));
                let id = match rowid {
                    Value::Integer(id) => *id,
                    _ => rows.iter().map(|(id, _)| *id).max().unwrap_or(0) + 1,
                };
                if rows.iter().any(|(known, _)| *known == id) {
                    return Err(Error::new(ResultCode::CONSTRAINT_ROWID, "taken"));
                }
                rows.push((id, columns.to_vec()));
                Ok(id)
            }
            Change::Update { key, new_key, columns, .. } => {
                self.note(format!("update {} to {} [{}] {on_conflict:?}", show(key), show(new_key), list(columns)));
                for row in rows.iter_mut().filter(|(id, _)| Value::Integer(*id) == **key) {
                    row.1 = columns.to_vec();
                    if let Value::Integer(id) = new_key {
                        row.0 = *id;
                    }
                }
                Ok(0)
            }
        }
    }

    fn find_function(&self, name: &str, arguments: usize) -> Option<Overload> {
        if name != "match" || arguments != 2 {
            return None;
        }
        let def = FunctionDef::user_scalar("match", Arity::exactly(2), FunctionFlags::NONE, Arc::new(Shout));
        Some(Overload { function: Function::User(Arc::new(def)), constraint: 0 })
    }

    fn rename(&self, _: &mut dyn Session, name: &str) -> Result<()> {
        self.note(format!("rename {name}"));
        Ok(())
    }

    fn integrity(&self, _: &mut dyn Session, quick: bool) -> Result<Option<String>> {
        Ok((self.rows.lock().unwrap().len() > 3)
            .then(|| format!("too many rows{}", if quick { ", quickly" } else { "" })))
    }

    fn is_transactional(&self) -> bool {
        true
    }
    fn begin(&self, _: &mut dyn Session) -> Result<()> {
        self.note("begin".into());
        *self.saved.lock().unwrap() = vec![self.rows.lock().unwrap().clone()];
        Ok(())
    }
    fn sync(&self, _: &mut dyn Session) -> Result<()> {
        self.note("sync".into());
        Ok(())
    }
    fn commit(&self, _: &mut dyn Session) {
        self.note("commit".into());
    }
    fn rollback(&self, _: &mut dyn Session) {
        self.note("rollback".into());
        if let Some(rows) = self.saved.lock().unwrap().first() {
            *self.rows.lock().unwrap() = rows.clone();
        }
    }
    fn savepoint(&self, _: &mut dyn Session, level: i32) -> Result<()> {
        self.note(format!("savepoint {level}"));
        let mut saved = self.saved.lock().unwrap();
        saved.resize(level as usize + 1, Vec::new());
        saved.push(self.rows.lock().unwrap().clone());
        Ok(())
    }
    fn rollback_to(&self, _: &mut dyn Session, level: i32) -> Result<()> {
        self.note(format!("rollback to {level}"));
        if let Some(rows) = self.saved.lock().unwrap().get(level as usize + 1) {
            *self.rows.lock().unwrap() = rows.clone();
        }
        Ok(())
    }
}

struct KeepCursor {
    table: KeepTable,
    rows: Vec<(i64, Vec<Value>)>,
    at: usize,
}

impl Cursor for KeepCursor {
    fn filter(&mut self, _: &mut dyn Session, number: i32, text: Option<&str>, arguments: &[Argument]) -> Result<()> {
        self.table.note(format!("filter {number} {text:?} {arguments:?}"));
        self.at = 0;
        self.rows = self.table.rows.lock().unwrap().clone();
        self.rows.retain(|(_, columns)| match arguments.first() {
            None => true,
            Some(Argument::Value(value)) => columns[0] == *value,
            Some(Argument::Set(values)) => values.contains(&columns[0]),
            Some(Argument::Object(_)) => false,
        });
        if let Some(Argument::Value(Value::Integer(limit))) = arguments.get(1) {
            self.rows.truncate(*limit as usize);
        }
        Ok(())
    }
    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.at += 1;
        Ok(())
    }
    fn at_end(&self) -> bool {
        self.at >= self.rows.len()
    }
    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        if let Some(value) = self.rows[self.at].1.get(index) {
            output.value.assign(value.as_ref());
        }
        Ok(())
    }
    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.rows[self.at].0)
    }
    fn close(&mut self, _: &mut dyn Session) {
        self.table.note("close".into());
    }
}

fn setup() -> (Connection, Log) {
    let database = Database::open(":memory:", OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    let log = Log::default();
    connection.create_module("keep", Arc::new(Keep { log: log.clone(), asks: None })).unwrap();
    connection.execute_batch("CREATE VIRTUAL TABLE k USING keep(a, b)").unwrap();
    (connection, log)
}

/// Run a script; rows and errors come between what the module noted.
fn run(connection: &Connection, log: &Log, script: &str) -> Vec<String> {
    log.lock().unwrap().clear();
    let outcomes = run_ours(connection, script);
    let mut lines = std::mem::take(&mut *log.lock().unwrap());
    for (rows, error) in outcomes {
        lines.extend(rows.into_iter().map(|row| format!("= {row}")));
        lines.extend(error);
    }
    lines
}

#[test]
fn rows_are_changed_one_by_one() {
    let (connection, log) = setup();
    let lines = run(
        &connection,
        &log,
        "INSERT INTO k VALUES(1, 'x'), (2, 'y');
        INSERT INTO k(rowid, secret, a) VALUES(9, 's', 3) RETURNING rowid, a;
        UPDATE k SET b = a + 10, rowid = rowid + 1 WHERE a = 3; DELETE FROM k WHERE b = 'x';
        SELECT rowid, * FROM k; SELECT changes(), last_insert_rowid();",
    );
    let expected = [
        "begin",
        "insert NULL [1,'x',NULL] Abort",
        "insert NULL [2,'y',NULL] Abort",
        "sync",
        "commit",
        "begin",
        "insert 9 [3,NULL,'s'] Abort",
        "sync",
        "commit",
        "ask [0 Equal 3] order [] used 101",
        "begin",
        "filter 7 Some(\"a\") [Value(3)]",
        "update 9 to 10 [3,13,'s'] Abort",
        "close",
        "sync",
        "commit",
        "ask [1 Equal 'x'] order [] used 10",
        "begin",
        "filter 0 None []",
        "delete 1",
        "close",
        "sync",
        "commit",
        "ask [] order [] used 11",
        "filter 0 None []",
        "close",
        "= 9|3",
        "= 2|2|'y'",
        "= 10|3|13",
        "= 1|9",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn conflicts_and_savepoints_reach_the_table() {
    let (connection, log) = setup();
    let lines = run(
        &connection,
        &log,
        "INSERT INTO k(rowid, a) VALUES(1, 1); INSERT OR IGNORE INTO k(rowid, a) VALUES(1, 2), (2, 3);
        INSERT INTO k(rowid, a) VALUES(3, 4), (1, 5); SELECT rowid, a FROM k;
        BEGIN; DELETE FROM k; SAVEPOINT s; INSERT INTO k(a) VALUES(7); ROLLBACK TO s; SELECT count(*) FROM k; ROLLBACK;
        SELECT rowid, a FROM k; INSERT INTO k VALUES(1, 1) ON CONFLICT DO NOTHING; DELETE FROM k RETURNING *;",
    );
    let shown: Vec<&String> =
        lines.iter().filter(|l| !l.starts_with("ask") && !l.starts_with("filter") && *l != "close").collect();
    let expected = [
        "begin",
        "insert 1 [1,NULL,NULL] Abort",
        "sync",
        "commit",
        "begin",
        "insert 1 [2,NULL,NULL] Ignore",
        "insert 2 [3,NULL,NULL] Ignore",
        "sync",
        "commit",
        "begin",
        "insert 3 [4,NULL,NULL] Abort",
        "insert 1 [5,NULL,NULL] Abort",
        "rollback",
        "begin",
        "savepoint 0",
        "delete 1",
        "delete 2",
        "savepoint 0",
        "savepoint 1",
        "insert NULL [7,NULL,NULL] Abort",
        "rollback to 0",
        "rollback",
        "2579 taken",
        "= 1|1",
        "= 2|3",
        "= 0",
        "= 1|1",
        "= 2|3",
        "1 UPSERT not implemented for virtual table \"k\"",
        "1 DELETE RETURNING is not available on virtual tables",
    ];
    assert_eq!(shown, expected);
}

/// A table that has been created takes part in the transaction without being told that one begins; one that has been destroyed
/// hears of its end no more.
#[test]
fn created_tables_are_in_the_transaction_and_destroyed_ones_are_not() {
    let (connection, log) = setup();
    let lines = run(
        &connection,
        &log,
        "CREATE VIRTUAL TABLE c USING keep(a);
        INSERT INTO c VALUES(1);
        BEGIN;
        CREATE VIRTUAL TABLE d USING keep(a);
        INSERT INTO d VALUES(2);
        INSERT INTO k VALUES(3, 4);
        COMMIT;
        BEGIN;
        INSERT INTO k VALUES(5, 6);
        DROP TABLE k;
        ROLLBACK;
        BEGIN;
        CREATE VIRTUAL TABLE f USING keep(a);
        DROP TABLE f;
        CREATE VIRTUAL TABLE f USING keep(a);
        ROLLBACK;",
    );
    let shown: Vec<&String> = lines.iter().filter(|line| !line.starts_with("savepoint")).collect();
    let expected = [
        "connect keep main.c [\"a\"]",
        "sync",
        "commit",
        "begin",
        "insert NULL [1,NULL] Abort",
        "sync",
        "commit",
        "connect keep main.d [\"a\"]",
        "insert NULL [2,NULL] Abort",
        "begin",
        "insert NULL [3,4,NULL] Abort",
        "sync",
        "sync",
        "commit",
        "commit",
        "begin",
        "insert NULL [5,6,NULL] Abort",
        "destroy",
        "connect keep main.f [\"a\"]",
        "destroy",
        "connect keep main.f [\"a\"]",
        "rollback",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn the_planner_offers_what_it_knows() {
    let (connection, log) = setup();
    connection
        .execute_batch("INSERT INTO k VALUES(1, 'x'), (2, 'y'); CREATE TABLE t(z); INSERT INTO t VALUES(2)")
        .unwrap();
    let lines =
        run(&connection, &log, "SELECT b FROM k WHERE a IN (2, 1, 5) AND b LIKE 'x%' AND rowid <> 4 AND b IS NOT NULL");
    assert_eq!(
        lines,
        [
            "ask [0 Equal in ?, 1 IsNotNull ?, rowid NotEqual 4, 1 GreaterOrEqual 'X', 1 Less 'y', 1 Like 'x%'] order [] used 11",
            "filter 7 Some(\"a\") [Set([1, 2, 5])]",
            "close",
            "= 'x'",
        ]
    );
    let lines = run(&connection, &log, "SELECT b FROM t, k WHERE a = z ORDER BY b DESC");
    assert_eq!(
        lines,
        [
            "ask [0 Equal ?] order [Some(1)true] used 11",
            "ask [-0 Equal ?] order [Some(1)true] used 11",
            "filter 7 Some(\"a\") [Value(2)]",
            "close",
            "= 'y'",
        ]
    );
    let lines = run(&connection, &log, "SELECT a, b MATCH 'q' FROM k WHERE a + 0 = 2 ORDER BY rowid DESC, a");
    assert_eq!(
        lines,
        [
            "ask [] order [NoneTrue,Some(0)False] used 11".replace("True", "true").replace("False", "false").as_str(),
            "filter 0 None []",
            "close",
            "= 2|''q'!'"
        ]
    );
}

#[test]
fn a_limit_is_offered_where_every_row_counts() {
    let (connection, log) = setup();
    connection.execute_batch("INSERT INTO k VALUES(1, 'x'), (2, 'y'), (1, 'z'), (1, 'w')").unwrap();
    let asked = |sql: &str| {
        let lines = run(&connection, &log, sql);
        lines.into_iter().filter(|line| line != "close").collect::<Vec<_>>()
    };
    let taken = asked("SELECT b FROM k WHERE a = 1 LIMIT 2");
    assert_eq!(
        taken,
        [
            "ask [0 Equal 1, rowid Limit 2] order [] used 11",
            "filter 7 Some(\"a\") [Value(1), Value(2)]",
            "= 'x'",
            "= 'z'",
        ]
    );
    assert_eq!(
        asked("SELECT b FROM k WHERE a = 1 LIMIT (SELECT 2)")[0],
        "ask [0 Equal 1, rowid Limit ?] order [] used 11"
    );
    // What the table does not look at comes after it, and would lack rows.
    let filtered = asked("SELECT b FROM k WHERE a = 1 AND b LIKE 'w%' LIMIT 1");
    assert_eq!(
        filtered[0],
        "ask [0 Equal 1, 1 GreaterOrEqual 'W', 1 Less 'x', 1 Like 'w%', rowid Limit 1] order [] used 11"
    );
    assert_eq!(filtered[1], "ask [0 Equal 1, 1 GreaterOrEqual 'W', 1 Less 'x', 1 Like 'w%'] order [] used 11");
    assert_eq!(filtered.last().map(String::as_str), Some("= 'w'"));
    let sorted = asked("SELECT b FROM k WHERE a = 1 ORDER BY b LIMIT 1");
    assert_eq!(sorted[1], "ask [0 Equal 1] order [Some(1)false] used 11");
    assert_eq!(sorted.last().map(String::as_str), Some("= 'w'"));
    for sql in [
        "SELECT DISTINCT a FROM k WHERE a = 1 LIMIT 1",
        "SELECT count(*) FROM k WHERE a = 1 LIMIT 1",
        "SELECT b FROM k WHERE a = 1 LIMIT 1 OFFSET 1",
        "SELECT b FROM k WHERE a = 1 AND length(b) = 1 LIMIT 1",
        "SELECT b FROM k WHERE a = 1 ORDER BY length(b) LIMIT 1",
    ] {
        assert!(!asked(sql)[0].contains("Limit"), "{sql}");
    }
}

#[test]
fn a_table_may_use_its_connection_while_it_is_asked() {
    let (connection, log) = setup();
    let module = Keep { log: log.clone(), asks: Some(connection.clone()) };
    connection.create_module("asking", Arc::new(module)).unwrap();
    let script = "CREATE TABLE t(z); INSERT INTO t VALUES(1), (2); CREATE VIRTUAL TABLE a USING asking(b);
        INSERT INTO a VALUES(5)";
    connection.execute_batch(script).unwrap();
    let lines = run(&connection, &log, "SELECT b FROM a; BEGIN; DELETE FROM t WHERE z = 1; SELECT b FROM a; COMMIT");
    let expected = [
        "asks [([\"2\"], None)]",
        "ask [] order [] used 1",
        "filter 0 None []",
        "close",
        "asks [([\"1\"], None)]",
        "ask [] order [] used 1",
        "filter 0 None []",
        "close",
        "= 5",
        "= 5",
    ];
    let shown: Vec<&String> =
        lines.iter().filter(|line| line.starts_with(['a', 'f', '=']) || *line == "close").collect();
    assert_eq!(shown, expected);
    connection.remove_module("asking").unwrap();
}

#[test]
fn tables_are_renamed_checked_and_dropped() {
    let (connection, log) = setup();
    connection.execute_batch("INSERT INTO k VALUES(1, 'x'), (2, 'y'), (3, 'z'), (4, 'u')").unwrap();
    let lines = run(
        &connection,
        &log,
        "PRAGMA integrity_check; PRAGMA quick_check; ALTER TABLE k RENAME TO kk; SELECT sql FROM sqlite_schema;
        ALTER TABLE kk ADD COLUMN c; ALTER TABLE kk DROP COLUMN a; DROP TABLE kk; SELECT count(*) FROM sqlite_schema;",
    );
    assert_eq!(
        lines,
        [
            "rename kk",
            "connect keep main.kk [\"a\", \"b\"]",
            "destroy",
            "= 'too many rows'",
            "= 'too many rows, quickly'",
            "= 'CREATE VIRTUAL TABLE \"kk\" USING keep(a, b)'",
            "1 virtual tables may not be altered",
            "1 cannot drop column from virtual table \"kk\"",
            "= 0",
        ]
    );
}

#[test]
fn a_table_without_its_module_spoils_nothing_else() {
    let (connection, _) = setup();
    connection.remove_module("keep").unwrap();
    let outcomes = run_ours(
        &connection,
        "SELECT * FROM k; CREATE TABLE t(a); INSERT INTO t VALUES(1); SELECT * FROM t; ALTER TABLE t RENAME TO u;
        PRAGMA integrity_check; PRAGMA table_list(k); INSERT INTO k VALUES(1); DROP TABLE k; DROP TABLE u;",
    );
    let lines: Vec<String> = outcomes.into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error)).collect();
    assert_eq!(
        lines,
        [
            "1 no such module: keep",
            "1",
            "'ok'",
            "'main'|'k'|'virtual'|0|0|0",
            "1 no such module: keep",
            "1 no such module: keep",
        ]
    );
}
