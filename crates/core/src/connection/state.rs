//! The state of a session; everything behind the connection's lock.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use turso_error::{Error, Result, ResultCode};
use turso_program::SmallTree;
use turso_schema::Schema;
use turso_storage::btree::entries_at_hand;
use turso_storage::{DEFAULT_TEMP_BYTES, PageNo, Pager, TempSpace};
use turso_vm::Limits;

use super::encoding::EncodingChoice;
use super::environment::SessionEnvironment;
use crate::database::Database;
use crate::wait::{Wait, busy_delay};

/// One database of a connection.
pub(crate) struct AttachedDb {
    /// `main`, `temp`, or the name given to ATTACH.
    pub name: Arc<str>,
    /// The file as `PRAGMA database_list` shows it; empty for memory and temp.
    pub file: Arc<str>,
    /// Where schemas are shared; `None` for private memory.
    pub database: Option<Database>,
    /// The pager of this connection.
    pub pager: Pager,
    /// It has no file that has a name, and is no memory either to who asks.
    pub is_temporary_file: bool,
    /// The journal mode that it was told, where it has no journal.
    pub told_mode: turso_storage::JournalMode,
    /// Bytes to which it grows, where it is content that was put in its place.
    pub image_limit: Option<u64>,
    /// The catalogue as this connection sees it; `None` until it has been read.
    pub schema: Option<Arc<Schema>>,
    /// The catalogue when the write transaction began; restored by ROLLBACK.
    pub schema_before: Option<Option<Arc<Schema>>>,
    /// A statement has read under the present snapshot, which must therefore stay what it is.
    pub snapshot_used: bool,
    /// The catalogue lacks what `sqlite_stat1` holds now.
    pub statistics_stale: bool,
    /// It was given as bytes that must not be changed.
    pub read_only: bool,
    /// What `PRAGMA cache_size` has said; without that the header decides.
    pub cache_size: Option<i64>,
    /// Bytes at the end of each page that the database is to keep free once it is made or made anew.
    pub reserved_wanted: u8,
    /// The connection shares its cache and locks tables.
    pub shares_cache: bool,
    /// The rows of `sqlite_schema` being read.
    pub loading: Option<super::schema::Loading>,
    /// The rows of `sqlite_stat1` as of a change epoch, while those of `sqlite_stat4` are waited for.
    pub plain_statistics: Option<(u64, Vec<super::schema::Fields>)>,
}

/// A named savepoint.
pub(crate) struct NamedSavepoint {
    pub name: Box<str>,
    /// The catalogues when it was set, by database.
    pub schemas: Vec<Option<Arc<Schema>>>,
    /// Deferred foreign-key violations when it was set.
    pub violations: i64,
    /// Changes that had been noted when it was set.
    pub noted: usize,
}

