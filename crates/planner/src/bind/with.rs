//! Common table expressions.
//!
//! One that is used once is a subquery at its place, and so is one that only joins, filters and computes, since the query around
//! it can take it up; any other that is used more often is shared (and computed once), NOT MATERIALIZED or not; a recursive one
//! becomes a [`Cte`] with its recursive arms.

use std::collections::HashMap;
use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{self, visit::Visit};

use super::Binder;
use super::from::{make_names_unique, rename_columns};
use super::scope::Scope;
use super::select::{add_affinities, compound_affinities};
use super::subtype::plain_columns;
use super::types::{add_collations, compound_collations};
use crate::plan::{Body, Cte, JoinKind, OutputColumn, Query, RecursiveCte, Relation, Source};

/// The names that one WITH clause declares.
pub(super) struct WithScope<'a> {
    ctes: Vec<Entry<'a>>,
    /// How many scopes its queries may see.
    visible_scopes: usize,
    /// Shared ones, in the order in which they can be computed.
    pub shared: Vec<Arc<Cte>>,
}

struct Entry<'a> {
    ast: &'a ast::Cte,
    uses: usize,
    /// How often it was bound as a subquery at its place.
    in_place: usize,
    state: State,
}

/// One that stands at more places is shared however simple it is: those that use each other twice would double with each step.
const MOST_IN_PLACE: usize = 8;

#[derive(Clone)]
enum State {
    Free,
    /// Its query is being bound: a reference is circular.
    Busy,
    /// Its recursive arms are being bound; the arm's own scope lies at `scope`.
    Recursive {
        id: u32,
        columns: Vec<OutputColumn>,
        scope: usize,
        seen: bool,
    },
    Shared(Arc<Cte>),
}

/// Collects the names of a WITH clause that FROM clauses and IN operators have, as often as they do.
struct Names<'p> {
    /// Where in the clause each name is, in lower case.
    places: &'p HashMap<String, usize>,
    found: Vec<usize>,
}

impl Names<'_> {
    fn name(&mut self, name: &ast::QualifiedName) {
        if name.schema.is_none()
            && let Some(place) = self.places.get(&name.name.text.to_ascii_lowercase())
        {
            self.found.push(*place);
        }
    }
}

impl Visit for Names<'_> {
    fn table_source(&mut self, source: &ast::TableSource) {
        if let ast::TableSource::Table(table) = source {
            self.name(&table.name);
        }
        ast::visit::walk_table_source(self, source);
    }

    fn expr(&mut self, expr: &ast::Expr) {
        if let ast::Expr::In(in_) = expr
            && let ast::InSet::Table { name, .. } = &in_.set
        {
            self.name(name);
        }
        ast::visit::walk_expr(self, expr);
    }
}

/// How often each name of a WITH clause is used, up to twice: one that is used by another counts as often as that one does, and
/// those that nobody uses do not count.
fn count_uses(with: &ast::With, select: &ast::Select) -> Vec<usize> {
    const MOST: usize = 2;
    let names = with.ctes.iter().map(|cte| cte.name.text.to_ascii_lowercase());
    let places: HashMap<String, usize> = names.zip(0..).collect();
    let named_in = |select: &ast::Select| {
        let mut names = Names { places: &places, found: Vec::new() };
        names.select(select);
        names.found
    };
    // What each of them names; and what the query itself does, without them.
    let named: Vec<Vec<usize>> = with.ctes.iter().map(|cte| named_in(&cte.select)).collect();
    let mut direct = vec![0_usize; named.len()];
    named_in(select).into_iter().for_each(|at| direct[at] += 1);
    named.iter().flatten().for_each(|&at| direct[at] = direct[at].saturating_sub(1));
    let mut uses: Vec<usize> = direct.into_iter().map(|count| count.min(MOST)).collect();
    // Whoever is used more often uses what it names more often. No count rises more than twice.
    let mut risen: Vec<(usize, usize)> = uses.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
    while let Some((user, more)) = risen.pop() {
        // A recursive one names itself.
        for &at in named[user].iter().filter(|at| **at != user) {
            let now = (uses[at] + more).min(MOST);
            let before = std::mem::replace(&mut uses[at], now);
            if now > before {
                risen.push((at, now - before));
            }
        }
    }
    uses
}

