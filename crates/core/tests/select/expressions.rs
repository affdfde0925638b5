//! Values of expressions: affinity, collation, NULLs, CASE, IN, row values, functions that are code.

use crate::check_all;

#[test]
fn arithmetic_and_logic() {
    check_all(
        r#"
        SELECT a+1, a-1, a*2, a/2, a%2, -a, +a, ~a FROM t
        SELECT c+1, c*2, c/2 FROM t
        SELECT b+1, b||'x', d||a FROM t
        SELECT a&3, a|8, a<<2, a>>1 FROM t
        SELECT 7/2, 7/2.0, 7%0, 7/0, 7.5%2, -7/2, -7%3
        SELECT 9223372036854775807+1, 9223372036854775807*2, -9223372036854775808-1
        SELECT 1 AND 0, 1 AND NULL, 0 AND NULL, NULL AND NULL, NULL AND 0, NULL AND 1
        SELECT 1 OR 0, 1 OR NULL, 0 OR NULL, NULL OR NULL, NULL OR 0, NULL OR 1
        SELECT NOT NULL, NOT 0, NOT 1, NOT 'a', NOT '1'
        SELECT a > 2 AND b < 'x', a > 2 OR b < 'x', NOT (a > 2) FROM t
        SELECT a = 2, a <> 2, a < 2, a <= 2, a > 2, a >= 2, a IS 2, a IS NOT 2, a IS NULL, a IS NOT NULL FROM t
        SELECT a IS TRUE, a IS FALSE, a IS NOT TRUE, a IS NOT FALSE FROM t
        SELECT NULL = NULL, NULL IS NULL, NULL <> 1, NULL IS NOT 1, 1 IS NOT NULL
        SELECT 1 = 1.0, '1' = 1, '1' = '1.0', 1 < 'a', 'a' < x'00', NULL < 1
        SELECT 'a' = 'A', 'a' = 'A' COLLATE NOCASE, 'a' COLLATE NOCASE = 'A', 'a ' = 'a' COLLATE RTRIM
        SELECT CAST('12abc' AS INTEGER), CAST('1.5' AS REAL), CAST(1.9 AS INT), CAST(5 AS TEXT), CAST('x' AS BLOB), CAST('1e3' AS NUMERIC), CAST(NULL AS TEXT)
        SELECT CAST(a AS TEXT) = '2', CAST(b AS INTEGER) FROM t
        SELECT a || '' = '2' FROM t
        SELECT -(-9223372036854775808), - 5, -'5', -'abc', -NULL, -x'31'
        SELECT 1 BETWEEN 0 AND 2, 3 BETWEEN 0 AND 2, NULL BETWEEN 0 AND 1, 1 BETWEEN NULL AND 0, 1 BETWEEN 0 AND NULL, 1 NOT BETWEEN 0 AND 2
        SELECT a BETWEEN 1 AND 3, a NOT BETWEEN c AND 3 FROM t
        SELECT 0 AND abs(-9223372036854775808)
        SELECT 1 OR abs(-9223372036854775808)
        SELECT a AND abs(-9223372036854775807-0) FROM t
        SELECT a > 1 AND (SELECT max(v) FROM w) > a FROM t
        SELECT a || b || c || d FROM t
        SELECT a, a COLLATE NOCASE FROM t WHERE a > 2 ORDER BY 1
        "#,
    );
}

