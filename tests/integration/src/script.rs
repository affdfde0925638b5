//! Generated schemas, data and statements, deterministic in what SQL leaves open.
//!
//! Where SQL lets an engine choose, a comparison of two engines would fail without anything being wrong. So: reals have no
//! integral values (1 and 1.0 are equal and both could stand for their group) and sums of them are exact; text of a column
//! that ignores case is quoted before it is grouped; a LIMIT follows an ORDER BY over all columns; results without ORDER BY
//! are compared as sets ([`Order::Free`]).

use crate::compare::Order;
use crate::random::Rng;

/// A statement and how its rows are compared.
#[derive(Debug, Clone)]
pub struct Step {
    /// The text.
    pub sql: String,
    /// Whether the order of its rows counts.
    pub order: Order,
}

/// A column of a generated table.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    kind: Kind,
    nocase: bool,
    /// INTEGER PRIMARY KEY or part of a unique key: updates of it are kept rare.
    key: bool,
    generated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Real,
    Text,
    Blob,
    Any,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    columns: Vec<Column>,
    rowid: bool,
    /// Column lists that upserts can name.
    unique: Vec<Vec<String>>,
    view: bool,
}

/// What a script may use, beside the basics.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// Triggers.
    pub triggers: bool,
    /// Foreign keys, enforced.
    pub foreign_keys: bool,
    /// Generated columns.
    pub generated_columns: bool,
    /// Window functions.
    pub windows: bool,
    /// ALTER TABLE.
    pub alter: bool,
}

/// Makes one script.
pub struct Generator {
    rng: Rng,
    tables: Vec<Table>,
    features: Features,
    names: usize,
    indexes: Vec<String>,
    triggers: Vec<String>,
    savepoints: Vec<String>,
    in_transaction: bool,
}

const WORDS: &[&str] = &[
    "", "a", "A", "b", "B", "ab", "Ab", "abc", "ABC", "xyz", "x y", "zz", "0", "1", "12", "-3", "1.5", "é", "a%b",
    "a_b", "it''s",
];

