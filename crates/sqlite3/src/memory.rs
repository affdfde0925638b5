//! `sqlite3_malloc` and its kin, over the C library's allocator or over methods of the application.
//!
//! Only what crosses the interface lies here; the engine's own memory is Rust's. Of that, what is told of as used is the page images
//! and the objects that C holds.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering};

use crate::boundary::entry;

/// Methods of an allocator, as the application hands them over.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are those of the interface")]
pub struct MemoryMethods {
    pub malloc: Option<unsafe extern "C" fn(c_int) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*mut c_void)>,
    pub realloc: Option<unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void>,
    pub size: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub roundup: Option<unsafe extern "C" fn(c_int) -> c_int>,
    pub init: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub shutdown: Option<unsafe extern "C" fn(*mut c_void)>,
    pub app_data: *mut c_void,
}

/// The methods in force; NULL: [`DEFAULT`]. What was installed once is never freed, since blocks may still belong to it.
static METHODS: AtomicPtr<MemoryMethods> = AtomicPtr::new(null_mut());

static COUNT: AtomicI64 = AtomicI64::new(0);
static COUNT_HIGHWATER: AtomicI64 = AtomicI64::new(0);
static LARGEST: AtomicI64 = AtomicI64::new(0);

/// Allocations beyond this size fail, as in SQLite.
const MAX_ALLOCATION: u64 = 0x7fff_ff00;

/// Before each block of the default allocator: its size. As wide as the strictest alignment.
const HEADER: usize = 16;

struct Static(MemoryMethods);
// SAFETY: the table is constant, and its functions may be called from any thread.
unsafe impl Sync for Static {}

static DEFAULT: Static = Static(MemoryMethods {
    malloc: Some(default_malloc),
    free: Some(default_free),
    realloc: Some(default_realloc),
    size: Some(default_size),
    roundup: Some(default_roundup),
    init: Some(default_init),
    shutdown: Some(default_shutdown),
    app_data: null_mut(),
});

unsafe extern "C" fn default_malloc(size: c_int) -> *mut c_void {
    let Ok(size) = usize::try_from(size) else { return null_mut() };
    // SAFETY: any size may be asked for; the header lies within the block.
    unsafe {
        let block = libc::malloc(size + HEADER);
        if block.is_null() {
            return block;
        }
        block.cast::<usize>().write(size);
        block.byte_add(HEADER)
    }
}

unsafe extern "C" fn default_free(block: *mut c_void) {
    // SAFETY: the caller passes what `default_malloc` or `default_realloc` answered.
    unsafe { libc::free(block.byte_sub(HEADER)) }
}

unsafe extern "C" fn default_realloc(block: *mut c_void, size: c_int) -> *mut c_void {
    let Ok(size) = usize::try_from(size) else { return null_mut() };
    // SAFETY: as for `default_free`; the header is written anew.
    unsafe {
        let block = libc::realloc(block.byte_sub(HEADER), size + HEADER);
        if block.is_null() {
            return block;
        }
        block.cast::<usize>().write(size);
        block.byte_add(HEADER)
    }
}

unsafe extern "C" fn default_size(block: *mut c_void) -> c_int {
    // SAFETY: as for `default_free`; the header was written when the block was made.
    unsafe { block.byte_sub(HEADER).cast::<usize>().read() as c_int }
}

unsafe extern "C" fn default_roundup(size: c_int) -> c_int {
    size.saturating_add(7) & !7
}

unsafe extern "C" fn default_init(_: *mut c_void) -> c_int {
    crate::codes::OK
}

unsafe extern "C" fn default_shutdown(_: *mut c_void) {}

/// The methods in force.
pub fn methods() -> MemoryMethods {
    let installed = METHODS.load(Ordering::Acquire);
    // SAFETY: what was installed lives for ever.
    if installed.is_null() { DEFAULT.0 } else { unsafe { *installed } }
}

