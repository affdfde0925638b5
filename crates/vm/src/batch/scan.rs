//! The scan under a pipeline: rows of whole pages, of which columns are decoded as they are wanted.
//!
//! ```text
//!   Start ──first──> OnEntry ──take_page──> Taken ──overflowing rows are read──> Taken ──next──> OnEntry ...
//!                                                                                  └─> Ended
//! ```
//! Each arrow may have to wait for a page and is gone anew then; what has been collected stays. The pages of the batch in hand are
//! held, so that nothing is copied before it is decoded.

use turso_error::{Error, Result, ResultCode};
use turso_functions::vector::Walked;
use turso_program::batch::{BatchField, BatchScan, BatchStep};
use turso_program::cursor::TreeKind;
use turso_storage::btree::{BTreeCursor, CursorKind, PageRow, SeekOp, Soon};
use turso_storage::{PageNo, PageRef, Pager};

use super::load::Loaded;
use super::measure::Measuring;
use crate::cursors::{RowidBound, rowid_bound};
use crate::registers::Registers;

/// Rows of a batch, at most.
pub(crate) const BATCH_ROWS: usize = 1024;
/// Records that go on elsewhere are copied together; a batch has no more bytes of them than this and one record.
const MOST_COPIED: usize = 4 << 20;
/// Where a longer record goes on elsewhere, only its row is read, by the row tier.
const LONGEST_COPIED: u32 = 1 << 20;
/// About so many rows are taken to be on a leaf.
const ROWS_OF_A_LEAF: usize = 50;
/// The page of a record that has been copied.
pub(super) const COPIED: u16 = u16::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Start,
    OnEntry,
    /// The rows from `next` on may have to be copied. Row `first` is this entry of the page in hand.
    Taken {
        next: usize,
        first: usize,
        entry: u16,
    },
    /// A batch has been given; its last row is where the cursor stands.
    Between,
    Ended,
}

/// What a scan will see, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub leaves: usize,
    pub rows: usize,
}

/// See the module's header.
pub(crate) struct Scan {
    cursor: BTreeCursor,
    /// From the last row to the first.
    back: bool,
    position: Position,
    pub(super) pages: Vec<PageRef>,
    /// Where the records are: on a page of the batch, or copied.
    pub(super) rows: Vec<PageRow>,
    /// Their rowids, if anybody asks for them.
    pub(super) rowids: Vec<i64>,
    wants_rowids: bool,
    /// That of the last row collected.
    pub(super) last_rowid: Option<i64>,
    pub(super) copied: Vec<u8>,
    /// How far the records have been decoded.
    pub(super) loaded: Loaded,
    /// Of the vectors that are being measured, for the first rows of the batch.
    pub(super) walked: Vec<Walked>,
    /// They are those of a step that has been done.
    pub(super) measured: bool,
    /// Rows of the batch that were too far away to be kept.
    dropped: usize,
    low: Option<(i64, SeekOp)>,
    high: Option<i64>,
    /// Records that go on elsewhere are left to the row tier: many need not be read as wholes.
    leaves_long: bool,
    /// A row past the end has been met.
    over: bool,
    /// How many rows have been taken in all.
    pub seen: u64,
    /// How many rows the next batch is to have.
    pub most: usize,
}

impl Scan {
    /// A scan that has not begun, whose rows go through these steps. Its bounds are read now. `wants_rowids`: somebody else asks
    /// for the rows' rowids.
    pub fn new(scan: &BatchScan, steps: &[BatchStep], wants_rowids: bool, registers: &Registers) -> Self {
        let low = scan.low.map(|low| {
            let op = if low.inclusive { SeekOp::Ge } else { SeekOp::Gt };
            rowid_bound(registers.get(low.value), op)
        });
        let high = scan.high.map(|high| {
            let op = if high.inclusive { SeekOp::Le } else { SeekOp::Lt };
            rowid_bound(registers.get(high.value), op)
        });
        // Nothing is above all rowids, nor does anything compare with NULL.
        let mut empty = matches!(low, Some(RowidBound::AboveAll | RowidBound::Nothing));
        let low = match low {
            Some(RowidBound::At(rowid, op)) => Some((rowid, op)),
            _ => None,
        };
        let high = match high {
            Some(RowidBound::At(rowid, SeekOp::Lt)) => {
                empty |= rowid == i64::MIN;
                Some(rowid.saturating_sub(1))
            }
            Some(RowidBound::At(rowid, _)) => Some(rowid),
            Some(RowidBound::Nothing) => {
                empty = true;
                None
            }
            Some(RowidBound::AboveAll) | None => None,
        };
        let kind = match &scan.kind {
            TreeKind::Table => CursorKind::Table,
            TreeKind::Index(key) => CursorKind::Index(key.clone()),
        };
        Self {
            cursor: BTreeCursor::new(PageNo(scan.root.0), kind),
            back: scan.reverse,
            position: if empty { Position::Ended } else { Position::Start },
            low,
            high,
            leaves_long: measures_filtered(steps),
            over: false,
            pages: Vec::new(),
            rows: Vec::new(),
            wants_rowids: wants_rowids
                || (if scan.reverse { low.is_some() } else { high.is_some() })
                || steps.iter().any(reads_rowids),
            rowids: Vec::new(),
            last_rowid: None,
            copied: Vec::new(),
            walked: Vec::new(),
            measured: false,
            dropped: 0,
            loaded: Loaded::default(),
            seen: 0,
            most: BATCH_ROWS,
        }
    }

