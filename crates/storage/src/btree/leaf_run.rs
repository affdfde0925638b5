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
//!
//! Memory is what such a scan waits for, so it is asked for each leaf's header, and then for its entries, some leaves before.

use super::cursor::{BTreeCursor, State};
use super::layout::{Node, NodeKind};
use super::page_rows::{Entries, PageRow};
use crate::page::PageRef;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// Leaves whose entries are longer are not read from end to end when their places are taken: each entry would be waited for.
const LONG_ENTRY: usize = 256;
/// How many cache lines of an entry are fetched so.
const LINES: usize = 4;
/// How many of the entries are fetched with which a run begins that [reads](Visit) them.
const FIRST_LINES: usize = 24;
/// How many entries ahead they are fetched; the headers of leaves twice as far, so that they have come by then. (Of 100,000 vectors,
/// two on a page: with 24 a search takes a tenth longer, with 4 a fifth.)
const AHEAD: usize = 10;
/// Places for all leaves that are looked at before they are taken, and the one in hand.
const RING: usize = 32;
const _: () = assert!(2 * AHEAD < RING);

/// Reads the entries of a leaf while others are fetched from memory, those that it is told of by itself. False where the scan does
/// not want them: they are dropped.
pub trait Visit: FnMut(&PageRef, &[PageRow], Soon<'_>) -> bool {}
impl<F: FnMut(&PageRef, &[PageRow], Soon<'_>) -> bool> Visit for F {}

impl BTreeCursor {
    /// Appends the entries of the leaves that follow under the same parent, at most `most` entries, and goes to the last of them. The
    /// pages are appended to `pages`, and the rows are numbered by their places there. Where rowids are wanted there is one for each
    /// row. `visit` sees each leaf and may drop it. How many entries have been taken, dropped ones among them.
    ///
    /// The cursor stands on the last entry of a leaf, all of which has been taken. Nothing happens where no leaf can be taken so.
    pub fn take_leaves(
        &mut self,
        pager: &mut Pager,
        most: usize,
        pages: &mut Vec<PageRef>,
        rows: &mut Vec<PageRow>,
        mut rowids: Option<&mut Vec<i64>>,
        mut visit: Option<impl Visit>,
    ) -> Result<usize> {
        let Some(up) = self.depth.checked_sub(1) else { return Ok(0) };
        let leaf = &self.path[self.depth];
        let ready = self.table
            && self.state == State::Valid
            && self.path_ok
            && self.epoch == pager.change_epoch()
            && !self.unnoted
            && leaf.cell + 1 == leaf.count
            && !pager.reads_ahead()
            && !pager.tracks_reads();
        if !ready {
            return Ok(0);
        }
        let (parent, usable) = (&self.path[up], self.geometry.usable);
        let node = parent.node(usable)?;
        let entries = usize::from(leaf.count).max(1);
        let ahead = if entries * LONG_ENTRY <= usable { AHEAD.div_ceil(entries) } else { 0 };
        let start = usize::from(parent.cell) + 1;
        let mut coming = Coming { pager, parent: &node, ahead, ring: [None; RING] };
        coming.begin(start, visit.is_some());
        let (mut taken, mut left) = (0, most);
        for child in start..=usize::from(parent.count) {
            let (page, soon) = coming.next(child, visit.is_none());
            let Some(page) = page else { break };
            let Ok(number) = u16::try_from(pages.len()) else { break };
            let Ok(leaf) = Node::new(page, page.no(), usable) else { break };
            if leaf.kind != NodeKind::TableLeaf || leaf.count == 0 || leaf.count > left {
                break;
            }
            let (first, entries) = (rows.len(), Entries::of(&leaf, self.geometry, number));
            // Rowids of what is dropped need not be read.
            let told = rowids.as_deref_mut().filter(|_| visit.is_none());
            if !entries.append(rows, told) {
                break;
            }
            left -= leaf.count;
            taken += 1;
            if let Some(visit) = &mut visit {
                let wanted = visit(page, rows.get(first..).unwrap_or(&[]), soon);
                if !wanted || rowids.is_some() {
                    rows.truncate(first);
                }
                if !wanted {
                    continue;
                }
                if let Some(rowids) = &mut rowids
                    && !entries.append(rows, Some(rowids))
                {
                    return Err(Error::corrupt(page.no().0, "cell outside the page"));
                }
            }
            pages.push(page.clone());
        }
        if taken == 0 {
            return Ok(0);
        }
        pager.count_hits(u64::from(taken));
        let child = self.path[up].cell + taken;
        self.path[up].cell = child;
        let no = self.path[up].node(usable)?.child(usize::from(child))?;
        let mut level = self.load_child(pager, no, self.depth)?;
        level.cell = level.count - 1;
        self.put_level(self.depth, level);
        self.arrive()?;
        Ok(most - left)
    }
}

/// The leaves that follow under one parent, each looked up once. What will be looked at on them is asked for from memory.
struct Coming<'p> {
    pager: &'p Pager,
    parent: &'p Node<'p>,
    /// How many leaves ahead entries are fetched; 0 where nothing is.
    ahead: usize,
    ring: [Option<&'p PageRef>; RING],
}

impl<'p> Coming<'p> {
    fn find(&self, child: usize) -> Option<&'p PageRef> {
        if child > self.parent.count { None } else { self.pager.resident_page(self.parent.child(child).ok()?) }
    }

    /// The run begins with this child. `visited`: its entries will be read; nobody else fetches the first ones.
    fn begin(&mut self, start: usize, visited: bool) {
        for child in start..start + 2 * self.ahead {
            let page = self.find(child);
            self.ring[child % RING] = page;
            if let Some(page) = page.filter(|_| visited && child < start + self.ahead) {
                Soon::of(page).fetch::<FIRST_LINES>();
            }
        }
    }

    /// The child, and the entries that should be fetched now; with `fetch` their first lines are.
    #[inline(always)]
    fn next(&mut self, child: usize, fetch: bool) -> (Option<&'p PageRef>, Soon<'p>) {
        let further = self.find(child + 2 * self.ahead);
        self.ring[(child + 2 * self.ahead) % RING] = further;
        let mut soon = Soon::default();
        if self.ahead > 0 {
            if let Some(further) = further {
                turso_simd::fetch_soon(further);
            }
            if let Some(near) = self.ring[(child + self.ahead) % RING] {
                soon = Soon::of(near);
            }
            if fetch {
                soon.fetch::<LINES>();
            }
        }
        (self.ring[child % RING], soon)
    }
}

/// Entries of a leaf that will be taken soon. Hints only: nothing is checked.
#[derive(Clone, Copy, Default)]
pub struct Soon<'p> {
    leaf: &'p [u8],
    pointers: &'p [[u8; 2]],
}

