//! Joins of all kinds.

use crate::check_all;

#[test]
fn inner_and_outer() {
    check_all(
        r#"
        SELECT t.a, u.id FROM t, u WHERE t.a = u.a
        SELECT t.a, u.id FROM t JOIN u ON t.a = u.a
        SELECT t.a, u.id FROM t INNER JOIN u ON t.a = u.a WHERE u.id > 1
        SELECT t.a, u.id FROM t CROSS JOIN u WHERE t.a = u.a
        SELECT t.a, u.id FROM t LEFT JOIN u ON t.a = u.a
        SELECT t.a, u.id FROM t LEFT JOIN u ON t.a = u.a WHERE u.id IS NULL
        SELECT t.a, u.id FROM t LEFT JOIN u ON t.a = u.a AND u.id > 2
        SELECT t.a, u.id FROM t LEFT JOIN u ON t.a = u.a WHERE u.id > 2
        SELECT t.a, u.id FROM t LEFT JOIN u ON t.a = u.a AND t.b = 'two'
        SELECT t.a, u.id, w.k FROM t LEFT JOIN u ON t.a = u.a LEFT JOIN w ON w.v = u.id
        SELECT t.a, u.id, w.k FROM t LEFT JOIN u ON t.a = u.a JOIN w ON w.v = t.a ORDER BY 1, 2, 3
        SELECT t.a, e.a FROM t LEFT JOIN empty e ON 1
        SELECT count(*) FROM t LEFT JOIN empty e ON e.a = t.a WHERE e.a IS NULL
        SELECT * FROM t JOIN u USING (a)
        SELECT * FROM t LEFT JOIN u USING (a)
        SELECT a FROM t LEFT JOIN u USING (a) WHERE u.id IS NULL
        SELECT * FROM t NATURAL JOIN u
        SELECT a, t.a, u.a FROM t NATURAL LEFT JOIN u
        SELECT * FROM n NATURAL JOIN n AS m LIMIT 3
        SELECT e.name, b.name FROM emp e JOIN emp b ON e.boss = b.id
        SELECT e.name, b.name FROM emp e LEFT JOIN emp b ON e.boss = b.id ORDER BY e.id
        SELECT e.name, b.name, bb.name FROM emp e LEFT JOIN emp b ON e.boss = b.id LEFT JOIN emp bb ON b.boss = bb.id
        SELECT x.a, y.a, z.a FROM t x, t y, t z WHERE x.a = y.a AND y.a = z.a AND x.b < y.b
        SELECT t.a, s.id FROM t JOIN (SELECT * FROM u WHERE id < 5) s ON s.a = t.a
        SELECT t.a, s.c FROM t LEFT JOIN (SELECT a, count(*) c FROM u GROUP BY a) s ON s.a = t.a
        SELECT * FROM (SELECT a FROM t) x JOIN (SELECT a FROM u) y ON x.a = y.a
        SELECT t.a FROM (t JOIN u ON t.a = u.a) WHERE u.id > 1
        SELECT * FROM (t JOIN u USING (a)) LIMIT 2
        SELECT t.a, u.id, w2.k FROM t LEFT JOIN (u JOIN w AS w2 ON w2.v = u.a) ON t.a = u.a
        SELECT * FROM t, u USING (a) LIMIT 1
        SELECT t.a, n.y FROM t JOIN n ON n.x = t.a WHERE n.y < 12
        SELECT count(*) FROM n a JOIN n b ON a.x = b.x WHERE a.y < b.y
        SELECT a.y, b.y FROM n a JOIN n b ON a.x = b.y WHERE a.y > 45
        SELECT w.k, u.name FROM w JOIN u ON u.name = w.k
        SELECT t.b, u.name FROM t JOIN u ON t.b = u.name
        SELECT t.a, w.v FROM t JOIN w ON t.a = w.v ORDER BY w.k
        SELECT 1 FROM t, u LIMIT 1
        SELECT t.rowid, u.rowid FROM t, u WHERE t.rowid = u.rowid
        SELECT v1.a, u.id FROM v1 JOIN u ON v1.a = u.a
        SELECT u.id, t.a FROM u LEFT JOIN t ON t.a = u.id AND t.b LIKE 't%' ORDER BY u.id, t.a
        SELECT emp.name, (SELECT count(*) FROM emp e2 WHERE e2.boss = emp.id) AS subs FROM emp ORDER BY subs DESC, name
        "#,
    );
}

#[test]
fn right_and_full() {
    check_all(
        r#"
        SELECT t.a, u.id FROM t RIGHT JOIN u ON t.a = u.a
        SELECT t.a, u.id FROM t FULL JOIN u ON t.a = u.a
        SELECT t.a, u.id FROM t FULL OUTER JOIN u ON t.a = u.id
        SELECT * FROM t RIGHT JOIN u USING (a)
        SELECT * FROM t FULL JOIN u USING (a)
        SELECT a, t.a, u.a FROM t FULL JOIN u USING (a)
        SELECT * FROM empty RIGHT JOIN w ON 1
        SELECT t.a, u.id FROM t RIGHT JOIN u ON t.a = u.a WHERE t.a IS NULL
        SELECT count(*) FROM t FULL JOIN w ON t.a = w.v
        "#,
    );
}

/// ON clauses and arguments of table-valued functions may use the aliases of the result columns.
#[test]
fn aliases_in_from() {
    check_all(
        r#"
        SELECT t.a AS x, u.id FROM t JOIN u ON x = u.id ORDER BY 1, 2
        SELECT t.a AS x, u.id FROM t LEFT JOIN u ON x = u.id ORDER BY 1, 2
        SELECT t.a + 1 AS x, u.id FROM t JOIN u ON x = u.id ORDER BY 1, 2
        SELECT t.a + 1 AS a, u.id FROM t JOIN u ON a = u.id ORDER BY 1, 2
        SELECT t.a AS x, u.id FROM t JOIN u ON u.id IN (SELECT x) ORDER BY 1, 2
        SELECT t.a AS x, y + 1 AS z FROM t JOIN (SELECT 1 AS y UNION ALL SELECT 2) ON z = x ORDER BY 1, 2
        SELECT t.a AS x, j.value FROM t JOIN json_each(json_array(x, 7)) AS j ORDER BY 1, 2
        SELECT x AS x FROM t JOIN u ON x = 1
        SELECT t.a AS x FROM t JOIN (SELECT x AS y) ON x = y
        SELECT t.a AS x FROM t JOIN u ON t.x = 1
        SELECT (SELECT 1 FROM u JOIN w ON y = u.id) AS x, t.a AS y FROM t
        "#,
    );
}
