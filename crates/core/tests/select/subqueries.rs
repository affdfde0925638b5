//! Subqueries in every place, common table expressions.

use crate::check_all;

#[test]
fn in_expressions() {
    check_all(
        r#"
        SELECT (SELECT 1), (SELECT a FROM t WHERE 0), (SELECT max(a) FROM t)
        SELECT (SELECT a FROM t ORDER BY a DESC LIMIT 1)
        SELECT (SELECT a FROM t LIMIT 1 OFFSET 2)
        SELECT (SELECT b FROM t ORDER BY a DESC)
        SELECT a, (SELECT name FROM u WHERE u.id = t.a) FROM t
        SELECT a, (SELECT count(*) FROM u WHERE u.a = t.a) FROM t
        SELECT a, (SELECT max(u.id) FROM u WHERE u.a <= t.a AND u.name > t.b) FROM t
        SELECT a FROM t WHERE a = (SELECT max(a) FROM t)
        SELECT a FROM t WHERE a > (SELECT avg(a) FROM t)
        SELECT a FROM t x WHERE a >= (SELECT max(a) FROM t y WHERE y.b > x.b)
        SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a)
        SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.a = t.a)
        SELECT EXISTS (SELECT 1), EXISTS (SELECT 1 WHERE 0), NOT EXISTS (SELECT 1), EXISTS (SELECT NULL)
        SELECT a, EXISTS (SELECT * FROM u WHERE id = a) FROM t
        SELECT (SELECT (SELECT (SELECT a))) FROM t
        SELECT a, (SELECT sum(y) FROM n WHERE x = t.a), (SELECT sum(y) FROM n WHERE x = t.a AND y > 20) FROM t
        SELECT (SELECT group_concat(name) FROM (SELECT name FROM u ORDER BY name DESC))
        SELECT a + (SELECT min(v) FROM w) FROM t
        SELECT CASE WHEN EXISTS (SELECT 1 FROM w WHERE v = t.a) THEN 'w' ELSE '-' END FROM t
        SELECT (SELECT count(*) FROM (SELECT DISTINCT a FROM u WHERE u.a > t.a)) FROM t
        SELECT (SELECT x FROM (SELECT u.id AS x FROM u WHERE u.a = t.a) ORDER BY x DESC LIMIT 1) FROM t
        SELECT (SELECT id FROM u WHERE u.a = t.a UNION SELECT 99 ORDER BY 1 LIMIT 1) FROM t
        SELECT a FROM t WHERE a IN (SELECT v FROM w WHERE w.x > t.b)
        SELECT max((SELECT v FROM w WHERE w.v = t.a)) FROM t
        SELECT (SELECT a) AS q FROM t ORDER BY q
        SELECT a FROM t WHERE (SELECT 1)
        SELECT a FROM t ORDER BY (SELECT -a)
        SELECT (SELECT name FROM u WHERE name = 'alice') = 'ALICE'
        SELECT (VALUES (1),(2))
        SELECT a, (VALUES (a+1)) FROM t LIMIT 2
        SELECT 1 FROM t WHERE a = (SELECT a FROM u WHERE u.id = 99)
        "#,
    );
}

#[test]
fn in_from() {
    check_all(
        r#"
        SELECT * FROM (SELECT a, b FROM t WHERE a > 2)
        SELECT x.b FROM (SELECT a, b FROM t) AS x WHERE x.a = 2
        SELECT * FROM (SELECT a FROM t ORDER BY a DESC LIMIT 3) ORDER BY a
        SELECT * FROM (SELECT a FROM t LIMIT 5) WHERE a > 1 LIMIT 2
        SELECT sum(a) FROM (SELECT DISTINCT a FROM t)
        SELECT * FROM (SELECT a, count(*) AS n FROM t GROUP BY a) WHERE n > 1
        SELECT * FROM (SELECT 1 AS x) WHERE x = '1'
        SELECT * FROM (SELECT a AS x FROM t) WHERE x = '2'
        SELECT * FROM (SELECT a+0 AS x FROM t) WHERE x = '2'
        SELECT * FROM (SELECT CAST(a AS TEXT) AS x FROM t) WHERE x = 2
        SELECT * FROM (SELECT name AS x FROM u) WHERE x = 'alice'
        SELECT * FROM (SELECT name || '' AS x FROM u) WHERE x = 'alice'
        SELECT * FROM (SELECT a FROM t UNION ALL SELECT id FROM u) WHERE a > 4
        SELECT * FROM (SELECT a FROM t UNION SELECT id FROM u) WHERE a > 4
        SELECT * FROM (SELECT * FROM (SELECT * FROM (SELECT a FROM t)))
        SELECT x.a, y.a FROM (SELECT a FROM t WHERE a < 3) x, (SELECT a FROM t WHERE a > 2) y
        SELECT s.a, u.name FROM (SELECT DISTINCT a FROM t) s LEFT JOIN u ON u.a = s.a
        SELECT u.name, s.a FROM u LEFT JOIN (SELECT DISTINCT a FROM t WHERE a > 1) s ON u.a = s.a
        SELECT count(*) FROM (SELECT 1 FROM t, u)
        SELECT * FROM (SELECT x, y FROM n WHERE x = 3) WHERE y > 20
        SELECT * FROM (SELECT a AS p, b AS q FROM t) ORDER BY q LIMIT 3
        SELECT * FROM (SELECT max(a) AS m FROM t), (SELECT min(a) AS k FROM t)
        SELECT q.m FROM t, (SELECT max(y) AS m FROM n) q WHERE t.a = 1
        SELECT typeof(x) FROM (SELECT sum(a) AS x FROM t)
        "#,
    );
}

