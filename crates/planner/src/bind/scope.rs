//! Scopes: which sources, NEW/OLD rows and aliases a name can mean, and which aggregates belong where.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, Quote};
use turso_value::{Affinity, Collation, Value};

use super::Binder;
use super::types::explicit_collation;
use crate::context::Mention;
use crate::plan::{
    Aggregate, ColumnIndex, CoreId, Expr, JoinKind, Relation, RowValue, Source, SourceId, Window, same_expr,
};

/// What the copies of subqueries in one statement may hold, in expressions.
const MOST_COPIES: usize = 200_000;

/// What an aggregate call that belongs to a scope means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AggregateUse {
    /// It is computed.
    Allowed,
    /// `misuse of aggregate: f()`.
    Forbidden,
    /// In WHERE, and wherever else no clause allows one.
    InWhere,
    /// It stands inside another aggregate's call: `misuse of aggregate function f()`.
    Nested,
    /// In GROUP BY.
    InGroupBy,
    /// In RETURNING: a misuse, which is told once all names are known to mean something.
    Returned,
}

/// One level of names.
#[derive(Debug)]
pub(super) struct Scope {
    /// The sources, as they were written.
    pub sources: Vec<Source>,
    /// What names mean beyond the sources themselves, one for each source.
    pub info: Vec<SourceInfo>,
    /// The core whose scope this is; scopes of row changes have none.
    pub core: CoreId,
    /// Aggregates that belong to the core.
    pub aggregates: Vec<Aggregate>,
    /// Window functions of the core.
    pub windows: Vec<Window>,
    /// Window functions may stand here: in result columns and ORDER BY.
    pub windows_allowed: bool,
    /// What an aggregate means here.
    pub aggregate_use: AggregateUse,
    /// Result columns with an alias: visible to names that are no column.
    pub aliases: Vec<(Box<str>, Expr)>,
    /// Sources of enclosing scopes that expressions here or deeper read.
    pub outer: Vec<SourceId>,
}

/// How names find a source.
#[derive(Debug, Default)]
pub(super) struct SourceInfo {
    /// Columns joined by USING or NATURAL with one on the left: a bare name means that, the one of a RIGHT JOIN's right side, or
    /// of a FULL JOIN the first of them that is not NULL.
    pub merged: Vec<usize>,
    /// Only `name.column` finds its columns (NEW, OLD, excluded).
    pub qualified_only: bool,
    /// A row at hand (NEW, OLD, excluded, the row that is returned): an aggregate over it belongs to the query that it stands in.
    pub of_no_query: bool,
    /// Some column other than the rowid is read, as far as there is an authorizer to be told.
    pub read: std::cell::Cell<bool>,
    /// The schema as it was written before the table's name.
    pub written_schema: Option<Arc<str>>,
    /// The source stands for several joined ones in parentheses: name, first column, one past the last column.
    pub parts: Vec<Part>,
    /// With `parts`: the columns that a star and bare names see, in the order of the star.
    pub visible: Vec<usize>,
    /// The schema's name, for `schema.table.column`.
    pub schema: Option<Arc<str>>,
}

/// One of several joined sources that became one subquery.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub name: Arc<str>,
    pub schema: Option<Arc<str>>,
    pub start: usize,
    pub end: usize,
}

impl Scope {
    pub(super) fn new(core: CoreId) -> Self {
        Self {
            sources: Vec::new(),
            info: Vec::new(),
            core,
            aggregates: Vec::new(),
            windows: Vec::new(),
            windows_allowed: false,
            aggregate_use: AggregateUse::InWhere,
            aliases: Vec::new(),
            outer: Vec::new(),
        }
    }

    pub(super) fn mark_outer(&mut self, source: SourceId) {
        if !self.outer.contains(&source) {
            self.outer.push(source);
        }
    }

    /// The aggregate's index; an equal one is shared.
    pub(super) fn add_aggregate(&mut self, new: Aggregate) -> usize {
        let equal = |old: &Aggregate| {
            old.function == new.function
                && old.distinct == new.distinct
                && old.collation == new.collation
                && old.order_by.is_empty()
                && new.order_by.is_empty()
                && old.args.len() == new.args.len()
                && old.args.iter().zip(&new.args).all(|(a, b)| same_expr(a, b))
                && match (&old.filter, &new.filter) {
                    (None, None) => true,
                    (Some(a), Some(b)) => same_expr(a, b),
                    _ => false,
                }
        };
        if let Some(i) = self.aggregates.iter().position(equal) {
            return i;
        }
        self.aggregates.push(new);
        self.aggregates.len() - 1
    }
}

