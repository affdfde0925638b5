//! The page level of `PRAGMA integrity_check`: every page used exactly once, every tree in order, with SQLite's texts.
//!
//! The check reads the whole file, so it is a loop of small steps over an explicit stack (one frame per level of the tree
//! in hand); a step whose page is missing changes nothing and is run again. Trees are walked from right to left, as
//! SQLite does, so that the messages come in its order.
//!
//! | part       | what is checked                                                                                  |
//! |------------|--------------------------------------------------------------------------------------------------|
//! | freelist   | trunks and leaves are pages of their own, as many as the header says                             |
//! | trees      | headers, cells inside their pages, rowids in order, equal depth, overflow chains of right length |
//! | coverage   | on each page cells and freeblocks do not overlap, and what lies between them is counted          |
//! | pointers   | pointer-map entries name the right kind and parent                                               |
//! | pages      | none is unused, none is used twice                                                               |

use super::cell::{Cell, parse_any_size};
use super::layout::{Geometry, MAX_DEPTH, NodeKind, be16, be32, header_at};
use super::ptrmap;
use crate::format::layout::ptrmap::{BTREE_PAGE, FREE_PAGE, OVERFLOW_FIRST, OVERFLOW_NEXT, ROOT_PAGE};
use crate::page::{PageNo, PageRef};
use crate::pager::Pager;
use turso_error::{Error, Result};

/// A check in progress. Create it, call [`IntegrityCheck::run`] until it is not pending, take the messages.
pub struct IntegrityCheck {
    roots: Vec<PageNo>,
    next_root: usize,
    /// How many entries the tree of each root has.
    entries: Vec<u64>,
    messages: Vec<String>,
    /// How many more messages are wanted.
    room: usize,
    /// One bit per page: met already.
    seen: Vec<u64>,
    stage: Stage,
    frames: Vec<Frame>,
    chain: Option<Chain>,
    prefix: Prefix,
    page_count: u32,
    geometry: Geometry,
    auto_vacuum: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Freelist,
    Roots,
    Tree,
    Done,
}

/// What stands in front of a message.
#[derive(Clone, Copy)]
enum Prefix {
    None,
    Freelist,
    Page(PageNo, PageNo),
    Cell(PageNo, PageNo, usize),
    Right(PageNo, PageNo),
}

/// A list of pages being followed: the freelist's trunks or an overflow chain.
struct Chain {
    freelist: bool,
    page: PageNo,
    expected: i64,
    left: i64,
    messages_before: usize,
    /// The page in hand has been counted; `leaf` is the next leaf of the trunk to look at.
    entered: bool,
    leaf: u32,
}

/// What comes next on a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Enter,
    RightChild,
    RightDone,
    Cell,
    CellOverflow,
    CellChild,
    CellDone,
    Coverage,
}

/// A page of the tree in hand.
struct Frame {
    root: PageNo,
    no: PageNo,
    page: Option<PageRef>,
    kind: NodeKind,
    count: usize,
    content: usize,
    next: Next,
    /// Index of the cell in hand.
    cell: usize,
    parsed: Cell,
    /// Levels below this page, -1 before any is known.
    depth: i32,
    /// What the last child has answered.
    child_depth: i32,
    max_key: i64,
    key_may_equal: bool,
    cover: bool,
    /// What stands in front of messages about this page's cells.
    heading: Prefix,
    /// The cell number that a message about the right child shows: that of the page above.
    inherited: usize,
    saved_prefix: Prefix,
}

impl IntegrityCheck {
    /// A check of the trees with these roots (all of the database, `sqlite_schema` at page 1 included), which stops after
    /// `limit` messages.
    pub fn new(roots: Vec<PageNo>, limit: usize) -> Self {
        IntegrityCheck {
            entries: vec![0; roots.len()],
            roots,
            next_root: 0,
            messages: Vec::new(),
            room: limit,
            seen: Vec::new(),
            stage: Stage::Start,
            frames: Vec::new(),
            chain: None,
            prefix: Prefix::None,
            page_count: 0,
            geometry: Geometry::default(),
            auto_vacuum: false,
        }
    }

