//! Runs of leaves: what a scan of a table takes page by page, without going there.
//!
//! From one leaf to the next under the same parent a cursor lets a page go, takes another one, and reads an entry of it. A scan that
//! takes all entries of a page at once has no use for that: here the cursor goes from the first leaf of a run to the last.
//!
//! ```text
//!        parent  [.. c0 c1 c2 c3 ..]
//!                    |  |  |  |
//!   cursor stands at c0's last entry; c1, c2, c3 are taken; cursor stands at c3's last entry
//! ```
//! Only leaves that are resident, and all of whose entries are plain and whole: at any other one the run ends, and
//! [`BTreeCursor::take_page`] deals with it.

use super::cursor::{BTreeCursor, State};
use super::layout::{Node, NodeKind};
use super::page_rows::{Entries, PageRow};
use crate::page::PageRef;
use crate::pager::Pager;
use turso_error::Result;

/// Leaves whose entries are longer are not read from end to end when their places are taken: each entry would be waited for.
const LONG_ENTRY: usize = 256;
/// How many cache lines of an entry are fetched so.
const LINES: usize = 4;
/// How many entries ahead their starts are fetched; the headers of leaves twice as far, so that they have come by then.
const AHEAD: usize = 24;

impl BTreeCursor {
    /// Appends the entries of the leaves that follow under the same parent, at most `most` entries, and goes to the last of them. The
    /// pages are appended to `pages`, and the rows are numbered by their places there. Where rowids are wanted there is one for each
    /// row.
    ///
    /// The cursor stands on the last entry of a leaf, all of which has been taken. Nothing happens where no leaf can be taken so.
    pub fn take_leaves(
        &mut self,
        pager: &mut Pager,
        most: usize,
        pages: &mut Vec<PageRef>,
        rows: &mut Vec<PageRow>,
        mut rowids: Option<&mut Vec<i64>>,
    ) -> Result<()> {
        let Some(up) = self.depth.checked_sub(1) else { return Ok(()) };
        let leaf = &self.path[self.depth];
        let ready = self.table
            && self.state == State::Valid
            && self.path_ok
            && self.epoch == pager.change_epoch()
            && !self.unnoted
            && leaf.cell + 1 == leaf.count
            && !pager.reads_ahead();
        if !ready {
            return Ok(());
        }
        let (parent, usable) = (&self.path[up], self.geometry.usable);
        let node = parent.node(usable)?;
        let (mut taken, mut left) = (0, most);
        let entries = usize::from(leaf.count).max(1);
        let ahead = if entries * LONG_ENTRY <= usable { AHEAD.div_ceil(entries) } else { 0 };
        for child in usize::from(parent.cell) + 1..=usize::from(parent.count) {
            let no = node.child(child)?;
            if ahead > 0 {
                fetch_leaves(pager, &node, child, ahead);
            }
            let Ok(number) = u16::try_from(pages.len()) else { break };
            let Some(page) = pager.resident_page(no) else { break };
            let Ok(node) = Node::new(&page, no, usable) else { break };
            if node.kind != NodeKind::TableLeaf || node.count == 0 || node.count > left {
                break;
            }
            let entries = Entries::of(&node, self.geometry, number);
            if !entries.append(rows, rowids.as_deref_mut()) {
                break;
            }
            left -= node.count;
            taken += 1;
            pages.push(page);
        }
        if taken == 0 {
            return Ok(());
        }
        let child = self.path[up].cell + taken;
        self.path[up].cell = child;
        let no = self.path[up].node(usable)?.child(usize::from(child))?;
        let mut level = self.load_child(pager, no, self.depth)?;
        level.cell = level.count - 1;
        self.put_level(self.depth, level);
        self.arrive()
    }
}

