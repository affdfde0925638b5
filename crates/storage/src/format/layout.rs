//! Where the special pages of a database file lie: the lock-byte page, pointer-map pages, freelist trunks.

use crate::page::PageNo;

/// The first byte of the range that file locks live on. The page that contains it is never used.
pub const PENDING_BYTE: u64 = 0x4000_0000;

/// The page that holds the lock bytes, where the file is large enough to have it.
pub const fn lock_byte_page(page_size: u32) -> PageNo {
    PageNo((PENDING_BYTE / page_size as u64) as u32 + 1)
}

/// Freelist trunk page: the number of the next trunk (0 = last), then the count of leaves, then the leaves.
pub mod trunk {
    /// Offset of the next trunk's page number.
    pub const NEXT: usize = 0;
    /// Offset of the number of leaf pages listed.
    pub const COUNT: usize = 4;
    /// Offset of the first leaf page number.
    pub const LEAVES: usize = 8;

    /// How many leaves a trunk can hold.
    pub const fn capacity(usable_size: u32) -> u32 {
        usable_size / 4 - 2
    }

    /// How many leaves SQLite puts on a trunk: six fewer than fit, for the sake of a bug in versions before 3.6.0.
    pub const fn fill_limit(usable_size: u32) -> u32 {
        usable_size / 4 - 8
    }
}

/// Pointer-map pages (auto-vacuum): 5-byte entries, one kind byte and the parent's page number.
pub mod ptrmap {
    use super::lock_byte_page;
    use crate::page::PageNo;

    /// Size of an entry.
    pub const ENTRY_SIZE: usize = 5;
    /// A B-tree root page; its parent field is 0.
    pub const ROOT_PAGE: u8 = 1;
    /// A page of the freelist; its parent field is 0.
    pub const FREE_PAGE: u8 = 2;
    /// The first page of an overflow chain; its parent is the B-tree page with the cell.
    pub const OVERFLOW_FIRST: u8 = 3;
    /// A later page of an overflow chain; its parent is the page before it.
    pub const OVERFLOW_NEXT: u8 = 4;
    /// A B-tree page other than a root; its parent is the B-tree page above it.
    pub const BTREE_PAGE: u8 = 5;

    /// The pointer-map page with the entry of `page`; a pointer-map page answers its own number. Page 1 has none.
    pub const fn page_for(page: PageNo, page_size: u32, usable_size: u32) -> Option<PageNo> {
        if page.0 < 2 {
            return None;
        }
        let per_map = usable_size / ENTRY_SIZE as u32 + 1;
        let map = (page.0 - 2) / per_map * per_map + 2;
        // The lock-byte page cannot hold a map; the one after it does.
        Some(if map == lock_byte_page(page_size).0 { PageNo(map + 1) } else { PageNo(map) })
    }

    /// True when `page` is a pointer-map page.
    pub fn is_map(page: PageNo, page_size: u32, usable_size: u32) -> bool {
        page_for(page, page_size, usable_size) == Some(page)
    }

    /// The offset of the entry of `page` on its map page; `None` when the map has no entry for it.
    pub const fn offset_of(page: PageNo, map: PageNo) -> Option<usize> {
        if page.0 <= map.0 { None } else { Some((page.0 - map.0 - 1) as usize * ENTRY_SIZE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_map_pages_lie_where_sqlite_puts_them() {
        // 512-byte pages: 102 entries per map, so maps are 2, 105, 208 ...
        let at = |n| ptrmap::page_for(PageNo(n), 512, 512).map(|p| p.0);
        assert_eq!(at(1), None);
        assert_eq!((at(2), at(3), at(104), at(105), at(106)), (Some(2), Some(2), Some(2), Some(105), Some(105)));
        assert_eq!(ptrmap::offset_of(PageNo(3), PageNo(2)), Some(0));
        assert_eq!(ptrmap::offset_of(PageNo(104), PageNo(2)), Some(505));
        assert_eq!(lock_byte_page(4096), PageNo(262_145));
    }
}
