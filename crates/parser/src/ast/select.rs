//! Queries: SELECT, VALUES, compounds, FROM clauses, windows.

use super::{Expr, Name, QualifiedName, Span};

/// A whole query: `[WITH ...] body [ORDER BY ...] [LIMIT ...]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// Common table expressions.
    pub with: Option<With>,
    /// One core, or several joined by compound operators.
    pub body: SelectBody,
    /// ORDER BY, of the whole compound.
    pub order_by: Vec<OrderingTerm>,
    /// LIMIT, of the whole compound.
    pub limit: Option<Limit>,
    /// From WITH, SELECT or VALUES to the last token.
    pub span: Span,
    /// Which SELECT of the text it is, counted where they end, inner ones first: EXPLAIN QUERY PLAN names subqueries so.
    pub number: u32,
}

/// The cores of a query. Compound operators associate to the left.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectBody {
    /// The leftmost core.
    pub first: SelectCore,
    /// The others, each with the operator before it.
    pub rest: Vec<(CompoundOp, SelectCore)>,
}

impl SelectBody {
    /// All cores from left to right.
    pub fn cores(&self) -> impl Iterator<Item = &SelectCore> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, core)| core))
    }
}

/// Compound operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompoundOp {
    /// `UNION`
    Union,
    /// `UNION ALL`
    UnionAll,
    /// `INTERSECT`
    Intersect,
    /// `EXCEPT`
    Except,
}

/// One term of a compound.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectCore {
    /// `SELECT ...`
    Query(Box<Query>),
    /// `VALUES (...), (...)`: one or more rows, all of one length.
    Values(Vec<Vec<Expr>>),
}

/// `SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ... WINDOW ...`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// DISTINCT, ALL, or neither.
    pub distinct: Option<Distinctness>,
    /// The result columns, at least one.
    pub columns: Vec<ResultColumn>,
    /// FROM.
    pub from: Option<FromClause>,
    /// WHERE.
    pub where_clause: Option<Expr>,
    /// GROUP BY.
    pub group_by: Vec<Expr>,
    /// Where each of its terms begins.
    pub group_spans: Vec<Span>,
    /// HAVING.
    pub having: Option<Expr>,
    /// WINDOW.
    pub windows: Vec<WindowDef>,
}

/// The word after SELECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distinctness {
    /// `DISTINCT`
    Distinct,
    /// `ALL`, the default spelt out.
    All,
}

/// One result column of SELECT or RETURNING.
#[derive(Debug, Clone, PartialEq)]
pub enum ResultColumn {
    /// `*`
    Star,
    /// `t.*`
    TableStar(Name),
    /// An expression.
    Expr {
        /// The expression.
        expr: Expr,
        /// `AS name`.
        alias: Option<Name>,
        /// The expression's text, parentheses included: it names the column when there is no alias.
        span: Span,
    },
}

/// FROM: a first source and what is joined to it, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct FromClause {
    /// The leftmost source.
    pub first: TableSource,
    /// The others.
    pub joins: Vec<Join>,
}

/// One join step.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// The operator.
    pub op: JoinOp,
    /// What is joined.
    pub right: TableSource,
    /// ON or USING.
    pub constraint: Option<JoinConstraint>,
}

/// A join operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JoinOp {
    /// Which join.
    pub kind: JoinKind,
    /// `NATURAL`.
    pub natural: bool,
}

/// Kinds of joins. The words OUTER and (alone) INNER carry no meaning and are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// `,`
    Comma,
    /// `JOIN`, `INNER JOIN`
    Inner,
    /// `CROSS JOIN`: inner, and the order of its sides is kept.
    Cross,
    /// `LEFT JOIN`
    Left,
    /// `RIGHT JOIN`
    Right,
    /// `FULL JOIN`
    Full,
}

/// ON or USING.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinConstraint {
    /// `ON expr`
    On(Expr),
    /// `USING (a, b)`
    Using(Vec<Name>),
}

