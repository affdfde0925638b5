//! JSON text to JSONB: RFC 8259, and the extensions of JSON5.

use super::blob::{MAX_DEPTH, kind, wrap, write_element};
use crate::text::{before_nul, hex_digit};
use turso_value::encoding::read_char;

/// A parsed text.
pub(super) struct Parsed {
    pub blob: Vec<u8>,
    /// Something of JSON5 occurs that RFC 8259 does not have.
    pub extended: bool,
}

/// Parses a whole text (up to its first NUL); or the byte offset of the error.
pub(super) fn parse(text: &[u8]) -> Result<Parsed, usize> {
    let text = before_nul(text);
    let mut parser = Parser { text, at: 0, out: Vec::with_capacity(text.len() + 8), extended: false, mark: 0 };
    parser.skip_space();
    if parser.at == text.len() {
        return Err(0);
    }
    parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        // SQLite reports what follows a complete value at the last oddity before it, or at the start.
        return Err(parser.mark);
    }
    Ok(Parsed { blob: parser.out, extended: parser.extended })
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    extended: bool,
    /// The last place with an early closing bracket, a bare label, or JSON5 space before a delimiter.
    mark: usize,
}

impl Parser<'_> {
    #[inline]
    fn peek(&self) -> u8 {
        // There is no NUL in the text, so it can stand for the end.
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// White space; in JSON5 also comments and the Unicode kinds of space.
    fn skip_space(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                0x0b | 0x0c => {
                    self.extended = true;
                    self.at += 1;
                }
                b'/' | 0xc2 | 0xe1 | 0xe2 | 0xe3 | 0xef => {
                    let len = extended_space(&self.text[self.at..]);
                    if len == 0 {
                        return;
                    }
                    self.extended = true;
                    self.at += len;
                }
                _ => return,
            }
        }
    }

    /// Skips space before a delimiter; where the first space of JSON5 was, or the delimiter itself. (Error positions.)
    fn skip_to_delimiter(&mut self) -> usize {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let before = self.at;
        if !matches!(self.peek(), b',' | b':' | b']' | b'}') {
            self.skip_space();
            if self.at > before && matches!(self.peek(), b',' | b':' | b']' | b'}') {
                self.mark = self.at;
            }
        }
        before
    }

    fn value(&mut self, depth: usize) -> Result<(), usize> {
        match self.peek() {
            b'{' | b'[' if depth >= MAX_DEPTH => Err(self.at),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            quote @ (b'"' | b'\'') => self.string(quote),
            b'-' | b'+' | b'.' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), usize> {
        let start = self.out.len();
        self.at += 1;
        let mut count = 0usize;
        loop {
            self.skip_space();
            if self.peek() == b'}' {
                self.mark = self.at;
                self.extended |= count > 0;
                break;
            }
            match self.peek() {
                quote @ (b'"' | b'\'') => self.string(quote)?,
                _ => self.identifier()?,
            }
            let before = self.skip_to_delimiter();
            if self.peek() != b':' {
                return Err(before);
            }
            self.at += 1;
            self.skip_space();
            self.value(depth + 1)?;
            count += 1;
            let before = self.skip_to_delimiter();
            match self.peek() {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(before),
            }
        }
        self.at += 1;
        wrap(kind::OBJECT, start, &mut self.out);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), usize> {
        let start = self.out.len();
        self.at += 1;
        let mut count = 0usize;
        loop {
            self.skip_space();
            if self.peek() == b']' {
                self.mark = self.at;
                self.extended |= count > 0;
                break;
            }
            self.value(depth + 1)?;
            count += 1;
            let before = self.skip_to_delimiter();
            match self.peek() {
                b',' => self.at += 1,
                b']' => break,
                _ => return Err(before),
            }
        }
        self.at += 1;
        wrap(kind::ARRAY, start, &mut self.out);
        Ok(())
    }

    /// A label without quotes.
    fn identifier(&mut self) -> Result<(), usize> {
        let start = self.at;
        let mut kind = kind::TEXT;
        loop {
            match self.peek() {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.at += 1,
                0x80.. if extended_space(&self.text[self.at..]) == 0 => self.at += 1,
                b'0'..=b'9' if self.at > start => self.at += 1,
                b'\\' if is_unicode_escape(&self.text[self.at..]) => {
                    kind = kind::TEXTJ;
                    self.at += 6;
                }
                _ => break,
            }
        }
        if self.at == start {
            return Err(self.at);
        }
        self.extended = true;
        self.mark = start;
        write_element(kind, &self.text[start..self.at], &mut self.out);
        Ok(())
    }

    fn string(&mut self, quote: u8) -> Result<(), usize> {
        let start = self.at + 1;
        let mut kind = kind::TEXT;
        if quote == b'\'' {
            self.extended = true;
        }
        let mut at = start;
        loop {
            match self.text.get(at).copied().unwrap_or(0) {
                0 => return Err(at),
                b if b == quote => break,
                b'\\' => {
                    let after = &self.text[at + 1..];
                    match after.first() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            kind = kind.max(kind::TEXTJ);
                            at += 2;
                        }
                        Some(b'u') if is_unicode_escape(&self.text[at..]) => {
                            kind = kind.max(kind::TEXTJ);
                            at += 6;
                        }
                        _ => {
                            let len = extended_escape(after);
                            if len == 0 {
                                return Err(at + 1);
                            }
                            kind = kind::TEXT5;
                            self.extended = true;
                            at += 1 + len;
                        }
                    }
                }
                b'"' => {
                    // Within single quotes; JSON needs it escaped.
                    kind = kind::TEXT5;
                    at += 1;
                }
                0x01..=0x1f => {
                    kind = kind::TEXT5;
                    self.extended = true;
                    at += 1;
                }
                _ => at += 1,
            }
        }
        write_element(kind, &self.text[start..at], &mut self.out);
        self.at = at + 1;
        Ok(())
    }

    fn number(&mut self) -> Result<(), usize> {
        let mut start = self.at;
        let mut at = start;
        let byte = |at: usize| self.text.get(at).copied().unwrap_or(0);
        let mut extended = false;
        match byte(at) {
            b'+' => {
                // JSONB has no plus sign.
                extended = true;
                at += 1;
                start += 1;
            }
            b'-' => at += 1,
            _ => {}
        }
        if let Some(len) = infinity(&self.text[at..]) {
            let text: &[u8] = if self.text[self.at] == b'-' { b"-9e999" } else { b"9e999" };
            self.extended = true;
            write_element(kind::FLOAT, text, &mut self.out);
            self.at = at + len;
            return Ok(());
        }
        if byte(at) == b'0' && matches!(byte(at + 1), b'x' | b'X') && byte(at + 2).is_ascii_hexdigit() {
            at += 2;
            while byte(at).is_ascii_hexdigit() {
                at += 1;
            }
            self.extended = true;
            write_element(kind::INT5, &self.text[start..at], &mut self.out);
            self.at = at;
            return Ok(());
        }
        let digits = |at: &mut usize| {
            let from = *at;
            while byte(*at).is_ascii_digit() {
                *at += 1;
            }
            *at - from
        };
        let whole_at = at;
        let whole = digits(&mut at);
        let signed = whole_at > self.at;
        if whole > 1 && byte(whole_at) == b'0' {
            return Err(if signed { whole_at } else { whole_at + 1 });
        }
        let mut kind = kind::INT;
        if byte(at) == b'.' {
            at += 1;
            let fraction = digits(&mut at);
            if whole == 0 && fraction == 0 {
                return Err(if signed { at } else { self.at });
            }
            kind = if whole == 0 || fraction == 0 { kind::FLOAT5 } else { kind::FLOAT };
            extended |= kind == kind::FLOAT5;
        } else if whole == 0 {
            return Err(self.at);
        }
        if matches!(byte(at), b'e' | b'E') {
            // The last character that could have been of a number.
            let mut last = at;
            at += 1;
            if matches!(byte(at), b'+' | b'-') {
                last = at;
                at += 1;
            }
            if digits(&mut at) == 0 {
                return Err(last);
            }
            kind = kind.max(kind::FLOAT);
        }
        if matches!(byte(at), b'.' | b'e' | b'E') {
            return Err(at);
        }
        self.extended |= extended;
        write_element(kind, &self.text[start..at], &mut self.out);
        self.at = at;
        Ok(())
    }

    /// A literal, or one of the names of JSON5 for numbers that are none.
    fn word(&mut self) -> Result<(), usize> {
        let rest = &self.text[self.at..];
        let ends = |len: usize| !rest.get(len).is_some_and(u8::is_ascii_alphanumeric);
        for (word, kind) in [(&b"null"[..], kind::NULL), (b"true", kind::TRUE), (b"false", kind::FALSE)] {
            if rest.starts_with(word) && ends(word.len()) {
                self.out.push(kind);
                self.at += word.len();
                return Ok(());
            }
        }
        if let Some(len) = infinity(rest) {
            self.extended = true;
            write_element(kind::FLOAT, b"9e999", &mut self.out);
            self.at += len;
            return Ok(());
        }
        for word in [&b"nan"[..], b"qnan", b"snan"] {
            if rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word)) && ends(word.len()) {
                self.extended = true;
                self.out.push(kind::NULL);
                self.at += word.len();
                return Ok(());
            }
        }
        Err(self.at)
    }
}

