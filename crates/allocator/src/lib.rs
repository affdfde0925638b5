//! The allocator of our faces: mimalloc, asked in its fast way, behind lists of the small blocks that were freed last.
//!
//! The crate `mimalloc` asks for an alignment with every request, which takes the allocator about twice as many instructions
//! as a plain one. Its plain requests are aligned for everything up to the size of a word, and that is what nearly all
//! requests of a Rust program need. Those of them that are small are served by `recent.rs`.

mod recent;

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc, mi_zalloc_aligned,
};

use recent::LARGEST;

/// To be a program's `#[global_allocator]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator;

/// Alignment of whatever a plain request gives.
const PLAIN_ALIGN: usize = size_of::<usize>();

/// Served by the lists of small blocks.
#[inline(always)]
fn is_small(layout: Layout) -> bool {
    layout.size() <= LARGEST && layout.align() <= PLAIN_ALIGN
}

// SAFETY: mimalloc gives memory of at least the size asked for, or null, that belongs to nobody else until it is freed. A
// plain request's memory is aligned to the size of a word, all others ask for their alignment. `mi_free` and `mi_realloc*`
// take memory of either kind of request. Small blocks come from `recent` and go back there: whether a block is small depends on
// its layout alone, which the caller hands back.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            return recent::take(layout.size());
        }
        // SAFETY: any size and any power of two as alignment may be asked for.
        unsafe {
            if layout.align() <= PLAIN_ALIGN {
                mi_malloc(layout.size()).cast()
            } else {
                mi_malloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            let block = recent::take(layout.size());
            if !block.is_null() {
                // SAFETY: the block has at least that many bytes.
                unsafe { block.write_bytes(0, layout.size()) };
            }
            return block;
        }
        // SAFETY: as above.
        unsafe {
            if layout.align() <= PLAIN_ALIGN {
                mi_zalloc(layout.size()).cast()
            } else {
                mi_zalloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller hands back what came from here.
        unsafe {
            if is_small(layout) {
                recent::give_back(ptr, layout.size());
            } else {
                mi_free(ptr.cast());
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size().min(new_size) <= LARGEST && layout.align() <= PLAIN_ALIGN {
            // SAFETY: as the caller promises.
            return unsafe { self.move_small(ptr, layout, new_size) };
        }
        // SAFETY: the caller hands back what came from here; the content is kept as far as both sizes go.
        unsafe {
            if layout.align() <= PLAIN_ALIGN {
                mi_realloc(ptr.cast(), new_size).cast()
            } else {
                mi_realloc_aligned(ptr.cast(), new_size, layout.align()).cast()
            }
        }
    }
}

impl Allocator {
    /// `realloc`, where the old block is small, or the new one.
    ///
    /// # Safety
    /// As of `GlobalAlloc::realloc`.
    unsafe fn move_small(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size().max(new_size) <= LARGEST && recent::same_block(layout.size(), new_size) {
            return ptr;
        }
        // SAFETY: the alignment is that of a layout, and the caller promises that the size fits; the new block is another
        // one than the old.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(ptr, new, layout.size().min(new_size));
                self.dealloc(ptr, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_keeps_its_content() {
        for align in [1, 2, 8, 16, 64, 4096] {
            for size in [1, 8, 24, 100, 700, 2048, 2049, 5000, 100_000] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the sizes are not zero, and what is allocated is freed with its layout.
                unsafe {
                    let memory = Allocator.alloc_zeroed(layout);
                    assert!(!memory.is_null() && memory.addr().is_multiple_of(align), "{size} {align}");
                    assert_eq!(memory.read(), 0);
                    memory.write(7);
                    let larger = Allocator.realloc(memory, layout, 3 * size);
                    assert!(!larger.is_null() && larger.addr().is_multiple_of(align), "{size} {align}");
                    assert_eq!(larger.read(), 7);
                    Allocator.dealloc(larger, Layout::from_size_align(3 * size, align).unwrap());
                }
            }
        }
    }

    #[test]
    fn blocks_that_live_at_the_same_time_do_not_overlap() {
        let mut blocks: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let mut random = 1u32;
        for turn in 0..100_000u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let size = 1 + random as usize / 7 % 2500;
            // SAFETY: the sizes are not zero, and what is allocated is freed with its layout.
            unsafe {
                if blocks.len() < 300 || random >> 31 == 0 {
                    let layout = Layout::from_size_align(size, 8).unwrap();
                    let block = Allocator.alloc(layout);
                    block.write_bytes(turn as u8, size);
                    blocks.push((block, layout, turn as u8));
                } else {
                    let (mut block, mut layout, content) = blocks.swap_remove(random as usize % blocks.len());
                    if random & 1 == 0 {
                        block = Allocator.realloc(block, layout, size);
                        let kept = std::slice::from_raw_parts(block, size.min(layout.size()));
                        assert!(kept.iter().all(|byte| *byte == content));
                        layout = Layout::from_size_align(size, 8).unwrap();
                    } else {
                        let kept = std::slice::from_raw_parts(block, layout.size());
                        assert!(kept.iter().all(|byte| *byte == content));
                    }
                    Allocator.dealloc(block, layout);
                }
            }
        }
        for (block, layout, _) in blocks {
            // SAFETY: as above.
            unsafe { Allocator.dealloc(block, layout) };
        }
    }

    #[test]
    fn what_one_thread_allocates_another_may_free_and_end() {
        for _ in 0..50 {
            let layout = Layout::from_size_align(48, 8).unwrap();
            // SAFETY: as above.
            let blocks: Vec<usize> =
                (0..1000).map(|_| unsafe { Allocator.alloc(layout) }.expose_provenance()).collect();
            let frees = std::thread::spawn(move || {
                for block in blocks {
                    // SAFETY: as above; nobody else has it.
                    unsafe { Allocator.dealloc(std::ptr::with_exposed_provenance_mut(block), layout) };
                }
                // SAFETY: as above.
                unsafe { Allocator.dealloc(Allocator.alloc(layout), layout) };
            });
            frees.join().unwrap();
        }
    }
}