/// A column found in one scope.
pub(super) struct Found {
    pub source: usize,
    pub column: ColumnIndex,
    /// Columns that FULL JOINs merge with it: source and position.
    pub more: Vec<(usize, usize)>,
}

impl Found {
    fn new(source: usize, column: usize) -> Self {
        Found { source, column: ColumnIndex::Column(column as u16), more: Vec::new() }
    }

    /// The source at this position joins a column of this name by USING.
    fn merge(&mut self, join: JoinKind, source: usize, column: usize) {
        match join {
            JoinKind::Right => *self = Found::new(source, column),
            JoinKind::Full => self.more.push((source, column)),
            JoinKind::Inner | JoinKind::Cross | JoinKind::Left => {}
        }
    }
}

/// Number of columns that a source has.
pub(super) fn column_count(source: &Source) -> usize {
    match &source.relation {
        Relation::Table { table, .. } => table.columns.len(),
        Relation::Virtual { connected, .. } => connected.table.columns.len(),
        Relation::Query { query, .. } => query.columns.len(),
        Relation::Cte(cte) => cte.columns.len(),
        Relation::Recursive { columns, .. } => columns.len(),
    }
}

/// The name of a source's column.
pub(super) fn column_name(source: &Source, i: usize) -> Arc<str> {
    let name = match &source.relation {
        Relation::Table { table, .. } => table.columns.get(i).map(|c| &c.name),
        Relation::Virtual { connected, .. } => connected.table.columns.get(i).map(|c| &c.name),
        Relation::Query { query, .. } => query.columns.get(i).map(|c| &c.name),
        Relation::Cte(cte) => cte.columns.get(i).map(|c| &c.name),
        Relation::Recursive { columns, .. } => columns.get(i).map(|c| &c.name),
    };
    name.cloned().unwrap_or_default()
}

/// The position of a source's column.
pub(super) fn find_column(source: &Source, name: &str) -> Option<usize> {
    match &source.relation {
        Relation::Table { table, .. } => table.column_index(name),
        Relation::Virtual { connected, .. } => connected.table.column_index(name),
        Relation::Query { query, .. } => query.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)),
        Relation::Cte(cte) => cte.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)),
        Relation::Recursive { columns, .. } => columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)),
    }
}

/// A qualifier means this source. The table of the schema answers to its old and its new name, whichever FROM has.
pub(super) fn is_called(source: &Source, schema: Option<&str>, qualifier: &ast::Name) -> bool {
    match &source.relation {
        Relation::Table { table, .. } if table.root == 1 && !source.aliased => {
            let known: &[&str] = match &*table.name {
                "sqlite_temp_schema" if schema.is_some() => {
                    &["sqlite_temp_schema", "sqlite_temp_master", "sqlite_schema", "sqlite_master"]
                }
                "sqlite_temp_schema" => &["sqlite_temp_schema", "sqlite_temp_master"],
                _ => &["sqlite_schema", "sqlite_master"],
            };
            known.iter().any(|name| qualifier.is(name))
        }
        _ => qualifier.is(&source.name),
    }
}

/// A hidden column of a virtual table or table-valued function is left out by `*`.
pub(super) fn is_hidden(source: &Source, i: usize) -> bool {
    source.relation.table().and_then(|t| t.columns.get(i)).is_some_and(|c| c.hidden)
}

