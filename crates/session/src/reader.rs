//! Walking over the changes of a changeset.

use std::sync::Arc;

use turso_core::{Error, Result};

use crate::format::{Change, Kind, Operation, TableHeader, corrupt};
use crate::input::Input;

/// How a changeset is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReaderOptions {
    /// Turn each change around. Patchsets cannot be.
    pub invert: bool,
    /// Pass over UPDATEs that change nothing.
    pub skip_empty: bool,
}

/// The changes of a changeset or patchset, one after another.
pub struct Reader<'a> {
    input: Input<'a>,
    options: ReaderOptions,
    table: Option<Arc<TableHeader>>,
    change: Option<Change>,
    failure: Option<Error>,
}

impl<'a> Reader<'a> {
    /// Before the first change.
    pub fn new(input: Input<'a>, options: ReaderOptions) -> Self {
        Self { input, options, table: None, change: None, failure: None }
    }

    /// Move to the next change. After a failure, and at the end, there is none.
    pub fn next_change(&mut self) -> Result<Option<&Change>> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.change = None;
        match self.read() {
            Ok(change) => self.change = change,
            Err(error) => {
                self.failure = Some(error.clone());
                return Err(error);
            }
        }
        Ok(self.change.as_ref())
    }

    /// The change that it stands on.
    pub fn change(&self) -> Option<&Change> {
        self.change.as_ref()
    }

    /// What has ended it before its end.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Changes come inverted.
    pub fn is_inverting(&self) -> bool {
        self.options.invert
    }

    fn read(&mut self) -> Result<Option<Change>> {
        while !self.input.is_at_end()? {
            let first = self.input.byte()?;
            let kind = match first {
                b'T' => Kind::Changeset,
                b'P' => Kind::Patchset,
                operation => {
                    let table = self.table.as_ref().ok_or_else(corrupt)?;
                    let mut change = Change::read(table, operation, &mut self.input)?;
                    if self.options.invert {
                        inverted(&mut change);
                    }
                    if self.options.skip_empty && change.is_empty_update() {
                        continue;
                    }
                    return Ok(Some(change));
                }
            };
            if kind == Kind::Patchset && self.options.invert {
                return Err(corrupt());
            }
            self.table = Some(Arc::new(TableHeader::read(kind, &mut self.input)?));
        }
        Ok(None)
    }
}

/// Turn a change around.
pub(crate) fn inverted(change: &mut Change) {
    std::mem::swap(&mut change.old, &mut change.new);
    if change.operation == Operation::Update {
        // The key stays with the old values.
        for column in 0..change.table.column_count() {
            if change.table.is_key(column)
                && let (Some(old), Some(new)) = (change.old.get_mut(column), change.new.get_mut(column))
            {
                *old = new.take();
            }
        }
    }
    change.operation = change.operation.inverse();
}
