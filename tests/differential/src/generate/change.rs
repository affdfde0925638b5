//! INSERT, UPDATE, DELETE with all their clauses.
//!
//! In which order a statement changes rows can be seen where they have triggers, keys or references; such tables are scanned
//! (`NOT INDEXED`), and rows to be inserted are sorted.

use super::model::{Column, Kind, Scope, Table};
use super::{Generator, Order, Step};

impl Generator {
    /// Any change of rows.
    pub fn change(&mut self) -> Step {
        self.aliases = 0;
        if self.model.large && self.rng.percent(6) {
            return self.change_large();
        }
        let table = self.pick_target();
        if table.module {
            return self.change_space(&table);
        }
        if table.view {
            return self.change_view(&table);
        }
        match self.rng.below(20) {
            0..=5 => {
                let rows = 1 + self.rng.below(4);
                self.insert_values(&table, rows)
            }
            6 | 7 => self.insert_select(&table),
            8..=10 => self.upsert(&table),
            11..=15 => self.update(&table),
            16 => self.update_from(&table),
            17 if !table.ordered_changes => self.first_rows(&table),
            18 if self.rng.percent(40) => self.copy_rows(&table),
            _ => self.delete(&table),
        }
    }

    fn or_clause(&mut self, table: &Table) -> &'static str {
        if self.filling {
            // The first rows: as many as fit.
            return if self.rng.percent(85) { " OR IGNORE" } else { "" };
        }
        let eager = if table.ordered_changes { 75 } else { 20 };
        if !self.rng.percent(eager) {
            return "";
        }
        *self.rng.pick(&[
            " OR IGNORE",
            " OR IGNORE",
            " OR IGNORE",
            " OR REPLACE",
            " OR REPLACE",
            " OR REPLACE",
            " OR ABORT",
            " OR FAIL",
            " OR ROLLBACK",
        ])
    }

    /// A value for a column; keys are drawn so that they mostly are new.
    fn value_for(&mut self, column: &Column) -> String {
        if column.key && self.rng.percent(65) {
            return match column.kind {
                Kind::Text => format!("'k{}'", self.rng.below(60)),
                Kind::Real => format!("{}.5", self.rng.below(60)),
                Kind::Blob => format!("x'{:02x}'", self.rng.below(60)),
                _ => self.rng.below(60).to_string(),
            };
        }
        if self.rng.percent(8) {
            return self.plain_value(&Scope::default(), 2);
        }
        if self.rng.percent(3) {
            return self.scalar_subquery(&Scope::default());
        }
        self.literal(column.kind)
    }

    fn target_columns(&mut self, table: &Table) -> Vec<Column> {
        let mut columns = table.writable();
        while columns.len() > 1 && self.rng.percent(15) {
            let at = self.rng.below(columns.len());
            columns.remove(at);
        }
        if self.rng.percent(10) {
            columns.reverse();
        }
        columns
    }

    fn names(columns: &[Column]) -> String {
        columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn returning(&mut self, table: &Table) -> String {
        if !self.features.returning || !self.rng.percent(30) {
            return String::new();
        }
        if self.rng.percent(40) {
            return " RETURNING *".into();
        }
        let scope = Scope::of("", &table.columns);
        let list: Vec<String> = (0..1 + self.rng.below(2)).map(|_| self.plain_value(&scope, 1)).collect();
        format!(" RETURNING {}", list.join(", "))
    }

    /// INSERT of so many rows of literals.
    pub fn insert_values(&mut self, table: &Table, rows: usize) -> Step {
        if self.rng.percent(2) {
            let returning = self.returning(table);
            return Step::change(format!(
                "INSERT{} INTO {} DEFAULT VALUES{returning}",
                self.or_clause(table),
                table.path()
            ));
        }
        let columns = self.target_columns(table);
        let rows: Vec<String> = (0..rows)
            .map(|_| {
                let values: Vec<String> = columns.iter().map(|c| self.value_for(c)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let list = if columns.len() == table.columns.len()
            && self.rng.percent(60)
            && Self::names(&columns) == Self::names(&table.columns)
        {
            String::new()
        } else {
            format!("({})", Self::names(&columns))
        };
        let returning = self.returning(table);
        let or = self.or_clause(table);
        let verb =
            if or == " OR REPLACE" && self.rng.percent(50) { "REPLACE".to_owned() } else { format!("INSERT{or}") };
        Step::change(format!("{verb} INTO {}{list} VALUES {}{returning}", table.path(), rows.join(", ")))
    }

    fn sorted_source(&mut self, columns: &[Column]) -> String {
        let source = self.pick_table();
        let scope = Scope::of("s.", &source.columns);
        let list: Vec<String> = columns
            .iter()
            .map(|c| match self.rng.below(4) {
                0 => self.value_for(c),
                1 => self.value_of(c.kind, &scope, 1),
                _ => self.column_of(c.kind, &scope),
            })
            .map(
                |text| {
                    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') { format!("+{text}") } else { text }
                },
            )
            .collect();
        let order: Vec<String> = (1..=columns.len()).map(|i| i.to_string()).collect();
        let filter =
            if self.rng.percent(60) { format!(" WHERE {}", self.condition(&scope, 1)) } else { " WHERE true".into() };
        format!(
            "SELECT {} FROM {} AS s{filter} ORDER BY {} LIMIT {}",
            list.join(", "),
            source.path(),
            order.join(", "),
            1 + self.rng.below(5)
        )
    }

    fn insert_select(&mut self, table: &Table) -> Step {
        let columns = self.target_columns(table);
        let source = self.sorted_source(&columns);
        let returning = self.returning(table);
        let or = self.or_clause(table);
        let (with, source) = if self.rng.percent(20) {
            (format!("WITH q AS ({source}) "), "SELECT * FROM q".to_owned())
        } else {
            (String::new(), source)
        };
        Step::change(format!("{with}INSERT{or} INTO {}({}) {source}{returning}", table.path(), Self::names(&columns)))
    }

    fn upsert(&mut self, table: &Table) -> Step {
        let columns = self.target_columns(table);
        let rows: Vec<String> = (0..1 + self.rng.below(3))
            .map(|_| {
                let values: Vec<String> = columns.iter().map(|c| self.value_for(c)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let mut clauses = String::new();
        let mut keys = table.unique.clone();
        let source =
            if self.rng.percent(20) { self.sorted_source(&columns) } else { format!("VALUES {}", rows.join(", ")) };
        while !keys.is_empty() && self.rng.percent(75) {
            let at = self.rng.below(keys.len());
            let key = keys.remove(at);
            let target = key.join(", ");
            if self.features.counts || self.rng.percent(30) {
                clauses += &format!(" ON CONFLICT({target}) DO NOTHING");
            } else {
                let scope =
                    Scope::of("excluded.", &table.columns).and(Scope::of(&format!("{}.", table.name), &table.columns));
                let set = self.assignments(table, &scope);
                let filter = if self.rng.percent(25) {
                    format!(" WHERE {}", self.plain_condition(&scope))
                } else {
                    String::new()
                };
                clauses += &format!(" ON CONFLICT({target}) DO UPDATE SET {set}{filter}");
            }
        }
        if clauses.is_empty() || self.rng.percent(50) {
            clauses += " ON CONFLICT DO NOTHING";
        }
        let returning = self.returning(table);
        let or = if self.rng.percent(15) { self.or_clause(table) } else { "" };
        Step::change(format!(
            "INSERT{or} INTO {}({}) {source}{clauses}{returning}",
            table.path(),
            Self::names(&columns)
        ))
    }

    fn assignments(&mut self, table: &Table, scope: &Scope) -> String {
        let writable = table.writable();
        let mut parts = Vec::new();
        let mut used: Vec<String> = Vec::new();
        self.plain_expressions = true;
        for _ in 0..1 + self.rng.below(3) {
            let mut c = self.rng.pick(&writable).clone();
            if c.key && self.rng.percent(60) {
                c = self.rng.pick(&writable).clone();
            }
            // Assigning a column twice is allowed and the last one counts; but rarely worth it.
            if used.contains(&c.name) && self.rng.percent(90) {
                continue;
            }
            used.push(c.name.clone());
            let value = if self.rng.percent(45) {
                self.value_for(&c)
            } else if self.rng.percent(70) {
                self.value_of(c.kind, scope, 1)
            } else {
                self.value(scope, 2)
            };
            let d = self.rng.pick(&writable).clone();
            if self.rng.percent(10) && d.name != c.name && !used.contains(&d.name) {
                used.push(d.name.clone());
                let other = self.value_of(d.kind, scope, 1);
                parts.push(format!("({}, {}) = ({value}, {other})", c.name, d.name));
            } else {
                parts.push(format!("{} = {value}", c.name));
            }
        }
        self.plain_expressions = false;
        parts.join(", ")
    }

    /// Which rows an UPDATE or DELETE takes: a condition, and `NOT INDEXED` where their order matters.
    fn rows_of(&mut self, table: &Table) -> (&'static str, String) {
        let scope = Scope::of("", &table.columns);
        let not_indexed = if table.ordered_changes { " NOT INDEXED" } else { "" };
        if table.ordered_changes && !self.scans_by_key(table) {
            let keys: Vec<String> = table.identity.clone();
            let equal: Vec<String> =
                keys.iter().map(|key| format!("{key} = {}", self.key_literal(table, key))).collect();
            return (not_indexed, format!(" WHERE {}", equal.join(" AND ")));
        }
        let filter = match self.rng.below(10) {
            0..=2 => {
                let key = self.rng.pick(&table.identity).clone();
                format!(" WHERE {key} = {}", 1 + self.rng.below(12))
            }
            3 => {
                let key = self.rng.pick(&table.identity).clone();
                format!(" WHERE {key} > {}", self.rng.below(30))
            }
            4 | 5 => format!(" WHERE {} AND {}", self.condition(&scope, 1), self.condition(&scope, 1)),
            _ => format!(" WHERE {}", self.condition(&scope, 1)),
        };
        (not_indexed, filter)
    }

    /// `NOT INDEXED` keeps SQLite from scanning an index, but not in a table without rowids.
    fn scans_by_key(&self, table: &Table) -> bool {
        let has_rowid = table.identity.iter().all(|key| key == "rowid");
        has_rowid || table.unique.len() < 2 && !self.model.indexes.iter().any(|i| i.table == table.name)
    }

    fn key_literal(&mut self, table: &Table, key: &str) -> String {
        match table.columns.iter().find(|c| c.name == key).cloned() {
            Some(column) => self.value_for(&column),
            None => self.literal(Kind::Integer),
        }
    }

    fn update(&mut self, table: &Table) -> Step {
        let scope = Scope::of("", &table.columns);
        let (not_indexed, filter) = self.rows_of(table);
        let set = if self.rng.percent(8) {
            let writable = table.writable();
            let (a, b) = (self.rng.pick(&writable).name.clone(), self.rng.pick(&writable).name.clone());
            let source = self.pick_table();
            let own = Scope::of("s.", &source.columns);
            let (x, y) = (self.column_of(Kind::Any, &own), self.column_of(Kind::Any, &own));
            format!("({a}, {b}) = (SELECT {x}, {y} FROM {} AS s ORDER BY 1, 2 LIMIT 1)", source.path())
        } else {
            self.assignments(table, &scope)
        };
        let or = self.or_clause(table);
        let returning = self.returning(table);
        Step::change(format!("UPDATE{or} {}{not_indexed} SET {set}{filter}{returning}", table.path()))
    }

    fn update_from(&mut self, table: &Table) -> Step {
        let plain: Vec<Column> = table.writable().into_iter().filter(|c| !c.key).collect();
        if plain.is_empty() || table.ordered_changes {
            return self.update(table);
        }
        let target = self.rng.pick(&plain).clone();
        let key = self.rng.pick(&table.columns).clone();
        let source = self.pick_table();
        let own = Scope::of("s.", &source.columns);
        let (k, v) = (self.column_of(Kind::Integer, &own), self.column_of(Kind::Any, &own));
        // One row for each number, or which of several is taken would depend on the plan.
        let from = format!(
            "(SELECT CAST({k} AS INTEGER) AS k, max({v}) AS v FROM {} AS s GROUP BY CAST({k} AS INTEGER))",
            source.path()
        );
        let returning = self.returning(table);
        let mut step = Step::change(format!(
            "UPDATE {} SET {} = q.v FROM {from} AS q WHERE CAST({}.{} AS INTEGER) = q.k{returning}",
            table.path(),
            target.name,
            table.name,
            key.name
        ));
        step.loose = true;
        step
    }

    fn delete(&mut self, table: &Table) -> Step {
        let (not_indexed, filter) = self.rows_of(table);
        if self.rng.percent(4) {
            return Step::change(format!("DELETE FROM {}", table.path()));
        }
        let scope = Scope::of("", &table.columns);
        let narrow = format!(" AND {}", self.condition(&scope, 0));
        let returning = self.returning(table);
        Step::change(format!("DELETE FROM {}{not_indexed}{filter}{narrow}{returning}", table.path()))
    }

    /// UPDATE or DELETE with ORDER BY and LIMIT: SQLite, which is built without, is asked for the same rows by their keys.
    fn first_rows(&mut self, table: &Table) -> Step {
        let scope = Scope::of("", &table.columns);
        let filter = if self.rng.percent(60) { format!(" WHERE {}", self.condition(&scope, 1)) } else { String::new() };
        let key = table.identity.join(", ");
        let column = self.rng.pick(&table.columns).name.clone();
        let direction = *self.rng.pick(&["", " DESC"]);
        let limit = match self.rng.below(3) {
            0 => format!("{} OFFSET {}", 1 + self.rng.below(4), self.rng.below(3)),
            _ => (1 + self.rng.below(4)).to_string(),
        };
        let tail = format!("{filter} ORDER BY {column}{direction}, {key} LIMIT {limit}");
        let path = table.path();
        let writable: Vec<Column> = table.writable().into_iter().filter(|c| !c.key).collect();
        let verb = if writable.is_empty() || self.rng.percent(40) {
            format!("DELETE FROM {path}")
        } else {
            let target = self.rng.pick(&writable).clone();
            format!("UPDATE {path} SET {} = {}", target.name, self.literal(target.kind))
        };
        let mut step = Step::change(format!("{verb}{tail}"));
        step.stock = Some(format!("{verb} WHERE ({key}) IN (SELECT {key} FROM {path}{tail})"));
        step
    }

    /// Some of a table's rows once more.
    fn copy_rows(&mut self, table: &Table) -> Step {
        let columns = table.writable();
        let names = Self::names(&columns);
        let or = *self.rng.pick(&[" OR IGNORE", " OR REPLACE", "", " OR FAIL"]);
        let key = table.identity.join(", ");
        let path = table.path();
        Step::change(format!(
            "INSERT{or} INTO {path}({names}) SELECT {names} FROM {path} WHERE length({}) % 3 = 1 ORDER BY {key} LIMIT 5",
            columns.first().map_or("1", |c| c.name.as_str())
        ))
    }

    fn change_view(&mut self, view: &Table) -> Step {
        let scope = Scope::of("", &view.columns);
        match self.rng.below(3) {
            0 => {
                let values: Vec<String> = view.columns.iter().map(|c| self.literal(c.kind)).collect();
                Step::change(format!("INSERT INTO {} VALUES ({})", view.path(), values.join(", ")))
            }
            1 => {
                let c = self.rng.pick(&view.columns).clone();
                let value = self.literal(c.kind);
                let condition = self.condition(&scope, 0);
                let mut step =
                    Step::change(format!("UPDATE {} SET {} = {value} WHERE {condition}", view.path(), c.name));
                step.order = Order::Free;
                step
            }
            _ => {
                let condition = self.condition(&scope, 0);
                Step::change(format!("DELETE FROM {} WHERE {condition}", view.path()))
            }
        }
    }
}
