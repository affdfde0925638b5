//! Changesets from changesets: inverting, concatenating, `sqlite3_changegroup`, `sqlite3_rebaser`.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use turso_core::{Result, Value};
use turso_session::{Group, Input, Operation, Output, PendingChange, Rebaser, invert};

use super::iterator::CIterator;
use super::stream::{XInput, XOutput};
use super::{give_written, pieces, whole, write_pieces};
use crate::boundary::{Out, Text, bytes_at, entry};
use crate::codes::{ERROR, INTERNAL, MISUSE, OK, RANGE};
use crate::handle::{Bare, Db, Handle};
use crate::memory;

/// A group as C holds it.
#[derive(Default)]
pub struct CGroup {
    group: RefCell<Group>,
    /// The change that is being told value by value.
    pending: RefCell<Option<PendingChange>>,
}

impl CGroup {
    fn set(&self, new: c_int, column: c_int, value: Value) -> c_int {
        let mut pending = self.pending.borrow_mut();
        let Some(pending) = pending.as_mut() else { return MISUSE };
        // A negative column is none, but the row is looked at first.
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        code(pending.set(new != 0, column, value))
    }
}

fn code<T>(outcome: Result<T>) -> c_int {
    outcome.map_or_else(|error| error.code().0, |_| OK)
}

fn concatenated(first: Input<'_>, second: Input<'_>, output: &mut Output<'_>) -> Result<()> {
    let mut group = Group::new();
    group.add(first)?;
    group.add(second)?;
    group.write(output)
}

/// Tell what went wrong, in a text to be freed.
fn told(outcome: Result<()>, message: Out<*mut c_char>) -> c_int {
    if let Err(error) = &outcome {
        message.set(memory::copy_of(error.message().as_bytes()));
    }
    code(outcome)
}

