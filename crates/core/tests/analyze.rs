//! ANALYZE, its samples and its limit, against SQLite (whose bundled build has `SQLITE_ENABLE_STAT4`).

mod support;

use turso_core::{Database, OpenOptions, StepResult, Value};

fn series(last: u32) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})")
}

/// Both engines' answers to the last statement of a script.
fn last_rows(script: &str) -> (Vec<String>, Vec<String>) {
    let sqlite = rusqlite::Connection::open_in_memory().expect("SQLite opens");
    let turso = Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("we open");
    let rows =
        |outcomes: Vec<support::Outcome>| outcomes.into_iter().next_back().map_or_else(Vec::new, |(rows, _)| rows);
    (rows(support::run_ours(&turso, script)), rows(support::run_theirs(&sqlite, script)))
}

const SAMPLES: &str = "SELECT rowid, tbl, idx, neq, nlt, ndlt, hex(sample) FROM sqlite_stat4";

/// Where every group has a place, nothing is left to chance.
#[test]
fn samples_of_few_groups_are_sqlites() {
    let tables = [
        ("t(a, b); CREATE INDEX i ON t(a)", 4, "i / 2, i"),
        ("t(a, b); CREATE INDEX i ON t(a)", 24, "i, i"),
        ("t(a, b); CREATE INDEX i ON t(a)", 20, "nullif(i % 5, 2), 'x' || i"),
        ("t(a, b); CREATE INDEX i ON t(a)", 100, "1, i"),
        ("t(a, b); CREATE UNIQUE INDEX i ON t(a)", 10, "nullif(i, 3), i"),
        ("t(a REAL, b TEXT); CREATE INDEX i ON t(b, a)", 15, "i / 2, i / 3"),
        ("t(a, b COLLATE NOCASE); CREATE INDEX i ON t(a + 1 DESC, b)", 10, "i % 7, char(64 + i % 2 * 32 + i / 2)"),
        ("t(a, b); CREATE INDEX i ON t(a) WHERE b > 3; CREATE INDEX j ON t(b) WHERE b IS NULL", 10, "i % 7, i"),
        ("t(a, b, c, PRIMARY KEY(b, a)) WITHOUT ROWID; CREATE INDEX i ON t(c)", 20, "i % 10, i, i % 4"),
        ("t(a PRIMARY KEY, b) WITHOUT ROWID", 100, "i, i"),
        ("t(a, b)", 9, "i, i"),
        ("t(a, b); CREATE INDEX i ON t(a)", 0, "i, i"),
    ];
    for (table, rows, values) in tables {
        let fill =
            if rows == 0 { String::new() } else { format!("INSERT INTO t {} SELECT {values} FROM n;", series(rows)) };
        let script = format!("CREATE TABLE {table}; {fill} ANALYZE; {SAMPLES}");
        let (ours, theirs) = last_rows(&script);
        assert_eq!(ours, theirs, "{script}");
    }
}

/// Every number of a sample is what a query counts, as many samples as SQLite's are kept, and the largest groups among them.
#[test]
fn samples_tell_the_truth() {
    let turso = Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("we open");
    let run = |sql: &str| {
        let mut statement = turso.prepare(sql).expect("it prepares").statement.expect("a statement");
        let mut rows = Vec::new();
        while let StepResult::Row = statement.step().expect("it runs") {
            rows.push(statement.row().to_vec());
        }
        rows
    };
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)");
    run("CREATE INDEX i ON t(a, b)");
    // Values of a: 7 for a third of the rows, 900 for a hundred, few of each otherwise.
    let a = "CASE WHEN i % 3 = 0 THEN 7 WHEN i % 20 = 1 THEN 900 ELSE i / 4 END";
    run(&format!("INSERT INTO t {} SELECT i, {a}, i % 50 FROM n", series(3000)));
    run("ANALYZE");
    let numbers = |value: &Value| match value {
        Value::Text(list) => {
            String::from_utf8_lossy(list).split(' ').map(|n| n.parse().expect("a number")).collect::<Vec<i64>>()
        }
        other => panic!("not a list: {other:?}"),
    };
    let samples = run("SELECT neq, nlt, ndlt, sample FROM sqlite_stat4 WHERE idx = 'i' ORDER BY rowid");
    assert_eq!(samples.len(), 24);
    let mut firsts = Vec::new();
    let mut before = -1;
    for sample in &samples {
        let [equal, less, distinct] = [0, 1, 2].map(|column| numbers(&sample[column]));
        // The entry's own number tells which it is.
        assert!(less[2] > before);
        before = less[2];
        let row = &run(&format!("SELECT a, b, id FROM t ORDER BY a, b, id LIMIT 1 OFFSET {}", less[2]))[0];
        let [Value::Integer(a), Value::Integer(b), Value::Integer(_)] = row.as_slice() else { panic!("{row:?}") };
        firsts.push(*a);
        let counted = run(&format!(
            "SELECT sum(a = {a}), sum((a, b) = ({a}, {b})), sum(a < {a}), sum((a, b) < ({a}, {b})),
                    count(DISTINCT iif(a < {a}, a, NULL)), count(DISTINCT iif((a, b) < ({a}, {b}), a || ',' || b, NULL)) FROM t"
        ));
        let told = [equal[0], equal[1], less[0], less[1], distinct[0], distinct[1]].map(Value::Integer);
        assert_eq!(counted[0], told, "{a}, {b}");
        assert_eq!((equal[2], less[2]), (1, distinct[2]));
    }
    assert!(firsts.contains(&7) && firsts.contains(&900));
}