/// A reference to a column of a source.
pub fn column_expr(source: &Source, column: ColumnIndex) -> Expr {
    let id = source.id;
    let plain = |affinity, collation| Expr::Column { source: id, column, affinity, collation };
    let ColumnIndex::Column(i) = column else {
        return plain(Affinity::Integer, Collation::Binary);
    };
    if let Some(table) = source.relation.table() {
        let Some(c) = table.columns.get(usize::from(i)) else { return plain(Affinity::Blob, Collation::Binary) };
        let (affinity, collation) = (c.affinity, c.collation.clone());
        if table.rowid_alias == Some(usize::from(i)) {
            return Expr::Column { source: id, column: ColumnIndex::Rowid, affinity, collation };
        }
        return plain(affinity, collation);
    }
    let output = match &source.relation {
        Relation::Table { .. } | Relation::Virtual { .. } => None,
        Relation::Query { query, .. } => query.columns.get(usize::from(i)),
        Relation::Cte(cte) => cte.columns.get(usize::from(i)),
        Relation::Recursive { columns, .. } => columns.get(usize::from(i)),
    };
    match output {
        Some(c) => plain(c.affinity, c.collation.clone()),
        None => plain(Affinity::Blob, Collation::Binary),
    }
}

/// `rowid`, `oid` or `_rowid_`.
pub(super) fn is_rowid_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("rowid") || name.eq_ignore_ascii_case("_rowid_") || name.eq_ignore_ascii_case("oid")
}

fn has_name(source: &Source, column: usize, name: &str) -> bool {
    column_name(source, column).eq_ignore_ascii_case(name)
}

/// The columns of a source that a star and bare names see.
pub(super) fn bare_columns<'s>(source: &'s Source, info: &'s SourceInfo) -> impl Iterator<Item = usize> + 's {
    let nested = !info.parts.is_empty();
    let count = if nested { info.visible.len() } else { column_count(source) };
    (0..count).filter_map(move |i| match nested {
        true => info.visible.get(i).copied(),
        false => Some(i).filter(|&i| !is_hidden(source, i)),
    })
}

/// The columns that a bare name may mean; hidden ones too.
fn named_columns<'s>(source: &'s Source, info: &'s SourceInfo, name: &'s str) -> impl Iterator<Item = usize> + 's {
    let own = if info.parts.is_empty() { find_column(source, name) } else { None };
    let nested = info.visible.iter().copied().filter(move |&c| has_name(source, c, name));
    own.into_iter().chain(nested)
}

impl Scope {
    /// The column that a bare name means in one source; the first one if there are several.
    pub(super) fn bare_column(&self, at: usize, name: &str) -> Option<usize> {
        let (source, info) = (self.sources.get(at)?, self.info.get(at)?);
        named_columns(source, info, name).next()
    }

    /// What a column is together with those that later joins merge with it by USING.
    /// Near a RIGHT or FULL JOIN it is looked up by its name, which then must mean nothing else.
    pub(super) fn merged_expr(&self, at: usize, column: usize) -> Result<Expr> {
        let mut found = Found::new(at, column);
        let (mut merged, mut others) = (false, false);
        if let Some(source) = self.sources.get(at) {
            let name = column_name(source, column);
            for (i, (later, info)) in self.sources.iter().zip(&self.info).enumerate().skip(at + 1) {
                for c in named_columns(later, info, &name) {
                    if info.merged.contains(&c) {
                        merged = true;
                        found.merge(later.join, i, c);
                    } else {
                        others = true;
                    }
                }
            }
            let right = |s: &Source| matches!(s.join, JoinKind::Right | JoinKind::Full);
            if merged && others && self.sources.iter().any(right) {
                return Err(Error::sql(format!("ambiguous column name: {name}")));
            }
        }
        Ok(self.expr_of(&found))
    }

    /// The value of a column that was found.
    pub(super) fn expr_of(&self, found: &Found) -> Expr {
        let column = |at: usize, column| self.sources.get(at).map(|s| column_expr(s, column));
        if found.more.is_empty() {
            return column(found.source, found.column).unwrap_or(Expr::Literal(Value::Null));
        }
        let more = found.more.iter().map(|&(at, c)| column(at, ColumnIndex::Column(c as u16)));
        let values = std::iter::once(column(found.source, found.column)).chain(more).flatten().collect();
        Expr::first_of(values).unwrap_or(Expr::Literal(Value::Null))
    }

