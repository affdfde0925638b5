//! Hostile input: valid files with random changes to their pages, and SQL texts with random changes. Whatever comes, there is
//! an answer or an error: no panic, no hang, no memory without bound.
//!
//! The work is done by a child process per batch (this binary, running one of its ignored tests), because only from outside can
//! a hang or an abort be seen. `FILE_MUTATIONS` (200; 10000 in full), `SQL_MUTATIONS` (3000; 100000 in full), `HOSTILE_SEED`.

use std::process::Stdio;
use std::time::Duration;

use integration::hostile::images::{Kind, pool};
use integration::hostile::mutate::mutate;
use integration::random::{Rng, seed, variable};
use integration::watchdog::{End, peak_memory_bytes, this_test, wait};
use integration::{Engine, Ours};
use turso_core::{Backend, Database, OpenOptions, StepResult};

/// Memory that a batch may take at most.
const MEMORY_LIMIT_BYTES: u64 = 1 << 30;
/// Rows and bytes that a single statement may hand out before it is given up: generated statements may join everything.
const ROW_LIMIT: usize = 2_000;

/// Run `count` cases in batches, each in a child; a batch that fails is narrowed down to one case.
fn in_children(test: &str, count: u64, batch: u64, limit: Duration) {
    let first = seed("HOSTILE_SEED", 1).wrapping_mul(1_000_003);
    // Statements may name files; the children live where these do no harm.
    let place = tempfile::tempdir().unwrap();
    let run = |from: u64, many: u64| {
        let variables = [("CASE_FROM", from.to_string()), ("CASE_COUNT", many.to_string())];
        let mut command = this_test(test, &variables).unwrap();
        let log = tempfile::NamedTempFile::new().unwrap();
        command.current_dir(place.path());
        command.stdout(Stdio::from(log.reopen().unwrap())).stderr(Stdio::from(log.reopen().unwrap()));
        let mut child = command.spawn().unwrap();
        let end = wait(&mut child, limit).unwrap();
        let text = std::fs::read_to_string(log.path()).unwrap_or_default();
        (end, text)
    };
    let mut failures = Vec::new();
    let mut from = first;
    while from < first + count {
        let many = batch.min(first + count - from);
        let (end, text) = run(from, many);
        if !matches!(end, End::Exit(status) if status.success()) {
            let case = text.lines().rev().find_map(|l| l.strip_prefix("case ")).unwrap_or("?").to_owned();
            let what = match end {
                End::TimedOut => "hang".to_owned(),
                End::Exit(status) => format!("{status}"),
            };
            let why: Vec<&str> = text.lines().filter(|l| l.contains("panicked") || l.contains("memory")).collect();
            let after = text.lines().skip_while(|l| !l.contains("panicked")).nth(1).unwrap_or("");
            failures.push(format!(
                "CASE_FROM={case} CASE_COUNT=1 cargo test ... {test} -- --ignored: {what}: {} {after}",
                why.join(" ")
            ));
            // Go on behind the case that failed.
            from = case.split(' ').next().and_then(|c| c.parse::<u64>().ok()).map_or(from + many, |c| c + 1);
            if failures.len() >= 20 {
                break;
            }
            continue;
        }
        from += many;
    }
    println!("{test}: {count} cases, {} failed", failures.len());
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

fn cases() -> std::ops::Range<u64> {
    let from = variable("CASE_FROM", 0);
    from..from + variable("CASE_COUNT", 0)
}

fn check_memory() {
    if let Some(bytes) = peak_memory_bytes() {
        assert!(bytes < MEMORY_LIMIT_BYTES, "memory: {} MiB", bytes >> 20);
    }
}

/// Run all statements of a text as far as they go; errors are fine.
fn run_all(connection: &turso_core::Connection, sql: &str) {
    let mut rest = sql;
    for _ in 0..50 {
        let Ok(prepared) = connection.prepare(rest) else { return };
        if let Some(mut statement) = prepared.statement {
            let mut rows = 0;
            while let Ok(StepResult::Row) = statement.step() {
                rows += 1;
                if rows >= ROW_LIMIT {
                    break;
                }
            }
        }
        match rest.get(prepared.tail..) {
            Some(tail) if prepared.tail > 0 && !tail.is_empty() => rest = tail,
            _ => return,
        }
    }
}

// ---- Files --------------------------------------------------------------------------------------------------------------

const QUESTIONS: &[&str] = &[
    "PRAGMA integrity_check(20)",
    "PRAGMA quick_check(20)",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM t",
    "SELECT a, b FROM t ORDER BY b, c DESC",
    "SELECT count(*), sum(length(b)), max(c) FROM t",
    "SELECT * FROM w ORDER BY k DESC, n",
    "SELECT * FROM q WHERE x > 5",
    "SELECT * FROM t WHERE b >= 'b' AND b < 'c'",
    "INSERT INTO t(b, c) SELECT b, zeroblob(600) FROM t LIMIT 20",
    "INSERT OR REPLACE INTO w SELECT k, n + 1, x'0102' FROM w LIMIT 30",
    "UPDATE t SET b = b || 'x', c = zeroblob(900) WHERE a % 3 = 0",
    "UPDATE q SET x = x + 1000",
    "DELETE FROM t WHERE a % 2 = 0",
    "DELETE FROM w WHERE n > 20",
    "CREATE INDEX extra ON t(c, b)",
    "DROP INDEX tb",
    "PRAGMA incremental_vacuum(5)",
    "VACUUM",
    "REINDEX",
    "CREATE TABLE more AS SELECT * FROM t",
    "DROP TABLE w",
    "BEGIN; DELETE FROM t; ROLLBACK",
    "PRAGMA journal_mode = wal",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "ALTER TABLE t RENAME TO u",
];

#[test]
#[ignore = "run by the test of damaged files"]
fn damaged_files_child() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("damaged.db");
    let pool = pool(Kind::File, directory.path());
    for case in cases() {
        println!("case {case}");
        let mut rng = Rng::new(case);
        for suffix in ["", "-wal", "-journal", "-shm"] {
            let _ = std::fs::remove_file(directory.path().join(format!("damaged.db{suffix}")));
        }
        let mut files = rng.pick(&pool).clone();
        mutate(Kind::File, &mut files, &mut rng);
        std::fs::write(&path, &files.database).unwrap();
        let backend = if rng.percent(15) { Backend::AlwaysPending } else { Backend::Default };
        let options = OpenOptions {
            new_uses_wal: false,
            cache_pages: rng.percent(30).then_some(10),
            busy_timeout: Duration::from_millis(50),
            backend,
            ..OpenOptions::default()
        };
        let Ok(database) = Database::open(&path.to_string_lossy(), options) else { continue };
        let Ok(connection) = database.connect() else { continue };
        run_all(&connection, "PRAGMA synchronous = OFF");
        for _ in 0..8 {
            let question = *rng.pick(QUESTIONS);
            println!("  {question}");
            run_all(&connection, question);
        }
        check_memory();
    }
}

