//! Changing one page in place: allocating and freeing cell space, inserting and removing cells.
//!
//! Everything here works on page bytes and cannot fail. Whoever calls it has checked the page before, with [`fit`]
//! and [`can_remove`]: the checks belong to the gather phase, these functions to apply. Should a check have missed
//! damage, bytes end up in the wrong place on a page that was damaged anyway; nothing here panics.
//!
//! Space is found the way SQLite does it: first fit in the freeblocks while the page has few fragments, then the gap,
//! then the gap after defragmenting. Where the freeblocks alone make the gap large enough, what lies between them moves up as
//! it is, fragments included: that takes no look at the cells.

use super::layout::{Geometry, Node, be16, put16, put32};
use crate::page::PageNo;
use turso_error::{Error, Result};

/// A page may have this many fragmented bytes (file format: at most 60).
const MAX_FRAGMENTS: usize = 60;

/// More freeblocks than that are not closed one by one: the page is packed anew, cell by cell.
const MOST_BLOCKS: usize = 32;

/// Makes an empty page of the given kind byte. The bytes in front of `at` (database header) stay.
pub(crate) fn init(page: &mut [u8], at: usize, kind: u8, usable: usize) {
    if let Some(header) = page.get_mut(at..at + 12) {
        header.fill(0);
        header[0] = kind;
    }
    put16(page, at + 5, usable);
}

/// Whether a cell of `size` bytes can be inserted, and that inserting it cannot fail.
///
/// `freed` is the space of a cell that is removed just before, from the same page, with its pointer.
#[inline]
pub(crate) fn fits(node: &Node<'_>, size: usize, freed: usize, geometry: &Geometry) -> Result<bool> {
    // The common case decides on the header alone.
    if freed == 0 && be16(node.bytes, node.at + 1) == 0 && node.gap()? >= size + 2 {
        return Ok(true);
    }
    let free = node.free_bytes()?;
    if free + freed < size + 2 {
        return Ok(false);
    }
    let gap = node.gap()?;
    let block_serves = gap >= 2 && (size + 2 <= freed || (freed == 0 && block_for(node, size)));
    if gap < size + 2 && !block_serves {
        // Room has to be made: by closing the freeblocks, which what is removed before may join, or else by defragmenting.
        let fragments = usize::from(node.bytes[node.at + 7]);
        if free - fragments + freed >= size + 2 && blocks(node) < MOST_BLOCKS {
            return Ok(true);
        }
        // That relies on cells that do not overlap each other.
        let mut sum = 0;
        for i in 0..node.count {
            sum += node.cell_size(i, geometry)?;
        }
        if node.pointers_end() + sum + free > node.usable {
            return Err(Error::corrupt(node.no.0, "cells overlap each other or free space"));
        }
    }
    Ok(true)
}

/// True when first fit will find a freeblock for `size` bytes. The list has been checked.
fn block_for(node: &Node<'_>, size: usize) -> bool {
    let fragments = usize::from(node.bytes[node.at + 7]);
    let mut block = be16(node.bytes, node.at + 1);
    while block != 0 {
        let len = be16(node.bytes, block + 2);
        if len >= size {
            let rest = len - size;
            return rest >= 4 || fragments + rest <= MAX_FRAGMENTS - 3;
        }
        block = be16(node.bytes, block);
    }
    false
}

/// How many freeblocks there are. The list has been checked.
fn blocks(node: &Node<'_>) -> usize {
    let mut block = be16(node.bytes, node.at + 1);
    let mut count = 0;
    while block != 0 {
        count += 1;
        block = be16(node.bytes, block);
    }
    count
}

