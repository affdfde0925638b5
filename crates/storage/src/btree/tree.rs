//! Whole trees: creating, clearing, dropping, counting.
//!
//! In an auto-vacuum database the root pages come first in the file, so that they need never move when it shrinks: a
//! new root takes the page behind the largest root, whose content moves elsewhere, and when a root is dropped the largest
//! one moves into its place.

use super::cursor::{BTreeCursor, Level};
use super::draft::{Cells, Draft, page_image};
use super::freelist;
use super::layout::{Geometry, MAX_DEPTH, Node, NodeKind};
use super::payload::ChainWalk;
use super::plan::Plan;
use super::vacuum::plan_relocation;
use super::{balance::page_of, ptrmap};
use crate::format::layout::ptrmap::{FREE_PAGE, ROOT_PAGE};
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// The image of an empty tree's root.
fn empty_root(pager: &Pager, no: PageNo, table: bool) -> Vec<u8> {
    let geometry = Geometry::new(pager.usable_size() as usize);
    let kind = NodeKind::of(table, true);
    page_image(no, kind, &Cells::default(), 0..0, PageNo(0), pager.page_size() as usize, &geometry)
}

/// Makes an empty tree; its root page. `table`: rows under rowids, else an index.
pub fn create_tree(pager: &mut Pager, table: bool) -> Result<PageNo> {
    let mut plan = Plan::new(pager);
    if !pager.auto_vacuum() {
        let root = plan.take(pager)?;
        plan.image(root, empty_root(pager, root, table));
        plan.finish(pager)?;
        plan.apply(pager);
        return Ok(root);
    }
    let root = next_root(pager, PageNo(pager.header().largest_root));
    if root.0 > pager.page_count() {
        // Everything in front is roots and pointer maps, so nothing is free and the file grows, to this very page.
        let taken = plan.take(pager)?;
        if taken != root {
            return Err(Error::corrupt(root.0, "largest root page does not match the file"));
        }
    } else {
        match ptrmap::get(pager, root)? {
            (FREE_PAGE, _) => freelist::plan_removal(pager, &mut plan, root)?,
            (kind, parent) => {
                let to = plan.take(pager)?;
                if kind == ROOT_PAGE || to == root {
                    return Err(Error::corrupt(root.0, "root page behind the largest root"));
                }
                plan_relocation(pager, &mut plan, root, to, kind, parent)?;
            }
        }
    }
    plan.image(root, empty_root(pager, root, table));
    plan.link(pager, root, ROOT_PAGE, PageNo(0))?;
    plan.finish(pager)?;
    plan.apply(pager);
    pager.edit_header(|h| h.largest_root = root.0);
    Ok(root)
}

/// The first page behind `largest` that can be a root.
fn next_root(pager: &Pager, largest: PageNo) -> PageNo {
    let mut no = PageNo(largest.0.saturating_add(1));
    while pager.ptrmap_page_for(no) == Some(no) || no == pager.lock_byte_page() {
        no.0 += 1;
    }
    no
}

/// What dropping a tree did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// In an auto-vacuum database the root that has been moved to the dropped tree's root page, if one had to be:
    /// `sqlite_schema` must be told.
    pub moved_from: Option<PageNo>,
}

/// Gives the root page of a tree that [`TreeEraser`] has emptied back.
pub fn drop_tree(pager: &mut Pager, root: PageNo) -> Result<Dropped> {
    if root.0 < 2 {
        return Err(Error::corrupt(root.0, "drop of the schema table"));
    }
    let mut plan = Plan::new(pager);
    if !pager.auto_vacuum() {
        plan.free(root);
        plan.finish(pager)?;
        plan.apply(pager);
        return Ok(Dropped { moved_from: None });
    }
    let largest = PageNo(pager.header().largest_root);
    let mut dropped = Dropped { moved_from: None };
    if root == largest {
        plan.free(root);
    } else {
        if largest < root || largest.0 > pager.page_count() {
            return Err(Error::corrupt(root.0, "root page behind the largest root"));
        }
        plan_relocation(pager, &mut plan, largest, root, ROOT_PAGE, PageNo(0))?;
        plan.free(largest);
        dropped.moved_from = Some(largest);
    }
    plan.finish(pager)?;
    plan.apply(pager);
    let mut previous = PageNo(largest.0 - 1);
    while pager.ptrmap_page_for(previous) == Some(previous) || previous == pager.lock_byte_page() {
        previous.0 -= 1;
    }
    pager.edit_header(|h| h.largest_root = previous.0);
    Ok(dropped)
}

