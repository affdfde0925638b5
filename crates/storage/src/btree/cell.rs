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
    let (cell, payload_len) = parse(kind, bytes, at, geometry, u64::MAX)?;
    if payload_len > MAX_PAYLOAD { None } else { Some(cell) }
}

/// As [`parse_at`], for whoever looks for damage: of a payload size that no payload has, the low 32 bits count, as SQLite takes them.
pub(crate) fn parse_any_size(kind: NodeKind, bytes: &[u8], at: usize, geometry: &Geometry) -> Option<Cell> {
    parse(kind, bytes, at, geometry, u64::from(u32::MAX)).map(|(cell, _)| cell)
}

/// The cell, and the size of its payload, of which the bits in `mask` count.
#[inline(always)]
fn parse(kind: NodeKind, bytes: &[u8], at: usize, geometry: &Geometry, mask: u64) -> Option<(Cell, u64)> {
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
            return Some((cell, 0));
        }
        NodeKind::IndexLeaf => varint_at(bytes, at)?,
        NodeKind::IndexInterior => varint_at(bytes, at + 4)?,
    };
    let whole = payload_len & mask;
    if whole > u64::from(u32::MAX) {
        return None;
    }
    let payload_len = whole as usize;
    let local = geometry.local(kind == NodeKind::TableLeaf, payload_len);
    let end = start + local + if local < payload_len { 4 } else { 0 };
    if end > usable {
        return None;
    }
    cell.payload_len = payload_len as u32;
    cell.local_len = local as u32;
    cell.payload_at = start as u32;
    cell.size = ((end - at) as u32).max(4);
    Some((cell, whole))
}

/// The size of the cell that starts at `at`, as [`parse_at`] has it.
#[inline]
pub(crate) fn size_at(kind: NodeKind, bytes: &[u8], at: usize, geometry: &Geometry) -> Option<usize> {
    // Short entries of an index: the whole head is one byte.
    if kind == NodeKind::IndexLeaf
        && let Some(len) = bytes.get(at).map(|len| usize::from(*len)).filter(|len| *len < 0x80)
        && len <= geometry.max_index
        && at + 1 + len <= geometry.usable
    {
        return Some((1 + len).max(4));
    }
    if kind == NodeKind::TableLeaf
        && let Some(cell) = parse_short_row(bytes, at, geometry)
    {
        return Some(cell.size as usize);
    }
    parse_at(kind, bytes, at, geometry).map(|cell| cell.size as usize)
}

/// Seven bits of each byte of a varint of up to eight bytes, which stands at the start of a word; and its length.
#[inline(always)]
fn varint_in(word: u64) -> Option<(u64, usize)> {
    // The first byte without its high bit is the varint's last.
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return None;
    }
    let bits = ends.leading_zeros() + 8;
    let mut value = word >> (64 - bits) & 0x7f7f_7f7f_7f7f_7f7f;
    // Brought together: pairs, fours, eights.
    value = (value & 0x007f_007f_007f_007f) | (value & 0x7f00_7f00_7f00_7f00) >> 1;
    value = (value & 0x0000_3fff_0000_3fff) | (value & 0x3fff_0000_3fff_0000) >> 2;
    value = (value & 0x0000_0000_0fff_ffff) | (value & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, (bits / 8) as usize))
}

/// The eight bytes at `at`; where the page ends before, what it has of them, then bytes that end no varint.
#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    if let Some(word) = bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        return Some(u64::from_be_bytes(*word));
    }
    // The first cell of an interior page stands at the page's end.
    let word = u64::from_be_bytes(*bytes.last_chunk()?);
    let missing = at + 8 - bytes.len();
    if missing >= 8 { None } else { Some(word << (8 * missing) | ((1 << (8 * missing)) - 1)) }
}

/// The usual start of a cell of a table leaf: payload length in one or two bytes, and how many; rowid in up to eight
/// bytes, and how many. `None` for all others.
#[inline(always)]
fn short_head(bytes: &[u8], at: usize) -> Option<(usize, usize, u64, usize)> {
    let head: &[u8; 10] = bytes.get(at..)?.first_chunk()?;
    let (payload_len, used) = if head[0] < 0x80 {
        (usize::from(head[0]), 1)
    } else if head[1] < 0x80 {
        (usize::from(head[0] & 0x7f) << 7 | usize::from(head[1]), 2)
    } else {
        return None;
    };
    let word = if used == 1 {
        u64::from_be_bytes([head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8]])
    } else {
        u64::from_be_bytes([head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9]])
    };
    let (rowid, rowid_len) = varint_in(word)?;
    Some((payload_len, used, rowid, rowid_len))
}

