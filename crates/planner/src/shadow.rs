//! Shadow tables: those in which virtual tables keep their content. `name_suffix` is one of the virtual table `name` if that
//! table's module says so of `suffix`. On a defensive connection ordinary statements leave them alone.

use turso_error::{Error, Result};
use turso_program::DbIndex;
use turso_schema::Relation;

use crate::context::PlanContext;

/// The name is one of a shadow table of this database, whether there is such a table or not.
pub(crate) fn is_shadow(context: &PlanContext<'_>, db: DbIndex, name: &str) -> bool {
    let schema = context.catalogue.schema(db);
    name.match_indices('_').any(|(at, _)| {
        let owner = schema.table(&name[..at]);
        owner.is_some_and(|owner| match &owner.relation {
            Relation::Virtual { module, .. } => context.catalogue.is_shadow_suffix(module, &name[at + 1..]),
            _ => false,
        })
    })
}

/// An error where a defensive connection would do something (`modified`, `dropped`, `altered`) to a shadow table.
pub(crate) fn protect(context: &PlanContext<'_>, db: DbIndex, name: &str, done: &str) -> Result<()> {
    if context.options.defensive && is_shadow(context, db, name) {
        return Err(Error::sql(format!("table {name} may not be {done}")));
    }
    Ok(())
}
