//! Transactions, savepoints, and what the end of a statement commits or undoes.
//!
//! ```text
//!  autocommit ---- BEGIN / SAVEPOINT ----> explicit transaction ---- COMMIT / RELEASE of the first ----> autocommit
//!      |                                          |
//!      | a statement begins what it needs,        | ROLLBACK, or a failure with ON CONFLICT ROLLBACK
//!      | and its end commits                      v
//!      +------------------------------------- autocommit
//! ```
//! Every method may answer `Error::Pending` before it has changed anything that its repetition would change again.

use turso_error::{Error, Result, ResultCode};
use turso_program::control::OnError;
use turso_program::schema::{SavepointOp, Transaction, TransactionControl};
use turso_storage::{DatabaseFile, SuperJournal, WriteMode};

use super::state::{NamedSavepoint, State};
use super::virtual_tables::VirtualSavepoint;

impl State {
    // ---- Beginning --------------------------------------------------------------------------------------------------

    /// Begin what the program needs on one database and check that its schema is the one it was made for.
    pub fn begin_for(&mut self, wanted: &Transaction) -> Result<()> {
        let db = wanted.db.index();
        if let Some(conflict) = &self.doomed {
            return Err(conflict.clone());
        }
        if self.shares_cache {
            self.lock_tables(db)?;
        }
        self.begin_read(db)?;
        if let Some(entry) = self.databases.get_mut(db) {
            let cookie = entry.pager.header().schema_cookie;
            let generation = entry.schema.as_ref().filter(|s| s.cookie == cookie).map(|s| s.generation);
            if generation.is_none() {
                // Somebody else has changed the schema: what this connection knows is of no use any more.
                entry.schema = None;
                self.generation = self.generation.wrapping_add(1);
            }
            if cookie != wanted.schema_cookie || generation != Some(wanted.schema_generation) {
                return Err(Error::from_code(ResultCode::SCHEMA));
            }
        }
        if wanted.write {
            self.begin_write(db, WriteMode::Reserved)?;
            if let Some(entry) = self.databases.get_mut(db)
                && entry.pager.header().schema_cookie != wanted.schema_cookie
            {
                // It has begun on a commit that nobody could see before.
                entry.schema = None;
                self.generation = self.generation.wrapping_add(1);
                return Err(Error::from_code(ResultCode::SCHEMA));
            }
        }
        Ok(())
    }

    /// Rows are shown only once what the transaction began on is durable.
    pub fn await_bases(&mut self) -> Result<()> {
        if self.stepping_rows && !self.autocommit {
            for db in 0..self.databases.len() {
                let done = self.databases[db].pager.await_base();
                self.pending_on(db, done)?;
            }
        }
        Ok(())
    }

    /// Take a snapshot of the database, waiting for locks as the busy timeout allows.
    pub fn begin_read(&mut self, db: usize) -> Result<()> {
        let Some(entry) = self.databases.get_mut(db) else {
            return Err(Error::sql("unknown database"));
        };
        if entry.pager.in_read() {
            return Ok(());
        }
        match entry.pager.begin_read() {
            Ok(()) => {
                let tracked =
                    if self.concurrent { self.settings.serializable } else { self.settings.concurrent_upgrade };
                if tracked && !self.autocommit {
                    entry.pager.track_reads();
                }
                // A statement that waits to write takes its snapshot anew each time: its patience goes on counting.
                if self.active_statements == 0 {
                    self.lock_wait = None;
                }
                Ok(())
            }
            Err(error) if error.is(ResultCode::BUSY) => Err(self.write_lock_taken(db, error)),
            other => self.pending_on(db, other),
        }
    }

