//! Definitions, and the pragmas and statements that read or check them.

use turso_core::{Database, OpenOptions};

use crate::opened;
use crate::support::{self, check};

#[test]
fn the_schema_table_of_temp_has_the_common_name_too() {
    check("SELECT count(*) FROM temp.sqlite_schema; CREATE TEMP TABLE t(a); SELECT name FROM temp.sqlite_master;");
}

#[test]
fn index_xinfo_shows_the_direction_of_appended_key_columns() {
    check(
        "CREATE TABLE t(a, b, c, PRIMARY KEY (a, c DESC)) WITHOUT ROWID; CREATE INDEX i ON t(b);
         PRAGMA index_xinfo(i); PRAGMA index_xinfo(sqlite_autoindex_t_1);
         CREATE TABLE u(a, b, c, UNIQUE (b), PRIMARY KEY (a, c DESC)) WITHOUT ROWID;
         PRAGMA index_xinfo(sqlite_autoindex_u_1); PRAGMA index_xinfo(sqlite_autoindex_u_2);",
    );
}

#[test]
fn analyze_of_an_index_says_nothing_about_its_table() {
    // The files differ: SQLite also keeps samples.
    let script = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4); CREATE INDEX i ON t(b) WHERE a > 0;
         ANALYZE i; SELECT * FROM sqlite_stat1; ANALYZE t; SELECT * FROM sqlite_stat1;";
    let ours = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap().connect().unwrap();
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    assert_eq!(support::run_ours(&ours, script), support::run_theirs(&theirs, script));
}

#[test]
fn an_integer_key_without_rowid_has_the_direction_of_an_equal_unique() {
    check(
        "CREATE TABLE w(b, c INTEGER, d, PRIMARY KEY (c DESC), UNIQUE (c)) WITHOUT ROWID;
         PRAGMA index_list(w); PRAGMA index_xinfo(sqlite_autoindex_w_1);
         INSERT INTO w VALUES (NULL, 12, 2), (0, 3, 11), (9, 27, NULL); SELECT c FROM w;",
    );
}

#[test]
fn a_view_over_a_lost_table_lists_no_indexes_and_cannot_be_changed() {
    check(
        "CREATE VIEW v AS SELECT * FROM nosuch; PRAGMA index_list(v); PRAGMA foreign_key_list(v); PRAGMA table_info(v);
         INSERT INTO v VALUES (1); UPDATE v SET a = 1; DELETE FROM v;",
    );
}

#[test]
fn an_empty_database_is_sound() {
    check("PRAGMA integrity_check; ATTACH ':memory:' AS aux; PRAGMA aux.integrity_check; PRAGMA quick_check;");
}

#[test]
fn a_text_names_a_column_where_an_index_wants_one() {
    check(
        "CREATE TABLE t(a, b); CREATE INDEX i1 ON t('a'); CREATE INDEX i2 ON t('zz'); CREATE INDEX i3 ON t(('zz')); CREATE INDEX i4 ON t('a' || 1);
         CREATE INDEX i5 ON t('zz' COLLATE NOCASE); CREATE INDEX i6 ON t(1); SELECT name FROM sqlite_schema;",
    );
}

#[test]
fn a_transaction_that_reads_lets_no_checkpoint_run() {
    let (ours, stock) = opened();
    let script =
        "PRAGMA wal_checkpoint; BEGIN; PRAGMA wal_checkpoint; SELECT * FROM sqlite_schema; PRAGMA wal_checkpoint;
                  CREATE TABLE t(a); PRAGMA wal_checkpoint; COMMIT; PRAGMA wal_checkpoint;
         BEGIN; SELECT 1; PRAGMA wal_checkpoint; SELECT value FROM json_each('[1]'); PRAGMA wal_checkpoint; COMMIT; PRAGMA wal_checkpoint;";
    assert_eq!(support::run_ours(&ours, script), support::run_theirs(&stock, script));
}

