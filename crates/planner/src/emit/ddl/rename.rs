//! ALTER TABLE RENAME TO and RENAME COLUMN: every text that names the table or column is edited, token by token.
//!
//! First all views, triggers, tables and indexes are resolved, which tells what each token means and finds errors that were there
//! before; then the texts are edited; then all is resolved again in the schema as it will be.
//! As in SQLite names after IN, in USING, and of columns that a subquery passes on are not edited; if that leaves an error behind,
//! the statement fails.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, ColumnConstraintKind, CreateTableBody, Name, Statement};
use turso_program::DbIndex;
use turso_program::control::Goto;
use turso_program::cursor::{Column, Next, OpenWrite, Rewind, Rowid, TreeKind};
use turso_program::expression::{Comparison, Ne, Nulls};
use turso_program::write::{Insert, MakeRecord, Position};
use turso_schema::{Table, Trigger, define_table, parse_stored};

use super::alter::{Rewrite, apply, corrupt};
use super::references::{Altered, Element, Refusal, check_indexes, error_in, resolve_all};
use super::{EXACT, SEQUENCE_TABLE, check_object_name, definition, schema_of, text_into};
use crate::context::{Mention, PlanContext};
use crate::emit::Emitter;
use crate::emit::check::check_expressions;
use crate::emit::row::is_primary;

const AFTER: &str = "after rename";

/// What takes the place of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    /// The new name.
    Name,
    /// The same as a string: in single quotes.
    Text,
}

/// The new name in both its forms.
struct NewName {
    /// For tokens that were not quoted.
    plain: String,
    quoted: String,
}

impl NewName {
    fn new(name: &Name, always_quoted: bool) -> Self {
        let quoted = format!("\"{}\"", name.text.replace('"', "\"\""));
        let plain =
            if always_quoted || name.quote != ast::Quote::None { quoted.clone() } else { name.text.to_string() };
        NewName { plain, quoted }
    }

    /// Edit the tokens at the given offsets.
    fn edit(&self, sql: &str, mut edits: Vec<(u32, Edit)>) -> Option<String> {
        edits.sort_unstable();
        edits.dedup_by_key(|(offset, _)| *offset);
        let mut text = String::with_capacity(sql.len() + 16);
        let mut done = 0;
        for (offset, edit) in edits {
            let end = turso_parser::token_end(sql.as_bytes(), offset) as usize;
            text.push_str(sql.get(done..offset as usize)?);
            let token = sql.get(offset as usize..end)?;
            let quoted = token.starts_with(['"', '[', '`', '\'']);
            match edit {
                Edit::Name if quoted => text.push_str(&self.quoted),
                Edit::Name => text.push_str(&self.plain),
                Edit::Text => {
                    let inner = token.trim_matches('"').replace("\"\"", "\"").replace('\'', "''");
                    text.push('\'');
                    text.push_str(&inner);
                    text.push('\'');
                }
            }
            done = end;
        }
        text.push_str(sql.get(done..)?);
        Some(text)
    }
}

/// Emit ALTER TABLE RENAME COLUMN.
pub(super) fn rename_column(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    from: &Name,
    to: &Name,
) -> Result<(), Refusal> {
    if table.is_view() {
        return Err(Error::sql(format!("cannot rename columns of view \"{}\"", table.name)).into());
    }
    let Some(position) = table.column_index(&from.text) else {
        let written = from.written(e.context.sql);
        return Err(Error::sql(format!("no such column: \"{written}\"")).with_sql_offset(from.offset).into());
    };
    let elements = verify(e.context, db, &[], "")?;
    let new = NewName::new(to, false);
    let means = |mention: &Mention| match mention {
        Mention::Column { db: d, table: t, column } => {
            (*d == db && *t == table.name && *column == position).then_some(Edit::Name)
        }
        Mention::Text => Some(Edit::Text),
        Mention::Table { .. } => None,
    };
    let mut rewrites = Vec::new();
    for element in &elements {
        let mut edits = edits_of(element, means);
        if element.db == db {
            let places = column_places(element, table, &from.text)?;
            edits.extend(places.into_iter().map(|offset| (offset, Edit::Name)));
        }
        if !edits.is_empty() {
            let sql = new.edit(&element.sql, edits).ok_or_else(|| corrupt(table))?;
            rewrites.push(rewrite_of(element, sql));
        }
    }
    finish(e, db, &rewrites)
}

