//! The five storage classes, owned and borrowed.
//!
//! A register of the interpreter is a [`Value`] that lives as long as its program, so assignment keeps the byte buffer
//! wherever the old and the new value both have one.

/// A value that owns its bytes.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A floating point number; never NaN when made by [`Value::real`].
    Real(f64),
    /// Text: bytes that are meant as UTF-8, not validated.
    Text(Vec<u8>),
    /// A byte string.
    Blob(Vec<u8>),
}

/// A value that borrows its bytes.
#[derive(Clone, Copy, PartialEq, Default)]
pub enum ValueRef<'a> {
    /// SQL NULL.
    #[default]
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A floating point number; never NaN.
    Real(f64),
    /// Text: bytes that are meant as UTF-8, not validated.
    Text(&'a [u8]),
    /// A byte string.
    Blob(&'a [u8]),
}

/// A storage class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValueType {
    /// `SQLITE_INTEGER`
    Integer = 1,
    /// `SQLITE_FLOAT`
    Real = 2,
    /// `SQLITE_TEXT`
    Text = 3,
    /// `SQLITE_BLOB`
    Blob = 4,
    /// `SQLITE_NULL`
    Null = 5,
}

impl ValueType {
    /// What `typeof()` answers.
    pub const fn name(self) -> &'static str {
        match self {
            ValueType::Integer => "integer",
            ValueType::Real => "real",
            ValueType::Text => "text",
            ValueType::Blob => "blob",
            ValueType::Null => "null",
        }
    }
}

impl Value {
    /// A real, or NULL for NaN: SQL has no NaN.
    #[inline]
    pub fn real(f: f64) -> Self {
        if f.is_nan() { Value::Null } else { Value::Real(f) }
    }

    /// Text from anything that is bytes.
    #[inline]
    pub fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Value::Text(bytes.into())
    }

    /// A blob from anything that is bytes.
    #[inline]
    pub fn blob(bytes: impl Into<Vec<u8>>) -> Self {
        Value::Blob(bytes.into())
    }

    /// 1 or 0.
    #[inline]
    pub fn boolean(b: bool) -> Self {
        Value::Integer(i64::from(b))
    }

    /// Borrow.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Integer(i) => ValueRef::Integer(*i),
            Value::Real(r) => ValueRef::Real(*r),
            Value::Text(t) => ValueRef::Text(t),
            Value::Blob(b) => ValueRef::Blob(b),
        }
    }

    /// Nothing can tell the two apart: type and bits are the same. (1 and 1.0 differ, and so do 0.0 and -0.0.)
    #[inline]
    pub fn is_identical(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }

    /// The storage class.
    #[inline]
    pub fn value_type(&self) -> ValueType {
        self.as_ref().value_type()
    }

    /// True for NULL.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// True for INTEGER and REAL.
    #[inline]
    pub fn is_numeric(&self) -> bool {
        matches!(self, Value::Integer(_) | Value::Real(_))
    }

    /// The bytes of text or blob.
    #[inline]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Text(b) | Value::Blob(b) => Some(b),
            _ => None,
        }
    }

    /// Becomes NULL. The byte buffer is given up; assign text or blob directly to keep it.
    #[inline]
    pub fn set_null(&mut self) {
        *self = Value::Null;
    }

    /// Becomes an integer.
    #[inline]
    pub fn set_integer(&mut self, i: i64) {
        // A register mostly holds what it held before, which leaves nothing to be dropped.
        match self {
            Value::Integer(old) => *old = i,
            other => *other = Value::Integer(i),
        }
    }

    /// Becomes a real, or NULL for NaN.
    #[inline]
    pub fn set_real(&mut self, f: f64) {
        *self = Value::real(f);
    }

    /// Becomes 1 or 0.
    #[inline]
    pub fn set_boolean(&mut self, b: bool) {
        *self = Value::Integer(i64::from(b));
    }

    /// Becomes text with these bytes, in the old buffer where there is one.
    #[inline]
    pub fn set_text(&mut self, bytes: &[u8]) {
        match self {
            Value::Text(buffer) => {
                buffer.clear();
                buffer.extend_from_slice(bytes);
            }
            _ => {
                let mut buffer = self.take_buffer();
                buffer.extend_from_slice(bytes);
                *self = Value::Text(buffer);
            }
        }
    }

    /// Becomes a blob with these bytes, in the old buffer where there is one.
    #[inline]
    pub fn set_blob(&mut self, bytes: &[u8]) {
        match self {
            Value::Blob(buffer) => {
                buffer.clear();
                buffer.extend_from_slice(bytes);
            }
            _ => {
                let mut buffer = self.take_buffer();
                buffer.extend_from_slice(bytes);
                *self = Value::Blob(buffer);
            }
        }
    }

    /// Becomes empty text and hands out its (cleared, reused) buffer to be written.
    #[inline]
    pub fn text_buffer(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Value::Text(_)) {
            *self = Value::Text(self.take_buffer());
        }
        match self {
            Value::Text(buffer) => {
                buffer.clear();
                buffer
            }
            _ => unreachable!("set to text above"),
        }
    }

    /// Becomes an empty blob and hands out its (cleared, reused) buffer to be written.
    #[inline]
    pub fn blob_buffer(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Value::Blob(_)) {
            *self = Value::Blob(self.take_buffer());
        }
        match self {
            Value::Blob(buffer) => {
                buffer.clear();
                buffer
            }
            _ => unreachable!("set to blob above"),
        }
    }

    /// Takes the byte buffer out, cleared, leaving NULL. A new, unallocated one where there is none.
    #[inline]
    pub fn take_buffer(&mut self) -> Vec<u8> {
        match std::mem::take(self) {
            Value::Text(mut buffer) | Value::Blob(mut buffer) => {
                buffer.clear();
                buffer
            }
            _ => Vec::new(),
        }
    }

    /// Becomes a copy of `value`, in the old buffer where there is one.
    #[inline]
    pub fn assign(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => *self = Value::Null,
            ValueRef::Integer(i) => *self = Value::Integer(i),
            ValueRef::Real(r) => *self = Value::real(r),
            ValueRef::Text(t) => self.set_text(t),
            ValueRef::Blob(b) => self.set_blob(b),
        }
    }
}

