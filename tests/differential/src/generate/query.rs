//! Whole queries: joins, subqueries, aggregates, compounds, common table expressions.

use super::from::Common;
use super::model::{Kind, Scope};
use super::{Generator, Order, Step};

/// What a query is made of.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Its FROM clause, without the word.
    pub from: String,
    /// A condition over the rows.
    pub condition: String,
    /// What is shown of a row.
    pub output: String,
    /// A column to group by.
    pub key: String,
    /// A column to aggregate.
    pub value: String,
    /// A condition over groups by the key.
    pub having: String,
}

impl Generator {
    /// A query as a step.
    pub fn query(&mut self) -> Step {
        self.aliases = 0;
        self.parameters = self.rng.percent(10);
        let step = self.some_query();
        self.parameters = false;
        step
    }

    fn some_query(&mut self) -> Step {
        match self.rng.below(100) {
            0..=11 => self.calculation(),
            12..=20 => self.window_query(),
            21 | 22 => self.grouped_window_query(),
            23..=36 => self.aggregate_query(),
            37..=46 => self.compound_query(),
            47..=54 => self.recursive_query(),
            55..=58 => self.single_table_with_errors(),
            59..=62 => self.row_by_key(),
            63..=66 => self.table_function_query(),
            67 => self.series_query(),
            68 => self.broken_query(),
            69 if self.stock.percentile => self.ordered_set_query(),
            70..=73 => self.shaped_query(),
            _ => self.join_query(),
        }
    }

    /// Expressions without a table: here errors are determined.
    fn calculation(&mut self) -> Step {
        self.errors = true;
        self.plain_expressions = true;
        let depth = 2 + self.rng.below(2);
        let list: Vec<String> = (0..1 + self.rng.below(4)).map(|_| self.any_expression(depth)).collect();
        self.errors = false;
        self.plain_expressions = false;
        if self.rng.percent(10) {
            return Step::select(format!("VALUES ({})", list.join("), (")), Order::Kept);
        }
        Step::select(format!("SELECT {}", list.join(", ")), Order::Kept)
    }

    fn any_expression(&mut self, depth: usize) -> String {
        let nothing = Scope::default();
        if self.rng.percent(55) { self.any_call(&nothing, depth) } else { self.value(&nothing, depth) }
    }

    /// Errors within a row.
    fn single_table_with_errors(&mut self) -> Step {
        let table = self.pick_base_table();
        let scope = Scope::of("", &table.columns);
        self.errors = true;
        self.plain_expressions = true;
        let call = self.any_call(&scope, 2);
        self.errors = false;
        self.plain_expressions = false;
        // One row: of several, each may have its own error, and a plan decides which comes first.
        let row = format!("SELECT * FROM {} ORDER BY {} LIMIT 1", table.path(), table.identity.join(", "));
        Step::select(format!("SELECT {call} FROM ({row})"), Order::Free)
    }

    fn row_by_key(&mut self) -> Step {
        let table = self.pick_base_table();
        let scope = Scope::of("", &table.columns);
        let key = self.rng.pick(&table.identity).clone();
        let condition = match self.rng.below(4) {
            0 => format!("{key} > {}", self.literal(Kind::Integer)),
            1 => format!("{key} IN ({}, {})", self.literal(Kind::Integer), self.literal(Kind::Integer)),
            _ => format!("{key} = {}", self.literal(Kind::Any)),
        };
        let also = if self.rng.percent(30) { format!(" AND {}", self.condition(&scope, 1)) } else { String::new() };
        let list = if self.rng.percent(50) { "*".to_owned() } else { self.value(&scope, 1) };
        Step::select(format!("SELECT {list} FROM {} WHERE {condition}{also}", table.path()), Order::Free)
    }

