//! Commit numbers, what each commit changed, and the pages that the connections of one file share.
//!
//! A version is a number: this process counts the commits that it makes or notices. Where the bytes of a version lie
//! is looked up elsewhere, so checkpoints keep the cache. What cannot be told page by page (another process in
//! a rollback mode, recovery, a log generation that was missed) raises `floor`: older knowledge is void.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::locks::PagerId;
use crate::page::{PageNo, PageRef};

/// Commits whose page lists are kept, for connections that were away.
const LOG_LENGTH: usize = 256;
/// Page numbers kept in these lists, over all commits.
const LOG_PAGES: usize = 1 << 16;

/// Older versions of pages that are kept for concurrent transactions, whose snapshots still see them.
const OLDER: usize = 128;

/// Replaced pages that wait for somebody who can use them.
const REPLACED: usize = 16;

/// Bytes of shared pages per file.
const CACHE_BYTES: usize = 32 << 20;

/// The number of a commit; 0 comes before all.
pub type CommitNo = u64;

struct Commit {
    by: Option<PagerId>,
    /// Sorted.
    pages: Arc<[u32]>,
}

struct Cached {
    /// The page has not changed since this commit.
    from: CommitNo,
    page: PageRef,
}

/// A page as it was between two commits.
struct Older {
    from: CommitNo,
    /// The commit that changed it.
    until: CommitNo,
    page: PageRef,
}

/// See the module's documentation.
pub(crate) struct Versions {
    tip: CommitNo,
    /// The newest commit that may have changed any page.
    floor: CommitNo,
    /// The commits after `tip - log.len()`, each a known list of pages.
    log: VecDeque<Commit>,
    log_pages: usize,
    cache: HashMap<u32, Cached>,
    /// In the order in which they were replaced.
    older: VecDeque<Older>,
    keeps_older: bool,
    /// Pages that went with the last commits: whoever commits writes its next copies over them.
    replaced: Vec<PageRef>,
    /// Pages in the order in which they entered, for eviction.
    queue: VecDeque<u32>,
}

/// What a connection has to drop to come from one commit to another.
pub(crate) enum Changes {
    All,
    Pages(Vec<Arc<[u32]>>),
}

