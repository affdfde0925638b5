//! Opening a database.

use std::sync::Arc;

use turso_core::io::Io;
use turso_core::{Backend, OpenOptions};

use crate::changes::ChangeStream;
use crate::connection::Connection;
use crate::error::{Error, Result};

/// Cipher and key of an encrypted database.
#[derive(Debug, Clone)]
pub struct EncryptionOpts {
    /// Name of the cipher.
    pub cipher: String,
    /// The key in hexadecimal.
    pub hexkey: String,
}

/// A back end for input and output, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoBackend(String);

impl From<&str> for IoBackend {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl From<String> for IoBackend {
    fn from(name: String) -> Self {
        Self(name)
    }
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Builder {
    path: String,
    backend: Option<IoBackend>,
    io: Option<CustomIo>,
    read_only: bool,
    encryption: Option<EncryptionOpts>,
    capture: Option<Arc<str>>,
}

#[derive(Clone)]
struct CustomIo(Arc<dyn Io>);

impl std::fmt::Debug for CustomIo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomIo")
    }
}

macro_rules! accepted_flags {
    ($($name:ident),* $(,)?) => {$(
        /// Accepted for programs that set it; the feature needs no flag.
        #[must_use]
        pub fn $name(self, _enabled: bool) -> Self {
            self
        }
    )*};
}

impl Builder {
    /// A database in a local file, or in memory for `:memory:`.
    pub fn new_local(path: &str) -> Self {
        Self { path: path.to_owned(), backend: None, io: None, read_only: false, encryption: None, capture: None }
    }

    accepted_flags!(
        experimental_encryption,
        experimental_attach,
        experimental_custom_types,
        experimental_generated_columns,
        experimental_index_method,
        experimental_materialized_views,
        experimental_vacuum,
        experimental_multiprocess_wal,
        experimental_without_rowid,
        experimental_mvcc_passive_checkpoint,
        experimental_triggers,
        experimental_strict,
    );

    /// Encrypt the database with this cipher and key.
    #[must_use]
    pub fn with_encryption(mut self, options: EncryptionOpts) -> Self {
        self.encryption = Some(options);
        self
    }

    /// Use a back end by name: `memory`, `syscall`, `io_uring`.
    #[must_use]
    pub fn with_io(mut self, backend: impl Into<IoBackend>) -> Self {
        self.backend = Some(backend.into());
        self
    }

    /// Use a back end of the application's own.
    #[must_use]
    pub fn with_io_impl(mut self, io: Arc<dyn Io>) -> Self {
        self.io = Some(CustomIo(io));
        self
    }

    /// Never write; the file must exist.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Have every connection capture its changes: `mode` is that of `PRAGMA capture_data_changes_conn`, such as `full` or
    /// `after,my_log`.
    #[must_use]
    pub fn capture_changes(mut self, mode: &str) -> Self {
        self.capture = Some(mode.into());
        self
    }

    /// Open the database.
    pub async fn build(self) -> Result<Database> {
        if self.encryption.is_some() {
            return Err(Error::Error("encryption is not supported yet".into()));
        }
        let backend = match (&self.io, self.backend.as_ref().map(|b| b.0.as_str())) {
            (Some(io), _) => Backend::Custom(io.0.clone()),
            (None, None | Some("io_uring")) => Backend::Asynchronous,
            (None, Some("syscall")) => Backend::ThreadPool,
            (None, Some("memory")) => Backend::Memory,
            (None, Some(other)) => return Err(Error::Error(format!("no such vfs: {other}"))),
        };
        let options = OpenOptions {
            read_only: self.read_only,
            create: !self.read_only,
            backend,
            shared_memory: true,
            ..OpenOptions::default()
        };
        let database = Database { inner: turso_core::Database::open(&self.path, options)?, capture: self.capture };
        if database.capture.is_some() {
            // A mode that does not exist, or a table that is none, is told here.
            database.connect()?;
        }
        Ok(database)
    }
}

/// An open database. Clones are the same database.
#[derive(Debug, Clone)]
pub struct Database {
    inner: turso_core::Database,
    /// What every connection is to capture.
    capture: Option<Arc<str>>,
}

impl Database {
    /// A new connection.
    pub fn connect(&self) -> Result<Connection> {
        let connection = self.inner.connect()?;
        // SQLite leaves the operator REGEXP to the application; here it works from the start, and can still be replaced.
        connection.create_function(turso_core::functions::extension::regexp::OPERATOR)?;
        if let Some(mode) = &self.capture {
            let mode = mode.replace('\'', "''");
            connection.execute_batch(format!("PRAGMA capture_data_changes_conn('{mode}')"))?;
        }
        Ok(Connection::new(connection))
    }

    /// The committed changes in `turso_cdc` behind a position: 0 for all of them, or the [`Change::id`](crate::Change::id) of the last one that has
    /// been dealt with.
    pub fn changes(&self, position: i64) -> Result<ChangeStream> {
        self.changes_in("turso_cdc", position)
    }

    /// As [`changes`](Self::changes), from a capture table of another name.
    pub fn changes_in(&self, table: &str, position: i64) -> Result<ChangeStream> {
        Ok(ChangeStream::new(Connection::new(self.inner.connect()?), table, position))
    }
}
