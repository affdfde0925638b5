//! The cursor: a position in one tree, as a path of pages from the root.
//!
//! The path holds the pages themselves. Pages are immutable while anybody holds them, so what a cursor shows cannot
//! change under it; that somebody has written is seen at the pager's change epoch, and then at the path's pages being
//! others than those that the pager has now. The cursor finds its place again by key on its next use.
//!
//! ```text
//!   Unset --seek, first, last--> Valid --entry deleted--> NextIsHere / PrevIsHere --next, prev--> Valid / Unset
//!                                  |  ^                        (the cursor stands on a neighbour)
//!                      own change  v  |  found by key
//!                                  Lost
//! ```
//! A deleted entry is not skipped over: after it, `next` goes to the entry that followed it, `prev` to the one before.
//!
//! A cursor on an entry of an interior index page has that page at the end of its path; levels below are stale.

use super::cell::{Cell, parse_at, parse_short_row};
use super::layout::{Geometry, MAX_DEPTH, Node, NodeKind, be16, header_at};
use crate::page::{PageNo, PageRef};
use crate::pager::{Pager, SpanId};
use std::cmp::Ordering;
use std::sync::Arc;
use turso_error::{Error, Result};
use turso_value::KeyInfo;

/// What a tree holds: rows under integer keys, or records that are keys.
#[derive(Debug, Clone)]
pub enum CursorKind {
    /// A table: rowid and payload.
    Table,
    /// An index, or a table WITHOUT ROWID: records in the order of the key, whose columns make an entry unique (for an
    /// index on a rowid table they include the rowid). Searches may use fewer columns; finding a position again uses these.
    Index(Arc<KeyInfo>),
}

/// One step of a path.
#[derive(Clone)]
pub(crate) struct Level {
    /// `None` only while the page is being changed, or on a level not in use.
    pub page: Option<PageRef>,
    pub no: PageNo,
    /// On the last level the entry; above it the child, where `count` means the right-most one.
    pub cell: u16,
    pub count: u16,
    /// Offset of the cell pointers.
    pub pointers: u16,
    pub kind: NodeKind,
    /// Table pages: the rowids that belong below this page, as the dividers above say: behind `above`, up to `up_to`.
    /// `above == i64::MIN` is no limit. See [`Level::covers`].
    pub above: i64,
    pub up_to: i64,
}

impl Level {
    const EMPTY: Level = Level {
        page: None,
        no: PageNo(0),
        cell: 0,
        count: 0,
        pointers: 0,
        kind: NodeKind::TableLeaf,
        above: i64::MAX,
        up_to: i64::MIN,
    };

    /// True when a rowid, if it is there, is below this page. False also where the limits are not known.
    #[inline(always)]
    pub fn covers(&self, rowid: i64) -> bool {
        rowid <= self.up_to && (rowid > self.above || self.above == i64::MIN)
    }

    /// Makes a page resident and checks that it belongs into a tree of this sort. The limits are left unknown.
    #[inline]
    pub fn load(pager: &mut Pager, no: PageNo, table: bool) -> Result<Level> {
        let usable = pager.usable_size() as usize;
        let page = pager.page(no)?;
        let node = Node::new(&page, no, usable)?;
        if node.kind.is_table() != table {
            return Err(Error::corrupt(no.0, "page of another kind of tree"));
        }
        let (count, pointers, kind) = (node.count as u16, node.pointers as u16, node.kind);
        Ok(Level { page: Some(page), no, cell: 0, count, pointers, kind, above: i64::MAX, up_to: i64::MIN })
    }

    /// The page as a checked node; an error where the page is away (our own mistake, kept harmless).
    #[inline(always)]
    pub fn node(&self, usable: usize) -> Result<Node<'_>> {
        let Some(page) = &self.page else {
            return Err(Error::corrupt(self.no.0, "path without page"));
        };
        let at = header_at(self.no);
        let pointers = at + self.kind.header_size();
        Ok(Node { bytes: page, at, pointers, count: self.count as usize, usable, kind: self.kind, no: self.no })
    }
}

