//! median(), percentile(), percentile_cont() and percentile_disc().
//!
//! The values are kept as reals; they are sorted when the value is first asked for, and from then on kept sorted.

use super::Aggregate;
use crate::Context;
use turso_error::{Error, Result};
use turso_value::{Value, ValueType};

pub(super) fn create_median() -> Box<dyn Aggregate> {
    Box::new(Percentile::new("median", 1.0, false))
}

pub(super) fn create_percentile() -> Box<dyn Aggregate> {
    Box::new(Percentile::new("percentile", 100.0, false))
}

pub(super) fn create_cont() -> Box<dyn Aggregate> {
    Box::new(Percentile::new("percentile_cont", 1.0, false))
}

pub(super) fn create_disc() -> Box<dyn Aggregate> {
    Box::new(Percentile::new("percentile_disc", 1.0, true))
}

struct Percentile {
    name: &'static str,
    /// What counts as everything: 1 or 100.
    whole: f64,
    /// Answer one of the values instead of interpolating.
    discrete: bool,
    /// 0 to 1, once it is known.
    fraction: Option<f64>,
    values: Vec<f64>,
    sorted: bool,
}

/// Fractions of different rows that differ less than this are the same.
const SAME: f64 = 0.001;

impl Percentile {
    fn new(name: &'static str, whole: f64, discrete: bool) -> Self {
        Self { name, whole, discrete, fraction: None, values: Vec::new(), sorted: false }
    }

    fn fraction_of(&self, args: &[Value]) -> Result<f64> {
        let Some(arg) = args.get(1) else { return Ok(0.5) };
        let fraction = arg.to_real() / self.whole;
        let numeric = matches!(arg.as_ref().numeric_type(), ValueType::Integer | ValueType::Real);
        if numeric && (0.0..=1.0).contains(&fraction) {
            return Ok(fraction);
        }
        Err(Error::sql(format!("the fraction argument to {}() is not between 0.0 and {:.1}", self.name, self.whole)))
    }
}

impl Aggregate for Percentile {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let fraction = self.fraction_of(args)?;
        match self.fraction {
            None => self.fraction = Some(fraction),
            Some(known) if (known - fraction).abs() <= SAME => {}
            Some(_) => {
                return Err(Error::sql(format!(
                    "the fraction argument to {}() is not the same for all input rows",
                    self.name
                )));
            }
        }
        let value = match &args[0] {
            Value::Null => return Ok(()),
            Value::Integer(i) => *i as f64,
            Value::Real(r) if r.is_infinite() => return Err(Error::sql(format!("Inf input to {}()", self.name))),
            Value::Real(r) => *r,
            _ => return Err(Error::sql(format!("input to {}() is not numeric", self.name))),
        };
        if self.sorted {
            let at = self.values.partition_point(|v| *v < value);
            self.values.insert(at, value);
        } else {
            self.values.push(value);
        }
        Ok(())
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if args[0].is_null() {
            return Ok(());
        }
        let value = args[0].to_real();
        if !self.sorted {
            self.values.sort_by(f64::total_cmp);
            self.sorted = true;
        }
        let at = self.values.partition_point(|v| *v < value);
        if self.values.get(at) == Some(&value) {
            self.values.remove(at);
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        if !self.sorted {
            self.values.sort_by(f64::total_cmp);
            self.sorted = true;
        }
        let (Some(fraction), Some(last)) = (self.fraction, self.values.len().checked_sub(1)) else {
            return ctx.null();
        };
        let place = fraction * last as f64;
        let low = (place as usize).min(last);
        let at_low = self.values[low];
        if self.discrete {
            return ctx.real(at_low);
        }
        let high = if place == low as f64 || low == last { low } else { low + 1 };
        ctx.real(at_low + (self.values[high] - at_low) * (place - low as f64))
    }

    fn reset(&mut self) {
        self.values.clear();
        self.fraction = None;
        self.sorted = false;
    }
}
