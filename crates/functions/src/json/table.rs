//! The rows of `json_each()` and `json_tree()`, for the virtual tables of these names.

use super::blob::{Element, MAX_DEPTH, child, is_jsonb, kind, malformed, root};
use super::render::{self, write_unescaped};
use super::{argument, path, path_error};
use crate::context::Context;
use crate::text::before_nul;
use turso_error::Result;
use turso_value::Value;

/// The columns of both tables, hidden ones last.
pub const COLUMNS: [&str; 10] = ["key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root"];

/// A container whose members are being visited.
#[derive(Debug)]
struct Level {
    container: Element,
    /// Where the next member starts.
    at: usize,
    /// The index of the next member.
    index: i64,
    /// The length of the container's path within `Rows::path`.
    path_len: usize,
    /// The id of the container's own row.
    id: usize,
}

/// A walk over the rows. Each call of [`Rows::advance`] positions on the next row; the accessors describe it.
#[derive(Debug)]
pub struct Rows {
    blob: Vec<u8>,
    recursive: bool,
    levels: Vec<Level>,
    /// The full key of the current row.
    full_key: Vec<u8>,
    /// Where in `full_key` its own step begins; the rest before it is the column `path`.
    own_step: usize,
    current: Element,
    /// The offset that identifies the row: that of its label, or of the element itself.
    id: usize,
    key: Value,
    parent: Option<usize>,
    /// The row that the walk begins with, not yet visited.
    pending_root: Option<Element>,
    /// The number of the current row.
    row: i64,
}

impl Rows {
    /// Starts a walk at the optional path. `None` when there are no rows: NULL, or a path that leads nowhere.
    pub fn open(json: &Value, path: Option<&Value>, recursive: bool) -> Result<Option<Self>> {
        let mut scratch = Vec::new();
        let Some(blob) = argument(json, &mut scratch)? else { return Ok(None) };
        let blob = blob.into_owned();
        let mut start = root(&blob)?;
        let mut full_key = b"$".to_vec();
        let mut id = 0;
        let mut key = Value::Null;
        let mut own_step = 1;
        if let Some(path) = path {
            if path.is_null() {
                return Ok(None);
            }
            let mut scratch = Vec::new();
            let path = before_nul(path.text_in(&mut scratch));
            let Some(found) = path::find(&blob, start, path).map_err(|e| path_error(e, path))? else {
                return Ok(None);
            };
            start = found.element;
            id = found.label.unwrap_or(start).start;
            full_key = path.to_vec();
            own_step = full_key.len();
            if recursive {
                own_step = last_step(&blob, &root(&blob)?, &full_key, id);
                key = key_of(&full_key[own_step..]);
            }
        }
        let mut rows = Self {
            blob,
            recursive,
            levels: Vec::new(),
            full_key,
            own_step,
            current: start,
            id,
            key,
            parent: None,
            pending_root: None,
            row: -1,
        };
        if recursive || !start.is_container() {
            rows.pending_root = Some(start);
        } else {
            rows.enter(start);
        }
        Ok(Some(rows))
    }

    fn enter(&mut self, container: Element) {
        self.levels.push(Level { container, at: container.body, index: 0, path_len: self.full_key.len(), id: self.id });
    }

