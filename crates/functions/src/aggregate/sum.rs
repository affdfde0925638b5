//! sum(), total() and avg().
//!
//! Integers are added exactly as long as only integers come and they fit. From the first real, or the first overflow, on
//! the sum is real and compensated (Kahan-Babuska-Neumaier), with large integers split so that none of their bits is lost.

use super::Aggregate;
use crate::Context;
use turso_error::{Error, Result};
use turso_value::{Number, Value, ValueRef, ValueType};

/// Which of the three answers is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Sum,
    Total,
    Average,
}

pub(super) fn create_sum() -> Box<dyn Aggregate> {
    Box::new(Sum::new(Answer::Sum))
}

pub(super) fn create_total() -> Box<dyn Aggregate> {
    Box::new(Sum::new(Answer::Total))
}

pub(super) fn create_avg() -> Box<dyn Aggregate> {
    Box::new(Sum::new(Answer::Average))
}

/// A running sum as SQLite keeps it; batch operators use it directly.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunningSum {
    real: f64,
    /// What the real sum has lost to rounding so far.
    error: f64,
    integer: i64,
    count: i64,
    /// The sum has become real.
    approximate: bool,
    /// It became real because integers overflowed, and no real came since.
    overflowed: bool,
}

/// From here on an integer is not added in one piece.
const SPLIT_FROM: i64 = 1 << 52;

impl RunningSum {
    /// Adds a value; NULL is ignored.
    #[inline]
    pub fn add(&mut self, value: ValueRef<'_>) {
        if let Some(number) = as_number(value) {
            self.count += 1;
            self.shift(number, false);
        }
    }

    /// [`add`](Self::add) of an integer.
    #[inline]
    pub fn add_integer_value(&mut self, i: i64) {
        self.count += 1;
        match self.integer.checked_add(i) {
            Some(sum) if !self.approximate => self.integer = sum,
            _ => self.shift(Number::Integer(i), false),
        }
    }

    /// [`add`](Self::add) of a real that is not NaN.
    #[inline]
    pub fn add_real_value(&mut self, r: f64) {
        self.count += 1;
        if !self.approximate {
            self.become_approximate();
        }
        self.overflowed = false;
        self.add_real(r);
    }

    /// [`add`](Self::add) of many integers, one after the other; fast for up to some thousands at a time.
    pub fn add_integers(&mut self, values: impl Iterator<Item = i64> + Clone) {
        // Small numbers cannot overflow, however they are added.
        let bits = values.clone().fold(0, |bits, i| bits | (i ^ i >> 63));
        let small = !self.approximate && bits < 1 << 48 && self.integer.unsigned_abs() < 1 << 62;
        if small {
            let (sum, count) = values.clone().fold((0i64, 0), |(sum, count), i| (sum.wrapping_add(i), count + 1));
            if count <= 1 << 13 {
                self.integer += sum;
                self.count += count;
                return;
            }
        }
        values.for_each(|i| self.add_integer_value(i));
    }

    /// [`add`](Self::add) of many reals that are not NaN, one after the other.
    pub fn add_reals(&mut self, values: impl Iterator<Item = f64>) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        let mut sum = *self;
        if !sum.approximate {
            sum.become_approximate();
        }
        sum.overflowed = false;
        for r in values {
            sum.count += 1;
            sum.add_real(r);
        }
        *self = sum;
    }

    /// Takes a value out again; NULL is ignored.
    pub fn remove(&mut self, value: &Value) {
        if let Some(number) = as_number(value.as_ref()) {
            self.count -= 1;
            self.shift(number, true);
        }
    }

    fn shift(&mut self, number: Number, negative: bool) {
        match number {
            Number::Integer(i) if !self.approximate => {
                let sum = if negative { self.integer.checked_sub(i) } else { self.integer.checked_add(i) };
                match sum {
                    Some(sum) => self.integer = sum,
                    None => {
                        self.overflowed = true;
                        self.become_approximate();
                        self.add_integer(i, negative);
                    }
                }
            }
            Number::Integer(i) => self.add_integer(i, negative),
            Number::Real(r) => {
                if self.approximate {
                    self.overflowed = false;
                } else {
                    self.become_approximate();
                }
                self.add_real(if negative { -r } else { r });
            }
        }
    }

    fn become_approximate(&mut self) {
        self.approximate = true;
        self.real = 0.0;
        self.error = 0.0;
        let (big, small) = split(self.integer);
        self.real = big;
        self.error = small;
    }

    fn add_integer(&mut self, i: i64, negative: bool) {
        let (big, small) = split(i);
        let sign = if negative { -1.0 } else { 1.0 };
        self.add_real(big * sign);
        if i.unsigned_abs() >= SPLIT_FROM as u64 {
            self.add_real(small * sign);
        }
    }

    #[inline]
    fn add_real(&mut self, r: f64) {
        let sum = self.real + r;
        self.error += if self.real.abs() > r.abs() { (self.real - sum) + r } else { (r - sum) + self.real };
        self.real = sum;
    }

    fn real(&self) -> f64 {
        if !self.approximate {
            self.integer as f64
        } else if self.error.is_finite() {
            self.real + self.error
        } else {
            // An infinity among the values: the compensation means nothing.
            self.real
        }
    }

    /// The number of values in the sum.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// `sum()`; NULL without values.
    pub fn sum(&self) -> Result<Value> {
        if self.count <= 0 {
            Ok(Value::Null)
        } else if !self.approximate {
            Ok(Value::Integer(self.integer))
        } else if self.overflowed {
            Err(Error::sql("integer overflow"))
        } else {
            Ok(Value::real(self.real()))
        }
    }

    /// `total()`
    pub fn total(&self) -> Value {
        Value::real(self.real())
    }

    /// `avg()`; NULL without values.
    pub fn average(&self) -> Value {
        if self.count <= 0 { Value::Null } else { Value::real(self.real() / self.count as f64) }
    }
}

/// An integer as two reals that are both exact.
fn split(i: i64) -> (f64, f64) {
    if i.unsigned_abs() < SPLIT_FROM as u64 {
        return (i as f64, 0.0);
    }
    let small = i % 16384;
    ((i - small) as f64, small as f64)
}

#[inline]
fn as_number(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(i) => Some(Number::Integer(i)),
        ValueRef::Real(r) => Some(Number::Real(r)),
        // Text that is an integer as a whole counts as one, any other text and blobs by their prefix as a real.
        other => Some(match other.numeric_type() {
            ValueType::Integer => Number::Integer(other.to_integer()),
            _ => Number::Real(other.to_real()),
        }),
    }
}

struct Sum {
    running: RunningSum,
    answer: Answer,
}

impl Sum {
    fn new(answer: Answer) -> Self {
        Self { running: RunningSum::default(), answer }
    }
}

impl Aggregate for Sum {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.running.add(args[0].as_ref());
        Ok(())
    }

    fn step_integer(&mut self, argument: Option<i64>) -> bool {
        argument.map(|i| self.running.add_integer_value(i)).is_some()
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.running.remove(&args[0]);
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        *ctx.result = match self.answer {
            Answer::Sum => self.running.sum()?,
            Answer::Total => self.running.total(),
            Answer::Average => self.running.average(),
        };
        Ok(())
    }

    fn reset(&mut self) {
        self.running = RunningSum::default();
    }
}
