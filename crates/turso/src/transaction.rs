//! Transactions.

use std::ops::Deref;

use crate::connection::Connection;
use crate::error::Result;
use crate::statement::Statement;

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransactionBehavior {
    /// Locks are taken when they are needed.
    #[default]
    Deferred,
    /// The write lock is taken at once.
    Immediate,
    /// As immediate; in rollback modes readers are shut out too.
    Exclusive,
    /// Writes beside other writers; conflicts show at commit.
    Concurrent,
}

impl TransactionBehavior {
    pub(crate) fn begin(self) -> &'static str {
        match self {
            TransactionBehavior::Deferred => "BEGIN DEFERRED",
            TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
            TransactionBehavior::Exclusive => "BEGIN EXCLUSIVE",
            TransactionBehavior::Concurrent => "BEGIN CONCURRENT",
        }
    }
}

/// What becomes of a transaction that is dropped without having been finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DropBehavior {
    /// It is rolled back.
    #[default]
    Rollback,
    /// It is committed.
    Commit,
    /// It stays open.
    Ignore,
    /// That is a programming error.
    Panic,
}

/// An open transaction.
///
/// Dropping it cannot wait, so what the drop behaviour asks for is done at the beginning of the next call on the connection.
#[derive(Debug)]
pub struct Transaction<'conn> {
    connection: &'conn Connection,
    behavior: DropBehavior,
    finished: bool,
}

impl<'conn> Transaction<'conn> {
    /// Begin a transaction.
    pub async fn new(connection: &'conn mut Connection, behavior: TransactionBehavior) -> Result<Transaction<'conn>> {
        Self::new_unchecked(connection, behavior).await
    }

    /// Begin a transaction on a connection that is shared; a transaction already open is an error at run time.
    pub async fn new_unchecked(
        connection: &'conn Connection,
        behavior: TransactionBehavior,
    ) -> Result<Transaction<'conn>> {
        connection.execute(behavior.begin(), ()).await?;
        Ok(Self { connection, behavior: DropBehavior::default(), finished: false })
    }

    /// Prepare a statement.
    pub async fn prepare(&self, sql: impl AsRef<str>) -> Result<Statement> {
        self.connection.prepare(sql).await
    }

    /// Make the changes durable.
    pub async fn commit(mut self) -> Result<()> {
        self.connection.execute("COMMIT", ()).await?;
        self.finished = true;
        Ok(())
    }

    /// Undo the changes.
    pub async fn rollback(mut self) -> Result<()> {
        self.roll_back().await
    }

    async fn roll_back(&mut self) -> Result<()> {
        self.finished = true;
        if self.connection.is_autocommit()? {
            return Ok(());
        }
        self.connection.execute("ROLLBACK", ()).await.map(drop)
    }

    /// Do what the drop behaviour says, now.
    pub async fn finish(mut self) -> Result<()> {
        match self.behavior {
            DropBehavior::Commit => self.commit().await,
            DropBehavior::Rollback => self.roll_back().await,
            DropBehavior::Ignore => {
                self.finished = true;
                Ok(())
            }
            DropBehavior::Panic => panic!("transaction dropped unexpectedly"),
        }
    }

    /// What happens when it is dropped.
    pub fn drop_behavior(&self) -> DropBehavior {
        self.behavior
    }

    /// Change what happens when it is dropped.
    pub fn set_drop_behavior(&mut self, behavior: DropBehavior) {
        self.behavior = behavior;
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        match self.behavior {
            DropBehavior::Ignore => {}
            DropBehavior::Panic if !std::thread::panicking() => panic!("transaction dropped unexpectedly"),
            DropBehavior::Commit => self.connection.set_dangling(true),
            DropBehavior::Rollback | DropBehavior::Panic => self.connection.set_dangling(false),
        }
    }
}