impl<'a> ValueRef<'a> {
    /// The storage class.
    #[inline]
    pub fn value_type(self) -> ValueType {
        match self {
            ValueRef::Null => ValueType::Null,
            ValueRef::Integer(_) => ValueType::Integer,
            ValueRef::Real(_) => ValueType::Real,
            ValueRef::Text(_) => ValueType::Text,
            ValueRef::Blob(_) => ValueType::Blob,
        }
    }

    /// A copy that owns its bytes.
    #[inline]
    pub fn to_owned(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(i) => Value::Integer(i),
            ValueRef::Real(r) => Value::real(r),
            ValueRef::Text(t) => Value::Text(t.to_vec()),
            ValueRef::Blob(b) => Value::Blob(b.to_vec()),
        }
    }

    /// True for NULL.
    #[inline]
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }

    /// The bytes of text or blob.
    #[inline]
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            ValueRef::Text(b) | ValueRef::Blob(b) => Some(b),
            _ => None,
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    #[inline]
    fn from(value: &'a Value) -> Self {
        value.as_ref()
    }
}

impl From<ValueRef<'_>> for Value {
    #[inline]
    fn from(value: ValueRef<'_>) -> Self {
        value.to_owned()
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Value::Integer(i)
    }
}

impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Value::real(f)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text.into_bytes())
    }
}

impl std::fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ValueRef::Null => f.write_str("NULL"),
            ValueRef::Integer(i) => write!(f, "{i}"),
            ValueRef::Real(r) => write!(f, "{r:?}"),
            ValueRef::Text(t) => write!(f, "'{}'", t.escape_ascii()),
            ValueRef::Blob(b) => {
                f.write_str("x'")?;
                for byte in *b {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("'")
            }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}
