//! Running statements, and what can be asked of one.

use std::ffi::{c_char, c_int};
use std::ptr::null_mut;
use std::sync::atomic::Ordering;

use turso_core::{Outside, ResultCode, StatementStatus, StepResult};

use crate::boundary::{Out, entry};
use crate::codes::{DONE, INTERNAL, MISUSE, OK, ROW};
use crate::handle::{Bare, Db, Handle, Stmt, StmtState};

/// `SQLITE_STMTSTATUS_MEMUSED`
const MEMORY_USED: c_int = 99;

/// Marks a connection as broken when a panic passes.
struct Watch<'a>(&'a std::cell::Cell<bool>);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set(true);
        }
    }
}

impl Stmt {
    /// Runs to the next row or to the end.
    pub fn step(&self) -> c_int {
        let db = self.db();
        if db.broken.get() {
            return db.fail_code(INTERNAL);
        }
        if let StmtState::Over(_) = self.state.get() {
            self.rewind();
        }
        let Ok(mut inner) = self.inner.try_borrow_mut() else { return MISUSE };
        let starts = self.state.get() == StmtState::Ready;
        self.row_number.set(self.row_number.get() + 1);
        let program = std::sync::Arc::as_ptr(inner.program());
        if starts {
            self.outside.replace(Some(inner.outside()));
        }
        let result = {
            let _watch = Watch(&db.broken);
            inner.step()
        };
        if starts && program != std::sync::Arc::as_ptr(inner.program()) {
            self.column_texts.borrow_mut().clear();
            self.outside.replace(Some(inner.outside()));
        }
        drop(inner);
        if !matches!(result, Ok(StepResult::Row)) {
            crate::unlock_notify::statement_ended(db);
        }
        match result {
            Ok(StepResult::Row) => {
                self.state.set(StmtState::Row);
                db.error.borrow_mut().set_code(ROW);
                ROW
            }
            Ok(StepResult::Done) => {
                self.state.set(StmtState::Over(OK));
                db.error.borrow_mut().set_code(DONE);
                DONE
            }
            Err(error) => {
                let code = db.fail(&error);
                self.state.set(StmtState::Over(error.code().0));
                if self.legacy && !matches!(code & 0xff, crate::codes::BUSY | MISUSE) {
                    // What it was is told by the reset.
                    self.failure.replace(Some(error));
                    db.fail_code(crate::codes::ERROR)
                } else {
                    code
                }
            }
        }
    }

    /// Back to the beginning; answers how the last run ended, `None` if there was none.
    pub fn rewind(&self) -> Option<c_int> {
        let Ok(mut inner) = self.inner.try_borrow_mut() else { return Some(MISUSE) };
        inner.reset();
        drop(inner);
        self.outside.replace(None);
        crate::unlock_notify::statement_ended(self.db());
        self.row_number.set(self.row_number.get() + 1);
        if let Some(error) = self.failure.take() {
            self.db().fail(&error);
        }
        match self.state.replace(StmtState::Ready) {
            StmtState::Over(code) => Some(code),
            StmtState::Row => Some(OK),
            StmtState::Ready => None,
        }
    }

    /// It has been stepped and is not over.
    pub fn is_busy(&self) -> bool {
        match self.inner.try_borrow() {
            Ok(inner) => inner.is_running() && self.state.get() != StmtState::Ready,
            Err(_) => true,
        }
    }

    /// What it has done so far; nothing for one that is just being stepped, unless a tracer that is told of it asks.
    fn status(&self) -> StatementStatus {
        match self.inner.try_borrow() {
            Ok(inner) => inner.status(),
            Err(_) => self.db().ask_traced(self.id, |traced| traced.status).unwrap_or_default(),
        }
    }

    /// Bytes that it holds, roughly.
    pub fn memory_used(&self) -> u64 {
        self.status().memory_used + size_of::<Stmt>() as u64
    }

    /// A counter of `sqlite3_stmt_status` since its last reset.
    pub fn counter(&self, number: c_int, reset: bool) -> u64 {
        let status = self.status();
        let now = match number {
            1 => status.counters.fullscan_steps,
            2 => status.counters.sorts,
            3 => status.counters.auto_index_rows,
            4 => status.vm_steps,
            5 => status.reprepares,
            6 => status.runs,
            7 => status.counters.filter_misses,
            8 => status.counters.filter_hits,
            _ => return 0,
        };
        let mut before = self.reset_counters.borrow_mut();
        let Some(before) = before.get_mut(number as usize) else { return 0 };
        let since = now.saturating_sub(*before);
        if reset {
            *before += since;
        }
        since
    }

    /// The text with the values of its parameters in the places of the parameters.
    pub fn expanded_sql(&self) -> Option<Vec<u8>> {
        match self.inner.try_borrow() {
            Ok(inner) => Some(inner.expanded_sql()),
            Err(_) => self.outside.borrow().as_ref().map(Outside::expanded_sql),
        }
    }
}

/// Answers the code of the last run as a reset or finalize does; it becomes the last result of the connection, whose text stays
/// where it is the same. Without a run nothing changes.
fn end_of_run(db: &Db, code: Option<c_int>) -> c_int {
    let Some(code) = code else { return OK };
    if code == OK {
        db.error.borrow_mut().clear();
    } else if db.error.borrow().code() != code {
        db.fail_code(code);
    }
    db.shown(code)
}

