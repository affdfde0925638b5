//! Connections and statements as C holds them, and the cheap checks at the door.
//!
//! Everything in a [`Db`] is reached under its recursive mutex (none with `SQLITE_OPEN_NOMUTEX`: the caller then keeps
//! other threads out), and foreign code may come back in from a callback. So what changes lies in cells, and no borrow is held
//! while foreign code runs.

use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::{CString, c_int, c_void};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use turso_core::{Connection, Error, Outside, ResultCode, Statement};

use turso_value::number;

use crate::boundary::FromC;
use crate::codes::{Destructor, OK};
use crate::error::LastError;
use crate::filename::FileName;
use crate::mutex::{self, sqlite3_mutex};
use crate::value::CValue;

/// Marks a live connection.
const OPEN: u32 = 0xa029_a697;
/// Marks one whose opening failed: it can tell the error and be closed.
const SICK: u32 = 0x4b77_1290;
/// Marks a live statement.
const STATEMENT: u32 = 0x5e47_3c21;
/// What closing leaves behind.
const GONE: u32 = 0x9f3c_2d33;

/// A connection (`sqlite3`).
pub struct Db {
    magic: AtomicU32,
    /// NULL without serialization.
    pub mutex: *mut sqlite3_mutex,
    /// The session.
    pub connection: Connection,
    /// Name of the main database's file.
    pub filename: FileName,
    /// Names of attached files that somebody has asked for, kept until the connection closes.
    pub attached_names: RefCell<Vec<(String, FileName)>>,
    /// What `sqlite3_errcode` and its kin answer.
    pub error: RefCell<LastError>,
    /// The name under which its memory is shared with other connections.
    pub shared_memory: RefCell<Option<Vec<u8>>>,
    /// Extended result codes are returned.
    pub extended: Cell<bool>,
    /// All statements, oldest first.
    pub statements: RefCell<Vec<NonNull<Stmt>>>,
    /// What else keeps the connection open: blobs and backups.
    pub users: Cell<u32>,
    /// Closed by `sqlite3_close_v2` while something was open.
    pub zombie: Cell<bool>,
    /// `sqlite3_limit`.
    pub limits: crate::limit::Lengths,
    /// Switches of `sqlite3_db_config` that are not the engine's.
    pub switches: RefCell<crate::config::Switches>,
    /// `sqlite3_set_clientdata`.
    pub client_data: RefCell<Vec<ClientData>>,
    /// The input and output of the main database, where it goes through a VFS of the application.
    pub foreign_io: Option<std::sync::Arc<crate::vfs::ForeignIo>>,
    /// File objects that C has asked for.
    pub files: RefCell<crate::file_control::Files>,
    /// What functions were registered with.
    pub functions: crate::function::Functions,
    /// What collations were registered with.
    pub collations: RefCell<Vec<crate::collation::Registered>>,
    /// Cells in which arguments are shown to functions, used again.
    pub argument_pool: RefCell<Vec<Vec<Box<CValue>>>>,
    /// What modules of virtual tables were registered with.
    pub modules: RefCell<Vec<std::sync::Arc<crate::vtab::Registered>>>,
    /// Virtual tables under construction, innermost last.
    pub vtab_builds: RefCell<Vec<crate::vtab::Build>>,
    /// `sqlite3_vtab_on_conflict`; outside of a change it is that of a change without a clause.
    pub vtab_on_conflict: Cell<c_int>,
    /// What callbacks were registered with.
    pub hooks: crate::hooks::HookData,
    /// Schema names handed out by `sqlite3_db_name`.
    pub names: RefCell<Vec<CString>>,
    /// A panic was caught while it was in use: its state can no longer be trusted.
    pub broken: Cell<bool>,
    /// Digits of a real that becomes text (`SQLITE_DBCONFIG_FP_DIGITS`).
    pub digits: Cell<u8>,
}

