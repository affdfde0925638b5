//! What the names in the stored texts mean: for ALTER TABLE, which edits them, and which refuses to leave a schema behind in
//! which some element has an error.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::Lookup;
use turso_parser::ast::{self, AssignmentTarget, InsertSource, TriggerEvent, TriggerStep, UpsertAction};
use turso_program::DbIndex;
use turso_schema::{Index, IndexKey, Relation, Schema, SchemaRow, Table, Trigger, build_schema};
use turso_value::Collation;

use super::TEMP;
use super::alter::Rewrite;
use crate::bind::Binder;
use crate::context::{Catalogue, ConnectedTable, Mention, PlanContext};
use crate::emit::Emitter;
use crate::emit::check::{check_collation, check_keys_are_no_texts};
use crate::emit::row::{is_primary, table_source};
use crate::emit::state::TriggerScope;
use crate::emit::target::find_target;
use crate::emit::trigger::{enter_scope, watched_table};
use crate::emit::view::expand_view;

/// An element of a schema with what its names mean.
pub(super) struct Element {
    pub db: DbIndex,
    /// `table`, `view`, `index` or `trigger`.
    pub kind: &'static str,
    pub name: Arc<str>,
    /// The table it belongs to.
    pub table: Arc<str>,
    pub sql: Arc<str>,
    /// By offset into `sql`. Definitions (columns, keys) are not among them, only what is read.
    pub mentions: Vec<(u32, Mention)>,
}

/// Resolve the names of all elements of a database, and of `temp`. The first error ends it, as `error in view v: ...`; `when`
/// stands behind the name of the element.
pub(super) fn resolve_all(context: &PlanContext<'_>, db: DbIndex, when: &str) -> Result<Vec<Element>, Refusal> {
    let mut elements = Vec::new();
    let databases = if db == TEMP { vec![db] } else { vec![db, TEMP] };
    for db in databases {
        let schema = context.catalogue.schema(db).clone();
        // As they stand in the schema's table: of several that are wrong, the oldest is named.
        let mut tables: Vec<_> = schema.tables.values().collect();
        tables.sort_by_key(|table| table.sequence);
        for table in tables.into_iter().filter(|t| t.root != 1 && !t.is_virtual() && t.broken.is_none()) {
            let kind = if table.is_view() { "view" } else { "table" };
            let at = Place { context, db, kind, name: &table.name, table: &table.name, sql: &table.sql, when };
            elements.push(at.element(|| match &table.relation {
                Relation::View { select, .. } => view(context, table, select),
                _ => table_exprs(context, db, table),
            })?);
            for (index, sql) in indexes_of(table) {
                let at = Place { kind: "index", name: &index.name, sql, ..at };
                elements.push(at.element(|| index_exprs(context, db, table, index))?);
            }
        }
        let mut triggers: Vec<_> = schema.triggers.values().collect();
        triggers.sort_by_key(|trigger| trigger.sequence);
        for trigger in triggers {
            let (name, table) = (&trigger.name, &trigger.table);
            let at = Place { context, db, kind: "trigger", name, table, sql: &trigger.sql, when };
            elements.push(at.element(|| trigger_names(context, db, trigger))?);
        }
    }
    Ok(elements)
}

/// The indexes of a table that have texts.
fn indexes_of(table: &Table) -> impl Iterator<Item = (&Index, &Arc<str>)> {
    let whole = table.indexes.iter().filter(|index| !is_primary(table, index) && index.broken.is_none());
    whole.filter_map(|index| Some((&**index, index.sql.as_ref()?)))
}

/// The indexes of one table have no errors.
pub(super) fn check_indexes(context: &PlanContext<'_>, db: DbIndex, table: &str, when: &str) -> Result<(), Refusal> {
    let Some(table) = context.catalogue.schema(db).table(table) else { return Ok(()) };
    for (index, sql) in indexes_of(table) {
        let at = Place { context, db, kind: "index", name: &index.name, table: &table.name, sql, when };
        at.element(|| index_exprs(context, db, table, index))?;
    }
    Ok(())
}

