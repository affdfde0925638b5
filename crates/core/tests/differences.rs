//! What generated scripts have found, each under the name of its symptom: this engine does what SQLite does.

mod support;

use support::check;
use turso_core::{Database, OpenOptions};

#[test]
fn the_schema_table_of_temp_has_the_common_name_too() {
    check("SELECT count(*) FROM temp.sqlite_schema; CREATE TEMP TABLE t(a); SELECT name FROM temp.sqlite_master;");
}

#[test]
fn a_single_row_without_parent_leaves_last_insert_rowid() {
    check(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE p(x PRIMARY KEY, y UNIQUE);
         CREATE TABLE c(i INTEGER PRIMARY KEY, y REFERENCES p, z REFERENCES p DEFERRABLE INITIALLY DEFERRED, u UNIQUE);
         CREATE TABLE s(i INTEGER PRIMARY KEY, y REFERENCES s);
         INSERT INTO c(i, y) VALUES (7, 1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(i, y) VALUES (8, NULL), (9, 1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(i, z) VALUES (10, 1); SELECT last_insert_rowid(), changes();
         INSERT OR REPLACE INTO c(i, y, u) VALUES (11, 1, 1); SELECT last_insert_rowid(), changes();
         INSERT OR REPLACE INTO c(y) VALUES (1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(i, y) VALUES (12, 1) RETURNING i; SELECT last_insert_rowid(), changes();
         INSERT INTO s VALUES (5, 5); SELECT last_insert_rowid(), changes();
         INSERT INTO s VALUES (6, 4); SELECT last_insert_rowid(), changes();
         BEGIN; INSERT INTO c(i, z) VALUES (20, 1); INSERT INTO c(i, y) VALUES (21, 1);
         SELECT last_insert_rowid(), changes(); COMMIT; ROLLBACK;",
    );
}

#[test]
fn json_elements_replaced_in_place_keep_their_length() {
    check(
        "SELECT hex(jsonb_replace('[1,2,3]', '$', 'abcde')), hex(jsonb_replace('[1,2,3]', '$', 'abcd')),
                hex(jsonb_replace('[1,2,3]', '$', 'abc')), hex(jsonb_replace('[1,2,3]', '$', 'ab')),
                hex(jsonb_replace('[1,2,3,4,5]', '$', 'ab')), hex(jsonb_replace('[1]', '$', jsonb('{}'))),
                hex(jsonb_replace('[1]', '$', NULL)), hex(jsonb_replace('1', '$', jsonb('true')));
         SELECT hex(jsonb_replace('[\"aaaaaaaaaaaaaaaa\"]', '$', 'aaaaaaaaaaaaaaaaa')),
                hex(jsonb_replace('[\"aaaaaaaaaaaaaaaaaaa\"]', '$', 'aaaaaaaaaaaaaa'));
         SELECT hex(jsonb_replace('[[10,20],20]', '$[0][0]', 3)),
                hex(jsonb_replace('[10,20]', '$[0]', 3, '$[1]', 4, '$[0]', 5, '$[0]', 123));
         SELECT hex(jsonb_patch('{\"a\":[1,2,3]}', '{\"a\":\"abcd\"}')), hex(jsonb_patch('[1,2,3,4]', '\"abcdef\"')),
                hex(jsonb_patch('{\"a\":{\"b\":123}}', '{\"a\":{\"b\":1}}')), hex(jsonb_patch('{\"a\":[1,2]}', '{\"a\":{}}'));",
    );
}

#[test]
fn a_cast_without_type_is_numeric() {
    check("SELECT CAST(1 AS), CAST('12abc' AS), CAST(x'31' AS), CAST('x' AS);");
}

#[test]
fn integers_read_from_a_compound_as_a_real_column_are_reals() {
    check(
        "CREATE TABLE x(a INT, b TEXT, c REAL, n NUMERIC, o);
         INSERT INTO x VALUES (41, '41', 41, 41, '41');
         SELECT * FROM (SELECT c FROM x UNION ALL SELECT a + 1 FROM x);
         SELECT * FROM (SELECT a + 1 FROM x UNION ALL SELECT c FROM x) JOIN x;
         SELECT c FROM x UNION SELECT a + 1 FROM x;
         WITH q AS MATERIALIZED (SELECT c AS v FROM x UNION ALL SELECT a FROM x) SELECT v FROM q;
         WITH r(v) AS (SELECT c FROM x UNION ALL SELECT 5 FROM r LIMIT 3) SELECT v, (SELECT max(v) FROM r) FROM r;",
    );
}

#[test]
fn the_affinity_of_a_compound_column_comes_from_all_terms() {
    let terms = [
        "i",
        "t",
        "r",
        "b",
        "n",
        "o",
        "1",
        "1.5",
        "'x'",
        "x'00'",
        "NULL",
        "i + 1",
        "count(*)",
        "CAST(t AS INT)",
        "i || t",
    ];
    let mut script = String::from("CREATE TABLE x(i INT, t TEXT, r REAL, b BLOB, n NUMERIC, o);");
    for (k, a) in terms.iter().enumerate() {
        for (l, b) in terms.iter().enumerate() {
            script += &format!(
                "CREATE VIEW v{k}_{l} AS SELECT {a} AS c FROM x UNION ALL SELECT {b} FROM x; PRAGMA table_info(v{k}_{l});"
            );
        }
    }
    check(&script);
}

#[test]
fn a_recursive_table_compares_with_the_affinity_of_all_its_terms() {
    check(
        "CREATE TABLE t(a INT, b TEXT, d); INSERT INTO t VALUES (1, '1', 'x'), (3, '3', 'y');
         WITH r(x) AS (SELECT b FROM t UNION ALL SELECT 5 FROM r, t WHERE x = 1 LIMIT 3) SELECT x FROM r;
         WITH r(x) AS (SELECT a FROM t UNION ALL SELECT 5 FROM r, t WHERE x = b LIMIT 3) SELECT x FROM r;
         WITH r(x) AS (SELECT a FROM t UNION SELECT d FROM t JOIN r ON b = x) SELECT x, typeof(x) FROM r;",
    );
}

#[test]
fn a_condition_on_a_compound_holds_inside_and_outside() {
    check(
        "CREATE TABLE y(c DECIMAL, b CLOB); INSERT INTO y VALUES (5, '-3'), (NULL, 'A'), (NULL, '0'), (7, '20');
         SELECT v FROM (SELECT c AS v FROM y UNION SELECT b FROM y) WHERE v >= 10;
         SELECT v FROM (SELECT c AS v FROM y UNION SELECT b FROM y) WHERE v = 0;
         SELECT v FROM (SELECT c AS v FROM y UNION ALL SELECT b FROM y) WHERE v IN (0, 20) OR v BETWEEN 5 AND 6;",
    );
}

#[test]
fn an_assigned_row_subquery_is_computed_once() {
    check(
        "CREATE TABLE t(a, b, c, d); INSERT INTO t VALUES (2, 'p', 1, 3), (1, 'q', 2, 7), (6, '-3', 3, 5), (2, 'z', 4, 0);
         UPDATE t SET (a, d) = (SELECT s.b, s.a FROM t AS s ORDER BY 1); SELECT * FROM t;
         UPDATE t SET (a, d) = (SELECT s.b, s.a FROM t AS s WHERE s.c > t.c ORDER BY 1); SELECT * FROM t;",
    );
}

#[test]
fn a_failing_trigger_leaves_last_insert_rowid_of_the_statement() {
    check(
        "CREATE TABLE t(a, b UNIQUE); CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE log(x, y);
         CREATE TRIGGER r BEFORE INSERT ON t BEGIN
             INSERT INTO log(x) VALUES (1); INSERT INTO log(x) VALUES (2); INSERT INTO p VALUES (new.b); END;
         INSERT OR IGNORE INTO t VALUES (18, 33), (4, x''); SELECT last_insert_rowid(), changes();
         INSERT OR FAIL INTO t VALUES (19, 34), (4, 33); SELECT last_insert_rowid(), changes();",
    );
}

#[test]
fn index_xinfo_shows_the_direction_of_appended_key_columns() {
    check(
        "CREATE TABLE t(a, b, c, PRIMARY KEY (a, c DESC)) WITHOUT ROWID; CREATE INDEX i ON t(b);
         PRAGMA index_xinfo(i); PRAGMA index_xinfo(sqlite_autoindex_t_1);",
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
fn an_index_with_the_rowid_alias_is_no_upsert_target() {
    check(
        "CREATE TABLE t(a, b UNIQUE, c INTEGER PRIMARY KEY, UNIQUE (b, c));
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT (b, c) DO NOTHING; INSERT INTO t VALUES (1, 2, 3) ON CONFLICT (c) DO NOTHING;",
    );
}

#[test]
fn excluded_compares_without_the_columns_collation() {
    check(
        "CREATE TABLE t(a TEXT COLLATE NOCASE, b UNIQUE, c); INSERT INTO t VALUES ('p', 1, 0), ('q', 2, 0);
         INSERT INTO t VALUES ('ABC', 1, 5) ON CONFLICT (b) DO UPDATE SET c = 7 WHERE excluded.a < 'a '; SELECT * FROM t;
         INSERT INTO t VALUES ('P', 1, 5) ON CONFLICT (b) DO UPDATE SET c = 8 WHERE t.a = excluded.a; SELECT * FROM t;",
    );
}

#[test]
fn generated_columns_are_computed_before_the_checks() {
    check(
        "CREATE TABLE g(a INT, d INT NOT NULL, e INT CHECK (e <> 5), g INT AS (a)) STRICT;
         INSERT INTO g VALUES ('x', NULL, 1); INSERT OR IGNORE INTO g VALUES ('x', NULL, 5); INSERT INTO g VALUES (1, 1, 1);
         UPDATE g SET a = 'x', d = NULL;
         CREATE TABLE n(a INT, b AS (abs(a)) STORED, c NOT NULL ON CONFLICT REPLACE DEFAULT 7, d AS (c + 1) NOT NULL);
         INSERT INTO n VALUES (-9223372036854775808, NULL); INSERT INTO n VALUES (1, NULL); SELECT * FROM n;
         CREATE TABLE s(a INT, d INT NOT NULL) STRICT; INSERT INTO s VALUES ('x', NULL); INSERT INTO s VALUES ('x', 1);",
    );
}

#[test]
fn signs_in_front_of_a_position_are_part_of_it() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y');
         SELECT 1 FROM t GROUP BY +2; SELECT 1 FROM t GROUP BY - - 2; SELECT a FROM t ORDER BY +2; SELECT 1 FROM t GROUP BY 0x2;
         SELECT 1 FROM t UNION SELECT 2 ORDER BY +1; SELECT 1 FROM t GROUP BY 99999999999; SELECT 1 FROM t GROUP BY 0 + 2;",
    );
}

#[test]
fn a_precision_only_cuts_text() {
    check("SELECT printf('%*.*z%5X', x'31', 1e16), printf('% 30.*n', 2000000000), printf('%.*s|', 1000000000, 'abc');");
}

#[test]
fn an_index_in_temp_on_no_table() {
    check("CREATE INDEX temp.i ON nosuch(a); CREATE INDEX main.i ON nosuch(a); CREATE INDEX i ON nosuch(a);");
}

#[test]
fn old_and_new_show_the_rowid_alias_as_an_integer() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c TEXT, d REAL); CREATE TABLE log(x);
         CREATE TRIGGER r1 AFTER INSERT ON t BEGIN
             INSERT INTO log VALUES ((new.a = '12') || ('12' = new.a) || (new.rowid = '12') || (new.c = 5) || (new.d = '5')); END;
         CREATE TRIGGER r2 BEFORE DELETE ON t WHEN old.a = '12' BEGIN
             INSERT INTO log VALUES ((old.a IN ('12')) || (old.a BETWEEN '11' AND '13')); END;
         INSERT INTO t VALUES (12, 5, 5, 5); DELETE FROM t; SELECT * FROM log;",
    );
}

