//! What queries answer: compounds and the conditions on them, groups, positions, names of columns.

use turso_core::{Database, OpenOptions};

use crate::opened;
use crate::support::{self, check, check_with};

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
fn a_condition_holds_inside_a_compound_with_a_right_join_too() {
    check(
        "CREATE TABLE t(a, b, c CLOB); INSERT INTO t VALUES (43, 1, 'k0'), (24, 2, '');
         CREATE TABLE a(x TEXT, y INT); INSERT INTO a VALUES ('1', 1), ('2', 2), (NULL, 7); CREATE TABLE b(x INT, y TEXT); INSERT INTO b VALUES (1, '1'), (7, NULL);
         SELECT 1 FROM (SELECT v.c0, 1 FROM (SELECT 1 c0, y.b, x.a c2 FROM b, t y JOIN t x ON 0 UNION SELECT y.a, x.a, x.c FROM t y RIGHT JOIN t x ON y.b = x.c) v WHERE c2 > 4);
         SELECT * FROM (SELECT x, y FROM a UNION SELECT b.x, b.y FROM b RIGHT JOIN a ON b.x = a.y) WHERE x < '3';
         SELECT * FROM (SELECT x, y FROM a UNION ALL SELECT b.x, a.x FROM b FULL JOIN a ON b.x = a.y) WHERE x < '3';
         SELECT count(*) FROM (SELECT x FROM a UNION ALL SELECT a.y FROM b RIGHT JOIN a ON b.x = a.y UNION ALL SELECT y FROM b) WHERE x < '3';",
    );
}

#[test]
fn a_condition_with_functions_holds_inside_a_compound_too() {
    check(
        "CREATE TABLE t(a DOUBLE, d DECIMAL, e); INSERT INTO t VALUES (4.25, 8, 'x'), (10, 6, '1'), (NULL, NULL, 'a ');
         SELECT c FROM (SELECT a AS c FROM t UNION SELECT d FROM t) WHERE c NOT LIKE '_';
         SELECT c FROM (SELECT a AS c FROM t UNION SELECT d FROM t) WHERE length(c) > 1 GROUP BY c;
         SELECT c FROM (SELECT a AS c, 1 AS k FROM t UNION SELECT d, 2 FROM t) WHERE c GLOB '?' AND k = 2; SELECT c FROM (SELECT a AS c FROM t UNION SELECT d FROM t) WHERE c || 'x' = '8x';
         SELECT c, f FROM (SELECT e AS c, a AS f FROM t UNION ALL SELECT d, CAST(e AS TEXT) FROM t) WHERE c LIKE '\' OR f > 8;
         SELECT c, f FROM (SELECT d AS c, e AS f FROM t UNION ALL SELECT d, CAST(e AS TEXT) FROM t) WHERE abs(c) < 0 OR f > 8;
         SELECT c FROM (SELECT e AS c FROM t UNION ALL SELECT CAST(e AS TEXT) FROM t) WHERE random() IS NULL OR c > 8;
         SELECT c, json_array(c) FROM (SELECT json_array(a) AS c FROM t UNION SELECT json(d) FROM t) WHERE json_array(c) LIKE '[\"%';",
    );
}

#[test]
fn a_condition_stays_outside_of_terms_that_are_merged_and_not_all_binary() {
    for operator in ["UNION", "UNION ALL", "EXCEPT", "INTERSECT"] {
        for (a, b) in
            [("a", "d"), ("d", "a"), ("a", "e"), ("a", "d COLLATE BINARY"), ("a", "CAST(d AS TEXT)"), ("a", "g")]
        {
            check(&format!(
                "CREATE TABLE t(a INT, d TEXT COLLATE RTRIM, e TEXT, g TEXT COLLATE NOCASE);
                 INSERT INTO t VALUES (7, 'a%b', '-', '-'), (12, 'b ', 'b ', 'B'), (8, '-', '8', '8'), (NULL, '8', '12', 'x');
                 SELECT c FROM (SELECT {a} AS c, 1 AS k FROM t {operator} SELECT {b}, 1 FROM t) WHERE 9223372036854775807 < c ORDER BY c;"
            ));
        }
    }
}

