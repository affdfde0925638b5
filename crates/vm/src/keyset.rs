//! Sets of keys: DISTINCT without a tree; groups and hashed rows number their keys by it.
//!
//! ```text
//!   arena   | key | key | key | ...       what identifies each key, one after the other
//!   starts  [ offset, ... , end ]
//!   slots   [ (hash, number) ... ]        open addressing over the numbers of the keys, at most half full
//! ```
//! What compares equal has the same bytes: a real that is a whole number is written as the integer, text as its collation sees
//! it. So a search is a hash and, nearly always, one comparison of bytes, and nothing is sorted.
//!
//! Once the connection's temporary space has no memory left, the set stays as it is, and further keys go to an ephemeral tree,
//! whose pages may go to a file.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use turso_error::Result;
use turso_program::sorter::{SetAdd, SetHas, SetOpen};
use turso_program::{CursorId, Program};
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, TreeEraser, create_tree};
use turso_storage::{Pager, TempSpace};
use turso_value::collation::without_trailing_spaces;
use turso_value::{Collation, KeyInfo, TextEncoding, Value, ValueRef, encode_record};

use crate::cursors::Cursor;
use crate::dispatch::{Exec, Flow};
use crate::run::{Run, internal};
use crate::share::Share;
use crate::{Host, Vm};

/// See the module's header.
pub(crate) struct KeySet {
    key: Arc<KeyInfo>,
    /// Differs from set to set, so that nobody can choose keys that collide.
    seed: u64,
    arena: Vec<u8>,
    starts: Vec<usize>,
    slots: Vec<Slot>,
    share: Share,
    /// New keys go to a tree.
    full: bool,
    /// That tree, of what identifies each key.
    tree: Option<BTreeCursor>,
}

/// `number` 0: free; otherwise the key's number plus one.
#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u32,
    number: u32,
}

const FEWEST_SLOTS: usize = 64;

impl KeySet {
    /// An empty set.
    pub fn new(key: Arc<KeyInfo>, space: Option<Arc<TempSpace>>) -> Self {
        Self {
            share: Share::new(space),
            full: false,
            tree: None,
            key,
            seed: std::hash::RandomState::new().build_hasher().finish(),
            arena: Vec::new(),
            starts: vec![0],
            slots: vec![Slot::default(); FEWEST_SLOTS],
        }
    }

    /// Empties the set; buffers stay, but for what was claimed.
    pub fn clear(&mut self) {
        if self.share.has_claimed() {
            self.arena = Vec::new();
            self.starts = vec![0];
            self.slots = vec![Slot::default(); FEWEST_SLOTS];
            self.share.give_back();
        }
        self.full = false;
        let few = self.starts.len() * 8;
        self.arena.clear();
        self.starts.truncate(1);
        if few < self.slots.len() {
            // One large group should not make every later one pay for its slots.
            self.slots.truncate(few.next_power_of_two().max(FEWEST_SLOTS));
        }
        self.slots.fill(Slot::default());
    }

    /// Adds a key; false when it was there already.
    pub fn add(&mut self, key: &[Value]) -> Result<bool> {
        let (_, new) = self.number(key)?;
        if new && !self.share.holds(self.memory()) {
            self.full = !self.share.grow(self.memory());
        }
        Ok(new)
    }

    /// [`add`](Self::add), in memory or beyond it. May be pending.
    #[inline]
    pub fn add_anywhere<H: Host>(&mut self, key: &[Value], run: &mut Run, host: &mut H) -> Result<bool> {
        if self.full { self.add_to_tree(key, run.temporary(host)?) } else { self.add(key) }
    }

    /// Empties the set in memory and beyond it. May be pending.
    pub fn empty<H: Host>(&mut self, run: &mut Run, host: &mut H) -> Result<()> {
        if let Some(tree) = self.tree.as_mut().filter(|_| self.full) {
            TreeEraser::new(tree.root(), false).run(run.temporary(host)?)?;
            tree.reset();
        }
        self.clear();
        Ok(())
    }

    /// The number of a key, from 0 in the order of arrival, and whether it is new.
    #[inline]
    pub fn number(&mut self, key: &[Value]) -> Result<(usize, bool)> {
        self.number_of(key.iter().map(Value::as_ref))
    }

