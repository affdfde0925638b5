//! LIKE and GLOB.
//!
//! Both are matched with one pattern position to come back to, the last `%` or `*`: taking a later one as early as
//! possible never loses a match, so time is bounded by pattern length times text length, without recursion.

use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::text::before_nul;
use turso_error::{Error, Result};
use turso_value::Value;
use turso_value::encoding::{char_len, read_char};

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("like", Arity::between(2, 3), F::PURE.and(F::LIKE).and(F::BLOB_IS_TEXT), like_function),
    FunctionDef::scalar("glob", Arity::exactly(2), F::PURE.and(F::LIKE).and(F::BLOB_IS_TEXT), glob_function),
    // Only virtual tables know what matches.
    FunctionDef::scalar("match", Arity::exactly(2), F::NONE, |_, _| {
        Err(turso_error::Error::sql("unable to use function MATCH in the requested context"))
    }),
];

/// How LIKE treats letters, and what escapes its wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LikeOptions {
    /// `A` is not `a`.
    pub case_sensitive: bool,
    /// The ESCAPE character.
    pub escape: Option<u32>,
}

/// `text LIKE pattern`. Both count up to their first NUL.
///
/// Characters of ASCII are compared as bytes: such a byte is always a whole character, however damaged the text around it.
pub fn like(pattern: &[u8], text: &[u8], options: LikeOptions) -> bool {
    let escape = options.escape;
    let pattern = before_nul(pattern);
    let text = Text(text);
    let (mut p, mut t) = (0, 0);
    // After the last `%`: where its pattern goes on, and where in the text it is tried next.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match next_like(pattern, p, escape) {
            LikeToken::Ascii(wanted, next) => {
                let found = text.byte(t);
                let same = found == wanted || !options.case_sensitive && found.eq_ignore_ascii_case(&wanted);
                (same && found != 0).then_some((next, t + 1))
            }
            LikeToken::Any(next) => {
                if next == pattern.len() {
                    return true;
                }
                let Some(from) = after_any_like(pattern, next, text, t, options) else { return false };
                retry = Some((next, from));
                (p, t) = (next, from);
                continue;
            }
            LikeToken::One(next) => (!text.ends(t)).then(|| (next, t + char_len(text.from(t)))),
            LikeToken::Wide(wanted, next) => match text.ends(t) {
                true => None,
                false => {
                    let (found, len) = read_char(text.from(t));
                    (found == wanted).then_some((next, t + len))
                }
            },
            LikeToken::End if text.ends(t) => return true,
            LikeToken::End => None,
            // An escape without a character to escape matches nothing, wherever it is tried.
            LikeToken::Broken => return false,
        };
        match (step, &mut retry) {
            (Some((next_p, next_t)), _) => (p, t) = (next_p, next_t),
            (None, Some((after, at))) if !text.ends(*at) => {
                let next = *at + char_len(text.from(*at));
                let Some(from) = after_any_like(pattern, *after, text, next, options) else { return false };
                *at = from;
                (p, t) = (*after, from);
            }
            _ => return false,
        }
    }
}

/// Text that ends at its first NUL.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The byte at `at`; 0 at the end.
    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn ends(self, at: usize) -> bool {
        self.byte(at) == 0
    }

    #[inline(always)]
    fn from(self, at: usize) -> &'a [u8] {
        self.0.get(at..).unwrap_or(&[])
    }

    /// The first place from `at` with one of two bytes of ASCII, before the end.
    #[inline]
    fn find(self, at: usize, one: u8, other: u8) -> Option<usize> {
        const LOW: u64 = 0x0101_0101_0101_0101;
        // The lowest byte of a word that is zero has its high bit set, and no byte below it has.
        let zeros = |word: u64| word.wrapping_sub(LOW) & !word & (LOW << 7);
        let (ones, others) = (LOW * u64::from(one), LOW * u64::from(other));
        let mut at = at;
        while let Some(bytes) = self.0.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*bytes);
            let hits = zeros(word ^ ones) | zeros(word ^ others) | zeros(word);
            if hits != 0 {
                let at = at + (hits.trailing_zeros() / 8) as usize;
                return (self.byte(at) != 0).then_some(at);
            }
            at += 8;
        }
        let rest = self.from(at);
        let hit = rest.iter().position(|&byte| byte == one || byte == other || byte == 0)?;
        (rest.get(hit) != Some(&0)).then_some(at + hit)
    }
}

/// Where in the text, from `at` on, what follows a `%` can match at all; `None`: nowhere.
#[inline]
fn after_any_like(pattern: &[u8], after: usize, text: Text<'_>, at: usize, options: LikeOptions) -> Option<usize> {
    match next_like(pattern, after, options.escape) {
        LikeToken::Ascii(wanted, _) if options.case_sensitive => text.find(at, wanted, wanted),
        LikeToken::Ascii(wanted, _) => text.find(at, wanted.to_ascii_lowercase(), wanted.to_ascii_uppercase()),
        _ => Some(at),
    }
}

enum LikeToken {
    /// `%`
    Any(usize),
    /// `_`
    One(usize),
    /// A character of ASCII, and where the pattern goes on.
    Ascii(u8, usize),
    /// Another character.
    Wide(u32, usize),
    End,
    Broken,
}

