//! The objects of the interface for virtual tables.
#![allow(missing_docs, reason = "the names are those of the interface")]
#![allow(non_camel_case_types, reason = "the names are those of the interface")]

use std::ffi::{c_char, c_int, c_void};

use crate::handle::Db;
use crate::result::CContext;
use crate::value::CValue;

pub type Make = unsafe extern "C" fn(
    *mut Db,
    *mut c_void,
    c_int,
    *const *const c_char,
    *mut *mut sqlite3_vtab,
    *mut *mut c_char,
) -> c_int;
pub type OnTable = unsafe extern "C" fn(*mut sqlite3_vtab) -> c_int;
pub type OnLevel = unsafe extern "C" fn(*mut sqlite3_vtab, c_int) -> c_int;
pub type OnCursor = unsafe extern "C" fn(*mut sqlite3_vtab_cursor) -> c_int;
pub type Function = unsafe extern "C" fn(*mut CContext, c_int, *mut *mut CValue);

#[repr(C)]
pub struct sqlite3_module {
    pub version: c_int,
    pub create: Option<Make>,
    pub connect: Option<Make>,
    pub best_index: Option<unsafe extern "C" fn(*mut sqlite3_vtab, *mut sqlite3_index_info) -> c_int>,
    pub disconnect: Option<OnTable>,
    pub destroy: Option<OnTable>,
    pub open: Option<unsafe extern "C" fn(*mut sqlite3_vtab, *mut *mut sqlite3_vtab_cursor) -> c_int>,
    pub close: Option<OnCursor>,
    pub filter:
        Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor, c_int, *const c_char, c_int, *mut *mut CValue) -> c_int>,
    pub next: Option<OnCursor>,
    pub eof: Option<OnCursor>,
    pub column: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor, *mut CContext, c_int) -> c_int>,
    pub rowid: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor, *mut i64) -> c_int>,
    pub update: Option<unsafe extern "C" fn(*mut sqlite3_vtab, c_int, *mut *mut CValue, *mut i64) -> c_int>,
    pub begin: Option<OnTable>,
    pub sync: Option<OnTable>,
    pub commit: Option<OnTable>,
    pub rollback: Option<OnTable>,
    pub find_function: Option<
        unsafe extern "C" fn(*mut sqlite3_vtab, c_int, *const c_char, *mut Option<Function>, *mut *mut c_void) -> c_int,
    >,
    pub rename: Option<unsafe extern "C" fn(*mut sqlite3_vtab, *const c_char) -> c_int>,
    // From version 2.
    pub savepoint: Option<OnLevel>,
    pub release: Option<OnLevel>,
    pub rollback_to: Option<OnLevel>,
    // From version 3.
    pub shadow_name: Option<unsafe extern "C" fn(*const c_char) -> c_int>,
    // From version 4.
    pub integrity:
        Option<unsafe extern "C" fn(*mut sqlite3_vtab, *const c_char, *const c_char, c_int, *mut *mut c_char) -> c_int>,
}

#[repr(C)]
pub struct sqlite3_vtab {
    pub module: *const sqlite3_module,
    pub references: c_int,
    pub message: *mut c_char,
}

#[repr(C)]
pub struct sqlite3_vtab_cursor {
    pub table: *mut sqlite3_vtab,
}

#[repr(C)]
pub struct IndexConstraint {
    pub column: c_int,
    pub op: u8,
    pub usable: u8,
    pub term_offset: c_int,
}

#[repr(C)]
pub struct IndexOrder {
    pub column: c_int,
    pub descending: u8,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct IndexUsage {
    pub argument: c_int,
    pub omit: u8,
}

#[repr(C)]
pub struct sqlite3_index_info {
    pub constraint_count: c_int,
    pub constraints: *mut IndexConstraint,
    pub order_count: c_int,
    pub order: *mut IndexOrder,
    pub usage: *mut IndexUsage,
    pub number: c_int,
    pub text: *mut c_char,
    pub free_text: c_int,
    pub order_consumed: c_int,
    pub cost: f64,
    pub rows: i64,
    pub flags: c_int,
    pub columns_used: u64,
}