#[test]
fn damaged_files_give_errors() {
    let count = variable("FILE_MUTATIONS", 200);
    in_children("damaged_files_child", count, 100, Duration::from_secs(60));
}

// ---- SQL ----------------------------------------------------------------------------------------------------------------

const SEEDS: &[&str] = &[
    "SELECT a, count(*), group_concat(b, '-') FROM t WHERE c > 5 AND b LIKE 'b%' GROUP BY a HAVING count(*) > 0 ORDER BY 2 DESC, a LIMIT 5 OFFSET 1",
    "SELECT t.a, w.v FROM t LEFT JOIN w ON w.n = t.a AND w.k >= 'b' WHERE t.a IN (1, 2, 3, NULL) OR t.b IS NOT NULL",
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i, (SELECT max(b) FROM t WHERE a = i) FROM n",
    "SELECT a FROM t UNION SELECT n FROM w EXCEPT SELECT x FROM q INTERSECT SELECT a FROM t ORDER BY 1",
    "INSERT INTO t(a, b, c) VALUES (1, 'x', 2.5), (NULL, x'00ff', -9223372036854775808) ON CONFLICT (a) DO UPDATE SET b = excluded.b || b, c = c + 1 WHERE c <> 7 RETURNING *",
    "INSERT OR REPLACE INTO w SELECT b, a, c FROM t WHERE a BETWEEN 5 AND 25",
    "UPDATE t SET b = upper(b), c = CASE WHEN c > 10 THEN 1 WHEN c IS NULL THEN 'n' ELSE c * 2 END WHERE rowid % 3 = 1",
    "UPDATE w SET v = s.b FROM (SELECT a, b FROM t) AS s WHERE s.a = w.n",
    "DELETE FROM t WHERE a NOT IN (SELECT n FROM w) AND EXISTS (SELECT 1 FROM q WHERE x = t.a)",
    "CREATE TABLE m(a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT COLLATE NOCASE NOT NULL DEFAULT 'x' CHECK (length(b) < 9), c GENERATED ALWAYS AS (b || a) STORED, UNIQUE (b, c) ON CONFLICT IGNORE, FOREIGN KEY (b) REFERENCES t(b) ON DELETE CASCADE) STRICT",
    "CREATE UNIQUE INDEX IF NOT EXISTS mi ON t(lower(b) DESC, c COLLATE RTRIM) WHERE c IS NOT NULL",
    "CREATE TRIGGER z AFTER UPDATE OF b ON t WHEN new.b <> old.b BEGIN INSERT INTO q(x) VALUES (new.b); SELECT RAISE(ABORT, 'no') WHERE new.a = 3; END",
    "CREATE VIEW vv(p, q) AS SELECT a, b FROM t UNION ALL SELECT n, k FROM w",
    "BEGIN IMMEDIATE; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; RELEASE s; COMMIT",
    "SELECT printf('%08.3f|%-10s|%x|%,d|%!e', c, b, a, a, c), substr(b, -3, 2), instr(b, 'b'), hex(zeroblob(3)), quote(b), round(c, 2), typeof(c) FROM t",
    "SELECT date('2024-02-29', '+1 year', 'start of month', '-1 day'), strftime('%Y-%m-%d %H:%M:%f %j %s', 'now', 'localtime'), julianday(2451545.5)",
    "SELECT json_extract('{\"a\":[1,2,{\"b\":null}]}', '$.a[2].b'), json_array(1, 'x', NULL), json_object('k', 1)",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t",
    "SELECT (a, b) = (1, 'x'), a BETWEEN 1 AND 2, a IS NOT DISTINCT FROM b, NOT a, -a, ~a, a -> b, a ->> b, a << 2 | 3 & 4, a || b COLLATE NOCASE FROM t",
    "EXPLAIN QUERY PLAN SELECT * FROM t JOIN w ON t.a = w.n JOIN q ON q.x = t.a",
    "EXPLAIN SELECT b FROM t WHERE a = ?1 OR b = :name",
    "PRAGMA table_info(t); PRAGMA index_list('t'); PRAGMA integrity_check; PRAGMA foreign_keys = ON",
    "ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 5; ALTER TABLE t RENAME COLUMN d TO e; ALTER TABLE t RENAME TO t2",
    "ATTACH ':memory:' AS aux; CREATE TABLE aux.x(y); SELECT * FROM aux.x, main.t; DETACH aux",
    "SELECT * FROM t AS x NATURAL JOIN t AS y CROSS JOIN (SELECT 1 AS one) JOIN w USING (k) LIMIT 3",
    "SELECT max(a, 3), min(b), total(c), avg(a), count(DISTINCT b) FILTER (WHERE a > 1) FROM t",
    "VACUUM; ANALYZE; REINDEX t; DROP TABLE IF EXISTS nothing; DROP VIEW vw; DROP TRIGGER tr",
    "SELECT CAST('12abc' AS INTEGER), 1e400, 0x7fffffffffffffff, 1_000, .5, x'4142', 'it''s', \"t\".\"a\", [t].[b], `t`.`c` FROM t",
];