/// Install an allocator (`SQLITE_CONFIG_MALLOC`). A table without functions puts the default back.
pub fn install(methods: &MemoryMethods) {
    let installed = if methods.malloc.is_none() { null_mut() } else { Box::into_raw(Box::new(*methods)) };
    METHODS.store(installed, Ordering::Release);
}

/// Tells the allocator that the library gets ready.
pub fn start() -> c_int {
    let methods = methods();
    // SAFETY: a function of the table gets the table's argument, by the contract of `SQLITE_CONFIG_MALLOC`.
    methods.init.map_or(crate::codes::OK, |init| unsafe { init(methods.app_data) })
}

/// Tells the allocator that the library goes to rest.
pub fn end() {
    let methods = methods();
    if let Some(shutdown) = methods.shutdown {
        // SAFETY: as above.
        unsafe { shutdown(methods.app_data) }
    }
}

/// Bytes and blocks that have come or, where negative, gone.
pub fn count(bytes: i64, blocks: i64) {
    // Together with page images, so that there is one peak and not the sum of two.
    turso_core::count_memory(bytes);
    let count = COUNT.fetch_add(blocks, Ordering::Relaxed) + blocks;
    if blocks > 0 {
        COUNT_HIGHWATER.fetch_max(count, Ordering::Relaxed);
    }
}

/// A block; NULL for size 0 and where there is no memory.
pub fn allocate(size: u64) -> *mut c_void {
    if size == 0 || size > MAX_ALLOCATION {
        return null_mut();
    }
    let methods = methods();
    let (Some(malloc), Some(size_of), Some(roundup)) = (methods.malloc, methods.size, methods.roundup) else {
        return null_mut();
    };
    LARGEST.fetch_max(size as i64, Ordering::Relaxed);
    // SAFETY: the methods are a whole allocator, by the contract of `SQLITE_CONFIG_MALLOC`.
    unsafe {
        let block = malloc(roundup(size as c_int));
        if !block.is_null() {
            count(i64::from(size_of(block)), 1);
        }
        block
    }
}

/// Frees a block of [`allocate`]; NULL is fine.
pub fn free(block: *mut c_void) {
    let methods = methods();
    if let (false, Some(free), Some(size_of)) = (block.is_null(), methods.free, methods.size) {
        // SAFETY: the caller passes a block of this allocator that nobody uses any more.
        unsafe {
            count(-i64::from(size_of(block)), -1);
            free(block);
        }
    }
}

/// A block of another size with the same content.
pub fn reallocate(block: *mut c_void, size: u64) -> *mut c_void {
    if block.is_null() {
        return allocate(size);
    }
    if size == 0 {
        free(block);
        return null_mut();
    }
    let methods = methods();
    let (Some(realloc), Some(size_of), Some(roundup)) = (methods.realloc, methods.size, methods.roundup) else {
        return null_mut();
    };
    if size > MAX_ALLOCATION {
        return null_mut();
    }
    LARGEST.fetch_max(size as i64, Ordering::Relaxed);
    // SAFETY: as for `free`; on failure the old block stays as it is.
    unsafe {
        let before = i64::from(size_of(block));
        let moved = realloc(block, roundup(size as c_int));
        if !moved.is_null() {
            count(i64::from(size_of(moved)) - before, 0);
        }
        moved
    }
}

/// A copy of the bytes with a NUL behind them, in memory of the interface; NULL where there is none.
pub fn copy_of(bytes: &[u8]) -> *mut std::ffi::c_char {
    let block = allocate(bytes.len() as u64 + 1).cast::<u8>();
    if !block.is_null() {
        // SAFETY: the block is one byte longer than the text, and fresh.
        unsafe {
            block.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            block.add(bytes.len()).write(0);
        }
    }
    block.cast()
}

/// Current and highest values, for `sqlite3_status`.
pub fn used(reset: bool) -> (i64, i64) {
    turso_core::memory_in_use(reset)
}

/// As [`used`], in blocks.
pub fn blocks(reset: bool) -> (i64, i64) {
    pair(&COUNT, &COUNT_HIGHWATER, reset)
}