/// A source of rows in FROM.
#[derive(Debug, Clone, PartialEq)]
pub enum TableSource {
    /// A table, a view, a common table expression, or a table-valued function.
    Table(TableRef),
    /// `(SELECT ...) AS alias`
    Subquery {
        /// The query.
        select: Box<Select>,
        /// The alias.
        alias: Option<Name>,
    },
    /// `(a JOIN b ...) AS alias`: more than one source, or one with its own alias.
    Join {
        /// What stands in the parentheses.
        from: Box<FromClause>,
        /// The alias.
        alias: Option<Name>,
        /// Its number among the SELECTs of the text.
        number: u32,
    },
}

/// A table in FROM, and the target of UPDATE and DELETE.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRef {
    /// The table.
    pub name: QualifiedName,
    /// The arguments of a table-valued function, where parentheses were written.
    pub args: Option<Vec<Expr>>,
    /// The alias.
    pub alias: Option<Name>,
    /// INDEXED BY or NOT INDEXED.
    pub indexed: Option<Indexed>,
}

/// A demand on how a table is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indexed {
    /// `INDEXED BY name`
    By(Name),
    /// `NOT INDEXED`
    Not,
}

/// `WITH [RECURSIVE] ...`.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// True when RECURSIVE was written; SQLite allows recursion without it.
    pub recursive: bool,
    /// The common table expressions, at least one.
    pub ctes: Vec<Cte>,
}

/// One common table expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: Name,
    /// The names of its columns, where given.
    pub columns: Vec<Name>,
    /// The hint.
    pub materialized: Materialized,
    /// Its query.
    pub select: Box<Select>,
}

/// The hint of a common table expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Materialized {
    /// No hint.
    Any,
    /// `AS MATERIALIZED`
    Yes,
    /// `AS NOT MATERIALIZED`
    No,
}

/// One term of ORDER BY, and one column of an index or key. Where it stands does not matter when two are compared.
#[derive(Debug, Clone)]
pub struct OrderingTerm {
    /// Where it begins in the SQL text.
    pub offset: u32,
    /// The expression; COLLATE is part of it.
    pub expr: Expr,
    /// ASC or DESC, where written.
    pub order: Option<SortOrder>,
    /// NULLS FIRST or LAST, where written.
    pub nulls: Option<NullsOrder>,
}

impl PartialEq for OrderingTerm {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr && self.order == other.order && self.nulls == other.nulls
    }
}

/// ASC or DESC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// `ASC`
    Asc,
    /// `DESC`
    Desc,
}

/// Where NULLs go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullsOrder {
    /// `NULLS FIRST`
    First,
    /// `NULLS LAST`
    Last,
}

/// LIMIT and OFFSET; `LIMIT a, b` arrives as limit `b`, offset `a`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// How many rows.
    pub limit: Expr,
    /// How many to leave out first.
    pub offset: Option<Expr>,
}

/// `name AS (...)` in a WINDOW clause.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowDef {
    /// The window's name.
    pub name: Name,
    /// The window.
    pub spec: WindowSpec,
}

/// `([base] [PARTITION BY ...] [ORDER BY ...] [frame])`.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSpec {
    /// The window that this one extends.
    pub base: Option<Name>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderingTerm>,
    /// The frame; absent: `RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`.
    pub frame: Option<Frame>,
}

/// A window frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// What is counted.
    pub units: FrameUnits,
    /// Where it starts.
    pub start: FrameBound,
    /// Where it ends; absent without BETWEEN, meaning CURRENT ROW.
    pub end: Option<FrameBound>,
    /// EXCLUDE, where written.
    pub exclude: Option<FrameExclude>,
}

/// What a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameUnits {
    /// `ROWS`
    Rows,
    /// `RANGE`
    Range,
    /// `GROUPS`
    Groups,
}

/// One end of a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum FrameBound {
    /// `UNBOUNDED PRECEDING`
    UnboundedPreceding,
    /// `x PRECEDING`
    Preceding(Box<Expr>),
    /// `CURRENT ROW`
    CurrentRow,
    /// `x FOLLOWING`
    Following(Box<Expr>),
    /// `UNBOUNDED FOLLOWING`
    UnboundedFollowing,
}

/// What a frame leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameExclude {
    /// `EXCLUDE NO OTHERS`
    NoOthers,
    /// `EXCLUDE CURRENT ROW`
    CurrentRow,
    /// `EXCLUDE GROUP`
    Group,
    /// `EXCLUDE TIES`
    Ties,
}
