//! CREATE and DROP, against SQLite.

mod support;

use support::check;

#[test]
fn tables_are_created_and_dropped() {
    check(
        "CREATE TABLE t(a, b INTEGER PRIMARY KEY, c TEXT UNIQUE, UNIQUE(a, c));
         CREATE TABLE IF NOT EXISTS t(x);
         CREATE TABLE t(x);
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
