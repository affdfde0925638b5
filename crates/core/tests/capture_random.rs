//! Replaying what was captured, from an empty database, gives the same database, the counters of AUTOINCREMENT among it: over
//! generated histories with DDL, triggers, foreign-key actions, transactions, savepoints and statements that fail.
//!
//! `CAPTURE_HISTORIES=100000 cargo nextest run --cargo-profile quick -p turso_core --test capture_random` runs more of
//! them, `CAPTURE_SEED=n` one alone, with its script and its captured rows printed.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use support::run_ours;
use turso_core::{Connection, Database, OpenOptions, StepResult, Value};
use turso_value::{RecordReader, TextEncoding};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const TABLES: [&str; 4] = ["t", "u", "w", "\"x y\""];
const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];

fn literal(r: &mut Random) -> String {
    match r.below(8) {
        0 => "NULL".into(),
        1 => format!("'{}'", r.pick(&["", "x", "it''s", "long text that is longer than the others", "5"])),
        2 => format!("{}.5", r.below(10)),
        3 => format!("x'{:02x}ff'", r.below(256)),
        _ => r.below(12).to_string(),
    }
}

fn create_table(r: &mut Random, name: &str) -> String {
    let reference = if r.below(3) == 0 {
        format!(
            " REFERENCES {}(a) ON DELETE {} ON UPDATE {}",
            r.pick(&TABLES),
            r.pick(&["CASCADE", "SET NULL", "NO ACTION"]),
            r.pick(&["CASCADE", "SET NULL"])
        )
    } else {
        String::new()
    };
    let a = r.pick(&[
        "a INTEGER PRIMARY KEY",
        "a INTEGER PRIMARY KEY AUTOINCREMENT",
        "a UNIQUE",
        "a TEXT",
        "a INT PRIMARY KEY",
    ]);
    let b = r.pick(&["b", "b UNIQUE", "b REAL", "b NOT NULL DEFAULT 7", "b CHECK (b IS NOT 3)"]);
    let c = r.pick(&["c", "c AS (a || 'v')", "c AS (a || 's') STORED", "c TEXT COLLATE NOCASE", "c NUMERIC"]);
    let without = if a.ends_with("PRIMARY KEY") && r.below(2) == 0 { " WITHOUT ROWID" } else { "" };
    format!("CREATE TABLE {name}({a}, {b}{reference}, {c}){without}")
}

fn body(r: &mut Random) -> String {
    let (table, other) = (r.pick(&TABLES), r.pick(&TABLES));
    match r.below(3) {
        0 => format!("INSERT OR IGNORE INTO {table}(a, b) VALUES ({}, 'from trigger')", r.below(20)),
        1 => format!("UPDATE OR IGNORE {table} SET b = b + 1 WHERE a = {}", r.below(12)),
        _ => format!("DELETE FROM {other} WHERE a = {}", r.below(12)),
    }
}

fn statement(r: &mut Random) -> String {
    let (table, column) = (r.pick(&TABLES), r.pick(&COLUMNS));
    let or = r.pick(&["", "", "OR REPLACE ", "OR IGNORE ", "OR FAIL ", "OR ROLLBACK "]);
    match r.below(44) {
        0..=3 => create_table(r, table),
        4 => format!("CREATE {}INDEX i{} ON {table}({column})", r.pick(&["", "UNIQUE "]), r.below(4)),
        5 => format!("CREATE VIEW v{} AS SELECT a, b FROM {table}", r.below(2)),
        6 => format!(
            "CREATE TRIGGER g{} {} {} ON {table} BEGIN {}; END",
            r.below(3),
            r.pick(&["AFTER", "BEFORE"]),
            r.pick(&["INSERT", "UPDATE", "DELETE"]),
            body(r)
        ),
        7 => format!("DROP TABLE {table}"),
        8 => format!("DROP {}", r.pick(&["INDEX i0", "INDEX i1", "VIEW v0", "TRIGGER g0", "TRIGGER g1"])),
        9 => format!("ALTER TABLE {table} RENAME COLUMN {column} TO {}", r.pick(&["a", "b", "c", "d", "\"e e\""])),
        10 => format!("ALTER TABLE {table} ADD COLUMN d DEFAULT {}", literal(r)),
        11 => format!("ALTER TABLE {table} DROP COLUMN {column}"),
        12 => format!("ALTER TABLE {table} RENAME TO {}", r.pick(&TABLES)),
        13 => format!("CREATE TABLE {table} AS SELECT a, b AS bb, 1.0 AS r FROM {}", r.pick(&TABLES)),
        14 | 15 => r.pick(&["BEGIN", "BEGIN IMMEDIATE"]).into(),
        16 | 17 => r.pick(&["COMMIT", "COMMIT", "ROLLBACK"]).into(),
        18 => r.pick(&["SAVEPOINT s", "SAVEPOINT r"]).into(),
        19 => r.pick(&["RELEASE s", "ROLLBACK TO s", "ROLLBACK TO r"]).into(),
        20..=29 => {
            let rows: Vec<String> = (0..=r.below(3)).map(|_| format!("({}, {})", literal(r), literal(r))).collect();
            format!("INSERT {or}INTO {table}(a, b) VALUES {}", rows.join(", "))
        }
        30 => format!(
            "INSERT INTO {table}(a, b) VALUES ({}, {}) ON CONFLICT DO UPDATE SET b = {}",
            r.below(9),
            literal(r),
            literal(r)
        ),
        31..=34 => format!("UPDATE {or}{table} SET {column} = {} WHERE a > {}", literal(r), r.below(12)),
        35 => format!("UPDATE {or}{table} SET a = a + {}", r.below(3)),
        36 => format!("UPDATE {table} SET b = o.b FROM {} AS o WHERE o.a = {table}.a", r.pick(&TABLES)),
        37 => format!("UPDATE {or}{table} SET rowid = {} WHERE rowid = {}", r.below(9), r.below(9)),
        38..=40 => format!("DELETE FROM {table} WHERE {column} = {}", literal(r)),
        41 => format!("DELETE FROM {table}"),
        42 => format!("INSERT INTO {table}(a, b) SELECT b, a FROM {}", r.pick(&TABLES)),
        _ => format!("INSERT INTO {table} DEFAULT VALUES"),
    }
}