#[test]
fn a_table_that_was_analyzed_is_read_rather_than_a_wide_index() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d VARCHAR(10)); CREATE INDEX i ON t(c, a DESC, b);
         INSERT INTO t VALUES (50, 0, NULL, 1), (41, 7, x'6162', '-3'), (10, 2, 0, 'a'), (44, 1, 0.0, 'zz'), (0, 1, 'b ', '0'), (7, 3, x'', '');
         SELECT c FROM t; ANALYZE; SELECT c FROM t; SELECT a, b FROM t;
         WITH r(x) AS (SELECT c FROM t UNION SELECT a FROM t JOIN r) SELECT x, typeof(x) FROM r;",
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
    names("SELECT * FROM a FULL JOIN b USING (x)");
    names("SELECT * FROM a RIGHT JOIN b USING (x)");
    names("SELECT * FROM (SELECT x FROM a NATURAL FULL JOIN b)");
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
fn in_a_subquery_holds_inside_and_outside_of_a_compound() {
    check(
        "CREATE TABLE t1(d TEXT); INSERT INTO t1 VALUES ('0'), ('1.5'); CREATE TABLE t4(a INTEGER PRIMARY KEY); INSERT INTO t4 VALUES (0), (5);
         CREATE VIEW v AS SELECT d AS c FROM t1 UNION ALL SELECT a FROM t4;
         SELECT c, c IN (SELECT d FROM t1) FROM v; SELECT c FROM v WHERE c IN (SELECT d FROM t1);
         SELECT c FROM v WHERE c IN (SELECT a FROM t4); SELECT c FROM t1 LEFT JOIN v WHERE c IN (SELECT d FROM t1) ORDER BY c;",
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
fn having_makes_no_query_an_aggregate() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2), (3, 4);
         SELECT a FROM t1 HAVING nosuch; SELECT a FROM t1 HAVING count(*) > 1; SELECT a FROM t1 HAVING max(nosuch); SELECT a, sum(b) OVER () m FROM t1 HAVING count(*) > m;
         SELECT a FROM t1 HAVING sum(a) OVER (); SELECT max(a) FROM t1 HAVING count(*) > 1; SELECT a FROM t1 GROUP BY a HAVING count(*) = 1;",
    );
}

#[test]
fn a_condition_inside_a_compound_compares_with_the_collation_of_its_first_term() {
    check(
        "CREATE TABLE t(a, b COLLATE NOCASE, c COLLATE RTRIM); INSERT INTO t VALUES ('a ', 'A', 'a '), ('B', 'b', 'B');
         SELECT k FROM (SELECT b AS k FROM t UNION ALL SELECT a FROM t UNION ALL SELECT c FROM t) WHERE k = 'b';
         SELECT k FROM (SELECT a AS k FROM t UNION ALL SELECT b FROM t UNION ALL SELECT c FROM t) WHERE k <> 'a';
         SELECT k FROM (SELECT c AS k FROM t UNION ALL SELECT a || '' FROM t) WHERE k IN ('a', 'b');
         SELECT k FROM (SELECT a || '' AS k FROM t UNION ALL SELECT b FROM t) WHERE k NOT IN (SELECT c FROM t);
         SELECT k FROM (SELECT a AS k FROM t UNION ALL SELECT b FROM t) WHERE k BETWEEN 'b' AND 'c';",
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

#[test]
fn equal_rows_of_a_compound_are_told_apart_as_without_its_order() {
    check(
        "CREATE TABLE t(a TEXT COLLATE NOCASE, b); INSERT INTO t VALUES ('a', 1), ('B', 2), ('c ', 3), ('A', 4), ('b', 5), ('C', 6);
         SELECT a FROM t UNION SELECT 'x' FROM t ORDER BY 1 COLLATE BINARY;
         SELECT a FROM t UNION SELECT 'x' FROM t ORDER BY 1 COLLATE RTRIM DESC LIMIT 3;
         SELECT a FROM t INTERSECT SELECT upper(a) FROM t ORDER BY 1 COLLATE BINARY;
         SELECT a FROM t EXCEPT SELECT upper(a) FROM t WHERE b < 3 ORDER BY 1 COLLATE BINARY;
         SELECT a FROM t UNION SELECT upper(a) FROM t UNION ALL SELECT upper(a) FROM t ORDER BY 1 COLLATE BINARY;
         SELECT a, b / 4 FROM t UNION SELECT lower(a), b / 4 FROM t ORDER BY 2, 1 COLLATE BINARY;",
    );
}

#[test]
fn a_window_function_has_the_collation_that_its_arguments_say() {
    check(
        "CREATE TABLE t(b, c TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'B'), (3, 'c '), (4, 'A'), (5, 'b'), (6, 'C');
         SELECT max(c COLLATE NOCASE) OVER (ORDER BY b ROWS CURRENT ROW) FROM t ORDER BY 1;
         SELECT lag(c COLLATE NOCASE) OVER (ORDER BY b) || '' AS x FROM t ORDER BY x;
         SELECT b FROM t ORDER BY lag(c COLLATE NOCASE) OVER (ORDER BY b);
         SELECT DISTINCT lag(c COLLATE NOCASE) OVER (ORDER BY b) FROM t;
         SELECT lag(c COLLATE NOCASE) OVER (ORDER BY b) FROM t UNION SELECT 'x';
         SELECT lag(c COLLATE NOCASE) OVER (ORDER BY b) = 'a' FROM t;
         SELECT * FROM (SELECT lag(c COLLATE NOCASE) OVER (ORDER BY b) AS x FROM t) WHERE x = 'A';
         SELECT lag(c) OVER (ORDER BY b, c COLLATE NOCASE) FROM t ORDER BY 1;",
    );
}

#[test]
fn an_equality_with_the_column_of_a_module_does_not_make_it_constant() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, c INTEGER); INSERT INTO t VALUES (15, 1), (20, 2);
         SELECT j.value, t.a FROM t JOIN json_each(json_array(t.c, t.c || '')) AS j ON j.value = t.c ORDER BY 2, 1 DESC;
         SELECT j.value, t.a FROM t JOIN json_each('[1,\"1\",2]') AS j ON j.value = t.c ORDER BY 2, 1 DESC LIMIT 6;",
    );
}

