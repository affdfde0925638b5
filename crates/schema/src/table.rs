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
    /// Its place in the order in which tables and views came into the catalogue.
    pub sequence: u32,
    /// An imposter: its tree belongs to another table or index.
    pub imposter: bool,
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
    /// Its name as written, where that is not how the collation spells it.
    pub collation_written: Option<Arc<str>>,
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

impl Column {
    /// The name of the collation, as it was written.
    pub fn collation_name(&self) -> &str {
        self.collation_written.as_deref().unwrap_or_else(|| self.collation.name())
    }

    /// A column of this declared type without constraints, collated as BINARY.
    pub fn plain(name: impl Into<Arc<str>>, declared_type: Option<Arc<str>>, affinity: Affinity) -> Self {
        Self {
            name: name.into(),
            declared_type,
            affinity,
            collation: Collation::Binary,
            collation_written: None,
            not_null: None,
            default: None,
            default_text: None,
            generated: None,
            primary_key_position: 0,
            strict_type: StrictType::Any,
            hidden: false,
        }
    }
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
pub enum StrictType {
    Any,
    Blob,
    Int,
    Integer,
    Real,
    Text,
}

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
pub enum ForeignKeyAction {
    NoAction,
    Restrict,
    SetNull,
    SetDefault,
    Cascade,
}

impl Table {
    /// A table of this kind without columns, constraints and tree.
    pub fn bare(name: impl Into<Arc<str>>, relation: Relation, sql: &str) -> Self {
        Self {
            name: name.into(),
            relation,
            root: 0,
            columns: Vec::new(),
            rowid_alias: None,
            autoincrement: false,
            primary_key: Vec::new(),
            primary_key_conflict: None,
            strict: false,
            indexes: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            sql: sql.into(),
            broken: None,
            sequence: 0,
            imposter: false,
        }
    }

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

impl Table {
    /// The tree that holds the rows of a WITHOUT ROWID table.
    pub fn primary_key_index(&self) -> Option<&Arc<Index>> {
        if self.has_rowid() { None } else { self.indexes.iter().find(|i| i.origin == crate::IndexOrigin::PrimaryKey) }
    }

    /// A virtual table.
    pub fn is_virtual(&self) -> bool {
        matches!(self.relation, Relation::Virtual { .. })
    }

    /// The column is computed when read and has no field in the record.
    pub fn is_computed(&self, column: usize) -> bool {
        self.columns.get(column).and_then(|c| c.generated.as_ref()).is_some_and(|g| !g.stored)
    }

    /// The columns that have a field in the record of a row, in the order of the fields: for a rowid table the declaration
    /// order, for a WITHOUT ROWID table the primary key first. Virtual generated columns have none.
    pub fn stored_columns(&self) -> Vec<usize> {
        match self.primary_key_index() {
            Some(primary) => primary
                .columns
                .iter()
                .filter_map(|c| match c.key {
                    crate::IndexKey::Column(i) => Some(i),
                    _ => None,
                })
                .chain(primary.trailing.iter().copied())
                .collect(),
            None => (0..self.columns.len()).filter(|&i| !self.is_computed(i)).collect(),
        }
    }

    /// Position of a column's field in the record; `None` for virtual generated columns.
    pub fn field_of(&self, column: usize) -> Option<usize> {
        if self.has_rowid() {
            if self.is_computed(column) {
                return None;
            }
            return Some((0..column).filter(|&i| !self.is_computed(i)).count());
        }
        self.stored_columns().iter().position(|&c| c == column)
    }

    /// The indexes, the newest first: SQLite's order for constraint checks and `PRAGMA index_list`. The primary key of a WITHOUT
    /// ROWID table, which leads [`Table::indexes`], stands at the place that the number in its name gives.
    pub fn indexes_newest_first(&self) -> Vec<&Arc<Index>> {
        let mut order: Vec<&Arc<Index>> = self.indexes.iter().collect();
        if let Some(primary) = self.primary_key_index()
            && let Some(number) = primary.name.rsplit('_').next().and_then(|n| n.parse::<usize>().ok())
            && !order.is_empty()
        {
            let first = order.remove(0);
            order.insert(number.saturating_sub(1).min(order.len()), first);
        }
        order.reverse();
        // Those that REPLACE are checked last: they delete rows, and the others may still refuse.
        order.sort_by_key(|i| i.checked_last);
        order.sort_by_key(|i| i.conflict == Some(ast::ConflictResolution::Replace));
        order
    }

    /// Let every key ascend, as in files of an old schema format.
    pub(crate) fn ascend(&mut self) {
        for column in &mut self.primary_key {
            column.descending = false;
        }
        for index in &mut self.indexes {
            Arc::make_mut(index).ascend();
        }
    }

    /// [`key_info`](Self::key_info), worked out once for all statements. Collations of the application are only named in it.
    pub fn shared_key_info(&self, index: &Index, encoding: turso_value::TextEncoding) -> Arc<turso_value::KeyInfo> {
        let known = index.key.0.get_or_init(|| Arc::new(self.key_info(index, encoding)));
        if known.encoding == encoding { known.clone() } else { Arc::new(self.key_info(index, encoding)) }
    }

    /// How the entries of one of this table's indexes sort: its key, then what follows it. For a rowid table that is the rowid;
    /// for a WITHOUT ROWID table the rest of its primary key. Two entries with this whole key equal are the same entry.
    pub fn key_info(&self, index: &Index, encoding: turso_value::TextEncoding) -> turso_value::KeyInfo {
        let plain = |c: &IndexColumn| turso_value::KeyColumn {
            collation: c.collation.clone(),
            descending: c.descending,
            nulls_big: false,
        };
        let mut columns: Vec<turso_value::KeyColumn> = index.columns.iter().map(plain).collect();
        if self.has_rowid() {
            columns.push(turso_value::KeyColumn { collation: Collation::Binary, descending: false, nulls_big: false });
        } else if !self.primary_key_index().is_some_and(|p| p.name.eq_ignore_ascii_case(&index.name)) {
            for &column in &index.trailing {
                let key = self.primary_key.iter().find(|c| matches!(c.key, crate::IndexKey::Column(i) if i == column));
                columns.push(turso_value::KeyColumn {
                    collation: key.map_or(Collation::Binary, |k| k.collation.clone()),
                    // Entries of automatic indexes always ascend in their trailing part; CREATE INDEX takes the direction over.
                    descending: index.origin == crate::IndexOrigin::Created && key.is_some_and(|k| k.descending),
                    nulls_big: false,
                });
            }
        }
        turso_value::KeyInfo { columns, encoding }
    }
}