    /// [`number`](Self::number) of a key whose values are borrowed.
    #[inline]
    pub fn number_of<'v>(&mut self, key: impl Iterator<Item = ValueRef<'v>>) -> Result<(usize, bool)> {
        let start = self.arena.len();
        match self.look_up(key) {
            Ok(number) => {
                self.arena.truncate(start);
                Ok((number, false))
            }
            Err((at, hash)) => {
                let index = self.starts.len() - 1;
                let (Ok(number), Some(slot)) = (u32::try_from(index + 1), self.slots.get_mut(at)) else {
                    self.arena.truncate(start);
                    return Err(turso_error::Error::from_code(turso_error::ResultCode::TOOBIG));
                };
                *slot = Slot { hash, number };
                self.starts.push(self.arena.len());
                if self.starts.len() * 2 > self.slots.len() {
                    self.grow();
                }
                Ok((index, true))
            }
        }
    }

    /// The number of a key that has been added.
    #[inline]
    pub fn find(&mut self, key: &[Value]) -> Option<usize> {
        self.find_of(key.iter().map(Value::as_ref))
    }

    /// [`find`](Self::find) for a key whose values are borrowed.
    #[inline]
    pub fn find_of<'v>(&mut self, key: impl Iterator<Item = ValueRef<'v>>) -> Option<usize> {
        let start = self.arena.len();
        let found = self.look_up(key).ok();
        self.arena.truncate(start);
        found
    }

    /// The key's number, or the free slot where it belongs and its hash. What identifies the key is left at the end of the
    /// arena.
    #[inline]
    fn look_up<'v>(&mut self, key: impl Iterator<Item = ValueRef<'v>>) -> std::result::Result<usize, (usize, u32)> {
        let start = self.arena.len();
        for (i, value) in key.enumerate() {
            let collation = self.key.columns.get(i).map_or(&Collation::Binary, |column| &column.collation);
            identify(value, collation, &mut self.arena);
        }
        let (old, new) = self.arena.split_at(start);
        let hash = hash(new, self.seed);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        // At most half of the slots are taken, so the search ends.
        loop {
            let slot = self.slots[at & mask];
            if slot.number == 0 {
                return Err((at & mask, hash));
            }
            if slot.hash == hash {
                let number = slot.number as usize;
                let known =
                    self.starts.get(number - 1).zip(self.starts.get(number)).and_then(|(&from, &to)| old.get(from..to));
                if known == Some(new) {
                    return Ok(number - 1);
                }
            }
            at += 1;
        }
    }

    /// About how many bytes of memory the set takes.
    pub fn memory(&self) -> usize {
        self.arena.capacity() + self.starts.capacity() * size_of::<usize>() + self.slots.len() * size_of::<Slot>()
    }

    /// Adds a key where there is no memory left; false when it was there already. May be pending.
    #[cold]
    fn add_to_tree(&mut self, key: &[Value], pager: &mut Pager) -> Result<bool> {
        let mut identity = Vec::new();
        for (i, value) in key.iter().enumerate() {
            let collation = self.key.columns.get(i).map_or(&Collation::Binary, |column| &column.collation);
            identify(value.as_ref(), collation, &mut identity);
        }
        if self.is_in_memory(&identity) {
            return Ok(false);
        }
        let tree = match &mut self.tree {
            Some(tree) => tree,
            slot => {
                let root = create_tree(pager, false)?;
                slot.insert(BTreeCursor::new(root, CursorKind::Index(Arc::new(KeyInfo::binary(1)))))
            }
        };
        let key = [Value::blob(identity)];
        if tree.seek_record(pager, &key, Ordering::Equal)?.is_eq() && tree.is_valid() {
            return Ok(false);
        }
        let mut record = Vec::new();
        encode_record(&key, TextEncoding::Utf8, &mut record);
        tree.insert_record(pager, record.as_slice().into(), Some(&key), InsertHint::AtSeek)?;
        Ok(true)
    }

    /// True when a key was added where there was no memory left. May be pending.
    #[cold]
    fn is_in_tree(&mut self, key: &[Value], pager: &mut Pager) -> Result<bool> {
        let mut identity = Vec::new();
        for (i, value) in key.iter().enumerate() {
            let collation = self.key.columns.get(i).map_or(&Collation::Binary, |column| &column.collation);
            identify(value.as_ref(), collation, &mut identity);
        }
        let Some(tree) = &mut self.tree else { return Ok(false) };
        Ok(tree.seek_record(pager, &[Value::blob(identity)], Ordering::Equal)?.is_eq() && tree.is_valid())
    }

    fn is_in_memory(&self, identity: &[u8]) -> bool {
        let hash = hash(identity, self.seed);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.number != 0) {
            let number = slot.number as usize;
            let bounds = self.starts.get(number - 1).zip(self.starts.get(number));
            if slot.hash == hash && bounds.and_then(|(&from, &to)| self.arena.get(from..to)) == Some(identity) {
                return true;
            }
            at = (at + 1) & mask;
        }
        false
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.number != 0) {
            let mut at = slot.hash as usize & (size - 1);
            while self.slots[at].number != 0 {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = slot;
        }
    }
}

