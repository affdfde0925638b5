//! ALTER TABLE: the stored texts are rewritten when the statement is planned; the program writes them and reads the schema anew.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{
    self, AlterAction, AlterTable, ColumnConstraintKind, ColumnDef, CreateTableBody, Name, Statement,
};
use turso_program::DbIndex;
use turso_program::control::{Goto, OnError, Raise, RaiseError};
use turso_program::cursor::{Column, Next, Rewind, Rowid};
use turso_program::data::Copy;
use turso_program::expression::{Comparison, Ne, Nulls};
use turso_program::write::{Insert, MakeRecord, Position};
use turso_schema::{Table, define_table, parse_stored};

use super::{
    EXACT, TEMP, change_cookie, check_object_name, open_schema_table, parse_schema, schema_affinities, schema_of,
    text_into,
};
use crate::emit::row::bind_table_expr;
use crate::emit::{Emitter, SourceBinding};
use crate::resolve::find_table;

/// Emit ALTER TABLE.
pub(crate) fn alter_table(e: &mut Emitter<'_>, statement: &AlterTable) -> Result<()> {
    let (db, table) = find_table(e.context, &statement.table)?;
    e.uses_database(db, true);
    if table.root == 1 || table.name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_")) {
        let shown = if table.root == 1 { "sqlite_master" } else { &table.name };
        return Err(Error::sql(format!("table {shown} may not be altered")));
    }
    if table.is_virtual() {
        return Err(Error::sql("virtual tables may not be altered"));
    }
    match &statement.action {
        AlterAction::AddColumn(column) => add_column(e, db, &table, column),
        AlterAction::RenameTo(name) => rename_table(e, db, &table, name),
        AlterAction::RenameColumn { from, to } => rename_column(e, db, &table, from, to),
        AlterAction::DropColumn(name) => super::drop_column::drop_column(e, db, &table, name),
        _ => Err(Error::sql("this form of ALTER TABLE is not supported yet")),
    }
}

/// New contents of one row of `sqlite_schema`.
pub(super) struct Rewrite {
    pub db: DbIndex,
    pub kind: &'static str,
    /// The row's present name.
    pub name: Arc<str>,
    pub new_name: String,
    pub new_table: String,
    /// `None`: it has none (automatic indexes).
    pub sql: Option<String>,
}

/// Write the rows and have the schema read anew.
pub(super) fn apply(e: &mut Emitter<'_>, rewrites: &[Rewrite]) {
    let mut databases: Vec<DbIndex> = Vec::new();
    for rewrite in rewrites {
        write_row(e, rewrite);
        if !databases.contains(&rewrite.db) {
            databases.push(rewrite.db);
        }
    }
    for db in databases {
        e.uses_database(db, true);
        change_cookie(e, db);
        parse_schema(e, db, None);
    }
}

fn write_row(e: &mut Emitter<'_>, rewrite: &Rewrite) {
    let (kind, name, field) = (e.builder.register(), e.builder.register(), e.builder.register());
    text_into(e, rewrite.kind, kind);
    text_into(e, &rewrite.name, name);
    let cursor = open_schema_table(e, rewrite.db);
    let (end, next) = (e.builder.label(), e.builder.label());
    let how = Comparison { nulls: Nulls::Jump, ..EXACT };
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    e.builder.emit(Column { cursor, column: 0, dest: field, default: None });
    e.builder.emit(Ne { left: field, right: kind, target: next, how });
    e.builder.emit(Column { cursor, column: 1, dest: field, default: None });
    e.builder.emit(Ne { left: field, right: name, target: next, how });
    let values = e.builder.registers(5);
    let (rowid, record) = (e.builder.register(), e.builder.register());
    e.builder.emit(Rowid { cursor, dest: rowid });
    e.builder.emit(Copy { from: kind, to: values.at(0), count: 1 });
    text_into(e, &rewrite.new_name, values.at(1));
    text_into(e, &rewrite.new_table, values.at(2));
    e.builder.emit(Column { cursor, column: 3, dest: values.at(3), default: None });
    match &rewrite.sql {
        Some(sql) => text_into(e, sql, values.at(4)),
        None => e.load(&turso_value::Value::Null, values.at(4), false),
    }
    e.builder.emit(MakeRecord { values, dest: record, affinities: Some(schema_affinities()) });
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: None });
    e.builder.emit(Goto { target: end });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
}

