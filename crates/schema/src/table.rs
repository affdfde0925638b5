//! Tables and views: columns, keys, constraints.

use std::sync::Arc;

use turso_error::Error;
use turso_parser::ast;
use turso_value::{Affinity, Collation};

use crate::index::{Index, IndexColumn};

/// A table, view or virtual table.
#[derive(Debug, Clone)]
pub struct Table {
    /// The name as written.
    pub name: Arc<str>,
    /// What it is.
    pub relation: Relation,
    /// Root page; 0 for views and virtual tables.
    pub root: u32,
    /// Columns in declaration order, generated ones included. Empty for a view until it has been expanded.
    pub columns: Vec<Column>,
    /// The column that is another name for the rowid (`INTEGER PRIMARY KEY`).
    pub rowid_alias: Option<usize>,
    /// The rowid alias is declared AUTOINCREMENT.
    pub autoincrement: bool,
    /// Columns of the PRIMARY KEY in key order (also of a rowid alias); empty without one.
    pub primary_key: Vec<IndexColumn>,
    /// What to do when the rowid alias collides and the statement says nothing.
    pub primary_key_conflict: Option<ast::ConflictResolution>,
    /// STRICT.
    pub strict: bool,
    /// Indexes in the order in which SQLite keeps them (that of `PRAGMA index_list` reversed: order of creation). For a
    /// WITHOUT ROWID table the first is the PRIMARY KEY and its root is the table's.
    pub indexes: Vec<Arc<Index>>,
    /// CHECK constraints in order.
    pub checks: Vec<Check>,
    /// Foreign keys declared here (child side), in the order of `PRAGMA foreign_key_list` reversed: order of declaration.
    pub foreign_keys: Vec<ForeignKey>,
    /// The statement's text as stored in `sqlite_schema`.
    pub sql: Arc<str>,
    /// Reading or writing this element fails with this error; other elements are not affected.
    pub broken: Option<Error>,
}

/// What a [`Table`] is.
#[derive(Debug, Clone)]
pub enum Relation {
    /// Rows keyed by rowid.
    Rowid,
    /// Rows keyed by the PRIMARY KEY, in an index tree.
    WithoutRowid,
    /// A view: its explicit column names and its query.
    View {
        /// `CREATE VIEW v(a, b)`.
        columns: Option<Vec<Arc<str>>>,
        /// The defining query.
        select: Arc<ast::Select>,
    },
    /// A virtual table: module and raw arguments.
    Virtual {
        /// Module name.
        module: Arc<str>,
        /// Arguments as written.
        arguments: Vec<Arc<str>>,
    },
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The name as written.
    pub name: Arc<str>,
    /// The declared type as written, without constraints; `None` when there is none.
    pub declared_type: Option<Arc<str>>,
    /// By the rules of `datatype3.html` section 3.1 (BLOB for no type).
    pub affinity: Affinity,
    /// Declared collation, BINARY by default.
    pub collation: Collation,
    /// NOT NULL, with its conflict clause.
    pub not_null: Option<Option<ast::ConflictResolution>>,
    /// DEFAULT expression.
    pub default: Option<Arc<ast::Expr>>,
    /// The DEFAULT as written, for `table_info`.
    pub default_text: Option<Arc<str>>,
    /// GENERATED ALWAYS AS.
    pub generated: Option<Generated>,
    /// Position in the PRIMARY KEY from 1, else 0.
    pub primary_key_position: u16,
    /// Required type in a STRICT table.
    pub strict_type: StrictType,
    /// HIDDEN (virtual tables).
    pub hidden: bool,
}

/// A generated column's expression.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The expression.
    pub expr: Arc<ast::Expr>,
    /// STORED rather than VIRTUAL.
    pub stored: bool,
}

/// A declared type in a STRICT table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StrictType { Any, Blob, Int, Integer, Real, Text }

/// A CHECK constraint.
#[derive(Debug, Clone)]
pub struct Check {
    /// `CONSTRAINT name`, if given.
    pub name: Option<Arc<str>>,
    /// The condition.
    pub expr: Arc<ast::Expr>,
    /// Its source text, for the error message.
    pub text: Arc<str>,
}

/// A foreign key of a child table.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    /// Child columns.
    pub columns: Vec<usize>,
    /// Parent table.
    pub parent: Arc<str>,
    /// Parent columns as written; `None` means the parent's primary key.
    pub parent_columns: Option<Vec<Arc<str>>>,
    /// ON DELETE.
    pub on_delete: ForeignKeyAction,
    /// ON UPDATE.
    pub on_update: ForeignKeyAction,
    /// DEFERRABLE INITIALLY DEFERRED.
    pub deferred: bool,
}

/// A foreign key's action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ForeignKeyAction { NoAction, Restrict, SetNull, SetDefault, Cascade }

impl Table {
    /// The column with this name (ASCII case folded).
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name))
    }
    /// Rows have a rowid.
    pub fn has_rowid(&self) -> bool {
        matches!(self.relation, Relation::Rowid)
    }
    /// A view.
    pub fn is_view(&self) -> bool {
        matches!(self.relation, Relation::View { .. })
    }
}
