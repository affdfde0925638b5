//! FROM: tables, views, subqueries, table-valued functions. How they join is in `joins`.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::DbIndex;
use turso_schema::Table;

use super::scope::{Scope, SourceInfo, column_count, column_expr, column_name, is_hidden};
use super::subtype::plain_columns;
use super::{Binder, split_conjuncts};
use crate::context::Mention;
use crate::plan::{Body, ColumnIndex, Core, Expr, IndexHint, JoinKind, OutputColumn, Query, Relation, Source};

/// The views of one statement have texts of so many bytes together, each counted as often as it is used: views that use others
/// twice double with each step.
const MOST_EXPANDED: usize = 4 << 20;

impl<'a> Binder<'a> {
    pub(super) fn add_source(&mut self, source: Source, info: SourceInfo) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push(source);
            scope.info.push(info);
        }
    }

    /// Bind something that stands in FROM: it does not see the scope that FROM is making, but may see those outside.
    pub(super) fn outside_scope(&mut self, f: impl FnOnce(&mut Self) -> Result<Query>) -> Result<Query> {
        let here = self.scopes.len();
        let aliases = self.aliases_to_come.pop_if(|(depth, _)| *depth == here);
        let own = self.scopes.pop();
        let result = f(self);
        self.aliases_to_come.extend(aliases);
        if let Some(mut own) = own {
            if let Ok(query) = &result {
                for source in &query.outer {
                    own.mark_outer(*source);
                }
            }
            self.scopes.push(own);
        }
        result
    }

    /// A source over a query.
    pub(super) fn query_source(
        &mut self,
        query: Query,
        name: Option<Arc<str>>,
        aliased: bool,
        join: JoinKind,
        view: Option<Arc<str>>,
    ) -> Source {
        let id = self.context.new_source();
        Source {
            id,
            name: name.unwrap_or_else(|| format!("(subquery-{})", query.number).into()),
            aliased,
            relation: Relation::Query { query: Box::new(query), materialize: None, view },
            join,
            on: Vec::new(),
            hint: IndexHint::Free,
            exists: false,
            indexed: Vec::new(),
        }
    }

    /// A table, view, CTE or table-valued function.
    pub(super) fn bind_table(&mut self, table: &'a ast::TableRef) -> Result<(Source, SourceInfo)> {
        let name = table.name.name.as_str();
        let alias = table.alias.as_ref();
        let shown = || Arc::<str>::from(alias.map_or(name, |a| a.as_str()));
        if table.name.schema.is_none()
            && let Some((relation, cte_name)) = self.bind_cte_reference(name)?
        {
            if table.args.is_some() {
                return Err(not_a_function(name));
            }
            if let Some(ast::Indexed::By(index)) = &table.indexed {
                return Err(Error::sql(format!("no such index: \"{}\"", index.text)));
            }
            let source = Source {
                id: self.context.new_source(),
                name: alias.map_or(cte_name, |_| shown()),
                aliased: alias.is_some(),
                relation,
                join: JoinKind::Inner,
                on: Vec::new(),
                hint: IndexHint::Free,
                exists: false,
                indexed: Vec::new(),
            };
            return Ok((source, SourceInfo::default()));
        }
        let Some((db, found)) = self.find_table(&table.name) else {
            let connected = self.eponymous(&table.name)?;
            return Ok((self.virtual_source(None, connected, table.alias.as_ref()), SourceInfo::default()));
        };
        if table.args.is_some() && !found.is_virtual() {
            return Err(not_a_function(name));
        }
        if let Some(error) = &found.broken {
            return Err(error.clone());
        }
        self.note_table(&table.name, db, found);
        let schema = self.context.catalogue.shared_name(db);
        let id;
        let mut hint = IndexHint::Free;
        let relation = match &found.relation {
            turso_schema::Relation::View { columns, select } => {
                if let Some(ast::Indexed::By(index)) = &table.indexed {
                    return Err(Error::sql(format!("no such index: {}", index.text)));
                }
                let query = self.outside_scope(|b| b.expand_view(db, found, columns.as_deref(), select))?;
                id = self.context.new_source();
                Relation::Query { query: Box::new(query), materialize: None, view: Some(found.name.clone()) }
            }
            turso_schema::Relation::Virtual { .. } => {
                let connected = self.context.catalogue.virtual_table(db, found)?;
                self.check_risk(&connected)?;
                let source = self.virtual_source(Some(db), connected, table.alias.as_ref());
                return Ok((source, SourceInfo { schema: Some(schema), ..SourceInfo::default() }));
            }
            turso_schema::Relation::Rowid | turso_schema::Relation::WithoutRowid => {
                hint = match &table.indexed {
                    None => IndexHint::Free,
                    Some(ast::Indexed::Not) => IndexHint::NotIndexed,
                    Some(ast::Indexed::By(index)) => match found.indexes.iter().find(|i| index.is(&i.name)) {
                        Some(index) => IndexHint::Named(index.name.clone()),
                        None => return Err(Error::sql(format!("no such index: {}", index.text))),
                    },
                };
                id = self.context.new_source();
                Relation::Table { db, table: found.clone() }
            }
        };
        let source = Source {
            id,
            name: if alias.is_some() { shown() } else { found.name.clone() },
            aliased: alias.is_some(),
            relation,
            join: JoinKind::Inner,
            on: Vec::new(),
            hint,
            exists: false,
            indexed: Vec::new(),
        };
        let written_schema = match &table.name.schema {
            Some(_) => Some(schema.clone()),
            None => self.in_trigger.then(|| schema.clone()),
        };
        Ok((source, SourceInfo { schema: Some(schema), written_schema, ..SourceInfo::default() }))
    }

    /// Find a table or view: in the named database, or in temp, main and the attached ones.
    pub(super) fn find_table(&self, name: &ast::QualifiedName) -> Option<(DbIndex, &'a Arc<Table>)> {
        find_table(self.context, name.schema.as_ref().map(ast::Name::as_str), name.name.as_str())
    }

    fn note_table(&self, name: &ast::QualifiedName, db: DbIndex, table: &Table) {
        self.context.note(name.name.offset, || Mention::Table { db, table: table.name.clone() });
    }

    /// The query of a view, with the view's column names.
    fn expand_view(
        &mut self,
        db: DbIndex,
        view: &'a Table,
        columns: Option<&[Arc<str>]>,
        select: &'a ast::Select,
    ) -> Result<Query> {
        if !self.context.options.views && db != crate::emit::ddl::TEMP {
            return Err(Error::sql(format!("access to view \"{}\" prohibited", view.name)));
        }
        if self.views.iter().any(|v| v.eq_ignore_ascii_case(&view.name)) {
            return Err(Error::sql(format!("view {} is circularly defined", view.name)));
        }
        if self.context.expanded_bytes(view.sql.len()) > MOST_EXPANDED {
            return Err(Error::sql("views expand to too long a statement"));
        }
        // A view sees nothing of the statement that uses it.
        let scopes = std::mem::take(&mut self.scopes);
        let withs = std::mem::take(&mut self.withs);
        let sql = std::mem::replace(&mut self.sql, view.sql.as_bytes());
        let first_number = std::mem::replace(&mut self.first_number, self.context.subqueries());
        self.views.push(&view.name);
        let context = self.context;
        let inside = || context.inside(db, || self.bind_select(select));
        let result = context.aside(|| context.in_name_of(&view.name, inside));
        self.views.pop();
        self.first_number = first_number;
        self.sql = sql;
        self.withs = withs;
        self.scopes = scopes;
        let mut query = plain_columns(result?);
        match columns {
            Some(names) if self.context.looks_through() && names.len() != query.columns.len() => {
                query.columns.iter_mut().zip(names).for_each(|(column, name)| column.name = name.clone());
            }
            Some(names) => rename_columns(&mut query.columns, names, &view.name, true)?,
            None => make_names_unique(&mut query.columns),
        }
        Ok(*query)
    }

    /// `SELECT * FROM name`, for `IN name`.
    pub(super) fn table_query(&mut self, name: &'a ast::QualifiedName, args: Option<&'a [ast::Expr]>) -> Result<Query> {
        self.scopes.push(Scope::new(self.context.new_core()));
        let bound = self.bind_named_source(name, args);
        let Some(scope) = self.scopes.pop() else { return Err(no_such_table(self.context, name)) };
        bound?;
        Ok(query_of_visible(scope))
    }

    fn bind_named_source(&mut self, name: &'a ast::QualifiedName, args: Option<&'a [ast::Expr]>) -> Result<()> {
        if name.schema.is_none()
            && let Some((relation, cte_name)) = self.bind_cte_reference(name.name.as_str())?
        {
            if args.is_some() {
                return Err(not_a_function(name.name.as_str()));
            }
            let source = Source {
                id: self.context.new_source(),
                name: cte_name,
                aliased: false,
                relation,
                join: JoinKind::Inner,
                on: Vec::new(),
                hint: IndexHint::Free,
                exists: false,
                indexed: Vec::new(),
            };
            self.add_source(source, SourceInfo::default());
            return Ok(());
        }
        let Some((db, found)) = self.find_table(name) else {
            let source = self.virtual_source(None, self.eponymous(name)?, None);
            return self.add_function_source(source, args);
        };
        if args.is_some() && !found.is_virtual() {
            return Err(not_a_function(name.name.as_str()));
        }
        if let Some(error) = &found.broken {
            return Err(error.clone());
        }
        let relation = match &found.relation {
            turso_schema::Relation::View { columns, select } => {
                let query = self.outside_scope(|b| b.expand_view(db, found, columns.as_deref(), select))?;
                Relation::Query { query: Box::new(query), materialize: None, view: Some(found.name.clone()) }
            }
            turso_schema::Relation::Virtual { .. } => {
                let connected = self.context.catalogue.virtual_table(db, found)?;
                self.check_risk(&connected)?;
                let source = self.virtual_source(Some(db), connected, None);
                return self.add_function_source(source, args);
            }
            _ => Relation::Table { db, table: found.clone() },
        };
        let source = Source {
            id: self.context.new_source(),
            name: found.name.clone(),
            aliased: false,
            relation,
            join: JoinKind::Inner,
            on: Vec::new(),
            hint: IndexHint::Free,
            exists: false,
            indexed: Vec::new(),
        };
        self.add_source(source, SourceInfo::default());
        Ok(())
    }

    /// The schema's name of a table source.
    pub(super) fn schema_name(&self, source: &Source) -> Option<Arc<str>> {
        match &source.relation {
            Relation::Table { db, .. } | Relation::Virtual { db: Some(db), .. } => {
                Some(self.context.catalogue.shared_name(*db))
            }
            _ => None,
        }
    }
}

