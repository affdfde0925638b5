//! SQL values and their Rust counterparts.

use crate::error::{Error, Result};

/// A value of a row or a parameter.
///
/// SQL text is bytes and need not be UTF-8: what is not becomes replacement characters here. [`ValueRef`] gives the bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT.
    Text(String),
    /// BLOB.
    Blob(Vec<u8>),
}

/// A value borrowed from a row.
pub use turso_core::ValueRef;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ValueType {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

macro_rules! accessors {
    ($($is:ident $as:ident $variant:ident $ty:ty),*) => {$(
        /// Is it of this type?
        pub fn $is(&self) -> bool {
            matches!(self, Value::$variant(_))
        }
        /// The value, if it is of this type.
        pub fn $as(&self) -> Option<&$ty> {
            match self {
                Value::$variant(v) => Some(v),
                _ => None,
            }
        }
    )*};
}

impl Value {
    accessors!(is_integer as_integer Integer i64, is_real as_real Real f64, is_text as_text Text String, is_blob as_blob Blob Vec<u8>);

    /// Is it NULL?
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Its type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::Null => ValueType::Null,
            Value::Integer(_) => ValueType::Integer,
            Value::Real(_) => ValueType::Real,
            Value::Text(_) => ValueType::Text,
            Value::Blob(_) => ValueType::Blob,
        }
    }

    pub(crate) fn from_engine(value: &turso_core::Value) -> Self {
        match value {
            turso_core::Value::Null => Value::Null,
            turso_core::Value::Integer(i) => Value::Integer(*i),
            turso_core::Value::Real(r) => Value::Real(*r),
            turso_core::Value::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            turso_core::Value::Blob(bytes) => Value::Blob(bytes.clone()),
        }
    }

    pub(crate) fn into_engine(self) -> turso_core::Value {
        match self {
            Value::Null => turso_core::Value::Null,
            Value::Integer(i) => turso_core::Value::Integer(i),
            Value::Real(r) if r.is_nan() => turso_core::Value::Null,
            Value::Real(r) => turso_core::Value::Real(r),
            Value::Text(text) => turso_core::Value::Text(text.into_bytes()),
            Value::Blob(bytes) => turso_core::Value::Blob(bytes),
        }
    }
}

macro_rules! from_integers {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Value {
            fn from(v: $ty) -> Self {
                Value::Integer(i64::from(v))
            }
        }
    )*};
}
from_integers!(i8, i16, i32, i64, u8, u16, u32, bool);

impl From<f32> for Value {
    fn from(v: f32) -> Self {
        Value::Real(f64::from(v))
    }
}
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Value::Real(v)
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Value::Text(v.to_owned())
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Value::Text(v)
    }
}
impl From<&[u8]> for Value {
    fn from(v: &[u8]) -> Self {
        Value::Blob(v.to_vec())
    }
}
impl From<Vec<u8>> for Value {
    fn from(v: Vec<u8>) -> Self {
        Value::Blob(v)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}
impl TryFrom<u64> for Value {
    type Error = Error;
    fn try_from(v: u64) -> Result<Self> {
        i64::try_from(v)
            .map(Value::Integer)
            .map_err(|_| Error::ToSqlConversionFailure("u64 is too large to fit in an i64".into()))
    }
}

/// Types that a column can be read as.
pub trait FromValue: Sized {
    /// Convert, or say why not.
    fn from_value(value: Value) -> Result<Self>;
}

fn wrong(value: &Value, wanted: &str) -> Error {
    Error::ConversionFailure(format!("cannot read {:?} as {wanted}", value.value_type()))
}

macro_rules! integers_from_value {
    ($($ty:ty),*) => {$(
        impl FromValue for $ty {
            fn from_value(value: Value) -> Result<Self> {
                match value {
                    Value::Integer(i) => <$ty>::try_from(i)
                        .map_err(|_| Error::ConversionFailure(format!("{i} is out of range of {}", stringify!($ty)))),
                    other => Err(wrong(&other, stringify!($ty))),
                }
            }
        }
    )*};
}
integers_from_value!(i8, i16, i32, i64, u8, u16, u32, u64, usize, isize);

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Integer(i) => Ok(i != 0),
            other => Err(wrong(&other, "bool")),
        }
    }
}
impl FromValue for f64 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Real(r) => Ok(r),
            Value::Integer(i) => Ok(i as f64),
            other => Err(wrong(&other, "f64")),
        }
    }
}
impl FromValue for f32 {
    fn from_value(value: Value) -> Result<Self> {
        f64::from_value(value).map(|r| r as f32)
    }
}
impl FromValue for String {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(wrong(&other, "String")),
        }
    }
}
impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Blob(bytes) => Ok(bytes),
            other => Err(wrong(&other, "Vec<u8>")),
        }
    }
}
impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self> {
        Ok(value)
    }
}
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}
