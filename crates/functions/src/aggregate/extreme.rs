//! min(X) and max(X) over rows.
//!
//! A group keeps one value, of equal ones ('a' and 'A', 1 and 1.0) the first. A moving frame keeps the values that can still become
//! the extreme: each new value removes those before it that it beats or equals, so the front is always the answer, and of equal ones
//! it is the last, as in SQLite.

use super::{Aggregate, not_in_a_frame};
use crate::Context;
use std::cmp::Ordering;
use std::collections::VecDeque;
use turso_error::Result;
use turso_value::Value;

pub(super) fn create_min() -> Box<dyn Aggregate> {
    Box::new(Extreme::new(Ordering::Less))
}

pub(super) fn create_max() -> Box<dyn Aggregate> {
    Box::new(Extreme::new(Ordering::Greater))
}

struct Extreme {
    /// How a value compares with the one that it replaces.
    wanted: Ordering,
    best: Value,
    subtype: u32,
    took_row: bool,
    /// Candidates with their row numbers, for a moving frame.
    frame: Option<VecDeque<(u64, Value)>>,
    rows_in: u64,
    rows_out: u64,
}

impl Extreme {
    fn new(wanted: Ordering) -> Self {
        Self { wanted, best: Value::Null, subtype: 0, took_row: false, frame: None, rows_in: 0, rows_out: 0 }
    }
}

impl Aggregate for Extreme {
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let value = &args[0];
        if let Some(frame) = &mut self.frame {
            self.rows_in += 1;
            if value.is_null() {
                return Ok(());
            }
            while let Some((_, last)) = frame.back()
                && ctx.compare(value, last) != self.wanted.reverse()
            {
                frame.pop_back();
            }
            frame.push_back((self.rows_in, value.clone()));
            return Ok(());
        }
        self.took_row = !value.is_null() && (self.best.is_null() || ctx.compare(value, &self.best) == self.wanted);
        if self.took_row {
            self.best.assign(value.as_ref());
            self.subtype = ctx.arg_subtype(0);
        }
        Ok(())
    }

    fn step_integer(&mut self, argument: Option<i64>) -> bool {
        let (Some(i), Value::Integer(best), None) = (argument, &mut self.best, &self.frame) else { return false };
        self.took_row = i.cmp(best) == self.wanted;
        if self.took_row {
            *best = i;
            self.subtype = 0;
        }
        true
    }

    fn inverse(&mut self, _: &mut Context<'_>, _: &[Value]) -> Result<()> {
        let Some(frame) = &mut self.frame else { return Err(not_in_a_frame()) };
        self.rows_out += 1;
        if frame.front().is_some_and(|(row, _)| *row <= self.rows_out) {
            frame.pop_front();
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        match &self.frame {
            Some(frame) => match frame.front() {
                Some((_, value)) => ctx.value(value),
                None => ctx.null(),
            },
            None => {
                ctx.result_subtype = self.subtype;
                ctx.value(&self.best)
            }
        }
    }

    fn begin_frame(&mut self) {
        self.frame.get_or_insert_default();
    }

    fn reset(&mut self) {
        // The buffer of `best` is given up with it; a group's first value needs one anyway.
        self.best = Value::Null;
        self.subtype = 0;
        self.took_row = false;
        self.rows_in = 0;
        self.rows_out = 0;
        if let Some(frame) = &mut self.frame {
            frame.clear();
        }
    }

    fn took_row(&self) -> bool {
        self.took_row
    }
}
