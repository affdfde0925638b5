//! The interface as a C program uses it.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use sqlite3::bind::*;
use sqlite3::blob::*;
use sqlite3::column::*;
use sqlite3::error::*;
use sqlite3::exec::*;
use sqlite3::file_control::*;
use sqlite3::function::*;
use sqlite3::handle::{Db, Stmt};
use sqlite3::memory::*;
use sqlite3::open::*;
use sqlite3::prepare::*;
use sqlite3::result::*;
use sqlite3::statement::*;
use sqlite3::value::*;
use sqlite3::vfs::sqlite3_file;
use sqlite3::vtab::module::*;
use sqlite3::vtab::objects::{sqlite3_index_info, sqlite3_module, sqlite3_vtab};

const OK: c_int = 0;
const ROW: c_int = 100;
const DONE: c_int = 101;
const MISUSE: c_int = 21;

fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return "NULL".into();
    }
    // SAFETY: the library answers C strings.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

fn open() -> *mut Db {
    let mut db = null_mut();
    // SAFETY: a name and a place.
    assert_eq!(unsafe { sqlite3_open(c":memory:".as_ptr(), &mut db) }, OK);
    db
}

fn exec(db: *mut Db, sql: &str) -> (c_int, String) {
    let sql = CString::new(sql).unwrap();
    // SAFETY: an open connection and a text.
    let code = unsafe { sqlite3_exec(db, sql.as_ptr(), None, null_mut(), null_mut()) };
    // SAFETY: as above.
    (code, text(unsafe { sqlite3_errmsg(db) }))
}

fn prepare(db: *mut Db, sql: &CStr) -> *mut Stmt {
    let mut stmt = null_mut();
    // SAFETY: an open connection, a text and a place.
    assert_eq!(unsafe { sqlite3_prepare_v2(db, sql.as_ptr(), -1, &mut stmt, null_mut()) }, OK);
    stmt
}

