//! Storage: on-disk formats, page cache, pager, write-ahead log, rollback journal, B-trees.
//!
//! [`pager::Pager`] gives a connection its pages: a snapshot to read, private copies to write, savepoints, commit.
//! [`btree`] builds tables and indexes from pages. Nothing here knows SQL or a schema.
//! Whatever may wait for a page returns `Err(Error::Pending)` and is run again (`docs/ARCHITECTURE.md`).
#![forbid(unsafe_code)]

pub mod btree;
pub mod concurrent;
pub mod file;
pub mod format;
mod journal;
pub mod page;
pub mod pager;
pub mod planted;
mod super_journal;
mod wal;
pub mod witness;

pub use file::{DatabaseFile, GuestFile, OpenOptions, SCHEMA_ROOT, TableLocks};
pub use format::DatabaseHeader;
pub use page::{Page, PageNo, PageRef, count_memory, memory_in_use};
pub use pager::{DEFAULT_TEMP_BYTES, JournalMode, Pager, SnapshotId, Synchronous, TempSpace, WriteMode};
pub use super_journal::SuperJournal;
pub use wal::{CheckpointMode, CheckpointResult, WalStatus};