    /// Parts of queries that are put together in several ways.
    pub fn partition(&mut self) -> Partition {
        self.aliases = 0;
        let from = self.from(3);
        let depth = 1 + self.rng.below(2);
        let condition = self.condition(&from.scope, depth);
        let output: Vec<String> = (0..1 + self.rng.below(2)).map(|_| self.column_of(Kind::Any, &from.scope)).collect();
        let key = self.rng.pick(&from.scope.0).text.clone();
        let value = self.rng.pick(&from.scope.0).text.clone();
        let call = match self.rng.below(6) {
            0 | 1 => "count(*)".to_owned(),
            2 => format!("count({value})"),
            3 => format!("count(DISTINCT {value})"),
            4 => format!("min({value})"),
            _ => format!("max({value})"),
        };
        let test = match self.rng.below(8) {
            0..=2 => format!("{call} > {}", 1 + self.rng.below(3)),
            3 => format!("{call} = {}", self.literal(Kind::Any)),
            4 => format!("{call} BETWEEN {} AND 'b'", self.literal(Kind::Integer)),
            5 => format!("{call} IN (1, 'a', {})", self.literal(Kind::Any)),
            6 => format!("{key} {} {}", self.rng.pick(&["=", "<", ">=", "IS NOT"]), self.literal(Kind::Any)),
            _ => call.clone(),
        };
        let having = if self.rng.percent(25) {
            format!("{test} {} {key} > {}", self.rng.pick(&["AND", "OR"]), self.literal(Kind::Any))
        } else {
            test
        };
        Partition { from: from.text, condition, output: output.join(", "), key, value, having }
    }

    /// Tables joined with table-valued functions, whose arguments may be their columns.
    fn table_function_query(&mut self) -> Step {
        let table = self.pick_table();
        let scope = Scope::of("x.", &table.columns);
        let (a, b) = (self.column_of(Kind::Any, &scope), self.column_of(Kind::Any, &scope));
        let joined = *self.rng.pick(&["JOIN", "JOIN", "LEFT JOIN", "CROSS JOIN", ","]);
        let json = match self.rng.below(4) {
            0 => format!("json_array(quote({a}), quote({b}), 7)"),
            1 => format!("json_object('p', quote({a}), 'q', json_array(1, quote({b}), NULL))"),
            _ => self.good_json(),
        };
        let path = if self.rng.percent(30) { format!(", {}", self.good_path()) } else { String::new() };
        let columns: &[&str] =
            &["key", "value", "type", "atom", "fullkey", "path", "id", "parent", "typeof(j.value)", "quote(j.key)"];
        let mut list: Vec<String> = (0..1 + self.rng.below(3))
            .map(|_| {
                let column = *self.rng.pick(columns);
                if column.contains('(') { column.to_owned() } else { format!("j.{column}") }
            })
            .collect();
        let core = match self.rng.below(10) {
            0 => {
                let name = table.name.clone();
                list = vec!["j.name".into(), "j.type".into(), "j.pk".into()];
                format!("SELECT {} FROM pragma_table_xinfo('{name}') AS j", list.join(", "))
            }
            1 => {
                list = vec!["m.name".into(), "j.name".into(), "j.\"unique\"".into(), "j.origin".into()];
                let kind = "m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
                format!(
                    "SELECT {} FROM sqlite_schema AS m {joined} pragma_index_list(m.name) AS j WHERE {kind}",
                    list.join(", ")
                )
            }
            2 => format!("SELECT {} FROM json_tree({}{path}) AS j", list.join(", "), self.good_json()),
            3 => {
                let inner = self.good_json();
                format!(
                    "SELECT {} FROM json_each({inner}) AS k, json_tree(k.value) AS j WHERE k.type IN ('array', 'object')",
                    list.join(", ")
                )
            }
            n => {
                list.push(a);
                let function = if n % 2 == 0 { "json_each" } else { "json_tree" };
                let on = match (joined, self.rng.below(3)) {
                    ("LEFT JOIN" | "JOIN", 0) => format!(" ON j.key = {b}"),
                    ("LEFT JOIN" | "JOIN", 1) => format!(" ON j.value = {b}"),
                    _ => String::new(),
                };
                let filter =
                    if self.rng.percent(40) { format!(" WHERE {}", self.condition(&scope, 1)) } else { String::new() };
                let path = table.path();
                format!("SELECT {} FROM {path} AS x {joined} {function}({json}) AS j{on}{filter}", list.join(", "))
            }
        };
        let mut step = self.ordered(core, list.len());
        step.loose |= self.loose_inside(&step.sql);
        step
    }