#[test]
fn foreign_key_actions_heed_no_conflict_clause() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY, b UNIQUE);
         CREATE TABLE c(x REFERENCES p ON DELETE SET NULL,
                        y NOT NULL ON CONFLICT REPLACE DEFAULT 9 REFERENCES p(b) ON DELETE SET NULL);
         INSERT INTO p VALUES (1, 1), (2, 2), (9, 9); INSERT INTO c VALUES (1, 1);
         DELETE FROM p WHERE a = 1; REPLACE INTO p VALUES (1, 7); SELECT * FROM c;",
    );
}

#[test]
fn dropping_a_parent_runs_its_actions_and_counts_its_rows() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p ON DELETE SET NULL);
         INSERT INTO p VALUES (1), (2), (3); INSERT INTO c VALUES (1), (2);
         DROP TABLE p; SELECT changes(), total_changes(); SELECT * FROM c;
         CREATE TABLE q(a PRIMARY KEY); CREATE TABLE d(x REFERENCES q); INSERT INTO q VALUES (1), (2); INSERT INTO d VALUES (2);
         BEGIN; DROP TABLE q; SELECT * FROM q; SELECT changes(), total_changes(); COMMIT;",
    );
}

#[test]
fn deferring_foreign_keys_ends_with_the_statement_outside_of_transactions() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p);
         PRAGMA defer_foreign_keys = ON; INSERT INTO p VALUES (1); PRAGMA defer_foreign_keys;
         SAVEPOINT s; INSERT INTO c VALUES (5) RETURNING x; RELEASE s; SELECT * FROM c;
         PRAGMA defer_foreign_keys = ON; SELECT 1; PRAGMA defer_foreign_keys; SELECT * FROM c; PRAGMA defer_foreign_keys;
         PRAGMA defer_foreign_keys = ON; PRAGMA user_version; PRAGMA defer_foreign_keys; PRAGMA defer_foreign_keys = ON; PRAGMA foreign_key_check; PRAGMA defer_foreign_keys;
         BEGIN; PRAGMA defer_foreign_keys = ON; SELECT * FROM c; PRAGMA defer_foreign_keys; ROLLBACK; PRAGMA defer_foreign_keys;",
    );
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
fn the_name_of_a_constraint_reaches_the_checks_behind_it() {
    check(
        "CREATE TABLE k(a CONSTRAINT x NOT NULL CHECK (a > 0), b CONSTRAINT y CHECK (b > 0) CHECK (b > 1),
                        CHECK (a > 1), CHECK (a > 2));
         INSERT INTO k VALUES (0, 5); INSERT INTO k VALUES (5, 0); INSERT INTO k VALUES (5, 1); INSERT INTO k VALUES (1, 5);
         INSERT INTO k VALUES (2, 5);",
    );
}

#[test]
fn json_stays_json_through_max_and_nullif() {
    check(
        "SELECT json_array(max(json('[1]'), 1)), json_array(min(1, json('[1]'))), json_array(nullif(json('[1]'), 1)),
                json_array(max(json('[1]'), NULL)), json_array(max(json('[1]'), 'x'));",
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
fn a_clause_that_matches_no_key_is_named_by_its_place() {
    check(
        "CREATE TABLE u(a UNIQUE, b); INSERT INTO u VALUES (1, 2) ON CONFLICT (b) DO NOTHING;
         INSERT INTO u VALUES (1, 2) ON CONFLICT (b) DO NOTHING ON CONFLICT DO NOTHING;
         INSERT INTO u VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET a = 1 ON CONFLICT (b) DO NOTHING;",
    );
}

#[test]
fn a_null_path_is_passed_over() {
    check(
        "SELECT json_set('[1]', NULL, 1, '$[0]', 5), json_array_insert('[1,2]', NULL, 1, '$[0]', 7);
         SELECT json_insert('{}', NULL, 1, '5', 1); SELECT json_replace('[1,2]', NULL, 1);",
    );
}

#[test]
fn group_concat_begins_anew_when_a_frame_leaves_no_text() {
    check(
        "CREATE TABLE g(i INTEGER PRIMARY KEY, v);
         INSERT INTO g VALUES (1, 'ab'), (2, ''), (3, 'c'), (4, ''), (5, ''), (6, 'd'), (7, NULL), (8, 'e'), (9, NULL), (10, '');
         SELECT i, quote(group_concat(v) OVER (ORDER BY i ROWS 1 PRECEDING)),
                   quote(group_concat(v, '') OVER (ORDER BY i ROWS 1 PRECEDING)),
                   quote(group_concat(v) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)),
                   quote(group_concat(v) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)),
                   quote(group_concat(v, '--') OVER (ORDER BY i ROWS 2 PRECEDING)),
                   quote(group_concat(v, i) OVER (ORDER BY i ROWS 2 PRECEDING)) FROM g;",
    );
}