const PIECES: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "JOIN",
    "LEFT JOIN",
    "FULL JOIN",
    "ON",
    "USING",
    "(",
    ")",
    ",",
    ";",
    "*",
    "=",
    "<",
    ">",
    "||",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "IS",
    "IN",
    "LIKE",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "EXISTS",
    "UNION ALL",
    "EXCEPT",
    "VALUES",
    "DISTINCT",
    "WITH",
    "RECURSIVE",
    "AS",
    "t",
    "w",
    "q",
    "a",
    "b",
    "c",
    "t.a",
    "old.a",
    "new.b",
    "rowid",
    "1",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "1e308",
    "0.0",
    "'x'",
    "''",
    "x''",
    "?",
    "?999",
    ":p",
    "@v",
    "count(*)",
    "max(",
    "abs(",
    "printf('%s',",
    "substr(",
    "zeroblob(1000000000)",
    "randomblob(9)",
    "replace('aaaa','a',",
    "group_concat(",
    "row_number() OVER ()",
    "RAISE(ABORT,'x')",
    "COLLATE NOCASE",
    "COLLATE nosuch",
    "RETURNING *",
    "DEFAULT",
    "ON CONFLICT DO NOTHING",
    "INDEXED BY tb",
    "NOT INDEXED",
    "OVER (ORDER BY a)",
    "-- comment\n",
    "/*",
    "*/",
    "\"",
    "'",
    "`",
    "[",
    "]",
    "\0",
    "é",
    "\u{202e}",
];