#[test]
fn a_row_of_a_module_comes_once_for_all_values_of_an_in() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'xyz'), (2, 'abc'), (3, 'xyz'), (4, '-3'), (5, NULL), (7, 2), (8, '2'), (9, 2.0);
         CREATE VIRTUAL TABLE r USING rtree_i32(id, x0, x1); INSERT INTO r VALUES (28, 2, 2), (29, -3, 1);
         SELECT * FROM r WHERE x0 IN (SELECT b FROM t); SELECT * FROM r WHERE x0 IN ('2', 2, 2.0, '-3', 'x');
         SELECT count(*) FROM r WHERE x0 IN (SELECT b FROM t) AND x1 IN (1, 2, '1', 'x'); SELECT * FROM r WHERE id IN (SELECT b + 27 FROM t);
         SELECT t.a FROM r JOIN t ON r.x0 = t.b WHERE t.b IN (SELECT x0 FROM r);",
    );
}

#[test]
fn rows_are_compared_by_case() {
    check(
        "SELECT CASE (1, 2) WHEN (1, 3) THEN 'y' WHEN (1, 2) THEN 'z' ELSE 'n' END; SELECT CASE (1, 2) WHEN (1, 3) THEN 'y' END;
         SELECT CASE (SELECT 1, 2) WHEN (1, 2) THEN 'y' END; SELECT CASE (1, 2) WHEN (SELECT 1, 2) THEN 'y' END;
         SELECT CASE (1, 2) WHEN 1 THEN 'y' END; SELECT CASE 1 WHEN (1, 2) THEN 'y' END; SELECT CASE (1, 2) WHEN (1, 2, 3) THEN 'y' END;",
    );
}

#[test]
fn case_compares_rows_whatever_the_form_of_the_subquery() {
    check(
        "SELECT CASE (SELECT * FROM (SELECT 1, 2)) WHEN (1, 1) THEN 'a' WHEN (1, 2) THEN 'b' ELSE 'c' END;
         SELECT CASE (SELECT * FROM (SELECT 1 AS x)) WHEN 2 THEN 'a' WHEN 1 THEN 'b' END;
         SELECT CASE (CASE (1, 2) WHEN (1, 2) THEN 5 END, x) WHEN (SELECT 4, x) THEN 'a' WHEN (SELECT 5, x) THEN 'b' END FROM (SELECT 3 AS x);
         SELECT CASE (1, 2) WHEN 1 THEN 2 END; SELECT CASE 1 WHEN (1, 2) THEN 2 END; SELECT CASE (1, 2) WHEN (1, 2, 3) THEN 2 END;",
    );
}

#[test]
fn a_subquery_that_names_the_aggregate_of_a_group_is_asked_for_each_group() {
    check(
        "CREATE TABLE t(x, y); INSERT INTO t VALUES (106, 4), (107, 3), (106, 5), (107, 5);
         SELECT a.x, avg(a.y) AS m FROM t AS a GROUP BY a.x HAVING NOT EXISTS (SELECT b.x, avg(b.y) AS n FROM t AS b GROUP BY b.x HAVING m > n);
         SELECT a.x, avg(a.y) AS m FROM t AS a GROUP BY a.x HAVING EXISTS (SELECT b.x FROM t AS b GROUP BY b.x HAVING m > 4.2);
         SELECT a.x, count(*) AS m, avg(a.y) AS n FROM t AS a GROUP BY a.x ORDER BY (SELECT b.x FROM t AS b GROUP BY b.x HAVING n > 4.2);
         SELECT a.x, count(*) + a.x AS m FROM t AS a GROUP BY a.x HAVING (SELECT 1 FROM t AS b GROUP BY b.x HAVING m > 108);",
    );
}

