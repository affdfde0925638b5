//! The catalogue of one database.

use std::collections::BTreeMap;
use std::sync::Arc;

use turso_value::TextEncoding;

use crate::index::Index;
use crate::names::FoldedName;
use crate::table::Table;
use crate::trigger::Trigger;

/// All elements of one database at one schema version.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The schema cookie of the file (header offset 40) that this was read under.
    pub cookie: u32,
    /// Counts the times this connection's view of the catalogue changed without the cookie (temp triggers, ROLLBACK).
    pub generation: u32,
    /// Schema format number (header offset 44), 1 to 4.
    pub file_format: u32,
    /// Encoding of text in records.
    pub encoding: TextEncoding,
    /// Tables, views and virtual tables.
    pub tables: BTreeMap<FoldedName, Arc<Table>>,
    /// Indexes.
    pub indexes: BTreeMap<FoldedName, Arc<Index>>,
    /// Triggers.
    pub triggers: BTreeMap<FoldedName, Arc<Trigger>>,
    /// Contents of `sqlite_stat1` and `sqlite_stat4`, by table or index.
    pub statistics: BTreeMap<FoldedName, Statistics>,
}

/// What ANALYZE found out about one index, or about a table without one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Number of rows.
    pub rows: u64,
    /// Average number of rows per distinct prefix of 1, 2, … columns.
    pub per_prefix: Vec<u64>,
    /// `unordered` was given.
    pub unordered: bool,
    /// `noskipscan` was given.
    pub no_skip_scan: bool,
}

impl Schema {
    /// Table or view by name.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name.to_ascii_lowercase().as_str())
    }
    /// Index by name.
    pub fn index(&self, name: &str) -> Option<&Arc<Index>> {
        self.indexes.get(name.to_ascii_lowercase().as_str())
    }
    /// Trigger by name.
    pub fn trigger(&self, name: &str) -> Option<&Arc<Trigger>> {
        self.triggers.get(name.to_ascii_lowercase().as_str())
    }
    /// Triggers of this schema that watch the table, in SQLite's firing order (the newest first).
    pub fn triggers_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Arc<Trigger>> {
        self.triggers.values().filter(move |t| t.table.eq_ignore_ascii_case(table))
    }
}