/// Appends what identifies a value among all values: a class, and bytes that end by themselves.
#[inline]
fn identify(value: ValueRef<'_>, collation: &Collation, out: &mut Vec<u8>) {
    let integer = |i: i64, out: &mut Vec<u8>| {
        let [a, b, c, d, e, f, g, h] = i.to_ne_bytes();
        out.extend_from_slice(&[1, a, b, c, d, e, f, g, h]);
    };
    let bytes = |class: u8, bytes: &[u8], out: &mut Vec<u8>| {
        out.push(class);
        out.extend_from_slice(&(bytes.len() as u64).to_ne_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Integer(i) => integer(i, out),
        ValueRef::Real(r) => match whole(r) {
            Some(i) => integer(i, out),
            None => {
                out.push(2);
                out.extend_from_slice(&r.to_ne_bytes());
            }
        },
        ValueRef::Blob(blob) => bytes(4, blob, out),
        ValueRef::Text(text) => match collation {
            Collation::RTrim => bytes(3, without_trailing_spaces(text), out),
            Collation::NoCase => {
                bytes(3, text, out);
                let from = out.len() - text.len();
                let mut ended = false;
                for byte in &mut out[from..] {
                    // What follows a NUL counts only by its length.
                    ended |= *byte == 0;
                    *byte = if ended { 0 } else { byte.to_ascii_lowercase() };
                }
            }
            _ => bytes(3, text, out),
        },
    }
}

/// The integer that is equal to a real.
#[inline]
pub(crate) fn whole(r: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    let i = r as i64;
    ((-END..END).contains(&r) && i as f64 == r).then_some(i)
}

#[inline]
fn hash(bytes: &[u8], seed: u64) -> u32 {
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        product as u64 ^ (product >> 64) as u64
    };
    let mut hash = seed ^ bytes.len() as u64;
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        hash = mix(hash, u64::from_ne_bytes(*word));
        rest = after;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    hash = mix(hash, u64::from_ne_bytes(last));
    (hash ^ hash >> 32) as u32
}

#[inline]
fn set(cursors: &mut [Cursor], id: CursorId) -> Result<&mut KeySet> {
    match &mut cursors[id.index()] {
        Cursor::Set(set) => Ok(set),
        _ => Err(internal("cursor is not a set")),
    }
}

impl Exec for SetOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Set(set) if Arc::ptr_eq(&set.key, &self.key) => set.empty(&mut vm.run, host)?,
            slot => *slot = Cursor::Set(Box::new(KeySet::new(self.key.clone(), host.temporary_space()))),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for SetAdd {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (set, key) = (set(&mut vm.frame.cursors, self.cursor)?, vm.frame.registers.block(self.key));
        let new = set.add_anywhere(key, &mut vm.run, host)?;
        Flow::jump_if(!new, self.member)
    }
}

impl Exec for SetHas {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (set, key) = (set(&mut vm.frame.cursors, self.cursor)?, vm.frame.registers.block(self.key));
        let member = set.find(key).is_some() || (set.full && set.is_in_tree(key, vm.run.temporary(host)?)?);
        Flow::jump_if(!member, self.absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turso_value::KeyColumn;

    fn set(collation: Collation) -> KeySet {
        let column = KeyColumn { collation, ..KeyColumn::default() };
        KeySet::new(Arc::new(KeyInfo { columns: vec![column.clone(), column], ..KeyInfo::default() }), None)
    }

    #[test]
    fn members_are_what_compares_equal() {
        let values = [
            Value::Null,
            Value::Integer(0),
            Value::Real(-0.0),
            Value::Real(0.5),
            Value::Integer(1 << 53),
            Value::Real(9007199254740992.0),
            Value::Integer((1 << 53) + 1),
            Value::Real(1e300),
            Value::Real(9.3e18),
            Value::Real(f64::INFINITY),
            Value::Integer(i64::MIN),
            Value::Real(-9223372036854775808.0),
            Value::Integer(i64::MAX),
            Value::Real(9223372036854775808.0),
            Value::text(""),
            Value::text(" "),
            Value::text("a"),
            Value::text("A  "),
            Value::text("A"),
            Value::text("a\0b"),
            Value::text("A\0c"),
            Value::text("a\0cd"),
            Value::blob(*b"a"),
            Value::blob(*b""),
        ];
        for collation in [Collation::Binary, Collation::NoCase, Collation::RTrim] {
            let info = set(collation.clone()).key.clone();
            for a in &values {
                for b in &values {
                    let mut set = set(collation.clone());
                    assert!(set.add(&[a.clone(), b.clone()]).unwrap());
                    let same = info.compare_values(0, a.as_ref(), b.as_ref()).is_eq();
                    assert_eq!(set.add(&[b.clone(), a.clone()]).unwrap(), !same, "{collation:?} {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn many_keys_twice_and_again_after_clear() {
        let mut set = set(Collation::Binary);
        for _ in 0..2 {
            for expected in [true, false] {
                for i in 0..5000 {
                    let key = [Value::Integer(i % 100), Value::text(format!("{}", i / 100))];
                    assert_eq!(set.add(&key).unwrap(), expected);
                }
            }
            set.clear();
        }
        for i in 0..3 {
            assert!(set.add(&[Value::Integer(i)]).unwrap());
        }
        set.clear();
        assert_eq!(set.slots.len(), FEWEST_SLOTS);
    }
}
