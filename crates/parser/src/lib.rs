//! SQL text to syntax tree and back: lexer, syntax tree, parser and printer for the SQLite dialect.
//!
//! The tree records what was written; meaning (which table, which column, which type) comes later, in the planner.
//! This crate knows no schema, no values and no other crate. Its two promises: [`parse`] accepts and refuses what SQLite
//! does, with its messages, and never panics nor recurses without bound, whatever the text.
#![forbid(unsafe_code)]

pub mod ast;
mod error;
mod lexer;
mod normalize;
mod parser;
mod print;
mod token;

pub use error::SyntaxError;
pub use normalize::normalize;
pub use parser::{
    MAX_VARIABLE_NUMBER, Parameters, Parsed, comment_end, is_blank, parameter_spans, parse, parse_all, parse_expr,
    token_end, token_start,
};
pub use token::keywords;

/// True when `text` reads back as the same identifier without quotes.
pub fn is_plain_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        && token::keyword(bytes).is_none()
}
