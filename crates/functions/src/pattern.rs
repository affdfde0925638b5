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
    FunctionDef::scalar("like", Arity::between(2, 3), F::PURE.and(F::LIKE), like_function),
    FunctionDef::scalar("glob", Arity::exactly(2), F::PURE.and(F::LIKE), glob_function),
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
pub fn like(pattern: &[u8], text: &[u8], options: LikeOptions) -> bool {
    let (pattern, text) = (before_nul(pattern), before_nul(text));
    let (mut p, mut t) = (0, 0);
    // After the last `%`: where its pattern goes on, and where in the text it is tried next.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match next_like(pattern, p, options.escape) {
            LikeToken::Any(next) => {
                retry = Some((next, t));
                p = next;
                continue;
            }
            LikeToken::One(next) if t < text.len() => Some((next, t + char_len(&text[t..]))),
            LikeToken::Literal(wanted, next) if t < text.len() => {
                let (found, len) = read_char(&text[t..]);
                let same = found == wanted
                    || (!options.case_sensitive && found < 0x80 && wanted < 0x80 && {
                        (found as u8).eq_ignore_ascii_case(&(wanted as u8))
                    });
                same.then_some((next, t + len))
            }
            LikeToken::End if t == text.len() => return true,
            // An escape without a character to escape matches nothing, wherever it is tried.
            LikeToken::Broken => return false,
            _ => None,
        };
        match (step, &mut retry) {
            (Some((next_p, next_t)), _) => (p, t) = (next_p, next_t),
            (None, Some((after, at))) if *at < text.len() => {
                *at += char_len(&text[*at..]);
                (p, t) = (*after, *at);
                if let LikeToken::End = next_like(pattern, p, options.escape) {
                    return true;
                }
            }
            _ => return false,
        }
    }
}

enum LikeToken {
    /// `%`
    Any(usize),
    /// `_`
    One(usize),
    /// A character, and where the pattern goes on.
    Literal(u32, usize),
    End,
    Broken,
}

#[inline]
fn next_like(pattern: &[u8], at: usize, escape: Option<u32>) -> LikeToken {
    let rest = &pattern[at..];
    if rest.is_empty() {
        return LikeToken::End;
    }
    let (code, len) = read_char(rest);
    // The escape character comes first: it may be a wildcard itself.
    if Some(code) == escape {
        return match rest.get(len..) {
            Some([]) | None => LikeToken::Broken,
            Some(escaped) => {
                let (code, escaped_len) = read_char(escaped);
                LikeToken::Literal(code, at + len + escaped_len)
            }
        };
    }
    match rest[0] {
        b'%' => LikeToken::Any(at + 1),
        b'_' => LikeToken::One(at + 1),
        _ => LikeToken::Literal(code, at + len),
    }
}

/// `text GLOB pattern`: `*`, `?`, `[...]`, case-sensitive. Both count up to their first NUL.
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (pattern, text) = (before_nul(pattern), before_nul(text));
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                if p == pattern.len() {
                    return true;
                }
                retry = Some((p, t));
                continue;
            }
            None if t == text.len() => return true,
            None => None,
            Some(_) if t == text.len() => None,
            Some(b'?') => Some((p + 1, t + char_len(&text[t..]))),
            Some(b'[') => {
                let (code, len) = read_char(&text[t..]);
                match match_set(&pattern[p + 1..], code) {
                    // A set that is never closed matches nothing.
                    None => return false,
                    Some((false, _)) => None,
                    Some((true, used)) => Some((p + 1 + used, t + len)),
                }
            }
            Some(_) => {
                let (wanted, pattern_len) = read_char(&pattern[p..]);
                let (found, len) = read_char(&text[t..]);
                (wanted == found).then_some((p + pattern_len, t + len))
            }
        };
        match (step, &mut retry) {
            (Some((next_p, next_t)), _) => (p, t) = (next_p, next_t),
            (None, Some((after, at))) if *at < text.len() => {
                *at += char_len(&text[*at..]);
                (p, t) = (*after, *at);
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