entry! {
    /// Runs to the next row or to the end.
    fn sqlite3_step(stmt: Handle<Stmt>) -> c_int | INTERNAL; { stmt.required().map_or(MISUSE, Stmt::step) }

    /// Back to the beginning.
    fn sqlite3_reset(stmt: Handle<Stmt>) -> c_int | INTERNAL; {
        stmt.get().map_or(OK, |stmt| {
            let code = stmt.rewind();
            end_of_run(stmt.db(), code)
        })
    }

    /// Ends a statement. NULL is fine.
    fn sqlite3_finalize(stmt: Bare<Stmt>) -> c_int | INTERNAL; {
        let Some(known) = stmt.get() else { return OK };
        if !crate::handle::Checked::is_live(known) {
            return MISUSE;
        }
        let db = known.db;
        let code = {
            let _entered = crate::handle::Entered::new(known.db());
            if known.inner.try_borrow_mut().is_err() {
                return MISUSE;
            }
            let code = known.rewind();
            let code = end_of_run(known.db(), code);
            known.free();
            code
        };
        crate::open::free_if_zombie(db);
        code
    }

    /// Number of values in the current row.
    fn sqlite3_data_count(stmt: Handle<Stmt>) -> c_int | 0; {
        stmt.get().filter(|stmt| stmt.state.get() == StmtState::Row).map_or(0, Stmt::column_count)
    }

    /// Number of columns.
    fn sqlite3_column_count(stmt: Handle<Stmt>) -> c_int | 0; { stmt.get().map_or(0, Stmt::column_count) }

    /// It has been stepped and is not over.
    fn sqlite3_stmt_busy(stmt: Handle<Stmt>) -> c_int | 0; {
        stmt.get().is_some_and(Stmt::is_busy).into()
    }

    /// It cannot change a database.
    fn sqlite3_stmt_readonly(stmt: Bare<Stmt>) -> c_int | 1; {
        stmt.live().is_none_or(|stmt| stmt.facts.reads_only).into()
    }

    /// 1 for EXPLAIN, 2 for EXPLAIN QUERY PLAN.
    fn sqlite3_stmt_isexplain(stmt: Bare<Stmt>) -> c_int | 0; {
        stmt.live().map_or(0, |stmt| stmt.facts.explains.load(Ordering::Relaxed).into())
    }

    /// Turns a statement into its EXPLAIN, or back.
    fn sqlite3_stmt_explain(stmt: Handle<Stmt>, mode: i32) -> c_int | INTERNAL; {
        let Some(stmt) = stmt.required() else { return MISUSE };
        let db = stmt.db();
        let Ok(mode) = u8::try_from(mode) else { return db.fail_code(crate::codes::ERROR) };
        if mode > 2 {
            return db.fail_code(crate::codes::ERROR);
        }
        let Ok(mut inner) = stmt.inner.try_borrow_mut() else { return MISUSE };
        let turned = inner.set_explain_mode(mode);
        stmt.facts.explains.store(inner.explain_mode(), Ordering::Relaxed);
        drop(inner);
        stmt.column_texts.borrow_mut().clear();
        db.outcome(turned)
    }

    /// The connection of a statement.
    fn sqlite3_db_handle(stmt: Bare<Stmt>) -> *mut Db | null_mut(); {
        stmt.get().map_or(null_mut(), |stmt| stmt.db.as_ptr())
    }

    /// The statement after this one, newest first; the first for NULL.
    fn sqlite3_next_stmt(db: Handle<Db>, stmt: Bare<Stmt>) -> *mut Stmt | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let statements = db.statements.borrow();
        let end = match stmt.get() {
            None => statements.len(),
            Some(stmt) => match statements.iter().position(|s| s.as_ptr() == stmt.as_ptr()) {
                Some(at) => at,
                None => return null_mut(),
            },
        };
        end.checked_sub(1).and_then(|at| statements.get(at)).map_or(null_mut(), |s| s.as_ptr())
    }

    /// A counter of a statement.
    fn sqlite3_stmt_status(stmt: Handle<Stmt>, counter: i32, reset: i32) -> c_int | 0; {
        let Some(stmt) = stmt.get() else { return 0 };
        let value = if counter == MEMORY_USED { stmt.memory_used() } else { stmt.counter(counter, reset != 0) };
        c_int::try_from(value).unwrap_or(c_int::MAX)
    }

    /// Obsolete: statements are prepared anew by themselves.
    fn sqlite3_expired(_stmt: Handle<Stmt>) -> c_int | 0; { 0 }
}

/// Runs all statements of a text, with a call for each row.
pub fn run(db: &Db, sql: &[u8], mut row: impl FnMut(&Stmt) -> bool) -> c_int {
    let mut rest = sql;
    while !rest.is_empty() {
        let mut pointer = std::ptr::null_mut();
        let (code, taken) = crate::prepare::prepare(db, rest, false, 0, Out::new(&mut pointer));
        if code != OK {
            return code;
        }
        rest = rest.get(taken..).unwrap_or_default();
        // SAFETY: NULL or made just now; freed below.
        let Some(stmt) = (unsafe { pointer.as_ref() }) else { continue };
        let code = loop {
            match stmt.step() {
                ROW if row(stmt) => {}
                ROW => {
                    stmt.free();
                    return db.fail_with(ResultCode::ABORT.0, "query aborted");
                }
                DONE => break OK,
                code => break code,
            }
        };
        stmt.free();
        if code != OK {
            return code;
        }
        while let [b' ' | b'\t' | b'\n' | b'\r' | 0x0c, tail @ ..] = rest {
            rest = tail;
        }
    }
    db.ok()
}

/// The message of the connection in memory of the interface, for `char **` arguments.
pub fn message_copy(db: &Db) -> *mut c_char {
    crate::memory::copy_of(db.error.borrow().text())
}
