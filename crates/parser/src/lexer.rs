//! Text to tokens.
//!
//! One function, [`next_token`], with no state but the position: the parser looks ahead by calling it again.
//! Nothing fails here. What is no token becomes [`TokenKind::Illegal`], which no rule accepts, so the parser reports it
//! as soon as it stands there. The text must not contain NUL bytes (SQLite's ends at the first) nor exceed 4 GiB.

use crate::token::{Token, TokenKind, keyword};

const SPACE: u8 = 1;
const IDENTIFIER: u8 = 2;
const DIGIT: u8 = 4;
const HEX: u8 = 8;

static CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut b = 0usize;
    while b < 256 {
        let c = b as u8;
        if matches!(c, b' ' | b'\t' | b'\n' | 0x0c | b'\r') {
            table[b] |= SPACE;
        }
        if c.is_ascii_alphanumeric() || c == b'_' || c == b'$' || c >= 0x80 {
            table[b] |= IDENTIFIER;
        }
        if c.is_ascii_digit() {
            table[b] |= DIGIT;
        }
        if c.is_ascii_hexdigit() {
            table[b] |= HEX;
        }
        b += 1;
    }
    table
};

#[inline(always)]
fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

/// The byte at `i`; 0 behind the end, which belongs to no class.
#[inline(always)]
fn at(sql: &[u8], i: usize) -> u8 {
    sql.get(i).copied().unwrap_or(0)
}

fn skip(sql: &[u8], mut i: usize, class: u8) -> usize {
    while is(at(sql, i), class) {
        i += 1;
    }
    i
}

/// The first byte at or behind `pos` that belongs to a token.
#[inline]
pub(crate) fn skip_blanks(sql: &[u8], mut i: usize) -> usize {
    loop {
        match at(sql, i) {
            b' ' | b'\t' | b'\n' | 0x0c | b'\r' => i += 1,
            b'-' if at(sql, i + 1) == b'-' => {
                i += 2;
                while i < sql.len() && sql[i] != b'\n' {
                    i += 1;
                }
            }
            // SQLite reads an opening `/*` at the very end as a division sign.
            b'/' if at(sql, i + 1) == b'*' && i + 2 < sql.len() => {
                i += 2;
                while i < sql.len() && !(sql[i] == b'*' && at(sql, i + 1) == b'/') {
                    i += 1;
                }
                i = (i + 2).min(sql.len());
            }
            0xEF if at(sql, i + 1) == 0xBB && at(sql, i + 2) == 0xBF => i += 3,
            _ => return i,
        }
    }
}

