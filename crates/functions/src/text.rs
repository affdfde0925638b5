//! Functions over text and blobs.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use turso_error::{Error, Result, ResultCode};
use turso_value::encoding::{char_count, char_len, read_char, write_char};
use turso_value::{Affinity, TextEncoding, Value, ValueRef};

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("length", Arity::exactly(1), F::PURE, length),
    FunctionDef::scalar("octet_length", Arity::exactly(1), F::PURE, octet_length),
    FunctionDef::scalar("lower", Arity::exactly(1), F::PURE.and(F::BLOB_IS_TEXT), lower),
    FunctionDef::scalar("upper", Arity::exactly(1), F::PURE.and(F::BLOB_IS_TEXT), upper),
    FunctionDef::scalar("substr", Arity::between(2, 3), F::PURE, substr),
    FunctionDef::scalar("substring", Arity::between(2, 3), F::PURE, substr),
    FunctionDef::scalar("trim", Arity::between(1, 2), F::PURE.and(F::BLOB_IS_TEXT), trim_both),
    FunctionDef::scalar("ltrim", Arity::between(1, 2), F::PURE.and(F::BLOB_IS_TEXT), trim_left),
    FunctionDef::scalar("rtrim", Arity::between(1, 2), F::PURE.and(F::BLOB_IS_TEXT), trim_right),
    FunctionDef::scalar("replace", Arity::exactly(3), F::PURE.and(F::BLOB_IS_TEXT), replace),
    FunctionDef::scalar("instr", Arity::exactly(2), F::PURE, instr),
    FunctionDef::scalar("concat", Arity::at_least(1), F::PURE.and(F::BLOB_IS_TEXT), concat),
    FunctionDef::scalar("concat_ws", Arity::at_least(2), F::PURE.and(F::BLOB_IS_TEXT), concat_ws),
    FunctionDef::scalar("hex", Arity::exactly(1), F::PURE, hex),
    FunctionDef::scalar("unhex", Arity::between(1, 2), F::PURE.and(F::BLOB_IS_TEXT), unhex),
    FunctionDef::scalar("char", Arity::ANY, F::PURE.and(F::BLOB_IS_TEXT), char),
    FunctionDef::scalar("unicode", Arity::exactly(1), F::PURE.and(F::BLOB_IS_TEXT), unicode),
    FunctionDef::scalar("unistr", Arity::exactly(1), F::PURE.and(F::BLOB_IS_TEXT), unistr),
    FunctionDef::scalar("zeroblob", Arity::exactly(1), F::PURE, zeroblob),
    FunctionDef::scalar("soundex", Arity::exactly(1), F::PURE.and(F::BLOB_IS_TEXT), soundex),
];

/// Text as a C string sees it: up to the first NUL.
#[inline]
pub(crate) fn before_nul(text: &[u8]) -> &[u8] {
    // `contains` is the standard library's fast byte search; a NUL is rare.
    if !text.contains(&0) {
        return text;
    }
    match text.iter().position(|&b| b == 0) {
        Some(at) => &text[..at],
        None => text,
    }
}

fn length(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let count = match &args[0] {
        Value::Null => return ctx.null(),
        Value::Blob(b) => b.len(),
        Value::Text(t) => length_of_text(before_nul(t)),
        number => number.text_in(&mut Vec::new()).len(),
    };
    ctx.integer(count as i64)
}

/// Characters as `length()` counts them: unlike elsewhere, stray continuation bytes that follow each other count once.
fn length_of_text(text: &[u8]) -> usize {
    let continues = |b: u8| b & 0xc0 == 0x80;
    let mut previous = 0;
    let mut count = 0;
    for &b in text {
        if !continues(b) || previous < 0x80 {
            count += 1;
        }
        previous = b;
    }
    count
}