#[inline(always)]
fn next_like(pattern: &[u8], at: usize, escape: Option<u32>) -> LikeToken {
    let Some(&first) = pattern.get(at) else { return LikeToken::End };
    // The escape character comes first: it may be a wildcard itself.
    if let Some(escape) = escape {
        let (code, len) = read_char(&pattern[at..]);
        if code == escape {
            return match pattern.get(at + len..) {
                Some([]) | None => LikeToken::Broken,
                Some(escaped) => literal(escaped, at + len),
            };
        }
    }
    match first {
        b'%' => LikeToken::Any(at + 1),
        b'_' => LikeToken::One(at + 1),
        0..0x80 => LikeToken::Ascii(first, at + 1),
        _ => literal(&pattern[at..], at),
    }
}

/// The first character of `rest`, which stands at `at` in the pattern.
#[inline]
fn literal(rest: &[u8], at: usize) -> LikeToken {
    match read_char(rest) {
        (code, len) if code < 0x80 => LikeToken::Ascii(code as u8, at + len),
        (code, len) => LikeToken::Wide(code, at + len),
    }
}

/// `text GLOB pattern`: `*`, `?`, `[...]`, case-sensitive. Both count up to their first NUL.
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let pattern = before_nul(pattern);
    let text = Text(text);
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    // Where in the text, from a place on, what follows a `*` can match at all.
    let after_any = |after: usize, at: usize| match pattern.get(after) {
        Some(&(b'*' | b'?' | b'[' | 0x80..)) | None => Some(at),
        Some(&byte) => text.find(at, byte, byte),
    };
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                if p == pattern.len() {
                    return true;
                }
                let Some(from) = after_any(p, t) else { return false };
                retry = Some((p, from));
                t = from;
                continue;
            }
            None if text.ends(t) => return true,
            None => None,
            Some(_) if text.ends(t) => None,
            Some(b'?') => Some((p + 1, t + char_len(text.from(t)))),
            Some(b'[') => {
                let (code, len) = read_char(text.from(t));
                match match_set(&pattern[p + 1..], code) {
                    // A set that is never closed matches nothing.
                    None => return false,
                    Some((false, _)) => None,
                    Some((true, used)) => Some((p + 1 + used, t + len)),
                }
            }
            Some(&byte @ 0..0x80) => (byte == text.byte(t)).then_some((p + 1, t + 1)),
            Some(_) => {
                let (wanted, pattern_len) = read_char(&pattern[p..]);
                let (found, len) = read_char(text.from(t));
                (wanted == found).then_some((p + pattern_len, t + len))
            }
        };
        match (step, &mut retry) {
            (Some((next_p, next_t)), _) => (p, t) = (next_p, next_t),
            (None, Some((after, at))) if !text.ends(*at) => {
                let next = *at + char_len(text.from(*at));
                let Some(from) = after_any(*after, next) else { return false };
                *at = from;
                (p, t) = (*after, from);
            }
            _ => return false,
        }
    }
}

/// Whether a character is in the set that starts after `[`, and the length of the set with its `]`.
fn match_set(set: &[u8], code: u32) -> Option<(bool, usize)> {
    let mut at = 0;
    let mut next = || -> Option<(u32, usize)> {
        let rest = set.get(at..).filter(|rest| !rest.is_empty())?;
        let (code, len) = read_char(rest);
        at += len;
        Some((code, at))
    };
    let (mut member, mut end) = next()?;
    let invert = member == u32::from(b'^');
    if invert {
        (member, end) = next()?;
    }
    let mut seen = false;
    if member == u32::from(b']') {
        // A bracket in first place is a member.
        seen = code == member;
        (member, end) = next()?;
    }
    let mut previous = None;
    while member != u32::from(b']') {
        if member == u32::from(b'-')
            && let Some(low) = previous
            && !matches!(set.get(end), None | Some(b']'))
        {
            (member, _) = next()?;
            seen |= (low..=member).contains(&code);
            previous = None;
        } else {
            seen |= member == code;
            previous = Some(member);
        }
        (member, end) = next()?;
    }
    Some((seen != invert, end))
}

fn like_function(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    let mut options = LikeOptions { case_sensitive: ctx.environment.case_sensitive_like(), escape: None };
    check_pattern(ctx, &args[0])?;
    if let Some(escape) = args.get(2) {
        if escape.is_null() {
            return ctx.null();
        }
        let text = before_nul(escape.text_in(&mut c));
        if text.is_empty() || char_len(text) != text.len() {
            return Err(Error::sql("ESCAPE expression must be a single character"));
        }
        options.escape = Some(read_char(text).0);
    }
    if args[0].is_null() || args[1].is_null() {
        return ctx.null();
    }
    let hit = like(args[0].text_in(&mut a), args[1].text_in(&mut b), options);
    ctx.integer(i64::from(hit))
}

fn glob_function(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    check_pattern(ctx, &args[0])?;
    if args[0].is_null() || args[1].is_null() {
        return ctx.null();
    }
    let hit = glob(args[0].text_in(&mut a), args[1].text_in(&mut b));
    ctx.integer(i64::from(hit))
}

fn check_pattern(ctx: &Context<'_>, pattern: &Value) -> Result<()> {
    if pattern.bytes().is_some_and(|bytes| bytes.len() > ctx.environment.max_like_pattern()) {
        return Err(Error::sql("LIKE or GLOB pattern too complex"));
    }
    Ok(())
}
