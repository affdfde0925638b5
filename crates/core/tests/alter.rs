//! ALTER TABLE: texts edited in every dependent, checks and errors, against SQLite.

mod support;

use support::check;

#[test]
fn renames_in_tables_indexes_and_views() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT DEFAULT 'b', \"c d\" INT CHECK(b <> 'x' AND t.b <> 'y'), g AS (b || \"c d\"), UNIQUE(b, \"c d\"));
         CREATE TABLE k(x REFERENCES t(b), y, FOREIGN KEY(x, y) REFERENCES t(b, \"c d\"));
         CREATE INDEX i1 ON t(b, length(b)) WHERE b IS NOT NULL;
         CREATE VIEW v1 AS SELECT a, b, t.b AS q, \"b\" AS dq, [b], `b` FROM t WHERE b > 'b' ORDER BY b;
         CREATE VIEW v2 AS SELECT x.b, (SELECT b FROM t WHERE t.b = x.b) FROM t AS x JOIN k USING (a) WHERE 1;
         CREATE VIEW v3 AS SELECT * FROM t NATURAL JOIN k;
         CREATE VIEW v4 AS WITH c(b) AS (SELECT b FROM t) SELECT b FROM c;
         CREATE VIEW v5 AS SELECT b AS z FROM t GROUP BY b HAVING b > 1 UNION SELECT b FROM t ORDER BY z;
         CREATE VIEW v6 AS SELECT y FROM k WHERE x IN t;
         CREATE VIEW v7 AS SELECT \"no such string\" AS s, b FROM main.t;
         DROP VIEW v2; DROP VIEW v6;
         CREATE VIEW v2 AS SELECT x.b, (SELECT b FROM t WHERE t.b = x.b) FROM t AS x JOIN k AS b USING (b) WHERE 1;
         ALTER TABLE t RENAME COLUMN b TO bb;
         DROP VIEW v2;
         ALTER TABLE t RENAME COLUMN b TO bb;
         SELECT name, sql FROM sqlite_schema ORDER BY rowid;
         ALTER TABLE t RENAME \"c d\" TO cd;
         SELECT name, sql FROM sqlite_schema ORDER BY rowid;
         ALTER TABLE t RENAME cd TO \"e f\";
         SELECT name, sql FROM sqlite_schema ORDER BY rowid;
         ALTER TABLE t RENAME TO \"t t\";
         SELECT name, sql FROM sqlite_schema ORDER BY rowid;
         ALTER TABLE \"t t\" RENAME TO t;
         SELECT name, sql FROM sqlite_schema ORDER BY rowid;",
    );
}

#[test]
fn renames_in_triggers() {
    check(
        "CREATE TABLE t(a, b); CREATE TABLE u(a, b); CREATE TABLE log(x, y);
         CREATE TRIGGER tr AFTER UPDATE OF a, b ON t WHEN old.a <> new.a AND EXISTS (SELECT 1 FROM u WHERE u.a = new.a AND b = old.b) BEGIN
         INSERT INTO log(x, y) SELECT a, new.b FROM t WHERE t.a = new.a; UPDATE t SET a = new.a + a, (b) = (SELECT b FROM u) WHERE a = old.a; UPDATE u SET a = t.a FROM t WHERE t.b = u.b;
         DELETE FROM t WHERE a IN (SELECT a FROM u WHERE t.b = 5); INSERT INTO t(a, b) VALUES(new.a, 'a') ON CONFLICT DO NOTHING; SELECT RAISE(IGNORE) FROM t WHERE a = 1; INSERT INTO t AS q(a) VALUES(1); END;
         CREATE TRIGGER tr2 AFTER INSERT ON u BEGIN INSERT INTO t VALUES(new.a, new.b); UPDATE t SET b = \"a\" WHERE \"a\" = 'a'; END;
         CREATE TRIGGER tr3 AFTER DELETE ON t BEGIN DELETE FROM u WHERE a = old.a; WITH z(a) AS (SELECT 1) SELECT a FROM z; END;
         ALTER TABLE t RENAME COLUMN a TO aaa;
         SELECT name, sql FROM sqlite_schema;
         ALTER TABLE t RENAME TO tt;
         SELECT name, tbl_name, sql FROM sqlite_schema;
         ALTER TABLE u RENAME TO \"order\";
         SELECT name, tbl_name, sql FROM sqlite_schema;
         INSERT INTO \"order\" VALUES(1, 2);",
    );
}