    /// `generate_series`, which bundled SQLite lacks: it is asked for the same numbers of a recursive query.
    fn series_query(&mut self) -> Step {
        let table = self.pick_base_table();
        let column = self.column_of(Kind::Integer, &Scope::of("x.", &table.columns));
        let (first, last) = (self.rng.below(9) as i64 - 4, self.rng.below(16) as i64 - 3);
        let step = *self.rng.pick(&[1, 1, 2, 3, 5]);
        let series = match step {
            1 if self.rng.percent(50) => format!("generate_series({first}, {last})"),
            _ => format!("generate_series({first}, {last}, {step})"),
        };
        // It reads the schema, so that SQLite begins a transaction as it does for a table of a module.
        let numbers = format!(
            "(WITH RECURSIVE s(value) AS (SELECT {first} FROM (SELECT count(*) FROM sqlite_schema) WHERE {first} <= {last} \
             UNION ALL SELECT value + {step} FROM s WHERE value + {step} <= {last}) SELECT value FROM s)"
        );
        let condition = match self.rng.below(4) {
            0 => format!(" WHERE g.value > {}", self.rng.below(5)),
            1 => format!(" WHERE g.value BETWEEN {} AND {}", self.rng.below(3), self.rng.below(9)),
            2 => format!(" WHERE g.value IN (1, {}, NULL)", self.rng.below(7)),
            _ => String::new(),
        };
        let path = table.path();
        let (list, columns, rest) = match self.rng.below(4) {
            0 => ("+g.value AS v".to_owned(), 1, condition),
            1 => (
                format!("+g.value AS v, {column} AS c"),
                2,
                format!(" JOIN {path} AS x ON {column} = +g.value{condition}"),
            ),
            2 => (
                format!("+g.value AS v, {column} AS c"),
                2,
                format!(" LEFT JOIN {path} AS x ON {column} = +g.value{condition}"),
            ),
            _ => ("count(*) AS n, sum(g.value) AS s".to_owned(), 2, condition),
        };
        let (tail, order, limited) = self.order_clause(columns);
        let mut step = Step::select(format!("SELECT {list} FROM {series} AS g{rest}{tail}"), order);
        step.stock = Some(format!("SELECT {list} FROM {numbers} AS g{rest}{tail}"));
        step.loose = limited;
        step
    }

    /// A query with one mistake in it.
    fn broken_query(&mut self) -> Step {
        let table = self.pick_base_table();
        let scope = Scope::of("x.", &table.columns);
        let (path, name) = (table.path(), self.rng.pick(&table.columns).name.clone());
        let (value, condition) = (self.value(&scope, 1), self.condition(&scope, 1));
        let sql = match self.rng.below(15) {
            13 => format!("SELECT {value} FROM {path} AS x WHERE {name} MATCH 'a'"),
            0 => format!("SELECT zz, {value} FROM {path} AS x WHERE {condition}"),
            1 => format!("SELECT {value} FROM {path} AS x WHERE {condition} AND zz"),
            2 => format!("SELECT {value} FROM nope AS x WHERE {condition}"),
            3 => format!("SELECT {value}, nope({name}) FROM {path} AS x"),
            4 => format!("SELECT abs({name}, 1) FROM {path} AS x WHERE {condition}"),
            5 => format!("SELECT {value} FROM {path} AS x GROUP BY {name}, zz"),
            6 => format!("SELECT {value} FROM {path} AS x ORDER BY 7"),
            7 => format!("SELECT {value} FROM {path} AS x WHERE count(*) > 1"),
            8 => format!("SELECT {value} FROM {path} AS x UNION SELECT 1, 2"),
            9 => format!("SELECT ({name}, 1) FROM {path} AS x WHERE {condition}"),
            10 => format!("SELECT {value} FROM {path} AS x WHERE {name} IN (SELECT 1, 2)"),
            11 => format!("SELECT {name} FROM {path} AS x, {path} AS y"),
            12 => format!("SELECT {value} FROM {path} AS x WHERE {condition} ORDER BY {name} LIMIT 'a'"),
            _ => format!("SELECT {value} FROM {path} AS x WHERE {condition} GROUP"),
        };
        Step::select(sql, Order::Free)
    }

