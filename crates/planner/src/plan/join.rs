//! The physical plan of one core's FROM and WHERE: nested loops, outermost first.

use std::sync::Arc;

use turso_schema::Index;
use turso_value::{Affinity, Collation};

use super::expr::{ColumnIndex, Expr, SourceId};
use super::query::{JoinKind, OrderTerm};

/// What the optimizer is asked.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Rows should come in this order (ORDER BY, or GROUP BY terms in any direction).
    pub order: Vec<OrderTerm>,
    /// The order of the terms and their directions are free (GROUP BY, DISTINCT).
    pub order_is_free: bool,
    /// The order is that of DISTINCT.
    pub distinct: bool,
    /// Of rows that are equal in all terms one is enough (DISTINCT).
    pub different: bool,
    /// Only about this many rows will be fetched (LIMIT with a satisfied order, min/max).
    pub few_rows: bool,
    /// A LIMIT (with OFFSET) that is known while planning.
    pub limit: Option<u64>,
    /// No more rows than this are wanted of the only source, a virtual table, if it delivers them filtered and in the wished order.
    pub row_limit: Option<Expr>,
    /// About how often the core runs, if it reads columns of an enclosing query.
    pub runs: f64,
    /// Number of result columns: rows that are sorted carry them.
    pub columns: usize,
    /// `min(x)` or `max(x)` alone: only the first row of the wished order counts.
    pub min_max: bool,
    /// Rows are wanted one at a time for UPDATE/DELETE: only one source, the rowid must be available, no automatic index.
    pub for_write: bool,
}

/// The chosen nested loops.
#[derive(Debug, Clone, Default)]
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
    /// The wish was [`Wish::min_max`]: the plan calls its scans searches, since the first row is what counts.
    pub min_max: bool,
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
    /// `Left`, `Right` and `Full` supply NULL rows; the others do not.
    pub join: JoinKind,
    /// How its rows are found.
    pub access: Access,
    /// Conditions checked for each row found, cheapest first; for the right side of a LEFT JOIN these are its ON conditions.
    pub filters: Vec<Expr>,
    /// WHERE conditions that are checked after the NULL row of a LEFT JOIN has been supplied too.
    pub after_outer: Vec<Expr>,
    /// At most one row per turn of the loop outside.
    pub one_row: bool,
    /// Estimated rows per turn of the loop outside.
    pub rows: f64,
    /// Estimated cost per turn.
    pub cost: f64,
}

/// An access path. `reverse`: from the last row to the first.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the sentence of a variant is about its fields, whose names say the rest")]
pub enum Access {
    /// Every row of a table, in rowid (or primary key) order.
    Scan { reverse: bool },
    /// Every entry of an index, which covers what is read or gives the order.
    IndexScan { index: Arc<Index>, covering: bool, reverse: bool },
    /// The row with this rowid.
    Rowid { key: Expr },
    /// The rows whose rowid is in a set: an [`Expr::In`].
    RowidIn { term: Expr, reverse: bool },
    /// A range of rowids.
    RowidRange { low: Option<Bound>, high: Option<Bound>, reverse: bool },
    /// Index entries with a prefix of equal columns, then possibly a range.
    Index(IndexAccess),
    /// An index built for this statement, used by equality on all its key columns.
    AutoIndex(AutoIndex),
    /// OR: each arm finds rows by a path of its own; a row set removes duplicates.
    MultiOr { arms: Vec<OrArm> },
    /// Rows of a subquery or CTE as they come.
    Produced { materialized: bool },
    /// A scan of a virtual table, as the table has chosen it.
    Virtual(VirtualScan),
}

/// A scan of a virtual table.
#[derive(Debug, Clone)]
pub struct VirtualScan {
    /// The number that the table has chosen.
    pub number: i32,
    /// The text that the table has chosen.
    pub text: Option<Arc<str>>,
    /// The number is shown in hexadecimal.
    pub hexadecimal: bool,
    /// The values that the scan is given.
    pub arguments: Vec<VirtualArgument>,
}

