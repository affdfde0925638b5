//! Virtual tables: what a module, its tables and their cursors must do, and what they are told.
//!
//! ```text
//!   Module ── create, connect ──> VirtualTable ── open ──> Cursor ── filter, next, column
//!                                     │
//!                                     ├ best_index(Question) -> Answer    while a statement is planned
//!                                     └ update, begin … commit, rename    while one runs
//! ```
//! The protocol is SQLite's (`vtab.html`), so that a C module can be put behind these traits without loss. What differs:
//!
//! - A table is shared by the programs that were made for it: its methods take `&self`, and it is `Send + Sync`.
//! - A method that gets a [`Session`] may answer `Error::Pending`, provided that it has changed nothing that its repetition
//!   would change again: it is called again with the same arguments. Modules that cannot be restarted never answer so, and
//!   are called once.
//! - The planner reads no page: [`VirtualTable::best_index`] gets no session.
//!
//! This crate knows values and functions. What else of the connection a module of the engine needs (pages, SQL) it finds
//! behind [`Session::as_any`], in the crate that the session comes from.
#![forbid(unsafe_code)]

mod cursor;
mod module;
mod plan;
mod session;
mod table;

pub use cursor::{Argument, Cursor, Output};
pub use module::{Arguments, Connected, Module, ModuleKind, Risk};
pub use plan::{Answer, Constraint, ConstraintOp, Distinct, OrderTerm, Question, Usage};
pub use session::Session;
pub use table::{Change, OnConflict, Overload, VirtualTable};
