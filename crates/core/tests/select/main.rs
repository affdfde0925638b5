//! SELECT on this engine and on the bundled SQLite: the same rows in the same order, the same column names, the same errors.
//!
//! SQLite makes the database file, so that nothing but reading is tested here.

mod aggregates;
mod basics;
mod compounds;
mod deep;
mod errors;
mod expressions;
mod joins;
mod subqueries;
mod windows;

use std::fmt::Write as _;

use turso_core::{Database, OpenOptions, StepResult, Value};

const SETUP: &str = "
CREATE TABLE t(a INTEGER, b TEXT, c REAL, d);
INSERT INTO t VALUES (1,'one',1.5,NULL),(2,'two',2.0,'2'),(3,'three',NULL,x'03'),(NULL,'four',4.25,4),(5,NULL,5.0,'five'),
 (2,'TWO',-2.0,2.0),(7,'','7',''),(-1,'neg',0.0,'1'),(3,'Three',3.0,3);
CREATE TABLE u(id INTEGER PRIMARY KEY, a INT, name VARCHAR(20) COLLATE NOCASE, score NUMERIC);
INSERT INTO u VALUES (1,1,'Alice',10),(2,2,'bob',20.5),(3,3,'ALICE',NULL),(4,NULL,'Dan','x'),(10,2,'eve',20),(11,5,'Bob','30');
CREATE INDEX u_a ON u(a);
CREATE INDEX u_name ON u(name, score);
CREATE TABLE w(k TEXT PRIMARY KEY, v INT, x) WITHOUT ROWID;
INSERT INTO w VALUES ('a',1,'p'),('b',2,NULL),('c',2,'q'),('B',3,'r'),('d',NULL,'s');
CREATE TABLE emp(id INTEGER PRIMARY KEY, boss INT, name TEXT, dept TEXT, pay INT);
INSERT INTO emp VALUES (1,NULL,'ann','x',100),(2,1,'bea','x',80),(3,1,'cid','y',70),(4,2,'dot','y',50),(5,2,'eli','z',50),(6,4,'fay','z',NULL),(7,4,'gus','x',30);
CREATE TABLE n(x INT, y INT);
INSERT INTO n WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<50) SELECT (i*7)%11, i FROM c;
CREATE INDEX n_x ON n(x);
CREATE TABLE empty(a, b);
CREATE TABLE g(a INT, b TEXT, v AS (a*2), s TEXT AS (b||'!') STORED, w2 AS (v+1));
INSERT INTO g(a,b) VALUES (1,'p'),(2,'q'),(NULL,'r');
CREATE TABLE late(a INT);
INSERT INTO late VALUES (1),(2);
ALTER TABLE late ADD COLUMN b TEXT DEFAULT 'dflt';
ALTER TABLE late ADD COLUMN c REAL DEFAULT 5;
INSERT INTO late VALUES (3,'own',2.5);
CREATE VIEW v1 AS SELECT a, b AS bee, a+1 FROM t WHERE a>1;
CREATE VIEW v2(p,q) AS SELECT name, count(*) FROM u GROUP BY name;
CREATE VIEW v3 AS SELECT * FROM v1 JOIN u USING(a);
";

/// Both engines on one database.
pub struct Pair {
    _dir: tempfile::TempDir,
    ours: turso_core::Connection,
    theirs: rusqlite::Connection,
    failures: String,
    count: usize,
    failed: usize,
}

impl Pair {
    /// Both engines on one file, which SQLite has filled.
    #[allow(clippy::new_without_default, reason = "it makes files")]
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs.execute_batch(SETUP).unwrap();
        let ours = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap().connect().unwrap();
        Self { _dir: dir, ours, theirs, failures: String::new(), count: 0, failed: 0 }
    }

    /// Run a query on both and compare.
    pub fn check(&mut self, sql: &str) {
        self.count += 1;
        let theirs = their_result(&self.theirs, sql);
        let connection = self.ours.clone();
        let text = sql.to_string();
        let ours = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| our_result(&connection, &text)))
            .unwrap_or_else(|_| "PANIC".to_string());
        if ours != theirs {
            self.failed += 1;
            let _ = writeln!(self.failures, "{sql}\n  sqlite: {theirs}\n  ours:   {ours}");
        }
    }

    /// One query per line.
    pub fn check_all(mut self, queries: &str) {
        for sql in queries.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("--")) {
            self.check(sql);
        }
        self.report();
    }

    /// Fail with everything that differed.
    pub fn report(self) {
        assert!(self.failures.is_empty(), "{} of {} differ\n{}", self.failed, self.count, self.failures);
    }
}

