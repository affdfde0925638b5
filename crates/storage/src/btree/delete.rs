//! Deleting entries.

use super::cursor::BTreeCursor;
use crate::pager::Pager;
use turso_error::{Error, Result, ResultCode};

impl BTreeCursor {
    /// Deletes the entry that the cursor stands on. Afterwards the cursor is on no entry (`refresh` answers false), and
    /// `next` goes to the entry that followed, `prev` to the one before.
    pub fn delete(&mut self, pager: &mut Pager) -> Result<()> {
        let _ = pager;
        Err(Error::new(ResultCode::INTERNAL, "B-tree writes are not built yet"))
    }
}
