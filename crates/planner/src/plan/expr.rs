//! Bound expressions: names resolved, the affinity and collation of every comparison fixed (`datatype3.html`).

use turso_functions::Function;
use turso_program::control::OnError;
use turso_program::expression::CompareOp;
use turso_value::{Affinity, Collation, Value};

use super::query::Query;

/// Identifies one item of a FROM clause (or NEW/OLD/excluded) within a whole statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A column of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnIndex {
    /// The rowid (also through its alias column: binding turns `INTEGER PRIMARY KEY` columns into this).
    Rowid,
    /// A column by position in the table, or in the subquery's output.
    Column(u16),
}

impl ColumnIndex {
    /// Added to a column's position (tables have at most 32,767): the column of a virtual table's row that an UPDATE leaves as
    /// it is. The table may spare the trouble of telling its value.
    pub const UNCHANGED: u16 = 0x8000;
}

/// How one pair of values is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareHow {
    /// Applied to both sides first.
    pub affinity: Affinity,
    /// Orders text.
    pub collation: Collation,
}

/// A bound expression.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the sentence of a variant is about its fields, whose names say the rest")]
pub enum Expr {
    /// A constant.
    Literal(Value),
    /// A column of a source of this query or of an enclosing one.
    Column { source: SourceId, column: ColumnIndex, affinity: Affinity, collation: Collation },
    /// A bound parameter, numbered from 1.
    Parameter(u32),
    /// `-x`, `~x`, `NOT x`, `+x`; and a value without its subtype.
    Unary { op: UnaryOp, expr: Box<Expr> },
    /// Arithmetic, bit operations, `||`.
    Binary { op: BinaryOp, left: Box<Expr>, right: Box<Expr> },
    /// Three-valued AND.
    And(Box<Expr>, Box<Expr>),
    /// Three-valued OR.
    Or(Box<Expr>, Box<Expr>),
    /// `left op right`; `null_equal` for IS / IS NOT (with `Eq`, `Ne`).
    Compare { op: CompareOp, left: Box<Expr>, right: Box<Expr>, how: CompareHow, null_equal: bool },
    /// Row value comparison, element by element.
    CompareRows { op: CompareOp, left: RowValue, right: RowValue, how: Vec<CompareHow>, null_equal: bool },
    /// `expr [NOT] BETWEEN low AND high`; `expr` is evaluated once.
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        low_how: CompareHow,
        high_how: CompareHow,
        negated: bool,
    },
    /// `left [NOT] IN (…)`; `left` has one element unless it is a row value.
    In { left: Vec<Expr>, set: InSet, how: Vec<CompareHow>, negated: bool },
    /// `[NOT] EXISTS (query)`.
    Exists { query: Box<Query>, negated: bool },
    /// A scalar subquery: first column of the first row, or NULL.
    Subquery(Box<Query>),
    /// A scalar subquery that reads nothing around it and stands in several places: it is computed once for all of them. Visitors
    /// take it for a constant.
    Shared(std::sync::Arc<Query>),
    /// `CASE`; with a base, each arm says how it is compared. `call`: written as a call of `iif`.
    Case { base: Option<Box<Expr>>, arms: Vec<CaseArm>, otherwise: Option<Box<Expr>>, call: bool },
    /// `CAST(expr AS type)`.
    Cast { expr: Box<Expr>, affinity: Affinity },
    /// The first of the values that is not NULL: a column that FULL JOINs merge by USING. It compares as its first value does.
    FirstOf { values: Vec<Expr>, affinity: Affinity, collation: Collation },
    /// `expr COLLATE name`: counts in binding, computes nothing. `alias`: it came in with what an alias stands for, so operators
    /// around it do not see it.
    Collate { expr: Box<Expr>, collation: Collation, alias: bool },
    /// A scalar function call. LIKE, GLOB, REGEXP and MATCH are calls of their functions.
    Function { function: Function, args: Vec<Expr>, collation: Collation },
    /// The value of an aggregate of this core or an enclosing one; index into its `aggregates`.
    Aggregate { core: CoreId, index: usize },
    /// The value of a window function; index into the core's `windows`.
    Window { core: CoreId, index: usize },
    /// `IS NULL` (`negated`: NOT NULL).
    IsNull { expr: Box<Expr>, negated: bool },
    /// `IS [NOT] TRUE/FALSE`: truth of `expr`, `if_null` for NULL, then negated.
    IsTrue { expr: Box<Expr>, if_null: bool, negate: bool },
    /// `RAISE(action, message)` in a trigger.
    Raise { action: OnError, message: Option<Box<Expr>> },
    /// A value that code generation has put into a register already.
    Register { reg: turso_program::Reg, affinity: Affinity, collation: Collation },
}

impl Expr {
    /// `expr COLLATE name`.
    pub fn collate(expr: Expr, collation: Collation) -> Expr {
        Expr::Collate { expr: Box::new(expr), collation, alias: false }
    }

    /// Merged columns as one expression; a single one is itself.
    pub fn first_of(mut values: Vec<Expr>) -> Option<Expr> {
        if values.len() < 2 {
            return values.pop();
        }
        let (affinity, collation) = match values.first()? {
            Expr::Column { affinity, collation, .. } => (*affinity, collation.clone()),
            _ => (Affinity::None, Collation::Binary),
        };
        Some(Expr::FirstOf { values, affinity, collation })
    }
}

/// The two forms of a row value.
#[derive(Debug, Clone)]
pub enum RowValue {
    /// `(a, b, …)`.
    List(Vec<Expr>),
    /// A subquery with several columns: its first row, or NULLs.
    Subquery(Box<Query>),
}

/// One `WHEN … THEN …`.
#[derive(Debug, Clone)]
pub struct CaseArm {
    /// Condition, or with a base the value it is compared with.
    pub when: Expr,
    /// How base and `when` compare.
    pub how: Option<CompareHow>,
    /// The result.
    pub then: Expr,
}

/// The right side of IN.
#[derive(Debug, Clone)]
pub enum InSet {
    /// Expressions.
    List(Vec<Expr>),
    /// A subquery (`IN table` is one too).
    Query(Box<Query>),
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum UnaryOp {
    Negate,
    BitNot,
    Not,
    Plus,
    /// What a column of a query is to the query around it: the value without its subtype.
    Plain,
    /// A blob becomes the text that its bytes are in the database's encoding; another value stays.
    ReadBlob,
}

/// Binary operators without comparison and logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Concat,
    BitAnd,
    BitOr,
    ShiftLeft,
    ShiftRight,
}

/// Identifies one [`super::query::Core`] within a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CoreId(pub u32);
