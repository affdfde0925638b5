//! Regular expressions, in the syntax and with the promises of the crate `regex`: time linear in the text, whatever the
//! pattern. Text is bytes here too: `.` stands for a character of valid UTF-8, `(?-u:.)` for any byte.
//!
//! A thread keeps the patterns that it used last in compiled form, so that a query compiles its pattern once.

use super::bytes_of;
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use regex::bytes::{Captures, Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::VecDeque;
use turso_error::{Error, Result, ResultCode};
use turso_value::Value;

/// `regexp(pattern, text)`, which the operator `text REGEXP pattern` calls. Not among the built-in functions: in SQLite
/// the operator has none, and an application may count on that.
pub const OPERATOR: FunctionDef = FunctionDef::scalar("regexp", Arity::exactly(2), F::PURE, operator);

/// The same without regard to case, as SQLite's shell has it. Not among the built-in functions either.
pub const IGNORING_CASE: FunctionDef = FunctionDef::scalar("regexpi", Arity::exactly(2), F::PURE, ignoring_case);

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("regexp_like", Arity::exactly(2), F::PURE, like),
    FunctionDef::scalar("regexp_substr", Arity::exactly(2), F::PURE, substr),
    FunctionDef::scalar("regexp_capture", Arity::between(2, 3), F::PURE, capture),
    FunctionDef::scalar("regexp_replace", Arity::exactly(3), F::PURE, replace),
];

/// Patterns that a thread keeps.
const KEPT: usize = 16;
/// A compiled pattern and its working memory may take so many bytes.
const SIZE_LIMIT: usize = 1 << 20;

thread_local! {
    /// The pattern used last is at the front.
    static COMPILED: RefCell<VecDeque<Regex>> = const { RefCell::new(VecDeque::new()) };
}

fn compile(pattern: &[u8]) -> Result<Regex> {
    let Ok(pattern) = std::str::from_utf8(pattern) else {
        return Err(Error::sql("the regular expression is not valid UTF-8"));
    };
    RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Error::sql("the regular expression is too big"),
        other => {
            // The message draws the pattern and marks the place; its last line says what is wrong.
            let text = other.to_string();
            let reason = text.lines().last().unwrap_or_default();
            Error::sql(format!("regular expression: {}", reason.strip_prefix("error: ").unwrap_or(reason)))
        }
    })
}

/// Runs `use_it` with the compiled pattern.
fn with_pattern<T>(pattern: &[u8], use_it: impl FnOnce(&Regex) -> Result<T>) -> Result<T> {
    COMPILED.with_borrow_mut(|kept| {
        let at = kept.iter().position(|regex| regex.as_str().as_bytes() == pattern);
        let regex = match at.and_then(|at| kept.remove(at)) {
            Some(regex) => regex,
            None => compile(pattern)?,
        };
        let outcome = use_it(&regex);
        kept.truncate(KEPT - 1);
        kept.push_front(regex);
        outcome
    })
}

/// Runs `use_it` with the text and the compiled pattern; `None` when one of them is NULL.
fn matching<T>(
    text: &Value,
    pattern: &Value,
    use_it: impl FnOnce(&[u8], &Regex) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let (mut scratch, mut pattern_scratch) = (Vec::new(), Vec::new());
    match (bytes_of(text, &mut scratch), bytes_of(pattern, &mut pattern_scratch)) {
        (Some(text), Some(pattern)) => with_pattern(pattern, |regex| use_it(text, regex)),
        _ => Ok(None),
    }
}

fn answer_match(ctx: &mut Context<'_>, text: &Value, pattern: &Value) -> Result<()> {
    match matching(text, pattern, |text, regex| Ok(Some(regex.is_match(text))))? {
        Some(found) => ctx.integer(i64::from(found)),
        None => ctx.null(),
    }
}

fn operator(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    answer_match(ctx, &args[1], &args[0])
}

fn ignoring_case(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let Some(pattern) = bytes_of(&args[0], &mut scratch) else { return ctx.null() };
    answer_match(ctx, &args[1], &Value::Text([b"(?i)", pattern].concat()))
}

fn like(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    answer_match(ctx, &args[0], &args[1])
}

