//! Triggers, against SQLite.

mod support;

use support::check;

#[test]
fn triggers_see_old_and_new() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE TABLE log(what, a, b, c, d);
         CREATE TRIGGER bi BEFORE INSERT ON t BEGIN INSERT INTO log VALUES('bi', new.a, new.b, new.c, NULL); END;
         CREATE TRIGGER ai AFTER INSERT ON t WHEN new.b > 1 BEGIN INSERT INTO log VALUES('ai', new.a, new.b, new.rowid, NULL); END;
         CREATE TRIGGER bu BEFORE UPDATE OF b ON t BEGIN INSERT INTO log VALUES('bu', old.a, old.b, new.a, new.b); END;
         CREATE TRIGGER au AFTER UPDATE ON t BEGIN INSERT INTO log VALUES('au', old.a, old.b, new.a, new.b); UPDATE t SET c = 'u' WHERE a = new.a AND c IS NOT 'u'; END;
         CREATE TRIGGER bd BEFORE DELETE ON t BEGIN INSERT INTO log VALUES('bd', old.a, old.b, NULL, NULL); END;
         CREATE TRIGGER ad AFTER DELETE ON t BEGIN INSERT INTO log VALUES('ad', old.a, (SELECT count(*) FROM t), NULL, NULL); END;
         INSERT INTO t VALUES(1, 1, 1); INSERT INTO t(b) VALUES(2), (3); SELECT changes(), total_changes(), last_insert_rowid();
         UPDATE t SET b = b + 1; SELECT changes();
         UPDATE t SET c = 5 WHERE a = 2; DELETE FROM t WHERE a > 1; DELETE FROM t;
         SELECT * FROM log;",
    );
}

#[test]
fn raise_and_ignore() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b);
         CREATE TRIGGER bi BEFORE INSERT ON t BEGIN
             SELECT RAISE(IGNORE) WHERE new.b = 'ignore'; SELECT RAISE(ABORT, 'no abort') WHERE new.b = 'abort';
             SELECT RAISE(FAIL, 'no fail') WHERE new.b = 'fail'; SELECT RAISE(ROLLBACK, 'no rollback') WHERE new.b = 'rollback'; END;
         INSERT INTO t VALUES(1, 'x'), (2, 'ignore'), (3, 'y');
         INSERT INTO t VALUES(4, 'x'), (5, 'abort'), (6, 'y');
         INSERT INTO t VALUES(7, 'x'), (8, 'fail'), (9, 'y');
         BEGIN; INSERT INTO t VALUES(10, 'x'); INSERT INTO t VALUES(11, 'rollback'); COMMIT;
         SELECT * FROM t;",
    );
}

#[test]
fn instead_of_triggers() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE VIEW v AS SELECT a, b AS bb FROM t;
         INSERT INTO v VALUES(1, 2); UPDATE v SET bb = 1; DELETE FROM v;
         CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES(new.a, new.bb); END;
         CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN UPDATE t SET b = new.bb, a = new.a WHERE a = old.a; END;
         CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE a = old.a; END;
         INSERT INTO v VALUES(1, 2), (3, 4); INSERT INTO v(bb) VALUES(9); SELECT changes();
         UPDATE v SET bb = bb * 10 WHERE a < 3; DELETE FROM v WHERE a = 3; SELECT * FROM v;",
    );
}

#[test]
fn nested_triggers_and_replace() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE); CREATE TABLE u(x INTEGER PRIMARY KEY AUTOINCREMENT, y); CREATE TABLE log(z);
         CREATE TRIGGER t1 AFTER INSERT ON t BEGIN INSERT INTO u(y) VALUES(new.b); END;
         CREATE TRIGGER t2 AFTER INSERT ON u BEGIN INSERT INTO log VALUES(new.x || new.y); END;
         CREATE TRIGGER t3 AFTER DELETE ON t BEGIN INSERT INTO log VALUES('deleted ' || old.a); END;
         INSERT INTO t VALUES(1, 'a'), (2, 'b'); REPLACE INTO t VALUES(1, 'b');
         CREATE TABLE r(n); CREATE TRIGGER r1 AFTER INSERT ON r WHEN new.n < 5 BEGIN INSERT INTO r VALUES(new.n + 1); END;
         INSERT INTO r VALUES(1); SELECT * FROM r; PRAGMA recursive_triggers = ON; INSERT INTO r VALUES(1); SELECT * FROM r;
         REPLACE INTO t VALUES(2, 'b'), (3, 'b');
         SELECT * FROM t; SELECT * FROM u; SELECT * FROM log; SELECT last_insert_rowid();",
    );
}