/// What pragmas set.
pub(crate) struct Settings {
    pub foreign_keys: bool,
    pub recursive_triggers: bool,
    pub query_only: bool,
    pub case_sensitive_like: bool,
    pub ignore_check_constraints: bool,
    pub automatic_index: bool,
    pub tier: turso_planner::Tier,
    pub count_changes: bool,
    /// A DELETE or UPDATE without WHERE is refused.
    pub require_where: bool,
    /// Connections that share a cache do not lock what they read.
    pub reads_uncommitted: bool,
    pub defer_foreign_keys: bool,
    /// The actions of foreign keys are left out: see `Connection::set_foreign_key_actions`.
    pub no_foreign_key_actions: bool,
    pub full_column_names: bool,
    pub short_column_names: bool,
    pub reverse_unordered_selects: bool,
    pub legacy_alter_table: bool,
    pub writable_schema: bool,
    pub trusted_schema: bool,
    pub cell_size_check: bool,
    /// What only [`super::Switch`] turns.
    pub switches: super::switches::Switches,
    pub temp_store: i64,
    /// What `PRAGMA temp.journal_mode` answers: temporary tables need no journal.
    pub temp_journal_mode: turso_storage::JournalMode,
    /// What `PRAGMA locking_mode` without a database has asked for: databases attached later follow.
    pub locks_exclusively: bool,
    /// `PRAGMA concurrent_isolation`: concurrent transactions are serializable.
    pub serializable: bool,
    /// `PRAGMA concurrent_upgrade`: a deferred transaction that has read, was overtaken and wants to write goes on where what it
    /// has read has not changed.
    pub concurrent_upgrade: bool,
    pub cache_spills: bool,
    pub cache_spill_pages: i64,
    /// What `PRAGMA page_size` and `auto_vacuum` have asked for last: VACUUM makes it so.
    pub next_page_size: Option<u32>,
    pub next_auto_vacuum: Option<u8>,
    pub busy_timeout: Duration,
    /// Frames in a log after which a commit is followed by a checkpoint.
    pub wal_autocheckpoint: u32,
    /// `PRAGMA analysis_limit`: entries of an index that ANALYZE looks at; 0: all.
    pub analysis_limit: u32,
    /// Settings that are only stored and answered.
    pub plain: Vec<(&'static str, i64)>,
}

/// The state of a session.
pub(crate) struct State {
    /// 0 is `main`, 1 `temp`, then what was attached.
    pub databases: Vec<AttachedDb>,
    pub settings: Settings,
    /// How `main` was opened: attached databases are opened alike.
    pub options: crate::options::OpenOptions,
    pub limits: Limits,
    /// All limits, of which `limits` are those that running programs meet.
    pub limit_table: super::limits::LimitTable,
    pub environment: SessionEnvironment,
    /// What `PRAGMA encoding` chose for a file without tables.
    pub encoding_choice: EncodingChoice,
    /// Where CREATE TABLE makes imposters, and on which tree.
    pub imposter: Option<(usize, u32)>,
    /// Functions of the application beside the built-in ones.
    pub functions: turso_functions::Registry,
    /// Collations of the application.
    pub collations: Vec<turso_value::Collation>,
    /// Modules, and the virtual tables connected.
    pub virtual_tables: super::virtual_tables::VirtualTables,
    /// No explicit transaction is open.
    pub autocommit: bool,
    /// The explicit transaction that is open began with BEGIN CONCURRENT.
    pub concurrent: bool,
    /// Why the open transaction can only be rolled back: its commit has met a conflict.
    pub doomed: Option<Error>,
    /// Named savepoints, oldest first.
    pub savepoints: Vec<NamedSavepoint>,
    /// The oldest savepoint began the transaction: releasing it commits.
    pub savepoint_is_transaction: bool,
    /// Statement savepoints now open, innermost last; `None` for one whose statement has ended before an inner one.
    pub statement_marks: Vec<Option<u64>>,
    pub next_statement_id: u64,
    /// The mark of the statement that is being stepped.
    pub current_mark: Option<u64>,
    /// A statement is being planned that a module of the engine runs within another one.
    pub plans_within: bool,
    /// The table of a schema has been written to by statements since it was read.
    pub schema_edited: bool,
    /// Statements that are running (have been stepped and neither finished nor been reset).
    pub active_statements: usize,
    /// Those among them that may write.
    pub active_writers: usize,
    /// Counts rollbacks; a running reader that began before the last one which changed the schema must stop.
    pub rollback_epoch: u64,
    pub deferred_violations: i64,
    /// What that was when `PRAGMA defer_foreign_keys` was switched on.
    pub violations_before_deferring: i64,
    /// A page check that waits for a page.
    pub integrity_check: Option<turso_storage::btree::IntegrityCheck>,
    /// Of a commit over several databases that is under way.
    pub super_journal: Option<turso_storage::SuperJournal>,
    /// A VACUUM that waits.
    pub vacuum: Option<Box<super::vacuum::Vacuum>>,
    /// Memory and files for what statements keep besides the databases; made when first asked for.
    pub temp_space: Option<Arc<TempSpace>>,
    /// Counts what makes prepared statements out of date apart from the file's schema cookie.
    pub generation: u32,
    /// Tables whose statistics some plan has been looked for with: `PRAGMA optimize` looks after them.
    pub statistics_used: HashSet<super::catalogue::TableName>,
    /// A number that no other connection of this process has.
    pub holder: u64,
    /// The connection that stood in the way when a table was locked last.
    pub blocked_by: Option<u64>,
    /// Some database's cache is shared.
    pub shares_cache: bool,
    /// Tables are locked.
    pub holds_table_locks: bool,
    /// What the running program opens, where a cache is shared.
    pub table_uses: Arc<[super::shared_cache::TableUse]>,
    /// Counts what programs that are not made anew do not survive.
    pub expirations: u32,
    /// Programs by the text of their statement.
    pub programs: super::programs::ProgramCache,
    /// What the operation that answered `Pending` waits for.
    pub waiting: Option<Wait>,
    /// When waiting for a lock began, and how often it was tried.
    pub lock_wait: Option<(Instant, u32)>,
    pub interrupted: Arc<AtomicBool>,
    /// What the application wants to be asked and told.
    pub hooks: super::hooks::Hooks,
    /// When the statement that is being stepped is to be interrupted.
    pub deadline: Option<Instant>,
    /// Values that are open for incremental reading and writing.
    pub blobs: Vec<crate::blob::OpenBlob>,
    /// The statement that is being stepped may write.
    pub stepping_writer: bool,
    /// The statement that is being stepped changes the schema.
    pub stepping_ddl: bool,
    /// The statement that is being stepped returns rows.
    pub stepping_rows: bool,
    /// Change data capture.
    pub capture: super::capture::Capture,
    /// The text of the DDL statement that is being stepped, while changes are captured.
    pub running_sql: Option<Arc<[u8]>>,
    /// Counts rollbacks.
    pub rollbacks: u64,
    /// Where this state lies while it is lent to code of the application.
    pub lent: Arc<super::gate::Lent>,
    /// Calls of the application that it has been lent to and that are not over.
    pub lent_depth: u32,
    /// Statements that wait while one runs inside of their instruction: they hold no cursor that it could disturb.
    pub nested_statements: usize,
    /// Put in this state's place while it is lent; kept for the next time.
    pub spare: Option<Box<State>>,
    /// Stands in for a session that cannot be used now: everything fails.
    pub inert: bool,
    /// The process that opened the connection.
    pub birth: turso_io::Birth,
}

impl State {
    /// Something that programs may use has gone or changed: those that are not made anew are of no use any more.
    pub fn expire_kept_programs(&mut self) {
        self.expirations = self.expirations.wrapping_add(1);
    }

