//! Result columns that are large subqueries, shared by all who use them: the column itself and those who name it by its alias or
//! position.
//!
//! Elsewhere an alias stands for a copy of what it names. Subqueries nested in each other, each of which names its own column twice,
//! would grow as powers; so what is large already is shared instead, and code generation computes it once. Only what depends on
//! nothing around it can be: it has the same value wherever it stands.

use std::sync::Arc;

use crate::plan::{Depends, Expr, Query};

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
    let depends = Depends::of(query);
    !depends.unclear && !depends.ctes
}