/// The element in hand.
#[derive(Clone, Copy)]
struct Place<'p, 'c> {
    context: &'p PlanContext<'c>,
    db: DbIndex,
    kind: &'static str,
    name: &'p Arc<str>,
    table: &'p Arc<str>,
    sql: &'p Arc<str>,
    when: &'p str,
}

impl Place<'_, '_> {
    fn element(self, resolve: impl FnOnce() -> Result<()>) -> Result<Element, Refusal> {
        let (result, mentions) = self.context.recording(|| self.context.inside(self.db, resolve));
        if let Err(error) = result {
            return Err(error_in(self.kind, self.name, self.when, &error));
        }
        let (name, table, sql) = (self.name.clone(), self.table.clone(), self.sql.clone());
        Ok(Element { db: self.db, kind: self.kind, name, table, sql, mentions })
    }
}

/// Why an ALTER is refused.
pub(super) enum Refusal {
    /// It cannot be prepared.
    Prepared(Error),
    /// An object of the schema has an error, or would have: SQLite finds it out while the statement runs.
    Run(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Prepared(error)
    }
}

/// `error in view v after rename: no such column: x`.
pub(super) fn error_in(kind: &str, name: &str, when: &str, error: &Error) -> Refusal {
    // A page, or a virtual table that is not connected, is no fault of the element: it is resolved again.
    if error.is_pending() || error.is(ResultCode::SCHEMA) {
        return Refusal::Prepared(error.clone());
    }
    let space = if when.is_empty() { "" } else { " " };
    Refusal::Run(Error::sql(format!("error in {kind} {name}{space}{when}: {}", error.message())))
}

/// Whether the view has as many columns as names is not asked: it may have again before it is used.
fn view(context: &PlanContext<'_>, table: &Table, select: &ast::Select) -> Result<()> {
    Binder::for_text(context, table.sql.as_bytes()).bind_select(select).map(|_| ())
}

fn bind_over_table(
    context: &PlanContext<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    sql: &str,
    exprs: &[&ast::Expr],
) -> Result<()> {
    let mut binder = Binder::for_text(context, sql.as_bytes());
    binder.double_quoted_strings = context.options.strings_in_ddl();
    binder.any_schema = true;
    binder.push_scope(vec![table_source(context.new_source(), &table.name, false, db, table)]);
    exprs.iter().try_for_each(|expr| binder.bind_item(expr).map(|_| ()))
}

fn table_exprs(context: &PlanContext<'_>, db: DbIndex, table: &Arc<Table>) -> Result<()> {
    let checks = table.checks.iter().map(|c| &*c.expr);
    let generated = table.columns.iter().filter_map(|c| c.generated.as_ref()).map(|g| &*g.expr);
    let exprs: Vec<&ast::Expr> = checks.chain(generated).collect();
    bind_over_table(context, db, table, &table.sql, &exprs)
}

fn index_exprs(context: &PlanContext<'_>, db: DbIndex, table: &Arc<Table>, index: &Index) -> Result<()> {
    let keys = index.columns.iter().filter_map(|c| match &c.key {
        IndexKey::Expr(expr) => Some(&**expr),
        _ => None,
    });
    let exprs: Vec<&ast::Expr> = keys.chain(index.partial.as_deref()).collect();
    index.columns.iter().try_for_each(|column| check_collation(context, &column.collation))?;
    // It was a column when the index was made.
    check_keys_are_no_texts(index)?;
    bind_over_table(context, db, table, index.sql.as_deref().unwrap_or_default(), &exprs)
}

fn note_table(context: &PlanContext<'_>, db: DbIndex, table: &Table, name: &ast::Name) {
    context.note(name.offset, || Mention::Table { db, table: table.name.clone() });
}

