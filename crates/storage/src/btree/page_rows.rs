//! The entries of a page, taken all at once: scans that work on batches of rows move from page to page, not from row to row.
//!
//! What is taken are places on the page, which the caller holds. The cursor then stands on the last entry taken, so that
//! [`BTreeCursor::next`] goes on behind it, whatever has been written meanwhile.

use super::cell::{Cell, parse_at, parse_short_row};
use super::cursor::BTreeCursor;
use super::layout::{Geometry, Node, NodeKind, be16, header_at};
use crate::page::{PageNo, PageRef};
use crate::pager::Pager;
use turso_error::{Error, Result};

/// Where the payload of an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRow {
    /// Where on the page it starts.
    pub start: u32,
    /// Where what the page has of it ends.
    pub end: u32,
    /// Free for the caller; 0 at first.
    pub mark: u32,
    /// The caller's number for the page.
    pub page: u16,
    /// It lies on the page as a whole.
    pub whole: bool,
}

/// Where the cell pointers of a leaf begin that is not the first page of the database.
const LEAF_POINTERS: usize = 8;

impl PageRow {
    const NONE: Self = Self { start: 0, end: 0, mark: 0, page: 0, whole: true };
}

/// What [`BTreeCursor::take_page`] has taken.
pub struct TakenPage {
    /// The page on which the entries lie.
    pub page: PageRef,
    /// Which entry of the page the first one is; the others follow, or go before it.
    pub first: u16,
    /// All entries are [whole](PageRow::whole).
    pub whole: bool,
}

impl BTreeCursor {
    /// Appends the entries of the page in hand from the current one on, or `back` from it, at most `most`, and goes to the last of
    /// them. An entry of an interior index page comes alone. Where rowids are wanted there is one for each of `rows`, 0 for those of
    /// an index.
    ///
    /// The cursor must stand on an entry. Where an entry is damaged nothing is appended, and the cursor stands where it stood.
    pub fn take_page(
        &mut self,
        pager: &mut Pager,
        back: bool,
        most: usize,
        number: u16,
        rows: &mut Vec<PageRow>,
        rowids: Option<&mut Vec<i64>>,
    ) -> Result<TakenPage> {
        if self.unnoted {
            self.tell_pages(pager);
        }
        if !self.refresh(pager)? {
            return Err(Error::corrupt(self.root.0, "entries of no page"));
        }
        let level = &self.path[self.depth];
        let (no, first) = (level.no, level.cell);
        let Some(page) = level.page.clone() else {
            return Err(Error::corrupt(no.0, "path without page"));
        };
        let before = rows.len();
        if !level.kind.is_leaf() {
            rows.push(place(&self.cell, number));
            if let Some(rowids) = rowids {
                rowids.resize(rows.len(), 0);
            }
            return Ok(TakenPage { page, first, whole: !self.cell.overflows() });
        }
        let (kind, pointers, count) = (level.kind, usize::from(level.pointers), usize::from(level.count));
        let (at, most) = (usize::from(first), most.max(1));
        let range = if back { (at + 1).saturating_sub(most)..at + 1 } else { at..count.min(at.saturating_add(most)) };
        let last = if back { range.start } else { range.end - 1 };
        let Some(cells) = page.get(pointers + 2 * range.start..pointers + 2 * range.end) else {
            return Err(Error::corrupt(no.0, "cell pointers outside the page"));
        };
        let taken = range.len();
        rows.resize(before + taken, PageRow::NONE);
        let entries = Entries { kind, bytes: &page, first_byte: pointers + 2 * count, geometry: self.geometry, number };
        let cells = (0..taken).map(|i| be16(cells, 2 * if back { taken - 1 - i } else { i }));
        let taken = rows[before..].iter_mut().zip(cells);
        let whole = match rowids {
            None => entries.take_places(taken),
            Some(rowids) => {
                rowids.truncate(before);
                let whole = entries.take(taken, |rowid| rowids.push(rowid));
                if whole.is_none() {
                    rowids.truncate(before);
                }
                whole
            }
        };
        let Some(whole) = whole else {
            rows.truncate(before);
            return Err(Error::corrupt(no.0, "cell outside the page"));
        };
        self.go_to_entry(last as u16)?;
        Ok(TakenPage { page, first, whole })
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

    /// The number of entries of the page in hand; 0 without a path.
    pub fn entries_of_page(&self) -> usize {
        if self.path_ok { usize::from(self.path[self.depth].count) } else { 0 }
    }
}

/// The number of entries of a tree, as far as its root tells it without a read: `usize::MAX` where it has more pages than one, `None`
/// where the root is not at hand.
pub fn entries_at_hand(pager: &Pager, root: PageNo) -> Option<usize> {
    let header = pager.resident(root)?.get(header_at(root)..)?;
    let [kind, _, _, high, low] = header.first_chunk()?;
    Some(if NodeKind::from_byte(*kind)?.is_leaf() {
        usize::from(u16::from_be_bytes([*high, *low]))
    } else {
        usize::MAX
    })
}

/// Where a cell has its payload.
#[inline(always)]
fn place(cell: &Cell, number: u16) -> PageRow {
    PageRow {
        start: cell.payload_at,
        end: cell.payload_at + cell.local_len,
        mark: 0,
        page: number,
        whole: !cell.overflows(),
    }
}

/// The entries of a leaf.
pub(super) struct Entries<'p> {
    kind: NodeKind,
    bytes: &'p [u8],
    /// Cells start here or behind.
    first_byte: usize,
    geometry: Geometry,
    number: u16,
}

