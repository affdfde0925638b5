//! Arithmetic, bit operators and concatenation, into a target whose buffer is reused.
//!
//! Any NULL operand gives NULL. Text and blobs count by their numeric prefix. Integer overflow goes on in reals; division
//! and remainder by zero give NULL.

use crate::number::Number;
use crate::{Value, ValueRef};

/// A binary arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// A binary bit operator; operands are cast to INTEGER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bitwise {
    /// `&`
    And,
    /// `|`
    Or,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
}

/// `a op b` into `out`.
#[inline]
pub fn arithmetic(op: Arithmetic, a: ValueRef<'_>, b: ValueRef<'_>, out: &mut Value) {
    if let (ValueRef::Integer(a), ValueRef::Integer(b)) = (a, b) {
        *out = integers(op, a, b);
        return;
    }
    let (Some(x), Some(y)) = (a.to_number(), b.to_number()) else {
        *out = Value::Null;
        return;
    };
    *out = match (x, y) {
        (Number::Integer(x), Number::Integer(y)) => integers(op, x, y),
        // The operands are cast to INTEGER as they were given: '1e5' counts as 1 here. The result is a real all the same.
        _ if op == Arithmetic::Remainder => match integers(op, a.to_integer(), b.to_integer()) {
            Value::Integer(i) => Value::Real(i as f64),
            other => other,
        },
        _ => reals(op, a.to_real(), b.to_real()),
    };
}

#[inline]
fn integers(op: Arithmetic, a: i64, b: i64) -> Value {
    let exact = match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => {
            if b == 0 {
                return Value::Null;
            }
            a.checked_div(b)
        }
        Arithmetic::Remainder => {
            if b == 0 {
                return Value::Null;
            }
            Some(a.wrapping_rem(b))
        }
    };
    match exact {
        Some(i) => Value::Integer(i),
        None => reals(op, a as f64, b as f64),
    }
}

fn reals(op: Arithmetic, x: f64, y: f64) -> Value {
    Value::real(match op {
        Arithmetic::Add => x + y,
        Arithmetic::Subtract => x - y,
        Arithmetic::Multiply => x * y,
        Arithmetic::Divide => {
            if y == 0.0 {
                return Value::Null;
            }
            x / y
        }
        Arithmetic::Remainder => return Value::Null,
    })
}

/// `a op b` into `out`.
#[inline]
pub fn bitwise(op: Bitwise, a: ValueRef<'_>, b: ValueRef<'_>, out: &mut Value) {
    if a.is_null() || b.is_null() {
        *out = Value::Null;
        return;
    }
    let (a, b) = (a.to_integer(), b.to_integer());
    *out = Value::Integer(match op {
        Bitwise::And => a & b,
        Bitwise::Or => a | b,
        Bitwise::ShiftLeft => shift_left(a, b),
        // The negative of the smallest integer is not representable; any count that large shifts everything out.
        Bitwise::ShiftRight => shift_left(a, b.checked_neg().unwrap_or(i64::MAX)),
    });
}

/// Shifts left, or right (with the sign) by a negative count.
fn shift_left(a: i64, count: i64) -> i64 {
    if count >= 64 {
        0
    } else if count >= 0 {
        a << count
    } else if count > -64 {
        a >> -count
    } else {
        a >> 63
    }
}

/// `~a` into `out`.
#[inline]
pub fn bit_not(a: ValueRef<'_>, out: &mut Value) {
    *out = if a.is_null() { Value::Null } else { Value::Integer(!a.to_integer()) };
}

/// `-a` into `out`: SQLite computes `0 - a`, so the negative of 0.0 is 0.0.
#[inline]
pub fn negate(a: ValueRef<'_>, out: &mut Value) {
    arithmetic(Arithmetic::Subtract, ValueRef::Integer(0), a, out);
}

/// `NOT a` into `out`.
#[inline]
pub fn not(a: ValueRef<'_>, out: &mut Value) {
    *out = match a.truth() {
        Some(truth) => Value::boolean(!truth),
        None => Value::Null,
    };
}

/// `a || b` into `out`; blobs count as text. The caller checks the length limit.
#[inline]
pub fn concat(a: ValueRef<'_>, b: ValueRef<'_>, out: &mut Value) {
    if a.is_null() || b.is_null() {
        *out = Value::Null;
        return;
    }
    let buffer = out.text_buffer();
    a.write_text(buffer);
    b.write_text(buffer);
}
