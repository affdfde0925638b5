//! Sessions: what changes in tables, recorded as changesets that can be inverted, combined, rebased and applied elsewhere.
//!
//! The binary format is SQLite's, byte for byte, and changes of a table come in the order in which SQLite writes them, so that
//! changesets travel between both.
//!
//! ```text
//!  Session  -- records row changes of a connection --> changeset | patchset
//!  Reader   -- walks over one                           Group    -- combines several into one
//!  invert   -- turns one around                         apply    -- makes its changes in a database, asks about conflicts
//!                                                       Rebaser  -- adjusts a local one to how conflicts were resolved
//! ```
//!
//! | module | subject |
//! |---|---|
//! | `format` | table headers, operations and values as bytes |
//! | `input`, `output` | changesets that come or go whole or in pieces |
//! | `reader` | walking over the changes of a changeset |
//! | `keys` | changes of one table by primary key, in SQLite's order |
//! | `shape` | columns and key of a table in a database |
//! | `recorder`, `session`, `generate`, `diff` | what a session remembers, its face, what it makes of that, differences |
//! | `invert`, `group`, `merge`, `rebase` | changesets from changesets |
//! | `apply`, `statements` | changes made in a database |
#![forbid(unsafe_code)]

mod apply;
mod diff;
mod format;
mod generate;
mod group;
mod input;
mod invert;
mod keys;
mod merge;
mod output;
mod reader;
mod rebase;
mod recorder;
mod session;
mod shape;
mod statements;

pub use apply::{ApplyOptions, Conflict, ConflictKind, Handler, Resolution, apply};
pub use format::{Change, Field, Kind, Operation, TableHeader};
pub use group::{Group, PendingChange};
pub use input::{Input, Source};
pub use invert::invert;
pub use output::{Output, Sink};
pub use reader::{Reader, ReaderOptions};
pub use rebase::Rebaser;
pub use session::{Session, TableFilter};

/// Bytes in which streams are read and written unless another size is asked for.
pub const DEFAULT_CHUNK: usize = 1024;