#[test]
fn temporary_triggers_are_checked_with_the_altered_temporary_table() {
    check(
        "CREATE TEMP TABLE t3(a, c, d, PRIMARY KEY(c)); CREATE TRIGGER tr INSERT ON t3 WHEN new.d NOT NULL BEGIN SELECT new.a; END;
         ALTER TABLE t3 DROP d; CREATE TEMP TABLE t5(a, c, d); CREATE TRIGGER temp.tr5 INSERT ON t5 BEGIN SELECT new.a; END;
         ALTER TABLE t5 DROP d; SELECT sql FROM temp.sqlite_schema WHERE name = 't5';
         CREATE TABLE t1(a, b); CREATE TABLE log(w); CREATE TEMP VIEW v5 AS SELECT x.b FROM t1 AS x;
         CREATE TRIGGER tr7 INSTEAD OF UPDATE ON v5 BEGIN INSERT INTO log VALUES ('tr7'); END;
         ALTER TABLE t1 RENAME TO t8; SELECT sql FROM temp.sqlite_schema WHERE name IN ('v5', 'tr7');",
    );
}

#[test]
fn rows_of_the_schema_say_what_their_texts_say() {
    for damage in [
        "UPDATE sqlite_schema SET tbl_name = NULL WHERE name = 't1'",
        "UPDATE sqlite_schema SET tbl_name = 'tx' WHERE name = 't1'",
        "UPDATE sqlite_schema SET type = 'tabl' WHERE name = 't1'",
        "UPDATE sqlite_schema SET name = 't9', tbl_name = 't9' WHERE name = 't1'",
        "UPDATE sqlite_schema SET tbl_name = 'T1' WHERE name = 't1'",
        "UPDATE sqlite_schema SET type = 'view' WHERE name = 't1'",
        "UPDATE sqlite_schema SET tbl_name = 'tx' WHERE name = 'i1'",
        "UPDATE sqlite_schema SET type = 'table' WHERE name = 'i1'",
        "UPDATE sqlite_schema SET name = 'x' WHERE name = 'v2'",
        "UPDATE sqlite_schema SET tbl_name = 'v2' WHERE name = 'r1'",
        "UPDATE sqlite_schema SET name = 'i1', sql = 'CREATE INDEX i1 ON t1(b)' WHERE name = 'i2'",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.db");
        let theirs = rusqlite::Connection::open(&path).unwrap();
        let schema = "CREATE TABLE t1(a, b); CREATE INDEX i1 ON t1(b); CREATE INDEX i2 ON t1(a); CREATE VIEW v2 AS SELECT 15, 22; CREATE TRIGGER r1 AFTER INSERT ON t1 BEGIN SELECT 5; END; PRAGMA writable_schema = ON;";
        theirs.execute_batch(&format!("{schema} {damage}")).unwrap();
        drop(theirs);
        let theirs = rusqlite::Connection::open(&path).unwrap();
        let expected = support::run_theirs(&theirs, "SELECT * FROM t1");
        drop(theirs);
        let ours = Database::open(&path.display().to_string(), OpenOptions::default()).unwrap().connect().unwrap();
        assert_eq!(support::run_ours(&ours, "SELECT * FROM t1"), expected, "{damage}");
    }
}

#[test]
fn analyze_begins_with_the_newest_table() {
    let script = "CREATE TABLE one(a); CREATE INDEX i ON one(a); CREATE TABLE two(a, b); CREATE INDEX j ON two(a); CREATE INDEX k ON two(b);
         CREATE TABLE a(a); INSERT INTO one VALUES (1); INSERT INTO two VALUES (1, 2); INSERT INTO a VALUES (1);
         ANALYZE; SELECT * FROM sqlite_stat1; ANALYZE two; SELECT * FROM sqlite_stat1;";
    let ours = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap().connect().unwrap();
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    assert_eq!(support::run_ours(&ours, script), support::run_theirs(&theirs, script));
}

#[test]
fn optimize_looks_for_rows_only_in_tables_with_an_index() {
    check(
        "BEGIN; CREATE TABLE e(a); PRAGMA optimize(3); PRAGMA optimize(-1); CREATE TABLE i(a PRIMARY KEY); PRAGMA optimize(-1); PRAGMA optimize;
         PRAGMA optimize(0x10002); SELECT * FROM sqlite_stat1; INSERT INTO i VALUES (1); PRAGMA optimize(3);
         PRAGMA optimize; SELECT * FROM sqlite_stat1; PRAGMA optimize(3); ROLLBACK;",
    );
}

