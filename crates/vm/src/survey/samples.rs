//! Which entries of an index are kept as samples, in one pass over it.
//!
//! ```text
//!   entries   a a a a b c c c c c c d e e ...        groups by the first column; within them groups by two columns, and so on
//!   periodic        ^           ^           ^        every so many entries one, wherever it falls
//!   best      ^             ^                        the entries of the largest groups fill the rest of the places
//! ```
//! A group is known once its last entry has been seen; then its *representative* (of the largest group within it) applies for a
//! place. It gets none where the group has a sample already. Where groups are equally large, chance decides, so that their samples
//! spread over the index; it depends on the place of the entry alone, and so every ANALYZE of the same data finds the same samples.

use std::cmp::{Ordering, Reverse};

/// What is known about an entry among those that share a prefix with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Entries with the same prefix.
    pub equal: u64,
    /// Entries before all of them.
    pub before: u64,
    /// Different prefixes before.
    pub distinct_before: u64,
}

/// An entry that is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// By the number of columns in the prefix, less one.
    pub places: Vec<Place>,
    /// The entry.
    pub record: Vec<u8>,
    /// The shortest prefix for whose group it stands.
    level: usize,
    periodic: bool,
}

impl Sample {
    /// The entry's own number.
    fn position(&self) -> u64 {
        self.places.last().map_or(0, |p| p.before)
    }

    fn copy_from(&mut self, other: &Sample) {
        self.places.clone_from(&other.places);
        self.record.clone_from(&other.record);
        (self.level, self.periodic) = (other.level, other.periodic);
    }

    /// Which of two should rather be kept.
    fn worth(&self, other: &Sample) -> Ordering {
        let size = |s: &Sample| s.places.get(s.level).map_or(0, |p| p.equal);
        let inner = |s: &Sample| s.places.get(s.level + 1).map_or(0, |p| p.equal);
        (size(self), Reverse(self.level), inner(self), chance(self.position())).cmp(&(
            size(other),
            Reverse(other.level),
            inner(other),
            chance(other.position()),
        ))
    }
}

