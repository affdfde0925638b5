//! What a sorter has in files: sorted runs, and their merge.
//!
//! ```text
//!   memory full --> sorted --> run 0 | run 1 | run 2 | ...      one temporary file; records with their lengths in front
//!   sort        --> while there are too many runs: groups of them become longer runs
//!               --> merge: a heap over one reader per run, read as the program asks for rows
//! ```
//! Equal records keep their order of insertion: runs are numbered in that order, and neighbours are merged.
//! Reading may be pending, and goes on where it stopped when asked again.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, File};
use turso_storage::TempSpace;
use turso_value::KeyInfo;

use super::compare::compare;
use super::{HEAD, prefix};

/// Runs that are merged at once.
const FAN_IN: usize = 128;
/// Bytes that a reader asks for at a time.
const CHUNK: usize = 64 << 10;
/// Bytes gathered for one write.
const BATCH: usize = 256 << 10;

/// See the module's documentation.
pub(crate) struct External {
    space: Arc<TempSpace>,
    file: Arc<dyn File>,
    /// Bytes written.
    end: u64,
    runs: Vec<Range<u64>>,
    /// Runs that groups of `runs` have become.
    merged: Vec<Range<u64>>,
    /// A group on its way.
    group: Option<(Merge, Writer)>,
    merge: Option<Merge>,
}

/// Writes a run.
struct Writer {
    start: u64,
    buffer: Vec<u8>,
}

impl External {
    pub fn new(space: Arc<TempSpace>) -> Result<Self> {
        let file = space.open_file()?;
        Ok(Self { space, file, end: 0, runs: Vec::new(), merged: Vec::new(), group: None, merge: None })
    }

    /// Writes a run of records in their order, each with its length in front.
    pub fn write_run(&mut self, records: impl Iterator<Item = impl AsRef<[u8]>>) -> Result<()> {
        let mut writer = Writer { start: self.end, buffer: Vec::with_capacity(BATCH + CHUNK) };
        for record in records {
            self.write(&mut writer, record.as_ref())?;
        }
        let run = self.finish(writer)?;
        self.runs.push(run);
        Ok(())
    }

    fn write(&mut self, writer: &mut Writer, record: &[u8]) -> Result<()> {
        writer.buffer.extend_from_slice(&(record.len() as u32).to_ne_bytes());
        writer.buffer.extend_from_slice(record);
        if writer.buffer.len() >= BATCH { self.flush(writer) } else { Ok(()) }
    }

    fn flush(&mut self, writer: &mut Writer) -> Result<()> {
        self.file.write_at(&writer.buffer, self.end)?;
        self.end += writer.buffer.len() as u64;
        self.space.note_spilled(writer.buffer.len());
        writer.buffer.clear();
        Ok(())
    }

    fn finish(&mut self, mut writer: Writer) -> Result<Range<u64>> {
        self.flush(&mut writer)?;
        Ok(writer.start..self.end)
    }

    /// All runs are there: goes to the first record; false where there is none.
    pub fn rewind(&mut self, key: &KeyInfo) -> Result<bool> {
        self.reduce(key)?;
        let merge = self.merge.get_or_insert_with(|| Merge::new(&self.runs));
        if merge.moved {
            *merge = Merge::new(&self.runs);
        }
        merge.start(&self.space, &*self.file, key)?;
        Ok(merge.record().is_some())
    }

    /// Goes to the next record; false past the last one.
    pub fn next(&mut self, key: &KeyInfo) -> Result<bool> {
        let Some(merge) = &mut self.merge else { return Ok(false) };
        merge.next(&self.space, &*self.file, key)?;
        Ok(merge.record().is_some())
    }

    pub fn record(&self) -> Option<&[u8]> {
        self.merge.as_ref().and_then(Merge::record)
    }

    /// Makes fewer and longer runs, until they can be merged at once.
    fn reduce(&mut self, key: &KeyInfo) -> Result<()> {
        while self.runs.len() + self.merged.len() > FAN_IN || self.group.is_some() {
            let (mut merge, mut writer) = match self.group.take() {
                Some(group) => group,
                None if self.runs.is_empty() => {
                    self.runs = std::mem::take(&mut self.merged);
                    continue;
                }
                None => {
                    let group: Vec<_> = self.runs.drain(..self.runs.len().min(FAN_IN)).collect();
                    (Merge::new(&group), Writer { start: self.end, buffer: Vec::with_capacity(BATCH + CHUNK) })
                }
            };
            match self.merge_group(&mut merge, &mut writer, key) {
                Ok(()) => {
                    let run = self.finish(writer)?;
                    self.merged.push(run);
                }
                Err(Error::Pending) => {
                    self.group = Some((merge, writer));
                    return Err(Error::Pending);
                }
                Err(e) => return Err(e),
            }
        }
        if !self.merged.is_empty() {
            // The last group of a level was not worth merging.
            self.merged.append(&mut self.runs);
            self.runs = std::mem::take(&mut self.merged);
        }
        Ok(())
    }

