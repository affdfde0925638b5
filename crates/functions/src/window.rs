//! Window functions proper: row_number() and its kin.
//!
//! They need no state: each is a function of where the current row stands in its partition. The interpreter, which holds
//! the partition's rows, asks [`WindowFunction::locate`] and either gets the value or is told of which row (and which
//! argument) the value is to be taken. Aggregates with OVER are driven through [`crate::Aggregate`] instead.

use crate::def::{Arity, FunctionDef};
use turso_error::{Error, Result};
use turso_value::{Value, ValueType};

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowFunction {
    /// 1, 2, 3 ...
    RowNumber,
    /// The row number of the first peer.
    Rank,
    /// The number of the peer group.
    DenseRank,
    /// (rank - 1) / (rows - 1)
    PercentRank,
    /// The share of rows up to the last peer.
    CumeDist,
    /// The number of the bucket, of N nearly equal ones.
    Ntile,
    /// The value some rows before.
    Lag,
    /// The value some rows after.
    Lead,
    /// Of the first row of the frame.
    FirstValue,
    /// Of the last row of the frame.
    LastValue,
    /// Of the Nth row of the frame.
    NthValue,
}

/// Where the current row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPosition {
    /// The row's index in its partition, from 0.
    pub row: u64,
    /// The number of rows of the partition.
    pub partition_rows: u64,
    /// The index of the row's first peer.
    pub peers_start: u64,
    /// One past the index of the row's last peer.
    pub peers_end: u64,
    /// The number of peer groups before the row's.
    pub group: u64,
}

/// The value of a window function.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowValue {
    /// This value.
    Value(Value),
    /// The first argument as it is in this row of the partition.
    OfRow(u64),
    /// The first argument as it is in the nth row (from 0) of the current frame, excluded rows not counted; NULL when the frame is
    /// shorter.
    OfFrameRow(u64),
    /// The first argument as it is in the last row of the current frame; NULL when it is empty.
    OfFrameEnd,
    /// The third argument of `lag` or `lead` in the current row, NULL when there is none.
    Default,
}

impl WindowFunction {
    /// True for those that look at the frame; the others see the whole partition whatever the frame says.
    pub const fn uses_frame(self) -> bool {
        matches!(self, Self::FirstValue | Self::LastValue | Self::NthValue)
    }

    /// The value, or where it is. `args`: the arguments as evaluated in the current row.
    pub fn locate(self, at: WindowPosition, args: &[Value]) -> Result<WindowValue> {
        let integer = |i: u64| WindowValue::Value(Value::Integer(i as i64));
        Ok(match self {
            Self::RowNumber => integer(at.row + 1),
            Self::Rank => integer(at.peers_start + 1),
            Self::DenseRank => integer(at.group + 1),
            Self::PercentRank => WindowValue::Value(Value::Real(if at.partition_rows > 1 {
                at.peers_start as f64 / (at.partition_rows - 1) as f64
            } else {
                0.0
            })),
            Self::CumeDist => WindowValue::Value(Value::Real(at.peers_end as f64 / at.partition_rows.max(1) as f64)),
            Self::Ntile => {
                let buckets = args.first().map_or(0, Value::to_integer);
                if buckets <= 0 {
                    return Err(Error::sql("argument of ntile must be a positive integer"));
                }
                // The first `rows % buckets` buckets have one row more than the others.
                let buckets = buckets as u64;
                let (size, longer) = (at.partition_rows / buckets, at.partition_rows % buckets);
                let in_longer = longer * (size + 1);
                integer(if at.row < in_longer {
                    at.row / (size + 1) + 1
                } else {
                    longer + (at.row - in_longer) / size.max(1) + 1
                })
            }
            Self::Lag | Self::Lead => {
                let offset = match args.get(1) {
                    None => 1,
                    Some(Value::Null) => return Ok(WindowValue::Value(Value::Null)),
                    Some(offset) => offset.to_integer(),
                };
                if self == Self::Lag && offset < -1 {
                    // SQLite has read only one row ahead when it answers lag().
                    return Ok(WindowValue::Default);
                }
                let distance = i128::from(offset) * if self == Self::Lag { -1 } else { 1 };
                match u64::try_from(i128::from(at.row) + distance) {
                    Ok(row) if row < at.partition_rows => WindowValue::OfRow(row),
                    _ => WindowValue::Default,
                }
            }
            Self::FirstValue => WindowValue::OfFrameRow(0),
            Self::LastValue => WindowValue::OfFrameEnd,
            Self::NthValue => {
                const MESSAGE: &str = "second argument to nth_value must be a positive integer";
                let count = args.get(1).filter(|count| match count.as_ref().numeric_type() {
                    ValueType::Integer => true,
                    ValueType::Real => count.to_real().fract() == 0.0,
                    _ => false,
                });
                let Some(n) = count.map(|count| count.to_real() as i64) else { return Err(Error::sql(MESSAGE)) };
                match u64::try_from(n) {
                    Ok(n) if n > 0 => WindowValue::OfFrameRow(n - 1),
                    _ => return Err(Error::sql(MESSAGE)),
                }
            }
        })
    }
}

/// The window functions.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::window("row_number", Arity::exactly(0), WindowFunction::RowNumber),
    FunctionDef::window("rank", Arity::exactly(0), WindowFunction::Rank),
    FunctionDef::window("dense_rank", Arity::exactly(0), WindowFunction::DenseRank),
    FunctionDef::window("percent_rank", Arity::exactly(0), WindowFunction::PercentRank),
    FunctionDef::window("cume_dist", Arity::exactly(0), WindowFunction::CumeDist),
    FunctionDef::window("ntile", Arity::exactly(1), WindowFunction::Ntile),
    FunctionDef::window("lag", Arity::between(1, 3), WindowFunction::Lag),
    FunctionDef::window("lead", Arity::between(1, 3), WindowFunction::Lead),
    FunctionDef::window("first_value", Arity::exactly(1), WindowFunction::FirstValue),
    FunctionDef::window("last_value", Arity::exactly(1), WindowFunction::LastValue),
    FunctionDef::window("nth_value", Arity::exactly(2), WindowFunction::NthValue),
];
