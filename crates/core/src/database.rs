//! Opening databases, and the catalogue that their connections share.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use turso_error::{Error, Result, ResultCode};
use turso_io::{Io, MemoryIo, NoLockIo, PendingIo, ReadOnlyShmIo, ThreadPoolIo};
use turso_schema::Schema;
use turso_storage::{DatabaseFile, Pager};

use crate::connection::{AttachedDb, Connection, Settings, State};
use crate::options::{Backend, FilePromises, OpenOptions};
use crate::uri;

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
    /// It was given no name: a file that is temporary, as SQLite calls it, though it is memory.
    is_temporary: bool,
    schema: Mutex<Option<Arc<Schema>>>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Database {
    /// Open a database. The path `:memory:` (or an empty one) means memory; `file:` begins a URI, unless the options say
    /// otherwise.
    pub fn open(name: &str, mut options: OpenOptions) -> Result<Self> {
        let name = uri::parse(name, &mut options)?;
        Self::open_named(name, options)
    }

    /// Open the file of this path, whatever its name looks like: it need not be UTF-8.
    pub fn open_file(path: &Path, promises: FilePromises, mut options: OpenOptions) -> Result<Self> {
        let mut io = io_of(&options.backend);
        if options.no_follow && path.ancestors().any(Path::is_symlink) {
            return Err(Error::from_code(ResultCode::CANTOPEN_SYMLINK));
        }
        if promises.no_lock {
            // The index of a log is shared memory, which needs locks.
            options.new_uses_wal = false;
            io = Arc::new(NoLockIo::new(io));
        }
        if promises.read_only_shm {
            io = Arc::new(ReadOnlyShmIo::new(io));
        }
        Self::open_through(io, path, promises.immutable, options)
    }

    fn open_through(io: Arc<dyn Io>, path: &Path, immutable: bool, options: OpenOptions) -> Result<Self> {
        let open = turso_storage::OpenOptions {
            read_only: options.read_only,
            create: options.create,
            wal: options.new_uses_wal,
            page_size: DEFAULT_PAGE_SIZE,
            immutable,
        };
        let file = DatabaseFile::open(io, path, open)?;
        if options.exact_log {
            file.keep_log_exact();
        }
        let shown = file.path().to_string_lossy().into();
        Ok(Self {
            shared: Arc::new(Shared {
                path: shown,
                options,
                file: Some(file),
                is_temporary: false,
                schema: Mutex::new(None),
            }),
        })
    }

    fn open_named(name: uri::FileName, mut options: OpenOptions) -> Result<Self> {
        options.shared_cache = name.shared.unwrap_or(options.shared_cache);
        let shared = name.shared == Some(true);
        let path = name.path.as_str();
        let in_memory =
            name.memory || path.is_empty() || path == ":memory:" || matches!(options.backend, Backend::Memory);
        let backend = io_of(&options.backend).for_uri(Path::new(path), &name.parameters)?;
        if !in_memory {
            if let Some(io) = backend {
                options.backend = Backend::Custom(io);
            }
            if let Some(model) = name.model.as_deref().filter(|_| options.create && !options.read_only) {
                io_of(&options.backend).create_like(Path::new(path), Path::new(model));
            }
            return Self::open_file(Path::new(path), name.promises, options);
        }
        if name.memory && shared && !path.is_empty() {
            return Self::open_named_memory(path, options);
        }
        if !options.shared_memory && !shared {
            let is_temporary = path.is_empty() && !name.memory;
            let private = Shared { path: "".into(), options, file: None, is_temporary, schema: Mutex::new(None) };
            return Ok(Self { shared: Arc::new(private) });
        }
        let mut database = Self::open_through(Arc::new(MemoryIo::new()), Path::new("memory.db"), false, options)?;
        if let Some(shared) = Arc::get_mut(&mut database.shared) {
            shared.path = "".into();
        }
        Ok(database)
    }

    /// The database in memory that everybody in this process means by this name, as long as anybody uses it.
    fn open_named_memory(name: &str, options: OpenOptions) -> Result<Self> {
        static NAMED: LazyLock<Mutex<HashMap<String, Weak<Shared>>>> = LazyLock::new(Mutex::default);
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = named.get(name).and_then(Weak::upgrade) {
            return Ok(Self { shared });
        }
        named.retain(|_, weak| weak.strong_count() > 0);
        let open = turso_storage::OpenOptions { page_size: DEFAULT_PAGE_SIZE, ..Default::default() };
        let file = DatabaseFile::open(Arc::new(MemoryIo::new()), Path::new("memory.db"), open)?;
        let shared = Arc::new(Shared {
            path: "".into(),
            options,
            file: Some(file),
            is_temporary: false,
            schema: Mutex::new(None),
        });
        named.insert(name.to_owned(), Arc::downgrade(&shared));
        Ok(Self { shared })
    }

    /// A new session.
    pub fn connect(&self) -> Result<Connection> {
        let options = &self.shared.options;
        let main = self.new_entry("main");
        let state = State::new(vec![main, AttachedDb::temp()], options.clone());
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
        if self.shared.is_temporary {
            (entry.is_temporary_file, entry.told_mode) = (true, turso_storage::JournalMode::Delete);
        }
        // Nothing will ever be in it.
        entry.read_only = self.shared.file.is_none() && self.shared.options.read_only;
        entry.database = self.shared.file.is_some().then(|| self.clone());
        entry.shares_cache = self.shared.options.shared_cache;
        if let Some(pages) = self.shared.options.cache_pages {
            entry.pager.set_cache_pages(pages);
        }
        entry
    }

    /// The absolute path; empty for memory.
    pub fn path(&self) -> &str {
        &self.shared.path
    }

    /// The file, where there is one.
    pub fn file_path(&self) -> Option<&Path> {
        self.shared.file.as_ref().map(|file| file.path())
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
        Backend::Asynchronous => turso_io::asynchronous_io(),
        Backend::ThreadPool => Arc::new(ThreadPoolIo::new(turso_io::default_io(), POOL_THREADS)),
        Backend::AlwaysPending => Arc::new(PendingIo::new(turso_io::default_io())),
        Backend::Custom(io) => io.clone(),
    }
}

