//! INSERT, UPDATE and DELETE, against SQLite.

mod support;

use support::check;

#[test]
fn rows_are_inserted() {
    check(
        "CREATE TABLE t(a, b INTEGER PRIMARY KEY, c TEXT DEFAULT 'd', d REAL, e NUMERIC);
         INSERT INTO t VALUES(1, 2, 3, 4, '5');
         INSERT INTO t(a) VALUES('x');
         INSERT INTO t(e, d) VALUES('5.0', '6'), ('abc', 7.5), (1e3, 8);
         INSERT INTO t DEFAULT VALUES;
         INSERT INTO t(rowid, a) VALUES(100, 'r');
         INSERT INTO t(b, a) VALUES(NULL, 'n');
         INSERT INTO t SELECT a, b + 1000, c, d, e FROM t;
         INSERT INTO t VALUES(1, 2, 3);
         INSERT INTO t(a, nosuch) VALUES(1, 2);
         INSERT INTO t(a, c) VALUES(1);
         INSERT INTO t(b) VALUES('abc');
         INSERT INTO t(b) VALUES(2);
         INSERT INTO nosuch VALUES(1);
         SELECT * FROM t;
         SELECT changes(), total_changes(), last_insert_rowid();",
    );
}

#[test]
fn constraints_fail_as_in_sqlite() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b NOT NULL, c UNIQUE, d CHECK(d > 0), CONSTRAINT big CHECK(d < 100), UNIQUE(b, c));
         CREATE UNIQUE INDEX x ON t(c || 'x');
         INSERT INTO t VALUES(1, 1, 1, 1);
         INSERT INTO t VALUES(1, 1, 1, 1);
         INSERT INTO t VALUES(2, NULL, 2, 2);
         INSERT INTO t VALUES(2, 2, 1, 2);
         INSERT INTO t VALUES(2, 2, 2, 0);
         INSERT INTO t VALUES(2, 2, 2, 100);
         INSERT OR IGNORE INTO t VALUES(1, 1, 1, 1), (2, NULL, 2, 2), (3, 3, 3, 0), (4, 4, 4, 4);
         INSERT OR REPLACE INTO t VALUES(1, 5, 4, 5);
         INSERT OR FAIL INTO t VALUES(10, 10, 10, 10), (11, 10, 10, 10), (12, 12, 12, 12);
         INSERT INTO t VALUES(20, 20, 20, 20), (21, 20, 20, 20), (22, 22, 22, 22);
         UPDATE t SET c = 10;
         UPDATE t SET b = NULL;
         UPDATE OR IGNORE t SET c = 10;
         UPDATE OR REPLACE t SET c = 10;
         UPDATE t SET a = a + 1;
         SELECT * FROM t;
         BEGIN; INSERT INTO t VALUES(50, 50, 50, 50); INSERT OR ROLLBACK INTO t VALUES(50, 50, 50, 50); COMMIT;
         CREATE TABLE st(a INT, b TEXT, c REAL, d BLOB, e ANY) STRICT;
         INSERT INTO st VALUES(1, 2, 3, x'00', '1');
         INSERT INTO st VALUES('x', 2, 3, x'00', '1');
         INSERT INTO st VALUES(1, x'00', 3, x'00', '1');
         INSERT INTO st VALUES(1, 2, 'y', x'00', '1');
         INSERT INTO st VALUES(1, 2, 3, 4, '1');
         SELECT * FROM st;",
    );
}

#[test]
fn rows_are_deleted() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c UNIQUE); CREATE INDEX i ON t(b) WHERE b > 5; CREATE INDEX j ON t(b + 1);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 50) INSERT INTO t SELECT x, x % 10, x * 3 FROM n;
         DELETE FROM t WHERE a = 7; SELECT changes();
         DELETE FROM t WHERE a = 7; SELECT changes();
         DELETE FROM t WHERE b = 3; SELECT changes();
         DELETE FROM t WHERE a > 10 AND a < 20; SELECT changes();
         DELETE FROM t WHERE c IN (SELECT c FROM t WHERE b = 8); SELECT changes();
         SELECT * FROM t;
         DELETE FROM t; SELECT changes();
         INSERT INTO t VALUES(1, 2, 3);
         DELETE FROM t WHERE nosuch = 1;",
    );
}

