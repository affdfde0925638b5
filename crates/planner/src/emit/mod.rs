//! Code generation: from bound queries and join plans to programs.
//!
//! | file | subject |
//! |---|---|
//! | `emitter` | [`Emitter`]: registers, sources, constants, locks |
//! | `expr` | expressions as values and conditions |
//! | `select` | one core: rows, aggregates, groups, order and limit |
//! | `subquery` | what produces rows in FROM, subqueries in expressions |

mod emitter;
mod expr;
mod select;
mod subquery;

pub use emitter::{Destination, Emitter, SourceBinding};
pub use select::plan_select;
pub use subquery::Produced;