/// Checks that cell `i` (at `start`, `size` bytes) can be freed: it touches no freeblock and lies in the content area.
/// The bytes that are free before.
pub(crate) fn can_remove(node: &Node<'_>, start: usize, size: usize) -> Result<usize> {
    let content = node.content_start();
    if start < content || start + size > node.usable || content < node.pointers_end() {
        return Err(Error::corrupt(node.no.0, "cell outside the cell content area"));
    }
    let mut block = be16(node.bytes, node.at + 1);
    let mut low = content;
    let mut free = content - node.pointers_end() + usize::from(node.bytes[node.at + 7]);
    while block != 0 {
        let len = be16(node.bytes, block + 2);
        if block < low || len < 4 || block + len > node.usable {
            return Err(Error::corrupt(node.no.0, "freeblock out of order"));
        }
        if block < start + size && start < block + len {
            return Err(Error::corrupt(node.no.0, "cell overlaps a freeblock"));
        }
        free += len;
        low = block + len;
        block = be16(node.bytes, block);
    }
    if free + size > node.usable - node.pointers_end() {
        return Err(Error::corrupt(node.no.0, "more free bytes than the page has"));
    }
    Ok(free)
}

/// Whether the cell at `start` can be written over by one of `new` bytes, fewer than its `size`: what it leaves becomes
/// fragments, of which a page has only so many, or a freeblock.
pub(crate) fn can_shrink(node: &Node<'_>, start: usize, size: usize, new: usize) -> Result<bool> {
    let rest = size - new;
    if rest < 4 {
        return Ok(usize::from(node.bytes[node.at + 7]) + rest <= MAX_FRAGMENTS - 3 && start + size <= node.usable);
    }
    can_remove(node, start, size).map(|_| true)
}

/// A page being edited: its bytes and the facts that do not change meanwhile.
pub(crate) struct PageEdit<'a> {
    pub bytes: &'a mut [u8],
    pub at: usize,
    /// Offset of the first cell pointer.
    pub pointers: usize,
    pub count: usize,
    pub usable: usize,
}

impl<'a> PageEdit<'a> {
    /// A page whose header [`Node::new`] has accepted.
    #[inline]
    pub fn new(bytes: &'a mut [u8], no: PageNo, usable: usize) -> Self {
        let at = super::layout::header_at(no);
        let leaf = bytes.get(at).is_some_and(|b| b & 8 != 0);
        let count = be16(bytes, at + 3);
        PageEdit { bytes, at, pointers: at + if leaf { 8 } else { 12 }, count, usable }
    }

    #[inline(always)]
    fn content_start(&self) -> usize {
        match be16(self.bytes, self.at + 5) {
            0 => 65536,
            n => n,
        }
    }

    #[inline(always)]
    fn cell_at(&self, i: usize) -> usize {
        be16(self.bytes, self.pointers + 2 * i)
    }

    #[inline(always)]
    fn set_count(&mut self, count: usize) {
        self.count = count;
        put16(self.bytes, self.at + 3, count);
    }

    /// Sets the right-most child of an interior page.
    pub fn set_right_child(&mut self, child: PageNo) {
        put32(self.bytes, self.at + 8, child.0);
    }

    /// Sets child `i` of an interior page; `i == count` is the right-most one.
    pub fn set_child(&mut self, i: usize, child: PageNo) {
        if i >= self.count {
            self.set_right_child(child);
        } else {
            let at = self.cell_at(i);
            put32(self.bytes, at, child.0);
        }
    }

    /// Reserves room for a cell of `size` bytes and makes it cell `i`; the offset of the room.
    #[inline]
    fn open_cell(&mut self, i: usize, size: usize, geometry: &Geometry, scratch: &mut Vec<u8>) -> usize {
        let start = self.allocate(size, geometry, scratch);
        let from = self.pointers + 2 * i;
        let to = self.pointers + 2 * self.count;
        if from <= to && to + 2 <= self.bytes.len() {
            self.bytes.copy_within(from..to, from + 2);
        }
        put16(self.bytes, from, start);
        self.set_count(self.count + 1);
        start
    }

    /// Inserts a cell as number `i`. [`fits`] has said yes.
    #[inline]
    pub fn insert(&mut self, i: usize, cell: &[u8], geometry: &Geometry, scratch: &mut Vec<u8>) {
        self.insert_parts(i, &[cell], cell.len(), geometry, scratch);
    }

