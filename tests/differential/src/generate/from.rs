//! FROM clauses: tables and subqueries, joined.

use super::Generator;
use super::model::{Column, Kind, Scope};

/// A FROM clause and what it brings into scope.
pub struct From {
    /// The clause without the word.
    pub text: String,
    /// All its columns.
    pub scope: Scope,
    /// How many tables it joins.
    pub tables: usize,
}

/// A common table expression that the query may name.
#[derive(Debug, Clone)]
pub struct Common {
    /// What it is called.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

impl Generator {
    /// A FROM clause.
    pub fn from(&mut self, most: usize) -> From {
        self.from_with(most, &[])
    }

    /// A FROM clause that may take from common table expressions.
    pub fn from_with(&mut self, most: usize, common: &[Common]) -> From {
        let (mut text, mut scope) = (String::new(), Scope::default());
        let tables = 1 + [0, 0, 0, 1, 1, 1, 2, 2, 3][self.rng.below(9)].min(most.saturating_sub(1));
        let mut names: Vec<String> = Vec::new();
        for i in 0..tables {
            let (item, columns) = self.from_item(common, i);
            self.aliases += 1;
            let alias = format!("{}{}", self.rng.pick(&["x", "y"]), self.aliases);
            let own = Scope::of(&format!("{alias}."), &columns);
            let all = scope.clone().and(own.clone());
            if i == 0 {
                text = format!("{item} AS {alias}");
                names = columns.iter().map(|c| c.name.clone()).collect();
                scope = own;
                continue;
            }
            // More than two tables are always tied together, or the product would take all the time.
            let on = if scope.0.is_empty() || own.0.is_empty() {
                "1".to_owned()
            } else if self.rng.percent(75) || i > 1 {
                let (a, b) = (self.rng.pick(&scope.0).text.clone(), self.rng.pick(&own.0).text.clone());
                let more =
                    if self.rng.percent(20) { format!(" AND {}", self.condition(&all, 1)) } else { String::new() };
                let operator = if i > 1 { "=" } else { *self.rng.pick(&["=", "=", "=", "=", "<", "IS"]) };
                format!("{a} {operator} {b}{more}")
            } else {
                self.condition(&all, 1)
            };
            let shared: Vec<&Column> = columns.iter().filter(|c| names.contains(&c.name)).collect();
            match self.rng.below(16) {
                14 if self.features.outer_joins && i == 1 && !shared.is_empty() => {
                    let kind = *self.rng.pick(&["RIGHT JOIN", "FULL JOIN"]);
                    text += &format!(" {kind} {item} AS {alias} USING ({})", self.rng.pick(&shared).name);
                }
                15 if i > 1 => {
                    let kind = *self.rng.pick(&["JOIN", "LEFT JOIN"]);
                    text = format!("({text}) {kind} {item} AS {alias} ON {on}");
                }
                0..=3 => text += &format!(" JOIN {item} AS {alias} ON {on}"),
                4..=6 => text += &format!(" LEFT JOIN {item} AS {alias} ON {on}"),
                7 if self.features.outer_joins => text += &format!(" RIGHT JOIN {item} AS {alias} ON {on}"),
                8 if self.features.outer_joins => text += &format!(" FULL JOIN {item} AS {alias} ON {on}"),
                9 if i == 1 && !shared.is_empty() => {
                    let kind = *self.rng.pick(&["JOIN", "LEFT JOIN", "INNER JOIN"]);
                    text += &format!(" {kind} {item} AS {alias} USING ({})", self.rng.pick(&shared).name);
                }
                10 if i == 1 => {
                    let kind = *self.rng.pick(&["NATURAL JOIN", "NATURAL LEFT JOIN"]);
                    text += &format!(" {kind} {item} AS {alias}");
                }
                11 if i == 1 => text += &format!(" CROSS JOIN {item} AS {alias}"),
                12 if i == 1 => text += &format!(", {item} AS {alias}"),
                _ => text += &format!(" INNER JOIN {item} AS {alias} ON {on}"),
            }
            scope = all;
        }
        From { text, scope, tables }
    }

    fn from_item(&mut self, common: &[Common], position: usize) -> (String, Vec<Column>) {
        if !common.is_empty() && (position == 0 || self.rng.percent(40)) {
            let one = self.rng.pick(common).clone();
            return (one.name, one.columns);
        }
        if self.subquery_depth < 2 && self.rng.percent(22) {
            let (text, columns) = self.derived_table();
            return (format!("({text})"), columns);
        }
        let table = self.pick_table();
        (table.path(), table.columns)
    }

