//! Statements.

use super::{
    AlterTable, CreateIndex, CreateTable, CreateTrigger, CreateView, CreateVirtualTable, Delete, Drop, Expr, Insert,
    Name, QualifiedName, Select, Update,
};

/// One SQL statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `WITH ... SELECT`
    Select(Box<Select>),
    /// `INSERT`, `REPLACE`
    Insert(Box<Insert>),
    /// `UPDATE`
    Update(Box<Update>),
    /// `DELETE`
    Delete(Box<Delete>),
    /// `CREATE TABLE`
    CreateTable(Box<CreateTable>),
    /// `CREATE INDEX`
    CreateIndex(Box<CreateIndex>),
    /// `CREATE VIEW`
    CreateView(Box<CreateView>),
    /// `CREATE TRIGGER`
    CreateTrigger(Box<CreateTrigger>),
    /// `CREATE VIRTUAL TABLE`
    CreateVirtualTable(Box<CreateVirtualTable>),
    /// `DROP ...`
    Drop(Box<Drop>),
    /// `ALTER TABLE`
    AlterTable(Box<AlterTable>),
    /// `BEGIN`
    Begin(Option<TransactionMode>),
    /// `COMMIT`, `END`
    Commit,
    /// `ROLLBACK [TO savepoint]`
    Rollback {
        /// The savepoint to go back to.
        savepoint: Option<Name>,
    },
    /// `SAVEPOINT name`
    Savepoint(Name),
    /// `RELEASE [SAVEPOINT] name`
    Release(Name),
    /// `PRAGMA`
    Pragma(Box<Pragma>),
    /// `ATTACH`
    Attach(Box<Attach>),
    /// `DETACH`
    Detach(Box<Expr>),
    /// `VACUUM`
    Vacuum {
        /// The schema.
        schema: Option<Name>,
        /// INTO.
        into: Option<Box<Expr>>,
    },
    /// `ANALYZE`
    Analyze(Option<Box<QualifiedName>>),
    /// `REINDEX`: a collation, a table, an index, or everything.
    Reindex(Option<Box<QualifiedName>>),
    /// `OPTIMIZE INDEX [name]`: our extension; without a name: all.
    OptimizeIndex(Option<Box<QualifiedName>>),
    /// `EXPLAIN`
    Explain {
        /// True for `EXPLAIN QUERY PLAN`.
        query_plan: bool,
        /// What is explained; never another EXPLAIN.
        statement: Box<Statement>,
    },
}

impl Statement {
    /// The same as its `EXPLAIN` (1), its `EXPLAIN QUERY PLAN` (2) or neither (0).
    pub fn explained(self, mode: u8) -> Self {
        let plain = match self {
            Self::Explain { statement, .. } => *statement,
            other => other,
        };
        match mode {
            0 => plain,
            mode => Self::Explain { query_plan: mode == 2, statement: Box::new(plain) },
        }
    }
}

/// How a transaction starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionMode {
    /// `DEFERRED`
    Deferred,
    /// `IMMEDIATE`
    Immediate,
    /// `EXCLUSIVE`
    Exclusive,
    /// `CONCURRENT`: our extension.
    Concurrent,
}

/// `PRAGMA [schema.]name [= value | (value)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pragma {
    /// The pragma.
    pub name: QualifiedName,
    /// Its argument.
    pub value: Option<PragmaValue>,
    /// True for `name(value)`, false for `name = value`.
    pub call: bool,
}

/// The argument of a PRAGMA. SQLite hands pragmas the text, so all forms read through [`PragmaValue::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PragmaValue {
    /// A number with its sign; hexadecimal stays as written.
    Number(Box<str>),
    /// A name, a keyword (`ON`, `DELETE`, `DEFAULT`) or a string.
    Name(Name),
}

impl PragmaValue {
    /// The text that SQLite would hand to the pragma: without quotes, a minus kept, a plus dropped.
    pub fn text(&self) -> &str {
        match self {
            PragmaValue::Number(text) => text,
            PragmaValue::Name(name) => &name.text,
        }
    }
}

/// `ATTACH file AS name [KEY key]`. A bare name in any place stands for its text and arrives as a column reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Attach {
    /// The file.
    pub file: Expr,
    /// The schema's name.
    pub name: Expr,
    /// The key.
    pub key: Option<Expr>,
}
