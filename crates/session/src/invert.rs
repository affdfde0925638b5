//! A changeset that undoes another.

use turso_core::Result;

use crate::input::Input;
use crate::output::Output;
use crate::reader::{Reader, ReaderOptions};

/// Write the inverse of a changeset, change by change in the same order. Patchsets have none (`SQLITE_CORRUPT`).
pub fn invert(input: Input<'_>, output: &mut Output<'_>) -> Result<()> {
    let mut reader = Reader::new(input, ReaderOptions { invert: true, skip_empty: false });
    let mut table = None;
    while let Some(change) = reader.next_change()? {
        change.table.begin(&mut table, output);
        change.write(output);
        output.pause()?;
    }
    Ok(())
}