#[test]
fn a_frame_with_exclude_is_summed_anew_for_each_row() {
    check(
        "CREATE TABLE t(i INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1.5), (2, 2), (3, 3), (4, 'x'), (5, '-3');
         SELECT i, sum(v) OVER (ORDER BY i ROWS 1 PRECEDING), sum(v) OVER (ORDER BY i ROWS 1 PRECEDING EXCLUDE NO OTHERS),
                   sum(v) OVER (ORDER BY i RANGE CURRENT ROW EXCLUDE NO OTHERS) FROM t;",
    );
}

#[test]
fn the_row_of_one_extreme_gives_the_group_key_too() {
    check(
        "CREATE TABLE t(k TEXT COLLATE NOCASE, v, b); INSERT INTO t VALUES ('a', 2, 'x'), ('A', 9, 'y'), ('a', 3, 'z'), ('B', 1, 'p'), ('b', 0, 'q');
         SELECT k, max(v), b FROM t GROUP BY k; SELECT k, min(v), b FROM t GROUP BY k;
         SELECT k || '!', max(v) FROM t GROUP BY k; SELECT max(v), k FROM t GROUP BY 2;
         SELECT k, max(v) + 1 FROM t GROUP BY k HAVING k <> 'a' COLLATE BINARY; SELECT k, count(*), max(v) FROM t GROUP BY k;
         SELECT k, max(v), min(v) FROM t GROUP BY k; SELECT k, sum(v), b FROM t GROUP BY k;
         SELECT upper(k), k, max(v) FROM t GROUP BY upper(k); SELECT k, max(v) FROM t GROUP BY k ORDER BY k DESC;
         SELECT k, max(v) FROM t GROUP BY k, b; SELECT k, max(v) FROM t GROUP BY k COLLATE BINARY;
         SELECT b COLLATE NOCASE, b, max(v) FROM (SELECT upper(b) AS b, v FROM t UNION ALL SELECT b, v + 1 FROM t) GROUP BY b COLLATE NOCASE;
         SELECT k || '', max(v), k FROM t GROUP BY (k || '') COLLATE NOCASE; SELECT x, max(v) FROM (SELECT 1 AS x, 1 AS v UNION ALL SELECT 1.0, 2) GROUP BY x; SELECT k FROM t GROUP BY k ORDER BY max(v);
         CREATE INDEX tk ON t(k); SELECT k, max(v), b FROM t GROUP BY k; SELECT k, max(v) FROM t GROUP BY k; SELECT k, min(v) FROM t GROUP BY k;
         CREATE INDEX tkv ON t(k, v); SELECT k, max(v) FROM t GROUP BY k; SELECT k, min(v) FROM t GROUP BY k;",
    );
}

#[test]
fn every_column_of_a_star_over_a_compound_is_real() {
    check(
        "CREATE TABLE t(i INT, r REAL, x); INSERT INTO t VALUES (41, 40, 41);
         SELECT * FROM (SELECT r FROM t UNION ALL SELECT i FROM t); SELECT * FROM (SELECT i FROM t UNION ALL SELECT r FROM t);
         SELECT * FROM (SELECT r AS v FROM t UNION ALL SELECT i FROM t) ORDER BY v DESC;
         SELECT v FROM (SELECT r AS v FROM t UNION ALL SELECT i FROM t) WHERE v > 1;
         SELECT v FROM (SELECT r AS v FROM t UNION SELECT i FROM t); SELECT typeof(v), v FROM (SELECT r AS v FROM t UNION ALL SELECT 41);
         SELECT 41.0 IN (SELECT i FROM t UNION ALL SELECT x FROM t), '41' IN (SELECT i FROM t UNION ALL SELECT x FROM t);
         SELECT x IN (SELECT r FROM t UNION ALL SELECT i FROM t), '41.0' IN (SELECT i FROM t UNION ALL SELECT r FROM t) FROM t;
         SELECT (SELECT v FROM (SELECT r AS v FROM t UNION ALL SELECT i FROM t) LIMIT 1 OFFSET 1);
         CREATE VIEW w AS SELECT r AS v FROM t UNION ALL SELECT i FROM t; SELECT * FROM w; SELECT v, v FROM w WHERE v = 41;
         SELECT * FROM (SELECT * FROM w); SELECT count(*), max(v) FROM w; SELECT * FROM t JOIN w; SELECT * FROM t LEFT JOIN w ON w.v = t.i;",
    );
}

#[test]
fn a_generated_column_of_new_sees_the_rowid_not_yet_given() {
    check(
        "CREATE TABLE l(a, b, c); CREATE TABLE t(i INTEGER PRIMARY KEY, a, g AS (i), s AS (typeof(i) || a) STORED);
         CREATE TRIGGER tb BEFORE INSERT ON t BEGIN INSERT INTO l VALUES (new.i, new.g, new.s); END;
         INSERT INTO t(a) VALUES ('x'); INSERT INTO t(i, a) VALUES (NULL, 'y'); INSERT INTO t(i, a) VALUES (7, 'z');
         INSERT INTO t(a) SELECT 'w'; INSERT INTO t(i, a) SELECT NULL, 'v'; SELECT * FROM l; SELECT * FROM t;",
    );
}

#[test]
fn an_instead_of_insert_converts_to_the_affinity_of_the_view_column() {
    check(
        "CREATE TABLE t(i INT, r REAL, s TEXT, n NUMERIC, x); CREATE TABLE l(a, b, c, d, e);
         CREATE VIEW v AS SELECT i, r, s, n, x FROM t;
         CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO l VALUES (new.i, new.r, new.s, new.n, new.x); END;
         CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN INSERT INTO l VALUES (new.i, new.r, new.s, new.n, new.x); END;
         INSERT INTO v VALUES (1, 1, 1, 1, 1), ('1', '1', '1', '1', '1'), (1.0, 1.0, 1.0, 1.0, 1.0); INSERT INTO v SELECT '2', '2', 2, '2', '2';
         INSERT INTO v(r) VALUES (5); INSERT INTO t VALUES (1, 2, 3, 4, 5); UPDATE v SET i = '7', r = 7, s = 7, n = '7', x = '7';
         INSERT INTO v(i, r, s, n) VALUES ('8', 8, 8, '8') RETURNING i, r, s, n; UPDATE v SET i = '9', r = 9, s = 9, n = '9' RETURNING i, r, s, n;
         CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN INSERT INTO l VALUES (old.i, old.r, old.s, old.n, old.x); END; DELETE FROM v RETURNING *;
         CREATE VIEW c AS SELECT 1 AS k, r + 1 AS p, CAST(i AS REAL) AS q FROM t; CREATE TRIGGER ci INSTEAD OF INSERT ON c BEGIN INSERT INTO l(a, b, c) VALUES (new.k, new.p, new.q); END;
         CREATE TRIGGER cu INSTEAD OF UPDATE ON c BEGIN INSERT INTO l(a, b, c) VALUES (new.k, new.p, new.q); END;
         INSERT INTO c VALUES (1, 1, 1), ('1', '1', '1'); UPDATE c SET k = '1', p = 1, q = '1';
         UPDATE v SET x = 0; SELECT * FROM l; SELECT typeof(a), typeof(b), typeof(c), typeof(d), typeof(e) FROM l;",
    );
}

#[test]
fn jsonb_has_the_json_subtype_where_sqlite_gives_it() {
    check(
        "SELECT subtype(jsonb_object()), subtype(jsonb_array()), subtype(jsonb('[1]')), subtype(jsonb_set('{}', '$.a', 1));
         SELECT subtype(json('1')), subtype(json_object()), subtype(json_array()), subtype(json_set('{}', '$.a', 1)), subtype(json_quote(1));
         SELECT subtype(jsonb_object('a', 1)), subtype(jsonb_array(1)), subtype(jsonb_insert('{}', '$.a', 1)), subtype(jsonb_replace('{}', '$.a', 1));
         SELECT subtype(jsonb_remove('{}', '$.a')), subtype(jsonb_patch('{}', '{}')), subtype(jsonb_extract('{\"a\":[1]}', '$.a'));
         SELECT subtype(jsonb_extract('[1,2]', '$[0]', '$[1]')), subtype(json_extract('[1,2]', '$[0]', '$[1]')), subtype('[1]' -> '$[0]');
         SELECT subtype(json_group_array(1)), subtype(jsonb_group_array(1)), subtype(json_group_object('a', 1)), subtype(jsonb_group_object('a', 1));
         SELECT subtype(json_patch('{}', '{}')), subtype(json_remove('{}', '$.a')), subtype(jsonb_remove('[1]')), subtype(json_pretty('[1]'));
         SELECT json_array(jsonb_object()), json_array(jsonb_array(1)), json_array(jsonb('[1]')), json_array(json_quote(jsonb_object()));",
    );
}