    /// A subquery whose columns have names, as FROM, CTEs and views need it.
    pub fn derived_table(&mut self) -> (String, Vec<Column>) {
        self.subquery_depth += 1;
        let from = self.from(2);
        let count = 1 + self.rng.below(3);
        let (mut list, mut columns) = (Vec::new(), Vec::new());
        for i in 0..count {
            let name = format!("c{i}");
            if self.rng.percent(70) {
                let c = self.rng.pick(&from.scope.0).clone();
                list.push(format!("{} AS {name}", c.text));
                columns.push(Column { name, kind: c.kind, folded: c.folded, key: false, generated: false });
            } else {
                list.push(format!("{} AS {name}", self.value(&from.scope, 2)));
                columns.push(plain(&name));
            }
        }
        let filter =
            if self.rng.percent(50) { format!(" WHERE {}", self.condition(&from.scope, 1)) } else { String::new() };
        let text = match self.rng.below(15) {
            12 | 13 => {
                // Functions whose result does not depend on the order of equal rows.
                let (key, value) = (self.rng.pick(&from.scope.0).clone(), self.rng.pick(&from.scope.0).text.clone());
                columns = vec![plain("c0"), plain("c1")];
                let call = match self.rng.below(5) {
                    0 => format!("count(*) OVER (PARTITION BY {value})"),
                    1 => format!("rank() OVER (ORDER BY {value})"),
                    2 => format!("dense_rank() OVER (PARTITION BY typeof({value}) ORDER BY {value} DESC)"),
                    3 => format!("count({value}) FILTER (WHERE {value} > 1) OVER (ORDER BY {value})"),
                    _ => format!("max(quote({value})) OVER ()"),
                };
                format!("SELECT {} AS c0, {call} AS c1 FROM {}{filter}", key.text, from.text)
            }
            14 => format!("WITH q AS (SELECT {} FROM {}{filter}) SELECT * FROM q", list.join(", "), from.text),
            0 => format!("SELECT DISTINCT {} FROM {}{filter}", list.join(", "), from.text),
            1 | 2 => {
                let key = self.rng.pick(&from.scope.0).clone();
                let value = self.rng.pick(&from.scope.0).text.clone();
                let f = *self.rng.pick(&["max", "min", "count"]);
                columns = vec![plain("c0"), plain("c1"), plain("c2")];
                format!(
                    "SELECT {k} AS c0, count(*) AS c1, {f}({value}) AS c2 FROM {}{filter} GROUP BY {k}",
                    from.text,
                    k = key.text
                )
            }
            3 => {
                let mut second: Vec<String> = (0..list.len()).map(|_| self.column_of(Kind::Any, &from.scope)).collect();
                if self.one_affinity {
                    // In SQLite a condition on a compound holds within its terms, with their affinities and collations, and
                    // as a result with those of the whole: it is not the same condition.
                    for (one, other) in list.iter_mut().zip(&mut second) {
                        let (value, name) = one.rsplit_once(" AS ").unwrap_or((one, "c"));
                        *one = format!("+{value} COLLATE BINARY AS {name}");
                        *other = format!("+{other} COLLATE BINARY");
                    }
                }
                let operator = *self.rng.pick(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "UNION ALL"]);
                format!(
                    "SELECT {} FROM {t}{filter} {operator} SELECT {} FROM {t}",
                    list.join(", "),
                    second.join(", "),
                    t = from.text
                )
            }
            4 => {
                let order: Vec<String> = (1..=list.len()).map(|i| i.to_string()).collect();
                let limit = 1 + self.rng.below(9);
                format!(
                    "SELECT {} FROM {}{filter} ORDER BY {} LIMIT {limit}",
                    list.join(", "),
                    from.text,
                    order.join(", ")
                )
            }
            5 => {
                columns = vec![plain("c0"), plain("c1")];
                let f = *self.rng.pick(&["max", "min", "count", "total"]);
                let value = self.rng.pick(&from.scope.0).text.clone();
                format!("SELECT {f}({value}) AS c0, count(*) AS c1 FROM {}{filter}", from.text)
            }
            6 if !self.features.extremes => {
                columns = vec![plain("c0"), plain("c1")];
                let (a, b) = (self.literal(Kind::Any), self.literal(Kind::Any));
                let (c, d) = (self.literal(Kind::Any), self.literal(Kind::Any));
                format!("SELECT column1 AS c0, column2 AS c1 FROM (VALUES ({a}, {b}), ({c}, {d}))")
            }
            _ => format!("SELECT {} FROM {}{filter}", list.join(", "), from.text),
        };
        self.subquery_depth -= 1;
        (text, columns)
    }
}

fn plain(name: &str) -> Column {
    Column { name: name.to_owned(), kind: Kind::Any, folded: false, key: false, generated: false }
}
