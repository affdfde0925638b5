//! `decimal(X)` and its kin: numbers of any length as texts, exact to the last digit.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_core::functions::{Aggregate, Arity, Context, FunctionDef, FunctionFlags};
use turso_core::{CollationFunction, Connection, Error, Result, Value};

use crate::render::text_of;

/// A number: its digits, of which the last `fraction` stand behind the point.
#[derive(Debug, Clone, Default, PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    fraction: usize,
}

/// No result has more digits.
const MOST_DIGITS: usize = 1_000_000;

/// Make the functions and the collation known.
pub fn install(connection: &Connection) -> Result<()> {
    let pure = FunctionFlags::DETERMINISTIC | FunctionFlags::INNOCUOUS;
    let define = |name: &str, arguments: u16, call: fn(&mut Context<'_>, &[Decimal]) -> Result<()>| {
        let call = move |ctx: &mut Context<'_>, args: &[Value]| {
            let numbers: Option<Vec<Decimal>> = args.iter().map(Decimal::of).collect();
            match numbers {
                Some(numbers) => call(ctx, &numbers),
                None => ctx.null(),
            }
        };
        connection.create_function(FunctionDef::user_scalar(name, Arity::exactly(arguments), pure, Arc::new(call)))
    };
    define("decimal", 1, |ctx, n| answer(ctx, n[0].clone()))?;
    define("decimal_add", 2, |ctx, n| answer(ctx, n[0].plus(&n[1])))?;
    define("decimal_sub", 2, |ctx, n| answer(ctx, n[0].plus(&n[1].negated())))?;
    define("decimal_mul", 2, |ctx, n| answer(ctx, n[0].times(&n[1])?))?;
    define("decimal_cmp", 2, |ctx, n| ctx.integer(n[0].compare(&n[1]) as i64))?;
    connection.create_function(FunctionDef::user_aggregate(
        "decimal_sum",
        Arity::exactly(1),
        pure | FunctionFlags::WINDOW,
        Arc::new(|| Box::new(Sum::default()) as Box<dyn Aggregate>),
    ))?;
    connection.create_collation(Arc::new(Collation))
}

fn answer(ctx: &mut Context<'_>, number: Decimal) -> Result<()> {
    ctx.text(&number.text())
}

impl Decimal {
    /// The number of a value; `None` for NULL.
    fn of(value: &Value) -> Option<Self> {
        text_of(value).map(|text| Self::parse(&text))
    }

    /// What is no digit, point or exponent does not count.
    fn parse(text: &[u8]) -> Self {
        let text = text.trim_ascii_start();
        let (negative, rest) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        let mut number = Self { negative, ..Self::default() };
        let mut point = None;
        for (i, byte) in rest.iter().enumerate() {
            match byte {
                b'0' if number.digits.is_empty() && point.is_none() => {}
                b'0'..=b'9' => number.digits.push(byte - b'0'),
                b'.' => point = Some(number.digits.len()),
                b'e' | b'E' => {
                    number.fraction = point.map_or(0, |point| number.digits.len() - point);
                    number.shift(exponent(&rest[i + 1..]));
                    return number;
                }
                _ => {}
            }
        }
        number.fraction = point.map_or(0, |point| number.digits.len() - point);
        number
    }

    /// Move the point.
    fn shift(&mut self, places: i64) {
        let count = usize::try_from(places.unsigned_abs()).unwrap_or(MOST_DIGITS).min(MOST_DIGITS);
        if places > 0 {
            let within = count.min(self.fraction);
            self.fraction -= within;
            self.digits.resize(self.digits.len() + count - within, 0);
        } else {
            self.fraction += count;
            let missing = self.fraction.saturating_sub(self.digits.len());
            self.digits.splice(0..0, std::iter::repeat_n(0, missing));
        }
    }

    fn negated(&self) -> Self {
        Self { negative: !self.negative, ..self.clone() }
    }

    /// Zeros added on both sides, to so many digits before and behind the point.
    fn expanded(&self, whole: usize, fraction: usize) -> Vec<u8> {
        let mut digits = vec![0; whole - (self.digits.len() - self.fraction)];
        digits.extend_from_slice(&self.digits);
        digits.resize(whole + fraction, 0);
        digits
    }