/// Find a table or view: in the named database, or in temp, main and the attached ones.
pub fn find_table<'a>(
    context: &'a crate::context::PlanContext<'a>,
    schema: Option<&str>,
    name: &str,
) -> Option<(DbIndex, &'a Arc<Table>)> {
    let catalogue = context.catalogue;
    let qualified = |db: DbIndex| catalogue.schema(db).qualified_table(name).map(|table| (db, table));
    if let Some(schema) = schema {
        return qualified(catalogue.find_database(schema)?);
    }
    if let Some(home) = context.home() {
        return qualified(home);
    }
    let count = catalogue.database_count() as u16;
    let order = [1, 0].into_iter().chain(2..count).filter(|&db| db < count).map(DbIndex);
    order.into_iter().find_map(|db| catalogue.schema(db).table(name).map(|table| (db, table)))
}

/// `no such table: name`.
pub(super) fn no_such_table(context: &crate::context::PlanContext<'_>, name: &ast::QualifiedName) -> Error {
    let home = context.home().map(|db| context.catalogue.database_name(db));
    match name.schema.as_ref().map(|s| s.text.as_ref()).or(home) {
        Some(schema) => Error::sql(format!("no such table: {schema}.{}", name.name.text)),
        None => Error::sql(format!("no such table: {}", name.name.text)),
    }
}