#[test]
fn update_of_compares_names_and_new_is_sparse_before_the_update() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d AS (b+1), e AS (b||c) STORED); CREATE TABLE log(w, x, y, z);
         CREATE TRIGGER bu BEFORE UPDATE ON t BEGIN INSERT INTO log VALUES('bu', old.d, new.d, new.e); END;
         CREATE TRIGGER au AFTER UPDATE ON t BEGIN INSERT INTO log VALUES('au', old.d, new.d, new.e); END;
         INSERT INTO t(b,c) VALUES(1,'x'),('2','y');
         UPDATE t SET b = b*10, c = 'q'; UPDATE t SET a = a + 100; UPDATE t SET c = 'r';
         CREATE TRIGGER ofd BEFORE UPDATE OF d ON t BEGIN INSERT INTO log VALUES('ofd', old.d, new.d, new.c); END;
         CREATE TRIGGER ofa BEFORE UPDATE OF a ON t BEGIN INSERT INTO log VALUES('ofa', old.d, new.d, new.b); END;
         CREATE TRIGGER ofr BEFORE UPDATE OF rowid ON t BEGIN INSERT INTO log VALUES('ofr', old.d, new.d, new.e); END;
         CREATE TRIGGER ofn BEFORE UPDATE OF nope ON t BEGIN INSERT INTO log VALUES('ofn', old.d, new.d, new.e); END;
         UPDATE t SET b = 5; UPDATE t SET rowid = 7 WHERE a = 101; UPDATE t SET a = 8 WHERE a = 7; UPDATE t SET c = 1;
         SELECT * FROM log; SELECT * FROM t;",
    );
}

#[test]
fn counters_inside_of_triggers() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE log(x);
         CREATE TRIGGER ti AFTER INSERT ON t BEGIN
             INSERT INTO log VALUES('c' || changes()); INSERT INTO log SELECT 'x' FROM t;
             INSERT INTO log VALUES('d' || changes() || ' ' || total_changes() || ' ' || last_insert_rowid());
             UPDATE log SET x = x || '!' WHERE rowid % 2; INSERT INTO log VALUES('e' || changes());
             DELETE FROM log WHERE rowid > 100; INSERT INTO log VALUES('f' || changes()); END;
         INSERT INTO t VALUES(1,1),(2,2),(3,3); SELECT changes(), total_changes(), last_insert_rowid(); SELECT * FROM log;
         UPDATE t SET b = changes(); SELECT * FROM t; DELETE FROM t; SELECT changes(), total_changes();
         INSERT INTO t SELECT changes(), 5; SELECT * FROM t; SELECT * FROM log;",
    );
}

#[test]
fn temporary_triggers() {
    check(
        "CREATE TABLE t(a, b); CREATE TEMP TABLE log(x);
         CREATE TEMP TRIGGER tt AFTER INSERT ON t BEGIN INSERT INTO log VALUES('temp ' || new.a); END;
         CREATE TEMP TRIGGER tt2 AFTER INSERT ON main.t BEGIN INSERT INTO log VALUES('temp2 ' || new.a); END;
         CREATE TRIGGER mt AFTER INSERT ON t BEGIN UPDATE t SET b = 'main' WHERE a = new.a; END;
         CREATE TRIGGER mt2 AFTER INSERT ON t BEGIN INSERT INTO log VALUES(1); END;
         INSERT INTO t VALUES(1,1); DROP TRIGGER mt2; INSERT INTO t VALUES(2,1); SELECT * FROM t; SELECT * FROM log;
         CREATE TEMP TRIGGER mt5 AFTER INSERT ON t BEGIN INSERT INTO temp.log VALUES(5); UPDATE main.t SET b = 6; END;
         CREATE TEMP TABLE t(a, b); INSERT INTO t VALUES(3,3); INSERT INTO main.t VALUES(4,4); SELECT * FROM log;
         CREATE TEMP TRIGGER own AFTER INSERT ON t BEGIN INSERT INTO log VALUES('own'); END;
         INSERT INTO t VALUES(3,3); INSERT INTO main.t VALUES(4,4); SELECT * FROM log;
         SELECT name, tbl_name FROM sqlite_temp_schema; DROP TABLE temp.t; INSERT INTO t VALUES(3,3); SELECT * FROM log;
         DROP TABLE t; SELECT name, tbl_name FROM sqlite_temp_schema;
         CREATE TEMP TRIGGER lost AFTER INSERT ON log BEGIN INSERT INTO nope.log VALUES(1); END; INSERT INTO log VALUES(1);",
    );
}

