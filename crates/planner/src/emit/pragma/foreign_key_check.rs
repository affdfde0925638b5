//! `PRAGMA foreign_key_check`: child rows without a parent.

use turso_error::{Error, Result};

use super::{Call, set_columns};
use crate::emit::Emitter;

pub(super) fn foreign_key_check(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    set_columns(e, &["table", "rowid", "parent", "fkid"]);
    let catalogue = e.context.catalogue;
    let databases = (0..catalogue.database_count()).map(|i| turso_program::DbIndex(i as u16));
    for db in databases.filter(|db| call.schema.is_none_or(|s| s == *db)) {
        for table in catalogue.schema(db).tables.values() {
            let wanted = call.value.is_none_or(|name| table.name.eq_ignore_ascii_case(name));
            if wanted && !table.foreign_keys.is_empty() {
                return Err(Error::sql("PRAGMA foreign_key_check is not supported yet"));
            }
        }
    }
    Ok(())
}
