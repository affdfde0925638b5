//! Queries: cores, result columns, compounds, VALUES, LIMIT.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_value::Collation;

use super::from::make_names_unique;
use super::scope::{AggregateUse, Scope, bare_columns, column_expr, column_name, is_called};
use super::share::share;
use super::types::{CompoundAffinity, add_collations, affinity_of, collation_of, compound_collations};
use super::{Binder, split_conjuncts};
use crate::context::Mention;
use crate::plan::{
    Body, ColumnIndex, CompoundOp, Core, Expr, OrderTerm, OutputColumn, Query, Relation, Source, SourceId,
};

/// The result columns of a core while it is bound.
#[derive(Default)]
struct Output<'a> {
    exprs: Vec<Expr>,
    names: Vec<Arc<str>>,
    aliases: Vec<Option<&'a ast::Name>>,
}

impl Output<'_> {
    fn with_capacity(columns: usize) -> Self {
        Self {
            exprs: Vec::with_capacity(columns),
            names: Vec::with_capacity(columns),
            aliases: Vec::with_capacity(columns),
        }
    }
}

/// The output of one core and what the enclosing query needs of it.
struct BoundCore {
    body: Body,
    columns: Vec<OutputColumn>,
    /// Which columns have a collation of their own.
    collations: Vec<Option<Collation>>,
    order_by: Vec<OrderTerm>,
    outer: Vec<SourceId>,
}

impl<'a> Binder<'a> {
    pub(super) fn bind_query(&mut self, select: &'a ast::Select) -> Result<Box<Query>> {
        let mark = self.withs.len();
        if let Some(with) = &select.with {
            self.enter_with(with, Some(select))?;
        }
        let result = self.bind_query_body(select);
        let ctes = self.leave_with(mark);
        let mut query = result?;
        query.ctes = ctes;
        query.number = self.first_number + select.number;
        Ok(query)
    }

    fn bind_query_body(&mut self, select: &'a ast::Select) -> Result<Box<Query>> {
        let (limit, offset) = self.bind_limit(select.limit.as_ref())?;
        let mut query = if select.body.rest.is_empty() {
            let bound = self.bind_core(&select.body.first, &select.order_by, None)?;
            Box::new(Query {
                body: bound.body,
                order_by: bound.order_by,
                limit: None,
                offset: None,
                columns: bound.columns,
                outer: bound.outer,
                ctes: Vec::new(),
                number: 0,
            })
        } else {
            let mut found = vec![None; select.order_by.len()];
            let mut query = self.bind_cores(&select.body.first, &select.body.rest, &select.order_by, &mut found)?;
            query.order_by = self.compound_order_by(&select.order_by, &found, &compound_collations(&query.body))?;
            if sorts_as_subquery(select) {
                make_names_unique(&mut query.columns);
                query.columns.iter_mut().for_each(|c| c.declared_type.clone_from(&c.nested_type));
            }
            Box::new(query)
        };
        query.limit = limit;
        query.offset = offset;
        Ok(query)
    }

    /// LIMIT and OFFSET can name no column at all.
    pub(super) fn bind_limit(&mut self, limit: Option<&'a ast::Limit>) -> Result<(Option<Expr>, Option<Expr>)> {
        let Some(limit) = limit else { return Ok((None, None)) };
        let scopes = std::mem::take(&mut self.scopes);
        let bound = self.bind_item(&limit.limit).and_then(|l| {
            let offset = limit.offset.as_ref().map(|o| self.bind_item(o)).transpose()?;
            Ok((Some(l), offset))
        });
        self.scopes = scopes;
        bound
    }