fn edits_of(element: &Element, means: impl Fn(&Mention) -> Option<Edit>) -> Vec<(u32, Edit)> {
    element.mentions.iter().filter_map(|(offset, mention)| Some((*offset, means(mention)?))).collect()
}

fn rewrite_of(element: &Element, sql: String) -> Rewrite {
    let (name, table) = (element.name.to_string(), element.table.to_string());
    Rewrite {
        db: element.db,
        kind: element.kind,
        name: element.name.clone(),
        new_name: name,
        new_table: table,
        sql: Some(sql),
    }
}

/// Double-quoted strings as what they are, in every element: a column of that name may come later.
pub(super) fn quote_strings(elements: &[Element]) -> Vec<Rewrite> {
    let new = NewName { plain: String::new(), quoted: String::new() };
    let text = |mention: &Mention| (*mention == Mention::Text).then_some(Edit::Text);
    let quoted = elements.iter().filter_map(|element| {
        let edits = edits_of(element, text);
        let sql = if edits.is_empty() { None } else { new.edit(&element.sql, edits) };
        Some(rewrite_of(element, sql?))
    });
    quoted.collect()
}

/// Check the schema as it will be, and write it.
fn finish(e: &mut Emitter<'_>, db: DbIndex, rewrites: &[Rewrite]) -> Result<(), Refusal> {
    check_tables(e.context, rewrites, AFTER)?;
    verify(e.context, db, rewrites, AFTER)?;
    apply(e, rewrites);
    Ok(())
}

/// The rewritten tables have no errors in themselves.
fn check_tables(context: &PlanContext<'_>, rewrites: &[Rewrite], when: &str) -> Result<(), Refusal> {
    for rewrite in rewrites.iter().filter(|r| r.kind == "table") {
        let sql = rewrite.sql.as_deref().unwrap_or_default();
        let in_table = |error: Error| error_in("table", &rewrite.new_name, when, &error);
        if let Statement::CreateTable(create) = parse_stored(sql.as_bytes()).map_err(in_table)? {
            let table = define_table(&create, sql.as_bytes(), sql).map_err(in_table)?;
            // (Collations of columns may be those of another program.)
            check_expressions(context, rewrite.db, &table).map_err(in_table)?;
        }
    }
    Ok(())
}

/// Resolve every name in the schema with these rows. Nobody is asked whether that is allowed.
pub(super) fn verify(
    context: &PlanContext<'_>,
    db: DbIndex,
    rewrites: &[Rewrite],
    when: &str,
) -> Result<Vec<Element>, Refusal> {
    let altered = Altered::new(context.catalogue, rewrites)?;
    resolve_all(&PlanContext::new(&altered, context.options.clone(), context.sql), db, when)
}

/// Likewise, once strings in double quotes have got other quotes: what is left in indexes and constraints must be names.
pub(super) fn verify_names(
    context: &PlanContext<'_>,
    db: DbIndex,
    rewrites: &[Rewrite],
    when: &str,
) -> Result<(), Refusal> {
    let altered = Altered::new(context.catalogue, rewrites)?;
    let mut options = context.options.clone();
    options.dqs_ddl = false;
    resolve_all(&PlanContext::new(&altered, options, context.sql), db, when).map(|_| ())
}

/// Places that define the column or name it in a key: in the table itself all, elsewhere in foreign keys.
fn column_places(element: &Element, table: &Table, column: &str) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    let is_self = element.table == table.name;
    if !(element.kind == "table" || (element.kind == "index" && is_self)) {
        return Ok(found);
    }
    let statement = parse_stored(element.sql.as_bytes())?;
    let mut push = |name: &Name| {
        if name.is(column) {
            found.push(name.offset);
        }
    };
    if let Statement::CreateTable(create) = &statement
        && let CreateTableBody::Columns { columns, constraints, .. } = &create.body
    {
        if is_self {
            columns.iter().for_each(|c| push(&c.name));
        }
        for (own, clause) in foreign_keys(columns, constraints) {
            if is_self {
                own.iter().for_each(&mut push);
            }
            if clause.table.is(&table.name) {
                clause.columns.iter().for_each(&mut push);
            }
        }
    }
    if is_self {
        let mut names = ColumnNames { name: column, found };
        ast::visit::walk_statement(&mut names, &statement);
        found = names.found;
    }
    Ok(found)
}

