//! Inserting and replacing entries.
//!
//! ```text
//!  room on the leaf       -> one cell in place                              (no other page is looked at)
//!  end of the last leaf   -> a new leaf, a divider for the parent           (`append_leaf`)
//!  anything else          -> a draft with one cell too many, `balance.rs`
//! ```
//! An entry longer than a page's share gets its overflow pages promised first, in the same plan.

use super::balance::{no_drafts, page_of, push_divider};
use super::cell::{Cell, MAX_PAYLOAD};
use super::cursor::{BTreeCursor, State};
use super::draft::{Cells, Draft, page_image};
use super::edit::{PageEdit, can_remove, can_shrink, fits};
use super::layout::{Geometry, NodeKind};
use super::plan::Plan;
use crate::format::layout::ptrmap::{BTREE_PAGE, OVERFLOW_FIRST, OVERFLOW_NEXT};
use crate::page::PageNo;
use crate::pager::Pager;
use std::cmp::Ordering;
use turso_error::{Error, Result, ResultCode};
use turso_value::{Value, varint};

/// The bytes of a new entry: what is given, then zeros.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    /// The record, perhaps without a tail of zeros.
    pub bytes: &'a [u8],
    /// How many zeros follow (`zeroblob`).
    pub zeros: u32,
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Payload { bytes, zeros: 0 }
    }
}

/// What the caller knows about the place of a new entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertHint {
    /// Nothing: search for it (free of charge where it lies on the cursor's leaf).
    Seek,
    /// The cursor's last search, with no change to the tree since, was for this key (or a unique prefix of it).
    AtSeek,
    /// Probably behind the last entry. Checked, so a wrong guess costs time only.
    Append,
}

/// A new entry, encoded as far as that goes without page numbers.
struct Entry<'a> {
    /// `None` for an index record.
    rowid: Option<i64>,
    payload: Payload<'a>,
    head: [u8; 2 * varint::MAX_LEN],
    head_len: usize,
    /// Payload bytes in all.
    total: usize,
    /// Payload bytes that stay on the page.
    local: usize,
}

