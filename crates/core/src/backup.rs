//! Online backup: one database over another, some pages at a time.
//!
//! Between two steps the source can be used. What its own connection changes meanwhile is taken along; when another one has
//! changed it, the copy begins anew. The pages are gathered aside and take the place of the target's in one transaction, which
//! the first step begins and the last one commits: nobody else writes to the target meanwhile, and a backup that is given up
//! leaves it as it was.

use turso_error::{Error, Result, ResultCode};
use turso_storage::{JournalMode, PageNo, Pager};

use crate::connection::{Connection, State};

/// A backup in progress.
pub struct Backup {
    source: Connection,
    from: String,
    target: Connection,
    to: String,
    /// The pages copied so far.
    built: Option<Pager>,
    /// The next page to copy.
    next: u32,
    /// Pages of the source after the last step.
    count: u32,
    /// The source's version when the last step ended: changes by others, changes at all.
    seen: (u32, u64),
    done: bool,
}

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupStep {
    /// There are pages left.
    More,
    /// The target holds what the source holds.
    Done,
}

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("next", &self.next).field("count", &self.count).finish_non_exhaustive()
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if !self.done {
            self.target.lock().leave_target(&self.to);
        }
    }
}

impl Backup {
    /// Begin to copy database `from` of `source` over database `to` of `target`.
    pub fn new(source: &Connection, from: &str, target: &Connection, to: &str) -> Result<Self> {
        if source.is_same(target) {
            return Err(Error::sql("source and destination must be distinct"));
        }
        source.lock().database_index(from)?;
        {
            let state = target.lock();
            let db = state.database_index(to)?;
            if state.databases[db].pager.in_read() && state.keeps_snapshots() {
                return Err(Error::sql("destination database is in use"));
            }
        }
        Ok(Self {
            source: source.clone(),
            from: from.to_owned(),
            target: target.clone(),
            to: to.to_owned(),
            built: None,
            next: 1,
            count: 0,
            seen: (0, 0),
            done: false,
        })
    }

    /// Copy up to `pages` pages; `None`: all that are left. `SQLITE_BUSY` and `SQLITE_LOCKED` leave the backup to be tried again.
    pub fn step(&mut self, pages: Option<u32>) -> Result<BackupStep> {
        if self.done {
            return Ok(BackupStep::Done);
        }
        self.check_target()?;
        self.begin_target()?;
        let source = self.source.clone();
        let mut held = source.lock();
        held.with_stack(|state| self.copy(state, pages.unwrap_or(u32::MAX)))?;
        drop(held);
        if self.next <= self.count {
            return Ok(BackupStep::More);
        }
        let target = self.target.clone();
        let mut held = target.lock();
        let Some(built) = self.built.take() else { return Err(Error::from_code(ResultCode::MISUSE)) };
        held.with_stack(|state| state.take_over(&self.to, built))?;
        self.done = true;
        Ok(BackupStep::Done)
    }

    /// A database in memory or with a log keeps its page size once it has pages.
    fn check_target(&self) -> Result<()> {
        let page_size = {
            let mut state = self.source.lock();
            let db = state.database_index(&self.from)?;
            let held = state.databases[db].pager.in_read();
            state.blocking(|state| state.begin_read(db))?;
            let page_size = state.databases[db].pager.page_size();
            if !held {
                state.databases[db].pager.end_read();
            }
            page_size
        };
        let state = self.target.lock();
        let db = state.database_index(&self.to)?;
        let pager = &state.databases[db].pager;
        let fixed = pager.database_file().is_none() || pager.journal_mode() == JournalMode::Wal;
        if fixed && pager.page_count() > 0 && pager.page_size() != page_size {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        Ok(())
    }

    /// The target is written to from now on; `SQLITE_BUSY` where somebody else does.
    fn begin_target(&self) -> Result<()> {
        let mut held = self.target.lock();
        held.with_stack(|state| {
            let db = state.database_index(&self.to)?;
            if !state.autocommit || state.active_statements > 0 {
                return Err(Error::sql("destination database is in use"));
            }
            state.begin_target(db)
        })
    }

    /// Pages left to be copied, as of the last step.
    pub fn remaining(&self) -> u32 {
        if self.count == 0 { 0 } else { (self.count + 1).saturating_sub(self.next) }
    }

    /// Pages of the source, as of the last step.
    pub fn page_count(&self) -> u32 {
        self.count
    }

    fn copy(&mut self, state: &mut State, pages: u32) -> Result<()> {
        state.usable()?;
        let db = state.database_index(&self.from)?;
        if state.databases[db].pager.in_write() && db != 1 {
            return Err(Error::from_code(ResultCode::LOCKED));
        }
        let held = state.databases[db].pager.in_read();
        state.blocking(|state| state.begin_read(db))?;
        let space = state.temp_space().clone();
        let source = &mut state.databases[db].pager;
        let outcome = self.copy_pages(source, pages, |header| Pager::temp_database(Some(space), header));
        if !held {
            source.end_read();
        }
        outcome
    }

    fn copy_pages(
        &mut self,
        source: &mut Pager,
        pages: u32,
        make: impl FnOnce(turso_storage::DatabaseHeader) -> Pager,
    ) -> Result<()> {
        let version = (source.data_version(), source.change_epoch());
        // What a last step that failed has handed over is gone.
        let goes_on = self.built.as_ref().is_some_and(|built| built.page_size() == source.page_size());
        // Of one in memory SQLite does not know which pages have changed: its progress begins anew, and so does ours.
        let begins_anew = self.seen.0 != version.0 || (source.database_file().is_none() && self.seen.1 != version.1);
        if begins_anew || !goes_on {
            self.built = None;
            self.next = 1;
        }
        self.count = source.page_count();
        let built = match &mut self.built {
            Some(built) => built,
            None => self.built.insert(make(*source.header())),
        };
        if self.seen.1 != version.1 {
            // Only pages that are not what they were are copied again.
            for no in 1..self.next.min(self.count + 1) {
                copy_page(source, built, PageNo(no))?;
            }
            if self.next > self.count + 1 {
                built.truncate(self.count);
                self.next = self.count + 1;
            }
        }
        self.seen = version;
        let until = self.next.saturating_add(pages).min(self.count.saturating_add(1));
        while self.next < until {
            copy_page(source, built, PageNo(self.next))?;
            self.next += 1;
        }
        if self.next > self.count {
            let header = *source.header();
            built.edit_header(|copied| *copied = header);
        }
        Ok(())
    }
}

/// Copy one page where the copy is not the same already.
fn copy_page(source: &mut Pager, built: &mut Pager, no: PageNo) -> Result<()> {
    if no == source.lock_byte_page() {
        return Ok(());
    }
    let page = source.block_on(|pager| pager.page(no))?;
    while built.page_count() < no.0 {
        built.append_page();
    }
    let known = built.block_on(|pager| pager.page(no))?;
    if known[..] != page[..] {
        drop(known);
        built.edit(no).copy_from_slice(&page[..]);
    }
    source.unpin();
    built.unpin();
    Ok(())
}
