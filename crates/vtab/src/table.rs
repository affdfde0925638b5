//! Virtual tables.

use turso_error::Result;
use turso_functions::Function;
use turso_value::Value;

use crate::{Answer, Cursor, Question, Session};

/// What to do about a row that breaks a constraint (`sqlite3_vtab_on_conflict`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OnConflict {
    Rollback,
    Ignore,
    Fail,
    Abort,
    Replace,
}

/// One change of a table (`xUpdate`).
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Remove the row with this rowid (of a WITHOUT ROWID table: this PRIMARY KEY).
    Delete {
        /// The key.
        key: &'a Value,
    },
    /// Add a row.
    Insert {
        /// The rowid wanted; NULL: the table chooses. NULL too for WITHOUT ROWID tables.
        rowid: &'a Value,
        /// All columns, hidden ones included.
        columns: &'a [Value],
    },
    /// Change the row with this key.
    Update {
        /// The key.
        key: &'a Value,
        /// The new rowid; of a WITHOUT ROWID table the new PRIMARY KEY.
        new_key: &'a Value,
        /// All columns.
        columns: &'a [Value],
        /// Those that stay as they are, by position. A value that a cursor has not told for this reason is NULL.
        unchanged: &'a [bool],
    },
}

/// What [`VirtualTable::find_function`] says about a function.
pub struct Overload {
    /// The function to be called in its place.
    pub function: Function,
    /// The number of its constraint in `best_index`, from 150 on; 0: it is none.
    pub constraint: u8,
}

/// A virtual table of one connection.
pub trait VirtualTable: Send + Sync {
    /// How the table would scan. `None`: not with these constraints (`SQLITE_CONSTRAINT`).
    fn best_index(&self, question: &Question) -> Result<Option<Answer>>;

    /// [`best_index`](Self::best_index) may run statements on the table's connection, which has its price for each statement.
    fn plans_with_connection(&self) -> bool {
        false
    }

    /// A new cursor, on no row.
    fn open(&self, session: &mut dyn Session) -> Result<Box<dyn Cursor>>;

    /// DROP TABLE: remove whatever the table keeps outside of itself. Nothing of the table is called after that.
    fn destroy(&self, session: &mut dyn Session) -> Result<()> {
        let _ = session;
        Ok(())
    }

    /// Rows may be changed at all.
    fn is_writable(&self) -> bool {
        false
    }

    /// Make one change. The rowid of a row that was inserted.
    fn update(&self, session: &mut dyn Session, change: &Change<'_>, on_conflict: OnConflict) -> Result<i64> {
        let _ = (session, change, on_conflict);
        Ok(0)
    }

    /// A function whose first argument is a column of this table, as the table would have it.
    fn find_function(&self, name: &str, arguments: usize) -> Option<Overload> {
        let _ = (name, arguments);
        None
    }

    /// ALTER TABLE RENAME: rename whatever bears the table's name.
    fn rename(&self, session: &mut dyn Session, name: &str) -> Result<()> {
        let _ = (session, name);
        Ok(())
    }

    /// `PRAGMA integrity_check`: what is wrong with the table, if anything.
    fn integrity(&self, session: &mut dyn Session, quick: bool) -> Result<Option<String>> {
        let _ = (session, quick);
        Ok(None)
    }

    // ---- Transactions -----------------------------------------------------------------------------------------------

    /// The methods below are to be called: the table takes part in transactions.
    fn is_transactional(&self) -> bool {
        false
    }

    /// A transaction begins in which the table may be changed. Not called in the one in which the table is created: it takes part
    /// in that as it is, and hears how it ends. DROP TABLE and ALTER TABLE RENAME do not call it either.
    fn begin(&self, session: &mut dyn Session) -> Result<()> {
        let _ = session;
        Ok(())
    }

    /// First part of a commit: may fail.
    fn sync(&self, session: &mut dyn Session) -> Result<()> {
        let _ = session;
        Ok(())
    }

    /// Second part of a commit.
    fn commit(&self, session: &mut dyn Session) {
        let _ = session;
    }

    /// The transaction is undone.
    fn rollback(&self, session: &mut dyn Session) {
        let _ = session;
    }

    /// Savepoint number `level` begins.
    fn savepoint(&self, session: &mut dyn Session, level: i32) -> Result<()> {
        let _ = (session, level);
        Ok(())
    }

    /// Savepoint number `level` and those inside it are no longer needed.
    fn release(&self, session: &mut dyn Session, level: i32) -> Result<()> {
        let _ = (session, level);
        Ok(())
    }

    /// What changed since savepoint number `level` is undone; the savepoint stays.
    fn rollback_to(&self, session: &mut dyn Session, level: i32) -> Result<()> {
        let _ = (session, level);
        Ok(())
    }
}
