//! Random schemas, rows and queries on this engine and on SQLite: same rows, same errors.
//!
//! Properties: the rows are the same as a bag; with an ORDER BY over all columns they come in the same order. `QUERY_SEED` and
//! `QUERY_ROUNDS` choose the rounds (a failing round prints its seed); `QUERY_ORDER=1` also asks for SQLite's order everywhere,
//! `QUERY_PLANS=1` prints plans that differ.

mod support;

use support::{run_ours, run_theirs};
use turso_core::{Database, OpenOptions};

/// A small generator: reproducible and good enough to vary shapes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

struct Shape {
    tables: Vec<(String, usize)>,
}

fn schema(r: &mut Random) -> (String, Shape) {
    let mut sql = String::new();
    let mut shape = Shape { tables: Vec::new() };
    for t in 0..3 {
        let columns = 2 + r.below(4);
        let name = format!("t{t}");
        let without_rowid = r.chance(20);
        let mut parts = Vec::new();
        for c in 0..columns {
            let kind = r.pick(&["INT", "TEXT", "REAL", "", "NUMERIC", "INT", "INT"]);
            let key = if c == 0 && without_rowid {
                " PRIMARY KEY"
            } else if c == 0 && r.chance(50) {
                parts.push("c0 INTEGER PRIMARY KEY".to_string());
                continue;
            } else {
                ""
            };
            let collate = if r.chance(15) { " COLLATE NOCASE" } else { "" };
            let not_null = if r.chance(10) && c > 0 { " NOT NULL DEFAULT 1" } else { "" };
            parts.push(format!("c{c} {kind}{not_null}{collate}{key}"));
        }
        sql +=
            &format!("CREATE TABLE {name}({}){};", parts.join(", "), if without_rowid { " WITHOUT ROWID" } else { "" });
        for i in 0..r.below(4) {
            let mut keys = Vec::new();
            for _ in 0..1 + r.below(3) {
                let direction = if r.chance(20) { " DESC" } else { "" };
                let collate = if r.chance(10) { " COLLATE NOCASE" } else { "" };
                keys.push(format!("c{}{collate}{direction}", r.below(columns)));
            }
            let partial =
                if r.chance(10) { format!(" WHERE c{} IS NOT NULL", r.below(columns)) } else { String::new() };
            sql += &format!("CREATE INDEX i{t}{i} ON {name}({}){partial};", keys.join(", "));
        }
        shape.tables.push((name, columns));
    }
    for (name, columns) in &shape.tables {
        for row in 0..3 + r.below(25) {
            let values: Vec<String> =
                (0..*columns).map(|c| if c == 0 { format!("{row}") } else { literal(r) }).collect();
            sql += &format!("INSERT OR IGNORE INTO {name} VALUES({});", values.join(", "));
        }
    }
    (sql, shape)
}

fn literal(r: &mut Random) -> String {
    match r.below(12) {
        0 => "NULL".to_string(),
        1 => format!("{}.5", r.below(8)),
        2 => format!("'{}'", r.below(10)),
        3 => format!("'{}'", r.pick(&["a", "B", "b", "abc", "ABC", "x y", ""])),
        4 => "x'61'".to_string(),
        _ => format!("{}", r.below(12)),
    }
}

struct Scope {
    /// Alias and number of columns.
    items: Vec<(String, usize)>,
}

impl Scope {
    fn column(&self, r: &mut Random) -> String {
        let (alias, columns) = &self.items[r.below(self.items.len())];
        format!("{alias}.c{}", r.below(*columns))
    }
}

fn scalar(r: &mut Random, scope: &Scope, shape: &Shape, depth: usize) -> String {
    match r.below(if depth > 1 { 8 } else { 11 }) {
        0..=5 => scope.column(r),
        6 => literal(r),
        7 => format!("{} + {}", scope.column(r), r.below(3)),
        8 => format!("coalesce({}, {})", scope.column(r), literal(r)),
        9 => format!("abs({})", scope.column(r)),
        _ => {
            let (t, columns) = &shape.tables[r.below(shape.tables.len())];
            let inner = Scope { items: vec![("q".to_string(), *columns)] };
            let own = inner.column(r);
            format!("(SELECT max({own}) FROM {t} AS q WHERE {} = {})", inner.column(r), scope.column(r))
        }
    }
}

