//! Comparing and matching texts, and looking at SQL without a connection.

use std::ffi::{c_char, c_int, c_void};
use std::sync::LazyLock;

use turso_functions::pattern::{LikeOptions, glob, like};

use crate::boundary::{Out, Text, bytes_at, entry};
use crate::codes::{EMPTY, ERROR, MISUSE, NOMEM, OK};
use crate::utf16;

/// The difference of the first bytes that differ, letters of ASCII in either case alike; behind the end stands a NUL.
fn compare(a: &[u8], b: &[u8]) -> c_int {
    let byte = |text: &[u8], at: usize| c_int::from(text.get(at).map_or(0, u8::to_ascii_lowercase));
    (0..a.len().max(b.len())).map(|at| byte(a, at) - byte(b, at)).find(|&difference| difference != 0).unwrap_or(0)
}

/// NULL comes before every text.
fn compare_or_null(a: Option<&[u8]>, b: Option<&[u8]>) -> c_int {
    match (a, b) {
        (None, None) => 0,
        (None, Some(_)) => -1,
        (Some(_), None) => 1,
        (Some(a), Some(b)) => compare(a, b),
    }
}

/// Where a text stands between statements (SQLite documentation, `sqlite3_complete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing yet.
    Nothing,
    /// Behind a semicolon that ends a statement.
    Complete,
    /// Within a statement that is no trigger.
    Normal,
    /// Behind EXPLAIN at the beginning.
    Explain,
    /// Behind CREATE, with TEMP perhaps.
    Create,
    /// Within CREATE TRIGGER.
    Trigger,
    /// Behind a semicolon within a trigger.
    Semicolon,
    /// Behind `; END` within a trigger.
    End,
}

/// A token as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Semicolon,
    Other,
    Explain,
    Create,
    Temporary,
    Trigger,
    End,
}

impl Place {
    fn after(self, word: Word) -> Self {
        use Place::{Complete, Create, End, Explain, Normal, Nothing, Semicolon, Trigger};
        match (self, word) {
            (Nothing | Complete | Normal | Explain | Create, Word::Semicolon) => Complete,
            (Nothing | Complete, Word::Explain) => Explain,
            (Nothing | Complete | Explain, Word::Create) => Create,
            (Explain, Word::Other) => Explain,
            (Create, Word::Temporary) => Create,
            (Create, Word::Trigger) => Trigger,
            (Nothing | Complete | Normal | Explain | Create, _) => Normal,
            (Trigger | Semicolon, Word::Semicolon) => Semicolon,
            (Semicolon, Word::End) => End,
            (End, Word::Semicolon) => Complete,
            (Trigger | Semicolon | End, _) => Trigger,
        }
    }
}

/// Where the tokens of a text lead.
struct Ending {
    place: Place,
    /// What the token or comment that it ends within begins with (`]`: a name in brackets).
    unfinished: Option<u8>,
    /// Parentheses of the last statement that are not closed; below zero: that were not opened.
    balance: i32,
}

/// Goes through the tokens of a text.
fn ending_of(sql: &[u8]) -> Ending {
    let mut ending = Ending { place: Place::Nothing, unfinished: None, balance: 0 };
    let mut at = 0;
    while let Some(&byte) = sql.get(at) {
        let rest = &sql[at..];
        let find = |what: &[u8], from: usize| {
            rest.get(from..)?
                .windows(what.len())
                .position(|window| window == what)
                .map(|found| from + found + what.len())
        };
        // Where the token ends, and what it would end with.
        let (end, close, word) = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => (Some(1), byte, None),
            b'/' if rest.starts_with(b"/*") => (find(b"*/", 2), b'/', None),
            b'-' if rest.starts_with(b"--") => (find(b"\n", 2), b'-', None),
            b'[' => (find(b"]", 1), b']', Some(Word::Other)),
            b'\'' | b'"' | b'`' => (find(&[byte], 1), byte, Some(Word::Other)),
            _ if is_identifier(byte) => {
                let length = rest.iter().position(|&b| !is_identifier(b)).unwrap_or(rest.len());
                let word = match rest[..length].to_ascii_lowercase().as_slice() {
                    b"create" => Word::Create,
                    b"trigger" => Word::Trigger,
                    b"temp" | b"temporary" => Word::Temporary,
                    b"end" => Word::End,
                    b"explain" => Word::Explain,
                    _ => Word::Other,
                };
                (Some(length), byte, Some(word))
            }
            b';' => (Some(1), byte, Some(Word::Semicolon)),
            _ => {
                ending.balance += i32::from(byte == b'(') - i32::from(byte == b')');
                (Some(1), byte, Some(Word::Other))
            }
        };
        let Some(end) = end else {
            ending.unfinished = Some(close);
            break;
        };
        at += end;
        if let Some(word) = word {
            ending.place = ending.place.after(word);
            if ending.place == Place::Complete {
                ending.balance = 0;
            }
        }
    }
    ending
}

impl Ending {
    /// A comment has to end, too, with its line.
    fn is_complete(&self) -> bool {
        self.place == Place::Complete && self.unfinished.is_none()
    }

