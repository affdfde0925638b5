//! The catalogue of one database: look-up, and the changes that make a new catalogue sharing the rest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use turso_value::{Affinity, TextEncoding};

use crate::index::Index;
use crate::names::FoldedName;
use crate::statistics::Statistics;
use crate::table::{Column, Relation, Table};
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
    /// This is the catalogue of `temp`: its schema table is `sqlite_temp_schema`.
    pub temporary: bool,
    /// Tables, views and virtual tables.
    pub tables: BTreeMap<FoldedName, Arc<Table>>,
    /// Indexes.
    pub indexes: BTreeMap<FoldedName, Arc<Index>>,
    /// Triggers.
    pub triggers: BTreeMap<FoldedName, Arc<Trigger>>,
    /// Contents of `sqlite_stat1` and `sqlite_stat4`, by table or index.
    pub statistics: BTreeMap<FoldedName, Statistics>,
    /// Tables and views that were ever added, for [`Table::sequence`].
    pub(crate) added: u32,
}

/// The columns of `sqlite_schema` with their types.
const SCHEMA_TABLE_COLUMNS: [(&str, &str); 5] =
    [("type", "TEXT"), ("name", "TEXT"), ("tbl_name", "TEXT"), ("rootpage", "INT"), ("sql", "TEXT")];

/// As many tables and views, the schema's own among them, are gone through newest first.
const FEW_TABLES: usize = 4;

impl Schema {
    /// Bytes that it takes, roughly.
    pub fn approximate_bytes(&self) -> u64 {
        let tables = self.tables.values().map(|table| size_of::<Table>() + size_of_val(&*table.columns));
        let others = self.indexes.len() * size_of::<Index>() + self.triggers.len() * size_of::<Trigger>();
        (tables.sum::<usize>() + others) as u64
    }

    /// The catalogue of an empty database: it has only the schema table, whose root is page 1.
    pub fn empty(temporary: bool) -> Self {
        let mut schema = Self {
            cookie: 0,
            generation: 0,
            file_format: 4,
            encoding: TextEncoding::default(),
            temporary,
            tables: BTreeMap::new(),
            indexes: BTreeMap::new(),
            triggers: BTreeMap::new(),
            statistics: BTreeMap::new(),
            added: 0,
        };
        let table = schema_table(temporary);
        schema.tables.insert(FoldedName::new(&table.name), Arc::new(table));
        schema
    }

    /// DESC in an index means nothing here: the file has an old schema format.
    pub fn ignores_descending(&self) -> bool {
        (1..4).contains(&self.file_format)
    }