fn mutate_sql(rng: &mut Rng) -> String {
    let mut text = (*rng.pick(SEEDS)).to_owned();
    for _ in 0..1 + rng.below(5) {
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        text = match rng.below(9) {
            // Drop, double, swap words.
            0 => {
                let at = rng.below(words.len());
                words.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, w)| *w).collect()
            }
            1 => {
                let at = rng.below(words.len());
                let mut new = words.clone();
                new.insert(at, words[rng.below(words.len())]);
                new.concat()
            }
            2 => {
                let mut new = words.clone();
                new.swap(rng.below(words.len()), rng.below(words.len()));
                new.concat()
            }
            // A piece of the language in place of a word or before it.
            3 | 4 => {
                let at = rng.below(words.len());
                let mut new: Vec<&str> = words.clone();
                new[at] = *rng.pick(PIECES);
                new.join(" ")
            }
            5 => {
                let at = rng.below(words.len());
                let mut new: Vec<&str> = words.clone();
                new.insert(at, *rng.pick(PIECES));
                new.join(" ")
            }
            // Part of another statement.
            6 => {
                let other = rng.pick(SEEDS);
                let theirs: Vec<&str> = other.split_inclusive(' ').collect();
                let (a, b) = (rng.below(words.len()), rng.below(theirs.len()));
                words[..a].iter().chain(&theirs[b..]).copied().collect()
            }
            // A character.
            7 => {
                let mut new: Vec<char> = text.chars().collect();
                if !new.is_empty() {
                    let at = rng.below(new.len());
                    new[at] = *rng.pick(&['(', ')', '\'', '"', '0', '.', '-', ';', '\\', '\u{0}', 'é', '%', ' ']);
                }
                new.into_iter().collect()
            }
            // Depth.
            _ => {
                let depth = *rng.pick(&[5usize, 50, 400, 1200]);
                let (open, close) = *rng.pick(&[
                    ("(", ")"),
                    ("(SELECT ", ")"),
                    ("NOT ", ""),
                    ("-", ""),
                    ("abs(", ")"),
                    ("CASE WHEN 1 THEN ", " END"),
                ]);
                format!("SELECT {}1{} FROM t LIMIT 1", open.repeat(depth), close.repeat(depth))
            }
        };
    }
    text
}

fn sample() -> Ours {
    let mut ours = Ours::memory();
    for sql in [
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c)",
        "CREATE INDEX tb ON t(b, c DESC)",
        "CREATE TABLE w(k TEXT, n, v, PRIMARY KEY(k, n)) WITHOUT ROWID",
        "CREATE TABLE q(x UNIQUE, y AS (x || '!'))",
        "CREATE VIEW vw AS SELECT t.b, w.v FROM t JOIN w ON w.n = t.a",
        "CREATE TRIGGER tr AFTER DELETE ON t BEGIN INSERT OR IGNORE INTO q(x) VALUES (old.b); END",
        "INSERT INTO t VALUES (1, 'b1', 1.5), (2, 'B2', NULL), (3, NULL, x'00'), (9, 'b9', 'text'), (20, 'a', 7)",
        "INSERT INTO w SELECT coalesce(b, 'n'), a, c FROM t",
        "INSERT INTO q(x) SELECT a FROM t",
    ] {
        ours.must(sql);
    }
    ours
}

#[test]
#[ignore = "run by the test of mutated SQL"]
fn mutated_sql_child() {
    // The stack that a thread of an application has in a debug build of it.
    let worker = std::thread::Builder::new().stack_size(32 << 20).spawn(|| {
        let mut ours = sample();
        for case in cases() {
            println!("case {case}");
            if case % 64 == 0 {
                ours = sample();
            }
            let sql = mutate_sql(&mut Rng::new(case));
            // A join of everything with itself ends some time, but not within the patience of a test.
            let connection = ours.connection.clone();
            let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let over = done.clone();
            let guard = std::thread::spawn(move || {
                for _ in 0..200 {
                    std::thread::park_timeout(Duration::from_millis(10));
                    if over.load(std::sync::atomic::Ordering::Acquire) {
                        return;
                    }
                }
                connection.interrupt();
            });
            run_all(&ours.connection, &sql);
            done.store(true, std::sync::atomic::Ordering::Release);
            guard.thread().unpark();
            guard.join().unwrap();
            if !ours.connection.is_autocommit() {
                run_all(&ours.connection, "ROLLBACK");
            }
            check_memory();
        }
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn mutated_sql_gives_errors() {
    let count = variable("SQL_MUTATIONS", 3000);
    in_children("mutated_sql_child", count, 1000, Duration::from_secs(90));
}
