//! Tables, indexes and views; ALTER, DROP, ANALYZE, REINDEX.

use super::model::{Column, Kind, Named, Scope, Table};
use super::{Generator, Order, Step};

const COLUMN_NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

impl Generator {
    // ---- Tables -------------------------------------------------------------------------------------------------------

    /// CREATE TABLE with every kind of constraint.
    pub fn create_table(&mut self, database: &'static str) -> Step {
        let name = self.fresh("t");
        let count = 2 + self.rng.below(4);
        let form = self.rng.below(7);
        let strict = self.features.strict && self.rng.percent(40);
        let (mut columns, mut parts, mut unique) = (Vec::<Column>::new(), Vec::new(), Vec::new());
        let mut identity: Vec<String> = vec!["rowid".into()];
        let mut ordered = false;
        for c in 0..count {
            let column_name = COLUMN_NAMES[c].to_owned();
            let kind = *self.rng.pick(&[
                Kind::Integer,
                Kind::Integer,
                Kind::Integer,
                Kind::Real,
                Kind::Text,
                Kind::Text,
                Kind::Blob,
                Kind::Any,
            ]);
            let mut column = Column { name: column_name.clone(), kind, folded: false, key: false, generated: false };
            if c == 0 && form <= 2 {
                column.kind = Kind::Integer;
                column.key = true;
                let suffix = match form {
                    0 => "",
                    1 => " AUTOINCREMENT",
                    _ => *self.rng.pick(&["", "", " ON CONFLICT REPLACE", " ON CONFLICT IGNORE", " ON CONFLICT FAIL"]),
                };
                ordered = true;
                unique.push(vec![column_name.clone()]);
                parts.push(format!("{column_name} INTEGER PRIMARY KEY{suffix}"));
                columns.push(column);
                continue;
            }
            let mut text = format!("{column_name} {}", self.type_name(kind, strict));
            if kind == Kind::Text && self.rng.percent(if self.features.twins { 50 } else { 20 }) {
                column.folded = true;
                text += *self.rng.pick(&[" COLLATE NOCASE", " COLLATE NOCASE", " COLLATE RTRIM"]);
            }
            if self.rng.percent(13) {
                text += " NOT NULL";
                let conflict = self.maybe_on_conflict(35);
                ordered |= !conflict.is_empty();
                text += &conflict;
                if self.rng.percent(60) {
                    text += &format!(" DEFAULT {}", self.not_null_literal(kind));
                }
            } else if self.rng.percent(18) {
                text += &format!(" DEFAULT {}", self.default_literal(kind));
            }
            if self.rng.percent(14) {
                column.key = true;
                ordered = true;
                unique.push(vec![column_name.clone()]);
                text += " UNIQUE";
                text += &self.maybe_on_conflict(35);
            }
            if self.rng.percent(8) {
                let named = if self.rng.percent(40) { format!("CONSTRAINT k{c} ") } else { String::new() };
                text += &format!(" {named}CHECK ({column_name} IS NOT {})", self.literal(kind));
                ordered = true;
            }
            if self.features.foreign_keys
                && self.rng.percent(35)
                && let Some(reference) = self.reference(database, &name, &columns, kind)
            {
                text += &reference;
                ordered = true;
            }
            parts.push(text);
            columns.push(column);
        }
        if self.features.generated_columns && self.rng.percent(55) {
            for i in 0..1 + self.rng.below(2) {
                let scope = Scope::of("", &columns.iter().filter(|c| !c.generated).cloned().collect::<Vec<_>>());
                let expression = self.indexable(&scope);
                let kind = *self.rng.pick(&["", " STORED", " VIRTUAL"]);
                // Whether JSON that is computed with each reading is JSON to another function depends on the plan.
                let makes_json = expression.contains("json") || expression.contains("->");
                let kind = if makes_json { " STORED" } else { kind };
                let ty = if strict { "ANY" } else { *self.rng.pick(&["", "INT", "TEXT", "REAL"]) };
                let tail = *self.rng.pick(&["", "", "", " NOT NULL", " UNIQUE"]);
                let always = *self.rng.pick(&["GENERATED ALWAYS ", ""]);
                let generated = format!("g{i}");
                parts.push(format!("{generated} {ty} {always}AS ({expression}){kind}{tail}"));
                ordered |= !tail.is_empty();
                columns.push(Column { name: generated, kind: Kind::Any, folded: false, key: false, generated: true });
            }
        }
        let mut tail = Vec::new();
        if form == 3 || form == 4 {
            let first = self.rng.below(count);
            let second = self.rng.below(count);
            let mut key = vec![columns[first].name.clone()];
            columns[first].key = true;
            if second != first && self.rng.percent(55) {
                key.push(columns[second].name.clone());
                columns[second].key = true;
            }
            let desc = *self.rng.pick(&["", "", " DESC"]);
            let conflict = self.maybe_on_conflict(25);
            parts.push(format!("PRIMARY KEY ({}{desc}){conflict}", key.join(", ")));
            unique.push(key.clone());
            ordered = true;
            if form == 3 {
                tail.push("WITHOUT ROWID");
                identity = key;
            }
        }
        if self.rng.percent(15) && count > 2 {
            let key = vec![columns[1].name.clone(), columns[2].name.clone()];
            let conflict = self.maybe_on_conflict(30);
            parts.push(format!("UNIQUE ({}){conflict}", key.join(", ")));
            unique.push(key);
            ordered = true;
        }
        if self.rng.percent(15) {
            let scope = Scope::of("", &columns);
            let condition = self.plain_condition(&scope);
            parts.push(format!("CHECK ({} IS NOT 3 OR {condition})", columns[0].name));
            ordered = true;
        }
        if strict {
            tail.push("STRICT");
        }
        let words = if database == "temp" && self.rng.percent(50) {
            format!("TEMP TABLE {name}")
        } else if database == "main" {
            format!("TABLE {name}")
        } else {
            format!("TABLE {database}.{name}")
        };
        let tail = if tail.is_empty() { String::new() } else { format!(" {}", tail.join(", ")) };
        let sql = format!("CREATE {words}({}){tail}", parts.join(", "));
        self.model.tables.push(Table {
            database,
            name,
            columns,
            identity,
            unique,
            strict,
            ordered_changes: ordered,
            view: false,
            writable_view: false,
            module: false,
        });
        Step::define(sql)
    }

