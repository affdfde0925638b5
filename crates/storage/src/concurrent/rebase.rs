//! The replay of an overtaken transaction's log onto the newest pages.
//!
//! ```text
//!   Before   the rows as the snapshot holds them                          (only where past commits have not left their keys)
//!   Move     the pager leaves the snapshot for the newest commit; from here on its pages are changed
//!   Remove   each row is what the snapshot held, or it is a conflict; what goes, goes
//!   Insert   what comes, comes: unique keys must be free                  (after all removals, so that moved keys pass)
//!   Keys     parents of new children exist, parents that went have no children: `keys.rs`
//! ```
//! Each phase goes through all changes, which of a long log come piece by piece (`sort.rs`); so do the records before.
//!
//! The caller holds the write lock. Each step deals with one change: it gathers (may be pending, and is run again), then
//! applies. A conflict leaves the pager in the middle; its transaction can only be rolled back.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::Io;
use turso_value::record::decode_into;
use turso_value::{Value, compare_records, encode_record};

use super::keys::KeyCheck;
use super::log::{Change, RowLog, place};
use super::rules::{Rules, TreeRole, TreeRule};
use super::shared::{Overtaken, entry_key, row_key};
use super::spilled::Spilled;
use crate::btree::{BTreeCursor, CursorKind, InsertHint, Payload, SeekResult};
use crate::page::PageNo;
use crate::pager::Pager;
use crate::planted::{self, Planted};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Before,
    Move,
    Remove,
    Insert,
    Keys,
    Done,
}

/// See the module's documentation.
pub(crate) struct Rebase {
    pub(super) rules: Rules,
    /// The piece of the net changes that is in memory.
    pub(super) changes: Vec<Change>,
    piece: usize,
    overtaken: Overtaken,
    phase: Phase,
    /// The change in hand.
    at: usize,
    /// The record of each row of the piece before the transaction: where it is known, and there was one.
    before: Vec<Option<(usize, usize)>>,
    bytes: Vec<u8>,
    /// One has come since the piece was brought in.
    adds_before: bool,
    /// Those of other pieces.
    others_before: OthersBefore,
    cursor: Option<Box<BTreeCursor>>,
    key_check: KeyCheck,
}

/// Records before the transaction of the rows of other pieces than the one in hand, in a temporary file.
struct OthersBefore {
    io: Arc<dyn Io>,
    file: Option<Spilled>,
    /// By piece: the part that has them, of changes that stand for the records.
    parts: Vec<Option<usize>>,
}

impl Rebase {
    /// For a log that is not empty. Fails at once where one of its rows is known to have been changed.
    pub fn new(log: &mut RowLog, rules: Rules, overtaken: Overtaken, io: &Arc<dyn Io>) -> Result<Self> {
        let changes = log.sort(&rules, &**io)?;
        let before = vec![None; changes.len()];
        let others_before = OthersBefore { io: io.clone(), file: None, parts: vec![None; log.pieces()] };
        let mut rebase = Self {
            rules,
            changes,
            piece: 0,
            overtaken,
            phase: Phase::Before,
            at: 0,
            before,
            bytes: Vec::new(),
            adds_before: false,
            others_before,
            cursor: None,
            key_check: KeyCheck::default(),
        };
        for piece in 0..log.pieces() {
            rebase.bring_in(log, piece)?;
            for change in &rebase.changes {
                let rule = rebase.rule(change)?;
                let is_row = rule.role == TreeRole::Rows && matches!(rule.kind, CursorKind::Table);
                if is_row
                    && !planted::has(Planted::NoBeforeImageCheck)
                    && rebase.overtaken.changed(row_key(change.root, change.rowid()))
                {
                    return Err(rebase.changed_row(log, change));
                }
            }
        }
        rebase.bring_in(log, 0)?;
        Ok(rebase)
    }

