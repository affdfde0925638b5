//! Committing to a database file.

use std::path::Path;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::Completion;

use super::file::{FileBacking, Source};
use super::{Backing, JournalMode, Pager, State, Synchronous};
use crate::file::{DatabaseFile, FileTip};
use crate::journal::{Commit, Undo};
use crate::page::{PageNo, PageRef, SparePages};
use crate::pager::spill::DirtyPage;
use crate::wal::{Wal, WalCommit};

/// How far a commit has come that has to be run again.
///
/// ```text
///   No --journal written--> Journaled --EXCLUSIVE granted, database written--> Written --journal gone--> No
///   No --frames handed over--> Wal(writing -> syncing) --published--> No
/// ```
pub(super) enum Committing {
    No,
    /// Waits for readers to leave; the journal is right for the pages at this change epoch.
    Journaled {
        undo: Undo,
        epoch: u64,
    },
    /// One of several: the database holds the changes, and the super-journal decides whether they stay.
    Written(Undo),
    Wal(Box<WalCommit>),
}

/// How far a commit in a rollback mode goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The journal is written and EXCLUSIVE held.
    Locked,
    /// The database holds the changes.
    Written,
    Done,
}

impl Committing {
    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Committing::No)
    }

    pub(super) fn waiting_on(&self) -> Option<&Completion> {
        match self {
            Committing::Wal(commit) => commit.waiting_on(),
            Committing::No | Committing::Journaled { .. } | Committing::Written(_) => None,
        }
    }

    /// The transaction is given up: a journal that was written says nothing any more, frames are wiped.
    pub(super) fn abandon(&mut self, db: &DatabaseFile, wal: Option<&Wal>) {
        match (std::mem::replace(self, Committing::No), wal) {
            (Committing::Journaled { undo: Undo::Journal(journal, path, _), .. }, _) => {
                drop(journal);
                if !db.is_inherited() {
                    let _ = db.io().delete(&path, false);
                }
            }
            // Where this fails, the journal stays hot, and so does its super-journal.
            (Committing::Written(undo), _) => drop(undo.play_back(&**db.io(), &**db.file())),
            (Committing::Wal(mut commit), Some(wal)) => match commit.number() {
                None => wal.abandon_commit(db, &commit),
                // Once handed over, it runs to its end.
                Some(number) => {
                    while let Err(Error::Pending) = wal.await_durable(db, number, commit.waiting()) {
                        let Some(completion) = commit.waiting_on() else { break };
                        while !completion.is_ready() {
                            if !db.io().step().unwrap_or(false) {
                                completion.wait();
                            }
                        }
                    }
                }
            },
            _ => {}
        }
    }
}

impl FileBacking {
    /// What becomes of the journal: while the lock is kept, there is no point in deleting it.
    fn journal_end(&self) -> JournalMode {
        if self.exclusive && self.rollback_mode == JournalMode::Delete {
            JournalMode::Persist
        } else {
            self.rollback_mode
        }
    }
}

impl Pager {
    /// The changed pages, in ascending order.
    fn dirty_pages(&mut self) -> Vec<DirtyPage> {
        let mut pages = Vec::with_capacity(self.dirty.len());
        self.each_dirty(|page| pages.push(page));
        pages
    }

    /// The changed pages: those in memory, and the numbers of the others, of which there may be many. Both ascend.
    fn dirty_parts(&mut self) -> (Vec<PageRef>, Vec<PageNo>) {
        let (mut resident, mut spilled) = (Vec::new(), Vec::new());
        self.each_dirty(|page| match page {
            DirtyPage::Resident(page) => resident.push(page),
            DirtyPage::Spilled(no, _) => spilled.push(no),
        });
        (resident, spilled)
    }

    fn each_dirty(&mut self, mut found: impl FnMut(DirtyPage)) {
        self.dirty.sort_unstable();
        self.dirty.dedup();
        let (count, mark) = (self.page_count, self.transaction_mark);
        for no in self.dirty.iter().copied().filter(|no| no.0 <= count) {
            match self.table.slot_mut(no) {
                Some(slot) if slot.mark >= mark => {
                    if let Some(page) = &slot.page {
                        found(DirtyPage::Resident(page.clone()));
                        continue;
                    }
                }
                _ => {}
            }
            if let Some(slot) = self.spill.as_ref().and_then(|spill| spill.slot_of(no)) {
                found(DirtyPage::Spilled(no, slot));
            }
        }
    }

