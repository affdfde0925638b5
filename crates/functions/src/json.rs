//! JSON functions (json1.html). Each works on JSONB, see `json/blob.rs`; text is parsed into it first.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::text::before_nul;
use blob::{Element, child, is_jsonb, kind, malformed, root, wrap, write_element};
use path::{Edit, PathError};
use std::borrow::Cow;
use turso_error::{Error, Result};
use turso_value::encoding::char_count;
use turso_value::{Value, number};

mod blob;
mod group;
mod parse;
mod path;
mod render;
pub mod table;

pub(crate) use render::{write_escaped, write_string};

const READS: F = F::PURE.and(F::SUBTYPE);
const MAKES: F = F::PURE.and(F::SUBTYPE).and(F::RESULT_SUBTYPE);

/// The scalar functions.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("json", Arity::exactly(1), MAKES, |ctx, args| remove(ctx, args, false)),
    FunctionDef::scalar("jsonb", Arity::exactly(1), MAKES, |ctx, args| remove(ctx, args, true)),
    FunctionDef::scalar("json_array", Arity::ANY, MAKES, |ctx, args| array(ctx, args, false)),
    FunctionDef::scalar("jsonb_array", Arity::ANY, MAKES, |ctx, args| array(ctx, args, true)),
    FunctionDef::scalar("json_object", Arity::ANY, MAKES, |ctx, args| object(ctx, args, false)),
    FunctionDef::scalar("jsonb_object", Arity::ANY, MAKES, |ctx, args| object(ctx, args, true)),
    FunctionDef::scalar("json_array_length", Arity::between(1, 2), READS, array_length),
    FunctionDef::scalar("json_error_position", Arity::exactly(1), READS, error_position),
    FunctionDef::scalar("json_extract", Arity::ANY, MAKES, |ctx, args| extract(ctx, args, false)),
    FunctionDef::scalar("jsonb_extract", Arity::ANY, MAKES, |ctx, args| extract(ctx, args, true)),
    FunctionDef::scalar("->", Arity::exactly(2), MAKES, |ctx, args| arrow(ctx, args, true)),
    FunctionDef::scalar("->>", Arity::exactly(2), READS, |ctx, args| arrow(ctx, args, false)),
    FunctionDef::scalar("json_insert", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "insert", false)),
    FunctionDef::scalar("jsonb_insert", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "insert", true)),
    FunctionDef::scalar("json_replace", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "replace", false)),
    FunctionDef::scalar("jsonb_replace", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "replace", true)),
    FunctionDef::scalar("json_set", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "set", false)),
    FunctionDef::scalar("jsonb_set", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "set", true)),
    FunctionDef::scalar("json_array_insert", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "array_insert", false)),
    FunctionDef::scalar("jsonb_array_insert", Arity::ANY, MAKES, |ctx, args| edit(ctx, args, "array_insert", true)),
    FunctionDef::scalar("json_remove", Arity::ANY, MAKES, |ctx, args| remove(ctx, args, false)),
    FunctionDef::scalar("jsonb_remove", Arity::ANY, MAKES, |ctx, args| remove(ctx, args, true)),
    FunctionDef::scalar("json_patch", Arity::exactly(2), MAKES, |ctx, args| patch(ctx, args, false)),
    FunctionDef::scalar("jsonb_patch", Arity::exactly(2), MAKES, |ctx, args| patch(ctx, args, true)),
    FunctionDef::scalar("json_pretty", Arity::between(1, 2), READS, pretty),
    FunctionDef::scalar("json_quote", Arity::exactly(1), MAKES, quote),
    FunctionDef::scalar("json_type", Arity::between(1, 2), READS, type_of),
    FunctionDef::scalar("json_valid", Arity::between(1, 2), F::PURE, valid),
];

/// The aggregates.
pub const AGGREGATES: &[FunctionDef] = group::TABLE;