/// A pointer of the application's, by name.
pub struct ClientData {
    /// Its name.
    pub name: Vec<u8>,
    /// The pointer.
    pub data: *mut c_void,
    /// Takes it back.
    pub destructor: Destructor,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StmtState {
    /// Not started, or reset.
    Ready,
    /// A row is there.
    Row,
    /// Over, with this result (extended); to be reset before it runs again.
    Over(c_int),
}

/// A prepared statement (`sqlite3_stmt`).
pub struct Stmt {
    magic: AtomicU32,
    /// Its connection, which outlives it.
    pub db: NonNull<Db>,
    /// Its number in the engine, by which traces name it.
    pub id: u64,
    /// The statement; borrowed while it steps.
    pub inner: RefCell<Statement>,
    /// Of the run, what code that a step calls may ask while `inner` is borrowed.
    pub outside: RefCell<Option<Outside>>,
    /// The text with its NUL.
    pub sql: CString,
    /// The text without its values, once somebody has asked for it.
    pub normalized: OnceCell<CString>,
    /// Made by `sqlite3_prepare`: steps answer `SQLITE_ERROR`, the reset tells what it was.
    pub legacy: bool,
    /// Flags of `sqlite3_prepare_v3`.
    pub flags: u32,
    /// What other threads may ask while it steps.
    pub facts: Facts,
    /// Where it stands.
    pub state: Cell<StmtState>,
    /// How a run of a statement of `sqlite3_prepare` has failed, until the reset tells it.
    pub failure: RefCell<Option<Error>>,
    /// Counts steps: what is cached of a row belongs to one of them.
    pub row_number: Cell<u64>,
    /// Column values as handed out.
    pub columns: RefCell<Vec<Box<CValue>>>,
    /// Names of columns as handed out.
    pub column_texts: RefCell<crate::column::ColumnTexts>,
    /// Names of parameters as handed out.
    pub parameter_names: RefCell<Vec<Option<CString>>>,
    /// Texts about the plan as handed out.
    pub plan_texts: RefCell<Vec<CString>>,
    /// The counters of `sqlite3_stmt_status` when they were last reset, by number.
    pub reset_counters: RefCell<[u64; 9]>,
}

/// What follows from a statement's text. Asked for without the connection's mutex, which a step holds all the while.
pub struct Facts {
    /// Number of its parameters.
    pub parameters: c_int,
    /// It cannot change a file.
    pub reads_only: bool,
    /// 1 for EXPLAIN, 2 for EXPLAIN QUERY PLAN.
    pub explains: AtomicU8,
}

impl Facts {
    fn of(statement: &Statement) -> Self {
        Self {
            parameters: c_int::try_from(statement.parameter_count()).unwrap_or(c_int::MAX),
            reads_only: !statement.may_change_file(),
            explains: AtomicU8::new(statement.explain_mode()),
        }
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        crate::memory::count(-(size_of::<Self>() as i64), -1);
    }
}

impl Drop for Stmt {
    fn drop(&mut self) {
        crate::memory::count(-self.counted_size(), -1);
    }
}

impl Db {
    /// A connection; `sick` when opening it failed.
    pub fn new(connection: Connection, filename: FileName, mutex: *mut sqlite3_mutex, sick: bool) -> Box<Self> {
        crate::memory::count(size_of::<Self>() as i64, 1);
        Box::new(Self {
            magic: AtomicU32::new(if sick { SICK } else { OPEN }),
            mutex,
            connection,
            filename,
            attached_names: RefCell::default(),
            error: RefCell::default(),
            shared_memory: RefCell::default(),
            extended: Cell::new(false),
            statements: RefCell::default(),
            users: Cell::new(0),
            zombie: Cell::new(false),
            limits: Default::default(),
            switches: RefCell::default(),
            client_data: RefCell::default(),
            foreign_io: None,
            files: RefCell::default(),
            functions: RefCell::default(),
            collations: RefCell::default(),
            argument_pool: RefCell::default(),
            modules: RefCell::default(),
            vtab_builds: RefCell::default(),
            vtab_on_conflict: Cell::new(4),
            hooks: Default::default(),
            names: RefCell::default(),
            broken: Cell::new(false),
            digits: Cell::new(crate::config::DIGITS),
        })
    }

    /// Open, and its opening did not fail.
    pub fn is_healthy(&self) -> bool {
        self.magic.load(Ordering::Relaxed) == OPEN
    }

    /// No use of the pointer is allowed from here on.
    pub fn mark_gone(&self) {
        self.magic.store(GONE, Ordering::Relaxed);
    }

    /// The pointer that C holds.
    pub fn as_ptr(&self) -> *mut Db {
        std::ptr::from_ref(self).cast_mut()
    }

