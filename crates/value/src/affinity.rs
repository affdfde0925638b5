//! Column affinities (datatype3.html): what a declared type means, and what applying an affinity does to a value.

use crate::number::{self, Number, Syntax};
use crate::{Value, ValueRef};

/// The type that a column, or the other side of a comparison, prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Affinity {
    /// An expression without any affinity (code `@`); applied as [`Affinity::Blob`].
    None = b'@',
    /// Nothing is converted.
    #[default]
    Blob = b'A',
    /// Numbers become text.
    Text = b'B',
    /// Text that is a well-formed number becomes one; reals that are integers become integers.
    Numeric = b'C',
    /// As NUMERIC (it differs in CAST only).
    Integer = b'D',
    /// As NUMERIC, then integers become reals.
    Real = b'E',
    /// As NUMERIC, but a real stays a real: a numeric expression of a subquery or view column.
    FlexNum = b'F',
}

impl Affinity {
    /// The affinity of a column declared with this type; no type at all is BLOB.
    pub fn of_declared_type(declared: &[u8]) -> Self {
        let has = |needle: &[u8]| declared.windows(needle.len()).any(|w| w.eq_ignore_ascii_case(needle));
        if has(b"INT") {
            Affinity::Integer
        } else if has(b"CHAR") || has(b"CLOB") || has(b"TEXT") {
            Affinity::Text
        } else if has(b"BLOB") || declared.is_empty() {
            Affinity::Blob
        } else if has(b"REAL") || has(b"FLOA") || has(b"DOUB") {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }

    /// The letter that stands for it in affinity strings.
    #[inline]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From a letter of an affinity string.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            b'@' => Affinity::None,
            b'A' => Affinity::Blob,
            b'B' => Affinity::Text,
            b'C' => Affinity::Numeric,
            b'D' => Affinity::Integer,
            b'E' => Affinity::Real,
            b'F' => Affinity::FlexNum,
            _ => return None,
        })
    }

    /// NUMERIC, INTEGER, REAL and FLEXNUM.
    #[inline]
    pub const fn is_numeric(self) -> bool {
        self as u8 >= Affinity::Numeric as u8
    }

    /// The affinity to apply to **both** operands of a comparison, from the affinities of its two sides
    /// (datatype3.html, section 4.2). [`Affinity::Blob`] means: compare as they are.
    pub const fn for_comparison(left: Self, right: Self) -> Self {
        let left_has = !matches!(left, Affinity::None);
        let right_has = !matches!(right, Affinity::None);
        if left_has && right_has {
            // Both are columns: numeric wins over anything, otherwise nothing is converted.
            if left.is_numeric() || right.is_numeric() { Affinity::Numeric } else { Affinity::Blob }
        } else {
            // One has an affinity, or none has: that of the side that has one.
            match if left_has { left } else { right } {
                Affinity::None => Affinity::Blob,
                affinity => affinity,
            }
        }
    }

    /// Applies this affinity as on storing into a column or before a comparison.
    #[inline]
    pub fn apply(self, value: &mut Value) {
        match self {
            Affinity::None | Affinity::Blob => {}
            Affinity::Text => match value {
                Value::Integer(i) => {
                    let i = *i;
                    number::write_integer(i, value.text_buffer());
                }
                Value::Real(r) => {
                    let r = *r;
                    number::write_real_as_text(r, value.text_buffer());
                }
                _ => {}
            },
            Affinity::Numeric | Affinity::Integer => match value {
                Value::Integer(_) => {}
                Value::Real(r) => {
                    if let Some(i) = number::real_as_integer(*r) {
                        *value = Value::Integer(i);
                    }
                }
                Value::Text(t) => {
                    if let Some(n) = text_to_number(t) {
                        *value = n;
                    }
                }
                _ => {}
            },
            Affinity::Real => {
                if let Value::Text(t) = value
                    && let Some(n) = text_to_number(t)
                {
                    *value = n;
                }
                match value {
                    Value::Integer(i) => *value = Value::Real(*i as f64),
                    // Whole numbers are stored as integers, of which none is a negative zero.
                    Value::Real(r) if *r == 0.0 => *r = 0.0,
                    _ => {}
                }
            }
            Affinity::FlexNum => {
                if let Value::Text(t) = value
                    && let Some(n) = text_to_number(t)
                {
                    *value = n;
                }
            }
        }
    }

    /// True when [`Affinity::apply`] would leave the value as it is; lets a comparison skip its copy.
    #[inline]
    pub fn leaves_unchanged(self, value: ValueRef<'_>) -> bool {
        match self {
            Affinity::None | Affinity::Blob => true,
            Affinity::Text => !matches!(value, ValueRef::Integer(_) | ValueRef::Real(_)),
            Affinity::Numeric | Affinity::Integer => match value {
                ValueRef::Text(t) => text_to_number(t).is_none(),
                ValueRef::Real(r) => number::real_as_integer(r).is_none(),
                _ => true,
            },
            Affinity::Real => match value {
                ValueRef::Text(t) => text_to_number(t).is_none(),
                ValueRef::Integer(_) => false,
                ValueRef::Real(r) => r != 0.0 || r.is_sign_positive(),
                _ => true,
            },
            Affinity::FlexNum => match value {
                ValueRef::Text(t) => text_to_number(t).is_none(),
                _ => true,
            },
        }
    }
}

