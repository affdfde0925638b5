//! Sessions and changesets, over `turso_session`.
//!
//! | module | subject |
//! |---|---|
//! | `recording` | `sqlite3_session` |
//! | `iterator` | `sqlite3_changeset_iter`, also as conflict handlers get it |
//! | `apply` | changesets made in a database |
//! | `combine` | inverting, concatenating, `sqlite3_changegroup`, `sqlite3_rebaser` |
//! | `stream` | changesets that come or go in pieces |

pub mod apply;
pub mod combine;
pub mod iterator;
pub mod recording;
mod stream;

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use turso_session::{Input, Output};

use crate::boundary::{Out, bytes_at};
use crate::codes::{NOMEM, OK};
use crate::memory;
use stream::{XInput, XOutput};

/// A changeset as C passes it.
pub(crate) fn whole<'a>(length: c_int, bytes: *const c_void) -> Input<'a> {
    Input::whole(bytes_at(bytes, usize::try_from(length).unwrap_or(0)))
}

/// Hand out a changeset, to be freed; NULL for an empty one.
pub(crate) fn give(bytes: &[u8], length: Out<c_int>, place: Out<*mut c_void>) -> c_int {
    if bytes.is_empty() {
        return OK;
    }
    let copy = memory::copy_of(bytes);
    let Ok(size) = c_int::try_from(bytes.len()) else { return NOMEM };
    if copy.is_null() {
        return NOMEM;
    }
    length.set(size);
    place.set(copy.cast());
    OK
}

/// Write a changeset and hand it out.
pub(crate) fn give_written(
    length: Out<c_int>,
    place: Out<*mut c_void>,
    write: impl FnOnce(&mut Output<'_>) -> turso_core::Result<()>,
) -> c_int {
    length.set(0);
    place.set(null_mut());
    let mut output = Output::whole();
    match write(&mut output).and_then(|()| output.finish()) {
        Ok(bytes) => give(&bytes, length, place),
        Err(error) => error.code().0,
    }
}

/// Write a changeset in pieces.
pub(crate) fn write_pieces(
    output: XOutput,
    context: *mut c_void,
    write: impl FnOnce(&mut Output<'_>) -> turso_core::Result<()>,
) -> c_int {
    let mut sink = stream::CSink { output, context };
    let mut output = Output::stream(&mut sink, stream::chunk());
    match write(&mut output).and_then(|()| output.finish()) {
        Ok(_) => OK,
        Err(error) => error.code().0,
    }
}

/// A changeset that comes in pieces.
pub(crate) fn pieces<'a>(input: XInput, context: *mut c_void) -> Input<'a> {
    Input::stream(stream::CSource { input, context }, stream::chunk())
}
