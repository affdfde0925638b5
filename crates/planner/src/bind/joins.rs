//! FROM: how its items join.
//!
//! Conditions of inner joins go to the caller's filter, those of outer joins stay with the source on their right. Where a RIGHT
//! or FULL JOIN is near every condition stays with its source: WHERE comes only after the rows that found no partner.
//!
//! Joined items in parentheses are part of the FROM around them when they stand first in it, or when all is inner. Otherwise they
//! become a subquery of all their columns, whose parts can still be named.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::expression::CompareOp;

use super::Binder;
use super::from::{all_columns, make_names_unique, output_columns, query_of_all};
use super::scope::{Part, Scope, SourceInfo, bare_columns, column_count, column_expr, column_name};
use super::subtype::plain_columns;
use super::types::compare_how;
use crate::plan::{ColumnIndex, Expr, JoinKind, Query, Relation};

/// A condition that is bound once all sources are known.
enum Condition<'a> {
    On(&'a ast::Expr),
    Using(&'a [ast::Name]),
    Natural,
}

/// Where the condition of a join goes.
#[derive(Clone, Copy)]
struct Place {
    /// The source on the right of the join.
    position: usize,
    /// It stays with that source.
    stays: bool,
}

/// Most sources in one FROM clause (SQLite's limit).
const MAX_SOURCES: usize = 64;

fn is_right(join: &ast::Join) -> bool {
    matches!(join.op.kind, ast::JoinKind::Right | ast::JoinKind::Full)
}

impl<'a> Binder<'a> {
    /// Bind joined items into the innermost scope; the result holds the conditions of inner joins. What is wrong with an ON
    /// clause is left in `on_error`: result columns and WHERE have errors before it.
    pub(super) fn bind_joins(&mut self, first: &'a ast::TableSource, joins: &'a [ast::Join]) -> Result<Vec<Expr>> {
        let mut filter = Vec::new();
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.reserve_exact(joins.len() + 1);
            scope.info.reserve_exact(joins.len() + 1);
        }
        // Joins lean to the left: parentheses around the first of them mean nothing.
        let (mut first, mut chain) = (first, vec![joins]);
        while let ast::TableSource::Join { from, alias: None, .. } = first {
            first = &from.first;
            chain.push(&from.joins);
        }
        let joins = || chain.iter().rev().flat_map(|joins| joins.iter());
        let right_near = joins().any(is_right);
        self.add_item(first, JoinKind::Inner, false, &mut filter)?;
        let mut conditions = Vec::new();
        for join in joins() {
            let kind = match join.op.kind {
                ast::JoinKind::Comma | ast::JoinKind::Inner => JoinKind::Inner,
                ast::JoinKind::Cross => JoinKind::Cross,
                ast::JoinKind::Left => JoinKind::Left,
                ast::JoinKind::Right => JoinKind::Right,
                ast::JoinKind::Full => JoinKind::Full,
            };
            let position = self.source_count();
            self.add_item(&join.right, kind, right_near, &mut filter)?;
            if let Some(condition) = condition_of(join)? {
                let stays = right_near || !matches!(kind, JoinKind::Inner | JoinKind::Cross);
                conditions.push((Place { position, stays }, condition));
            }
        }
        if self.source_count() > MAX_SOURCES {
            return Err(Error::sql(format!("at most {MAX_SOURCES} tables in a join")));
        }
        self.bind_pending_arguments()?;
        // USING and NATURAL first: they decide what a bare name in an ON clause means.
        for (place, condition) in &conditions {
            let names: Vec<Arc<str>> = match condition {
                Condition::On(_) => continue,
                Condition::Using(names) => names.iter().map(|n| Arc::from(n.as_str())).collect(),
                Condition::Natural => self.common_columns(place.position),
            };
            self.bind_using(*place, right_near, &names, &mut filter)?;
        }
        for (place, condition) in conditions {
            let Condition::On(on) = condition else { continue };
            match self.bind_conjuncts(on).and_then(|bound| self.check_reach(place.position, &bound).map(|()| bound)) {
                Ok(bound) => self.put_conditions(place, bound, &mut filter),
                Err(error) if error.is_pending() => return Err(error),
                Err(error) => {
                    self.on_error.get_or_insert(error);
                }
            }
        }
        Ok(filter)
    }

    /// The same where nothing else is bound afterwards.
    pub(super) fn bind_all_joins(&mut self, first: &'a ast::TableSource, joins: &'a [ast::Join]) -> Result<Vec<Expr>> {
        let filter = self.bind_joins(first, joins)?;
        self.on_error.take().map_or(Ok(filter), Err)
    }

    fn source_count(&self) -> usize {
        self.scopes.last().map_or(0, |s| s.sources.len())
    }

    fn put_conditions(&mut self, place: Place, conditions: Vec<Expr>, filter: &mut Vec<Expr>) {
        match self.scopes.last_mut().and_then(|s| s.sources.get_mut(place.position)) {
            Some(source) if place.stays => source.on.extend(conditions),
            _ => filter.extend(conditions),
        }
    }

    /// In a FROM with outer joins an ON clause may not name what comes later.
    fn check_reach(&self, position: usize, conditions: &[Expr]) -> Result<()> {
        let Some(scope) = self.scopes.last() else { return Ok(()) };
        let inner = |kind: JoinKind| matches!(kind, JoinKind::Inner | JoinKind::Cross);
        if scope.sources.iter().all(|s| inner(s.join)) {
            return Ok(());
        }
        let later: Vec<_> = scope.sources.iter().skip(position + 1).map(|s| s.id).collect();
        let is_later = |e: &Expr| matches!(e, Expr::Column { source, .. } if later.contains(source));
        match conditions.iter().any(|e| e.any(is_later)) {
            true => Err(Error::sql("ON clause references tables to its right")),
            false => Ok(()),
        }
    }

    /// Add one item to the innermost scope.
    fn add_item(
        &mut self,
        item: &'a ast::TableSource,
        join: JoinKind,
        right_near: bool,
        filter: &mut Vec<Expr>,
    ) -> Result<()> {
        match item {
            ast::TableSource::Table(table) => {
                let (mut source, info) = self.bind_table(table)?;
                let args = table.args.as_deref().unwrap_or(&[]);
                if matches!(source.relation, Relation::Virtual { .. }) {
                    if matches!(join, JoinKind::Right | JoinKind::Full) {
                        source = self.kept_virtual(source, args)?;
                    } else if !args.is_empty() {
                        self.functions.push((source.id, args));
                    }
                }
                source.join = join;
                self.add_source(source, info);
            }
            ast::TableSource::Subquery { select, alias } => {
                let mut query = self.outside_scope(|b| Ok(*plain_columns(b.bind_select(select)?)))?;
                make_names_unique(&mut query.columns);
                let name = alias.as_ref().map(|a| Arc::from(a.as_str()));
                let source = self.query_source(query, name, alias.is_some(), join, None);
                self.add_source(source, SourceInfo::default());
            }
            ast::TableSource::Join { from, alias, number } => {
                let plain = from.joins.iter().all(|j| {
                    matches!(j.op.kind, ast::JoinKind::Comma | ast::JoinKind::Inner)
                        && !j.op.natural
                        && !matches!(j.constraint, Some(ast::JoinConstraint::Using(_)))
                });
                if alias.is_none() && plain && join == JoinKind::Inner && !right_near {
                    // Inner joins are associative: the parentheses mean nothing.
                    let inner = self.bind_all_joins(&from.first, &from.joins)?;
                    filter.extend(inner);
                    return Ok(());
                }
                self.add_nested(from, alias.as_ref(), join, self.first_number + number)?;
            }
        }
        Ok(())
    }

    /// Joined sources in parentheses that cannot be flattened: a subquery of all their columns.
    fn add_nested(
        &mut self,
        from: &'a ast::FromClause,
        alias: Option<&'a ast::Name>,
        join: JoinKind,
        number: u32,
    ) -> Result<()> {
        let mut info = SourceInfo::default();
        let query = self.outside_scope(|b| {
            b.scopes.push(Scope::new(b.context.new_core()));
            let filter = b.bind_all_joins(&from.first, &from.joins);
            let Some(scope) = b.scopes.pop() else { return Err(Error::sql("no tables specified")) };
            let filter = filter?;
            let nested = nested_columns(&scope)?;
            if alias.is_some() {
                let pick = |&i: &usize| Some((nested.names.get(i)?.clone(), nested.output.get(i)?.clone()));
                let (names, output) = nested.visible.iter().filter_map(pick).unzip();
                return Ok(nested_query(scope, filter, names, output));
            }
            info.parts = nested.parts;
            info.visible = nested.visible;
            Ok(nested_query(scope, filter, nested.names, nested.output))
        })?;
        let name = alias.map_or_else(|| format!("(join-{number})").into(), |a| Arc::from(a.as_str()));
        let source = self.query_source(query, Some(name), alias.is_some(), join, None);
        self.add_source(source, info);
        Ok(())
    }

    /// The columns that a NATURAL join equates: those of the right source that some source on the left has, too.
    fn common_columns(&self, position: usize) -> Vec<Arc<str>> {
        let Some(scope) = self.scopes.last() else { return Vec::new() };
        let has = |at: usize, name: &str| scope.bare_column(at, name).is_some();
        let (Some(source), Some(info)) = (scope.sources.get(position), scope.info.get(position)) else {
            return Vec::new();
        };
        bare_columns(source, info)
            .map(|c| column_name(source, c))
            .filter(|name| (0..position).any(|at| has(at, name)))
            .collect()
    }

    /// `left.name = right.name` for each name; the right column is merged into the left one. Near a RIGHT or FULL JOIN the left
    /// operand is what the sources before have under that name.
    fn bind_using(&mut self, place: Place, right_near: bool, names: &[Arc<str>], filter: &mut Vec<Expr>) -> Result<()> {
        let position = place.position;
        for name in names {
            let Some(scope) = self.scopes.last_mut() else { return Ok(()) };
            let missing = || Error::sql(format!("cannot join using column {name} - column not present in both tables"));
            let right_column = scope.bare_column(position, name).ok_or_else(missing)?;
            let mut left = Vec::new();
            for at in 0..position {
                let Some(c) = scope.bare_column(at, name) else { continue };
                let (Some(source), Some(info)) = (scope.sources.get(at), scope.info.get(at)) else { continue };
                if !left.is_empty() && !right_near {
                    break;
                }
                if !left.is_empty() && !info.merged.contains(&c) {
                    return Err(Error::sql(format!("ambiguous reference to {name} in USING()")));
                }
                left.push(column_expr(source, ColumnIndex::Column(c as u16)));
            }
            let left = Expr::first_of(left).ok_or_else(missing)?;
            let right = scope.sources.get(position).ok_or_else(missing)?;
            let right = column_expr(right, ColumnIndex::Column(right_column as u16));
            let how = compare_how(&left, &right);
            let (left, right) = (Box::new(left), Box::new(right));
            let equal = Expr::Compare { op: CompareOp::Eq, left, right, how, null_equal: false };
            if let Some(info) = scope.info.get_mut(position) {
                info.merged.push(right_column);
            }
            self.put_conditions(place, vec![equal], filter);
        }
        Ok(())
    }
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
        Some(ast::JoinConstraint::Using(names)) => Some(Condition::Using(names)),
    })
}

