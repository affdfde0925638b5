//! group_concat() and string_agg().

use super::{Aggregate, not_in_a_frame};
use crate::Context;
use std::collections::VecDeque;
use turso_error::Result;
use turso_value::Value;

pub(super) fn create() -> Box<dyn Aggregate> {
    Box::new(Concat::default())
}

/// The text so far. The separator of the first term is not in it; removing a term removes the next one's separator too.
#[derive(Default)]
struct Concat {
    text: Vec<u8>,
    /// Where the first term still in the frame starts.
    start: usize,
    /// Lengths of separator and term, for each term still in the frame; only kept for a moving frame.
    terms: VecDeque<(usize, usize)>,
    in_frame: bool,
    count: u64,
}

impl Aggregate for Concat {
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let term = &args[0];
        if term.is_null() {
            return Ok(());
        }
        let before = self.text.len();
        if self.count > 0 {
            match args.get(1) {
                None => self.text.push(b','),
                Some(separator) => separator.as_ref().write_text(&mut self.text),
            }
        }
        let middle = self.text.len();
        term.as_ref().write_text(&mut self.text);
        self.count += 1;
        if self.in_frame {
            self.terms.push_back((middle - before, self.text.len() - middle));
        }
        ctx.check_length(self.text.len() - self.start)
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if !self.in_frame {
            return Err(not_in_a_frame());
        }
        if args[0].is_null() {
            return Ok(());
        }
        if let Some((_, term)) = self.terms.pop_front() {
            self.count = self.count.saturating_sub(1);
            self.start += term + self.terms.front().map_or(0, |(separator, _)| *separator);
            if let Some((separator, _)) = self.terms.front_mut() {
                *separator = 0;
            }
            // Move the rest to the front once the dead part outweighs it.
            if self.start * 2 > self.text.len() {
                self.text.drain(..self.start);
                self.start = 0;
            }
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        if self.count == 0 { ctx.null() } else { ctx.text(&self.text[self.start..]) }
    }

    fn finalize(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        if self.count > 0 && self.start == 0 {
            *ctx.result = Value::Text(std::mem::take(&mut self.text));
            return Ok(());
        }
        self.value(ctx)
    }

    fn begin_frame(&mut self) {
        self.in_frame = true;
    }

    fn reset(&mut self) {
        self.text.clear();
        self.terms.clear();
        self.start = 0;
        self.count = 0;
    }
}
