//! What is not built yet: each answers with a plain error, so that a program that does not need it runs.

use std::ffi::{c_int, c_void};

use crate::boundary::{FromC, catch, entry};
use crate::codes::{Destructor, ERROR, destroy};
use crate::handle::{Bare, Db, Handle, Stmt};

/// Functions that take a connection first, and leave an error there.
macro_rules! missing_on_connection {
    ($($name:ident)*) => {$(
        /// Not built yet.
        #[unsafe(no_mangle)]
        #[allow(clippy::missing_safety_doc, reason = "the contract of each function is that of the interface")]
        pub unsafe extern "C" fn $name(db: *mut Db) -> c_int {
            catch(ERROR, || {
                // SAFETY: as for every entry point.
                let handle = unsafe { <Handle<Db> as FromC>::from_c(db) };
                handle.get().map_or(crate::codes::MISUSE, |db| {
                    db.fail_with(ERROR, concat!(stringify!($name), "() is not supported yet"))
                })
            })
        }
    )*};
}

macro_rules! missing_int {
    ($($name:ident)*) => {$(
        /// Not built yet.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> c_int {
            ERROR
        }
    )*};
}

macro_rules! missing_nothing {
    ($($name:ident)*) => {$(
        /// Not built yet.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() {}
    )*};
}

missing_on_connection! {
    sqlite3_snapshot_get
    sqlite3_snapshot_open
    sqlite3_snapshot_recover
    sqlite3_rtree_geometry_callback
    sqlite3_rtree_query_callback
}

missing_int! {
    sqlite3_snapshot_cmp
}

missing_nothing! {
    sqlite3_snapshot_free
}

entry! {
    /// Not built yet; the array goes back at once.
    fn sqlite3_carray_bind(
        stmt: Bare<Stmt>, number: i32, array: *mut c_void, count: i32, flags: i32, destructor: Destructor,
    ) -> c_int | ERROR; {
        let _ = (stmt, number, count, flags);
        destroy(destructor, array);
        ERROR
    }

    /// Not built yet; the array goes back at once.
    fn sqlite3_carray_bind_v2(
        stmt: Bare<Stmt>, number: i32, array: *mut c_void, count: i32, flags: i32, destructor: Destructor,
        argument: *mut c_void,
    ) -> c_int | ERROR; {
        let _ = (stmt, number, array, count, flags);
        destroy(destructor, argument);
        ERROR
    }
}
