//! Concurrent transactions (`BEGIN CONCURRENT`): many writers, each on a snapshot of its own, over a plain log.
//!
//! ```text
//!   log.rs       what a transaction did, as data: rows and index entries by root and key; savepoints cut it back;  spilled.rs  a long one;  sort.rs  its order
//!   shared.rs    what the transactions of one file share: keys of past commits, numbers for new rows
//!   rules.rs     what a replay must know of the schema, as data, given by the layer that has one
//!   reads.rs     whether what was read by key is what would be read now
//!   rebase.rs    the log of an overtaken transaction, checked against and applied to the newest pages;  keys.rs  its foreign keys
//! ```
//! A concurrent transaction changes private copies of real pages without any lock. At its commit it takes the write lock. If
//! nobody has committed since its snapshot, these pages are the new state. Otherwise they are dropped, and the log is
//! netted to one change per key and replayed: `pager/concurrent.rs` drives that.

mod keys;
mod log;
mod reads;
mod rebase;
mod rules;
mod shared;
mod sort;
mod spilled;

pub(crate) use log::{LogMark, RowLog};
pub(crate) use reads::ReadCheck;
pub(crate) use rebase::{Phase, Rebase, conflict};
pub use rules::{Field, ForeignKeyRule, ParentKey, Rules, TreeRole, TreeRule};
pub(crate) use shared::{LiveSnapshot, Shared, entry_key, row_key};
