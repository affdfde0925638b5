//! The connection's databases, functions and collations as the planner sees them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use turso_error::{Error, Result, ResultCode};
use turso_functions::{FunctionDef, Lookup, Registry};
use turso_planner::{AuthRequest, Authorization, Catalogue, ConnectedTable, PlanOptions, Tier, no_such_module};
use turso_program::DbIndex;
use turso_schema::{Relation, Schema, Table};
use turso_storage::PageNo;
use turso_storage::btree::entries_at_hand;
use turso_value::Collation;
use turso_vtab::{Answer, Question};

use super::limits::Limit;
use super::state::{AttachedDb, State};
use super::virtual_tables::{MissingTable, VirtualTables};
use crate::hooks::Authorizer;

/// The names and schemas of the databases.
enum Databases<'a> {
    Borrowed(&'a [AttachedDb]),
    Copied(Vec<(Arc<str>, Option<Arc<Schema>>)>),
}

impl Databases<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Borrowed(databases) => databases.len(),
            Self::Copied(databases) => databases.len(),
        }
    }

    fn name(&self, index: usize) -> Option<&Arc<str>> {
        match self {
            Self::Borrowed(databases) => databases.get(index).map(|database| &database.name),
            Self::Copied(databases) => databases.get(index).map(|(name, _)| name),
        }
    }

    fn schema(&self, index: usize) -> Option<&Arc<Schema>> {
        match self {
            Self::Borrowed(databases) => databases.get(index)?.schema.as_ref(),
            Self::Copied(databases) => databases.get(index)?.1.as_ref(),
        }
    }
}

/// A view of the connection while one statement is planned: borrowed, or a copy where the connection itself must be free
/// for virtual tables that use it in the meantime.
pub(crate) struct SessionCatalogue<'a> {
    databases: Databases<'a>,
    functions: Cow<'a, Registry>,
    collations: Cow<'a, [Collation]>,
    empty: &'static Arc<Schema>,
    /// The last collation that was asked for and is not known.
    missing_collation: RefCell<Option<String>>,
    authorizer: Option<Authorizer>,
    virtual_tables: Cow<'a, VirtualTables>,
    /// The connection, if it can be lent.
    session: Option<RefCell<&'a mut State>>,
    /// A table has been met that needs the connection, which cannot be lent.
    pub needs_session: Cell<bool>,
    /// Virtual tables that were asked for and are not connected.
    pub missing: RefCell<Vec<MissingTable>>,
    /// Tables whose statistics have been used to plan something on this connection, and those that come to them now.
    statistics_used: Cow<'a, HashSet<TableName>>,
    pub newly_used: RefCell<Vec<TableName>>,
}

/// A table, by its database.
pub(crate) type TableName = (DbIndex, Arc<str>);

impl<'a> SessionCatalogue<'a> {
    pub fn new(state: &'a State) -> Self {
        Self {
            databases: Databases::Borrowed(&state.databases),
            functions: Cow::Borrowed(&state.functions),
            collations: Cow::Borrowed(&state.collations),
            empty: empty_schema(),
            missing_collation: RefCell::default(),
            authorizer: state.hooks.authorizer.clone(),
            virtual_tables: Cow::Borrowed(&state.virtual_tables),
            session: None,
            needs_session: Cell::new(false),
            missing: RefCell::default(),
            statistics_used: Cow::Borrowed(&state.statistics_used),
            newly_used: RefCell::default(),
        }
    }

    /// A copy of what the planner needs; virtual tables may use the connection while they are asked.
    pub fn lending(state: &'a mut State) -> Self {
        let databases = state.databases.iter().map(|db| (db.name.clone(), db.schema.clone())).collect();
        Self {
            databases: Databases::Copied(databases),
            functions: Cow::Owned(state.functions.clone()),
            collations: Cow::Owned(state.collations.clone()),
            empty: empty_schema(),
            missing_collation: RefCell::default(),
            authorizer: state.hooks.authorizer.clone(),
            virtual_tables: Cow::Owned(state.virtual_tables.clone()),
            statistics_used: Cow::Owned(state.statistics_used.clone()),
            session: Some(RefCell::new(state)),
            needs_session: Cell::new(false),
            missing: RefCell::default(),
            newly_used: RefCell::default(),
        }
    }

    /// The collation whose absence has made planning fail.
    pub fn missing_collation(&self) -> Option<String> {
        self.missing_collation.take()
    }
}

/// What a database holds whose schema has not been read.
fn empty_schema() -> &'static Arc<Schema> {
    static EMPTY: OnceLock<Arc<Schema>> = OnceLock::new();
    EMPTY.get_or_init(|| Arc::new(Schema::empty(false)))
}