#[test]
fn a_row_that_violates_several_checks_is_told_of_once() {
    check(
        "CREATE TABLE n(a, b, CHECK (a <> 3), CHECK (b <> 3)); PRAGMA ignore_check_constraints = 1;
         INSERT INTO n VALUES (3, 3), (3, 1), (1, 3), (1, 1), (NULL, 3), (NULL, NULL);
         PRAGMA ignore_check_constraints = 0; PRAGMA integrity_check; PRAGMA quick_check;",
    );
}

#[test]
fn what_a_schema_prohibits_is_told_with_its_place() {
    check(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(t.b); CREATE INDEX i ON t(t.b + 1); CREATE INDEX i ON t(b) WHERE t.b > 1;
         CREATE TABLE g(a, b AS (g.a)); CREATE TABLE c(a CHECK (c.a > 1)); CREATE INDEX temp.j ON t(b); CREATE INDEX temp.j ON nosuch(b);
         CREATE TABLE d(a, b DEFAULT 4 AS (a)); CREATE TABLE d(a, b AS (a) DEFAULT 4); CREATE TABLE d(a, b AS (a) AS (a));",
    );
}

#[test]
fn optimizing_remembers_an_index_that_is_gone() {
    check(
        "CREATE TABLE a(x, y); CREATE INDEX i ON a(y); INSERT INTO a VALUES (1, 2); SELECT * FROM a WHERE x = 1; DROP INDEX i;
         PRAGMA optimize(3); CREATE TABLE b(x, y); CREATE INDEX i ON b(y); INSERT INTO b VALUES (1, 2); SELECT * FROM b WHERE y = 1;
         DROP INDEX i; PRAGMA optimize(3); DELETE FROM b; PRAGMA optimize(3); ANALYZE; PRAGMA optimize(3);",
    );
}

#[test]
fn optimizing_forgets_the_queries_before_a_schema_was_rolled_back() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2); BEGIN; CREATE INDEX i ON t(a); SELECT * FROM t WHERE a = 1; ROLLBACK; PRAGMA optimize(3);
         CREATE TABLE k(a, b); INSERT INTO k VALUES (1, 2); BEGIN; CREATE INDEX j ON k(a); SELECT * FROM k WHERE a = 1; DROP INDEX j; COMMIT; PRAGMA optimize(3);
         SAVEPOINT s; CREATE INDEX i ON t(a); SELECT * FROM t WHERE a = 1; ROLLBACK TO s; RELEASE s; PRAGMA optimize(3); BEGIN; CREATE INDEX i ON t(a);
         SELECT * FROM t WHERE a = 1; COMMIT; BEGIN; DROP INDEX i; ROLLBACK; PRAGMA optimize(3); BEGIN; DROP INDEX i; COMMIT; PRAGMA optimize(3);",
    );
}

#[test]
fn pragmas_spell_collations_as_they_were_written() {
    check(
        "CREATE TABLE t(a INT COLLATE nocase, b COLLATE rTrim, c COLLATE Binary, PRIMARY KEY(a, b)); CREATE INDEX i ON t(b COLLATE NoCase, a, c);
         PRAGMA index_xinfo(i); PRAGMA index_xinfo(sqlite_autoindex_t_1);
         CREATE TABLE w(a COLLATE nocase, b, PRIMARY KEY(b, a)) WITHOUT ROWID; CREATE INDEX j ON w(b); PRAGMA index_xinfo(j);",
    );
}

#[test]
fn an_unknown_column_of_alter_is_told_as_it_is_written() {
    check(
        "CREATE TABLE s(a INT, b ANY) STRICT; ALTER TABLE s ADD c VARCHAR; ALTER TABLE s ADD c; ALTER TABLE s RENAME COLUMN \"z y\" TO b;
         ALTER TABLE s RENAME COLUMN [z] TO b; ALTER TABLE s RENAME COLUMN z TO b; ALTER TABLE s DROP COLUMN \"z y\";
         ALTER TABLE s DROP COLUMN 'z'; ALTER TABLE s DROP COLUMN z;",
    );
}

