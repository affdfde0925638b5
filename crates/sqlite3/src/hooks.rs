//! What the application is asked and told: authorizer, trace, progress, busy, commit, rollback, updates, log.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use turso_core::hooks::{AuthRequest, Authorization, Preupdate, RowAction, TraceEvent, TracedStatement, trace_mask};
use turso_core::{Error, ResultCode};

use crate::boundary::{Out, Text, entry};
use crate::codes::{Destructor, ERROR, INTERNAL, MISUSE, OK, RANGE, destroy};
use crate::error::c_string;
use crate::handle::{Db, Handle};
use crate::value::CValue;

type AutoVacuum = Option<unsafe extern "C" fn(*mut c_void, *const c_char, c_uint, c_uint, c_uint) -> c_uint>;
type Commit = Option<unsafe extern "C" fn(*mut c_void) -> c_int>;
type Rollback = Option<unsafe extern "C" fn(*mut c_void)>;
type Update = Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, i64)>;
type Wal = Option<unsafe extern "C" fn(*mut c_void, *mut Db, *const c_char, c_int) -> c_int>;
type BusyCallback = Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>;
type Authorize = Option<
    unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, *const c_char, *const c_char) -> c_int,
>;
type Trace = Option<unsafe extern "C" fn(*mut c_void, *const c_char)>;
type Profile = Option<unsafe extern "C" fn(*mut c_void, *const c_char, u64)>;
type TraceV2 = Option<unsafe extern "C" fn(c_uint, *mut c_void, *mut c_void, *mut c_void) -> c_int>;
type PreupdateCallback =
    Option<unsafe extern "C" fn(*mut c_void, *mut Db, c_int, *const c_char, *const c_char, i64, i64)>;

/// The pointers that callbacks were registered with, which the next registration answers.
#[derive(Default)]
pub struct HookData {
    commit: Cell<Pointer>,
    rollback: Cell<Pointer>,
    update: Cell<Pointer>,
    preupdate: Cell<Pointer>,
    wal: Cell<Pointer>,
    trace: Cell<(Trace, Pointer)>,
    profile: Cell<(Profile, Pointer)>,
    /// The statement that a tracer is being told of.
    traced: Cell<Option<NonNull<TracedStatement<'static>>>>,
    /// The row that changes, for the time of a preupdate callback.
    row: Cell<Option<NonNull<ChangingRow>>>,
}

/// A row that changes, with the values that C has asked for.
struct ChangingRow {
    event: *const Preupdate<'static>,
    old: RefCell<Vec<Option<Box<CValue>>>>,
    new: RefCell<Vec<Option<Box<CValue>>>>,
}

/// A pointer of the application's that goes through callbacks.
#[derive(Clone, Copy)]
pub(crate) struct Pointer(pub(crate) *mut c_void);

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl Default for Pointer {
    fn default() -> Self {
        Self(null_mut())
    }
}

/// A connection that its callbacks name.
#[derive(Clone, Copy)]
struct Owner(NonNull<Db>);

// SAFETY: as for `Pointer`.
unsafe impl Send for Owner {}
// SAFETY: as above.
unsafe impl Sync for Owner {}

impl Owner {
    fn db(&self) -> &Db {
        // SAFETY: callbacks run within a call of their connection.
        unsafe { self.0.as_ref() }
    }

    fn as_ptr(&self) -> *mut Db {
        self.0.as_ptr()
    }
}

impl Pointer {
    pub(crate) fn get(&self) -> *mut c_void {
        self.0
    }
}

/// A pointer that is given back to its owner with the callback it was registered with.
struct Owned {
    data: Pointer,
    destructor: Destructor,
}

impl Owned {
    fn get(&self) -> *mut c_void {
        self.data.get()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        destroy(self.destructor, self.data.get());
    }
}

fn optional(text: Option<&str>) -> Option<CString> {
    text.map(|text| c_string(text.as_bytes()))
}

