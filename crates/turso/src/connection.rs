//! Connections.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use turso_core::{Attempt, StepResult};

use crate::elsewhere::{close, elsewhere, idle};
use crate::error::{Error, Result};
use crate::params::IntoParams;
use crate::rows::{Row, Rows};
use crate::statement::{SharedStatement, Statement, step};
use crate::transaction::{Transaction, TransactionBehavior};
use crate::value::Value;

/// No transaction was left behind.
const SETTLED: u8 = 0;
/// One was dropped and has to be rolled back.
const ROLL_BACK: u8 = 1;
/// One was dropped and has to be committed.
const COMMIT: u8 = 2;

/// Statements that [`Connection::prepare_cached`] keeps.
const CACHED_STATEMENTS: usize = 128;

/// The pause before a transaction that met a conflict is run again, and how long it grows.
const FIRST_PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// Some time between half of `pause` and all of it, so that those who met do not meet again.
async fn sleep(pause: Duration) {
    let drawn = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), pause);
    let until = Instant::now() + pause / 2 + (pause / 2).mul_f64((drawn % 1024) as f64 / 1024.0);
    poll_fn(|context| {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return std::task::Poll::Ready(());
        }
        turso_core::wake_after(left, context.waker().clone());
        std::task::Poll::Pending
    })
    .await;
}

/// A session on a database. Clones share the session: its statements take turns.
#[derive(Clone)]
pub struct Connection {
    inner: turso_core::Connection,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    dangling: AtomicU8,
    behavior: Mutex<TransactionBehavior>,
    /// Not [`Statement`]s, which would keep this connection open.
    cache: Mutex<HashMap<String, SharedStatement>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(crate) fn new(inner: turso_core::Connection) -> Self {
        Self { inner, shared: Arc::default() }
    }

    pub(crate) fn inner(&self) -> &turso_core::Connection {
        &self.inner
    }

    /// Run a query and read its rows one by one.
    pub async fn query(&self, sql: impl AsRef<str>, params: impl IntoParams) -> Result<Rows> {
        self.prepare(sql).await?.query(params).await
    }

    /// Run a statement to its end. Answers the number of rows changed.
    pub async fn execute(&self, sql: impl AsRef<str>, params: impl IntoParams) -> Result<u64> {
        self.prepare(sql).await?.execute(params).await
    }

    /// Run all statements of a text; rows are dropped.
    pub async fn execute_batch(&self, sql: impl AsRef<str>) -> Result<()> {
        let mut rest = sql.as_ref();
        while !rest.is_empty() {
            let (statement, tail) = self.prepare_first(rest).await?;
            if let Some(mut statement) = statement {
                let mut rows = statement.query(()).await?;
                while rows.next().await?.is_some() {}
            }
            rest = rest.get(tail..).unwrap_or("");
        }
        Ok(())
    }

    /// Prepare a statement.
    pub async fn prepare(&self, sql: impl AsRef<str>) -> Result<Statement> {
        let (statement, _) = self.prepare_first(sql.as_ref()).await?;
        statement.ok_or_else(|| Error::Misuse("the text holds no statement".into()))
    }

    async fn prepare_first(&self, sql: &str) -> Result<(Option<Statement>, usize)> {
        let prepared = loop {
            match poll_fn(|context| self.inner.poll_prepare(context, sql.as_bytes())).await {
                Attempt::Over(outcome) => break outcome?,
                Attempt::MustBlock => {
                    let (connection, text) = (self.inner.clone(), sql.to_owned());
                    match elsewhere(&self.inner, move || connection.try_prepare(text)).await {
                        Err(turso_core::Error::Pending) => {}
                        outcome => break outcome?,
                    }
                }
            }
        };
        let shared = |statement| Statement::new(self.clone(), Arc::new(Mutex::new(statement)));
        Ok((prepared.statement.map(shared), prepared.tail))
    }

    /// Prepare a statement, or take it from the cache of this connection, which keeps a bounded number of them.
    pub async fn prepare_cached(&self, sql: impl AsRef<str>) -> Result<Statement> {
        let sql = sql.as_ref();
        idle(&self.inner).await;
        let cached = self.shared.cache.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(cached) = cached {
            let statement = Statement::new(self.clone(), cached);
            if !statement.lock().is_running() {
                return Ok(statement);
            }
        }
        let statement = self.prepare(sql).await?;
        let mut cache = self.shared.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED_STATEMENTS {
            cache.clear();
        }
        cache.insert(sql.to_owned(), statement.shared().clone());
        Ok(statement)
    }

    /// Read a pragma: `visit` sees each row.
    pub async fn pragma_query<F>(&self, name: &str, mut visit: F) -> Result<()>
    where
        F: FnMut(&Row) -> Result<()>,
    {
        let mut rows = self.query(format!("PRAGMA {name}"), ()).await?;
        while let Some(row) = rows.next().await? {
            visit(&row)?;
        }
        Ok(())
    }