/// The JSONB of an argument; `None` for NULL.
fn argument<'a>(value: &'a Value, scratch: &mut Vec<u8>) -> Result<Option<Cow<'a, [u8]>>> {
    match value {
        Value::Null => Ok(None),
        Value::Blob(b) if is_jsonb(b) => Ok(Some(Cow::Borrowed(b))),
        Value::Text(t) | Value::Blob(t) => match parse::parse(t) {
            Ok(parsed) => Ok(Some(Cow::Owned(parsed.blob))),
            Err(_) => Err(malformed()),
        },
        number => {
            scratch.clear();
            number.as_ref().write_text(scratch);
            match parse::parse(scratch) {
                Ok(parsed) => Ok(Some(Cow::Owned(parsed.blob))),
                Err(_) => Err(malformed()),
            }
        }
    }
}

/// The strings of a JSON array of strings; `None` for any other text.
pub(crate) fn strings_of(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let blob = parse::parse(text).ok()?.blob;
    let array = root(&blob).ok().filter(|e| e.kind == kind::ARRAY)?;
    let (mut at, mut strings) = (array.body, Vec::new());
    while at < array.end {
        let e = child(&blob, &array, at).ok().filter(Element::is_text)?;
        let mut string = Vec::new();
        render::write_unescaped(e.kind, e.payload(&blob), &mut string);
        strings.push(string);
        at = e.end;
    }
    Some(strings)
}

/// The error for a path that failed, which is quoted as it was given.
fn path_error(error: PathError, path: &[u8]) -> Error {
    let quoted = |what: &str| {
        let mut text = what.as_bytes().to_vec();
        crate::printf::write_literal(&Value::text(path), false, &mut text);
        Error::sql(String::from_utf8_lossy(&text).into_owned())
    };
    match error {
        PathError::Bad => quoted("bad JSON path: "),
        PathError::NotAnElement => quoted("not an array element: "),
        PathError::Failed(error) => error,
    }
}

/// Answers an element: as JSON text with its subtype, or as JSONB.
fn answer(ctx: &mut Context<'_>, blob: &[u8], e: &Element, binary: bool) -> Result<()> {
    if binary {
        return ctx.blob(e.bytes(blob));
    }
    ctx.result_subtype = Context::SUBTYPE_JSON;
    render::write_text(blob, e, ctx.result.text_buffer())?;
    check_result(ctx)
}

fn check_result(ctx: &Context<'_>) -> Result<()> {
    ctx.check_length(ctx.result.bytes().map_or(0, <[u8]>::len))
}

/// Appends an SQL value as JSON text. Text that is JSON by its subtype goes in as it is.
fn write_value(value: &Value, subtype: u32, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(_) => value.as_ref().write_text(out),
        Value::Real(r) if r.is_infinite() => {
            out.extend_from_slice(if *r < 0.0 { b"-9.0e+999" } else { b"9.0e+999" });
        }
        Value::Real(r) => number::write_real(*r, out),
        Value::Text(t) if subtype == Context::SUBTYPE_JSON => out.extend_from_slice(t),
        Value::Text(t) => render::write_string(t, out),
        Value::Blob(b) if is_jsonb(b) => render::write_text(b, &root(b)?, out)?,
        Value::Blob(_) => return Err(Error::sql("JSON cannot hold BLOB values")),
    }
    Ok(())
}

/// A value cannot be written: the error of a JSONB behind it that is malformed is told before that.
#[cold]
fn malformed_behind(values: &[Value], error: Error) -> Error {
    let mut scratch = Vec::new();
    let jsonb = values.iter().filter(|value| matches!(value, Value::Blob(b) if is_jsonb(b)));
    jsonb.filter_map(|value| write_value(value, 0, &mut scratch).err()).next().unwrap_or(error)
}

