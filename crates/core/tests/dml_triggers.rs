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