fn add_column(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, column: &ColumnDef) -> Result<()> {
    if table.is_view() {
        return Err(Error::sql("Cannot add a column to a view"));
    }
    let Statement::CreateTable(create) = parse_stored(table.sql.as_bytes())? else { return Err(corrupt(table)) };
    let text = String::from_utf8_lossy(column.span.of(e.context.sql)).into_owned();
    let at = end_of_columns(table, &create).ok_or_else(|| corrupt(table))?;
    let (Some(head), Some(tail)) = (table.sql.get(..at), table.sql.get(at..)) else { return Err(corrupt(table)) };
    let sql = format!("{head}, {text}{tail}");

    let only_empty = refuse_column(e, column)?;
    let parsed = parse_stored(sql.as_bytes())?;
    let Statement::CreateTable(changed) = &parsed else { return Err(corrupt(table)) };
    let mut new = define_table(changed, sql.as_bytes(), &sql)?;
    crate::emit::check::check_table(e.context, db, &new)?;
    new.root = table.root;
    let new = Arc::new(new);
    if let Some(message) = only_empty {
        require_empty(e, db, table, message);
    }
    check_present_rows(e, db, table, &new)?;
    let name = table.name.to_string();
    apply(
        e,
        &[Rewrite {
            db,
            kind: "table",
            name: table.name.clone(),
            new_name: name.clone(),
            new_table: name,
            sql: Some(sql),
        }],
    );
    Ok(())
}

/// Where the columns end in the stored text: at the comma before the table constraints, or at the closing parenthesis.
pub(super) fn end_of_columns(table: &Table, create: &ast::CreateTable) -> Option<usize> {
    let CreateTableBody::Columns { columns, constraints, end_of_columns, .. } = &create.body else { return None };
    let last = columns.last()?;
    if constraints.is_empty() {
        return Some(end_of_columns.start as usize);
    }
    let rest = table.sql.as_bytes().get(last.span.end as usize..)?;
    Some(last.span.end as usize + rest.iter().position(|&b| b == b',').unwrap_or(0))
}

pub(super) fn corrupt(table: &Table) -> Error {
    Error::new(ResultCode::CORRUPT, format!("malformed database schema ({})", table.name))
}

/// What cannot be added at all is an error; what cannot be added to a table with rows is a message.
fn refuse_column(e: &Emitter<'_>, column: &ColumnDef) -> Result<Option<&'static str>> {
    let mut only_empty = None;
    let (mut not_null, mut references, mut default) = (false, false, None);
    for constraint in &column.constraints {
        match &constraint.kind {
            ColumnConstraintKind::PrimaryKey { .. } => return Err(Error::sql("Cannot add a PRIMARY KEY column")),
            ColumnConstraintKind::Unique { .. } => return Err(Error::sql("Cannot add a UNIQUE column")),
            ColumnConstraintKind::NotNull { .. } => not_null = true,
            ColumnConstraintKind::References(_) => references = true,
            ColumnConstraintKind::Default { expr, .. } => default = Some(expr),
            ColumnConstraintKind::Generated { storage, .. } => {
                if *storage == Some(ast::GeneratedStorage::Stored) {
                    return Ok(Some("cannot add a STORED column"));
                }
                return Ok(None);
            }
            _ => {}
        }
    }
    let is_null = default.is_none_or(|d| matches!(d, ast::Expr::Literal(ast::Literal::Null)));
    if references && !is_null && e.context.options.foreign_keys {
        only_empty = Some("Cannot add a REFERENCES column with non-NULL default value");
    }
    if not_null && is_null {
        only_empty = Some("Cannot add a NOT NULL column with default value NULL");
    }
    if let Some(expr) = default
        && !is_plain_constant(expr)
    {
        only_empty = Some("Cannot add a column with non-constant default");
    }
    Ok(only_empty)
}

/// A literal, perhaps with a sign: what short records can be completed with.
fn is_plain_constant(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Literal(literal) => {
            !matches!(literal, ast::Literal::CurrentDate | ast::Literal::CurrentTime | ast::Literal::CurrentTimestamp)
        }
        ast::Expr::Unary { op: ast::UnaryOp::Minus | ast::UnaryOp::Plus, expr } => is_plain_constant(expr),
        ast::Expr::Column(reference) => reference.column.may_be_string() || expr.as_bool_keyword().is_some(),
        _ => false,
    }
}