impl AttachedDb {
    /// The database of temporary tables, empty.
    pub(crate) fn temp() -> Self {
        let mut temp = Self::new("temp", Pager::in_memory(DEFAULT_PAGE_SIZE));
        temp.schema = Some(Arc::new(Schema::empty(true)));
        temp.cache_size = Some(0);
        temp
    }

    pub(crate) fn new(name: &str, pager: Pager) -> Self {
        Self {
            name: name.into(),
            file: "".into(),
            database: None,
            pager,
            image_limit: None,
            is_temporary_file: false,
            told_mode: turso_storage::JournalMode::Memory,
            schema: None,
            schema_before: None,
            statistics_stale: false,
            snapshot_used: false,
            read_only: false,
            cache_size: None,
            shares_cache: false,
            reserved_wanted: 0,
            loading: None,
            plain_statistics: None,
        }
    }
}

impl Settings {
    pub(crate) fn new(options: &crate::options::OpenOptions) -> Self {
        Self {
            foreign_keys: false,
            recursive_triggers: false,
            query_only: false,
            case_sensitive_like: false,
            ignore_check_constraints: false,
            automatic_index: true,
            tier: turso_planner::Tier::Auto,
            count_changes: false,
            require_where: false,
            reads_uncommitted: false,
            defer_foreign_keys: false,
            no_foreign_key_actions: false,
            full_column_names: false,
            short_column_names: true,
            reverse_unordered_selects: false,
            legacy_alter_table: false,
            writable_schema: false,
            trusted_schema: true,
            cell_size_check: false,
            switches: Default::default(),
            temp_store: 0,
            temp_journal_mode: turso_storage::JournalMode::Delete,
            locks_exclusively: false,
            serializable: false,
            concurrent_upgrade: options.concurrent_upgrade,
            cache_spills: true,
            cache_spill_pages: 0,
            next_page_size: None,
            next_auto_vacuum: None,
            busy_timeout: options.busy_timeout,
            wal_autocheckpoint: DEFAULT_AUTOCHECKPOINT,
            analysis_limit: 0,
            plain: Vec::new(),
        }
    }
}
