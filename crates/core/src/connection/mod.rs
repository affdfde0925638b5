//! A session on a database and on what it has attached.

mod attach;
mod backup;
mod capture;
mod catalogue;
mod collations;
mod concurrent;
mod elsewhere;
mod encoding;
mod environment;
mod facts;
mod functions;
mod gate;
mod hooks;
mod host;
mod image;
mod imposter;
mod limits;
mod pragma;
mod preupdate;
mod programs;
mod schema;
mod settings;
mod shared_cache;
mod snapshots;
mod state;
mod switches;
mod transaction;
mod vacuum;
mod virtual_tables;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use turso_error::{Error, Result, ResultCode};
use turso_planner::{PlanContext, plan_statement};
use turso_program::Program;

use crate::statement::{Prepared, Statement, StepResult};
use crate::wait::{Attempt, Wait};
use turso_parser::ast;

use elsewhere::Elsewhere;
use gate::{Gate, Held};

pub use capture::captured_columns;
pub use facts::{ColumnMetadata, TransactionState};
pub use limits::Limit;
pub use switches::Switch;

pub(crate) use shared_cache::{TableUse, tables_used};
pub(crate) use state::{AttachedDb, Settings, State};

/// A session. Clones share it; statements keep it open. Its operations take turns: it is `Send` and `Sync`, and one
/// statement steps at a time.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    gate: Gate,
    interrupted: Arc<AtomicBool>,
    /// The back end of the main database; `None` in memory.
    io: Option<Arc<dyn turso_io::Io>>,
    elsewhere: Elsewhere,
}

/// A connection that this does not keep open: for functions and hooks, which the connection itself holds.
#[derive(Clone)]
pub struct WeakConnection {
    shared: Weak<Shared>,
}

impl std::fmt::Debug for WeakConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WeakConnection")
    }
}

impl WeakConnection {
    /// The connection, as long as something else keeps it open.
    pub fn upgrade(&self) -> Option<Connection> {
        self.shared.upgrade().map(|shared| Connection { shared })
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(crate) fn new(state: State) -> Self {
        let interrupted = state.interrupted.clone();
        let io = state.main_file().map(|file| file.io().clone());
        let elsewhere = Elsewhere::default();
        Self { shared: Arc::new(Shared { gate: Gate::new(state), interrupted, io, elsewhere }) }
    }

    /// The state, for the caller alone.
    #[inline]
    pub(crate) fn lock(&self) -> Held<'_> {
        self.shared.gate.lock()
    }

    // ---- Preparing ------------------------------------------------------------------------------------------------------

    /// Prepare the first statement of `sql`, waiting in place where the catalogue has to be read. The text is bytes that are
    /// meant as UTF-8, not validated.
    pub fn prepare(&self, sql: impl AsRef<[u8]>) -> Result<Prepared> {
        let sql = sql.as_ref();
        loop {
            match self.try_prepare(sql) {
                Err(Error::Pending) => self.wait()?,
                other => return other,
            }
        }
    }

    /// One attempt to prepare; `Err(Pending)` leaves in the connection what has to be waited for.
    pub fn try_prepare(&self, sql: impl AsRef<[u8]>) -> Result<Prepared> {
        self.prepare_held(&mut self.lock(), sql.as_ref())
    }

    /// Prepare the first statement of `sql` without ever blocking the thread.
    pub fn poll_prepare(&self, context: &mut Context<'_>, sql: &[u8]) -> Poll<Attempt<Prepared>> {
        self.poll_without_blocking(context, |held| self.prepare_held(held, sql))
    }

    fn prepare_held(&self, held: &mut Held<'_>, sql: &[u8]) -> Result<Prepared> {
        let planned = held.with_stack(|state| {
            state.usable()?;
            state.waiting = None;
            let planned = state.plan_by_current_schemas(sql, None)?;
            Ok::<_, Error>(planned.map(|(program, tail)| (program, tail, state.generation)))
        })?;
        let Some((program, tail, generation)) = planned else {
            return Ok(Prepared { statement: None, tail: sql.len() });
        };
        let text: Arc<[u8]> = sql.get(..tail).unwrap_or(sql).into();
        Ok(Prepared { statement: Some(Statement::new(self.clone(), text, program, generation)), tail })
    }