#[test]
fn errors_before_and_after() {
    check(
        "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT nope FROM t; ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME TO y; ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN z;
         DROP VIEW v; CREATE VIEW v AS SELECT * FROM missing;
         ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME TO y; ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN z2;
         DROP VIEW v; CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v; ALTER TABLE t RENAME a TO x; DROP VIEW w; ALTER TABLE t RENAME a TO x; SELECT sql FROM sqlite_schema;
         CREATE VIEW w2 AS SELECT b FROM v, t; ALTER TABLE t RENAME x TO b; ALTER TABLE t RENAME x TO B; ALTER TABLE t RENAME b TO B; ALTER TABLE t RENAME nope TO z; ALTER TABLE nope RENAME a TO b; ALTER TABLE v RENAME a TO b; ALTER TABLE v RENAME TO vv; ALTER TABLE v ADD COLUMN b; ALTER TABLE v DROP COLUMN b; SELECT sql FROM sqlite_schema;
         DROP VIEW w2; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT nope; END; ALTER TABLE t RENAME x TO xx; ALTER TABLE t DROP COLUMN z; ALTER TABLE t RENAME TO t2; DROP TRIGGER tr;
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO missing VALUES(1); END; ALTER TABLE t RENAME x TO xx; ALTER TABLE t DROP COLUMN z; ALTER TABLE t RENAME TO t2; DROP TRIGGER tr;
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = new.z; END; ALTER TABLE t DROP COLUMN z; ALTER TABLE t DROP COLUMN b; DROP TRIGGER tr;
         CREATE TABLE p(id PRIMARY KEY, q UNIQUE, r, s CHECK(s > r), u AS (r+1), w); CREATE INDEX pw ON p(w); CREATE INDEX pw2 ON p(r) WHERE w > 1; CREATE VIEW pv AS SELECT w FROM p;
         ALTER TABLE p DROP COLUMN id; ALTER TABLE p DROP q; ALTER TABLE p DROP r; ALTER TABLE p DROP s; ALTER TABLE p DROP w; ALTER TABLE p DROP u; DROP INDEX pw; ALTER TABLE p DROP w; DROP INDEX pw2; ALTER TABLE p DROP w; DROP VIEW pv; ALTER TABLE p DROP w; ALTER TABLE p DROP nope; SELECT sql FROM sqlite_schema WHERE name = 'p';
         ALTER TABLE sqlite_master RENAME TO x; ALTER TABLE sqlite_master ADD COLUMN x; ALTER TABLE t RENAME TO sqlite_x; ALTER TABLE t RENAME TO v; ALTER TABLE t RENAME TO T; ALTER TABLE T RENAME TO t; CREATE INDEX ix ON t(x); ALTER TABLE t RENAME TO ix; ALTER TABLE t RENAME TO p; SELECT sql FROM sqlite_schema;",
    );
}

