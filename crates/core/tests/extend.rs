//! What applications add to a connection, and what they are asked and told: the same on this engine and on SQLite.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

#[path = "support/mod.rs"]
mod support;

#[path = "extend/authorizer.rs"]
mod authorizer;
#[path = "extend/backup.rs"]
mod backup;
#[path = "extend/blob.rs"]
mod blob;
#[path = "extend/collations.rs"]
mod collations;
#[path = "extend/functions.rs"]
mod functions;
#[path = "extend/hooks.rs"]
mod hooks;
#[path = "extend/limits.rs"]
mod limits;
#[path = "extend/reentry.rs"]
mod reentry;
#[path = "extend/running.rs"]
mod running;

use std::sync::Arc;

use turso_core::functions::{Arity, Context, FunctionDef, FunctionFlags};
use turso_core::{Connection, Database, Error, OpenOptions, Result, ResultCode, StepResult, Value};

/// A connection to each engine, both on databases in memory.
struct Pair {
    ours: Connection,
    theirs: rusqlite::Connection,
}

impl Pair {
    fn new() -> Self {
        let ours = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
        let theirs = rusqlite::Connection::open_in_memory().unwrap();
        theirs.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        Pair { ours, theirs }
    }

    /// Both run the script with the same rows and errors, statement by statement.
    #[track_caller]
    fn same(&self, script: &str) {
        let mut differences = String::new();
        for one in statements(script) {
            let (ours, theirs) = (support::run_ours(&self.ours, one), support::run_theirs(&self.theirs, one));
            if ours != theirs {
                differences += &format!("{}\n    ours: {ours:?}\n  theirs: {theirs:?}\n", one.trim());
            }
        }
        assert!(differences.is_empty(), "\n{differences}");
    }

    /// `run(sql)`: the first value of what the SQL answers, or its error. `fail(code)`: an error with this code.
    fn with_calls() -> Self {
        let pair = Pair::new();
        let connection = pair.ours.clone();
        let one = Arity::exactly(1);
        let run = move |ctx: &mut Context<'_>, args: &[Value]| {
            let sql = match args.first() {
                Some(Value::Text(sql)) => String::from_utf8_lossy(sql).into_owned(),
                _ => String::new(),
            };
            let value = first_value(&connection, &sql)?;
            ctx.value(&value)
        };
        let fail = |_: &mut Context<'_>, args: &[Value]| -> Result<()> {
            let code = if let Some(Value::Integer(i)) = args.first() { *i as i32 } else { 1 };
            Err(Error::new(ResultCode(code as _), format!("failed with {code}")))
        };
        pair.ours.create_function(FunctionDef::user_scalar("run", one, FunctionFlags::NONE, Arc::new(run))).unwrap();
        pair.ours.create_function(FunctionDef::user_scalar("fail", one, FunctionFlags::NONE, Arc::new(fail))).unwrap();
        oracle::create(&pair.theirs, c"run", oracle::run);
        oracle::create(&pair.theirs, c"fail", oracle::fail);
        pair
    }
}

fn first_value(connection: &Connection, sql: &str) -> Result<Value> {
    let mut statement = connection.prepare(sql)?.statement.ok_or_else(|| Error::sql("no statement"))?;
    match statement.step()? {
        StepResult::Row => Ok(statement.row().first().cloned().unwrap_or_default()),
        StepResult::Done => Ok(Value::Null),
    }
}

/// The statements of a script.
fn statements(script: &str) -> Vec<&str> {
    let mut list = Vec::new();
    let mut rest = script;
    while !rest.trim().is_empty() {
        let tail = match turso_core::parser::parse(rest.as_bytes()) {
            Ok(parsed) => parsed.tail,
            Err(_) => rest.find(';').map_or(rest.len(), |i| i + 1),
        };
        let (one, after) = rest.split_at(tail);
        rest = after;
        list.push(one);
    }
    list
}

/// Functions of SQLite's C interface, which the oracle's Rust interface does not cover exactly.
mod oracle {
    use rusqlite::ffi;
    use std::ffi::{CStr, c_int};

    type Call = unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);

    pub fn create(connection: &rusqlite::Connection, name: &CStr, call: Call) {
        // SAFETY: the functions below need nothing that could be gone when they are called.
        let code = unsafe {
            let none = std::ptr::null_mut();
            ffi::sqlite3_create_function_v2(
                connection.handle(),
                name.as_ptr(),
                1,
                ffi::SQLITE_UTF8,
                none,
                Some(call),
                None,
                None,
                None,
            )
        };
        assert_eq!(code, 0);
    }

    pub unsafe extern "C" fn fail(ctx: *mut ffi::sqlite3_context, _: c_int, args: *mut *mut ffi::sqlite3_value) {
        // SAFETY: SQLite hands over one argument and a context that lives during the call.
        unsafe {
            let code = ffi::sqlite3_value_int(*args);
            let text = std::ffi::CString::new(format!("failed with {code}")).unwrap();
            ffi::sqlite3_result_error(ctx, text.as_ptr(), -1);
            ffi::sqlite3_result_error_code(ctx, code);
        }
    }

    pub unsafe extern "C" fn run(ctx: *mut ffi::sqlite3_context, _: c_int, args: *mut *mut ffi::sqlite3_value) {
        // SAFETY: as above; the statement is finalized here.
        unsafe {
            let db = ffi::sqlite3_context_db_handle(ctx);
            let mut statement = std::ptr::null_mut();
            let sql = ffi::sqlite3_value_text(*args).cast();
            let mut code = ffi::sqlite3_prepare_v2(db, sql, -1, &mut statement, std::ptr::null_mut());
            if code == ffi::SQLITE_OK {
                code = ffi::sqlite3_step(statement);
                if code == ffi::SQLITE_ROW {
                    ffi::sqlite3_result_value(ctx, ffi::sqlite3_column_value(statement, 0));
                    code = ffi::SQLITE_DONE;
                }
            }
            if code != ffi::SQLITE_DONE {
                ffi::sqlite3_result_error(ctx, ffi::sqlite3_errmsg(db), -1);
                ffi::sqlite3_result_error_code(ctx, ffi::sqlite3_extended_errcode(db));
            }
            ffi::sqlite3_finalize(statement);
        }
    }
}
