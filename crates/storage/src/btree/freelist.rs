//! The freelist: taking pages for new content and giving unused ones back.
//!
//! ```text
//!  header.freelist_trunk -> trunk -> trunk -> 0      a trunk: next trunk, count n, then n leaf page numbers
//!                            |||      ||||
//!                           leaves   leaves           leaves hold nothing of interest and are never read
//! ```
//! A page is taken from the end of the first trunk's list; an empty trunk is itself taken. Where the list is empty the
//! file grows, by a pointer-map page more where one is due.
//!
//! Gather: [`Spares`] walks the same way without changing anything, so it knows which pages `take` will answer.

use super::layout::{be32, put32};
use super::plan::Plan;
use super::ptrmap;
use crate::format::layout::trunk::{COUNT, LEAVES, NEXT, capacity, fill_limit};
use crate::page::{PageNo, PageRef};
use crate::pager::Pager;
use turso_error::{Error, Result};

/// What the next calls of [`take`] will answer, and the pages that they and [`release`] need made resident.
pub(crate) struct Spares {
    /// Freelist pages not yet promised.
    listed: u32,
    trunk: PageNo,
    trunk_page: Option<PageRef>,
    /// Leaves of `trunk` not yet promised.
    leaves: u32,
    /// The last page of the file, once all that has been promised exists.
    page_count: u32,
    /// How many pages have been promised.
    pub promised: usize,
}

impl Spares {
    pub fn new(pager: &Pager) -> Self {
        let header = pager.header();
        Spares {
            listed: header.freelist_count,
            trunk: PageNo(header.freelist_trunk),
            trunk_page: None,
            leaves: 0,
            page_count: pager.page_count(),
            promised: 0,
        }
    }

    /// Makes the first trunk resident and checks it.
    fn load_trunk(&mut self, pager: &mut Pager) -> Result<()> {
        if self.trunk_page.is_none() {
            let no = self.trunk;
            if no.0 < 2 || no.0 > pager.page_count() {
                return Err(Error::corrupt(no.0, "freelist trunk past the end of the file"));
            }
            let page = pager.page(no)?;
            self.leaves = be32(&page, COUNT);
            if self.leaves > capacity(pager.usable_size()) {
                return Err(Error::corrupt(no.0, "freelist trunk with too many leaves"));
            }
            self.trunk_page = Some(page);
        }
        Ok(())
    }

    /// The page that one more call of [`take`] will answer.
    pub fn next(&mut self, pager: &mut Pager) -> Result<PageNo> {
        self.promised += 1;
        if self.listed == 0 {
            return Ok(self.grow(pager));
        }
        self.load_trunk(pager)?;
        self.listed -= 1;
        let Some(page) = &self.trunk_page else { return Err(Error::corrupt(self.trunk.0, "no freelist trunk")) };
        if self.leaves == 0 {
            let taken = self.trunk;
            self.trunk = PageNo(be32(page, NEXT));
            self.trunk_page = None;
            return Ok(taken);
        }
        self.leaves -= 1;
        let leaf = PageNo(be32(page, LEAVES + 4 * self.leaves as usize));
        if leaf.0 < 2 || leaf.0 > pager.page_count() || leaf == self.trunk {
            return Err(Error::corrupt(self.trunk.0, "freelist leaf past the end of the file"));
        }
        if pager.auto_vacuum() && pager.ptrmap_page_for(leaf) == Some(leaf) {
            return Err(Error::corrupt(leaf.0, "pointer-map page on the freelist"));
        }
        Ok(leaf)
    }

    fn grow(&mut self, pager: &Pager) -> PageNo {
        loop {
            self.page_count += 1;
            let no = PageNo(self.page_count);
            let is_map = pager.auto_vacuum() && pager.ptrmap_page_for(no) == Some(no);
            if no != pager.lock_byte_page() && !is_map {
                return no;
            }
        }
    }

    /// The last step of gather: room to grow, and the trunk that `releases` pages will be listed on.
    pub fn finish(&mut self, pager: &mut Pager, releases: usize) -> Result<()> {
        if self.page_count > pager.page_count() {
            pager.check_growth(self.page_count - pager.page_count())?;
        }
        if releases > 0 && self.listed > 0 {
            self.load_trunk(pager)?;
        }
        Ok(())
    }
}

