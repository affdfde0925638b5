//! A statement's text without its values, by which runs of one query are known as such.
//!
//! The form is SQLite's: literals and parameters are `?`, a list of values behind IN is `?,?,?` however long it is, keywords are
//! in capital and identifiers in small letters, quoted only where they must be, with no blank that is not needed.

use crate::is_plain_identifier;
use crate::lexer::next_token;
use crate::token::{Token, TokenKind};

/// The normal form of the first statement of `sql`. `is_text` tells whether what stands in double quotes is a text, which
/// only the schema can.
pub fn normalize(sql: &[u8], is_text: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut normal = Normal { out: Vec::with_capacity(sql.len()), values: Vec::new(), depth: 0 };
    let mut before = TokenKind::Eof;
    let mut pos = 0;
    loop {
        let token = next_token(sql, pos);
        if matches!(token.kind, TokenKind::Eof | TokenKind::Semicolon | TokenKind::Illegal) {
            break;
        }
        pos = token.end;
        let text = sql.get(token.start as usize..pos as usize).unwrap_or_default();
        normal.take(token, before, text, is_text);
        before = token.kind;
    }
    normal.out.push(b';');
    normal.out
}

/// A list behind IN that has held nothing but values so far.
struct ValueList {
    /// Where its first value is written.
    start: usize,
    /// How many parentheses are open within it.
    depth: usize,
}

struct Normal {
    out: Vec<u8>,
    values: Vec<ValueList>,
    depth: usize,
}

impl Normal {
    fn take(&mut self, token: Token, before: TokenKind, text: &[u8], is_text: &dyn Fn(&[u8]) -> bool) {
        use TokenKind::*;
        match token.kind {
            Integer | HexInteger | Float | BadSeparator | String | Blob | Variable => self.out.push(b'?'),
            Null if !matches!(before, Is | Not) => self.out.push(b'?'),
            Identifier => {
                self.values.clear();
                self.word(&text.to_ascii_lowercase());
            }
            QuotedIdentifier => self.quoted(text, is_text),
            LeftParen => {
                self.depth += 1;
                self.out.push(b'(');
                if before == In {
                    self.values.push(ValueList { start: self.out.len(), depth: self.depth });
                }
            }
            RightParen => {
                if let Some(list) = self.values.pop_if(|list| list.depth == self.depth) {
                    self.out.truncate(list.start);
                    self.out.extend_from_slice(b"?,?,?");
                }
                self.depth = self.depth.saturating_sub(1);
                self.out.push(b')');
            }
            kind if kind.is_keyword() => {
                if matches!(kind, Select | With | Values) {
                    self.values.clear();
                }
                self.word(&text.to_ascii_uppercase());
            }
            _ => self.out.extend_from_slice(text),
        }
    }

    /// A word, kept apart from one before it.
    fn word(&mut self, word: &[u8]) {
        if self.out.last().is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80) {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(word);
    }

    fn quoted(&mut self, text: &[u8], is_text: &dyn Fn(&[u8]) -> bool) {
        let Some((&quote, rest)) = text.split_first() else { return };
        let inner = rest.strip_suffix(&[if quote == b'[' { b']' } else { quote }]).unwrap_or(rest);
        let mut name = Vec::with_capacity(inner.len());
        let mut doubled = false;
        for &byte in inner {
            doubled = quote != b'[' && byte == quote && !doubled;
            if !doubled {
                name.push(byte);
            }
        }
        if quote == b'"' && is_text(&name) {
            self.out.push(b'?');
            return;
        }
        self.values.clear();
        name.make_ascii_lowercase();
        if std::str::from_utf8(&name).is_ok_and(is_plain_identifier) {
            return self.word(&name);
        }
        self.out.push(b'"');
        for byte in name {
            self.out.push(byte);
            if byte == b'"' {
                self.out.push(b'"');
            }
        }
        self.out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    fn check(sql: &str, expected: &str) {
        let normal = normalize(sql.as_bytes(), &|name| name == b"lit");
        assert_eq!(String::from_utf8(normal).unwrap(), expected, "{sql}");
    }

    #[test]
    fn values_become_question_marks_and_blanks_go() {
        check("SELECT  *  FROM t -- c\n where a = ?1 and b=:x", "SELECT*FROM t WHERE a=?AND b=?;");
        check("select -1, +2, 1.5e3, x'00', null, true, current_time", "SELECT-?,+?,?,?,?,true,CURRENT_TIME;");
        check(
            "select a from t where a is null and b is not null or c = NULL",
            "SELECT a FROM t WHERE a IS NULL AND b IS NOT NULL OR c=?;",
        );
        check("select count(*),Max(a) from t having b>3 limit 5", "SELECT count(*),max(a)FROM t HAVING b>?LIMIT?;");
        check(
            "select a||b,a<>b,a!=b,a==b,a<<2,a->'x' from main . t",
            "SELECT a||b,a<>b,a!=b,a==b,a<<?,a->?FROM main.t;",
        );
        check("select 1; select 2", "SELECT?;");
    }

    #[test]
    fn lists_of_values_have_one_form() {
        check(
            "select a in(1,2), b in (1, a), c in ((1)), d in (), e in (1+2) from t",
            "SELECT a IN(?,?,?),b IN(?,a),c IN(?,?,?),d IN(?,?,?),e IN(?,?,?)FROM t;",
        );
        check(
            "select a from t where a in(select b from t where c in (1,2))",
            "SELECT a FROM t WHERE a IN(SELECT b FROM t WHERE c IN(?,?,?));",
        );
        check("select * from t where (a,b) in ((1,2),(3,4))", "SELECT*FROM t WHERE(a,b)IN(?,?,?);");
        check("select a in (abs(1)) from t", "SELECT a IN(abs(?))FROM t;");
    }

    #[test]
    fn names_lose_quotes_that_they_do_not_need() {
        check("select \"A\", [b], `c`, \"lit\" from t", "SELECT a,b,c,?FROM t;");
        check("select * from \"we ird\" where \"q q\" = 'zz'", "SELECT*FROM\"we ird\"WHERE\"q q\"=?;");
        check("select \"SELECT\", [A b], `x\"y` from t", "SELECT\"select\",\"a b\",\"x\"\"y\"FROM t;");
    }
}