    /// Cores joined by compound operators; `found` gets the output columns that the ORDER BY terms mean.
    pub(super) fn bind_cores(
        &mut self,
        first: &'a ast::SelectCore,
        rest: &'a [(ast::CompoundOp, ast::SelectCore)],
        order_by: &'a [ast::OrderingTerm],
        found: &mut [Option<usize>],
    ) -> Result<Query> {
        if rest.len() >= self.context.options.limit_compound {
            return Err(Error::sql("too many terms in compound SELECT"));
        }
        let mut bound = match self.bind_core(first, order_by, Some(found)) {
            Ok(bound) => bound,
            Err(error) => return Err(self.rightmost_error(error, rest, order_by, found)),
        };
        let mut affinities = compound_affinities(&bound.body);
        // SQLite compares neighbours from the right, once all terms are found to be in order.
        let mut width = bound.columns.len();
        let mut mismatch = None;
        for (i, (op, core)) in rest.iter().enumerate() {
            let right = match self.bind_core(core, order_by, Some(found)) {
                Ok(right) => right,
                Err(error) => return Err(self.rightmost_error(error, &rest[i + 1..], order_by, found)),
            };
            let (op, text) = match op {
                ast::CompoundOp::Union => (CompoundOp::Union, "UNION"),
                ast::CompoundOp::UnionAll => (CompoundOp::UnionAll, "UNION ALL"),
                ast::CompoundOp::Intersect => (CompoundOp::Intersect, "INTERSECT"),
                ast::CompoundOp::Except => (CompoundOp::Except, "EXCEPT"),
            };
            if right.columns.len() != width {
                width = right.columns.len();
                mismatch = Some(text);
            }
            add_collations(&mut bound.collations, right.collations);
            for (left, right) in bound.columns.iter_mut().zip(&right.columns) {
                left.nested_type.clone_from(&right.nested_type);
            }
            add_affinities(&mut affinities, &right.body);
            for source in right.outer {
                if !bound.outer.contains(&source) {
                    bound.outer.push(source);
                }
            }
            let collations = bound.collations.iter().map(|c| c.clone().unwrap_or_default()).collect();
            bound.body = Body::Compound { op, left: Box::new(bound.body), right: Box::new(right.body), collations };
        }
        if let Some(operator) = mismatch {
            return Err(Error::sql(format!(
                "SELECTs to the left and right of {operator} do not have the same number of result columns"
            )));
        }
        if !rest.is_empty() {
            for (column, affinity) in bound.columns.iter_mut().zip(affinities) {
                column.affinity = affinity.affinity();
            }
        }
        Ok(Query {
            body: bound.body,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            columns: bound.columns,
            outer: bound.outer,
            ctes: Vec::new(),
            number: 0,
        })
    }

    /// A term of a compound has failed: SQLite looks at the terms from the right, and answers what it meets first.
    #[cold]
    fn rightmost_error(
        &mut self,
        error: Error,
        rest: &'a [(ast::CompoundOp, ast::SelectCore)],
        order_by: &'a [ast::OrderingTerm],
        found: &mut [Option<usize>],
    ) -> Error {
        // Each nesting would bind its terms anew: deep inside, any of the errors will do.
        if self.depth > 8 {
            return error;
        }
        let failed = rest.iter().rev().find_map(|(_, core)| self.bind_core(core, order_by, Some(found)).err());
        failed.unwrap_or(error)
    }

    /// A row of VALUES has failed: to SQLite they are terms of a compound.
    #[cold]
    fn last_row_error(&mut self, error: Error, rest: &'a [Vec<ast::Expr>]) -> Error {
        if self.depth > 8 {
            return error;
        }
        rest.iter().rev().find_map(|row| self.bind_list(row).err()).unwrap_or(error)
    }

    /// One core. Alone it binds ORDER BY; in a compound it helps to find out what the terms mean.
    fn bind_core(
        &mut self,
        core: &'a ast::SelectCore,
        order_by: &'a [ast::OrderingTerm],
        found: Option<&mut [Option<usize>]>,
    ) -> Result<BoundCore> {
        self.core_scope();
        let result = match core {
            ast::SelectCore::Query(query) => self.bind_select_core(query, order_by, found),
            ast::SelectCore::Values(rows) => self.bind_values(rows, order_by, found),
        };
        let scope = self.scopes.pop();
        let mut bound = result?;
        if let Some(scope) = scope {
            if let Body::Core(core) = &mut bound.body {
                core.id = scope.core;
                core.sources = scope.sources;
                core.aggregates = scope.aggregates;
                core.windows = scope.windows;
            }
            bound.outer = scope.outer;
        }
        Ok(bound)
    }