/// The output of a subquery that stands for joined sources: all their columns, then those that USING makes of several.
struct Nested {
    names: Vec<Arc<str>>,
    output: Vec<Expr>,
    /// Where the columns of each source lie.
    parts: Vec<Part>,
    /// What a star and bare names see, in the order of the star: the columns that USING joins come before the others of the
    /// table on their left.
    visible: Vec<usize>,
}

fn nested_columns(scope: &Scope) -> Result<Nested> {
    let output = all_columns(scope);
    let names = scope.sources.iter().flat_map(|s| (0..column_count(s)).map(move |i| column_name(s, i))).collect();
    let mut nested = Nested { names, output, parts: Vec::new(), visible: Vec::new() };
    let mut starts = Vec::with_capacity(scope.sources.len());
    let mut start = 0;
    for (source, info) in scope.sources.iter().zip(&scope.info) {
        let count = column_count(source);
        starts.push(start);
        if info.parts.is_empty() {
            let (name, schema) = (source.name.clone(), info.schema.clone());
            nested.parts.push(Part { name, schema, start, end: start + count });
        } else {
            let moved = |p: &Part| Part { start: start + p.start, end: start + p.end, ..p.clone() };
            nested.parts.extend(info.parts.iter().map(moved));
        }
        start += count;
    }
    let mut taken: Vec<usize> = Vec::new();
    for (i, (source, info)) in scope.sources.iter().zip(&scope.info).enumerate() {
        if let (Some(next), Some(joined)) = (scope.sources.get(i + 1), scope.info.get(i + 1)) {
            for &c in &joined.merged {
                let name = column_name(next, c);
                let Some((at, head)) = (0..=i).find_map(|at| Some((at, scope.bare_column(at, &name)?))) else {
                    continue;
                };
                let place = starts[at] + head;
                if taken.contains(&place) {
                    continue;
                }
                taken.push(place);
                let shown = match scope.merged_expr(at, head)? {
                    Expr::Column { source, column: ColumnIndex::Column(c), .. } => {
                        let at = scope.sources.iter().position(|s| s.id == source).unwrap_or(at);
                        starts[at] + usize::from(c)
                    }
                    merged => {
                        nested.output.push(merged);
                        nested.names.push(name);
                        nested.output.len() - 1
                    }
                };
                nested.visible.push(shown);
            }
        }
        for c in bare_columns(source, info) {
            if !info.merged.contains(&c) && !taken.contains(&(starts[i] + c)) {
                nested.visible.push(starts[i] + c);
            }
        }
    }
    Ok(nested)
}

fn nested_query(scope: Scope, filter: Vec<Expr>, names: Vec<Arc<str>>, output: Vec<Expr>) -> Query {
    let columns = output_columns(&scope, &names, &output);
    query_of_all(scope, filter, output, columns)
}
