//! stddev(X): the standard deviation of a sample.
//!
//! Kept as mean and sum of squared differences (Welford), which can also give up a value again.

use super::Aggregate;
use crate::Context;
use turso_error::Result;
use turso_value::Value;

#[derive(Default)]
struct Deviation {
    count: u64,
    mean: f64,
    squares: f64,
}

pub(super) fn create() -> Box<dyn Aggregate> {
    Box::new(Deviation::default())
}

impl Aggregate for Deviation {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if !args[0].is_null() {
            let x = args[0].to_real();
            self.count += 1;
            let distance = x - self.mean;
            self.mean += distance / self.count as f64;
            self.squares += distance * (x - self.mean);
        }
        Ok(())
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if !args[0].is_null() {
            if self.count <= 1 {
                *self = Self::default();
                return Ok(());
            }
            let x = args[0].to_real();
            self.count -= 1;
            let distance = x - self.mean;
            self.mean -= distance / self.count as f64;
            self.squares = (self.squares - distance * (x - self.mean)).max(0.0);
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        match self.count {
            0 => ctx.null(),
            1 => ctx.real(0.0),
            n => ctx.real((self.squares / (n - 1) as f64).sqrt()),
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}
