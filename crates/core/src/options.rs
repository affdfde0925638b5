//! How a database is opened.

use std::sync::Arc;
use std::time::Duration;

/// Which input/output back end serves a database.
#[derive(Clone, Default)]
pub enum Backend {
    /// Memory for `:memory:`, system calls otherwise.
    #[default]
    Default,
    /// Blocking system calls.
    Syscall,
    /// Everything in memory.
    Memory,
    /// For callers that must not block: io_uring where the system has it and allows it, else a pool of threads.
    Asynchronous,
    /// System calls on a pool of threads.
    ThreadPool,
    /// System calls of which every first touch of a page is pending: for tests.
    AlwaysPending,
    /// A back end of the application's own.
    Custom(Arc<dyn turso_io::Io>),
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Backend::Default => "Default",
            Backend::Syscall => "Syscall",
            Backend::Memory => "Memory",
            Backend::Asynchronous => "Asynchronous",
            Backend::ThreadPool => "ThreadPool",
            Backend::AlwaysPending => "AlwaysPending",
            Backend::Custom(_) => "Custom",
        })
    }
}

/// How a database is opened. The defaults are those of our own faces: a new file uses WAL, a lock is waited for 5 s.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// No write is allowed, the file must exist.
    pub read_only: bool,
    /// Create the file when it does not exist.
    pub create: bool,
    /// A new database uses WAL.
    pub new_uses_wal: bool,
    /// How long a lock is waited for.
    pub busy_timeout: Duration,
    /// A transaction that began without a word, has read, was overtaken and wants to write goes on where what it has read has
    /// not changed; see `PRAGMA concurrent_upgrade`.
    pub concurrent_upgrade: bool,
    /// The back end.
    pub backend: Backend,
    /// `:memory:` is shared by all connections of the [`crate::Database`], instead of private to each.
    pub shared_memory: bool,
    /// Connections that say so share their cache: they lock tables among themselves (`SQLITE_LOCKED_SHAREDCACHE`).
    pub shared_cache: bool,
    /// A write-ahead log has the size of its frames: it does not grow in steps, which makes commits cheaper.
    pub exact_log: bool,
    /// A name that is, or goes through, a symbolic link is refused; that of an attached file too.
    pub no_follow: bool,
    /// A name that begins with `file:` is a URI.
    pub uri: bool,
    /// Bytes that sorts, sets and temporary trees of a connection keep in memory before they go to temporary files; `None`
    /// for the default.
    pub temp_memory: Option<usize>,
    /// Pages that the cache may hold per connection; `None` for the default. Small values are for tests.
    pub cache_pages: Option<usize>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            create: true,
            new_uses_wal: true,
            busy_timeout: Duration::from_secs(5),
            concurrent_upgrade: true,
            backend: Backend::Default,
            shared_memory: false,
            shared_cache: false,
            exact_log: false,
            no_follow: false,
            uri: true,
            temp_memory: None,
            cache_pages: None,
        }
    }
}

/// What is promised of a file that is opened, by parameters of its URI or by the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilePromises {
    /// It cannot change: no lock is taken and no journal looked at.
    pub immutable: bool,
    /// Nobody else uses it: no locks are taken, and a write-ahead log cannot be used.
    pub no_lock: bool,
    /// The index of its log is only read, and is not made.
    pub read_only_shm: bool,
}
