//! Sorters: records collected, then read in the order of their key, equal ones in the order of insertion.
//!
//! ```text
//!   arena    | len | record | len | record | ...        one buffer, appended to
//!   entries  [ prefix, offset ] ...                     16 bytes each: what sorting moves
//! ```
//! The prefix is the beginning of the first key column as a number that orders as the column does (`prefix`), so most
//! comparisons touch no record. Equal prefixes fall back on the records, equal records on the offset: insertion order. Many
//! entries are sorted by prefix digit by digit (`radix`), and then each run of equal ones by comparing records.
//!
//! With a bound (`LIMIT`) the entries are a heap whose top is the last of the best so far; what sorts behind it is never
//! stored. What goes beyond the memory that the connection's temporary space has left becomes sorted runs in a file
//! (`external`), which are merged as they are read.

mod compare;
mod exec;
mod external;
mod prefix;
mod radix;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_storage::TempSpace;
use turso_value::key::compare_record;
use turso_value::{KeyInfo, TextEncoding, Value};

use self::compare::compare;
pub(crate) use self::external::External;
use self::prefix::Prefix;
use crate::cursors::Decoder;
use crate::record::encode;
use crate::run::internal;
use crate::share::Share;

/// Where a record lies, and the beginning of its key.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    prefix: u64,
    offset: usize,
}

/// See the module's header.
pub(crate) struct Sorter {
    key: Arc<KeyInfo>,
    /// Only this many first records are wanted; 0: all.
    keep: usize,
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// Bytes of the arena that belong to entries still wanted.
    live: usize,
    /// All prefixes are exact.
    exact: bool,
    sorted: bool,
    /// Index of the current entry once sorted.
    at: usize,
    record: Decoder,
    /// Of records and entries in memory.
    share: Share,
    external: Option<Box<External>>,
    pub sequence: i64,
}

/// How many records are brought into the cache together.
const AHEAD: usize = 16;

/// Bytes in front of a record: its length.
const HEAD: usize = size_of::<u32>();

/// The record at an offset of the arena.
#[inline]
fn record_at(arena: &[u8], offset: usize) -> &[u8] {
    match arena.get(offset..).and_then(|rest| rest.split_first_chunk::<HEAD>()) {
        Some((len, rest)) => rest.get(..u32::from_ne_bytes(*len) as usize).unwrap_or(rest),
        None => &[],
    }
}

/// The record that has just been appended at an offset: its length is not written yet.
#[inline]
fn record_at_end(arena: &[u8], offset: usize) -> &[u8] {
    arena.get(offset + HEAD..).unwrap_or(&[])
}

/// Compares entries. A damaged record (it came from a file) is noted and counts as equal.
struct Order<'a> {
    arena: &'a [u8],
    key: &'a KeyInfo,
    failure: Option<Error>,
}

impl Order<'_> {
    #[inline]
    fn compare(&mut self, a: &Entry, b: &Entry) -> Ordering {
        match a.prefix.cmp(&b.prefix) {
            Ordering::Equal => self.compare_records(a, b),
            order => order,
        }
    }

    #[inline]
    fn compare_records(&mut self, a: &Entry, b: &Entry) -> Ordering {
        let (x, y) = (record_at(self.arena, a.offset), record_at(self.arena, b.offset));
        match compare(x, y, self.key) {
            Ok(Ordering::Equal) => a.offset.cmp(&b.offset),
            Ok(order) => order,
            Err(error) => {
                self.failure.get_or_insert(error);
                a.offset.cmp(&b.offset)
            }
        }
    }
}

impl Sorter {
    /// An empty sorter.
    pub fn new(key: Arc<KeyInfo>, keep: usize, space: Option<Arc<TempSpace>>) -> Self {
        Self {
            share: Share::new(space),
            external: None,
            key,
            keep,
            arena: Vec::new(),
            entries: Vec::new(),
            live: 0,
            exact: true,
            sorted: false,
            at: 0,
            record: Decoder::default(),
            sequence: 0,
        }
    }