    /// A new session.
    pub fn new(databases: Vec<AttachedDb>, options: crate::options::OpenOptions) -> Self {
        let shares_cache = databases.iter().any(|entry| entry.shares_cache);
        Self {
            databases,
            settings: Settings::new(&options),
            encoding_choice: Default::default(),
            limits: Limits::default(),
            limit_table: Default::default(),
            environment: SessionEnvironment::new(&options.backend),
            options,
            imposter: None,
            functions: turso_functions::Registry::new(),
            collations: Vec::new(),
            virtual_tables: Default::default(),
            autocommit: true,
            concurrent: false,
            doomed: None,
            savepoints: Vec::new(),
            savepoint_is_transaction: false,
            statement_marks: Vec::new(),
            next_statement_id: 0,
            current_mark: None,
            plans_within: false,
            schema_edited: false,
            active_statements: 0,
            active_writers: 0,
            rollback_epoch: 0,
            deferred_violations: 0,
            violations_before_deferring: 0,
            integrity_check: None,
            super_journal: None,
            vacuum: None,
            temp_space: None,
            generation: 0,
            statistics_used: HashSet::new(),
            holder: next_number(),
            blocked_by: None,
            shares_cache,
            holds_table_locks: false,
            table_uses: Arc::new([]),
            expirations: 0,
            programs: Default::default(),
            waiting: None,
            lock_wait: None,
            interrupted: Arc::new(AtomicBool::new(false)),
            hooks: Default::default(),
            deadline: None,
            blobs: Vec::new(),
            stepping_writer: false,
            stepping_ddl: false,
            stepping_rows: false,
            capture: super::capture::Capture::default(),
            running_sql: None,
            rollbacks: 0,
            lent: Arc::default(),
            lent_depth: 0,
            nested_statements: 0,
            spare: None,
            inert: false,
            birth: turso_io::Birth::here(),
        }
    }

    /// A state without databases, which stands in for one that is in use.
    pub fn inert(lent: Arc<super::gate::Lent>) -> Self {
        let state = Self::new(Vec::new(), crate::options::OpenOptions::default());
        Self { lent, inert: true, ..state }
    }

    /// One of these trees is not small any more, as far as that is known without a read.
    #[inline]
    pub fn has_grown(&self, trees: &[SmallTree]) -> bool {
        trees.iter().any(|tree| {
            let entries =
                self.databases.get(tree.db.index()).and_then(|db| entries_at_hand(&db.pager, PageNo(tree.root)));
            entries.is_some_and(|entries| entries > tree.most)
        })
    }

    /// Fails where the session is in the middle of something that must not be disturbed, and in a forked child.
    pub fn usable(&self) -> Result<()> {
        if self.inert {
            return Err(Error::new(ResultCode::MISUSE, "the connection cannot be used inside this call"));
        }
        if !self.birth.is_here() && self.databases.iter().any(|db| db.pager.database_file().is_some()) {
            return self.birth.check();
        }
        Ok(())
    }

    /// Run by every operation that found a lock taken: decides between waiting (`Pending`) and the error.
    pub fn lock_taken(&mut self, error: Error) -> Error {
        if error.code() == ResultCode::BUSY_SNAPSHOT {
            return error;
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.lock_wait = None;
            return error;
        }
        let (since, attempt) = *self.lock_wait.get_or_insert_with(|| (Instant::now(), 0));
        if let Some(handler) = self.hooks.busy.clone() {
            if !self.lend(|| handler(attempt)) {
                self.lock_wait = None;
                return error;
            }
            self.lock_wait = Some((since, attempt + 1));
            self.waiting = Some(Wait::Lock(Duration::ZERO, None));
            return Error::Pending;
        }
        match busy_delay(attempt, since.elapsed(), self.settings.busy_timeout) {
            Some(delay) => {
                self.lock_wait = Some((since, attempt + 1));
                let epoch = self.main_file().map(|file| file.lock_epoch());
                self.waiting = Some(Wait::Lock(delay, epoch));
                Error::Pending
            }
            None => {
                self.lock_wait = None;
                error
            }
        }
    }

