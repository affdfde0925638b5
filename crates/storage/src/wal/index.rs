//! The wal-index in shared memory: header, counters, and the page number -> frame hash tables (`walformat.html`, 2).
//!
//! Everything here may be read while another process writes it; the rules of who writes what under which lock are
//! those of the callers. Frames above a reader's last frame are never looked at, so half-written entries do no harm.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, ShmRegion};

use crate::format::wal_index::{
    BadHeader, FIRST_REGION_FRAMES, HASH_SLOTS, IndexHeader, REGION_FRAMES, at, hash, region_of,
};
use crate::page::PageNo;

/// Regions that are found without a lock: logs of up to four million frames. More than that many is refused as full.
const MAX_REGIONS: usize = 1024;

pub(super) struct WalIndex {
    file: Arc<dyn File>,
    /// Filled from the front, never emptied: the mappings live as long as this.
    regions: Box<[OnceLock<ShmRegion>]>,
    /// Held while a region is added.
    growing: Mutex<()>,
    hints: Box<[Hint]>,
}

/// Where a page was entered last. A page that is written again and again has a long chain of slots, all of them taken: the next
/// entry need not walk it from its beginning. A hint is checked before it is believed.
#[derive(Default)]
struct Hint(AtomicU64);

const HINTS: usize = 256;

impl Hint {
    fn set(&self, page: u32, region: u32, slot: usize) {
        self.0.store(u64::from(page) << 32 | u64::from(region & 0xffff) << 16 | slot as u64, Ordering::Relaxed);
    }

    /// The slot of a page in a region.
    fn get(&self, page: u32, region: u32) -> Option<usize> {
        let hint = self.0.load(Ordering::Relaxed);
        let same = hint >> 32 == u64::from(page) && hint >> 16 & 0xffff == u64::from(region & 0xffff);
        same.then_some(hint as usize & 0xffff)
    }
}

/// What reading the header found.
pub(super) enum HeaderState {
    Good(IndexHeader),
    /// Nobody has built the wal-index, or somebody is writing the header.
    NeedsRecovery,
}

fn load(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

impl std::fmt::Debug for WalIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WalIndex").finish_non_exhaustive()
    }
}

impl WalIndex {
    pub fn new(file: Arc<dyn File>) -> Self {
        let regions = (0..MAX_REGIONS).map(|_| OnceLock::new()).collect();
        let hints = (0..HINTS).map(|_| Hint::default()).collect();
        Self { file, regions, growing: Mutex::new(()), hints }
    }

    /// A region; `None` where it does not exist and may not be created.
    #[inline]
    pub fn region(&self, region: u32, extend: bool) -> Result<Option<&ShmRegion>> {
        match self.regions.get(region as usize).map(OnceLock::get) {
            Some(Some(known)) => Ok(Some(known)),
            Some(None) => self.map_up_to(region as usize, extend),
            None => Err(Error::from_code(ResultCode::FULL)),
        }
    }

    #[cold]
    fn map_up_to(&self, region: usize, extend: bool) -> Result<Option<&ShmRegion>> {
        let _growing = self.growing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (i, slot) in self.regions.iter().enumerate().take(region + 1) {
            if slot.get().is_none() {
                match self.file.shm_map(i as u32, extend)? {
                    Some(mapped) => drop(slot.set(mapped)),
                    None => return Ok(None),
                }
            }
        }
        Ok(self.regions[region].get())
    }

    fn existing(&self, region: u32) -> Result<&ShmRegion> {
        self.region(region, false)?
            .ok_or_else(|| Error::corrupt(0, "the wal-index lacks a region that its header promises"))
    }

    /// The first region, made where it is missing.
    pub fn first(&self) -> Result<&ShmRegion> {
        self.region(0, true)?.ok_or_else(|| Error::from_code(ResultCode::IOERR_SHMMAP))
    }

    pub fn barrier(&self) {
        self.file.shm_barrier();
    }

    // ---- Header -----------------------------------------------------------------------------------------------------

