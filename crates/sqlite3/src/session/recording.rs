//! `sqlite3_session`.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use turso_session::{Kind, Session};

use super::stream::{self, XOutput};
use super::{give_written, write_pieces};
use crate::boundary::{Out, Text, entry};
use crate::codes::{ERROR, INTERNAL, MISUSE, OK};
use crate::error::c_string;
use crate::handle::{Bare, Db, Entered, Handle};
use crate::hooks::Pointer;
use crate::memory;

type XFilter = Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>;

/// A session as C holds it.
pub struct CSession {
    db: NonNull<Db>,
    session: Session,
    /// `sqlite3session_enable` and `sqlite3session_indirect` answer what was told.
    enabled: Cell<c_int>,
    indirect: Cell<c_int>,
}

impl CSession {
    fn enter(&self) -> Entered {
        // SAFETY: the interface's contract: a session is deleted before its connection is closed.
        Entered::new(unsafe { self.db.as_ref() })
    }
}

/// Configures something that is on or off: a negative number asks only.
fn switch(place: Out<c_int>, now: bool, set: impl FnOnce(bool) -> turso_core::Result<()>) -> c_int {
    let Some(wanted) = place.get() else { return MISUSE };
    if wanted < 0 {
        place.set(c_int::from(now));
        return OK;
    }
    match set(wanted > 0) {
        Ok(()) => {
            place.set(c_int::from(wanted > 0));
            OK
        }
        Err(error) => {
            place.set(c_int::from(now));
            error.code().0
        }
    }
}