/// Where the cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// On nothing: before the first seek, past an end, in an empty tree.
    Unset,
    /// On an entry.
    Valid,
    /// The entry is gone and the cursor stands on the one that followed it.
    NextIsHere,
    /// The entry is gone and the cursor stands on the one before it.
    PrevIsHere,
    /// The place must be found again by the saved key.
    Lost,
}

/// A position in one tree. Owns no pager: each method that may need a page takes it.
pub struct BTreeCursor {
    pub(crate) root: PageNo,
    pub(crate) kind: CursorKind,
    pub(crate) table: bool,
    pub(crate) state: State,
    /// True while `path[..=depth]` leads from the root to a page, as of `epoch`.
    pub(crate) path_ok: bool,
    /// The cursor was reset, and `path[..=depth]`, whose pages it has let go, led from the root to a leaf as of `epoch` in
    /// the write transaction `written_in`. See [`Self::has_path`].
    parked: bool,
    /// The write transaction in which this cursor last put a cell into a page; 0 for none.
    pub(crate) written_in: u64,
    pub(crate) depth: usize,
    /// No level behind this one has ever held a page.
    pub(crate) deepest: usize,
    /// Searches of an index in a row that did not end on the leaf where the cursor stood.
    pub(crate) strayed: u32,
    pub(crate) epoch: u64,
    pub(crate) geometry: Geometry,
    /// The entry under the cursor; meaningful unless `Unset` or `Lost`.
    pub(crate) cell: Cell,
    pub(crate) path: [Level; MAX_DEPTH],
    /// Key to find the place by: always set in `Lost`; while the cursor stands on a neighbour, the key of the entry that is
    /// gone (it may come back); in `Valid` only for index entries with overflow pages.
    pub(crate) saved_rowid: i64,
    pub(crate) saved_key: Vec<u8>,
    pub(crate) key_is_saved: bool,
    /// How the cursor's entry compared with the key of the last search.
    pub(crate) seek_order: Ordering,
    /// While the cursor runs forward from the first row: the lowest rowid that may be written at it. Rows out of order, which
    /// only a damaged tree has, could otherwise lead it in circles, with more rows each time.
    pub(crate) scan_floor: Option<i64>,
    /// The overflow pages of the entry under the cursor, as far as they are known.
    pub(crate) chain: Vec<PageNo>,
    /// A payload read in pieces; see `full_payload`.
    pub(crate) payload: Vec<u8>,
    /// The sum of a pending `count`.
    pub(crate) counting: Option<u64>,
    /// Scratch of writes, kept for its capacity.
    pub(crate) scratch: Vec<u8>,
    /// Overflow pages that a pending delete or replace will free; see `overflow`.
    pub(crate) walk: super::payload::ChainWalk,
    pub(crate) ahead: super::read_ahead::ReadAhead,
    /// It holds pages that are not noted as read; see `noted.rs`.
    pub(crate) unnoted: bool,
    /// The span that it goes on with.
    pub(crate) span: SpanId,
}

impl BTreeCursor {
    /// A cursor on the tree with this root, on no entry yet.
    pub fn new(root: PageNo, kind: CursorKind) -> Self {
        let table = matches!(kind, CursorKind::Table);
        BTreeCursor {
            root,
            kind,
            table,
            state: State::Unset,
            path_ok: false,
            parked: false,
            written_in: 0,
            depth: 0,
            deepest: 0,
            strayed: 0,
            epoch: 0,
            geometry: Geometry::default(),
            cell: Cell::default(),
            path: [const { Level::EMPTY }; MAX_DEPTH],
            saved_rowid: 0,
            saved_key: Vec::new(),
            key_is_saved: false,
            seek_order: Ordering::Equal,
            scan_floor: None,
            chain: Vec::new(),
            payload: Vec::new(),
            counting: None,
            scratch: Vec::new(),
            walk: Default::default(),
            ahead: Default::default(),
            unnoted: false,
            span: SpanId::default(),
        }
    }

