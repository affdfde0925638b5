//! Triggers: what sets them off, and what they do.

use super::model::{Kind, Named, Scope, Table};
use super::{Generator, Step};

impl Generator {
    /// CREATE TRIGGER of any kind.
    pub fn create_trigger(&mut self) -> Step {
        let name = self.fresh("tr");
        let views: Vec<usize> = (0..self.model.tables.len()).filter(|&i| self.model.tables[i].view).collect();
        if !views.is_empty() && self.rng.percent(30) {
            return self.create_instead_of(&name, *self.rng.clone().pick(&views));
        }
        let table = self.pick_base_table();
        let at = self.model.tables.iter().position(|t| t.name == table.name).unwrap_or(0);
        let c = self.rng.pick(&table.columns).clone();
        let when = *self.rng.pick(&["BEFORE ", "AFTER ", "AFTER ", ""]);
        let event = match self.rng.below(4) {
            0 => "INSERT".to_owned(),
            1 => "DELETE".to_owned(),
            2 => "UPDATE".to_owned(),
            _ => format!("UPDATE OF {}", c.name),
        };
        let scope = seen_by(&event, &table);
        let condition =
            if self.rng.percent(35) { format!(" WHEN {}", self.plain_condition(&scope)) } else { String::new() };
        let each = *self.rng.pick(&["", " FOR EACH ROW"]);
        let body = self.trigger_body(&name, &scope, at, table.database);
        self.table_mut(&table.name).ordered_changes = true;
        let trigger = Named { database: table.database, name, table: table.name.clone() };
        let sql = format!(
            "CREATE TRIGGER {} {when}{event} ON {}{each}{condition} BEGIN {}; END",
            trigger.path(),
            table.name,
            body.join("; ")
        );
        self.model.triggers.push(trigger);
        Step::define(sql)
    }

    fn create_instead_of(&mut self, name: &str, view: usize) -> Step {
        let table = self.model.tables[view].clone();
        let event = *self.rng.pick(&["INSERT", "UPDATE", "DELETE"]);
        let scope = seen_by(event, &table);
        let body = self.view_trigger_body(name, &scope);
        self.table_mut(&table.name).writable_view = true;
        let trigger = Named { database: table.database, name: name.to_owned(), table: table.name.clone() };
        let sql = format!(
            "CREATE TRIGGER {} INSTEAD OF {event} ON {} BEGIN {}; END",
            trigger.path(),
            table.name,
            body.join("; ")
        );
        self.model.triggers.push(trigger);
        Step::define(sql)
    }

    /// A plan decides in which order the rows of a view come: what is written here can be compared as a bag.
    fn view_trigger_body(&mut self, name: &str, scope: &Scope) -> Vec<String> {
        (0..1 + self.rng.below(2))
            .map(|_| {
                let (a, b) = (self.column_of(Kind::Any, scope), self.column_of(Kind::Any, scope));
                format!("INSERT INTO vlog(what, a, b) VALUES ('{name}', {a}, {b})")
            })
            .collect()
    }

    /// Statements that reach only the log and tables that come later, so that triggers do not call each other for ever.
    fn trigger_body(&mut self, name: &str, scope: &Scope, at: usize, database: &'static str) -> Vec<String> {
        let later: Vec<Table> = self
            .model
            .tables
            .iter()
            .skip(at.saturating_add(1))
            .filter(|t| t.database == database && !t.view && !t.module)
            .cloned()
            .collect();
        let log = if database == "main" { "log".to_owned() } else { String::new() };
        let mut body = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let (a, b) = (self.column_of(Kind::Any, scope), self.column_of(Kind::Any, scope));
            let text = match self.rng.below(10) {
                0..=2 if !log.is_empty() => {
                    let value = self.plain_value(scope, 1);
                    format!("INSERT INTO log(what, a, b) VALUES ('{name}', {a}, {value})")
                }
                3 if !log.is_empty() => format!("UPDATE log SET b = {a} WHERE n % 5 = 1"),
                4 if !log.is_empty() => format!("DELETE FROM log WHERE n = length({a})"),
                5 if !later.is_empty() => {
                    let o = self.rng.pick(&later).clone();
                    let writable = o.writable();
                    let c = self.rng.pick(&writable).clone();
                    let conflict = *self.rng.pick(&["", "OR IGNORE ", "OR REPLACE "]);
                    format!(
                        "UPDATE {conflict}{} SET {} = {b} WHERE {} = {a}",
                        o.name,
                        c.name,
                        self.rng.pick(&writable).name
                    )
                }
                6 if !later.is_empty() => {
                    let o = self.rng.pick(&later).clone();
                    let writable = o.writable();
                    let conflict = *self.rng.pick(&["OR IGNORE ", "OR REPLACE ", "OR FAIL ", ""]);
                    format!("INSERT {conflict}INTO {}({}) VALUES ({a})", o.name, self.rng.pick(&writable).name)
                }
                9 if !later.is_empty() => {
                    let o = self.rng.pick(&later).clone();
                    let writable = o.writable();
                    let c = self.rng.pick(&writable).clone();
                    match o.unique.first() {
                        // SQLite renames a table `excluded` with the table that it stands for.
                        Some(key) if !self.features.alter && self.rng.percent(60) => {
                            let (name, target) = (&c.name, key.join(", "));
                            let act = format!("UPDATE SET {name} = excluded.{name}");
                            format!(
                                "INSERT INTO {}({name}) VALUES ({a}) ON CONFLICT({target}) DO {act} ON CONFLICT DO NOTHING",
                                o.name
                            )
                        }
                        _ => format!(
                            "UPDATE {} SET {} = q.k FROM (SELECT {a} AS k) AS q WHERE {} = q.k",
                            o.name,
                            c.name,
                            self.rng.pick(&writable).name
                        ),
                    }
                }
                7 if !later.is_empty() => {
                    let o = self.rng.pick(&later).clone();
                    format!("DELETE FROM {} WHERE {} = {a}", o.name, self.rng.pick(&o.columns).name)
                }
                8 => {
                    let action = *self.rng.pick(&[
                        "IGNORE",
                        "IGNORE",
                        "ABORT, 'stop it'",
                        "FAIL, 'fail it'",
                        "ROLLBACK, 'all back'",
                        "ABORT, 'at ' || typeof(1.5)",
                    ]);
                    format!("SELECT RAISE({action}) WHERE {a} = {}", self.literal(Kind::Integer))
                }
                _ if !log.is_empty() => {
                    format!("INSERT INTO log(what, a) SELECT 'count', count(*) FROM log WHERE a = {a}")
                }
                _ => format!("SELECT {a}, {b}"),
            };
            body.push(text);
        }
        body
    }
}

/// The rows that a trigger sees: of `UPDATE OF`, too, both.
fn seen_by(event: &str, table: &Table) -> Scope {
    let mut scope = Scope::default();
    if !event.starts_with("DELETE") {
        scope = scope.and(Scope::of("new.", &table.columns));
    }
    if !event.starts_with("INSERT") {
        scope = scope.and(Scope::of("old.", &table.columns));
    }
    scope
}
