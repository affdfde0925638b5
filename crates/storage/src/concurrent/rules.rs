//! What a replay must know of the schema. Nothing here is SQL: roots, fields of records, how keys compare.

use std::collections::HashMap;
use std::sync::Arc;

use turso_value::{Affinity, Collation, TextEncoding, Value};

use crate::btree::CursorKind;

/// The rules for one replay.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// By root page: the trees of every table that the transaction has changed.
    pub trees: HashMap<u32, TreeRule>,
    /// The foreign keys in which these tables are children or parents, if they are enforced.
    pub foreign_keys: Vec<ForeignKeyRule>,
    /// The encoding of text in records.
    pub encoding: TextEncoding,
}

/// What a tree holds.
#[derive(Debug, Clone)]
pub struct TreeRule {
    /// The table.
    pub table: Arc<str>,
    /// How its entries are ordered.
    pub kind: CursorKind,
    /// What its entries are.
    pub role: TreeRole,
}

/// What the entries of a tree are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeRole {
    /// Rows of the table.
    Rows,
    /// The counters of AUTOINCREMENT, which merge: by table name, to the greater number.
    Sequence,
    /// Entries of an index. No two have the same first `unique` columns, unless one of these is NULL; 0: any may.
    Index {
        /// The index.
        name: Arc<str>,
        /// How many columns are unique.
        unique: usize,
    },
}

/// Where a column's value is found in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// It is the rowid.
    Rowid,
    /// In the record, at this position; the value where the record is too short.
    At(usize, Value),
    /// It is not stored: what depends on it cannot be judged here.
    Computed,
}

/// A foreign key between two tables.
#[derive(Debug, Clone)]
pub struct ForeignKeyRule {
    /// The child's tree, how it is ordered, and its columns.
    pub child: u32,
    /// How the child's rows are ordered.
    pub child_kind: CursorKind,
    /// The child's columns, in the order of the key.
    pub child_fields: Vec<Field>,
    /// An index of the child that begins with the key's columns, and for each of its first columns the position in the key.
    pub child_index: Option<(u32, CursorKind, Vec<usize>)>,
    /// The child table.
    pub child_table: Arc<str>,
    /// The parent's tree.
    pub parent: u32,
    /// The parent's columns, in the order of the key.
    pub parent_fields: Vec<Field>,
    /// How a parent is found by its key.
    pub parent_key: ParentKey,
    /// The parent table.
    pub parent_table: Arc<str>,
    /// What the parent's columns make of values, by position in the key.
    pub affinities: Vec<Affinity>,
    /// How the parent's columns compare text, by position in the key.
    pub collations: Vec<Collation>,
}

/// How a parent row is found.
#[derive(Debug, Clone)]
pub enum ParentKey {
    /// By rowid.
    Rowid,
    /// By a unique index: its root, its order, and for each of its columns the position in the key.
    Index(u32, CursorKind, Vec<usize>),
}
