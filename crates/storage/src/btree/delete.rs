//! Deleting entries.
//!
//! A leaf entry is removed in place while the leaf stays more than a third full. An entry of an interior index page is
//! a divider: the entry before it, the last one of a leaf, takes its place.

use super::balance::page_of;
use super::balance::{no_drafts, push_divider};
use super::cursor::{BTreeCursor, State};
use super::draft::{Cells, Draft};
use super::edit::{PageEdit, can_remove};
use super::plan::Plan;
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result};

impl BTreeCursor {
    /// Deletes the entry that the cursor stands on. Afterwards the cursor is on no entry (`refresh` answers false), and
    /// `next` goes to the entry that followed, `prev` to the one before.
    pub fn delete(&mut self, pager: &mut Pager) -> Result<()> {
        if pager.tracks_reads() {
            return self.quietly(pager, Self::delete);
        }
        self.settle(pager)?;
        if self.state != State::Valid {
            return Err(Error::corrupt(self.root.0, "delete without an entry"));
        }
        if !pager.is_tapped() {
            return self.delete_entry(pager);
        }
        if self.table {
            let rowid = self.cell.rowid;
            self.delete_entry(pager)?;
            pager.tap_removed_row(self.root, rowid);
        } else {
            let record = self.full_payload(pager)?.to_vec();
            self.delete_entry(pager)?;
            pager.tap_removed_entry(self.root, &record);
        }
        Ok(())
    }

    /// The cursor stands on the entry.
    fn delete_entry(&mut self, pager: &mut Pager) -> Result<()> {
        self.pin_leaf(pager)?;
        let level = &self.path[self.depth];
        let node = level.node(self.geometry.usable)?;
        let index = usize::from(level.cell);
        let (old, at) = (self.cell, node.cell_at(index));
        let free = can_remove(&node, at, old.size as usize)?;
        let first = old.first_overflow(node.bytes);
        if !level.kind.is_leaf() {
            return self.delete_divider(pager, index, first);
        }
        let free = free + old.size as usize + 2;
        let sparse = self.depth > 0 && (free * 3 > self.geometry.usable * 2 || node.count == 1);
        if sparse {
            let mut draft = Draft::of_page(node.bytes, node.no, node.kind);
            draft.replace(index..index + 1, &Cells::default(), &self.geometry)?;
            let mut plan = Plan::new(pager);
            self.plan_release(pager, &mut plan, first)?;
            let mut drafts = no_drafts();
            drafts[self.depth] = Some(draft);
            self.balance(pager, &mut plan, &mut drafts, self.depth)?;
            return self.apply_delete(pager, plan);
        }
        if !self.key_is_saved {
            self.save_key(pager)?;
        }
        if old.overflows() {
            let mut plan = Plan::new(pager);
            self.plan_release(pager, &mut plan, first)?;
            plan.finish(pager)?;
            plan.apply(pager);
            self.walk.pages.clear();
        }
        self.remove_cell(pager, index, old.size as usize)
    }

    /// Apply: removes a cell in place. The cursor moves onto a neighbour on the same page.
    fn remove_cell(&mut self, pager: &mut Pager, index: usize, size: usize) -> Result<()> {
        let level = &mut self.path[self.depth];
        level.page = None;
        PageEdit::new(pager.edit(level.no), level.no, self.geometry.usable).remove(index, size);
        level.page = pager.page(level.no).ok();
        level.count -= 1;
        self.epoch = pager.change_epoch();
        if level.count == 0 {
            self.state = State::Unset;
            return Ok(());
        }
        let follows = index < usize::from(level.count);
        level.cell = if follows { index as u16 } else { index as u16 - 1 };
        self.load_cell()?;
        self.state = if follows { State::NextIsHere } else { State::PrevIsHere };
        self.key_is_saved = true;
        Ok(())
    }

    /// Plans the release of the current entry's overflow chain, if it has one.
    fn plan_release(&mut self, pager: &mut Pager, plan: &mut Plan, first: PageNo) -> Result<()> {
        if self.cell.overflows() {
            let cell = self.cell;
            self.walk_chain(pager, first, &cell)?;
            for no in &self.walk.pages {
                plan.free(*no);
            }
        }
        Ok(())
    }

    /// Deletes an entry of an interior page: the last entry of the subtree on its left becomes the divider.
    fn delete_divider(&mut self, pager: &mut Pager, index: usize, first: PageNo) -> Result<()> {
        let depth = self.depth;
        let mut at = depth;
        let mut child = index;
        // The levels below the cursor's own are free for the path to that entry.
        while !self.path[at].kind.is_leaf() {
            let no = self.path[at].node(self.geometry.usable)?.child(child)?;
            let mut below = self.load_child(pager, no, at + 1)?;
            if below.kind.is_leaf() {
                below.cell = below.count - 1;
            } else {
                below.cell = below.count;
            }
            child = usize::from(below.count);
            at += 1;
            self.put_level(at, below);
        }
        let mut plan = Plan::new(pager);
        self.plan_release(pager, &mut plan, first)?;
        let geometry = &self.geometry;
        let (level, leaf) = (&self.path[depth], &self.path[at]);
        let leaf_node = leaf.node(geometry.usable)?;
        let last = leaf_node.count - 1;
        let (moved, _) = leaf_node.cell_bytes(last, geometry)?;
        let left = level.node(geometry.usable)?.child(index)?;
        let mut divider = Cells::default();
        push_divider(&mut divider, leaf.kind, moved, left, geometry)?;
        self.link_overflow(pager, &mut plan, leaf.kind, moved, level.no)?;
        let mut drafts = no_drafts();
        let mut interior = Draft::of_page(page_of(level)?, level.no, level.kind);
        interior.replace(index..index + 1, &divider, geometry)?;
        let mut below = Draft::of_page(page_of(leaf)?, leaf.no, leaf.kind);
        below.replace(last..last + 1, &Cells::default(), geometry)?;
        drafts[depth] = Some(interior);
        drafts[at] = Some(below);
        self.balance(pager, &mut plan, &mut drafts, at)?;
        self.apply_delete(pager, plan)
    }

    /// Ends a delete whose pages have been planned. The cursor will find its place by the old key.
    fn apply_delete(&mut self, pager: &mut Pager, mut plan: Plan) -> Result<()> {
        plan.finish(pager)?;
        if !self.key_is_saved {
            self.save_key(pager)?;
        }
        self.release_path();
        plan.apply(pager);
        self.walk.pages.clear();
        self.lose();
        Ok(())
    }
}
