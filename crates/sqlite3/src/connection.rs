//! What can be asked of an open connection, and told it.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::time::Duration;

use crate::boundary::{Out, Text, entry};
use crate::codes::{Destructor, ERROR, INTERNAL, MISUSE, OK, destroy};
use crate::filename::FileName;
use crate::handle::{Bare, ClientData, Db, Handle};
use crate::mutex::sqlite3_mutex;

impl Db {
    /// The name under which a database of the connection is known, in memory that lives as long as the connection.
    fn schema_name(&self, index: usize) -> *const c_char {
        let databases = self.connection.databases();
        let Some((name, _)) = databases.get(index) else { return null() };
        let mut names = self.names.borrow_mut();
        let known = names.iter().position(|known| known.as_bytes() == name.as_bytes());
        let at = known.unwrap_or_else(|| {
            names.push(crate::error::c_string(name.as_bytes()));
            names.len() - 1
        });
        names.get(at).map_or(null(), |name| name.as_ptr())
    }

    fn file_name(&self, index: usize) -> *const c_char {
        if index == 0 {
            return self.filename.as_ptr();
        }
        // SQLite makes the temporary database when it is first used.
        if index == 1 && !self.connection.has_temporary_objects() {
            return null();
        }
        let databases = self.connection.databases();
        let Some((_, file)) = databases.get(index) else { return null() };
        let mut names = self.attached_names.borrow_mut();
        let known = names.iter().position(|(known, _)| known == file);
        let at = known.unwrap_or_else(|| {
            names.push((file.clone(), FileName::new(file.as_bytes(), &[])));
            names.len() - 1
        });
        names.get(at).map_or(null(), |(_, name)| name.as_ptr())
    }
}

fn narrow(value: i64) -> c_int {
    value as c_int
}