    /// Runs the check to its end. `Err(Pending)`: run again.
    pub fn run(&mut self, pager: &mut Pager) -> Result<()> {
        while self.stage != Stage::Done {
            self.step(pager)?;
            pager.unpin();
        }
        Ok(())
    }

    /// What was found, nothing in a sound file; the caller puts SQLite's heading `*** in database main ***` in front.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// For each root, how many entries its tree has: of pages that cannot be read as a page, none are counted.
    pub fn entries(&self) -> &[u64] {
        &self.entries
    }

    fn say(&mut self, text: String) {
        if self.room == 0 {
            return;
        }
        self.room -= 1;
        let message = match self.prefix {
            Prefix::None => text,
            Prefix::Freelist => format!("Freelist: {text}"),
            Prefix::Page(root, page) => format!("Tree {root} page {page}: {text}"),
            Prefix::Cell(root, page, cell) => format!("Tree {root} page {page} cell {cell}: {text}"),
            Prefix::Right(root, page) => format!("Tree {root} page {page} right child: {text}"),
        };
        self.messages.push(message);
    }

    fn is_seen(&self, no: PageNo) -> bool {
        self.seen.get(no.0 as usize / 64).is_some_and(|bits| bits >> (no.0 % 64) & 1 == 1)
    }

    fn mark(&mut self, no: PageNo) {
        if let Some(bits) = self.seen.get_mut(no.0 as usize / 64) {
            *bits |= 1 << (no.0 % 64);
        }
    }

    /// Notes a reference to a page; false where it cannot be followed.
    fn refer(&mut self, no: PageNo) -> bool {
        if no.0 == 0 || no.0 > self.page_count {
            self.say(format!("invalid page number {no}"));
            return false;
        }
        if self.is_seen(no) {
            self.say(format!("2nd reference to page {no}"));
            return false;
        }
        self.mark(no);
        true
    }

    /// Compares a pointer-map entry with what it should be.
    fn check_link(&mut self, pager: &mut Pager, no: PageNo, kind: u8, parent: PageNo) -> Result<()> {
        if !self.auto_vacuum {
            return Ok(());
        }
        match ptrmap::get(pager, no) {
            Err(Error::Pending) => return Err(Error::Pending),
            Err(error) if !error.is(turso_error::ResultCode::CORRUPT) => return Err(error),
            Err(_) => self.say(format!("Failed to read ptrmap key={no}")),
            Ok((0, _) | (6..=255, _)) => self.say(format!("Failed to read ptrmap key={no}")),
            Ok(found) if found != (kind, parent) => {
                self.say(format!("Bad ptr map entry key={no} expected=({kind},{parent}) got=({},{})", found.0, found.1))
            }
            Ok(_) => {}
        }
        Ok(())
    }

