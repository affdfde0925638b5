//! The seeded simulation: many connections in several processes on one machine, run in an order that a seed decides, while things go
//! wrong; a model checks every read and every reopening.
//!
//! ```text
//!   plan.rs     what everybody will do, and what will go wrong: all from the seed
//!   baton.rs    whose turn it is: one process runs at a time, and hands on at calls of the back end
//!   client.rs   a process: its connections take turns at every statement, row and wait
//!   model.rs    what must be seen
//!   chains.rs   what concurrent transactions must see
//!   run.rs      the machine, the processes, the end of the power, what is found after
//!   shrink.rs   a plan that fails, made small
//! ```
//! Every writing transaction counts `meta.seq` up by one and marks each row that it writes with the new number. So a reader
//! learns from the data which commit it looks at, and everything else that it sees can be compared with the model's state at that
//! number: plain transactions must be strictly serializable, and no commit may be lost, seen before its time, or seen in part.
//! Concurrent transactions work on a table of their own, where two of them meet only at rows.

mod baton;
mod chains;
mod client;
mod model;
mod plan;
mod run;
mod shrink;

pub use plan::{Action, Change, End, Epoch, Plan, Shape};
pub use run::{Report, execute};
pub use shrink::shrink;
