//! Forms of queries that need care: aggregates with clauses of their own, columns beside min() and max(), IN name, INDEXED BY,
//! tables named twice, NULLS FIRST and LAST, against SQLite.

mod support;

use support::{check, run_ours};

#[test]
fn clauses_of_calls_and_names() {
    check(
        "CREATE TABLE t(a, b, c); INSERT INTO t VALUES(1,'x',10),(2,'y',20),(3,'x',30),(4,'y',NULL),(5,NULL,50),(3,'z',15);
         SELECT group_concat(a ORDER BY a DESC) FROM t;
         SELECT group_concat(DISTINCT a ORDER BY a DESC) FROM t;
         SELECT group_concat(DISTINCT b ORDER BY b DESC) FILTER (WHERE a < 4) FROM t;
         SELECT group_concat(DISTINCT b ORDER BY c) FROM t;
         SELECT group_concat(DISTINCT b, '-' ORDER BY b) FROM t;
         SELECT group_concat(b, a ORDER BY c DESC, a) FROM t;
         SELECT b, group_concat(a, ',' ORDER BY c DESC NULLS FIRST) FROM t GROUP BY b ORDER BY b;
         SELECT b, group_concat(a, ',' ORDER BY c DESC NULLS LAST) FILTER (WHERE c IS NOT NULL) FROM t GROUP BY b ORDER BY b;
         SELECT string_agg(a, '-' ORDER BY b COLLATE NOCASE, a) FROM t;
         SELECT count(DISTINCT b ORDER BY b), sum(a ORDER BY a), min(a ORDER BY b), max(c ORDER BY a) FROM t;
         SELECT count(* ORDER BY a) FROM t;
         SELECT abs(a ORDER BY a) FROM t;
         SELECT row_number(ORDER BY a) OVER () FROM t;
         SELECT sum(a ORDER BY a) OVER () FROM t;
         SELECT group_concat(a ORDER BY a) OVER (ORDER BY a) FROM t;
         SELECT group_concat(DISTINCT a) OVER () FROM t;
         SELECT json_group_array(a ORDER BY a DESC) FROM t; SELECT json_group_object(a, b ORDER BY c) FROM t;
         SELECT group_concat(a ORDER BY 1) FROM t; SELECT group_concat(a ORDER BY 'x') FROM t; SELECT group_concat(a ORDER BY nope) FROM t;
         SELECT group_concat(a ORDER BY (SELECT max(c) FROM t)) FROM t;
         SELECT group_concat(a ORDER BY sum(a)) FROM t;
         SELECT sum(DISTINCT a, b) FROM t; SELECT count(DISTINCT) FROM t; SELECT count(DISTINCT *) FROM t; SELECT count(DISTINCT a, b) FROM t;
         SELECT sum(a) FILTER (WHERE b = 'x') + count(*) FILTER (WHERE c > 10) FROM t;
         SELECT abs(a) FILTER (WHERE 1) FROM t;
         SELECT sum(a) FILTER (WHERE sum(a) > 1) FROM t;
         SELECT max(a), b FROM t; SELECT min(c), a, b FROM t; SELECT max(a), min(a), b FROM t; SELECT b, max(c) FROM t GROUP BY b ORDER BY b; SELECT b FROM t GROUP BY b HAVING max(c); SELECT a, count(*) FROM t; SELECT max(a) FILTER (WHERE a < 3), b FROM t;
         SELECT a FROM t WHERE a IN t; CREATE TABLE one(x); INSERT INTO one VALUES(3),(5); SELECT a FROM t WHERE a IN one; SELECT a FROM t WHERE a NOT IN main.one; SELECT a FROM t WHERE (a, b) IN (SELECT a, b FROM t); SELECT a FROM t WHERE (a,b,c) IN t; SELECT a FROM t WHERE a IN nope; WITH w AS (SELECT 2) SELECT a FROM t WHERE a IN w; CREATE VIEW vo AS SELECT x FROM one; SELECT a FROM t WHERE a IN vo;
         SELECT * FROM t INDEXED BY nope; CREATE INDEX tb ON t(b); CREATE INDEX tc ON t(c) WHERE c > 10; SELECT a FROM t INDEXED BY tc; SELECT a FROM t INDEXED BY tc WHERE c > 10; SELECT a FROM t INDEXED BY tb; SELECT a FROM t NOT INDEXED WHERE b = 'x'; SELECT * FROM vo INDEXED BY tb; SELECT * FROM (SELECT 1) INDEXED BY tb; SELECT a FROM t AS q INDEXED BY tb WHERE b = 'x' OR a = 1; CREATE INDEX ox ON one(x); SELECT * FROM t INDEXED BY ox; DELETE FROM t INDEXED BY tc WHERE c = 5; UPDATE t INDEXED BY tc SET a = 1 WHERE c = 5; WITH w AS (SELECT 2) SELECT * FROM w INDEXED BY q; SELECT * FROM t INDEXED BY tc, one WHERE c = x; DELETE FROM t INDEXED BY nope; SELECT * FROM t INDEXED BY sqlite_autoindex_t_1;
         SELECT t.a FROM t, t; SELECT a FROM t, t; SELECT * FROM t AS x, t AS x LIMIT 1; SELECT x.a FROM t AS x, one AS x; SELECT x.x FROM t AS x, one AS x LIMIT 1; SELECT main.t.a FROM t, main.t LIMIT 1; SELECT 1 FROM t, t LIMIT 1; SELECT * FROM t, t LIMIT 1; SELECT t.* FROM t, t LIMIT 1;
         SELECT a FROM t ORDER BY c NULLS FIRST, a; SELECT a FROM t ORDER BY c NULLS LAST, a; SELECT a FROM t ORDER BY c DESC NULLS FIRST, a; SELECT a FROM t ORDER BY c DESC NULLS LAST, a; SELECT c FROM t UNION SELECT NULL ORDER BY 1 NULLS LAST; SELECT c FROM t UNION ALL SELECT NULL ORDER BY c DESC NULLS FIRST;
         SELECT a, row_number() OVER (ORDER BY c NULLS LAST, a) FROM t; SELECT a, sum(a) OVER (ORDER BY c DESC NULLS FIRST RANGE BETWEEN 10 PRECEDING AND CURRENT ROW) FROM t; CREATE INDEX bad ON t(a NULLS LAST); CREATE INDEX bad ON t(a NULLS FIRST); CREATE TABLE bad(a, PRIMARY KEY (a NULLS FIRST)); INSERT INTO t VALUES(1,2,3) ON CONFLICT(a NULLS LAST) DO NOTHING; CREATE TABLE bad2(a, UNIQUE (a DESC NULLS LAST));",
    );
}

