//! The tiers give the same rows, types, order and errors: each query runs row by row, in batches, and on SQLite.

mod support;

use support::{Outcome, run_ours, run_theirs};
use turso_core::{Database, OpenOptions, StepResult};

/// Columns of every sort, with what is odd among each: types that do not fit, extremes, both zeros, texts that are numbers.
const TABLES: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, n NUMERIC, s TEXT, nc TEXT COLLATE NOCASE, b BLOB, x);
    INSERT INTO t WITH RECURSIVE c(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < 1200)
      SELECT k, k % 17, k * 0.25, k / 7.0, 'name' || k % 23, CASE k % 3 WHEN 0 THEN 'Abc' WHEN 1 THEN 'aBC' ELSE 'zz' END,
             CAST('b' || k % 5 AS BLOB), CASE k % 7 WHEN 0 THEN NULL WHEN 1 THEN k WHEN 2 THEN k / 2.0 WHEN 3 THEN '12'
             WHEN 4 THEN 'word' WHEN 5 THEN x'00ff' ELSE -k END FROM c;
    INSERT INTO t VALUES(-5, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (-4, 9223372036854775807, 1e308, 9007199254740993, '', ' ', x'', '9223372036854775807'),
      (-3, -9223372036854775808, -1e308, -0.0, '0', 'ABC', x'616263', -0.0),
      (-2, 'text', 'text', 'text', 'a' || char(0) || 'b', 'abc' || char(0), zeroblob(3), ' 12 '),
      (-1, 2.5, 0.1, '1e2', '1e2', '', 'text', 1e300 * 1e300);
    CREATE TABLE w(a TEXT, b INT, c REAL, PRIMARY KEY(a, b)) WITHOUT ROWID;
    INSERT INTO w SELECT 'k' || id % 11, id, r FROM t WHERE id > 0;
    CREATE TABLE ti(id INTEGER PRIMARY KEY, i INT, s TEXT, r REAL);
    INSERT INTO ti SELECT id, i, s, r FROM t;
    CREATE INDEX ti_is ON ti(i, s);
    CREATE TABLE log(v);
    CREATE TABLE small(v);
    INSERT INTO small VALUES(1), (2.0), ('3'), (NULL);
    CREATE TABLE kx(i, name TEXT, w INT);
    INSERT INTO kx VALUES(1, 'abc', 3), (2, 'ABC', 1), (2.0, 'name7', 2), ('3', 'zz', 4), (3, 'zz', 4), (NULL, NULL, 5), (4, 'Abc', 9),
      (4, 'abc', 7), (4, 'abc', 8), (x'00ff', 'word', 6), ('word', 'Name7', 10), (5.5, 'zz ', 11), (-0.0, '', 12);
    CREATE TABLE k(i INT, name TEXT, w INT);
    INSERT INTO k SELECT * FROM kx;
    CREATE TABLE added(a);
    INSERT INTO added VALUES(1), (2), (3);
    ALTER TABLE added ADD COLUMN d INT DEFAULT 7;
    ALTER TABLE added ADD COLUMN e REAL DEFAULT 3;
    INSERT INTO added(a) VALUES(4);
    CREATE TABLE unique_b(a INTEGER PRIMARY KEY, b UNIQUE);
    INSERT INTO unique_b VALUES(5, 'k47'), (30, 'k26'), (1, '1'), (28, 1), (57, 'k18'), (2, 'k52');
    CREATE TABLE both(a, b, c, d VARCHAR(10), e, PRIMARY KEY(d));
    INSERT INTO both VALUES(1, '1', 5, 'k17', 4), ('-3', '0', 1, 'k25', 10), (NULL, 1, 0, 'k51', 3), ('57', 'k18', 23, 'k59', 8);
    CREATE TABLE long(id INTEGER PRIMARY KEY, head, body, tail);
    INSERT INTO long SELECT id, id, printf('%.*c', id % 9000, 'x'), id % 3 FROM t WHERE id BETWEEN 1 AND 200;
";

/// Queries that pipelines can run.
const BATCHES: &[&str] = &[
    "SELECT count(*), count(i), count(x), sum(i), total(n), avg(r), min(x), max(x), min(s), max(nc) FROM t WHERE id > 0",
    "SELECT sum(r), avg(n), total(x), sum(x), avg(s) FROM t WHERE i <> 9223372036854775807",
    "SELECT sum(id), sum(id + 0.1), sum(0 - id), sum(r * (1 - n)), sum(i * 3 / 2), sum(id % 7) FROM t WHERE id > 0",
    "SELECT count(*) FROM t WHERE i > 5 AND r < 200 AND s LIKE 'name1%'",
    "SELECT count(*) FROM t WHERE x > 100",
    "SELECT count(*) FROM t WHERE x = '12' OR x = 12",
    "SELECT count(*) FROM t WHERE s = 5 OR s > 'name2' OR i = '3'",
    "SELECT count(*) FROM t WHERE n = '0' OR r IS -0.0",
    "SELECT count(*) FROM t WHERE nc = 'abc'",
    "SELECT count(*) FROM t WHERE nc = 'abc' COLLATE BINARY",
    "SELECT count(*) FROM t WHERE x IS NULL AND NOT (i IS NULL)",
    "SELECT count(*) FROM t WHERE x IN (1, 2, '12', NULL) OR s IN ('name3', 'name5')",
    "SELECT count(*) FROM t WHERE i NOT IN (1, 2, 3) AND i NOT IN (4, NULL)",
    "SELECT count(*) FROM t WHERE id BETWEEN i AND i * 10 OR id NOT BETWEEN 5 AND 1100",
    "SELECT count(*), sum(CASE WHEN i > 8 THEN r WHEN i > 4 THEN -1 END), sum(CASE i WHEN 3 THEN 'x' WHEN '4' THEN 2 ELSE n END) FROM t",
    "SELECT sum(coalesce(x, r, 0)), sum(ifnull(i, -1)), count(nullif(i, 3)), count(nullif(nc, 'ABC')) FROM t WHERE id > -3",
    "SELECT sum(length(s)), max(substr(s, 3, 4)), min(upper(nc)), count(instr(s, '2')) FROM t",
    "SELECT sum(CAST(s AS INT)), sum(CAST(x AS REAL)), max(CAST(x AS TEXT)), max(CAST(r AS BLOB)) FROM t",
    "SELECT max(s || '-' || id), min(s || x), max(x || b) FROM t",
    "SELECT sum(i & 3), sum(i | 8), sum(id << 2), sum(x >> 1), sum(~id) FROM t WHERE i < 100 AND i >= 0",
    "SELECT sum(x IS TRUE), sum(x IS NOT FALSE), sum(NOT i), sum(i AND r), sum(x OR i) FROM t",
    "SELECT sum(i / 0), sum(r / 0), sum(i % 0), sum(x + 1), sum(x * 2), sum(-x) FROM t WHERE id > 0",
    "SELECT group_concat(id, '-') FROM t WHERE id BETWEEN 5 AND 50 AND i % 2",
    "SELECT median(r), stddev(i) FROM t WHERE i < 50 AND id > 0",
    "SELECT count(DISTINCT i), count(DISTINCT x), sum(DISTINCT n), count(DISTINCT nc), count(DISTINCT s) FROM t",
    "SELECT count(*) FILTER (WHERE i > 3), sum(r) FILTER (WHERE x IS NULL), count(DISTINCT s) FILTER (WHERE i = 2) FROM t",
    "SELECT s, count(*) FROM t",
    "SELECT i, r, count(*) FROM t WHERE i = 3 AND r > 10",
    "SELECT s, i FROM t WHERE i = 99 GROUP BY NULL HAVING count(*) = 0",
    "SELECT i, count(*), sum(r), avg(n), min(s), max(x) FROM t WHERE id > 0 GROUP BY i",
    "SELECT s, i, count(*), sum(r) FROM t GROUP BY s, i",
    "SELECT nc, count(*), sum(id) FROM t GROUP BY nc",
    "SELECT x, count(*) FROM t GROUP BY x",
    "SELECT x, i, count(*), total(r) FROM t GROUP BY 1, 2 ORDER BY 2 DESC, 1",
    "SELECT i % 3 AS g, s, count(*) FROM t GROUP BY g HAVING count(*) > 2 ORDER BY count(*) DESC, g LIMIT 2",
    "SELECT id / 10, sum(i), count(DISTINCT s) FROM t WHERE id > 0 GROUP BY id / 10 ORDER BY 2, 1 LIMIT 20 OFFSET 3",
    "SELECT count(*) FROM (SELECT s, i FROM t GROUP BY s, i)",
    "SELECT b, sum(r) FROM t GROUP BY b ORDER BY b DESC",
    "SELECT r, count(*) FROM t GROUP BY r HAVING r < 5 OR r IS NULL",
    "SELECT DISTINCT count(*) FROM t GROUP BY i",
    "SELECT a, count(*), sum(b), sum(c) FROM w WHERE b > 100 GROUP BY a",
    "SELECT sum(c), max(a) FROM w WHERE a <> 'k3'",
    "SELECT i, s, count(*) FROM ti GROUP BY i, s",
    "SELECT i, count(*), max(s), min(id) FROM ti GROUP BY i",
    "SELECT i, s, count(*), sum(r), group_concat(id) FROM ti GROUP BY s, i",
    "SELECT i, s, r, avg(r), id FROM ti GROUP BY i, s ORDER BY i, s",
    "SELECT count(i), count(DISTINCT s), sum(id) FROM ti WHERE s >= 'name1'",
    "SELECT sum(v), count(*), max(v) FROM small WHERE v IS NOT NULL",
    "SELECT sum(d), sum(e), max(e), count(*) FROM added WHERE d > 0",
    "SELECT sum(id), sum(tail), max(length(body)), count(*) FROM long WHERE tail > 0",
    "SELECT tail, count(*), sum(head) FROM long GROUP BY tail",
    "SELECT (SELECT count(*) FROM t WHERE +i = small.v) FROM small",
    "SELECT sum(id), min(id), max(id) FROM t WHERE id > 10.5",
    "SELECT sum(id), min(id), max(id) FROM t WHERE id >= '100' AND id < 200.5",
    "SELECT sum(id), min(id), max(id) FROM t WHERE id < x'00' AND id <= 9e99",
    "SELECT sum(id), min(id), max(id), count(*) FROM t WHERE id BETWEEN 100 AND 163",
    "SELECT sum(id), min(id), max(id), count(*) FROM t WHERE id BETWEEN -3 AND 40",
    "SELECT sum(id), min(id), max(id), count(*) FROM t WHERE id BETWEEN 1150 AND 1300",
    "SELECT sum(id), min(id), max(id), count(*) FROM t WHERE id BETWEEN 7 AND 7",
    "SELECT count(*) FROM t WHERE r",
    "SELECT sum(i) FROM small, (SELECT i FROM t WHERE i = 4 GROUP BY i)",
];

/// Rows that are sorted, or of which each comes once.
const COLLECTED: &[&str] = &[
    "SELECT DISTINCT i FROM t",
    "SELECT DISTINCT x FROM t",
    "SELECT DISTINCT nc, i % 2 FROM t WHERE id > 0",
    "SELECT DISTINCT s FROM t LIMIT 5 OFFSET 2",
    "SELECT DISTINCT nc FROM t ORDER BY nc DESC",
    "SELECT DISTINCT i, s FROM t ORDER BY s, i LIMIT 9",
    "SELECT id, i FROM t ORDER BY i",
    "SELECT id, x FROM t ORDER BY x",
    "SELECT id, x FROM t ORDER BY x DESC, i, id DESC",
    "SELECT id, r FROM t ORDER BY r DESC",
    "SELECT id, r FROM t WHERE r IS NOT NULL ORDER BY r, i LIMIT 50",
    "SELECT id, s FROM t ORDER BY s",
    "SELECT id, s FROM t ORDER BY s DESC LIMIT 20 OFFSET 5",
    "SELECT *, id FROM t ORDER BY r, id LIMIT 10",
    "SELECT x, b, id, s FROM t ORDER BY i DESC, s, id LIMIT 15 OFFSET 3",
    "SELECT id, body, tail FROM long ORDER BY tail DESC, id LIMIT 7",
    "SELECT s, i, x, id FROM t WHERE id > 0 AND r > 20 ORDER BY i + id DESC LIMIT 5",
    "SELECT a, d, e FROM added ORDER BY d, e DESC, a LIMIT 3",
    "SELECT c, a, b FROM w ORDER BY b % 100, c LIMIT 13",
    "SELECT id, nc FROM t ORDER BY nc LIMIT 1100",
    "SELECT id, nc FROM t ORDER BY nc COLLATE BINARY, id LIMIT 40",
    "SELECT id, s FROM t ORDER BY s NULLS LAST, i NULLS FIRST",
    "SELECT id, i FROM t ORDER BY i DESC NULLS FIRST LIMIT 10",
    "SELECT id, i * r FROM t WHERE id > 0 ORDER BY i * r, s LIMIT 30",
    "SELECT id FROM t ORDER BY i % 5, r DESC LIMIT -1 OFFSET 1190",
    "SELECT t.id, k.w FROM t JOIN k ON t.i = k.i ORDER BY k.w, t.r DESC LIMIT 25",
    "SELECT sum(i) FROM (SELECT i FROM t ORDER BY r LIMIT 10)",
    "SELECT group_concat(i) FROM (SELECT DISTINCT i FROM t)",
    "SELECT a FROM (SELECT id AS a FROM t ORDER BY s, i LIMIT 5) UNION ALL SELECT i FROM k",
    "SELECT id FROM t WHERE id IN (SELECT i FROM t ORDER BY s, r LIMIT 60)",
    "INSERT INTO log SELECT DISTINCT i FROM t RETURNING v",
];

/// Rows that are given out as they are found.
const STREAMS: &[&str] = &[
    "SELECT id, s, r, x, b FROM t WHERE i > 5",
    "SELECT * FROM t WHERE x IS NOT NULL",
    "SELECT id + i, s || nc, coalesce(x, r) FROM t WHERE id > 0 AND r < 200 AND s LIKE 'name1%'",
    "SELECT rowid FROM t WHERE nc = 'abc' LIMIT 7",
    "SELECT x FROM t WHERE i % 2 = 0 LIMIT 300 OFFSET 150",
    "SELECT id, nc FROM t WHERE i < 4 ORDER BY id LIMIT 500",
    "SELECT id, s FROM t WHERE id BETWEEN 100 AND 900 AND i = 3",
    "SELECT id, s FROM t WHERE id > '100' AND id < 900.5 AND i = 3",
    "SELECT id FROM t WHERE i = 99",
    "SELECT id, s, x FROM t WHERE i > 3 ORDER BY id DESC",
    "SELECT id, s FROM t WHERE x IS NULL ORDER BY id DESC LIMIT 100 OFFSET 20",
    "SELECT id, s FROM t WHERE id > 100 AND id <= 900.5 AND i = 3 ORDER BY id DESC",
    "SELECT id, s FROM t WHERE id >= -3 AND id < '40' AND s IS NOT NULL ORDER BY id DESC",
    "SELECT id, length(body), tail FROM long WHERE tail > 0 ORDER BY id DESC",
    "SELECT a, d, e FROM added WHERE d > 0",
    "SELECT id, length(body), tail FROM long WHERE tail > 0",
    "SELECT body FROM long WHERE head % 7 = 1",
    "SELECT i FROM t WHERE x > 100 UNION ALL SELECT id FROM t WHERE x < 0",
    "SELECT i FROM t WHERE x > 100 UNION SELECT id FROM t WHERE x < 0",
    "SELECT count(*), sum(a) FROM (SELECT id AS a FROM t WHERE i > 3 LIMIT 700)",
    "SELECT v, (SELECT group_concat(id) FROM (SELECT id FROM t WHERE +i = v LIMIT 4)) FROM small",
    "SELECT id FROM k JOIN t ON t.id = k.w WHERE t.id IN (SELECT id FROM t WHERE i > 3)",
    "INSERT INTO log SELECT i FROM t WHERE r > 250 RETURNING v",
];

/// Joins that pipelines can run.
const JOINS: &[&str] = &[
    "SELECT count(*), sum(t.r), sum(k.w) FROM t JOIN k ON t.i = k.i",
    "SELECT count(*), sum(t.r), sum(k.w), group_concat(t.id || k.w) FROM t JOIN k ON t.i = k.i WHERE t.id > 1100 AND k.w < 9",
    "SELECT k.name, count(*), sum(t.r) FROM t JOIN k ON t.i = k.i AND k.w > 2 GROUP BY k.name",
    "SELECT k.name, t.nc, count(*), sum(t.r * k.w) FROM t JOIN k ON t.x = k.i GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 7",
    "SELECT count(*), sum(t.r), sum(kx.w) FROM t JOIN kx ON t.i = kx.i",
    "SELECT count(*), sum(t.r), sum(kx.w) FROM t JOIN kx ON t.x = kx.i AND t.nc = kx.name",
    "SELECT count(*), sum(k.w), count(k.w), sum(t.id) FROM t LEFT JOIN k ON t.i = k.i",
    "SELECT count(*), sum(t.id) FROM t LEFT JOIN k ON t.i = k.i WHERE k.w IS NULL",
    "SELECT count(*), sum(t.id) FROM t LEFT JOIN k ON t.i = k.i AND k.w > 5 WHERE t.id > 5",
    "SELECT count(*), sum(k.w) FROM t JOIN k ON t.nc = k.name",
    "SELECT count(*), sum(k.w) FROM t JOIN k ON t.s = k.name COLLATE NOCASE",
    "SELECT count(*), sum(k.w), sum(l.w) FROM t JOIN k ON t.i = k.i JOIN k AS l ON k.w = l.i WHERE t.id % 3 = 0",
    "SELECT count(*), group_concat(k.w) FROM t JOIN k ON t.i = k.i AND t.nc = k.name",
    "SELECT count(*), sum(ti.r), group_concat(ti.id) FROM t JOIN ti ON ti.id = t.i WHERE t.r > 50",
    "SELECT count(*), sum(ti.r) FROM t JOIN ti ON ti.id = t.x",
    "SELECT count(*), sum(ti.r), group_concat(ti.s) FROM t JOIN ti ON ti.i = t.i WHERE t.id > 1190 AND ti.id < 100",
    "SELECT count(*), max(ti.s) FROM t LEFT JOIN ti ON ti.id = t.n",
    "SELECT count(*), sum(t.id) FROM t WHERE EXISTS (SELECT 1 FROM k WHERE k.i = t.i AND k.w > 3)",
    "SELECT 1, x.b FROM both NATURAL JOIN unique_b AS x ORDER BY 2",
    "SELECT t.i, (SELECT count(*) FROM t AS u JOIN k ON u.i = k.i WHERE k.w > t.i) FROM t WHERE t.id IN (1, 5, 9)",
];

/// Queries that end in an error in SQLite, that batches leave to the row tier on their way, or whose rows no pipeline gives out.
const GIVEN_UP: &[&str] = &[
    "SELECT sum(i) FROM t WHERE i <> 'text' OR i IS NULL",
    "SELECT i, sum(id * 4000000000000000) FROM t WHERE id > 0 GROUP BY i",
    "SELECT count(*) FROM t WHERE id < 0 OR json_extract(s, '$.a') = 1",
    "SELECT abs(i) FROM t GROUP BY i HAVING sum(abs(i)) < 0",
    "CREATE TABLE copy AS SELECT id, x FROM t WHERE i > 12; SELECT count(*), sum(id), max(x) FROM copy; DROP TABLE copy",
    "SELECT id, abs(i) FROM t WHERE s IS NOT NULL",
    "SELECT id, abs(CASE id WHEN 300 THEN -9223372036854775808 ELSE i END) FROM t WHERE i > 3 ORDER BY id DESC",
    "SELECT id, abs(CASE id WHEN 700 THEN -9223372036854775808 ELSE i END) FROM t WHERE id > 0 AND i > 3",
    "SELECT id FROM t WHERE id > 0 AND abs(CASE id WHEN 1130 THEN -9223372036854775808 ELSE i END) > 3 LIMIT 2000 OFFSET 10",
];

fn connect(encoding: &str, tier: &str) -> turso_core::Connection {
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    connection.execute_batch(format!("PRAGMA encoding = '{encoding}'; PRAGMA execution_tier = {tier}")).unwrap();
    connection.execute_batch(TABLES).unwrap();
    connection
}

/// How many pipelines ran to their end, and how many gave up.
fn pipelines(connection: &turso_core::Connection, sql: &str) -> (u64, u64) {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    while let Ok(StepResult::Row) = statement.step() {}
    let counters = statement.status().counters;
    (counters.pipelines, counters.pipelines_given_up)
}

#[test]
fn batches_give_what_rows_give() {
    for encoding in ["UTF-8", "UTF-16le"] {
        let (row, batch) = (connect(encoding, "row"), connect(encoding, "batch"));
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        run_theirs(&sqlite, &format!("PRAGMA encoding = '{encoding}';{TABLES}"));
        let mut differences = Vec::new();
        let batches = BATCHES.iter().chain(JOINS).chain(COLLECTED).chain(STREAMS);
        for (sql, expected) in batches.map(|sql| (sql, true)).chain(GIVEN_UP.iter().map(|sql| (sql, false))) {
            let outcomes: [Vec<Outcome>; 3] = [run_ours(&row, sql), run_ours(&batch, sql), run_theirs(&sqlite, sql)];
            let [rows, batches, theirs] = &outcomes;
            // (Functions of ours that the library was built without.)
            let known = !theirs.iter().any(|(_, error)| error.as_ref().is_some_and(|e| e.contains("no such function")));
            if rows != batches || (known && rows != theirs) {
                differences
                    .push(format!("{encoding}: {sql}\n   row: {rows:?}\n batch: {batches:?}\n theirs: {theirs:?}"));
            }
            assert_eq!(pipelines(&row, sql), (0, 0), "{sql}");
            let ran = pipelines(&batch, sql);
            // (Blobs as parts of UTF-16 text are left to the row tier.)
            if expected && encoding == "UTF-8" && (ran.0 == 0 || ran.1 > 0) {
                differences.push(format!("{encoding}: {ran:?} pipelines in {sql}"));
            }
        }
        assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    }
}

/// The rows of a query between whose steps the same connection writes.
fn rows_while_writing(connection: &turso_core::Connection, sql: &str, changes: &[&str]) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    let mut rows = Vec::new();
    while statement.step().unwrap() == StepResult::Row {
        let row = statement.row().to_vec();
        rows.push(format!("{row:?}"));
        if let (turso_core::Value::Integer(id), true) = (&row[0], rows.len() % 50 == 7) {
            let change = changes[rows.len() / 50 % changes.len()].replace("ID", &id.to_string());
            connection.execute_batch(change).unwrap();
        }
    }
    rows
}

