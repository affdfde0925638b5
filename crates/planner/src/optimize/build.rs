//! From the chosen paths to the plan: access paths with their values, and the place where each condition is checked.
//!
//! A condition is checked as early as its sources allow; not at all when the path has used all of it. Conditions of an outer
//! join's ON stay with its loop. Conditions of WHERE over a source that may be on a NULL row are checked after that row has
//! been supplied.

use turso_error::{Error, Result};
use turso_program::expression::CompareOp;

use super::cost::number;
use super::is_right;
use super::path::{Finder, Path, PathKind, can_build_on, rows_of};
use super::search::Chosen;
use super::source::SourceInfo;
use super::terms::{Key, Mask, Op, Terms, Usable};
use crate::plan::{
    Access, AutoIndex, AutoKey, Bound, ColumnIndex, CompareHow, EqualTerm, Expr, IndexAccess, JoinKind, JoinPlan,
    Level, OrArm, OrderTerm, Relation, SourceId, Wish,
};

/// Build the plan of a chosen sequence.
pub(super) fn build(
    infos: &[SourceInfo<'_>],
    terms: &Terms<'_>,
    paths: &[Path],
    chosen: &Chosen,
    wish: &Wish,
) -> Result<JoinPlan> {
    let mut builder = Builder { infos, terms, wish, used_parts: vec![0; terms.terms.len()], inside: 0 };
    let levels = Vec::with_capacity(chosen.paths.len());
    let mut plan = JoinPlan { levels, single_row: true, rows: number(chosen.rows).max(1.0), ..JoinPlan::default() };
    for (k, &p) in chosen.paths.iter().enumerate() {
        let path = paths.get(p).ok_or_else(|| Error::sql("the plan names a path that is not there"))?;
        let info = &infos[path.source];
        let mut access = builder.access(path, k == 0)?;
        if chosen.delivered.reverse & (1 << k) != 0 {
            access.set_reverse(true);
        }
        builder.inside |= 1 << path.source;
        plan.single_row &= path.one_row || info.source.exists;
        plan.levels.push(Level {
            position: path.source,
            source: info.source.id,
            join: info.source.join,
            access,
            filters: Vec::new(),
            after_outer: Vec::new(),
            one_row: path.one_row,
            rows: rows_of(path.out),
            cost: number(path.run),
        });
    }
    if plan.levels.iter().any(|l| is_right(l.join)) {
        plan.single_row = false;
    }
    builder.place_filters(&mut plan);
    builder.place_derived(&mut plan, chosen.paths.iter().filter_map(|&p| paths.get(p)));
    let count = chosen.delivered.count.unwrap_or(0);
    plan.order_satisfied = count;
    let term = |&(i, descending): &(usize, bool)| wish.order.get(i).map(|t| OrderTerm { descending, ..t.clone() });
    plan.delivered_order = if wish.order_is_free {
        if count == wish.order.len() { chosen.delivered.terms.iter().filter_map(term).collect() } else { Vec::new() }
    } else {
        wish.order.iter().take(count).cloned().collect()
    };
    plan.min_max = wish.min_max;
    Ok(plan)
}

struct Builder<'b, 'a> {
    infos: &'b [SourceInfo<'a>],
    terms: &'b Terms<'a>,
    wish: &'b Wish,
    /// By term: the parts that paths have used.
    used_parts: Vec<u8>,
    /// Sources of the loops so far.
    inside: Mask,
}

impl Builder<'_, '_> {
    fn access(&mut self, path: &Path, outermost: bool) -> Result<Access> {
        match &path.kind {
            PathKind::Produced => {
                let asked = matches!(
                    self.infos.get(path.source).map(|info| &info.source.relation),
                    Some(Relation::Query { materialize: Some(true), .. })
                );
                return Ok(Access::Produced { materialized: asked || !outermost });
            }
            PathKind::Auto => return Ok(Access::AutoIndex(self.automatic(path.source))),
            PathKind::Or { term, arms } => return self.multi_or(path, *term, arms),
            PathKind::Virtual(scan) => {
                for &(term, part) in &scan.omitted {
                    self.used_parts[term] |= part;
                }
                return Ok(Access::Virtual(scan.scan.clone()));
            }
            _ => {}
        }
        for &u in &path.uses {
            let u = &self.terms.usable[u];
            self.used_parts[u.term] |= u.part;
        }
        let mut access = table_access(&self.infos[path.source], self.terms, path)?;
        // The rows of a right side are known by what the table itself has.
        if let Access::Index(IndexAccess { covering, .. }) | Access::IndexScan { covering, .. } = &mut access
            && is_right(self.infos[path.source].source.join)
        {
            *covering = false;
        }
        Ok(access)
    }

