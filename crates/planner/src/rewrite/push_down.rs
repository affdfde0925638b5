//! A condition on a subquery's columns moves into the subquery (`optoverview.html`, section 15).
//!
//! Precondition: the condition reads nothing of this core but the subquery, whose rows no RIGHT or FULL join fills up or follows;
//! where the subquery is the right side of a LEFT JOIN, the condition is of that join's ON. The condition's subqueries read nothing
//! around them, and its functions give the same result throughout a statement; the subquery has no LIMIT and no windows, and is no
//! AS MATERIALIZED. It goes to WHERE, to HAVING of an aggregate (to WHERE again if it only reads what is grouped by), and into every
//! arm of a compound. Where equal rows are merged, equality must be that of BINARY: otherwise another one of the equal rows might be
//! kept.

use super::substitute::{Count, Substitute, is_too_much, sources_read};
use crate::bind::types::{compare_how, in_list_how, in_query_how, ordering_collation, rows_how};
use crate::plan::{
    Body, ColumnIndex, CompareHow, CompoundOp, Core, Expr, InSet, JoinKind, Query, Relation, Source, SourceId, Visit,
    VisitMut, same_expr, walk_expr, walk_expr_mut,
};

/// Move conditions into the source at this position. True when something moved.
pub(super) fn push_into(core: &mut Core, position: usize) -> bool {
    let ids: Vec<SourceId> = core.sources.iter().map(|s| s.id).collect();
    let fills_up = |s: &Source| matches!(s.join, JoinKind::Right | JoinKind::Full);
    if core.sources.iter().skip(position).any(fills_up) {
        return false;
    }
    let Some(source) = core.sources.get_mut(position) else { return false };
    let id = source.id;
    let Relation::Query { query, materialize, .. } = &mut source.relation else { return false };
    if *materialize == Some(true)
        || query.limit.is_some()
        || query.offset.is_some()
        || !query.ctes.is_empty()
        || !takes_conditions(&query.body)
    {
        return false;
    }
    let mut moved = false;
    let mut stays = |e: &Expr| {
        if !may_move(e, id, &ids) || !can_take(query, id, e) {
            return true;
        }
        let in_compound = matches!(query.body, Body::Compound { .. });
        // SQLite leaves conditions on enclosing queries where they are: so where they would compare otherwise, they stay.
        let mut outside = Outside { id, found: false };
        outside.expr(e);
        if in_compound && outside.found && !add_condition(&mut query.body.clone(), id, e, true) {
            return true;
        }
        add_condition(&mut query.body, id, e, in_compound);
        // What the condition reads of enclosing queries is read by the subquery now.
        for read in sources_read(std::slice::from_ref(e)) {
            if read != id && !query.outer.contains(&read) {
                query.outer.push(read);
            }
        }
        crate::reached::note(crate::reached::Rule::PushDown);
        moved = true;
        // The values of a compound's terms may differ from those of its columns, which have one affinity: it holds here too.
        in_compound
    };
    // WHERE sees the rows of a LEFT JOIN that have found nothing, too.
    if source.join != JoinKind::Left {
        core.filter.retain(&mut stays);
    }
    source.on.retain(&mut stays);
    moved
}

/// True when the condition only reads the source, and columns of enclosing queries.
fn may_move(e: &Expr, id: SourceId, local: &[SourceId]) -> bool {
    let mut reads = false;
    let mut others = false;
    e.for_each_column(|s, column| {
        reads |= s == id;
        others |= (s != id && local.contains(&s)) || (s == id && column == ColumnIndex::Rowid);
    });
    let mut simple = Simple(true);
    simple.expr(e);
    reads && !others && simple.0
}

/// Whether something beside this source is read, outside of subqueries.
struct Outside {
    id: SourceId,
    found: bool,
}

impl Visit for Outside {
    fn expr(&mut self, e: &Expr) {
        self.found |= matches!(e, Expr::Column { source, .. } if *source != self.id);
        walk_expr(self, e);
    }

    fn query(&mut self, _: &Query) {}
}

/// Whether there are only operators, columns and steady functions outside of subqueries.
struct Simple(bool);

impl Visit for Simple {
    fn expr(&mut self, e: &Expr) {
        match e {
            Expr::Function { function, .. } if !function.flags.is_steady() => self.0 = false,
            Expr::Aggregate { .. } | Expr::Window { .. } | Expr::Register { .. } | Expr::Raise { .. } => self.0 = false,
            _ => walk_expr(self, e),
        }
    }

    // What stands in a subquery may read what is around it there.
    fn query(&mut self, q: &Query) {
        self.0 &= q.outer.is_empty();
    }
}

fn takes_conditions(body: &Body) -> bool {
    fn cores_take(body: &Body, merged: bool) -> bool {
        match body {
            Body::Core(core) => {
                let plain = core.windows.is_empty() && !core.sources.is_empty();
                plain && (!merged || core.output.iter().all(|e| ordering_collation(e).is_binary()))
            }
            Body::Values(_) => false,
            Body::Compound { left, right, collations, op } => {
                let exact = *op == CompoundOp::UnionAll || collations.iter().all(|c| c.is_binary());
                exact && cores_take(left, merged) && cores_take(right, merged)
            }
        }
    }
    cores_take(body, merges_rows(body))
}