/// An SQL value as JSONB.
fn to_blob(value: &Value, subtype: u32) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match value {
        Value::Null => out.push(kind::NULL),
        Value::Real(r) if r.is_infinite() => {
            write_element(kind::FLOAT, if *r < 0.0 { b"-9e999" } else { b"9e999" }, &mut out);
        }
        Value::Integer(_) | Value::Real(_) => {
            let mut text = Vec::new();
            write_value(value, 0, &mut text)?;
            write_element(if matches!(value, Value::Real(_)) { kind::FLOAT } else { kind::INT }, &text, &mut out);
        }
        Value::Text(t) if subtype == Context::SUBTYPE_JSON => match parse::parse(t) {
            Ok(parsed) => out = parsed.blob,
            Err(_) => return Err(malformed()),
        },
        Value::Text(t) => write_element(kind::TEXTRAW, t, &mut out),
        Value::Blob(b) if is_jsonb(b) => out.extend_from_slice(b),
        Value::Blob(_) => return Err(Error::sql("JSON cannot hold BLOB values")),
    }
    Ok(out)
}

/// Answers JSON text that was written to the result, or its JSONB.
fn finish_text(ctx: &mut Context<'_>, binary: bool) -> Result<()> {
    if binary {
        match parse::parse(ctx.result.bytes().unwrap_or(&[])) {
            Ok(parsed) => *ctx.result = Value::Blob(parsed.blob),
            Err(_) => return Err(malformed()),
        }
    } else {
        ctx.result_subtype = Context::SUBTYPE_JSON;
    }
    check_result(ctx)
}

fn array(ctx: &mut Context<'_>, args: &[Value], binary: bool) -> Result<()> {
    let subtypes = ctx.arg_subtypes;
    let out = ctx.result.text_buffer();
    out.push(b'[');
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if let Err(error) = write_value(arg, subtypes.get(i).copied().unwrap_or(0), out) {
            return Err(malformed_behind(&args[i + 1..], error));
        }
    }
    out.push(b']');
    // What is made of SQL values has the subtype as JSONB too.
    ctx.result_subtype = Context::SUBTYPE_JSON;
    finish_text(ctx, binary)
}

fn object(ctx: &mut Context<'_>, args: &[Value], binary: bool) -> Result<()> {
    if args.len() % 2 == 1 {
        return Err(Error::sql("json_object() requires an even number of arguments"));
    }
    if args.iter().step_by(2).any(|label| !matches!(label, Value::Text(_))) {
        return Err(Error::sql("json_object() labels must be TEXT"));
    }
    let subtypes = ctx.arg_subtypes;
    let out = ctx.result.text_buffer();
    out.push(b'{');
    for (i, pair) in args.chunks_exact(2).enumerate() {
        let label = pair[0].bytes().unwrap_or(&[]);
        if i > 0 {
            out.push(b',');
        }
        render::write_string(label, out);
        out.push(b':');
        if let Err(error) = write_value(&pair[1], subtypes.get(2 * i + 1).copied().unwrap_or(0), out) {
            return Err(malformed_behind(&args[2 * i + 2..], error));
        }
    }
    out.push(b'}');
    ctx.result_subtype = Context::SUBTYPE_JSON;
    finish_text(ctx, binary)
}

/// The element that the optional path argument leads to; `None` for a NULL argument or where it leads nowhere.
fn with_path<T>(args: &[Value], use_element: impl FnOnce(&[u8], &Element) -> Result<T>) -> Result<Option<T>> {
    let mut scratch = Vec::new();
    let Some(blob) = argument(&args[0], &mut scratch)? else { return Ok(None) };
    let mut found = root(&blob)?;
    if let Some(path) = args.get(1) {
        if path.is_null() {
            return Ok(None);
        }
        let mut scratch = Vec::new();
        let path = before_nul(path.text_in(&mut scratch));
        match path::find(&blob, found, path).map_err(|e| path_error(e, path))? {
            Some(at) => found = at.element,
            None => return Ok(None),
        }
    }
    use_element(&blob, &found).map(Some)
}

fn array_length(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let length = with_path(args, |blob, e| if e.kind == kind::ARRAY { path::count(blob, e) } else { Ok(0) })?;
    match length {
        Some(length) => ctx.integer(length as i64),
        None => ctx.null(),
    }
}

fn type_of(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match with_path(args, |_, e| Ok(render::type_name(e.kind)))? {
        Some(name) => ctx.text(name.as_bytes()),
        None => ctx.null(),
    }
}