    /// The automatic index that serves all equalities known at this point.
    fn automatic(&mut self, position: usize) -> AutoIndex {
        let info = &self.infos[position];
        let mut key: Vec<AutoKey> = Vec::new();
        // SQLite's order: terms with the column on the left, then the others from the last to the first.
        let (commuted, direct): (Vec<_>, Vec<_>) = self.terms.usable.iter().partition(|u| u.commuted);
        for u in direct.into_iter().chain(commuted.into_iter().rev()) {
            let (Key::Column(column), Some(value)) = (&u.key, &u.value) else { continue };
            if u.source != position
                || !can_build_on(u)
                || u.needs & !self.inside != 0
                || key.iter().any(|k| k.column == *column)
            {
                continue;
            }
            self.used_parts[u.term] |= u.part;
            key.push(AutoKey {
                column: *column,
                value: value.as_ref().clone(),
                affinity: u.affinity,
                collation: u.collation.clone(),
                nulls: matches!(u.op, Op::Is),
            });
        }
        let columns = match (&info.table, &info.source.relation) {
            (Some(table), _) => table.columns.len() + info.source.indexed.len(),
            (None, crate::plan::Relation::Query { query, .. }) => query.columns.len(),
            (None, crate::plan::Relation::Cte(cte)) => cte.columns.len(),
            _ => 0,
        };
        let is_key = |c: usize| key.iter().any(|k| k.column == ColumnIndex::Column(c as u16));
        let extra = info.used.columns(columns).filter(|&c| !is_key(c)).map(|c| c as u16).collect();
        let own = |e: &Expr| {
            let mut own = !e.has_subquery() && !e.is_volatile();
            e.for_each_column(|id, _| own &= id == info.source.id);
            own
        };
        let mut partial = Vec::new();
        if info.table.is_some() {
            for (i, term) in self.terms.terms.iter().enumerate() {
                let drives = term.reads == 1 << position && !term.derived && self.terms.may_drive(i, position);
                if drives && own(&term.expr) {
                    partial.push(term.expr.as_ref().clone());
                    self.used_parts[i] = u8::MAX;
                }
            }
        }
        AutoIndex { key, extra, partial }
    }

    fn multi_or(&mut self, path: &Path, term: usize, arms: &[super::path::ArmPath]) -> Result<Access> {
        let info = &self.infos[path.source];
        let available = self.inside | 1 << path.source;
        let mut arm_terms = self.terms.arms_of(&self.terms.terms[term]);
        let mut complete = true;
        let mut list = Vec::with_capacity(arms.len());
        for arm in arms {
            let terms =
                arm_terms.get_mut(arm.arm).ok_or_else(|| Error::sql("the plan names an arm that is not there"))?;
            let own = terms.terms.len();
            // The conditions around the OR help each arm too.
            for (i, t) in self.terms.terms.iter().enumerate() {
                let helps = i != term && !t.derived && t.reads & !available == 0 && t.reads & (1 << path.source) != 0;
                if let std::borrow::Cow::Borrowed(expr) = t.expr
                    && helps
                    && !matches!(expr, Expr::Or(..))
                    && self.terms.may_drive(i, path.source)
                {
                    terms.add(expr, t.on_of);
                }
            }
            let finder = Finder {
                info,
                position: path.source,
                terms,
                wish: self.wish,
                paths: Vec::new(),
                in_or: true,
                automatic: false,
            };
            let found = finder.find();
            let path = found
                .iter()
                .filter(|p| p.needs & !self.inside == 0)
                .min_by_key(|p| (p.run, p.out))
                .unwrap_or(&arm.path);
            let mut access = table_access(info, terms, path)?;
            if let Access::Index(search) = &mut access {
                search.covering = false;
            }
            let (mut before, mut filters) = (Vec::new(), Vec::new());
            for (i, t) in terms.terms.iter().enumerate().take(own).filter(|(_, t)| !t.derived) {
                let used =
                    path.uses.iter().map(|&u| &terms.usable[u]).filter(|u| u.term == i).fold(0, |m, u| m | u.part);
                if t.parts != 0 && used == t.parts {
                    continue;
                }
                if t.reads & !available == 0 {
                    let outside = t.reads & (1 << path.source) == 0;
                    let list = if outside { &mut before } else { &mut filters };
                    list.push(t.expr.as_ref().clone());
                } else {
                    complete = false;
                }
            }
            list.push(OrArm { access, before, filters });
        }
        if complete {
            self.used_parts[term] = u8::MAX;
        }
        Ok(Access::MultiOr { arms: list })
    }

