//! Every access path on data that would show its mistakes: NULLs, mixed types, blobs, descending columns, outer joins.

mod support;

use support::{run_ours, run_theirs};
use turso_core::{Database, OpenOptions};

const SCHEMA: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b INT, c TEXT COLLATE NOCASE, d, e REAL);
    CREATE INDEX tb ON t(b DESC, c);
    CREATE INDEX tc ON t(c, b);
    CREATE INDEX td ON t(d);
    CREATE INDEX te ON t(e);
    CREATE INDEX tx ON t(b + 1);
    CREATE INDEX tp ON t(d, a) WHERE b > 3;
    CREATE TABLE w(k TEXT, l INT, v, PRIMARY KEY(k, l DESC)) WITHOUT ROWID;
    CREATE INDEX wv ON w(v);
    CREATE TABLE bare(m, n);
    INSERT INTO t VALUES (1, 1, 'abc', 1, 1.0), (2, 2, 'ABD', '1', 2.5), (3, NULL, 'abcd', x'616263', NULL), (4, 4, x'616263', 2.0, 4),
        (5, 5, 'ab', NULL, 5), (6, 5, NULL, 'abc', 6), (7, 6, 'b', 'ABC', 6), (8, 7, '5', 5, 7.5), (-3, 1, 'Abc', -1, 1), (10, 2, 'abc%', '5', 2);
    INSERT INTO w VALUES ('a', 1, 1), ('a', 2, 2), ('b', 1, NULL), ('c', 5, 1), ('A', 9, 'x');
    INSERT INTO bare VALUES (1, 1), (NULL, 2), ('1', 3), (2, 'abc'), (5, 5), (1.0, 4), ('abc', 6);
";

#[track_caller]
fn check(queries: &str) {
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    let ours = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    assert_eq!(run_ours(&ours, SCHEMA), run_theirs(&theirs, SCHEMA));
    let mut different = String::new();
    for sql in queries.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (a, b) = (run_ours(&ours, sql), run_theirs(&theirs, sql));
        if a != b {
            let plan = format!("EXPLAIN QUERY PLAN {sql}");
            let (p, q) = (run_ours(&ours, &plan), run_theirs(&theirs, &plan));
            different += &format!("{sql}\n  ours   {a:?}\n  SQLite {b:?}\n  plan ours {p:?}\n  plan SQLite {q:?}\n");
        }
    }
    assert!(different.is_empty(), "\n{different}");
}

#[test]
fn rowids() {
    check(
        "
        SELECT a FROM t WHERE a = '5'
        SELECT a FROM t WHERE a = 5.0
        SELECT a FROM t WHERE a = 5.5
        SELECT a FROM t WHERE a = 'x'
        SELECT a FROM t WHERE a = NULL
        SELECT a FROM t WHERE a IS NULL
        SELECT a FROM t WHERE a IN (5, '6', 7.0, 7.5, NULL, 'x', 5)
        SELECT a FROM t WHERE a IN (SELECT m FROM bare)
        SELECT a FROM t WHERE a > 4.5
        SELECT a FROM t WHERE a >= 4.5 AND a < 7.5
        SELECT a FROM t WHERE a < '7'
        SELECT a FROM t WHERE a < 'x'
        SELECT a FROM t WHERE a > 'x'
        SELECT a FROM t WHERE a > NULL
        SELECT a FROM t WHERE a < x'00' ORDER BY a DESC
        SELECT a FROM t WHERE a BETWEEN 2 AND 6 ORDER BY a DESC
        SELECT a FROM t WHERE a < 5.5 ORDER BY a DESC
        SELECT a FROM t WHERE a <= -3 ORDER BY a DESC
        SELECT a FROM t WHERE a IN (1, 5, 3) ORDER BY a DESC
        SELECT a FROM t WHERE a > 9223372036854775807
        SELECT a FROM t WHERE a < 9.3e18
        SELECT a FROM t WHERE a >= -9.3e18 ORDER BY a
    ",
    );
}

