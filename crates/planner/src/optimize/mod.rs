//! From the sources and conjuncts of one core to nested loops: which order, which access paths, which filters where.
//!
//! | file | subject |
//! |---|---|
//! | `used` | the columns that a statement reads |
//! | `source` | a source's table, size and indexes |
//! | `terms`, `terms_like` | conjuncts, and how they could help to find rows |
//! | `cost` | estimates |
//! | `samples`, `interpolate` | better ones, where values are known and ANALYZE has kept samples |
//! | `path`, `path_or` | ways of finding the rows of one source |
//! | `point` | the plan of a look-up by rowid, without a search |
//! | `virtual_table` | what a virtual table offers |
//! | `order` | which wished order a sequence of loops delivers |
//! | `search` | the sequence of loops |
//! | `build` | the plan: access paths and the place of every filter |

mod build;
mod cost;
mod interpolate;
mod order;
mod path;
mod path_or;
mod point;
mod samples;
mod search;
mod source;
mod terms;
mod terms_like;
mod used;
mod virtual_table;

pub(crate) use source::bind_index_expr;
pub use used::{ColumnSet, UsedColumns};

use turso_error::{Error, Result};

use crate::context::PlanContext;
use crate::plan::{Body, Core, Expr, JoinKind, JoinPlan, Query, Relation, Wish};

/// The most sources that one core joins: sets of sources are words.
const MOST_SOURCES: usize = 64;

/// Rows of something that is produced and of which nothing is known.
const PRODUCED_ROWS: cost::LogEst = 200;

/// Plan the FROM and WHERE of one core. `used` says what the whole statement reads, `wish` which order of rows would help.
pub fn plan_core(core: &Core, used: &UsedColumns, wish: &Wish, context: &PlanContext<'_>) -> Result<JoinPlan> {
    let plan = choose(core, used, wish, context)?;
    crate::reached::note_plan(&plan);
    Ok(plan)
}

fn choose(core: &Core, used: &UsedColumns, wish: &Wish, context: &PlanContext<'_>) -> Result<JoinPlan> {
    if let Some(plan) = point::by_rowid(core, wish) {
        return Ok(plan);
    }
    // Rows that found no partner come after all others.
    let unordered = Wish { order: Vec::new(), min_max: false, ..wish.clone() };
    let wish = if core.sources.iter().any(|s| is_right(s.join)) { &unordered } else { wish };
    let sources = core.sources.len();
    if sources == 0 {
        return Ok(JoinPlan {
            constant_filters: core.filter.clone(),
            single_row: true,
            rows: 1.0,
            ..JoinPlan::default()
        });
    }
    if sources > MOST_SOURCES {
        return Err(Error::sql("at most 64 tables in a join"));
    }
    let mut infos = source::sources(core, used, context)?;
    let alone = source::may_be_one_row(core);
    if !alone {
        source::add_indexes(&mut infos, context)?;
    }
    let expression_keys = infos.iter().enumerate().fold(0, |mask, (i, info)| {
        let any = info.indexes.iter().flat_map(|x| &x.keys).any(|k| matches!(k.key, source::BoundKey::Expr(_)));
        mask | terms::Mask::from(any) << i
    });
    let mut terms = terms::Terms::new(core, &context.options, expression_keys);
    for filter in &core.filter {
        terms.add(filter, None);
    }
    for (position, source) in core.sources.iter().enumerate() {
        if let Relation::Virtual { args, .. } = &source.relation {
            // They hold for the source alone, whatever is joined to it later.
            args.iter().for_each(|condition| terms.add(condition, Some(position)));
        }
        for condition in &source.on {
            terms.add(condition, Some(position));
        }
    }
    terms.add_transitive();
    if sources > 1 {
        path_or::add_parts(&mut terms, &infos);
    }

    if alone
        && let [info] = infos.as_slice()
        && let Some(path) = path::by_rowid(info, &terms)
    {
        return one_row(&infos, &terms, path, wish);
    }
    if alone {
        source::add_indexes(&mut infos, context)?;
    }
    let mut paths = Vec::new();
    if let [info] = infos.as_slice()
        && info.table.is_some()
        && info.source.join == JoinKind::Inner
        && let Some(path) = path::one_row(info, &terms)
    {
        return one_row(&infos, &terms, path, wish);
    }
    for (position, info) in infos.iter().enumerate() {
        let correlated = matches!(&info.source.relation, Relation::Query { query, .. } if !query.outer.is_empty());
        if let Some(connected) = info.virtual_table {
            paths.extend(virtual_table::paths(context.catalogue, info, connected, position, &terms, wish)?);
            continue;
        }
        let produced = matches!(info.source.relation, Relation::Recursive { .. });
        let finder = path::Finder {
            info,
            position,
            terms: &terms,
            wish,
            paths: Vec::new(),
            in_or: false,
            automatic: context.options.automatic_index && !correlated && !produced,
        };
        paths.extend(finder.find());
    }
    note_statistics_used(&infos, &terms, context);
    let orders = order::Orders::new(wish, &terms, &infos);
    // A core that reads columns of an enclosing query runs often: an index made for it may pay, where SQLite scans each time.
    let initial = if terms.correlated { cost::log_est_real(wish.runs.min(1e9)) } else { 0 };
    let Some(chosen) = search::choose(&infos, &paths, &orders, initial) else {
        return Err(Error::sql("no query solution"));
    };
    let mut plan = build::build(&infos, &terms, &paths, &chosen, wish)?;
    if context.options.reverse_unordered_selects && wish.order.is_empty() {
        for level in &mut plan.levels {
            level.access.set_reverse(true);
        }
    }
    Ok(plan)
}

