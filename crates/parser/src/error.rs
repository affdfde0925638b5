//! The one error of this crate.

use std::fmt;

/// Why a text is not a statement, in SQLite's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// SQLite's message for the same text.
    pub message: String,
    /// Byte offset of the token to blame, where SQLite reports one.
    pub offset: Option<u32>,
}

impl SyntaxError {
    /// An error without a place.
    #[cold]
    pub(crate) fn new(message: impl Into<String>) -> Self {
        SyntaxError { message: message.into(), offset: None }
    }

    /// An error at a byte offset.
    #[cold]
    pub(crate) fn at(offset: u32, message: impl Into<String>) -> Self {
        SyntaxError { message: message.into(), offset: Some(offset) }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
