//! Page numbers and page images.
//!
//! A page that somebody else may hold is immutable: it is shared as [`PageRef`], and a writer works on a copy
//! (`Pager::edit`). A page image knows its number, so a function that received a page can name it in an error.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

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
/// The allocator aligns buffers of this size to 8 bytes or more; nothing relies on it.
#[derive(Clone)]
pub struct Page {
    no: PageNo,
    bytes: Box<[u8]>,
}

/// A page image that several holders share and nobody changes.
pub type PageRef = Arc<Page>;

impl Page {
    /// A page of zeros.
    pub fn zeroed(no: PageNo, page_size: u32) -> Self {
        Self { no, bytes: vec![0; page_size as usize].into_boxed_slice() }
    }

    /// A page with these bytes.
    pub fn from_bytes(no: PageNo, bytes: Box<[u8]>) -> Self {
        Self { no, bytes }
    }

    /// Which page this is.
    #[inline]
    pub fn no(&self) -> PageNo {
        self.no
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