/// Tell the connection which tables' statistics have been looked at, or looked for: those of indexes that a condition could use.
fn note_statistics_used(infos: &[source::SourceInfo<'_>], terms: &terms::Terms<'_>, context: &PlanContext<'_>) {
    for (position, info) in infos.iter().enumerate() {
        let Relation::Table { db, table } = &info.source.relation else { continue };
        let restricted = |index: &source::IndexInfo| {
            if !index.partial.is_empty() && !source::implied(info, position, &index.partial, terms) {
                return false;
            }
            let is_restricted = |key: &source::IndexKeyInfo| {
                let compares =
                    |u: &terms::Usable<'_>| matches!(u.op, terms::Op::IsNull) || u.collation == key.collation;
                let restricts = |u: &&terms::Usable<'_>| u.source == position && u.restricts(key.key.as_ref());
                terms.usable.iter().filter(restricts).any(compares)
            };
            // How many rows all columns of a unique key find needs no statistics.
            let declared = index.index.columns.len();
            let prefix = index.keys.iter().take(declared).take_while(|key| is_restricted(key)).count();
            prefix > 0 && !(index.index.unique && prefix == declared)
        };
        if info.indexes.iter().any(restricted) {
            context.catalogue.note_statistics_used(*db, &table.name);
        }
    }
}

/// The plan of a path that finds one row at most: any order is delivered.
fn one_row(
    infos: &[source::SourceInfo<'_>],
    terms: &terms::Terms<'_>,
    path: path::Path,
    wish: &Wish,
) -> Result<JoinPlan> {
    let order = wish.order.iter().enumerate().map(|(i, term)| (i, term.descending)).collect();
    let delivered = order::Delivered { count: Some(wish.order.len()), reverse: 0, terms: order };
    build::build(infos, terms, &[path], &search::Chosen { paths: vec![0], delivered, rows: 0 }, wish)
}

/// How many rows a subquery or CTE is taken to give.
fn produced_rows(relation: &Relation, context: &PlanContext<'_>) -> cost::LogEst {
    match relation {
        Relation::Query { query, .. } => query_rows(query, context, 0),
        Relation::Cte(cte) if cte.recursive.is_none() => query_rows(&cte.query, context, 0),
        Relation::Recursive { .. } => 0,
        Relation::Table { .. } | Relation::Virtual { .. } | Relation::Cte(_) => PRODUCED_ROWS,
    }
}

fn query_rows(query: &Query, context: &PlanContext<'_>, depth: u32) -> cost::LogEst {
    let rows = body_rows(&query.body, context, depth);
    match &query.limit {
        Some(Expr::Literal(turso_value::Value::Integer(n))) if *n >= 0 => rows.min(cost::log_est(*n as u64)),
        _ => rows,
    }
}

fn body_rows(body: &Body, context: &PlanContext<'_>, depth: u32) -> cost::LogEst {
    // Deeper nesting says less and costs more to look at.
    if depth > 4 {
        return PRODUCED_ROWS;
    }
    match body {
        Body::Values(rows) => cost::log_est(rows.len() as u64),
        Body::Compound { left, right, .. } => {
            cost::add(body_rows(left, context, depth + 1), body_rows(right, context, depth + 1))
        }
        Body::Core(core) if core.is_aggregate() && core.group_by.is_empty() => 0,
        Body::Core(core) => plan_core(core, &UsedColumns::everything(), &Wish::default(), context)
            .map_or(PRODUCED_ROWS, |plan| cost::log_est_real(plan.rows)),
    }
}

/// True when a column with this affinity holds values that compare, as stored, as the comparison compares them.
pub(crate) fn index_serves(column: turso_value::Affinity, how: &crate::plan::CompareHow) -> bool {
    terms::serves(column, how)
}

/// What part of the rows is taken to satisfy a condition that no index serves.
pub(crate) fn share(condition: &Expr) -> f32 {
    cost::number(cost::guess(condition)) as f32
}

/// True for joins that supply NULL rows for either side.
fn is_right(join: JoinKind) -> bool {
    matches!(join, JoinKind::Right | JoinKind::Full)
}