/// What becomes of other objects is found out while ALTER runs.
#[test]
fn an_alter_that_breaks_an_object_can_be_prepared() {
    let (ours, _) = opened();
    support::run_ours(&ours, "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT b FROM t");
    let prepared = ours.prepare("ALTER TABLE t DROP COLUMN b").unwrap();
    let error = prepared.statement.unwrap().step().unwrap_err();
    assert_eq!(error.message(), "error in view v after drop column: no such column: b");
    assert!(ours.prepare("ALTER TABLE t DROP COLUMN c").is_err());
    // What is wrong with the statement itself is told at once, however the error begins.
    support::run_ours(&ours, "CREATE TABLE s(a INT) STRICT");
    for table in ["t", "s"] {
        let error = ours.prepare(format!("ALTER TABLE {table} ADD COLUMN c INT AS (1) AS (2)")).err().unwrap();
        assert_eq!(error.message(), "error in generated column \"c\"");
    }
    check(
        "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT b FROM t; INSERT INTO t VALUES (1, 2); ALTER TABLE t DROP COLUMN b;
         SELECT * FROM t; DROP VIEW v; ALTER TABLE t DROP COLUMN b; SELECT * FROM t;",
    );
}

#[test]
fn of_an_insert_in_a_trigger_its_source_is_wrong_before_its_table() {
    let alter = "ALTER TABLE t DROP COLUMN b;";
    for body in [
        "INSERT INTO log(a) VALUES(new.zz)",
        "INSERT INTO log(a) SELECT a FROM nope",
        "INSERT INTO log(a) SELECT 1 ON CONFLICT(zz) DO NOTHING",
        "INSERT INTO log(a) VALUES(new.zz),(2)",
        "UPDATE log SET a = new.zz",
        "DELETE FROM log WHERE new.zz",
    ] {
        check(&format!("CREATE TABLE t(a, b); CREATE TRIGGER tr AFTER INSERT ON t BEGIN {body}; END; {alter}"));
    }
}

#[test]
fn a_view_with_fewer_columns_than_names_keeps_no_table_from_changing() {
    check(
        "CREATE TABLE t(x, y, z); CREATE VIEW v(a, b, c) AS SELECT * FROM t; CREATE VIEW u AS SELECT * FROM v; ALTER TABLE t DROP COLUMN z;
         SELECT * FROM v; ALTER TABLE t RENAME COLUMN x TO xx; ALTER TABLE t RENAME TO tt; SELECT * FROM u; ALTER TABLE tt ADD COLUMN w;
         SELECT * FROM u; SELECT sql FROM sqlite_schema;",
    );
}

#[test]
fn an_index_orders_expressions_by_their_bytes_unless_the_whole_has_a_collation() {
    for expression in [
        "+b",
        "CAST(b AS TEXT)",
        "(c COLLATE RTRIM) || ''",
        "coalesce(c COLLATE NOCASE, 1)",
        "(c || '') COLLATE NOCASE",
        "+b COLLATE RTRIM",
        "CAST(c COLLATE NOCASE AS TEXT)",
        "(c COLLATE NOCASE) = 'a'",
    ] {
        check(&format!(
            "CREATE TABLE t(a, b COLLATE NOCASE, c); INSERT INTO t VALUES (1, 'a', 'a'), (2, 'B', 'B '), (3, 'b', 'b'), (4, 'C', 'c');
             CREATE UNIQUE INDEX i ON t(({expression})); PRAGMA index_xinfo(i); INSERT INTO t VALUES (5, 'A', 'A');
             SELECT a FROM t WHERE {expression} = 'b' ORDER BY a; SELECT {expression} FROM t ORDER BY {expression}, a; SELECT a FROM t ORDER BY ({expression}) COLLATE BINARY, a;
             PRAGMA integrity_check;"
        ));
    }
}

#[test]
fn a_dropped_column_in_double_quotes_becomes_no_string() {
    for object in [
        "CREATE INDEX i ON t(z) WHERE \"select\" > 1",
        "CREATE INDEX i ON t(\"select\" || y)",
        "CREATE INDEX i ON t(z) WHERE y = \"nope\"",
        "CREATE VIEW v AS SELECT \"select\" FROM t",
        "CREATE TABLE o(a CHECK (a <> \"nope\"))",
    ] {
        for change in ["DROP COLUMN \"select\"", "DROP COLUMN w", "RENAME COLUMN z TO zz", "RENAME TO u"] {
            check(&format!(
                "CREATE TABLE t(z INT, y TEXT, \"select\" REAL, w); {object}; ALTER TABLE t {change}; SELECT sql FROM sqlite_schema;"
            ));
        }
    }
}

