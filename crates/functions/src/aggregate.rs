//! Aggregates: the trait, and the register of the built-in ones.

use crate::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use turso_error::{Error, Result};
use turso_value::Value;

mod concat;
mod count;
mod deviation;
mod extreme;
mod mode;
mod percentile;
mod sum;

pub use sum::RunningSum;

/// The state of an aggregate over one group or frame.
pub trait Aggregate: Send {
    /// Takes in one row. (`ctx.result` is not to be touched.)
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()>;

    /// [`step`](Self::step) of a row whose argument is an integer without a subtype, or that has no argument (`None`), where the
    /// aggregate needs to know nothing else; false: it does, and nothing has happened.
    fn step_integer(&mut self, argument: Option<i64>) -> bool {
        let _ = argument;
        false
    }

    /// Writes the current value to `ctx.result`; more rows may come after it.
    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()>;

    /// Writes the value of the finished group to `ctx.result`; only `reset` may follow.
    fn finalize(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        self.value(ctx)
    }

    /// Takes out a row that went in: the oldest one still in. Only with [`F::WINDOW`], and after `begin_frame`.
    fn inverse(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let _ = (ctx, args);
        Err(not_in_a_frame())
    }

    /// Announces, before the first `step` after creation, that `inverse` will be used. It holds until the state is
    /// dropped, also beyond `reset`.
    fn begin_frame(&mut self) {}

    /// Starts an empty group; buffers are kept.
    fn reset(&mut self);

    /// True when the last `step` made its row the one that bare columns are taken from (`min`, `max`).
    fn took_row(&self) -> bool {
        true
    }
}

/// `inverse` of an aggregate that has none, or that was not told of it in advance.
#[cold]
pub(crate) fn not_in_a_frame() -> Error {
    Error::sql("aggregate cannot run over a moving frame")
}

const NUMERIC: F = F::PURE.and(F::WINDOW);
const EXTREME: F = F::PURE.and(F::WINDOW).and(F::MIN_MAX).and(F::NEEDS_COLLATION).and(F::ANY_ORDER);
const COUNT: F = F::PURE.and(F::WINDOW).and(F::COUNT).and(F::ANY_ORDER);

/// The built-in aggregates.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::aggregate("count", Arity::between(0, 1), COUNT, count::create),
    FunctionDef::aggregate("sum", Arity::exactly(1), NUMERIC, sum::create_sum),
    FunctionDef::aggregate("total", Arity::exactly(1), NUMERIC, sum::create_total),
    FunctionDef::aggregate("avg", Arity::exactly(1), NUMERIC, sum::create_avg),
    FunctionDef::aggregate("min", Arity::exactly(1), EXTREME, extreme::create_min),
    FunctionDef::aggregate("max", Arity::exactly(1), EXTREME, extreme::create_max),
    FunctionDef::aggregate("group_concat", Arity::between(1, 2), NUMERIC.and(F::BLOB_IS_TEXT), concat::create),
    FunctionDef::aggregate("string_agg", Arity::exactly(2), NUMERIC.and(F::BLOB_IS_TEXT), concat::create),
    FunctionDef::aggregate("stddev", Arity::exactly(1), NUMERIC, deviation::create),
    FunctionDef::aggregate("mode", Arity::exactly(1), NUMERIC.and(F::NEEDS_COLLATION), mode::create),
    FunctionDef::aggregate("median", Arity::exactly(1), NUMERIC, percentile::create_median),
    FunctionDef::aggregate("percentile", Arity::exactly(2), NUMERIC, percentile::create_percentile),
    FunctionDef::aggregate("percentile_cont", Arity::exactly(2), NUMERIC, percentile::create_cont),
    FunctionDef::aggregate("percentile_disc", Arity::exactly(2), NUMERIC, percentile::create_disc),
];
