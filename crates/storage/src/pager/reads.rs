//! Reading pages: from the shared cache, from a read that was started, from the disk.
//!
//! With a back end that completes inline a miss reads at once. Otherwise it starts a read and is pending; a scan starts
//! those that it will want next in runs of pages that lie one behind the other, one operation each.

use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, Op, Output};

use super::spill::SpillSlot;
use super::{Backing, Pager};
use crate::page::{Page, PageNo, PageRef};

/// Pages of one read at most: several of them are under way at once, and the first brings what is wanted next.
const MOST_AT_ONCE: u32 = 64;

/// A read that was started.
struct InFlight {
    first: PageNo,
    /// Pages that it reads, one behind the other.
    count: u32,
    completion: Completion,
    in_log: bool,
    /// The page is a dirty one that was spilled here.
    spilled: Option<SpillSlot>,
}

impl InFlight {
    fn covers(&self, no: PageNo) -> bool {
        no.0.wrapping_sub(self.first.0) < self.count
    }
}

/// The reads that were started and not yet asked for the pages.
#[derive(Default)]
pub(super) struct Reads {
    in_flight: Vec<InFlight>,
    /// The page that made the last operation pending.
    awaited: Option<PageNo>,
}

impl Reads {
    /// Nobody wants the pages any more.
    pub fn clear(&mut self) {
        self.in_flight.clear();
        self.awaited = None;
    }

    fn position(&self, no: PageNo) -> Option<usize> {
        self.in_flight.iter().position(|read| read.covers(no))
    }

    /// The read of the page that is waited for, unless it is done.
    pub fn waiting_on(&self) -> Option<Completion> {
        let read = &self.in_flight[self.position(self.awaited?)?];
        (!read.completion.is_ready()).then(|| read.completion.clone())
    }
}

impl Pager {
    /// True where a read can be started without waiting for it, so that reading ahead pays.
    #[inline]
    pub fn reads_ahead(&self) -> bool {
        matches!(&self.backing, Backing::File(file) if file.db.file().reads_ahead())
    }

    /// How many pages a scan may have under way, `most` at most: no more than the cache has room for.
    pub fn most_ahead(&self, most: u16) -> u16 {
        most.min(u16::try_from(self.trim_above / 2).unwrap_or(u16::MAX)).max(1)
    }

    /// A page that is here: in the table, or brought by a read that has completed.
    pub(crate) fn arrived_page(&mut self, no: PageNo) -> Option<PageRef> {
        if let Some(page) = self.table.get(no) {
            return Some(page.clone());
        }
        let reads = &self.file_mut().reads;
        let arrived = reads.position(no).is_some_and(|at| reads.in_flight[at].completion.is_ready());
        if arrived { self.read_page(no).ok() } else { None }
    }

    /// Asks for pages that will be wanted soon; a hint, never fails and never waits.
    pub fn prefetch(&mut self, pages: impl Iterator<Item = PageNo>) {
        let page_size = self.header.page_size;
        let mut runs: Vec<(PageNo, u32)> = Vec::new();
        for no in pages {
            if no.0 == 0 || no.0 > self.page_count || self.table.get(no).is_some() || self.spilled(no).is_some() {
                continue;
            }
            let file = self.file_mut();
            if file.reads.position(no).is_some() || (file.db.is_shared() && file.db.versions().has(no, file.commit)) {
                continue;
            }
            // Pages in the log are mostly in the system's memory, and not in order.
            if !file.locate(no, page_size).is_ok_and(|(_, _, in_log)| !in_log) {
                continue;
            }
            match runs.last_mut() {
                Some((first, count)) if first.0 + *count == no.0 && *count < MOST_AT_ONCE => *count += 1,
                _ => runs.push((no, 1)),
            }
        }
        if runs.is_empty() {
            return;
        }
        let ops =
            runs.iter().map(|(first, count)| read_op(u64::from(first.0 - 1) * u64::from(page_size), page_size, *count));
        let file = self.file_mut();
        let completions = file.db.file().submit_all(ops.collect());
        file.reads.in_flight.extend(runs.into_iter().zip(completions).map(|((first, count), completion)| InFlight {
            first,
            count,
            completion,
            in_log: false,
            spilled: None,
        }));
    }