/// The foreign keys of a table: child columns (of table constraints) and the clause.
fn foreign_keys<'s>(
    columns: &'s [ast::ColumnDef],
    constraints: &'s [ast::TableConstraint],
) -> impl Iterator<Item = (&'s [Name], &'s ast::ForeignKeyClause)> {
    let of_columns = columns.iter().flat_map(|c| &c.constraints).filter_map(|c| match &c.kind {
        ColumnConstraintKind::References(clause) => Some((&[] as &[Name], clause)),
        _ => None,
    });
    let of_table = constraints.iter().filter_map(|c| match &c.kind {
        ast::TableConstraintKind::ForeignKey { columns, clause } => Some((columns.as_slice(), clause)),
        _ => None,
    });
    of_columns.chain(of_table)
}

/// Places where expressions name a column.
struct ColumnNames<'n> {
    name: &'n str,
    found: Vec<u32>,
}

impl ast::visit::Visit for ColumnNames<'_> {
    fn expr(&mut self, expr: &ast::Expr) {
        match expr {
            ast::Expr::Column(reference) if reference.column.is(self.name) => self.found.push(reference.column.offset),
            // What stands there means nothing.
            ast::Expr::In(in_) if in_.is_over_nothing() => return,
            _ => {}
        }
        ast::visit::walk_expr(self, expr);
    }
}

/// Emit ALTER TABLE RENAME TO.
pub(super) fn rename_table(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, to: &Name) -> Result<(), Refusal> {
    let schema = schema_of(e, db);
    if schema.table(&to.text).is_some() || schema.index(&to.text).is_some() {
        return Err(Error::sql(format!("there is already another table or index with this name: {}", to.text)).into());
    }
    check_object_name(e, &to.text)?;
    if table.is_view() {
        return Err(Error::sql(format!("view {} may not be altered", table.name)).into());
    }
    let legacy = e.context.options.legacy_alter_table;
    let elements = if legacy { own_elements(e, db, table) } else { verify(e.context, db, &[], "")? };
    let new = NewName::new(to, true);
    let means = |mention: &Mention| match mention {
        Mention::Table { db: d, table: t } => (*d == db && *t == table.name).then_some(Edit::Name),
        _ => None,
    };
    let mut rewrites = Vec::new();
    for element in &elements {
        let mut edits = edits_of(element, means);
        if element.db == db {
            let parents = !legacy || e.context.options.foreign_keys;
            let places = table_places(element, &table.name, parents)?;
            edits.extend(places.into_iter().map(|offset| (offset, Edit::Name)));
        }
        let is_own = element.db == db && element.kind != "trigger" && element.table == table.name;
        let watches = element.kind == "trigger" && edits.iter().any(|(o, _)| Some(*o) == watched_place(element));
        if edits.is_empty() && !is_own {
            continue;
        }
        let mut rewrite = rewrite_of(element, new.edit(&element.sql, edits).ok_or_else(|| corrupt(table))?);
        if is_own || watches {
            rewrite.new_table = to.text.to_string();
        }
        if is_own && element.kind == "table" {
            rewrite.new_name = to.text.to_string();
        }
        rewrites.push(rewrite);
    }
    rewrites.extend(automatic_indexes(db, table, to));
    if let Statement::CreateVirtualTable(create) = parse_stored(table.sql.as_bytes())? {
        let edits = vec![(create.name.name.offset, Edit::Name)];
        rewrites.push(Rewrite {
            db,
            kind: "table",
            name: table.name.clone(),
            new_name: to.text.to_string(),
            new_table: to.text.to_string(),
            sql: Some(new.edit(&table.sql, edits).ok_or_else(|| corrupt(table))?),
        });
    }
    if table.autoincrement
        && let Some(sequence) = schema.table(SEQUENCE_TABLE)
    {
        rename_in_sequence(e, db, sequence.root, &table.name, &to.text);
    }
    if legacy {
        check_tables(e.context, &rewrites, AFTER)?;
        let altered = Altered::new(e.context.catalogue, &rewrites)?;
        let context = PlanContext::new(&altered, e.context.options.clone(), e.context.sql);
        check_indexes(&context, db, &to.text, AFTER)?;
        apply(e, &rewrites);
    } else {
        finish(e, db, &rewrites)?;
    }
    if table.is_virtual() {
        super::rename_virtual_table(e, db, table, &to.text)?;
    }
    Ok(())
}