#[test]
fn what_is_written_between_two_rows_is_seen_as_the_row_tier_sees_it() {
    let changes = [
        "DELETE FROM t WHERE id = ID + 3",
        "UPDATE t SET s = 'new', i = 9 WHERE id > ID AND id < ID + 5",
        "INSERT INTO log VALUES(ID)",
        "INSERT INTO t(id, i, s) VALUES(ID + 5000, 10, 'later')",
        "DELETE FROM t WHERE id BETWEEN ID - 4 AND ID",
        "DELETE FROM t WHERE id > ID AND id < ID + 400",
    ];
    for sql in [
        "SELECT id, i, s FROM t WHERE i > 5",
        "SELECT id, s FROM t WHERE id > 20 AND id < 6100 AND i > 5",
        "SELECT id, s FROM t WHERE s LIKE '%' ORDER BY id",
        "SELECT id, s FROM t WHERE s LIKE '%' ORDER BY id DESC",
    ] {
        let [rows, batches] = ["row", "batch"].map(|tier| rows_while_writing(&connect("UTF-8", tier), sql, &changes));
        assert!(rows.len() > 50, "{sql}: {}", rows.len());
        assert_eq!(rows, batches, "{sql}");
    }
}

#[test]
fn small_tables_are_left_to_rows_and_large_ones_to_batches() {
    let connection = connect("UTF-8", "auto");
    assert_eq!(pipelines(&connection, "SELECT sum(v) FROM small"), (0, 0));
    assert_eq!(pipelines(&connection, "SELECT sum(r) FROM t"), (1, 0));
    assert_eq!(pipelines(&connection, "SELECT sum(r) FROM t WHERE id BETWEEN 100 AND 199"), (1, 0));
    assert_eq!(pipelines(&connection, "SELECT sum(r) FROM t WHERE id BETWEEN 100 AND 119"), (0, 1));
    assert!(connection.execute_batch("PRAGMA execution_tier = columns").is_err());
    let asked = run_ours(&connection, "PRAGMA execution_tier; PRAGMA execution_tier = row; PRAGMA execution_tier");
    let rows: Vec<&str> = asked.iter().flat_map(|(rows, _)| rows.iter().map(String::as_str)).collect();
    assert_eq!(rows, ["'auto'", "'row'", "'row'"]);
    assert_eq!(pipelines(&connection, "SELECT sum(r) FROM t"), (0, 0));
}

