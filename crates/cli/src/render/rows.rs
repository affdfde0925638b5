//! Modes that print each row as it comes.

use turso_core::Value;

use super::text::{exact_real, quoted};
use super::{Layout, Mode, identifier, insert_literal, literal, text_of};

/// Print one row; `index` is 0 for the first, which headers and brackets precede.
pub fn row(mode: Mode, layout: &Layout, names: &[String], values: &[Value], index: usize, out: &mut Vec<u8>) {
    if index == 0 {
        head(mode, layout, names, out);
    }
    match mode {
        Mode::Line => line(layout, names, values, index, out),
        Mode::Json => json(names, values, index, out),
        Mode::Insert => insert(layout, names, values, out),
        Mode::Html => html("TD", values.iter().map(|v| shown(layout, v)), out),
        Mode::Quote => separated(layout, values.iter().map(literal), out),
        Mode::Csv => {
            // NULL is never quoted, so that it can be told from an empty text.
            let fields = values.iter().map(|v| match text_of(v) {
                Some(text) => csv(&text, &layout.column_separator),
                None => layout.null_value.clone().into_bytes(),
            });
            separated(layout, fields, out);
        }
        Mode::Tcl => separated(layout, values.iter().map(|v| tcl(&shown(layout, v))), out),
        _ => separated(layout, values.iter().map(|v| shown(layout, v)), out),
    }
}

fn shown(layout: &Layout, value: &Value) -> Vec<u8> {
    text_of(value).unwrap_or_else(|| layout.null_value.clone().into_bytes())
}

fn head(mode: Mode, layout: &Layout, names: &[String], out: &mut Vec<u8>) {
    if mode == Mode::Json {
        out.push(b'[');
        return;
    }
    if !layout.headers {
        return;
    }
    let bytes = names.iter().map(|n| n.as_bytes().to_vec());
    match mode {
        Mode::Line | Mode::Insert => {}
        Mode::Html => html("TH", bytes, out),
        Mode::Quote => separated(layout, bytes.map(|n| quoted(&n)), out),
        Mode::Csv => separated(layout, bytes.map(|n| csv(&n, &layout.column_separator)), out),
        Mode::Tcl => separated(layout, bytes.map(|n| tcl(&n)), out),
        _ => separated(layout, bytes, out),
    }
}

fn separated(layout: &Layout, texts: impl Iterator<Item = Vec<u8>>, out: &mut Vec<u8>) {
    for (i, text) in texts.enumerate() {
        if i > 0 {
            out.extend_from_slice(layout.column_separator.as_bytes());
        }
        out.extend_from_slice(&text);
    }
    out.extend_from_slice(layout.row_separator.as_bytes());
}

fn line(layout: &Layout, names: &[String], values: &[Value], index: usize, out: &mut Vec<u8>) {
    let width = names.iter().map(String::len).max().unwrap_or(0).max(5);
    if index > 0 {
        out.extend_from_slice(layout.row_separator.as_bytes());
    }
    for (name, value) in names.iter().zip(values) {
        out.extend_from_slice(" ".repeat(width - name.len()).as_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b" = ");
        out.extend_from_slice(&shown(layout, value));
        out.extend_from_slice(layout.row_separator.as_bytes());
    }
}

fn html(tag: &str, texts: impl Iterator<Item = Vec<u8>>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<TR>");
    for text in texts {
        out.extend_from_slice(format!("<{tag}>").as_bytes());
        for byte in text {
            match byte {
                b'<' => out.extend_from_slice(b"&lt;"),
                b'>' => out.extend_from_slice(b"&gt;"),
                b'&' => out.extend_from_slice(b"&amp;"),
                b'"' => out.extend_from_slice(b"&quot;"),
                b'\'' => out.extend_from_slice(b"&#39;"),
                other => out.push(other),
            }
        }
        out.extend_from_slice(format!("</{tag}>\n").as_bytes());
    }
    out.extend_from_slice(b"</TR>\n");
}

fn csv(text: &[u8], separator: &str) -> Vec<u8> {
    // The characters that `sqlite3` quotes for: controls, space, quotes, and everything beyond ASCII.
    let separated = !separator.is_empty() && text.windows(separator.len()).any(|w| w == separator.as_bytes());
    let ordinary = |b: &u8| (b'!'..=b'~').contains(b) && !matches!(b, b'"' | b'\'');
    let plain = !text.is_empty() && text.iter().all(ordinary) && !separated;
    if plain {
        return text.to_vec();
    }
    let mut out = vec![b'"'];
    for &byte in text {
        if byte == b'"' {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
    out
}

fn tcl(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b' '..=b'~' => out.push(byte),
            other => out.extend_from_slice(format!("\\{other:03o}").as_bytes()),
        }
    }
    out.push(b'"');
    out
}

fn json(names: &[String], values: &[Value], index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.extend_from_slice(b",\n");
    }
    out.push(b'{');
    for (i, (name, value)) in names.iter().zip(values).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json_string(name.as_bytes(), out);
        out.push(b':');
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Text(bytes) | Value::Blob(bytes) => json_string(bytes, out),
            Value::Real(real) if real.is_infinite() => {
                out.extend_from_slice(if *real > 0.0 { b"1e999" } else { b"-1e999" });
            }
            Value::Real(real) => out.extend_from_slice(&exact_real(*real)),
            number => out.extend_from_slice(&text_of(number).unwrap_or_default()),
        }
    }
    out.push(b'}');
}

fn json_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            other => out.push(other),
        }
    }
    out.push(b'"');
}

fn insert(layout: &Layout, names: &[String], values: &[Value], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("INSERT INTO {}", identifier(&layout.insert_table)).as_bytes());
    if layout.headers {
        let names: Vec<String> = names.iter().map(|n| identifier(n)).collect();
        out.extend_from_slice(format!("({})", names.join(",")).as_bytes());
    }
    out.extend_from_slice(b" VALUES(");
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        insert_literal(value, false, out);
    }
    out.extend_from_slice(b");\n");
}
