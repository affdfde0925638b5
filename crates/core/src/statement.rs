//! Prepared statements: binding, stepping, and what the end of a run commits or undoes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use turso_error::{Error, Result, ResultCode};
use turso_program::control::OnError;
use turso_program::schema::TransactionControl;
use turso_program::{Instruction, PlanNode, Program};
use turso_value::{Object, Value, ValueRef};
use turso_vm::{RunCounters, Step, Vm};

use crate::connection::{Connection, State, TableUse, tables_used};
use crate::hooks::{TraceEvent, TracedStatement, trace_mask};
use crate::outside::{self, Outside};
use crate::wait::Attempt;

/// How often a statement is prepared anew because the schema keeps changing under it, before it gives up.
const MAX_SCHEMA_RETRIES: u32 = 50;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What a statement has done since it was prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatementStatus {
    /// Instructions executed.
    pub vm_steps: u64,
    /// Runs begun.
    pub runs: u64,
    /// Programs made anew because the schema has changed.
    pub reprepares: u64,
    /// Steps of scans, sorts, automatic indexes, filters.
    pub counters: RunCounters,
    /// Bytes that the statement keeps now, roughly.
    pub memory_used: u64,
}

/// A part of the plan, as far as it has been measured ([`Statement::scans`]).
#[derive(Debug, Clone, PartialEq)]
pub struct PlanPart<'a> {
    /// Its node of `EXPLAIN QUERY PLAN`.
    pub node: &'a PlanNode,
    /// What is known of it where it is a loop.
    pub scan: Option<ScanStatus<'a>>,
}

/// What is known of a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanStatus<'a> {
    /// The index or table that it runs over; `None` for the rows of a subquery.
    pub name: Option<&'a str>,
    /// How many rows the planner expected of one run of it.
    pub estimate: f64,
    /// How often it was begun.
    pub loops: u64,
    /// How many rows it has come to.
    pub rows: u64,
}

/// What [`Statement::step`] has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepResult {
    /// A row is there: [`Statement::row`].
    Row,
    /// The statement has run to its end.
    Done,
}

/// The result of preparing the first statement of a text.
#[derive(Debug)]
pub struct Prepared {
    /// The statement; `None` when the text holds only blanks and comments.
    pub statement: Option<Statement>,
    /// Where the next statement begins: byte offset into the text.
    pub tail: usize,
}

/// Where a run stands.
enum Phase {
    /// Not started.
    Ready,
    /// Between its first step and its end.
    Running,
    /// The program has ended; the outcome waits for its commit.
    Ending(Option<Error>),
    /// The program has failed with FAIL: what it did is being committed, then the error is answered.
    Keeping(Error),
    /// Over until reset.
    Over,
}

/// A prepared statement. It keeps its connection open.
pub struct Statement {
    connection: Connection,
    /// In a box: a statement is handed from hand to hand.
    execution: Box<Execution>,
}

/// All of a statement but its connection, whose lock is held while this changes.
struct Execution {
    sql: Arc<[u8]>,
    vm: Vm,
    phase: Phase,
    /// The statement savepoint of this run.
    mark: Option<u64>,
    /// The connection's count of broken deferred keys when the run began.
    deferred_violations: i64,
    /// Changes that had been noted when the run began.
    noted: usize,
    /// The connection's rollback counter when the run began.
    rollback_epoch: u64,
    schema_retries: u32,
    /// The connection's catalogue counter when the program was made.
    generation: u32,
    /// What the program opens, where the connection shares a cache.
    table_uses: Arc<[TableUse]>,
    /// A number that no other statement of this process has.
    id: u64,
    /// A module of the engine runs it: to a tracer it is a part of the statement outside.
    is_inner: bool,
    /// A program that no longer fits the schema is an error: it is not made anew.
    keeps_program: bool,
    /// The connection's count of what such a program does not survive, when it was made.
    expirations: u32,
    /// What it was turned into, where that is not what its text says: `EXPLAIN` (1), `EXPLAIN QUERY PLAN` (2), neither (0).
    explains: Option<u8>,
    /// When runs are to be interrupted.
    deadline: Option<Instant>,
    /// Runs begun, programs made anew, instructions of programs that are gone.
    status: StatementStatus,
    /// What earlier runs have counted of the program's loops; numbers wrap, so that a reset in a run leaves it counting.
    scans_before: Vec<[u64; 2]>,
    /// When the run began, if somebody wants to know how long it takes.
    began: Option<Instant>,
    /// Instructions since the progress handler was asked, as of the last poll. Each statement counts its own.
    progress_steps: u32,
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement").field("sql", &self.execution.sql.escape_ascii().to_string()).finish_non_exhaustive()
    }
}

