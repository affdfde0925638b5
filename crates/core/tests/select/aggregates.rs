//! Aggregates, GROUP BY, HAVING.

use crate::check_all;

#[test]
fn without_group_by() {
    check_all(
        r#"
        SELECT count(*) FROM t
        SELECT count(*) FROM u
        SELECT count(*) FROM w
        SELECT count(*) FROM empty
        SELECT count(*) FROM t WHERE a > 2
        SELECT count(a), count(DISTINCT a), sum(a), total(a), avg(a), min(a), max(a) FROM t
        SELECT sum(c), avg(c), min(b), max(b), group_concat(b), group_concat(b, '-') FROM t
        SELECT sum(a), total(a), avg(a), min(a), max(a), count(a), group_concat(a) FROM empty
        SELECT count(*), a FROM empty
        SELECT count(*)+1, sum(a)*2 FROM t
        SELECT count(*) FROM t HAVING count(*) > 5
        SELECT count(*) FROM t HAVING count(*) > 50
        SELECT sum(DISTINCT a), count(DISTINCT b COLLATE NOCASE), group_concat(DISTINCT a) FROM t
        SELECT count(*) FILTER (WHERE a > 2), sum(a) FILTER (WHERE b LIKE 't%') FROM t
        SELECT count(DISTINCT a) FILTER (WHERE a < 3) FROM t
        SELECT group_concat(b ORDER BY b), group_concat(b, ',' ORDER BY a DESC, b) FROM t
        SELECT group_concat(DISTINCT a ORDER BY a DESC) FROM t
        SELECT string_agg(b, '|') FROM t
        SELECT a, count(*) FROM t
        SELECT a, b, max(a) FROM t
        SELECT a, b, min(a) FROM t
        SELECT b, min(c), max(c) FROM t
        SELECT a, min(NULL) FROM t
        SELECT b, max(a) FILTER (WHERE a < 3) FROM t
        SELECT name, max(name) FROM u
        SELECT id, min(name), count(*) FROM u
        SELECT min(id), max(id) FROM u
        SELECT min(id) FROM u
        SELECT max(id) FROM u
        SELECT min(a) FROM u
        SELECT max(a) FROM u
        SELECT max(a), id FROM u
        SELECT min(a), id FROM u
        SELECT min(name) FROM u
        SELECT max(x) FROM n
        SELECT min(x) FROM n WHERE x > 3
        SELECT max(y) FROM n WHERE x = 3
        SELECT max(a) FROM empty
        SELECT min(k), max(k) FROM w
        SELECT min(k) FROM w
        SELECT max(a) + min(a), max(a+1) FROM t
        SELECT count(*) FROM t, u
        SELECT count(*) FROM (SELECT DISTINCT a FROM t)
        SELECT sum(a) AS s FROM t ORDER BY s LIMIT 1
        SELECT sum(a) FROM t LIMIT 0
        SELECT sum(a) FROM t LIMIT 1 OFFSET 1
        SELECT DISTINCT sum(a) FROM t
        SELECT count(*) FROM v1
        SELECT sum(a+b) FROM t
        SELECT total(y), avg(y), sum(y*1.5) FROM n
        SELECT count(*), count(NULL), count(1) FROM n
        SELECT count(*) WHERE 0
        SELECT count(*)
        SELECT sum(5), max(3), group_concat('x')
        SELECT max(v) FROM g
        "#,
    );
}

