//! Values for parameters.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null;

use turso_core::{Program, Result, Statement};
use turso_value::{TextEncoding, Value};

use crate::boundary::{Text, bytes_at, entry};
use crate::codes::{Destructor, INTERNAL, MISUSE, OK, RANGE, TOOBIG, destroy};
use crate::handle::{Bare, Handle, Stmt, StmtState};
use crate::utf16;
use crate::value::{CValue, Pointer};

impl Stmt {
    /// Bind a value by number.
    fn bind(&self, number: c_int, value: Value) -> c_int {
        self.bind_with(number, |inner, number| inner.bind(number, value))
    }

    /// Bind something by number.
    pub fn bind_with(&self, number: c_int, bind: impl FnOnce(&mut Statement, usize) -> Result<()>) -> c_int {
        let db = self.db();
        if self.state.get() != StmtState::Ready {
            crate::config::log(MISUSE, &[b"bind on a busy prepared statement: [", self.sql.as_bytes(), b"]"].concat());
            return db.fail_code(MISUSE);
        }
        let Ok(mut inner) = self.inner.try_borrow_mut() else { return MISUSE };
        let result = bind(&mut inner, usize::try_from(number).unwrap_or(0));
        match result {
            Ok(()) => db.ok(),
            Err(error) => db.fail(&error),
        }
    }

    /// Bind bytes that the caller gives; `destructor` takes them back, in any case.
    fn bind_bytes(&self, number: c_int, make: impl FnOnce() -> Option<Value>) -> c_int {
        match make() {
            Some(value) if value.bytes().is_some_and(|bytes| bytes.len() > self.db().limits.length()) => {
                self.db().fail_code(TOOBIG)
            }
            value => self.bind(number, value.unwrap_or_default()),
        }
    }
}

/// Text of a length or up to its NUL; `None` for NULL.
fn text_of(text: *const c_char, length: i64) -> Option<Value> {
    match usize::try_from(length) {
        _ if text.is_null() => None,
        Ok(length) => Some(Value::text(bytes_at(text.cast(), length))),
        Err(_) => Text::new(text).bytes().map(Value::text),
    }
}

fn wide_of(text: *const c_void, length: i64, encoding: TextEncoding) -> Option<Value> {
    utf16::bytes(text, length, false).map(|bytes| Value::Text(utf16::decode(bytes, encoding)))
}

fn blob_of(blob: *const c_void, length: usize) -> Option<Value> {
    (!blob.is_null()).then(|| Value::blob(bytes_at(blob, length)))
}

/// Binds and hands the bytes back to their owner.
fn bind_owned(
    stmt: &Handle<Stmt>,
    number: c_int,
    bytes: *const c_void,
    destructor: Destructor,
    make: impl FnOnce() -> Option<Value>,
) -> c_int {
    let code = stmt.required().map_or(MISUSE, |stmt| stmt.bind_bytes(number, make));
    if !bytes.is_null() {
        destroy(destructor, bytes.cast_mut());
    }
    code
}

