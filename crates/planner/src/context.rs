//! What the planner knows about its surroundings: the catalogue, the connection's settings, and the statement's counters.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::{FunctionDef, Lookup};
use turso_program::DbIndex;
use turso_program::virtual_table::UsedTable;
use turso_schema::{Schema, Table};
use turso_value::Collation;
use turso_vtab::{Answer, Question, Risk};

use crate::authorize::{AuthRequest, Authorization, Permissions};
use crate::plan::{CoreId, SourceId};

/// The databases, functions and collations of a connection.
pub trait Catalogue {
    /// Number of databases: `main`, `temp`, then attached ones.
    fn database_count(&self) -> usize;
    /// The name under which a database is known.
    fn database_name(&self, db: DbIndex) -> &str;
    /// [`database_name`](Self::database_name), shared where the catalogue can.
    fn shared_name(&self, db: DbIndex) -> Arc<str> {
        self.database_name(db).into()
    }
    /// Its schema. An index that does not exist gives an empty schema.
    fn schema(&self, db: DbIndex) -> &Arc<Schema>;
    /// The database of this name (any letter case; `main` also under its alias).
    fn find_database(&self, name: &str) -> Option<DbIndex>;
    /// The function of this name that takes `argc` arguments.
    fn function(&self, name: &str, argc: usize) -> Lookup;
    /// The functions of the application.
    fn user_functions(&self) -> Vec<Arc<FunctionDef>> {
        Vec::new()
    }
    /// The collation of this name.
    fn collation(&self, name: &str) -> Option<Collation>;
    /// The collations beside the built-in ones, newest first.
    fn collation_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// Somebody is asked what statements may do.
    fn has_authorizer(&self) -> bool {
        false
    }
    /// Ask; only where there is somebody.
    fn authorize(&self, request: &AuthRequest<'_>) -> Authorization {
        let _ = request;
        Authorization::Allow
    }
    /// A virtual table of the catalogue, connected. `no such module: m` where its module is not known.
    fn virtual_table(&self, db: DbIndex, table: &Arc<Table>) -> Result<Arc<ConnectedTable>> {
        let _ = db;
        Err(no_such_module(table))
    }
    /// The table that a module has under its own name, if it has one: what a name means that no table bears.
    fn eponymous_table(&self, name: &str) -> Result<Option<Arc<ConnectedTable>>> {
        let _ = name;
        Ok(None)
    }
    /// `NAME_suffix` is a table that the module keeps for its table `NAME`.
    fn is_shadow_suffix(&self, module: &str, suffix: &str) -> bool {
        let _ = (module, suffix);
        false
    }
    /// Ask a virtual table how it would scan.
    fn best_index(&self, table: &ConnectedTable, question: &Question) -> Result<Option<Answer>> {
        table.used.table.best_index(question)
    }
    /// A plan for this table has been looked for with what ANALYZE knows of one of its indexes.
    fn note_statistics_used(&self, db: DbIndex, table: &Arc<str>) {
        let _ = (db, table);
    }
    /// [`note_statistics_used`](Self::note_statistics_used) has been called on this connection.
    fn statistics_used(&self, db: DbIndex, table: &Arc<str>) -> bool {
        let _ = (db, table);
        false
    }
    /// The number of entries of a tree, as far as it is known without a read: `usize::MAX` where it has several pages.
    fn entries_at_hand(&self, db: DbIndex, root: u32) -> Option<usize> {
        let _ = (db, root);
        None
    }
    /// The names of the modules known to the connection.
    fn modules(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// `no such module: m`, for a virtual table of the catalogue.
#[cold]
pub fn no_such_module(table: &Table) -> Error {
    match &table.relation {
        turso_schema::Relation::Virtual { module, .. } => Error::sql(format!("no such module: {module}")),
        _ => Error::sql(format!("{} is not a virtual table", table.name)),
    }
}

/// A virtual table as the connection has it.
#[derive(Debug, Clone)]
pub struct ConnectedTable {
    /// Its columns, under its own name. Its relation is the declaration's: with rowids or without.
    pub table: Arc<Table>,
    /// The table.
    pub used: Arc<UsedTable>,
    /// Where it may be used.
    pub risk: Risk,
    /// A change that breaks a constraint changes nothing.
    pub keeps_constraints: bool,
    /// It may read any database.
    pub uses_all_databases: bool,
    /// It is a module's own table: no CREATE VIRTUAL TABLE made it.
    pub eponymous: bool,
}

/// Which tier runs what both can run (`PRAGMA execution_tier`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tier {
    /// The one that is expected to be faster.
    #[default]
    Auto,
    /// Row by row.
    Row,
    /// By batches.
    Batch,
}

/// Settings of the connection that change what a statement means, or how it is run.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// `PRAGMA execution_tier`.
    pub tier: Tier,
    /// The turns of loops are counted.
    pub scan_statistics: bool,
    /// `PRAGMA foreign_keys`.
    pub foreign_keys: bool,
    /// `PRAGMA recursive_triggers`.
    pub recursive_triggers: bool,
    /// A double-quoted name that is no column is a string, in queries and changes of rows.
    pub dqs_dml: bool,
    /// The same in CREATE statements.
    pub dqs_ddl: bool,
    /// Triggers fire.
    pub triggers: bool,
    /// Views can be used.
    pub views: bool,
    /// `PRAGMA full_column_names`.
    pub full_column_names: bool,
    /// `PRAGMA short_column_names`.
    pub short_column_names: bool,
    /// `PRAGMA reverse_unordered_selects`.
    pub reverse_unordered_selects: bool,
    /// `PRAGMA count_changes`.
    pub count_changes: bool,
    /// `PRAGMA require_where`: a DELETE or UPDATE of all rows is refused, but for those in triggers.
    pub require_where: bool,
    /// `PRAGMA automatic_index`.
    pub automatic_index: bool,
    /// `PRAGMA case_sensitive_like`: LIKE cannot use a NOCASE index then.
    pub case_sensitive_like: bool,
    /// `PRAGMA defer_foreign_keys`.
    pub defer_foreign_keys: bool,
    /// Foreign keys behave as if declared with NO ACTION.
    pub no_foreign_key_actions: bool,
    /// `PRAGMA ignore_check_constraints`.
    pub ignore_check_constraints: bool,
    /// The schema's version and the shadow tables of virtual tables are left alone.
    pub defensive: bool,
    /// `PRAGMA writable_schema`.
    pub writable_schema: bool,
    /// `PRAGMA trusted_schema`: functions of the application that are not marked as harmless may be used by the schema.
    pub trusted_schema: bool,
    /// No DELETE empties a whole table at once: somebody wants to see its rows.
    pub no_truncate: bool,
    /// `PRAGMA legacy_alter_table`.
    pub legacy_alter_table: bool,
    /// `PRAGMA analysis_limit`: entries of an index that ANALYZE looks at; 0: all.
    pub analysis_limit: u32,
    /// Most columns of a table, result or index (`SQLITE_LIMIT_COLUMN`).
    pub limit_columns: usize,
    /// Most terms of a compound SELECT (`SQLITE_LIMIT_COMPOUND_SELECT`).
    pub limit_compound: usize,
    /// Most arguments of a function (`SQLITE_LIMIT_FUNCTION_ARG`).
    pub limit_function_args: usize,
}