#[test]
fn recursion_has_an_end() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); PRAGMA recursive_triggers = 1;
         CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t VALUES(new.a+1, 0); END;
         INSERT INTO t VALUES(100, 0); SELECT count(*) FROM t; DROP TRIGGER r;
         CREATE TRIGGER r AFTER INSERT ON t WHEN new.a < 1000 BEGIN INSERT INTO t VALUES(new.a+1, 0); END;
         INSERT INTO t VALUES(1, 0); INSERT INTO t VALUES(0, 0); INSERT INTO t VALUES(-2, 0); SELECT count(*) FROM t;",
    );
}

#[test]
fn returning_and_with_on_views() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES(1,5,'x'),(2,4,'y'),(3,3,'z'); CREATE TABLE log(x);
         CREATE VIEW v AS SELECT a, b, a+b AS s FROM t; INSERT INTO v(a,b) VALUES(1,2) RETURNING *;
         CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN INSERT INTO log VALUES(old.a||'d'); END;
         CREATE TRIGGER vu INSTEAD OF UPDATE OF a, b ON v BEGIN INSERT INTO log VALUES(old.a||'u'||new.b); END;
         UPDATE v SET s = 1 RETURNING *; INSERT INTO v(a,b) VALUES(1,2) RETURNING *; INSERT INTO v(a,b) VALUES(1,2);
         CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN SELECT RAISE(IGNORE) WHERE new.a = 4; INSERT INTO log VALUES(new.a||'i'||new.b); END;
         INSERT INTO v VALUES(1,2,3),(4,5,6),(7,8,9) RETURNING *; INSERT INTO v(a,b) VALUES('1',2) RETURNING rowid;
         INSERT INTO v(a,b) VALUES('1',2) RETURNING a, typeof(a), s; INSERT INTO v DEFAULT VALUES RETURNING v.a;
         UPDATE v SET b = b + 1, a = a * 2 RETURNING a, b, s, v.a; UPDATE v AS q SET b = b + 1 RETURNING q.a;
         UPDATE v SET (a, b) = (SELECT 7, 8) WHERE a > 1 RETURNING *;
         UPDATE v SET b = x.b * 100 FROM t AS x WHERE x.a = v.a + 1 RETURNING v.a, v.b; UPDATE v SET b = x.b FROM t AS x;
         UPDATE v SET (a,b) = (SELECT x.a, x.b) FROM t AS x WHERE x.a = v.a + 1 RETURNING *;
         DELETE FROM v WHERE a > 1 RETURNING v.a AS k, (SELECT count(*) FROM log);
         WITH x AS (SELECT 2 AS n) DELETE FROM v WHERE a = (SELECT n FROM x) RETURNING *;
         WITH x AS (SELECT 2 AS n) UPDATE v SET a = (SELECT n FROM x) WHERE a = (SELECT n FROM x) RETURNING *;
         WITH v AS (SELECT 2 AS n, 3, 4) INSERT INTO v SELECT * FROM v RETURNING *;
         WITH t AS (SELECT 2 AS a, 3 AS b, 4) DELETE FROM v WHERE a > 1; SELECT changes(), total_changes(); SELECT * FROM log;
         INSERT INTO main.t AS q VALUES(9,8,9) RETURNING main.t.a; INSERT INTO t AS q VALUES(9,8,9) RETURNING t.a;
         INSERT INTO t AS q VALUES(10,8,9) RETURNING q.a; UPDATE t AS q SET b = 0 WHERE q.a = 1 RETURNING t.a;",
    );
}

#[test]
fn row_subqueries_in_update_from() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES(1,5,'x'),(2,4,'y'),(3,3,'z');
         CREATE TABLE s(k, n, m); INSERT INTO s VALUES(1, 10, 11), (2, 20, 21), (2, 22, 23);
         UPDATE t SET (b, c) = (SELECT s.n, s.m) FROM s WHERE s.k = t.a; SELECT * FROM t;
         UPDATE t SET (b, c) = (SELECT n, m + t.a FROM s AS q WHERE q.k = s.k ORDER BY n LIMIT 1), a = a + 10 FROM s WHERE s.k = t.a; SELECT * FROM t;
         UPDATE t SET (b, c) = (SELECT n, m FROM s AS q WHERE q.k = 99) FROM s; SELECT * FROM t;
         UPDATE t SET (b, c) = (SELECT 1, 2, 3) FROM s; UPDATE t SET (b, c) = (SELECT 1, 2), c = (SELECT max(n) FROM s) FROM s WHERE s.k = 1; SELECT * FROM t;
         CREATE TABLE w(a TEXT, b, c, PRIMARY KEY(c, a)) WITHOUT ROWID; INSERT INTO w SELECT k, n, m FROM s;
         UPDATE w SET (b, c) = (SELECT s.n + 1, w.c || 'x') FROM s WHERE s.m = w.c; SELECT * FROM w;",
    );
}

