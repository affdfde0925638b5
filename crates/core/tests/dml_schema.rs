//! CREATE and DROP, against SQLite.

mod support;

use support::check;

#[test]
fn tables_are_created_and_dropped() {
    check(
        "CREATE TABLE t(a, b INTEGER PRIMARY KEY, c TEXT UNIQUE, UNIQUE(a, c));
         CREATE TABLE IF NOT EXISTS t(x);
         CREATE TABLE t(x);
         CREATE TABLE \"t\"(x);
         CREATE TABLE [T](x);
         CREATE VIEW `t` AS SELECT 1;
         CREATE TABLE w(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID;
         CREATE TABLE s(a INT, b ANY) STRICT;
         CREATE TABLE ai(a INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE);
         DROP TABLE t;
         CREATE TABLE t(z);
         DROP TABLE nosuch;
         DROP TABLE IF EXISTS nosuch;",
    );
}

#[test]
fn errors_of_create_table() {
    check(
        "CREATE TABLE t(a, A);
         CREATE TABLE t(a PRIMARY KEY, b PRIMARY KEY);
         CREATE TABLE t(a PRIMARY KEY AUTOINCREMENT);
         CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT) WITHOUT ROWID;
         CREATE TABLE t(a) WITHOUT ROWID;
         CREATE TABLE t(a foo) STRICT;
         CREATE TABLE t(a) STRICT;
         CREATE TABLE sqlite_x(a);
         CREATE TABLE t(a, PRIMARY KEY(x));
         CREATE TABLE t(a, UNIQUE(a+1));
         CREATE TABLE t(a COLLATE foo);
         CREATE TABLE t(a DEFAULT (b));
         CREATE TABLE t(a AS (1));
         CREATE TABLE t(a, b AS (1) DEFAULT 3);
         CREATE TABLE t(a, b AS (a) PRIMARY KEY);
         CREATE TABLE t(a, b AS (b+1));
         CREATE TABLE t(a, b AS (c+1), c AS (b+1));
         CREATE TABLE t(a REFERENCES p(x,y));
         CREATE TABLE t(a, FOREIGN KEY (a,b) REFERENCES p(x,y));
         CREATE TABLE t(a, FOREIGN KEY (a) REFERENCES p(x,y));
         CREATE TEMP TABLE main.t(a);
         CREATE TABLE nosuch.t(a);
         CREATE TABLE t(a UNIQUE ON CONFLICT REPLACE, UNIQUE(a) ON CONFLICT IGNORE);",
    );
}

#[test]
fn indexes_views_and_triggers() {
    check(
        "CREATE TABLE t(a, b);
         CREATE INDEX i ON t(a);
         CREATE UNIQUE INDEX IF NOT EXISTS j ON t ( a , b ) ;
         CREATE INDEX i ON t(b);
         CREATE INDEX t ON t(b);
         CREATE INDEX k ON nosuch(b);
         CREATE VIEW v AS SELECT 1;
         CREATE VIEW v AS SELECT 2;
         CREATE VIEW t AS SELECT 2;
         CREATE INDEX k ON v(b);
         CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;
         CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;
         CREATE TRIGGER r2 INSTEAD OF INSERT ON t BEGIN SELECT 1; END;
         CREATE TRIGGER r2 BEFORE INSERT ON v BEGIN SELECT 1; END;
         CREATE TRIGGER r3 INSTEAD OF INSERT ON v BEGIN SELECT 1; END;
         DROP VIEW t;
         DROP TABLE v;
         DROP INDEX j;
         DROP INDEX nosuch;
         DROP TRIGGER nosuch;
         DROP TRIGGER r3;
         DROP VIEW v;
         DROP TABLE t;",
    );
}

