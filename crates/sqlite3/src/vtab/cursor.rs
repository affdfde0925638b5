//! Cursors.

use std::ffi::{CString, c_int};
use std::ptr::{NonNull, null, null_mut};

use turso_core::{Error, Result, ResultCode};
use turso_vtab::{Argument, Cursor, Output, Session};

use super::objects::*;
use super::{lent, outcome};
use crate::boundary::{Out, entry};
use crate::codes::{DONE, ERROR, MISUSE, OK};
use crate::error::c_string;
use crate::handle::{Bare, Db};
use crate::result::CContext;
use crate::value::CValue;

/// A scan of a table of the application.
pub struct ForeignCursor {
    db: NonNull<Db>,
    cursor: *mut sqlite3_vtab_cursor,
    table: *mut sqlite3_vtab,
    methods: *const sqlite3_module,
    at_end: bool,
    closed: bool,
    /// What the scan was begun with, which C may keep until the next begins.
    text: Option<CString>,
}

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for ForeignCursor {}

impl ForeignCursor {
    /// A cursor that a module has opened.
    pub fn new(
        db: NonNull<Db>,
        cursor: *mut sqlite3_vtab_cursor,
        table: *mut sqlite3_vtab,
        methods: *const sqlite3_module,
    ) -> Self {
        Self { db, cursor, table, methods, at_end: true, closed: false, text: None }
    }

    fn methods(&self) -> &sqlite3_module {
        // SAFETY: the interface's contract: the methods stay as long as a cursor of theirs is open.
        unsafe { &*self.methods }
    }

    /// A method that moves the cursor, and whether it has come to the end.
    fn go(&mut self, session: &mut dyn Session, mut step: impl FnMut(*mut sqlite3_vtab_cursor) -> c_int) -> Result<()> {
        let (cursor, eof) = (self.cursor, self.methods().eof);
        let (code, at_end) = lent(session, || {
            let code = step(cursor);
            // SAFETY: the interface's contract.
            let at_end = code == OK && eof.is_none_or(|eof| unsafe { eof(cursor) != 0 });
            (code, at_end)
        })?;
        self.at_end = at_end;
        outcome(self.table, code)
    }
}

impl Drop for ForeignCursor {
    fn drop(&mut self) {
        if let Some(close) = self.methods().close.filter(|_| !self.closed) {
            // SAFETY: open, and nobody uses it any more.
            unsafe { close(self.cursor) };
        }
    }
}

impl Cursor for ForeignCursor {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        text: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        let Some(filter) = self.methods().filter else { return Err(Error::from_code(ResultCode::ERROR)) };
        self.text = text.map(|text| c_string(text.as_bytes()));
        let text = self.text.as_ref().map_or(null(), |text| text.as_ptr());
        let cells: Vec<CValue> = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Value(value) => CValue::new(value.clone()),
                Argument::Set(values) => CValue::of_set(values),
                Argument::Object(object) => CValue::of_object(object.clone()),
            })
            .collect();
        let mut pointers: Vec<*mut CValue> = cells.iter().map(|cell| std::ptr::from_ref(cell).cast_mut()).collect();
        let count = pointers.len() as c_int;
        // SAFETY: the interface's contract.
        self.go(session, |cursor| unsafe { filter(cursor, number, text, count, pointers.as_mut_ptr()) })
    }

    fn next(&mut self, session: &mut dyn Session) -> Result<()> {
        let Some(next) = self.methods().next else { return Err(Error::from_code(ResultCode::ERROR)) };
        // SAFETY: the interface's contract.
        self.go(session, |cursor| unsafe { next(cursor) })
    }

    fn at_end(&self) -> bool {
        self.at_end
    }

    fn column(&mut self, session: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let Some(column) = self.methods().column else { return Err(Error::from_code(ResultCode::ERROR)) };
        let context = CContext::new(self.db, null_mut(), None);
        context.no_change.set(output.unchanged);
        let cursor = self.cursor;
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { column(cursor, context.as_ptr(), index as c_int) })?;
        outcome(self.table, code)?;
        output.object = context.object();
        let (value, subtype) = context.into_value()?;
        *output.value = value;
        output.subtype = subtype;
        Ok(())
    }

    fn rowid(&mut self, session: &mut dyn Session) -> Result<i64> {
        let Some(rowid) = self.methods().rowid else { return Err(Error::from_code(ResultCode::ERROR)) };
        let (cursor, mut answer) = (self.cursor, 0);
        // SAFETY: the interface's contract.
        let code = lent(session, || unsafe { rowid(cursor, &mut answer) })?;
        outcome(self.table, code)?;
        Ok(answer)
    }

    fn close(&mut self, session: &mut dyn Session) {
        self.closed = true;
        if let Some(close) = self.methods().close {
            let cursor = self.cursor;
            // SAFETY: the interface's contract.
            let _ = lent(session, || unsafe { close(cursor) });
        }
    }
}

entry! {
    /// The first value of an IN that `xFilter` got as a whole.
    fn sqlite3_vtab_in_first(value: Bare<CValue>, place: Out<*mut CValue>) -> c_int | MISUSE; {
        value.get().map_or(MISUSE, |value| next_of_set(value, true, place))
    }

    /// The next value of an IN that `xFilter` got as a whole.
    fn sqlite3_vtab_in_next(value: Bare<CValue>, place: Out<*mut CValue>) -> c_int | MISUSE; {
        value.get().map_or(MISUSE, |value| next_of_set(value, false, place))
    }
}

fn next_of_set(value: &CValue, first: bool, place: Out<*mut CValue>) -> c_int {
    place.set(null_mut());
    match value.next_of_set(first) {
        None => ERROR,
        Some(None) => DONE,
        Some(Some(found)) => {
            place.set(std::ptr::from_ref::<CValue>(found).cast_mut());
            OK
        }
    }
}