/// The first token at or behind `pos`.
#[inline]
pub(crate) fn next_token(sql: &[u8], pos: u32) -> Token {
    use TokenKind::*;
    let i = skip_blanks(sql, pos as usize);
    let (kind, end) = match at(sql, i) {
        b'x' | b'X' if at(sql, i + 1) == b'\'' => blob(sql, i),
        c if c.is_ascii_alphabetic() || c == b'_' || c >= 0x80 => {
            let end = skip(sql, i + 1, IDENTIFIER);
            (keyword(&sql[i..end]).unwrap_or(Identifier), end)
        }
        b'0'..=b'9' => number(sql, i),
        b'.' if is(at(sql, i + 1), DIGIT) => number(sql, i),
        b'\'' => quoted(sql, i, b'\'', String),
        b'"' => quoted(sql, i, b'"', QuotedIdentifier),
        b'`' => quoted(sql, i, b'`', QuotedIdentifier),
        b'[' => match sql[i..].iter().position(|&b| b == b']') {
            Some(n) => (QuotedIdentifier, i + n + 1),
            None => (Illegal, sql.len()),
        },
        b'?' => (Variable, skip(sql, i + 1, DIGIT)),
        b'$' | b'@' | b':' | b'#' => variable(sql, i),
        b';' => (Semicolon, i + 1),
        b'(' => (LeftParen, i + 1),
        b')' => (RightParen, i + 1),
        b',' => (Comma, i + 1),
        b'.' => (Dot, i + 1),
        b'+' => (Plus, i + 1),
        b'*' => (Star, i + 1),
        b'/' => (Slash, i + 1),
        b'%' => (Percent, i + 1),
        b'~' => (Tilde, i + 1),
        b'&' => (Ampersand, i + 1),
        b'-' => match (at(sql, i + 1), at(sql, i + 2)) {
            (b'>', b'>') => (DoubleArrow, i + 3),
            (b'>', _) => (Arrow, i + 2),
            _ => (Minus, i + 1),
        },
        b'=' => (Equal, i + 1 + usize::from(at(sql, i + 1) == b'=')),
        b'<' => match at(sql, i + 1) {
            b'=' => (LessEqual, i + 2),
            b'>' => (NotEqual, i + 2),
            b'<' => (ShiftLeft, i + 2),
            _ => (Less, i + 1),
        },
        b'>' => match at(sql, i + 1) {
            b'=' => (GreaterEqual, i + 2),
            b'>' => (ShiftRight, i + 2),
            _ => (Greater, i + 1),
        },
        b'!' if at(sql, i + 1) == b'=' => (NotEqual, i + 2),
        b'|' if at(sql, i + 1) == b'|' => (Concat, i + 2),
        b'|' => (Pipe, i + 1),
        _ if i >= sql.len() => (Eof, i),
        _ => (Illegal, i + 1),
    };
    Token { kind, start: i as u32, end: end as u32 }
}

fn quoted(sql: &[u8], start: usize, quote: u8, kind: TokenKind) -> (TokenKind, usize) {
    let mut i = start + 1;
    while i < sql.len() {
        if sql[i] == quote {
            if at(sql, i + 1) != quote {
                return (kind, i + 1);
            }
            i += 1;
        }
        i += 1;
    }
    (TokenKind::Illegal, sql.len())
}

fn blob(sql: &[u8], start: usize) -> (TokenKind, usize) {
    let digits = start + 2;
    let end = skip(sql, digits, HEX);
    if at(sql, end) == b'\'' && (end - digits).is_multiple_of(2) {
        return (TokenKind::Blob, end + 1);
    }
    // A bad blob is reported up to its closing quote.
    let close = sql[end..].iter().position(|&b| b == b'\'').map_or(sql.len(), |n| end + n + 1);
    (TokenKind::Illegal, close)
}

/// Digits and `_`; notes whether there was a `_`.
fn digits(sql: &[u8], mut i: usize, class: u8, separated: &mut bool) -> usize {
    loop {
        let b = at(sql, i);
        if b == b'_' {
            *separated = true;
        } else if !is(b, class) {
            return i;
        }
        i += 1;
    }
}

fn number(sql: &[u8], start: usize) -> (TokenKind, usize) {
    let mut kind = TokenKind::Integer;
    let mut separated = false;
    let mut i;
    if sql[start] == b'0' && matches!(at(sql, start + 1), b'x' | b'X') && is(at(sql, start + 2), HEX) {
        kind = TokenKind::HexInteger;
        i = digits(sql, start + 3, HEX, &mut separated);
    } else {
        i = digits(sql, start, DIGIT, &mut separated);
        if at(sql, i) == b'.' {
            kind = TokenKind::Float;
            i = digits(sql, i + 1, DIGIT, &mut separated);
        }
        if matches!(at(sql, i), b'e' | b'E') {
            let sign = usize::from(matches!(at(sql, i + 1), b'+' | b'-'));
            if is(at(sql, i + 1 + sign), DIGIT) {
                kind = TokenKind::Float;
                i = digits(sql, i + 2 + sign, DIGIT, &mut separated);
            }
        }
    }
    if is(at(sql, i), IDENTIFIER) {
        return (TokenKind::Illegal, skip(sql, i, IDENTIFIER));
    }
    if separated {
        let class = if kind == TokenKind::HexInteger { HEX } else { DIGIT };
        let text = &sql[start..i];
        for (n, &b) in text.iter().enumerate() {
            if b == b'_' && !(n > 0 && is(text[n - 1], class) && is(at(text, n + 1), class)) {
                return (TokenKind::BadSeparator, i);
            }
        }
    }
    (kind, i)
}

