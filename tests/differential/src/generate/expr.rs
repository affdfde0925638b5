//! Value expressions and conditions over the columns in scope.
//!
//! Unless `errors` is set in the generator, what is made here cannot fail at run time: whether a failing part of a query is
//! reached depends on the plan, and a comparison of two engines would then find differences that are none.

use super::Generator;
use super::model::{Kind, Scope, Table};

impl Generator {
    /// A column in scope, or a literal where there is none.
    pub fn column_of(&mut self, kind: Kind, scope: &Scope) -> String {
        if scope.0.is_empty() {
            return self.literal(kind);
        }
        for _ in 0..3 {
            let c = self.rng.pick(&scope.0);
            if c.kind == kind || kind == Kind::Any {
                return c.text.clone();
            }
        }
        self.rng.pick(&scope.0).text.clone()
    }

    /// An expression that mostly has this kind.
    pub fn value_of(&mut self, kind: Kind, scope: &Scope, depth: usize) -> String {
        if depth == 0 || self.rng.percent(50) {
            return if scope.0.is_empty() || self.rng.percent(25) {
                self.literal(kind)
            } else {
                self.column_of(kind, scope)
            };
        }
        let a = self.value_of(kind, scope, depth - 1);
        match kind {
            Kind::Integer | Kind::Real => match self.rng.below(6) {
                0 => format!("({a} + {})", self.value_of(kind, scope, depth - 1)),
                1 => format!("({a} - {})", self.value_of(kind, scope, depth - 1)),
                2 => format!("({a} * {})", 1 + self.rng.below(3)),
                3 => format!("-{a}").replace("--", "- -"),
                4 => format!("({a} % {})", self.rng.below(5)),
                _ => format!("({a} / {})", self.rng.pick(&["2", "4", "0", "-2", "0.5"])),
            },
            Kind::Text => match self.rng.below(3) {
                0 => format!("({a} || {})", self.value_of(kind, scope, depth - 1)),
                1 => format!("upper({a})"),
                _ => format!("CAST({a} AS TEXT)"),
            },
            _ => self.value(scope, depth - 1),
        }
    }

    /// Any expression.
    pub fn value(&mut self, scope: &Scope, depth: usize) -> String {
        if depth == 0 || self.rng.percent(38) {
            return if scope.0.is_empty() || self.rng.percent(22) {
                self.literal(Kind::Any)
            } else {
                self.column_of(Kind::Any, scope)
            };
        }
        let d = depth - 1;
        match self.rng.below(31) {
            0 => format!("({} + {})", self.value(scope, d), self.value(scope, d)),
            1 => format!("({} - {})", self.value(scope, d), self.value(scope, d)),
            2 => format!("({} * {})", self.value(scope, d), self.value(scope, d)),
            3 => format!("({} || {})", self.value(scope, d), self.value(scope, d)),
            4 => format!("({} % {})", self.value(scope, d), self.rng.below(8)),
            5 => format!("({} / {})", self.value(scope, d), self.value(scope, d)),
            6 => format!("({} & {})", self.value(scope, d), self.value(scope, d)),
            7 => format!("({} | {})", self.value(scope, d), self.value(scope, d)),
            8 => {
                format!("({} {} {})", self.value(scope, d), self.rng.pick(&["<<", ">>"]), self.rng.below(70) as i64 - 4)
            }
            9 => format!("(- {})", self.value(scope, d)),
            10 => format!("(~ {})", self.value(scope, d)),
            11 => format!("(+ {})", self.value(scope, d)),
            12 => {
                let to = *self.rng.pick(&["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC", "VARCHAR(3)", "NONE"]);
                format!("CAST({} AS {to})", self.value(scope, d))
            }
            13 => format!(
                "CASE WHEN {} THEN {} ELSE {} END",
                self.condition(scope, d),
                self.value(scope, d),
                self.value(scope, d)
            ),
            14 => format!(
                "CASE {} WHEN {} THEN {} WHEN {} THEN 'two' END",
                self.value(scope, d),
                self.value(scope, d),
                self.value(scope, d),
                self.literal(Kind::Any)
            ),
            15 => {
                let collation = *self.rng.pick(&["NOCASE", "BINARY", "RTRIM"]);
                format!("({} COLLATE {collation})", self.value_of(Kind::Text, scope, d))
            }
            16 if self.subqueries() => self.scalar_subquery(scope),
            17 => {
                let (json, path) = (self.good_json(), self.good_path());
                format!("({json} {} {path})", self.rng.pick(&["->", "->>"]))
            }
            18 if self.errors => {
                let json = self.json(scope, d);
                format!("({json} ->> {})", self.odd())
            }
            19 => {
                let (json, path) = (self.good_json(), self.good_path());
                format!("{}({json}, {path})", self.rng.pick(&["json_extract", "json_type", "json_array_length"]))
            }
            18 => {
                let json = format!("json_array(quote({}), {})", self.value(scope, d), self.rng.below(9));
                match self.rng.below(4) {
                    0 => format!("({json} ->> 0)"),
                    1 => format!("json_extract({json}, '$[1]', '$[0]')"),
                    2 => format!("json_set({json}, '$[#]', quote({}))", self.value(scope, d)),
                    _ => format!("json_object('k', quote({}), 'l', json({json}))", self.value(scope, d)),
                }
            }
            20..=26 if self.errors => self.any_call(scope, depth),
            20..=27 => self.safe_call(scope, depth),
            _ => format!("({})", self.condition(scope, d)),
        }
    }

