//! count(*) and count(X).

use super::Aggregate;
use crate::Context;
use turso_error::Result;
use turso_value::Value;

struct Count(i64);

pub(super) fn create() -> Box<dyn Aggregate> {
    Box::new(Count(0))
}

impl Aggregate for Count {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if !matches!(args, [Value::Null]) {
            self.0 += 1;
        }
        Ok(())
    }

    fn step_integer(&mut self, _: Option<i64>) -> bool {
        self.0 += 1;
        true
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if !matches!(args, [Value::Null]) {
            self.0 -= 1;
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        ctx.integer(self.0)
    }

    fn reset(&mut self) {
        self.0 = 0;
    }
}