impl PlanOptions {
    /// A double-quoted name that is no column is a string in CREATE statements, too.
    pub fn strings_in_ddl(&self) -> bool {
        self.dqs_ddl || (self.writable_schema && self.dqs_dml)
    }
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            tier: Tier::Auto,
            scan_statistics: false,
            foreign_keys: false,
            recursive_triggers: false,
            dqs_dml: true,
            dqs_ddl: true,
            triggers: true,
            views: true,
            full_column_names: false,
            short_column_names: true,
            reverse_unordered_selects: false,
            count_changes: false,
            require_where: false,
            automatic_index: true,
            case_sensitive_like: false,
            defer_foreign_keys: false,
            no_foreign_key_actions: false,
            ignore_check_constraints: false,
            defensive: false,
            writable_schema: false,
            trusted_schema: true,
            no_truncate: false,
            analysis_limit: 0,
            legacy_alter_table: false,
            limit_columns: 2000,
            limit_compound: 500,
            limit_function_args: 1000,
        }
    }
}

/// What a token of a stored text means: what ALTER TABLE needs to edit the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mention {
    /// A table or view.
    Table { db: DbIndex, table: Arc<str> },
    /// A column of a table.
    Column { db: DbIndex, table: Arc<str>, column: usize },
    /// A double-quoted name that is no column, so a string.
    Text,
}