#[test]
fn what_a_recursive_query_may_not_be() {
    check(
        "WITH c AS (SELECT 1 AS n UNION ALL SELECT count(*) FROM c) SELECT * FROM c LIMIT 3;
         WITH c AS (SELECT 1 AS n UNION ALL SELECT n FROM c GROUP BY n) SELECT * FROM c LIMIT 3;
         WITH c AS (SELECT 1 AS n UNION ALL SELECT 1 + (SELECT max(n)) FROM c) SELECT * FROM c LIMIT 3;
         WITH c AS (SELECT 1 AS n UNION SELECT n + 1 FROM c WHERE n < 3 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT * FROM c;
         WITH c AS (SELECT 1 AS n UNION SELECT n + 1 FROM c WHERE n < 3 UNION SELECT n + 2 FROM c WHERE n < 3) SELECT * FROM c;
         WITH c AS (SELECT 1 AS n EXCEPT SELECT 2 UNION ALL SELECT n + 2 FROM c WHERE n < 3) SELECT * FROM c;
         WITH c AS (SELECT 1 AS n UNION ALL SELECT DISTINCT n + 1 FROM c) SELECT * FROM c LIMIT 3;",
    );
}

#[test]
fn terms_behind_another_operator_are_no_terms_of_the_recursion() {
    check(
        "CREATE TABLE l(a, b); INSERT INTO l VALUES (1, 2), (2, 3);
         WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT b FROM c, l WHERE l.a = c.x UNION SELECT a FROM l, c WHERE l.b = c.x) SELECT x FROM c;
         WITH RECURSIVE c(x) AS (VALUES (1) UNION SELECT b FROM c, l WHERE l.a = c.x UNION ALL SELECT a FROM l, c WHERE l.b = c.x) SELECT x FROM c;
         WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL VALUES (7) UNION SELECT b FROM c, l WHERE l.a = c.x UNION SELECT a FROM l, c WHERE l.b = c.x) SELECT x FROM c ORDER BY x;
         WITH w AS (SELECT 1) SELECT * FROM w(); WITH w AS (SELECT 1) SELECT * FROM w(5), l;",
    );
}

#[test]
fn an_expression_reads_aggregates_and_window_functions() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (1, 3), (2, 5), (NULL, 7);
         SELECT count() + sum(2) OVER (); SELECT count() NOT LIKE group_concat(2) OVER (); SELECT max(1, count()) + row_number() OVER ();
         SELECT sum(a) + sum(2) OVER () FROM t; SELECT a, count(*) + sum(count(*)) OVER (ORDER BY a) FROM t GROUP BY a ORDER BY 1;
         SELECT max(b) || '/' || row_number() OVER (ORDER BY a DESC), a IS rank() OVER (ORDER BY a) FROM t GROUP BY a ORDER BY 1;
         SELECT CASE WHEN sum(b) > lag(sum(b)) OVER (ORDER BY a) THEN max(b) ELSE -a END FROM t GROUP BY a ORDER BY a;
         SELECT a + sum(b) OVER (ORDER BY b), b FROM t WHERE a ORDER BY 2;",
    );
}

#[test]
fn rows_of_values_with_window_functions_are_selects() {
    check(
        "CREATE TABLE t(a); VALUES (sum(2) OVER ()); VALUES (1 + count() + sum(3) OVER ()); VALUES (sum(2) OVER ()), (3); VALUES (3), (sum(2) OVER ()), (4);
         SELECT * FROM (VALUES (3, 1), (sum(2) OVER (), row_number() OVER ())) ORDER BY 1; SELECT 9 EXCEPT VALUES (1);
         INSERT INTO t VALUES (sum(2) OVER ()), (7); INSERT INTO t VALUES (sum(2) OVER ()); SELECT * FROM t;",
    );
}

#[test]
fn what_with_declares_is_one_subquery_for_all_its_uses() {
    check(
        "CREATE TABLE t(a DECIMAL, b, g TEXT); INSERT INTO t VALUES ('ab', 1, '0'), ('it', 8, '0');
         WITH w AS NOT MATERIALIZED (SELECT x1.a AS c0, 1 AS c1 FROM t x1 UNION SELECT x1.g, x1.b FROM t x1) SELECT y.c0 FROM w y, w WHERE NOT (4 >= y.c0);
         WITH w AS NOT MATERIALIZED (SELECT x1.a AS c0, 1 AS c1 FROM t x1 UNION SELECT x1.g, x1.b FROM t x1) SELECT y.c0 FROM w y WHERE NOT (4 >= y.c0);
         WITH w AS NOT MATERIALIZED (SELECT x1.a AS c0, 1 AS c1 FROM t x1 UNION SELECT x1.g, x1.b FROM t x1) SELECT y.c0 FROM w y WHERE NOT (4 >= y.c0) AND (SELECT count(*) FROM w);
         WITH w AS (SELECT x1.a AS c0, 1 AS c1 FROM t x1 UNION SELECT x1.g, x1.b FROM t x1), v AS (SELECT * FROM w) SELECT y.c0 FROM v y, v WHERE NOT (4 >= y.c0);
         WITH w AS (SELECT x1.a AS c0, 1 AS c1 FROM t x1 UNION SELECT x1.g, x1.b FROM t x1), v AS (SELECT *, count(*) FROM w WHERE NOT (4 >= c0) GROUP BY c0) SELECT y.c0 FROM v y, v;
         WITH w AS (SELECT x1.a AS c0, 1 AS c1 FROM t x1 UNION SELECT x1.g, x1.b FROM t x1), v AS MATERIALIZED (SELECT *, count(*) FROM w WHERE NOT (4 >= c0) GROUP BY c0), u AS (SELECT 1 FROM w) SELECT c0 FROM v;",
    );
}