impl<'a> Entry<'a> {
    fn new(rowid: Option<i64>, payload: Payload<'a>, geometry: &Geometry) -> Result<Self> {
        let total = payload.bytes.len() + payload.zeros as usize;
        if total as u64 > MAX_PAYLOAD {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        let mut head = [0; 2 * varint::MAX_LEN];
        let mut head_len = put_varint(&mut head, 0, total as u64);
        if let Some(rowid) = rowid {
            head_len = put_varint(&mut head, head_len, rowid as u64);
        }
        let local = geometry.local(rowid.is_some(), total);
        Ok(Entry { rowid, payload, head, head_len, total, local })
    }

    fn head(&self) -> &[u8] {
        &self.head[..self.head_len]
    }

    /// True when the cell is its head and the given bytes.
    fn is_plain(&self) -> bool {
        self.payload.zeros == 0 && self.local == self.total
    }

    /// Bytes of the cell on a leaf, padding not counted.
    fn size(&self) -> usize {
        self.head_len + self.local + if self.local < self.total { 4 } else { 0 }
    }

    /// What a plain entry is as a cell at `at`.
    fn plain_cell(&self, at: usize) -> Cell {
        Cell {
            rowid: self.rowid.unwrap_or(0),
            payload_len: self.total as u32,
            local_len: self.total as u32,
            payload_at: (at + self.head_len) as u32,
            size: self.size().max(4) as u32,
        }
    }

    /// The cell for a leaf.
    fn cell(&self, first_overflow: Option<PageNo>) -> Vec<u8> {
        let mut cell = Vec::with_capacity(self.size() + 4);
        cell.extend_from_slice(self.head());
        let given = self.payload.bytes.len().min(self.local);
        cell.extend_from_slice(&self.payload.bytes[..given]);
        cell.resize(self.head_len + self.local, 0);
        if let Some(first) = first_overflow {
            cell.extend_from_slice(&first.0.to_be_bytes());
        }
        cell
    }

    /// What goes to overflow pages: bytes, and zeros behind them.
    fn tail(&self) -> (&'a [u8], usize) {
        let bytes = self.payload.bytes.get(self.local..).unwrap_or(&[]);
        (bytes, self.total - self.local - bytes.len())
    }
}

fn put_varint(out: &mut [u8; 2 * varint::MAX_LEN], at: usize, value: u64) -> usize {
    if value < 0x80 {
        out[at] = value as u8;
        return at + 1;
    }
    if value < 0x4000 {
        out[at] = (value >> 7) as u8 | 0x80;
        out[at + 1] = (value & 0x7f) as u8;
        return at + 2;
    }
    let mut buffer = [0; varint::MAX_LEN];
    let len = varint::put(value, &mut buffer);
    out[at..at + len].copy_from_slice(&buffer[..len]);
    at + len
}

impl BTreeCursor {
    /// Inserts a row, replacing one with the same rowid. Afterwards the cursor stands on it.
    pub fn insert_row(&mut self, pager: &mut Pager, rowid: i64, payload: Payload<'_>, hint: InsertHint) -> Result<()> {
        if pager.tracks_reads() {
            return self.quietly(pager, |cursor, pager| cursor.insert_row(pager, rowid, payload, hint));
        }
        if !self.table {
            return Err(Error::corrupt(self.root.0, "row insert into an index"));
        }
        if self.scan_floor.is_some_and(|lowest| rowid < lowest) {
            return Err(Error::corrupt(self.root.0, "rowids out of order"));
        }
        self.adopt_geometry(pager);
        let entry = Entry::new(Some(rowid), payload, &self.geometry)?;
        let order = match hint {
            _ if self.is_on_row(pager, rowid)? => Ordering::Equal,
            InsertHint::AtSeek
                if self.seek_holds(pager) && (self.state == State::Unset || !self.seek_order.is_eq()) =>
            {
                self.seek_order
            }
            _ => {
                if hint == InsertHint::Append && !(self.path_ok && self.on_rightmost_leaf()) {
                    self.last(pager)?;
                }
                self.locate_rowid(pager, rowid)?.ordering()
            }
        };
        self.insert_entry(pager, &entry, order)?;
        if pager.is_tapped() {
            pager.tap_put(self.root, Some(rowid), payload);
        }
        if let Some(lowest) = &mut self.scan_floor {
            *lowest = rowid.saturating_add(1);
        }
        Ok(())
    }

    /// Inserts a record into an index, replacing one with the same key. Afterwards the cursor stands on it.
    ///
    /// `key` holds the values of the key columns (all columns of an index; the primary key of a table WITHOUT ROWID);
    /// without it the records are compared, all columns of them.
    pub fn insert_record(
        &mut self,
        pager: &mut Pager,
        record: Payload<'_>,
        key: Option<&[Value]>,
        hint: InsertHint,
    ) -> Result<()> {
        if pager.tracks_reads() {
            return self.quietly(pager, |cursor, pager| cursor.insert_record(pager, record, key, hint));
        }
        if self.table {
            return Err(Error::corrupt(self.root.0, "record insert into a table"));
        }
        self.adopt_geometry(pager);
        let entry = Entry::new(None, record, &self.geometry)?;
        let order = match hint {
            InsertHint::AtSeek
                if self.seek_holds(pager) && (self.state == State::Unset || !self.seek_order.is_eq()) =>
            {
                self.seek_order
            }
            _ => {
                if hint == InsertHint::Append && !(self.path_ok && self.on_rightmost_leaf()) {
                    self.last(pager)?;
                }
                match key {
                    Some(key) => self.seek_record(pager, key, Ordering::Equal)?,
                    None => self.seek_packed(pager, record.bytes)?,
                }
            }
        };
        self.insert_entry(pager, &entry, order)?;
        if pager.is_tapped() {
            pager.tap_put(self.root, None, record);
        }
        Ok(())
    }