impl Versions {
    pub fn new() -> Self {
        Self {
            tip: 1,
            floor: 1,
            log: VecDeque::new(),
            log_pages: 0,
            cache: HashMap::new(),
            older: VecDeque::new(),
            keeps_older: false,
            replaced: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// The newest commit known.
    pub fn tip(&self) -> CommitNo {
        self.tip
    }

    /// The pages that the last commits have replaced.
    pub fn take_replaced(&mut self) -> Vec<PageRef> {
        std::mem::take(&mut self.replaced)
    }

    /// Whether the commits that are recorded next leave what they replace.
    pub fn keep_older(&mut self, keeps: bool) {
        self.keeps_older = keeps;
        if !keeps {
            self.older.clear();
        }
    }

    /// Records a commit that changed these pages; the new images may be given along.
    pub fn record(&mut self, by: Option<PagerId>, mut pages: Vec<u32>) -> CommitNo {
        self.tip += 1;
        pages.sort_unstable();
        pages.dedup();
        for no in &pages {
            match self.cache.remove(no) {
                Some(Cached { from, page }) if self.keeps_older => {
                    self.older.push_back(Older { from, until: self.tip, page });
                }
                Some(Cached { page, .. }) => self.replaced.push(page),
                None => {}
            }
        }
        let excess = self.older.len().saturating_sub(OLDER);
        self.replaced.extend(self.older.drain(..excess).map(|older| older.page));
        self.replaced.truncate(REPLACED);
        self.log_pages += pages.len();
        self.log.push_back(Commit { by, pages: pages.into() });
        while self.log.len() > LOG_LENGTH || self.log_pages > LOG_PAGES {
            match self.log.pop_front() {
                Some(commit) => self.log_pages -= commit.pages.len(),
                None => break,
            }
        }
        self.tip
    }

    /// Records that anything may have changed.
    pub fn record_unknown(&mut self) -> CommitNo {
        self.tip += 1;
        self.floor = self.tip;
        self.log.clear();
        self.log_pages = 0;
        self.cache.clear();
        self.older.clear();
        self.queue.clear();
        self.tip
    }

    /// What changed in the commits after `from` up to and including `to`, and whether somebody else than `me` did it.
    pub fn changes(&self, from: CommitNo, to: CommitNo, me: PagerId) -> (Changes, bool) {
        let first_logged = self.tip + 1 - self.log.len() as u64;
        if from < self.floor || from + 1 < first_logged || to > self.tip || to < from {
            return (Changes::All, true);
        }
        let range = (from + 1 - first_logged) as usize..(to + 1 - first_logged) as usize;
        let commits = self.log.range(range);
        let foreign = commits.clone().any(|c| c.by != Some(me));
        (Changes::Pages(commits.map(|c| c.pages.clone()).collect()), foreign)
    }

    /// True where [`Self::get`] answers a page.
    pub fn has(&self, no: PageNo, at: CommitNo) -> bool {
        self.find(no, at).is_some()
    }

    /// A page as it is at commit `at`, if the cache has it.
    pub fn get(&self, no: PageNo, at: CommitNo) -> Option<PageRef> {
        self.find(no, at).cloned()
    }

    fn find(&self, no: PageNo, at: CommitNo) -> Option<&PageRef> {
        match self.cache.get(&no.0) {
            Some(cached) if cached.from <= at => Some(&cached.page),
            _ if self.older.back().is_none_or(|newest| newest.until <= at) => None,
            _ => {
                let sees = |older: &&Older| older.page.no() == no && older.from <= at && at < older.until;
                self.older.iter().rev().find(sees).map(|older| &older.page)
            }
        }
    }

    /// Offers a page that was read at commit `at`; kept where nothing changed it since.
    pub fn put(&mut self, no: PageNo, at: CommitNo, page: PageRef) {
        let unchanged_since = match self.changes(at, self.tip, 0).0 {
            Changes::All => at == self.tip,
            Changes::Pages(lists) => !lists.iter().any(|pages| pages.binary_search(&no.0).is_ok()),
        };
        if unchanged_since {
            self.keep(no, at, page);
        }
    }

    /// Offers pages that the newest commit has written.
    pub fn put_newest<'a>(&mut self, pages: impl Iterator<Item = &'a PageRef>) {
        for page in pages {
            self.keep(page.no(), self.tip, page.clone());
        }
    }

    /// Lets go of all shared pages; which commit changed what stays known.
    pub fn forget_pages(&mut self) {
        self.cache = HashMap::new();
        self.queue = VecDeque::new();
        self.replaced = Vec::new();
    }

    fn keep(&mut self, no: PageNo, at: CommitNo, page: PageRef) {
        let capacity = CACHE_BYTES / page.len();
        if self.cache.insert(no.0, Cached { from: at, page }).is_none() {
            self.queue.push_back(no.0);
        }
        while self.cache.len() > capacity || self.queue.len() > 2 * capacity {
            match self.queue.pop_front() {
                Some(old) => drop(self.cache.remove(&old)),
                None => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Page;

    fn page(no: u32) -> PageRef {
        Page::zeroed(PageNo(no), 512)
    }

    #[test]
    fn a_page_is_shared_by_the_snapshots_between_two_changes_of_it() {
        let mut v = Versions::new();
        v.keep_older(true);
        let before = v.tip();
        v.put(PageNo(5), before, page(5));
        let after = v.record(Some(1), vec![6]);
        assert!(v.get(PageNo(5), after).is_some());
        let changed = v.record(Some(1), vec![7, 5]);
        assert!(v.get(PageNo(5), changed).is_none());
        // Snapshots from before see what it was.
        assert!(v.get(PageNo(5), before).is_some() && v.get(PageNo(5), after).is_some());
        // An image read under an older snapshot is not offered to newer ones.
        v.put(PageNo(5), after, page(5));
        assert!(v.get(PageNo(5), changed).is_none());
        v.put(PageNo(5), changed, page(5));
        assert!(v.get(PageNo(5), changed).is_some() && v.get(PageNo(5), after).is_some());
        assert!(v.get(PageNo(5), before - 1).is_none());
        v.record_unknown();
        assert!(v.get(PageNo(5), v.tip()).is_none());
        assert!(matches!(v.changes(changed, v.tip(), 1), (Changes::All, true)));
    }
}
