//! json_group_array(), json_group_object() and their JSONB twins.

use super::{malformed, parse, render, write_value};
use crate::aggregate::{Aggregate, not_in_a_frame};
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::text::before_nul;
use std::collections::VecDeque;
use turso_error::Result;
use turso_value::Value;

const FLAGS: F = F::PURE.and(F::SUBTYPE).and(F::RESULT_SUBTYPE).and(F::WINDOW);

/// The aggregates of JSON.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::aggregate("json_group_array", Arity::exactly(1), FLAGS, || Box::new(Group::new(false, false))),
    FunctionDef::aggregate("jsonb_group_array", Arity::exactly(1), FLAGS, || Box::new(Group::new(false, true))),
    FunctionDef::aggregate("json_group_object", Arity::exactly(2), FLAGS, || Box::new(Group::new(true, false))),
    FunctionDef::aggregate("jsonb_group_object", Arity::exactly(2), FLAGS, || Box::new(Group::new(true, true))),
];

/// The terms, each followed by a comma.
struct Group {
    is_object: bool,
    binary: bool,
    text: Vec<u8>,
    /// Where the first term still in the frame starts.
    start: usize,
    /// Lengths of the rows' terms, 0 for rows without; only kept for a moving frame.
    terms: VecDeque<usize>,
    in_frame: bool,
}

impl Group {
    fn new(is_object: bool, binary: bool) -> Self {
        Self { is_object, binary, text: Vec::new(), start: 0, terms: VecDeque::new(), in_frame: false }
    }
}

impl Aggregate for Group {
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let before = self.text.len();
        // A NULL label leaves its row out.
        if !self.is_object || !args[0].is_null() {
            if self.is_object {
                let mut scratch = Vec::new();
                // Labels end at a NUL here, unlike those of json_object().
                render::write_string(before_nul(args[0].text_in(&mut scratch)), &mut self.text);
                self.text.push(b':');
            }
            let last = args.len() - 1;
            write_value(&args[last], ctx.arg_subtype(last), &mut self.text)?;
            self.text.push(b',');
        }
        if self.in_frame {
            self.terms.push_back(self.text.len() - before);
        }
        ctx.check_length(self.text.len() - self.start)
    }

    fn inverse(&mut self, _: &mut Context<'_>, _: &[Value]) -> Result<()> {
        if !self.in_frame {
            return Err(not_in_a_frame());
        }
        self.start += self.terms.pop_front().unwrap_or(0);
        if self.start * 2 > self.text.len() {
            self.text.drain(..self.start);
            self.start = 0;
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        let terms = &self.text[self.start..];
        let out = ctx.result.text_buffer();
        out.push(if self.is_object { b'{' } else { b'[' });
        out.extend_from_slice(terms.strip_suffix(b",").unwrap_or(terms));
        out.push(if self.is_object { b'}' } else { b']' });
        if self.binary {
            match parse::parse(out) {
                Ok(parsed) => *ctx.result = Value::Blob(parsed.blob),
                Err(_) => return Err(malformed()),
            }
        }
        // An array as JSONB goes without.
        if !self.binary || self.is_object {
            ctx.result_subtype = Context::SUBTYPE_JSON;
        }
        Ok(())
    }

    fn begin_frame(&mut self) {
        self.in_frame = true;
    }

    fn reset(&mut self) {
        self.text.clear();
        self.terms.clear();
        self.start = 0;
    }
}
