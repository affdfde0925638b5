//! Opening and closing connections.

use std::collections::HashMap;
use std::ffi::{OsStr, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{NonNull, null_mut};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use turso_core::io::Io;
use turso_core::{Backend, Connection, Database, Error, FilePromises, OpenOptions, Result, ResultCode};

use crate::boundary::{Out, Text, entry};
use crate::codes::{BUSY, MISUSE, NOMEM, OK};
use crate::config;
use crate::filename::{self, FileName};
use crate::handle::{Bare, Db, Entered};
use crate::statement_table::Statements;
use crate::uri::{self, Location};
use crate::utf16;

const OPEN_READONLY: c_int = 0x1;
const OPEN_READWRITE: c_int = 0x2;
const OPEN_CREATE: c_int = 0x4;
const OPEN_URI: c_int = 0x40;
const OPEN_MEMORY: c_int = 0x80;
const OPEN_NOMUTEX: c_int = 0x8000;
const OPEN_FULLMUTEX: c_int = 0x1_0000;
const OPEN_SHAREDCACHE: c_int = 0x2_0000;
const OPEN_NOFOLLOW: c_int = 0x0100_0000;
const OPEN_EXRESCODE: c_int = 0x0200_0000;

/// Memory databases by name that connections share (`cache=shared`), with the number of their connections.
static SHARED_MEMORY: LazyLock<Mutex<HashMap<Vec<u8>, (Database, usize)>>> = LazyLock::new(Mutex::default);

/// The options of this face: SQLite's own defaults.
pub fn options(read_only: bool, create: bool) -> OpenOptions {
    OpenOptions {
        read_only,
        create,
        new_uses_wal: false,
        busy_timeout: Duration::ZERO,
        exact_log: true,
        concurrent_upgrade: false,
        ..OpenOptions::default()
    }
}

/// What a name and flags ask for.
struct Wanted {
    location: Location,
    read_only: bool,
    create: bool,
    memory: bool,
    shared: bool,
    no_follow: bool,
    /// Names of attached files may be URIs.
    uri: bool,
    /// A VFS of the application.
    vfs: Option<*mut crate::vfs::sqlite3_vfs>,
}

impl Wanted {
    fn new(name: &[u8], flags: c_int, vfs: Option<&[u8]>) -> Result<Self> {
        let uri = flags & OPEN_URI != 0 || config::uri_enabled();
        let location = if uri && name.starts_with(b"file:") {
            uri::parse(name)?
        } else {
            Location { path: name.to_vec(), ..Location::default() }
        };
        let mut wanted = Self {
            read_only: flags & OPEN_READONLY != 0,
            create: flags & OPEN_CREATE != 0,
            memory: flags & OPEN_MEMORY != 0,
            shared: flags & OPEN_SHAREDCACHE != 0 || config::shared_cache(),
            no_follow: flags & OPEN_NOFOLLOW != 0,
            uri,
            vfs: None,
            location,
        };
        if let Some(mode) = wanted.location.parameter(b"mode") {
            let denied = |mode: &str| Err(Error::new(ResultCode::PERM, format!("access mode not allowed: {mode}")));
            match mode {
                b"ro" => (wanted.read_only, wanted.create) = (true, false),
                b"rw" | b"rwc" if flags & OPEN_READONLY != 0 => return denied(&String::from_utf8_lossy(mode)),
                b"rwc" if flags & OPEN_CREATE == 0 => return denied("rwc"),
                b"rw" => (wanted.read_only, wanted.create) = (false, false),
                b"rwc" => (wanted.read_only, wanted.create) = (false, true),
                b"memory" => wanted.memory = true,
                other => {
                    return Err(Error::sql(format!("no such access mode: {}", String::from_utf8_lossy(other))));
                }
            }
        }
        if let Some(cache) = wanted.location.parameter(b"cache") {
            wanted.shared = match cache {
                b"shared" => true,
                b"private" => false,
                other => {
                    return Err(Error::sql(format!("no such cache mode: {}", String::from_utf8_lossy(other))));
                }
            };
        }
        let vfs = wanted.location.parameter(b"vfs").or(vfs);
        wanted.vfs = crate::vfs::chosen(vfs)?;
        Ok(wanted)
    }

    fn promises(&self) -> FilePromises {
        let is_on = |key| self.location.parameter(key).and_then(filename::truth).unwrap_or(false);
        FilePromises {
            immutable: is_on(b"immutable"),
            no_lock: is_on(b"nolock"),
            read_only_shm: is_on(b"readonly_shm"),
        }
    }

    fn is_memory(&self) -> bool {
        self.memory || self.location.path.is_empty() || self.location.path == b":memory:"
    }

    fn database(&self) -> Result<(Database, Option<Arc<crate::vfs::ForeignIo>>)> {
        let path = Path::new(OsStr::from_bytes(&self.location.path));
        // Memory is there without being made.
        let mut options = options(self.read_only, self.create || self.is_memory());
        options.shared_cache = self.shared;
        options.no_follow = self.no_follow;
        options.uri = self.uri;
        if !self.is_memory() {
            if let Some(vfs) = self.vfs {
                let name = |path: &[u8]| FileName::new(path, &self.location.parameters);
                let io = crate::vfs::io_through(vfs, name(b""));
                let full = io.full_path(path)?;
                let io = crate::vfs::io_through(vfs, name(full.as_os_str().as_bytes()));
                options.backend = Backend::Custom(io.clone());
                return Ok((Database::open_file(&full, self.promises(), options)?, Some(io)));
            }
            let io = crate::vfs::HandedIo::shared();
            if let Some(model) = self.location.parameter(b"modeof").filter(|_| self.create && !self.read_only) {
                io.create_like(path, Path::new(OsStr::from_bytes(model)));
            }
            options.backend = Backend::Custom(io);
            return Ok((Database::open_file(path, self.promises(), options)?, None));
        }
        // What is put aside goes through the VFS, and so does the time.
        options.backend = Backend::Custom(match self.vfs {
            Some(vfs) => crate::vfs::io_through(vfs, FileName::new(b"", &self.location.parameters)),
            None => crate::vfs::HandedIo::shared(),
        });
        if !self.shared || self.location.path.is_empty() {
            let name = if self.location.path.is_empty() && !self.memory { "" } else { ":memory:" };
            return Ok((Database::open(name, options)?, None));
        }
        let mut shared = SHARED_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((database, users)) = shared.get_mut(&self.location.path) {
            *users += 1;
            return Ok((database.clone(), None));
        }
        options.shared_memory = true;
        let database = Database::open(":memory:", options)?;
        shared.insert(self.location.path.clone(), (database.clone(), 1));
        Ok((database, None))
    }
}

/// A shared memory database loses a connection; with the last one it goes.
fn leave_shared(name: &[u8]) {
    let mut shared = SHARED_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, users)) = shared.get_mut(name) {
        *users -= 1;
        if *users == 0 {
            shared.remove(name);
        }
    }
}

