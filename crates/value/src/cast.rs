//! CAST, truth values and numeric coercion.

use crate::number::{self, Number, Syntax};
use crate::{Affinity, TextEncoding, Value, ValueRef};

impl<'a> ValueRef<'a> {
    /// The value as CAST to INTEGER gives it; NULL gives 0 (`sqlite3_value_int64`).
    #[inline]
    pub fn to_integer(self) -> i64 {
        match self {
            ValueRef::Integer(i) => i,
            ValueRef::Real(r) => number::real_to_integer(r),
            ValueRef::Text(b) | ValueRef::Blob(b) => number::parse_integer_prefix(b),
            ValueRef::Null => 0,
        }
    }

    /// The value as CAST to REAL gives it; NULL gives 0.0 (`sqlite3_value_double`).
    #[inline]
    pub fn to_real(self) -> f64 {
        match self {
            ValueRef::Integer(i) => i as f64,
            ValueRef::Real(r) => r,
            ValueRef::Text(b) | ValueRef::Blob(b) => number::parse_real_prefix(b),
            ValueRef::Null => 0.0,
        }
    }

    /// The value as an operand of arithmetic: text and blobs by their numeric prefix; `None` for NULL.
    #[inline]
    pub fn to_number(self) -> Option<Number> {
        match self {
            ValueRef::Integer(i) => Some(Number::Integer(i)),
            ValueRef::Real(r) => Some(Number::Real(r)),
            ValueRef::Text(b) | ValueRef::Blob(b) => Some(number::parse(b).number),
            ValueRef::Null => None,
        }
    }

    /// Truth as WHERE sees it; `None` for NULL.
    #[inline]
    pub fn truth(self) -> Option<bool> {
        match self {
            ValueRef::Null => None,
            ValueRef::Integer(i) => Some(i != 0),
            other => Some(other.to_real() != 0.0),
        }
    }

    /// The bytes of the value as text, appended; NULL appends nothing (`sqlite3_value_text`).
    #[inline]
    pub fn write_text(self, out: &mut Vec<u8>) {
        match self {
            ValueRef::Null => {}
            ValueRef::Integer(i) => number::write_integer(i, out),
            ValueRef::Real(r) => number::write_real_as_text(r, out),
            ValueRef::Text(b) | ValueRef::Blob(b) => out.extend_from_slice(b),
        }
    }

    /// The numeric type the value would have in a comparison of types (`sqlite3_value_numeric_type`): text that is a
    /// whole numeral counts as its number, everything else as it is. So does an integer before a NUL character, if it is one of those
    /// that SQLite stores for reals.
    pub fn numeric_type(self) -> crate::ValueType {
        match self {
            ValueRef::Text(t) => {
                let parsed = number::parse(t);
                match (parsed.syntax, parsed.number) {
                    (Syntax::Integer, Number::Integer(_)) => crate::ValueType::Integer,
                    (Syntax::Real, _) if is_integer_before_nul(t) => crate::ValueType::Integer,
                    (Syntax::Integer | Syntax::Real, _) => crate::ValueType::Real,
                    _ => crate::ValueType::Text,
                }
            }
            other => other.value_type(),
        }
    }
}

/// A NUL character ends the numeral, which is an integer that SQLite would store for a real.
#[cold]
fn is_integer_before_nul(text: &[u8]) -> bool {
    const STORED_FOR_REALS: std::ops::Range<i64> = -(1 << 51)..(1 << 51);
    let Some(end) = text.iter().position(|&byte| byte == 0) else { return false };
    matches!(
        number::parse(&text[..end]),
        number::Parsed { syntax: Syntax::Integer, number: Number::Integer(i) } if STORED_FOR_REALS.contains(&i)
    )
}

impl Value {
    /// See [`ValueRef::to_integer`].
    #[inline]
    pub fn to_integer(&self) -> i64 {
        self.as_ref().to_integer()
    }

    /// See [`ValueRef::to_real`].
    #[inline]
    pub fn to_real(&self) -> f64 {
        self.as_ref().to_real()
    }

    /// See [`ValueRef::to_number`].
    #[inline]
    pub fn to_number(&self) -> Option<Number> {
        self.as_ref().to_number()
    }

    /// See [`ValueRef::truth`].
    #[inline]
    pub fn truth(&self) -> Option<bool> {
        self.as_ref().truth()
    }

    /// The value as text: borrowed where it has bytes, else rendered into `scratch`.
    #[inline]
    pub fn text_in<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match self {
            Value::Text(b) | Value::Blob(b) => b,
            other => {
                scratch.clear();
                other.as_ref().write_text(scratch);
                scratch
            }
        }
    }

    /// `CAST(self AS ...)` in place, for the affinity of the named type, in a database of this encoding: blobs and texts turn into
    /// one another as the file holds texts. NULL stays NULL.
    pub fn cast_in(&mut self, to: Affinity, encoding: TextEncoding) {
        if encoding != TextEncoding::Utf8 {
            let mut bytes = Vec::new();
            match (&*self, to) {
                // Bytes are what the file would hold of the text.
                (Value::Text(_) | Value::Integer(_) | Value::Real(_), Affinity::Blob | Affinity::None) => {
                    let mut text = Vec::new();
                    self.as_ref().write_text(&mut text);
                    encoding.encode(&text, &mut bytes);
                    *self = Value::Blob(bytes);
                    return;
                }
                (Value::Blob(stored), to) if !matches!(to, Affinity::Blob | Affinity::None) => {
                    encoding.decode(stored, &mut bytes);
                    *self = Value::Text(bytes);
                }
                _ => {}
            }
        }
        self.cast(to);
    }

    /// [`cast_in`](Self::cast_in) a database whose text is UTF-8.
    #[inline]
    pub fn cast(&mut self, to: Affinity) {
        match to {
            _ if self.is_null() => {}
            Affinity::Blob | Affinity::None => match self {
                Value::Blob(_) => {}
                Value::Text(t) => *self = Value::Blob(std::mem::take(t)),
                _ => {
                    let mut text = Vec::new();
                    self.as_ref().write_text(&mut text);
                    *self = Value::Blob(text);
                }
            },
            Affinity::Text => match self {
                Value::Text(_) => {}
                Value::Blob(b) => *self = Value::Text(std::mem::take(b)),
                _ => Affinity::Text.apply(self),
            },
            Affinity::Integer => *self = Value::Integer(self.to_integer()),
            Affinity::Real => *self = Value::real(self.to_real()),
            Affinity::Numeric | Affinity::FlexNum => {
                if let Value::Text(b) | Value::Blob(b) = self {
                    // What a NUL ends is an integer all the same.
                    let end = b.iter().position(|&byte| byte == 0).unwrap_or(b.len());
                    *self = match number::parse(&b[..end]).number {
                        Number::Integer(i) => Value::Integer(i),
                        Number::Real(r) => match number::real_same_as_integer(r) {
                            Some(i) => Value::Integer(i),
                            None => Value::real(r),
                        },
                    };
                }
            }
        }
    }
}
