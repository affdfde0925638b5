//! The logical form of a query.

use std::sync::Arc;

use turso_functions::Function;
use turso_program::DbIndex;
use turso_schema::{Index, Table};
use turso_value::{Affinity, Collation};

use crate::context::ConnectedTable;

use super::expr::{CoreId, Expr, SourceId};

/// A SELECT with its ORDER BY and LIMIT, or VALUES.
#[derive(Debug, Clone)]
pub struct Query {
    /// What produces rows.
    pub body: Body,
    /// ORDER BY. Of a single core: expressions over its sources (an alias or position is replaced by the output expression). Of a
    /// compound: terms refer to output columns ([`OrderTerm::output`] is always set).
    pub order_by: Vec<OrderTerm>,
    /// LIMIT.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// Names and types of the output columns (those of the leftmost core).
    pub columns: Vec<OutputColumn>,
    /// Sources of enclosing queries that this one reads; empty: it may be computed once.
    pub outer: Vec<SourceId>,
    /// Common table expressions declared here that survive as such (recursive ones, and those used more than once).
    pub ctes: Vec<Arc<Cte>>,
    /// What EXPLAIN QUERY PLAN calls it; 0: a number of its own, once it is emitted.
    pub number: u32,
}

/// What produces the rows of a query.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the sentence of a variant is about its fields, whose names say the rest")]
pub enum Body {
    /// One SELECT core.
    Core(Box<Core>),
    /// VALUES with two or more rows (one row is a core without FROM).
    Values(Vec<Vec<Expr>>),
    /// `left op right`, left-associative. `collations` decide equality of rows.
    Compound { op: CompoundOp, left: Box<Body>, right: Box<Body>, collations: Vec<Collation> },
}

/// Compound operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CompoundOp {
    Union,
    UnionAll,
    Intersect,
    Except,
}

/// One SELECT core.
#[derive(Debug, Clone)]
pub struct Core {
    /// Identifies it.
    pub id: CoreId,
    /// FROM, in syntactic order.
    pub sources: Vec<Source>,
    /// Conjuncts of WHERE and of the ON and USING clauses of inner joins. Those of outer joins stay with their source.
    pub filter: Vec<Expr>,
    /// SELECT DISTINCT.
    pub distinct: bool,
    /// GROUP BY.
    pub group_by: Vec<Expr>,
    /// HAVING.
    pub having: Option<Expr>,
    /// Aggregate calls that belong to this core.
    pub aggregates: Vec<Aggregate>,
    /// Window function calls of this core.
    pub windows: Vec<Window>,
    /// The result expressions.
    pub output: Vec<Expr>,
}

impl Core {
    /// A core without sources and results.
    pub fn new(id: CoreId) -> Self {
        Core {
            id,
            sources: Vec::new(),
            filter: Vec::new(),
            distinct: false,
            group_by: Vec::new(),
            having: None,
            aggregates: Vec::new(),
            windows: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Has GROUP BY or aggregates: rows are folded.
    pub fn is_aggregate(&self) -> bool {
        !self.group_by.is_empty() || !self.aggregates.is_empty()
    }

    /// Only joins, filters and computes: a query that reads its rows in FROM may have its sources, conditions and results instead.
    pub(crate) fn only_joins(&self) -> bool {
        let recursive = |source: &Source| matches!(source.relation, Relation::Recursive { .. });
        let folds = self.distinct || self.is_aggregate() || self.having.is_some() || !self.windows.is_empty();
        let steady = !self.output.iter().any(Expr::is_volatile);
        !self.sources.is_empty() && !folds && steady && !self.sources.iter().any(recursive)
    }
}

/// An item of FROM.
#[derive(Debug, Clone)]
pub struct Source {
    /// Identifies it in column references.
    pub id: SourceId,
    /// Alias or table name, for messages and plans.
    pub name: Arc<str>,
    /// An alias was written (`SCAN t AS x`).
    pub aliased: bool,
    /// What it reads.
    pub relation: Relation,
    /// How it joins what stands before it.
    pub join: JoinKind,
    /// ON and USING conjuncts of an outer join (inner ones are in [`Core::filter`]).
    pub on: Vec<Expr>,
    /// INDEXED BY, NOT INDEXED.
    pub hint: IndexHint,
    /// It was the table of an EXISTS: of the rows that fit to one row of the sources before it only the first counts.
    pub exists: bool,
    /// Expressions that indexes of the table hold, and that are its columns behind the declared ones (`rewrite::indexed`).
    pub indexed: Vec<Arc<IndexedExpr>>,
}

/// An expression over the columns of one source that indexes of its table hold.
#[derive(Debug)]
pub struct IndexedExpr {
    /// The expression.
    pub expr: Expr,
    /// Names of the indexes, and the column in each.
    pub at: Vec<(Arc<str>, usize)>,
}

impl IndexedExpr {
    /// The column of the index that holds it.
    pub fn column_of(&self, index: &Index) -> Option<usize> {
        self.at.iter().find(|(name, _)| *name == index.name).map(|(_, column)| *column)
    }
}

/// What a source reads.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the sentence of a variant is about its fields, whose names say the rest")]
pub enum Relation {
    /// A table of the catalogue.
    Table { db: DbIndex, table: Arc<Table> },
    /// A subquery or expanded view. `materialize`: `Some(true)` for AS MATERIALIZED, `Some(false)` for NOT MATERIALIZED.
    Query { query: Box<Query>, materialize: Option<bool>, view: Option<Arc<str>> },
    /// A reference to a CTE that is computed once, or recursive.
    Cte(Arc<Cte>),
    /// Inside a recursive CTE: the row in hand.
    Recursive { cte: u32, columns: Vec<OutputColumn> },
    /// A virtual table, or a table-valued function. Each of `args` compares a hidden column with an argument: conditions of the
    /// source wherever it stands. `db` is `None` for a module's own table.
    Virtual { db: Option<DbIndex>, connected: Arc<ConnectedTable>, args: Vec<Expr> },
}

impl Relation {
    /// The table with its columns, where the source is one of the catalogue or a virtual one.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match self {
            Relation::Table { table, .. } => Some(table),
            Relation::Virtual { connected, .. } => Some(&connected.table),
            Relation::Query { .. } | Relation::Cte(_) | Relation::Recursive { .. } => None,
        }
    }
}