#[test]
fn columns_beside_a_distinct_extreme_follow_rows_whose_value_has_been_there() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES ('a', 1), ('ab', 2), ('ab', 3), ('a', 4), ('ab', 5);
         SELECT b, a, max(DISTINCT a) FROM t; SELECT b, a, min(DISTINCT a) FROM t;
         SELECT b, a, max(DISTINCT a), min(DISTINCT a) FROM t; SELECT b, a, min(DISTINCT a), max(a) FROM t;
         SELECT b, a, max(DISTINCT a) FILTER (WHERE b < 4) FROM t;
         CREATE TABLE u(a COLLATE RTRIM, b); INSERT INTO u VALUES ('ab', 1), ('ab  ', 2);
         SELECT b, a || 1, min(DISTINCT a) FROM u GROUP BY a; SELECT b, a || 1, count(DISTINCT a) FROM u GROUP BY a;",
    );
}

#[test]
fn of_equal_values_in_a_moving_frame_the_last_is_the_extreme() {
    check(
        "CREATE TABLE t(a COLLATE NOCASE, i, n); INSERT INTO t VALUES ('A', 1, 1), ('a', 2, 1.0), ('A', 3, 1), ('b', 4, 2.0), ('B', 5, 2), ('b', 6, 2.0);
         SELECT i, min(a) OVER w, max(a) OVER w, min(n) OVER w, max(n) OVER w FROM t WINDOW w AS (ORDER BY i ROWS 2 PRECEDING);
         SELECT i, min(a) OVER w, max(a) OVER w FROM t WINDOW w AS (ORDER BY i ROWS UNBOUNDED PRECEDING);
         SELECT i, min(a) OVER w, max(a) OVER w FROM t WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING);
         SELECT i, min(a) OVER w, max(a) OVER w FROM t WINDOW w AS (ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING);
         SELECT i, min(a) OVER w, max(a) OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY i GROUPS BETWEEN 3 PRECEDING AND CURRENT ROW);
         SELECT i, min(a) FILTER (WHERE i > 1) OVER w, max(a) FILTER (WHERE i <> 3) OVER w FROM t WINDOW w AS (ORDER BY i ROWS 2 PRECEDING);",
    );
}

#[test]
fn a_key_within_an_expression_follows_the_extreme_and_a_whole_key_does_not() {
    check(
        "CREATE TABLE t(a, c, d); INSERT INTO t VALUES (1, 5.5, 2), (1.0, 5, 1), (1, 9.5, 3);
         SELECT c % 4, typeof(c % 4), 1 || (c % 4), min(c), d FROM t GROUP BY c % 4;
         SELECT c % 4, typeof(c % 4), 1 || (c % 4), max(c), d FROM t GROUP BY c % 4;
         SELECT c % 4, typeof(c % 4), 1 || (c % 4), count(c), d FROM t GROUP BY c % 4;
         SELECT 1 || (c % 4), min(d) FROM t GROUP BY c % 4 ORDER BY 1;
         SELECT a % 3, 1 || (c % 4), min(c) FROM t GROUP BY a % 3, c % 4 ORDER BY 2;",
    );
}

#[test]
fn a_condition_on_a_subquery_holds_inside_a_compound_too() {
    check(
        "CREATE TABLE t(a, b, c VARCHAR(10), d); INSERT INTO t VALUES (10, 5.75, '1', 1), (3, 1, '', 2), (1, 1, 'x', 3);
         SELECT c1 FROM (SELECT b AS c1, (SELECT max(d) FROM t) AS c2 FROM t UNION SELECT c, d FROM t) WHERE c1 > 1.5 OR c2 = 7;
         SELECT c1 FROM (SELECT b AS c1, (SELECT max(z.d) FROM t z WHERE z.a = t.a) AS c2 FROM t UNION ALL SELECT c, d FROM t) WHERE c1 > 1.5 OR c2 = 7;
         SELECT c1 FROM (SELECT b AS c1, EXISTS (SELECT 1) AS c2 FROM t UNION SELECT c, d FROM t) WHERE c1 > 1.5 OR c2 = 7;
         SELECT c1 FROM (SELECT (SELECT b) AS c1, d AS c2 FROM t UNION SELECT c, d FROM t) WHERE c1 > 1.5 OR c2 = 7;",
    );
}

