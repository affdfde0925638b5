//! FROM: tables, views, subqueries and how they join.
//!
//! Inner joins leave their conditions to the caller's filter, a LEFT JOIN keeps them with its right side. A RIGHT or FULL
//! JOIN becomes one subquery: what the inner (or left) join gives, then the rows of the right side that found no partner.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::DbIndex;
use turso_program::expression::CompareOp;
use turso_schema::Table;
use turso_value::{Affinity, Collation, Value};

use super::scope::{Part, Scope, SourceInfo, column_count, column_expr, column_name, find_column, is_hidden};
use super::types::compare_how;
use super::{Binder, split_conjuncts};
use crate::plan::{
    Body, ColumnIndex, CompoundOp, Core, Expr, IndexHint, JoinKind, OutputColumn, Query, Relation, Source,
};

/// A condition that is bound once all sources are known.
enum Condition<'a> {
    On(&'a ast::Expr),
    Using(Vec<&'a str>),
    Natural,
}

/// Most sources in one FROM clause (SQLite's limit).
const MAX_SOURCES: usize = 64;

impl<'a> Binder<'a> {
    /// Bind joined items into the innermost scope; the result holds the conditions of inner joins.
    pub(super) fn bind_joins(&mut self, first: &'a ast::TableSource, joins: &'a [ast::Join]) -> Result<Vec<Expr>> {
        let mut filter = Vec::new();
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.reserve_exact(joins.len() + 1);
            scope.info.reserve_exact(joins.len() + 1);
        }
        let outer_right = joins.iter().rposition(|j| matches!(j.op.kind, ast::JoinKind::Right | ast::JoinKind::Full));
        let rest = match outer_right {
            None => {
                self.add_item(first, JoinKind::Inner, &mut filter)?;
                joins
            }
            Some(at) => {
                let (before, rest) = joins.split_at(at);
                let Some((join, rest)) = rest.split_first() else { return Ok(filter) };
                self.add_right_join(first, before, join)?;
                rest
            }
        };
        let mut conditions = Vec::new();
        for join in rest {
            let kind = match join.op.kind {
                ast::JoinKind::Comma | ast::JoinKind::Inner => JoinKind::Inner,
                ast::JoinKind::Cross => JoinKind::Cross,
                _ => JoinKind::Left,
            };
            let before = self.source_count();
            self.add_item(&join.right, kind, &mut filter)?;
            let position = before;
            if let Some(condition) = condition_of(join)? {
                conditions.push((position, kind, condition));
            }
        }
        if self.source_count() > MAX_SOURCES {
            return Err(Error::sql(format!("at most {MAX_SOURCES} tables in a join")));
        }
        // USING and NATURAL first: they decide what a bare name in an ON clause means.
        for (position, kind, condition) in &conditions {
            match condition {
                Condition::On(_) => {}
                Condition::Using(names) => self.bind_using(*position, *kind, names, &mut filter)?,
                Condition::Natural => {
                    let names = self.common_columns(*position);
                    let names: Vec<&str> = names.iter().map(|n| &**n).collect();
                    self.bind_using(*position, *kind, &names, &mut filter)?;
                }
            }
        }
        for (position, kind, condition) in conditions {
            let Condition::On(on) = condition else { continue };
            let bound = self.bind_conjuncts(on)?;
            let Some(scope) = self.scopes.last_mut() else { continue };
            let later: Vec<_> = scope.sources.iter().skip(position + 1).map(|s| s.id).collect();
            let has_left = scope.sources.iter().any(|s| s.join == JoinKind::Left);
            if has_left
                && bound.iter().any(|e| e.any(|e| matches!(e, Expr::Column { source, .. } if later.contains(source))))
            {
                return Err(Error::sql("ON clause references tables to its right"));
            }
            if kind == JoinKind::Left {
                if let Some(source) = scope.sources.get_mut(position) {
                    source.on.extend(bound);
                }
            } else {
                filter.extend(bound);
            }
        }
        Ok(filter)
    }

    fn source_count(&self) -> usize {
        self.scopes.last().map_or(0, |s| s.sources.len())
    }

    /// Add one item to the innermost scope.
    fn add_item(&mut self, item: &'a ast::TableSource, join: JoinKind, filter: &mut Vec<Expr>) -> Result<()> {
        match item {
            ast::TableSource::Table(table) => {
                let (mut source, info) = self.bind_table(table)?;
                source.join = join;
                self.add_source(source, info);
            }
            ast::TableSource::Subquery { select, alias } => {
                let mut query = self.outside_scope(|b| b.bind_select(select))?;
                make_names_unique(&mut query.columns);
                let name = alias.as_ref().map(|a| Arc::from(a.as_str()));
                let source = self.query_source(query, name, alias.is_some(), join, None);
                self.add_source(source, SourceInfo::default());
            }
            ast::TableSource::Join { from, alias } => {
                let plain = from.joins.iter().all(|j| {
                    matches!(j.op.kind, ast::JoinKind::Comma | ast::JoinKind::Inner)
                        && !j.op.natural
                        && !matches!(j.constraint, Some(ast::JoinConstraint::Using(_)))
                });
                if alias.is_none() && plain && join == JoinKind::Inner {
                    // Inner joins are associative: the parentheses mean nothing.
                    let inner = self.bind_joins(&from.first, &from.joins)?;
                    filter.extend(inner);
                    return Ok(());
                }
                self.add_nested(from, alias.as_ref(), join)?;
            }
        }
        Ok(())
    }

    pub(super) fn add_source(&mut self, source: Source, info: SourceInfo) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push(source);
            scope.info.push(info);
        }
    }

    /// Bind something that stands in FROM: it does not see the scope that FROM is making, but may see those outside.
    pub(super) fn outside_scope(&mut self, f: impl FnOnce(&mut Self) -> Result<Query>) -> Result<Query> {
        let own = self.scopes.pop();
        let result = f(self);
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
            name: name.unwrap_or_else(|| format!("(subquery-{})", id.0 + 1).into()),
            aliased,
            relation: Relation::Query { query: Box::new(query), materialize: None, view },
            join,
            on: Vec::new(),
            hint: IndexHint::Free,
        }
    }

    /// Joined sources in parentheses that cannot be flattened: a subquery of all their columns.
    fn add_nested(&mut self, from: &'a ast::FromClause, alias: Option<&'a ast::Name>, join: JoinKind) -> Result<()> {
        let mut parts = Vec::new();
        let query = self.outside_scope(|b| {
            b.scopes.push(Scope::new(b.context.new_core()));
            let filter = b.bind_joins(&from.first, &from.joins);
            let Some(scope) = b.scopes.pop() else { return Err(Error::sql("no tables specified")) };
            parts = parts_of(&scope);
            Ok(query_of_all(scope, filter?))
        })?;
        let name = alias.map(|a| Arc::from(a.as_str()));
        let source = self.query_source(query, name, alias.is_some(), join, None);
        let info = if alias.is_some() { SourceInfo::default() } else { SourceInfo { parts, ..SourceInfo::default() } };
        self.add_source(source, info);
        Ok(())
    }

    /// `left RIGHT JOIN right` or `left FULL JOIN right`, as one source.
    fn add_right_join(
        &mut self,
        first: &'a ast::TableSource,
        before: &'a [ast::Join],
        join: &'a ast::Join,
    ) -> Result<()> {
        let full = join.op.kind == ast::JoinKind::Full;
        let mut parts = Vec::new();
        let query = self.outside_scope(|b| {
            // What the join gives where rows match (FULL: and the rows of the left side alone).
            let (mut scope, filter, shape) = b.bind_right_pair(first, before, join, full)?;
            let using = shape.using;
            let mut output: Vec<Expr> = all_columns(&scope);
            for (left, right) in &using {
                if let (Some(l), Some(r)) = (output.get(*left).cloned(), output.get(*right).cloned()) {
                    let both = b.function_of("coalesce", vec![l, r])?;
                    if let Some(slot) = output.get_mut(*left) {
                        *slot = both;
                    }
                }
            }
            parts = parts_of(&scope);
            let columns = output_columns(&scope, &output);
            let outer = std::mem::take(&mut scope.outer);
            let left_width = shape.left_width;
            let matched = Core {
                id: scope.core,
                sources: scope.sources,
                filter,
                distinct: false,
                group_by: Vec::new(),
                having: None,
                aggregates: Vec::new(),
                windows: Vec::new(),
                output,
            };
            // The rows of the right side that no row of the left side matches.
            let unmatched = b.unmatched_rows(first, before, join, left_width, &using)?;
            let body = Body::Compound {
                op: CompoundOp::UnionAll,
                left: Box::new(Body::Core(Box::new(matched))),
                right: Box::new(Body::Core(Box::new(unmatched))),
                collations: columns.iter().map(|c| c.collation.clone()).collect(),
            };
            Ok(Query { body, order_by: Vec::new(), limit: None, offset: None, columns, outer, ctes: Vec::new() })
        })?;
        let source = self.query_source(query, None, false, JoinKind::Inner, None);
        self.add_source(source, SourceInfo { parts, ..SourceInfo::default() });
        Ok(())
    }

    /// Bind both sides of a RIGHT or FULL JOIN in a scope of their own.
    fn bind_right_pair(
        &mut self,
        first: &'a ast::TableSource,
        before: &'a [ast::Join],
        join: &'a ast::Join,
        left_outer: bool,
    ) -> Result<(Scope, Vec<Expr>, RightShape)> {
        self.scopes.push(Scope::new(self.context.new_core()));
        let result = self.bind_right_sides(first, before, join, left_outer);
        let scope = self.scopes.pop().ok_or_else(|| Error::sql("no tables specified"))?;
        let (filter, shape) = result?;
        Ok((scope, filter, shape))
    }

    fn bind_right_sides(
        &mut self,
        first: &'a ast::TableSource,
        before: &'a [ast::Join],
        join: &'a ast::Join,
        left_outer: bool,
    ) -> Result<(Vec<Expr>, RightShape)> {
        // The left side may be several sources whose own filters come first: with LEFT they must stay below.
        if left_outer && !before.is_empty() {
            return Err(Error::sql("FULL JOIN after other joins is not supported yet"));
        }
        let mut filter = self.bind_joins(first, before)?;
        let position = self.source_count();
        let left_width: usize = self.scopes.last().map_or(0, |s| s.sources.iter().map(column_count).sum());
        // The left side stays outside: its order is that of the rows.
        let kind = if left_outer { JoinKind::Left } else { JoinKind::Cross };
        self.add_item(&join.right, kind, &mut filter)?;
        let mut using = Vec::new();
        let names: Vec<Arc<str>> = match condition_of(join)? {
            None => Vec::new(),
            Some(Condition::On(on)) => {
                let bound = self.bind_conjuncts(on)?;
                match self.scopes.last_mut().and_then(|s| s.sources.get_mut(position)) {
                    Some(source) if left_outer => source.on.extend(bound),
                    _ => filter.extend(bound),
                }
                Vec::new()
            }
            Some(Condition::Using(names)) => names.iter().map(|n| Arc::from(*n)).collect(),
            Some(Condition::Natural) => self.common_columns(position),
        };
        if !names.is_empty() {
            let names: Vec<&str> = names.iter().map(|n| &**n).collect();
            self.bind_using(position, kind, &names, &mut filter)?;
            if let Some(scope) = self.scopes.last() {
                for name in names {
                    let mut offset = 0;
                    let mut left = None;
                    for source in scope.sources.iter().take(position) {
                        if left.is_none() {
                            left = find_column(source, name).map(|c| offset + c);
                        }
                        offset += column_count(source);
                    }
                    let right = scope.sources.get(position).and_then(|s| find_column(s, name)).map(|c| offset + c);
                    if let (Some(l), Some(r)) = (left, right) {
                        using.push((l, r));
                    }
                }
            }
        }
        Ok((filter, RightShape { left_width, using }))
    }

    /// NULLs for the left columns and the right side's row, where no left row matches.
    fn unmatched_rows(
        &mut self,
        first: &'a ast::TableSource,
        before: &'a [ast::Join],
        join: &'a ast::Join,
        left_width: usize,
        using: &[(usize, usize)],
    ) -> Result<Core> {
        // Bind the pair once more, then move the right source out: the rest is the NOT EXISTS subquery.
        let (mut scope, filter, _) = self.bind_right_pair(first, before, join, false)?;
        let Some(mut right) = scope.sources.pop() else { return Err(Error::sql("no tables specified")) };
        right.join = JoinKind::Inner;
        let mut outer = std::mem::take(&mut scope.outer);
        outer.push(right.id);
        let inner = Core {
            id: scope.core,
            sources: scope.sources,
            filter,
            distinct: false,
            group_by: Vec::new(),
            having: None,
            aggregates: Vec::new(),
            windows: Vec::new(),
            output: vec![Expr::Literal(Value::Integer(1))],
        };
        let probe = Query {
            body: Body::Core(Box::new(inner)),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            columns: vec![plain_column("1")],
            outer,
            ctes: Vec::new(),
        };
        let mut output: Vec<Expr> = (0..left_width).map(|_| Expr::Literal(Value::Null)).collect();
        for i in 0..column_count(&right) {
            output.push(column_expr(&right, ColumnIndex::Column(i as u16)));
        }
        for (left, right) in using {
            let value = output.get(*right).cloned();
            if let (Some(slot), Some(value)) = (output.get_mut(*left), value) {
                *slot = value;
            }
        }
        Ok(Core {
            id: self.context.new_core(),
            sources: vec![right],
            filter: vec![Expr::Exists { query: Box::new(probe), negated: true }],
            distinct: false,
            group_by: Vec::new(),
            having: None,
            aggregates: Vec::new(),
            windows: Vec::new(),
            output,
        })
    }

    /// Columns of the source at `position` that a source before it has too.
    fn common_columns(&self, position: usize) -> Vec<Arc<str>> {
        let Some(scope) = self.scopes.last() else { return Vec::new() };
        let Some(right) = scope.sources.get(position) else { return Vec::new() };
        let left = scope.sources.get(..position).unwrap_or(&[]);
        (0..column_count(right))
            .filter(|&i| !is_hidden(right, i))
            .map(|i| column_name(right, i))
            .filter(|name| left.iter().any(|s| find_column(s, name).is_some()))
            .collect()
    }

    /// `left.name = right.name` for each name; the right column is merged into the left one.
    fn bind_using(&mut self, position: usize, kind: JoinKind, names: &[&str], filter: &mut Vec<Expr>) -> Result<()> {
        let Some(scope) = self.scopes.last_mut() else { return Ok(()) };
        for name in names {
            let missing = || Error::sql(format!("cannot join using column {name} - column not present in both tables"));
            let right = scope.sources.get(position).ok_or_else(missing)?;
            let right_column = find_column(right, name).ok_or_else(missing)?;
            let left = scope.sources.iter().take(position).find_map(|s| Some((s, find_column(s, name)?)));
            let (left_source, left_column) = left.ok_or_else(missing)?;
            let left = column_expr(left_source, ColumnIndex::Column(left_column as u16));
            let right = column_expr(right, ColumnIndex::Column(right_column as u16));
            let how = compare_how(&left, &right);
            let equal = Expr::Compare {
                op: CompareOp::Eq,
                left: Box::new(left),
                right: Box::new(right),
                how,
                null_equal: false,
            };
            if let Some(info) = scope.info.get_mut(position) {
                info.merged.push(right_column);
            }
            match scope.sources.get_mut(position) {
                Some(source) if kind == JoinKind::Left => source.on.push(equal),
                _ => filter.push(equal),
            }
        }
        Ok(())
    }

    /// A table, view, CTE or table-valued function.
    pub(super) fn bind_table(&mut self, table: &'a ast::TableRef) -> Result<(Source, SourceInfo)> {
        let name = table.name.name.as_str();
        let alias = table.alias.as_ref();
        let shown = || Arc::<str>::from(alias.map_or(name, |a| a.as_str()));
        if table.name.schema.is_none()
            && table.args.is_none()
            && let Some((relation, cte_name)) = self.bind_cte_reference(name)?
        {
            let source = Source {
                id: self.context.new_source(),
                name: alias.map_or(cte_name, |_| shown()),
                aliased: alias.is_some(),
                relation,
                join: JoinKind::Inner,
                on: Vec::new(),
                hint: IndexHint::Free,
            };
            return Ok((source, SourceInfo::default()));
        }
        let found = self.find_table(&table.name);
        if table.args.is_some() || found.is_none() {
            if let Some(function) = self.context.catalogue.table_function(name) {
                return self.bind_table_function(table, &function, shown());
            }
            if found.is_some() {
                return Err(Error::sql(format!("'{name}' is not a function")));
            }
        }
        let Some((db, found)) = found else { return Err(no_such_table(self.context, &table.name)) };
        if let Some(error) = &found.broken {
            return Err(error.clone());
        }
        let schema = self.context.catalogue.shared_name(db);
        let id;
        let mut hint = IndexHint::Free;
        let relation = match &found.relation {
            turso_schema::Relation::View { columns, select } => {
                let query = self.outside_scope(|b| b.expand_view(db, found, columns.as_deref(), select))?;
                id = self.context.new_source();
                Relation::Query { query: Box::new(query), materialize: None, view: Some(found.name.clone()) }
            }
            turso_schema::Relation::Virtual { module, .. } => {
                return Err(Error::sql(format!("no such module: {module}")));
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
        };
        Ok((source, SourceInfo { schema: Some(schema), ..SourceInfo::default() }))
    }

    fn bind_table_function(
        &mut self,
        table: &'a ast::TableRef,
        function: &crate::context::TableFunction,
        shown: Arc<str>,
    ) -> Result<(Source, SourceInfo)> {
        let given = table.args.as_deref().unwrap_or(&[]);
        if given.len() > function.parameters.len() {
            return Err(Error::sql(format!(
                "too many arguments on {}() - max {}",
                function.name,
                function.parameters.len()
            )));
        }
        let args = self.bind_list(given)?;
        let columns = function
            .columns
            .iter()
            .map(|(name, declared)| OutputColumn {
                name: name.clone(),
                affinity: declared.as_ref().map_or(Affinity::Blob, |d| Affinity::of_declared_type(d.as_bytes())),
                collation: Collation::Binary,
                declared_type: declared.clone(),
                nested_type: declared.clone(),
                origin: None,
            })
            .collect();
        let source = Source {
            id: self.context.new_source(),
            name: shown,
            aliased: table.alias.is_some(),
            relation: Relation::Function { function: function.name.clone(), args, columns },
            join: JoinKind::Inner,
            on: Vec::new(),
            hint: IndexHint::Free,
        };
        Ok((source, SourceInfo::default()))
    }

    /// Find a table or view: in the named database, or in temp, main and the attached ones.
    pub(super) fn find_table(&self, name: &ast::QualifiedName) -> Option<(DbIndex, &'a Arc<Table>)> {
        find_table(self.context, name.schema.as_ref().map(ast::Name::as_str), name.name.as_str())
    }

    /// The query of a view, with the view's column names.
    fn expand_view(
        &mut self,
        db: DbIndex,
        view: &'a Table,
        columns: Option<&[Arc<str>]>,
        select: &'a ast::Select,
    ) -> Result<Query> {
        if self.views.iter().any(|v| v.eq_ignore_ascii_case(&view.name)) {
            return Err(Error::sql(format!("view {} is circularly defined", view.name)));
        }
        // A view sees nothing of the statement that uses it.
        let scopes = std::mem::take(&mut self.scopes);
        let withs = std::mem::take(&mut self.withs);
        let sql = std::mem::replace(&mut self.sql, view.sql.as_bytes());
        self.views.push(&view.name);
        let context = self.context;
        let result = context.inside(db, || self.bind_select(select));
        self.views.pop();
        self.sql = sql;
        self.withs = withs;
        self.scopes = scopes;
        let mut query = result?;
        match columns {
            Some(names) => rename_columns(&mut query.columns, names, &view.name, true)?,
            None => make_names_unique(&mut query.columns),
        }
        Ok(query)
    }

    /// `SELECT * FROM name`, for `IN name`.
    pub(super) fn table_query(&mut self, name: &'a ast::QualifiedName, args: Option<&'a [ast::Expr]>) -> Result<Query> {
        if args.is_some() {
            return Err(Error::sql("table-valued functions after IN are not supported yet"));
        }
        self.scopes.push(Scope::new(self.context.new_core()));
        let bound = self.bind_named_source(name);
        let Some(mut scope) = self.scopes.pop() else { return Err(no_such_table(self.context, name)) };
        let (source, info) = bound?;
        scope.sources.push(source);
        scope.info.push(info);
        Ok(query_of_all(scope, Vec::new()))
    }

    fn bind_named_source(&mut self, name: &'a ast::QualifiedName) -> Result<(Source, SourceInfo)> {
        if name.schema.is_none()
            && let Some((relation, cte_name)) = self.bind_cte_reference(name.name.as_str())?
        {
            let source = Source {
                id: self.context.new_source(),
                name: cte_name,
                aliased: false,
                relation,
                join: JoinKind::Inner,
                on: Vec::new(),
                hint: IndexHint::Free,
            };
            return Ok((source, SourceInfo::default()));
        }
        let Some((db, found)) = self.find_table(name) else { return Err(no_such_table(self.context, name)) };
        if let Some(error) = &found.broken {
            return Err(error.clone());
        }
        let relation = match &found.relation {
            turso_schema::Relation::View { columns, select } => {
                let query = self.outside_scope(|b| b.expand_view(db, found, columns.as_deref(), select))?;
                Relation::Query { query: Box::new(query), materialize: None, view: Some(found.name.clone()) }
            }
            turso_schema::Relation::Virtual { module, .. } => {
                return Err(Error::sql(format!("no such module: {module}")));
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
        };
        Ok((source, SourceInfo::default()))
    }

    /// The schema's name of a table source.
    pub(super) fn schema_name(&self, source: &Source) -> Option<Arc<str>> {
        match &source.relation {
            Relation::Table { db, .. } => Some(self.context.catalogue.shared_name(*db)),
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

/// What the two sides of a RIGHT or FULL JOIN look like as one row.
struct RightShape {
    left_width: usize,
    /// Positions of the columns that USING joins, left and right.
    using: Vec<(usize, usize)>,
}

fn condition_of(join: &ast::Join) -> Result<Option<Condition<'_>>> {
    if join.op.natural {
        if join.constraint.is_some() {
            return Err(Error::sql("a NATURAL join may not have an ON or USING clause"));
        }
        return Ok(Some(Condition::Natural));
    }
    Ok(match &join.constraint {
        None => None,
        Some(ast::JoinConstraint::On(on)) => Some(Condition::On(on)),
        Some(ast::JoinConstraint::Using(names)) => {
            Some(Condition::Using(names.iter().map(ast::Name::as_str).collect()))
        }
    })
}

/// Every column of every source, hidden ones included.
fn all_columns(scope: &Scope) -> Vec<Expr> {
    let columns =
        |s: &Source| (0..column_count(s)).map(|i| column_expr(s, ColumnIndex::Column(i as u16))).collect::<Vec<_>>();
    scope.sources.iter().flat_map(columns).collect()
}

/// Where the columns of each source (or of its parts) lie in [`all_columns`].
fn parts_of(scope: &Scope) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (source, info) in scope.sources.iter().zip(&scope.info) {
        let count = column_count(source);
        if info.parts.is_empty() {
            parts.push(Part {
                name: source.name.clone(),
                schema: info.schema.clone(),
                start,
                end: start + count,
                merged: info.merged.clone(),
            });
        } else {
            parts.extend(info.parts.iter().map(|p| Part { start: start + p.start, end: start + p.end, ..p.clone() }));
        }
        start += count;
    }
    parts
}

fn output_columns(scope: &Scope, output: &[Expr]) -> Vec<OutputColumn> {
    let names = scope.sources.iter().flat_map(|s| (0..column_count(s)).map(move |i| column_name(s, i)));
    names.zip(output).map(|(name, e)| super::select::output_column(scope, name, e)).collect()
}

/// `SELECT * FROM` the sources of a scope.
pub(super) fn query_of_all(scope: Scope, filter: Vec<Expr>) -> Query {
    let output = all_columns(&scope);
    let columns = output_columns(&scope, &output);
    let mut conjuncts = Vec::with_capacity(filter.len());
    for e in filter {
        split_conjuncts(e, &mut conjuncts);
    }
    let core = Core {
        id: scope.core,
        sources: scope.sources,
        filter: conjuncts,
        distinct: false,
        group_by: Vec::new(),
        having: None,
        aggregates: Vec::new(),
        windows: Vec::new(),
        output,
    };
    Query {
        body: Body::Core(Box::new(core)),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        columns,
        outer: scope.outer,
        ctes: Vec::new(),
    }
}

fn plain_column(name: &str) -> OutputColumn {
    OutputColumn {
        name: name.into(),
        affinity: Affinity::None,
        collation: Collation::Binary,
        declared_type: None,
        nested_type: None,
        origin: None,
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

/// Equal column names of a subquery get `:1`, `:2`, … appended.
pub(super) fn make_names_unique(columns: &mut [OutputColumn]) {
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
