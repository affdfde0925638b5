//! Estimates of rows and work, kept as logarithms.
//!
//! A [`LogEst`] is ten times the binary logarithm of a number: coarse, small, and quick to multiply. The scale and the default
//! guesses (a million rows, ten rows per value of a first index column, a range keeps a quarter) are SQLite's, since what ties
//! here decides in which order rows without ORDER BY come.

use turso_functions::FunctionFlags;
use turso_program::expression::CompareOp;
use turso_schema::{Column, Index, IndexKey, Schema, Table};
use turso_value::{Affinity, Value};

use super::samples::Samples;
use crate::plan::{Expr, InSet};

/// `10 * log2(x)`, rounded.
pub type LogEst = i32;

/// Rows of a table of which nothing is known: 1,048,576.
pub const UNKNOWN_ROWS: LogEst = 200;

/// The logarithm of a whole number; 0 for 0 and 1.
pub fn log_est(x: u64) -> LogEst {
    match SMALL.get(x as usize) {
        Some(log) => LogEst::from(*log),
        None => (10.0 * (x as f64).log2()).round() as LogEst,
    }
}

/// [`log_est`] of small numbers, which are asked for most: `10 * log2(x)` is the logarithm of `x` to the tenth power.
static SMALL: [u8; 512] = {
    // The square root of two, times two to the power 63.
    const HALF: u128 = 13_043_817_825_332_782_212;
    let mut table = [0u8; 512];
    let mut x = 2usize;
    while x < 512 {
        let mut power = 1u128;
        let mut i = 0;
        while i < 10 {
            power *= x as u128;
            i += 1;
        }
        let whole = 127 - power.leading_zeros();
        let mantissa = if whole >= 63 { power >> (whole - 63) } else { power << (63 - whole) };
        table[x] = whole as u8 + (mantissa > HALF) as u8;
        x += 1;
    }
    table
};

/// `10 * log2(x)` of a positive real.
pub fn log_est_real(x: f64) -> LogEst {
    if x <= 1.0 { 0 } else { (10.0 * x.log2()).round().min(1000.0) as LogEst }
}

/// The number that a logarithm stands for.
pub fn number(x: LogEst) -> f64 {
    (f64::from(x) / 10.0).exp2()
}

/// The logarithm of the sum of two numbers.
pub fn add(a: LogEst, b: LogEst) -> LogEst {
    // round(10 * log2(1 + 2^(-d/10))) for the distance d.
    const SUM: [u8; 32] =
        [10, 10, 9, 9, 8, 8, 7, 7, 7, 6, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2];
    let (large, distance) = (a.max(b), a.abs_diff(b) as usize);
    match SUM.get(distance) {
        Some(more) => large + LogEst::from(*more),
        None if distance <= 49 => large + 1,
        None => large,
    }
}

/// The logarithm of the number of steps of a binary search among `rows` entries.
pub fn search_steps(rows: LogEst) -> LogEst {
    if rows <= 10 { 0 } else { log_est(rows as u64) - 33 }
}

/// From so many sources on, SQLite's guesses about conditions without an index (an equality keeps a quarter, anything else
/// nearly all) are given up for [`guess`]: with them the small differences between hundreds of sequences decide, and what that
/// costs is more than the order of rows of such a join is worth.
pub const DEEP_JOIN: usize = 4;

/// How many rows a condition keeps that no index serves, in a deep join.
pub fn guess(condition: &Expr) -> LogEst {
    let is_column = |e: &Expr| matches!(e.without_collate(), Expr::Column { .. });
    let small = |e: &Expr| matches!(e, Expr::Literal(Value::Integer(-1..=1)));
    match condition {
        Expr::Compare { op: CompareOp::Eq, left, right, .. } => {
            if small(left) || small(right) {
                -10
            } else if is_column(left) || is_column(right) {
                -33
            } else {
                -20
            }
        }
        Expr::Compare { op: CompareOp::Ne, .. } => -1,
        Expr::Compare { .. } => -10,
        Expr::Between { negated: false, .. } => -20,
        Expr::In { set: InSet::List(list), negated: false, .. } => (log_est(list.len() as u64) - 33).min(-5),
        Expr::In { negated: false, .. } => -20,
        Expr::Function { function, args, .. } if function.flags.has(FunctionFlags::LIKE) => like_guess(args),
        Expr::Exists { .. } | Expr::IsNull { negated: false, .. } => -10,
        Expr::Or(..) => -5,
        _ => -1,
    }
}

/// How many rows LIKE or GLOB keeps: words that stand in a text tell little by their length, numbers much, and a beginning more
/// than what may stand anywhere.
fn like_guess(args: &[Expr]) -> LogEst {
    let Some(Expr::Literal(Value::Text(pattern))) = args.first() else { return -20 };
    let anywhere = pattern.first().is_none_or(|b| b"%_*?[".contains(b));
    let letter = if anywhere { -4 } else { -10 };
    let of = |byte: &u8| match byte {
        b'0'..=b'9' => -20,
        b'%' | b'_' | b'*' | b'?' | b'[' | b']' => 0,
        _ => letter,
    };
    (-20 + pattern.iter().map(of).sum::<LogEst>()).max(-66)
}

