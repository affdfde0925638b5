//! Scans of archives.

use std::sync::Arc;

use turso_core::vtab::{Argument, Cursor, Output, Session};
use turso_core::{Object, Result, Value};

use super::archive::Source;
use super::format::Entry;
use super::table::Shared;

/// The entries of an archive, in the order of its directory.
pub struct Entries {
    shared: Arc<Shared>,
    source: Option<Source>,
    entries: std::vec::IntoIter<Entry>,
    current: Option<Entry>,
}

impl Entries {
    /// On no entry.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, source: None, entries: Vec::new().into_iter(), current: None }
    }
}

impl Cursor for Entries {
    fn filter(&mut self, _: &mut dyn Session, _: i32, _: Option<&str>, arguments: &[Argument]) -> Result<()> {
        let (source, entries) = self.shared.scan(arguments.first().map(Argument::value))?;
        self.source = Some(source);
        self.entries = entries.into_iter();
        self.current = self.entries.next();
        Ok(())
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.current = self.entries.next();
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.current.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let (Some(entry), Some(source)) = (&self.current, &self.source) else { return Ok(()) };
        *output.value = match index {
            0 => Value::Text(entry.name.as_slice().into()),
            1 => Value::Integer(entry.mode().into()),
            2 => Value::Integer(entry.mtime()),
            3 if !output.unchanged => Value::Integer(entry.size.into()),
            4 if !output.unchanged => Value::Blob(source.packed(entry)?),
            5 if entry.size > 0 || !entry.name.ends_with(b"/") => {
                entry.content(&source.packed(entry)?)?.map_or(Value::Null, Value::Blob)
            }
            6 => Value::Integer(entry.method.into()),
            7 => {
                output.object = Some(Object::new(entry.clone()));
                Value::Null
            }
            _ => Value::Null,
        };
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(0)
    }
}
