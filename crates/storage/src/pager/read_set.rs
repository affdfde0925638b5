//! The pages that a transaction has read, for those who want to know whether they have changed since.
//!
//! Kept as a list with few repetitions; beyond a bound it stands for all pages.

use super::Pager;
use crate::file::versions::{Changes, CommitNo};
use crate::format::DatabaseHeader;
use crate::page::PageNo;

/// Page numbers that are kept.
const MOST: usize = 1 << 16;
/// Slots of the filter that keeps repetitions out.
const RECENT: usize = 256;

/// See the module's documentation.
pub(super) struct ReadSet {
    pages: Vec<u32>,
    /// The last page noted in each slot.
    recent: [u32; RECENT],
    all: bool,
}

impl Default for ReadSet {
    fn default() -> Self {
        Self { pages: Vec::new(), recent: [0; RECENT], all: false }
    }
}

impl ReadSet {
    fn note(&mut self, no: u32) {
        let slot = &mut self.recent[no as usize % RECENT];
        if *slot == no || self.all {
            return;
        }
        *slot = no;
        if self.pages.len() == MOST {
            self.pages.sort_unstable();
            self.pages.dedup();
            self.all = self.pages.len() > MOST / 2;
        }
        self.pages.push(no);
    }
}

impl Pager {
    /// Notes from now on which pages the snapshot in hand is asked for; until it ends.
    pub fn track_reads(&mut self) {
        if self.in_read() && self.file().is_some_and(|file| file.wal.is_some()) {
            self.read_set = Some(Box::default());
        }
    }

    #[inline]
    pub(crate) fn tracks_reads(&self) -> bool {
        self.read_set.is_some()
    }

    #[inline(never)]
    pub(super) fn note_read(&mut self, no: PageNo) {
        if let Some(set) = &mut self.read_set {
            set.note(no.0);
        }
    }

    /// True where no page that was read has changed in the commits after the snapshot, up to `newest`. Page 1 is judged by
    /// its header alone, which the caller compares: counters in it change with every commit.
    pub(super) fn reads_unchanged(&mut self, since: CommitNo, newest: CommitNo) -> bool {
        let file = self.file_mut();
        let (changes, _) = file.db.versions().changes(since, newest, 0);
        let (Changes::Pages(lists), Some(set)) = (changes, &mut self.read_set) else { return false };
        set.pages.sort_unstable();
        set.pages.dedup();
        let was_read = |no: &u32| *no != 1 && (set.all || set.pages.binary_search(no).is_ok());
        !lists.iter().any(|pages| pages.iter().any(was_read))
    }
}

/// True where two headers differ in counters and sizes only.
pub(super) fn same_content(a: &DatabaseHeader, b: &DatabaseHeader) -> bool {
    let plain = |header: &DatabaseHeader| DatabaseHeader {
        change_counter: 0,
        database_size: 0,
        freelist_trunk: 0,
        freelist_count: 0,
        version_valid_for: 0,
        sqlite_version: 0,
        ..*header
    };
    plain(a) == plain(b)
}