    /// Inserts a cell given in parts (head, payload, overflow page), `size` bytes in all before padding. Its offset.
    #[inline]
    pub fn insert_parts(
        &mut self,
        i: usize,
        parts: &[&[u8]],
        size: usize,
        geometry: &Geometry,
        scratch: &mut Vec<u8>,
    ) -> usize {
        let start = self.open_cell(i, size.max(4), geometry, scratch);
        let mut to = start;
        for part in parts {
            if let Some(room) = self.bytes.get_mut(to..to + part.len()) {
                room.copy_from_slice(part);
            }
            to += part.len();
        }
        while to < start + 4 {
            if let Some(byte) = self.bytes.get_mut(to) {
                *byte = 0;
            }
            to += 1;
        }
        start
    }

    /// Writes a cell of `new` bytes, given in parts, over the one at `start` of `size` bytes. [`can_shrink`] has said yes, or
    /// they are equally long.
    pub fn shrink(&mut self, start: usize, size: usize, new: usize, parts: &[&[u8]]) {
        let Some(cell) = self.bytes.get_mut(start..start + size) else { return };
        let mut to = 0;
        for part in parts {
            if let Some(room) = cell.get_mut(to..to + part.len()) {
                room.copy_from_slice(part);
            }
            to += part.len();
        }
        if let Some(rest) = cell.get_mut(to..) {
            rest.fill(0);
        }
        match size - new {
            0 => {}
            rest @ 1..4 => self.bytes[self.at + 7] += rest as u8,
            rest => self.free(start + new, rest),
        }
    }

    /// Removes cell `i` of `size` bytes. [`can_remove`] has accepted it.
    pub fn remove(&mut self, i: usize, size: usize) {
        let start = self.cell_at(i);
        if let Some(cell) = self.bytes.get_mut(start..start + size) {
            // What is deleted is gone from the page (`secure_delete`), for next to nothing.
            cell.fill(0);
        }
        let from = self.pointers + 2 * (i + 1);
        let to = self.pointers + 2 * self.count;
        if from <= to && to <= self.bytes.len() {
            self.bytes.copy_within(from..to, from - 2);
        }
        self.set_count(self.count.saturating_sub(1));
        if self.count == 0 {
            // An empty page has one free area: the gap.
            put16(self.bytes, self.at + 1, 0);
            put16(self.bytes, self.at + 5, self.usable);
            if let Some(byte) = self.bytes.get_mut(self.at + 7) {
                *byte = 0;
            }
        } else {
            self.free(start, size);
        }
    }

    /// Finds `size` bytes of cell space, with two more for the pointer left in the gap.
    #[inline]
    fn allocate(&mut self, size: usize, geometry: &Geometry, scratch: &mut Vec<u8>) -> usize {
        let mut gap_end = self.content_start();
        let gap_start = self.pointers + 2 * self.count;
        if be16(self.bytes, self.at + 1) != 0
            && gap_start + 2 <= gap_end
            && let Some(start) = self.allocate_block(size)
        {
            return start;
        }
        if gap_start + 2 + size > gap_end {
            if !self.close_blocks(size) {
                self.defragment(geometry, scratch);
            }
            gap_end = self.content_start();
        }
        let start = gap_end.saturating_sub(size);
        put16(self.bytes, self.at + 5, start);
        start
    }

    /// First fit in the freeblock list.
    fn allocate_block(&mut self, size: usize) -> Option<usize> {
        let mut link = self.at + 1;
        let mut block = be16(self.bytes, link);
        while block > link && block + 4 <= self.usable {
            let len = be16(self.bytes, block + 2);
            if len >= size {
                let rest = len - size;
                if rest < 4 {
                    // The rest is too small for a block: it becomes fragments, of which a page has only so many.
                    let fragments = usize::from(self.bytes[self.at + 7]);
                    if fragments + rest > MAX_FRAGMENTS - 3 {
                        return None;
                    }
                    let next = be16(self.bytes, block);
                    put16(self.bytes, link, next);
                    self.bytes[self.at + 7] = (fragments + rest) as u8;
                    return Some(block);
                }
                put16(self.bytes, block + 2, rest);
                return Some(block + rest);
            }
            link = block;
            block = be16(self.bytes, block);
        }
        None
    }

