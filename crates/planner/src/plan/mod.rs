//! The plan as data: bound expressions, logical queries, physical join plans. Every form prints itself.

mod expr;
mod join;
mod query;

pub use expr::*;
pub use join::*;
pub use query::*;
