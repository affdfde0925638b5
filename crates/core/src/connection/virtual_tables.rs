//! The modules that a connection knows, and its virtual tables.
//!
//! A table of the catalogue is connected when a statement first asks for it, and stays so as long as the catalogue holds the
//! same entry: a catalogue that has been read anew connects anew. What takes part in the transaction is listed here too.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::Environment;
use turso_planner::{ConnectedTable, no_such_module};
use turso_program::virtual_table::UsedTable;
use turso_schema::{Relation, Table};
use turso_vtab::{Arguments, Connected, Module, ModuleKind, Session, VirtualTable};

use super::Connection;
use super::state::State;
use crate::modules;

/// A virtual table that is to be connected before a statement can be planned.
#[derive(Debug)]
pub(crate) enum MissingTable {
    /// One of the catalogue, with the position of its database.
    Created(usize, Arc<Table>),
    /// A module's own.
    Eponymous(Box<str>),
}

/// Modules and tables of a connection.
#[derive(Clone)]
pub(crate) struct VirtualTables {
    /// By name in lower case.
    modules: HashMap<Arc<str>, Arc<dyn Module>>,
    /// Tables of the catalogue, by their entry in it.
    connected: Vec<(Arc<Table>, Arc<ConnectedTable>)>,
    /// Modules' own tables, by name in lower case.
    eponymous: HashMap<Arc<str>, Arc<ConnectedTable>>,
    /// Tables being connected, against modules that connect in a circle.
    connecting: Vec<Arc<str>>,
    /// Tables that take part in the transaction, in the order in which they joined.
    enlisted: Vec<Arc<dyn VirtualTable>>,
}

impl Default for VirtualTables {
    fn default() -> Self {
        Self {
            modules: modules::built_in().into_iter().collect(),
            connected: Vec::new(),
            eponymous: HashMap::new(),
            connecting: Vec::new(),
            enlisted: Vec::new(),
        }
    }
}

impl VirtualTables {
    /// The module of this name.
    pub fn module(&self, name: &str) -> Option<Arc<dyn Module>> {
        let folded = name.to_ascii_lowercase();
        self.modules.get(folded.as_str()).cloned().or_else(|| modules::on_demand(&folded))
    }

    /// There is a module of this name with a table of its own.
    pub fn has_eponymous(&self, name: &str) -> bool {
        self.module(name).is_some_and(|m| m.kind() != ModuleKind::Created)
    }

    /// A table of the catalogue, if it is connected.
    pub fn connected(&self, table: &Arc<Table>) -> Option<&Arc<ConnectedTable>> {
        self.connected.iter().find(|(entry, _)| Arc::ptr_eq(entry, table)).map(|(_, connected)| connected)
    }

    /// A module's own table, if it is connected.
    pub fn eponymous(&self, name: &str) -> Option<&Arc<ConnectedTable>> {
        self.eponymous.get(name.to_ascii_lowercase().as_str())
    }

    /// The names of all modules known by now.
    pub fn module_names(&self) -> Vec<Arc<str>> {
        let on_demand = self.eponymous.keys().filter(|name| !self.modules.contains_key(*name));
        let mut names: Vec<Arc<str>> = self.modules.keys().chain(on_demand).cloned().collect();
        names.sort();
        names
    }
}

impl Connection {
    /// Make a module of virtual tables known to the statements of this connection; one of the same name is replaced.
    pub fn create_module(&self, name: &str, module: Arc<dyn Module>) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        state.set_module(name, Some(module));
        Ok(())
    }

    /// Remove a module; tables that are in use stay as they are until their statements end.
    pub fn remove_module(&self, name: &str) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        state.set_module(name, None);
        Ok(())
    }

    /// Let go of the tables that are connected and that no statement uses; they are connected again when they are asked for.
    pub fn disconnect_virtual_tables(&self) {
        let (connected, eponymous, programs) = {
            let mut state = self.lock();
            let tables = &mut state.virtual_tables;
            let (connected, eponymous) = (std::mem::take(&mut tables.connected), std::mem::take(&mut tables.eponymous));
            state.generation = state.generation.wrapping_add(1);
            (connected, eponymous, std::mem::take(&mut state.programs))
        };
        // The modules may use the connection while they disconnect.
        drop((connected, eponymous, programs));
    }

    /// The names of the application's and the engine's modules.
    pub fn module_names(&self) -> Vec<Arc<str>> {
        self.lock().virtual_tables.module_names()
    }
}

impl State {
    /// Add a module, replace the one of this name, or (`None`) remove it.
    pub fn set_module(&mut self, name: &str, module: Option<Arc<dyn Module>>) {
        let name: Arc<str> = name.to_ascii_lowercase().into();
        let tables = &mut self.virtual_tables;
        tables.eponymous.remove(&name);
        tables.connected.retain(|(entry, _)| match &entry.relation {
            Relation::Virtual { module, .. } => !module.eq_ignore_ascii_case(&name),
            _ => true,
        });
        match module {
            Some(module) => tables.modules.insert(name, module),
            None => tables.modules.remove(&name),
        };
        // Statements that are prepared keep the tables that they have, those of a module that is gone, too.
        self.programs = Default::default();
    }