impl Catalogue for SessionCatalogue<'_> {
    fn database_count(&self) -> usize {
        self.databases.len()
    }

    fn database_name(&self, db: DbIndex) -> &str {
        self.databases.name(db.index()).map_or("", |name| name)
    }

    fn shared_name(&self, db: DbIndex) -> Arc<str> {
        self.databases.name(db.index()).cloned().unwrap_or_else(|| "".into())
    }

    fn schema(&self, db: DbIndex) -> &Arc<Schema> {
        self.databases.schema(db.index()).unwrap_or(self.empty)
    }

    fn entries_at_hand(&self, db: DbIndex, root: u32) -> Option<usize> {
        match &self.databases {
            Databases::Borrowed(list) => list.get(db.index()).and_then(|db| entries_at_hand(&db.pager, PageNo(root))),
            Databases::Copied(_) => None,
        }
    }

    fn find_database(&self, name: &str) -> Option<DbIndex> {
        // An attached database may have taken the name of another one's file; the last one attached is found first.
        let is_named = |&i: &usize| self.databases.name(i).is_some_and(|known| known.eq_ignore_ascii_case(name));
        let found = (0..self.databases.len()).rev().find(is_named).map(|i| DbIndex(i as u16));
        // The main database keeps its usual name beside the one that the application has given it.
        found.or_else(|| name.eq_ignore_ascii_case("main").then_some(DbIndex(0)))
    }

    fn has_authorizer(&self) -> bool {
        self.authorizer.is_some()
    }

    fn authorize(&self, request: &AuthRequest<'_>) -> Authorization {
        self.authorizer.as_ref().map_or(Authorization::Allow, |authorizer| authorizer(request))
    }

    fn function(&self, name: &str, argc: usize) -> Lookup {
        self.functions.lookup(name.as_bytes(), argc)
    }

    fn user_functions(&self) -> Vec<Arc<FunctionDef>> {
        self.functions.user_functions().cloned().collect()
    }

    fn collation_names(&self) -> Vec<String> {
        self.collations.iter().rev().map(|c| c.name().to_owned()).collect()
    }

    fn collation(&self, name: &str) -> Option<Collation> {
        Collation::built_in(name.as_bytes())
            .or_else(|| self.collations.iter().find(|c| c.name().eq_ignore_ascii_case(name)).cloned())
            .or_else(|| {
                *self.missing_collation.borrow_mut() = Some(name.to_owned());
                None
            })
    }

    fn virtual_table(&self, db: DbIndex, table: &Arc<Table>) -> Result<Arc<ConnectedTable>> {
        if let Some(connected) = self.virtual_tables.connected(table) {
            return Ok(connected.clone());
        }
        let Relation::Virtual { module, .. } = &table.relation else { return Err(no_such_module(table)) };
        if self.virtual_tables.module(module).is_none() {
            return Err(no_such_module(table));
        }
        Err(self.miss(MissingTable::Created(db.index(), table.clone())))
    }

    fn eponymous_table(&self, name: &str) -> Result<Option<Arc<ConnectedTable>>> {
        if let Some(connected) = self.virtual_tables.eponymous(name) {
            return Ok(Some(connected.clone()));
        }
        if !self.virtual_tables.has_eponymous(name) {
            return Ok(None);
        }
        Err(self.miss(MissingTable::Eponymous(name.into())))
    }

    fn is_shadow_suffix(&self, module: &str, suffix: &str) -> bool {
        self.virtual_tables.module(module).is_some_and(|module| module.is_shadow_suffix(suffix))
    }

    fn best_index(&self, table: &ConnectedTable, question: &Question) -> Result<Option<Answer>> {
        let instance = &table.used.table;
        if !instance.plans_with_connection() {
            return instance.best_index(question);
        }
        let Some(session) = &self.session else {
            // The statement has to be planned again with a connection that can be lent.
            self.needs_session.set(true);
            return Err(Error::from_code(ResultCode::SCHEMA));
        };
        session.borrow_mut().lend_within_statement(|| instance.best_index(question))
    }

    fn note_statistics_used(&self, db: DbIndex, table: &Arc<str>) {
        let name = (db, table.clone());
        if !self.statistics_used.contains(&name) {
            self.newly_used.borrow_mut().push(name);
        }
    }

    fn statistics_used(&self, db: DbIndex, table: &Arc<str>) -> bool {
        self.statistics_used.contains(&(db, table.clone()))
    }

    fn modules(&self) -> Vec<Arc<str>> {
        self.virtual_tables.module_names()
    }
}

impl SessionCatalogue<'_> {
    /// The statement has to be planned again once this table is connected.
    fn miss(&self, table: MissingTable) -> Error {
        self.missing.borrow_mut().push(table);
        Error::from_code(ResultCode::SCHEMA)
    }
}

impl State {
    /// The settings that change what a statement means.
    pub fn plan_options(&self) -> PlanOptions {
        PlanOptions {
            foreign_keys: self.settings.foreign_keys,
            recursive_triggers: self.settings.recursive_triggers,
            full_column_names: self.settings.full_column_names,
            short_column_names: self.settings.short_column_names,
            reverse_unordered_selects: self.settings.reverse_unordered_selects,
            automatic_index: self.settings.automatic_index,
            // Loops are what is counted, and pipelines have none.
            tier: if self.settings.switches.scan_statistics { Tier::Row } else { self.settings.tier },
            scan_statistics: self.settings.switches.scan_statistics,
            case_sensitive_like: self.settings.case_sensitive_like,
            count_changes: self.settings.count_changes,
            require_where: self.settings.require_where,
            defer_foreign_keys: self.settings.defer_foreign_keys,
            no_foreign_key_actions: self.settings.no_foreign_key_actions,
            ignore_check_constraints: self.settings.ignore_check_constraints,
            // Modules and functions of the application may do what the statement that calls them may not.
            defensive: self.settings.switches.defensive && self.lent_depth == 0 && !self.plans_within,
            writable_schema: self.settings.writable_schema && !self.settings.switches.defensive,
            triggers: self.settings.switches.triggers,
            views: self.settings.switches.views,
            dqs_dml: self.settings.switches.dqs_dml,
            dqs_ddl: self.settings.switches.dqs_ddl,
            trusted_schema: self.settings.trusted_schema,
            no_truncate: self.hooks.watches_values || self.capture.is_on(),
            analysis_limit: self.settings.analysis_limit,
            legacy_alter_table: self.settings.legacy_alter_table,
            limit_columns: self.limit_table.get(Limit::Column),
            limit_compound: self.limit_table.get(Limit::CompoundSelect),
            limit_function_args: self.limit_table.get(Limit::FunctionArg),
        }
    }
}