#[test]
fn twins_and_extremes() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES(1,2); CREATE TABLE u(a, c); SELECT * FROM t, t; SELECT * FROM t AS x, u AS x; SELECT * FROM t AS x, (SELECT 3 AS z) AS x; SELECT * FROM (SELECT 1 AS a) AS s, (SELECT 2 AS a) AS s; SELECT * FROM t JOIN t USING(a); SELECT * FROM t NATURAL JOIN t; SELECT x.* FROM t AS x, t AS x; SELECT s.* FROM (SELECT 1 AS a) AS s, (SELECT 2 AS a) AS s; SELECT * FROM t, main.t; SELECT count(*) FROM t, t; SELECT * FROM (SELECT 1 AS a), (SELECT 2 AS a); SELECT 1 FROM t x, t x WHERE x.a = 1; SELECT t.* FROM t LEFT JOIN u AS t ON 1; WITH w AS (SELECT 1 AS q) SELECT * FROM w, w; WITH w AS (SELECT 1 AS q) SELECT * FROM w AS w, w;
         SELECT max(a), min(b), a, b FROM t; INSERT INTO t VALUES(0, 9),(5, NULL),(NULL, 4); SELECT max(a), min(b), a, b FROM t; SELECT min(b), max(a), a, b FROM t; SELECT max(a) FILTER (WHERE a < 5), max(b), a, b FROM t; SELECT max(b), max(a) FILTER (WHERE a < 5), a, b FROM t;",
    );
}

/// A build option of SQLite which the bundled one has not.
#[test]
fn ordered_set_aggregates() {
    let database = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    run_ours(&connection, "CREATE TABLE t(g, x); INSERT INTO t VALUES(1, 10), (1, 20), (1, 40), (2, 5), (2, NULL);");
    let check = |sql: &str, expected: &str| {
        let lines: Vec<String> =
            run_ours(&connection, sql).into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error)).collect();
        assert_eq!(lines.join(" ; "), expected, "{sql}");
    };
    check("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t", "15.0");
    check("SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY x) FROM t GROUP BY g", "1|20.0 ; 2|5.0");
    check(
        "SELECT percentile(50) WITHIN GROUP (ORDER BY x) FILTER (WHERE g = 1), median() WITHIN GROUP (ORDER BY -x) FROM t",
        "20.0|-15.0",
    );
    check("SELECT percentile_cont(x, 0.5) = percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t", "1");
    check("SELECT sum(1) WITHIN GROUP (ORDER BY x) FROM t", "1 sum() is not an ordered-set aggregate");
    check("SELECT median(x) WITHIN GROUP (ORDER BY x) FROM t", "1 wrong number of arguments to function median()");
}

