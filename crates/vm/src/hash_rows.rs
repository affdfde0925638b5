//! Rows looked up by equality: what an automatic index is for, without sorting all of them.
//!
//! ```text
//!   keys     what was added as a key -> its number
//!   chains   [ (first, last, sorted) ]    by key number: the rows with that key, linked through `entries`
//!   entries  [ (offset, next) ]
//!   arena    | len | record | len | record | ...
//! ```
//! Rows with the same key come as an index on all their values would give them: by the other values. A chain is sorted when
//! it is looked up for the first time; most have one row.
//!
//! Once the connection's temporary space has no memory left, further rows go to an ephemeral index (`beyond`), and what is
//! found of a key is merged from both.

mod beyond;

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::sorter::{HashAdd, HashFind, HashOpen};
use turso_program::{CursorId, Program};
use turso_storage::{Pager, TempSpace};
use turso_value::key::compare_records;
use turso_value::{KeyInfo, TextEncoding, Value};

use self::beyond::Beyond;
use crate::cursors::{Cursor, Decoder};
use crate::dispatch::{Exec, Flow};
use crate::keyset::KeySet;
use crate::record::encode;
use crate::run::internal;
use crate::share::Share;
use crate::{Host, Vm};

/// Bytes in front of a record: its length.
const HEAD: usize = size_of::<u32>();
/// No entry.
const NONE: u32 = u32::MAX;
/// The row in hand is one beyond memory.
const BEYOND: u32 = u32::MAX - 1;

/// See the module's header.
pub(crate) struct HashRows {
    info: Arc<KeyInfo>,
    keys: KeySet,
    chains: Vec<Chain>,
    entries: Vec<Entry>,
    arena: Vec<u8>,
    /// The entry in hand.
    at: u32,
    record: Decoder,
    share: Share,
    /// Further rows go there.
    full: bool,
    beyond: Option<Box<Beyond>>,
    /// While the row in hand is one beyond memory: the entry that is next in memory.
    waiting: u32,
}

#[derive(Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
    sorted: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    offset: usize,
    next: u32,
}

impl HashRows {
    fn new(info: Arc<KeyInfo>, space: Option<Arc<TempSpace>>) -> Self {
        Self {
            keys: KeySet::new(info.clone(), None),
            info,
            chains: Vec::new(),
            entries: Vec::new(),
            arena: Vec::new(),
            at: NONE,
            record: Decoder::default(),
            share: Share::new(space),
            full: false,
            beyond: None,
            waiting: NONE,
        }
    }

    /// Empties the memory; buffers stay, but for what was claimed.
    fn clear(&mut self) {
        if self.share.has_claimed() {
            self.keys = KeySet::new(self.info.clone(), None);
            (self.chains, self.entries, self.arena) = (Vec::new(), Vec::new(), Vec::new());
            self.share.give_back();
        }
        self.full = false;
        self.keys.clear();
        self.chains.clear();
        self.entries.clear();
        self.arena.clear();
        self.go_to(NONE);
    }

    #[inline]
    fn go_to(&mut self, entry: u32) {
        self.at = entry;
        self.record.reset();
    }

    /// Columns read NULL from here on.
    pub fn null_row(&mut self) {
        self.go_to(NONE);
    }

    /// True when the cursor is on no row.
    pub fn is_null_row(&self) -> bool {
        self.at == NONE
    }