#[test]
fn create_table_as_select() {
    check(
        "CREATE TABLE aa(x INTEGER, y TEXT); INSERT INTO aa VALUES(1, 'a'), (2, 'b');
         CREATE TABLE u AS SELECT 1 AS a, x+1, CAST(x AS text) c, CAST(x AS real) d, CAST(x AS int) e, CAST(x AS numeric) f, x, y FROM aa;
         CREATE TABLE \"long table name which is long\" AS SELECT 1 AS aaaaaaaaaaaaaaaaaaaaaaaaaa, 2 AS bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb;
         CREATE TABLE \"select\" AS SELECT 1 AS \"order\", 2 AS \"a b\", 3 AS \"1\", 4 AS x, 5 AS x;
         CREATE TABLE e AS SELECT * FROM aa WHERE x > 10; CREATE TABLE u AS SELECT 1;
         CREATE TABLE v AS SELECT nosuch FROM aa; SELECT * FROM u;",
    );
}

#[test]
fn indexes_are_filled() {
    check(
        "CREATE TABLE t(a, b, c); INSERT INTO t VALUES(3, 'x', 1), (1, 'y', 1), (2, 'X', NULL), (NULL, NULL, NULL), (NULL, 'z', NULL);
         CREATE INDEX i ON t(a DESC, b COLLATE nocase); CREATE UNIQUE INDEX ua ON t(a); CREATE UNIQUE INDEX uc ON t(c);
         CREATE UNIQUE INDEX ub ON t(b COLLATE nocase); CREATE UNIQUE INDEX ue ON t(lower(b)); CREATE UNIQUE INDEX p ON t(c) WHERE a = 3;
         CREATE INDEX q ON t(a + 1, b || c); CREATE INDEX bad ON t(nosuch); CREATE INDEX bad ON t(random()); CREATE INDEX bad ON t(a) WHERE nosuch;
         CREATE INDEX bad ON t((SELECT 1)); CREATE INDEX bad ON t(a COLLATE nosuch);
         CREATE TABLE w(a, b, PRIMARY KEY(b DESC)) WITHOUT ROWID; INSERT INTO w VALUES(1, 2), (3, 4); CREATE INDEX wi ON w(a);
         REINDEX; REINDEX t; REINDEX q; REINDEX nocase; REINDEX nosuch;",
    );
}

#[test]
fn checks_in_definitions() {
    check(
        "CREATE TABLE t(a CHECK(x > 1)); CREATE TABLE t(a CHECK((SELECT 1))); CREATE TABLE t(a CHECK(?1));
         CREATE TABLE t(a CHECK(count(*))); CREATE TABLE t(a, b AS (c)); CREATE TABLE t(a, b AS (random()));
         CREATE TABLE t(a, b AS ((SELECT 1))); CREATE TABLE t(a CHECK(nosuch(a))); CREATE TABLE t(a CHECK(abs(1, 2)));
         CREATE TABLE t(a DEFAULT (abs(-3)), b CHECK(b > 0 AND typeof(a) = 'integer'), c); INSERT INTO t(b) VALUES(1); SELECT * FROM t;
         CREATE VIEW v AS SELECT ?; CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT ?; END; CREATE TRIGGER r AFTER INSERT ON nosuch BEGIN SELECT 1; END;
         CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO main.t VALUES(1); END; CREATE TRIGGER r AFTER INSERT ON sqlite_schema BEGIN SELECT 1; END;",
    );
}

#[test]
fn temporary_objects() {
    check(
        "CREATE TABLE t(a); CREATE TEMP TABLE t(a, b); INSERT INTO t VALUES(1, 2); INSERT INTO main.t VALUES(3); SELECT * FROM t; SELECT * FROM main.t;
         CREATE TEMP TABLE x(a INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE); INSERT INTO x(b) VALUES(5), (6); SELECT * FROM x; SELECT name FROM sqlite_temp_schema;
         CREATE TEMP VIEW tv AS SELECT * FROM x; SELECT * FROM tv; CREATE INDEX ti ON t(b); SELECT * FROM t WHERE b = 2;
         CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN INSERT INTO x(b) VALUES(new.a); END; INSERT INTO main.t VALUES(77); SELECT * FROM x;
         DROP TABLE t; SELECT * FROM t; INSERT INTO t VALUES(88); DROP TABLE x; INSERT INTO t VALUES(1); DROP TRIGGER tr; INSERT INTO t VALUES(1);",
    );
}