/// Apply: a page to fill. Its bytes are whatever they are: `overwrite` it.
pub(crate) fn take(pager: &mut Pager) -> PageNo {
    let header = pager.header();
    let (count, trunk) = (header.freelist_count, PageNo(header.freelist_trunk));
    if count > 0
        && let Ok(page) = pager.page(trunk)
    {
        let leaves = be32(&page, COUNT);
        if leaves == 0 {
            let next = be32(&page, NEXT);
            pager.edit_header(|h| {
                h.freelist_trunk = next;
                h.freelist_count = count - 1;
            });
            return trunk;
        }
        let leaf = PageNo(be32(&page, LEAVES + 4 * (leaves as usize - 1)));
        drop(page);
        put32(pager.edit(trunk), COUNT, leaves - 1);
        pager.edit_header(|h| h.freelist_count = count - 1);
        return leaf;
    }
    append(pager)
}

/// Apply: grows the file by one page, and by a pointer-map page before it where one is due.
pub(crate) fn append(pager: &mut Pager) -> PageNo {
    loop {
        let no = pager.append_page();
        if !pager.auto_vacuum() || pager.ptrmap_page_for(no) != Some(no) {
            return no;
        }
    }
}

/// Apply: puts a page on the freelist.
pub(crate) fn release(pager: &mut Pager, no: PageNo) {
    let header = pager.header();
    let (count, trunk) = (header.freelist_count, PageNo(header.freelist_trunk));
    let limit = fill_limit(pager.usable_size());
    // A damaged header may name any number.
    let more = count.wrapping_add(1);
    let leaves = if count > 0 { pager.page(trunk).map(|page| be32(&page, COUNT)) } else { Ok(u32::MAX) };
    match leaves {
        Ok(leaves) if leaves < limit => {
            let page = pager.edit(trunk);
            put32(page, LEAVES + 4 * leaves as usize, no.0);
            put32(page, COUNT, leaves + 1);
            pager.edit_header(|h| h.freelist_count = more);
            if pager.secure_delete() == 1 {
                pager.overwrite(no);
            }
        }
        _ => {
            let next = if count > 0 { trunk.0 } else { 0 };
            let page = pager.overwrite(no);
            put32(page, NEXT, next);
            pager.edit_header(|h| {
                h.freelist_trunk = no.0;
                h.freelist_count = more;
            });
        }
    }
    ptrmap::put(pager, no, crate::format::layout::ptrmap::FREE_PAGE, PageNo(0));
}

/// Plans taking one particular page off the list. Nothing else may be taken or freed in the same plan.
pub(crate) fn plan_removal(pager: &mut Pager, plan: &mut Plan, no: PageNo) -> Result<()> {
    let mut left = pager.header().freelist_count;
    let mut previous: Option<PageNo> = None;
    let mut trunk = PageNo(pager.header().freelist_trunk);
    while left > 0 && trunk.0 != 0 {
        if trunk.0 < 2 || trunk.0 > pager.page_count() {
            return Err(Error::corrupt(trunk.0, "freelist trunk past the end of the file"));
        }
        let page = pager.page(trunk)?;
        let (next, leaves) = (be32(&page, NEXT), be32(&page, COUNT));
        if leaves > capacity(pager.usable_size()) {
            return Err(Error::corrupt(trunk.0, "freelist trunk with too many leaves"));
        }
        let leaf_at = |i: u32| LEAVES + 4 * i as usize;
        if trunk == no {
            // The first leaf becomes the trunk in its place; without leaves the next trunk follows directly.
            let mut successor = next;
            if leaves > 0 {
                successor = be32(&page, leaf_at(0));
                if successor < 2 || successor > pager.page_count() {
                    return Err(Error::corrupt(trunk.0, "freelist leaf past the end of the file"));
                }
                let mut image = vec![0; page.len()];
                put32(&mut image, NEXT, next);
                put32(&mut image, COUNT, leaves - 1);
                image[LEAVES..leaf_at(leaves - 1)].copy_from_slice(&page[leaf_at(1)..leaf_at(leaves)]);
                plan.image(PageNo(successor), image);
            }
            match previous {
                None => plan.freelist_trunk = Some(PageNo(successor)),
                Some(previous) => {
                    let mut image = pager.page(previous)?.to_vec();
                    put32(&mut image, NEXT, successor);
                    plan.image(previous, image);
                }
            }
            plan.delisted = 1;
            return Ok(());
        }
        if let Some(i) = (0..leaves).find(|&i| be32(&page, leaf_at(i)) == no.0) {
            let mut image = page.to_vec();
            put32(&mut image, leaf_at(i), be32(&page, leaf_at(leaves - 1)));
            put32(&mut image, COUNT, leaves - 1);
            plan.image(trunk, image);
            plan.delisted = 1;
            return Ok(());
        }
        left = left.saturating_sub(leaves + 1);
        previous = Some(trunk);
        trunk = PageNo(next);
    }
    Err(Error::corrupt(no.0, "free page is not on the freelist"))
}
