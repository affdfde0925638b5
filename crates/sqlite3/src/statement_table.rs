//! `sqlite_stmt`: the statements of a connection as a table.

use std::ptr::NonNull;
use std::sync::Arc;

use turso_core::Result;
use turso_value::Value;
use turso_vtab::{
    Answer, Argument, Arguments, Connected, Cursor, Module, ModuleKind, Output, Question, Session, VirtualTable,
};

use crate::handle::{Db, Stmt};

const DECLARATION: &str = "CREATE TABLE x(sql,ncol,ro,busy,nscan,nsort,naidx,nstep,reprep,run,mem)";
/// The counters of `sqlite3_stmt_status` behind the first four columns.
const COUNTERS: [i32; 6] = [1, 2, 3, 4, 5, 6];

/// The module, of one connection.
#[derive(Clone, Copy)]
pub struct Statements(NonNull<Db>);

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for Statements {}
// SAFETY: as above.
unsafe impl Sync for Statements {}

impl Statements {
    /// Of this connection, whose modules go before it does.
    pub fn of(db: NonNull<Db>) -> Self {
        Self(db)
    }

    fn rows(&self) -> Vec<[Value; 11]> {
        // SAFETY: a module is asked within a call of its connection.
        let statements = unsafe { self.0.as_ref() }.statements.borrow().clone();
        // SAFETY: a statement is in the list as long as it lives.
        statements.iter().rev().map(|stmt| row_of(unsafe { stmt.as_ref() })).collect()
    }
}

fn row_of(stmt: &Stmt) -> [Value; 11] {
    let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let [scans, sorts, indexes, steps, prepared_anew, runs] =
        COUNTERS.map(|counter| number(stmt.counter(counter, false)));
    [
        Value::text(stmt.sql.as_bytes()),
        Value::Integer(stmt.column_count().into()),
        Value::Integer(stmt.facts.reads_only.into()),
        Value::Integer(stmt.is_busy().into()),
        scans,
        sorts,
        indexes,
        steps,
        prepared_anew,
        runs,
        number(stmt.memory_used()),
    ]
}

impl Module for Statements {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        Ok(Connected::new(Arc::new(*self), DECLARATION))
    }
}

impl VirtualTable for Statements {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        (answer.cost, answer.rows) = (500.0, 500);
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(Scan { statements: *self, rows: Vec::new(), at: 0 }))
    }
}

/// A scan over what the statements were when it began.
struct Scan {
    statements: Statements,
    rows: Vec<[Value; 11]>,
    at: usize,
}

impl Cursor for Scan {
    fn filter(&mut self, _: &mut dyn Session, _: i32, _: Option<&str>, _: &[Argument]) -> Result<()> {
        (self.rows, self.at) = (self.statements.rows(), 0);
        Ok(())
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.at += 1;
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.at >= self.rows.len()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        *output.value = self.rows.get(self.at).and_then(|row| row.get(index)).cloned().unwrap_or_default();
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.at as i64 + 1)
    }
}