    /// What follows from an equality and a constant is checked where its loop comes before the one of the constant: `a = b AND b = 5`
    /// keeps the rows of the first loop that could not join anyway from the loops between.
    fn place_derived<'p>(&self, plan: &mut JoinPlan, paths: impl Iterator<Item = &'p Path>) {
        if !self.terms.terms.iter().any(|t| t.derived) || plan.levels.iter().any(|l| is_right(l.join)) {
            return;
        }
        for (outer, path) in paths.enumerate() {
            let info = &self.infos[path.source];
            if !matches!(info.source.join, JoinKind::Inner | JoinKind::Cross) || info.source.exists {
                continue;
            }
            let later = plan.levels.iter().skip(outer + 1).fold(0, |mask: Mask, level| mask | 1 << level.position);
            let follows = |i: usize, u: &Usable<'_>| {
                let term = &self.terms.terms[u.term];
                u.source == path.source && term.derived && term.reads & later != 0 && !path.uses.contains(&i)
            };
            let filters = self.terms.usable.iter().enumerate().filter(|(i, u)| follows(*i, u));
            let filters: Vec<Expr> =
                filters.filter_map(|(_, u)| constant_comparison(self.terms, info.source.id, u)).collect();
            if let Some(level) = plan.levels.get_mut(outer) {
                // Before subqueries, which come last.
                level.filters.splice(0..0, filters);
            }
        }
    }

    /// Put every condition that is still to be checked where it belongs.
    fn place_filters(&self, plan: &mut JoinPlan) {
        let level_of =
            |position: usize, plan: &JoinPlan| plan.levels.iter().position(|l| l.position == position).unwrap_or(0);
        let last_right = plan.levels.iter().rposition(|l| is_right(l.join));
        let mut late = Vec::new();
        for (i, term) in self.terms.terms.iter().enumerate() {
            let done =
                term.derived || (term.parts != 0 && self.used_parts[i] == term.parts) || self.used_parts[i] == u8::MAX;
            if done {
                continue;
            }
            let expr = term.expr.as_ref().clone();
            let mut level = (0..self.infos.len())
                .filter(|p| term.reads & (1 << p) != 0)
                .map(|p| level_of(p, plan))
                .max()
                .unwrap_or(0);
            let on_outer =
                term.on_of.filter(|&p| !matches!(self.infos[p].source.join, JoinKind::Inner | JoinKind::Cross));
            if let Some(on) = on_outer {
                let level = level.max(level_of(on, plan));
                plan.levels[level].filters.push(expr);
                continue;
            }
            if term.reads == 0 && expr.is_loop_constant() && (term.on_of.is_none() || last_right.is_none()) {
                plan.constant_filters.push(expr);
                continue;
            }
            // WHERE comes after every RIGHT JOIN, the ON of an inner join after those before it.
            let right = match term.on_of {
                None => last_right,
                Some(on) => plan.levels.iter().rposition(|l| is_right(l.join) && l.position <= on),
            };
            level = level.max(right.unwrap_or(0));
            if let Some(on) = term.on_of
                && last_right.is_some()
            {
                level = level.max(level_of(on, plan));
            }
            if last_right.is_none() && expr.has_correlated_subquery() {
                late.push((level, expr));
                continue;
            }
            let target = &mut plan.levels[level];
            if matches!(target.join, JoinKind::Inner | JoinKind::Cross) {
                target.filters.push(expr);
            } else {
                target.after_outer.push(expr);
            }
        }
        for (level, expr) in late {
            let level = after_cheap_filters(plan, level);
            let target = &mut plan.levels[level];
            if matches!(target.join, JoinKind::Inner | JoinKind::Cross) {
                target.filters.push(expr);
            } else {
                target.after_outer.push(expr);
            }
        }
        for level in &mut plan.levels {
            // Subqueries cost most.
            for filters in [&mut level.filters, &mut level.after_outer] {
                if filters.len() > 1 {
                    filters.sort_by_key(|e| (e.has_correlated_subquery(), e.has_subquery()));
                }
            }
        }
    }
}

