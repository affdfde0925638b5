//! mode(X), also written `mode() WITHIN GROUP (ORDER BY X)`: the value that is there most often, the least of several; NULLs do
//! not count.

use super::Aggregate;
use crate::Context;
use turso_error::Result;
use turso_value::Value;

pub(super) fn create() -> Box<dyn Aggregate> {
    Box::new(Mode { values: Vec::new(), sorted: false })
}

/// The values are sorted when the answer is first asked for, and from then on kept sorted: equal ones stand together.
struct Mode {
    values: Vec<Value>,
    sorted: bool,
}

impl Mode {
    /// Where the first value is that is not less than this one.
    fn place(&self, ctx: &Context<'_>, value: &Value) -> usize {
        self.values.partition_point(|v| ctx.compare(v, value).is_lt())
    }

    fn sort(&mut self, ctx: &Context<'_>) {
        if !self.sorted {
            self.values.sort_by(|a, b| ctx.compare(a, b));
            self.sorted = true;
        }
    }
}

impl Aggregate for Mode {
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let value = &args[0];
        if value.is_null() {
            return Ok(());
        }
        if self.sorted {
            let at = self.place(ctx, value);
            self.values.insert(at, value.clone());
        } else {
            self.values.push(value.clone());
        }
        Ok(())
    }

    fn inverse(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.sort(ctx);
        let at = self.place(ctx, &args[0]);
        if self.values.get(at).is_some_and(|v| ctx.compare(v, &args[0]).is_eq()) {
            self.values.remove(at);
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        self.sort(ctx);
        let mut most: &[Value] = &[];
        for run in self.values.chunk_by(|a, b| ctx.compare(a, b).is_eq()) {
            if run.len() > most.len() {
                most = run;
            }
        }
        match most.first() {
            Some(value) => ctx.value(value),
            None => ctx.null(),
        }
    }

    fn reset(&mut self) {
        self.values.clear();
        self.sorted = false;
    }
}
