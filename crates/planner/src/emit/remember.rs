//! Correlated subqueries whose last result is kept: while the columns that they read of the queries around them stay the same, so
//! does the result.
//!
//! ```text
//!   lineitem JOIN part WHERE l_quantity < (SELECT avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)
//!                                                     runs once for each part, not for each of its thirty lines
//! ```
//! Only in statements that change nothing, and where nothing in the subquery may give another result the next time.

use turso_error::Result;
use turso_program::data::{Integer, Unchanged};

use super::emitter::Place;
use super::{Emitter, SourceBinding};
use crate::plan::{ColumnIndex, Depends, Expr, Query, SourceId, Visit, same_expr, walk_expr};

/// More outer columns than these are compared in vain too often.
const MOST_COLUMNS: usize = 4;

impl Emitter<'_> {
    /// Emit `compute`, which leaves the result of the query in registers of its own, so that it is passed over where the result is
    /// there from the last time.
    pub(super) fn remembering(&mut self, query: &Query, compute: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let columns = if self.reads_only && self.loop_depth > 0 { outer_columns(query) } else { None };
        let columns = columns.filter(|_| !self.reads_key(query));
        let Some(columns) = columns.filter(|columns| columns.iter().all(|c| self.is_cheap(c))) else {
            return compute(self);
        };
        let known = self.builder.label();
        let (values, kept) = (self.builder.registers(columns.len() + 1), self.builder.registers(columns.len() + 1));
        // What is kept is NULL at first: the 1 tells it from columns that are NULL.
        self.builder.emit(Integer { value: 1, dest: values.first });
        for (i, column) in columns.iter().enumerate() {
            self.expr_into(column, values.at(i + 1))?;
        }
        self.builder.emit(Unchanged { values, kept, target: known });
        compute(self)?;
        self.builder.bind(known);
        Ok(())
    }

    /// The query has an expression whose value is that of a group key or of a sorter's field: the columns that the expression is made of
    /// are gone there, and stay as they are from one group to the next.
    fn reads_key(&self, query: &Query) -> bool {
        let computed = |(e, _): &&(Expr, Place)| !matches!(e, Expr::Column { .. });
        let mut keys = Keys { keys: self.known.iter().filter(computed).map(|(e, _)| e).collect(), found: false };
        if !keys.keys.is_empty() {
            keys.query(query);
        }
        keys.found
    }

    /// Reading the column computes nothing, and so fails in nothing.
    fn is_cheap(&self, column: &Expr) -> bool {
        let Expr::Column { source, column, .. } = column else { return false };
        match (self.source_binding(*source), column) {
            (Some(SourceBinding::Cursor { table, .. }), ColumnIndex::Column(c)) => {
                table.columns.get(usize::from(*c)).is_some_and(|c| c.generated.is_none())
            }
            (Some(SourceBinding::Virtual { .. }) | None, _) => false,
            (Some(_), _) => true,
        }
    }
}

/// Looks for expressions that are group keys.
struct Keys<'k> {
    keys: Vec<&'k Expr>,
    found: bool,
}

impl Visit for Keys<'_> {
    fn expr(&mut self, e: &Expr) {
        if self.keys.iter().any(|key| same_expr(key, e)) {
            self.found = true;
        } else if !self.found {
            walk_expr(self, e);
        }
    }
}

/// The columns of the enclosing queries that a query reads; `None` when its result depends on more than these.
fn outer_columns(query: &Query) -> Option<Vec<Expr>> {
    if query.outer.is_empty() {
        return None;
    }
    let Depends { columns, unclear, .. } = Depends::of(query);
    let reads =
        |source: &SourceId| columns.iter().any(|c| matches!(c, Expr::Column { source: of, .. } if of == source));
    let all = query.outer.iter().all(reads);
    (all && !unclear && columns.len() <= MOST_COLUMNS).then_some(columns)
}
