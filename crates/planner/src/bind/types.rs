//! Affinity and collation of bound expressions, and how two of them compare (`datatype3.html`, sections 3.2, 4 and 7.1).

use std::borrow::Cow;

use turso_value::{Affinity, Collation};

use crate::plan::{BinaryOp, Body, ColumnIndex, CompareHow, Expr, InSet, Query, RowValue, UnaryOp};

/// The affinity of an expression; [`Affinity::None`] when it has none.
pub fn affinity_of(e: &Expr) -> Affinity {
    match e {
        Expr::Column { affinity, .. }
        | Expr::Register { affinity, .. }
        | Expr::FirstOf { affinity, .. }
        | Expr::Cast { affinity, .. } => *affinity,
        Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plain, expr } => affinity_of(expr),
        Expr::Subquery(query) => query.columns.first().map_or(Affinity::None, |c| c.affinity),
        Expr::Shared(query) => query.columns.first().map_or(Affinity::None, |c| c.affinity),
        _ => Affinity::None,
    }
}

/// What an expression may give, as bits: for the affinity of a compound's column.
mod gives {
    pub const NUMBER: u8 = 1;
    pub const TEXT: u8 = 2;
    pub const ANY: u8 = 7;
}

fn gives(e: &Expr) -> u8 {
    match e {
        Expr::Literal(turso_value::Value::Null) => 0,
        Expr::Literal(turso_value::Value::Integer(_) | turso_value::Value::Real(_)) => gives::NUMBER,
        Expr::Literal(turso_value::Value::Text(_)) => gives::TEXT,
        Expr::Literal(turso_value::Value::Blob(_)) => 0,
        Expr::Column { .. } | Expr::Register { .. } | Expr::Cast { .. } | Expr::Subquery(_) | Expr::Shared(_) => {
            match affinity_of(e) {
                Affinity::Text => gives::TEXT,
                affinity if affinity.is_numeric() => gives::NUMBER,
                _ => gives::ANY,
            }
        }
        Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plus | UnaryOp::Plain, expr } => gives(expr),
        Expr::Binary { op: BinaryOp::Concat, .. } => gives::TEXT,
        Expr::Case { arms, otherwise, call: false, .. } => {
            arms.iter().map(|arm| gives(&arm.then)).chain(otherwise.as_deref().map(gives)).fold(0, |a, b| a | b)
        }
        Expr::Function { .. }
        | Expr::Case { .. }
        | Expr::Aggregate { .. }
        | Expr::Window { .. }
        | Expr::Parameter(_) => gives::ANY,
        _ => gives::NUMBER,
    }
}

/// The affinity that a column of a compound gets from the column's expressions in all terms: that of the first term that has
/// one, unless some term may give what it does not fit.
#[derive(Debug, Clone, Copy)]
pub struct CompoundAffinity {
    first: Affinity,
    gives: u8,
    /// The first term is a CAST.
    cast: bool,
}

impl CompoundAffinity {
    /// As the first term has it.
    pub fn of(e: &Expr) -> Self {
        Self { first: affinity_of(e), gives: gives(e), cast: matches!(e, Expr::Cast { .. }) }
    }

    /// With one more term.
    pub fn and(&mut self, e: &Expr) {
        if self.first == Affinity::None {
            self.first = affinity_of(e);
        }
        self.gives |= gives(e);
    }

    /// What comes out.
    pub fn affinity(self) -> Affinity {
        match self.first {
            Affinity::Text if self.gives & gives::NUMBER != 0 => Affinity::Blob,
            affinity if affinity.is_numeric() && self.gives & gives::TEXT != 0 => Affinity::Blob,
            affinity if affinity.is_numeric() && self.cast => Affinity::Numeric,
            affinity => affinity,
        }
    }
}

/// The collation of an expression, if it has one: that of a COLLATE operator, else that of the column it is.
pub fn collation_of(e: &Expr) -> Option<Collation> {
    match e {
        // Rowids are compared as numbers, whatever is declared.
        Expr::Column { column: ColumnIndex::Rowid, .. } => None,
        Expr::Column { collation, .. }
        | Expr::Register { collation, .. }
        | Expr::FirstOf { collation, .. }
        | Expr::Collate { collation, .. } => Some(collation.clone()),
        Expr::Cast { expr, .. } | Expr::Unary { op: UnaryOp::Plus | UnaryOp::Plain, expr } => collation_of(expr),
        _ => explicit_collation(e),
    }
}

/// The collation of an expression that orders something: BINARY where it has none.
pub fn ordering_collation(e: &Expr) -> Collation {
    collation_of(e).unwrap_or_default()
}

/// The collation of the leftmost COLLATE operator inside the expression (not inside its subqueries).
pub fn explicit_collation(e: &Expr) -> Option<Collation> {
    Named::by(e).collation
}

/// What COLLATE operators say of an expression.
#[derive(Default)]
struct Named {
    collation: Option<Collation>,
    /// Operators around the expression have it from there, too. That in an alias they do not see, unless another operand tells
    /// them that there is one; then it is as good as any.
    seen: bool,
}