fn octet_length(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let encoding = ctx.environment.encoding();
    let count = match &args[0] {
        Value::Null => return ctx.null(),
        Value::Blob(b) => b.len(),
        Value::Text(t) => encoding.encoded_len(t),
        number => {
            let unit = if encoding == TextEncoding::Utf8 { 1 } else { 2 };
            number.text_in(&mut Vec::new()).len() * unit
        }
    };
    ctx.integer(count as i64)
}

fn lower(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    fold(ctx, &args[0], <[u8]>::make_ascii_lowercase)
}

fn upper(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    fold(ctx, &args[0], <[u8]>::make_ascii_uppercase)
}

fn fold(ctx: &mut Context<'_>, arg: &Value, fold: fn(&mut [u8])) -> Result<()> {
    if arg.is_null() {
        return ctx.null();
    }
    let buffer = ctx.result.text_buffer();
    arg.as_ref().write_text(buffer);
    fold(buffer);
    Ok(())
}

/// `substr(X, start [, count])`: characters of text, bytes of a blob; counted from 1, negative from the end.
fn substr(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let mut start = args[1].to_integer();
    let mut count = args.get(2).map_or(i64::MAX, Value::to_integer);
    let is_blob = matches!(args[0], Value::Blob(_));
    let mut scratch = Vec::new();
    let source = args[0].text_in(&mut scratch);
    if is_blob && source.is_empty() {
        return ctx.null();
    }
    let source = if is_blob { source } else { before_nul(source) };
    // The length only matters for a start counted from the end.
    let len = || if is_blob { source.len() } else { char_count(source) } as i64;
    if start < 0 {
        start = start.saturating_add(len());
        if start < 0 {
            count = if count < 0 { 0 } else { count.saturating_add(start).max(0) };
            start = 0;
        }
    } else if start > 0 {
        start -= 1;
    } else if count > 0 {
        count -= 1;
    }
    if count < 0 {
        // A negative count takes the characters before the start.
        count = if count < -start { start } else { -count };
        start -= count;
    }
    let (start, count) = (start.max(0) as u64, count.max(0) as u64);
    if is_blob {
        let from = start.min(source.len() as u64) as usize;
        let to = start.saturating_add(count).min(source.len() as u64) as usize;
        return ctx.blob(&source[from..to]);
    }
    let from = skip_chars(source, start);
    let rest = &source[from..];
    ctx.text(&rest[..skip_chars(rest, count)])
}

/// The offset after `count` characters, or the end.
fn skip_chars(text: &[u8], count: u64) -> usize {
    if text.len() as u64 <= count {
        // Each character takes a byte at least.
        return text.len();
    }
    let mut at = 0;
    for _ in 0..count {
        if at >= text.len() {
            break;
        }
        at += char_len(&text[at..]);
    }
    at
}

pub(crate) fn trim_both(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    trim(ctx, args, true, true)
}

fn trim_left(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    trim(ctx, args, true, false)
}

fn trim_right(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    trim(ctx, args, false, true)
}

fn trim(ctx: &mut Context<'_>, args: &[Value], left: bool, right: bool) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let (mut scratch, mut set_scratch) = (Vec::new(), Vec::new());
    let mut text = args[0].text_in(&mut scratch);
    let set = match args.get(1) {
        Some(set) => before_nul(set.text_in(&mut set_scratch)),
        None => b" ",
    };
    let mut members = Vec::new();
    let mut rest = set;
    while !rest.is_empty() {
        let (member, tail) = rest.split_at(char_len(rest));
        members.push(member);
        rest = tail;
    }
    while left && let Some(member) = members.iter().find(|m| text.starts_with(m)) {
        text = &text[member.len()..];
    }
    while right && let Some(member) = members.iter().find(|m| text.ends_with(m)) {
        text = &text[..text.len() - member.len()];
    }
    ctx.text(text)
}