    /// Adds an entry behind the last one, without a search: for copying entries that come in order. Rows whose rowids do not
    /// ascend are damage; index records are taken as they come.
    pub fn append(&mut self, pager: &mut Pager, rowid: Option<i64>, payload: Payload<'_>) -> Result<()> {
        if pager.tracks_reads() {
            return self.quietly(pager, |cursor, pager| cursor.append(pager, rowid, payload));
        }
        self.adopt_geometry(pager);
        let entry = Entry::new(rowid, payload, &self.geometry)?;
        let any = self.last(pager)?;
        if rowid.is_some_and(|rowid| any && rowid <= self.cell.rowid) {
            return Err(Error::corrupt(self.root.0, "rowids out of order"));
        }
        self.insert_entry(pager, &entry, Ordering::Less)?;
        if pager.is_tapped() {
            pager.tap_put(self.root, rowid, payload);
        }
        Ok(())
    }

    /// True when the cursor is where its last search left it, on a leaf, and the tree is as it was.
    fn seek_holds(&self, pager: &Pager) -> bool {
        self.path_ok
            && self.epoch == pager.change_epoch()
            && self.path[self.depth].kind.is_leaf()
            && (self.state == State::Valid || self.path[self.depth].count == 0)
    }

    /// True when the cursor stands on the row with this rowid, in the tree as it is now.
    #[inline]
    fn is_on_row(&mut self, pager: &mut Pager, rowid: i64) -> Result<bool> {
        Ok(self.state == State::Valid
            && self.cell.rowid == rowid
            && self.path_ok
            && self.path_holds(pager)?
            && self.path[self.depth].kind.is_leaf())
    }

    /// Inserts next to the cursor's entry, or in place of it: `order` is that of the cursor's entry relative to the key.
    fn insert_entry(&mut self, pager: &mut Pager, entry: &Entry<'_>, order: Ordering) -> Result<()> {
        self.pin_leaf(pager)?;
        let level = &self.path[self.depth];
        let node = level.node(self.geometry.usable)?;
        let index = match order {
            _ if node.count == 0 => 0,
            Ordering::Less => usize::from(level.cell) + 1,
            Ordering::Equal | Ordering::Greater => usize::from(level.cell),
        };
        if order == Ordering::Equal && node.count > 0 {
            return self.replace_entry(pager, entry, index);
        }
        if !node.kind.is_leaf() {
            return Err(Error::corrupt(node.no.0, "insert position is not on a leaf"));
        }
        let size = entry.size().max(4);
        let fits = fits(&node, size, 0, &self.geometry)?;
        if fits && entry.is_plain() {
            self.put_plain(pager, index, entry);
            return Ok(());
        }
        let mut plan = Plan::new(pager);
        let chain = self.plan_chain(pager, &mut plan, entry)?;
        let cell = entry.cell(chain.first().copied());
        if fits {
            plan.finish(pager)?;
            let (bytes, zeros) = entry.tail();
            plan.apply_with_chain(pager, &chain, bytes, zeros);
            self.put_cell(pager, index, &[&cell], cell.len());
            return self.arrive();
        }
        if index == usize::from(self.path[self.depth].count) && self.depth > 0 && self.on_rightmost_leaf() {
            self.append_leaf(pager, &mut plan, &cell)?;
        } else {
            let node = self.path[self.depth].node(self.geometry.usable)?;
            let mut drafts = no_drafts();
            drafts[self.depth] = Some(Draft::with_cell(&node, index..index, &cell, &self.geometry)?);
            self.balance(pager, &mut plan, &mut drafts, self.depth)?;
        }
        self.apply_insert(pager, plan, entry, &chain)
    }

    /// Apply: puts a plain entry that fits on the last page of the path and stands on it.
    fn put_plain(&mut self, pager: &mut Pager, index: usize, entry: &Entry<'_>) {
        let at = self.put_cell(pager, index, &[entry.head(), entry.payload.bytes], entry.size());
        self.arrive_at(entry.plain_cell(at));
    }