/// A bare name that stands for a column of the table where no expression can stand.
fn note_column(context: &PlanContext<'_>, db: DbIndex, table: &Table, name: &ast::Name) {
    if let Some(column) = table.column_index(&name.text) {
        context.note(name.offset, || Mention::Column { db, table: table.name.clone(), column });
    }
}

fn trigger_names(context: &PlanContext<'_>, db: DbIndex, trigger: &Trigger) -> Result<()> {
    let statement = &trigger.statement;
    let mut e = Emitter::new(context);
    let Some((table_db, table)) = watched_table(&e, db, trigger) else {
        let database = context.catalogue.database_name(db);
        return Err(Error::sql(format!("no such table: {database}.{}", trigger.table)));
    };
    let table = context.aside(|| expand_view(&e, table_db, &table))?;
    note_table(context, table_db, &table, &statement.table.name);
    if let TriggerEvent::Update(columns) = &statement.event {
        columns.iter().for_each(|c| note_column(context, table_db, &table, c));
    }
    let (old, new) = match statement.event {
        TriggerEvent::Insert => (false, true),
        TriggerEvent::Update(_) => (true, true),
        TriggerEvent::Delete => (true, false),
    };
    let sources = [(old, "old"), (new, "new")];
    let sources = sources.iter().filter(|(there, _)| *there);
    let sources = sources.map(|(_, name)| table_source(context.new_source(), name, true, table_db, &table)).collect();
    e.trigger = Some(TriggerScope { sources, conflict: None, db, sql: trigger.sql.clone() });
    if let Some(when) = &statement.when {
        let mut binder = Binder::for_text(context, trigger.sql.as_bytes());
        enter_scope(&e, &mut binder);
        binder.bind_item(when)?;
    }
    statement.body.iter().try_for_each(|step| step_names(&e, &trigger.sql, step))
}

fn step_names(e: &Emitter<'_>, sql: &str, step: &TriggerStep) -> Result<()> {
    let context = e.context;
    let mut binder = Binder::for_text(context, sql.as_bytes());
    enter_scope(e, &mut binder);
    match step {
        TriggerStep::Select(select) => binder.bind_select(select).map(|_| ()),
        TriggerStep::Insert(insert) => {
            // Unlike in UPDATE and DELETE, what is read is looked at before the table.
            if let Some(with) = &insert.with {
                binder.push_with(with)?;
            }
            if let InsertSource::Select(select) = &insert.source {
                binder.bind_select(select)?;
            }
            let (db, table) = target(e, &insert.table)?;
            insert.columns.iter().for_each(|c| note_column(context, db, &table, c));
            let name = insert.alias.as_ref().unwrap_or(&insert.table.name);
            let aliased = insert.alias.is_some();
            binder.push_scope(vec![table_source(context.new_source(), &name.text, aliased, db, &table)]);
            binder.push_qualified(table_source(context.new_source(), "excluded", true, db, &table));
            insert.upserts.iter().try_for_each(|upsert| upsert_names(&mut binder, db, &table, upsert))
        }
        TriggerStep::Update(update) => {
            let (db, table) = target(e, &update.table.name)?;
            if let Some(with) = &update.with {
                binder.push_with(with)?;
            }
            binder.push_scope(vec![target_source(context, db, &table, &update.table)]);
            if let Some(from) = &update.from {
                binder.bind_from(from)?;
            }
            set_names(&mut binder, db, &table, &update.sets)?;
            update.where_clause.as_ref().map_or(Ok(()), |e| binder.bind_item(e).map(|_| ()))
        }
        TriggerStep::Delete(delete) => {
            let (db, table) = target(e, &delete.table.name)?;
            if let Some(with) = &delete.with {
                binder.push_with(with)?;
            }
            binder.push_scope(vec![target_source(context, db, &table, &delete.table)]);
            delete.where_clause.as_ref().map_or(Ok(()), |e| binder.bind_item(e).map(|_| ()))
        }
    }
}

