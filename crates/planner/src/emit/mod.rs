//! Code generation: from bound queries and join plans to programs.
//!
//! | file | subject |
//! |---|---|
//! | `emitter` | [`Emitter`]: registers, sources, constants, locks |
//! | `expr` | expressions as values and conditions |
//! | `loops`, `loops_*`, `explain` | nested loops of a join plan, and how they explain themselves |
//! | `select` | one core: rows, aggregates, groups, order and limit |
//! | `subquery` | what produces rows in FROM, subqueries in expressions |

mod autoincrement;
mod check;
mod constraints;
pub(crate) mod ddl;
pub(crate) mod delete;
mod emitter;
mod explain;
mod expr;
mod loops;
mod loops_access;
mod loops_auto;
mod loops_in;
mod loops_index;
mod loops_or;
pub(crate) mod foreign_key;
pub(crate) mod insert;
pub(crate) mod pragma;
mod returning;
mod row;
mod select;
mod state;
mod subquery;
mod target;
pub(crate) mod transaction;
pub(crate) mod trigger;
pub(crate) mod update;
mod upsert;

pub use emitter::{Destination, Emitter, SourceBinding};
pub use loops::{LoopBody, LoopExits};
pub use select::plan_select;
pub use subquery::Produced;
