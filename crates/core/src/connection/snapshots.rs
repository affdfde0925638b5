//! Snapshots by name: the state that a transaction reads, to be read again by another one (`sqlite3_snapshot_get`).

use turso_error::{Error, Result, ResultCode};
use turso_storage::SnapshotId;

use super::{Connection, State};

#[cold]
fn refused() -> Error {
    Error::from_code(ResultCode::ERROR)
}

impl State {
    /// A database in which the open transaction has not written.
    fn database_read(&self, name: &str) -> Result<usize> {
        let found = self.find_database(name).filter(|db| *db != 1);
        let found = found.filter(|db| self.databases.get(*db).is_some_and(|entry| !entry.pager.in_write()));
        found.ok_or_else(refused)
    }

    fn read_in_place(&mut self, db: usize) -> Result<()> {
        loop {
            match self.begin_read(db) {
                Err(Error::Pending) => self.wait_in_place()?,
                other => return other,
            }
        }
    }
}

impl Connection {
    /// What the open transaction reads, beginning now if it has not begun to. Only of databases with a log that is not empty.
    pub fn snapshot(&self, database: &str) -> Result<SnapshotId> {
        let mut state = self.lock();
        state.usable()?;
        let db = state.database_read(database)?;
        if state.autocommit {
            return Err(refused());
        }
        state.read_in_place(db)?;
        let entry = state.databases.get_mut(db).ok_or_else(refused)?;
        entry.snapshot_used = true;
        entry.pager.snapshot_id().ok_or_else(refused)
    }

    /// From now on the open transaction reads this state; no statement may be running. `SQLITE_ERROR_SNAPSHOT` where the log no
    /// longer has it.
    pub fn read_snapshot(&self, database: &str, id: &SnapshotId) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        let db = state.database_read(database)?;
        if state.autocommit || state.active_statements > 0 {
            return Err(refused());
        }
        let entry = state.databases.get_mut(db).ok_or_else(refused)?;
        entry.snapshot_used = false;
        entry.pager.begin_read_at(id)?;
        // It does not move to a newer one.
        entry.snapshot_used = true;
        Ok(())
    }

    /// After a crash: what a checkpoint had begun to copy is looked at, so that snapshots which it has left whole can be read.
    pub fn recover_snapshots(&self, database: &str) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        let db = state.database_read(database)?;
        let entry = state.databases.get_mut(db).ok_or_else(refused)?;
        entry.pager.recover_snapshots()
    }
}
