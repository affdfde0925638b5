//! The entries of a page, taken all at once: scans that work on batches of rows move from page to page, not from row to row.
//!
//! What is taken are places on the page, which the caller holds. The cursor then stands on the last entry taken, so that
//! [`BTreeCursor::next`] goes on behind it, whatever has been written meanwhile.

use super::cell::{Cell, parse_at, parse_short_row};
use super::cursor::BTreeCursor;
use super::layout::{NodeKind, be16};
use crate::page::PageRef;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRow {
    /// The rowid; 0 for index entries.
    pub rowid: i64,
    /// The caller's number for the page.
    pub page: u32,
    /// Where on the page the payload starts.
    pub at: u32,
    /// Payload bytes on the page.
    pub len: u32,
    /// Which entry of the page it is.
    pub entry: u16,
    /// The payload lies on the page as a whole.
    pub whole: bool,
}

impl BTreeCursor {
    /// Appends the entries of the page in hand from the current one on, at most `most`, and goes to the last of them. An entry
    /// of an interior index page comes alone. Answers the page, and whether all entries are [whole](PageRow::whole).
    ///
    /// The cursor must stand on an entry. Where an entry is damaged those before it have been appended, and the cursor stands
    /// where it stood.
    pub fn take_page(
        &mut self,
        pager: &mut Pager,
        most: usize,
        number: u32,
        rows: &mut Vec<PageRow>,
    ) -> Result<(PageRef, bool)> {
        if !self.refresh(pager)? {
            return Err(Error::corrupt(self.root.0, "entries of no page"));
        }
        let level = &self.path[self.depth];
        let Some(page) = level.page.clone() else {
            return Err(Error::corrupt(level.no.0, "path without page"));
        };
        let row = |cell: &Cell, entry: u16| PageRow {
            rowid: cell.rowid,
            page: number,
            at: cell.payload_at,
            len: cell.local_len,
            entry,
            whole: !cell.overflows(),
        };
        if !level.kind.is_leaf() {
            rows.push(row(&self.cell, level.cell));
            return Ok((page, !self.cell.overflows()));
        }
        let (kind, pointers, count) = (level.kind, usize::from(level.pointers), level.count);
        let end = usize::from(count).min(usize::from(level.cell).saturating_add(most.max(1))) as u16;
        let first_byte = pointers + 2 * usize::from(count);
        let (geometry, bytes) = (self.geometry, &page[..]);
        let mut whole = true;
        rows.reserve(usize::from(end - level.cell));
        for entry in level.cell..end {
            let at = be16(bytes, pointers + 2 * usize::from(entry));
            if at >= first_byte {
                if kind == NodeKind::TableLeaf
                    && let Some(cell) = parse_short_row(bytes, at, &geometry)
                {
                    rows.push(row(&cell, entry));
                    continue;
                }
                if let Some(cell) = parse_at(kind, bytes, at, &geometry) {
                    whole &= !cell.overflows();
                    rows.push(row(&cell, entry));
                    continue;
                }
            }
            return Err(Error::corrupt(level.no.0, "cell outside the page"));
        }
        self.go_to_entry(end - 1)?;
        Ok((page, whole))
    }

    /// Goes to another entry of the page in hand: one that [`take_page`](Self::take_page) has given.
    pub fn go_to_entry(&mut self, entry: u16) -> Result<()> {
        let level = &mut self.path[self.depth];
        if entry >= level.count {
            return Err(Error::corrupt(level.no.0, "entry past the end of the page"));
        }
        level.cell = entry;
        self.arrive()
    }

    /// A lower bound of the number of leaves of the tree, as far as the path shows it; 0 without a path.
    pub fn leaves_at_least(&self) -> usize {
        match self.depth {
            _ if !self.path_ok => 0,
            0 => 1,
            1 => usize::from(self.path[0].count) + 1,
            _ => usize::from(self.path[0].count).saturating_mul(usize::from(self.path[1].count).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btree::{BTreeCursor, CursorKind, InsertHint, create_tree};
    use std::sync::Arc;
    use turso_value::{KeyInfo, TextEncoding, Value, encode_record};

    #[test]
    fn pages_give_the_rows_of_a_scan() {
        let mut pager = Pager::temp(512);
        let root = create_tree(&mut pager, true).unwrap();
        let mut cursor = BTreeCursor::new(root, CursorKind::Table);
        for rowid in 1..=500i64 {
            let payload = vec![7u8; if rowid % 50 == 0 { 2000 } else { (rowid % 23) as usize }];
            cursor.insert_row(&mut pager, rowid, payload.as_slice().into(), InsertHint::Seek).unwrap();
        }
        for most in [1, 3, 1000] {
            let mut rows = Vec::new();
            let mut there = cursor.first(&mut pager).unwrap();
            while there {
                cursor.take_page(&mut pager, most, 0, &mut rows).unwrap();
                there = cursor.next(&mut pager).unwrap();
            }
            let rowids: Vec<i64> = rows.iter().map(|row| row.rowid).collect();
            assert_eq!(rowids, (1..=500).collect::<Vec<i64>>());
            let long = rows.iter().filter(|row| !row.whole).count();
            assert_eq!(long, 10);
        }
    }

    #[test]
    fn entries_of_interior_index_pages_come_in_their_place() {
        let mut pager = Pager::temp(512);
        let root = create_tree(&mut pager, false).unwrap();
        let mut cursor = BTreeCursor::new(root, CursorKind::Index(Arc::new(KeyInfo::binary(1))));
        for i in 0..400i64 {
            let key = [Value::Integer(i)];
            let mut record = Vec::new();
            encode_record(&key, TextEncoding::Utf8, &mut record);
            cursor.insert_record(&mut pager, record.as_slice().into(), Some(&key), InsertHint::Seek).unwrap();
        }
        let (mut found, mut rows) = (Vec::new(), Vec::new());
        let mut there = cursor.first(&mut pager).unwrap();
        while there {
            rows.clear();
            let (page, whole) = cursor.take_page(&mut pager, 1000, 0, &mut rows).unwrap();
            assert!(whole);
            for row in &rows {
                let record = &page[row.at as usize..(row.at + row.len) as usize];
                found.push(turso_value::key::index_rowid(record).unwrap());
            }
            there = cursor.next(&mut pager).unwrap();
        }
        assert_eq!(found, (0..400).collect::<Vec<i64>>());
    }
}
