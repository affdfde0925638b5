//! Page cache methods: those of the application are kept, told when the library starts and ends, and otherwise never called,
//! since the engine's cache is its own. Until some are set, `SQLITE_CONFIG_GETPCACHE2` answers methods of a plain cache, for an
//! application that builds upon them.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::codes::OK;

/// `sqlite3_pcache_methods2`: version, argument and eleven functions.
type Table = [usize; 13];

static METHODS: LazyLock<Mutex<Table>> = LazyLock::new(|| Mutex::new(default_methods()));

fn methods() -> MutexGuard<'static, Table> {
    METHODS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a copy of the table.
pub fn set(table: *const c_void) {
    if !table.is_null() {
        // SAFETY: the interface's contract: the caller passes a whole table.
        *methods() = unsafe { table.cast::<Table>().read_unaligned() };
    }
}

/// Writes the table.
pub fn get(table: *mut c_void) {
    if !table.is_null() {
        // SAFETY: the interface's contract: the caller passes room for a whole table.
        unsafe { table.cast::<Table>().write_unaligned(*methods()) }
    }
}

/// A function of the table at this place, and the table's argument.
fn method(place: usize) -> (usize, *mut c_void) {
    let methods = methods();
    let method = methods.get(place).copied().unwrap_or(0);
    (method, std::ptr::with_exposed_provenance_mut(methods[1]))
}

/// Tells the page cache that the library gets ready.
pub fn start() -> c_int {
    match method(2) {
        (0, _) => OK,
        // SAFETY: the interface's contract: the second entry is `xInit`.
        (init, argument) => unsafe {
            std::mem::transmute::<usize, unsafe extern "C" fn(*mut c_void) -> c_int>(init)(argument)
        },
    }
}

/// Tells the page cache that the library goes to rest.
pub fn end() {
    if let (end @ 1.., argument) = method(3) {
        // SAFETY: the interface's contract: the third entry is `xShutdown`.
        unsafe { std::mem::transmute::<usize, unsafe extern "C" fn(*mut c_void)>(end)(argument) }
    }
}

fn default_methods() -> Table {
    [
        1,
        0,
        init as *const () as usize,
        shut_down as *const () as usize,
        create as *const () as usize,
        set_size as *const () as usize,
        page_count as *const () as usize,
        fetch as *const () as usize,
        unpin as *const () as usize,
        rekey as *const () as usize,
        truncate as *const () as usize,
        destroy as *const () as usize,
        shrink as *const () as usize,
    ]
}

/// What a caller gets of a page (`sqlite3_pcache_page`).
#[repr(C)]
struct Shown {
    content: *mut c_void,
    extra: *mut c_void,
}

/// A page: what is shown of it comes first.
#[repr(C)]
struct Page {
    shown: Shown,
    key: c_uint,
    pinned: bool,
    layout: Layout,
}

/// A cache (`sqlite3_pcache`).
struct Cache {
    page_size: usize,
    extra_size: usize,
    purgeable: bool,
    most: usize,
    pages: BTreeMap<c_uint, Box<Page>>,
}

impl Cache {
    fn drop_unpinned(&mut self) {
        self.pages.retain(|_, page| page.pinned);
    }
}

impl Page {
    /// Zeroed content and extra space; `None` without memory.
    fn new(key: c_uint, page_size: usize, extra_size: usize) -> Option<Box<Self>> {
        let content = page_size.checked_next_multiple_of(16)?;
        let layout = Layout::from_size_align(content.checked_add(extra_size)?.max(16), 16).ok()?;
        // SAFETY: the size is not 0.
        let memory = unsafe { alloc_zeroed(layout) };
        if memory.is_null() {
            return None;
        }
        // SAFETY: within the block.
        let shown = Shown { content: memory.cast(), extra: unsafe { memory.add(content) }.cast() };
        Some(Box::new(Self { shown, key, pinned: true, layout }))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.shown.content.cast(), self.layout) }
    }
}