    pub(super) fn commit_file(&mut self) -> Result<()> {
        let pages = self.dirty.len() as u64;
        let file = self.file_mut();
        let result = match &file.source {
            _ if file.severed => Err(Error::from_code(ResultCode::IOERR_LOCK)),
            Source::Wal(_) => self.commit_wal(),
            Source::Rollback(_) => self.commit_rollback_mode(Stage::Done, None),
            Source::None => Err(Error::from_code(ResultCode::INTERNAL)),
        };
        match result {
            Err(e) if !e.is_pending() && !e.is(ResultCode::BUSY) => {
                self.rollback();
                Err(e)
            }
            Ok(()) => {
                self.counts.writes += pages;
                Ok(())
            }
            other => other,
        }
    }

    /// True where a commit of this transaction over several databases needs a super-journal to be atomic: there are changes,
    /// and a journal of its own that a crash would leave.
    pub fn needs_super_journal(&mut self) -> bool {
        let journaled = match &self.backing {
            Backing::File(file) => {
                matches!(file.source, Source::Rollback(_))
                    && matches!(file.rollback_mode, JournalMode::Delete | JournalMode::Truncate | JournalMode::Persist)
                    && file.synchronous != Synchronous::Off
            }
            _ => false,
        };
        journaled && self.state == State::Write && self.has_changes()
    }

    pub(super) fn has_changes(&mut self) -> bool {
        let (count, mark) = (self.page_count, self.transaction_mark);
        let (table, spill) = (&mut self.table, &self.spill);
        count != self.transaction_page_count
            || self.dirty.iter().any(|no| {
                let resident = table.slot_mut(*no).is_some_and(|slot| slot.mark >= mark && slot.page.is_some());
                no.0 <= count && (resident || spill.as_ref().is_some_and(|spill| spill.slot_of(*no).is_some()))
            })
    }

    /// Gets everything that can be refused by others out of the way of a commit that is one of several: in rollback
    /// modes the journal is written, naming the super-journal, and the EXCLUSIVE lock taken. `SQLITE_BUSY` leaves the
    /// transaction open.
    pub fn prepare_commit(&mut self, super_journal: Option<&Path>) -> Result<()> {
        self.commit_up_to(Stage::Locked, super_journal)
    }

    /// Writes the changes into the database; they stay if the super-journal is deleted. After a failure this transaction has
    /// been rolled back, and the others are to be.
    pub fn write_commit(&mut self, super_journal: &Path) -> Result<()> {
        self.commit_up_to(Stage::Written, Some(super_journal))
    }

    fn commit_up_to(&mut self, stage: Stage, super_journal: Option<&Path>) -> Result<()> {
        match &self.backing {
            Backing::File(file) if self.state == State::Write && matches!(file.source, Source::Rollback(_)) => {}
            _ => return Ok(()),
        }
        match self.commit_rollback_mode(stage, super_journal) {
            Err(e) if !e.is_pending() && !e.is(ResultCode::BUSY) => {
                self.rollback();
                Err(e)
            }
            other => other,
        }
    }

    fn commit_rollback_mode(&mut self, stage: Stage, super_journal: Option<&Path>) -> Result<()> {
        let decided = matches!(&self.file_mut().committing, Committing::Written(_));
        if !decided && !self.has_changes() {
            if stage == Stage::Done {
                self.unlock_write();
                self.finish_write();
            }
            return Ok(());
        }
        self.file_mut().needs_to_block()?;
        if !decided {
            self.stamp_header();
        }
        let pages = self.dirty_pages();
        let (old_count, new_count) = (self.transaction_page_count, self.page_count);
        let (page_size, epoch) = (self.header.page_size, self.change_epoch);
        let old_page_size = if old_count == 0 { page_size } else { self.transaction_header.page_size };
        let Backing::File(file) = &mut self.backing else { return Ok(()) };
        let db: Arc<DatabaseFile> = file.db.clone();
        let commit = Commit {
            io: &**db.io(),
            file: &**db.file(),
            path: db.path(),
            mode: file.journal_end(),
            journal_size_limit: self.journal_size_limit,
            synchronous: file.synchronous,
            old_page_size,
            page_size,
            old_count,
            new_count,
            pages: &pages,
            spill: self.spill.as_deref(),
            super_journal,
        };
        let undo = match std::mem::replace(&mut file.committing, Committing::No) {
            Committing::Written(undo) => {
                if stage < Stage::Done {
                    file.committing = Committing::Written(undo);
                    return Ok(());
                }
                // The super-journal has decided. A journal that stays is not played back without it; one that is used again
                // must not name it any more.
                let ending = match commit.mode {
                    JournalMode::Persist => Commit { mode: JournalMode::Truncate, ..commit },
                    _ => commit,
                };
                let _ = ending.finish(&undo);
                return self.publish_rollback_commit(&db, &pages);
            }
            Committing::Journaled { undo, epoch: written } if written == epoch => undo,
            _ => commit.write_journal()?,
        };
        if let Err(e) = db.locks().lock_exclusive(file.id, &**db.file()) {
            file.committing = Committing::Journaled { undo, epoch };
            return Err(e);
        }
        if stage == Stage::Locked {
            file.committing = Committing::Journaled { undo, epoch };
            return Ok(());
        }
        let mut done = commit.write_database();
        if stage == Stage::Written && done.is_ok() {
            file.committing = Committing::Written(undo);
            return Ok(());
        }
        if done.is_ok() {
            done = commit.finish(&undo);
        }
        if let Err(e) = done {
            let undone = commit.undo(undo);
            self.fail_commit(undone.is_err());
            return Err(e);
        }
        self.publish_rollback_commit(&db, &pages)
    }