    /// Goes to the next row; false after the last.
    pub fn advance(&mut self) -> Result<bool> {
        if let Some(root) = self.pending_root.take() {
            self.current = root;
            self.row += 1;
            if self.recursive && root.is_container() {
                self.enter(root);
            }
            return Ok(true);
        }
        while let Some(level) = self.levels.last_mut() {
            if level.at >= level.container.end {
                self.levels.pop();
                continue;
            }
            let container = level.container;
            let first = child(&self.blob, &container, level.at)?;
            self.full_key.truncate(level.path_len);
            self.own_step = level.path_len;
            self.id = first.start;
            if container.kind == kind::OBJECT {
                if !first.is_text() {
                    return Err(malformed());
                }
                self.current = child(&self.blob, &container, first.end)?;
                self.key = text_of(&self.blob, &first);
                write_label_step(first.payload(&self.blob), &mut self.full_key);
            } else {
                self.current = first;
                self.key = Value::Integer(level.index);
                self.full_key.push(b'[');
                turso_value::number::write_integer(level.index, &mut self.full_key);
                self.full_key.push(b']');
            }
            level.at = self.current.end;
            level.index += 1;
            self.parent = self.recursive.then_some(level.id);
            if self.recursive && self.current.is_container() {
                if self.levels.len() > MAX_DEPTH {
                    return Err(malformed());
                }
                let current = self.current;
                self.enter(current);
            }
            self.row += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// Column `index` of [`COLUMNS`] (0 to 7) of the current row; the subtype goes to `ctx`. With `binary` containers are JSONB.
    pub fn column(&self, index: usize, binary: bool, ctx: &mut Context<'_>) -> Result<()> {
        let e = &self.current;
        match index {
            0 => ctx.value(&self.key),
            1 if binary && e.is_container() => ctx.blob(e.bytes(&self.blob)),
            1 => {
                if e.is_container() {
                    ctx.result_subtype = Context::SUBTYPE_JSON;
                }
                render::to_value(&self.blob, e, ctx.result)
            }
            2 => ctx.text(render::type_name(e.kind).as_bytes()),
            3 if e.is_container() => ctx.null(),
            3 => render::to_value(&self.blob, e, ctx.result),
            4 => ctx.integer(self.id as i64),
            5 => match self.parent {
                Some(parent) => ctx.integer(parent as i64),
                None => ctx.null(),
            },
            6 => ctx.text(&self.full_key),
            7 => ctx.text(&self.full_key[..self.own_step.min(self.full_key.len())]),
            _ => ctx.null(),
        }
    }

    /// The rowid of the current row: its number from 0.
    pub fn rowid(&self) -> i64 {
        self.row
    }
}

/// The column `json`: the text that was given, or the JSONB.
pub fn given(json: &Value, dest: &mut Value) {
    match json {
        Value::Blob(bytes) if is_jsonb(bytes) => dest.set_blob(bytes),
        Value::Null => dest.set_null(),
        other => {
            let mut scratch = Vec::new();
            dest.set_text(other.text_in(&mut scratch));
        }
    }
}

fn text_of(blob: &[u8], label: &Element) -> Value {
    let mut text = Vec::new();
    write_unescaped(label.kind, label.payload(blob), &mut text);
    Value::Text(text)
}

/// `.label`, quoted unless it is a plain name.
fn write_label_step(payload: &[u8], out: &mut Vec<u8>) {
    let plain = payload.first().is_some_and(u8::is_ascii_alphabetic) && payload.iter().all(u8::is_ascii_alphanumeric);
    out.push(b'.');
    if plain {
        out.extend_from_slice(payload);
    } else {
        out.push(b'"');
        out.extend_from_slice(payload);
        out.push(b'"');
    }
}

/// Where the last step of a path begins, as SQLite finds it: the path in front of it leads to something whose first member the
/// element at `id` is. Where the element is another member, all steps count as one.
fn last_step(blob: &[u8], root: &Element, path: &[u8], id: usize) -> usize {
    let leads_there = |prefix: &[u8]| matches!(path::find(blob, *root, prefix), Ok(Some(found)) if found.element.is_container() && found.element.body == id);
    let steps = (2..path.len()).rev().filter(|&at| matches!(path[at], b'[' | b'.'));
    let mut steps = steps.filter(|&at| leads_there(&path[..at]));
    steps.next().unwrap_or(path.len().min(1))
}

/// The key that the last step names: an index, where it is written as one (0 for one counted from the end), or a label.
fn key_of(step: &[u8]) -> Value {
    match step {
        [b'[', rest @ ..] => Value::Integer(turso_value::number::parse_integer_prefix(rest)),
        [b'.', b'"', label @ .., _] => Value::text(label.to_vec()),
        [b'.', label @ ..] => Value::text(label.to_vec()),
        _ => Value::Null,
    }
}
