//! Affinity and collation of what is compared, and values converted on the way.

use crate::support::check;

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
fn excluded_compares_without_the_columns_collation() {
    check(
        "CREATE TABLE t(a TEXT COLLATE NOCASE, b UNIQUE, c); INSERT INTO t VALUES ('p', 1, 0), ('q', 2, 0);
         INSERT INTO t VALUES ('ABC', 1, 5) ON CONFLICT (b) DO UPDATE SET c = 7 WHERE excluded.a < 'a '; SELECT * FROM t;
         INSERT INTO t VALUES ('P', 1, 5) ON CONFLICT (b) DO UPDATE SET c = 8 WHERE t.a = excluded.a; SELECT * FROM t;",
    );
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
fn an_aggregate_has_the_collation_written_in_its_arguments() {
    check(
        "SELECT max('B' COLLATE nocase) >= 'a', count('B' COLLATE nocase) || 'B' >= 'a', hex(max('z' COLLATE nocase)) = '7a',
                group_concat('B' COLLATE nocase, 'x') = 'b', upper(min('b' COLLATE nocase)) = 'b';",
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
fn minus_zero_keeps_its_sign_as_a_real() {
    check(
        "SELECT CAST('-0' AS REAL), '-0' * 1.0, abs('-0'), abs('-0x'), abs('-'), CAST(x'2d30' AS REAL), -'0', '-0' + 0.0, '-0' + 0;
         SELECT '-0' / 1.0, '-0' - 0.0, '-0' + '-0.0', '-0' * '-0.0', round('-0'), '-0' = 0, sum('-0'), '-0' / 1, '-0' % 1.0;",
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
fn a_collation_in_an_alias_counts_for_who_compares_the_alias_itself() {
    check(
        "CREATE TABLE t(c TEXT, d TEXT COLLATE RTRIM); INSERT INTO t VALUES ('a', 'a'), ('B', 'B '), ('A', 'A'), ('b', 'b');
         SELECT c COLLATE NOCASE AS x FROM t ORDER BY x || '';
         SELECT c COLLATE NOCASE AS x FROM t ORDER BY x || ('' COLLATE BINARY);
         SELECT c COLLATE NOCASE AS x FROM t ORDER BY CASE WHEN 1 THEN x END;
         SELECT c COLLATE NOCASE AS x, count(*) FROM t GROUP BY x || '' HAVING x || '' <> 'A';
         SELECT c COLLATE NOCASE AS x FROM t WHERE x = 'a'; SELECT c COLLATE NOCASE AS x FROM t WHERE x || '' = 'a';
         SELECT c COLLATE NOCASE AS x FROM t WHERE d = x; SELECT c COLLATE NOCASE AS x FROM t WHERE d || '' = x;
         SELECT c COLLATE NOCASE AS x FROM t WHERE 'a' = CAST(x AS TEXT); SELECT c COLLATE NOCASE AS x FROM t WHERE 'a' IN (x || '');
         SELECT c COLLATE NOCASE || '' AS x FROM t ORDER BY x; SELECT c COLLATE NOCASE || '' AS x FROM t ORDER BY x || '';",
    );
}

#[test]
fn nobody_knows_what_a_call_of_iif_gives() {
    check(
        "CREATE TABLE t(a INT, b TEXT, d);
         CREATE VIEW v1 AS SELECT if(a, 1, 2) AS x FROM t UNION ALL SELECT a FROM t; PRAGMA table_info(v1);
         CREATE VIEW v2 AS SELECT CASE WHEN a THEN 1 ELSE 2 END AS x FROM t UNION ALL SELECT a FROM t; PRAGMA table_info(v2);
         CREATE VIEW v3 AS SELECT b AS x FROM t UNION ALL SELECT iif(a, 'a', 'b') FROM t; PRAGMA table_info(v3);
         CREATE VIEW v4 AS SELECT a AS x FROM t UNION ALL SELECT CASE WHEN a THEN iif(a, 1, 2) END FROM t; PRAGMA table_info(v4);",
    );
}

#[test]
fn an_index_of_reals_is_searched_for_integers_that_no_real_is_equal_to() {
    check(
        "CREATE TABLE t(c REAL UNIQUE); INSERT INTO t VALUES (3175546974276630385), (2);
         SELECT c FROM t WHERE 3175546974276630385 < c; SELECT c FROM t WHERE 3175546974276630385 <= c; SELECT c FROM t WHERE c < 3175546974276630385;
         SELECT c FROM t WHERE c = 3175546974276630385; SELECT c FROM t WHERE c = '2'; SELECT c FROM t WHERE c = '2.0'; SELECT c FROM t WHERE c > '1' AND c < '3';
         SELECT c FROM t WHERE c IN (3175546974276630385, '2'); SELECT c FROM t WHERE c = 2; SELECT c FROM t WHERE c = 3175546974276630528;",
    );
}

#[test]
fn a_plus_below_a_minus_is_none() {
    check(
        "SELECT -(+9223372036854775808), typeof(-(+9223372036854775808)), typeof(-(+(+9223372036854775808)));
         SELECT (-(+0.0)) * 1, 1 / (-(+0.0)), -(+0.0), +(+'5'), typeof(-(+'5')), -(+x'31');",
    );
}