    /// Gives `size` bytes at `start` back: joins neighbours and the gap, swallowing the fragments between them.
    fn free(&mut self, start: usize, size: usize) {
        let mut link = self.at + 1;
        let mut next = be16(self.bytes, link);
        while next != 0 && next < start {
            if next <= link && link != self.at + 1 {
                return; // A cycle: the page is damaged and was so before.
            }
            link = next;
            next = be16(self.bytes, link);
        }
        let (mut start, mut end) = (start, start + size);
        let mut swallowed = 0;
        // Fewer than four bytes between two free areas can only be fragments.
        if next != 0 && end + 3 >= next {
            swallowed += next.saturating_sub(end);
            end = next + be16(self.bytes, next + 2);
            next = be16(self.bytes, next);
        }
        if link != self.at + 1 {
            let link_end = link + be16(self.bytes, link + 2);
            if link_end + 3 >= start {
                swallowed += start.saturating_sub(link_end);
                start = link;
            }
        }
        if let Some(byte) = self.bytes.get_mut(self.at + 7) {
            *byte = byte.saturating_sub(swallowed as u8);
        }
        let content = self.content_start();
        if start <= content {
            // It borders on the gap: no block, the content area shrinks.
            put16(self.bytes, self.at + 1, next);
            put16(self.bytes, self.at + 5, end);
            return;
        }
        if start != link {
            put16(self.bytes, link, start);
        }
        put16(self.bytes, start, next);
        put16(self.bytes, start + 2, end - start);
    }

    /// Moves what lies between the freeblocks up, so that their space is in the gap. False, and nothing is moved, where that does
    /// not make room for a cell of `size` bytes and its pointer.
    #[cold]
    fn close_blocks(&mut self, size: usize) -> bool {
        let (mut starts, mut lens) = ([0_u16; MOST_BLOCKS], [0_u16; MOST_BLOCKS]);
        let content = self.content_start();
        let (mut count, mut total, mut low) = (0, 0, content);
        let mut block = be16(self.bytes, self.at + 1);
        while block != 0 {
            let len = be16(self.bytes, block + 2);
            if count == MOST_BLOCKS || block < low || len < 4 || block + len > self.usable {
                return false;
            }
            (starts[count], lens[count]) = (block as u16, len as u16);
            count += 1;
            total += len;
            low = block + len;
            block = be16(self.bytes, block);
        }
        let pointers_end = self.pointers + 2 * self.count;
        if content.saturating_sub(pointers_end) + total < size + 2 {
            return false;
        }
        // From the last block down: each stretch moves by the lengths of all blocks behind it.
        let mut shift = 0;
        for i in (0..count).rev() {
            shift += usize::from(lens[i]);
            let from = if i == 0 { content } else { usize::from(starts[i - 1]) + usize::from(lens[i - 1]) };
            self.bytes.copy_within(from..usize::from(starts[i]), from + shift);
        }
        if let Some(vacated) = self.bytes.get_mut(content..content + total) {
            vacated.fill(0);
        }
        let pointers = self.bytes.get_mut(self.pointers..pointers_end).unwrap_or_default();
        for pointer in pointers.as_chunks_mut::<2>().0 {
            let at = u16::from_be_bytes(*pointer);
            // No early end: in this form it is done for many blocks at once.
            let behind = starts.iter().zip(&lens).map(|(start, len)| if *start > at { *len } else { 0 });
            *pointer = behind.fold(at, u16::wrapping_add).to_be_bytes();
        }
        put16(self.bytes, self.at + 1, 0);
        put16(self.bytes, self.at + 5, content + total);
        true
    }

    /// Moves all cells to the end of the page, so that all free space is in the gap.
    #[cold]
    pub fn defragment(&mut self, geometry: &Geometry, scratch: &mut Vec<u8>) {
        scratch.clear();
        scratch.extend_from_slice(self.bytes);
        let Some(kind) = super::layout::NodeKind::from_byte(scratch[self.at]) else { return };
        let mut end = self.usable;
        for i in 0..self.count {
            let at = be16(scratch, self.pointers + 2 * i);
            let Some(size) = super::cell::size_at(kind, scratch, at, geometry) else { continue };
            let Some(start) = end.checked_sub(size) else { continue };
            if let (Some(to), Some(from)) = (self.bytes.get_mut(start..end), scratch.get(at..at + size)) {
                to.copy_from_slice(from);
            }
            put16(self.bytes, self.pointers + 2 * i, start);
            end = start;
        }
        put16(self.bytes, self.at + 1, 0);
        put16(self.bytes, self.at + 5, end);
        self.bytes[self.at + 7] = 0;
        if let Some(gap) = self.bytes.get_mut(self.pointers + 2 * self.count..end) {
            gap.fill(0);
        }
    }
}

