//! Foreign keys, against SQLite.

mod support;

use support::check;

#[test]
fn children_need_parents() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a INTEGER PRIMARY KEY, b UNIQUE, c, d, UNIQUE(c, d));
         CREATE TABLE c1(x REFERENCES p, y REFERENCES p(b), u, v, FOREIGN KEY(u, v) REFERENCES p(c, d));
         INSERT INTO c1(x) VALUES(1); INSERT INTO p VALUES(1, 'b', 3, 4), (2, 'bb', 5, 6); INSERT INTO c1(x) VALUES(1); INSERT INTO c1(x) VALUES('1'), ('x');
         INSERT INTO c1(y) VALUES('b'); INSERT INTO c1(y) VALUES('nope'); INSERT INTO c1(u, v) VALUES(3, 4); INSERT INTO c1(u, v) VALUES(3, 5); INSERT INTO c1(u, v) VALUES(3, NULL);
         DELETE FROM p WHERE a = 2; DELETE FROM p WHERE a = 1; DELETE FROM p; UPDATE p SET a = 9; UPDATE p SET b = 'z' WHERE a = 1; UPDATE p SET d = 7; UPDATE p SET c = c;
         UPDATE c1 SET x = 5; UPDATE c1 SET x = NULL; SELECT * FROM c1; SELECT * FROM p;
         CREATE TABLE bad(x REFERENCES p(nosuch)); INSERT INTO bad VALUES(1); CREATE TABLE bad2(x REFERENCES nosuch); INSERT INTO bad2 VALUES(1); INSERT INTO bad2 VALUES(NULL);
         CREATE TABLE bad3(x REFERENCES p(c)); INSERT INTO bad3 VALUES(1); PRAGMA foreign_key_check(c1); DROP TABLE p;",
    );
}

#[test]
fn actions() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a INTEGER PRIMARY KEY, b UNIQUE);
         CREATE TABLE casc(x REFERENCES p(a) ON DELETE CASCADE ON UPDATE CASCADE, n); CREATE TABLE sn(x REFERENCES p(b) ON DELETE SET NULL ON UPDATE SET NULL);
         CREATE TABLE sd(x DEFAULT 1 REFERENCES p(a) ON DELETE SET DEFAULT ON UPDATE SET DEFAULT);
         CREATE TABLE tree(id INTEGER PRIMARY KEY, up REFERENCES tree ON DELETE CASCADE);
         INSERT INTO p VALUES(1, 'one'), (2, 'two'), (3, 'three'), (4, 'four'); INSERT INTO casc VALUES(1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO sn VALUES('two'), ('three'); INSERT INTO sd VALUES(2), (4);
         UPDATE p SET a = 30 WHERE a = 3; UPDATE p SET b = 'drei' WHERE a = 30; DELETE FROM p WHERE a = 2; UPDATE p SET a = 40 WHERE a = 4;
         SELECT * FROM casc; SELECT * FROM sn; SELECT * FROM sd; DELETE FROM p WHERE a = 1; REPLACE INTO p VALUES(30, 'x'); SELECT * FROM casc; SELECT changes();
         INSERT INTO tree VALUES(1, NULL), (2, 1), (3, 2), (4, 3), (5, 1), (6, 6); DELETE FROM tree WHERE id = 1; SELECT * FROM tree; DELETE FROM tree; INSERT INTO tree VALUES(7, 8); INSERT INTO tree VALUES(7, 8), (8, 7);
         SELECT * FROM tree; CREATE TABLE r(x REFERENCES p ON DELETE RESTRICT ON UPDATE RESTRICT); INSERT INTO r VALUES(40); DELETE FROM p WHERE a = 40; UPDATE p SET a = 41 WHERE a = 40; UPDATE p SET a = a;",
    );
}

#[test]
fn deferred_keys() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY) WITHOUT ROWID; CREATE TABLE c(x REFERENCES p DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO c VALUES(1); BEGIN; INSERT INTO c VALUES(1); COMMIT; INSERT INTO p VALUES(1); COMMIT; SELECT * FROM c;
         BEGIN; DELETE FROM p; DELETE FROM c; COMMIT; BEGIN; INSERT INTO c VALUES(5); ROLLBACK; BEGIN; INSERT INTO c VALUES(5); UPDATE c SET x = NULL; COMMIT; SELECT * FROM c;
         BEGIN; SAVEPOINT s; INSERT INTO c VALUES(9); ROLLBACK TO s; COMMIT; SAVEPOINT s; INSERT INTO c VALUES(9); RELEASE s; ROLLBACK TO s; RELEASE s;
         PRAGMA foreign_keys = OFF; INSERT INTO c VALUES(77); PRAGMA foreign_key_check; DROP TABLE p; PRAGMA foreign_key_check;",
    );
}

#[test]
fn a_parent_that_cannot_be_one_is_told_before_what_an_insert_says_of_its_row() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(x, y); CREATE TABLE t(a UNIQUE, b UNIQUE, c REFERENCES p(y)); CREATE TABLE u(a UNIQUE, b UNIQUE, c REFERENCES none);
         INSERT INTO t VALUES (1, 2, 4) ON CONFLICT(a) DO UPDATE SET b = zz; INSERT INTO u VALUES (1, 2, 4) ON CONFLICT(a) DO UPDATE SET b = (SELECT z FROM w);
         INSERT INTO t VALUES (1, 2, zz) ON CONFLICT(a) DO UPDATE SET b = 1; INSERT INTO t VALUES (1, 2, 4) ON CONFLICT(zz) DO UPDATE SET b = zz;
         INSERT INTO u VALUES (1, 2, 4) ON CONFLICT(a) DO UPDATE SET zz = 1; INSERT INTO t VALUES (1, 2, 4) RETURNING zz; UPDATE t SET b = zz;
         CREATE TABLE v(a UNIQUE, b UNIQUE); CREATE TABLE child(q REFERENCES v(zz)); INSERT INTO v VALUES (1, 2) ON CONFLICT(a) DO UPDATE SET b = zz;
         INSERT INTO v VALUES (1, 2) ON CONFLICT(a) DO UPDATE SET b = 1;",
    );
}