/// True when the core's own FROM (not a subquery in it) names the table.
fn reads_directly(core: &ast::SelectCore, name: &str) -> bool {
    fn in_source(source: &ast::TableSource, name: &str) -> bool {
        match source {
            ast::TableSource::Table(table) => table.name.schema.is_none() && table.name.name.is(name),
            ast::TableSource::Subquery { .. } => false,
            ast::TableSource::Join { from, .. } => in_from(from, name),
        }
    }
    fn in_from(from: &ast::FromClause, name: &str) -> bool {
        in_source(&from.first, name) || from.joins.iter().any(|j| in_source(&j.right, name))
    }
    match core {
        ast::SelectCore::Query(query) => query.from.as_ref().is_some_and(|from| in_from(from, name)),
        ast::SelectCore::Values(_) => false,
    }
}

impl<'a> Binder<'a> {
    /// Declare the names of a WITH clause; `user` is the query that it belongs to, for counting uses.
    pub(super) fn enter_with(&mut self, with: &'a ast::With, user: Option<&'a ast::Select>) -> Result<()> {
        let mut ctes: Vec<Entry<'a>> = Vec::with_capacity(with.ctes.len());
        for cte in &with.ctes {
            if ctes.iter().any(|e| e.ast.name.same_as(&cte.name)) {
                return Err(Error::sql(format!("duplicate WITH table name: {}", cte.name.text)));
            }
            ctes.push(Entry { ast: cte, uses: 1, in_place: 0, state: State::Free });
        }
        if let Some(select) = user {
            let uses = count_uses(with, select);
            ctes.iter_mut().zip(uses).for_each(|(entry, uses)| entry.uses = uses);
        }
        self.withs.push(WithScope { ctes, visible_scopes: self.scopes.len(), shared: Vec::new() });
        Ok(())
    }

    /// The names that WITH clauses around declare.
    pub(super) fn declared_ctes(&self) -> impl Iterator<Item = &str> {
        self.withs.iter().flat_map(|with| &with.ctes).map(|cte| cte.ast.name.as_str())
    }

    /// The relation behind a bare table name, if a CTE has it.
    pub(super) fn bind_cte_reference(&mut self, name: &str) -> Result<Option<(Relation, Arc<str>)>> {
        let find = |w: &WithScope<'_>| w.ctes.iter().position(|e| e.ast.name.is(name));
        let Some((level, at)) = self.withs.iter().enumerate().rev().find_map(|(l, w)| Some((l, find(w)?))) else {
            return Ok(None);
        };
        let entry = &mut self.withs[level].ctes[at];
        let cte_name: Arc<str> = entry.ast.name.as_str().into();
        match &mut entry.state {
            State::Free => {}
            State::Busy => return Err(Error::sql(format!("circular reference: {}", entry.ast.name.text))),
            State::Shared(cte) => return Ok(Some((Relation::Cte(cte.clone()), cte_name))),
            State::Recursive { id, columns, scope, seen } => {
                if self.scopes.len() != *scope + 1 {
                    return Err(Error::sql(format!("recursive reference in a subquery: {}", entry.ast.name.text)));
                }
                if std::mem::replace(seen, true) {
                    return Err(Error::sql(format!("multiple references to recursive table: {}", entry.ast.name.text)));
                }
                return Ok(Some((Relation::Recursive { cte: *id, columns: columns.clone() }, cte_name)));
            }
        }
        entry.state = State::Busy;
        let (ast, uses) = (entry.ast, entry.uses);
        let visible = self.withs[level].visible_scopes.min(self.scopes.len());
        // Its query sees what is visible at the WITH clause, not what is visible here.
        let mut hidden_scopes = self.scopes.split_off(visible);
        let hidden_withs = self.withs.split_off(level + 1);
        let bound = self.bind_cte(ast, uses, level, at);
        self.withs.truncate(level + 1);
        self.withs.extend(hidden_withs);
        self.withs[level].ctes[at].state = State::Free;
        if let Ok((_, outer)) = &bound {
            for scope in &mut hidden_scopes {
                outer.iter().for_each(|s| scope.mark_outer(*s));
            }
        }
        self.scopes.truncate(visible);
        self.scopes.extend(hidden_scopes);
        let (relation, _) = bound?;
        if let Relation::Cte(cte) = &relation
            && cte.shared
        {
            self.withs[level].ctes[at].state = State::Shared(cte.clone());
            self.withs[level].shared.push(cte.clone());
        }
        Ok(Some((relation, cte_name)))
    }