/// Does something with a cache; nothing with NULL.
fn with<T>(cache: *mut c_void, otherwise: T, work: impl FnOnce(&mut Cache) -> T) -> T {
    // SAFETY: the interface's contract: what `create` answered, used by one thread at a time.
    match unsafe { cache.cast::<Cache>().as_mut() } {
        Some(cache) => work(cache),
        None => otherwise,
    }
}

unsafe extern "C" fn init(_: *mut c_void) -> c_int {
    OK
}

unsafe extern "C" fn shut_down(_: *mut c_void) {}

unsafe extern "C" fn create(page_size: c_int, extra_size: c_int, purgeable: c_int) -> *mut c_void {
    let size = |bytes: c_int| usize::try_from(bytes).unwrap_or(0);
    let cache = Cache {
        page_size: size(page_size),
        extra_size: size(extra_size),
        purgeable: purgeable != 0,
        most: 100,
        pages: BTreeMap::new(),
    };
    Box::into_raw(Box::new(cache)).cast()
}

unsafe extern "C" fn set_size(cache: *mut c_void, pages: c_int) {
    with(cache, (), |cache| cache.most = usize::try_from(pages).unwrap_or(0));
}

unsafe extern "C" fn page_count(cache: *mut c_void) -> c_int {
    with(cache, 0, |cache| c_int::try_from(cache.pages.len()).unwrap_or(c_int::MAX))
}

/// A page by its key, pinned. One that is not there is made: with 1 if there is room for it, with 2 in any case.
unsafe extern "C" fn fetch(cache: *mut c_void, key: c_uint, make: c_int) -> *mut c_void {
    with(cache, null_mut(), |cache| {
        if let Some(page) = cache.pages.get_mut(&key) {
            page.pinned = true;
            return std::ptr::from_mut(&mut **page).cast();
        }
        if make == 0 {
            return null_mut();
        }
        if cache.purgeable && cache.pages.len() >= cache.most {
            let spare = cache.pages.iter().find(|(_, page)| !page.pinned).map(|(key, _)| *key);
            match spare {
                Some(spare) => drop(cache.pages.remove(&spare)),
                None if make == 1 => return null_mut(),
                None => {}
            }
        }
        let Some(page) = Page::new(key, cache.page_size, cache.extra_size) else { return null_mut() };
        let page = cache.pages.entry(key).or_insert(page);
        std::ptr::from_mut(&mut **page).cast()
    })
}

unsafe extern "C" fn unpin(cache: *mut c_void, page: *mut c_void, discard: c_int) {
    // SAFETY: the interface's contract: a page that `fetch` answered.
    let Some(page) = (unsafe { page.cast::<Page>().as_mut() }) else { return };
    page.pinned = false;
    let key = page.key;
    with(cache, (), |cache| {
        if discard != 0 || (cache.purgeable && cache.pages.len() > cache.most) {
            cache.pages.remove(&key);
        }
    });
}

/// A pinned page gets another key; a page that has it goes.
unsafe extern "C" fn rekey(cache: *mut c_void, _page: *mut c_void, old: c_uint, new: c_uint) {
    with(cache, (), |cache| {
        if let Some(mut page) = cache.pages.remove(&old) {
            page.key = new;
            cache.pages.insert(new, page);
        }
    });
}

/// All pages from this key on go, pinned ones too.
unsafe extern "C" fn truncate(cache: *mut c_void, first: c_uint) {
    with(cache, (), |cache| drop(cache.pages.split_off(&first)));
}

unsafe extern "C" fn destroy(cache: *mut c_void) {
    if !cache.is_null() {
        // SAFETY: made by `create`, and nobody uses it any more.
        drop(unsafe { Box::from_raw(cache.cast::<Cache>()) });
    }
}

unsafe extern "C" fn shrink(cache: *mut c_void) {
    with(cache, (), Cache::drop_unpinned);
}