/// Compare all the queries of a list.
pub fn check_all(queries: &str) {
    Pair::new().check_all(queries);
}

fn their_result(c: &rusqlite::Connection, sql: &str) -> String {
    let run = || -> rusqlite::Result<String> {
        let mut statement = c.prepare(sql)?;
        let mut out = String::new();
        let names: Vec<String> = statement.column_names().map(|s| s.to_string()).collect();
        let _ = write!(out, "{}", names.join("|"));
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            out.push_str(" / ");
            for i in 0..width {
                let value = match row.get_ref(i)? {
                    rusqlite::types::ValueRef::Null => Value::Null,
                    rusqlite::types::ValueRef::Integer(i) => Value::Integer(i),
                    rusqlite::types::ValueRef::Real(r) => Value::Real(r),
                    rusqlite::types::ValueRef::Text(t) => Value::text(t.to_vec()),
                    rusqlite::types::ValueRef::Blob(b) => Value::blob(b.to_vec()),
                };
                show(&mut out, i, &value);
            }
        }
        Ok(out)
    };
    match run() {
        Ok(out) => out,
        Err(rusqlite::Error::SqliteFailure(_, Some(message))) => format!("error: {message}"),
        Err(rusqlite::Error::SqlInputError { msg, .. }) => format!("error: {msg}"),
        Err(other) => format!("error: {other}"),
    }
}

fn our_result(c: &turso_core::Connection, sql: &str) -> String {
    let run = || -> turso_core::Result<String> {
        let prepared = c.prepare(sql)?;
        let Some(mut statement) = prepared.statement else { return Ok(String::new()) };
        if let Err(problem) = statement.program().verify() {
            return Ok(format!("BAD PROGRAM: {problem}"));
        }
        let names: Vec<&str> = (0..statement.column_count()).map(|i| statement.column_name(i).unwrap_or("?")).collect();
        let mut out = names.join("|");
        let mut steps = 0;
        while let StepResult::Row = statement.step()? {
            out.push_str(" / ");
            for (i, value) in statement.row().iter().enumerate() {
                show(&mut out, i, value);
            }
            steps += 1;
            if steps > 10_000 {
                return Ok(format!("ENDLESS: {}", &out[..200]));
            }
        }
        Ok(out)
    };
    match run() {
        Ok(out) => out,
        Err(e) => format!("error: {}", e.message()),
    }
}

fn show(out: &mut String, i: usize, value: &Value) {
    if i > 0 {
        out.push('|');
    }
    let _ = match value {
        Value::Null => write!(out, "NULL"),
        Value::Integer(i) => write!(out, "{i}"),
        Value::Real(r) => write!(out, "{r:?}"),
        Value::Text(t) => write!(out, "'{}'", String::from_utf8_lossy(t)),
        Value::Blob(b) => write!(out, "x{b:02x?}"),
    };
}

/// For questions while developing: `PROBE="sql; sql" cargo test -p turso_core --test select probe -- --nocapture`.
#[test]
fn probe() {
    let Ok(text) = std::env::var("PROBE") else { return };
    let pair = Pair::new();
    for sql in text.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        println!("{sql}\n  sqlite: {}\n  ours:   {}", their_result(&pair.theirs, sql), our_result(&pair.ours, sql));
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        println!("  plan:   {}\n  ours:   {}", their_result(&pair.theirs, &plan), our_result(&pair.ours, &plan));
        if std::env::var("CODE").is_ok() {
            println!("{}", our_result(&pair.ours, &format!("EXPLAIN {sql}")).replace(" / ", "\n"));
        }
    }
}
