//! Compound queries with and without ORDER BY and LIMIT, and the sets of IN, against SQLite: rows in order, which one of equal rows
//! stays, NULLs, affinities.

mod support;

use turso_core::{Database, OpenOptions};

const SCHEMA: &str = "
    CREATE TABLE p(a, b TEXT COLLATE NOCASE, c INT, d REAL);
    CREATE INDEX pa ON p(a);
    CREATE INDEX pcb ON p(c, b);
    CREATE TABLE q(a INTEGER PRIMARY KEY, b TEXT, c, d);
    CREATE INDEX qc ON q(c);
    CREATE TABLE r(a, b, c, PRIMARY KEY(a, b)) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO p SELECT iif(i % 5, i % 9, i % 9 + 0.0), iif(i % 2, 'k', 'K') || (i % 7), nullif(i % 6, 3), i % 4 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    INSERT INTO q SELECT i, iif(i % 3, 'K', 'k') || (i % 8), nullif(i % 7, 2), iif(i % 4, i % 5, 'k' || (i % 5)) FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
    INSERT INTO r SELECT i % 8, i, 'K' || (i % 6) FROM n;
";

struct Both {
    ours: turso_core::Connection,
    theirs: rusqlite::Connection,
    wrong: String,
}

impl Both {
    fn new() -> Self {
        let theirs = rusqlite::Connection::open_in_memory().expect("SQLite opens");
        let ours = Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("we open");
        assert_eq!(support::run_ours(&ours, SCHEMA), support::run_theirs(&theirs, SCHEMA));
        Self { ours, theirs, wrong: String::new() }
    }

    fn check(&mut self, sql: &str) {
        let (ours, theirs) = (support::run_ours(&self.ours, sql), support::run_theirs(&self.theirs, sql));
        if ours != theirs {
            self.wrong += &format!("{sql}\n  ours   {ours:?}\n  SQLite {theirs:?}\n");
        }
    }

    fn end(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong);
    }
}

/// Terms of two columns.
const TERMS: [&str; 9] = [
    "SELECT a, b FROM p",
    "SELECT a, c FROM q",
    "SELECT c, b FROM p WHERE c > 1",
    "SELECT a, b FROM r",
    "SELECT DISTINCT c, d FROM q",
    "SELECT max(a), c FROM p GROUP BY c",
    "VALUES (1, 2), (NULL, 'K1'), (4.0, 'k1')",
    "SELECT d, b FROM p WHERE a IN (1, 4)",
    "SELECT q.a, p.b FROM q JOIN p ON p.c = q.c WHERE q.a < 6",
];

const OPERATORS: [&str; 4] = ["UNION", "UNION ALL", "INTERSECT", "EXCEPT"];

#[test]
fn two_terms() {
    let mut both = Both::new();
    let tails = [
        "",
        "ORDER BY 1",
        "ORDER BY 2 DESC, 1",
        "ORDER BY 1, 2 LIMIT 7",
        "ORDER BY 2 LIMIT 5 OFFSET 3",
        "ORDER BY 1 DESC NULLS LAST, 2 LIMIT -1 OFFSET 4",
        "LIMIT 16",
    ];
    for left in TERMS {
        for right in TERMS {
            for operator in OPERATORS {
                for tail in tails {
                    both.check(&format!("{left} {operator} {right} {tail}"));
                }
            }
        }
    }
    both.end();
}