    /// Set a pragma. Answers the rows that it returns.
    pub async fn pragma_update(&self, name: &str, value: impl Into<Value>) -> Result<Vec<Row>> {
        let value = match value.into() {
            Value::Null => "NULL".to_owned(),
            Value::Integer(i) => i.to_string(),
            Value::Real(r) => r.to_string(),
            Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Value::Blob(_) => return Err(Error::Misuse("a pragma takes no blob".into())),
        };
        let mut rows = self.query(format!("PRAGMA {name} = {value}"), ()).await?;
        let mut result = Vec::new();
        while let Some(row) = rows.next().await? {
            result.push(row);
        }
        Ok(result)
    }

    /// Close the connection, if this is its last clone and no statement is left: what that has to write (the last connection
    /// of a database copies its log) is awaited, where dropping it would block.
    pub async fn close(self) {
        let Self { inner, shared } = self;
        idle(&inner).await;
        // The statements kept for another use hold the connection as well.
        drop(shared);
        close(inner).await;
    }

    /// Begin a transaction with the connection's behaviour.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>> {
        let behavior = *self.shared.behavior.lock().unwrap_or_else(PoisonError::into_inner);
        Transaction::new(self, behavior).await
    }

    /// Begin a transaction.
    pub async fn transaction_with_behavior(&mut self, behavior: TransactionBehavior) -> Result<Transaction<'_>> {
        Transaction::new(self, behavior).await
    }

    /// Run `work` in a transaction begun with `BEGIN CONCURRENT` and commit it. Where it meets a conflict with another one, or a
    /// lock that is not free in time, it is rolled back and run again after a pause that grows, for `limit` at most; then the
    /// last error is answered. Any other error rolls back and is answered at once.
    pub async fn concurrently<T>(
        &mut self,
        limit: Duration,
        mut work: impl AsyncFnMut(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let until = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        loop {
            let transaction = Transaction::new(self, TransactionBehavior::Concurrent).await?;
            let outcome = match work(&transaction).await {
                Ok(value) => transaction.commit().await.map(|()| value),
                Err(error) => {
                    // The error that is answered is the one of the work.
                    let _ = transaction.rollback().await;
                    Err(error)
                }
            };
            match outcome {
                Err(Error::BusySnapshot(_) | Error::Busy(_)) if Instant::now() + pause < until => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    /// Begin a transaction on a shared connection; one that is open already is an error at run time.
    pub async fn unchecked_transaction(&self) -> Result<Transaction<'_>> {
        let behavior = *self.shared.behavior.lock().unwrap_or_else(PoisonError::into_inner);
        Transaction::new_unchecked(self, behavior).await
    }

    /// How [`transaction`](Self::transaction) begins from now on.
    pub fn set_transaction_behavior(&self, behavior: TransactionBehavior) {
        *self.shared.behavior.lock().unwrap_or_else(PoisonError::into_inner) = behavior;
    }

    /// The rowid of the last insert.
    pub fn last_insert_rowid(&self) -> i64 {
        self.inner.last_insert_rowid()
    }

    pub(crate) fn changes(&self) -> u64 {
        u64::try_from(self.inner.changes()).unwrap_or(0)
    }

    /// No explicit transaction is open.
    pub fn is_autocommit(&self) -> Result<bool> {
        Ok(self.inner.is_autocommit() || self.shared.dangling.load(Ordering::Acquire) != SETTLED)
    }

    /// How long locks are waited for; zero: not at all.
    pub fn busy_timeout(&self, timeout: Duration) -> Result<()> {
        self.inner.set_busy_timeout(timeout);
        Ok(())
    }

    /// Make running statements end with [`Error::Interrupt`] soon.
    pub fn interrupt(&self) {
        self.inner.interrupt();
    }

    pub(crate) fn set_dangling(&self, commit: bool) {
        self.shared.dangling.store(if commit { COMMIT } else { ROLL_BACK }, Ordering::Release);
    }

    /// Finish the transaction that was dropped open, before anything else runs.
    pub(crate) async fn settle_dangling(&self) -> Result<()> {
        let sql = match self.shared.dangling.swap(SETTLED, Ordering::AcqRel) {
            ROLL_BACK => "ROLLBACK",
            COMMIT => "COMMIT",
            _ => return Ok(()),
        };
        if self.inner.is_autocommit() {
            return Ok(());
        }
        let (statement, _) = self.prepare_first(sql).await?;
        if let Some(statement) = statement {
            let outcome = step(&statement, &mut false).await;
            debug_assert!(!matches!(outcome, Ok(StepResult::Row)), "no rows from {sql}");
            outcome?;
        }
        Ok(())
    }
}
