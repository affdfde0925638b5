//! `printf()` / `format()`, and the quoting that is made of it.
//!
//! A conversion is `%[flags][width][.precision][l|ll]type`. An unknown type ends the output there. Arguments that are
//! missing count as 0 or empty. The format and text arguments count up to their first NUL, as they do in C.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::json::{write_escaped, write_string};
use crate::text::{before_nul, write_hex};
use turso_error::{Error, Result, ResultCode};
use turso_value::encoding::char_len;
use turso_value::{Value, number};

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("printf", Arity::ANY, F::PURE.and(F::BLOB_IS_TEXT), printf),
    FunctionDef::scalar("format", Arity::ANY, F::PURE.and(F::BLOB_IS_TEXT), printf),
    FunctionDef::scalar("quote", Arity::exactly(1), F::PURE, quote_function),
    FunctionDef::scalar("unistr_quote", Arity::exactly(1), F::PURE, unistr_quote_function),
];

/// What stands between `%` and the type.
#[derive(Debug, Clone, Copy, Default)]
struct Spec {
    left: bool,
    /// `+`, a space, or 0.
    sign: u8,
    /// `#`
    alternate: bool,
    /// `!`
    alternate2: bool,
    zero_pad: bool,
    comma: bool,
    width: usize,
    precision: Option<usize>,
}

fn printf(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some((format, args)) = args.split_first().filter(|(format, _)| !format.is_null()) else {
        return ctx.null();
    };
    let mut scratch = Vec::new();
    let format = before_nul(format.text_in(&mut scratch));
    let limit = ctx.environment.max_length();
    write_format(format, args, limit, ctx.result.text_buffer())
}

/// Appends the formatted text; `SQLITE_TOOBIG` when it gets longer than `limit`.
pub fn write_format(format: &[u8], args: &[Value], limit: usize, out: &mut Vec<u8>) -> Result<()> {
    let mut args = args.iter();
    let mut rest = format;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.is_empty() {
            out.push(b'%');
            break;
        }
        let Some((spec, kind, tail)) = read_spec(rest, &mut args) else {
            return Ok(());
        };
        rest = tail;
        // Of all that is no number the precision only cuts.
        let digits = match kind {
            b'd' | b'i' | b'u' | b'x' | b'X' | b'o' | b'c' => spec.precision.unwrap_or(0),
            b'f' | b'e' | b'E' | b'g' | b'G' => spec.precision.unwrap_or(0).min(MAX_PRECISION),
            _ => 0,
        };
        let width = if is_padded(kind) { spec.width } else { 0 };
        if out.len().saturating_add(width.max(digits)) > limit {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        if !convert(spec, kind, &mut args, out) {
            return Ok(());
        }
        if out.len() > limit {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
    }
    out.extend_from_slice(rest);
    if out.len() > limit { Err(Error::from_code(ResultCode::TOOBIG)) } else { Ok(()) }
}

/// Something comes of this type that the width fills up: `n` stands for nothing, and at an unknown type the text ends.
fn is_padded(kind: u8) -> bool {
    b"diruxXopfeEgGcsqQwjJz%".contains(&kind)
}

/// Reads flags, width and precision; the type letter; what follows. `None` when the format ends too early.
fn read_spec<'f>(format: &'f [u8], args: &mut std::slice::Iter<'_, Value>) -> Option<(Spec, u8, &'f [u8])> {
    let mut spec = Spec::default();
    let mut at = 0;
    loop {
        match format.get(at)? {
            b'-' => spec.left = true,
            b'+' => spec.sign = b'+',
            b' ' => spec.sign = b' ',
            b'#' => spec.alternate = true,
            b'!' => spec.alternate2 = true,
            b'0' => spec.zero_pad = true,
            b',' => spec.comma = true,
            _ => break,
        }
        at += 1;
    }
    // Numbers wrap as 32-bit ones do in C, then lose their highest bit.
    let count = |at: &mut usize| {
        let mut n = 0u32;
        while let Some(d @ b'0'..=b'9') = format.get(*at) {
            n = n.wrapping_mul(10).wrapping_add(u32::from(d - b'0'));
            *at += 1;
        }
        (n & 0x7fff_ffff) as usize
    };
    let mut star = || args.next().map_or(0, |arg| arg.to_integer() as i32);
    if format.get(at) == Some(&b'*') {
        at += 1;
        let width = star();
        spec.left |= width < 0;
        spec.width = if width == i32::MIN { 0 } else { width.unsigned_abs() as usize };
    } else {
        spec.width = count(&mut at);
    }
    if format.get(at) == Some(&b'.') {
        at += 1;
        if format.get(at) == Some(&b'*') {
            at += 1;
            let precision = star();
            spec.precision = (precision != i32::MIN).then_some(precision.unsigned_abs() as usize);
        } else {
            spec.precision = Some(count(&mut at));
        }
    }
    for _ in 0..2 {
        if format.get(at) == Some(&b'l') {
            at += 1;
        }
    }
    Some((spec, *format.get(at)?, &format[at + 1..]))
}