#[test]
fn tables_are_altered() {
    check(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT a, t.b FROM t WHERE t.a > 1; INSERT INTO t VALUES(1, 2), (3, 4);
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET a = new.a + 1 WHERE t.b = 2; END; CREATE TABLE \"o'x\"(a REFERENCES t(a));
         ALTER TABLE t RENAME TO u; SELECT * FROM v; INSERT INTO u VALUES(5, 2); SELECT * FROM u;
         ALTER TABLE u ADD COLUMN c INT DEFAULT 5; ALTER TABLE u ADD COLUMN d INT NOT NULL; ALTER TABLE u ADD d PRIMARY KEY; ALTER TABLE u ADD d UNIQUE;
         ALTER TABLE u ADD COLUMN e DEFAULT (1+1); ALTER TABLE u ADD d2 INT CHECK(d2 > 2) DEFAULT 1; ALTER TABLE u ADD d3 CHECK(d3 > 2) DEFAULT 3;
         ALTER TABLE u ADD f AS (a + 1); ALTER TABLE u ADD g AS (a + 1) STORED; ALTER TABLE u ADD a; ALTER TABLE u ADD h TEXT DEFAULT 'x' NOT NULL;
         SELECT * FROM u; UPDATE u SET c = c + 1 WHERE a > 2; INSERT INTO u(a) VALUES(9); SELECT * FROM u;
         ALTER TABLE nosuch ADD x; ALTER TABLE v ADD x; ALTER TABLE v RENAME TO w; ALTER TABLE sqlite_schema RENAME TO x; ALTER TABLE u RENAME TO v;
         ALTER TABLE u RENAME TO sqlite_x; CREATE TABLE k(a, b PRIMARY KEY, UNIQUE(a, b), CHECK(a > 0)) WITHOUT ROWID; CREATE INDEX ki ON k(a);
         ALTER TABLE k ADD COLUMN z; ALTER TABLE k RENAME TO \"k 2\"; INSERT INTO \"k 2\" VALUES(1, 2, 3); ALTER TABLE \"k 2\" RENAME COLUMN a TO aa; SELECT aa FROM \"k 2\";
         CREATE TABLE s(i INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO s DEFAULT VALUES; ALTER TABLE s RENAME TO s2; INSERT INTO s2 DEFAULT VALUES; SELECT * FROM sqlite_sequence;",
    );
}

#[test]
fn statistics_are_gathered() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c COLLATE NOCASE); CREATE INDEX i ON t(b, c); CREATE INDEX p ON t(c) WHERE b > 3; CREATE UNIQUE INDEX u ON t(a, b);
         CREATE TABLE w(x, y, PRIMARY KEY(y, x)) WITHOUT ROWID; CREATE INDEX wi ON w(x); CREATE TABLE plain(q); CREATE TABLE empty(q UNIQUE); CREATE TABLE empty2(q);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100) INSERT INTO t SELECT x, x % 7, CASE WHEN x % 3 THEN 'A' ELSE 'a' END || x % 5 FROM n;
         INSERT INTO t(b) VALUES(NULL), (NULL); INSERT INTO w SELECT a, b FROM t WHERE b IS NOT NULL; INSERT INTO plain VALUES(1), (2);
         ANALYZE; SELECT * FROM sqlite_stat1 ORDER BY tbl, idx; DELETE FROM t WHERE a > 50; ANALYZE t; SELECT * FROM sqlite_stat1 ORDER BY tbl, idx; ANALYZE i; ANALYZE main; ANALYZE nosuch;
         SELECT * FROM sqlite_stat1 ORDER BY tbl, idx; DROP INDEX i; SELECT * FROM sqlite_stat1 ORDER BY tbl, idx; DROP TABLE t; SELECT * FROM sqlite_stat1 ORDER BY tbl, idx; DELETE FROM sqlite_stat1; DROP TABLE sqlite_stat1; DROP TABLE IF EXISTS sqlite_stat4;",
    );
}

