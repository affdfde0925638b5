-- constant rows
SELECT 1
SELECT 1 WHERE 2 > 1
SELECT 1 LIMIT 1
SELECT count(*)
SELECT max(5), 1
SELECT 1 UNION SELECT 2
SELECT 1 UNION ALL SELECT 2
SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
SELECT 1 EXCEPT SELECT 2
SELECT 1 INTERSECT SELECT 2
SELECT 1 ORDER BY 1
SELECT 1 GROUP BY 1
SELECT DISTINCT 1
VALUES (1)
VALUES (1), (2)
VALUES (1, 2), (3, 4), (5, 6)
-- VALUES in FROM is a subquery like others.
SELECT * FROM (VALUES (1), (2))
    CO-ROUTINE (subquery-2)
      SCAN 2-ROW VALUES CLAUSE
    SCAN (subquery-2)
SELECT * FROM (SELECT 1 AS x)
SELECT (SELECT 1)
SELECT EXISTS (SELECT 1)
-- SQLite puts a Bloom filter before the set of an IN; ours is searched at once.
SELECT 1 IN (SELECT 2)
    SCAN CONSTANT ROW
    LIST SUBQUERY 1
      SCAN CONSTANT ROW
SELECT 1 IN (1, 2, 3, 4, 5, 6, 7, 8)
SELECT (1, 2) = (SELECT 1, 2)
-- scans
SELECT * FROM t
SELECT a FROM t
SELECT b FROM t
SELECT c, b FROM t
SELECT * FROM t AS x
-- The schema is not shown before a table's name.
SELECT * FROM main.t
    SCAN t
SELECT * FROM w
SELECT v FROM w
SELECT k FROM w
SELECT * FROM bare
SELECT rowid FROM bare
SELECT count(*) FROM t
SELECT count(*) FROM bare
-- The smaller tree is counted.
SELECT count(*) FROM w
    SCAN w USING COVERING INDEX wv
SELECT count(d) FROM t
SELECT sum(a) FROM t
SELECT sum(e) FROM t
SELECT total(b) FROM t WHERE b > 1
SELECT * FROM t LIMIT 0
SELECT * FROM t LIMIT 5 OFFSET 2
SELECT u FROM wide
SELECT q FROM wide WHERE r > 10
SELECT q FROM wide WHERE r > 20
SELECT q FROM wide WHERE r > 10 AND q = 4
SELECT * FROM wide WHERE r + 1 = 7
SELECT * FROM wide WHERE u > 4 ORDER BY u DESC
SELECT * FROM wide ORDER BY u DESC, q
SELECT * FROM wide ORDER BY u, q DESC
SELECT * FROM wide ORDER BY u, q
-- searches
SELECT * FROM t WHERE a = 1
SELECT * FROM t WHERE a > 1
SELECT * FROM t WHERE a < 1
SELECT * FROM t WHERE a BETWEEN 1 AND 3
SELECT * FROM t WHERE a IN (1, 2)
SELECT * FROM t WHERE a = 1 AND b = 2
SELECT * FROM t WHERE rowid = 1 OR rowid = 2
SELECT * FROM t WHERE b = 1
SELECT * FROM t WHERE b > 1
SELECT * FROM t WHERE b > 1 AND b < 4
SELECT * FROM t WHERE b = 1 AND a > 4
SELECT * FROM t WHERE b = 1 AND a = 4
SELECT * FROM t WHERE b IN (1, 2, 3)
SELECT * FROM t WHERE c = 'x'
SELECT * FROM t WHERE c = 'x' AND b = 1
SELECT * FROM t WHERE c = 'x' AND b > 1
SELECT * FROM t WHERE c > 'x'
SELECT * FROM t WHERE c LIKE 'x%'
SELECT * FROM t WHERE c GLOB 'x*'
SELECT * FROM t WHERE c IS NULL
SELECT * FROM t WHERE c IS NOT NULL
SELECT * FROM t WHERE d = 1
SELECT * FROM t WHERE d IS 1
SELECT * FROM t WHERE e = 1
SELECT b FROM t WHERE b = 1
SELECT b FROM t WHERE c = 'x'
SELECT * FROM s WHERE z = 'a'
SELECT * FROM s WHERE x = 1 AND y > 2
SELECT * FROM s WHERE x = 1 AND y = 2
SELECT x, y FROM s WHERE x > 1
SELECT * FROM s WHERE (x, y) > (1, 2)
SELECT * FROM s WHERE (x, y) = (1, 2)
-- A row value IN a subquery is no search by several columns.
SELECT * FROM s WHERE (x, y) IN (SELECT m, n FROM bare)
    SCAN s
    LIST SUBQUERY 1
      SCAN bare