    /// A rollback after the database has been written: plays the journal back. False where nothing was written.
    pub(super) fn undo_written(&mut self) -> bool {
        let Backing::File(file) = &mut self.backing else { return false };
        let undo = match std::mem::replace(&mut file.committing, Committing::No) {
            Committing::Written(undo) => undo,
            other => {
                file.committing = other;
                return false;
            }
        };
        let db = file.db.clone();
        let commit = Commit {
            io: &**db.io(),
            file: &**db.file(),
            path: db.path(),
            mode: file.journal_end(),
            journal_size_limit: self.journal_size_limit,
            synchronous: file.synchronous,
            old_page_size: self.transaction_header.page_size,
            page_size: self.header.page_size,
            old_count: self.transaction_page_count,
            new_count: self.page_count,
            pages: &[],
            spill: None,
            super_journal: None,
        };
        let undone = commit.undo(undo);
        self.fail_commit(undone.is_err());
        true
    }

    /// After a failed write: what the file holds is as before only if it could be put back.
    fn fail_commit(&mut self, damaged: bool) {
        let file = self.file_mut();
        file.db.set_tip(None);
        file.db.versions().record_unknown();
        if damaged {
            // Whoever takes SHARED next finds the hot journal; this snapshot is gone.
            self.rollback();
            self.state = State::Idle;
            // Also where locks are kept: the next to come has to find the journal.
            let exclusive = std::mem::take(&mut self.file_mut().exclusive);
            self.release_snapshot();
            self.file_mut().exclusive = exclusive;
        } else {
            self.rollback();
        }
        self.forget_everything();
        if self.state != State::Idle {
            // The restored state is the transaction's start; the header is known.
            let header = self.transaction_header;
            self.header = header;
            let file = self.file_mut();
            file.commit = file.db.versions().tip();
            file.header_commit = file.commit;
        }
    }

    fn publish_rollback_commit(&mut self, db: &Arc<DatabaseFile>, pages: &[DirtyPage]) -> Result<()> {
        let mut changed: Vec<u32> = pages.iter().map(|p| p.no().0).collect();
        changed.extend(self.page_count + 1..=self.transaction_page_count.min(self.page_count + (1 << 16)));
        let resized = self.transaction_header.page_size != self.header.page_size;
        let mut key = [0; 16];
        if let Some(first) = self.table.get(PageNo::ONE) {
            key.copy_from_slice(&first[24..40]);
        }
        let (page_size, count, wal) = (self.header.page_size, self.page_count, self.header.write_version == 2);
        let mut spare = std::mem::take(&mut self.spare);
        let id = self.file_mut().id;
        let mut commit = publish(db, id, changed, pages.iter().filter_map(resident), &mut spare);
        self.spare = spare;
        let file = self.file_mut();
        if resized {
            commit = db.versions().record_unknown();
        }
        let tip = FileTip { key, page_size, size: u64::from(count) * u64::from(page_size), wal, commit };
        db.set_tip(Some(tip));
        file.source = Source::Rollback(tip);
        file.commit = commit;
        file.header_commit = commit;
        let unlocked = if file.exclusive { Ok(()) } else { db.locks().downgrade(file.id, &**db.file()) };
        db.lock_released();
        self.finish_write();
        unlocked
    }