    /// The root page of the tree.
    pub fn root(&self) -> PageNo {
        self.root
    }

    /// Points the cursor at another tree of the same kind, on no entry (roots move in auto-vacuum databases).
    pub fn set_root(&mut self, root: PageNo) {
        self.reset();
        self.parked &= self.root == root;
        self.root = root;
    }

    /// Lets every page go.
    #[inline]
    pub(crate) fn forget_pages(&mut self) {
        for level in &mut self.path[..=self.deepest] {
            level.page = None;
        }
    }

    /// Puts a level into the path at depth `at`.
    #[inline(always)]
    pub(crate) fn put_level(&mut self, at: usize, level: Level) {
        self.deepest = self.deepest.max(at);
        self.path[at] = level;
    }

    /// What the tree holds.
    pub fn kind(&self) -> &CursorKind {
        &self.kind
    }

    /// Lets go of the position and of every page.
    pub fn reset(&mut self) {
        self.state = State::Unset;
        if self.path_ok {
            self.parked = self.table && self.written_in != 0;
        }
        self.path_ok = false;
        self.forget_pages();
        self.key_is_saved = false;
        self.counting = None;
        self.unnoted = false;
        self.chain.clear();
    }

    /// True when the cursor stands on an entry as of its last use; [`Self::refresh`] also looks for changes since.
    #[inline(always)]
    pub fn is_valid(&self) -> bool {
        self.state == State::Valid
    }

    /// The rowid of the current row (table cursors). Meaningful only on an entry.
    #[inline(always)]
    pub fn rowid(&self) -> i64 {
        self.cell.rowid
    }

    /// The length of the current payload.
    #[inline(always)]
    pub fn payload_size(&self) -> u32 {
        self.cell.payload_len
    }

    /// The part of the current payload that lies on the B-tree page; all of it unless it [overflows](Self::overflows).
    #[inline(always)]
    pub fn local_payload(&self) -> &[u8] {
        match &self.path[self.depth].page {
            Some(page) => self.cell.local(page),
            None => &[],
        }
    }

    /// Where on its page the local payload begins.
    #[inline]
    pub fn local_offset(&self) -> usize {
        self.cell.payload_at as usize
    }