#[test]
fn indexes() {
    check(
        "
        SELECT a FROM t WHERE b = 5
        SELECT a FROM t WHERE b = '5'
        SELECT a FROM t WHERE b = 5.0
        SELECT a FROM t WHERE b = NULL
        SELECT a FROM t WHERE b IS NULL
        SELECT a FROM t WHERE b IS 5
        SELECT a FROM t WHERE b > 4
        SELECT a FROM t WHERE b >= 4 AND b <= 6
        SELECT a FROM t WHERE b < 4
        SELECT a FROM t WHERE b < 4 ORDER BY b
        SELECT a FROM t WHERE b < 4 ORDER BY b DESC
        SELECT a FROM t WHERE b > 4 ORDER BY b, c DESC
        SELECT a FROM t WHERE b > 4 ORDER BY b DESC, c
        SELECT a FROM t WHERE b IN (1, 5, NULL, 7)
        SELECT a FROM t WHERE b IN (1, 5, 7) ORDER BY b
        SELECT a FROM t WHERE b IN (1, 5, 7) ORDER BY b DESC
        SELECT a FROM t WHERE b = 5 AND c = 'AB'
        SELECT a FROM t WHERE b = 1 AND c > 'AB'
        SELECT a FROM t WHERE b = 1 AND c < 'ABD'
        SELECT a FROM t WHERE c = 'abc'
        SELECT a FROM t WHERE c = 5
        SELECT a FROM t WHERE c = 'ABC' COLLATE BINARY
        SELECT a FROM t WHERE c > 'abc'
        SELECT a FROM t WHERE c < 'b'
        SELECT a FROM t WHERE c BETWEEN 'AB' AND 'abc'
        SELECT a FROM t WHERE d = 1
        SELECT a FROM t WHERE d = '1'
        SELECT a FROM t WHERE d > 1
        SELECT a FROM t WHERE d > 'ABC'
        SELECT a FROM t WHERE d < 2
        SELECT a FROM t WHERE d >= x'00'
        SELECT a FROM t WHERE e = 6
        SELECT a, e FROM t WHERE e = '6'
        SELECT e FROM t WHERE e >= 2.5
        SELECT e FROM t WHERE e IN (1, 6, '7.5')
        SELECT a FROM t WHERE b + 1 = 6
        SELECT a FROM t WHERE b + 1 > 6
        SELECT a FROM t WHERE b + 1 IN (2, 8)
        SELECT a FROM t WHERE d = 5 AND b > 3
        SELECT a FROM t WHERE d > 1 AND b > 3
        SELECT a FROM t WHERE b = 5 AND a > 5
        SELECT a FROM t WHERE d = 1 AND a > 0
        SELECT * FROM w WHERE k = 'a'
        SELECT * FROM w WHERE k = 'a' AND l = 1
        SELECT * FROM w WHERE k = 'a' AND l < 2
        SELECT * FROM w WHERE k >= 'a' ORDER BY k DESC
        SELECT * FROM w WHERE k = 'a' ORDER BY l
        SELECT * FROM w WHERE v = 1
        SELECT k FROM w WHERE v = 1
        SELECT * FROM w WHERE v = 1 AND k > 'a'
        SELECT * FROM w WHERE v IS NULL
        SELECT * FROM w ORDER BY v
        SELECT * FROM w WHERE (k, l) > ('a', 1)
        SELECT a FROM t WHERE (c, b) > ('abc', 1)
        SELECT a FROM t WHERE (c, b) >= ('abc', 1)
        SELECT a FROM t WHERE (c, b) < ('abc', 1)
        SELECT a FROM t WHERE (c, b) <= ('abc', 1)
        SELECT a FROM t WHERE (c, a) > ('abc', 1)
        SELECT a FROM t WHERE (b, c) > (2, 'a')
        SELECT a FROM t WHERE (b, c) = (1, 'ABC')
        SELECT a FROM t WHERE (c, b) > ('abc', NULL)
    ",
    );
}

