//! Incremental blob I/O.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};

use turso_core::Blob;

use crate::boundary::{Out, Text, bytes_at, entry};
use crate::codes::{ERROR, INTERNAL, MISUSE, OK};
use crate::handle::{Bare, Db, Entered, Handle};

/// An open value (`sqlite3_blob`).
pub struct CBlob {
    db: NonNull<Db>,
    blob: RefCell<Option<Blob>>,
}

impl CBlob {
    fn db(&self) -> &Db {
        // SAFETY: an open value keeps its connection.
        unsafe { self.db.as_ref() }
    }

    /// Reads or writes a range.
    fn transfer(
        &self,
        length: c_int,
        offset: c_int,
        work: impl FnOnce(&mut Blob, usize, usize) -> turso_core::Result<()>,
    ) -> c_int {
        let db = self.db();
        let _entered = Entered::new(db);
        let (Ok(length), Ok(offset)) = (usize::try_from(length), usize::try_from(offset)) else {
            return db.fail_code(ERROR);
        };
        match self.blob.borrow_mut().as_mut() {
            Some(blob) => db.outcome(work(blob, length, offset)),
            None => MISUSE,
        }
    }
}

entry! {
    /// Opens the value of a column in a row.
    fn sqlite3_blob_open(
        db: Handle<Db>, database: Text, table: Text, column: Text, row: i64, flags: i32, place: Out<*mut CBlob>,
    ) -> c_int | INTERNAL; {
        if place.is_null() {
            return MISUSE;
        }
        place.set(null_mut());
        let (Some(db), Some(table), Some(column)) = (db.get(), table.string(), column.string()) else { return MISUSE };
        let database = database.string().unwrap_or_else(|| "main".into());
        match db.connection.open_blob(&database, &table, &column, row, flags != 0) {
            Ok(blob) => {
                db.users.set(db.users.get() + 1);
                let blob = CBlob { db: NonNull::from(db), blob: RefCell::new(Some(blob)) };
                place.set(Box::into_raw(Box::new(blob)));
                db.ok()
            }
            Err(error) => db.fail(&error),
        }
    }

    /// Moves to another row.
    fn sqlite3_blob_reopen(blob: Bare<CBlob>, row: i64) -> c_int | INTERNAL; {
        let Some(blob) = blob.get() else { return MISUSE };
        let _entered = Entered::new(blob.db());
        match blob.blob.borrow_mut().as_mut() {
            Some(open) => blob.db().outcome(open.reopen(row)),
            None => MISUSE,
        }
    }

    /// Ends the use of a value.
    fn sqlite3_blob_close(blob: *mut CBlob) -> c_int | INTERNAL; {
        if blob.is_null() {
            return OK;
        }
        // SAFETY: the caller gives the object back.
        let blob = unsafe { Box::from_raw(blob) };
        let db = blob.db;
        let code = {
            let known = blob.db();
            let _entered = Entered::new(known);
            let open = blob.blob.borrow_mut().take();
            let code = match open.map(Blob::close) {
                Some(Err(error)) => known.fail(&error),
                _ => known.ok(),
            };
            known.users.set(known.users.get().saturating_sub(1));
            code
        };
        crate::open::free_if_zombie(db);
        code
    }

    /// Bytes of the value.
    fn sqlite3_blob_bytes(blob: Bare<CBlob>) -> c_int | 0; {
        blob.get().map_or(0, |blob| {
            let _entered = Entered::new(blob.db());
            blob.blob.borrow().as_ref().map_or(0, |open| open.len() as c_int)
        })
    }

    /// Reads a range.
    fn sqlite3_blob_read(blob: Bare<CBlob>, buffer: *mut c_void, length: i32, offset: i32) -> c_int | INTERNAL; {
        let Some(blob) = blob.get() else { return MISUSE };
        blob.transfer(length, offset, |open, length, offset| {
            let mut bytes = vec![0; length.min(open.len().saturating_add(1))];
            if bytes.len() == length {
                open.read_at(&mut bytes, offset)?;
                // SAFETY: the interface's contract: a buffer of that size.
                unsafe { buffer.cast::<u8>().copy_from(bytes.as_ptr(), length) }
                Ok(())
            } else {
                // More than there is: the engine says so.
                open.read_at(&mut bytes, usize::MAX / 2)
            }
        })
    }

    /// Writes a range.
    fn sqlite3_blob_write(blob: Bare<CBlob>, bytes: *const c_void, length: i32, offset: i32) -> c_int | INTERNAL; {
        let Some(blob) = blob.get() else { return MISUSE };
        blob.transfer(length, offset, |open, length, offset| open.write_at(bytes_at(bytes, length), offset))
    }
}