    /// The bytes of the leaf that follows under the same parent, if it is resident. For hints only: nothing is checked.
    #[inline]
    pub fn next_leaf<'a>(&self, pager: &'a Pager) -> Option<&'a [u8]> {
        let parent = &self.path[self.depth.checked_sub(1)?];
        if parent.cell >= parent.count {
            return None;
        }
        let next = parent.node(self.geometry.usable).ok()?.child(usize::from(parent.cell) + 1).ok()?;
        pager.resident(next)
    }

    /// True when the current payload continues on overflow pages.
    #[inline(always)]
    pub fn overflows(&self) -> bool {
        self.cell.overflows()
    }

    /// Makes sure that the position is that of the current tree; true when the cursor stands on an entry.
    ///
    /// False where the entry has been deleted: its columns read as NULL, and `next` and `prev` go on from there.
    #[inline(always)]
    pub fn refresh(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.state == State::Valid && self.epoch == pager.change_epoch() {
            return Ok(true);
        }
        self.refresh_slow(pager)
    }

    #[cold]
    fn refresh_slow(&mut self, pager: &mut Pager) -> Result<bool> {
        self.settle(pager)?;
        Ok(self.state == State::Valid)
    }

    /// To be called for every other cursor on the same tree before a write, so that this one can find its place again.
    ///
    /// Only an index entry with overflow pages needs it: its key may be gone afterwards. May be pending.
    pub fn save_position(&mut self, pager: &mut Pager) -> Result<()> {
        if self.table || matches!(self.state, State::Unset | State::Lost) || self.key_is_saved {
            return Ok(());
        }
        self.settle(pager)?;
        if self.state == State::Unset || self.key_is_saved || !self.cell.overflows() {
            return Ok(());
        }
        self.full_payload(pager)?;
        std::mem::swap(&mut self.saved_key, &mut self.payload);
        self.payload.clear();
        self.key_is_saved = true;
        Ok(())
    }

    // ---- Movement -----------------------------------------------------------------------------------------------

    /// Goes to the first entry; false in an empty tree.
    pub fn first(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.unnoted {
            self.tell_pages(pager);
        }
        self.load_root(pager)?;
        if self.path[0].count == 0 && self.path[0].kind.is_leaf() {
            return Ok(false);
        }
        self.descend_first(pager, 0, 0)?;
        self.arrive()?;
        self.scan_floor = Some(i64::MIN);
        Ok(true)
    }

    /// Goes to the last entry; false in an empty tree. Free of charge where the cursor already stands there.
    pub fn last(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.unnoted {
            self.tell_pages(pager);
        }
        self.scan_floor = None;
        if self.state == State::Valid && self.epoch == pager.change_epoch() && self.at_last() {
            return Ok(true);
        }
        if self.parked && self.has_path(pager)? && self.on_rightmost_leaf() {
            let leaf = &mut self.path[self.depth];
            if leaf.count > 0 {
                leaf.cell = leaf.count - 1;
                return self.arrive().map(|()| true);
            }
        }
        self.load_root(pager)?;
        if self.path[0].count == 0 && self.path[0].kind.is_leaf() {
            return Ok(false);
        }
        self.descend_last(pager, 0, self.path[0].count)?;
        self.arrive()?;
        Ok(true)
    }

    /// Goes to the next entry; false, and on no entry, past the last one.
    #[inline(always)]
    pub fn next(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.state == State::Valid && self.epoch == pager.change_epoch() && !self.unnoted {
            let level = &mut self.path[self.depth];
            let i = level.cell + 1;
            if i < level.count && level.kind.is_leaf() {
                level.cell = i;
                return self.load_cell().map(|()| true);
            }
        }
        self.next_slow(pager)
    }

    /// Goes to the previous entry; false, and on no entry, before the first one.
    #[inline(always)]
    pub fn prev(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.state == State::Valid && self.epoch == pager.change_epoch() && !self.unnoted {
            let level = &mut self.path[self.depth];
            if level.cell > 0 && level.kind.is_leaf() {
                level.cell -= 1;
                self.load_cell()?;
                return Ok(true);
            }
        }
        self.prev_slow(pager)
    }

    #[inline(never)]
    fn next_slow(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.unnoted {
            return self.step_noted(pager, false);
        }
        self.settle(pager)?;
        match self.state {
            State::Unset | State::Lost => return Ok(false),
            State::NextIsHere => {
                self.state = State::Valid;
                self.key_is_saved = false;
                return Ok(true);
            }
            State::Valid | State::PrevIsHere => {}
        }
        let level = &self.path[self.depth];
        if !level.kind.is_leaf() {
            let child = level.cell + 1;
            self.read_ahead(pager, self.depth, child);
            self.descend_first(pager, self.depth, child)?;
        } else if level.cell + 1 < level.count {
            self.path[self.depth].cell += 1;
        } else {
            let mut up = self.depth;
            loop {
                if up == 0 {
                    self.state = State::Unset;
                    // The scan is over: what is written from here on is no row of it.
                    self.scan_floor = None;
                    return Ok(false);
                }
                up -= 1;
                if self.path[up].cell < self.path[up].count {
                    break;
                }
            }
            if self.table {
                let child = self.path[up].cell + 1;
                self.read_ahead(pager, up, child);
                self.descend_first(pager, up, child)?;
            } else {
                self.depth = up;
            }
        }
        self.arrive()?;
        Ok(true)
    }

    #[inline(never)]
    fn prev_slow(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.unnoted {
            return self.step_noted(pager, true);
        }
        self.settle(pager)?;
        match self.state {
            State::Unset | State::Lost => return Ok(false),
            State::PrevIsHere => {
                self.state = State::Valid;
                self.key_is_saved = false;
                return Ok(true);
            }
            State::Valid | State::NextIsHere => {}
        }
        let level = &self.path[self.depth];
        if !level.kind.is_leaf() {
            let child = level.cell;
            self.descend_last(pager, self.depth, child)?;
        } else if level.cell > 0 {
            self.path[self.depth].cell -= 1;
        } else {
            let mut up = self.depth;
            loop {
                if up == 0 {
                    self.state = State::Unset;
                    return Ok(false);
                }
                up -= 1;
                if self.path[up].cell > 0 {
                    break;
                }
            }
            if self.table {
                let child = self.path[up].cell - 1;
                self.descend_last(pager, up, child)?;
            } else {
                self.depth = up;
                self.path[up].cell -= 1;
            }
        }
        self.arrive()?;
        Ok(true)
    }

    /// True when the path leads to the right-most leaf.
    #[inline]
    pub(crate) fn on_rightmost_leaf(&self) -> bool {
        self.path[self.depth].kind.is_leaf() && self.path[..self.depth].iter().all(|level| level.cell == level.count)
    }

    fn at_last(&self) -> bool {
        let level = &self.path[self.depth];
        level.cell + 1 == level.count && self.on_rightmost_leaf()
    }

    // ---- The path -----------------------------------------------------------------------------------------------

    /// True where there is a path, of some state of the tree. A cursor that has written and was reset takes up its old path,
    /// as long as nobody has written since: statements that insert row after row go on where the last one was.
    #[inline]
    pub(crate) fn has_path(&mut self, pager: &mut Pager) -> Result<bool> {
        if self.parked {
            self.take_up(pager)?;
        }
        Ok(self.path_ok)
    }

    fn take_up(&mut self, pager: &mut Pager) -> Result<()> {
        if self.epoch == pager.change_epoch() && self.written_in == pager.write_transaction() {
            for level in &mut self.path[..=self.depth] {
                level.page = Some(pager.page(level.no)?);
            }
            self.path_ok = true;
        }
        self.parked = false;
        Ok(())
    }

    /// Starts over at the root: the path has one level, the cursor is on no entry.
    pub(crate) fn load_root(&mut self, pager: &mut Pager) -> Result<()> {
        self.state = State::Unset;
        self.parked = false;
        self.adopt_geometry(pager);
        if !self.holds(pager, 0, self.root) {
            let root = Level::load(pager, self.root, self.table);
            self.path_ok = root.is_ok();
            self.path[0] = root?;
        }
        (self.path[0].above, self.path[0].up_to) = (i64::MIN, i64::MAX);
        self.path_ok = true;
        self.depth = 0;
        self.epoch = pager.change_epoch();
        Ok(())
    }

    /// True when level `at`, whatever its place in the path, holds page `no` as the tree has it now.
    #[inline(always)]
    pub(crate) fn holds(&self, pager: &Pager, at: usize, no: PageNo) -> bool {
        let level = &self.path[at];
        level.no == no && level.page.as_ref().is_some_and(|held| pager.has_now(no, held))
    }

    #[inline]
    pub(crate) fn adopt_geometry(&mut self, pager: &Pager) {
        let usable = pager.usable_size() as usize;
        if self.geometry.usable != usable {
            self.geometry = Geometry::new(usable);
        }
    }

    /// From child `child` of level `from` down to the first entry of its subtree.
    ///
    /// Changes the path only when all pages are resident, so that a pending move can be run again.
    pub(crate) fn descend_first(&mut self, pager: &mut Pager, from: usize, child: u16) -> Result<()> {
        self.descend(pager, from, child, false)
    }

    /// From child `child` of level `from` down to the last entry of its subtree.
    fn descend_last(&mut self, pager: &mut Pager, from: usize, child: u16) -> Result<()> {
        self.descend(pager, from, child, true)
    }

    fn descend(&mut self, pager: &mut Pager, from: usize, child: u16, last: bool) -> Result<()> {
        let usable = self.geometry.usable;
        if self.path[from].kind.is_leaf() {
            let leaf = &mut self.path[from];
            leaf.cell = if last { leaf.count.saturating_sub(1) } else { 0 };
            self.depth = from;
            return Ok(());
        }
        let no = self.path[from].node(usable)?.child(usize::from(child))?;
        let mut level = self.load_child(pager, no, from + 1)?;
        if level.kind.is_leaf() {
            // The usual case: the next leaf under the same parent.
            level.cell = if last { level.count - 1 } else { 0 };
            self.path[from].cell = child;
            self.put_level(from + 1, level);
            self.depth = from + 1;
            return Ok(());
        }
        let mut below: [Level; MAX_DEPTH] = [const { Level::EMPTY }; MAX_DEPTH];
        let mut depth = from + 1;
        while !level.kind.is_leaf() {
            level.cell = if last { level.count } else { 0 };
            let no = level.node(usable)?.child(usize::from(level.cell))?;
            below[depth] = level;
            depth += 1;
            level = self.load_child(pager, no, depth)?;
        }
        level.cell = if last { level.count - 1 } else { 0 };
        below[depth] = level;
        self.path[from].cell = child;
        for at in from + 1..=depth {
            self.put_level(at, std::mem::replace(&mut below[at], Level::EMPTY));
        }
        self.depth = depth;
        Ok(())
    }

    /// Loads a page other than the root, to stand at depth `at`.
    #[inline]
    pub(crate) fn load_child(&self, pager: &mut Pager, no: PageNo, at: usize) -> Result<Level> {
        if at >= MAX_DEPTH {
            return Err(Error::corrupt(no.0, "tree too deep"));
        }
        let level = Level::load(pager, no, self.table)?;
        if level.count == 0 {
            return Err(Error::corrupt(no.0, "empty page below the root"));
        }
        Ok(level)
    }

    /// Forgets where the cursor was below the entry that it has reached and parses it.
    pub(crate) fn arrive(&mut self) -> Result<()> {
        self.state = State::Valid;
        let loaded = self.load_cell();
        if loaded.is_err() {
            self.state = State::Unset;
        }
        loaded
    }

    /// As [`arrive`](Self::arrive), for an entry whose shape is known.
    #[inline]
    pub(crate) fn arrive_at(&mut self, cell: Cell) {
        self.state = State::Valid;
        self.forget_payload();
        self.cell = cell;
    }

    /// What was kept of the entry before goes.
    #[inline(always)]
    fn forget_payload(&mut self) {
        if !self.chain.is_empty() || self.key_is_saved {
            self.chain.clear();
            self.payload.clear();
            self.key_is_saved = false;
        }
    }

    /// Parses the entry under the cursor.
    #[inline(always)]
    pub(crate) fn load_cell(&mut self) -> Result<()> {
        self.forget_payload();
        let level = &self.path[self.depth];
        if let Some(page) = &level.page {
            let pointers = usize::from(level.pointers);
            let at = be16(page, pointers + 2 * usize::from(level.cell));
            if at >= pointers + 2 * usize::from(level.count) {
                if level.kind == NodeKind::TableLeaf
                    && let Some(cell) = parse_short_row(page, at, &self.geometry)
                {
                    self.cell = cell;
                    return Ok(());
                }
                if let Some(cell) = parse_at(level.kind, page, at, &self.geometry) {
                    self.cell = cell;
                    return Ok(());
                }
            }
        }
        self.load_odd_cell()
    }

    #[cold]
    fn load_odd_cell(&mut self) -> Result<()> {
        let level = &self.path[self.depth];
        let cell =
            level.node(self.geometry.usable).and_then(|n| n.cell_to_read(usize::from(level.cell), &self.geometry));
        match cell {
            Ok(cell) => {
                self.cell = cell;
                Ok(())
            }
            Err(error) => {
                self.state = State::Unset;
                Err(error)
            }
        }
    }

    // ---- Position after changes by others -------------------------------------------------------------------------

    /// Makes path and position those of the current tree. Afterwards the state is not `Lost`.
    pub(crate) fn settle(&mut self, pager: &mut Pager) -> Result<()> {
        if self.state == State::Unset || (self.state != State::Lost && self.epoch == pager.change_epoch()) {
            return Ok(());
        }
        if self.unnoted && pager.tracks_reads() {
            // Its place is known: nothing is learned where it is found again.
            return self.quietly(pager, Self::settle);
        }
        self.adopt_geometry(pager);
        if self.state != State::Lost {
            if self.path_is_current(pager)? {
                self.epoch = pager.change_epoch();
                // A vacuum or a blob handle changes overflow pages without touching the leaf.
                self.chain.clear();
                self.payload.clear();
                return Ok(());
            }
            if !self.key_is_saved {
                self.save_key(pager)?;
            }
        }
        self.find_saved(pager)
    }

    /// True when every page of the path is as the tree has it now: then nothing on it has changed.
    pub(crate) fn path_is_current(&mut self, pager: &mut Pager) -> Result<bool> {
        if !self.path_ok {
            return Ok(false);
        }
        for level in &mut self.path[..=self.depth] {
            let Some(held) = &level.page else { return Ok(false) };
            // A page past the end of a truncated database is simply not the same page any more.
            if level.no.0 > pager.page_count() {
                return Ok(false);
            }
            if pager.has_now(level.no, held) {
                continue;
            }
            let now = pager.page(level.no)?;
            if !Arc::ptr_eq(held, &now) {
                // Another image of the same content: the cache has dropped the page and read it again.
                if held[..] != now[..] {
                    return Ok(false);
                }
                level.page = Some(now);
            }
        }
        Ok(true)
    }

    /// Makes the page at the end of the path resident again: the cursor holds it, but the cache may have let it go, and
    /// only what is resident can be edited.
    #[inline]
    pub(crate) fn pin_leaf(&self, pager: &mut Pager) -> Result<()> {
        let no = self.path[self.depth].no;
        if self.holds(pager, self.depth, no) { Ok(()) } else { pager.page(no).map(drop) }
    }

    /// Copies the key of the entry under the cursor, from the pages that it holds.
    ///
    /// The overflow pages of a long key that nobody saved are read as they are now: right unless the entry has been deleted.
    pub(crate) fn save_key(&mut self, pager: &mut Pager) -> Result<()> {
        if self.table {
            self.saved_rowid = self.cell.rowid;
        } else {
            let mut key = std::mem::take(&mut self.saved_key);
            key.clear();
            let read = match &self.path[self.depth].page {
                Some(page) => super::payload::read_whole(pager, page, &self.cell, &self.geometry, &mut key),
                None => Err(Error::corrupt(self.root.0, "path without page")),
            };
            self.saved_key = key;
            read?;
        }
        self.key_is_saved = true;
        Ok(())
    }

    /// Goes to the saved key or to a neighbour of where it was. On an error the saved key stays as it is.
    fn find_saved(&mut self, pager: &mut Pager) -> Result<()> {
        self.state = State::Lost;
        let key = std::mem::take(&mut self.saved_key);
        let found = if self.table {
            self.locate_rowid(pager, self.saved_rowid).map(super::seek::SeekResult::ordering)
        } else {
            self.seek_same_entry(pager, &key)
        };
        self.saved_key = key;
        match found {
            Ok(order) => {
                self.key_is_saved = false;
                if self.state == State::Valid && order != Ordering::Equal {
                    self.state = if order.is_lt() { State::PrevIsHere } else { State::NextIsHere };
                    self.key_is_saved = true;
                }
                Ok(())
            }
            Err(error) => {
                // The position is looked for again by the next attempt.
                self.state = State::Lost;
                self.key_is_saved = true;
                self.path_ok = false;
                Err(error)
            }
        }
    }
}
