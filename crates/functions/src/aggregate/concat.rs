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
///
/// Once a removal leaves no text, SQLite begins anew: the next term counts as the first, although terms that are empty may
/// still be in the frame, and their removal will take away as much as if they had their separator. So do we.
#[derive(Default)]
struct Concat {
    text: Vec<u8>,
    /// Where the text of the frame starts.
    start: usize,
    /// A term is in the text.
    begun: bool,
    /// Lengths of the separators in the text; only kept for a moving frame.
    separators: VecDeque<usize>,
    /// Length of the first term's separator, which is not in the text.
    first_separator: usize,
    in_frame: bool,
    /// Terms in the frame.
    count: u64,
}

impl Aggregate for Concat {
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let term = &args[0];
        if term.is_null() {
            return Ok(());
        }
        let before = self.text.len();
        match args.get(1) {
            None => self.text.push(b','),
            Some(separator) => separator.as_ref().write_text(&mut self.text),
        }
        let separator = self.text.len() - before;
        if !self.begun {
            self.text.truncate(before);
            self.first_separator = separator;
            self.begun = true;
        } else if self.in_frame {
            self.separators.push_back(separator);
        }
        term.as_ref().write_text(&mut self.text);
        self.count += 1;
        ctx.check_length(self.text.len() - self.start)
    }

    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if !self.in_frame {
            return Err(not_in_a_frame());
        }
        if args[0].is_null() {
            return Ok(());
        }
        self.count = self.count.saturating_sub(1);
        let mut scratch = Vec::new();
        let term = args[0].text_in(&mut scratch).len();
        self.start += term + self.separators.pop_front().unwrap_or(self.first_separator);
        if self.start >= self.text.len() {
            self.begin_anew();
        } else if self.start * 2 > self.text.len() {
            // Move the rest to the front once the dead part outweighs it.
            self.text.drain(..self.start);
            self.start = 0;
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
        self.begin_anew();
        self.count = 0;
    }
}

impl Concat {
    fn begin_anew(&mut self) {
        self.text.clear();
        self.separators.clear();
        self.start = 0;
        self.begun = false;
    }
}
