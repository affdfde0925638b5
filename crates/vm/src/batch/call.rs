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
    if is_like && let Some(plain) = LikePlain::of(pattern, environment.case_sensitive_like()) {
        for (&tag, &word) in text.tags[..rows].iter().zip(&text.words[..rows]) {
            match tag {
                NULL => out.push_word(NULL, 0),
                _ => out.push_word(INTEGER, u64::from(plain.matches(text, word))),
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

/// A pattern of LIKE that is up to sixteen characters of ASCII and then `%`, perhaps with another `%` in front. Such characters
/// match where sixteen bytes of a text are `bytes` once letters are small and all that is behind is gone.
struct LikePlain<'p> {
    characters: &'p [u8],
    /// They may stand anywhere.
    inside: bool,
    case_sensitive: bool,
    bytes: u128,
    small: u128,
    counts: u128,
    /// The first character, and the same one as a small or a great letter, eight times.
    first: [u64; 2],
}

impl<'p> LikePlain<'p> {
    const MOST: usize = 16;

    fn of(pattern: &'p [u8], case_sensitive: bool) -> Option<Self> {
        let (b'%', pattern) = pattern.split_last()? else { return None };
        let (inside, characters) = match pattern.split_first() {
            Some((b'%', characters)) => (true, characters),
            _ => (false, pattern),
        };
        let plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'%' | b'_' | 0);
        if characters.len() > Self::MOST || !characters.iter().all(plain) {
            return None;
        }
        let (mut bytes, mut small, mut counts) = ([0; Self::MOST], [0; Self::MOST], [0; Self::MOST]);
        for (i, &byte) in characters.iter().enumerate() {
            let folds = !case_sensitive && byte.is_ascii_alphabetic();
            bytes[i] = if folds { byte.to_ascii_lowercase() } else { byte };
            small[i] = if folds { b'a' - b'A' } else { 0 };
            counts[i] = 0xff;
        }
        let &first = characters.first()?;
        let other = match case_sensitive {
            true => first,
            false if first.is_ascii_lowercase() => first.to_ascii_uppercase(),
            false => first.to_ascii_lowercase(),
        };
        let word = u128::from_ne_bytes;
        Some(Self {
            characters,
            inside,
            case_sensitive,
            bytes: word(bytes),
            small: word(small),
            counts: word(counts),
            first: [first, other].map(|byte| u64::from_ne_bytes([byte; 8])),
        })
    }

    /// The text that a word of the vector stands for matches.
    #[inline(always)]
    fn matches(&self, texts: &Vector, word: u64) -> bool {
        let text = texts.span(word);
        let Some(last) = text.len().checked_sub(self.characters.len()) else { return false };
        // What follows the text in the vector does not count.
        let bytes = texts.bytes.get((word >> 32) as usize..).unwrap_or(text);
        if self.inside { self.is_inside(text, bytes, last) } else { self.is_at(text, bytes, 0) }
    }

    #[inline(always)]
    fn is_at(&self, text: &[u8], bytes: &[u8], at: usize) -> bool {
        if let Some(bytes) = bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
            return (u128::from_ne_bytes(*bytes) | self.small) & self.counts == self.bytes;
        }
        let found = text.get(at..at + self.characters.len());
        found.is_some_and(|found| match self.case_sensitive {
            true => found == self.characters,
            false => found.eq_ignore_ascii_case(self.characters),
        })
    }

    /// The characters stand at `last` or before, and before the text's first NUL.
    #[inline(always)]
    fn is_inside(&self, text: &[u8], bytes: &[u8], last: usize) -> bool {
        const LOW: u64 = 0x0101_0101_0101_0101;
        // Bytes that are zero have their high bits set, and perhaps some above such a byte.
        let zeros = |word: u64| word.wrapping_sub(LOW) & !word & (LOW << 7);
        let mut at = 0;
        while at <= last {
            let Some(word) = bytes.get(at..).and_then(|bytes| bytes.first_chunk()) else {
                let found = (at..=last).find(|&at| self.is_at(text, bytes, at));
                return found.is_some_and(|at| !text[..at].contains(&0));
            };
            let word = u64::from_le_bytes(*word);
            let mut hits = zeros(word ^ self.first[0]) | zeros(word ^ self.first[1]);
            while hits != 0 {
                let place = at + (hits.trailing_zeros() / 8) as usize;
                if place > last {
                    return false;
                }
                if self.is_at(text, bytes, place) {
                    return !text[..place].contains(&0);
                }
                hits &= hits - 1;
            }
            at += 8;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_patterns_match_as_like_does() {
        let texts = [
            "",
            "a",
            "A",
            "ab",
            "xab",
            "xAB",
            "state 1",
            "State 17",
            "xstate 1",
            "the last state 1 of a long text",
            "a\0b",
            "\0ab",
            "aab",
            "a%b",
            "a_b",
            "\u{e4}ab",
            "zzzzzzzAB",
            "zzzzzzzzab",
            "[",
            "{",
            "@ab",
            "`ab",
            "word99",
            "9",
            "99",
        ];
        let patterns = [
            "a%",
            "ab%",
            "state 1%",
            "%ab%",
            "%a%",
            "%99%",
            "%9%",
            "%state 1%",
            "[%",
            "%[%",
            "@%",
            "%@a%",
            "of a long text%",
            "%of a long text%",
            "%%",
            "%",
            "a_%",
            "%a%b%",
            "%\u{e4}%",
            "a long text of more%",
            "%b",
        ];
        let mut vector = Vector::default();
        for text in texts {
            vector.push_bytes(TEXT, text.as_bytes()).unwrap();
        }
        let mut plain_ones = 0;
        for pattern in patterns {
            for case_sensitive in [false, true] {
                let Some(plain) = LikePlain::of(pattern.as_bytes(), case_sensitive) else { continue };
                plain_ones += 1;
                for (text, &word) in texts.iter().zip(&vector.words) {
                    let expected =
                        like(pattern.as_bytes(), text.as_bytes(), LikeOptions { case_sensitive, escape: None });
                    assert_eq!(plain.matches(&vector, word), expected, "{text:?} LIKE {pattern:?}, {case_sensitive}");
                }
            }
        }
        assert_eq!(plain_ones, 28);
    }
}
