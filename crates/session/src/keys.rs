//! Changes of one table by primary key.
//!
//! A hash table with chains, whose order is part of what users see: changes are written bucket by bucket, and SQLite's files,
//! tests and users' recorded changesets have its order. So the hash, the number of buckets, the growth and the place of a new
//! entry (the front of its chain) are SQLite's, as observed.

/// Buckets that a table begins with.
const FIRST_BUCKETS: usize = 256;
/// The end of a chain.
const NONE: u32 = u32::MAX;

/// Entries by key, the encoded fields of the primary key.
#[derive(Debug)]
pub struct Keys<T> {
    buckets: Vec<u32>,
    entries: Vec<Option<Entry<T>>>,
    /// Places in `entries` that are empty.
    free: Vec<u32>,
    count: usize,
}

#[derive(Debug)]
struct Entry<T> {
    hash: u32,
    next: u32,
    key: Box<[u8]>,
    value: T,
}

impl<T> Default for Keys<T> {
    fn default() -> Self {
        Self { buckets: Vec::new(), entries: Vec::new(), free: Vec::new(), count: 0 }
    }
}

impl<T> Keys<T> {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the table itself, without what the entries point to.
    pub fn memory_bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<u32>() + self.entries.capacity() * size_of::<Option<Entry<T>>>()
    }

    /// Make room for one more. SQLite does so before it looks for a key, also when the key is there.
    pub fn reserve(&mut self) {
        if self.count < self.buckets.len() / 2 {
            return;
        }
        let size = if self.buckets.is_empty() { FIRST_BUCKETS } else { self.buckets.len() * 2 };
        let old = std::mem::replace(&mut self.buckets, vec![NONE; size]);
        for first in old {
            let mut at = first;
            while let Some(Some(entry)) = self.entries.get_mut(at as usize) {
                let next = entry.next;
                if let Some(bucket) = self.buckets.get_mut(entry.hash as usize % size) {
                    entry.next = std::mem::replace(bucket, at);
                }
                at = next;
            }
        }
    }

    /// The entry of a key.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut T> {
        let at = self.find(key)?;
        self.entries.get_mut(at as usize)?.as_mut().map(|entry| &mut entry.value)
    }

    /// Add an entry whose key is not there; [`Keys::reserve`] has been called.
    pub fn insert(&mut self, key: Vec<u8>, value: T) {
        if self.buckets.is_empty() {
            self.reserve();
        }
        let hash = hash(&key);
        let buckets = self.buckets.len();
        let Some(bucket) = self.buckets.get_mut(hash as usize % buckets) else { return };
        let entry = Some(Entry { hash, next: *bucket, key: key.into(), value });
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.entries.get_mut(at as usize) {
                    *place = entry;
                }
                at
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        *bucket = at;
        self.count += 1;
    }

    /// Take an entry out.
    pub fn remove(&mut self, key: &[u8]) -> Option<T> {
        let wanted = self.find(key)?;
        let buckets = self.buckets.len();
        let bucket = self.buckets.get_mut(hash(key) as usize % buckets)?;
        let next = self.entries.get(wanted as usize)?.as_ref()?.next;
        if *bucket == wanted {
            *bucket = next;
        } else {
            let mut at = *bucket;
            while let Some(Some(entry)) = self.entries.get_mut(at as usize) {
                if entry.next == wanted {
                    entry.next = next;
                    break;
                }
                at = entry.next;
            }
        }
        self.free.push(wanted);
        self.count -= 1;
        self.entries.get_mut(wanted as usize)?.take().map(|entry| entry.value)
    }

    /// All entries with their keys, in SQLite's order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.buckets.iter().flat_map(move |&first| {
            let mut at = first;
            std::iter::from_fn(move || {
                let entry = self.entries.get(at as usize)?.as_ref()?;
                at = entry.next;
                Some((&*entry.key, &entry.value))
            })
        })
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        let mut at = *self.buckets.get(hash(key) as usize % self.buckets.len().max(1))?;
        while let Some(Some(entry)) = self.entries.get(at as usize) {
            if *entry.key == *key {
                return Some(at);
            }
            at = entry.next;
        }
        None
    }
}

/// The hash of encoded fields: types, numbers as two halves with the lower one first, and bytes are folded in.
fn hash(key: &[u8]) -> u32 {
    let fold = |hash: u32, more: u32| (hash << 3) ^ hash ^ more;
    let (mut hash, mut rest) = (0, key);
    while let Some((&kind, after)) = rest.split_first() {
        hash = fold(hash, u32::from(kind));
        rest = after;
        match kind {
            1 | 2 => {
                let Some((bytes, after)) = rest.split_first_chunk::<8>() else { break };
                let number = u64::from_be_bytes(*bytes);
                hash = fold(fold(hash, number as u32), (number >> 32) as u32);
                rest = after;
            }
            3 | 4 => {
                let Some((length, width)) = turso_value::varint::read(rest) else { break };
                let end = width.saturating_add(length as usize);
                let Some(bytes) = rest.get(width..end) else { break };
                hash = bytes.iter().fold(hash, |hash, &byte| fold(hash, u32::from(byte)));
                rest = rest.get(end..).unwrap_or_default();
            }
            _ => {}
        }
    }
    hash
}
