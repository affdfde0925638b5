//! Pointer maps: in auto-vacuum databases each page knows its parent, so that it can be moved.
//!
//! Everything here does nothing in a database without auto-vacuum.

use super::layout::put32;
use crate::format::layout::ptrmap::offset_of;
use crate::page::PageNo;
use crate::pager::Pager;
use turso_error::{Error, Result};

/// Gather: makes the map page with the entry of `no` resident, unless it will only be made by growing the file.
pub(crate) fn gather(pager: &mut Pager, no: PageNo) -> Result<()> {
    if pager.auto_vacuum()
        && let Some(map) = pager.ptrmap_page_for(no)
        && map.0 <= pager.page_count()
    {
        pager.page(map)?;
    }
    Ok(())
}

/// The entry of a page: its kind and parent.
pub(crate) fn get(pager: &mut Pager, no: PageNo) -> Result<(u8, PageNo)> {
    let map = pager.ptrmap_page_for(no).ok_or_else(|| Error::corrupt(no.0, "page without pointer-map entry"))?;
    let page = pager.page(map)?;
    match offset_of(no, map).and_then(|at| page.get(at..at + 5)) {
        Some(entry) => Ok((entry[0], PageNo(u32::from_be_bytes([entry[1], entry[2], entry[3], entry[4]])))),
        None => Err(Error::corrupt(no.0, "page without pointer-map entry")),
    }
}

/// Apply: sets the entry of a page. The map page is resident or was just made.
pub(crate) fn put(pager: &mut Pager, no: PageNo, kind: u8, parent: PageNo) {
    if !pager.auto_vacuum() {
        return;
    }
    let Some(map) = pager.ptrmap_page_for(no) else { return };
    let Some(at) = offset_of(no, map) else { return };
    if map.0 > pager.page_count() {
        return;
    }
    // Most links stay as they are when cells move within their page: do not dirty the map for nothing.
    let Ok(page) = pager.page(map) else { return };
    let mut entry = [0; 5];
    entry[0] = kind;
    put32(&mut entry, 1, parent.0);
    if page.get(at..at + 5) != Some(&entry[..]) {
        drop(page);
        if let Some(room) = pager.edit(map).get_mut(at..at + 5) {
            room.copy_from_slice(&entry);
        }
    }
}
