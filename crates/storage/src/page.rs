//! Page numbers and page images.
//!
//! A page that somebody else may hold is immutable: it is shared as [`PageRef`], and a writer works on a copy
//! (`Pager::edit`). A page image knows its number, so a function that received a page can name it in an error.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The number of a page in its database file; the first page is 1, and 0 means "no page" in every on-disk field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PageNo(pub u32);

impl PageNo {
    /// The page with the database header and the root of `sqlite_schema`.
    pub const ONE: Self = Self(1);

    /// The number as it is stored.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// `None` for the 0 that on-disk fields use for "no page".
    pub const fn from_field(field: u32) -> Option<Self> {
        if field == 0 { None } else { Some(Self(field)) }
    }
}

impl fmt::Debug for PageNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

impl fmt::Display for PageNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One page image, `page_size` bytes long.
///
/// The bytes lie directly behind the reference count, so that whoever follows a [`PageRef`] meets the page header in the
/// same cache line. Nothing relies on how they are aligned.
pub struct Image<B: ?Sized> {
    no: PageNo,
    bytes: B,
}

/// A page image of any size.
pub type Page = Image<[u8]>;

/// A page image that several holders share and nobody changes.
pub type PageRef = Arc<Page>;

impl<const N: usize> Default for Image<[u8; N]> {
    #[inline(always)]
    fn default() -> Self {
        Self { no: PageNo(0), bytes: [0; N] }
    }
}

/// Bytes that are known to be in use, all page images of the process among them, and the most there have been.
static KNOWN_BYTES: [AtomicI64; 2] = [AtomicI64::new(0), AtomicI64::new(0)];

impl<B: ?Sized> Drop for Image<B> {
    #[inline]
    fn drop(&mut self) {
        KNOWN_BYTES[0].fetch_sub(size_of_val(&self.bytes) as i64, Ordering::Relaxed);
    }
}

/// Bytes that have come or, where negative, gone: those of page images, and what others take.
#[inline]
pub fn count_memory(bytes: i64) {
    let [now, most] = &KNOWN_BYTES;
    let sum = now.fetch_add(bytes, Ordering::Relaxed) + bytes;
    if sum > most.load(Ordering::Relaxed) {
        most.fetch_max(sum, Ordering::Relaxed);
    }
}

/// Bytes that page images of this process, and what others have counted, take now, and the most they have taken since the last
/// `reset`.
pub fn memory_in_use(reset: bool) -> (i64, i64) {
    let [now, most] = &KNOWN_BYTES;
    let sum = now.load(Ordering::Relaxed).max(0);
    let before = if reset { most.swap(sum, Ordering::Relaxed) } else { most.load(Ordering::Relaxed) };
    (sum, before.max(sum))
}

impl Page {
    /// A page of zeros. `page_size` is one of the format's eight; anything else gets the next greater one.
    pub fn zeroed(no: PageNo, page_size: u32) -> PageRef {
        // `Arc::default` makes the value in its place; `Arc::new` would make it on the stack first.
        let mut page: PageRef = match page_size {
            4096 => Arc::<Image<[u8; 4096]>>::default(),
            0..=512 => Arc::<Image<[u8; 512]>>::default(),
            513..=1024 => Arc::<Image<[u8; 1024]>>::default(),
            1025..=2048 => Arc::<Image<[u8; 2048]>>::default(),
            2049..=4096 => Arc::<Image<[u8; 4096]>>::default(),
            4097..=8192 => Arc::<Image<[u8; 8192]>>::default(),
            8193..=16384 => Arc::<Image<[u8; 16384]>>::default(),
            16385..=32768 => Arc::<Image<[u8; 32768]>>::default(),
            _ => Arc::<Image<[u8; 65536]>>::default(),
        };
        let image = Self::unique(&mut page);
        image.no = no;
        count_memory(image.bytes.len() as i64);
        page
    }

    /// A page with these bytes, as many as a page has.
    pub fn from_bytes(no: PageNo, bytes: &[u8]) -> PageRef {
        let mut page = Self::zeroed(no, bytes.len() as u32);
        Self::unique(&mut page).bytes.copy_from_slice(bytes);
        page
    }

    /// The page, to be changed: a copy takes its place where somebody else holds it too.
    #[inline]
    pub fn unique(page: &mut PageRef) -> &mut Self {
        // Nobody makes weak references: this count is all there is, and nobody else can raise it from 1.
        if Arc::strong_count(page) != 1 {
            *page = Self::from_bytes(page.no, &page.bytes);
        }
        Arc::get_mut(page).expect("the only reference to a page")
    }

    /// The page as [`zeroed`](Self::zeroed) makes one of the same size; `None` where somebody else holds it too.
    pub fn zeroed_again(mut page: PageRef, no: PageNo) -> Option<PageRef> {
        let image = Arc::get_mut(&mut page)?;
        image.no = no;
        image.bytes.fill(0);
        Some(page)
    }

    /// Which page this is.
    #[inline]
    pub fn no(&self) -> PageNo {
        self.no
    }
}

/// Pages that nobody uses any more, to be written over: pages are handed from thread to thread, which is where an allocator is
/// slow.
#[derive(Default)]
pub(crate) struct SparePages(Vec<PageRef>);

impl SparePages {
    const MOST: usize = 32;

    /// Keeps the page, unless somebody else holds it.
    pub fn keep(&mut self, mut page: PageRef) {
        if self.0.len() < Self::MOST && Arc::get_mut(&mut page).is_some() {
            self.0.push(page);
        }
    }

    /// A copy in the place of a page that was kept, if there is one.
    pub fn copy_of(&mut self, page: &Page) -> Option<PageRef> {
        let mut spare = self.0.pop().filter(|spare| spare.len() == page.len())?;
        let copy = Arc::get_mut(&mut spare)?;
        copy.no = page.no;
        copy.bytes.copy_from_slice(&page.bytes);
        Some(spare)
    }
}

impl Deref for Page {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Page {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}, {} bytes)", self.no, self.bytes.len())
    }
}