#[test]
fn patterns() {
    check(
        "
        SELECT a FROM t WHERE c LIKE 'abc%'
        SELECT a FROM t WHERE c LIKE 'AB%'
        SELECT a FROM t WHERE c LIKE 'ab_'
        SELECT a FROM t WHERE c LIKE 'abc'
        SELECT a FROM t WHERE c LIKE '5%'
        SELECT a FROM t WHERE c LIKE 'abc^%' ESCAPE '^'
        SELECT a FROM t WHERE c LIKE 'ab%' ORDER BY c DESC, b DESC
        SELECT a FROM t WHERE d GLOB 'ab*'
        SELECT a FROM t WHERE d GLOB 'AB*' ORDER BY d
        SELECT a FROM t WHERE d GLOB 'a*' ORDER BY d DESC
        SELECT a FROM t WHERE d GLOB '5*'
        SELECT a FROM t WHERE c GLOB 'ab*'
    ",
    );
}

#[test]
fn disjunctions() {
    check(
        "
        SELECT a FROM t WHERE b = 1 OR d = 5
        SELECT a FROM t WHERE b = 5 OR b = 7 OR b = 5
        SELECT a FROM t WHERE a = 3 OR c = 'ab' OR b = 2
        SELECT a FROM t WHERE (b = 5 AND c IS NULL) OR d = 1
        SELECT a FROM t WHERE (b = 5 OR d = 1) AND c IS NOT NULL
        SELECT * FROM w WHERE k = 'a' OR v = 'x'
        SELECT * FROM w WHERE v = 1 OR v IS NULL
        SELECT t.a, bare.m FROM bare LEFT JOIN t ON t.a = bare.m OR t.b = bare.n
        SELECT t.a, bare.n FROM bare, t WHERE t.a = bare.m OR t.b = bare.n
        SELECT count(*) FROM t WHERE b = 1 OR d = 5 OR a BETWEEN 1 AND 3
    ",
    );
}

#[test]
fn joins() {
    check(
        "
        SELECT * FROM bare, t WHERE t.a = bare.m
        SELECT * FROM bare LEFT JOIN t ON t.a = bare.m
        SELECT * FROM bare LEFT JOIN t ON t.b = bare.m AND t.c = 'abc'
        SELECT * FROM bare LEFT JOIN t ON t.b = bare.m WHERE t.a IS NULL
        SELECT * FROM bare LEFT JOIN t ON t.b = bare.m WHERE coalesce(t.a, 5) = 5
        SELECT * FROM bare LEFT JOIN w ON w.k = bare.n
        SELECT b1.n, b2.n FROM bare AS b1, bare AS b2 WHERE b1.m = b2.n
        SELECT b1.n, b2.n FROM bare AS b1, bare AS b2 WHERE b1.m = b2.m
        SELECT b1.n, b2.n FROM bare AS b1 LEFT JOIN bare AS b2 ON b1.m = b2.n AND b2.m > 1
        SELECT b1.n, t.a, w.v FROM bare AS b1 LEFT JOIN t ON t.d = b1.m LEFT JOIN w ON w.v = t.b
        SELECT b1.n, x.c FROM bare AS b1 LEFT JOIN (SELECT b, count(*) AS c FROM t GROUP BY b) AS x ON x.b = b1.m
        SELECT b1.n, x.c FROM (SELECT b, count(*) AS c FROM t GROUP BY b) AS x, bare AS b1 WHERE x.b = b1.m
        SELECT b1.n FROM bare AS b1 WHERE EXISTS (SELECT 1 FROM t WHERE t.b = b1.m)
        SELECT b1.n FROM bare AS b1 WHERE b1.m IN (SELECT b FROM t)
        SELECT b1.n, (SELECT max(c) FROM t WHERE t.b = b1.m) FROM bare AS b1
        SELECT t.a FROM t, bare WHERE t.b = bare.m AND bare.m = 1
        SELECT * FROM t RIGHT JOIN bare ON t.b = bare.m
        SELECT * FROM t FULL JOIN bare ON t.b = bare.m
        SELECT t.a FROM t LEFT JOIN bare ON t.b = bare.m ORDER BY t.a DESC
        SELECT DISTINCT t.b FROM t, bare WHERE t.b = bare.m ORDER BY t.b
        SELECT t.b, count(*) FROM t LEFT JOIN bare ON bare.m = t.b GROUP BY t.b
        SELECT min(b), max(b), min(d) FROM t
        SELECT min(b) FROM t
        SELECT max(b) FROM t
        SELECT max(a), min(c) FROM t WHERE b > 1
        SELECT min(d) FROM t WHERE d > 1
    ",
    );
}