/// Everything that planning one statement shares, trigger bodies and expanded views included.
pub struct PlanContext<'a> {
    /// The connection's databases, functions and collations.
    pub catalogue: &'a dyn Catalogue,
    /// The connection's settings.
    pub options: PlanOptions,
    /// The statement's text, from which result columns without an alias take their names.
    pub sql: &'a [u8],
    /// The database whose stored text (a view's or a trigger's) is being planned: its unqualified names are looked for
    /// there and nowhere else. `None` for the statement's own text and for objects of `temp`, which may name any table.
    home: Cell<Option<DbIndex>>,
    next_source: Cell<u32>,
    next_core: Cell<u32>,
    next_cte: Cell<u32>,
    next_select: Cell<u32>,
    copied: Cell<usize>,
    expanded: Cell<usize>,
    parameters: RefCell<Vec<Option<Arc<str>>>>,
    /// All parameters have been told by the parser.
    parameters_known: Cell<bool>,
    explains: Cell<bool>,
    /// What is being planned comes from the schema, whose author may be somebody else.
    from_schema: Cell<bool>,
    pub(crate) has_authorizer: bool,
    pub(crate) permissions: Permissions,
    /// What the names of the text in hand mean, by offset, while that is recorded.
    mentions: RefCell<Option<Vec<(u32, Mention)>>>,
    /// Elements of the schema are being looked through for an ALTER.
    looks_through: Cell<bool>,
}

impl<'a> PlanContext<'a> {
    /// A context for one statement whose text is `sql`.
    #[inline]
    pub fn new(catalogue: &'a dyn Catalogue, options: PlanOptions, sql: &'a [u8]) -> Self {
        Self {
            catalogue,
            options,
            sql,
            home: Cell::new(None),
            next_source: Cell::new(0),
            next_core: Cell::new(0),
            next_cte: Cell::new(0),
            next_select: Cell::new(0),
            copied: Cell::new(0),
            expanded: Cell::new(0),
            parameters: RefCell::new(Vec::new()),
            parameters_known: Cell::new(false),
            explains: Cell::new(false),
            from_schema: Cell::new(false),
            has_authorizer: catalogue.has_authorizer(),
            permissions: Permissions::default(),
            mentions: RefCell::new(None),
            looks_through: Cell::new(false),
        }
    }

    /// Where unqualified names of the text in hand are looked for; see `inside`.
    pub(crate) fn home(&self) -> Option<DbIndex> {
        self.home.get()
    }

    /// Plan a stored text of database `db`; `temp` is 1 and restricts nothing.
    pub(crate) fn inside<T>(&self, db: DbIndex, plan: impl FnOnce() -> T) -> T {
        let outer = self.home.replace((db.0 != 1).then_some(db));
        let result = self.of_schema(db.0 != 1, plan);
        self.home.set(outer);
        result
    }

    /// Plan what the schema holds (`yes`), or what the application has written itself: objects of `temp`.
    pub(crate) fn of_schema<T>(&self, yes: bool, plan: impl FnOnce() -> T) -> T {
        let outer = self.from_schema.replace(yes);
        let result = plan();
        self.from_schema.set(outer);
        result
    }

    /// Plan an expression that the schema holds for a table of `db`.
    pub(crate) fn stored<T>(&self, db: DbIndex, plan: impl FnOnce() -> T) -> T {
        self.of_schema(db.0 != 1, || self.unasked(plan))
    }

    /// What is being planned comes from the schema.
    pub(crate) fn is_of_schema(&self) -> bool {
        self.from_schema.get()
    }

    /// Bind a text and record what its names mean.
    pub(crate) fn recording<T>(&self, bind: impl FnOnce() -> T) -> (T, Vec<(u32, Mention)>) {
        let outer = self.mentions.replace(Some(Vec::new()));
        let around = self.looks_through.replace(true);
        let result = bind();
        self.looks_through.set(around);
        (result, self.mentions.replace(outer).unwrap_or_default())
    }

