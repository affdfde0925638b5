//! Applying captured changes to an empty database, and what a database holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use turso_core::{Connection, Database, OpenOptions, StepResult, Value};
use turso_value::{RecordReader, TextEncoding};

/// Runs one statement to its end.
pub fn rows(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, String> {
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
pub struct Replay {
    /// The database that is built.
    pub target: Connection,
    /// Triggers by their row: made last, since their effects have been captured already.
    triggers: BTreeMap<i64, String>,
    /// The rows of `sqlite_sequence`: written last, since replayed INSERTs count by themselves.
    counters: BTreeMap<i64, Vec<Value>>,
}

impl Replay {
    /// From an empty database.
    pub fn new() -> Result<Self, String> {
        let database = Database::open(":memory:", OpenOptions::default()).map_err(|e| format!("{e:?}"))?;
        let target = database.connect().map_err(|e| format!("{e:?}"))?;
        Ok(Self { target, triggers: BTreeMap::new(), counters: BTreeMap::new() })
    }

    fn run(&self, sql: &str, parameters: &[Value]) -> Result<(), String> {
        rows(&self.target, sql, parameters).map(drop)
    }

    /// Applies one change: type, table, id, before, after, updates.
    pub fn apply(&mut self, change: &[Value]) -> Result<(), String> {
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
    pub fn finish(&self) -> Result<(), String> {
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
pub fn content(connection: &Connection) -> String {
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