#[test]
fn columns_are_dropped() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c UNIQUE, d REAL CHECK(d > 0), e, f REFERENCES t(a), g AS (e + 1)); CREATE INDEX i ON t(e); CREATE INDEX j ON t(c, b);
         INSERT INTO t VALUES(1, 2, 3, 4, 5, 6), (7, 8, 9, 10.5, 11, 12);
         ALTER TABLE t DROP COLUMN a; ALTER TABLE t DROP COLUMN c; ALTER TABLE t DROP COLUMN nosuch; ALTER TABLE t DROP COLUMN e; DROP INDEX i; ALTER TABLE t DROP COLUMN e;
         ALTER TABLE t DROP COLUMN b; SELECT * FROM t; ALTER TABLE t DROP COLUMN f; ALTER TABLE t DROP COLUMN d; SELECT * FROM t; ALTER TABLE t DROP COLUMN g; ALTER TABLE t DROP COLUMN e; SELECT * FROM t;
         CREATE TABLE one(a); ALTER TABLE one DROP COLUMN a; CREATE TABLE w(a, b, c, PRIMARY KEY(b)) WITHOUT ROWID; INSERT INTO w VALUES(1, 2, 3), (4, 5, 6); CREATE VIEW v AS SELECT c FROM w;
         ALTER TABLE w DROP COLUMN c; ALTER TABLE w DROP COLUMN a; SELECT * FROM w; ALTER TABLE v DROP COLUMN c; ALTER TABLE sqlite_schema DROP COLUMN sql;
         CREATE TABLE q(a,b , c /* x */ , d text default 'x, y' , check (a > 1)); ALTER TABLE q DROP COLUMN d; ALTER TABLE q DROP COLUMN b; ALTER TABLE q DROP COLUMN a;
         CREATE TABLE fk(a, b, FOREIGN KEY (b) REFERENCES q(a)); ALTER TABLE fk DROP COLUMN b;",
    );
}

#[test]
fn imposters_write_to_the_tree_of_another_table() {
    let ours = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap().connect().unwrap();
    let answer = |sql| {
        let (rows, error) = support::run_ours(&ours, sql).pop().unwrap();
        error.unwrap_or_else(|| rows.join(" "))
    };
    ours.execute_batch("CREATE TABLE t(a, b); CREATE INDEX ta ON t(a); INSERT INTO t VALUES (1, 'x')").unwrap();
    ours.set_imposter("main", Some(3)).unwrap();
    ours.execute_batch("CREATE TABLE entries(a, r, PRIMARY KEY(a, r)) WITHOUT ROWID").unwrap();
    assert_eq!(answer("CREATE TABLE entries(x)"), "1 table entries already exists");
    assert_eq!(answer("CREATE TABLE \"entries\"(x)"), "1 table \"entries\" already exists");
    ours.set_imposter("main", None).unwrap();
    assert_eq!(answer("SELECT * FROM entries"), "1|1");
    ours.execute_batch("INSERT INTO entries VALUES (5, 9), (NULL, 10)").unwrap();
    assert_eq!(answer("SELECT name FROM sqlite_schema"), "'t' 'ta'");
    ours.forget_schemas().unwrap();
    assert_eq!(answer("SELECT * FROM entries"), "1 no such table: entries");
    assert_eq!(answer("PRAGMA quick_check"), "'wrong # of entries in index ta'");
    assert!(ours.set_imposter("nosuch", Some(3)).is_err());
}
