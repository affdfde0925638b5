//! CREATE INDEX, and filling an index from its table.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::SchemaPlace;
use turso_parser::ast::{CreateIndex, QualifiedName};
use turso_program::control::{Goto, OnError, Raise, RaiseError};
use turso_program::cursor::{Close, Next, OpenRead, OpenWrite, Rewind, TreeKind};
use turso_program::schema::{CreateBtree, Expire};
use turso_program::sorter::{SorterAdd, SorterCompare, SorterData, SorterInsert, SorterNext, SorterOpen, SorterSort};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{DbIndex, Reg, Regs, Root};
use turso_schema::{Index, IndexKey, Table, define_index};

use super::{
    SchemaRecord, TEMP, append_schema_row, change_cookie, check_object_name, database_for_create, open_schema_table,
    parse_schema, schema_of,
};
use crate::emit::check::{check_index, check_keys_are_no_texts};
use crate::emit::row::{bind_table_expr, entry_affinities, index_entry, key_info, table_tree};
use crate::emit::{Emitter, SourceBinding};

/// Emit CREATE INDEX.
pub(crate) fn create_index(e: &mut Emitter<'_>, statement: &CreateIndex) -> Result<()> {
    let name = &statement.name.name;
    if statement.method.is_some() || !statement.parameters.is_empty() {
        return Err(Error::sql("index methods are not supported yet"));
    }
    let mut db = database_for_create(e, &statement.name, false, "index")?;
    // An index without a schema goes where its table is; `temp` hides `main`.
    if statement.name.schema.is_none() && schema_of(e, TEMP).table(&statement.table.text).is_some() {
        db = TEMP;
    }
    e.uses_database(db, false);
    let schema = schema_of(e, db);
    let Some(table) = schema.qualified_table(&statement.table.text).cloned() else {
        if e.context.catalogue.eponymous_table(&statement.table.text)?.is_some() {
            return Err(Error::sql("virtual tables may not be indexed"));
        }
        if db == TEMP {
            let name = &statement.table.text;
            let anywhere = QualifiedName { schema: None, name: statement.table.clone() };
            let elsewhere = crate::resolve::find_table(e.context, &anywhere).is_ok();
            return Err(Error::sql(match elsewhere {
                true => format!("cannot create a TEMP index on non-TEMP table \"{name}\""),
                false => format!("no such table: {name}"),
            }));
        }
        let database = e.context.catalogue.database_name(db).to_string();
        return Err(Error::sql(format!("no such table: {database}.{}", statement.table.text)));
    };
    if table.root == 1 || (table.name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_"))) {
        let shown = if table.root == 1 { system_name(&table.name) } else { &table.name };
        return Err(Error::sql(format!("table {shown} may not be indexed")));
    }
    if table.is_view() {
        return Err(Error::sql("views may not be indexed"));
    }
    if table.is_virtual() {
        return Err(Error::sql("virtual tables may not be indexed"));
    }
    check_object_name(e, &name.text)?;
    if schema.table(&name.text).is_some() {
        return Err(Error::sql(format!("there is already a table named {}", name.text)));
    }
    if schema.index(&name.text).is_some() {
        if statement.if_not_exists {
            e.counts_as_writing();
            return Ok(());
        }
        return Err(Error::sql(format!("index {} already exists", name.text)));
    }
    e.uses_database(db, true);
    let head = if statement.unique { "CREATE UNIQUE INDEX" } else { "CREATE INDEX" };
    let sql = format!("{head} {}", String::from_utf8_lossy(statement.definition.of(e.context.sql)));
    let mut index = define_index(statement, &table, &sql)?;
    if schema_of(e, db).ignores_descending() {
        index.ascend();
    }
    check_keys_are_no_texts(&index)?;
    check_index(e.context, db, &table, &index)?;
    crate::authorize::ask_to_store_index(e.context, db, &table, &index)?;

    let root = e.builder.register();
    e.builder.emit(CreateBtree { db, dest: root, index: true });
    let cursor = open_schema_table(e, db);
    let row = SchemaRecord { kind: "index", name: &index.name, table: &table.name, root: Some(root), sql: Some(&sql) };
    append_schema_row(e, db, cursor, &row);
    e.builder.emit(Close { cursor });
    fill_index(e, db, &table, &index, IndexRoot::InRegister(root))?;
    change_cookie(e, db);
    parse_schema(e, db, Some(format!("name='{}' AND type='index'", index.name.replace('\'', "''"))));
    e.builder.emit(Expire {});
    Ok(())
}