#[test]
fn a_condition_that_is_a_group_key_is_that_of_the_group() {
    for tier in ["row", "batch", "auto"] {
        let script = "CREATE TABLE t2(a, b); INSERT INTO t2(b, a) VALUES (11, 12), (8, 3), (9, 45), (7, 6);
         SELECT 3, c0 FROM (SELECT (b>9) c0 FROM t2 GROUP BY 1) WHERE c0 IS TRUE;
         SELECT 4, c0 FROM (SELECT (b>9) c0 FROM t2 GROUP BY (b>9)) WHERE c0;
         SELECT 5, c0 FROM (SELECT (b>9) c0 FROM t2 GROUP BY (b>9)) WHERE c0 = 1; SELECT 6, b>9 FROM t2 GROUP BY b>9 HAVING b>9;
         SELECT 7, b>9 FROM t2 GROUP BY b>9 HAVING (b>9) IS TRUE; SELECT 8, b>9, 1 FROM t2 GROUP BY b>9 HAVING (b>9)=1;
         SELECT 9, b+9, 1 FROM t2 GROUP BY b+9 HAVING (b+9)>17; SELECT 10, b+9, 1 FROM t2 GROUP BY b+9 HAVING b+9;
         SELECT 11, b+9, 1 FROM t2 GROUP BY b+9 HAVING (b+9) IS TRUE; SELECT 12, b, 1 FROM t2 GROUP BY b HAVING b IS TRUE;
         SELECT 13, b, 1 FROM t2 GROUP BY b HAVING b; SELECT 14, b>9 FROM t2 GROUP BY b>9 HAVING NOT (b>9);
         SELECT 15, b>9 FROM t2 GROUP BY b>9 HAVING (b>9) AND count(*);
         SELECT 16, b>9 FROM t2 GROUP BY b>9 HAVING (b>9) IS NOT NULL;
         SELECT 17, b IN (11,8) FROM t2 GROUP BY b IN (11,8) HAVING b IN (11,8);
         SELECT 18, b BETWEEN 1 AND 9 FROM t2 GROUP BY b BETWEEN 1 AND 9 HAVING b BETWEEN 1 AND 9;
         SELECT 19, CASE WHEN b BETWEEN 1 AND 9 THEN 5 END FROM t2 GROUP BY b BETWEEN 1 AND 9;
         SELECT 20, iif(b>9, 1, 2) FROM t2 GROUP BY b>9; SELECT 21, b>9 AND 1 FROM t2 GROUP BY b>9;
         SELECT 22, b>9 OR a>1 FROM t2 GROUP BY b>9, a>1; SELECT 23, (b>9) IS NULL FROM t2 GROUP BY b>9;
         SELECT 24, count(*) FILTER (WHERE b>9) FROM t2 GROUP BY b>9; SELECT 25, sum(a) FROM t2 GROUP BY b>9 ORDER BY b>9;
         SELECT 26, sum(a) FROM t2 GROUP BY b>9 ORDER BY (b>9) IS TRUE;";
        check_with(&format!("PRAGMA execution_tier = {tier}"), script);
    }
}

#[test]
fn group_keys_that_are_subqueries_keep_their_places_behind_those_of_order_by() {
    check(
        "CREATE TABLE u(b, d); INSERT INTO u VALUES(1,2),(2,3),(1,4);
         SELECT 'H', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY b, 5.5 ORDER BY 3;
         SELECT 'I', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY b, 5.5;
         SELECT 'J', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY 5.5, b;
         SELECT 'K', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY 5.5, b ORDER BY 3;
         SELECT 'L', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY b, 5.5 ORDER BY 3, b;
         SELECT 'M', group_concat(d ORDER BY d), b+1 FROM u x1 GROUP BY b, b+1 ORDER BY 3;
         SELECT 'N', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY b+1, 5.5 ORDER BY 3;
         SELECT 'O', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY (SELECT x1.b), 5.5 ORDER BY 3;
         SELECT 'P', group_concat(d ORDER BY d), 5.5 FROM u x1 GROUP BY (SELECT x1.b FROM u), 5.5 ORDER BY 3;
         SELECT 'Q', group_concat(d ORDER BY d), d FROM u x1 GROUP BY (SELECT x1.b FROM u), d ORDER BY 3;
         SELECT 'R', group_concat(d ORDER BY d), d FROM u x1 GROUP BY (SELECT x1.b FROM u), 5.5, d ORDER BY 3;
         SELECT 'S', group_concat(d ORDER BY d), 1 FROM u x1 GROUP BY (SELECT x1.b FROM u) ORDER BY (SELECT x1.b FROM u);
         SELECT 'T', group_concat(d ORDER BY d), 1 FROM u x1 GROUP BY (SELECT x1.b FROM u), 5.5 ORDER BY (SELECT x1.b FROM u), 5.5;",
    );
}

#[test]
fn what_is_left_of_an_or_stays_outside_of_a_compound() {
    check(
        "CREATE TABLE t(a, b, c DECIMAL); INSERT INTO t VALUES (1, 'it', 5), (2, 'a%b', 1), (3, '0', 10);
         CREATE TABLE u(a, b, c VARCHAR); INSERT INTO u(c, b, a) VALUES (2.25, 10, 1), ('b', 0, 2), ('-3', 10, '1');
         CREATE VIEW v AS SELECT 1 AS c0, c AS c1, b AS c2 FROM u UNION SELECT c, b, b FROM u;
         SELECT x.c0, y.b FROM v x, t y WHERE (3.75 < x.c0 AND x.c1 = y.c) OR (x.c1 = y.c AND x.c2 = 9) OR (x.c1 LIKE 'a' AND x.c1 = y.c);
         SELECT x.c0, y.b FROM v x, t y WHERE (3.75 < x.c0 AND x.c1 = y.c) OR (x.c1 = y.c AND x.c2 = 9);
         SELECT x.c0 FROM v x WHERE (3.75 < x.c0 AND x.c1 = 10) OR (x.c1 = 10 AND x.c2 = 9);",
    );
}

