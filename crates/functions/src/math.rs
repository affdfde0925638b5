//! Mathematical functions: reals in, real out; NULL for arguments that are no numbers and outside of the domain.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use std::f64::consts::PI;
use turso_error::Result;
use turso_value::{Number, Value, ValueType};

/// Rows for functions that are one operation on one real.
macro_rules! unary {
    ($name:literal, $operation:expr) => {
        FunctionDef::scalar($name, Arity::exactly(1), F::PURE, |ctx, args| apply(ctx, &args[0], $operation))
    };
}

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    unary!("acos", f64::acos),
    unary!("acosh", acosh),
    unary!("asin", f64::asin),
    unary!("asinh", asinh),
    unary!("atan", f64::atan),
    unary!("atanh", atanh),
    unary!("cos", f64::cos),
    unary!("cosh", f64::cosh),
    unary!("degrees", |x| x * (180.0 / PI)),
    unary!("exp", f64::exp),
    unary!("radians", |x| x * (PI / 180.0)),
    unary!("sin", f64::sin),
    unary!("sinh", f64::sinh),
    unary!("sqrt", f64::sqrt),
    unary!("tan", f64::tan),
    unary!("tanh", f64::tanh),
    unary!("ln", |x| if x > 0.0 { x.ln() } else { f64::NAN }),
    unary!("log10", |x| if x > 0.0 { x.log10() } else { f64::NAN }),
    unary!("log2", |x| if x > 0.0 { x.log2() } else { f64::NAN }),
    FunctionDef::scalar("log", Arity::between(1, 2), F::PURE, log),
    FunctionDef::scalar("atan2", Arity::exactly(2), F::PURE, |ctx, args| apply_two(ctx, args, f64::atan2)),
    FunctionDef::scalar("mod", Arity::exactly(2), F::PURE, |ctx, args| apply_two(ctx, args, |x, y| x % y)),
    FunctionDef::scalar("pow", Arity::exactly(2), F::PURE, |ctx, args| apply_two(ctx, args, f64::powf)),
    FunctionDef::scalar("power", Arity::exactly(2), F::PURE, |ctx, args| apply_two(ctx, args, f64::powf)),
    FunctionDef::scalar("ceil", Arity::exactly(1), F::PURE, |ctx, args| to_whole(ctx, &args[0], f64::ceil)),
    FunctionDef::scalar("ceiling", Arity::exactly(1), F::PURE, |ctx, args| to_whole(ctx, &args[0], f64::ceil)),
    FunctionDef::scalar("floor", Arity::exactly(1), F::PURE, |ctx, args| to_whole(ctx, &args[0], f64::floor)),
    FunctionDef::scalar("trunc", Arity::exactly(1), F::PURE, |ctx, args| to_whole(ctx, &args[0], f64::trunc)),
    FunctionDef::scalar("pi", Arity::exactly(0), F::PURE, |ctx, _| ctx.real(PI)),
];

/// A number, or text that is one as a whole.
fn argument(value: &Value) -> Option<Number> {
    match value.as_ref().numeric_type() {
        ValueType::Integer | ValueType::Real => value.to_number(),
        _ => None,
    }
}

fn apply(ctx: &mut Context<'_>, arg: &Value, operation: fn(f64) -> f64) -> Result<()> {
    match argument(arg) {
        Some(number) => ctx.real(operation(number.as_real())),
        None => ctx.null(),
    }
}

fn apply_two(ctx: &mut Context<'_>, args: &[Value], operation: fn(f64, f64) -> f64) -> Result<()> {
    match (argument(&args[0]), argument(&args[1])) {
        (Some(x), Some(y)) => ctx.real(operation(x.as_real(), y.as_real())),
        _ => ctx.null(),
    }
}

/// Integers stay as they are.
fn to_whole(ctx: &mut Context<'_>, arg: &Value, operation: fn(f64) -> f64) -> Result<()> {
    match argument(arg) {
        Some(Number::Integer(i)) => ctx.integer(i),
        Some(Number::Real(r)) => ctx.real(operation(r)),
        None => ctx.null(),
    }
}

/// `log(X)` is to base 10, `log(B, X)` to base B.
fn log(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(x) = argument(&args[0]).map(Number::as_real).filter(|x| *x > 0.0) else {
        return ctx.null();
    };
    let Some(second) = args.get(1) else {
        return ctx.real(x.log10());
    };
    // Unlike the base, the number itself is taken from any prefix.
    match Some(second.to_real()).filter(|x| *x > 0.0) {
        // Bases below 1 and 1 itself have no logarithm to divide by.
        Some(y) if x.ln() > 0.0 => ctx.real(y.ln() / x.ln()),
        _ => ctx.null(),
    }
}

/// Above this the square of a number swallows the one beside it.
const LARGE: f64 = (1u64 << 28) as f64;

/// The standard library's own versions lose the last bits, and overflow early.
fn acosh(x: f64) -> f64 {
    if x < 1.0 {
        f64::NAN
    } else if x > LARGE {
        x.ln() + std::f64::consts::LN_2
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

fn asinh(x: f64) -> f64 {
    let a = x.abs();
    let positive = if a > LARGE {
        a.ln() + std::f64::consts::LN_2
    } else if a > 2.0 {
        (2.0 * a + 1.0 / ((a * a + 1.0).sqrt() + a)).ln()
    } else {
        (a + a * a / (1.0 + (1.0 + a * a).sqrt())).ln_1p()
    };
    positive.copysign(x)
}

fn atanh(x: f64) -> f64 {
    let a = x.abs();
    let t = a + a;
    let positive = if a < 0.5 { 0.5 * (t + t * a / (1.0 - a)).ln_1p() } else { 0.5 * (t / (1.0 - a)).ln_1p() };
    positive.copysign(x)
}