fn target(e: &Emitter<'_>, name: &ast::QualifiedName) -> Result<(DbIndex, Arc<Table>)> {
    let (db, table) = find_target(e, name)?;
    note_table(e.context, db, &table, &name.name);
    // The columns of a virtual table are known once it is connected.
    let table = match table.is_virtual() {
        true => e.context.catalogue.virtual_table(db, &table)?.table.clone(),
        false => e.context.aside(|| expand_view(e, db, &table))?,
    };
    Ok((db, table))
}

fn target_source(
    context: &PlanContext<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    written: &ast::TableRef,
) -> crate::plan::Source {
    let name = written.alias.as_ref().unwrap_or(&written.name.name);
    table_source(context.new_source(), &name.text, written.alias.is_some(), db, table)
}

fn set_names<'b>(binder: &mut Binder<'b>, db: DbIndex, table: &Table, sets: &'b [ast::Assignment]) -> Result<()> {
    for set in sets {
        match &set.target {
            AssignmentTarget::Column(name) => note_column(binder.context, db, table, name),
            AssignmentTarget::Row(names) => names.iter().for_each(|n| note_column(binder.context, db, table, n)),
        }
        match &set.value {
            ast::Expr::Row(_) | ast::Expr::Subquery(_) => binder.bind_row(&set.value).map(|_| ())?,
            value => binder.bind_item(value).map(|_| ())?,
        }
    }
    Ok(())
}

fn upsert_names<'b>(binder: &mut Binder<'b>, db: DbIndex, table: &Table, upsert: &'b ast::Upsert) -> Result<()> {
    if let Some(target) = &upsert.target {
        for term in &target.columns {
            binder.bind_item(&term.expr)?;
        }
        if let Some(condition) = &target.where_clause {
            binder.bind_item(condition)?;
        }
    }
    if let UpsertAction::Update { sets, where_clause } = &upsert.action {
        set_names(binder, db, table, sets)?;
        if let Some(condition) = where_clause {
            binder.bind_item(condition)?;
        }
    }
    Ok(())
}

/// The catalogue as it will be.
pub(super) struct Altered<'a> {
    base: &'a dyn Catalogue,
    schemas: Vec<(DbIndex, Arc<Schema>)>,
    /// Tables with their old and new names.
    renamed: Vec<(DbIndex, Arc<str>, String)>,
}

impl<'a> Altered<'a> {
    /// The catalogue with these rows rewritten.
    pub fn new(base: &'a dyn Catalogue, rewrites: &[Rewrite]) -> Result<Self> {
        let mut schemas = Vec::new();
        for rewrite in rewrites {
            let db = rewrite.db;
            if schemas.iter().all(|(known, _)| *known != db) {
                let own: Vec<&Rewrite> = rewrites.iter().filter(|r| r.db == db).collect();
                schemas.push((db, Arc::new(altered_schema(base.schema(db), &own)?)));
            }
        }
        let tables = rewrites.iter().filter(|r| r.kind == "table");
        let renamed = tables.map(|r| (r.db, r.name.clone(), r.new_name.clone())).collect();
        Ok(Altered { base, schemas, renamed })
    }
}