#[test]
fn the_current_time_is_prohibited_in_the_schema() {
    check(
        "CREATE TABLE a(x, CHECK (x < date('now'))); INSERT INTO a VALUES ('2'); INSERT INTO a VALUES (NULL);
         CREATE TABLE b(x, g AS (datetime(x))); INSERT INTO b(x) VALUES ('2020-01-01'); SELECT g FROM b; INSERT INTO b(x) VALUES ('now'); SELECT * FROM b;
         CREATE TABLE c(x); INSERT INTO c VALUES ('now'); CREATE INDEX ci ON c(date(x));
         CREATE INDEX cj ON c(x) WHERE julianday(x) > 0; DELETE FROM c; CREATE INDEX ci ON c(strftime('%Y', x)); INSERT INTO c VALUES ('NOW');
         INSERT INTO c VALUES ('2020-01-01'); SELECT * FROM c; UPDATE c SET x = 'now'; SELECT count(*) FROM c WHERE strftime('%Y', x) > '1';
         CREATE TABLE d(x, g AS (time(x, 'localtime')) STORED); INSERT INTO d(x) VALUES ('2020-01-01');
         CREATE TABLE e(x, g AS (unixepoch())); INSERT INTO e(x) VALUES (1); SELECT g FROM e;
         CREATE TABLE f(x, CHECK (timediff(x, 'now') IS NOT NULL)); INSERT INTO f VALUES ('2020-01-01');
         CREATE TABLE h(x, g AS (date(x, 'utc'))); INSERT INTO h(x) VALUES ('2020-01-01'); SELECT g FROM h;
         CREATE TABLE j(x, CHECK (x < current_timestamp)); CREATE INDEX cx ON c(current_date); CREATE TABLE k(x, g AS (current_time));
         CREATE TABLE m(x DEFAULT (date('now') IS NULL)); INSERT INTO m DEFAULT VALUES; SELECT * FROM m;
         CREATE TABLE n(x, y AS (strftime('%Y', 'now')) STORED); INSERT INTO n VALUES (1); CREATE TABLE o(x, CHECK (date(x, 'subsec') > 0)); INSERT INTO o VALUES ('now');",
    );
}

#[test]
fn a_negative_zero_of_a_virtual_real_column() {
    check(
        "CREATE TABLE t(x, g REAL AS (x), s REAL AS (-x) STORED, y REAL, n NUMERIC AS (x)); INSERT INTO t(x, y) VALUES (-0.0, -0.0), (0, 0), (0.0, 0.0), ('-0.0', '-0.0');
         SELECT x, g, s, y, n FROM t; WITH q AS (SELECT g, y, s FROM t) SELECT g, y, s, -g, 1 / g FROM q;
         WITH q AS MATERIALIZED (SELECT g, y, s, n, x FROM t) SELECT * FROM q; SELECT DISTINCT g FROM t; SELECT g FROM t ORDER BY g;
         SELECT g FROM t UNION ALL SELECT y FROM t; SELECT printf('%f %f %f', g, y, s) FROM t; CREATE INDEX tg ON t(g); SELECT g FROM t INDEXED BY tg WHERE g = 0;
         INSERT INTO t(x, y) VALUES (-0.0, -0.0) RETURNING g, s, y, n; CREATE TABLE l(a, b);
         CREATE TRIGGER tb BEFORE INSERT ON t BEGIN INSERT INTO l VALUES (new.g, new.y); END; CREATE TRIGGER ta AFTER INSERT ON t BEGIN INSERT INTO l VALUES (new.g, new.y); END;
         INSERT INTO t(x, y) VALUES (-0.0, -0.0); SELECT * FROM l;
         SELECT g || '', y || '', s || '' FROM t; WITH q AS MATERIALIZED (SELECT -0.0 AS z) SELECT z, z || '' FROM q;",
    );
}

#[test]
fn in_a_compound_compares_with_the_affinity_of_its_last_term() {
    let terms = ["i", "r", "x", "n", "s", "41", "'41'", "41.0", "i + 0"];
    let lefts = ["41.0", "'41'", "'41.0'", "i", "s", "r", "x"];
    let mut script =
        "CREATE TABLE t(i INT, r REAL, x, n NUMERIC, s TEXT); INSERT INTO t VALUES (41, 41, 41, 41, 41);".to_string();
    for first in terms {
        for last in terms {
            let compound = format!("(SELECT {first} FROM t UNION ALL SELECT {last} FROM t)");
            let values: Vec<String> = lefts.iter().map(|left| format!("{left} IN {compound}")).collect();
            script += &format!(" SELECT {} FROM t;", values.join(", "));
        }
    }
    script += " SELECT '41' IN (SELECT i FROM t UNION SELECT x FROM t), '41' IN (SELECT x FROM t EXCEPT SELECT i FROM t WHERE 0);
        SELECT x IN (VALUES (CAST(41 AS TEXT)), (5)), '41' IN (VALUES (5), (CAST(41 AS INT))), '5' IN (VALUES (5), (CAST(41 AS INT))) FROM t;
        SELECT count(*) FROM t WHERE s IN (SELECT x FROM t UNION ALL SELECT i FROM t); SELECT ('41', 1) IN (SELECT x, 1 FROM t UNION ALL SELECT i, 1 FROM t);
        CREATE INDEX ts ON t(s); CREATE INDEX ti ON t(i); SELECT count(*) FROM t WHERE i IN (SELECT x FROM t UNION ALL SELECT s FROM t);
        SELECT count(*) FROM t WHERE s IN (SELECT i FROM t UNION ALL SELECT x FROM t);";
    check(&script);
}

#[test]
fn beside_a_filtered_extreme_the_first_row_of_the_group_stands() {
    check(
        "CREATE TABLE t(k, a, b);
         INSERT INTO t VALUES (1,1,'x'), (1,2,'y'), (1,0,'z'), (2,NULL,'n1'), (2,NULL,'n2'), (3,5,'p'), (3,NULL,'q');
         SELECT k, b, max(a) FILTER (WHERE 0) FROM t GROUP BY k;
         SELECT b, max(a) FILTER (WHERE b > 'x') FROM t GROUP BY k;
         SELECT k, b, max(a) FILTER (WHERE b = 'none') FROM t;
         SELECT k, b, max(a) FILTER (WHERE b = 'y') FROM t;
         SELECT k + 0, b, max(a) FILTER (WHERE 0), min(a) FILTER (WHERE 0) FROM t GROUP BY k + 0;
         SELECT k, b, max(a) FILTER (WHERE 0), max(a) FROM t GROUP BY k;",
    );
}

#[test]
fn temporary_triggers_change_tables_of_any_database() {
    let insert = |name: &str, on: &str| {
        format!("CREATE TRIGGER {name} AFTER INSERT ON {on} BEGIN INSERT INTO main.g VALUES (new.a); END;")
    };
    let mut script = String::from("CREATE TABLE g(a); CREATE VIEW v AS SELECT 1 AS a; CREATE TEMP TABLE t(a);");
    let names = [("a", "t"), ("temp.b", "t"), ("main.c", "t"), ("d", "main.t"), ("e", "g"), ("f", "v"), ("h", "none")];
    for (name, on) in names {
        script += &insert(name, on);
    }
    script += "CREATE TEMP TRIGGER i AFTER INSERT ON g BEGIN DELETE FROM main.g WHERE a = new.a + 1; END;
               INSERT INTO t VALUES (1); INSERT INTO t VALUES (0); SELECT a FROM g;";
    check(&script);
}

#[test]
fn an_unknown_database_is_named_as_it_was_written() {
    check(
        "VACUUM \"no db\"; CREATE TABLE \"no db\".t(a); CREATE VIEW [x].v AS SELECT 1; PRAGMA \"no db\".user_version;
         ANALYZE [no db].x; ANALYZE nodb.x; REINDEX nodb.x; REINDEX `no db`.x; DROP TABLE \"no db\".x;",
    );
}