    /// How many rows the batch in hand has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Goes to the first entry, if the scan has not begun, and tells from the pages on the way how much it will see.
    pub fn begin(&mut self, pager: &mut Pager) -> Result<Extent> {
        if self.position == Position::Start {
            let found = match (self.back, self.low, self.high) {
                (false, Some((rowid, op)), _) => self.cursor.seek_table(pager, rowid, op)?,
                (false, None, _) => self.cursor.first(pager)?,
                (true, _, Some(rowid)) => self.cursor.seek_table(pager, rowid, SeekOp::Le)?,
                (true, _, None) => self.cursor.last(pager)?,
            };
            self.position = if found { Position::OnEntry } else { Position::Ended };
        }
        let leaves = self.cursor.leaves_at_least();
        let rows = leaves.saturating_mul(self.cursor.entries_of_page());
        Ok(match (self.low, self.high) {
            // A range with both ends has no more rows than there are numbers in it.
            (Some((low, _)), Some(high)) => {
                let most = usize::try_from(i128::from(high) - i128::from(low) + 1).unwrap_or(usize::MAX);
                // (The rest of its last page is not looked at.)
                self.most = self.most.min(most.max(1));
                Extent { leaves: leaves.min(most / ROWS_OF_A_LEAF), rows: rows.min(most) }
            }
            _ => Extent { leaves, rows },
        })
    }

    /// The cursor goes to the next entry of the scan.
    fn advance(&mut self, pager: &mut Pager) -> Result<Position> {
        let found = if self.back { self.cursor.prev(pager)? } else { self.cursor.next(pager)? };
        Ok(if found { Position::OnEntry } else { Position::Ended })
    }

    /// The rowid is one of the range's, whose other end has been passed by the start of the scan.
    fn is_within(&self, rowid: i64) -> bool {
        match (self.back, self.low, self.high) {
            (false, _, Some(high)) => rowid <= high,
            (true, Some((low, SeekOp::Gt)), _) => rowid > low,
            (true, Some((low, _)), _) => rowid >= low,
            _ => true,
        }
    }

    /// No rowid of the range can follow this one.
    fn is_end(&self, rowid: i64) -> bool {
        match (self.back, self.low, self.high) {
            (false, _, Some(high)) => rowid == high,
            (true, Some((low, SeekOp::Ge)), _) => rowid == low,
            _ => false,
        }
    }

