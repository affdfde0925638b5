//! Numbers, choices, and the facts of the connection.

use crate::compile_options::{COMPILE_OPTIONS, is_compiled_with};
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::printf;
use std::cmp::Ordering;
use turso_error::{Error, Result, ResultCode};
use turso_value::{Value, ValueType, number};

const INLINE: F = F::PURE.and(F::INLINE);

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("abs", Arity::exactly(1), F::PURE.and(F::BLOB_IS_TEXT), abs),
    FunctionDef::scalar("sign", Arity::exactly(1), F::PURE, sign),
    FunctionDef::scalar("round", Arity::between(1, 2), F::PURE.and(F::BLOB_IS_TEXT), round),
    FunctionDef::scalar("min", Arity::at_least(2), F::PURE.and(F::NEEDS_COLLATION), min),
    FunctionDef::scalar("max", Arity::at_least(2), F::PURE.and(F::NEEDS_COLLATION), max),
    FunctionDef::scalar("random", Arity::exactly(0), F::INNOCUOUS, random),
    FunctionDef::scalar("randomblob", Arity::exactly(1), F::INNOCUOUS, randomblob),
    FunctionDef::scalar("typeof", Arity::exactly(1), F::PURE, type_of),
    FunctionDef::scalar("coalesce", Arity::at_least(2), INLINE, coalesce),
    FunctionDef::scalar("ifnull", Arity::exactly(2), INLINE, coalesce),
    FunctionDef::scalar("nullif", Arity::exactly(2), F::PURE.and(F::NEEDS_COLLATION), nullif),
    FunctionDef::scalar("iif", Arity::at_least(2), INLINE, iif),
    FunctionDef::scalar("if", Arity::at_least(2), INLINE, iif),
    FunctionDef::scalar("likely", Arity::exactly(1), INLINE, first),
    FunctionDef::scalar("unlikely", Arity::exactly(1), INLINE, first),
    FunctionDef::scalar("likelihood", Arity::exactly(2), INLINE, first),
    FunctionDef::scalar("changes", Arity::exactly(0), F::INNOCUOUS, changes),
    FunctionDef::scalar("total_changes", Arity::exactly(0), F::INNOCUOUS, total_changes),
    FunctionDef::scalar("last_insert_rowid", Arity::exactly(0), F::INNOCUOUS, last_insert_rowid),
    FunctionDef::scalar("sqlite_version", Arity::exactly(0), F::PURE, sqlite_version),
    FunctionDef::scalar("sqlite_source_id", Arity::exactly(0), F::PURE, sqlite_source_id),
    FunctionDef::scalar("sqlite_compileoption_used", Arity::exactly(1), F::PURE, option_used),
    FunctionDef::scalar("sqlite_compileoption_get", Arity::exactly(1), F::PURE, option_get),
    FunctionDef::scalar("load_extension", Arity::between(1, 2), F::DIRECT_ONLY, load_extension),
];

fn abs(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match &args[0] {
        Value::Null => ctx.null(),
        Value::Integer(i) => match i.checked_abs() {
            Some(i) => ctx.integer(i),
            None => Err(Error::sql("integer overflow")),
        },
        other => {
            let real = other.to_real();
            ctx.real(if real < 0.0 { -real } else { real })
        }
    }
}

fn sign(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args[0].as_ref().numeric_type() {
        ValueType::Integer | ValueType::Real => {
            let real = args[0].to_real();
            ctx.integer(i64::from(real > 0.0) - i64::from(real < 0.0))
        }
        _ => ctx.null(),
    }
}

fn round(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let places = args.get(1).map_or(0, Value::to_integer).clamp(0, 30);
    let real = args[0].to_real();
    // From 2^52 on there are no fractions.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    if !(-WHOLE..=WHOLE).contains(&real) {
        return ctx.real(real);
    }
    if places == 0 {
        return ctx.real((real + if real < 0.0 { -0.5 } else { 0.5 }) as i64 as f64);
    }
    let mut text = Vec::new();
    printf::write_fixed(real, places as i32, &mut text);
    ctx.real(number::parse_real_prefix(&text))
}

fn min(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    extreme(ctx, args, Ordering::Less)
}

fn max(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    extreme(ctx, args, Ordering::Greater)
}

/// Of equal values `max` keeps the first, `min` takes the last, as SQLite does.
fn extreme(ctx: &mut Context<'_>, args: &[Value], wanted: Ordering) -> Result<()> {
    let mut best = &args[0];
    if best.is_null() {
        return ctx.null();
    }
    ctx.result_subtype = ctx.arg_subtype(0);
    for (i, arg) in args.iter().enumerate().skip(1) {
        if arg.is_null() {
            ctx.result_subtype = 0;
            return ctx.null();
        }
        let order = ctx.compare(arg, best);
        if order == wanted || (order == Ordering::Equal && wanted == Ordering::Less) {
            best = arg;
            ctx.result_subtype = ctx.arg_subtype(i);
        }
    }
    ctx.value(best)
}

fn random(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    let mut bytes = [0; 8];
    ctx.environment.fill_random(&mut bytes);
    let mut i = i64::from_le_bytes(bytes);
    // The most negative number would make abs(random()) fail once in a long while.
    if i < 0 {
        i = -(i & i64::MAX);
    }
    ctx.integer(i)
}

fn randomblob(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let len = usize::try_from(args[0].to_integer().max(1)).unwrap_or(usize::MAX);
    ctx.check_length(len)?;
    let environment = ctx.environment;
    let out = ctx.result.blob_buffer();
    out.resize(len, 0);
    environment.fill_random(out);
    Ok(())
}

fn type_of(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    ctx.text(args[0].value_type().name().as_bytes())
}

fn coalesce(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.iter().find(|arg| !arg.is_null()) {
        Some(arg) => ctx.value(arg),
        None => ctx.null(),
    }
}

fn nullif(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if ctx.compare(&args[0], &args[1]) == Ordering::Equal {
        ctx.null()
    } else {
        ctx.result_subtype = ctx.arg_subtype(0);
        ctx.value(&args[0])
    }
}

fn iif(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    for pair in args.chunks(2) {
        match pair {
            [otherwise] => return ctx.value(otherwise),
            [condition, then] if condition.truth() == Some(true) => return ctx.value(then),
            _ => {}
        }
    }
    ctx.null()
}

fn first(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    ctx.value(&args[0])
}

fn changes(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    ctx.integer(ctx.environment.changes())
}

fn total_changes(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    ctx.integer(ctx.environment.total_changes())
}

fn last_insert_rowid(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    ctx.integer(ctx.environment.last_insert_rowid())
}

fn sqlite_version(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    ctx.text(crate::SQLITE_VERSION.as_bytes())
}

fn sqlite_source_id(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    ctx.text(crate::SQLITE_SOURCE_ID.as_bytes())
}

/// True when an option is listed, given with or without its value and the prefix `SQLITE_`.
fn option_used(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let name = args[0].text_in(&mut scratch);
    let used = is_compiled_with(name);
    ctx.integer(i64::from(used))
}

fn option_get(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match usize::try_from(args[0].to_integer()).ok().and_then(|i| COMPILE_OPTIONS.get(i)) {
        Some(option) => ctx.text(option.as_bytes()),
        None => ctx.null(),
    }
}

fn load_extension(_: &mut Context<'_>, _: &[Value]) -> Result<()> {
    Err(Error::new(ResultCode::ERROR, "not authorized"))
}
