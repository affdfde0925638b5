//! `sqlite3_value`: a value with the forms of it that C has asked for.
//!
//! A form, once made, stays where it is until the value changes, so text, UTF-16 and blob pointers of one value live
//! side by side and no conversion takes another's pointer away.

use std::cell::{Cell, UnsafeCell};
use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};

use turso_value::{Object, TextEncoding, Value, ValueType};

use crate::boundary::{Text, entry};
use crate::codes::{Destructor, UTF8, destroy};
use crate::handle::Bare;
use crate::utf16;

/// A pointer that travels as a value and is NULL to SQL.
pub struct Pointer {
    /// The pointer.
    pub data: *mut c_void,
    /// The name of its type; whoever asks must know it.
    pub kind: CString,
    /// Takes it back.
    pub destructor: Destructor,
}

// SAFETY: the interface's contract: the pointer may be used, and destroyed, by whichever thread uses the connection.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl Pointer {
    /// A pointer as what goes with a NULL.
    pub fn object(data: *mut c_void, kind: Text, destructor: Destructor) -> Object {
        Object::new(Pointer { data, kind: crate::error::c_string(kind.bytes().unwrap_or_default()), destructor })
    }
}

impl Drop for Pointer {
    fn drop(&mut self) {
        destroy(self.destructor, self.data);
    }
}

/// A value as C holds it.
#[derive(Default)]
pub struct CValue {
    /// Where the value lies; NULL: in `own`.
    source: Cell<*const Value>,
    own: UnsafeCell<Value>,
    /// The text with a NUL behind.
    text: UnsafeCell<Vec<u8>>,
    /// The text as UTF-16 with a NUL unit behind, least significant byte first or last.
    wide: [UnsafeCell<Vec<u16>>; 2],
    /// Which of the forms are made: 1 text, 2 and 4 the wide ones.
    made: Cell<u8>,
    /// What the row was when it was filled; see `column.rs`.
    pub row_number: Cell<u64>,
    /// The application's mark on the value.
    pub subtype: Cell<c_uint>,
    /// It was bound to a parameter.
    pub from_bind: Cell<bool>,
    /// The column does not change, in an update of a virtual table.
    pub no_change: Cell<bool>,
    /// What goes with the value: a [`Pointer`], or an object of a module.
    object: UnsafeCell<Option<Object>>,
    /// The values of an IN, which virtual tables can get as one value.
    set: Option<ValueSet>,
}

/// The values of an IN, and which comes next.
struct ValueSet {
    values: Vec<CValue>,
    next: Cell<usize>,
}

impl CValue {
    /// A value that owns its content.
    pub fn new(value: Value) -> Self {
        Self { own: UnsafeCell::new(value), ..Self::default() }
    }

    /// A NULL that an object goes with.
    pub fn of_object(object: Object) -> Self {
        Self { object: UnsafeCell::new(Some(object)), ..Self::default() }
    }

    /// Say what goes with the value that was just shown.
    pub fn carry(&self, object: Option<Object>) {
        // SAFETY: references from `object` do not outlive the call that made them.
        unsafe { *self.object.get() = object }
    }

    /// What goes with the value.
    pub fn object(&self) -> Option<&Object> {
        // SAFETY: it is set before C sees the value and not changed while C may look.
        unsafe { &*self.object.get() }.as_ref()
    }

    /// A value that stands for all values of an IN, and is NULL otherwise.
    pub fn of_set(values: &[Value]) -> Self {
        let values = values.iter().map(|value| CValue::new(value.clone())).collect();
        Self { set: Some(ValueSet { values, next: Cell::new(0) }), ..Self::default() }
    }

    /// The first or next value of an IN; `None` for a value that is none.
    pub fn next_of_set(&self, first: bool) -> Option<Option<&CValue>> {
        let set = self.set.as_ref()?;
        if first {
            set.next.set(0);
        }
        let found = set.values.get(set.next.get());
        set.next.set(set.next.get() + 1);
        Some(found)
    }

    /// Show the value that lies elsewhere.
    ///
    /// # Safety
    /// It neither moves nor changes while C may look at this one.
    pub unsafe fn borrow_from(&self, source: &Value) {
        self.source.set(source);
        self.made.set(0);
        self.subtype.set(0);
    }