entry! {
    /// Binds a blob.
    fn sqlite3_bind_blob(
        stmt: Handle<Stmt>, number: i32, blob: *const c_void, length: i32, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        let Ok(size) = usize::try_from(length) else { return stmt.required().map_or(MISUSE, |s| s.db().fail_code(MISUSE)) };
        bind_owned(&stmt, number, blob, destructor, || blob_of(blob, size))
    }

    /// Binds a blob.
    fn sqlite3_bind_blob64(
        stmt: Handle<Stmt>, number: i32, blob: *const c_void, length: u64, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        if length > i32::MAX as u64 {
            if !blob.is_null() {
                destroy(destructor, blob.cast_mut());
            }
            return stmt.required().map_or(MISUSE, |s| s.db().fail_code(TOOBIG));
        }
        bind_owned(&stmt, number, blob, destructor, || blob_of(blob, length as usize))
    }

    /// Binds a real.
    fn sqlite3_bind_double(stmt: Handle<Stmt>, number: i32, value: f64) -> c_int | INTERNAL; {
        stmt.required().map_or(MISUSE, |stmt| stmt.bind(number, Value::real(value)))
    }

    /// Binds an integer.
    fn sqlite3_bind_int(stmt: Handle<Stmt>, number: i32, value: i32) -> c_int | INTERNAL; {
        stmt.required().map_or(MISUSE, |stmt| stmt.bind(number, Value::Integer(i64::from(value))))
    }

    /// Binds an integer.
    fn sqlite3_bind_int64(stmt: Handle<Stmt>, number: i32, value: i64) -> c_int | INTERNAL; {
        stmt.required().map_or(MISUSE, |stmt| stmt.bind(number, Value::Integer(value)))
    }

    /// Binds NULL.
    fn sqlite3_bind_null(stmt: Handle<Stmt>, number: i32) -> c_int | INTERNAL; {
        stmt.required().map_or(MISUSE, |stmt| stmt.bind(number, Value::Null))
    }

    /// Binds text.
    fn sqlite3_bind_text(
        stmt: Handle<Stmt>, number: i32, text: *const c_char, length: i32, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        bind_owned(&stmt, number, text.cast(), destructor, || text_of(text, i64::from(length)))
    }

    /// Binds text that is UTF-16.
    fn sqlite3_bind_text16(
        stmt: Handle<Stmt>, number: i32, text: *const c_void, length: i32, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        bind_owned(&stmt, number, text, destructor, || wide_of(text, i64::from(length), utf16::NATIVE))
    }

    /// Binds text in an encoding.
    fn sqlite3_bind_text64(
        stmt: Handle<Stmt>, number: i32, text: *const c_char, length: u64, destructor: Destructor, encoding: u8,
    ) -> c_int | INTERNAL; {
        let too_big = length > i32::MAX as u64;
        // 16: UTF-8 with a NUL behind its end.
        let encoding = if encoding == 16 { Some(TextEncoding::Utf8) } else { utf16::encoding(c_int::from(encoding)) };
        let code = match (stmt.get(), encoding) {
            (None, _) | (_, None) => MISUSE,
            (Some(stmt), _) if too_big => stmt.db().fail_code(TOOBIG),
            (Some(stmt), Some(TextEncoding::Utf8)) => stmt.bind_bytes(number, || text_of(text, length as i64)),
            (Some(stmt), Some(wide)) => stmt.bind_bytes(number, || wide_of(text.cast(), length as i64, wide)),
        };
        if !text.is_null() {
            destroy(destructor, text.cast_mut().cast());
        }
        code
    }

    /// Binds a copy of a value.
    fn sqlite3_bind_value(stmt: Handle<Stmt>, number: i32, value: Bare<CValue>) -> c_int | INTERNAL; {
        let Some(stmt) = stmt.required() else { return MISUSE };
        stmt.bind(number, value.get().map(|v| v.value().clone()).unwrap_or_default())
    }

    /// Binds a pointer, which is NULL to SQL.
    fn sqlite3_bind_pointer(
        stmt: Handle<Stmt>, number: i32, data: *mut c_void, kind: Text, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        // Where it cannot be bound it is dropped, and so goes back.
        let pointer = Pointer::object(data, kind, destructor);
        stmt.required().map_or(MISUSE, |stmt| stmt.bind_with(number, |inner, number| inner.bind_object(number, pointer)))
    }

    /// Binds a blob of zeros.
    fn sqlite3_bind_zeroblob(stmt: Handle<Stmt>, number: i32, length: i32) -> c_int | INTERNAL; {
        let length = usize::try_from(length).unwrap_or(0);
        stmt.required().map_or(MISUSE, |stmt| stmt.bind_zeros(number, length))
    }

    /// Binds a blob of zeros.
    fn sqlite3_bind_zeroblob64(stmt: Handle<Stmt>, number: i32, length: u64) -> c_int | INTERNAL; {
        stmt.required().map_or(MISUSE, |stmt| stmt.bind_zeros(number, usize::try_from(length).unwrap_or(usize::MAX)))
    }

    /// The largest parameter number.
    fn sqlite3_bind_parameter_count(stmt: Bare<Stmt>) -> c_int | 0; {
        stmt.live().map_or(0, |stmt| stmt.facts.parameters)
    }

    /// Name of a parameter, with its prefix.
    fn sqlite3_bind_parameter_name(stmt: Handle<Stmt>, number: i32) -> *const c_char | null(); {
        let (Some(stmt), Ok(number)) = (stmt.get(), usize::try_from(number)) else { return null() };
        let Some(index) = number.checked_sub(1) else { return null() };
        let mut names = stmt.parameter_names.borrow_mut();
        if names.is_empty() {
            let known = stmt.ask_program(|program| {
                let name = |name: &Option<_>| name.as_deref().map(|name: &str| crate::error::c_string(name.as_bytes()));
                program.parameters.iter().map(name).collect()
            });
            *names = known.unwrap_or_default();
        }
        names.get(index).and_then(Option::as_ref).map_or(null(), |name| name.as_ptr())
    }

    /// Number of a parameter by its name.
    fn sqlite3_bind_parameter_index(stmt: Handle<Stmt>, name: Text) -> c_int | 0; {
        let (Some(stmt), Some(name)) = (stmt.get(), name.string()) else { return 0 };
        let found = |program: &Program| program.parameters.iter().position(|p| p.as_deref() == Some(&*name));
        stmt.ask_program(found).flatten().map_or(0, |index| index as c_int + 1)
    }

    /// All parameters become NULL.
    fn sqlite3_clear_bindings(stmt: Handle<Stmt>) -> c_int | INTERNAL; {
        let Some(stmt) = stmt.required() else { return MISUSE };
        if let Ok(mut inner) = stmt.inner.try_borrow_mut() {
            inner.clear_bindings();
        }
        OK
    }

    /// Obsolete: gives the values of one statement to another.
    fn sqlite3_transfer_bindings(from: Handle<Stmt>, to: Handle<Stmt>) -> c_int | INTERNAL; {
        let (Some(from), Some(to)) = (from.get(), to.get()) else { return MISUSE };
        let values: Vec<Value> = match from.inner.try_borrow() {
            Ok(inner) => (1..=inner.parameter_count()).filter_map(|n| inner.parameter(n).cloned()).collect(),
            Err(_) => return MISUSE,
        };
        let Ok(mut inner) = to.inner.try_borrow_mut() else { return MISUSE };
        if inner.parameter_count() != values.len() {
            return crate::codes::ERROR;
        }
        for (i, value) in values.into_iter().enumerate() {
            if inner.bind(i + 1, value).is_err() {
                return MISUSE;
            }
        }
        OK
    }
}

impl Stmt {
    fn bind_zeros(&self, number: c_int, length: usize) -> c_int {
        if length > self.db().limits.length() {
            return self.db().fail_code(TOOBIG);
        }
        let known = self.inner.try_borrow().map_or(0, |inner| inner.parameter_count());
        if !usize::try_from(number).is_ok_and(|number| (1..=known).contains(&number)) {
            return self.db().fail_code(RANGE);
        }
        self.bind(number, Value::Blob(vec![0; length]))
    }
}