entry! {
    /// A changeset that undoes another.
    fn sqlite3changeset_invert(
        length: i32, bytes: *const c_void, out_length: Out<c_int>, out: Out<*mut c_void>,
    ) -> c_int | INTERNAL; {
        give_written(out_length, out, |output| invert(whole(length, bytes), output))
    }

    /// A changeset that undoes another, in pieces.
    fn sqlite3changeset_invert_strm(
        input: XInput, source: *mut c_void, output: XOutput, target: *mut c_void,
    ) -> c_int | INTERNAL; {
        write_pieces(output, target, |output| invert(pieces(input, source), output))
    }

    /// One changeset after another as one.
    fn sqlite3changeset_concat(
        first_length: i32, first: *mut c_void, second_length: i32, second: *mut c_void, out_length: Out<c_int>,
        out: Out<*mut c_void>,
    ) -> c_int | INTERNAL; {
        let (first, second) = (whole(first_length, first), whole(second_length, second));
        give_written(out_length, out, |output| concatenated(first, second, output))
    }

    /// One changeset after another as one, in pieces.
    fn sqlite3changeset_concat_strm(
        first: XInput, first_source: *mut c_void, second: XInput, second_source: *mut c_void, output: XOutput,
        target: *mut c_void,
    ) -> c_int | INTERNAL; {
        let (first, second) = (pieces(first, first_source), pieces(second, second_source));
        write_pieces(output, target, |output| concatenated(first, second, output))
    }

    /// A group without changes.
    fn sqlite3changegroup_new(place: Out<*mut CGroup>) -> c_int | INTERNAL; {
        place.set(Box::into_raw(Box::default()));
        OK
    }

    /// Ends a group.
    fn sqlite3changegroup_delete(group: *mut CGroup) | (); {
        if !group.is_null() {
            // SAFETY: made by `sqlite3changegroup_new`, and the caller gives it back.
            drop(unsafe { Box::from_raw(group) });
        }
    }

    /// Lets a group take only changes that fit the tables of a database.
    fn sqlite3changegroup_schema(group: Bare<CGroup>, db: Handle<Db>, name: Text) -> c_int | INTERNAL; {
        let (Some(group), Some(db), Some(name)) = (group.get(), db.get(), name.string()) else { return MISUSE };
        code(group.group.borrow_mut().set_schema(&db.connection, &name))
    }

    /// Adds the changes of a changeset.
    fn sqlite3changegroup_add(group: Bare<CGroup>, length: i32, bytes: *mut c_void) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        code(group.group.borrow_mut().add(whole(length, bytes)))
    }

    /// Adds the changes of a changeset that comes in pieces.
    fn sqlite3changegroup_add_strm(group: Bare<CGroup>, input: XInput, source: *mut c_void) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        code(group.group.borrow_mut().add(pieces(input, source)))
    }

    /// Adds the change that a walk stands on.
    fn sqlite3changegroup_add_change(group: Bare<CGroup>, iterator: Bare<CIterator>) -> c_int | INTERNAL; {
        let (Some(group), Some(iterator)) = (group.get(), iterator.get()) else { return MISUSE };
        if iterator.is_inverting() {
            return ERROR;
        }
        iterator.with_change(ERROR, |change| code(group.group.borrow_mut().add_change(change)))
    }

    /// The changes of a group.
    fn sqlite3changegroup_output(
        group: Bare<CGroup>, length: Out<c_int>, place: Out<*mut c_void>,
    ) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        give_written(length, place, |output| group.group.borrow().write(output))
    }

    /// The changes of a group in pieces.
    fn sqlite3changegroup_output_strm(
        group: Bare<CGroup>, output: XOutput, target: *mut c_void,
    ) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        write_pieces(output, target, |output| group.group.borrow().write(output))
    }

    /// Configures a group: 1 whether it makes a patchset; a negative number asks only.
    fn sqlite3changegroup_config(group: Bare<CGroup>, op: i32, argument: Out<c_int>) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        let (1, Some(wanted)) = (op, argument.get()) else { return MISUSE };
        let mut group = group.group.borrow_mut();
        if wanted >= 0 {
            group.set_patchset(wanted > 0);
        }
        argument.set(c_int::from(group.is_patchset()));
        OK
    }

    /// Begins a change that is told value by value.
    fn sqlite3changegroup_change_begin(
        group: Bare<CGroup>, operation: i32, table: Text, indirect: i32, message: Out<*mut c_char>,
    ) -> c_int | INTERNAL; {
        message.set(null_mut());
        let (Some(group), Some(table)) = (group.get(), table.string()) else { return MISUSE };
        if group.pending.borrow().is_some() {
            return MISUSE;
        }
        let operation = match operation {
            9 => Operation::Delete,
            18 => Operation::Insert,
            23 => Operation::Update,
            _ => return ERROR,
        };
        let begun = group.group.borrow_mut().begin_change(operation, &table, indirect != 0);
        told(begun.map(|pending| *group.pending.borrow_mut() = Some(pending)), message)
    }

    /// Tells an integer.
    fn sqlite3changegroup_change_int64(group: Bare<CGroup>, new: i32, column: i32, value: i64) -> c_int | INTERNAL; {
        group.get().map_or(MISUSE, |group| group.set(new, column, Value::Integer(value)))
    }

    /// Tells a NULL.
    fn sqlite3changegroup_change_null(group: Bare<CGroup>, new: i32, column: i32) -> c_int | INTERNAL; {
        group.get().map_or(MISUSE, |group| group.set(new, column, Value::Null))
    }

    /// Tells a real.
    fn sqlite3changegroup_change_double(group: Bare<CGroup>, new: i32, column: i32, value: f64) -> c_int | INTERNAL; {
        group.get().map_or(MISUSE, |group| group.set(new, column, Value::real(value)))
    }

    /// Tells a text.
    fn sqlite3changegroup_change_text(
        group: Bare<CGroup>, new: i32, column: i32, text: *const c_char, length: i32,
    ) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        let bytes = match usize::try_from(length) {
            Ok(length) => bytes_at(text.cast(), length),
            Err(_) => Text::new(text).bytes().unwrap_or_default(),
        };
        group.set(new, column, Value::text(bytes))
    }

    /// Tells a blob.
    fn sqlite3changegroup_change_blob(
        group: Bare<CGroup>, new: i32, column: i32, blob: *const c_void, length: i32,
    ) -> c_int | INTERNAL; {
        let Some(group) = group.get() else { return MISUSE };
        let Ok(length) = usize::try_from(length) else { return RANGE };
        group.set(new, column, Value::blob(bytes_at(blob, length)))
    }

    /// Adds the change that was told, or forgets it.
    fn sqlite3changegroup_change_finish(
        group: Bare<CGroup>, discard: i32, message: Out<*mut c_char>,
    ) -> c_int | INTERNAL; {
        message.set(null_mut());
        let Some(group) = group.get() else { return MISUSE };
        match group.pending.borrow_mut().take().filter(|_| discard == 0) {
            Some(pending) => told(group.group.borrow_mut().finish_change(pending), message),
            None => OK,
        }
    }

    /// A rebaser that knows nothing.
    fn sqlite3rebaser_create(place: Out<*mut RefCell<Rebaser>>) -> c_int | INTERNAL; {
        place.set(Box::into_raw(Box::default()));
        OK
    }

    /// Tells a rebaser how conflicts were resolved.
    fn sqlite3rebaser_configure(
        rebaser: Bare<RefCell<Rebaser>>, length: i32, bytes: *const c_void,
    ) -> c_int | INTERNAL; {
        rebaser.get().map_or(MISUSE, |rebaser| code(rebaser.borrow_mut().configure(whole(length, bytes))))
    }

    /// A changeset as it is after the conflicts.
    fn sqlite3rebaser_rebase(
        rebaser: Bare<RefCell<Rebaser>>, length: i32, bytes: *const c_void, out_length: Out<c_int>,
        out: Out<*mut c_void>,
    ) -> c_int | INTERNAL; {
        let Some(rebaser) = rebaser.get() else { return MISUSE };
        give_written(out_length, out, |output| rebaser.borrow_mut().rebase(whole(length, bytes), output))
    }

    /// A changeset as it is after the conflicts, in pieces.
    fn sqlite3rebaser_rebase_strm(
        rebaser: Bare<RefCell<Rebaser>>, input: XInput, source: *mut c_void, output: XOutput, target: *mut c_void,
    ) -> c_int | INTERNAL; {
        let Some(rebaser) = rebaser.get() else { return MISUSE };
        write_pieces(output, target, |output| rebaser.borrow_mut().rebase(pieces(input, source), output))
    }

    /// Ends a rebaser.
    fn sqlite3rebaser_delete(rebaser: *mut RefCell<Rebaser>) | (); {
        if !rebaser.is_null() {
            // SAFETY: made by `sqlite3rebaser_create`, and the caller gives it back.
            drop(unsafe { Box::from_raw(rebaser) });
        }
    }
}
