//! Functions, casts and concatenation, row by row in buffers that serve for all rows.

use turso_error::{Error, Result, ResultCode};
use turso_functions::pattern::{LikeOptions, glob, like};
use turso_functions::{Context, Environment, Function, FunctionFlags};
use turso_value::{Affinity, Collation, TextEncoding, Value, ValueRef};

use super::vector::{INTEGER, NULL, TEXT, Vector};

/// Buffers of calls.
#[derive(Default)]
pub(crate) struct Calls {
    args: Vec<Value>,
    result: Value,
}

impl Calls {
    /// `out = function(args)`.
    pub fn call(
        &mut self,
        (function, collation): (&Function, &Collation),
        args: &[&Vector],
        environment: &dyn Environment,
        rows: usize,
        out: &mut Vector,
    ) -> Result<()> {
        out.clear();
        if like_constant(function, args, environment, rows, out) {
            return Ok(());
        }
        self.args.resize(args.len(), Value::Null);
        for row in 0..rows {
            for (value, arg) in self.args.iter_mut().zip(args) {
                value.assign(arg.get(row));
            }
            let mut ctx = Context::new(&mut self.result, environment);
            ctx.collation = collation;
            function.call(&mut ctx, &self.args)?;
            out.push(self.result.as_ref())?;
        }
        Ok(())
    }

    /// `out = CAST(value AS …)`.
    pub fn cast(
        &mut self,
        value: &Vector,
        to: Affinity,
        encoding: TextEncoding,
        rows: usize,
        out: &mut Vector,
    ) -> Result<()> {
        out.clear();
        for row in 0..rows {
            self.result.assign(value.get(row));
            self.result.cast_in(to, encoding);
            out.push(self.result.as_ref())?;
        }
        Ok(())
    }

    /// `out = a || b`. Blobs count as the database's text: those of UTF-16 ones are left to the row tier.
    pub fn concat(
        &mut self,
        a: &Vector,
        b: &Vector,
        (encoding, limit): (TextEncoding, usize),
        rows: usize,
        out: &mut Vector,
    ) -> Result<()> {
        out.clear();
        for row in 0..rows {
            let (a, b) = (a.get(row), b.get(row));
            let blobs = matches!(a, ValueRef::Blob(_)) || matches!(b, ValueRef::Blob(_));
            if encoding != TextEncoding::Utf8 && blobs {
                return Err(Error::from_code(ResultCode::MISMATCH));
            }
            turso_value::arith::concat(a, b, &mut self.result);
            if self.result.bytes().is_some_and(|bytes| bytes.len() > limit) {
                return Err(Error::from_code(ResultCode::TOOBIG));
            }
            out.push(self.result.as_ref())?;
        }
        Ok(())
    }
}

/// `text LIKE pattern` and GLOB with a pattern that is the same in all rows, without copies of the texts. False where it is
/// something else.
fn like_constant(
    function: &Function,
    args: &[&Vector],
    environment: &dyn Environment,
    rows: usize,
    out: &mut Vector,
) -> bool {
    let (Function::BuiltIn(def), [pattern, text]) = (function, args) else { return false };
    let Some(&first) = pattern.words.first() else { return false };
    if !def.flags.has(FunctionFlags::LIKE) || !text.is_only(TEXT | NULL) || !pattern.is_only(TEXT) {
        return false;
    }
    let constant = pattern.words[..rows].iter().all(|&word| word == first);
    let pattern = pattern.span(first);
    if !constant || pattern.len() > environment.max_like_pattern() {
        return false;
    }
    let options = LikeOptions { case_sensitive: environment.case_sensitive_like(), escape: None };
    let is_like = def.name == "like";
    for (&tag, &word) in text.tags[..rows].iter().zip(&text.words[..rows]) {
        match (tag, is_like) {
            (NULL, _) => out.push_word(NULL, 0),
            (_, true) => out.push_word(INTEGER, u64::from(like(pattern, text.span(word), options))),
            (_, false) => out.push_word(INTEGER, u64::from(glob(pattern, text.span(word)))),
        }
    }
    true
}