/// What is known about the size of a table.
#[derive(Debug, Clone, Copy)]
pub struct TableSize {
    /// Number of rows.
    pub rows: LogEst,
    /// Average size of a row (in units that only compare with [`index_entry_size`]).
    pub row_size: LogEst,
    /// The number of rows comes from ANALYZE.
    pub analyzed: bool,
}

/// The size of a table by statistics or guess.
pub fn table_size(schema: &Schema, table: &Table) -> TableSize {
    let statistics = schema.statistics_of(&table.name);
    let rows = statistics.map_or(UNKNOWN_ROWS, |s| log_est(s.rows));
    let width: u64 = table.columns.iter().map(column_width).sum::<u64>() + u64::from(table.rowid_alias.is_none());
    let row_size = statistics.and_then(|s| s.row_size).map_or_else(|| log_est(width * 4), log_est);
    TableSize { rows, row_size, analyzed: statistics.is_some() }
}

/// Average size of an index entry.
pub fn index_entry_size(schema: &Schema, table: &Table, index: &Index) -> LogEst {
    if let Some(size) = statistics_of(schema, table, index).and_then(|s| s.row_size) {
        return log_est(size);
    }
    let key = index.columns.iter().map(|c| match c.key {
        IndexKey::Column(i) => table.columns.get(i).map_or(1, column_width),
        IndexKey::Rowid | IndexKey::Expr(_) => 1,
    });
    let trailing = index.trailing.iter().map(|&i| table.columns.get(i).map_or(1, column_width));
    let rowid = u64::from(table.has_rowid());
    log_est((key.sum::<u64>() + trailing.sum::<u64>() + rowid) * 4)
}

/// Width of a column in fourths of its declared size; 1 for numbers.
fn column_width(column: &Column) -> u64 {
    let Some(declared) = &column.declared_type else { return 1 };
    if !matches!(column.affinity, Affinity::Text | Affinity::Blob | Affinity::None) {
        return 1;
    }
    let Some(start) = declared.bytes().position(|b| b.is_ascii_digit()) else { return 5 };
    let digits = declared.bytes().skip(start).take_while(u8::is_ascii_digit);
    let size = digits.fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    (size / 4 + 1).min(255)
}

fn statistics_of<'s>(schema: &'s Schema, table: &Table, index: &Index) -> Option<&'s turso_schema::Statistics> {
    let name = if !table.has_rowid() && table.indexes.first().is_some_and(|p| p.root == index.root) {
        &table.name
    } else {
        &index.name
    };
    schema.statistics_of(name)
}

/// Rows per value of the first `0..=columns` index columns: entry 0 is the number of entries.
#[derive(Debug, Clone)]
pub struct IndexShape {
    /// The estimates.
    pub rows: Vec<LogEst>,
    /// They come from ANALYZE.
    pub analyzed: bool,
    /// ANALYZE says not to skip-scan.
    pub no_skip_scan: bool,
    /// ANALYZE says that ranges of this index are not to be used.
    pub unordered: bool,
    /// Entries that ANALYZE has kept.
    pub samples: Option<Samples>,
}

/// The shape of an index by statistics or guess.
pub fn index_shape(schema: &Schema, table: &Table, index: &Index, table_rows: LogEst) -> IndexShape {
    let columns = index.columns.len();
    let mut shape = IndexShape {
        rows: Vec::with_capacity(columns + 1),
        analyzed: false,
        no_skip_scan: false,
        unordered: false,
        samples: None,
    };
    if let Some(statistics) = statistics_of(schema, table, index).filter(|s| !s.per_prefix.is_empty()) {
        shape.analyzed = true;
        shape.no_skip_scan = statistics.no_skip_scan;
        shape.unordered = statistics.unordered;
        shape.samples = Samples::of(schema, table, index, statistics);
        shape.rows.push(log_est(statistics.rows));
        shape.rows.extend(statistics.per_prefix.iter().take(columns).map(|&n| log_est(n)));
        let last = shape.rows.last().copied().unwrap_or(0);
        shape.rows.resize(columns + 1, last);
        return shape;
    }
    // 10, 9, 8, 7, 6 rows, then 5.
    const GUESS: [LogEst; 5] = [33, 32, 30, 28, 26];
    // A partial index is taken to hold half of the rows.
    shape.rows.push(if index.partial.is_some() { table_rows - 10 } else { table_rows });
    shape.rows.extend((0..columns).map(|j| GUESS.get(j).copied().unwrap_or(23)));
    if index.unique
        && let Some(last) = shape.rows.last_mut()
        && columns > 0
    {
        *last = 0;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_add_like_numbers() {
        assert_eq!(log_est(1_048_576), 200);
        assert_eq!(log_est(10), 33);
        for x in 2..600u64 {
            assert_eq!(log_est(x), (10.0 * (x as f64).log2()).round() as LogEst, "{x}");
        }
        assert_eq!(add(200, 200), 210);
        assert_eq!(add(200, 0), 200);
        assert_eq!(add(33, 33), 43);
        assert_eq!(search_steps(200), 43);
    }
}