/// The text that matched as a whole, or what its group `n` matched.
fn group(ctx: &mut Context<'_>, args: &[Value], n: usize) -> Result<()> {
    let found = matching(&args[0], &args[1], |text, regex| {
        let range = match n {
            0 => regex.find(text),
            _ => regex.captures(text).and_then(|captures| captures.get(n)),
        };
        Ok(range.map(|range| range.as_bytes().to_vec()))
    })?;
    match found {
        Some(found) => ctx.text(&found),
        None => ctx.null(),
    }
}

fn substr(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    group(ctx, args, 0)
}

fn capture(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.get(2) {
        Some(Value::Null) => ctx.null(),
        Some(n) => match usize::try_from(n.to_integer()) {
            Ok(n) => group(ctx, args, n),
            Err(_) => ctx.null(),
        },
        None => group(ctx, args, 0),
    }
}

/// Every match replaced; `$1`, `${1}` and `${name}` in the replacement are what the groups matched, `$$` is a dollar.
fn replace(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let Some(replacement) = bytes_of(&args[2], &mut scratch) else { return ctx.null() };
    let limit = ctx.environment.max_length();
    let out = matching(&args[0], &args[1], |text, regex| {
        let (mut out, mut done) = (Vec::new(), 0);
        let mut put = |captures: &Captures<'_>| {
            let Some(whole) = captures.get(0) else { return Ok(()) };
            out.extend_from_slice(&text[done..whole.start()]);
            captures.expand(replacement, &mut out);
            done = whole.end();
            if out.len() > limit { Err(Error::from_code(ResultCode::TOOBIG)) } else { Ok(()) }
        };
        for captures in regex.captures_iter(text) {
            put(&captures)?;
        }
        out.extend_from_slice(&text[done..]);
        Ok(Some(out))
    })?;
    match out {
        Some(out) => ctx.text(&out),
        None => ctx.null(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{check, t};
    use turso_value::Value;

    #[test]
    fn finding() {
        let text = t("the year is 2021");
        check("regexp_like", &[text.clone(), t("[0-9]+")], 1);
        check("regexp_like", &[text.clone(), t("2k21")], 0);
        check("regexp_substr", &[text.clone(), t("[0-9]+")], "2021");
        check("regexp_substr", &[text.clone(), t("2k21")], Value::Null);
        check("regexp_capture", &[text.clone(), t("(y)(ear)"), Value::Integer(2)], "ear");
        check("regexp_capture", &[text.clone(), t("(y)(ear)")], "year");
        check("regexp_capture", &[text.clone(), t("(y)|(z)"), Value::Integer(2)], Value::Null);
        check("regexp_capture", &[text, t("(y)"), Value::Integer(-1)], Value::Null);
        check("regexp_like", &[Value::Null, t("a")], Value::Null);
        check("regexp_like", &[t("a"), Value::Null], Value::Null);
        check("regexp_like", &[Value::Integer(515), t("^5")], 1);
        check("regexp_like", &[Value::Text(vec![0xff, b'a']), t("a$")], 1);
    }

    #[test]
    fn replacing() {
        check("regexp_replace", &[t("the year is 2021"), t("([0-9])"), t("<$1>")], "the year is <2><0><2><1>");
        check("regexp_replace", &[t("aa"), t("x*"), t("-")], "-a-a-");
        check("regexp_replace", &[t("abc"), t("(?P<it>b)"), t("$$${it}")], "a$bc");
        check("regexp_replace", &[t("abc"), t("b"), Value::Null], Value::Null);
    }

    #[test]
    fn bad_patterns() {
        check("regexp_like", &[t("a"), t("(")], "regular expression: unclosed group");
        check("regexp_like", &[t("a"), t("(\\w{100}){100}")], "the regular expression is too big");
        check("regexp_like", &[t("a"), Value::Text(vec![0xff])], "the regular expression is not valid UTF-8");
    }

    /// More patterns than are kept: each still finds what is its own.
    #[test]
    fn many_patterns() {
        for round in 0..3 {
            for i in 0..40 {
                let pattern = format!("^{i}$");
                check("regexp_like", &[Value::Integer(i), t(&pattern)], 1);
                check("regexp_like", &[Value::Integer(i + round + 1), t(&pattern)], 0);
            }
        }
    }
}