    fn set_aggregate_use(&mut self, aggregate_use: AggregateUse) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.aggregate_use = aggregate_use;
        }
    }

    fn set_windows_allowed(&mut self, allowed: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.windows_allowed = allowed;
        }
    }

    fn has_aggregates(&self) -> bool {
        self.scopes.last().is_some_and(|s| !s.aggregates.is_empty())
    }

    fn bind_select_core(
        &mut self,
        query: &'a ast::Query,
        order_by: &'a [ast::OrderingTerm],
        found: Option<&mut [Option<usize>]>,
    ) -> Result<BoundCore> {
        if self.context.asks() {
            self.context.query_begins(found.is_some());
        }
        let mut filter = match &query.from {
            Some(from) => {
                self.aliases_to_come.push((self.scopes.len(), &query.columns));
                let bound = self.bind_joins(&from.first, &from.joins);
                self.aliases_to_come.pop();
                bound?
            }
            None => Vec::new(),
        };
        let on_error = self.on_error.take();
        let questions = self.context.deferred_questions();
        self.set_aggregate_use(AggregateUse::Allowed);
        self.set_windows_allowed(true);
        if !query.windows.is_empty() {
            self.window_clauses.push((self.scopes.len(), &query.windows));
        }
        let output = self.bind_output(query);
        self.set_windows_allowed(false);
        let mut output = output?;
        output.exprs.iter_mut().for_each(share);
        if output.exprs.len() > self.context.options.limit_columns {
            return Err(Error::sql("too many columns in result set"));
        }
        if let Some(scope) = self.scopes.last_mut()
            && output.aliases.iter().any(Option::is_some)
        {
            let aliased = output.aliases.iter().zip(&output.exprs);
            scope.aliases = aliased.filter_map(|(a, e)| Some((a.as_ref()?.text.clone(), e.clone()))).collect();
        }
        if query.having.is_some() && query.group_by.is_empty() && !self.has_aggregates() {
            return Err(Error::sql("HAVING clause on a non-aggregate query"));
        }
        let having = query.having.as_ref().map(|h| self.bind_item(h)).transpose()?;
        self.set_aggregate_use(AggregateUse::InWhere);
        if let Some(condition) = &query.where_clause {
            self.conjuncts_into(condition, &mut filter)?;
        }
        if let Some(error) = on_error {
            return Err(error);
        }
        self.set_aggregate_use(AggregateUse::InGroupBy);
        let group_by = match self.bind_group_by(query, &output.exprs) {
            Ok(group_by) => group_by,
            Err(error) if error.is_pending() || found.is_some() => return Err(error),
            Err(error) => {
                // ORDER BY has its errors first.
                self.set_aggregate_use(AggregateUse::Allowed);
                return Err(self.bind_order_by(order_by, &output.exprs, &output.aliases).err().unwrap_or(error));
            }
        };
        let aggregate = !group_by.is_empty() || self.has_aggregates();
        self.set_aggregate_use(if aggregate { AggregateUse::Allowed } else { AggregateUse::Forbidden });
        self.set_windows_allowed(true);
        let order_by = match found {
            None => self.bind_order_by(order_by, &output.exprs, &output.aliases)?,
            Some(found) => {
                self.match_order_by(order_by, &output.exprs, &output.aliases, found)?;
                Vec::new()
            }
        };
        if !query.windows.is_empty() {
            // What no call uses is not looked at otherwise; it has names that ALTER changes all the same.
            if self.context.takes_notes() {
                for window in &query.windows {
                    self.bind_list(&window.spec.partition_by)?;
                    window.spec.order_by.iter().try_for_each(|term| self.bind_expr(&term.expr).map(|_| ()))?;
                }
            }
            self.window_clauses.pop();
        }
        if self.context.asks() {
            self.note_unread(questions);
        }
        let (columns, collations) = self.describe(&output);
        let conjuncts = if filter.iter().any(|e| matches!(e, Expr::And(..))) {
            let mut conjuncts = Vec::with_capacity(filter.len() + 1);
            for e in filter {
                split_conjuncts(e, &mut conjuncts);
            }
            conjuncts
        } else {
            filter
        };
        let core = Core {
            filter: conjuncts,
            distinct: query.distinct == Some(ast::Distinctness::Distinct),
            group_by,
            having,
            output: output.exprs,
            ..Core::new(crate::plan::CoreId(0))
        };
        Ok(BoundCore { body: Body::Core(Box::new(core)), columns, collations, order_by, outer: Vec::new() })
    }

    fn describe(&self, output: &Output<'a>) -> (Vec<OutputColumn>, Vec<Option<Collation>>) {
        let exprs = output.names.iter().zip(&output.exprs);
        let described = exprs.map(|(name, e)| output_column(&self.scopes, name.clone(), e));
        let mut columns: Vec<OutputColumn> = described.collect();
        for ((column, e), alias) in columns.iter_mut().zip(&output.exprs).zip(&output.aliases) {
            // Whatever its title is, to the query around it a column has its own name.
            if let (None, Expr::Collate { .. } | Expr::Column { .. } | Expr::FirstOf { .. }) = (alias, e) {
                column.nested_name = self.column_named(e.without_collate()).map(|(_, name)| name);
            }
        }
        (columns, output.exprs.iter().map(collation_of).collect())
    }

    fn bind_values(
        &mut self,
        rows: &'a [Vec<ast::Expr>],
        order_by: &'a [ast::OrderingTerm],
        found: Option<&mut [Option<usize>]>,
    ) -> Result<BoundCore> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(Error::sql("all VALUES must have the same number of terms"));
        }
        self.set_aggregate_use(if rows.len() == 1 { AggregateUse::Allowed } else { AggregateUse::Forbidden });
        self.set_windows_allowed(rows.len() == 1);
        let mut bound = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            match self.bind_list(row) {
                Ok(row) => bound.push(row),
                Err(error) => return Err(self.last_row_error(error, &rows[at + 1..])),
            }
        }
        let first = bound.first().cloned().unwrap_or_default();
        let output = Output {
            names: (1..=width).map(|i| format!("column{i}").into()).collect(),
            aliases: vec![None; width],
            exprs: first,
        };
        let order_by = match found {
            None => self.bind_order_by(order_by, &output.exprs, &output.aliases)?,
            Some(found) => {
                self.match_order_by(order_by, &output.exprs, &output.aliases, found)?;
                Vec::new()
            }
        };
        let (mut columns, mut collations) = self.describe(&output);
        if bound.len() > 1 {
            // Several rows are a subquery, whose columns have a collation in any case.
            collations.iter_mut().for_each(|collation| *collation = Some(collation.take().unwrap_or_default()));
            let body = Body::Values(bound);
            for (column, affinity) in columns.iter_mut().zip(compound_affinities(&body)) {
                column.affinity = affinity.affinity();
            }
            return Ok(BoundCore { body, columns, collations, order_by, outer: Vec::new() });
        }
        let core = Core { output: output.exprs, ..Core::new(crate::plan::CoreId(0)) };
        Ok(BoundCore { body: Body::Core(Box::new(core)), columns, collations, order_by, outer: Vec::new() })
    }

    /// The result columns, stars expanded.
    fn bind_output(&mut self, query: &'a ast::Query) -> Result<Output<'a>> {
        let mut output = Output::with_capacity(query.columns.len());
        for column in &query.columns {
            match column {
                ast::ResultColumn::Expr { expr, alias, span } => {
                    self.bind_result_expr(expr, alias.as_ref(), *span, &mut output)?;
                }
                ast::ResultColumn::Star => {
                    if query.from.is_none() {
                        return Err(Error::sql("no tables specified"));
                    }
                    let first = output.exprs.len();
                    self.expand_star(None, &mut output)?;
                    self.ask_about_all(output.exprs.get_mut(first..))?;
                }
                ast::ResultColumn::TableStar(table) => {
                    let first = output.exprs.len();
                    self.expand_star(Some(table), &mut output)?;
                    self.ask_about_all(output.exprs.get_mut(first..))?;
                }
            }
        }
        Ok(output)
    }

    /// Bind result columns in the innermost scope (RETURNING): expressions and their names.
    pub fn bind_result_columns(&mut self, columns: &'a [ast::ResultColumn]) -> Result<(Vec<Expr>, Vec<OutputColumn>)> {
        let mut output = Output::default();
        for column in columns {
            match column {
                ast::ResultColumn::Expr { expr, alias, span } => {
                    self.bind_result_expr(expr, alias.as_ref(), *span, &mut output)?;
                }
                ast::ResultColumn::Star => self.expand_star(None, &mut output)?,
                ast::ResultColumn::TableStar(_) => {
                    return Err(Error::sql("RETURNING may not use \"TABLE.*\" wildcards"));
                }
            }
        }
        if let Some(error) = self.late_error.take() {
            return Err(error);
        }
        let (columns, _) = self.describe(&output);
        Ok((output.exprs, columns))
    }

    /// A result column that is written out: its expression and its name.
    fn bind_result_expr(
        &mut self,
        expr: &'a ast::Expr,
        alias: Option<&'a ast::Name>,
        span: ast::Span,
        output: &mut Output<'a>,
    ) -> Result<()> {
        let bound = self.bind_item(expr)?;
        let name = match alias {
            Some(alias) => alias.as_str().into(),
            None => self.column_title(expr, &bound, span),
        };
        output.exprs.push(bound);
        output.names.push(name);
        output.aliases.push(alias);
        Ok(())
    }

    fn expand_star(&self, table: Option<&ast::Name>, output: &mut Output<'a>) -> Result<()> {
        let Some(scope) = self.scopes.last() else { return Ok(()) };
        let full_names = self.context.options.full_column_names && !self.context.options.short_column_names;
        let mut matched = false;
        for (at, (source, info)) in scope.sources.iter().zip(&scope.info).enumerate() {
            if info.qualified_only {
                continue;
            }
            let mut add = |expr: Expr, i: usize, title: &str| {
                output.exprs.push(expr);
                let name = column_name(source, i);
                output.names.push(if full_names { format!("{title}.{name}").into() } else { name });
                output.aliases.push(None);
            };
            let raw = |i: usize| column_expr(source, ColumnIndex::Column(i as u16));
            match table {
                None => {
                    matched = true;
                    check_twins(scope, at)?;
                    for i in bare_columns(source, info).filter(|i| !info.merged.contains(i)) {
                        let part = info.parts.iter().find(|p| (p.start..p.end).contains(&i));
                        add(scope.merged_expr(at, i)?, i, part.map_or(&source.name, |p| &p.name));
                    }
                }
                Some(table) if info.parts.is_empty() => {
                    if is_called(source, None, table) {
                        matched = true;
                        check_twins(scope, at)?;
                        if let (Relation::Table { db, table: found }, false) = (&source.relation, source.aliased) {
                            let mention = || Mention::Table { db: *db, table: found.name.clone() };
                            self.context.note(table.offset, mention);
                        }
                        bare_columns(source, info).for_each(|i| add(raw(i), i, &source.name));
                    }
                }
                Some(table) => {
                    for part in info.parts.iter().filter(|p| table.is(&p.name)) {
                        matched = true;
                        (part.start..part.end).for_each(|i| add(raw(i), i, &part.name));
                    }
                }
            }
        }
        match table {
            Some(table) if !matched => Err(Error::sql(format!("no such table: {}", table.text))),
            None if !matched => Err(Error::sql("no tables specified")),
            _ => Ok(()),
        }
    }

    /// The name of a result column without alias: that of the column it is, else its text.
    fn column_title(&self, expr: &ast::Expr, bound: &Expr, span: ast::Span) -> Arc<str> {
        let options = &self.context.options;
        if matches!(expr, ast::Expr::Column(_))
            && (options.short_column_names || options.full_column_names)
            && let Some((source, name)) = self.column_named(bound)
        {
            if options.full_column_names {
                let table = source.relation.table().map_or(&source.name, |table| &table.name);
                return format!("{table}.{name}").into();
            }
            return name;
        }
        let text = span.of(self.sql);
        String::from_utf8_lossy(text).trim().into()
    }

    /// The source and the name of the column that an expression is.
    fn column_named(&self, bound: &Expr) -> Option<(&Source, Arc<str>)> {
        // Columns that USING merges have the name that all of them have.
        let named = match bound {
            Expr::FirstOf { values, .. } => values.first().unwrap_or(bound),
            bound => bound,
        };
        let Expr::Column { source, column, .. } = named else { return None };
        let source = self.scopes.iter().rev().find_map(|s| s.sources.iter().find(|s| s.id == *source))?;
        let name = match (column, &source.relation) {
            (ColumnIndex::Column(i), _) => column_name(source, usize::from(*i)),
            (ColumnIndex::Rowid, Relation::Table { table, .. }) => match table.rowid_alias {
                Some(i) => column_name(source, i),
                None => "rowid".into(),
            },
            (ColumnIndex::Rowid, _) => "rowid".into(),
        };
        Some((source, name))
    }
}