    fn step(&mut self, pager: &mut Pager) -> Result<()> {
        if self.room == 0 {
            self.stage = Stage::Done;
            return Ok(());
        }
        if self.chain.is_some() {
            return self.step_chain(pager);
        }
        match self.stage {
            Stage::Start => {
                self.page_count = pager.page_count();
                if self.page_count == 0 {
                    // Nothing was ever written: not even the schema has its page.
                    self.stage = Stage::Done;
                    return Ok(());
                }
                self.geometry = Geometry::new(pager.usable_size() as usize);
                self.auto_vacuum = pager.auto_vacuum();
                self.seen = vec![0; self.page_count as usize / 64 + 1];
                self.mark(pager.lock_byte_page());
                let header = pager.header();
                self.start_chain(true, PageNo(header.freelist_trunk), i64::from(header.freelist_count));
                self.prefix = Prefix::Freelist;
                self.stage = Stage::Freelist;
            }
            Stage::Freelist => {
                self.prefix = Prefix::None;
                let largest = self.roots.iter().copied().max().unwrap_or_default();
                let header = pager.header();
                if self.auto_vacuum {
                    if largest.0 != header.largest_root {
                        let in_header = header.largest_root;
                        self.say(format!("max rootpage ({largest}) disagrees with header ({in_header})"));
                    }
                } else if header.incremental_vacuum != 0 {
                    self.say("incremental_vacuum enabled with a max rootpage of zero".to_string());
                }
                self.stage = Stage::Roots;
            }
            Stage::Roots => match self.roots.get(self.next_root).copied() {
                Some(root) => {
                    self.prefix = Prefix::None;
                    if root.0 > 1 {
                        self.check_link(pager, root, ROOT_PAGE, PageNo(0))?;
                    }
                    self.next_root += 1;
                    if root.0 != 0 {
                        self.push_frame(root, root, i64::MAX);
                        self.stage = Stage::Tree;
                    }
                }
                None => {
                    self.prefix = Prefix::None;
                    // With some of the trees only, nothing is known about the pages of the others.
                    let whole = self.roots.contains(&PageNo(1));
                    for no in (1..=self.page_count).map(PageNo).filter(|_| whole) {
                        let is_map = self.auto_vacuum && pager.ptrmap_page_for(no) == Some(no);
                        match (self.is_seen(no), is_map) {
                            (false, false) => self.say(format!("Page {no}: never used")),
                            (true, true) => self.say(format!("Page {no}: pointer map referenced")),
                            _ => {}
                        }
                    }
                    self.stage = Stage::Done;
                }
            },
            Stage::Tree => self.step_page(pager)?,
            Stage::Done => {}
        }
        Ok(())
    }

    // ---- Lists of pages -------------------------------------------------------------------------------------------

    fn start_chain(&mut self, freelist: bool, page: PageNo, expected: i64) {
        self.chain = Some(Chain {
            freelist,
            page,
            expected,
            left: expected,
            messages_before: self.messages.len(),
            entered: false,
            leaf: 0,
        });
    }

    fn step_chain(&mut self, pager: &mut Pager) -> Result<()> {
        let Some(mut chain) = self.chain.take() else { return Ok(()) };
        match self.follow(pager, &mut chain) {
            Ok(true) => self.chain = Some(chain),
            Ok(false) => {
                if chain.left != 0 && self.messages.len() == chain.messages_before {
                    let what = if chain.freelist { "size" } else { "overflow list length" };
                    let length = (chain.expected - chain.left) as u32;
                    let expected = chain.expected as u32;
                    self.say(format!("{what} is {length} but should be {expected}"));
                }
            }
            Err(error) => {
                self.chain = Some(chain);
                return Err(error);
            }
        }
        Ok(())
    }

