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
    let is_like = def.name == "like";
    if is_like && let Some(start) = LikeStart::of(pattern, environment.case_sensitive_like()) {
        for (&tag, &word) in text.tags[..rows].iter().zip(&text.words[..rows]) {
            match tag {
                NULL => out.push_word(NULL, 0),
                _ => out.push_word(INTEGER, u64::from(start.matches(text, word))),
            }
        }
        return true;
    }
    let options = LikeOptions { case_sensitive: environment.case_sensitive_like(), escape: None };
    for (&tag, &word) in text.tags[..rows].iter().zip(&text.words[..rows]) {
        match (tag, is_like) {
            (NULL, _) => out.push_word(NULL, 0),
            (_, true) => out.push_word(INTEGER, u64::from(like(pattern, text.span(word), options))),
            (_, false) => out.push_word(INTEGER, u64::from(glob(pattern, text.span(word)))),
        }
    }
    true
}

/// A pattern of LIKE that is up to sixteen characters of ASCII and then `%`, as numbers: sixteen bytes of a text match where they
/// are `bytes` once letters are small and all that is behind is gone.
struct LikeStart<'p> {
    pattern: &'p [u8],
    case_sensitive: bool,
    bytes: u128,
    small: u128,
    counts: u128,
}

impl<'p> LikeStart<'p> {
    const MOST: usize = 16;

    fn of(pattern: &'p [u8], case_sensitive: bool) -> Option<Self> {
        let (b'%', pattern) = pattern.split_last()? else { return None };
        let plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'%' | b'_' | 0);
        if pattern.is_empty() || pattern.len() > Self::MOST || !pattern.iter().all(plain) {
            return None;
        }
        let (mut bytes, mut small, mut counts) = ([0; Self::MOST], [0; Self::MOST], [0; Self::MOST]);
        for (i, &byte) in pattern.iter().enumerate() {
            let folds = !case_sensitive && byte.is_ascii_alphabetic();
            bytes[i] = if folds { byte.to_ascii_lowercase() } else { byte };
            small[i] = if folds { b'a' - b'A' } else { 0 };
            counts[i] = 0xff;
        }
        let word = u128::from_ne_bytes;
        Some(Self { pattern, case_sensitive, bytes: word(bytes), small: word(small), counts: word(counts) })
    }

    /// The text that a word of the vector stands for starts so.
    #[inline(always)]
    fn matches(&self, texts: &Vector, word: u64) -> bool {
        let (at, len) = ((word >> 32) as usize, word as u32 as usize);
        if len < self.pattern.len() {
            return false;
        }
        // (What follows the text does not count.)
        if let Some(bytes) = texts.bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
            return (u128::from_ne_bytes(*bytes) | self.small) & self.counts == self.bytes;
        }
        let start = texts.span(word).get(..self.pattern.len());
        start.is_some_and(|start| match self.case_sensitive {
            true => start == self.pattern,
            false => start.eq_ignore_ascii_case(self.pattern),
        })
    }
}
