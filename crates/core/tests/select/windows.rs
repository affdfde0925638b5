//! Window functions.

use crate::check_all;

#[test]
fn windows() {
    check_all(
        r#"
        SELECT a, row_number() OVER (ORDER BY a) FROM t
        SELECT a, row_number() OVER () FROM t
        SELECT a, b, row_number() OVER (ORDER BY a, b) FROM t ORDER BY b
        SELECT a, rank() OVER (ORDER BY a), dense_rank() OVER (ORDER BY a), percent_rank() OVER (ORDER BY a), cume_dist() OVER (ORDER BY a) FROM t
        SELECT a, ntile(3) OVER (ORDER BY a) FROM t
        SELECT a, lag(a) OVER (ORDER BY a), lead(a) OVER (ORDER BY a), lag(a, 2) OVER (ORDER BY a), lag(a, 2, 'none') OVER (ORDER BY a), lead(b, 1, a) OVER (ORDER BY a) FROM t
        SELECT a, first_value(b) OVER (ORDER BY a), last_value(b) OVER (ORDER BY a), nth_value(b, 2) OVER (ORDER BY a) FROM t
        SELECT a, sum(a) OVER () FROM t
        SELECT a, sum(a) OVER (ORDER BY a) FROM t
        SELECT a, sum(a) OVER (ORDER BY a DESC) FROM t
        SELECT dept, name, pay, sum(pay) OVER (PARTITION BY dept ORDER BY name) FROM emp
        SELECT dept, name, pay, sum(pay) OVER (PARTITION BY dept) FROM emp
        SELECT dept, name, rank() OVER (PARTITION BY dept ORDER BY pay DESC) AS r FROM emp ORDER BY dept, r, name
        SELECT name, avg(pay) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp
        SELECT name, sum(pay) OVER (ORDER BY id ROWS 2 PRECEDING) FROM emp
        SELECT name, sum(pay) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM emp
        SELECT name, sum(pay) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM emp
        SELECT name, sum(pay) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM emp
        SELECT name, count(*) OVER (ORDER BY pay RANGE BETWEEN 20 PRECEDING AND 20 FOLLOWING) FROM emp
        SELECT name, count(*) OVER (ORDER BY pay DESC RANGE BETWEEN 20 PRECEDING AND CURRENT ROW) FROM emp
        SELECT name, count(*) OVER (ORDER BY pay RANGE BETWEEN 10 FOLLOWING AND 40 FOLLOWING) FROM emp
        SELECT name, group_concat(name) OVER (ORDER BY dept GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM emp
        SELECT name, group_concat(name) OVER (ORDER BY dept GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM emp
        SELECT name, min(pay) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), max(pay) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp
        SELECT name, sum(pay) OVER (ORDER BY dept ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM emp
        SELECT name, group_concat(name) OVER (ORDER BY dept GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP) FROM emp
        SELECT name, group_concat(name) OVER (ORDER BY dept GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM emp
        SELECT name, first_value(name) OVER (ORDER BY dept ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), last_value(name) OVER (ORDER BY dept ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM emp
        SELECT name, nth_value(name, 2) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp
        SELECT a, row_number() OVER (ORDER BY c DESC) r1, row_number() OVER (ORDER BY b) r2 FROM t
        SELECT a, sum(a) OVER w, count(*) OVER w FROM t WINDOW w AS (ORDER BY c)
        SELECT a, sum(a) OVER (w ROWS 1 PRECEDING) FROM t WINDOW w AS (ORDER BY a)
        SELECT dept, sum(pay), sum(sum(pay)) OVER (ORDER BY dept) FROM emp GROUP BY dept
        SELECT dept, count(*), rank() OVER (ORDER BY count(*) DESC) FROM emp GROUP BY dept ORDER BY dept
        SELECT sum(a), row_number() OVER () FROM t
        SELECT * FROM (SELECT name, dept, row_number() OVER (PARTITION BY dept ORDER BY id) AS n FROM emp) WHERE n = 1
        SELECT a FROM t ORDER BY row_number() OVER (ORDER BY c DESC)
        SELECT DISTINCT dept, count(*) OVER (PARTITION BY dept) FROM emp
        SELECT name, sum(pay) FILTER (WHERE pay > 50) OVER (ORDER BY id) FROM emp
        SELECT name, pay - lag(pay) OVER (ORDER BY id) AS diff FROM emp WHERE id < 6
        SELECT e.name, b.name, count(*) OVER (PARTITION BY b.id) FROM emp e LEFT JOIN emp b ON e.boss = b.id
        SELECT x, y, sum(y) OVER (PARTITION BY x ORDER BY y) FROM n ORDER BY x, y LIMIT 12
        SELECT x, y, sum(y) OVER (PARTITION BY x ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM n WHERE x < 4
        SELECT a, (SELECT sum(y) OVER (ORDER BY y) FROM n WHERE x = t.a ORDER BY y DESC LIMIT 1) FROM t
        SELECT a, total(c) OVER (ORDER BY a RANGE UNBOUNDED PRECEDING), avg(c) OVER (PARTITION BY a) FROM t
        SELECT max(a) OVER (ORDER BY b) + 1, CASE WHEN rank() OVER (ORDER BY b) > 3 THEN 'late' ELSE 'early' END FROM t
        SELECT count(*) OVER (), a FROM empty
        SELECT row_number() OVER (ORDER BY a) FROM t LIMIT 3 OFFSET 2
        WITH c AS (SELECT a, rank() OVER (ORDER BY a) r FROM t) SELECT * FROM c WHERE r < 4
        SELECT row_number() OVER (ORDER BY a) FROM t UNION ALL SELECT rank() OVER (ORDER BY id) FROM u
        SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN -1 PRECEDING AND CURRENT ROW) FROM t
        SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 'x' PRECEDING AND CURRENT ROW) FROM t
        SELECT sum(a) OVER (ORDER BY a, b RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t
        SELECT a FROM t WHERE row_number() OVER () = 1
        SELECT a FROM t GROUP BY row_number() OVER ()
        SELECT sum(a) OVER nosuch FROM t
        SELECT sum(row_number() OVER ()) FROM t
        SELECT row_number() OVER (ORDER BY row_number() OVER ()) FROM t
        SELECT count(DISTINCT a) OVER () FROM t
        SELECT abs(a) OVER () FROM t
        SELECT lag(a) FILTER (WHERE 1) OVER () FROM t
        SELECT sum(a) OVER (w ORDER BY b) FROM t WINDOW w AS (ORDER BY a)
        SELECT sum(a) OVER (w PARTITION BY b) FROM t WINDOW w AS (ORDER BY a)
        SELECT row_number() FROM t
        "#,
    );
}