/// Appends one conversion; false when the type is unknown.
fn convert(spec: Spec, kind: u8, args: &mut std::slice::Iter<'_, Value>, out: &mut Vec<u8>) -> bool {
    match kind {
        b'd' | b'i' => {
            let i = args.next().map_or(0, Value::to_integer);
            let prefix = if i < 0 { b'-' } else { spec.sign };
            write_number(spec, i.unsigned_abs(), 10, false, prefix, b"", out);
        }
        b'r' => {
            let i = args.next().map_or(0, Value::to_integer);
            let prefix = if i < 0 { b'-' } else { spec.sign };
            let n = i.unsigned_abs();
            let suffix: &[u8] = match (n % 10, n / 10 % 10) {
                (1..=3, 1) | (0 | 4..=9, _) => b"th",
                (1, _) => b"st",
                (2, _) => b"nd",
                _ => b"rd",
            };
            write_number(Spec { comma: false, ..spec }, n, 10, false, prefix, suffix, out);
        }
        b'u' | b'x' | b'X' | b'o' | b'p' => {
            let n = args.next().map_or(0, Value::to_integer) as u64;
            let base = match kind {
                b'u' => 10,
                b'o' => 8,
                _ => 16,
            };
            let spec = Spec { comma: spec.comma && kind == b'u', sign: 0, ..spec };
            let start = out.len();
            write_number(
                Spec { width: 0, left: false, ..padded(spec) },
                n,
                base,
                matches!(kind, b'X' | b'p'),
                0,
                b"",
                out,
            );
            if spec.alternate && n != 0 {
                let prefix: &[u8] = match kind {
                    b'x' | b'p' => b"0x",
                    b'X' => b"0X",
                    b'o' => b"0",
                    _ => b"",
                };
                out.splice(start..start, prefix.iter().copied());
            }
            pad(spec, start, out);
        }
        b'f' | b'e' | b'E' | b'g' | b'G' => {
            let r = args.next().map_or(0.0, Value::to_real);
            write_real(spec, r, kind, out);
        }
        b's' | b'z' => {
            let mut scratch = Vec::new();
            let text = args.next().map_or(&[][..], |arg| arg.text_in(&mut scratch));
            let start = out.len();
            out.extend_from_slice(cut(before_nul(text), spec));
            pad(spec, start, out);
        }
        b'c' => {
            let mut scratch = Vec::new();
            let text = before_nul(args.next().map_or(&[][..], |arg| arg.text_in(&mut scratch)));
            let one = if text.is_empty() { &[0][..] } else { &text[..char_len(text).min(4)] };
            let start = out.len();
            for _ in 0..spec.precision.unwrap_or(1).max(1) {
                out.extend_from_slice(one);
            }
            pad(Spec { alternate2: true, ..spec }, start, out);
        }
        b'q' | b'Q' | b'w' => {
            let arg = args.next().unwrap_or(&Value::Null);
            let start = out.len();
            let mut scratch = Vec::new();
            match arg {
                Value::Null => out.extend_from_slice(cut(if kind == b'Q' { b"NULL" } else { b"(NULL)" }, spec)),
                arg => write_quoted(kind, spec.alternate, cut(before_nul(arg.text_in(&mut scratch)), spec), out),
            }
            pad(spec, start, out);
        }
        b'j' | b'J' => {
            let arg = args.next().unwrap_or(&Value::Null);
            let start = out.len();
            let mut scratch = Vec::new();
            match arg {
                Value::Null if kind == b'J' => out.extend_from_slice(b"null"),
                Value::Null => {}
                // With the quotes around it, or what stands within them.
                arg => {
                    let write = if kind == b'J' { write_string } else { write_escaped };
                    write(cut(before_nul(arg.text_in(&mut scratch)), spec), out);
                }
            }
            pad(spec, start, out);
        }
        b'%' => {
            let start = out.len();
            out.push(b'%');
            pad(spec, start, out);
        }
        b'n' => {}
        _ => return false,
    }
    true
}

