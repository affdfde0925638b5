//! Columns, names, WHERE, ORDER BY, LIMIT, DISTINCT.

use crate::check_all;

#[test]
fn constants_and_names() {
    check_all(
        r#"
        SELECT 1
        SELECT 1, 'two', 3.0, NULL, x'04', -5, +6, ~7, NOT 8
        SELECT 1 AS one, 2 two, 3 'three', 4 "four", 5 [five], 6 `six`
        SELECT 1+1, 1 + 1 , (1+1), ( 1 ) , 'a'||'b'
        SELECT true, false, TRUE, "true", 'true'
        SELECT 0x10, 0xFFFFFFFFFFFFFFFF, 9223372036854775807, 9223372036854775808, -9223372036854775808, 1e3, .5, 5., 1_000
        SELECT CURRENT_TIMESTAMP > '2000', typeof(CURRENT_DATE), length(CURRENT_TIME)
        SELECT a, B, "a", [b], t.a, main.t.c, (d) FROM t LIMIT 1
        SELECT * FROM t
        SELECT t.* FROM t
        SELECT *, a FROM t LIMIT 2
        SELECT x.* FROM t AS x LIMIT 2
        SELECT x.a, y.a FROM t x, t y LIMIT 3
        SELECT rowid, * FROM t LIMIT 2
        SELECT rowid, oid, _rowid_, id FROM u
        SELECT u.rowid, main.u.oid FROM u LIMIT 1
        SELECT "no such" FROM t LIMIT 1
        SELECT "abc"
        SELECT count(*), COUNT( a ), max (a) FROM t
        SELECT * FROM w
        SELECT k, v FROM w WHERE k = 'b'
        SELECT * FROM empty
        SELECT * FROM v1
        SELECT * FROM v2
        SELECT * FROM v3
        SELECT bee, "a+1" FROM v1
        SELECT * FROM g
        SELECT v, w2 FROM g WHERE w2 > 3
        SELECT w2 FROM g ORDER BY v DESC
        SELECT * FROM late
        SELECT c, typeof(c), b FROM late
        SELECT name, type, tbl_name FROM sqlite_master ORDER BY name
        SELECT count(*) FROM sqlite_schema
        SELECT count(*) FROM main.sqlite_master WHERE type='table'
        SELECT count(*) FROM sqlite_temp_master
        SELECT * FROM (SELECT a, a, a+1, a+1 FROM t) LIMIT 1
        SELECT a AS x, b AS x FROM t LIMIT 1
        VALUES (1)
        VALUES (1,2),(3,4)
        VALUES (1,'a'),(2,'b') ORDER BY 1 DESC
        VALUES (1),(2),(3) LIMIT 2
        VALUES (1),(2),(3) LIMIT 1 OFFSET 1
        SELECT * FROM (VALUES (1,2),(3,4))
        SELECT column1 FROM (VALUES (1,2),(3,4)) WHERE column2 > 2
        SELECT c, typeof(c) FROM t
        SELECT 1 WHERE 0
        SELECT 1 WHERE 1
        SELECT 1 WHERE NULL
        SELECT 1 FROM t WHERE 'abc'
        SELECT 1 FROM t WHERE '1abc' LIMIT 1
        SELECT 1 FROM t WHERE 0.5 LIMIT 1
        "#,
    );
}