#[test]
fn utf16_text_in_sets_and_sorters() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        check(&format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE t(a, b);
             INSERT INTO t VALUES ('x',3), ('x',1), ('日本',2), ('zz',1), ('ab',1), ('日',5), ('a',1);
             SELECT a FROM t WHERE a IN ('x', '日');
             SELECT a IN (SELECT a FROM t WHERE b = 1) FROM t;
             SELECT * FROM t WHERE (a, b) IN (SELECT a, b FROM t);
             SELECT a || 'y', b FROM t ORDER BY 1, 2 LIMIT 4;
             SELECT DISTINCT a || '' FROM t ORDER BY 1 LIMIT 2;
             SELECT a FROM t UNION SELECT a || '' FROM t ORDER BY 1;
             SELECT a, count(*) FROM t GROUP BY a || '' ORDER BY 1;
             SELECT count(*) FROM t x JOIN t y ON x.a = y.a || '';
             SELECT a, row_number() OVER (PARTITION BY a || '' ORDER BY b) FROM t ORDER BY 1, 2;
             CREATE TABLE u(a, b, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO u SELECT a, b FROM t;
             CREATE INDEX u1 ON u(b); CREATE INDEX u2 ON u(a);
             SELECT x.a, y.a FROM t x FULL JOIN u y ON x.a = y.a AND x.b = 1 ORDER BY 1, 2;
             SELECT * FROM u WHERE (a, b) IN (VALUES ('x', 1)); SELECT * FROM u WHERE a IN (SELECT a FROM t) ORDER BY 1, 2;
             SELECT * FROM u WHERE b = 1 OR a = 'x' ORDER BY 1, 2;"
        ));
    }
}

#[test]
fn rows_in_an_in_list_are_a_subquery() {
    check(
        "CREATE TABLE t(a, b); CREATE TABLE c1(a CHECK ((a, 1) IN ((1, 2), (3, 4)))); CREATE TABLE c2(a, b AS ((a, 1) IN ((1, 2))));
         CREATE INDEX i1 ON t(((a, 1) IN ((1, 2)))); CREATE INDEX i2 ON t(a) WHERE (a, 1) IN ((1, 2));
         CREATE TABLE c3(a DEFAULT ((1, 1) IN ((1, 1))));",
    );
}

fn opened() -> (turso_core::Connection, rusqlite::Connection) {
    let ours = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap();
    (ours.connect().unwrap(), rusqlite::Connection::open_in_memory().unwrap())
}

#[test]
fn explaining_a_change_leaves_zero_changes() {
    let explained = ["INSERT INTO t VALUES (1)", "QUERY PLAN DELETE FROM t", "SELECT 1", "CREATE TABLE u(a)"];
    let outcomes = explained.map(|statement| {
        let script = format!("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); EXPLAIN {statement};");
        let (ours, stock) = opened();
        support::run_ours(&ours, &script);
        support::run_theirs(&stock, &script);
        (ours.changes(), stock.changes() as i64)
    });
    assert_eq!(outcomes, [(0, 0), (0, 0), (2, 2), (2, 2)]);
}

#[test]
fn a_compound_sorted_by_a_collation_has_the_names_and_types_of_a_subquery() {
    let names = |sql: &str| {
        let schema = "CREATE TABLE a(x INT, y TEXT); CREATE TABLE b(x TEXT, y INT);";
        let (ours, stock) = opened();
        support::run_ours(&ours, schema);
        let statement = ours.prepare(sql).unwrap().statement.unwrap();
        let own: Vec<(String, Option<String>)> = (0..statement.column_count())
            .map(|i| {
                let declared = statement.column_declared_type(i).map(str::to_owned);
                (statement.column_name(i).unwrap_or("").to_owned(), declared)
            })
            .collect();
        stock.execute_batch(schema).unwrap();
        let statement = stock.prepare(sql).unwrap();
        let expected: Vec<(String, Option<String>)> =
            statement.columns().map(|c| (c.name().to_owned(), c.decl_type().map(str::to_owned))).collect();
        assert_eq!(own, expected, "{sql}");
    };
    names("SELECT x, x FROM a UNION SELECT x, y FROM b ORDER BY 1 COLLATE nocase");
    names("SELECT x, X FROM a UNION ALL SELECT x, y FROM b ORDER BY 1 COLLATE nocase");
    names("SELECT * FROM a EXCEPT SELECT x, y FROM b ORDER BY x COLLATE binary, 2");
    names("SELECT x COLLATE nocase, (y) FROM a UNION SELECT 1, 2 ORDER BY 1 COLLATE nocase");
    names("SELECT * FROM (SELECT x COLLATE nocase, x, (y COLLATE rtrim) COLLATE nocase FROM a)");
    names("WITH q AS (SELECT a.x COLLATE nocase, y FROM a) SELECT * FROM q");
}

#[test]
fn a_condition_with_a_subquery_holds_inside_a_compound() {
    check(
        "CREATE TABLE t(c, e TEXT); INSERT INTO t VALUES (9.5,'zz'), (1,''), (2,'a'), ('q',NULL); CREATE TABLE v(x);
         INSERT INTO v VALUES (1), (2);
         SELECT e FROM (SELECT e FROM t UNION ALL SELECT c FROM t) WHERE e >= (SELECT count(*) FROM v);
         SELECT e FROM (SELECT e FROM t UNION SELECT c FROM t) WHERE e >= (SELECT +x FROM v);
         SELECT e FROM (SELECT e FROM t UNION SELECT c FROM t) WHERE e >= (SELECT x FROM v WHERE x = 2);
         SELECT e FROM (SELECT e FROM t x JOIN v UNION ALL SELECT c FROM t) WHERE e >= (SELECT count(*) FROM v) ORDER BY 1;",
    );
}

#[test]
fn what_is_false_by_its_form_hides_names() {
    check(
        "CREATE TABLE t(a, b);
         SELECT 1 WHERE 0 AND zz; SELECT 1 WHERE zz AND 0; SELECT 1 WHERE FALSE AND zz; SELECT 1 WHERE 0.0 AND zz;
         SELECT 1 WHERE (0 AND yy) AND zz; SELECT 1 WHERE yy AND zz IN () AND xx; SELECT 1 WHERE -0 AND zz;
         SELECT 1 WHERE 0 AND nofn(1); SELECT 1 WHERE 0 AND (SELECT 1, 2); SELECT 0 AND zz; SELECT zz IN (), zz NOT IN ();
         SELECT 1 AND 0 AND zz, 6 IS NULL AND zz; SELECT 6 IS NOT NULL AND zz; SELECT CASE WHEN 0 AND zz THEN 1 END;
         SELECT a FROM t JOIN (SELECT 1 AS x) ON 0 AND zz; SELECT (max(a)) IN () FROM t; SELECT 1 FROM t HAVING 0 AND zz;
         SELECT 1, 2 FROM t GROUP BY (6.25 IS NULL); SELECT 1, 2 FROM t ORDER BY a AND 0; SELECT 1, 2 FROM t ORDER BY a IN ();
         CREATE TABLE c(a CHECK (0 AND (SELECT 1))); SELECT 1 WHERE abs(1) AND zz AND 0;",
    );
}

#[test]
fn the_smallest_integer_as_a_real_is_a_rowid() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (round(-9223372036854775807)), (5); SELECT a FROM t;
         INSERT INTO t VALUES (9.223372036854775807e18); SELECT a FROM t WHERE a IN (-9.223372036854775808e18);
         SELECT a FROM t LIMIT 1 OFFSET -9.223372036854775808e18; DELETE FROM t WHERE a = -9.223372036854775808e18;
         UPDATE t SET a = -9.223372036854775808e18 WHERE a = 5; SELECT a FROM t;",
    );
}

#[test]
fn no_column_but_the_rowid_has_a_collation_of_its_own() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c COLLATE NOCASE); INSERT INTO t VALUES (1, 1, 'B'), (2, 2, 'a'), (3, 3, 'A');
         SELECT a FROM t UNION SELECT c FROM t; SELECT b FROM t UNION SELECT c FROM t;
         SELECT a AS x FROM t UNION ALL SELECT c FROM t ORDER BY 1, 1; SELECT a = c, c = a, a < c FROM t;
         WITH r(x) AS (SELECT a FROM t UNION SELECT c FROM t) SELECT x FROM r;",
    );
}

#[test]
fn a_text_names_a_column_where_an_index_wants_one() {
    check(
        "CREATE TABLE t(a, b); CREATE INDEX i1 ON t('a'); CREATE INDEX i2 ON t('zz'); CREATE INDEX i3 ON t(('zz')); CREATE INDEX i4 ON t('a' || 1);
         CREATE INDEX i5 ON t('zz' COLLATE NOCASE); CREATE INDEX i6 ON t(1); SELECT name FROM sqlite_schema;",
    );
}

