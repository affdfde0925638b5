//! A failing script made small: statements are left out, then words of the statements that remain.

use std::time::{Duration, Instant};

use crate::compare::Kind;
use crate::generate::Step;
use crate::run::{Difference, replay};

/// The smallest script found within a time that still shows a difference of the same kind.
pub fn shrink(found: &Difference, most: Duration) -> Difference {
    let end = Instant::now() + most;
    let mut best = found.clone();
    drop_statements(&mut best, end);
    for at in (0..best.steps.len()).rev() {
        drop_words(&mut best, at, end);
    }
    drop_statements(&mut best, end);
    best
}

/// Keep these steps if they still differ in the same way.
fn attempt(best: &mut Difference, steps: Vec<Step>) -> bool {
    let Some((kind, text, at)) = replay(&steps, best.place) else { return false };
    if !same_kind(&kind, &best.kind) {
        return false;
    }
    let kept = (at + 1).min(steps.len());
    best.kind = kind;
    best.text = text;
    best.steps = steps;
    best.steps.truncate(kept);
    true
}

/// An error must stay the same error but for the names in it; leaving out words must not make it one of syntax.
fn same_kind(new: &Kind, old: &Kind) -> bool {
    match (new, old) {
        (Kind::Error(a, b), Kind::Error(c, d)) => shape(a) == shape(c) && shape(b) == shape(d),
        _ => new == old,
    }
}

fn shape(error: &str) -> String {
    if error.contains("syntax error") {
        return error.to_owned();
    }
    error.split(' ').take(4).map(|word| word.trim_matches(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join(" ")
}

fn drop_statements(best: &mut Difference, end: Instant) {
    let mut size = (best.steps.len() / 2).max(1);
    loop {
        let mut from = 0;
        let mut shrunk = false;
        while from < best.steps.len() {
            if Instant::now() > end {
                return;
            }
            let mut steps = best.steps.clone();
            let to = (from + size).min(steps.len());
            steps.drain(from..to);
            if !steps.is_empty() && attempt(best, steps) {
                shrunk = true;
            } else {
                from += size;
            }
        }
        if size == 1 && !shrunk {
            return;
        }
        size = (size / 2).max(1);
    }
}

fn drop_words(best: &mut Difference, at: usize, end: Instant) {
    let Some(step) = best.steps.get(at) else { return };
    // Words would have to go from both texts.
    if step.stock.is_some() {
        return;
    }
    let mut words = split(&step.sql);
    let mut size = (words.len() / 2).max(1);
    loop {
        let mut from = 0;
        let mut shrunk = false;
        while from < words.len() {
            if Instant::now() > end {
                return;
            }
            let to = (from + size).min(words.len());
            if balanced(&words[from..to])
                && leaves_orders(&words, from, to, &best.kind)
                && try_words(best, at, &words, from, to, None)
            {
                words.drain(from..to);
                shrunk = true;
                continue;
            }
            if size == 1
                && words[from] == "("
                && let Some(close) = closing(&words, from)
            {
                // A group becomes a number, alone or with the name before it.
                let call = from > 0 && words[from - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
                for first in [if call { from - 1 } else { from }, from] {
                    if close > first + 1 && try_words(best, at, &words, first, close + 1, Some("1")) {
                        words.splice(first..=close, ["1".to_owned()]);
                        shrunk = true;
                        break;
                    }
                }
            }
            from += size;
        }
        if size == 1 && !shrunk {
            return;
        }
        size = (size / 2).max(1);
    }
}

/// An ORDER BY goes as a whole with what stands behind it, or not at all: with fewer terms it would no longer say which rows a
/// LIMIT or a window takes. That of the statement stays, since the rows are compared in its order.
fn leaves_orders(words: &[String], from: usize, to: usize, kind: &Kind) -> bool {
    if matches!(kind, Kind::Error(..) | Kind::Panic) {
        return true;
    }
    let mut depth = 0i32;
    for (start, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            "ORDER" => {
                let mut inner = 0i32;
                let end = (start..words.len()).find(|&i| {
                    inner += i32::from(words[i] == "(") - i32::from(words[i] == ")");
                    inner < 0
                });
                let end = end.unwrap_or(words.len());
                let apart = to <= start || from >= end;
                let whole = from <= start && to >= end && depth > 0;
                if !apart && !whole {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

fn try_words(best: &mut Difference, at: usize, words: &[String], from: usize, to: usize, by: Option<&str>) -> bool {
    let mut changed: Vec<String> = words.to_vec();
    changed.splice(from..to, by.map(str::to_owned));
    if changed.is_empty() {
        return false;
    }
    let mut steps = best.steps.clone();
    steps[at].sql = join(&changed);
    let count = steps.len();
    let before = best.clone();
    if !attempt(best, steps) {
        return false;
    }
    if best.steps.len() != count {
        // It now differs at an earlier statement: another difference.
        *best = before;
        return false;
    }
    true
}

fn join(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        let glue = text.is_empty() || matches!(word.as_str(), "." | "," | ")" | ";") || text.ends_with(['.', '(']);
        if !glue && word != "(" || word == "(" && !text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(')
        {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn balanced(words: &[String]) -> bool {
    let mut depth = 0i32;
    for word in words {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn closing(words: &[String], open: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (i, word) in words.iter().enumerate().skip(open) {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

/// Words, numbers, strings and operators.
fn split(sql: &str) -> Vec<String> {
    let chars: Vec<char> = sql.chars().collect();
    let mut words = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        let c = chars[i];
        if c.is_whitespace() {
            i += 1;
            continue;
        }
        if c == '\'' || (c == 'x' || c == 'X') && chars.get(i + 1) == Some(&'\'') {
            i += if c == '\'' { 1 } else { 2 };
            while i < chars.len() {
                if chars[i] == '\'' {
                    if chars.get(i + 1) != Some(&'\'') {
                        break;
                    }
                    i += 1;
                }
                i += 1;
            }
            i += 1;
        } else if c.is_alphanumeric() || c == '_' {
            while i < chars.len()
                && (chars[i].is_alphanumeric() || chars[i] == '_' || c.is_ascii_digit() && chars[i] == '.')
            {
                i += 1;
            }
        } else {
            let two: String = chars[i..(i + 2).min(chars.len())].iter().collect();
            let three: String = chars[i..(i + 3).min(chars.len())].iter().collect();
            i += if three == "->>" {
                3
            } else if ["<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->"].contains(&two.as_str()) {
                2
            } else {
                1
            };
        }
        words.push(chars[start..i.min(chars.len())].iter().collect());
    }
    words
}
