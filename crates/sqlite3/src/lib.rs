//! SQLite's C interface on our engine: a drop-in `libsqlite3.so.0`.
//!
//! Translation only: each pointer is checked at the edge ([`boundary`], [`handle`]) and becomes a reference there; what
//! follows is safe code on `turso_core`. Names, values and layouts are those of SQLite's header; ours is in `include/`.
//!
//! | module | subject |
//! |---|---|
//! | `boundary`, `variadic` | how arguments come in and panics end; variable arguments |
//! | `handle`, `error` | connections and statements; the last error |
//! | `open`, `uri`, `filename`, `vfs`, `file_control` | opening and closing, names of files |
//! | `prepare`, `statement`, `bind`, `column`, `value`, `exec` | running SQL |
//! | `connection`, `limit`, `status`, `scan_status`, `config`, `initialize` | asking and setting |
//! | `function`, `result`, `collation`, `hooks`, `unlock_notify`, `wal` | what the application adds, is asked and told |
//! | `blob`, `backup`, `snapshot` | incremental blobs, online backup, databases as bytes, snapshots |
//! | `vtab`, `rtree`, `carray`, `statement_table` | modules of virtual tables; shapes for R-Trees; arrays and statements as tables |
//! | `session` | sessions and changesets |
//! | `memory`, `mutex`, `pcache` | what the application may replace |
//! | `printf`, `text`, `utf16` | texts |
//! | `extension`, `routines` | extensions |
#![allow(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "entry points are unsafe, their bodies rely on the interface's contract"
)]

pub mod backup;
pub mod bind;
pub mod blob;
pub mod boundary;
pub mod carray;
pub mod codes;
pub mod collation;
pub mod column;
pub mod config;
pub mod connection;
pub mod error;
pub mod exec;
pub mod extension;
pub mod file_control;
pub mod filename;
pub mod function;
pub mod handle;
pub mod hooks;
pub mod initialize;
pub mod limit;
pub mod memory;
pub mod mutex;
pub mod open;
pub mod pcache;
pub mod pragma;
pub mod prepare;
pub mod printf;
pub mod randomness;
pub mod result;
pub mod routines;
pub mod rtree;
pub mod scan_status;
pub mod session;
pub mod snapshot;
pub mod statement;
pub mod statement_table;
pub mod status;
pub mod text;
pub mod unlock_notify;
pub mod uri;
pub mod utf16;
pub mod value;
pub mod variadic;
pub mod vfs;
pub mod vtab;
pub mod wal;
