//! Moving pages in auto-vacuum databases: shrinking the file, step by step.
//!
//! A step takes the last page off the file. If it is in use, its content moves to a free page first, and whoever points
//! at it (the pointer map knows) is made to point there. Each step leaves a valid database.

use super::freelist;
use super::layout::{Geometry, Node, NodeKind, be32, put32};
use super::plan::Plan;
use super::ptrmap;
use crate::format::layout::ptrmap::{BTREE_PAGE, FREE_PAGE, OVERFLOW_FIRST, OVERFLOW_NEXT, ROOT_PAGE};
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// Plans moving page `from` to `to`, which is free or promised: content, the pointer to it, its children's parent.
pub(crate) fn plan_relocation(
    pager: &mut Pager,
    plan: &mut Plan,
    from: PageNo,
    to: PageNo,
    kind: u8,
    parent: PageNo,
) -> Result<()> {
    if from.0 < 3 || to.0 < 3 {
        return Err(Error::corrupt(from.0, "page that cannot be moved"));
    }
    let geometry = Geometry::new(pager.usable_size() as usize);
    let page = pager.page(from)?;
    plan.image(to, page.to_vec());
    plan.link(pager, to, kind, parent)?;
    match kind {
        ROOT_PAGE | BTREE_PAGE => {
            let node = Node::new(&page, from, geometry.usable)?;
            for i in 0..node.count {
                let cell = node.cell(i, &geometry)?;
                if node.kind != NodeKind::TableInterior && cell.overflows() {
                    plan.link(pager, cell.first_overflow(&page), OVERFLOW_FIRST, to)?;
                }
                if !node.kind.is_leaf() {
                    plan.link(pager, node.child(i)?, BTREE_PAGE, to)?;
                }
            }
            if !node.kind.is_leaf() {
                plan.link(pager, node.right_child(), BTREE_PAGE, to)?;
            }
        }
        OVERFLOW_FIRST | OVERFLOW_NEXT => {
            let next = PageNo(be32(&page, 0));
            if next.0 != 0 {
                plan.link(pager, next, OVERFLOW_NEXT, to)?;
            }
        }
        _ => return Err(Error::corrupt(from.0, "pointer map says something impossible")),
    }
    if kind == ROOT_PAGE {
        return Ok(());
    }
    // Whoever points at the page.
    let parent_page = pager.page(parent)?;
    let mut image = parent_page.to_vec();
    let at = if kind == OVERFLOW_NEXT {
        (be32(&parent_page, 0) == from.0).then_some(0)
    } else {
        pointer_to(&Node::new(&parent_page, parent, geometry.usable)?, from, kind, &geometry)?
    };
    let Some(at) = at else {
        return Err(Error::corrupt(parent.0, "pointer map names the wrong parent"));
    };
    put32(&mut image, at, to.0);
    plan.image(parent, image);
    Ok(())
}

/// Where on a B-tree page the number of a child or of an overflow page stands.
fn pointer_to(node: &Node<'_>, target: PageNo, kind: u8, geometry: &Geometry) -> Result<Option<usize>> {
    for i in 0..node.count {
        let cell = node.cell(i, geometry)?;
        if kind == OVERFLOW_FIRST {
            if node.kind != NodeKind::TableInterior && cell.overflows() && cell.first_overflow(node.bytes) == target {
                return Ok(Some((cell.payload_at + cell.local_len) as usize));
            }
        } else if !node.kind.is_leaf() && node.child(i)? == target {
            return Ok(Some(node.cell_at(i)));
        }
    }
    let right = kind == BTREE_PAGE && !node.kind.is_leaf() && node.right_child() == target;
    Ok(right.then_some(node.at + 8))
}

/// Shrinks the file by one page (and by pointer-map pages that have nothing left to map); false when nothing is free.
///
/// The step of `PRAGMA incremental_vacuum`, only for auto-vacuum databases.
pub fn incremental_vacuum_step(pager: &mut Pager) -> Result<bool> {
    if !pager.auto_vacuum() || pager.header().freelist_count == 0 {
        return Ok(false);
    }
    let last = PageNo(pager.page_count());
    let mut keep = last.0 - 1;
    let is_map = pager.ptrmap_page_for(last) == Some(last);
    if !is_map && last != pager.lock_byte_page() {
        let (kind, parent) = ptrmap::get(pager, last)?;
        let mut plan = Plan::new(pager);
        match kind {
            FREE_PAGE => freelist::plan_removal(pager, &mut plan, last)?,
            ROOT_PAGE => return Err(Error::corrupt(last.0, "root page behind free pages")),
            _ => {
                let to = plan.take(pager)?;
                if to >= last {
                    return Err(Error::corrupt(last.0, "page in use is on the freelist"));
                }
                plan_relocation(pager, &mut plan, last, to, kind, parent)?;
            }
        }
        plan.finish(pager)?;
        plan.apply(pager);
    }
    while keep > 1
        && (pager.ptrmap_page_for(PageNo(keep)) == Some(PageNo(keep)) || PageNo(keep) == pager.lock_byte_page())
    {
        keep -= 1;
    }
    pager.truncate(keep.max(1));
    Ok(true)
}

/// What a commit does in an auto-vacuum (not incremental) database: gives free pages back to the file system, at most `pages`.
///
/// A pending run is run again with what is left of `pages`, and goes on where it stopped.
pub fn auto_vacuum_commit(pager: &mut Pager, pages: &mut u32) -> Result<()> {
    if !pager.gives_pages_back() {
        return Ok(());
    }
    while *pages > 0 && incremental_vacuum_step(pager)? {
        *pages -= 1;
        pager.unpin();
    }
    Ok(())
}