    /// Ordered-set aggregates: SQLite is asked in the form that it knows without a special build.
    fn ordered_set_query(&mut self) -> Step {
        let table = self.pick_base_table();
        let scope = Scope::of("", &table.columns);
        let (key, value) = (self.column_of(Kind::Any, &scope), self.column_of(Kind::Any, &scope));
        let value = format!("length({value})");
        let (function, fraction) =
            *self.rng.pick(&[("percentile", "25"), ("percentile_cont", "0.75"), ("percentile_disc", "0.5")]);
        let rest = format!(", median({value}) AS m FROM {} GROUP BY typeof({key})", table.path());
        let mut step = Step::select(
            format!("SELECT {function}({fraction}) WITHIN GROUP (ORDER BY {value}) AS p{rest}"),
            Order::Free,
        );
        step.stock = Some(format!("SELECT {function}({value}, {fraction}) AS p{rest}"));
        step
    }

    fn join_query(&mut self) -> Step {
        let mut common = Vec::new();
        let mut with = String::new();
        if self.rng.percent(20) {
            let mut parts = Vec::new();
            for i in 0..1 + self.rng.below(2) {
                let name = format!("w{i}");
                let (text, columns) = self.derived_table();
                let hint = *self.rng.pick(&["", "", " MATERIALIZED", " NOT MATERIALIZED"]);
                let names = if self.rng.percent(40) {
                    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
                    format!("({})", names.join(", "))
                } else {
                    String::new()
                };
                parts.push(format!("{name}{names} AS{hint} ({text})"));
                common.push(Common { name, columns });
            }
            with = format!("WITH {} ", parts.join(", "));
        }
        let from = self.from_with(4, &common);
        let star = from.tables == 1 && self.rng.percent(25) || self.rng.percent(5);
        let list: Vec<String> = if star {
            vec!["*".into()]
        } else {
            (0..1 + self.rng.below(4))
                .map(|i| {
                    let text = self.value(&from.scope, 2);
                    if self.rng.percent(20) { format!("{text} AS n{i}") } else { text }
                })
                .collect()
        };
        let filter = match self.rng.below(5) {
            0 | 1 => String::new(),
            2 | 3 => format!(" WHERE {}", self.condition(&from.scope, 2)),
            _ => format!(" WHERE {} AND {}", self.condition(&from.scope, 1), self.condition(&from.scope, 1)),
        };
        let distinct = if self.rng.percent(12) { "DISTINCT " } else { "" };
        let windowed = !star && distinct.is_empty() && self.rng.percent(10);
        let mut list = list;
        if windowed {
            let (a, b) = (self.column_of(Kind::Any, &from.scope), self.column_of(Kind::Any, &from.scope));
            list.push(match self.rng.below(4) {
                0 => format!("count(*) OVER (PARTITION BY {a})"),
                1 => format!("rank() OVER (PARTITION BY {a} ORDER BY {b})"),
                2 => format!("dense_rank() OVER (ORDER BY {b} DESC) + count({a}) OVER ()"),
                _ => format!("count({a}) OVER (ORDER BY {b} GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)"),
            });
        }
        let core = format!("{with}SELECT {distinct}{} FROM {}{filter}", list.join(", "), from.text);
        let mut step = if star { Step::select(core, Order::Free) } else { self.ordered(core, list.len()) };
        step.loose = step.loose || !distinct.is_empty() || self.loose_inside(&step.sql);
        step
    }

