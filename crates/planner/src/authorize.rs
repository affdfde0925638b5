//! What an authorizer is asked while a statement is planned, in SQLite's order.
//!
//! | question | asked where |
//! |---|---|
//! | `READ` | a column reference is bound, a star expanded |
//! | `FUNCTION` | a call is bound, before its arguments |
//! | `SELECT` | at once for the statement's own query; after its names are resolved for the queries inside, which SQLite codes later |
//! | `READ` of the column `""` | with the latter, for a table of which nothing is read |
//! | `INSERT`, `UPDATE`, `DELETE` | the target is known (`UPDATE`: each column, after its value) |
//! | the rest | [`ask_for_statement`], before the statement is planned |
//!
//! Stored expressions of tables and indexes ask nothing: SQLite has resolved them when it read the schema.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{self, Statement};
use turso_program::DbIndex;
use turso_schema::{Index, IndexKey, Relation, Table};

use crate::context::PlanContext;
use crate::plan::ColumnIndex;
use crate::resolve::find_table;

/// What a statement wants to do; the numbers are SQLite's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum AuthAction {
    CreateIndex = 1,
    CreateTable = 2,
    CreateTempIndex = 3,
    CreateTempTable = 4,
    CreateTempTrigger = 5,
    CreateTempView = 6,
    CreateTrigger = 7,
    CreateView = 8,
    Delete = 9,
    DropIndex = 10,
    DropTable = 11,
    DropTempIndex = 12,
    DropTempTable = 13,
    DropTempTrigger = 14,
    DropTempView = 15,
    DropTrigger = 16,
    DropView = 17,
    Insert = 18,
    Pragma = 19,
    Read = 20,
    Select = 21,
    Transaction = 22,
    Update = 23,
    Attach = 24,
    Detach = 25,
    AlterTable = 26,
    Reindex = 27,
    Analyze = 28,
    CreateVtable = 29,
    DropVtable = 30,
    Function = 31,
    Savepoint = 32,
    Recursive = 33,
}

/// One question to the authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthRequest<'a> {
    /// What the statement wants to do.
    pub action: AuthAction,
    /// The third argument of SQLite's authorizer: a table, an index, a pragma…
    pub first: Option<&'a str>,
    /// The fourth: a column, a table, an argument…
    pub second: Option<&'a str>,
    /// The database.
    pub database: Option<&'a str>,
    /// The innermost trigger or view that wants it.
    pub object: Option<&'a str>,
}

/// The authorizer's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// `SQLITE_OK`.
    Allow,
    /// `SQLITE_DENY`: the statement is refused.
    Deny,
    /// `SQLITE_IGNORE`: the column reads NULL, the change is not made.
    Ignore,
    /// Any other number: the statement is refused with `authorizer malfunction`.
    Malfunction,
}

/// What a context remembers of its authorizer.
#[derive(Default)]
pub(crate) struct Permissions {
    /// The trigger, view or common table expression that is being planned.
    object: RefCell<Option<Arc<str>>>,
    /// The innermost trigger.
    trigger: RefCell<Option<Arc<str>>>,
    /// The query that is bound next is the statement's own: its SELECT has been asked for.
    own_query: Cell<bool>,
    /// Asked once all names are resolved.
    deferred: RefCell<Vec<Deferred>>,
    /// Nothing is asked.
    silent: Cell<bool>,
}

enum Deferred {
    Select(Option<Arc<str>>),
    Recursive(Option<Arc<str>>),
    /// Nothing is read of this table.
    Unread {
        table: Arc<str>,
        database: Option<Arc<str>>,
        object: Option<Arc<str>>,
    },
}

#[cold]
fn not_authorized(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ResultCode::AUTH, message)
}

