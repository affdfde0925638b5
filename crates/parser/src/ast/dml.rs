//! INSERT, UPDATE and DELETE.

use super::{Expr, FromClause, Limit, Name, OrderingTerm, QualifiedName, ResultColumn, Select, TableRef, With};

/// `INSERT`, `REPLACE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// Common table expressions.
    pub with: Option<With>,
    /// `OR ...`; [`ConflictResolution::Replace`] for `REPLACE INTO`.
    pub or: Option<ConflictResolution>,
    /// The table.
    pub table: QualifiedName,
    /// Its alias.
    pub alias: Option<Name>,
    /// The columns; empty when none were listed.
    pub columns: Vec<Name>,
    /// The rows.
    pub source: InsertSource,
    /// `ON CONFLICT` clauses in order.
    pub upserts: Vec<Upsert>,
    /// RETURNING.
    pub returning: Vec<ResultColumn>,
}

/// Where an INSERT takes its rows from.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertSource {
    /// `VALUES` or any other query.
    Select(Box<Select>),
    /// `DEFAULT VALUES`
    DefaultValues,
}

/// One `ON CONFLICT` clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Upsert {
    /// The unique key; absent: any.
    pub target: Option<UpsertTarget>,
    /// What is done instead.
    pub action: UpsertAction,
}

/// The conflict target of an upsert.
#[derive(Debug, Clone, PartialEq)]
pub struct UpsertTarget {
    /// The key's columns.
    pub columns: Vec<OrderingTerm>,
    /// The WHERE of a partial index.
    pub where_clause: Option<Expr>,
}

/// The action of an upsert.
#[derive(Debug, Clone, PartialEq)]
pub enum UpsertAction {
    /// `DO NOTHING`
    Nothing,
    /// `DO UPDATE SET ...`
    Update {
        /// SET.
        sets: Vec<Assignment>,
        /// WHERE.
        where_clause: Option<Expr>,
    },
}

/// One assignment of SET.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// What is set.
    pub target: AssignmentTarget,
    /// The value: a row value or a subquery for several columns.
    pub value: Expr,
}

/// The left side of an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignmentTarget {
    /// `a = ...`
    Column(Name),
    /// `(a, b) = ...`; may have one element.
    Row(Vec<Name>),
}

/// `UPDATE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Common table expressions.
    pub with: Option<With>,
    /// `OR ...`.
    pub or: Option<ConflictResolution>,
    /// The table; `args` is always `None`.
    pub table: TableRef,
    /// SET.
    pub sets: Vec<Assignment>,
    /// FROM.
    pub from: Option<FromClause>,
    /// WHERE.
    pub where_clause: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<ResultColumn>,
    /// ORDER BY.
    pub order_by: Vec<OrderingTerm>,
    /// LIMIT.
    pub limit: Option<Limit>,
}

/// `DELETE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// Common table expressions.
    pub with: Option<With>,
    /// The table; `args` is always `None`.
    pub table: TableRef,
    /// WHERE.
    pub where_clause: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<ResultColumn>,
    /// ORDER BY.
    pub order_by: Vec<OrderingTerm>,
    /// LIMIT.
    pub limit: Option<Limit>,
}

/// What happens on a constraint violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictResolution {
    /// `ROLLBACK`
    Rollback,
    /// `ABORT`
    Abort,
    /// `FAIL`
    Fail,
    /// `IGNORE`
    Ignore,
    /// `REPLACE`
    Replace,
}