#[test]
fn conditions_move_inside_of_what_with_shares() {
    check(
        "CREATE TABLE t(a, b, c VARCHAR); INSERT INTO t VALUES (1, 5.75, '1'), (2, 1, ''), (3, 1, 'x');
         WITH w AS (SELECT c1, count(*) AS n FROM (SELECT b AS c1 FROM t UNION SELECT c FROM t) WHERE c1 > 1.5 GROUP BY c1)
         SELECT x.c1, y.c1, x.n FROM w x, w y;",
    );
}

#[test]
fn a_subquery_that_reads_a_group_key_is_computed_for_each_group() {
    check(
        "CREATE TABLE t(a, b, c, UNIQUE (b, c)); INSERT INTO t VALUES (3.75, NULL, 'xyz'), (0, 7, 2.75), (12, x'C3A9', 1.5), (1.25, 2, NULL);
         SELECT (SELECT 1 WHERE c0), count() FROM (SELECT b % 4 AS c0 FROM t) GROUP BY 1, c0;
         SELECT (SELECT b % 4), 1 FROM t GROUP BY 1, b % 4; SELECT (SELECT b % 4 + a), b % 4 FROM t GROUP BY 2;
         SELECT (SELECT max(x.a) FROM t AS x WHERE x.b % 4 = t.b % 4), t.b % 4 FROM t GROUP BY t.b % 4;",
    );
}

#[test]
fn a_small_integer_before_a_nul_is_an_integer_to_sum() {
    let texts = [
        "5",
        " -5 ",
        "2251799813685247",
        "2251799813685248",
        "-2251799813685248",
        "-2251799813685249",
        "5.0",
        "5x",
        "",
        "x",
    ];
    for text in texts {
        check(&format!(
            "CREATE TABLE t(a); INSERT INTO t VALUES ('{text}' || char(0) || '7');
             SELECT typeof(sum(a)), sum(a), total(a), avg(a), typeof(a + 1), typeof(abs(a)) FROM t;"
        ));
    }
}

#[test]
fn a_row_value_over_two_tables_keeps_rows_whose_first_column_is_equal() {
    check(
        "CREATE TABLE s(a, b); INSERT INTO s VALUES (3, 2), (10, 8), (NULL, 5), (11, 9); CREATE TABLE t(b, c); INSERT INTO t VALUES (8, '0'), (8, 'z'), (2, 'q'), (9, '0');
         SELECT s.a FROM t JOIN s ON t.b = s.b AND (s.b, c) < (8, 'x'); SELECT s.a FROM t JOIN s ON t.b = s.b AND (s.b, c) > (8, 'x');
         SELECT s.a FROM t JOIN s ON t.b = s.b WHERE (t.b, s.a) >= (8, 10) AND (s.b, t.c) <= (9, '0'); SELECT s.a FROM t JOIN s ON t.b = s.b WHERE (t.b, s.a) BETWEEN (2, 1) AND (8, 10);",
    );
}

#[test]
fn a_frame_by_range_has_the_peers_of_its_row_where_sums_are_rounded() {
    let frames = [
        "1.5 PRECEDING",
        "BETWEEN 1.5 PRECEDING AND 1.5 FOLLOWING",
        "BETWEEN 1 PRECEDING AND 1 FOLLOWING",
        "BETWEEN 1.5 FOLLOWING AND 20 FOLLOWING",
        "BETWEEN 20.5 PRECEDING AND 1.5 PRECEDING",
        "BETWEEN CURRENT ROW AND 1.5 FOLLOWING",
    ];
    for frame in frames {
        for direction in ["ASC", "DESC"] {
            check(&format!(
                "CREATE TABLE t(a); INSERT INTO t VALUES (1 << 56), ((1 << 56) + 1), ((1 << 56) + 2), ((1 << 56) + 2), ((1 << 56) + 17);
                 SELECT a, count(*) OVER w, max(a) OVER w FROM t WINDOW w AS (ORDER BY a {direction} RANGE {frame});
                 SELECT a, count(*) OVER (PARTITION BY a ORDER BY a {direction} RANGE {frame}) FROM t;"
            ));
        }
    }
}

#[test]
fn integers_before_a_nul_are_cast_as_they_are() {
    for text in ["1441151880758558720", "9223372036854775807", "9223372036854775808", "5.0", "1e3", " 7 ", "x", ""] {
        check(&format!(
            "CREATE TABLE t(a); INSERT INTO t VALUES ('{text}' || char(0)), ('{text}' || char(0) || '1');
             SELECT CAST(a AS NUMERIC), typeof(CAST(a AS NUMERIC)), CAST(a AS INTEGER), CAST(a AS REAL) FROM t; SELECT CAST(a AS ) FROM t;"
        ));
    }
}

