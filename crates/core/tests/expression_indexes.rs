//! What indexes on expressions hold: read from them, or computed where another access is chosen.

#[path = "support/mod.rs"]
mod support;

use support::check;

#[test]
fn expressions_have_the_same_values_whatever_access_is_chosen() {
    let tables = "CREATE TABLE t(a, b TEXT COLLATE NOCASE, c, d, g AS (a || '!'));
         CREATE INDEX i ON t(a + 1, c); CREATE INDEX j ON t(lower(b), c); CREATE INDEX k ON t(c, json_extract(d, '$.x'));
         CREATE INDEX l ON t(CAST(a AS REAL)); CREATE INDEX m ON t(+b, upper(g)); CREATE INDEX n ON t(coalesce(d, 'none'), a + 1);
         INSERT INTO t(a, b, c, d) VALUES (1, 'B', 1, '{\"x\":[1]}'), (2, 'a', 1, '{\"x\":{\"y\":2}}'), (3, 'b', 2, NULL),
           ('4', 'A', 2, '{\"x\":\"s\"}'), (NULL, NULL, 3, NULL), (5.5, 'c', NULL, '{}'), (x'31', 'C', 4, '[1]');
         CREATE TABLE u(p, q); INSERT INTO u VALUES (2, 'b'), (3, 'A'), (NULL, 'none'), (6.5, NULL);";
    let queries = "SELECT a + 1 FROM t ORDER BY 1; SELECT a + 1, typeof(a + 1), c FROM t WHERE a + 1 > 2; SELECT lower(b), c FROM t ORDER BY 1, 2;
         SELECT CAST(a AS REAL), typeof(CAST(a AS REAL)), CAST(a AS REAL) + 1 FROM t WHERE CAST(a AS REAL) > 1; SELECT +b FROM t WHERE +b > 'a';
         SELECT count(*), +b FROM t GROUP BY +b; SELECT lower(b), count(*), sum(c) FROM t GROUP BY lower(b) HAVING lower(b) > 'a';
         SELECT lower(b) || 'x', max(a + 1) FROM t GROUP BY 1 ORDER BY 1 DESC; SELECT min(a + 1), max(lower(b)), max(CAST(a AS REAL)) FROM t;
         SELECT json_extract(d, '$.x') FROM t WHERE c = 1; SELECT json_array(json_extract(d, '$.x')) FROM t WHERE c = 1;
         SELECT json_group_array(json_extract(d, '$.x')) FROM t WHERE c < 3; SELECT json_array(x) FROM (SELECT json_extract(d, '$.x') AS x FROM t WHERE c = 1);
         SELECT upper(g), +b FROM t WHERE +b = 'b'; SELECT DISTINCT a + 1 FROM t ORDER BY 1 DESC; SELECT a + 1 FROM t WHERE c = 1 OR a + 1 = 4 ORDER BY 1;
         SELECT coalesce(d, 'none'), a + 1 FROM t WHERE coalesce(d, 'none') = 'none' ORDER BY 2; SELECT u.q, coalesce(t.d, 'none') FROM u LEFT JOIN t ON t.a + 1 = u.p AND t.c = 9;
         SELECT u.q, coalesce(t.d, 'none') FROM t RIGHT JOIN u ON t.a + 1 = u.p ORDER BY 1, 2; SELECT coalesce(t.d, 'none'), u.p FROM t LEFT JOIN u ON t.a + 1 = u.p ORDER BY 1, 2;
         SELECT x.a + 1, y.q FROM t AS x JOIN u AS y ON x.a + 1 = y.p; SELECT p, (SELECT lower(b) FROM t WHERE a + 1 = p) FROM u;
         SELECT a + 1, (SELECT count(*) FROM t AS y WHERE y.a + 1 < x.a + 1) FROM t AS x; SELECT * FROM u WHERE EXISTS (SELECT 1 FROM t WHERE a + 1 = p);
         SELECT row_number() OVER (ORDER BY a + 1), a + 1 FROM t; SELECT sum(c) OVER (PARTITION BY lower(b) ORDER BY a + 1), lower(b), a + 1 FROM t ORDER BY 3, 2, 1;
         WITH w AS (SELECT lower(b) AS x, a + 1 AS y FROM t) SELECT x, count(y) FROM w GROUP BY x; WITH w AS MATERIALIZED (SELECT a + 1 AS y FROM t) SELECT sum(y) FROM w;
         SELECT a + 1 FROM t UNION SELECT p FROM u ORDER BY 1; SELECT a + 1 IN (SELECT p FROM u), a + 1 FROM t ORDER BY 2; SELECT p FROM u WHERE p IN (SELECT a + 1 FROM t);
         SELECT y.s FROM (SELECT lower(b) AS s FROM t) AS y JOIN u ON lower(u.q) = y.s ORDER BY 1;
         UPDATE t SET c = 7 WHERE a + 1 = 3; DELETE FROM t WHERE lower(b) = 'c' RETURNING a + 1; INSERT INTO u SELECT a + 1, lower(b) FROM t WHERE a + 1 > 1;
         UPDATE u SET q = lower(b) FROM t WHERE t.a + 1 = u.p; SELECT * FROM u ORDER BY 1, 2; CREATE VIEW v AS SELECT a + 1 AS z, b FROM t; SELECT z FROM v WHERE z > 2;
         CREATE TRIGGER r AFTER INSERT ON u BEGIN UPDATE t SET c = c + 1 WHERE a + 1 = new.p; INSERT INTO u SELECT a + 1, 'r' FROM t WHERE a + 1 = new.p AND new.q <> 'r'; END;
         INSERT INTO u VALUES (3, 'new'); SELECT * FROM u ORDER BY 1, 2; SELECT a + 1, c FROM t ORDER BY 1; PRAGMA integrity_check;";
    check(&format!("{tables} {queries}"));
    let unused: String = ["i", "j", "k", "l", "m", "n"].iter().map(|index| format!("DROP INDEX {index};")).collect();
    check(&format!("{tables} {unused} {queries}"));
    for tier in ["row", "batch"] {
        support::check_with(&format!("PRAGMA execution_tier = {tier}"), &format!("{tables} {queries}"));
    }
}