/// What a term says of a column and a constant, as a condition.
fn constant_comparison(terms: &Terms<'_>, source: SourceId, u: &Usable<'_>) -> Option<Expr> {
    // Of a row value only the first column is known: where that is equal, the others decide.
    let op = match u.op {
        Op::Equal => CompareOp::Eq,
        Op::Low { inclusive } if inclusive || u.more_than_known => CompareOp::Ge,
        Op::Low { .. } => CompareOp::Gt,
        Op::High { inclusive } if inclusive || u.more_than_known => CompareOp::Le,
        Op::High { .. } => CompareOp::Lt,
        Op::Is | Op::IsNull | Op::In => return None,
    };
    let value @ (Expr::Literal(_) | Expr::Parameter(_)) = u.value.as_deref()? else { return None };
    let Key::Column(column) = &u.key else { return None };
    // The column as the equality has it.
    let is_it = |e: &&Expr| matches!(e, Expr::Column { source: s, column: c, .. } if *s == source && c == column);
    let left = terms.usable.iter().filter_map(|u| u.value.as_deref()).find(is_it)?.clone();
    let how = CompareHow { affinity: u.affinity, collation: u.collation.clone() };
    Some(Expr::Compare { op, left: Box::new(left), right: Box::new(value.clone()), how, null_equal: false })
}

/// Where a condition goes whose subquery runs for each row: behind the cheap conditions of the loops further inside, as long as
/// those find one row at most, so that it is never checked more often.
fn after_cheap_filters(plan: &JoinPlan, level: usize) -> usize {
    let inside = plan.levels.iter().enumerate().skip(level + 1);
    let few = inside.take_while(|(_, l)| l.one_row && matches!(l.join, JoinKind::Inner | JoinKind::Cross));
    let checked = few.filter(|(_, l)| l.filters.iter().any(|e| !e.has_correlated_subquery()));
    checked.last().map_or(level, |(at, _)| at)
}

/// The access path in a table's own trees.
fn table_access(info: &SourceInfo<'_>, terms: &Terms<'_>, path: &Path) -> Result<Access> {
    let usable = |i: usize| terms.usable.get(i).ok_or_else(|| Error::sql("the plan names a term that is not there"));
    let value =
        |u: &Usable<'_>| u.value.as_deref().cloned().ok_or_else(|| Error::sql("the plan names a term without value"));
    let index_at =
        |i: usize| info.indexes.get(i).ok_or_else(|| Error::sql("the plan names an index that is not there"));
    let bound = |i: Option<usize>, width: usize| -> Result<Option<Bound>> {
        let Some(i) = i else { return Ok(None) };
        let u = usable(i)?;
        let mut bound = Bound { values: vec![value(u)?], affinities: vec![u.affinity], inclusive: false };
        for part in u.more.iter().take(width - 1) {
            bound.values.push(part.value.as_ref().clone());
            bound.affinities.push(part.affinity);
        }
        // Only the first columns of a longer row value: equal ones may still pass.
        let partial = width < 1 + u.more.len() || u.more_than_known;
        bound.inclusive = partial || matches!(u.op, Op::Low { inclusive: true } | Op::High { inclusive: true });
        Ok(Some(bound))
    };
    match &path.kind {
        PathKind::Scan => Ok(Access::Scan { reverse: false }),
        PathKind::IndexScan { index } => {
            let index = index_at(*index)?;
            Ok(Access::IndexScan { index: index.index.clone(), covering: index.covering, reverse: false })
        }
        PathKind::Rowid => Ok(Access::Rowid { key: value(usable(first(&path.uses)?)?)? }),
        PathKind::RowidIn => Ok(Access::RowidIn { term: value(usable(first(&path.uses)?)?)?, reverse: false }),
        PathKind::RowidRange { low, high } => {
            Ok(Access::RowidRange { low: bound(*low, 1)?, high: bound(*high, 1)?, reverse: false })
        }
        PathKind::Index { index, skip, equal, low, high, width } => {
            let index = index_at(*index)?;
            let mut list = Vec::with_capacity(equal.len());
            for &i in equal {
                let u = usable(i)?;
                list.push(match u.op {
                    Op::IsNull => EqualTerm::Null,
                    Op::Is => EqualTerm::Is(value(u)?, u.affinity),
                    Op::In => EqualTerm::In(value(u)?),
                    _ => EqualTerm::Equal(value(u)?, u.affinity),
                });
            }
            let pattern = match low {
                Some(i) => usable(*i)?.pattern,
                None => false,
            };
            Ok(Access::Index(IndexAccess {
                index: index.index.clone(),
                covering: index.covering,
                skip: *skip,
                equal: list,
                low: bound(*low, *width)?,
                high: bound(*high, *width)?,
                pattern,
                reverse: false,
            }))
        }
        PathKind::Auto | PathKind::Or { .. } | PathKind::Produced | PathKind::Virtual(_) => {
            Err(Error::sql("the plan nests paths that do not nest"))
        }
    }
}

fn first(uses: &[usize]) -> Result<usize> {
    uses.first().copied().ok_or_else(|| Error::sql("the plan names a path without terms"))
}