/// What precision leaves of a text: bytes, or characters with `!`.
fn cut(text: &[u8], spec: Spec) -> &[u8] {
    let Some(precision) = spec.precision else { return text };
    if !spec.alternate2 {
        return &text[..precision.min(text.len())];
    }
    let mut at = 0;
    for _ in 0..precision {
        if at >= text.len() {
            break;
        }
        at += char_len(&text[at..]);
    }
    &text[..at]
}

/// Pads what was written since `start` to the width, with spaces.
fn pad(spec: Spec, start: usize, out: &mut Vec<u8>) {
    let written = &out[start..];
    // Characters, counted as the bytes that do not continue one.
    let len = if spec.alternate2 { written.iter().filter(|&&b| b & 0xc0 != 0x80).count() } else { written.len() };
    let missing = spec.width.saturating_sub(len);
    if spec.left {
        out.resize(out.len() + missing, b' ');
    } else {
        out.splice(start..start, std::iter::repeat_n(b' ', missing));
    }
}

/// Zero padding as a precision: as many digits as the width has room for.
fn padded(spec: Spec) -> Spec {
    if !spec.zero_pad {
        return spec;
    }
    Spec { precision: Some(spec.precision.unwrap_or(0).max(spec.width)), ..spec }
}

fn write_number(spec: Spec, n: u64, base: u64, upper: bool, prefix: u8, suffix: &[u8], out: &mut Vec<u8>) {
    let mut spec = spec;
    if spec.zero_pad {
        let room = spec.width.saturating_sub(usize::from(prefix != 0));
        spec.precision = Some(spec.precision.unwrap_or(0).max(room));
    }
    let mut reversed: Vec<u8> = suffix.iter().rev().copied().collect();
    let mut rest = n;
    loop {
        let digit = (rest % base) as u8;
        reversed.push(match digit {
            0..=9 => b'0' + digit,
            _ if upper => b'A' + digit - 10,
            _ => b'a' + digit - 10,
        });
        rest /= base;
        if rest == 0 {
            break;
        }
    }
    if let Some(precision) = spec.precision
        && reversed.len() < precision
    {
        reversed.resize(precision, b'0');
    }
    let start = out.len();
    if prefix != 0 {
        out.push(prefix);
    }
    let digits = reversed.len();
    for (i, &digit) in reversed.iter().rev().enumerate() {
        if spec.comma && i > 0 && (digits - i).is_multiple_of(3) {
            out.push(b',');
        }
        out.push(digit);
    }
    pad(spec, start, out);
}

/// SQLite computes no more than this many significant digits without `!`.
const PLAIN_DIGITS: i32 = 16;
/// And with `!`: all it has.
const ALL_DIGITS: i32 = 26;
/// The longest precision of a real.
const MAX_PRECISION: usize = 100_000_000;

fn write_real(spec: Spec, r: f64, kind: u8, out: &mut Vec<u8>) {
    let start = out.len();
    let prefix = if r < 0.0 { b'-' } else { spec.sign };
    if r.is_infinite() && !spec.zero_pad {
        if prefix != 0 {
            out.push(prefix);
        }
        out.extend_from_slice(b"Inf");
        return pad(spec, start, out);
    }
    let mut precision = spec.precision.unwrap_or(6).min(MAX_PRECISION) as i32;
    let general = matches!(kind, b'g' | b'G');
    if general && precision == 0 {
        precision = 1;
    }
    // The significant digits, and the power of ten of the first.
    let (digits, exponent) = significant(r, spec, kind, precision);
    let drop_zeros;
    let exponential;
    if general {
        precision -= 1;
        drop_zeros = !spec.alternate;
        exponential = exponent < -4 || exponent > precision;
        if !exponential {
            precision -= exponent;
        }
    } else {
        drop_zeros = spec.alternate2;
        exponential = kind != b'f';
    }
    // With `#` nothing is called negative that is rounded to zero.
    let hides_sign = spec.alternate && spec.sign == 0 && kind == b'f' && digits == b"0";
    let prefix = if hides_sign { 0 } else { prefix };
    if prefix != 0 {
        out.push(prefix);
    }
    let mut digits = digits.iter().copied().chain(std::iter::repeat(b'0'));
    let mut next = || digits.next().unwrap_or(b'0');
    let whole = if exponential { 0 } else { exponent };
    if whole < 0 {
        out.push(b'0');
    }
    for i in (0..=whole).rev() {
        out.push(next());
        if spec.comma && i > 0 && i % 3 == 0 {
            out.push(b',');
        }
    }
    let has_point = precision > 0 || spec.alternate || spec.alternate2;
    if has_point {
        out.push(b'.');
    }
    let leading_zeros = (-whole - 1).clamp(0, precision.max(0));
    out.resize(out.len() + leading_zeros as usize, b'0');
    for _ in leading_zeros..precision.max(0) {
        out.push(next());
    }
    if drop_zeros && has_point {
        while out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            if spec.alternate2 {
                out.push(b'0');
            } else {
                out.pop();
            }
        }
    }
    if exponential {
        out.push(if matches!(kind, b'E' | b'G') { b'E' } else { b'e' });
        out.push(if exponent < 0 { b'-' } else { b'+' });
        if exponent.abs() < 10 {
            out.push(b'0');
        }
        number::write_integer(i64::from(exponent.abs()), out);
    }
    let written = out.len() - start;
    if spec.zero_pad && !spec.left && written < spec.width {
        let at = start + usize::from(prefix != 0);
        out.splice(at..at, std::iter::repeat_n(b'0', spec.width - written));
    }
    pad(spec, start, out);
}

