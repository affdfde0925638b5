//! The log of a concurrent transaction: each change of a row or index entry, in the order in which it was made.
//!
//! The old record is not stored: the snapshot has it. Savepoints remember a length and cut the log back to it.
//!
//! A long log goes to a temporary file, part by part: `spilled.rs`. It comes back only where it is cut back; for a replay it is
//! sorted from file to file, and then read piece by piece: `sort.rs`.

use turso_error::Result;
use turso_value::key::compare_records;

use super::rules::Rules;
use super::shared::{entry_key, row_key};
use super::spilled::Spilled;
use crate::btree::CursorKind;
use crate::page::PageNo;
use std::cmp::Ordering;

/// One change. The bytes of its record or key lie in [`RowLog::bytes`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub root: PageNo,
    /// The entry is gone; otherwise it has this record now.
    pub removed: bool,
    /// `None` in trees without rowids.
    pub row: Option<i64>,
    pub(super) start: usize,
    pub(super) len: u32,
    /// That many zeros follow the bytes.
    pub(super) zeros: u32,
}

impl Change {
    /// Bytes of memory that one takes, its record aside.
    pub(super) const SIZE: usize = size_of::<Change>();

    pub(super) fn new(root: PageNo, removed: bool, row: Option<i64>, len: u32, zeros: u32) -> Self {
        Self { root, removed, row, start: 0, len, zeros }
    }

    /// 0 in trees without rowids.
    pub fn rowid(&self) -> i64 {
        self.row.unwrap_or(0)
    }
}

/// How long the log was.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogMark {
    changes: usize,
    bytes: usize,
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct RowLog {
    /// What came after the parts that are spilled.
    pub(super) changes: Vec<Change>,
    pub(super) bytes: Vec<u8>,
    /// The trees of the spilled parts; more than these where the log has been cut back.
    roots: Vec<u32>,
    pub(super) spilled: Option<Box<Spilled>>,
    /// The net changes of a long log, once it is sorted; one piece of them is in memory.
    pub(super) pieces: Option<Box<Spilled>>,
    /// There was no room for a part: memory has to do.
    no_room: bool,
    /// A part could not be read when the log was cut back: nobody knows any more what is in it.
    pub(super) lost: bool,
}

impl RowLog {
    pub fn mark(&self) -> LogMark {
        let (changes, bytes) = self.spilled.as_ref().map_or((0, 0), |spilled| (spilled.changes(), spilled.bytes()));
        LogMark { changes: changes + self.changes.len(), bytes: bytes + self.bytes.len() }
    }

    pub fn cut_back(&mut self, mark: LogMark) {
        while self.spilled.as_ref().is_some_and(|spilled| mark.changes < spilled.changes()) {
            self.changes.clear();
            self.bytes.clear();
            if self.take_last_part().is_err() {
                self.lost = true;
                return;
            }
        }
        let (changes, bytes) = self.spilled.as_ref().map_or((0, 0), |spilled| (spilled.changes(), spilled.bytes()));
        self.changes.truncate(mark.changes - changes);
        self.bytes.truncate(mark.bytes.saturating_sub(bytes));
    }

    // ---- Spilling -----------------------------------------------------------------------------------------------------

    /// True where it takes more memory than that, and may spill.
    pub fn is_longer_than(&self, limit: usize) -> bool {
        self.changes.len() * Change::SIZE + self.bytes.len() > limit && !self.no_room
    }

    /// True where a part of it is in a file.
    pub fn is_spilled(&self) -> bool {
        self.spilled.is_some() || self.pieces.is_some()
    }

    /// Moves what is in memory to a temporary file. Where that fails it stays in memory, and what follows does too.
    pub fn spill(&mut self, io: &dyn turso_io::Io) {
        self.no_room = self.try_to_spill(io).is_err();
    }

    pub(super) fn try_to_spill(&mut self, io: &dyn turso_io::Io) -> Result<()> {
        let roots = self.roots();
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Box::new(Spilled::new(io)?)),
        };
        spilled.append(&self.changes, &self.bytes)?;
        self.roots = roots;
        self.changes.clear();
        self.bytes.clear();
        Ok(())
    }

    /// All of it comes back into memory.
    pub(super) fn load(&mut self) -> Result<()> {
        let (changes, bytes) = (std::mem::take(&mut self.changes), std::mem::take(&mut self.bytes));
        if let Some(spilled) = self.spilled.take() {
            (self.changes, self.bytes) = spilled.read_all()?;
            place(&mut self.changes);
        }
        let start = self.bytes.len();
        self.changes.extend(changes.into_iter().map(|change| Change { start: change.start + start, ..change }));
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    /// The last part comes back into memory, which is empty.
    fn take_last_part(&mut self) -> Result<()> {
        let Some(spilled) = &mut self.spilled else { return Ok(()) };
        (self.changes, self.bytes) = spilled.take_last()?;
        place(&mut self.changes);
        if spilled.changes() == 0 {
            self.spilled = None;
        }
        Ok(())
    }

    // ---- Writing and reading --------------------------------------------------------------------------------------------

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
        self.changes.push(Change { root, removed, row: rowid, start, len, zeros });
    }

    /// The changes that are in memory: all of them, where nothing is spilled.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The record of a change, and how many zeros follow it.
    pub fn record(&self, change: &Change) -> (&[u8], u32) {
        (self.bytes.get(change.start..change.start + change.len as usize).unwrap_or(&[]), change.zeros)
    }

    /// What past commits would have left of such a change.
    pub fn key(&self, change: &Change) -> u64 {
        match change.row {
            Some(rowid) => row_key(change.root, rowid),
            None => entry_key(change.root, self.record(change).0),
        }
    }

    /// The trees that have been changed.
    pub fn roots(&self) -> Vec<u32> {
        let mut roots: Vec<u32> = self.roots.clone();
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

    /// The order of two changes by tree and key.
    fn compare(&self, a: u32, b: u32, rules: &Rules) -> Result<Ordering> {
        let (a, b) = (&self.changes[a as usize], &self.changes[b as usize]);
        compare_changes((a, self.record(a).0), (b, self.record(b).0), rules)
    }
}

/// The order of two changes, with their records, by tree and key.
pub(super) fn compare_changes(a: (&Change, &[u8]), b: (&Change, &[u8]), rules: &Rules) -> Result<Ordering> {
    let order = a.0.root.cmp(&b.0.root).then(a.0.row.cmp(&b.0.row));
    if order.is_ne() {
        return Ok(order);
    }
    match rules.trees.get(&a.0.root.0).map(|rule| &rule.kind) {
        Some(CursorKind::Index(info)) => {
            let columns = if info.columns.is_empty() { usize::MAX } else { info.columns.len() };
            compare_records(a.1, b.1, info, columns)
        }
        _ => Ok(Ordering::Equal),
    }
}

/// Changes that were read: their records lie one behind the other.
pub(super) fn place(changes: &mut [Change]) {
    let mut start = 0;
    for change in changes {
        change.start = start;
        start += change.len as usize;
    }
}
