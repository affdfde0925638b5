//! `zipfile`, the module and its tables.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turso_core::vtab::{
    Answer, Arguments, Change, Connected, Cursor, Module as VirtualModule, ModuleKind, OnConflict, Question, Risk,
    Session, VirtualTable,
};
use turso_core::{Error, Result, ResultCode, Value};

use super::archive::{Changes, Source};
use super::cursor::Entries;
use super::format::{DEFLATED, Entry, STORED};
use super::{agrees, bytes_of, mode_of, stored_name, time_of, without_slash};
use crate::modules::scan_with_arguments;

const DECLARATION: &str =
    "CREATE TABLE x(name PRIMARY KEY, mode, mtime, sz, rawdata, data, method, z HIDDEN) WITHOUT ROWID";
const NAME: usize = 0;
const MODE: usize = 1;
const MTIME: usize = 2;
const SIZE: usize = 3;
const RAW: usize = 4;
const DATA: usize = 5;
const METHOD: usize = 6;
/// The argument of the function.
const HIDDEN: u16 = 7;

/// The module.
pub struct Module;

impl VirtualModule for Module {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Both
    }

    fn connect(&self, _: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        let eponymous = arguments.table.eq_ignore_ascii_case(arguments.module) && arguments.arguments.is_empty();
        let path = match arguments.arguments {
            [] if eponymous => None,
            [file] if !file.is_empty() => Some(dequote(file)),
            _ => return Err(Error::sql("zipfile constructor requires one argument")),
        };
        let table = Table { shared: Arc::new(Shared { path, changes: Mutex::default() }) };
        let mut connected = Connected::new(Arc::new(table), DECLARATION);
        connected.risk = Risk::DirectOnly;
        connected.keeps_constraints = true;
        Ok(connected)
    }
}

fn dequote(text: &str) -> String {
    let text = text.trim();
    match text.chars().next() {
        Some(open @ ('\'' | '"' | '`' | '[')) => {
            let close = if open == '[' { ']' } else { open };
            let inner = text[1..].strip_suffix(close).unwrap_or(&text[1..]);
            inner.replace(&format!("{close}{close}"), &close.to_string())
        }
        _ => text.to_owned(),
    }
}

/// What a table and its cursors have in common.
pub struct Shared {
    /// `None` for the function.
    path: Option<String>,
    /// The transaction under way.
    changes: Mutex<Option<Changes>>,
}

impl Shared {
    fn changes(&self) -> MutexGuard<'_, Option<Changes>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is to scan.
    pub fn scan(&self, argument: Option<&Value>) -> Result<(Source, Vec<Entry>)> {
        if let Some(changes) = &*self.changes() {
            return Ok((changes.source(), changes.entries.clone()));
        }
        let source = match (&self.path, argument) {
            (Some(path), _) => Source::open(path)?,
            (None, None) => return Err(Error::sql("zipfile() function requires an argument")),
            (None, Some(Value::Blob(bytes))) => Source::Bytes(bytes.as_slice().into()),
            (None, Some(value)) => {
                let path = bytes_of(value).unwrap_or_default();
                Source::open(&String::from_utf8_lossy(&path))?
            }
        };
        let entries = source.entries()?;
        Ok((source, entries))
    }
}

struct Table {
    shared: Arc<Shared>,
}

fn constraint(message: String) -> Error {
    Error::new(ResultCode::CONSTRAINT, message)
}

fn position(changes: &Changes, name: &[u8]) -> Option<usize> {
    changes.entries.iter().position(|entry| without_slash(&entry.name) == without_slash(name))
}

