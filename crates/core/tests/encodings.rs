//! `PRAGMA encoding`: until when it may choose, and that text of all databases of a connection is in it. Compared with SQLite.

mod support;
use support::check;

#[test]
fn a_file_with_pages_and_without_tables_takes_an_encoding() {
    check(
        "PRAGMA user_version = 1; PRAGMA encoding; PRAGMA encoding = 'UTF-16be'; PRAGMA encoding;
         SELECT * FROM sqlite_schema; CREATE TABLE t(a); PRAGMA encoding; INSERT INTO t VALUES ('é'); SELECT a FROM t;
         PRAGMA encoding = 'UTF-8'; PRAGMA encoding;",
    );
}

#[test]
fn the_first_table_ends_the_choice_even_when_it_is_rolled_back() {
    check("CREATE TABLE t(a); DROP TABLE t; PRAGMA encoding = 'UTF-16le'; PRAGMA encoding;");
    check(
        "BEGIN; CREATE TABLE t(a); ROLLBACK; PRAGMA encoding = 'UTF-16le'; PRAGMA encoding; CREATE TABLE t(a); PRAGMA encoding;",
    );
    check(
        "CREATE TEMP TABLE x(a); PRAGMA encoding = 'UTF-16le'; PRAGMA encoding; INSERT INTO x VALUES ('é'); SELECT a FROM x;",
    );
}

#[test]
fn temporary_and_attached_tables_are_in_the_encoding_of_main() {
    check(
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES ('é'), ('漢字'), ('😀');
         CREATE TEMP TABLE x(b TEXT DEFAULT 'ü'); INSERT INTO x SELECT a FROM t; INSERT INTO x DEFAULT VALUES; SELECT b FROM x;
         SELECT sql FROM temp.sqlite_schema; CREATE TEMP VIEW v AS SELECT b FROM x WHERE b > 'ü'; SELECT * FROM v;
         ATTACH ':memory:' AS o; CREATE TABLE o.y(c); INSERT INTO o.y SELECT a FROM t; SELECT c FROM y; SELECT sql FROM o.sqlite_schema;
         CREATE TABLE o.z AS SELECT * FROM x, y; SELECT * FROM z ORDER BY 1, 2;",
    );
    check(
        "ATTACH ':memory:' AS o; PRAGMA encoding = 'UTF-16be'; CREATE TABLE o.t(a); INSERT INTO t VALUES ('é'); PRAGMA encoding; SELECT a FROM t;",
    );
}