/// Every column of every source, hidden ones included.
pub(super) fn all_columns(scope: &Scope) -> Vec<Expr> {
    let columns =
        |s: &Source| (0..column_count(s)).map(|i| column_expr(s, ColumnIndex::Column(i as u16))).collect::<Vec<_>>();
    scope.sources.iter().flat_map(columns).collect()
}

/// The names and types of result columns.
pub(super) fn output_columns(scope: &Scope, names: &[Arc<str>], output: &[Expr]) -> Vec<OutputColumn> {
    names
        .iter()
        .zip(output)
        .map(|(name, e)| super::select::output_column(std::slice::from_ref(scope), name.clone(), e))
        .collect()
}

/// `SELECT *` over the sources of a scope: all columns but hidden ones.
pub(super) fn query_of_visible(scope: Scope) -> Query {
    let visible = |s: &Source| (0..column_count(s)).filter(|&i| !is_hidden(s, i)).collect::<Vec<_>>();
    let (mut names, mut output) = (Vec::new(), Vec::new());
    for source in &scope.sources {
        for i in visible(source) {
            names.push(column_name(source, i));
            output.push(column_expr(source, ColumnIndex::Column(i as u16)));
        }
    }
    let columns = output_columns(&scope, &names, &output);
    query_of_all(scope, Vec::new(), output, columns)
}

