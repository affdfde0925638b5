//! Queries whose form calls for one rewrite of the planner, and a table that is large enough for plans that few rows do not need.

use super::model::{Kind, Scope};
use super::{Generator, Order, Step};

impl Generator {
    /// A query that a certain rewrite applies to.
    pub fn shaped_query(&mut self) -> Step {
        if self.model.large && self.rng.percent(60) {
            return self.large_query();
        }
        match self.rng.below(4) {
            0 => self.count_of_union(),
            1 => self.union_in_from(),
            2 => self.unread_join(),
            _ => self.common_condition(),
        }
    }

    /// Counts that can be added up arm by arm.
    fn count_of_union(&mut self) -> Step {
        let mut arms = Vec::new();
        for _ in 0..2 + self.rng.below(2) {
            let table = self.pick_table();
            let scope = Scope::of("", &table.columns);
            let filter =
                if self.rng.percent(40) { format!(" WHERE {}", self.condition(&scope, 0)) } else { String::new() };
            arms.push(format!("SELECT {} FROM {}{filter}", self.column_of(Kind::Any, &scope), table.path()));
        }
        Step::select(format!("SELECT count(*) FROM ({})", arms.join(" UNION ALL ")), Order::Free)
    }

    /// A UNION ALL that the query around it can be put into.
    fn union_in_from(&mut self) -> Step {
        let table = self.pick_base_table();
        let columns: Vec<_> = table.columns.iter().take(2).cloned().collect();
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let (list, path) = (names.join(", "), table.path());
        let scope = Scope::of("u.", &columns);
        let (a, b) = (self.condition(&Scope::of("", &columns), 0), self.condition(&scope, 1));
        let core = format!(
            "SELECT u.{} FROM (SELECT {list} FROM {path} WHERE {a} UNION ALL SELECT {list} FROM {path}) AS u WHERE {b}",
            names.join(", u.")
        );
        let mut step = self.ordered(core, names.len());
        step.loose |= self.loose_inside(&step.sql);
        step
    }

    /// A LEFT JOIN by a key of which nothing is read.
    fn unread_join(&mut self) -> Step {
        let (left, right) = (self.pick_table(), self.pick_base_table());
        let scope = Scope::of("x.", &left.columns);
        let key = right.unique.iter().find(|u| u.len() == 1).map_or("rowid".to_owned(), |u| u[0].clone());
        let (value, link) = (self.column_of(Kind::Any, &scope), self.column_of(Kind::Integer, &scope));
        let distinct = *self.rng.pick(&["", "", "DISTINCT "]);
        let core = format!(
            "SELECT {distinct}{value} FROM {} AS x LEFT JOIN {} AS y ON y.{key} = {link}",
            left.path(),
            right.path()
        );
        let mut step = Step::select(core, Order::Free);
        step.loose = true;
        step
    }

    /// A join condition in every arm of an OR.
    fn common_condition(&mut self) -> Step {
        let (left, right) = (self.pick_table(), self.pick_table());
        let (x, y) = (Scope::of("x.", &left.columns), Scope::of("y.", &right.columns));
        let link = format!("{} = {}", self.column_of(Kind::Integer, &x), self.column_of(Kind::Integer, &y));
        let all = x.and(y);
        let arms: Vec<String> = (0..2 + self.rng.below(2))
            .map(|_| {
                let more = self.condition(&all, 0);
                if self.rng.percent(50) { format!("({link} AND {more})") } else { format!("({more} AND {link})") }
            })
            .collect();
        let value = self.column_of(Kind::Any, &all);
        let (from, to) = (left.path(), right.path());
        let mut step = match self.rng.below(3) {
            0 => Step::select(
                format!("SELECT {value} FROM {from} AS x JOIN {to} AS y ON {}", arms.join(" OR ")),
                Order::Free,
            ),
            1 => Step::select(
                format!("SELECT count(*) FROM {from} AS x, {to} AS y WHERE {}", arms.join(" OR ")),
                Order::Free,
            ),
            _ => {
                let core = format!("SELECT {value} FROM {from} AS x, {to} AS y WHERE {}", arms.join(" OR "));
                self.ordered(core, 1)
            }
        };
        step.loose |= self.loose_inside(&step.sql);
        step
    }