#[test]
fn an_upsert_of_one_row_without_parent_leaves_last_insert_rowid() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE t(a INTEGER PRIMARY KEY, b, d REFERENCES t); INSERT INTO t VALUES (9, 1, NULL);
         INSERT INTO t VALUES (NULL, 1, 'x') ON CONFLICT(a) DO UPDATE SET b = 1; SELECT last_insert_rowid();
         INSERT OR REPLACE INTO t VALUES (NULL, 1, 'x') ON CONFLICT DO NOTHING; SELECT last_insert_rowid();
         INSERT OR REPLACE INTO t VALUES (NULL, 1, 'x'); SELECT last_insert_rowid();",
    );
}

#[test]
fn a_transaction_that_reads_lets_no_checkpoint_run() {
    let (ours, stock) = opened();
    let script =
        "PRAGMA wal_checkpoint; BEGIN; PRAGMA wal_checkpoint; SELECT * FROM sqlite_schema; PRAGMA wal_checkpoint;
                  CREATE TABLE t(a); PRAGMA wal_checkpoint; COMMIT; PRAGMA wal_checkpoint;";
    assert_eq!(support::run_ours(&ours, script), support::run_theirs(&stock, script));
}

#[test]
fn the_actions_of_the_newest_key_come_first() {
    let script = "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); INSERT INTO p VALUES (1), (2), (3), (4);
         CREATE TABLE b(x REFERENCES p ON DELETE RESTRICT, y REFERENCES p ON DELETE SET NULL);
         CREATE TABLE c(x REFERENCES p ON DELETE SET NULL, y REFERENCES p ON DELETE RESTRICT);
         CREATE TABLE a(x REFERENCES p ON DELETE SET NULL); CREATE TABLE d(x REFERENCES p ON DELETE RESTRICT);
         INSERT INTO b VALUES (1, 1); INSERT INTO c VALUES (2, 2); INSERT INTO a VALUES (3); INSERT INTO b VALUES (3, NULL);
         INSERT INTO a VALUES (4); INSERT INTO d VALUES (4); SELECT total_changes(); DELETE FROM p WHERE a = 1;
         SELECT total_changes(); DELETE FROM p WHERE a = 2; SELECT total_changes(); DELETE FROM p WHERE a = 3;
         SELECT total_changes(); DELETE FROM p WHERE a = 4; SELECT total_changes();";
    check(script);
}

#[test]
fn orphans_are_looked_for_in_main() {
    check(
        "ATTACH ':memory:' AS aux; CREATE TABLE aux.p(a PRIMARY KEY); CREATE TABLE aux.c(a REFERENCES p); INSERT INTO aux.c VALUES (1);
         CREATE TABLE q(a PRIMARY KEY); CREATE TABLE m(a REFERENCES q); INSERT INTO m VALUES (7); PRAGMA foreign_key_check;
         PRAGMA aux.foreign_key_check; PRAGMA foreign_key_check(c);",
    );
}

#[test]
fn what_unhex_passes_over_may_stand_behind_a_nul() {
    check(
        "SELECT unhex('k44', char(0) || 'k'), unhex('44' || char(0) || '55', 'k'), unhex('4' || char(0) || '4', char(0));",
    );
}

#[test]
fn an_aggregate_has_the_collation_written_in_its_arguments() {
    check(
        "SELECT max('B' COLLATE nocase) >= 'a', count('B' COLLATE nocase) || 'B' >= 'a', hex(max('z' COLLATE nocase)) = '7a',
                group_concat('B' COLLATE nocase, 'x') = 'b', upper(min('b' COLLATE nocase)) = 'b';",
    );
}

#[test]
fn a_sum_over_rows_that_follow_has_seen_those_before() {
    check(
        "CREATE TABLE t(a, b, g); INSERT INTO t VALUES (1,1.5,0), (2,57,0), (3,7,1), (4,46,2), (5,3,2), (6,NULL,3), (7,'',3);
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 3 FOLLOWING AND 1 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 20 FOLLOWING AND 30 FOLLOWING) FROM t;
         SELECT a, group_concat(b, '-') OVER (ORDER BY a ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY g GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY g GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a RANGE BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (PARTITION BY g ORDER BY a ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) FROM t;",
    );
}

#[test]
fn a_column_of_a_compound_has_the_collation_of_its_first_term() {
    check(
        "CREATE TABLE n(a TEXT COLLATE NOCASE, r TEXT COLLATE RTRIM, b TEXT, x);
         INSERT INTO n VALUES ('A','A','A','A'), ('b','b','b','b'), ('a ','a ','a ','a '), ('B ','B ','B ','B ');
         CREATE VIEW v1 AS SELECT 'a' AS c UNION ALL SELECT a FROM n; CREATE VIEW v2 AS SELECT a AS c FROM n UNION ALL SELECT 'a';
         SELECT c FROM v1 WHERE c = 'A'; SELECT c FROM v2 WHERE c = 'A'; SELECT c FROM v1 ORDER BY c; SELECT c FROM v2 ORDER BY c;
         SELECT c, count(*) FROM v1 GROUP BY c; SELECT DISTINCT c FROM v1; SELECT min(c), max(c) FROM v1;
         SELECT c FROM v1 UNION SELECT c FROM v2; SELECT v1.c FROM v1 JOIN v2 ON v1.c = v2.c;
         SELECT 'a' UNION SELECT a FROM n; SELECT x FROM n UNION SELECT a FROM n ORDER BY 1; SELECT 1 UNION ALL SELECT a FROM n ORDER BY 1;
         SELECT * FROM (SELECT a AS c FROM n UNION SELECT r FROM n) WHERE c = 'a';
         WITH RECURSIVE r(c) AS (SELECT 'a' UNION SELECT n.a FROM r, n) SELECT c, c = 'A' FROM r;
         WITH RECURSIVE r(c) AS (SELECT 'a' UNION ALL SELECT n.a FROM r, n WHERE r.c = 'a' ORDER BY 1 DESC) SELECT * FROM r;",
    );
}

#[test]
fn in_a_compound_compares_with_the_collation_of_its_last_term() {
    check(
        "CREATE TABLE n(a TEXT COLLATE NOCASE, x); INSERT INTO n VALUES ('A', 'A'), ('b', 'b');
         SELECT 'a' IN (SELECT 1 UNION SELECT a FROM n), 'a' IN (SELECT a FROM n UNION SELECT 1);
         SELECT 'a' IN (VALUES (n.x), (n.a)), 'a' IN (VALUES (n.a), (n.x)) FROM n;
         SELECT ('a', 1) IN (SELECT n.x, 1 UNION ALL SELECT n.a, 1), ('a', 1) IN (SELECT n.a, 1 UNION ALL SELECT n.x, 1) FROM n;",
    );
}

#[test]
fn a_subquery_in_a_row_has_no_collation() {
    check(
        "CREATE TABLE n(a TEXT COLLATE NOCASE, x); INSERT INTO n VALUES ('A', 'A'), ('b', 'b');
         SELECT (SELECT a, 1) = ('a', 1), ('a', 1) IS (SELECT a, 1), (SELECT a COLLATE NOCASE, 1) = ('a', 1) FROM n;
         SELECT (a, 1) = (SELECT lower(a), 1), (SELECT lower(a), 1) = (a, 1), ('a' COLLATE NOCASE, 1) = (SELECT a, 1) FROM n;
         CREATE TABLE m(i INT, t TEXT, x); INSERT INTO m VALUES (1, '1', '1.0');
         SELECT ('1', 1) = (SELECT i, 1 UNION ALL SELECT t, 1), (1, 1) = (SELECT t, 1 UNION ALL SELECT i, 1) FROM m;
         SELECT (1, 1) = (SELECT x, 1 WHERE 1 UNION ALL SELECT i, 1), (1, 1) = (VALUES (x, 1), (i, 1)) FROM m;",
    );
}

#[test]
fn in_a_subquery_holds_inside_and_outside_of_a_compound() {
    check(
        "CREATE TABLE t1(d TEXT); INSERT INTO t1 VALUES ('0'), ('1.5'); CREATE TABLE t4(a INTEGER PRIMARY KEY); INSERT INTO t4 VALUES (0), (5);
         CREATE VIEW v AS SELECT d AS c FROM t1 UNION ALL SELECT a FROM t4;
         SELECT c, c IN (SELECT d FROM t1) FROM v; SELECT c FROM v WHERE c IN (SELECT d FROM t1);
         SELECT c FROM v WHERE c IN (SELECT a FROM t4); SELECT c FROM t1 LEFT JOIN v WHERE c IN (SELECT d FROM t1) ORDER BY c;",
    );
}

