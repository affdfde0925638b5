//! The syntax tree: what a statement says, before any name is resolved.
//!
//! Conventions that hold for every node:
//! - Positions ([`Span`], `Name::offset`) never take part in `==`: two trees are equal when they say the same thing.
//! - Single parentheses leave no trace (SQLite gives them no meaning either); the printer puts back those that precedence needs.
//! - An absent list is an empty `Vec` wherever the grammar does not allow an empty list to be written.
//! - Trees that the parser builds are at most [`MAX_EXPR_DEPTH`] expressions deep, so recursion over them is bounded.

mod ddl;
mod dml;
mod expr;
mod folded;
mod name;
mod select;
mod statement;
pub mod visit;

pub use ddl::*;
pub use dml::*;
pub use expr::*;
pub use name::*;
pub use select::*;
pub use statement::*;

/// The deepest expression tree that the parser builds (SQLite's `SQLITE_MAX_EXPR_DEPTH`).
pub const MAX_EXPR_DEPTH: u32 = 1000;