#[test]
fn legacy_renames_with_a_check() {
    check(
        "PRAGMA legacy_alter_table = 1; CREATE TABLE t(a, b, CHECK(t.a > 0)); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW bad AS SELECT * FROM missing; CREATE TABLE c(x REFERENCES t(a)); CREATE INDEX i ON t(a);
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = 1; SELECT nope; END; CREATE TRIGGER tr2 AFTER INSERT ON c BEGIN INSERT INTO t VALUES(1,2); END;
         ALTER TABLE t RENAME TO u; SELECT name, tbl_name, sql FROM sqlite_schema;
         PRAGMA foreign_keys = 1; ALTER TABLE u RENAME TO u2; SELECT name, tbl_name, sql FROM sqlite_schema; ALTER TABLE u2 RENAME a TO aa; SELECT name, tbl_name, sql FROM sqlite_schema; ALTER TABLE u2 DROP COLUMN b; SELECT name, tbl_name, sql FROM sqlite_schema;
         PRAGMA legacy_alter_table = 0; ALTER TABLE u2 RENAME TO u3;",
    );
}

#[test]
fn temporary_dependents() {
    check(
        "CREATE TABLE t(a, b); CREATE TEMP VIEW tv AS SELECT a, b FROM t; CREATE TEMP TRIGGER tt AFTER INSERT ON t BEGIN UPDATE t SET a = new.a; END; CREATE TEMP TABLE u(z REFERENCES t(a));
         ALTER TABLE t RENAME a TO aa; SELECT sql FROM sqlite_temp_schema; ALTER TABLE t RENAME TO t2; SELECT sql FROM sqlite_temp_schema; SELECT sql FROM sqlite_schema;
         CREATE VIEW mv AS SELECT aa FROM t2; ALTER TABLE temp.u RENAME z TO zz; SELECT sql FROM sqlite_temp_schema; ALTER TABLE t2 DROP COLUMN b; DROP VIEW tv; ALTER TABLE t2 DROP COLUMN b;",
    );
}