    /// Representatives of equal values are open in these.
    pub fn loose_inside(&self, sql: &str) -> bool {
        ["UNION", "EXCEPT", "INTERSECT", "GROUP BY", "DISTINCT", "LIMIT", "max(", "min("]
            .iter()
            .any(|w| sql.contains(w))
    }

    /// An ORDER BY over some or all columns of the result, and with all of them perhaps a LIMIT.
    pub fn ordered(&mut self, core: String, columns: usize) -> Step {
        let (clause, order, limited) = self.order_clause(columns);
        let mut step = Step::select(format!("{core}{clause}"), order);
        step.loose = limited;
        step
    }

    fn order_clause(&mut self, columns: usize) -> (String, Order, bool) {
        if columns == 0 || self.rng.percent(45) {
            return (String::new(), Order::Free, false);
        }
        if self.rng.percent(8) {
            // By what cannot be seen in the rows.
            let (a, b) = (1 + self.rng.below(columns), *self.rng.pick(&["NOCASE", "RTRIM", "BINARY"]));
            return (format!(" ORDER BY {a} COLLATE {b}"), Order::Free, false);
        }
        let mut by: Vec<usize> = (0..columns).collect();
        for i in (1..by.len()).rev() {
            by.swap(i, self.rng.below(i + 1));
        }
        let whole = self.rng.percent(60);
        if !whole {
            by.truncate(1 + self.rng.below(columns));
        }
        let terms: Vec<String> = by
            .iter()
            .map(|c| {
                let direction =
                    *self.rng.pick(&["", "", " ASC", " DESC", " DESC NULLS LAST", " NULLS LAST", " NULLS FIRST"]);
                format!("{}{direction}", c + 1)
            })
            .collect();
        let mut text = format!(" ORDER BY {}", terms.join(", "));
        let limited = by.len() == columns && self.rng.percent(40);
        if limited {
            match self.rng.below(5) {
                0 => text += &format!(" LIMIT {} OFFSET {}", self.rng.below(8), self.rng.below(5)),
                1 => text += &format!(" LIMIT {}, {}", self.rng.below(4), self.rng.below(8)),
                2 => text += " LIMIT -1 OFFSET 1",
                _ => text += &format!(" LIMIT {}", 1 + self.rng.below(12)),
            }
        }
        (text, Order::By(by), limited)
    }

    /// An aggregate call over the columns in scope whose result does not depend on the order of the rows.
    pub fn aggregate(&mut self, scope: &Scope) -> String {
        let column = self.rng.pick(&scope.0).clone();
        let argument = if self.rng.percent(70) { column.text.clone() } else { self.value(scope, 1) };
        let distinct = if self.rng.percent(20) { "DISTINCT " } else { "" };
        let call = match self.rng.below(14) {
            0 | 1 => "count(*)".to_owned(),
            2 => format!("count({distinct}{argument})"),
            3 | 4 if !self.features.extremes => format!("sum({distinct}{})", column.text),
            5 if !self.features.extremes => format!("{}({distinct}{})", self.rng.pick(&["avg", "total"]), column.text),
            6 => format!("group_concat(quote({argument}) ORDER BY quote({argument}))"),
            7 => {
                let f = *self.rng.pick(&["group_concat", "string_agg"]);
                format!(
                    "{f}(quote({argument}), {} ORDER BY quote({argument}) DESC)",
                    self.rng.pick(&["'-'", "''", "NULL"])
                )
            }
            8 => format!("json_group_array(quote({argument}) ORDER BY quote({argument}))"),
            9 => format!("json_group_object(quote({a}), 1 ORDER BY quote({a}))", a = argument),
            10 => format!("hex(jsonb_group_array(quote({a}) ORDER BY quote({a})))", a = argument),
            11 if self.rng.percent(30) => {
                format!("hex(jsonb_group_object(quote({a}), 1 ORDER BY quote({a})))", a = argument)
            }
            11 => format!("sum({distinct}length({argument}))"),
            _ => format!("{}({distinct}{argument})", self.rng.pick(&["max", "min"])),
        };
        if self.rng.percent(18) && !scope.0.is_empty() {
            format!("{call} FILTER (WHERE {})", self.condition(scope, 1))
        } else {
            call
        }
    }

