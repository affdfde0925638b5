//! `sqlite3_context`: one call of a function of the application, and the results that it can set.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr::{NonNull, null_mut};

use turso_core::{Error, Result, ResultCode};
use turso_functions::{AuxiliaryData, Context};
use turso_value::{Object, TextEncoding, Value};

use crate::boundary::{Text, bytes_at, entry};
use crate::codes::{Destructor, ERROR, NOMEM, OK, TOOBIG, destroy};
use crate::handle::{Bare, Db};
use crate::memory;
use crate::utf16;
use crate::value::{CValue, Pointer};

/// What a call has come to.
enum Outcome {
    Value(Value),
    /// NULL with something that goes with it.
    Object(Object),
    Failed(c_int, Option<String>),
}

/// Memory that an aggregate keeps for one group.
pub struct AggregateMemory {
    /// NULL until asked for.
    pub block: Cell<*mut c_void>,
    /// Rows so far.
    pub rows: Cell<c_int>,
}

/// One call (`sqlite3_context`).
pub struct CContext {
    db: NonNull<Db>,
    user_data: *mut c_void,
    outcome: RefCell<Outcome>,
    subtype: Cell<c_uint>,
    aggregate: Option<NonNull<AggregateMemory>>,
    /// What a scalar function keeps; the lifetime is that of the call.
    auxiliary: Cell<*mut AuxiliaryData<'static>>,
    /// The column that is asked for does not change, in an update of a virtual table.
    pub no_change: Cell<bool>,
}

/// What `sqlite3_set_auxdata` keeps.
struct Auxiliary {
    data: *mut c_void,
    destructor: Destructor,
}

// SAFETY: the interface's contract: data may be destroyed by whichever thread uses the connection.
unsafe impl Send for Auxiliary {}

impl Drop for Auxiliary {
    fn drop(&mut self) {
        destroy(self.destructor, self.data);
    }
}

impl CContext {
    /// A call.
    pub fn new(db: NonNull<Db>, user_data: *mut c_void, aggregate: Option<&AggregateMemory>) -> Self {
        Self {
            db,
            user_data,
            outcome: RefCell::new(Outcome::Value(Value::Null)),
            subtype: Cell::new(0),
            aggregate: aggregate.map(NonNull::from),
            auxiliary: Cell::new(null_mut()),
            no_change: Cell::new(false),
        }
    }

    /// Let the call see what the place keeps.
    pub fn with_auxiliary<'a>(&self, auxiliary: Option<&mut AuxiliaryData<'a>>) {
        let pointer = auxiliary.map_or(null_mut(), std::ptr::from_mut);
        // The lifetime is forgotten here and kept by who made this context: it does not outlive the call.
        self.auxiliary.set(pointer.cast());
    }

    /// The pointer that C gets.
    pub fn as_ptr(&self) -> *mut CContext {
        std::ptr::from_ref(self).cast_mut()
    }

    /// Hands the result over.
    pub fn finish(self, ctx: &mut Context<'_>) -> Result<()> {
        if let Outcome::Object(object) = &*self.outcome.borrow() {
            return ctx.object(object.clone());
        }
        let (value, subtype) = self.into_value()?;
        *ctx.result = value;
        ctx.result_subtype = subtype;
        Ok(())
    }

    /// The result with its mark.
    pub fn into_value(self) -> Result<(Value, u32)> {
        let subtype = self.subtype.get();
        match self.outcome.into_inner() {
            Outcome::Value(value) => Ok((value, subtype)),
            Outcome::Object(_) => Ok((Value::Null, 0)),
            Outcome::Failed(code, None) => Err(Error::from_code(ResultCode(code))),
            Outcome::Failed(code, Some(message)) => Err(Error::new(ResultCode(code), message)),
        }
    }

    /// What goes with the result, which is NULL then.
    pub fn object(&self) -> Option<Object> {
        match &*self.outcome.borrow() {
            Outcome::Object(object) => Some(object.clone()),
            _ => None,
        }
    }

    /// The result becomes NULL with something that goes with it.
    pub fn set_object(&self, object: Object) {
        *self.outcome.borrow_mut() = Outcome::Object(object);
        self.subtype.set(0);
    }

    /// Only whether it failed.
    pub fn check(self) -> Result<()> {
        self.into_value().map(drop)
    }

    fn db(&self) -> &Db {
        // SAFETY: a function runs within a step of its connection.
        unsafe { self.db.as_ref() }
    }

    fn set(&self, value: Value) {
        let limit = self.db().limits.length();
        if value.bytes().is_some_and(|bytes| bytes.len() > limit) {
            return self.fail(TOOBIG, None);
        }
        *self.outcome.borrow_mut() = Outcome::Value(value);
        self.subtype.set(0);
    }

    fn fail(&self, code: c_int, message: Option<String>) {
        *self.outcome.borrow_mut() = Outcome::Failed(code, message);
    }
}