    /// Runs until the pager has to be moved, or everything is done. Restartable.
    pub fn run(&mut self, pager: &mut Pager, log: &mut RowLog) -> Result<Phase> {
        loop {
            if matches!(self.phase, Phase::Move | Phase::Done) {
                return Ok(self.phase);
            }
            if self.at >= self.changes.len() {
                self.at = 0;
                if self.piece + 1 < log.pieces() {
                    self.bring_in(log, self.piece + 1)?;
                    continue;
                }
                self.bring_in(log, 0)?;
                self.enter(match self.phase {
                    Phase::Before => Phase::Move,
                    Phase::Remove => Phase::Insert,
                    Phase::Insert if !self.rules.foreign_keys.is_empty() => Phase::Keys,
                    _ => Phase::Done,
                });
                continue;
            }
            let change = self.changes[self.at];
            match self.phase {
                Phase::Before => self.note_before(pager, log, &change)?,
                Phase::Remove => self.remove(pager, log, &change)?,
                Phase::Insert => self.insert(pager, log, &change)?,
                _ => {
                    let mut check = std::mem::take(&mut self.key_check);
                    let outcome = check.run(self, pager, log, self.at);
                    self.key_check = check;
                    outcome?;
                }
            }
            self.at += 1;
            pager.unpin();
        }
    }

    /// The pager is at the newest commit now.
    pub fn moved(&mut self) {
        self.enter(Phase::Remove);
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.cursor = None;
    }

    /// Brings a piece of the changes into memory, with what is known of its rows.
    fn bring_in(&mut self, log: &mut RowLog, piece: usize) -> Result<()> {
        if piece == self.piece {
            return Ok(());
        }
        if self.adds_before {
            let stand_in = |record: &Option<(usize, usize)>| {
                let len = record.map_or(0, |(start, end)| end - start);
                Change::new(PageNo::ONE, record.is_none(), None, len as u32, 0)
            };
            let changes: Vec<Change> = self.before.iter().map(stand_in).collect();
            let bytes: Vec<u8> =
                self.before.iter().flatten().flat_map(|(start, end)| &self.bytes[*start..*end]).copied().collect();
            let OthersBefore { io, file, parts } = &mut self.others_before;
            let file = match file {
                Some(file) => file,
                none => none.insert(Spilled::new(&**io)?),
            };
            parts[self.piece] = Some(file.parts());
            file.append(&changes, &bytes)?;
        }
        self.changes = log.piece(piece)?;
        (self.piece, self.adds_before) = (piece, false);
        self.bytes = Vec::new();
        self.before = vec![None; self.changes.len()];
        if let (Some(part), Some(file)) = (self.others_before.parts[piece], &self.others_before.file) {
            let (mut changes, bytes) = file.part(part)?;
            place(&mut changes);
            let record =
                |change: &Change| (!change.removed).then(|| (change.start, change.start + change.len as usize));
            (self.before, self.bytes) = (changes.iter().map(record).collect(), bytes);
        }
        Ok(())
    }

    pub(super) fn rule(&self, change: &Change) -> Result<&TreeRule> {
        self.rules.trees.get(&change.root.0).ok_or_else(|| conflict("a tree that no table owns has been changed"))
    }

    /// The record of the row before the transaction.
    pub(super) fn before(&self, at: usize) -> Option<&[u8]> {
        self.before[at].map(|(start, end)| &self.bytes[start..end])
    }

    fn keep_before(&mut self, at: usize, record: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        self.before[at] = Some((start, self.bytes.len()));
        self.adds_before = true;
    }

    /// The row has to be compared with what the snapshot holds.
    fn compares(&self, rule: &TreeRule) -> bool {
        match rule.role {
            TreeRole::Rows => !self.overtaken.complete || !matches!(rule.kind, CursorKind::Table),
            TreeRole::Sequence => true,
            TreeRole::Index { .. } => false,
        }
    }

    /// A cursor on the tree of the change, and true where it stands on the entry with the change's key.
    fn seek(&mut self, pager: &mut Pager, log: &RowLog, change: &Change) -> Result<(Box<BTreeCursor>, bool)> {
        let kind = self.rule(change)?.kind.clone();
        let mut cursor = match self.cursor.take() {
            Some(cursor) if cursor.root() == change.root => cursor,
            _ => Box::new(BTreeCursor::new(change.root, kind.clone())),
        };
        let found = match &kind {
            CursorKind::Table => cursor.seek_rowid(pager, change.rowid())? == SeekResult::Found,
            CursorKind::Index(info) => {
                let key = self.values(log.record(change).0, info.columns.len())?;
                cursor.seek_record(pager, &key, Ordering::Equal)?.is_eq() && cursor.is_valid()
            }
        };
        Ok((cursor, found))
    }

