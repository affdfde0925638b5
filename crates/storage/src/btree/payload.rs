//! Reading payloads: the local part, and overflow chains page by page.
//!
//! A chain is a list of pages, each with the number of the next one in its first four bytes (0 at the end) and payload
//! behind it. The cursor remembers the page numbers that it has learned, so a second read of a long value, or the
//! continuation of a pending one, goes straight to the page it needs.

use super::cell::Cell;
use super::cursor::BTreeCursor;
use super::insert::Payload;
use super::layout::{Geometry, be32};
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// The overflow pages of an entry that is about to go, collected over as many attempts as it takes.
#[derive(Default)]
pub(crate) struct ChainWalk {
    /// The chain's first page: tells whether an unfinished walk belongs to this operation.
    pub first: PageNo,
    /// The pages in order, as far as they are known.
    pub pages: Vec<PageNo>,
    /// The change epoch of the walk: after a change it starts over.
    pub epoch: u64,
}

impl ChainWalk {
    /// Collects the pages of an entry's chain, going on where a pending walk of the same chain stopped. Holds one page at
    /// a time.
    pub fn collect(&mut self, pager: &mut Pager, first: PageNo, cell: &Cell, geometry: &Geometry) -> Result<()> {
        check_length(pager, cell, geometry)?;
        if self.first != first || self.pages.is_empty() || self.epoch != pager.change_epoch() {
            self.first = first;
            self.epoch = pager.change_epoch();
            self.pages.clear();
            if first.0 < 2 || first.0 > pager.page_count() {
                return Err(Error::corrupt(first.0, "overflow page number past the end"));
            }
            self.pages.push(first);
        }
        extend_chain(pager, &mut self.pages, chain_len(cell, geometry))
    }
}

/// How many overflow pages a payload needs.
pub(crate) fn chain_len(cell: &Cell, geometry: &Geometry) -> usize {
    ((cell.payload_len - cell.local_len) as usize).div_ceil(geometry.overflow_size())
}

/// A payload cannot be longer than the file that holds it: this bounds what a damaged length can make us allocate.
pub(crate) fn check_length(pager: &Pager, cell: &Cell, geometry: &Geometry) -> Result<()> {
    if chain_len(cell, geometry) > pager.page_count() as usize {
        return Err(Error::corrupt(0, "payload longer than the file"));
    }
    Ok(())
}

/// Extends `pages`, which begins with the chain's first page, until it has `want` pages.
fn extend_chain(pager: &mut Pager, pages: &mut Vec<PageNo>, want: usize) -> Result<()> {
    while pages.len() < want {
        let Some(&last) = pages.last() else { break };
        let page = pager.page(last)?;
        let next = PageNo(be32(&page, 0));
        if next.0 == 0 || next.0 > pager.page_count() {
            return Err(Error::corrupt(last.0, "overflow chain ends too early"));
        }
        pages.push(next);
    }
    Ok(())
}

/// Appends a whole payload to `out`. Starts from the beginning; for keys, which are short.
pub(crate) fn read_whole(
    pager: &mut Pager,
    page: &[u8],
    cell: &Cell,
    geometry: &Geometry,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(cell.local(page));
    if cell.overflows() {
        check_length(pager, cell, geometry)?;
        let mut left = (cell.payload_len - cell.local_len) as usize;
        let mut next = cell.first_overflow(page);
        while left > 0 {
            let page = pager.page(next)?;
            let take = left.min(geometry.overflow_size());
            out.extend_from_slice(&page[4..4 + take]);
            left -= take;
            next = PageNo(be32(&page, 0));
        }
    }
    Ok(())
}

impl BTreeCursor {
    /// Appends bytes `offset..offset + len` of the current payload to `out`, continuing behind what `out` holds.
    ///
    /// `out` starts empty. A pending read leaves in it what has arrived; calling again with the same arguments and the
    /// same `out` goes on from there. A range past the end of the payload is an error.
    pub fn read_payload(&mut self, pager: &mut Pager, offset: u32, len: u32, out: &mut Vec<u8>) -> Result<()> {
        let Some(page) = self.path[self.depth].page.clone() else {
            return Err(Error::corrupt(self.root.0, "payload of no entry"));
        };
        let cell = self.cell;
        let end = u64::from(offset) + u64::from(len);
        if end > u64::from(cell.payload_len) {
            return Err(Error::corrupt(page.no().0, "read past the end of the payload"));
        }
        let (end, local) = (end as usize, cell.local_len as usize);
        let mut at = offset as usize + out.len();
        if at < end && at < local {
            let until = end.min(local);
            out.extend_from_slice(cell.local(&page).get(at..until).unwrap_or(&[]));
            at = until;
        }
        if at >= end {
            return Ok(());
        }
        check_length(pager, &cell, &self.geometry)?;
        out.reserve(end - at);
        if self.chain.is_empty() {
            self.chain.push(cell.first_overflow(&page));
        }
        drop(page);
        let size = self.geometry.overflow_size();
        while at < end {
            let index = (at - local) / size;
            let skip = (at - local) % size;
            extend_chain(pager, &mut self.chain, index + 1)?;
            let page = pager.page(self.chain[index])?;
            let take = (size - skip).min(end - at);
            out.extend_from_slice(&page[4 + skip..4 + skip + take]);
            at += take;
        }
        Ok(())
    }