#[test]
fn of_several_broken_views_an_alter_names_the_oldest() {
    check(
        "CREATE TABLE t(a, b); CREATE VIEW v9 AS SELECT nope FROM t; CREATE VIEW v10 AS SELECT nope FROM t; CREATE VIEW a1 AS SELECT nope FROM t;
         ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t DROP COLUMN b; DROP VIEW v9; ALTER TABLE t RENAME TO u;",
    );
}

#[test]
fn what_is_defined_anew_by_an_alter_keeps_its_place() {
    check(
        "CREATE TABLE t(i, b, c, d); CREATE TABLE log(a);
         CREATE TRIGGER tr5 UPDATE OF c ON t WHEN new.d = 'x' BEGIN INSERT INTO log(a) VALUES (1); END;
         CREATE TRIGGER a1 DELETE ON t BEGIN DELETE FROM log WHERE old.d; END;
         ALTER TABLE t DROP d; DROP TRIGGER tr5; ALTER TABLE t DROP d; DROP TRIGGER a1; ALTER TABLE t DROP d; SELECT * FROM t;",
    );
}

#[test]
fn a_column_is_added_to_a_strict_table_with_a_default_of_its_type() {
    let adds = [
        "REAL DEFAULT x''",
        "INT DEFAULT 'a'",
        "INT DEFAULT 1.5",
        "INT DEFAULT 1.0",
        "TEXT DEFAULT x''",
        "BLOB DEFAULT 'a'",
        "REAL DEFAULT '1.5'",
        "INT DEFAULT '7'",
        "TEXT DEFAULT 7",
        "ANY DEFAULT x''",
        "REAL DEFAULT 1",
        "INTEGER DEFAULT -'3'",
        "INT DEFAULT NULL",
        "INT DEFAULT 'a' CHECK (n > 'b')",
    ];
    for add in adds {
        check(&format!(
            "CREATE TABLE t(a TEXT) STRICT; INSERT INTO t VALUES ('x'); ALTER TABLE t ADD n {add}; SELECT *, typeof(n) FROM t;
             DELETE FROM t; ALTER TABLE t ADD m {add}; SELECT * FROM t;"
        ));
    }
}

#[test]
fn rows_that_were_there_have_the_default_of_a_new_column() {
    let defaults = [
        "-'3'",
        "- x'41'",
        "+'3'",
        "-'a'",
        "-NULL",
        "-'2.5x'",
        "(- -'4')",
        "(- -3)",
        "(-(-'7'))",
        "-9223372036854775808",
        "-0x10",
        "(-x'33')",
        "-'9223372036854775808'",
        "-0.0",
        "TRUE",
        "-1e999",
        "-9223372036854775809",
        "1.50",
        "+1.50",
        "(-1.50)",
        "(- -1.50)",
        "1e2",
        "1_000",
    ];
    for (kind, default) in ["", "TEXT", "REAL", "INT"].iter().flat_map(|kind| defaults.map(|default| (kind, default))) {
        check(&format!(
            "CREATE TABLE t(a); INSERT INTO t VALUES (1); ALTER TABLE t ADD b {kind} DEFAULT {default}; INSERT INTO t(a) VALUES (2);
             SELECT *, typeof(b) FROM t;"
        ));
    }
}

#[test]
fn a_generated_column_that_is_added_fits_the_rows_of_a_strict_table() {
    check(
        "CREATE TABLE t(a INT, b TEXT) STRICT; INSERT INTO t VALUES (1, 'x'), (2, NULL);
         ALTER TABLE t ADD g INT AS (b); ALTER TABLE t ADD g INT AS (b) CHECK (g <> 'x'); ALTER TABLE t ADD g BLOB AS (a);
         ALTER TABLE t ADD g INT NOT NULL AS (b) CHECK (a <> 1); ALTER TABLE t ADD g INT NOT NULL AS (a + nullif(a, 2)) CHECK (a <> 2);
         DELETE FROM t; INSERT INTO t VALUES (2, NULL), (1, 'x');
         ALTER TABLE t ADD g INT NOT NULL AS (b) CHECK (a <> 2); ALTER TABLE t ADD g INT AS (b) CHECK (a <> 2); ALTER TABLE t ADD g INT AS (b) CHECK (a <> 1);
         ALTER TABLE t ADD h ANY CHECK (a <> 1); ALTER TABLE t ADD h INT NOT NULL AS (a) CHECK (a <> 1);
         ALTER TABLE t ADD h INT AS (a); ALTER TABLE t ADD i TEXT AS (a); SELECT *, typeof(h), typeof(i) FROM t; PRAGMA integrity_check;",
    );
}

