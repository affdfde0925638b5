//! Foreign keys of a replayed transaction, judged by the state that it leads to.
//!
//! Not by what its statements have checked: between these and the commit, both what the transaction did and what others did
//! may have made a check pointless. A row that is a child now, with another key than before, must have its parent; a
//! parent's key that is gone must have no children.

use std::cmp::Ordering;

use turso_error::Result;
use turso_value::{Affinity, Value, compare};

use super::log::RowLog;
use super::rebase::{Rebase, conflict, list};
use super::rules::{Field, ForeignKeyRule, ParentKey};
use crate::btree::{BTreeCursor, CursorKind, SeekResult};
use crate::page::PageNo;
use crate::pager::Pager;

/// How far the check of one change has come.
#[derive(Default)]
pub(super) struct KeyCheck {
    /// The foreign key in hand.
    rule: usize,
    /// The scan of a child table that has no index for its key.
    scan: Option<Box<Scan>>,
}

struct Scan {
    cursor: BTreeCursor,
    started: bool,
    on_row: bool,
}

impl KeyCheck {
    /// Checks change `at`. Restartable.
    pub fn run(&mut self, rebase: &Rebase, pager: &mut Pager, log: &RowLog, at: usize) -> Result<()> {
        let change = rebase.changes[at];
        while let Some(rule) = rebase.rules.foreign_keys.get(self.rule) {
            let now = (!change.removed).then(|| {
                let (record, zeros) = log.record(&change);
                let mut record = record.to_vec();
                record.resize(record.len() + zeros as usize, 0);
                record
            });
            if rule.child == change.root.0 {
                let key = |record: Option<&[u8]>| row_key(rebase, &rule.child_fields, change.rowid(), record);
                let (old, new) = (key(rebase.before(at))?, key(now.as_deref())?);
                if let Some(new) = new.filter(|new| old.as_ref() != Some(new))
                    && !has_parent(pager, rule, &new)?
                {
                    return Err(conflict(&format!(
                        "the parent {} of a row of table {} has been removed from table {}",
                        list(&new),
                        rule.child_table,
                        rule.parent_table
                    )));
                }
            }
            if rule.parent == change.root.0 {
                let key = |record: Option<&[u8]>| row_key(rebase, &rule.parent_fields, change.rowid(), record);
                let (old, new) = (key(rebase.before(at))?, key(now.as_deref())?);
                if let Some(old) = old.filter(|old| new.as_ref() != Some(old))
                    && !has_parent(pager, rule, &old)?
                    && self.has_child(rebase, pager, rule, &old)?
                {
                    return Err(conflict(&format!(
                        "a row of table {} that refers to {} of table {} has been added",
                        rule.child_table,
                        list(&old),
                        rule.parent_table
                    )));
                }
            }
            self.scan = None;
            self.rule += 1;
        }
        self.rule = 0;
        Ok(())
    }

    fn has_child(
        &mut self,
        rebase: &Rebase,
        pager: &mut Pager,
        rule: &ForeignKeyRule,
        wanted: &[Value],
    ) -> Result<bool> {
        if let Some((root, kind, order)) = &rule.child_index {
            let key: Vec<Value> = order.iter().filter_map(|&at| wanted.get(at).cloned()).collect();
            let mut cursor = BTreeCursor::new(PageNo(*root), kind.clone());
            return Ok(cursor.seek_record(pager, &key, Ordering::Equal)?.is_eq() && cursor.is_valid());
        }
        let scan = self.scan.get_or_insert_with(|| {
            let cursor = BTreeCursor::new(PageNo(rule.child), rule.child_kind.clone());
            Box::new(Scan { cursor, started: false, on_row: false })
        });
        loop {
            if !scan.on_row {
                let more = if scan.started { scan.cursor.next(pager)? } else { scan.cursor.first(pager)? };
                scan.started = true;
                if !more {
                    return Ok(false);
                }
                scan.on_row = true;
            }
            let rowid = if matches!(rule.child_kind, CursorKind::Table) { scan.cursor.rowid() } else { 0 };
            let row = row_key(rebase, &rule.child_fields, rowid, Some(scan.cursor.full_payload(pager)?))?;
            if row.is_some_and(|row| is_same(rule, row, wanted)) {
                return Ok(true);
            }
            scan.on_row = false;
            pager.unpin();
        }
    }
}

/// The values of a key's columns in a row; `None` where there is no row, or one of them is NULL.
fn row_key(rebase: &Rebase, fields: &[Field], rowid: i64, record: Option<&[u8]>) -> Result<Option<Vec<Value>>> {
    let Some(record) = record else { return Ok(None) };
    let last = fields.iter().filter_map(|f| if let Field::At(at, _) = f { Some(*at + 1) } else { None }).max();
    let stored = rebase.values(record, last.unwrap_or(0))?;
    let mut key = Vec::with_capacity(fields.len());
    for field in fields {
        key.push(match field {
            Field::Rowid => Value::Integer(rowid),
            Field::At(at, default) => stored.get(*at).unwrap_or(default).clone(),
            Field::Computed => {
                return Err(conflict("a table with a foreign key on a computed column has been changed"));
            }
        });
    }
    Ok((!key.iter().any(Value::is_null)).then_some(key))
}

fn with_affinity(rule: &ForeignKeyRule, mut key: Vec<Value>) -> Vec<Value> {
    for (value, affinity) in key.iter_mut().zip(&rule.affinities) {
        affinity.apply(value);
    }
    key
}

fn is_same(rule: &ForeignKeyRule, row: Vec<Value>, wanted: &[Value]) -> bool {
    let row = with_affinity(rule, row);
    let mut columns = row.iter().zip(wanted).zip(&rule.collations);
    columns.all(|((value, wanted), collation)| compare(value.as_ref(), wanted.as_ref(), collation).is_eq())
}

fn has_parent(pager: &mut Pager, rule: &ForeignKeyRule, key: &[Value]) -> Result<bool> {
    let key = with_affinity(rule, key.to_vec());
    match &rule.parent_key {
        ParentKey::Rowid => {
            let mut rowid = key;
            if let Some(value) = rowid.first_mut() {
                Affinity::Integer.apply(value);
            }
            let [Value::Integer(rowid)] = rowid.as_slice() else { return Ok(false) };
            let mut cursor = BTreeCursor::new(PageNo(rule.parent), CursorKind::Table);
            Ok(cursor.seek_rowid(pager, *rowid)? == SeekResult::Found)
        }
        ParentKey::Index(root, kind, order) => {
            let key: Vec<Value> = order.iter().filter_map(|&at| key.get(at).cloned()).collect();
            let mut cursor = BTreeCursor::new(PageNo(*root), kind.clone());
            Ok(cursor.seek_record(pager, &key, Ordering::Equal)?.is_eq() && cursor.is_valid())
        }
    }
}
