//! Online backup, and databases as bytes.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_uint};
use std::ptr::{NonNull, null_mut};

use turso_core::{Backup, BackupStep};

use crate::boundary::{Out, Text, bytes_at, entry};
use crate::codes::{BUSY, DONE, INTERNAL, LOCKED, MISUSE, OK};
use crate::handle::{Bare, Db, Entered, Handle};
use crate::memory;

/// A backup under way (`sqlite3_backup`).
pub struct CBackup {
    target: NonNull<Db>,
    source: NonNull<Db>,
    backup: RefCell<Backup>,
    /// How it has ended.
    ended: Cell<c_int>,
}

impl CBackup {
    fn target(&self) -> &Db {
        // SAFETY: a backup keeps both connections.
        unsafe { self.target.as_ref() }
    }

    fn source(&self) -> &Db {
        // SAFETY: as above.
        unsafe { self.source.as_ref() }
    }
}

const SERIALIZE_NO_COPY: c_uint = 1;
const DESERIALIZE_FREE_ON_CLOSE: c_uint = 1;
const DESERIALIZE_READ_ONLY: c_uint = 4;
const DESERIALIZE_RESIZEABLE: u32 = 2;
/// What such a database grows to at most, unless `SQLITE_FCNTL_SIZE_LIMIT` says otherwise.
const MOST_OF_MEMORY: u64 = 1 << 30;

entry! {
    /// Begins to copy one database over another.
    fn sqlite3_backup_init(
        target: Handle<Db>, target_name: Text, source: Handle<Db>, source_name: Text,
    ) -> *mut CBackup | null_mut(); {
        let (Some(target), Some(source)) = (target.get(), source.get()) else { return null_mut() };
        let name = |text: Text| text.string().unwrap_or_default();
        match Backup::new(&source.connection, &name(source_name), &target.connection, &name(target_name)) {
            Ok(backup) => {
                target.users.set(target.users.get() + 1);
                source.users.set(source.users.get() + 1);
                target.ok();
                Box::into_raw(Box::new(CBackup {
                    target: NonNull::from(target),
                    source: NonNull::from(source),
                    backup: RefCell::new(backup),
                    ended: Cell::new(OK),
                }))
            }
            Err(error) => {
                target.fail(&error);
                null_mut()
            }
        }
    }

    /// Copies some pages; all for a negative number.
    fn sqlite3_backup_step(backup: Bare<CBackup>, pages: i32) -> c_int | INTERNAL; {
        let Some(backup) = backup.get() else { return MISUSE };
        let (_source, _target) = (Entered::new(backup.source()), Entered::new(backup.target()));
        // An ended backup stays so, unless a lock was in the way.
        if !matches!(backup.ended.get() & 0xff, OK | BUSY | LOCKED) {
            return backup.ended.get();
        }
        let code = match backup.backup.borrow_mut().step(u32::try_from(pages).ok()) {
            Ok(BackupStep::More) => OK,
            Ok(BackupStep::Done) => DONE,
            Err(error) => error.code().0,
        };
        backup.ended.set(code);
        code
    }

    /// Ends a backup, finished or not.
    fn sqlite3_backup_finish(backup: *mut CBackup) -> c_int | INTERNAL; {
        if backup.is_null() {
            return OK;
        }
        // SAFETY: the caller gives the object back.
        let backup = unsafe { Box::from_raw(backup) };
        let (target, source) = (backup.target, backup.source);
        let code = {
            let (_source, _target) = (Entered::new(backup.source()), Entered::new(backup.target()));
            let code = match backup.ended.get() {
                DONE => OK,
                code => code,
            };
            for db in [backup.source(), backup.target()] {
                db.users.set(db.users.get().saturating_sub(1));
            }
            let code = if code == OK { backup.target().ok() } else { backup.target().fail_code(code) };
            // Its guards name the connections, which it keeps until here.
            drop(backup);
            code
        };
        crate::open::free_if_zombie(source);
        crate::open::free_if_zombie(target);
        code
    }

    /// Pages left, as of the last step.
    fn sqlite3_backup_remaining(backup: Bare<CBackup>) -> c_int | 0; {
        backup.get().map_or(0, |backup| backup.backup.borrow().remaining() as c_int)
    }

    /// Pages of the source, as of the last step.
    fn sqlite3_backup_pagecount(backup: Bare<CBackup>) -> c_int | 0; {
        backup.get().map_or(0, |backup| backup.backup.borrow().page_count() as c_int)
    }

    /// A database as bytes in memory of the interface.
    fn sqlite3_serialize(db: Handle<Db>, name: Text, size: Out<i64>, flags: u32) -> *mut u8 | null_mut(); {
        size.set(-1);
        let Some(db) = db.get() else { return null_mut() };
        let name = name.string().unwrap_or_else(|| "main".into());
        match db.connection.serialize(&name) {
            // A temporary database that nothing has been put into yet.
            Ok(bytes) if bytes.is_empty() => null_mut(),
            Ok(bytes) => {
                size.set(bytes.len() as i64);
                // There is no contiguous memory that could be shown without a copy.
                if flags & SERIALIZE_NO_COPY != 0 { null_mut() } else { memory::copy_of(&bytes).cast() }
            }
            Err(error) => {
                db.fail(&error);
                null_mut()
            }
        }
    }

    /// A database in memory with these bytes.
    fn sqlite3_deserialize(
        db: Handle<Db>, name: Text, bytes: *mut u8, length: i64, room: i64, flags: u32,
    ) -> c_int | INTERNAL; {
        let code = match db.get() {
            None => MISUSE,
            Some(_) if length < 0 || room < 0 => MISUSE,
            Some(db) => {
                let name = name.string().unwrap_or_else(|| "main".into());
                let content = bytes_at(bytes.cast(), usize::try_from(length).unwrap_or(0));
                let limit = if flags & DESERIALIZE_RESIZEABLE != 0 { MOST_OF_MEMORY } else { room.unsigned_abs() };
                db.outcome(db.connection.deserialize_up_to(&name, content, flags & DESERIALIZE_READ_ONLY != 0, limit))
            }
        };
        // The content has been copied.
        if flags & DESERIALIZE_FREE_ON_CLOSE != 0 {
            memory::free(bytes.cast());
        }
        code
    }
}
