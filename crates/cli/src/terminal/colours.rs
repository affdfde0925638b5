//! SQL in colours while it is typed.

use super::completion::is_keyword;

const KEYWORD: &str = "\x1b[1;34m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[90m";
const COMMAND: &str = "\x1b[1;35m";
const PARAMETER: &str = "\x1b[33m";
const END: &str = "\x1b[0m";

/// The text with the colours of its tokens.
pub fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    if text.starts_with('.') {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        paint(&mut out, COMMAND, &text[..end]);
        out.push_str(&text[end..]);
        return out;
    }
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let word = |from: usize| {
            rest[from..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).map_or(rest.len(), |i| from + i)
        };
        let (length, colour) = match c {
            '\'' | '"' | '`' => (rest[1..].find(c).map_or(rest.len(), |i| i + 2), Some(TEXT)),
            '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), Some(COMMENT)),
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |i| i + 2), Some(COMMENT)),
            '?' | ':' | '@' | '$' => (word(1), Some(PARAMETER)),
            '0'..='9' => (word(0).max(1), Some(NUMBER)),
            c if c.is_alphabetic() || c == '_' => {
                let length = word(0);
                (length, is_keyword(&rest[..length]).then_some(KEYWORD))
            }
            c => (c.len_utf8(), None),
        };
        match colour {
            Some(colour) => paint(&mut out, colour, &rest[..length]),
            None => out.push_str(&rest[..length]),
        }
        at += length;
    }
    out
}

fn paint(out: &mut String, colour: &str, text: &str) {
    out.push_str(colour);
    out.push_str(text);
    out.push_str(END);
}

#[cfg(test)]
mod tests {
    use super::coloured;

    #[test]
    fn colours_leave_the_text_as_it_is() {
        for text in ["SELECT 'a''b', \"x\" -- c", ".mode box", "sélect ?1 /* open", "x'00' 1e5 'open"] {
            let mut plain = coloured(text);
            while let Some(at) = plain.find('\x1b') {
                let end = plain[at..].find('m').unwrap() + at;
                plain.replace_range(at..=end, "");
            }
            assert_eq!(plain, text);
        }
        assert!(coloured("select 1").starts_with("\x1b[1;34mselect\x1b[0m "));
    }
}
