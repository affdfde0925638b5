//! What is not built yet: each answers with a plain error, so that a program that does not need it runs.

use std::ffi::c_int;

use crate::boundary::{FromC, catch};
use crate::codes::ERROR;
use crate::handle::{Db, Handle};

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
    sqlite3changeset_apply
    sqlite3changeset_apply_strm
    sqlite3changeset_apply_v2
    sqlite3changeset_apply_v2_strm
    sqlite3changeset_apply_v3
    sqlite3changeset_apply_v3_strm
    sqlite3session_create
}

missing_int! {
    sqlite3_snapshot_cmp
    sqlite3_carray_bind
    sqlite3_carray_bind_v2
    sqlite3changegroup_add
    sqlite3changegroup_add_change
    sqlite3changegroup_add_strm
    sqlite3changegroup_change_begin
    sqlite3changegroup_change_blob
    sqlite3changegroup_change_double
    sqlite3changegroup_change_finish
    sqlite3changegroup_change_int64
    sqlite3changegroup_change_null
    sqlite3changegroup_change_text
    sqlite3changegroup_config
    sqlite3changegroup_new
    sqlite3changegroup_output
    sqlite3changegroup_output_strm
    sqlite3changegroup_schema
    sqlite3changeset_concat
    sqlite3changeset_concat_strm
    sqlite3changeset_conflict
    sqlite3changeset_finalize
    sqlite3changeset_fk_conflicts
    sqlite3changeset_invert
    sqlite3changeset_invert_strm
    sqlite3changeset_new
    sqlite3changeset_next
    sqlite3changeset_old
    sqlite3changeset_op
    sqlite3changeset_pk
    sqlite3changeset_start
    sqlite3changeset_start_strm
    sqlite3changeset_start_v2
    sqlite3changeset_start_v2_strm
    sqlite3rebaser_configure
    sqlite3rebaser_create
    sqlite3rebaser_rebase
    sqlite3rebaser_rebase_strm
    sqlite3session_attach
    sqlite3session_changeset
    sqlite3session_changeset_size
    sqlite3session_changeset_strm
    sqlite3session_config
    sqlite3session_diff
    sqlite3session_enable
    sqlite3session_indirect
    sqlite3session_isempty
    sqlite3session_memory_used
    sqlite3session_object_config
    sqlite3session_patchset
    sqlite3session_patchset_strm
}

missing_nothing! {
    sqlite3_snapshot_free
    sqlite3changegroup_delete
    sqlite3rebaser_delete
    sqlite3session_delete
    sqlite3session_table_filter
}
