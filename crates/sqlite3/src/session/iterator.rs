//! `sqlite3_changeset_iter`: walking over a changeset, and what handlers of `apply` are shown.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_uchar, c_void};
use std::ptr::{NonNull, null_mut};

use turso_core::Value;
use turso_session::{Change, Conflict, Operation, Reader, ReaderOptions};

use super::stream::XInput;
use super::{pieces, whole};
use crate::boundary::{Out, entry};
use crate::codes::{DONE, INTERNAL, MISUSE, OK, RANGE, ROW};
use crate::error::c_string;
use crate::handle::Bare;
use crate::value::CValue;

const INVERT: c_int = 2;

/// A walk over a changeset, or the change that a handler is asked about.
pub struct CIterator {
    inner: Inner,
    /// What was handed out of the current change.
    shown: RefCell<Shown>,
}

enum Inner {
    Walk(RefCell<Reader<'static>>),
    /// What `apply` asks about, for the time of the callback.
    Asked {
        change: Option<NonNull<Change>>,
        row: Option<NonNull<[Value]>>,
        violations: Option<i64>,
    },
}

#[derive(Default)]
struct Shown {
    name: Option<CString>,
    /// Values before, after, and of the row in the way.
    values: [Vec<Option<Box<CValue>>>; 3],
}

impl CIterator {
    fn walk(reader: Reader<'static>) -> *mut Self {
        Box::into_raw(Box::new(Self { inner: Inner::Walk(RefCell::new(reader)), shown: RefCell::default() }))
    }

    /// What a handler is shown of a conflict; to be used only while the conflict lives.
    pub fn of_conflict(conflict: &Conflict<'_>) -> Self {
        Self {
            inner: Inner::Asked {
                change: conflict.change.map(NonNull::from),
                row: conflict.row.map(NonNull::from),
                violations: conflict.foreign_key_violations,
            },
            shown: RefCell::default(),
        }
    }

    /// What a filter is shown of a change; to be used only while the change lives.
    pub fn of_change(change: &Change) -> Self {
        let inner = Inner::Asked { change: Some(NonNull::from(change)), row: None, violations: None };
        Self { inner, shown: RefCell::default() }
    }

    /// Look at the current change.
    pub fn with_change<T>(&self, absent: T, look: impl FnOnce(&Change) -> T) -> T {
        match &self.inner {
            Inner::Walk(reader) => reader.borrow().change().map_or(absent, look),
            // SAFETY: lives for the time of the callback, which is when C may use this.
            Inner::Asked { change, .. } => change.map_or(absent, |change| look(unsafe { change.as_ref() })),
        }
    }

    /// Changes come inverted.
    pub fn is_inverting(&self) -> bool {
        matches!(&self.inner, Inner::Walk(reader) if reader.borrow().is_inverting())
    }

    fn show(&self, which: usize, column: usize, value: Option<&Value>, place: Out<*mut CValue>) -> c_int {
        let Some(value) = value else { return OK };
        let mut shown = self.shown.borrow_mut();
        let Some(values) = shown.values.get_mut(which) else { return INTERNAL };
        if values.len() <= column {
            values.resize_with(column + 1, || None);
        }
        if let Some(cell) = values.get_mut(column) {
            let cell = cell.get_or_insert_with(|| Box::new(CValue::new(value.clone())));
            place.set(std::ptr::from_ref::<CValue>(cell).cast_mut());
        }
        OK
    }

