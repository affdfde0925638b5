//! From the sources and conjuncts of one core to nested loops: which order, which access paths, which filters where.

mod used;

pub use used::{ColumnSet, UsedColumns};

use turso_error::Result;

use crate::context::PlanContext;
use crate::plan::{Access, Core, JoinKind, JoinPlan, Level, Relation, Wish};

/// Plan the FROM and WHERE of one core. `used` says what the whole statement reads, `wish` which order of rows would help.
pub fn plan_core(core: &Core, used: &UsedColumns, wish: &Wish, context: &PlanContext<'_>) -> Result<JoinPlan> {
    let _ = (used, wish, context);
    let mut plan = JoinPlan { rows: 1.0, single_row: core.sources.is_empty(), ..JoinPlan::default() };
    for (position, source) in core.sources.iter().enumerate() {
        let access = match &source.relation {
            Relation::Table { .. } => Access::Scan { reverse: false },
            _ => Access::Produced { materialized: position > 0 },
        };
        plan.levels.push(Level {
            position,
            source: source.id,
            join: source.join,
            access,
            filters: source.on.clone(),
            after_outer: Vec::new(),
            one_row: false,
            rows: 1.0,
            cost: 1.0,
        });
    }
    match plan.levels.last_mut() {
        None => plan.constant_filters = core.filter.clone(),
        Some(last) if last.join == JoinKind::Left => last.after_outer = core.filter.clone(),
        Some(last) => last.filters.extend(core.filter.iter().cloned()),
    }
    Ok(plan)
}