#[test]
fn case_and_inline_functions() {
    check_all(
        r#"
        SELECT CASE a WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'many' END FROM t
        SELECT CASE WHEN a > 2 THEN 'big' WHEN a IS NULL THEN 'null' END FROM t
        SELECT CASE a WHEN NULL THEN 'null' ELSE 'other' END FROM t
        SELECT CASE name WHEN 'alice' THEN 1 ELSE 0 END FROM u
        SELECT CASE b WHEN 'TWO' COLLATE NOCASE THEN 1 ELSE 0 END FROM t
        SELECT CASE WHEN 0 THEN 1 END, CASE 1 WHEN 1 THEN 2 END, CASE 'a' WHEN 1 THEN 2 ELSE 3 END
        SELECT CASE a WHEN '2' THEN 'y' END, CASE d WHEN '2' THEN 'y' END FROM t
        SELECT coalesce(a, c, d), ifnull(a, -1), nullif(a, 2), iif(a>2,'y','n') FROM t
        SELECT coalesce(NULL, NULL), coalesce(NULL, 1, abs(-9223372036854775808)), ifnull(1, abs(-9223372036854775808))
        SELECT iif(1, 2, abs(-9223372036854775808)), iif(0, 1), iif(NULL, 1, 2), if(1, 2), iif(0,1,1,2,3)
        SELECT nullif('a','A'), nullif('a','A' COLLATE NOCASE), nullif(1,1.0), nullif(1,'1'), nullif(NULL,1)
        SELECT nullif(name,'ALICE') FROM u
        SELECT likely(a>2), unlikely(a), likelihood(a, 0.5) FROM t
        SELECT max(a, c), min(a, c, 3) FROM t
        SELECT max('a','B'), max('a' COLLATE NOCASE,'B'), min(NULL,1)
        SELECT max(name, 'BOB'), min(name, 'BOB') FROM u
        SELECT abs(a), length(b), upper(b), lower(b), typeof(d), hex(d), substr(b,2), round(c,1) FROM t
        SELECT instr(b,'e'), replace(b,'e','E'), trim('  x '), quote(d), unicode(b), char(65,66) FROM t
        SELECT 'abc' LIKE 'A%', 'abc' GLOB 'a*', 'a%c' LIKE 'a\%c' ESCAPE '\', NULL LIKE 'a', 'a' LIKE NULL, 'abc' NOT LIKE '%z'
        SELECT b LIKE 't' || '%' FROM t
        SELECT b LIKE b, b GLOB b FROM t
        SELECT typeof(a), typeof(b), typeof(c), typeof(d) FROM t
        SELECT CASE WHEN a THEN CASE WHEN c THEN 'both' ELSE 'a' END ELSE 'no' END FROM t
        "#,
    );
}

#[test]
fn in_sets() {
    check_all(
        r#"
        SELECT a IN (1,2), a IN (1,2,3), a IN (1,NULL), a IN (1,2,NULL), a NOT IN (1,2), a NOT IN (1,2,3), a NOT IN (1,NULL), a NOT IN (1,2,3,NULL) FROM t
        SELECT a IN (1,2,3,4,5,6,7,8), a NOT IN (1,2,3,4,5,6,NULL,8), a IN (9,8,7,6,5,4,NULL,2) FROM t
        SELECT a FROM t WHERE a IN (1,2,3,4,5,6,7,8)
        SELECT a FROM t WHERE a NOT IN ('1','2','3','4','5','6','7','8')
        SELECT d FROM t WHERE d IN (2,3,4,5,6,7,8,9)
        SELECT name FROM u WHERE name IN ('alice','BOB','zed','c','d','e','f','g','h')
        SELECT b IN (1,2,3,4,5,6,7,'one') FROM t
        SELECT a IN (), a NOT IN (), NULL IN (), NULL NOT IN () FROM t LIMIT 1
        SELECT NULL IN (1,2), NULL IN (1,2,3), NULL NOT IN (1,2,3), 1 IN (NULL), 1 NOT IN (NULL)
        SELECT a FROM t WHERE a IN (1,2,3)
        SELECT a FROM t WHERE a NOT IN (1,2,3)
        SELECT a FROM t WHERE a NOT IN (1,2,3,NULL)
        SELECT a FROM t WHERE NOT a IN (1,2)
        SELECT a FROM t WHERE a IN (c, 3)
        SELECT a FROM t WHERE a NOT IN (c, 3)
        SELECT a FROM t WHERE a IN ('1','2','3')
        SELECT b FROM t WHERE b IN ('one','TWO','x')
        SELECT d FROM t WHERE d IN (2,3,4)
        SELECT d FROM t WHERE d IN ('2','3','4')
        SELECT b FROM t WHERE b IN (1,2,3)
        SELECT name FROM u WHERE name IN ('alice','BOB','zed')
        SELECT name FROM u WHERE name IN ('alice','BOB')
        SELECT name FROM u WHERE name COLLATE BINARY IN ('ALICE','bob','q')
        SELECT c FROM t WHERE c IN (2, 3, 4.25)
        SELECT a FROM t WHERE a IN (SELECT a FROM u)
        SELECT a FROM t WHERE a NOT IN (SELECT a FROM u)
        SELECT a FROM t WHERE a NOT IN (SELECT a FROM u WHERE a IS NOT NULL)
        SELECT a IN (SELECT a FROM u), a NOT IN (SELECT a FROM u) FROM t
        SELECT a IN (SELECT a FROM u WHERE a IS NOT NULL), a IN (SELECT a FROM empty), a NOT IN (SELECT a FROM empty) FROM t
        SELECT b IN (SELECT name FROM u), name IN (SELECT b FROM t) FROM t, u WHERE u.id = 2
        SELECT a IN u_small FROM t, (SELECT 1 AS u_small) LIMIT 1
        SELECT a FROM t WHERE a IN (SELECT u.a FROM u WHERE u.id = t.a)
        SELECT a IN (SELECT u.a FROM u WHERE u.id = t.a) FROM t
        SELECT a FROM t WHERE a IN empty
        SELECT (a,b) IN (SELECT 2,'two') FROM t
        SELECT (a,b) IN (SELECT a,b FROM t WHERE a IS NOT NULL) FROM t
        SELECT (a,b) NOT IN (SELECT 2,'two' UNION SELECT NULL,'TWO') FROM t
        SELECT a FROM t WHERE (a,b) IN (SELECT 2,'two' UNION ALL SELECT 3,'three')
        SELECT a FROM t WHERE (a,b) IN ((2,'two'),(3,'Three'))
        SELECT (1,2) IN ((1,2)), (1,NULL) IN ((1,2)), (1,NULL) NOT IN ((2,2)), (1,2) NOT IN ((1,2),(3,4))
        SELECT a IN (SELECT 1 UNION SELECT 2 LIMIT 1) FROM t
        SELECT a IN (1, (SELECT 2), 3) FROM t
        SELECT a IN (1, b, 3) FROM t
        SELECT CAST(a AS TEXT) IN (1,2,3) FROM t
        SELECT '1' IN (SELECT a FROM t), 1 IN (SELECT b FROM t), 2.0 IN (SELECT a FROM t)
        "#,
    );
}