    /// A value without subqueries, for places where SQL allows none.
    pub fn plain_value(&mut self, scope: &Scope, depth: usize) -> String {
        self.plain_expressions = true;
        let text = self.value(scope, depth);
        self.plain_expressions = false;
        text
    }

    /// A condition without subqueries.
    pub fn plain_condition(&mut self, scope: &Scope) -> String {
        self.plain_expressions = true;
        let text = self.condition(scope, 1);
        self.plain_expressions = false;
        text
    }

    /// A condition.
    pub fn condition(&mut self, scope: &Scope, depth: usize) -> String {
        if depth > 0 && self.rng.percent(28) {
            let a = self.condition(scope, depth - 1);
            let b = self.condition(scope, depth - 1);
            return match self.rng.below(5) {
                0 | 1 => format!("({a} AND {b})"),
                2 | 3 => format!("({a} OR {b})"),
                _ => format!("NOT ({a})"),
            };
        }
        let (left, kind) = if scope.0.is_empty() || self.rng.percent(15) {
            (self.value(scope, depth.saturating_sub(1)), Kind::Any)
        } else {
            let c = self.rng.pick(&scope.0).clone();
            (c.text, c.kind)
        };
        let shallow = depth.saturating_sub(1);
        let not = if self.rng.percent(25) { "NOT " } else { "" };
        match self.rng.below(24) {
            0..=3 => {
                format!("{left} {} {}", self.rng.pick(&["=", "<", "<=", ">", ">=", "<>", "=="]), self.literal(kind))
            }
            4 => format!("{} {} {left}", self.literal(kind), self.rng.pick(&["=", "<", ">=", "!=", "IS NOT"])),
            5 | 6 => {
                let operator = *self.rng.pick(&["=", "=", "<", ">=", "!=", "IS", "IS NOT", "IS DISTINCT FROM"]);
                format!("{left} {operator} {}", self.value(scope, shallow))
            }
            7 => format!("{left} {}", self.rng.pick(&["IS NULL", "IS NOT NULL", "ISNULL", "NOTNULL", "NOT NULL"])),
            8 => format!("{left} {not}BETWEEN {} AND {}", self.literal(kind), self.literal(kind)),
            9 => {
                let pattern = *self.rng.pick(&["a%", "%b%", "A_", "%", "x y", "1%", "%é", "ab%", "_"]);
                format!("{left} {not}LIKE '{pattern}'")
            }
            10 => {
                let pattern = *self.rng.pick(&["a*", "*b*", "[A-Z]*", "?", "1*", "x y"]);
                format!("{left} {not}GLOB '{pattern}'")
            }
            11 => format!("{left} {not}LIKE '{}' ESCAPE '\\'", self.rng.pick(&["a\\%b", "%\\_%", "a\\_b", "\\\\"])),
            12 | 13 => {
                let list: Vec<String> = (0..self.rng.below(5)).map(|_| self.literal(kind)).collect();
                format!("{left} {not}IN ({})", list.join(", "))
            }
            14 => {
                format!(
                    "{left} {}",
                    self.rng.pick(&["IS TRUE", "IS FALSE", "IS NOT TRUE", "IS NOT FALSE", "COLLATE NOCASE > 'a'"])
                )
            }
            15 | 16 if self.subqueries() && depth > 0 => {
                let (query, _) = self.small_query(scope, 1);
                format!("{left} {not}IN ({query})")
            }
            17 | 18 if self.subqueries() && depth > 0 => {
                let inner = self.pick_table();
                let (alias, own) = self.inner_scope(&inner);
                let column = self.column_of(kind, &own);
                let more =
                    if self.rng.percent(30) { format!(" AND {}", self.condition(&own, 0)) } else { String::new() };
                format!("{not}EXISTS (SELECT 1 FROM {} AS {alias} WHERE {column} = {left}{more})", inner.path())
            }
            19 if self.subqueries() && depth > 0 => format!("{left} >= {}", self.scalar_subquery(scope)),
            20 | 21 if scope.0.len() > 1 => {
                let other = self.rng.pick(&scope.0).clone();
                let (a, b) = (self.literal(kind), self.literal(other.kind));
                match self.rng.below(6) {
                    0 => {
                        let (c, d) = (self.literal(kind), self.literal(other.kind));
                        format!("({left}, {}) {not}IN (VALUES ({a}, {b}), ({c}, {d}))", other.text)
                    }
                    4 if self.subqueries() && depth > 0 => {
                        let (query, _) = self.small_query(scope, 2);
                        let operator = *self.rng.pick(&["=", "<", ">=", "IS", "IS NOT"]);
                        format!("({left}, {}) {operator} ({query} ORDER BY 1, 2 LIMIT 1)", other.text)
                    }
                    5 => {
                        let (c, d) = (self.literal(kind), self.literal(other.kind));
                        format!("({left}, {}) {not}IN (({a}, {b}), ({c}, {d}))", other.text)
                    }
                    1 => {
                        let (c, d) = (self.literal(kind), self.literal(other.kind));
                        format!("({left}, {}) {not}BETWEEN ({a}, {b}) AND ({c}, {d})", other.text)
                    }
                    2 if self.subqueries() && depth > 0 => {
                        let (query, _) = self.small_query(scope, 2);
                        // In a descending index SQLite takes a row with a NULL in it for one that is not there; a LIMIT keeps it
                        // from looking there.
                        let end = if not.is_empty() { "" } else { " LIMIT -1" };
                        format!("({left}, {}) {not}IN ({query}{end})", other.text)
                    }
                    _ => {
                        let operator = *self.rng.pick(&["=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"]);
                        format!("({left}, {}) {operator} ({a}, {b})", other.text)
                    }
                }
            }
            22 if depth > 0 => self.value(scope, shallow),
            _ => format!("{left} {} {}", self.rng.pick(&["=", ">", "<", "IS"]), self.literal(kind)),
        }
    }