    /// Look a column up in this scope alone.
    /// `schema`: the name of the database that is written before that of the table.
    pub(super) fn find(&self, reference: &ast::ColumnRef, schema: Option<&str>) -> Result<Option<Found>> {
        let (name, table) = (reference.column.as_str(), reference.table());
        // One source, and a bare name: nothing can be ambiguous.
        if let ([source], [info], None) = (self.sources.as_slice(), self.info.as_slice(), table)
            && !info.qualified_only
            && info.parts.is_empty()
            && let Some(column) = find_column(source, name)
        {
            return Ok(Some(Found::new(0, column)));
        }
        let mut found: Option<Found> = None;
        let mut rowid_sources = 0;
        let mut rowid_source = None;
        let is_rowid = is_rowid_name(name);
        let has_rowid = |s: &Source| s.relation.table().is_some_and(|t| t.has_rowid());
        for (i, (source, info)) in self.sources.iter().zip(&self.info).enumerate() {
            let column = match table {
                None if info.qualified_only => continue,
                None => {
                    if is_rowid && has_rowid(source) {
                        rowid_sources += 1;
                        rowid_source = Some(i);
                    }
                    let mut columns = named_columns(source, info, name);
                    let column = match &mut found {
                        None => columns.next(),
                        Some(found) => columns.find(|c| match info.merged.contains(c) {
                            true => {
                                found.merge(source.join, i, *c);
                                false
                            }
                            false => true,
                        }),
                    };
                    if column.is_some() && columns.next().is_some() {
                        return Err(ambiguous(reference));
                    }
                    column
                }
                Some(table) if !info.parts.is_empty() => {
                    let Some(part) = info.parts.iter().find(|p| table.is(&p.name) && schema_matches(schema, &p.schema))
                    else {
                        continue;
                    };
                    (part.start..part.end).find(|&c| has_name(source, c, name))
                }
                Some(table) => {
                    if !is_called(source, schema, table) || !schema_matches(schema, &info.schema) {
                        continue;
                    }
                    if is_rowid && has_rowid(source) {
                        rowid_sources += 1;
                        rowid_source = Some(i);
                    }
                    find_column(source, name)
                }
            };
            if let Some(c) = column {
                // Two sources of one name: what USING has joined is one column here too.
                if let Some(found) = &mut found
                    && info.merged.contains(&c)
                {
                    found.merge(source.join, i, c);
                    continue;
                }
                if found.is_some() {
                    return Err(ambiguous(reference));
                }
                found = Some(Found::new(i, c));
            }
        }
        if found.is_none() && is_rowid {
            if rowid_sources > 1 {
                return Err(ambiguous(reference));
            }
            let rowid = |source| Found { source, column: ColumnIndex::Rowid, more: Vec::new() };
            return Ok(rowid_source.map(rowid));
        }
        Ok(found)
    }
}

fn schema_matches(wanted: Option<&str>, has: &Option<Arc<str>>) -> bool {
    match (wanted, has) {
        (None, _) => true,
        (Some(wanted), Some(has)) => wanted.eq_ignore_ascii_case(has),
        (Some(_), None) => false,
    }
}

/// TRUE or FALSE, where no column has that name.
pub(super) fn truth_value(reference: &ast::ColumnRef) -> Option<bool> {
    if reference.qualifier.is_some() || reference.column.quote != Quote::None {
        return None;
    }
    let name = &reference.column;
    if name.is("true") { Some(true) } else { name.is("false").then_some(false) }
}

/// The reference as written, without quotes.
pub(super) fn display(reference: &ast::ColumnRef) -> String {
    match (reference.schema(), reference.table()) {
        (Some(s), Some(t)) => format!("{}.{}.{}", s.text, t.text, reference.column.text),
        (None, Some(t)) => format!("{}.{}", t.text, reference.column.text),
        _ => reference.column.text.to_string(),
    }
}

fn ambiguous(reference: &ast::ColumnRef) -> Error {
    Error::sql(format!("ambiguous column name: {}", display(reference))).with_sql_offset(reference.offset())
}