#[test]
fn row_values() {
    check_all(
        r#"
        SELECT (1,2) = (1,2), (1,2) <> (1,3), (1,2) < (1,3), (1,2) <= (1,2), (2,1) > (1,9), (1,2) >= (1,3)
        SELECT (1,NULL) = (1,2), (1,NULL) = (2,2), (1,NULL) < (2,1), (1,NULL) < (1,2), (NULL,1) < (1,2), (1,NULL) <> (1,2), (1,NULL) <> (2,2)
        SELECT (1,NULL) IS (1,NULL), (1,NULL) IS NOT (1,2), (1,NULL) IS NOT (1,NULL)
        SELECT a, b FROM t WHERE (a, b) = (2, 'two')
        SELECT a, b FROM t WHERE (a, b) <> (2, 'two')
        SELECT a, b FROM t WHERE (a, b) > (2, 'two')
        SELECT a, b FROM t WHERE (a, b) <= (2, 'two')
        SELECT a, b FROM t WHERE NOT (a, b) <= (2, 'two')
        SELECT a, b FROM t WHERE NOT (a, b) = (2, 'two')
        SELECT a, b FROM t WHERE (a, b) IS (NULL, 'four')
        SELECT a, b FROM t WHERE (a, b) = (SELECT 3, 'three')
        SELECT a, b FROM t WHERE (SELECT 3, 'three') = (a, b)
        SELECT (1,2) BETWEEN (1,1) AND (1,3), (1,2) NOT BETWEEN (1,1) AND (1,3)
        SELECT CASE (1,2) = (1,2) WHEN 1 THEN 'y' END
        SELECT id FROM u WHERE (a, score) > (2, 20)
        SELECT k FROM w WHERE (k, v) >= ('b', 2)
        SELECT (a, b) = (SELECT u.a, 'two' FROM u WHERE u.a = t.a) FROM t
        SELECT (SELECT 1, 2) = (1, 2), (1, 2) = (SELECT 1, 2 WHERE 0)
        "#,
    );
}