#[test]
fn a_limit_ends_the_scan_where_sqlite_ends_it() {
    let groups = |sizes: &[u32]| {
        let inserts = sizes.iter().enumerate();
        inserts
            .map(|(k, size)| format!("INSERT INTO t {} SELECT {k}, i / 3 FROM n;", series(*size)))
            .collect::<String>()
    };
    let many: Vec<u32> = [100, 100].into_iter().chain(std::iter::repeat_n(1, 50)).collect();
    let cases: [&[u32]; 9] = [
        &[100, 100, 100],
        &[5, 100, 100, 100],
        &[100],
        &[100, 5, 5, 100],
        &[100, 15, 100, 20, 40, 50],
        &[11, 100, 100],
        &[10, 100, 100],
        &[51, 60, 60],
        &many,
    ];
    for limit in [0, 1, 10, 20, 50, 1000] {
        for sizes in cases {
            let script = format!(
                "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b); CREATE UNIQUE INDEX u ON t(b, a, b || a) WHERE a < 0;
                 {} PRAGMA analysis_limit = {limit}; ANALYZE;
                 SELECT * FROM sqlite_stat1 UNION ALL SELECT 'samples', NULL, count(*) > 0 FROM sqlite_stat4",
                groups(sizes)
            );
            let (ours, theirs) = last_rows(&script);
            assert_eq!(ours, theirs, "{script}");
        }
    }
}

