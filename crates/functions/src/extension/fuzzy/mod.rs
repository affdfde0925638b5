//! `fuzzy_...()`: how far words are apart, how they sound, and how they are written in other scripts.
//!
//! NULL gives NULL. Distances count characters, not bytes. Their cost grows with the product of the two lengths, so texts
//! that would take too long are refused.

mod sound;

use super::bytes_of;
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use std::borrow::Cow;
use turso_error::{Error, Result};
use turso_value::Value;

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("fuzzy_leven", Arity::exactly(2), F::PURE, |c, a| distance(c, a, strsim::levenshtein)),
    FunctionDef::scalar("fuzzy_damlev", Arity::exactly(2), F::PURE, |c, a| distance(c, a, strsim::damerau_levenshtein)),
    FunctionDef::scalar("fuzzy_osadist", Arity::exactly(2), F::PURE, |c, a| distance(c, a, strsim::osa_distance)),
    FunctionDef::scalar("fuzzy_hamming", Arity::exactly(2), F::PURE, hamming),
    FunctionDef::scalar("fuzzy_jarowin", Arity::exactly(2), F::PURE, similarity),
    FunctionDef::scalar("fuzzy_soundex", Arity::exactly(1), F::PURE, |c, a| code(c, a, sound::soundex)),
    FunctionDef::scalar("fuzzy_rsoundex", Arity::exactly(1), F::PURE, |c, a| code(c, a, sound::refined_soundex)),
    FunctionDef::scalar("fuzzy_caver", Arity::exactly(1), F::PURE, |c, a| code(c, a, sound::caverphone)),
    FunctionDef::scalar("fuzzy_phonetic", Arity::exactly(1), F::PURE, |c, a| code(c, a, sound::phonetic)),
    FunctionDef::scalar("fuzzy_translit", Arity::exactly(1), F::PURE, transliterate),
    FunctionDef::scalar("fuzzy_script", Arity::exactly(1), F::PURE, script),
];

/// The product of the lengths of two texts may be so great: a few milliseconds of work, some megabytes of memory.
const WORK_LIMIT: usize = 4 << 20;

/// Both texts, with replacement characters for bytes that are none; `None` when one is NULL.
fn pair(args: &[Value], compare: impl FnOnce(Cow<'_, str>, Cow<'_, str>)) -> Result<bool> {
    let (mut a_scratch, mut b_scratch) = (Vec::new(), Vec::new());
    let (Some(a), Some(b)) = (bytes_of(&args[0], &mut a_scratch), bytes_of(&args[1], &mut b_scratch)) else {
        return Ok(false);
    };
    if a.len().saturating_mul(b.len()) > WORK_LIMIT {
        return Err(Error::sql("the texts are too long to compare"));
    }
    compare(String::from_utf8_lossy(a), String::from_utf8_lossy(b));
    Ok(true)
}

fn distance(ctx: &mut Context<'_>, args: &[Value], measure: fn(&str, &str) -> usize) -> Result<()> {
    let mut distance = 0;
    match pair(args, |a, b| distance = measure(&a, &b))? {
        true => ctx.integer(distance as i64),
        false => ctx.null(),
    }
}

/// -1 for texts of different length.
fn hamming(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut distance = -1;
    match pair(args, |a, b| distance = strsim::hamming(&a, &b).map_or(-1, |d| d as i64))? {
        true => ctx.integer(distance),
        false => ctx.null(),
    }
}

fn similarity(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut similarity = 0.0;
    match pair(args, |a, b| similarity = strsim::jaro_winkler(&a, &b))? {
        true => ctx.real(similarity),
        false => ctx.null(),
    }
}

fn code(ctx: &mut Context<'_>, args: &[Value], encode: fn(&str) -> String) -> Result<()> {
    let mut scratch = Vec::new();
    let Some(text) = bytes_of(&args[0], &mut scratch) else { return ctx.null() };
    // Letters of other scripts sound as their transliteration does.
    let ascii = any_ascii::any_ascii(&String::from_utf8_lossy(text));
    ctx.text(encode(&ascii).as_bytes())
}

fn transliterate(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let Some(text) = bytes_of(&args[0], &mut scratch) else { return ctx.null() };
    let ascii = any_ascii::any_ascii(&String::from_utf8_lossy(text));
    ctx.text(ascii.as_bytes())
}

/// The number of the script that a text is written in (ISO 15924): 998 for several, 999 for none that is known.
fn script(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    const SEVERAL: i64 = 998;
    const UNKNOWN: i64 = 999;
    let mut scratch = Vec::new();
    let Some(text) = bytes_of(&args[0], &mut scratch) else { return ctx.null() };
    let mut found = None;
    for c in String::from_utf8_lossy(text).chars() {
        let script = match u32::from(c) {
            0x41..=0x5a | 0x61..=0x7a | 0xaa | 0xba | 0xc0..=0x24f | 0x1e00..=0x1eff => 215,
            0x370..=0x3ff | 0x1f00..=0x1fff => 200,
            0x400..=0x52f => 220,
            0x530..=0x58f => 230,
            0x590..=0x5ff => 125,
            0x600..=0x6ff | 0x750..=0x77f => 160,
            0x900..=0x97f => 315,
            0xe00..=0xe7f => 352,
            0x10a0..=0x10ff => 240,
            0x3040..=0x309f => 410,
            0x30a0..=0x30ff => 411,
            0x3400..=0x4dbf | 0x4e00..=0x9fff => 500,
            0x1100..=0x11ff | 0xac00..=0xd7af => 286,
            _ => continue,
        };
        match found {
            Some(before) if before != script => return ctx.integer(SEVERAL),
            _ => found = Some(script),
        }
    }
    ctx.integer(found.unwrap_or(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::super::support::{check, t};
    use turso_value::Value;

    #[test]
    fn distances() {
        for (name, a, b, expected) in [
            ("fuzzy_leven", "awesome", "aewsme", 3),
            ("fuzzy_leven", "", "a", 1),
            ("fuzzy_leven", "\u{43f}\u{440}\u{438}", "\u{43f}\u{440}", 1),
            ("fuzzy_damlev", "awesome", "aewsme", 2),
            ("fuzzy_damlev", "ca", "abc", 2),
            ("fuzzy_osadist", "ca", "abc", 3),
            ("fuzzy_hamming", "awesome", "aewsome", 2),
            ("fuzzy_hamming", "abc", "abcd", -1),
        ] {
            check(name, &[t(a), t(b)], expected);
        }
        check("fuzzy_jarowin", &[t("awesome"), t("aewsme")], 0.9071428571428571);
        check("fuzzy_jarowin", &[t("MARTHA"), t("MARHTA")], 0.9611111111111111);
        check("fuzzy_jarowin", &[t(""), t("")], 1.0);
        check("fuzzy_leven", &[Value::Null, t("a")], Value::Null);
        let long = t(&"x".repeat(3000));
        check("fuzzy_damlev", &[long.clone(), long], "the texts are too long to compare");
    }

    #[test]
    fn scripts() {
        check("fuzzy_translit", &[t("\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}")], "privet");
        check("fuzzy_translit", &[t("\u{df}")], "ss");
        check("fuzzy_script", &[t("hello")], 215);
        check("fuzzy_script", &[t("\u{43f}\u{440}")], 220);
        check("fuzzy_script", &[t("\u{3b1}")], 200);
        check("fuzzy_script", &[t("a \u{3b1}")], 998);
        check("fuzzy_script", &[t("")], 999);
    }
}
