//! A table from integers to numbers: open addressing, at most half full.

use std::hash::{BuildHasher, Hasher};

/// See the module's header.
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
}
