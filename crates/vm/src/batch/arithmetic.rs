//! Arithmetic on vectors. What `turso_value::arith` says is what is computed; here are the loops for rows of one class.

use turso_error::Result;
use turso_value::Value;
use turso_value::arith::{self, Arithmetic, Bitwise};

use super::vector::{Class, INTEGER, NULL, NUMBER, REAL, Vector};

/// `out = a op b`.
pub(crate) fn arithmetic(op: Arithmetic, a: &Vector, b: &Vector, rows: usize, out: &mut Vector) -> Result<()> {
    out.clear();
    let (a_words, b_words) = (&a.words[..rows], &b.words[..rows]);
    let numbers = a.is_only(NUMBER | NULL) && b.is_only(NUMBER | NULL);
    if a.is_only(INTEGER | NULL) && b.is_only(INTEGER | NULL) {
        let exact = match op {
            Arithmetic::Add => integers(a_words, b_words, out, i64::overflowing_add),
            Arithmetic::Subtract => integers(a_words, b_words, out, i64::overflowing_sub),
            Arithmetic::Multiply => integers(a_words, b_words, out, i64::overflowing_mul),
            Arithmetic::Divide | Arithmetic::Remainder => false,
        };
        if exact {
            tags_of_both(INTEGER, a, b, rows, out);
            return Ok(());
        }
        out.clear();
    } else if numbers && op != Arithmetic::Remainder && has_real_throughout(a, b) {
        let integer = |word: u64| word as i64 as f64;
        let done = match (a.is_only(REAL | NULL), b.is_only(REAL | NULL)) {
            (true, true) => reals(op, (a_words, f64::from_bits), (b_words, f64::from_bits), out),
            (true, false) if b.is_only(INTEGER | NULL) => reals(op, (a_words, f64::from_bits), (b_words, integer), out),
            (false, true) if a.is_only(INTEGER | NULL) => reals(op, (a_words, integer), (b_words, f64::from_bits), out),
            _ => false,
        };
        if done {
            tags_of_both(REAL, a, b, rows, out);
            return Ok(());
        }
        out.clear();
    }
    if numbers && op != Arithmetic::Remainder {
        mixed(op, a, b, rows, out);
        return Ok(());
    }
    let mut result = Value::Null;
    for row in 0..rows {
        arith::arithmetic(op, a.get(row), b.get(row), &mut result);
        out.push(result.as_ref())?;
    }
    Ok(())
}

/// Integers, reals and NULLs in any mixture, as columns have them whose numbers are whole now and then.
fn mixed(op: Arithmetic, a: &Vector, b: &Vector, rows: usize, out: &mut Vector) {
    let real = |tag: Class, word: u64| if tag == INTEGER { word as i64 as f64 } else { f64::from_bits(word) };
    let (a, b) = (a.tags[..rows].iter().zip(&a.words[..rows]), b.tags[..rows].iter().zip(&b.words[..rows]));
    for ((&a_tag, &a), (&b_tag, &b)) in a.zip(b) {
        match a_tag | b_tag {
            INTEGER => {
                let (x, y) = (a as i64, b as i64);
                let exact = match op {
                    Arithmetic::Add => x.checked_add(y),
                    Arithmetic::Subtract => x.checked_sub(y),
                    Arithmetic::Multiply => x.checked_mul(y),
                    // (A zero divisor gives NULL below, the one quotient that overflows a real.)
                    Arithmetic::Divide | Arithmetic::Remainder => x.checked_div(y),
                };
                match exact {
                    Some(i) => out.push_word(INTEGER, i as u64),
                    None => out.push_real(one(op, x as f64, y as f64)),
                }
            }
            tags if tags & NULL != 0 => out.push_word(NULL, 0),
            _ => out.push_real(one(op, real(a_tag, a), real(b_tag, b))),
        }
    }
}

/// At least one side is real in every row, so that every result is.
fn has_real_throughout(a: &Vector, b: &Vector) -> bool {
    a.is_only(REAL | NULL) || b.is_only(REAL | NULL)
}

/// One real operation; NaN for a zero divisor.
#[inline]
fn one(op: Arithmetic, x: f64, y: f64) -> f64 {
    match op {
        Arithmetic::Add => x + y,
        Arithmetic::Subtract => x - y,
        Arithmetic::Multiply => x * y,
        Arithmetic::Divide if y == 0.0 => f64::NAN,
        Arithmetic::Divide => x / y,
        Arithmetic::Remainder => f64::NAN,
    }
}

/// False where some row overflows: then it is real.
#[inline(always)]
fn integers(a: &[u64], b: &[u64], out: &mut Vector, op: impl Fn(i64, i64) -> (i64, bool)) -> bool {
    let mut overflowed = false;
    out.words.extend(a.iter().zip(b).map(|(&a, &b)| {
        let (result, overflow) = op(a as i64, b as i64);
        overflowed |= overflow;
        result as u64
    }));
    !overflowed
}

/// False where some result is NaN: that row is NULL.
#[inline(always)]
fn reals(
    op: Arithmetic,
    (a, a_real): (&[u64], impl Fn(u64) -> f64),
    (b, b_real): (&[u64], impl Fn(u64) -> f64),
    out: &mut Vector,
) -> bool {
    let mut odd = false;
    macro_rules! each {
        ($f:expr) => {
            out.words.extend(a.iter().zip(b).map(|(&a, &b)| {
                let result: f64 = $f(a_real(a), b_real(b));
                odd |= result.is_nan();
                result.to_bits()
            }))
        };
    }
    match op {
        Arithmetic::Add => each!(|x: f64, y: f64| x + y),
        Arithmetic::Subtract => each!(|x: f64, y: f64| x - y),
        Arithmetic::Multiply => each!(|x: f64, y: f64| x * y),
        Arithmetic::Divide => each!(|x: f64, y: f64| if y == 0.0 { f64::NAN } else { x / y }),
        Arithmetic::Remainder => return false,
    }
    !odd
}

/// The result is of class `class`, and NULL where an operand is.
fn tags_of_both(class: Class, a: &Vector, b: &Vector, rows: usize, out: &mut Vector) {
    if (a.classes | b.classes) & NULL == 0 {
        out.classes = class;
        out.tags.resize(rows, class);
        return;
    }
    out.classes = class | NULL;
    let null = |a: Class, b: Class| (a | b) & NULL != 0;
    out.tags.extend(a.tags[..rows].iter().zip(&b.tags[..rows]).map(|(&a, &b)| if null(a, b) { NULL } else { class }));
    for (word, &tag) in out.words.iter_mut().zip(&out.tags) {
        if tag == NULL {
            *word = 0;
        }
    }
}

/// `out = a op b` on bits.
pub(crate) fn bitwise(op: Bitwise, a: &Vector, b: &Vector, rows: usize, out: &mut Vector) -> Result<()> {
    out.clear();
    let mut result = Value::Null;
    for row in 0..rows {
        arith::bitwise(op, a.get(row), b.get(row), &mut result);
        out.push(result.as_ref())?;
    }
    Ok(())
}

/// `out = ~a`.
pub(crate) fn bit_not(a: &Vector, rows: usize, out: &mut Vector) -> Result<()> {
    out.clear();
    let mut result = Value::Null;
    for row in 0..rows {
        arith::bit_not(a.get(row), &mut result);
        out.push(result.as_ref())?;
    }
    Ok(())
}
