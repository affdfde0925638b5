//! Concurrent transactions: writing without the lock, and how that ends.
//!
//! ```text
//!   Read --begin_concurrent--> Write, tap Log --lock_concurrent--> lock held --[rebase]--> Write, tap Keys --commit--> Read
//!                                  |                                   |
//!                                  +---- rollback ----> Read           +-- conflict: to be rolled back
//! ```
//! From the moment when it has the lock and stands on the newest commit, it is a plain write transaction.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};

use super::file::Source;
use super::read_set::{Suspects, same_content};
use super::{Backing, Pager, Span, State};
use crate::btree::Payload;
use crate::concurrent::{LiveSnapshot, LogMark, Phase, ReadCheck, Rebase, RowLog, Rules, conflict, entry_key, row_key};
use crate::file::DatabaseFile;
use crate::format::DatabaseHeader;
use crate::page::PageNo;
use crate::wal::{Turn, Wal, WalSnapshot};
use crate::witness::Replay;

/// Who wants to know of each row that changes.
#[derive(Default)]
pub(super) enum Tap {
    #[default]
    None,
    /// A plain transaction beside concurrent ones: the keys of its rows.
    Keys(Vec<u64>),
    /// A concurrent transaction.
    Log(Box<Concurrent>),
}

/// What a concurrent transaction has beyond its pages.
#[derive(Default)]
pub(super) struct Concurrent {
    log: RowLog,
    rebase: Option<Box<Rebase>>,
    /// The header as the transaction found it and as it left it, once it is being replayed.
    headers: Option<(DatabaseHeader, DatabaseHeader)>,
    /// What it has read by key and may have changed.
    reads: Option<ReadCheck>,
    replay: Replay,
}

impl Pager {
    // ---- The tap: called by the B-tree, in `apply` --------------------------------------------------------------------

    /// True where somebody wants to know of each row that changes.
    #[inline]
    pub(crate) fn is_tapped(&self) -> bool {
        !matches!(self.tap, Tap::None)
    }

    /// An entry has this record now.
    #[cold]
    pub(crate) fn tap_put(&mut self, root: PageNo, rowid: Option<i64>, record: Payload<'_>) {
        match (&mut self.tap, rowid) {
            (Tap::Log(concurrent), _) => concurrent.log.put(root, rowid, record.bytes, record.zeros),
            (Tap::Keys(keys), Some(rowid)) => keys.push(row_key(root, rowid)),
            (Tap::Keys(keys), None) => keys.push(entry_key(root, record.bytes)),
            _ => {}
        }
        self.spill_long_log();
    }

    /// A log that has grown long goes to a temporary file.
    fn spill_long_log(&mut self) {
        // A quarter of what the transaction's pages may take.
        let limit = self.spill_above.saturating_mul(self.header.page_size as usize) / 4;
        let (Tap::Log(concurrent), Backing::File(file)) = (&mut self.tap, &self.backing) else { return };
        if concurrent.log.is_longer_than(limit) && concurrent.rebase.is_none() {
            concurrent.log.spill(&**file.db.io());
        }
    }

    /// A row is gone.
    #[cold]
    pub(crate) fn tap_removed_row(&mut self, root: PageNo, rowid: i64) {
        match &mut self.tap {
            Tap::Log(concurrent) => concurrent.log.remove_row(root, rowid),
            Tap::Keys(keys) => keys.push(row_key(root, rowid)),
            Tap::None => {}
        }
        self.spill_long_log();
    }

    /// An index entry is gone.
    #[cold]
    pub(crate) fn tap_removed_entry(&mut self, root: PageNo, record: &[u8]) {
        match &mut self.tap {
            Tap::Log(concurrent) => concurrent.log.remove_entry(root, record),
            Tap::Keys(keys) => keys.push(entry_key(root, record)),
            Tap::None => {}
        }
        self.spill_long_log();
    }

    pub(super) fn log_mark(&self) -> LogMark {
        match &self.tap {
            Tap::Log(concurrent) => concurrent.log.mark(),
            _ => LogMark::default(),
        }
    }

    pub(super) fn cut_log_back(&mut self, mark: LogMark) {
        if let Tap::Log(concurrent) = &mut self.tap {
            concurrent.log.cut_back(mark);
        }
    }

