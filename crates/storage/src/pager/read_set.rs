//! What a transaction has read, for those who want to know whether it has changed since.
//!
//! What a cursor has searched for, and what it went over from there, is noted as a [`Span`] of keys, with the pages of the
//! cursor's path. While none of these changes, neither does what the span holds; otherwise it is read again, before and after:
//! `concurrent/reads.rs`. What is read in any other way, or goes on for long, is noted as the pages that it lies on: a list with
//! few repetitions, which beyond a bound stands for all pages.

use std::sync::atomic::{AtomicU32, Ordering};

use turso_value::Value;

use super::Pager;
use crate::btree::CursorKind;
use crate::file::versions::{Changes, CommitNo};
use crate::format::DatabaseHeader;
use crate::page::PageNo;

/// Page numbers that are kept.
const MOST: usize = 1 << 16;
/// Slots of the filter that keeps repetitions out.
const RECENT: usize = 256;
/// Spans that are kept: what is read beyond them is noted by page.
const MOST_SPANS: usize = 1 << 14;
/// Steps from the place of the search that a span follows.
const MOST_STEPS: u32 = 64;

/// Keys that a cursor has looked at, all that lie between them included: those that were not there are not to come.
pub(crate) struct Span {
    pub root: PageNo,
    pub kind: CursorKind,
    pub range: Range,
    steps: u32,
}

/// See [`Span`].
pub(crate) enum Range {
    /// Rowids, both ends included.
    Rows { low: i64, high: i64 },
    /// Entries that begin with the key, and those from there to the end, `back` from it or forward.
    Entries { key: Box<[Value]>, back: Option<bool>, end: End },
}

/// How far a span of entries goes.
pub(crate) enum End {
    /// No farther than the key.
    Key,
    /// Up to this record.
    At(Vec<u8>),
    /// Up to the end of the tree.
    Open,
}

/// Names a span, for the cursor that goes on with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpanId {
    /// The read set's number; 0 is none's.
    set: u32,
    at: u32,
}

/// See the module's documentation.
pub(super) struct ReadSet {
    /// A number that no other one of the process has, as long as it matters.
    number: u32,
    pages: Vec<u32>,
    /// The last page noted in each slot.
    recent: [u32; RECENT],
    all: bool,
    /// What is read is noted otherwise, or is of no interest.
    quiet: bool,
    spans: Vec<Span>,
    /// Pages of their paths.
    paths: Vec<(u32, u32)>,
}

/// What has to be looked at again.
pub(super) enum Suspects {
    /// It is known, or cannot be ruled out, that something has changed.
    Changed,
    /// These spans, by their positions, and nothing else.
    Spans(Vec<u32>),
}

impl ReadSet {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        Self {
            number,
            pages: Vec::new(),
            recent: [0; RECENT],
            all: false,
            quiet: false,
            spans: Vec::new(),
            paths: Vec::new(),
        }
    }

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

    fn span(&mut self, id: SpanId) -> Option<&mut Span> {
        if id.set == self.number { self.spans.get_mut(id.at as usize) } else { None }
    }

    pub(super) fn get(&self, at: u32) -> Option<&Span> {
        self.spans.get(at as usize)
    }

    /// Page 1 is judged by its header alone, which the caller compares: counters in it change with every commit.
    fn suspects(&mut self, changes: &Changes) -> Suspects {
        let lists = match changes {
            Changes::Pages(lists) => lists,
            Changes::All if self.all || self.pages.iter().any(|no| *no != 1) => return Suspects::Changed,
            Changes::All => return Suspects::Spans((0..self.spans.len() as u32).collect()),
        };
        self.pages.sort_unstable();
        self.pages.dedup();
        self.paths.sort_unstable();
        self.paths.dedup();
        let mut spans = Vec::new();
        for no in lists.iter().flat_map(|pages| pages.iter().copied()) {
            if no != 1 && (self.all || self.pages.binary_search(&no).is_ok()) {
                return Suspects::Changed;
            }
            let from = self.paths.partition_point(|(page, _)| *page < no);
            spans.extend(self.paths[from..].iter().take_while(|(page, _)| *page == no).map(|(_, span)| *span));
        }
        spans.sort_unstable();
        spans.dedup();
        Suspects::Spans(spans)
    }
}

