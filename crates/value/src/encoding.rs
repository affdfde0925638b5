//! Text encodings: UTF-8 in memory, UTF-8 or UTF-16 in the file.
//!
//! In memory a lone UTF-16 surrogate is kept as its three-byte pattern (WTF-8), so what was read from a UTF-16 database is
//! written back exactly. Other malformed UTF-8 becomes U+FFFD when it must be written as UTF-16, as in SQLite.

/// The encoding of a database, header offset 56.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[repr(u8)]
pub enum TextEncoding {
    /// UTF-8
    #[default]
    Utf8 = 1,
    /// UTF-16, least significant byte first
    Utf16Le = 2,
    /// UTF-16, most significant byte first
    Utf16Be = 3,
}

impl TextEncoding {
    /// From the header field; 0 (a file never written) is UTF-8.
    pub fn from_header(code: u32) -> Option<Self> {
        match code {
            0 | 1 => Some(TextEncoding::Utf8),
            2 => Some(TextEncoding::Utf16Le),
            3 => Some(TextEncoding::Utf16Be),
            _ => None,
        }
    }

    /// What `PRAGMA encoding` answers.
    pub const fn name(self) -> &'static str {
        match self {
            TextEncoding::Utf8 => "UTF-8",
            TextEncoding::Utf16Le => "UTF-16le",
            TextEncoding::Utf16Be => "UTF-16be",
        }
    }

    /// Appends the in-memory form of text stored in this encoding.
    pub fn decode(self, stored: &[u8], out: &mut Vec<u8>) {
        match self {
            TextEncoding::Utf8 => out.extend_from_slice(stored),
            TextEncoding::Utf16Le => decode_utf16(stored, u16::from_le_bytes, out),
            TextEncoding::Utf16Be => decode_utf16(stored, u16::from_be_bytes, out),
        }
    }

    /// Appends the stored form of in-memory text.
    pub fn encode(self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            TextEncoding::Utf8 => out.extend_from_slice(text),
            TextEncoding::Utf16Le => encode_utf16(text, |unit| out.extend_from_slice(&unit.to_le_bytes())),
            TextEncoding::Utf16Be => encode_utf16(text, |unit| out.extend_from_slice(&unit.to_be_bytes())),
        }
    }

    /// The length in bytes of in-memory text once stored.
    pub fn encoded_len(self, text: &[u8]) -> usize {
        if self == TextEncoding::Utf8 {
            return text.len();
        }
        let mut units = 0usize;
        encode_utf16(text, |_| units += 1);
        units * 2
    }

    /// BINARY order of two in-memory texts in a database of this encoding: memcmp of the stored forms.
    pub fn compare_binary(self, a: &[u8], b: &[u8]) -> std::cmp::Ordering {
        if self == TextEncoding::Utf8 {
            return a.cmp(b);
        }
        // Common prefixes decide nothing; skip them, but start at a character.
        let (mut x, mut y) = (Vec::new(), Vec::new());
        self.encode(a, &mut x);
        self.encode(b, &mut y);
        x.cmp(&y)
    }
}

fn decode_utf16(stored: &[u8], unit: fn([u8; 2]) -> u16, out: &mut Vec<u8>) {
    out.reserve(stored.len() / 2);
    // An odd last byte is no character; SQLite drops it too.
    let mut units = stored.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).peekable();
    while let Some(first) = units.next() {
        let mut code = u32::from(first);
        if (0xd800..0xdc00).contains(&first)
            && let Some(&second) = units.peek()
            && (0xdc00..0xe000).contains(&second)
        {
            units.next();
            code = 0x10000 + ((u32::from(first) - 0xd800) << 10) + (u32::from(second) - 0xdc00);
        }
        write_char(code, out);
    }
}

fn encode_utf16(text: &[u8], mut put: impl FnMut(u16)) {
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if first < 0x80 {
            put(u16::from(first));
            rest = tail;
            continue;
        }
        // A surrogate in its three-byte pattern goes back to the unit it came from.
        if let [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, tail @ ..] = rest {
            put(0xd000 | (u16::from(*b & 0x3f) << 6) | u16::from(*c & 0x3f));
            rest = tail;
            continue;
        }
        let (code, len) = read_char(rest);
        rest = &rest[len..];
        if code < 0x10000 {
            put(code as u16);
        } else {
            // Malformed UTF-8 can stand for more than Unicode has; SQLite keeps the low bits.
            put(0xd800 | ((code - 0x10000) >> 10 & 0x3ff) as u16);
            put(0xdc00 | (code & 0x3ff) as u16);
        }
    }
}

/// Reads one character as leniently as SQLite: the code point and the number of bytes used (at least 1).
///
/// A byte of 0x80..=0xbf in first place stands for itself. After a lead byte any number of continuation bytes is taken.
/// Overlong forms of ASCII and surrogates read as U+FFFD. `text` must not be empty (answers U+0000, 0).
#[inline]
pub fn read_char(text: &[u8]) -> (u32, usize) {
    let Some(&first) = text.first() else {
        return (0, 0);
    };
    if first < 0xc0 {
        return (u32::from(first), 1);
    }
    let mut code = match first {
        0xc0..=0xdf => u32::from(first & 0x1f),
        0xe0..=0xef => u32::from(first & 0x0f),
        0xf0..=0xf7 => u32::from(first & 0x07),
        0xf8..=0xfb => u32::from(first & 0x03),
        0xfc..=0xfd => u32::from(first & 0x01),
        _ => 0,
    };
    let mut len = 1;
    while let Some(&b) = text.get(len)
        && b & 0xc0 == 0x80
    {
        code = (code << 6).wrapping_add(u32::from(b & 0x3f));
        len += 1;
    }
    if code < 0x80 || code & 0xffff_f800 == 0xd800 {
        code = 0xfffd;
    }
    (code, len)
}

/// The number of bytes of the first character, counted as [`read_char`] does; 0 for empty text.
#[inline]
pub fn char_len(text: &[u8]) -> usize {
    let Some(&first) = text.first() else { return 0 };
    let mut len = 1;
    if first >= 0xc0 {
        while let Some(&b) = text.get(len)
            && b & 0xc0 == 0x80
        {
            len += 1;
        }
    }
    len
}

/// Appends a code point as UTF-8; surrogates are written in their three-byte pattern.
#[inline]
pub fn write_char(code: u32, out: &mut Vec<u8>) {
    match code {
        0..=0x7f => out.push(code as u8),
        0x80..=0x7ff => out.extend_from_slice(&[0xc0 | (code >> 6) as u8, 0x80 | (code & 0x3f) as u8]),
        0x800..=0xffff => out.extend_from_slice(&[
            0xe0 | (code >> 12) as u8,
            0x80 | ((code >> 6) & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
        _ => out.extend_from_slice(&[
            0xf0 | ((code >> 18) & 0x07) as u8,
            0x80 | ((code >> 12) & 0x3f) as u8,
            0x80 | ((code >> 6) & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
    }
}

/// The number of characters, as [`read_char`] counts them.
pub fn char_count(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let mut rest = text;
    let mut count = 0;
    while !rest.is_empty() {
        rest = &rest[char_len(rest)..];
        count += 1;
    }
    count
}