SELECT * FROM w WHERE k = 'a'
SELECT * FROM w WHERE k = 'a' AND l = 1
SELECT * FROM w WHERE k = 'a' AND l > 1
SELECT * FROM w WHERE v = 1
SELECT k, l FROM w WHERE v = 1
SELECT * FROM w WHERE v = 1 AND k = 'b'
SELECT * FROM bare WHERE m = 1
SELECT * FROM t INDEXED BY tb WHERE b > 1
SELECT * FROM t NOT INDEXED WHERE b = 1
SELECT * FROM t WHERE +b = 1 AND d = 4
SELECT * FROM t WHERE likelihood(b = 1, 0.9) AND c = 'x'
-- or
SELECT * FROM t WHERE b = 1 OR d = 2
SELECT * FROM t WHERE a = 1 OR b = 2 OR d = 3
SELECT * FROM t WHERE b = 1 OR b = 2
SELECT * FROM t WHERE b = 1 OR e = 2
SELECT * FROM t WHERE (b = 1 AND e = 3) OR (d = 2 AND c > 'x')
SELECT a FROM t WHERE b = 1 OR d = 2 ORDER BY a
SELECT count(*) FROM t WHERE b = 1 OR d = 2
SELECT * FROM s JOIN t ON t.b = s.x OR t.d = s.y
-- Arms of an OR read the table, not only the index.
SELECT * FROM w WHERE k = 'a' OR v = 2
    MULTI-INDEX OR
      INDEX 1
        SEARCH w USING PRIMARY KEY (k=?)
      INDEX 2
        SEARCH w USING INDEX wv (v=?)
SELECT * FROM t WHERE b = 1 OR d IN (1, 2)
SELECT * FROM t WHERE b = 1 OR c = 'x' OR d IN (SELECT x FROM s)
SELECT * FROM t LEFT JOIN s ON s.x = t.b OR s.x = t.a
-- order by
SELECT * FROM t ORDER BY a
SELECT * FROM t ORDER BY a DESC
SELECT * FROM t ORDER BY b
SELECT * FROM t ORDER BY b, a
SELECT * FROM t ORDER BY b, c
SELECT * FROM t ORDER BY c, b
SELECT * FROM t ORDER BY c, b, e
SELECT * FROM t ORDER BY c, d, e
SELECT * FROM t ORDER BY e
SELECT * FROM t ORDER BY e LIMIT 3
SELECT * FROM t ORDER BY b LIMIT 3
SELECT * FROM t WHERE b = 1 ORDER BY e
SELECT * FROM t WHERE b = 1 ORDER BY a
SELECT * FROM t WHERE b > 1 ORDER BY b
SELECT * FROM t WHERE c = 'x' ORDER BY b DESC
SELECT * FROM t WHERE b IN (1, 2) ORDER BY b, a
SELECT * FROM t WHERE b IN (1, 2) ORDER BY a
SELECT c FROM t ORDER BY c DESC
SELECT * FROM w ORDER BY k, l
SELECT * FROM w ORDER BY k DESC, l DESC
SELECT * FROM w ORDER BY k, l DESC
SELECT * FROM w ORDER BY v, k
SELECT * FROM bare ORDER BY m, n
SELECT * FROM bare ORDER BY rowid
SELECT * FROM s ORDER BY z
SELECT * FROM s ORDER BY x, z
SELECT * FROM s ORDER BY x + 0
SELECT * FROM t ORDER BY 1
SELECT * FROM t ORDER BY random()
-- An index is not scanned in two parts to have NULLs last.
SELECT * FROM t ORDER BY b NULLS LAST
    SCAN t
    USE TEMP B-TREE FOR ORDER BY
SELECT * FROM t ORDER BY b DESC NULLS LAST
SELECT c, b, e FROM t ORDER BY c, e DESC, a LIMIT 7
-- Sorting by the last terms alone is taken to be worth the index, with an OFFSET too.
SELECT c, b, e FROM t ORDER BY c, b, e, a LIMIT 5 OFFSET 20
    SCAN t USING INDEX tcb
    USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY
SELECT b, e FROM t WHERE b > 2 ORDER BY b DESC, e, a LIMIT 100
SELECT b, (SELECT max(y) FROM s WHERE s.x = t.b) AS m FROM t ORDER BY b, m, a LIMIT 9 OFFSET 3
SELECT t.b, s.y FROM t JOIN s ON s.x = t.b ORDER BY t.b, s.z, s.rowid, t.a
SELECT * FROM (SELECT c, b, e FROM t ORDER BY c, e, a LIMIT 12) WHERE b > 1
-- group by, distinct, aggregates
SELECT b, count(*) FROM t GROUP BY b
SELECT c, b, count(*) FROM t GROUP BY c, b
SELECT b, c, count(*) FROM t GROUP BY b, c
SELECT e, count(*) FROM t GROUP BY e
SELECT e, count(*) FROM t GROUP BY e ORDER BY e
SELECT e, count(*) FROM t GROUP BY e ORDER BY count(*)
SELECT e, count(*) FROM t GROUP BY e ORDER BY e DESC
SELECT b, count(*) FROM t GROUP BY b ORDER BY b DESC
SELECT b, count(*) FROM t GROUP BY b ORDER BY count(*) DESC LIMIT 3
SELECT b, count(*) FROM t GROUP BY b HAVING count(*) > 1
SELECT b, count(DISTINCT e) FROM t GROUP BY b
SELECT count(DISTINCT b) FROM t
SELECT count(DISTINCT e) FROM t
SELECT count(DISTINCT e), sum(DISTINCT c) FROM t
SELECT count(DISTINCT e), count(DISTINCT d) FROM t GROUP BY c
SELECT group_concat(c ORDER BY e) FROM t
SELECT group_concat(c ORDER BY c) FROM t GROUP BY b
SELECT DISTINCT b FROM t
SELECT DISTINCT e FROM t
SELECT DISTINCT c, b FROM t
SELECT DISTINCT b, c FROM t
SELECT DISTINCT a FROM t
-- DISTINCT hashes its rows before they are sorted.
SELECT DISTINCT e FROM t ORDER BY e
    SCAN t
    USE TEMP B-TREE FOR DISTINCT
    USE TEMP B-TREE FOR ORDER BY