/// A number that has nothing to do with the place except that it is always the same (the finalizer of SplitMix64).
fn chance(position: u64) -> u64 {
    let mut x = position.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Groups by more columns than these are not looked at.
const MOST_LEVELS: usize = 64;
/// Entries longer than this are no samples: two dozen of them for each index are read with the schema.
const LONGEST: usize = 1 << 20;

/// The samples of one index.
#[derive(Debug)]
pub(super) struct Samples {
    width: usize,
    most: usize,
    /// Distance of the periodic samples.
    every: u64,
    /// Kept so far, in the order of the index.
    kept: Vec<Sample>,
    /// By level: the representative of the group that is still open.
    best: Vec<Option<Sample>>,
    /// The one that goes next.
    worst: Option<usize>,
    scratch: Sample,
}

/// The groups that are open: by the number of columns in the prefix, less one, how many entries came before the group, and how
/// many different prefixes there have been, this one included.
#[derive(Debug, Clone, Default)]
pub(super) struct Open {
    pub starts: Vec<u64>,
    pub distinct: Vec<u64>,
}

impl Open {
    fn place(&self, level: usize) -> Place {
        Place { equal: 0, before: self.starts[level], distinct_before: self.distinct[level].saturating_sub(1) }
    }
}

impl Samples {
    /// Of an index with `rows` entries of `width` columns: at most `most` samples.
    pub fn new(width: usize, most: usize, rows: u64) -> Self {
        let periodic = most as u64 / 3 + 1;
        Self {
            width,
            most,
            every: rows / periodic + 1,
            kept: Vec::with_capacity(most),
            best: vec![None; width.saturating_sub(1).min(MOST_LEVELS)],
            worst: None,
            scratch: Sample::default(),
        }
    }

    /// The groups by more than `same` columns have ended. `last` is their last entry, `seen` the number of entries so far.
    pub fn close(&mut self, same: usize, open: &Open, seen: u64, last: &[u8]) {
        for level in (same..self.width).rev() {
            let (start, equal) = (open.starts[level], seen - open.starts[level]);
            let mut has_sample = false;
            for sample in self.kept.iter_mut().rev().take_while(|s| s.places[level].before == start) {
                sample.places[level].equal = equal;
                has_sample = true;
            }
            if level >= self.best.len() {
                continue;
            }
            let mut candidate = std::mem::take(&mut self.scratch);
            match self.best[level].take() {
                Some(best) => {
                    candidate = best;
                    for outer in 0..=level {
                        candidate.places[outer] = open.place(outer);
                    }
                }
                None => {
                    candidate.places.clear();
                    candidate.places.extend((0..self.width).map(|l| open.place(l)));
                    for (l, place) in candidate.places.iter_mut().enumerate().skip(level) {
                        place.equal = seen - open.starts[l];
                    }
                    candidate.record.clear();
                    if last.len() <= LONGEST {
                        candidate.record.extend_from_slice(last);
                    }
                }
            }
            candidate.places[level].equal = equal;
            (candidate.level, candidate.periodic) = (level, false);
            self.represent(level, &candidate);
            if has_sample {
                self.promote(level, start);
            } else {
                self.keep(&candidate);
            }
            self.scratch = candidate;
        }
    }

    /// The largest group within a group represents it.
    fn represent(&mut self, level: usize, candidate: &Sample) {
        let Some(outer) = level.checked_sub(1).and_then(|l| self.best.get_mut(l)) else { return };
        let size = |s: &Sample| s.places.get(level).map_or(0, |p| p.equal);
        match outer {
            Some(best) if size(best) >= size(candidate) => {}
            Some(best) => best.copy_from(candidate),
            None => *outer = Some(candidate.clone()),
        }
    }

    /// The group that began at `start` has samples: the best of them stands for it, unless one is there anyway.
    fn promote(&mut self, level: usize, start: u64) {
        let within = self.kept.iter().enumerate().rev().take_while(|(_, s)| s.places[level].before == start);
        let mut best: Option<usize> = None;
        for (at, sample) in within {
            if sample.periodic {
                return;
            }
            if best.is_none_or(|b| sample.worth(&self.kept[b]) == Ordering::Greater) {
                best = Some(at);
            }
        }
        if let Some(best) = best {
            self.kept[best].level = level;
            self.worst = None;
        }
    }

    /// Entry number `open.starts[width - 1]` has come; its groups are open.
    pub fn arrive(&mut self, open: &Open, seen: u64, record: &[u8]) {
        if seen % self.every != self.every - 1 || record.len() > LONGEST {
            return;
        }
        let places = (0..self.width).map(|l| open.place(l)).collect();
        let sample = Sample { places, record: record.to_vec(), level: 0, periodic: true };
        if self.kept.len() >= self.most {
            match self.worst() {
                Some(worst) => drop(self.kept.remove(worst)),
                None => return,
            }
        }
        self.insert(sample);
    }

    fn keep(&mut self, candidate: &Sample) {
        if candidate.record.is_empty() {
            return;
        }
        if self.kept.len() >= self.most {
            let Some(worst) = self.worst() else { return };
            if candidate.worth(&self.kept[worst]) != Ordering::Greater {
                return;
            }
            self.kept.remove(worst);
        }
        self.insert(candidate.clone());
    }

    fn insert(&mut self, sample: Sample) {
        let at = self.kept.partition_point(|s| s.position() < sample.position());
        self.kept.insert(at, sample);
        self.worst = None;
    }

    /// The sample that is worth least; periodic ones stay.
    fn worst(&mut self) -> Option<usize> {
        if self.worst.is_none() {
            let others = self.kept.iter().enumerate().filter(|(_, s)| !s.periodic);
            self.worst = others.min_by(|(_, a), (_, b)| a.worth(b)).map(|(at, _)| at);
        }
        self.worst
    }

    /// Take the samples, in the order of the index.
    pub fn take(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.kept)
    }
}
