//! A changeset that undoes another.

use turso_core::Result;

use crate::format::Change;
use crate::input::Input;
use crate::output::Output;
use crate::reader::{Reader, ReaderOptions};

/// Write the inverse of a changeset, change by change in the same order. Patchsets have none (`SQLITE_CORRUPT`).
pub fn invert(input: Input<'_>, output: &mut Output<'_>) -> Result<()> {
    let mut reader = Reader::new(input, ReaderOptions { invert: true, skip_empty: false });
    let mut table = None;
    while let Some(change) = reader.next_change()? {
        begin_table(&mut table, change, output);
        change.write(output);
        output.pause()?;
    }
    Ok(())
}

/// Write the header of the change's table, unless the change before was of the same one.
fn begin_table(current: &mut Option<std::sync::Arc<crate::TableHeader>>, change: &Change, output: &mut Output<'_>) {
    if !current.as_ref().is_some_and(|known| std::sync::Arc::ptr_eq(known, &change.table)) {
        change.table.write(output);
        *current = Some(change.table.clone());
    }
}