impl Table {
    /// The entry that the columns ask for, with what the archive shall hold.
    fn entry(&self, columns: &[Value], unchanged: &[bool]) -> Result<(Entry, Vec<u8>)> {
        let column = |i: usize| columns.get(i).unwrap_or(&Value::Null);
        let is_given = |i: usize| *column(i) != Value::Null && !unchanged.get(i).is_some_and(|same| *same);
        for (at, name) in [(SIZE, "sz"), (RAW, "rawdata")] {
            if is_given(at) {
                return Err(constraint(format!("{name} must be NULL")));
            }
        }
        let content = bytes_of(column(DATA));
        let is_directory = content.is_none();
        let method = match column(METHOD) {
            Value::Null => None,
            _ if is_directory => Some(STORED),
            value => match u16::try_from(value.to_integer()) {
                Ok(method @ (STORED | DEFLATED)) => Some(method),
                _ => return Err(constraint(format!("unknown compression method: {}", value.to_integer()))),
            },
        };
        let mode = mode_of(column(MODE), is_directory)?;
        if !agrees(mode, is_directory) {
            return Err(constraint("zipfile: mode does not match data".into()));
        }
        let name = stored_name(bytes_of(column(NAME)).unwrap_or_default(), is_directory);
        Entry::new(&name, mode, time_of(column(MTIME)), content.as_deref(), method)
    }
}

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        match self.shared.path {
            // The hidden column of a table is no argument.
            Some(_) => Ok(scan_with_arguments(question, &[])),
            None => Ok(scan_with_arguments(question, &[HIDDEN])),
        }
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(Entries::new(self.shared.clone())))
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn is_transactional(&self) -> bool {
        true
    }

    fn begin(&self, _: &mut dyn Session) -> Result<()> {
        let Some(path) = &self.shared.path else { return Err(Error::sql("zipfile: missing filename")) };
        let mut changes = self.shared.changes();
        if changes.is_none() {
            *changes = Some(Changes::begin(path)?);
        }
        Ok(())
    }

    fn update(&self, session: &mut dyn Session, change: &Change<'_>, on_conflict: OnConflict) -> Result<i64> {
        // In the transaction that makes the table nobody says that it begins.
        self.begin(session)?;
        let (old, columns, unchanged) = match change {
            Change::Delete { key } => (Some(*key), None, &[][..]),
            Change::Insert { columns, .. } => (None, Some(*columns), &[][..]),
            Change::Update { key, columns, unchanged, .. } => (Some(*key), Some(*columns), *unchanged),
        };
        let new = columns.map(|columns| self.entry(columns, unchanged)).transpose()?;
        let mut guard = self.shared.changes();
        let Some(changes) = guard.as_mut() else { return Err(Error::sql("zipfile: no transaction")) };
        let old = old.and_then(bytes_of).and_then(|name| position(changes, &name));
        let mut gone = [old, None];
        if let Some((entry, packed)) = new {
            let twin = position(changes, &entry.name).filter(|twin| Some(*twin) != old);
            match on_conflict {
                _ if twin.is_none() => {}
                OnConflict::Ignore => return Ok(0),
                OnConflict::Replace => gone[1] = twin,
                _ => {
                    let name = String::from_utf8_lossy(without_slash(&entry.name)).into_owned();
                    return Err(constraint(format!("duplicate name: \"{name}\"")));
                }
            }
            // An update stays in its place; what is to go from there on is one further then.
            let place = old.unwrap_or(changes.entries.len());
            changes.insert(place, entry, &packed)?;
            gone.iter_mut().flatten().filter(|at| **at >= place).for_each(|at| *at += 1);
        }
        gone.sort_unstable();
        gone.into_iter().rev().flatten().for_each(|at| drop(changes.entries.remove(at)));
        Ok(0)
    }

    fn sync(&self, _: &mut dyn Session) -> Result<()> {
        match self.shared.changes().as_ref() {
            Some(changes) => changes.commit(),
            None => Ok(()),
        }
    }

    fn commit(&self, _: &mut dyn Session) {
        *self.shared.changes() = None;
    }

    fn rollback(&self, _: &mut dyn Session) {
        if let Some(changes) = self.shared.changes().take() {
            // There is nobody to tell: what is left is an archive without its directory, as after a crash.
            let _ = changes.undo();
        }
    }

    fn rename(&self, _: &mut dyn Session, _: &str) -> Result<()> {
        Ok(())
    }
}