impl<'a> Binder<'a> {
    /// The meaning of a column reference.
    pub(super) fn bind_column(&mut self, reference: &'a ast::ColumnRef) -> Result<Expr> {
        if let Some(found) = self.try_column(reference)? {
            return Ok(found);
        }
        let bare = reference.qualifier.is_none();
        if bare && reference.column.quote == Quote::Double && self.double_quoted_strings {
            self.context.note(reference.column.offset, || Mention::Text);
            turso_error::log::write(turso_error::ResultCode::WARNING, || {
                format!("double-quoted string literal: \"{}\"", reference.column.text.replace('"', "\"\""))
            });
            return Ok(Expr::Literal(Value::text(reference.column.text.as_bytes().to_vec())));
        }
        if let Some(truth) = truth_value(reference) {
            return Ok(Expr::Literal(Value::Integer(i64::from(truth))));
        }
        let message = if bare && reference.column.quote == Quote::Double {
            format!("no such column: \"{}\" - should this be a string literal in single-quotes?", reference.column.text)
        } else {
            match reference.table() {
                Some(table) if self.any_schema => format!("no such column: {}.{}", table.text, reference.column.text),
                _ => format!("no such column: {}", display(reference)),
            }
        };
        Err(Error::sql(message).with_sql_offset(reference.offset()))
    }

    /// For ALTER TABLE: what the tokens of the reference mean.
    fn note_column(&self, source: &Source, column: ColumnIndex, reference: &ast::ColumnRef) {
        let Relation::Table { db, table } = &source.relation else { return };
        if let ColumnIndex::Column(c) = column {
            let mention = || Mention::Column { db: *db, table: table.name.clone(), column: usize::from(c) };
            self.context.note(reference.column.offset, mention);
        }
        if let Some(qualifier) = reference.table().filter(|_| !source.aliased) {
            self.context.note(qualifier.offset, || Mention::Table { db: *db, table: table.name.clone() });
        }
    }

    /// The column or alias that the reference means, looked for in all visible scopes from the inside out.
    pub(super) fn try_column(&mut self, reference: &'a ast::ColumnRef) -> Result<Option<Expr>> {
        let written = reference.schema().filter(|_| !self.any_schema);
        let schema = written.map(|schema| match schema.is("main") {
            // Its own name, if the application has given it another one.
            true => self.context.catalogue.database_name(turso_program::DbIndex(0)),
            false => schema.as_str(),
        });
        for level in (0..self.scopes.len()).rev() {
            let scope = &self.scopes[level];
            if let Some(found) = scope.find(reference, schema)? {
                let expr = scope.expr_of(&found);
                if let Some(source) = scope.sources.get(found.source) {
                    self.note_column(source, found.column, reference);
                }
                if let Expr::Column { source, .. } = &expr {
                    self.note_reference(level, *source);
                } else {
                    let mut sources = Vec::new();
                    expr.for_each_column(|s, _| sources.push(s));
                    for id in sources {
                        self.note_reference(level, id);
                    }
                }
                return if self.context.asks() { self.ask_about(expr).map(Some) } else { Ok(Some(expr)) };
            }
            if reference.qualifier.is_none()
                && let Some((_, expr)) = scope.aliases.iter().find(|(name, _)| reference.column.is(name))
            {
                let expr = self.copied(expr)?;
                self.check_alias(level, reference.column.as_str(), &expr)?;
                let mut sources = Vec::new();
                expr.for_each_column(|s, _| sources.push(s));
                // The columns of an aggregate stand elsewhere: what reads its value depends on the group all the same.
                let scope = &self.scopes[level];
                let of_group = |e: &Expr| matches!(e, Expr::Aggregate { core, .. } if *core == scope.core);
                if let Some(first) = scope.sources.first()
                    && expr.any(of_group)
                {
                    sources.push(first.id);
                }
                for s in sources {
                    self.note_reference(level, s);
                }
                return Ok(Some(of_alias(expr)));
            }
            if let Some(expr) = self.alias_to_come(level, reference) {
                return self.bind_alias_to_come(level, expr).map(|expr| Some(of_alias(expr)));
            }
        }
        Ok(None)
    }

