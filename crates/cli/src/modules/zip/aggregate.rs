//! `zipfile(NAME, DATA)`, `zipfile(NAME, MODE, MTIME, DATA)`, `zipfile(NAME, MODE, MTIME, DATA, METHOD)`: rows as an archive.

use std::fmt::Write;

use turso_core::functions::{Aggregate, Context};
use turso_core::{Error, Result, Value};

use super::format::{self, DEFLATED, Entry, STORED};
use super::{agrees, bytes_of, mode_of, stored_name, time_of};

/// An archive that grows by a file with each row.
#[derive(Default)]
pub struct Building {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Aggregate for Building {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let null = &Value::Null;
        let (name, mode, mtime, data, method) = match args {
            [name, data] => (name, null, null, data, null),
            [name, mode, mtime, data] => (name, mode, mtime, data, null),
            [name, mode, mtime, data, method] => (name, mode, mtime, data, method),
            _ => return Err(Error::sql("wrong number of arguments to function zipfile()")),
        };
        let Some(name) = bytes_of(name) else { return Err(Error::sql("first argument to zipfile() must be non-NULL")) };
        let method = match method {
            Value::Null => None,
            value => match u16::try_from(value.to_integer()) {
                Ok(method @ (STORED | DEFLATED)) => Some(method),
                _ => return Err(Error::sql(format!("illegal method value: {}", value.to_integer()))),
            },
        };
        let content = bytes_of(data);
        let is_directory = content.is_none();
        let mode = mode_of(mode, is_directory)?;
        if !agrees(mode, is_directory) {
            return Err(Error::sql("zipfile: mode does not match data"));
        }
        let name = stored_name(name, is_directory);
        let (mut entry, packed) = Entry::new(&name, mode, time_of(mtime), content.as_deref(), method)?;
        entry.offset = u32::try_from(self.bytes.len()).map_err(|_| Error::sql("zipfile: archive too large"))?;
        entry.put_file(&mut self.bytes);
        self.bytes.extend_from_slice(&packed);
        self.entries.push(entry);
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        if self.entries.is_empty() {
            return ctx.null();
        }
        let size = self.bytes.len();
        format::put_directory(self.entries.iter(), size as u64, &mut self.bytes)?;
        let done = ctx.blob(&self.bytes);
        self.bytes.truncate(size);
        done
    }

    fn reset(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// `zipfile_cds(Z)`: what the directory of an archive says of an entry, from the hidden column.
pub fn record_as_json(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(entry) = ctx.arg_object(0).and_then(|object| object.downcast_ref::<Entry>()) else {
        return match args {
            [Value::Text(_) | Value::Null] => ctx.null(),
            _ => Err(Error::sql("unable to use function zipfile_cds in the requested context")),
        };
    };
    let numbers: [(&str, u64); 15] = [
        ("version-made-by", entry.made_by.into()),
        ("version-to-extract", entry.needed.into()),
        ("flags", entry.flags.into()),
        ("compression", entry.method.into()),
        ("time", entry.time.into()),
        ("date", entry.date.into()),
        ("crc32", entry.crc.into()),
        ("compressed-size", entry.packed_size.into()),
        ("uncompressed-size", entry.size.into()),
        ("file-name-length", entry.name.len() as u64),
        ("extra-field-length", entry.extra.len() as u64),
        ("file-comment-length", entry.comment.len() as u64),
        ("disk-number-start", entry.disk.into()),
        ("internal-attr", entry.internal.into()),
        ("external-attr", entry.external.into()),
    ];
    let mut text = String::from("{");
    for (name, number) in numbers {
        let _ = write!(text, "\"{name}\" : {number}, ");
    }
    let _ = write!(text, "\"offset\" : {} }}", entry.offset);
    ctx.text(text.as_bytes())
}