#[test]
fn what_delete_triggers_of_replace_store_is_refused() {
    check(
        "PRAGMA recursive_triggers = true; CREATE TABLE t0(c0, c1); CREATE UNIQUE INDEX i0 ON t0(c0); INSERT INTO t0(c0, c1) VALUES (123, 1);
         CREATE TRIGGER tr0 AFTER DELETE ON t0 BEGIN INSERT INTO t0 VALUES (123, 2); END; REPLACE INTO t0(c0, c1) VALUES (123, 3); SELECT * FROM t0;
         CREATE TABLE t1(a INTEGER PRIMARY KEY, b); CREATE INDEX t1b ON t1(b); INSERT INTO t1 VALUES (1, 'one');
         CREATE TRIGGER tr3 AFTER DELETE ON t1 BEGIN INSERT INTO t1 VALUES (1, 'three'); END; REPLACE INTO t1 VALUES (1, 'two'); SELECT * FROM t1;
         CREATE TABLE t2(aa, bb); CREATE UNIQUE INDEX t2bb ON t2(bb);
         CREATE TRIGGER tr4 BEFORE DELETE ON t2 BEGIN INSERT INTO t2(aa, bb) VALUES (99, 1); END; INSERT INTO t2(aa, bb) VALUES (10, 20);
         REPLACE INTO t2(aa, bb) VALUES (30, 20); SELECT rowid, * FROM t2;
         CREATE TABLE t3(a, b UNIQUE, c UNIQUE); INSERT INTO t3(a, b, c) VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4);
         CREATE TRIGGER tr5 AFTER DELETE ON t3 WHEN old.c <> 3 BEGIN INSERT INTO t3(rowid, a, b, c) VALUES (100, 100, 100, 3); END;
         REPLACE INTO t3(rowid, a, b, c) VALUES (200, 1, 2, 3); SELECT rowid, * FROM t3; UPDATE OR REPLACE t3 SET b = 1 WHERE a = 3;
         CREATE TABLE w(k PRIMARY KEY, v UNIQUE) WITHOUT ROWID; INSERT INTO w VALUES (1, 1), (2, 2);
         CREATE TRIGGER tr6 AFTER DELETE ON w BEGIN INSERT INTO w VALUES (old.k + 10, old.v); END; REPLACE INTO w VALUES (3, 2); SELECT * FROM w ORDER BY k;
         REPLACE INTO w VALUES (2, 5); SELECT * FROM w ORDER BY k; PRAGMA integrity_check;",
    );
}

#[test]
fn what_cascades_of_replace_lead_to_is_refused() {
    check(
        "PRAGMA foreign_keys = 1; CREATE TABLE p1(a, b UNIQUE); CREATE TABLE c1(c, d REFERENCES p1(b) ON DELETE CASCADE);
         CREATE TRIGGER tr6 AFTER DELETE ON c1 BEGIN INSERT INTO p1 VALUES (4, 1); END; INSERT INTO p1 VALUES (1, 1); INSERT INTO c1 VALUES (2, 1);
         REPLACE INTO p1 VALUES (3, 1); SELECT * FROM p1; SELECT * FROM c1; PRAGMA integrity_check;",
    );
}

#[test]
fn a_row_under_update_that_triggers_of_replace_delete_is_missed() {
    check(
        "PRAGMA recursive_triggers = true; CREATE TABLE t0 (c0 UNIQUE, c1 UNIQUE); CREATE TRIGGER tr0 AFTER DELETE ON t0 BEGIN DELETE FROM t0; END;
         INSERT INTO t0 VALUES (1, NULL), (0, NULL); UPDATE OR REPLACE t0 SET c1 = 1; SELECT * FROM t0; PRAGMA integrity_check;
         CREATE TABLE t2 (a PRIMARY KEY, b UNIQUE, c UNIQUE) WITHOUT ROWID; CREATE TRIGGER tr3 AFTER DELETE ON t2 BEGIN DELETE FROM t2; END;
         INSERT INTO t2 VALUES (1, 1, 1), (2, 2, 2); UPDATE OR REPLACE t2 SET c = 0; SELECT * FROM t2; PRAGMA integrity_check;
         UPDATE OR REPLACE t2 SET c = 7 WHERE a = 1; SELECT * FROM t2;",
    );
}