/// The result of a correlated subquery is kept while what it reads around it stays exactly the same.
#[test]
fn correlated_subqueries_over_keys_that_repeat() {
    check(
        "CREATE TABLE p(k, g); CREATE TABLE l(k, q, s TEXT COLLATE NOCASE);
         INSERT INTO p VALUES(1, 'a'), (1, 'a'), (1.0, 'a'), (1, 'A'), (NULL, 'b'), (NULL, 'b'), ('1', 'b'), (x'31', 'b'), (2, NULL), (2, NULL), (0.0, 'z'), (-0.0, 'z');
         INSERT INTO l VALUES(1, 10, 'a'), (1, 20, 'A'), (1.0, 30, 'b'), (2, 5, 'x'), (NULL, 7, NULL), ('1', 8, 'y'), (0, 9, 'z');
         SELECT p.rowid, (SELECT typeof(p.k) || sum(q) FROM l WHERE l.k = p.k) FROM p ORDER BY p.rowid;
         SELECT p.rowid, l.rowid FROM p JOIN l ON l.k = p.k WHERE l.q < (SELECT avg(q) FROM l AS m WHERE m.k = p.k) ORDER BY 1, 2;
         SELECT p.rowid, l.rowid, (SELECT count(*) FROM l AS m WHERE m.s = p.g) FROM p LEFT JOIN l ON l.k = p.k AND l.q > 10 ORDER BY 1, 2;
         SELECT p.rowid, l.rowid FROM p, l WHERE EXISTS (SELECT 1 FROM l AS m WHERE m.k IS p.k AND m.q > l.q) ORDER BY 1, 2;
         SELECT p.rowid, l.rowid FROM p, l WHERE NOT EXISTS (SELECT 1 FROM l AS m WHERE m.k = p.k) ORDER BY 1, 2;
         SELECT p.rowid, (SELECT (SELECT max(m.q) FROM l AS m WHERE m.k = p.k) + l.q FROM l WHERE l.s = p.g) FROM p ORDER BY 1;
         SELECT p.rowid, (SELECT p.k UNION ALL SELECT q FROM l WHERE l.k = p.k ORDER BY 1 DESC LIMIT 1) FROM p ORDER BY 1;
         SELECT g, count(*), (SELECT sum(q) FROM l WHERE l.s = p.g) FROM p GROUP BY g HAVING count(*) >= (SELECT count(*) FROM l WHERE l.s = p.g) ORDER BY 1;
         SELECT g, (SELECT sum(q) + count(p.k) FROM l WHERE l.s = p.g) FROM p GROUP BY g ORDER BY 1;
         SELECT count(DISTINCT x) > 1 FROM (SELECT (SELECT random() + 0 * p.k) AS x FROM p, l WHERE p.k = 2);
         WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT (SELECT r.n + 1 FROM l WHERE l.k = 2) FROM r WHERE n < 4) SELECT * FROM r;
         WITH c AS (SELECT k, q FROM l) SELECT p.rowid, (SELECT sum(q) FROM c WHERE c.k = p.k) FROM p, l WHERE l.q < 9 ORDER BY 1, 2;
         SELECT p.rowid, (SELECT group_concat(value) FROM json_each('[' || p.rowid || ',2]')) FROM p, l WHERE l.q = 5 ORDER BY 1;
         UPDATE l SET q = q + (SELECT count(*) FROM p WHERE p.k = l.k) + (SELECT coalesce(sum(m.q), 0) FROM l AS m WHERE m.s = l.s); SELECT * FROM l;
         INSERT INTO l SELECT p.k, (SELECT count(*) FROM l WHERE l.k = p.k), 'new' FROM p; SELECT * FROM l;
         DELETE FROM p WHERE (SELECT count(*) FROM p AS o WHERE o.g = p.g) > 1; SELECT * FROM p;",
    );
}

#[test]
fn only_statements_that_change_nothing_keep_results_of_subqueries() {
    let database = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).expect("we open");
    let connection = database.connect().expect("we connect");
    connection.execute_batch("CREATE TABLE p(k, g); CREATE TABLE l(k, q)").expect("tables are made");
    let keeps = |sql: &str| {
        let outcomes = run_ours(&connection, &format!("EXPLAIN {sql}"));
        outcomes.iter().flat_map(|(rows, _)| rows).any(|row| row.contains("Unchanged"))
    };
    assert!(keeps("SELECT (SELECT sum(q) FROM l WHERE l.k = p.k) FROM p"));
    assert!(!keeps("SELECT (SELECT sum(q) FROM l WHERE l.k = p.k AND l.q > random()) FROM p"));
    assert!(!keeps("SELECT (SELECT sum(q) FROM l) FROM p"));
    assert!(!keeps("UPDATE p SET g = (SELECT sum(q) FROM l WHERE l.k = p.k)"));
    assert!(!keeps("DELETE FROM p WHERE (SELECT sum(q) FROM l WHERE l.k = p.k) > 1"));
}
