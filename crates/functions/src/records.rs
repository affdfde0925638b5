//! Reading captured changes: the columns of a table, and a record as a JSON object.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use turso_error::{Error, Result};
use turso_value::{RecordReader, Value};

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("bin_record_json_object", Arity::exactly(2), F::PURE, bin_record_json_object),
    FunctionDef::scalar("table_columns_json_array", Arity::exactly(1), F::INNOCUOUS, table_columns_json_array),
];

/// The names of the stored columns of a table of `main`, as a JSON array: those that a captured record has.
fn table_columns_json_array(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(name) = args[0].bytes() else { return ctx.null() };
    let name = String::from_utf8_lossy(name).into_owned();
    let Some(columns) = ctx.environment.stored_columns(&name) else {
        return Err(Error::sql(format!("table {name} doesn't exists")));
    };
    let mut out = vec![b'['];
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        quote(column.as_bytes(), &mut out);
    }
    out.push(b']');
    ctx.result_subtype = Context::SUBTYPE_JSON;
    ctx.text(&out)
}

/// A record as a JSON object, with names from a JSON array.
fn bin_record_json_object(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (Some(names), Value::Blob(record)) = (args[0].bytes(), &args[1]) else {
        return match args {
            [Value::Null, _] | [_, Value::Null] => ctx.null(),
            _ => Err(Error::sql("bin_record_json_object expects a JSON array of names and a record")),
        };
    };
    let names = names_of(names).ok_or_else(|| Error::sql("malformed JSON array of column names"))?;
    let mut values = Vec::new();
    RecordReader::new(record)?.decode_all(ctx.environment.encoding(), &mut values)?;
    if values.len() < names.len() {
        return Err(Error::sql("the record has fewer values than there are columns"));
    }
    let mut out = vec![b'{'];
    for (i, (name, value)) in names.iter().zip(&values).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        quote(name, &mut out);
        out.push(b':');
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Integer(i) => turso_value::number::write_integer(*i, &mut out),
            Value::Real(r) if r.is_finite() => turso_value::number::write_real(*r, &mut out),
            Value::Real(r) => out.extend_from_slice(if *r > 0.0 { b"9e999" } else { b"-9e999" }),
            Value::Text(text) => quote(text, &mut out),
            Value::Blob(_) => {
                return Err(Error::sql("formatting of BLOB values stored in binary record is not supported"));
            }
        }
    }
    out.push(b'}');
    ctx.result_subtype = Context::SUBTYPE_JSON;
    ctx.text(&out)
}

/// Appends a JSON string.
fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The strings of a JSON array of strings.
fn names_of(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = text.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?.trim_ascii();
    let mut names = Vec::new();
    while !rest.is_empty() {
        if !names.is_empty() {
            rest = rest.strip_prefix(b",")?.trim_ascii_start();
        }
        let (name, after) = string(rest.strip_prefix(b"\"")?)?;
        names.push(name);
        rest = after.trim_ascii_start();
    }
    Some(names)
}

/// The content of a JSON string behind its first quote, and what follows its last one.
fn string(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((out, rest)),
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                match escaped {
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    b'b' => out.push(8),
                    b'f' => out.push(12),
                    b'u' => {
                        let (digits, after) = rest.split_at_checked(4)?;
                        rest = after;
                        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    other => out.push(other),
                }
            }
            other => out.push(other),
        }
    }
}