    /// The first `count` columns of a record.
    pub(super) fn values(&self, record: &[u8], count: usize) -> Result<Vec<Value>> {
        let mut values = vec![Value::Null; count];
        let known = decode_into(record, self.rules.encoding, &mut values)?;
        values.truncate(known);
        Ok(values)
    }

    fn note_before(&mut self, pager: &mut Pager, log: &RowLog, change: &Change) -> Result<()> {
        if !self.compares(self.rule(change)?) {
            return Ok(());
        }
        let (mut cursor, found) = self.seek(pager, log, change)?;
        if found {
            let record = cursor.full_payload(pager)?.to_vec();
            // A row without rowid that a past commit has written as it was, perhaps after one that wrote it otherwise.
            if change.row.is_none()
                && self.overtaken.changed(entry_key(change.root, &record))
                && !planted::has(Planted::NoBeforeImageCheck)
            {
                return Err(self.changed_row(log, change));
            }
            self.keep_before(self.at, &record);
        }
        self.cursor = Some(cursor);
        Ok(())
    }

    fn remove(&mut self, pager: &mut Pager, log: &RowLog, change: &Change) -> Result<()> {
        let rule = self.rule(change)?;
        let is_row = !matches!(rule.role, TreeRole::Index { .. });
        let merges = rule.role == TreeRole::Sequence && self.merges(log, change)?;
        let compares = self.compares(rule) && !merges;
        // The keys of its parents or children may have to be compared with what they were.
        let keeps = is_row && !self.compares(rule) && self.has_keys(change);
        if merges || !(change.removed || compares || keeps) {
            return Ok(());
        }
        let (mut cursor, found) = self.seek(pager, log, change)?;
        if compares || (keeps && found) {
            let now = if found { Some(cursor.full_payload(pager)?) } else { None };
            if compares && now != self.before(self.at) && !planted::has(Planted::NoBeforeImageCheck) {
                return Err(self.changed_row(log, change));
            }
            if let (true, Some(now)) = (keeps, now) {
                let now = now.to_vec();
                self.keep_before(self.at, &now);
            }
        }
        if change.removed && found {
            cursor.delete(pager)?;
        }
        self.cursor = Some(cursor);
        Ok(())
    }

    fn has_keys(&self, change: &Change) -> bool {
        self.rules.foreign_keys.iter().any(|key| key.child == change.root.0 || key.parent == change.root.0)
    }

    fn insert(&mut self, pager: &mut Pager, log: &RowLog, change: &Change) -> Result<()> {
        if change.removed {
            return Ok(());
        }
        let rule = self.rule(change)?.clone();
        if rule.role == TreeRole::Sequence && self.merges(log, change)? {
            return self.merge_sequence(pager, log, change);
        }
        let (record, zeros) = log.record(change);
        let payload = Payload { bytes: record, zeros };
        let mut cursor = match self.cursor.take() {
            Some(cursor) if cursor.root() == change.root => cursor,
            _ => Box::new(BTreeCursor::new(change.root, rule.kind.clone())),
        };
        match &rule.kind {
            CursorKind::Table => cursor.insert_row(pager, change.rowid(), payload, InsertHint::Seek)?,
            CursorKind::Index(info) => {
                let key = self.values(record, info.columns.len())?;
                if let TreeRole::Index { unique, .. } = rule.role
                    && let Some(unique_key) = key.get(..unique).filter(|key| !key.is_empty())
                    && !unique_key.iter().any(Value::is_null)
                    && !planted::has(Planted::NoUniqueCheck)
                    && cursor.seek_record(pager, unique_key, Ordering::Equal)?.is_eq()
                    && cursor.is_valid()
                    && compare_records(cursor.full_payload(pager)?, record, info, info.columns.len())?.is_ne()
                {
                    return Err(self.taken_key(&rule, unique_key));
                }
                cursor.insert_record(pager, payload, Some(&key), InsertHint::Seek)?;
            }
        }
        self.cursor = Some(cursor);
        Ok(())
    }

