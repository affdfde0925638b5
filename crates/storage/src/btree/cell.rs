//! Cells: parsing them off a page, and encoding new ones.
//!
//! ```text
//! table leaf       payload size (varint) | rowid (varint) | local payload | first overflow page (4 bytes, if any)
//! table interior   left child (4 bytes)  | rowid (varint)
//! index leaf       payload size (varint) | local payload  | first overflow page (4 bytes, if any)
//! index interior   left child (4 bytes)  | payload size (varint) | local payload | first overflow page
//! ```
//!
//! A cell takes at least 4 bytes of the page, so that it can become a freeblock.

use super::layout::{Geometry, Node, NodeKind, be32};
use crate::page::PageNo;
use turso_error::{Error, Result};
use turso_value::varint;

/// No payload is longer (SQLite's own hard limit).
pub(crate) const MAX_PAYLOAD: u64 = 0x7fff_ffff;

/// A parsed cell: numbers only, the bytes stay on the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The rowid; 0 for index cells.
    pub rowid: i64,
    /// Payload bytes in all.
    pub payload_len: u32,
    /// Payload bytes on the page.
    pub local_len: u32,
    /// Where on the page the payload starts.
    pub payload_at: u32,
    /// Bytes of the whole cell on the page, at least 4.
    pub size: u32,
}

impl Cell {
    /// True when the payload continues on overflow pages.
    #[inline(always)]
    pub fn overflows(&self) -> bool {
        self.payload_len > self.local_len
    }

    /// The first overflow page; ask only if [`Cell::overflows`].
    #[inline]
    pub fn first_overflow(&self, page: &[u8]) -> PageNo {
        PageNo(be32(page, (self.payload_at + self.local_len) as usize))
    }

    /// The payload bytes on the page.
    #[inline(always)]
    pub fn local<'a>(&self, page: &'a [u8]) -> &'a [u8] {
        page.get(self.payload_at as usize..(self.payload_at + self.local_len) as usize).unwrap_or(&[])
    }
}

/// Reads a varint at an offset; the offset behind it.
#[inline(always)]
fn varint_at(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    let second = *bytes.get(at + 1)?;
    if second < 0x80 {
        return Some((u64::from(first & 0x7f) << 7 | u64::from(second), at + 2));
    }
    varint_long(bytes, at)
}

#[inline(never)]
fn varint_long(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (value, len) = varint::read(bytes.get(at..)?)?;
    Some((value, at + len))
}

/// Parses the cell that starts at `at`. `None` when it does not lie inside the usable area.
#[inline]
pub(crate) fn parse_at(kind: NodeKind, bytes: &[u8], at: usize, geometry: &Geometry) -> Option<Cell> {
    let usable = geometry.usable;
    let mut cell = Cell::default();
    let (payload_len, start) = match kind {
        NodeKind::TableLeaf => {
            let (len, next) = varint_at(bytes, at)?;
            let (rowid, next) = varint_at(bytes, next)?;
            cell.rowid = rowid as i64;
            (len, next)
        }
        NodeKind::TableInterior => {
            let (rowid, next) = varint_at(bytes, at + 4)?;
            if next > usable {
                return None;
            }
            cell.rowid = rowid as i64;
            cell.size = (next - at) as u32;
            cell.payload_at = next as u32;
            return Some(cell);
        }
        NodeKind::IndexLeaf => varint_at(bytes, at)?,
        NodeKind::IndexInterior => varint_at(bytes, at + 4)?,
    };
    if payload_len > MAX_PAYLOAD {
        return None;
    }
    let payload_len = payload_len as usize;
    let local = geometry.local(kind == NodeKind::TableLeaf, payload_len);
    let end = start + local + if local < payload_len { 4 } else { 0 };
    if end > usable {
        return None;
    }
    cell.payload_len = payload_len as u32;
    cell.local_len = local as u32;
    cell.payload_at = start as u32;
    cell.size = ((end - at) as u32).max(4);
    Some(cell)
}

impl Node<'_> {
    /// Parses cell `i`.
    #[inline]
    pub fn cell(&self, i: usize, geometry: &Geometry) -> Result<Cell> {
        let at = self.cell_at(i);
        if at >= self.pointers_end() && i < self.count {
            if let Some(cell) = parse_at(self.kind, self.bytes, at, geometry) {
                if at + cell.size as usize <= self.usable {
                    return Ok(cell);
                }
            }
        }
        Err(Error::corrupt(self.no.0, "cell outside the page"))
    }

    /// The rowid of cell `i` of a table page, without the rest of the cell.
    #[inline]
    pub fn rowid(&self, i: usize) -> Result<i64> {
        let at = self.cell_at(i);
        let rowid = if self.kind == NodeKind::TableLeaf {
            varint_at(self.bytes, at).and_then(|(_, next)| varint_at(self.bytes, next))
        } else {
            varint_at(self.bytes, at + 4)
        };
        match rowid {
            Some((rowid, _)) if at >= self.pointers_end() => Ok(rowid as i64),
            _ => Err(Error::corrupt(self.no.0, "cell outside the page")),
        }
    }

    /// The bytes of cell `i`, as they lie on the page.
    pub fn cell_bytes(&self, i: usize, geometry: &Geometry) -> Result<(&[u8], Cell)> {
        let cell = self.cell(i, geometry)?;
        let at = self.cell_at(i);
        match self.bytes.get(at..at + cell.size as usize) {
            Some(bytes) => Ok((bytes, cell)),
            None => Err(Error::corrupt(self.no.0, "cell outside the page")),
        }
    }
}

/// A table divider: left child and the largest rowid below it.
pub(crate) fn encode_table_divider(child: PageNo, rowid: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&child.0.to_be_bytes());
    varint::write(rowid as u64, out);
}
