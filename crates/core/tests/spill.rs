//! Sorts, groups, sets and temporary trees that do not fit in memory go to temporary files: the same answers as in memory, at
//! once and where every first touch is pending, and no more memory than they may have.

mod support;

use support::run_ours;
use turso_core::{Backend, Connection, Database, OpenOptions};

const FILL: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b, c TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
        INSERT INTO t SELECT i, i * 7919 % 10007, printf('%.60c%d', 'x', i * 31 % 4001) FROM n;";

/// Each works on more than the quarter of a MiB that everybody may have.
const QUERIES: &[&str] = &[
    "SELECT a, b FROM t ORDER BY c, b DESC",
    "SELECT c, count(*), sum(b) FROM t GROUP BY c",
    "SELECT DISTINCT c, b % 3 FROM t",
    "SELECT c || b COLLATE nocase k, a, min(b), count(DISTINCT a % 3), group_concat(a) FROM t GROUP BY 1 HAVING count(*) > 0",
    "SELECT b, c, max(a), total(a), a FROM t GROUP BY b, c ORDER BY b DESC, c",
    "SELECT CASE WHEN a % 3 THEN c || a % 2100 END g, a, count(*), sum(b) FILTER (WHERE b % 2) FROM t GROUP BY g",
    "SELECT (SELECT count(*) FROM (SELECT c || b || x.a FROM t GROUP BY 1)) FROM t x WHERE x.a < 3",
    "SELECT x.a, y.a, y.b FROM t x JOIN t y ON y.c = x.c WHERE x.a % 50 = 0",
    "SELECT x.a, y.a, y.c FROM t x LEFT JOIN t y ON y.b = x.b + 1 AND y.a > 7",
    "SELECT count(*), sum(a) FROM t WHERE EXISTS (SELECT 1 FROM t y WHERE y.c = t.c AND y.a < t.a)",
    "SELECT count(DISTINCT c), count(DISTINCT b), count(DISTINCT c || b) FROM t",
    "SELECT a FROM t ORDER BY c || b LIMIT 5500",
    "SELECT a FROM t ORDER BY c LIMIT 5 OFFSET 5000",
    "SELECT c || b FROM t UNION SELECT c || a FROM t ORDER BY 1 LIMIT 20000",
    "SELECT c FROM t EXCEPT SELECT c FROM t WHERE b % 2 = 0",
    "SELECT a, sum(b) OVER (PARTITION BY b % 5 ORDER BY c ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING) FROM t",
    "SELECT count(*) FROM t x JOIN t y ON x.c = y.c || '' AND x.b = y.b + 0",
    "SELECT count(*) FROM t WHERE c || b IN (SELECT c || b FROM t WHERE a % 3 = 0)",
    "WITH RECURSIVE r(i, s) AS (SELECT 1, 'x' UNION SELECT i + 1, printf('%.50c%d', 'y', i) FROM r WHERE i < 5000) SELECT count(*), sum(i), max(s) FROM r",
    "WITH RECURSIVE r(i, s) AS (SELECT 1, 'x' UNION ALL SELECT i * 2 + k.column1, s || k.column1 FROM r, (VALUES(0), (1)) k WHERE i < 3000 ORDER BY 2 DESC) SELECT count(*), sum(i) FROM r",
    "SELECT group_concat(DISTINCT c) FROM t",
    "CREATE INDEX i ON t(c, b)",
    "SELECT a FROM t INDEXED BY i WHERE c = printf('%.60c%d', 'x', 7)",
    "PRAGMA integrity_check",
    "CREATE TEMP TABLE tt AS SELECT a, b, c || b AS d FROM t",
    "CREATE INDEX temp.ti ON tt(d, b)",
    "SELECT count(*), sum(b) FROM tt WHERE d > 'x'",
    "UPDATE tt SET d = d || 'y' WHERE a % 2",
    "SAVEPOINT s",
    "DELETE FROM tt WHERE a % 3 = 0",
    "INSERT INTO tt SELECT a + 10000, b, printf('%.90c', 'z') FROM t WHERE a < 2000",
    "SELECT count(*), sum(a), max(d) FROM tt",
    "ROLLBACK TO s",
    "SELECT count(*), sum(a), max(d), sum(length(d)) FROM tt",
    "RELEASE s",
    "SELECT a, d FROM tt WHERE d > 'x' ORDER BY d, b LIMIT 40 OFFSET 3000",
    "PRAGMA temp.integrity_check",
    "DROP TABLE tt",
];