/// The texts of `EXPLAIN QUERY PLAN`, which show what was rewritten.
#[track_caller]
fn check_plans(queries: &str) {
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    let ours = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    assert_eq!(run_ours(&ours, SCHEMA), run_theirs(&theirs, SCHEMA));
    let mut different = String::new();
    for sql in queries.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        let details = |outcomes: Vec<(Vec<String>, Option<String>)>| -> Vec<String> {
            outcomes
                .into_iter()
                .flat_map(|(rows, _)| rows)
                .map(|r| r.rsplit('|').next().unwrap_or("").to_string())
                .collect()
        };
        let (a, b) = (details(run_ours(&ours, &plan)), details(run_theirs(&theirs, &plan)));
        if a != b {
            different += &format!("{sql}\n  ours   {a:?}\n  SQLite {b:?}\n");
        }
    }
    assert!(different.is_empty(), "\n{different}");
}

#[test]
fn rewrites_show_in_plans() {
    check_plans(
        "
        SELECT * FROM (SELECT a, b FROM t WHERE b > 3) WHERE a = 5
        SELECT * FROM (SELECT * FROM t LIMIT 5)
        SELECT x.b FROM (SELECT b, d FROM t) AS x, bare WHERE x.d = bare.m
        SELECT * FROM (SELECT b, count(*) AS n FROM t GROUP BY b) AS x WHERE x.b = 5
        SELECT * FROM bare LEFT JOIN t ON t.a = bare.m WHERE t.b = 5
        SELECT bare.m FROM bare LEFT JOIN t ON t.a = bare.m
        SELECT * FROM bare LEFT JOIN (SELECT a, b FROM t) AS x ON x.a = bare.m
        SELECT max(b) FROM t
        SELECT min(d) FROM t WHERE d > 1
        SELECT * FROM t WHERE b IN (SELECT m FROM bare)
        SELECT * FROM t WHERE b = (SELECT max(m) FROM bare)
    ",
    );
}

/// The plans' texts are SQLite's too.
#[track_caller]
fn check_with_plans(queries: &str) {
    check(queries);
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    let ours = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    run_ours(&ours, SCHEMA);
    run_theirs(&theirs, SCHEMA);
    for sql in queries.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        let details = |outcomes: Vec<(Vec<String>, Option<String>)>| -> Vec<String> {
            outcomes.into_iter().flat_map(|o| o.0).map(|row| row.splitn(4, '|').last().unwrap_or("").into()).collect()
        };
        assert_eq!(details(run_ours(&ours, &plan)), details(run_theirs(&theirs, &plan)), "{sql}");
    }
}

#[test]
fn exists_is_a_join_of_which_one_row_is_enough() {
    check_with_plans(
        "
        SELECT m, n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.d = bare.m)
        SELECT m, n FROM bare WHERE EXISTS (SELECT DISTINCT c FROM t WHERE t.a = bare.n ORDER BY e) AND n > 1
        SELECT n FROM bare WHERE EXISTS (SELECT * FROM t WHERE t.b > bare.n AND t.c IS NOT NULL)
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE a = 3)
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE a = 99)
        SELECT count(*), sum(n) FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE b = 5)
        SELECT n, k FROM bare, w WHERE EXISTS (SELECT 1 FROM t WHERE t.a = bare.n AND t.b > w.l) ORDER BY n, k
        SELECT n, k FROM bare LEFT JOIN w ON w.l = bare.n WHERE EXISTS (SELECT 1 FROM t WHERE t.b = bare.n)
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.b = n) AND EXISTS (SELECT 1 FROM w WHERE w.l = n)
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.b = n AND EXISTS (SELECT 1 FROM w WHERE w.v = t.a))
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.a = n OR (t.d = m AND t.e > 0))
        SELECT DISTINCT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.b = n)
        SELECT n FROM bare WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.b = n)
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t WHERE t.b = n LIMIT 1)
        SELECT n FROM bare WHERE EXISTS (SELECT count(*) FROM t WHERE t.b = n)
        SELECT n FROM bare WHERE EXISTS (SELECT 1 FROM t NOT INDEXED WHERE t.b <> n) LIMIT 3 OFFSET 1
        SELECT 5 WHERE EXISTS (SELECT 1 FROM t WHERE a = 3)
        SELECT count(*) WHERE EXISTS (SELECT 1 FROM t)
        SELECT sum(7) WHERE EXISTS (SELECT 1 FROM t) AND EXISTS (SELECT 1 FROM bare WHERE n > 2)
        ",
    );
}