    /// The answer of `sqlite3_incomplete`.
    ///
    /// | bits | meaning |
    /// |---:|---|
    /// | 0..8 | `SQLITE_OK`, `SQLITE_EMPTY` (blanks and comments only), `SQLITE_ERROR` |
    /// | 8..16 | lacks 1: `;`, 2: `END;`, 3: `; END;` |
    /// | 16..32 | what ends the token or comment that has no end |
    /// | 32..64 | parentheses to be closed, signed |
    fn lacks(&self) -> i64 {
        let status = match (self.place, self.unfinished) {
            (Place::Complete, None) => OK,
            (Place::Nothing, None) => EMPTY,
            _ => ERROR,
        };
        let end = match self.place {
            Place::Nothing | Place::Complete => 0,
            Place::Normal | Place::Explain | Place::Create | Place::End => 1,
            Place::Semicolon => 2,
            Place::Trigger => 3,
        };
        i64::from(self.balance) << 32 | i64::from(self.unfinished.unwrap_or(0)) << 16 | end << 8 | i64::from(status)
    }
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn is_complete(sql: &[u8]) -> bool {
    ending_of(sql).is_complete()
}

/// All keywords in alphabetical order.
static KEYWORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut words: Vec<&'static str> = turso_core::parser::keywords().collect();
    words.sort_unstable();
    words
});

entry! {
    /// Compares, letters of ASCII in either case alike.
    fn sqlite3_stricmp(a: Text, b: Text) -> c_int | 0; { compare_or_null(a.bytes(), b.bytes()) }

    /// Compares the first bytes, letters of ASCII in either case alike.
    fn sqlite3_strnicmp(a: Text, b: Text, length: i32) -> c_int | 0; {
        compare_or_null(a.up_to(length.max(0)), b.up_to(length.max(0)))
    }

    /// 0 when the text matches the pattern of GLOB.
    fn sqlite3_strglob(pattern: Text, text: Text) -> c_int | 1; {
        match (pattern.bytes(), text.bytes()) {
            (Some(pattern), Some(text)) => (!glob(pattern, text)).into(),
            (pattern, text) => (pattern.is_some() || text.is_some()).into(),
        }
    }

    /// 0 when the text matches the pattern of LIKE.
    fn sqlite3_strlike(pattern: Text, text: Text, escape: u32) -> c_int | 1; {
        let options = LikeOptions { escape: (escape != 0).then_some(escape), case_sensitive: false };
        match (pattern.bytes(), text.bytes()) {
            (Some(pattern), Some(text)) => (!like(pattern, text, options)).into(),
            (pattern, text) => (pattern.is_some() || text.is_some()).into(),
        }
    }

    /// The text ends with a complete statement.
    fn sqlite3_complete(sql: Text) -> c_int | 0; { is_complete(sql.bytes().unwrap_or_default()).into() }

    /// The text ends with a complete statement.
    fn sqlite3_complete16(sql: *const c_void) -> c_int | NOMEM; {
        let bytes = utf16::bytes(sql, -1, true).unwrap_or_default();
        is_complete(&utf16::decode(bytes, utf16::NATIVE)).into()
    }

    /// 0 when the text ends with a complete statement, else what is missing.
    fn sqlite3_incomplete(sql: Text) -> i64 | i64::from(ERROR); {
        sql.bytes().map_or(i64::from(MISUSE), |sql| ending_of(sql).lacks())
    }

    /// Number of keywords.
    fn sqlite3_keyword_count() -> c_int | 0; { KEYWORDS.len() as c_int }

    /// A keyword by number, without a NUL behind.
    fn sqlite3_keyword_name(index: i32, name: Out<*const c_char>, length: Out<c_int>) -> c_int | ERROR; {
        match usize::try_from(index).ok().and_then(|index| KEYWORDS.get(index)) {
            Some(word) => {
                name.set(word.as_ptr().cast());
                length.set(word.len() as c_int);
                OK
            }
            None => ERROR,
        }
    }

    /// The text is a keyword.
    fn sqlite3_keyword_check(name: *const c_char, length: i32) -> c_int | 0; {
        let name = bytes_at(name.cast(), usize::try_from(length).unwrap_or(0));
        KEYWORDS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(name)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_statements() {
        for (text, complete) in [
            ("", false),
            ("SELECT 1", false),
            ("SELECT 1;", true),
            ("SELECT 1; -- x", false),
            ("SELECT 1; -- x\n", true),
            ("SELECT ';", false),
            ("SELECT ';';", true),
            ("SELECT 1; /* ", false),
            ("CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1;", false),
            ("CREATE TEMP TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END;", true),
            ("EXPLAIN CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END", false),
            ("CREATE TABLE end(x);", true),
            ("[a;", false),
        ] {
            assert_eq!(is_complete(text.as_bytes()), complete, "{text}");
        }
    }

    #[test]
    fn what_incomplete_texts_lack() {
        for (text, lacks) in [
            ("", 0x10),
            ("   ", 0x10),
            ("-- x\n", 0x10),
            ("-- x", 0x2d_0001),
            ("/* x", 0x2f_0001),
            ("'abc", 0x27_0001),
            ("\"abc", 0x22_0001),
            ("`abc", 0x60_0001),
            ("[abc", 0x5d_0001),
            ("select [", 0x5d_0101),
            (";", 0),
            ("( ;", 0),
            ("select (1;", 0),
            ("select 1; -- x", 0x2d_0001),
            ("select 1; select", 0x101),
            ("select ('a", 0x1_0027_0101),
            ("select ((", 0x2_0000_0101),
            ("select 1)", -0xffff_feff),
            ("explain", 0x101),
            ("create trigger", 0x301),
            ("create trigger x begin select 1;", 0x201),
            ("create trigger x begin select (1;", 0x1_0000_0201),
            ("create trigger x begin select 1; en", 0x301),
            ("create trigger x begin select 1; end", 0x101),
            ("create trigger x begin select 1; end;", 0),
            ("create trigger x begin select 3 /*", 0x2f_0301),
        ] {
            assert_eq!(ending_of(text.as_bytes()).lacks(), lacks, "{text}");
        }
    }

    #[test]
    fn texts_compare_without_case() {
        assert_eq!(compare(b"abC", b"ABc"), 0);
        assert!(compare(b"ab", b"abc") < 0);
        assert!(compare(b"b", b"A") > 0);
    }
}