/// Well-formed numerals only: an integer where the text is one or its real value is one exactly, else a real.
fn text_to_number(text: &[u8]) -> Option<Value> {
    let parsed = number::parse(text);
    match (parsed.syntax, parsed.number) {
        (Syntax::Integer, Number::Integer(i)) => Some(Value::Integer(i)),
        (Syntax::Integer | Syntax::Real, Number::Real(r)) => Some(match number::real_as_integer(r) {
            Some(i) => Value::Integer(i),
            None => Value::real(r),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types() {
        for (declared, affinity) in [
            ("", Affinity::Blob),
            ("INT", Affinity::Integer),
            ("CHARINT", Affinity::Integer),
            ("FLOATING POINT", Affinity::Integer),
            ("varchar(70)", Affinity::Text),
            ("NCHAR BLOB", Affinity::Text),
            ("blob", Affinity::Blob),
            ("DOUBLE PRECISION", Affinity::Real),
            ("Float", Affinity::Real),
            ("STRING", Affinity::Numeric),
            ("DECIMAL(10,5)", Affinity::Numeric),
        ] {
            assert_eq!(Affinity::of_declared_type(declared.as_bytes()), affinity, "{declared}");
        }
    }

    fn check(input: impl Into<Value>, affinity: Affinity, expected: impl Into<Value>) {
        let mut value = input.into();
        let before = value.clone();
        affinity.apply(&mut value);
        let expected = expected.into();
        assert_eq!(value, expected, "{affinity:?} of {before:?}");
        assert_eq!(affinity.leaves_unchanged(before.as_ref()), before == value);
    }

    #[test]
    fn application() {
        for numeric in [Affinity::Numeric, Affinity::Integer] {
            check("9.0e18", numeric, 9_000_000_000_000_000_000);
            check(9.0e18, numeric, 9_000_000_000_000_000_000);
            check(" 12 ", numeric, 12);
            check("1e5 ", numeric, 100_000);
            check("0x10", numeric, "0x10");
            check("12abc", numeric, "12abc");
            check("", numeric, "");
            check("5.", numeric, 5);
            check(".5", numeric, 0.5);
            check("1e400", numeric, f64::INFINITY);
            check(9223372036854775807.0, numeric, 9223372036854775807.0);
            check(-9223372036854775808.0, numeric, -9223372036854775808.0);
            check("9223372036854775807", numeric, i64::MAX);
            check("9223372036854775808", numeric, 9223372036854775808.0);
        }
        check("12", Affinity::Real, 12.0);
        check(9007199254740993, Affinity::Real, 9007199254740992.0);
        check("12", Affinity::FlexNum, 12);
        check(3.0, Affinity::FlexNum, 3.0);
        check(3.0, Affinity::Text, "3.0");
        check(-7, Affinity::Text, "-7");
        check("x", Affinity::Text, "x");
        check("12", Affinity::Blob, "12");
    }

    #[test]
    fn comparisons() {
        use Affinity::*;
        assert_eq!(Affinity::for_comparison(Integer, Text), Numeric);
        assert_eq!(Affinity::for_comparison(Text, Blob), Blob);
        assert_eq!(Affinity::for_comparison(Text, None), Text);
        assert_eq!(Affinity::for_comparison(None, Real), Real);
        assert_eq!(Affinity::for_comparison(None, None), Blob);
    }
}
