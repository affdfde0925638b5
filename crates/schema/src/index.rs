//! Indexes.

use std::sync::{Arc, OnceLock};

use turso_error::Error;
use turso_parser::ast;
use turso_value::{Collation, KeyInfo};

/// An index, automatic ones included.
#[derive(Debug, Clone)]
pub struct Index {
    /// The name (`sqlite_autoindex_t_1` for automatic ones).
    pub name: Arc<str>,
    /// The table's name.
    pub table: Arc<str>,
    /// Root page.
    pub root: u32,
    /// The key as declared (for a WITHOUT ROWID table's primary key without repetitions).
    pub columns: Vec<IndexColumn>,
    /// What the entry holds after [`columns`](Self::columns): for a rowid table nothing (the rowid is implied last); for a WITHOUT
    /// ROWID table the primary key columns not yet in the key, and for its primary key all other columns.
    pub trailing: Vec<usize>,
    /// UNIQUE or PRIMARY KEY.
    pub unique: bool,
    /// Conflict clause of the constraint.
    pub conflict: Option<ast::ConflictResolution>,
    /// Its constraint said REPLACE where it was declared first: it is checked after the others, and after those to which only a
    /// repetition of the same key has given that clause.
    pub checked_last: bool,
    /// Where it comes from.
    pub origin: IndexOrigin,
    /// WHERE clause of a partial index.
    pub partial: Option<Arc<ast::Expr>>,
    /// The text stored in `sqlite_schema`; `None` for automatic indexes.
    pub sql: Option<Arc<str>>,
    /// Using this index fails with this error (unknown function or collation).
    pub broken: Option<Error>,
    /// How its entries sort, once somebody has asked.
    pub(crate) key: KnownKey,
}

/// What [`Table::shared_key_info`](crate::Table::shared_key_info) has worked out. A copy of an index, which may be changed,
/// knows nothing.
#[derive(Debug, Default)]
pub(crate) struct KnownKey(pub(crate) OnceLock<Arc<KeyInfo>>);

impl Clone for KnownKey {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Index {
    /// Let every column ascend: in a file of schema format 1 to 3 DESC was read and ignored.
    pub fn ascend(&mut self) {
        for column in &mut self.columns {
            column.descending = false;
        }
    }
}

/// One column of an index key.
#[derive(Debug, Clone)]
pub struct IndexColumn {
    /// What is indexed.
    pub key: IndexKey,
    /// Orders text.
    pub collation: Collation,
    /// Its name as written, where that is not how the collation spells it.
    pub collation_written: Option<Arc<str>>,
    /// DESC.
    pub descending: bool,
}

impl IndexColumn {
    /// The name of the collation, as it was written.
    pub fn collation_name(&self) -> &str {
        self.collation_written.as_deref().unwrap_or_else(|| self.collation.name())
    }
}

/// What an index column holds.
#[derive(Debug, Clone)]
pub enum IndexKey {
    /// A table column.
    Column(usize),
    /// The rowid.
    Rowid,
    /// An expression.
    Expr(Arc<ast::Expr>),
}

/// `PRAGMA index_list`'s origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexOrigin {
    /// CREATE INDEX: `c`.
    Created,
    /// UNIQUE constraint: `u`.
    Unique,
    /// PRIMARY KEY: `pk`.
    PrimaryKey,
}