impl Pager {
    /// Notes from now on what the snapshot in hand is asked for; until it ends.
    pub fn track_reads(&mut self) {
        if self.in_read() && self.file().is_some_and(|file| file.wal.is_some()) {
            self.read_set = Some(Box::new(ReadSet::new()));
        }
    }

    /// True where pages that are asked for are noted.
    #[inline]
    pub(crate) fn tracks_reads(&self) -> bool {
        self.read_set.as_ref().is_some_and(|set| !set.quiet)
    }

    #[inline(never)]
    pub(crate) fn note_read(&mut self, no: PageNo) {
        if let Some(set) = &mut self.read_set {
            set.note(no.0);
        }
    }

    /// Whether pages go unnoted from now on: they are noted otherwise.
    pub(crate) fn read_quietly(&mut self, quiet: bool) {
        if let Some(set) = &mut self.read_set {
            set.quiet = quiet;
        }
    }

    // ---- Spans ----------------------------------------------------------------------------------------------------------

    /// Notes a search. `None` where there are too many to be kept.
    pub(crate) fn begin_span(&mut self, root: PageNo, kind: &CursorKind, range: Range) -> Option<SpanId> {
        let set = self.read_set.as_mut().filter(|set| set.spans.len() < MOST_SPANS)?;
        set.spans.push(Span { root, kind: kind.clone(), range, steps: 0 });
        Some(SpanId { set: set.number, at: set.spans.len() as u32 - 1 })
    }

    /// What the span says is to be found by way of these pages, of which the last is the one where the cursor stands.
    pub(crate) fn note_path(&mut self, id: SpanId, path: impl DoubleEndedIterator<Item = PageNo> + Clone) {
        if let Some(set) = &mut self.read_set
            && set.span(id).is_some()
            // Steps mostly stay on a leaf.
            && set.paths.last().copied() != path.clone().next_back().map(|no| (no.0, id.at))
        {
            set.paths.extend(path.map(|no| (no.0, id.at)));
        }
    }

    /// The same of a span that was read again, under another snapshot: there it is to be found by way of these pages.
    pub(crate) fn note_new_way(&mut self, at: u32, way: &[PageNo]) {
        if let Some(set) = &mut self.read_set {
            set.paths.extend(way.iter().map(|no| (no.0, at)));
        }
    }

    /// True where the span can go on in that direction.
    pub(crate) fn may_extend(&mut self, id: SpanId, backwards: bool) -> bool {
        let Some(span) = self.read_set.as_mut().and_then(|set| set.span(id)) else { return false };
        let turns = matches!(&span.range, Range::Entries { back: Some(back), .. } if *back != backwards);
        span.steps < MOST_STEPS && !turns
    }

    /// The cursor has gone on to this row, or to the end of the table.
    pub(crate) fn extend_rows(&mut self, id: SpanId, rowid: Option<i64>, backwards: bool) {
        let Some(span) = self.read_set.as_mut().and_then(|set| set.span(id)) else { return };
        span.steps += 1;
        if let Range::Rows { low, high } = &mut span.range {
            *low = (*low).min(rowid.unwrap_or(if backwards { i64::MIN } else { i64::MAX }));
            *high = (*high).max(rowid.unwrap_or(if backwards { i64::MIN } else { i64::MAX }));
        }
    }

    /// The cursor has gone on to this entry, or to the end of the tree.
    pub(crate) fn extend_entries(&mut self, id: SpanId, record: Option<&[u8]>, backwards: bool) {
        let Some(span) = self.read_set.as_mut().and_then(|set| set.span(id)) else { return };
        span.steps += 1;
        if let Range::Entries { back, end, .. } = &mut span.range {
            *back = Some(backwards);
            match (record, end) {
                (None, end) => *end = End::Open,
                (Some(record), End::At(known)) => {
                    known.clear();
                    known.extend_from_slice(record);
                }
                (Some(record), end) => *end = End::At(record.to_vec()),
            }
        }
    }

    /// What has been read and may have changed in the commits after the snapshot, up to `newest`.
    pub(super) fn suspects(&mut self, since: CommitNo, newest: CommitNo) -> Suspects {
        let file = self.file_mut();
        let (changes, _) = file.db.versions().changes(since, newest, 0);
        self.read_set.as_mut().map_or(Suspects::Changed, |set| set.suspects(&changes))
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
