//! Opening databases, and the catalogue that their connections share.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use turso_error::Result;
use turso_io::{Io, MemoryIo, PendingIo, ThreadPoolIo};
use turso_schema::Schema;
use turso_storage::{DatabaseFile, Pager};

use crate::connection::{AttachedDb, Connection, Settings, State};
use crate::options::{Backend, OpenOptions};

/// The page size of new databases.
const DEFAULT_PAGE_SIZE: u32 = 4096;

/// Frames of the log after which a commit is followed by a checkpoint, unless the application says otherwise.
const DEFAULT_AUTOCHECKPOINT: u32 = 1000;

/// Threads that serve the asynchronous face of one database.
const POOL_THREADS: usize = 4;

/// A database: a file of this process, or memory. Clones are the same database.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    path: Arc<str>,
    options: OpenOptions,
    /// `None`: memory that is private to each connection.
    file: Option<Arc<DatabaseFile>>,
    schema: Mutex<Option<Arc<Schema>>>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Database {
    /// Open a database. The path `:memory:` (or an empty one) means memory.
    pub fn open(path: &str, options: OpenOptions) -> Result<Self> {
        let in_memory = path.is_empty() || path == ":memory:" || matches!(options.backend, Backend::Memory);
        let file = if in_memory && !options.shared_memory {
            None
        } else {
            let io = if in_memory { Arc::new(MemoryIo::new()) as Arc<dyn Io> } else { io_of(&options.backend) };
            let name = if in_memory { "memory.db" } else { path };
            let open = turso_storage::OpenOptions {
                read_only: options.read_only,
                create: options.create,
                wal: options.new_uses_wal,
                page_size: DEFAULT_PAGE_SIZE,
                ..turso_storage::OpenOptions::default()
            };
            Some(DatabaseFile::open(io, Path::new(name), open)?)
        };
        let shown: Arc<str> = match &file {
            Some(file) if !in_memory => file.path().to_string_lossy().into(),
            _ => "".into(),
        };
        Ok(Self { shared: Arc::new(Shared { path: shown, options, file, schema: Mutex::new(None) }) })
    }

    /// A new session.
    pub fn connect(&self) -> Result<Connection> {
        let options = &self.shared.options;
        let main = self.new_entry("main");
        let mut temp = AttachedDb::new("temp", Pager::in_memory(DEFAULT_PAGE_SIZE));
        temp.schema = Some(Arc::new(Schema::empty(true)));
        let state = State::new(vec![main, temp], options.clone());
        Ok(Connection::new(state))
    }

    /// This database as one of a connection's, under the given name.
    pub(crate) fn new_entry(&self, name: &str) -> AttachedDb {
        let pager = match &self.shared.file {
            Some(file) => Pager::open(file.clone()),
            None => Pager::in_memory(DEFAULT_PAGE_SIZE),
        };
        let mut entry = AttachedDb::new(name, pager);
        entry.file = self.shared.path.clone();
        entry.database = self.shared.file.is_some().then(|| self.clone());
        if let Some(pages) = self.shared.options.cache_pages {
            entry.pager.set_cache_pages(pages);
        }
        entry
    }

    /// The absolute path; empty for memory.
    pub fn path(&self) -> &str {
        &self.shared.path
    }

    /// The catalogue that some connection has read under this schema cookie.
    pub(crate) fn shared_schema(&self, cookie: u32) -> Option<Arc<Schema>> {
        let guard = self.shared.schema.lock().unwrap_or_else(PoisonError::into_inner);
        guard.as_ref().filter(|s| s.cookie == cookie).cloned()
    }

    /// Offer a committed catalogue to the other connections.
    pub(crate) fn share_schema(&self, schema: &Arc<Schema>) {
        *self.shared.schema.lock().unwrap_or_else(PoisonError::into_inner) = Some(schema.clone());
    }
}

pub(crate) fn io_of(backend: &Backend) -> Arc<dyn Io> {
    match backend {
        Backend::Default | Backend::Syscall => turso_io::default_io(),
        Backend::Memory => Arc::new(MemoryIo::new()),
        Backend::ThreadPool => Arc::new(ThreadPoolIo::new(turso_io::default_io(), POOL_THREADS)),
        Backend::AlwaysPending => Arc::new(PendingIo::new(turso_io::default_io())),
        Backend::Custom(io) => io.clone(),
    }
}

impl AttachedDb {
    pub(crate) fn new(name: &str, pager: Pager) -> Self {
        Self {
            name: name.into(),
            file: "".into(),
            database: None,
            pager,
            schema: None,
            schema_before: None,
            statistics_stale: false,
            snapshot_used: false,
            read_only: false,
            loading: None,
        }
    }
}

impl Settings {
    pub(crate) fn new(busy_timeout: std::time::Duration) -> Self {
        Self {
            foreign_keys: false,
            recursive_triggers: false,
            query_only: false,
            case_sensitive_like: false,
            ignore_check_constraints: false,
            automatic_index: true,
            defer_foreign_keys: false,
            full_column_names: false,
            short_column_names: true,
            reverse_unordered_selects: false,
            legacy_alter_table: false,
            writable_schema: false,
            trusted_schema: true,
            cell_size_check: false,
            temp_store: 0,
            locks_exclusively: false,
            cache_spills: true,
            cache_spill_pages: 0,
            next_page_size: None,
            next_auto_vacuum: None,
            busy_timeout,
            wal_autocheckpoint: DEFAULT_AUTOCHECKPOINT,
            plain: Vec::new(),
        }
    }
}