    pub fn read_header(&self) -> Result<HeaderState> {
        let Some(region) = self.region(0, false)? else { return Ok(HeaderState::NeedsRecovery) };
        let words = region.words();
        let mut first = [0; IndexHeader::WORDS];
        let mut second = [0; IndexHeader::WORDS];
        for (copy, word) in first.iter_mut().zip(words) {
            *copy = load(word);
        }
        self.barrier();
        for (copy, word) in second.iter_mut().zip(&words[at::SECOND_COPY..]) {
            *copy = load(word);
        }
        if first != second {
            return Ok(HeaderState::NeedsRecovery);
        }
        match IndexHeader::decode(&first) {
            Ok(header) => Ok(HeaderState::Good(header)),
            Err(BadHeader::Torn) => Ok(HeaderState::NeedsRecovery),
            Err(BadHeader::UnknownVersion) => Err(Error::from_code(ResultCode::CANTOPEN)),
        }
    }

    /// True where the log still is of the generation that this salt names.
    pub fn has_salt(&self, salt: [u8; 8]) -> Result<bool> {
        let region = self.existing(0)?;
        let words = region.words();
        let mut now = [0; 8];
        for (half, word) in now.chunks_exact_mut(4).zip(&words[IndexHeader::SALT_WORD..]) {
            half.copy_from_slice(&load(word).to_ne_bytes());
        }
        Ok(now == salt)
    }

    /// True where the first copy of the header still is this one.
    pub fn header_is(&self, header: &IndexHeader) -> Result<bool> {
        let region = self.existing(0)?;
        let words = region.words();
        Ok(header.encode().iter().zip(words).all(|(ours, word)| *ours == load(word)))
    }

    pub fn write_header(&self, header: &IndexHeader) -> Result<()> {
        let region = self.first()?;
        let words = region.words();
        let encoded = header.encode();
        // Readers read the first copy, then the second: equal copies were complete.
        for (word, new) in words[at::SECOND_COPY..].iter().zip(encoded) {
            word.store(new, Ordering::Relaxed);
        }
        self.barrier();
        for (word, new) in words.iter().zip(encoded) {
            word.store(new, Ordering::Relaxed);
        }
        self.barrier();
        Ok(())
    }

    pub fn word(&self, at: usize) -> Result<u32> {
        Ok(self.existing(0)?.words()[at].load(Ordering::Acquire))
    }

    pub fn set_word(&self, at: usize, value: u32) -> Result<()> {
        let region = self.existing(0)?;
        if !region.is_writable() {
            return Err(Error::from_code(ResultCode::READONLY_CANTLOCK));
        }
        region.words()[at].store(value, Ordering::Release);
        Ok(())
    }

    pub fn is_writable(&self) -> Result<bool> {
        Ok(self.existing(0)?.is_writable())
    }

    pub fn backfilled(&self) -> Result<u32> {
        // (Whatever stands there: callers count on from it.)
        Ok(self.word(at::BACKFILLED)?.min(IndexHeader::MOST_FRAMES))
    }

    /// Frames that a checkpoint has begun to copy.
    pub fn backfill_attempted(&self) -> Result<u32> {
        self.word(at::BACKFILL_ATTEMPTED)
    }

    pub fn read_mark(&self, slot: u32) -> Result<u32> {
        self.word(at::READ_MARKS + slot as usize)
    }

    pub fn set_read_mark(&self, slot: u32, frame: u32) -> Result<()> {
        self.set_word(at::READ_MARKS + slot as usize, frame)
    }

    // ---- Hash tables ------------------------------------------------------------------------------------------------

    /// The newest frame in `min..=max` that holds the page.
    pub fn find(&self, page: PageNo, min: u32, max: u32) -> Result<Option<u32>> {
        if max == 0 || min > max {
            return Ok(None);
        }
        let (first_region, _) = region_of(min.max(1));
        let (mut region, mut before) = region_of(max);
        loop {
            let mapped = self.existing(region)?;
            let hint = self.hints[page.0 as usize % HINTS].get(page.0, region);
            if let Some(frame) = Table::new(mapped, region).find(page.0, before, min, max, hint)? {
                return Ok(Some(frame));
            }
            if region == first_region {
                return Ok(None);
            }
            region -= 1;
            before = if region == 0 { 0 } else { before - REGION_FRAMES };
        }
    }

    /// The pages of the frames `from..=to`, in the order of frames.
    pub fn pages_of(&self, from: u32, to: u32) -> Result<Vec<u32>> {
        let mut pages = Vec::new();
        let mut frame = from.max(1);
        while frame <= to {
            let (region, before) = region_of(frame);
            let mapped = self.existing(region)?;
            let table = Table::new(mapped, region);
            let last = to.min(before + table.pages.len() as u32);
            pages.extend(table.pages[(frame - before - 1) as usize..(last - before) as usize].iter().map(load));
            frame = last + 1;
        }
        Ok(pages)
    }