#[test]
fn filters() {
    check_all(
        r#"
        SELECT a FROM t WHERE a = 2
        SELECT a FROM t WHERE a <> 2
        SELECT a FROM t WHERE a < 3
        SELECT a FROM t WHERE a <= 3 AND b <> 'two'
        SELECT a FROM t WHERE a > 2 OR b = 'two'
        SELECT a FROM t WHERE NOT a > 2
        SELECT a FROM t WHERE NOT (a > 2 OR b = 'two')
        SELECT a FROM t WHERE NOT (a > 2 AND b = 'three')
        SELECT a FROM t WHERE a IS NULL
        SELECT a FROM t WHERE a IS NOT NULL
        SELECT a FROM t WHERE a ISNULL OR b NOTNULL
        SELECT a FROM t WHERE a IS 2
        SELECT a FROM t WHERE a IS NOT 2
        SELECT a FROM t WHERE a IS DISTINCT FROM 2
        SELECT a, b FROM t WHERE a IS NOT DISTINCT FROM NULL
        SELECT a FROM t WHERE a = '2'
        SELECT a FROM t WHERE b = 2
        SELECT d FROM t WHERE d = 2
        SELECT d FROM t WHERE d = '2'
        SELECT a FROM t WHERE c = '2'
        SELECT a FROM t WHERE a = c
        SELECT a FROM t WHERE a = d
        SELECT a FROM t WHERE b = d
        SELECT a FROM t WHERE +a = '2'
        SELECT a FROM t WHERE a BETWEEN 2 AND 3
        SELECT a FROM t WHERE a NOT BETWEEN 2 AND 3
        SELECT a FROM t WHERE NOT a BETWEEN 2 AND 3
        SELECT a FROM t WHERE a BETWEEN NULL AND 3
        SELECT a FROM t WHERE NOT (a BETWEEN NULL AND 3)
        SELECT a FROM t WHERE 2 BETWEEN a AND c
        SELECT b FROM t WHERE b LIKE 't%'
        SELECT b FROM t WHERE b LIKE '%O%'
        SELECT b FROM t WHERE b NOT LIKE 't%'
        SELECT b FROM t WHERE b GLOB 't*'
        SELECT b FROM t WHERE b NOT GLOB '[a-n]*'
        SELECT b FROM t WHERE b LIKE 't\%' ESCAPE '\'
        SELECT a FROM t WHERE a
        SELECT a FROM t WHERE NOT a
        SELECT a FROM t WHERE a IS TRUE
        SELECT a FROM t WHERE a IS NOT TRUE
        SELECT a FROM t WHERE a IS FALSE
        SELECT a FROM t WHERE a IS NOT FALSE
        SELECT a FROM t WHERE (a > 2) IS TRUE
        SELECT a FROM t WHERE (a > 2) IS NOT FALSE
        SELECT a+1 AS x FROM t WHERE x > 3
        SELECT id FROM u WHERE id = 3
        SELECT id FROM u WHERE id > 3
        SELECT id FROM u WHERE id BETWEEN 2 AND 4
        SELECT id FROM u WHERE id IN (1, 3, 99)
        SELECT id FROM u WHERE id = '3'
        SELECT id FROM u WHERE id = 3.0
        SELECT id FROM u WHERE id = 3.5
        SELECT id FROM u WHERE id > 2.5 AND id < '10.5'
        SELECT id FROM u WHERE rowid = 2
        SELECT id, name FROM u WHERE name = 'alice'
        SELECT id, name FROM u WHERE name = 'ALICE' COLLATE BINARY
        SELECT id, name FROM u WHERE name COLLATE BINARY = 'ALICE'
        SELECT id, name FROM u WHERE 'alice' = name
        SELECT id, name FROM u WHERE name >= 'b' AND name < 'e'
        SELECT id, name FROM u WHERE name LIKE 'a%'
        SELECT id FROM u WHERE a = 2
        SELECT id FROM u WHERE a IN (1,2)
        SELECT id FROM u WHERE a IN (1,2,5,NULL)
        SELECT id FROM u WHERE a IS NULL
        SELECT id FROM u WHERE a > 1 AND a < 4
        SELECT id FROM u WHERE a = 2 AND score = 20
        SELECT id FROM u WHERE a = 2 OR id = 4
        SELECT id FROM u WHERE score = '30'
        SELECT id FROM u WHERE score > 'a'
        SELECT * FROM w WHERE k > 'a'
        SELECT * FROM w WHERE k IN ('a','d','zz')
        SELECT x, y FROM n WHERE x = 3
        SELECT y FROM n WHERE x IN (3, 5) AND y > 20
        SELECT y FROM n WHERE x > 8 AND y % 2 = 0
        SELECT y FROM n WHERE x = 3 OR x = 4 OR y = 50
        "#,
    );
}