#[test]
fn a_statement_gets_its_pipeline_when_its_table_has_grown() {
    let connection = connect("UTF-8", "auto");
    connection.execute_batch("CREATE TABLE g(a, b); INSERT INTO g VALUES (1, 2), (3, 4)").unwrap();
    for sql in
        ["SELECT sum(a) FROM g", "SELECT a FROM g WHERE b = 4", "SELECT x.a FROM g x, g y WHERE x.a = y.b ORDER BY 1"]
    {
        connection.execute_batch("DELETE FROM g WHERE rowid > 2").unwrap();
        // The program is kept by its text.
        (0..3).for_each(|_| assert_eq!(pipelines(&connection, sql), (0, 0), "{sql}"));
        let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
        let mut run = || {
            while let StepResult::Row = statement.step().unwrap() {}
            statement.reset();
            let status = statement.status();
            (status.counters.pipelines, status.counters.pipelines_given_up, status.reprepares)
        };
        assert_eq!(run(), (0, 0, 0), "{sql}");
        connection.execute_batch("INSERT INTO g VALUES (5, 6)").unwrap();
        assert_eq!(run(), (0, 0, 0), "{sql}");
        let more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO g SELECT i, i FROM n";
        connection.execute_batch(more).unwrap();
        assert_eq!(run(), (1, 0, 1), "{sql}");
        assert_eq!(run(), (2, 0, 1), "{sql}");
        (0..3).for_each(|_| assert_eq!(pipelines(&connection, sql), (1, 0), "{sql}"));
    }
}