    /// Apply: puts a cell that fits on the last page of the path and reloads that page. The offset of the cell.
    fn put_cell(&mut self, pager: &mut Pager, index: usize, parts: &[&[u8]], size: usize) -> usize {
        let level = &mut self.path[self.depth];
        // Letting go of the page first spares the pager a copy.
        level.page = None;
        let page = pager.edit(level.no);
        let at = PageEdit::new(page, level.no, self.geometry.usable).insert_parts(
            index,
            parts,
            size,
            &self.geometry,
            &mut self.scratch,
        );
        level.page = pager.page(level.no).ok();
        level.count += 1;
        level.cell = index as u16;
        self.epoch = pager.change_epoch();
        self.written_in = pager.write_transaction();
        at
    }

    /// Promises the overflow pages of an entry.
    fn plan_chain(&self, pager: &mut Pager, plan: &mut Plan, entry: &Entry<'_>) -> Result<Vec<PageNo>> {
        let pages = (entry.total - entry.local).div_ceil(self.geometry.overflow_size());
        let mut chain = Vec::with_capacity(pages);
        for i in 0..pages {
            let no = plan.take(pager)?;
            match i {
                0 => plan.link(pager, no, OVERFLOW_FIRST, self.path[self.depth].no)?,
                _ => plan.link(pager, no, OVERFLOW_NEXT, chain[i - 1])?,
            }
            chain.push(no);
        }
        Ok(chain)
    }

    /// An entry behind the last one of a full right-most leaf starts a new leaf: sequential inserts fill pages entirely.
    fn append_leaf(&self, pager: &mut Pager, plan: &mut Plan, cell: &[u8]) -> Result<()> {
        let geometry = &self.geometry;
        let (level, above) = (&self.path[self.depth], &self.path[self.depth - 1]);
        let node = level.node(geometry.usable)?;
        let mut drafts = no_drafts();
        let mut dividers = Cells::default();
        if !self.table && node.count < 2 {
            // The old leaf must give its last entry up to be the divider, and would be left empty.
            drafts[self.depth] = Some(Draft::with_cell(&node, node.count..node.count, cell, geometry)?);
            return self.balance(pager, plan, &mut drafts, self.depth);
        }
        let (last, _) = node.cell_bytes(node.count - 1, geometry)?;
        push_divider(&mut dividers, level.kind, last, level.no, geometry)?;
        let new = plan.take(pager)?;
        let mut cells = Cells::default();
        cells.push(cell, &[]);
        let page_size = pager.page_size() as usize;
        plan.image(new, page_image(new, level.kind, &cells, 0..1, PageNo(0), page_size, geometry));
        plan.link(pager, new, BTREE_PAGE, above.no)?;
        self.link_overflow(pager, plan, level.kind, cell, new)?;
        if !self.table {
            self.link_overflow(pager, plan, level.kind, last, above.no)?;
            let mut old = Draft::of_page(page_of(level)?, level.no, level.kind);
            old.replace(node.count - 1..node.count, &Cells::default(), geometry)?;
            plan.image(level.no, old.into_image(page_size, geometry));
        }
        let mut parent = Draft::of_page(page_of(above)?, above.no, above.kind);
        let count = parent.count(geometry)?;
        parent.replace(count..count, &dividers, geometry)?;
        parent.set_child(count + 1, new, geometry);
        drafts[self.depth - 1] = Some(parent);
        self.balance(pager, plan, &mut drafts, self.depth - 1)
    }