SELECT DISTINCT e FROM t ORDER BY b
SELECT DISTINCT c FROM t ORDER BY e
SELECT DISTINCT b FROM t ORDER BY b
SELECT DISTINCT b, count(*) FROM t GROUP BY b
SELECT DISTINCT count(*) FROM t GROUP BY b
SELECT DISTINCT c FROM t WHERE c > 'b' LIMIT 3
SELECT DISTINCT c, b FROM t ORDER BY c, b
SELECT DISTINCT c, b FROM t ORDER BY b, c
SELECT DISTINCT x FROM s WHERE x > 2
SELECT count(DISTINCT c), max(e) FROM t WHERE c > 'b'
SELECT count(DISTINCT x) FROM s
SELECT sum(DISTINCT b) FROM t WHERE b IN (1, 3)
SELECT DISTINCT count(*) FROM t GROUP BY e ORDER BY 1
SELECT min(a) FROM t
SELECT max(b) FROM t
SELECT min(e) FROM t
SELECT max(c) FROM t WHERE c < 'x'
SELECT min(b), max(b) FROM t
SELECT max(l) FROM w WHERE k = 'a'
SELECT max(k) FROM w
SELECT b, max(e) FROM t GROUP BY b
SELECT t.b, count(*) FROM t JOIN s ON s.x = t.b GROUP BY t.b
SELECT s.z, count(*) FROM t JOIN s ON s.x = t.b GROUP BY s.z ORDER BY 2
-- joins
SELECT * FROM t, s
SELECT * FROM t, s WHERE t.a = s.x
SELECT * FROM t JOIN s ON t.b = s.x
SELECT * FROM t JOIN s ON t.b = s.x AND t.c = s.z
SELECT * FROM t CROSS JOIN s ON t.b = s.x
SELECT * FROM s CROSS JOIN t ON t.b = s.x
SELECT * FROM t JOIN bare ON t.a = bare.m
SELECT * FROM bare JOIN s ON bare.m = s.z
SELECT * FROM bare AS p JOIN bare AS q ON p.m = q.n
SELECT * FROM bare AS p JOIN bare AS q ON p.m = q.n AND q.o = 3
SELECT * FROM bare AS p JOIN bare AS q USING (m, n)
SELECT * FROM t LEFT JOIN s ON t.b = s.x
SELECT * FROM t LEFT JOIN bare ON t.b = bare.m
SELECT * FROM bare LEFT JOIN t ON t.a = bare.m
SELECT bare.m FROM bare LEFT JOIN t ON t.a = bare.m
SELECT * FROM bare LEFT JOIN t ON t.a = bare.m WHERE t.b = 3
SELECT * FROM t RIGHT JOIN s ON t.b = s.x
SELECT * FROM t RIGHT JOIN bare ON t.a = bare.m
SELECT * FROM bare RIGHT JOIN t ON t.a = bare.m
SELECT * FROM t FULL JOIN s ON t.b = s.x
SELECT * FROM bare AS p FULL JOIN bare AS q ON p.m = q.m
SELECT * FROM t RIGHT JOIN s ON t.b = s.x LEFT JOIN bare ON bare.m = s.y
SELECT * FROM t NATURAL JOIN child
-- What an index holds of an expression is read from it.
SELECT r + 1 FROM wide WHERE r + 1 > 5
SELECT r + 1 FROM wide
-- SQLite reads the columns of the expression in aggregate queries and for DISTINCT.
SELECT r + 1 + 1, count(*) FROM wide WHERE r + 1 IN (1, 2)
    SEARCH wide USING COVERING INDEX wr (<expr>=?)
SELECT r + 1, q FROM wide WHERE r + 1 = 2
SELECT max(r + 1) FROM wide
SELECT DISTINCT r + 1 FROM wide ORDER BY 1 DESC
    SCAN wide USING COVERING INDEX wr
