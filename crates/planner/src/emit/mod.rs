//! Code generation: from bound queries and join plans to programs.
//!
//! | file | subject |
//! |---|---|
//! | `emitter` | [`Emitter`]: registers, sources, constants, locks |
//! | `column` | reading a column of a source |
//! | `expr`, `expr_jump`, `expr_in`, `in_set`, `expr_row` | expressions as values, as conditions, IN and its sets, row values |
//! | `loops`, `loops_*`, `explain` | nested loops of a join plan, and how they explain themselves |
//! | `batch` | pipelines of the batch tier, beside the code of the row tier |
//! | `window`, `window_frame` | window functions |
//! | `select`, `select_*` | one core: rows, aggregates, groups, order and limit |
//! | `update`, `set`, `update_from`, `view`, `target` | UPDATE, its new values, its joins, INSTEAD OF triggers, the rows to be changed |
//! | `compound`, `merge`, `cte`, `subquery`, `remember` | compounds, common table expressions, what produces rows in FROM, subqueries in expressions, and when they need not run |

pub(crate) mod analyze;
mod autoincrement;
mod batch;
mod check;
mod collations;
mod column;
mod compound;
mod constraints;
mod cte;
pub(crate) mod ddl;
pub(crate) mod delete;
mod emitter;
mod explain;
mod expr;
mod expr_in;
mod expr_jump;
mod expr_row;
pub(crate) mod foreign_key;
mod in_set;
pub(crate) mod insert;
mod loops;
mod loops_access;
mod loops_auto;
mod loops_counted;
mod loops_in;
mod loops_index;
mod loops_or;
mod loops_virtual;
mod merge;
pub(crate) mod pragma;
mod remember;
mod returning;
mod row;
mod seen;
mod select;
mod select_aggregate;
mod select_group;
mod select_group_hashed;
mod select_sort;
mod set;
mod state;
mod subquery;
mod target;
pub(crate) mod transaction;
pub(crate) mod trigger;
pub(crate) mod update;
mod update_from;
mod upsert;
pub(crate) mod view;
mod virtual_change;
mod window;
mod window_frame;

pub(crate) use check::reads_columns;
pub(crate) use collations::resolve_collations;
pub use column::default_value;
pub use emitter::{Destination, Emitter, SourceBinding};
pub use explain::describe_loops;
pub use loops::{LoopBody, LoopExits};
pub(crate) use row::missing_collation;
pub use select::{plan_select, result_columns};
pub use subquery::Produced;
