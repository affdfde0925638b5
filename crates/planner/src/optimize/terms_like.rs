//! LIKE and GLOB with a constant prefix as a range (`optoverview.html`, section 5).

use turso_functions::FunctionFlags;
use turso_value::{Collation, Value};

use crate::plan::Expr;

/// The range in which everything that matches a pattern lies.
pub(super) struct PatternRange<'a> {
    /// What is matched.
    pub text: &'a Expr,
    pub low: Vec<u8>,
    pub high: Vec<u8>,
    /// The collation that the index must have.
    pub collation: Collation,
    /// No number can match, whatever the column's affinity.
    pub any_text: bool,
}

/// The range of `like(pattern, text [, escape])` or `glob(pattern, text)`, if it has one.
pub(super) fn pattern_range<'a>(name: &str, args: &'a [Expr], case_sensitive: bool) -> Option<PatternRange<'a>> {
    let Expr::Literal(Value::Text(pattern)) = args.first()? else { return None };
    let text = args.get(1)?;
    let like = name == "like";
    let (many, one) = if like { (b'%', b'_') } else { (b'*', b'?') };
    let escape = match args.get(2) {
        None => None,
        Some(Expr::Literal(Value::Text(e))) if e.len() == 1 && e[0].is_ascii() => Some(e[0]),
        Some(_) => return None,
    };
    let mut prefix = Vec::new();
    let mut rest = pattern.iter().copied();
    while let Some(byte) = rest.next() {
        if Some(byte) == escape {
            prefix.push(rest.next()?);
        } else if byte == many || byte == one || (!like && byte == b'[') {
            break;
        } else {
            prefix.push(byte);
        }
    }
    let last = *prefix.last()?;
    // The byte after the largest would be none at all; such prefixes are not worth a special case.
    if prefix.contains(&0) || last == 0xff {
        return None;
    }
    let any_text = !prefix[0].is_ascii_digit() && !matches!(prefix[0], b'-' | b'+' | b'.') && !prefix[0].is_ascii_whitespace()
        // `Inf` and `NaN` are what numbers can look like otherwise.
        && !matches!(prefix[0], b'i' | b'I' | b'n' | b'N');
    let no_case = like && !case_sensitive;
    let (mut low, mut high) = (prefix.clone(), prefix);
    if no_case {
        low.make_ascii_uppercase();
        high.make_ascii_lowercase();
    }
    let end = high.last_mut()?;
    if no_case && (*end == b'@' || *end == b'Z' + 1) {
        return None;
    }
    *end += 1;
    let collation = if no_case { Collation::NoCase } else { Collation::Binary };
    Some(PatternRange { text, low, high, collation, any_text })
}

/// How many rows a condition keeps, as a logarithm: each character that a LIKE or GLOB asks for makes it stricter.
pub(super) fn pattern_selectivity(condition: &Expr) -> i32 {
    let Expr::Function { function, args, .. } = condition else { return -1 };
    let Some(Expr::Literal(Value::Text(pattern))) = args.first() else { return -1 };
    if !function.flags.has(FunctionFlags::LIKE) {
        return -1;
    }
    let like = &*function.name == "like";
    let (many, one) = if like { (b'%', b'_') } else { (b'*', b'?') };
    let mut asked = 0;
    let mut in_set = false;
    for &byte in pattern.iter().take(255) {
        match byte {
            b']' if in_set => in_set = false,
            _ if in_set || byte == many || byte == one => {}
            b'[' if !like => {
                in_set = true;
                asked += 1;
            }
            _ => asked += 1,
        }
    }
    (-2 * asked).min(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, pattern: &str, expected: Option<(&str, &str)>) {
        let args = [Expr::Literal(Value::text(pattern)), Expr::Literal(Value::Null)];
        let range = pattern_range(name, &args, false);
        let found = range.map(|r| (String::from_utf8(r.low).unwrap(), String::from_utf8(r.high).unwrap()));
        assert_eq!(found, expected.map(|(l, h)| (l.to_string(), h.to_string())), "{name} {pattern}");
    }

    #[test]
    fn prefixes_become_ranges() {
        check("like", "abc%", Some(("ABC", "abd")));
        check("like", "aBc_x", Some(("ABC", "abd")));
        check("glob", "aBc*", Some(("aBc", "aBd")));
        check("glob", "a[bc]*", Some(("a", "b")));
        check("like", "%abc", None);
        check("glob", "*", None);
        check("like", "", None);
    }
}
