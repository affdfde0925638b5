//! The tables, and queries over them by chance.
//!
//! ```text
//!   t0 .. t3 (id INTEGER PRIMARY KEY, a, b, c, d, e, f)
//!            a: unique, shuffled   b: 100 values   c: 5000 values, some NULL   d: reals   e: texts   f: an id of the next table
//! ```
//! Joins run over `f` and over `c`, so that no query multiplies its rows beyond what an engine can do at all.

/// Numbers by chance, the same ones for the same seed.
pub struct Random(u64);

impl Random {
    /// A source of numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn one_of<'s>(&mut self, list: &[&'s str]) -> &'s str {
        list[self.below(list.len() as u64) as usize]
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// The tables with this many rows each.
pub fn schema(rows: u64) -> String {
    let mut sql = String::from("BEGIN;");
    for t in 0..4 {
        sql += &format!(
            "CREATE TABLE t{t}(id INTEGER PRIMARY KEY, a INT, b INT, c INT, d REAL, e TEXT, f INT);
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} - 1)
             INSERT INTO t{t} SELECT i + 1, (i * 7368787 + {t}) % {rows}, (i * 31 + {t}) % 100, nullif(i * 17 % 5000, 3),
                 (i * 131 % 10007) / 7.0, char(97 + i % 26, 97 + i / 26 % 26) || ' text of row ' || i, i * 7919 % {rows} + 1
             FROM n;
             CREATE UNIQUE INDEX t{t}_a ON t{t}(a);"
        );
    }
    sql += "CREATE INDEX t0_bc ON t0(b, c); CREATE INDEX t0_f ON t0(f); CREATE INDEX t1_c ON t1(c); CREATE INDEX t1_f ON t1(f);
            CREATE INDEX t2_e ON t2(e); CREATE INDEX t2_d ON t2(d) WHERE d > 700; CREATE INDEX t3_b ON t3(b); COMMIT; ANALYZE;";
    sql
}

/// One query.
pub fn query(r: &mut Random) -> String {
    match r.below(10) {
        0 => compound(r),
        1 => window(r),
        2 => nested(r),
        _ => select(r),
    }
}

/// A condition on one table.
fn condition(r: &mut Random, t: &str) -> String {
    let (low, width) = (r.below(100_000), r.below(3000));
    match r.below(16) {
        0 => format!("{t}.a BETWEEN {low} AND {}", low + width),
        1 => format!("{t}.id > {low} AND {t}.id <= {}", low + width * 10),
        2 => format!("{t}.b = {}", r.below(100)),
        3 => format!("{t}.b IN ({}, {}, {})", r.below(100), r.below(100), r.below(100)),
        4 => format!("{t}.c = {}", r.below(5000)),
        5 => format!("{t}.c < {}", r.below(5000)),
        6 => format!("{t}.d > {}.5", r.below(1430)),
        7 => format!("{t}.e LIKE '{}%'", r.one_of(&["a", "ab", "x", "zz"])),
        8 => format!("{t}.e LIKE '%row {}%'", r.below(1000)),
        9 => format!("({t}.b = {} OR {t}.a = {low})", r.below(100)),
        10 => format!("{t}.c IS NULL"),
        11 => format!("({t}.b, {t}.c) > ({}, {})", r.below(100), r.below(5000)),
        12 => format!("{t}.b + {t}.c % 7 < {}", r.below(100)),
        13 => format!("{t}.e BETWEEN 'b' AND 'b{}'", r.one_of(&["d", "k", "x"])),
        14 => format!("NOT ({t}.b > {} AND {t}.d < {})", r.below(90), r.below(1000)),
        _ => format!("{t}.b <> {}", r.below(100)),
    }
}

/// A condition on one table that asks another one.
fn with_subquery(r: &mut Random, t: &str, depth: u32) -> String {
    let other = format!("t{}", r.below(4));
    let s = format!("s{depth}");
    let inside = condition(r, &s);
    match r.below(8) {
        0 => format!("EXISTS (SELECT 1 FROM {other} AS {s} WHERE {s}.id = {t}.f AND {inside})"),
        1 => format!("NOT EXISTS (SELECT 1 FROM {other} AS {s} WHERE {s}.a = {t}.f AND {inside})"),
        2 => format!("{t}.f IN (SELECT {s}.id FROM {other} AS {s} WHERE {inside})"),
        3 => format!("{t}.c NOT IN (SELECT {s}.b FROM {other} AS {s} WHERE {inside})"),
        4 => format!("{t}.d > (SELECT avg({s}.d) FROM {other} AS {s} WHERE {inside})"),
        5 => format!("{t}.a >= (SELECT max({s}.a) - 500 FROM {other} AS {s})"),
        6 => format!("{t}.b < (SELECT count(*) FROM t1 AS {s} WHERE {s}.c = {t}.c)"),
        _ => format!("{t}.d = (SELECT max({s}.d) FROM t0 AS {s} WHERE {s}.b = {t}.b AND {s}.c = {t}.c)"),
    }
}

