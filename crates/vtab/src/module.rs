//! Modules: what makes virtual tables.

use std::sync::Arc;

use turso_error::Result;

use crate::{Session, VirtualTable};

/// When tables of a module exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleKind {
    /// Only where CREATE VIRTUAL TABLE made one.
    Created,
    /// Where CREATE VIRTUAL TABLE made one, and one more under the module's own name.
    Both,
    /// Only under the module's own name: CREATE VIRTUAL TABLE says that there is no such module.
    Eponymous,
}

/// Makes virtual tables.
pub trait Module: Send + Sync {
    /// When its tables exist.
    fn kind(&self) -> ModuleKind;

    /// CREATE VIRTUAL TABLE: make whatever the table keeps outside of itself, then connect.
    fn create(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        self.connect(session, arguments)
    }

    /// Connect to a table that exists.
    fn connect(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected>;

    /// `TABLE_suffix` is a table that this module keeps for one of its own: ordinary SQL must not write to it where the
    /// connection is defensive.
    fn is_shadow_suffix(&self, suffix: &str) -> bool {
        let _ = suffix;
        false
    }
}

/// What CREATE VIRTUAL TABLE has written.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    /// The module's name.
    pub module: &'a str,
    /// The name of the database: `main`, `temp`, or that of an attached one.
    pub database: &'a str,
    /// Its position among the databases of the connection.
    pub database_index: usize,
    /// The table's name; the module's for an eponymous table.
    pub table: &'a str,
    /// The texts between the parentheses, outer blanks removed.
    pub arguments: &'a [Arc<str>],
}

/// A table that is connected.
pub struct Connected {
    /// The table.
    pub table: Arc<dyn VirtualTable>,
    /// The CREATE TABLE statement that declares its columns (`sqlite3_declare_vtab`). The name in it does not count; a
    /// column whose type contains the word HIDDEN is hidden; WITHOUT ROWID is understood.
    pub declaration: String,
    /// Where the table may be used.
    pub risk: Risk,
    /// The module keeps the rules of ON CONFLICT itself (`SQLITE_VTAB_CONSTRAINT_SUPPORT`): a constraint error of `update`
    /// changed nothing.
    pub keeps_constraints: bool,
    /// The table may read any database of the connection (`SQLITE_VTAB_USES_ALL_SCHEMAS`).
    pub uses_all_databases: bool,
}

impl Connected {
    /// A table of normal risk.
    pub fn new(table: Arc<dyn VirtualTable>, declaration: impl Into<String>) -> Self {
        Self {
            table,
            declaration: declaration.into(),
            risk: Risk::Normal,
            keeps_constraints: false,
            uses_all_databases: false,
        }
    }

    /// The same table, safe everywhere.
    #[must_use]
    pub fn innocuous(mut self) -> Self {
        self.risk = Risk::Innocuous;
        self
    }
}

/// Where a table may be used (`SQLITE_VTAB_INNOCUOUS`, `SQLITE_VTAB_DIRECTONLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Everywhere, also in views and triggers of a schema that is not trusted.
    Innocuous,
    /// In views and triggers only of a schema that is trusted.
    Normal,
    /// Never in views and triggers.
    DirectOnly,
}