    /// Enters a frame; the caller holds the write lock, and `committed` frames are visible to others.
    pub fn append(&self, frame: u32, page: u32, committed: u32) -> Result<()> {
        let (region, before) = region_of(frame);
        let mapped = self.region(region, true)?.ok_or_else(|| Error::from_code(ResultCode::IOERR_SHMMAP))?;
        if !mapped.is_writable() {
            return Err(Error::from_code(ResultCode::READONLY_CANTLOCK));
        }
        let table = Table::new(mapped, region);
        let index = frame - before;
        if index == 1 {
            table.clear();
        }
        let entry = &table.pages[(index - 1) as usize];
        if load(entry) != 0 {
            // A writer that did not commit has been here.
            table.forget_above(committed.saturating_sub(before));
        }
        let hint = &self.hints[page as usize % HINTS];
        // Slots are emptied from the newest entry back, so where this one is still there so are those that it came behind.
        let mut slot = match hint.get(page, region).filter(|slot| table.holds(*slot, page)) {
            Some(last) => (last + 1) % HASH_SLOTS,
            None => hash(page),
        };
        let mut steps = 0;
        while table.slots[slot].load(Ordering::Relaxed) != 0 {
            slot = (slot + 1) % HASH_SLOTS;
            steps += 1;
            if steps > HASH_SLOTS {
                return Err(Error::corrupt(page, "a hash table of the wal-index is full"));
            }
        }
        entry.store(page, Ordering::Relaxed);
        table.slots[slot].store(index as u16, Ordering::Release);
        hint.set(page, region, slot);
        Ok(())
    }
}

struct Table<'a> {
    pages: &'a [AtomicU32],
    slots: &'a [AtomicU16],
}

impl<'a> Table<'a> {
    fn new(mapped: &'a ShmRegion, region: u32) -> Self {
        let pages = if region == 0 {
            &mapped.words()[at::FIRST_PAGE_NUMBERS..at::FIRST_PAGE_NUMBERS + FIRST_REGION_FRAMES as usize]
        } else {
            &mapped.words()[..REGION_FRAMES as usize]
        };
        Self { pages, slots: &mapped.halves()[at::HASH_HALVES..at::HASH_HALVES + HASH_SLOTS] }
    }

    /// True where the slot names an entry of this page.
    fn holds(&self, slot: usize, page: u32) -> bool {
        let index = self.slots.get(slot).map_or(0, |slot| slot.load(Ordering::Relaxed));
        index > 0 && self.pages.get(usize::from(index) - 1).is_some_and(|entry| load(entry) == page)
    }

    fn find(&self, page: u32, before: u32, min: u32, max: u32, hint: Option<usize>) -> Result<Option<u32>> {
        // What comes earlier in the chain is older than an entry that may be seen.
        let is_seen = |slot: &usize| {
            let frame = before + u32::from(self.slots[*slot].load(Ordering::Acquire));
            self.holds(*slot, page) && (min..=max).contains(&frame)
        };
        let mut slot = hint.filter(|slot| *slot < HASH_SLOTS).filter(is_seen).unwrap_or(hash(page));
        let mut found = None;
        for _ in 0..HASH_SLOTS {
            let index = u32::from(self.slots[slot].load(Ordering::Acquire));
            if index == 0 {
                return Ok(found);
            }
            let frame = before + index;
            if frame <= max
                && frame >= min
                && found < Some(frame)
                && self.pages.get(index as usize - 1).is_some_and(|entry| load(entry) == page)
            {
                found = Some(frame);
            }
            slot = (slot + 1) % HASH_SLOTS;
        }
        Err(Error::corrupt(page, "a hash table of the wal-index is full"))
    }

    fn clear(&self) {
        self.slots.iter().for_each(|slot| slot.store(0, Ordering::Relaxed));
        self.pages.iter().for_each(|page| page.store(0, Ordering::Relaxed));
    }

    fn forget_above(&self, index: u32) {
        for slot in self.slots {
            if u32::from(slot.load(Ordering::Relaxed)) > index {
                slot.store(0, Ordering::Relaxed);
            }
        }
        self.pages[index as usize..].iter().for_each(|page| page.store(0, Ordering::Relaxed));
    }
}
