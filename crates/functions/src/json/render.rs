//! JSONB to JSON text, and to SQL values.

use super::blob::{Element, MAX_DEPTH, child, kind, malformed};
use crate::text::hex_digit;
use turso_error::{Error, Result, ResultCode};
use turso_value::encoding::{read_char, write_char};
use turso_value::{Value, number};

/// Appends the element as JSON text without white space.
pub(super) fn write_text(blob: &[u8], e: &Element, out: &mut Vec<u8>) -> Result<()> {
    write_nested(blob, e, 0, None, out)
}

/// Appends the element as JSON text, one line per value, `indent` once per level.
pub(super) fn write_pretty(blob: &[u8], e: &Element, indent: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<()> {
    write_nested(blob, e, 0, Some((indent, limit)), out)
}

fn write_nested(
    blob: &[u8],
    e: &Element,
    depth: usize,
    pretty: Option<(&[u8], usize)>,
    out: &mut Vec<u8>,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(malformed());
    }
    if !e.is_container() {
        return write_scalar(e.kind, e.payload(blob), out);
    }
    let is_object = e.kind == kind::OBJECT;
    out.push(if is_object { b'{' } else { b'[' });
    let new_line = |depth: usize, out: &mut Vec<u8>| -> Result<()> {
        if let Some((indent, limit)) = pretty {
            out.push(b'\n');
            for _ in 0..depth {
                out.extend_from_slice(indent);
            }
            if out.len() > limit {
                return Err(Error::from_code(ResultCode::TOOBIG));
            }
        }
        Ok(())
    };
    let mut at = e.body;
    while at < e.end {
        if at > e.body {
            out.push(b',');
        }
        new_line(depth + 1, out)?;
        let mut inner = child(blob, e, at)?;
        if is_object {
            if inner.is_container() {
                return Err(malformed());
            }
            write_scalar(inner.kind, inner.payload(blob), out)?;
            out.push(b':');
            if pretty.is_some() {
                out.push(b' ');
            }
            inner = child(blob, e, inner.end)?;
        }
        write_nested(blob, &inner, depth + 1, pretty, out)?;
        at = inner.end;
    }
    if e.body < e.end {
        new_line(depth, out)?;
    }
    out.push(if is_object { b'}' } else { b']' });
    Ok(())
}

fn write_scalar(kind: u8, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
    match kind {
        kind::NULL => out.extend_from_slice(b"null"),
        kind::TRUE => out.extend_from_slice(b"true"),
        kind::FALSE => out.extend_from_slice(b"false"),
        kind::INT | kind::FLOAT => {
            if payload.is_empty() {
                return Err(malformed());
            }
            out.extend_from_slice(payload);
        }
        kind::INT5 => {
            let (negative, value) = hexadecimal(payload)?;
            if negative {
                out.push(b'-');
            }
            match value {
                Some(value) => out.extend_from_slice(value.to_string().as_bytes()),
                None => out.extend_from_slice(b"9.0e999"),
            }
        }
        kind::FLOAT5 => {
            if payload.is_empty() {
                return Err(malformed());
            }
            // A digit on both sides of the point.
            let mut previous = 0;
            for (i, &b) in payload.iter().enumerate() {
                if b == b'.' && !previous_is_digit(previous) {
                    out.push(b'0');
                }
                out.push(b);
                if b == b'.' && !payload.get(i + 1).is_some_and(u8::is_ascii_digit) {
                    out.push(b'0');
                }
                previous = b;
            }
        }
        kind::TEXT | kind::TEXTJ => {
            out.push(b'"');
            out.extend_from_slice(payload);
            out.push(b'"');
        }
        kind::TEXT5 => write_text5(payload, out)?,
        kind::TEXTRAW => write_string(payload, out),
        _ => return Err(malformed()),
    }
    Ok(())
}

fn previous_is_digit(b: u8) -> bool {
    b.is_ascii_digit()
}

/// Sign and magnitude of `[-]0x...`; no magnitude when it does not fit 64 bits.
fn hexadecimal(payload: &[u8]) -> Result<(bool, Option<u64>)> {
    let (negative, rest) = match payload {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let Some(digits) = rest.get(2..).filter(|digits| !digits.is_empty()) else {
        return Err(malformed());
    };
    let mut value = Some(0u64);
    for &d in digits {
        let Some(digit) = hex_digit(d) else { return Err(malformed()) };
        value = value.and_then(|v| v.checked_mul(16)?.checked_add(u64::from(digit)));
    }
    Ok((negative, value))
}

/// JSON5 escapes become those of JSON.
fn write_text5(payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'"');
    let mut rest = payload;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            0..=0x1f => write_control(b, out),
            b'\\' => match tail {
                [b'\'', rest_after @ ..] => {
                    out.push(b'\'');
                    rest = rest_after;
                }
                [b'v', rest_after @ ..] => {
                    out.extend_from_slice(b"\\u000b");
                    rest = rest_after;
                }
                [b'x', a, c, rest_after @ ..] => {
                    out.extend_from_slice(b"\\u00");
                    out.extend_from_slice(&[*a, *c]);
                    rest = rest_after;
                }
                [b'0', rest_after @ ..] => {
                    out.extend_from_slice(b"\\u0000");
                    rest = rest_after;
                }
                [b'\r', b'\n', rest_after @ ..] | [b'\r' | b'\n', rest_after @ ..] => rest = rest_after,
                [0xe2, 0x80, 0xa8 | 0xa9, rest_after @ ..] => rest = rest_after,
                [escaped, rest_after @ ..] => {
                    out.extend_from_slice(&[b'\\', *escaped]);
                    rest = rest_after;
                }
                [] => return Err(malformed()),
            },
            _ => out.push(b),
        }
    }
    out.push(b'"');
    Ok(())
}