#[test]
fn with() {
    check_all(
        r#"
        WITH c AS (SELECT 1 AS x) SELECT * FROM c
        WITH c(x, y) AS (SELECT a, b FROM t) SELECT y FROM c WHERE x = 2
        WITH c AS (SELECT a FROM t) SELECT * FROM c x JOIN c y ON x.a = y.a
        WITH c AS MATERIALIZED (SELECT a FROM t) SELECT count(*) FROM c
        WITH c AS NOT MATERIALIZED (SELECT a FROM t) SELECT count(*) FROM c x, c y
        WITH a1 AS (SELECT 1 x), b1 AS (SELECT x+1 AS y FROM a1) SELECT * FROM a1, b1
        WITH b1 AS (SELECT x+1 AS y FROM a1), a1 AS (SELECT 1 x) SELECT * FROM b1
        WITH c AS (VALUES (1,2),(3,4)) SELECT * FROM c
        WITH t AS (SELECT 5 AS a) SELECT a FROM t
        WITH t AS (SELECT a FROM main.t WHERE a > 2) SELECT a FROM t
        SELECT * FROM (WITH c AS (SELECT 7) SELECT * FROM c)
        SELECT (WITH c AS (SELECT t.a AS z) SELECT z FROM c) FROM t
        SELECT (WITH c AS (SELECT t.a AS z) SELECT x.z + y.z FROM c x, c y) FROM t
        WITH c AS (SELECT a FROM t) SELECT * FROM u WHERE a IN (SELECT a FROM c) AND a NOT IN (SELECT a FROM c WHERE a > 2)
        WITH c AS (SELECT max(a) m FROM t) SELECT (SELECT m FROM c), (SELECT m + 1 FROM c)
        WITH c AS (SELECT a FROM t) SELECT a FROM c WHERE a IN c
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 10) SELECT x FROM c
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c LIMIT 5
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 7) SELECT sum(x) FROM c
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 4 OFFSET 2) SELECT x FROM c
        WITH RECURSIVE c(x) AS (VALUES (1),(5) UNION ALL SELECT x+1 FROM c WHERE x < 8) SELECT x FROM c
        WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT (x*2)%7 FROM c) SELECT x FROM c
        WITH c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 3) SELECT * FROM c
        WITH RECURSIVE under(id, name, depth) AS (SELECT id, name, 0 FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.name, depth+1 FROM emp e JOIN under ON e.boss = under.id) SELECT * FROM under
        WITH RECURSIVE under(name, depth) AS (SELECT 'ann', 0 UNION ALL SELECT e.name, under.depth+1 FROM emp e JOIN emp b ON e.boss = b.id JOIN under ON b.name = under.name ORDER BY 2 DESC) SELECT substr('.....', 1, depth) || name FROM under
        WITH RECURSIVE under(name, depth) AS (SELECT 'ann', 0 UNION ALL SELECT e.name, under.depth+1 FROM emp e JOIN emp b ON e.boss = b.id JOIN under ON b.name = under.name ORDER BY 2) SELECT depth, name FROM under
        WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a+b FROM fib LIMIT 15) SELECT a FROM fib
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 5) SELECT * FROM c p, c q WHERE p.x + q.x = 6
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 5) SELECT t.a, c.x FROM t JOIN c ON c.x = t.a
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 5) SELECT t.a, c.x FROM t LEFT JOIN c ON c.x = t.a
        WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM a WHERE n<3), b(m) AS (SELECT n*10 FROM a UNION ALL SELECT m+1 FROM b WHERE m<12) SELECT * FROM b
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x*2 FROM c WHERE x<20 UNION ALL SELECT x*3 FROM c WHERE x<20) SELECT x FROM c
        WITH RECURSIVE c(x) AS (SELECT a FROM t WHERE a IS NOT NULL UNION SELECT x+1 FROM c WHERE x<6) SELECT x FROM c ORDER BY x DESC LIMIT 4
        SELECT (WITH RECURSIVE c(x) AS (SELECT t.a UNION ALL SELECT x-1 FROM c WHERE x > 0) SELECT count(*) FROM c) FROM t
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 100) SELECT count(*), sum(x) FROM c WHERE x % 2
        "#,
    );
}
