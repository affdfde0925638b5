//! Collations of the application.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex};

use turso_core::CollationFunction;

use crate::Pair;

/// Texts by their last byte, then backwards.
struct Backwards(&'static str);

fn backwards(a: &[u8], b: &[u8]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

impl CollationFunction for Backwards {
    fn name(&self) -> &str {
        self.0
    }
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        backwards(a, b)
    }
}

impl Pair {
    fn backwards(&self, name: &'static str) {
        self.ours.create_collation(Arc::new(Backwards(name))).unwrap();
        self.theirs.create_collation(name, |a, b| backwards(a.as_bytes(), b.as_bytes())).unwrap();
    }
}

#[test]
fn collations_order_compare_and_index() {
    let pair = Pair::new();
    pair.backwards("back");
    pair.same(
        "CREATE TABLE t(a TEXT COLLATE back, b); CREATE INDEX i ON t(a); CREATE UNIQUE INDEX u ON t(b COLLATE BACK);
         INSERT INTO t VALUES ('ab', 'x1'), ('ca', 'x2'), ('bb', 'y1'), ('aa', 'z9'), (NULL, NULL), (3, 4);
         SELECT a FROM t ORDER BY a; SELECT a FROM t WHERE a > 'za' ORDER BY a DESC; SELECT b FROM t ORDER BY b COLLATE back;
         SELECT max(a), min(a) FROM t; SELECT a FROM t GROUP BY a; SELECT DISTINCT a FROM t;
         SELECT a FROM t WHERE a IN ('ab', 'bb') ORDER BY 1; SELECT 'ab' < 'ba' COLLATE back;
         INSERT INTO t VALUES ('q', 'x1');
         SELECT a, rank() OVER (ORDER BY a) FROM t;
         SELECT a FROM t UNION SELECT 'zz' ORDER BY 1;
         CREATE TABLE w(a TEXT COLLATE back PRIMARY KEY, b) WITHOUT ROWID;
         INSERT INTO w VALUES ('ab', 1), ('ca', 2), ('bb', 3); SELECT * FROM w; SELECT * FROM w WHERE a = 'ca';
         SELECT x.a FROM t x JOIN t y ON x.a = y.a ORDER BY x.a;
         CREATE INDEX part ON t(b) WHERE a > 'b'; UPDATE t SET a = a || 'c' WHERE a > 'a';
         DELETE FROM t WHERE a = 'aac'; SELECT * FROM t ORDER BY rowid; PRAGMA integrity_check; REINDEX back; REINDEX;
         PRAGMA integrity_check;",
    );
}

#[test]
fn an_unknown_collation_spoils_only_what_uses_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("c.db");
    {
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs.create_collation("back", |a, b| backwards(a.as_bytes(), b.as_bytes())).unwrap();
        theirs
            .execute_batch(
                "CREATE TABLE t(a, b); CREATE INDEX i ON t(a COLLATE back); CREATE TABLE ok(a, b); CREATE INDEX oki ON ok(a);
                 CREATE TABLE c(a COLLATE back, b); INSERT INTO t VALUES ('x', 1); INSERT INTO ok VALUES (1, 2); INSERT INTO c VALUES ('a', 'b');
                 CREATE TRIGGER tr AFTER INSERT ON ok BEGIN INSERT INTO c VALUES (1, 2); END;
                 CREATE VIEW v AS SELECT a FROM ok ORDER BY a COLLATE back; CREATE VIEW v2 AS SELECT a FROM ok;",
            )
            .unwrap();
    }
    let copy = place.path().join("ours.db");
    std::fs::copy(&path, &copy).unwrap();
    let database = turso_core::Database::open(copy.to_str().unwrap(), turso_core::OpenOptions::default()).unwrap();
    let pair = Pair { ours: database.connect().unwrap(), theirs: rusqlite::Connection::open(&path).unwrap() };
    let script = "SELECT * FROM t; SELECT * FROM c; SELECT a FROM t ORDER BY a; SELECT a FROM c ORDER BY a; SELECT a FROM c ORDER BY b;
         SELECT * FROM c WHERE a = 'a'; SELECT * FROM c WHERE b = 'b'; SELECT * FROM t WHERE a = 'x' COLLATE back;
         SELECT * FROM t WHERE a = 'x';
         INSERT INTO t VALUES (1, 2); UPDATE t SET b = 5; UPDATE t SET a = 5; DELETE FROM t WHERE b = 7; INSERT INTO c VALUES (1, 2); SELECT * FROM c; UPDATE c SET a = 7;
         DELETE FROM c WHERE b = 2; INSERT INTO ok VALUES (2, 3); SELECT * FROM ok; SELECT * FROM ok WHERE a = 1; SELECT * FROM v; SELECT * FROM v2;
         SELECT max(a) FROM c; SELECT DISTINCT a FROM c; SELECT a FROM c GROUP BY a; SELECT a FROM c UNION SELECT 1; CREATE INDEX n ON c(a);
         CREATE INDEX n2 ON c(b); SELECT count(*) FROM c; REINDEX ok; REINDEX back; DELETE FROM c; DROP INDEX i; UPDATE t SET b = 6; SELECT * FROM t; DROP TABLE c;
         CREATE TABLE n3(a COLLATE back); CREATE TABLE n4(a COLLATE back UNIQUE); SELECT 1 COLLATE back; SELECT 'a' = 'b' COLLATE back;";
    pair.same(script);
}

#[test]
fn unknown_collations_are_asked_for() {
    let pair = Pair::new();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, connection) = (asked.clone(), pair.ours.clone());
    pair.ours.set_collation_needed(Some(Arc::new(move |name: &str| {
        log.lock().unwrap().push(name.to_owned());
        if name.eq_ignore_ascii_case("back") {
            connection.create_collation(Arc::new(Backwards("back"))).unwrap();
        }
    })));
    fn needed(connection: &rusqlite::Connection, name: &str) -> rusqlite::Result<()> {
        if name.eq_ignore_ascii_case("back") {
            connection.create_collation("back", |a, b| backwards(a.as_bytes(), b.as_bytes()))?;
        }
        Ok(())
    }
    pair.theirs.collation_needed(needed).unwrap();
    pair.same(
        "SELECT 'x' = 'y' COLLATE other; SELECT 'ab' < 'ba' COLLATE Back; CREATE TABLE t(a COLLATE back);
         INSERT INTO t VALUES('ab'),('ba'); SELECT a FROM t ORDER BY a;",
    );
    assert_eq!(*asked.lock().unwrap(), ["other", "Back"]);
    pair.ours.set_collation_needed(None);
}
