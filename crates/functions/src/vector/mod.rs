//! Vectors: blobs that hold numbers, made from text, taken apart, and measured against each other.
//!
//! A vector has no type of its own in SQL: it is a blob whose last byte (or even length) says what it holds
//! ([`format`]), and text like `[1, 2.5, 3]` is taken wherever a vector is. Nothing is read from a declared type.
//!
//! | module     | subject                                             |
//! |------------|-----------------------------------------------------|
//! | `format`   | the blob formats                                    |
//! | `text`     | `[1,2,3]`, read and written                         |
//! | `convert`  | from one format to another, concatenation, slices   |
//! | `distance` | distances, against an operand that is decoded once  |
//!
//! What is no vector is an error, NULL too: a row without a vector has no distance, and a query has to say what becomes
//! of it (`WHERE v IS NOT NULL`).

mod convert;
mod distance;
mod format;
mod text;

pub use distance::{Distance, Operand, Waiting, Walked};
pub use turso_simd::fetch_soon;

use std::borrow::Cow;

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F, FunctionKind};
use format::{Format, View};
use turso_error::{Error, Result};
use turso_value::{Value, ValueRef};

/// The row of a distance.
const fn distance(name: &'static str, distance: Distance) -> FunctionDef {
    FunctionDef {
        name: Cow::Borrowed(name),
        arity: Arity::exactly(2),
        flags: F::PURE,
        kind: FunctionKind::Distance(distance),
    }
}

/// The functions of this family.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("vector", Arity::exactly(1), F::PURE, |ctx, args| make(ctx, args, Format::F32)),
    FunctionDef::scalar("vector32", Arity::exactly(1), F::PURE, |ctx, args| make(ctx, args, Format::F32)),
    FunctionDef::scalar("vector64", Arity::exactly(1), F::PURE, |ctx, args| make(ctx, args, Format::F64)),
    FunctionDef::scalar("vector8", Arity::exactly(1), F::PURE, |ctx, args| make(ctx, args, Format::Bytes)),
    FunctionDef::scalar("vector1bit", Arity::exactly(1), F::PURE, |ctx, args| make(ctx, args, Format::Bits)),
    FunctionDef::scalar("vector32_sparse", Arity::exactly(1), F::PURE, |ctx, args| make(ctx, args, Format::Sparse)),
    FunctionDef::scalar("vector_extract", Arity::exactly(1), F::PURE, extract),
    FunctionDef::scalar("vector_concat", Arity::exactly(2), F::PURE, concat),
    FunctionDef::scalar("vector_slice", Arity::exactly(3), F::PURE, slice),
    distance("vector_distance_cos", Distance::Cosine),
    distance("vector_distance_l2", Distance::Euclidean),
    distance("vector_distance_dot", Distance::Dot),
    distance("vector_distance_jaccard", Distance::Jaccard),
];

/// The text of the error for a wrong number of arguments, where a function of this family has one of its own.
pub fn wrong_arity(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "vector" | "vector32" => "vector32 requires exactly one argument",
        "vector64" => "vector64 requires exactly one argument",
        "vector8" => "vector8 requires exactly one argument",
        "vector1bit" => "vector1bit requires exactly one argument",
        "vector32_sparse" => "vector32_sparse requires exactly one argument",
        "vector_extract" => "vector_extract requires exactly one argument",
        "vector_distance_cos" => "vector_distance_cos requires exactly two arguments",
        "vector_distance_l2" => "distance_l2 requires exactly two arguments",
        "vector_distance_dot" => "distance_dot requires exactly two arguments",
        "vector_distance_jaccard" => "distance_jaccard requires exactly two arguments",
        "vector_concat" => "concat requires exactly two arguments",
        "vector_slice" => "vector_slice requires exactly three arguments",
        _ => return None,
    })
}

/// The blob of an argument: text becomes a vector of `f32`.
fn blob_of(value: &Value) -> Result<Cow<'_, [u8]>> {
    match value {
        Value::Blob(blob) => Ok(Cow::Borrowed(blob)),
        Value::Text(text) => Ok(Cow::Owned(text::parse_f32(text)?)),
        _ => Err(Error::sql("Invalid vector type")),
    }
}