impl<'p> Entries<'p> {
    /// Those of this leaf, on the page with this number.
    pub fn of(node: &Node<'p>, geometry: Geometry, number: u16) -> Self {
        Self { kind: node.kind, bytes: node.bytes, first_byte: node.pointers_end(), geometry, number }
    }

    /// Appends all entries of a leaf of a table, and their rowids where they are wanted. False, and nothing is appended, where one is not
    /// whole or damaged.
    #[inline(always)]
    pub fn append(&self, rows: &mut Vec<PageRow>, rowids: Option<&mut Vec<i64>>) -> bool {
        let before = rows.len();
        let Some(cells) = self.bytes.get(LEAF_POINTERS..self.first_byte) else { return false };
        let cells = cells.as_chunks::<2>().0;
        rows.resize(before + cells.len(), PageRow::NONE);
        let cells = cells.iter().map(|at| usize::from(u16::from_be_bytes(*at)));
        let taken = rows[before..].iter_mut().zip(cells);
        let whole = match rowids {
            None => self.take_places(taken),
            Some(rowids) => {
                rowids.truncate(before);
                let whole = self.take(taken, |rowid| rowids.push(rowid));
                if whole != Some(true) {
                    rowids.truncate(before);
                }
                whole
            }
        };
        if whole != Some(true) {
            rows.truncate(before);
        }
        whole == Some(true)
    }

    /// Fills rows from the cells at these offsets, and tells their rowids; whether all are whole, `None` where one is damaged.
    #[inline(always)]
    fn take<'r>(
        &self,
        rows: impl Iterator<Item = (&'r mut PageRow, usize)>,
        mut rowid: impl FnMut(i64),
    ) -> Option<bool> {
        let mut whole = true;
        for (row, at) in rows {
            if at >= self.first_byte
                && self.kind == NodeKind::TableLeaf
                && let Some(cell) = parse_short_row(self.bytes, at, &self.geometry)
            {
                *row = place(&cell, self.number);
                rowid(cell.rowid);
                continue;
            }
            let cell = self.any_cell(at)?;
            whole &= !cell.overflows();
            *row = place(&cell, self.number);
            rowid(cell.rowid);
        }
        Some(whole)
    }

    /// As [`take`](Self::take), where nobody asks for rowids.
    #[inline(always)]
    fn take_places<'r>(&self, rows: impl Iterator<Item = (&'r mut PageRow, usize)>) -> Option<bool> {
        let (table, usable, mut whole) = (self.kind == NodeKind::TableLeaf, self.geometry.usable, true);
        let most = if table { self.geometry.max_leaf } else { self.geometry.max_index };
        for (row, at) in rows {
            if at >= self.first_byte
                && let Some((start, len)) = short_payload(self.bytes, at, table)
                && len <= most
                && start + len <= usable
            {
                let (start, end) = (start as u32, (start + len) as u32);
                *row = PageRow { start, end, mark: 0, page: self.number, whole: true };
                continue;
            }
            let cell = self.any_cell(at)?;
            whole &= !cell.overflows();
            *row = place(&cell, self.number);
        }
        Some(whole)
    }

    #[inline(never)]
    fn any_cell(&self, at: usize) -> Option<Cell> {
        (at >= self.first_byte).then(|| parse_at(self.kind, self.bytes, at, &self.geometry))?
    }
}

/// Where the payload of a leaf's cell starts, and its length: for a length of one or two bytes and, in a table, a rowid of up to
/// six, which together stand in one word.
#[inline(always)]
fn short_payload(bytes: &[u8], at: usize, table: bool) -> Option<(usize, usize)> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    if word & 0x8080 == 0x8080 {
        return None;
    }
    let mut len = (word & 0x7f) as usize;
    if word & 0x80 != 0 {
        len = len << 7 | (word >> 8 & 0x7f) as usize;
    }
    // The bytes that end a varint.
    let ends = !word & HIGH;
    let last = if table { ends & ends.wrapping_sub(1) } else { ends };
    (last != 0).then(|| (at + last.trailing_zeros() as usize / 8 + 1, len))
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
            let (mut rows, mut rowids) = (Vec::new(), Vec::new());
            let mut there = cursor.first(&mut pager).unwrap();
            while there {
                let before = rows.len();
                let taken = cursor.take_page(&mut pager, false, most, 0, &mut rows, Some(&mut rowids)).unwrap();
                let again = {
                    let mut again = Vec::new();
                    cursor.go_to_entry(taken.first).unwrap();
                    cursor.take_page(&mut pager, false, most, 0, &mut again, None).unwrap();
                    again
                };
                assert_eq!(rows[before..], again);
                there = cursor.next(&mut pager).unwrap();
            }
            assert_eq!(rowids, (1..=500).collect::<Vec<i64>>());
            let long = rows.iter().filter(|row| !row.whole).count();
            assert_eq!(long, 10);
            let (mut taken, mut from_behind) = (Vec::new(), Vec::new());
            let mut there = cursor.last(&mut pager).unwrap();
            while there {
                cursor.take_page(&mut pager, true, most, 0, &mut taken, Some(&mut from_behind)).unwrap();
                there = cursor.prev(&mut pager).unwrap();
            }
            assert!(from_behind.iter().rev().eq(&rowids));
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
            let taken = cursor.take_page(&mut pager, false, 1000, 0, &mut rows, None).unwrap();
            assert!(taken.whole);
            for row in &rows {
                let record = &taken.page[row.start as usize..row.end as usize];
                found.push(turso_value::key::index_rowid(record).unwrap());
            }
            there = cursor.next(&mut pager).unwrap();
        }
        assert_eq!(found, (0..400).collect::<Vec<i64>>());
    }
}