SELECT t.b FROM t JOIN wide ON wide.r + 1 = t.b
-- The index that SQLite scans here neither finds the rows nor covers them.
SELECT t.b, wide.r + 1 FROM t LEFT JOIN wide ON wide.r + 1 = t.b
    SCAN t USING COVERING INDEX tb
    SCAN wide LEFT-JOIN
SELECT (SELECT max(y.r + 1) FROM wide AS y WHERE y.r + 1 < x.r + 1) FROM wide AS x
SELECT row_number() OVER (ORDER BY r + 1) FROM wide
UPDATE wide SET q = 1 WHERE r + 1 = 3
SELECT json_array(json_extract(q, '$')) FROM documents WHERE p = 1
SELECT json_extract(q, '$') FROM documents WHERE p = 1
-- No automatic index where an index begins with the column, whatever that serves.
SELECT bare.n FROM bare JOIN guarded ON bare.m = guarded.p
SELECT bare.n FROM bare CROSS JOIN guarded ON bare.m = guarded.p
SELECT bare.n FROM bare CROSS JOIN guarded ON bare.m = guarded.q
SELECT bare.n FROM bare LEFT JOIN guarded ON bare.m = guarded.p
SELECT bare.n FROM bare CROSS JOIN w ON bare.m COLLATE nocase = w.k
-- Join orders of equal estimated cost.
SELECT * FROM t, s, w WHERE t.b = s.x AND w.k = t.c
    SCAN t
    SEARCH s USING INDEX sx (x=?)
    SEARCH w USING PRIMARY KEY (k=?)
-- Join orders of equal estimated cost.
SELECT * FROM t, s, w, bare WHERE t.b = s.x AND w.k = t.c AND bare.m = w.v
    SCAN t
    SEARCH s USING INDEX sx (x=?)
    SEARCH w USING PRIMARY KEY (k=?)
    BLOOM FILTER ON bare (m=?)
    SEARCH bare USING AUTOMATIC COVERING INDEX (m=?)
SELECT * FROM t JOIN child ON child.parent = t.a WHERE t.b = 3
SELECT * FROM t, s WHERE t.b = s.x ORDER BY t.b
-- No index is scanned for an order that it does not have.
SELECT * FROM t, s WHERE t.b = s.x ORDER BY s.y
    SCAN s
    SEARCH t USING INDEX tb (b=?)
    USE TEMP B-TREE FOR ORDER BY
SELECT * FROM t, s WHERE t.a = s.x ORDER BY s.x, s.y
SELECT count(*) FROM t, s WHERE t.b = s.x AND s.y > 4
SELECT * FROM t JOIN json_each(t.c) AS j
SELECT * FROM t, json_each('[1,2]') AS j WHERE j.value = t.b
-- subqueries in FROM, views
SELECT * FROM (SELECT a, b FROM t)
SELECT * FROM (SELECT a, b FROM t) AS x WHERE x.a = 1
SELECT * FROM (SELECT DISTINCT b FROM t) AS x
-- Subqueries that fold rows are taken to be as large as what they read, and searched by an automatic index.
SELECT * FROM (SELECT DISTINCT e FROM t) AS x JOIN s ON s.x = x.e
    MATERIALIZE x
      SCAN t
      USE TEMP B-TREE FOR DISTINCT
    SCAN s
    BLOOM FILTER ON x (e=?)
    SEARCH x USING AUTOMATIC COVERING INDEX (e=?)
SELECT * FROM (SELECT b, count(*) AS n FROM t GROUP BY b)
SELECT * FROM (SELECT b, count(*) AS n FROM t GROUP BY b) AS x JOIN s ON s.x = x.n
-- Subqueries that fold rows are taken to be as large as what they read, and searched by an automatic index.
SELECT * FROM s JOIN (SELECT b, count(*) AS n FROM t GROUP BY b) AS x ON s.x = x.b
    MATERIALIZE x
      SCAN t USING COVERING INDEX tb
    SCAN s
    BLOOM FILTER ON x (b=?)
    SEARCH x USING AUTOMATIC COVERING INDEX (b=?)
SELECT * FROM s LEFT JOIN (SELECT b, count(*) AS n FROM t GROUP BY b) AS x ON s.x = x.b
SELECT * FROM s LEFT JOIN (SELECT b, e FROM t WHERE e > 4) AS x ON s.x = x.b
SELECT * FROM (SELECT * FROM t ORDER BY e LIMIT 5) AS x, s WHERE s.x = x.b
SELECT * FROM (SELECT * FROM t ORDER BY e) AS x WHERE b > 3
SELECT * FROM (SELECT * FROM t LIMIT 5) WHERE b > 3
-- A subquery with LIMIT stays one where the outer query sorts.
SELECT * FROM (SELECT * FROM t LIMIT 5) ORDER BY e
    CO-ROUTINE (subquery-1)
      SCAN t
    SCAN (subquery-1)
    USE TEMP B-TREE FOR ORDER BY
