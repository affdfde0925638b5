//! Inserting and replacing entries.

use super::cursor::BTreeCursor;
use crate::pager::Pager;
use turso_error::{Error, Result, ResultCode};
use turso_value::Value;

/// The bytes of a new entry: what is given, then zeros.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    /// The record, perhaps without a tail of zeros.
    pub bytes: &'a [u8],
    /// How many zeros follow (`zeroblob`).
    pub zeros: u32,
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Payload { bytes, zeros: 0 }
    }
}

/// What the caller knows about the place of a new entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertHint {
    /// Nothing: search for it (free of charge where it lies on the cursor's leaf).
    Seek,
    /// The cursor's last search, with no change to the tree since, was for this key (or a unique prefix of it).
    AtSeek,
    /// Probably behind the last entry. Checked, so a wrong guess costs time only.
    Append,
}

impl BTreeCursor {
    /// Inserts a row, replacing one with the same rowid. Afterwards the cursor stands on it.
    pub fn insert_row(&mut self, pager: &mut Pager, rowid: i64, payload: Payload<'_>, hint: InsertHint) -> Result<()> {
        let _ = (pager, rowid, payload, hint);
        Err(Error::new(ResultCode::INTERNAL, "B-tree writes are not built yet"))
    }

    /// Inserts a record into an index, replacing one with the same key. Afterwards the cursor stands on it.
    ///
    /// `key` holds the values of the key columns (all columns of an index; the primary key of a table WITHOUT ROWID);
    /// without it the records are compared, all columns of them.
    pub fn insert_record(
        &mut self,
        pager: &mut Pager,
        record: Payload<'_>,
        key: Option<&[Value]>,
        hint: InsertHint,
    ) -> Result<()> {
        let _ = (pager, record, key, hint);
        Err(Error::new(ResultCode::INTERNAL, "B-tree writes are not built yet"))
    }
}
