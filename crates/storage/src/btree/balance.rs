//! Rebalancing: restore the size rules upward from a page that a write left overfull or underfull.
//!
//! In:  a path from the root and drafts for some of its pages, each an image or too many cells.
//! Out: a plan with images for all pages that change.
//!
//! ```text
//!      [.. d0 d1 ..]            [.. e0 e1 e2 ..]     d, e: divider cells, owned by the parent
//!       /   |   \        =>      /   |   |   \
//!      A    B*   C              A'   B'  C'   N      B* overflowed; N is newly taken
//! ```
//! A table leaf keeps all its cells and its divider repeats the greatest rowid; everywhere else the cells between two
//! pages move up to be dividers, and old dividers come down. A root that overflows moves its cells to new pages below
//! it, a root left without cells takes over its only child's.
//!
//! Order of work: `siblings` -> `collect` -> `place_cells` (pure) -> images, and new dividers for the parent's draft.
//! Compatibility: SQLite must accept the file, so cell order and divider rules are its own; fill is our choice.

use super::cell::{encode_table_divider, parse_at};
use super::cursor::{BTreeCursor, Level};
use super::draft::{Cells, Content, Draft, page_image};
use super::layout::{Geometry, MAX_DEPTH, NodeKind, be32};
use super::place::place_cells;
use super::plan::Plan;
use crate::format::layout::ptrmap::{BTREE_PAGE, OVERFLOW_FIRST};
use crate::page::PageNo;
use crate::pager::Pager;
use crate::witness;
use turso_error::{Error, Result};

/// Siblings fuller than this on average are spread over one page more. Measured with random inserts: a higher mark fills
/// pages better and costs more rebalancing.
const CROWDED_PERCENT: usize = 95;

/// Drafts by depth.
pub(crate) type Drafts = [Option<Draft>; MAX_DEPTH];

/// No drafts.
pub(crate) fn no_drafts() -> Drafts {
    [const { None }; MAX_DEPTH]
}

/// A leaf cell without the padding that makes it four bytes long.
fn unpadded<'c>(kind: NodeKind, cell: &'c [u8], geometry: &Geometry) -> Result<&'c [u8]> {
    if cell.len() > 4 || kind != NodeKind::IndexLeaf {
        return Ok(cell);
    }
    match parse_at(kind, cell, 0, geometry) {
        Some(parsed) => Ok(&cell[..((parsed.payload_at + parsed.payload_len) as usize).min(cell.len())]),
        None => Err(Error::corrupt(0, "cell too short")),
    }
}

/// The divider for a cell of this kind of page that moves up, with `child` on its left.
pub(crate) fn push_divider(
    out: &mut Cells,
    kind: NodeKind,
    cell: &[u8],
    child: PageNo,
    geometry: &Geometry,
) -> Result<()> {
    let child_bytes = child.0.to_be_bytes();
    match kind {
        NodeKind::TableLeaf => {
            let Some(parsed) = parse_at(kind, cell, 0, geometry) else {
                return Err(Error::corrupt(child.0, "cell cut off"));
            };
            let mut divider = Vec::with_capacity(13);
            encode_table_divider(child, parsed.rowid, &mut divider);
            out.push(&divider, &[]);
        }
        NodeKind::IndexLeaf => out.push(&child_bytes, unpadded(kind, cell, geometry)?),
        NodeKind::TableInterior | NodeKind::IndexInterior => {
            out.push(&child_bytes, cell.get(4..).unwrap_or(&[]));
        }
    }
    Ok(())
}

impl BTreeCursor {
    /// Plans the work for all drafts, from the page at depth `from` up to the root.
    pub(crate) fn balance(&self, pager: &mut Pager, plan: &mut Plan, drafts: &mut Drafts, from: usize) -> Result<()> {
        let geometry = &self.geometry;
        let page_size = pager.page_size() as usize;
        for depth in (1..=from).rev() {
            let Some(draft) = drafts[depth].take() else { continue };
            let free = draft.free(geometry)?;
            if free >= 0 && free as usize * 3 <= geometry.usable * 2 {
                plan.image(draft.no, draft.into_image(page_size, geometry));
                continue;
            }
            self.balance_siblings(pager, plan, drafts, depth, draft)?;
        }
        match drafts[0].take() {
            Some(root) => self.finish_root(pager, plan, root),
            None => Ok(()),
        }
    }

