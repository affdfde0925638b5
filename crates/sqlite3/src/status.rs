//! What can be measured: memory, connections, transactions.

use std::ffi::c_int;

use turso_core::CacheCounts;

use crate::boundary::{Out, entry};
use crate::codes::{ERROR, MISUSE, OK};
use crate::handle::{Db, Handle};
use crate::memory;

const CACHE_USED: c_int = 1;
const SCHEMA_USED: c_int = 2;
const STMT_USED: c_int = 3;
const CACHE_HIT: c_int = 7;
const CACHE_MISS: c_int = 8;
const CACHE_WRITE: c_int = 9;
const DEFERRED_FKS: c_int = 10;
const CACHE_USED_SHARED: c_int = 11;
const CACHE_SPILL: c_int = 12;
const TEMPBUF_SPILL: c_int = 13;

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
fn db_status(db: &Db, op: c_int, reset: bool) -> Option<(i64, i64)> {
    let statements = || {
        // SAFETY: statements in the list are live.
        let used: u64 = db.statements.borrow().iter().map(|s| unsafe { s.as_ref() }.memory_used()).sum();
        i64::try_from(used).unwrap_or(i64::MAX)
    };
    let cache = |what: fn(&CacheCounts) -> u64, resets: fn(&mut CacheCounts)| {
        let now = what(&db.connection.cache_counts());
        if reset {
            db.connection.reset_cache_counts(resets);
        }
        Some((i64::try_from(now).unwrap_or(i64::MAX), 0))
    };
    match op {
        CACHE_USED | CACHE_USED_SHARED => cache(|cache| cache.resident_bytes, |_| {}),
        SCHEMA_USED => Some((i64::try_from(db.connection.schema_bytes()).unwrap_or(i64::MAX), 0)),
        STMT_USED => Some((statements(), 0)),
        CACHE_HIT => cache(|cache| cache.hits, |cache| cache.hits = 0),
        CACHE_MISS => cache(|cache| cache.misses, |cache| cache.misses = 0),
        CACHE_WRITE => cache(|cache| cache.writes, |cache| cache.writes = 0),
        CACHE_SPILL => cache(|cache| cache.spills, |cache| cache.spills = 0),
        DEFERRED_FKS => Some((i64::from(db.connection.deferred_violations() > 0), 0)),
        TEMPBUF_SPILL => Some((i64::try_from(db.connection.temp_bytes_spilled(reset)).unwrap_or(i64::MAX), 0)),
        // There is no lookaside memory.
        0 | 4..=6 => Some((0, 0)),
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
    fn sqlite3_db_status(db: Handle<Db>, op: i32, current: Out<c_int>, highest: Out<c_int>, reset: i32) -> c_int | ERROR; {
        let Some(db) = db.get().filter(|_| !current.is_null() && !highest.is_null()) else { return MISUSE };
        let Some((now, high)) = db_status(db, op, reset != 0) else { return ERROR };
        current.set(narrow(now));
        highest.set(narrow(high));
        OK
    }

    /// A status of a connection.
    fn sqlite3_db_status64(db: Handle<Db>, op: i32, current: Out<i64>, highest: Out<i64>, reset: i32) -> c_int | ERROR; {
        let Some(db) = db.get().filter(|_| !current.is_null() && !highest.is_null()) else { return MISUSE };
        let Some((now, high)) = db_status(db, op, reset != 0) else { return ERROR };
        current.set(now);
        highest.set(high);
        OK
    }
}
