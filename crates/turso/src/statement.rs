//! Prepared statements.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turso_core::{Attempt, StepResult};

use crate::connection::Connection;
use crate::elsewhere::{elsewhere, idle};
use crate::error::{Error, Result};
use crate::params::{IntoParams, Params};
use crate::rows::{Column, Row, Rows};
use crate::value::Value;

/// A prepared statement. Clones share it.
#[derive(Clone, Debug)]
pub struct Statement {
    connection: Connection,
    inner: SharedStatement,
}

/// A statement of the engine, which the cache of a connection, its users and jobs elsewhere hold.
pub(crate) type SharedStatement = Arc<Mutex<turso_core::Statement>>;

impl Statement {
    pub(crate) fn new(connection: Connection, inner: SharedStatement) -> Self {
        Self { connection, inner }
    }

    pub(crate) fn shared(&self) -> &SharedStatement {
        &self.inner
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, turso_core::Statement> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reset, bind, and answer a guard that ends the run when it is dropped.
    async fn start(&self, params: impl IntoParams) -> Result<Run> {
        let params = params.into_params()?;
        idle(self.connection.inner()).await;
        self.connection.settle_dangling().await?;
        let mut statement = self.lock();
        statement.reset();
        statement.clear_bindings();
        bind(&mut statement, params)?;
        drop(statement);
        Ok(Run { statement: self.clone(), phase: Phase::BetweenRows, elsewhere: false })
    }

    /// Run it and read its rows one by one.
    pub async fn query(&mut self, params: impl IntoParams) -> Result<Rows> {
        Ok(Rows::new(self.start(params).await?))
    }

    /// Run it to its end. Answers the number of rows changed.
    pub async fn execute(&mut self, params: impl IntoParams) -> Result<u64> {
        let mut run = self.start(params).await?;
        match run.step().await? {
            StepResult::Row => Err(Error::Misuse("unexpected row during execution".into())),
            StepResult::Done => Ok(if self.lock().is_readonly() { 0 } else { self.connection.changes() }),
        }
    }

    /// Run it and read its first row.
    pub async fn query_row(&mut self, params: impl IntoParams) -> Result<Row> {
        let mut rows = self.query(params).await?;
        rows.next().await?.ok_or(Error::QueryReturnedNoRows)
    }

    /// Number of result columns.
    pub fn column_count(&self) -> usize {
        self.lock().column_count()
    }

    /// Name of a result column.
    pub fn column_name(&self, index: usize) -> Result<String> {
        self.lock().column_name(index).map(str::to_owned).ok_or_else(|| Error::Misuse(format!("no column {index}")))
    }

    /// Names of the result columns.
    pub fn column_names(&self) -> Vec<String> {
        self.columns().iter().map(|c| c.name().to_owned()).collect()
    }

    /// Position of the result column with this name, in any letter case.
    pub fn column_index(&self, name: &str) -> Result<usize> {
        self.columns()
            .iter()
            .position(|c| c.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::Misuse(format!("no column named {name}")))
    }

    /// The result columns.
    pub fn columns(&self) -> Vec<Column> {
        let statement = self.lock();
        (0..statement.column_count())
            .map(|i| Column::new(statement.column_name(i).unwrap_or(""), statement.column_declared_type(i)))
            .collect()
    }

    /// When runs of this statement are to end with [`Error::Interrupt`]; a lock is waited for no longer than that. `None`: never.
    pub fn set_deadline(&self, deadline: Option<std::time::Instant>) {
        self.lock().set_deadline(deadline);
    }

    /// Back to the beginning.
    pub fn reset(&self) {
        self.lock().reset();
    }

    /// Rows changed by the last statement of the connection.
    pub fn n_change(&self) -> i64 {
        self.connection.changes() as i64
    }
}

fn bind(statement: &mut turso_core::Statement, params: Params) -> Result<()> {
    match params {
        Params::None => {}
        Params::Positional(values) => {
            for (i, value) in values.into_iter().enumerate() {
                let number = i + 1;
                statement
                    .bind(number, value.into_engine())
                    .map_err(|_| Error::Misuse(format!("bind index {number} is out of bounds")))?;
            }
        }
        Params::Named(values) => {
            for (name, value) in values {
                let number = statement
                    .parameter_index(&name)
                    .ok_or_else(|| Error::Misuse(format!("named parameter {name} not found")))?;
                statement.bind(number, value.into_engine())?;
            }
        }
    }
    Ok(())
}

/// A run in progress. Dropped while it waits, it undoes what the statement has done; a wait that is given up can be taken up
/// again.
#[derive(Debug)]
pub(crate) struct Run {
    pub statement: Statement,
    phase: Phase,
    /// A job steps the statement, and holds its lock.
    elsewhere: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    BetweenRows,
    Stepping,
    Over,
}

impl Run {
    /// To the next row or the end.
    pub async fn step(&mut self) -> Result<StepResult> {
        if self.phase == Phase::Over {
            return Ok(StepResult::Done);
        }
        self.phase = Phase::Stepping;
        if self.elsewhere {
            idle(self.statement.connection.inner()).await;
            self.elsewhere = false;
        }
        let outcome = step(&self.statement, &mut self.elsewhere).await;
        self.phase = if matches!(outcome, Ok(StepResult::Row)) { Phase::BetweenRows } else { Phase::Over };
        Ok(outcome?)
    }

    /// The current row.
    pub fn row(&self) -> Vec<Value> {
        self.statement.lock().row().iter().map(Value::from_engine).collect()
    }
}

/// To the next row or the end; `is_elsewhere` tells a caller that gives up whether a job goes on.
pub(crate) async fn step(statement: &Statement, is_elsewhere: &mut bool) -> turso_core::Result<StepResult> {
    loop {
        match poll_fn(|context| statement.lock().poll_step(context)).await {
            Attempt::Over(outcome) => return outcome,
            Attempt::MustBlock => {
                let inner = statement.inner.clone();
                *is_elsewhere = true;
                let attempt = elsewhere(statement.connection.inner(), move || {
                    inner.lock().unwrap_or_else(PoisonError::into_inner).try_step()
                });
                let outcome = attempt.await;
                *is_elsewhere = false;
                match outcome {
                    Err(turso_core::Error::Pending) => {}
                    outcome => return outcome,
                }
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let undo = match self.phase {
            Phase::Over => return,
            Phase::Stepping => turso_core::Statement::abandon,
            Phase::BetweenRows => turso_core::Statement::reset,
        };
        // What is given up may be a commit that was handed over, whose end has to be waited for.
        if self.elsewhere || self.phase == Phase::Stepping {
            let inner = self.statement.inner.clone();
            let work = move || undo(&mut inner.lock().unwrap_or_else(PoisonError::into_inner));
            self.statement.connection.inner().run_elsewhere(work);
        } else {
            undo(&mut self.statement.lock());
        }
    }
}
