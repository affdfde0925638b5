//! A region of shared memory as atomic words.
//!
//! Other processes change these bytes at any moment, so they are never visible as a slice of plain bytes.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};

/// Bytes of one region of the wal-index.
pub const SHM_REGION_SIZE: usize = 32768;
/// Number of locks on the wal-index.
pub const SHM_LOCKS: u32 = 8;

/// One mapped region; clones refer to the same memory.
#[derive(Clone)]
pub struct ShmRegion {
    base: *const u32,
    writable: bool,
    /// Keeps the memory mapped or allocated.
    _owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the region is only reachable as atomics, and the memory lives as long as `_owner`, itself Send + Sync.
unsafe impl Send for ShmRegion {}
// SAFETY: as above; atomics may be used from several threads at once.
unsafe impl Sync for ShmRegion {}

impl ShmRegion {
    /// # Safety
    /// `base` is aligned to 4 bytes and valid for reads of [`SHM_REGION_SIZE`] bytes while `owner` lives, for writes
    /// too where `writable`, and nobody accesses the memory but by atomic operations (or from other processes).
    pub(crate) unsafe fn new(base: *const u32, writable: bool, owner: Arc<dyn Any + Send + Sync>) -> Self {
        Self { base, writable, _owner: owner }
    }

    /// A region that somebody else has mapped.
    ///
    /// # Safety
    /// As for memory of this process's own mapping: `base` is aligned to 4 bytes and stays mapped, for [`SHM_REGION_SIZE`] bytes,
    /// as long as this region and its clones are in use; nobody accesses it but by atomic operations or from other processes.
    pub unsafe fn from_foreign(base: *const u32, writable: bool) -> Self {
        // SAFETY: the caller's promise; the owner has nothing to keep.
        unsafe { Self::new(base, writable, Arc::new(())) }
    }

    /// A region of process memory, zeroed.
    pub fn in_memory() -> Self {
        let words: Box<[AtomicU32]> = (0..SHM_REGION_SIZE / 4).map(|_| AtomicU32::new(0)).collect();
        let owner = Arc::new(words);
        let base = owner.as_ptr().cast::<u32>();
        // SAFETY: the slice has the size and alignment, lives as long as `owner`, and consists of atomics.
        unsafe { Self::new(base, true, owner) }
    }

    /// False where storing to the region would fault: the file could only be mapped for reading.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The region as 32-bit words. Do not store where [`ShmRegion::is_writable`] is false.
    #[inline]
    pub fn words(&self) -> &[AtomicU32] {
        // SAFETY: `new` demands size, alignment, lifetime (bounded by self, which holds the owner) and atomic access.
        unsafe { std::slice::from_raw_parts(self.base.cast::<AtomicU32>(), SHM_REGION_SIZE / 4) }
    }

    /// The region as 16-bit halves. Do not store where [`ShmRegion::is_writable`] is false.
    #[inline]
    pub fn halves(&self) -> &[AtomicU16] {
        // SAFETY: as in `words`; an address aligned for u32 is aligned for u16.
        unsafe { std::slice::from_raw_parts(self.base.cast::<AtomicU16>(), SHM_REGION_SIZE / 2) }
    }
}