SELECT * FROM (SELECT a FROM t UNION ALL SELECT x FROM s)
SELECT * FROM (SELECT a FROM t UNION ALL SELECT x FROM s) WHERE a = 3
SELECT * FROM (SELECT a FROM t UNION SELECT x FROM s) WHERE a = 3
SELECT * FROM (SELECT a FROM t UNION ALL SELECT x FROM s) ORDER BY 1
SELECT * FROM (SELECT a FROM t UNION ALL SELECT x FROM s) AS u JOIN bare ON bare.m = u.a
-- The subqueries that are counted have other numbers.
SELECT count(*) FROM (SELECT a FROM t UNION ALL SELECT x FROM s)
    SCAN CONSTANT ROW
    SCALAR SUBQUERY 4
      SCAN t USING COVERING INDEX td
    SCALAR SUBQUERY 5
      SCAN s USING COVERING INDEX sx
SELECT * FROM tv
SELECT * FROM tv WHERE c = 'x'
SELECT * FROM tv JOIN s ON s.x = tv.b
SELECT * FROM ta
SELECT * FROM ta WHERE b = 3
SELECT * FROM ta WHERE n > 3
-- Subqueries that fold rows are taken to be as large as what they read, and searched by an automatic index.
SELECT * FROM ta JOIN s ON s.x = ta.b
    MATERIALIZE ta
      SCAN t USING INDEX tb
    SCAN s
    BLOOM FILTER ON ta (b=?)
    SEARCH ta USING AUTOMATIC COVERING INDEX (b=?)
SELECT * FROM tu
SELECT * FROM tu WHERE b = 3
SELECT * FROM tu ORDER BY a
SELECT * FROM tu JOIN w ON w.v = tu.b
-- The subqueries that are counted have other numbers.
SELECT count(*) FROM tu
    SCAN CONSTANT ROW
    SCALAR SUBQUERY 4
      SCAN t USING COVERING INDEX td
    SCALAR SUBQUERY 5
      SCAN s USING COVERING INDEX sx
SELECT * FROM (SELECT max(b) FROM t)
SELECT * FROM (SELECT max(b) AS m FROM t) AS x, bare WHERE bare.m = x.m
SELECT * FROM (SELECT a FROM t WHERE b > (SELECT max(y) FROM s)) AS q
SELECT * FROM (t JOIN s ON t.b = s.x)
SELECT * FROM bare LEFT JOIN (t JOIN s ON t.b = s.x) ON t.a = bare.m
-- common table expressions
WITH x AS (SELECT * FROM t) SELECT * FROM x
WITH x AS (SELECT * FROM t) SELECT * FROM x AS p, x AS q WHERE p.a = q.b
WITH x AS (SELECT a, b FROM t WHERE b > 3) SELECT a FROM x WHERE b = (SELECT max(b) FROM x)
WITH x AS (SELECT DISTINCT b FROM t) SELECT * FROM x AS p
WITH x AS (SELECT b, count(*) AS n FROM t GROUP BY b) SELECT * FROM x AS p, x AS q WHERE p.n = q.b
WITH x AS MATERIALIZED (SELECT * FROM t) SELECT * FROM x WHERE a = 1
SELECT * FROM ta AS p
WITH x AS NOT MATERIALIZED (SELECT * FROM t) SELECT * FROM x AS p, x AS q WHERE p.a = q.b
-- VALUES in a CTE has the same name as elsewhere.
WITH x AS (VALUES (1), (2)) SELECT * FROM x
    CO-ROUTINE x
      SCAN 2-ROW VALUES CLAUSE
    SCAN x
WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 10) SELECT * FROM x
WITH RECURSIVE x(n) AS (SELECT 1 UNION SELECT n + 1 FROM x WHERE n < 10) SELECT * FROM x
WITH RECURSIVE x(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM x LIMIT 10) SELECT * FROM x ORDER BY n DESC
WITH RECURSIVE x(n) AS (SELECT a FROM t WHERE b = 1 UNION ALL SELECT t.a FROM t, x WHERE t.b = x.n AND t.a > x.n) SELECT * FROM x
-- The recursion is computed before the loop that searches it.
WITH RECURSIVE x(n) AS (SELECT a FROM t WHERE b = 1 UNION ALL SELECT t.a FROM t JOIN x ON t.b = x.n AND t.a > x.n ORDER BY 1) SELECT * FROM x JOIN s ON s.x = x.n
    MATERIALIZE x
      SETUP
        SEARCH t USING COVERING INDEX tb (b=?)
      RECURSIVE STEP
        SCAN x
        SEARCH t USING COVERING INDEX tb (b=? AND rowid>?)
    SCAN s
    BLOOM FILTER ON x (n=?)
    SEARCH x USING AUTOMATIC COVERING INDEX (n=?)
WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 5 UNION ALL SELECT n + 2 FROM x WHERE n < 5) SELECT count(*) FROM x
WITH x AS (SELECT 1), y AS (SELECT 2) SELECT * FROM x, y
-- subqueries in expressions
SELECT (SELECT max(y) FROM s) FROM t
SELECT (SELECT y FROM s WHERE s.x = t.b) FROM t
SELECT (SELECT count(*) FROM s WHERE s.x = t.b) AS n FROM t WHERE n > 3
SELECT a, (SELECT y FROM s WHERE s.x = t.b ORDER BY y LIMIT 1) FROM t
SELECT * FROM t WHERE b = (SELECT max(y) FROM s)
SELECT * FROM t WHERE b > (SELECT y FROM s WHERE s.x = t.a)
SELECT * FROM t WHERE b IN (SELECT y FROM s)
SELECT * FROM t WHERE b IN (SELECT x FROM s)
-- The loop runs over a sorted set of the rowids.
SELECT * FROM t WHERE b IN (SELECT a FROM t)
    SEARCH t USING INDEX tb (b=?)
    LIST SUBQUERY 1
      SCAN t USING COVERING INDEX td
-- SQLite puts a Bloom filter before the set of an IN; ours is searched at once.
SELECT * FROM t WHERE e IN (SELECT y FROM s)
    SCAN t
    LIST SUBQUERY 1
      SCAN s USING COVERING INDEX sx
SELECT * FROM t WHERE e IN (SELECT x FROM s)
-- SQLite puts a Bloom filter before the set of an IN; ours is searched at once.
SELECT * FROM t WHERE e NOT IN (SELECT y FROM s)
    SCAN t
    LIST SUBQUERY 1
      SCAN s USING COVERING INDEX sx
SELECT * FROM t WHERE a IN (SELECT m FROM bare)
SELECT * FROM t WHERE e IN (SELECT y FROM s WHERE s.x = t.b)
SELECT * FROM t WHERE b IN (SELECT y FROM s UNION SELECT m FROM bare)
SELECT a, b NOT IN (SELECT x FROM s), c IN (SELECT c FROM t), 7 IN (SELECT a FROM t) FROM t
SELECT a, e IN (SELECT a FROM t), c NOT IN (SELECT a FROM t), NULL IN (SELECT a FROM t) FROM t
-- SQLite puts a Bloom filter before the set of an IN; ours is searched at once.
SELECT a, d IN (SELECT k FROM w), NULL NOT IN (SELECT x FROM s WHERE x > 1000) FROM t
    SCAN t USING COVERING INDEX td
    USING INDEX sqlite_autoindex_w_1 FOR IN-OPERATOR
    LIST SUBQUERY 2
      SEARCH s USING COVERING INDEX sx (x>?)
-- A row value that may be NULL is looked for in a set of its own.
SELECT (m, n) IN (SELECT x, y FROM s), (m, n) NOT IN (SELECT x, y FROM s) FROM bare
    SCAN bare
    LIST SUBQUERY 1
      SCAN s USING COVERING INDEX sx
    LIST SUBQUERY 2
      SCAN s USING COVERING INDEX sx
-- SQLite puts a Bloom filter before the set of an IN; ours is searched at once.
SELECT * FROM bare WHERE m IN (SELECT a FROM t WHERE b > 3)
    SCAN bare
    LIST SUBQUERY 1
      SEARCH t USING COVERING INDEX tb (b>?)
SELECT * FROM bare WHERE (m, n) IN (SELECT x, y FROM s)
SELECT * FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.a = bare.m)
SELECT * FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.b = bare.m AND t.e > 3)
SELECT * FROM bare WHERE EXISTS (SELECT 1 FROM t)
SELECT * FROM bare WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.a = bare.m)
SELECT * FROM bare WHERE NOT EXISTS (SELECT 1 FROM t)
-- A correlated subquery may build an automatic index that its later runs use.
SELECT * FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.e = bare.m) OR n = 3
    SCAN bare
    CORRELATED SCALAR SUBQUERY 1
      BLOOM FILTER ON t (e=?)
      SEARCH t USING AUTOMATIC COVERING INDEX (e=?)
SELECT EXISTS (SELECT 1 FROM t WHERE b = 3)
SELECT * FROM t ORDER BY (SELECT y FROM s WHERE s.x = t.a)
SELECT b, (SELECT max(y) FROM s WHERE s.x = t.b) FROM t GROUP BY b
SELECT b FROM t GROUP BY b HAVING count(*) > (SELECT max(y) FROM s)
SELECT (SELECT a FROM t WHERE b = (SELECT max(y) FROM s))
SELECT CASE WHEN b IN (SELECT x FROM s) THEN 1 ELSE (SELECT max(m) FROM bare) END FROM t
SELECT * FROM t WHERE (SELECT count(*) FROM s WHERE x = t.a) > 2 AND (SELECT count(*) FROM bare WHERE m = t.a) > 1
-- Join orders of equal estimated cost.
SELECT * FROM t, s WHERE t.b = s.x AND t.e = (SELECT max(e) FROM t AS i WHERE i.b = t.b)
    SCAN t
    CORRELATED SCALAR SUBQUERY 1
      SEARCH i USING INDEX tb (b=?)
    SEARCH s USING INDEX sx (x=?)