#[test]
fn more_terms_and_nesting() {
    let mut both = Both::new();
    for (i, first) in OPERATORS.iter().enumerate() {
        for (j, second) in OPERATORS.iter().enumerate() {
            for tail in ["", "ORDER BY 1, 2", "ORDER BY 2, 1 LIMIT 9", "ORDER BY 1 LIMIT 3 OFFSET 2"] {
                let [a, b, c] = [TERMS[i], TERMS[j + 1], TERMS[i + j]];
                let sql = format!("{a} {first} {b} {second} {c} {tail}");
                both.check(&sql);
                both.check(&format!("SELECT count(*), group_concat(x.a, ' ') FROM ({sql}) AS x"));
                both.check(&format!("SELECT a, (SELECT a FROM ({sql})), EXISTS ({sql}) FROM q WHERE a < 4"));
                both.check(&format!("SELECT a, (SELECT max(x.a + q.a) FROM ({sql}) AS x) FROM q WHERE a < 4"));
                both.check(&format!("SELECT a FROM p WHERE (a, b) IN ({sql}) ORDER BY rowid"));
            }
        }
    }
    let many = (0..30).map(|i| format!("SELECT a + {i}, c FROM q WHERE a < 5")).collect::<Vec<_>>();
    for operator in OPERATORS {
        both.check(&format!("{} ORDER BY 2, 1 LIMIT 20", many.join(&format!(" {operator} "))));
    }
    both.check("SELECT a FROM p UNION ALL SELECT b FROM q ORDER BY 1 LIMIT (SELECT 3) OFFSET (SELECT 2)");
    both.check("SELECT a FROM p UNION ALL SELECT b FROM q ORDER BY 1 LIMIT 0");
    both.check("SELECT a FROM p UNION SELECT b FROM q ORDER BY 3");
    both.check("SELECT q.a, (SELECT p.a FROM p WHERE p.c = q.c UNION SELECT r.c FROM r WHERE r.a = q.a ORDER BY 1 DESC LIMIT 1) FROM q");
    both.check("SELECT q.a, (SELECT group_concat(x) FROM (SELECT p.a AS x FROM p WHERE p.c = q.c EXCEPT SELECT r.b FROM r WHERE r.a = q.a ORDER BY 1)) FROM q");
    both.end();
}

#[test]
fn sets_of_in() {
    let mut both = Both::new();
    let sets = [
        "SELECT a FROM p",
        "SELECT b FROM p",
        "SELECT c FROM p WHERE c IS NOT NULL",
        "SELECT c FROM q",
        "SELECT d FROM q",
        "SELECT a FROM q WHERE a > 100",
        "SELECT NULL",
        "SELECT NULL FROM q WHERE a > 100",
        "SELECT c FROM r LIMIT 3",
        "SELECT b FROM p WHERE p.c = x.c",
        "SELECT a FROM p WHERE p.c = x.a",
        "1, 2.0, 3, '4', NULL, 'k1', 7, 8",
        "1, 2, 3, 4, 5, 6, 7, '8', 'K1', 'k2'",
        "x.c, 2, 3, 4, 5, 6, 7",
    ];
    for set in sets {
        for value in ["a", "b", "c", "d", "a + 0.0", "b COLLATE NOCASE", "NULL", "CAST(c AS TEXT)"] {
            both.check(&format!("SELECT {value} IN ({set}), {value} NOT IN ({set}) FROM q AS x"));
            both.check(&format!("SELECT a FROM p AS x WHERE {value} IN ({set}) ORDER BY rowid"));
            both.check(&format!("SELECT a FROM p AS x WHERE {value} NOT IN ({set}) ORDER BY rowid"));
            both.check(&format!("SELECT a FROM p AS x WHERE NOT coalesce({value} IN ({set}), a > 3) ORDER BY rowid"));
        }
    }
    for rows in
        ["SELECT a, b FROM p", "SELECT c, d FROM q", "VALUES (1, 'k1'), (NULL, 2), (3, 3)", "SELECT 1, 2 WHERE 0"]
    {
        both.check(&format!("SELECT (a, b) IN ({rows}), (c, d) NOT IN ({rows}) FROM p"));
        both.check(&format!("SELECT a FROM p WHERE (a, b) IN ({rows}) ORDER BY rowid"));
        both.check(&format!("SELECT a FROM p WHERE (c, d) NOT IN ({rows}) ORDER BY rowid"));
    }
    both.end();
}