    /// Note a success and answer it.
    pub fn ok(&self) -> c_int {
        self.error.borrow_mut().clear();
        OK
    }

    /// Note a failure and answer its code.
    pub fn fail(&self, error: &Error) -> c_int {
        self.error.borrow_mut().set(error);
        self.shown(error.code().0)
    }

    /// Note a failure with the standard text of its code.
    #[track_caller]
    pub fn fail_code(&self, code: c_int) -> c_int {
        self.fail(&Error::from_code(ResultCode(code)))
    }

    /// Note a failure with a text.
    #[track_caller]
    pub fn fail_with(&self, code: c_int, message: impl Into<std::borrow::Cow<'static, str>>) -> c_int {
        self.fail(&Error::new(ResultCode(code), message))
    }

    /// Note how an operation ended, and answer its code.
    pub fn outcome<T>(&self, result: turso_core::Result<T>) -> c_int {
        match result {
            Ok(_) => self.ok(),
            Err(error) => self.fail(&error),
        }
    }

    /// A code as this connection returns it.
    pub fn shown(&self, code: c_int) -> c_int {
        if self.extended.get() { code } else { code & 0xff }
    }

    /// Index of a database by name, in any letter case; `main` without one.
    pub fn database_index(&self, name: Option<&[u8]>) -> Option<usize> {
        let Some(name) = name else { return Some(0) };
        let databases = self.connection.databases();
        let found = databases.iter().position(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        found.or_else(|| name.eq_ignore_ascii_case(b"main").then_some(0))
    }
}

impl Stmt {
    /// A statement of `db`, entered in its list; `sql` where it shall show another text than its own.
    pub fn new(db: &Db, inner: Statement, sql: Option<&[u8]>, legacy: bool, flags: u32) -> NonNull<Self> {
        let sql = CString::new(sql.unwrap_or_else(|| inner.sql())).unwrap_or_default();
        let facts = Facts::of(&inner);
        let boxed = Box::new(Self {
            magic: AtomicU32::new(STATEMENT),
            db: NonNull::from(db),
            id: inner.id(),
            inner: RefCell::new(inner),
            outside: RefCell::default(),
            sql,
            normalized: OnceCell::new(),
            legacy,
            flags,
            facts,
            state: Cell::new(StmtState::Ready),
            failure: RefCell::default(),
            row_number: Cell::new(0),
            columns: RefCell::default(),
            column_texts: RefCell::default(),
            parameter_names: RefCell::default(),
            plan_texts: RefCell::default(),
            reset_counters: RefCell::default(),
        });
        crate::memory::count(boxed.counted_size(), 1);
        let pointer = NonNull::from(Box::leak(boxed));
        db.statements.borrow_mut().push(pointer);
        pointer
    }

    /// Bytes that count as memory in use.
    fn counted_size(&self) -> i64 {
        (size_of::<Self>() + self.sql.as_bytes_with_nul().len()) as i64
    }

    /// Its connection.
    pub fn db(&self) -> &Db {
        // SAFETY: a connection is freed only after its last statement.
        unsafe { self.db.as_ref() }
    }

    /// The pointer that C holds.
    pub fn as_ptr(&self) -> *mut Stmt {
        std::ptr::from_ref(self).cast_mut()
    }

    /// Takes it out of its connection's list and frees it.
    pub fn free(&self) {
        let pointer = NonNull::from(self);
        self.magic.store(GONE, Ordering::Relaxed);
        {
            let mut statements = self.db().statements.borrow_mut();
            if let Some(at) = statements.iter().rposition(|&s| s == pointer) {
                statements.remove(at);
            }
        }
        // SAFETY: made by `Box::leak` in `new`; the mark above keeps a second call away.
        drop(unsafe { Box::from_raw(pointer.as_ptr()) });
    }
}

/// What can be checked when C hands it over.
pub trait Checked {
    /// It is live.
    fn is_live(&self) -> bool;
    /// The mutex that guards it.
    fn guard(&self) -> *mut sqlite3_mutex;
    /// Its connection.
    fn connection(&self) -> &Db;
    /// What the log says where there is none: NULL, or one that is gone.
    fn complaint(null: bool) -> &'static str;
}

impl Checked for Db {
    fn is_live(&self) -> bool {
        self.is_healthy()
    }

    fn guard(&self) -> *mut sqlite3_mutex {
        self.mutex
    }

