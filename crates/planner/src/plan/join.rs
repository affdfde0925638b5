//! The physical plan of one core's FROM and WHERE: nested loops, outermost first.

use std::sync::Arc;

use turso_schema::Index;

use super::expr::{Expr, SourceId};
use super::query::OrderTerm;

/// What the optimizer is asked.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Rows should come in this order (ORDER BY, or GROUP BY terms in any direction).
    pub order: Vec<OrderTerm>,
    /// The order of the terms and their directions are free (GROUP BY, DISTINCT).
    pub order_is_free: bool,
    /// Only about this many rows will be fetched (LIMIT with a satisfied order, min/max).
    pub few_rows: bool,
    /// Rows are wanted one at a time for UPDATE/DELETE: only one source, the rowid must be available, no automatic index.
    pub for_write: bool,
}

/// The chosen nested loops.
#[derive(Debug, Clone)]
pub struct JoinPlan {
    /// Loops, outermost first. A core without FROM has none.
    pub levels: Vec<Level>,
    /// How many terms of the wished order the loops deliver (all: no sorter).
    pub order_satisfied: usize,
    /// The terms delivered, in the order and direction delivered (differs from the wish only when that is free).
    pub delivered_order: Vec<OrderTerm>,
    /// Conditions that read no source: checked once before the loops.
    pub constant_filters: Vec<Expr>,
    /// At most one row comes out.
    pub single_row: bool,
    /// Estimated number of rows.
    pub rows: f64,
}

/// One loop.
#[derive(Debug, Clone)]
pub struct Level {
    /// Position of the source in `Core::sources`.
    pub position: usize,
    /// The source.
    pub source: SourceId,
    /// How its rows are found.
    pub access: Access,
    /// Conditions checked for each row found, cheapest first; for the right side of a LEFT JOIN these are its ON conditions.
    pub filters: Vec<Expr>,
    /// WHERE conditions that are checked after the NULL row of a LEFT JOIN has been supplied too.
    pub after_outer: Vec<Expr>,
    /// Estimated rows per turn of the loop outside.
    pub rows: f64,
    /// Estimated cost per turn.
    pub cost: f64,
}

/// An access path.
#[derive(Debug, Clone)]
pub enum Access {
    /// Every row of a table, in rowid (or primary key) order.
    Scan { reverse: bool },
    /// Every entry of an index, which covers what is read or gives the order.
    IndexScan { index: Arc<Index>, covering: bool, reverse: bool },
    /// The row with this rowid.
    Rowid { key: Expr },
    /// The rows whose rowid is in a set: an [`Expr::In`].
    RowidIn { term: Expr },
    /// A range of rowids.
    RowidRange { low: Option<Bound>, high: Option<Bound>, reverse: bool },
    /// Index entries with a prefix of equal columns, then possibly a range.
    Index {
        /// The index (or the primary key of a WITHOUT ROWID table).
        index: Arc<Index>,
        /// The table itself is not read.
        covering: bool,
        /// One per leading column.
        equal: Vec<EqualTerm>,
        /// Lower end on the next column.
        low: Option<Bound>,
        /// Upper end on the next column.
        high: Option<Bound>,
        /// Runs backwards.
        reverse: bool,
    },
    /// An index built for this statement on the given columns of the source, used by equality on all of them.
    AutoIndex { columns: Vec<(u16, Expr)>, partial: Vec<Expr>, with_filter: bool },
    /// OR: each arm finds rows by a path of its own; a row set removes duplicates.
    MultiOr { arms: Vec<OrArm> },
    /// Rows of a subquery, CTE or table function as they come.
    Produced { materialized: bool },
}

/// One arm of an OR.
#[derive(Debug, Clone)]
pub struct OrArm {
    /// Its path: never `MultiOr` or `AutoIndex`.
    pub access: Access,
    /// The arm's remaining conditions.
    pub filters: Vec<Expr>,
}

/// The value of a leading index column.
#[derive(Debug, Clone)]
pub enum EqualTerm {
    /// `column = expr`.
    Equal(Expr),
    /// `column IS expr`: NULL is looked for too.
    Is(Expr),
    /// `column IS NULL`.
    Null,
    /// `column IN (…)`: an [`Expr::In`]; the loop runs over its values in order.
    In(Expr),
}

/// One end of a range.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The value(s): several for a row value comparison.
    pub values: Vec<Expr>,
    /// `<=`, `>=`.
    pub inclusive: bool,
}