SELECT * FROM t WHERE a = (SELECT max(a) FROM t)
SELECT * FROM t LIMIT (SELECT count(*) FROM s)
-- compounds
SELECT a FROM t UNION SELECT x FROM s
SELECT a FROM t UNION ALL SELECT x FROM s
SELECT a FROM t EXCEPT SELECT x FROM s
SELECT a FROM t INTERSECT SELECT x FROM s
SELECT a FROM t UNION SELECT x FROM s UNION SELECT m FROM bare
SELECT a FROM t UNION ALL SELECT x FROM s UNION SELECT m FROM bare
SELECT a FROM t UNION SELECT x FROM s EXCEPT SELECT m FROM bare
SELECT a FROM t UNION SELECT x FROM s ORDER BY 1
SELECT a FROM t UNION ALL SELECT x FROM s ORDER BY 1
SELECT b FROM t UNION ALL SELECT x FROM s ORDER BY 1
SELECT e FROM t UNION ALL SELECT m FROM bare ORDER BY 1
SELECT e FROM t EXCEPT SELECT m FROM bare ORDER BY 1
SELECT e FROM t INTERSECT SELECT m FROM bare ORDER BY 1
SELECT a, b FROM t UNION ALL SELECT x, y FROM s ORDER BY 2, 1 LIMIT 4
SELECT a FROM t UNION ALL SELECT x FROM s LIMIT 3
SELECT a FROM t WHERE b = 1 UNION ALL SELECT a FROM t WHERE d = 2
SELECT b, count(*) FROM t GROUP BY b UNION SELECT x, count(*) FROM s GROUP BY x
VALUES (1), (2) UNION SELECT a FROM t
-- A set operation collects its rows in one ordered set: arms need no order of their own, and equal operators share the set.
SELECT a FROM t UNION SELECT * FROM (SELECT x FROM s ORDER BY y LIMIT 3)
-- A set operation collects its rows in one ordered set: arms need no order of their own, and equal operators share the set.
SELECT 1 UNION SELECT a FROM t ORDER BY 1 DESC
-- windows
SELECT row_number() OVER () FROM t
SELECT row_number() OVER (ORDER BY b) FROM t
SELECT row_number() OVER (ORDER BY e) FROM t
SELECT sum(e) OVER (PARTITION BY b ORDER BY a) FROM t
SELECT sum(e) OVER (PARTITION BY c ORDER BY e), count(*) OVER () FROM t
-- A window's rows always go through a sorter: indexes are not asked for its order.
SELECT rank() OVER (ORDER BY e) AS r FROM t ORDER BY r
    CO-ROUTINE (subquery-2)
      SCAN t
      USE TEMP B-TREE FOR ORDER BY
    SCAN (subquery-2)
    USE TEMP B-TREE FOR ORDER BY
SELECT rank() OVER (ORDER BY e) AS r FROM t ORDER BY b
SELECT b, sum(count(*)) OVER (ORDER BY b) FROM t GROUP BY b
SELECT * FROM (SELECT a, row_number() OVER (PARTITION BY b ORDER BY e) AS r FROM t) WHERE r = 1
-- lead and lag go through the window's rows together.
SELECT lead(a) OVER w, lag(a) OVER w FROM t WINDOW w AS (ORDER BY b)
    CO-ROUTINE (subquery-2)
      SCAN t USING COVERING INDEX tb
    SCAN (subquery-2)
SELECT DISTINCT sum(e) OVER (PARTITION BY b) FROM t
-- changes of rows
INSERT INTO bare VALUES (1, 2, 3)
INSERT INTO bare SELECT a, b, c FROM t
INSERT INTO bare SELECT a, b, c FROM t ORDER BY e
INSERT INTO bare SELECT m, n, o FROM bare
INSERT INTO bare VALUES (1, 2, 3), (4, 5, 6)
INSERT INTO t(a, b) VALUES (1, 2) ON CONFLICT(a) DO UPDATE SET b = excluded.b
INSERT INTO child VALUES (1, 2, 'x')
INSERT INTO bare VALUES ((SELECT max(a) FROM t), 2, 3)
UPDATE t SET e = 1
UPDATE t SET e = 1 WHERE a = 3
-- Keys of rows to be changed are collected from the index alone.
UPDATE t SET b = 1 WHERE b = 3
    SEARCH t USING COVERING INDEX tb (b=?)
UPDATE t SET e = (SELECT max(y) FROM s WHERE s.x = t.b)
UPDATE t SET e = y FROM s WHERE s.x = t.b
UPDATE w SET v = 1 WHERE k = 'a'
-- Keys of rows to be changed are collected from the index alone.
UPDATE bare SET m = 1 WHERE n IN (SELECT b FROM t)
    SCAN bare
    LIST SUBQUERY 1
      SCAN t USING COVERING INDEX tb
UPDATE t SET e = 1 WHERE b = 1 OR d = 2
DELETE FROM t
DELETE FROM t WHERE a = 1
-- Keys of rows to be changed are collected from the index alone.
DELETE FROM t WHERE b = 1
    SEARCH t USING COVERING INDEX tb (b=?)