    /// Elements of the schema are being looked through for an ALTER: a view may have another number of columns than of names.
    pub(crate) fn looks_through(&self) -> bool {
        self.looks_through.get()
    }

    /// Bind something that stands in another text than the one in hand: its offsets mean nothing there.
    pub(crate) fn aside<T>(&self, bind: impl FnOnce() -> T) -> T {
        let outer = self.mentions.replace(None);
        let result = bind();
        self.mentions.replace(outer);
        result
    }

    /// The token at `offset` has been resolved.
    #[inline]
    pub(crate) fn note(&self, offset: u32, mention: impl FnOnce() -> Mention) {
        if let Some(mentions) = &mut *self.mentions.borrow_mut() {
            mentions.push((offset, mention()));
        }
    }

    /// Tokens are being resolved so that they can be renamed: each of them counts, also where it could not matter.
    pub(crate) fn takes_notes(&self) -> bool {
        self.mentions.borrow().is_some()
    }

    /// A source id that nothing in this statement has yet.
    pub fn new_source(&self) -> SourceId {
        SourceId(next(&self.next_source))
    }

    /// A core id that nothing in this statement has yet.
    pub fn new_core(&self) -> CoreId {
        CoreId(next(&self.next_core))
    }

    /// A CTE id that nothing in this statement has yet.
    pub fn new_cte(&self) -> u32 {
        next(&self.next_cte)
    }

    /// A number for a query that is not written in the statement's text, for `EXPLAIN QUERY PLAN`.
    pub fn next_subquery_number(&self) -> u32 {
        next(&self.next_select) + 1
    }

    /// The numbers up to this one are those of queries in the text.
    pub(crate) fn count_subqueries(&self, number: u32) {
        self.next_select.set(self.next_select.get().max(number));
    }

    /// Expressions that were copied with subqueries in them: so many more, and how many in all.
    pub(crate) fn copied_nodes(&self, nodes: usize) -> usize {
        self.copied.set(self.copied.get() + nodes);
        self.copied.get()
    }

    /// A view is expanded whose text has so many bytes: how many all have together.
    pub(crate) fn expanded_bytes(&self, bytes: usize) -> usize {
        self.expanded.set(self.expanded.get().saturating_add(bytes));
        self.expanded.get()
    }

    /// The highest number that a query has.
    pub(crate) fn subqueries(&self) -> u32 {
        self.next_select.get()
    }

    /// The statement is `EXPLAIN QUERY PLAN`: programs keep the texts of their plans.
    pub(crate) fn set_explains(&self) {
        self.explains.set(true);
    }

    /// Programs keep the texts of their plans.
    pub(crate) fn explains(&self) -> bool {
        self.explains.get()
    }

    /// The statement's parameters as the parser has counted them: planning need not look for them.
    pub fn set_parameters(&self, found: &turso_parser::Parameters) {
        if found.count > 0 {
            let mut parameters = self.parameters.borrow_mut();
            parameters.resize(found.count as usize, None);
            for (index, name) in &found.names {
                if let Some(slot @ None) = parameters.get_mut((*index).saturating_sub(1) as usize) {
                    *slot = Some(name.clone());
                }
            }
        }
        self.parameters_known.set(true);
    }

    /// [`set_parameters`](Self::set_parameters) has been called.
    pub(crate) fn parameters_known(&self) -> bool {
        self.parameters_known.get()
    }

    /// Remember a parameter's name; the statement reports them by number.
    pub fn note_parameter(&self, index: u32, name: Option<&str>) {
        if self.parameters_known.get() {
            return;
        }
        let mut parameters = self.parameters.borrow_mut();
        let at = index.saturating_sub(1) as usize;
        if parameters.len() <= at {
            parameters.resize(at + 1, None);
        }
        if let (Some(slot @ None), Some(name)) = (parameters.get_mut(at), name) {
            *slot = Some(name.into());
        }
    }

    /// The parameters seen so far, by number - 1.
    pub fn parameters(&self) -> Vec<Option<Arc<str>>> {
        self.parameters.borrow().clone()
    }
}

fn next(counter: &Cell<u32>) -> u32 {
    let n = counter.get();
    counter.set(n + 1);
    n
}