    /// The statements that make the large table.
    pub fn large_table(&mut self) -> Vec<Step> {
        self.model.large = true;
        let (rows, step) = (300 + self.rng.below(1200), *self.rng.pick(&[7, 11, 13]));
        let (few, many) = (2 + self.rng.below(4), 50 + self.rng.below(100));
        let mut steps = vec![Step::define("CREATE TABLE big(a INT, b INT, c TEXT, d REAL, e)".into())];
        let fill = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO big \
             SELECT i % {few}, i * {step} % {many}, 'w' || (i % 40), i % 90 * 0.25, CASE WHEN i % 9 THEN i END FROM n"
        );
        steps.push(Step::change(fill));
        let indexes =
            ["big_ab ON big(a, b)", "big_c ON big(c)", "big_e ON big(e DESC) WHERE e > 20", "big_bd ON big(b, d)"];
        for index in indexes {
            if self.rng.percent(70) {
                steps.push(Step::define(format!("CREATE INDEX {index}")));
            }
        }
        steps.push(Step::define("ANALYZE".into()));
        self.model.analyzed = true;
        steps
    }

    fn large_query(&mut self) -> Step {
        let (k, m) = (self.rng.below(150), self.rng.below(150));
        let c = self.rng.below(45);
        let (core, columns) = match self.rng.below(14) {
            0 | 1 => (format!("SELECT a, b, d FROM big WHERE b = {k}"), 3),
            2 => (format!("SELECT count(*), sum(d), min(c) FROM big WHERE b BETWEEN {k} AND {}", k + 20), 3),
            3 => ("SELECT c, count(*), max(b), total(d) FROM big GROUP BY c".to_owned(), 4),
            4 => (format!("SELECT a, b, avg(d) FROM big WHERE e > {k} GROUP BY a, b HAVING count(*) > 2"), 3),
            5 => (
                format!(
                    "SELECT x.c, count(*) FROM big AS x JOIN big AS y ON x.d = y.d AND y.a = 1 WHERE x.b < {k} GROUP BY 1"
                ),
                2,
            ),
            6 => {
                let table = self.pick_table();
                let column = self.column_of(Kind::Integer, &Scope::of("t.", &table.columns));
                (format!("SELECT {column}, big.e, big.c FROM {} AS t JOIN big ON big.b = {column}", table.path()), 3)
            }
            7 => {
                let table = self.pick_table();
                let column = self.column_of(Kind::Integer, &Scope::of("t.", &table.columns));
                (
                    format!(
                        "SELECT {column}, count(big.e) FROM {} AS t LEFT JOIN big ON big.d = {column} GROUP BY 1",
                        table.path()
                    ),
                    2,
                )
            }
            8 => (format!("SELECT e, b FROM big WHERE b = {k} OR c = 'w{c}' OR e = {m}"), 2),
            9 => (format!("SELECT DISTINCT a, c FROM big WHERE e > {}", k + 20), 2),
            10 => (
                format!(
                    "SELECT b, d FROM big WHERE c IN ('w{c}', 'w1', 'x') AND e NOT IN (SELECT e FROM big WHERE b = {k} AND e IS NOT NULL)"
                ),
                2,
            ),
            11 => (format!("SELECT max(e), min(e) FROM big WHERE e > 20 AND b > {k}"), 2),
            12 => (format!("SELECT a, b, e FROM big WHERE (a, b) > (1, {k}) AND c LIKE 'w1%'"), 3),
            _ => {
                (format!("SELECT e, row_number() OVER (PARTITION BY a ORDER BY b, e, rowid) FROM big WHERE d < {c}"), 2)
            }
        };
        let mut step = self.ordered(core, columns);
        step.loose = true;
        step
    }

    /// INSERT, UPDATE or DELETE on the large table.
    pub fn change_large(&mut self) -> Step {
        let k = self.rng.below(150);
        Step::change(match self.rng.below(5) {
            0 => format!("DELETE FROM big WHERE b = {k}"),
            1 => format!("UPDATE big SET d = d + 1, b = b + 1 WHERE a = 1 AND b > {k}"),
            2 => format!("UPDATE big SET c = 'v' || c WHERE e > {k} AND e % 3 = 0"),
            3 => format!("INSERT INTO big SELECT a, b + 1, c, d, e FROM big WHERE b < {} ORDER BY rowid", k / 10),
            _ => format!("DELETE FROM big WHERE c LIKE 'w{}%' AND a = 0", k % 10),
        })
    }
}