DELETE FROM t WHERE b IN (SELECT x FROM s)
DELETE FROM bare WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.a = bare.m)
DELETE FROM w WHERE k = 'a'
DELETE FROM t WHERE b = 1 OR d = 2
REPLACE INTO t(a, b) SELECT x, y FROM s
CREATE TABLE made AS SELECT b, count(*) FROM t GROUP BY b
CREATE INDEX made ON bare(m)
CREATE VIEW made AS SELECT * FROM t
DROP TABLE bare
PRAGMA table_info(t)
BEGIN
-- DISTINCT shows rows in the order in which they come, of which an index may give a part
SELECT DISTINCT c, d FROM t
SELECT DISTINCT b, d FROM t
SELECT DISTINCT d, b FROM t
SELECT DISTINCT y, x FROM s
SELECT DISTINCT u, p FROM wide
-- ordered compounds
SELECT a, b FROM t UNION SELECT x, y FROM s ORDER BY 2
SELECT a, b FROM t EXCEPT SELECT x, y FROM s ORDER BY 2 DESC LIMIT 3
SELECT a, b FROM t INTERSECT SELECT x, y FROM s UNION SELECT m, n FROM bare ORDER BY 1, 2
SELECT b, c FROM t UNION ALL SELECT y, z FROM s UNION ALL SELECT m, n FROM bare ORDER BY 1 LIMIT 10
-- A constant is carried to the columns of subqueries, whose rows are then read as they are.
SELECT * FROM (SELECT DISTINCT y FROM s) AS q JOIN t ON t.b = q.y WHERE t.b = 3
    MATERIALIZE q
      SCAN s USING COVERING INDEX sx
    SEARCH t USING INDEX tb (b=?)
    SCAN q
SELECT * FROM (SELECT x, count(*) AS n FROM s GROUP BY x) AS q JOIN t ON t.b = q.x WHERE t.b = 3
    MATERIALIZE q
      SEARCH s USING COVERING INDEX sx (x=?)
    SEARCH t USING INDEX tb (b=?)
    SCAN q
SELECT * FROM (SELECT DISTINCT x FROM s) AS q, t, child WHERE child.parent = t.b AND t.b = q.x AND child.parent = 4
    MATERIALIZE q
      SCAN s USING COVERING INDEX sx
    SCAN child
    SEARCH t USING INDEX tb (b=?)
    BLOOM FILTER ON q (x=?)
    SEARCH q USING AUTOMATIC COVERING INDEX (x=?)
SELECT * FROM (SELECT DISTINCT x FROM s) AS q, t WHERE t.c = q.x AND t.c = 4
    MATERIALIZE q
      SCAN s USING COVERING INDEX sx
    SEARCH t USING INDEX tcb (c=?)
    BLOOM FILTER ON q (x=?)
    SEARCH q USING AUTOMATIC COVERING INDEX (x=?)
-- Conditions whose subqueries run for each row come after the cheap ones of loops that find one row at most.
SELECT * FROM t JOIN child ON child.id = t.b WHERE t.e = (SELECT max(e) FROM t AS u WHERE u.c = t.c) AND child.name LIKE '%x%'
    SCAN t
    SEARCH child USING INTEGER PRIMARY KEY (rowid=?)
    CORRELATED SCALAR SUBQUERY 1
      SEARCH u USING INDEX tcb (c=?)
SELECT * FROM t JOIN child ON child.id = t.b WHERE t.e = (SELECT max(e) FROM t AS u WHERE u.c = t.c)
-- What a pattern asks for counts, a comparison within one table does not.
SELECT * FROM t JOIN child ON child.id = t.b WHERE child.name LIKE '%abcdef%' AND t.e > 3
SELECT * FROM t JOIN child ON child.id = t.b WHERE child.name GLOB '*a[bc]d*' AND t.e <> 3 AND t.e <> 4
SELECT * FROM t JOIN child ON child.id = t.b WHERE child.name LIKE '%ab%' AND t.e = t.d
SELECT * FROM t JOIN child ON child.id = t.b WHERE child.name NOT LIKE '%abcdef%' AND t.e > 3
SELECT * FROM t JOIN child ON child.id = t.b WHERE child.name LIKE '%abcdef%' AND t.e = (SELECT max(e) FROM t AS u WHERE u.c = t.c)
    SCAN t
    SEARCH child USING INTEGER PRIMARY KEY (rowid=?)
    CORRELATED SCALAR SUBQUERY 1
      SEARCH u USING INDEX tcb (c=?)
SELECT * FROM t JOIN child ON child.id = t.b WHERE child.name LIKE '%abcdef%' AND t.e = 5
-- partial indexes: their conditions are met by constants on either side, and they are read in full for what they leave out
SELECT q FROM wide WHERE 10 < r
SELECT p, u FROM wide WHERE r > 10 AND u <> 3
SELECT p FROM wide WHERE 10 < r ORDER BY q DESC
