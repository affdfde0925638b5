//! DROP TABLE, VIEW, INDEX and TRIGGER.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{Drop, ObjectKind, QualifiedName};
use turso_program::DbIndex;
use turso_program::control::Goto;
use turso_program::data::Integer;
use turso_program::schema::{Destroy, DropIndex, DropTable, DropTrigger};
use turso_program::write::Cause;
use turso_schema::{Schema, Table};

use super::{
    SEQUENCE_TABLE, SchemaRows, TEMP, change_cookie, definition, delete_rows_named, delete_schema_rows,
    follow_moved_root, schema_of, statistics_change,
};
use crate::emit::{Emitter, autoincrement};

/// Emit a DROP statement.
pub(crate) fn drop_object(e: &mut Emitter<'_>, statement: &Drop) -> Result<()> {
    match statement.kind {
        ObjectKind::Table | ObjectKind::View => drop_table(e, statement),
        ObjectKind::Index => drop_index(e, statement),
        ObjectKind::Trigger => drop_trigger(e, statement),
    }
}

/// The first database, in the order of name resolution, in which `find` finds the element.
fn locate<T>(e: &Emitter<'_>, name: &QualifiedName, find: impl Fn(&Schema) -> Option<T>) -> Option<(DbIndex, T)> {
    if let Some(schema) = &name.schema {
        let db = e.context.catalogue.find_database(&schema.text)?;
        return find(&schema_of(e, db)).map(|found| (db, found));
    }
    let count = e.context.catalogue.database_count();
    let order = std::iter::once(TEMP).chain((0..count).map(|i| DbIndex(i as u16)).filter(|db| *db != TEMP));
    for db in order.filter(|db| db.index() < count) {
        if let Some(found) = find(&schema_of(e, db)) {
            return Some((db, found));
        }
    }
    None
}

/// `no such table: main.t`, unless IF EXISTS was written: then the databases are looked at, where somebody else may have made it.
fn missing(e: &mut Emitter<'_>, statement: &Drop, what: &str) -> Result<()> {
    if statement.if_exists {
        let count = e.context.catalogue.database_count();
        let named = statement.name.schema.as_ref().map(|schema| e.context.catalogue.find_database(&schema.text));
        for db in (0..count).map(|i| DbIndex(i as u16)).filter(|db| named.is_none_or(|named| named == Some(*db))) {
            e.uses_database(db, false);
        }
        e.counts_as_writing();
        return Ok(());
    }
    let name = &statement.name;
    Err(Error::sql(match &name.schema {
        Some(schema) => format!("no such {what}: {}.{}", schema.text, name.name.text),
        None => format!("no such {what}: {}", name.name.text),
    }))
}

