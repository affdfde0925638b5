//! Changesets made in a database.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use turso_session::{ApplyOptions, Change, Conflict, Handler, Input, Resolution};

use super::iterator::CIterator;
use super::stream::XInput;
use super::{give, pieces, whole};
use crate::boundary::{Out, entry};
use crate::codes::{INTERNAL, MISUSE, SCHEMA};
use crate::error::c_string;
use crate::handle::{Db, Handle};

type XTableFilter = Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>;
type XChangeFilter = Option<unsafe extern "C" fn(*mut c_void, *mut CIterator) -> c_int>;
type XConflict = Option<unsafe extern "C" fn(*mut c_void, c_int, *mut CIterator) -> c_int>;

/// The application's callbacks.
struct Callbacks {
    table: XTableFilter,
    change: XChangeFilter,
    conflict: unsafe extern "C" fn(*mut c_void, c_int, *mut CIterator) -> c_int,
    context: *mut c_void,
}

impl Handler for Callbacks {
    fn wants_table(&mut self, name: &[u8]) -> bool {
        // SAFETY: the interface's contract.
        self.table.is_none_or(|filter| unsafe { filter(self.context, c_string(name).as_ptr()) != 0 })
    }

    fn wants_change(&mut self, change: &Change) -> bool {
        self.change.is_none_or(|filter| {
            let mut shown = CIterator::of_change(change);
            // SAFETY: the interface's contract.
            unsafe { filter(self.context, &raw mut shown) != 0 }
        })
    }

    fn resolve(&mut self, conflict: &Conflict<'_>) -> Option<Resolution> {
        let mut shown = CIterator::of_conflict(conflict);
        // SAFETY: the interface's contract.
        match unsafe { (self.conflict)(self.context, conflict.kind as c_int, &raw mut shown) } {
            0 => Some(Resolution::Omit),
            1 => Some(Resolution::Replace),
            2 => Some(Resolution::Abort),
            _ => None,
        }
    }

    fn table_does_not_fit(&mut self, message: &str) {
        crate::config::log(SCHEMA, message.as_bytes());
    }
}

fn options(flags: c_int) -> ApplyOptions {
    ApplyOptions {
        no_savepoint: flags & 1 != 0,
        invert: flags & 2 != 0,
        ignore_no_ops: flags & 4 != 0,
        no_foreign_key_actions: flags & 8 != 0,
        no_update_loops: flags & 16 != 0,
    }
}

fn apply(
    db: &Handle<Db>,
    input: Input<'_>,
    filters: (XTableFilter, XChangeFilter),
    conflict: XConflict,
    context: *mut c_void,
    (rebase, rebase_length): (Out<*mut c_void>, Out<c_int>),
    flags: c_int,
) -> c_int {
    rebase.set(null_mut());
    rebase_length.set(0);
    let (Some(db), Some(conflict)) = (db.get(), conflict) else { return MISUSE };
    let mut callbacks = Callbacks { table: filters.0, change: filters.1, conflict, context };
    match turso_session::apply(&db.connection, input, options(flags), &mut callbacks) {
        Ok(blob) => {
            db.ok();
            if rebase.is_null() || rebase_length.is_null() {
                return crate::codes::OK;
            }
            give(&blob, rebase_length, rebase)
        }
        Err(error) => db.fail(&error),
    }
}

const NO_REBASE: (Out<*mut c_void>, Out<c_int>) = (Out::new(null_mut()), Out::new(null_mut()));

entry! {
    /// Makes the changes of a changeset.
    fn sqlite3changeset_apply(
        db: Handle<Db>, length: i32, bytes: *mut c_void, filter: XTableFilter, conflict: XConflict, context: *mut c_void,
    ) -> c_int | INTERNAL; {
        apply(&db, whole(length, bytes), (filter, None), conflict, context, NO_REBASE, 0)
    }

    /// Makes the changes of a changeset, and tells how conflicts were resolved.
    fn sqlite3changeset_apply_v2(
        db: Handle<Db>, length: i32, bytes: *mut c_void, filter: XTableFilter, conflict: XConflict, context: *mut c_void,
        rebase: Out<*mut c_void>, rebase_length: Out<c_int>, flags: i32,
    ) -> c_int | INTERNAL; {
        apply(&db, whole(length, bytes), (filter, None), conflict, context, (rebase, rebase_length), flags)
    }

    /// Makes the changes of a changeset that a filter has seen one by one.
    fn sqlite3changeset_apply_v3(
        db: Handle<Db>, length: i32, bytes: *mut c_void, filter: XChangeFilter, conflict: XConflict, context: *mut c_void,
        rebase: Out<*mut c_void>, rebase_length: Out<c_int>, flags: i32,
    ) -> c_int | INTERNAL; {
        apply(&db, whole(length, bytes), (None, filter), conflict, context, (rebase, rebase_length), flags)
    }

    /// Makes the changes of a changeset that comes in pieces.
    fn sqlite3changeset_apply_strm(
        db: Handle<Db>, input: XInput, source: *mut c_void, filter: XTableFilter, conflict: XConflict,
        context: *mut c_void,
    ) -> c_int | INTERNAL; {
        apply(&db, pieces(input, source), (filter, None), conflict, context, NO_REBASE, 0)
    }

    /// Makes the changes of a changeset that comes in pieces, and tells how conflicts were resolved.
    fn sqlite3changeset_apply_v2_strm(
        db: Handle<Db>, input: XInput, source: *mut c_void, filter: XTableFilter, conflict: XConflict,
        context: *mut c_void, rebase: Out<*mut c_void>, rebase_length: Out<c_int>, flags: i32,
    ) -> c_int | INTERNAL; {
        apply(&db, pieces(input, source), (filter, None), conflict, context, (rebase, rebase_length), flags)
    }

    /// Makes the changes of a changeset that comes in pieces and that a filter has seen one by one.
    fn sqlite3changeset_apply_v3_strm(
        db: Handle<Db>, input: XInput, source: *mut c_void, filter: XChangeFilter, conflict: XConflict,
        context: *mut c_void, rebase: Out<*mut c_void>, rebase_length: Out<c_int>, flags: i32,
    ) -> c_int | INTERNAL; {
        apply(&db, pieces(input, source), (None, filter), conflict, context, (rebase, rebase_length), flags)
    }
}
