//! Result columns that are large subqueries, shared by all who use them: the column itself and those who name it by its alias or
//! position.
//!
//! Elsewhere an alias stands for a copy of what it names. Subqueries nested in each other, each of which names its own column twice,
//! would grow as powers; so what is large already is shared instead, and code generation computes it once. Only what depends on
//! nothing around it can be: it has the same value wherever it stands.

use std::sync::Arc;

use turso_functions::Function;

use crate::plan::{Core, CoreId, Expr, Query, Relation, Visit, walk_core, walk_expr, walk_query};

/// Expressions up to this size are copied: each copy can be rewritten for its own place.
const SMALL: usize = 1000;

/// Replace a large subquery that reads nothing around it by a shared one.
pub(super) fn share(expr: &mut Expr) {
    let Expr::Subquery(query) = &*expr else { return };
    if !query.outer.is_empty() {
        return;
    }
    let mut nodes = 0;
    expr.any(|_| {
        nodes += 1;
        false
    });
    if nodes > SMALL && stands_alone(query) {
        let hollow = Expr::Literal(turso_value::Value::Null);
        if let Expr::Subquery(query) = std::mem::replace(expr, hollow) {
            *expr = Expr::Shared(Arc::from(query));
        }
    }
}

/// The query gives the same result wherever it stands, and each time.
fn stands_alone(query: &Query) -> bool {
    let mut found = Alone { cores: Vec::new(), alone: true };
    found.query(query);
    found.alone
}

struct Alone {
    /// The cores inside.
    cores: Vec<CoreId>,
    alone: bool,
}

impl Alone {
    fn function(&mut self, function: &Function) {
        self.alone &= function.flags.is_steady();
    }
}

impl Visit for Alone {
    fn expr(&mut self, e: &Expr) {
        match e {
            Expr::Aggregate { core, .. } | Expr::Window { core, .. } => self.alone &= self.cores.contains(core),
            Expr::Register { .. } | Expr::Raise { .. } => self.alone = false,
            Expr::Function { function, .. } => self.function(function),
            _ => {}
        }
        walk_expr(self, e);
    }

    fn query(&mut self, query: &Query) {
        walk_query(self, query);
    }

    fn core(&mut self, core: &Core) {
        self.cores.push(core.id);
        core.aggregates.iter().for_each(|aggregate| self.function(&aggregate.function));
        core.windows.iter().for_each(|window| self.function(&window.function));
        let plain = |relation: &Relation| matches!(relation, Relation::Table { .. } | Relation::Query { .. });
        self.alone &= core.sources.iter().all(|source| plain(&source.relation));
        walk_core(self, core);
    }
}