    /// The values that a row is found by.
    #[inline]
    fn key_of<'v>(&self, values: &'v [Value]) -> &'v [Value] {
        values.get(..self.info.columns.len()).unwrap_or(values)
    }

    /// Adds a row; the first values are its key. `scratch` is that of [`encode`].
    fn add(&mut self, values: &[Value], encoding: TextEncoding, longest: usize, scratch: &mut Vec<u8>) -> Result<()> {
        let key = self.key_of(values);
        let offset = self.arena.len();
        self.arena.extend_from_slice(&[0; HEAD]);
        encode(values, &[], encoding, scratch, &mut self.arena);
        let len = self.arena.len() - offset - HEAD;
        let head = self.arena.get_mut(offset..).and_then(|rest| rest.first_chunk_mut::<HEAD>());
        match (u32::try_from(len), head) {
            (Ok(number), Some(head)) if len <= longest => *head = number.to_ne_bytes(),
            _ => {
                self.arena.truncate(offset);
                return Err(Error::from_code(ResultCode::TOOBIG));
            }
        }
        let Some(new) = u32::try_from(self.entries.len()).ok().filter(|new| *new < BEYOND) else {
            return Err(Error::from_code(ResultCode::TOOBIG));
        };
        let (number, fresh) = self.keys.number(key)?;
        self.entries.push(Entry { offset, next: NONE });
        if fresh {
            self.chains.push(Chain { first: new, last: new, sorted: true });
        } else if let Some(chain) = self.chains.get_mut(number) {
            if let Some(last) = self.entries.get_mut(chain.last as usize) {
                last.next = new;
            }
            *chain = Chain { last: new, sorted: false, ..*chain };
        }
        if !self.share.holds(self.memory()) {
            self.full = !self.share.grow(self.memory());
        }
        Ok(())
    }

    /// About how many bytes of memory the rows take.
    #[inline]
    fn memory(&self) -> usize {
        self.arena.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.chains.capacity() * size_of::<Chain>()
            + self.keys.memory()
    }

    /// [`add`](Self::add) where there is no memory left. May be pending.
    #[cold]
    fn add_beyond(
        &mut self,
        values: &[Value],
        encoding: TextEncoding,
        longest: usize,
        scratch: &mut Vec<u8>,
        pager: &mut Pager,
    ) -> Result<()> {
        let mut record = Vec::new();
        encode(values, &[], encoding, scratch, &mut record);
        if record.len() > longest {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        let beyond = match &mut self.beyond {
            Some(beyond) => beyond,
            slot => slot.insert(Box::new(Beyond::new(&self.info, pager)?)),
        };
        beyond.add(&record, values, pager)
    }

    /// Goes to the first row with this key in memory.
    #[inline]
    fn find(&mut self, key: &[Value]) -> Result<bool> {
        let found = self.first_in_memory(key)?;
        self.go_to(found);
        Ok(found != NONE)
    }

    /// The first entry with this key.
    #[inline]
    fn first_in_memory(&mut self, key: &[Value]) -> Result<u32> {
        match self.keys.find(key) {
            Some(number) => match self.chains.get(number) {
                Some(chain) if chain.sorted => Ok(chain.first),
                _ => self.sort(number),
            },
            None => Ok(NONE),
        }
    }

    /// [`find`](Self::find) where some rows are beyond memory. May be pending.
    #[cold]
    fn find_in_both(&mut self, key: &[Value], pager: &mut Pager) -> Result<bool> {
        let in_memory = self.first_in_memory(key)?;
        if let Some(beyond) = &mut self.beyond {
            beyond.find(key, &self.info, pager)?;
        }
        self.go_to_smaller(in_memory)
    }

    /// All rows are in memory.
    #[inline]
    pub fn is_in_memory(&self) -> bool {
        self.beyond.as_ref().is_none_or(|beyond| !beyond.is_used())
    }

    /// Goes to the next row with the same key; false when there is none. All rows are in memory.
    #[inline]
    pub fn next(&mut self) -> bool {
        let next = self.next_in_memory();
        self.go_to(next);
        next != NONE
    }

    #[inline]
    fn next_in_memory(&self) -> u32 {
        self.entries.get(self.at as usize).map_or(NONE, |entry| entry.next)
    }

    /// [`next`](Self::next) where some rows are beyond memory. May be pending.
    #[cold]
    pub fn next_in_both(&mut self, pager: &mut Pager) -> Result<bool> {
        let in_memory = if self.at == BEYOND { self.waiting } else { self.next_in_memory() };
        if let (BEYOND, Some(beyond)) = (self.at, &mut self.beyond) {
            beyond.next(&self.info, pager)?;
        }
        self.go_to_smaller(in_memory)
    }

    /// Goes to an entry in memory or to the row in hand beyond it, whichever is smaller.
    fn go_to_smaller(&mut self, in_memory: u32) -> Result<bool> {
        let to = match self.beyond.as_ref().and_then(|beyond| beyond.row()) {
            None => in_memory,
            Some(_) if in_memory == NONE => BEYOND,
            Some(row) => match compare_records(self.record_of(in_memory), row, &self.info, usize::MAX)? {
                std::cmp::Ordering::Greater => BEYOND,
                _ => in_memory,
            },
        };
        self.waiting = in_memory;
        self.go_to(to);
        Ok(to != NONE)
    }

    /// Links the rows of a key in order; the first of them.
    #[cold]
    fn sort(&mut self, number: usize) -> Result<u32> {
        let Some(&chain) = self.chains.get(number) else { return Ok(NONE) };
        let mut rows = Vec::new();
        let mut at = chain.first;
        while let Some(entry) = self.entries.get(at as usize) {
            rows.push(at);
            at = entry.next;
        }
        let mut failure = None;
        rows.sort_by(|a, b| {
            let (a, b) = (self.record_of(*a), self.record_of(*b));
            compare_records(a, b, &self.info, usize::MAX).unwrap_or_else(|error| {
                failure.get_or_insert(error);
                std::cmp::Ordering::Equal
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        for (i, &row) in rows.iter().enumerate() {
            let next = rows.get(i + 1).copied().unwrap_or(NONE);
            if let Some(entry) = self.entries.get_mut(row as usize) {
                entry.next = next;
            }
        }
        let first = rows.first().copied().unwrap_or(NONE);
        if let Some(chain) = self.chains.get_mut(number) {
            *chain = Chain { first, last: rows.last().copied().unwrap_or(NONE), sorted: true };
        }
        Ok(first)
    }

    #[inline]
    fn record_of(&self, entry: u32) -> &[u8] {
        let Some(rest) = self.entries.get(entry as usize).and_then(|e| self.arena.get(e.offset..)) else {
            let beyond = self.beyond.as_ref().filter(|_| entry == BEYOND);
            return beyond.and_then(|beyond| beyond.row()).unwrap_or(&[]);
        };
        match rest.split_first_chunk::<HEAD>() {
            Some((len, body)) => body.get(..u32::from_ne_bytes(*len) as usize).unwrap_or(&[]),
            None => &[],
        }
    }

    /// A column of the row in hand; false when there is none.
    #[inline]
    pub fn column(&mut self, index: usize, encoding: TextEncoding, dest: &mut Value) -> Result<bool> {
        if self.at == NONE {
            dest.set_null();
            return Ok(true);
        }
        let mut decoder = self.record;
        let found = decoder.read(self.record_of(self.at), index, encoding, dest)?;
        self.record = decoder;
        Ok(found)
    }
}

#[inline]
fn rows(cursors: &mut [Cursor], id: CursorId) -> Result<&mut HashRows> {
    match &mut cursors[id.index()] {
        Cursor::Hash(rows) => Ok(rows),
        _ => Err(internal("cursor has no hashed rows")),
    }
}

impl Exec for HashOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Hash(rows) if Arc::ptr_eq(&rows.info, &self.key) => {
                if let Some(beyond) = rows.beyond.as_mut().filter(|beyond| beyond.is_used()) {
                    beyond.clear(vm.run.temporary(host)?)?;
                }
                rows.clear();
            }
            slot => *slot = Cursor::Hash(Box::new(HashRows::new(self.key.clone(), host.temporary_space()))),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for HashAdd {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rows = rows(&mut vm.frame.cursors, self.cursor)?;
        let values = vm.frame.registers.block(self.values);
        if !self.nulls && rows.key_of(values).iter().any(Value::is_null) {
            return Ok(Flow::NEXT);
        }
        let (encoding, longest) = (vm.run.encoding, host.limits().length);
        if rows.full {
            let mut scratch = std::mem::take(&mut vm.run.encoder);
            let pager = vm.run.temporary(host)?;
            let added = rows.add_beyond(values, encoding, longest, &mut scratch, pager);
            vm.run.encoder = scratch;
            added?;
        } else {
            rows.add(values, encoding, longest, &mut vm.run.encoder)?;
        }
        vm.run.counters.auto_index_rows += 1;
        Ok(Flow::NEXT)
    }
}

impl Exec for HashFind {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let (rows, key) = (rows(&mut vm.frame.cursors, self.cursor)?, vm.frame.registers.block(self.key));
        let found =
            if rows.is_in_memory() { rows.find(key)? } else { rows.find_in_both(key, vm.run.open_temporary()?)? };
        Flow::jump_if(!found, self.miss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_key_come_in_the_order_of_their_other_values() {
        let mut rows = HashRows::new(Arc::new(KeyInfo::binary(1)), None);
        let mut scratch = Vec::new();
        let mut add = |key: Value, other: i64, last: i64| {
            let row = [key, Value::Integer(other), Value::Integer(last)];
            rows.add(&row, TextEncoding::Utf8, 1000, &mut scratch).unwrap();
        };
        add(Value::Integer(7), 5, 1);
        add(Value::Real(7.0), 3, 2);
        add(Value::Null, 1, 3);
        add(Value::text("7"), 0, 4);
        add(Value::Integer(7), 3, 0);
        let mut found = |key: Value| {
            let mut list = Vec::new();
            let mut there = rows.find(&[key]).unwrap();
            while there {
                let (mut a, mut b) = (Value::Null, Value::Null);
                assert!(rows.column(1, TextEncoding::Utf8, &mut a).unwrap());
                assert!(rows.column(2, TextEncoding::Utf8, &mut b).unwrap());
                list.push((a.to_integer(), b.to_integer()));
                there = rows.next();
            }
            list
        };
        // Real and integer keys are equal; as values of the record they still sort by the rest.
        assert_eq!(found(Value::Integer(7)), [(3, 0), (3, 2), (5, 1)]);
        assert_eq!(found(Value::text("7")), [(0, 4)]);
        // Whoever looks by `=` does not ask for NULL.
        assert_eq!(found(Value::Null), [(1, 3)]);
        assert_eq!(found(Value::Integer(8)), []);
    }

    #[test]
    fn rows_in_memory_and_beyond_it_are_found_together() {
        let space = TempSpace::new(Some(Arc::new(turso_io::MemoryIo::new())), 0);
        let mut pager = Pager::temp_in(space.clone(), 512);
        let mut rows = HashRows::new(Arc::new(KeyInfo::binary(1)), Some(space));
        rows.share.set_room(4000);
        let mut scratch = Vec::new();
        // Key 7 has rows before and after memory is full, key 100 afterwards only; some have overflow pages.
        let mut expected = Vec::new();
        for i in 0..400_i64 {
            let (key, other) = (if i % 4 == 0 { 7 } else { i }, i * 37 % 400);
            let row = [Value::Integer(key), Value::Integer(other), Value::blob(vec![b'x'; (i % 50 * 20) as usize])];
            if rows.full {
                rows.add_beyond(&row, TextEncoding::Utf8, 5000, &mut scratch, &mut pager).unwrap();
            } else {
                rows.add(&row, TextEncoding::Utf8, 5000, &mut scratch).unwrap();
            }
            expected.push((key, other));
        }
        assert!(!rows.is_in_memory() && rows.entries.len() > 4);
        expected.sort_unstable();
        for key in [7, 1, 399, 400] {
            let mut list = Vec::new();
            let mut there = rows.find_in_both(&[Value::Integer(key)], &mut pager).unwrap();
            while there {
                let mut other = Value::Null;
                assert!(rows.column(1, TextEncoding::Utf8, &mut other).unwrap());
                list.push((key, other.to_integer()));
                there = rows.next_in_both(&mut pager).unwrap();
            }
            let wanted: Vec<_> = expected.iter().copied().filter(|(of, _)| *of == key).collect();
            assert_eq!(list, wanted);
        }
    }
}
