//! Trees that may be none: each page is visited once, level by level.

use std::collections::VecDeque;

use turso_core::Result;

use crate::cells::{Kind, TreePage};
use crate::pages::Pages;

/// A set of pages.
pub(crate) struct PageSet {
    bits: Vec<u64>,
    pages: u32,
}

impl PageSet {
    /// The empty set, for the pages of a file.
    pub fn new(pages: u32) -> Self {
        Self { bits: vec![0; pages as usize / 64 + 1], pages }
    }

    /// Add a page; false where it was there, or is none of the file's.
    pub fn insert(&mut self, page: u32) -> bool {
        if page == 0 || page > self.pages {
            return false;
        }
        let (word, bit) = (page as usize / 64, 1 << (page % 64));
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        new
    }

    /// Is it there?
    pub fn contains(&self, page: u32) -> bool {
        self.bits.get(page as usize / 64).is_some_and(|word| word & 1 << (page % 64) != 0)
    }
}

/// Visit the pages of a tree, level by level, each level from the right as its parents list it. All of them are `used` then.
/// Pages of another kind of tree are none of this one's.
pub(crate) fn walk(
    pages: &mut dyn Pages,
    root: u32,
    kind: Kind,
    used: &mut PageSet,
    mut visit: impl FnMut(&mut dyn Pages, &TreePage<'_>) -> Result<()>,
) -> Result<()> {
    let mut seen = PageSet::new(pages.geometry().pages);
    let mut waiting = VecDeque::new();
    if seen.insert(root) {
        waiting.push_back(root);
    }
    while let Some(number) = waiting.pop_front() {
        let Some(bytes) = pages.page(number) else { continue };
        let Some(page) = TreePage::new(&bytes, number).filter(|page| page.kind() == kind) else { continue };
        used.insert(number);
        waiting.extend(page.children().into_iter().filter(|child| seen.insert(*child)));
        visit(pages, &page)?;
    }
    Ok(())
}

/// The pages of an index are used.
pub(crate) fn mark_index(pages: &mut dyn Pages, root: u32, used: &mut PageSet) {
    // Only a visit can fail.
    let _ = walk(pages, root, Kind::Index, used, |_, _| Ok(()));
}