    /// A page that is not in the table: from a read that completed, the shared cache, or the disk.
    pub(super) fn read_page(&mut self, no: PageNo) -> Result<PageRef> {
        let page_size = self.header.page_size;
        let spilled = self.spilled(no);
        let file = self.file_mut();
        file.reads.awaited = None;
        if let Some(at) = file.reads.position(no) {
            let read = &file.reads.in_flight[at];
            if read.count == 1 && read.spilled != spilled || read.count > 1 && spilled.is_some() {
                // Asked for before the page was spilled, or brought back by a savepoint.
                file.reads.in_flight.swap_remove(at);
                return self.read_page(no);
            }
            let Some(result) = read.completion.take() else {
                file.reads.awaited = Some(no);
                return Err(Error::Pending);
            };
            let read = file.reads.in_flight.swap_remove(at);
            return match result {
                Ok(Output::Read(bytes, n)) if read.count == 1 => self.arrived(&read, bytes, n),
                Ok(Output::Read(bytes, n)) => {
                    self.run_arrived(&read, &bytes, n);
                    // What the run did not bring, as where the file ends, is read alone.
                    if let Some(page) = self.table.get(no) { Ok(page.clone()) } else { self.read_page(no) }
                }
                Ok(Output::Done) => Err(Error::from_code(ResultCode::INTERNAL)),
                // Another page of the run may be what cannot be read.
                Err(_) if read.count > 1 => self.read_page(no),
                Err(e) => Err(e),
            };
        }
        if let Some(slot) = spilled {
            return self.read_spilled(no, slot);
        }
        // Not as part of the condition: the guard would live on into the block.
        let shared = if file.db.is_shared() { file.db.versions().get(no, file.commit) } else { None };
        if let Some(page) = shared.filter(|page| page.len() == page_size as usize) {
            return self.install(page, false);
        }
        let (source, offset, in_log) = file.located(no, page_size)?;
        if source.completes_inline() {
            let mut page = Page::zeroed(no, page_size);
            let bytes = Page::unique(&mut page);
            let n = source.read_at(bytes, offset)?;
            file.source.check()?;
            check_short(n, bytes, in_log)?;
            return self.install(page, true);
        }
        let completion = source.submit(read_op(offset, page_size, 1));
        self.started(InFlight { first: no, count: 1, completion, in_log, spilled: None })
    }

    /// Waits for a read of one page, which the back end may have completed at once.
    fn started(&mut self, read: InFlight) -> Result<PageRef> {
        let (no, ready) = (read.first, read.completion.is_ready());
        let reads = &mut self.file_mut().reads;
        reads.in_flight.push(read);
        if ready {
            return self.read_page(no);
        }
        reads.awaited = Some(no);
        Err(Error::Pending)
    }

    fn arrived(&mut self, read: &InFlight, mut bytes: Box<[u8]>, n: usize) -> Result<PageRef> {
        if read.spilled.is_none() {
            // Before the bytes: a log that has begun anew may be too short.
            self.file_mut().source.check()?;
        }
        check_short(n, &mut bytes, read.in_log || read.spilled.is_some())?;
        let page = Page::from_bytes(read.first, &bytes);
        if read.spilled.is_some() { Ok(self.install_dirty(page)) } else { self.install(page, true) }
    }

    /// Takes those pages of a run that this connection has not come by in another way, or changed, meanwhile.
    fn run_arrived(&mut self, read: &InFlight, bytes: &[u8], n: usize) {
        let pages = bytes[..n.min(bytes.len())].chunks_exact(self.header.page_size as usize);
        for (no, bytes) in (read.first.0..).map(PageNo).zip(pages) {
            if self.table.get(no).is_none() && self.spilled(no).is_none() {
                let _ = self.install(Page::from_bytes(no, bytes), true);
            }
        }
    }

    fn read_spilled(&mut self, no: PageNo, slot: SpillSlot) -> Result<PageRef> {
        let page_size = self.header.page_size;
        let mut page = self.fresh_page(no);
        let Some(spill) = &self.spill else { return Err(Error::from_code(ResultCode::INTERNAL)) };
        let (file, offset) = spill.place(slot);
        if file.completes_inline() {
            let bytes = Page::unique(&mut page);
            let n = file.read_at(bytes, offset)?;
            check_short(n, bytes, true)?;
            return Ok(self.install_dirty(page));
        }
        let completion = file.submit(read_op(offset, page_size, 1));
        self.started(InFlight { first: no, count: 1, completion, in_log: false, spilled: Some(slot) })
    }

    /// A spilled page is back: dirty since before any savepoint, as far as the next write is concerned.
    fn install_dirty(&mut self, page: PageRef) -> PageRef {
        self.forget_spilled(page.no());
        self.table.put(page.no(), page.clone(), self.transaction_mark);
        page
    }

    /// Takes a page that was read under the snapshot in hand, if that has stood until now.
    fn install(&mut self, page: PageRef, offer: bool) -> Result<PageRef> {
        let file = self.file_mut();
        file.source.check()?;
        if offer && file.db.is_shared() {
            file.db.versions().put(page.no(), file.commit, page.clone());
        }
        self.table.put(page.no(), page.clone(), 0);
        Ok(page)
    }
}

fn read_op(offset: u64, page_size: u32, count: u32) -> Op {
    Op::Read { buf: vec![0; page_size as usize * count as usize].into_boxed_slice(), offset }
}

/// What the database file does not have reads as zeros, as in SQLite; a frame that the wal-index knows must be there.
fn check_short(read: usize, page: &mut [u8], in_log: bool) -> Result<()> {
    if read < page.len() {
        if in_log {
            return Err(Error::from_code(ResultCode::IOERR_SHORT_READ));
        }
        page[read..].fill(0);
    }
    Ok(())
}
