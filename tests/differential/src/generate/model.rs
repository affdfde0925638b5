//! What the generator knows about the schema that its script has built so far.

/// What a column mostly holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Integer,
    /// Numbers with a fraction.
    Real,
    /// Text.
    Text,
    /// Blobs.
    Blob,
    /// Anything.
    Any,
}

/// A column of a table, view or subquery.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it mostly holds.
    pub kind: Kind,
    /// Its collation is not BINARY.
    pub folded: bool,
    /// Part of a key: changing it may violate a constraint.
    pub key: bool,
    /// Computed from others.
    pub generated: bool,
}

/// A table or view.
#[derive(Debug, Clone)]
pub struct Table {
    /// The database it is in.
    pub database: &'static str,
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Columns that tell its rows apart: `rowid`, or a primary key without NULLs.
    pub identity: Vec<String>,
    /// Column lists that an upsert can name.
    pub unique: Vec<Vec<String>>,
    /// STRICT.
    pub strict: bool,
    /// The order in which its rows are changed can be seen: it has triggers, keys or references.
    pub ordered_changes: bool,
    /// A view; with an INSTEAD OF trigger it can be written.
    pub view: bool,
    /// Has INSTEAD OF triggers for all changes.
    pub writable_view: bool,
    /// Of a module: no indexes, no triggers.
    pub module: bool,
}

impl Table {
    /// Its name as a statement writes it.
    pub fn path(&self) -> String {
        if self.database == "main" { self.name.clone() } else { format!("{}.{}", self.database, self.name) }
    }

    /// The columns that can be assigned.
    pub fn writable(&self) -> Vec<Column> {
        self.columns.iter().filter(|c| !c.generated).cloned().collect()
    }
}

/// A name with the database it lives in: an index, a trigger.
#[derive(Debug, Clone)]
pub struct Named {
    /// The database.
    pub database: &'static str,
    /// The name.
    pub name: String,
    /// The table it belongs to.
    pub table: String,
}

impl Named {
    /// Its name as a statement writes it.
    pub fn path(&self) -> String {
        if self.database == "main" { self.name.clone() } else { format!("{}.{}", self.database, self.name) }
    }
}

/// The schema as the script has built it.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Tables and views.
    pub tables: Vec<Table>,
    /// Indexes.
    pub indexes: Vec<Named>,
    /// Triggers.
    pub triggers: Vec<Named>,
    /// There may be statistics.
    pub analyzed: bool,
    /// There is the large table.
    pub large: bool,
    /// The database `aux` is attached.
    pub attached: bool,
}

/// A column that an expression may name.
#[derive(Debug, Clone)]
pub struct Visible {
    /// How it is written.
    pub text: String,
    /// What it holds.
    pub kind: Kind,
    /// Its collation is not BINARY.
    pub folded: bool,
}

/// The columns that an expression may name.
#[derive(Debug, Clone, Default)]
pub struct Scope(pub Vec<Visible>);

impl Scope {
    /// The columns of a table under a prefix such as `t.`.
    pub fn of(prefix: &str, columns: &[Column]) -> Self {
        let one = |c: &Column| Visible { text: format!("{prefix}{}", c.name), kind: c.kind, folded: c.folded };
        Self(columns.iter().map(one).collect())
    }

    /// With more columns.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}
