//! Cursors: over trees of a database, ephemeral trees, single records, sorters, sets of keys, hashed rows, groups, surveys.
//!
//! ```text
//!   Tree ── btree: BTreeCursor        the position
//!        ├─ record: Decoder      how far the current record's header has been decoded
//!        ├─ epoch                     the pager's change epoch as of which `record` is right
//!        └─ status                    Row, NullRow (columns read NULL), Deferred (moves when a column is asked for)
//! ```
//! A cursor that somebody wrote behind is noticed at the pager's change epoch: `BTreeCursor::refresh` finds its place again,
//! and the record is decoded anew.

mod column;
mod decoder;
mod movement;
mod open;
mod seek;

pub(crate) use decoder::{Decoder, LEN};
pub(crate) use open::root_in;
pub(crate) use seek::{RowidBound, rowid_bound};

use std::sync::Arc;

use turso_error::Result;
use turso_program::{CursorId, DbIndex};
use turso_storage::Pager;
use turso_storage::btree::BTreeCursor;
use turso_value::KeyInfo;

use crate::Host;
use crate::batch::Batch;
use crate::groups::Groups;
use crate::hash_rows::HashRows;
use crate::keyset::KeySet;
use crate::run::{Run, internal};
use crate::sorter::Sorter;
use crate::survey::Survey;

/// A cursor slot of a frame.
#[derive(Default)]
pub(crate) enum Cursor {
    #[default]
    Closed,
    Tree(Box<TreeCursor>),
    Sorter(Box<Sorter>),
    Set(Box<KeySet>),
    Hash(Box<HashRows>),
    Groups(Box<Groups>),
    Batch(Box<Batch>),
    Survey(Box<Survey>),
    Virtual(Box<VirtualCursor>),
    /// Every column reads NULL: the other side of an outer join that was never opened.
    Null,
}

/// Whose pages a tree is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Db(DbIndex),
    /// The ephemeral pager of the run.
    Temporary,
}

impl Store {
    /// The pager of the tree.
    #[inline(always)]
    pub fn pager<'a, H: Host>(self, host: &'a mut H, run: &'a mut Run) -> Result<&'a mut Pager> {
        match self {
            Store::Db(db) => Ok(host.pager(db)),
            Store::Temporary => run.open_temporary(),
        }
    }
}

/// What reading a column of a tree cursor means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The B-tree cursor is on the row.
    Row,
    /// Columns and rowid read NULL.
    NullRow,
    /// The row with the rowid `target` is to be found first.
    Deferred,
}

/// A cursor on a tree.
pub(crate) struct TreeCursor {
    pub status: Status,
    pub store: Store,
    pub record: Decoder,
    /// `record` describes the current row as of this change epoch of the pager.
    pub epoch: u64,
    /// Rowid of a deferred seek.
    pub target: i64,
    /// The key of an index; `None` for a table.
    pub key: Option<Arc<KeyInfo>>,
    /// The counter of `Sequence`.
    pub sequence: i64,
    /// 1 while the whole tree is being scanned: what each step adds to the statement's count.
    pub scanning: u64,
    /// Closed, and kept for the next time this slot is opened.
    pub parked: bool,
    pub btree: BTreeCursor,
}

/// A cursor of a virtual table.
pub(crate) struct VirtualCursor {
    pub null_row: bool,
    pub cursor: Box<dyn turso_vtab::Cursor>,
}

impl Cursor {
    /// Close it. The box of a tree cursor is kept for the next time, and so is the page of an ephemeral tree.
    pub fn close(&mut self) {
        match self {
            Cursor::Tree(tree) if tree.parked => {}
            Cursor::Tree(tree) => {
                tree.btree.reset();
                tree.parked = true;
            }
            _ => *self = Cursor::Closed,
        }
    }

    /// The run is over: close it, and forget an ephemeral tree, whose pager goes with the run.
    pub fn discard(&mut self) {
        match self {
            Cursor::Tree(tree) if tree.store == Store::Temporary => *self = Cursor::Closed,
            _ => self.close(),
        }
    }
}

impl TreeCursor {
    /// The B-tree cursor has moved: to a row, or past the end.
    #[inline(always)]
    pub fn moved(&mut self, on_row: bool, epoch: u64) {
        self.record.reset();
        self.epoch = epoch;
        self.status = if on_row { Status::Row } else { Status::NullRow };
    }

    /// The B-tree cursor has moved to a row.
    #[inline(always)]
    pub fn arrived(&mut self, epoch: u64) {
        self.record.reset();
        self.epoch = epoch;
        self.status = Status::Row;
    }

    /// Makes the cursor stand on its row, in the tree as it is now; false where columns read NULL.
    #[inline(always)]
    pub fn settle(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.status == Status::Row && self.epoch == pager.change_epoch() {
            return Ok(true);
        }
        self.settle_slow(pager)
    }

    #[inline(never)]
    fn settle_slow(&mut self, pager: &mut Pager) -> Result<bool> {
        match self.status {
            Status::NullRow => Ok(false),
            Status::Row => {
                let there = self.btree.refresh(pager)?;
                self.record.reset();
                if there {
                    self.epoch = pager.change_epoch();
                }
                Ok(there)
            }
            Status::Deferred => {
                let found = self.btree.seek_rowid(pager, self.target)?;
                if found != turso_storage::btree::SeekResult::Found {
                    // The index names a row that is not there.
                    return Err(turso_error::Error::from_code(turso_error::ResultCode::CORRUPT));
                }
                self.moved(true, pager.change_epoch());
                Ok(true)
            }
        }
    }
}

/// The tree cursor in a slot.
#[inline(always)]
pub(crate) fn tree(cursors: &mut [Cursor], id: CursorId) -> Result<&mut TreeCursor> {
    match &mut cursors[id.index()] {
        Cursor::Tree(tree) if !tree.parked => Ok(tree),
        _ => Err(internal("cursor is not open on a tree")),
    }
}

/// The tree cursor in a slot, and the pager of its tree.
#[inline(always)]
pub(crate) fn tree_and_pager<'a, H: Host>(
    cursors: &'a mut [Cursor],
    run: &'a mut Run,
    host: &'a mut H,
    id: CursorId,
) -> Result<(&'a mut TreeCursor, &'a mut Pager)> {
    let tree = tree(cursors, id)?;
    let pager = tree.store.pager(host, run)?;
    Ok((tree, pager))
}