    /// The whole current payload: straight from the page, or from a buffer of the cursor if it overflows.
    ///
    /// Pending reads go on where they stopped. The buffer lives until the cursor is used otherwise.
    pub fn full_payload(&mut self, pager: &mut Pager) -> Result<&[u8]> {
        if !self.cell.overflows() {
            return Ok(self.local_payload());
        }
        // What the buffer holds belongs to this entry only while the chain does.
        if self.chain.is_empty() {
            self.payload.clear();
        }
        let mut payload = std::mem::take(&mut self.payload);
        let read = self.read_payload(pager, 0, self.cell.payload_len, &mut payload);
        self.payload = payload;
        read?;
        Ok(&self.payload)
    }

    /// Overwrites bytes of the current payload in place, as incremental blob writes do: its length stays, and the range
    /// must lie within it. All pages of the range are gathered before the first one changes.
    pub fn overwrite_payload(&mut self, pager: &mut Pager, offset: u32, bytes: &[u8]) -> Result<()> {
        self.settle(pager)?;
        let cell = self.cell;
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if !self.is_valid() || end > cell.payload_len as usize {
            return Err(Error::corrupt(self.root.0, "write past the end of the payload"));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let logged = if pager.is_tapped() { Some(self.full_payload(pager)?.to_vec()) } else { None };
        let (local, size) = (cell.local_len as usize, self.geometry.overflow_size());
        let level_no = self.path[self.depth].no;
        self.pin_leaf(pager)?;
        let level = &self.path[self.depth];
        if level.node(self.geometry.usable)?.cell_at(usize::from(level.cell))
            < usize::from(level.pointers) + 2 * usize::from(level.count)
        {
            return Err(Error::corrupt(level_no.0, "cell outside the page"));
        }
        if end > local {
            check_length(pager, &cell, &self.geometry)?;
            if self.chain.is_empty() {
                let Some(page) = &self.path[self.depth].page else {
                    return Err(Error::corrupt(level_no.0, "path without page"));
                };
                self.chain.push(cell.first_overflow(page));
            }
            extend_chain(pager, &mut self.chain, (end - 1 - local) / size + 1)?;
            for index in start.saturating_sub(local) / size..=(end - 1 - local) / size {
                if self.chain[index].0 < 2 || self.chain[index] == level_no {
                    return Err(Error::corrupt(level_no.0, "overflow chain leads back to the tree"));
                }
                pager.page(self.chain[index])?;
            }
        }
        let mut rest = bytes;
        let mut at = start;
        if at < local {
            let (now, later) = rest.split_at(rest.len().min(local - at));
            let level = &mut self.path[self.depth];
            level.page = None;
            let from = cell.payload_at as usize + at;
            if let Some(room) = pager.edit(level_no).get_mut(from..from + now.len()) {
                room.copy_from_slice(now);
            }
            level.page = pager.page(level_no).ok();
            at += now.len();
            rest = later;
        }
        while !rest.is_empty() {
            let (index, skip) = ((at - local) / size, (at - local) % size);
            let (now, later) = rest.split_at(rest.len().min(size - skip));
            if let Some(room) = pager.edit(self.chain[index]).get_mut(4 + skip..4 + skip + now.len()) {
                room.copy_from_slice(now);
            }
            at += now.len();
            rest = later;
        }
        self.payload.clear();
        self.epoch = pager.change_epoch();
        if let Some(mut record) = logged {
            record[start..end].copy_from_slice(bytes);
            let rowid = self.table.then_some(cell.rowid);
            pager.tap_put(self.root, rowid, Payload::from(record.as_slice()));
        }
        Ok(())
    }

    /// Collects the pages of the current entry's overflow chain in `walk`, for freeing them. Holds one page at a time.
    pub(crate) fn walk_chain(&mut self, pager: &mut Pager, first: PageNo, cell: &Cell) -> Result<()> {
        self.walk.collect(pager, first, cell, &self.geometry)
    }
}