/// Parses a cell of a table leaf that is of the usual shape: a payload that lies on the page entirely, its length in one or
/// two bytes, and a rowid of up to eight. `None` for all others: [`parse_at`] decides about them.
///
/// Steps of a scan come here, so it looks at the bytes in front of the payload at once instead of one by one.
#[inline(always)]
pub(crate) fn parse_short_row(bytes: &[u8], at: usize, geometry: &Geometry) -> Option<Cell> {
    let (payload_len, used, rowid, rowid_len) = short_head(bytes, at)?;
    let payload_at = at + used + rowid_len;
    let end = payload_at + payload_len;
    if payload_len > geometry.max_leaf || end > geometry.usable {
        return None;
    }
    Some(Cell {
        rowid: rowid as i64,
        payload_len: payload_len as u32,
        local_len: payload_len as u32,
        payload_at: payload_at as u32,
        size: ((end - at) as u32).max(4),
    })
}

impl Node<'_> {
    /// Parses cell `i`.
    #[inline]
    pub fn cell(&self, i: usize, geometry: &Geometry) -> Result<Cell> {
        let at = self.cell_at(i);
        if at >= self.pointers_end()
            && i < self.count
            && let Some(cell) = parse_at(self.kind, self.bytes, at, geometry)
            && at + cell.size as usize <= self.usable
        {
            return Ok(cell);
        }
        Err(Error::corrupt(self.no.0, "cell outside the page"))
    }

    /// Parses cell `i` for whoever only reads it, wherever its pointer leads ([`Node::cell_anywhere`]).
    #[inline]
    pub fn cell_to_read(&self, i: usize, geometry: &Geometry) -> Result<Cell> {
        let at = self.cell_at(i);
        let at = if at >= self.pointers_end() && at < self.usable { at } else { self.cell_anywhere(i) };
        match parse_at(self.kind, self.bytes, at, geometry) {
            Some(cell) => Ok(cell),
            None => Err(Error::corrupt(self.no.0, "cell outside the page")),
        }
    }

    /// The size of cell `i`.
    #[inline]
    pub fn cell_size(&self, i: usize, geometry: &Geometry) -> Result<usize> {
        let at = self.cell_at(i);
        match size_at(self.kind, self.bytes, at, geometry) {
            Some(size) if at >= self.pointers_end() && at + size <= self.usable => Ok(size),
            _ => Err(Error::corrupt(self.no.0, "cell outside the page")),
        }
    }

    /// The rowid of cell `i` of a table page, without the rest of the cell.
    #[inline(always)]
    pub fn rowid(&self, i: usize) -> Result<i64> {
        let at = self.cell_at(i);
        if at >= self.pointers_end() {
            let short = if self.kind == NodeKind::TableLeaf {
                short_head(self.bytes, at).map(|(_, _, rowid, _)| rowid)
            } else {
                word_at(self.bytes, at + 4).and_then(varint_in).map(|(rowid, _)| rowid)
            };
            if let Some(rowid) = short {
                return Ok(rowid as i64);
            }
        }
        self.rowid_long(i)
    }

    #[cold]
    fn rowid_long(&self, i: usize) -> Result<i64> {
        let at = self.cell_anywhere(i);
        let rowid = if self.kind == NodeKind::TableLeaf {
            varint_at(self.bytes, at).and_then(|(_, next)| varint_at(self.bytes, next))
        } else {
            varint_at(self.bytes, at + 4)
        };
        match rowid {
            Some((rowid, _)) => Ok(rowid as i64),
            None => Err(Error::corrupt(self.no.0, "cell outside the page")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_at_the_end_of_the_page_are_read_whole_or_not_at_all() {
        for value in (0..56).map(|bit| 1u64 << bit) {
            let mut page = vec![0xff; 32];
            varint::write(value, &mut page);
            let at = 32;
            assert_eq!(word_at(&page, at).and_then(varint_in), Some((value, page.len() - at)));
            page.pop();
            assert_eq!(word_at(&page, at).and_then(varint_in), None);
            assert_eq!(word_at(&page, page.len()), None);
        }
    }

    #[test]
    fn short_rows_parse_as_all_rows_do() {
        let geometry = Geometry::new(4096);
        for payload_len in [0u64, 1, 2, 127, 128, 300, 4000, 4061, 4062, 70_000] {
            for rowid in (0..64).flat_map(|bit| [1i64 << bit, (1i64 << bit).wrapping_sub(1), -1 << bit]) {
                let mut cell = Vec::new();
                varint::write(payload_len, &mut cell);
                varint::write(rowid as u64, &mut cell);
                for at in [0usize, 10, 4096 - cell.len() - (payload_len as usize).min(4000)] {
                    let mut page = vec![0u8; 4096];
                    let Some(place) = page.get_mut(at..at + cell.len()) else { continue };
                    place.copy_from_slice(&cell);
                    let slow = parse_at(NodeKind::TableLeaf, &page, at, &geometry);
                    if let Some(fast) = parse_short_row(&page, at, &geometry) {
                        assert_eq!(Some(fast), slow, "{payload_len} {rowid} at {at}");
                    } else {
                        let usual = payload_len <= 4061 && (0..1 << 56).contains(&rowid) && at < 4000;
                        assert!(!usual || slow.is_none(), "{payload_len} {rowid} at {at}");
                    }
                }
            }
        }
    }
}