#[test]
fn strings_in_double_quotes() {
    check(
        "CREATE TABLE t(a, b, c); CREATE VIEW v AS SELECT \"a\", \"xyz\", b \"c\" FROM t WHERE \"b\" = \"str\"; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT \"qq\", \"a\" FROM t; INSERT INTO t VALUES(\"s1\", 's2', new.\"a\"); END; CREATE INDEX i ON t(a) WHERE b = \"dq\";
         CREATE TABLE d(x DEFAULT \"dq\", y CHECK (y <> \"lit\")); CREATE VIEW z AS SELECT \"unrelated\";
         ALTER TABLE t RENAME a TO a2; SELECT name, sql FROM sqlite_schema; ALTER TABLE t DROP COLUMN c; SELECT name, sql FROM sqlite_schema; ALTER TABLE t RENAME TO tt; SELECT name, sql FROM sqlite_schema;",
    );
}

#[test]
fn legacy_alter_table() {
    check(
        "PRAGMA legacy_alter_table = 1; CREATE TABLE t(a, b); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW bad AS SELECT * FROM missing; CREATE TABLE c(x REFERENCES t(a)); CREATE INDEX i ON t(a);
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = 1; SELECT nope; END; CREATE TRIGGER tr2 AFTER INSERT ON c BEGIN INSERT INTO t VALUES(1,2); END;
         ALTER TABLE t RENAME TO u; SELECT name, tbl_name, sql FROM sqlite_schema;
         PRAGMA foreign_keys = 1; ALTER TABLE u RENAME TO u2; SELECT name, tbl_name, sql FROM sqlite_schema;
         DROP TRIGGER tr; DROP VIEW bad; DROP VIEW v; SELECT name FROM sqlite_schema;
         PRAGMA legacy_alter_table = 0; ALTER TABLE u2 RENAME TO u3;",
    );
}

#[test]
fn renames_that_leave_errors() {
    check(
        "CREATE TABLE t(a, b); CREATE TABLE k(b, c); CREATE VIEW v AS SELECT * FROM t JOIN k USING(b); ALTER TABLE t RENAME b TO bb; ALTER TABLE k RENAME b TO bb; SELECT sql FROM sqlite_schema;
         DROP VIEW v; CREATE VIEW v AS SELECT s.b FROM (SELECT b FROM t) AS s; ALTER TABLE t RENAME b TO bb; SELECT sql FROM sqlite_schema; DROP VIEW v;
         CREATE VIEW v AS SELECT t.* FROM t WHERE t.b IN (SELECT t.b FROM t AS t); ALTER TABLE t RENAME TO tt; SELECT sql FROM sqlite_schema; DROP VIEW v;
         CREATE VIEW v AS SELECT tt.a FROM tt, k AS tt2 WHERE tt.a = tt2.c; ALTER TABLE tt RENAME TO ttt; SELECT sql FROM sqlite_schema; DROP VIEW v;
         CREATE VIEW v AS WITH ttt AS (SELECT 1 AS z) SELECT z FROM ttt; SELECT sql FROM sqlite_schema; ALTER TABLE ttt RENAME TO t4; SELECT sql FROM sqlite_schema;
         CREATE VIEW w(p, q) AS SELECT a, b FROM t4 ORDER BY a, 2; ALTER TABLE t4 RENAME a TO b2; SELECT sql FROM sqlite_schema; CREATE TABLE z(b2 CHECK (b2 > 1)); CREATE TABLE y(a, b, c REFERENCES z(b2), FOREIGN KEY (a) REFERENCES z(b2), FOREIGN KEY (b) REFERENCES y(c)); ALTER TABLE z RENAME b2 TO b3; ALTER TABLE y RENAME c TO cc; ALTER TABLE y RENAME b TO bbb; ALTER TABLE y RENAME TO yy; SELECT sql FROM sqlite_schema;
         CREATE TABLE au(i INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO au VALUES(5); ALTER TABLE au RENAME TO au2; SELECT * FROM sqlite_sequence; INSERT INTO au2 DEFAULT VALUES; SELECT * FROM au2;",
    );
}

#[test]
fn adding_and_dropping_constraints() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT NOT NULL DEFAULT 5, CONSTRAINT k1 CHECK (b <> 'x'), CONSTRAINT u1 UNIQUE (b)); INSERT INTO t VALUES(1,'p',1),(2,NULL,2);
         ALTER TABLE t ALTER COLUMN b SET NOT NULL;
         ALTER TABLE t ALTER b SET NOT NULL;
         ALTER TABLE t ALTER c SET NOT NULL;
         SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN c DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN c DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN c SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN c DROP NOT NULL; ALTER TABLE t ALTER COLUMN c SET NOT NULL ON CONFLICT IGNORE; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN a SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN a DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ALTER COLUMN nope SET NOT NULL;
         ALTER TABLE t ALTER COLUMN nope DROP NOT NULL;
         ALTER TABLE nope ALTER COLUMN b DROP NOT NULL;
         UPDATE t SET b = 'q' WHERE b IS NULL; ALTER TABLE t ALTER COLUMN b SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='t';
         INSERT INTO t(b) VALUES(NULL);
         ALTER TABLE t DROP CONSTRAINT k1; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT u1; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT nope;
         ALTER TABLE t ADD CHECK (c > 100);
         ALTER TABLE t ADD CHECK (c < 100); SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ADD CONSTRAINT k2 CHECK (c < 1000) ; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ADD CONSTRAINT \"k 3\" CHECK (c < 1000 /* x */); SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ADD CONSTRAINT k2 CHECK (c < 1000); SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ADD CONSTRAINT k4 UNIQUE (c);
         ALTER TABLE t ADD CONSTRAINT k4 PRIMARY KEY (c);
         ALTER TABLE t ADD CONSTRAINT k4 FOREIGN KEY (c) REFERENCES t(a);
         ALTER TABLE t ADD CONSTRAINT k4 CHECK (nope > 1);
         ALTER TABLE t ADD CONSTRAINT k4 CHECK (c > (SELECT 1));
         ALTER TABLE t ADD CONSTRAINT k4 CHECK (c > ?);
         ALTER TABLE t ADD CONSTRAINT k4 CHECK (c > count(*));
         ALTER TABLE t ADD CONSTRAINT k4 CHECK (\"dq\" <> c); SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t ADD CHECK (c NOTNULL) ON CONFLICT IGNORE; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT k2; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT k2; SELECT sql FROM sqlite_schema WHERE name='t';
         INSERT INTO t VALUES(50, 'z', 500);
         ALTER TABLE t DROP CONSTRAINT \"k 3\"; SELECT sql FROM sqlite_schema WHERE name='t';",
    );
}