/// The failure without the extended code, but with the system's error number.
fn plain_cannot_open(error: &Error) -> Error {
    let mut plain = Error::from_code(ResultCode::CANTOPEN);
    if let (Error::Failed(plain), Error::Failed(error)) = (&mut plain, error) {
        plain.os_error = error.os_error;
    }
    plain
}

fn open(name: &[u8], place: Out<*mut Db>, flags: c_int, vfs: Option<&[u8]>) -> c_int {
    if place.is_null() {
        return MISUSE;
    }
    place.set(null_mut());
    if !matches!(flags & 7, OPEN_READONLY | OPEN_READWRITE | 6) {
        return MISUSE;
    }
    let code = crate::initialize::initialize();
    if code != OK {
        return code;
    }
    let attempt = Wanted::new(name, flags, vfs).and_then(|wanted| {
        let (database, foreign_io) = wanted.database()?;
        let shared = (wanted.is_memory() && wanted.shared && !wanted.location.path.is_empty())
            .then(|| wanted.location.path.clone());
        Ok((wanted, database, foreign_io, shared))
    });
    let mutex = match config::threading(flags & OPEN_NOMUTEX != 0, flags & OPEN_FULLMUTEX != 0) {
        true => crate::mutex::allocate(crate::mutex::RECURSIVE),
        false => null_mut(),
    };
    let (attempt, failure) = match attempt {
        Ok(opened) => (Some(opened), None),
        // What stands in the way of opening has no name of its own here.
        Err(error) if error.is(ResultCode::CANTOPEN) => (None, Some(plain_cannot_open(&error))),
        Err(error) => (None, Some(error)),
    };
    let connection = match &attempt {
        Some((_, database, ..)) => database.connect(),
        None => Database::open(":memory:", options(false, true)).and_then(|database| database.connect()),
    };
    let Ok(connection) = connection else { return NOMEM };
    let (filename, foreign_io, shared) = match attempt {
        Some((wanted, database, foreign_io, shared)) => {
            let file = database.file_path().map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default();
            let shown = if wanted.is_memory() { Vec::new() } else { file };
            (FileName::new(&shown, &wanted.location.parameters), foreign_io, shared)
        }
        None => (FileName::new(name, &[]), None, None),
    };
    let mut db = Db::new(connection, filename, mutex, failure.is_some());
    db.foreign_io = foreign_io;
    // A new connection takes any module.
    let _ = db.connection.create_module("carray", Arc::new(crate::carray::CArray));
    db.extended.set(flags & OPEN_EXRESCODE != 0);
    *db.shared_memory.borrow_mut() = shared;
    let code = match &failure {
        Some(error) => db.fail(error),
        None => OK,
    };
    let db = NonNull::from(Box::leak(db));
    // SAFETY: made just now.
    let _ = unsafe { db.as_ref() }.connection.create_module("sqlite_stmt", Arc::new(Statements::of(db)));
    // SAFETY: made just now.
    crate::file_control::connection_opened(unsafe { db.as_ref() });
    place.set(db.as_ptr());
    if failure.is_some() {
        return code;
    }
    // SAFETY: made just now.
    crate::extension::run_automatic(unsafe { db.as_ref() })
}

