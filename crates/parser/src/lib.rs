//! SQL text to syntax tree and back: lexer, syntax tree, parser and printer for the SQLite dialect.
//!
//! The tree records what was written; meaning (which table, which column, which type) comes later, in the planner.
//! This crate knows no schema, no values and no other crate.
#![forbid(unsafe_code)]

pub mod ast;

/// True when `text` reads back as the same identifier without quotes.
pub(crate) fn is_plain_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