fn raise(e: &mut Emitter<'_>, message: &str) {
    let raise = Raise { code: ResultCode::ERROR, on_error: OnError::Abort, message: Some(message.into()) };
    e.builder.emit(RaiseError { message: None, raise: Arc::new(raise) });
}

fn require_empty(e: &mut Emitter<'_>, db: DbIndex, table: &Table, message: &str) {
    let cursor = e.open_table(db, table);
    let empty = e.builder.label();
    e.builder.emit(Rewind { cursor, empty });
    raise(e, message);
    e.builder.bind(empty);
}

/// A new CHECK, or NOT NULL on a generated column, holds for the rows there are.
fn check_present_rows(e: &mut Emitter<'_>, db: DbIndex, old: &Table, new: &Arc<Table>) -> Result<()> {
    let generated_not_null = new.columns.last().is_some_and(|c| c.generated.is_some() && c.not_null.is_some());
    if new.checks.len() == old.checks.len() && !generated_not_null {
        return Ok(());
    }
    let cursor = e.open_table(db, old);
    let source = e.context.new_source();
    e.bind_source(source, SourceBinding::Cursor { cursor, table: new.clone(), covering: None });
    let end = e.builder.label();
    e.builder.emit(Rewind { cursor, empty: end });
    let top = e.builder.label_here();
    for check in &new.checks {
        let fine = e.builder.label();
        let bound = bind_table_expr(e.context, db, new, source, &check.expr)?;
        e.jump_if_true(&bound, fine, true)?;
        raise(e, "CHECK constraint failed");
        e.builder.bind(fine);
    }
    if generated_not_null && let Some(last) = new.columns.len().checked_sub(1) {
        let (value, fine) = (e.builder.register(), e.builder.label());
        crate::emit::row::column_value(e, new, source, last, value)?;
        e.builder.emit(turso_program::control::NotNull { reg: value, target: fine });
        raise(e, "NOT NULL constraint failed");
        e.builder.bind(fine);
    }
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    Ok(())
}

/// Replace the tokens at the given offsets by `new`.
fn replace_tokens(sql: &str, mut offsets: Vec<u32>, new: &str) -> Option<String> {
    offsets.sort_unstable();
    offsets.dedup();
    let mut text = String::with_capacity(sql.len() + 16);
    let mut done = 0;
    for offset in offsets {
        let end = turso_parser::token_end(sql.as_bytes(), offset) as usize;
        text.push_str(sql.get(done..offset as usize)?);
        text.push_str(new);
        done = end;
    }
    text.push_str(sql.get(done..)?);
    Some(text)
}

/// Places where a statement names a table.
struct TableNames<'n> {
    name: &'n str,
    found: Vec<u32>,
    /// An alias or common table expression has the same name: what it hides is not told apart.
    ambiguous: bool,
}

impl TableNames<'_> {
    fn name(&mut self, name: &Name) {
        if name.is(self.name) {
            self.found.push(name.offset);
        }
    }

    fn alias(&mut self, alias: Option<&Name>) {
        self.ambiguous |= alias.is_some_and(|a| a.is(self.name));
    }
}

