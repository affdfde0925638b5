//! What a face may ask about a connection's databases and tables.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_io::File;
use turso_storage::GuestFile;
use turso_storage::pager::CacheCounts;

use super::Connection;

/// What is known about a column of a table (`sqlite3_table_column_metadata`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMetadata {
    /// The declared type.
    pub declared_type: Option<String>,
    /// The collation of its comparisons.
    pub collation: String,
    /// NOT NULL.
    pub not_null: bool,
    /// Part of the PRIMARY KEY.
    pub primary_key: bool,
    /// AUTOINCREMENT.
    pub autoincrement: bool,
}

/// What a connection has begun on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionState {
    /// Nothing.
    None = 0,
    /// It reads from a snapshot.
    Read = 1,
    /// It holds the write lock.
    Write = 2,
}

impl Connection {
    /// What the page caches of all databases hold and have done since the connection was opened, or since the counters were reset.
    pub fn cache_counts(&self) -> CacheCounts {
        let state = self.lock();
        let mut sum = CacheCounts::default();
        for counts in state.databases.iter().map(|entry| entry.pager.cache_counts()) {
            sum.resident_bytes += counts.resident_bytes;
            sum.hits += counts.hits;
            sum.misses += counts.misses;
            sum.writes += counts.writes;
            sum.spills += counts.spills;
        }
        sum
    }

    /// Changes the counters of each database's cache.
    pub fn reset_cache_counts(&self, reset: fn(&mut CacheCounts)) {
        for entry in &mut self.lock().databases {
            entry.pager.reset_cache_counts(reset);
        }
    }

    /// Bytes that statements and temporary tables have written to temporary files; counted anew after this with `reset`.
    pub fn temp_bytes_spilled(&self, reset: bool) -> u64 {
        self.lock().temp_space.as_ref().map_or(0, |space| space.spilled(reset))
    }

    /// Lets go of pages that can be read again (`PRAGMA shrink_memory`); nothing happens while a statement runs.
    pub fn release_memory(&self) {
        self.lock().release_memory(0);
    }

    /// Bytes of the texts of the catalogues, roughly what they take.
    pub fn schema_bytes(&self) -> u64 {
        let state = self.lock();
        state.databases.iter().filter_map(|entry| entry.schema.as_ref()).map(|schema| schema.approximate_bytes()).sum()
    }

    /// Sets what [`Connection::last_insert_rowid`] answers.
    pub fn set_last_insert_rowid(&self, rowid: i64) {
        self.lock().environment.counters.last_insert_rowid = rowid;
    }

    /// Rows that break a foreign key whose check is put off to the end of the transaction.
    pub fn deferred_violations(&self) -> i64 {
        self.lock().deferred_violations
    }

    /// Follow the actions of foreign keys (`ON DELETE CASCADE` and its kin), or let all of them behave as NO ACTION.
    pub fn set_foreign_key_actions(&self, on: bool) {
        let mut state = self.lock();
        if state.settings.no_foreign_key_actions == on {
            state.settings.no_foreign_key_actions = !on;
            state.generation = state.generation.wrapping_add(1);
        }
    }

    /// A database, by its number in [`Connection::databases`], cannot be written.
    pub fn is_read_only(&self, database: usize) -> Option<bool> {
        let state = self.lock();
        let entry = state.databases.get(database)?;
        Some(entry.pager.database_file().is_some_and(|file| file.is_read_only()))
    }

    /// The open file of a database, by its number in [`Connection::databases`], as a holder of locks beside its connections.
    pub fn file(&self, database: usize) -> Option<Arc<dyn File>> {
        let state = self.lock();
        let file = state.databases.get(database)?.pager.database_file()?.clone();
        Some(Arc::new(GuestFile::new(file)))
    }

    /// Another process has a transaction open on a database in WAL mode, by its number in [`Connection::databases`].
    pub fn is_read_elsewhere(&self, database: usize) -> bool {
        let state = self.lock();
        let file = state.databases.get(database).and_then(|entry| entry.pager.database_file());
        file.is_some_and(|file| file.log_is_read_elsewhere())
    }

    /// The log of a database, by its number in [`Connection::databases`], stays when this connection goes as the last one.
    pub fn leave_log(&self, database: usize, leave: bool) {
        if let Some(entry) = self.lock().databases.get_mut(database) {
            entry.pager.leave_log(leave);
        }
    }

    /// A database, by its number in [`Connection::databases`], is no longer read or written by this connection; false where it
    /// is in memory.
    pub fn sever(&self, database: usize) -> bool {
        let mut state = self.lock();
        let entry = state.databases.get_mut(database).filter(|entry| entry.pager.database_file().is_some());
        entry.map(|entry| entry.pager.sever()).is_some()
    }

