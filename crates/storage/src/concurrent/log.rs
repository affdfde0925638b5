//! The log of a concurrent transaction: each change of a row or index entry, in the order in which it was made.
//!
//! The old record is not stored: the snapshot has it. Savepoints remember a length and cut the log back to it.

use turso_error::Result;
use turso_value::key::compare_records;

use super::rules::Rules;
use crate::btree::CursorKind;
use crate::page::PageNo;
use std::cmp::Ordering;

/// One change. The bytes of its record or key lie in [`RowLog::bytes`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub root: PageNo,
    /// The entry is gone; otherwise it has this record now.
    pub removed: bool,
    /// 0 in index trees.
    pub rowid: i64,
    start: usize,
    len: u32,
    /// That many zeros follow the bytes.
    zeros: u32,
}

/// How long the log was.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogMark {
    changes: usize,
    bytes: usize,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct RowLog {
    changes: Vec<Change>,
    bytes: Vec<u8>,
}

impl RowLog {
    pub fn mark(&self) -> LogMark {
        LogMark { changes: self.changes.len(), bytes: self.bytes.len() }
    }

    pub fn cut_back(&mut self, mark: LogMark) {
        self.changes.truncate(mark.changes);
        self.bytes.truncate(mark.bytes);
    }

    /// The entry has this record now; an index entry is its own key.
    pub fn put(&mut self, root: PageNo, rowid: Option<i64>, record: &[u8], zeros: u32) {
        self.note(root, false, rowid, record, zeros);
    }

    /// The row is gone.
    pub fn remove_row(&mut self, root: PageNo, rowid: i64) {
        self.note(root, true, Some(rowid), &[], 0);
    }

    /// The index entry is gone.
    pub fn remove_entry(&mut self, root: PageNo, record: &[u8]) {
        self.note(root, true, None, record, 0);
    }

    fn note(&mut self, root: PageNo, removed: bool, rowid: Option<i64>, bytes: &[u8], zeros: u32) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let len = bytes.len() as u32;
        self.changes.push(Change { root, removed, rowid: rowid.unwrap_or(0), start, len, zeros });
    }

    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The record of a change, and how many zeros follow it.
    pub fn record(&self, change: &Change) -> (&[u8], u32) {
        (self.bytes.get(change.start..change.start + change.len as usize).unwrap_or(&[]), change.zeros)
    }

    /// The trees that have been changed.
    pub fn roots(&self) -> Vec<u32> {
        let mut roots: Vec<u32> = Vec::new();
        for change in &self.changes {
            if roots.last() != Some(&change.root.0) && !roots.contains(&change.root.0) {
                roots.push(change.root.0);
            }
        }
        roots
    }

    /// The last change of each key, sorted by tree and key.
    pub fn net(&self, rules: &Rules) -> Result<Vec<Change>> {
        let mut order: Vec<u32> = (0..self.changes.len() as u32).collect();
        let mut merged = Vec::with_capacity(order.len());
        // A merge sort of our own: it is stable, so that changes of one key keep their order, and neither a failing nor an
        // inconsistent comparison (collations come from the application) can upset it.
        let mut width = 1;
        while width < order.len() {
            merged.clear();
            for pair in order.chunks(2 * width) {
                let (mut left, mut right) = pair.split_at(width.min(pair.len()));
                while let (Some(a), Some(b)) = (left.first(), right.first()) {
                    if self.compare(*a, *b, rules)?.is_le() {
                        merged.push(*a);
                        left = &left[1..];
                    } else {
                        merged.push(*b);
                        right = &right[1..];
                    }
                }
                merged.extend_from_slice(left);
                merged.extend_from_slice(right);
            }
            std::mem::swap(&mut order, &mut merged);
            width *= 2;
        }
        let mut net: Vec<u32> = Vec::with_capacity(order.len());
        for at in order {
            match net.last_mut() {
                Some(last) if self.compare(*last, at, rules)?.is_eq() => *last = at,
                _ => net.push(at),
            }
        }
        Ok(net.into_iter().map(|at| self.changes[at as usize]).collect())
    }

    fn compare(&self, a: u32, b: u32, rules: &Rules) -> Result<Ordering> {
        let (a, b) = (&self.changes[a as usize], &self.changes[b as usize]);
        let order = a.root.cmp(&b.root).then(a.rowid.cmp(&b.rowid));
        if order.is_ne() {
            return Ok(order);
        }
        match rules.trees.get(&a.root.0).map(|rule| &rule.kind) {
            Some(CursorKind::Index(info)) => {
                let columns = if info.columns.is_empty() { usize::MAX } else { info.columns.len() };
                compare_records(self.record(a).0, self.record(b).0, info, columns)
            }
            _ => Ok(Ordering::Equal),
        }
    }
}