    fn plus(&self, other: &Self) -> Self {
        let whole = |n: &Self| n.digits.len() - n.fraction;
        let (wide, fraction) = (whole(self).max(whole(other)) + 1, self.fraction.max(other.fraction));
        let (mut a, mut b) = (self.expanded(wide, fraction), other.expanded(wide, fraction));
        let mut negative = self.negative;
        if self.negative == other.negative {
            let mut carry = 0;
            for (x, y) in a.iter_mut().zip(&b).rev() {
                let sum = *x + y + carry;
                (*x, carry) = (sum % 10, sum / 10);
            }
        } else {
            if a < b {
                std::mem::swap(&mut a, &mut b);
                negative = !negative;
            }
            let mut borrow = 0;
            for (x, y) in a.iter_mut().zip(&b).rev() {
                let taken = y + borrow;
                (*x, borrow) = if *x < taken { (*x + 10 - taken, 1) } else { (*x - taken, 0) };
            }
        }
        Self { negative, digits: a, fraction }
    }

    fn times(&self, other: &Self) -> Result<Self> {
        if self.digits.len().saturating_mul(other.digits.len()) > 100_000_000 {
            return Err(Error::sql("the numbers are too long to be multiplied"));
        }
        let mut product = vec![0u32; self.digits.len() + other.digits.len() + 2];
        for (i, x) in self.digits.iter().enumerate().rev() {
            let mut carry = 0;
            for (j, y) in other.digits.iter().enumerate().rev() {
                let sum = product[i + j + 3] + u32::from(*x) * u32::from(*y) + carry;
                product[i + j + 3] = sum % 10;
                carry = sum / 10;
            }
            product[i + 2] += carry;
        }
        let mut digits: Vec<u8> = product.iter().map(|digit| *digit as u8).collect();
        let mut fraction = self.fraction + other.fraction;
        while fraction > self.fraction.min(other.fraction) && digits.last() == Some(&0) {
            fraction -= 1;
            digits.pop();
        }
        Ok(Self { negative: self.negative != other.negative, digits, fraction })
    }

    /// As SQLite's functions order them: of two that differ in their last zeros only, the longer one is greater.
    fn compare(&self, other: &Self) -> Ordering {
        if self.negative != other.negative {
            return if self.negative { Ordering::Less } else { Ordering::Greater };
        }
        let whole = |n: &Self| n.digits.len() - n.fraction;
        let order = whole(self).cmp(&whole(other)).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { order.reverse() } else { order }
    }

    fn text(&self) -> Vec<u8> {
        let nothing = matches!(self.digits.as_slice(), [] | [0]);
        let mut out = Vec::with_capacity(self.digits.len() + 4);
        if self.negative && !nothing {
            out.push(b'-');
        }
        let (whole, fraction) = self.digits.split_at(self.digits.len() - self.fraction);
        let zeros = whole.iter().take_while(|digit| **digit == 0).count();
        let whole = &whole[zeros..];
        if whole.is_empty() {
            out.push(b'0');
        }
        out.extend(whole.iter().map(|digit| digit + b'0'));
        if !fraction.is_empty() {
            out.push(b'.');
            out.extend(fraction.iter().map(|digit| digit + b'0'));
        }
        out
    }
}

fn exponent(text: &[u8]) -> i64 {
    let (negative, rest) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0i64, |n, digit| (n * 10 + i64::from(digit - b'0')).min(MOST_DIGITS as i64));
    if negative { -number } else { number }
}

#[derive(Default)]
struct Sum {
    /// `None` before the first row.
    sum: Option<Decimal>,
}

impl Sum {
    fn add(&mut self, number: Option<Decimal>) {
        let sum = self.sum.get_or_insert_with(|| Decimal { digits: vec![0], ..Decimal::default() });
        if let Some(number) = number {
            *sum = sum.plus(&number);
            // Leading zeros would pile up.
            let whole = sum.digits.len() - sum.fraction;
            let zeros = sum.digits.iter().take(whole).take_while(|digit| **digit == 0).count();
            sum.digits.drain(..zeros);
        }
    }
}

impl Aggregate for Sum {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.add(args.first().and_then(Decimal::of));
        Ok(())
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.add(args.first().and_then(Decimal::of).map(|number| number.negated()));
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        match &self.sum {
            Some(sum) => answer(ctx, sum.clone()),
            None => ctx.null(),
        }
    }

    fn reset(&mut self) {
        self.sum = None;
    }
}

struct Collation;

impl CollationFunction for Collation {
    fn name(&self) -> &str {
        "decimal"
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        Decimal::parse(a).compare(&Decimal::parse(b))
    }
}
