//! Functions that SQLite does not have: those of PostgreSQL that people expect, and our own.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use turso_error::{Error, Result, ResultCode};
use turso_value::Value;
use turso_value::encoding::{char_count, char_len, write_char};

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("btrim", Arity::between(1, 2), F::PURE, crate::text::trim_both),
    FunctionDef::scalar("char_length", Arity::exactly(1), F::PURE, char_length),
    FunctionDef::scalar("chr", Arity::exactly(1), F::PURE, chr),
    FunctionDef::scalar("gcd", Arity::exactly(2), F::PURE, |ctx, args| divisors(ctx, args, false)),
    FunctionDef::scalar("lcm", Arity::exactly(2), F::PURE, |ctx, args| divisors(ctx, args, true)),
    FunctionDef::scalar("lpad", Arity::between(2, 3), F::PURE, |ctx, args| pad(ctx, args, true)),
    FunctionDef::scalar("rpad", Arity::between(2, 3), F::PURE, |ctx, args| pad(ctx, args, false)),
    FunctionDef::scalar("repeat", Arity::exactly(2), F::PURE, repeat),
    FunctionDef::scalar("reverse", Arity::exactly(1), F::PURE, reverse),
    FunctionDef::scalar("string_reverse", Arity::exactly(1), F::PURE, reverse),
    FunctionDef::scalar("strpos", Arity::exactly(2), F::PURE, crate::text::instr),
    FunctionDef::scalar("get_byte", Arity::exactly(2), F::PURE, get_byte),
    FunctionDef::scalar("set_byte", Arity::exactly(3), F::PURE, set_byte),
    FunctionDef::scalar("subtype", Arity::exactly(1), F::PURE.and(F::SUBTYPE), subtype),
    FunctionDef::scalar("turso_version", Arity::exactly(0), F::PURE, |ctx, _| {
        ctx.text(env!("CARGO_PKG_VERSION").as_bytes())
    }),
];

fn char_length(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let count = char_count(args[0].text_in(&mut scratch));
    ctx.integer(count as i64)
}

fn chr(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() {
        return ctx.null();
    }
    let Some(c) = u32::try_from(args[0].to_integer()).ok().and_then(char::from_u32).filter(|&c| c != '\0') else {
        return Err(Error::sql("requested character not valid for encoding"));
    };
    write_char(u32::from(c), ctx.result.text_buffer());
    Ok(())
}

/// The greatest common divisor, or the least common multiple.
fn divisors(ctx: &mut Context<'_>, args: &[Value], multiple: bool) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let (a, b) = (args[0].to_integer().unsigned_abs(), args[1].to_integer().unsigned_abs());
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    let result = match (multiple, x) {
        (false, _) => Some(x),
        (true, 0) => Some(0),
        (true, _) => (a / x).checked_mul(b),
    };
    match result.and_then(|n| i64::try_from(n).ok()) {
        Some(n) => ctx.integer(n),
        None => Err(Error::sql("integer overflow")),
    }
}