/// Empties a tree leaf by leaf. Each step leaves a valid, smaller tree, so a pending run is simply run again; keep the
/// eraser meanwhile (it counts the entries and remembers how far into a long overflow chain it was).
pub struct TreeEraser {
    root: PageNo,
    table: bool,
    erased: u64,
    /// Pages given back; more than the file has means that the tree shares pages with itself.
    freed: u64,
    walk: ChainWalk,
}

impl TreeEraser {
    /// For the tree with this root.
    pub fn new(root: PageNo, table: bool) -> Self {
        TreeEraser { root, table, erased: 0, freed: 0, walk: ChainWalk::default() }
    }

    /// Empties the tree; the number of entries it had.
    pub fn run(&mut self, pager: &mut Pager) -> Result<u64> {
        while !self.step(pager)? {
            pager.unpin();
        }
        Ok(self.erased)
    }

    /// Takes the last leaf off, or one long entry of it. True when the tree is empty.
    fn step(&mut self, pager: &mut Pager) -> Result<bool> {
        let geometry = Geometry::new(pager.usable_size() as usize);
        let mut path: Vec<Level> = Vec::with_capacity(6);
        let mut no = self.root;
        loop {
            if path.len() >= MAX_DEPTH || path.iter().any(|level| level.no == no) {
                return Err(Error::corrupt(no.0, "tree too deep"));
            }
            let level = Level::load(pager, no, self.table)?;
            let leaf = level.kind.is_leaf();
            path.push(level);
            if leaf {
                break;
            }
            no = path[path.len() - 1].node(geometry.usable)?.right_child();
        }
        let Some(leaf) = path.pop() else { return Ok(true) };
        let node = leaf.node(geometry.usable)?;
        // Long entries go one at a time, so that no more than one chain is in hand.
        for i in (0..node.count).rev() {
            let cell = node.cell(i, &geometry)?;
            if cell.overflows() {
                let mut plan = Plan::new(pager);
                self.free_chain(pager, &mut plan, cell.first_overflow(node.bytes), &cell, &geometry)?;
                let mut draft = Draft::of_page(page_of(&leaf)?, leaf.no, leaf.kind);
                draft.replace(i..i + 1, &Cells::default(), &geometry)?;
                plan.image(leaf.no, draft.into_image(pager.page_size() as usize, &geometry));
                let gone = self.taken_entries(pager, &leaf, i..i + 1, &geometry)?;
                self.apply(pager, plan)?;
                self.tell(pager, gone);
                self.erased += 1;
                return Ok(false);
            }
        }
        let mut erased = node.count as u64;
        let mut entries = self.taken_entries(pager, &leaf, 0..node.count, &geometry)?;
        let mut plan = Plan::new(pager);
        // The leaf goes, and with it every ancestor that has no other child.
        let mut gone = leaf.no;
        while let Some(above) = path.pop() {
            plan.free(gone);
            self.freed += 1;
            if above.count > 0 {
                let last = usize::from(above.count) - 1;
                let node = above.node(geometry.usable)?;
                let cell = node.cell(last, &geometry)?;
                if !self.table {
                    erased += 1;
                    entries.extend(self.taken_entries(pager, &above, last..last + 1, &geometry)?);
                    if cell.overflows() {
                        self.free_chain(pager, &mut plan, cell.first_overflow(node.bytes), &cell, &geometry)?;
                    }
                }
                let child = node.child(last)?;
                let mut draft = Draft::of_page(node.bytes, above.no, above.kind);
                draft.replace(last..last + 1, &Cells::default(), &geometry)?;
                draft.set_child(last, child, &geometry);
                plan.image(above.no, draft.into_image(pager.page_size() as usize, &geometry));
                self.apply(pager, plan)?;
                self.tell(pager, entries);
                self.erased += erased;
                return Ok(false);
            }
            gone = above.no;
        }
        plan.image(gone, empty_root(pager, gone, self.table));
        self.apply(pager, plan)?;
        self.tell(pager, entries);
        self.erased += erased;
        Ok(true)
    }

    /// What a tap is to be told of entries that are about to go: the rowid, or the record of an index entry.
    fn taken_entries(
        &self,
        pager: &mut Pager,
        level: &Level,
        range: std::ops::Range<usize>,
        geometry: &Geometry,
    ) -> Result<Vec<(i64, Vec<u8>)>> {
        let mut entries = Vec::new();
        let Some(page) = level.page.as_ref().filter(|_| pager.is_tapped()) else { return Ok(entries) };
        let node = level.node(geometry.usable)?;
        for i in range {
            let cell = node.cell(i, geometry)?;
            let mut record = Vec::new();
            if !self.table {
                super::payload::read_whole(pager, page, &cell, geometry, &mut record)?;
            }
            entries.push((cell.rowid, record));
        }
        Ok(entries)
    }