/// Where foreign keys are followed, the rows go first: their triggers may insert into tables with AUTOINCREMENT.
fn delete_rows(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<bool> {
    if !e.context.options.foreign_keys {
        return Ok(false);
    }
    let counters = autoincrement::begin(e);
    let deletes_rows = crate::emit::foreign_key::drop_table(e, db, table)?;
    autoincrement::write_back(e);
    if counters.is_some() {
        let behind = e.builder.label();
        e.builder.emit(Goto { target: behind });
        autoincrement::finish(e, counters);
        e.builder.bind(behind);
    }
    Ok(deletes_rows)
}

fn drop_table(e: &mut Emitter<'_>, statement: &Drop) -> Result<()> {
    let wants_view = statement.kind == ObjectKind::View;
    let name = &statement.name;
    let qualified = name.schema.is_some();
    let found = locate(e, name, |s| {
        let table = if qualified { s.qualified_table(&name.name.text) } else { s.table(&name.name.text) };
        table.cloned()
    });
    let Some((db, table)) = found else {
        if !wants_view && let Some(own) = e.context.catalogue.eponymous_table(&name.name.text)? {
            return Err(Error::sql(format!("table {} may not be dropped", own.table.name)));
        }
        return missing(e, statement, if wants_view { "view" } else { "table" });
    };
    e.uses_database(db, true);
    if let Some(shown) = protected_name(&table) {
        return Err(Error::sql(format!("table {shown} may not be dropped")));
    }
    crate::shadow::protect(e.context, db, &table.name, "dropped")?;
    if wants_view && !table.is_view() {
        return Err(Error::sql(format!("use DROP TABLE to delete table {}", table.name)));
    }
    if !wants_view && table.is_view() {
        return Err(Error::sql(format!("use DROP VIEW to delete view {}", table.name)));
    }
    let deletes_rows = !wants_view && delete_rows(e, db, &table)?;
    let schema = schema_of(e, db);
    for (trigger_db, trigger) in crate::emit::trigger::all_triggers_of(e, db, &table.name) {
        e.uses_database(trigger_db, true);
        delete_schema_rows(e, trigger_db, SchemaRows::Element { name: &trigger.name, kind: "trigger" });
        if trigger_db != db {
            change_cookie(e, trigger_db);
        }
        e.builder.emit(DropTrigger { db: trigger_db, name: trigger.name.clone() });
    }
    if table.autoincrement
        && let Some(sequence) = schema.table(SEQUENCE_TABLE)
    {
        let change = definition(db, SEQUENCE_TABLE);
        delete_rows_named(e, db, sequence.root, Some((0, &table.name)), change);
    }
    for statistics in ["sqlite_stat1", "sqlite_stat4"] {
        if !wants_view
            && !table.name.eq_ignore_ascii_case(statistics)
            && let Some(stat) = schema.table(statistics)
        {
            let change = statistics_change(db, Cause::Delete).filter(|_| statistics == "sqlite_stat1");
            delete_rows_named(e, db, stat.root, Some((0, &table.name)), change);
        }
    }
    if table.is_virtual() {
        return super::drop_virtual_table(e, db, &table);
    }
    delete_schema_rows(e, db, SchemaRows::OfTable(&table.name));
    destroy_trees(e, db, &table);
    e.builder.emit(DropTable { db, name: table.name.clone() });
    change_cookie(e, db);
    if deletes_rows {
        crate::emit::trigger::attach_bodies(e)?;
    }
    Ok(())
}

/// The name by which messages call a table that cannot be dropped.
fn protected_name(table: &Table) -> Option<&str> {
    let name: &str = &table.name;
    if table.root == 1 {
        let temporary = name.eq_ignore_ascii_case("sqlite_temp_schema");
        return Some(if temporary { "sqlite_temp_master" } else { "sqlite_master" });
    }
    let system = name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_"));
    let statistics = name.get(..11).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_stat"));
    // The shell keeps the values of `.parameter` in a table of this name.
    let parameters = name.eq_ignore_ascii_case("sqlite_parameters");
    (system && !statistics && !parameters).then_some(name)
}

/// Free the trees of the table and its indexes, the largest root first: with auto-vacuum the last root of the file moves into the
/// freed place, and must not be one that is still to be freed.
fn destroy_trees(e: &mut Emitter<'_>, db: DbIndex, table: &Table) {
    let mut roots: Vec<u32> = table.indexes.iter().map(|i| i.root).chain([table.root]).filter(|&r| r > 1).collect();
    roots.sort_unstable_by(|a, b| b.cmp(a));
    roots.dedup();
    for root in roots {
        destroy(e, db, root);
    }
}

fn destroy(e: &mut Emitter<'_>, db: DbIndex, root: u32) {
    let (reg, moved) = (e.builder.register(), e.builder.register());
    e.builder.emit(Integer { value: i64::from(root), dest: reg });
    e.builder.emit(Destroy { db, root: reg, moved_from: moved });
    follow_moved_root(e, db, reg, moved);
}

fn drop_index(e: &mut Emitter<'_>, statement: &Drop) -> Result<()> {
    let name = &statement.name;
    let Some((db, index)) = locate(e, name, |s| s.index(&name.name.text).cloned()) else {
        return missing(e, statement, "index");
    };
    e.uses_database(db, true);
    if index.origin != turso_schema::IndexOrigin::Created {
        return Err(Error::sql("index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped"));
    }
    delete_schema_rows(e, db, SchemaRows::Element { name: &index.name, kind: "index" });
    for statistics in ["sqlite_stat1", "sqlite_stat4"] {
        if let Some(stat) = schema_of(e, db).table(statistics).cloned() {
            let change = statistics_change(db, Cause::Delete).filter(|_| statistics == "sqlite_stat1");
            delete_rows_named(e, db, stat.root, Some((1, &index.name)), change);
        }
    }
    change_cookie(e, db);
    destroy(e, db, index.root);
    e.builder.emit(DropIndex { db, name: index.name.clone() });
    Ok(())
}

fn drop_trigger(e: &mut Emitter<'_>, statement: &Drop) -> Result<()> {
    let name = &statement.name;
    let Some((db, trigger)) = locate(e, name, |s| s.trigger(&name.name.text).cloned()) else {
        return missing(e, statement, "trigger");
    };
    e.uses_database(db, true);
    delete_schema_rows(e, db, SchemaRows::Element { name: &trigger.name, kind: "trigger" });
    change_cookie(e, db);
    e.builder.emit(DropTrigger { db, name: trigger.name.clone() });
    Ok(())
}