fn pointer_of(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

impl Db {
    /// The statement object of a statement that the engine tells of.
    fn statement_of(&self, traced: &TracedStatement<'_>) -> *mut c_void {
        // SAFETY: statements in the list are live.
        let found = self.statements.borrow().iter().copied().find(|s| unsafe { s.as_ref() }.id == traced.id);
        found.map_or(null_mut(), |stmt| stmt.as_ptr().cast())
    }

    /// Asks a statement that a tracer is being told of: it steps, and cannot be asked itself.
    pub fn ask_traced<T>(&self, id: u64, ask: impl FnOnce(&TracedStatement<'_>) -> T) -> Option<T> {
        // SAFETY: set for the time of the callback that asks.
        let traced = self.hooks.traced.get().map(|traced| unsafe { traced.as_ref() })?;
        (traced.id == id).then(|| ask(traced))
    }

    fn install_legacy_trace(&self) {
        let ((trace, trace_data), (profile, profile_data)) = (self.hooks.trace.get(), self.hooks.profile.get());
        let mask = if trace.is_some() { trace_mask::STATEMENT } else { 0 }
            | if profile.is_some() { trace_mask::PROFILE } else { 0 };
        if mask == 0 {
            self.connection.set_tracer(0, None);
            return;
        }
        self.connection.set_tracer(
            mask,
            Some(Arc::new(move |event: &TraceEvent<'_>| {
                // SAFETY: the interface's contract of both callbacks.
                unsafe {
                    match (event, trace, profile) {
                        (TraceEvent::Statement(traced), Some(trace), _) => {
                            trace(trace_data.get(), c_string(traced.expanded_sql().as_ref()).as_ptr());
                        }
                        (TraceEvent::Nested(traced), Some(trace), _) => {
                            let lines = traced.sql.split_inclusive(|byte| *byte == b'\n');
                            let text: Vec<u8> = lines.flat_map(|line| [b"-- ".as_slice(), line].concat()).collect();
                            trace(trace_data.get(), c_string(&text).as_ptr());
                        }
                        (TraceEvent::Trigger(_, text), Some(trace), _) => {
                            trace(trace_data.get(), c_string(text.as_bytes()).as_ptr());
                        }
                        (TraceEvent::Profile(traced, took), _, Some(profile)) => {
                            profile(profile_data.get(), c_string(traced.sql).as_ptr(), took.as_nanos() as u64);
                        }
                        _ => {}
                    }
                }
            })),
        );
    }

    fn preupdate<T>(&self, absent: T, look: impl FnOnce(&ChangingRow, &Preupdate<'static>) -> T) -> T {
        match self.hooks.row.get() {
            // SAFETY: set for the time of the callback that asks.
            Some(row) => unsafe { look(row.as_ref(), &*row.as_ref().event) },
            None => absent,
        }
    }
}

fn changed_value(
    cells: &RefCell<Vec<Option<Box<CValue>>>>,
    values: &[turso_value::Value],
    index: c_int,
    place: Out<*mut CValue>,
) -> c_int {
    let Ok(index) = usize::try_from(index) else { return RANGE };
    let Some(value) = values.get(index) else { return MISUSE };
    let mut cells = cells.borrow_mut();
    if cells.len() <= index {
        cells.resize_with(values.len(), || None);
    }
    if let Some(cell) = cells.get_mut(index) {
        let cell = cell.get_or_insert_with(|| Box::new(CValue::new(value.clone())));
        place.set(std::ptr::from_ref::<CValue>(cell).cast_mut());
    }
    OK
}

entry! {
    /// Asked before commits: not 0 rolls back.
    fn sqlite3_commit_hook(db: Handle<Db>, callback: Commit, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let pointer = Pointer(data);
        db.connection.set_commit_hook(callback.map(|callback| {
            // SAFETY: the interface's contract.
            let hook: turso_core::hooks::CommitHook = Arc::new(move || unsafe { callback(pointer.get()) != 0 });
            hook
        }));
        db.hooks.commit.replace(pointer).0
    }

    /// Told of rollbacks.
    fn sqlite3_rollback_hook(db: Handle<Db>, callback: Rollback, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let pointer = Pointer(data);
        db.connection.set_rollback_hook(callback.map(|callback| {
            // SAFETY: the interface's contract.
            let hook: turso_core::hooks::RollbackHook = Arc::new(move || unsafe { callback(pointer.get()) });
            hook
        }));
        db.hooks.rollback.replace(pointer).0
    }

    /// Told of changed rows.
    fn sqlite3_update_hook(db: Handle<Db>, callback: Update, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let pointer = Pointer(data);
        db.connection.set_update_hook(callback.map(|callback| {
            let hook: turso_core::hooks::UpdateHook = Arc::new(move |action: RowAction, database: &str, table: &str, rowid| {
                let (database, table) = (c_string(database.as_bytes()), c_string(table.as_bytes()));
                // SAFETY: the interface's contract.
                unsafe { callback(pointer.get(), action as c_int, database.as_ptr(), table.as_ptr(), rowid) }
            });
            hook
        }));
        db.hooks.update.replace(pointer).0
    }

    /// Told of rows that change, with their values.
    fn sqlite3_preupdate_hook(db: Handle<Db>, callback: PreupdateCallback, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let (pointer, owner) = (Pointer(data), Owner(NonNull::from(db)));
        db.connection.set_preupdate_hook(callback.map(|callback| {
            let hook: turso_core::hooks::PreupdateHook = Arc::new(move |event: &Preupdate<'_>| {
                let row = ChangingRow {
                    event: std::ptr::from_ref(event).cast(),
                    old: RefCell::default(),
                    new: RefCell::default(),
                };
                let before = owner.db().hooks.row.replace(Some(NonNull::from(&row)));
                let (database, table) = (c_string(event.database.as_bytes()), c_string(event.table.as_bytes()));
                // SAFETY: the interface's contract.
                unsafe {
                    callback(
                        pointer.get(), owner.as_ptr(), event.action as c_int, database.as_ptr(), table.as_ptr(),
                        event.old_rowid, event.new_rowid,
                    );
                }
                owner.db().hooks.row.set(before);
            });
            hook
        }));
        db.hooks.preupdate.replace(pointer).0
    }

    /// A value before the change.
    fn sqlite3_preupdate_old(db: Handle<Db>, index: i32, place: Out<*mut CValue>) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        place.set(null_mut());
        db.preupdate(MISUSE, |row, event| match event.action {
            RowAction::Insert => db.fail_code(MISUSE),
            _ => match changed_value(&row.old, event.old, index, place) {
                OK => OK,
                MISUSE if event.without_rowid => db.fail_code(RANGE),
                code => db.fail_code(code),
            },
        })
    }

    /// A value after the change.
    fn sqlite3_preupdate_new(db: Handle<Db>, index: i32, place: Out<*mut CValue>) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        place.set(null_mut());
        db.preupdate(MISUSE, |row, event| match event.action {
            RowAction::Delete => db.fail_code(MISUSE),
            _ => match changed_value(&row.new, event.new, index, place) {
                OK => OK,
                MISUSE if event.without_rowid => db.fail_code(RANGE),
                code => db.fail_code(code),
            },
        })
    }

    /// Number of columns of the row that changes.
    fn sqlite3_preupdate_count(db: Handle<Db>) -> c_int | 0; {
        db.get().map_or(0, |db| db.preupdate(0, |_, event| event.column_count() as c_int))
    }

    /// How deep in triggers the change is.
    fn sqlite3_preupdate_depth(db: Handle<Db>) -> c_int | 0; {
        db.get().map_or(0, |db| db.preupdate(0, |_, event| event.depth as c_int))
    }

    /// The column that incremental blob writing changes; -1 for none.
    fn sqlite3_preupdate_blobwrite(db: Handle<Db>) -> c_int | -1; {
        db.get().map_or(-1, |db| db.preupdate(-1, |_, event| event.blob_column.map_or(-1, |column| column as c_int)))
    }

    /// Told of commits in WAL mode.
    fn sqlite3_wal_hook(db: Handle<Db>, callback: Wal, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let (pointer, owner) = (Pointer(data), Owner(NonNull::from(db)));
        db.connection.set_wal_hook(callback.map(|callback| {
            let hook: turso_core::hooks::WalHook = Arc::new(move |database: &str, frames: u32| {
                let database = c_string(database.as_bytes());
                // SAFETY: the interface's contract.
                let code = unsafe { callback(pointer.get(), owner.as_ptr(), database.as_ptr(), frames as c_int) };
                if code == OK { Ok(()) } else { Err(Error::from_code(ResultCode(code))) }
            });
            hook
        }));
        db.hooks.wal.replace(pointer).0
    }

    /// Frames in the log after which a commit is followed by a checkpoint.
    fn sqlite3_wal_autocheckpoint(db: Handle<Db>, frames: i32) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        db.connection.set_wal_autocheckpoint(u32::try_from(frames).unwrap_or(0));
        OK
    }

    /// Asked whether to wait for a lock.
    fn sqlite3_busy_handler(db: Handle<Db>, callback: BusyCallback, data: *mut c_void) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let pointer = Pointer(data);
        db.connection.set_busy_handler(callback.map(|callback| {
            // SAFETY: the interface's contract.
            let handler: turso_core::hooks::BusyHandler = Arc::new(move |times| unsafe { callback(pointer.get(), times as c_int) != 0 });
            handler
        }));
        OK
    }

    /// Asked now and then whether to go on.
    fn sqlite3_progress_handler(db: Handle<Db>, instructions: i32, callback: Commit, data: *mut c_void) | (); {
        let Some(db) = db.get() else { return };
        let pointer = Pointer(data);
        let handler = callback.map(|callback| {
            // SAFETY: the interface's contract.
            let handler: turso_core::hooks::ProgressHandler = Arc::new(move || unsafe { callback(pointer.get()) != 0 });
            handler
        });
        db.connection.set_progress_handler(u32::try_from(instructions).unwrap_or(0), handler);
    }

    /// Asked what statements may do.
    fn sqlite3_set_authorizer(db: Handle<Db>, callback: Authorize, data: *mut c_void) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let pointer = Pointer(data);
        db.connection.set_authorizer(callback.map(|callback| {
            let authorizer: turso_core::hooks::Authorizer = Arc::new(move |request: &AuthRequest<'_>| {
                let texts = [request.first, request.second, request.database, request.object].map(optional);
                let [first, second, database, object] = texts.each_ref().map(pointer_of);
                // SAFETY: the interface's contract.
                match unsafe { callback(pointer.get(), request.action as c_int, first, second, database, object) } {
                    0 => Authorization::Allow,
                    1 => Authorization::Deny,
                    2 => Authorization::Ignore,
                    _ => Authorization::Malfunction,
                }
            });
            authorizer
        }));
        OK
    }

    /// Obsolete: told of statements that begin.
    fn sqlite3_trace(db: Handle<Db>, callback: Trace, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let before = db.hooks.trace.replace((callback, Pointer(data))).1;
        db.hooks.profile.set((None, db.hooks.profile.get().1));
        db.install_legacy_trace();
        before.0
    }

    /// Obsolete: told of statements that have ended.
    fn sqlite3_profile(db: Handle<Db>, callback: Profile, data: *mut c_void) -> *mut c_void | null_mut(); {
        let Some(db) = db.get() else { return null_mut() };
        let before = db.hooks.profile.replace((callback, Pointer(data))).1;
        db.hooks.trace.set((None, db.hooks.trace.get().1));
        db.install_legacy_trace();
        before.0
    }

    /// Told what statements do.
    fn sqlite3_trace_v2(db: Handle<Db>, mask: u32, callback: TraceV2, data: *mut c_void) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        db.hooks.trace.set(Default::default());
        db.hooks.profile.set(Default::default());
        let Some(callback) = callback.filter(|_| mask != 0) else {
            db.connection.set_tracer(0, None);
            return OK;
        };
        let (pointer, owner) = (Pointer(data), Owner(NonNull::from(db)));
        db.connection.set_tracer(mask, Some(Arc::new(move |event: &TraceEvent<'_>| {
            let traced = match event {
                TraceEvent::Statement(traced)
                | TraceEvent::Nested(traced)
                | TraceEvent::Trigger(traced, _)
                | TraceEvent::Profile(traced, _)
                | TraceEvent::Row(traced) => Some(NonNull::from(traced).cast()),
                TraceEvent::Close => None,
            };
            let call = |kind: u32, subject: *mut c_void, more: *mut c_void| {
                // What runs before any statement of the application does is nobody's.
                if subject.is_null() {
                    return;
                }
                let before = owner.db().hooks.traced.replace(traced);
                // SAFETY: the interface's contract.
                unsafe { callback(kind, pointer.get(), subject, more) };
                owner.db().hooks.traced.set(before);
            };
            match event {
                TraceEvent::Statement(traced) => {
                    let sql = c_string(traced.sql);
                    call(trace_mask::STATEMENT, owner.db().statement_of(traced), sql.as_ptr().cast_mut().cast());
                }
                TraceEvent::Nested(traced) => {
                    let sql = c_string([b"-- ".as_slice(), traced.sql].concat().as_slice());
                    call(trace_mask::STATEMENT, owner.db().statement_of(traced), sql.as_ptr().cast_mut().cast());
                }
                TraceEvent::Trigger(traced, text) => {
                    let text = c_string(text.as_bytes());
                    call(trace_mask::STATEMENT, owner.db().statement_of(traced), text.as_ptr().cast_mut().cast());
                }
                TraceEvent::Profile(traced, took) => {
                    let mut nanoseconds = took.as_nanos() as i64;
                    call(trace_mask::PROFILE, owner.db().statement_of(traced), (&raw mut nanoseconds).cast());
                }
                TraceEvent::Row(traced) => call(trace_mask::ROW, owner.db().statement_of(traced), null_mut()),
                TraceEvent::Close => call(trace_mask::CLOSE, owner.as_ptr().cast(), null_mut()),
            }
        })));
        OK
    }

    /// Moves the log into the database.
    fn sqlite3_wal_checkpoint(db: Handle<Db>, name: Text) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        crate::wal::checkpoint(db, name.bytes(), 0, Out::new(null_mut()), Out::new(null_mut()))
    }

    /// Moves the log into the database in one of four ways.
    fn sqlite3_wal_checkpoint_v2(
        db: Handle<Db>, name: Text, mode: i32, frames: Out<c_int>, checkpointed: Out<c_int>,
    ) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        crate::wal::checkpoint(db, name.bytes(), mode, frames, checkpointed)
    }

    /// Asked how much of a database a commit gives back.
    fn sqlite3_autovacuum_pages(
        db: Handle<Db>, callback: AutoVacuum, data: *mut c_void, destructor: Destructor,
    ) -> c_int | ERROR; {
        let Some(db) = db.get() else { return MISUSE };
        db.connection.set_auto_vacuum_hook(callback.map(|callback| {
            let owned = Owned { data: Pointer(data), destructor };
            let hook: turso_core::hooks::AutoVacuumHook = Arc::new(move |database: &str, pages, free, size| {
                let database = c_string(database.as_bytes());
                // SAFETY: the interface's contract.
                unsafe { callback(owned.get(), database.as_ptr(), pages, free, size) }
            });
            hook
        }));
        OK
    }
}