/// `$name`, `@name`, `:name`, `#name`; the name may hold `::` and end in `(...)`, as in Tcl.
fn variable(sql: &[u8], start: usize) -> (TokenKind, usize) {
    let mut i = start + 1;
    let mut named = false;
    loop {
        let b = at(sql, i);
        if is(b, IDENTIFIER) {
            named = true;
            i += 1;
        } else if b == b'(' && named {
            i += 1;
            while i < sql.len() && !is(sql[i], SPACE) && sql[i] != b')' {
                i += 1;
            }
            return if at(sql, i) == b')' { (TokenKind::Variable, i + 1) } else { (TokenKind::Illegal, i) };
        } else if b == b':' && at(sql, i + 1) == b':' {
            i += 2;
        } else {
            return (if named { TokenKind::Variable } else { TokenKind::Illegal }, i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let mut printed = std::string::String::new();
        let mut pos = 0;
        loop {
            let token = next_token(sql.as_bytes(), pos);
            if token.kind == TokenKind::Eof {
                break;
            }
            let text = std::string::String::from_utf8_lossy(&sql.as_bytes()[token.start as usize..token.end as usize]);
            if !printed.is_empty() {
                printed.push(' ');
            }
            printed.push_str(&format!("{:?}<{text}>", token.kind));
            pos = token.end;
        }
        assert_eq!(printed, expected, "{sql}");
    }

    #[test]
    fn numbers() {
        check("1 1.5 .5 1. 1e5 1.e-5", "Integer<1> Float<1.5> Float<.5> Float<1.> Float<1e5> Float<1.e-5>");
        check(
            "0x1F 0X_1 0x 1a 1e 1.5e+",
            "HexInteger<0x1F> Illegal<0X_1> Illegal<0x> Illegal<1a> Illegal<1e> Illegal<1.5e> Plus<+>",
        );
        check(
            "1_000 1__0 1_ 1._5 1_.5 0x1_f",
            "Integer<1_000> BadSeparator<1__0> BadSeparator<1_> BadSeparator<1._5> BadSeparator<1_.5> HexInteger<0x1_f>",
        );
    }

    #[test]
    fn quotes() {
        check(
            "'a''b' \"a\"\"b\" [a] `b`",
            "String<'a''b'> QuotedIdentifier<\"a\"\"b\"> QuotedIdentifier<[a]> QuotedIdentifier<`b`>",
        );
        check("'abc", "Illegal<'abc>");
        check("x'AB' X'' x'a' x'zz' x'12", "Blob<x'AB'> Blob<X''> Illegal<x'a'> Illegal<x'zz'> Illegal<x'12>");
    }

    #[test]
    fn parameters() {
        check(
            "? ?12 :a @b $c::d(e) #f",
            "Variable<?> Variable<?12> Variable<:a> Variable<@b> Variable<$c::d(e)> Variable<#f>",
        );
        check("$ $a(b c", "Illegal<$> Illegal<$a(b> Identifier<c>");
    }

    #[test]
    fn comments_and_blanks() {
        check("\u{feff}a--b\nc/*d*/e/*f", "Identifier<a> Identifier<c> Identifier<e>");
        check("a/*", "Identifier<a> Slash</> Star<*>");
        check(
            "->->>-<=<>==!=||",
            "Arrow<->> DoubleArrow<->>> Minus<-> LessEqual<<=> NotEqual<<>> Equal<==> NotEqual<!=> Concat<||>",
        );
    }
}