#[test]
fn statistics_go_with_their_objects() {
    support::check(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE INDEX j ON t(b); CREATE TABLE w(x PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO t VALUES(1, 2), (1, 3); INSERT INTO w VALUES(5); ANALYZE;
         SELECT name, sql FROM sqlite_schema WHERE name LIKE 'sqlite_stat%' ORDER BY 1;
         ALTER TABLE w RENAME TO w2; SELECT tbl, idx, neq, nlt, ndlt, hex(sample) FROM sqlite_stat4 ORDER BY 1, 2, rowid;
         DELETE FROM t WHERE b = 3; ANALYZE j; SELECT tbl, idx, neq, nlt, ndlt, hex(sample) FROM sqlite_stat4 ORDER BY 1, 2, rowid;
         ANALYZE t; SELECT tbl, idx, neq FROM sqlite_stat4 ORDER BY 1, 2, rowid; DROP INDEX i; SELECT tbl, idx FROM sqlite_stat4 ORDER BY 1, 2, rowid;
         DROP TABLE t; SELECT tbl, idx FROM sqlite_stat4; DROP TABLE sqlite_stat4; ANALYZE; SELECT tbl, idx FROM sqlite_stat4;
         DROP TABLE sqlite_stat1; ANALYZE; SELECT * FROM sqlite_stat1; DROP TABLE sqlite_stat1; DROP TABLE sqlite_stat4;",
    );
}

/// The plan of a query on a table whose column `a` has one value in nearly all rows, and whose column `b` has ten values.
fn plan(connection: &turso_core::Connection, sql: &str) -> String {
    let mut statement =
        connection.prepare(format!("EXPLAIN QUERY PLAN {sql}")).expect("it prepares").statement.expect("a statement");
    let mut plan = Vec::new();
    while let StepResult::Row = statement.step().expect("a plan") {
        if let [_, _, _, Value::Text(detail)] = statement.row() {
            plan.push(String::from_utf8_lossy(detail).into_owned());
        }
    }
    plan.join("; ")
}

#[test]
fn either_engine_plans_by_the_samples_of_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    for by_sqlite in [false, true] {
        let path = folder.path().join(format!("{by_sqlite}.db"));
        let sqlite = rusqlite::Connection::open(&path).expect("SQLite opens");
        sqlite
            .execute_batch(&format!(
                "CREATE TABLE t(a TEXT, b, c); CREATE INDEX ia ON t(a); CREATE INDEX ib ON t(b);
                 INSERT INTO t {} SELECT iif(i % 100, 'common', 'rare' || i), i % 10 + i / 1900, i FROM n;",
                series(2000)
            ))
            .expect("SQLite fills the table");
        let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).expect("we open");
        let turso = database.connect().expect("we connect");
        if by_sqlite {
            sqlite.execute_batch("ANALYZE").expect("SQLite analyzes");
        } else {
            turso.execute_batch("ANALYZE").expect("we analyze");
        }
        drop((turso, sqlite));
        // EXPLAIN does not look whether the schema has changed.
        let sqlite = rusqlite::Connection::open(&path).expect("SQLite opens");
        let turso = database.connect().expect("we connect");
        let queries = [
            ("SELECT c FROM t WHERE a = 'common' AND b = 3", "SEARCH t USING INDEX ib (b=?)"),
            ("SELECT c FROM t WHERE a = 'rare100' AND b = 3", "SEARCH t USING INDEX ia (a=?)"),
            ("SELECT c FROM t WHERE a > 'common' AND b = 3", "SEARCH t USING INDEX ia (a>?)"),
            ("SELECT c FROM t WHERE a >= 'common' AND b = 3", "SEARCH t USING INDEX ib (b=?)"),
            ("SELECT c FROM t WHERE a = 'common' AND b BETWEEN 11 AND 12", "SEARCH t USING INDEX ib (b>? AND b<?)"),
        ];
        for (sql, expected) in queries {
            assert_eq!(plan(&turso, sql), expected, "{sql}, analyzed by SQLite: {by_sqlite}");
            let theirs: String =
                sqlite.query_row(&format!("EXPLAIN QUERY PLAN {sql}"), [], |row| row.get(3)).expect("SQLite explains");
            assert_eq!(theirs, expected, "{sql}, in SQLite, analyzed by SQLite: {by_sqlite}");
        }
        let check: String = sqlite.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("SQLite checks");
        assert_eq!(check, "ok");
    }
}

/// Damaged statistics make bad plans at worst.
#[test]
fn damaged_samples_are_ignored() {
    support::check(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b); INSERT INTO t VALUES(1, 2), (1, 3), (2, 4); ANALYZE;
         UPDATE sqlite_stat4 SET neq = 'x y', sample = x'ff' WHERE rowid = 1; UPDATE sqlite_stat4 SET nlt = '', ndlt = NULL WHERE rowid = 2;
         INSERT INTO sqlite_stat4 VALUES('t', 'i', '5', '1', '1', x'0201'), ('t', 'nosuch', '1', '1', '1', x'020101'), (NULL, NULL, NULL, NULL, NULL, NULL),
           ('t', 'i', '9223372036854775807 1 1', '9223372036854775807 1 1', '18446744073709551615 1 1', x'04010101ff0000'), ('t', 'i', 1, 1, 1, 'text');
         ANALYZE sqlite_schema; SELECT * FROM t WHERE a = 1 AND b = 2; SELECT * FROM t WHERE a = 1 AND b > 2 ORDER BY b; SELECT * FROM t WHERE a IN (1, 2, 3) ORDER BY b;",
    );
}