/// Where the first error is, in characters from 1; 0 without error.
fn error_position(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let position = match &args[0] {
        Value::Null => return ctx.null(),
        Value::Blob(b) if is_jsonb(b) => {
            let valid = root(b).is_ok_and(|root| blob::is_valid(b, &root, 0));
            i64::from(!valid)
        }
        other => {
            let text = other.text_in(&mut scratch);
            match parse::parse(text) {
                Ok(_) => 0,
                Err(at) => char_count(text.get(..at).unwrap_or(text)) as i64 + 1,
            }
        }
    };
    ctx.integer(position)
}

fn valid(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let flags = args.get(1).map_or(1, Value::to_integer);
    if !(1..=15).contains(&flags) {
        return Err(Error::sql("FLAGS parameter to json_valid() must be between 1 and 15"));
    }
    let mut scratch = Vec::new();
    let valid = match &args[0] {
        Value::Null => return ctx.null(),
        Value::Blob(b) if is_jsonb(b) => {
            flags & 4 != 0 || (flags & 8 != 0 && root(b).is_ok_and(|root| blob::is_valid(b, &root, 0)))
        }
        other if flags & 3 != 0 => match parse::parse(other.text_in(&mut scratch)) {
            Ok(parsed) => flags & 2 != 0 || !parsed.extended,
            Err(_) => false,
        },
        _ => false,
    };
    ctx.integer(i64::from(valid))
}

fn extract(ctx: &mut Context<'_>, args: &[Value], binary: bool) -> Result<()> {
    let Some((json, paths)) = args.split_first().filter(|(_, paths)| !paths.is_empty()) else {
        return ctx.null();
    };
    let mut scratch = Vec::new();
    let Some(blob) = argument(json, &mut scratch)? else { return ctx.null() };
    let root = root(&blob)?;
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        if path.is_null() {
            return ctx.null();
        }
        let mut scratch = Vec::new();
        let path = before_nul(path.text_in(&mut scratch));
        found.push(path::find(&blob, root, path).map_err(|e| path_error(e, path))?.map(|found| found.element));
    }
    match &found[..] {
        [None] => ctx.null(),
        [Some(e)] => answer_value(ctx, &blob, e, binary),
        _ => {
            // Several paths: an array of what they lead to.
            let out = ctx.result.text_buffer();
            out.push(b'[');
            for (i, e) in found.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                match e {
                    Some(e) => render::write_text(&blob, e, out)?,
                    None => out.extend_from_slice(b"null"),
                }
            }
            out.push(b']');
            finish_text(ctx, binary)
        }
    }
}

/// Answers a scalar as its SQL value, a container as JSON.
fn answer_value(ctx: &mut Context<'_>, blob: &[u8], e: &Element, binary: bool) -> Result<()> {
    if e.is_container() {
        return answer(ctx, blob, e, binary);
    }
    render::to_value(blob, e, ctx.result)?;
    check_result(ctx)
}

/// `json -> path` answers JSON, `json ->> path` an SQL value. The path may be a label or an index.
fn arrow(ctx: &mut Context<'_>, args: &[Value], as_json: bool) -> Result<()> {
    let (mut json_scratch, mut scratch) = (Vec::new(), Vec::new());
    let Some(blob) = argument(&args[0], &mut json_scratch)? else { return ctx.null() };
    if args[1].is_null() {
        return ctx.null();
    }
    let given = before_nul(args[1].text_in(&mut scratch));
    let path: Cow<'_, [u8]> = match given {
        [b'$', ..] => Cow::Borrowed(given),
        _ if matches!(args[1], Value::Integer(_)) => Cow::Owned(match given {
            [b'-', ..] => [b"$[#", given, b"]"].concat(),
            _ => [b"$[", given, b"]"].concat(),
        }),
        _ if given.iter().all(u8::is_ascii_alphanumeric) => Cow::Owned([b"$.", given].concat()),
        [b'[', .., b']'] if given.len() >= 3 => Cow::Owned([b"$", given].concat()),
        _ => Cow::Owned([b"$.\"", given, b"\""].concat()),
    };
    let found = path::find(&blob, root(&blob)?, &path).map_err(|e| path_error(e, given))?;
    match found {
        None => ctx.null(),
        Some(found) if as_json => answer(ctx, &blob, &found.element, false),
        Some(found) => {
            render::to_value(&blob, &found.element, ctx.result)?;
            check_result(ctx)
        }
    }
}

