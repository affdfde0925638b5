//! Collating sequences: how two texts are ordered.

use std::cmp::Ordering;
use std::sync::Arc;

/// A collating sequence that an application defined.
pub trait CollationFunction: Send + Sync {
    /// The name it was registered under.
    fn name(&self) -> &str;
    /// The order of two texts, given as UTF-8.
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering;
}

/// A collating sequence.
#[derive(Clone, Default)]
pub enum Collation {
    /// Byte by byte, in the encoding of the database (see [`crate::KeyInfo::encoding`]).
    #[default]
    Binary,
    /// As binary, with `A`-`Z` folded to lower case.
    NoCase,
    /// As binary, trailing spaces ignored.
    RTrim,
    /// Defined by the application.
    Custom(Arc<dyn CollationFunction>),
}

impl Collation {
    /// The built-in collation of this name, in any letter case.
    pub fn built_in(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"binary") {
            Some(Collation::Binary)
        } else if name.eq_ignore_ascii_case(b"nocase") {
            Some(Collation::NoCase)
        } else if name.eq_ignore_ascii_case(b"rtrim") {
            Some(Collation::RTrim)
        } else {
            None
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Collation::Binary => "BINARY",
            Collation::NoCase => "NOCASE",
            Collation::RTrim => "RTRIM",
            Collation::Custom(function) => function.name(),
        }
    }

    /// True for BINARY.
    #[inline]
    pub fn is_binary(&self) -> bool {
        matches!(self, Collation::Binary)
    }

    /// The order of two texts.
    #[inline]
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Collation::Binary => a.cmp(b),
            Collation::NoCase => compare_no_case(a, b),
            Collation::RTrim => without_trailing_spaces(a).cmp(without_trailing_spaces(b)),
            Collation::Custom(function) => function.compare(a, b),
        }
    }
}

fn compare_no_case(a: &[u8], b: &[u8]) -> Ordering {
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x.to_ascii_lowercase(), y.to_ascii_lowercase());
        if x != y {
            return x.cmp(&y);
        }
        // SQLite compares as C strings of bounded length: what follows a common NUL only counts by its length.
        if x == 0 {
            break;
        }
    }
    a.len().cmp(&b.len())
}

/// The text without its trailing spaces (only `0x20` counts).
pub fn without_trailing_spaces(text: &[u8]) -> &[u8] {
    let len = text.iter().rposition(|&b| b != b' ').map_or(0, |i| i + 1);
    &text[..len]
}

impl PartialEq for Collation {
    /// Built-in ones by kind; custom ones when they are the same function, or carry the same name.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Collation::Binary, Collation::Binary)
            | (Collation::NoCase, Collation::NoCase)
            | (Collation::RTrim, Collation::RTrim) => true,
            (Collation::Custom(a), Collation::Custom(b)) => {
                Arc::ptr_eq(a, b) || a.name().eq_ignore_ascii_case(b.name())
            }
            _ => false,
        }
    }
}

impl Eq for Collation {}

impl std::fmt::Debug for Collation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
