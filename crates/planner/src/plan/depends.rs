//! What the result of a query depends on beside the rows that its own FROM clauses name: whoever computes it once for several places,
//! or keeps it, must know.

use turso_functions::Function;

use super::{Core, CoreId, Expr, Query, Relation, SourceId, Visit, walk_core, walk_expr, walk_query};

/// What a query depends on.
#[derive(Default)]
pub(crate) struct Depends<'q> {
    outer: &'q [SourceId],
    /// The columns of the queries around it that it reads.
    pub columns: Vec<Expr>,
    /// It reads a common table expression.
    pub ctes: bool,
    /// There is more, or another result each time: nothing may be made of it.
    pub unclear: bool,
    /// The cores inside.
    cores: Vec<CoreId>,
}

impl<'q> Depends<'q> {
    /// What this query does.
    pub fn of(query: &'q Query) -> Self {
        let mut found = Self { outer: &query.outer, ..Self::default() };
        found.query(query);
        found
    }

    fn function(&mut self, function: &Function) {
        self.unclear |= !function.flags.is_steady();
    }
}

impl Visit for Depends<'_> {
    fn expr(&mut self, e: &Expr) {
        match e {
            Expr::Column { source, column, .. } => {
                let same =
                    |c: &Expr| matches!(c, Expr::Column { source: s, column: k, .. } if s == source && k == column);
                if self.outer.contains(source) && !self.columns.iter().any(same) {
                    self.columns.push(e.clone());
                }
            }
            // Of an enclosing core.
            Expr::Aggregate { core, .. } | Expr::Window { core, .. } => self.unclear |= !self.cores.contains(core),
            Expr::Register { .. } | Expr::Raise { .. } => self.unclear = true,
            Expr::Function { function, .. } => self.function(function),
            _ => {}
        }
        walk_expr(self, e);
    }

    fn query(&mut self, query: &Query) {
        if !self.unclear {
            walk_query(self, query);
        }
    }

    fn core(&mut self, core: &Core) {
        self.cores.push(core.id);
        core.aggregates.iter().for_each(|aggregate| self.function(&aggregate.function));
        core.windows.iter().for_each(|window| self.function(&window.function));
        for source in &core.sources {
            match &source.relation {
                Relation::Recursive { .. } | Relation::Virtual { .. } => self.unclear = true,
                Relation::Cte(cte) => {
                    self.ctes = true;
                    self.unclear |= !cte.query.outer.is_empty() || cte.recursive.is_some();
                }
                Relation::Table { .. } | Relation::Query { .. } => {}
            }
        }
        walk_core(self, core);
    }
}