impl Statement {
    pub(crate) fn new(connection: Connection, sql: Arc<[u8]>, program: Arc<Program>, generation: u32) -> Self {
        Self { connection, execution: Box::new(Execution::new(sql, program, generation)) }
    }

    // ---- Facts --------------------------------------------------------------------------------------------------------

    /// The text it was prepared from.
    pub fn sql(&self) -> &[u8] {
        &self.execution.sql
    }

    /// When runs of this statement are to be interrupted, with `SQLITE_INTERRUPT`; a lock is waited for no longer than that
    /// either. `None`: never.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.execution.deadline = deadline;
    }

    /// What the statement has done since it was prepared (`sqlite3_stmt_status`).
    pub fn status(&self) -> StatementStatus {
        self.execution.status()
    }

    /// The parts of the plan with what was counted since the statement was prepared, or since the last
    /// [`reset_scans`](Self::reset_scans). Empty unless [`crate::Switch::ScanStatistics`] was on when it was prepared.
    pub fn scans(&self) -> Vec<PlanPart<'_>> {
        let program = self.program();
        if program.scans.is_empty() {
            return Vec::new();
        }
        let counts = self.execution.scan_counts();
        let scan_of = |node: &PlanNode| {
            let at = program.scans.iter().position(|scan| scan.node == node.id)?;
            let (scan, &[loops, rows]) = (program.scans.get(at)?, counts.get(at)?);
            Some(ScanStatus { name: scan.name.as_deref(), estimate: scan.estimate, loops, rows })
        };
        program.plan.iter().map(|node| PlanPart { node, scan: scan_of(node) }).collect()
    }

    /// Counts of loops begin anew.
    pub fn reset_scans(&mut self) {
        let counts: Vec<[u64; 2]> = self.execution.vm.scan_counts().collect();
        self.execution.scans_before =
            counts.into_iter().map(|[loops, rows]| [0u64.wrapping_sub(loops), 0u64.wrapping_sub(rows)]).collect();
    }

    /// A number that no other statement of this process has.
    pub fn id(&self) -> u64 {
        self.execution.id
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        self.execution.vm.program()
    }

    /// The connection it belongs to.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The subtype of a value of the current row.
    pub fn row_subtype(&self, index: usize) -> u32 {
        self.execution.vm.row_subtype(index)
    }

    /// Number of result columns; 0 for a statement that returns no rows.
    pub fn column_count(&self) -> usize {
        outside::column_count(self.program())
    }

    /// Name of a result column.
    pub fn column_name(&self, index: usize) -> Option<&str> {
        outside::column_name(self.program(), index)
    }

    /// Declared type of a result column that is a plain table column.
    pub fn column_declared_type(&self, index: usize) -> Option<&str> {
        outside::column_declared_type(self.program(), index)
    }

    /// The statement cannot change a database.
    pub fn is_readonly(&self) -> bool {
        !self.program().writes
    }

    /// The statement may change a file, if not by a row: transactions that begin by writing, checkpoints and journal modes do.
    pub fn may_change_file(&self) -> bool {
        let touches = |instruction: &Instruction| match instruction {
            Instruction::JournalMode(_) | Instruction::Checkpoint(_) => true,
            Instruction::AutoCommit(a) => {
                matches!(a.control, TransactionControl::BeginImmediate | TransactionControl::BeginExclusive)
            }
            _ => false,
        };
        self.program().writes || self.program().instructions.iter().any(touches)
    }

    /// `EXPLAIN` (1), `EXPLAIN QUERY PLAN` (2), or an ordinary statement (0).
    pub fn explain_mode(&self) -> u8 {
        self.program().explain
    }

    /// Turn it into its `EXPLAIN` (1), its `EXPLAIN QUERY PLAN` (2) or neither (0), whatever its text says. `SQLITE_BUSY` while
    /// it runs.
    pub fn set_explain_mode(&mut self, mode: u8) -> Result<()> {
        if self.is_running() {
            return Err(Error::from_code(ResultCode::BUSY));
        }
        if self.explain_mode() == mode {
            return Ok(());
        }
        let before = self.execution.explains.replace(mode);
        let remade = self.connection.lock().with_stack(|state| self.execution.prepare_anew(state));
        if remade.is_err() {
            self.execution.explains = before;
        }
        remade
    }

    /// Once the schema has changed, steps answer `SQLITE_SCHEMA`: the program is not made anew (`sqlite3_prepare`).
    pub fn keep_program(&mut self) {
        self.execution.keeps_program = true;
        self.execution.expirations = self.connection.lock().expirations;
    }

    /// It has been stepped and is not over.
    pub fn is_running(&self) -> bool {
        self.execution.is_running()
    }

    // ---- Parameters ---------------------------------------------------------------------------------------------------

    /// The largest parameter number.
    pub fn parameter_count(&self) -> usize {
        self.program().parameters.len()
    }

    /// Name of a parameter, with its prefix.
    pub fn parameter_name(&self, number: usize) -> Option<&str> {
        self.program().parameters.get(number.checked_sub(1)?)?.as_deref()
    }

    /// Number of the parameter with this name, prefix included.
    pub fn parameter_index(&self, name: &str) -> Option<usize> {
        self.program().parameters.iter().position(|p| p.as_deref() == Some(name)).map(|i| i + 1)
    }

    /// Bind a value to a parameter by number, from 1. `SQLITE_RANGE` when there is none, `SQLITE_MISUSE` while it runs.
    #[inline]
    pub fn bind(&mut self, number: usize, value: Value) -> Result<()> {
        if self.is_running() {
            return Err(Error::from_code(ResultCode::MISUSE));
        }
        if self.execution.vm.bind(number, value) { Ok(()) } else { Err(Error::from_code(ResultCode::RANGE)) }
    }

    /// Bind NULL with an object that goes with it, for functions and modules that know its type.
    pub fn bind_object(&mut self, number: usize, object: Object) -> Result<()> {
        if self.is_running() {
            return Err(Error::from_code(ResultCode::MISUSE));
        }
        if self.execution.vm.bind_object(number, object) { Ok(()) } else { Err(Error::from_code(ResultCode::RANGE)) }
    }

    /// The bound values by number - 1.
    pub(crate) fn parameters(&self) -> &[Value] {
        self.execution.vm.parameters()
    }

    /// What can be asked of the statement while it steps.
    pub fn outside(&self) -> Outside {
        Outside {
            sql: self.execution.sql.clone(),
            program: self.program().clone(),
            parameters: self.execution.vm.parameters().clone(),
        }
    }

    /// The value bound to a parameter, by number from 1.
    pub fn parameter(&self, number: usize) -> Option<&Value> {
        self.execution.vm.parameters().get(number.checked_sub(1)?)
    }

    /// Set all parameters to NULL.
    pub fn clear_bindings(&mut self) {
        self.execution.vm.clear_bindings();
    }

    // ---- Running ------------------------------------------------------------------------------------------------------

    /// Run to the next row or to the end; waits in place for whatever has to be waited for.
    pub fn step(&mut self) -> Result<StepResult> {
        loop {
            match self.try_step() {
                Err(Error::Pending) => self.connection.wait()?,
                other => return other,
            }
        }
    }

    /// Run to the next row or to the end without ever blocking the thread.
    pub fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Attempt<StepResult>> {
        let execution = &mut self.execution;
        self.connection.poll_without_blocking(context, |held| held.with_stack(|state| execution.step(state)))
    }

    /// The current row; empty when there is none.
    pub fn row(&self) -> &[Value] {
        self.execution.vm.row()
    }

    /// The object that goes with a value of the current row, which is NULL ([`Self::bind_object`]).
    pub fn row_object(&self, index: usize) -> Option<&Object> {
        self.execution.vm.row_object(index)
    }

    /// A value of the current row.
    pub fn value(&self, index: usize) -> Option<ValueRef<'_>> {
        self.execution.vm.row().get(index).map(Value::as_ref)
    }

    /// One attempt; `Err(Pending)` leaves in the connection what has to be waited for.
    pub fn try_step(&mut self) -> Result<StepResult> {
        let execution = &mut self.execution;
        self.connection.lock().with_stack(|state| execution.step(state))
    }

    /// Back to the beginning, keeping what is bound. A run that was not over ends here: what it has done so far is
    /// committed as SQLite does it (a statement that is reset early has succeeded so far).
    pub fn reset(&mut self) {
        self.stop_early(false);
        self.execution.vm.reset();
        self.execution.phase = Phase::Ready;
    }

    /// End a run in its middle and undo what it changed: for a future that was dropped.
    pub fn abandon(&mut self) {
        self.stop_early(true);
        self.execution.vm.reset();
        self.execution.phase = Phase::Ready;
    }

    fn stop_early(&mut self, undo: bool) {
        if self.execution.is_running() {
            self.execution.finish_early(&mut self.connection.lock(), undo);
        }
    }
}