#[test]
fn the_plan_is_in_the_listing_and_not_in_the_query_plan() {
    let (row, batch) = (connect("UTF-8", "row"), connect("UTF-8", "batch"));
    let sql = "SELECT i, sum(r * 2) FROM t WHERE x > 5 GROUP BY i";
    let plan = format!("EXPLAIN QUERY PLAN {sql}");
    assert_eq!(run_ours(&row, &plan), run_ours(&batch, &plan));
    let listing = run_ours(&batch, &format!("EXPLAIN {sql}"));
    let opened = listing.iter().flat_map(|(rows, _)| rows).find(|row| row.contains("BatchOpen")).unwrap().clone();
    assert!(opened.contains("load s0=f7; s2=Gt(s0,s1); filter s2; load"), "{opened}");
    assert!(!run_ours(&row, &format!("EXPLAIN {sql}"))[0].0.iter().any(|row| row.contains("Batch")));
}

#[test]
fn pages_that_come_late_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("late.db").to_str().unwrap().to_string();
    {
        let connection = Database::open(&path, OpenOptions::default()).unwrap().connect().unwrap();
        connection.execute_batch(TABLES).unwrap();
    }
    let options =
        || OpenOptions { backend: turso_core::Backend::AlwaysPending, cache_pages: Some(10), ..OpenOptions::default() };
    let open = |tier: &str| {
        let connection = Database::open(&path, options()).unwrap().connect().unwrap();
        connection.execute_batch(format!("PRAGMA execution_tier = {tier}")).unwrap();
        connection
    };
    let (row, batch) = (open("row"), open("batch"));
    for sql in BATCHES.iter().chain(JOINS).chain(COLLECTED).chain(STREAMS).chain(GIVEN_UP) {
        assert_eq!(run_ours(&row, sql), run_ours(&batch, sql), "{sql}");
    }
}