#[test]
fn order_and_limit() {
    check_all(
        r#"
        SELECT a FROM t ORDER BY a
        SELECT a, b FROM t ORDER BY a DESC, b
        SELECT a, b FROM t ORDER BY 1, 2 DESC
        SELECT a FROM t ORDER BY a NULLS LAST
        SELECT a FROM t ORDER BY a DESC NULLS FIRST
        SELECT a FROM t ORDER BY a ASC NULLS FIRST
        SELECT b FROM t ORDER BY b
        SELECT b FROM t ORDER BY b COLLATE NOCASE
        SELECT b FROM t ORDER BY 1 COLLATE NOCASE DESC
        SELECT b AS x FROM t ORDER BY x COLLATE NOCASE
        SELECT d FROM t ORDER BY d
        SELECT a FROM t ORDER BY c
        SELECT a FROM t ORDER BY -a
        SELECT -a AS b, b FROM t ORDER BY b
        SELECT -a AS z, b FROM t ORDER BY z + 0
        SELECT a AS b FROM t ORDER BY b DESC
        SELECT a FROM t ORDER BY a LIMIT 3
        SELECT a FROM t ORDER BY a LIMIT 3 OFFSET 2
        SELECT a FROM t ORDER BY a LIMIT 2, 3
        SELECT a FROM t LIMIT 0
        SELECT a FROM t LIMIT -1
        SELECT a FROM t LIMIT 3 OFFSET -1
        SELECT a FROM t LIMIT -1 OFFSET 7
        SELECT a FROM t LIMIT 1+1 OFFSET 1+1
        SELECT a FROM t LIMIT '2'
        SELECT a FROM t LIMIT 2.0
        SELECT a FROM t LIMIT 100 OFFSET 100
        SELECT a FROM t LIMIT (SELECT 2)
        SELECT a FROM t ORDER BY a LIMIT (SELECT count(*) FROM w)
        SELECT id FROM u ORDER BY id DESC
        SELECT id FROM u ORDER BY id DESC LIMIT 2
        SELECT id FROM u ORDER BY rowid
        SELECT name FROM u ORDER BY name
        SELECT name, score FROM u ORDER BY name, score
        SELECT name, score FROM u ORDER BY name DESC, score DESC
        SELECT name, score FROM u ORDER BY name, score DESC
        SELECT id, a FROM u ORDER BY a
        SELECT id, a FROM u ORDER BY a DESC
        SELECT id, a FROM u WHERE a = 2 ORDER BY id DESC
        SELECT score FROM u ORDER BY score
        SELECT x, y FROM n ORDER BY x, y LIMIT 10
        SELECT x, y FROM n ORDER BY x DESC, y LIMIT 10
        SELECT x FROM n ORDER BY y DESC LIMIT 5
        SELECT x, y FROM n WHERE y > 40 ORDER BY x
        SELECT * FROM w ORDER BY k
        SELECT * FROM w ORDER BY k DESC
        SELECT * FROM w ORDER BY v, k DESC
        SELECT a, 'const' FROM t ORDER BY 2, 1 LIMIT 3
        SELECT abs(a) FROM t ORDER BY abs(a), b
        SELECT a FROM t ORDER BY (SELECT count(*) FROM u WHERE u.a = t.a), a
        SELECT 1 ORDER BY 1
        SELECT count(*) FROM t ORDER BY 1
        SELECT count(*) FROM t ORDER BY sum(a)
        SELECT a, b FROM t ORDER BY b = 'two' DESC, a
        "#,
    );
}

#[test]
fn distinct() {
    check_all(
        r#"
        SELECT DISTINCT a FROM t
        SELECT ALL a FROM t
        SELECT DISTINCT a, c FROM t
        SELECT DISTINCT name FROM u
        SELECT DISTINCT name COLLATE BINARY FROM u
        SELECT DISTINCT b COLLATE NOCASE FROM t
        SELECT DISTINCT a FROM t ORDER BY a
        SELECT DISTINCT a FROM t ORDER BY a DESC LIMIT 2
        SELECT DISTINCT a FROM t ORDER BY c
        SELECT DISTINCT a+0 FROM t LIMIT 3 OFFSET 1
        SELECT DISTINCT x FROM n
        SELECT DISTINCT x FROM n ORDER BY x DESC
        SELECT DISTINCT x % 3 FROM n ORDER BY 1
        SELECT DISTINCT 1 FROM n
        SELECT DISTINCT id FROM u
        SELECT DISTINCT count(*) FROM n GROUP BY x
        SELECT DISTINCT dept, pay > 60 FROM emp ORDER BY dept, 2
        SELECT DISTINCT a FROM u
        SELECT DISTINCT typeof(d) FROM t
        "#,
    );
}

#[test]
fn the_schema_has_two_names() {
    check_all(
        r#"
        SELECT sqlite_master.name FROM sqlite_master ORDER BY 1
        SELECT sqlite_schema.name FROM sqlite_master ORDER BY 1
        SELECT sqlite_master.name FROM sqlite_schema ORDER BY 1
        SELECT SQLITE_MASTER.* FROM sqlite_schema ORDER BY name
        SELECT main.sqlite_master.name FROM sqlite_schema ORDER BY 1
        SELECT main.sqlite_schema.name FROM sqlite_master ORDER BY 1
        SELECT sqlite_temp_master.name FROM sqlite_temp_schema
        SELECT sqlite_temp_schema.name FROM sqlite_temp_master
        SELECT sqlite_temp_master.name FROM temp.sqlite_master
        SELECT temp.sqlite_master.name FROM temp.sqlite_master
        SELECT sqlite_schema.name FROM sqlite_master AS sqlite_schema ORDER BY 1
        SELECT sqlite_master.name, i.name FROM sqlite_master JOIN pragma_index_list(sqlite_master.name) AS i ORDER BY 1, 2
        SELECT m.name, i.name AS found, x.name FROM sqlite_master AS m JOIN pragma_index_list(m.name) AS i JOIN pragma_index_xinfo(found) AS x ORDER BY 1, 2, 3
        SELECT sqlite_master.name FROM sqlite_temp_schema
        SELECT sqlite_schema.name FROM sqlite_temp_master
        SELECT sqlite_master.name FROM temp.sqlite_master
        SELECT sqlite_master.name FROM sqlite_schema AS x
        SELECT sqlite_schema.name FROM sqlite_master AS sqlite_master
        SELECT main.sqlite_master.name FROM temp.sqlite_master
        SELECT sqlite_temp_master.name FROM sqlite_master
        SELECT sqlite_master.name FROM (SELECT * FROM sqlite_master)
        "#,
    );
}
