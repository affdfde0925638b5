//! What the concurrent transactions of one file share in this process.
//!
//! **Keys of past commits.** While concurrent snapshots live, each commit of this process leaves the keys of the rows that it
//! changed, and in trees without rowids those of the entries that came or went. A transaction that meets one of its own keys there was overtaken on that row, even if the row's bytes are what
//! they were (A -> B -> A). Where all commits since a snapshot have left their keys, a key that is not among them is
//! unchanged, and no old page has to be read.
//!
//! **Numbers for new rows.** Automatic rowids of concurrent transactions come from one place, so that appends never collide.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::file::DatabaseFile;
use crate::file::guard;
use crate::file::versions::CommitNo;
use crate::page::PageNo;
use crate::planted::{self, Planted};

/// Keys that are kept, over all commits: beyond that the oldest go, and whoever needed them compares bytes.
const MAX_KEYS: usize = 1 << 20;

/// Identifies a row of a rowid table: a hash that two rows share once in 2^64.
#[inline]
pub(crate) fn row_key(root: PageNo, rowid: i64) -> u64 {
    // The finalizer of splitmix64, twice: every bit of the input changes half of the result.
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    mix(mix(rowid as u64).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(root.0)))
}

/// Identifies an entry of an index or of a table WITHOUT ROWID by its whole record, in the same way.
pub(crate) fn entry_key(root: PageNo, record: &[u8]) -> u64 {
    // A record that was given with zeros behind it is the same one written out.
    let end = record.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let (words, rest) = record[..end].as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let fold =
        |key: u64, word: [u8; 8]| (key.rotate_left(29) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let key = words.iter().copied().chain([last]).fold(end as u64, fold);
    row_key(root, (key ^ (key >> 32)) as i64)
}

#[derive(Default)]
struct Inner {
    /// Concurrent snapshots by commit.
    live: BTreeMap<CommitNo, usize>,
    /// Commits that have left their keys, ascending; the keys are sorted.
    commits: VecDeque<(CommitNo, Arc<[u64]>)>,
    keys: usize,
    /// The next automatic rowid of a table, by root.
    next_rowid: HashMap<u32, i64>,
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Shared {
    /// How many concurrent snapshots live, to be read without the lock.
    live: AtomicUsize,
    inner: Mutex<Inner>,
}

/// What past commits say about a transaction's rows.
pub(crate) struct Overtaken {
    /// Every commit since the snapshot has left its keys.
    pub complete: bool,
    lists: Vec<Arc<[u64]>>,
}

impl Overtaken {
    /// True where one of the commits has changed the row.
    pub fn changed(&self, key: u64) -> bool {
        self.lists.iter().any(|keys| keys.binary_search(&key).is_ok())
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        guard(&self.inner)
    }

    /// True where concurrent transactions are under way.
    #[inline]
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire) > 0
    }

    /// A commit has changed the rows with these keys. `None`: it is not known which.
    pub fn record(&self, commit: CommitNo, keys: Option<Vec<u64>>) {
        let (true, Some(mut keys)) = (self.is_live(), keys) else { return };
        keys.sort_unstable();
        keys.dedup();
        let mut inner = self.inner();
        inner.keys += keys.len();
        inner.commits.push_back((commit, keys.into()));
        while inner.keys > MAX_KEYS && inner.drop_oldest() {}
    }

    /// The commits after `from` up to `to`.
    pub fn overtaken(&self, from: CommitNo, to: CommitNo) -> Overtaken {
        let inner = self.inner();
        let lists: Vec<Arc<[u64]>> = inner
            .commits
            .iter()
            .filter(|(commit, _)| *commit > from && *commit <= to)
            .map(|(_, keys)| keys.clone())
            .collect();
        Overtaken { complete: lists.len() as u64 == to.saturating_sub(from), lists }
    }

    /// A rowid for a new row that nobody else has been given: `candidate` (one more than the largest that the caller sees) or
    /// a greater one. A plain writer follows SQLite's rule as long as no concurrent transaction lives.
    pub fn claim_rowid(&self, root: PageNo, candidate: i64, concurrent: bool) -> i64 {
        let mut inner = self.inner();
        if planted::has(Planted::OwnRowids) {
            return candidate;
        }
        let skips = concurrent || !inner.live.is_empty();
        let next = inner.next_rowid.entry(root.0).or_insert(candidate);
        let rowid = if skips { candidate.max(*next) } else { candidate };
        *next = (*next).max(rowid.saturating_add(1));
        rowid
    }

    /// A plain writer begins: numbers given out before are either in use or free again, unless somebody may hold them still.
    pub fn plain_writer_begins(&self) {
        if !self.is_live() {
            self.inner().next_rowid.clear();
        }
    }
}

impl Inner {
    fn drop_oldest(&mut self) -> bool {
        match self.commits.pop_front() {
            Some((_, keys)) => {
                self.keys -= keys.len();
                true
            }
            None => false,
        }
    }
}

/// A concurrent snapshot that is alive.
pub(crate) struct LiveSnapshot {
    db: Arc<DatabaseFile>,
    commit: CommitNo,
}

impl LiveSnapshot {
    pub fn new(db: Arc<DatabaseFile>, commit: CommitNo) -> Self {
        let shared = db.concurrency();
        let mut inner = shared.inner();
        *inner.live.entry(commit).or_insert(0) += 1;
        shared.live.fetch_add(1, Ordering::AcqRel);
        drop(inner);
        Self { db, commit }
    }

    pub fn commit(&self) -> CommitNo {
        self.commit
    }
}

impl Drop for LiveSnapshot {
    fn drop(&mut self) {
        let shared = self.db.concurrency();
        let mut inner = shared.inner();
        shared.live.fetch_sub(1, Ordering::AcqRel);
        if let Some(count) = inner.live.get_mut(&self.commit) {
            *count -= 1;
            if *count == 0 {
                inner.live.remove(&self.commit);
            }
        }
        match inner.live.first_key_value().map(|(commit, _)| *commit) {
            Some(oldest) => {
                while inner.commits.front().is_some_and(|(commit, _)| *commit <= oldest) && inner.drop_oldest() {}
            }
            None => while inner.drop_oldest() {},
        }
    }
}