#[test]
fn exists_is_a_join_inside_of_subqueries_too() {
    check(
        "
        SELECT a, (SELECT 1 FROM w WHERE EXISTS (SELECT 1 FROM bare WHERE m = t.a AND n = w.l)) FROM t
        SELECT a, (SELECT group_concat(n) FROM bare WHERE EXISTS (SELECT 1 FROM w WHERE l = n AND l < t.a)) FROM t
        SELECT max(7) WHERE EXISTS (SELECT 1 FROM t) AND EXISTS (SELECT 1 FROM bare WHERE n > 2)
        ",
    );
}

#[test]
fn conditions_common_to_all_arms_of_an_or_join() {
    check(
        "
        SELECT a, n FROM t, bare WHERE (n = a AND b > 1 AND m = 1) OR (a = n AND b < 9 AND m = 2) ORDER BY a, n
        SELECT a, n FROM t, bare WHERE (n = a AND b > 1) OR a = n ORDER BY a, n
        SELECT a, l FROM t, w WHERE (l = b AND c = 'ab' AND k = 'c') OR (l = b AND a = 1 AND v = 1) ORDER BY a, l
        SELECT a, l FROM t, w WHERE (l = b AND c = 'ab') OR (l = b AND v IS NULL) OR (l = b AND e > 0) ORDER BY a, l
        SELECT a, l FROM t LEFT JOIN w ON (l = b AND k = 'a') OR (l = b AND v IS NULL) ORDER BY a, l
        SELECT a, l FROM t, w WHERE (l = b + 0 AND c = 'ab') OR (l = a AND k = 'a') ORDER BY a, l
        SELECT a, n FROM t, bare WHERE (a = 2 AND n > 3) OR (a = 5 AND n IS NULL) OR (b = 1 AND n = 2) ORDER BY a, n
        SELECT n, a FROM bare, t WHERE (n = 3 AND a = 2) OR (n = 5 AND (a = 5 OR b = 1)) ORDER BY a, n
        ",
    );
}

#[test]
fn rows_hashed_for_a_join_come_in_the_order_of_an_index_on_them() {
    check(
        "
        SELECT x.n, y.n, y.m FROM bare x, bare y WHERE y.m = x.m
        SELECT x.n, y.n FROM bare x LEFT JOIN bare y ON y.m = x.n AND y.n > 2
        SELECT x.n, y.m FROM bare x, (SELECT m, n FROM bare UNION ALL SELECT n, m FROM bare) y WHERE y.n = x.n ORDER BY x.n, y.m
        SELECT bare.n, u.b, u.c FROM bare, (SELECT b, c FROM t ORDER BY b DESC LIMIT 7) u WHERE u.b = bare.n
        SELECT (SELECT group_concat(y.n) FROM bare y WHERE y.m = x.m) FROM bare x
        SELECT x.n, (SELECT count(*) FROM bare y JOIN bare z ON z.m = y.n WHERE y.m = x.n) FROM bare x
        ",
    );
}