impl ast::visit::Visit for TableNames<'_> {
    fn expr(&mut self, expr: &ast::Expr) {
        match expr {
            ast::Expr::Column(reference) => {
                if let Some(table) = reference.table() {
                    self.name(table);
                }
            }
            ast::Expr::In(inside) => {
                if let ast::InSet::Table { name, .. } = &inside.set {
                    self.name(&name.name);
                }
            }
            _ => {}
        }
        ast::visit::walk_expr(self, expr);
    }

    fn select(&mut self, select: &ast::Select) {
        for cte in select.with.iter().flat_map(|w| &w.ctes) {
            self.alias(Some(&cte.name));
        }
        for core in select.body.cores() {
            if let ast::SelectCore::Query(query) = core {
                for column in &query.columns {
                    if let ast::ResultColumn::TableStar(name) = column {
                        self.name(name);
                    }
                }
            }
        }
        ast::visit::walk_select(self, select);
    }

    fn table_source(&mut self, source: &ast::TableSource) {
        match source {
            ast::TableSource::Table(table) => {
                self.name(&table.name.name);
                self.alias(table.alias.as_ref());
            }
            ast::TableSource::Subquery { alias, .. } | ast::TableSource::Join { alias, .. } => {
                self.alias(alias.as_ref())
            }
        }
        ast::visit::walk_table_source(self, source);
    }
}

/// All places where a stored statement names the table.
fn table_names(statement: &Statement, name: &str) -> Result<Vec<u32>> {
    let mut names = TableNames { name, found: Vec::new(), ambiguous: false };
    match statement {
        Statement::CreateTable(create) => {
            names.name(&create.name.name);
            if let CreateTableBody::Columns { columns, constraints, .. } = &create.body {
                for column in columns {
                    for constraint in &column.constraints {
                        if let ColumnConstraintKind::References(clause) = &constraint.kind {
                            names.name(&clause.table);
                        }
                    }
                }
                for constraint in constraints {
                    if let ast::TableConstraintKind::ForeignKey { clause, .. } = &constraint.kind {
                        names.name(&clause.table);
                    }
                }
            }
        }
        Statement::CreateIndex(create) => names.name(&create.table),
        Statement::CreateTrigger(create) => {
            names.name(&create.table.name);
            for step in &create.body {
                match step {
                    ast::TriggerStep::Insert(s) => names.name(&s.table.name),
                    ast::TriggerStep::Update(s) => names.name(&s.table.name.name),
                    ast::TriggerStep::Delete(s) => names.name(&s.table.name.name),
                    ast::TriggerStep::Select(_) => {}
                }
            }
        }
        _ => {}
    }
    ast::visit::walk_statement(&mut names, statement);
    if names.ambiguous {
        return Err(Error::sql(format!("renaming table {name} is not supported where an alias has the same name")));
    }
    Ok(names.found)
}