/// The digits to print, as many as they are, and the power of ten of the first one.
fn significant(r: f64, spec: Spec, kind: u8, precision: i32) -> (Vec<u8>, i32) {
    if r == 0.0 {
        return (vec![b'0'], 0);
    }
    if r.is_infinite() {
        return (vec![b'9'], 999);
    }
    let limit = if spec.alternate2 { ALL_DIGITS } else { PLAIN_DIGITS };
    let (wanted, places) = match kind {
        b'f' => {
            // Digits before the point count too: those of the number before rounding.
            let exponent = number::rounded_digits(r, ALL_DIGITS, 18).exponent;
            (precision.saturating_add(exponent + 1), 18)
        }
        b'e' | b'E' => (precision.saturating_add(1), if precision < 16 { 19 } else { 18 }),
        _ => (precision, if precision < 17 { 19 } else { 18 }),
    };
    // Seventeen is the count at which SQLite looks for a shorter form.
    let digits = match wanted.min(limit) {
        17 => number::digits(r),
        count => number::rounded_digits(r, count, places),
    };
    if digits.as_slice() == b"0" {
        // Rounded away: zeros as far as the precision goes.
        return (vec![b'0'], 0);
    }
    (digits.as_slice().to_vec(), digits.exponent)
}

/// Appends `%!.{places}f`.
pub(crate) fn write_fixed(r: f64, places: i32, out: &mut Vec<u8>) {
    let spec = Spec { alternate2: true, precision: Some(places.max(0) as usize), ..Spec::default() };
    write_real(spec, r, b'f', out);
}

/// `%q`, `%Q`, `%w`: quotes doubled, and with `#` control characters and backslashes escaped for `unistr()`.
fn write_quoted(kind: u8, escapes: bool, text: &[u8], out: &mut Vec<u8>) {
    let quote = if kind == b'w' { b'"' } else { b'\'' };
    let has_control = text.iter().any(|&b| b < 0x20);
    let escapes = escapes && (kind == b'q' || (kind == b'Q' && has_control));
    let unistr = escapes && kind == b'Q';
    if unistr {
        out.extend_from_slice(b"unistr(");
    }
    if kind == b'Q' {
        out.push(quote);
    }
    for &b in text {
        match b {
            _ if b == quote => out.extend_from_slice(&[quote, quote]),
            b'\\' if escapes => out.extend_from_slice(b"\\\\"),
            0..=0x1f if escapes => {
                out.extend_from_slice(b"\\u00");
                out.push(if b < 0x10 { b'0' } else { b'1' });
                out.push(b"0123456789abcdef"[usize::from(b & 15)]);
            }
            _ => out.push(b),
        }
    }
    if kind == b'Q' {
        out.push(quote);
    }
    if unistr {
        out.push(b')');
    }
}

/// Appends the value as an SQL literal. With `escapes`, text with control characters is written as a call of `unistr()`.
pub fn write_literal(value: &Value, escapes: bool, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Integer(_) => value.as_ref().write_text(out),
        Value::Real(r) if r.is_infinite() => {
            out.extend_from_slice(if *r < 0.0 { b"-9.0e+999" } else { b"9.0e+999" });
        }
        Value::Real(r) => number::write_real(*r, out),
        Value::Text(text) => write_quoted(b'Q', escapes, before_nul(text), out),
        Value::Blob(blob) => {
            out.extend_from_slice(b"X'");
            write_hex(blob, out);
            out.push(b'\'');
        }
    }
}

fn quote_function(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    write_literal(&args[0], false, ctx.result.text_buffer());
    ctx.check_length(ctx.result.bytes().map_or(0, <[u8]>::len))
}

fn unistr_quote_function(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    write_literal(&args[0], true, ctx.result.text_buffer());
    ctx.check_length(ctx.result.bytes().map_or(0, <[u8]>::len))
}