    fn reference(&mut self, database: &str, own: &str, columns: &[Column], kind: Kind) -> Option<String> {
        let parents: Vec<usize> =
            (0..self.model.tables.len()).filter(|&i| self.model.tables[i].database == database).collect();
        let (table, key) = if !parents.is_empty() && self.rng.percent(85) {
            let parent = &self.model.tables[*self.rng.pick(&parents)];
            let key = parent.unique.iter().find(|u| u.len() == 1)?;
            (parent.name.clone(), key[0].clone())
        } else {
            // The table itself: a tree. Keys of another type would not be those of their own row in SQLite.
            let key = columns.iter().find(|c| c.key && c.kind == kind && kind != Kind::Any)?;
            (own.to_owned(), key.name.clone())
        };
        let itself = table == own;
        if let Some(parent) = self.model.tables.iter_mut().find(|t| t.name == table) {
            parent.ordered_changes = true;
        }
        let actions = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];
        let mut text = format!(" REFERENCES {table}({key})");
        if self.rng.percent(60) {
            // SQLite lets REPLACE and upserts into a table that refers to itself with SET NULL or SET DEFAULT leave orphans.
            let action = if itself { *self.rng.pick(&["CASCADE", "RESTRICT"]) } else { *self.rng.pick(&actions) };
            text += &format!(" ON DELETE {action}");
        }
        if self.rng.percent(50) {
            let action = if itself { *self.rng.pick(&["CASCADE", "NO ACTION"]) } else { *self.rng.pick(&actions) };
            text += &format!(" ON UPDATE {action}");
        }
        text += *self.rng.pick(&["", "", "", " DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE INITIALLY IMMEDIATE"]);
        Some(text)
    }

    fn not_null_literal(&mut self, kind: Kind) -> String {
        loop {
            let text = self.default_literal(kind);
            if text != "NULL" {
                return text;
            }
        }
    }

    fn type_name(&mut self, kind: Kind, strict: bool) -> &'static str {
        match (kind, strict) {
            (Kind::Integer, true) => *self.rng.pick(&["INTEGER", "INT"]),
            (Kind::Integer, false) => *self.rng.pick(&["INTEGER", "INT", "BIGINT", "NUMERIC", "DECIMAL(10,2)"]),
            (Kind::Real, true) => "REAL",
            (Kind::Real, false) => *self.rng.pick(&["REAL", "DOUBLE", "FLOAT"]),
            (Kind::Text, true) => "TEXT",
            (Kind::Text, false) => *self.rng.pick(&["TEXT", "VARCHAR(10)", "CLOB"]),
            (Kind::Blob, _) => "BLOB",
            (Kind::Any, true) => "ANY",
            (Kind::Any, false) => *self.rng.pick(&["", "", "ANYTHING"]),
        }
    }

    fn maybe_on_conflict(&mut self, percent: usize) -> String {
        if !self.rng.percent(percent) {
            return String::new();
        }
        let action = *self.rng.pick(&["IGNORE", "IGNORE", "REPLACE", "REPLACE", "FAIL", "ABORT", "ROLLBACK"]);
        format!(" ON CONFLICT {action}")
    }

    /// CREATE TABLE AS.
    fn create_table_as(&mut self) -> Step {
        self.aliases = 0;
        let name = self.fresh("t");
        let (query, mut columns) = self.derived_table();
        columns.iter_mut().for_each(|c| c.folded = false);
        let order: Vec<String> = (1..=columns.len()).map(|i| i.to_string()).collect();
        // The rows get their rowids in this order.
        let sql = format!("CREATE TABLE {name} AS SELECT * FROM ({query}) ORDER BY {} LIMIT 12", order.join(", "));
        self.model.tables.push(Table {
            database: "main",
            name,
            columns,
            identity: vec!["rowid".into()],
            unique: Vec::new(),
            strict: false,
            ordered_changes: false,
            view: false,
            writable_view: false,
            module: false,
        });
        Step::define(sql)
    }

    // ---- Indexes, views -----------------------------------------------------------------------------------------------

    /// CREATE INDEX, partial and on expressions too.
    pub fn create_index(&mut self) -> Step {
        let table = self.pick_base_table();
        let name = self.fresh("i");
        let scope = Scope::of("", &table.columns);
        let (mut parts, mut named) = (Vec::new(), Vec::new());
        for _ in 0..1 + self.rng.below(3) {
            let c = self.rng.pick(&table.columns).clone();
            // Of a column that is there twice SQLite counts one value too many where it analyzes by a limit.
            if named.contains(&c.name) {
                continue;
            }
            named.push(c.name.clone());
            let part = match self.rng.below(12) {
                0 => format!("length({})", c.name),
                1 => format!("lower({})", c.name),
                2 => self.indexable(&scope),
                3 if c.kind == Kind::Text => format!("{} COLLATE NOCASE", c.name),
                4 if c.kind == Kind::Text => format!("{} COLLATE RTRIM", c.name),
                5 if c.kind == Kind::Text => format!("+{}", c.name),
                _ => c.name.clone(),
            };
            // A literal is no expression that SQLite would index.
            let part = if part.trim_start_matches('(').starts_with('\'') || part.parse::<f64>().is_ok() {
                c.name
            } else {
                part
            };
            parts.push(if self.rng.percent(25) { format!("{part} DESC") } else { part });
        }
        let unique = if self.rng.percent(10) { "UNIQUE " } else { "" };
        let filter = if self.rng.percent(22) {
            let c = self.rng.pick(&table.columns).clone();
            match self.rng.below(4) {
                0 => format!(" WHERE {} IS NOT NULL", c.name),
                1 => format!(" WHERE {} > {}", c.name, self.literal(c.kind)),
                2 => format!(" WHERE {} = {}", c.name, self.literal(c.kind)),
                _ => format!(" WHERE {}", self.plain_condition(&scope)),
            }
        } else {
            String::new()
        };
        if !unique.is_empty() {
            self.table_mut(&table.name).ordered_changes = true;
        }
        let index = Named { database: table.database, name, table: table.name.clone() };
        let sql = format!("CREATE {unique}INDEX {} ON {}({}){filter}", index.path(), table.name, parts.join(", "));
        self.model.indexes.push(index);
        Step::define(sql)
    }

    /// A value that is the same when a row is stored and when it is read: the subtype of what is stored is gone by then.
    fn indexable(&mut self, scope: &Scope) -> String {
        self.plain_value(scope, 1).replace("subtype(", "typeof(")
    }

    /// CREATE VIEW.
    pub fn create_view(&mut self) -> Step {
        self.aliases = 0;
        let name = self.fresh("v");
        let temp = self.model.tables.iter().any(|t| t.database != "main");
        let (query, mut columns) = self.derived_table();
        let names = if self.rng.percent(40) {
            for (i, c) in columns.iter_mut().enumerate() {
                c.name = format!("v{i}");
            }
            let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            format!("({})", names.join(", "))
        } else {
            String::new()
        };
        let (word, database) = if temp { ("TEMP VIEW", "temp") } else { ("VIEW", "main") };
        self.model.tables.push(Table {
            database,
            name: name.clone(),
            columns,
            identity: Vec::new(),
            unique: Vec::new(),
            strict: false,
            ordered_changes: true,
            view: true,
            writable_view: false,
            module: false,
        });
        Step::define(format!("CREATE {word} {name}{names} AS {query}"))
    }

    // ---- Changes of the schema ----------------------------------------------------------------------------------------

    /// Any change of the schema in the middle of a script.
    pub fn schema_change(&mut self) -> Step {
        match self.rng.below(24) {
            0..=4 => self.create_index(),
            5 | 6 if !self.model.indexes.is_empty() => {
                let at = self.rng.below(self.model.indexes.len());
                let index = self.model.indexes.remove(at);
                Step::define(format!("DROP INDEX {}", index.path()))
            }
            7 | 8 if self.features.triggers => self.create_trigger(),
            9 if !self.model.triggers.is_empty() => {
                let at = self.rng.below(self.model.triggers.len());
                let trigger = self.model.triggers.remove(at);
                Step::define(format!("DROP TRIGGER {}", trigger.path()))
            }
            10 | 11 if self.features.views => self.create_view(),
            12 if self.features.modules && self.rng.percent(50) => self.create_space(),
            12 => self.create_table_as(),
            13 if self.features.temp => self.create_table("temp"),
            13 | 14 => self.create_table("main"),
            15 if self.model.tables.len() > 4 => {
                let at = self.rng.below(self.model.tables.len());
                let table = self.model.tables.remove(at);
                self.model.indexes.retain(|i| i.table != table.name);
                self.model.triggers.retain(|i| i.table != table.name);
                Step::define(format!("DROP {} {}", if table.view { "VIEW" } else { "TABLE" }, table.path()))
            }
            16..=18 if self.features.alter => self.alter_table(),
            19 => {
                self.model.analyzed = true;
                Step::define("ANALYZE".into())
            }
            20 if !self.model.indexes.is_empty() => {
                let index = self.rng.pick(&self.model.indexes).path();
                self.model.analyzed = true;
                Step::define(format!("{} {index}", self.rng.pick(&["REINDEX", "ANALYZE"])))
            }
            21 => {
                let table = self.pick_base_table().path();
                self.model.analyzed = true;
                Step::define(format!("{} {table}", self.rng.pick(&["REINDEX", "ANALYZE"])))
            }
            // Which tables are listed first depends on how their names are hashed; whether they have grown is not looked at.
            22 if self.rng.percent(40) => {
                let mask = *self.rng.pick(&["", "(2)", "(0x10002)", "(-1)", "(3)", "(1)", "(0xfffe)"]);
                let mask = if self.model.analyzed { "(1)" } else { mask };
                self.model.analyzed |= mask != "(1)";
                Step { order: Order::Free, ..Step::define(format!("PRAGMA optimize{mask}")) }
            }
            22 => Step::define((*self.rng.pick(&["REINDEX", "REINDEX nocase", "REINDEX rtrim"])).to_owned()),
            _ => self.create_index(),
        }
    }

    fn alter_table(&mut self) -> Step {
        let mut table = self.pick_base_table();
        let spaces: Vec<Table> = self.model.tables.iter().filter(|t| t.module).cloned().collect();
        let form = if !spaces.is_empty() && self.rng.percent(15) {
            table = self.rng.pick(&spaces).clone();
            4
        } else {
            self.rng.below(5)
        };
        let path = table.path();
        match form {
            4 => {
                let name = self.fresh("t");
                let old = table.name.clone();
                self.table_mut(&old).name.clone_from(&name);
                let (indexes, triggers) = (&mut self.model.indexes, &mut self.model.triggers);
                for one in indexes.iter_mut().chain(triggers).filter(|one| one.table == old) {
                    one.table.clone_from(&name);
                }
                Step::define(format!("ALTER TABLE {path} RENAME TO {name}"))
            }
            0 | 1 => {
                let name = self.fresh("n");
                let kind = *self.rng.pick(&[Kind::Integer, Kind::Text, Kind::Real]);
                let ty = self.type_name(kind, table.strict);
                let default = self.not_null_literal(kind);
                let tail = match self.rng.below(4) {
                    0 => format!(" DEFAULT {default}"),
                    1 => format!(" NOT NULL DEFAULT {default}"),
                    2 => format!(" CHECK ({name} IS NULL OR {name} <> 7)"),
                    _ => String::new(),
                };
                let column = Column { name: name.clone(), kind, folded: false, key: false, generated: false };
                self.table_mut(&table.name).columns.push(column);
                Step::define(format!("ALTER TABLE {path} ADD COLUMN {name} {ty}{tail}"))
            }
            // With triggers on a temporary table SQLite renames twice, and fails.
            2 if table.database != "temp" => {
                let c = self.rng.pick(&table.columns).clone();
                let name = self.fresh("r");
                let own = self.table_mut(&table.name);
                for column in own.columns.iter_mut().filter(|o| o.name == c.name) {
                    column.name.clone_from(&name);
                }
                for key in own.unique.iter_mut().chain(std::iter::once(&mut own.identity)) {
                    key.iter_mut().filter(|k| **k == c.name).for_each(|k| k.clone_from(&name));
                }
                Step::define(format!("ALTER TABLE {path} RENAME COLUMN {} TO {name}", c.name))
            }
            _ => {
                let c = self.rng.pick(&table.columns).clone();
                self.table_mut(&table.name).columns.retain(|o| o.name != c.name);
                Step::define(format!("ALTER TABLE {path} DROP COLUMN {}", c.name))
            }
        }
    }

    /// A pragma that shows something of the schema.
    pub fn show_schema(&mut self) -> Step {
        let table = self.pick_table();
        let index = if self.model.indexes.is_empty() {
            "none".to_owned()
        } else {
            self.rng.pick(&self.model.indexes).name.clone()
        };
        let t = table.name;
        let sql = match self.rng.below(14) {
            0 => format!("PRAGMA table_info({t})"),
            1 => format!("PRAGMA table_xinfo({t})"),
            2 => format!("PRAGMA index_list({t})"),
            3 => format!("PRAGMA index_info({index})"),
            4 => format!("PRAGMA index_xinfo({index})"),
            5 => format!("PRAGMA foreign_key_list({t})"),
            6 => "PRAGMA foreign_key_check".to_owned(),
            7 => "PRAGMA integrity_check".to_owned(),
            8 => "PRAGMA quick_check".to_owned(),
            9 => "PRAGMA user_version".to_owned(),
            10 => format!("PRAGMA user_version = {}", self.rng.below(100)),
            11 => format!(
                "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = '{t}' AND name NOT LIKE 'sqlite_stat%'"
            ),
            12 => "SELECT name, seq FROM sqlite_sequence".to_owned(),
            _ => format!("SELECT sql FROM sqlite_schema WHERE name = '{t}'"),
        };
        // SQLite checks the tables in the order of its hash table.
        let free = sql.starts_with("SELECT") || sql == "PRAGMA foreign_key_check";
        Step::other(sql, if free { Order::Free } else { Order::Kept })
    }
}
