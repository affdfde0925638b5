//! Window functions over one table, in an order that tells its rows apart.

use super::model::{Kind, Scope};
use super::{Generator, Step};

impl Generator {
    /// A query with window functions.
    pub fn window_query(&mut self) -> Step {
        let table = self.pick_base_table();
        let scope = Scope::of("", &table.columns);
        let identity = table.identity.join(", ");
        let filter = if self.rng.percent(30) { format!(" WHERE {}", self.condition(&scope, 1)) } else { String::new() };
        let mut list = vec![self.column_of(Kind::Any, &scope)];
        let mut named = String::new();
        // `w` has an order of its own.
        let mut ordered = false;
        if self.rng.percent(30) {
            let base = self.window_body(&scope, &identity, false);
            ordered = base.contains("ORDER BY");
            named = format!(" WINDOW w AS ({base})");
            if self.rng.percent(40) && !base.contains("ORDER BY") {
                named += &format!(", w2 AS (w ORDER BY {identity})");
            }
        }
        for _ in 0..1 + self.rng.below(3) {
            let (function, framed) = self.window_function(&scope);
            let over = if named.contains("w2") && self.rng.percent(40) {
                "w2".to_owned()
            } else if !named.is_empty() && self.rng.percent(60) {
                // The window may lack an order: then only what does not depend on one.
                if ordered { "w".to_owned() } else { "(w)".to_owned() }
            } else {
                format!("({})", self.window_body(&scope, &identity, framed))
            };
            let function = if over.contains("ORDER BY") || over == "w2" || ordered && over == "w" {
                function
            } else {
                "count(*)".to_owned()
            };
            let call = format!("{function} OVER {over}");
            let other =
                if self.rng.percent(40) { list[list.len() - 1].clone() } else { self.column_of(Kind::Any, &scope) };
            list.push(if self.rng.percent(25) { self.combined(&call, &other) } else { call });
        }
        let mut core = format!("SELECT {} FROM {}{filter}{named}", list.join(", "), table.path());
        match self.rng.below(20) {
            0 => core = format!("SELECT * FROM ({core}) AS z1"),
            1 => core = format!("WITH z1 AS ({core}) SELECT * FROM z1"),
            _ => {}
        }
        let mut step = self.ordered(core, list.len());
        step.loose |= self.loose_inside(&step.sql);
        step
    }

    /// Window functions over the groups of a query.
    pub fn grouped_window_query(&mut self) -> Step {
        let from = self.from(2);
        let key = self.rng.pick(&from.scope.0).text.clone();
        let other = self.rng.pick(&from.scope.0).text.clone();
        // Groups may be equal without being the same: their keys order them only when they are whole.
        let whole = format!("quote({key})");
        let call = match self.rng.below(8) {
            0 => format!("sum(count(*)) OVER (ORDER BY {whole})"),
            1 => format!("row_number() OVER (ORDER BY count(*) DESC, {whole})"),
            2 => format!("max(count({other})) OVER ()"),
            3 => format!("lag(count(*), 1, 'first') OVER (ORDER BY {whole})"),
            4 => format!("sum(count(*)) OVER (PARTITION BY count({other}) ORDER BY {whole} ROWS 1 PRECEDING)"),
            5 => format!("ntile(2) OVER (ORDER BY {whole})"),
            6 => format!("first_value(count(*)) OVER (ORDER BY {whole} GROUPS 1 PRECEDING EXCLUDE CURRENT ROW)"),
            _ => format!("dense_rank() OVER (ORDER BY count(DISTINCT {other}))"),
        };
        let filter =
            if self.rng.percent(30) { format!(" WHERE {}", self.condition(&from.scope, 1)) } else { String::new() };
        let call = if self.rng.percent(40) {
            let other = match self.rng.below(4) {
                0 => "count(*)".to_owned(),
                1 => format!("min(quote({other}))"),
                2 => format!("count(DISTINCT {other})"),
                _ => whole.clone(),
            };
            self.combined(&call, &other)
        } else {
            call
        };
        if self.rng.percent(15) {
            // One group of all rows, whose key stands in an aggregate too.
            let call = call.replace(&whole, &format!("max({whole})"));
            let core = format!("SELECT max({whole}), {call} FROM {}{filter}", from.text);
            let mut step = self.ordered(core, 2);
            step.loose = true;
            return step;
        }
        let having = *self.rng.pick(&["", "", " HAVING count(*) > 1"]);
        let core = format!("SELECT {whole}, {call} FROM {}{filter} GROUP BY {whole}{having}", from.text);
        let mut step = self.ordered(core, 2);
        step.loose = true;
        step
    }

