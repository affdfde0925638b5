//! The layout of one B-tree page: its header, the cell pointers, and a read-only view that trusts nothing.
//!
//! ```text
//!  page 1 only   header      cell pointers     gap        cell content             reserved
//!  [100 bytes ][8 or 12][ p0 p1 p2 .. ]->           <-[cells, freeblocks, fragments][...]
//! ```
//!
//! | offset | size | meaning                                                         |
//! |-------:|-----:|-----------------------------------------------------------------|
//! |      0 |    1 | kind: 2 index interior, 5 table interior, 10 index leaf, 13 table leaf |
//! |      1 |    2 | first freeblock, 0 if none                                      |
//! |      3 |    2 | number of cells                                                 |
//! |      5 |    2 | start of the cell content area, 0 means 65536                   |
//! |      7 |    1 | fragmented free bytes within the content area                   |
//! |      8 |    4 | right-most child, interior pages only                           |
//!
//! A freeblock is a 2-byte offset of the next one and its own 2-byte size; the list ascends.

use crate::page::PageNo;
use turso_error::{Error, Result};

/// Offset of the page header on page 1, behind the database header.
pub(crate) const PAGE_ONE_HEADER: usize = 100;
/// No B-tree is deeper: with two children per page, page numbers run out long before.
pub(crate) const MAX_DEPTH: usize = 20;

/// Reads a big-endian 16-bit number; 0 past the end, so that a damaged page cannot panic.
#[inline(always)]
pub(crate) fn be16(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..at + 2) {
        Some(s) => usize::from(u16::from_be_bytes([s[0], s[1]])),
        None => 0,
    }
}

/// Reads a big-endian 32-bit number; 0 past the end.
#[inline(always)]
pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(s) => u32::from_be_bytes([s[0], s[1], s[2], s[3]]),
        None => 0,
    }
}

/// Writes a big-endian 16-bit number; nothing past the end.
#[inline(always)]
pub(crate) fn put16(bytes: &mut [u8], at: usize, value: usize) {
    if let Some(s) = bytes.get_mut(at..at + 2) {
        s.copy_from_slice(&(value as u16).to_be_bytes());
    }
}

/// Writes a big-endian 32-bit number; nothing past the end.
#[inline(always)]
pub(crate) fn put32(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(s) = bytes.get_mut(at..at + 4) {
        s.copy_from_slice(&value.to_be_bytes());
    }
}

/// The four kinds of B-tree pages, by their header byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum NodeKind {
    IndexInterior = 2,
    TableInterior = 5,
    IndexLeaf = 10,
    TableLeaf = 13,
}

impl NodeKind {
    #[inline(always)]
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            2 => Some(NodeKind::IndexInterior),
            5 => Some(NodeKind::TableInterior),
            10 => Some(NodeKind::IndexLeaf),
            13 => Some(NodeKind::TableLeaf),
            _ => None,
        }
    }

    /// The kind of a page of a table or index tree.
    pub fn of(table: bool, leaf: bool) -> Self {
        match (table, leaf) {
            (true, true) => NodeKind::TableLeaf,
            (true, false) => NodeKind::TableInterior,
            (false, true) => NodeKind::IndexLeaf,
            (false, false) => NodeKind::IndexInterior,
        }
    }

    #[inline(always)]
    pub fn is_leaf(self) -> bool {
        matches!(self, NodeKind::IndexLeaf | NodeKind::TableLeaf)
    }

    #[inline(always)]
    pub fn is_table(self) -> bool {
        matches!(self, NodeKind::TableInterior | NodeKind::TableLeaf)
    }

    /// 8 bytes, and 4 more for the right-most child.
    #[inline(always)]
    pub fn header_size(self) -> usize {
        if self.is_leaf() { 8 } else { 12 }
    }
}

/// Where the page header starts.
#[inline(always)]
pub(crate) fn header_at(no: PageNo) -> usize {
    if no.0 == 1 { PAGE_ONE_HEADER } else { 0 }
}

/// A page whose header has been checked: the kind is known and the cell pointers lie inside the usable area.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub bytes: &'a [u8],
    /// Offset of the page header.
    pub at: usize,
    /// Offset of the first cell pointer.
    pub pointers: usize,
    pub count: usize,
    pub usable: usize,
    pub kind: NodeKind,
    pub no: PageNo,
}

impl<'a> Node<'a> {
    /// Checks the header. `bytes` is the whole page.
    #[inline]
    pub fn new(bytes: &'a [u8], no: PageNo, usable: usize) -> Result<Self> {
        let at = header_at(no);
        let Some(kind) = bytes.get(at).and_then(|&b| NodeKind::from_byte(b)) else {
            return Err(Error::corrupt(no.0, "not a B-tree page"));
        };
        let count = be16(bytes, at + 3);
        let pointers = at + kind.header_size();
        // The smallest cell takes four bytes and its pointer two.
        if usable > bytes.len() || pointers + count * 6 > usable {
            return Err(Error::corrupt(no.0, "too many cells for a page"));
        }
        Ok(Node { bytes, at, pointers, count, usable, kind, no })
    }

