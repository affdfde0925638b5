//! Values as text and as SQL literals.

use turso_core::Value;
use turso_core::functions::printf::write_format;

/// A value as text up to its first NUL, as `sqlite3` prints it; NULL is `None`.
pub fn text_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Text(bytes) | Value::Blob(bytes) => Some(until_nul(bytes).to_vec()),
        number => {
            let mut text = Vec::new();
            number.as_ref().write_text(&mut text);
            Some(text)
        }
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}

/// A real with all its digits.
pub fn exact_real(real: f64) -> Vec<u8> {
    let mut out = Vec::new();
    // The format is right and the result short: nothing can fail.
    let _ = write_format(b"%!.20g", &[Value::real(real)], 100, &mut out);
    out
}

/// A value as an SQL literal, texts as they are (mode `quote`).
pub fn literal(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(bytes) => quoted(until_nul(bytes)),
        Value::Real(real) => exact_real(*real),
        other => simple_literal(other),
    }
}

/// Write a value as an SQL literal of an INSERT statement on one line (mode `insert`, `.dump`).
pub fn insert_literal(value: &Value, newlines: bool, out: &mut Vec<u8>) {
    match value {
        Value::Integer(_) => value.as_ref().write_text(out),
        Value::Real(real) if real.is_infinite() => {
            out.extend_from_slice(if *real > 0.0 { b"1e999" } else { b"-1e999" });
        }
        Value::Real(real) => out.extend_from_slice(&exact_real(*real)),
        Value::Text(bytes) => {
            let text = until_nul(bytes);
            if newlines || memchr::memchr2(b'\n', b'\r', text).is_none() {
                put_quoted(text, out);
            } else {
                out.extend_from_slice(&one_line(text));
            }
        }
        other => out.extend_from_slice(&simple_literal(other)),
    }
}

fn simple_literal(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => b"NULL".to_vec(),
        Value::Blob(bytes) => blob_literal(b'X', bytes),
        other => text_of(other).unwrap_or_default(),
    }
}

/// `X'…'`.
pub fn blob_literal(prefix: u8, bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = Vec::with_capacity(bytes.len() * 2 + 3);
    out.extend_from_slice(&[prefix, b'\'']);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out.push(b'\'');
    out
}

/// A text between single quotes.
pub fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    put_quoted(text, &mut out);
    out
}

fn put_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\'', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'\'');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'\'');
}

/// A text literal without line ends: `replace('a\nb','\n',char(10))`.
fn one_line(text: &[u8]) -> Vec<u8> {
    let (newline, carriage) = (text.contains(&b'\n'), text.contains(&b'\r'));
    if !newline && !carriage {
        return quoted(text);
    }
    let newline = newline.then(|| stand_in(text, "\\n", "\\012"));
    let carriage = carriage.then(|| stand_in(text, "\\r", "\\015"));
    let mut out = Vec::new();
    if newline.is_some() {
        out.extend_from_slice(b"replace(");
    }
    if carriage.is_some() {
        out.extend_from_slice(b"replace(");
    }
    let mut replaced = Vec::with_capacity(text.len());
    for &byte in text {
        match (byte, &newline, &carriage) {
            (b'\n', Some(word), _) | (b'\r', _, Some(word)) => replaced.extend_from_slice(word.as_bytes()),
            _ => replaced.push(byte),
        }
    }
    out.extend_from_slice(&quoted(&replaced));
    if let Some(word) = carriage {
        out.extend_from_slice(format!(",'{word}',char(13))").as_bytes());
    }
    if let Some(word) = newline {
        out.extend_from_slice(format!(",'{word}',char(10))").as_bytes());
    }
    out
}

/// A word that the text does not hold.
fn stand_in(text: &[u8], first: &str, second: &str) -> String {
    let holds = |word: &str| text.windows(word.len()).any(|w| w == word.as_bytes());
    if !holds(first) {
        return first.to_owned();
    }
    if !holds(second) {
        return second.to_owned();
    }
    (0u32..).map(|i| format!("({first}{i})")).find(|word| !holds(word)).unwrap_or_default()
}

/// A name, quoted where it has to be.
pub fn identifier(name: &str) -> String {
    if turso_core::parser::is_plain_identifier(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