    /// Run all statements of a text to their ends; rows are dropped.
    pub fn execute_batch(&self, sql: impl AsRef<[u8]>) -> Result<()> {
        let mut rest = sql.as_ref();
        while !rest.is_empty() {
            let prepared = self.prepare(rest)?;
            if let Some(mut statement) = prepared.statement {
                while statement.step()? == StepResult::Row {}
            }
            rest = rest.get(prepared.tail..).unwrap_or_default();
        }
        Ok(())
    }

    // ---- Waiting ----------------------------------------------------------------------------------------------------------

    /// Wait in place for what the last pending operation waits for.
    pub fn wait(&self) -> Result<()> {
        let (wait, file) = {
            let state = self.lock();
            (state.waiting.clone(), state.main_file().cloned())
        };
        if let Some(Wait::Lock(delay, epoch)) = wait {
            // The connection is not held while it sleeps, so that another thread may interrupt it.
            match (file, epoch) {
                (Some(file), Some(epoch)) => file.wait_for_unlock(epoch, delay),
                _ => std::thread::sleep(delay),
            }
            return self.lock().check_interrupt();
        }
        self.lock().wait_in_place()
    }

    /// Have `waker` woken when the operation can go on; false when it can already.
    pub fn register(&self, waker: &Waker) -> bool {
        self.lock().register(waker)
    }

    /// Counts the commits of captured changes to `main` in this process.
    pub fn captured_commits(&self) -> u64 {
        self.lock().main_file().map_or(0, |file| file.commit_epoch())
    }

    /// Have `waker` woken at the next commit of captured changes to `main` after the one counted by `seen`, and after `delay`
    /// at the latest: commits by other processes give no sign.
    pub fn wake_on_captured_commit(&self, seen: u64, delay: Duration, waker: &Waker) {
        if let Some(file) = self.lock().main_file() {
            file.wake_on_commit(seen, waker);
        }
        crate::timer::wake_after(delay, waker.clone());
    }

    /// The encoding of text in records of `main`.
    pub fn encoding(&self) -> turso_value::TextEncoding {
        self.lock().environment.encoding
    }

    /// The connection for what it holds itself: a function that kept the connection would keep itself alive.
    pub fn downgrade(&self) -> WeakConnection {
        WeakConnection { shared: Arc::downgrade(&self.shared) }
    }

    /// Nothing else keeps the connection open: no clone, no statement. It closes with this one.
    pub fn is_last(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }

    /// Both are clones of one connection.
    pub fn is_same(&self, other: &Connection) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    // ---- Facts ------------------------------------------------------------------------------------------------------------

    /// The rowid of the last insert.
    pub fn last_insert_rowid(&self) -> i64 {
        self.lock().environment.counters.last_insert_rowid
    }

    /// Rows changed by the last completed INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> i64 {
        self.lock().environment.counters.changes
    }

    /// Rows changed since the connection was opened.
    pub fn total_changes(&self) -> i64 {
        self.lock().environment.counters.total_changes
    }

    /// No explicit transaction is open.
    pub fn is_autocommit(&self) -> bool {
        self.lock().autocommit
    }

    /// How long locks are waited for; zero: not at all.
    pub fn set_busy_timeout(&self, timeout: Duration) {
        let mut state = self.lock();
        state.settings.busy_timeout = timeout;
        state.hooks.busy = None;
    }

    /// Make the running statements of this connection end with `SQLITE_INTERRUPT` soon. May be called from any thread.
    pub fn interrupt(&self) {
        self.shared.interrupted.store(true, Ordering::Relaxed);
    }

    /// Somebody has asked for an interrupt, and the statements that run have not all ended yet.
    pub fn is_interrupted(&self) -> bool {
        self.shared.interrupted.load(Ordering::Relaxed)
    }

    /// Name and file of each database, as `PRAGMA database_list` shows them.
    pub fn databases(&self) -> Vec<(String, String)> {
        self.lock().databases.iter().map(|d| (d.name.to_string(), d.file.to_string())).collect()
    }

    /// Give the main database a name beside its usual one.
    pub fn name_main_database(&self, name: &str) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        if let Some(main) = state.databases.first_mut() {
            main.name = name.into();
        }
        state.expire_kept_programs();
        state.generation = state.generation.wrapping_add(1);
        Ok(())
    }

    /// Whether the temporary database has anything in it: until then `PRAGMA database_list` leaves it out.
    pub fn has_temporary_objects(&self) -> bool {
        let state = self.lock();
        let schema = state.databases.get(1).and_then(|temp| temp.schema.as_ref());
        schema.is_some_and(|schema| schema.tables.len() > 1)
    }
}