    fn commit_wal(&mut self) -> Result<()> {
        let Backing::File(file) = &mut self.backing else { return Ok(()) };
        if let Committing::No = file.committing {
            if !self.has_changes() {
                self.await_base()?;
                self.unlock_write();
                self.finish_write();
                return Ok(());
            }
            if self.is_concurrent() {
                // Its pages are those of a snapshot: they become a commit only under the lock, on the newest state.
                return Err(Error::from_code(ResultCode::INTERNAL));
            }
            let file = self.file_mut();
            if let (Some(wal), Source::Wal(snapshot)) = (&file.wal, &file.source)
                && wal.names_log(snapshot, file.synchronous)?
            {
                file.needs_to_block()?;
            }
            let first_is_dirty = self.table.slot_mut(PageNo::ONE).is_some_and(|s| s.mark >= self.transaction_mark);
            if first_is_dirty || self.spill.is_some() || self.page_count != self.transaction_page_count {
                self.stamp_header();
            }
            let (resident, spilled) = self.dirty_parts();
            let (count, page_size) = (self.page_count, self.header.page_size);
            let Backing::File(file) = &mut self.backing else { return Ok(()) };
            let (Some(wal), Source::Wal(snapshot)) = (&file.wal, &mut file.source) else {
                return Err(Error::from_code(ResultCode::INTERNAL));
            };
            let mut commit = wal.prepare_commit(
                &file.db,
                snapshot,
                resident,
                spilled,
                self.spill.as_deref(),
                count,
                page_size,
                file.synchronous,
            )?;
            if !file.db.keeps_log_exact() {
                wal.grow_in_steps(&mut commit, self.journal_size_limit);
            }
            file.committing = Committing::Wal(Box::new(commit));
        }
        let file = self.file_mut();
        let (Some(wal), Committing::Wal(commit)) = (&file.wal, &mut file.committing) else {
            return Err(Error::from_code(ResultCode::INTERNAL));
        };
        if commit.number().is_none() {
            let written = wal.run_commit(commit).and_then(|()| self.hand_over());
            if let Err(e) = written {
                if !e.is_pending() {
                    self.file_mut().committing = Committing::No;
                }
                return Err(e);
            }
        }
        self.await_commit()
    }

    /// The frames of the commit are in the log: it gets its number, and the next writer its turn.
    fn hand_over(&mut self) -> Result<()> {
        let (count, old_count, journal_size_limit) =
            (self.page_count, self.transaction_page_count, self.journal_size_limit);
        let keys = self.take_keys();
        let Backing::File(file) = &mut self.backing else { return Ok(()) };
        let (Some(wal), Committing::Wal(commit), Source::Wal(snapshot)) =
            (&file.wal, &mut file.committing, &mut file.source)
        else {
            return Err(Error::from_code(ResultCode::INTERNAL));
        };
        let mut changed: Vec<u32> = commit.changed().collect();
        changed.extend(count + 1..=old_count.min(count + (1 << 16)));
        let (db, id, pages, spare) = (&file.db, file.id, commit.pages().to_vec(), &mut self.spare);
        wal.limit_size(commit, journal_size_limit);
        wal.hand_over(id, commit, snapshot, || {
            let number = publish(db, id, changed, pages.iter(), spare);
            db.concurrency().record(number, keys);
            number
        })?;
        db.lock_released();
        Ok(())
    }

    /// Waits until the commit is durable and visible to all.
    fn await_commit(&mut self) -> Result<()> {
        let file = self.file_mut();
        let (Some(wal), Committing::Wal(commit)) = (&file.wal, &mut file.committing) else {
            return Err(Error::from_code(ResultCode::INTERNAL));
        };
        let Some(number) = commit.number() else { return Err(Error::from_code(ResultCode::INTERNAL)) };
        match wal.await_durable(&file.db, number, commit.waiting()) {
            Ok(()) => {}
            Err(Error::Pending) => return Err(Error::Pending),
            Err(e) => {
                file.committing = Committing::No;
                return Err(e);
            }
        }
        file.committing = Committing::No;
        file.commit = number;
        file.header_commit = number;
        file.base = None;
        if let Source::Wal(snapshot) = &file.source {
            let limit = file.wal_autocheckpoint;
            file.checkpoint_wanted |=
                limit > 0 && (wal.frames_to_copy(snapshot.max_frame()) >= limit || wal.is_emptying());
        }
        self.finish_write();
        Ok(())
    }

    /// A transaction that began on commits which were not durable yet: waits until they are, so that what it has read may be
    /// shown. Restartable.
    pub fn await_base(&mut self) -> Result<()> {
        let Backing::File(file) = &mut self.backing else { return Ok(()) };
        let (Some(number), Some(wal)) = (file.base, &file.wal) else { return Ok(()) };
        wal.await_durable(&file.db, number, &mut file.turn)?;
        file.base = None;
        Ok(())
    }
}

fn resident(page: &DirtyPage) -> Option<&PageRef> {
    match page {
        DirtyPage::Resident(page) => Some(page),
        DirtyPage::Spilled(..) => None,
    }
}

/// Numbers the commit and offers its pages to the other connections. Pages that nobody needs any more become spare ones.
fn publish<'a>(
    db: &DatabaseFile,
    id: u64,
    changed: Vec<u32>,
    pages: impl Iterator<Item = &'a PageRef>,
    spare: &mut SparePages,
) -> u64 {
    let mut versions = db.versions();
    versions.keep_older(db.concurrency().is_live());
    let commit = versions.record(Some(id), changed);
    if db.is_shared() {
        versions.put_newest(pages);
    }
    let replaced = versions.take_replaced();
    drop(versions);
    replaced.into_iter().for_each(|page| spare.keep(page));
    commit
}