/// While a batch waits for its next page, those that it has may be written to: rows given out later are those of their pages by then.
#[test]
fn what_is_written_while_a_page_is_waited_for_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("late.db").to_str().unwrap().to_string();
    Database::open(&path, OpenOptions::default()).unwrap().connect().unwrap().execute_batch(TABLES).unwrap();
    let mut written = 0;
    for wait in 1..12 {
        let options = OpenOptions { backend: turso_core::Backend::AlwaysPending, ..OpenOptions::default() };
        let connection = Database::open(&path, options).unwrap().connect().unwrap();
        connection.execute_batch("PRAGMA execution_tier = batch; BEGIN").unwrap();
        let mut statement = connection.prepare("SELECT id, s FROM t WHERE i > 5").unwrap().statement.unwrap();
        let mut waits = 0;
        loop {
            match statement.try_step() {
                Err(turso_core::Error::Pending) => {
                    waits += 1;
                    if waits == wait {
                        connection.execute_batch("UPDATE t SET s = 'new'").unwrap();
                        written += 1;
                    } else {
                        connection.wait().unwrap();
                    }
                }
                Ok(StepResult::Row) if waits >= wait => {
                    assert_eq!(
                        statement.row()[1],
                        turso_core::Value::text("new"),
                        "{:?} after {wait}",
                        statement.row()
                    );
                }
                Ok(StepResult::Row) => {}
                Ok(StepResult::Done) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(written > 5, "{written}");
}