/// A value that a scan of a virtual table is given.
#[derive(Debug, Clone)]
pub enum VirtualArgument {
    /// One value.
    One(Expr),
    /// An [`Expr::In`]: the scan is repeated for each of its values.
    Each {
        /// The IN.
        term: Expr,
        /// The column, where rows come that do not equal the value: another value of the set might bring them again.
        inexact: Option<Expr>,
    },
    /// An [`Expr::In`]: all its values at once.
    All(Expr),
}

/// A search in an index.
#[derive(Debug, Clone)]
pub struct IndexAccess {
    /// The index (or the primary key of a WITHOUT ROWID table).
    pub index: Arc<Index>,
    /// The table itself is not read.
    pub covering: bool,
    /// This many leading columns have no term: the loop runs over their distinct values (skip-scan).
    pub skip: usize,
    /// One per leading column (after the skipped ones).
    pub equal: Vec<EqualTerm>,
    /// Lower end on the next column(s).
    pub low: Option<Bound>,
    /// Upper end on the next column(s).
    pub high: Option<Bound>,
    /// The range comes from LIKE or GLOB: it is run once over texts and once over blobs.
    pub pattern: bool,
    /// Runs backwards.
    pub reverse: bool,
}

/// An index that lives as long as the statement.
#[derive(Debug, Clone)]
pub struct AutoIndex {
    /// The columns that are looked up, and their values.
    pub key: Vec<AutoKey>,
    /// Further columns that are read: the index covers the source.
    pub extra: Vec<u16>,
    /// Conditions on the source alone: rows that fail are left out of the index.
    pub partial: Vec<Expr>,
}

impl AutoIndex {
    /// EXPLAIN QUERY PLAN names a Bloom filter, which SQLite asks before such an index if equal keys have equal bytes. There is
    /// none here: hashed rows answer as fast by themselves.
    pub fn names_filter(&self) -> bool {
        self.key.iter().all(|k| k.collation.is_binary())
    }
}

/// One key column of an [`AutoIndex`].
#[derive(Debug, Clone)]
pub struct AutoKey {
    /// The column.
    pub column: ColumnIndex,
    /// The value looked for.
    pub value: Expr,
    /// Applied to the value.
    pub affinity: Affinity,
    /// Orders text.
    pub collation: Collation,
    /// The comparison is IS: NULL finds NULL.
    pub nulls: bool,
}

/// One arm of an OR.
#[derive(Debug, Clone)]
pub struct OrArm {
    /// Its path: never `MultiOr`, `AutoIndex` or covering.
    pub access: Access,
    /// Its conditions on loops outside alone: where they fail nothing is searched.
    pub before: Vec<Expr>,
    /// The arm's remaining conditions.
    pub filters: Vec<Expr>,
}

/// The value of a leading index column.
#[derive(Debug, Clone)]
pub enum EqualTerm {
    /// `column = expr`; the affinity is applied to the value.
    Equal(Expr, Affinity),
    /// `column IS expr`: NULL is looked for too.
    Is(Expr, Affinity),
    /// `column IS NULL`.
    Null,
    /// `column IN (…)`: an [`Expr::In`]; the loop runs over its values in order.
    In(Expr),
}

impl EqualTerm {
    /// The value that the column is equal to, if it is one value.
    pub fn value(&self) -> Option<&Expr> {
        match self {
            EqualTerm::Equal(value, _) | EqualTerm::Is(value, _) => Some(value),
            EqualTerm::Null | EqualTerm::In(_) => None,
        }
    }
}

/// One end of a range.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The value(s): several for a row value comparison.
    pub values: Vec<Expr>,
    /// Applied to them.
    pub affinities: Vec<Affinity>,
    /// `<=`, `>=`.
    pub inclusive: bool,
}

impl Access {
    /// Set the direction; paths without one ignore it.
    pub fn set_reverse(&mut self, backwards: bool) {
        match self {
            Access::Scan { reverse }
            | Access::IndexScan { reverse, .. }
            | Access::RowidIn { reverse, .. }
            | Access::RowidRange { reverse, .. }
            | Access::Index(IndexAccess { reverse, .. }) => *reverse = backwards,
            Access::Rowid { .. }
            | Access::AutoIndex(_)
            | Access::MultiOr { .. }
            | Access::Produced { .. }
            | Access::Virtual(_) => {}
        }
    }
}