entry! {
    /// Begins a session on a database of a connection.
    fn sqlite3session_create(db: Handle<Db>, database: Text, place: Out<*mut CSession>) -> c_int | INTERNAL; {
        place.set(null_mut());
        let (Some(db), Some(database)) = (db.get(), database.string()) else { return MISUSE };
        let session = Session::new(&db.connection, &database);
        let session =
            CSession { db: NonNull::from(db), session, enabled: Cell::new(1), indirect: Cell::new(0) };
        place.set(Box::into_raw(Box::new(session)));
        OK
    }

    /// Ends a session.
    fn sqlite3session_delete(session: *mut CSession) | (); {
        if session.is_null() {
            return;
        }
        // SAFETY: the caller gives the object back.
        let session = unsafe { Box::from_raw(session) };
        let _entered = session.enter();
        drop(session);
    }

    /// Configures a session.
    fn sqlite3session_object_config(session: Bare<CSession>, op: i32, argument: Out<c_int>) -> c_int | INTERNAL; {
        let Some(session) = session.get() else { return MISUSE };
        let _entered = session.enter();
        let inner = &session.session;
        match op {
            1 => switch(argument, inner.tells_size(), |on| inner.set_tells_size(on)),
            2 => switch(argument, inner.records_rowids(), |on| inner.set_records_rowids(on)),
            _ => MISUSE,
        }
    }

    /// Records changes, or not; a negative number asks only.
    fn sqlite3session_enable(session: Bare<CSession>, on: i32) -> c_int | 0; {
        let Some(session) = session.get() else { return 0 };
        let _entered = session.enter();
        if on >= 0 {
            session.enabled.set(on);
            session.session.set_enabled(on > 0);
        }
        session.enabled.get()
    }

    /// Lets changes count as indirect, or not; a negative number asks only.
    fn sqlite3session_indirect(session: Bare<CSession>, on: i32) -> c_int | 0; {
        let Some(session) = session.get() else { return 0 };
        let _entered = session.enter();
        if on >= 0 {
            session.indirect.set(on);
            session.session.set_indirect(on > 0);
        }
        session.indirect.get()
    }

    /// Records changes of a table, or of all.
    fn sqlite3session_attach(session: Bare<CSession>, table: Text) -> c_int | INTERNAL; {
        let Some(session) = session.get() else { return MISUSE };
        let _entered = session.enter();
        session.session.attach(table.string().as_deref());
        OK
    }

    /// Asked which tables to record.
    fn sqlite3session_table_filter(session: Bare<CSession>, filter: XFilter, context: *mut c_void) | (); {
        let Some(session) = session.get() else { return };
        let _entered = session.enter();
        let context = Pointer(context);
        session.session.set_table_filter(filter.map(|filter| {
            let asked: turso_session::TableFilter = Arc::new(move |table: &str| {
                // SAFETY: the interface's contract.
                unsafe { filter(context.get(), c_string(table.as_bytes()).as_ptr()) != 0 }
            });
            asked
        }));
    }

    /// Nothing is recorded.
    fn sqlite3session_isempty(session: Bare<CSession>) -> c_int | 0; {
        let Some(session) = session.get() else { return 1 };
        let _entered = session.enter();
        c_int::from(session.session.is_empty())
    }

    /// Bytes that a session holds.
    fn sqlite3session_memory_used(session: Bare<CSession>) -> i64 | 0; {
        let Some(session) = session.get() else { return 0 };
        let _entered = session.enter();
        session.session.memory_used() as i64
    }

    /// Bytes of the changeset, if a session was configured to tell.
    fn sqlite3session_changeset_size(session: Bare<CSession>) -> i64 | 0; {
        let Some(session) = session.get() else { return 0 };
        let _entered = session.enter();
        session.session.changeset_size() as i64
    }

    /// The changes.
    fn sqlite3session_changeset(
        session: Bare<CSession>, length: Out<c_int>, place: Out<*mut c_void>,
    ) -> c_int | INTERNAL; {
        let Some(session) = session.get().filter(|_| !length.is_null() && !place.is_null()) else { return MISUSE };
        let _entered = session.enter();
        give_written(length, place, |output| session.session.write(Kind::Changeset, output))
    }

    /// The changes in pieces.
    fn sqlite3session_changeset_strm(
        session: Bare<CSession>, output: XOutput, context: *mut c_void,
    ) -> c_int | INTERNAL; {
        let Some(session) = session.get() else { return MISUSE };
        let _entered = session.enter();
        write_pieces(output, context, |output| session.session.write(Kind::Changeset, output))
    }

    /// The changes without the values before.
    fn sqlite3session_patchset(
        session: Bare<CSession>, length: Out<c_int>, place: Out<*mut c_void>,
    ) -> c_int | INTERNAL; {
        let Some(session) = session.get().filter(|_| !length.is_null() && !place.is_null()) else { return MISUSE };
        let _entered = session.enter();
        give_written(length, place, |output| session.session.write(Kind::Patchset, output))
    }

    /// The changes without the values before, in pieces.
    fn sqlite3session_patchset_strm(
        session: Bare<CSession>, output: XOutput, context: *mut c_void,
    ) -> c_int | INTERNAL; {
        let Some(session) = session.get() else { return MISUSE };
        let _entered = session.enter();
        write_pieces(output, context, |output| session.session.write(Kind::Patchset, output))
    }

    /// Records the differences between two tables.
    fn sqlite3session_diff(
        session: Bare<CSession>, from: Text, table: Text, message: Out<*mut c_char>,
    ) -> c_int | INTERNAL; {
        message.set(null_mut());
        let Some(session) = session.get() else { return MISUSE };
        let (Some(from), Some(table)) = (from.string(), table.string()) else { return MISUSE };
        let _entered = session.enter();
        match session.session.diff(&from, &table) {
            Ok(()) => OK,
            Err(error) => {
                let code = error.code().0;
                if code != ERROR || error.message() != error.code().text() {
                    message.set(memory::copy_of(error.message().as_bytes()));
                }
                code
            }
        }
    }

    /// Configures all sessions.
    fn sqlite3session_config(op: i32, argument: Out<c_int>) -> c_int | INTERNAL; {
        match (op, argument.get()) {
            (1, Some(size)) => {
                argument.set(stream::set_chunk(size));
                OK
            }
            _ => MISUSE,
        }
    }
}