#[test]
fn groups_found_by_their_keys_come_in_the_order_of_the_keys() {
    check(
        "
        SELECT b % 3, count(*), sum(e), min(c), max(d), avg(a) FROM t GROUP BY b % 3
        SELECT c || '', count(*) FROM t GROUP BY 1 ORDER BY 1 DESC
        SELECT d, count(*), total(b) FROM t NOT INDEXED GROUP BY d ORDER BY d DESC NULLS FIRST
        SELECT m, n, typeof(m), count(*) FROM bare GROUP BY m
        SELECT m + 0, n FROM bare GROUP BY m + 0
        SELECT m + 0, max(n), n, m FROM bare GROUP BY m + 0
        SELECT b + 1, group_concat(a), group_concat(c, '-') FROM t NOT INDEXED GROUP BY b + 1
        SELECT b + 0, sum(a) FILTER (WHERE e > 2) FROM t GROUP BY b + 0 HAVING count(*) > 1
        SELECT c COLLATE NOCASE AS x, count(*), a FROM t NOT INDEXED GROUP BY x
        SELECT b + 0, count(DISTINCT c), group_concat(a ORDER BY a DESC) FROM t GROUP BY b + 0
        SELECT b + 0, abs(min(a)) FROM t GROUP BY b + 0 ORDER BY sum(a), 1 LIMIT 3
        SELECT b + 0, json_group_array(a) FROM t GROUP BY b + 0
        SELECT (SELECT group_concat(q) FROM (SELECT l % 2 + t.a AS q FROM w GROUP BY l % 2 + t.a)) FROM t
        SELECT b % 2, e > 2, count(*) FROM t GROUP BY e > 2, b % 2 ORDER BY b % 2 DESC, e > 2
        SELECT count(*) FROM t WHERE a > 100 GROUP BY b + 0
        ",
    );
}

/// A constant that one column equals is asked of the columns that equal it, in loops that come before.
#[test]
fn constants_that_follow_from_equalities() {
    support::check(
        "CREATE TABLE a(x INTEGER PRIMARY KEY, p, q TEXT, r NUMERIC); CREATE TABLE b(y, p, q TEXT, r NUMERIC); CREATE INDEX bp ON b(p); CREATE TABLE c(z, p INT, q, r REAL);
         INSERT INTO a VALUES(1, 1, '1', 1), (2, 1.0, '1.0', '1.0'), (3, '1', 'one', NULL), (4, NULL, NULL, 4), (5, 5, '5', 5.5);
         INSERT INTO b SELECT x, p, q, r FROM a UNION ALL SELECT x + 10, p, q, r FROM a; INSERT INTO c SELECT x, p, q, r FROM a;
         SELECT a.x, b.y, c.z FROM a JOIN b ON b.p = a.p JOIN c ON c.p = b.p WHERE c.p = 1 ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a JOIN b ON b.q = a.q JOIN c ON c.q = b.q WHERE c.q = '1' ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a JOIN b ON b.r = a.r JOIN c ON c.r = b.r WHERE c.r BETWEEN 1 AND 5 ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a JOIN b ON b.r = a.r JOIN c ON c.r = b.r WHERE b.r > 1 AND c.r < 5.5 ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a CROSS JOIN b CROSS JOIN c WHERE a.p = b.p AND b.p = c.p AND c.p = 5 ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a LEFT JOIN b ON b.p = a.p LEFT JOIN c ON c.p = b.p AND c.p = 1 ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a LEFT JOIN b ON b.p = a.p JOIN c ON c.p = b.p WHERE c.p = 1 ORDER BY 1, 2, 3;
         SELECT a.x, b.y, c.z FROM a RIGHT JOIN b ON b.p = a.p JOIN c ON c.p = b.p WHERE c.p = 1 ORDER BY 1, 2, 3;
         SELECT a.x, (SELECT count(*) FROM b CROSS JOIN c WHERE b.r = c.r AND c.r = a.r) FROM a ORDER BY 1;
         SELECT a.x, b.y FROM a CROSS JOIN b WHERE a.p = b.p AND b.p = 1 AND EXISTS (SELECT 1 FROM c WHERE c.p = a.p) ORDER BY 1, 2;",
    );
}