    /// Connect a table that a statement has asked for.
    pub fn connect_virtual(&mut self, missing: &MissingTable) -> Result<()> {
        match missing {
            MissingTable::Created(db, table) => {
                self.forget_stale_tables();
                let connected = self.make_virtual(*db, table, false)?;
                self.virtual_tables.connected.push((table.clone(), connected));
            }
            MissingTable::Eponymous(name) => {
                let Some(module) = self.virtual_tables.module(name) else { return Ok(()) };
                let name: Arc<str> = name.to_ascii_lowercase().into();
                let arguments =
                    Arguments { module: &name, database: "main", database_index: 0, table: &name, arguments: &[] };
                let connected = module.connect(self, &arguments)?;
                let connected = Arc::new(describe(connected, &name, true)?);
                self.virtual_tables.eponymous.insert(name, connected);
            }
        }
        Ok(())
    }

    /// Disconnect what the catalogues no longer hold.
    fn forget_stale_tables(&mut self) {
        let databases = &self.databases;
        let current = |entry: &Arc<Table>| {
            databases
                .iter()
                .filter_map(|db| db.schema.as_ref())
                .any(|schema| schema.table(&entry.name).is_some_and(|table| Arc::ptr_eq(table, entry)))
        };
        let before = self.virtual_tables.connected.len();
        self.virtual_tables.connected.retain(|(entry, _)| current(entry));
        if self.virtual_tables.connected.len() < before {
            // Programs that are kept would keep the tables.
            self.programs = Default::default();
        }
    }

    /// Have a table's module create or connect it.
    fn make_virtual(&mut self, db: usize, table: &Arc<Table>, create: bool) -> Result<Arc<ConnectedTable>> {
        let Relation::Virtual { module: module_name, arguments } = &table.relation else {
            return Err(no_such_module(table));
        };
        let module = self.virtual_tables.module(module_name);
        let module = module.filter(|m| m.kind() != ModuleKind::Eponymous).ok_or_else(|| no_such_module(table))?;
        if self.virtual_tables.connecting.contains(&table.name) {
            return Err(Error::sql(format!("vtable constructor called recursively: {}", table.name)));
        }
        let database = self.databases.get(db).map_or_else(|| Arc::from("main"), |d| d.name.clone());
        let arguments =
            Arguments { module: module_name, database: &database, database_index: db, table: &table.name, arguments };
        self.virtual_tables.connecting.push(table.name.clone());
        let made = if create { module.create(self, &arguments) } else { module.connect(self, &arguments) };
        self.virtual_tables.connecting.pop();
        let made = made.map_err(|error| match error.message() {
            "" => Error::new(error.code(), format!("vtable constructor failed: {}", table.name)),
            _ => error,
        })?;
        Ok(Arc::new(describe(made, &table.name, false)?))
    }

    // ---- CREATE and DROP ----------------------------------------------------------------------------------------------

    /// CREATE VIRTUAL TABLE, once its row is in the catalogue.
    pub fn create_virtual_table(&mut self, db: usize, name: &str) -> Result<()> {
        let table = self.databases.get(db).and_then(|d| d.schema.as_ref()).and_then(|s| s.table(name)).cloned();
        let Some(table) = table else { return Err(Error::sql(format!("no such table: {name}"))) };
        let connected = self.make_virtual(db, &table, true)?;
        self.forget_stale_tables();
        self.virtual_tables.connected.push((table, connected.clone()));
        // To create it was the first thing that the table did in this transaction: it is not told that one begins.
        if connected.used.table.is_transactional() {
            self.virtual_tables.enlisted.push(connected.used.table.clone());
        }
        Ok(())
    }

    /// DROP TABLE: the module removes what it keeps.
    pub fn destroy_virtual_table(&mut self, db: usize, name: &str) -> Result<()> {
        let table = self.databases.get(db).and_then(|d| d.schema.as_ref()).and_then(|s| s.table(name)).cloned();
        let Some(table) = table else { return Ok(()) };
        let connected = match self.virtual_tables.connected(&table) {
            Some(connected) => connected.clone(),
            None => self.make_virtual(db, &table, false)?,
        };
        // Its module drops tables of its own while this statement runs.
        self.nested_statements += 1;
        let destroyed = connected.used.table.destroy(self);
        self.nested_statements -= 1;
        destroyed?;
        // What is gone hears nothing more of the transaction.
        self.virtual_tables.enlisted.retain(|other| !Arc::ptr_eq(other, &connected.used.table));
        self.virtual_tables.connected.retain(|(entry, _)| !Arc::ptr_eq(entry, &table));
        Ok(())
    }