    // ---- Counters of AUTOINCREMENT ------------------------------------------------------------------------------------

    /// The counter has grown, as inserting rows makes it grow: it merges. What else SQL does to it is a change like any other.
    fn merges(&self, log: &RowLog, change: &Change) -> Result<bool> {
        if change.removed {
            return Ok(false);
        }
        let new = self.values(log.record(change).0, 2)?;
        let old = self.before(self.at).map(|record| self.values(record, 2)).transpose()?;
        Ok(match (new.as_slice(), old.as_deref()) {
            ([Value::Text(_), Value::Integer(_)], None) => true,
            ([Value::Text(name), Value::Integer(new)], Some([Value::Text(same), Value::Integer(old)])) => {
                name == same && new >= old
            }
            _ => false,
        })
    }

    fn merge_sequence(&mut self, pager: &mut Pager, log: &RowLog, change: &Change) -> Result<()> {
        let wanted = self.values(log.record(change).0, 2)?;
        let mut cursor = BTreeCursor::new(change.root, CursorKind::Table);
        let mut more = cursor.first(pager)?;
        let (mut place, mut taken) = (None, None);
        while more {
            let row = self.values(cursor.full_payload(pager)?, 2)?;
            if row.first() == wanted.first() {
                place = Some((cursor.rowid(), row.get(1).cloned()));
                break;
            }
            taken = Some(cursor.rowid());
            more = cursor.next(pager)?;
        }
        let rowid = match &place {
            Some((rowid, now)) => {
                let grows = match (wanted.get(1), now) {
                    (Some(Value::Integer(wanted)), Some(Value::Integer(now))) => wanted > now,
                    _ => true,
                };
                if !grows {
                    return Ok(());
                }
                *rowid
            }
            None => taken
                .map_or(Some(1), |last: i64| last.checked_add(1))
                .ok_or_else(|| Error::from_code(ResultCode::FULL))?,
        };
        let mut record = Vec::new();
        encode_record(&wanted, self.rules.encoding, &mut record);
        cursor.insert_row(pager, rowid, Payload::from(record.as_slice()), InsertHint::Seek)
    }

    // ---- Conflicts ------------------------------------------------------------------------------------------------------

    #[cold]
    fn changed_row(&self, log: &RowLog, change: &Change) -> Error {
        match self.rule(change) {
            Ok(TreeRule { kind: CursorKind::Index(info), table, .. }) => {
                let key = self.values(log.record(change).0, info.columns.len()).unwrap_or_default();
                conflict(&format!("row {} of table {table} has been changed", list(&key)))
            }
            Ok(rule) => conflict(&format!("row {} of table {} has been changed", change.rowid(), rule.table)),
            Err(error) => error,
        }
    }

    #[cold]
    fn taken_key(&self, rule: &TreeRule, key: &[Value]) -> Error {
        let index = match &rule.role {
            TreeRole::Index { name, .. } => format!(" of index {name}"),
            _ => String::new(),
        };
        conflict(&format!("key {}{index} on table {} has been taken", list(key), rule.table))
    }
}

/// `SQLITE_BUSY_SNAPSHOT`: what happened, and that a transaction which committed in the meantime did it.
#[cold]
pub(crate) fn conflict(what: &str) -> Error {
    Error::new(ResultCode::BUSY_SNAPSHOT, format!("conflict: {what} by a transaction that committed in the meantime"))
}

/// Values for a message, long ones cut off.
pub(super) fn list(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => r.to_string(),
        Value::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let cut: String = text.chars().take(40).collect();
            if cut.len() < text.len() { format!("'{cut}...'") } else { format!("'{cut}'") }
        }
        Value::Blob(blob) => format!("a blob of {} bytes", blob.len()),
    };
    let list: Vec<String> = values.iter().map(one).collect();
    format!("({})", list.join(", "))
}
