//! The interpreter: runs a [`turso_program::Program`] over cursors of `turso_storage`. It knows no SQL.
//!
//! [`Vm`] is the state of one run: registers, cursors, position, and the frames of the triggers in progress.
//! [`Vm::step`] runs instructions until a row is there or the program is done. Everything a program needs from its
//! connection (pagers, transactions, catalogue, counters, hooks) comes through the [`Host`] that is passed to `step`.
//!
//! ```text
//!   Vm ── frame: Frame ── registers, cursors, objects, once flags, pc
//!    │        │
//!    │        └ callers: the frames of the programs whose triggers are running, outermost first
//!    └ run: RunState: counters, comparison result, scratch of the instruction in hand, ephemeral pager
//! ```
//! An instruction is a struct of `turso_program`; its behaviour is its [`dispatch::Exec`] implementation, in the file of
//! its theme. It either completes, or fails, or answers `Error::Pending` with nothing lasting changed: then the same
//! instruction is run again by the next `step`.
#![forbid(unsafe_code)]

mod arithmetic;
mod batch;
mod compare;
mod control;
mod cursors;
mod data;
mod dispatch;
mod frame;
mod functions;
mod groups;
mod hash_rows;
mod host;
mod keyset;
mod record;
mod registers;
mod rowset;
mod run;
mod schema;
mod share;
mod sorter;
mod survey;
mod transaction;
mod trigger;
mod virtual_table;
mod vm;
mod write;

pub use host::{CatalogueEntry, ChangedRow, Counters, Host, Interest, Limits};
pub use run::RunCounters;
pub use vm::{Step, Vm};
