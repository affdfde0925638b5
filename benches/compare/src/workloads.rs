//! The workloads. Each is set up once per engine and then measured in rounds; a round answers a checksum, and the two
//! engines' checksums must be equal.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::engine::Engine;

/// Where the database of a workload lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In memory.
    Memory,
    /// In a file, WAL, `synchronous=NORMAL`.
    File,
    /// In a file, WAL, `synchronous=FULL`: every commit is durable.
    Durable,
}

/// One line of the table.
pub struct Workload {
    /// Its name in the table.
    pub name: &'static str,
    /// Where its database lies.
    pub place: Place,
    /// Makes the tables.
    pub setup: fn(&mut dyn Engine, rows: i64),
    /// One measured round; `round` counts from 0. Answers operations done and a checksum.
    pub round: fn(&mut dyn Engine, rows: i64, round: i64) -> (u64, i64),
}

/// A permutation of `0..rows` that visits rows in no order: `rows` is coprime to the multiplier.
fn scatter(i: i64, rows: i64) -> i64 {
    (i.wrapping_mul(7_368_787) + 12_345).rem_euclid(rows)
}

fn empty(_: &mut dyn Engine, _: i64) {}

/// `t(id, a, b, c)`: `a` unique and shuffled with an index, `b` one of 100 values, `c` a text.
fn standard(e: &mut dyn Engine, rows: i64) {
    e.batch("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, c TEXT)");
    fill(e, rows);
    e.batch("CREATE INDEX t_a ON t(a); CREATE INDEX t_b ON t(b)");
}

fn fill(e: &mut dyn Engine, rows: i64) {
    e.batch("BEGIN");
    let insert = e.prepare("INSERT INTO t(id, a, b, c) VALUES (?1, ?2, ?3, 'some text of a row ' || ?1)");
    for i in 0..rows {
        e.run(insert, &[i, scatter(i, rows), i % 100]);
    }
    e.forget();
    e.batch("COMMIT");
}

fn joined(e: &mut dyn Engine, rows: i64) {
    standard(e, rows);
    e.batch("CREATE TABLE u(id INTEGER PRIMARY KEY, t_id INT, v INT); CREATE TABLE w(id INTEGER PRIMARY KEY, u_id INT, x INT)");
    e.batch("BEGIN");
    let u = e.prepare("INSERT INTO u VALUES (?1, ?2, ?3)");
    let w = e.prepare("INSERT INTO w VALUES (?1, ?2, ?3)");
    for i in 0..rows {
        e.run(u, &[i, scatter(i, rows), i % 1000]);
        e.run(w, &[i, scatter(i + 17, rows), i % 10]);
    }
    e.forget();
    e.batch("COMMIT; CREATE INDEX u_t ON u(t_id); CREATE INDEX w_u ON w(u_id)");
}

/// What the operations of a round are divided by.
static DIVISOR: AtomicI64 = AtomicI64::new(1);

/// Do only one in so many operations of each round: for those who count what one takes.
pub fn divide_rounds(by: i64) {
    DIVISOR.store(by.max(1), Ordering::Relaxed);
}

fn divided(times: i64) -> i64 {
    (times / DIVISOR.load(Ordering::Relaxed)).max(1)
}

fn repeat(e: &mut dyn Engine, sql: &str, times: i64, mut params: impl FnMut(i64) -> Vec<i64>) -> (u64, i64) {
    let times = divided(times);
    let handle = e.prepare(sql);
    let mut sum = 0i64;
    for i in 0..times {
        sum = sum.wrapping_add(e.run(handle, &params(i)));
    }
    e.forget();
    (times as u64, sum)
}

fn prepare_many(e: &mut dyn Engine, sql: &str, times: i64) -> (u64, i64) {
    let times = divided(times);
    for _ in 0..times {
        e.prepare_only(sql);
    }
    (times as u64, 0)
}

