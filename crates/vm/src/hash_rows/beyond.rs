//! Hashed rows that memory has no room for: an ephemeral index on all their values, which gives the rows of a key in the order
//! in which a chain in memory does.

use std::sync::Arc;

use turso_error::Result;
use turso_storage::Pager;
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, SeekOp, TreeEraser, create_tree};
use turso_value::key::compare_record;
use turso_value::{KeyInfo, Value};

/// See the module's header.
pub(super) struct Beyond {
    tree: BTreeCursor,
    /// There are rows.
    used: bool,
    /// The key that was looked for: its entries end where another one begins.
    key: Vec<Value>,
    /// The row under the cursor.
    row: Vec<u8>,
    at: At,
}

/// Where the cursor stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// On no row with the key.
    Nowhere,
    /// On an entry that has not been read yet.
    Entry,
    /// On the row in `row`.
    Row,
}

impl Beyond {
    /// No rows. May be pending.
    pub fn new(info: &Arc<KeyInfo>, pager: &mut Pager) -> Result<Self> {
        let root = create_tree(pager, false)?;
        let tree = BTreeCursor::new(root, CursorKind::Index(info.clone()));
        Ok(Self { tree, used: false, key: Vec::new(), row: Vec::new(), at: At::Nowhere })
    }

    /// Forgets all rows. May be pending.
    pub fn clear(&mut self, pager: &mut Pager) -> Result<()> {
        if self.used {
            TreeEraser::new(self.tree.root(), false).run(pager)?;
            self.tree.reset();
            self.used = false;
        }
        self.at = At::Nowhere;
        Ok(())
    }

    /// True when there are rows.
    pub fn is_used(&self) -> bool {
        self.used
    }

    /// Adds a row of these values, whose record this is. May be pending.
    pub fn add(&mut self, record: &[u8], values: &[Value], pager: &mut Pager) -> Result<()> {
        self.used = true;
        self.tree.insert_record(pager, record.into(), Some(values), InsertHint::Seek)
    }

    /// Goes to the first row with this key, if there is one. May be pending.
    pub fn find(&mut self, key: &[Value], info: &KeyInfo, pager: &mut Pager) -> Result<()> {
        self.at = At::Nowhere;
        if self.tree.seek_index(pager, key, SeekOp::Ge)? {
            self.key.clear();
            self.key.extend_from_slice(key);
            self.at = At::Entry;
            self.arrive(info, pager)?;
        }
        Ok(())
    }

    /// Goes to the next row with the key, if there is one. May be pending, and goes on then.
    pub fn next(&mut self, info: &KeyInfo, pager: &mut Pager) -> Result<()> {
        if self.at == At::Row {
            let there = self.tree.next(pager)?;
            self.at = if there { At::Entry } else { At::Nowhere };
        }
        self.arrive(info, pager)
    }

    /// Reads the entry under the cursor, if it has the key.
    fn arrive(&mut self, info: &KeyInfo, pager: &mut Pager) -> Result<()> {
        if self.at == At::Entry {
            let record = self.tree.full_payload(pager)?;
            let has_key = compare_record(record, &self.key, info)?.is_eq();
            self.row.clear();
            self.row.extend_from_slice(record);
            self.at = if has_key { At::Row } else { At::Nowhere };
        }
        Ok(())
    }

    /// The row that it is on.
    pub fn row(&self) -> Option<&[u8]> {
        (self.at == At::Row).then_some(&self.row[..])
    }
}