/// A connection of a Rust program as C sees it. Its mutex is the only one that guards it.
pub fn adopt(connection: Connection) -> NonNull<Db> {
    crate::initialize::initialize();
    let file = connection.databases().into_iter().next().map(|(_, file)| file).unwrap_or_default();
    let mutex = crate::mutex::allocate(crate::mutex::RECURSIVE);
    let db = NonNull::from(Box::leak(Db::new(connection, FileName::new(file.as_bytes(), &[]), mutex, false)));
    // SAFETY: made just now.
    crate::file_control::connection_opened(unsafe { db.as_ref() });
    db
}

/// Ends what `adopt` has begun, unless the connection goes on elsewhere: functions of it may then be called that know `db`.
pub fn disown(db: NonNull<Db>) {
    // SAFETY: from `adopt`, whose caller gives it back once.
    let db = unsafe { db.as_ref() };
    db.connection.tell_closing();
    db.connection.disconnect_virtual_tables();
    if db.connection.is_last() && db.statements.borrow().is_empty() && db.users.get() == 0 {
        free(db);
    }
}

/// Ends a connection: NULL is fine, statements and other users keep a zombie.
fn close(db: &Bare<Db>, zombie_allowed: bool) -> c_int {
    let Some(db) = db.known() else { return if db.is_null() { OK } else { MISUSE } };
    {
        let _entered = Entered::new(db);
        db.connection.tell_closing();
        // Virtual tables may keep statements of their own.
        db.connection.disconnect_virtual_tables();
        let busy = !db.statements.borrow().is_empty() || db.users.get() > 0;
        if busy && !zombie_allowed {
            return db.fail_with(BUSY, "unable to close due to unfinalized statements or unfinished backups");
        }
        db.zombie.set(true);
        if busy {
            db.mark_gone();
            return OK;
        }
    }
    free(db);
    OK
}

/// Frees a closed connection whose last user is gone. The caller holds no mutex of it.
pub fn free_if_zombie(db: NonNull<Db>) {
    // SAFETY: still there: this is the check after which it may not be.
    let db = unsafe { db.as_ref() };
    if db.zombie.get() && db.statements.borrow().is_empty() && db.users.get() == 0 {
        free(db);
    }
}

fn free(db: &Db) {
    crate::unlock_notify::connection_ended(db);
    crate::file_control::connection_freed(db);
    db.mark_gone();
    let mutex = db.mutex;
    if let Some(name) = db.shared_memory.borrow_mut().take() {
        leave_shared(&name);
    }
    let client_data = db.client_data.take();
    // SAFETY: made by `Box::leak` in `open`, and marked as gone.
    drop(unsafe { Box::from_raw(db.as_ptr()) });
    for entry in client_data {
        crate::codes::destroy(entry.destructor, entry.data);
    }
    crate::mutex::free(mutex);
}

entry! {
    /// Opens a database for reading and writing.
    fn sqlite3_open(name: Text, place: Out<*mut Db>) -> c_int | NOMEM; {
        open(name.bytes().unwrap_or(b":memory:"), place, OPEN_READWRITE | OPEN_CREATE, None)
    }

    /// Opens a database.
    fn sqlite3_open_v2(name: Text, place: Out<*mut Db>, flags: i32, vfs: Text) -> c_int | NOMEM; {
        open(name.bytes().unwrap_or(b":memory:"), place, flags, vfs.bytes())
    }

    /// Opens a database whose name is UTF-16; a new one stores its texts so.
    fn sqlite3_open16(name: *const c_void, place: Out<*mut Db>) -> c_int | NOMEM; {
        let name = utf16::bytes(name, -1, true).map(|bytes| utf16::decode(bytes, utf16::NATIVE));
        let code = open(name.as_deref().unwrap_or(b":memory:"), place, OPEN_READWRITE | OPEN_CREATE, None);
        if let Some(db) = place.get().filter(|db| code == OK && !db.is_null()) {
            // SAFETY: made just now. A database that exists keeps its encoding, so the outcome is of no interest.
            let _ = unsafe { &*db }.connection.execute_batch("PRAGMA encoding = 'UTF-16'");
        }
        code
    }

    /// Closes a connection, unless something of it is still open.
    fn sqlite3_close(db: Bare<Db>) -> c_int | MISUSE; { close(&db, false) }

    /// Closes a connection as soon as everything of it is closed.
    fn sqlite3_close_v2(db: Bare<Db>) -> c_int | MISUSE; { close(&db, true) }
}
