//! Aggregates: the trait, and the register of the built-in ones.

use crate::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags};
use turso_error::{Error, Result};
use turso_value::Value;

mod count;

/// The state of an aggregate over one group or frame.
pub trait Aggregate: Send {
    /// Takes in one row. (`ctx.result` is not to be touched.)
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()>;

    /// Writes the current value to `ctx.result`; more rows may come after it.
    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()>;

    /// Writes the value of the finished group to `ctx.result`; only `reset` may follow.
    fn finalize(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        self.value(ctx)
    }

    /// Takes out a row that went in: the oldest one still in. Only with [`FunctionFlags::WINDOW`].
    fn inverse(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let _ = (ctx, args);
        Err(Error::sql("aggregate cannot run over a moving frame"))
    }

    /// Starts an empty group; buffers are kept.
    fn reset(&mut self);

    /// True when the last `step` made its row the one that bare columns are taken from (`min`, `max`).
    fn took_row(&self) -> bool {
        true
    }
}

/// The built-in aggregates.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::aggregate(
        "count",
        Arity::between(0, 1),
        FunctionFlags::PURE.and(FunctionFlags::COUNT).and(FunctionFlags::WINDOW).and(FunctionFlags::ANY_ORDER),
        count::create,
    ),
];