    fn subqueries(&self) -> bool {
        self.subquery_depth < 2 && !self.model.tables.is_empty() && !self.plain_expressions
    }

    /// An alias that hides no other, and the columns of the table under it.
    pub fn inner_scope(&mut self, table: &Table) -> (String, Scope) {
        self.aliases += 1;
        let alias = format!("z{}", self.aliases);
        let scope = Scope::of(&format!("{alias}."), &table.columns);
        (alias, scope)
    }

    /// A subquery that has exactly one row, whatever order a plan visits rows in.
    pub fn scalar_subquery(&mut self, outer: &Scope) -> String {
        self.subquery_depth += 1;
        let table = self.pick_table();
        let (alias, own) = self.inner_scope(&table);
        let column = self.column_of(Kind::Any, &own);
        let correlated = if !outer.0.is_empty() && self.rng.percent(55) {
            let (a, b) = (self.column_of(Kind::Any, &own), self.column_of(Kind::Any, outer));
            let operator = *self.rng.pick(&["=", "=", "<", ">=", "IS"]);
            format!(" WHERE {a} {operator} {b}")
        } else if self.rng.percent(50) {
            format!(" WHERE {}", self.condition(&own, 1))
        } else {
            String::new()
        };
        let text = match self.rng.below(11) {
            6 => {
                let (other, more) = (self.pick_table(), self.rng.pick(&["JOIN", "LEFT JOIN"]).to_string());
                let (second, there) = self.inner_scope(&other);
                let on = format!("{} = {}", self.column_of(Kind::Integer, &there), self.column_of(Kind::Integer, &own));
                format!(
                    "(SELECT count(*) FROM {} AS {alias} {more} {} AS {second} ON {on}{correlated})",
                    table.path(),
                    other.path()
                )
            }
            7 => format!(
                "(SELECT count(*) FROM (SELECT {column} FROM {path} AS {alias}{correlated} GROUP BY 1 HAVING count(*) > {n}))",
                path = table.path(),
                n = self.rng.below(2)
            ),
            8 => format!(
                "(SELECT max(r) FROM (SELECT rank() OVER (ORDER BY {column}) AS r FROM {} AS {alias}{correlated}))",
                table.path()
            ),
            9 => {
                let operator = *self.rng.pick(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
                format!(
                    "(SELECT count(*) FROM (SELECT quote({column}) FROM {path} AS {alias}{correlated} {operator} SELECT quote({column}) FROM {path} AS {alias}))",
                    path = table.path()
                )
            }
            10 => format!(
                "(WITH q(v) AS (SELECT {column} FROM {} AS {alias}{correlated}) SELECT count(v) FROM q)",
                table.path()
            ),
            0 => format!("(SELECT count(*) FROM {} AS {alias}{correlated})", table.path()),
            1 => format!("(SELECT {column} FROM {} AS {alias}{correlated} ORDER BY 1 LIMIT 1)", table.path()),
            2 => format!(
                "(SELECT {column} FROM {} AS {alias}{correlated} ORDER BY 1 DESC LIMIT 1 OFFSET {})",
                table.path(),
                self.rng.below(3)
            ),
            3 => format!("(SELECT count(DISTINCT {column}) FROM {} AS {alias}{correlated})", table.path()),
            _ => {
                let f = *self.rng.pick(&["max", "min", "count"]);
                format!("(SELECT {f}({column}) FROM {} AS {alias}{correlated})", table.path())
            }
        };
        self.subquery_depth -= 1;
        text
    }

    /// A subquery with so many columns, and their kinds.
    pub fn small_query(&mut self, outer: &Scope, columns: usize) -> (String, Vec<Kind>) {
        self.subquery_depth += 1;
        let table = self.pick_table();
        let (alias, own) = self.inner_scope(&table);
        let (mut list, mut kinds) = (Vec::new(), Vec::new());
        for _ in 0..columns {
            let c = self.rng.pick(&own.0).clone();
            kinds.push(c.kind);
            list.push(c.text);
        }
        let scope = if self.rng.percent(30) { own.clone().and(outer.clone()) } else { own };
        let filter = if self.rng.percent(60) { format!(" WHERE {}", self.condition(&scope, 1)) } else { String::new() };
        let distinct = if self.rng.percent(10) { "DISTINCT " } else { "" };
        let text = format!("SELECT {distinct}{} FROM {} AS {alias}{filter}", list.join(", "), table.path());
        self.subquery_depth -= 1;
        (text, kinds)
    }
}