/// Virtual tables that one statement may ask for.
const MOST_CONNECTED: usize = 1000;

/// A text of at most so many bytes cannot nest deeper than [`SHALLOW_STACK`] allows.
const SHALLOW_TEXT: usize = 250;
/// Bytes of stack that planning a short text may need.
const SHALLOW_STACK: usize = 768 << 10;
/// Bytes of stack that planning any text may need, in debug builds.
const DEEP_STACK: usize = 16 << 20;

/// `PRAGMA writable_schema`?
fn turns_writable_schema(sql: &[u8]) -> bool {
    let parsed = turso_parser::parse(sql);
    matches!(
        parsed.map(|p| p.statement),
        Ok(Some(turso_parser::ast::Statement::Pragma(pragma))) if pragma.name.name.text.eq_ignore_ascii_case("writable_schema")
    )
}

/// The statement changes the table of a schema itself.
fn writes_to_schema(statement: &ast::Statement) -> bool {
    let table = match statement {
        ast::Statement::Insert(insert) => &insert.table,
        ast::Statement::Update(update) => &update.table.name,
        ast::Statement::Delete(delete) => &delete.table.name,
        _ => return false,
    };
    let names = ["sqlite_schema", "sqlite_master", "sqlite_temp_schema", "sqlite_temp_master"];
    names.iter().any(|name| table.name.is(name))
}

/// Pragmas that look at a database or its catalogue.
const LOOKING_PRAGMAS: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "cache_size",
    "capture_data_changes_conn",
    "data_version",
    "default_cache_size",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "journal_mode",
    "max_page_count",
    "optimize",
    "page_count",
    "page_size",
    "quick_check",
    "schema_version",
    "snapshot_age_limit",
    "synchronous",
    "table_info",
    "table_list",
    "table_xinfo",
    "unstable_capture_data_changes_conn",
    "user_version",
    "wal_checkpoint",
    "wal_status",
    "writable_schema",
];

/// The statement begins, ends or marks a transaction, or makes or asks for a setting of the connection: it names nothing of a
/// schema, and runs while nobody else lets this connection read one.
fn needs_no_schema(sql: &[u8]) -> bool {
    use ast::Statement::{Begin, Commit, Pragma, Release, Rollback, Savepoint};
    match turso_parser::parse(sql).map(|parsed| parsed.statement) {
        Ok(Some(Begin(_) | Commit | Rollback { .. } | Savepoint(_) | Release(_))) => true,
        Ok(Some(Pragma(pragma))) => !LOOKING_PRAGMAS.iter().any(|name| pragma.name.name.is(name)),
        _ => false,
    }
}

#[cold]
fn syntax_error(error: turso_parser::SyntaxError) -> Error {
    let failure = Error::sql(error.message);
    match error.offset {
        Some(offset) => failure.with_sql_offset(offset),
        None => failure,
    }
}

impl State {
    /// Parse and plan the first statement of the text. `None`: there is none. Reads no page.
    pub fn plan(&mut self, sql: &[u8]) -> Result<Option<(Arc<Program>, usize)>> {
        self.plan_as(sql, None)
    }