entry! {
    /// Rowid of the last insert.
    fn sqlite3_last_insert_rowid(db: Handle<Db>) -> i64 | 0; {
        db.get().map_or(0, |db| db.connection.last_insert_rowid())
    }

    /// Sets what `sqlite3_last_insert_rowid` answers.
    fn sqlite3_set_last_insert_rowid(db: Handle<Db>, rowid: i64) | (); {
        if let Some(db) = db.get() {
            db.connection.set_last_insert_rowid(rowid);
        }
    }

    /// Rows that the last statement changed.
    fn sqlite3_changes(db: Handle<Db>) -> c_int | 0; { db.get().map_or(0, |db| narrow(db.connection.changes())) }

    /// Rows that the last statement changed.
    fn sqlite3_changes64(db: Handle<Db>) -> i64 | 0; { db.get().map_or(0, |db| db.connection.changes()) }

    /// Rows changed since the connection was opened.
    fn sqlite3_total_changes(db: Handle<Db>) -> c_int | 0; {
        db.get().map_or(0, |db| narrow(db.connection.total_changes()))
    }

    /// Rows changed since the connection was opened.
    fn sqlite3_total_changes64(db: Handle<Db>) -> i64 | 0; { db.get().map_or(0, |db| db.connection.total_changes()) }

    /// Running statements end soon. Any thread may call it.
    fn sqlite3_interrupt(db: Bare<Db>) | (); {
        if let Some(db) = db.known() {
            db.connection.interrupt();
        }
    }

    /// Running statements have been asked to end.
    fn sqlite3_is_interrupted(db: Bare<Db>) -> c_int | 0; {
        db.known().is_some_and(|db| db.connection.is_interrupted()).into()
    }

    /// No transaction was begun by hand.
    fn sqlite3_get_autocommit(db: Handle<Db>) -> c_int | 0; {
        db.get().is_some_and(|db| db.connection.is_autocommit()).into()
    }

    /// How long locks are waited for.
    fn sqlite3_busy_timeout(db: Handle<Db>, milliseconds: i32) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        db.connection.set_busy_timeout(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)));
        OK
    }

    /// As `sqlite3_busy_timeout`, for locks that can be waited for without asking again and again: all of ours.
    fn sqlite3_setlk_timeout(db: Handle<Db>, milliseconds: i32, _flags: i32) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        if milliseconds < -1 {
            return crate::codes::RANGE;
        }
        db.connection.set_busy_timeout(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)));
        OK
    }

    /// The connection's mutex; NULL without serialization.
    fn sqlite3_db_mutex(db: Bare<Db>) -> *mut sqlite3_mutex | null_mut(); {
        db.known().map_or(null_mut(), |db| db.mutex)
    }

    /// Name of a database by number.
    fn sqlite3_db_name(db: Handle<Db>, index: i32) -> *const c_char | null(); {
        match (db.get(), usize::try_from(index)) {
            (Some(db), Ok(index)) => db.schema_name(index),
            _ => null(),
        }
    }

    /// File of a database; empty for memory.
    fn sqlite3_db_filename(db: Handle<Db>, name: Text) -> *const c_char | null(); {
        let Some(db) = db.get() else { return null() };
        db.database_index(name.bytes()).map_or(null(), |index| db.file_name(index))
    }

    /// 1 when a database cannot be written, 0 when it can, -1 when there is none of that name.
    fn sqlite3_db_readonly(db: Handle<Db>, name: Text) -> c_int | -1; {
        let Some(db) = db.get() else { return -1 };
        let index = db.database_index(name.bytes());
        index.and_then(|index| db.connection.is_read_only(index)).map_or(-1, c_int::from)
    }

    /// 0 no transaction, 1 reading, 2 writing; of all databases without a name.
    fn sqlite3_txn_state(db: Handle<Db>, name: Text) -> c_int | -1; {
        let Some(db) = db.get() else { return -1 };
        let state = |index| db.connection.transaction_state(index).map_or(-1, |state| state as c_int);
        match name.bytes() {
            None => (0..db.connection.databases().len()).map(state).max().unwrap_or(-1),
            name => db.database_index(name).map_or(-1, state),
        }
    }

    /// What is known about a column of a table.
    fn sqlite3_table_column_metadata(
        db: Handle<Db>,
        database: Text,
        table: Text,
        column: Text,
        declared_type: Out<*const c_char>,
        collation: Out<*const c_char>,
        not_null: Out<c_int>,
        primary_key: Out<c_int>,
        autoincrement: Out<c_int>,
    ) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let text = |text: Text| text.string();
        let (database, table, column) = (text(database), text(table), text(column));
        let answer = db.connection.column_metadata(database.as_deref(), table.as_deref().unwrap_or(""), column.as_deref());
        let facts = answer.as_ref().ok();
        let mut names = db.names.borrow_mut();
        // What is handed out lives as long as the connection; there are not many different ones.
        let mut kept = |text: Option<&str>| match text {
            None => null(),
            Some(text) => {
                let known = names.iter().position(|known| known.as_bytes() == text.as_bytes());
                let at = known.unwrap_or_else(|| {
                    names.push(crate::error::c_string(text.as_bytes()));
                    names.len() - 1
                });
                names.get(at).map_or(null(), |name| name.as_ptr())
            }
        };
        declared_type.set(kept(facts.and_then(|f| f.declared_type.as_deref())));
        collation.set(kept(facts.map(|f| f.collation.as_str())));
        not_null.set(facts.is_some_and(|f| f.not_null).into());
        primary_key.set(facts.is_some_and(|f| f.primary_key).into());
        autoincrement.set(facts.is_some_and(|f| f.autoincrement).into());
        drop(names);
        db.outcome(answer)
    }

    /// A pointer of the application's by name.
    fn sqlite3_get_clientdata(db: Handle<Db>, name: Text) -> *mut c_void | null_mut(); {
        let (Some(db), Some(name)) = (db.get(), name.bytes()) else { return null_mut() };
        db.client_data.borrow().iter().find(|entry| entry.name == name).map_or(null_mut(), |entry| entry.data)
    }

    /// Keeps a pointer of the application's by name.
    fn sqlite3_set_clientdata(db: Handle<Db>, name: Text, data: *mut c_void, destructor: Destructor) -> c_int | ERROR; {
        let (Some(db), Some(name)) = (db.get(), name.bytes()) else { return MISUSE };
        let old = {
            let mut all = db.client_data.borrow_mut();
            let at = all.iter().position(|entry| entry.name == name);
            let old = at.map(|at| all.remove(at));
            if !data.is_null() {
                all.push(ClientData { name: name.to_vec(), data, destructor });
            }
            old
        };
        if let Some(old) = old {
            destroy(old.destructor, old.data);
        }
        OK
    }

    /// Writes what has changed in the cache to the file. Changes stay in memory until the commit, so nothing.
    fn sqlite3_db_cacheflush(db: Handle<Db>) -> c_int | INTERNAL; { if db.get().is_some() { OK } else { MISUSE } }

    /// Frees what the connection's caches can spare.
    fn sqlite3_db_release_memory(db: Handle<Db>) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        db.connection.release_memory();
        OK
    }

    /// Waits. Answers the milliseconds.
    fn sqlite3_sleep(milliseconds: i32) -> c_int | 0; {
        std::thread::sleep(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)));
        milliseconds.max(0)
    }
}
