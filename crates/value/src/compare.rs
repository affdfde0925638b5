//! Comparing values: NULL < numbers < text < blobs. Affinity is not applied here, see [`crate::affinity`].

use crate::{Collation, TextEncoding, ValueRef};
use std::cmp::Ordering;

/// The order of two values. Integers and reals compare by exact value; NULLs are equal to each other (sort order).
#[inline]
pub fn compare(a: ValueRef<'_>, b: ValueRef<'_>, collation: &Collation) -> Ordering {
    match (a, b) {
        (ValueRef::Integer(a), ValueRef::Integer(b)) => a.cmp(&b),
        (ValueRef::Text(a), ValueRef::Text(b)) => collation.compare(a, b),
        (ValueRef::Real(a), ValueRef::Real(b)) => compare_reals(a, b),
        (ValueRef::Integer(a), ValueRef::Real(b)) => compare_numbers(a, b),
        (ValueRef::Real(a), ValueRef::Integer(b)) => compare_numbers(b, a).reverse(),
        (ValueRef::Blob(a), ValueRef::Blob(b)) => a.cmp(b),
        (a, b) => class(a).cmp(&class(b)),
    }
}

/// The same in a database of this encoding: there BINARY compares texts as they are stored.
#[inline]
pub fn compare_in(a: ValueRef<'_>, b: ValueRef<'_>, collation: &Collation, encoding: TextEncoding) -> Ordering {
    match (a, b) {
        (ValueRef::Text(a), ValueRef::Text(b)) if encoding != TextEncoding::Utf8 && collation.is_binary() => {
            encoding.compare_binary(a, b)
        }
        _ => compare(a, b, collation),
    }
}

/// Where the storage class sorts.
#[inline]
fn class(value: ValueRef<'_>) -> u8 {
    match value {
        ValueRef::Null => 0,
        ValueRef::Integer(_) | ValueRef::Real(_) => 1,
        ValueRef::Text(_) => 2,
        ValueRef::Blob(_) => 3,
    }
}

/// The order of two reals; NaN (which only a damaged file holds) sorts first, as NULL would.
#[inline]
pub fn compare_reals(a: f64, b: f64) -> Ordering {
    match a.partial_cmp(&b) {
        Some(order) => order,
        None => b.is_nan().cmp(&a.is_nan()),
    }
}

/// The order of an integer and a real by their exact values.
#[inline]
pub fn compare_numbers(i: i64, r: f64) -> Ordering {
    if r.is_nan() {
        return Ordering::Greater;
    }
    // 2^63 is exact as f64; below it, truncation to i64 is exact.
    if r < -9223372036854775808.0 {
        return Ordering::Greater;
    }
    if r >= 9223372036854775808.0 {
        return Ordering::Less;
    }
    let whole = r as i64;
    match i.cmp(&whole) {
        Ordering::Equal => 0.0f64.partial_cmp(&(r - whole as f64)).unwrap_or(Ordering::Equal),
        order => order,
    }
}