    /// [`plan_as`](Self::plan_as), with the catalogues read where they are not there, and read anew where planning fails and
    /// they are out of date. Restartable.
    pub fn plan_by_current_schemas(
        &mut self,
        sql: &[u8],
        explains: Option<u8>,
    ) -> Result<Option<(Arc<Program>, usize)>> {
        if self.shares_cache {
            self.check_schema_locks()?;
        }
        let lacks_schemas = self.databases.iter().any(|entry| entry.schema.is_none());
        if lacks_schemas && needs_no_schema(sql) {
            // These are not kept from their work by a file that cannot be read, or not yet.
            return self.plan_as(sql, explains);
        }
        match self.ensure_schemas() {
            Err(error) if error.is(ResultCode::CORRUPT) && turns_writable_schema(sql) => {
                return self.plan_without_schemas(sql, explains);
            }
            other => other?,
        }
        match self.plan_as(sql, explains) {
            // What is not known may have been made by somebody else since the catalogues were read.
            Err(error) if error.is(ResultCode::ERROR) && self.forget_stale_schemas()? => {
                self.ensure_schemas()?;
                self.plan_as(sql, explains)
            }
            other => other,
        }
    }

    /// [`plan`](Self::plan) of the pragma that lets a damaged catalogue be mended.
    fn plan_without_schemas(&mut self, sql: &[u8], explains: Option<u8>) -> Result<Option<(Arc<Program>, usize)>> {
        let before = std::mem::replace(&mut self.settings.writable_schema, true);
        let loaded: Vec<bool> = self.databases.iter().map(|d| d.schema.is_some()).collect();
        let planned = self.ensure_schemas().and_then(|()| self.plan_as(sql, explains));
        self.settings.writable_schema = before;
        // Until the pragma has run the catalogue counts as damaged.
        for (entry, loaded) in self.databases.iter_mut().zip(loaded) {
            if !loaded {
                entry.schema = None;
            }
        }
        self.generation = self.generation.wrapping_add(1);
        planned
    }

    /// [`plan`](Self::plan), as EXPLAIN (1), EXPLAIN QUERY PLAN (2) or neither (0), whatever the text says.
    pub fn plan_as(&mut self, sql: &[u8], explains: Option<u8>) -> Result<Option<(Arc<Program>, usize)>> {
        self.check_sql_length(sql)?;
        // An authorizer is asked each time.
        let keeps = self.keeps_programs() && explains.is_none();
        let kept = self.programs.get(sql, self.generation).filter(|_| keeps);
        if let Some(program) = kept.filter(|program| !self.has_grown(&program.small_trees)) {
            return Ok(Some((program, sql.len())));
        }
        // The depth of a tree is bounded, but a tree of that depth needs more stack than some threads have.
        let needed = if sql.len() > SHALLOW_TEXT { DEEP_STACK } else { SHALLOW_STACK };
        stacker::maybe_grow(needed, 2 * DEEP_STACK, || self.plan_anew(sql, explains))
    }

    /// The same text has the same program next time: nobody is asked about it, and it may do the same wherever it runs.
    fn keeps_programs(&self) -> bool {
        self.hooks.authorizer.is_none() && !self.settings.switches.defensive
    }