/// Fills an empty page image with cells in order, packed at its end. The caller knows that they fit.
pub(crate) fn fill<'c>(
    page: &mut [u8],
    no: PageNo,
    kind: super::layout::NodeKind,
    usable: usize,
    cells: impl Iterator<Item = &'c [u8]>,
) {
    let at = super::layout::header_at(no);
    init(page, at, kind as u8, usable);
    let mut pointer = at + kind.header_size();
    let mut end = usable;
    let mut count = 0;
    for cell in cells {
        let start = end.saturating_sub(cell.len());
        if let Some(room) = page.get_mut(start..end)
            && room.len() == cell.len()
        {
            room.copy_from_slice(cell);
        }
        put16(page, pointer, start);
        pointer += 2;
        end = start;
        count += 1;
    }
    put16(page, at + 3, count);
    put16(page, at + 5, end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btree::layout::NodeKind;

    /// A leaf of an index with cells of these sizes, each filled with its number, without every second one.
    fn page_with_holes(sizes: &[usize]) -> (Vec<u8>, Geometry) {
        let geometry = Geometry::new(512);
        let mut page = vec![0; 512];
        init(&mut page, 0, NodeKind::IndexLeaf as u8, 512);
        let mut scratch = Vec::new();
        for (i, size) in sizes.iter().enumerate() {
            let mut cell = vec![i as u8; *size];
            cell[0] = (*size - 1) as u8;
            PageEdit::new(&mut page, PageNo(2), 512).insert(i, &cell, &geometry, &mut scratch);
        }
        for i in (0..sizes.len()).rev().filter(|i| i % 2 == 1) {
            PageEdit::new(&mut page, PageNo(2), 512).remove(i, sizes[i]);
        }
        (page, geometry)
    }

    fn cells(page: &[u8], geometry: &Geometry) -> Vec<Vec<u8>> {
        let node = Node::new(page, PageNo(2), 512).unwrap();
        (0..node.count).map(|i| node.cell_bytes(i, geometry).unwrap().0.to_vec()).collect()
    }

    #[test]
    fn closing_the_freeblocks_keeps_the_cells_and_makes_their_space_the_gap() {
        let (mut page, geometry) = page_with_holes(&[30, 41, 52, 27, 38, 49, 60, 33, 44, 55]);
        let before = cells(&page, &geometry);
        let node = Node::new(&page, PageNo(2), 512).unwrap();
        let (content, free) = (node.content_start(), node.free_bytes().unwrap());
        assert!(!PageEdit::new(&mut page, PageNo(2), 512).close_blocks(free - 1), "no room for a pointer");
        assert!(PageEdit::new(&mut page, PageNo(2), 512).close_blocks(free - 2));
        assert_eq!(cells(&page, &geometry), before);
        let node = Node::new(&page, PageNo(2), 512).unwrap();
        assert_eq!((node.gap().unwrap(), be16(&page, 1)), (free, 0));
        assert!(page[content..node.content_start()].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_cell_goes_where_the_freeblocks_together_have_room_for_it() {
        let (mut page, geometry) = page_with_holes(&[30, 41, 52, 27, 38, 49, 60, 33, 100]);
        let before = cells(&page, &geometry);
        let node = Node::new(&page, PageNo(2), 512).unwrap();
        let size = 95;
        assert!(node.gap().unwrap() < size && fits(&node, size, 0, &geometry).unwrap());
        let mut cell = vec![0xee; size];
        cell[0] = (size - 1) as u8;
        PageEdit::new(&mut page, PageNo(2), 512).insert(2, &cell, &geometry, &mut Vec::new());
        let mut expected = before;
        expected.insert(2, cell);
        assert_eq!(cells(&page, &geometry), expected);
    }
}