    /// A plain write transaction begins on a file.
    pub(super) fn plain_tap(&self) -> Tap {
        match self.file() {
            Some(file) if matches!(file.source, Source::Wal(_)) && file.db.is_shared() => {
                file.db.concurrency().plain_writer_begins();
                if file.db.concurrency().is_live() { Tap::Keys(Vec::new()) } else { Tap::None }
            }
            _ => Tap::None,
        }
    }

    pub(super) fn end_tap(&mut self) {
        self.tap = Tap::None;
        self.forget_concurrent_snapshot();
    }

    /// The keys of the rows that a commit changes, where they are known.
    pub(super) fn take_keys(&mut self) -> Option<Vec<u64>> {
        match std::mem::take(&mut self.tap) {
            Tap::Keys(keys) => Some(keys),
            _ => None,
        }
    }

    // ---- Rowids ---------------------------------------------------------------------------------------------------------

    /// The rowid for a new row, where the largest that this transaction sees is one less than `candidate`. Concurrent
    /// transactions of this process never get the same one.
    #[inline]
    pub fn claim_rowid(&mut self, root: PageNo, candidate: i64) -> i64 {
        match self.file() {
            Some(file) if file.db.is_shared() && matches!(file.source, Source::Wal(_)) => {
                file.db.concurrency().claim_rowid(root, candidate, self.is_concurrent())
            }
            _ => candidate,
        }
    }

    // ---- Beginning ------------------------------------------------------------------------------------------------------

    /// True between `begin_concurrent` and the moment when the transaction has the write lock.
    pub fn is_concurrent(&self) -> bool {
        matches!(self.tap, Tap::Log(_))
    }

    /// Takes the snapshot of a concurrent transaction, if there is none yet. False where this database knows no other
    /// transactions beside one that writes: it is private memory, or has no page yet. `SQLITE_ERROR` on a rollback journal.
    pub fn begin_concurrent_read(&mut self) -> Result<bool> {
        self.begin_read()?;
        let Backing::File(file) = &mut self.backing else { return Ok(false) };
        match &file.source {
            Source::Wal(_) => {}
            Source::Rollback(tip) if tip.wal || self.page_count == 0 => return Ok(false),
            _ => {
                return Err(Error::sql("BEGIN CONCURRENT needs a write-ahead log: run PRAGMA journal_mode=wal first"));
            }
        }
        if file.live.is_none() && self.state == State::Read {
            // Before the next line, so that whatever is committed upon that leaves its keys.
            file.live = Some(LiveSnapshot::new(file.db.clone(), file.commit));
            file.ahead = file.wal.as_ref().and_then(|wal| wal.newest_unseen());
            file.begins_ahead = false;
        }
        Ok(self.page_count > 0)
    }

    /// As [`Pager::begin_concurrent`], for a transaction that has read nothing yet and shows nothing before
    /// [`Pager::await_base`]: it begins on the newest commit that was written when its snapshot was taken, durable or not. Where
    /// many change the same row, that is the one that they would meet at their commit.
    pub fn begin_concurrent_ahead(&mut self) -> Result<bool> {
        if self.state != State::Write && self.begin_concurrent_read()? {
            self.move_ahead();
            self.begin_read()?;
        }
        self.begin_concurrent()
    }

    fn move_ahead(&mut self) {
        let file = self.file_mut();
        file.begins_ahead = true;
        let (Some(ahead), Some(wal), Source::Wal(snapshot)) = (file.ahead.take(), &file.wal, &mut file.source) else {
            return;
        };
        if !wal.move_ahead(snapshot, ahead) {
            return;
        }
        file.base = Some(ahead.commit());
        file.live = Some(LiveSnapshot::new(file.db.clone(), ahead.commit()));
        file.reads.clear();
        self.move_to_commit(ahead.commit());
        // The header has to be read anew.
        self.state = State::Opening;
    }

    /// After a conflict: what has overtaken the transaction may not be visible yet, and its repetition would meet it once more.
    /// [`Pager::await_base`] waits for that. A transaction that begins with a write need not wait: it begins on it.
    pub fn note_overtaking(&mut self) {
        if let Backing::File(file) = &mut self.backing
            && let Some(wal) = file.wal.as_ref().filter(|_| !file.begins_ahead)
        {
            file.base = wal.newest_unseen().map(|newest| newest.commit());
        }
    }

