//! Databases, connections and statements: the engine as the faces see it.
//!
//! A [`Database`] is one file (or memory) per process, a [`Connection`] a session on it and on what it has attached, a
//! [`Statement`] a prepared program with its run. Every operation that may wait exists in one restartable form: it answers
//! `Error::Pending` and leaves in the connection what it waits for ([`Wait`]). The blocking face waits for it in place
//! ([`Statement::step`]), the asynchronous one registers a waker ([`Statement::poll_step`]).
//!
//! | module | subject |
//! |---|---|
//! | `database` | opening files, the catalogue shared by connections |
//! | `connection` | session state, transactions and savepoints, catalogue, pragmas, what programs ask of their host |
//! | `modules` | virtual table modules of the engine |
//! | `statement` | preparing, binding, stepping, what a failure undoes |
//! | `blob` | incremental reading and writing of one value |
//! | `backup` | copying a database step by step |
//! | `hooks` | what the application may be asked and told |
//! | `expand` | a statement's text with its bound values |
//! | `wait` | what a pending operation waits for |
#![forbid(unsafe_code)]

mod backup;
mod blob;
mod connection;
mod database;
mod expand;
pub mod hooks;
mod modules;
mod options;
mod outside;
mod statement;
mod timer;
mod uri;
mod wait;

pub use backup::{Backup, BackupStep};
pub use blob::Blob;
pub use connection::{ColumnMetadata, Connection, Limit, Switch, TransactionState, WeakConnection, captured_columns};
pub use database::Database;
pub use modules::shape;
pub use options::{Backend, FilePromises, OpenOptions};
pub use outside::{Outside, column_count, column_declared_type, column_name};
pub use statement::{PlanPart, Prepared, ScanStatus, Statement, StatementStatus, StepResult};
pub use timer::wake_after;
pub use wait::{Attempt, Wait};

pub use turso_error::log::set_sink as set_log_sink;
pub use turso_error::{Error, Failure, Result, ResultCode};
pub use turso_functions as functions;
pub use turso_io as io;
pub use turso_parser as parser;
pub use turso_program::{PlanNode, Program, ResultColumn};
pub use turso_storage::pager::CacheCounts;
pub use turso_storage::{SnapshotId, count_memory, memory_in_use};
pub use turso_value::{Collation, CollationFunction, Object, RecordReader, TextEncoding, Value, ValueRef};
pub use turso_vm::RunCounters;
pub use turso_vtab as vtab;