    /// A call within an expression that reads something else of its row. The call never decides a collation: of several windows SQLite
    /// takes what the inner ones give for columns, whose collation is BINARY, and it would win over that of a column behind it.
    pub fn combined(&mut self, call: &str, other: &str) -> String {
        match self.rng.below(9) {
            0 => format!("{call} || '/' || {other}"),
            1 => format!("CASE WHEN {other} IS {call} THEN {other} ELSE {call} END"),
            2 => format!("CASE {other} WHEN {call} THEN 'same' WHEN 1 THEN {call} END"),
            3 => format!("coalesce({call}, {other})"),
            4 => format!("{call} IN ({other}, 1, 'a')"),
            5 => format!("max({other}, {call})"),
            6 => format!("{other} BETWEEN {call} AND 3"),
            7 => format!("({other}, {call}) < ({call}, 'b')"),
            _ => format!("typeof({call}) || quote({other})"),
        }
    }

    fn window_function(&mut self, scope: &Scope) -> (String, bool) {
        let column = self.rng.pick(&scope.0).clone();
        let argument = if self.rng.percent(75) { column.text.clone() } else { self.value(scope, 1) };
        let filter =
            if self.rng.percent(15) { format!(" FILTER (WHERE {})", self.condition(scope, 1)) } else { String::new() };
        let sum = if self.features.extremes { "count" } else { *self.rng.pick(&["sum", "avg", "total"]) };
        match self.rng.below(16) {
            0 => ("row_number()".into(), false),
            1 => ("rank()".into(), false),
            2 => ("dense_rank()".into(), false),
            3 => ("percent_rank()".into(), false),
            4 => ("cume_dist()".into(), false),
            5 => (format!("ntile({})", 1 + self.rng.below(4)), false),
            6 => (format!("lag({argument}{})", self.rng.pick(&["", ", 2", ", 1, 'none'", ", 0", ", -1"])), false),
            7 => (format!("lead({argument}{})", self.rng.pick(&["", ", 2", ", 1, 'none'", ", 0"])), false),
            8 => (format!("first_value({argument})"), true),
            9 => (format!("last_value({argument})"), true),
            10 => (format!("nth_value({argument}, {})", 1 + self.rng.below(3)), true),
            11 => (format!("{sum}({}){filter}", column.text), true),
            12 => (format!("group_concat({argument}, {}){filter}", self.rng.pick(&["'-'", "''", "','"])), true),
            13 => (format!("json_group_array(quote({argument})){filter}"), true),
            14 => (format!("{}({argument}){filter}", self.rng.pick(&["max", "min"])), true),
            _ => (format!("count({argument}){filter}"), true),
        }
    }

    fn window_body(&mut self, scope: &Scope, identity: &str, framed: bool) -> String {
        let mut text = String::new();
        if self.rng.percent(45) {
            text += &format!("PARTITION BY {}", self.column_of(Kind::Any, scope));
            if self.rng.percent(20) {
                text += &format!(", {}", self.value(scope, 1));
            }
        }
        // Near the largest and smallest integers the sum of a key and an offset is rounded.
        let range = framed && !self.features.extremes && !identity.contains(", ") && self.rng.percent(20);
        if !range && !framed && self.rng.percent(10) {
            return text;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        if range {
            // RANGE with an offset wants one term; equal numbers are peers, so it must stay order-free inside a peer group.
            let first = identity.split(", ").next().unwrap_or(identity);
            text += &format!("ORDER BY {first}{}", self.rng.pick(&["", " DESC"]));
            text += &format!(" RANGE {}", self.frame_bounds(&["1", "2", "0", "1.5"]));
            return text;
        }
        let direction = *self.rng.pick(&["", " DESC", " NULLS LAST"]);
        text += &format!("ORDER BY {}{direction}, {identity}", self.column_of(Kind::Any, scope));
        if framed && self.rng.percent(60) {
            let unit = *self.rng.pick(&["ROWS", "ROWS", "GROUPS"]);
            text += &format!(" {unit} {}", self.frame_bounds(&["0", "1", "2", "3"]));
        } else if framed && self.rng.percent(25) {
            text += " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
        }
        text
    }

    fn frame_bounds(&mut self, offsets: &[&str]) -> String {
        let (n, m) = (*self.rng.pick(offsets), *self.rng.pick(offsets));
        let bounds = match self.rng.below(9) {
            0 => "UNBOUNDED PRECEDING".to_owned(),
            1 => format!("{n} PRECEDING"),
            2 => "CURRENT ROW".to_owned(),
            3 => format!("BETWEEN {n} PRECEDING AND {m} FOLLOWING"),
            4 => format!("BETWEEN {n} PRECEDING AND CURRENT ROW"),
            5 => format!("BETWEEN CURRENT ROW AND {n} FOLLOWING"),
            6 => "BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned(),
            7 => format!("BETWEEN {n} PRECEDING AND {m} PRECEDING"),
            _ => format!("BETWEEN {n} FOLLOWING AND UNBOUNDED FOLLOWING"),
        };
        let exclude = *self.rng.pick(&[
            "",
            "",
            "",
            " EXCLUDE CURRENT ROW",
            " EXCLUDE GROUP",
            " EXCLUDE TIES",
            " EXCLUDE NO OTHERS",
        ]);
        format!("{bounds}{exclude}")
    }
}