#[test]
fn constraints_of_all_kinds() {
    check(
        "CREATE TABLE t(a CONSTRAINT n1 NOT NULL CONSTRAINT c1 CHECK (a > 0) CONSTRAINT d1 DEFAULT 5, b CONSTRAINT c2 CHECK(b > 0), CONSTRAINT f1 FOREIGN KEY (a) REFERENCES t(b), CONSTRAINT c3 CHECK (a < 5), CHECK (b < 10));
         ALTER TABLE t DROP CONSTRAINT n1; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT c1; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT d1; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT C2; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT f1; SELECT sql FROM sqlite_schema WHERE name='t';
         ALTER TABLE t DROP CONSTRAINT c3; SELECT sql FROM sqlite_schema WHERE name='t';
         CREATE VIEW v AS SELECT 1 AS a; ALTER TABLE v ADD CHECK (a > 1); ALTER TABLE v ALTER a SET NOT NULL; ALTER TABLE v ALTER a DROP NOT NULL; ALTER TABLE v DROP CONSTRAINT x;
         ALTER TABLE sqlite_master ADD CHECK (1); ALTER TABLE sqlite_master ALTER name SET NOT NULL;
         CREATE TABLE w(a PRIMARY KEY, b NOT NULL ON CONFLICT REPLACE DEFAULT 3, c TEXT COLLATE NOCASE NOT NULL CHECK(c>1) , d INT NULL, e) WITHOUT ROWID; INSERT INTO w VALUES(1,2,3,4,5);
         ALTER TABLE w ALTER a DROP NOT NULL; ALTER TABLE w ALTER b DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='w';
         ALTER TABLE w ALTER c DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='w';
         ALTER TABLE w ALTER d SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='w';
         ALTER TABLE w ALTER e SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='w';
         ALTER TABLE w ADD CHECK (e > 0); SELECT sql FROM sqlite_schema WHERE name='w';
         ALTER TABLE w ADD CONSTRAINT zz CHECK (e > 100);
         CREATE TABLE g(a, b AS (a+1), c AS (a*2) STORED); INSERT INTO g VALUES(1),(NULL); ALTER TABLE g ALTER b SET NOT NULL; ALTER TABLE g ALTER c SET NOT NULL; DELETE FROM g WHERE a IS NULL; ALTER TABLE g ALTER b SET NOT NULL; ALTER TABLE g ADD CHECK (b > 5); ALTER TABLE g ADD CHECK (b < 5); SELECT sql FROM sqlite_schema WHERE name='g';
         CREATE TABLE s(a INT, b TEXT) STRICT; ALTER TABLE s ALTER a SET NOT NULL; ALTER TABLE s ADD CHECK (a > 1); SELECT sql FROM sqlite_schema WHERE name='s';
         CREATE TABLE q1(a, b -- comment
         , c /* x */); ALTER TABLE q1 ALTER b SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='q1'; ALTER TABLE q1 ALTER c SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name='q1'; ALTER TABLE q1 ADD CHECK (a > 1); SELECT sql FROM sqlite_schema WHERE name='q1';
         CREATE TABLE q2(a, b
         CHECK (b > 1) -- t
         ); ALTER TABLE q2 ADD CHECK (a > 1); SELECT sql FROM sqlite_schema WHERE name='q2'; ALTER TABLE q2 ALTER b   SET   NOT   NULL; SELECT sql FROM sqlite_schema WHERE name='q2';
         CREATE TABLE q3(a NOT NULL NOT NULL, b NOT /* y */ NULL, c CONSTRAINT z NOT NULL, d CONSTRAINT z2 NOT NULL); ALTER TABLE q3 ALTER a DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='q3'; ALTER TABLE q3 ALTER b DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='q3';  ALTER TABLE q3 ALTER c DROP NOT NULL; SELECT sql FROM sqlite_schema WHERE name='q3'; ALTER TABLE q3 DROP CONSTRAINT z2; SELECT sql FROM sqlite_schema WHERE name='q3';
         CREATE TEMP TABLE tt(a); ALTER TABLE tt ADD CHECK (a > 1); SELECT sql FROM sqlite_temp_schema; ALTER TABLE tt ALTER a SET NOT NULL; SELECT sql FROM sqlite_temp_schema;",
    );
}