    fn aggregate_query(&mut self) -> Step {
        let from = self.from(3);
        let mut list = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        for _ in 0..self.rng.below(3) {
            let key = match self.rng.below(100) {
                0..=69 => self.rng.pick(&from.scope.0).text.clone(),
                70..=84 => format!("({})", self.condition(&from.scope, 1)),
                _ => self.value(&from.scope, 1),
            };
            // What is constant may be a number, which would name a column of the result.
            let key = if key.contains('.') { key } else { self.rng.pick(&from.scope.0).text.clone() };
            if self.rng.percent(85) {
                list.push(match self.rng.below(14) {
                    0 => format!("quote({key}) || typeof({key})"),
                    1 => format!("CASE WHEN {key} THEN 'yes' ELSE 'no' END"),
                    2 => format!("({key} IS TRUE AND 1)"),
                    _ => key.clone(),
                });
                if self.rng.percent(12) {
                    // By its place in the result.
                    keys.push(list.len().to_string());
                    continue;
                }
            }
            keys.push(key);
        }
        for _ in 0..1 + self.rng.below(3) {
            let call = self.aggregate(&from.scope);
            list.push(match self.rng.below(100) {
                0..=9 => format!("coalesce({call}, 'none')"),
                10..=24 => {
                    let other = match list.last() {
                        Some(last) if self.rng.percent(60) => last.clone(),
                        _ => self.aggregate(&from.scope),
                    };
                    self.combined(&call, &other)
                }
                _ => call,
            });
        }
        let filter =
            if self.rng.percent(45) { format!(" WHERE {}", self.condition(&from.scope, 1)) } else { String::new() };
        let mut tail = String::new();
        if !keys.is_empty() {
            tail = format!(" GROUP BY {}", keys.join(", "));
        }
        if self.rng.percent(25) {
            let call = self.aggregate(&from.scope);
            let test = *self.rng.pick(&["> 1", "IS NOT NULL", "<> 2", "= 1", ">= 'a'"]);
            let more = match (self.rng.below(5), keys.first()) {
                (0, Some(key)) if key.contains('.') => format!(" OR {key} IS NULL"),
                (1, Some(key)) if key.contains('.') => format!(" AND {key} IN (SELECT {call} FROM {})", from.text),
                (2, _) => format!(" AND {}", self.scalar_subquery(&Scope::default())),
                _ => String::new(),
            };
            tail += &match (self.rng.below(12), keys.last()) {
                (0, Some(key)) if key.contains('.') => format!(" HAVING {key}"),
                (1, Some(key)) if key.contains('.') => format!(" HAVING NOT {key}"),
                (2, Some(key)) if key.contains('.') => format!(" HAVING {key} IS NOT TRUE AND {call} {test}"),
                _ => format!(" HAVING {call} {test}{more}"),
            };
        }
        let core = format!("SELECT {} FROM {}{filter}{tail}", list.join(", "), from.text);
        let mut step = self.ordered(core, list.len());
        step.loose = true;
        step
    }