/// A query over the sources of a scope.
pub(super) fn query_of_all(scope: Scope, filter: Vec<Expr>, output: Vec<Expr>, columns: Vec<OutputColumn>) -> Query {
    let mut conjuncts = Vec::with_capacity(filter.len());
    for e in filter {
        split_conjuncts(e, &mut conjuncts);
    }
    let core = Core { sources: scope.sources, filter: conjuncts, output, ..Core::new(scope.core) };
    Query {
        body: Body::Core(Box::new(core)),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        columns,
        outer: scope.outer,
        ctes: Vec::new(),
        number: 0,
    }
}

/// Give a view's or CTE's columns their explicit names.
pub(super) fn rename_columns(columns: &mut [OutputColumn], names: &[Arc<str>], table: &str, view: bool) -> Result<()> {
    if columns.len() != names.len() {
        return Err(Error::sql(if view {
            format!("expected {} columns for '{table}' but got {}", names.len(), columns.len())
        } else {
            format!("table {table} has {} values for {} columns", columns.len(), names.len())
        }));
    }
    for (column, name) in columns.iter_mut().zip(names) {
        column.name = name.clone();
    }
    Ok(())
}

/// The column names of a subquery: equal ones get `:1`, `:2`, … appended.
pub(super) fn make_names_unique(columns: &mut [OutputColumn]) {
    for column in columns.iter_mut() {
        if let Some(name) = column.nested_name.take() {
            column.name = name;
        }
    }
    for i in 1..columns.len() {
        let (before, rest) = columns.split_at_mut(i);
        let Some(column) = rest.first_mut() else { return };
        let taken = |name: &str| before.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        if !taken(&column.name) {
            continue;
        }
        let original = column.name.clone();
        let stem = match original.rsplit_once(':') {
            Some((stem, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => stem,
            _ => &original,
        };
        let mut n = 1;
        loop {
            let name = format!("{stem}:{n}");
            if !taken(&name) {
                column.name = name.into();
                break;
            }
            n += 1;
        }
    }
}

#[cold]
fn not_a_function(name: &str) -> Error {
    Error::sql(format!("'{name}' is not a function"))
}