/// SQLite takes `excluded` for the table here, and leaves a trigger behind that does something else.
#[test]
fn excluded_is_not_the_table() {
    let database = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    let outcomes = support::run_ours(
        &connection,
        "CREATE TABLE t(a PRIMARY KEY, b); CREATE TABLE u(x, y);
         CREATE TRIGGER t1 AFTER INSERT ON u BEGIN INSERT INTO t VALUES(new.x, new.y) ON CONFLICT(a) DO UPDATE SET b = excluded.b; END;
         ALTER TABLE t RENAME TO t2; INSERT INTO u VALUES(1, 2), (1, 3); SELECT * FROM t2;",
    );
    assert_eq!(outcomes.last().map(|(rows, _)| rows.clone()), Some(vec!["1|3".to_string()]));
}

#[test]
fn triggers_use_renamed_columns_in_every_corner() {
    check(
        "CREATE TABLE t(a PRIMARY KEY, b, c UNIQUE); CREATE TABLE u(x, y); CREATE VIEW tv AS SELECT a, b FROM t;
         CREATE TRIGGER t1 AFTER INSERT ON u BEGIN INSERT INTO t(a, b, c) VALUES(new.x, new.y, new.x) ON CONFLICT(a) DO UPDATE SET b = excluded.b, c = t.a || b WHERE t.b <> excluded.a ON CONFLICT(c) DO NOTHING; END;
         CREATE TRIGGER t2 INSTEAD OF UPDATE OF a ON tv BEGIN UPDATE t SET (b, a) = (SELECT y, x FROM u WHERE u.x = new.a), c = (SELECT max(b) FROM t) WHERE a = old.a AND old.b IS NOT new.b; END;
         CREATE TRIGGER t3 BEFORE DELETE ON t WHEN old.a IN (SELECT b FROM t WHERE t.a > 1) BEGIN WITH q(a) AS (SELECT b FROM t) DELETE FROM u WHERE x IN (SELECT a FROM q) OR EXISTS (SELECT 1 FROM t AS k WHERE k.a = u.x); END;
         ALTER TABLE t RENAME a TO \"new a\"; SELECT name, sql FROM sqlite_schema; DROP TRIGGER t2; DROP VIEW tv; ALTER TABLE t RENAME a TO \"new a\"; SELECT name, sql FROM sqlite_schema;
         ALTER TABLE t RENAME b TO bb; ALTER TABLE u RENAME TO \"u 2\"; ALTER TABLE \"u 2\" RENAME x TO xx; SELECT name, sql FROM sqlite_schema;
         INSERT INTO \"u 2\" VALUES(1, 2), (1, 3), (2, 1); SELECT * FROM t; DELETE FROM t; SELECT * FROM \"u 2\"; ALTER TABLE t DROP COLUMN bb; ALTER TABLE t DROP COLUMN c;",
    );
}