    fn compound_query(&mut self) -> Step {
        let columns = 1 + self.rng.below(3);
        let mut text = String::new();
        let (mut operators, mut folded) = (Vec::new(), false);
        for i in 0..2 + self.rng.below(2) {
            if i > 0 {
                let operator = *self.rng.pick(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "UNION ALL", "UNION"]);
                text += &format!(" {operator} ");
                operators.push(operator);
            }
            if self.rng.percent(12) {
                let values: Vec<String> = (0..columns).map(|_| self.literal(Kind::Any)).collect();
                text += &format!("VALUES ({})", values.join(", "));
                continue;
            }
            let from = self.from(2);
            folded |= from.scope.0.iter().any(|column| column.folded);
            let list: Vec<String> = (0..columns)
                .map(|_| {
                    if self.rng.percent(75) {
                        self.rng.pick(&from.scope.0).text.clone()
                    } else {
                        self.value(&from.scope, 1)
                    }
                })
                .collect();
            let filter =
                if self.rng.percent(50) { format!(" WHERE {}", self.condition(&from.scope, 1)) } else { String::new() };
            text += &format!("SELECT {} FROM {}{filter}", list.join(", "), from.text);
        }
        // Under an ORDER BY, SQLite merges the inner terms of a compound in the order of the outer ones' collation, and misses
        // what is equal there.
        let inner = operators.split_last().is_some_and(|(_, inner)| inner.iter().any(|o| *o != "UNION ALL"));
        let missed = inner && (folded || text.contains("COLLATE"));
        let mut step = if missed { Step::select(text, Order::Free) } else { self.ordered(text, columns) };
        step.loose = true;
        step
    }

    fn recursive_query(&mut self) -> Step {
        let last = 2 + self.rng.below(12);
        let text = match self.rng.below(7) {
            0 => format!(
                "WITH RECURSIVE r(n, s) AS (SELECT 1, {} UNION ALL SELECT n + 1, s || n FROM r WHERE n < {last}) SELECT n, s FROM r",
                self.literal(Kind::Text)
            ),
            1 => {
                let direction = *self.rng.pick(&["", " DESC"]);
                format!(
                    "WITH RECURSIVE r(n, d) AS (SELECT 1, 0 UNION ALL SELECT n * 2 + k.column1, d + 1 FROM r, (VALUES (0), (1)) AS k WHERE d < 4 ORDER BY 1{direction} LIMIT {last}) SELECT n, d FROM r"
                )
            }
            2 => {
                let table = self.pick_base_table();
                let scope = Scope::of("t.", &table.columns);
                let (a, b) = (self.column_of(Kind::Any, &scope), self.column_of(Kind::Any, &scope));
                format!(
                    "WITH RECURSIVE r(x) AS (SELECT {} FROM {p} AS t UNION SELECT {a} FROM {p} AS t JOIN r ON {b} = r.x) SELECT x, typeof(x) FROM r",
                    self.column_of(Kind::Any, &scope),
                    p = table.path()
                )
            }
            3 => format!(
                "WITH RECURSIVE r(n) AS (VALUES (1) UNION SELECT (n * 3 + 1) % {} FROM r), q AS (SELECT count(*) AS c FROM r) SELECT r.n, q.c FROM r, q",
                last + 3
            ),
            4 => format!(
                "WITH RECURSIVE r(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM r LIMIT {last}) SELECT a, (SELECT count(*) FROM r AS z WHERE z.a < r.a) FROM r"
            ),
            5 => {
                let table = self.pick_base_table();
                let scope = Scope::of("t.", &table.columns);
                let key = self.column_of(Kind::Integer, &scope);
                format!(
                    "WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {last}) SELECT n, (SELECT count(*) FROM {p} AS t WHERE {key} = n) FROM r",
                    p = table.path()
                )
            }
            _ => format!(
                "WITH RECURSIVE r(n, k) AS (SELECT 1, 1 UNION ALL SELECT n + 1, k FROM r WHERE n < 3 UNION ALL SELECT n, k + 1 FROM r WHERE k < 3) SELECT n, k FROM r WHERE n + k < {last}"
            ),
        };
        let columns = if text.contains("SELECT x, ") || !text.contains("SELECT n FROM") { 2 } else { 1 };
        let mut step = if self.rng.percent(30) {
            Step::select(format!("{text} ORDER BY 1, 2"), Order::By((0..columns).collect()))
        } else {
            Step::select(text, Order::Free)
        };
        step.loose = true;
        step
    }
}