    /// One page of a list (one leaf of a trunk); false at the end.
    fn follow(&mut self, pager: &mut Pager, chain: &mut Chain) -> Result<bool> {
        if chain.page.0 == 0 {
            return Ok(false);
        }
        let no = chain.page;
        if !chain.entered {
            if !self.refer(no) {
                return Ok(false);
            }
            chain.left -= 1;
            chain.entered = true;
            chain.leaf = 0;
        }
        let page = match pager.page(no) {
            Ok(page) => page,
            Err(error) if error.is(turso_error::ResultCode::CORRUPT) => {
                self.say(format!("failed to get page {no}"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let next = PageNo(be32(&page, 0));
        if chain.freelist {
            let leaves = be32(&page, 4);
            if chain.leaf == 0 {
                self.check_link(pager, no, FREE_PAGE, PageNo(0))?;
            }
            if leaves as usize > self.geometry.usable / 4 - 2 {
                self.say(format!("freelist leaf count too big on page {no}"));
                chain.left -= 1;
            } else {
                // Each leaf counts as one step; the trunk's own link is checked with the first.
                while chain.leaf < leaves {
                    let leaf = PageNo(be32(&page, 8 + 4 * chain.leaf as usize));
                    self.check_link(pager, leaf, FREE_PAGE, PageNo(0))?;
                    self.refer(leaf);
                    chain.leaf += 1;
                }
                chain.left -= i64::from(leaves);
            }
        } else if chain.left != 0 {
            self.check_link(pager, next, OVERFLOW_NEXT, no)?;
        }
        chain.page = next;
        chain.entered = false;
        Ok(true)
    }

    // ---- Pages of trees -------------------------------------------------------------------------------------------

    fn push_frame(&mut self, root: PageNo, no: PageNo, max_key: i64) {
        self.frames.push(Frame {
            root,
            no,
            page: None,
            kind: NodeKind::TableLeaf,
            count: 0,
            content: 0,
            next: Next::Enter,
            cell: 0,
            parsed: Cell::default(),
            depth: -1,
            child_depth: 0,
            max_key,
            key_may_equal: true,
            cover: true,
            heading: Prefix::None,
            inherited: match self.prefix {
                Prefix::Cell(_, _, cell) => cell,
                _ => 0,
            },
            saved_prefix: self.prefix,
        });
    }

    /// Leaves a page: its parent learns the depth and the smallest key.
    fn pop_frame(&mut self, depth: i32) {
        let Some(frame) = self.frames.pop() else { return };
        self.prefix = frame.saved_prefix;
        match self.frames.last_mut() {
            Some(parent) => {
                parent.max_key = frame.max_key;
                parent.child_depth = depth;
            }
            None => self.stage = Stage::Roots,
        }
    }

    fn step_page(&mut self, pager: &mut Pager) -> Result<()> {
        let Some(mut frame) = self.frames.pop() else {
            self.stage = Stage::Roots;
            return Ok(());
        };
        let before = frame.next;
        let outcome = match before {
            Next::Enter => self.enter(pager, &mut frame),
            Next::Coverage => {
                self.check_coverage(&frame);
                Ok(Move::Leave(frame.depth + 1))
            }
            _ => self.step_cells(pager, &mut frame),
        };
        let (root, no, max_key) = (frame.root, frame.no, frame.max_key);
        self.frames.push(frame);
        match outcome? {
            Move::Stay => {}
            Move::Down(child) => {
                if self.frames.len() >= MAX_DEPTH * 2 {
                    return Err(Error::corrupt(no.0, "tree too deep"));
                }
                self.push_frame(root, child, max_key);
            }
            Move::Leave(depth) => self.pop_frame(depth),
        }
        Ok(())
    }

    /// Meets a page: its number, its header, its free space.
    fn enter(&mut self, pager: &mut Pager, frame: &mut Frame) -> Result<Move> {
        let no = frame.no;
        // Fetched first: everything behind this happens exactly once.
        let fetched = if no.0 == 0 || no.0 > self.page_count || self.is_seen(no) { None } else { Some(pager.page(no)) };
        if let Some(Err(error)) = &fetched
            && !error.is(turso_error::ResultCode::CORRUPT)
        {
            return Err(error.clone());
        }
        if no.0 == 0 {
            return Ok(Move::Leave(0));
        }
        if !self.refer(no) {
            return Ok(Move::Leave(0));
        }
        self.prefix = Prefix::Page(frame.root, no);
        let page = match fetched {
            Some(Ok(page)) => page,
            _ => {
                self.say("unable to get the page. error code=11".to_string());
                return Ok(Move::Leave(0));
            }
        };
        let at = header_at(no);
        let count = be16(&page, at + 3);
        let Some(kind) = page.get(at).and_then(|&b| NodeKind::from_byte(b)).filter(|_| count <= (page.len() - 8) / 6)
        else {
            self.say("btreeInitPage() returns error code 11".to_string());
            return Ok(Move::Leave(0));
        };
        if !free_space_is_sound(&page, at, kind, count, self.geometry.usable) {
            self.say("free space corruption".to_string());
            return Ok(Move::Leave(0));
        }
        if kind != NodeKind::TableInterior
            && let Some(entries) = self.next_root.checked_sub(1).and_then(|root| self.entries.get_mut(root))
        {
            *entries += count as u64;
        }
        frame.kind = kind;
        frame.count = count;
        frame.content = match be16(&page, at + 5) {
            0 => 65536,
            n => n,
        };
        frame.page = Some(page);
        frame.cell = count;
        frame.heading = Prefix::Cell(frame.root, no, 0);
        if kind.is_leaf() {
            frame.next = if count == 0 { Next::Coverage } else { Next::Cell };
            frame.cell = count.saturating_sub(1);
        } else {
            frame.next = Next::RightChild;
        }
        Ok(Move::Stay)
    }

    fn step_cells(&mut self, pager: &mut Pager, frame: &mut Frame) -> Result<Move> {
        let Some(page) = frame.page.clone() else { return Ok(Move::Leave(0)) };
        let (root, no) = (frame.root, frame.no);
        match frame.next {
            Next::RightChild => {
                // SQLite names the right child only where it has a pointer map, and then keeps saying so for the cells.
                let inherited = frame.inherited;
                self.prefix =
                    if self.auto_vacuum { Prefix::Right(root, no) } else { Prefix::Cell(root, no, inherited) };
                frame.heading = self.prefix;
                let child = PageNo(be32(&page, header_at(no) + 8));
                self.check_link(pager, child, BTREE_PAGE, no)?;
                frame.next = Next::RightDone;
                return Ok(Move::Down(child));
            }
            Next::RightDone => {
                frame.depth = frame.child_depth;
                frame.key_may_equal = false;
                frame.next = if frame.count == 0 { Next::Coverage } else { Next::Cell };
                frame.cell = frame.count.saturating_sub(1);
            }
            Next::Cell => {
                if !matches!(frame.heading, Prefix::Right(..)) {
                    frame.heading = Prefix::Cell(root, no, frame.cell);
                }
                self.prefix = frame.heading;
                let at = be16(&page, header_at(no) + frame.kind.header_size() + 2 * frame.cell);
                let usable = self.geometry.usable;
                if at < frame.content || at > usable - 4 {
                    let content = frame.content;
                    self.say(format!("Offset {at} out of range {content}..{}", usable - 4));
                    frame.cover = false;
                    return Ok(self.next_cell(frame));
                }
                let parsed = parse_any_size(frame.kind, &page, at, &self.geometry);
                let Some(parsed) = parsed.filter(|cell| at + cell.size as usize <= usable) else {
                    self.say("Extends off end of page".to_string());
                    frame.cover = false;
                    return Ok(self.next_cell(frame));
                };
                if frame.kind != NodeKind::TableInterior && matches!(parsed.local(&page).first(), Some(0 | 1)) {
                    // A record header counts itself and describes at least one column.
                    self.say("Bad cell header size".to_string());
                    frame.cover = false;
                    return Ok(self.next_cell(frame));
                }
                frame.parsed = parsed;
                if frame.kind.is_table() {
                    let rowid = parsed.rowid;
                    let in_order = if frame.key_may_equal { rowid <= frame.max_key } else { rowid < frame.max_key };
                    if !in_order {
                        self.say(format!("Rowid {rowid} out of order"));
                    }
                    frame.max_key = rowid;
                    frame.key_may_equal = false;
                }
                frame.next = Next::CellOverflow;
            }
            Next::CellOverflow => {
                if frame.kind != NodeKind::TableInterior && frame.parsed.overflows() {
                    let first = frame.parsed.first_overflow(&page);
                    self.check_link(pager, first, OVERFLOW_FIRST, no)?;
                    let pages = super::payload::chain_len(&frame.parsed, &self.geometry);
                    self.start_chain(false, first, pages as i64);
                }
                frame.next = Next::CellChild;
            }
            Next::CellChild => {
                if frame.kind.is_leaf() {
                    return Ok(self.next_cell(frame));
                }
                let at = be16(&page, header_at(no) + frame.kind.header_size() + 2 * frame.cell);
                let child = PageNo(be32(&page, at));
                self.check_link(pager, child, BTREE_PAGE, no)?;
                frame.next = Next::CellDone;
                return Ok(Move::Down(child));
            }
            Next::CellDone => {
                let depth = frame.child_depth;
                frame.key_may_equal = false;
                if depth != frame.depth {
                    self.say("Child page depth differs".to_string());
                    frame.depth = depth;
                }
                return Ok(self.next_cell(frame));
            }
            Next::Enter | Next::Coverage => {}
        }
        Ok(Move::Stay)
    }

    fn next_cell(&mut self, frame: &mut Frame) -> Move {
        if frame.cell == 0 {
            frame.next = Next::Coverage;
        } else {
            frame.cell -= 1;
            frame.next = Next::Cell;
        }
        Move::Stay
    }

    /// Cells and freeblocks must not overlap, and the bytes between them are the fragments that the header counts.
    fn check_coverage(&mut self, frame: &Frame) {
        let Some(page) = frame.page.as_ref().filter(|_| frame.cover && self.room > 0) else { return };
        let at = header_at(frame.no);
        let pointers = at + frame.kind.header_size();
        let mut areas: Vec<(usize, usize)> = Vec::with_capacity(frame.count + 8);
        for i in 0..frame.count {
            let start = be16(page, pointers + 2 * i);
            if let Some(cell) = parse_any_size(frame.kind, page, start, &self.geometry) {
                areas.push((start, start + cell.size as usize - 1));
            }
        }
        let mut block = be16(page, at + 1);
        while block > 0 {
            let size = be16(page, block + 2);
            areas.push((block, (block + size).saturating_sub(1)));
            block = be16(page, block);
        }
        areas.sort_unstable();
        self.prefix = Prefix::None;
        let no = frame.no;
        let mut fragments = 0;
        let mut next = frame.content;
        let last = areas.len().saturating_sub(1);
        for (i, (start, end)) in areas.into_iter().enumerate() {
            if start < next {
                self.say(format!("Multiple uses for byte {start} of page {no}"));
                if i < last {
                    return;
                }
                break;
            }
            fragments += start - next;
            next = end + 1;
        }
        fragments += self.geometry.usable.saturating_sub(next);
        let reported = usize::from(page[at + 7]);
        if fragments != reported {
            self.say(format!("Fragmentation of {fragments} bytes reported as {reported} on page {no}"));
        }
    }
}

/// What a step on a page leads to.
enum Move {
    Stay,
    Down(PageNo),
    Leave(i32),
}

/// The freeblock list ascends inside the content area, and the free space adds up to something possible.
fn free_space_is_sound(page: &[u8], at: usize, kind: NodeKind, count: usize, usable: usize) -> bool {
    let first_cell = at + kind.header_size() + 2 * count;
    let content = match be16(page, at + 5) {
        0 => 65536,
        n => n,
    };
    let mut free = content + usize::from(page[at + 7]);
    let mut block = be16(page, at + 1);
    if block != 0 && block < content {
        return false;
    }
    while block != 0 {
        if block > usable - 4 {
            return false;
        }
        let (next, size) = (be16(page, block), be16(page, block + 2));
        free += size;
        // A block has room for its own head.
        if size < 4 {
            return false;
        }
        if next != 0 && next <= block + size + 3 {
            return false;
        }
        if next == 0 && block + size > usable {
            return false;
        }
        block = next;
    }
    free <= usable && free >= first_cell
}