    fn connection(&self) -> &Db {
        self
    }

    fn complaint(null: bool) -> &'static str {
        match null {
            true => "API call with NULL database connection pointer",
            false => "API call with invalid database connection pointer",
        }
    }
}

impl Checked for Stmt {
    fn is_live(&self) -> bool {
        self.magic.load(Ordering::Relaxed) == STATEMENT
    }

    fn guard(&self) -> *mut sqlite3_mutex {
        self.db().mutex
    }

    fn connection(&self) -> &Db {
        self.db()
    }

    fn complaint(null: bool) -> &'static str {
        if null { "API called with NULL prepared statement" } else { "API called with finalized prepared statement" }
    }
}

/// A connection or statement that C handed over: checked, and its connection's mutex entered until this is dropped.
pub struct Handle<T: Checked> {
    target: Option<NonNull<T>>,
    mutex: *mut sqlite3_mutex,
    /// NULL, where there is no target.
    was_null: bool,
    /// How many digits the thread gave a real before the call, where some connection has a number of its own.
    digits: Option<u8>,
}

impl<T: Checked> FromC for Handle<T> {
    type Raw = *mut T;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: *mut T) -> Self {
        // SAFETY: by the interface's contract a pointer to a live object, NULL, or (which the mark tells most of the time) one
        // that was closed.
        let target = NonNull::new(raw).filter(|target| unsafe { target.as_ref() }.is_live());
        // SAFETY: live, as just checked.
        let mutex = target.map_or(std::ptr::null_mut(), |target| unsafe { target.as_ref() }.guard());
        mutex::enter(mutex);
        let digits = match target {
            Some(target) if crate::config::digits_matter() => {
                // SAFETY: as above.
                let digits = unsafe { target.as_ref() }.connection().digits.get();
                Some(number::set_text_digits(digits))
            }
            _ => None,
        };
        Self { target, mutex, was_null: raw.is_null(), digits }
    }
}

impl<T: Checked> Handle<T> {
    /// The object of a call that is misuse without one, which the log is told.
    pub fn required(&self) -> Option<&T> {
        if self.target.is_none() {
            crate::config::log(crate::codes::MISUSE, T::complaint(self.was_null).as_bytes());
        }
        self.get()
    }

    /// The object; `None` for NULL and what is recognized as closed.
    pub fn get(&self) -> Option<&T> {
        // SAFETY: live when the call began, and this call holds its mutex.
        self.target.map(|target| unsafe { target.as_ref() })
    }
}

impl<T: Checked> Drop for Handle<T> {
    fn drop(&mut self) {
        if let Some(digits) = self.digits {
            number::set_text_digits(digits);
        }
        mutex::leave(self.mutex);
    }
}

/// A connection or statement that C handed over, checked but not locked: for what other threads may call meanwhile, for
/// closing, and for telling the error of a connection that did not open.
pub struct Bare<T>(Option<NonNull<T>>);

impl<T> FromC for Bare<T> {
    type Raw = *mut T;
    // SAFETY: the caller keeps the contract of `FromC::from_c`.
    unsafe fn from_c(raw: *mut T) -> Self {
        Self(NonNull::new(raw))
    }
}

impl<T> Bare<T> {
    /// The object; `None` for NULL.
    pub fn get(&self) -> Option<&T> {
        // SAFETY: by the interface's contract a live object.
        self.0.map(|target| unsafe { target.as_ref() })
    }

    /// True for NULL.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }
}

impl Bare<Db> {
    /// The connection if it is open or did not open properly, but not if it was closed.
    pub fn known(&self) -> Option<&Db> {
        self.get().filter(|db| matches!(db.magic.load(Ordering::Relaxed), OPEN | SICK))
    }
}

impl Bare<Stmt> {
    /// The statement, if it has not been finalized.
    pub fn live(&self) -> Option<&Stmt> {
        self.get().filter(|stmt| stmt.magic.load(Ordering::Relaxed) == STATEMENT)
    }
}

/// Keeps a connection's mutex for a scope.
pub struct Entered(*mut sqlite3_mutex);

impl Entered {
    /// Enters.
    pub fn new(db: &Db) -> Self {
        mutex::enter(db.mutex);
        Self(db.mutex)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        mutex::leave(self.0);
    }
}