/// A statement that runs inside an instruction of another one, on the same connection: the SQL of a virtual table of the
/// engine. It neither begins nor ends a transaction of its own.
pub(crate) struct InnerStatement {
    execution: Execution,
}

impl InnerStatement {
    /// Prepare the first statement of the text.
    pub fn prepare(state: &mut State, sql: &str) -> Result<Self> {
        state.ensure_schemas()?;
        let outer = std::mem::replace(&mut state.plans_within, true);
        let planned = state.plan(sql.as_bytes());
        state.plans_within = outer;
        let Some((program, _)) = planned? else { return Err(Error::from_code(ResultCode::MISUSE)) };
        let mut execution = Execution::new(sql.as_bytes().into(), program, state.generation);
        execution.is_inner = true;
        Ok(Self { execution })
    }

    /// Bind a parameter, counted from 1.
    pub fn bind(&mut self, parameter: usize, value: Value) {
        self.execution.vm.bind(parameter, value);
    }

    /// Run to the next row or to the end. Restartable.
    pub fn step(&mut self, state: &mut State) -> Result<StepResult> {
        // What belongs to the statement outside stays as it is.
        let mark = state.current_mark.take();
        let now = state.environment.now_julian_ms.get();
        let (changes, last_rowid) = (state.environment.counters.changes, state.environment.counters.last_insert_rowid);
        let result = self.execution.step(state);
        state.current_mark = mark;
        state.environment.now_julian_ms.set(now);
        state.environment.counters.changes = changes;
        state.environment.counters.last_insert_rowid = last_rowid;
        result
    }

