//! The allocator of our faces: mimalloc, asked in its fast way.
//!
//! The crate `mimalloc` asks for an alignment with every request, which takes the allocator about twice as many instructions
//! as a plain one. Its plain requests are aligned for everything up to the size of a word, and that is what nearly all
//! requests of a Rust program need.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc, mi_zalloc_aligned,
};

/// To be a program's `#[global_allocator]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator;

/// Alignment of whatever a plain request gives.
const PLAIN_ALIGN: usize = size_of::<usize>();

// SAFETY: mimalloc gives memory of at least the size asked for, or null, that belongs to nobody else until it is freed. A
// plain request's memory is aligned to the size of a word, all others ask for their alignment. `mi_free` and `mi_realloc*`
// take memory of either kind of request.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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
    unsafe fn dealloc(&self, ptr: *mut u8, _: Layout) {
        // SAFETY: the caller hands back what came from here.
        unsafe { mi_free(ptr.cast::<c_void>()) }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller hands back what came from here; the content is kept as far as both sizes go.
        unsafe {
            if layout.align() <= PLAIN_ALIGN {
                mi_realloc(ptr.cast::<c_void>(), new_size).cast()
            } else {
                mi_realloc_aligned(ptr.cast::<c_void>(), new_size, layout.align()).cast()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_keeps_its_content() {
        for align in [1, 2, 8, 16, 64, 4096] {
            for size in [1, 8, 24, 100, 5000, 100_000] {
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
}
