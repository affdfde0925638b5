//! What the planner asks a virtual table, and what it is told (`xBestIndex`).

use std::sync::Arc;

use turso_value::{Collation, Value};

/// How a constraint compares. The numbers are those of `SQLITE_INDEX_CONSTRAINT_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ConstraintOp {
    Equal,
    Greater,
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Match,
    Like,
    Glob,
    Regexp,
    NotEqual,
    IsNot,
    IsNotNull,
    IsNull,
    Is,
    Limit,
    Offset,
    /// A function for which `find_function` gave this number, 150 to 255.
    Function(u8),
}

impl ConstraintOp {
    /// The number that SQLite gives it.
    pub fn number(self) -> u8 {
        match self {
            ConstraintOp::Equal => 2,
            ConstraintOp::Greater => 4,
            ConstraintOp::LessOrEqual => 8,
            ConstraintOp::Less => 16,
            ConstraintOp::GreaterOrEqual => 32,
            ConstraintOp::Match => 64,
            ConstraintOp::Like => 65,
            ConstraintOp::Glob => 66,
            ConstraintOp::Regexp => 67,
            ConstraintOp::NotEqual => 68,
            ConstraintOp::IsNot => 69,
            ConstraintOp::IsNotNull => 70,
            ConstraintOp::IsNull => 71,
            ConstraintOp::Is => 72,
            ConstraintOp::Limit => 73,
            ConstraintOp::Offset => 74,
            ConstraintOp::Function(number) => number,
        }
    }
}

/// One condition that the table may use: `column op value`.
#[derive(Debug, Clone)]
pub struct Constraint {
    /// The column; `None` for the rowid (and for LIMIT and OFFSET).
    pub column: Option<u16>,
    /// How it compares.
    pub op: ConstraintOp,
    /// The value would be at hand. Constraints that are not usable this time must be left alone.
    pub usable: bool,
    /// The collation that the comparison uses (`sqlite3_vtab_collation`).
    pub collation: Collation,
    /// The value, where it is known while the statement is planned (`sqlite3_vtab_rhs_value`).
    pub value: Option<Value>,
    /// An IN: its values can be had one after another, as so many scans, or all at once (`sqlite3_vtab_in`).
    pub is_in: bool,
}

/// A term of ORDER BY, or of GROUP BY or DISTINCT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderTerm {
    /// The column; `None` for the rowid.
    pub column: Option<u16>,
    /// DESC.
    pub descending: bool,
}

/// What the order of rows is wanted for (`sqlite3_vtab_distinct`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Distinct {
    /// The rows sorted.
    #[default]
    Sorted,
    /// Equal rows side by side, in any order.
    Grouped,
    /// Only one of rows that are equal in all terms is needed, in any order.
    Unique,
    /// The rows sorted, and of equal ones only one is needed.
    SortedUnique,
}

impl Distinct {
    /// The number that `sqlite3_vtab_distinct` answers.
    pub fn number(self) -> i32 {
        match self {
            Distinct::Sorted => 0,
            Distinct::Grouped => 1,
            Distinct::Unique => 2,
            Distinct::SortedUnique => 3,
        }
    }
}

/// What the planner wants to know.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Conditions, in the order in which they were written.
    pub constraints: Vec<Constraint>,
    /// The order wanted; empty when none is.
    pub order_by: Vec<OrderTerm>,
    /// What the order is for.
    pub distinct: Distinct,
    /// Bit `i`: column `i` is read; bit 63: some column from 63 on is.
    pub columns_used: u64,
}

/// How the scan uses one constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The value is argument number `argument` of `filter`, from 1; 0: it is not passed.
    pub argument: usize,
    /// The table makes sure of the constraint: its rows are not checked again.
    pub omit: bool,
    /// An IN is passed as a whole ([`crate::Argument::Set`]), not value by value.
    pub all_at_once: bool,
}

/// How the table would scan.
#[derive(Debug, Clone)]
pub struct Answer {
    /// One for each constraint of the question.
    pub usage: Vec<Usage>,
    /// Handed to `filter`.
    pub number: i32,
    /// Handed to `filter`.
    pub text: Option<Arc<str>>,
    /// Rows come in the order wanted.
    pub order_consumed: bool,
    /// An estimate of the work.
    pub cost: f64,
    /// An estimate of the number of rows.
    pub rows: i64,
    /// At most one row comes (`SQLITE_INDEX_SCAN_UNIQUE`).
    pub unique: bool,
    /// EXPLAIN QUERY PLAN shows `number` in hexadecimal (`SQLITE_INDEX_SCAN_HEX`).
    pub hexadecimal: bool,
}

impl Answer {
    /// The answer that SQLite assumes where the table says nothing: no constraint used, a huge cost.
    pub fn new(question: &Question) -> Self {
        Self {
            usage: vec![Usage::default(); question.constraints.len()],
            number: 0,
            text: None,
            order_consumed: false,
            cost: 5e98,
            rows: 25,
            unique: false,
            hexadecimal: false,
        }
    }
}
