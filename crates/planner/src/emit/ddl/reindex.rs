//! REINDEX: empty indexes and fill them anew.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::QualifiedName;
use turso_program::schema::Expire;
use turso_program::write::Clear;
use turso_program::{DbIndex, Root};
use turso_schema::{Index, Table};

use super::create_index::{IndexRoot, fill_index};
use super::schema_of;
use crate::emit::Emitter;
use crate::resolve::{find_database, find_table};

/// Emit REINDEX of a collation, a table, an index, or everything.
pub(crate) fn reindex(e: &mut Emitter<'_>, name: Option<&QualifiedName>) -> Result<()> {
    let databases: Vec<DbIndex> = (0..e.context.catalogue.database_count()).map(|i| DbIndex(i as u16)).collect();
    let Some(name) = name else {
        for db in databases {
            rebuild_where(e, db, &|_, _| true)?;
        }
        return Ok(());
    };
    let wanted = &name.name.text;
    let mentioned = |index: &Index| index.columns.iter().any(|c| c.collation.name().eq_ignore_ascii_case(wanted));
    let is_collation = e.context.catalogue.collation(wanted).is_some()
        || databases
            .iter()
            .any(|&db| schema_of(e, db).tables.values().flat_map(|table| &table.indexes).any(|index| mentioned(index)));
    if name.schema.is_none() && is_collation {
        let wanted = name.name.text.clone();
        for db in databases {
            rebuild_where(e, db, &|_, index| {
                index.columns.iter().any(|c| c.collation.name().eq_ignore_ascii_case(&wanted))
            })?;
        }
        return Ok(());
    }
    let named = name.schema.as_ref().map(|s| find_database(e.context, s)).transpose()?;
    if let Ok((db, table)) = find_table(e.context, name) {
        return rebuild_where(e, db, &|t, _| t.name.eq_ignore_ascii_case(&table.name));
    }
    let wanted = name.name.text.clone();
    for db in databases {
        if named.is_none_or(|n| n == db) && schema_of(e, db).index(&wanted).is_some() {
            return rebuild_where(e, db, &|_, index| index.name.eq_ignore_ascii_case(&wanted));
        }
    }
    Err(Error::sql("unable to identify the object to be reindexed"))
}

fn rebuild_where(e: &mut Emitter<'_>, db: DbIndex, wanted: &dyn Fn(&Table, &Index) -> bool) -> Result<()> {
    let schema = schema_of(e, db);
    let mut any = false;
    for table in schema.tables_in_order() {
        for index in table.indexes_newest_first().into_iter().filter(|i| wanted(table, i)) {
            // The rows of a WITHOUT ROWID table live in its primary key: there is nothing to fill it from.
            if table.primary_key_index().is_some_and(|p| Arc::ptr_eq(p, index)) {
                continue;
            }
            if !any {
                e.uses_database(db, true);
                any = true;
            }
            e.builder.emit(Clear { root: Root(index.root), db, root_in_register: false, change: None });
            fill_index(e, db, table, index, IndexRoot::Own)?;
        }
    }
    if any {
        e.builder.emit(Expire {});
    }
    Ok(())
}
