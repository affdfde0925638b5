//! `.testcase` and `.check`: output goes to a file, and is compared with a pattern.

use super::Outcome;
use crate::output::Output;
use crate::shell::{Flow, Shell};

/// Where the output of a test case goes.
const FILE: &str = "testcase-out.txt";

/// `.testcase`
pub fn begin(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    shell.redirect(FILE)?;
    shell.test_case = (*arguments.first().unwrap_or(&"?")).to_owned();
    Ok(Flow::Continue)
}

/// `.check`: what cannot be compared ends the session.
pub fn check(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    shell.flush();
    shell.output = Output::standard();
    let [pattern] = arguments else {
        shell.warn("Usage: .check GLOB-PATTERN");
        return Ok(Flow::Exit(0));
    };
    let text = match std::fs::read(FILE) {
        Ok(text) if !text.is_empty() => text,
        _ => {
            shell.warn(format!("Error: cannot read '{FILE}'"));
            return Ok(Flow::Exit(0));
        }
    };
    let name = &shell.test_case;
    if matches(pattern.as_bytes(), &text) {
        shell.line(format!("testcase-{name} ok"));
        return Ok(Flow::Continue);
    }
    let text = String::from_utf8_lossy(&text);
    Err(format!("testcase-{name} FAILED\n Expected: [{pattern}]\n      Got: [{text}]"))
}

/// Compares as `sqlite3` does for test cases: as GLOB, but any white space equals any other, and none is needed at the end; `#`
/// stands for digits with or without a sign (not right behind a `*`).
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    while let Some((&c, rest)) = pattern.split_first() {
        pattern = rest;
        match c {
            b'*' => return matches_behind_star(pattern, text),
            b'?' if !text.is_empty() => text = &text[1..],
            b'[' => match (text.split_first(), set(pattern)) {
                (Some((&c, behind)), Some((has, rest))) if has(c) => (pattern, text) = (rest, behind),
                _ => return false,
            },
            b'#' => {
                let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
                let digits = unsigned.iter().take_while(|c| c.is_ascii_digit()).count();
                if digits == 0 {
                    return false;
                }
                text = &unsigned[digits..];
            }
            _ if c.is_ascii_whitespace() => {
                pattern = pattern.trim_ascii_start();
                let trimmed = text.trim_ascii_start();
                if trimmed.len() == text.len() && !pattern.is_empty() {
                    return false;
                }
                text = trimmed;
            }
            _ => match text.split_first() {
                Some((same, behind)) if *same == c => text = behind,
                _ => return false,
            },
        }
    }
    text.trim_ascii().is_empty()
}

fn matches_behind_star(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    while let Some((c @ (b'*' | b'?'), rest)) = pattern.split_first() {
        if *c == b'?' {
            match text.split_first() {
                Some((_, behind)) => text = behind,
                None => return false,
            }
        }
        pattern = rest;
    }
    let Some((&next, rest)) = pattern.split_first() else { return true };
    (0..text.len()).any(|at| match next {
        b'[' => matches(pattern, &text[at..]),
        _ => text[at] == next && matches(rest, &text[at + 1..]),
    })
}

/// The set behind a `[`, and what follows it; `None` where it does not end.
fn set(pattern: &[u8]) -> Option<(impl Fn(u8) -> bool, &[u8])> {
    let (inverted, body) = pattern.strip_prefix(b"^").map_or((false, pattern), |body| (true, body));
    // A `]` that comes first is a member.
    let first = usize::from(body.first() == Some(&b']'));
    let end = first + body.get(first..)?.iter().position(|c| *c == b']')?;
    let (members, rest) = (&body[..end], &body[end + 1..]);
    let has = move |c: u8| {
        let alone = members.contains(&c);
        let in_range = members.windows(3).any(|w| w[1] == b'-' && (w[0]..=w[2]).contains(&c));
        (alone || in_range) != inverted
    };
    Some((has, rest))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_by_sqlite3() {
        let same = [
            ("a b", "a  b\n"),
            ("a  b", "a b"),
            ("a#b", "a12b"),
            ("a#b", "a-12b"),
            ("a*", "abc"),
            ("a?c", "abc"),
            ("a[b-d]c", "abc"),
            ("a[^x]c", "abc"),
            ("abc", "abc  "),
            ("abc  ", "abc"),
            ("a[]]c", "a]c"),
            ("a[*]c", "a*c"),
            ("a*c*", "abc"),
            ("*c ", "abc"),
            ("a**?c", "abc"),
            ("a*[a-c]", "aac"),
        ];
        for (pattern, text) in same {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        let other = [
            ("a b", "ab"),
            ("a#b", "ab"),
            ("a[b-d", "abc"),
            ("abc", " abc"),
            ("abc", "abcd"),
            ("abcd", "abc"),
            ("a*#", "a1"),
        ];
        for (pattern, text) in other {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }
}