#[test]
fn a_unique_constraint_without_rowids_is_read_in_the_order_of_the_primary_key() {
    check(
        "CREATE TABLE t(a, b, c UNIQUE, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x', 9), (2, 'w', 8), (3, 'y', 7), (1, 'w', 6);
         SELECT b FROM t; SELECT c FROM t; SELECT a, b FROM t; SELECT b FROM t ORDER BY c; SELECT count(b) FROM t; SELECT b FROM t WHERE c > 6;
         SELECT b, a FROM t LIMIT 2; CREATE INDEX i ON t(c DESC); SELECT b FROM t; SELECT b, a FROM t LIMIT 2;",
    );
}

#[test]
fn a_smaller_index_is_scanned_where_its_cost_ties_with_the_tables() {
    check(
        "CREATE TABLE t(a, b, c, d); CREATE INDEX i ON t(c DESC, b); INSERT INTO t(a, b, c) VALUES (1, 2, 3), (2, 3, 1), (3, 1, 2);
         SELECT c FROM t; ANALYZE; SELECT c FROM t; SELECT b, c FROM t; SELECT group_concat(c) FROM t; SELECT c FROM t LIMIT 1;",
    );
}

#[test]
fn the_collation_of_a_subquerys_column_is_not_that_of_calls_around_it() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES ('ABC', 'x'), ('abc', 'y'), ('ABC', 'z'); CREATE TABLE e(d);
         SELECT count(*) FROM (SELECT a COLLATE NOCASE AS c FROM t) GROUP BY quote(c); SELECT count(*) FROM (SELECT a COLLATE NOCASE AS c FROM t) GROUP BY c;
         SELECT count(*) FROM (SELECT a COLLATE NOCASE AS c FROM t) GROUP BY c || ''; SELECT count(*) FROM (SELECT a COLLATE NOCASE AS c FROM t) GROUP BY +c;
         SELECT count(*) FROM (SELECT lower(a COLLATE NOCASE) || a AS c FROM t) GROUP BY quote(c); SELECT count(*) FROM (SELECT a COLLATE NOCASE AS c FROM t) GROUP BY CAST(c AS TEXT);
         SELECT DISTINCT quote(c) FROM (SELECT a COLLATE NOCASE AS c FROM t); SELECT DISTINCT c FROM (SELECT a COLLATE NOCASE AS c FROM t);
         SELECT quote(c) = '''abc''', c = 'abc', c IN ('abc'), c BETWEEN 'aba' AND 'abd', CASE c WHEN 'abc' THEN 1 END FROM (SELECT a COLLATE NOCASE AS c FROM t);
         SELECT count(*) FROM (SELECT t.a COLLATE NOCASE AS c FROM e RIGHT JOIN t ON e.d = t.a) AS y JOIN t AS z ON y.c = z.a GROUP BY quote(c);
         SELECT max(1) OVER () FROM (SELECT t.a COLLATE NOCASE AS c FROM t) AS y GROUP BY quote(y.c); SELECT count(*) FROM t GROUP BY quote(a COLLATE NOCASE);
         SELECT c, count(*) OVER (PARTITION BY c), count(*) OVER (PARTITION BY quote(c)) FROM (SELECT a COLLATE NOCASE AS c, b FROM t) ORDER BY b;
         SELECT b FROM (SELECT a COLLATE NOCASE AS c, b FROM t) ORDER BY quote(c), b; SELECT b FROM (SELECT a COLLATE NOCASE AS c, b FROM t) ORDER BY c, b;
         SELECT max(c), min(c || ''), count(DISTINCT c), count(DISTINCT c || '') FROM (SELECT a COLLATE NOCASE AS c FROM t);
         SELECT b FROM (SELECT a COLLATE NOCASE AS c, b FROM t) WHERE c = 'abc' AND quote(c) <> 'x'; SELECT c || '1' FROM (SELECT a COLLATE NOCASE AS c FROM t) GROUP BY c || '1' HAVING c || '1' = 'abc1';",
    );
}

#[test]
fn a_condition_moves_into_a_union_whatever_its_subquerys_own_subqueries_read() {
    check(
        "CREATE TABLE t(a CLOB, b); INSERT INTO t VALUES ('k', 22), ('12', 26), ('-3', NULL), ('-5', -7); CREATE TABLE s(a, b); INSERT INTO s VALUES (1, 22);
         SELECT c FROM (SELECT b AS c FROM t UNION SELECT a FROM t) WHERE c >= (SELECT count() FROM t AS z WHERE (SELECT 1 FROM s WHERE s.b = z.a));
         SELECT c FROM (SELECT b AS c FROM t UNION SELECT a FROM t) WHERE c >= (SELECT count() FROM s WHERE s.b IN (SELECT t.b FROM t WHERE t.b = s.b));",
    );
}