    /// Turns the snapshot into a write transaction that takes no lock; false as in [`Pager::begin_concurrent_read`].
    pub fn begin_concurrent(&mut self) -> Result<bool> {
        if self.state == State::Write {
            return Ok(true);
        }
        if !self.begin_concurrent_read()? {
            return Ok(false);
        }
        if !self.is_writable() {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        // Page 1 has to be resident for the header to be edited without waiting.
        self.page(PageNo::ONE)?;
        self.tap = Tap::Log(Box::default());
        self.start_write();
        Ok(true)
    }

    /// A transaction that has only read, under a snapshot that is not the newest any more, moves to the newest one, if nothing
    /// that it has read has changed. False where that is not so, or not known: it stays where it is.
    pub fn advance_snapshot(&mut self) -> Result<bool> {
        if self.state != State::Read || !self.tracks_reads() {
            return Ok(false);
        }
        let file = self.file_mut();
        // Page 1 is read in place.
        file.needs_to_block()?;
        let (Some(wal), Source::Wal(_)) = (&file.wal, &file.source) else { return Ok(false) };
        let wal = wal.clone();
        let Some(newest) = wal.begin_read(&file.db, true)? else { return Ok(false) };
        let (since, commit) = (file.commit, newest.commit());
        let check = match self.suspects(since, commit) {
            Suspects::Changed => Ok(None),
            Suspects::Spans(spans) => {
                let mut check = ReadCheck::new(spans);
                let unchanged = self.header_unchanged(&wal, &newest);
                unchanged.and_then(|unchanged| {
                    self.block_on(|pager| check.read_before(pager)).map(|()| unchanged.then_some(check))
                })
            }
        };
        let mut check = match check {
            Ok(Some(check)) => check,
            other => {
                wal.end_read(newest);
                return other.map(|_| false);
            }
        };
        let data_version = self.data_version;
        let Some(old) = self.read_from(newest) else { return Ok(false) };
        let unchanged = self.block_on(|pager| {
            pager.load_header()?;
            check.is_unchanged(pager)
        });
        if matches!(unchanged, Ok(true)) {
            wal.end_read(old);
            return unchanged;
        }
        // Back to where it was.
        if let Some(newest) = self.read_from(old) {
            wal.end_read(newest);
        }
        self.data_version = data_version;
        self.block_on(Pager::load_header)?;
        unchanged
    }

    /// Reads from another snapshot of the log from now on; the one before.
    fn read_from(&mut self, snapshot: WalSnapshot) -> Option<WalSnapshot> {
        let commit = snapshot.commit();
        let file = self.file_mut();
        file.reads.clear();
        let before = std::mem::replace(&mut file.source, Source::Wal(snapshot));
        self.move_to_commit(commit);
        match before {
            Source::Wal(before) => Some(before),
            _ => None,
        }
    }

    /// Hands out a span of what has been read; what is read meanwhile is not noted.
    pub(crate) fn with_span<T>(
        &mut self,
        at: u32,
        run: impl FnOnce(&mut Self, &Span) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(set) = self.read_set.take() else { return Ok(None) };
        let outcome = set.get(at).map(|span| run(self, span)).transpose();
        self.read_set = Some(set);
        outcome
    }

    /// The header of another snapshot differs from ours in counters only.
    fn header_unchanged(&mut self, wal: &Wal, other: &WalSnapshot) -> Result<bool> {
        let page_size = self.header.page_size;
        let file = self.file_mut();
        let mut bytes = vec![0; page_size as usize];
        match wal.find(PageNo::ONE, other)? {
            Some(frame) => wal.file().read_at(&mut bytes, wal.page_offset(frame, page_size))?,
            None => file.db.file().read_at(&mut bytes, 0)?,
        };
        Ok(same_content(&DatabaseHeader::decode(&bytes)?, &self.header))
    }

    pub(super) fn forget_concurrent_snapshot(&mut self) {
        if let Backing::File(file) = &mut self.backing {
            file.live = None;
            file.ahead = None;
        }
    }

    // ---- Ending ---------------------------------------------------------------------------------------------------------

    /// Takes the write lock for a concurrent transaction that has changed something. `SQLITE_BUSY` leaves it as it was.
    ///
    /// Answers true where somebody has committed since its snapshot: [`Pager::rebase`] is next. Otherwise the transaction is
    /// a plain one from now on.
    pub fn lock_concurrent(&mut self) -> Result<bool> {
        if !self.is_rebasing() && !self.has_changes() {
            return Ok(false);
        }
        self.lock_concurrent_always()
    }

    /// A replay is under way: the changes are in the log alone.
    fn is_rebasing(&self) -> bool {
        matches!(&self.tap, Tap::Log(concurrent) if concurrent.rebase.is_some())
    }

    /// The same where it need not have changed anything yet.
    pub fn lock_concurrent_always(&mut self) -> Result<bool> {
        if !self.is_concurrent() {
            return Ok(false);
        }
        if self.is_rebasing() {
            return Ok(true);
        }
        let Backing::File(file) = &mut self.backing else { return Ok(false) };
        let (Some(wal), Source::Wal(snapshot)) = (&file.wal, &file.source) else {
            return Err(Error::from_code(ResultCode::INTERNAL));
        };
        match wal.lock_writer(file.id)? {
            Turn::Granted => file.turn = None,
            Turn::Queued(turn) => {
                file.turn = Some(turn);
                return Err(Error::Pending);
            }
        }
        if let Err(e) = snapshot.stands() {
            wal.end_write(file.id);
            return Err(e);
        }
        if wal.newer_than(&file.db, snapshot)?.is_some() {
            return Ok(true);
        }
        if !snapshot.keep() {
            return snapshot.check().map(|()| false);
        }
        self.become_plain();
        Ok(false)
    }

    /// The transaction, which has the lock now, goes on before it commits.
    pub fn keep_lock(&mut self) {
        if let Backing::File(file) = &mut self.backing
            && let Some(wal) = &file.wal
        {
            wal.stay(file.id);
        }
    }

    /// True where the lock that was refused is held, or kept free, for a short time only.
    pub fn lock_is_brief(&self) -> bool {
        self.file().and_then(|file| file.wal.as_ref()).is_some_and(|wal| wal.is_brief())
    }

    /// Gives the write lock back before anything has been done under it.
    pub fn unlock_concurrent(&mut self) {
        if self.is_concurrent()
            && !self.is_rebasing()
            && let Backing::File(file) = &mut self.backing
            && let Some(wal) = &file.wal
        {
            wal.end_write(file.id);
            file.db.lock_released();
        }
    }

    /// The pages are changes of the newest commit, and the lock is held. The keys of a log so long that it is in a file are left
    /// to nobody: they would be too many to be kept.
    fn become_plain(&mut self) {
        if let Tap::Log(concurrent) = std::mem::take(&mut self.tap)
            && !concurrent.log.is_spilled()
        {
            let keys = concurrent.log.changes().iter().map(|change| concurrent.log.key(change));
            self.tap = Tap::Keys(keys.collect());
        }
    }

    /// Replays a concurrent transaction that has been overtaken onto the newest commit. The write lock is held.
    ///
    /// `rules` is asked once, for the trees with these roots. `SQLITE_BUSY_SNAPSHOT` is a conflict: the transaction can only be
    /// rolled back. Restartable.
    pub fn rebase(&mut self, rules: impl FnOnce(&[u32]) -> Result<Rules>) -> Result<()> {
        let Tap::Log(mut concurrent) = std::mem::take(&mut self.tap) else { return Ok(()) };
        self.read_quietly(true);
        concurrent.replay.begins_step();
        let outcome = self.rebase_with(&mut concurrent, rules);
        concurrent.replay.ends_step();
        self.read_quietly(false);
        match &outcome {
            Ok(()) => concurrent.replay.done(),
            Err(e) if e.code() == ResultCode::BUSY_SNAPSHOT => Replay::refused(),
            Err(_) => {}
        }
        self.tap = Tap::Log(concurrent);
        if outcome.is_ok() {
            self.become_plain();
        }
        outcome
    }

    fn rebase_with(&mut self, concurrent: &mut Concurrent, rules: impl FnOnce(&[u32]) -> Result<Rules>) -> Result<()> {
        let Concurrent { log, rebase, headers, reads, .. } = concurrent;
        if rebase.is_none() {
            let rules = rules(&log.roots())?;
            let (db, newest) = self.newest_commit()?;
            let since = self.file_mut().live.as_ref().map_or(0, LiveSnapshot::commit);
            if self.read_set.is_some() {
                *reads = Some(match self.suspects(since, newest) {
                    Suspects::Spans(spans) => ReadCheck::new(spans),
                    Suspects::Changed => {
                        return Err(conflict("a page that the transaction has read has been changed"));
                    }
                });
            }
            let overtaken = db.concurrency().overtaken(since, newest);
            *headers = Some((self.transaction_header, self.header));
            // Before a long log is sorted, which takes memory too.
            self.drop_private_pages();
            *rebase = Some(Box::new(Rebase::new(log, rules, overtaken, db.io())?));
        }
        if let Some(reads) = reads {
            reads.read_before(self)?;
        }
        let (Some(rebase), Some((found, left))) = (rebase, headers) else { return Ok(()) };
        if rebase.run(self, log)? == Phase::Move {
            self.move_to_newest()?;
            if let Some(reads) = reads {
                if !same_content(&self.header, found) {
                    return Err(conflict("what the transaction has read of the header has been changed"));
                }
                if !reads.is_unchanged(self)? {
                    return Err(conflict("rows that the transaction has read have been changed"));
                }
            }
            self.merge_header(found, left)?;
            rebase.moved();
        }
        rebase.run(self, log).map(|_| ())
    }

    /// Back to the pages of the snapshot; the log has what was done to them.
    fn drop_private_pages(&mut self) {
        self.savepoints.clear();
        for no in std::mem::take(&mut self.dirty) {
            if let Some(page) = self.table.take(no).page {
                self.spare.keep(page);
            }
        }
        self.spill = None;
        self.header = self.transaction_header;
        self.page_count = self.transaction_page_count;
        self.change_epoch += 1;
    }

    /// Leaves the snapshot for the newest commit, which cannot change while the lock is held. Restartable.
    fn move_to_newest(&mut self) -> Result<()> {
        let Backing::File(file) = &mut self.backing else { return Ok(()) };
        let (Some(wal), Source::Wal(snapshot)) = (&file.wal, &mut file.source) else {
            return Err(Error::from_code(ResultCode::INTERNAL));
        };
        if wal.newer_than(&file.db, snapshot)?.is_some() {
            wal.move_to_newest(&file.db, snapshot)?;
            let commit = snapshot.commit();
            file.reads.clear();
            self.move_to_commit(commit);
        }
        self.load_header()?;
        self.page(PageNo::ONE)?;
        self.start_write();
        Ok(())
    }

    /// What the transaction has set in the header is set in the newest one too.
    fn merge_header(&mut self, found: &DatabaseHeader, left: &DatabaseHeader) -> Result<()> {
        if self.header.schema_cookie != found.schema_cookie {
            return Err(conflict("the schema has been changed"));
        }
        let newest = self.header;
        let mut merged = newest;
        let fields: [(fn(&mut DatabaseHeader) -> &mut u32, &str); 3] = [
            (|h| &mut h.user_version, "user_version"),
            (|h| &mut h.application_id, "application_id"),
            (|h| &mut h.default_cache_size, "default_cache_size"),
        ];
        for (field, name) in fields {
            let (mut found, mut left, mut newest) = (*found, *left, newest);
            if *field(&mut left) == *field(&mut found) {
                continue;
            }
            if *field(&mut newest) != *field(&mut found) {
                return Err(conflict(&format!("PRAGMA {name} has been set")));
            }
            *field(&mut merged) = *field(&mut left);
        }
        self.edit_header(|header| *header = merged);
        Ok(())
    }

    fn newest_commit(&mut self) -> Result<(Arc<DatabaseFile>, u64)> {
        let file = self.file_mut();
        match (&file.wal, &file.source) {
            (Some(wal), Source::Wal(snapshot)) => {
                let newest = wal.newer_than(&file.db, snapshot)?;
                Ok((file.db.clone(), newest.unwrap_or(file.commit)))
            }
            _ => Err(Error::from_code(ResultCode::INTERNAL)),
        }
    }
}