/// Prepare texts that differ in a comment of equal length, so that no cache of programs knows them: `round` and the
/// number within it make each one new.
fn prepare_new(e: &mut dyn Engine, sql: &str, times: i64, round: i64) -> (u64, i64) {
    let times = divided(times);
    use std::fmt::Write;
    let mut text = String::with_capacity(sql.len() + 24);
    for i in 0..times {
        text.clear();
        let _ = write!(text, "{sql} --{round:04}{i:06}");
        e.prepare_only(&text);
    }
    (times as u64, 0)
}

/// Every workload, in the order of the table.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "point select by rowid",
        place: Place::File,
        setup: standard,
        round: |e, n, r| repeat(e, "SELECT a, c FROM t WHERE id = ?1", 20_000, |i| vec![scatter(i + r, n)]),
    },
    Workload {
        name: "point select by rowid, in a transaction",
        place: Place::File,
        setup: standard,
        round: |e, n, r| {
            e.batch("BEGIN");
            let result = repeat(e, "SELECT a, c FROM t WHERE id = ?1", 20_000, |i| vec![scatter(i + r, n)]);
            e.batch("COMMIT");
            result
        },
    },
    Workload {
        name: "point select by secondary index",
        place: Place::File,
        setup: standard,
        round: |e, n, r| repeat(e, "SELECT id, c FROM t WHERE a = ?1", 20_000, |i| vec![scatter(i + r, n)]),
    },
    Workload {
        name: "range scan of 100 rows by rowid",
        place: Place::File,
        setup: standard,
        round: |e, n, r| {
            repeat(e, "SELECT sum(b), max(a) FROM t WHERE id BETWEEN ?1 AND ?1 + 99", 2_000, |i| {
                vec![scatter(i + r, n)]
            })
        },
    },
    Workload {
        name: "range scan of 100 rows by index",
        place: Place::File,
        setup: standard,
        round: |e, n, r| {
            repeat(e, "SELECT sum(b) FROM t WHERE a BETWEEN ?1 AND ?1 + 99", 1_000, |i| vec![scatter(i + r, n)])
        },
    },
    Workload {
        name: "full scan: count, sum, min, filter",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT count(*), sum(a), min(b) FROM t WHERE b < 50", 3, |_| vec![]),
    },
    Workload {
        name: "full scan: LIKE on text",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT count(*) FROM t WHERE c LIKE '%row 12%'", 2, |_| vec![]),
    },
    Workload {
        name: "group by, 100 groups",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT b % 100, count(*), sum(a) FROM t GROUP BY b % 100", 2, |_| vec![]),
    },
    Workload {
        name: "group by, many groups",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT a / 4, count(*) FROM t GROUP BY a / 4", 1, |_| vec![]),
    },
    Workload {
        name: "order by integer, all rows",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT id, a FROM t ORDER BY a + 0", 1, |_| vec![]),
    },
    Workload {
        name: "order by text, limit 10",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT id, c FROM t ORDER BY c DESC LIMIT 10", 1, |_| vec![]),
    },
    Workload {
        name: "distinct",
        place: Place::Memory,
        setup: standard,
        round: |e, _, _| repeat(e, "SELECT DISTINCT a % 5000 FROM t", 1, |_| vec![]),
    },
    Workload {
        name: "2-way join by index",
        place: Place::Memory,
        setup: joined,
        round: |e, _, _| {
            repeat(e, "SELECT sum(u.v), sum(t.b) FROM t JOIN u ON u.t_id = t.id WHERE t.b < 50", 1, |_| vec![])
        },
    },
    Workload {
        name: "3-way join by index",
        place: Place::Memory,
        setup: joined,
        round: |e, _, _| {
            let sql = "SELECT sum(w.x), count(*) FROM t JOIN u ON u.t_id = t.id JOIN w ON w.u_id = u.id WHERE t.b < 25";
            repeat(e, sql, 1, |_| vec![])
        },
    },
    Workload {
        name: "bulk insert, memory",
        place: Place::Memory,
        setup: empty,
        round: |e, n, _| {
            e.batch("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, c TEXT)");
            fill(e, n);
            e.batch("DROP TABLE t");
            (n as u64, 0)
        },
    },
    Workload {
        name: "bulk insert, file",
        place: Place::File,
        setup: empty,
        round: |e, n, _| {
            e.batch("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, c TEXT)");
            fill(e, n);
            e.batch("DROP TABLE t");
            (n as u64, 0)
        },
    },
    Workload {
        name: "insert with two indexes",
        place: Place::Memory,
        setup: empty,
        round: |e, n, _| {
            e.batch("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, c TEXT)");
            e.batch("CREATE INDEX t_a ON t(a); CREATE INDEX t_b ON t(b)");
            fill(e, n);
            e.batch("DROP TABLE t");
            (n as u64, 0)
        },
    },
    Workload {
        name: "create index",
        place: Place::Memory,
        setup: standard,
        round: |e, n, _| {
            e.batch("CREATE INDEX t_x ON t(a, c); DROP INDEX t_x");
            (n as u64, 0)
        },
    },
    Workload {
        name: "update by key",
        place: Place::File,
        setup: standard,
        round: |e, n, r| {
            e.batch("BEGIN");
            let result = repeat(e, "UPDATE t SET b = b + 1 WHERE id = ?1", 10_000, |i| vec![scatter(i + r, n)]);
            e.batch("COMMIT");
            result
        },
    },
    Workload {
        name: "delete by key and insert again",
        place: Place::File,
        setup: standard,
        round: |e, n, r| {
            e.batch("BEGIN");
            let delete = e.prepare("DELETE FROM t WHERE id = ?1");
            let insert = e.prepare("INSERT INTO t VALUES (?1, ?2, ?3, 'again')");
            let pairs = divided(5_000);
            for i in 0..pairs {
                let id = scatter(i + r, n);
                e.run(delete, &[id]);
                e.run(insert, &[id, id, id % 100]);
            }
            e.forget();
            e.batch("COMMIT");
            (2 * pairs as u64, 0)
        },
    },
    Workload {
        name: "update of all rows",
        place: Place::Memory,
        setup: standard,
        round: |e, n, _| {
            e.batch("UPDATE t SET c = c || 'x' WHERE b >= 0");
            e.batch("UPDATE t SET c = substr(c, 1, 24)");
            (2 * n as u64, 0)
        },
    },
    Workload {
        name: "durable autocommit insert",
        place: Place::Durable,
        setup: |e, _| e.batch("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT)"),
        round: |e, _, _| repeat(e, "INSERT INTO t(a) VALUES (?1)", 200, |i| vec![i]),
    },
    Workload {
        name: "autocommit insert, synchronous=NORMAL",
        place: Place::File,
        setup: |e, _| e.batch("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT)"),
        round: |e, _, _| repeat(e, "INSERT INTO t(a) VALUES (?1)", 2_000, |i| vec![i]),
    },
    Workload {
        name: "prepare SELECT 1 (new text)",
        place: Place::Memory,
        setup: empty,
        round: |e, _, r| prepare_new(e, "SELECT 1", 20_000, r),
    },
    Workload {
        name: "prepare point select (new text)",
        place: Place::Memory,
        setup: joined,
        round: |e, _, r| prepare_new(e, "SELECT a, c FROM t WHERE id = ?1", 10_000, r),
    },
    Workload {
        name: "prepare point select (same text)",
        place: Place::Memory,
        setup: joined,
        round: |e, _, _| prepare_many(e, "SELECT a, c FROM t WHERE id = ?1", 10_000),
    },
    Workload {
        name: "prepare insert (new text)",
        place: Place::Memory,
        setup: joined,
        round: |e, _, r| prepare_new(e, "INSERT INTO t(id, a, b, c) VALUES (?1, ?2, ?3, ?4)", 10_000, r),
    },
    Workload {
        name: "prepare 3-table join (new text)",
        place: Place::Memory,
        setup: joined,
        round: |e, _, r| {
            let sql = "SELECT t.c, u.v, w.x FROM t JOIN u ON u.t_id = t.id JOIN w ON w.u_id = u.id \
                       WHERE t.a = ?1 AND w.x > 3 ORDER BY u.v LIMIT 10";
            prepare_new(e, sql, 3_000, r)
        },
    },
];