fn rename_table(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, to: &Name) -> Result<()> {
    let schema = schema_of(e, db);
    if table.is_view() {
        return Err(Error::sql(format!("view {} may not be altered", table.name)));
    }
    let taken = schema.index(&to.text).is_some()
        || schema.table(&to.text).is_some_and(|t| !t.name.eq_ignore_ascii_case(&table.name));
    if taken {
        return Err(Error::sql(format!("there is already another table or index with this name: {}", to.text)));
    }
    check_object_name(e, &to.text)?;
    let quoted = format!("\"{}\"", to.text.replace('"', "\"\""));
    let old: &str = &table.name;
    let renamed = |sql: &str| -> Result<Option<String>> {
        let statement = parse_stored(sql.as_bytes())?;
        let places = table_names(&statement, old)?;
        if places.is_empty() {
            return Ok(None);
        }
        Ok(replace_tokens(sql, places, &quoted))
    };
    let mut rewrites = Vec::new();
    for other in schema.tables.values().filter(|t| t.root != 1) {
        let is_self = Arc::ptr_eq(other, table);
        if let Some(sql) = renamed(&other.sql)? {
            let name = if is_self { to.text.to_string() } else { other.name.to_string() };
            let kind = if other.is_view() { "view" } else { "table" };
            rewrites.push(Rewrite {
                db,
                kind,
                name: other.name.clone(),
                new_name: name.clone(),
                new_table: name,
                sql: Some(sql),
            });
        }
    }
    for index in &table.indexes {
        let sql = match &index.sql {
            Some(sql) => renamed(sql)?,
            // The primary key of a WITHOUT ROWID table has no row.
            None if crate::emit::row::is_primary(table, index) => continue,
            None => None,
        };
        let new_name = match (&index.sql, index.name.rsplit('_').next()) {
            (None, Some(number)) => format!("sqlite_autoindex_{}_{number}", to.text),
            _ => index.name.to_string(),
        };
        rewrites.push(Rewrite {
            db,
            kind: "index",
            name: index.name.clone(),
            new_name,
            new_table: to.text.to_string(),
            sql,
        });
    }
    let mut triggers: Vec<(DbIndex, Arc<turso_schema::Trigger>)> =
        schema.triggers.values().map(|t| (db, t.clone())).collect();
    if db != TEMP {
        triggers.extend(schema_of(e, TEMP).triggers.values().map(|t| (TEMP, t.clone())));
    }
    for (trigger_db, trigger) in triggers {
        if let Some(sql) = renamed(&trigger.sql)? {
            let watched =
                if trigger.table.eq_ignore_ascii_case(old) { to.text.to_string() } else { trigger.table.to_string() };
            rewrites.push(Rewrite {
                db: trigger_db,
                kind: "trigger",
                name: trigger.name.clone(),
                new_name: trigger.name.to_string(),
                new_table: watched,
                sql: Some(sql),
            });
        }
    }
    if table.autoincrement
        && let Some(sequence) = schema.table("sqlite_sequence")
    {
        rename_in_sequence(e, db, sequence.root, old, &to.text);
    }
    apply(e, &rewrites);
    Ok(())
}

/// The row of `sqlite_sequence` follows its table.
fn rename_in_sequence(e: &mut Emitter<'_>, db: DbIndex, root: u32, old: &str, new: &str) {
    let (wanted, rowid, record) = (e.builder.register(), e.builder.register(), e.builder.register());
    let values = e.builder.registers(2);
    text_into(e, old, wanted);
    let cursor = e.builder.cursor();
    e.builder.emit(turso_program::cursor::OpenWrite {
        cursor,
        root: turso_program::Root(root),
        db,
        root_in_register: false,
        kind: turso_program::cursor::TreeKind::Table,
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
    e.builder.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: None });
    e.builder.emit(Goto { target: end });
    e.builder.bind(next);
    e.builder.emit(Next { cursor, target: top });
    e.builder.bind(end);
    e.builder.emit(turso_program::cursor::Close { cursor });
}

/// Places where expressions name a column.
struct ColumnNames<'n> {
    name: &'n str,
    found: Vec<u32>,
}

impl ast::visit::Visit for ColumnNames<'_> {
    fn expr(&mut self, expr: &ast::Expr) {
        if let ast::Expr::Column(reference) = expr
            && reference.column.is(self.name)
        {
            self.found.push(reference.column.offset);
        }
        ast::visit::walk_expr(self, expr);
    }
}