    /// The first byte that a cell may occupy.
    #[inline(always)]
    pub fn pointers_end(&self) -> usize {
        self.pointers + 2 * self.count
    }

    /// The offset of cell `i`, not yet checked against anything.
    #[inline(always)]
    pub fn cell_at(&self, i: usize) -> usize {
        be16(self.bytes, self.pointers + 2 * i)
    }

    /// The right-most child of an interior page.
    #[inline(always)]
    pub fn right_child(&self) -> PageNo {
        PageNo(be32(self.bytes, self.at + 8))
    }

    /// Child `i` of an interior page; `i == count` is the right-most one.
    #[inline]
    pub fn child(&self, i: usize) -> Result<PageNo> {
        if i >= self.count {
            return Ok(self.right_child());
        }
        let at = self.cell_at(i);
        if at < self.pointers_end() || at + 4 > self.usable {
            return self.child_anywhere(i);
        }
        Ok(PageNo(be32(self.bytes, at)))
    }

    #[cold]
    fn child_anywhere(&self, i: usize) -> Result<PageNo> {
        let at = self.cell_anywhere(i);
        match self.bytes.get(at..at + 4) {
            Some(_) => Ok(PageNo(be32(self.bytes, at))),
            None => Err(Error::corrupt(self.no.0, "cell pointer outside the page")),
        }
    }

    /// Where whoever only reads looks for cell `i`, also when its pointer names no place for cells: as in SQLite, the pointer counts
    /// modulo the size of the page. What is read there may be anything; who writes must not get here.
    pub fn cell_anywhere(&self, i: usize) -> usize {
        self.cell_at(i) & (self.bytes.len() - 1)
    }

    /// Start of the cell content area.
    #[inline(always)]
    pub fn content_start(&self) -> usize {
        match be16(self.bytes, self.at + 5) {
            0 => 65536,
            n => n,
        }
    }

    /// Bytes between the cell pointers and the content area.
    pub fn gap(&self) -> Result<usize> {
        let content = self.content_start();
        if content > self.usable {
            return Err(Error::corrupt(self.no.0, "cell content area starts past the page"));
        }
        content
            .checked_sub(self.pointers_end())
            .ok_or_else(|| Error::corrupt(self.no.0, "cell pointers overlap cell content"))
    }

    /// All free bytes: gap, freeblocks and fragments. Walks and checks the freeblock list.
    pub fn free_bytes(&self) -> Result<usize> {
        let gap = self.gap()?;
        let mut total = gap + usize::from(self.bytes[self.at + 7]);
        let mut block = be16(self.bytes, self.at + 1);
        let mut low = self.content_start();
        while block != 0 {
            if block < low || block + 4 > self.usable {
                return Err(Error::corrupt(self.no.0, "freeblock out of order"));
            }
            let size = be16(self.bytes, block + 2);
            if size < 4 || block + size > self.usable {
                return Err(Error::corrupt(self.no.0, "freeblock of impossible size"));
            }
            total += size;
            low = block + size;
            block = be16(self.bytes, block);
        }
        if total > self.usable - self.pointers_end() {
            return Err(Error::corrupt(self.no.0, "more free bytes than the page has"));
        }
        Ok(total)
    }
}

/// Numbers that follow from the usable page size: how much payload stays on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Geometry {
    pub usable: usize,
    /// Largest payload that a table leaf holds entirely.
    pub max_leaf: usize,
    /// Largest payload that an index page holds entirely.
    pub max_index: usize,
    /// What stays on the page at least once a payload overflows.
    pub min_local: usize,
}

impl Geometry {
    pub fn new(usable: usize) -> Self {
        Geometry {
            usable,
            max_leaf: usable - 35,
            max_index: (usable - 12) * 64 / 255 - 23,
            min_local: (usable - 12) * 32 / 255 - 23,
        }
    }

    /// How many bytes of a payload stay on a page of this kind.
    #[inline(always)]
    pub fn local(&self, table: bool, payload: usize) -> usize {
        let max = if table { self.max_leaf } else { self.max_index };
        if payload <= max { payload } else { self.local_long(max, payload) }
    }

    #[cold]
    fn local_long(&self, max: usize, payload: usize) -> usize {
        let fit = self.min_local + (payload - self.min_local) % (self.usable - 4);
        if fit <= max { fit } else { self.min_local }
    }

    /// Payload bytes on one overflow page.
    #[inline]
    pub fn overflow_size(&self) -> usize {
        self.usable - 4
    }
}