#[test]
fn what_is_no_rowid_is_refused_before_what_does_not_fit_a_strict_column() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT; INSERT INTO t VALUES (x'00', x'ff'); INSERT INTO t(b, a) VALUES (x'ff', 'x');
         CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT 1; END;
         INSERT INTO t VALUES (x'00', x'ff'); INSERT INTO t SELECT x'00', x'ff'; INSERT INTO t(b, a) VALUES (x'ff', 'x'); INSERT INTO t(b) VALUES (x'ff');",
    );
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
fn of_several_errors_in_names_the_one_that_is_met_first() {
    check(
        "CREATE TABLE x(a);
         INSERT INTO x VALUES ((SELECT 1 FROM v5)), (2), ((SELECT 1 FROM t1)); INSERT INTO x VALUES (zz), (yy), (xx);
         SELECT zz, (SELECT 1 FROM v5); SELECT zz FROM v5 UNION SELECT yy; SELECT zz FROM x WHERE a IN (SELECT 1 FROM v5);
         WITH q AS (SELECT * FROM v5) SELECT zz FROM q; WITH q AS (SELECT yy) SELECT * FROM v5, q; SELECT * FROM x WHERE zz AND a IN v5;
         SELECT * FROM x JOIN x AS y ON zz WHERE yy; SELECT yy FROM x LEFT JOIN x AS b ON zz; SELECT x.a FROM x JOIN x AS b ON zz GROUP BY yy;
         SELECT nope(zz) FROM x; SELECT abs(zz, 2) FROM x; SELECT hex(1) FILTER (WHERE (SELECT 1 FROM v5)) FROM x; SELECT nope(a, nope2(zz)) FROM x;
         SELECT lower(zz) OVER (ORDER BY yy) FROM x; SELECT 1 FROM x ORDER BY 7, zz; SELECT 1 FROM x GROUP BY 7, zz;
         SELECT 1 FROM x GROUP BY 3 ORDER BY zz; SELECT 1 FROM x GROUP BY zz ORDER BY 3; SELECT 1 FROM x ORDER BY 0, zz;
         DELETE FROM x WHERE zz RETURNING yy; SELECT 1 FROM x WHERE a = (SELECT 1 FROM t4) OR a = (SELECT 1 FROM t5);
         SELECT 1 FROM x JOIN x AS y ON (SELECT 1 FROM v5) WHERE (SELECT 1 FROM t4);",
    );
}

#[test]
fn minus_zero_keeps_its_sign_as_a_real() {
    check(
        "SELECT CAST('-0' AS REAL), '-0' * 1.0, abs('-0'), abs('-0x'), abs('-'), CAST(x'2d30' AS REAL), -'0', '-0' + 0.0, '-0' + 0;
         SELECT '-0' / 1.0, '-0' - 0.0, '-0' + '-0.0', '-0' * '-0.0', round('-0'), '-0' = 0, sum('-0'), '-0' / 1, '-0' % 1.0;",
    );
}

#[test]
fn the_root_of_json_tree_splits_its_path_before_a_first_member() {
    check(
        r#"SELECT key, path, fullkey FROM json_tree('{"a":{"b":{"c":[10,20,30]}}}', '$.a.b.c[1]');
         SELECT key, path, fullkey FROM json_tree('{"a":{"b":{"c":[10,20,30]}}}', '$.a.b.c[0]');
         SELECT key, path, fullkey FROM json_tree('{"a":{"b":1,"c":2}}', '$.a.b'); SELECT key, path FROM json_tree('{"a":{"b":1,"c":2}}', '$.a.c');
         SELECT key, path FROM json_tree('[1,[2,[3,4]]]', '$[1][1]'); SELECT key, path FROM json_tree('[1,[2,[3,4]]]', '$[1][0]');
         SELECT key, path FROM json_tree('[1,[2,[3,4]]]', '$[#-1]'); SELECT key, path FROM json_tree('[1]', '$'); SELECT key, path FROM json_tree('[1]');
         SELECT key, path FROM json_tree('{"a b":[1,2]}', '$."a b"[1]'); SELECT key, path FROM json_tree('{"x":1,"a.b":{"c":1}}', '$."a.b".c');
         SELECT key, path FROM json_tree('{"x":1,"a.b":{"c":1}}', '$."a.b"'); SELECT key, path FROM json_each('{"x":[1,[2]]}', '$.x[1]');"#,
    );
}

#[test]
fn foreign_key_check_goes_through_the_rows_once() {
    check(
        "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p, y REFERENCES p(a), z REFERENCES q);
         INSERT INTO c VALUES (1, 2, 3), (4, 5, 6), (NULL, 1, NULL); PRAGMA foreign_key_check; PRAGMA foreign_key_check(c);",
    );
}

#[test]
fn rows_compared_with_a_subquery_compare_anew_in_the_terms_of_a_compound() {
    check(
        "CREATE TABLE t4(d TEXT, a); INSERT INTO t4 VALUES ('0', x'16'), ('e', x'1a'); CREATE TABLE t3(a, b INTEGER); INSERT INTO t3 VALUES (1.75, 8), (49.5, 1);
         CREATE VIEW v AS SELECT 1 AS c0, abs(a) AS c2 FROM t3 UNION SELECT b, b FROM t3;
         SELECT c0, c2 FROM v WHERE (c2, c0) < (SELECT d, a FROM t4 ORDER BY 1); SELECT c0, (c2, c0) < (SELECT d, a FROM t4 ORDER BY 1) FROM v;",
    );
}

#[test]
fn the_range_before_a_row_is_found_by_adding_to_what_precedes() {
    check(
        "CREATE TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES (8), (9), (46), (9007199254740993), (9007199254740994);
         SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM w;
         SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 2 PRECEDING AND 1.5 PRECEDING) FROM w;
         SELECT a, count(*) OVER (ORDER BY a DESC RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM w;
         CREATE TABLE w2(a); INSERT INTO w2 VALUES (1), (2), (NULL), ('a'), ('b'), (x'00'), (2.5), (9e999), (-9e999);
         SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM w2;
         SELECT a, count(*) OVER (ORDER BY a DESC NULLS FIRST RANGE BETWEEN 1.5 PRECEDING AND 1 PRECEDING) FROM w2;
         SELECT a, count(*) OVER (ORDER BY a NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM w2;",
    );
}

#[test]
fn calls_that_stand_in_the_wrong_place_say_what_they_are() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2);
         SELECT max((SELECT count(a) FROM (SELECT 1))) FROM t1; SELECT max(count(a)) FROM t1; SELECT 1 FROM t1 WHERE (SELECT count(a));
         SELECT count(*) FROM t1 WHERE (SELECT count(a)); SELECT count(*) FROM t1 WHERE count(a); SELECT 1 FROM t1 WHERE count(a);
         SELECT min(a) AS m FROM t1 GROUP BY a HAVING max(m + 5) < 10; SELECT min(a) AS m FROM t1 WHERE m > 1; SELECT min(a) AS m FROM t1 GROUP BY m;
         SELECT min(a) AS m FROM t1 ORDER BY (SELECT m);
         SELECT a, sum(b) OVER () AS m FROM t1 WHERE m > 1; SELECT a, sum(b) OVER () AS m FROM t1 GROUP BY m; SELECT a, sum(b) OVER () AS m FROM t1 HAVING m;
         SELECT a, sum(b) OVER () AS m FROM t1 GROUP BY a HAVING m > 1; SELECT sum(a) OVER () FROM t1 GROUP BY 1; SELECT sum(a) OVER () x FROM t1 GROUP BY x + 1;
         SELECT a, sum(b) OVER () AS m FROM t1 ORDER BY m; SELECT a, sum(b) OVER () AS m FROM t1 ORDER BY (SELECT m);
         SELECT count(*) FROM t1 LIMIT nth_value(x, 1) OVER (); SELECT count(*) FROM t1 LIMIT nth_value(1, 1) OVER ();
         CREATE INDEX ix ON t1(sum(b) OVER ()); CREATE INDEX ix ON t1(a) WHERE lead(b) OVER (); CREATE INDEX ix ON t1(sum(b));
         CREATE TABLE ck(a CHECK (sum(a) OVER ())); CREATE TABLE ck(a CHECK (sum(a))); CREATE TABLE ck(a, b AS (lead(a) OVER ()));
         WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT sum(x) OVER () FROM t) SELECT * FROM t;
         WITH RECURSIVE t(x) AS (SELECT row_number() OVER () UNION ALL SELECT x + 1 FROM t LIMIT 3) SELECT * FROM t;
         WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT (SELECT sum(1) OVER ()) FROM t LIMIT 3) SELECT * FROM t;",
    );
}