    /// Lets the rows of the last batch go and the pages that they lie on. Not to be called while the next ones are being collected.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.rowids.clear();
        self.pages.clear();
        self.copied.clear();
        self.walked.clear();
        self.measured = false;
        self.dropped = 0;
        self.loaded = Loaded::default();
    }

    /// Collects a batch, of which all rows may have been dropped; false when there are no more rows. May be pending, and goes on where
    /// it stopped. `measuring`: the first thing that the rows go through.
    pub fn collect(&mut self, pager: &mut Pager, measuring: Option<Measuring<'_>>) -> Result<bool> {
        loop {
            match self.position {
                Position::Start => {
                    self.begin(pager)?;
                }
                Position::OnEntry => {
                    let (first, number) = (self.rows.len(), self.pages.len() as u16);
                    let most = self.most.saturating_sub(self.in_batch());
                    let rowids = self.wants_rowids.then_some(&mut self.rowids);
                    let taken = self.cursor.take_page(pager, self.back, most, number, &mut self.rows, rowids)?;
                    self.pages.push(taken.page);
                    if self.rowids.last().is_some_and(|&rowid| !self.is_within(rowid)) {
                        let new = self.rowids.iter().skip(first);
                        let within = new.take_while(|&&rowid| self.is_within(rowid)).count();
                        self.rows.truncate(first + within);
                        self.rowids.truncate(first + within);
                        self.over = true;
                    }
                    self.over |= self.rowids.last().is_some_and(|&rowid| self.is_end(rowid));
                    let next = if taken.whole { self.rows.len() } else { first };
                    self.position = Position::Taken { next, first, entry: taken.first };
                }
                Position::Taken { next, first, entry } => {
                    if next < self.rows.len() {
                        self.copy_rows(pager, next, (first, entry))?;
                    } else if !self.back && self.high.is_none() && self.in_batch() < self.most {
                        self.take_leaves(pager, measuring.as_ref())?;
                        self.position = Position::Taken { next: self.rows.len(), first: self.rows.len(), entry };
                    }
                    if self.over {
                        self.position = Position::Ended;
                        continue;
                    }
                    if self.in_batch() >= self.most || self.copied.len() >= MOST_COPIED {
                        self.seen += self.in_batch() as u64;
                        self.last_rowid = self.rowids.last().copied();
                        self.position = Position::Between;
                        return Ok(true);
                    }
                    self.position = self.advance(pager)?;
                }
                Position::Between => {
                    self.position = self.advance(pager)?;
                }
                Position::Ended => {
                    let some = !self.rows.is_empty();
                    self.seen += self.in_batch() as u64;
                    self.last_rowid = self.rowids.last().copied().or(self.last_rowid);
                    return Ok(some);
                }
            }
        }
    }

    /// Rows of the batch, dropped ones among them.
    fn in_batch(&self) -> usize {
        self.rows.len() + self.dropped
    }

    /// Takes the leaves that follow, if they can be taken in a run. Vectors are measured while their leaf is in hand, and leaves all
    /// of whose rows are too far away are dropped.
    fn take_leaves(&mut self, pager: &mut Pager, measuring: Option<&Measuring<'_>>) -> Result<()> {
        let mut all = measuring.is_some_and(|measuring| self.measure_rest(measuring).is_ok());
        let (most, before) = (self.most - self.in_batch(), self.rows.len());
        let walked = &mut self.walked;
        let visit = measuring.map(|measuring| {
            move |page: &PageRef, rows: &[PageRow], soon: Soon<'_>| {
                let before = walked.len();
                // (What fails is measured again, as a step of its own, and has its error there.)
                all = all && measuring.leaf(page, rows, soon, walked).is_ok();
                let wanted = !all || measuring.is_wanted(walked.get(before..).unwrap_or(&[]));
                if !wanted {
                    walked.truncate(before);
                }
                wanted
            }
        });
        let rowids = self.wants_rowids.then_some(&mut self.rowids);
        let taken = self.cursor.take_leaves(pager, most, &mut self.pages, &mut self.rows, rowids, visit)?;
        self.dropped += taken - (self.rows.len() - before);
        Ok(())
    }

    /// Records of the page in hand that go on elsewhere, of the rows from `next` on, are copied as wholes.
    #[cold]
    fn copy_rows(&mut self, pager: &mut Pager, next: usize, (first, entry): (usize, u16)) -> Result<()> {
        let back = self.back;
        let entry_of = |row: usize| if back { entry - (row - first) as u16 } else { entry + (row - first) as u16 };
        for i in next..self.rows.len() {
            if self.rows[i].whole {
                continue;
            }
            self.position = Position::Taken { next: i, first, entry };
            self.cursor.go_to_entry(entry_of(i))?;
            if self.leaves_long || self.cursor.payload_size() > LONGEST_COPIED {
                return Err(Error::from_code(ResultCode::TOOBIG));
            }
            let payload = self.cursor.full_payload(pager)?;
            let (start, len) = (self.copied.len() as u32, payload.len() as u32);
            self.copied.extend_from_slice(payload);
            self.rows[i] = PageRow { start, end: start + len, mark: 0, page: COPIED, whole: true };
        }
        if self.rows.len() > first {
            self.cursor.go_to_entry(entry_of(self.rows.len() - 1))?;
        }
        self.position = Position::Taken { next: self.rows.len(), first, entry };
        Ok(())
    }

    /// Keeps the rows of an ascending list.
    pub fn keep(&mut self, rows: &[u32]) {
        for (to, &from) in rows.iter().enumerate() {
            self.rows[to] = self.rows[from as usize];
        }
        self.rows.truncate(rows.len());
        if self.wants_rowids {
            for (to, &from) in rows.iter().enumerate() {
                self.rowids[to] = self.rowids[from as usize];
            }
            self.rowids.truncate(rows.len());
        }
    }
}

/// Vectors are measured of those rows only that a condition has left: those are most of a record that goes on elsewhere.
fn measures_filtered(steps: &[BatchStep]) -> bool {
    let first = steps.iter().position(|step| matches!(step, BatchStep::Filter { .. }));
    let last = steps.iter().rposition(|step| matches!(step, BatchStep::Measure(_)));
    first.zip(last).is_some_and(|(first, last)| first < last)
}

/// The step asks for rowids of a table.
fn reads_rowids(step: &BatchStep) -> bool {
    matches!(step, BatchStep::Load(columns) if columns.iter().any(|column| column.field == BatchField::Rowid))
}
