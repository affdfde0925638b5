//! Turso Database for asynchronous Rust: an in-process SQL database with SQLite's dialect and file format.
//!
//! No executor is assumed: futures are woken by the engine's own threads, and no `await` blocks the thread it runs on.
//!
//! ```
//! use turso::{Builder, params};
//!
//! # async fn run() -> turso::Result<()> {
//! let db = Builder::new_local(":memory:").build().await?;
//! let mut conn = db.connect()?;
//! conn.execute("CREATE TABLE kv(k TEXT PRIMARY KEY, v INT)", ()).await?;
//! let tx = conn.transaction().await?;
//! tx.execute("INSERT INTO kv VALUES (?1, ?2)", params!["a", 1]).await?;
//! tx.commit().await?;
//! let mut rows = conn.query("SELECT v FROM kv WHERE k = :k", [(":k", "a")]).await?;
//! while let Some(row) = rows.next().await? {
//!     assert_eq!(row.get::<i64>(0)?, 1);
//! }
//! # Ok(())
//! # }
//! # pollster::block_on(run()).unwrap();
//! ```
//!
//! A future that is dropped before it is done undoes its statement and leaves the connection usable.
#![forbid(unsafe_code)]

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

pub mod changes;
pub mod connection;
mod elsewhere;
pub mod params;
pub mod session;
pub mod table_function;
pub mod transaction;
pub mod value;

mod builder;
mod error;
mod function;
mod hooks;
mod rows;
mod statement;

pub use builder::{Builder, Database, EncryptionOpts, IoBackend};
pub use changes::{Change, ChangeKind, ChangeStream};
pub use connection::Connection;
pub use error::{Error, Result};
pub use function::{Aggregate, FunctionContext, FunctionOptions};
pub use params::{IntoParams, params_from_iter};
pub use rows::{Column, Row, Rows};
pub use statement::Statement;
pub use table_function::TableFunction;
pub use value::{Value, ValueRef, ValueType};

/// The engine underneath.
pub use turso_core as core;