impl Catalogue for Altered<'_> {
    fn database_count(&self) -> usize {
        self.base.database_count()
    }
    fn database_name(&self, db: DbIndex) -> &str {
        self.base.database_name(db)
    }
    fn schema(&self, db: DbIndex) -> &Arc<Schema> {
        let altered = self.schemas.iter().find(|(known, _)| *known == db);
        altered.map_or_else(|| self.base.schema(db), |(_, schema)| schema)
    }
    fn find_database(&self, name: &str) -> Option<DbIndex> {
        self.base.find_database(name)
    }
    fn function(&self, name: &str, argc: usize) -> Lookup {
        self.base.function(name, argc)
    }
    fn collation(&self, name: &str) -> Option<Collation> {
        self.base.collation(name)
    }
    fn virtual_table(&self, db: DbIndex, table: &Arc<Table>) -> Result<Arc<ConnectedTable>> {
        let known = self.base.schema(db);
        if let Some(same) = known.table(&table.name) {
            return self.base.virtual_table(db, same);
        }
        let renamed = self.renamed.iter().find(|(d, _, new)| *d == db && new.eq_ignore_ascii_case(&table.name));
        let Some(old) = renamed.and_then(|(_, old, _)| known.table(old)) else {
            return self.base.virtual_table(db, table);
        };
        // The table itself does not know its new name yet; its columns are what counts here.
        let mut connected = (*self.base.virtual_table(db, old)?).clone();
        connected.table = Arc::new(Table { name: table.name.clone(), ..(*connected.table).clone() });
        Ok(Arc::new(connected))
    }
    fn eponymous_table(&self, name: &str) -> Result<Option<Arc<ConnectedTable>>> {
        self.base.eponymous_table(name)
    }
    fn is_shadow_suffix(&self, module: &str, suffix: &str) -> bool {
        self.base.is_shadow_suffix(module, suffix)
    }
    fn modules(&self) -> Vec<Arc<str>> {
        self.base.modules()
    }
}

/// The schema with new rows for some elements. What hangs on a table is defined anew with it.
fn altered_schema(schema: &Schema, rewrites: &[&Rewrite]) -> Result<Schema> {
    let mut new = schema.clone();
    let mut rows: Vec<SchemaRow> = Vec::new();
    let row = |kind: &str, name: &str, table: &str, root: u32, sql: Option<&str>| SchemaRow {
        kind: kind.to_string(),
        name: name.to_string(),
        table: table.to_string(),
        root,
        sql: sql.map(str::to_string),
    };
    let rewritten = |kind: &str, name: &str| rewrites.iter().any(|r| r.kind == kind && *r.name == *name);
    for rewrite in rewrites {
        let root = match rewrite.kind {
            "index" => schema.index(&rewrite.name).map_or(0, |i| i.root),
            "trigger" => {
                new = new.without_trigger(&rewrite.name);
                0
            }
            _ => {
                let Some(table) = schema.table(&rewrite.name) else { continue };
                for index in table.indexes.iter().filter(|i| !is_primary(table, i) && !rewritten("index", &i.name)) {
                    rows.push(row("index", &index.name, &index.table, index.root, index.sql.as_deref()));
                }
                let own = |t: &&Arc<Trigger>| t.on_own_table && t.table_schema.is_none();
                for trigger in schema.triggers_of(&table.name).filter(own).filter(|t| !rewritten("trigger", &t.name)) {
                    rows.push(row("trigger", &trigger.name, &trigger.table, 0, Some(&trigger.sql)));
                }
                new = new.without_table(&table.name);
                table.root
            }
        };
        rows.push(row(rewrite.kind, &rewrite.new_name, &rewrite.new_table, root, rewrite.sql.as_deref()));
    }
    // A temporary trigger watches the temporary table if that was there first: it was, if it does so now.
    rows.sort_by_key(|row| row.kind == "trigger" && schema.trigger(&row.name).is_none_or(|t| t.on_own_table));
    build_schema(&mut new, &rows)?;
    keep_order(&mut new, schema, rewrites);
    Ok(new)
}

/// What is defined anew stays where it was among the others.
fn keep_order(new: &mut Schema, old: &Schema, rewrites: &[&Rewrite]) {
    for rewrite in rewrites.iter().filter(|rewrite| matches!(rewrite.kind, "table" | "view")) {
        if let Some(before) = old.table(&rewrite.name)
            && let Some(table) = new.tables.values_mut().find(|table| *table.name == *rewrite.new_name)
        {
            Arc::make_mut(table).sequence = before.sequence;
        }
    }
    for trigger in new.triggers.values_mut() {
        if let Some(before) = old.trigger(&trigger.name).filter(|before| before.sequence != trigger.sequence) {
            Arc::make_mut(trigger).sequence = before.sequence;
        }
    }
}
