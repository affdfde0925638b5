//! Tables: changes, transactions and the rest of what a module does for one.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use turso_core::{Error, Result, ResultCode};
use turso_functions::{Arity, Function as EngineFunction, FunctionDef, FunctionFlags};
use turso_value::Value;
use turso_vtab::{Answer, Arguments, Change, Cursor, OnConflict, Overload, Question, Session, VirtualTable};

use super::cursor::ForeignCursor;
use super::module::Registered;
use super::objects::*;
use super::plan::IndexInfo;
use super::{lent, outcome};
use crate::boundary::Text;
use crate::codes::{CONSTRAINT, OK, READONLY};
use crate::error::c_string;
use crate::handle::Db;
use crate::memory;
use crate::value::CValue;

/// A function that overloads another for the columns of a table has this number at least where it is a constraint too.
const FIRST_FUNCTION: c_int = 150;

/// A table of the application.
pub struct ForeignTable {
    db: NonNull<Db>,
    table: *mut sqlite3_vtab,
    methods: *const sqlite3_module,
    database: CString,
    name: CString,
    /// Disconnected or destroyed.
    gone: Cell<bool>,
    /// The module's data, which the table may use until it is gone.
    _registered: Arc<Registered>,
}

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for ForeignTable {}
// SAFETY: as above.
unsafe impl Sync for ForeignTable {}

impl ForeignTable {
    /// A table that a constructor has made.
    pub fn new(
        db: NonNull<Db>,
        table: *mut sqlite3_vtab,
        methods: *const sqlite3_module,
        registered: Arc<Registered>,
        arguments: &Arguments<'_>,
    ) -> Self {
        Self {
            db,
            table,
            methods,
            database: c_string(arguments.database.as_bytes()),
            name: c_string(arguments.table.as_bytes()),
            gone: Cell::new(false),
            _registered: registered,
        }
    }

    fn methods(&self) -> &sqlite3_module {
        // SAFETY: the interface's contract: the methods stay as long as a table of theirs is connected.
        unsafe { &*self.methods }
    }

    /// Calls a method on the table, where there is one.
    fn call(&self, session: &mut dyn Session, method: Option<OnTable>) -> Result<()> {
        let Some(method) = method.filter(|_| !self.gone.get()) else { return Ok(()) };
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { method(self.table) })?;
        outcome(self.table, code)
    }

    fn call_level(&self, session: &mut dyn Session, method: Option<OnLevel>, level: i32) -> Result<()> {
        let in_use = !self.gone.get() && self.methods().version >= 2;
        let Some(method) = method.filter(|_| in_use) else { return Ok(()) };
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { method(self.table, level) })?;
        outcome(self.table, code)
    }
}

impl Drop for ForeignTable {
    fn drop(&mut self) {
        if let Some(disconnect) = self.methods().disconnect.filter(|_| !self.gone.get()) {
            // SAFETY: connected, and nobody uses it any more.
            unsafe { disconnect(self.table) };
        }
    }
}