    /// Show NULL: what was borrowed may go.
    pub fn forget(&self) {
        self.source.set(null());
        self.carry(None);
        self.made.set(0);
        self.subtype.set(0);
    }

    /// Own this value from now on.
    pub fn set(&self, value: Value) {
        self.source.set(null());
        self.made.set(0);
        self.subtype.set(0);
        // SAFETY: references from `value` do not outlive the call that made them.
        unsafe { *self.own.get() = value }
    }

    /// The value.
    pub fn value(&self) -> &Value {
        let source = self.source.get();
        // SAFETY: what was borrowed stays as it is, by the promise of `borrow_from`; what is owned changes only by `set`.
        unsafe { if source.is_null() { &*self.own.get() } else { &*source } }
    }

    /// The text with its NUL, made if it is not; NULL for NULL.
    pub fn text(&self) -> *const u8 {
        if self.value().is_null() {
            return null();
        }
        // SAFETY: nobody else holds a reference to the buffer; pointers handed out stay valid as it changes only when the
        // value does.
        let buffer = unsafe { &mut *self.text.get() };
        if self.made.get() & 1 == 0 {
            buffer.clear();
            self.value().as_ref().write_text(buffer);
            buffer.push(0);
            self.made.set(self.made.get() | 1);
        }
        buffer.as_ptr()
    }

    /// Bytes of the text or blob.
    pub fn bytes(&self) -> c_int {
        let length = match self.value() {
            Value::Null => 0,
            Value::Text(bytes) | Value::Blob(bytes) => bytes.len(),
            _ => {
                self.text();
                // SAFETY: as in `text`.
                unsafe { &*self.text.get() }.len().saturating_sub(1)
            }
        };
        c_int::try_from(length).unwrap_or(c_int::MAX)
    }

    /// The bytes; NULL for NULL and for none.
    pub fn blob(&self) -> *const c_void {
        match self.value() {
            Value::Null => null(),
            Value::Blob(bytes) | Value::Text(bytes) if bytes.is_empty() => null(),
            // Whoever has had the text of a blob finds its bytes there.
            Value::Blob(_) if self.made.get() & 1 != 0 => self.text().cast(),
            Value::Blob(bytes) => bytes.as_ptr().cast(),
            _ => self.text().cast(),
        }
    }

    fn wide(&self, encoding: TextEncoding) -> Option<&Vec<u16>> {
        if self.value().is_null() {
            return None;
        }
        let index = usize::from(encoding == TextEncoding::Utf16Be);
        let bit = 2 << index;
        let cell = self.wide.get(index)?;
        if self.made.get() & bit == 0 {
            let mut text = Vec::new();
            self.value().as_ref().write_text(&mut text);
            let units = match self.value() {
                // A blob is taken as it is: its bytes are the text.
                Value::Blob(bytes) => {
                    bytes.chunks_exact(2).map(|p| u16::from_ne_bytes([p[0], p[1]])).chain([0]).collect()
                }
                _ if encoding == utf16::NATIVE => utf16::encode(&text),
                _ => utf16::encode(&text).into_iter().map(u16::swap_bytes).collect(),
            };
            // SAFETY: as in `text`.
            unsafe { *cell.get() = units }
            self.made.set(self.made.get() | bit);
        }
        // SAFETY: as in `text`.
        Some(unsafe { &*cell.get() })
    }

    /// The text as UTF-16 with its NUL; NULL for NULL.
    pub fn text16(&self, encoding: TextEncoding) -> *const c_void {
        self.wide(encoding).map_or(null(), |units| units.as_ptr().cast())
    }

    /// Bytes of the text as UTF-16.
    pub fn bytes16(&self) -> c_int {
        let length = match self.value() {
            Value::Blob(bytes) => bytes.len() & !1,
            _ => self.wide(utf16::NATIVE).map_or(0, |units| (units.len() - 1) * 2),
        };
        c_int::try_from(length).unwrap_or(c_int::MAX)
    }

    /// A copy that owns everything; a pointer does not go with it.
    pub fn duplicate(&self) -> CValue {
        let copy = CValue::new(self.value().clone());
        copy.subtype.set(self.subtype.get());
        copy.from_bind.set(self.from_bind.get());
        copy
    }

    /// The pointer it carries, for who knows the name of its type.
    pub fn pointer(&self, kind: &CStr) -> *mut c_void {
        match self.object().and_then(|object| object.downcast_ref::<Pointer>()) {
            Some(pointer) if *pointer.kind == *kind => pointer.data,
            _ => null_mut(),
        }
    }
}