    /// Distributes the cells of the page at `depth` and its neighbours anew; the parent's draft gets the new dividers.
    fn balance_siblings(
        &self,
        pager: &mut Pager,
        plan: &mut Plan,
        drafts: &mut Drafts,
        depth: usize,
        draft: Draft,
    ) -> Result<()> {
        let geometry = &self.geometry;
        let above = &self.path[depth - 1];
        let mut parent = match drafts[depth - 1].take() {
            Some(parent) => parent,
            None => Draft::of_page(page_of(above)?, above.no, above.kind),
        };
        let index = usize::from(above.cell);
        let count = parent.count(geometry)?;
        let kind = draft.kind;
        // `siblings`: up to three neighbouring children with this one in the middle, where it has two neighbours.
        let first = if index == count { index.saturating_sub(2) } else { index.saturating_sub(1) };
        let last = (first + 2).min(count);
        // `collect`: their cells in order.
        let mut cells = Cells::default();
        let mut numbers = Vec::with_capacity(6);
        let mut right = PageNo(0);
        for sibling in first..=last {
            if sibling > first {
                let divider = parent.cell(sibling - 1, geometry)?;
                match kind {
                    NodeKind::TableLeaf => {}
                    NodeKind::IndexLeaf => cells.push(&divider[4..], &[]),
                    _ => cells.push(&right.0.to_be_bytes(), &divider[4..]),
                }
            }
            if sibling == index {
                right = draft.collect(&mut cells, geometry)?;
                numbers.push(draft.no);
            } else {
                let no = parent.child(sibling, geometry)?;
                let level = Level::load(pager, no, self.table)?;
                if level.kind != kind || numbers.contains(&no) || no == draft.no || no == parent.no {
                    return Err(Error::corrupt(no.0, "siblings of different kinds"));
                }
                let node = level.node(geometry.usable)?;
                cells.push_node(&node, geometry)?;
                if !kind.is_leaf() {
                    right = node.right_child();
                }
                numbers.push(no);
            }
        }
        let parent_no = parent.no;
        let (dividers, numbers) = self.distribute(pager, plan, kind, &cells, numbers, right, parent_no)?;
        parent.replace(first..last, &dividers, geometry)?;
        if let Some(&rightmost) = numbers.last() {
            parent.set_child(first + dividers.len(), rightmost, geometry);
        }
        drafts[depth - 1] = Some(parent);
        Ok(())
    }

    /// Plans pages for `cells`, on pages `numbers` first; the dividers between them, and the pages' numbers in order.
    #[allow(clippy::too_many_arguments)]
    fn distribute(
        &self,
        pager: &mut Pager,
        plan: &mut Plan,
        kind: NodeKind,
        cells: &Cells,
        mut numbers: Vec<PageNo>,
        right: PageNo,
        parent: PageNo,
    ) -> Result<(Cells, Vec<PageNo>)> {
        let geometry = &self.geometry;
        let moves_up = kind != NodeKind::TableLeaf;
        let sizes: Vec<u32> = (0..cells.len()).map(|i| cells.size(i)).collect();
        let capacity = geometry.usable - kind.header_size();
        // Siblings that would be left nearly full would have to be balanced again after a few inserts: make one page more.
        let crowded = numbers.len() > 1 && cells.used() * 100 > numbers.len() * capacity * CROWDED_PERCENT;
        let pages = if crowded { numbers.len() + 1 } else { numbers.len() };
        let wanted = if cells.used() <= capacity * (numbers.len().saturating_sub(1)) { 0 } else { pages };
        let ends = place_cells(&sizes, capacity, moves_up, wanted);
        witness::rebalanced(numbers.len(), ends.len());
        while numbers.len() < ends.len() {
            numbers.push(plan.take(pager)?);
        }
        // Ascending page numbers keep a scan of the leaves a forward scan of the file.
        numbers.sort_unstable();
        for surplus in numbers.drain(ends.len()..) {
            plan.free(surplus);
        }
        let page_size = pager.page_size() as usize;
        let mut dividers = Cells::default();
        let mut start = 0;
        for (page, &end) in ends.iter().enumerate() {
            let no = numbers[page];
            let is_last = page + 1 == ends.len();
            let right_child = match is_last {
                true => right,
                false if kind.is_leaf() => PageNo(0),
                false => PageNo(be32(cells.get(end), 0)),
            };
            plan.image(no, page_image(no, kind, cells, start..end, right_child, page_size, geometry));
            if plan.auto_vacuum {
                plan.link(pager, no, BTREE_PAGE, parent)?;
                for i in start..end {
                    self.link_cell(pager, plan, kind, cells.get(i), no)?;
                }
                if !kind.is_leaf() {
                    plan.link(pager, right_child, BTREE_PAGE, no)?;
                }
            }
            if !is_last {
                let cell = cells.get(if moves_up { end } else { end - 1 });
                push_divider(&mut dividers, kind, cell, no, geometry)?;
                if plan.auto_vacuum && moves_up {
                    self.link_overflow(pager, plan, kind, cell, parent)?;
                }
            }
            start = end + usize::from(moves_up);
        }
        Ok((dividers, numbers))
    }