/// SQLite sorts such a compound by a query around it, whose columns are named and typed as those of a subquery.
fn sorts_as_subquery(select: &ast::Select) -> bool {
    let collated = |term: &ast::OrderingTerm| matches!(term.expr, ast::Expr::Collate { .. });
    select.order_by.iter().any(collated) && select.body.rest.iter().any(|(op, _)| *op != ast::CompoundOp::UnionAll)
}

/// A star may not run over a source of whose columns another source of the same name has one.
fn check_twins(scope: &Scope, at: usize) -> Result<()> {
    let (Some(source), Some(info)) = (scope.sources.get(at), scope.info.get(at)) else { return Ok(()) };
    for (other, (twin, twin_info)) in scope.sources.iter().zip(&scope.info).enumerate() {
        let named = twin.name.eq_ignore_ascii_case(&source.name) && twin_info.schema == info.schema;
        if other == at || !named || twin_info.qualified_only {
            continue;
        }
        for column in bare_columns(source, info).filter(|c| !info.merged.contains(c)) {
            let name = column_name(source, column);
            if scope.bare_column(other, &name).is_some_and(|c| !twin_info.merged.contains(&c)) {
                let schema = info.schema.as_deref().unwrap_or("*");
                return Err(Error::sql(format!("ambiguous column name: {schema}.{}.{name}", source.name)));
            }
        }
    }
    Ok(())
}