    /// The current row.
    pub fn row(&self) -> &[Value] {
        self.execution.vm.row()
    }

    /// End the run, if it is not over, and make ready for another.
    pub fn close(&mut self, state: &mut State) {
        self.execution.finish_early(state, false);
        self.execution.vm.reset();
        self.execution.phase = Phase::Ready;
    }
}

impl Execution {
    #[inline(always)]
    fn new(sql: Arc<[u8]>, program: Arc<Program>, generation: u32) -> Self {
        Self {
            generation,
            sql,
            vm: Vm::new(program),
            phase: Phase::Ready,
            mark: None,
            deferred_violations: 0,
            noted: 0,
            rollback_epoch: 0,
            schema_retries: 0,
            table_uses: Arc::new([]),
            is_inner: false,
            keeps_program: false,
            expirations: 0,
            explains: None,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            deadline: None,
            status: StatementStatus::default(),
            scans_before: Vec::new(),
            began: None,
            progress_steps: 0,
        }
    }

    /// Result columns of the program itself.
    fn column_count(&self) -> usize {
        self.vm.program().columns.len()
    }

    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Ending(_) | Phase::Keeping(_))
    }

    fn step(&mut self, state: &mut State) -> Result<StepResult> {
        state.usable()?;
        loop {
            match &self.phase {
                Phase::Over => return Ok(StepResult::Done),
                Phase::Ready if !self.keeps_program && self.is_outdated(state) => self.prepare_anew(state)?,
                // Where the schema is another one, the program finds out.
                Phase::Ready if self.keeps_program && self.expirations != state.expirations => {
                    return Err(Error::from_code(ResultCode::SCHEMA));
                }
                Phase::Ready => self.start(state),
                Phase::Running => {
                    if let Some(result) = self.run(state) {
                        return result;
                    }
                }
                Phase::Ending(_) | Phase::Keeping(_) => return self.end(state),
            }
        }
    }

    /// The program was made for another catalogue, or for tables that have grown since.
    #[inline]
    fn is_outdated(&self, state: &State) -> bool {
        self.generation != state.generation || state.has_grown(&self.vm.program().small_trees)
    }

    fn start(&mut self, state: &mut State) {
        self.status.runs += 1;
        if state.shares_cache {
            self.table_uses = tables_used(self.vm.program()).into();
        }
        state.prepare_environment();
        state.statement_starts(self.vm.program().writes);
        if state.hooks.trace_mask != 0 {
            self.began = Some(Instant::now());
            // A run that begins again because the schema has changed is the same one to who watches.
            if self.schema_retries == 0 {
                self.trace(state, trace_mask::STATEMENT);
            }
        }
        self.progress_steps = match (&state.hooks.progress, self.status.vm_steps.checked_sub(1)) {
            // The handler is asked with the instruction after each interval, counted over all runs.
            (Some((interval, _)), Some(before)) => {
                let since = (before % u64::from(*interval)) as u32 + 1;
                if since == *interval {
                    // The last run has ended with the interval.
                    self.vm.poll_at_once();
                }
                since
            }
            _ => 0,
        };
        self.rollback_epoch = state.rollback_epoch;
        self.deferred_violations = state.deferred_violations;
        self.noted = state.capture.mark();
        state.capture.statement_starts();
        self.mark = None;
        self.phase = Phase::Running;
    }

    /// A stretch of the program. `None`: the phase has changed.
    fn run(&mut self, state: &mut State) -> Option<Result<StepResult>> {
        if self.rollback_epoch != state.rollback_epoch {
            self.phase = Phase::Ending(Some(Error::from_code(ResultCode::ABORT_ROLLBACK)));
            return None;
        }
        if let Err(interrupted) = state.check_interrupt() {
            self.phase = Phase::Ending(Some(interrupted));
            return None;
        }
        state.current_mark = self.mark;
        state.waiting = None;
        state.environment.now_julian_ms.set(0);
        state.stepping_writer = self.vm.program().writes;
        if state.shares_cache {
            state.table_uses = self.table_uses.clone();
        }
        state.stepping_ddl = self.vm.program().changes_schema;
        state.stepping_rows = self.column_count() > 0;
        if state.hooks.trace_mask != 0 && !self.is_inner {
            state.hooks.traced = Some((self.id, self.sql.clone()));
        }
        state.deadline = self.deadline;
        if state.capture.is_on() && state.stepping_ddl {
            state.running_sql = Some(self.sql.clone());
        }
        // Other statements may run in between, and within.
        std::mem::swap(&mut self.progress_steps, &mut state.hooks.progress_steps);
        let outcome = state.await_bases().and_then(|()| self.vm.step(state));
        std::mem::swap(&mut self.progress_steps, &mut state.hooks.progress_steps);
        self.mark = state.current_mark.take();
        if !matches!(outcome, Err(Error::Pending)) {
            state.deadline = None;
        }
        match outcome {
            Ok(Step::Row) => {
                if state.hooks.trace_mask != 0 {
                    self.trace(state, trace_mask::ROW);
                }
                return Some(Ok(StepResult::Row));
            }
            Ok(Step::Done) => {
                let broken_keys = self.vm.foreign_key_violations() > 0;
                self.phase = Phase::Ending(broken_keys.then(broken_key));
                self.rollback_epoch = state.rollback_epoch;
            }
            Err(Error::Pending) => {
                state.note_io_wait();
                return Some(Err(Error::Pending));
            }
            Err(error)
                if error.is(ResultCode::SCHEMA) && self.schema_retries < MAX_SCHEMA_RETRIES && !self.keeps_program =>
            {
                self.schema_retries += 1;
                if let Err(error) = self.prepare_anew(state) {
                    // Not running any more: the catalogue can be waited for, or the failure answered, without an end.
                    return Some(Err(error));
                }
            }
            // FAIL keeps what was done, but not where that would leave broken keys behind.
            Err(_) if self.vm.on_error() == OnError::Fail && self.vm.foreign_key_violations() > 0 => {
                if self.vm.program().counts_changes {
                    state.environment.counters.retract();
                }
                self.phase = Phase::Ending(Some(broken_key()));
            }
            Err(error) => {
                self.log_abort(&error);
                self.phase = Phase::Ending(Some(error));
            }
        }
        None
    }

    #[cold]
    fn log_abort(&self, error: &Error) {
        // A lock that is taken is no news.
        if !error.is(ResultCode::BUSY) {
            turso_error::log::write(error.code(), || {
                let (at, sql) = (self.vm.last_address(), String::from_utf8_lossy(&self.sql));
                format!("statement aborts at {at}: {}; [{sql}]", error.message())
            });
        }
    }

    /// Adds what a run that is over has done.
    fn count_run(&mut self) {
        self.status.vm_steps += self.vm.steps();
        self.status.counters += self.vm.counters();
        if !self.vm.program().scans.is_empty() {
            self.scans_before = self.scan_counts();
        }
    }

    /// What all runs have counted of the program's loops since the last reset.
    fn scan_counts(&self) -> Vec<[u64; 2]> {
        let before = self.scans_before.iter().copied().chain(std::iter::repeat([0, 0]));
        let sum = |([loops, rows], [a, b]): ([u64; 2], [u64; 2])| [loops.wrapping_add(a), rows.wrapping_add(b)];
        self.vm.scan_counts().zip(before).map(sum).collect()
    }

    /// What all runs have done, the one in hand included.
    fn status(&self) -> StatementStatus {
        let mut status = self.status;
        status.vm_steps += self.vm.steps();
        status.counters += self.vm.counters();
        status.memory_used = (self.vm.memory() + self.sql.len()) as u64;
        status
    }

    /// The schema has changed since the program was made: make it anew from the text, keep what is bound.
    fn prepare_anew(&mut self, state: &mut State) -> Result<()> {
        if self.is_running() {
            let writes = self.vm.program().writes;
            self.vm.close_virtual_cursors(state);
            self.count_run();
            self.vm.reset();
            state.statement_stops(writes);
            self.phase = Phase::Ready;
            state.end_reads_if_idle();
        }
        state.waiting = None;
        let outer = std::mem::replace(&mut state.plans_within, self.is_inner);
        let prepared = state.plan_by_current_schemas(&self.sql, self.explains);
        state.plans_within = outer;
        let Some((program, _)) = prepared? else { return Err(Error::from_code(ResultCode::SCHEMA)) };
        let parameters: Vec<Value> = self.vm.parameters().to_vec();
        let objects: Vec<Option<Object>> = self.vm.parameter_objects().to_vec();
        self.status.reprepares += 1;
        self.scans_before = Vec::new();
        self.vm = Vm::new(program);
        self.generation = state.generation;
        for (i, value) in parameters.into_iter().enumerate() {
            self.vm.bind(i + 1, value);
        }
        for (i, object) in objects.into_iter().enumerate() {
            if let Some(object) = object {
                self.vm.bind_object(i + 1, object);
            }
        }
        Ok(())
    }

    /// Commit or undo. Restartable: the commit may be pending.
    fn end(&mut self, state: &mut State) -> Result<StepResult> {
        let writes = self.vm.program().writes;
        state.waiting = None;
        if let Phase::Ending(Some(error)) = &self.phase {
            let error = error.clone();
            let on_error = match self.vm.on_error() {
                OnError::Fail if error.code() == ResultCode::CONSTRAINT_FOREIGNKEY => OnError::Abort,
                other => other,
            };
            let keep = error.code() != ResultCode::ABORT_ROLLBACK
                && state.undo_failed(&error, on_error, writes, self.mark.take());
            if !keep {
                state.capture.cut_back(self.noted);
                if state.rollback_epoch == self.rollback_epoch && !state.autocommit {
                    // What is undone leaves no broken keys behind either.
                    state.deferred_violations = self.deferred_violations;
                }
                self.stop(state, writes);
                return Err(error);
            }
            self.phase = Phase::Keeping(error);
        }
        if matches!(self.phase, Phase::Ending(_)) {
            state.capture.statement_ends(self.vm.program().counts_changes);
        }
        if writes && let Err(error) = state.write_changes() {
            if error.is_pending() || matches!(self.phase, Phase::Ending(_)) {
                return match error {
                    Error::Pending => Err(error),
                    _ => {
                        self.phase = Phase::Ending(Some(error));
                        self.end(state)
                    }
                };
            }
            state.rollback_all();
        }
        if !writes && state.settings.defer_foreign_keys && self.vm.program().opens_transaction() {
            state.reading_ends();
        }
        match state.commit_if_autocommit(writes) {
            Ok(()) => {
                if let Some(mark) = self.mark.take() {
                    state.close_statement_mark(mark, false);
                }
                let kept = std::mem::replace(&mut self.phase, Phase::Over);
                if self.vm.program().counts_changes && self.vm.program().explain != 0 {
                    // The statement that was only explained has changed nothing.
                    state.environment.counters.publish(0);
                }
                self.stop(state, writes);
                if !state.autocommit && !self.is_inner {
                    // A transaction of many short statements would never come to the moment at which a long one does this.
                    state.let_pages_go();
                }
                let told = state.tell_commits();
                match kept {
                    Phase::Keeping(error) => Err(error),
                    _ => told.map(|()| StepResult::Done),
                }
            }
            Err(Error::Pending) => Err(Error::Pending),
            Err(error) => {
                state.rollback_all();
                if self.vm.program().counts_changes {
                    state.environment.counters.retract();
                }
                self.stop(state, writes);
                Err(error)
            }
        }
    }

    /// Tell the tracer of one event of this run, if it wants to know.
    #[cold]
    fn trace(&mut self, state: &mut State, event: u32) {
        if state.hooks.trace_mask & event == 0 || (self.is_inner && event != trace_mask::STATEMENT) {
            return;
        }
        let outside = state.hooks.traced.as_ref().filter(|_| self.is_inner);
        let statement = TracedStatement {
            id: outside.map_or(self.id, |(id, _)| *id),
            sql: &self.sql,
            parameters: self.vm.parameters(),
            row: self.vm.row(),
            status: self.status(),
        };
        state.tell_tracer(&match event {
            trace_mask::ROW => TraceEvent::Row(statement),
            trace_mask::PROFILE => {
                let taken = self.began.map_or(Duration::ZERO, |began| began.elapsed());
                TraceEvent::Profile(statement, taken)
            }
            _ if self.is_inner || state.lent_depth > 0 => TraceEvent::Nested(statement),
            _ => TraceEvent::Statement(statement),
        });
    }

    fn commit_blocking(&self, state: &mut State, writes: bool) -> Result<()> {
        state.capture.statement_ends(self.vm.program().counts_changes);
        loop {
            match state.write_changes().and_then(|()| state.commit_if_autocommit(writes)) {
                Err(Error::Pending) => state.wait_in_place()?,
                other => return other,
            }
        }
    }

    fn stop(&mut self, state: &mut State, writes: bool) {
        if state.hooks.trace_mask != 0 {
            self.trace(state, trace_mask::PROFILE);
        }
        self.phase = Phase::Over;
        self.schema_retries = 0;
        self.vm.close_virtual_cursors(state);
        self.count_run();
        self.vm.reset();
        state.statement_stops(writes);
        state.end_reads_if_idle();
    }

    /// End a run in its middle. With `undo`, what it changed is undone (a future was dropped).
    fn finish_early(&mut self, state: &mut State, undo: bool) {
        if !self.is_running() {
            return;
        }
        let writes = self.vm.program().writes;
        if self.vm.program().counts_changes && !undo {
            state.environment.counters.publish(self.vm.unpublished_changes());
        }
        if writes && undo {
            let error = Error::from_code(ResultCode::INTERRUPT);
            state.undo_failed(&error, OnError::Abort, writes, self.mark.take());
        } else if writes {
            if self.commit_blocking(state, writes).is_err() {
                state.rollback_all();
            }
            // The statement is not asked any more: there is nobody to tell of an error.
            let _ = state.tell_commits();
            if let Some(mark) = self.mark.take() {
                state.close_statement_mark(mark, false);
            }
        }
        self.stop(state, writes);
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.stop_early(false);
    }
}

#[cold]
#[track_caller]
fn broken_key() -> Error {
    Error::new(ResultCode::CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed")
}