/// Sets a result whose bytes the caller gives, and hands them back.
fn set_owned(
    context: &Bare<CContext>,
    bytes: *const c_void,
    destructor: Destructor,
    make: impl FnOnce() -> Option<Value>,
) {
    if let Some(context) = context.get() {
        context.set(make().unwrap_or_default());
    }
    if !bytes.is_null() {
        destroy(destructor, bytes.cast_mut());
    }
}

fn too_big(context: &Bare<CContext>, bytes: *const c_void, destructor: Destructor) {
    if !bytes.is_null() {
        destroy(destructor, bytes.cast_mut());
    }
    if let Some(context) = context.get() {
        context.fail(TOOBIG, None);
    }
}

fn text_value(text: *const c_char, length: i64) -> Option<Value> {
    match usize::try_from(length) {
        _ if text.is_null() => None,
        Ok(length) => Some(Value::text(bytes_at(text.cast(), length))),
        Err(_) => Text::new(text).bytes().map(Value::text),
    }
}

fn wide_value(text: *const c_void, length: i64, encoding: TextEncoding) -> Option<Value> {
    utf16::bytes(text, length, false).map(|bytes| Value::Text(utf16::decode(bytes, encoding)))
}

entry! {
    /// The result is a blob.
    fn sqlite3_result_blob(context: Bare<CContext>, blob: *const c_void, length: i32, destructor: Destructor) | (); {
        set_owned(&context, blob, destructor, || {
            (!blob.is_null()).then(|| Value::blob(bytes_at(blob, usize::try_from(length).unwrap_or(0))))
        });
    }

    /// The result is a blob.
    fn sqlite3_result_blob64(context: Bare<CContext>, blob: *const c_void, length: u64, destructor: Destructor) | (); {
        if length > i32::MAX as u64 {
            return too_big(&context, blob, destructor);
        }
        set_owned(&context, blob, destructor, || {
            (!blob.is_null()).then(|| Value::blob(bytes_at(blob, length as usize)))
        });
    }

    /// The result is a real.
    fn sqlite3_result_double(context: Bare<CContext>, value: f64) | (); {
        if let Some(context) = context.get() {
            context.set(Value::real(value));
        }
    }

    /// The call fails with this text.
    fn sqlite3_result_error(context: Bare<CContext>, message: *const c_char, length: i32) | (); {
        if let Some(context) = context.get() {
            let bytes = match usize::try_from(length) {
                Ok(length) => bytes_at(message.cast(), length),
                Err(_) => Text::new(message).bytes().unwrap_or_default(),
            };
            context.fail(ERROR, Some(String::from_utf8_lossy(bytes).into_owned()));
        }
    }

    /// The call fails with this text, given as UTF-16.
    fn sqlite3_result_error16(context: Bare<CContext>, message: *const c_void, length: i32) | (); {
        if let Some(context) = context.get() {
            let bytes = utf16::bytes(message, i64::from(length), false).unwrap_or_default();
            context.fail(ERROR, Some(String::from_utf8_lossy(&utf16::decode(bytes, utf16::NATIVE)).into_owned()));
        }
    }

    /// The call fails: too long.
    fn sqlite3_result_error_toobig(context: Bare<CContext>) | (); {
        if let Some(context) = context.get() {
            context.fail(TOOBIG, None);
        }
    }

    /// The call fails: no memory.
    fn sqlite3_result_error_nomem(context: Bare<CContext>) | (); {
        if let Some(context) = context.get() {
            context.fail(NOMEM, None);
        }
    }

    /// The call fails with this code, and the text it has if it failed already.
    fn sqlite3_result_error_code(context: Bare<CContext>, code: i32) | (); {
        if let Some(context) = context.get() {
            let code = if code == OK { ERROR } else { code };
            let mut outcome = context.outcome.borrow_mut();
            match &mut *outcome {
                Outcome::Failed(known, _) => *known = code,
                _ => *outcome = Outcome::Failed(code, None),
            }
        }
    }

    /// The result is an integer.
    fn sqlite3_result_int(context: Bare<CContext>, value: i32) | (); {
        if let Some(context) = context.get() {
            context.set(Value::Integer(i64::from(value)));
        }
    }

    /// The result is an integer.
    fn sqlite3_result_int64(context: Bare<CContext>, value: i64) | (); {
        if let Some(context) = context.get() {
            context.set(Value::Integer(value));
        }
    }

    /// The result is NULL.
    fn sqlite3_result_null(context: Bare<CContext>) | (); {
        if let Some(context) = context.get() {
            context.set(Value::Null);
        }
    }

    /// The result is text.
    fn sqlite3_result_text(context: Bare<CContext>, text: *const c_char, length: i32, destructor: Destructor) | (); {
        set_owned(&context, text.cast(), destructor, || text_value(text, i64::from(length)));
    }

    /// The result is text in an encoding.
    fn sqlite3_result_text64(
        context: Bare<CContext>, text: *const c_char, length: u64, destructor: Destructor, encoding: u8,
    ) | (); {
        if length > i32::MAX as u64 {
            return too_big(&context, text.cast(), destructor);
        }
        // 16: UTF-8 with a NUL behind its end.
        match if encoding == 16 { Some(TextEncoding::Utf8) } else { utf16::encoding(c_int::from(encoding)) } {
            Some(TextEncoding::Utf8) | None => {
                set_owned(&context, text.cast(), destructor, || text_value(text, length as i64));
            }
            Some(wide) => set_owned(&context, text.cast(), destructor, || wide_value(text.cast(), length as i64, wide)),
        }
    }

    /// The result is text, given as UTF-16.
    fn sqlite3_result_text16(context: Bare<CContext>, text: *const c_void, length: i32, destructor: Destructor) | (); {
        set_owned(&context, text, destructor, || wide_value(text, i64::from(length), utf16::NATIVE));
    }

    /// The result is text, given as UTF-16 with the least significant byte first.
    fn sqlite3_result_text16le(context: Bare<CContext>, text: *const c_void, length: i32, destructor: Destructor) | (); {
        set_owned(&context, text, destructor, || wide_value(text, i64::from(length), TextEncoding::Utf16Le));
    }

    /// The result is text, given as UTF-16 with the most significant byte first.
    fn sqlite3_result_text16be(context: Bare<CContext>, text: *const c_void, length: i32, destructor: Destructor) | (); {
        set_owned(&context, text, destructor, || wide_value(text, i64::from(length), TextEncoding::Utf16Be));
    }

    /// The result is a copy of a value.
    fn sqlite3_result_value(context: Bare<CContext>, value: Bare<CValue>) | (); {
        if let (Some(context), Some(value)) = (context.get(), value.get()) {
            if let Some(object) = value.object() {
                return context.set_object(object.clone());
            }
            context.set(value.value().clone());
            context.subtype.set(value.subtype.get());
        }
    }

    /// The result carries a pointer, which is NULL to SQL.
    fn sqlite3_result_pointer(context: Bare<CContext>, data: *mut c_void, kind: Text, destructor: Destructor) | (); {
        let pointer = Pointer::object(data, kind, destructor);
        if let Some(context) = context.get() {
            context.set_object(pointer);
        }
    }

    /// The result is a blob of zeros.
    fn sqlite3_result_zeroblob(context: Bare<CContext>, length: i32) | (); {
        if let Some(context) = context.get() {
            context.set(Value::Blob(vec![0; usize::try_from(length).unwrap_or(0)]));
        }
    }

    /// The result is a blob of zeros.
    fn sqlite3_result_zeroblob64(context: Bare<CContext>, length: u64) -> c_int | NOMEM; {
        let Some(context) = context.get() else { return crate::codes::MISUSE };
        match usize::try_from(length) {
            Ok(length) if length <= context.db().limits.length() => {
                context.set(Value::Blob(vec![0; length]));
                OK
            }
            _ => {
                context.fail(TOOBIG, None);
                TOOBIG
            }
        }
    }

    /// The mark of the result.
    fn sqlite3_result_subtype(context: Bare<CContext>, subtype: u32) | (); {
        if let Some(context) = context.get() {
            context.subtype.set(subtype);
        }
    }

    /// The result is a string under construction; flag 1: it is given back too.
    fn sqlite3_result_str(context: Bare<CContext>, builder: *mut crate::printf::Builder, flags: i32) | (); {
        if let Some(context) = context.get() {
            // SAFETY: NULL or a live object, by the interface's contract.
            match unsafe { builder.as_ref() } {
                Some(builder) if builder.error() != OK => context.fail(builder.error(), None),
                Some(builder) => context.set(Value::text(builder.text())),
                None => context.set(Value::Null),
            }
        }
        if flags & 1 != 0 && !builder.is_null() {
            // SAFETY: the caller gives the object back.
            drop(unsafe { Box::from_raw(builder) });
        }
    }

    /// The pointer that the function was registered with.
    fn sqlite3_user_data(context: Bare<CContext>) -> *mut c_void | null_mut(); {
        context.get().map_or(null_mut(), |context| context.user_data)
    }

    /// The connection that calls.
    fn sqlite3_context_db_handle(context: Bare<CContext>) -> *mut Db | null_mut(); {
        context.get().map_or(null_mut(), |context| context.db.as_ptr())
    }

    /// Memory that an aggregate keeps for its group, zeros at first.
    fn sqlite3_aggregate_context(context: Bare<CContext>, size: i32) -> *mut c_void | null_mut(); {
        // SAFETY: the memory lives as long as the aggregate, which makes the call.
        let Some(aggregate) = context.get().and_then(|context| context.aggregate.map(|a| unsafe { a.as_ref() })) else {
            return null_mut();
        };
        if aggregate.block.get().is_null() && size > 0 {
            let block = memory::allocate(size as u64);
            if !block.is_null() {
                // SAFETY: the block has this size.
                unsafe { block.cast::<u8>().write_bytes(0, size as usize) }
            }
            aggregate.block.set(block);
        }
        aggregate.block.get()
    }

    /// Obsolete: rows of the group so far.
    fn sqlite3_aggregate_count(context: Bare<CContext>) -> c_int | 0; {
        // SAFETY: as above.
        context.get().and_then(|context| context.aggregate.map(|a| unsafe { a.as_ref() }.rows.get())).unwrap_or(0)
    }

    /// What a scalar function has kept for an argument.
    fn sqlite3_get_auxdata(context: Bare<CContext>, argument: i32) -> *mut c_void | null_mut(); {
        // SAFETY: set for the time of the call, in which nobody else uses it.
        let auxiliary = context.get().and_then(|context| unsafe { context.auxiliary.get().as_mut() });
        let kept = auxiliary.and_then(|auxiliary| auxiliary.get(argument)).and_then(|kept| kept.downcast_ref::<Auxiliary>());
        kept.map_or(null_mut(), |kept| kept.data)
    }

    /// Keeps something for an argument.
    fn sqlite3_set_auxdata(context: Bare<CContext>, argument: i32, data: *mut c_void, destructor: Destructor) | (); {
        let kept = Auxiliary { data, destructor };
        // SAFETY: as above.
        if let Some(auxiliary) = context.get().and_then(|context| unsafe { context.auxiliary.get().as_mut() }) {
            auxiliary.set(argument, Box::new(kept));
        }
    }

    /// The column does not change, in `xColumn` of a virtual table.
    fn sqlite3_vtab_nochange(context: Bare<CContext>) -> c_int | 0; {
        context.get().is_some_and(|context| context.no_change.get()).into()
    }
}
