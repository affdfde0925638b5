//! Reading captured changes: the columns of a table, and a record as a JSON object.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::json::{strings_of, write_string};
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
        write_string(column.as_bytes(), &mut out);
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
    let names = strings_of(names).ok_or_else(|| Error::sql("malformed JSON array of column names"))?;
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
        write_string(name, &mut out);
        out.push(b':');
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Integer(i) => turso_value::number::write_integer(*i, &mut out),
            Value::Real(r) if r.is_finite() => turso_value::number::write_real(*r, &mut out),
            Value::Real(r) => out.extend_from_slice(if *r > 0.0 { b"9e999" } else { b"-9e999" }),
            Value::Text(text) => write_string(text, &mut out),
            Value::Blob(_) => {
                return Err(Error::sql("formatting of BLOB values stored in binary record is not supported"));
            }
        }
    }
    out.push(b'}');
    ctx.result_subtype = Context::SUBTYPE_JSON;
    ctx.text(&out)
}