    /// Run by those who want the write lock of a database: [`State::lock_taken`], unless another connection of this process has
    /// it for the moments that a commit takes. That is waited for whatever the busy timeout is.
    pub fn write_lock_taken(&mut self, db: usize, error: Error) -> Error {
        let brief = self.databases.get(db).is_some_and(|entry| entry.pager.lock_is_brief());
        if !brief || error.code() != ResultCode::BUSY {
            return self.lock_taken(error);
        }
        if let Err(interrupted) = self.check_interrupt() {
            return interrupted;
        }
        let epoch = if db == 0 { self.main_file().map(|file| file.lock_epoch()) } else { None };
        self.waiting = Some(Wait::Lock(Duration::from_millis(1), epoch));
        Error::Pending
    }

    /// The file of the main database, where it has one.
    pub fn main_file(&self) -> Option<&Arc<turso_storage::DatabaseFile>> {
        self.databases.first().and_then(|db| db.pager.database_file())
    }

    /// Memory and files for what statements keep besides the databases.
    pub fn temp_space(&mut self) -> &Arc<TempSpace> {
        if self.temp_space.is_none() {
            let io = match self.main_file() {
                Some(file) => file.io().clone(),
                None => crate::database::io_of(&self.options.backend),
            };
            let in_memory = self.settings.temp_store == 2;
            let budget = self.options.temp_memory.unwrap_or(DEFAULT_TEMP_BYTES);
            self.temp_space = Some(TempSpace::new((!in_memory).then_some(io), budget));
        }
        self.temp_space.get_or_insert_with(|| TempSpace::new(None, DEFAULT_TEMP_BYTES))
    }

    /// Note which database made an operation pending.
    pub fn pending_on<T>(&mut self, db: usize, result: Result<T>) -> Result<T> {
        if matches!(result, Err(Error::Pending)) && self.waiting.is_none() {
            self.waiting = Some(self.thread_wait().or_else(|| self.temp_wait()).unwrap_or(Wait::Io(db)));
        }
        result
    }

    /// Something has to block and must not here.
    fn thread_wait(&mut self) -> Option<Wait> {
        // Every pager is asked, since asking takes the mark away.
        let wants = self.databases.iter_mut().fold(false, |wants, db| db.pager.take_wants_thread() | wants);
        wants.then_some(Wait::Thread)
    }

    /// Whether what follows may wait for the disk on the caller's thread.
    pub fn set_may_block(&mut self, may: bool) {
        for db in &mut self.databases {
            db.pager.set_may_block(may);
        }
    }

    /// A read of a temporary file that is under way.
    fn temp_wait(&self) -> Option<Wait> {
        let space = self.temp_space.as_ref()?;
        space.waiting_on().map(|_| Wait::Temporary(space.clone()))
    }

    /// The database whose input or output made a program pending: the one whose pager waits.
    pub fn note_io_wait(&mut self) {
        if self.waiting.is_none() {
            let db = self.databases.iter().position(|d| d.pager.waiting_on().is_some()).unwrap_or(0);
            self.waiting = Some(self.thread_wait().or_else(|| self.temp_wait()).unwrap_or(Wait::Io(db)));
        }
    }

    /// `SQLITE_INTERRUPT` when somebody has asked for it.
    pub fn check_interrupt(&self) -> Result<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Error::from_code(ResultCode::INTERRUPT));
        }
        if self.interrupted.load(Ordering::Relaxed) { Err(Error::from_code(ResultCode::INTERRUPT)) } else { Ok(()) }
    }

    /// An explicit transaction or a running statement keeps snapshots open.
    pub fn keeps_snapshots(&self) -> bool {
        !self.autocommit || self.active_statements > 0
    }

    /// Let go of all snapshots when nothing needs them any more.
    pub fn end_reads_if_idle(&mut self) {
        if !self.keeps_snapshots() {
            for db in &mut self.databases {
                if db.pager.in_read() && !db.pager.in_write() {
                    db.pager.end_read();
                }
            }
        }
        // Last: whoever is let in by them must find the file free.
        if self.holds_table_locks {
            self.unlock_tables();
        }
    }
}

/// A number that no other connection of this process has.
fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