#[test]
fn what_a_new_column_may_not_say_is_an_error_in_its_table() {
    check(
        "CREATE TABLE t1(a, b); ALTER TABLE t1 ADD COLUMN c CHECK (nosuch); ALTER TABLE t1 ADD COLUMN d AS (nosuch); ALTER TABLE t1 ADD COLUMN d CHECK (sum(1));
         ALTER TABLE t1 ADD COLUMN d CHECK ((SELECT 1)); ALTER TABLE t1 ADD COLUMN d COLLATE nosuch; ALTER TABLE t1 ADD COLUMN d INTEGER DEFAULT (1 + nosuch);
         ALTER TABLE t1 ADD COLUMN d CHECK (y.z); ALTER TABLE t1 ADD COLUMN d AS (random()); ALTER TABLE t1 ADD COLUMN d AS (sum(a) OVER ()); ALTER TABLE t1 ADD COLUMN d AS (a) DEFAULT 3;
         ALTER TABLE t1 ADD COLUMN d AS (a) PRIMARY KEY; ALTER TABLE t1 ADD COLUMN d CHECK (d IN (1)); SELECT sql FROM sqlite_schema;",
    );
}

#[test]
fn what_is_in_nothing_needs_no_column() {
    check(
        "CREATE TABLE t(i, b CHECK(5), CHECK(3 OR (b IN ())), CHECK (b NOT IN () OR b IN ()));
         ALTER TABLE t RENAME b TO c; SELECT sql FROM sqlite_schema;
         CREATE VIEW v AS SELECT c IN () AS x FROM t; ALTER TABLE t RENAME c TO d; SELECT sql FROM sqlite_schema;
         ALTER TABLE t DROP d; SELECT sql FROM sqlite_schema; INSERT INTO t VALUES (1); SELECT * FROM v;",
    );
}

#[test]
fn an_index_by_a_name_in_single_quotes_keeps_its_column() {
    check(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t('b'); INSERT INTO t VALUES(1, 2);
         ALTER TABLE t DROP COLUMN b; PRAGMA integrity_check; SELECT * FROM t WHERE b = 2;
         ALTER TABLE t DROP COLUMN a; SELECT * FROM t; SELECT sql FROM sqlite_schema;",
    );
}

#[test]
fn tables_whose_collation_is_not_registered_can_be_altered() {
    check(
        "CREATE TABLE t(x TEXT, k, q CHECK (x <> k)); CREATE VIEW v AS SELECT * FROM t WHERE x = 'abc'; CREATE TABLE o(a);
         PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'x TEXT', 'x TEXT COLLATE mine') WHERE name = 't'; PRAGMA writable_schema = RESET;
         ALTER TABLE o RENAME TO oo; ALTER TABLE t RENAME TO tt; ALTER TABLE tt RENAME x TO y; ALTER TABLE tt ADD COLUMN z; ALTER TABLE tt DROP COLUMN z;
         ALTER TABLE tt ADD COLUMN z COLLATE other; SELECT sql FROM sqlite_schema; SELECT * FROM tt WHERE y = 1; SELECT * FROM v;",
    );
}

#[test]
fn elements_with_functions_that_are_not_registered_follow_a_rename() {
    check(
        "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT a, mine(b) FROM t WHERE other(a, b) > 1 ORDER BY third(b); CREATE VIEW w AS SELECT b FROM t WHERE b = unicode(1, 2, 3);
         CREATE TRIGGER r AFTER INSERT ON t WHEN mine(new.b) BEGIN UPDATE t SET a = mine(b, new.b) WHERE b IN (SELECT mine(b) FROM t); END;
         ALTER TABLE t RENAME COLUMN b TO bb; ALTER TABLE t RENAME TO tt; ALTER TABLE tt ADD COLUMN c; ALTER TABLE tt DROP COLUMN c; SELECT sql FROM sqlite_schema;
         ALTER TABLE tt DROP COLUMN bb; SELECT * FROM v; SELECT * FROM w; INSERT INTO tt VALUES(1, 2); ALTER TABLE tt RENAME COLUMN nosuch TO x;",
    );
}