    /// Bytes at the end of each page of a database, by its number in [`Connection::databases`], that are left to extensions. More
    /// of them can be asked for: they are there once the database is made, or made anew by VACUUM. Answers what was asked for, or
    /// is there, before.
    pub fn reserved_bytes(&self, database: usize, wanted: Option<u8>) -> Option<u8> {
        let mut state = self.lock();
        let entry = state.databases.get_mut(database)?;
        let before = entry.reserved_wanted.max(entry.pager.header().reserved);
        if let Some(wanted) = wanted {
            entry.reserved_wanted = wanted;
            entry.pager.set_initial_header(|header| {
                if super::vacuum::has_room(header.page_size, wanted) {
                    header.reserved = wanted;
                }
            });
        }
        Some(before)
    }

    /// A number that changes when somebody else has changed a database, by its number in [`Connection::databases`].
    pub fn data_version(&self, database: usize) -> Option<u32> {
        let state = self.lock();
        Some(state.databases.get(database)?.pager.data_version())
    }

    /// A number that changes when anybody, this connection too, has changed a database, by its number in
    /// [`Connection::databases`].
    pub fn content_version(&self, database: usize) -> Option<u32> {
        let state = self.lock();
        let pager = &state.databases.get(database)?.pager;
        Some(pager.data_version().wrapping_add(pager.change_epoch() as u32))
    }

    /// What has been begun on a database, by its number in [`Connection::databases`].
    pub fn transaction_state(&self, database: usize) -> Option<TransactionState> {
        let state = self.lock();
        let pager = &state.databases.get(database)?.pager;
        Some(if pager.in_write() {
            TransactionState::Write
        } else if pager.in_read() {
            TransactionState::Read
        } else {
            TransactionState::None
        })
    }

    /// What is known about a column. Without a database all are searched, `temp` first; without a column it is asked only whether
    /// the table exists.
    pub fn column_metadata(&self, database: Option<&str>, table: &str, column: Option<&str>) -> Result<ColumnMetadata> {
        let mut state = self.lock();
        loop {
            state.waiting = None;
            match state.ensure_schemas() {
                Err(Error::Pending) => state.wait_in_place()?,
                other => break other?,
            }
        }
        let wanted = |name: &str| database.is_none_or(|database| database.eq_ignore_ascii_case(name));
        // `temp` hides `main`, which hides what is attached.
        let order = [1, 0].into_iter().chain(2..state.databases.len());
        let found = order.filter_map(|i| state.databases.get(i)).filter(|db| wanted(&db.name)).find_map(|db| {
            match (&db.schema, database) {
                (Some(schema), Some(_)) => schema.qualified_table(table).cloned(),
                (Some(schema), None) => schema.table(table).cloned(),
                (None, _) => None,
            }
        });
        let unknown = || match column {
            Some(column) => Error::sql(format!("no such table column: {table}.{column}")),
            None => Error::sql(format!("no such table column: {table}.(null)")),
        };
        let table = found.filter(|t| !t.is_view()).ok_or_else(unknown)?;
        let rowid = |autoincrement| ColumnMetadata {
            declared_type: Some("INTEGER".into()),
            collation: "BINARY".into(),
            not_null: false,
            primary_key: true,
            autoincrement,
        };
        let Some(name) = column else {
            return Ok(ColumnMetadata { declared_type: None, primary_key: false, ..rowid(false) });
        };
        let Some(index) = table.column_index(name) else {
            let is_rowid = ["rowid", "oid", "_rowid_"].iter().any(|alias| alias.eq_ignore_ascii_case(name));
            if !is_rowid || !table.has_rowid() {
                return Err(unknown());
            }
            return match table.rowid_alias.and_then(|i| table.columns.get(i)) {
                Some(alias) => Ok(ColumnMetadata {
                    declared_type: alias.declared_type.as_deref().map(str::to_owned),
                    not_null: alias.not_null.is_some(),
                    ..rowid(table.autoincrement)
                }),
                None => Ok(rowid(false)),
            };
        };
        let column = table.columns.get(index).ok_or_else(unknown)?;
        Ok(ColumnMetadata {
            declared_type: column.declared_type.as_deref().map(str::to_owned),
            collation: column.collation_name().to_owned(),
            not_null: column.not_null.is_some(),
            primary_key: column.primary_key_position > 0,
            autoincrement: table.autoincrement && table.rowid_alias == Some(index),
        })
    }
}