impl PlanContext<'_> {
    /// There is an authorizer, and it wants to know about what is planned now.
    #[inline]
    pub(crate) fn asks(&self) -> bool {
        self.has_authorizer && !self.permissions.silent.get()
    }

    /// Ask; a refusal is `not authorized`. True: ignore it.
    pub(crate) fn ask(
        &self,
        action: AuthAction,
        first: Option<&str>,
        second: Option<&str>,
        database: Option<&str>,
    ) -> Result<bool> {
        let object = self.permissions.object.borrow().clone();
        self.ask_for(action, first, second, database, object.as_deref(), || "not authorized".into())
    }

    fn ask_for(
        &self,
        action: AuthAction,
        first: Option<&str>,
        second: Option<&str>,
        database: Option<&str>,
        object: Option<&str>,
        refusal: impl FnOnce() -> String,
    ) -> Result<bool> {
        if !self.asks() {
            return Ok(false);
        }
        match self.catalogue.authorize(&AuthRequest { action, first, second, database, object }) {
            Authorization::Allow => Ok(false),
            Authorization::Ignore => Ok(true),
            Authorization::Deny => Err(not_authorized(refusal())),
            Authorization::Malfunction => Err(Error::sql("authorizer malfunction")),
        }
    }

    /// Ask to read a column; true: it reads NULL.
    pub(crate) fn ask_to_read(&self, db: DbIndex, table: &Table, column: ColumnIndex) -> Result<bool> {
        let name = match column {
            ColumnIndex::Column(c) => table.columns.get(usize::from(c)).map(|c| c.name.clone()),
            ColumnIndex::Rowid => table.rowid_alias.and_then(|c| table.columns.get(c)).map(|c| c.name.clone()),
        };
        self.ask_to_read_named(
            &self.catalogue.shared_name(db),
            shown_name(&table.name),
            name.as_deref().unwrap_or("ROWID"),
        )
    }

    /// [`ask_to_read`](Self::ask_to_read) by names.
    pub(crate) fn ask_to_read_named(&self, database: &str, table: &str, column: &str) -> Result<bool> {
        let object = self.permissions.object.borrow().clone();
        let attached = self.catalogue.database_count() > 2 || database != "main";
        self.ask_for(AuthAction::Read, Some(table), Some(column), Some(database), object.as_deref(), || {
            let prefix = if attached { format!("{database}.") } else { String::new() };
            format!("access to {prefix}{table}.{column} is prohibited")
        })
    }

    /// Ask to set a column; true: it stays as it is.
    pub(crate) fn ask_to_update(&self, db: DbIndex, table: &Table, column: &str) -> Result<bool> {
        let known = table.column_index(column).and_then(|c| table.columns.get(c));
        let name = known.map_or("ROWID", |c| &c.name);
        let database = self.catalogue.shared_name(db);
        self.ask(AuthAction::Update, Some(shown_name(&table.name)), Some(name), Some(&database))
    }

    /// Ask to insert into a table or delete from it; true: it stays as it is.
    pub(crate) fn ask_to_change(&self, action: AuthAction, db: DbIndex, table: &Table) -> Result<bool> {
        self.ask(action, Some(shown_name(&table.name)), None, Some(&self.catalogue.shared_name(db)))
    }

    /// Ask to call a function; true: the call is NULL.
    pub(crate) fn ask_to_call(&self, name: &str) -> Result<bool> {
        let object = self.permissions.object.borrow().clone();
        let refused = self.ask_for(AuthAction::Function, None, Some(name), None, object.as_deref(), String::new);
        refused.map_err(|error| match error.is(ResultCode::AUTH) {
            true => Error::sql(format!("not authorized to use function: {name}")),
            false => error,
        })
    }

    /// The statement's own query comes next. True: it has no rows.
    pub(crate) fn ask_for_own_query(&self) -> Result<bool> {
        if !self.asks() {
            return Ok(false);
        }
        let ignored = self.ask(AuthAction::Select, None, None, None)?;
        self.permissions.own_query.set(true);
        Ok(ignored)
    }

    /// A query begins to be bound. `compound`: it has several parts, each of which is asked for.
    pub(crate) fn query_begins(&self, compound: bool) {
        if self.asks() && !self.permissions.own_query.take() || (self.asks() && compound) {
            self.permissions.deferred.borrow_mut().push(Deferred::Select(self.permissions.object.borrow().clone()));
        }
    }

    /// A recursive query begins to be bound.
    pub(crate) fn recursion_begins(&self) {
        if self.asks() {
            let object = self.permissions.object.borrow().clone();
            let questions = [Deferred::Select(object.clone()), Deferred::Recursive(object)];
            self.permissions.deferred.borrow_mut().extend(questions);
        }
    }

    /// How much is to be asked later; what belongs to a query's own tables comes before what its expressions add.
    pub(crate) fn deferred_questions(&self) -> usize {
        self.permissions.deferred.borrow().len()
    }

    /// Nothing is read of a table. `at`: its place among the deferred questions.
    pub(crate) fn unread(&self, at: usize, table: &str, database: Option<Arc<str>>) {
        let object = self.permissions.trigger.borrow().clone();
        let mut deferred = self.permissions.deferred.borrow_mut();
        let at = at.min(deferred.len());
        deferred.insert(at, Deferred::Unread { table: shown_name(table).into(), database, object });
    }

    /// Ask what has been put off.
    pub(crate) fn ask_deferred(&self) -> Result<()> {
        let deferred = std::mem::take(&mut *self.permissions.deferred.borrow_mut());
        for question in deferred {
            match question {
                Deferred::Select(object) => {
                    let refusal = || "not authorized".into();
                    self.ask_for(AuthAction::Select, None, None, None, object.as_deref(), refusal)?;
                }
                Deferred::Recursive(object) => {
                    let refusal = || "not authorized".into();
                    self.ask_for(AuthAction::Recursive, None, None, None, object.as_deref(), refusal)?;
                }
                Deferred::Unread { table, database, object } => {
                    self.ask_for(
                        AuthAction::Read,
                        Some(&table),
                        Some(""),
                        database.as_deref(),
                        object.as_deref(),
                        || "not authorized".into(),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Plan something in the name of a trigger, a view or a common table expression.
    pub(crate) fn in_name_of<T>(&self, object: &str, plan: impl FnOnce() -> T) -> T {
        if !self.has_authorizer {
            return plan();
        }
        let outer = self.permissions.object.replace(Some(object.into()));
        let result = plan();
        self.permissions.object.replace(outer);
        result
    }

    /// Plan the body of a trigger.
    pub(crate) fn in_name_of_trigger<T>(&self, trigger: &str, plan: impl FnOnce() -> T) -> T {
        let outer = self.permissions.trigger.replace(Some(trigger.into()));
        let result = self.in_name_of(trigger, plan);
        self.permissions.trigger.replace(outer);
        result
    }

    /// Plan something about which nothing is asked.
    pub(crate) fn unasked<T>(&self, plan: impl FnOnce() -> T) -> T {
        let outer = self.permissions.silent.replace(true);
        let result = plan();
        self.permissions.silent.set(outer);
        result
    }

    /// The name of the schema table of a database, as authorizers know it.
    fn schema_table(&self, db: DbIndex) -> &'static str {
        if db.0 == 1 { "sqlite_temp_master" } else { "sqlite_master" }
    }
}

/// Authorizers know the schema table by its old name.
fn shown_name(table: &str) -> &str {
    match table {
        "sqlite_schema" => "sqlite_master",
        "sqlite_temp_schema" => "sqlite_temp_master",
        other => other,
    }
}

/// Ask for what a statement does beside reading and changing rows. True: it is to do nothing.
pub(crate) fn ask_for_statement(context: &PlanContext<'_>, statement: &Statement) -> Result<bool> {
    if !context.asks() {
        return Ok(false);
    }
    let database = |name: &ast::QualifiedName, temporary: bool| match &name.schema {
        Some(schema) => context.catalogue.find_database(&schema.text).unwrap_or(DbIndex(0)),
        None => DbIndex(u16::from(temporary)),
    };
    match statement {
        Statement::CreateTable(s) => {
            let db = database(&s.name, s.temporary);
            let asker = SchemaChange { context, db };
            let action = asker.either(AuthAction::CreateTable, AuthAction::CreateTempTable);
            let ignored = asker.insert()? || asker.ask(action, &s.name.name.text, None)?;
            return Ok(ignored);
        }
        Statement::CreateView(s) => {
            let asker = SchemaChange { context, db: database(&s.name, s.temporary) };
            let action = asker.either(AuthAction::CreateView, AuthAction::CreateTempView);
            return Ok(asker.insert()? || asker.ask(action, &s.name.name.text, None)? || asker.store()?);
        }
        Statement::CreateVirtualTable(s) => {
            let asker = SchemaChange { context, db: database(&s.name, false) };
            let ignored = asker.insert()?
                || asker.ask(AuthAction::CreateVtable, &s.name.name.text, Some(&s.module.text))?
                || asker.store()?;
            return Ok(ignored);
        }
        Statement::CreateIndex(s) => {
            let table = ast::QualifiedName { schema: s.name.schema.clone(), name: s.table.clone() };
            let db = find_table(context, &table).map_or_else(|_| database(&s.name, false), |(db, _)| db);
            let asker = SchemaChange { context, db };
            let action = asker.either(AuthAction::CreateIndex, AuthAction::CreateTempIndex);
            return Ok(asker.insert()? || asker.ask(action, &s.name.name.text, Some(&s.table.text))?);
        }
        Statement::CreateTrigger(s) => {
            let watched = find_table(context, &s.table).map_or(DbIndex(0), |(db, _)| db);
            let db = if s.temporary { DbIndex(1) } else { watched };
            let asker = SchemaChange { context, db };
            let action = asker.either(AuthAction::CreateTrigger, AuthAction::CreateTempTrigger);
            return Ok(asker.ask(action, &s.name.name.text, Some(&s.table.name.text))?
                || SchemaChange { context, db: watched }.insert()?
                || asker.insert()?);
        }
        Statement::Drop(s) => return ask_to_drop(context, s),
        Statement::AlterTable(s) => {
            let db = find_table(context, &s.table).map_or(DbIndex(0), |(db, _)| db);
            let column = match &s.action {
                ast::AlterAction::DropColumn(name) => Some(&*name.text),
                _ => None,
            };
            let name = context.catalogue.shared_name(db);
            return context.ask(AuthAction::AlterTable, Some(&name), Some(&s.table.name.text), column);
        }
        Statement::Pragma(s) => {
            let database = s.name.schema.as_ref().map(|s| &*s.text);
            let value = s.value.as_ref().map(ast::PragmaValue::text);
            return context.ask(AuthAction::Pragma, Some(&s.name.name.text), value, database);
        }
        Statement::Begin(_) => return context.ask(AuthAction::Transaction, Some("BEGIN"), None, None),
        Statement::Commit => return context.ask(AuthAction::Transaction, Some("COMMIT"), None, None),
        Statement::Rollback { savepoint: None } => {
            return context.ask(AuthAction::Transaction, Some("ROLLBACK"), None, None);
        }
        Statement::Rollback { savepoint: Some(name) } => {
            return context.ask(AuthAction::Savepoint, Some("ROLLBACK"), Some(&name.text), None);
        }
        Statement::Savepoint(name) => {
            return context.ask(AuthAction::Savepoint, Some("BEGIN"), Some(&name.text), None);
        }
        Statement::Release(name) => {
            return context.ask(AuthAction::Savepoint, Some("RELEASE"), Some(&name.text), None);
        }
        Statement::Attach(attach) => {
            return context.ask(AuthAction::Attach, text_of(&attach.file).as_deref(), None, None);
        }
        Statement::Detach(name) => return context.ask(AuthAction::Detach, text_of(name).as_deref(), None, None),
        Statement::Analyze(name) => ask_to_analyze(context, name.as_deref())?,
        Statement::Reindex(name) => ask_to_reindex(context, name.as_deref())?,
        _ => {}
    }
    Ok(false)
}

/// A literal, as far as it is known before the statement runs.
fn text_of(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::Literal(ast::Literal::String(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ast::Expr::Column(reference) if reference.qualifier.is_none() => Some(reference.column.text.to_string()),
        _ => None,
    }
}

/// Questions about one schema.
struct SchemaChange<'c, 'p> {
    context: &'c PlanContext<'p>,
    db: DbIndex,
}

impl SchemaChange<'_, '_> {
    fn either(&self, durable: AuthAction, temporary: AuthAction) -> AuthAction {
        if self.db.0 == 1 { temporary } else { durable }
    }

    fn ask(&self, action: AuthAction, first: &str, second: Option<&str>) -> Result<bool> {
        self.context.ask(action, Some(first), second, Some(&self.context.catalogue.shared_name(self.db)))
    }

    fn insert(&self) -> Result<bool> {
        self.ask(AuthAction::Insert, self.context.schema_table(self.db), None)
    }

    fn delete(&self) -> Result<bool> {
        self.ask(AuthAction::Delete, self.context.schema_table(self.db), None)
    }

    fn read(&self, columns: &[&str]) -> Result<()> {
        let database = self.context.catalogue.shared_name(self.db);
        for column in columns {
            self.context.ask_to_read_named(&database, self.context.schema_table(self.db), column)?;
        }
        Ok(())
    }

    fn update(&self, column: &str) -> Result<bool> {
        self.ask(AuthAction::Update, self.context.schema_table(self.db), Some(column))
    }

    /// The row of a new table or view is filled in.
    fn store(&self) -> Result<bool> {
        for column in ["type", "name", "tbl_name", "rootpage", "sql"] {
            self.update(column)?;
        }
        self.read(&["ROWID"])?;
        Ok(false)
    }
}

/// After the columns of a new table are known: its automatic indexes, then its row in the schema.
pub(crate) fn ask_to_store_table(context: &PlanContext<'_>, db: DbIndex, table: &Table) -> Result<()> {
    if !context.asks() {
        return Ok(());
    }
    let asker = SchemaChange { context, db };
    let database = context.catalogue.shared_name(db);
    for index in &table.indexes {
        if table.primary_key_index().is_some_and(|primary| Arc::ptr_eq(primary, index)) {
            continue;
        }
        asker.insert()?;
        let action = asker.either(AuthAction::CreateIndex, AuthAction::CreateTempIndex);
        asker.ask(action, &index.name, Some(&table.name))?;
        for column in &index.columns {
            if let IndexKey::Column(c) = column.key
                && let Some(column) = table.columns.get(c)
            {
                context.ask_to_read_named(&database, &table.name, &column.name)?;
            }
        }
        asker.insert()?;
    }
    asker.store().map(|_| ())
}

/// After the columns of a new index are known.
pub(crate) fn ask_to_store_index(context: &PlanContext<'_>, db: DbIndex, table: &Table, index: &Index) -> Result<()> {
    if !context.asks() {
        return Ok(());
    }
    let database = context.catalogue.shared_name(db);
    let keys = index.columns.iter().filter_map(|c| match &c.key {
        IndexKey::Expr(expr) => Some(expr),
        _ => None,
    });
    let mut read = Vec::new();
    for expr in index.partial.iter().chain(keys) {
        crate::emit::reads_columns(table, expr, |c| {
            read.push(c);
            false
        });
    }
    read.extend(index.columns.iter().filter_map(|c| if let IndexKey::Column(c) = c.key { Some(c) } else { None }));
    for column in read.into_iter().filter_map(|c| table.columns.get(c)) {
        context.ask_to_read_named(&database, &table.name, &column.name)?;
    }
    let asker = SchemaChange { context, db };
    asker.insert()?;
    asker.ask(AuthAction::Reindex, &index.name, None).map(|_| ())
}

fn ask_to_drop(context: &PlanContext<'_>, drop: &ast::Drop) -> Result<bool> {
    let name = &drop.name.name.text;
    let databases = || (0..context.catalogue.database_count()).map(|i| DbIndex(i as u16));
    let named = drop.name.schema.as_ref().map(|s| context.catalogue.find_database(&s.text));
    let holds = |find: &dyn Fn(DbIndex) -> bool| match named {
        Some(db) => db.filter(|db| find(*db)),
        None => databases().find(|db| find(*db)),
    };
    let triggers_of = |db: DbIndex, table: &str| -> Vec<Arc<str>> {
        context.catalogue.schema(db).triggers_of(table).map(|t| t.name.clone()).collect()
    };
    match drop.kind {
        ast::ObjectKind::Table | ast::ObjectKind::View => {
            let Ok((db, table)) = find_table(context, &drop.name) else { return Ok(false) };
            let asker = SchemaChange { context, db };
            let (action, module) = match &table.relation {
                Relation::Virtual { module, .. } => (AuthAction::DropVtable, Some(&**module)),
                Relation::View { .. } => (asker.either(AuthAction::DropView, AuthAction::DropTempView), None),
                _ => (asker.either(AuthAction::DropTable, AuthAction::DropTempTable), None),
            };
            if asker.delete()? || asker.ask(action, &table.name, module)? {
                return Ok(true);
            }
            if asker.ask(AuthAction::Delete, &table.name, None)? {
                return Ok(true);
            }
            for trigger in triggers_of(db, &table.name) {
                let action = asker.either(AuthAction::DropTrigger, AuthAction::DropTempTrigger);
                asker.ask(action, &trigger, Some(&table.name))?;
                asker.delete()?;
                asker.delete()?;
                asker.read(&["name", "type"])?;
            }
            ask_to_forget_statistics(context, db, "tbl")?;
            asker.delete()?;
            asker.read(&["tbl_name", "type"])?;
            if !table.is_view() && !table.is_virtual() {
                for _ in 0..table.indexes.len() + usize::from(table.has_rowid()) {
                    asker.update("rootpage")?;
                    asker.read(&["rootpage"])?;
                }
            }
        }
        ast::ObjectKind::Index => {
            let Some(db) = holds(&|db| context.catalogue.schema(db).index(name).is_some()) else { return Ok(false) };
            let Some(index) = context.catalogue.schema(db).index(name).cloned() else { return Ok(false) };
            let asker = SchemaChange { context, db };
            let action = asker.either(AuthAction::DropIndex, AuthAction::DropTempIndex);
            if asker.delete()? || asker.ask(action, &index.name, Some(&index.table))? {
                return Ok(true);
            }
            asker.delete()?;
            asker.read(&["name", "type"])?;
            ask_to_forget_statistics(context, db, "idx")?;
            asker.update("rootpage")?;
            asker.read(&["rootpage"])?;
        }
        ast::ObjectKind::Trigger => {
            let Some(db) = holds(&|db| context.catalogue.schema(db).trigger(name).is_some()) else { return Ok(false) };
            let Some(trigger) = context.catalogue.schema(db).trigger(name).cloned() else { return Ok(false) };
            let asker = SchemaChange { context, db };
            let action = asker.either(AuthAction::DropTrigger, AuthAction::DropTempTrigger);
            if asker.ask(action, &trigger.name, Some(&trigger.table))? || asker.delete()? {
                return Ok(true);
            }
            asker.delete()?;
            asker.read(&["name", "type"])?;
        }
    }
    Ok(false)
}

/// What ANALYZE has noted goes with its object.
fn ask_to_forget_statistics(context: &PlanContext<'_>, db: DbIndex, column: &str) -> Result<()> {
    for table in ["sqlite_stat1", "sqlite_stat4"] {
        if context.catalogue.schema(db).table(table).is_some() {
            let database = context.catalogue.shared_name(db);
            context.ask(AuthAction::Delete, Some(table), None, Some(&database))?;
            context.ask_to_read_named(&database, table, column)?;
        }
    }
    Ok(())
}

fn ask_to_analyze(context: &PlanContext<'_>, name: Option<&ast::QualifiedName>) -> Result<()> {
    let one = name.and_then(|name| find_table(context, name).ok());
    for db in (0..context.catalogue.database_count()).map(|i| DbIndex(i as u16)).filter(|db| db.0 != 1) {
        let database = context.catalogue.shared_name(db);
        let mut tables: Vec<_> = context.catalogue.schema(db).tables.values().cloned().collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        for table in tables.iter().filter(|t| !t.is_view() && !t.name.starts_with("sqlite_")) {
            if one.as_ref().is_none_or(|(d, t)| *d == db && t.name == table.name) {
                context.ask(AuthAction::Analyze, Some(&table.name), None, Some(&database))?;
            }
        }
    }
    Ok(())
}

fn ask_to_reindex(context: &PlanContext<'_>, name: Option<&ast::QualifiedName>) -> Result<()> {
    for db in (0..context.catalogue.database_count()).map(|i| DbIndex(i as u16)) {
        let database = context.catalogue.shared_name(db);
        for table in context.catalogue.schema(db).tables.values() {
            for index in table.indexes_newest_first() {
                let wanted = name.is_none_or(|n| n.name.is(&table.name) || n.name.is(&index.name));
                if wanted {
                    context.ask(AuthAction::Reindex, Some(&index.name), None, Some(&database))?;
                }
            }
        }
    }
    Ok(())
}