    /// Plans the pointer-map entries of what a cell points at: child and overflow chain.
    pub(crate) fn link_cell(
        &self,
        pager: &mut Pager,
        plan: &mut Plan,
        kind: NodeKind,
        cell: &[u8],
        page: PageNo,
    ) -> Result<()> {
        if !plan.auto_vacuum {
            return Ok(());
        }
        if !kind.is_leaf() {
            plan.link(pager, PageNo(be32(cell, 0)), BTREE_PAGE, page)?;
        }
        self.link_overflow(pager, plan, kind, cell, page)
    }

    pub(crate) fn link_overflow(
        &self,
        pager: &mut Pager,
        plan: &mut Plan,
        kind: NodeKind,
        cell: &[u8],
        page: PageNo,
    ) -> Result<()> {
        if plan.auto_vacuum
            && kind != NodeKind::TableInterior
            && let Some(parsed) = parse_at(kind, cell, 0, &self.geometry).filter(|parsed| parsed.overflows())
        {
            plan.link(pager, parsed.first_overflow(cell), OVERFLOW_FIRST, page)?;
        }
        Ok(())
    }

    /// The root may have too many cells, or none and one child.
    fn finish_root(&self, pager: &mut Pager, plan: &mut Plan, mut root: Draft) -> Result<()> {
        let geometry = &self.geometry;
        let page_size = pager.page_size() as usize;
        while root.free(geometry)? < 0 {
            // Deeper: all cells move to new pages, the root keeps what divides them.
            let mut cells = Cells::default();
            let right = root.collect(&mut cells, geometry)?;
            let (dividers, numbers) = self.distribute(pager, plan, root.kind, &cells, Vec::new(), right, root.no)?;
            root.kind = NodeKind::of(self.table, false);
            root.content = Content::Cells(dividers, numbers.last().copied().unwrap_or_default());
        }
        let mut guard = MAX_DEPTH;
        while !root.kind.is_leaf() && root.count(geometry)? == 0 && guard > 0 {
            // Shallower: the only child's cells move into the root, if they fit (page 1 is smaller than its child).
            guard -= 1;
            let child_no = root.child(0, geometry)?;
            let planned = plan.remove_image(child_no);
            let child = match &planned {
                Some(image) => {
                    let node = super::layout::Node::new(image, child_no, geometry.usable)?;
                    Draft::of_page(image, child_no, node.kind)
                }
                None => {
                    let level = Level::load(pager, child_no, self.table)?;
                    Draft::of_page(page_of(&level)?, child_no, level.kind)
                }
            };
            let mut cells = Cells::default();
            let right = child.collect(&mut cells, geometry)?;
            let shallow = Draft { no: root.no, kind: child.kind, content: Content::Cells(cells, right) };
            if shallow.free(geometry)? < 0 || child_no == root.no {
                if let Some(image) = planned {
                    plan.image(child_no, image);
                }
                break;
            }
            plan.free(child_no);
            root = shallow;
            if plan.auto_vacuum {
                for i in 0..root.count(geometry)? {
                    self.link_cell(pager, plan, root.kind, root.cell(i, geometry)?, root.no)?;
                }
                if !root.kind.is_leaf() {
                    let right = root.child(root.count(geometry)?, geometry)?;
                    plan.link(pager, right, BTREE_PAGE, root.no)?;
                }
            }
        }
        plan.image(root.no, root.into_image(page_size, geometry));
        Ok(())
    }
}

/// The page of a level of the path.
pub(crate) fn page_of(level: &Level) -> Result<&[u8]> {
    match &level.page {
        Some(page) => Ok(page),
        None => Err(Error::corrupt(level.no.0, "path without page")),
    }
}