/// What `PRAGMA optimize` would do, after a table of a hundred rows has got more of them, or fewer.
#[test]
fn tables_that_have_grown_or_shrunk_are_analyzed_again() {
    let table = format!(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t {} SELECT i, i % 10 FROM n; ANALYZE;",
        series(100)
    );
    let grow = |rows: u32| format!("INSERT INTO t {} SELECT i + 1000000, i % 10 FROM n;", series(rows));
    let changes = [
        String::new(),
        grow(1),
        grow(200),
        grow(2400),
        "DELETE FROM t WHERE rowid > 5;".into(),
        "DELETE FROM t WHERE rowid > 9;".into(),
        "DELETE FROM t WHERE rowid > 10;".into(),
        "DELETE FROM t WHERE rowid > 50;".into(),
        "DELETE FROM t;".into(),
        "CREATE INDEX j ON t(b);".into(),
    ];
    let uses = [
        "",
        "SELECT * FROM t;",
        "SELECT * FROM t WHERE a = 1;",
        "EXPLAIN SELECT * FROM t WHERE a > 1;",
        "SELECT * FROM t WHERE a + 0 = 1;",
        "SELECT * FROM t ORDER BY a;",
        "DELETE FROM t WHERE a = -4;",
        "SELECT * FROM t AS x, t AS y WHERE x.a = y.b;",
    ];
    for change in &changes {
        for used in uses {
            for mask in ["3", "-1", "0x10003", "0x10002", "1"] {
                let script = format!("{table}{used}{change}PRAGMA optimize({mask})");
                let (ours, theirs) = last_rows(&script);
                assert_eq!(ours, theirs, "{script}");
            }
        }
    }
    for growth in [grow(1), grow(2400)] {
        for mask in ["3", "0x10003"] {
            let script = format!(
                "CREATE TABLE t(a, b); INSERT INTO t {} SELECT i, i FROM n; ANALYZE; SELECT * FROM t WHERE a = 1; {growth} PRAGMA optimize({mask})",
                series(100)
            );
            let (ours, theirs) = last_rows(&script);
            assert_eq!(ours, theirs, "{script}");
        }
    }
}

#[test]
fn optimizing_looks_at_a_part_of_large_indexes() {
    for limit in [0, 50, 5000] {
        for mask in ["", "(0xfffe)", "(2)", "(0x12)"] {
            let script = format!(
                "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b); INSERT INTO t {} SELECT i / 4500, i / 7 FROM n;
                 PRAGMA analysis_limit = {limit}; PRAGMA optimize{mask}; PRAGMA analysis_limit;
                 SELECT stat, (SELECT count(*) FROM sqlite_stat4) FROM sqlite_stat1",
                series(6000)
            );
            let (ours, theirs) = last_rows(&script);
            assert_eq!(ours, theirs, "{script}");
        }
    }
}

#[test]
fn nulls_of_a_unique_column_are_counted_as_sqlite_counts_them() {
    const TABLES: &str = "CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(NULL),(NULL),(1),(2),(3);
         CREATE TABLE u(a); CREATE UNIQUE INDEX ui ON u(a DESC); INSERT INTO u VALUES(NULL),(NULL),(1),(2),(3);
         CREATE TABLE v(a, b); CREATE UNIQUE INDEX vi ON v(a DESC, b); INSERT INTO v VALUES(NULL,1),(NULL,1),(1,1),(1,NULL),(1,NULL),(2,3);
         CREATE TABLE w(a); CREATE UNIQUE INDEX wi ON w(a DESC); INSERT INTO w VALUES(NULL),(NULL),(NULL),(2);
         CREATE TABLE y(b, e PRIMARY KEY) WITHOUT ROWID; CREATE UNIQUE INDEX yi ON y(b DESC); INSERT INTO y VALUES(NULL,1),(NULL,2),(3,4);
         CREATE TABLE z(b, c, e, PRIMARY KEY(e, c)) WITHOUT ROWID; CREATE UNIQUE INDEX zi ON z(b DESC); INSERT INTO z VALUES(NULL,1,1),(NULL,2,3),(3,4,5);
         CREATE TABLE x(a); CREATE UNIQUE INDEX xi ON x(a DESC); INSERT INTO x VALUES(NULL),(NULL); ANALYZE;";
    let (ours, theirs) = last_rows(&format!("{TABLES} SELECT * FROM sqlite_stat1 ORDER BY idx;"));
    assert_eq!(ours, theirs);
    let (ours, theirs) =
        last_rows(&format!("{TABLES} SELECT idx, neq, nlt, ndlt FROM sqlite_stat4 ORDER BY idx, nlt, sample;"));
    assert_eq!(ours, theirs);
}

/// Statistics are what somebody has written: as many rows as there are numbers.
#[test]
fn optimize_looks_at_a_table_of_immense_statistics() {
    let script = "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1, 2); ANALYZE;
                  UPDATE sqlite_stat1 SET stat = '9223372036854775807 1'; ANALYZE sqlite_schema;
                  SELECT * FROM t WHERE a = 1; PRAGMA optimize(0x10003)";
    let (ours, theirs) = last_rows(script);
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 1);
}
