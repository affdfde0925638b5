//! The callbacks of a session: setting them, and calling them with the session lent.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::write::{Cause, RowChange};
use turso_vm::Interest;

use super::{Connection, State};
use crate::hooks::*;

/// What the application wants to be asked and told.
#[derive(Default, Clone)]
pub(crate) struct Hooks {
    pub update: Option<UpdateHook>,
    pub preupdate: Option<PreupdateHook>,
    /// Who else is told of rows with their values, and under which number.
    pub observers: Vec<(u64, PreupdateHook)>,
    /// The number of the observer that came last.
    pub last_observer: u64,
    pub commit: Option<CommitHook>,
    pub rollback: Option<RollbackHook>,
    pub wal: Option<WalHook>,
    pub auto_vacuum: Option<AutoVacuumHook>,
    /// For each database that has been asked about: the pages that the commit in hand still gives back.
    pub pages_to_free: Vec<(usize, u32)>,
    pub busy: Option<BusyHandler>,
    pub authorizer: Option<Authorizer>,
    pub collation_needed: Option<CollationNeeded>,
    /// The handler, and after how many instructions it is asked again.
    pub progress: Option<(u32, ProgressHandler)>,
    /// Instructions of the running statement since it was asked.
    pub progress_steps: u32,
    /// The tracer and its mask; the mask is 0 without one.
    pub trace: Option<Tracer>,
    pub trace_mask: u32,
    /// The statement that is being stepped, while there is a tracer.
    pub traced: Option<(u64, Arc<[u8]>)>,
    /// Somebody wants to know of changed rows.
    pub watches_rows: bool,
    /// Somebody wants to know their values.
    pub watches_values: bool,
    /// The commit in hand has been agreed to: it may be tried again without asking.
    pub commit_agreed: bool,
    /// Databases in WAL mode that have been committed to, with the frames in their logs, until the hook is told.
    pub committed_logs: Vec<(Arc<str>, u32)>,
    /// The first half of an UPDATE that moves a row: its old rowid and record.
    pub moved_row: Option<(Option<i64>, Vec<u8>)>,
}

impl Hooks {
    /// What was agreed to counts for one commit, made or rolled back.
    pub fn commit_is_over(&mut self) {
        self.commit_agreed = false;
        self.pages_to_free.clear();
    }
}