fn open() -> Connection {
    Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap()
}

fn rows(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, String> {
    let prepared = connection.prepare(sql).map_err(|e| format!("{sql}: {e}"))?;
    let mut statement = prepared.statement.expect("a statement");
    for (i, value) in parameters.iter().enumerate() {
        statement.bind(i + 1, value.clone()).unwrap();
    }
    let mut rows = Vec::new();
    loop {
        match statement.step() {
            Ok(StepResult::Row) => rows.push(statement.row().to_vec()),
            Ok(StepResult::Done) => return Ok(rows),
            Err(error) => return Err(format!("{sql}: {error}")),
        }
    }
}

fn text(value: &Value) -> String {
    value.bytes().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn decoded(image: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    let Value::Blob(image) = image else { panic!("an image, not {image:?}") };
    RecordReader::new(image).unwrap().decode_all(TextEncoding::Utf8, &mut values).unwrap();
    values
}

/// Applies captured changes to a database.
struct Replay {
    target: Connection,
    /// Triggers by their row: made last, since their effects have been captured already.
    triggers: BTreeMap<i64, String>,
    /// The rows of `sqlite_sequence`: written last, since replayed INSERTs count by themselves.
    counters: BTreeMap<i64, Vec<Value>>,
}

impl Replay {
    fn run(&self, sql: &str, parameters: &[Value]) -> Result<(), String> {
        rows(&self.target, sql, parameters).map(drop)
    }

    fn apply(&mut self, change: &[Value]) -> Result<(), String> {
        let [kind, table, id, before, after, updates] = change else { panic!("six columns") };
        let (kind, name) = (kind.to_integer(), text(table));
        match (kind, name.as_str()) {
            (2, _) => Ok(()),
            (kind, "sqlite_schema") => {
                self.define(kind, id.to_integer(), if kind == -1 { before } else { after }, updates)
            }
            (-1, "sqlite_sequence") => {
                self.counters.remove(&id.to_integer());
                Ok(())
            }
            (_, "sqlite_sequence") => {
                self.counters.insert(id.to_integer(), decoded(after));
                Ok(())
            }
            (-1, name) => self.delete(name, id),
            (_, name) => self.put(name, id, &decoded(after)),
        }
    }

    /// What is made last.
    fn finish(&self) -> Result<(), String> {
        for sql in self.triggers.values() {
            self.run(sql, &[])?;
        }
        let counts = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
        if !rows(&self.target, counts, &[])?.is_empty() {
            self.run("DELETE FROM sqlite_sequence", &[])?;
        }
        for row in self.counters.values() {
            self.run("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", row)?;
        }
        Ok(())
    }

    fn define(&mut self, kind: i64, id: i64, row: &Value, updates: &Value) -> Result<(), String> {
        let row = decoded(row);
        let (sort, name, sql) = (text(&row[0]), text(&row[1]), text(&row[4]));
        match (kind, sort.as_str()) {
            (-1, "trigger") => {
                self.triggers.remove(&id);
                Ok(())
            }
            (_, "trigger") => {
                self.triggers.insert(id, sql.clone());
                self.alter(updates)
            }
            (0, _) => self.alter(updates),
            _ if name.starts_with("sqlite_") => Ok(()),
            (-1, sort) => self.run(&format!("DROP {sort} IF EXISTS {}", quoted(&name)), &[]),
            (_, _) => self.run(&sql, &[]),
        }
    }

    fn alter(&self, updates: &Value) -> Result<(), String> {
        match updates {
            Value::Null => Ok(()),
            updates => match text(&decoded(updates)[9]) {
                sql if sql.starts_with("ALTER") => self.run(&sql, &[]),
                _ => Ok(()),
            },
        }
    }

    /// The names of the columns in an image with whether they can be written, and those of the key without a rowid.
    fn columns(&self, table: &str) -> (Vec<(String, bool)>, Vec<String>) {
        let sql = "SELECT name, hidden, pk FROM pragma_table_xinfo(?1) WHERE hidden IN (0, 3)";
        let listed = rows(&self.target, sql, &[Value::from(table)]).unwrap();
        let columns = listed.iter().map(|row| (text(&row[0]), row[1] == Value::Integer(0))).collect();
        let sql = "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 AND
            (SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1) ORDER BY pk";
        let key = rows(&self.target, sql, &[Value::from(table)]).unwrap().iter().map(|row| text(&row[0])).collect();
        (columns, key)
    }

    fn put(&self, table: &str, id: &Value, values: &[Value]) -> Result<(), String> {
        let (columns, key) = self.columns(table);
        assert_eq!(columns.len(), values.len(), "{table}: {columns:?} {values:?}");
        let written = columns.iter().zip(values).filter(|((_, writable), _)| *writable);
        let (mut names, mut parameters): (Vec<String>, Vec<Value>) =
            written.map(|((name, _), value)| (quoted(name), value.clone())).unzip();
        if key.is_empty() {
            names.push("rowid".into());
            parameters.push(id.clone());
        }
        let marks: Vec<String> = (1..=names.len()).map(|i| format!("?{i}")).collect();
        let (names, marks) = (names.join(", "), marks.join(", "));
        self.run(&format!("INSERT OR REPLACE INTO {}({names}) VALUES ({marks})", quoted(table)), &parameters)
    }

    fn delete(&self, table: &str, id: &Value) -> Result<(), String> {
        let (_, key) = self.columns(table);
        let (terms, parameters) = match id {
            Value::Blob(_) => {
                let terms = key.iter().enumerate().map(|(i, name)| format!("{} IS ?{}", quoted(name), i + 1));
                (terms.collect::<Vec<_>>().join(" AND "), decoded(id))
            }
            id => ("rowid = ?1".to_string(), vec![id.clone()]),
        };
        self.run(&format!("DELETE FROM {} WHERE {terms}", quoted(table)), &parameters)
    }
}

/// Everything in the database apart from what capture has made.
fn content(connection: &Connection) -> String {
    let mut out = String::new();
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema
        WHERE tbl_name NOT LIKE 'turso_cdc%' AND name <> 'sqlite_sequence' ORDER BY type = 'trigger', rowid";
    for row in rows(connection, schema, &[]).unwrap() {
        let _ = writeln!(out, "{row:?}");
    }
    let tables = "SELECT name, wr FROM pragma_table_list
        WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'turso_cdc%' AND name NOT LIKE 'sqlite_s%' ORDER BY name";
    for table in rows(connection, tables, &[]).unwrap() {
        let columns = if table[1] == Value::Integer(1) { "*" } else { "rowid, *" };
        let _ = writeln!(out, "{:?}", table[0]);
        for row in rows(connection, &format!("SELECT {columns} FROM {}", quoted(&text(&table[0]))), &[]).unwrap() {
            let _ = writeln!(out, "  {row:?}");
        }
    }
    let counts = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if !rows(connection, counts, &[]).unwrap().is_empty() {
        let counters = "SELECT name, seq FROM sqlite_sequence WHERE name NOT LIKE 'turso_cdc%' ORDER BY rowid";
        for row in rows(connection, counters, &[]).unwrap() {
            let _ = writeln!(out, "counter {row:?}");
        }
    }
    out
}

fn history(seed: u64, show: bool) -> Result<(), String> {
    let mut r = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let source = open();
    run_ours(&source, "PRAGMA capture_data_changes_conn('full'); PRAGMA foreign_keys = ON");
    for table in TABLES {
        run_ours(&source, &create_table(&mut r, table));
    }
    for _ in 0..r.below(60) {
        let sql = statement(&mut r);
        let answer = run_ours(&source, &sql);
        if show {
            eprintln!("{sql};  -- {answer:?}");
        }
    }
    run_ours(&source, "ROLLBACK");
    let changes = "SELECT change_type, table_name, id, before, after, updates FROM turso_cdc ORDER BY change_id";
    let changes = rows(&source, changes, &[])?;
    let mut replay = Replay { target: open(), triggers: BTreeMap::new(), counters: BTreeMap::new() };
    for change in &changes {
        if show {
            eprintln!("{change:?}");
        }
        replay.apply(change)?;
    }
    replay.finish()?;
    let (ours, theirs) = (content(&replay.target), content(&source));
    if ours != theirs {
        return Err(format!("--- the database\n{theirs}--- replayed\n{ours}"));
    }
    let sound = rows(&source, "PRAGMA integrity_check", &[])?;
    if sound != [[Value::from("ok")]] { Err(format!("{sound:?}")) } else { Ok(()) }
}

#[test]
fn replaying_what_was_captured_gives_the_same_database() {
    if let Ok(seed) = std::env::var("CAPTURE_SEED") {
        return history(seed.parse().unwrap(), true).unwrap();
    }
    let count: u64 = std::env::var("CAPTURE_HISTORIES").map_or(100, |count| count.parse().unwrap());
    for seed in 1..=count {
        if let Err(problem) = history(seed, false) {
            panic!("CAPTURE_SEED={seed}: {problem}");
        }
    }
}