fn condition(r: &mut Random, scope: &Scope, shape: &Shape, depth: usize) -> String {
    let column = scope.column(r);
    match r.below(if depth > 2 { 10 } else { 16 }) {
        0..=2 => format!("{column} {} {}", r.pick(&["=", "=", "<", ">", "<=", ">=", "<>", "IS"]), literal(r)),
        3 => format!("{} {} {column}", literal(r), r.pick(&["=", "<", ">=", "IS NOT"])),
        4 | 5 => format!("{column} {} {}", r.pick(&["=", "=", "=", "<", ">"]), scope.column(r)),
        6 => format!("{column} IN ({}, {}, {})", literal(r), literal(r), literal(r)),
        7 => format!("{column} BETWEEN {} AND {}", literal(r), literal(r)),
        8 => format!("{column} IS {}NULL", r.pick(&["", "NOT "])),
        9 => format!("{column} {} '{}'", r.pick(&["LIKE", "GLOB"]), r.pick(&["a%", "AB%", "a*", "b_", "%c"])),
        10 | 11 => format!("({} OR {})", condition(r, scope, shape, depth + 1), condition(r, scope, shape, depth + 1)),
        12 => format!("({} AND {})", condition(r, scope, shape, depth + 1), condition(r, scope, shape, depth + 1)),
        13 => format!("NOT ({})", condition(r, scope, shape, depth + 1)),
        14 => {
            let (t, columns) = &shape.tables[r.below(shape.tables.len())];
            let inner = Scope { items: vec![("q".to_string(), *columns)] };
            let own = inner.column(r);
            if r.chance(50) {
                format!("{column} IN (SELECT {own} FROM {t} AS q WHERE {})", condition(r, &inner, shape, 3))
            } else {
                format!("{}EXISTS (SELECT 1 FROM {t} AS q WHERE {own} = {column})", r.pick(&["", "NOT "]))
            }
        }
        _ => format!(
            "({column}, {}) {} ({}, {})",
            scope.column(r),
            r.pick(&["=", ">", "<=", "<"]),
            literal(r),
            literal(r)
        ),
    }
}

fn from(r: &mut Random, shape: &Shape, depth: usize) -> (String, Scope) {
    let mut sql = String::new();
    let mut scope = Scope { items: Vec::new() };
    for i in 0..1 + [0, 0, 1, 1, 2][r.below(5)] {
        let alias = format!("{}{i}", ["a", "b", "c", "d"][depth.min(3)]);
        let (item, columns) = if depth < 2 && r.chance(25) {
            let (query, columns) = subquery(r, shape, depth + 1);
            (format!("({query}) AS {alias}"), columns)
        } else {
            let (t, columns) = &shape.tables[r.below(shape.tables.len())];
            (format!("{t} AS {alias}"), *columns)
        };
        scope.items.push((alias, columns));
        if i == 0 {
            sql += &item;
        } else {
            match r.below(9) {
                6 => sql += &format!(" RIGHT JOIN {item} ON {}", condition(r, &scope, shape, 2)),
                7 => sql += &format!(" FULL JOIN {item} ON {}", condition(r, &scope, shape, 2)),
                8 => sql += &format!(" {}JOIN {item} USING (c0)", r.pick(&["", "LEFT ", "RIGHT ", "FULL "])),
                0 | 1 => sql += &format!(" LEFT JOIN {item} ON {}", condition(r, &scope, shape, 2)),
                2 => sql += &format!(" JOIN {item} ON {}", condition(r, &scope, shape, 2)),
                3 => sql += &format!(" CROSS JOIN {item}"),
                _ => sql += &format!(", {item}"),
            }
        }
    }
    (sql, scope)
}