/// The length of `inf` or `infinity` in any letter case.
fn infinity(text: &[u8]) -> Option<usize> {
    [&b"infinity"[..], b"inf"].into_iter().find_map(|word| {
        let found = text.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
        (found && !text.get(word.len()).is_some_and(u8::is_ascii_alphanumeric)).then_some(word.len())
    })
}

/// `\uXXXX`
fn is_unicode_escape(text: &[u8]) -> bool {
    text.get(1) == Some(&b'u') && text.get(2..6).is_some_and(|digits| digits.iter().all(|&d| hex_digit(d).is_some()))
}

/// The length, without the backslash, of an escape that only JSON5 has; 0 where there is none.
fn extended_escape(after: &[u8]) -> usize {
    match after {
        [b'\'' | b'v' | b'\n', ..] => 1,
        [b'0', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_digit) => 1,
        [b'x', a, b, ..] if hex_digit(*a).is_some() && hex_digit(*b).is_some() => 3,
        [b'\r', b'\n', ..] => 2,
        [b'\r', ..] => 1,
        // Line separator and paragraph separator.
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}

/// The length of a comment or of a space outside ASCII; 0 where there is none.
fn extended_space(text: &[u8]) -> usize {
    match text {
        [b'/', b'*', rest @ ..] => match rest.windows(2).position(|w| w == b"*/") {
            Some(at) => at + 4,
            None => 0,
        },
        [b'/', b'/', rest @ ..] => {
            let mut len = 0;
            while len < rest.len() {
                match &rest[len..] {
                    [b'\n' | b'\r', ..] => break,
                    [0xe2, 0x80, 0xa8 | 0xa9, ..] => break,
                    _ => len += 1,
                }
            }
            2 + len
        }
        _ => {
            let (code, len) = read_char(text);
            match code {
                0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000 | 0xfeff => len,
                _ => 0,
            }
        }
    }
}
