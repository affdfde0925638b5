//! A session: records what changes in tables of one database of a connection.

use std::sync::Arc;

use turso_core::hooks::Preupdate;
use turso_core::{Connection, Error, Result, ResultCode};

use crate::format::Kind;
use crate::output::Output;
use crate::recorder::Shared;

/// Asked whether changes of a table that is not attached are recorded. It may use the connection, but not the session.
pub type TableFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Records changes until it is dropped. It keeps its connection open.
pub struct Session {
    connection: Connection,
    recorder: Shared,
    observer: u64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.remove_row_observer(self.observer);
    }
}

impl Session {
    /// A session on a database of the connection (`main`, `temp` or an attached one), with no table attached.
    pub fn new(connection: &Connection, database: &str) -> Self {
        let recorder = Shared::new(database);
        let (shared, weak) = (recorder.clone(), connection.downgrade());
        let observer = connection.add_row_observer(Arc::new(move |event: &Preupdate<'_>| shared.observe(&weak, event)));
        Self { connection: connection.clone(), recorder, observer }
    }

    /// Its connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Record changes of a table, or of all tables. One that does not exist, now or ever, or that has no primary key does no harm.
    pub fn attach(&self, table: Option<&str>) {
        match table {
            Some(table) => self.recorder.attach(table),
            None => self.recorder.lock().attaches_all = true,
        }
    }

    /// Record changes of all tables to which the filter agrees when they first change.
    pub fn set_table_filter(&self, filter: Option<TableFilter>) {
        let mut recorder = self.recorder.lock();
        recorder.attaches_all = true;
        recorder.filter = filter;
    }

    /// Changes are recorded.
    pub fn is_enabled(&self) -> bool {
        self.recorder.lock().enabled
    }

    /// Record changes from now on, or do not.
    pub fn set_enabled(&self, on: bool) {
        self.recorder.lock().enabled = on;
    }

    /// Changes count as indirect.
    pub fn is_indirect(&self) -> bool {
        self.recorder.lock().indirect
    }

    /// Let changes count as indirect from now on, or only those by triggers and foreign keys.
    pub fn set_indirect(&self, on: bool) {
        self.recorder.lock().indirect = on;
    }

    /// Tables without a primary key are recorded by rowid.
    pub fn records_rowids(&self) -> bool {
        self.recorder.lock().records_rowids
    }

    /// Record tables without a primary key by rowid. Not once a table is attached (`SQLITE_MISUSE`).
    pub fn set_records_rowids(&self, on: bool) -> Result<()> {
        self.before_tables()?;
        self.recorder.lock().records_rowids = on;
        Ok(())
    }

    /// [`Session::changeset_size`] answers.
    pub fn tells_size(&self) -> bool {
        self.recorder.lock().tells_size
    }

    /// Let [`Session::changeset_size`] answer. Not once a table is attached (`SQLITE_MISUSE`).
    pub fn set_tells_size(&self, on: bool) -> Result<()> {
        self.before_tables()?;
        self.recorder.lock().tells_size = on;
        Ok(())
    }

    fn before_tables(&self) -> Result<()> {
        match self.recorder.lock().tables.is_empty() {
            true => Ok(()),
            false => Err(Error::from_code(ResultCode::MISUSE)),
        }
    }

    /// Nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.recorder.lock().tables.iter().all(|table| table.rows.is_empty())
    }

    /// Bytes that it holds.
    pub fn memory_used(&self) -> usize {
        self.recorder.lock().memory_bytes()
    }

    /// Bytes of the changeset as it would be now; 0 unless [`Session::set_tells_size`] has asked for it.
    pub fn changeset_size(&self) -> usize {
        if self.tells_size() { self.changeset().map_or(0, |changeset| changeset.len()) } else { 0 }
    }

    /// All changes, with the values before them.
    pub fn changeset(&self) -> Result<Vec<u8>> {
        let mut output = Output::whole();
        self.write(Kind::Changeset, &mut output)?;
        output.finish()
    }

    /// All changes, without the values before them.
    pub fn patchset(&self) -> Result<Vec<u8>> {
        let mut output = Output::whole();
        self.write(Kind::Patchset, &mut output)?;
        output.finish()
    }

    /// All changes.
    pub fn write(&self, kind: Kind, output: &mut Output<'_>) -> Result<()> {
        crate::generate::write(&self.connection, &self.recorder, kind, output)
    }

    /// Record what turns the table of another database into the one of the same name that this session records.
    pub fn diff(&self, from_database: &str, table: &str) -> Result<()> {
        crate::diff::record(&self.connection, &self.recorder, from_database, table)
    }
}