    /// Replaces the entry that the cursor stands on, which has the same key.
    fn replace_entry(&mut self, pager: &mut Pager, entry: &Entry<'_>, index: usize) -> Result<()> {
        let old = self.cell;
        let level = &self.path[self.depth];
        let node = level.node(self.geometry.usable)?;
        let (no, leaf, at) = (level.no, level.kind.is_leaf(), node.cell_at(index));
        if at < node.pointers_end() || at + old.size as usize > node.usable {
            return Err(Error::corrupt(no.0, "cell outside the page"));
        }
        let old_chain = if old.overflows() { Some(old.first_overflow(node.bytes)) } else { None };
        if let Some(first) = old_chain {
            self.walk_chain(pager, first, &old)?;
        } else if leaf && entry.is_plain() && self.replace_plain(pager, entry, index, at)? {
            return Ok(());
        }
        let mut plan = Plan::new(pager);
        let chain = self.plan_chain(pager, &mut plan, entry)?;
        if old_chain.is_some() {
            for no in &self.walk.pages {
                plan.free(*no);
            }
        }
        let cell = entry.cell(chain.first().copied());
        let node = self.path[self.depth].node(self.geometry.usable)?;
        if leaf && fits(&node, cell.len().max(4), old.size as usize + 2, &self.geometry)? {
            can_remove(&node, at, old.size as usize)?;
            plan.finish(pager)?;
            let (bytes, zeros) = entry.tail();
            plan.apply_with_chain(pager, &chain, bytes, zeros);
            let level = &mut self.path[self.depth];
            level.page = None;
            level.count -= 1;
            PageEdit::new(pager.edit(no), no, self.geometry.usable).remove(index, old.size as usize);
            self.put_cell(pager, index, &[&cell], cell.len());
            self.walk.pages.clear();
            return self.arrive();
        }
        let mut drafts = no_drafts();
        let draft = if leaf {
            Draft::with_cell(&node, index..index + 1, &cell, &self.geometry)?
        } else {
            let mut cells = Cells::default();
            push_divider(&mut cells, NodeKind::IndexLeaf, &cell, node.child(index)?, &self.geometry)?;
            self.link_overflow(pager, &mut plan, NodeKind::IndexLeaf, &cell, no)?;
            Draft::with_cell(&node, index..index + 1, cells.get(0), &self.geometry)?
        };
        drafts[self.depth] = Some(draft);
        self.balance(pager, &mut plan, &mut drafts, self.depth)?;
        self.apply_insert(pager, plan, entry, &chain)
    }

    /// Replaces an entry that lies on its leaf entirely by another one that does, where the leaf has room; false where it has
    /// not. The cursor stands on the old one, which is cell `index`, at offset `at`.
    fn replace_plain(&mut self, pager: &mut Pager, entry: &Entry<'_>, index: usize, at: usize) -> Result<bool> {
        let (old, new) = (self.cell.size as usize, entry.size().max(4));
        let node = self.path[self.depth].node(self.geometry.usable)?;
        let no = node.no;
        if new <= old && (new == old || can_shrink(&node, at, old, new)?) {
            let level = &mut self.path[self.depth];
            // Letting go of the page first spares the pager a copy.
            level.page = None;
            let page = pager.edit(no);
            PageEdit::new(page, no, self.geometry.usable).shrink(at, old, new, &[entry.head(), entry.payload.bytes]);
            level.page = pager.page(no).ok();
            self.epoch = pager.change_epoch();
            self.arrive_at(entry.plain_cell(at));
            return Ok(true);
        }
        if !fits(&node, new, old + 2, &self.geometry)? {
            return Ok(false);
        }
        can_remove(&node, at, old)?;
        let level = &mut self.path[self.depth];
        level.page = None;
        level.count -= 1;
        PageEdit::new(pager.edit(no), no, self.geometry.usable).remove(index, old);
        self.put_plain(pager, index, entry);
        Ok(true)
    }

    /// Ends an insert whose pages have been planned. The cursor will find the new entry by its key.
    fn apply_insert(&mut self, pager: &mut Pager, mut plan: Plan, entry: &Entry<'_>, chain: &[PageNo]) -> Result<()> {
        plan.finish(pager)?;
        let (bytes, zeros) = entry.tail();
        self.release_path();
        plan.apply_with_chain(pager, chain, bytes, zeros);
        self.walk.pages.clear();
        match entry.rowid {
            Some(rowid) => self.saved_rowid = rowid,
            None => {
                self.saved_key.clear();
                self.saved_key.extend_from_slice(entry.payload.bytes);
                self.saved_key.resize(entry.total, 0);
            }
        }
        self.lose();
        Ok(())
    }

    /// Lets the path's pages go before they are rebuilt: the pager need not keep copies for us.
    pub(crate) fn release_path(&mut self) {
        self.forget_pages();
        self.path_ok = false;
    }

    /// The place is to be found again by the saved key.
    pub(crate) fn lose(&mut self) {
        self.state = State::Lost;
        self.key_is_saved = true;
        self.path_ok = false;
        self.chain.clear();
        self.payload.clear();
    }
}
