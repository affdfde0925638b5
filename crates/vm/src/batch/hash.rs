//! Tables from integers and from texts to numbers: open addressing, at most half full.

use std::hash::{BuildHasher, Hasher};

/// From integers.
pub(crate) struct IntegerTable {
    /// Differs from table to table, so that nobody can choose keys that collide.
    seed: u64,
    slots: Vec<Entry>,
    len: usize,
}

/// `number` 0: free; otherwise the key's number plus one.
#[derive(Clone, Copy, Default)]
struct Entry {
    key: i64,
    number: u32,
}

const FEWEST_SLOTS: usize = 64;

impl Default for IntegerTable {
    fn default() -> Self {
        Self {
            seed: std::hash::RandomState::new().build_hasher().finish() | 1,
            slots: vec![Entry::default(); FEWEST_SLOTS],
            len: 0,
        }
    }
}

impl IntegerTable {
    #[inline(always)]
    fn place(&self, key: i64) -> usize {
        let product = u128::from(key as u64 ^ self.seed) * 0x9e37_79b9_7f4a_7c15;
        (product as u64 ^ (product >> 64) as u64) as usize & (self.slots.len() - 1)
    }

    /// The number of a key, and whether it is new; then it is `next`.
    #[inline]
    pub fn number(&mut self, key: i64, next: u32) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut at = self.place(key);
        loop {
            let slot = &mut self.slots[at & mask];
            if slot.number == 0 {
                *slot = Entry { key, number: next + 1 };
                self.len += 1;
                if self.len * 2 > self.slots.len() {
                    self.grow();
                }
                return (next, true);
            }
            if slot.key == key {
                return (slot.number - 1, false);
            }
            at += 1;
        }
    }

    /// The number of a key that is there.
    #[inline]
    pub fn find(&self, key: i64) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = self.place(key);
        loop {
            let slot = self.slots[at & mask];
            if slot.number == 0 {
                return None;
            }
            if slot.key == key {
                return Some(slot.number - 1);
            }
            at += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Entry::default(); size]);
        for entry in old.into_iter().filter(|entry| entry.number != 0) {
            let mut at = self.place(entry.key);
            while self.slots[at & (size - 1)].number != 0 {
                at += 1;
            }
            self.slots[at & (size - 1)] = entry;
        }
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.slots.len() * size_of::<Entry>()
    }
}

/// From texts, whose bytes are kept one after the other.
pub(crate) struct TextTable {
    seed: u64,
    slots: Vec<TextEntry>,
    arena: Vec<u8>,
    len: usize,
}

/// `number` 0: free; otherwise the text's number plus one.
#[derive(Clone, Copy, Default)]
struct TextEntry {
    hash: u32,
    number: u32,
    start: u32,
    len: u32,
}

impl Default for TextTable {
    fn default() -> Self {
        Self {
            seed: std::hash::RandomState::new().build_hasher().finish(),
            slots: vec![TextEntry::default(); FEWEST_SLOTS],
            arena: Vec::new(),
            len: 0,
        }
    }
}

impl TextTable {
    /// The number of a text, and whether it is new; then it is `next`. `None`: the table has no room for it.
    #[inline]
    pub fn number(&mut self, text: &[u8], next: u32) -> Option<(u32, bool)> {
        let mask = self.slots.len() - 1;
        let hash = hash_bytes(text, self.seed);
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == 0 {
                return self.add(at, hash, text, next).map(|()| (next, true));
            }
            if slot.hash == hash && slot.len as usize == text.len() {
                let start = slot.start as usize;
                if self.arena.get(start..start + text.len()).is_some_and(|known| same_bytes(known, text)) {
                    return Some((slot.number - 1, false));
                }
            }
            at = (at + 1) & mask;
        }
    }

    #[inline(never)]
    fn add(&mut self, at: usize, hash: u32, text: &[u8], next: u32) -> Option<()> {
        let (start, len) = (u32::try_from(self.arena.len()).ok()?, u32::try_from(text.len()).ok()?);
        self.arena.extend_from_slice(text);
        self.slots[at] = TextEntry { hash, number: next + 1, start, len };
        self.len += 1;
        if self.len * 2 > self.slots.len() {
            let size = self.slots.len() * 2;
            let old = std::mem::replace(&mut self.slots, vec![TextEntry::default(); size]);
            for entry in old.into_iter().filter(|entry| entry.number != 0) {
                let mut at = entry.hash as usize & (size - 1);
                while self.slots[at].number != 0 {
                    at = (at + 1) & (size - 1);
                }
                self.slots[at] = entry;
            }
        }
        Some(())
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.slots.len() * size_of::<TextEntry>() + self.arena.capacity()
    }
}

/// The first and the last eight bytes of some.
#[inline(always)]
fn both_ends(bytes: &[u8]) -> Option<(u64, u64)> {
    Some((u64::from_le_bytes(*bytes.first_chunk()?), u64::from_le_bytes(*bytes.last_chunk()?)))
}

/// Fewer than eight bytes as a number.
#[inline(always)]
fn few_bytes(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)),
        _ => bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

#[inline(always)]
fn hash_bytes(bytes: &[u8], seed: u64) -> u32 {
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        product as u64 ^ (product >> 64) as u64
    };
    let mut hash = seed ^ bytes.len() as u64;
    match both_ends(bytes) {
        None => hash = mix(hash, few_bytes(bytes)),
        Some((first, last)) => {
            hash = mix(hash, first);
            let mut rest = &bytes[8..];
            while rest.len() > 8 {
                let Some((word, after)) = rest.split_first_chunk::<8>() else { break };
                hash = mix(hash, u64::from_le_bytes(*word));
                rest = after;
            }
            if !rest.is_empty() {
                hash = mix(hash, last);
            }
        }
    }
    // (The low bits are those of both halves of a product.)
    hash as u32
}

/// Bytes of one length are the same.
#[inline(always)]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    match (both_ends(a), both_ends(b)) {
        (Some(a_ends), Some(b_ends)) => a_ends == b_ends && (a.len() <= 16 || a == b),
        _ => a.len() == b.len() && few_bytes(a) == few_bytes(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_numbers() {
        let mut table = IntegerTable::default();
        let keys: Vec<i64> =
            (0..5000).map(|i: i64| i.wrapping_mul(0x0123_4567_89ab_cdef)).chain([i64::MIN, i64::MAX, -1]).collect();
        for (i, &key) in keys.iter().enumerate() {
            assert_eq!(table.find(key), None);
            assert_eq!(table.number(key, i as u32), (i as u32, true));
        }
        for (i, &key) in keys.iter().enumerate() {
            assert_eq!(table.find(key), Some(i as u32));
            assert_eq!(table.number(key, 9), (i as u32, false));
        }
    }

    #[test]
    fn texts_keep_their_numbers() {
        let mut table = TextTable::default();
        let mut texts: Vec<Vec<u8>> = (0..40).map(|len| vec![b'x'; len]).collect();
        for len in [3, 4, 7, 8, 9, 15, 16, 17, 24, 33] {
            for at in 0..len {
                let mut text = vec![b'x'; len];
                text[at] = b'y';
                texts.push(text);
            }
        }
        texts.extend((0..3000).map(|i| format!("text {i}").into_bytes()));
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(table.number(text, i as u32), Some((i as u32, true)));
        }
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(table.number(text, 0), Some((i as u32, false)));
        }
    }
}
