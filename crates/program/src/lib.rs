//! The bytecode: one definition of each instruction with its documentation.
//!
//! A [`Program`] is what the planner makes of one SQL statement and what the interpreter runs. This crate runs
//! nothing: it names instructions and operands, lists them (`EXPLAIN`), and builds programs ([`ProgramBuilder`]).
//!
//! The instruction set follows the virtual machine that SQLite documents ("The SQLite Bytecode Engine",
//! `opcode.html`), with typed operands: an instruction is a struct whose fields say what they hold. Families:
//!
//! | module | subject |
//! |---|---|
//! | [`control`] | jumps, subroutines, coroutines, result rows, errors |
//! | [`data`] | loading and moving values, conversions |
//! | [`expression`] | arithmetic, logic, comparison, functions, aggregates |
//! | [`cursor`] | opening, moving and reading cursors |
//! | [`write`] | records, row and index entry changes |
//! | [`sorter`] | sorters, sets, hashed rows, groups |
//! | [`survey`] | what ANALYZE learns about an index |
//! | [`batch`] | pipelines over batches of rows |
//! | [`virtual_table`] | scanning and changing virtual tables |
//! | [`schema`] | transactions, savepoints, trees, catalogue, maintenance |
#![forbid(unsafe_code)]

mod builder;
mod listing;
mod operand;
mod program;
mod register;
mod verify;

pub mod batch;
pub mod control;
pub mod cursor;
pub mod data;
pub mod expression;
pub mod schema;
pub mod sorter;
pub mod survey;
pub mod virtual_table;
pub mod write;

pub use builder::{Label, ProgramBuilder};
pub use listing::ListingRow;
pub use operand::*;
pub use program::*;
pub use register::Instruction;