/// The type as C numbers it.
pub fn type_code(kind: ValueType) -> c_int {
    kind as c_int
}

entry! {
    /// The bytes of the value.
    fn sqlite3_value_blob(value: Bare<CValue>) -> *const c_void | null(); {
        value.get().map_or(null(), CValue::blob)
    }

    /// The value as a real.
    fn sqlite3_value_double(value: Bare<CValue>) -> f64 | 0.0; { value.get().map_or(0.0, |v| v.value().to_real()) }

    /// The value as an integer of 32 bits.
    fn sqlite3_value_int(value: Bare<CValue>) -> c_int | 0; {
        value.get().map_or(0, |v| v.value().to_integer() as c_int)
    }

    /// The value as an integer.
    fn sqlite3_value_int64(value: Bare<CValue>) -> i64 | 0; { value.get().map_or(0, |v| v.value().to_integer()) }

    /// The pointer that the value carries.
    fn sqlite3_value_pointer(value: Bare<CValue>, kind: Text) -> *mut c_void | null_mut(); {
        match (value.get(), kind.bytes()) {
            (Some(value), Some(kind)) => value.pointer(&crate::error::c_string(kind)),
            _ => null_mut(),
        }
    }

    /// The value as text.
    fn sqlite3_value_text(value: Bare<CValue>) -> *const u8 | null(); { value.get().map_or(null(), CValue::text) }

    /// The value as UTF-16 in the machine's order.
    fn sqlite3_value_text16(value: Bare<CValue>) -> *const c_void | null(); {
        value.get().map_or(null(), |v| v.text16(utf16::NATIVE))
    }

    /// The value as UTF-16, least significant byte first.
    fn sqlite3_value_text16le(value: Bare<CValue>) -> *const c_void | null(); {
        value.get().map_or(null(), |v| v.text16(TextEncoding::Utf16Le))
    }

    /// The value as UTF-16, most significant byte first.
    fn sqlite3_value_text16be(value: Bare<CValue>) -> *const c_void | null(); {
        value.get().map_or(null(), |v| v.text16(TextEncoding::Utf16Be))
    }

    /// Bytes of the text or blob.
    fn sqlite3_value_bytes(value: Bare<CValue>) -> c_int | 0; { value.get().map_or(0, CValue::bytes) }

    /// Bytes of the text as UTF-16.
    fn sqlite3_value_bytes16(value: Bare<CValue>) -> c_int | 0; { value.get().map_or(0, CValue::bytes16) }

    /// The type.
    fn sqlite3_value_type(value: Bare<CValue>) -> c_int | 5; {
        value.get().map_or(ValueType::Null as c_int, |v| type_code(v.value().value_type()))
    }

    /// The type, after text that is a number became one.
    fn sqlite3_value_numeric_type(value: Bare<CValue>) -> c_int | 5; {
        let Some(value) = value.get() else { return ValueType::Null as c_int };
        type_code(value.value().as_ref().numeric_type())
    }

    /// The column does not change, in an update of a virtual table.
    fn sqlite3_value_nochange(value: Bare<CValue>) -> c_int | 0; {
        value.get().is_some_and(|v| v.no_change.get()).into()
    }

    /// The value comes from a parameter.
    fn sqlite3_value_frombind(value: Bare<CValue>) -> c_int | 0; {
        value.get().is_some_and(|v| v.from_bind.get()).into()
    }

    /// The encoding in which the text lies.
    fn sqlite3_value_encoding(value: Bare<CValue>) -> c_int | UTF8; {
        let _ = value;
        UTF8
    }

    /// The application's mark.
    fn sqlite3_value_subtype(value: Bare<CValue>) -> c_uint | 0; { value.get().map_or(0, |v| v.subtype.get()) }

    /// A copy that lives until it is freed.
    fn sqlite3_value_dup(value: Bare<CValue>) -> *mut CValue | null_mut(); {
        value.get().map_or(null_mut(), |v| Box::into_raw(Box::new(v.duplicate())))
    }

    /// Frees a copy.
    fn sqlite3_value_free(value: *mut CValue) | (); {
        if !value.is_null() {
            // SAFETY: the caller passes what `sqlite3_value_dup` answered, once.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}