/// The largest request.
pub fn largest(reset: bool) -> (i64, i64) {
    let high = LARGEST.load(Ordering::Relaxed);
    if reset {
        LARGEST.store(0, Ordering::Relaxed);
    }
    (0, high)
}

/// As SQLite, the highest value before it is reset.
fn pair(now: &AtomicI64, high: &AtomicI64, reset: bool) -> (i64, i64) {
    let answer = (now.load(Ordering::Relaxed), high.load(Ordering::Relaxed));
    if reset {
        high.store(answer.0, Ordering::Relaxed);
    }
    answer
}

/// The soft and the hard limit: stored and answered; the engine's memory is bounded by its own budget.
static SOFT_LIMIT: AtomicI64 = AtomicI64::new(0);
static HARD_LIMIT: AtomicI64 = AtomicI64::new(0);

entry! {
    /// Memory.
    fn sqlite3_malloc(size: i32) -> *mut c_void | null_mut(); { allocate(u64::try_from(size).unwrap_or(0)) }

    /// Memory.
    fn sqlite3_malloc64(size: u64) -> *mut c_void | null_mut(); { allocate(size) }

    /// Memory moved to a block of another size.
    fn sqlite3_realloc(block: *mut c_void, size: i32) -> *mut c_void | null_mut(); {
        reallocate(block, u64::try_from(size).unwrap_or(0))
    }

    /// Memory moved to a block of another size.
    fn sqlite3_realloc64(block: *mut c_void, size: u64) -> *mut c_void | null_mut(); { reallocate(block, size) }

    /// Gives memory back.
    fn sqlite3_free(block: *mut c_void) | (); { free(block) }

    /// Size of a block, at least what was asked for.
    fn sqlite3_msize(block: *mut c_void) -> u64 | 0; {
        match methods().size.filter(|_| !block.is_null()) {
            // SAFETY: the caller passes a block of this allocator.
            Some(size_of) => unsafe { size_of(block) as u64 },
            None => 0,
        }
    }

    /// Bytes in blocks now.
    fn sqlite3_memory_used() -> i64 | 0; { used(false).0 }

    /// The most bytes there were in blocks.
    fn sqlite3_memory_highwater(reset: i32) -> i64 | 0; { used(reset != 0).1 }

    /// A wish for the size of caches: stored and answered.
    fn sqlite3_soft_heap_limit64(limit: i64) -> i64 | -1; {
        let hard = HARD_LIMIT.load(Ordering::Relaxed);
        let before = SOFT_LIMIT.load(Ordering::Relaxed);
        if limit >= 0 {
            let limit = if hard > 0 && (limit > hard || limit == 0) { hard } else { limit };
            SOFT_LIMIT.store(limit, Ordering::Relaxed);
        }
        before
    }

    /// A bound on memory: stored and answered.
    fn sqlite3_hard_heap_limit64(limit: i64) -> i64 | -1; {
        let before = HARD_LIMIT.load(Ordering::Relaxed);
        if limit >= 0 {
            HARD_LIMIT.store(limit, Ordering::Relaxed);
            let soft = SOFT_LIMIT.load(Ordering::Relaxed);
            if limit < soft || soft == 0 {
                SOFT_LIMIT.store(limit, Ordering::Relaxed);
            }
        }
        before
    }

    /// Obsolete form of `sqlite3_soft_heap_limit64`.
    fn sqlite3_soft_heap_limit(limit: i32) | (); {
        // SAFETY: no pointers.
        unsafe { sqlite3_soft_heap_limit64(i64::from(limit.max(0))); }
    }

    /// As in SQLite without `SQLITE_ENABLE_MEMORY_MANAGEMENT`, which Debian's has not got: nothing. A connection's caches can be
    /// told to (`sqlite3_db_release_memory`).
    fn sqlite3_release_memory(_bytes: i32) -> c_int | 0; { 0 }

    /// Obsolete, does nothing.
    fn sqlite3_memory_alarm(_callback: *mut c_void, _argument: *mut c_void, _threshold: i64) -> c_int | 0; { 0 }
}