#[test]
fn rows_are_updated() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c UNIQUE, d REAL); CREATE INDEX i ON t(b) WHERE b > 5; CREATE INDEX j ON t(b + 1);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 50) INSERT INTO t SELECT x, x % 10, x * 3, x FROM n;
         UPDATE t SET b = b + 1; SELECT changes();
         UPDATE t SET b = 100 WHERE a = 7; SELECT changes();
         UPDATE t SET c = c + 1000 WHERE b > 4;
         UPDATE t SET a = a + 100 WHERE a > 40;
         UPDATE t SET a = 3 WHERE a = 4;
         UPDATE t SET a = -a;
         UPDATE t SET (b, d) = (1, 2) WHERE a = -5;
         UPDATE t SET (b, d) = (SELECT 7, 8) WHERE a = -6;
         UPDATE t SET b = b, c = c, d = d;
         UPDATE t SET rowid = 77 WHERE a = -8;
         UPDATE t SET nosuch = 1;
         UPDATE t SET (b, c) = (1, 2, 3);
         UPDATE t SET b = (SELECT max(b) FROM t) + a WHERE a < -45;
         UPDATE t SET a = 'x' WHERE a = -1;
         SELECT * FROM t;",
    );
}

#[test]
fn tables_without_rowid() {
    check(
        "CREATE TABLE w(a, b, c, d UNIQUE, PRIMARY KEY(b, a)) WITHOUT ROWID; CREATE INDEX i ON w(c);
         INSERT INTO w VALUES(1, 2, 3, 4), (2, 1, 3, 5), (1, 1, 7, 6);
         INSERT INTO w VALUES(1, 2, 3, 9);
         INSERT INTO w VALUES(9, 9, 3, 4);
         INSERT INTO w VALUES(NULL, 9, 3, 44);
         INSERT OR REPLACE INTO w VALUES(1, 2, 30, 5);
         SELECT * FROM w;
         UPDATE w SET c = c + 1;
         UPDATE w SET a = a + 1 WHERE b = 1;
         UPDATE w SET b = 1;
         UPDATE OR IGNORE w SET d = 6;
         SELECT * FROM w;
         DELETE FROM w WHERE c = 8;
         SELECT * FROM w; DELETE FROM w; SELECT changes();",
    );
}

#[test]
fn generated_columns() {
    check(
        "CREATE TABLE g(a, b AS (a * 2) UNIQUE, c INT AS (b + 1) STORED NOT NULL, d); CREATE INDEX i ON g(b, d);
         INSERT INTO g VALUES(1, 2); INSERT INTO g(a, d) VALUES(2, 'x'), (3, 'y');
         INSERT INTO g(a, b) VALUES(1, 2);
         INSERT INTO g VALUES(1, 5);
         INSERT INTO g VALUES(NULL, 5);
         UPDATE g SET a = a + 10; UPDATE g SET b = 1;
         SELECT * FROM g; DELETE FROM g WHERE b = 24; SELECT * FROM g;",
    );
}

#[test]
fn autoincrement() {
    check(
        "CREATE TABLE ai(a INTEGER PRIMARY KEY AUTOINCREMENT, b);
         INSERT INTO ai(b) VALUES(1), (2); DELETE FROM ai; INSERT INTO ai(b) VALUES(3); INSERT INTO ai VALUES(100, 4);
         INSERT INTO ai(b) VALUES(5); INSERT OR IGNORE INTO ai VALUES(5, 5); SELECT * FROM ai; SELECT * FROM sqlite_sequence;
         INSERT INTO ai VALUES(9223372036854775807, 1); INSERT INTO ai(b) VALUES(1);",
    );
}

#[test]
fn returning_and_upsert() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c DEFAULT 7);
         INSERT INTO t(b) VALUES(1), (2) RETURNING *, a + 1 AS x, rowid;
         UPDATE t SET c = c + 1 RETURNING a, c; DELETE FROM t WHERE a = 1 RETURNING b, c;
         INSERT INTO t VALUES(2, 5, 5) ON CONFLICT DO NOTHING;
         INSERT INTO t VALUES(2, 5, 5) ON CONFLICT(a) DO UPDATE SET c = excluded.c + c, b = excluded.b RETURNING *;
         INSERT INTO t VALUES(9, 5, 6) ON CONFLICT(b) DO UPDATE SET c = excluded.c * 100 WHERE t.c > 1;
         INSERT INTO t VALUES(9, 5, 6) ON CONFLICT(b) DO UPDATE SET c = excluded.c * 100 WHERE t.c < 1;
         INSERT INTO t VALUES(9, 5, 6) ON CONFLICT(c) DO NOTHING;
         INSERT INTO t VALUES(9, 5, 6) ON CONFLICT(a) DO NOTHING;
         INSERT INTO t VALUES(2, 5, 6) ON CONFLICT(a) DO NOTHING ON CONFLICT(b) DO UPDATE SET c = 0;
         SELECT * FROM t;",
    );
}

#[test]
fn update_from() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE s(x, y);
         INSERT INTO t VALUES(1, 1), (2, 2), (3, 3); INSERT INTO s VALUES(1, 'one'), (3, 'three'), (4, 'four');
         UPDATE t SET b = s.y FROM s WHERE s.x = t.a; SELECT * FROM t;
         CREATE TABLE w(a PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO w SELECT * FROM t;
         UPDATE w SET b = s.y || w.b FROM s WHERE s.x = w.a; SELECT * FROM w;",
    );
}