impl Named {
    fn by(e: &Expr) -> Self {
        match e {
            Expr::Collate { collation, alias, .. } => Self { collation: Some(collation.clone()), seen: !alias },
            Expr::Literal(_)
            | Expr::Column { .. }
            | Expr::Parameter(_)
            | Expr::Aggregate { .. }
            | Expr::Window { .. }
            | Expr::Register { .. }
            | Expr::FirstOf { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Shared(_)
            | Expr::CompareRows { .. }
            | Expr::Raise { .. } => Self::default(),
            Expr::Unary { expr, .. }
            | Expr::Cast { expr, .. }
            | Expr::IsNull { expr, .. }
            | Expr::IsTrue { expr, .. } => Self::among([&**expr]),
            Expr::Binary { left, right, .. } | Expr::Compare { left, right, .. } => Self::among([&**left, right]),
            Expr::And(left, right) | Expr::Or(left, right) => Self::among([&**left, right]),
            Expr::Between { expr, low, high, .. } => Self::among([&**expr, low, high]),
            Expr::In { left, set: InSet::List(list), .. } => Self::among(left.iter().chain(list)),
            Expr::In { left, set: InSet::Query(_), .. } => Self::among(left),
            Expr::Case { base, arms, otherwise, .. } => {
                let arms = arms.iter().flat_map(|arm| [&arm.when, &arm.then]);
                Self::among(base.as_deref().into_iter().chain(arms).chain(otherwise.as_deref()))
            }
            Expr::Function { args, .. } => Self::among(args),
        }
    }

    fn among<'e>(operands: impl IntoIterator<Item = &'e Expr>) -> Self {
        let mut all = Self::default();
        for operand in operands {
            let named = Self::by(operand);
            all.seen |= named.seen;
            all.collation = all.collation.or(named.collation);
            if all.seen {
                break;
            }
        }
        if all.seen { all } else { Self::default() }
    }
}

/// How `left op right` compares.
pub fn compare_how(left: &Expr, right: &Expr) -> CompareHow {
    CompareHow {
        affinity: Affinity::for_comparison(affinity_of(left), affinity_of(right)),
        collation: compare_collation(left, right),
    }
}

/// The collation of `left op right`: an explicit one, else that of a column; the left operand goes first in both.
pub fn compare_collation(left: &Expr, right: &Expr) -> Collation {
    explicit_collation(left)
        .or_else(|| explicit_collation(right))
        .or_else(|| collation_of(left))
        .or_else(|| collation_of(right))
        .unwrap_or_default()
}

/// How `left IN (list)` compares: the elements count as expressions without affinity or collation.
pub fn in_list_how(left: &Expr) -> CompareHow {
    let affinity = match affinity_of(left) {
        Affinity::None => Affinity::Blob,
        affinity => affinity,
    };
    CompareHow { affinity, collation: ordering_collation(left) }
}

/// How two rows of one width compare, column by column.
pub fn rows_how(left: &RowValue, right: &RowValue) -> Vec<CompareHow> {
    let width = |row: &RowValue| match row {
        RowValue::List(list) => list.len(),
        RowValue::Subquery(query) => query.columns.len(),
    };
    let columns = 0..width(left).min(width(right));
    columns.map(|i| compare_how(&row_column(left, i), &row_column(right, i))).collect()
}

/// Column `i` of a row, or what compares as it does: a column of a query has the affinity of its last term, and no collation.
fn row_column(row: &RowValue, i: usize) -> Cow<'_, Expr> {
    let null = || Expr::Literal(turso_value::Value::Null);
    match row {
        RowValue::List(list) => list.get(i).map_or_else(|| Cow::Owned(null()), Cow::Borrowed),
        RowValue::Subquery(query) => Cow::Owned(match rightmost_output(&query.body, i) {
            Some(output) => Expr::Cast { expr: Box::new(null()), affinity: affinity_of(output) },
            None => null(),
        }),
    }
}

/// How `left` compares with column `i` of a subquery, as in `left = column`.
pub fn in_query_how(left: &Expr, query: &Query, i: usize) -> CompareHow {
    // In a compound the last term decides.
    let affinity = last_output(&query.body, i).map_or(Affinity::None, affinity_of);
    CompareHow {
        affinity: Affinity::for_comparison(affinity_of(left), affinity),
        collation: match rightmost_output(&query.body, i) {
            Some(output) => compare_collation(left, output),
            None => ordering_collation(left),
        },
    }
}

/// The expression behind output column `i` of the last core; the rows of VALUES have none that stands for all.
fn last_output(body: &Body, i: usize) -> Option<&Expr> {
    match body {
        Body::Core(core) => core.output.get(i),
        Body::Values(_) => None,
        Body::Compound { right, .. } => last_output(right, i),
    }
}

/// The expression behind output column `i` of the last core or row.
fn rightmost_output(body: &Body, i: usize) -> Option<&Expr> {
    match body {
        Body::Core(core) => core.output.get(i),
        Body::Values(rows) => rows.last()?.get(i),
        Body::Compound { right, .. } => rightmost_output(right, i),
    }
}

/// How the terms of a compound compare and sort each column: as the first of them that has a collation of its own. (Who reads
/// the compound as a table sees the collation of its first term.) Several rows of VALUES are a subquery, whose columns have one.
pub fn compound_collations(body: &Body) -> Vec<Option<Collation>> {
    match body {
        Body::Core(core) => core.output.iter().map(collation_of).collect(),
        Body::Values(rows) => {
            let own = |e: &Expr| Some(collation_of(e).unwrap_or_default());
            rows.first().map_or_else(Vec::new, |row| row.iter().map(own).collect())
        }
        Body::Compound { left, right, .. } => {
            let mut collations = compound_collations(left);
            add_collations(&mut collations, compound_collations(right));
            collations
        }
    }
}

/// Columns without a collation get that of a further term.
pub fn add_collations(collations: &mut [Option<Collation>], right: Vec<Option<Collation>>) {
    for (left, right) in collations.iter_mut().zip(right) {
        if left.is_none() {
            *left = right;
        }
    }
}