fn write_control(b: u8, out: &mut Vec<u8>) {
    match b {
        0x08 => out.extend_from_slice(b"\\b"),
        0x09 => out.extend_from_slice(b"\\t"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        0x0d => out.extend_from_slice(b"\\r"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(b'0' + (b >> 4));
            out.push(b"0123456789abcdef"[usize::from(b & 15)]);
        }
    }
}

/// Appends SQL text as a JSON string.
pub(crate) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends SQL text as it stands within the quotes of a JSON string.
pub(crate) fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    for &b in text {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            0..=0x1f => write_control(b, out),
            _ => out.push(b),
        }
    }
}

/// Appends the text that a JSON string stands for.
pub(super) fn write_unescaped(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    if !matches!(kind, kind::TEXTJ | kind::TEXT5) {
        out.extend_from_slice(payload);
        return;
    }
    let mut rest = payload;
    while let Some(at) = rest.iter().position(|&b| b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let (code, len) = unescape(&rest[at..]);
        if let Some(code) = code {
            write_char(code, out);
        }
        rest = &rest[at + len..];
    }
    out.extend_from_slice(rest);
}

/// The character of the escape at the start of a text (none for a continued line), and its length.
fn unescape(text: &[u8]) -> (Option<u32>, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 4)?;
        digits.iter().try_fold(0u32, |code, &d| Some(code << 4 | u32::from(hex_digit(d)?)))
    };
    match text.get(1) {
        Some(b'u') => match unit(2) {
            Some(high @ 0xd800..=0xdbff) => match (text.get(6..8), unit(8)) {
                (Some(b"\\u"), Some(low @ 0xdc00..=0xdfff)) => {
                    (Some(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12)
                }
                _ => (Some(high), 6),
            },
            Some(code) => (Some(code), 6),
            None => (Some(0xfffd), text.len().min(2)),
        },
        Some(b'b') => (Some(0x08), 2),
        Some(b'f') => (Some(0x0c), 2),
        Some(b'n') => (Some(0x0a), 2),
        Some(b'r') => (Some(0x0d), 2),
        Some(b't') => (Some(0x09), 2),
        Some(b'v') => (Some(0x0b), 2),
        Some(b'0') => (Some(0), 2),
        Some(b'x') => match (text.get(2).copied().and_then(hex_digit), text.get(3).copied().and_then(hex_digit)) {
            (Some(a), Some(b)) => (Some(u32::from(a << 4 | b)), 4),
            _ => (Some(0xfffd), text.len().min(2)),
        },
        Some(b'\r') if text.get(2) == Some(&b'\n') => (None, 3),
        Some(b'\r' | b'\n') => (None, 2),
        Some(0xe2) if matches!(text.get(2..4), Some([0x80, 0xa8 | 0xa9])) => (None, 4),
        Some(_) => {
            let (code, len) = read_char(&text[1..]);
            (Some(code), 1 + len)
        }
        None => (None, 1),
    }
}

/// Two labels are the same when what they stand for is.
pub(super) fn same_label(kind: u8, payload: &[u8], label: &[u8], label_is_raw: bool) -> bool {
    let escaped = matches!(kind, kind::TEXTJ | kind::TEXT5);
    if !escaped && label_is_raw {
        return payload == label;
    }
    let (mut a, mut b) = (Vec::new(), Vec::new());
    write_unescaped(kind, payload, &mut a);
    write_unescaped(if label_is_raw { kind::TEXTRAW } else { kind::TEXT5 }, label, &mut b);
    a == b
}

/// The SQL value of a scalar; containers become JSON text (the caller sets the subtype).
pub(super) fn to_value(blob: &[u8], e: &Element, out: &mut Value) -> Result<()> {
    let payload = e.payload(blob);
    match e.kind {
        kind::NULL => out.set_null(),
        kind::TRUE => out.set_integer(1),
        kind::FALSE => out.set_integer(0),
        kind::INT => {
            let parsed = number::parse(payload);
            if !parsed.syntax.is_whole() {
                return Err(malformed());
            }
            *out = match parsed.number {
                number::Number::Integer(i) => Value::Integer(i),
                number::Number::Real(r) => Value::real(r),
            };
        }
        kind::INT5 => {
            let (negative, value) = hexadecimal(payload)?;
            *out = match value.map(i64::try_from) {
                Some(Ok(i)) => Value::Integer(if negative { -i } else { i }),
                Some(Err(_)) => {
                    let r = value.unwrap_or(0) as f64;
                    Value::Real(if negative { -r } else { r })
                }
                None => return Err(malformed()),
            };
        }
        kind::FLOAT | kind::FLOAT5 => {
            let parsed = number::parse(payload);
            if !parsed.syntax.is_whole() {
                return Err(malformed());
            }
            out.set_real(parsed.number.as_real());
        }
        kind::TEXT..=kind::TEXTRAW => write_unescaped(e.kind, payload, out.text_buffer()),
        kind::ARRAY | kind::OBJECT => {
            let buffer = out.text_buffer();
            return write_text(blob, e, buffer);
        }
        _ => return Err(malformed()),
    }
    Ok(())
}

/// What `json_type()` answers.
pub(super) fn type_name(kind: u8) -> &'static str {
    match kind {
        kind::NULL => "null",
        kind::TRUE => "true",
        kind::FALSE => "false",
        kind::INT | kind::INT5 => "integer",
        kind::FLOAT | kind::FLOAT5 => "real",
        kind::ARRAY => "array",
        kind::OBJECT => "object",
        _ => "text",
    }
}
