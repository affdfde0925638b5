//! Transactions, savepoints, attached databases and the pragmas that change what statements do.

use super::{Generator, Order, Step};

impl Generator {
    /// A statement that begins, ends or marks a transaction.
    pub fn transaction(&mut self) -> Step {
        if !self.in_transaction && self.savepoints.is_empty() {
            if self.rng.percent(50) {
                self.before_transaction = Some(self.model.clone());
                self.in_transaction = true;
                return Step::session((*self.rng.pick(&["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])).into());
            }
            return self.savepoint();
        }
        match self.rng.below(10) {
            0..=2 if self.savepoints.len() < 4 => self.savepoint(),
            3 | 4 if !self.savepoints.is_empty() => {
                let at = self.rng.below(self.savepoints.len());
                let at = self.innermost(at);
                let (name, model) = self.savepoints[at].clone();
                self.savepoints.truncate(at + 1);
                self.model = model;
                Step::session(format!("ROLLBACK TO {name}"))
            }
            5 | 6 if !self.savepoints.is_empty() => {
                let at = self.rng.below(self.savepoints.len());
                let at = self.innermost(at);
                let (name, _) = self.savepoints[at].clone();
                self.savepoints.truncate(at);
                Step::session(format!("RELEASE {name}"))
            }
            7 | 8 => {
                self.in_transaction = false;
                self.savepoints.clear();
                self.before_transaction = None;
                Step::session((*self.rng.pick(&["COMMIT", "END"])).into())
            }
            _ => {
                self.rolled_back();
                Step::session("ROLLBACK".into())
            }
        }
    }

    /// Names may hide each other: what a name means is the innermost savepoint of that name.
    fn innermost(&self, at: usize) -> usize {
        let name = self.savepoints[at].0.to_ascii_lowercase();
        self.savepoints.iter().rposition(|(n, _)| n.to_ascii_lowercase() == name).unwrap_or(at)
    }

    fn savepoint(&mut self) -> Step {
        if !self.in_transaction && self.savepoints.is_empty() {
            self.before_transaction = Some(self.model.clone());
        }
        let name = (*self.rng.pick(&["s1", "s2", "S1", "s3"])).to_owned();
        self.savepoints.push((name.clone(), self.model.clone()));
        Step::session(format!("SAVEPOINT {name}"))
    }

    /// The whole transaction is gone.
    pub fn rolled_back(&mut self) {
        self.in_transaction = false;
        self.savepoints.clear();
        if let Some(model) = self.before_transaction.take() {
            self.model = model;
        }
    }

    /// A statement that must work, whatever its answer says of the engine.
    pub fn look_inside(&mut self) -> Step {
        let sql = match self.rng.below(17) {
            n @ 0..=7 => {
                let step = if n < 7 { self.query() } else { self.change() };
                let explain = |sql: &str| format!("EXPLAIN {}{sql}", if n < 5 { "QUERY PLAN " } else { "" });
                return Step { stock: step.stock.as_deref().map(explain), ..Step::unseen(explain(&step.sql)) };
            }
            8 | 9 => {
                return Step::other("SELECT changes(), total_changes(), last_insert_rowid()".into(), Order::Kept);
            }
            10 | 11 if self.features.modules => {
                let spaces: Vec<_> = self.model.tables.iter().filter(|t| t.module).map(|t| t.name.clone()).collect();
                let Some(name) = spaces.first() else { return Step::unseen("PRAGMA page_count".into()) };
                match self.rng.below(3) {
                    0 => return Step::other(format!("SELECT rtreecheck('{name}')"), Order::Kept),
                    1 => format!("SELECT rtreedepth(data) FROM {name}_node WHERE nodeno = 1"),
                    _ => format!("SELECT rtreenode(1, data) FROM {name}_node WHERE nodeno = 1"),
                }
            }
            // Extensions are not allowed unless the application says so.
            12 => return Step::other("SELECT load_extension('nowhere')".into(), Order::Kept),
            _ => (*self.rng.pick(&[
                "PRAGMA optimize(-1)",
                "PRAGMA optimize(-1)",
                "PRAGMA wal_checkpoint",
                "PRAGMA page_count",
                "PRAGMA freelist_count",
                "PRAGMA journal_mode",
                "PRAGMA incremental_vacuum",
                "PRAGMA max_page_count",
                "PRAGMA shrink_memory",
                "PRAGMA cache_size",
                "PRAGMA data_version",
                "PRAGMA schema_version",
                "PRAGMA compile_options",
                "PRAGMA function_list",
                "SELECT sqlite_version(), sqlite_source_id(), random(), randomblob(3), current_time, current_date, \
                 current_timestamp, sqlite_compileoption_used('X'), sqlite_compileoption_get(0)",
            ]))
            .to_owned(),
        };
        Step::unseen(sql)
    }

    /// A pragma that changes what later statements do.
    pub fn setting(&mut self) -> Step {
        let on = *self.rng.pick(&["ON", "OFF"]);
        let sql = match self.rng.below(12) {
            0 | 1 => format!("PRAGMA recursive_triggers = {on}"),
            2 if self.features.foreign_keys => format!("PRAGMA foreign_keys = {on}"),
            3 if self.features.foreign_keys => "PRAGMA defer_foreign_keys = ON".into(),
            // `case_sensitive_like` makes LIKE a function that partial indexes may not use: SQLite then fails to read its schema.
            4 => "PRAGMA query_only = OFF".to_string(),
            5 => format!("PRAGMA ignore_check_constraints = {on}"),
            6 => format!("PRAGMA automatic_index = {on}"),
            8 => format!("PRAGMA cell_size_check = {on}"),
            7 => (*self.rng.pick(&[
                "PRAGMA foreign_keys",
                "PRAGMA recursive_triggers",
                "PRAGMA encoding",
                "PRAGMA defer_foreign_keys",
            ]))
            .into(),
            9 | 10 if self.features.counts => format!("PRAGMA count_changes = {on}"),
            _ => format!("PRAGMA application_id = {}", self.rng.below(9)),
        };
        Step::other(sql, Order::Kept)
    }
}