#[test]
fn frames_reach_no_further_than_constants() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2);
         SELECT sum(a) OVER (ROWS abs(1) PRECEDING) FROM t1; SELECT sum(a) OVER (ROWS 1 + 1 PRECEDING) FROM t1; SELECT sum(a) OVER (ROWS a PRECEDING) FROM t1;
         SELECT sum(a) OVER (ROWS nosuch PRECEDING) FROM t1; SELECT sum(a) OVER (ROWS (SELECT 1) PRECEDING) FROM t1;
         SELECT sum(a) OVER (ROWS BETWEEN CURRENT ROW AND a FOLLOWING) FROM t1; SELECT sum(a) OVER (ROWS CAST('1' AS INT) PRECEDING) FROM t1;
         SELECT sum(a) OVER (ROWS nosuch(1) PRECEDING) FROM t1; SELECT sum(a) OVER (ORDER BY a RANGE a PRECEDING) FROM t1;
         SELECT sum(a) OVER (ORDER BY a GROUPS a PRECEDING) FROM t1; SELECT sum(a) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND a FOLLOWING) FROM t1;
         SELECT 1 IN (SELECT sum(a) OVER (ROWS BETWEEN b FOLLOWING AND UNBOUNDED FOLLOWING) FROM t1) FROM (SELECT * FROM t1);",
    );
}

#[test]
fn the_target_of_update_is_not_joined_under_its_own_name() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2);
         UPDATE t1 SET a = 1 FROM t1; UPDATE t1 SET a = 1 FROM t1 AS t2; UPDATE t1 AS q SET a = 1 FROM t1 AS q; UPDATE t1 AS q SET a = 1 FROM t1;
         UPDATE t1 SET a = 1 FROM (SELECT 1) AS t1; UPDATE main.t1 SET a = 1 FROM T1; UPDATE t1 SET a = 1 FROM (SELECT 1) AS x, t1;",
    );
}

#[test]
fn views_and_triggers_stay_within_their_database() {
    check(
        "ATTACH ':memory:' AS aux; CREATE TABLE t1(a, b); CREATE TABLE aux.x(a);
         CREATE VIEW v1 AS SELECT * FROM aux.x; CREATE VIEW v1 AS WITH q AS (SELECT * FROM aux.x) SELECT * FROM q; CREATE VIEW v2 AS SELECT (SELECT a FROM aux.x);
         CREATE VIEW aux.v3 AS SELECT * FROM aux.x; CREATE VIEW aux.v4 AS SELECT * FROM main.t1; CREATE TEMP VIEW v5 AS SELECT * FROM aux.x; CREATE VIEW v9 AS SELECT * FROM nosuch.x;
         CREATE TRIGGER r1 AFTER INSERT ON t1 BEGIN SELECT * FROM aux.x; END; CREATE TRIGGER r3 AFTER INSERT ON t1 BEGIN INSERT INTO x SELECT * FROM aux.x; END;
         CREATE TRIGGER r4 AFTER INSERT ON t1 WHEN (SELECT 1 FROM aux.x) BEGIN SELECT 1; END; CREATE TEMP TRIGGER r5 AFTER INSERT ON t1 BEGIN SELECT * FROM aux.x; END;
         CREATE TRIGGER r6 AFTER INSERT ON t1 BEGIN SELECT * FROM nosuch.x; END;",
    );
}

#[test]
fn create_trigger_tells_names_as_they_were_written() {
    check(
        "CREATE TABLE t1(a, b); CREATE TRIGGER known AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER \"kn\"\"own\" AFTER INSERT ON t1 BEGIN SELECT 1; END;
         CREATE TRIGGER known AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER \"known\" AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER [known] AFTER INSERT ON t1 BEGIN SELECT 1; END;
         CREATE TRIGGER main.`known` AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER \"kn\"\"own\" AFTER INSERT ON t1 BEGIN SELECT 1; END;
         CREATE TRIGGER tr AFTER INSERT ON nosuchtable BEGIN SELECT 1; END; CREATE TRIGGER temp.tr AFTER INSERT ON nosuchtable BEGIN SELECT 1; END;
         CREATE TEMP TRIGGER tz AFTER INSERT ON nosuchtable BEGIN SELECT 1; END; CREATE TEMP TRIGGER tz AFTER INSERT ON main.nosuchtable BEGIN SELECT 1; END;",
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
fn having_makes_no_query_an_aggregate() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2), (3, 4);
         SELECT a FROM t1 HAVING nosuch; SELECT a FROM t1 HAVING count(*) > 1; SELECT a FROM t1 HAVING max(nosuch); SELECT a, sum(b) OVER () m FROM t1 HAVING count(*) > m;
         SELECT a FROM t1 HAVING sum(a) OVER (); SELECT max(a) FROM t1 HAVING count(*) > 1; SELECT a FROM t1 GROUP BY a HAVING count(*) = 1;",
    );
}

#[test]
fn a_condition_on_an_enclosing_query_stays_outside_of_a_compound() {
    check(
        "CREATE TABLE t1(d TEXT, e NUMERIC); INSERT INTO t1 VALUES (5.25, 6), ('k33', 1000000), ('k6', 12), ('a_b', -3);
         CREATE TABLE t3(a, b); INSERT INTO t3 VALUES (NULL, 1000000), (1, 9); CREATE VIEW v6(v0) AS SELECT d FROM t1 UNION ALL SELECT e FROM t1;
         SELECT b, (SELECT count(*) FROM v6 AS z WHERE t3.a = 5 OR z.v0 < '-3'), (SELECT count(*) FROM v6 AS z WHERE z.v0 < '-3') FROM t3;
         SELECT b, 1000000 IN (SELECT z.v0 FROM v6 AS z WHERE t3.a IN ('a') OR z.v0 < '-3') FROM t3;",
    );
}

#[test]
fn what_a_set_is_taken_from_is_not_computed_when_it_is_empty() {
    check(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1), (-9223372036854775808);
         SELECT a FROM t WHERE a = 7 INTERSECT SELECT abs(a) FROM t; SELECT a FROM t WHERE a = 7 EXCEPT SELECT abs(a) FROM t;
         SELECT a FROM t WHERE a = 7 UNION SELECT abs(a) FROM t; SELECT 1 INTERSECT SELECT abs(a) FROM t;",
    );
}

#[test]
fn in_nothing_is_the_word_false() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 1), (2, 127), (3, '0'), (4, NULL), (5, 'x');
         SELECT a, b IS (a IN ()), b IS NOT (a IN ()), b IS DISTINCT FROM (a IN ()), b IS (a NOT IN ()), (a IN ()) IS b FROM t;
         SELECT a FROM t WHERE b IS (a IN ()); SELECT a FROM t WHERE b IS NOT (a NOT IN ()); SELECT b IS +(a IN ()), b = (a NOT IN ()) FROM t;",
    );
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
fn columns_are_named_as_the_settings_say() {
    let ours = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    let setup = "CREATE TABLE t1(a, b); CREATE TABLE t2(c, d); CREATE VIEW v1 AS SELECT a, t1.b, c FROM t1, t2";
    ours.execute_batch(setup).unwrap();
    theirs.execute_batch(setup).unwrap();
    for (full, short) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let settings = format!("PRAGMA full_column_names = {full}; PRAGMA short_column_names = {short};");
        ours.execute_batch(&settings).unwrap();
        theirs.execute_batch(&settings).unwrap();
        for sql in [
            "SELECT a, b FROM t1",
            "SELECT x.a, x.b, rowid FROM t1 AS x",
            "SELECT * FROM t1",
            "SELECT x.* FROM t1 AS x",
            "SELECT * FROM t1, t2",
            "SELECT t1.*, d FROM t1, t2",
            "SELECT * FROM (SELECT t1.a, x.d FROM t1, t2 AS x) AS z",
            "SELECT z.a FROM (SELECT t1.a FROM t1) AS z",
            "SELECT a, v1.b FROM v1",
            "SELECT w.* FROM v1 AS w",
            "SELECT a + 1, a || b, a AS q FROM t1",
            "WITH z AS (SELECT t1.a FROM t1) SELECT z.a FROM z",
            "SELECT * FROM t1 JOIN t1 AS y USING (a)",
        ] {
            let statement = ours.prepare(sql).unwrap().statement.unwrap();
            let mine: Vec<_> = (0..statement.column_count()).filter_map(|i| statement.column_name(i)).collect();
            let prepared = theirs.prepare(sql).unwrap();
            assert_eq!(mine, prepared.column_names().collect::<Vec<_>>(), "{full} {short} {sql}");
        }
    }
}
