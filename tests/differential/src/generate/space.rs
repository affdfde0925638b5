//! Tables of the module `rtree`: boxes with numbers, in one or two dimensions.
//!
//! To queries they are tables as others; changes have statements of their own, since such tables have neither indexes nor triggers.

use super::model::{Column, Kind, Table};
use super::{Generator, Step};

impl Generator {
    /// CREATE VIRTUAL TABLE.
    pub fn create_space(&mut self) -> Step {
        let name = self.fresh("rt");
        let module = *self.rng.pick(&["rtree", "rtree", "rtree", "rtree_i32"]);
        let mut names = vec!["id", "x0", "x1"];
        if self.rng.percent(50) {
            names.extend(["y0", "y1"]);
        }
        let own = if self.rng.percent(35) { ", +note" } else { "" };
        let sql = format!("CREATE VIRTUAL TABLE {name} USING {module}({}{own})", names.join(", "));
        let column = |name: &str, kind, key| Column { name: name.into(), kind, folded: false, key, generated: false };
        let kind = if module == "rtree" { Kind::Real } else { Kind::Integer };
        let mut columns = vec![column("id", Kind::Integer, true)];
        columns.extend(names[1..].iter().map(|name| column(name, kind, false)));
        if !own.is_empty() {
            columns.push(column("note", Kind::Any, false));
        }
        self.model.tables.push(Table {
            database: "main",
            name,
            columns,
            identity: vec!["rowid".into()],
            unique: Vec::new(),
            strict: false,
            ordered_changes: true,
            view: false,
            writable_view: false,
            module: true,
        });
        Step::define(sql)
    }

    /// The numbers of one dimension, mostly the lesser one first.
    fn extent(&mut self) -> (String, String) {
        if self.rng.percent(8) {
            return (self.literal(Kind::Any), self.literal(Kind::Real));
        }
        let (from, length) = (self.rng.below(20) as i64 - 6, self.rng.below(6) as i64 - i64::from(self.rng.percent(4)));
        let fraction = *self.rng.pick(&["", "", ".5", ".25", ".1"]);
        (format!("{from}{fraction}"), format!("{}{}", from + length, if length > 0 { "" } else { fraction }))
    }

    /// One row for the named columns.
    fn place(&mut self, table: &Table) -> String {
        let mut values = vec![if self.rng.percent(15) { "NULL".into() } else { self.rng.below(40).to_string() }];
        let dimensions = (table.columns.len() - 1) / 2;
        for _ in 0..dimensions {
            let (from, to) = self.extent();
            values.push(from);
            values.push(to);
        }
        if table.columns.len().is_multiple_of(2) {
            values.push(self.literal(Kind::Any));
        }
        format!("({})", values.join(", "))
    }

    /// INSERT, UPDATE or DELETE.
    pub fn change_space(&mut self, table: &Table) -> Step {
        let name = &table.name;
        let or = *self.rng.pick(&["", "", "", " OR IGNORE", " OR REPLACE", " OR FAIL", " OR ABORT", " OR ROLLBACK"]);
        let key = self.rng.below(40);
        let narrow = match self.rng.below(4) {
            0 | 1 => format!("id = {key}"),
            2 => format!("x0 > {} AND x1 < {}", self.rng.below(12), self.rng.below(16)),
            _ => format!("id IN ({key}, {}, {})", key + 1, self.rng.below(40)),
        };
        let sql = match self.rng.below(14) {
            0 => format!("UPDATE{or} {name} SET id = {} WHERE id = {key}", self.rng.below(40)),
            1 => format!("UPDATE {name} SET x0 = x0 - 1 WHERE {narrow}"),
            2 => format!("UPDATE {name} SET x1 = x1 + {} WHERE {narrow}", self.rng.below(4) as i64 - 1),
            3 if table.columns.len().is_multiple_of(2) => {
                format!("UPDATE {name} SET note = {} WHERE {narrow}", self.literal(Kind::Any))
            }
            4 | 5 => format!("DELETE FROM {name} WHERE {narrow}"),
            6 => {
                let source = self.pick_base_table();
                let column = self.rng.pick(&source.columns).name.clone();
                format!(
                    "INSERT{or} INTO {name}(x0, x1) SELECT length({column}), 30 FROM {} ORDER BY 1 LIMIT 4",
                    source.path()
                )
            }
            7 if self.rng.percent(20) => {
                format!("INSERT INTO {name} VALUES {} ON CONFLICT DO NOTHING", self.place(table))
            }
            _ => {
                let most = if self.rng.percent(10) { 60 } else { 4 };
                let count = 1 + self.rng.below(most);
                let rows: Vec<String> = (0..count).map(|_| self.place(table)).collect();
                format!("INSERT{or} INTO {name} VALUES {}", rows.join(", "))
            }
        };
        let returning = self.features.returning && self.rng.percent(10) && !sql.contains("ON CONFLICT");
        Step::change(if returning { format!("{sql} RETURNING *") } else { sql })
    }
}