    /// Table or view by name, as an unqualified name finds it. `sqlite_schema` and `sqlite_master` are one table.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        let folded = folded(name);
        let key = match &*folded {
            "sqlite_master" => "sqlite_schema",
            "sqlite_temp_master" => "sqlite_temp_schema",
            other => other,
        };
        self.tables.get(key)
    }

    /// Table or view by a name that was qualified with this database: `temp.sqlite_schema` is `sqlite_temp_schema`.
    pub fn qualified_table(&self, name: &str) -> Option<&Arc<Table>> {
        if self.temporary && (name.eq_ignore_ascii_case("sqlite_schema") || name.eq_ignore_ascii_case("sqlite_master"))
        {
            return self.tables.get("sqlite_temp_schema");
        }
        self.table(name)
    }

    /// What ANALYZE has found out about the table or index of this name.
    pub fn statistics_of(&self, name: &str) -> Option<&Statistics> {
        if self.statistics.is_empty() { None } else { self.statistics.get(&*folded(name)) }
    }

    /// Index by name.
    pub fn index(&self, name: &str) -> Option<&Arc<Index>> {
        self.indexes.get(&*folded(name))
    }

    /// Trigger by name.
    pub fn trigger(&self, name: &str) -> Option<&Arc<Trigger>> {
        self.triggers.get(&*folded(name))
    }

    /// Triggers of this schema that watch the table, in SQLite's firing order (the newest first).
    pub fn triggers_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Arc<Trigger>> {
        let mut found: Vec<&Arc<Trigger>> =
            self.triggers.values().filter(|t| t.table.eq_ignore_ascii_case(table)).collect();
        found.sort_by_key(|t| std::cmp::Reverse(t.sequence));
        found.into_iter()
    }

    /// Indexes of the table by name.
    pub fn indexes_of(&self, table: &str) -> &[Arc<Index>] {
        self.table(table).map_or(&[], |t| t.indexes.as_slice())
    }

    /// This catalogue without a table (or view), its indexes and its triggers.
    #[must_use]
    pub fn without_table(&self, name: &str) -> Self {
        let mut schema = self.clone();
        if let Some(table) = schema.tables.remove(name.to_ascii_lowercase().as_str()) {
            for index in &table.indexes {
                schema.indexes.remove(index.name.to_ascii_lowercase().as_str());
                schema.statistics.remove(index.name.to_ascii_lowercase().as_str());
            }
        }
        schema.statistics.remove(name.to_ascii_lowercase().as_str());
        // A temporary trigger on another schema's table of the same name watches that one.
        schema
            .triggers
            .retain(|_, t| t.table_schema.is_some() || !t.on_own_table || !t.table.eq_ignore_ascii_case(name));
        schema
    }

    /// This catalogue without an index.
    #[must_use]
    pub fn without_index(&self, name: &str) -> Self {
        let mut schema = self.clone();
        if let Some(index) = schema.indexes.remove(name.to_ascii_lowercase().as_str())
            && let Some(table) = schema.tables.get_mut(index.table.to_ascii_lowercase().as_str())
        {
            Arc::make_mut(table).indexes.retain(|i| !i.name.eq_ignore_ascii_case(name));
        }
        schema.statistics.remove(name.to_ascii_lowercase().as_str());
        schema
    }

    /// This catalogue after a tree has moved to another root page (auto-vacuum).
    #[must_use]
    pub fn with_moved_root(&self, from: u32, to: u32) -> Self {
        let mut schema = self.clone();
        for table in schema.tables.values_mut() {
            if table.root != from && table.indexes.iter().all(|index| index.root != from) {
                continue;
            }
            let table = Arc::make_mut(table);
            if table.root == from {
                table.root = to;
            }
            for index in table.indexes.iter_mut().filter(|index| index.root == from) {
                Arc::make_mut(index).root = to;
                schema.indexes.insert(FoldedName::new(&index.name), index.clone());
            }
        }
        schema
    }

    /// This catalogue without a trigger.
    #[must_use]
    pub fn without_trigger(&self, name: &str) -> Self {
        let mut schema = self.clone();
        schema.triggers.remove(name.to_ascii_lowercase().as_str());
        schema
    }

    /// Tables and views in the order in which `integrity_check`, ANALYZE and lists of tables go through them: the newest first where
    /// there are few, as in SQLite. Of more its order is that of a hash table, on which nobody can rely; here they come by name.
    pub fn tables_in_order(&self) -> Vec<&Arc<Table>> {
        let mut tables: Vec<&Arc<Table>> = self.tables.values().collect();
        if tables.len() <= FEW_TABLES {
            tables.sort_by_key(|table| std::cmp::Reverse(table.sequence));
        }
        tables
    }

    /// The largest sequence number of a trigger, for the next one.
    pub(crate) fn last_trigger_sequence(&self) -> u32 {
        self.triggers.values().map(|t| t.sequence).max().unwrap_or(0)
    }
}

/// The name as it is a key of the maps; most names are written so already.
fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// `sqlite_schema` (or `sqlite_temp_schema`) as a table.
fn schema_table(temporary: bool) -> Table {
    let name: Arc<str> = if temporary { "sqlite_temp_schema".into() } else { "sqlite_schema".into() };
    let sql = "CREATE TABLE x(type text,name text,tbl_name text,rootpage int,sql text)";
    let columns = SCHEMA_TABLE_COLUMNS
        .iter()
        .map(|(column, declared)| {
            let affinity = if *declared == "INT" { Affinity::Integer } else { Affinity::Text };
            Column::plain(*column, Some((*declared).into()), affinity)
        })
        .collect();
    Table { root: 1, columns, ..Table::bare(name, Relation::Rowid, sql) }
}