/// `json_insert`, `json_replace`, `json_set`, `json_array_insert`: pairs of path and value, one after the other.
fn edit(ctx: &mut Context<'_>, args: &[Value], name: &str, binary: bool) -> Result<()> {
    let Some((json, pairs)) = args.split_first() else { return ctx.null() };
    if pairs.len() % 2 == 1 {
        return Err(Error::sql(format!("json_{name}() needs an odd number of arguments")));
    }
    let mut scratch = Vec::new();
    let Some(mut blob) = argument(json, &mut scratch)? else { return ctx.null() };
    for (i, pair) in pairs.chunks_exact(2).enumerate() {
        // A pair with a NULL path does nothing.
        if pair[0].is_null() {
            continue;
        }
        let mut scratch = Vec::new();
        let path = before_nul(pair[0].text_in(&mut scratch));
        if !path.starts_with(b"$") {
            return Err(path_error(PathError::Bad, path));
        }
        let value = to_blob(&pair[1], ctx.arg_subtype(2 * i + 2))?;
        let edit = match name {
            "insert" => Edit::Insert(&value),
            "replace" => Edit::Replace(&value),
            "set" => Edit::Set(&value),
            _ => Edit::ArrayInsert(&value),
        };
        let root = root(&blob)?;
        if let Some(edited) = path::edit(&blob, &root, path, edit).map_err(|e| path_error(e, path))? {
            ctx.check_length(edited.len())?;
            blob = Cow::Owned(edited);
        }
    }
    answer(ctx, &blob, &root(&blob)?, binary)
}

/// `json_remove`; without paths this is `json()` itself.
fn remove(ctx: &mut Context<'_>, args: &[Value], binary: bool) -> Result<()> {
    let Some((json, paths)) = args.split_first() else { return ctx.null() };
    let mut scratch = Vec::new();
    let Some(mut blob) = argument(json, &mut scratch)? else { return ctx.null() };
    for path in paths {
        if path.is_null() {
            return ctx.null();
        }
        let mut scratch = Vec::new();
        let path = before_nul(path.text_in(&mut scratch));
        let root = root(&blob)?;
        if let Some(edited) = path::edit(&blob, &root, path, Edit::Remove).map_err(|e| path_error(e, path))? {
            if edited.is_empty() {
                return ctx.null();
            }
            blob = Cow::Owned(edited);
        }
    }
    answer(ctx, &blob, &root(&blob)?, binary)
}

fn patch(ctx: &mut Context<'_>, args: &[Value], binary: bool) -> Result<()> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let Some(target) = argument(&args[0], &mut a)? else { return ctx.null() };
    let Some(patch) = argument(&args[1], &mut b)? else { return ctx.null() };
    let mut out = Vec::new();
    merge(Some((&target, root(&target)?)), &patch, root(&patch)?, 0, &mut out)?;
    answer(ctx, &out, &root(&out)?, binary)
}