    fn plan_anew(&mut self, sql: &[u8], explains: Option<u8>) -> Result<Option<(Arc<Program>, usize)>> {
        let mut parsed = turso_parser::parse(sql).map_err(syntax_error)?;
        if let Some(mode) = explains {
            parsed.statement = parsed.statement.map(|statement| statement.explained(mode));
        }
        let Some(statement) = &parsed.statement else { return Ok(None) };
        let text = sql.get(..parsed.tail).unwrap_or(sql);
        self.check_statement(text, statement, parsed.parameters.count as usize)?;
        if self.schema_edited && matches!(statement, ast::Statement::AlterTable(_)) {
            // It edits the texts that are there now, not those that the catalogue was made of.
            self.reread_schemas()?;
            self.schema_edited = self.settings.writable_schema;
        }
        self.schema_edited |= self.settings.writable_schema && writes_to_schema(statement);
        if self.imposter.is_some() && self.make_imposter(statement, text)? {
            // What is left to do is what an unknown pragma does.
            let Some(nothing) = turso_parser::parse(b"PRAGMA imposter").map_err(syntax_error)?.statement else {
                return Ok(None);
            };
            let catalogue = catalogue::SessionCatalogue::new(self);
            let context = PlanContext::new(&catalogue, self.plan_options(), text);
            return Ok(Some((Arc::from(plan_statement(&context, &nothing)?), parsed.tail)));
        }
        let (mut connected, mut lends) = (0, false);
        let program = loop {
            let (options, generation) = (self.plan_options(), self.generation);
            let catalogue = match lends {
                true => catalogue::SessionCatalogue::lending(self),
                false => catalogue::SessionCatalogue::new(self),
            };
            let context = PlanContext::new(&catalogue, options, text);
            context.set_parameters(&parsed.parameters);
            let result = plan_statement(&context, statement);
            drop(context);
            let missing_collation = catalogue.missing_collation();
            let needs_session = catalogue.needs_session.get();
            let newly_used = catalogue.newly_used.into_inner();
            let missing = catalogue.missing.into_inner();
            if !newly_used.is_empty() {
                self.statistics_used.extend(newly_used);
            }
            match result {
                Err(_) if needs_session => lends = true,
                // A table that was asked has changed what the others were asked about.
                _ if self.generation != generation && connected < MOST_CONNECTED => connected += 1,
                // Virtual tables are connected when a statement first asks for them.
                Err(_) if !missing.is_empty() && connected < MOST_CONNECTED => {
                    connected += missing.len();
                    for table in missing {
                        self.connect_virtual(&table)?;
                    }
                }
                Err(error) if error.code() == ResultCode::ERROR_MISSING_COLLSEQ => {
                    if !missing_collation.is_some_and(|name| self.ask_for_collation(&name)) {
                        return Err(error);
                    }
                }
                result => break Arc::from(result?),
            }
        };
        if parsed.tail == sql.len() && self.keeps_programs() && explains.is_none() {
            self.programs.keep(sql, self.generation, statement, &program);
        }
        Ok(Some((program, parsed.tail)))
    }

    /// Wait for what the last pending operation waits for.
    pub fn wait_in_place(&mut self) -> Result<()> {
        match self.waiting.take() {
            Some(Wait::Lock(delay, epoch)) => {
                match (self.main_file(), epoch) {
                    (Some(file), Some(epoch)) => file.wait_for_unlock(epoch, delay),
                    _ => std::thread::sleep(delay),
                }
                self.check_interrupt()
            }
            Some(Wait::Temporary(space)) => space.wait_blocking(),
            Some(Wait::Thread) => {
                self.set_may_block(true);
                Ok(())
            }
            Some(Wait::Io(db)) => match self.databases.get_mut(db) {
                Some(entry) => entry.pager.wait_blocking(),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Have `waker` woken when the pending operation can go on; false when it can already.
    pub fn register(&mut self, waker: &Waker) -> bool {
        match self.waiting.take() {
            Some(Wait::Io(db)) => {
                let Some(entry) = self.databases.get_mut(db) else { return false };
                match entry.pager.waiting_on() {
                    Some(completion) if !completion.is_ready() => {
                        completion.register(waker);
                        true
                    }
                    _ => false,
                }
            }
            Some(Wait::Temporary(space)) => match space.waiting_on() {
                Some(completion) => {
                    completion.register(waker);
                    true
                }
                None => false,
            },
            // Only `poll_without_blocking` meets it.
            Some(Wait::Thread) => false,
            Some(Wait::Lock(delay, epoch)) => {
                if let (Some(file), Some(epoch)) = (self.main_file(), epoch) {
                    file.wake_on_unlock(epoch, waker);
                }
                crate::timer::wake_after(delay, waker.clone());
                true
            }
            None => false,
        }
    }

    /// Fix what functions may ask for the run that begins.
    pub fn prepare_environment(&mut self) {
        self.environment.case_sensitive_like = self.settings.case_sensitive_like;
        let main = self.databases.first().and_then(|db| db.schema.as_ref());
        if !matches!((&self.environment.main, main), (Some(known), Some(now)) if Arc::ptr_eq(known, now)) {
            self.environment.main = main.cloned();
        }
        if self.active_statements == 0 {
            self.interrupted.store(false, Ordering::Relaxed);
        }
    }
}