    fn bind_cte(
        &mut self,
        ast: &'a ast::Cte,
        uses: usize,
        level: usize,
        at: usize,
    ) -> Result<(Relation, Vec<crate::plan::SourceId>)> {
        let name: Arc<str> = ast.name.as_str().into();
        let materialize = match ast.materialized {
            ast::Materialized::Any => None,
            ast::Materialized::Yes => Some(true),
            ast::Materialized::No => Some(false),
        };
        let shared = uses > 1;
        let names: Vec<Arc<str>> = ast.columns.iter().map(|n| n.as_str().into()).collect();
        if let Some(first) = ast.select.body.rest.iter().position(|(_, core)| reads_directly(core, &name)) {
            let context = self.context;
            return context.in_name_of(&name, || {
                context.recursion_begins();
                self.bind_recursive(ast, first, names, shared, level, at)
            });
        }
        let context = self.context;
        let mut query = plain_columns(context.in_name_of(&name, || self.bind_select(&ast.select))?);
        name_columns(&mut query.columns, &names, &name)?;
        let outer = query.outer.clone();
        let in_place =
            self.withs.get_mut(level).and_then(|with| with.ctes.get_mut(at)).map(|entry| &mut entry.in_place);
        let fits_in_place = materialize != Some(true) && can_be_taken_up(&query);
        if shared && !in_place.is_some_and(|n| fits_in_place && std::mem::replace(n, *n + 1) < MOST_IN_PLACE) {
            // What is shared cannot be changed once the queries that use it are rewritten.
            crate::rewrite::rewrite(&mut query, context);
            let cte = Cte {
                id: self.context.new_cte(),
                name,
                columns: query.columns.clone(),
                query: *query,
                recursive: None,
                shared,
            };
            return Ok((Relation::Cte(Arc::new(cte)), outer));
        }
        Ok((Relation::Query { query, materialize, view: Some(name) }, outer))
    }

    fn bind_recursive(
        &mut self,
        ast: &'a ast::Cte,
        first: usize,
        names: Vec<Arc<str>>,
        shared: bool,
        level: usize,
        at: usize,
    ) -> Result<(Relation, Vec<crate::plan::SourceId>)> {
        let name: Arc<str> = ast.name.as_str().into();
        let body = &ast.select.body;
        let with_mark = self.withs.len();
        if let Some(with) = &ast.select.with {
            self.enter_with(with, Some(&ast.select))?;
        }
        let (setup, arms) = body.rest.split_at(first);
        let mut found = vec![None; ast.select.order_by.len()];
        let mut query = self.bind_cores(&body.first, setup, &ast.select.order_by, &mut found)?;
        name_columns(&mut query.columns, &names, &name)?;
        let mut columns = query.columns.clone();
        let mut outer = query.outer.clone();
        let id = self.context.new_cte();
        let (mut bound_arms, mut all) =
            self.bind_arms(ast, arms, &name, &columns, id, (level, at), &mut outer, &mut found)?;
        let mut affinities = compound_affinities(&query.body);
        bound_arms.iter().for_each(|arm| add_affinities(&mut affinities, &arm.body));
        let changed = columns.iter().zip(&affinities).any(|(c, a)| c.affinity != a.affinity());
        for (column, affinity) in columns.iter_mut().zip(&affinities) {
            column.affinity = affinity.affinity();
        }
        if changed && !self.binds_again {
            // The recursive terms have a say in the affinities that they see themselves.
            self.binds_again = true;
            let again = self.bind_arms(ast, arms, &name, &columns, id, (level, at), &mut outer, &mut found);
            self.binds_again = false;
            (bound_arms, all) = again?;
        }
        if let Some(with) = self.withs.get_mut(level) {
            with.ctes[at].state = State::Busy;
        }
        if let Some(last) = bound_arms.last() {
            // As in every compound, the last term declares the types.
            for (column, last) in columns.iter_mut().zip(&last.columns) {
                column.nested_type.clone_from(&last.nested_type);
            }
        }
        let mut collations = compound_collations(&query.body);
        bound_arms.iter().for_each(|arm| add_collations(&mut collations, compound_collations(&arm.body)));
        let order_by = self.compound_order_by(&ast.select.order_by, &found, &collations)?;
        let collations = collations.into_iter().map(Option::unwrap_or_default).collect();
        let (limit, offset) = self.bind_limit(ast.select.limit.as_ref())?;
        query.ctes = self.leave_with(with_mark);
        query.outer = outer.clone();
        let recursive = Some(RecursiveCte { arms: bound_arms, all, collations, order_by, limit, offset });
        let cte = Cte { id, name, columns, query, recursive, shared };
        Ok((Relation::Cte(Arc::new(cte)), outer))
    }

