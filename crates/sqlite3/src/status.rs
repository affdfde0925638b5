//! What can be measured: memory, connections, transactions.

use std::ffi::c_int;

use crate::boundary::{Out, entry};
use crate::codes::{ERROR, MISUSE, OK};
use crate::handle::{Db, Handle};
use crate::memory;

/// Current and highest value of a status of the library.
fn status(op: c_int, reset: bool) -> Option<(i64, i64)> {
    match op {
        0 => Some(memory::used(reset)),
        5 => Some(memory::largest(reset)),
        9 => Some(memory::blocks(reset)),
        1..=4 | 6..=8 => Some((0, 0)),
        _ => None,
    }
}

/// Current and highest value of a status of a connection.
fn db_status(db: &Db, op: c_int) -> Option<(i64, i64)> {
    let statements = || {
        // SAFETY: statements in the list are live.
        let used: u64 = db.statements.borrow().iter().map(|s| unsafe { s.as_ref() }.memory_used()).sum();
        Some((i64::try_from(used).unwrap_or(i64::MAX), 0))
    };
    match op {
        3 => statements(),
        10 => Some((i64::from(!db.connection.is_autocommit()), 0)),
        0..=2 | 4..=9 | 11..=13 => Some((0, 0)),
        _ => None,
    }
}

fn narrow(value: i64) -> c_int {
    c_int::try_from(value).unwrap_or(c_int::MAX)
}

entry! {
    /// A status of the library.
    fn sqlite3_status(op: i32, current: Out<c_int>, highest: Out<c_int>, reset: i32) -> c_int | ERROR; {
        if current.is_null() || highest.is_null() {
            return MISUSE;
        }
        let Some((now, high)) = status(op, reset != 0) else { return MISUSE };
        current.set(narrow(now));
        highest.set(narrow(high));
        OK
    }

    /// A status of the library.
    fn sqlite3_status64(op: i32, current: Out<i64>, highest: Out<i64>, reset: i32) -> c_int | ERROR; {
        if current.is_null() || highest.is_null() {
            return MISUSE;
        }
        let Some((now, high)) = status(op, reset != 0) else { return MISUSE };
        current.set(now);
        highest.set(high);
        OK
    }

    /// A status of a connection.
    fn sqlite3_db_status(db: Handle<Db>, op: i32, current: Out<c_int>, highest: Out<c_int>, _reset: i32) -> c_int | ERROR; {
        let Some(db) = db.get().filter(|_| !current.is_null() && !highest.is_null()) else { return MISUSE };
        let Some((now, high)) = db_status(db, op) else { return ERROR };
        current.set(narrow(now));
        highest.set(narrow(high));
        OK
    }

    /// A status of a connection.
    fn sqlite3_db_status64(db: Handle<Db>, op: i32, current: Out<i64>, highest: Out<i64>, _reset: i32) -> c_int | ERROR; {
        let Some(db) = db.get().filter(|_| !current.is_null() && !highest.is_null()) else { return MISUSE };
        let Some((now, high)) = db_status(db, op) else { return ERROR };
        current.set(now);
        highest.set(high);
        OK
    }
}