/// The name that messages use for the schema table.
fn system_name(name: &str) -> &str {
    if name.eq_ignore_ascii_case("sqlite_temp_schema") { "sqlite_temp_master" } else { "sqlite_master" }
}

/// Where the tree to be filled is.
#[derive(Clone, Copy)]
pub(crate) enum IndexRoot {
    /// A tree that this program has created.
    InRegister(Reg),
    /// The index's own tree, which has been emptied.
    Own,
}

/// Read the table, sort the entries, and append them to the index, which is empty.
pub(crate) fn fill_index(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    index: &Index,
    root: IndexRoot,
) -> Result<()> {
    let key = key_info(e, table, index, db)?;
    let (source, sorter, target) = (e.builder.cursor(), e.builder.cursor(), e.builder.cursor());
    let (record, entry) = (e.builder.register(), e.builder.register());
    e.builder.emit(SorterOpen { cursor: sorter, columns: key.columns.len() as u32, keep: None, key: key.clone() });
    let (tree, kind) = table_tree(e, table, db)?;
    e.builder.emit(OpenRead { cursor: source, root: tree, db, kind });
    let (read, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor: source, empty: read });
    let top = e.builder.label_here();
    let id = e.context.new_source();
    e.bind_source(id, SourceBinding::Cursor { cursor: source, table: table.clone(), covering: None });
    if let Some(condition) = &index.partial {
        let condition = bind_table_expr(e.context, SchemaPlace::Index, db, table, id, condition)?;
        e.jump_if_false(&condition, next, true)?;
    }
    let values = index_entry(e, db, table, index, id)?;
    match entry_affinities(table, index) {
        None => {
            e.builder.emit(SorterAdd { cursor: sorter, values });
        }
        affinities => {
            e.builder.emit(MakeRecord { values, dest: record, affinities });
            e.builder.emit(SorterInsert { cursor: sorter, record });
        }
    }
    e.builder.bind(next);
    e.builder.emit(Next { cursor: source, target: top });
    e.builder.bind(read);

    let (tree, root_in_register) = match root {
        IndexRoot::InRegister(reg) => (Root(reg.0), true),
        IndexRoot::Own => (Root(index.root), false),
    };
    e.builder.emit(OpenWrite { cursor: target, root: tree, db, root_in_register, kind: TreeKind::Index(key) });
    let (done, insert) = (e.builder.label(), e.builder.label());
    e.builder.emit(SorterSort { cursor: sorter, empty: done });
    let top = if index.unique {
        e.builder.emit(Goto { target: insert });
        let top = e.builder.label_here();
        e.builder.emit(SorterCompare {
            cursor: sorter,
            record: entry,
            key_columns: index.columns.len() as u32,
            differs: insert,
        });
        let raise = Raise {
            code: ResultCode::CONSTRAINT_UNIQUE,
            on_error: OnError::Abort,
            message: Some(unique_message(table, index).into()),
        };
        e.builder.emit(RaiseError { message: None, raise: Arc::new(raise) });
        top
    } else {
        e.builder.label_here()
    };
    e.builder.bind(insert);
    e.builder.emit(SorterData { cursor: sorter, dest: entry });
    e.builder.emit(IdxInsert {
        cursor: target,
        record: entry,
        key: Regs { first: entry, count: 0 },
        position: Position::Append,
        change: None,
    });
    e.builder.emit(SorterNext { cursor: sorter, target: top });
    e.builder.bind(done);
    for cursor in [source, target, sorter] {
        e.builder.emit(Close { cursor });
    }
    Ok(())
}

/// `UNIQUE constraint failed: t.a, t.b`, or for an index on expressions its name.
pub(crate) fn unique_message(table: &Table, index: &Index) -> String {
    if index.columns.iter().any(|c| matches!(c.key, IndexKey::Expr(_))) {
        return format!("UNIQUE constraint failed: index '{}'", index.name);
    }
    let columns: Vec<String> = index
        .columns
        .iter()
        .map(|c| match c.key {
            IndexKey::Column(i) => {
                format!("{}.{}", table.name, table.columns.get(i).map_or("", |c| &c.name))
            }
            _ => format!("{}.rowid", table.name),
        })
        .collect();
    format!("UNIQUE constraint failed: {}", columns.join(", "))
}
