//! RIGHT and FULL JOIN, USING and NATURAL, parentheses in FROM: rows in SQLite's order, against SQLite.

mod support;

use support::check;

#[test]
fn right_and_full_join() {
    check(
        "CREATE TABLE t1(a, b); CREATE TABLE t2(b, c); CREATE TABLE t3(c, d); CREATE TABLE t4(a, d);
         INSERT INTO t1 VALUES(1,10),(2,20),(3,NULL),(4,40); INSERT INTO t2 VALUES(20,200),(10,100),(50,500),(NULL,600); INSERT INTO t3 VALUES(100,'x'),(500,'y'),(700,'z'),(NULL,'n');
         INSERT INTO t4 VALUES(1,'x'),(9,'z'),(NULL,'y');
         SELECT * FROM t1 RIGHT JOIN t2 USING(b);
         SELECT b, t1.b, t2.b FROM t1 RIGHT JOIN t2 USING(b);
         SELECT * FROM t1 FULL JOIN t2 USING(b);
         SELECT b, t1.b, t2.b FROM t1 FULL JOIN t2 USING(b);
         SELECT * FROM t1 NATURAL FULL JOIN t2 NATURAL FULL JOIN t3;
         SELECT b, c, t1.b, t2.b, t2.c, t3.c FROM t1 NATURAL FULL JOIN t2 NATURAL FULL JOIN t3;
         SELECT * FROM t1 NATURAL RIGHT JOIN t2 NATURAL RIGHT JOIN t3;
         SELECT * FROM t1 NATURAL LEFT JOIN t2 NATURAL FULL JOIN t3;
         SELECT * FROM t1 NATURAL FULL JOIN t2 NATURAL LEFT JOIN t3;
         SELECT * FROM t1 NATURAL FULL JOIN t2 NATURAL JOIN t3;
         SELECT * FROM t1 NATURAL JOIN t2 NATURAL FULL JOIN t3;
         SELECT * FROM t1 FULL JOIN t2 USING(b) FULL JOIN t3 USING(c) FULL JOIN t4 USING(a, d);
         SELECT a, d, c, b FROM t1 FULL JOIN t2 USING(b) FULL JOIN t3 USING(c) FULL JOIN t4 USING(a, d) WHERE a IS NULL OR a < 5;
         SELECT * FROM t1 FULL JOIN t2 ON t1.b = t2.b WHERE t1.a > 1;
         SELECT * FROM t1 FULL JOIN t2 ON t1.b = t2.b WHERE t2.c > 1;
         SELECT * FROM t1 FULL JOIN t2 ON t1.b = t2.b WHERE t1.a IS NULL;
         SELECT * FROM t1 FULL JOIN t2 ON t1.b = t2.b AND t1.a > 1 WHERE coalesce(t1.a, 2) > 1;
         SELECT * FROM t1 RIGHT JOIN t2 ON 0;
         SELECT * FROM t1 FULL JOIN t2 ON 0;
         SELECT * FROM t1 RIGHT JOIN t2 ON 1;
         SELECT * FROM t1 RIGHT JOIN t2;
         SELECT * FROM t1 FULL JOIN t2;
         SELECT * FROM t1 RIGHT JOIN (SELECT b, c FROM t2 WHERE c > 100) AS s ON s.b = t1.b;
         SELECT * FROM t1 FULL JOIN (SELECT b, c FROM t2 WHERE c > 100) AS s USING (b);
         SELECT * FROM (SELECT * FROM t1) AS q FULL JOIN (SELECT b, c FROM t2 WHERE c > 100 ORDER BY c DESC LIMIT 5) AS s USING (b);
         SELECT * FROM t1 RIGHT JOIN (t2 JOIN t3 ON t2.c = t3.c) ON t1.b = t2.b;
         SELECT * FROM t1 FULL JOIN (t2 LEFT JOIN t3 ON t2.c = t3.c) ON t1.b = t2.b;
         SELECT * FROM (t1 FULL JOIN t2 ON t1.b = t2.b) FULL JOIN t3 ON t2.c = t3.c;
         SELECT * FROM (t1 FULL JOIN t2 USING(b)) LEFT JOIN t3 USING(c);
         SELECT * FROM t1 LEFT JOIN t2 ON t1.b = t2.b FULL JOIN t3 ON t2.c = t3.c;
         SELECT * FROM t1, t2 RIGHT JOIN t3 ON t2.c = t3.c;
         SELECT * FROM t1 JOIN t2 ON t1.b = t2.b RIGHT JOIN t3 ON t2.c = t3.c JOIN t4 ON t4.d = t3.d;
         SELECT * FROM t1 JOIN t2 ON t1.b = t2.b RIGHT JOIN t3 ON t2.c = t3.c, t4 WHERE t4.d = t3.d;
         SELECT * FROM t4, t1 FULL JOIN t2 ON t1.b = t2.b WHERE t4.a = 1;
         WITH q(b, c) AS (SELECT * FROM t2) SELECT * FROM t1 FULL JOIN q USING(b);
         WITH RECURSIVE q(b) AS (SELECT 10 UNION ALL SELECT b + 10 FROM q WHERE b < 50) SELECT * FROM t1 FULL JOIN q USING(b);
         SELECT * FROM t1 FULL JOIN (VALUES(10, 'p'), (20, 'q'), (99, 'r')) AS v ON v.column1 = t1.b;
         SELECT count(*), sum(a), sum(c) FROM t1 FULL JOIN t2 USING(b);
         SELECT b, count(*) FROM t1 FULL JOIN t2 USING(b) GROUP BY b;
         SELECT b FROM t1 FULL JOIN t2 USING(b) ORDER BY b DESC;
         SELECT DISTINCT t1.a IS NULL, t2.c IS NULL FROM t1 FULL JOIN t2 USING(b);
         SELECT *, row_number() OVER (ORDER BY b) FROM t1 FULL JOIN t2 USING(b);
         SELECT * FROM t1 x FULL JOIN t1 y ON x.a = y.a + 1;
         SELECT * FROM t1 x FULL JOIN t1 y ON x.a = y.a + 1 FULL JOIN t1 z ON z.a = y.a + 1;
         SELECT *, (SELECT count(*) FROM t3 FULL JOIN t4 USING(d) WHERE t3.c = t2.c) FROM t1 FULL JOIN t2 USING(b);
         SELECT (SELECT group_concat(t2.c) FROM (SELECT t1.b AS b) AS o FULL JOIN t2 ON t2.b = o.b) FROM t1;
         SELECT rowid FROM t1 FULL JOIN t2 USING(b);
         SELECT t1.rowid, t2.rowid FROM t1 FULL JOIN t2 USING(b);
         CREATE VIEW v AS SELECT * FROM t1 FULL JOIN t2 USING(b);
         SELECT * FROM v WHERE b > 10; SELECT * FROM v JOIN t3 USING(c); SELECT * FROM t3 LEFT JOIN v USING(c);SELECT * FROM t3 FULL JOIN v USING(c);
         CREATE INDEX i1 ON t1(b); CREATE INDEX i2 ON t2(b); CREATE INDEX i3 ON t3(c);
         SELECT * FROM t1 RIGHT JOIN t2 USING(b);
         SELECT * FROM t1 FULL JOIN t2 USING(b);
         SELECT * FROM t1 NATURAL FULL JOIN t2 NATURAL FULL JOIN t3;
         SELECT * FROM t1 FULL JOIN t2 ON t1.b = t2.b WHERE t1.b = 10;
         SELECT * FROM t1 FULL JOIN t2 ON t1.b = t2.b WHERE t2.b = 10;
         SELECT * FROM t1 FULL JOIN t2 USING(b) WHERE b = 10;
         SELECT * FROM t1 RIGHT JOIN t2 USING(b) WHERE b = 50;
         CREATE TABLE w1(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE w2(k TEXT, n, v, PRIMARY KEY(n, k)) WITHOUT ROWID;
         INSERT INTO w1 VALUES('a',1),('b',2),('c',3); INSERT INTO w2 VALUES('b',1,5),('c',2,6),('d',3,7),('b',0,8);
         SELECT * FROM w1 FULL JOIN w2 USING(k);
         SELECT * FROM w1 RIGHT JOIN w2 ON w1.k = w2.k AND w2.n > 0;
         SELECT * FROM w2 FULL JOIN w1 USING(k) ORDER BY k;
         SELECT * FROM w2 NATURAL FULL JOIN w1;
         SELECT a FROM t1 NATURAL FULL JOIN t4;
         SELECT d, t4.d FROM t3 FULL JOIN t4 USING(d) WHERE d IN ('x','y');
         SELECT * FROM t1 FULL JOIN t2 USING(nope);
         SELECT * FROM t1 FULL JOIN t2 USING(a);
         SELECT * FROM t1 JOIN t4 USING(a) FULL JOIN t2 USING(b) FULL JOIN t1 AS u USING(a, b);
         SELECT b FROM t1 JOIN t2 ON 1 FULL JOIN t1 AS u USING(b);
         SELECT * FROM t1 JOIN t2 ON 1 FULL JOIN t3 USING(c) FULL JOIN t1 AS u USING(b);
         SELECT b FROM t1 LEFT JOIN t2 USING(b) RIGHT JOIN t1 AS u USING(b);
         SELECT * FROM t1 LEFT JOIN t2 USING(b) RIGHT JOIN t1 AS u USING(b);
         SELECT t1.*, u.* FROM t1 LEFT JOIN t2 USING(b) RIGHT JOIN t1 AS u USING(b);",
    );
}

#[test]
fn using_merges_columns() {
    check(
        "CREATE TABLE t1(a, b); CREATE TABLE t2(b, c); CREATE TABLE t3(c, b); CREATE TABLE t4(a, d);
         INSERT INTO t1 VALUES(1,10),(2,20); INSERT INTO t2 VALUES(20,200),(30,300); INSERT INTO t3 VALUES(200,20),(400, 30),(500,50);
         SELECT * FROM t1 JOIN t2 USING(b) JOIN t3 USING(b);
         SELECT * FROM t1 JOIN t2 USING(b) RIGHT JOIN t3 USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM t1 JOIN t2 USING(b) RIGHT JOIN t3 USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM t1 LEFT JOIN t2 USING(b) RIGHT JOIN t3 USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM t1 RIGHT JOIN t2 USING(b) LEFT JOIN t3 USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM t1 FULL JOIN t2 USING(b) FULL JOIN t3 USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM t1 FULL JOIN t2 USING(b) JOIN t3 USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM t1 FULL JOIN t2 ON t1.b=t2.b JOIN t3 USING(b);
         SELECT t1.b, t2.b, t3.b FROM t1 FULL JOIN t2 ON t1.b=t2.b JOIN t3 USING(b);
         SELECT t1.b, t2.b, t3.b FROM t1 FULL JOIN t2 ON t1.b=t2.b RIGHT JOIN t3 USING(b);
         SELECT t1.b, t2.b, t3.b FROM t1, t2 RIGHT JOIN t3 USING(b);
         SELECT t1.b, t2.b, t3.b FROM t1, t2 JOIN t3 USING(b);
         SELECT t1.b, t2.b, t3.b FROM t1, t2 JOIN t3 USING(b) FULL JOIN t4 USING(a);
         SELECT t1.b, t2.b, t3.b FROM t1 JOIN t2 ON 1 LEFT JOIN t3 USING(b) LEFT JOIN t4 USING(a);
         SELECT typeof(b), b FROM t1 FULL JOIN t2 USING(b) ORDER BY b COLLATE nocase;
         SELECT b+0 FROM t1 FULL JOIN t2 USING(b) WHERE b > 15 GROUP BY b HAVING b < 100;
         CREATE TABLE n1(k TEXT COLLATE NOCASE, v INT); CREATE TABLE n2(k TEXT, v REAL);
         INSERT INTO n1 VALUES('a', 1), ('B', 2); INSERT INTO n2 VALUES('A', 5), ('b', 6), ('C', 7);
         SELECT * FROM n1 FULL JOIN n2 USING(k); SELECT k = 'A', k FROM n1 FULL JOIN n2 USING(k); SELECT typeof(v), v FROM n1 FULL JOIN n2 USING(v);
         SELECT k FROM n1 FULL JOIN n2 USING(k) ORDER BY k;
         SELECT k FROM n1 FULL JOIN n2 USING(k) WHERE k = 'A';
         SELECT k FROM n1 LEFT JOIN n2 USING(k) WHERE k = 'A';
         SELECT k FROM (n1 FULL JOIN n2 USING(k)) AS z;
         SELECT z.k FROM (n1 FULL JOIN n2 USING(k)) AS z;
         SELECT n1.k, n2.k, k FROM (n1 FULL JOIN n2 USING(k));
         SELECT n1.k, n2.k, k FROM (n1 FULL JOIN n2 USING(k)) JOIN t4;
         SELECT * FROM n1 LEFT JOIN (t1 FULL JOIN t2 USING(b)) ON n1.v = a;
         SELECT *, t1.b, t2.b FROM n1 LEFT JOIN (t1 FULL JOIN t2 USING(b)) ON n1.v = a;
         SELECT b, t1.b, t2.b FROM n1 LEFT JOIN (t1 FULL JOIN t2 USING(b)) ON n1.v = a;
         SELECT * FROM (t1 FULL JOIN t2 USING(b)) FULL JOIN (t3 FULL JOIN t4 ON a = c) USING(b);
         SELECT * FROM (t1 RIGHT JOIN t2 USING(b)) RIGHT JOIN (t3 LEFT JOIN t4 ON a = c) USING(b);
         SELECT b, t1.b, t2.b, t3.b FROM (t1 RIGHT JOIN t2 USING(b)) RIGHT JOIN (t3 LEFT JOIN t4 ON a = c) USING(b);
         SELECT t1.*, t2.*, t3.* FROM (t1 RIGHT JOIN t2 USING(b)) RIGHT JOIN (t3 LEFT JOIN t4 ON a = c) USING(b);
         SELECT b FROM (t1 NATURAL JOIN t2) NATURAL FULL JOIN t3;
         SELECT * FROM (t1 NATURAL JOIN t2) NATURAL FULL JOIN t3;
         SELECT * FROM t1 NATURAL FULL JOIN t2 NATURAL FULL JOIN t3 NATURAL FULL JOIN t4;
         SELECT * FROM t1 NATURAL FULL JOIN t2, t3 NATURAL FULL JOIN t4;
         SELECT * FROM t1 AS x NATURAL FULL JOIN t1 AS y;
         SELECT * FROM t1 NATURAL FULL JOIN t4 ON 1;
         SELECT * FROM t1 FULL JOIN t4 ON t1.a = t4.a AND t3.b = 1 JOIN t3;
         SELECT * FROM t1 RIGHT JOIN t4 ON t1.a = t4.a AND t3.b = 1 JOIN t3;
         SELECT * FROM t3 RIGHT JOIN t4 ON 1 JOIN t1 ON t1.a = nope;
         SELECT * FROM t1 RIGHT OUTER JOIN t4 ON 1; SELECT * FROM t1 FULL OUTER JOIN t4 ON 1; SELECT * FROM t1 OUTER JOIN t4 ON 1; SELECT * FROM t1 LEFT RIGHT JOIN t2 ON 1; SELECT * FROM t1 INNER OUTER JOIN t2; SELECT * FROM t1 NATURAL CROSS JOIN t2; SELECT * FROM t1 RIGHT INNER JOIN t2; SELECT * FROM t1 LEFT FULL JOIN t2 ON 0; SELECT * FROM t1 CROSS LEFT JOIN t2 ON 0;",
    );
}

#[test]
fn joins_in_parentheses() {
    check(
        "CREATE TABLE t0(z); INSERT INTO t0 VALUES(1);
         CREATE TABLE t1(a, b, x1); CREATE TABLE t2(b, c, x2); CREATE TABLE t3(x3, c, b);
         INSERT INTO t1 VALUES(1,10,'p'),(2,20,'q'); INSERT INTO t2 VALUES(20,200,'r'),(30,300,'s'); INSERT INTO t3 VALUES('t',200,20),('u',400, 30),('v',500,50);
         SELECT * FROM t0 LEFT JOIN (t1 JOIN t2 USING(b)) ON 1;
         SELECT * FROM t0 LEFT JOIN (t1 LEFT JOIN t2 USING(b)) ON 1;
         SELECT * FROM t0 LEFT JOIN (t1 RIGHT JOIN t2 USING(b)) ON 1;
         SELECT * FROM t0 LEFT JOIN (t1 FULL JOIN t2 USING(b)) ON 1;
         SELECT * FROM (t1 FULL JOIN t2 USING(b)) LEFT JOIN t0 ON 1;
         SELECT * FROM (t1 FULL JOIN t2 USING(b));
         SELECT * FROM (t1 RIGHT JOIN t2 USING(b)) LEFT JOIN t0 ON 1;
         SELECT * FROM (t1 JOIN t2 USING(b)) LEFT JOIN t0 ON 1;
         SELECT * FROM t0 JOIN (t1 FULL JOIN t2 USING(b));
         SELECT * FROM t0 JOIN (t1 FULL JOIN t2 USING(b) FULL JOIN t3 USING(b,c));
         SELECT * FROM t0 JOIN (t1 FULL JOIN t2 USING(b) RIGHT JOIN t3 USING(b,c));
         SELECT * FROM t0 JOIN (t1 FULL JOIN t2 USING(b) LEFT JOIN t3 USING(b,c));
         SELECT * FROM t0 JOIN (t1 RIGHT JOIN t2 USING(b) LEFT JOIN t3 USING(b,c));
         SELECT * FROM t0 JOIN (t1 RIGHT JOIN t2 USING(b) RIGHT JOIN t3 USING(b,c));
         SELECT b, c, t1.b, t2.b, t3.b, t2.c, t3.c FROM t0 JOIN (t1 FULL JOIN t2 USING(b) FULL JOIN t3 USING(b,c));
         SELECT b, c, t1.b, t2.b, t3.b, t2.c, t3.c FROM t0 JOIN (t1 FULL JOIN t2 USING(b) RIGHT JOIN t3 USING(b,c));
         SELECT b, c, t1.b, t2.b, t3.b, t2.c, t3.c FROM t0 JOIN (t1 RIGHT JOIN t2 USING(b) RIGHT JOIN t3 USING(b,c));
         SELECT b, c, t1.b, t2.b, t3.b, t2.c, t3.c FROM t0 JOIN (t1 RIGHT JOIN t2 USING(b) LEFT JOIN t3 USING(b,c));
         SELECT t1.*, '-', t2.*, '-', t3.* FROM t0 JOIN (t1 FULL JOIN t2 USING(b) FULL JOIN t3 USING(b,c));
         SELECT t1.*, '-', t2.*, '-', t3.* FROM t0 JOIN (t1 RIGHT JOIN t2 USING(b) RIGHT JOIN t3 USING(b,c));
         SELECT t1.*, '-', t2.*, '-', t3.* FROM t0 JOIN (t1 JOIN t2 USING(b) JOIN t3 USING(b,c));
         SELECT * FROM t0 JOIN (t1 FULL JOIN t2 ON t1.b = t2.b);
         SELECT b FROM t0 JOIN (t1 FULL JOIN t2 ON t1.b = t2.b);
         SELECT * FROM t0 JOIN (t1 FULL JOIN t2 ON t1.b = t2.b) AS q;
         SELECT q.b FROM t0 JOIN (t1 FULL JOIN t2 USING(b)) AS q;
         SELECT * FROM t0 JOIN (t1 JOIN t2 ON t1.b = t2.b) AS q;
         SELECT q.b FROM t0 JOIN (t1 AS q JOIN t2 AS r ON 1);
         SELECT * FROM (t1 FULL JOIN t2 USING(b)) FULL JOIN t3 USING(b);
         SELECT b FROM (t1 FULL JOIN t2 USING(b)) FULL JOIN t3 USING(b);
         SELECT * FROM t3 FULL JOIN (t1 FULL JOIN t2 USING(b)) USING(b);
         SELECT * FROM t3 FULL JOIN (t1 RIGHT JOIN t2 USING(b)) USING(b);
         SELECT * FROM t3 FULL JOIN (t1 LEFT JOIN t2 USING(b)) USING(b);
         SELECT b, t3.b, t1.b, t2.b FROM t3 FULL JOIN (t1 FULL JOIN t2 USING(b)) USING(b);
         SELECT b, t3.b, t1.b, t2.b FROM t3 FULL JOIN (t1 RIGHT JOIN t2 USING(b)) USING(b);
         SELECT b, t3.b, t1.b, t2.b FROM t3 FULL JOIN (t1 LEFT JOIN t2 USING(b)) USING(b);
         SELECT * FROM t3 FULL JOIN (t1 FULL JOIN t2 ON t1.b=t2.b) USING(b);
         SELECT * FROM t3 NATURAL JOIN (t1 FULL JOIN t2 ON t1.b=t2.b);
         SELECT * FROM t3 JOIN (t1 LEFT JOIN t2 ON t1.b=t2.b) USING(b);
         SELECT * FROM t3 FULL JOIN (t1 FULL JOIN t2 USING(b)) USING(c);
         SELECT * FROM t3 NATURAL JOIN (t1 FULL JOIN t2 USING(b));
         SELECT b = '20', b = 20, typeof(b) FROM (SELECT CAST(b AS INT) AS b FROM t1) AS i FULL JOIN t2 USING(b);
         CREATE TABLE ti(k INT COLLATE NOCASE, a); CREATE TABLE tt(k TEXT COLLATE RTRIM, b); INSERT INTO ti VALUES(1, 2), ('x', 3); INSERT INTO tt VALUES('1', 5), ('X', 6), ('y', 7);
         SELECT k = '1', k = 1, typeof(k), k = 'X', k = 'x ' FROM ti FULL JOIN tt USING(k);
         SELECT k = '1', k = 1, typeof(k), k = 'X', k = 'x ' FROM tt FULL JOIN ti USING(k);
         SELECT k = '1', k = 1, typeof(k), k = 'X', k = 'x ' FROM tt RIGHT JOIN ti USING(k);
         SELECT k = '1', k = 1, typeof(k), k = 'X', k = 'x ' FROM ti RIGHT JOIN tt USING(k);
         SELECT k = '1', k = 1, typeof(k), k = 'X', k = 'x ' FROM (SELECT * FROM ti FULL JOIN tt USING(k));
         SELECT DISTINCT k FROM (SELECT * FROM ti FULL JOIN tt USING(k)) ORDER BY 1;
         SELECT typeof(ti.k) FROM ti FULL JOIN tt ON ti.k = tt.k; SELECT max(k), min(k) FROM ti FULL JOIN tt USING(k);
         CREATE TABLE cc AS SELECT * FROM ti FULL JOIN tt USING(k); SELECT sql FROM sqlite_schema WHERE name='cc';
         CREATE TABLE cr AS SELECT * FROM ti RIGHT JOIN tt USING(k); SELECT sql FROM sqlite_schema WHERE name='cr';",
    );
}

#[test]
fn outer_joins_that_where_weakens() {
    check(
        "CREATE TABLE a(x, y); CREATE TABLE b(x, z); CREATE TABLE c(z, w); CREATE INDEX bx ON b(x); CREATE INDEX cz ON c(z);
         INSERT INTO a VALUES(1, 1), (2, NULL), (3, 3), (NULL, 4); INSERT INTO b VALUES(1, 10), (3, 30), (5, 50), (NULL, 60); INSERT INTO c VALUES(10, 'p'), (50, 'q'), (70, 'r');
         SELECT * FROM a FULL JOIN b USING(x) WHERE y > 0; SELECT * FROM a FULL JOIN b USING(x) WHERE z > 0; SELECT * FROM a FULL JOIN b USING(x) WHERE y > 0 AND z > 0;
         SELECT * FROM a RIGHT JOIN b ON a.x = b.x WHERE a.y IS NOT NULL; SELECT * FROM a RIGHT JOIN b ON a.x = b.x WHERE b.z = 30;
         SELECT * FROM a LEFT JOIN b ON a.x = b.x FULL JOIN c ON b.z = c.z WHERE a.x > 0; SELECT * FROM a LEFT JOIN b ON a.x = b.x FULL JOIN c ON b.z = c.z WHERE b.x > 0;
         SELECT * FROM a LEFT JOIN b ON a.x = b.x FULL JOIN c ON b.z = c.z WHERE c.w >= 'p'; SELECT * FROM a LEFT JOIN b ON a.x = b.x FULL JOIN c ON b.z = c.z WHERE c.w IS NOT NULL AND b.x BETWEEN 1 AND 9;
         SELECT * FROM a FULL JOIN b USING(x) WHERE x > 0; SELECT * FROM a FULL JOIN b USING(x) WHERE x = 5; SELECT * FROM a FULL JOIN b ON 0 WHERE a.y = 1 OR b.z = 10;
         SELECT * FROM a JOIN b ON a.x = b.x AND a.y < 3 RIGHT JOIN c ON c.z = b.z WHERE b.x IN (1, 5); SELECT count(*) FROM a FULL JOIN b USING(x) WHERE NOT y;
         SELECT x FROM a FULL JOIN b USING(x) ORDER BY x LIMIT 3; SELECT min(x), max(z) FROM a FULL JOIN b USING(x); SELECT min(x) FROM a RIGHT JOIN b USING(x);
         SELECT DISTINCT x FROM a FULL JOIN b USING(x); SELECT x, count(*) FROM a FULL JOIN b USING(x) GROUP BY x;",
    );
}

#[test]
fn a_left_join_whose_loop_over_a_set_never_began_gives_its_null_row() {
    check(
        "CREATE TABLE l(a, b); INSERT INTO l VALUES (1, 1), (NULL, 2), (3, 3);
         CREATE TABLE r(x, y, z); CREATE INDEX rx ON r(x, y); INSERT INTO r VALUES (1, 10, 'p'), (1, 20, 'q'), (3, 30, 's');
         CREATE TABLE s(v); INSERT INTO s VALUES (10), (20);
         SELECT b, z FROM l LEFT JOIN r ON l.a = r.x AND r.y IN (SELECT v FROM s);
         SELECT b, z FROM l LEFT JOIN r ON l.a = r.x AND r.y IN (SELECT v FROM s WHERE v > l.b + 8);
         SELECT b, z FROM l LEFT JOIN r ON l.a = r.x AND r.y IN (20, 10, 30);
         SELECT b, z FROM l FULL JOIN r ON l.a = r.x AND r.y IN (SELECT v FROM s);",
    );
}

#[test]
fn an_automatic_index_holds_what_a_union_gave_a_real_column() {
    check(
        "CREATE TABLE t1(a FLOAT, b DECIMAL(2), c PRIMARY KEY, d, e);
         INSERT INTO t1 VALUES(0.25, 2, '1e400', 2, 9), (1, -9223372036854775000, 'k53', NULL, -9223372036854775000), (5, 3, 'k', 4, 5);
         SELECT x1.c, x3.c0, typeof(x3.c0) FROM t1 x1 JOIN (SELECT a c0, a FROM t1 UNION SELECT b, d FROM t1) x3 ON x1.e = x3.c0;
         SELECT x1.c, x3.c0, typeof(x3.c0) FROM t1 x1 LEFT JOIN (SELECT a c0, a FROM t1 UNION SELECT b, d FROM t1) x3 ON x1.e = x3.c0;",
    );
}

#[test]
fn a_condition_moves_into_a_subquery_beside_outer_joins() {
    check(
        "CREATE TABLE t1(a PRIMARY KEY, b); CREATE TABLE t2(a PRIMARY KEY, b UNIQUE, c, d CLOB);
         CREATE VIEW v AS SELECT y1.b c0, y1.a c1 FROM t2 y1 UNION SELECT y1.a, y1.d FROM t2 y1;
         INSERT INTO t2 VALUES(11, 12, 1, '1'), (12, 14, NULL, 'ab'), (3, 9, 2, 1); INSERT INTO t1 VALUES(5, 5.75), (10, 1.75);
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON y.c1 > 5 AND x.b <> y.c0;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON y.c1 NOT BETWEEN NULL AND 6 OR y.c0 IN (x'00', NULL, 6, 4.25);
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON true WHERE y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON true WHERE y.c1 > 5 OR y.c1 IS NULL;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x RIGHT JOIN v y ON y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x FULL JOIN v y ON y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM v y LEFT JOIN t1 x ON y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON y.c1 > 5 RIGHT JOIN t2 ON true;
         SELECT x.a, quote(y.c1), y.c0 FROM t2 RIGHT JOIN t1 x JOIN v y ON y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t2 RIGHT JOIN t1 x JOIN v y WHERE y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t2 FULL JOIN t1 x LEFT JOIN v y ON y.c1 > 5;
         SELECT x.a, quote(y.c1), y.c0 FROM t1 x LEFT JOIN v y ON y.c1 > 5 LEFT JOIN v z ON z.c1 > 5 AND y.c1 > 5;",
    );
}

#[test]
fn an_automatic_index_finds_nulls_by_is() {
    check(
        "CREATE TABLE l(a, b TEXT, c); CREATE TABLE r(a INT, b TEXT COLLATE NOCASE, c);
         INSERT INTO l VALUES (1, 'x', 1), (NULL, 'X', 2), (3, NULL, 3), (NULL, NULL, 4), ('1', 'y', 5), (2.0, 'x', NULL);
         INSERT INTO r VALUES (1, 'X', 'p'), (NULL, 'x', 'q'), (3, NULL, 'r'), (NULL, NULL, 's'), (NULL, 'z', 't'), (2, 'Y', NULL);
         SELECT l.c, r.c FROM l JOIN r ON l.a IS r.a ORDER BY 1, 2; SELECT l.c, r.c FROM l JOIN r ON l.a = r.a ORDER BY 1, 2;
         SELECT l.c, r.c FROM l JOIN r ON r.b IS l.b ORDER BY 1, 2; SELECT l.c, r.c FROM l JOIN r ON l.a IS r.a AND l.b = r.b ORDER BY 1, 2;
         SELECT l.c, r.c FROM l JOIN r ON l.a IS r.a AND r.b IS l.b ORDER BY 1, 2; SELECT l.c, r.c FROM l JOIN r ON l.a IS NOT DISTINCT FROM r.a ORDER BY 1, 2;
         SELECT l.c, r.c FROM l LEFT JOIN r ON l.a IS r.a AND r.c > 'q' ORDER BY 1, 2; SELECT l.c, r.c FROM l LEFT JOIN r ON l.a IS r.a WHERE r.a IS NULL ORDER BY 1, 2;
         SELECT l.c FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.a IS l.a AND r.b IS l.b) ORDER BY 1; SELECT count(*) FROM l x JOIN l y ON x.a IS y.a;
         SELECT l.c, r.c FROM l JOIN (SELECT a, c FROM r UNION SELECT NULL, 'u') AS r ON r.a IS l.a ORDER BY 1, 2; SELECT count(*), sum(r.a) FROM l JOIN r ON l.a IS r.a;",
    );
}
