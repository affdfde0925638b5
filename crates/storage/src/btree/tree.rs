//! Whole trees: creating, clearing, dropping, counting.

use super::cursor::BTreeCursor;
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result, ResultCode};

/// Makes an empty tree; its root page. `table`: rows under rowids, else an index.
pub fn create_tree(pager: &mut Pager, table: bool) -> Result<PageNo> {
    let _ = (pager, table);
    Err(Error::new(ResultCode::INTERNAL, "B-tree writes are not built yet"))
}

/// What dropping a tree did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// In an auto-vacuum database the root that has been moved to the dropped tree's root page, if one had to be:
    /// `sqlite_schema` must be told.
    pub moved_from: Option<PageNo>,
}

/// Gives the root page of a tree that [`TreeEraser`] has emptied back.
pub fn drop_tree(pager: &mut Pager, root: PageNo) -> Result<Dropped> {
    let _ = (pager, root);
    Err(Error::new(ResultCode::INTERNAL, "B-tree writes are not built yet"))
}

/// Empties a tree leaf by leaf. Each step leaves a valid, smaller tree, so a pending run is simply run again; keep the
/// eraser meanwhile (it counts the entries and remembers how far into a long overflow chain it was).
pub struct TreeEraser {
    root: PageNo,
    table: bool,
    erased: u64,
}

impl TreeEraser {
    /// For the tree with this root.
    pub fn new(root: PageNo, table: bool) -> Self {
        TreeEraser { root, table, erased: 0 }
    }

    /// Empties the tree; the number of entries it had.
    pub fn run(&mut self, pager: &mut Pager) -> Result<u64> {
        let _ = (pager, self.root, self.table, self.erased);
        Err(Error::new(ResultCode::INTERNAL, "B-tree writes are not built yet"))
    }
}

impl BTreeCursor {
    /// The number of entries in the tree. The cursor loses its position.
    pub fn count(&mut self, pager: &mut Pager) -> Result<u64> {
        let mut entries = 0;
        let mut more = self.first(pager)?;
        while more {
            entries += 1;
            more = self.next(pager)?;
        }
        Ok(entries)
    }
}