fn make(ctx: &mut Context<'_>, args: &[Value], to: Format) -> Result<()> {
    let longest = ctx.environment.max_length();
    let mut out = ctx.result.take_buffer();
    match &args[0] {
        // In the precision that is asked for: `f32` in between would round twice.
        Value::Text(text) if to == Format::F64 => text::parse_f64(text, &mut out)?,
        value => convert::convert(View::of(&blob_of(value)?)?, to, longest, &mut out)?,
    }
    finish(ctx, out)
}

/// The result is this blob.
fn finish(ctx: &mut Context<'_>, blob: Vec<u8>) -> Result<()> {
    ctx.check_length(blob.len())?;
    *ctx.result = Value::Blob(blob);
    Ok(())
}

fn extract(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let blob = blob_of(&args[0])?;
    let longest = ctx.environment.max_length();
    text::print(View::of(&blob)?, longest, ctx.result.text_buffer())?;
    ctx.check_length(ctx.result.bytes().map_or(0, <[u8]>::len))
}

fn concat(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (a, b) = (blob_of(&args[0])?, blob_of(&args[1])?);
    let mut out = ctx.result.take_buffer();
    convert::concat(View::of(&a)?, View::of(&b)?, &mut out)?;
    finish(ctx, out)
}

fn slice(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let blob = blob_of(&args[0])?;
    let (Ok(start), Ok(end)) = (usize::try_from(args[1].to_integer()), usize::try_from(args[2].to_integer())) else {
        return Err(Error::sql("start index and end_index must be non-negative"));
    };
    let mut out = ctx.result.take_buffer();
    convert::slice(View::of(&blob)?, start, end, &mut out)?;
    finish(ctx, out)
}

/// A distance as a function: what stands in an argument that is the same in every call is decoded in the first one.
pub(crate) fn call_distance(distance: Distance, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let [a, b] = args else { return Err(Error::sql("Invalid vector type")) };
    let kept = ctx.auxiliary.as_ref().and_then(|kept| [1, 0].into_iter().find(|i| kept.is_constant(*i)));
    let (row, constant) = if kept == Some(0) { (b, a) } else { (a, b) };
    let row = blob_of(row)?;
    let (Some(argument), Some(auxiliary)) = (kept, ctx.auxiliary.as_mut()) else {
        let operand = Operand::new(&blob_of(constant)?)?;
        let measured = distance.measure(View::of(&row)?, &operand, None)?;
        return ctx.real(measured);
    };
    if auxiliary.get(argument).is_none() {
        auxiliary.set(argument, Box::new(Operand::new(&blob_of(constant)?)?));
    }
    let operand = auxiliary.get(argument).and_then(|kept| kept.downcast_ref::<Operand>());
    match operand {
        Some(operand) => {
            let measured = distance.measure(View::of(&row)?, operand, None)?;
            ctx.real(measured)
        }
        None => Err(Error::sql("Invalid vector type")),
    }
}

impl Operand {
    /// Decode a value: a blob, or the text of a vector of `f32`.
    pub fn of_value(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Blob(blob) => Self::new(blob),
            ValueRef::Text(text) => Self::new(&text::parse_f32(text)?),
            _ => Err(Error::sql("Invalid vector type")),
        }
    }
}

impl Distance {
    /// Walks a stored blob, where it lies, or lets it wait for others: see [`settle`](Self::settle). `ahead`: bytes that will be wanted
    /// next.
    #[inline(always)]
    pub fn walk_blob<'b>(
        self,
        (blob, ahead): (&'b [u8], Option<&'b [u8]>),
        operand: &Operand,
        waiting: &mut Waiting<'b>,
        out: &mut Vec<Walked>,
    ) -> Result<()> {
        self.join((View::of(blob)?, ahead), operand, waiting, out)
    }

    /// Walk a value.
    pub fn walk_value(self, value: ValueRef<'_>, operand: &Operand) -> Result<Walked> {
        match value {
            ValueRef::Blob(blob) => self.sum(View::of(blob)?, operand, None),
            ValueRef::Text(text) => self.sum(View::of(&text::parse_f32(text)?)?, operand, None),
            _ => Err(Error::sql("Invalid vector type")),
        }
    }

    /// The distance of a stored blob, where it lies. `ahead`: bytes that will be wanted next.
    #[inline(always)]
    pub fn of_blob(self, blob: &[u8], operand: &Operand, ahead: Option<&[u8]>) -> Result<f64> {
        self.measure(View::of(blob)?, operand, ahead)
    }
}
