//! Copying a whole tree from one pager to another, entry by entry in order: the new pages are full and lie side by side.

use std::sync::Arc;

use turso_error::Result;
use turso_value::KeyInfo;

use super::cursor::{BTreeCursor, CursorKind};
use super::insert::InsertHint;
use crate::page::PageNo;
use crate::pager::Pager;

/// Entries copied by one call of [`TreeCopy::run`].
const ROUND: u32 = 4096;

/// What happens to the entries on their way.
#[derive(Debug, Clone)]
pub enum CopyAs {
    /// Rows keep their rowids.
    Rows,
    /// Rows are numbered anew from 1.
    RenumberedRows,
    /// Index records stay in their order.
    Records,
    /// Index records are put into this order, which is not the one that they have.
    SortedRecords(Arc<KeyInfo>),
}

/// A copy under way. A pending run is simply run again.
pub struct TreeCopy {
    from: BTreeCursor,
    to: BTreeCursor,
    how: CopyAs,
    /// Rows copied so far.
    copied: i64,
    started: bool,
    /// The entry under the cursor has not been copied yet.
    on_entry: bool,
}

impl TreeCopy {
    /// From the tree with one root into the empty tree with another.
    pub fn new(from: PageNo, to: PageNo, how: CopyAs) -> Self {
        let kind = || match &how {
            CopyAs::Rows | CopyAs::RenumberedRows => CursorKind::Table,
            CopyAs::Records => CursorKind::Index(Arc::default()),
            CopyAs::SortedRecords(key) => CursorKind::Index(key.clone()),
        };
        let (from, to) = (BTreeCursor::new(from, kind()), BTreeCursor::new(to, kind()));
        Self { from, to, how, copied: 0, started: false, on_entry: false }
    }

    /// Copies some entries; true when all are there. Between calls the caller may look up whether it is wanted still.
    pub fn run(&mut self, source: &mut Pager, target: &mut Pager) -> Result<bool> {
        for _ in 0..ROUND {
            if !self.on_entry {
                let more = if self.started { self.from.next(source)? } else { self.from.first(source)? };
                if !more {
                    return Ok(true);
                }
                self.started = true;
                self.on_entry = true;
            }
            let rowid = match self.how {
                CopyAs::Rows => Some(self.from.rowid()),
                CopyAs::RenumberedRows => Some(self.copied + 1),
                CopyAs::Records | CopyAs::SortedRecords(_) => None,
            };
            let payload = self.from.full_payload(source)?.into();
            match self.how {
                CopyAs::SortedRecords(_) => self.to.insert_record(target, payload, None, InsertHint::Seek)?,
                _ => self.to.append(target, rowid, payload)?,
            }
            self.copied += 1;
            self.on_entry = false;
            source.unpin();
            target.unpin();
        }
        Ok(false)
    }
}