/// Asks the memory for what will be looked at on the leaf `ahead` behind `child`, and on the one twice as far. Hints only: nothing is
/// checked.
fn fetch_leaves(pager: &Pager, parent: &Node<'_>, child: usize, ahead: usize) {
    let leaf = |distance: usize| {
        let child = child + distance;
        if child > parent.count { None } else { pager.resident(parent.child(child).ok()?) }
    };
    if let Some(further) = leaf(2 * ahead) {
        turso_simd::fetch_soon(further);
    }
    let Some(near) = leaf(ahead) else { return };
    if let Some([13, _, _, high, low]) = near.first_chunk() {
        let count = usize::from(u16::from_be_bytes([*high, *low])).min(near.len() / LONG_ENTRY);
        let pointers = near.get(8..8 + 2 * count).unwrap_or(&[]);
        let entries = pointers.as_chunks::<2>().0.iter().map(|at| usize::from(u16::from_be_bytes(*at)));
        entries.filter_map(|at| near.get(at..)).for_each(turso_simd::fetch_lines::<LINES>);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btree::{CursorKind, InsertHint, create_tree};

    /// Rowids and payloads' first bytes by runs of leaves, where they can be, and page by page.
    fn scan(pager: &mut Pager, cursor: &mut BTreeCursor, most: usize) -> (Vec<(i64, u8)>, usize) {
        let (mut all, mut runs) = (Vec::new(), 0);
        let mut there = cursor.first(pager).unwrap();
        while there {
            let (mut rows, mut rowids, mut pages) = (Vec::new(), Vec::new(), Vec::new());
            let taken = cursor.take_page(pager, false, most, 0, &mut rows, Some(&mut rowids)).unwrap();
            pages.push(taken.page);
            let before = rows.len();
            cursor.take_leaves(pager, most - before, &mut pages, &mut rows, Some(&mut rowids)).unwrap();
            runs += usize::from(rows.len() > before);
            assert_eq!(rows.len(), rowids.len());
            assert!(rows.len() <= most);
            for (row, rowid) in rows.iter().zip(&rowids) {
                all.push((*rowid, pages[usize::from(row.page)][row.start as usize]));
            }
            there = cursor.next(pager).unwrap();
        }
        (all, runs)
    }

    #[test]
    fn runs_of_leaves_give_the_rows_of_a_scan() {
        for long_every in [i64::MAX, 70] {
            let mut pager = Pager::temp(512);
            let root = create_tree(&mut pager, true).unwrap();
            let mut cursor = BTreeCursor::new(root, CursorKind::Table);
            for rowid in 1..=3000i64 {
                let len = if rowid % long_every == 0 { 2000 } else { 1 + rowid as usize % 150 };
                let payload = vec![rowid as u8; len];
                cursor.insert_row(&mut pager, rowid, payload.as_slice().into(), InsertHint::Seek).unwrap();
            }
            let expected: Vec<(i64, u8)> = (1..=3000).map(|rowid| (rowid, rowid as u8)).collect();
            for most in [1, 7, 100, 1024] {
                let (rows, runs) = scan(&mut pager, &mut cursor, most);
                assert_eq!(rows, expected, "{most} rows at a time");
                assert_eq!(runs > 0, most > 1, "{most} rows at a time");
            }
        }
    }

    #[test]
    fn a_run_goes_on_where_another_cursor_has_written() {
        let mut pager = Pager::temp(512);
        let root = create_tree(&mut pager, true).unwrap();
        let mut cursor = BTreeCursor::new(root, CursorKind::Table);
        for rowid in 1..=500i64 {
            cursor.insert_row(&mut pager, 2 * rowid, [7; 60].as_slice().into(), InsertHint::Seek).unwrap();
        }
        let mut other = BTreeCursor::new(root, CursorKind::Table);
        let (mut seen, mut there) = (Vec::new(), cursor.first(&mut pager).unwrap());
        while there {
            let (mut rows, mut rowids, mut pages) = (Vec::new(), Vec::new(), Vec::new());
            pages.push(cursor.take_page(&mut pager, false, 20, 0, &mut rows, Some(&mut rowids)).unwrap().page);
            // (Not behind the last row: the scan would never end.)
            let between = rowids.last().unwrap() | 1;
            if between < 1000 {
                other.insert_row(&mut pager, between, [8; 60].as_slice().into(), InsertHint::Seek).unwrap();
            }
            cursor.take_leaves(&mut pager, 20, &mut pages, &mut rows, Some(&mut rowids)).unwrap();
            seen.extend(rowids);
            there = cursor.next(&mut pager).unwrap();
        }
        assert!(seen.is_sorted());
        let even: Vec<i64> = seen.iter().copied().filter(|rowid| rowid % 2 == 0).collect();
        assert_eq!(even, (1..=500).map(|rowid| 2 * rowid).collect::<Vec<i64>>());
    }
}