fn rename_column(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, from: &Name, to: &Name) -> Result<()> {
    if table.is_view() {
        return Err(Error::sql(format!("cannot rename columns of view \"{}\"", table.name)));
    }
    if table.column_index(&from.text).is_none() {
        return Err(Error::sql(format!("no such column: \"{}\"", from.text)).with_sql_offset(from.offset));
    }
    if !from.same_as(to) && table.column_index(&to.text).is_some() {
        return Err(Error::sql(format!(
            "error in table {} after rename: duplicate column name: {}",
            table.name, to.text
        )));
    }
    let schema = schema_of(e, db);
    let new = if to.quote == ast::Quote::None { to.text.to_string() } else { super::quoted_identifier(&to.text) };
    let mut rewrites = Vec::new();
    for other in schema.tables.values().filter(|t| t.root != 1 && !t.is_virtual()) {
        let statement = parse_stored(other.sql.as_bytes())?;
        let Statement::CreateTable(create) = &statement else {
            refuse_if_named(&statement, (&table.name, &from.text), "view", &other.name)?;
            continue;
        };
        let places = column_places(create, &statement, Arc::ptr_eq(other, table), &table.name, &from.text);
        if places.is_empty() {
            continue;
        }
        let sql = replace_tokens(&other.sql, places, &new).ok_or_else(|| corrupt(other))?;
        let name = other.name.to_string();
        rewrites.push(Rewrite {
            db,
            kind: "table",
            name: other.name.clone(),
            new_name: name.clone(),
            new_table: name,
            sql: Some(sql),
        });
    }
    for index in &table.indexes {
        let Some(sql) = &index.sql else { continue };
        let statement = parse_stored(sql.as_bytes())?;
        let mut names = ColumnNames { name: &from.text, found: Vec::new() };
        ast::visit::walk_statement(&mut names, &statement);
        if let Some(sql) = replace_tokens(sql, names.found, &new) {
            let name = index.name.to_string();
            rewrites.push(Rewrite {
                db,
                kind: "index",
                name: index.name.clone(),
                new_name: name,
                new_table: table.name.to_string(),
                sql: Some(sql),
            });
        }
    }
    let temporary = schema_of(e, TEMP);
    for trigger in schema.triggers.values().chain(temporary.triggers.values()) {
        refuse_if_named(&parse_stored(trigger.sql.as_bytes())?, (&table.name, &from.text), "trigger", &trigger.name)?;
    }
    apply(e, &rewrites);
    Ok(())
}

/// The places in a CREATE TABLE statement that name the column: in the table itself all, elsewhere in its foreign keys.
fn column_places(
    create: &ast::CreateTable,
    statement: &Statement,
    is_self: bool,
    table: &str,
    column: &str,
) -> Vec<u32> {
    let mut found = Vec::new();
    let CreateTableBody::Columns { columns, constraints, .. } = &create.body else { return found };
    let mut push = |name: &Name| {
        if name.is(column) {
            found.push(name.offset);
        }
    };
    let parent = |clause: &ast::ForeignKeyClause| clause.table.is(table);
    for definition in columns {
        if is_self {
            push(&definition.name);
        }
        for constraint in &definition.constraints {
            if let ColumnConstraintKind::References(clause) = &constraint.kind
                && parent(clause)
            {
                clause.columns.iter().for_each(&mut push);
            }
        }
    }
    for constraint in constraints {
        if let ast::TableConstraintKind::ForeignKey { columns, clause } = &constraint.kind {
            if is_self {
                columns.iter().for_each(&mut push);
            }
            if parent(clause) {
                clause.columns.iter().for_each(&mut push);
            }
        }
    }
    if is_self {
        let mut names = ColumnNames { name: column, found };
        ast::visit::walk_statement(&mut names, statement);
        found = names.found;
    }
    found
}

/// Views and triggers that may mean the column are not rewritten yet.
fn refuse_if_named(statement: &Statement, (table, column): (&str, &str), kind: &str, name: &str) -> Result<()> {
    if !names_column(statement, table, column) {
        return Ok(());
    }
    Err(Error::sql(format!("renaming a column that {kind} {name} may use is not supported yet")))
}

/// The statement names the table, and a column that may be this one.
pub(super) fn names_column(statement: &Statement, table: &str, column: &str) -> bool {
    if table_names(statement, table).is_ok_and(|places| places.is_empty()) {
        return false;
    }
    let mut names = ColumnNames { name: column, found: Vec::new() };
    ast::visit::walk_statement(&mut names, statement);
    if let Statement::CreateTrigger(trigger) = statement {
        let listed =
            matches!(&trigger.event, ast::TriggerEvent::Update(columns) if columns.iter().any(|c| c.is(column)));
        let written = trigger.body.iter().any(|step| match step {
            ast::TriggerStep::Insert(s) => s.columns.iter().any(|c| c.is(column)),
            ast::TriggerStep::Update(s) => s.sets.iter().any(|set| match &set.target {
                ast::AssignmentTarget::Column(c) => c.is(column),
                ast::AssignmentTarget::Row(list) => list.iter().any(|c| c.is(column)),
            }),
            _ => false,
        });
        if listed || written {
            names.found.push(0);
        }
    }
    !names.found.is_empty()
}