    fn tell(&self, pager: &mut Pager, entries: Vec<(i64, Vec<u8>)>) {
        for (rowid, record) in entries {
            match self.table {
                true => pager.tap_removed_row(self.root, rowid),
                false => pager.tap_removed_entry(self.root, &record),
            }
        }
    }

    fn free_chain(
        &mut self,
        pager: &mut Pager,
        plan: &mut Plan,
        first: PageNo,
        cell: &super::cell::Cell,
        geometry: &Geometry,
    ) -> Result<()> {
        self.walk.collect(pager, first, cell, geometry)?;
        for no in &self.walk.pages {
            plan.free(*no);
        }
        self.freed += self.walk.pages.len() as u64;
        Ok(())
    }

    fn apply(&mut self, pager: &mut Pager, mut plan: Plan) -> Result<()> {
        if self.freed > u64::from(pager.page_count()) + u64::from(u16::MAX) {
            return Err(Error::corrupt(self.root.0, "tree uses pages more than once"));
        }
        plan.finish(pager)?;
        plan.apply(pager);
        self.walk.pages.clear();
        Ok(())
    }
}

impl BTreeCursor {
    /// Roughly the number of entries in the tree, as its first leaf and the pages above it let expect. The cursor goes to the first
    /// entry.
    pub fn count_roughly(&mut self, pager: &mut Pager) -> Result<u64> {
        if !self.first(pager)? {
            return Ok(0);
        }
        let levels = self.path.iter().take(self.depth + 1);
        let branches = levels.map(|level| u64::from(level.count) + u64::from(!level.kind.is_leaf()));
        Ok(branches.fold(1, u64::saturating_mul))
    }

    /// The number of entries in the tree. The cursor loses its position. A pending count goes on where it stopped.
    pub fn count(&mut self, pager: &mut Pager) -> Result<u64> {
        if self.counting.is_none() {
            if !self.first(pager)? {
                return Ok(0);
            }
            self.counting = Some(0);
        }
        loop {
            self.count_siblings(pager)?;
            let level = &mut self.path[self.depth];
            let here = if level.kind.is_leaf() { level.count - level.cell } else { 1 };
            if level.kind.is_leaf() {
                level.cell = level.count - 1;
            }
            // Counted only once the next page is here: a pending `next` leaves the cursor on the leaf's last entry.
            let before = level.cell;
            match self.next(pager) {
                Ok(more) => {
                    let sum = self.counting.unwrap_or(0) + u64::from(here);
                    self.counting = Some(sum);
                    if !more {
                        self.counting = None;
                        return Ok(sum);
                    }
                }
                Err(error) => {
                    if error.is_pending() {
                        let level = &mut self.path[self.depth];
                        if level.kind.is_leaf() {
                            level.cell = before + 1 - here;
                        }
                    } else {
                        self.counting = None;
                    }
                    return Err(error);
                }
            }
            pager.unpin();
        }
    }

    /// From the first entry of a leaf to that of the last sibling that can be reached over resident pages: counts the entries that
    /// this passes, by the leaves' headers alone.
    fn count_siblings(&mut self, pager: &mut Pager) -> Result<()> {
        let (Some(up), Some(sum)) = (self.depth.checked_sub(1), self.counting) else { return Ok(()) };
        let (leaf, parent) = (&self.path[self.depth], &self.path[up]);
        if leaf.cell > 0 || !leaf.kind.is_leaf() || pager.tracks_reads() {
            return Ok(());
        }
        let usable = self.geometry.usable;
        let node = parent.node(usable)?;
        // Between two leaves of an index there is an entry above them.
        let divider = u64::from(!self.table);
        let (mut passed, mut last) = (0, parent.cell);
        let mut here = u64::from(leaf.count);
        for child in parent.cell + 1..=parent.count {
            let no = node.child(usize::from(child))?;
            let Some(bytes) = pager.resident(no) else { break };
            match Node::new(bytes, no, usable) {
                Ok(sibling) if sibling.kind == leaf.kind && sibling.count > 0 => {
                    passed += here + divider;
                    here = sibling.count as u64;
                    last = child;
                }
                // Whatever is wrong with it is found by going there.
                _ => break,
            }
        }
        if passed > 0 {
            self.descend_first(pager, up, last)?;
            self.arrive()?;
            self.counting = Some(sum + passed);
        }
        Ok(())
    }
}