#[test]
fn statements_are_bound_stepped_and_read() {
    let db = open();
    assert_eq!(exec(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)"), (OK, "not an error".into()));
    let stmt = prepare(db, c"INSERT INTO t VALUES(?1, :b)");
    // SAFETY: live objects throughout.
    unsafe {
        assert_eq!(sqlite3_bind_parameter_index(stmt, c":b".as_ptr()), 2);
        assert_eq!(sqlite3_bind_int(stmt, 1, 7), OK);
        assert_eq!(sqlite3_bind_text(stmt, 2, c"seven".as_ptr(), 3, None), OK);
        assert_eq!(sqlite3_bind_int(stmt, 3, 7), 25);
        assert_eq!(sqlite3_step(stmt), DONE);
        assert_eq!(sqlite3_bind_int(stmt, 1, 8), MISUSE);
        // Stepped again it begins anew, and fails.
        assert_eq!(sqlite3_step(stmt), 19);
        assert_eq!(sqlite3_extended_errcode(db), 19 | 6 << 8);
        assert_eq!(text(sqlite3_errmsg(db)), "UNIQUE constraint failed: t.a");
        assert_eq!(sqlite3_reset(stmt), 19);
        assert_eq!(sqlite3_finalize(stmt), OK);
        // A statement that did not run leaves the message alone.
        assert_eq!(text(sqlite3_errmsg(db)), "UNIQUE constraint failed: t.a");

        let stmt = prepare(db, c"SELECT a, b, x'00ff', NULL FROM t");
        assert_eq!(sqlite3_step(stmt), ROW);
        assert_eq!(sqlite3_column_int64(stmt, 0), 7);
        assert_eq!(text(sqlite3_column_text(stmt, 0).cast()), "7");
        assert_eq!(sqlite3_column_type(stmt, 0), 1);
        assert_eq!((text(sqlite3_column_text(stmt, 1).cast()), sqlite3_column_bytes(stmt, 1)), ("sev".into(), 3));
        assert_eq!(sqlite3_column_bytes16(stmt, 1), 6);
        assert_eq!(sqlite3_column_bytes(stmt, 2), 2);
        assert!(sqlite3_column_text(stmt, 3).is_null());
        assert_eq!(text(sqlite3_column_origin_name(stmt, 1)), "b");
        assert_eq!(sqlite3_step(stmt), DONE);
        assert_eq!(sqlite3_close(db), 5, "a statement is left");
        assert_eq!(sqlite3_finalize(stmt), OK);
        assert_eq!(sqlite3_close(db), OK);
    }
}

#[test]
fn misuse_is_told_where_it_can_be() {
    // SAFETY: NULL is what is being tested.
    unsafe {
        assert_eq!(sqlite3_step(null_mut()), MISUSE);
        assert_eq!(sqlite3_finalize(null_mut()), OK);
        assert_eq!(sqlite3_close(null_mut()), OK);
        assert_eq!(text(sqlite3_errmsg(null_mut())), "out of memory");
        assert_eq!(sqlite3_prepare_v2(null_mut(), c"".as_ptr(), -1, &mut null_mut(), null_mut()), MISUSE);
        let mut db = null_mut();
        assert_eq!(sqlite3_open_v2(c"/no/such/folder/x".as_ptr(), &mut db, 2, null()), 14);
        assert_eq!(text(sqlite3_errmsg(db)), "unable to open database file");
        assert_eq!(exec(db, "SELECT 1").0, MISUSE);
        assert_eq!(sqlite3_close(db), OK);
    }
}

unsafe extern "C" fn twice(context: *mut CContext, _count: c_int, args: *mut *mut CValue) {
    // SAFETY: one argument, as registered.
    unsafe {
        let value = sqlite3_value_int64(*args);
        // The connection may be used inside.
        let db = sqlite3_context_db_handle(context);
        let stmt = prepare(db, c"SELECT 2");
        sqlite3_step(stmt);
        let factor = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        sqlite3_result_int64(context, value * factor);
    }
}

unsafe extern "C" fn count_down(data: *mut c_void) {
    // SAFETY: the test passes a counter.
    unsafe { *data.cast::<i32>() -= 1 }
}

#[test]
fn functions_run_statements_and_their_data_comes_back() {
    let db = open();
    let mut left = 1;
    let data = (&raw mut left).cast::<c_void>();
    // SAFETY: live objects throughout.
    unsafe {
        let code =
            sqlite3_create_function_v2(db, c"twice".as_ptr(), 1, 1, data, Some(twice), None, None, Some(count_down));
        assert_eq!(code, OK);
        let stmt = prepare(db, c"SELECT twice(21)");
        assert_eq!((sqlite3_step(stmt), sqlite3_column_int(stmt, 0)), (ROW, 42));
        assert_eq!(sqlite3_finalize(stmt), OK);
        assert_eq!(left, 1);
        assert_eq!(sqlite3_close(db), OK);
    }
    assert_eq!(left, 0);
}

#[test]
fn blobs_are_read_and_written_in_place() {
    let db = open();
    exec(db, "CREATE TABLE t(b); INSERT INTO t VALUES(x'0102030405')");
    let mut blob = null_mut();
    // SAFETY: live objects throughout.
    unsafe {
        let names = (c"main".as_ptr(), c"t".as_ptr(), c"b".as_ptr());
        assert_eq!(sqlite3_blob_open(db, names.0, names.1, names.2, 1, 1, &mut blob), OK);
        assert_eq!(sqlite3_blob_bytes(blob), 5);
        assert_eq!(sqlite3_blob_write(blob, [9u8, 9].as_ptr().cast(), 2, 1), OK);
        let mut bytes = [0u8; 5];
        assert_eq!(sqlite3_blob_read(blob, bytes.as_mut_ptr().cast(), 5, 0), OK);
        assert_eq!(bytes, [1, 9, 9, 4, 5]);
        assert_eq!(sqlite3_blob_read(blob, bytes.as_mut_ptr().cast(), 5, 1), 1);
        assert_eq!(sqlite3_close(db), 5);
        assert_eq!(sqlite3_blob_close(blob), OK);
        assert_eq!(sqlite3_close(db), OK);
    }
}

#[test]
fn a_legacy_statement_tells_its_error_when_it_is_reset() {
    let db = open();
    exec(db, "CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)");
    let (mut stmt, mut tail) = (null_mut(), null());
    let sql = c"INSERT INTO t VALUES (1)";
    // SAFETY: live objects throughout.
    unsafe {
        assert_eq!(sqlite3_prepare(db, sql.as_ptr(), -1, &mut stmt, null_mut()), OK);
        assert_eq!((sqlite3_step(stmt), sqlite3_errcode(db)), (1, 1));
        assert_eq!((sqlite3_finalize(stmt), text(sqlite3_errmsg(db))), (19, "UNIQUE constraint failed: t.a".into()));
        // What follows a refused statement can be prepared.
        let sql = c"SELECT bogus; SELECT 2";
        assert_eq!(sqlite3_prepare_v2(db, sql.as_ptr(), -1, &mut stmt, &mut tail), 1);
        assert_eq!(text(tail), " SELECT 2");
        assert_eq!(sqlite3_close(db), OK);
    }
}

#[test]
fn a_connection_is_told_when_the_one_in_its_way_is_done() {
    use sqlite3::unlock_notify::sqlite3_unlock_notify;
    const SHARED: c_int = 0x2 | 0x4 | 0x2_0000 | 0x40;
    unsafe extern "C" fn told(arguments: *mut *mut c_void, count: c_int) {
        assert_eq!(count, 1);
        // SAFETY: registered with the address of a counter.
        unsafe { *(*arguments).cast::<c_int>() += 1 }
    }
    let name = c"file:told_when_done?mode=memory";
    let (mut a, mut b, mut count) = (null_mut(), null_mut(), 0);
    let counter = (&raw mut count).cast::<c_void>();
    // SAFETY: live objects throughout; the counter outlives the registrations.
    unsafe {
        assert_eq!(sqlite3_open_v2(name.as_ptr(), &mut a, SHARED, null()), OK);
        assert_eq!(sqlite3_open_v2(name.as_ptr(), &mut b, SHARED, null()), OK);
        assert_eq!(exec(a, "CREATE TABLE t(a); CREATE TABLE u(a); BEGIN; INSERT INTO t VALUES (1)").0, OK);
        assert_eq!(exec(b, "SELECT * FROM t"), (6, "database table is locked: t".into()));
        assert_eq!(sqlite3_extended_errcode(b), 6 | (1 << 8));
        assert_eq!(sqlite3_unlock_notify(b, Some(told), counter), OK);
        assert_eq!(exec(a, "INSERT INTO t VALUES (2)").0, OK);
        assert_eq!(count, 0);
        // What another connection has not touched can be read, but not written meanwhile.
        assert_eq!(exec(b, "SELECT * FROM u").0, OK);
        assert_eq!(exec(b, "INSERT INTO u VALUES (1)"), (6, "database table is locked".into()));
        assert_eq!(exec(a, "COMMIT").0, OK);
        assert_eq!(count, 1);
        assert_eq!(exec(b, "SELECT * FROM t").0, OK);
        // With nobody in the way any more, at once.
        assert_eq!(sqlite3_unlock_notify(b, Some(told), counter), OK);
        assert_eq!(count, 2);
        // Two that wait for each other.
        assert_eq!(exec(a, "BEGIN; SELECT * FROM t").0, OK);
        assert_eq!(exec(b, "BEGIN; SELECT * FROM u; INSERT INTO u VALUES (1)").0, OK);
        assert_eq!(exec(a, "SELECT * FROM u").0, 6);
        assert_eq!(sqlite3_unlock_notify(a, Some(told), counter), OK);
        assert_eq!(exec(b, "INSERT INTO t VALUES (3)").0, 6);
        assert_eq!(sqlite3_unlock_notify(b, Some(told), counter), 6);
        assert_eq!(text(sqlite3_errmsg(b)), "database is deadlocked");
        assert_eq!((sqlite3_close(b), count), (OK, 3));
        assert_eq!(sqlite3_close(a), OK);
    }
}

/// The data of a module: how many of its tables are connected, and whether it has been taken back.
#[derive(Default)]
struct ModuleData {
    tables: Cell<c_int>,
    gone: Cell<bool>,
}

#[repr(C)]
struct TableOfModule {
    base: sqlite3_vtab,
    data: *const ModuleData,
}

unsafe extern "C" fn make_table(
    db: *mut Db,
    data: *mut c_void,
    _: c_int,
    _: *const *const c_char,
    table: *mut *mut sqlite3_vtab,
    _: *mut *mut c_char,
) -> c_int {
    let base = sqlite3_vtab { module: null(), references: 0, message: null_mut() };
    let data = data.cast_const().cast::<ModuleData>();
    // SAFETY: registered with the address of its data, which lives on.
    unsafe {
        (*data).tables.set((*data).tables.get() + 1);
        *table = Box::into_raw(Box::new(TableOfModule { base, data })).cast();
        sqlite3_declare_vtab(db, c"CREATE TABLE x(a)".as_ptr())
    }
}

unsafe extern "C" fn any_plan(_: *mut sqlite3_vtab, _: *mut sqlite3_index_info) -> c_int {
    OK
}

unsafe extern "C" fn leave_table(table: *mut sqlite3_vtab) -> c_int {
    // SAFETY: made by `make_table`; its module's data must still be there.
    unsafe {
        let table = Box::from_raw(table.cast::<TableOfModule>());
        assert!(!(*table.data).gone.get());
        (*table.data).tables.set((*table.data).tables.get() - 1);
    }
    OK
}

unsafe extern "C" fn module_gone(data: *mut c_void) {
    // SAFETY: as above.
    unsafe { (*data.cast::<ModuleData>()).gone.set(true) }
}

#[test]
fn the_data_of_a_module_stays_until_its_last_table_is_gone() {
    let data = ModuleData::default();
    let pointer = (&raw const data).cast_mut().cast::<c_void>();
    let mut methods: sqlite3_module = sqlite3_module {
        version: 1,
        create: Some(make_table),
        connect: Some(make_table),
        best_index: Some(any_plan),
        disconnect: Some(leave_table),
        destroy: Some(leave_table),
        open: None,
        close: None,
        filter: None,
        next: None,
        eof: None,
        column: None,
        rowid: None,
        update: None,
        begin: None,
        sync: None,
        commit: None,
        rollback: None,
        find_function: None,
        rename: None,
        savepoint: None,
        release: None,
        rollback_to: None,
        shadow_name: None,
        integrity: None,
    };
    // SAFETY: live objects throughout.
    unsafe {
        let db = open();
        assert_eq!(sqlite3_create_module_v2(db, c"m".as_ptr(), &raw mut methods, pointer, Some(module_gone)), OK);
        let statement = prepare(db, c"SELECT * FROM m");
        assert_eq!((data.tables.get(), data.gone.get()), (1, false));
        // Without methods the module is removed; what is passed beside them is not looked at.
        assert_eq!(sqlite3_create_module_v2(db, c"m".as_ptr(), null(), null_mut(), Some(module_gone)), OK);
        assert!(!data.gone.get());
        assert_eq!(exec(db, "SELECT * FROM m").0, 1);
        assert_eq!(sqlite3_finalize(statement), OK);
        assert_eq!(sqlite3_close(db), OK);
        assert_eq!((data.tables.get(), data.gone.get()), (0, true));
    }
}

/// `sqlite3_stmt_readonly` and its kin as a function sees them that the statement itself calls, and as another thread does.
#[test]
fn a_statement_that_steps_tells_what_follows_from_its_text() {
    struct Shared(*mut Stmt);
    // SAFETY: the functions that are called on it may be called from any thread.
    unsafe impl Send for Shared {}
    fn facts(statement: *mut Stmt) -> (c_int, c_int, c_int, String) {
        // SAFETY: a live statement.
        unsafe {
            let counts = (sqlite3_bind_parameter_count(statement), sqlite3_stmt_readonly(statement));
            (counts.0, counts.1, sqlite3_stmt_isexplain(statement), text(sqlite3_sql(statement)))
        }
    }
    unsafe extern "C" fn ask(context: *mut CContext, _: c_int, _: *mut *mut CValue) {
        // SAFETY: registered with the address of a pointer to the statement.
        let statement = unsafe { *sqlite3_user_data(context).cast::<*mut Stmt>() };
        let here = facts(statement);
        let shared = Shared(statement);
        let there = std::thread::spawn(move || {
            let shared = shared;
            facts(shared.0)
        });
        assert_eq!(here, (1, 1, 0, "SELECT ask(), ?".to_string()));
        assert_eq!(there.join().unwrap(), here);
        // SAFETY: in the call of a function.
        unsafe { sqlite3_result_int(context, 1) }
    }
    // SAFETY: live objects throughout.
    unsafe {
        let db = open();
        let mut statement: *mut Stmt = null_mut();
        let data = (&raw mut statement).cast::<c_void>();
        assert_eq!(sqlite3_create_function(db, c"ask".as_ptr(), 0, 1, data, Some(ask), None, None), OK);
        statement = prepare(db, c"SELECT ask(), ?");
        assert_eq!(sqlite3_step(statement), ROW);
        assert_eq!(sqlite3_column_int(statement, 0), 1);
        assert_eq!(sqlite3_finalize(statement), OK);
        assert_eq!(sqlite3_close(db), OK);
    }
}

/// A VFS that passes calls on asks the file itself for what `sqlite3_file_control` answers.
#[test]
fn files_name_their_vfs() {
    // SAFETY: live objects throughout; the pointer is of the type that each operation asks for.
    unsafe {
        let path = std::env::temp_dir().join(format!("turso-files-name-their-vfs-{}.db", std::process::id()));
        let name = CString::new(path.to_str().unwrap()).unwrap();
        let mut db: *mut Db = null_mut();
        assert_eq!(sqlite3_open(name.as_ptr(), &mut db), OK);
        assert_eq!(exec(db, "CREATE TABLE t(a)").0, OK);
        let mut file: *mut sqlite3_file = null_mut();
        assert_eq!(sqlite3_file_control(db, c"main".as_ptr(), 7, (&raw mut file).cast()), OK);
        let control = (*(*file).methods).control.unwrap();
        let mut name: *mut c_char = null_mut();
        assert_eq!(control(file, 12, (&raw mut name).cast()), OK);
        assert_eq!(text(name), "unix");
        sqlite3_free(name.cast());
        assert_eq!(sqlite3_file_control(db, c"main".as_ptr(), 12, (&raw mut name).cast()), OK);
        assert_eq!(text(name), "unix");
        sqlite3_free(name.cast());
        assert_eq!(sqlite3_close(db), OK);
        std::fs::remove_file(path).unwrap();
    }
}