#[test]
fn a_column_that_only_an_empty_table_can_have_names_its_refusal() {
    let database = Database::open(":memory:", OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    connection.execute_batch("CREATE TABLE t(a)").unwrap();
    let statement = connection.prepare("ALTER TABLE t ADD b DEFAULT (random())").unwrap().statement.unwrap();
    assert_eq!(statement.column_count(), 1);
    assert_eq!(statement.column_name(0), Some("raise(ABORT,'Cannot add a column with non-constant default')"));
}

#[test]
fn an_index_that_a_query_cannot_use_does_not_count_for_optimize() {
    check(
        "CREATE TABLE t(c, d); CREATE INDEX i ON t(c) WHERE d LIKE 'a%'; SELECT c FROM t WHERE c = 5; DROP INDEX i; PRAGMA optimize;
         SELECT name FROM sqlite_schema; CREATE TABLE u(c, d); CREATE INDEX j ON u(c) WHERE d > 5; SELECT c FROM u WHERE c = 5 AND d > 5;
         DROP INDEX j; PRAGMA optimize; SELECT name FROM sqlite_schema;",
    );
}

#[test]
fn an_index_on_a_generated_column_covers_the_columns_beside_it() {
    check(
        "CREATE TABLE t(a, b, g AS (-b), c, d); CREATE INDEX i ON t(g, b); INSERT INTO t(b) VALUES (1), (3), (2);
         SELECT b FROM t; SELECT g FROM t; SELECT b, g FROM t; SELECT group_concat(b) FROM t;
         CREATE TABLE u(a, b, g AS (-b) STORED, c, d); CREATE INDEX j ON u(g, b); INSERT INTO u(b) VALUES (1), (3), (2); SELECT b FROM u; SELECT g FROM u;
         CREATE TABLE v(a, b COLLATE NOCASE, g AS (b)); CREATE INDEX k ON v(g, b COLLATE RTRIM);
         INSERT INTO v(a, b) VALUES (1, '1'), (2, 'ab'), (3, 1), (4, 'AB'), (5, 'ab  '); SELECT 15, b FROM v ORDER BY 1, 2 LIMIT 3;",
    );
}

#[test]
fn an_index_of_another_collation_does_not_count_for_optimize() {
    let conditions = [
        "b > 'x'",
        "b = 'x' COLLATE NOCASE",
        "b IN (1, 2)",
        "b IS NULL",
        "b = 'x' COLLATE RTRIM",
        "b COLLATE RTRIM IN ('a')",
    ];
    for condition in conditions {
        check(&format!(
            "CREATE TABLE v(a, b); INSERT INTO v VALUES (1, 2); CREATE INDEX i ON v(b COLLATE RTRIM); SELECT a FROM v WHERE {condition};
             DROP INDEX i; PRAGMA optimize(3);"
        ));
    }
}

#[test]
fn a_unique_key_that_is_known_as_a_whole_does_not_count_for_optimize() {
    let conditions = [
        "a = 5",
        "a > 5",
        "a IN (1, 2)",
        "a IS NULL",
        "a = 5 AND b = 3",
        "a = 5 OR a = 6",
        "b = 3",
        "a = 5 AND b > 3",
        "a = 5 AND rowid > 3",
    ];
    for index in
        ["UNIQUE INDEX i ON t(a)", "UNIQUE INDEX i ON t(a, b)", "INDEX i ON t(a)", "UNIQUE INDEX i ON t(a) WHERE b > 1"]
    {
        for condition in conditions {
            check(&format!(
                "CREATE TABLE t(a, b, c); INSERT INTO t VALUES (1, 2, 3); CREATE {index}; SELECT c FROM t WHERE {condition}; DROP INDEX i; PRAGMA optimize(3);"
            ));
        }
    }
}