/// FROM and WHERE over some tables, joined along `f` and `c`.
fn from_where(r: &mut Random) -> (String, Vec<String>) {
    let count = 1 + r.below(8) / 3;
    let first = r.below(4);
    let (mut from, mut names) = (format!("t{first} AS x0"), vec!["x0".to_string()]);
    for n in 1..=count.min(3) {
        if n == count.min(3) && count < 2 {
            break;
        }
        let (name, before) = (format!("x{n}"), format!("x{}", n - 1));
        let on = match r.below(6) {
            0 => format!("{name}.f = {before}.id"),
            1 => format!("{name}.a = {before}.f"),
            2 => format!("{name}.c = {before}.c AND {name}.b = {before}.b"),
            3 => format!("{name}.id = {before}.a"),
            _ => format!("{name}.id = {before}.f"),
        };
        let join = if r.once_in(4) { "LEFT JOIN" } else { "JOIN" };
        from += &format!(" {join} t{} AS {name} ON {on}", (first + n) % 4);
        names.push(name);
    }
    let mut terms = Vec::new();
    for (n, name) in names.iter().enumerate() {
        if n == 0 || r.once_in(2) {
            terms.push(condition(r, name));
        }
        if r.once_in(5) {
            terms.push(with_subquery(r, name, n as u32));
        }
    }
    (format!("{from} WHERE {}", terms.join(" AND ")), names)
}

fn select(r: &mut Random) -> String {
    let (from, names) = from_where(r);
    let last = names.last().map_or("x0", String::as_str);
    match r.below(8) {
        0 => format!("SELECT count(*), sum(x0.b), min({last}.a), avg({last}.d) FROM {from}"),
        1 => format!("SELECT x0.b, count(*), sum({last}.c) FROM {from} GROUP BY x0.b ORDER BY 2 DESC, 1"),
        2 => format!("SELECT x0.c, max({last}.e) FROM {from} GROUP BY x0.c HAVING count(*) > 1"),
        3 => format!("SELECT x0.id, {last}.e FROM {from} ORDER BY x0.b, {last}.id, x0.id LIMIT 20"),
        4 => format!("SELECT x0.id, {last}.d FROM {from} ORDER BY {last}.d DESC, x0.id, {last}.id LIMIT 10 OFFSET 5"),
        5 => format!("SELECT DISTINCT {last}.b, x0.b FROM {from}"),
        6 => format!("SELECT count(DISTINCT {last}.c), count(DISTINCT x0.b) FROM {from}"),
        _ => format!("SELECT x0.id, {last}.a, x0.e FROM {from}"),
    }
}

fn compound(r: &mut Random) -> String {
    let op = r.one_of(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]);
    let (one, two) = (r.below(4), r.below(4));
    let (p, q) = (condition(r, "x0"), condition(r, "x1"));
    let columns = r.one_of(&["b, {}.c", "a, {}.b", "c, {}.b"]);
    let list = |name: &str| format!("{name}.{}", columns.replace("{}", name));
    let sql = format!(
        "SELECT {} FROM t{one} AS x0 WHERE {p} {op} SELECT {} FROM t{two} AS x1 WHERE {q}",
        list("x0"),
        list("x1")
    );
    match r.below(3) {
        0 => format!("{sql} ORDER BY 1, 2 LIMIT 50"),
        1 => format!("SELECT count(*) FROM ({sql})"),
        _ => sql,
    }
}

fn window(r: &mut Random) -> String {
    let table = r.below(4);
    let p = condition(r, "x0");
    let over =
        r.one_of(&["PARTITION BY x0.b ORDER BY x0.a", "ORDER BY x0.d, x0.id", "PARTITION BY x0.c", "ORDER BY x0.id"]);
    let function = r.one_of(&["row_number()", "sum(x0.d)", "rank()", "lag(x0.a)", "count(*)"]);
    format!("SELECT sum(w) FROM (SELECT {function} OVER ({over}) AS w FROM t{table} AS x0 WHERE {p})")
}

fn nested(r: &mut Random) -> String {
    let (one, two) = (r.below(4), r.below(4));
    let (p, q) = (condition(r, "x0"), condition(r, "y"));
    match r.below(4) {
        0 => format!(
            "SELECT y.b, x.n FROM (SELECT x0.b AS g, count(*) AS n FROM t{one} AS x0 WHERE {p} GROUP BY x0.b) AS x
             JOIN t{two} AS y ON y.id = x.n WHERE {q}"
        ),
        1 => format!(
            "SELECT count(*) FROM t{two} AS y JOIN (SELECT DISTINCT x0.c AS k FROM t{one} AS x0 WHERE {p}) AS x ON x.k = y.c WHERE {q}"
        ),
        2 => format!(
            "WITH x AS (SELECT x0.f AS k, x0.b AS g FROM t{one} AS x0 WHERE {p})
             SELECT x.g, count(*) FROM x JOIN t{two} AS y ON y.id = x.k WHERE {q} GROUP BY x.g"
        ),
        _ => format!(
            "SELECT y.id, (SELECT max(x0.a) FROM t{one} AS x0 WHERE x0.f = y.id) FROM t{two} AS y WHERE {q} ORDER BY y.id LIMIT 500"
        ),
    }
}