    /// ALTER TABLE RENAME, once the catalogue has the table under its new name: the module renames what it keeps.
    pub fn rename_virtual_table(&mut self, db: usize, used: &UsedTable, name: &str) -> Result<()> {
        let entry = self.databases.get(db).and_then(|d| d.schema.as_ref()).and_then(|s| s.table(name)).cloned();
        let tables = &self.virtual_tables.connected;
        let connected = tables.iter().find(|(_, c)| Arc::ptr_eq(&c.used.table, &used.table)).map(|(_, c)| c.clone());
        // Statements that the module runs look at all triggers and views, also those that use the table. It could not be
        // connected under its new name before all that it consists of has been renamed.
        if let (Some(entry), Some(connected)) = (&entry, connected) {
            self.virtual_tables.connected.push((entry.clone(), connected));
        }
        let outcome = used.table.rename(self, name);
        self.virtual_tables
            .connected
            .retain(|(known, _)| entry.as_ref().is_none_or(|entry| !Arc::ptr_eq(known, entry)));
        // It is connected anew under its new name.
        self.forget_stale_tables();
        outcome
    }

    // ---- Transactions -------------------------------------------------------------------------------------------------

    /// The table takes part in the transaction from now on.
    pub fn enlist_virtual(&mut self, used: &UsedTable) -> Result<()> {
        let table = &used.table;
        let known = |other: &Arc<dyn VirtualTable>| Arc::ptr_eq(other, table);
        if !table.is_transactional() || self.virtual_tables.enlisted.iter().any(known) {
            return Ok(());
        }
        table.begin(self)?;
        self.virtual_tables.enlisted.push(table.clone());
        let depth = self.savepoints.len() + self.statement_marks.len();
        if depth > 0 {
            table.savepoint(self, depth as i32 - 1)?;
        }
        Ok(())
    }

    /// First part of a commit.
    pub fn sync_virtual(&mut self) -> Result<()> {
        for table in self.virtual_tables.enlisted.clone() {
            table.sync(self)?;
        }
        Ok(())
    }

    /// The transaction has been committed (or undone).
    pub fn end_virtual(&mut self, committed: bool) {
        for table in std::mem::take(&mut self.virtual_tables.enlisted) {
            if committed {
                table.commit(self);
            } else {
                table.rollback(self);
            }
        }
    }

    /// A savepoint begins, ends or is gone back to; `level` counts from 0.
    pub fn savepoint_virtual(&mut self, what: VirtualSavepoint, level: usize) -> Result<()> {
        if self.virtual_tables.enlisted.is_empty() {
            return Ok(());
        }
        let level = i32::try_from(level).unwrap_or(i32::MAX);
        for table in self.virtual_tables.enlisted.clone() {
            match what {
                VirtualSavepoint::Begin => table.savepoint(self, level)?,
                VirtualSavepoint::Release => table.release(self, level)?,
                VirtualSavepoint::RollBackTo => table.rollback_to(self, level)?,
            }
        }
        Ok(())
    }
}

/// What happens to a savepoint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum VirtualSavepoint {
    Begin,
    Release,
    RollBackTo,
}

impl Session for State {
    fn environment(&self) -> &dyn Environment {
        &self.environment
    }

    fn set_last_insert_rowid(&mut self, rowid: i64) {
        self.environment.counters.last_insert_rowid = rowid;
    }

    fn lend(&mut self, foreign: &mut dyn FnMut()) -> Result<()> {
        self.lend_within_statement(|| {
            foreign();
            Ok(())
        })
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// The columns that a module has declared, as a table of this name.
fn describe(connected: Connected, name: &Arc<str>, eponymous: bool) -> Result<ConnectedTable> {
    let text = connected.declaration.as_str();
    let turso_parser::ast::Statement::CreateTable(statement) = turso_schema::parse_stored(text.as_bytes())? else {
        return Err(Error::sql(format!("vtable constructor did not declare schema: {name}")));
    };
    let mut table = turso_schema::define_table(&statement, text.as_bytes(), text)?;
    table.name = name.clone();
    for column in &mut table.columns {
        let Some(declared) = &column.declared_type else { continue };
        let is_hidden = |word: &&str| word.eq_ignore_ascii_case("hidden");
        if !declared.split(' ').any(|word| is_hidden(&word)) {
            continue;
        }
        column.hidden = true;
        let rest: Vec<&str> = declared.split(' ').filter(|word| !is_hidden(word)).collect();
        // The affinity stays that of the type as written: HIDDEN alone means numbers where they can be.
        column.declared_type = (!rest.is_empty()).then(|| rest.join(" ").into());
    }
    // Keys and constraints are the module's own business.
    table.rowid_alias = None;
    table.autoincrement = false;
    table.checks.clear();
    table.foreign_keys.clear();
    if matches!(table.relation, Relation::Rowid) {
        table.indexes.clear();
    }
    let Connected { table: instance, risk, keeps_constraints, uses_all_databases, .. } = connected;
    Ok(ConnectedTable {
        used: Arc::new(UsedTable { name: name.clone(), table: instance }),
        table: Arc::new(table),
        risk,
        keeps_constraints,
        uses_all_databases,
        eponymous,
    })
}
