//! Small blocks that a thread has just freed, to be given out again first.
//!
//! A statement is prepared from hundreds of small blocks that live for some microseconds. mimalloc gives the blocks of one size
//! out in turn, thousands of them before the first comes again, so nearly each of them is memory that the processor's
//! first cache has forgotten. What was freed last is still there: blocks up to [`LARGEST`] bytes go to a list of their size
//! on the thread that frees them, and the last one comes first.
//!
//! A list is bounded ([`MOST_BYTES`]); beyond that blocks go to mimalloc. Another thread's block may end up here: mimalloc takes
//! blocks back from any thread. A thread that ends gives its lists back.

use std::cell::Cell;
use std::ptr::null_mut;

use libmimalloc_sys::{mi_free, mi_malloc};

/// Sizes are told apart in steps of so many bytes.
const STEP: usize = 16;
/// The largest blocks that are kept.
pub(crate) const LARGEST: usize = 2048;
/// What the blocks of one list may hold together.
const MOST_BYTES: usize = 16384;

const LISTS: usize = LARGEST / STEP;

/// A block in a list: its first bytes point to the next one.
struct Free {
    next: *mut Free,
}

/// Blocks of one size, and how many more of them are kept.
struct List {
    first: Cell<*mut Free>,
    room: Cell<u16>,
}

struct Recent {
    lists: [List; LISTS],
    /// The lists are given back when the thread ends; before that is sure, nothing is kept.
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    /// The thread is ending.
    Closed,
}

thread_local! {
    // Without a destructor of its own it is reached by one instruction, at any time in a thread's life.
    static RECENT: Recent = const {
        Recent { lists: [const { List { first: Cell::new(null_mut()), room: Cell::new(0) } }; LISTS], state: Cell::new(State::New) }
    };
    static GUARD: Guard = const { Guard };
}

/// Gives the lists of an ending thread back.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        RECENT.with(|recent| {
            recent.state.set(State::Closed);
            for list in &recent.lists {
                list.room.set(0);
                let mut block = list.first.replace(null_mut());
                while !block.is_null() {
                    // SAFETY: what is in a list is a free block that belongs to the list alone, with a pointer in front.
                    unsafe {
                        let next = (*block).next;
                        mi_free(block.cast());
                        block = next;
                    }
                }
            }
        });
    }
}

/// The size of the blocks that requests of `size` bytes are served with.
#[inline(always)]
fn list_of(size: usize) -> usize {
    size.wrapping_sub(1) / STEP
}

/// True where two sizes, which are at most [`LARGEST`], are served by the same blocks.
#[inline(always)]
pub(crate) fn same_block(a: usize, b: usize) -> bool {
    list_of(a) == list_of(b)
}

/// A block for `size` bytes, which are at least one and at most [`LARGEST`]; null when there is no memory.
#[inline(always)]
pub(crate) fn take(size: usize) -> *mut u8 {
    RECENT.with(|recent| {
        let at = list_of(size);
        let Some(list) = recent.lists.get(at) else { return null_mut() };
        let block = list.first.get();
        if block.is_null() {
            // SAFETY: any size may be asked for. All blocks of a list are equally large.
            return unsafe { mi_malloc((at + 1) * STEP).cast() };
        }
        // SAFETY: what is in a list is a free block that belongs to the list alone, with a pointer in front.
        list.first.set(unsafe { (*block).next });
        list.room.set(list.room.get() + 1);
        block.cast()
    })
}

/// Takes a block back that [`take`] gave for as many bytes.
///
/// # Safety
/// The block comes from `take`, on whatever thread, with a size in the same step, and nobody uses it any more.
#[inline(always)]
pub(crate) unsafe fn give_back(block: *mut u8, size: usize) {
    RECENT.with(|recent| {
        let Some(list) = recent.lists.get(list_of(size)) else { return };
        let room = list.room.get();
        if room == 0 {
            // SAFETY: the caller's promise.
            return unsafe { no_room(recent, block) };
        }
        let block = block.cast::<Free>();
        // SAFETY: the block is free, at least STEP bytes large and aligned to a word.
        unsafe { (*block).next = list.first.get() };
        list.first.set(block);
        list.room.set(room - 1);
    });
}

/// Frees a block for which its list has no room. The first time a thread comes here its lists get their room.
///
/// # Safety
/// As of [`give_back`].
#[cold]
unsafe fn no_room(recent: &Recent, block: *mut u8) {
    if recent.state.get() == State::New {
        recent.state.set(State::Closed);
        // Registering the destructor may allocate, and must find no list to put anything in.
        if GUARD.try_with(|_| ()).is_ok() {
            recent.state.set(State::Open);
            for (i, list) in recent.lists.iter().enumerate() {
                list.room.set((MOST_BYTES / ((i + 1) * STEP)) as u16);
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { mi_free(block.cast()) }
}