impl Generator {
    /// A generator for this seed; the features follow from it.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let features = Features {
            triggers: rng.percent(40),
            foreign_keys: rng.percent(20),
            generated_columns: rng.percent(15),
            windows: rng.percent(25),
            alter: rng.percent(15),
        };
        Self {
            rng,
            tables: Vec::new(),
            features,
            names: 0,
            indexes: Vec::new(),
            triggers: Vec::new(),
            savepoints: Vec::new(),
            in_transaction: false,
        }
    }

    /// The whole script: schema, rows, then `length` statements of all kinds.
    pub fn script(mut self, length: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let tables = 2 + self.rng.below(3);
        for i in 0..tables {
            let sql = self.create_table(i);
            steps.push(kept(sql));
        }
        steps.push(kept("CREATE TABLE log(n INTEGER PRIMARY KEY, what TEXT, a, b)".into()));
        if self.features.foreign_keys {
            steps.push(kept("PRAGMA foreign_keys = ON".into()));
        }
        for t in 0..tables {
            for _ in 0..self.rng.below(3) {
                let sql = self.create_index(t);
                steps.push(kept(sql));
            }
        }
        for t in 0..tables {
            for _ in 0..2 + self.rng.below(4) {
                let rows = 1 + self.rng.below(10);
                let sql = self.insert_values(t, rows, "OR IGNORE");
                steps.push(free(sql));
            }
        }
        if self.features.triggers {
            for _ in 0..1 + self.rng.below(3) {
                let sql = self.create_trigger();
                steps.push(kept(sql));
            }
        }
        if self.rng.percent(30) {
            let t = self.rng.below(tables);
            let query = self.select_core(t, &mut Vec::new(), 3, false);
            let columns = (0..3).map(|i| column(&format!("v{i}"), Kind::Any)).collect();
            steps.push(kept(format!("CREATE VIEW w(v0, v1, v2) AS {query}")));
            self.tables.push(Table { name: "w".into(), columns, rowid: false, unique: Vec::new(), view: true });
        }
        for _ in 0..length {
            steps.push(self.statement());
        }
        if self.in_transaction || !self.savepoints.is_empty() {
            steps.push(kept(if self.rng.percent(70) { "COMMIT" } else { "ROLLBACK" }.into()));
        }
        steps
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn base_table(&mut self) -> usize {
        loop {
            let t = self.rng.below(self.tables.len());
            if !self.tables[t].view {
                return t;
            }
        }
    }

    // ---- Schema -------------------------------------------------------------------------------------------------------

    fn create_table(&mut self, i: usize) -> String {
        let name = format!("t{i}");
        let count = 2 + self.rng.below(4);
        let form = self.rng.below(6);
        let strict = self.rng.percent(8);
        let mut columns: Vec<Column> = Vec::new();
        let mut texts = Vec::new();
        let mut unique = Vec::new();
        for c in 0..count {
            let column_name = ["a", "b", "c", "d", "e"][c].to_owned();
            let kind = *self.rng.pick(&[
                Kind::Integer,
                Kind::Integer,
                Kind::Real,
                Kind::Text,
                Kind::Text,
                Kind::Blob,
                Kind::Any,
            ]);
            let mut new = column(&column_name, kind);
            let mut text = format!("{column_name} {}", self.type_name(kind, strict));
            if c == 0 && form <= 1 {
                new.kind = Kind::Integer;
                new.key = true;
                text = format!("{column_name} INTEGER PRIMARY KEY{}", if form == 1 { " AUTOINCREMENT" } else { "" });
                unique.push(vec![column_name.clone()]);
            } else {
                if kind == Kind::Text && self.rng.percent(35) {
                    new.nocase = true;
                    text.push_str(" COLLATE NOCASE");
                }
                if self.rng.percent(15) {
                    text.push_str(" NOT NULL");
                    if self.rng.percent(30) {
                        text.push_str(&self.on_conflict());
                    }
                }
                if self.rng.percent(20) {
                    let value = self.literal(kind);
                    text.push_str(&format!(
                        " DEFAULT {}",
                        if value.starts_with('-') { format!("({value})") } else { value }
                    ));
                }
                if self.rng.percent(10) {
                    text.push_str(&format!(" CHECK ({column_name} IS NOT {})", self.literal(kind)));
                }
                if self.rng.percent(18) {
                    new.key = true;
                    unique.push(vec![column_name.clone()]);
                    text.push_str(" UNIQUE");
                    if self.rng.percent(30) {
                        text.push_str(&self.on_conflict());
                    }
                }
                if self.features.foreign_keys && i > 0 && self.rng.percent(30) {
                    let parent = self.rng.below(i);
                    if let Some(key) = self.tables[parent].unique.iter().find(|u| u.len() == 1) {
                        let (parent, key) = (self.tables[parent].name.clone(), key[0].clone());
                        let action = *self.rng.pick(&[
                            "",
                            " ON DELETE CASCADE",
                            " ON DELETE SET NULL",
                            " ON UPDATE CASCADE ON DELETE CASCADE",
                            " ON DELETE RESTRICT",
                            " DEFERRABLE INITIALLY DEFERRED",
                        ]);
                        text.push_str(&format!(" REFERENCES {parent}({key}){action}"));
                    }
                }
            }
            texts.push(text);
            columns.push(new);
        }
        if self.features.generated_columns && self.rng.percent(50) {
            let of = columns[self.rng.below(columns.len())].name.clone();
            let stored = if self.rng.percent(50) { " STORED" } else { "" };
            let ty = if strict { "TEXT" } else { "" };
            texts.push(format!("g {ty} GENERATED ALWAYS AS (quote({of}) || '!'){stored}"));
            let mut g = column("g", Kind::Text);
            g.generated = true;
            columns.push(g);
        }
        let mut tail = String::new();
        let mut rowid = true;
        if form == 2 || form == 3 {
            let first = columns[self.rng.below(count)].name.clone();
            let mut key = vec![first.clone()];
            if self.rng.percent(50) {
                let second = columns[self.rng.below(count)].name.clone();
                if second != first {
                    key.push(second);
                }
            }
            for k in &key {
                if let Some(c) = columns.iter_mut().find(|c| c.name == *k) {
                    c.key = true;
                }
            }
            let desc = if self.rng.percent(30) { " DESC" } else { "" };
            texts.push(format!("PRIMARY KEY ({}{desc})", key.join(", ")));
            unique.push(key);
            if form == 2 {
                tail.push_str(" WITHOUT ROWID");
                rowid = false;
            }
        }
        if strict {
            tail.push_str(if tail.is_empty() { " STRICT" } else { ", STRICT" });
        }
        self.tables.push(Table { name: name.clone(), columns, rowid, unique, view: false });
        format!("CREATE TABLE {name}({}){tail}", texts.join(", "))
    }

    fn type_name(&mut self, kind: Kind, strict: bool) -> &'static str {
        match (kind, strict) {
            (Kind::Integer, true) => "INTEGER",
            (Kind::Integer, false) => *self.rng.pick(&["INTEGER", "INT", "BIGINT", "NUMERIC", "DECIMAL(10,2)"]),
            (Kind::Real, true) => "REAL",
            (Kind::Real, false) => *self.rng.pick(&["REAL", "DOUBLE", "FLOAT"]),
            (Kind::Text, true) => "TEXT",
            (Kind::Text, false) => *self.rng.pick(&["TEXT", "VARCHAR(10)", "CLOB"]),
            (Kind::Blob, _) => "BLOB",
            (Kind::Any, true) => "ANY",
            (Kind::Any, false) => "",
        }
    }

    fn on_conflict(&mut self) -> String {
        format!(" ON CONFLICT {}", self.rng.pick(&["IGNORE", "REPLACE", "FAIL", "ABORT", "ROLLBACK"]))
    }

    fn create_index(&mut self, t: usize) -> String {
        let name = self.fresh("i");
        let table = self.tables[t].clone();
        let mut parts = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let c = self.rng.pick(&table.columns).clone();
            let part = match self.rng.below(10) {
                0 => format!("length({})", c.name),
                1 => format!("lower({})", c.name),
                2 if c.kind == Kind::Text => format!("{} COLLATE NOCASE", c.name),
                3 if c.kind == Kind::Text => format!("{} COLLATE RTRIM", c.name),
                _ => c.name.clone(),
            };
            parts.push(if self.rng.percent(30) { format!("{part} DESC") } else { part });
        }
        let unique = if self.rng.percent(12) { "UNIQUE " } else { "" };
        let filter = if self.rng.percent(20) {
            let c = self.rng.pick(&table.columns).clone();
            match self.rng.below(3) {
                0 => format!(" WHERE {} IS NOT NULL", c.name),
                1 => format!(" WHERE {} > {}", c.name, self.literal(c.kind)),
                _ => format!(" WHERE {} = {}", c.name, self.literal(c.kind)),
            }
        } else {
            String::new()
        };
        self.indexes.push(name.clone());
        format!("CREATE {unique}INDEX {name} ON {}({}){filter}", table.name, parts.join(", "))
    }

    fn create_trigger(&mut self) -> String {
        let name = self.fresh("tr");
        let t = self.base_table();
        let table = self.tables[t].clone();
        let c = self.rng.pick(&table.columns).clone();
        let when = *self.rng.pick(&["BEFORE", "AFTER", "AFTER"]);
        let event = match self.rng.below(4) {
            0 => "INSERT".to_owned(),
            1 => "DELETE".to_owned(),
            2 => "UPDATE".to_owned(),
            _ => format!("UPDATE OF {}", c.name),
        };
        let row = if event == "DELETE" { "old" } else { "new" };
        let condition = match self.rng.below(4) {
            0 => format!(" WHEN {row}.{} IS NOT NULL", c.name),
            1 => format!(" WHEN {row}.{} > {}", c.name, self.literal(c.kind)),
            _ => String::new(),
        };
        let d = self.rng.pick(&table.columns).clone();
        let mut body = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let other = self.base_table();
            let o = self.tables[other].clone();
            let oc = self.rng.pick(&o.columns).clone();
            let text = match self.rng.below(9) {
                0..=3 => format!("INSERT INTO log(what, a, b) VALUES ('{name}', {row}.{}, {row}.{})", c.name, d.name),
                4 => format!("UPDATE log SET b = {row}.{} WHERE n % 5 = 1", c.name),
                5 => format!("DELETE FROM log WHERE n = length({row}.{})", c.name),
                6 if !oc.key && !oc.generated => {
                    format!(
                        "UPDATE {} SET {} = {} WHERE {} = {row}.{}",
                        o.name,
                        oc.name,
                        self.literal(oc.kind),
                        oc.name,
                        c.name
                    )
                }
                7 => {
                    let action =
                        *self.rng.pick(&["IGNORE", "ABORT, 'stop it'", "FAIL, 'fail it'", "ROLLBACK, 'all back'"]);
                    format!("SELECT RAISE({action}) WHERE {row}.{} = {}", c.name, self.literal(c.kind))
                }
                _ => format!("INSERT INTO log(what, a) SELECT 'count', count(*) FROM {}", o.name),
            };
            body.push(text);
        }
        self.triggers.push(name.clone());
        format!("CREATE TRIGGER {name} {when} {event} ON {}{condition} BEGIN {}; END", table.name, body.join("; "))
    }

    // ---- Values and expressions ---------------------------------------------------------------------------------------

    fn literal(&mut self, kind: Kind) -> String {
        if self.rng.percent(9) {
            return "NULL".into();
        }
        // Now and then a value of another type than the column's.
        let kind = if self.rng.percent(8) {
            *self.rng.pick(&[Kind::Integer, Kind::Real, Kind::Text, Kind::Blob])
        } else {
            kind
        };
        match kind {
            Kind::Integer => match self.rng.below(12) {
                0 => self.rng.pick(&["1000000", "-70000", "4294967296", "255", "128", "-129"]).to_string(),
                _ => (self.rng.below(14) as i64 - 3).to_string(),
            },
            Kind::Real => format!("{}.{}", self.rng.below(8) as i64 - 2, self.rng.pick(&["5", "25", "75"])),
            Kind::Text => format!("'{}'", self.rng.pick(WORDS)),
            Kind::Blob => self.rng.pick(&["x''", "x'00'", "x'61'", "x'6162'", "x'ff00ff'", "zeroblob(4)"]).to_string(),
            Kind::Any => {
                let kind = *self.rng.pick(&[Kind::Integer, Kind::Text, Kind::Real, Kind::Blob]);
                self.literal(kind)
            }
        }
    }

    /// A value expression over the columns in scope.
    fn value(&mut self, scope: &[(String, Column)], depth: usize) -> String {
        let plain = |g: &mut Self| {
            if scope.is_empty() || g.rng.percent(25) {
                g.literal(Kind::Any)
            } else {
                let (prefix, c) = g.rng.pick(scope).clone();
                format!("{prefix}{}", c.name)
            }
        };
        if depth == 0 || self.rng.percent(45) {
            return plain(self);
        }
        let a = self.value(scope, depth - 1);
        match self.rng.below(22) {
            0 => format!("({a} + {})", self.value(scope, depth - 1)),
            1 => format!("({a} - {})", self.value(scope, depth - 1)),
            2 => format!("({a} || {})", self.value(scope, depth - 1)),
            3 => format!("({a} % 7)"),
            4 => format!("({a} / 2)"),
            5 => format!("-({a})"),
            6 => format!("length({a})"),
            7 => format!("typeof({a})"),
            8 => format!("upper({a})"),
            9 => format!("substr({a}, {}, 2)", self.rng.below(4) as i64 - 1),
            10 => format!("coalesce({a}, {})", self.value(scope, depth - 1)),
            11 => format!("ifnull({a}, 'none')"),
            12 => format!("nullif({a}, {})", self.value(scope, depth - 1)),
            13 => format!(
                "CASE WHEN {} THEN {a} ELSE {} END",
                self.condition(scope, depth - 1),
                self.value(scope, depth - 1)
            ),
            14 => format!("CASE {a} WHEN {} THEN 'x' END", self.value(scope, depth - 1)),
            15 => format!("CAST({a} AS {})", self.rng.pick(&["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"])),
            16 => format!("quote({a})"),
            17 => format!("({a} & 5)"),
            18 => format!("instr({a}, 'b')"),
            19 => format!("iif({}, {a}, 0)", self.condition(scope, depth - 1)),
            20 => format!("hex({a})"),
            _ => self.condition(scope, depth - 1),
        }
    }

    /// A condition over the columns in scope.
    fn condition(&mut self, scope: &[(String, Column)], depth: usize) -> String {
        let column = if scope.is_empty() { None } else { Some(self.rng.pick(scope).clone()) };
        let (left, kind) = match column {
            Some((prefix, c)) if self.rng.percent(80) => (format!("{prefix}{}", c.name), c.kind),
            _ => (self.value(scope, depth.saturating_sub(1)), Kind::Any),
        };
        if depth > 0 && self.rng.percent(30) {
            let a = self.condition(scope, depth - 1);
            let b = self.condition(scope, depth - 1);
            return match self.rng.below(5) {
                0 | 1 => format!("({a} AND {b})"),
                2 | 3 => format!("({a} OR {b})"),
                _ => format!("NOT ({a})"),
            };
        }
        match self.rng.below(17) {
            0..=3 => {
                format!("{left} {} {}", self.rng.pick(&["=", "=", "<", "<=", ">", ">=", "<>"]), self.literal(kind))
            }
            4 => format!(
                "{left} {} {}",
                self.rng.pick(&["=", "<", ">=", "!=", "IS", "IS NOT"]),
                self.value(scope, depth.saturating_sub(1))
            ),
            5 => format!("{left} IS NULL"),
            6 => format!("{left} IS NOT NULL"),
            7 => format!("{left} BETWEEN {} AND {}", self.literal(kind), self.literal(kind)),
            8 => format!("{left} LIKE '{}'", self.rng.pick(&["a%", "%b%", "A_", "%", "x y", "1%", "%é"])),
            9 => format!("{left} GLOB '{}'", self.rng.pick(&["a*", "*b*", "[A-Z]*", "?", "1*"])),
            10 | 11 => {
                let list: Vec<String> = (0..self.rng.below(4)).map(|_| self.literal(kind)).collect();
                let not = if self.rng.percent(25) { "NOT " } else { "" };
                format!("{left} {not}IN ({})", list.join(", "))
            }
            12 if depth > 0 => {
                let t = self.base_table();
                let table = self.tables[t].clone();
                let c = self.rng.pick(&table.columns).clone();
                let inner: Vec<(String, Column)> =
                    table.columns.iter().map(|c| (format!("{}.", table.name), c.clone())).collect();
                let not = if self.rng.percent(25) { "NOT " } else { "" };
                format!("{left} {not}IN (SELECT {} FROM {} WHERE {})", c.name, table.name, self.condition(&inner, 0))
            }
            13 if depth > 0 => {
                let t = self.base_table();
                let table = self.tables[t].clone();
                let c = self.rng.pick(&table.columns).clone();
                let not = if self.rng.percent(25) { "NOT " } else { "" };
                format!("{not}EXISTS (SELECT 1 FROM {} AS z WHERE z.{} = {left})", table.name, c.name)
            }
            14 if depth > 0 => {
                let t = self.base_table();
                let table = self.tables[t].clone();
                let c = self.rng.pick(&table.columns).clone();
                let f = *self.rng.pick(&["count", "count", "max", "min"]);
                format!(
                    "{left} >= (SELECT {f}(z.{}) FROM {} AS z WHERE z.{} IS NOT {left})",
                    c.name, table.name, c.name
                )
            }
            15 if scope.len() > 1 => {
                let (p, c) = self.rng.pick(scope).clone();
                format!(
                    "({left}, {p}{}) {} ({}, {})",
                    c.name,
                    self.rng.pick(&["=", "<", ">=", "IS"]),
                    self.literal(kind),
                    self.literal(c.kind)
                )
            }
            _ => format!("{left} {} {}", self.rng.pick(&["=", "<", ">"]), self.literal(kind)),
        }
    }

    // ---- Queries ------------------------------------------------------------------------------------------------------

    /// FROM clause; fills the scope.
    fn from(&mut self, first: usize, scope: &mut Vec<(String, Column)>) -> String {
        let joins = match self.rng.below(10) {
            0..=4 => 0,
            5..=7 => 1,
            8 => 2,
            _ => 3,
        };
        let mut text = String::new();
        for j in 0..=joins {
            let t = if j == 0 { first } else { self.rng.below(self.tables.len()) };
            let table = self.tables[t].clone();
            let alias = ["p", "q", "r", "s"][j];
            let source = if self.rng.percent(10) {
                let inner: Vec<(String, Column)> = table.columns.iter().map(|c| (String::new(), c.clone())).collect();
                format!("(SELECT * FROM {} WHERE {}) AS {alias}", table.name, self.condition(&inner, 0))
            } else {
                format!("{} AS {alias}", table.name)
            };
            let new: Vec<(String, Column)> = table.columns.iter().map(|c| (format!("{alias}."), c.clone())).collect();
            if j == 0 {
                text = source;
                scope.extend(new);
                continue;
            }
            let (lp, lc) = self.rng.pick(scope).clone();
            let (rp, rc) = self.rng.pick(&new).clone();
            scope.extend(new);
            let on = if self.rng.percent(75) {
                format!("{lp}{} = {rp}{}", lc.name, rc.name)
            } else {
                let scope: Vec<(String, Column)> = scope.clone();
                format!("{lp}{} = {rp}{} AND {}", lc.name, rc.name, self.condition(&scope, 0))
            };
            text.push_str(&match self.rng.below(8) {
                0..=2 => format!(" JOIN {source} ON {on}"),
                3 | 4 => format!(" LEFT JOIN {source} ON {on}"),
                5 if joins == 1 => format!(" {} JOIN {source} ON {on}", self.rng.pick(&["RIGHT", "FULL"])),
                6 => format!(" CROSS JOIN {source} ON {on}"),
                _ => format!(" JOIN {source} ON {on}"),
            });
        }
        text
    }

    /// A column that can be grouped without leaving anything open.
    fn groupable(&mut self, scope: &[(String, Column)]) -> String {
        let (prefix, c) = self.rng.pick(scope).clone();
        if c.nocase || c.kind == Kind::Any {
            format!("quote({prefix}{})", c.name)
        } else {
            format!("{prefix}{}", c.name)
        }
    }

    /// A SELECT without ORDER BY and with `width` columns; `grouping` when its rows meet DISTINCT or UNION.
    fn select_core(&mut self, first: usize, scope: &mut Vec<(String, Column)>, width: usize, grouping: bool) -> String {
        let from = self.from(first, scope);
        let filter =
            if self.rng.percent(75) { format!(" WHERE {}", self.condition(&scope.clone(), 2)) } else { String::new() };
        let form = self.rng.below(10);
        if form < 3 {
            // Groups.
            let keys: Vec<String> = (0..1 + self.rng.below(2)).map(|_| self.groupable(scope)).collect();
            let mut outputs: Vec<String> = keys.iter().take(width).cloned().collect();
            while outputs.len() < width {
                outputs.push(self.aggregate(scope));
            }
            let having = if self.rng.percent(25) {
                format!(" HAVING {} > {}", self.rng.pick(&["count(*)", "length(min(1))"]), self.rng.below(3))
            } else {
                String::new()
            };
            format!("SELECT {} FROM {from}{filter} GROUP BY {}{having}", outputs.join(", "), keys.join(", "))
        } else if form == 3 && !grouping {
            let outputs: Vec<String> = (0..width).map(|_| self.aggregate(scope)).collect();
            format!("SELECT {} FROM {from}{filter}", outputs.join(", "))
        } else {
            let distinct = if self.rng.percent(15) { "DISTINCT " } else { "" };
            let outputs: Vec<String> = (0..width)
                .map(|_| {
                    if grouping || !distinct.is_empty() {
                        if self.rng.percent(70) {
                            self.groupable(scope)
                        } else {
                            format!("quote({})", self.value(scope, 2))
                        }
                    } else {
                        self.value(scope, 2)
                    }
                })
                .collect();
            format!("SELECT {distinct}{} FROM {from}{filter}", outputs.join(", "))
        }
    }

    fn aggregate(&mut self, scope: &[(String, Column)]) -> String {
        let (prefix, c) = self.rng.pick(scope).clone();
        let name = format!("{prefix}{}", c.name);
        let safe = if c.nocase { format!("quote({name})") } else { name.clone() };
        match self.rng.below(9) {
            0 | 1 => "count(*)".into(),
            2 => format!("count({name})"),
            3 => format!("count(DISTINCT {name})"),
            4 => format!("sum({name})"),
            5 => format!("min({safe})"),
            6 => format!("max({safe})"),
            7 => format!("total({name})"),
            _ => format!("avg({name})"),
        }
    }

    fn query(&mut self) -> Step {
        let width = 1 + self.rng.below(4);
        let compound = self.rng.percent(18);
        let t = self.rng.below(self.tables.len());
        let mut scope = Vec::new();
        let mut core = self.select_core(t, &mut scope, width, compound);
        if compound {
            for _ in 0..1 + self.rng.below(2) {
                let operator = *self.rng.pick(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
                let t = self.rng.below(self.tables.len());
                let next = self.select_core(t, &mut Vec::new(), width, true);
                core = format!("{core} {operator} {next}");
            }
        }
        if self.features.windows && !compound && self.rng.percent(25) {
            let table = self.tables[t].clone();
            let scope: Vec<(String, Column)> = table.columns.iter().map(|c| (String::new(), c.clone())).collect();
            let all: Vec<String> = table.columns.iter().map(|c| format!("quote({})", c.name)).collect();
            let part = self.groupable(&scope);
            let function = match self.rng.below(6) {
                0 => "row_number()".to_owned(),
                1 => "rank()".to_owned(),
                2 => "dense_rank()".to_owned(),
                3 => format!("count({})", self.rng.pick(&table.columns).name),
                4 => format!("sum({})", self.rng.pick(&table.columns).name),
                _ => format!("lag({}, 1, 'first')", all[0]),
            };
            return free(format!(
                "SELECT {}, {function} OVER (PARTITION BY {part} ORDER BY {}) FROM {}",
                all.join(", "),
                all.join(", "),
                table.name
            ));
        }
        if self.rng.percent(8) {
            core = format!("WITH c AS ({core}) SELECT count(*) FROM c");
            return free(core);
        }
        if self.rng.percent(45) {
            // Every row in its place: quoted texts break the ties of values that compare equal.
            let mut keys: Vec<String> = Vec::new();
            let names: Vec<String> = (0..width).map(|i| format!("x{i}")).collect();
            for name in &names {
                if self.rng.percent(50) {
                    let nulls = *self.rng.pick(&["", "", " NULLS LAST", " NULLS FIRST"]);
                    let collate = *self.rng.pick(&["", "", "", " COLLATE NOCASE"]);
                    keys.push(format!("{name}{collate}{}{nulls}", self.rng.pick(&["", " DESC"])));
                }
            }
            keys.extend(names.iter().map(|n| format!("quote({n})")));
            let limit = match self.rng.below(4) {
                0 => format!(" LIMIT {}", self.rng.below(6)),
                1 => format!(" LIMIT {} OFFSET {}", self.rng.below(6), self.rng.below(4)),
                _ => String::new(),
            };
            return kept(format!(
                "WITH c({}) AS ({core}) SELECT * FROM c ORDER BY {}{limit}",
                names.join(", "),
                keys.join(", ")
            ));
        }
        if self.rng.percent(25) && !compound && !core.starts_with("SELECT DISTINCT") && !core.contains("GROUP BY") {
            // The engine's own ORDER BY over a plain column; the rest in the order of ties is left open.
            let table = self.tables[t].clone();
            let c = self.rng.pick(&table.columns).clone();
            let order = *self.rng.pick(&["", " DESC"]);
            let all: Vec<String> = table.columns.iter().map(|c| format!("quote({})", c.name)).collect();
            let scope: Vec<(String, Column)> = table.columns.iter().map(|c| (String::new(), c.clone())).collect();
            let condition = self.condition(&scope, 1);
            return kept(format!(
                "SELECT * FROM {} WHERE {condition} ORDER BY {}{order}, {}",
                table.name,
                c.name,
                all.join(", ")
            ));
        }
        free(core)
    }

    // ---- Changes ------------------------------------------------------------------------------------------------------

    fn conflict(&mut self) -> &'static str {
        *self.rng.pick(&["", "", "", " OR IGNORE", " OR REPLACE", " OR FAIL", " OR ABORT", " OR ROLLBACK"])
    }

    fn insert_values(&mut self, t: usize, rows: usize, conflict: &str) -> String {
        let table = self.tables[t].clone();
        let mut columns: Vec<Column> = table.columns.iter().filter(|c| !c.generated).cloned().collect();
        if self.rng.percent(20) && columns.len() > 1 {
            let drop = self.rng.below(columns.len());
            columns.remove(drop);
        }
        let mut lists = Vec::new();
        for _ in 0..rows {
            let values: Vec<String> = columns
                .iter()
                .map(|c| {
                    if c.key && c.kind == Kind::Integer && self.rng.percent(70) {
                        (self.rng.below(60)).to_string()
                    } else {
                        self.literal(c.kind)
                    }
                })
                .collect();
            lists.push(format!("({})", values.join(", ")));
        }
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        format!("INSERT {conflict} INTO {}({}) VALUES {}", table.name, names.join(", "), lists.join(", "))
    }

    fn assignments(&mut self, table: &Table, extra: &[(String, Column)]) -> String {
        let mut scope: Vec<(String, Column)> = table.columns.iter().map(|c| (String::new(), c.clone())).collect();
        scope.extend_from_slice(extra);
        let mut parts: Vec<String> = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let c = self.rng.pick(&table.columns).clone();
            if c.generated
                || (c.key && self.rng.percent(70))
                || parts.iter().any(|p| p.starts_with(&format!("{} ", c.name)))
            {
                continue;
            }
            let value = if self.rng.percent(50) { self.literal(c.kind) } else { self.value(&scope, 1) };
            parts.push(format!("{} = {value}", c.name));
        }
        if parts.is_empty() {
            let c = table.columns.iter().find(|c| !c.generated && !c.key).or(table.columns.first());
            let name = c.map_or("a".to_owned(), |c| c.name.clone());
            parts.push(format!("{name} = {name}"));
        }
        parts.join(", ")
    }

    fn returning(&mut self, table: &Table) -> String {
        if self.rng.percent(15) {
            let c = self.rng.pick(&table.columns).clone();
            return format!(" RETURNING {}, quote({}) AS q", c.name, table.columns[0].name);
        }
        String::new()
    }

    fn change(&mut self) -> Step {
        let t = self.base_table();
        let table = self.tables[t].clone();
        let scope: Vec<(String, Column)> = table.columns.iter().map(|c| (String::new(), c.clone())).collect();
        match self.rng.below(12) {
            0..=3 => {
                let conflict = self.conflict();
                let rows = 1 + self.rng.below(4);
                let returning = self.returning(&table);
                free(format!("{}{returning}", self.insert_values(t, rows, conflict)))
            }
            4 => {
                let from = self.base_table();
                let source = self.tables[from].clone();
                let columns: Vec<&Column> = table.columns.iter().filter(|c| !c.generated).collect();
                let inner: Vec<(String, Column)> = source.columns.iter().map(|c| (String::new(), c.clone())).collect();
                let mut outputs = Vec::new();
                for _ in &columns {
                    outputs.push(self.value(&inner, 1));
                }
                let condition = self.condition(&inner, 1);
                let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
                let order: Vec<String> = source.columns.iter().map(|c| format!("quote({})", c.name)).collect();
                let conflict = self.conflict();
                free(format!(
                    "INSERT{conflict} INTO {}({}) SELECT {} FROM {} WHERE {condition} ORDER BY {} LIMIT 8",
                    table.name,
                    names.join(", "),
                    outputs.join(", "),
                    source.name,
                    order.join(", ")
                ))
            }
            5 if !table.unique.is_empty() => {
                let key = self.rng.pick(&table.unique).clone();
                let rows = 1 + self.rng.below(3);
                let insert = self.insert_values(t, rows, "");
                let excluded: Vec<(String, Column)> =
                    table.columns.iter().map(|c| ("excluded.".to_owned(), c.clone())).collect();
                let action = if self.rng.percent(30) {
                    "NOTHING".to_owned()
                } else {
                    let qualified = self.assignments(&table, &excluded);
                    let filter = if self.rng.percent(20) {
                        format!(" WHERE {}", self.condition(&excluded, 0))
                    } else {
                        String::new()
                    };
                    format!("UPDATE SET {qualified}{filter}")
                };
                let returning = self.returning(&table);
                free(format!("{insert} ON CONFLICT({}) DO {action}{returning}", key.join(", ")))
            }
            6..=9 => {
                let conflict = self.conflict();
                let set = self.assignments(&table, &[]);
                let condition = self.condition(&scope, 1);
                let returning = self.returning(&table);
                free(format!("UPDATE{conflict} {} SET {set} WHERE {condition}{returning}", table.name))
            }
            _ => {
                let condition = self.condition(&scope, 1);
                let narrow =
                    if self.rng.percent(60) { format!(" AND {}", self.condition(&scope, 0)) } else { String::new() };
                let returning = self.returning(&table);
                free(format!("DELETE FROM {} WHERE ({condition}){narrow}{returning}", table.name))
            }
        }
    }

    fn transaction(&mut self) -> Step {
        let sql = if !self.in_transaction && self.savepoints.is_empty() {
            if self.rng.percent(50) {
                self.in_transaction = true;
                self.rng.pick(&["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"]).to_string()
            } else {
                self.savepoint()
            }
        } else {
            match self.rng.below(10) {
                0..=2 => self.savepoint(),
                3 | 4 if !self.savepoints.is_empty() => {
                    let at = self.rng.below(self.savepoints.len());
                    let name = self.savepoints[at].clone();
                    self.savepoints.truncate(at + 1);
                    format!("ROLLBACK TO {name}")
                }
                5 | 6 if !self.savepoints.is_empty() => {
                    let at = self.rng.below(self.savepoints.len());
                    let name = self.savepoints[at].clone();
                    self.savepoints.truncate(at);
                    format!("RELEASE {name}")
                }
                7 | 8 => {
                    self.in_transaction = false;
                    self.savepoints.clear();
                    "COMMIT".into()
                }
                _ => {
                    self.in_transaction = false;
                    self.savepoints.clear();
                    "ROLLBACK".into()
                }
            }
        };
        kept(sql)
    }

    fn savepoint(&mut self) -> String {
        let name = self.rng.pick(&["s1", "s2", "S1", "s3"]).to_string();
        self.savepoints.push(name.clone());
        format!("SAVEPOINT {name}")
    }

    fn schema_change(&mut self) -> Step {
        match self.rng.below(9) {
            0..=2 => {
                let t = self.base_table();
                kept(self.create_index(t))
            }
            3 if !self.indexes.is_empty() => {
                let at = self.rng.below(self.indexes.len());
                kept(format!("DROP INDEX {}", self.indexes.remove(at)))
            }
            4 if self.features.triggers => kept(self.create_trigger()),
            5 if !self.triggers.is_empty() => {
                let at = self.rng.below(self.triggers.len());
                kept(format!("DROP TRIGGER {}", self.triggers.remove(at)))
            }
            6 => kept("ANALYZE".into()),
            7 if self.features.alter => {
                let t = self.base_table();
                let name = self.fresh("n");
                let default = self.literal(Kind::Integer);
                let table = &mut self.tables[t];
                table.columns.push(column(&name, Kind::Integer));
                kept(
                    format!("ALTER TABLE {} ADD COLUMN {name} INTEGER DEFAULT ({default})", table.name)
                        .replace("(", "")
                        .replace(")", ""),
                )
            }
            _ => kept("REINDEX".into()),
        }
    }

    fn statement(&mut self) -> Step {
        match self.rng.below(100) {
            0..=49 => self.query(),
            50..=85 => self.change(),
            86..=94 => self.transaction(),
            95..=97 => self.schema_change(),
            98 => {
                let t = self.base_table();
                let table = self.tables[t].clone();
                let name = if table.rowid { "rowid" } else { "a" };
                free(format!("SELECT count(*), max({name}) FROM {}", table.name))
            }
            _ => free("SELECT what, a, b FROM log".into()),
        }
    }
}

fn column(name: &str, kind: Kind) -> Column {
    Column { name: name.to_owned(), kind, nocase: false, key: false, generated: false }
}

fn kept(sql: String) -> Step {
    Step { sql, order: Order::Kept }
}

fn free(sql: String) -> Step {
    Step { sql, order: Order::Free }
}