/// The first occurrence of a non-empty needle at or after `from`.
fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let &first = needle.first()?;
    let mut at = from;
    while at + needle.len() <= haystack.len() {
        let last_start = haystack.len() - needle.len();
        let hit = haystack[at..=last_start].iter().position(|&b| b == first)?;
        at += hit;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn replace(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() || args[1].is_null() {
        return ctx.null();
    }
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    let (text, pattern, with) = (args[0].text_in(&mut a), args[1].text_in(&mut b), args[2].text_in(&mut c));
    // A pattern that is empty as a C string replaces nothing.
    if pattern.first().is_none_or(|&b| b == 0) {
        return ctx.text(text);
    }
    if args[2].is_null() {
        return ctx.null();
    }
    let limit = ctx.environment.max_length();
    let out = ctx.result.text_buffer();
    let mut at = 0;
    while let Some(hit) = find(text, pattern, at) {
        out.extend_from_slice(&text[at..hit]);
        out.extend_from_slice(with);
        if out.len() > limit {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        at = hit + pattern.len();
    }
    out.extend_from_slice(&text[at..]);
    if out.len() > limit {
        return Err(Error::from_code(ResultCode::TOOBIG));
    }
    Ok(())
}

/// Where X holds Y first, counted from 1: in bytes when both are blobs, else in characters.
pub(crate) fn instr(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let encoding = ctx.environment.encoding();
    if encoding != TextEncoding::Utf8 && matches!(args[0], Value::Blob(_)) != matches!(args[1], Value::Blob(_)) {
        // Beside a text, a blob is the text that its bytes are there.
        let texts = [0, 1].map(|i| {
            let mut text = args[i].clone();
            text.cast_in(Affinity::Text, encoding);
            text
        });
        return instr(ctx, &texts);
    }
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let (haystack, needle) = (args[0].text_in(&mut a), args[1].text_in(&mut b));
    if needle.is_empty() {
        return ctx.integer(1);
    }
    if matches!(args, [Value::Blob(_), Value::Blob(_)]) {
        return ctx.integer(find(haystack, needle, 0).map_or(0, |at| at as i64 + 1));
    }
    // Only hits at the start of a character count.
    let (mut at, mut count) = (0, 1);
    while at < haystack.len() {
        if haystack[at..].starts_with(needle) {
            return ctx.integer(count);
        }
        at += 1;
        while at < haystack.len() && haystack[at] & 0xc0 == 0x80 {
            at += 1;
        }
        count += 1;
    }
    ctx.integer(0)
}

fn concat(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    join(ctx, args, b"")
}

fn concat_ws(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let separator = args[0].text_in(&mut scratch);
    join(ctx, &args[1..], separator)
}

/// All that are not NULL, with a separator between them.
fn join(ctx: &mut Context<'_>, parts: &[Value], separator: &[u8]) -> Result<()> {
    let limit = ctx.environment.max_length();
    let out = ctx.result.text_buffer();
    let mut first = true;
    for part in parts.iter().filter(|part| !part.is_null()) {
        if !first {
            out.extend_from_slice(separator);
        }
        first = false;
        part.as_ref().write_text(out);
        if out.len() > limit {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
    }
    Ok(())
}

pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len() * 2);
    for &b in bytes {
        out.push(DIGITS[usize::from(b >> 4)]);
        out.push(DIGITS[usize::from(b & 15)]);
    }
}

fn hex(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (mut scratch, mut stored) = (Vec::new(), Vec::new());
    let mut bytes = args[0].text_in(&mut scratch);
    let encoding = ctx.environment.encoding();
    if encoding != TextEncoding::Utf8 && matches!(args[0], Value::Text(_)) {
        encoding.encode(bytes, &mut stored);
        bytes = &stored;
    }
    ctx.check_length(bytes.len() * 2)?;
    write_hex(bytes, ctx.result.text_buffer());
    Ok(())
}

pub(crate) fn hex_digit(b: u8) -> Option<u8> {
    (b as char).to_digit(16).map(|d| d as u8)
}

/// Hexadecimal to blob; characters of the second argument may stand between the pairs. NULL for anything else.
fn unhex(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args.iter().any(Value::is_null) {
        return ctx.null();
    }
    let (mut scratch, mut skip_scratch) = (Vec::new(), Vec::new());
    let text = args[0].text_in(&mut scratch);
    let skip = args.get(1).map_or(&[][..], |skip| skip.text_in(&mut skip_scratch));
    let mut skipped = Vec::new();
    let mut rest = skip;
    while !rest.is_empty() {
        let (code, len) = read_char(rest);
        skipped.push(code);
        rest = &rest[len..];
    }
    let out = ctx.result.blob_buffer();
    let mut rest = before_nul(text);
    while !rest.is_empty() {
        match rest {
            [a, b, tail @ ..] if let (Some(high), Some(low)) = (hex_digit(*a), hex_digit(*b)) => {
                out.push(high << 4 | low);
                rest = tail;
            }
            [a, ..] if hex_digit(*a).is_none() => {
                let (code, len) = read_char(rest);
                if !skipped.contains(&code) {
                    return ctx.null();
                }
                rest = &rest[len..];
            }
            _ => return ctx.null(),
        }
    }
    Ok(())
}

fn char(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let out = ctx.result.text_buffer();
    for arg in args {
        let code = arg.to_integer();
        write_char(if (0..=0x10ffff).contains(&code) { code as u32 } else { 0xfffd }, out);
    }
    Ok(())
}

fn unicode(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    match before_nul(args[0].text_in(&mut scratch)) {
        [] => ctx.null(),
        text => ctx.integer(i64::from(read_char(text).0)),
    }
}

/// Backslash escapes to characters: `\XXXX`, `\uXXXX`, `\+XXXXXX`, `\UXXXXXXXX`, `\\`.
fn unistr(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    if args[0].is_null() {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let mut rest = args[0].text_in(&mut scratch);
    let out = ctx.result.text_buffer();
    while let Some(at) = rest.iter().position(|&b| b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let (skip, digits) = match rest.first() {
            Some(b'\\') => {
                out.push(b'\\');
                rest = &rest[1..];
                continue;
            }
            Some(b'u') => (1, 4),
            Some(b'+') => (1, 6),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let code = rest
            .get(skip..skip + digits)
            .and_then(|digits| digits.iter().try_fold(0u32, |code, &d| Some(code << 4 | u32::from(hex_digit(d)?))));
        let Some(code) = code else {
            return Err(Error::sql("invalid Unicode escape"));
        };
        write_char(code, out);
        rest = &rest[skip + digits..];
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn zeroblob(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let len = usize::try_from(args[0].to_integer().max(0)).unwrap_or(usize::MAX);
    ctx.check_length(len)?;
    ctx.result.blob_buffer().resize(len, 0);
    Ok(())
}

fn soundex(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    /// 0: a vowel, separates equal codes; 7: h and w, which do not.
    fn code(letter: u8) -> u8 {
        // SQLite's table has 128 entries; other bytes count by their low seven bits.
        match (letter & 0x7f).to_ascii_lowercase() {
            b'b' | b'f' | b'p' | b'v' => 1,
            b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => 2,
            b'd' | b't' => 3,
            b'l' => 4,
            b'm' | b'n' => 5,
            b'r' => 6,
            _ => 0,
        }
    }
    let mut scratch = Vec::new();
    let text = match args[0].as_ref() {
        ValueRef::Null => &[][..],
        _ => before_nul(args[0].text_in(&mut scratch)),
    };
    let Some(start) = text.iter().position(u8::is_ascii_alphabetic) else {
        return ctx.text(b"?000");
    };
    let mut out = [text[start].to_ascii_uppercase(), b'0', b'0', b'0'];
    let mut previous = code(text[start]);
    let mut filled = 1;
    for &letter in &text[start + 1..] {
        let code = code(letter);
        if code > 0 {
            if code != previous && filled < 4 {
                out[filled] = b'0' + code;
                filled += 1;
            }
            previous = code;
        } else {
            previous = 0;
        }
    }
    ctx.text(&out)
}
