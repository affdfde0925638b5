//! Names as they were written, and places in the SQL text.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A range of bytes of the SQL text. All spans are equal: a place is not part of what a tree says.
#[derive(Clone, Copy, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Span { start, end }
    }

    /// The part of `sql` that this span covers; empty when `sql` is not the text that it came from.
    pub fn of<'a>(&self, sql: &'a [u8]) -> &'a [u8] {
        sql.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }

    /// True for the span of a node that no text stands behind.
    pub const fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// How a name was quoted in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quote {
    /// Not quoted.
    None,
    /// `"x"`: where no column has the name, SQLite reads it as a string literal.
    Double,
    /// `[x]`
    Bracket,
    /// `` `x` ``
    Backtick,
    /// `'x'`: a string literal where the grammar wants a name.
    Single,
}

/// A name with its quotes removed, and how and where it was written.
///
/// `==` compares the exact spelling and the quoting, but not the place; SQL's own comparison is [`Name::is`].
/// A name that is not valid UTF-8 has its bad bytes replaced by U+FFFD.
#[derive(Clone)]
pub struct Name {
    /// The name without quotes; doubled quotes are single again.
    pub text: Box<str>,
    /// How it was quoted.
    pub quote: Quote,
    /// Where its token begins in the SQL text.
    pub offset: u32,
}

impl Name {
    /// The name as it stands in the text that it was parsed from, with its quotes.
    pub fn written(&self, sql: &[u8]) -> String {
        let token = sql.get(self.offset as usize..).unwrap_or_default();
        let close = match token.first() {
            Some(quote @ (b'"' | b'`' | b'\'')) => *quote,
            Some(b'[') => b']',
            _ => return self.text.to_string(),
        };
        // A doubled quote stands for one in the name.
        let doubled = self.text.bytes().filter(|c| *c == close && close != b']').count();
        let end = 2 + self.text.len() + doubled;
        String::from_utf8_lossy(token.get(..end).unwrap_or(token)).into_owned()
    }

    /// A name that does not come from a text. It is quoted when printing it bare would not read back.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let quote = if crate::is_plain_identifier(&text) { Quote::None } else { Quote::Double };
        Name { text, quote, offset: 0 }
    }

    /// The text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name with its quotes, as messages show it.
    pub fn as_written(&self) -> String {
        let text = &self.text;
        match self.quote {
            Quote::Single => format!("'{text}'"),
            Quote::Double => format!("\"{text}\""),
            Quote::Bracket => format!("[{text}]"),
            Quote::Backtick => format!("`{text}`"),
            Quote::None => text.to_string(),
        }
    }

    /// True when SQL takes this name and `other` for the same: ASCII letters compare without case.
    pub fn is(&self, other: &str) -> bool {
        self.text.eq_ignore_ascii_case(other)
    }

    /// [`Name::is`] for another name.
    pub fn same_as(&self, other: &Name) -> bool {
        self.is(&other.text)
    }

    /// True for a name written `"x"`, which may turn out to be a string literal.
    pub fn may_be_string(&self) -> bool {
        self.quote == Quote::Double
    }

    /// The name in ASCII lower case, as a key of maps.
    pub fn folded(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.quote == other.quote
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quote {
            Quote::None => write!(f, "Name({})", self.text),
            quote => write!(f, "Name({:?} {})", quote, self.text),
        }
    }
}

/// A name with an optional schema: `main.t`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualifiedName {
    /// `main`, `temp`, or the name of an attached database.
    pub schema: Option<Name>,
    /// The object's own name.
    pub name: Name,
}

impl QualifiedName {
    /// A name without a schema.
    pub fn bare(name: Name) -> Self {
        QualifiedName { schema: None, name }
    }
}
