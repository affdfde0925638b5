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

/// Where an entry lies on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRow {
    /// The rowid; 0 for index entries.
    pub rowid: i64,
    /// Where the payload starts.
    pub at: u32,
    /// Payload bytes on the page.
    pub local: u32,
    /// Payload bytes in all.
    pub payload: u32,
    /// Which entry of the page it is.
    pub entry: u16,
}

impl BTreeCursor {
    /// Appends the entries of the page in hand from the current one on, at most `most`, and goes to the last of them. An entry
    /// of an interior index page comes alone.
    ///
    /// The cursor must stand on an entry. Where an entry is damaged those before it have been appended, and the cursor stands
    /// where it stood.
    pub fn take_page(&mut self, pager: &mut Pager, most: usize, rows: &mut Vec<PageRow>) -> Result<PageRef> {
        if !self.refresh(pager)? {
            return Err(Error::corrupt(self.root.0, "entries of no page"));
        }
        let level = &self.path[self.depth];
        let Some(page) = level.page.clone() else {
            return Err(Error::corrupt(level.no.0, "path without page"));
        };
        let row = |cell: &Cell, entry: u16| PageRow {
            rowid: cell.rowid,
            at: cell.payload_at,
            local: cell.local_len,
            payload: cell.payload_len,
            entry,
        };
        if !level.kind.is_leaf() {
            rows.push(row(&self.cell, level.cell));
            return Ok(page);
        }
        let (kind, pointers, count) = (level.kind, usize::from(level.pointers), level.count);
        let end = usize::from(count).min(usize::from(level.cell).saturating_add(most.max(1))) as u16;
        let first_byte = pointers + 2 * usize::from(count);
        rows.reserve(usize::from(end - level.cell));
        for entry in level.cell..end {
            let at = be16(&page, pointers + 2 * usize::from(entry));
            let short = if kind == NodeKind::TableLeaf { parse_short_row(&page, at, &self.geometry) } else { None };
            let cell = match short {
                Some(cell) => Some(cell),
                None => parse_at(kind, &page, at, &self.geometry),
            };
            match cell.filter(|_| at >= first_byte) {
                Some(cell) => rows.push(row(&cell, entry)),
                None => return Err(Error::corrupt(level.no.0, "cell outside the page")),
            }
        }
        self.go_to_entry(end - 1)?;
        Ok(page)
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
                cursor.take_page(&mut pager, most, &mut rows).unwrap();
                there = cursor.next(&mut pager).unwrap();
            }
            let rowids: Vec<i64> = rows.iter().map(|row| row.rowid).collect();
            assert_eq!(rowids, (1..=500).collect::<Vec<i64>>());
            let long = rows.iter().filter(|row| row.local < row.payload).count();
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
            let page = cursor.take_page(&mut pager, 1000, &mut rows).unwrap();
            for row in &rows {
                let record = &page[row.at as usize..(row.at + row.local) as usize];
                found.push(turso_value::key::index_rowid(record).unwrap());
            }
            there = cursor.next(&mut pager).unwrap();
        }
        assert_eq!(found, (0..400).collect::<Vec<i64>>());
    }
}