/// What readers of an output column see. It may be a column of a query around its own.
pub(super) fn output_column(scopes: &[Scope], name: Arc<str>, e: &Expr) -> OutputColumn {
    let mut column = OutputColumn {
        name,
        nested_name: None,
        affinity: affinity_of(e),
        collation: collation_of(e).unwrap_or_default(),
        declared_type: None,
        nested_type: None,
        origin: None,
    };
    match e {
        Expr::Column { source, column: index, .. } => {
            let mut known = scopes.iter().rev().flat_map(|scope| scope.sources.iter().zip(&scope.info));
            let Some((source, info)) = known.find(|(known, _)| known.id == *source) else { return column };
            if let Some(table) = source.relation.table() {
                let at = match index {
                    ColumnIndex::Column(i) => Some(usize::from(*i)),
                    ColumnIndex::Rowid => table.rowid_alias,
                };
                let found = at.and_then(|at| table.columns.get(at));
                column.declared_type = match found {
                    Some(c) => c.declared_type.clone(),
                    None => Some("INTEGER".into()),
                };
                let column_name = found.map_or_else(|| "rowid".into(), |c| c.name.clone());
                let schema = info.schema.clone().unwrap_or_else(|| "main".into());
                let table_name = match &*table.name {
                    // What SQLite itself calls them.
                    "sqlite_schema" => "sqlite_master".into(),
                    "sqlite_temp_schema" => "sqlite_temp_master".into(),
                    _ => table.name.clone(),
                };
                column.origin = Some((schema, table_name, column_name));
            }
            let output = match (&source.relation, index) {
                (Relation::Query { query, .. }, ColumnIndex::Column(i)) => query.columns.get(usize::from(*i)),
                (Relation::Cte(cte), ColumnIndex::Column(i)) => cte.columns.get(usize::from(*i)),
                (Relation::Recursive { columns, .. }, ColumnIndex::Column(i)) => columns.get(usize::from(*i)),
                _ => None,
            };
            if let Some(output) = output {
                column.declared_type = output.nested_type.clone();
                column.origin = output.origin.clone();
            }
        }
        Expr::Subquery(query) => come_from(&mut column, query),
        Expr::Shared(query) => come_from(&mut column, query),
        _ => {}
    }
    column.nested_type.clone_from(&column.declared_type);
    column
}