    /// Empties the sorter; buffers stay.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
        self.live = 0;
        self.exact = true;
        self.sorted = false;
        self.at = 0;
        self.record.reset();
        self.sequence = 0;
        if self.share.has_claimed() || self.external.is_some() {
            self.let_go();
        }
    }

    /// Gives claimed memory back, with the buffers that it was for.
    #[cold]
    fn let_go(&mut self) {
        self.external = None;
        self.free_memory();
    }

    fn free_memory(&mut self) {
        (self.arena, self.entries) = (Vec::new(), Vec::new());
        self.share.give_back();
    }

    /// Empties the sorter, for another bound.
    pub fn reopen(&mut self, keep: usize) {
        self.clear();
        self.keep = keep;
    }

    /// The key that it sorts by.
    pub fn key(&self) -> &Arc<KeyInfo> {
        &self.key
    }

    /// Adds a record.
    pub fn insert(&mut self, record: &[u8]) -> Result<()> {
        let prefix = prefix::of(record, &self.key)?;
        if self.is_full() {
            let top = self.top();
            let loses = match prefix.bits.cmp(&top.prefix) {
                Ordering::Equal => compare(record, record_at(&self.arena, top.offset), &self.key)? != Ordering::Less,
                order => order == Ordering::Greater,
            };
            if loses {
                return Ok(());
            }
        }
        let offset = self.arena.len();
        self.arena.reserve(HEAD + record.len());
        self.arena.extend_from_slice(&[0; HEAD]);
        self.arena.extend_from_slice(record);
        self.added(offset, prefix)
    }

    /// Adds a record of these values, `longest` bytes at most. `scratch` is that of [`encode`].
    #[inline]
    pub fn insert_values(
        &mut self,
        values: &[Value],
        encoding: TextEncoding,
        longest: usize,
        scratch: &mut Vec<u8>,
    ) -> Result<()> {
        if self.misses(values)? {
            return Ok(());
        }
        let offset = self.arena.len();
        self.arena.extend_from_slice(&[0; HEAD]);
        encode(values, &[], encoding, scratch, &mut self.arena);
        if self.arena.len() - offset - HEAD > longest {
            self.arena.truncate(offset);
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        let prefix = match (values, self.key.columns.first()) {
            ([first, ..], Some(column)) if encoding == TextEncoding::Utf8 => {
                prefix::of_value(first.as_ref(), column, encoding)
            }
            _ => prefix::of(record_at_end(&self.arena, offset), &self.key)?,
        };
        self.added(offset, prefix)
    }

    /// True when a record that begins with these values would not be among the first ones that are kept. A record equal to the
    /// last of them comes later and is not.
    #[inline]
    pub fn misses(&self, values: &[Value]) -> Result<bool> {
        if !self.is_full() {
            return Ok(false);
        }
        let top = self.top();
        if let ([first, ..], Some(column)) = (values, self.key.columns.first())
            && self.key.encoding == TextEncoding::Utf8
        {
            match prefix::of_value(first.as_ref(), column, self.key.encoding).bits.cmp(&top.prefix) {
                Ordering::Equal => {}
                order => return Ok(order == Ordering::Greater),
            }
        }
        let values = values.get(..self.key.columns.len()).unwrap_or(values);
        Ok(compare_record(record_at(&self.arena, top.offset), values, &self.key)? != Ordering::Greater)
    }

    /// No further record is kept without another one going.
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.keep > 0 && self.entries.len() >= self.keep
    }

    /// The last of the records kept, once the sorter is full.
    #[inline]
    fn top(&self) -> Entry {
        self.entries.first().copied().unwrap_or_default()
    }

    /// A record stands at the end of the arena, behind room for its length.
    #[inline]
    fn added(&mut self, offset: usize, prefix: Prefix) -> Result<()> {
        let len = self.arena.len() - offset - HEAD;
        let head = self.arena.get_mut(offset..).and_then(|rest| rest.first_chunk_mut::<HEAD>());
        match (u32::try_from(len), head) {
            (Ok(len), Some(head)) => *head = len.to_ne_bytes(),
            _ => {
                self.arena.truncate(offset);
                return Err(Error::from_code(ResultCode::TOOBIG));
            }
        }
        self.sorted = false;
        self.exact &= prefix.exact;
        self.live += HEAD + len;
        let entry = Entry { prefix: prefix.bits, offset };
        if self.is_full() {
            self.replace_top(entry)?;
        } else {
            self.entries.push(entry);
            if self.entries.len() == self.keep {
                self.make_heap()?;
            }
        }
        let bytes = self.arena.len() + self.entries.len() * size_of::<Entry>();
        if self.share.holds(bytes) || self.share.grow(bytes) { Ok(()) } else { self.write_run() }
    }

    /// Sorts what is in memory and writes it to the file.
    #[cold]
    fn write_run(&mut self) -> Result<()> {
        self.put_in_order()?;
        let external = match &mut self.external {
            Some(external) => external,
            slot => {
                let Some(space) = self.share.space() else { return Ok(()) };
                slot.insert(Box::new(External::new(space.clone())?))
            }
        };
        let arena = &self.arena;
        external.write_run(self.entries.iter().map(|entry| record_at(arena, entry.offset)))?;
        self.arena.clear();
        self.entries.clear();
        self.live = 0;
        self.exact = true;
        Ok(())
    }

    /// The heap is full: the new record takes the place of the last one.
    fn replace_top(&mut self, entry: Entry) -> Result<()> {
        self.live -= HEAD + record_at(&self.arena, self.top().offset).len();
        self.entries[0] = entry;
        let mut order = Order { arena: &self.arena, key: &self.key, failure: None };
        sift_down(&mut self.entries, 0, &mut order);
        let failure = order.failure;
        if self.arena.len() > 2 * self.live + (1 << 16) {
            self.compact();
        }
        failure.map_or(Ok(()), Err)
    }

    fn make_heap(&mut self) -> Result<()> {
        let mut order = Order { arena: &self.arena, key: &self.key, failure: None };
        for at in (0..self.entries.len() / 2).rev() {
            sift_down(&mut self.entries, at, &mut order);
        }
        order.failure.map_or(Ok(()), Err)
    }

    /// Drops the records that no entry names any more. Those left keep their order, which is their order of insertion.
    fn compact(&mut self) {
        let mut by_offset: Vec<usize> = (0..self.entries.len()).collect();
        by_offset.sort_unstable_by_key(|&i| self.entries[i].offset);
        let mut end = 0;
        for i in by_offset {
            let offset = self.entries[i].offset;
            let len = HEAD + record_at(&self.arena, offset).len();
            self.arena.copy_within(offset..offset + len, end);
            self.entries[i].offset = end;
            end += len;
        }
        self.arena.truncate(end);
    }

    /// Sorts and goes to the first record; false when there is none. May be pending.
    pub fn sort(&mut self) -> Result<bool> {
        self.at = 0;
        self.record.reset();
        if self.external.is_some() {
            return self.sort_external();
        }
        if !self.sorted {
            self.put_in_order()?;
            self.sorted = true;
        }
        self.touch();
        Ok(!self.entries.is_empty())
    }

    #[cold]
    fn sort_external(&mut self) -> Result<bool> {
        if !self.entries.is_empty() {
            self.write_run()?;
        }
        self.free_memory();
        self.sorted = true;
        match &mut self.external {
            Some(external) => external.rewind(&self.key),
            None => Ok(false),
        }
    }

    /// Sorts the entries in memory.
    fn put_in_order(&mut self) -> Result<()> {
        // As they came; a heap has them in another order.
        let by_prefix = self.keep == 0 && self.entries.len() >= radix::FEWEST;
        if by_prefix {
            radix::sort(&mut self.entries);
        }
        let mut order = Order { arena: &self.arena, key: &self.key, failure: None };
        if !by_prefix {
            self.entries.sort_unstable_by(|a, b| order.compare(a, b));
        } else if !(self.exact && self.key.columns.len() <= 1) {
            for equal in self.entries.chunk_by_mut(|a, b| a.prefix == b.prefix) {
                if equal.len() > 1 {
                    equal.sort_unstable_by(|a, b| order.compare_records(a, b));
                }
            }
        }
        order.failure.map_or(Ok(()), Err)
    }

    /// Goes to the next record; false past the last. May be pending where records are in files.
    #[inline]
    pub fn next(&mut self) -> Result<bool> {
        self.at += 1;
        self.record.reset();
        if self.at.is_multiple_of(AHEAD) {
            self.touch();
        }
        if self.at < self.entries.len() { Ok(true) } else { self.next_external() }
    }

    #[cold]
    fn next_external(&mut self) -> Result<bool> {
        let Some(external) = &mut self.external else { return Ok(false) };
        if self.keep > 0 && self.at >= self.keep {
            return Ok(false);
        }
        // Asked again where it was pending: the same step.
        external.next(&self.key).inspect_err(|_| self.at -= 1)
    }

    /// Brings the next records into the cache. Sorted records lie anywhere, and waiting for one after the other takes far longer
    /// than asking for some of them together.
    fn touch(&self) {
        let soon = self.entries.get(self.at..).unwrap_or(&[]).iter().take(AHEAD);
        let bytes = soon.map(|entry| self.arena.get(entry.offset).copied().unwrap_or(0));
        std::hint::black_box(bytes.fold(0, |all, byte| all ^ byte));
    }

    /// The current record.
    #[inline]
    pub fn record(&self) -> Result<&[u8]> {
        match self.entries.get(self.at) {
            Some(entry) if self.sorted => Ok(record_at(&self.arena, entry.offset)),
            _ => self.external_record(),
        }
    }

    #[cold]
    fn external_record(&self) -> Result<&[u8]> {
        let record = self.external.as_ref().and_then(|external| external.record());
        record.ok_or_else(|| internal("sorter is on no record"))
    }

    /// A column of the current record; false when the record has no such column.
    #[inline]
    pub fn column(&mut self, index: usize, encoding: TextEncoding, dest: &mut Value) -> Result<bool> {
        match self.entries.get(self.at) {
            Some(entry) if self.sorted => self.record.read(record_at(&self.arena, entry.offset), index, encoding, dest),
            _ => match self.external.as_ref().and_then(|external| external.record()) {
                Some(record) => self.record.read(record, index, encoding, dest),
                None => Err(internal("sorter is on no record")),
            },
        }
    }
}

/// Restores the heap below `at`: every entry sorts behind its children's.
fn sift_down(heap: &mut [Entry], mut at: usize, order: &mut Order<'_>) {
    loop {
        let mut child = 2 * at + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && order.compare(&heap[child], &heap[child + 1]) == Ordering::Less {
            child += 1;
        }
        if order.compare(&heap[at], &heap[child]) != Ordering::Less {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}