    fn merge_group(&mut self, merge: &mut Merge, writer: &mut Writer, key: &KeyInfo) -> Result<()> {
        merge.start(&self.space, &*self.file, key)?;
        while merge.record().is_some() {
            self.copy_current(merge, writer)?;
            merge.next(&self.space, &*self.file, key)?;
        }
        Ok(())
    }

    /// Writes the current record of a merge, once.
    fn copy_current(&mut self, merge: &mut Merge, writer: &mut Writer) -> Result<()> {
        if !merge.copied
            && let Some(record) = merge.record()
        {
            self.write(writer, record)?;
            merge.copied = true;
        }
        Ok(())
    }
}

/// A merge of runs.
struct Merge {
    readers: Vec<Reader>,
    /// Numbers of readers that are on a record, the smallest record's on top.
    heap: Vec<usize>,
    /// Readers that are on their first record.
    started: usize,
    /// The first record has been left.
    moved: bool,
    /// The current record has been written to a longer run.
    copied: bool,
}

impl Merge {
    fn new(runs: &[Range<u64>]) -> Self {
        let readers = runs.iter().cloned().map(Reader::new).collect();
        Self { readers, heap: Vec::new(), started: 0, moved: false, copied: false }
    }

    /// Brings every reader to its first record.
    fn start(&mut self, space: &TempSpace, file: &dyn File, key: &KeyInfo) -> Result<()> {
        while let Some(reader) = self.readers.get_mut(self.started) {
            if reader.advance(space, file, key)? {
                self.heap.push(self.started);
            }
            self.started += 1;
            if self.started == self.readers.len() {
                for at in (0..self.heap.len() / 2).rev() {
                    self.sift_down(at, key)?;
                }
            }
        }
        Ok(())
    }

    fn next(&mut self, space: &TempSpace, file: &dyn File, key: &KeyInfo) -> Result<()> {
        let Some(&top) = self.heap.first() else { return Ok(()) };
        let Some(reader) = self.readers.get_mut(top) else { return Ok(()) };
        if !reader.advance(space, file, key)? {
            reader.buffer = Vec::new();
            self.heap.swap_remove(0);
        }
        self.moved = true;
        self.copied = false;
        self.sift_down(0, key)
    }

    fn record(&self) -> Option<&[u8]> {
        let top = *self.heap.first()?;
        self.readers.get(top).map(Reader::record)
    }

    fn compare(&self, a: usize, b: usize, key: &KeyInfo) -> Result<Ordering> {
        let (x, y) = (&self.readers[a], &self.readers[b]);
        let order = match x.prefix.cmp(&y.prefix) {
            Ordering::Equal => compare(x.record(), y.record(), key)?,
            order => order,
        };
        Ok(order.then(a.cmp(&b)))
    }

    fn sift_down(&mut self, mut at: usize, key: &KeyInfo) -> Result<()> {
        loop {
            let mut child = 2 * at + 1;
            if child >= self.heap.len() {
                return Ok(());
            }
            if child + 1 < self.heap.len() && self.compare(self.heap[child + 1], self.heap[child], key)?.is_lt() {
                child += 1;
            }
            if self.compare(self.heap[at], self.heap[child], key)?.is_lt() {
                return Ok(());
            }
            self.heap.swap(at, child);
            at = child;
        }
    }
}

/// Reads a run.
struct Reader {
    /// What has not been read yet.
    rest: Range<u64>,
    buffer: Vec<u8>,
    /// Where the current record's length stands; meaningless before the first one.
    at: usize,
    len: usize,
    on_record: bool,
    prefix: u64,
    reading: Option<Completion>,
}

impl Reader {
    fn new(run: Range<u64>) -> Self {
        Self { rest: run, buffer: Vec::new(), at: 0, len: 0, on_record: false, prefix: 0, reading: None }
    }

    fn record(&self) -> &[u8] {
        self.buffer.get(self.at + HEAD..self.at + HEAD + self.len).unwrap_or(&[])
    }

    /// Goes to the next record; false at the end of the run.
    fn advance(&mut self, space: &TempSpace, file: &dyn File, key: &KeyInfo) -> Result<bool> {
        loop {
            let next = if self.on_record { self.at + HEAD + self.len } else { self.at };
            let have = self.buffer.len().saturating_sub(next);
            let len = self.buffer.get(next..).and_then(|rest| rest.first_chunk()).map(|head| u32::from_ne_bytes(*head));
            let need = HEAD + len.unwrap_or(0) as usize;
            if len.is_some() && have >= need {
                (self.at, self.len, self.on_record) = (next, need - HEAD, true);
                self.prefix = prefix::of(self.record(), key)?.bits;
                return Ok(true);
            }
            let left = self.rest.end - self.rest.start;
            if left == 0 {
                return if have == 0 { Ok(false) } else { Err(Error::from_code(ResultCode::IOERR_SHORT_READ)) };
            }
            let more = left.min(CHUNK.max(need - have) as u64);
            let bytes = space.read(file, &mut self.reading, self.rest.start, more as usize)?;
            self.rest.start += more;
            self.buffer.drain(..next);
            self.buffer.extend_from_slice(&bytes);
            (self.at, self.on_record) = (0, false);
        }
    }
}