/// Text filled up, or cut, to so many characters.
fn pad(ctx: &mut Context<'_>, args: &[Value], left: bool) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let (mut scratch, mut fill_scratch) = (Vec::new(), Vec::new());
    let text = args[0].text_in(&mut scratch);
    let wanted = usize::try_from(args[1].to_integer().max(0)).unwrap_or(usize::MAX);
    let fill = args.get(2).map_or(&b" "[..], |fill| fill.text_in(&mut fill_scratch));
    let have = char_count(text);
    if have >= wanted || fill.is_empty() {
        let mut end = 0;
        for _ in 0..wanted.min(have) {
            end += char_len(&text[end..]);
        }
        return ctx.text(&text[..end]);
    }
    let missing = wanted - have;
    ctx.check_length(missing.saturating_add(text.len()))?;
    let limit = ctx.environment.max_length();
    let out = ctx.result.text_buffer();
    if !left {
        out.extend_from_slice(text);
    }
    let mut rest = fill;
    for _ in 0..missing {
        if rest.is_empty() {
            rest = fill;
        }
        let (c, after) = rest.split_at(char_len(rest));
        out.extend_from_slice(c);
        rest = after;
        if out.len() > limit {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
    }
    if left {
        out.extend_from_slice(text);
    }
    let len = out.len();
    ctx.check_length(len)
}

fn repeat(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let text = args[0].text_in(&mut scratch);
    let times = usize::try_from(args[1].to_integer().max(0)).unwrap_or(usize::MAX);
    ctx.check_length(text.len().saturating_mul(times))?;
    let out = ctx.result.text_buffer();
    if !text.is_empty() {
        for _ in 0..times {
            out.extend_from_slice(text);
        }
    }
    Ok(())
}

fn reverse(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let text = args[0].text_in(&mut scratch);
    let out = ctx.result.text_buffer();
    out.resize(text.len(), 0);
    let (mut from, mut to) = (0, text.len());
    while from < text.len() {
        let len = char_len(&text[from..]);
        out[to - len..to].copy_from_slice(&text[from..from + len]);
        from += len;
        to -= len;
    }
    Ok(())
}

/// The offset that an argument names, or the error that PostgreSQL gives.
fn byte_offset(bytes: &[u8], offset: &Value) -> Result<usize> {
    let offset = offset.to_integer();
    match usize::try_from(offset).ok().filter(|&at| at < bytes.len()) {
        Some(at) => Ok(at),
        None => Err(Error::sql(format!("index {offset} out of valid range, 0..{}", bytes.len() as i64 - 1))),
    }
}

fn get_byte(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let bytes = args[0].text_in(&mut scratch);
    let at = byte_offset(bytes, &args[1])?;
    ctx.integer(i64::from(bytes[at]))
}

fn set_byte(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let bytes = args[0].text_in(&mut scratch);
    let at = byte_offset(bytes, &args[1])?;
    let out = ctx.result.blob_buffer();
    out.extend_from_slice(bytes);
    out[at] = args[2].to_integer() as u8;
    Ok(())
}

fn subtype(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    ctx.integer(i64::from(ctx.arg_subtype(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DefaultEnvironment, Lookup, lookup};

    fn check(name: &str, args: &[Value], expected: impl Into<Value>) {
        let Lookup::Found(function) = lookup(name.as_bytes(), args.len()) else { panic!("no {name}") };
        let mut result = Value::Null;
        let outcome = function.call(&mut Context::new(&mut result, &DefaultEnvironment), args);
        let found = outcome.map_or_else(|e| Value::text(e.message()), |()| result);
        assert_eq!(found, expected.into(), "{name}{args:?}");
    }

    #[test]
    fn text_functions() {
        let t = |s: &str| Value::from(s);
        check("btrim", &[t("xxaxx"), t("x")], "a");
        check("char_length", &[t("h\u{e9}")], 2);
        check("chr", &[Value::Integer(233)], "\u{e9}");
        check("chr", &[Value::Integer(0)], "requested character not valid for encoding");
        check("lpad", &[t("hi"), Value::Integer(5), t("xy")], "xyxhi");
        check("rpad", &[t("hi"), Value::Integer(5)], "hi   ");
        check("lpad", &[t("hello"), Value::Integer(2)], "he");
        check("repeat", &[t("ab"), Value::Integer(3)], "ababab");
        check("repeat", &[t("ab"), Value::Integer(i64::MAX)], "string or blob too big");
        check("reverse", &[t("a\u{e9}b")], "b\u{e9}a");
        check("strpos", &[t("hello"), t("l")], 3);
    }

    #[test]
    fn numbers_and_bytes() {
        let i = Value::Integer;
        check("gcd", &[i(12), i(-18)], 6);
        check("lcm", &[i(4), i(6)], 12);
        check("lcm", &[i(0), i(6)], 0);
        check("gcd", &[i(i64::MIN), i(i64::MIN)], "integer overflow");
        check("get_byte", &[Value::blob(*b"ab"), i(1)], 98);
        check("get_byte", &[Value::blob(*b"ab"), i(2)], "index 2 out of valid range, 0..1");
        check("set_byte", &[Value::blob(*b"ab"), i(0), i(65)], Value::blob(*b"Ab"));
    }
}