/// Put a callback in place; the one before comes back.
macro_rules! setters {
    ($($(#[$doc:meta])* $set:ident: $field:ident $kind:ty;)*) => {
        impl Connection {
            $(
                $(#[$doc])*
                ///
                /// Answers the one that was set before.
                pub fn $set(&self, callback: Option<$kind>) -> Option<$kind> {
                    std::mem::replace(&mut self.lock().hooks.$field, callback)
                }
            )*
        }
    };
}

setters! {
    /// Have commits asked for: see [`CommitHook`].
    set_commit_hook: commit CommitHook;
    /// Have rollbacks told: see [`RollbackHook`].
    set_rollback_hook: rollback RollbackHook;
    /// Have the number of pages asked for that commits give back: see [`AutoVacuumHook`].
    set_auto_vacuum_hook: auto_vacuum AutoVacuumHook;
    /// Have unknown collations asked for: see [`CollationNeeded`].
    set_collation_needed: collation_needed CollationNeeded;
}

impl Connection {
    /// Have row changes told: see [`UpdateHook`]. Answers the one that was set before.
    pub fn set_update_hook(&self, callback: Option<UpdateHook>) -> Option<UpdateHook> {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.hooks.update, callback);
        state.watch_rows();
        before
    }

    /// Have row changes told with their values: see [`PreupdateHook`]. Answers the one that was set before.
    pub fn set_preupdate_hook(&self, callback: Option<PreupdateHook>) -> Option<PreupdateHook> {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.hooks.preupdate, callback);
        state.watch_rows();
        before
    }

    /// Tell this one of row changes as well, with their values, besides the preupdate hook. The number ends it:
    /// [`Connection::remove_row_observer`].
    pub fn add_row_observer(&self, observer: PreupdateHook) -> u64 {
        let mut state = self.lock();
        state.hooks.last_observer += 1;
        let number = state.hooks.last_observer;
        state.hooks.observers.push((number, observer));
        state.watch_rows();
        number
    }

    /// Tell an observer no more.
    pub fn remove_row_observer(&self, number: u64) {
        let mut state = self.lock();
        let removed = state.hooks.observers.iter().position(|&(known, _)| known == number);
        let removed = removed.map(|at| state.hooks.observers.remove(at));
        state.watch_rows();
        // What the observer holds may hold this connection.
        drop(state);
        drop(removed);
    }

    /// Have commits in WAL mode told: see [`WalHook`]. It takes the place of the automatic checkpoints. Answers the one that was
    /// set before.
    pub fn set_wal_hook(&self, callback: Option<WalHook>) -> Option<WalHook> {
        let mut state = self.lock();
        state.spread_autocheckpoint(0);
        std::mem::replace(&mut state.hooks.wal, callback)
    }

    /// Frames in the log after which a commit is followed by a checkpoint, in all databases; 0: never. The WAL hook goes.
    pub fn set_wal_autocheckpoint(&self, frames: u32) {
        self.lock().set_autocheckpoint(frames);
    }

    /// Be asked every `instructions` instructions whether to interrupt; 0 or no handler: never.
    pub fn set_progress_handler(&self, instructions: u32, handler: Option<ProgressHandler>) {
        let mut state = self.lock();
        state.hooks.progress = handler.filter(|_| instructions > 0).map(|handler| (instructions, handler));
        state.hooks.progress_steps = 0;
    }

    /// Be asked whether to wait when a lock is taken, instead of the busy timeout, which becomes zero.
    pub fn set_busy_handler(&self, handler: Option<BusyHandler>) {
        let mut state = self.lock();
        state.settings.busy_timeout = std::time::Duration::ZERO;
        state.hooks.busy = handler;
    }

    /// Be asked what statements may do. Statements prepared so far are prepared anew.
    pub fn set_authorizer(&self, authorizer: Option<Authorizer>) {
        let mut state = self.lock();
        if authorizer.is_some() {
            state.expire_kept_programs();
        }
        state.hooks.authorizer = authorizer;
        state.generation = state.generation.wrapping_add(1);
    }

    /// Tell the tracer that the connection is about to be closed.
    pub fn tell_closing(&self) {
        let mut state = self.lock();
        if state.hooks.trace_mask & trace_mask::CLOSE != 0 {
            state.tell_tracer(&TraceEvent::Close);
        }
    }

    /// Have the events of `mask` told (see [`trace_mask`]).
    pub fn set_tracer(&self, mask: u32, tracer: Option<Tracer>) {
        let mut state = self.lock();
        state.hooks.trace_mask = if tracer.is_some() { mask } else { 0 };
        state.hooks.trace = tracer.filter(|_| mask != 0);
    }
}

impl State {
    // ---- Rows -----------------------------------------------------------------------------------------------------------

    /// See `Host::interest`.
    #[inline]
    pub fn wanted_of(&self, change: &RowChange) -> Interest {
        if self.hooks.watches_rows { self.wanted_by_watchers(change) } else { Interest::None }
    }

    /// Somebody has begun or ceased to watch rows.
    pub fn watch_rows(&mut self) {
        let with_values = self.hooks.preupdate.is_some() || !self.hooks.observers.is_empty();
        if self.hooks.watches_values != with_values {
            // Whether a whole table may be emptied at once is fixed when a statement is planned.
            self.generation = self.generation.wrapping_add(1);
        }
        self.hooks.watches_values = with_values;
        self.hooks.watches_rows =
            with_values || self.hooks.update.is_some() || !self.blobs.is_empty() || self.capture.is_on();
    }

    #[cold]
    fn wanted_by_watchers(&self, change: &RowChange) -> Interest {
        self.wanted_by_hooks(change).max(self.wanted_by_capture(change))
    }

    fn wanted_by_hooks(&self, change: &RowChange) -> Interest {
        if change.cause == Cause::Define {
            Interest::None
        } else if self.hooks.watches_values {
            Interest::OldAndNew
        } else if (self.hooks.update.is_some() && change.cause != Cause::Replace) || !self.blobs.is_empty() {
            Interest::New
        } else {
            Interest::None
        }
    }

    /// Tell the hooks of a change of a row.
    pub fn tell_of_row(
        &mut self,
        change: &RowChange,
        rowid: Option<i64>,
        (old, new): (Option<&[u8]>, Option<&[u8]>),
        depth: usize,
    ) {
        if self.capture.is_on() {
            self.note_change(change, rowid, (old, new));
        }
        if change.cause == Cause::Define {
            return;
        }
        if !self.blobs.is_empty() {
            self.expire_blobs(change, Some(rowid.unwrap_or(0)));
        }
        if self.hooks.watches_values {
            self.tell_before(change, rowid, (old, new), depth);
        }
        let (Some(hook), Some(rowid)) = (self.hooks.update.clone(), rowid) else { return };
        let action = match (change.cause, new.is_some()) {
            (Cause::Insert, _) => RowAction::Insert,
            (Cause::Update, true) => RowAction::Update,
            (Cause::Delete, _) => RowAction::Delete,
            // The first half of an update, and what REPLACE removes.
            _ => return,
        };
        if is_internal(&change.table) {
            return;
        }
        let Some(database) = self.databases.get(change.db.index()).map(|d| d.name.clone()) else { return };
        self.lend(|| hook(action, &database, &change.table, rowid));
    }

    // ---- Commit and rollback --------------------------------------------------------------------------------------------

    /// Ask whether what has been written may be committed. Asked once, however often the commit is tried.
    pub fn ask_to_commit(&mut self) -> Result<()> {
        if self.hooks.commit_agreed {
            return Ok(());
        }
        if let Some(hook) = self.hooks.commit.clone() {
            if self.lend(|| hook()) {
                return Err(Error::from_code(ResultCode::CONSTRAINT_COMMITHOOK));
            }
            self.hooks.commit_agreed = true;
        }
        Ok(())
    }

    /// Give free pages of a database back as its commit does it: all, or as many as the application says, which is asked once,
    /// however often the commit is tried.
    pub fn give_pages_back(&mut self, db: usize) -> Result<()> {
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        let mut pages = u32::MAX;
        if entry.pager.gives_pages_back()
            && let Some(hook) = self.hooks.auto_vacuum.clone()
        {
            pages = match self.hooks.pages_to_free.iter().find(|(of, _)| *of == db) {
                Some((_, pages)) => *pages,
                None => {
                    let (name, count, size) = (entry.name.clone(), entry.pager.page_count(), entry.pager.page_size());
                    let free = entry.pager.header().freelist_count;
                    let answer = self.lend(|| hook(&name, count, free, size));
                    self.hooks.pages_to_free.push((db, answer));
                    answer
                }
            };
        }
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        let shrunk = turso_storage::btree::auto_vacuum_commit(&mut entry.pager, &mut pages);
        if let Some((_, left)) = self.hooks.pages_to_free.iter_mut().find(|(of, _)| *of == db) {
            *left = pages;
        }
        self.pending_on(db, shrunk)
    }

    /// Tell of commits to databases in WAL mode.
    pub fn tell_commits(&mut self) -> Result<()> {
        if self.hooks.committed_logs.is_empty() {
            return Ok(());
        }
        for (database, frames) in std::mem::take(&mut self.hooks.committed_logs) {
            if let Some(hook) = self.hooks.wal.clone() {
                self.lend(|| hook(&database, frames))?;
            }
        }
        Ok(())
    }

    /// Frames after which commits of all databases are followed by a checkpoint; 0: never. The WAL hook goes.
    pub fn set_autocheckpoint(&mut self, frames: u32) {
        self.hooks.wal = None;
        self.spread_autocheckpoint(frames);
    }

    fn spread_autocheckpoint(&mut self, frames: u32) {
        self.settings.wal_autocheckpoint = frames;
        for db in &mut self.databases {
            db.pager.set_wal_autocheckpoint(frames);
        }
    }

    /// Tell that a transaction has been rolled back.
    pub fn tell_rollback(&mut self) {
        self.hooks.commit_is_over();
        if let Some(hook) = self.hooks.rollback.clone() {
            self.lend(|| hook());
        }
    }

    // ---- While statements run -------------------------------------------------------------------------------------------

    /// A number of instructions have run: ask the progress handler when it is time.
    pub fn ask_progress(&mut self, steps: u32) -> Result<()> {
        let Some((interval, handler)) = &self.hooks.progress else { return Ok(()) };
        self.hooks.progress_steps = self.hooks.progress_steps.saturating_add(steps);
        if self.hooks.progress_steps < *interval {
            return Ok(());
        }
        self.hooks.progress_steps = 0;
        let handler: ProgressHandler = Arc::clone(handler);
        if self.lend(|| handler()) { Err(Error::from_code(ResultCode::INTERRUPT)) } else { Ok(()) }
    }

    /// Tell the tracer that a trigger of the statement in hand begins. Foreign-key actions have no name to tell.
    #[cold]
    pub fn tell_of_trigger(&mut self, name: &str) {
        if !name.starts_with('\0') {
            self.tell_within_trigger(&format!("TRIGGER {name}"));
        }
    }

    /// Tell the tracer what happens inside of a trigger of the statement in hand, as a comment.
    #[cold]
    pub fn tell_within_trigger(&mut self, text: &str) {
        if self.hooks.trace_mask & trace_mask::STATEMENT == 0 {
            return;
        }
        if let Some((id, sql)) = self.hooks.traced.clone() {
            let statement = TracedStatement { id, sql: &sql, parameters: &[], row: &[], status: Default::default() };
            self.tell_tracer(&TraceEvent::Trigger(statement, &format!("-- {text}")));
        }
    }

    /// Tell the tracer, if it wants to know this.
    pub fn tell_tracer(&mut self, event: &TraceEvent<'_>) {
        if let Some(tracer) = self.hooks.trace.clone() {
            self.lend(|| tracer(event));
        }
    }
}

/// Changes of the engine's own tables are nobody's business.
fn is_internal(table: &str) -> bool {
    table.get(..7).is_some_and(|prefix| prefix.eq_ignore_ascii_case("sqlite_"))
}
