//! The net changes of a log in the order of their keys, for a replay.
//!
//! ```text
//!   short log:  memory ------------------------------------------------------------------> memory, one piece
//!   long log:   spilled parts --each sorted, one at a time--> runs --merged--> pieces, of which one at a time is in memory
//! ```
//! Of several changes of one key the last counts: within a part as the sort is stable, among runs since the later one is the later
//! part. Where there is no room for the files, memory has to do.

use std::cmp::Ordering;
use std::ops::Range;

use turso_error::{Error, Result, ResultCode};
use turso_io::Io;

use super::log::{Change, RowLog, compare_changes, place};
use super::rules::Rules;
use super::spilled::Spilled;

/// Bytes of a run that are in memory while it is merged, at most, and of all runs together.
const RUN_BYTES: usize = 1 << 18;
const RUNS_BYTES: usize = 1 << 24;
/// Bytes of a piece.
const PIECE_BYTES: usize = 1 << 18;

impl RowLog {
    /// Sorts the log; the first piece of its net changes.
    pub fn sort(&mut self, rules: &Rules, io: &dyn Io) -> Result<Vec<Change>> {
        if self.lost {
            return Err(Error::from_code(ResultCode::IOERR_READ));
        }
        if self.is_spilled() {
            match self.sort_in_files(rules, io) {
                Ok(pieces) => {
                    self.pieces = Some(Box::new(pieces));
                    self.spilled = None;
                    return self.piece(0);
                }
                // An error of a comparison comes again.
                Err(_) => self.load()?,
            }
        }
        self.net(rules)
    }

    /// In how many pieces the net changes of the sorted log are.
    pub fn pieces(&self) -> usize {
        self.pieces.as_ref().map_or(1, |pieces| pieces.parts())
    }

    /// Brings a piece of a long log into memory: its changes.
    pub fn piece(&mut self, at: usize) -> Result<Vec<Change>> {
        if let Some(pieces) = &self.pieces {
            (self.changes, self.bytes) = (Vec::new(), Vec::new());
            (self.changes, self.bytes) = pieces.part(at)?;
            place(&mut self.changes);
        }
        Ok(self.changes.clone())
    }

    fn sort_in_files(&mut self, rules: &Rules, io: &dyn Io) -> Result<Spilled> {
        // What is in memory is the last part.
        self.try_to_spill(io)?;
        let Some(spilled) = self.spilled.take() else { return Err(Error::from_code(ResultCode::INTERNAL)) };
        let sorted = self.sort_parts(&spilled, rules, io);
        (self.changes, self.bytes) = (Vec::new(), Vec::new());
        self.spilled = Some(spilled);
        let (file, runs) = sorted?;
        merge(&file, runs, rules, Spilled::new(io)?)
    }

    /// Each part becomes a run: parts of another file that are small enough for many runs to be merged at once.
    fn sort_parts(&mut self, spilled: &Spilled, rules: &Rules, io: &dyn Io) -> Result<(Spilled, Vec<Range<usize>>)> {
        let mut out = Writer::new(Spilled::new(io)?, RUN_BYTES.min(RUNS_BYTES / spilled.parts().max(1)));
        let mut runs = Vec::with_capacity(spilled.parts());
        for at in 0..spilled.parts() {
            (self.changes, self.bytes) = (Vec::new(), Vec::new());
            (self.changes, self.bytes) = spilled.part(at)?;
            place(&mut self.changes);
            let begin = out.file.parts();
            for change in self.net(rules)? {
                out.put(&change, self.record(&change).0)?;
            }
            out.flush()?;
            runs.push(begin..out.file.parts());
        }
        Ok((out.file, runs))
    }
}

/// Gathers changes in parts of a size.
struct Writer {
    file: Spilled,
    part_bytes: usize,
    changes: Vec<Change>,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(file: Spilled, part_bytes: usize) -> Self {
        Self { file, part_bytes, changes: Vec::new(), bytes: Vec::new() }
    }

    fn put(&mut self, change: &Change, record: &[u8]) -> Result<()> {
        self.changes.push(*change);
        self.bytes.extend_from_slice(record);
        if self.changes.len() * Change::SIZE + self.bytes.len() >= self.part_bytes {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if !self.changes.is_empty() {
            self.file.append(&self.changes, &self.bytes)?;
            self.changes.clear();
            self.bytes.clear();
        }
        Ok(())
    }
}

/// A run that is being merged.
struct Run {
    parts: Range<usize>,
    changes: Vec<Change>,
    bytes: Vec<u8>,
    at: usize,
}

impl Run {
    /// Its next change, which is in memory once [`Run::fill`] has been called.
    fn head(&self) -> Option<(&Change, &[u8])> {
        let change = self.changes.get(self.at)?;
        Some((change, self.bytes.get(change.start..change.start + change.len as usize).unwrap_or(&[])))
    }

    fn fill(&mut self, file: &Spilled) -> Result<()> {
        if self.at >= self.changes.len()
            && let Some(part) = self.parts.next()
        {
            (self.changes, self.bytes) = file.part(part)?;
            place(&mut self.changes);
            self.at = 0;
        }
        Ok(())
    }
}

/// Merges runs: of equal keys that of the last one stays.
fn merge(file: &Spilled, runs: Vec<Range<usize>>, rules: &Rules, pieces: Spilled) -> Result<Spilled> {
    let mut out = Writer::new(pieces, PIECE_BYTES);
    let mut runs: Vec<Run> =
        runs.into_iter().map(|parts| Run { parts, changes: Vec::new(), bytes: Vec::new(), at: 0 }).collect();
    // The runs that are not at their end, the one with the least head last.
    let mut order: Vec<usize> = Vec::with_capacity(runs.len());
    for at in 0..runs.len() {
        runs[at].fill(file)?;
        enter(&mut order, &runs, at, rules)?;
    }
    while let Some(least) = order.pop() {
        let (Some(head), next) = (runs[least].head(), order.last().and_then(|next| runs[*next].head())) else {
            continue;
        };
        let is_last = match next {
            Some(next) => compare_changes(head, next, rules)?.is_ne(),
            None => true,
        };
        if is_last {
            out.put(head.0, head.1)?;
        }
        runs[least].at += 1;
        runs[least].fill(file)?;
        enter(&mut order, &runs, least, rules)?;
    }
    out.flush()?;
    Ok(out.file)
}

/// Puts a run into its place among those that are ordered by their heads: of equal ones the earlier run comes first.
fn enter(order: &mut Vec<usize>, runs: &[Run], run: usize, rules: &Rules) -> Result<()> {
    let Some(head) = runs[run].head() else { return Ok(()) };
    let (mut low, mut high) = (0, order.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let other = order[middle];
        let compared = match runs[other].head() {
            Some(other_head) => compare_changes(other_head, head, rules)?.then(other.cmp(&run)),
            None => Ordering::Greater,
        };
        if compared.is_gt() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    order.insert(low, run);
    Ok(())
}
