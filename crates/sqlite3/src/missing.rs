//! What is not built yet: each answers with a plain error, so that a program that does not need it runs.

use std::ffi::{c_int, c_void};

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

macro_rules! missing_pointer {
    ($($name:ident)*) => {$(
        /// Not built yet.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> *mut c_void {
            std::ptr::null_mut()
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
    sqlite3_autovacuum_pages
    sqlite3_busy_handler
    sqlite3_collation_needed
    sqlite3_collation_needed16
    sqlite3_create_collation
    sqlite3_create_collation16
    sqlite3_create_collation_v2
    sqlite3_create_function
    sqlite3_create_function16
    sqlite3_create_function_v2
    sqlite3_create_window_function
    sqlite3_overload_function
    sqlite3_preupdate_blobwrite
    sqlite3_preupdate_count
    sqlite3_preupdate_depth
    sqlite3_preupdate_new
    sqlite3_preupdate_old
    sqlite3_set_authorizer
    sqlite3_trace_v2
    sqlite3_unlock_notify
    sqlite3_wal_autocheckpoint
    sqlite3_wal_checkpoint
    sqlite3_wal_checkpoint_v2
    sqlite3_snapshot_get
    sqlite3_snapshot_open
    sqlite3_snapshot_recover
    sqlite3_deserialize
    sqlite3_rtree_geometry_callback
    sqlite3_rtree_query_callback
    sqlite3_blob_open
    sqlite3_create_module
    sqlite3_create_module_v2
    sqlite3_declare_vtab
    sqlite3_drop_modules
    sqlite3_file_control
    sqlite3_vtab_on_conflict
    sqlite3changeset_apply
    sqlite3changeset_apply_strm
    sqlite3changeset_apply_v2
    sqlite3changeset_apply_v2_strm
    sqlite3changeset_apply_v3
    sqlite3changeset_apply_v3_strm
    sqlite3session_create
}

missing_int! {
    sqlite3_aggregate_count
    sqlite3_result_zeroblob64
    sqlite3_vtab_nochange
    sqlite3_snapshot_cmp
    sqlite3_carray_bind
    sqlite3_carray_bind_v2
    sqlite3_backup_finish
    sqlite3_backup_pagecount
    sqlite3_backup_remaining
    sqlite3_backup_step
    sqlite3_blob_bytes
    sqlite3_blob_close
    sqlite3_blob_read
    sqlite3_blob_reopen
    sqlite3_blob_write
    sqlite3_vtab_distinct
    sqlite3_vtab_in
    sqlite3_vtab_in_first
    sqlite3_vtab_in_next
    sqlite3_vtab_rhs_value
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

missing_pointer! {
    sqlite3_aggregate_context
    sqlite3_commit_hook
    sqlite3_context_db_handle
    sqlite3_get_auxdata
    sqlite3_preupdate_hook
    sqlite3_profile
    sqlite3_rollback_hook
    sqlite3_trace
    sqlite3_update_hook
    sqlite3_user_data
    sqlite3_wal_hook
    sqlite3_serialize
    sqlite3_backup_init
    sqlite3_vtab_collation
}

missing_nothing! {
    sqlite3_progress_handler
    sqlite3_result_blob
    sqlite3_result_blob64
    sqlite3_result_double
    sqlite3_result_error
    sqlite3_result_error16
    sqlite3_result_error_code
    sqlite3_result_error_nomem
    sqlite3_result_error_toobig
    sqlite3_result_int
    sqlite3_result_int64
    sqlite3_result_null
    sqlite3_result_pointer
    sqlite3_result_str
    sqlite3_result_subtype
    sqlite3_result_text
    sqlite3_result_text16
    sqlite3_result_text16be
    sqlite3_result_text16le
    sqlite3_result_text64
    sqlite3_result_value
    sqlite3_result_zeroblob
    sqlite3_set_auxdata
    sqlite3_snapshot_free
    sqlite3changegroup_delete
    sqlite3rebaser_delete
    sqlite3session_delete
    sqlite3session_table_filter
}

/// The shim's `sqlite3_vtab_config`. Not built yet.
#[unsafe(no_mangle)]
pub extern "C" fn turso_vtab_config(_db: *mut Db, _op: c_int, _arguments: *mut crate::variadic::RawArguments) -> c_int {
    ERROR
}