/// `PRAGMA legacy_alter_table`: tables, the table's own indexes and triggers, not resolved.
fn own_elements(e: &Emitter<'_>, db: DbIndex, table: &Table) -> Vec<Element> {
    let schema = schema_of(e, db);
    let mut elements = Vec::new();
    for other in schema.tables.values().filter(|t| t.root != 1 && !t.is_virtual() && !t.is_view()) {
        let (name, sql) = (other.name.clone(), other.sql.clone());
        elements.push(Element { db, kind: "table", name: name.clone(), table: name, sql, mentions: Vec::new() });
    }
    for index in &table.indexes {
        if let Some(sql) = &index.sql {
            let (name, table, sql) = (index.name.clone(), table.name.clone(), sql.clone());
            elements.push(Element { db, kind: "index", name, table, sql, mentions: Vec::new() });
        }
    }
    for (trigger_db, trigger) in crate::emit::trigger::all_triggers_of(e, db, &table.name) {
        let trigger: Arc<Trigger> = trigger;
        let watched = Mention::Table { db, table: table.name.clone() };
        elements.push(Element {
            db: trigger_db,
            kind: "trigger",
            name: trigger.name.clone(),
            table: trigger.table.clone(),
            sql: trigger.sql.clone(),
            mentions: vec![(trigger.statement.table.name.offset, watched)],
        });
    }
    elements
}

/// Where a trigger's text names the table it watches.
fn watched_place(element: &Element) -> Option<u32> {
    match parse_stored(element.sql.as_bytes()) {
        Ok(Statement::CreateTrigger(trigger)) => Some(trigger.table.name.offset),
        _ => None,
    }
}

/// Places in tables and indexes that name the table outside of expressions.
fn table_places(element: &Element, table: &str, parents: bool) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    let mut push = |name: &Name| {
        if name.is(table) {
            found.push(name.offset);
        }
    };
    if !matches!(element.kind, "table" | "index") {
        return Ok(found);
    }
    match parse_stored(element.sql.as_bytes())? {
        Statement::CreateTable(create) => {
            push(&create.name.name);
            if parents && let CreateTableBody::Columns { columns, constraints, .. } = &create.body {
                foreign_keys(columns, constraints).for_each(|(_, clause)| push(&clause.table));
            }
        }
        Statement::CreateIndex(create) => push(&create.table),
        _ => {}
    }
    Ok(found)
}

/// The automatic indexes are named for their table.
fn automatic_indexes(db: DbIndex, table: &Table, to: &Name) -> Vec<Rewrite> {
    let automatic = table.indexes.iter().filter(|i| i.sql.is_none() && !is_primary(table, i));
    let renamed = automatic.filter_map(|index| {
        let number = index.name.rsplit('_').next()?;
        let new_name = format!("sqlite_autoindex_{}_{number}", to.text);
        Some(Rewrite {
            db,
            kind: "index",
            name: index.name.clone(),
            new_name,
            new_table: to.text.to_string(),
            sql: None,
        })
    });
    renamed.collect()
}

/// The row of `sqlite_sequence` follows its table.
fn rename_in_sequence(e: &mut Emitter<'_>, db: DbIndex, root: u32, old: &str, new: &str) {
    let (wanted, rowid, record) = (e.builder.register(), e.builder.register(), e.builder.register());
    let values = e.builder.registers(2);
    text_into(e, old, wanted);
    let cursor = e.builder.cursor();
    e.builder.emit(OpenWrite {
        cursor,
        root: turso_program::Root(root),
        db,
        root_in_register: false,
        kind: TreeKind::Table,
    });
    let (end, next) = (e.builder.label(), e.builder.label());
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(Column { cursor, column: 0, dest: values.at(0), default: None });
    e.builder.emit(Ne {
        left: values.at(0),
        right: wanted,
        target: next,
        how: Comparison { nulls: Nulls::Jump, ..EXACT },
    });
    e.builder.emit(Rowid { cursor, dest: rowid });
    e.builder.emit(Column { cursor, column: 1, dest: values.at(1), default: None });
    text_into(e, new, values.at(0));
    e.builder.emit(MakeRecord { values, dest: record, affinities: None });
    let change = definition(db, SEQUENCE_TABLE);
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change });
    e.builder.emit(Goto { target: end });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
}