/// RFC 7396: appends the target with the patch merged into it. The members of the patch are applied one after the other,
/// each to the first member of the same name.
fn merge(target: Option<(&[u8], Element)>, patch: &[u8], p: Element, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if depth > blob::MAX_DEPTH {
        return Err(malformed());
    }
    if p.kind != kind::OBJECT {
        match target {
            Some((_, old)) => blob::write_in_place_of(p.bytes(patch), old.end - old.start, out),
            None => out.extend_from_slice(p.bytes(patch)),
        }
        return Ok(());
    }
    let mut members = Vec::new();
    if let Some((blob, t)) = target.filter(|(_, t)| t.kind == kind::OBJECT) {
        for_members(blob, &t, |label, value| {
            members.push(Member::new(blob, &label, Some((blob, value)), value.bytes(blob).to_vec()));
            Ok(())
        })?;
    }
    for_members(patch, &p, |label, value| {
        let mut name = Vec::new();
        render::write_unescaped(label.kind, label.payload(patch), &mut name);
        let found = members.iter().position(|m| m.name == name);
        if value.kind == kind::NULL {
            if let Some(found) = found {
                members.remove(found);
            }
            return Ok(());
        }
        let mut merged = Vec::new();
        match found.and_then(|found| members.get_mut(found)) {
            Some(member) => {
                // A member that the patch has made itself is no longer where it was in the target.
                let changed = std::mem::take(&mut member.value);
                let old = match member.old.take() {
                    Some(old) => Some(old),
                    None => root(&changed).ok().map(|e| (&changed[..], e)),
                };
                merge(old, patch, value, depth + 1, &mut merged)?;
                member.value = merged;
            }
            None => {
                merge(None, patch, value, depth + 1, &mut merged)?;
                members.push(Member::new(patch, &label, None, merged));
            }
        }
        Ok(())
    })?;
    let start = out.len();
    for member in &members {
        out.extend_from_slice(&member.label);
        out.extend_from_slice(&member.value);
    }
    wrap(kind::OBJECT, start, out);
    Ok(())
}

/// A member of an object under construction.
struct Member<'a> {
    /// What the label stands for.
    name: Vec<u8>,
    /// The label as an element.
    label: Vec<u8>,
    /// The value as it is in the target, as long as it is that.
    old: Option<(&'a [u8], Element)>,
    /// The value as an element.
    value: Vec<u8>,
}

impl<'a> Member<'a> {
    fn new(blob: &[u8], label: &Element, old: Option<(&'a [u8], Element)>, value: Vec<u8>) -> Self {
        let mut name = Vec::new();
        render::write_unescaped(label.kind, label.payload(blob), &mut name);
        Self { name, label: label.bytes(blob).to_vec(), old, value }
    }
}

/// Calls `visit` with each label and value of an object.
fn for_members(blob: &[u8], object: &Element, mut visit: impl FnMut(Element, Element) -> Result<()>) -> Result<()> {
    let mut at = object.body;
    while at < object.end {
        let label = child(blob, object, at)?;
        if !label.is_text() {
            return Err(malformed());
        }
        let value = child(blob, object, label.end)?;
        at = value.end;
        visit(label, value)?;
    }
    Ok(())
}

fn pretty(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (mut scratch, mut indent_scratch) = (Vec::new(), Vec::new());
    let Some(blob) = argument(&args[0], &mut scratch)? else { return ctx.null() };
    let indent = match args.get(1) {
        None | Some(Value::Null) => b"    ",
        Some(indent) => before_nul(indent.text_in(&mut indent_scratch)),
    };
    let limit = ctx.environment.max_length();
    render::write_pretty(&blob, &root(&blob)?, indent, limit, ctx.result.text_buffer())?;
    check_result(ctx)
}

fn quote(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let subtype = ctx.arg_subtype(0);
    write_value(&args[0], subtype, ctx.result.text_buffer())?;
    ctx.result_subtype = Context::SUBTYPE_JSON;
    check_result(ctx)
}

#[cfg(test)]
mod tests {
    use super::strings_of;

    #[test]
    fn the_strings_of_an_array_are_unescaped() {
        let strings = |text: &str| {
            let strings = strings_of(text.as_bytes())?;
            Some(strings.into_iter().map(|s| String::from_utf8(s).unwrap()).collect::<Vec<_>>().join("|"))
        };
        assert_eq!(strings(r#" ["a\ud83d\ude00", "b\"\n", ""] "#).as_deref(), Some("a\u{1f600}|b\"\n|"));
        assert_eq!(strings("[]").as_deref(), Some(""));
        for other in ["", "[", r#"["a""b"]"#, r#"["a", 1]"#, r#"[["a"]]"#, r#"{"a":"b"}"#, r#""a""#] {
            assert_eq!(strings(other), None, "{other}");
        }
    }
}
