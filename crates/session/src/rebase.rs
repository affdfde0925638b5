//! Adjusting a local changeset to how conflicts with a remote one were resolved.
//!
//! The rebase blob of `apply` is a changeset whose records are the remote changes that conflicted: an INSERT tells the new
//! values of an INSERT or UPDATE, a DELETE the values of the row that went; the indirect mark says that REPLACE was the answer.

use std::sync::Arc;

use turso_core::{Error, Result, ResultCode, Value};

use crate::format::{Change, Field, Kind, Operation, TableHeader};
use crate::input::Input;
use crate::keys::Keys;
use crate::merge::overlaid;
use crate::output::Output;
use crate::reader::{Reader, ReaderOptions};

/// What is known about resolved conflicts.
#[derive(Default)]
pub struct Rebaser {
    tables: Vec<(Arc<TableHeader>, Keys<Resolved>)>,
}

/// How conflicts about a row were resolved.
#[derive(Debug)]
struct Resolved {
    /// The remote change removed the row.
    deleted: bool,
    /// The remote change won.
    replaced: bool,
    /// For each column what the remote change said of it.
    fields: Vec<Remote>,
}

#[derive(Debug, Clone)]
enum Remote {
    Silent,
    /// This value lost against the local one.
    Omitted(Value),
    /// The remote value won.
    Won,
}

impl Rebaser {
    /// Knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learn from the rebase blob of one `apply`, in the order in which these were run.
    pub fn configure(&mut self, input: Input<'_>) -> Result<()> {
        let mut reader = Reader::new(input, ReaderOptions::default());
        while let Some(change) = reader.next_change()? {
            let at = match self.position(&change.table.name) {
                Some(at) => at,
                None => {
                    self.tables.push((change.table.clone(), Keys::default()));
                    self.tables.len() - 1
                }
            };
            let Some((table, rows)) = self.tables.get_mut(at) else { continue };
            if table.key != change.table.key || table.kind != change.table.kind {
                return Err(Error::from_code(ResultCode::SCHEMA));
            }
            let resolved = Resolved::new(change);
            let key = change.key_bytes();
            rows.reserve();
            match rows.get_mut(&key) {
                Some(known) => known.follow(resolved),
                None => rows.insert(key, resolved),
            }
        }
        Ok(())
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.tables.iter().position(|(table, _)| table.name.eq_ignore_ascii_case(name))
    }

    /// Write the local changeset as it is after the conflicts. Patchsets cannot be rebased.
    pub fn rebase(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Result<()> {
        let mut reader = Reader::new(input, ReaderOptions { invert: false, skip_empty: true });
        let mut current: Option<Arc<TableHeader>> = None;
        while let Some(change) = reader.next_change()? {
            if change.table.kind == Kind::Patchset {
                return Err(Error::from_code(ResultCode::ERROR));
            }
            change.table.begin(&mut current, output);
            let at = self.position(&change.table.name);
            let rows = at.and_then(|at| self.tables.get_mut(at)).map(|(_, rows)| rows);
            let rebased = match rows.and_then(|rows| rows.get_mut(&change.key_bytes())) {
                Some(resolved) => resolved.rebased(change),
                None => Some(change.clone()),
            };
            if let Some(change) = rebased {
                change.write(output);
            }
            output.pause()?;
        }
        Ok(())
    }
}

impl Resolved {
    fn new(change: &Change) -> Self {
        let replaced = change.indirect;
        let remote = |field: &Field| match field {
            None => Remote::Silent,
            Some(_) if replaced => Remote::Won,
            Some(value) => Remote::Omitted(value.clone()),
        };
        Self {
            deleted: change.operation == Operation::Delete,
            replaced,
            fields: change.key_record().iter().map(remote).collect(),
        }
    }

    /// Another conflict about the row, later. What has won once has won for good.
    fn follow(&mut self, later: Resolved) {
        if self.deleted && self.replaced {
            return;
        }
        if later.deleted {
            *self = Resolved { replaced: self.replaced || later.replaced, ..later };
            return;
        }
        self.deleted = false;
        self.replaced |= later.replaced;
        for (known, later) in self.fields.iter_mut().zip(later.fields) {
            if !matches!((&known, &later), (Remote::Won, _) | (_, Remote::Silent)) {
                *known = later;
            }
        }
    }

    /// The row as the remote changes left it, where they said something and lost.
    fn values(&self) -> Vec<Field> {
        let value = |remote: &Remote| match remote {
            Remote::Omitted(value) => Some(value.clone()),
            _ => None,
        };
        self.fields.iter().map(value).collect()
    }

    /// A local change of the row, after the conflicts; `None`: nothing is left of it.
    fn rebased(&self, local: &Change) -> Option<Change> {
        let mut change = local.clone();
        match local.operation {
            Operation::Insert if self.deleted => {}
            Operation::Insert if self.replaced => return None,
            Operation::Insert => {
                change.operation = Operation::Update;
                change.old = self.values();
            }
            Operation::Delete if self.deleted || self.replaced => return None,
            Operation::Delete => change.old = overlaid(&local.old, &self.values()),
            Operation::Update if self.deleted && self.replaced => return None,
            Operation::Update if self.deleted => {
                change.operation = Operation::Insert;
                change.new = overlaid(&overlaid(&self.values(), &local.old), &local.new);
                change.old = Vec::new();
            }
            Operation::Update => self.rebase_update(&mut change),
        }
        (!change.is_empty_update()).then_some(change)
    }

    fn rebase_update(&self, change: &mut Change) {
        for (column, remote) in self.fields.iter().enumerate().filter(|(column, _)| !change.table.is_key(*column)) {
            let (Some(old), Some(new)) = (change.old.get_mut(column), change.new.get_mut(column)) else { continue };
            match remote {
                Remote::Silent => {}
                Remote::Won => (*old, *new) = (None, None),
                Remote::Omitted(value) if new.is_some() => *old = Some(value.clone()),
                Remote::Omitted(_) => {}
            }
        }
    }
}