#[test]
fn group_by() {
    check_all(
        r#"
        SELECT a, count(*) FROM t GROUP BY a
        SELECT a, b, count(*) FROM t GROUP BY a
        SELECT count(*), a FROM t GROUP BY a ORDER BY a DESC
        SELECT a, count(*) AS n FROM t GROUP BY a ORDER BY n DESC, a
        SELECT a, count(*) FROM t GROUP BY 1
        SELECT a AS z, count(*) FROM t GROUP BY z
        SELECT a+1 AS z, count(*) FROM t GROUP BY z
        SELECT a+1, count(*) FROM t GROUP BY a+1
        SELECT (a+1)*2, count(*) FROM t GROUP BY a+1
        SELECT a % 2, sum(a), group_concat(b) FROM t GROUP BY a % 2
        SELECT name, count(*), sum(score) FROM u GROUP BY name
        SELECT lower(name), count(*) FROM u GROUP BY lower(name)
        SELECT b, count(*) FROM t GROUP BY b COLLATE NOCASE
        SELECT dept, sum(pay), avg(pay), max(name) FROM emp GROUP BY dept
        SELECT dept, name, max(pay) FROM emp GROUP BY dept
        SELECT dept, name, min(pay) FROM emp GROUP BY dept
        SELECT dept, count(*) FROM emp GROUP BY dept HAVING count(*) > 2
        SELECT dept, count(*) AS c FROM emp GROUP BY dept HAVING c > 1 ORDER BY c
        SELECT dept FROM emp GROUP BY dept HAVING max(pay) > 70
        SELECT dept, boss, count(*) FROM emp GROUP BY dept, boss
        SELECT dept, boss, count(*) FROM emp GROUP BY dept, boss ORDER BY boss, dept DESC
        SELECT boss, dept, count(*) FROM emp GROUP BY dept, boss ORDER BY dept DESC
        SELECT x, count(*) FROM n GROUP BY x
        SELECT x, count(*) FROM n GROUP BY x ORDER BY x DESC
        SELECT x, sum(y) FROM n GROUP BY x ORDER BY sum(y) DESC LIMIT 3
        SELECT x, max(y), min(y) FROM n WHERE y > 10 GROUP BY x HAVING count(*) > 3 ORDER BY 2
        SELECT x, group_concat(y) FROM n GROUP BY x LIMIT 2 OFFSET 1
        SELECT x, count(DISTINCT y % 3), sum(DISTINCT y % 5) FROM n GROUP BY x
        SELECT x, group_concat(y ORDER BY y DESC) FROM n GROUP BY x LIMIT 3
        SELECT x, count(*) FILTER (WHERE y % 2) FROM n GROUP BY x
        SELECT id, count(*) FROM u GROUP BY id
        SELECT a, count(*) FROM u GROUP BY a
        SELECT v, count(*) FROM w GROUP BY v
        SELECT k, count(*) FROM w GROUP BY k
        SELECT 'k', count(*) FROM t GROUP BY 'k'
        SELECT count(*) FROM empty GROUP BY a
        SELECT count(*) FROM t GROUP BY NULL
        SELECT a FROM t GROUP BY a
        SELECT DISTINCT count(*) FROM t GROUP BY a
        SELECT DISTINCT a % 2 FROM t GROUP BY a ORDER BY 1
        SELECT t.a, u.name, count(*) FROM t JOIN u ON t.a = u.a GROUP BY t.a, u.name
        SELECT u.name, sum(t.c) FROM t JOIN u ON t.a = u.a GROUP BY u.name ORDER BY 2 DESC
        SELECT a, sum(c) FROM t GROUP BY a HAVING sum(c) IS NOT NULL
        SELECT a, (SELECT count(*) FROM u WHERE u.a = t.a) FROM t GROUP BY a
        SELECT a, (SELECT count(*) FROM u WHERE u.a < count(t.b)) FROM t GROUP BY a
        SELECT a, CASE WHEN count(*) > 1 THEN 'many' ELSE 'one' END FROM t GROUP BY a
        SELECT typeof(d), count(*) FROM t GROUP BY typeof(d) ORDER BY count(*) DESC, 1
        SELECT dept, sum(pay) FROM emp WHERE boss IS NOT NULL GROUP BY dept ORDER BY sum(pay) DESC NULLS LAST
        SELECT dept || '-' || count(*) FROM emp GROUP BY dept
        SELECT max(c) FROM (SELECT count(*) AS c FROM n GROUP BY x)
        SELECT p, q FROM v2 WHERE q > 1
        SELECT a, b, c FROM t GROUP BY a, b, c
        SELECT dept, count(*) FROM emp GROUP BY dept ORDER BY count(*) DESC
        SELECT dept, boss, count(*) FROM emp GROUP BY dept, boss ORDER BY count(*) DESC, 1 = 1 DESC
        SELECT x, count(*) FROM n GROUP BY x ORDER BY count(*) DESC
        SELECT x, count(*) FROM n GROUP BY x ORDER BY count(*)
        SELECT y % 4 AS m, count(*) FROM n GROUP BY m ORDER BY count(*) DESC
        SELECT sum(a), b FROM t GROUP BY length(b) ORDER BY length(b)
        SELECT a, count(*) FROM t GROUP BY a COLLATE NOCASE HAVING a > 1
        "#,
    );
}

#[test]
fn of_outer_queries() {
    check_all(
        r#"
        SELECT (SELECT count(x.a)) FROM t x
        SELECT (SELECT count(x.a) FROM u y) FROM t x
        SELECT (SELECT sum(t.a + u.a) FROM u) FROM t LIMIT 1
        SELECT a, (SELECT sum(t.a) FROM u) FROM t
        SELECT dept, (SELECT max(pay) FROM u WHERE u.id < 3) FROM emp GROUP BY dept
        SELECT max(a), (SELECT max(u.a) FROM u WHERE u.a < max(t.a)) FROM t
        "#,
    );
}
