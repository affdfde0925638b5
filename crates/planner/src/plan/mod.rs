//! The plan as data: bound expressions, logical queries, physical join plans. Every form prints itself.

mod constant;
mod depends;
mod expr;
mod join;
mod print;
mod print_join;
mod print_query;
mod query;
mod same;
mod walk;

pub(crate) use depends::Depends;
pub use expr::*;
pub use join::*;
pub use query::*;
pub use same::*;
pub use walk::*;
