//! Error texts.

use crate::check_all;

#[test]
fn errors() {
    check_all(
        r#"
        SELECT nosuch FROM t
        SELECT t.nosuch FROM t
        SELECT x.a FROM t
        SELECT nosuch.t.a FROM t
        SELECT * FROM nosuch
        SELECT * FROM main.nosuch
        SELECT * FROM nosuch.t
        SELECT zz.* FROM t
        SELECT *
        SELECT a FROM t, u
        SELECT a FROM t x, t y
        SELECT nosuch(1)
        SELECT abs(1,2)
        SELECT abs(*)
        SELECT sum() FROM t
        SELECT sum(a) FROM t WHERE sum(a) > 1
        SELECT sum(sum(a)) FROM t
        SELECT a FROM t GROUP BY sum(a)
        SELECT sum(a) AS s FROM t WHERE s > 1
        SELECT a FROM t HAVING a > 1
        SELECT a FROM t ORDER BY sum(a)
        SELECT (1,2)
        SELECT (SELECT 1,2)
        SELECT 1 WHERE (1,2)
        SELECT (1,2) = (1,2,3)
        SELECT 1 = (1,2)
        SELECT (1,2) = 1
        SELECT (1,2) = (SELECT 1)
        SELECT 1 = (SELECT 1,2)
        SELECT a FROM t ORDER BY 3
        SELECT a FROM t ORDER BY 0
        SELECT a FROM t ORDER BY -1
        SELECT a FROM t GROUP BY 3
        SELECT a FROM t ORDER BY 1, 2, 3
        SELECT a FROM t UNION SELECT b, c FROM t
        SELECT a FROM t INTERSECT SELECT b, c FROM t
        SELECT a FROM t UNION ALL SELECT b, c FROM t
        SELECT 1 UNION SELECT 2 ORDER BY x
        SELECT 1 UNION SELECT 2 ORDER BY 2
        VALUES (1),(2,3)
        WITH c(a,b) AS (SELECT 1) SELECT * FROM c
        WITH c AS (SELECT 1), c AS (SELECT 2) SELECT * FROM c
        WITH c AS (SELECT * FROM c) SELECT * FROM c
        WITH c(x) AS (SELECT x FROM c UNION ALL SELECT 1) SELECT * FROM c
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT c.x+1 FROM c, c c2) SELECT * FROM c
        SELECT * FROM t INDEXED BY foo
        SELECT a FROM t JOIN u USING (zz)
        SELECT 1 IN (SELECT 1,2)
        SELECT (1,2) IN (SELECT 1)
        SELECT (1,2) IN (1,2)
        SELECT (1,2) IN ((1,2),3)
        SELECT a IN t FROM t
        SELECT rowid FROM t, u
        SELECT rowid FROM (SELECT * FROM t)
        SELECT rowid FROM v1
        SELECT rowid FROM w
        SELECT a FROM t WHERE b = 'x' COLLATE foo
        SELECT abs(a) FILTER (WHERE 1) FROM t
        SELECT raise(abort,'x')
        SELECT a MATCH 'b' FROM t
        SELECT 'a' REGEXP 'b'
        SELECT count(DISTINCT a, b) FROM t
        SELECT group_concat(DISTINCT a, b) FROM t
        SELECT 0x11111111111111111
        SELECT 1 LIMIT 'x'
        SELECT 1 LIMIT a
        SELECT 1 FROM t LIMIT NULL
        SELECT abs(-9223372036854775808)
        SELECT * FROM t LEFT JOIN u ON u.a = w.v LEFT JOIN w ON 1
        SELECT row_number() FROM t
        SELECT a FROM t NATURAL JOIN u USING (a)
        SELECT 'a' LIKE 'b' ESCAPE 'xx'
        SELECT * FROM t('x')
        SELECT max(a) AS m FROM t GROUP BY m
        SELECT a FROM t WHERE count(*) > 1
        "#,
    );
}