/// The column shows where the value of a subquery comes from; what several SELECTs make comes from nowhere.
fn come_from(column: &mut OutputColumn, query: &Query) {
    if let (Some(output), Body::Core(_)) = (query.columns.first(), &query.body) {
        column.declared_type = output.nested_type.clone();
        column.origin = output.origin.clone();
    }
}

/// The affinities of the columns of one term (all rows of VALUES), as the beginning of a compound.
pub(super) fn compound_affinities(body: &Body) -> Vec<CompoundAffinity> {
    match body {
        Body::Core(core) => core.output.iter().map(CompoundAffinity::of).collect(),
        Body::Values(rows) => {
            let mut rows = rows.iter();
            let mut affinities: Vec<CompoundAffinity> =
                rows.next().map(|row| row.iter().map(CompoundAffinity::of).collect()).unwrap_or_default();
            for row in rows {
                affinities.iter_mut().zip(row).for_each(|(affinity, e)| affinity.and(e));
            }
            affinities
        }
        Body::Compound { left, right, .. } => {
            let mut affinities = compound_affinities(left);
            add_affinities(&mut affinities, right);
            affinities
        }
    }
}

/// Add the terms of `body`.
pub(super) fn add_affinities(affinities: &mut [CompoundAffinity], body: &Body) {
    match body {
        Body::Core(core) => affinities.iter_mut().zip(&core.output).for_each(|(affinity, e)| affinity.and(e)),
        Body::Values(rows) => {
            for row in rows {
                affinities.iter_mut().zip(row).for_each(|(affinity, e)| affinity.and(e));
            }
        }
        Body::Compound { left, right, .. } => {
            add_affinities(affinities, left);
            add_affinities(affinities, right);
        }
    }
}