impl<'p> Soon<'p> {
    /// Those of a leaf whose header is here.
    #[inline(always)]
    fn of(leaf: &'p [u8]) -> Self {
        let Some([13, _, _, high, low]) = leaf.first_chunk() else { return Self::default() };
        let count = usize::from(u16::from_be_bytes([*high, *low])).min(leaf.len() / LONG_ENTRY);
        Self { leaf, pointers: leaf.get(8..8 + 2 * count).unwrap_or(&[]).as_chunks::<2>().0 }
    }

    /// What begins with an entry.
    #[inline(always)]
    pub fn entry(&self, i: usize) -> Option<&'p [u8]> {
        self.leaf.get(usize::from(u16::from_be_bytes(*self.pointers.get(i)?))..)
    }

    #[inline(always)]
    fn fetch<const LINES: usize>(&self) {
        (0..self.pointers.len()).filter_map(|i| self.entry(i)).for_each(turso_simd::fetch_lines::<LINES>);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btree::{CursorKind, InsertHint, create_tree};

    type Each = fn(&PageRef, &[PageRow], Soon<'_>) -> bool;
    const NOBODY: Option<Each> = None;

    /// Rowids and payloads' first bytes by runs of leaves, where they can be, and page by page.
    fn scan(pager: &mut Pager, cursor: &mut BTreeCursor, most: usize) -> (Vec<(i64, u8)>, usize) {
        let (mut all, mut runs) = (Vec::new(), 0);
        let mut there = cursor.first(pager).unwrap();
        while there {
            let (mut rows, mut rowids, mut pages) = (Vec::new(), Vec::new(), Vec::new());
            let taken = cursor.take_page(pager, false, most, 0, &mut rows, Some(&mut rowids)).unwrap();
            pages.push(taken.page);
            let before = rows.len();
            cursor.take_leaves(pager, most - before, &mut pages, &mut rows, Some(&mut rowids), NOBODY).unwrap();
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
            cursor.take_leaves(&mut pager, 20, &mut pages, &mut rows, Some(&mut rowids), NOBODY).unwrap();
            seen.extend(rowids);
            there = cursor.next(&mut pager).unwrap();
        }
        assert!(seen.is_sorted());
        let even: Vec<i64> = seen.iter().copied().filter(|rowid| rowid % 2 == 0).collect();
        assert_eq!(even, (1..=500).map(|rowid| 2 * rowid).collect::<Vec<i64>>());
    }
}