    /// Bind the recursive terms with these columns of the table that they read. Also answers whether equal rows are kept.
    fn bind_arms(
        &mut self,
        ast: &'a ast::Cte,
        arms: &'a [(ast::CompoundOp, ast::SelectCore)],
        name: &Arc<str>,
        columns: &[OutputColumn],
        id: u32,
        (level, at): (usize, usize),
        outer: &mut Vec<crate::plan::SourceId>,
        found: &mut [Option<usize>],
    ) -> Result<(Vec<Query>, bool)> {
        let mut all = true;
        let mut bound_arms = Vec::with_capacity(arms.len());
        for (op, core) in arms {
            match op {
                ast::CompoundOp::UnionAll => {}
                ast::CompoundOp::Union => all = false,
                _ => return Err(Error::sql(format!("circular reference: {name}"))),
            }
            // The recursive terms are those behind the last operator of another kind.
            if !reads_directly(core, name) || arms.last().is_some_and(|(last, _)| last != op) {
                return Err(Error::sql(format!("circular reference: {name}")));
            }
            if let Some(with) = self.withs.get_mut(level) {
                let scope = self.scopes.len();
                with.ctes[at].state = State::Recursive { id, columns: columns.to_vec(), scope, seen: false };
            }
            let arm = self.bind_cores(core, &[], &ast.select.order_by, found)?;
            if arm.columns.len() != columns.len() {
                let op = if all { "UNION ALL" } else { "UNION" };
                return Err(Error::sql(format!(
                    "SELECTs to the left and right of {op} do not have the same number of result columns"
                )));
            }
            if matches!(&arm.body, Body::Core(core) if !core.aggregates.is_empty() || !core.group_by.is_empty()) {
                return Err(Error::sql("recursive aggregate queries not supported"));
            }
            if matches!(&arm.body, Body::Core(core) if !core.windows.is_empty()) {
                return Err(Error::sql("cannot use window functions in recursive queries"));
            }
            for source in &arm.outer {
                if !outer.contains(source) {
                    outer.push(*source);
                }
            }
            bound_arms.push(arm);
        }
        Ok((bound_arms, all))
    }

    /// Forget the WITH clauses from `mark` on; what they share comes back.
    pub(super) fn leave_with(&mut self, mark: usize) -> Vec<Arc<Cte>> {
        if self.withs.len() <= mark {
            return Vec::new();
        }
        self.withs.drain(mark..).flat_map(|w| w.shared).collect()
    }

    /// A scope for a core of its own.
    pub(super) fn core_scope(&mut self) {
        let core = self.context.new_core();
        self.scopes.push(Scope::new(core));
    }
}

/// Whether a query that reads this one in FROM can take it up, wherever it stands there.
fn can_be_taken_up(query: &Query) -> bool {
    let Body::Core(core) = &query.body else { return false };
    let right = |s: &Source| matches!(s.join, JoinKind::Right | JoinKind::Full);
    let whole = query.limit.is_none() && query.offset.is_none() && query.ctes.is_empty();
    whole && core.only_joins() && !core.sources.iter().any(right)
}

fn name_columns(columns: &mut [OutputColumn], names: &[Arc<str>], cte: &str) -> Result<()> {
    if names.is_empty() {
        make_names_unique(columns);
        return Ok(());
    }
    rename_columns(columns, names, cte, false)
}