fn subquery(r: &mut Random, shape: &Shape, depth: usize) -> (String, usize) {
    let (from, scope) = from(r, shape, depth);
    let columns = 1 + r.below(3);
    let kind = r.below(10);
    let list: Vec<String> = (0..columns).map(|c| format!("{} AS c{c}", scalar(r, &scope, shape, 2))).collect();
    let filter = if r.chance(60) { format!(" WHERE {}", condition(r, &scope, shape, 1)) } else { String::new() };
    let sql = match kind {
        0 | 1 => format!("SELECT DISTINCT {} FROM {from}{filter}", list.join(", ")),
        2 | 3 => {
            let key = scope.column(r);
            let value = scope.column(r);
            return (
                format!("SELECT {key} AS c0, count(*) AS c1, max({value}) AS c2 FROM {from}{filter} GROUP BY {key}"),
                3,
            );
        }
        4 => {
            let other: Vec<String> = (0..columns).map(|_| scope.column(r)).collect();
            let op = r.pick(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT"]);
            format!("SELECT {} FROM {from}{filter} {op} SELECT {} FROM {from}", list.join(", "), other.join(", "))
        }
        5 => {
            let order: Vec<String> = (1..=columns).map(|i| i.to_string()).collect();
            format!(
                "SELECT {} FROM {from}{filter} ORDER BY {} LIMIT {}",
                list.join(", "),
                order.join(", "),
                1 + r.below(9)
            )
        }
        _ => format!("SELECT {} FROM {from}{filter}", list.join(", ")),
    };
    (sql, columns)
}

/// A query, and whether its rows have a full order.
fn query(r: &mut Random, shape: &Shape) -> (String, bool) {
    let (from, scope) = from(r, shape, 0);
    let columns = 1 + r.below(4);
    let mut list: Vec<String> = (0..columns).map(|_| scalar(r, &scope, shape, 0)).collect();
    let mut sql = String::new();
    let filter = match r.below(4) {
        0 => String::new(),
        1 | 2 => format!(" WHERE {}", condition(r, &scope, shape, 0)),
        _ => format!(" WHERE {} AND {}", condition(r, &scope, shape, 0), condition(r, &scope, shape, 0)),
    };
    let grouped = r.chance(20);
    let mut tail = String::new();
    if grouped {
        let key = scope.column(r);
        list = vec![key.clone(), "count(*)".to_string(), format!("min({})", scope.column(r))];
        tail = format!(" GROUP BY {key}");
        if r.chance(30) {
            tail += " HAVING count(*) > 1";
        }
    } else if r.chance(10) {
        list = vec![format!("{}({})", r.pick(&["min", "max", "count", "total"]), scope.column(r))];
    }
    let distinct = if !grouped && r.chance(15) { "DISTINCT " } else { "" };
    sql += &format!("SELECT {distinct}{} FROM {from}{filter}{tail}", list.join(", "));
    let ordered = r.chance(40);
    if ordered {
        let mut terms: Vec<String> =
            (1..=list.len()).map(|i| format!("{i}{}", r.pick(&["", " DESC", "", " NULLS LAST"]))).collect();
        if r.chance(50) {
            terms.reverse();
        }
        sql += &format!(" ORDER BY {}", terms.join(", "));
        if r.chance(30) {
            sql += &format!(" LIMIT {}", 1 + r.below(20));
        }
    } else if r.chance(20) {
        // Any order, but the index may give it.
        sql += &format!(" ORDER BY {}{}", list[0], r.pick(&["", " DESC"]));
    }
    (sql, ordered)
}

#[test]
fn random_queries_give_sqlites_rows() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (first, rounds) = (number("QUERY_SEED", 1), number("QUERY_ROUNDS", 8));
    let plans = number("QUERY_PLANS", 0) == 1;
    let mut other_plans = 0;
    let strict = number("QUERY_ORDER", 0) == 1;
    let mut problems = String::new();
    let (mut count, mut reordered, mut failures) = (0, 0, 0);
    for seed in first..first + rounds {
        let mut r = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..10 {
            r.next();
        }
        let (setup, shape) = schema(&mut r);
        let theirs = rusqlite::Connection::open_in_memory().unwrap();
        let ours = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
        let (a, b) = (run_ours(&ours, &setup), run_theirs(&theirs, &setup));
        assert_eq!(a, b, "setup of seed {seed}: {setup}");
        for _ in 0..25 {
            let (sql, ordered) = query(&mut r, &shape);
            count += 1;
            if plans {
                let plan = format!("EXPLAIN QUERY PLAN {sql}");
                let detail = |o: Vec<(Vec<String>, Option<String>)>| -> Vec<String> {
                    o.into_iter()
                        .flat_map(|(rows, _)| rows)
                        .map(|r| r.rsplit('|').next().unwrap_or("").to_string())
                        .collect()
                };
                let (a, b) = (detail(run_ours(&ours, &plan)), detail(run_theirs(&theirs, &plan)));
                if a != b {
                    other_plans += 1;
                    eprintln!(
                        "seed {seed}\n{}\n{sql}\n  ours   {}\n  SQLite {}\n",
                        setup.split("INSERT").next().unwrap_or(""),
                        a.join(" "),
                        b.join(" ")
                    );
                }
            }
            let (a, b) = (run_ours(&ours, &sql), run_theirs(&theirs, &sql));
            if a == b {
                continue;
            }
            let sorted = |outcome: &[(Vec<String>, Option<String>)]| {
                let mut list = outcome.to_vec();
                // Which one of the equal values 1 and 1.0 stands for both is nobody's promise.
                list.iter_mut().for_each(|(rows, _)| {
                    rows.iter_mut().for_each(|r| *r = r.replace(".0|", "|").trim_end_matches(".0").to_string());
                    rows.sort();
                });
                list
            };
            if !ordered && sorted(&a) == sorted(&b) {
                reordered += 1;
                if !strict {
                    continue;
                }
            }
            failures += 1;
            if failures <= 8 {
                let plan = format!("EXPLAIN QUERY PLAN {sql}");
                let lines = |o: Vec<(Vec<String>, Option<String>)>| {
                    o.into_iter()
                        .flat_map(|(rows, e)| {
                            rows.into_iter().map(|r| r.rsplit('|').next().unwrap_or("").to_string()).chain(e)
                        })
                        .collect::<Vec<_>>()
                        .join(" / ")
                };
                problems += &format!(
                    "seed {seed}\n{}\n{sql}\n  ours   {a:?}\n  SQLite {b:?}\n  plan ours   {}\n  plan SQLite {}\n\n",
                    setup.split("INSERT").next().unwrap_or(""),
                    lines(run_ours(&ours, &plan)),
                    lines(run_theirs(&theirs, &plan)),
                );
            }
        }
    }
    eprintln!("{count} queries, {reordered} in another order, {failures} wrong, {other_plans} other plans");
    assert!(problems.is_empty(), "{failures} of {count}:\n{problems}");
}
