//! ALTER TABLE.

use turso_error::{Error, Result};
use turso_parser::ast::AlterTable;

use crate::emit::Emitter;

/// ALTER TABLE is not built yet.
pub(crate) fn alter_table(_: &mut Emitter<'_>, _: &AlterTable) -> Result<()> {
    Err(Error::sql("ALTER TABLE is not supported yet"))
}