impl VirtualTable for ForeignTable {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let Some(best_index) = self.methods().best_index else { return Ok(Some(Answer::new(question))) };
        let mut info = IndexInfo::new(question);
        // SAFETY: the interface's contract.
        match unsafe { best_index(self.table, info.as_ptr()) } {
            OK => Ok(Some(info.answer())),
            CONSTRAINT => {
                let _ = outcome(self.table, OK);
                Ok(None)
            }
            code => outcome(self.table, code).map(|()| None),
        }
    }

    fn plans_with_connection(&self) -> bool {
        true
    }

    fn open(&self, session: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        let Some(open) = self.methods().open else { return Err(Error::from_code(ResultCode::ERROR)) };
        let mut cursor: *mut sqlite3_vtab_cursor = null_mut();
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { open(self.table, &mut cursor) })?;
        outcome(self.table, code)?;
        if cursor.is_null() {
            return Err(Error::from_code(ResultCode::ERROR));
        }
        // SAFETY: a cursor that the module has made; this field is ours to fill.
        unsafe { (*cursor).table = self.table }
        Ok(Box::new(ForeignCursor::new(self.db, cursor, self.table, self.methods)))
    }

    fn destroy(&self, session: &mut dyn Session) -> Result<()> {
        let method = self.methods().destroy.or(self.methods().disconnect);
        let Some(method) = method else { return Ok(()) };
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { method(self.table) })?;
        if code == OK {
            self.gone.set(true);
            return Ok(());
        }
        outcome(self.table, code)
    }

    fn is_writable(&self) -> bool {
        self.methods().update.is_some()
    }

    fn update(&self, session: &mut dyn Session, change: &Change<'_>, on_conflict: OnConflict) -> Result<i64> {
        let Some(update) = self.methods().update else { return Err(Error::from_code(ResultCode(READONLY))) };
        let null = Value::Null;
        let values: Vec<&Value> = match change {
            Change::Delete { key } => vec![*key],
            Change::Insert { rowid, columns } => [&null, *rowid].into_iter().chain(columns.iter()).collect(),
            Change::Update { key, new_key, columns, .. } => {
                [*key, *new_key].into_iter().chain(columns.iter()).collect()
            }
        };
        let cells: Vec<CValue> = values.iter().map(|value| CValue::new((*value).clone())).collect();
        if let Change::Update { columns, unchanged, .. } = change {
            for ((cell, value), unchanged) in cells.iter().skip(2).zip(*columns).zip(*unchanged) {
                cell.no_change.set(*unchanged && matches!(value, Value::Null));
            }
        }
        let mut pointers: Vec<*mut CValue> = cells.iter().map(|cell| std::ptr::from_ref(cell).cast_mut()).collect();
        // SAFETY: changes are made within calls of the connection.
        let db = unsafe { self.db.as_ref() };
        let before = db.vtab_on_conflict.replace(match on_conflict {
            OnConflict::Rollback => 1,
            OnConflict::Ignore => 2,
            OnConflict::Fail => 3,
            OnConflict::Abort => 4,
            OnConflict::Replace => 5,
        });
        let (mut code, mut rowid) = (OK, 0);
        let within = lent(session, || {
            // SAFETY: the interface's contract.
            code = unsafe { update(self.table, pointers.len() as c_int, pointers.as_mut_ptr(), &mut rowid) };
        });
        db.vtab_on_conflict.set(before);
        // What the module says comes before what its own statements have done to the transaction.
        outcome(self.table, code)?;
        within?;
        Ok(rowid)
    }

    fn find_function(&self, name: &str, arguments: usize) -> Option<Overload> {
        let find = self.methods().find_function?;
        let (mut function, mut data): (Option<Function>, *mut c_void) = (None, null_mut());
        let text = c_string(name.as_bytes());
        // SAFETY: the interface's contract.
        let found = unsafe { find(self.table, arguments as c_int, text.as_ptr(), &mut function, &mut data) };
        if found == 0 {
            return None;
        }
        let call = crate::function::scalar(self.db, function, data);
        let arity = Arity::exactly(u16::try_from(arguments).ok()?);
        let def = FunctionDef::user_scalar(name, arity, FunctionFlags::NONE, call);
        let constraint = if found >= FIRST_FUNCTION { u8::try_from(found).unwrap_or(0) } else { 0 };
        Some(Overload { function: EngineFunction::User(Arc::new(def)), constraint })
    }

    fn rename(&self, session: &mut dyn Session, name: &str) -> Result<()> {
        let Some(rename) = self.methods().rename else { return Ok(()) };
        let name = c_string(name.as_bytes());
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { rename(self.table, name.as_ptr()) })?;
        outcome(self.table, code)
    }

    fn integrity(&self, session: &mut dyn Session, quick: bool) -> Result<Option<String>> {
        let methods = self.methods();
        let Some(integrity) = methods.integrity.filter(|_| methods.version >= 4) else { return Ok(None) };
        let mut message: *mut c_char = null_mut();
        let code = lent(session, || {
            // SAFETY: the interface's contract.
            unsafe { integrity(self.table, self.database.as_ptr(), self.name.as_ptr(), quick.into(), &mut message) }
        });
        let text = Text::new(message).string();
        memory::free(message.cast());
        outcome(self.table, code?)?;
        Ok(text)
    }

    fn is_transactional(&self) -> bool {
        self.methods().begin.is_some()
    }

    fn begin(&self, session: &mut dyn Session) -> Result<()> {
        self.call(session, self.methods().begin)
    }

    fn sync(&self, session: &mut dyn Session) -> Result<()> {
        self.call(session, self.methods().sync)
    }

    fn commit(&self, session: &mut dyn Session) {
        let _ = self.call(session, self.methods().commit);
    }

    fn rollback(&self, session: &mut dyn Session) {
        let _ = self.call(session, self.methods().rollback);
    }

    fn savepoint(&self, session: &mut dyn Session, level: i32) -> Result<()> {
        self.call_level(session, self.methods().savepoint, level)
    }

    fn release(&self, session: &mut dyn Session, level: i32) -> Result<()> {
        self.call_level(session, self.methods().release, level)
    }

    fn rollback_to(&self, session: &mut dyn Session, level: i32) -> Result<()> {
        self.call_level(session, self.methods().rollback_to, level)
    }
}
