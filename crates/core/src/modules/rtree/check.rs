//! What is wrong with a tree: for `integrity_check` and for `rtreecheck()`.
//!
//! The bytes of nodes are read here by their own rules, not by those of scans: a node that a scan refuses as a whole is
//! looked at as far as it goes, and every problem is told, up to a limit.

use std::fmt::Write;

use turso_error::{Error, Result};
use turso_schema::Relation;
use turso_value::Value;

use super::node::{Bounds, Layout, MAX_DEPTH, MAX_DIMENSIONS, Numbers};
use super::store::{Sql, Store};
use crate::connection::State;

/// No more problems are told.
const MAX_PROBLEMS: usize = 100;

struct Check<'a> {
    layout: Layout,
    store: &'a Store,
    problems: Vec<String>,
    leaves: i64,
    children: i64,
}

/// Everything that is wrong, line by line; `None` when nothing is.
pub(super) fn check(layout: Layout, store: &Store, state: &mut State) -> Result<Option<String>> {
    let mut check = Check { layout, store, problems: Vec::new(), leaves: 0, children: 0 };
    check.nodes(state)?;
    check.counts(state)?;
    Ok((!check.problems.is_empty()).then(|| check.problems.join("\n")))
}

/// `rtreecheck(T)` and `rtreecheck(DATABASE, T)`.
pub(in crate::modules) fn rtreecheck(state: &mut State, arguments: &[Value]) -> Result<Value> {
    let (database, table) = match arguments {
        [table] => ("main".to_owned(), text(table)),
        [database, table] => (text(database), text(table)),
        _ => return Err(Error::sql("wrong number of arguments to function rtreecheck()")),
    };
    let (shape, auxiliary) = match shape(state, &database, &table) {
        Some((_, columns, Some(found))) if columns >= 3 => found,
        Some(_) => return Ok(Value::text("Schema corrupt or not an rtree")),
        None => return Err(Error::from_code(turso_error::ResultCode::ERROR)),
    };
    let store = Store::new(&database, &table, auxiliary);
    let found = check(shape, &store, state)?;
    Ok(Value::text(found.unwrap_or_else(|| "ok".into())))
}

fn text(value: &Value) -> String {
    let mut text = Vec::new();
    value.as_ref().write_text(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

type Shape = (Layout, usize);

/// What the catalogue says of a table that should be an R-Tree: its name, how many columns it has, and its layout with the
/// number of auxiliary columns. `None` where a table is missing.
fn shape(state: &State, database: &str, table: &str) -> Option<(String, usize, Option<Shape>)> {
    let db = state.databases.iter().find(|db| db.name.eq_ignore_ascii_case(database))?;
    let schema = db.schema.as_ref()?;
    let found = schema.table(table)?;
    let shadow = |suffix: &str| schema.table(&format!("{table}_{suffix}"));
    let (numbers, columns) = match &found.relation {
        Relation::Virtual { module, arguments } => {
            let integers = module.eq_ignore_ascii_case("rtree_i32");
            (if integers { Numbers::Integer } else { Numbers::Real }, arguments.len())
        }
        _ => (Numbers::Real, found.columns.len()),
    };
    let Some(rowid) = shadow("rowid") else {
        return Some((table.into(), columns, None));
    };
    shadow("node").and(shadow("parent"))?;
    let auxiliary = rowid.columns.len().saturating_sub(2);
    let dimensions = columns.saturating_sub(1 + auxiliary) / 2;
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Some((table.into(), columns, None));
    }
    Some((table.into(), columns, Some((Layout { dimensions, numbers, node_size: 0 }, auxiliary))))
}

impl Check<'_> {
    fn tell(&mut self, problem: std::fmt::Arguments<'_>) {
        if self.problems.len() < MAX_PROBLEMS {
            let mut text = String::new();
            let _ = text.write_fmt(problem);
            self.problems.push(text);
        }
    }

    /// The whole tree, from the root.
    fn nodes(&mut self, state: &mut State) -> Result<()> {
        let mut stack = vec![(1i64, None::<usize>, None::<Bounds>)];
        while let Some((no, height, outer)) = stack.pop() {
            let Value::Blob(bytes) = self.store.get(state, Sql::ReadNode, &[Value::Integer(no)])? else {
                self.tell(format_args!("Node {no} missing from database"));
                continue;
            };
            let length = bytes.len();
            let Some((&[d0, d1, c0, c1], cells)) = bytes.split_first_chunk::<4>() else {
                self.tell(format_args!("Node {no} is too small ({length} bytes)"));
                continue;
            };
            let height = height.unwrap_or(usize::from(u16::from_be_bytes([d0, d1])));
            if height > MAX_DEPTH {
                self.tell(format_args!("Rtree depth out of range ({height})"));
                continue;
            }
            let count = usize::from(u16::from_be_bytes([c0, c1]));
            if cells.len() < count * self.layout.entry_size() {
                self.tell(format_args!("Node {no} is too small for cell count of {count} ({length} bytes)"));
                continue;
            }
            let mut below = Vec::new();
            for (i, cell) in cells.chunks_exact(self.layout.entry_size()).take(count).enumerate() {
                let Some(entry) = self.layout.decode_entry(cell) else { continue };
                self.sides((no, i), &entry.bounds, outer.as_ref());
                let sql = if height == 0 { Sql::ReadRowid } else { Sql::ReadParent };
                self.place(state, sql, entry.id, no)?;
                match height.checked_sub(1) {
                    None => self.leaves += 1,
                    Some(height) => {
                        self.children += 1;
                        below.push((entry.id, Some(height), Some(entry.bounds)));
                    }
                }
            }
            // A node that is its own ancestor ends with the height that is left; many paths to one node end with the
            // number of problems that this makes.
            if self.problems.len() < MAX_PROBLEMS {
                stack.extend(below.into_iter().rev());
            }
        }
        Ok(())
    }

    /// A box is a box, and lies within that of its parent.
    fn sides(&mut self, (no, cell): (i64, usize), bounds: &Bounds, outer: Option<&Bounds>) {
        for d in 0..self.layout.dimensions {
            let (low, high) = (bounds[d * 2], bounds[d * 2 + 1]);
            if low > high {
                self.tell(format_args!("Dimension {d} of cell {cell} on node {no} is corrupt"));
            }
            if outer.is_some_and(|outer| low < outer[d * 2] || high > outer[d * 2 + 1]) {
                self.tell(format_args!("Dimension {d} of cell {cell} on node {no} is corrupt relative to parent"));
            }
        }
    }

    /// The table that says where an entry lies says so.
    fn place(&mut self, state: &mut State, sql: Sql, id: i64, no: i64) -> Result<()> {
        let table = if sql == Sql::ReadRowid { "%_rowid" } else { "%_parent" };
        match self.store.get(state, sql, &[Value::Integer(id)])? {
            Value::Integer(found) if found == no => {}
            Value::Null => self.tell(format_args!("Mapping ({id} -> {no}) missing from {table} table")),
            other => {
                let found = other.to_integer();
                self.tell(format_args!("Found ({id} -> {found}) in {table} table, expected ({id} -> {no})"));
            }
        }
        Ok(())
    }

    fn counts(&mut self, state: &mut State) -> Result<()> {
        let counts = [(Sql::CountRowids, self.leaves, "_rowid"), (Sql::CountParents, self.children, "_parent")];
        for (sql, expected, table) in counts {
            let actual = self.store.get(state, sql, &[])?.to_integer();
            if actual != expected {
                self.tell(format_args!(
                    "Wrong number of entries in %{table} table - expected {expected}, actual {actual}"
                ));
            }
        }
        Ok(())
    }
}
