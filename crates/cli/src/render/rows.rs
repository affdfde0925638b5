//! Modes that print each row as it comes.

use turso_core::Value;

use super::{Mode, text_of};
use crate::shell::Settings;

/// Print one row; `index` is 0 for the first, which headers and brackets precede.
pub fn row(mode: Mode, settings: &Settings, names: &[String], values: &[Value], index: usize, out: &mut Vec<u8>) {
    if index == 0 {
        head(mode, settings, names, out);
    }
    match mode {
        Mode::Line => line(settings, names, values, index, out),
        Mode::Json => json(names, values, index, out),
        Mode::Insert => insert(settings, names, values, out),
        Mode::Html => html("TD", &texts(settings, values), out),
        Mode::Quote => separated(settings, values.iter().map(literal), out),
        Mode::Csv => {
            // NULL is never quoted, so that it can be told from an empty text.
            let fields = values.iter().map(|v| match text_of(v) {
                Some(text) => csv(&text, &settings.column_separator),
                None => settings.null_value.clone(),
            });
            separated(settings, fields, out);
        }
        Mode::Tcl => separated(settings, texts(settings, values).iter().map(|t| tcl(t)), out),
        _ => separated(settings, texts(settings, values).into_iter(), out),
    }
}

fn texts(settings: &Settings, values: &[Value]) -> Vec<String> {
    values.iter().map(|v| text_of(v).unwrap_or_else(|| settings.null_value.clone())).collect()
}

fn head(mode: Mode, settings: &Settings, names: &[String], out: &mut Vec<u8>) {
    if mode == Mode::Json {
        out.push(b'[');
        return;
    }
    if !settings.headers {
        return;
    }
    match mode {
        Mode::Line | Mode::Insert => {}
        Mode::Html => html("TH", names, out),
        Mode::Quote => separated(settings, names.iter().map(|n| quoted(n)), out),
        Mode::Csv => separated(settings, names.iter().map(|n| csv(n, &settings.column_separator)), out),
        Mode::Tcl => separated(settings, names.iter().map(|n| tcl(n)), out),
        _ => separated(settings, names.iter().cloned(), out),
    }
}

fn separated(settings: &Settings, texts: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (i, text) in texts.enumerate() {
        if i > 0 {
            out.extend_from_slice(settings.column_separator.as_bytes());
        }
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(settings.row_separator.as_bytes());
}

fn line(settings: &Settings, names: &[String], values: &[Value], index: usize, out: &mut Vec<u8>) {
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0).max(5);
    if index > 0 {
        out.push(b'\n');
    }
    for (name, text) in names.iter().zip(texts(settings, values)) {
        out.extend_from_slice(format!("{name:>width$} = {text}\n").as_bytes());
    }
}

fn html(tag: &str, texts: &[String], out: &mut Vec<u8>) {
    out.extend_from_slice(b"<TR>");
    for text in texts {
        let mut escaped = String::new();
        for c in text.chars() {
            match c {
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '&' => escaped.push_str("&amp;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                other => escaped.push(other),
            }
        }
        out.extend_from_slice(format!("<{tag}>{escaped}</{tag}>\n").as_bytes());
    }
    out.extend_from_slice(b"</TR>\n");
}

/// A value as an SQL literal.
pub fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) if r.is_infinite() => {
            if *r > 0.0 {
                "9.0e+999".into()
            } else {
                "-9.0e+999".into()
            }
        }
        Value::Real(_) => text_of(value).unwrap_or_default(),
        Value::Text(bytes) => quoted(&String::from_utf8_lossy(bytes)),
        Value::Blob(bytes) => {
            let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            format!("X'{digits}'")
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn csv(text: &str, separator: &str) -> String {
    // The characters that `sqlite3` quotes for: controls, space, quotes, and everything beyond ASCII.
    let plain = !text.is_empty()
        && text.bytes().all(|b| b > b' ' && b < 0x7f && b != b'"' && b != b'\'')
        && !text.contains(separator);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

fn tcl(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\{:03o}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
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
        json_string(name, out);
        out.push(b':');
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Text(bytes) | Value::Blob(bytes) => json_string(&String::from_utf8_lossy(bytes), out),
            Value::Real(r) if r.is_infinite() => {
                out.extend_from_slice(if *r > 0.0 { b"9.0e+999" } else { b"-9.0e+999" });
            }
            number => out.extend_from_slice(text_of(number).unwrap_or_default().as_bytes()),
        }
    }
    out.push(b'}');
}

fn json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if (c as u32) < 0x20 => out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

fn insert(settings: &Settings, names: &[String], values: &[Value], out: &mut Vec<u8>) {
    let table = identifier(&settings.insert_table);
    let columns = if settings.headers {
        format!("({})", names.iter().map(|n| identifier(n)).collect::<Vec<_>>().join(","))
    } else {
        String::new()
    };
    let values: Vec<String> = values.iter().map(literal).collect();
    out.extend_from_slice(format!("INSERT INTO {table}{columns} VALUES({});\n", values.join(",")).as_bytes());
}

/// A name, quoted where it has to be.
pub fn identifier(name: &str) -> String {
    if turso_core::parser::is_plain_identifier(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