    /// Turn the snapshot into a write transaction.
    ///
    /// A lock is waited for only by those who held no snapshot before: two readers that both want to write would wait for
    /// each other for ever.
    pub fn begin_write(&mut self, db: usize, mode: WriteMode) -> Result<()> {
        let may_wait = self.autocommit || self.databases.get(db).is_some_and(|d| !d.snapshot_used);
        let mode = match mode {
            WriteMode::Reserved if may_wait && !self.stepping_rows && self.active_statements <= 1 => WriteMode::Eager,
            mode => mode,
        };
        if self.concurrent && db != 1 && self.begin_concurrent_write(db)? {
            return Ok(());
        }
        let Some(entry) = self.databases.get_mut(db) else {
            return Err(Error::sql("unknown database"));
        };
        if entry.pager.in_write() {
            return Ok(());
        }
        if entry.read_only || self.settings.query_only {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        if entry.shares_cache {
            self.lock_for_writing(db)?;
        }
        if db == 1 {
            let space = self.temp_space().clone();
            self.databases[1].pager.keep_within(&space);
        }
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        match entry.pager.begin_write(mode) {
            Ok(()) => {}
            Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT && may_wait && self.active_statements <= 1 => {
                // Nothing has been read under this snapshot yet: a newer one does as well.
                entry.pager.end_read();
                return self.begin_read(db).and_then(|()| self.begin_write(db, mode));
            }
            Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT && self.settings.concurrent_upgrade => {
                let moved = entry.pager.advance_snapshot();
                if self.pending_on(db, moved)? {
                    return self.begin_write(db, mode);
                }
                return Err(error);
            }
            Err(error) if error.code() == ResultCode::BUSY && !may_wait && entry.pager.lock_is_brief() => {
                return Err(self.write_lock_taken(db, error));
            }
            Err(error) if error.is(ResultCode::BUSY) && may_wait => {
                if self.active_statements <= 1 {
                    // Held on, the snapshot would hold up the very commit that is waited for.
                    entry.pager.end_read();
                }
                return Err(self.write_lock_taken(db, error));
            }
            other => return self.pending_on(db, other),
        }
        self.lock_wait = None;
        self.open_earlier_savepoints(db);
        Ok(())
    }

    /// Savepoints set before this database was written to: it has changed nothing since any of them.
    pub(super) fn open_earlier_savepoints(&mut self, db: usize) {
        let depth = self.savepoints.len() + self.statement_marks.len();
        if let Some(entry) = self.databases.get_mut(db) {
            entry.schema_before = Some(entry.schema.clone());
            for _ in 0..depth {
                entry.pager.open_savepoint();
            }
        }
    }

    // ---- BEGIN, COMMIT, ROLLBACK --------------------------------------------------------------------------------------

    /// See [`TransactionControl`].
    pub fn control(&mut self, control: TransactionControl) -> Result<()> {
        match control {
            TransactionControl::Commit => self.commit_explicit(),
            TransactionControl::Rollback => self.rollback_explicit(),
            TransactionControl::BeginConcurrent => self.begin_concurrent(),
            begin => self.begin_explicit(begin),
        }
    }

    fn begin_explicit(&mut self, control: TransactionControl) -> Result<()> {
        if !self.autocommit {
            return Err(Error::sql("cannot start a transaction within a transaction"));
        }
        let mode = match control {
            TransactionControl::BeginImmediate => Some(WriteMode::Reserved),
            TransactionControl::BeginExclusive => Some(WriteMode::Exclusive),
            _ => None,
        };
        if let Some(mode) = mode {
            for db in 0..self.databases.len() {
                // What can only be read is read from here on.
                let only_read = |entry: &super::state::AttachedDb| {
                    entry.read_only || entry.pager.database_file().is_some_and(|file| file.is_read_only())
                };
                if self.databases.get(db).is_some_and(only_read) {
                    self.begin_read(db)?;
                } else if db != 1 {
                    self.begin_write(db, mode)?;
                    if mode == WriteMode::Exclusive && self.shares_cache {
                        self.lock_schema(db)?;
                    }
                }
            }
        }
        self.autocommit = false;
        Ok(())
    }

    fn commit_explicit(&mut self) -> Result<()> {
        if self.autocommit {
            return Err(Error::sql("cannot commit - no transaction is active"));
        }
        if self.active_writers > 0 {
            return Err(Error::new(ResultCode::BUSY, "cannot commit transaction - SQL statements in progress"));
        }
        if let Some(conflict) = self.doomed.clone() {
            self.await_overtaking()?;
            return Err(conflict);
        }
        if self.deferred_violations > 0 {
            return Err(Error::new(ResultCode::CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed"));
        }
        match self.commit_all() {
            // The databases hold what they held before, and nothing is left to be tried again.
            Err(error) if !error.is_pending() && !error.is(ResultCode::BUSY) => {
                self.rollback_all();
                return Err(error);
            }
            other => other?,
        }
        self.end_transaction();
        Ok(())
    }

    /// RELEASE of the savepoint that began the transaction. A commit that is refused undoes everything, but the savepoint stays.
    fn release_transaction(&mut self) -> Result<()> {
        let first = self.savepoints.first().map(|s| s.name.clone());
        let outcome = self.commit_explicit();
        if matches!(&outcome, Err(error) if error.code() == ResultCode::CONSTRAINT_COMMITHOOK)
            && let Some(name) = first
        {
            self.named_savepoint(SavepointOp::Begin, &name)?;
        }
        outcome
    }

    fn rollback_explicit(&mut self) -> Result<()> {
        if self.autocommit {
            return Err(Error::sql("cannot rollback - no transaction is active"));
        }
        self.rollback_all();
        Ok(())
    }

    fn end_transaction(&mut self) {
        self.autocommit = true;
        self.concurrent = false;
        self.doomed = None;
        self.savepoints.clear();
        self.savepoint_is_transaction = false;
        self.deferred_violations = 0;
        self.stop_deferring();
        for db in &mut self.databases {
            db.snapshot_used = false;
        }
    }

    /// Make the changes of all databases durable. Where several have journals, a super-journal makes the commit one: all of them
    /// or none, whatever happens. In WAL mode and without journals each is a transaction of its own, as in SQLite.
    fn commit_all(&mut self) -> Result<()> {
        if self.databases.iter().any(|db| db.pager.in_write()) {
            self.ask_to_commit()?;
        }
        self.sync_virtual()?;
        if self.concurrent {
            self.settle_concurrent()?;
        }
        self.write_commit_row()?;
        for db in 0..self.databases.len() {
            if self.databases[db].pager.in_write() {
                self.give_pages_back(db)?;
            }
        }
        if self.databases.iter().filter(|db| db.pager.in_write()).count() > 1 {
            self.prepare_commits()?;
        }
        for db in 0..self.databases.len() {
            let Some(entry) = self.databases.get_mut(db) else { break };
            if !entry.pager.in_write() {
                continue;
            }
            match entry.pager.commit() {
                Ok(()) => {
                    self.lock_wait = None;
                    self.committed(db);
                }
                Err(error) if error.is(ResultCode::BUSY) => return Err(self.lock_taken(error)),
                other => return self.pending_on(db, other),
            }
        }
        self.super_journal = None;
        self.hooks.commit_is_over();
        if self.capture.has_written()
            && let Some(file) = self.main_file()
        {
            file.tell_commit();
        }
        self.capture.end_transaction();
        self.end_virtual(true);
        Ok(())
    }

    /// The commit is one over several databases. Whatever a reader of one of them can refuse is asked for before anything is
    /// final; with a super-journal, all databases hold their changes afterwards and the decision has been made.
    fn prepare_commits(&mut self) -> Result<()> {
        let named = self.databases.first().is_some_and(|main| main.pager.database_file().is_some());
        let members: Vec<usize> = match named {
            true => (0..self.databases.len()).filter(|db| self.databases[*db].pager.needs_super_journal()).collect(),
            false => Vec::new(),
        };
        if self.super_journal.as_ref().is_some_and(SuperJournal::is_committed) {
            return Ok(());
        }
        if members.len() > 1 {
            let main = self.databases[0].pager.database_file().cloned();
            let files: Vec<_> =
                members.iter().filter_map(|db| self.databases[*db].pager.database_file().cloned()).collect();
            let files: Vec<&DatabaseFile> = files.iter().map(|file| &**file).collect();
            if let Some(main) = main
                && !self.super_journal.as_ref().is_some_and(|journal| journal.is_of(&files))
            {
                self.super_journal = Some(SuperJournal::create(&main, &files)?);
            }
        } else {
            self.super_journal = None;
        }
        for db in 0..self.databases.len() {
            let member = members.len() > 1 && members.contains(&db);
            let path = self.super_journal.as_ref().filter(|_| member).map(|journal| journal.path().to_path_buf());
            let Some(entry) = self.databases.get_mut(db) else { break };
            match entry.pager.prepare_commit(path.as_deref()) {
                Ok(()) => {}
                Err(error) if error.is(ResultCode::BUSY) => return Err(self.lock_taken(error)),
                other => return self.pending_on(db, other),
            }
        }
        if let (Some(journal), true) = (&self.super_journal, members.len() > 1) {
            let path = journal.path().to_path_buf();
            for db in 0..self.databases.len() {
                // What can still fail comes before the decision.
                let pager = &mut self.databases[db].pager;
                let done = if members.contains(&db) { pager.write_commit(&path) } else { pager.commit() };
                self.pending_on(db, done)?;
                if !members.contains(&db) {
                    self.committed(db);
                }
            }
            if let Some(journal) = &mut self.super_journal {
                journal.commit()?;
            }
        }
        Ok(())
    }

    /// The catalogue of a database is what its file holds now.
    fn committed(&mut self, db: usize) {
        let Some(entry) = self.databases.get_mut(db) else { return };
        if self.hooks.wal.is_some()
            && let Some(frames) = entry.pager.wal_frames()
        {
            self.hooks.committed_logs.push((entry.name.clone(), frames));
        }
        if let (Some(before), Some(database)) = (entry.schema_before.take(), &entry.database) {
            let unchanged = match (&before, &entry.schema) {
                (Some(old), Some(new)) => std::sync::Arc::ptr_eq(old, new),
                _ => false,
            };
            if !unchanged && let Some(schema) = &entry.schema {
                database.share_schema(schema);
            }
        }
    }

    /// Catalogues are again what they were.
    fn schema_rolled_back(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.rollback_epoch += 1;
        // To SQLite, which reads its schema anew, all tables are new ones.
        self.statistics_used.clear();
    }

    /// Drop the changes of all databases and leave the transaction.
    pub fn rollback_all(&mut self) {
        let mut schema_changed = false;
        let was_open = !self.autocommit || self.databases.iter().any(|db| db.pager.in_write());
        for db in &mut self.databases {
            if db.pager.in_write() {
                db.pager.rollback();
            }
            if let Some(before) = db.schema_before.take() {
                let same = match (&before, &db.schema) {
                    (Some(a), Some(b)) => std::sync::Arc::ptr_eq(a, b),
                    (None, None) => true,
                    _ => false,
                };
                schema_changed |= !same;
                db.schema = before;
            }
        }
        // Only now that no database holds changes any more.
        self.super_journal = None;
        if schema_changed {
            self.schema_rolled_back();
        }
        self.statement_marks.clear();
        self.capture.end_transaction();
        self.end_virtual(false);
        self.end_transaction();
        self.rollbacks += 1;
        if was_open {
            self.tell_rollback();
        }
    }

    // ---- Named savepoints ---------------------------------------------------------------------------------------------

    /// See [`SavepointOp`].
    pub fn named_savepoint(&mut self, op: SavepointOp, name: &str) -> Result<()> {
        if op == SavepointOp::Begin {
            if self.active_writers > 0 {
                return Err(Error::new(ResultCode::BUSY, "cannot open savepoint - SQL statements in progress"));
            }
            if self.autocommit {
                self.autocommit = false;
                self.savepoint_is_transaction = true;
            }
            self.savepoint_virtual(VirtualSavepoint::Begin, self.savepoints.len())?;
            let schemas = self.databases.iter().map(|d| d.schema.clone()).collect();
            let (violations, noted) = (self.deferred_violations, self.capture.mark());
            self.savepoints.push(NamedSavepoint { name: name.into(), schemas, violations, noted });
            for db in self.databases.iter_mut().filter(|d| d.pager.in_write()) {
                db.pager.open_savepoint();
            }
            return Ok(());
        }
        let Some(at) = self.savepoints.iter().rposition(|s| s.name.eq_ignore_ascii_case(name)) else {
            return Err(Error::sql(format!("no such savepoint: {name}")));
        };
        if self.active_writers > 0 && op == SavepointOp::Release {
            return Err(Error::new(ResultCode::BUSY, "cannot release savepoint - SQL statements in progress"));
        }
        if op == SavepointOp::Release {
            if at == 0 && self.savepoint_is_transaction {
                return self.release_transaction();
            }
            self.savepoint_virtual(VirtualSavepoint::Release, at)?;
            self.savepoints.truncate(at);
            for db in self.databases.iter_mut().filter(|d| d.pager.in_write()) {
                db.pager.release_savepoint(at);
            }
            return Ok(());
        }
        self.savepoint_virtual(VirtualSavepoint::RollBackTo, at)?;
        let mut schema_changed = false;
        let savepoint = &self.savepoints[at];
        self.deferred_violations = savepoint.violations;
        self.capture.cut_back(savepoint.noted);
        for (i, db) in self.databases.iter_mut().enumerate() {
            if db.pager.in_write() {
                db.pager.rollback_to_savepoint(at);
            }
            if let Some(schema) = savepoint.schemas.get(i) {
                let same = match (schema, &db.schema) {
                    (Some(a), Some(b)) => std::sync::Arc::ptr_eq(a, b),
                    (None, _) => true,
                    _ => false,
                };
                if !same {
                    schema_changed = true;
                    db.schema = schema.clone();
                }
            }
        }
        self.savepoints.truncate(at + 1);
        if schema_changed {
            self.schema_rolled_back();
        }
        Ok(())
    }

    // ---- Statements ---------------------------------------------------------------------------------------------------

    /// Set the mark that a failing statement goes back to. Answers its identity.
    pub fn open_statement_mark(&mut self) -> Result<u64> {
        self.savepoint_virtual(VirtualSavepoint::Begin, self.savepoints.len() + self.statement_marks.len())?;
        let id = self.next_statement_id;
        self.next_statement_id += 1;
        self.statement_marks.push(Some(id));
        for db in self.databases.iter_mut().filter(|d| d.pager.in_write()) {
            db.pager.open_savepoint();
        }
        Ok(id)
    }

    /// The statement with this mark has ended; with `undo`, as if it had never run.
    pub fn close_statement_mark(&mut self, id: u64, undo: bool) {
        let Some(at) = self.statement_marks.iter().position(|m| *m == Some(id)) else {
            return; // The whole transaction was rolled back meanwhile.
        };
        let depth = self.savepoints.len() + at;
        if undo {
            // A table that cannot go back has lost what the statement did only if it says so at the commit.
            let _ = self.savepoint_virtual(VirtualSavepoint::RollBackTo, depth);
            for db in self.databases.iter_mut().filter(|d| d.pager.in_write()) {
                db.pager.rollback_to_savepoint(depth);
            }
            self.statement_marks.truncate(at + 1);
        }
        self.statement_marks[at] = None;
        while let Some(None) = self.statement_marks.last() {
            self.statement_marks.pop();
            let depth = self.savepoints.len() + self.statement_marks.len();
            let _ = self.savepoint_virtual(VirtualSavepoint::Release, depth);
            for db in self.databases.iter_mut().filter(|d| d.pager.in_write()) {
                db.pager.release_savepoint(depth);
            }
        }
    }

    /// A statement begins to run.
    pub fn statement_starts(&mut self, writes: bool) {
        self.lock_wait = None;
        self.active_statements += 1;
        self.active_writers += usize::from(writes);
    }

    /// A statement no longer runs; nothing else is decided here.
    pub fn statement_stops(&mut self, writes: bool) {
        self.active_statements = self.active_statements.saturating_sub(1);
        self.active_writers = self.active_writers.saturating_sub(usize::from(writes));
        if writes {
            // One that was given up while it waited.
            self.vacuum = None;
        }
    }

    /// Commit after a statement in autocommit mode. Restartable.
    pub fn commit_if_autocommit(&mut self, writes: bool) -> Result<()> {
        if self.autocommit && writes && self.active_writers <= 1 {
            if self.deferred_violations > 0 {
                return Err(Error::new(ResultCode::CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed"));
            }
            self.commit_all()?;
            self.stop_deferring();
            for db in &mut self.databases {
                db.snapshot_used = false;
            }
        }
        Ok(())
    }

    /// `PRAGMA defer_foreign_keys` is switched: what it has put off is forgotten with it, and can be committed.
    pub fn deferring_changes(&mut self, before: bool, now: bool) {
        match (before, now) {
            (false, true) => self.violations_before_deferring = self.deferred_violations,
            (true, false) => self.deferred_violations = self.violations_before_deferring,
            _ => {}
        }
    }

    /// A statement that has read a database is over: outside of a transaction, that was one.
    pub fn reading_ends(&mut self) {
        if self.autocommit && self.active_writers == 0 {
            self.stop_deferring();
        }
    }

    /// `PRAGMA defer_foreign_keys` lasts until the end of a transaction; programs made under it go with it.
    fn stop_deferring(&mut self) {
        if std::mem::take(&mut self.settings.defer_foreign_keys) {
            self.generation = self.generation.wrapping_add(1);
        }
    }

    /// What a failed statement undoes. Answers `true` when what it did is kept and has to be committed (FAIL).
    pub fn undo_failed(&mut self, error: &Error, on_error: OnError, writes: bool, mark: Option<u64>) -> bool {
        let code = error.code().primary();
        let fatal = matches!(code, ResultCode::IOERR | ResultCode::NOMEM | ResultCode::FULL | ResultCode::CORRUPT)
            || (code == ResultCode::INTERRUPT && writes);
        if on_error == OnError::Rollback || (fatal && writes && mark.is_none()) {
            self.rollback_all();
            return false;
        }
        if on_error == OnError::Fail {
            if let Some(id) = mark {
                self.close_statement_mark(id, false);
            }
            return true;
        }
        match mark {
            Some(id) => self.close_statement_mark(id, true),
            // Without a mark nothing was changed before the failure, or the statement is the whole transaction.
            None if self.autocommit && writes && self.active_writers <= 1 => {
                // Statements that read go on: they have not seen a schema that this one made.
                let epoch = self.rollback_epoch;
                self.rollback_all();
                self.rollback_epoch = epoch;
            }
            None => {}
        }
        false
    }
}
