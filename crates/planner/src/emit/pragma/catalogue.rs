//! Pragmas that read the catalogue: their rows are known when the statement is planned.

use std::sync::Arc;

use turso_error::Result;
use turso_functions::{Arity, FunctionDef, FunctionFlags, built_ins};
use turso_program::DbIndex;
use turso_schema::{ForeignKeyAction, Index, IndexKey, IndexOrigin, Relation, Table};
use turso_value::Value;

use super::{Arguments, Rows, names};
use crate::emit::Emitter;
use crate::emit::view::expand_view;
use crate::resolve::resolution_order;

fn text(text: &str) -> Value {
    Value::from(text)
}

fn number(n: usize) -> Value {
    Value::Integer(n as i64)
}

fn flag(on: bool) -> Value {
    Value::Integer(i64::from(on))
}

fn optional(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::from)
}

/// A view or virtual table with its columns filled in.
fn with_columns(e: &Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<Arc<Table>> {
    if table.is_virtual() {
        return Ok(e.context.catalogue.virtual_table(db, table)?.table.clone());
    }
    expand_view(e, db, table)
}

/// The table or view that the argument names, with its columns.
fn table_of(args: &Arguments<'_, '_>) -> Result<Option<(DbIndex, Arc<Table>)>> {
    match found_table(args) {
        Some((db, table)) => Ok(Some((db, with_columns(args.e, db, &table)?))),
        None => {
            let own = args.value.map(|name| args.e.context.catalogue.eponymous_table(name)).transpose()?.flatten();
            Ok(own.map(|own| (super::MAIN, own.table.clone())))
        }
    }
}

/// The table that the argument names, or the view as the catalogue holds it.
fn found_table(args: &Arguments<'_, '_>) -> Option<(DbIndex, Arc<Table>)> {
    let name = args.value?;
    let catalogue = args.e.context.catalogue;
    match args.schema {
        Some(db) => catalogue.schema(db).qualified_table(name).map(|t| (db, t.clone())),
        None => crate::resolve::find_unqualified(args.e.context, name),
    }
}

fn index_of(args: &Arguments<'_, '_>) -> Option<(Arc<Table>, Arc<Index>)> {
    let name = args.value?;
    let catalogue = args.e.context.catalogue;
    let databases: Vec<DbIndex> = match args.schema {
        Some(db) => vec![db],
        None => resolution_order(args.e.context).collect(),
    };
    for db in databases {
        let schema = catalogue.schema(db);
        if let Some(index) = schema.index(name) {
            return Some((schema.table(&index.table)?.clone(), index.clone()));
        }
        // A WITHOUT ROWID table stands for its primary key.
        if let Some(table) = schema.table(name)
            && let Some(primary) = table.primary_key_index()
        {
            return Some((table.clone(), primary.clone()));
        }
    }
    None
}

pub(super) fn table_info(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let columns = &["cid", "name", "type", "notnull", "dflt_value", "pk"];
    Ok(Rows { columns, rows: columns_of(args, false)? })
}

pub(super) fn table_xinfo(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let columns = &["cid", "name", "type", "notnull", "dflt_value", "pk", "hidden"];
    Ok(Rows { columns, rows: columns_of(args, true)? })
}

fn columns_of(args: &Arguments<'_, '_>, extended: bool) -> Result<Vec<Vec<Value>>> {
    let Some((_, table)) = table_of(args)? else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for (i, column) in table.columns.iter().enumerate() {
        let hidden = match &column.generated {
            Some(generated) => {
                if generated.stored {
                    3
                } else {
                    2
                }
            }
            None => i64::from(column.hidden),
        };
        if hidden != 0 && !extended {
            continue;
        }
        let mut row = vec![
            // table_info leaves out hidden columns and numbers the others through.
            number(if extended { i } else { rows.len() }),
            text(&column.name),
            text(column.declared_type.as_deref().unwrap_or("")),
            flag(column.not_null.is_some()),
            optional(column.default_text.as_deref()),
            Value::Integer(i64::from(column.primary_key_position)),
        ];
        if extended {
            row.push(Value::Integer(hidden));
        }
        rows.push(row);
    }
    Ok(rows)
}

pub(super) fn table_list(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let context = args.e.context;
    let mut rows = Vec::new();
    for db in (0..context.catalogue.database_count()).map(|i| DbIndex(i as u16)) {
        if args.schema.is_some_and(|s| s != db) {
            continue;
        }
        for table in context.catalogue.schema(db).tables_in_order() {
            if args.value.is_some_and(|v| !v.eq_ignore_ascii_case(&table.name)) {
                continue;
            }
            let kind = match table.relation {
                Relation::View { .. } => "view",
                Relation::Virtual { .. } => "virtual",
                _ if crate::shadow::is_shadow(context, db, &table.name) => "shadow",
                _ => "table",
            };
            // A view that cannot be expanded has no columns to count, and a virtual table of a module that is not known neither.
            let shown = with_columns(args.e, db, table).ok();
            let columns = shown.as_ref().map_or(0, |t| t.columns.len());
            let table = shown.as_ref().unwrap_or(table);
            rows.push(vec![
                text(context.catalogue.database_name(db)),
                text(&table.name),
                text(kind),
                number(columns),
                flag(matches!(table.relation, Relation::WithoutRowid)),
                flag(table.strict),
            ]);
        }
    }
    Ok(Rows { columns: &["schema", "name", "type", "ncol", "wr", "strict"], rows })
}

pub(super) fn index_list(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let columns = &["seq", "name", "unique", "origin", "partial"];
    let Some((_, table)) = found_table(args) else { return Ok(Rows { columns, rows: Vec::new() }) };
    let rows = table.indexes_newest_first().into_iter().enumerate().map(|(i, index)| {
        let origin = match index.origin {
            IndexOrigin::Created => "c",
            IndexOrigin::Unique => "u",
            IndexOrigin::PrimaryKey => "pk",
        };
        vec![number(i), text(&index.name), flag(index.unique), text(origin), flag(index.partial.is_some())]
    });
    Ok(Rows { columns, rows: rows.collect() })
}

/// `cid` and `name` of a column: -1 for the rowid, -2 for an expression.
fn column_identity(table: &Table, key: &IndexKey) -> [Value; 2] {
    match key {
        IndexKey::Column(c) => [number(*c), optional(table.columns.get(*c).map(|c| &*c.name))],
        IndexKey::Rowid => [Value::Integer(-1), Value::Null],
        IndexKey::Expr(_) => [Value::Integer(-2), Value::Null],
    }
}

pub(super) fn index_info(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let columns = &["seqno", "cid", "name"];
    let Some((table, index)) = index_of(args) else { return Ok(Rows { columns, rows: Vec::new() }) };
    let rows = index.columns.iter().enumerate().map(|(i, column)| {
        let [cid, name] = column_identity(&table, &column.key);
        vec![number(i), cid, name]
    });
    Ok(Rows { columns, rows: rows.collect() })
}

pub(super) fn index_xinfo(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let columns = &["seqno", "cid", "name", "desc", "coll", "key"];
    let Some((table, index)) = index_of(args) else { return Ok(Rows { columns, rows: Vec::new() }) };
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for column in &index.columns {
        let [cid, name] = column_identity(&table, &column.key);
        rows.push(vec![
            number(rows.len()),
            cid,
            name,
            flag(column.descending),
            text(column.collation_name()),
            flag(true),
        ]);
    }
    let trailing: Vec<IndexKey> = if table.has_rowid() {
        vec![IndexKey::Rowid]
    } else {
        index.trailing.iter().map(|&c| IndexKey::Column(c)).collect()
    };
    for key in trailing {
        let [cid, name] = column_identity(&table, &key);
        let of_key = table
            .primary_key
            .iter()
            .find(|k| matches!((&k.key, &key), (IndexKey::Column(a), IndexKey::Column(b)) if a == b));
        let collation = of_key.map_or("BINARY", |k| k.collation_name());
        // SQLite appends the key to the index of a UNIQUE constraint before it knows the key's directions.
        let descending = index.sql.is_some() && of_key.is_some_and(|k| k.descending);
        rows.push(vec![number(rows.len()), cid, name, flag(descending), text(collation), flag(false)]);
    }
    Ok(Rows { columns, rows })
}

pub(super) fn foreign_key_list(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let columns = &["id", "seq", "table", "from", "to", "on_update", "on_delete", "match"];
    let Some((_, table)) = found_table(args) else { return Ok(Rows { columns, rows: Vec::new() }) };
    let action = |a: ForeignKeyAction| {
        text(match a {
            ForeignKeyAction::NoAction => "NO ACTION",
            ForeignKeyAction::Restrict => "RESTRICT",
            ForeignKeyAction::SetNull => "SET NULL",
            ForeignKeyAction::SetDefault => "SET DEFAULT",
            ForeignKeyAction::Cascade => "CASCADE",
        })
    };
    let mut rows = Vec::new();
    for (id, key) in table.foreign_keys.iter().rev().enumerate() {
        for (seq, &child) in key.columns.iter().enumerate() {
            let parent = key.parent_columns.as_ref().and_then(|p| p.get(seq));
            rows.push(vec![
                number(id),
                number(seq),
                text(&key.parent),
                optional(table.columns.get(child).map(|c| &*c.name)),
                optional(parent.map(|p| &**p)),
                action(key.on_update),
                action(key.on_delete),
                text("NONE"),
            ]);
        }
    }
    Ok(Rows { columns, rows })
}

pub(super) fn collation_list(arguments: &mut Arguments<'_, '_>) -> Result<Rows> {
    let own = arguments.e.context.catalogue.collation_names();
    let names = own.iter().map(String::as_str).chain(["RTRIM", "NOCASE", "BINARY"]);
    let rows = names.enumerate().map(|(i, name)| vec![number(i), text(name)]);
    Ok(Rows { columns: &["seq", "name"], rows: rows.collect() })
}

/// `SQLITE_DETERMINISTIC` and its kin, as C passes them when it registers a function.
const PROPERTIES: [(FunctionFlags, i64); 5] = [
    (FunctionFlags::DETERMINISTIC, 0x800),
    (FunctionFlags::DIRECT_ONLY, 0x8_0000),
    (FunctionFlags::SUBTYPE, 0x10_0000),
    (FunctionFlags::INNOCUOUS, 0x20_0000),
    (FunctionFlags::RESULT_SUBTYPE, 0x100_0000),
];

pub(super) fn function_list(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let row = |f: &FunctionDef, kind: &str, flags: i64| {
        let arguments = if f.arity == Arity::exactly(f.arity.min) { i64::from(f.arity.min) } else { -1 };
        let built_in = !f.flags.has(FunctionFlags::USER);
        vec![text(&f.name), flag(built_in), text(kind), text("utf8"), Value::Integer(arguments), Value::Integer(flags)]
    };
    let mut rows: Vec<_> = built_ins()
        .map(|f| {
            let deterministic = if f.flags.has(FunctionFlags::DETERMINISTIC) { 0x800 } else { 0 };
            row(f, if f.is_scalar() { "s" } else { "w" }, 0x20_0000 | deterministic)
        })
        .collect();
    for f in args.e.context.catalogue.user_functions() {
        let flags = PROPERTIES.iter().filter(|(property, _)| f.flags.has(*property)).map(|(_, bit)| bit).sum();
        let kind = match f.is_scalar() {
            true => "s",
            false if f.is_window() || f.flags.has(FunctionFlags::WINDOW) => "w",
            false => "a",
        };
        rows.push(row(&f, kind, flags));
    }
    Ok(Rows { columns: &["name", "builtin", "type", "enc", "narg", "flags"], rows })
}

pub(super) fn module_list(args: &mut Arguments<'_, '_>) -> Result<Rows> {
    let modules = args.e.context.catalogue.modules();
    Ok(Rows { columns: &["name"], rows: modules.iter().map(|name| vec![text(name)]).collect() })
}

pub(super) fn pragma_list(_: &mut Arguments<'_, '_>) -> Result<Rows> {
    // SQLite does not list this one.
    let listed = names().filter(|n| *n != "legacy_file_format");
    Ok(Rows { columns: &["name"], rows: listed.map(|n| vec![text(n)]).collect() })
}

pub(super) fn compile_options(_: &mut Arguments<'_, '_>) -> Result<Rows> {
    let rows = turso_functions::COMPILE_OPTIONS.iter().map(|o| vec![text(o)]);
    Ok(Rows { columns: &["compile_options"], rows: rows.collect() })
}