/// Where anything but UNION ALL is in a compound, SQLite wants every column of every term to be BINARY.
fn merges_rows(body: &Body) -> bool {
    match body {
        Body::Compound { op, left, right, .. } => {
            *op != CompoundOp::UnionAll || merges_rows(left) || merges_rows(right)
        }
        Body::Core(_) | Body::Values(_) => false,
    }
}

/// The condition reads only outputs that can be computed earlier. A subquery is computed once more only in the term of a compound:
/// there it decides how the term's values compare.
fn can_take(query: &Query, id: SourceId, e: &Expr) -> bool {
    fn fits(body: &Body, read: &[u32], in_compound: bool) -> bool {
        match body {
            Body::Core(core) => {
                let distinct_binary = !core.distinct || core.output.iter().all(is_binary);
                let steady = |o: &Expr| !o.is_volatile() && (in_compound || !o.has_subquery());
                distinct_binary
                    && core.output.iter().zip(read).all(|(o, count)| *count == 0 || steady(o))
                    && !is_too_much(&core.output, read, 0)
                    // An aggregate without GROUP BY gives its row whatever the condition inside would say.
                    && (!core.is_aggregate() || !core.group_by.is_empty())
            }
            Body::Values(_) => false,
            Body::Compound { left, right, .. } => fits(left, read, true) && fits(right, read, true),
        }
    }
    let count = Count::in_expr(id, query.columns.len(), e);
    !count.blocked && fits(&query.body, &count.columns, false)
}

fn is_binary(e: &Expr) -> bool {
    match e {
        Expr::Column { collation, .. }
        | Expr::Collate { collation, .. }
        | Expr::FirstOf { collation, .. }
        | Expr::Function { collation, .. } => collation.is_binary(),
        _ => true,
    }
}

/// In a term of a compound the condition compares with the affinities of the term's own expressions, and with the collation that
/// the compound's column has, as SQLite does it. False when that makes a difference.
fn add_condition(body: &mut Body, id: SourceId, e: &Expr, in_compound: bool) -> bool {
    match body {
        Body::Core(core) => {
            let mut condition = e.clone();
            let reads = sources_read(&core.output);
            Substitute::new(id, &core.output, &reads).expr(&mut condition);
            let mut anew = CompareAnew { changed: false };
            if in_compound {
                anew.expr(&mut condition);
            }
            if core.group_by.is_empty() || only_groups(&condition, core) {
                core.filter.push(condition);
            } else {
                core.having = Some(match core.having.take() {
                    Some(having) => Expr::And(Box::new(having), Box::new(condition)),
                    None => condition,
                });
            }
            !anew.changed
        }
        Body::Values(_) => true,
        Body::Compound { left, right, .. } => {
            let same_left = add_condition(left, id, e, in_compound);
            add_condition(right, id, e, in_compound) && same_left
        }
    }
}

/// Decides the affinity of comparisons from the operands as they are now.
struct CompareAnew {
    changed: bool,
}

impl CompareAnew {
    fn set(&mut self, how: &mut CompareHow, new: CompareHow) {
        self.changed |= how.affinity != new.affinity;
        how.affinity = new.affinity;
    }
}

impl VisitMut for CompareAnew {
    fn expr(&mut self, e: &mut Expr) {
        walk_expr_mut(self, e);
        match e {
            Expr::Compare { left, right, how, .. } => self.set(how, compare_how(left, right)),
            Expr::CompareRows { left, right, how, .. } => {
                how.iter_mut().zip(rows_how(left, right)).for_each(|(how, new)| self.set(how, new));
            }
            Expr::Between { expr, low, high, low_how, high_how, .. } => {
                self.set(low_how, compare_how(expr, low));
                self.set(high_how, compare_how(expr, high));
            }
            Expr::In { left, set: InSet::List(_), how, .. } => {
                how.iter_mut().zip(left).for_each(|(how, left)| self.set(how, in_list_how(left)));
            }
            Expr::In { left, set: InSet::Query(query), how, .. } => {
                let columns = how.iter_mut().zip(left).enumerate();
                columns.for_each(|(i, (how, left))| self.set(how, in_query_how(left, query, i)));
            }
            Expr::Case { base: Some(base), arms, .. } => {
                for arm in arms {
                    if let Some(how) = &mut arm.how {
                        self.set(how, compare_how(base, &arm.when));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The condition reads only what the core groups by: it holds for all rows of a group or for none. A group that a collation
/// merges may hold different values, so only BINARY ones count.
fn only_groups(condition: &Expr, core: &Core) -> bool {
    !condition.any(|e| match e {
        Expr::Aggregate { .. } => true,
        Expr::Column { collation, .. } => !collation.is_binary() || !core.group_by.iter().any(|g| same_expr(g, e)),
        _ => false,
    })
}
