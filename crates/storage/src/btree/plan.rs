//! The plan of one operation: everything that it will change, worked out before anything is changed.
//!
//! Rebalancing builds the new images of all pages while it gathers, from pages that it reads and page numbers that it
//! is promised. An error or a missing page on the way drops the plan. Applying it copies the images in place, and that
//! can neither wait nor fail.

use super::freelist::{self, Spares};
use super::layout::{PAGE_ONE_HEADER, be32, put32};
use super::ptrmap;
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// See the file's documentation.
pub(crate) struct Plan {
    spares: Spares,
    images: Vec<(PageNo, Vec<u8>)>,
    freed: Vec<PageNo>,
    /// Pointer-map entries: page, kind, parent. A later one for the same page wins.
    links: Vec<(PageNo, u8, PageNo)>,
    pub auto_vacuum: bool,
    /// The new first trunk of the freelist, where a page is taken out of its middle.
    pub freelist_trunk: Option<PageNo>,
    /// How many pages (0 or 1) are taken out of the middle of the freelist.
    pub delisted: u32,
}

impl Plan {
    pub fn new(pager: &Pager) -> Self {
        Plan {
            spares: Spares::new(pager),
            images: Vec::new(),
            freed: Vec::new(),
            links: Vec::new(),
            auto_vacuum: pager.auto_vacuum(),
            freelist_trunk: None,
            delisted: 0,
        }
    }

    /// Promises a page to fill.
    pub fn take(&mut self, pager: &mut Pager) -> Result<PageNo> {
        let no = self.spares.next(pager)?;
        if self.images.iter().any(|(used, _)| *used == no) {
            return Err(Error::corrupt(no.0, "page in use is on the freelist"));
        }
        Ok(no)
    }

    /// The new content of a page. Of page 1 the database header is left out when it is applied.
    pub fn image(&mut self, no: PageNo, bytes: Vec<u8>) {
        match self.images.iter_mut().find(|(used, _)| *used == no) {
            Some((_, old)) => *old = bytes,
            None => self.images.push((no, bytes)),
        }
    }

    /// The planned content of a page, taken out of the plan.
    pub fn remove_image(&mut self, no: PageNo) -> Option<Vec<u8>> {
        let at = self.images.iter().position(|(used, _)| *used == no)?;
        Some(self.images.swap_remove(at).1)
    }

    /// A page that will not be used any more.
    pub fn free(&mut self, no: PageNo) {
        self.freed.push(no);
    }

    /// Sets the pointer-map entry of a page.
    pub fn link(&mut self, pager: &mut Pager, no: PageNo, kind: u8, parent: PageNo) -> Result<()> {
        if self.auto_vacuum {
            if no.0 < 2 {
                return Err(Error::corrupt(parent.0, "page 1 has no parent"));
            }
            ptrmap::gather(pager, no)?;
            self.links.push((no, kind, parent));
        }
        Ok(())
    }

    /// The last step of gather.
    pub fn finish(&mut self, pager: &mut Pager) -> Result<()> {
        for no in &self.freed {
            if no.0 < 2 || no.0 > pager.page_count() {
                return Err(Error::corrupt(no.0, "page number past the end of the file"));
            }
            ptrmap::gather(pager, *no)?;
        }
        self.spares.finish(pager, self.freed.len())
    }

    /// Applies the plan.
    pub fn apply(mut self, pager: &mut Pager) {
        for _ in 0..self.spares.promised {
            freelist::take(pager);
        }
        self.apply_content(pager);
    }

    /// Applies the plan, with the chain that was planned first: `chain` are its pages, the first promised ones.
    pub fn apply_with_chain(mut self, pager: &mut Pager, chain: &[PageNo], bytes: &[u8], zeros: usize) {
        for _ in 0..self.spares.promised {
            freelist::take(pager);
        }
        write_chain(pager, chain, bytes, zeros);
        self.apply_content(pager);
    }

    fn apply_content(&mut self, pager: &mut Pager) {
        for (no, bytes) in &self.images {
            if no.0 == 1 {
                let page = pager.edit(*no);
                page[PAGE_ONE_HEADER..].copy_from_slice(&bytes[PAGE_ONE_HEADER..]);
            } else {
                pager.overwrite_with(*no, bytes);
            }
        }
        if self.delisted > 0 {
            let (trunk, count) = (self.freelist_trunk, self.delisted);
            pager.edit_header(|h| {
                h.freelist_count -= count;
                h.freelist_trunk = trunk.map_or(h.freelist_trunk, |trunk| trunk.0);
            });
        }
        // Links first: a page may have been linked before a later step of the same plan made it superfluous.
        for (no, kind, parent) in &self.links {
            ptrmap::put(pager, *no, *kind, *parent);
        }
        for no in &self.freed {
            freelist::release(pager, *no);
        }
    }
}

/// Apply: fills overflow pages with `bytes`, then zeros, and links them to each other.
pub(crate) fn write_chain(pager: &mut Pager, chain: &[PageNo], bytes: &[u8], zeros: usize) {
    let size = pager.usable_size() as usize - 4;
    debug_assert_eq!(chain.len(), (bytes.len() + zeros).div_ceil(size));
    let mut rest = bytes;
    for (i, no) in chain.iter().enumerate() {
        let next = chain.get(i + 1).map_or(0, |next| next.0);
        let page = pager.overwrite(*no);
        put32(page, 0, next);
        let (now, later) = rest.split_at(rest.len().min(size));
        page[4..4 + now.len()].copy_from_slice(now);
        rest = later;
        debug_assert_eq!(be32(page, 0), next);
    }
}