fn connect(backend: Backend, temp_memory: Option<usize>, directory: &tempfile::TempDir) -> Connection {
    let options = OpenOptions { backend, temp_memory, cache_pages: Some(64), ..OpenOptions::default() };
    let path = directory.path().join("spill.db");
    Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap()
}

fn answers(backend: Backend, temp_memory: Option<usize>) -> Vec<support::Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let connection = connect(backend, temp_memory, &directory);
    connection.execute_batch(FILL).unwrap();
    QUERIES.iter().flat_map(|sql| run_ours(&connection, sql)).collect()
}

#[test]
fn in_files_as_in_memory() {
    let expected = answers(Backend::Default, None);
    for backend in [Backend::Default, Backend::AlwaysPending] {
        let found = answers(backend.clone(), Some(0));
        for (sql, (a, b)) in QUERIES.iter().zip(found.iter().zip(&expected)) {
            assert!(b.1.is_none(), "{sql}: {b:?}");
            assert!(a == b, "{backend:?}: {sql}");
        }
        assert_eq!(found.len(), expected.len());
    }
}

/// A statement of one row is over before anybody looks at the memory that its transaction takes.
#[test]
fn a_transaction_of_many_small_statements_keeps_no_more_pages_than_one_of_a_large_one() {
    let directory = tempfile::tempdir().unwrap();
    let connection = connect(Backend::Default, None, &directory);
    connection.execute_batch("PRAGMA cache_spill = 200; CREATE TABLE s(a INTEGER PRIMARY KEY, b); BEGIN").unwrap();
    let most = |sql: &str| {
        let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
        let mut most = 0;
        for i in 1..=4000 {
            statement.bind(1, turso_core::Value::Integer(i)).unwrap();
            while statement.step().unwrap() == turso_core::StepResult::Row {}
            statement.reset();
            most = most.max(connection.cache_counts().resident_bytes / 4096);
        }
        most
    };
    let written = most("INSERT INTO s VALUES (?1, zeroblob(1000 + ?1 % 7))");
    assert!((200..300).contains(&written), "{written} pages");
    connection.execute_batch("COMMIT; BEGIN").unwrap();
    let read = most("SELECT length(b) FROM s WHERE a = ?1");
    assert!((64..300).contains(&read), "{read} pages");
    connection.execute_batch("COMMIT").unwrap();
    let sound = run_ours(&connection, "SELECT count(*), sum(length(b)) FROM s; PRAGMA integrity_check");
    let rows: Vec<String> = sound.into_iter().flat_map(|(rows, _)| rows).collect();
    assert_eq!(rows, ["4000|4011997", "'ok'"]);
}

#[test]
fn what_goes_to_temporary_files_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let spilled = |memory| {
        let connection = connect(Backend::Default, memory, &directory);
        support::run_ours(
            &connection,
            "CREATE TABLE IF NOT EXISTS t(a); DELETE FROM t; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) INSERT INTO t SELECT hex(randomblob(50)) FROM c",
        );
        let before = connection.temp_bytes_spilled(true);
        support::run_ours(&connection, "SELECT sum(length(a)) FROM (SELECT a FROM t ORDER BY a LIMIT 4999)");
        let sorted = connection.temp_bytes_spilled(true);
        (before, sorted, connection.temp_bytes_spilled(false))
    };
    assert_eq!(spilled(None), (0, 0, 0));
    let (_, sorted, after) = spilled(Some(64 << 10));
    // Each of the rows is written once at least.
    assert!(sorted >= 5000 * 100, "{sorted}");
    assert_eq!(after, 0);
}