/// A common table expression.
#[derive(Debug, Clone)]
pub struct Cte {
    /// Identifies it in the statement.
    pub id: u32,
    /// Its name.
    pub name: Arc<str>,
    /// Output columns.
    pub columns: Vec<OutputColumn>,
    /// The whole query of an ordinary CTE, the initial part of a recursive one.
    pub query: Query,
    /// Computed once for all its uses: it stands in [`Query::ctes`] of the query that declares it. Otherwise it has one use.
    pub shared: bool,
    /// Recursive part: each arm reads `Relation::Recursive`; `all` is false for UNION (rows seen are dropped).
    pub recursive: Option<RecursiveCte>,
}

/// The recursive part of a CTE.
#[derive(Debug, Clone)]
pub struct RecursiveCte {
    /// Arms after the initial query, all joined by UNION ALL or all by UNION.
    pub arms: Vec<Query>,
    /// UNION ALL.
    pub all: bool,
    /// How UNION compares rows.
    pub collations: Vec<Collation>,
    /// ORDER BY of the whole: which row is taken from the queue next.
    pub order_by: Vec<OrderTerm>,
    /// LIMIT of the whole.
    pub limit: Option<Expr>,
    /// OFFSET of the whole.
    pub offset: Option<Expr>,
}

/// How a source joins what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// First item, comma, JOIN, INNER JOIN.
    Inner,
    /// CROSS JOIN: never reordered.
    Cross,
    /// LEFT JOIN.
    Left,
    /// RIGHT JOIN.
    Right,
    /// FULL JOIN.
    Full,
}

/// INDEXED BY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexHint {
    /// None.
    Free,
    /// NOT INDEXED.
    NotIndexed,
    /// INDEXED BY name.
    Named(Arc<str>),
}

/// One ORDER BY (or aggregate ORDER BY) term.
#[derive(Debug, Clone)]
pub struct OrderTerm {
    /// The expression.
    pub expr: Expr,
    /// The output column it equals, if it does.
    pub output: Option<usize>,
    /// Orders text.
    pub collation: Collation,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST / LAST, when it differs from the default (first for ASC, last for DESC).
    pub nulls_reversed: bool,
}

/// An output column.
#[derive(Debug, Clone)]
pub struct OutputColumn {
    /// Its name.
    pub name: Arc<str>,
    /// Its name for a reader of this query as a table, where that is another one: that of the column under COLLATE.
    pub nested_name: Option<Arc<str>>,
    /// Affinity that a reader of this column sees.
    pub affinity: Affinity,
    /// Collation that a reader sees.
    pub collation: Collation,
    /// Declared type of the table column it is, if it is one.
    pub declared_type: Option<Arc<str>>,
    /// The declared type that a reader of this query as a table or value sees: of a compound it is the last term's.
    pub nested_type: Option<Arc<str>>,
    /// Database, table and column that it is, if it is one.
    pub origin: Option<(Arc<str>, Arc<str>, Arc<str>)>,
}

/// An aggregate function call.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The function.
    pub function: Function,
    /// Arguments; empty for `count(*)`.
    pub args: Vec<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// FILTER (WHERE …).
    pub filter: Option<Expr>,
    /// ORDER BY inside the call.
    pub order_by: Vec<OrderTerm>,
    /// Collation for min, max and DISTINCT.
    pub collation: Collation,
}

/// A window function call.
#[derive(Debug, Clone)]
pub struct Window {
    /// The function.
    pub function: Function,
    /// Arguments.
    pub args: Vec<Expr>,
    /// FILTER.
    pub filter: Option<Expr>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderTerm>,
    /// The frame; its offsets as written are not bound.
    pub frame: turso_parser::ast::Frame,
    /// The bound offset of the frame's start (`n PRECEDING`).
    pub start_offset: Option<Expr>,
    /// The bound offset of the frame's end.
    pub end_offset: Option<Expr>,
}