    /// A value of the row before or after.
    fn field(&self, new: bool, column: c_int, place: Out<*mut CValue>) -> c_int {
        self.with_change(MISUSE, |change| {
            let absent = if new { Operation::Delete } else { Operation::Insert };
            if change.operation == absent {
                return MISUSE;
            }
            match usize::try_from(column).ok().filter(|&column| column < change.table.column_count()) {
                None => RANGE,
                Some(column) => {
                    let value = if new { change.new_field(column) } else { change.old_field(column) };
                    self.show(usize::from(new), column, value, place)
                }
            }
        })
    }
}

fn start(place: Out<*mut CIterator>, input: turso_session::Input<'static>, flags: c_int) -> c_int {
    let options = ReaderOptions { invert: flags & INVERT != 0, skip_empty: false };
    place.set(CIterator::walk(Reader::new(input, options)));
    OK
}

entry! {
    /// Begins a walk over a changeset, which stays where it is until the walk ends.
    fn sqlite3changeset_start(place: Out<*mut CIterator>, length: i32, bytes: *mut c_void) -> c_int | INTERNAL; {
        start(place, whole(length, bytes), 0)
    }

    /// Begins a walk over a changeset.
    fn sqlite3changeset_start_v2(
        place: Out<*mut CIterator>, length: i32, bytes: *mut c_void, flags: i32,
    ) -> c_int | INTERNAL; {
        start(place, whole(length, bytes), flags)
    }

    /// Begins a walk over a changeset that comes in pieces.
    fn sqlite3changeset_start_strm(
        place: Out<*mut CIterator>, input: XInput, context: *mut c_void,
    ) -> c_int | INTERNAL; {
        start(place, pieces(input, context), 0)
    }

    /// Begins a walk over a changeset that comes in pieces.
    fn sqlite3changeset_start_v2_strm(
        place: Out<*mut CIterator>, input: XInput, context: *mut c_void, flags: i32,
    ) -> c_int | INTERNAL; {
        start(place, pieces(input, context), flags)
    }

    /// Moves to the next change.
    fn sqlite3changeset_next(iterator: Bare<CIterator>) -> c_int | INTERNAL; {
        let Some(iterator) = iterator.get() else { return MISUSE };
        let Inner::Walk(reader) = &iterator.inner else { return MISUSE };
        iterator.shown.take();
        match reader.borrow_mut().next_change() {
            Ok(Some(_)) => ROW,
            Ok(None) => DONE,
            Err(error) => error.code().0,
        }
    }

    /// Table, number of columns and kind of the change.
    fn sqlite3changeset_op(
        iterator: Bare<CIterator>, table: Out<*const c_char>, columns: Out<c_int>, operation: Out<c_int>,
        indirect: Out<c_int>,
    ) -> c_int | INTERNAL; {
        let Some(iterator) = iterator.get() else { return MISUSE };
        iterator.with_change(MISUSE, |change| {
            let mut shown = iterator.shown.borrow_mut();
            let name = shown.name.get_or_insert_with(|| c_string(&change.table.name));
            table.set(name.as_ptr());
            columns.set(change.table.column_count() as c_int);
            operation.set(change.operation as c_int);
            indirect.set(c_int::from(change.indirect));
            OK
        })
    }

    /// Which columns are the primary key.
    fn sqlite3changeset_pk(
        iterator: Bare<CIterator>, key: Out<*mut c_uchar>, columns: Out<c_int>,
    ) -> c_int | INTERNAL; {
        key.set(null_mut());
        columns.set(0);
        let Some(iterator) = iterator.get() else { return MISUSE };
        iterator.with_change(MISUSE, |change| {
            key.set(change.table.key.as_ptr().cast_mut());
            columns.set(change.table.column_count() as c_int);
            OK
        })
    }

    /// A value before the change.
    fn sqlite3changeset_old(iterator: Bare<CIterator>, column: i32, place: Out<*mut CValue>) -> c_int | INTERNAL; {
        place.set(null_mut());
        iterator.get().map_or(MISUSE, |iterator| iterator.field(false, column, place))
    }

    /// A value after the change.
    fn sqlite3changeset_new(iterator: Bare<CIterator>, column: i32, place: Out<*mut CValue>) -> c_int | INTERNAL; {
        place.set(null_mut());
        iterator.get().map_or(MISUSE, |iterator| iterator.field(true, column, place))
    }

    /// A value of the row in the way.
    fn sqlite3changeset_conflict(
        iterator: Bare<CIterator>, column: i32, place: Out<*mut CValue>,
    ) -> c_int | INTERNAL; {
        place.set(null_mut());
        let Some(iterator) = iterator.get() else { return MISUSE };
        let Inner::Asked { row: Some(row), .. } = &iterator.inner else { return MISUSE };
        // SAFETY: lives for the time of the callback, which is when C may use this.
        let row = unsafe { row.as_ref() };
        match usize::try_from(column).ok().filter(|&column| column < row.len()) {
            None => RANGE,
            Some(column) => iterator.show(2, column, row.get(column), place),
        }
    }

    /// How many rows break foreign keys.
    fn sqlite3changeset_fk_conflicts(iterator: Bare<CIterator>, count: Out<c_int>) -> c_int | INTERNAL; {
        match iterator.get().map(|iterator| &iterator.inner) {
            Some(Inner::Asked { violations: Some(violations), .. }) => {
                count.set(c_int::try_from(*violations).unwrap_or(c_int::MAX));
                OK
            }
            _ => MISUSE,
        }
    }

    /// Ends a walk, and tells what has gone wrong in it.
    fn sqlite3changeset_finalize(iterator: *mut CIterator) -> c_int | INTERNAL; {
        if iterator.is_null() {
            return OK;
        }
        // SAFETY: the interface's contract: a live iterator.
        let failure = match unsafe { &(*iterator).inner } {
            Inner::Walk(reader) => reader.borrow().failure().map_or(OK, |error| error.code().0),
            Inner::Asked { .. } => return MISUSE,
        };
        // SAFETY: made by `walk`, and the caller gives it back.
        drop(unsafe { Box::from_raw(iterator) });
        failure
    }
}