    /// The result column that an ON clause or an argument in FROM means by its alias.
    fn alias_to_come(&self, level: usize, reference: &ast::ColumnRef) -> Option<&'a ast::Expr> {
        if reference.qualifier.is_some() {
            return None;
        }
        let (_, columns) = self.aliases_to_come.iter().find(|(depth, _)| *depth == level + 1)?;
        columns.iter().find_map(|column| match column {
            ast::ResultColumn::Expr { expr, alias: Some(alias), .. } if reference.column.is(&alias.text) => Some(expr),
            _ => None,
        })
    }

    /// Binds it as its own core sees it. Within it aliases mean nothing, so that none can mean itself.
    fn bind_alias_to_come(&mut self, level: usize, expr: &'a ast::Expr) -> Result<Expr> {
        let deeper = self.scopes.split_off(level + 1);
        let aliases = std::mem::take(&mut self.aliases_to_come);
        let bound = self.bind_expr(expr);
        self.aliases_to_come = aliases;
        self.scopes.extend(deeper);
        let bound = bound?;
        bound.for_each_column(|source, _| self.note_reference(level, source));
        Ok(bound)
    }

    /// A copy of a result expression for another place where its alias or position stands for it.
    ///
    /// Copies of subqueries hold the copies that were made inside of them: each level of nesting may double what there is.
    pub(super) fn copied(&self, expr: &Expr) -> Result<Expr> {
        self.count_copy(expr)?;
        Ok(expr.clone())
    }

    /// A copy of a row for another place where it is compared.
    pub(super) fn copied_row(&self, row: &RowValue) -> Result<RowValue> {
        Ok(match row {
            RowValue::List(list) => {
                RowValue::List(list.iter().map(|expr| self.copied(expr)).collect::<Result<Vec<Expr>>>()?)
            }
            RowValue::Subquery(query) => {
                let copy = Expr::Subquery(query.clone());
                self.count_copy(&copy)?;
                match copy {
                    Expr::Subquery(query) => RowValue::Subquery(query),
                    scalar => RowValue::List(vec![scalar]),
                }
            }
        })
    }

    fn count_copy(&self, expr: &Expr) -> Result<()> {
        let (mut nodes, mut subquery) = (0, false);
        expr.any(|e| {
            nodes += 1;
            subquery |=
                matches!(e, Expr::Subquery(_) | Expr::Exists { .. } | Expr::In { .. } | Expr::CompareRows { .. });
            false
        });
        if subquery && self.context.copied_nodes(nodes) > MOST_COPIES {
            return Err(Error::sql("parser stack overflow"));
        }
        Ok(())
    }

    /// An alias that contains an aggregate or a window function is only good where one may stand.
    fn check_alias(&self, level: usize, alias: &str, expr: &Expr) -> Result<()> {
        let scope = &self.scopes[level];
        let is_windows = |e: &Expr| matches!(e, Expr::Window { core, .. } if *core == scope.core);
        if (level + 1 != self.scopes.len() || !scope.windows_allowed) && expr.any(is_windows) {
            return Err(Error::sql(format!("misuse of aliased window function {alias}")));
        }
        if scope.aggregate_use == AggregateUse::Allowed {
            return Ok(());
        }
        let mut name = None;
        expr.any(|e| match e {
            Expr::Aggregate { core, index } if *core == scope.core => {
                name = scope.aggregates.get(*index).map(|a| a.function.name.to_string());
                true
            }
            _ => false,
        });
        match name {
            None => Ok(()),
            Some(_) if scope.aggregate_use == AggregateUse::InGroupBy => {
                Err(Error::sql("aggregate functions are not allowed in the GROUP BY clause"))
            }
            Some(_) if scope.aggregate_use == AggregateUse::Nested => {
                Err(Error::sql(format!("misuse of aliased aggregate {alias}")))
            }
            Some(name) => Err(Error::sql(format!("misuse of aggregate: {name}()"))),
        }
    }

    /// A source of scope `level` is read: what lies between depends on it.
    pub(super) fn note_reference(&mut self, level: usize, source: SourceId) {
        for scope in &mut self.scopes[level + 1..] {
            scope.mark_outer(source);
        }
        let scope = &self.scopes[level];
        let at = scope.sources.iter().position(|s| s.id == source);
        if !at.and_then(|at| scope.info.get(at)).is_some_and(|info| info.of_no_query) {
            self.deepest = Some(self.deepest.map_or(level, |d| d.max(level)));
        }
    }
}

/// What an alias stands for, where the alias is: a COLLATE in it counts for who compares the alias itself.
fn of_alias(expr: Expr) -> Expr {
    match (explicit_collation(&expr), expr) {
        (Some(collation), Expr::Collate { expr, .. }) => Expr::Collate { expr, collation, alias: true },
        (Some(collation), expr) => Expr::Collate { expr: Box::new(expr), collation, alias: true },
        (None, expr) => expr,
    }
}
