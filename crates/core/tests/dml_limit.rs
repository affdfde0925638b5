//! UPDATE and DELETE with ORDER BY and LIMIT. They are a build option of SQLite which the bundled one has not: what is expected
//! here is what the `sqlite3` of Debian says, which has it.

mod support;

use support::run_ours;
use turso_core::{Database, OpenOptions};

const SETUP: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);
    INSERT INTO t VALUES(1,5,'x'),(2,4,'y'),(3,3,'z'),(4,2,'x'),(5,1,'y');
    CREATE TABLE s(k, n); INSERT INTO s VALUES(1,10),(2,20),(2,21),(3,30),(4,40);
    CREATE TABLE w(a, b, c, PRIMARY KEY(b, a)) WITHOUT ROWID; INSERT INTO w SELECT * FROM t;
    CREATE TABLE log(x); CREATE VIEW v AS SELECT a, b FROM t;
    CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN INSERT INTO log VALUES(old.a||'d'); END;
    CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN INSERT INTO log VALUES(old.a||'u'||new.b); END;";

/// What the script gives on a fresh database: rows and errors, one after the other.
#[track_caller]
fn check(script: &str, expected: &str) {
    let database = Database::open(":memory:", OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    run_ours(&connection, SETUP);
    let mut lines = Vec::new();
    for (rows, error) in run_ours(&connection, script) {
        lines.extend(rows);
        lines.extend(error);
    }
    assert_eq!(lines.join(" ; "), expected);
}

#[test]
fn order_and_limit_choose_the_rows() {
    check("DELETE FROM t ORDER BY b LIMIT 2; SELECT a FROM t", "1 ; 2 ; 3");
    check("UPDATE t SET c = 'u' ORDER BY b DESC LIMIT 2 OFFSET 1; SELECT a, c FROM t WHERE c = 'u'", "2|'u' ; 3|'u'");
    check("DELETE FROM t LIMIT 1, 2; SELECT a FROM t", "1 ; 4 ; 5");
    check("DELETE FROM t WHERE a > 1 ORDER BY a LIMIT 2; SELECT a FROM t", "1 ; 4 ; 5");
    check("DELETE FROM t LIMIT 0; SELECT count(*) FROM t; DELETE FROM t LIMIT -1; SELECT count(*) FROM t", "5 ; 0");
    check("UPDATE t SET a = a + 1 ORDER BY a DESC LIMIT 1; SELECT max(a), changes() FROM t", "6|1");
}

#[test]
fn returning_comes_before_order_and_limit() {
    check("DELETE FROM t RETURNING a ORDER BY b LIMIT 2", "4 ; 5");
    check("UPDATE t SET c = 'u' RETURNING a, c ORDER BY b DESC LIMIT 1", "1|'u'");
    check("DELETE FROM t LIMIT 1 RETURNING a", "1 near \"RETURNING\": syntax error");
}

#[test]
fn aliases_and_common_table_expressions() {
    check("UPDATE t AS q SET c = 'u' WHERE q.a > 1 ORDER BY q.b DESC LIMIT 1; SELECT a FROM t WHERE c = 'u'", "2");
    check("DELETE FROM t AS q WHERE q.a > 1 ORDER BY q.b LIMIT 1; SELECT count(*) FROM t WHERE a = 5", "0");
    check(
        "WITH x AS (SELECT 3 AS n) DELETE FROM t WHERE a >= (SELECT n FROM x) ORDER BY a DESC LIMIT (SELECT n - 2 FROM x);
         SELECT a FROM t",
        "1 ; 2 ; 3 ; 4",
    );
    check("DELETE FROM t INDEXED BY nope LIMIT 1", "1 no such index: nope");
}

#[test]
fn without_rowid() {
    check("UPDATE w SET c = 'u' ORDER BY a DESC LIMIT 2; SELECT a FROM w WHERE c = 'u'", "5 ; 4");
    check("DELETE FROM w WHERE b > 1 ORDER BY b LIMIT 1 OFFSET 1; SELECT b FROM w", "1 ; 2 ; 4 ; 5");
}

#[test]
fn views() {
    check("DELETE FROM v ORDER BY b LIMIT 2; SELECT x FROM log", "'5d' ; '4d'");
    check("DELETE FROM v WHERE a > 1 ORDER BY b LIMIT 1 OFFSET 1; SELECT x FROM log", "'4d'");
    check("UPDATE v SET b = b + 1 ORDER BY b LIMIT 2; SELECT x FROM log", "'5u2' ; '4u3'");
}

#[test]
fn update_from_counts_target_rows() {
    check(
        "UPDATE t SET b = n FROM s WHERE k = a ORDER BY n DESC LIMIT 2; SELECT a, b FROM t",
        "1|5 ; 2|4 ; 3|30 ; 4|40 ; 5|1",
    );
    check(
        "UPDATE t SET b = n FROM s WHERE k = a ORDER BY n LIMIT 1 OFFSET 2; SELECT a, b FROM t",
        "1|5 ; 2|4 ; 3|30 ; 4|2 ; 5|1",
    );
}

#[test]
fn errors() {
    check("DELETE FROM t ORDER BY b", "1 ORDER BY without LIMIT on DELETE");
    check("UPDATE t SET b = 1 ORDER BY b", "1 ORDER BY without LIMIT on UPDATE");
    check("DELETE FROM t LIMIT 'x'", "20 datatype mismatch");
    check("DELETE FROM t LIMIT a", "1 no such column: a");
    check("DELETE FROM t ORDER BY 2 LIMIT 1", "1 1st ORDER BY term out of range - should be between 1 and 1");
    check("DELETE FROM t ORDER BY nope LIMIT 1", "1 no such column: nope");
    check("DELETE FROM t ORDER BY b COLLATE nope LIMIT 1", "257 no such collation sequence: nope");
    check("CREATE TRIGGER x AFTER INSERT ON s BEGIN DELETE FROM t LIMIT 1; END", "1 near \"LIMIT\": syntax error");
}
