//! The connection's databases, functions and collations as the planner sees them.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use turso_error::{Error, Result, ResultCode};
use turso_functions::{Lookup, Registry};
use turso_planner::{AuthRequest, Authorization, Catalogue, ConnectedTable, PlanOptions, no_such_module};
use turso_program::DbIndex;
use turso_schema::{Relation, Schema, Table};
use turso_value::Collation;

use super::limits::Limit;
use super::state::{AttachedDb, State};
use super::virtual_tables::{MissingTable, VirtualTables};
use crate::hooks::Authorizer;

/// A borrowed view of the connection while one statement is planned.
pub(crate) struct SessionCatalogue<'a> {
    databases: &'a [AttachedDb],
    functions: &'a Registry,
    collations: &'a [Collation],
    empty: &'static Arc<Schema>,
    /// The last collation that was asked for and is not known.
    missing_collation: RefCell<Option<String>>,
    authorizer: Option<&'a Authorizer>,
    virtual_tables: &'a VirtualTables,
    /// Virtual tables that were asked for and are not connected.
    pub missing: RefCell<Vec<MissingTable>>,
}

impl<'a> SessionCatalogue<'a> {
    pub fn new(state: &'a State) -> Self {
        static EMPTY: OnceLock<Arc<Schema>> = OnceLock::new();
        let empty = EMPTY.get_or_init(|| Arc::new(Schema::empty(false)));
        Self {
            databases: &state.databases,
            functions: &state.functions,
            collations: &state.collations,
            empty,
            missing_collation: RefCell::default(),
            authorizer: state.hooks.authorizer.as_ref(),
            virtual_tables: &state.virtual_tables,
            missing: RefCell::default(),
        }
    }

    /// The collation whose absence has made planning fail.
    pub fn missing_collation(&self) -> Option<String> {
        self.missing_collation.take()
    }
}

impl Catalogue for SessionCatalogue<'_> {
    fn database_count(&self) -> usize {
        self.databases.len()
    }

    fn database_name(&self, db: DbIndex) -> &str {
        self.databases.get(db.index()).map_or("", |database| &database.name)
    }

    fn shared_name(&self, db: DbIndex) -> Arc<str> {
        self.databases.get(db.index()).map_or_else(|| "".into(), |database| database.name.clone())
    }

    fn schema(&self, db: DbIndex) -> &Arc<Schema> {
        self.databases.get(db.index()).and_then(|database| database.schema.as_ref()).unwrap_or(self.empty)
    }

    fn find_database(&self, name: &str) -> Option<DbIndex> {
        // An attached database may have taken the name of another one's file; the last one attached is found first.
        self.databases.iter().rposition(|database| database.name.eq_ignore_ascii_case(name)).map(|i| DbIndex(i as u16))
    }

    fn has_authorizer(&self) -> bool {
        self.authorizer.is_some()
    }

    fn authorize(&self, request: &AuthRequest<'_>) -> Authorization {
        self.authorizer.map_or(Authorization::Allow, |authorizer| authorizer(request))
    }

    fn function(&self, name: &str, argc: usize) -> Lookup {
        self.functions.lookup(name.as_bytes(), argc)
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
            case_sensitive_like: self.settings.case_sensitive_like,
            defer_foreign_keys: self.settings.defer_foreign_keys,
            ignore_check_constraints: self.settings.ignore_check_constraints,
            writable_schema: self.settings.writable_schema,
            trusted_schema: self.settings.trusted_schema,
            no_truncate: self.hooks.preupdate.is_some(),
            legacy_alter_table: self.settings.legacy_alter_table,
            limit_columns: self.limit_table.get(Limit::Column),
            limit_compound: self.limit_table.get(Limit::CompoundSelect),
            limit_function_args: self.limit_table.get(Limit::FunctionArg),
            ..PlanOptions::default()
        }
    }
}
